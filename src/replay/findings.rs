//! Findings that no case shows by itself: what the desk's events contradict, and what only all cases together do (2.7).
//!
//! After a refresh of some cases, queries and sweeps ([`super::across`]) see only what these can have changed, and what was
//! found before stays otherwise.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::facts::layers::Keys;
use crate::facts::layers::{Layers, Texts};
use crate::facts::rows::schema;
use crate::facts::tables::{
    AUTOMATIC_ASSIGNMENTS, FINDINGS, FactTable, LOAD_SPANS, OPEN_SPANS, OTHER_FINDINGS, STRANGERS,
};
use crate::model::position::LogPosition;
use crate::model::time::Instant;
use crate::replay::across::{About, Across, Bearing, Load, Span, Stretch};
use crate::replay::input::plain_texts;
use crate::replay::touched::is_touched;
use crate::store::parquet::with_schema;

/// The queries of every replay; each row is a finding.
pub const QUERIES: [&str; 2] = [OF_THE_DESK, STRANGERS_NAMED];

/// Hands over the findings of one query, with the columns of the table.
///
/// # Errors
/// The engine's, and what `take` returns.
pub async fn find(
    context: &SessionContext,
    query: &str,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let columns = schema(FINDINGS.columns);
    let mut batches = found(context, query).await?.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        take(&with_schema(&batch?, &columns)?)?;
    }
    Ok(())
}

/// The findings of a query whose rows are findings.
async fn found(context: &SessionContext, query: &str) -> Result<DataFrame> {
    let fields = schema(FINDINGS.columns);
    let columns =
        fields.fields().iter().map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    Ok(context.sql(query).await?.select(columns.collect::<Vec<_>>())?)
}

/// Gathers what the cases of the session's tables show together.
///
/// # Errors
/// The engine's, when the temporary file cannot be written, or when a place is none.
pub async fn gather_across(context: &SessionContext, across: &Across) -> Result<()> {
    let mut hand = across.hand();
    // Where sources are spelled out that are not in a place as they are.
    let (mut since_room, mut until_room) = (String::new(), String::new());
    each_batch(
        context,
        &OPEN_SPANS,
        &["customer", "profile", "since_place", "until_place", "created", "case_id", "severity"],
        |batch| {
            let text = |position: usize| batch.column(position).as_string::<i32>();
            let (customer, profile, since, until) = (text(0), text(1), text(2), text(3));
            let (created, case_id, severity) = (batch.column(4).as_boolean(), text(5), text(6));
            (0..batch.num_rows()).try_for_each(|row| {
                let about = About { case_id: case_id.value(row), severity: severity.value(row) };
                let created = created.value(row).then_some(about);
                let (since, until) = (at(since, row, &mut since_room)?, at_or_never(until, row, &mut until_room)?);
                let (customer, profile, span) =
                    (customer.value(row), profile.value(row), Span { since, created, until });
                hand.add_stretch(&Stretch { customer, profile, span })
            })
        },
    )
    .await?;
    each_batch(context, &LOAD_SPANS, &["user", "since_place", "until_place"], |batch| {
        let text = |position: usize| batch.column(position).as_string::<i32>();
        let (user, since, until) = (text(0), text(1), text(2));
        (0..batch.num_rows()).try_for_each(|row| {
            let (since, until) = (at(since, row, &mut since_room)?, at_or_never(until, row, &mut until_room)?);
            hand.add_load(&Load { user: user.value(row), how: Bearing::Bears(since, until) })
        })
    })
    .await?;
    each_batch(context, &AUTOMATIC_ASSIGNMENTS, &["user", "event_place", "capacity", "case_id", "severity"], |batch| {
        let text = |position: usize| batch.column(position).as_string::<i32>();
        let (user, place, case_id, severity) = (text(0), text(1), text(3), text(4));
        let capacity = batch.column(2).as_primitive::<Int64Type>();
        (0..batch.num_rows()).try_for_each(|row| {
            let about = About { case_id: case_id.value(row), severity: severity.value(row) };
            let how = Bearing::Asked(at(place, row, &mut since_room)?, capacity.value(row), about);
            hand.add_load(&Load { user: user.value(row), how })
        })
    })
    .await?;
    hand.finish()
}

fn at<'p>(places: &'p StringArray, row: usize, room: &'p mut String) -> Result<LogPosition<'p>> {
    let none =
        || Error::refused("the facts hold a place that is none").with_hint("`casebook replay --full` writes them anew");
    LogPosition::of_text(places.value(row), room).ok_or_else(none)
}

fn at_or_never<'p>(places: &'p StringArray, row: usize, room: &'p mut String) -> Result<Option<LogPosition<'p>>> {
    places.is_valid(row).then(|| at(places, row, room)).transpose()
}

async fn each_batch(
    context: &SessionContext,
    table: &FactTable,
    columns: &[&str],
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let rows = plain_texts(context.table(table.name).await?, columns)?;
    let mut batches = rows.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        take(&batch?)?;
    }
    Ok(())
}

/// The findings of every query, in memory.
///
/// # Errors
/// The engine's.
pub async fn all(context: &SessionContext) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for query in QUERIES {
        find(context, query, |batch| {
            batches.push(batch.clone());
            Ok(())
        })
        .await?;
    }
    Ok(batches)
}

