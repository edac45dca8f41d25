//! OCEL 2.0, the format of event logs with objects, in JSON, XML or SQLite: a value of JSON for each event, from which a mapping takes
//! rows and cells as from any document.
//!
//! The value has `id`, `type`, `time`, `attributes` by name, and `objects`: for each relation the object's `id` and `type`, the
//! `qualifier`, its `attributes` at the time of the event and, where the mapping names them, the objects that it is `related` to. All
//! texts have one form, so that a log is the same in each of the formats. Values of objects that change are values of their own kind.
//!
//! A log is gone through twice: first its objects are put into a temporary database, then events are given one by one.

mod item;
mod json;
mod objects;
mod sqlite;
mod xml;

use std::collections::BTreeSet;

use jiff::Timestamp;
use roaring::RoaringTreemap;
use serde_json::{Map, Value as Json};

use super::super::mapping::Mapping;
use super::super::record::{Ended, Record, TakeRecord};
use super::plan::Plan;
use super::text::TextFile;
use crate::error::Result;
use crate::input::signature::OcelText;
use crate::input::source::LocalFile;
use item::{Entry, Item, Of, Part, Related, TakeEntry, Types, instant};
use objects::{Change, Object, Objects, Values};

/// The type of the values of objects that change.
const CHANGE: &str = "@change";
/// The objects that an object is related to.
const RELATED: &str = "related";
/// What events are counted under that become no row.
const NO_OBJECTS: &str = "event without objects";
/// What objects are counted under that are in no value.
const NO_EVENTS: &str = "object without events";
/// Of how many events the names of attributes are kept for a message about a missing one.
const EVENTS_FOR_NAMES: u64 = 100;

/// What may be wrong where the paths of a mapping are none into events.
const FOR_TABLES: &str =
    "the input is an event log in OCEL, which the built-in mapping `ocel` reads; the mapping seems to be for a table";

/// An open log.
pub(in crate::import) struct OcelReader<'m> {
    log: Log<'m>,
    plan: Plan<'m>,
}

/// A log by its format.
enum Log<'m> {
    Json(TextFile<'m>),
    Xml(TextFile<'m>),
    Sqlite(sqlite::Database),
}

impl Log<'_> {
    /// Gives what a part has. Returns the bytes read.
    fn read(&self, part: Part, take: TakeEntry<'_>) -> Result<u64> {
        match self {
            Log::Json(file) => {
                let input = file.open()?;
                json::read(&input.file.clone(), input.reader(), part, take)
            }
            Log::Xml(file) => xml::read(file.open()?, part, take),
            Log::Sqlite(database) => database.read(part, take),
        }
    }
}

impl<'m> OcelReader<'m> {
    /// Begins to read a log in JSON or XML.
    ///
    /// # Errors
    /// When the name of a column is no path, or leads out of the event.
    pub(super) fn of_text(file: TextFile<'m>, written: OcelText, mapping: &'m Mapping) -> Result<OcelReader<'m>> {
        let log = match written {
            OcelText::Json => Log::Json(file),
            OcelText::Xml => Log::Xml(file),
        };
        OcelReader::of(log, mapping)
    }

    /// Begins to read a log in SQLite.
    ///
    /// # Errors
    /// When the database cannot be read or is no log, and as [`OcelReader::of_text`].
    pub(super) fn of_database(file: String, local: LocalFile, mapping: &'m Mapping) -> Result<OcelReader<'m>> {
        OcelReader::of(Log::Sqlite(sqlite::Database::open(file, local)?), mapping)
    }

    fn of(log: Log<'m>, mapping: &'m Mapping) -> Result<OcelReader<'m>> {
        Ok(OcelReader { log, plan: Plan::of(mapping)? })
    }

    /// Gives every event, then every change of an object's values.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        let OcelReader { log, plan } = self;
        let database = objects::temporary_database()?;
        let mut values = EventValues::new(plan, Objects::of(&database)?);
        log.read(Part::Objects, &mut |entry, place| match entry {
            Entry::Attribute { of, kind, name, value_type } => {
                values.types.declare(of, kind, name, value_type);
                Ok(())
            }
            Entry::Related { object, related } => values.objects.relate(object, &related),
            Entry::Item(object) => values.keep(object, place, take),
        })?;
        let bytes = log.read(Part::Events, &mut |entry, place| match entry {
            Entry::Item(event) => values.event(event, place, take),
            Entry::Attribute { .. } | Entry::Related { .. } => Ok(()),
        })?;
        values.end(bytes, take)
    }
}

