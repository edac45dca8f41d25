//! Events: what rows become.

use std::collections::BTreeSet;

use super::super::cell::RowChoice;
use super::super::condition::Condition;
use super::super::document::{Item, Section};
use super::super::mapping::{Each, EventRule, Member, On, Value};
use super::super::path::Arrays;
use super::super::vocabulary::{self, About, ValueType};
use super::cells::CELL_KEYS;
use super::parser::Parser;
use crate::error::Result;
use crate::model::event::EventType;

pub(super) const EVENT_KEYS: &[&str] =
    &["type", "name", "on", "of", "each", "when", "key", "subject", "time", "sequence", "data"];

/// Where events about the desk come from.
const BY_APPLY: &str = "calendars, policies, settings, fields, groups and skills are stated in desk.toml, which `casebook apply` reads; \
                        the grace period of a mapping is its key `grace_period`";
/// Where events come from that are in no table.
const BY_INGEST: &str = "write such events as lines of JSON, which `casebook ingest` reads";

/// Cells of events are those of the row, or of the first row of its case.
const EITHER_ROW: [RowChoice; 2] = [RowChoice::Current, RowChoice::First];

impl Parser {
    pub(super) fn events(&mut self, root: &Section<'_>) -> Result<Vec<EventRule>> {
        let mut names = BTreeSet::new();
        let mut events = Vec::new();
        for item in root.need("event")?.list()? {
            let event = self.event(&item)?;
            if !names.insert(event.name.clone()) {
                let hint = "give one of them another `name`; it becomes part of the event's id".to_owned();
                return Err(item.error(format!("found a second event named `{}`", event.name), Some(hint)));
            }
            events.push(event);
        }
        Ok(events)
    }

    fn event(&mut self, item: &Item<'_>) -> Result<EventRule> {
        let section = item.section(EVENT_KEYS)?;
        let kind = event_type(&section.need("type")?)?;
        self.level = section.get("each").map_or(Ok(0), |each| self.each(&each))?;
        let rule = self.rule(kind, &section);
        self.level = 0;
        rule
    }

    fn rule(&mut self, kind: EventType, section: &Section<'_>) -> Result<EventRule> {
        let members = section.get("data").map_or(Ok(Vec::new()), |data| self.members(kind, &data))?;
        complete(kind, &members, section)?;
        Ok(EventRule {
            name: section.get("name").map_or(Ok(kind.name().to_owned()), |name| event_name(&name))?,
            kind,
            on: self.on(section, &members)?,
            level: self.level,
            when: self.when(section)?,
            key: self.key(section)?,
            subject: self.subject(kind, section)?,
            time: section.get("time").map(|time| self.time_rule(&time, &EITHER_ROW)).transpose()?,
            sequence: section.get("sequence").map(|item| self.row_cell(&item)).transpose()?,
            members,
        })
    }

    /// The level of what a rule goes through: a path to elements, or a cell that is cut up or counts.
    fn each(&mut self, item: &Item<'_>) -> Result<usize> {
        let each = if item.is_table() {
            let section = item.section(&[CELL_KEYS, &["separator", "times"]].concat())?;
            let cell = self.cell(item, &section, &[RowChoice::Current])?;
            match (section.get("separator"), section.get("times").map_or(Ok(false), |item| item.flag())?) {
                (None, true) => Each::Times(cell),
                (Some(_), true) => {
                    return Err(item.error("found both `separator` and `times`, expected one of them", None));
                }
                (separator, false) => {
                    let separator = separator.map(|item| item.some_text().map(str::to_owned)).transpose()?;
                    Each::Parts { cell, separator }
                }
            }
        } else {
            Each::Elements(Arrays::parse(item.some_text()?).map_err(|reason| item.error(reason, None))?)
        };
        if let Some(known) = self.levels.iter().position(|known| known.is_same(&each)) {
            return Ok(known + 1);
        }
        self.levels.push(each);
        Ok(self.levels.len())
    }

    fn on(&mut self, section: &Section<'_>, members: &[Member]) -> Result<On> {
        let on = match section.get("on") {
            None if self.level > 0 && section.get("of").is_none() => return Ok(On::Row),
            _ => section.need("on")?,
        };
        match (on.text()?, section.get("of")) {
            ("first", None) => Ok(On::First),
            ("once", None) => Ok(On::Once),
            ("row", None) => Ok(On::Row),
            ("change", Some(of)) => Ok(On::Change(self.watched(&of, members)?)),
            ("change", None) => {
                Err(on.error("found no `of`, expected the member of `data`, or the column, whose change counts", None))
            }
            ("first" | "once" | "row", Some(of)) => Err(of.error("only `on = \"change\"` has an `of`", None)),
            (other, _) => Err(on.unknown("occasion", other, ["first", "once", "row", "change"])),
        }
    }

    /// What `on = "change"` watches: a member of the event, or a value of its own.
    fn watched(&mut self, of: &Item<'_>, members: &[Member]) -> Result<Value> {
        if of.is_table() {
            return self.value(of, &ValueType::Text, &[RowChoice::Current], &[]);
        }
        let name = of.text()?;
        let member = members.iter().find(|member| member.name == name && member.value.cell().is_some());
        let known = members.iter().map(|member| member.name.as_str());
        member.map(|member| member.value.clone()).ok_or_else(|| of.unknown("member taken from a column", name, known))
    }

