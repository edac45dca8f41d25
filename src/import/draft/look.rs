//! What an export has: its columns, their values, and how it is written.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use serde_json::Value as Json;

use super::super::mapping::Mapping;
use super::super::path;
use super::super::reader::table::DELIMITERS;
use super::super::reader::text::{self, TextInput};
use super::super::reader::{self, Reader};
use crate::error::{Error, Result};
use crate::input::records::{Dialect, Records};
use crate::input::signature;
use crate::input::source::Source;

/// How many different values of a column are kept.
const VALUES_MAX: usize = 2000;
/// The longest JSON that is looked at.
const JSON_BYTES_MAX: u64 = 256 << 20;
/// How deep members of a document are columns.
const DEPTH_MAX: usize = 4;
/// A mapping that names no column.
const NO_COLUMNS: &str = "source = \"look\"\ngrace_period = \"1d\"\ntime = \"@index\"\ncase.id = \"@index\"\n\
                          [[event]]\ntype = \"case.closed\"\non = \"row\"\n";

/// What an export has.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) file: String,
    /// Absent in JSON.
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<&'static str>,
    pub(super) skip_lines: u64,
    /// Rows with more or fewer cells than the header.
    pub(super) rows_uneven: u64,
    /// The path to the rows of a document.
    pub(super) rows_path: Option<String>,
    /// Paths to elements within a row, with how many there are and the names of their members.
    pub(super) each: BTreeMap<String, (u64, Vec<String>)>,
    pub(super) rows: u64,
    pub(super) columns: Vec<LookColumn>,
}

/// A column, or a path of a document.
#[derive(Debug, Default)]
pub(super) struct LookColumn {
    pub(super) name: String,
    /// Another column has this name.
    pub(super) repeated: bool,
    pub(super) filled: u64,
    /// Values with their counts; of very many, the first ones.
    pub(super) values: HashMap<String, u64>,
    /// There are more values than were kept.
    pub(super) cut: bool,
}

impl LookColumn {
    fn add(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.filled += 1;
        let has_place = self.values.len() < VALUES_MAX;
        match self.values.get_mut(text) {
            Some(count) => *count += 1,
            None if has_place => drop(self.values.insert(text.to_owned(), 1)),
            None => self.cut = true,
        }
    }

    /// The values, the most frequent first.
    pub(super) fn frequent(&self) -> Vec<(&str, u64)> {
        let mut values: Vec<_> = self.values.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        values.sort_by(|(one, first), (other, second)| second.cmp(first).then(one.cmp(other)));
        values
    }

    /// Whether no two of its rows have the same value, as far as values were kept.
    pub(super) fn is_distinct(&self) -> bool {
        self.filled > 0 && self.values.values().all(|count| *count == 1)
    }
}

/// Looks at an export.
pub(super) fn look(export: &Source) -> Result<Look> {
    let plain = Mapping::parse("look", NO_COLUMNS, Path::new(""))?;
    if reader::has_typed_cells(export)? {
        return of_cells(export, &plain);
    }
    let input = text::open(export, &plain)?;
    let file = input.file.to_string();
    let is_foreign = std::str::from_utf8(&input.head).is_err_and(|error| error.error_len().is_some());
    let (input, encoding) = if is_foreign {
        let encoded = Mapping::parse("look", &format!("encoding = \"windows-1252\"\n{NO_COLUMNS}"), Path::new(""))?;
        (text::open(export, &encoded)?, Some("windows-1252"))
    } else {
        (input, None)
    };
    let look = Look { file, encoding, ..Look::default() };
    if signature::ocel_text(&input.head).is_some() {
        let error = Error::invalid(&*look.file, "found an event log in OCEL, expected a table or JSON");
        return Err(error.with_hint(
            "the built-in mapping `ocel` reads it; write a copy of it with the types and words of your log",
        ));
    }
    match input.first_byte() {
        Some(b'{' | b'[') => of_json(look, input),
        Some(b'<') => Err(Error::invalid(&*look.file, "found XML, expected a table or JSON")
            .with_hint("an event log in XES has the built-in mapping `xes`")),
        _ => of_table(look, input),
    }
}

/// A workbook, of which the first worksheet with rows is looked at, or Parquet.
fn of_cells(export: &Source, plain: &Mapping) -> Result<Look> {
    let mut look = Look { file: export.name(), ..Look::default() };
    let mut paths = BTreeMap::new();
    Reader::open(export, plain)?.read(&mut |_, whole| {
        row(&mut look, &mut paths, &whole());
        Ok(())
    })?;
    Ok(look)
}

fn of_table(mut look: Look, input: TextInput) -> Result<Look> {
    const ADVICE: &str = "look for a quote that is never closed";
    let stated = input.head.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep="));
    let (delimiter, line) = header_of(&input.head);
    look.delimiter = Some(delimiter);
    look.skip_lines = (line - 1).saturating_sub(u64::from(stated));
    let (input, _) = input.after_lines(line - 1)?;
    let file = look.file.clone();
    let mut records =
        Records::of(input, Dialect { delimiter, quote: b'"' }).map_err(|cause| cause.of(&file, ADVICE))?;
    let header = records.header().to_vec();
    let repeated = |name: &String| header.iter().filter(|other| *other == name).count() > 1;
    let column = |name: &String| LookColumn { name: name.clone(), repeated: repeated(name), ..LookColumn::default() };
    look.columns = header.iter().map(column).collect();
    while let Some(record) = records.next_record().map_err(|cause| cause.of(&file, ADVICE))? {
        look.rows += 1;
        look.rows_uneven += u64::from(record.fields.iter().count() != header.len());
        for (column, text) in look.columns.iter_mut().zip(record.fields.iter()) {
            column.add(&String::from_utf8_lossy(text));
        }
    }
    Ok(look)
}

