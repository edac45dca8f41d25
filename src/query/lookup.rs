//! Values of cases by number: of each case one, or one for each of its periods.
//!
//! A question looks up the platform, the assignee then and so on of millions of contributions. Tables of cases have the rows
//! of a case together, so a value is found at a position that follows from the case's number, in less time than a join takes
//! to build its hash table. A lookup is read once for all questions that are asked of a database.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, TimestampMillisecondType, UInt64Type};
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::DataFrame;
use futures::StreamExt;
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::log::rows::instant_type;
use crate::query::names::{NONE, Names, ShortTexts, texts};

/// One value of each case.
#[derive(Debug)]
struct OfCases {
    /// By the number of the case.
    codes: Vec<u32>,
    names: StringViewArray,
}

/// A value for each period of each case.
#[derive(Debug)]
struct OfPeriods {
    /// By the number of the case: its first period, and the first after its last one.
    periods: Vec<(u32, u32)>,
    since: Vec<i64>,
    until: Vec<i64>,
    codes: Vec<u32>,
    names: StringViewArray,
}

/// What a partition of a table's rows has.
#[derive(Debug, Default)]
struct Part {
    numbers: Vec<u64>,
    since: Vec<i64>,
    until: Vec<i64>,
    codes: Vec<u32>,
    names: Names,
}

fn unexpected() -> DataFusionError {
    DataFusionError::Internal("a lookup has other columns".to_owned())
}

impl Part {
    async fn read(mut rows: SendableRecordBatchStream) -> EngineResult<Part> {
        let (mut part, mut short) = (Part::default(), ShortTexts::default());
        while let Some(batch) = rows.next().await {
            part.add(&batch?, &mut short)?;
        }
        Ok(part)
    }

    /// Adds rows: number, value and, of periods, since and until.
    fn add(&mut self, batch: &RecordBatch, short: &mut ShortTexts) -> EngineResult<()> {
        let mut columns = batch.columns().iter();
        let numbers = columns.next().and_then(|numbers| numbers.as_primitive_opt::<UInt64Type>());
        self.numbers.extend_from_slice(numbers.ok_or_else(unexpected)?.values());
        let texts = columns.next().and_then(|texts| texts.as_string_view_opt());
        self.codes.extend(self.names.codes(texts.ok_or_else(unexpected)?, short));
        for (column, instants) in columns.zip([&mut self.since, &mut self.until]) {
            let values = column.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(unexpected)?;
            match values.null_count() {
                0 => instants.extend_from_slice(values.values()),
                _ => instants.extend(values.iter().map(|instant| instant.unwrap_or(i64::MAX))),
            }
        }
        Ok(())
    }
}

/// The rows of all partitions one after the other, with codes of the same names.
async fn read(frame: DataFrame) -> Result<Part> {
    let streams = frame.execute_stream_partitioned().await?;
    let parts: Vec<_> = streams.into_iter().map(|rows| SpawnedTask::spawn(Part::read(rows))).collect();
    let mut whole = Part::default();
    for part in parts {
        let part = part.join().await.map_err(|error| DataFusionError::External(error.into()))??;
        whole.names.append(&mut whole.codes, &part.names, &part.codes);
        whole.numbers.extend(part.numbers);
        whole.since.extend(part.since);
        whole.until.extend(part.until);
    }
    Ok(whole)
}

/// A number as a position.
fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl OfCases {
    fn new(part: Part) -> OfCases {
        let count = part.numbers.iter().max().map_or(0, |last| position(*last) + 1);
        let mut codes = vec![NONE; count];
        for (number, code) in part.numbers.iter().zip(&part.codes) {
            if let Some(place) = codes.get_mut(position(*number)) {
                *place = *code;
            }
        }
        OfCases { codes, names: part.names.column() }
    }
}

impl OfPeriods {
    /// Nothing where the rows of a case are not together.
    fn new(part: Part) -> Option<OfPeriods> {
        let count = part.numbers.iter().max().map_or(0, |last| position(*last) + 1);
        let mut periods = vec![(0, 0); count];
        let mut begin = 0;
        for rows in part.numbers.chunk_by(|number, next| number == next) {
            let end = begin + u32::try_from(rows.len()).ok()?;
            let place = periods.get_mut(position(*rows.first()?))?;
            if *place != (0, 0) {
                return None;
            }
            *place = (begin, end);
            begin = end;
        }
        let Part { since, until, codes, names, .. } = part;
        Some(OfPeriods { periods, since, until, codes, names: names.column() })
    }

