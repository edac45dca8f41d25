//! Customers: the versions of each from its events, one customer at a time.
//!
//! There may be more customers than fit into memory, so they are no part of the desk: the engine sorts their events, which
//! spills, and here only one is held.

use arrow::array::RecordBatch;
use datafusion::prelude::{DataFrame, col, lit};
use futures::StreamExt;

use crate::error::Result;
use crate::facts::manifest;
use crate::facts::rows::Sheet;
use crate::facts::tables::CUSTOMERS;
use crate::model::customer::Customer;
use crate::model::desk::DeskEvent;
use crate::model::event::EventType;
use crate::replay::{Replay, input, of_rank_0};
use crate::store::data_file::NewFile;

/// Rows that are collected before they are written.
const BATCH_ROWS: usize = 8192;

impl Replay {
    /// Writes the file of `customers` from those events of the log.
    pub(super) async fn replay_customers(&self, events: DataFrame) -> Result<NewFile> {
        let folder = manifest::create_folder(&self.home, &CUSTOMERS)?;
        let mut writer = manifest::begin_file(&folder, &CUSTOMERS)?;
        customers(events, |rows| writer.write(&rows)).await?;
        writer.finish()
    }
}

/// Hands over the rows of `customers` of events of the log, some at a time.
///
/// # Errors
/// When the log cannot be read, and what `take` returns.
pub async fn customers(events: DataFrame, mut take: impl FnMut(RecordBatch) -> Result<()>) -> Result<()> {
    let order = ["subject", "time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    let events = of_rank_0(events)?.filter(col("type").eq(lit(EventType::CustomerUpdated.name())))?;
    let events = input::plain_texts(events, &[input::DESK_COLUMNS, &["sequence"]].concat())?.sort(order.to_vec())?;
    let mut batches = events.execute_stream().await?;
    let mut rows = Rows { sheet: Sheet::new(CUSTOMERS.columns), present: None };
    while let Some(batch) = batches.next().await {
        for event in input::desk_events(&batch?)? {
            rows.take(&event);
            if rows.sheet.rows() >= BATCH_ROWS {
                take(rows.sheet.finish()?)?;
            }
        }
    }
    take(rows.end()?)
}

/// The rows so far, and the customer whose events are being read.
struct Rows {
    sheet: Sheet,
    present: Option<(String, Customer)>,
}

impl Rows {
    fn take(&mut self, event: &DeskEvent<'_>) {
        if self.present.as_ref().is_none_or(|(name, _)| name != event.subject) {
            self.write_present();
            self.present = Some((event.subject.to_owned(), Customer::default()));
        }
        if let Some((_, customer)) = &mut self.present {
            customer.update(event.time, &event.data);
        }
    }

    fn write_present(&mut self) {
        let Some((name, customer)) = self.present.take() else { return };
        for version in customer.versions().iter() {
            self.sheet
                .row()
                .put(name.as_str())
                .put(version.since)
                .put(version.until)
                .put(version.value.name.as_deref())
                .put(version.value.data.as_str());
        }
    }

    fn end(&mut self) -> Result<RecordBatch> {
        self.write_present();
        self.sheet.finish()
    }
}
