//! Aggregating contributions: one query gives the number of every group, what is left out, and the cases of all groups
//! together.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType};
use roaring::RoaringTreemap;

use super::aggregation::Aggregation;
use super::answer::AnswerRow;
use super::contributions::{Columns, Contributions};
use super::foremost::{self, Behind, FOREMOST, ForemostOfGroup, Order};
use super::header::{Metric, MetricKind};
use super::percentile::percentile;
use super::question::Question;
use super::range::Bucket;
use super::sets::{self, DISTINCT, NUMBER_OF};
use super::stock::{LEVEL_NUMBERS, Level, STOCK_OVER_TIME, stock_over_time};
use crate::error::Result;
use crate::model::time::Instant;

/// The numbers of all groups, and what they were computed from.
#[derive(Debug, Default)]
pub struct Tally {
    pub rows: Vec<AnswerRow>,
    pub contributions: i64,
    /// Different cases in all groups together.
    pub cases: i64,
    /// Different keys in all groups together, where counts are of those and the question has several rows.
    pub keys: Option<i64>,
    /// What each exclusion left out.
    pub left_out: BTreeMap<String, i64>,
    /// The cases of each group that come first, where they are wanted.
    pub foremost: Vec<ForemostOfGroup>,
}

/// How many cases of each group are wanted, in which order.
pub type Ranked = Option<(usize, Order)>;

/// What is to be counted.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub question: &'a Question,
    pub metric: &'a Metric,
    pub show: &'a [Aggregation],
    pub ranked: Ranked,
}

/// The numbers of every group, and what they are of.
pub(super) struct Counted {
    pub tally: Tally,
    /// The cases that come first, where they are wanted and known from the same contributions.
    pub behind: Option<Behind>,
    /// Counts are of distinct keys.
    pub distinct: bool,
    /// Values are of an integer type.
    pub integral: bool,
    /// The dimensions of which a case may have several values.
    pub several: Vec<String>,
}

impl Tally {
    /// Takes the cases that come first.
    pub(super) fn behind(&mut self, is_since: bool) -> Behind {
        Behind { is_since, cases: self.cases, groups: std::mem::take(&mut self.foremost) }
    }
}

