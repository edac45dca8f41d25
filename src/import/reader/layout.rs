//! Columns of a table: where those that the mapping names are.

use jiff::SignedDuration;
use serde_json::{Map, Value as Json};
use xxhash_rust::xxh3::Xxh3;

use super::super::mapping::{Column, Each, Mapping, Occurrence};
use super::super::path;
use super::super::record::Record;
use super::super::view::RowView;
use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// The number of the row among those of its level, as a column.
pub(super) const INDEX: &str = "@index";

/// How many columns of an input an error shows.
pub(in crate::import) const SHOWN_COLUMNS: usize = 30;

/// For each column of the mapping its position in a table, and of all columns of one name each; none for those that are not of the
/// record.
pub(super) struct Layout {
    positions: Vec<Vec<usize>>,
}

impl Layout {
    /// Finds the mapping's columns in a header. `place` is where the header is, `found` what else it may be.
    ///
    /// # Errors
    /// A column that the table lacks, or has twice where the mapping does not choose one of them.
    pub(super) fn of(mapping: &Mapping, header: &[String], place: &str, found: Option<String>) -> Result<Layout> {
        let position = |column: &Column| {
            if column.level > 0 || column.name() == INDEX {
                return Ok(Vec::new());
            }
            match find(column, header) {
                Found::At(positions) => Ok(positions),
                Found::Several(positions) => Err(several(mapping, column, place, &positions)),
                Found::Nowhere if column.optional => Ok(Vec::new()),
                Found::Nowhere => Err(missing(mapping, column, place, header, found.as_deref())),
            }
        };
        check_flat(mapping, place)?;
        Ok(Layout { positions: mapping.columns.iter().map(position).collect::<Result<_>>()? })
    }

    /// The positions in the table that the mapping takes from.
    pub(super) fn used(&self) -> impl Iterator<Item = usize> {
        self.positions.iter().flatten().copied()
    }

    /// Adds the rows of a record whose cells are `texts`.
    pub(super) fn fill<T: AsRef<str>>(&self, mapping: &Mapping, index: u64, texts: &[T], record: &mut Record) {
        record.row(0, index);
        let text = |position: &usize| texts.get(*position).map_or("", AsRef::as_ref);
        for (positions, column) in self.positions.iter().zip(&mapping.columns) {
            match positions.as_slice() {
                positions if column.occurrence == Occurrence::All => {
                    let texts = positions.iter().map(|position| Json::from(text(position)));
                    record.cell(&path::text(&path::not_empty(texts.collect())));
                }
                [position, ..] => record.cell(text(position)),
                [] if column.level == 0 && column.name() == INDEX => record.cell(&index.to_string()),
                [] => record.cell(""),
            }
        }
        add_parts(mapping, record);
    }
}

/// Refuses what only JSON has: elements of arrays, and what is around a row.
///
/// # Errors
/// Where the mapping has it.
pub(super) fn check_flat(mapping: &Mapping, place: &str) -> Result<()> {
    if mapping.levels.iter().any(|each| matches!(each, Each::Elements(_))) {
        let message = "the mapping goes through the elements of arrays: it is for JSON, and this input is a table";
        let hint = "in a table, `each` takes a cell that is cut up: `each = { column = \"Tags\", separator = \" \" }`";
        return Err(Error::invalid(place, message).with_hint(hint));
    }
    if let Some(column) = mapping.columns.iter().find(|column| column.level == 0 && column.up > 0) {
        let message = format!("`../` before `{}`, which {}:{} names", column.name(), mapping.file, column.line);
        let hint = "the rows of a table have nothing around them; `../` is for `each`, and for JSON";
        return Err(Error::invalid(place, message).with_hint(hint));
    }
    Ok(())
}

/// How many of the mapping's columns a header has.
pub(super) fn known_columns(mapping: &Mapping, header: &[String]) -> usize {
    let of_record = mapping.columns.iter().filter(|column| column.level == 0 && column.name() != INDEX);
    of_record.filter(|column| !matches!(find(column, header), Found::Nowhere)).count()
}

enum Found {
    /// One position, or those of all columns of the name.
    At(Vec<usize>),
    /// Positions of several columns of the name, of which the mapping chooses none.
    Several(Vec<usize>),
    Nowhere,
}

fn find(column: &Column, header: &[String]) -> Found {
    for name in &column.names {
        let same = |(position, known): (usize, &String)| (known == name).then_some(position);
        let positions: Vec<usize> = header.iter().enumerate().filter_map(same).collect();
        match (positions.as_slice(), column.occurrence) {
            ([], _) => {}
            (positions, Occurrence::Number(number)) => {
                return positions.get(number - 1).map_or(Found::Nowhere, |position| Found::At(vec![*position]));
            }
            ([_], Occurrence::Only) | (_, Occurrence::All) => return Found::At(positions),
            (_, Occurrence::Only) => return Found::Several(positions),
        }
    }
    Found::Nowhere
}

fn several(mapping: &Mapping, column: &Column, place: &str, positions: &[usize]) -> Error {
    let name = column.name();
    let numbers: Vec<String> = positions.iter().map(|position| (position + 1).to_string()).collect();
    let times = if positions.len() == 2 { "twice".to_owned() } else { format!("{} times", positions.len()) };
    let message = format!(
        "the column `{name}` is there {times}, as columns {}; {}:{} does not choose one",
        numbers.join(" and "),
        mapping.file,
        column.line
    );
    let hint = format!(
        "write `{{ column = \"{name}\", occurrence = 2 }}` for the second of them, `occurrence = \"all\"` for a list of all"
    );
    Error::invalid(place, message).with_hint(hint)
}

