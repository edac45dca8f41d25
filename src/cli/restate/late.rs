//! The events that arrived after a report was made and happened by its as-of.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use datafusion::prelude::{col, lit};

use crate::error::Result;
use crate::metric::question::instant_value;
use crate::model::time::Instant;
use crate::query::database::Database;

/// An event that arrived later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateEvent {
    pub id: String,
    pub time: Instant,
    pub kind: String,
    /// Nothing of an event about the desk.
    pub case: Option<String>,
    pub subject: String,
    pub source: String,
    pub batch: i64,
}

/// The late events, in the order of their times.
#[derive(Debug, Default)]
pub struct Late {
    pub events: Vec<LateEvent>,
    of_cases: HashMap<String, Vec<usize>>,
}

impl Late {
    /// The events of batches after that one whose time is not after the as-of.
    pub async fn after(database: &Database, batch: i64, as_of: Instant) -> Result<Late> {
        let is_late = col("batch").gt(lit(batch)).and(col("time").lt_eq(lit(instant_value(as_of))));
        let columns = ["id", "type", "case_id", "subject", "source", "time", "batch"];
        let order = ["time", "source", "id"].map(|name| col(name).sort(true, false)).to_vec();
        let events = database.session().table("events").await?.filter(is_late)?.select_columns(&columns)?;
        let mut late = Late::default();
        for rows in events.sort(order)?.collect().await? {
            let texts = |column: usize| arrow::compute::cast(rows.column(column), &DataType::Utf8);
            let [ids, kinds, cases, subjects, sources] = [texts(0)?, texts(1)?, texts(2)?, texts(3)?, texts(4)?];
            let (times, batches) =
                (rows.column(5).as_primitive::<TimestampMillisecondType>(), rows.column(6).as_primitive::<Int64Type>());
            for row in 0..rows.num_rows() {
                late.add(LateEvent {
                    id: text(&ids, row).unwrap_or_default(),
                    time: Instant(times.value(row)),
                    kind: text(&kinds, row).unwrap_or_default(),
                    case: text(&cases, row),
                    subject: text(&subjects, row).unwrap_or_default(),
                    source: text(&sources, row).unwrap_or_default(),
                    batch: batches.value(row),
                });
            }
        }
        Ok(late)
    }

    fn add(&mut self, event: LateEvent) {
        if let Some(case) = &event.case {
            self.of_cases.entry(case.clone()).or_default().push(self.events.len());
        }
        self.events.push(event);
    }

    /// Those of a case.
    pub fn of_case<'l>(&'l self, case: &str) -> impl Iterator<Item = &'l LateEvent> {
        self.of_cases.get(case).into_iter().flatten().filter_map(|position| self.events.get(*position))
    }

    /// Those about the desk: policies, calendars, users, settings, and customers.
    pub fn of_desk(&self) -> impl Iterator<Item = &LateEvent> {
        self.events.iter().filter(|event| event.case.is_none())
    }
}

fn text(column: &ArrayRef, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.as_string::<i32>().value(row).to_owned())
}
