//! JSON: documents one a line, in an array, or one after the other; rows are the documents or elements within them.
//!
//! A document whose rows are the elements of an array is gone through as it is read, unless a column is taken from around these
//! elements: then the document is held as a whole.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::super::mapping::Mapping;
use super::super::path::Arrays;
use super::super::record::{Ended, Record, TakeRecord};
use super::elements::{self, Wanted};
use super::plan::Plan;
use super::text::TextInput;
use crate::error::{Error, Result};

/// The longest line that is taken for one document.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// An open input of JSON.
pub(in crate::import) struct JsonReader<'m> {
    input: TextInput,
    records: Records<'m>,
}

/// The records of documents.
struct Records<'m> {
    /// From a document to the records that are held one by one.
    array: Arrays,
    plan: Plan<'m>,
    /// A document has the array.
    has_array: bool,
    record: Record,
}

impl<'m> JsonReader<'m> {
    /// Reads the paths of the mapping's columns.
    ///
    /// # Errors
    /// When the name of a column is not a path, or leads out of the document.
    pub(super) fn open(input: TextInput, mapping: &'m Mapping) -> Result<JsonReader<'m>> {
        let (array, plan) = Plan::of_elements(mapping)?;
        Ok(JsonReader { input, records: Records { array, plan, has_array: false, record: Record::default() } })
    }

    /// Gives every record.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        let JsonReader { input, mut records } = self;
        let file = input.file.clone();
        let bytes = read_documents(input, &mut records, take)?;
        if records.array.depth() == 0 || records.has_array || bytes == 0 {
            return Ok(records.plan.ended(bytes));
        }
        let (array, mapping) = (records.array.first(), &records.plan.mapping.file);
        let message = format!("no document has the array `{array}`, which `rows` of {mapping} names");
        Err(Error::invalid(&*file, message).with_hint("leave `rows` out where each document is a row"))
    }
}

/// Returns the bytes read.
fn read_documents(input: TextInput, records: &mut Records<'_>, take: TakeRecord<'_>) -> Result<u64> {
    let file = input.file.clone();
    let is_array = input.first_byte() == Some(b'[');
    let mut input = BufReader::new(input.reader());
    if is_array {
        return documents(&file, input, records, take);
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
        Ok(_) => lines(&file, Cursor::new(first).chain(input), records, take),
        Err(_) => documents(&file, Cursor::new(first).chain(input), records, take),
    }
}

/// Reads a line, at most as much of it as one document may have.
fn line(input: &mut impl BufRead, into: &mut Vec<u8>) -> std::io::Result<u64> {
    Ok(input.take(LINE_BYTES_MAX).read_until(b'\n', into)? as u64)
}

/// Documents one a line: one that cannot be read is a row with a problem.
fn lines(file: &Arc<str>, input: impl Read, records: &mut Records<'_>, take: TakeRecord<'_>) -> Result<u64> {
    let mut input = BufReader::new(input);
    let (mut number, mut offset) = (0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = line(&mut input, &mut bytes).map_err(|error| Error::invalid(&**file, error.to_string()))?;
        if read == 0 {
            return Ok(offset);
        }
        number += 1;
        if read == LINE_BYTES_MAX {
            let message = format!("the line is longer than {} MiB", LINE_BYTES_MAX >> 20);
            return Err(Error::invalid(format!("{file}:{number}"), message));
        }
        if !bytes.trim_ascii().is_empty() {
            match serde_json::from_slice::<Json>(&bytes) {
                Ok(document) => records.document(&document, (number, offset), take)?,
                Err(error) => {
                    let record = &mut records.record;
                    record.begin(number, offset);
                    record.problem = Some(format!("not JSON: {error}"));
                    take(record, &|| Json::from(String::from_utf8_lossy(&bytes).trim_end()))?;
                }
            }
        }
        offset += read;
    }
}

/// Documents over several lines, or in an array, gone through as they are read.
fn documents(file: &Arc<str>, input: impl Read, records: &mut Records<'_>, take: TakeRecord<'_>) -> Result<u64> {
    let array = records.array.clone();
    let wanted = Wanted::new(array.members_to_first().into_iter().collect());
    let bytes =
        elements::each(file, input, &wanted, &mut |_, value, end| records.record(value, (end.line, end.offset), take))?;
    records.has_array |= wanted.has_reached(0);
    Ok(bytes)
}

impl Records<'_> {
    /// Gives the records of a document that is held.
    fn document(&mut self, document: &Json, place: (u64, u64), take: TakeRecord<'_>) -> Result<()> {
        let documents = document.as_array().map_or(std::slice::from_ref(document), Vec::as_slice);
        let array = self.array.clone();
        self.has_array |= documents.iter().any(|document| array.has_first(document));
        let mut outcome = Ok(());
        for document in documents {
            array.each(document, &mut |chain| {
                if let (Some(value), Ok(())) = (chain.last(), &outcome) {
                    outcome = self.record(value, place, take);
                }
            });
        }
        outcome
    }

    fn record(&mut self, value: &Json, (line, offset): (u64, u64), take: TakeRecord<'_>) -> Result<()> {
        self.record.begin(line, offset);
        self.plan.fill(value, &mut self.record);
        take(&self.record, &|| value.clone())
    }
}
