//! Functions that SQL gets from Casebook; one place for what they mean and how they are called.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, ListArray, ListBuilder, StructArray, TimestampMillisecondArray,
    TimestampMillisecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use jiff::tz::TimeZone;

use super::foremost::{self, FOREMOST};
use super::header::{Metric, MetricKind};
use super::interval;
use super::lists::list_items;
use super::percentile::{PERCENTILE, percentile};
use super::sets::{COUNT_DISTINCT, DISTINCT, count_distinct, distinct};
use super::stock::{FIRST_READ, READS_END, STOCK_OVER_TIME, first_read, reads_end, stock_over_time};
use crate::cluster::portable::{OfNothing, Recipes, portable};
use crate::log::rows::instant_type;
use crate::model::time::Instant;
use crate::query::database::Database;

/// The name of [`stock_reads`] in SQL.
pub const STOCK_READS: &str = "stock_reads";

/// A session of a database with every function that metrics may call.
#[must_use]
pub fn session(database: &Database) -> SessionContext {
    let session = database.session();
    register(&session);
    session
}

/// Registers every function that does not depend on a question.
pub fn register(session: &SessionContext) {
    for (name, function) in OF_NOTHING {
        session.register_udf(portable(name, &(), function()));
    }
}

/// The functions that follow from nothing but their arguments.
const OF_NOTHING: [OfNothing; 5] = [
    ("hour_of_day", hour_of_day),
    ("day_of_week", day_of_week),
    ("list_items", list_items),
    ("text_number", text_number),
    ("text_day", text_day),
];

/// How other processes make the functions of metrics again.
pub fn add_recipes(recipes: &mut Recipes) {
    for (name, function) in OF_NOTHING {
        recipes.add(name, move |(): ()| Ok(function()));
    }
    recipes.add(BUCKET_OF, |starts| Ok(bucket_of(starts)));
    recipes.add(STOCK_READS, |reads| Ok(stock_reads(reads)));
    recipes.add(TIME_PARTS, |buckets| Ok(time_parts(buckets)));
    recipes.add(FIRST_READ, |reads| Ok(first_read(reads)));
    recipes.add(READS_END, |reads| Ok(reads_end(reads)));
    recipes.add_aggregate(STOCK_OVER_TIME, stock_over_time);
    recipes.add_aggregate(PERCENTILE, percentile);
    recipes.add_aggregate(COUNT_DISTINCT, |(): ()| count_distinct());
    recipes.add_aggregate(DISTINCT, |(): ()| distinct());
    recipes.add_aggregate(FOREMOST, |(): ()| foremost::function());
}

const BUCKET_OF: &str = "bucket_of";
const TIME_PARTS: &str = "time_parts";

fn plan_error(message: impl Into<String>) -> DataFusionError {
    DataFusionError::Plan(message.into())
}

/// The text that an argument must be the same of in every row.
fn constant(argument: Option<&ColumnarValue>, name: &str) -> Result<String> {
    match argument {
        Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)))) => {
            Ok(text.clone())
        }
        _ => Err(plan_error(format!("the argument `{name}` must be a text, the same for every row"))),
    }
}

fn zone_of(argument: Option<&ColumnarValue>) -> Result<TimeZone> {
    let name = constant(argument, "zone")?;
    TimeZone::get(&name).map_err(|_| plan_error(format!("`{name}` is not a time zone")))
}

fn instants_of(arguments: &[ColumnarValue]) -> Result<ArrayRef> {
    let first = arguments.first().ok_or_else(|| plan_error("an instant is needed"))?;
    let rows = arguments.iter().find_map(|argument| match argument {
        ColumnarValue::Array(array) => Some(array.len()),
        ColumnarValue::Scalar(_) => None,
    });
    first.to_array(rows.unwrap_or(1))
}

