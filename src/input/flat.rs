//! Flat inputs: events whose attributes and members are columns (1.5), one row per event, turned into lines.
//!
//! A cell of text becomes JSON of the type of its member. A cell that has no such value stays a text, so that the check of
//! lines refuses it by the member's name, as it refuses a line with that text.

pub mod csv_rows;
pub mod parquet_rows;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::IgnoredAny;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::model::event::EventType;
use crate::spelling::did_you_mean;
use crate::wire::members;
use crate::wire::members::JsonType;

/// Rows that become one piece; fewer when they are long.
const PIECE_ROWS: usize = 4096;
const PIECE_BYTES: usize = 4 << 20;

const ATTRIBUTES: [&str; 7] = ["specversion", "id", "source", "type", "subject", "time", "sequence"];
const REQUIRED: [&str; 5] = ["id", "source", "type", "subject", "time"];

/// The value of one column in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Absent,
    /// Text, whose meaning depends on the column.
    Text(Cow<'a, str>),
    /// A value whose column has a type: JSON already.
    Json(Vec<u8>),
}

/// What a column is to an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    Attribute(&'static str),
    /// The whole of `data`.
    Data,
    /// `data.member`.
    Member(String),
    Ignored,
}

/// The columns of a table of events.
#[derive(Clone, Debug)]
pub struct Layout {
    roles: Vec<Role>,
}

impl Layout {
    /// Finds the columns of an event among those of a table; the others are ignored.
    ///
    /// # Errors
    /// When a required attribute has no column, a column is there twice, or there is `data` beside its own members.
    pub fn of<'n>(file: &str, names: impl Iterator<Item = &'n str> + Clone) -> Result<Layout> {
        let roles: Vec<Role> = names.clone().map(role).collect();
        let place = || format!("{file}:1");
        let mut known = HashSet::new();
        for (role, name) in roles.iter().zip(names.clone()) {
            if *role != Role::Ignored && !known.insert(role) {
                return Err(Error::invalid(place(), format!("the column `{name}` is there twice")));
            }
        }
        for required in REQUIRED {
            if !roles.contains(&Role::Attribute(required)) {
                let hint = missing_column_hint(required, names.clone());
                let message = format!("no column `{required}`, which every event has");
                return Err(Error::invalid(place(), message).with_hint(hint));
            }
        }
        let member = roles.iter().find_map(|role| match role {
            Role::Member(name) => Some(name),
            _ => None,
        });
        match member {
            Some(name) if roles.contains(&Role::Data) => {
                let message = format!("found the columns `data` and `data.{name}`, expected one or the other");
                Err(Error::invalid(place(), message).with_hint("leave out one of them"))
            }
            _ => Ok(Layout { roles }),
        }
    }

    /// Whether events need the column.
    #[must_use]
    pub fn needs(&self, column: usize) -> bool {
        self.roles.get(column).is_some_and(|role| *role != Role::Ignored)
    }

    /// A row as a line.
    #[must_use]
    pub fn line(&self, cells: &[Cell<'_>]) -> Vec<u8> {
        let kind = self.cell(&Role::Attribute("type"), cells).and_then(|cell| match cell {
            Cell::Text(name) => EventType::parse(name),
            _ => None,
        });
        let mut line = vec![b'{'];
        for (role, cell) in self.roles.iter().zip(cells) {
            match role {
                Role::Attribute("sequence") => write_member(&mut line, "sequence", cell, Reading::Number),
                Role::Attribute(name) => write_member(&mut line, name, cell, Reading::Text),
                Role::Data => write_member(&mut line, "data", cell, Reading::Json),
                Role::Member(_) | Role::Ignored => {}
            }
        }
        self.write_members(&mut line, kind, cells);
        line.push(b'}');
        line
    }

    fn write_members(&self, line: &mut Vec<u8>, kind: Option<EventType>, cells: &[Cell<'_>]) {
        let mut data = vec![b'{'];
        for (role, cell) in self.roles.iter().zip(cells) {
            if let Role::Member(name) = role {
                write_member(&mut data, name, cell, reading(kind, name));
            }
        }
        if data.len() > 1 {
            data.push(b'}');
            write_name(line, "data");
            line.append(&mut data);
        }
    }

    fn cell<'c, 'a>(&self, role: &Role, cells: &'c [Cell<'a>]) -> Option<&'c Cell<'a>> {
        cells.get(self.roles.iter().position(|found| found == role)?)
    }
}

fn role(name: &str) -> Role {
    if let Some(attribute) = ATTRIBUTES.into_iter().find(|attribute| *attribute == name) {
        return Role::Attribute(attribute);
    }
    match name.strip_prefix("data.") {
        Some(member) => Role::Member(member.to_owned()),
        None if name == "data" => Role::Data,
        None => Role::Ignored,
    }
}

fn missing_column_hint<'n>(required: &str, names: impl Iterator<Item = &'n str>) -> String {
    did_you_mean(required, names)
        .unwrap_or_else(|| "a table of another kind becomes events through `casebook import --mapping`".to_owned())
}

/// How the text of a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Text,
    Number,
    Flag,
    /// A list or an object where it is one, else a text.
    Nested,
    /// JSON where it is JSON, else a text.
    Json,
}

