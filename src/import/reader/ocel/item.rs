//! Events and objects as every format of OCEL has them, and the texts of their values.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::super::super::row::RowResult;
use crate::error::Result;

/// Whether something is about events or about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Of {
    Event,
    Object,
}

impl Of {
    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Of::Event => "event",
            Of::Object => "object",
        }
    }
}

/// What is read of a log: first the types and the objects, which events name, then the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Objects,
    Events,
}

impl Part {
    /// Whose items it has.
    pub(super) fn of(self) -> Of {
        match self {
            Part::Objects => Of::Object,
            Part::Events => Of::Event,
        }
    }
}

/// An event or an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: String,
    /// Of an event, as it is written.
    pub(super) time: Option<String>,
    pub(super) values: Vec<Value>,
    pub(super) related: Vec<Related>,
    /// Why it cannot be read.
    pub(super) problem: Option<String>,
}

/// The value of an attribute.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) name: String,
    /// Of an object, since when it has the value, as it is written; absent: from the beginning.
    pub(super) time: Option<String>,
    /// Absent where the attribute has no value.
    pub(super) text: Option<String>,
}

/// An object to which an event or an object is related.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Related {
    pub(super) id: String,
    pub(super) qualifier: String,
}

impl Item {
    /// Notes why it cannot be read, unless a reason is known.
    pub(super) fn fail(&mut self, reason: String) {
        self.problem.get_or_insert(reason);
    }

    /// As OCEL has it in JSON.
    pub(super) fn json(&self) -> Json {
        let values =
            self.values.iter().map(|value| json!({"name": value.name, "time": value.time, "value": value.text}));
        let values: Vec<Json> = values.collect();
        json!({"id": self.id, "type": self.kind, "attributes": values})
    }
}

/// What a log has, piece by piece.
pub(super) enum Entry<'e> {
    /// An attribute that a type declares.
    Attribute {
        of: Of,
        kind: &'e str,
        name: &'e str,
        value_type: &'e str,
    },
    Item(Item),
    /// A relation of an object that came before.
    Related {
        object: &'e str,
        related: Related,
    },
}

/// Takes an entry with the line and the byte at which it is.
pub(super) type TakeEntry<'t> = &'t mut dyn FnMut(Entry<'_>, (u64, u64)) -> Result<()>;

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Text,
    Integer,
    Float,
    Boolean,
    Time,
}

impl ValueType {
    /// By its name in OCEL or in SQLite; what has another name is text.
    fn named(name: &str) -> ValueType {
        match name.trim().to_ascii_lowercase().as_str() {
            "integer" | "int" => ValueType::Integer,
            "float" | "real" | "double" => ValueType::Float,
            "boolean" | "bool" => ValueType::Boolean,
            "time" | "date" | "timestamp" | "datetime" => ValueType::Time,
            _ => ValueType::Text,
        }
    }

    /// The one text of a value, however a format writes it.
    fn text(self, written: &str) -> Option<String> {
        let trimmed = written.trim();
        match self {
            ValueType::Text => Some(written.to_owned()),
            _ if trimmed.is_empty() => Some(String::new()),
            ValueType::Integer => match trimmed.parse::<i64>() {
                Ok(number) => Some(number.to_string()),
                Err(_) => float(trimmed).filter(|number| number.fract() == 0.0).map(|number| number.to_string()),
            },
            ValueType::Float => float(trimmed).map(|number| number.to_string()),
            ValueType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "1" => Some("true".to_owned()),
                "false" | "0" => Some("false".to_owned()),
                _ => None,
            },
            ValueType::Time => instant(trimmed).ok().map(|time| time.to_string()),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            ValueType::Text => "a text",
            ValueType::Integer => "an integer",
            ValueType::Float => "a number",
            ValueType::Boolean => "`true` or `false`",
            ValueType::Time => "a time such as 2026-03-02T09:14:05Z",
        }
    }
}

fn float(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The types that the types of events and objects declare for their attributes.
#[derive(Debug, Default)]
pub(super) struct Types {
    declared: HashMap<(Of, String), HashMap<String, ValueType>>,
}

impl Types {
    pub(super) fn declare(&mut self, of: Of, kind: &str, name: &str, value_type: &str) {
        let attributes = self.declared.entry((of, kind.to_owned())).or_default();
        attributes.insert(name.to_owned(), ValueType::named(value_type));
    }

    /// The one text of a value, however a format writes it.
    ///
    /// # Errors
    /// In words, that it is none of the declared type.
    pub(super) fn text(&self, of: Of, kind: &str, name: &str, written: &str) -> RowResult<String> {
        let attributes = self.declared.get(&(of, kind.to_owned()));
        let declared = attributes.and_then(|attributes| attributes.get(name)).copied().unwrap_or(ValueType::Text);
        declared.text(written).ok_or_else(|| {
            format!("attribute `{name}`: found `{written}`, expected {}, as its type declares it", declared.expected())
        })
    }
}

/// Reads a time. One without an offset is of UTC.
///
/// # Errors
/// In words, what was found.
pub(super) fn instant(text: &str) -> RowResult<Timestamp> {
    let text = text.trim();
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text.parse::<Timestamp>().ok().or_else(local);
    time.ok_or_else(|| format!("found `{text}`, expected a time such as 2026-03-02T09:14:05.120Z"))
}
