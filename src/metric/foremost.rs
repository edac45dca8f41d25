//! The cases behind an answer that matter most: of each group a few, found while the group is aggregated, so that no
//! contribution is read again.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::AggregateUDF;

use super::gather::{self, Gather};
use super::header::{Metric, MetricKind};
use crate::cluster::portable::portable_aggregate;
use crate::model::time::Instant;

/// The name of [`function`] in SQL.
pub const FOREMOST: &str = "foremost";

/// Which cases come first. Cases that are equal in this are in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By the value, the largest first, then the latest.
    Largest,
    /// By the value, the smallest first, then the latest.
    Smallest,
    /// The latest first.
    Latest,
    /// What has been part of a stock for longest first.
    Oldest,
}

impl Order {
    /// The order of a metric's contributions, unless something else is asked for.
    #[must_use]
    pub fn of(metric: &Metric) -> Order {
        match metric.kind {
            _ if metric.unit == "ms" => Order::Largest,
            MetricKind::Stock => Order::Oldest,
            MetricKind::Flow | MetricKind::Ratio => Order::Latest,
        }
    }

    /// The numbers that it compares, the larger first, in SQL over a contribution's `value` and the number of an instant.
    pub(super) fn keys(self, instant: &str) -> [String; 2] {
        let (value, at) = ("CAST(value AS DOUBLE)".to_owned(), format!("CAST({instant} AS DOUBLE)"));
        match self {
            Order::Largest => [value, at],
            Order::Smallest => [format!("-{value}"), at],
            Order::Latest => [at, value],
            Order::Oldest => [format!("-{at}"), value],
        }
    }

    /// The same numbers of a value and the number of an instant.
    fn compared(self, value: f64, at: f64) -> [f64; 2] {
        match self {
            Order::Largest => [value, at],
            Order::Smallest => [-value, at],
            Order::Latest => [at, value],
            Order::Oldest => [-at, value],
        }
    }
}

/// How many cases of each group are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub count: usize,
    /// Nothing: the order of the metric. Both sides of a ratio have the order of their own metrics.
    pub order: Option<Order>,
}

/// The cases behind an answer that matter most, of one metric: of the answer's, or of a side of a ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct Foremost {
    pub metric: Metric,
    pub order: Order,
    /// Instants are those from which things are part of a stock, not those at which they count.
    pub is_since: bool,
    /// How many cases there are in all.
    pub cases: i64,
    pub groups: Vec<ForemostOfGroup>,
}

/// The cases that come first of all groups.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// As in [`Foremost`].
    pub is_since: bool,
    pub cases: i64,
    pub groups: Vec<ForemostOfGroup>,
}

impl Behind {
    /// The same, of a metric in an order.
    pub fn of(self, metric: &Metric, order: Order) -> Foremost {
        let Behind { is_since, cases, groups } = self;
        Foremost { metric: metric.clone(), order, is_since, cases, groups }
    }
}

/// The cases of one group and bucket. A stock is listed as it is at the end of the range, without buckets.
#[derive(Clone, Debug, PartialEq)]
pub struct ForemostOfGroup {
    pub bucket: Option<Instant>,
    pub group: Vec<Option<String>>,
    /// How many contributions the group has.
    pub contributions: i64,
    /// As many as are wanted, and those that are equal to the last; in no order.
    pub cases: Vec<ForemostCase>,
}

/// A case, by the contribution of it that comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct ForemostCase {
    pub case: CaseName,
    /// What is compared; the larger comes first.
    pub keys: [f64; 2],
    pub value: f64,
    pub at: Instant,
}

/// A case by its number, or by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseName {
    Number(u64),
    Id(String),
}

/// A contribution that may be among the first.
#[derive(Clone, Copy, Debug)]
struct Entry {
    keys: [f64; 2],
    value: f64,
    at_ms: i64,
    case: u64,
}

const NUMBERS: usize = 5;

impl Entry {
    fn order(&self, other: &Entry) -> Ordering {
        compare(other.keys, self.keys)
    }

