//! Whether the facts of a store are those that a replay of everything gives, row by row.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::facts::columns::Kind;
use crate::facts::tables::FACT_TABLES;
use crate::log::Log;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::query::moment::Moment;
use crate::store::engine::Resources;

/// A table whose rows differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    /// Rows that the facts have and the replay does not give.
    pub too_many: u64,
    /// Rows that the replay gives and the facts do not have.
    pub missing: u64,
}

/// Replays the log that the facts stand for beside the store, and compares every table.
///
/// # Errors
/// When the store cannot be read, or there is not enough space for the facts beside it.
pub async fn compare(log: &Log, resources: Resources) -> Result<Vec<Difference>> {
    let everything = Moment { as_of: Some(Instant(i64::MAX)), ..Moment::default() };
    let session = Database::present(log, resources).await?.session();
    let beside = Database::at(log, resources, everything).await?.session();
    let mut differences = Vec::new();
    for table in FACT_TABLES {
        let name = table.name;
        let replayed = format!("replayed_{name}");
        session.register_table(&replayed, beside.table(name).await?.into_view())?;
        let columns: Vec<String> = table.visible_columns().map(compared).collect();
        let columns = columns.join(", ");
        let too_many = rows_of_first_alone(&session, name, &replayed, &columns).await?;
        let missing = rows_of_first_alone(&session, &replayed, name, &columns).await?;
        if too_many + missing > 0 {
            differences.push(Difference { table: name, too_many, missing });
        }
    }
    Ok(differences)
}

/// A column as it is compared: the engine compares lists, but not maps.
fn compared((name, kind): &(&str, Kind)) -> String {
    match kind {
        Kind::Map => format!(r#"map_keys("{name}") AS "{name}_keys", map_values("{name}") AS "{name}_values""#),
        _ => format!(r#""{name}""#),
    }
}

async fn rows_of_first_alone(session: &SessionContext, first: &str, second: &str, columns: &str) -> Result<u64> {
    let query =
        format!("SELECT count(*) FROM (SELECT {columns} FROM {first} EXCEPT ALL SELECT {columns} FROM {second})");
    let rows = session.sql(&query).await?.collect().await?;
    let count = rows.first().and_then(|batch| batch.column(0).as_primitive::<Int64Type>().iter().next().flatten());
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}
