//! OCEL in SQLite: the tables `event`, `object`, `event_object`, and one for each type.
//!
//! The tables of a log need no index: rows are joined in the order of their events or objects, and SQLite makes the indexes of a join
//! that it needs, in temporary files.

use std::collections::BTreeSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, Rows};

use super::item::{Entry, Item, Of, Part, Related, TakeEntry, Value};
use crate::error::{Error, Result};
use crate::input::source::LocalFile;

/// The tables without which a database is no log.
const TABLES: [&str; 5] = ["event", "object", "event_object", "event_map_type", "object_map_type"];
/// How many tables of another database an error shows.
const SHOWN_TABLES: usize = 20;

/// An open database.
pub(super) struct Database {
    file: String,
    connection: Connection,
    has_related_objects: bool,
    bytes: u64,
    _local: LocalFile,
}

/// The table of a type.
struct TypeTable {
    kind: String,
    table: String,
    /// Its columns, with their types in SQLite.
    columns: Vec<(String, String)>,
}

impl Database {
    /// Opens a database and looks whether it is a log.
    ///
    /// # Errors
    /// When it cannot be read, or is no log.
    pub(super) fn open(file: String, local: LocalFile) -> Result<Database> {
        let (_, bytes) = local.open()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let cannot_read = |error| cannot_read(&file, &error);
        let connection = Connection::open_with_flags(local.path(), flags).map_err(cannot_read)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF").map_err(cannot_read)?;
        let tables = tables(&connection).map_err(cannot_read)?;
        if let Some(absent) = TABLES.iter().find(|table| !tables.contains(**table)) {
            return Err(no_log(&file, absent, &tables));
        }
        let has_related_objects = tables.contains("object_object");
        Ok(Database { file, connection, has_related_objects, bytes, _local: local })
    }

    /// Gives what a part of the log has. Returns the bytes of the database.
    ///
    /// # Errors
    /// When it cannot be read, and any error of `take`.
    pub(super) fn read(&self, part: Part, take: TakeEntry<'_>) -> Result<u64> {
        let tables = |of| self.type_tables(of);
        if part == Part::Objects {
            for of in [Of::Object, Of::Event] {
                for TypeTable { kind, columns, .. } in tables(of)? {
                    for (name, value_type) in columns.iter().filter(|(name, _)| is_attribute(name)) {
                        take(Entry::Attribute { of, kind: &kind, name, value_type }, (0, 0))?;
                    }
                }
            }
        }
        let mut number = 0;
        for table in tables(part.of())? {
            self.items_of_type(part.of(), &table, &mut number, take)?;
        }
        self.items_of_no_type(part.of(), &mut number, take)?;
        if part == Part::Objects && self.has_related_objects {
            self.related_objects(take)?;
        }
        Ok(self.bytes)
    }

