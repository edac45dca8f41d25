//! Which rows a lookup of a dimension is read from.

use datafusion::logical_expr::ScalarUDF;

use super::dimension::Lookup;
use super::question::{Question, instant_value};
use crate::error::Result;
use crate::facts::tables::{CASES, PERIODS};
use crate::query::database::Database;

/// Bytes that a lookup holds for each case and for each period, while it is read.
const CASE_BYTES: u64 = 16;
const PERIOD_BYTES: u64 = 48;

/// The function of a lookup; nothing where it would take too much memory.
///
/// # Errors
/// When the facts cannot be read.
pub async fn function(lookup: Lookup, question: &Question, database: &Database) -> Result<Option<ScalarUDF>> {
    let session = database.session_by_number();
    let name = lookup.name();
    let Question { as_of, range, .. } = question;
    match lookup {
        Lookup::Case(column) => {
            let Some(lookups) = database.lookups(&CASES, CASE_BYTES) else { return Ok(None) };
            let frame = async { Ok(session.sql(&format!("SELECT case_id, {column} FROM cases")).await?) };
            lookups.of_cases(&name, &name, frame).await
        }
        Lookup::AsOf(column) => {
            let Some(lookups) = database.lookups(&CASES, CASE_BYTES) else { return Ok(None) };
            let sql = format!(
                "SELECT case_id, {column} FROM periods WHERE since <= $as_of AND (until IS NULL OR until > $as_of)"
            );
            let parameters = vec![("as_of".to_owned(), instant_value(*as_of))];
            let frame = async { Ok(session.sql(&sql).await?.with_param_values(parameters)?) };
            lookups.of_cases(&format!("{name} {}", as_of.0), &name, frame).await
        }
        Lookup::Then(column) => {
            let Some(lookups) = database.lookups(&PERIODS, PERIOD_BYTES) else { return Ok(None) };
            // Every contribution of a question counts within its range.
            let sql = format!(
                "SELECT case_id, {column}, since, until FROM periods WHERE since < $to AND (until IS NULL OR until > $from)"
            );
            let parameters = [("from", range.from), ("to", range.to)];
            let parameters = parameters.map(|(name, at)| (name.to_owned(), instant_value(at))).to_vec();
            let frame = async { Ok(session.sql(&sql).await?.with_param_values(parameters)?) };
            lookups.of_periods(&format!("{name} {} {}", range.from.0, range.to.0), &name, frame).await
        }
    }
}