/// Puts what the queries read into a session.
///
/// # Errors
/// When the facts cannot be read.
pub fn register(context: &SessionContext, facts: &Layers) -> Result<()> {
    context.register_table(STRANGERS.name, facts.provider(&STRANGERS, Texts::Plain)?)?;
    Ok(())
}

/// The same after a refresh of some cases, whose rows are the last layer of `now`: narrowed to what they can have
/// changed since `before`. Gives the query of the findings that stay.
///
/// # Errors
/// When the facts cannot be read.
pub async fn register_narrowed(
    context: &SessionContext,
    before: &Layers,
    now: &Layers,
    cases: &Arc<Keys>,
) -> Result<String> {
    context.register_table(STRANGERS.name, now.provider(&STRANGERS, Texts::Plain)?)?;
    for table in [OPEN_SPANS, LOAD_SPANS, AUTOMATIC_ASSIGNMENTS] {
        let old = context.read_table(before.provider(&table, Texts::Plain)?)?.filter(is_touched(
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
    // Before the first change of a workload nobody was fuller than they had been.
    let changed = first_change(context).await?.unwrap_or(Instant(i64::MAX));
    let place = LogPosition::Before(changed).to_text();
    let spans = SPANS_FROM.replace("$place", &place);
    context.register_table(LOAD_SPANS.name, context.sql(&spans).await?.into_view())?;
    let assignments = format!("SELECT * FROM all_automatic_assignments WHERE event_place >= '{place}'");
    context.register_table(AUTOMATIC_ASSIGNMENTS.name, context.sql(&assignments).await?.into_view())?;
    Ok(STAYING.replace("$ms", &changed.0.to_string()))
}

/// When the first change of a workload, or of what is asked of it, came.
async fn first_change(context: &SessionContext) -> Result<Option<Instant>> {
    let rows = context.sql(FIRST_CHANGE).await?.collect().await?;
    let Some(places) = rows.first().map(|batch| batch.column(0).as_string::<i32>()) else { return Ok(None) };
    let mut room = String::new();
    Ok(at_or_never(places, 0, &mut room)?.map(|place| place.time()))
}

/// What the desk's own events contradict.
const OF_THE_DESK: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail FROM desk_findings
ORDER BY time, source, id, rule
"#;

/// The first event of the log that names each stranger.
const STRANGERS_NAMED: &str = r#"
SELECT time, source, id, case_id, type, 'unknown_user' AS rule, 'applied' AS effect, severity,
       'no `user.updated` has named ' || string_agg('`' || "user" || '`', ', ' ORDER BY "user") AS detail
FROM (SELECT *, row_number() OVER (PARTITION BY "user" ORDER BY event_place) AS nth FROM strangers)
WHERE nth = 1
GROUP BY time, source, id, case_id, type, severity
ORDER BY time, source, id, rule
"#;

/// Customers of whom a case that was replayed stands, or stood, in the way of another.
const CUSTOMERS_OF_SPANS: &str = "SELECT customer FROM old_open_spans UNION SELECT customer FROM new_open_spans";

/// The cases that may be found, or may have been, because of them.
const CASES_OF_CUSTOMERS: &str = r#"
SELECT case_id FROM old_open_spans
UNION
SELECT case_id FROM all_open_spans WHERE customer IN (SELECT customer FROM customers_of_spans)
"#;

const SPANS_OF_CUSTOMERS: &str =
    "SELECT * FROM all_open_spans WHERE customer IN (SELECT customer FROM customers_of_spans)";

/// The first place at which the cases that were replayed change a workload, or are assigned automatically, otherwise than
/// before.
const FIRST_CHANGE: &str = r#"
WITH old AS (SELECT case_id, "user", since_place AS place, 1 AS step, 0 AS capacity, '' AS severity FROM old_load_spans
             UNION ALL
             SELECT case_id, "user", until_place, -1, 0, '' FROM old_load_spans WHERE until_place IS NOT NULL
             UNION ALL
             SELECT case_id, "user", event_place, 0, capacity, severity FROM old_automatic_assignments),
     new AS (SELECT case_id, "user", since_place AS place, 1 AS step, 0 AS capacity, '' AS severity FROM new_load_spans
             UNION ALL
             SELECT case_id, "user", until_place, -1, 0, '' FROM new_load_spans WHERE until_place IS NOT NULL
             UNION ALL
             SELECT case_id, "user", event_place, 0, capacity, severity FROM new_automatic_assignments)
SELECT min(place) FROM ((SELECT * FROM old EXCEPT SELECT * FROM new)
                        UNION ALL
                        (SELECT * FROM new EXCEPT SELECT * FROM old))
"#;

/// The stretches that reach beyond a place, as if those that began before it began there.
const SPANS_FROM: &str = r#"
SELECT "user", greatest(since_place, '$place') AS since_place, until_place
FROM all_load_spans
WHERE until_place IS NULL OR until_place >= '$place'
"#;

/// What was found across cases before and has not been looked at again.
const STAYING: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail
FROM old_findings
WHERE (rule = 'second_open_case' AND case_id NOT IN (SELECT case_id FROM cases_of_customers))
   OR (rule = 'over_capacity' AND time < arrow_cast($ms, 'Timestamp(Millisecond, Some("UTC"))'))
ORDER BY time, source, id, rule
"#;
