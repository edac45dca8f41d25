//! The contributions of a metric in a session of their own, and the SQL that cuts and aggregates them.
//!
//! The metric's SQL becomes the view `contributions` with its parameters bound. Values reach SQL as bound parameters, never
//! as text.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::prelude::{DataFrame, SessionContext, cast, col, ident, lit};

use super::dimension::{CaseValues, Dimension, DimensionSql, Join, Lookup, Several, agent_sql};
use super::foremost;
use super::foremost::{CaseName, ForemostOfGroup};
use super::functions;
use super::functions::{bucket_of, calls_stock_reads, stock_reads, time_parts};
use super::header::{Metric, MetricKind};
use super::lists::Lists;
use super::lookup;
use super::question::{Question, instant_value};
use super::sets::{TextNumbers, count_distinct, distinct, number_of};
use super::stock::{first_read, reads_end};
use super::values;
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::query::by_number::means_the_same;
use crate::query::database::Database;

/// What `case_id` of the contributions may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// The text that events state: what a listing shows.
    Texts,
    /// The number of the case, where this changes no number of the answer.
    Any,
}

/// The contributions of a metric to one question.
pub(super) struct Contributions<'q> {
    question: &'q Question,
    metric: &'q Metric,
    session: SessionContext,
    /// The columns that the metric's SQL returns. `case_id` is the number of the case where the SQL allows it.
    schema: SchemaRef,
    /// Their names; `at` among them of a stock that reads itself.
    columns: BTreeSet<String>,
    /// The fields of the question whose values are lists.
    lists: Lists,
    values: CaseValues,
    /// The numbers of cases and keys that are texts.
    numbers: TextNumbers,
}

