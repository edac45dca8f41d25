//! From TOML to a [`Mapping`]: every key and every name is checked, and every error has its line.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use toml::de::DeValue;

use super::cell::{Cell, RowChoice};
use super::document::{Document, Item, Section};
use super::mapping::*;
use super::time_rule::{TimeFormat, TimeRule};
use super::vocabulary::{self, About, ValueType};
use crate::error::{Error, Result};
use crate::model::event::EventType;
use crate::model::time::parse_duration_ms;
use crate::store::project;

/// `never`, for a desk that closes nothing: the longest grace period that is sure to be a duration, 273 years.
const NEVER: &str = "99999d";

const ROOT_KEYS: &[&str] = &[
    "source",
    "grace_period",
    "delimiter",
    "quote",
    "key",
    "sequence",
    "time",
    "case",
    "filter",
    "leave_out",
    "event",
];
const CELL_KEYS: &[&str] = &["column", "root", "trim", "lower", "strip_prefix", "strip_suffix"];
const TEST_KEYS: &[&str] = &["equals", "not_equals", "in", "not_in", "empty"];
const VALUE_KEYS: &[&str] = &["map", "default", "as", "separator"];
const TIME_KEYS: &[&str] = &["format", "zone"];
const EVENT_KEYS: &[&str] = &["type", "name", "on", "of", "when", "subject", "time", "data"];

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// When it cannot be read, and where it states something unknown: with file, line and the nearest name.
    pub fn read(path: &Path) -> Result<Mapping> {
        let text = project::read_text(path).map_err(Error::file(path))?;
        Mapping::parse(&path.display().to_string(), &text)
    }

    /// Checks the text of a mapping; `file` is its name in errors.
    ///
    /// # Errors
    /// As [`Mapping::read`].
    pub fn parse(file: &str, text: &str) -> Result<Mapping> {
        mapping(file, text)
    }
}

fn mapping(file: &str, text: &str) -> Result<Mapping> {
    let file: Arc<str> = file.into();
    let document = Document::new(file.clone(), text);
    let table = document.parse()?;
    let root = document.root(table.get_ref(), ROOT_KEYS)?;
    let mut parser = Parser::default();
    let mapping = Mapping {
        source: source(&root.need("source")?)?,
        grace: grace(&root.need("grace_period")?)?,
        delimiter: root.get("delimiter").map_or(Ok(b','), |item| byte(&item))?,
        quote: root.get("quote").map_or(Ok(b'"'), |item| byte(&item))?,
        key: parser.key(&root)?,
        time: parser.time_rule(&root.need("time")?)?,
        sequence: root.get("sequence").map(|item| parser.row_cell(&item)).transpose()?,
        filters: root
            .list("filter")?
            .iter()
            .map(|item| parser.condition(item, &[], &[RowChoice::Current]))
            .collect::<Result<_>>()?,
        leave_out: root.list("leave_out")?.iter().map(|item| parser.leave_out(item)).collect::<Result<_>>()?,
        order: parser.order(&root)?,
        case: parser.case(&root.need("case")?)?,
        events: parser.events(&root)?,
        columns: parser.columns,
        file,
    };
    Ok(mapping)
}

fn source(item: &Item<'_>) -> Result<String> {
    let text = item.some_text()?;
    match text.len() {
        ..=256 => Ok(text.to_owned()),
        length => Err(item.error(format!("found {length} bytes, expected at most 256"), None)),
    }
}

fn grace(item: &Item<'_>) -> Result<Grace> {
    let period = match item.text()? {
        "never" => NEVER,
        text if parse_duration_ms(text).is_ok() => text,
        text => {
            let hint = "write `3650d` for ten years, `1d 12h` for a day and a half".to_owned();
            return Err(item.error(format!("found `{text}`, expected a duration or `never`"), Some(hint)));
        }
    };
    Ok(Grace { period: period.to_owned(), line: item.line(), offset: item.offset() })
}

fn byte(item: &Item<'_>) -> Result<u8> {
    match item.text()?.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(item.error("found more or less than one byte, expected one character of ASCII", None)),
    }
}

fn flag(section: &Section<'_>, key: &str) -> Result<bool> {
    section.get(key).map_or(Ok(false), |item| item.flag())
}

fn text(section: &Section<'_>, key: &str) -> Result<String> {
    section.get(key).map_or(Ok(String::new()), |item| item.text().map(str::to_owned))
}

/// Collects the columns that the mapping names.
#[derive(Default)]
struct Parser {
    columns: Vec<Column>,
}

