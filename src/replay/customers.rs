//! Customers: the versions of each from its events, one customer at a time.
//!
//! There may be more customers than fit into memory, so they are not part of the desk: the engine sorts their events, which
//! may go to disk, and here only one customer is held.

use arrow::array::RecordBatch;
use datafusion::prelude::DataFrame;
use futures::StreamExt;

use crate::error::Result;
use crate::facts::rows::RowsBuilder;
use crate::facts::tables::{CustomerRow, Customers};
use crate::model::customer::Customer;
use crate::model::desk::DeskEvent;
use crate::replay::input;
use crate::replay::select::of_customers;

/// Rows that are handed over at once.
const BATCH_ROWS: usize = 8192;

/// Has `take` take the rows of `customers` that follow from events of the log.
///
/// # Errors
/// When the log cannot be read, and what `take` returns.
pub async fn customers(events: DataFrame, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    let mut batches = of_customers(events)?.execute_stream().await?;
    let mut customers = CustomerRows { rows: RowsBuilder::new(), present: None };
    while let Some(batch) = batches.next().await {
        for event in input::desk_events(&batch?)? {
            customers.apply(&event);
            if customers.rows.rows() >= BATCH_ROWS {
                take(&customers.rows.finish()?)?;
            }
        }
    }
    customers.push_present();
    take(&customers.rows.finish()?)
}

/// The rows so far, and the customer whose events are being read.
struct CustomerRows {
    rows: RowsBuilder<Customers>,
    present: Option<(String, Customer)>,
}

impl CustomerRows {
    fn apply(&mut self, event: &DeskEvent<'_>) {
        if self.present.as_ref().is_none_or(|(name, _)| name != event.subject) {
            self.push_present();
            self.present = Some((event.subject.to_owned(), Customer::default()));
        }
        if let Some((_, customer)) = &mut self.present {
            customer.update(event.time, &event.data);
        }
    }

    fn push_present(&mut self) {
        let Some((name, customer)) = self.present.take() else { return };
        for version in customer.versions().iter() {
            self.rows.push(CustomerRow {
                customer: Some(name.as_str()),
                since: Some(version.since),
                until: version.until,
                name: version.value.name.as_deref(),
                data: Some(version.value.data.as_str()),
            });
        }
    }
}