impl<'q> Contributions<'q> {
    /// Registers the metric's contributions as a view of a new session.
    ///
    /// # Errors
    /// When the metric's SQL cannot be planned, or it cannot be cut by a dimension, or a custom field is not known, or nothing
    /// can pass the filters.
    pub async fn open(
        question: &'q Question,
        metric: &'q Metric,
        database: &Database,
        ids: Ids,
    ) -> Result<Contributions<'q>> {
        values::check_fields(question, database).await?;
        let with_texts = functions::session(database);
        let lists = Lists::among(question.dimensions().filter_map(Dimension::field), &with_texts).await?;
        question.check_filters(&lists)?;
        values::check_comparisons(&question.filters, &lists, &with_texts).await?;
        let reads = first_reads(question, metric);
        let by_number = match ids {
            Ids::Texts => None,
            Ids::Any => by_number(question, metric, &reads, database).await,
        };
        let (session, frame) = match by_number {
            Some(by_number) => by_number,
            None => {
                let frame = metric_frame(question, metric, &with_texts, &reads).await?;
                (with_texts, frame)
            }
        };
        let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
        let columns: BTreeSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        session.register_table("contributions", frame.into_view())?;
        let numbers = TextNumbers::default();
        register_for(question, &session, numbers.clone());
        let values = CaseValues::Joined;
        let mut contributions = Contributions { question, metric, session, schema, columns, lists, values, numbers };
        contributions.check_dimensions()?;
        // Values that are looked up are in the memory of this process; a cluster joins them.
        let may_look_up = contributions.kind_of("case_id") == Some(&DataType::UInt64) && !database.asks_a_cluster();
        if may_look_up && contributions.look_up(database).await? {
            contributions.values = CaseValues::LookedUp;
        }
        Ok(contributions)
    }

    /// Whether values are of an integer type.
    pub fn are_integral(&self) -> bool {
        self.kind_of("value") == Some(&DataType::Int64)
    }

    /// Registers the functions that look up values of cases; whether there are all that the question needs.
    async fn look_up(&self, database: &Database) -> Result<bool> {
        let (rule, values) = (self.metric.agent, CaseValues::LookedUp);
        let sql = |(position, dimension): (usize, &Dimension)| {
            let several = dimension.list_rule(&self.lists).map(Several::Each);
            dimension.sql(position, rule, &self.columns, several, values).lookups
        };
        let lookups: BTreeSet<Lookup> = self.question.dimensions().enumerate().flat_map(sql).collect();
        for lookup in lookups {
            match lookup::function(lookup, self.question, database).await? {
                Some(function) => self.session.register_udf(function),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether contributions know from when on they are part of a stock.
    pub(super) fn is_since(&self) -> bool {
        self.metric.kind == MetricKind::Stock && self.columns.contains("since")
    }

    /// Puts ids in the places of the numbers of cases that are none of the database.
    pub(super) fn name_cases(&self, groups: &mut [ForemostOfGroup]) {
        if self.kind_of("case_id") == Some(&DataType::UInt64) {
            return;
        }
        let number = |name: &CaseName| if let CaseName::Number(number) = name { Some(*number) } else { None };
        let cases = || groups.iter().flat_map(|group| &group.cases);
        let numbers: HashSet<u64> = cases().filter_map(|case| number(&case.case)).collect();
        let texts = self.numbers.texts(&numbers);
        for case in groups.iter_mut().flat_map(|group| &mut group.cases) {
            if let Some(text) = number(&case.case).and_then(|number| texts.get(&number)) {
                case.case = CaseName::Id(text.clone());
            }
        }
    }

    /// Whether counts are of distinct keys.
    pub fn have_keys(&self) -> bool {
        self.columns.contains("key")
    }

    /// The names of the dimensions of which a case may have several values, and then counts under each of them.
    pub fn several(&self) -> Vec<String> {
        let several = self.question.by.iter().filter(|dimension| dimension.list_rule(&self.lists).is_some());
        several.map(|dimension| dimension.name.clone()).collect()
    }

    fn check_dimensions(&self) -> Result<()> {
        self.question.check_value_filters(self.metric, self.columns.contains("at"))?;
        for dimension in self.question.dimensions() {
            if dimension.needs_column() && dimension.own_column(&self.columns).is_none() {
                let message = format!("`{}` cannot be cut by `{}`", self.metric.name, dimension.name);
                return Err(Error::invalid(&dimension.place, message)
                    .with_hint(format!("its contributions have no column `{}`", dimension.name)));
            }
        }
        Ok(())
    }

    /// The rows of SQL that begins with [`Contributions::cut_sql`]. The SQL of a stock that reads itself is run for some of the
    /// instants after the others.
    pub(super) async fn collect(&self, sql: &str, more: Vec<(String, ScalarValue)>) -> Result<Vec<RecordBatch>> {
        let reads = if reads_itself(self.metric) { self.question.reads() } else { Vec::new() };
        let mut batches = self.frame(sql, more.clone()).await?.collect().await?;
        for reads in reads.chunks(reads_at_once(self.metric)).skip(1) {
            let frame = metric_frame(self.question, self.metric, &self.session, reads).await?;
            self.session.deregister_table("contributions")?;
            self.session.register_table("contributions", frame.into_view())?;
            batches.extend(self.frame(sql, more.clone()).await?.collect().await?);
        }
        // A range that has not begun is read at no instant.
        let nothing = reads.is_empty() && reads_itself(self.metric);
        Ok(if nothing { Vec::new() } else { batches })
    }

    /// The rows of SQL that begins with [`Contributions::cut_sql`].
    pub(super) async fn frame(&self, sql: &str, more: Vec<(String, ScalarValue)>) -> Result<DataFrame> {
        let mut parameters = self.question.parameters();
        parameters.extend(more);
        bound(&self.session, sql, parameters).await
    }

    /// Every contribution, one row each.
    pub async fn listed(&self) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let by = self.question.by.iter().enumerate();
        let dimensions: String = by
            .map(|(position, dimension)| format!(", g{position} AS \"{}\"", dimension.name.replace('"', "\"\"")))
            .collect();
        let agent =
            if self.question.by.iter().any(|dimension| dimension.name == "agent") { "" } else { ", g_agent AS agent" };
        let value = if self.metric.unit == "ms" { "value AS value_ms" } else { "value" };
        let sql = format!(
            "{} SELECT case_id, at, {value}{agent}{dimensions}, excluded FROM cut",
            self.cut_sql(Columns::GroupsAndAgent)
        );
        let frame = self.frame(&sql, Vec::new()).await?;
        let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
        let batches = self.collect(&sql, Vec::new()).await?;
        let Some(first) = batches.first() else { return Ok((schema, batches)) };
        // Sorted by itself: DataFusion 55.2 refuses its own plan where it sorts by a constant below a join.
        let columns = [1, 0].into_iter().chain(2..schema.fields().len());
        let order = columns.map(|column| ident(schema.field(column).name()).sort(true, false)).collect();
        let rows = MemTable::try_new(first.schema(), vec![batches])?;
        let sorted = self.session.read_table(Arc::new(rows))?.sort(order)?.collect().await?;
        Ok((schema, sorted))
    }

    /// How many contributions have a value below each bound, and at or above the last: one more number than bounds.
    pub async fn distribution(&self, bounds: &[f64]) -> Result<Vec<i64>> {
        let reached: Vec<String> =
            (0..bounds.len()).map(|n| format!("CASE WHEN value >= $bound{n} THEN 1 ELSE 0 END")).collect();
        let values = bounds.iter().enumerate();
        let values = values.map(|(n, bound)| (format!("bound{n}"), ScalarValue::Float64(Some(*bound)))).collect();
        let sql = format!(
            "{}, placed AS (SELECT {} AS class FROM cut WHERE excluded IS NULL AND value IS NOT NULL) \
             SELECT CAST(class AS BIGINT) AS class, count(*) AS contributions FROM placed GROUP BY class ORDER BY class",
            self.cut_sql(Columns::None),
            reached.join(" + ")
        );
        let mut counts = vec![0; bounds.len() + 1];
        for batch in self.collect(&sql, values).await? {
            let (classes, numbers) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            for (class, number) in classes.values().iter().zip(numbers.values()) {
                if let Some(count) = usize::try_from(*class).ok().and_then(|class| counts.get_mut(class)) {
                    *count += *number;
                }
            }
        }
        Ok(counts)
    }

    /// The question.
    pub(super) fn question(&self) -> &Question {
        self.question
    }

    /// The metric.
    pub(super) fn metric(&self) -> &Metric {
        self.metric
    }

    /// The session, for functions of one way of aggregating.
    pub(super) fn session(&self) -> &SessionContext {
        &self.session
    }

    /// The type of a column of the metric's SQL.
    pub(super) fn kind_of(&self, column: &str) -> Option<&DataType> {
        self.schema.field_with_name(column).ok().map(|field| field.data_type())
    }

    /// Whether its SQL was read at each instant of a stock.
    pub(super) fn reads_itself(&self) -> bool {
        reads_itself(self.metric)
    }

    /// Whether the value of every dimension, and of the agent, is the same for the whole time of a contribution.
    pub(super) fn is_cut_alike_over_time(&self) -> bool {
        let rule = self.metric.agent;
        self.question.dimensions().enumerate().all(|(position, dimension)| {
            let several = dimension.list_rule(&self.lists).map(Several::Each);
            let DimensionSql { expression, joins, .. } =
                dimension.sql(position, rule, &self.columns, several, self.values);
            !depends_on_instant(&expression, &joins)
        })
    }

    /// Whether every contribution has one value of a dimension that cuts it.
    pub(super) fn has_one_value(&self, dimension: &Dimension) -> bool {
        let (rule, values) = (self.metric.agent, CaseValues::Joined);
        let DimensionSql { expression, joins, .. } = dimension.sql(0, rule, &self.columns, None, values);
        let has_instant = self.columns.contains("at");
        dimension.field().is_none() && (has_instant || !depends_on_instant(&expression, &joins))
    }

    /// Contributions in the range that pass the filters, as the common table `cut`, with the columns that are asked for.
    pub(super) fn cut_sql(&self, with: Columns) -> String {
        let has = |name: &str| self.columns.contains(name);
        let rule = self.metric.agent;
        let own: BTreeSet<&str> =
            self.question.dimensions().filter_map(|dimension| dimension.own_column(&self.columns)).collect();
        let mut names = vec!["case_id", "key", "excluded"];
        names.extend(has("agent").then_some("agent"));
        names.extend((with == Columns::GroupsAndSince && self.is_since()).then_some("since"));
        names.extend(own);
        let column = |name: &&str| match has(name) {
            true => format!(", \"{name}\""),
            false => format!(", CAST(NULL AS VARCHAR) AS \"{name}\""),
        };
        let columns: String = names.iter().map(column).collect();
        // Cheaper than the functions, and known to the statistics of files: few rows reach the functions.
        let is_read = "since <= $last_read AND (until IS NULL OR until > $first_read)";
        let is_read_once = self.question.reads().len() == 1;
        let f = match (self.metric.kind, has("at")) {
            (MetricKind::Stock, false) if with == Columns::Shared => format!(
                "SELECT since, until, value{columns} FROM contributions \
                 WHERE since <= $reads_to AND (until IS NULL OR until > $reads_from)"
            ),
            (MetricKind::Stock, false) if with == Columns::OverTime && is_read_once => format!(
                "SELECT CAST(0 AS BIGINT UNSIGNED) AS begins, CAST(1 AS BIGINT UNSIGNED) AS ends, value{columns} \
                 FROM contributions WHERE {is_read}"
            ),
            (MetricKind::Stock, false) if with == Columns::OverTime => format!(
                "SELECT first_read(since) AS begins, reads_end(until) AS ends, value{columns} FROM contributions \
                 WHERE {is_read} AND first_read(since) < reads_end(until)"
            ),
            // Its SQL was read at each instant.
            (MetricKind::Stock, true) => format!("SELECT at, value{columns} FROM contributions"),
            (MetricKind::Stock, false) if is_read_once => {
                format!("SELECT $last_read AS at, value{columns} FROM contributions WHERE {is_read}")
            }
            (MetricKind::Stock, false) => format!(
                "SELECT unnest(stock_reads(since, until)) AS at, value{columns} FROM contributions WHERE {is_read}"
            ),
            (_, true) => {
                format!("SELECT at, value{columns} FROM contributions WHERE at >= $from AND at < $to AND at <= $as_of")
            }
            // The value is that of a millisecond.
            (_, false) => {
                let names: String = names.iter().map(|name| format!(", \"{name}\"")).collect();
                format!(
                    "SELECT part['at'] AS at, part['ms'] * value AS value{names} FROM \
                     (SELECT unnest(time_parts(since, until)) AS part, value{columns} FROM contributions \
                     WHERE since < $to AND since <= $as_of AND (until IS NULL OR until > $from))"
                )
            }
        };
        let (mut joins, mut selected, mut conditions) = (Vec::<Join>::new(), String::new(), Vec::new());
        let mut add = |needed: Vec<Join>| {
            for join in needed {
                if !joins.contains(&join) {
                    joins.push(join);
                }
            }
        };
        let groups = self.question.by.len();
        for (position, dimension) in self.question.dimensions().enumerate() {
            let filter = position.checked_sub(groups).and_then(|n| self.question.filters.get(n).zip(Some(n)));
            if with == Columns::None && filter.is_none() {
                continue;
            }
            let several = if filter.is_some() { Several::Listed } else { Several::Each };
            let several = dimension.list_rule(&self.lists).map(several);
            let DimensionSql { expression, joins, .. } =
                dimension.sql(position, rule, &self.columns, several, self.values);
            add(joins);
            selected.push_str(&format!(", {expression} AS g{position}"));
            if let Some((filter, position)) = filter {
                conditions.push(filter.condition(&expression, position, several.is_some(), self.question.range.zone()));
            }
        }
        if with == Columns::GroupsAndAgent {
            let DimensionSql { expression, joins, .. } = agent_sql(rule, self.values);
            add(joins);
            selected.push_str(&format!(", {expression} AS g_agent"));
        }
        let joins: String = joins.iter().map(|join| format!(" {}", join.sql)).collect();
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("WITH f AS ({f}), cut AS (SELECT f.*{selected} FROM f{joins}{condition})")
    }
}

/// Whether SQL refers to the instant of a contribution.
fn depends_on_instant(expression: &str, joins: &[Join]) -> bool {
    let depends = |sql: &str| sql.contains("f.at");
    depends(expression) || joins.iter().any(|join| depends(&join.sql))
}

/// How many instants the SQL of a stock that calls `stock_reads` is run for. All that is part of the stock at each of them is
/// there at once.
const READS_AT_ONCE: usize = 32;

/// Whether the SQL of a stock states what it is at each instant.
pub(super) fn reads_itself(metric: &Metric) -> bool {
    metric.kind == MetricKind::Stock && (is_of_one_read(metric) || calls_stock_reads(metric))
}

/// Whether the SQL is of the instant `$at`.
fn is_of_one_read(metric: &Metric) -> bool {
    metric.sql.as_deref().is_some_and(|sql| sql.contains("$at"))
}

/// For how many instants the SQL of a stock that reads itself is run at once.
pub(super) fn reads_at_once(metric: &Metric) -> usize {
    if is_of_one_read(metric) { 1 } else { READS_AT_ONCE }
}

/// The contributions over tables whose `case_id` is the number of the case; nothing where this could mean something else.
async fn by_number(
    question: &Question,
    metric: &Metric,
    reads: &[i64],
    database: &Database,
) -> Option<(SessionContext, DataFrame)> {
    let session = database.session_by_number();
    functions::register(&session);
    let frame = metric_frame(question, metric, &session, reads).await.ok()?;
    let kind = frame.schema().field_with_unqualified_name("case_id").ok()?.data_type();
    let same = *kind == DataType::UInt64 && means_the_same(&session, frame.logical_plan());
    same.then_some((session, frame))
}

/// The rows of a metric's SQL; of a stock that reads itself as it is at some of its reads.
async fn metric_frame(
    question: &Question,
    metric: &Metric,
    session: &SessionContext,
    reads: &[i64],
) -> Result<DataFrame> {
    if metric.kind == MetricKind::Stock {
        session.register_udf(stock_reads(reads.to_vec()));
    }
    let sql = metric.sql.as_deref().unwrap_or_default();
    let at = reads.first().filter(|_| reads_itself(metric)).map(|read| Instant(*read));
    let frame = bound(session, sql, question.metric_parameters(at)).await?;
    let frame = match at.filter(|_| !frame.schema().has_column_with_unqualified_name("at")).map(instant_value).map(lit)
    {
        Some(at) => {
            let holds = col("since").lt_eq(at.clone()).and(col("until").is_null().or(col("until").gt(at.clone())));
            frame.filter(holds)?.with_column("at", at)?
        }
        None => frame,
    };
    let kind = frame.schema().field_with_unqualified_name("value")?.data_type();
    let is_other = kind.is_integer() && kind != &DataType::Int64 || kind == &DataType::Boolean;
    Ok(if is_other { frame.with_column("value", cast(col("value"), DataType::Int64))? } else { frame })
}

/// The instants for which the SQL of a stock that reads itself is first run; its range may not have begun.
fn first_reads(question: &Question, metric: &Metric) -> Vec<i64> {
    if !reads_itself(metric) {
        return Vec::new();
    }
    let reads = question.reads();
    let first = reads.chunks(reads_at_once(metric)).next();
    first.map_or_else(|| vec![question.as_of.0], <[i64]>::to_vec)
}

/// Registers the functions that are made for one question.
fn register_for(question: &Question, session: &SessionContext, numbers: TextNumbers) {
    let reads = question.reads();
    let functions = [
        first_read(reads.clone()),
        reads_end(reads.clone()),
        stock_reads(reads),
        time_parts(question.elapsed_buckets()),
        bucket_of(question.buckets().into_iter().map(|bucket| bucket.start.0).collect()),
        number_of(numbers),
    ];
    functions.into_iter().for_each(|function| session.register_udf(function));
    [count_distinct(), distinct(), foremost::function()]
        .into_iter()
        .for_each(|function| session.register_udaf(function));
}

/// The columns of the common table `cut`, beside those of the contributions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// None: what needs only the filters reads no other table.
    None,
    /// The dimensions of the question, as `g0`, `g1` and so on.
    Groups,
    /// The same, and of a stock the positions of the reads from which and to which it counts, as `begins` and `ends`.
    OverTime,
    /// The same, and of a stock from when on a contribution is part of it, where it is known.
    GroupsAndSince,
    /// The same as for groups, and of a stock when each contribution begins and ends. Refers to the parameters `$reads_from`
    /// and `$reads_to`.
    Shared,
    /// The same as for groups, and the agent as `g_agent`.
    GroupsAndAgent,
}

/// A query with its parameters bound.
async fn bound(session: &SessionContext, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<DataFrame> {
    Ok(session.sql(sql).await?.with_param_values(parameters)?)
}
