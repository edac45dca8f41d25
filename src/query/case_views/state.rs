//! The cases of a session as views look at them: as of the moment of its tables.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use datafusion::prelude::{SessionContext, col};
use foldhash::fast::FixedState;
use futures::StreamExt;

use crate::error::Result;
use crate::facts::tables::CASES;
use crate::model::event::{Priority, Sentiment, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::Instant;
use crate::model::view::{CaseState, ViewConditions};

/// What is read beside the columns that every view needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    pub text: bool,
    pub fields: bool,
    pub milestones: bool,
    /// The time that clocks counted, and the total resolution time.
    pub times: bool,
}

impl Needs {
    /// What conditions look at; with the times of headers if they are wanted.
    pub fn of<'v>(conditions: impl Iterator<Item = &'v ViewConditions>, times: bool) -> Needs {
        let mut needs = Needs { times, ..Needs::default() };
        for one in conditions {
            needs.text |= one.ask_for_text();
            needs.fields |= !one.fields.is_empty();
            needs.milestones |= !(one.milestone.is_empty() && one.outcome.is_empty());
        }
        needs
    }
}

/// A case, as views show it.
#[derive(Clone, Debug)]
pub struct CaseOfView {
    pub case_id: String,
    pub customer: Option<String>,
    pub state: CaseState,
    pub last_customer_message_at: Option<Instant>,
    /// The last message of either side.
    pub last_message_at: Option<Instant>,
    pub closed_at: Option<Instant>,
    /// The valid instances, in the order of 3.6.
    pub instances: Vec<Instance>,
    /// The time to the last resolution, without the time in which the case was resolved.
    pub resolution_ms: Option<i64>,
}

/// A valid instance of a milestone.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    pub milestone: Milestone,
    pub n: i64,
    pub target_ms: i64,
    pub due_at: Option<Instant>,
    pub completed_at: Option<Instant>,
    pub outcome: Outcome,
    /// Up to the last event of the case.
    pub counted_ms: i64,
}

/// The valid instances of milestones, with what their clocks have counted.
const INSTANCES: &str = "\
    SELECT m.case_id, m.milestone, m.n, m.target_ms, m.due_at, m.completed_at, m.stopped_at, m.disabled_at, l.counted_ms \
    FROM milestones m LEFT JOIN ( \
        SELECT case_id, milestone, n, sum(CAST(until AS BIGINT) - CAST(since AS BIGINT)) AS counted_ms \
        FROM ledger WHERE label = 'counted' GROUP BY case_id, milestone, n) l \
    ON m.case_id = l.case_id AND m.milestone = l.milestone AND m.n = l.n \
    WHERE m.until IS NULL";

/// The same without what they have counted.
const INSTANCES_WITHOUT_TIMES: &str = "\
    SELECT case_id, milestone, n, target_ms, due_at, completed_at, stopped_at, disabled_at, CAST(0 AS BIGINT) AS counted_ms \
    FROM milestones WHERE until IS NULL";

/// The last resolution of each case.
const RESOLUTIONS: &str = "SELECT case_id, active_ms FROM resolutions WHERE next_resolved_at IS NULL";

/// By case.
type ByCase<T> = HashMap<String, T, FixedState>;

/// The cases of a session that are not deleted, as of that instant.
///
/// # Errors
/// When the tables cannot be read.
pub async fn read(session: &SessionContext, as_of: Instant, needs: Needs) -> Result<Vec<CaseOfView>> {
    let mut columns = vec![
        "case_id",
        "customer",
        "profile",
        "platform",
        "status",
        "assignee",
        "priority",
        "sentiment",
        "language",
        "policy",
        "created_at",
        "closed_at",
        "last_customer_message_at",
        "last_agent_message_at",
    ];
    columns.extend(needs.text.then_some("text"));
    columns.extend(needs.fields.then_some("fields"));
    let cases = session.table(CASES.name).await?.filter(col("deleted_at").is_null())?.select_columns(&columns)?;
    let mut instances = match (needs.milestones, needs.times) {
        (_, true) => instances(session, INSTANCES, as_of).await?,
        (true, false) => instances(session, INSTANCES_WITHOUT_TIMES, as_of).await?,
        (false, false) => ByCase::default(),
    };
    let resolutions = if needs.times { resolutions(session).await? } else { ByCase::default() };
    let (mut read, mut rows) = (Vec::new(), cases.execute_stream().await?);
    while let Some(batch) = rows.next().await {
        let batch = Columns::of(&batch?)?;
        for row in 0..batch.rows() {
            let Some(mut case) = batch.case(row) else { continue };
            case.instances = instances.remove(&case.case_id).unwrap_or_default();
            case.state.outcomes = case.instances.iter().map(|known| (known.milestone, known.outcome)).collect();
            case.resolution_ms = resolutions.get(&case.case_id).copied();
            read.push(case);
        }
    }
    Ok(read)
}

