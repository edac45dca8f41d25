//! `\d`: the tables, each with its meaning, and the columns of one.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::prelude::SessionContext;

use super::problem;
use crate::cli::output::Output;
use crate::error::{Error, Result};
use crate::facts::tables::DESK_EVENTS;
use crate::query::session;

/// What a row of each table is (4).
const MEANINGS: &[(&str, &str)] = &[
    ("events", "one row per event of the log"),
    ("cases", "one row per case, as it stands"),
    ("periods", "one row per time of unchanged status, assignee, priority and profile of a case"),
    ("assignments", "one row per assignment of a case to an agent"),
    ("turns", "one row per turn: from a customer's unanswered message to an agent's reply"),
    ("milestones", "one row per promise of an SLA policy: when it began, was due, was kept"),
    ("ledger", "one row per interval that a milestone's clock counted or left out"),
    ("resolutions", "one row per time that a case was resolved"),
    ("messages", "one row per message received, sent or noted"),
    ("field_values", "one row per time of an unchanged value of a case's field"),
    ("customers", "one row per version of a customer"),
    ("community_locks", "one row per time for which an escalated community message was locked"),
    ("breach_notices", "one row per breach of a milestone and person to be told"),
    ("presence", "one row per time of unchanged presence of a user"),
    ("users", "one row per version of a user"),
    ("profiles", "one row per version of a profile"),
    ("policies", "one row per version of an SLA policy"),
    ("calendars", "one row per version of a calendar"),
    ("groups", "one row per version of a group"),
    ("fields", "one row per version of a custom field"),
    ("settings", "one row per version of the desk's settings"),
    ("surveys", "one row per answered survey"),
    ("schedule_runs", "one row per run of a schedule"),
    ("findings", "one row per event that contradicts the model, with the rule it breaks"),
    ("workload", "one row per time of unchanged workload and capacity of a user"),
    ("user_skills", "one row per time for which a user had a skill of their own or through a group"),
    ("quarantine", "one row per line that could not be accepted as an event"),
];

/// Answers `d` and `d TABLE`; gives the number of rows.
pub async fn describe(session: &SessionContext, command: &str, output: &mut Output) -> Result<usize> {
    let mut words = command.trim_end_matches(';').split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("d"), None, _) => list(session, output),
        (Some("d"), Some(table), None) => columns(session, table, output).await,
        _ => {
            let error = Error::refused(format!("`\\{}` is not a command", command.trim()));
            Err(error.with_hint("`\\d` lists the tables, `\\d TABLE` its columns"))
        }
    }
}

/// The names of all tables: first those of the session in their own order, then what else there is.
pub fn tables(session: &SessionContext) -> Vec<String> {
    let config = session.copied_config();
    let defaults = &config.options().catalog;
    let schema =
        session.catalog(&defaults.default_catalog).and_then(|catalog| catalog.schema(&defaults.default_schema));
    let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
    // What the facts keep for themselves.
    names.retain(|name| name != DESK_EVENTS.name);
    let known = session::table_names();
    let rank = |name: &str| known.iter().position(|known| *known == name).unwrap_or(known.len());
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    names
}

/// The names and types of a table's columns; nothing where there is no such table.
pub async fn columns_of(session: &SessionContext, table: &str) -> Option<Vec<(String, String)>> {
    let provider = session.table_provider(table).await.ok()?;
    let schema = provider.schema();
    Some(schema.fields().iter().map(|field| (field.name().clone(), type_name(field.data_type()))).collect())
}

fn list(session: &SessionContext, output: &mut Output) -> Result<usize> {
    let names = tables(session);
    let meaning = |name: &String| MEANINGS.iter().find(|(table, _)| table == name).map_or("", |(_, meaning)| *meaning);
    let meanings = names.iter().map(meaning).collect();
    write(output, [("table", names.iter().map(String::as_str).collect()), ("meaning", meanings)])
}

async fn columns(session: &SessionContext, table: &str, output: &mut Output) -> Result<usize> {
    let found = columns_of(session, table).await;
    let found = found.ok_or_else(|| problem::no_such_table(session, format!("\\d {table}"), table))?;
    let (names, types) = found.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).unzip();
    write(output, [("column", names), ("type", types)])
}

fn write(output: &mut Output, columns: [(&str, Vec<&str>); 2]) -> Result<usize> {
    let columns = columns.map(|(name, texts)| (name, Arc::new(StringArray::from(texts)) as ArrayRef));
    let batch = RecordBatch::try_from_iter(columns)?;
    output.write_batches(&batch.schema(), std::slice::from_ref(&batch))?;
    Ok(batch.num_rows())
}

/// A type in the words of SQL; those that the facts do not use keep the engine's name.
fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(TimeUnit::Millisecond, Some(zone)) => format!("timestamp(ms, {zone})"),
        DataType::List(item) => format!("{}[]", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| type_name(part.data_type())).collect();
                format!("map({})", parts.join(", "))
            }
            other => format!("map({other})"),
        },
        other => other.to_string(),
    }
}