/// Makes the values of events and of changes, and gives them as records.
struct EventValues<'m, 'c> {
    plan: Plan<'m>,
    /// The mapping names objects that objects are related to.
    has_related: bool,
    types: Types,
    objects: Objects<'c>,
    /// The numbers of objects that are in a value.
    used: RoaringTreemap,
    record: Record,
    events: u64,
    /// Names of columns that events have, and how many events have no row.
    names: BTreeSet<String>,
    without_rows: u64,
}

impl<'m, 'c> EventValues<'m, 'c> {
    fn new(plan: Plan<'m>, objects: Objects<'c>) -> EventValues<'m, 'c> {
        let has_related = plan.has_member(RELATED);
        let (types, used) = (Types::default(), RoaringTreemap::new());
        EventValues {
            plan,
            has_related,
            types,
            objects,
            used,
            record: Record::default(),
            events: 0,
            names: BTreeSet::new(),
            without_rows: 0,
        }
    }

    /// Keeps an object for the events that name it. One that cannot be read is set aside.
    fn keep(&mut self, mut object: Item, place: (u64, u64), take: TakeRecord<'_>) -> Result<()> {
        check_names(&mut object);
        let outcome = match object.problem.take() {
            Some(reason) => Err(reason),
            None => self.objects.add(&object, place)?,
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(reason) => {
                let value = serde_json::json!({"object": object.json()});
                self.give(&value, place, Some(format!("object `{}`: {reason}", object.id)), take)
            }
        }
    }

    /// Gives an event.
    fn event(&mut self, mut event: Item, place: (u64, u64), take: TakeRecord<'_>) -> Result<()> {
        check_names(&mut event);
        let time = match event.time.take() {
            Some(written) => match instant(&written) {
                Ok(time) => Some(time),
                Err(reason) => {
                    event.fail(format!("`time`: {reason}"));
                    event.time = Some(written);
                    None
                }
            },
            None => {
                event.fail("it has no `time`".to_owned());
                None
            }
        };
        let mut related = std::mem::take(&mut event.related);
        related.sort();
        related.dedup();
        // Without a time, objects have the values of the end.
        let at_us = time.map_or(i64::MAX, Timestamp::as_microsecond);
        let mut objects = Vec::new();
        for related in &related {
            objects.push(self.object(related, at_us, &mut event.problem)?);
        }
        let values = event.values.iter().map(|value| (value.name.clone(), value.text.clone())).collect();
        let attributes = self.attributes(Of::Event, &event.kind, values, &mut event.problem);
        let time = time.map(|time| time.to_string()).or(event.time);
        let problem = event.problem.map(|reason| format!("event `{}`: {reason}", event.id));
        let value = value(&event.id, &event.kind, time, attributes, objects);
        self.events += 1;
        if self.events <= EVENTS_FOR_NAMES {
            self.names.extend(names(&value));
        }
        self.give(&value, place, problem, take)
    }

    /// Gives a change of an object's values.
    fn change(&mut self, change: &Change, take: TakeRecord<'_>) -> Result<()> {
        let Change { object, id, time_us, place } = change;
        let time = Timestamp::from_microsecond(*time_us).map_or_else(|_| time_us.to_string(), |time| time.to_string());
        let related = Related { id: id.clone(), qualifier: String::new() };
        let mut problem = None;
        let entry = self.object(&related, *time_us, &mut problem)?;
        let changed = self.objects.values_changed(object, *time_us)?;
        let attributes = self.attributes(Of::Object, &object.kind, changed, &mut problem);
        let problem = problem.map(|reason| format!("object `{id}` at {time}: {reason}"));
        let value = value(&format!("{id}@{time}"), CHANGE, Some(time), attributes, vec![entry]);
        self.give(&value, *place, problem, take)
    }