    /// Instants and numbers of cases are far below 2^53, where they are exact.
    fn numbers(&self) -> [f64; NUMBERS] {
        let [first, second] = self.keys;
        [first, second, self.value, self.at_ms as f64, self.case as f64]
    }

    fn named(self) -> ForemostCase {
        let Entry { keys, value, at_ms, case } = self;
        ForemostCase { case: CaseName::Number(case), keys, value, at: Instant(at_ms) }
    }

    #[expect(clippy::cast_sign_loss, reason = "it was written from an unsigned number")]
    fn of([first, second, value, at_ms, case]: [f64; NUMBERS]) -> Entry {
        Entry { keys: [first, second], value, at_ms: at_ms as i64, case: case as u64 }
    }
}

fn compare([first, second]: [f64; 2], [other_first, other_second]: [f64; 2]) -> Ordering {
    first.total_cmp(&other_first).then(second.total_cmp(&other_second))
}

/// Those of one group.
#[derive(Debug, Default)]
pub(super) struct Entries {
    wanted: usize,
    entries: Vec<Entry>,
    /// What is smaller is not among the first.
    least: Option<[f64; 2]>,
}

impl Entries {
    /// Adds a contribution of a case, of which so many are wanted in an order.
    pub fn add_contribution(&mut self, (wanted, order): (usize, Order), value: f64, at_ms: i64, case: u64) {
        self.wanted = wanted;
        self.add(Entry { keys: order.compared(value, at_ms as f64), value, at_ms, case });
    }

    /// The cases, by number.
    pub fn cases(mut self) -> Vec<ForemostCase> {
        self.settle();
        self.entries.into_iter().map(Entry::named).collect()
    }

    fn add(&mut self, entry: Entry) {
        if self.least.is_some_and(|least| compare(entry.keys, least) == Ordering::Less) {
            return;
        }
        self.entries.push(entry);
        if self.entries.len() > 4 * self.wanted + 64 && self.entries.len().is_power_of_two() {
            self.settle();
        }
    }

    /// Keeps the first entry of each case, of as many cases as are wanted and those that are equal to the last of them.
    fn settle(&mut self) {
        self.entries.sort_by(|one, other| one.order(other).then(one.case.cmp(&other.case)));
        let mut known = HashSet::new();
        self.entries.retain(|entry| known.insert(entry.case));
        let last = self.wanted.checked_sub(1).and_then(|last| self.entries.get(last)).map(|entry| entry.keys);
        if let Some(last) = last {
            self.entries.retain(|entry| compare(entry.keys, last) != Ordering::Less);
            self.least = Some(last);
        }
    }
}

fn unexpected() -> DataFusionError {
    DataFusionError::Internal("the arguments of `foremost` are of other types".to_owned())
}

impl Gather for Entries {
    fn update(groups: &mut [Entries], group_of_row: &[usize], values: &[ArrayRef]) -> Result<()> {
        let floats = |at: usize| values.get(at).and_then(|array| array.as_primitive_opt::<Float64Type>());
        let whole = |at: usize| values.get(at).and_then(|array| array.as_primitive_opt::<Int64Type>());
        let cases = values.get(4).and_then(|array| array.as_primitive_opt::<UInt64Type>());
        let (first, second, value) =
            (floats(0).ok_or_else(unexpected)?, floats(1).ok_or_else(unexpected)?, floats(2).ok_or_else(unexpected)?);
        let (at, wanted) = (whole(3).ok_or_else(unexpected)?, whole(5).ok_or_else(unexpected)?);
        let cases = cases.ok_or_else(unexpected)?;
        for (row, group) in group_of_row.iter().enumerate() {
            let is_whole = value.is_valid(row) && at.is_valid(row) && cases.is_valid(row);
            let Some(group) = groups.get_mut(*group).filter(|_| is_whole) else { continue };
            group.wanted = usize::try_from(wanted.value(row)).unwrap_or_default();
            let keys = [first.value(row), second.value(row)];
            group.add(Entry { keys, value: value.value(row), at_ms: at.value(row), case: cases.value(row) });
        }
        Ok(())
    }

