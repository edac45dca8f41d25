//! XES, the format of event logs (IEEE 1849): a row for each event, gone through as it is read.
//!
//! A column is the key of an attribute of the event. `case:` before it takes it from the trace, `log:` from the log, and `/` leads to
//! an attribute within an attribute. The value is the text as it was written; that of a list is a JSON array.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value as Json};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::super::mapping::{Column, Mapping};
use super::super::record::{Ended, Record, TakeRecord};
use super::layout::{self, INDEX};
use super::text::TextInput;
use super::xml::{XmlInput, attributes};
use crate::error::Result;

/// What traces without events are counted under.
const EMPTY_TRACE: &str = "trace without events";
/// Of how many events the names of attributes are kept for a message about a missing one.
const ROWS_FOR_NAMES: u64 = 100;
/// The most bytes of the attributes of one event or one trace.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// The most elements of one list.
const ELEMENTS_MAX: usize = 1_000_000;

/// An open log.
pub(in crate::import) struct XesReader<'m> {
    mapping: &'m Mapping,
    input: XmlInput,
    columns: Vec<Source>,
    scopes: [Scope; 3],
    open: Vec<Open>,
    /// The names from the event, the trace or the log to the attribute that is open.
    path: String,
    /// Of the next event in its trace.
    index: u64,
    record: Record,
    ended: Ended,
}

/// Where the cell of a column comes from.
enum Source {
    Index,
    /// Attributes by their number; the first that there is counts.
    Attributes(Vec<usize>),
    /// No cell of an event.
    Nothing,
}

/// Whose attributes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Log,
    Trace,
    Event,
}

/// An element that is open.
enum Open {
    Owner(Owner),
    /// An attribute, with the length of the path to what is around it, and the elements of a list.
    Attribute(usize, Option<Vec<Json>>),
    /// The elements of the list around it.
    Values,
    /// What has no columns.
    Other,
}

/// The attributes of a log, a trace or an event.
#[derive(Default)]
struct Scope {
    /// The attributes that the mapping names, by their path.
    wanted: HashMap<String, usize, foldhash::fast::FixedState>,
    /// Paths and values, each with a zero byte after it.
    texts: String,
    /// For each attribute that the mapping names, where its value is.
    found: Vec<Option<std::ops::Range<usize>>>,
    /// One of them that comes twice.
    twice: Option<String>,
}

impl Scope {
    fn clear(&mut self) {
        self.texts.clear();
        self.found.fill(None);
        self.twice = None;
    }

    fn add(&mut self, path: &str, value: &str) {
        self.texts.push_str(path);
        self.texts.push('\0');
        let start = self.texts.len();
        self.texts.push_str(value);
        if let Some(found) = self.wanted.get(path).and_then(|number| self.found.get_mut(*number))
            && found.replace(start..self.texts.len()).is_some()
        {
            self.twice = Some(path.to_owned());
        }
        self.texts.push('\0');
    }

    fn value(&self, number: usize) -> Option<&str> {
        self.texts.get(self.found.get(number)?.clone()?)
    }

    /// Paths and values.
    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.texts.split('\0');
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }
}