    /// One condition, or a list of which all must hold.
    fn when(&mut self, section: &Section<'_>) -> Result<Vec<Condition>> {
        let Some(item) = section.get("when") else { return Ok(Vec::new()) };
        let items = if item.is_table() { vec![item] } else { item.list()? };
        items.iter().map(|item| self.condition(item, &[], &EITHER_ROW)).collect()
    }

    fn subject(&mut self, kind: EventType, section: &Section<'_>) -> Result<Option<Value>> {
        match (vocabulary::about(kind), section.get("subject")) {
            (Some(About::Case), None) => Ok(None),
            (Some(About::Case), Some(item)) => {
                Err(item.error(format!("the subject of `{}` is the case, expected none here", kind.name()), None))
            }
            (_, Some(item)) => self.value(&item, &ValueType::Text, &EITHER_ROW, &[]).map(Some),
            (_, None) => Err(section.error(format!("found no `subject`, which `{}` needs", kind.name()), None)),
        }
    }

    fn members(&mut self, kind: EventType, data: &Item<'_>) -> Result<Vec<Member>> {
        let mut members = Vec::new();
        for (name, item) in data.entries()? {
            if name == "fields" && vocabulary::members(kind).any(|known| known.name == "fields") {
                for (field, item) in item.entries()? {
                    let value = self.value(&item, &ValueType::Text, &EITHER_ROW, &[])?;
                    members.push(Member { name: field, of_fields: true, required: false, clears: false, value });
                }
            } else {
                members.push(self.member(kind, name, &item)?);
            }
        }
        Ok(members)
    }

    fn member(&mut self, kind: EventType, name: String, item: &Item<'_>) -> Result<Member> {
        let known = vocabulary::members(kind).find(|known| known.name == name);
        if known.is_none() && vocabulary::about(kind) != Some(About::NamedFreely) {
            let names = vocabulary::members(kind).map(|known| known.name);
            return Err(item.unknown(&format!("member of `{}`", kind.name()), &name, names));
        }
        let more: &[&str] = if vocabulary::may_clear(kind, &name) { &["clears"] } else { &[] };
        let value = self.value(item, &vocabulary::default_type(known), &EITHER_ROW, more)?;
        let clears = item.find("clears").map_or(Ok(false), |item| item.flag())?;
        if let Some(words) = known.and_then(|known| known.values) {
            known_words(item, &value, words)?;
        }
        Ok(Member { required: known.is_some_and(|known| known.required), of_fields: false, clears, name, value })
    }
}

fn event_type(item: &Item<'_>) -> Result<EventType> {
    let name = item.text()?;
    vocabulary::event_type(name).ok_or_else(|| match EventType::parse(name) {
        Some(_) => {
            let is_stated = !["salesforce.", "view."].iter().any(|about| name.starts_with(about));
            let hint = if is_stated { BY_APPLY } else { BY_INGEST };
            item.error(format!("`{name}` is no event of a row"), Some(hint.to_owned()))
        }
        None => item.unknown("event type", name, vocabulary::event_types()),
    })
}

fn event_name(item: &Item<'_>) -> Result<String> {
    let name = item.some_text()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain && name.len() <= 64 {
        return Ok(name.to_owned());
    }
    Err(item.error(format!("found `{name}`, expected at most 64 letters, digits, `.`, `_`, `-`"), None))
}

/// Every member that the log asks for is there.
fn complete(kind: EventType, members: &[Member], section: &Section<'_>) -> Result<()> {
    let stated = |name: &str| members.iter().any(|member| member.name == name && !member.of_fields);
    match vocabulary::members(kind).find(|known| known.required && !stated(known.name)) {
        None => Ok(()),
        Some(known) => {
            Err(section.error(format!("found no `data.{}`, which `{}` needs", known.name, kind.name()), None))
        }
    }
}

/// A value that the mapping itself states is one the log knows.
fn known_words(item: &Item<'_>, value: &Value, words: &'static [&'static str]) -> Result<()> {
    let stated = stated_words(item, value)?;
    match stated.into_iter().find(|word| !words.contains(word)) {
        None => Ok(()),
        Some(word) => Err(item.unknown("value", word, words.iter().copied())),
    }
}

/// The words that a value can be without a look at a cell.
fn stated_words<'v>(item: &Item<'_>, value: &'v Value) -> Result<Vec<&'v str>> {
    match value {
        Value::Constant(json) => {
            Ok(vec![json.as_str().ok_or_else(|| item.error(format!("found {json}, expected text"), None))?])
        }
        Value::Taken(taken) => {
            let mut words: Vec<&str> = taken.map.iter().flat_map(|map| map.values()).map(String::as_str).collect();
            if let Some(default) = &taken.default {
                words.extend(stated_words(item, default)?);
            }
            Ok(words)
        }
    }
}
