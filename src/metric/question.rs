//! A question to a metric, and its answer.
//!
//! The metric's SQL becomes a view with its parameters bound; one plan joins the dimensions, finds each contribution's
//! bucket and aggregates. Buckets and groups in which nothing happened are filled in afterwards, so a gap is never
//! mistaken for a zero.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext, cast, col, lit};

use super::aggregation::Aggregation;
use super::dimension::{Bounds, Dimension};
use super::functions::{percentile, stock_reads};
use super::header::{Metric, MetricKind};
use super::range::{Grain, Range};
use super::{Catalogue, zone_name};
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// What is asked of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub metric: String,
    pub by: Vec<Dimension>,
    pub grain: Option<Grain>,
    pub range: Range,
    pub as_of: Instant,
    /// Empty: what the metric's header names.
    pub show: Vec<Aggregation>,
    pub filters: Vec<Filter>,
}

/// Only contributions with that value of a dimension; no value: those without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub dimension: Dimension,
    pub value: Option<String>,
}

/// One group of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerRow {
    pub bucket: Option<Instant>,
    pub group: Vec<Option<String>>,
    /// One number an aggregation; nothing where nothing was measured.
    pub values: Vec<Option<f64>>,
    pub contributions: i64,
    pub cases: i64,
}

/// The numbers, and what stands behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub metric: Metric,
    pub show: Vec<Aggregation>,
    /// Ordered by bucket, then by dimension.
    pub rows: Vec<AnswerRow>,
    pub contributions: i64,
    pub cases: i64,
    /// Name and count of what each exclusion of the header left out.
    pub left_out: Vec<(String, i64)>,
    /// Counts are of distinct keys, so those of groups do not add up.
    pub distinct: bool,
}

impl Question {
    /// The question about another range, asked as of that range's end or the present.
    #[must_use]
    pub fn over(&self, range: Range, now: Instant) -> Question {
        let as_of = range.as_of(now);
        Question { range, as_of, ..self.clone() }
    }

    fn bounds(&self) -> Bounds {
        Bounds { as_of: instant_sql(self.as_of), zone: zone_name(self.range.zone()) }
    }

    /// The instants at which a stock is read: the last millisecond of each bucket that has begun.
    fn reads(&self) -> Vec<i64> {
        if self.as_of < self.range.from {
            return Vec::new();
        }
        let last = |end: Instant| end.plus_ms(-1).min(self.range.to.plus_ms(-1)).min(self.as_of).0;
        match self.grain {
            None => vec![last(self.range.to)],
            Some(grain) => {
                let begun = self.range.buckets(grain).into_iter().filter(|bucket| bucket.start <= self.as_of);
                begun.map(|bucket| last(bucket.end)).collect()
            }
        }
    }

    /// Answers the question.
    ///
    /// # Errors
    /// When the metric is not known, or cannot be cut like that, or the engine fails.
    pub async fn answer(&self, context: &SessionContext, catalogue: &Catalogue) -> Result<Answer> {
        let metric = catalogue.get(&self.metric)?;
        if metric.kind == MetricKind::Ratio {
            return Box::pin(super::ratio::answer(self, metric, context, catalogue)).await;
        }
        let show = match self.show.is_empty() {
            true => vec![Aggregation::parse(&metric.aggregate)?],
            false => self.show.clone(),
        };
        self.check_names(metric, &show)?;
        for shown in &show {
            if let Aggregation::Percentile(thousandths, _) = shown {
                context.register_udaf(percentile(*thousandths));
            }
        }
        let columns = self.register_contributions(metric, context).await?;
        self.check_dimensions(metric, &columns)?;
        let batches = context.sql(&self.sql(&columns, &show)).await?.collect().await?;
        let mut rows = Vec::new();
        for batch in &batches {
            read_rows(batch, self.grain.is_some(), self.by.len(), show.len(), &mut rows)?;
        }
        let (contributions, cases, left_out) = self.totals(metric, &columns, context).await?;
        self.fill(&mut rows, &show, &metric.unit);
        let distinct = columns.contains("key");
        Ok(Answer { metric: metric.clone(), show, rows, contributions, cases, left_out, distinct })
    }