async fn instances(session: &SessionContext, sql: &str, as_of: Instant) -> Result<ByCase<Vec<Instance>>> {
    let mut of_cases: ByCase<Vec<Instance>> = ByCase::default();
    let mut rows = session.sql(sql).await?.execute_stream().await?;
    while let Some(batch) = rows.next().await {
        let batch = Columns::of(&batch?)?;
        for row in 0..batch.rows() {
            let instant = |column: &str| batch.instant(column, row);
            let milestone = batch.text("milestone", row).and_then(Milestone::parse);
            let Some((case, milestone)) = batch.text("case_id", row).zip(milestone) else { continue };
            let (completed_at, due_at) = (instant("completed_at"), instant("due_at"));
            let outcome = Outcome::of(completed_at, instant("stopped_at"), instant("disabled_at"), due_at, as_of);
            let (n, target_ms) = (batch.whole("n", row), batch.whole("target_ms", row));
            let instance = Instance {
                milestone,
                n: n.unwrap_or_default(),
                target_ms: target_ms.unwrap_or_default(),
                due_at,
                completed_at,
                outcome,
                counted_ms: batch.whole("counted_ms", row).unwrap_or_default(),
            };
            of_cases.entry(case.to_owned()).or_default().push(instance);
        }
    }
    of_cases.values_mut().for_each(|all| all.sort_by_key(|instance| (instance.milestone, instance.n)));
    Ok(of_cases)
}

async fn resolutions(session: &SessionContext) -> Result<ByCase<i64>> {
    let mut of_cases = ByCase::default();
    for batch in session.sql(RESOLUTIONS).await?.collect().await? {
        let batch = Columns::of(&batch)?;
        for row in 0..batch.rows() {
            if let Some((case, ms)) = batch.text("case_id", row).zip(batch.whole("active_ms", row)) {
                of_cases.insert(case.to_owned(), ms);
            }
        }
    }
    Ok(of_cases)
}

/// A batch whose columns of texts are read without regard to how they are held.
struct Columns {
    batch: RecordBatch,
    texts: HashMap<String, StringViewArray>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Columns> {
        let mut texts = HashMap::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
                texts.insert(field.name().clone(), cast(column, &DataType::Utf8View)?.as_string_view().clone());
            }
        }
        Ok(Columns { batch: batch.clone(), texts })
    }

    fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn text(&self, column: &str, row: usize) -> Option<&str> {
        self.texts.get(column).filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row))
    }

    fn owned(&self, column: &str, row: usize) -> Option<String> {
        self.text(column, row).map(str::to_owned)
    }

    fn instant(&self, column: &str, row: usize) -> Option<Instant> {
        let instants = self.batch.column_by_name(column)?.as_primitive_opt::<TimestampMillisecondType>()?;
        instants.is_valid(row).then(|| Instant(instants.value(row)))
    }

    fn whole(&self, column: &str, row: usize) -> Option<i64> {
        let numbers = self.batch.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
        numbers.is_valid(row).then(|| numbers.value(row))
    }

    /// The entries of the map of fields.
    fn fields(&self, row: usize) -> Vec<(String, String)> {
        let map = self.batch.column_by_name("fields").and_then(|column| column.as_map_opt());
        let Some(entries) = map.filter(|map| map.is_valid(row)).map(|map| map.value(row)) else { return Vec::new() };
        let texts = |column: usize| cast(entries.column(column), &DataType::Utf8View).ok();
        let Some((names, values)) = texts(0).zip(texts(1)) else { return Vec::new() };
        let pairs = names.as_string_view().iter().zip(values.as_string_view());
        pairs.filter_map(|(name, value)| Some((name?.to_owned(), value?.to_owned()))).collect()
    }

    /// A row of `cases`.
    fn case(&self, row: usize) -> Option<CaseOfView> {
        let (from_customer, from_agent) =
            (self.instant("last_customer_message_at", row), self.instant("last_agent_message_at", row));
        let sentiment = self.text("sentiment", row).and_then(Sentiment::parse);
        Some(CaseOfView {
            case_id: self.owned("case_id", row)?,
            customer: self.owned("customer", row),
            state: CaseState {
                status: Status::parse(self.text("status", row)?)?,
                assignee: self.owned("assignee", row),
                profile: self.owned("profile", row),
                policy: self.owned("policy", row),
                priority: Priority::parse(self.text("priority", row)?)?,
                platform: self.owned("platform", row),
                sentiment: sentiment.unwrap_or(Sentiment::None),
                language: self.owned("language", row),
                outcomes: Vec::new(),
                fields: self.fields(row),
                text: self.owned("text", row),
                created_at: self.instant("created_at", row)?,
            },
            last_customer_message_at: from_customer,
            last_message_at: from_customer.max(from_agent),
            closed_at: self.instant("closed_at", row),
            instances: Vec::new(),
            resolution_ms: None,
        })
    }
}