fn local_number(name: &str, number: fn(jiff::civil::DateTime) -> i64) -> ScalarUDF {
    let arguments = vec![instant_type(), DataType::Utf8];
    create_udf(
        name,
        arguments,
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let zone = zone_of(arguments.get(1))?;
            let instants = instants_of(arguments)?;
            let of = |ms: i64| number(Instant(ms).to_local(&zone));
            let numbers: Int64Array = instants.as_primitive::<TimestampMillisecondType>().unary(of);
            Ok(ColumnarValue::Array(Arc::new(numbers)))
        }),
    )
}

/// `hour_of_day(at, zone)`: 0 to 23 on the zone's clock.
fn hour_of_day() -> ScalarUDF {
    local_number("hour_of_day", |local| i64::from(local.hour()))
}

/// `day_of_week(at, zone)`: 1 (Monday) to 7 (Sunday) in the zone.
fn day_of_week() -> ScalarUDF {
    local_number("day_of_week", |local| i64::from(local.weekday().to_monday_one_offset()))
}

fn of_text(name: &str, value: fn(&str) -> Option<f64>) -> ScalarUDF {
    create_udf(
        name,
        vec![DataType::Utf8View],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let texts = arrays.iter().flat_map(|texts| texts.as_string_view().iter());
            Ok(ColumnarValue::Array(Arc::new(texts.map(|text| value(text?)).collect::<Float64Array>())))
        }),
    )
}

/// `text_number(text)`: the number that a text is; null of any other text.
fn text_number() -> ScalarUDF {
    of_text("text_number", interval::number)
}

/// `text_day(text)`: the milliseconds to the day that a text is, in UTC; null of any other text.
fn text_day() -> ScalarUDF {
    of_text("text_day", interval::day_ms)
}

/// `bucket_of(at)`: the start of the bucket that holds the instant, of buckets that begin at those instants. Made for one
/// question.
#[must_use]
pub fn bucket_of(starts: Vec<i64>) -> ScalarUDF {
    let values = starts.clone();
    let function = create_udf(
        BUCKET_OF,
        vec![instant_type()],
        instant_type(),
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let instants = instants_of(arguments)?;
            let start = |ms: i64| starts.get(starts.partition_point(|start| *start <= ms).checked_sub(1)?).copied();
            let instants = instants.as_primitive::<TimestampMillisecondType>().iter();
            let found: TimestampMillisecondArray = instants.map(|ms| start(ms?)).collect();
            Ok(ColumnarValue::Array(Arc::new(found.with_timezone("UTC"))))
        }),
    );
    portable(BUCKET_OF, &values, function)
}

/// Whether the SQL of a metric calls [`stock_reads`], and so has a row for each instant at which it is read.
#[must_use]
pub fn calls_stock_reads(metric: &Metric) -> bool {
    metric.kind == MetricKind::Stock && metric.sql.as_deref().is_some_and(|sql| sql.contains(STOCK_READS))
}

/// `stock_reads(since, until)`: those of the given instants that fall into a half-open time. Made for one question.
#[must_use]
pub fn stock_reads(reads: Vec<i64>) -> ScalarUDF {
    let item = Arc::new(Field::new_list_field(instant_type(), true));
    let arguments = vec![instant_type(), instant_type()];
    let values = reads.clone();
    let function = create_udf(
        STOCK_READS,
        arguments,
        DataType::List(item.clone()),
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [since, until] = arrays.as_slice() else { return Err(plan_error("`since` and `until` are needed")) };
            let values = TimestampMillisecondBuilder::new().with_timezone("UTC");
            let mut lists = ListBuilder::new(values).with_field(item.clone());
            let until = until.as_primitive::<TimestampMillisecondType>();
            for (since, until) in since.as_primitive::<TimestampMillisecondType>().iter().zip(until) {
                let first = since.map_or(reads.len(), |since| reads.partition_point(|read| *read < since));
                let end = until.map_or(reads.len(), |until| reads.partition_point(|read| *read < until));
                lists.values().append_slice(reads.get(first..end.max(first)).unwrap_or(&[]));
                lists.append(true);
            }
            Ok(ColumnarValue::Array(Arc::new(lists.finish())))
        }),
    );
    portable(STOCK_READS, &values, function)
}

