//! From TOML to a [`Mapping`]: every key and every name is checked, and every error has its line.

mod cells;
mod events;
mod parser;
mod times;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::cell::{Cell, RowChoice};
use super::document::{Document, Item, Section};
use super::lookup::{LookupTable, LookupTables};
use super::mapping::*;
use super::path::Arrays;
use crate::error::{Error, Result};
use crate::input::records::Dialect;
use crate::model::event::EventType;
use crate::model::hours::OpenHours;
use crate::model::time::parse_duration_ms;
use crate::store::project;
use parser::Parser;

/// `never`, for a desk that closes nothing: the longest grace period that is sure to be a duration, 273 years.
const NEVER: &str = "99999d";

const ROOT_KEYS: &[&str] = &[
    "source",
    "grace_period",
    "delimiter",
    "quote",
    "encoding",
    "skip_lines",
    "uneven_rows",
    "rows",
    "worksheet",
    "tables",
    "calendars",
    "key",
    "snapshots",
    "sequence",
    "time",
    "case",
    "filter",
    "leave_out",
    "event",
];

const CASE_KEYS: &[&str] = &["id", "thread", "route", "order"];

impl Mapping {
    /// Reads and checks a mapping file, and the tables that it looks cells up in.
    ///
    /// # Errors
    /// When it cannot be read, and where it states something unknown: with file, line and the nearest name.
    pub fn read(path: &Path) -> Result<Mapping> {
        let text = project::read_text(path).map_err(Error::file(path))?;
        mapping(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks the text of a mapping; `file` is its name in errors, and the tables that it looks cells up in are in `folder`.
    ///
    /// # Errors
    /// As [`Mapping::read`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Mapping> {
        mapping(file, text, folder)
    }
}

fn mapping(file: &str, text: &str, folder: &Path) -> Result<Mapping> {
    let file: Arc<str> = file.into();
    let document = Document::new(file.clone(), text);
    let table = document.parse()?;
    let root = document.root(table.get_ref(), ROOT_KEYS)?;
    let mut parser = Parser { tables: tables(&root, folder)?, calendars: calendars(&root)?, ..Parser::default() };
    let source = source(&root.need("source")?)?;
    let grace = grace(&root.need("grace_period")?)?;
    let input = input(&root)?;
    let key = parser.key(&root)?;
    let time = parser.time_rule(&root.need("time")?, &[RowChoice::Current])?;
    parser.time = Some(time.clone());
    let sequence = root.get("sequence").map(|item| parser.row_cell(&item)).transpose()?;
    let filters = root.list("filter")?;
    let filters = filters.iter().map(|item| parser.condition(item, &[], &[RowChoice::Current]));
    let filters = filters.collect::<Result<_>>()?;
    let leave_out = root.list("leave_out")?.iter().map(|item| parser.leave_out(item)).collect::<Result<_>>()?;
    let order = parser.order(&root)?;
    let case = parser.case(&root.need("case")?)?;
    let events = parser.events(&root)?;
    let snapshots = root.flag("snapshots")?;
    if matches!(case, CaseOf::Route { .. }) {
        check_routed(&root.need("case")?, &events, snapshots)?;
    }
    let Parser { columns, levels, .. } = parser;
    Ok(Mapping {
        file,
        source,
        grace,
        input,
        columns,
        levels,
        filters,
        key,
        snapshots,
        time,
        sequence,
        case,
        order,
        leave_out,
        events,
    })
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
    let period_ms = parse_duration_ms(period).map_err(|reason| item.error(reason, None))?;
    Ok(Grace { period_ms, period: period.to_owned(), line: item.line(), offset: item.offset() })
}

/// Every key of a mapping.
#[cfg(test)]
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    ROOT_KEYS
        .iter()
        .copied()
        .chain(cells::known_keys())
        .chain(times::TIME_KEYS.iter().chain(times::PLUS_KEYS).copied())
        .chain(events::EVENT_KEYS.iter().copied())
}

/// How the inputs are read.
fn input(root: &Section<'_>) -> Result<InputRules> {
    let encoding = |item: Item<'_>| {
        let label = item.some_text()?;
        encoding_rs::Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            let hint = "write `windows-1250`, `iso-8859-2`, `utf-16le` or another name of the WHATWG encoding standard";
            item.error(format!("unknown encoding `{label}`"), Some(hint.to_owned()))
        })
    };
    let rows = |item: Item<'_>| Arrays::parse(item.some_text()?).map_err(|reason| item.error(reason, None));
    Ok(InputRules {
        delimiter: root.get("delimiter").map(|item| byte(&item)).transpose()?,
        quote: root.get("quote").map_or(Ok(b'"'), |item| byte(&item))?,
        encoding: root.get("encoding").map(encoding).transpose()?,
        skip_lines: root.get("skip_lines").map_or(Ok(0), |item| item.count())?,
        uneven_rows: root.flag("uneven_rows")?,
        worksheet: root
            .get("worksheet")
            .map(|item| Ok::<_, Error>((item.some_text()?.to_owned(), item.line())))
            .transpose()?,
        rows: root.get("rows").map(rows).transpose()?.unwrap_or_default(),
    })
}