impl Contributions<'_> {
    /// The number of every group, of the contributions that pass the filters.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn tally(&self, show: &[Aggregation], ranked: Ranked) -> Result<Tally> {
        let mut totals = Totals::new(self.metric());
        let mut sets = Sets { cases: RoaringTreemap::new(), keys: self.counts_keys().then(RoaringTreemap::new) };
        let over_time = ranked.is_none() && self.is_read_over_time(show);
        for shown in show {
            if let Aggregation::Percentile(thousandths, _) = shown {
                self.session().register_udaf(percentile(*thousandths));
            }
        }
        let sql = if over_time { self.sql_over_time() } else { self.sql_of_groups(show, ranked) };
        for batch in self.collect(&sql, Vec::new()).await? {
            let groups = Groups::of(self, &batch)?;
            match over_time {
                true => groups.read_over_time(self, show, &mut totals, &mut sets)?,
                false => groups.read(show, &mut totals, &mut sets)?,
            }
        }
        let (cases, keys) = (whole(sets.cases.len()), sets.keys.map(|keys| whole(keys.len())));
        let mut tally = totals.finish(self.question(), self.metric(), show, cases, keys);
        self.name_cases(&mut tally.foremost);
        Ok(tally)
    }

    /// Whether the keys of all groups together are counted.
    fn counts_keys(&self) -> bool {
        self.have_keys() && self.question().has_parts()
    }

    /// Whether a stock is counted from where contributions begin and end, without a row for each instant.
    fn is_read_over_time(&self, show: &[Aggregation]) -> bool {
        let is_whole = self.kind_of("value").is_some_and(DataType::is_integer);
        self.metric().kind == MetricKind::Stock
            && self.kind_of("since").is_some()
            && self.kind_of("at").is_none()
            && !self.reads_itself()
            && show.iter().all(|shown| is_of_levels(shown, is_whole))
            && self.is_cut_alike_over_time()
            && !self.question().reads().is_empty()
    }

    /// A column with numbers of cases or keys, which may be texts.
    pub(super) fn number_sql(&self, column: &str) -> String {
        match self.kind_of(column) {
            Some(DataType::UInt64) => column.to_owned(),
            _ => format!("{NUMBER_OF}(CAST({column} AS VARCHAR))"),
        }
    }

    /// `excluded`, where the metric leaves something out, and the dimensions.
    fn group_names(&self) -> Vec<String> {
        let groups = (0..self.question().by.len()).map(|position| format!("g{position}"));
        let excluded = self.kind_of("excluded").map(|_| "excluded".to_owned());
        excluded.into_iter().chain(groups).collect()
    }

    fn sql_of_groups(&self, show: &[Aggregation], ranked: Ranked) -> String {
        let mut names = self.group_names();
        let bucket = match self.question().grain {
            Some(_) => {
                names.push("bucket".to_owned());
                "bucket_of(at) AS bucket, "
            }
            None => "",
        };
        let has_key = self.have_keys();
        let key = self.number_sql(if has_key { "key" } else { "case_id" });
        let values: String =
            show.iter().enumerate().map(|(n, shown)| format!("{} AS a{n}, ", shown.expression(has_key))).collect();
        let groups: String = self.group_names().iter().map(|name| format!("{name}, ")).collect();
        let selected: String = names.iter().map(|name| format!("{name}, ")).collect();
        let grouping = if names.is_empty() { String::new() } else { format!(" GROUP BY {}", names.join(", ")) };
        let columns = if ranked.is_some() { Columns::GroupsAndSince } else { Columns::Groups };
        let (instant, foremost) = ranked.map(|ranked| self.foremost_sql(ranked)).unwrap_or_default();
        format!(
            "{}, counted AS (SELECT {bucket}{groups}value, {} AS number, {key} AS key{instant} FROM cut) \
             SELECT {selected}{values}count(value) AS contributions, count(*) AS rows, {DISTINCT}(number) AS cases{}{foremost} \
             FROM counted{grouping}",
            self.cut_sql(columns),
            self.number_sql("case_id"),
            if self.counts_keys() { format!(", {DISTINCT}(key) AS keys") } else { String::new() }
        )
    }

    /// The column with the instant of a contribution, and the one with the cases that come first.
    fn foremost_sql(&self, (count, order): (usize, Order)) -> (String, String) {
        let instant = if self.is_since() { "since" } else { "at" };
        let [first, second] = order.keys("instant");
        let value = "CAST(value AS DOUBLE)";
        (
            format!(", arrow_cast({instant}, 'Int64') AS instant"),
            format!(", {FOREMOST}({first}, {second}, {value}, instant, number, CAST({count} AS BIGINT)) AS foremost"),
        )
    }

    fn sql_over_time(&self) -> String {
        let reads = self.question().reads().len();
        self.session().register_udaf(stock_over_time(reads));
        let names = self.group_names();
        let key = self.number_sql(if self.have_keys() { "key" } else { "case_id" });
        let selected: String = names.iter().map(|name| format!("{name}, ")).collect();
        let grouping = if names.is_empty() { String::new() } else { format!(" GROUP BY {}", names.join(", ")) };
        format!(
            "{}, counted AS (SELECT {selected}begins, ends, CAST(value AS DOUBLE) AS value, {} AS number, {key} AS key \
             FROM cut) SELECT {selected}{STOCK_OVER_TIME}(begins, ends, value, number, key) AS levels, \
             {DISTINCT}(CASE WHEN value IS NOT NULL THEN number END) AS cases{} FROM counted{grouping}",
            self.cut_sql(Columns::OverTime),
            self.number_sql("case_id"),
            if self.counts_keys() { format!(", {DISTINCT}(key) AS keys") } else { String::new() }
        )
    }
}

/// Whether an aggregation of a stock follows from its [`Level`]s.
pub(super) fn is_of_levels(shown: &Aggregation, is_whole: bool) -> bool {
    match shown {
        Aggregation::Count => true,
        Aggregation::Sum => is_whole,
        _ => false,
    }
}

