//! Sets of cases and of other keys, by number: how many there are of different ones, and which.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{AggregateUDF, ColumnarValue, ScalarUDF, Volatility, create_udf};
use foldhash::fast::FixedState;
use roaring::RoaringTreemap;

use super::gather::{self, Gather};
use crate::cluster::portable::portable_aggregate;

/// The name of [`count_distinct`] in SQL.
pub const COUNT_DISTINCT: &str = "count_numbers";
/// The name of [`distinct`] in SQL.
pub const DISTINCT: &str = "set_of_numbers";
/// The name of [`number_of`] in SQL.
pub const NUMBER_OF: &str = "number_of";

/// Numbers are put into the set when there are this many.
const RECENT_MAX: usize = 1 << 16;

/// A set of numbers that mostly come in order.
#[derive(Debug, Default)]
struct NumberSet {
    set: RoaringTreemap,
    /// Numbers that are not in the set yet.
    recent: Vec<u64>,
}

impl NumberSet {
    fn insert(&mut self, number: u64) {
        if self.recent.last() == Some(&number) {
            return;
        }
        if self.recent.len() >= RECENT_MAX {
            self.settle();
        }
        self.recent.push(number);
    }

    /// Puts all numbers into the set.
    fn settle(&mut self) -> &RoaringTreemap {
        if !self.recent.is_empty() {
            self.recent.sort_unstable();
            self.recent.dedup();
            // Fails only where the numbers are not sorted.
            let recent = RoaringTreemap::from_sorted_iter(self.recent.drain(..)).unwrap_or_default();
            self.set |= recent;
        }
        &self.set
    }
}

impl Gather for NumberSet {
    fn update(groups: &mut [NumberSet], group_of_row: &[usize], values: &[ArrayRef]) -> Result<()> {
        let numbers = values.first().and_then(|numbers| numbers.as_primitive_opt::<UInt64Type>());
        let numbers = numbers.ok_or_else(|| DataFusionError::Internal("numbers are needed".to_owned()))?;
        for (number, group) in numbers.iter().zip(group_of_row) {
            if let Some((number, group)) = number.zip(groups.get_mut(*group)) {
                group.insert(number);
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &mut Vec<u8>) {
        // Fails only where the writer does, and a vector does not.
        let _ = self.settle().serialize_into(bytes);
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let other = read(bytes)?;
        self.settle();
        self.set |= other;
        Ok(())
    }

    fn size(&self) -> usize {
        self.set.serialized_size() + self.recent.capacity() * size_of::<u64>()
    }
}

/// The set that an answer of [`distinct`] holds.
///
/// # Errors
/// When the bytes are none of it.
pub fn read(bytes: &[u8]) -> Result<RoaringTreemap> {
    RoaringTreemap::deserialize_from(bytes).map_err(|error: io::Error| DataFusionError::External(error.into()))
}

/// `count_numbers(n)`: how many different numbers there are.
#[must_use]
pub fn count_distinct() -> AggregateUDF {
    let function = gather::function::<NumberSet>(COUNT_DISTINCT, vec![DataType::UInt64], DataType::Int64, |sets| {
        let counts = sets.into_iter().map(|mut set| i64::try_from(set.settle().len()).unwrap_or(i64::MAX));
        Ok(Arc::new(counts.collect::<Int64Array>()))
    });
    portable_aggregate(COUNT_DISTINCT, &(), function)
}

/// `set_of_numbers(n)`: the numbers, as bytes that [`read`] reads.
#[must_use]
pub fn distinct() -> AggregateUDF {
    let function = gather::function::<NumberSet>(DISTINCT, vec![DataType::UInt64], DataType::Binary, |sets| {
        let sets = sets.into_iter().map(|mut set| {
            let mut bytes = Vec::new();
            set.write(&mut bytes);
            bytes
        });
        Ok(Arc::new(BinaryArray::from_iter_values(sets)))
    });
    portable_aggregate(DISTINCT, &(), function)
}

/// A number for each text that a question has, the same for equal ones.
#[derive(Clone, Debug, Default)]
pub struct TextNumbers(Arc<Mutex<HashMap<String, u64, FixedState>>>);

impl TextNumbers {
    /// The texts of some of the numbers.
    #[must_use]
    pub fn texts(&self, numbers: &HashSet<u64>) -> HashMap<u64, String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = known.iter().filter(|(_, number)| numbers.contains(number));
        wanted.map(|(text, number)| (*number, text.clone())).collect()
    }
}

/// `number_of(text)`: the number of a text.
#[must_use]
pub fn number_of(known: TextNumbers) -> ScalarUDF {
    let number = move |texts: &dyn Array| -> Result<ArrayRef> {
        let texts = cast(texts, &DataType::Utf8View)?;
        // A thread that panicked has left a whole map: the insertion is the last step.
        let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = |text: &str| {
            known.get(text).copied().unwrap_or_else(|| {
                let next = known.len() as u64;
                known.insert(text.to_owned(), next);
                next
            })
        };
        let numbers: UInt64Array = texts.as_string_view().iter().map(|text| text.map(&mut number)).collect();
        Ok(Arc::new(numbers))
    };
    create_udf(
        NUMBER_OF,
        vec![DataType::Utf8View],
        DataType::UInt64,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let texts = arrays.first().ok_or_else(|| DataFusionError::Internal("a text is needed".to_owned()))?;
            Ok(ColumnarValue::Array(number(texts.as_ref())?))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_are_counted_once_across_parts() {
        let numbers = |numbers: Vec<u64>| -> ArrayRef { Arc::new(UInt64Array::from(numbers)) };
        let (mut first, mut second) = ([NumberSet::default()], [NumberSet::default()]);
        NumberSet::update(&mut first, &[0; 5], &[numbers(vec![9, 9, 3, 7, 3])]).unwrap();
        NumberSet::update(&mut second, &[0; 3], &[numbers(vec![7, 1 << 40, 0])]).unwrap();
        for n in 0..3 * RECENT_MAX as u64 {
            first[0].insert(n % 1000);
        }
        let mut bytes = Vec::new();
        first[0].write(&mut bytes);
        second[0].insert(5);
        second[0].merge(&bytes).unwrap();
        assert_eq!(second[0].settle().len(), 1001);
        assert!(read(b"no set").is_err());
    }
}
