//! JSON: documents one a line, in an array, or one after the other; rows are the documents or elements within them.
//!
//! A document whose rows are the elements of an array is gone through as it is read, unless a column is taken from around these
//! elements: then the document is held as a whole.

mod columns;

use std::cell::Cell;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::rc::Rc;
use std::sync::Arc;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value as Json};
use xxhash_rust::xxh3::xxh3_128;

use super::super::mapping::{Each, Mapping};
use super::super::path::{Arrays, Path, text};
use super::super::record::{Ended, Record, TakeRecord};
use super::layout::{self, INDEX};
use super::text::TextInput;
use crate::error::{Error, Result};
use columns::{ColumnsFound, chosen};

/// The longest line that is taken for one document.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// An open input of JSON.
pub(in crate::import) struct JsonReader<'m> {
    input: TextInput,
    plan: Plan<'m>,
}

/// Where in a document rows and columns are.
struct Plan<'m> {
    mapping: &'m Mapping,
    /// From a document to the records that are held one by one.
    outer: Arrays,
    /// From a record to its rows.
    inner: Arrays,
    /// For each column, the paths of its names.
    columns: Vec<Vec<Path>>,
    /// A document has the array of the records.
    reached: Cell<bool>,
    found: ColumnsFound,
}

impl<'m> JsonReader<'m> {
    /// Reads the paths of the mapping's columns.
    ///
    /// # Errors
    /// When the name of a column is not a path, or leads out of the document.
    pub(super) fn open(input: TextInput, mapping: &'m Mapping) -> Result<JsonReader<'m>> {
        let plan = Plan::of(mapping)?;
        Ok(JsonReader { input, plan })
    }

    /// Gives every record.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        let JsonReader { input, plan } = self;
        let file = input.file.clone();
        let bytes = JsonReader::read_documents(input, &plan, take)?;
        if plan.outer.depth() == 0 || plan.reached.get() || bytes == 0 {
            return Ok(plan.found.ended(plan.mapping, bytes));
        }
        let (array, mapping) = (plan.outer.first(), &plan.mapping.file);
        let message = format!("no document has the array `{array}`, which `rows` of {mapping} names");
        Err(Error::invalid(&*file, message).with_hint("leave `rows` out where each document is a row"))
    }

    /// Returns the bytes read.
    fn read_documents(input: TextInput, plan: &Plan<'_>, take: TakeRecord<'_>) -> Result<u64> {
        let file = input.file.clone();
        let is_array = input.first_byte() == Some(b'[');
        let mut input = BufReader::new(input.reader());
        if is_array {
            return documents(&file, input, plan, take);
        }
        // Documents one a line, unless the first line is not one.
        let mut first = Vec::new();
        let mut skipped = 0;
        while first.trim_ascii().is_empty() {
            first.clear();
            let read = line(&mut input, &mut first).map_err(|error| Error::invalid(&*file, error.to_string()))?;
            if read == 0 {
                return Ok(skipped);
            }
            skipped += read;
        }
        match serde_json::from_slice::<IgnoredAny>(&first) {
            Ok(_) => lines(&file, Cursor::new(first).chain(input), plan, take),
            Err(_) => documents(&file, Cursor::new(first).chain(input), plan, take),
        }
    }
}

/// Reads a line, at most as much of it as one document may have.
fn line(input: &mut impl BufRead, into: &mut Vec<u8>) -> std::io::Result<u64> {
    Ok(input.take(LINE_BYTES_MAX).read_until(b'\n', into)? as u64)
}

/// Documents one a line: one that cannot be read is a row with a problem.
fn lines(file: &Arc<str>, input: impl Read, plan: &Plan<'_>, take: TakeRecord<'_>) -> Result<u64> {
    let mut input = BufReader::new(input);
    let (mut number, mut offset) = (0, 0);
    let mut bytes = Vec::new();
    let mut record = Record::default();
    loop {
        bytes.clear();
        let read = line(&mut input, &mut bytes).map_err(|error| Error::invalid(&**file, error.to_string()))?;
        if read == 0 {
            return Ok(offset);
        }
        if read == LINE_BYTES_MAX {
            return Err(error_at(file, number + 1, format!("the line is longer than {} MiB", LINE_BYTES_MAX >> 20)));
        }
        number += 1;
        if !bytes.trim_ascii().is_empty() {
            match serde_json::from_slice::<Json>(&bytes) {
                Ok(document) => {
                    plan.document(document, &mut |value| plan.record(value, number, offset, &mut record, take))?
                }
                Err(error) => {
                    record.begin(number, offset);
                    record.problem = Some(format!("not JSON: {error}"));
                    take(&record, &|| Json::from(String::from_utf8_lossy(&bytes).trim_end()))?;
                }
            }
        }
        offset += read;
    }
}

