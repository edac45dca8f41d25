//! Where in some rows each case is.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, UInt64Type};

use crate::error::Result;

/// The places of the cases of some rows: by their numbers, and by their ids.
pub struct Places {
    pub count: usize,
    numbers: HashMap<u64, usize>,
    ids: HashMap<String, usize>,
}

impl Places {
    /// Those of the rows of some batches, whose first column has the number and the second the id.
    pub fn of(batches: &[RecordBatch]) -> Result<Places> {
        let mut places = Places { count: 0, numbers: HashMap::new(), ids: HashMap::new() };
        for batch in batches {
            let numbers = batch.column(0).as_primitive::<UInt64Type>();
            let ids = arrow::compute::cast(batch.column(1), &DataType::Utf8View)?;
            for (number, id) in numbers.values().iter().zip(ids.as_string_view()) {
                places.numbers.insert(*number, places.count);
                places.ids.insert(id.unwrap_or_default().to_owned(), places.count);
                places.count += 1;
            }
        }
        Ok(places)
    }

    /// The place of each row of a column of numbers or of ids.
    pub fn of_column<'c>(&'c self, cases: &ArrayRef) -> Result<Box<dyn Iterator<Item = Option<usize>> + 'c>> {
        if let Some(numbers) = cases.as_primitive_opt::<UInt64Type>() {
            let numbers = numbers.clone();
            let place = move |row: usize| self.numbers.get(&numbers.value(row)).copied();
            return Ok(Box::new((0..cases.len()).map(place)));
        }
        let ids = arrow::compute::cast(cases, &DataType::Utf8View)?.as_string_view().clone();
        let place = move |row: usize| self.ids.get(ids.value(row)).copied();
        Ok(Box::new((0..cases.len()).map(place)))
    }
}