/// The delimiter of a table, and the line of its header: the first record as wide as most are.
fn header_of(head: &[u8]) -> (u8, u64) {
    let guess = |delimiter: u8| {
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(head);
        let records: Vec<_> = reader.into_byte_records().take(50).flatten().collect();
        let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
        for record in &records {
            *widths.entry(record.len()).or_default() += 1;
        }
        let width = widths.into_iter().filter(|(width, _)| *width > 1).max_by_key(|(_, count)| *count);
        let width = width.map_or(1, |(width, _)| width);
        let first = records.iter().find(|record| record.len() >= width.max(2));
        let line = first.and_then(|record| record.position()).map_or(1, csv::Position::line);
        // The position of a record is before the blank lines that precede it.
        let lines = head.split(|byte| *byte == b'\n').skip(usize::try_from(line - 1).unwrap_or(0));
        (width, line + lines.take_while(|line| line.trim_ascii().is_empty()).count() as u64)
    };
    let best =
        DELIMITERS.into_iter().rev().map(|delimiter| (guess(delimiter), delimiter)).max_by_key(|(found, _)| found.0);
    best.map_or((b',', 1), |((_, line), delimiter)| (delimiter, line))
}

fn of_json(mut look: Look, input: TextInput) -> Result<Look> {
    let file = look.file.clone();
    let documents = serde_json::Deserializer::from_reader(input.reader().take(JSON_BYTES_MAX)).into_iter::<Json>();
    let mut paths = BTreeMap::new();
    for document in documents {
        let document = document.map_err(|error| Error::invalid(&*file, format!("not JSON: {error}")))?;
        match &document {
            Json::Array(elements) => elements.iter().for_each(|element| row(&mut look, &mut paths, element)),
            document => {
                if look.rows == 0 {
                    look.rows_path = rows_within(document).map(|path| format!("{path}[]"));
                }
                let name = look.rows_path.as_deref().and_then(|path| path.strip_suffix("[]"));
                match name
                    .and_then(|name| name.split('.').try_fold(document, |value, name| value.get(name)))
                    .and_then(Json::as_array)
                {
                    Some(elements) => elements.iter().for_each(|element| row(&mut look, &mut paths, element)),
                    None => row(&mut look, &mut paths, document),
                }
            }
        }
    }
    Ok(look)
}

/// The path to the rows of a document: the longest array of objects below it. None of a document that is a row itself.
fn rows_within(document: &Json) -> Option<String> {
    let is_row = |document: &Json| ["id", "key", "number"].iter().any(|name| document.get(name).is_some());
    if is_row(document) { None } else { longest(document, 0).map(|(_, path)| path) }
}

fn longest(value: &Json, depth: usize) -> Option<(usize, String)> {
    let of = |(name, value): (&String, &Json)| match value {
        Json::Array(elements) if elements.first().is_some_and(Json::is_object) => Some((elements.len(), name.clone())),
        Json::Object(_) if depth + 1 < DEPTH_MAX => {
            longest(value, depth + 1).map(|(count, path)| (count, format!("{name}.{path}")))
        }
        _ => None,
    };
    value.as_object()?.iter().filter_map(of).max_by_key(|(count, _)| *count)
}

/// Takes the members of a row as columns.
fn row(look: &mut Look, paths: &mut BTreeMap<String, usize>, value: &Json) {
    look.rows += 1;
    members(look, paths, "", value, 0);
}

fn members(look: &mut Look, paths: &mut BTreeMap<String, usize>, around: &str, value: &Json, depth: usize) {
    let Some(object) = value.as_object() else { return };
    for (name, value) in object {
        let path = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
        match value {
            Json::Object(_) if depth + 1 < DEPTH_MAX => members(look, paths, &path, value, depth + 1),
            Json::Array(elements) if elements.iter().any(Json::is_object) => {
                each(look, &format!("{path}[]"), elements, depth)
            }
            value => {
                let next = look.columns.len();
                let number = *paths.entry(path.clone()).or_insert(next);
                if number == next {
                    look.columns.push(LookColumn { name: path, ..LookColumn::default() });
                }
                if let Some(column) = look.columns.get_mut(number) {
                    column.add(&path::text(value));
                }
            }
        }
    }
}

/// Counts the elements of an array, and those of the arrays within them.
fn each(look: &mut Look, path: &str, elements: &[Json], depth: usize) {
    let (count, names) = look.each.entry(path.to_owned()).or_default();
    *count += elements.len() as u64;
    for name in elements.iter().filter_map(Json::as_object).flat_map(|element| element.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    for (name, value) in elements.iter().filter_map(Json::as_object).flatten() {
        if let Some(inner) = value.as_array().filter(|inner| depth < DEPTH_MAX && inner.iter().any(Json::is_object)) {
            each(look, &format!("{path}.{name}[]"), inner, depth + 1);
        }
    }
}
