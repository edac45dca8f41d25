//! The numbers of a question from contributions in memory.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::rows::{NO_CASE, NO_VALUE, Rows, Texts};
use crate::metric::aggregation::Aggregation;
use crate::metric::answer::AnswerRow;
use crate::metric::foremost::{Behind, Entries, ForemostOfGroup, Order};
use crate::metric::header::{Metric, MetricKind};
use crate::metric::percentile::percentile_of;
use crate::metric::question::Question;
use crate::metric::ratio::quotient;
use crate::metric::stock::{Level, change, sums};
use crate::metric::tally::{Asked, Counted, Ranked, Totals, is_of_levels};
use crate::model::time::Instant;
use crate::query::names::NONE;

impl Rows {
    /// The numbers of a question; nothing where they do not follow from these contributions. The cases behind a stock that states
    /// the instants are not known where they are those of another instant, or each has a begin, which the rows do not have.
    pub(in crate::metric) fn count(&self, asked: &Asked<'_>) -> Option<Counted> {
        let Asked { question, metric, show, ranked } = *asked;
        let cells = Cells::new(self, question)?;
        let (totals, cases) = match &self.until {
            Some(until) => self.over_time(until, &cells, asked)?,
            None => self.at_instants(&cells, asked)?,
        };
        let keys = (self.have_keys && question.has_parts()).then_some(cases);
        let mut tally = totals.finish(question, metric, show, cases, keys);
        let is_at_end = metric.kind != MetricKind::Stock || question.grain.is_none();
        let behind = match (ranked, &self.until) {
            (Some(ranked), Some(until)) => Some(self.behind_at_end(until, question, ranked)?),
            (Some(_), None) if is_at_end && !self.is_since => Some(tally.behind(false)),
            _ => None,
        };
        Some(Counted { tally, behind, distinct: self.have_keys, integral: true, several: Vec::new() })
    }

    /// How many contributions have a value below each bound, and at or above the last; nothing where this does not follow from
    /// these contributions.
    pub(in crate::metric) fn distribution(
        &self,
        question: &Question,
        metric: &Metric,
        bounds: &[f64],
    ) -> Option<Vec<i64>> {
        if self.until.is_some() {
            return None;
        }
        let counts_at = counts_at(question, metric);
        let mut counts = vec![0; bounds.len() + 1];
        for (row, _) in self.since.iter().enumerate().filter(|(_, at)| counts_at(**at)) {
            let value = self.value(row);
            if value == NO_VALUE || self.is_left_out(row) {
                continue;
            }
            let class = bounds.iter().filter(|bound| value as f64 >= **bound).count();
            if let Some(count) = counts.get_mut(class) {
                *count += 1;
            }
        }
        Some(counts)
    }

    fn is_left_out(&self, row: usize) -> bool {
        self.excluded.as_ref().is_some_and(|excluded| excluded.codes.get(row) != Some(&NONE))
    }

    /// What counts at instants, and how many cases all groups together have.
    fn at_instants(&self, cells: &Cells<'_>, asked: &Asked<'_>) -> Option<(Totals, i64)> {
        let Asked { question, metric, show, ranked } = *asked;
        let counts_at = counts_at(question, metric);
        let keeps_values = show.iter().any(|shown| matches!(shown, Aggregation::Percentile(..)));
        let mut groups: Groups<Numbers> = Groups::new(cells);
        // Without a cut there is one group, whatever is in it.
        if cells.texts.is_empty() && question.grain.is_none() {
            groups.at(0)?;
        }
        let mut all = Different::default();
        for ((row, at), case) in self.since.iter().enumerate().zip(&self.cases).filter(|((_, at), _)| counts_at(**at)) {
            let group = groups.at(cells.cell(row, Some(*at))?)?;
            group.add(self.value(row), keeps_values);
            group.cases.add(*case);
            group.may_be_first(ranked, self.value(row), *at, *case);
            if !self.is_left_out(row) {
                all.add(*case);
            }
        }
        let (mut totals, days) = (Totals::new(metric), question.days());
        for (cell, mut group) in groups.all {
            let (excluded, bucket, names) = cells.group(cell);
            if let Some(name) = excluded {
                totals.leave_out(name, group.rows, Some((bucket, names)));
                continue;
            }
            let values = show.iter().map(|shown| group.number(shown, self.have_keys, days)).collect();
            let (contributions, cases) = (group.count, group.cases.count);
            totals.add_foremost(group.foremost_of(bucket, names.clone()));
            totals.add(AnswerRow { bucket, group: names, values, contributions, cases });
        }
        Some((totals, all.count))
    }

