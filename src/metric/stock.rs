//! A stock over time: how much of it there is at each of many instants, from the times for which things are part of it.
//!
//! A thing counts at every instant between its `since` and its `until`. It is added to two of the instants, where it begins
//! and where it ends, however many lie in between.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field, Float64Type, TimestampMillisecondType, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{AggregateUDF, ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::gather::{self, Gather};
use crate::cluster::portable::{portable, portable_aggregate};
use crate::log::rows::instant_type;

/// The name of [`stock_over_time`] in SQL.
pub const STOCK_OVER_TIME: &str = "stock_over_time";
/// The name of [`first_read`] in SQL.
pub const FIRST_READ: &str = "first_read";
/// The name of [`reads_end`] in SQL.
pub const READS_END: &str = "reads_end";

/// What a stock is at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Things that have a value.
    pub contributions: f64,
    /// Different cases among them.
    pub cases: f64,
    /// Different keys among them.
    pub keys: f64,
    /// The sum of their values.
    pub sum: f64,
}

/// How many numbers a [`Level`] has.
pub const LEVEL_NUMBERS: usize = 4;

/// A thing that is part of the stock at the instants from one to another, by their position.
#[derive(Clone, Copy, Debug)]
struct Stay {
    begin: u32,
    end: u32,
    value: f64,
    case: Option<u64>,
    key: Option<u64>,
}

const STAY_BYTES: usize = 34;

/// The stays of one group.
#[derive(Debug, Default)]
struct Stays(Vec<Stay>);