/// `time_parts(since, until)`: what lies of a half-open time in each of the given buckets, begin and end: the last
/// millisecond of that part (`at`) and its length (`ms`). Made for one question.
#[must_use]
pub fn time_parts(buckets: Vec<(i64, i64)>) -> ScalarUDF {
    let fields = Fields::from(vec![Field::new("at", instant_type(), false), Field::new("ms", DataType::Int64, false)]);
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), false));
    let values = buckets.clone();
    let function = create_udf(
        TIME_PARTS,
        vec![instant_type(), instant_type()],
        DataType::List(item.clone()),
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [since, until] = arrays.as_slice() else { return Err(plan_error("`since` and `until` are needed")) };
            let (mut ends, mut lengths, mut counts) = (Vec::new(), Vec::new(), Vec::new());
            let until = until.as_primitive::<TimestampMillisecondType>();
            for (since, until) in since.as_primitive::<TimestampMillisecondType>().iter().zip(until) {
                let (since, until) = (since.unwrap_or(i64::MAX), until.unwrap_or(i64::MAX));
                let first = buckets.partition_point(|(_, end)| *end <= since);
                let parts = buckets.iter().skip(first).take_while(|(begin, _)| *begin < until);
                let before = ends.len();
                let parts = parts.map(|(begin, end)| (*begin.max(&since), *end.min(&until)));
                for (begin, end) in parts.filter(|(begin, end)| begin < end) {
                    ends.push(end - 1);
                    lengths.push(end - begin);
                }
                counts.push(ends.len() - before);
            }
            let columns: Vec<ArrayRef> = vec![
                Arc::new(TimestampMillisecondArray::from(ends).with_timezone("UTC")),
                Arc::new(Int64Array::from(lengths)),
            ];
            let parts = StructArray::try_new(fields.clone(), columns, None)?;
            let lists = ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(counts), Arc::new(parts), None)?;
            Ok(ColumnarValue::Array(Arc::new(lists)))
        }),
    );
    portable(TIME_PARTS, &values, function)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Int64Type;

    /// The parts of times as `at+ms`.
    fn parts(buckets: &[(i64, i64)], times: &[(Option<i64>, Option<i64>)]) -> Vec<String> {
        let instants = |values: Vec<Option<i64>>| -> ColumnarValue {
            ColumnarValue::Array(Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC")))
        };
        let (since, until) = times.iter().copied().unzip();
        let instant = Arc::new(Field::new("instant", instant_type(), true));
        let function = time_parts(buckets.to_vec());
        let arguments = datafusion::logical_expr::ScalarFunctionArgs {
            args: vec![instants(since), instants(until)],
            arg_fields: vec![instant.clone(), instant.clone()],
            number_rows: times.len(),
            return_field: Arc::new(Field::new("parts", function.return_type(&[]).unwrap(), true)),
            config_options: Arc::default(),
        };
        let ColumnarValue::Array(lists) = function.invoke_with_args(arguments).unwrap() else { return Vec::new() };
        let text = |list: ArrayRef| {
            let part = list.as_struct();
            let ends = part.column(0).as_primitive::<TimestampMillisecondType>().values();
            let lengths = part.column(1).as_primitive::<Int64Type>().values();
            ends.iter().zip(lengths).map(|(end, ms)| format!("{end}+{ms}")).collect::<Vec<_>>().join(" ")
        };
        lists.as_list::<i32>().iter().map(|list| list.map(text).unwrap_or_default()).collect()
    }

    #[test]
    fn each_bucket_gets_its_part_of_a_time() {
        let times = [(Some(5), Some(25)), (Some(10), None), (Some(15), Some(15)), (Some(25), Some(5)), (None, Some(9))];
        assert_eq!(parts(&[(0, 10), (10, 20), (20, 30)], &times), ["9+5 19+10 24+5", "19+10 29+10", "", "", ""]);
        assert_eq!(parts(&[], &times[..2]), ["", ""]);
    }
}
