//! Findings that no case shows by itself: what the desk's events contradict, and what only all cases together do (2.7).
//!
//! The engine puts rows in order, within its memory; what a user or a customer comes to is summed up in one pass over them.
//! After a refresh of some cases the queries
//! see, under the same names, only what these can have changed, and what was found before stays otherwise.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use futures::StreamExt;

use super::input::plain_texts;
use super::layers::{Layers, Texts};
use super::sheet::{Sheet, schema};
use super::tables::{AUTOMATIC_ASSIGNMENTS, FINDINGS, LOAD_SPANS, OPEN_SPANS, OTHER_FINDINGS, STRANGERS};
use super::touched::{Keys, is_touched};
use crate::error::Result;
use crate::log::write::with_schema;
use crate::model::event::{EventType, Position};
use crate::model::finding::Rule;
use crate::model::time::Instant;

/// A query over what replay has written for it.
#[derive(Clone, Debug)]
pub enum Query {
    /// Each row is a finding.
    Findings(Cow<'static, str>),
    /// Rows in the order of the log, one user after the other: steps of their workload, and what is asked of it.
    Workloads(Cow<'static, str>),
    /// Rows in the order of the log, one customer and profile after the other: stretches in which a case is open.
    OpenCases(Cow<'static, str>),
}

/// The queries of a whole replay.
pub const QUERIES: [Query; 4] = [
    Query::Findings(Cow::Borrowed(OF_THE_DESK)),
    Query::Findings(Cow::Borrowed(STRANGERS_NAMED)),
    Query::OpenCases(Cow::Borrowed(SECOND_OPEN_CASES)),
    Query::Workloads(Cow::Borrowed(OVER_CAPACITY)),
];

/// Hands over the findings of one query, with the columns of the table.
///
/// # Errors
/// The engine's, and what `take` returns.
pub async fn find(
    context: &SessionContext,
    query: &Query,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let frame = match query {
        Query::Findings(text) => found(context, text).await?,
        Query::Workloads(text) | Query::OpenCases(text) => {
            let rows = context.sql(text).await?;
            let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
            // Tables in memory have views.
            plain_texts(rows, &names.iter().map(String::as_str).collect::<Vec<_>>())?
        }
    };
    let columns = schema(FINDINGS.columns);
    let mut sweep = Sweep::default();
    let mut batches = frame.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        match query {
            Query::Findings(_) => take(&with_schema(&batch, &columns)?)?,
            Query::Workloads(_) => take(&sweep.workloads(&batch)?)?,
            Query::OpenCases(_) => take(&sweep.open_cases(&batch)?)?,
        }
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

/// One pass over rows in order, which a window of the engine takes several times as long for. It holds what one user, or
/// one customer and profile, has come to so far.
#[derive(Debug, Default)]
struct Sweep {
    of: (String, String),
    workload: i64,
    open_until: String,
}

impl Sweep {
    /// Begins anew where another one's rows begin.
    fn follow(&mut self, first: &str, second: &str) {
        if self.of.0 != first || self.of.1 != second {
            *self = Sweep { of: (first.to_owned(), second.to_owned()), ..Sweep::default() };
        }
    }

    /// Automatic assignments to users who are full.
    fn workloads(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let text = |position: usize| batch.column(position).as_string::<i32>();
        let number = |position: usize| batch.column(position).as_primitive::<Int64Type>();
        let (events, users, steps, capacities) = (EventColumns::of(batch), text(3), number(4), number(5));
        let mut rows = Sheet::new(FINDINGS.columns);
        for row in 0..batch.num_rows() {
            self.follow(users.value(row), "");
            self.workload += steps.value(row);
            if capacities.is_valid(row) && self.workload >= capacities.value(row) {
                let (user, workload, capacity) = (users.value(row), self.workload, capacities.value(row));
                let detail = format!("`{user}` had {workload} open cases; the capacity is {capacity}");
                events.push(&mut rows, row, EventType::CaseAssigned, Rule::OverCapacity, &detail);
            }
        }
        rows.finish()
    }

    /// Creations while another case of the customer with that profile stands open, however many there are.
    fn open_cases(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let text = |position: usize| batch.column(position).as_string::<i32>();
        let (events, customers, profiles) = (EventColumns::of(batch), text(3), text(4));
        let (since, until, created) = (events.place, text(5), batch.column(6).as_boolean());
        let mut rows = Sheet::new(FINDINGS.columns);
        for row in 0..batch.num_rows() {
            let (customer, profile) = (customers.value(row), profiles.value(row));
            self.follow(customer, profile);
            if created.value(row) && self.open_until.as_str() > since.value(row) {
                let detail = format!("another case of customer `{customer}` with profile `{profile}` is not closed");
                events.push(&mut rows, row, EventType::CaseCreated, Rule::SecondOpenCase, &detail);
            }
            if self.open_until.as_str() < until.value(row) {
                self.open_until.clear();
                self.open_until.push_str(until.value(row));
            }
        }
        rows.finish()
    }
}

/// The event that a row is about, by the first columns of a sweep's query.
struct EventColumns<'b> {
    case_id: &'b StringArray,
    severity: &'b StringArray,
    place: &'b StringArray,
}

impl<'b> EventColumns<'b> {
    fn of(batch: &'b RecordBatch) -> EventColumns<'b> {
        let text = |position: usize| batch.column(position).as_string::<i32>();
        EventColumns { case_id: text(0), severity: text(1), place: text(2) }
    }

    fn push(&self, rows: &mut Sheet, row: usize, kind: EventType, rule: Rule, detail: &str) {
        let Some((time, source, id)) = Position::event_of_text(self.place.value(row)) else { return };
        rows.push([
            time.into(),
            source.as_ref().into(),
            id.into(),
            self.case_id.value(row).into(),
            kind.name().into(),
            rule.name().into(),
            rule.effect().name().into(),
            self.severity.value(row).into(),
            detail.into(),
        ]);
    }
}

/// The findings of every query, in memory.
///
/// # Errors
/// The engine's.
pub async fn all(context: &SessionContext) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for query in QUERIES {
        find(context, &query, |batch| {
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
    for table in [STRANGERS, OPEN_SPANS, LOAD_SPANS, AUTOMATIC_ASSIGNMENTS] {
        context.register_table(table.name, facts.provider(&table, Texts::Plain)?)?;
    }
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
    let place = Position::Before(changed).to_text();
    let spans = SPANS_FROM.replace("$place", &place);
    context.register_table(LOAD_SPANS.name, context.sql(&spans).await?.into_view())?;
    let assignments = format!("SELECT * FROM all_automatic_assignments WHERE place >= '{place}'");
    context.register_table(AUTOMATIC_ASSIGNMENTS.name, context.sql(&assignments).await?.into_view())?;
    Ok(STAYING.replace("$ms", &changed.0.to_string()))
}

/// When the first change of a workload, or of what is asked of it, came.
async fn first_change(context: &SessionContext) -> Result<Option<Instant>> {
    let rows = context.sql(FIRST_CHANGE).await?.collect().await?;
    let place = rows.first().and_then(|batch| batch.column(0).as_string::<i32>().iter().next().flatten());
    Ok(place.and_then(Position::time_of_text))
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
FROM (SELECT *, row_number() OVER (PARTITION BY "user" ORDER BY place) AS nth FROM strangers)
WHERE nth = 1
GROUP BY time, source, id, case_id, type, severity
ORDER BY time, source, id, rule
"#;

/// The stretches in which cases are open, for [`Query::OpenCases`].
const SECOND_OPEN_CASES: &str = r#"
SELECT case_id, severity, since_place, customer, profile, until_place, created
FROM open_spans
ORDER BY customer, profile, since_place
"#;

/// The places at which workloads change, and at which they are asked for: an assignment is read before what it changes
/// itself. All users are swept: a join with those who were assigned automatically would hold the spans in memory, which a
/// sort need not.
const OVER_CAPACITY: &str = r#"
SELECT case_id, severity, place, "user", step, capacity
FROM (SELECT case_id, severity, place, "user", 0 AS step, capacity FROM automatic_assignments
      UNION ALL
      SELECT NULL, NULL, since_place, "user", 1, NULL FROM load_spans
      UNION ALL
      SELECT NULL, NULL, until_place, "user", -1, NULL FROM load_spans WHERE until_place IS NOT NULL)
ORDER BY "user", place, abs(step)
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
             SELECT case_id, "user", place, 0, capacity, severity FROM old_automatic_assignments),
     new AS (SELECT case_id, "user", since_place AS place, 1 AS step, 0 AS capacity, '' AS severity FROM new_load_spans
             UNION ALL
             SELECT case_id, "user", until_place, -1, 0, '' FROM new_load_spans WHERE until_place IS NOT NULL
             UNION ALL
             SELECT case_id, "user", place, 0, capacity, severity FROM new_automatic_assignments)
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