impl Parser {
    fn column(&mut self, item: &Item<'_>) -> Result<usize> {
        let name = item.text()?;
        let known = self.columns.iter().position(|column| column.name == name);
        Ok(known.unwrap_or_else(|| {
            self.columns.push(Column { name: name.to_owned(), line: item.line() });
            self.columns.len() - 1
        }))
    }

    fn key(&mut self, root: &Section<'_>) -> Result<Vec<usize>> {
        root.list("key")?.iter().map(|item| self.column(item)).collect()
    }

    /// `"column"`, or `{ column = …, strip_suffix = … }`.
    fn row_cell(&mut self, item: &Item<'_>) -> Result<Cell> {
        if item.is_table() {
            self.cell(item, &item.section(CELL_KEYS)?, &[RowChoice::Current])
        } else {
            Ok(Cell::plain(self.column(item)?))
        }
    }

    /// The cell part of a table whose other keys the caller reads.
    fn cell(&mut self, item: &Item<'_>, section: &Section<'_>, allowed: &[RowChoice]) -> Result<Cell> {
        let (column, row) = match (section.get("column"), section.get("root")) {
            (Some(column), None) => (column, RowChoice::Current),
            (None, Some(root)) if allowed.contains(&RowChoice::First) => (root, RowChoice::First),
            (None, Some(root)) => return Err(root.error("the root is not known yet here, expected `column`", None)),
            (Some(_), Some(_)) => return Err(item.error("found both `column` and `root`, expected one of them", None)),
            (None, None) => return Err(item.error("found no `column`, expected the name of one", None)),
        };
        Ok(Cell {
            column: self.column(&column)?,
            row,
            trim: flag(section, "trim")?,
            lower: flag(section, "lower")?,
            strip_prefix: text(section, "strip_prefix")?,
            strip_suffix: text(section, "strip_suffix")?,
        })
    }

    /// A cell and one test; `more` are keys of the table that the caller reads.
    fn condition(&mut self, item: &Item<'_>, more: &[&str], allowed: &[RowChoice]) -> Result<Condition> {
        let section = item.section(&[more, CELL_KEYS, TEST_KEYS].concat())?;
        let cell = self.cell(item, &section, allowed)?;
        let tests = TEST_KEYS.iter().filter_map(|key| section.get(key).map(|value| (*key, value))).collect::<Vec<_>>();
        let [(key, value)] = tests.as_slice() else {
            let all = TEST_KEYS.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            return Err(item.error(format!("found {} tests, expected exactly one of {all}", tests.len()), None));
        };
        Ok(Condition { cell, test: test(key, value)? })
    }

    fn leave_out(&mut self, item: &Item<'_>) -> Result<LeaveOut> {
        let mut condition = self.condition(item, &["name"], &[RowChoice::Current, RowChoice::First])?;
        condition.cell.row = RowChoice::First;
        let section = item.section(&[&["name"], CELL_KEYS, TEST_KEYS].concat())?;
        Ok(LeaveOut { name: section.need("name")?.some_text()?.to_owned(), condition })
    }

    /// `"column"`, or `{ column = …, format = …, zone = … }`.
    fn time_rule(&mut self, item: &Item<'_>) -> Result<TimeRule> {
        if !item.is_table() {
            return Ok(TimeRule { cell: Cell::plain(self.column(item)?), format: TimeFormat::Rfc3339, zone: None });
        }
        let section = item.section(&[CELL_KEYS, TIME_KEYS].concat())?;
        let rule = TimeRule {
            cell: self.cell(item, &section, &[RowChoice::Current])?,
            format: section.get("format").map_or(Ok(TimeFormat::Rfc3339), |item| format(&item))?,
            zone: section.get("zone").map(|item| zone(&item)).transpose()?,
        };
        let place = section.get("format").unwrap_or_else(|| item.clone());
        let hint = || Some("add the offset (`%z`) to the pattern, or a `zone` beside it".to_owned());
        rule.check_pattern()
            .map_err(|reason| place.error(format!("the pattern does not give an instant: {reason}"), hint()))?;
        Ok(rule)
    }

    fn case(&mut self, item: &Item<'_>) -> Result<CaseOf> {
        let section = item.section(&["id", "thread", "order"])?;
        match (section.get("id"), section.get("thread")) {
            (Some(id), None) => Ok(CaseOf::Column(self.row_cell(&id)?)),
            (None, Some(thread)) => {
                let thread = thread.section(&["id", "parent"])?;
                Ok(CaseOf::Thread {
                    id: self.row_cell(&thread.need("id")?)?,
                    parent: self.row_cell(&thread.need("parent")?)?,
                })
            }
            _ => Err(section.error("expected either `id`, a column, or `thread`, an `id` and a `parent` column", None)),
        }
    }

