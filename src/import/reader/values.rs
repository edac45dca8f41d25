//! Values of Parquet as texts: those that other formats have for the same value.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Number, Value as Json};

/// The values without a dictionary.
///
/// # Errors
/// When they are of a type that has no such form.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, value) => cast(array, value),
        DataType::RunEndEncoded(_, value) => cast(array, value.data_type()),
        _ => Ok(array.clone()),
    }
}

/// A value as the text of a cell.
///
/// # Errors
/// In words, why it has none.
pub(super) fn text(array: &dyn Array, row: usize) -> Result<String, String> {
    Ok(match array.data_type() {
        _ if array.is_null(row) => String::new(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        _ => text_of(&json(array, row)?),
    })
}

/// A value of JSON as the text of a cell: numbers without zeros after the point.
pub(super) fn text_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// A value as JSON: numbers, flags, lists and objects as such, all other as text.
///
/// # Errors
/// In words, why it cannot be.
pub(super) fn json(array: &dyn Array, row: usize) -> Result<Json, String> {
    if array.is_null(row) {
        return Ok(Json::Null);
    }
    let elements = |elements: ArrayRef| (0..elements.len()).map(|at| json(&elements, at)).collect::<Result<_, _>>();
    Ok(match array.data_type() {
        DataType::Null => Json::Null,
        DataType::Boolean => Json::from(array.as_boolean().value(row)),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Json::from(cast_one(array, row, &DataType::Int64)?.as_primitive::<Int64Type>().value(0))
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Json::from(cast_one(array, row, &DataType::UInt64)?.as_primitive::<UInt64Type>().value(0))
        }
        // The digits that a number of 32 bits has, not those of the number of 64 bits that is nearest.
        DataType::Float32 => decimal(array.as_primitive::<Float32Type>().value(row).to_string()),
        DataType::Float16 | DataType::Float64 => {
            decimal(cast_one(array, row, &DataType::Float64)?.as_primitive::<Float64Type>().value(0).to_string())
        }
        DataType::LargeUtf8 => Json::from(array.as_string::<i64>().value(row)),
        DataType::Utf8 => Json::from(array.as_string::<i32>().value(row)),
        DataType::Utf8View => Json::from(array.as_string_view().value(row)),
        DataType::Timestamp(unit, zone) => Json::from(timestamp(array, row, *unit, zone.is_some())?),
        DataType::Date32 => Json::from(day(i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000)?),
        DataType::Date64 => Json::from(day(array.as_primitive::<Date64Type>().value(row))?),
        DataType::Duration(unit) => Json::from(duration(array, row, *unit)),
        DataType::Dictionary(_, value) => json(&cast_one(array, row, value)?, 0)?,
        DataType::List(_) => Json::Array(elements(array.as_list::<i32>().value(row))?),
        DataType::LargeList(_) => Json::Array(elements(array.as_list::<i64>().value(row))?),
        DataType::FixedSizeList(_, _) => Json::Array(elements(array.as_fixed_size_list().value(row))?),
        DataType::Struct(fields) => {
            let members = fields.iter().zip(array.as_struct().columns());
            let members = members.map(|(field, values)| Ok((field.name().clone(), json(values, row)?)));
            Json::Object(members.collect::<Result<_, String>>()?)
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let mut object = Map::new();
            if let [keys, values] = entries.columns() {
                for at in 0..entries.len() {
                    object.insert(text(keys, at)?, json(values, at)?);
                }
            }
            Json::Object(object)
        }
        _ => formatted(array, row)?,
    })
}

/// One value as another type.
fn cast_one(array: &dyn Array, row: usize, to: &DataType) -> Result<ArrayRef, String> {
    cast(&array.slice(row, 1), to).map_err(|error| error.to_string())
}

fn formatted(array: &dyn Array, row: usize) -> Result<Json, String> {
    let options = FormatOptions::default().with_display_error(false);
    let formatter = ArrayFormatter::try_new(array, &options).map_err(|error| error.to_string())?;
    formatter.value(row).try_to_string().map(Json::from).map_err(|error| error.to_string())
}

/// A number by its digits; what is no number by its name.
fn decimal(digits: String) -> Json {
    match digits.parse::<i64>() {
        Ok(whole) => Json::from(whole),
        Err(_) => digits.parse().ok().and_then(Number::from_f64).map_or(Json::from(digits), Json::Number),
    }
}

fn timestamp(array: &dyn Array, row: usize, unit: TimeUnit, has_zone: bool) -> Result<String, String> {
    let instant = match unit {
        TimeUnit::Second => Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(row)),
        TimeUnit::Millisecond => {
            Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            Timestamp::from_nanosecond(i128::from(array.as_primitive::<TimestampNanosecondType>().value(row)))
        }
    };
    let instant = instant.map_err(|error| error.to_string())?;
    Ok(if has_zone { instant.to_string() } else { local(instant).to_string() })
}

fn day(ms: i64) -> Result<String, String> {
    let instant = Timestamp::from_millisecond(ms).map_err(|error| error.to_string())?;
    let local = local(instant);
    let is_midnight = local.time() == jiff::civil::Time::midnight();
    Ok(if is_midnight { local.date().to_string() } else { local.to_string() })
}

fn local(instant: Timestamp) -> jiff::civil::DateTime {
    jiff::tz::Offset::UTC.to_datetime(instant)
}

/// `hh:mm:ss`, with a fraction where there is one.
fn duration(array: &dyn Array, row: usize, unit: TimeUnit) -> String {
    let time = match unit {
        TimeUnit::Second => SignedDuration::from_secs(array.as_primitive::<DurationSecondType>().value(row)),
        TimeUnit::Millisecond => {
            SignedDuration::from_millis(array.as_primitive::<DurationMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            SignedDuration::from_micros(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => SignedDuration::from_nanos(array.as_primitive::<DurationNanosecondType>().value(row)),
    };
    super::layout::clock(time)
}