/// Documents over several lines, or in an array, gone through as they are read.
fn documents(file: &Arc<str>, input: impl Read, plan: &Plan<'_>, take: TakeRecord<'_>) -> Result<u64> {
    let position = Rc::new(Cell::new((1, 0)));
    let counted = Counted { input: BufReader::new(input), position: position.clone() };
    let mut deserializer = Deserializer::from_reader(counted);
    let mut failure = None;
    let mut record = Record::default();
    loop {
        let mut give = |value: &Json| {
            let (line, offset) = position.get();
            plan.record(value, line, offset, &mut record, take).map_err(|error| failure = Some(error)).is_ok()
        };
        let members = plan.outer.members_to_first();
        let walk = Walk { members: members.as_deref(), plan, give: &mut give, is_top: true };
        let outcome = walk.deserialize(&mut deserializer);
        if let Some(error) = failure {
            return Err(error);
        }
        let at = |error: serde_json::Error| error_at(file, error.line() as u64, format!("not JSON: {error}"));
        outcome.map_err(at)?;
        if deserializer.end().is_ok() {
            return Ok(position.get().1);
        }
    }
}

impl<'m> Plan<'m> {
    fn of(mapping: &'m Mapping) -> Result<Plan<'m>> {
        let paths = |column: &super::super::mapping::Column| {
            let path = |name: &String| Path::parse(name).map_err(|reason| wrong(mapping, column.line, name, &reason));
            column.names.iter().map(path).collect::<Result<Vec<_>>>()
        };
        let columns = mapping.columns.iter().map(paths).collect::<Result<_>>()?;
        let rows = &mapping.input.rows;
        let highest = mapping.columns.iter().filter(|column| column.level == 0).max_by_key(|column| column.up);
        let up = highest.map_or(0, |column| column.up);
        if let Some(column) = highest
            && up > rows.depth()
        {
            let reason = "`../` leads out of the document";
            return Err(wrong(mapping, column.line, column.name(), reason));
        }
        // Where a column is taken from around the rows, what is around them is held.
        let streamed = if up < rows.depth() && rows.members_to_first().is_some() { 1 } else { 0 };
        let (outer, inner) = rows.split_at(streamed);
        Ok(Plan { mapping, outer, inner, columns, reached: Cell::new(false), found: ColumnsFound::of(mapping) })
    }

    /// Gives the records of a document that is held.
    fn document(&self, document: Json, take: &mut dyn FnMut(&Json) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        let is_there = |document: &Json| self.outer.has_first(document);
        let any = document.as_array().map_or_else(|| is_there(&document), |documents| documents.iter().any(is_there));
        self.reached.set(self.reached.get() || any);
        let mut give = |record: &Json| {
            if outcome.is_ok() {
                outcome = take(record);
            }
        };
        match document {
            Json::Array(documents) => documents.iter().for_each(|document| {
                self.outer.each(document, &mut |chain| chain.last().into_iter().for_each(|value| give(value)))
            }),
            document => self.outer.each(&document, &mut |chain| chain.last().into_iter().for_each(|value| give(value))),
        }
        outcome
    }

    /// Gives a record: its rows, and the elements that rules go through.
    fn record(&self, value: &Json, line: u64, offset: u64, record: &mut Record, take: TakeRecord<'_>) -> Result<()> {
        record.begin(line, offset);
        record.hash = xxh3_128(value.to_string().as_bytes());
        // A record that was set aside keeps the number that it had.
        let mut index = value.get(INDEX).and_then(Json::as_u64).unwrap_or(0);
        let mut numbers = vec![0; self.mapping.levels.len()];
        self.inner.each(value, &mut |row| {
            record.row(0, index);
            self.found.row(row.last().copied());
            self.cells(record, (0, index), row, &[]);
            index += 1;
            let Some(around) = row.last() else { return };
            for (number, (each, next)) in self.mapping.levels.iter().zip(&mut numbers).enumerate() {
                let Each::Elements(arrays) = each else { continue };
                arrays.each(around, &mut |element| {
                    record.row(number + 1, *next);
                    self.found.level(number + 1);
                    self.cells(record, (number + 1, *next), row, element);
                    *next += 1;
                });
            }
        });
        layout::add_parts(self.mapping, record);
        take(record, &|| value.clone())
    }

    /// The cells of a row or, at another level, of an element of it. Chains begin with what is around and end with the element.
    fn cells(&self, record: &mut Record, (level, index): (usize, u64), row: &[&Json], element: &[&Json]) {
        for (number, (column, paths)) in self.mapping.columns.iter().zip(&self.columns).enumerate() {
            let chain = match column.level {
                0 => row,
                of if of == level => element,
                _ => {
                    record.cell("");
                    continue;
                }
            };
            if column.name() == INDEX {
                self.found.column(number);
                let index = if column.level == 0 && level > 0 { 0 } else { index };
                record.cell(&index.to_string());
                continue;
            }
            let around = chain.len().checked_sub(1 + column.up).and_then(|position| chain.get(position));
            let found = around.and_then(|value| paths.iter().find_map(|path| path.find(value)));
            let found = found.and_then(|value| chosen(column.occurrence, value));
            match found {
                Some(value) => {
                    self.found.column(number);
                    record.cell(&text(&value));
                }
                None => record.cell(""),
            }
        }
    }
}

fn error_at(file: &str, line: u64, message: impl Into<String>) -> Error {
    Error::invalid(format!("{file}:{line}"), message)
}

fn wrong(mapping: &Mapping, line: usize, name: &str, reason: &str) -> Error {
    Error::invalid(format!("{}:{line}", mapping.file), format!("`{name}` is no path into JSON: {reason}"))
}

/// Goes into a document, along members to an array, and gives its elements; without an array, the document.
struct Walk<'w, 'p> {
    /// To the array; absent where the document itself is the record.
    members: Option<&'w [&'p str]>,
    plan: &'w Plan<'p>,
    /// Takes a record; false ends the reading.
    give: &'w mut dyn FnMut(&Json) -> bool,
    /// At the beginning of the input, where an array holds documents.
    is_top: bool,
}

