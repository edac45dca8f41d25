//! Contributions in memory, column by column. Texts are codes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType, UInt64Type};
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::error::Result;
use crate::log::rows::instant_type;
use crate::metric::contributions::{Columns, Contributions};
use crate::metric::header::MetricKind;
use crate::metric::question::instant_value;
use crate::model::time::Instant;
use crate::query::names::{Names, ShortTexts};

/// The number of no case.
pub(super) const NO_CASE: u32 = u32::MAX;
/// Stands for no value, and for no begin.
pub(super) const NO_VALUE: i64 = i64::MIN;
const NO_END: i64 = i64::MAX;

/// A column of texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub codes: Vec<u32>,
    pub names: Names,
}

/// The contributions to the questions of a group, those of a case together, in the order in which they begin.
#[derive(Debug)]
pub struct Rows {
    /// The instants at which they count; of a stock that does not state them, those at which they begin.
    pub(super) since: Vec<i64>,
    /// Where they end, of a stock that does not state the instants.
    pub(super) until: Option<Vec<i64>>,
    /// Empty where every value is 1.
    values: Vec<i64>,
    pub(super) cases: Vec<u32>,
    /// Whether each contribution states from when on it is part of a stock.
    pub(super) is_since: bool,
    /// Whether counts are of different keys, which are the cases.
    pub(super) have_keys: bool,
    pub(super) excluded: Option<Texts>,
    /// By the names of the dimensions.
    pub(super) dimensions: BTreeMap<String, Texts>,
}

impl Rows {
    /// Reads the contributions to a question about everything that the group asks for; nothing where they are more than so
    /// many bytes, or of other types.
    ///
    /// # Errors
    /// When the engine fails.
    pub(super) async fn read(
        contributions: &Contributions<'_>,
        reads: Option<(i64, i64)>,
        bytes_max: usize,
    ) -> Result<Option<Rows>> {
        let Some(shape) = Shape::of(contributions) else { return Ok(None) };
        let sql = format!("{} SELECT {} FROM cut", contributions.cut_sql(Columns::Shared), shape.columns().join(", "));
        let mut more = Vec::new();
        if let Some((first, last)) = reads {
            more.push(("reads_from".to_owned(), instant_value(Instant(first))));
            more.push(("reads_to".to_owned(), instant_value(Instant(last))));
        }
        let (shape, bytes) = (Arc::new(shape), Arc::new(AtomicUsize::new(0)));
        let streams = contributions.frame(&sql, more).await?.execute_stream_partitioned().await?;
        let read = |stream| SpawnedTask::spawn(Part::read(stream, Arc::clone(&shape), Arc::clone(&bytes), bytes_max));
        let parts: Vec<_> = streams.into_iter().map(read).collect();
        let mut whole = Part::new(&shape);
        for part in parts {
            let part = part.join().await.map_err(|error| DataFusionError::External(error.into()))??;
            let Some(part) = part else { return Ok(None) };
            if whole.cases.is_empty() { whole = part } else { whole.append(part) }
        }
        whole.sort();
        let Part { since, until, mut values, cases, texts } = whole;
        if values.iter().all(|value| *value == 1) {
            values = Vec::new();
        }
        let mut texts = texts.into_iter();
        let excluded = if shape.has_excluded { texts.next() } else { None };
        Ok(Some(Rows {
            since,
            until: shape.has_until.then_some(until),
            values,
            cases,
            is_since: contributions.is_since(),
            have_keys: shape.has_keys,
            excluded,
            dimensions: shape.dimensions.iter().cloned().zip(texts).collect(),
        }))
    }

    /// The value of a row, or [`NO_VALUE`].
    pub(super) fn value(&self, row: usize) -> i64 {
        self.values.get(row).copied().unwrap_or(1)
    }

    /// The bytes that they take, about.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.dimensions.len() + usize::from(self.excluded.is_some());
        let instants = 1 + usize::from(self.until.is_some());
        let of_row = instants * size_of::<i64>() + (1 + texts) * size_of::<u32>();
        self.since.len() * of_row + self.values.len() * size_of::<i64>()
    }
}

/// Which columns there are.
struct Shape {
    has_until: bool,
    has_keys: bool,
    has_excluded: bool,
    dimensions: Vec<String>,
}

impl Shape {
    /// Nothing where contributions have no numbers of cases, or other values than integers, or are times.
    fn of(contributions: &Contributions<'_>) -> Option<Shape> {
        let number = Some(&DataType::UInt64);
        let (key, excluded) = (contributions.kind_of("key"), contributions.kind_of("excluded"));
        let has_until = contributions.kind_of("at").is_none();
        let can_be_held = contributions.are_integral()
            && contributions.kind_of("case_id") == number
            && (key.is_none() || key == number)
            && (!has_until || contributions.metric().kind == MetricKind::Stock);
        can_be_held.then(|| Shape {
            has_until,
            has_keys: key.is_some(),
            has_excluded: excluded.is_some(),
            dimensions: contributions.question().by.iter().map(|dimension| dimension.name.clone()).collect(),
        })
    }

    /// The columns in the order in which [`Part::add`] reads them.
    fn columns(&self) -> Vec<String> {
        let instants: &[&str] = if self.has_until { &["since", "until"] } else { &["at"] };
        let numbers = ["value", "case_id"].into_iter().chain(self.has_keys.then_some("key"));
        let own = instants.iter().copied().chain(numbers).chain(self.has_excluded.then_some("excluded"));
        own.map(str::to_owned).chain((0..self.dimensions.len()).map(|n| format!("g{n}"))).collect()
    }