    /// A stock at each instant at which it is read, and how many cases all groups together have.
    fn over_time(&self, until: &[i64], cells: &Cells<'_>, asked: &Asked<'_>) -> Option<(Totals, i64)> {
        let Asked { question, metric, show, .. } = *asked;
        let reads = question.reads();
        if reads.is_empty() || !show.iter().all(|shown| is_of_levels(shown, true)) {
            return None;
        }
        let position = |instant: i64| reads.partition_point(|read| *read < instant);
        let mut groups: Groups<Stock> = Groups::new(cells);
        let mut all = Different::default();
        for (row, ((since, until), case)) in self.since.iter().zip(until).zip(&self.cases).enumerate() {
            let times = (u32::try_from(position(*since)).ok()?, u32::try_from(position(*until)).ok()?);
            let value = self.value(row);
            if times.0 >= times.1 || *since == NO_VALUE || value == NO_VALUE {
                continue;
            }
            groups.at(cells.cell(row, None)?)?.add(reads.len(), times, value, *case);
            if !self.is_left_out(row) {
                all.add(*case);
            }
        }
        let (buckets, mut totals) = (question.buckets(), Totals::new(metric));
        for (cell, stock) in groups.all {
            let (excluded, _, names) = cells.group(cell);
            let levels = stock.levels();
            if let Some(name) = excluded {
                let count: f64 = levels.iter().map(|level| level.contributions).sum();
                totals.leave_out(name, count as i64, None);
                continue;
            }
            totals.add_levels(&levels, &buckets, &names, show, self.have_keys);
        }
        Some((totals, all.count))
    }

    /// The cases of a stock as it is at the end of the range.
    fn behind_at_end(&self, until: &[i64], question: &Question, ranked: (usize, Order)) -> Option<Behind> {
        let question = Question { grain: None, ..question.clone() };
        let cells = Cells::new(self, &question)?;
        let Some(end) = question.reads().last().copied() else {
            return Some(Behind { is_since: true, ..Behind::default() });
        };
        let (mut groups, mut all): (Groups<Numbers>, _) = (Groups::new(&cells), Different::default());
        for (row, ((since, until), case)) in self.since.iter().zip(until).zip(&self.cases).enumerate() {
            if *since == NO_VALUE || *since > end || *until <= end || self.is_left_out(row) {
                continue;
            }
            let group = groups.at(cells.cell(row, None)?)?;
            group.add(self.value(row), false);
            group.may_be_first(Some(ranked), self.value(row), *since, *case);
            all.add(*case);
        }
        let of_group = |(cell, group): (u64, Numbers)| group.foremost_of(None, cells.group(cell).2);
        let groups = groups.all.into_iter().map(of_group).filter(|of_group| !of_group.cases.is_empty()).collect();
        Some(Behind { is_since: true, cases: all.count, groups })
    }
}

/// How many different cases there are, of rows of which those of a case are together.
#[derive(Default)]
struct Different {
    count: i64,
    last: Option<u32>,
}

impl Different {
    fn add(&mut self, case: u32) {
        if self.last != Some(case) && case != NO_CASE {
            self.count += 1;
            self.last = Some(case);
        }
    }
}