impl Stay {
    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.begin.to_le_bytes());
        bytes.extend_from_slice(&self.end.to_le_bytes());
        bytes.extend_from_slice(&self.value.to_le_bytes());
        bytes.extend_from_slice(&self.case.unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(&self.key.unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(&[u8::from(self.case.is_some()), u8::from(self.key.is_some())]);
    }

    fn from_bytes(bytes: &[u8; STAY_BYTES]) -> Option<Stay> {
        let (begin, rest) = bytes.split_first_chunk()?;
        let (end, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let (case, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let is_there = |at: usize| rest.get(at) == Some(&1);
        Some(Stay {
            begin: u32::from_le_bytes(*begin),
            end: u32::from_le_bytes(*end),
            value: f64::from_le_bytes(*value),
            case: is_there(0).then(|| u64::from_le_bytes(*case)),
            key: is_there(1).then(|| u64::from_le_bytes(*key)),
        })
    }
}

fn column<'a, T>(values: &'a [ArrayRef], position: usize, of: impl Fn(&'a ArrayRef) -> Option<&'a T>) -> Result<&'a T> {
    let missing = || DataFusionError::Internal("an argument of a stock is missing".to_owned());
    values.get(position).and_then(of).ok_or_else(missing)
}

impl Gather for Stays {
    fn update(groups: &mut [Stays], group_of_row: &[usize], values: &[ArrayRef]) -> Result<()> {
        let begins = column(values, 0, |array| array.as_primitive_opt::<UInt64Type>())?;
        let ends = column(values, 1, |array| array.as_primitive_opt::<UInt64Type>())?;
        let numbers = column(values, 2, |array| array.as_primitive_opt::<Float64Type>())?;
        let cases = column(values, 3, |array| array.as_primitive_opt::<UInt64Type>())?;
        let keys = column(values, 4, |array| array.as_primitive_opt::<UInt64Type>())?;
        for (row, group) in group_of_row.iter().enumerate() {
            let Some(group) = groups.get_mut(*group).filter(|_| numbers.is_valid(row)) else { continue };
            group.0.push(Stay {
                begin: u32::try_from(begins.value(row)).unwrap_or(u32::MAX),
                end: u32::try_from(ends.value(row)).unwrap_or(u32::MAX),
                value: numbers.value(row),
                case: cases.is_valid(row).then(|| cases.value(row)),
                key: keys.is_valid(row).then(|| keys.value(row)),
            });
        }
        Ok(())
    }

    fn write(&mut self, bytes: &mut Vec<u8>) {
        bytes.reserve(self.0.len() * STAY_BYTES);
        self.0.iter().for_each(|stay| stay.write(bytes));
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let (stays, _) = bytes.as_chunks();
        self.0.extend(stays.iter().filter_map(Stay::from_bytes));
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<Stay>()
    }
}

impl Stays {
    /// The stock at each of that many instants.
    fn levels(&mut self, reads: usize) -> Vec<Level> {
        let mut changes = vec![Level::default(); reads + 1];
        for stay in &self.0 {
            change(&mut changes, (stay.begin, stay.end), |level, sign| {
                level.contributions += sign;
                level.sum += sign * stay.value;
            });
        }
        // Most metrics have no key of their own.
        let are_cases = self.0.iter().all(|stay| stay.key == stay.case);
        for times in apart(&mut self.0, |stay| stay.case) {
            change(&mut changes, times, |level, sign| {
                level.cases += sign;
                level.keys += if are_cases { sign } else { 0.0 };
            });
        }
        if !are_cases {
            for times in apart(&mut self.0, |stay| stay.key) {
                change(&mut changes, times, |level, sign| level.keys += sign);
            }
        }
        sums(&changes)
    }
}

/// The stock at each instant, from how it changes there; the last change is after all of them.
pub(super) fn sums(changes: &[Level]) -> Vec<Level> {
    let mut now = Level::default();
    let add = |change: &Level| {
        now.contributions += change.contributions;
        now.cases += change.cases;
        now.keys += change.keys;
        now.sum += change.sum;
        now
    };
    changes.split_last().map_or(&[][..], |(_, changes)| changes).iter().map(add).collect()
}

/// Changes a stock where something begins and, the other way, where it ends.
pub(super) fn change(changes: &mut [Level], (begin, end): (u32, u32), of: impl Fn(&mut Level, f64)) {
    for (position, sign) in [(begin, 1.0), (end, -1.0)] {
        if let Some(level) = changes.get_mut(position as usize) {
            of(level, sign);
        }
    }
}

/// The times of stays with the same name, each instant of them once.
fn apart(stays: &mut [Stay], name: impl Fn(&Stay) -> Option<u64>) -> Vec<(u32, u32)> {
    let order = |stay: &Stay| (name(stay), stay.begin);
    if !stays.is_sorted_by_key(order) {
        stays.sort_unstable_by_key(order);
    }
    let mut times: Vec<(u32, u32)> = Vec::with_capacity(stays.len());
    let mut of = None;
    for stay in stays.iter().filter(|stay| name(stay).is_some()) {
        match times.last_mut().filter(|(_, end)| of == name(stay) && stay.begin <= *end) {
            Some((_, end)) => *end = (*end).max(stay.end),
            None => times.push((stay.begin, stay.end)),
        }
        of = name(stay);
    }
    times
}

/// `stock_over_time(first_read, reads_end, value, case, key)`: [`LEVEL_NUMBERS`] numbers of each of that many instants.
#[must_use]
pub fn stock_over_time(reads: usize) -> AggregateUDF {
    let numbers = DataType::UInt64;
    let arguments = vec![numbers.clone(), numbers.clone(), DataType::Float64, numbers.clone(), numbers];
    let result = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
    let function = gather::function::<Stays>(STOCK_OVER_TIME, arguments, result, move |groups| {
        let mut lists = ListBuilder::new(Float64Builder::new());
        for mut group in groups {
            for Level { contributions, cases, keys, sum } in group.levels(reads) {
                lists.values().append_slice(&[contributions, cases, keys, sum]);
            }
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    });
    portable_aggregate(STOCK_OVER_TIME, &reads, function)
}

/// `first_read(since)`: the position of the first of the given instants that is not before it; how many there are where there
/// is none. Made for one question.
#[must_use]
pub fn first_read(reads: Vec<i64>) -> ScalarUDF {
    let end = reads.len() as u64;
    position(FIRST_READ, reads, end)
}

/// `reads_end(until)`: the same; how many instants there are where there is no end.
#[must_use]
pub fn reads_end(reads: Vec<i64>) -> ScalarUDF {
    let end = reads.len() as u64;
    position(READS_END, reads, end)
}

fn position(name: &str, reads: Vec<i64>, of_nothing: u64) -> ScalarUDF {
    let values = reads.clone();
    let function = create_udf(
        name,
        vec![instant_type()],
        DataType::UInt64,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let instants = column(&arrays, 0, |array| array.as_primitive_opt::<TimestampMillisecondType>())?;
            let position = |instant: i64| reads.partition_point(|read| *read < instant) as u64;
            let positions = instants.iter().map(|instant| instant.map_or(of_nothing, position));
            Ok(ColumnarValue::Array(Arc::new(positions.collect::<arrow::array::UInt64Array>())))
        }),
    );
    portable(name, &values, function)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(begin: u32, end: u32, value: f64, case: u64, key: Option<u64>) -> Stay {
        Stay { begin, end, value, case: Some(case), key }
    }

    #[test]
    fn a_case_that_is_there_twice_at_an_instant_counts_once() {
        let mut stays = Stays(vec![
            stay(0, 3, 2.0, 7, Some(1)),
            stay(2, 4, 1.0, 7, Some(1)),
            stay(1, 2, 5.0, 8, Some(1)),
            stay(4, 4, 9.0, 8, None),
        ]);
        let level = |contributions, cases, keys, sum| Level { contributions, cases, keys, sum };
        let expected = [
            level(1.0, 1.0, 1.0, 2.0),
            level(2.0, 2.0, 1.0, 7.0),
            level(2.0, 1.0, 1.0, 3.0),
            level(1.0, 1.0, 1.0, 1.0),
            level(0.0, 0.0, 0.0, 0.0),
        ];
        let mut bytes = Vec::new();
        stays.write(&mut bytes);
        let mut other = Stays::default();
        other.merge(&bytes).unwrap();
        assert_eq!(other.levels(5), expected);
        assert_eq!(stays.levels(5), expected);
        let mut of_cases = Stays(stays.0.iter().map(|stay| Stay { key: stay.case, ..*stay }).collect());
        let expected = expected.map(|level| Level { keys: level.cases, ..level });
        assert_eq!(of_cases.levels(5), expected);
    }
}
