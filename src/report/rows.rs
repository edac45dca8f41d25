//! The table of a widget as rows for programs: typed columns under names, values in one unit each.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Field, Schema};

use super::table::{Column, Key, Table};
use super::value::{Bucket, Value};
use crate::error::Result;
use crate::metric::range::Grain;
use crate::metric::unit::Unit;

/// A column of [`rows`].
#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Key(usize, &'a Key),
    Unit,
    Number(usize, &'a Column),
    /// How many there may be of a number.
    OutOf(usize, &'a str),
}

/// The rows of a table: its keys, then its columns, under [`names`].
///
/// A bucket is the date on which it begins on the calendar of the report's zone, and of hours the instant in UTC. Durations are
/// milliseconds, shares are parts of one, missing values are null. Where each row has a unit of its own, the column `unit`
/// names it.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn rows(table: &Table) -> Result<RecordBatch> {
    let arrays: Vec<ArrayRef> = parts(table).into_iter().map(|part| array(table, part)).collect();
    let names = names(table);
    let fields = names.into_iter().zip(&arrays).map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), arrays)?)
}

fn array(table: &Table, part: Part<'_>) -> ArrayRef {
    let rows = table.rows.iter();
    match part {
        Part::Key(position, key) => keys(key, rows.map(|row| row.keys.get(position))),
        Part::Unit => Arc::new(rows.map(|row| unit_of(row.values.first())).collect::<StringArray>()),
        Part::Number(position, column) => numbers(column, rows.map(|row| row.values.get(position)?.number())),
        Part::OutOf(position, _) => Arc::new(rows.map(|row| most(row.values.get(position)?)).collect::<Float64Array>()),
    }
}

fn parts(table: &Table) -> Vec<Part<'_>> {
    let keys = table.keys.iter().enumerate().map(|(position, key)| Part::Key(position, key));
    let unit = has_units(table).then_some(Part::Unit);
    let columns = table.columns.iter().enumerate().flat_map(|(position, column)| {
        let out_of = column.out_of.as_deref().map(|name| Part::OutOf(position, name));
        std::iter::once(Part::Number(position, column)).chain(out_of)
    });
    keys.chain(unit).chain(columns).collect()
}

/// The names of the columns of [`rows`], each one of its own.
#[must_use]
pub fn names(table: &Table) -> Vec<String> {
    let mut known = HashSet::new();
    let unique = |part: Part<'_>| {
        let name = match part {
            Part::Key(_, key) => &key.name,
            Part::Unit => "unit",
            Part::Number(_, column) => &column.name,
            Part::OutOf(_, name) => name,
        };
        let numbered = (2..).map(|copy| format!("{name}_{copy}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| known.insert(name.clone())).unwrap_or_default()
    };
    parts(table).into_iter().map(unique).collect()
}

/// Each column of numbers with its name in [`rows`].
pub fn named_columns(table: &Table) -> impl Iterator<Item = (String, &Column)> {
    names(table).into_iter().zip(parts(table)).filter_map(|(name, part)| match part {
        Part::Number(_, column) => Some((name, column)),
        _ => None,
    })
}

/// Whether each row has a unit of its own.
fn has_units(table: &Table) -> bool {
    table.columns.iter().any(|column| column.unit.is_none())
}

/// The name of a unit in rows: `ms`, `share` or `count`.
#[must_use]
pub fn unit_name(unit: &Unit) -> &'static str {
    match unit {
        Unit::Duration => "ms",
        Unit::Share => "share",
        Unit::Count(_) => "count",
    }
}

fn unit_of(value: Option<&Value>) -> Option<&'static str> {
    value_unit_name(value?)
}

/// The name of the unit of a value; nothing where it is no number.
#[must_use]
pub fn value_unit_name(value: &Value) -> Option<&'static str> {
    match value {
        Value::Duration(_) => Some(unit_name(&Unit::Duration)),
        Value::Share(_) => Some(unit_name(&Unit::Share)),
        Value::Count(_) | Value::OutOf(..) => Some(unit_name(&Unit::Count(String::new()))),
        Value::Change(_, unit) => Some(unit_name(unit)),
        Value::Missing | Value::Text(_) | Value::Bucket(_) => None,
    }
}

