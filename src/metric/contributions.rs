//! The contributions of a metric in a session of their own, and the SQL that cuts and aggregates them.
//!
//! The metric's SQL becomes the view `contributions` with its parameters bound. Values reach SQL as bound parameters, never
//! as text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::prelude::{DataFrame, SessionContext, cast, col, ident, lit};

use super::aggregation::Aggregation;
use super::answer::AnswerRow;
use super::dimension::{Dimension, DimensionSql, Join, Several, agent_sql};
use super::functions;
use super::functions::{percentile, stock_reads, time_parts};
use super::header::{Metric, MetricKind};
use super::lists::Lists;
use super::question::{Question, instant_value};
use super::values;
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::query::database::Database;

/// The contributions of a metric to one question.
pub(super) struct Contributions<'q> {
    question: &'q Question,
    metric: &'q Metric,
    session: SessionContext,
    /// The names of the columns that the metric's SQL returns.
    columns: BTreeSet<String>,
    /// The fields of the question whose values are lists.
    lists: Lists,
    /// The values are of an integer type.
    integral: bool,
}

impl<'q> Contributions<'q> {
    /// Registers the metric's contributions as a view of a new session.
    ///
    /// # Errors
    /// When the metric's SQL cannot be planned, or it cannot be cut by a dimension, or a custom field is not known, or nothing
    /// can pass the filters.
    pub async fn open(question: &'q Question, metric: &'q Metric, database: &Database) -> Result<Contributions<'q>> {
        values::check_fields(question, database).await?;
        let session = functions::session(database);
        let lists = Lists::among(question.dimensions().filter_map(Dimension::field), &session).await?;
        question.check_filters(&lists)?;
        values::check_comparisons(&question.filters, &lists, &session).await?;
        let sql = metric.sql.as_deref().unwrap_or_default();
        let reads = question.reads();
        let reads_itself = metric.kind == MetricKind::Stock && sql.contains("$at");
        let frame = if reads_itself {
            union_of_reads(question, sql, &reads, &session).await?
        } else {
            bound(&session, sql, question.metric_parameters(None)).await?
        };
        let kind = frame.schema().field_with_unqualified_name("value")?.data_type();
        let integral = kind.is_integer() || kind == &DataType::Boolean;
        let is_other = integral && kind != &DataType::Int64;
        let frame = if is_other { frame.with_column("value", cast(col("value"), DataType::Int64))? } else { frame };
        let mut columns: BTreeSet<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        session.register_table("contributions", frame.into_view())?;
        session.register_udf(stock_reads(reads));
        session.register_udf(time_parts(question.elapsed_buckets()));
        if reads_itself {
            columns.insert("at".to_owned());
        }
        let contributions = Contributions { question, metric, session, columns, lists, integral };
        contributions.check_dimensions()?;
        Ok(contributions)
    }

    /// Whether values are of an integer type.
    pub fn are_integral(&self) -> bool {
        self.integral
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

    /// The rows of SQL that begins with [`Contributions::cut_sql`].
    async fn frame(&self, sql: &str, more: Vec<(String, ScalarValue)>) -> Result<DataFrame> {
        let mut parameters = self.question.parameters();
        parameters.extend(more);
        bound(&self.session, sql, parameters).await
    }

    async fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        Ok(self.frame(sql, Vec::new()).await?.collect().await?)
    }

    /// The aggregated rows.
    pub async fn aggregate(&self, show: &[Aggregation]) -> Result<Vec<AnswerRow>> {
        for shown in show {
            if let Aggregation::Percentile(thousandths, _) = shown {
                self.session.register_udaf(percentile(*thousandths));
            }
        }
        let mut rows = Vec::new();
        for batch in self.rows(&self.sql(show)).await? {
            let shape = Shape {
                has_bucket: self.question.grain.is_some(),
                dimensions: self.question.by.len(),
                shown: show.len(),
            };
            read_rows(&batch, shape, &mut rows)?;
        }
        Ok(rows)
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
        let batches = frame.collect().await?;
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
        for batch in self.frame(&sql, values).await?.collect().await? {
            let (classes, numbers) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            for (class, number) in classes.values().iter().zip(numbers.values()) {
                if let Some(count) = usize::try_from(*class).ok().and_then(|class| counts.get_mut(class)) {
                    *count = *number;
                }
            }
        }
        Ok(counts)
    }

    /// Contributions in the range that pass the filters, as the common table `cut`, with the columns that are asked for.
    fn cut_sql(&self, with: Columns) -> String {
        let has = |name: &str| self.columns.contains(name);
        let rule = self.metric.agent;
        let own: BTreeSet<&str> =
            self.question.dimensions().filter_map(|dimension| dimension.own_column(&self.columns)).collect();
        let mut names = vec!["case_id", "key", "excluded"];
        names.extend(has("agent").then_some("agent"));
        names.extend(own);
        let column = |name: &&str| match has(name) {
            true => format!(", \"{name}\""),
            false => format!(", CAST(NULL AS VARCHAR) AS \"{name}\""),
        };
        let columns: String = names.iter().map(column).collect();
        let f = match (self.metric.kind, has("at")) {
            // Its SQL was read at each instant.
            (MetricKind::Stock, true) => format!("SELECT at, value{columns} FROM contributions"),
            (MetricKind::Stock, false) => {
                format!("SELECT unnest(stock_reads(since, until)) AS at, value{columns} FROM contributions")
            }
            (_, true) => {
                format!("SELECT at, value{columns} FROM contributions WHERE at >= $from AND at < $to AND at <= $as_of")
            }
            // The value is that of a millisecond.
            (_, false) => {
                let names: String = names.iter().map(|name| format!(", \"{name}\"")).collect();
                format!(
                    "SELECT part['at'] AS at, part['ms'] * value AS value{names} FROM \
                     (SELECT unnest(time_parts(since, until)) AS part, value{columns} FROM contributions)"
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
            let DimensionSql { expression, joins } = dimension.sql(position, rule, &self.columns, several);
            add(joins);
            selected.push_str(&format!(", {expression} AS g{position}"));
            if let Some((filter, position)) = filter {
                conditions.push(filter.condition(&expression, position, several.is_some(), self.question.range.zone()));
            }
        }
        if with == Columns::GroupsAndAgent {
            let DimensionSql { expression, joins } = agent_sql(rule);
            add(joins);
            selected.push_str(&format!(", {expression} AS g_agent"));
        }
        let joins: String = joins.iter().map(|join| format!(" {}", join.sql)).collect();
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("WITH f AS ({f}), cut AS (SELECT f.*{selected} FROM f{joins}{condition})")
    }

    fn sql(&self, show: &[Aggregation]) -> String {
        let mut keys: Vec<String> = Vec::new();
        if self.question.grain.is_some() {
            keys.push("bucket_start(at, $grain, $zone) AS bucket".to_owned());
        }
        keys.extend((0..self.question.by.len()).map(|position| format!("g{position}")));
        let has_key = self.have_keys();
        let values: String =
            show.iter().enumerate().map(|(n, shown)| format!("{} AS a{n}, ", shown.expression(has_key))).collect();
        let names: Vec<&str> = keys.iter().map(|key| key.rsplit(' ').next().unwrap_or(key)).collect();
        let grouping =
            if names.is_empty() { String::new() } else { format!("GROUP BY {0} ORDER BY {0}", names.join(", ")) };
        let selected: String = keys.iter().map(|key| format!("{key}, ")).collect();
        let inner: String = names.iter().map(|name| format!("{name}, ")).collect();
        format!(
            "{}, counted AS (SELECT {selected}case_id, CASE WHEN excluded IS NULL THEN value END AS v, \
             CASE WHEN excluded IS NULL THEN key END AS k, \
             CASE WHEN excluded IS NULL THEN case_id END AS counted_case FROM cut) \
             SELECT {inner}{values}count(v) AS contributions, count(DISTINCT counted_case) AS cases FROM counted {grouping}",
            self.cut_sql(Columns::Groups)
        )
    }

    /// The counts of the whole range.
    pub async fn totals(&self) -> Result<Totals> {
        let counts_keys = self.have_keys() && self.question.has_parts();
        let sql = format!(
            "{} SELECT excluded, count(*) AS contributions, count(DISTINCT case_id) AS cases{} FROM cut GROUP BY excluded",
            self.cut_sql(Columns::None),
            if counts_keys { ", count(DISTINCT key) AS keys" } else { "" }
        );
        let mut totals = Totals { keys: counts_keys.then_some(0), ..Totals::default() };
        let mut left_out: BTreeMap<String, i64> = self.metric.excludes.iter().map(|name| (name.clone(), 0)).collect();
        for batch in self.rows(&sql).await? {
            for row in 0..batch.num_rows() {
                let number = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(row);
                match text_at(&batch, 0, row)? {
                    None => {
                        (totals.contributions, totals.cases) = (number(1), number(2));
                        totals.keys = counts_keys.then(|| number(3));
                    }
                    Some(name) => *left_out.entry(name).or_default() += number(1),
                }
            }
        }
        totals.left_out = left_out.into_iter().collect();
        Ok(totals)
    }
}

/// The counts of a whole range.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub contributions: i64,
    pub cases: i64,
    /// Distinct keys, where counts are of those and the question has several rows.
    pub keys: Option<i64>,
    /// Name and count of what each exclusion left out.
    pub left_out: Vec<(String, i64)>,
}