    /// The tables of the types of events, or of objects.
    fn type_tables(&self, of: Of) -> Result<Vec<TypeTable>> {
        let of = of.name();
        let read = || {
            let sql = format!("SELECT ocel_type, ocel_type_map FROM {of}_map_type ORDER BY ocel_type");
            let mut types = self.connection.prepare(&sql)?;
            let types: Vec<(String, String)> =
                types.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let mut columns = self.connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
            let table = |(kind, name): (String, String)| {
                let table = format!("{of}_{name}");
                let columns = columns.query_map([&table], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(TypeTable { columns: columns.collect::<rusqlite::Result<_>>()?, kind, table })
            };
            types.into_iter().map(table).collect::<rusqlite::Result<Vec<_>>>()
        };
        let tables = read().map_err(|error| cannot_read(&self.file, &error))?;
        if let Some(absent) = tables.iter().find(|table| table.columns.is_empty()) {
            let message =
                format!("no table `{}`, which `{of}_map_type` names for the type `{}`", absent.table, absent.kind);
            return Err(Error::invalid(&*self.file, message));
        }
        Ok(tables)
    }

    /// Events or objects of one type: rows of one item come together, each with some of its values and one of its relations.
    fn items_of_type(&self, of: Of, table: &TypeTable, number: &mut u64, take: TakeEntry<'_>) -> Result<()> {
        let items = of.name();
        let has_column = |name: &str| table.columns.iter().any(|(column, _)| column == name);
        let column = |name: &str| if has_column(name) { format!("v.{name}") } else { "NULL".to_owned() };
        let (time, changed) = (column("ocel_time"), column("ocel_changed_field"));
        let names: Vec<&str> =
            table.columns.iter().map(|(name, _)| name.as_str()).filter(|name| is_attribute(name)).collect();
        let values: String = names.iter().map(|name| format!(", v.{}", quoted(name))).collect();
        let (related, join) = match of {
            Of::Event => {
                ("r.ocel_object_id, r.ocel_qualifier", "LEFT JOIN event_object r ON r.ocel_event_id = i.ocel_id")
            }
            Of::Object => ("NULL, NULL", ""),
        };
        let sql = format!(
            "SELECT i.ocel_id, {time}, {changed}, {related}{values} FROM {items} i
             LEFT JOIN {} v ON v.ocel_id = i.ocel_id {join} WHERE i.ocel_type = ?1",
            quoted(&table.table)
        );
        let mut statement = self.connection.prepare(&sql).map_err(|error| cannot_read(&self.file, &error))?;
        let rows = statement.query([&table.kind]).map_err(|error| cannot_read(&self.file, &error))?;
        self.items(rows, of, &table.kind, &names, number, take)
    }

    fn items(
        &self,
        mut rows: Rows<'_>,
        of: Of,
        kind: &str,
        names: &[&str],
        number: &mut u64,
        take: TakeEntry<'_>,
    ) -> Result<()> {
        let mut give = |item: Item, number: &mut u64| {
            *number += 1;
            take(Entry::Item(item), (*number, 0))
        };
        let mut open: Option<Item> = None;
        while let Some(row) = rows.next().map_err(|error| cannot_read(&self.file, &error))? {
            let cannot_read = |error| cannot_read(&self.file, &error);
            let id = text(row, 0).map_err(cannot_read)?.unwrap_or_default();
            if let Some(item) = open.take_if(|item| item.id != id) {
                give(item, number)?;
            }
            let is_first = open.is_none();
            let item = open.get_or_insert_with(|| Item { id, kind: kind.to_owned(), ..Item::default() });
            if is_first || of == Of::Object {
                add_values(item, of, row, names).map_err(cannot_read)?;
            }
            if let Some(id) = text(row, 3).map_err(cannot_read)? {
                item.related.push(Related { id, qualifier: text(row, 4).map_err(cannot_read)?.unwrap_or_default() });
            }
        }
        open.map_or(Ok(()), |item| give(item, number))
    }

    /// The relations between objects.
    fn related_objects(&self, take: TakeEntry<'_>) -> Result<()> {
        let cannot_read = |error| cannot_read(&self.file, &error);
        let sql = "SELECT ocel_source_id, ocel_target_id, ocel_qualifier FROM object_object";
        let mut statement = self.connection.prepare(sql).map_err(cannot_read)?;
        let mut rows = statement.query([]).map_err(cannot_read)?;
        while let Some(row) = rows.next().map_err(cannot_read)? {
            let text = |position| text(row, position).map(Option::unwrap_or_default).map_err(cannot_read);
            let (object, related) = (text(0)?, Related { id: text(1)?, qualifier: text(2)? });
            take(Entry::Related { object: &object, related }, (0, 0))?;
        }
        Ok(())
    }

    /// Events or objects whose type has no table.
    fn items_of_no_type(&self, of: Of, number: &mut u64, take: TakeEntry<'_>) -> Result<()> {
        let items = of.name();
        let cannot_read = |error| cannot_read(&self.file, &error);
        let sql = format!(
            "SELECT ocel_id, ocel_type FROM {items}
             WHERE ocel_type IS NULL OR ocel_type NOT IN (SELECT ocel_type FROM {items}_map_type WHERE ocel_type IS NOT NULL)"
        );
        let mut statement = self.connection.prepare(&sql).map_err(cannot_read)?;
        let mut rows = statement.query([]).map_err(cannot_read)?;
        while let Some(row) = rows.next().map_err(cannot_read)? {
            let (id, kind) = (text(row, 0).map_err(cannot_read)?, text(row, 1).map_err(cannot_read)?);
            let mut item = Item { id: id.unwrap_or_default(), kind: kind.unwrap_or_default(), ..Item::default() };
            item.fail(format!("`ocel_type`: `{items}_map_type` has no table for the type `{}`", item.kind));
            *number += 1;
            take(Entry::Item(item), (*number, 0))?;
        }
        Ok(())
    }
}

/// Adds the values of a row: of an object all from the beginning, or since a time, or one that changed.
fn add_values(item: &mut Item, of: Of, row: &Row<'_>, names: &[&str]) -> rusqlite::Result<()> {
    let (time, changed) = (text(row, 1)?, text(row, 2)?);
    for (position, name) in (5..).zip(names) {
        let text = text(row, position)?;
        let is_there = changed.as_ref().map_or(text.is_some(), |changed| changed == name);
        if is_there {
            let time = time.clone().filter(|_| of == Of::Object);
            item.values.push(Value { name: (*name).to_owned(), time, text });
        }
    }
    if of == Of::Event {
        item.time = time;
    }
    Ok(())
}

/// Whether a column is an attribute, and none that the format or pm4py adds.
fn is_attribute(name: &str) -> bool {
    !name.starts_with("ocel_") && !name.starts_with("ocel:")
}

/// The tables and views of a database, in lower case, as SQLite does not distinguish case.
fn tables(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let sql = "SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn no_log(file: &str, absent: &str, tables: &BTreeSet<String>) -> Error {
    let shown: Vec<String> = tables.iter().take(SHOWN_TABLES).map(|table| format!("`{table}`")).collect();
    let more =
        if tables.len() > SHOWN_TABLES { format!(" and {} more", tables.len() - SHOWN_TABLES) } else { String::new() };
    let found = if shown.is_empty() { "no table".to_owned() } else { format!("the tables {}{more}", shown.join(", ")) };
    let message = format!(
        "found an SQLite database with {found}, expected an event log in OCEL 2.0, which has a table `{absent}`"
    );
    Error::invalid(file, message).with_hint("export a table of it as CSV; a mapping reads CSV, too")
}

fn cannot_read(file: &str, error: &rusqlite::Error) -> Error {
    Error::invalid(file, format!("the SQLite database cannot be read: {error}"))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value of a row as text; absent where it is null.
fn text(row: &Row<'_>, position: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(position)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}