    /// The contributions behind the answer, one row each, for whoever asks which cases these are.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn contributions(
        &self,
        context: &SessionContext,
        catalogue: &Catalogue,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let metric = catalogue.get(&self.metric)?;
        if metric.kind == MetricKind::Ratio {
            let hint = "ask for the cases of its numerator or denominator";
            return Err(
                Error::refused(format!("`{}` is a ratio and has no cases of its own", metric.name)).with_hint(hint)
            );
        }
        let columns = self.register_contributions(metric, context).await?;
        self.check_dimensions(metric, &columns)?;
        let named = |(alias, name): &(String, &str)| format!(", {alias} AS \"{}\"", name.replace('"', "\"\""));
        let dimensions: String = self.named_dimensions().iter().map(named).collect();
        let agent = if self.by.iter().any(|dimension| dimension.name == "agent") { "" } else { ", agent" };
        let value = if metric.unit == "ms" { "value AS value_ms" } else { "value" };
        let sql = format!(
            "{} SELECT case_id, at, {value}{agent}{dimensions}, excluded FROM cut ORDER BY 2, 1, 3, 4",
            self.cut_sql(&columns)
        );
        let frame = context.sql(&sql).await?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        Ok((schema, frame.collect().await?))
    }

    /// How many contributions have a value below each bound, and at or above the last: one more number than bounds.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn distribution(
        &self,
        bounds: &[f64],
        context: &SessionContext,
        catalogue: &Catalogue,
    ) -> Result<Vec<i64>> {
        let metric = catalogue.get(&self.metric)?;
        let columns = self.register_contributions(metric, context).await?;
        let reached: Vec<String> =
            bounds.iter().map(|bound| format!("CASE WHEN value >= {bound} THEN 1 ELSE 0 END")).collect();
        let sql = format!(
            "{}, placed AS (SELECT {} AS class FROM cut WHERE excluded IS NULL AND value IS NOT NULL) \
             SELECT CAST(class AS BIGINT) AS class, count(*) AS contributions FROM placed GROUP BY class ORDER BY class",
            self.cut_sql(&columns),
            reached.join(" + ")
        );
        let mut counts = vec![0; bounds.len() + 1];
        for batch in context.sql(&sql).await?.collect().await? {
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

    /// Registers the metric's contributions as a view; gives the names of its columns.
    async fn register_contributions(&self, metric: &Metric, context: &SessionContext) -> Result<BTreeSet<String>> {
        let sql = metric.sql.as_deref().unwrap_or_default();
        let reads = self.reads();
        let reads_itself = metric.kind == MetricKind::Stock && sql.contains("$at");
        let frame = if reads_itself {
            self.union_of_reads(sql, &reads, context).await?
        } else {
            bound(context, sql, &self.parameters(None)).await?
        };
        let is_flag = frame.schema().field_with_unqualified_name("value")?.data_type() == &DataType::Boolean;
        let frame = if is_flag { frame.with_column("value", cast(col("value"), DataType::Int64))? } else { frame };
        let mut columns: BTreeSet<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        context.deregister_table("contributions")?;
        context.register_table("contributions", frame.into_view())?;
        context.register_udf(stock_reads(reads));
        if reads_itself {
            columns.insert("at".to_owned());
        }
        Ok(columns)
    }

    /// A stock whose value depends on when it is read: read once an instant.
    async fn union_of_reads(&self, sql: &str, reads: &[i64], context: &SessionContext) -> Result<DataFrame> {
        let mut all: Option<DataFrame> = None;
        for read in reads {
            let part = bound(context, sql, &self.parameters(Some(Instant(*read)))).await?;
            let at = instant_value(Instant(*read));
            let holds = format!("since <= {0} AND (until IS NULL OR until > {0})", instant_sql(Instant(*read)));
            let part = part.clone().filter(part.parse_sql_expr(&holds)?)?.with_column("at", lit(at))?;
            all = Some(match all {
                Some(all) => all.union(part)?,
                None => part,
            });
        }
        match all {
            Some(all) => Ok(all),
            // The range has not begun: there is nothing to read.
            None => {
                let part = bound(context, sql, &self.parameters(None)).await?.filter(lit(false))?;
                Ok(part.with_column("at", lit(instant_value(self.as_of)))?)
            }
        }
    }

    fn parameters(&self, at: Option<Instant>) -> Vec<(&'static str, ScalarValue)> {
        let at = at.unwrap_or(self.as_of);
        [("from", self.range.from), ("to", self.range.to), ("as_of", self.as_of), ("at", at)]
            .map(|(name, instant)| (name, instant_value(instant)))
            .to_vec()
    }

    fn check_names(&self, metric: &Metric, show: &[Aggregation]) -> Result<()> {
        if show.contains(&Aggregation::Ratio) {
            let message = format!("`{}` is not a ratio", metric.name);
            return Err(
                Error::invalid("aggregation", message).with_hint("only metrics of `kind: ratio` are shown as one")
            );
        }
        let mut names: Vec<&str> = self.by.iter().map(|dimension| dimension.name.as_str()).collect();
        names.extend(show.iter().map(Aggregation::name));
        names.sort_unstable();
        match names.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => {
                let name = pair.first().copied().unwrap_or_default();
                Err(Error::refused(format!("`{name}` is asked for twice")).with_hint("name each column once"))
            }
            None => Ok(()),
        }
    }

    fn check_dimensions(&self, metric: &Metric, columns: &BTreeSet<String>) -> Result<()> {
        for dimension in self.dimensions() {
            if let Some(column) = dimension.needs_column().filter(|column| !columns.contains(*column)) {
                let message = format!("`{}` cannot be cut by `{}`", metric.name, dimension.name);
                return Err(Error::invalid("dimension", message)
                    .with_hint(format!("its contributions have no column `{column}`")));
            }
        }
        Ok(())
    }

    /// Dimensions that are shown, then those that are only filtered by.
    fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.by.iter().chain(self.filters.iter().map(|filter| &filter.dimension))
    }

    /// Column of `cut` and name of each dimension that is shown.
    fn named_dimensions(&self) -> Vec<(String, &str)> {
        self.by
            .iter()
            .enumerate()
            .map(|(position, dimension)| (format!("g{position}"), dimension.name.as_str()))
            .collect()
    }

    /// Contributions in the range, with their dimensions, as the common table `cut`.
    fn cut_sql(&self, columns: &BTreeSet<String>) -> String {
        let bounds = self.bounds();
        let has = |name: &str| columns.contains(name);
        let optional = |name: &str, kind: &str| {
            if has(name) { name.to_owned() } else { format!("CAST(NULL AS {kind}) AS {name}") }
        };
        let shared = format!(
            "case_id, agent, value, {}, {}, {}",
            optional("key", "VARCHAR"),
            optional("excluded", "VARCHAR"),
            optional("kind", "VARCHAR")
        );
        let (from, to, as_of) = (instant_sql(self.range.from), instant_sql(self.range.to), &bounds.as_of);
        let flow = format!("SELECT at, {shared} FROM contributions WHERE at >= {from} AND at < {to} AND at <= {as_of}");
        let read = format!("SELECT at, {shared} FROM contributions");
        let stock = format!("SELECT unnest(stock_reads(since, until)) AS at, {shared} FROM contributions");
        let f = match (has("at"), has("since")) {
            (true, true) => read,
            (true, false) => flow,
            _ => stock,
        };
        let mut joins = String::new();
        let mut selected = String::new();
        let mut conditions = Vec::new();
        for (position, dimension) in self.dimensions().enumerate() {
            joins.push_str(&format!(" {}", dimension.join(position, &bounds)));
            let expression = dimension.expression(position, &bounds);
            selected.push_str(&format!(", {expression} AS g{position}"));
            if let Some(filter) = position.checked_sub(self.by.len()).and_then(|position| self.filters.get(position)) {
                conditions.push(match &filter.value {
                    Some(value) => {
                        let value = filter.dimension.comparable(value);
                        format!("{expression} = '{}'", value.replace('\'', "''"))
                    }
                    None => format!("{expression} IS NULL"),
                });
            }
        }
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("WITH f AS ({f}), cut AS (SELECT f.*{selected} FROM f{joins}{condition})")
    }

    fn sql(&self, columns: &BTreeSet<String>, show: &[Aggregation]) -> String {
        let mut keys: Vec<String> = Vec::new();
        if let Some(grain) = self.grain {
            keys.push(format!("bucket_start(at, '{}', '{}') AS bucket", grain.name(), zone_name(self.range.zone())));
        }
        keys.extend((0..self.by.len()).map(|position| format!("g{position}")));
        let has_key = columns.contains("key");
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
            self.cut_sql(columns)
        )
    }

    /// Contributions and cases over the whole range, and what each exclusion left out.
    async fn totals(
        &self,
        metric: &Metric,
        columns: &BTreeSet<String>,
        context: &SessionContext,
    ) -> Result<(i64, i64, Vec<(String, i64)>)> {
        let sql = format!(
            "{} SELECT excluded, count(*) AS contributions, count(DISTINCT case_id) AS cases FROM cut GROUP BY excluded",
            self.cut_sql(columns)
        );
        let (mut contributions, mut cases) = (0, 0);
        let mut left_out: BTreeMap<String, i64> = metric.excludes.iter().map(|name| (name.clone(), 0)).collect();
        for batch in context.sql(&sql).await?.collect().await? {
            for row in 0..batch.num_rows() {
                let number = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(row);
                match text_at(&batch, 0, row)? {
                    None => (contributions, cases) = (number(1), number(2)),
                    Some(name) => *left_out.entry(name).or_default() += number(1),
                }
            }
        }
        Ok((contributions, cases, left_out.into_iter().collect()))
    }

    /// Puts in the buckets and groups in which nothing happened, and empties those after the as-of.
    fn fill(&self, rows: &mut Vec<AnswerRow>, show: &[Aggregation], unit: &str) {
        let empty: Vec<Option<f64>> = show.iter().map(|shown| shown.is_zero_of_nothing(unit).then_some(0.0)).collect();
        let nothing = |bucket: Option<Instant>, group: &[Option<String>], values: Vec<Option<f64>>| AnswerRow {
            bucket,
            group: group.to_vec(),
            values,
            contributions: 0,
            cases: 0,
        };
        if self.as_of < self.range.from {
            rows.iter_mut().for_each(|row| row.values.fill(None));
        }
        if let Some(grain) = self.grain {
            let mut groups: BTreeSet<Vec<Option<String>>> = rows.iter().map(|row| row.group.clone()).collect();
            if self.by.is_empty() {
                groups.insert(Vec::new());
            }
            let mut known: BTreeMap<_, AnswerRow> =
                rows.drain(..).map(|row| ((row.bucket, row.group.clone()), row)).collect();
            for bucket in self.range.buckets(grain) {
                for group in &groups {
                    let values = if bucket.start <= self.as_of { empty.clone() } else { vec![None; show.len()] };
                    let key = (Some(bucket.start), group.clone());
                    rows.push(known.remove(&key).unwrap_or_else(|| nothing(Some(bucket.start), group, values)));
                }
            }
        }
        let order =
            |group: &[Option<String>]| group.iter().map(|value| (value.is_none(), value.clone())).collect::<Vec<_>>();
        rows.sort_by_key(|row| (row.bucket, order(&row.group)));
    }
}

async fn bound(context: &SessionContext, sql: &str, parameters: &[(&'static str, ScalarValue)]) -> Result<DataFrame> {
    let frame = context.sql(sql).await?;
    Ok(frame.with_param_values(parameters.to_vec())?)
}

/// SQL of an instant.
#[must_use]
pub fn instant_sql(instant: Instant) -> String {
    format!("arrow_cast({}, 'Timestamp(Millisecond, Some(\"UTC\"))')", instant.0)
}

/// An instant as the engine's value.
#[must_use]
pub fn instant_value(instant: Instant) -> ScalarValue {
    ScalarValue::TimestampMillisecond(Some(instant.0), Some("UTC".into()))
}

fn text_at(batch: &RecordBatch, column: usize, row: usize) -> Result<Option<String>> {
    let text = arrow::compute::cast(&batch.column(column).slice(row, 1), &DataType::Utf8)?;
    let text = text.as_string::<i32>();
    Ok(text.is_valid(0).then(|| text.value(0).to_owned()))
}

fn read_rows(
    batch: &RecordBatch,
    has_bucket: bool,
    dimensions: usize,
    shown: usize,
    rows: &mut Vec<AnswerRow>,
) -> Result<()> {
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