/// The columns of the common table `cut`, beside those of the contributions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// None: what needs only the filters reads no other table.
    None,
    /// The dimensions of the question, as `g0`, `g1` and so on.
    Groups,
    /// The same, and the agent as `g_agent`.
    GroupsAndAgent,
}

/// A stock whose value depends on when it is read: read once an instant.
async fn union_of_reads(question: &Question, sql: &str, reads: &[i64], session: &SessionContext) -> Result<DataFrame> {
    let mut all: Option<DataFrame> = None;
    for read in reads {
        let part = bound(session, sql, question.metric_parameters(Some(Instant(*read)))).await?;
        let at = lit(instant_value(Instant(*read)));
        let holds = col("since").lt_eq(at.clone()).and(col("until").is_null().or(col("until").gt(at.clone())));
        let part = part.filter(holds)?.with_column("at", at)?;
        all = Some(match all {
            Some(all) => all.union(part)?,
            None => part,
        });
    }
    match all {
        Some(all) => Ok(all),
        // The range has not begun: there is nothing to read.
        None => {
            let part = bound(session, sql, question.metric_parameters(None)).await?.filter(lit(false))?;
            Ok(part.with_column("at", lit(instant_value(question.as_of)))?)
        }
    }
}

/// A query with its parameters bound.
async fn bound(session: &SessionContext, sql: &str, parameters: Vec<(String, ScalarValue)>) -> Result<DataFrame> {
    Ok(session.sql(sql).await?.with_param_values(parameters)?)
}