fn missing(mapping: &Mapping, column: &Column, place: &str, header: &[String], found: Option<&str>) -> Error {
    let names = column.any_name();
    let occurrence = match column.occurrence {
        Occurrence::Number(number) => format!(" number {number}"),
        Occurrence::Only | Occurrence::All => String::new(),
    };
    let shown: Vec<String> = header.iter().take(SHOWN_COLUMNS).map(|name| format!("`{name}`")).collect();
    let more = if header.len() > SHOWN_COLUMNS {
        format!(" and {} more", header.len() - SHOWN_COLUMNS)
    } else {
        String::new()
    };
    let message = format!(
        "no column {names}{occurrence}, which {}:{} names; the header has {}{more}",
        mapping.file,
        column.line,
        shown.join(", ")
    );
    let there = header.iter().filter(|name| *name == column.name()).count();
    let near = match there {
        0 => did_you_mean(column.name(), header.iter().map(String::as_str)),
        count => {
            Some(format!("the header has that column {count} times; with `optional = true` an input may have fewer"))
        }
    };
    let optional = "where an export lacks it, write `optional = true` beside its name".to_owned();
    let of_copy = mapping.how_to_copy().map(|copy| format!("{optional}; {copy}"));
    let for_documents = || {
        let stated = mapping.input.rows.depth() > 0;
        stated.then(|| "`rows` of the mapping leads into JSON, and this input is a table".to_owned())
    };
    Error::invalid(place, message)
        .with_any_hint(found.map(str::to_owned).or_else(for_documents).or(of_copy).or(near).or(Some(optional)))
}

/// Adds the rows of the levels that cut up a cell or count by it, after each row of the record.
pub(super) fn add_parts(mapping: &Mapping, record: &mut Record) {
    for (number, each) in mapping.levels.iter().enumerate() {
        let parts: Vec<(usize, Vec<String>)> = match each {
            Each::Elements(_) => continue,
            Each::Parts { cell, separator } => {
                of_rows(mapping, record, |view| parts(&view.text(cell), separator.as_deref()))
            }
            Each::Times(cell) => of_rows(mapping, record, |view| {
                let count: u64 = view.text(cell).trim().parse().unwrap_or(0);
                (1..=count.min(TIMES_MAX)).map(|number| number.to_string()).collect()
            }),
        };
        let mut index = 0;
        for (row, parts) in parts {
            for part in parts {
                record.row(number + 1, index);
                index += 1;
                for (position, column) in mapping.columns.iter().enumerate() {
                    match column.level {
                        0 => record.same_cell(row, position),
                        level if level == number + 1 && column.name() == INDEX => record.cell(&(index - 1).to_string()),
                        level if level == number + 1 => record.cell(&part),
                        _ => record.cell(""),
                    }
                }
            }
        }
    }
}

/// The parts of a text that are not empty.
fn parts(text: &str, separator: Option<&str>) -> Vec<String> {
    let parts: Vec<String> = match (separator, path::elements(text)) {
        (Some(separator), _) => text.split(separator).map(|part| part.trim().to_owned()).collect(),
        (None, Some(elements)) => elements.iter().map(|element| path::text(element).into_owned()).collect(),
        (None, None) => vec![text.to_owned()],
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// The most events that one cell may count.
const TIMES_MAX: u64 = 10_000;

/// What each row of level 0 gives.
fn of_rows(
    mapping: &Mapping,
    record: &Record,
    parts: impl Fn(RowView<'_>) -> Vec<String>,
) -> Vec<(usize, Vec<String>)> {
    let rows = record.rows(mapping.columns.len()).enumerate().filter(|(_, row)| row.level == 0);
    rows.map(|(number, row)| (number, parts(RowView::of(&row.cells)))).collect()
}

/// A row of a table as a JSON object. Several columns of one name are an array; a cell without a column has its number.
pub(super) fn object<T: AsRef<str>>(header: &[String], texts: &[T]) -> Json {
    let mut object = Map::new();
    for (position, text) in texts.iter().enumerate() {
        let name = header.get(position).cloned().unwrap_or_else(|| format!("#{}", position + 1));
        let text = Json::from(text.as_ref());
        match object.get_mut(&name) {
            None => drop(object.insert(name, text)),
            Some(Json::Array(texts)) => texts.push(text),
            Some(first) => *first = Json::Array(vec![first.take(), text]),
        }
    }
    Json::Object(object)
}

/// A hash of a whole record of a table, columns that the mapping does not name included.
pub(super) fn hash<'f>(fields: impl Iterator<Item = &'f [u8]>) -> u128 {
    let mut hash = Xxh3::new();
    for field in fields {
        hash.update(&(field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    hash.digest128()
}

/// A duration as `hh:mm:ss`, with a fraction where there is one.
pub(super) fn clock(time: SignedDuration) -> String {
    let sign = if time.is_negative() { "-" } else { "" };
    let time = time.unsigned_abs();
    let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
    let fraction = format!(".{nanos:09}");
    let fraction = if nanos == 0 { "" } else { fraction.trim_end_matches('0') };
    format!("{sign}{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