    /// An object with the values that it has at an instant.
    fn object(&mut self, related: &Related, at_us: i64, problem: &mut Option<String>) -> Result<Json> {
        let found = self.objects.find(&related.id)?;
        let mut object = named(related, found.as_ref());
        let Some(found) = found else {
            problem.get_or_insert_with(|| {
                format!("it is related to the object `{}`, which the log does not have", related.id)
            });
            return Ok(Json::Object(object));
        };
        self.used.insert(found.number.cast_unsigned());
        let values = self.objects.values_at(&found, at_us)?;
        let attributes = self.attributes(Of::Object, &found.kind, values, problem);
        object.insert("attributes".to_owned(), Json::Object(attributes));
        if self.has_related {
            let related = self.objects.related(&found)?;
            let numbers = related.iter().filter_map(|(_, found)| Some(found.as_ref()?.number.cast_unsigned()));
            self.used.extend(numbers);
            let related = related.iter().map(|(related, found)| Json::Object(named(related, found.as_ref())));
            object.insert(RELATED.to_owned(), related.collect());
        }
        Ok(Json::Object(object))
    }

    /// Values by the names of their attributes, each as the one text that it has in every format.
    fn attributes(&self, of: Of, kind: &str, values: Values, problem: &mut Option<String>) -> Map<String, Json> {
        let mut attributes = Map::new();
        for (name, text) in values {
            let Some(written) = text else { continue };
            let text = self.types.text(of, kind, &name, &written).unwrap_or_else(|reason| {
                problem.get_or_insert(reason);
                written
            });
            attributes.insert(name, Json::from(text));
        }
        attributes
    }

    fn give(&mut self, value: &Json, place: (u64, u64), problem: Option<String>, take: TakeRecord<'_>) -> Result<()> {
        self.record.begin(place.0, place.1);
        self.record.problem = problem;
        if self.record.problem.is_none() && self.plan.fill(value, &mut self.record) == 0 {
            self.without_rows += 1;
        }
        take(&self.record, &|| value.clone())
    }

    /// Gives the changes of all objects, and what is known of the log at its end.
    fn end(mut self, bytes: u64, take: TakeRecord<'_>) -> Result<Ended> {
        let mut before = None;
        while let Some(change) = self.objects.change_after(before.as_ref())? {
            self.change(&change, take)?;
            before = Some(change);
        }
        let unused = self.objects.count()?.saturating_sub(self.used.len());
        let left_out = [(NO_OBJECTS, self.without_rows), (NO_EVENTS, unused)];
        let left_out = left_out.into_iter().filter(|(_, count)| *count > 0);
        let mut ended = self.plan.ended(bytes);
        ended.left_out.extend(left_out.map(|(name, count)| (name.to_owned(), count)));
        ended.names.extend(self.names);
        ended.advice = ended.advice.map(|_| FOR_TABLES);
        Ok(ended)
    }
}

/// Notes that an event or an object has no id or no type.
fn check_names(item: &mut Item) {
    if item.id.is_empty() {
        item.fail("it has no `id`".to_owned());
    } else if item.kind.is_empty() {
        item.fail("it has no `type`".to_owned());
    }
}

/// A relation as a value of JSON, without a type where the log does not have the object.
fn named(related: &Related, found: Option<&Object>) -> Map<String, Json> {
    let mut object = Map::new();
    object.insert("id".to_owned(), Json::from(related.id.as_str()));
    object.insert("qualifier".to_owned(), Json::from(related.qualifier.as_str()));
    if let Some(found) = found {
        object.insert("type".to_owned(), Json::from(found.kind.as_str()));
    }
    object
}

fn value(id: &str, kind: &str, time: Option<String>, attributes: Map<String, Json>, objects: Vec<Json>) -> Json {
    serde_json::json!({"attributes": attributes, "id": id, "objects": objects, "time": time, "type": kind})
}

/// The names of the columns that a value has, as far as they do not depend on which objects there are.
fn names(value: &Json) -> Vec<String> {
    let members = ["id", "type", "time", "objects", "qualifier"].map(str::to_owned);
    let objects = value.get("objects").and_then(Json::as_array).into_iter().flatten();
    let attributes = std::iter::once(value).chain(objects).filter_map(|owner| owner.get("attributes")?.as_object());
    let attributes = attributes.flat_map(|attributes| attributes.keys()).map(|name| format!("attributes.{name}"));
    members.into_iter().chain(attributes).collect()
}