impl Walk<'_, '_> {
    fn give<E: serde::de::Error>(&mut self, value: &Json) -> std::result::Result<(), E> {
        if (self.give)(value) { Ok(()) } else { Err(E::custom("the record was not taken")) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> std::result::Result<(), A::Error> {
        if self.is_top {
            let Walk { members, plan, give, .. } = self;
            while elements.next_element_seed(Walk { members, plan, give: &mut *give, is_top: false })?.is_some() {}
            return Ok(());
        }
        match self.members {
            Some([]) => {
                self.plan.reached.set(true);
                while let Some(value) = elements.next_element::<Json>()? {
                    self.give(&value)?;
                }
                Ok(())
            }
            Some(_) => {
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                Ok(())
            }
            None => {
                let mut values = Vec::new();
                while let Some(value) = elements.next_element()? {
                    values.push(value);
                }
                self.give(&Json::Array(values))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        match self.members {
            None => {
                let mut object = Map::new();
                while let Some((name, value)) = map.next_entry()? {
                    object.insert(name, value);
                }
                self.give(&Json::Object(object))
            }
            Some(members) => {
                let Walk { plan, give, .. } = self;
                while let Some(name) = map.next_key::<String>()? {
                    match members.split_first() {
                        Some((first, rest)) if *first == name => {
                            map.next_value_seed(Walk { members: Some(rest), plan, give: &mut *give, is_top: false })?;
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(())
            }
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }
}

/// Counts lines and bytes as they are read.
struct Counted<R> {
    input: R,
    position: Rc<Cell<(u64, u64)>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        let (line, offset) = self.position.get();
        let lines = buffer.get(..count).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        self.position.set((line + lines as u64, offset + count as u64));
        Ok(count)
    }
}
