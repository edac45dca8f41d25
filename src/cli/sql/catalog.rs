//! `\d`: the tables, each with its meaning, and the columns of one.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;

use crate::cli::output::Output;
use crate::error::{Error, Result};
use crate::query::sql::names::{columns_of, tables};
use crate::query::sql::problem;

/// What a row of each table is (4).
const MEANINGS: &[(&str, &str)] = &[
    ("events", "one row per event of the log"),
    ("cases", "one row per case, with its present state"),
    ("periods", "one row per time of unchanged status, assignee, priority and profile of a case"),
    ("assignments", "one row per assignment of a case to an agent"),
    ("turns", "one row per turn: from a customer's unanswered message to an agent's reply"),
    ("milestones", "one row per milestone instance: when it began, was due and was completed"),
    ("ledger", "one row per interval that a milestone's clock counted or left out"),
    ("resolutions", "one row per time that a case was resolved"),
    ("messages", "one row per message received, sent or noted"),
    ("field_values", "one row per time of an unchanged value of a case's field"),
    ("customers", "one row per version of a customer"),
    ("community_locks", "one row per time for which an escalated community message was locked"),
    ("breach_notices", "one row per breach of a milestone and user to notify"),
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