fn most(value: &Value) -> Option<f64> {
    match value {
        Value::OutOf(_, most) => *most,
        _ => None,
    }
}

fn numbers(column: &Column, numbers: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    if column.is_integer {
        // Exact below 2^53: sums of milliseconds are, up to 285,000 years.
        return Arc::new(numbers.map(|number| number.map(|number| number as i64)).collect::<Int64Array>());
    }
    Arc::new(numbers.collect::<Float64Array>())
}

fn keys<'a>(key: &Key, values: impl Iterator<Item = Option<&'a Value>>) -> ArrayRef {
    let bucket = |value: Option<&'a Value>| match value {
        Some(Value::Bucket(bucket)) => Some(bucket),
        _ => None,
    };
    match key.grain {
        None => Arc::new(values.map(|value| value.and_then(text)).collect::<StringArray>()),
        Some(Grain::Hour) => {
            let starts = values.map(|value| bucket(value).map(|bucket| bucket.start.0));
            Arc::new(starts.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        }
        Some(_) => Arc::new(values.map(|value| bucket(value).and_then(days)).collect::<Date32Array>()),
    }
}

fn text(value: &Value) -> Option<String> {
    (*value != Value::Missing).then(|| value.text())
}

/// The days from 1970 to the date on which a bucket begins.
fn days(bucket: &Bucket) -> Option<i32> {
    let date = bucket.start.to_local(&bucket.zone).date();
    date.since(jiff::civil::date(1970, 1, 1)).ok().map(|span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Instant;
    use crate::report::table::Row;
    use arrow::util::pretty::pretty_format_batches;
    use jiff::tz::TimeZone;

    fn bucket(text: &str, grain: Grain) -> Value {
        let start = Instant::parse(text).unwrap();
        Value::Bucket(Bucket { start, grain, zone: TimeZone::get("Europe/Prague").unwrap(), so_far: false })
    }

    #[test]
    fn programs_read_civil_dates_whole_numbers_and_milliseconds() {
        let cases = Column { is_integer: true, ..Column::new("created_cases", "Created", Unit::Count("cases".into())) };
        let table = Table {
            keys: vec![Key::bucket(Grain::Day), Key::named("platform")],
            columns: vec![cases.clone(), Column::new("response_time", "Response", Unit::Duration), cases],
            rows: vec![
                Row {
                    keys: vec![bucket("2026-03-28T23:00:00Z", Grain::Day), Value::Text("email".into())],
                    values: vec![Value::Count(3.0), Value::Duration(1500.5), Value::Count(4.0)],
                },
                Row {
                    keys: vec![bucket("2026-03-29T22:00:00Z", Grain::Day), Value::Missing],
                    values: vec![Value::Count(0.0), Value::Missing, Value::Missing],
                },
            ],
        };
        let text = pretty_format_batches(&[rows(&table).unwrap()]).unwrap().to_string();
        assert_eq!(
            text,
            "+------------+----------+---------------+------------------+-----------------+\n\
             | day        | platform | created_cases | response_time_ms | created_cases_2 |\n\
             +------------+----------+---------------+------------------+-----------------+\n\
             | 2026-03-29 | email    | 3             | 1500.5           | 4               |\n\
             | 2026-03-30 |          | 0             |                  |                 |\n\
             +------------+----------+---------------+------------------+-----------------+"
        );
    }

    #[test]
    fn rows_of_several_units_name_them() {
        let column = Column { unit: None, ..Column::new("value", "Value", Unit::Share) };
        let row = |name: &str, value| Row { keys: vec![Value::Text(name.into())], values: vec![value] };
        let rows_of = vec![row("Created", Value::Count(3.0)), row("Attainment", Value::Share(0.5))];
        let table = Table { keys: vec![Key::named("figure")], columns: vec![column], rows: rows_of };
        let batch = rows(&table).unwrap();
        assert_eq!(names(&table), ["figure", "unit", "value"]);
        let text = pretty_format_batches(&[batch]).unwrap().to_string();
        assert!(
            text.contains("| Created    | count | 3.0   |") && text.contains("| Attainment | share | 0.5   |"),
            "{text}"
        );
    }
}