    fn write(&mut self, bytes: &mut Vec<u8>) {
        self.settle();
        bytes.extend_from_slice(&(self.wanted as u64).to_le_bytes());
        for number in self.entries.iter().flat_map(Entry::numbers) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let (wanted, rest) = bytes.split_first_chunk().ok_or_else(unexpected)?;
        self.wanted = self.wanted.max(usize::try_from(u64::from_le_bytes(*wanted)).unwrap_or_default());
        let (numbers, _) = rest.as_chunks();
        let numbers: Vec<f64> = numbers.iter().map(|number| f64::from_le_bytes(*number)).collect();
        let (entries, _) = numbers.as_chunks();
        entries.iter().for_each(|entry| self.add(Entry::of(*entry)));
        Ok(())
    }

    fn size(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

/// `foremost(first key, second key, value, at, case, count)`: the contributions of each group that come first, of as many
/// cases as `count` and those that are equal to the last, as lists of numbers that `read` reads.
#[must_use]
pub fn function() -> AggregateUDF {
    let float = DataType::Float64;
    let arguments = vec![float.clone(), float.clone(), float, DataType::Int64, DataType::UInt64, DataType::Int64];
    let result = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
    let function = gather::function::<Entries>(FOREMOST, arguments, result, |groups| {
        let mut lists = ListBuilder::new(Float64Builder::new());
        for mut group in groups {
            group.settle();
            group.entries.iter().for_each(|entry| lists.values().append_slice(&entry.numbers()));
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    });
    portable_aggregate(FOREMOST, &(), function)
}

/// The cases in a row of [`function`], by number.
pub(super) fn read(lists: Option<&ArrayRef>, row: usize) -> Vec<ForemostCase> {
    let lists = lists.and_then(|lists| lists.as_list_opt::<i32>()).filter(|lists| lists.is_valid(row));
    let Some(numbers) = lists.map(|lists| lists.value(row)) else { return Vec::new() };
    let Some(numbers) = numbers.as_primitive_opt::<Float64Type>() else { return Vec::new() };
    let (entries, _) = numbers.values().as_chunks();
    entries.iter().map(|entry| Entry::of(*entry).named()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(of: &[(f64, u64)], wanted: usize) -> Entries {
        let mut entries = Entries { wanted, ..Entries::default() };
        for (value, case) in of {
            entries.add(Entry { keys: [*value, 0.0], value: *value, at_ms: 1, case: *case });
        }
        entries
    }

    fn shown(mut entries: Entries) -> Vec<(f64, u64)> {
        entries.settle();
        entries.entries.iter().map(|entry| (entry.value, entry.case)).collect()
    }

    #[test]
    fn a_case_is_there_once_and_those_equal_to_the_last_stay() {
        let of = [(3.0, 7), (9.0, 1), (3.0, 2), (8.0, 1), (3.0, 5), (2.0, 9)];
        assert_eq!(shown(entries(&of, 2)), [(9.0, 1), (3.0, 2), (3.0, 5), (3.0, 7)]);
        assert_eq!(shown(entries(&of, 1)), [(9.0, 1)]);
    }

    #[test]
    fn parts_in_any_order_give_the_same() {
        // The first two are in one part alone, and cases that are equal to the third are in both.
        let many = (0..5000_u32).map(|n| (f64::from(n * 7919 % 1000), u64::from(n % 600)));
        let of: Vec<(f64, u64)> = [(2000.0, 1), (1999.0, 2)].into_iter().chain(many).collect();
        let whole = shown(entries(&of, 3));
        let (mut first, mut second) = (entries(&of[..1234], 3), entries(&of[1234..], 3));
        let mut bytes = Vec::new();
        first.write(&mut bytes);
        second.merge(&bytes).unwrap();
        assert_eq!(shown(second), whole);
        let mut back: Vec<_> = of.clone();
        back.reverse();
        assert_eq!(shown(entries(&back, 3)), whole);
        assert!(whole.len() >= 3 && Entries::default().merge(b"none").is_err());
    }
}