fn text_at(batch: &RecordBatch, column: usize, row: usize) -> Result<Option<String>> {
    let text = arrow::compute::cast(&batch.column(column).slice(row, 1), &DataType::Utf8)?;
    let text = text.as_string::<i32>();
    Ok(text.is_valid(0).then(|| text.value(0).to_owned()))
}

/// How many columns of which kind an aggregated row has.
#[derive(Clone, Copy)]
struct Shape {
    has_bucket: bool,
    dimensions: usize,
    shown: usize,
}

fn read_rows(batch: &RecordBatch, shape: Shape, rows: &mut Vec<AnswerRow>) -> Result<()> {
    let Shape { has_bucket, dimensions, shown } = shape;
    let offset = usize::from(has_bucket);
    let texts = (offset..offset + dimensions)
        .map(|column| arrow::compute::cast(batch.column(column), &DataType::Utf8))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    for row in 0..batch.num_rows() {
        let bucket = has_bucket.then(|| Instant(batch.column(0).as_primitive::<TimestampMillisecondType>().value(row)));
        let group = texts
            .iter()
            .map(|text| text.as_string::<i32>())
            .map(|text| text.is_valid(row).then(|| text.value(row).to_owned()));
        let value = |n: usize| {
            let column = batch.column(offset + dimensions + n).as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let count = |n: usize| batch.column(offset + dimensions + shown + n).as_primitive::<Int64Type>().value(row);
        rows.push(AnswerRow {
            bucket,
            group: group.collect(),
            values: (0..shown).map(value).collect(),
            contributions: count(0),
            cases: count(1),
        });
    }
    Ok(())
}
