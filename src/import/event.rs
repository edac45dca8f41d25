//! From a row to the JSON of its events.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::mapping::{EventRule, Mapping, Member, On, Taken, Value};
use super::row::{Row, RowView};
use super::tally::Tally;
use super::time_rule;
use super::vocabulary::{self, ValueType};
use crate::error::Result;
use crate::input::piece::MadeLine;

/// Takes each event, with the record that it was made from; an error ends the import. Rows are read no faster than it returns.
pub type Emit<'e> = &'e mut dyn FnMut(MadeLine) -> Result<()>;

/// What is known of the case of a row while its rows are read.
#[derive(Default)]
pub(super) struct CaseState {
    /// For each event that waits for a change, the value of the row before.
    pub(super) before: Vec<Option<String>>,
    /// The row is the first of its case.
    pub(super) first: bool,
    /// How many records equal to this one came before it, where the mapping has no key.
    pub(super) copies: u64,
}

/// Writes the events of rows and counts what they leave out.
pub(super) struct EventWriter<'m> {
    mapping: &'m Mapping,
    pub(super) files: Vec<Arc<str>>,
}

/// Why a value is missing: the text under which it is counted.
struct Missing(String);

type Found<T> = std::result::Result<T, Missing>;

impl<'m> EventWriter<'m> {
    pub(super) fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, files: Vec::new() }
    }

    /// The event that states the mapping's grace period, in force from the first instant on.
    pub(super) fn grace(&self, tally: &mut Tally, emit: Emit<'_>) -> Result<()> {
        let grace = &self.mapping.grace;
        let data = format!(r#"{{"grace_period":"{}"}}"#, grace.period);
        let envelope =
            Envelope { id: "grace_period", kind: "settings.updated", subject: "settings", time_ms: 0, sequence: 0 };
        let json = envelope.json(&self.mapping.source, data.as_bytes());
        tally.events_emitted += 1;
        emit(MadeLine { json, file: self.mapping.file.clone(), line: grace.line as u64, offset: grace.offset as u64 })
    }

    /// Every event that one row becomes.
    pub(super) fn row(
        &self,
        case: &str,
        row: &Row<'_>,
        first_row: &[String],
        state: &mut CaseState,
        tally: &mut Tally,
        emit: Emit<'_>,
    ) -> Result<()> {
        let view = RowView { row: &row.cells, first: first_row };
        for (number, rule) in self.mapping.events.iter().enumerate() {
            if !is_due(rule, number, view, state) || !rule.when.iter().all(|condition| view.meets(condition)) {
                continue;
            }
            match self.event(rule, case, row, view, state.copies, tally) {
                Ok(line) => {
                    tally.events_emitted += 1;
                    emit(line)?;
                }
                Err(Missing(reason)) => tally.miss(format!("{}: {reason}", rule.name)),
            }
        }
        Ok(())
    }

    fn event(
        &self,
        rule: &EventRule,
        case: &str,
        row: &Row<'_>,
        view: RowView<'_>,
        copies: u64,
        tally: &mut Tally,
    ) -> Found<MadeLine> {
        let data = self.data(rule, view, tally)?;
        let envelope = Envelope {
            id: &self.id(rule, row, copies),
            kind: rule.kind.name(),
            subject: &self.subject(rule, case, view)?,
            time_ms: self.time_ms(rule, row, view)?,
            sequence: row.sequence,
        };
        let file = self.files.get(row.place.file as usize).cloned().unwrap_or_default();
        Ok(MadeLine {
            json: envelope.json(&self.mapping.source, &data),
            file,
            line: row.place.line,
            offset: row.place.offset,
        })
    }

    fn subject<'a>(&self, rule: &EventRule, case: &'a str, view: RowView<'_>) -> Found<Cow<'a, str>> {
        match rule.subject.as_ref().map(|value| self.value(value, view)).transpose()? {
            None => Ok(Cow::Borrowed(case)),
            Some(Some(Json::String(text))) => Ok(Cow::Owned(text)),
            Some(Some(other)) => Ok(Cow::Owned(other.to_string())),
            Some(None) => Err(Missing("the subject is empty".to_owned())),
        }
    }

    fn time_ms(&self, rule: &EventRule, row: &Row<'_>, view: RowView<'_>) -> Found<i64> {
        let Some(time) = &rule.time else { return Ok(row.time_ms) };
        match view.text(&time.cell) {
            text if text.is_empty() => Err(Missing(format!("`{}` is empty", self.column(time.cell.column)))),
            text => {
                time.read_ms(&text).map_err(|reason| Missing(format!("`{}`: {reason}", self.column(time.cell.column))))
            }
        }
    }

    /// The `data` object. A missing required member leaves the event out; a missing optional one is left out, and is counted unless its
    /// cell was empty.
    fn data(&self, rule: &EventRule, view: RowView<'_>, tally: &mut Tally) -> Found<Vec<u8>> {
        let (mut data, mut fields) = (Vec::new(), Vec::new());
        for member in &rule.members {
            match self.value(&member.value, view) {
                Ok(Some(json)) => push(if member.of_fields { &mut fields } else { &mut data }, &member.name, &json),
                Ok(None) if member.required => return Err(Missing(format!("`{}` is empty", self.origin(member)))),
                Ok(None) => {}
                Err(missing) if member.required => return Err(missing),
                Err(Missing(reason)) => tally.miss(format!("{}, member `{}`: {reason}", rule.name, member.name)),
            }
        }
        if !fields.is_empty() {
            fields.push(b'}');
            push_raw(&mut data, "fields", &fields);
        }
        data.push(if data.is_empty() { b'{' } else { b'}' });
        if data == b"{" {
            data.push(b'}');
        }
        Ok(data)
    }

    fn value(&self, value: &Value, view: RowView<'_>) -> Found<Option<Json>> {
        match value {
            Value::Constant(json) => Ok(Some(json.clone())),
            Value::Taken(taken) => match looked_up(taken, view) {
                Ok(None) => Ok(None),
                Ok(Some(text)) => typed(&taken.value_type, &text).map(Some).ok_or_else(|| {
                    let column = self.column(taken.cell.column);
                    Missing(format!("`{column}` = `{}` is not {}", shortened(&text), taken.value_type.expected()))
                }),
                Err(text) => Err(Missing(format!(
                    "`{}` = `{}` is not in the map",
                    self.column(taken.cell.column),
                    shortened(&text)
                ))),
            },
        }
    }

    /// `key:name`, where the key is the row's own or, without one, a hash of the record and its number among equal records.
    fn id(&self, rule: &EventRule, row: &Row<'_>, copies: u64) -> String {
        let key = match self.mapping.key.as_slice() {
            [] if copies == 0 => format!("~{:032x}", row.hash),
            [] => format!("~{:032x}~{}", row.hash, copies + 1),
            columns => joined(columns.iter().map(|column| row.cells.get(*column).copied().unwrap_or_default())),
        };
        format!("{key}:{}", rule.name)
    }

    fn origin<'a>(&'a self, member: &'a Member) -> &'a str {
        member.value.cell().map_or(member.name.as_str(), |cell| self.column(cell.column))
    }

    fn column(&self, column: usize) -> &str {
        self.mapping.columns.get(column).map_or("", |column| column.name.as_str())
    }
}

