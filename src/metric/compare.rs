//! An earlier range beside the one that is asked about: which range it is, which row stands beside which, and how far a
//! number moved.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Answer, AnswerRow, group_order, values_of_nothing};
use super::header::MetricKind;
use super::question::Question;
use super::range::{Grain, Range};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::spelling::did_you_mean;

/// What a range is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The whole week, month, quarter or year before, else as many days.
    Previous,
    /// The same range a year earlier.
    Year,
}

impl Compare {
    /// Every name.
    pub const NAMES: [&'static str; 2] = ["previous", "year"];

    /// The comparison of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is the hint.
    pub fn parse(name: &str) -> Result<Compare> {
        [Compare::Previous, Compare::Year].into_iter().find(|compare| compare.name() == name).ok_or_else(|| {
            let near = did_you_mean(name, Compare::NAMES);
            let hint = near.unwrap_or_else(|| "write `previous` or `year`".to_owned());
            Error::invalid("comparison", format!("`{name}` is not a comparison")).with_hint(hint)
        })
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Compare::Previous => "previous",
            Compare::Year => "year",
        }
    }

    /// What the names of its columns end with.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Compare::Previous => "previous",
            Compare::Year => "year_before",
        }
    }

    /// The range that is compared with.
    #[must_use]
    pub fn range(self, range: &Range) -> Range {
        match self {
            Compare::Previous => range.previous(),
            Compare::Year => range.year_before(),
        }
    }

    /// What that range is called: `the month before`.
    #[must_use]
    pub fn title(self, range: &Range) -> String {
        match self {
            Compare::Previous => range.previous_name(),
            Compare::Year => "the year before".to_owned(),
        }
    }
}

/// How far a number moved; nothing where one of both is missing.
#[must_use]
pub fn change(now: Option<f64>, then: Option<f64>) -> Option<f64> {
    now.zip(then).map(|(now, then)| now - then)
}

/// How far a number moved, in percent of what it was; nothing where it was 0.
#[must_use]
pub fn percent(now: Option<f64>, then: Option<f64>) -> Option<f64> {
    let then = then.filter(|then| *then != 0.0)?;
    change(now, Some(then)).map(|change| change * 100.0 / then.abs())
}

/// That a range which is still running stands beside a whole one; nothing where it is over.
#[must_use]
pub fn running_text(now: &Question, kind: MetricKind, earlier: &Range) -> Option<String> {
    let is_running = now.as_of < now.range.to.plus_ms(-1);
    let (range, earlier) = (now.range.text(), earlier.text());
    is_running.then(|| match kind {
        MetricKind::Stock => format!("{range} is not over: it is read at its as-of, {earlier} at its end"),
        _ => format!("{range} is not over: it is counted up to its as-of, {earlier} whole"),
    })
}

/// How many buckets the earlier range has more, below 0 if fewer, in words: `January 2026 has 3 days more`.
#[must_use]
pub fn buckets_more(now: &Range, earlier: &Range, grain: Grain) -> (i64, String) {
    let count = |range: &Range| i64::try_from(range.buckets(grain).len()).unwrap_or(i64::MAX);
    let more = count(earlier) - count(now);
    let ending = if more.abs() == 1 { "" } else { "s" };
    let which = if more < 0 { "fewer" } else { "more" };
    (more, format!("{} has {} {}{ending} {which}", earlier.text(), more.abs(), grain.name()))
}

/// A question with its answer.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub question: &'a Question,
    pub answer: &'a Answer,
}

/// What one range has in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub bucket: Option<Instant>,
    /// One number an aggregation; nothing where nothing was measured, or the range has no such bucket.
    pub values: Vec<Option<f64>>,
    pub contributions: Option<i64>,
    pub cases: Option<i64>,
}

/// The same group, and the bucket at the same position, in each range.
#[derive(Clone, Debug, PartialEq)]
pub struct AlignedRow {
    pub group: Vec<Option<String>>,
    /// One for each range.
    pub cells: Vec<Cell>,
}

/// Every row that any of the ranges has, by the position of the bucket, then by group.
#[must_use]
pub fn align(readings: &[Reading<'_>]) -> Vec<AlignedRow> {
    let sides: Vec<Side<'_>> = readings.iter().map(|reading| Side::new(*reading)).collect();
    let groups: BTreeSet<_> = sides.iter().flat_map(|side| side.rows.keys()).map(|(_, group)| *group).collect();
    let mut groups: Vec<&[Option<String>]> = groups.into_iter().collect();
    groups.sort_by_key(|group| group_order(group));
    let positions = sides.iter().map(|side| side.buckets.len()).max().unwrap_or(0);
    let row = |position: usize, group: &[Option<String>]| AlignedRow {
        group: group.to_vec(),
        cells: sides.iter().map(|side| side.cell(position, group)).collect(),
    };
    (0..positions)
        .flat_map(|position| groups.iter().map(move |group| (position, *group)))
        .map(|(p, g)| row(p, g))
        .collect()
}

/// One range: its buckets in order, one without a start where there is no grain, and its rows.
struct Side<'a> {
    reading: Reading<'a>,
    buckets: Vec<Option<Instant>>,
    rows: BTreeMap<(Option<Instant>, &'a [Option<String>]), &'a AnswerRow>,
}

impl<'a> Side<'a> {
    fn new(reading: Reading<'a>) -> Side<'a> {
        let Question { grain, range, .. } = reading.question;
        let buckets = grain.map_or_else(
            || vec![None],
            |grain| range.buckets(grain).into_iter().map(|bucket| Some(bucket.start)).collect(),
        );
        let rows = reading.answer.rows.iter().map(|row| ((row.bucket, row.group.as_slice()), row)).collect();
        Side { reading, buckets, rows }
    }

    fn cell(&self, position: usize, group: &[Option<String>]) -> Cell {
        let Reading { question, answer } = self.reading;
        let Some(bucket) = self.buckets.get(position).copied() else {
            return Cell { bucket: None, values: vec![None; answer.show.len()], contributions: None, cases: None };
        };
        match self.rows.get(&(bucket, group)) {
            Some(row) => Cell {
                bucket,
                values: row.values.clone(),
                contributions: Some(row.contributions),
                cases: Some(row.cases),
            },
            None => Cell {
                bucket,
                values: values_of_nothing(question, &answer.show, &answer.metric, bucket),
                contributions: Some(0),
                cases: Some(0),
            },
        }
    }
}
