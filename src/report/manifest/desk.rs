//! The versions of policies and calendars that were in force.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{col, lit};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::tables::{CALENDARS, POLICIES};
use crate::metric::question::instant_value;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::store::hash::sha256;

/// One version of a policy or a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskVersion {
    pub name: String,
    pub since: Instant,
    /// Of everything that the version states.
    pub sha256: String,
}

/// The versions of policies that were in force between two instants.
pub(super) async fn policies(database: &Database, from: Instant, until: Instant) -> Result<Vec<DeskVersion>> {
    versions(database, &POLICIES, "policy", (from, until)).await
}

/// The versions of calendars that were in force between two instants.
pub(super) async fn calendars(database: &Database, from: Instant, until: Instant) -> Result<Vec<DeskVersion>> {
    versions(database, &CALENDARS, "calendar", (from, until)).await
}

async fn versions(
    database: &Database,
    table: &FactTable,
    name: &str,
    (from, until): (Instant, Instant),
) -> Result<Vec<DeskVersion>> {
    let (from, until) = (lit(instant_value(from)), lit(instant_value(until)));
    let begun = col("since").lt_eq(until);
    let not_ended = col("until").is_null().or(col("until").gt(from));
    let order = [name, "since"].map(|column| col(column).sort(true, false)).to_vec();
    let rows = database.session().table(table.name).await?.filter(begun.and(not_ended))?.sort(order)?;
    let mut versions = Vec::new();
    for batch in rows.collect().await? {
        for row in 0..batch.num_rows() {
            versions.push(version(&batch, row, name)?);
        }
    }
    Ok(versions)
}

/// When a version ends is not part of it: another one decides that.
fn version(batch: &RecordBatch, row: usize, name: &str) -> Result<DeskVersion> {
    let schema = batch.schema();
    let (mut own, mut since, mut stated) = (String::new(), Instant(0), String::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let text = text_at(column.as_ref(), row)?;
        match field.name().as_str() {
            "until" => continue,
            "since" => since = instant_at(column.as_ref(), row),
            column if column == name => own.clone_from(&text),
            _ => {}
        }
        stated.push_str(&format!("{}={}:{text}\n", field.name(), text.len()));
    }
    Ok(DeskVersion { name: own, since, sha256: sha256(stated.as_bytes()) })
}

fn text_at(column: &dyn Array, row: usize) -> Result<String> {
    let options = FormatOptions::default().with_null("null");
    Ok(ArrayFormatter::try_new(column, &options)?.value(row).try_to_string()?)
}

fn instant_at(column: &dyn Array, row: usize) -> Instant {
    let instants = column.as_primitive_opt::<TimestampMillisecondType>();
    Instant(instants.map_or(0, |instants| instants.value(row)))
}