/// The tables that cells are looked up in, beside the mapping.
fn tables(root: &Section<'_>, folder: &Path) -> Result<LookupTables> {
    let mut tables = LookupTables::new();
    let Some(item) = root.get("tables") else { return Ok(tables) };
    for (name, item) in item.entries()? {
        let section = item.section(&["file", "key", "delimiter", "quote"])?;
        let dialect = Dialect {
            delimiter: section.get("delimiter").map_or(Ok(b','), |item| byte(&item))?,
            quote: section.get("quote").map_or(Ok(b'"'), |item| byte(&item))?,
        };
        let file = folder.join(section.need("file")?.some_text()?);
        let read = LookupTable::read(&file, dialect, section.need("key")?.some_text()?);
        let absent = || {
            let message = format!("the table {}, in which cells are looked up, is not there", file.display());
            let hint = "it is a file beside the mapping; for one that comes with the program, docs/imports shows how to \
                        make it";
            Error::invalid(item.place(), message).with_hint(hint)
        };
        tables.insert(name, read.map_err(|error| if file.is_file() { error } else { absent() })?);
    }
    Ok(tables)
}

/// What holds of a mapping that routes messages: the case of a row may have begun in an earlier import, and a case is created by a
/// message, with the customer.
fn check_routed(case: &Item<'_>, events: &[EventRule], snapshots: bool) -> Result<()> {
    let creations = events.iter().filter(|rule| rule.kind == EventType::CaseCreated);
    let is_one = matches!(creations.collect::<Vec<_>>().as_slice(), [rule] if matches!(rule.on, On::First));
    let problem = if !is_one {
        "messages are routed into cases: expected one `case.created` with `on = \"first\"`"
    } else if !events.iter().any(|rule| rule.kind == EventType::MessageReceived && matches!(rule.on, On::Row)) {
        "messages are routed into cases that `message.received` opens: expected one with `on = \"row\"`"
    } else if events.iter().any(|rule| matches!(rule.on, On::Once) || rule.takes_of_first_row()) {
        "messages are routed into cases whose first row may be in an earlier import: expected no `root` and no `once`"
    } else if snapshots {
        "messages are routed into cases: expected no `snapshots`"
    } else {
        return Ok(());
    };
    Err(case.error(problem, None))
}

/// The calendars by which durations are counted.
fn calendars(root: &Section<'_>) -> Result<BTreeMap<String, Arc<OpenHours>>> {
    let calendars = root.get("calendars").map_or(Ok(Vec::new()), |item| item.entries())?;
    calendars.into_iter().map(|(name, item)| Ok((name.clone(), times::calendar(&name, &item)?))).collect()
}

fn byte(item: &Item<'_>) -> Result<u8> {
    match item.text()?.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(item.error("found more or less than one byte, expected one character of ASCII", None)),
    }
}

impl Parser {
    fn leave_out(&mut self, item: &Item<'_>) -> Result<LeaveOut> {
        let condition = self.condition(item, &["name"], &[RowChoice::Current, RowChoice::First])?;
        let of_first = |cell| Cell { row: RowChoice::First, ..cell };
        Ok(LeaveOut { name: item.member("name")?.some_text()?.to_owned(), condition: condition.with_cells(&of_first) })
    }

    fn case(&mut self, item: &Item<'_>) -> Result<CaseOf> {
        let section = item.section(CASE_KEYS)?;
        match (section.get("id"), section.get("thread"), section.get("route")) {
            (Some(id), None, None) => Ok(CaseOf::Column(self.row_cell(&id)?)),
            (None, Some(thread), None) => {
                let thread = thread.section(&["id", "parent"])?;
                Ok(CaseOf::Thread {
                    id: self.row_cell(&thread.need("id")?)?,
                    parent: self.row_cell(&thread.need("parent")?)?,
                })
            }
            (None, None, Some(message)) => Ok(CaseOf::Route { message: self.row_cell(&message)? }),
            _ => {
                let message = "expected one of `id`, the column of the case, `thread`, an `id` and a `parent` column, and `route`, the \
                               column of the id of a message without a case";
                Err(section.error(message, None))
            }
        }
    }

    fn order(&mut self, root: &Section<'_>) -> Result<Vec<OrderKey>> {
        let items = match root.get("case").filter(Item::is_table) {
            Some(case) => case.section(CASE_KEYS)?.list("order")?,
            None => Vec::new(),
        };
        match items.as_slice() {
            [] => Ok(vec![OrderKey::Time, OrderKey::Sequence]),
            items => items.iter().map(|item| self.order_key(item)).collect(),
        }
    }

    /// `"time"`, `"sequence"`, or `{ column = …, as = "text" }`.
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
        let section = item.section(&[cells::CELL_KEYS, &["as"]].concat())?;
        let cell = self.cell(item, &section, &[RowChoice::Current])?;
        match section.get("as").map(|item| Ok::<_, Error>((item.text()?, item))).transpose()? {
            None | Some(("integer", _)) => Ok(OrderKey::Integer(cell)),
            Some(("text", _)) => Ok(OrderKey::Text(cell)),
            Some((other, item)) => Err(item.unknown("type of order key", other, ["text", "integer"])),
        }
    }
}
