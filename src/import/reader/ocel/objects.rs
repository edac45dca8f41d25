//! The objects of a log, with the values that they have from one time on: in a temporary database, because events name them in any
//! order and there may be more of them than fit into memory.

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::super::super::row::RowResult;
use super::item::{Item, Related, Value, instant};
use crate::error::{Error, Result};
use crate::store::scratch;

const TABLES: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -16384;
    CREATE TABLE object (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, line INTEGER, offset INTEGER);
    CREATE TABLE value (object INTEGER, time INTEGER, name TEXT, text TEXT, PRIMARY KEY (object, time, name)) WITHOUT ROWID;
    CREATE TABLE related (object INTEGER, id TEXT, qualifier TEXT, PRIMARY KEY (object, id, qualifier)) WITHOUT ROWID;
    BEGIN;";

const ADD_OBJECT: &str =
    "INSERT INTO object (id, kind, line, offset) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING number";
const ADD_VALUE: &str = "INSERT OR REPLACE INTO value VALUES (?1, ?2, ?3, ?4)";
const ADD_RELATED: &str = "INSERT OR IGNORE INTO related VALUES (?1, ?2, ?3)";
const FIND: &str = "SELECT number, kind FROM object WHERE id = ?1";
/// Beside `max` the other columns are those of the row that has it.
const VALUES_AT: &str =
    "SELECT name, text, max(time) FROM value WHERE object = ?1 AND time <= ?2 GROUP BY name ORDER BY name";
const VALUES_CHANGED: &str = "SELECT name, text FROM value WHERE object = ?1 AND time = ?2 ORDER BY name";
const RELATED: &str = "SELECT related.id, related.qualifier, object.number, object.kind FROM related
     LEFT JOIN object ON object.id = related.id WHERE related.object = ?1 ORDER BY related.id, related.qualifier";
const CHANGE_AFTER: &str =
    "SELECT object.number, object.kind, object.id, value.time, object.line, object.offset FROM value
     JOIN object ON object.number = value.object
     WHERE (value.object, value.time) > (?1, ?2) AND value.time <> ?3 ORDER BY value.object, value.time LIMIT 1";

/// The time of the values that an object has from the beginning, in microseconds.
const BEGINNING: i64 = 0;

/// A temporary database for objects.
///
/// # Errors
/// When the disk refuses.
pub(super) fn temporary_database() -> Result<Connection> {
    let create = || {
        let database = Connection::open("")?;
        database.execute_batch(TABLES)?;
        Ok(database)
    };
    create().map_err(cannot_keep)
}

/// All objects of a log.
pub(super) struct Objects<'c> {
    database: &'c Connection,
    add_object: Statement<'c>,
    add_value: Statement<'c>,
    add_related: Statement<'c>,
    find: Statement<'c>,
    values_at: Statement<'c>,
    values_changed: Statement<'c>,
    related: Statement<'c>,
    change_after: Statement<'c>,
}

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) number: i64,
    pub(super) kind: String,
}

/// Values of attributes by name, in the order of the names; absent where an attribute has lost its value.
pub(super) type Values = Vec<(String, Option<String>)>;

/// An object and an instant at which values of it changed.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) object: Object,
    pub(super) id: String,
    pub(super) time_us: i64,
    /// The line and the byte of the object.
    pub(super) place: (u64, u64),
}