/// A tally that is being made.
pub(super) struct Totals {
    tally: Tally,
    /// Groups of which something is left out.
    of_nothing: BTreeSet<Group>,
}

/// A bucket and the values of the dimensions.
pub(super) type Group = (Option<Instant>, Vec<Option<String>>);

impl Totals {
    pub fn new(metric: &Metric) -> Totals {
        let left_out = metric.excludes.iter().map(|name| (name.clone(), 0)).collect();
        Totals { tally: Tally { left_out, ..Tally::default() }, of_nothing: BTreeSet::new() }
    }

    /// Counts what an exclusion leaves out of a group; nothing where only the count is known.
    pub fn leave_out(&mut self, name: &str, count: i64, group: Option<Group>) {
        *self.tally.left_out.entry(name.to_owned()).or_default() += count;
        self.of_nothing.extend(group);
    }

    /// Adds the numbers of a group.
    pub fn add(&mut self, row: AnswerRow) {
        self.tally.contributions += row.contributions;
        self.tally.rows.push(row);
    }

    /// Adds the cases of a group that come first, where it has any.
    pub fn add_foremost(&mut self, of_group: ForemostOfGroup) {
        if !of_group.cases.is_empty() {
            self.tally.foremost.push(of_group);
        }
    }

    /// Adds what the stock of a group was at each of its readings, and at which buckets.
    pub fn add_levels(
        &mut self,
        levels: &[Level],
        buckets: &[Bucket],
        group: &[Option<String>],
        show: &[Aggregation],
        has_key: bool,
    ) {
        for (position, level) in levels.iter().enumerate().filter(|(_, level)| level.contributions > 0.0) {
            let value = |shown: &Aggregation| match shown {
                Aggregation::Sum => Some(level.sum),
                _ if has_key => Some(level.keys),
                _ => Some(level.contributions),
            };
            self.add(AnswerRow {
                bucket: buckets.get(position).map(|bucket| bucket.start),
                group: group.to_vec(),
                values: show.iter().map(value).collect(),
                contributions: level.contributions as i64,
                cases: level.cases as i64,
            });
        }
    }

    /// The tally, with the groups of which everything is left out. Without groups it has one row, whatever there is. `cases` and
    /// `keys` are how many different ones all groups together have.
    pub fn finish(
        self,
        question: &Question,
        metric: &Metric,
        show: &[Aggregation],
        cases: i64,
        keys: Option<i64>,
    ) -> Tally {
        let Totals { mut tally, mut of_nothing } = self;
        for row in &tally.rows {
            of_nothing.remove(&(row.bucket, row.group.clone()));
        }
        if tally.rows.is_empty() && question.by.is_empty() && question.grain.is_none() {
            of_nothing.insert((None, Vec::new()));
        }
        let value = |shown: &Aggregation| match shown {
            Aggregation::PerDay => Some(0.0),
            other => metric.of_nothing(other),
        };
        let values: Vec<Option<f64>> = show.iter().map(value).collect();
        let nothing = |(bucket, group)| AnswerRow { bucket, group, values: values.clone(), contributions: 0, cases: 0 };
        for row in tally.rows.iter_mut().filter(|row| row.contributions == 0) {
            row.values.clone_from(&values);
        }
        tally.rows.extend(of_nothing.into_iter().map(nothing));
        Tally { cases, keys, ..tally }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The cases of all groups together, and the keys where they are counted.
struct Sets {
    cases: RoaringTreemap,
    keys: Option<RoaringTreemap>,
}

/// The rows of an aggregated batch, group by group.
struct Groups<'b> {
    batch: &'b RecordBatch,
    excluded: Option<StringArray>,
    dimensions: Vec<StringArray>,
}

impl<'b> Groups<'b> {
    fn of(contributions: &Contributions<'_>, batch: &'b RecordBatch) -> Result<Groups<'b>> {
        let texts = |name: &str| -> Result<Option<StringArray>> {
            let Some(column) = batch.column_by_name(name) else { return Ok(None) };
            Ok(Some(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()))
        };
        let mut dimensions = Vec::new();
        for position in 0..contributions.question().by.len() {
            dimensions.extend(texts(&format!("g{position}"))?);
        }
        Ok(Groups { batch, excluded: texts("excluded")?, dimensions })
    }