    /// The code of the period that holds the instant.
    fn code(&self, number: u64, at: i64) -> Option<u32> {
        let (begin, end) = self.periods.get(position(number))?;
        let (begin, end) = (*begin as usize, *end as usize);
        let begun = self.since.get(begin..end)?.iter().take_while(|since| **since <= at).count();
        let period = begin + begun.checked_sub(1)?;
        self.until.get(period).filter(|until| at < **until)?;
        self.codes.get(period).copied()
    }
}

/// What has been read for all questions, by what it was read from.
#[derive(Debug, Default)]
pub struct Lookups {
    known: Mutex<HashMap<String, Known>>,
}

/// A lookup that one question reads while others wait for it.
type Known = Arc<OnceCell<Option<ScalarUDF>>>;

impl Lookups {
    /// `name(number)`: a value of each case, known by that key. The rows of `frame` have its number and its value.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn of_cases(
        &self,
        key: &str,
        name: &str,
        frame: impl Future<Output = Result<DataFrame>>,
    ) -> Result<Option<ScalarUDF>> {
        self.get_or_read(key, async {
            let cases = OfCases::new(read(frame.await?).await?);
            Ok(Some(case_function(name, cases)))
        })
        .await
    }

    /// `name(number, at)`: the value of the period of a case that holds the instant. The rows of `frame` have the number of
    /// the case, the value, since and until, and those of a case come together and in order; nothing where they do not.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn of_periods(
        &self,
        key: &str,
        name: &str,
        frame: impl Future<Output = Result<DataFrame>>,
    ) -> Result<Option<ScalarUDF>> {
        self.get_or_read(key, async {
            let periods = OfPeriods::new(read(frame.await?).await?);
            Ok(periods.map(|periods| period_function(name, periods)))
        })
        .await
    }

    async fn get_or_read(
        &self,
        key: &str,
        function: impl Future<Output = Result<Option<ScalarUDF>>>,
    ) -> Result<Option<ScalarUDF>> {
        let known = {
            // The map is whole whatever a thread that panicked did.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(key.to_owned()).or_default())
        };
        Ok(known.get_or_try_init(|| function).await?.clone())
    }
}

fn case_function(name: &str, cases: OfCases) -> ScalarUDF {
    create_udf(
        name,
        vec![DataType::UInt64],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let numbers = arrays.first().and_then(|numbers| numbers.as_primitive_opt::<UInt64Type>());
            let numbers = numbers.ok_or_else(unexpected)?;
            let code = |number: Option<u64>| cases.codes.get(position(number?)).copied();
            let codes = numbers.iter().map(|number| code(number).unwrap_or(NONE));
            Ok(ColumnarValue::Array(texts(&cases.names, codes)?))
        }),
    )
}

fn period_function(name: &str, periods: OfPeriods) -> ScalarUDF {
    create_udf(
        name,
        vec![DataType::UInt64, instant_type()],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [numbers, instants] = arrays.as_slice() else { return Err(unexpected()) };
            let numbers = numbers.as_primitive_opt::<UInt64Type>().ok_or_else(unexpected)?;
            let instants = instants.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(unexpected)?;
            let code = |(number, at): (Option<u64>, Option<i64>)| periods.code(number?, at?);
            let codes = numbers.iter().zip(instants).map(|row| code(row).unwrap_or(NONE));
            Ok(ColumnarValue::Array(texts(&periods.names, codes)?))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(rows: &[(u64, &str, i64, i64)]) -> Part {
        let mut part = Part::default();
        for (number, name, since, until) in rows {
            let code = part.names.code(name);
            part.numbers.push(*number);
            part.since.push(*since);
            part.until.push(*until);
            part.codes.push(code);
        }
        part
    }

    #[test]
    fn the_period_that_holds_an_instant_is_found() {
        let rows =
            [(7, "ana", 10, 20), (7, "ben", 20, 30), (2, "ana", 5, i64::MAX), (9, "a name of many letters", 0, 1)];
        let periods = OfPeriods::new(part(&rows)).unwrap();
        let name =
            |number: u64, at: i64| periods.code(number, at).map(|code| periods.names.value(code as usize).to_owned());
        let found = [(7, 9), (7, 10), (7, 19), (7, 20), (7, 30), (2, 1 << 60), (9, 0), (9, 1), (3, 7), (99, 7)];
        let found = found.map(|(number, at)| name(number, at).unwrap_or_default());
        assert_eq!(found, ["", "ana", "ana", "ben", "", "ana", "a name of many letters", "", "", ""]);
        assert!(OfPeriods::new(part(&[(7, "ana", 1, 2), (8, "ana", 1, 2), (7, "ana", 2, 3)])).is_none());
    }
}
