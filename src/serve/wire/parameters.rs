//! Values that clients send for the parameters of a statement, in PostgreSQL's text or binary format.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion_postgres::pgwire::api::Type;

use super::problem::{Answer, NOT_SUPPORTED, Problem, WRONG_VALUE};

/// Microseconds and days between the beginning of PostgreSQL's time, 2000, and of 1970.
const EPOCH_US: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The type that the statement needs; nothing where it takes any.
    pub needed: Option<DataType>,
    /// The type in which the client sends it.
    pub oid: u32,
}

/// The type of the engine for a type of PostgreSQL, where a value of it can be read.
#[must_use]
pub fn type_of(oid: u32) -> Option<DataType> {
    let list = |item: DataType| DataType::List(Arc::new(arrow::datatypes::Field::new_list_field(item, true)));
    Some(match Type::from_oid(oid)? {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Float64,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::BYTEA => DataType::Binary,
        Type::BOOL_ARRAY => list(DataType::Boolean),
        Type::INT2_ARRAY => list(DataType::Int16),
        Type::INT4_ARRAY => list(DataType::Int32),
        Type::INT8_ARRAY | Type::OID_ARRAY => list(DataType::Int64),
        Type::FLOAT4_ARRAY => list(DataType::Float32),
        Type::FLOAT8_ARRAY => list(DataType::Float64),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => list(DataType::Utf8),
        Type::TIMESTAMPTZ_ARRAY => list(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        Type::DATE_ARRAY => list(DataType::Date32),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::UNKNOWN
        | Type::JSON
        | Type::JSONB
        | Type::UUID => DataType::Utf8,
        _ => return None,
    })
}

/// The value that a client sent.
///
/// # Errors
/// When it is no value of its type, or the type cannot be read.
pub fn value(parameter: &Parameter, is_binary: bool, bytes: Option<&[u8]>, number: usize) -> Answer<ScalarValue> {
    let kind = type_of(parameter.oid).ok_or_else(|| {
        let message = format!("parameter ${number} has the type {}, which cannot be read here", parameter.oid);
        Problem::new(NOT_SUPPORTED, message).with_hint("send it as text, and cast it in the statement")
    })?;
    let needed = parameter.needed.as_ref().unwrap_or(&kind);
    let wrong = || Problem::new(WRONG_VALUE, format!("parameter ${number} is no value of the type {kind}"));
    let Some(bytes) = bytes else { return ScalarValue::try_from(needed).map_err(|_| wrong()) };
    let value = if is_binary {
        binary(parameter.oid, &kind, bytes).ok_or_else(|| Problem { code: "22P03", ..wrong() })?
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| Problem { code: "22021", ..wrong() })?;
        text_value(text, &kind).ok_or_else(wrong)?
    };
    if value.data_type() == *needed {
        return Ok(value);
    }
    value.cast_to(needed).map_err(|_| {
        Problem::new(
            WRONG_VALUE,
            format!("parameter ${number} is a value of the type {kind}, and the statement needs {needed}"),
        )
    })
}

/// A value in text.
fn text_value(text: &str, kind: &DataType) -> Option<ScalarValue> {
    match kind {
        DataType::Utf8 => Some(ScalarValue::Utf8(Some(text.to_owned()))),
        DataType::Binary => {
            let digits = text.strip_prefix("\\x")?;
            let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
            let byte =
                |pair: &str| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2 && !pair.starts_with('+'));
            let bytes = pairs.map(|pair| byte(pair?)).collect::<Option<Vec<u8>>>()?;
            Some(ScalarValue::Binary(Some(bytes)))
        }
        DataType::List(item) => {
            let values = array_items(text)?.into_iter().map(|value| match value {
                Some(text) => text_value(&text, item.data_type()),
                None => ScalarValue::try_from(item.data_type()).ok(),
            });
            let values = values.collect::<Option<Vec<_>>>()?;
            Some(ScalarValue::List(ScalarValue::new_list_nullable(&values, item.data_type())))
        }
        kind => ScalarValue::Utf8(Some(text.trim().to_owned())).cast_to(kind).ok(),
    }
}