/// Whether the event is due at this row. A value is remembered on every row, also where a condition of the event does not hold: a change
/// is a difference from the row before, not from the event before.
fn is_due(rule: &EventRule, number: usize, view: RowView<'_>, state: &mut CaseState) -> bool {
    match &rule.on {
        On::First => state.first,
        On::Row => true,
        On::Change(value) => {
            let now = watched(value, view);
            match state.before.get_mut(number) {
                Some(before) if *before != now => {
                    *before = now;
                    true
                }
                _ => false,
            }
        }
    }
}

/// The text whose change is noticed: mapped; absent where the cell is empty or the map lacks it.
fn watched(value: &Value, view: RowView<'_>) -> Option<String> {
    match value {
        Value::Constant(_) => None,
        Value::Taken(taken) => looked_up(taken, view).ok().flatten().map(Cow::into_owned),
    }
}

/// The text of a cell after map and default; the text itself as the error when the map lacks it.
fn looked_up<'a>(taken: &'a Taken, view: RowView<'a>) -> std::result::Result<Option<Cow<'a, str>>, Cow<'a, str>> {
    let text = view.text(&taken.cell);
    let default = || taken.default.as_deref().map(Cow::Borrowed);
    match &taken.map {
        Some(map) => match map.get(text.as_ref()) {
            Some(mapped) => Ok(Some(Cow::Borrowed(mapped))),
            None if text.is_empty() => Ok(default()),
            None => default().map(Some).ok_or(text),
        },
        None if text.is_empty() => Ok(default()),
        None => Ok(Some(text)),
    }
}

fn typed(value_type: &ValueType, text: &str) -> Option<Json> {
    match value_type {
        ValueType::Text => Some(Json::from(text)),
        ValueType::Integer => text.parse::<i64>().ok().map(Json::from),
        ValueType::Boolean => vocabulary::boolean(text).map(Json::from),
        ValueType::List(separator) => Some(
            text.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect(),
        ),
    }
}

/// The parts with `/` between them. `/`, `%`, and the `~` that marks a hash are escaped, so that different parts never give the same
/// text. A key too long for an id is hashed.
fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let escaped = parts
        .map(|part| part.replace('%', "%25").replace('/', "%2F").replace('~', "%7E"))
        .collect::<Vec<_>>()
        .join("/");
    if escaped.len() <= 160 { escaped } else { format!("~{:032x}", xxhash_rust::xxh3::xxh3_128(escaped.as_bytes())) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Appends a member to an object that is not yet closed.
fn push(object: &mut Vec<u8>, name: &str, json: &Json) {
    push_raw(object, name, json.to_string().as_bytes());
}

fn push_raw(object: &mut Vec<u8>, name: &str, json: &[u8]) {
    object.push(if object.is_empty() { b'{' } else { b',' });
    object.extend_from_slice(Json::from(name).to_string().as_bytes());
    object.push(b':');
    object.extend_from_slice(json);
}

/// The attributes of an event besides its source and data.
struct Envelope<'a> {
    id: &'a str,
    kind: &'a str,
    subject: &'a str,
    time_ms: i64,
    sequence: i64,
}

impl Envelope<'_> {
    fn json(&self, source: &str, data: &[u8]) -> Vec<u8> {
        let mut line = Vec::with_capacity(192 + data.len());
        push_raw(&mut line, "specversion", b"\"1.0\"");
        push(&mut line, "id", &Json::from(self.id));
        push(&mut line, "source", &Json::from(source));
        push(&mut line, "type", &Json::from(self.kind));
        push(&mut line, "subject", &Json::from(self.subject));
        push(&mut line, "time", &Json::from(time_rule::written(self.time_ms)));
        if self.sequence != 0 {
            push(&mut line, "sequence", &Json::from(self.sequence));
        }
        push_raw(&mut line, "data", data);
        line.push(b'}');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn different_keys_never_give_one_id() {
        assert_eq!(joined(["a/b", "c"].into_iter()), "a%2Fb/c");
        assert_eq!(joined(["a", "b/c"].into_iter()), "a/b%2Fc");
        assert_eq!(joined(["a%2Fb"].into_iter()), "a%252Fb");
        assert_eq!(joined(["x".repeat(300).as_str()].into_iter()).len(), 33);
    }
}