    fn order(&mut self, root: &Section<'_>) -> Result<Vec<OrderKey>> {
        let items = match root.get("case").filter(Item::is_table) {
            Some(case) => case.section(&["id", "thread", "order"])?.list("order")?,
            None => Vec::new(),
        };
        match items.as_slice() {
            [] => Ok(vec![OrderKey::Time, OrderKey::Sequence]),
            items => items.iter().map(|item| self.order_key(item)).collect(),
        }
    }

    /// `"time"`, `"sequence"`, or `{ column = …, as = "integer" }`.
    fn order_key(&mut self, item: &Item<'_>) -> Result<OrderKey> {
        if !item.is_table() {
            return match item.text()? {
                "time" => Ok(OrderKey::Time),
                "sequence" => Ok(OrderKey::Sequence),
                other => Err(item.error(
                    format!("found `{other}`, expected `time`, `sequence` or {{ column = \"{other}\" }}"),
                    None,
                )),
            };
        }
        let section = item.section(&[CELL_KEYS, &["as"]].concat())?;
        let cell = self.cell(item, &section, &[RowChoice::Current])?;
        match section.get("as").map(|item| Ok::<_, Error>((item.text()?, item))).transpose()? {
            None | Some(("text", _)) => Ok(OrderKey::Text(cell)),
            Some(("integer", _)) => Ok(OrderKey::Integer(cell)),
            Some((other, item)) => Err(item.unknown("type of order key", other, ["text", "integer"])),
        }
    }

    fn events(&mut self, root: &Section<'_>) -> Result<Vec<EventRule>> {
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
        let members = section.get("data").map_or(Ok(Vec::new()), |data| self.members(kind, &data))?;
        complete(kind, &members, &section)?;
        Ok(EventRule {
            name: section.get("name").map_or(Ok(kind.name().to_owned()), |name| event_name(&name))?,
            kind,
            on: self.on(&section, &members)?,
            when: self.when(&section)?,
            subject: self.subject(kind, &section)?,
            time: section.get("time").map(|time| self.time_rule(&time)).transpose()?,
            members,
        })
    }

    fn on(&mut self, section: &Section<'_>, members: &[Member]) -> Result<On> {
        let on = section.need("on")?;
        match (on.text()?, section.get("of")) {
            ("first", None) => Ok(On::First),
            ("row", None) => Ok(On::Row),
            ("change", Some(of)) => Ok(On::Change(self.watched(&of, members)?)),
            ("change", None) => {
                Err(on.error("found no `of`, expected the member of `data`, or the column, whose change counts", None))
            }
            ("first" | "row", Some(of)) => Err(of.error("only `on = \"change\"` has an `of`", None)),
            (other, _) => Err(on.unknown("occasion", other, ["first", "row", "change"])),
        }
    }

