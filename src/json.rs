//! JSON values as the log compares them.
//!
//! An event's `data` is read once, borrowing from the line, into a [`Json`]; validation looks members up in it and
//! identity takes a fingerprint of it. Two values that are equal "as JSON values" (objects without regard to member
//! order, numbers by value) have the same fingerprint, whatever their spelling.

pub mod plain;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_128;

/// A JSON value that borrows from the text it was read from where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Flag(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// Members in the order they were written; of a repeated name the last counts.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A number: whole where its value is whole (`2`, `2.0` and `2e0` are one number), else a double.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    fn from_float(value: f64) -> Number {
        // A whole double of this size converts exactly; larger ones stay doubles, and nothing else is as large.
        if value.fract() == 0.0 && value.abs() < 1.7e38 { Number::Whole(value as i128) } else { Number::Float(value) }
    }

    /// The number as a double, for scores and the like.
    #[must_use]
    pub fn to_float(self) -> f64 {
        match self {
            Number::Whole(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

impl<'a> Json<'a> {
    /// Reads one JSON value.
    ///
    /// # Errors
    /// What `serde_json` reports of text that is not one JSON value.
    pub fn parse(text: &'a str) -> Result<Json<'a>, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The member of that name; none where it is absent or null, or where this is not an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.get_or_null(name).filter(|value| !matches!(value, Json::Null))
    }

    /// The member of that name, null included, for members that null clears.
    #[must_use]
    pub fn get_or_null(&self, name: &str) -> Option<&Json<'a>> {
        self.members().iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[(Cow<'a, str>, Json<'a>)] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    /// The text of a text value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a flag.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Json::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Json<'a>]> {
        match self {
            Json::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a whole number that fits 64 bits.
    #[must_use]
    pub fn as_whole(&self) -> Option<i64> {
        match self {
            Json::Number(Number::Whole(value)) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The kind of value, for error texts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Flag(_) => "a flag",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Writing plain values to a string cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Appends an unambiguous spelling that is the same for equal values.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.push(b'n'),
            Json::Flag(flag) => out.push(if *flag { b't' } else { b'f' }),
            Json::Number(Number::Whole(value)) => {
                out.push(b'i');
                out.extend_from_slice(&value.to_le_bytes());
            }
            Json::Number(Number::Float(value)) => {
                out.push(b'd');
                out.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push(b'[');
                items.iter().for_each(|item| item.write_canonical(out));
                out.push(b']');
            }
            Json::Object(members) => write_object(members, out),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b's');
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_object(members: &[(Cow<'_, str>, Json<'_>)], out: &mut Vec<u8>) {
    let mut sorted: Vec<_> = members.iter().collect();
    // Stable, so that of a repeated name the last one written stays last.
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    out.push(b'{');
    for (position, (name, value)) in sorted.iter().enumerate() {
        let repeated = sorted.get(position + 1).is_some_and(|next| next.0 == *name);
        if !repeated {
            write_text(name, out);
            value.write_canonical(out);
        }
    }
    out.push(b'}');
}

/// A 128-bit fingerprint; two different inputs with the same one do not occur by chance.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Flag(flag) => serializer.serialize_bool(*flag),
            Json::Number(Number::Whole(value)) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_i128(*value),
            },
            Json::Number(Number::Float(value)) => serializer.serialize_f64(*value),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(items) => serializer.collect_seq(items),
            Json::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Text(text) => Ok(Name(text)),
            other => Err(serde::de::Error::custom(format!("expected a member's name, found {}", other.kind()))),
        }
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(Number::Whole(i128::from(value))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(Number::Whole(i128::from(value))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Number(Number::from_float(value)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some((Name(name), value)) = access.next_entry()? {
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> u128 {
        let mut bytes = Vec::new();
        Json::parse(text).unwrap().write_canonical(&mut bytes);
        fingerprint(&bytes)
    }

    #[test]
    fn equal_values_have_equal_fingerprints() {
        assert_eq!(mark(r#"{"a":1,"b":[true,null]}"#), mark(r#"{ "b": [true, null], "a": 1.0 }"#));
        assert_eq!(mark(r#"{"a":2,"a":1}"#), mark(r#"{"a":1}"#));
        assert_eq!(mark("1e19"), mark("10000000000000000000"));
        assert_eq!(mark(r#""\u0061""#), mark(r#""a""#));
    }

    #[test]
    fn different_values_have_different_fingerprints() {
        let texts = ["1", "1.5", "\"1\"", "true", "null", "[1]", "[[1]]", "{\"1\":null}", "{}", "[]", "[1,null]"];
        let marks: std::collections::BTreeSet<_> = texts.iter().map(|text| mark(text)).collect();
        assert_eq!(marks.len(), texts.len());
    }
}
