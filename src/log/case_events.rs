//! The events of cases that decide which messages belong to them, case by case.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use datafusion::prelude::{col, lit};
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::log::Log;
use crate::model::event::{EventType, Status};
use crate::store::engine::{self, Resources};

const COLUMNS: &[&str] = &["subject", "type", "time", "source", "customer", "profile", "status"];

/// An event of a case, with the members that decide to which case a message belongs.
#[derive(Clone, Copy, Debug)]
pub struct OfCase<'b> {
    /// The case.
    pub subject: &'b str,
    /// The type of the event.
    pub kind: EventType,
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// Where the event comes from.
    pub source: &'b str,
    /// Of a creation, the customer.
    pub customer: Option<&'b str>,
    /// Of a creation, the profile.
    pub profile: Option<&'b str>,
    /// Of a change of status, the status.
    pub status: Option<Status>,
}

impl Log {
    /// Gives the events of some types, those of a case together and in the order of the log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn each_of_case(
        &self,
        types: &[EventType],
        resources: Resources,
        take: &mut (dyn FnMut(OfCase<'_>) + Send),
    ) -> Result<()> {
        let context = engine::session(resources)?;
        engine::use_cores(&context, 1);
        context.register_table("log", self.events.provider()?)?;
        let types = types.iter().map(|kind| lit(kind.name())).collect();
        let of_types = col("type").in_list(types, false);
        let order = ["subject", "time", "sequence", "rank", "source", "id"].map(|name| col(name).sort(true, false));
        let events = context.table("log").await?.filter(of_types)?.sort(order.to_vec())?;
        let mut batches = events.select_columns(COLUMNS)?.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            each(&batch, take)?;
        }
        Ok(())
    }
}

fn each(batch: &RecordBatch, take: &mut (dyn FnMut(OfCase<'_>) + Send)) -> Result<()> {
    let column = |name: &str| {
        let lacks = || Error::invalid("table `events`", format!("there is no column `{name}`"));
        batch.column_by_name(name).ok_or_else(lacks)
    };
    let texts = |name| Ok::<_, Error>(column(name)?.as_string_view());
    let (subjects, types, statuses) = (texts("subject")?, texts("type")?, texts("status")?);
    let (sources, customers, profiles) = (texts("source")?, texts("customer")?, texts("profile")?);
    let times = column("time")?.as_primitive::<TimestampMillisecondType>();
    for row in 0..batch.num_rows() {
        let Some(kind) = EventType::parse(types.value(row)) else { continue };
        take(OfCase {
            subject: subjects.value(row),
            kind,
            time_ms: times.value(row),
            source: sources.value(row),
            customer: customers.is_valid(row).then(|| customers.value(row)),
            profile: profiles.is_valid(row).then(|| profiles.value(row)),
            status: statuses.is_valid(row).then(|| statuses.value(row)).and_then(Status::parse),
        });
    }
    Ok(())
}