/// How a stock changes at the instants at which it is read.
#[derive(Default)]
struct Stock {
    changes: Vec<Level>,
    /// The case whose times have been counted last, and where they end.
    last: Option<(u32, u32)>,
}

impl Stock {
    /// Adds a contribution from one instant to another. Those of a case come together, in the order in which they begin, and a
    /// case that is there twice at an instant counts once.
    fn add(&mut self, reads: usize, times: (u32, u32), value: i64, case: u32) {
        if self.changes.is_empty() {
            self.changes.resize(reads + 1, Level::default());
        }
        change(&mut self.changes, times, |level, sign| {
            level.contributions += sign;
            level.sum += sign * value as f64;
        });
        if case == NO_CASE {
            return;
        }
        let (begin, end) = times;
        let counted = self.last.filter(|(last, _)| *last == case).map_or(begin, |(_, end)| end.max(begin));
        if counted < end {
            change(&mut self.changes, (counted, end), |level, sign| {
                level.cases += sign;
                level.keys += sign;
            });
            self.last = Some((case, end));
        }
    }

    fn levels(&self) -> Vec<Level> {
        sums(&self.changes)
    }
}

/// Whether a contribution at an instant counts. The rows of a stock are those of its instants.
fn counts_at(question: &Question, metric: &Metric) -> impl Fn(i64) -> bool {
    let (from, to, as_of) = (question.range.from.0, question.range.to.0, question.as_of.0);
    let is_stock = metric.kind == MetricKind::Stock;
    move |at| is_stock || from <= at && at < to && at <= as_of
}

/// How the numbers of groups are found: each has a cell, whose number consists of the codes of its texts and its bucket.
struct Cells<'r> {
    /// What is left out, and the dimensions.
    texts: Vec<&'r Texts>,
    has_excluded: bool,
    /// How many different codes each has, with that of no text.
    sizes: Vec<u64>,
    /// How many cells there are.
    count: u64,
    starts: Vec<i64>,
}

impl<'r> Cells<'r> {
    /// Nothing where a dimension is not there, or there are too many cells.
    fn new(rows: &'r Rows, question: &Question) -> Option<Cells<'r>> {
        let dimensions = question.by.iter().map(|dimension| rows.dimensions.get(&dimension.name));
        let mut texts = dimensions.collect::<Option<Vec<&Texts>>>()?;
        texts.extend(&rows.excluded);
        let sizes: Vec<u64> = texts.iter().map(|texts| texts.names.all().len() as u64 + 1).collect();
        let starts: Vec<i64> = question.buckets().iter().map(|bucket| bucket.start.0).collect();
        let count = sizes.iter().try_fold(starts.len() as u64 + 1, |all, size| all.checked_mul(*size))?;
        Some(Cells { texts, has_excluded: rows.excluded.is_some(), sizes, count, starts })
    }

    /// The cell of a row, in the bucket that holds the instant.
    fn cell(&self, row: usize, at: Option<i64>) -> Option<u64> {
        let mut cell = at.map_or(0, |at| self.starts.partition_point(|start| *start <= at) as u64);
        for (texts, size) in self.texts.iter().zip(&self.sizes) {
            let code = texts.codes.get(row).copied()?;
            // No text has the last code.
            cell = cell * size + if code == NONE { size - 1 } else { u64::from(code) };
        }
        Some(cell)
    }

    /// What a cell is left out for, its bucket and its group.
    fn group(&self, mut cell: u64) -> (Option<&str>, Option<Instant>, Vec<Option<String>>) {
        let mut values = Vec::new();
        for (texts, size) in self.texts.iter().zip(&self.sizes).rev() {
            values.push(usize::try_from(cell % size).ok().and_then(|code| texts.names.all().get(code)));
            cell /= size;
        }
        let excluded = if self.has_excluded { values.remove(0) } else { None };
        let bucket = usize::try_from(cell).ok().and_then(|after| self.starts.get(after.checked_sub(1)?));
        let group = values.into_iter().rev().map(|value| value.cloned()).collect();
        (excluded.map(String::as_str), bucket.copied().map(Instant), group)
    }
}

/// What is gathered for each cell that has rows.
struct Groups<G> {
    all: Vec<(u64, G)>,
    /// Where the group of each cell is, and [`NOT_THERE`]; empty where there are many cells.
    places: Vec<u32>,
    /// The same of many cells.
    of_many: HashMap<u64, u32, FixedState>,
}

/// Stands for a cell that has no rows.
const NOT_THERE: u32 = u32::MAX;

/// At most so many cells have a place each.
const PLACES_MAX: u64 = 1 << 16;

impl<G: Default> Groups<G> {
    fn new(cells: &Cells<'_>) -> Groups<G> {
        let places = usize::try_from(cells.count).ok().filter(|_| cells.count <= PLACES_MAX).unwrap_or_default();
        Groups { all: Vec::new(), places: vec![NOT_THERE; places], of_many: HashMap::default() }
    }