    fn texts(&self) -> usize {
        self.dimensions.len() + usize::from(self.has_excluded)
    }
}

/// What a partition of the contributions has.
struct Part {
    since: Vec<i64>,
    until: Vec<i64>,
    values: Vec<i64>,
    cases: Vec<u32>,
    texts: Vec<Texts>,
}

fn unexpected() -> DataFusionError {
    DataFusionError::Internal("contributions have other columns".to_owned())
}

fn instants(column: &ArrayRef, of_none: i64, all: &mut Vec<i64>) -> Result<()> {
    let column =
        if *column.data_type() == instant_type() { Arc::clone(column) } else { cast(column, &instant_type())? };
    let column = column.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(unexpected)?;
    match column.null_count() {
        0 => all.extend_from_slice(column.values()),
        _ => all.extend(column.iter().map(|instant| instant.unwrap_or(of_none))),
    }
    Ok(())
}

/// The numbers of cases; nothing where one is too large.
fn cases(column: &ArrayRef) -> Result<Option<Vec<u32>>> {
    let column = column.as_primitive_opt::<UInt64Type>().ok_or_else(unexpected)?;
    let case = |number: Option<u64>| match number {
        Some(number) => u32::try_from(number).ok().filter(|number| *number != NO_CASE),
        None => Some(NO_CASE),
    };
    Ok(column.iter().map(case).collect())
}

impl Part {
    fn new(shape: &Shape) -> Part {
        let texts = (0..shape.texts()).map(|_| Texts::default()).collect();
        Part { since: Vec::new(), until: Vec::new(), values: Vec::new(), cases: Vec::new(), texts }
    }

    /// The rows of a stream; nothing where they cannot be held, or all parts together become more than so many bytes.
    async fn read(
        mut rows: SendableRecordBatchStream,
        shape: Arc<Shape>,
        bytes: Arc<AtomicUsize>,
        bytes_max: usize,
    ) -> Result<Option<Part>> {
        let mut part = Part::new(&shape);
        let mut short: Vec<ShortTexts> = (0..shape.texts()).map(|_| ShortTexts::default()).collect();
        let row_bytes = shape.columns().len() * size_of::<u64>();
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let more = batch.num_rows() * row_bytes;
            let is_too_much = bytes.fetch_add(more, Ordering::Relaxed) + more > bytes_max;
            if is_too_much || !part.add(&batch, &shape, &mut short)? {
                return Ok(None);
            }
        }
        Ok(Some(part))
    }

    /// Adds rows; whether they can be held.
    fn add(&mut self, batch: &RecordBatch, shape: &Shape, short: &mut [ShortTexts]) -> Result<bool> {
        let mut columns = batch.columns().iter();
        let mut next = || columns.next().ok_or_else(unexpected);
        instants(next()?, NO_VALUE, &mut self.since)?;
        if shape.has_until {
            instants(next()?, NO_END, &mut self.until)?;
        }
        let values = next()?.as_primitive_opt::<Int64Type>().ok_or_else(unexpected)?;
        self.values.extend(values.iter().map(|value| value.unwrap_or(NO_VALUE)));
        let of_cases = next()?;
        if shape.has_keys && next()?.as_ref() != of_cases.as_ref() {
            return Ok(false);
        }
        let Some(cases) = cases(of_cases)? else { return Ok(false) };
        self.cases.extend(cases);
        for (texts, short) in self.texts.iter_mut().zip(short) {
            let column = cast(next()?, &DataType::Utf8View)?;
            let column = column.as_string_view_opt().ok_or_else(unexpected)?;
            texts.codes.extend(texts.names.codes(column, short));
        }
        Ok(true)
    }

    fn append(&mut self, other: Part) {
        self.since.extend(other.since);
        self.until.extend(other.until);
        self.values.extend(other.values);
        self.cases.extend(other.cases);
        for (texts, others) in self.texts.iter_mut().zip(other.texts) {
            texts.names.append(&mut texts.codes, &others.names, &others.codes);
        }
    }

    /// Puts the rows of a case together, and those that end in the order in which they begin. Tables of cases have them like that.
    fn sort(&mut self) {
        if self.are_together() {
            return;
        }
        let order = by_case(&self.cases, &self.since);
        self.cases = in_order(&order, &self.cases);
        self.since = in_order(&order, &self.since);
        self.until = in_order(&order, &self.until);
        self.values = in_order(&order, &self.values);
        for texts in &mut self.texts {
            texts.codes = in_order(&order, &texts.codes);
        }
    }

    fn are_together(&self) -> bool {
        let ends = !self.until.is_empty();
        let mut known =
            vec![false; self.cases.iter().filter(|case| **case != NO_CASE).max().map_or(0, |last| *last as usize + 1)];
        let mut begin = 0;
        for cases in self.cases.chunk_by(|case, next| case == next) {
            let end = begin + cases.len();
            let is_known = cases.first().and_then(|case| known.get_mut(*case as usize));
            if is_known.is_some_and(|known| std::mem::replace(known, true)) {
                return false;
            }
            if ends && !self.since.get(begin..end).is_some_and(<[i64]>::is_sorted) {
                return false;
            }
            begin = end;
        }
        true
    }
}

/// The rows ordered by case and, of a case, by begin.
fn by_case(cases: &[u32], since: &[i64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(cases.len()).collect();
    order.sort_unstable_by_key(|row| {
        let row = *row as usize;
        (cases.get(row).copied(), since.get(row).copied())
    });
    order
}

fn in_order<T: Copy>(order: &[u32], values: &[T]) -> Vec<T> {
    order.iter().filter_map(|row| values.get(*row as usize).copied()).collect()
}
