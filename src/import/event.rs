//! From a row to the JSON of its events.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::cell::Cell;
use super::instants::{self, Bounds, Dated};
use super::known::Known;
use super::mapping::{EventRule, Mapping, Member, On, OrderKey, Taken, Value};
use super::path;
use super::record::RecordRow;
use super::route::{Conversation, KnownCases, RoutedEvent};
use super::row::{Belongs, Place, Row, RowResult};
use super::tally::{Missing, Tally, count};
use super::time_rule::{self, TimeReading};
use super::view::RowView;
use super::vocabulary::{self, ValueType};
use crate::error::Result;
use crate::input::piece::{MadeLine, Quarantined};
use crate::model::event::{EventType, Status};
use crate::spelling::shortened;

/// The longest value that is counted whole.
const VALUE_CHARACTERS: usize = 60;

/// What an import makes of its inputs.
#[derive(Debug)]
pub enum Output {
    /// An event, with the record that it was made from.
    Event(MadeLine),
    /// A row that cannot be read.
    SetAside(Quarantined),
    /// One of the first rows that no filter leaves out, of an import that is only looked at.
    Row(ReadRow),
}

/// A row as the mapping reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRow {
    /// The input.
    pub file: Arc<str>,
    /// Line on which its record begins.
    pub line: u64,
    /// Byte offset at which its record begins.
    pub offset: u64,
    /// The number of the element within its record, from 1; absent in a row that is no element of an `each`.
    pub element: Option<u64>,
    /// The name and the text of each cell.
    pub cells: Vec<(String, String)>,
}

/// Takes what an import makes; an error ends the import. Rows are read no faster than it returns.
pub type Emit<'e> = &'e mut dyn FnMut(Output) -> Result<()>;

/// What is known of the case of a row while its rows are read.
#[derive(Default)]
pub(super) struct CaseState {
    /// For each event that waits for a change, the value of the row before.
    pub(super) before: Vec<Option<String>>,
    /// For each event that a case has once, whether a row has met its conditions.
    pub(super) met: Vec<bool>,
    /// The row is the first of its case.
    pub(super) first: bool,
    /// How many records equal to this one came before it, where the mapping has no key.
    pub(super) copies: u64,
    /// How many rows of the case with the same time came before it, and that time.
    pub(super) rank: u64,
    pub(super) rank_ms: Option<i64>,
    /// The rows come in an order that the mapping knows without their times.
    pub(super) is_chain: bool,
    /// The instants that the case's next events cannot be before.
    pub(super) bounds: Bounds,
    /// The events of the row, where messages are routed.
    pub(super) happened: Vec<RoutedEvent>,
}

/// Writes the events of rows and counts what they leave out.
pub(super) struct EventWriter<'m> {
    pub(super) mapping: &'m Mapping,
    known: &'m Known,
    pub(super) files: Vec<Arc<str>>,
    /// How many of the first rows are emitted beside their events.
    pub(super) rows_shown: u64,
}

/// An event whose instant may still be one of two.
struct Draft<'m> {
    rule: &'m EventRule,
    subject: String,
    data: Vec<u8>,
    moment: TimeReading,
    time_ms: i64,
    sequence: i64,
}

impl Draft<'_> {
    fn routed(&self) -> RoutedEvent {
        #[derive(serde::Deserialize)]
        struct Stated {
            status: Option<String>,
        }
        let stated = serde_json::from_slice(&self.data).ok().and_then(|Stated { status }| status);
        let status = stated.as_deref().and_then(Status::parse);
        RoutedEvent { kind: self.rule.kind, time_ms: self.time_ms, status }
    }
}

impl Dated for Draft<'_> {
    fn moment(&self) -> TimeReading {
        self.moment
    }

    fn begins_case(&self) -> bool {
        self.rule.kind == EventType::CaseCreated
    }

    fn is_of_case(&self) -> bool {
        self.rule.kind.is_about_a_case()
    }

    fn settle(&mut self, time_ms: i64) {
        self.time_ms = time_ms;
    }
}