/// The items of `{a,"b c",NULL}`, of one dimension.
fn array_items(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut items = Vec::new();
    let mut letters = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Some(items);
    }
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let mut item = String::new();
        let is_quoted = letters.next_if_eq(&'"').is_some();
        let ended = loop {
            match letters.next() {
                None if is_quoted => return None,
                None => break true,
                Some('"') if is_quoted => {
                    while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
                    match letters.next() {
                        None => break true,
                        Some(',') => break false,
                        Some(_) => return None,
                    }
                }
                Some(',') if !is_quoted => break false,
                Some('{' | '}' | '"') if !is_quoted => return None,
                Some('\\') => item.push(letters.next()?),
                Some(letter) => item.push(letter),
            }
        };
        let is_null = !is_quoted && item.trim().eq_ignore_ascii_case("null");
        items.push((!is_null).then(|| if is_quoted { item } else { item.trim().to_owned() }));
        if ended {
            return Some(items);
        }
    }
}

/// A value in binary.
fn binary(oid: u32, kind: &DataType, bytes: &[u8]) -> Option<ScalarValue> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(|text| ScalarValue::Utf8(Some(text)));
    Some(match Type::from_oid(oid)? {
        Type::BOOL => ScalarValue::Boolean(Some(u8::from_be_bytes(bytes.try_into().ok()?) != 0)),
        Type::INT2 => ScalarValue::Int16(Some(i16::from_be_bytes(bytes.try_into().ok()?))),
        Type::INT4 => ScalarValue::Int32(Some(i32::from_be_bytes(bytes.try_into().ok()?))),
        Type::INT8 => ScalarValue::Int64(Some(i64::from_be_bytes(bytes.try_into().ok()?))),
        Type::OID => ScalarValue::Int64(Some(i64::from(u32::from_be_bytes(bytes.try_into().ok()?)))),
        Type::FLOAT4 => ScalarValue::Float32(Some(f32::from_be_bytes(bytes.try_into().ok()?))),
        Type::FLOAT8 => ScalarValue::Float64(Some(f64::from_be_bytes(bytes.try_into().ok()?))),
        Type::NUMERIC => ScalarValue::Float64(Some(numeric(bytes)?)),
        Type::DATE => ScalarValue::Date32(Some(i32::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_DAYS)?)),
        Type::TIME => ScalarValue::Time64Microsecond(Some(i64::from_be_bytes(bytes.try_into().ok()?))),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let microseconds = i64::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_US)?;
            ScalarValue::Int64(Some(microseconds)).cast_to(kind).ok()?
        }
        Type::BYTEA => ScalarValue::Binary(Some(bytes.to_vec())),
        Type::UUID => ScalarValue::Utf8(Some(uuid::Uuid::from_slice(bytes).ok()?.to_string())),
        // A version comes first.
        Type::JSONB => text(bytes.strip_prefix(&[1])?)?,
        _ => match kind {
            DataType::List(item) => list(item.data_type(), bytes)?,
            _ => text(bytes)?,
        },
    })
}

/// An array of one dimension: dimensions, whether there are nulls, the type, the count, the lowest index; then the items.
fn list(item: &DataType, bytes: &[u8]) -> Option<ScalarValue> {
    let (dimensions, rest) = number(bytes)?;
    let (_, rest) = number(rest)?;
    let (oid, mut rest) = number(rest)?;
    let oid = u32::try_from(oid).ok()?;
    if type_of(oid)? != *item {
        return None;
    }
    let mut values = Vec::new();
    if dimensions == 1 {
        let (count, after) = number(rest)?;
        (_, rest) = number(after)?;
        for _ in 0..count {
            let (length, after) = number(rest)?;
            rest = after;
            if length < 0 {
                values.push(ScalarValue::try_from(item).ok()?);
                continue;
            }
            let (value, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            values.push(binary(oid, item, value)?);
        }
    }
    let is_whole = matches!(dimensions, 0 | 1) && rest.is_empty();
    is_whole.then(|| ScalarValue::List(ScalarValue::new_list_nullable(&values, item)))
}

fn number(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*number), rest))
}

