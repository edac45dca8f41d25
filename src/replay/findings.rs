//! Findings that no case shows by itself: contradictions among the desk's events, and what only all cases show together
//! (2.7).
//!
//! After a refresh of some cases, queries and the pass across cases ([`super::across`]) read only the rows that these cases
//! can have changed. Other findings of before stay.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use futures::StreamExt;

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::layers::{Keys, Layers, Texts};
use crate::facts::tables::{AUTOMATIC_ASSIGNMENTS, FINDINGS, LOAD_SPANS, OPEN_SPANS, OTHER_FINDINGS, UNKNOWN_USERS};
use crate::model::position::LogPosition;
use crate::model::time::Instant;
use crate::replay::across::{ACROSS_TABLES, Across, invalid_position};
use crate::replay::select::is_among;
use crate::store::parquet::with_schema;

/// The queries of every replay; each row is a finding.
pub const QUERIES: [&str; 2] = [OF_THE_DESK, FIRST_EVENTS_OF_UNKNOWN_USERS];

/// Has `take` take the findings of one query, with the columns of the table.
///
/// # Errors
/// The engine's, and what `take` returns.
pub async fn find(
    context: &SessionContext,
    query: &str,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let schema = FINDINGS.schema();
    let mut batches = with_columns_of(&FINDINGS, context.sql(query).await?)?.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        take(&with_schema(&batch?, &schema)?)?;
    }
    Ok(())
}

/// A frame with the columns of a table and their types.
fn with_columns_of(table: &FactTable, rows: DataFrame) -> Result<DataFrame> {
    let schema = table.schema();
    let columns = schema.fields().iter();
    let columns = columns.map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    Ok(rows.select(columns.collect::<Vec<_>>())?)
}

/// Reads the tables of the session from which findings across cases follow, as [`register_narrowed`] registered them.
///
/// # Errors
/// The engine's, and when the temporary file cannot be written.
pub async fn read_across(context: &SessionContext, across: &Across) -> Result<()> {
    let mut writer = across.writer();
    for table in ACROSS_TABLES {
        let rows = with_columns_of(&table, context.table(table.name).await?)?;
        let mut batches = rows.execute_stream().await?;
        while let Some(batch) = batches.next().await {
            writer.add(&table, &batch?)?;
        }
    }
    writer.finish()
}

/// Registers what the queries and the pass across cases read after a refresh of some cases, whose rows are the last layer
/// of `now`: only the rows that these cases can have changed since `before`. Gives the query of the findings that stay.
///
/// # Errors
/// When the facts cannot be read.
pub async fn register_narrowed(
    context: &SessionContext,
    before: &Layers,
    now: &Layers,
    cases: &Arc<Keys>,
) -> Result<String> {
    context.register_table(UNKNOWN_USERS.name, now.provider(&UNKNOWN_USERS, Texts::Plain)?)?;
    for table in ACROSS_TABLES {
        let old = context.read_table(before.provider(&table, Texts::Plain)?)?.filter(is_among(
            cases,
            "case_id",
            Texts::Plain,
        ))?;
        context.register_table(format!("old_{}", table.name), old.into_view())?;
        context.register_table(format!("new_{}", table.name), now.of_last_layer(&table, Texts::Plain)?)?;
        context.register_table(format!("all_{}", table.name), now.provider(&table, Texts::Plain)?)?;
    }
    context.register_table("old_findings", before.provider(&OTHER_FINDINGS, Texts::Plain)?)?;
    for (name, query) in [("customers_of_spans", CUSTOMERS_OF_SPANS), ("cases_of_customers", CASES_OF_CUSTOMERS)] {
        let rows = context.sql(query).await?.cache().await?;
        context.register_table(name, rows.into_view())?;
    }
    context.register_table(OPEN_SPANS.name, context.sql(SPANS_OF_CUSTOMERS).await?.into_view())?;
    // Before the first change no user had another workload than before.
    let changed = first_change(context).await?.unwrap_or(Instant(i64::MAX));
    let position = LogPosition::Before(changed).to_text();
    let spans = SPANS_FROM.replace("$position", &position);
    context.register_table(LOAD_SPANS.name, context.sql(&spans).await?.into_view())?;
    let assignments = format!("SELECT * FROM all_automatic_assignments WHERE event_position >= '{position}'");
    context.register_table(AUTOMATIC_ASSIGNMENTS.name, context.sql(&assignments).await?.into_view())?;
    Ok(STAYING.replace("$ms", &changed.0.to_string()))
}