type Found<T> = std::result::Result<T, Missing>;

impl<'m> EventWriter<'m> {
    pub(super) fn new(mapping: &'m Mapping, known: &'m Known) -> Self {
        Self { mapping, known, files: Vec::new(), rows_shown: 0 }
    }

    /// The event that states the grace period of cases of the mapping's source, in force from the first instant on.
    pub(super) fn grace(&self, emit: Emit<'_>) -> Result<()> {
        let grace = &self.mapping.grace;
        let data = serde_json::json!({"grace_periods": {&self.mapping.source: &grace.period}}).to_string();
        let envelope =
            Envelope { id: "grace_period", kind: "settings.updated", subject: "settings", time_ms: 0, sequence: 0 };
        let json = envelope.json(&self.mapping.source, data.as_bytes());
        let (line, offset) = (grace.line as u64, grace.offset as u64);
        emit(Output::Event(MadeLine { json, file: self.mapping.file.clone(), line, offset }))
    }

    pub(super) fn known_cases(&self) -> &'m KnownCases {
        &self.known.cases
    }

    /// Where the row belongs. A row that names no case or, where messages are routed, no customer, is malformed.
    pub(super) fn belongs<'a>(&self, cells: &'a [&'a str]) -> RowResult<Belongs<'a>> {
        let belongs = self.mapping.belongs(cells)?;
        if !self.mapping.routes() {
            return Ok(belongs);
        }
        let of_creation = |name: &str| {
            let value = self.mapping.at_creation(name).map(|value| self.value(value, RowView::of(cells)));
            let found = value.transpose().map_err(|missing| missing.reason)?.flatten();
            Ok::<_, String>(found.map(|json| path::text(&json).into_owned()))
        };
        let customer = of_creation("customer")?.ok_or("the row has no customer, by whom messages are routed")?;
        let conversation = Conversation::new(&customer, of_creation("profile")?.as_deref());
        Ok(Belongs { parent: Some(Cow::Owned(conversation.key())), ..belongs })
    }

    /// Whether the row is a message of a customer.
    pub(super) fn is_received(&self, row: &Row<'_>) -> bool {
        let view = RowView::of(&row.cells);
        let rules = self.mapping.events.iter().filter(|rule| rule.level == row.level);
        let mut received = rules.filter(|rule| rule.kind == EventType::MessageReceived);
        received.any(|rule| rule.when.iter().all(|condition| condition.holds(view)))
    }

    /// The cells of a row, without those of other elements.
    pub(super) fn shown(&self, row: &RecordRow<'_>, place: Place) -> ReadRow {
        let columns = self.mapping.columns.iter().zip(&row.cells).filter(|(column, _)| column.level == row.level);
        let cells = columns.map(|(column, text)| (column.shown(), (*text).to_owned()));
        let file = self.files.get(place.file as usize).cloned().unwrap_or_default();
        let element = (row.level > 0).then_some(row.index + 1);
        ReadRow { file, line: place.line, offset: place.offset, element, cells: cells.collect() }
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
        let mut drafts = Vec::new();
        for (number, rule) in self.mapping.events.iter().enumerate().filter(|(_, rule)| rule.level == row.level) {
            if !self.is_due(rule, number, view, state) || !rule.when.iter().all(|condition| condition.holds(view)) {
                continue;
            }
            state.met.get_mut(number).into_iter().for_each(|met| *met = true);
            match self.draft(rule, case, row, view, state, tally) {
                Ok(draft) => drafts.push(draft),
                // Of a first snapshot nothing is known before: an empty cell is no change that is left out.
                Err(missing) if missing.is_empty && self.mapping.snapshots && is_unknown_before(rule, state) => {}
                Err(missing) => tally.miss(&rule.name, None, missing),
            }
        }
        let settled = instants::settle(&mut drafts, &mut state.bounds, state.is_chain);
        tally.times_settled += settled.settled;
        tally.times_ambiguous += settled.ambiguous;
        tally.times_skipped += settled.skipped;
        for draft in drafts {
            let id = self.id(&draft, case, row, state.copies);
            // Of several snapshots the first states how a case began.
            if self.mapping.snapshots && draft.rule.on.is_once_per_case() && self.known.has(&id) {
                tally.events_known += 1;
                continue;
            }
            count(&mut tally.events, &draft.rule.name);
            if self.mapping.routes() && RoutedEvent::TYPES.contains(&draft.rule.kind) {
                state.happened.push(draft.routed());
            }
            emit(Output::Event(self.line(&draft, &id, row)))?;
        }
        Ok(())
    }

    fn draft(
        &self,
        rule: &'m EventRule,
        case: &str,
        row: &Row<'_>,
        view: RowView<'_>,
        state: &CaseState,
        tally: &mut Tally,
    ) -> Found<Draft<'m>> {
        let data = self.data(rule, view, tally)?;
        let moment = self.moment(rule, row, view)?;
        let subject = self.subject(rule, case, view)?.into_owned();
        let sequence = self.sequence(rule, row, state)?;
        Ok(Draft { rule, subject, data, moment, time_ms: moment.ms, sequence })
    }

    fn line(&self, draft: &Draft<'_>, id: &str, row: &Row<'_>) -> MadeLine {
        let envelope = Envelope {
            id,
            kind: draft.rule.kind.name(),
            subject: &draft.subject,
            time_ms: draft.time_ms,
            sequence: draft.sequence,
        };
        let file = self.files.get(row.place.file as usize).cloned().unwrap_or_default();
        let json = envelope.json(&self.mapping.source, &draft.data);
        MadeLine { json, file, line: row.place.line, offset: row.place.offset }
    }

    /// The order among events of one instant: as the mapping states it, else that of the rows where it is known.
    fn sequence(&self, rule: &EventRule, row: &Row<'_>, state: &CaseState) -> Found<i64> {
        if let Some(cell) = &rule.sequence {
            let read = self.mapping.integer(cell, &row.cells);
            return read.map(|number| number.unwrap_or(0)).map_err(|reason| Missing { reason, ..Missing::default() });
        }
        if row.level == 0 && self.mapping.sequence_cell().is_some() {
            return Ok(row.sequence);
        }
        let by_text = self.mapping.order.iter().any(|key| matches!(key, OrderKey::Text(_)));
        let number = if row.level == 0 && by_text { state.rank } else { row.index };
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn subject<'a>(&self, rule: &EventRule, case: &'a str, view: RowView<'_>) -> Found<Cow<'a, str>> {
        match rule.subject.as_ref().map(|value| self.value(value, view)).transpose()? {
            None => Ok(Cow::Borrowed(case)),
            Some(Some(Json::String(text))) => Ok(Cow::Owned(text)),
            Some(Some(other)) => Ok(Cow::Owned(other.to_string())),
            Some(None) => Err(empty("the subject")),
        }
    }

    fn moment(&self, rule: &EventRule, row: &Row<'_>, view: RowView<'_>) -> Found<TimeReading> {
        let Some(time) = &rule.time else { return Ok(row.time) };
        match time.read(view) {
            Ok(Some(moment)) => Ok(moment),
            Ok(None) => Err(empty(&format!("`{}`", self.mapping.cell_name(time.empty_cell(view))))),
            Err((text, reason)) => Err(Missing {
                reason: format!("`{}`: {reason}", self.mapping.cell_name(&time.cell)),
                value: Some(shortened(&text, VALUE_CHARACTERS)),
                unreadable: true,
                ..Missing::default()
            }),
        }
    }

    /// The `data` object. A missing required member leaves the event out; a missing optional one is left out, and is counted unless its
    /// cell was empty.
    fn data(&self, rule: &EventRule, view: RowView<'_>, tally: &mut Tally) -> Found<Vec<u8>> {
        let (mut data, mut fields) = (Vec::new(), Vec::new());
        for member in &rule.members {
            match self.value(&member.value, view) {
                Ok(Some(json)) => push(if member.of_fields { &mut fields } else { &mut data }, &member.name, &json),
                Ok(None) if member.clears => push(&mut data, &member.name, &Json::Null),
                Ok(None) if member.required => return Err(empty(&format!("`{}`", self.origin(member)))),
                Ok(None) => {}
                Err(missing) if member.required => return Err(missing),
                Err(missing) => tally.miss(&rule.name, Some(&member.name), missing),
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
                Looked::Empty => Ok(None),
                Looked::Default(default) => self.value(default, view),
                Looked::Text(text) => typed(&taken.value_type, &text).map(Some).ok_or_else(|| Missing {
                    reason: format!("`{}` is not {}", self.name(&taken.cell), taken.value_type.expected()),
                    value: Some(shortened(&text, VALUE_CHARACTERS)),
                    unreadable: true,
                    ..Missing::default()
                }),
                Looked::Unknown(text) => Err(Missing {
                    reason: format!("`{}` is not in the map", self.name(&taken.cell)),
                    value: Some(shortened(&text, VALUE_CHARACTERS)),
                    ..Missing::default()
                }),
            },
        }
    }

    /// `key:name`, where the key is that of the event, of the case or of the row or, without one, a hash of the record and its number among
    /// equal records.
    fn id(&self, draft: &Draft<'_>, case: &str, row: &Row<'_>, copies: u64) -> String {
        let rule = draft.rule;
        let view = RowView::of(&row.cells);
        let mut parts: Vec<Cow<'_, str>> = if !rule.key.is_empty() {
            rule.key.iter().map(|cell| view.text(cell)).collect()
        } else if matches!(rule.on, On::Once) || self.mapping.snapshots && matches!(rule.on, On::First) {
            vec![Cow::Borrowed(case)]
        } else if self.mapping.key.is_empty() {
            let copy = if copies == 0 { String::new() } else { format!("~{}", copies + 1) };
            return format!("~{:032x}{copy}:{}", row.hash, rule.name);
        } else {
            let element = (row.level > 0).then(|| Cow::Owned((row.index + 1).to_string()));
            self.mapping.key.iter().map(|cell| view.text(cell)).chain(element).collect()
        };
        if self.mapping.snapshots && !rule.on.is_once_per_case() {
            parts.push(Cow::Owned(time_rule::written(draft.time_ms)));
        }
        format!("{}:{}", joined(parts.iter().map(AsRef::as_ref)), rule.name)
    }

    fn origin(&self, member: &Member) -> String {
        member.value.cell().map_or_else(|| member.name.clone(), |cell| self.name(cell))
    }

    fn name(&self, cell: &Cell) -> String {
        self.mapping.cell_name(cell)
    }

    /// Whether the event is due at this row. A value is remembered on every row, also where a condition of the event does not hold: a
    /// change is a difference from the row before, not from the event before. Before the first of several snapshots nothing is known,
    /// so that it is a change.
    fn is_due(&self, rule: &EventRule, number: usize, view: RowView<'_>, state: &mut CaseState) -> bool {
        match &rule.on {
            On::First => state.first,
            On::Once => !state.met.get(number).copied().unwrap_or(false),
            On::Row => true,
            On::Change(value) => {
                let now = watched(value, view);
                match state.before.get_mut(number) {
                    Some(before) if *before != now => {
                        *before = now;
                        true
                    }
                    _ => self.mapping.snapshots && state.first,
                }
            }
        }
    }
}