/// A decimal number: count of digits, weight of the first, sign, scale; then digits of base 10,000.
fn numeric(bytes: &[u8]) -> Option<f64> {
    let part = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let (count, weight, sign) = (part(0)?, part(2)?.cast_signed(), part(4)?);
    if bytes.len() != 8 + 2 * usize::from(count) {
        return None;
    }
    let mut text = String::from(match sign {
        0 => "",
        0x4000 => "-",
        0xC000 => return Some(f64::NAN),
        _ => return None,
    });
    text.push('0');
    for digit in 0..usize::from(count) {
        let digit = part(8 + 2 * digit)?;
        if digit > 9999 {
            return None;
        }
        text.push_str(&format!("{digit:04}"));
    }
    let exponent = 4 * (i32::from(weight) + 1 - i32::from(count));
    text.push_str(&format!("e{exponent}"));
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(oid: u32, is_binary: bool, bytes: &[u8]) -> Answer<ScalarValue> {
        value(&Parameter { needed: None, oid }, is_binary, Some(bytes), 1)
    }

    #[test]
    fn texts_are_read_as_values_of_their_types() {
        let text = |oid: u32, text: &str| {
            read(oid, false, text.as_bytes()).map(|value| value.to_string()).map_err(|it| it.code)
        };
        for (oid, written, expected) in [
            (16, "t", "true"),
            (16, "off", "false"),
            (20, "-5", "-5"),
            (701, "1e3", "1000"),
            (1700, "12.50", "12.5"),
            (25, "", ""),
            (1184, "2026-03-01 08:00:00+01", "1772348400000000"),
            (1184, "2026-03-01T08:00:00Z", "1772352000000000"),
            (1184, "2026-03-01 08:00:00+00:00", "1772352000000000"),
            (1114, "2026-03-01 08:00:00.5", "1772352000500000"),
            (1082, "2026-03-01", "2026-03-01"),
            (1009, r#"{a,"b \"c\"",NULL, "NULL" ,d e}"#, r#"[a, b "c", , NULL, d e]"#),
            (1007, "{1,2}", "[1, 2]"),
            (1007, "{}", "[]"),
        ] {
            assert_eq!(text(oid, written).as_deref(), Ok(expected), "{written}");
        }
        for (oid, written) in [
            (20, "x"),
            (20, ""),
            (1184, "infinity"),
            (1007, "{1"),
            (1007, "{1,x}"),
            (1007, "{{1}}"),
            (17, "\\x0"),
            (1009, "{\"a"),
        ] {
            assert_eq!(text(oid, written), Err("22P02"), "{written}");
        }
        assert_eq!(text(600, "(1,2)"), Err("0A000"));
    }

    #[test]
    fn binary_values_are_read_to_their_last_byte() {
        assert_eq!(read(23, true, &7_i32.to_be_bytes()), Ok(ScalarValue::Int32(Some(7))));
        assert_eq!(read(1184, true, &0_i64.to_be_bytes()).unwrap().to_string(), EPOCH_US.to_string());
        assert_eq!(
            read(1700, true, &[0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 19, 136]),
            Ok(ScalarValue::Float64(Some(-12.5)))
        );
        let mut array = Vec::new();
        for number in [1, 0, 23, 2, 1, 4, 9, -1] {
            array.extend_from_slice(&i32::to_be_bytes(number));
        }
        assert_eq!(read(1007, true, &array).unwrap().to_string(), "[9, ]");
        for length in 0..array.len() {
            assert_eq!(read(1007, true, &array[..length]).unwrap_err().code, "22P03");
        }
        for oid in [16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950, 3802] {
            for bytes in [&[][..], &[0xFF; 3], &[0xFF; 40]] {
                assert_eq!(read(oid, true, bytes).unwrap_err().code, "22P03", "{oid}");
            }
        }
        assert!(read(1184, true, &i64::MAX.to_be_bytes()).is_err());
    }
}