    fn group(&self, row: usize) -> Vec<Option<String>> {
        self.dimensions.iter().map(|texts| texts.is_valid(row).then(|| texts.value(row).to_owned())).collect()
    }

    fn excluded(&self, row: usize) -> Option<&str> {
        self.excluded.as_ref().filter(|names| names.is_valid(row)).map(|names| names.value(row))
    }

    fn count(&self, name: &str, row: usize) -> i64 {
        let counts = self.batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        counts.map_or(0, |counts| counts.value(row))
    }

    fn set(&self, name: &str, row: usize) -> Result<RoaringTreemap> {
        let sets = self.batch.column_by_name(name).and_then(|column| column.as_binary_opt::<i32>());
        Ok(match sets.filter(|sets| sets.is_valid(row)) {
            Some(sets) => sets::read(sets.value(row))?,
            None => RoaringTreemap::new(),
        })
    }

    fn add_sets(&self, cases: RoaringTreemap, row: usize, sets: &mut Sets) -> Result<()> {
        sets.cases |= cases;
        if let Some(keys) = &mut sets.keys {
            *keys |= self.set("keys", row)?;
        }
        Ok(())
    }

    /// Reads the rows of `sql_of_groups`.
    fn read(&self, show: &[Aggregation], totals: &mut Totals, sets: &mut Sets) -> Result<()> {
        let starts = self.batch.column_by_name("bucket");
        let starts = starts.and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>());
        for row in 0..self.batch.num_rows() {
            let bucket = starts.filter(|starts| starts.is_valid(row)).map(|starts| Instant(starts.value(row)));
            let group = self.group(row);
            if let Some(name) = self.excluded(row) {
                totals.leave_out(name, self.count("rows", row), Some((bucket, group)));
                continue;
            }
            let value = |n: usize| {
                let values = self.batch.column_by_name(&format!("a{n}"))?.as_primitive_opt::<Float64Type>()?;
                values.is_valid(row).then(|| values.value(row))
            };
            let cases = self.set("cases", row)?;
            let contributions = self.count("contributions", row);
            let first = foremost::read(self.batch.column_by_name("foremost"), row);
            totals.add_foremost(ForemostOfGroup { bucket, group: group.clone(), contributions, cases: first });
            totals.add(AnswerRow {
                bucket,
                group,
                values: (0..show.len()).map(value).collect(),
                contributions,
                cases: whole(cases.len()),
            });
            self.add_sets(cases, row, sets)?;
        }
        Ok(())
    }

    /// Reads the rows of `sql_over_time`.
    fn read_over_time(
        &self,
        contributions: &Contributions<'_>,
        show: &[Aggregation],
        totals: &mut Totals,
        sets: &mut Sets,
    ) -> Result<()> {
        let buckets = contributions.question().buckets();
        let lists = self.batch.column_by_name("levels").and_then(|column| column.as_list_opt::<i32>());
        for row in 0..self.batch.num_rows() {
            let Some(numbers) = lists.filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row)) else {
                continue;
            };
            let Some(numbers) = numbers.as_primitive_opt::<Float64Type>() else { continue };
            let (levels, _) = numbers.values().as_chunks::<LEVEL_NUMBERS>();
            let levels = levels.iter().map(|[contributions, cases, keys, sum]| Level {
                contributions: *contributions,
                cases: *cases,
                keys: *keys,
                sum: *sum,
            });
            let levels: Vec<Level> = levels.collect();
            if let Some(name) = self.excluded(row) {
                let count: f64 = levels.iter().map(|level| level.contributions).sum();
                totals.leave_out(name, count as i64, None);
                continue;
            }
            self.add_sets(self.set("cases", row)?, row, sets)?;
            totals.add_levels(&levels, &buckets, &self.group(row), show, contributions.have_keys());
        }
        Ok(())
    }
}
