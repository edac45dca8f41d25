//! OCEL in JSON: one object with the members `objectTypes`, `eventTypes`, `objects` and `events`, in any order.

use std::io::Read;

use serde_json::Value as Json;

use super::super::super::row::RowResult;
use super::super::elements::{self, ElementEnd, Wanted};
use super::super::values::text_of;
use super::item::{Entry, Item, Of, Part, Related, TakeEntry, Value};
use crate::error::{Error, Result};

const OBJECTS: [&str; 3] = ["objectTypes", "eventTypes", "objects"];
const EVENTS: [&str; 1] = ["events"];

/// Gives what a part of a log has. Returns the bytes read.
///
/// # Errors
/// What is no JSON, a log without one of the arrays, and any error of `take`.
pub(super) fn read(file: &str, input: impl Read, part: Part, take: TakeEntry<'_>) -> Result<u64> {
    let names: &[&str] = match part {
        Part::Objects => &OBJECTS,
        Part::Events => &EVENTS,
    };
    let wanted = Wanted::new(names.iter().map(|name| vec![*name]).collect());
    let bytes = elements::each(file, input, &wanted, &mut |number, value, ElementEnd { line, offset }| match names
        .get(number)
        .copied()
        .unwrap_or_default()
    {
        "objectTypes" => attributes_of_type(Of::Object, value, (line, offset), take),
        "eventTypes" => attributes_of_type(Of::Event, value, (line, offset), take),
        _ => take(Entry::Item(item(part.of(), value)), (line, offset)),
    })?;
    let absent = (0..).zip(names).find(|(number, _)| !wanted.has_reached(*number));
    absent.map_or(Ok(bytes), |(_, name)| {
        let message =
            format!("the log has no array `{name}`, expected it beside `objects` and `events`, as OCEL 2.0 has it");
        Err(Error::invalid(file, message))
    })
}

fn attributes_of_type(of: Of, value: &Json, place: (u64, u64), take: TakeEntry<'_>) -> Result<()> {
    let text = |value: &Json, name: &str| value.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let kind = text(value, "name");
    for attribute in value.get("attributes").and_then(Json::as_array).into_iter().flatten() {
        let (name, value_type) = (text(attribute, "name"), text(attribute, "type"));
        take(Entry::Attribute { of, kind: &kind, name: &name, value_type: &value_type }, place)?;
    }
    Ok(())
}

/// An event or an object, with the first thing that is wrong with it.
fn item(of: Of, value: &Json) -> Item {
    let mut item = Item::default();
    if !value.is_object() {
        item.fail(format!("found {}, expected an object of JSON", shown(value)));
        return item;
    }
    for (name, into) in [("id", 0), ("type", 1), ("time", 2)] {
        match (value.get(name), into) {
            (None | Some(Json::Null), _) => {}
            (Some(Json::String(text)), 0) => item.id.clone_from(text),
            (Some(Json::String(text)), 1) => item.kind.clone_from(text),
            (Some(Json::String(text)), _) => item.time = (of == Of::Event).then(|| text.clone()),
            (Some(other), _) => item.fail(format!("`{name}`: found {}, expected a text", shown(other))),
        }
    }
    for attribute in elements_of(value, "attributes", &mut item) {
        match value_of(of, attribute) {
            Ok(value) => item.values.push(value),
            Err(reason) => item.fail(format!("`attributes`: {reason}")),
        }
    }
    for related in elements_of(value, "relationships", &mut item) {
        match related_of(related) {
            Ok(related) => item.related.push(related),
            Err(reason) => item.fail(format!("`relationships`: {reason}")),
        }
    }
    item
}

fn elements_of<'v>(value: &'v Json, name: &str, item: &mut Item) -> &'v [Json] {
    match value.get(name) {
        None | Some(Json::Null) => &[],
        Some(Json::Array(elements)) => elements,
        Some(other) => {
            item.fail(format!("`{name}`: found {}, expected an array", shown(other)));
            &[]
        }
    }
}

fn value_of(of: Of, value: &Json) -> RowResult<Value> {
    let name = text_member(value, "name")?;
    let text = match value.get("value") {
        None | Some(Json::Null) => None,
        Some(found @ (Json::Array(_) | Json::Object(_))) => {
            return Err(format!("`{name}`: found {}, expected a text, a number, `true` or `false`", shown(found)));
        }
        Some(found) => Some(text_of(found)),
    };
    let time = match value.get("time").filter(|_| of == Of::Object) {
        None | Some(Json::Null) => None,
        Some(_) => Some(text_member(value, "time")?),
    };
    Ok(Value { name, time, text })
}

fn related_of(value: &Json) -> RowResult<Related> {
    let qualifier = match value.get("qualifier") {
        None | Some(Json::Null) => String::new(),
        Some(_) => text_member(value, "qualifier")?,
    };
    Ok(Related { id: text_member(value, "objectId")?, qualifier })
}

fn text_member(value: &Json, name: &str) -> RowResult<String> {
    match value.get(name) {
        Some(Json::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("`{name}`: found {}, expected a text", shown(other))),
        None => Err(format!("found {} without `{name}`", shown(value))),
    }
}

/// A value in messages, shortened.
fn shown(value: &Json) -> String {
    format!("`{}`", crate::spelling::shortened(&value.to_string(), 60))
}