fn reading(kind: Option<EventType>, name: &str) -> Reading {
    // The only member that may be any JSON value, null included.
    if (kind, name) == (Some(EventType::CaseFieldChanged), "value") {
        return Reading::Json;
    }
    match kind.and_then(|kind| members::of(kind).find(|member| member.name == name)).map(|member| member.json_type) {
        Some(JsonType::Text) => Reading::Text,
        Some(JsonType::Number) => Reading::Number,
        Some(JsonType::Flag) => Reading::Flag,
        Some(JsonType::Texts | JsonType::Other) | None => Reading::Nested,
    }
}

fn write_member(out: &mut Vec<u8>, name: &str, cell: &Cell<'_>, reading: Reading) {
    match cell {
        Cell::Absent => {}
        Cell::Json(json) => {
            write_name(out, name);
            out.extend_from_slice(json);
        }
        Cell::Text(text) => {
            write_name(out, name);
            match as_json(text, reading) {
                Some(json) => out.extend_from_slice(json.as_bytes()),
                None => write_text(out, text),
            }
        }
    }
}

fn write_name(out: &mut Vec<u8>, name: &str) {
    if out.len() > 1 {
        out.push(b',');
    }
    write_text(out, name);
    out.push(b':');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(Json::Text(Cow::Borrowed(text)).to_text().as_bytes());
}

/// The JSON value that a text is read as, on one line; none where it remains a text.
fn as_json(text: &str, reading: Reading) -> Option<Cow<'_, str>> {
    let trimmed = text.trim();
    let is_json = || serde_json::from_str::<IgnoredAny>(trimmed).is_ok();
    match reading {
        Reading::Text => None,
        Reading::Number => {
            let begins = trimmed.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            (begins && is_json()).then_some(Cow::Borrowed(trimmed))
        }
        // Spreadsheets write `TRUE`.
        Reading::Flag => {
            ["true", "false"].into_iter().find(|flag| trimmed.eq_ignore_ascii_case(flag)).map(Cow::Borrowed)
        }
        Reading::Nested if !trimmed.starts_with(['[', '{']) => None,
        Reading::Nested | Reading::Json => is_json().then(|| match trimmed.contains(['\n', '\r']) {
            // In JSON, line ends occur only between tokens.
            true => Cow::Owned(trimmed.replace(['\n', '\r'], " ")),
            false => Cow::Borrowed(trimmed),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(row: &[(&str, &str)]) -> String {
        let layout = Layout { roles: row.iter().map(|(name, _)| role(name)).collect() };
        let cells: Vec<Cell<'_>> = row.iter().map(|(_, text)| Cell::Text(Cow::Borrowed(text))).collect();
        String::from_utf8(layout.line(&cells)).unwrap()
    }

    #[test]
    fn a_cell_is_the_json_that_its_member_is_written_as_and_a_text_where_it_cannot_be() {
        let user = |name: &str, text: &str| line(&[("type", "user.updated"), (&format!("data.{name}"), text)]);
        let cases = [
            (user("capacity", " 7 "), r#"{"capacity":7}"#),
            (user("capacity", "07"), r#"{"capacity":"07"}"#),
            (user("bot", "TRUE"), r#"{"bot":true}"#),
            (user("bot", "yes"), r#"{"bot":"yes"}"#),
            (user("skills", "[\"a\",\n\"b\"]"), r#"{"skills":["a", "b"]}"#),
            (user("skills", "a, b"), r#"{"skills":"a, b"}"#),
            (user("name", "7"), r#"{"name":"7"}"#),
            (user("more", "7"), r#"{"more":"7"}"#),
            (user("more", "{\"a\":7}"), r#"{"more":{"a":7}}"#),
            (line(&[("type", "case.field_changed"), ("data.value", "null")]), r#"{"value":null}"#),
            (line(&[("type", "case.field_changed"), ("data.value", "plain")]), r#"{"value":"plain"}"#),
            (line(&[("type", "case.closed"), ("data", "{\"by\":5}")]), r#"{"by":5}"#),
            (line(&[("type", "case.closed"), ("data", "{},\"id\":1")]), r#""{},\"id\":1""#),
        ];
        for (line, data) in cases {
            assert!(line.ends_with(&format!("\"data\":{data}}}")), "{line} does not hold {data}");
        }
        assert_eq!(line(&[("sequence", "-3"), ("by", "ana"), ("id", "7")]), r#"{"sequence":-3,"id":"7"}"#);
    }

    #[test]
    fn a_table_without_an_attribute_or_with_a_column_twice_is_refused_with_the_next_step() {
        let refused = |names: &str| Layout::of("t.csv", names.split(' ')).unwrap_err();
        let near = refused("id source type subject tyme");
        assert_eq!(near.to_string(), "t.csv:1: no column `time`, which every event has");
        assert_eq!(near.hint(), Some("did you mean `tyme`?"));
        assert!(refused("ticket status").hint().unwrap().contains("--mapping"));
        assert_eq!(refused("id source type subject time id").to_string(), "t.csv:1: the column `id` is there twice");
        let both = refused("id source type subject time data data.by").to_string();
        assert_eq!(both, "t.csv:1: found the columns `data` and `data.by`, expected one or the other");
    }

    #[test]
    fn a_table_may_have_a_hundred_thousand_columns() {
        let members: Vec<String> = (0..100_000).map(|number| format!("data.m{number}")).collect();
        let names = || "id source type subject time".split(' ').chain(members.iter().map(String::as_str));
        assert!(Layout::of("t.csv", names()).is_ok());
        let twice = Layout::of("t.csv", names().chain(["data.m7"])).unwrap_err().to_string();
        assert_eq!(twice, "t.csv:1: the column `data.m7` is there twice");
    }
}