    /// What `on = "change"` watches: a member of the event, or a value of its own.
    fn watched(&mut self, of: &Item<'_>, members: &[Member]) -> Result<Value> {
        if of.is_table() {
            return self.value(of, &ValueType::Text, &[RowChoice::Current]);
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
        items.iter().map(|item| self.condition(item, &[], &[RowChoice::Current, RowChoice::First])).collect()
    }

    fn subject(&mut self, kind: EventType, section: &Section<'_>) -> Result<Option<Value>> {
        match (vocabulary::about(kind), section.get("subject")) {
            (Some(About::Case), None) => Ok(None),
            (Some(About::Case), Some(item)) => {
                Err(item.error(format!("the subject of `{}` is the case, expected none here", kind.name()), None))
            }
            (_, Some(item)) => self.value(&item, &ValueType::Text, &[RowChoice::Current, RowChoice::First]).map(Some),
            (_, None) => Err(section.error(format!("found no `subject`, which `{}` needs", kind.name()), None)),
        }
    }

    fn members(&mut self, kind: EventType, data: &Item<'_>) -> Result<Vec<Member>> {
        let mut members = Vec::new();
        for (name, item) in data.entries()? {
            if name == "fields" && vocabulary::members(kind).any(|known| known.name == "fields") {
                for (field, item) in item.entries()? {
                    let value = self.value(&item, &ValueType::Text, &[RowChoice::Current, RowChoice::First])?;
                    members.push(Member { name: field, of_fields: true, required: false, value });
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
        let value = self.value(item, &vocabulary::default_type(known), &[RowChoice::Current, RowChoice::First])?;
        if let Some(words) = known.and_then(|known| known.values) {
            known_words(item, &value, words)?;
        }
        Ok(Member { required: known.is_some_and(|known| known.required), of_fields: false, name, value })
    }

    /// A constant, or a table that takes a cell.
    fn value(&mut self, item: &Item<'_>, default: &ValueType, allowed: &[RowChoice]) -> Result<Value> {
        if !item.is_table() {
            return constant(item).map(Value::Constant);
        }
        let section = item.section(&[CELL_KEYS, VALUE_KEYS].concat())?;
        let map = section.get("map").map(|map| map.entries()).transpose()?;
        let pair = |(key, value): (String, Item<'_>)| Ok((key, value.text()?.to_owned()));
        Ok(Value::Taken(Taken {
            cell: self.cell(item, &section, allowed)?,
            map: map.map(|entries| entries.into_iter().map(pair).collect::<Result<_>>()).transpose()?,
            default: section.get("default").map(|item| item.text().map(str::to_owned)).transpose()?,
            value_type: value_type(&section, default)?,
        }))
    }
}

fn test(key: &str, value: &Item<'_>) -> Result<Test> {
    Ok(match key {
        "equals" => Test::In(vec![value.text()?.to_owned()]),
        "not_equals" => Test::NotIn(vec![value.text()?.to_owned()]),
        "in" => Test::In(value.texts()?),
        "not_in" => Test::NotIn(value.texts()?),
        _ => Test::Empty(value.flag()?),
    })
}

fn format(item: &Item<'_>) -> Result<TimeFormat> {
    match item.some_text()? {
        "rfc3339" => Ok(TimeFormat::Rfc3339),
        "unix" => Ok(TimeFormat::UnixSeconds),
        "unix_ms" => Ok(TimeFormat::UnixMilliseconds),
        pattern if pattern.contains('%') => Ok(TimeFormat::Pattern(pattern.to_owned())),
        other => Err(item.unknown("time format", other, ["rfc3339", "unix", "unix_ms", "%Y-%m-%d %H:%M:%S"])),
    }
}

fn zone(item: &Item<'_>) -> Result<TimeZone> {
    let name = item.some_text()?;
    let hint = || Some("write a name of the IANA list, such as `Europe/Prague`".to_owned());
    TimeZone::get(name).map_err(|_| item.error(format!("unknown time zone `{name}`"), hint()))
}

fn value_type(section: &Section<'_>, default: &ValueType) -> Result<ValueType> {
    let separator = section.get("separator").map(|item| item.some_text().map(str::to_owned)).transpose()?;
    let list = |separator: Option<String>| ValueType::List(separator.unwrap_or_else(|| ",".to_owned()));
    let Some(item) = section.get("as") else {
        return Ok(if separator.is_some() { list(separator) } else { default.clone() });
    };
    match item.text()? {
        "text" => Ok(ValueType::Text),
        "integer" => Ok(ValueType::Integer),
        "boolean" => Ok(ValueType::Boolean),
        "list" => Ok(list(separator)),
        other => Err(item.unknown("type", other, ["text", "integer", "boolean", "list"])),
    }
}

fn constant(item: &Item<'_>) -> Result<Json> {
    match item.value() {
        DeValue::String(text) => Ok(Json::from(text.as_ref())),
        DeValue::Boolean(flag) => Ok(Json::from(*flag)),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(Json::from(number)),
            Err(_) => Err(item.error("found a number that does not fit 64 bits", None)),
        },
        DeValue::Array(_) => item.texts().map(Json::from),
        _ => {
            Err(item
                .error("expected text, a whole number, true or false, a list of texts, or a table with `column`", None))
        }
    }
}

fn event_type(item: &Item<'_>) -> Result<EventType> {
    let name = item.text()?;
    vocabulary::event_type(name).ok_or_else(|| item.unknown("event type", name, vocabulary::event_types()))
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
    let stated: Vec<&str> = match value {
        Value::Constant(json) => {
            vec![json.as_str().ok_or_else(|| item.error(format!("found {json}, expected text"), None))?]
        }
        Value::Taken(taken) => {
            taken.map.iter().flat_map(|map| map.values()).chain(&taken.default).map(String::as_str).collect()
        }
    };
    match stated.into_iter().find(|word| !words.contains(word)) {
        None => Ok(()),
        Some(word) => Err(item.unknown("value", word, words.iter().copied())),
    }
}