impl<'c> Objects<'c> {
    /// The objects of a [`temporary_database`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn of(database: &'c Connection) -> Result<Objects<'c>> {
        let prepared = |sql| database.prepare(sql).map_err(cannot_keep);
        Ok(Objects {
            database,
            add_object: prepared(ADD_OBJECT)?,
            add_value: prepared(ADD_VALUE)?,
            add_related: prepared(ADD_RELATED)?,
            find: prepared(FIND)?,
            values_at: prepared(VALUES_AT)?,
            values_changed: prepared(VALUES_CHANGED)?,
            related: prepared(RELATED)?,
            change_after: prepared(CHANGE_AFTER)?,
        })
    }

    /// Adds an object. The inner error is, in words, why it cannot be read; nothing of it is kept then.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn add(&mut self, item: &Item, place: (u64, u64)) -> Result<RowResult<()>> {
        let mut values = Vec::new();
        for value in &item.values {
            let time = match value.time.as_deref().map(instant) {
                None => BEGINNING,
                Some(Ok(time)) => time.as_microsecond(),
                Some(Err(reason)) => return Ok(Err(format!("the time of its attribute `{}`: {reason}", value.name))),
            };
            values.push((time, value));
        }
        match self.insert(item, &values, place).map_err(cannot_keep)? {
            true => Ok(Ok(())),
            false => Ok(Err("the log has two objects of this `id`".to_owned())),
        }
    }

    /// Returns whether there was no object of that id.
    fn insert(&mut self, item: &Item, values: &[(i64, &Value)], (line, offset): (u64, u64)) -> rusqlite::Result<bool> {
        let row = params![item.id, item.kind, line.cast_signed(), offset.cast_signed()];
        let added = self.add_object.query_row(row, |row| row.get::<_, i64>(0)).optional()?;
        let Some(number) = added else { return Ok(false) };
        for (time, value) in values {
            self.add_value.execute(params![number, time, value.name, value.text])?;
        }
        for related in &item.related {
            self.add_related.execute(params![number, related.id, related.qualifier])?;
        }
        Ok(true)
    }

    /// Adds a relation of an object; nothing where there is no such object.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn relate(&mut self, id: &str, related: &Related) -> Result<()> {
        let Some(object) = self.find(id)? else { return Ok(()) };
        let row = params![object.number, related.id, related.qualifier];
        self.add_related.execute(row).map(drop).map_err(cannot_keep)
    }

    /// The object of that id.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn find(&mut self, id: &str) -> Result<Option<Object>> {
        let object = |row: &Row<'_>| Ok(Object { number: row.get(0)?, kind: row.get(1)? });
        self.find.query_row([id], object).optional().map_err(cannot_keep)
    }

    /// The values that an object has at an instant, in microseconds.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn values_at(&mut self, object: &Object, time_us: i64) -> Result<Values> {
        values(&mut self.values_at, object, time_us).map_err(cannot_keep)
    }

    /// The values that changed at an instant, in microseconds.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn values_changed(&mut self, object: &Object, time_us: i64) -> Result<Values> {
        values(&mut self.values_changed, object, time_us).map_err(cannot_keep)
    }

    /// The objects that an object is related to, in the order of their ids; without the object where the log does not have it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn related(&mut self, object: &Object) -> Result<Vec<(Related, Option<Object>)>> {
        let related = |row: &Row<'_>| {
            let number: Option<i64> = row.get(2)?;
            let kind = row.get::<_, Option<String>>(3)?.unwrap_or_default();
            let found = number.map(|number| Object { number, kind });
            Ok((Related { id: row.get(0)?, qualifier: row.get(1)? }, found))
        };
        let rows = self.related.query_map([object.number], related).map_err(cannot_keep)?;
        rows.collect::<rusqlite::Result<_>>().map_err(cannot_keep)
    }

    /// The number of all objects.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn count(&self) -> Result<u64> {
        let count = self.database.query_row("SELECT count(*) FROM object", [], |row| row.get::<_, i64>(0));
        count.map(i64::cast_unsigned).map_err(cannot_keep)
    }

    /// The change that comes after another one, in the order of the objects and of time; the first where there is none before it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn change_after(&mut self, before: Option<&Change>) -> Result<Option<Change>> {
        let (number, time_us) = before.map_or((0, 0), |change| (change.object.number, change.time_us));
        let change = |row: &Row<'_>| {
            let object = Object { number: row.get(0)?, kind: row.get(1)? };
            let (line, offset): (i64, i64) = (row.get(4)?, row.get(5)?);
            let place = (line.cast_unsigned(), offset.cast_unsigned());
            Ok(Change { object, id: row.get(2)?, time_us: row.get(3)?, place })
        };
        self.change_after.query_row([number, time_us, BEGINNING], change).optional().map_err(cannot_keep)
    }
}

fn values(read: &mut Statement<'_>, object: &Object, time_us: i64) -> rusqlite::Result<Values> {
    read.query_map([object.number, time_us], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn cannot_keep(error: rusqlite::Error) -> Error {
    let message = format!("the objects of the log cannot be kept there: {error}");
    let hint = "free some space there, or let TMPDIR name another folder";
    Error::invalid(scratch::system_folder().display().to_string(), message).with_hint(hint)
}