/// The instant of the first change of a workload or of an automatic assignment.
async fn first_change(context: &SessionContext) -> Result<Option<Instant>> {
    let rows = context.sql(FIRST_CHANGE).await?.collect().await?;
    let Some(positions) = rows.first().map(|batch| batch.column(0).as_string::<i32>()) else { return Ok(None) };
    let Some(position) = positions.iter().next().flatten() else { return Ok(None) };
    let mut source_buffer = String::new();
    let position = LogPosition::of_text(position, &mut source_buffer).ok_or_else(invalid_position)?;
    Ok(Some(position.time()))
}

/// Contradictions among the desk's own events.
const OF_THE_DESK: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail FROM desk_findings
ORDER BY time, source, id, rule
"#;

/// The first event of the log that names each unknown user.
const FIRST_EVENTS_OF_UNKNOWN_USERS: &str = r#"
SELECT time, source, id, case_id, type, 'unknown_user' AS rule, 'applied' AS effect, severity,
       'no `user.updated` has named ' || string_agg('`' || "user" || '`', ', ' ORDER BY "user") AS detail
FROM (SELECT *, row_number() OVER (PARTITION BY "user" ORDER BY event_position) AS nth FROM unknown_users)
WHERE nth = 1
GROUP BY time, source, id, case_id, type, severity
ORDER BY time, source, id, rule
"#;

/// Customers of whom a case that was replayed is open, or was, while another could be created.
const CUSTOMERS_OF_SPANS: &str = "SELECT customer FROM old_open_spans UNION SELECT customer FROM new_open_spans";

/// The cases that may be found, or may have been, because of them.
const CASES_OF_CUSTOMERS: &str = r#"
SELECT case_id FROM old_open_spans
UNION
SELECT case_id FROM all_open_spans WHERE customer IN (SELECT customer FROM customers_of_spans)
"#;

const SPANS_OF_CUSTOMERS: &str =
    "SELECT * FROM all_open_spans WHERE customer IN (SELECT customer FROM customers_of_spans)";

/// The first log position at which the cases that were replayed change a workload, or are assigned automatically, otherwise
/// than before.
const FIRST_CHANGE: &str = r#"
WITH old AS (SELECT case_id, "user", since_position AS position, 1 AS step, 0 AS capacity, '' AS severity FROM old_load_spans
             UNION ALL
             SELECT case_id, "user", until_position, -1, 0, '' FROM old_load_spans WHERE until_position IS NOT NULL
             UNION ALL
             SELECT case_id, "user", event_position, 0, capacity, severity FROM old_automatic_assignments),
     new AS (SELECT case_id, "user", since_position AS position, 1 AS step, 0 AS capacity, '' AS severity FROM new_load_spans
             UNION ALL
             SELECT case_id, "user", until_position, -1, 0, '' FROM new_load_spans WHERE until_position IS NOT NULL
             UNION ALL
             SELECT case_id, "user", event_position, 0, capacity, severity FROM new_automatic_assignments)
SELECT min(position) FROM ((SELECT * FROM old EXCEPT SELECT * FROM new)
                        UNION ALL
                        (SELECT * FROM new EXCEPT SELECT * FROM old))
"#;

/// The intervals that reach beyond a log position; those that began before it begin there.
const SPANS_FROM: &str = r#"
SELECT case_id, "user", greatest(since_position, '$position') AS since_position, until_position
FROM all_load_spans
WHERE until_position IS NULL OR until_position >= '$position'
"#;

/// What was found across cases before and is not looked for again.
const STAYING: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail
FROM old_findings
WHERE (rule = 'second_open_case' AND case_id NOT IN (SELECT case_id FROM cases_of_customers))
   OR (rule = 'over_capacity' AND time < arrow_cast($ms, 'Timestamp(Millisecond, Some("UTC"))'))
ORDER BY time, source, id, rule
"#;