fn is_unknown_before(rule: &EventRule, state: &CaseState) -> bool {
    state.first && matches!(rule.on, On::Change(_))
}

fn empty(what: &str) -> Missing {
    Missing { reason: format!("{what} is empty"), is_empty: true, ..Missing::default() }
}

/// The text whose change is noticed: mapped; absent where the cell is empty or the map lacks it.
fn watched(value: &Value, view: RowView<'_>) -> Option<String> {
    let Value::Taken(taken) = value else { return None };
    match looked_up(taken, view) {
        Looked::Text(text) => Some(text.into_owned()),
        Looked::Default(Value::Constant(json)) => Some(json.as_str().map_or_else(|| json.to_string(), str::to_owned)),
        Looked::Default(other) => watched(other, view),
        Looked::Empty | Looked::Unknown(_) => None,
    }
}

/// What the text of a cell becomes by its map.
enum Looked<'a> {
    Text(Cow<'a, str>),
    Empty,
    /// The text that the map lacks.
    Unknown(Cow<'a, str>),
    Default(&'a Value),
}

fn looked_up<'a>(taken: &'a Taken, view: RowView<'a>) -> Looked<'a> {
    let text = view.text(&taken.cell);
    match (&taken.map, &taken.default) {
        (Some(map), _) if map.contains_key(text.as_ref()) => {
            Looked::Text(map.get(text.as_ref()).map_or(Cow::Borrowed(""), |mapped| Cow::Borrowed(mapped)))
        }
        (Some(_), Some(default)) => Looked::Default(default),
        (None, Some(default)) if text.is_empty() => Looked::Default(default),
        (_, _) if text.is_empty() => Looked::Empty,
        (Some(_), None) => Looked::Unknown(text),
        (None, _) => Looked::Text(text),
    }
}

fn typed(value_type: &ValueType, text: &str) -> Option<Json> {
    match value_type {
        ValueType::Text => Some(Json::from(text)),
        ValueType::Integer => text.parse::<i64>().ok().map(Json::from),
        ValueType::Boolean => vocabulary::boolean(text).map(Json::from),
        // A list of JSON is one already.
        ValueType::List(separator) => Some(match plain_elements(text) {
            Some(elements) => elements.iter().map(|element| path::text(element)).collect(),
            None => {
                text.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect()
            }
        }),
    }
}

/// The elements of a JSON array of plain values.
fn plain_elements(text: &str) -> Option<Vec<Json>> {
    let is_plain = |element: &Json| !element.is_object() && !element.is_array();
    path::elements(text).filter(|elements| elements.iter().all(is_plain))
}

/// The parts with `/` between them. `/`, `%`, and the `~` that marks a hash are escaped, so that different parts never give the same
/// text. A key too long for an id is hashed.
fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut escaped = String::new();
    for (number, part) in parts.enumerate() {
        if number > 0 {
            escaped.push('/');
        }
        for letter in part.chars() {
            match letter {
                '%' => escaped.push_str("%25"),
                '/' => escaped.push_str("%2F"),
                '~' => escaped.push_str("%7E"),
                other => escaped.push(other),
            }
        }
    }
    if escaped.len() <= 160 { escaped } else { format!("~{:032x}", xxhash_rust::xxh3::xxh3_128(escaped.as_bytes())) }
}

/// Appends a member to an object that is not yet closed.
fn push(object: &mut Vec<u8>, name: &str, value: &(impl serde::Serialize + ?Sized)) {
    push_raw(object, name, b"");
    push_value(object, value);
}

fn push_raw(object: &mut Vec<u8>, name: &str, json: &[u8]) {
    object.push(if object.is_empty() { b'{' } else { b',' });
    push_value(object, name);
    object.push(b':');
    object.extend_from_slice(json);
}

fn push_value(object: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    // Writing a text, a number or JSON to memory does not fail.
    let _ = serde_json::to_writer(object, value);
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
        push(&mut line, "id", self.id);
        push(&mut line, "source", source);
        push(&mut line, "type", self.kind);
        push(&mut line, "subject", self.subject);
        push(&mut line, "time", &time_rule::written(self.time_ms));
        if self.sequence != 0 {
            push(&mut line, "sequence", &self.sequence);
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