    fn at(&mut self, cell: u64) -> Option<&mut G> {
        let next = u32::try_from(self.all.len()).ok().filter(|next| *next != NOT_THERE)?;
        let place = match self.places.get_mut(usize::try_from(cell).ok()?) {
            Some(place) => place,
            None => self.of_many.entry(cell).or_insert(NOT_THERE),
        };
        if *place == NOT_THERE {
            *place = next;
            self.all.push((cell, G::default()));
        }
        self.all.get_mut(*place as usize).map(|(_, group)| group)
    }
}

/// What the numbers of a group follow from.
#[derive(Default)]
struct Numbers {
    rows: i64,
    /// Contributions with a value.
    count: i64,
    sum: i64,
    least: Option<i64>,
    largest: Option<i64>,
    values: Vec<f64>,
    cases: Different,
    foremost: Entries,
}

impl Numbers {
    fn add(&mut self, value: i64, keeps_values: bool) {
        self.rows += 1;
        if value == NO_VALUE {
            return;
        }
        self.count += 1;
        self.sum = self.sum.wrapping_add(value);
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        self.largest = Some(self.largest.map_or(value, |largest| largest.max(value)));
        if keeps_values {
            self.values.push(value as f64);
        }
    }

    /// Keeps a contribution where it is among the first.
    fn may_be_first(&mut self, ranked: Ranked, value: i64, at: i64, case: u32) {
        if let Some(ranked) = ranked.filter(|_| value != NO_VALUE && case != NO_CASE) {
            self.foremost.add_contribution(ranked, value as f64, at, u64::from(case));
        }
    }

    fn foremost_of(self, bucket: Option<Instant>, group: Vec<Option<String>>) -> ForemostOfGroup {
        ForemostOfGroup { bucket, group, contributions: self.count, cases: self.foremost.cases() }
    }

    /// An aggregation, as [`Aggregation::expression`] states it. Different keys are different cases.
    fn number(&mut self, shown: &Aggregation, have_keys: bool, days: f64) -> Option<f64> {
        let number = |value: i64| value as f64;
        let distinct = number(self.cases.count);
        let sum = Some(number(self.sum)).filter(|_| self.count > 0);
        let count = if have_keys { distinct } else { number(self.count) };
        match shown {
            Aggregation::Count => Some(count),
            Aggregation::Sum => sum,
            Aggregation::Mean | Aggregation::Share => sum.map(|sum| sum / number(self.count)),
            Aggregation::Percentile(thousandths, _) => percentile_of(&mut self.values, *thousandths),
            Aggregation::Min => self.least.map(number),
            Aggregation::Max => self.largest.map(number),
            Aggregation::PerKey => quotient(Some(number(self.count)), Some(distinct)),
            Aggregation::PerDay => quotient(Some(count), Some(days)),
            Aggregation::Hours => sum.map(|sum| sum / 3_600_000.0),
            Aggregation::Ratio | Aggregation::Opening | Aggregation::Closing => None,
        }
    }
}