impl<'m> XesReader<'m> {
    /// Begins to read a log.
    ///
    /// # Errors
    /// When the mapping names what no event log has.
    pub(super) fn open(input: TextInput, mapping: &'m Mapping) -> Result<XesReader<'m>> {
        layout::check_flat(mapping, &input.file)?;
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut source = |column: &'m Column| {
            if column.level > 0 {
                return Source::Nothing;
            }
            if column.name() == INDEX {
                return Source::Index;
            }
            let mut number = |name: &'m String| {
                let next = numbers.len();
                *numbers.entry(name).or_insert(next)
            };
            Source::Attributes(column.names.iter().map(&mut number).collect())
        };
        let columns = mapping.columns.iter().map(&mut source).collect();
        let scope = |prefix: &str| Scope {
            wanted: numbers
                .iter()
                .filter_map(|(name, number)| Some((name.strip_prefix(prefix)?.to_owned(), *number)))
                .collect(),
            found: vec![None; numbers.len()],
            ..Scope::default()
        };
        let scopes = [scope("log:"), scope("case:"), scope("")];
        let ended = Ended { seen: Some(vec![false; mapping.columns.len()]), ..Ended::default() };
        let (open, path) = (Vec::new(), String::new());
        let input = XmlInput::open(input);
        Ok(XesReader { mapping, input, columns, scopes, open, path, index: 0, record: Record::default(), ended })
    }

    /// Gives every event.
    pub(super) fn read(mut self, take: TakeRecord<'_>) -> Result<Ended> {
        let mut buffer = Vec::new();
        loop {
            match self.input.next(&mut buffer)? {
                Event::Start(tag) => self.start(&tag)?,
                Event::Empty(tag) => {
                    self.start(&tag)?;
                    self.end(take)?;
                }
                Event::End(_) => self.end(take)?,
                Event::Eof => break,
                _ => {}
            }
        }
        self.ended.bytes = self.input.offset();
        Ok(self.ended)
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = tag.local_name();
        let open = match (self.open.last(), name.as_ref()) {
            (None, "log") => Open::Owner(Owner::Log),
            (None, other) => {
                let message = format!("found the element `{other}`, expected `log`, as an event log in XES has it");
                return Err(self.input.error(message));
            }
            (Some(Open::Owner(Owner::Log)), "trace") => {
                self.index = 0;
                scope_of(&mut self.scopes, Owner::Trace).clear();
                Open::Owner(Owner::Trace)
            }
            (Some(Open::Owner(Owner::Log | Owner::Trace)), "event") => {
                scope_of(&mut self.scopes, Owner::Event).clear();
                let (line, offset) = (self.input.line(), self.input.offset());
                self.record.begin(line, offset);
                Open::Owner(Owner::Event)
            }
            (
                Some(Open::Owner(_) | Open::Attribute(..) | Open::Values),
                "string" | "date" | "int" | "float" | "boolean" | "id" | "list" | "container",
            ) => self.attribute(tag, name.as_ref() == "list")?,
            (Some(Open::Attribute(_, Some(_))), "values") => Open::Values,
            _ => Open::Other,
        };
        self.open.push(open);
        Ok(())
    }

    /// Reads an attribute, or an element of a list.
    fn attribute(&mut self, tag: &BytesStart<'_>, is_list: bool) -> Result<Open> {
        let found = attributes(tag, ["key", "value"]);
        let [key, value] = found.map_err(|reason| self.input.error(reason))?;
        if matches!(self.open.last(), Some(Open::Values)) {
            let list = self.open.iter_mut().rev().find_map(|open| match open {
                Open::Attribute(_, Some(values)) => Some(values),
                _ => None,
            });
            if let Some(list) = list {
                if list.len() >= ELEMENTS_MAX {
                    return Err(self.input.error(format!("a list has more than {ELEMENTS_MAX} elements")));
                }
                list.push(value.as_deref().map_or(Json::Null, Json::from));
            }
            return Ok(Open::Other);
        }
        let key = key.ok_or_else(|| self.input.error("found an attribute without a `key`"))?;
        let around = self.path.len();
        if around > 0 {
            self.path.push('/');
        }
        self.path.push_str(&key);
        if let Some(value) = value {
            self.add(&value)?;
        }
        Ok(Open::Attribute(around, is_list.then(Vec::new)))
    }

    /// Keeps the value of the attribute at the path.
    fn add(&mut self, value: &str) -> Result<()> {
        let owner =
            self.open.iter().rev().find_map(|open| if let Open::Owner(owner) = open { Some(*owner) } else { None });
        let owner = owner.unwrap_or(Owner::Log);
        let is_late = match owner {
            Owner::Log => self.ended.rows > 0,
            Owner::Trace => self.index > 0,
            Owner::Event => false,
        };
        let scope = scope_of(&mut self.scopes, owner);
        let is_wanted = scope.wanted.contains_key(&self.path);
        if is_late && is_wanted {
            let message =
                format!("`{}` comes after events, expected it before all events that it belongs to", self.path);
            return Err(self.input.error(message));
        }
        if is_wanted || owner != Owner::Log {
            scope.add(&self.path, value);
        }
        if scope.texts.len() > TEXT_BYTES_MAX {
            let message = format!("the attributes around `{}` are longer than {} MiB", self.path, TEXT_BYTES_MAX >> 20);
            return Err(self.input.error(message));
        }
        Ok(())
    }

    fn end(&mut self, take: TakeRecord<'_>) -> Result<()> {
        match self.open.pop() {
            Some(Open::Attribute(around, list)) => {
                if let Some(list) = list {
                    self.add(&Json::Array(list).to_string())?;
                }
                self.path.truncate(around);
            }
            Some(Open::Owner(Owner::Event)) => {
                self.event(take)?;
                self.index += 1;
            }
            Some(Open::Owner(Owner::Trace)) => {
                if self.index == 0 {
                    self.ended.leave_out(EMPTY_TRACE);
                }
                scope_of(&mut self.scopes, Owner::Trace).clear();
                self.index = 0;
            }
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, take: TakeRecord<'_>) -> Result<()> {
        let XesReader { mapping, columns, scopes, record, ended, .. } = self;
        let [log, trace, event] = &*scopes;
        record.hash = xxh3_128_with_seed(event.texts.as_bytes(), xxh3_64(trace.texts.as_bytes()));
        if let Some(twice) = event.twice.as_ref().or(trace.twice.as_ref()) {
            record.problem = Some(format!("the attribute `{twice}` is there twice"));
        }
        record.row(0, self.index);
        let seen = ended.seen.iter_mut().flatten();
        for (column, seen) in columns.iter().zip(seen) {
            match column {
                Source::Index => {
                    *seen = true;
                    record.cell(&self.index.to_string());
                }
                Source::Nothing => {
                    *seen = true;
                    record.cell("");
                }
                Source::Attributes(numbers) => {
                    let value = |number: &usize| [event, trace, log].into_iter().find_map(|scope| scope.value(*number));
                    let found = numbers.iter().find_map(value);
                    *seen |= found.is_some();
                    record.cell(found.unwrap_or_default());
                }
            }
        }
        if ended.rows < ROWS_FOR_NAMES {
            let names = [("case:", trace), ("", event)];
            let names = names.into_iter().flat_map(|(prefix, scope)| scope.all().map(move |(path, _)| (prefix, path)));
            ended.names.extend(names.map(|(prefix, path)| format!("{prefix}{path}")));
        }
        layout::add_parts(mapping, record);
        ended.rows += 1;
        take(record, &|| whole(&[("", event), ("case:", trace), ("log:", log)], self.index))
    }
}

fn scope_of(scopes: &mut [Scope; 3], owner: Owner) -> &mut Scope {
    let [log, trace, event] = scopes;
    match owner {
        Owner::Log => log,
        Owner::Trace => trace,
        Owner::Event => event,
    }
}

/// An event as a JSON object with the names of columns; those of the log where the mapping names them. An attribute that comes twice
/// has a list.
fn whole(scopes: &[(&str, &Scope); 3], index: u64) -> Json {
    let mut object = Map::new();
    for (prefix, scope) in scopes {
        let is_log = *prefix == "log:";
        for (path, value) in scope.all().filter(|(path, _)| !is_log || scope.wanted.contains_key(*path)) {
            let name = format!("{prefix}{path}");
            match object.get_mut(&name) {
                None => drop(object.insert(name, Json::from(value))),
                Some(Json::Array(values)) => values.push(Json::from(value)),
                Some(first) => *first = Json::Array(vec![first.take(), Json::from(value)]),
            }
        }
    }
    object.insert(INDEX.to_owned(), Json::from(index));
    Json::Object(object)
}
