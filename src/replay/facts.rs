//! The facts of a store: written together, read together, all of one version of the log.
//!
//! Every table is written as a new version of its Delta table; then one small file, replaced whole, names the versions
//! that belong together. Readers follow that file, so they never see tables of two versions of the log.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sheet::schema;
use super::tables::{FACT_TABLES, FactTable};
use crate::error::{Error, Result};
use crate::log::table::{Mode, NewFile, Table, sync_folder};
use crate::log::write::begin_whole_file;

/// Changes with every change of the tables or of what replay writes into them, so that older facts are written anew.
pub const FACTS_FORMAT: u32 = 3;

/// Which versions of the fact tables belong together, and what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    pub format: u32,
    /// The version of the log that was replayed.
    pub log_version: u64,
    /// Version of each Delta table.
    pub tables: BTreeMap<String, u64>,
    /// Events that changed nothing, by rule.
    pub noted: BTreeMap<String, u64>,
    pub events: u64,
    /// Time of the last event of the log, in milliseconds; none of an empty one.
    pub last_event_at_ms: Option<i64>,
    pub cases: u64,
    pub findings: u64,
}

fn pointer_path(store: &Path) -> PathBuf {
    store.join("facts").join("current.json")
}

impl Pointer {
    /// The present pointer of a store; nothing before the first replay, or when the facts are of another format.
    ///
    /// # Errors
    /// When the file cannot be read or is not a pointer.
    pub fn read(store: &Path) -> Result<Option<Pointer>> {
        let path = pointer_path(store);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path)(error)),
        };
        let pointer: Pointer = serde_json::from_str(&text).map_err(|error| {
            Error::invalid(path.display().to_string(), error.to_string())
                .with_hint("`casebook replay --full` writes it anew")
        })?;
        Ok((pointer.format == FACTS_FORMAT).then_some(pointer))
    }

    /// Makes this the present pointer, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, store: &Path) -> Result<()> {
        let path = pointer_path(store);
        let folder = path.parent().unwrap_or(store);
        let mut file = begin_whole_file(folder).map_err(Error::file(folder))?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n").and_then(|()| file.as_file().sync_all()).map_err(Error::file(&path))?;
        file.persist(&path).map_err(|error| Error::file(&path)(error.error))?;
        sync_folder(folder)
    }
}

/// The folder of a fact table.
#[must_use]
pub fn folder(store: &Path, table: &FactTable) -> PathBuf {
    store.join("facts").join(table.name)
}

/// Opens a fact table to write its next version.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn open_newest(store: &Path, table: &FactTable) -> Result<Table> {
    Table::open_or_create(&folder(store, table), table.name, schema(table.columns)).await
}

/// Opens the fact tables that belong together.
///
/// # Errors
/// When a table cannot be read.
pub async fn open(store: &Path, pointer: &Pointer) -> Result<Vec<(FactTable, Table)>> {
    let mut tables = Vec::new();
    for table in FACT_TABLES {
        let version = pointer.tables.get(table.name).copied();
        let opened = Table::open(&folder(store, &table), table.name, schema(table.columns), version).await?;
        tables.push((table, opened));
    }
    Ok(tables)
}

/// Commits new contents of one table and notes its version.
///
/// # Errors
/// When the disk refuses.
pub async fn replace(table: &mut Table, files: &[NewFile], pointer: &mut Pointer, name: &str) -> Result<()> {
    table.commit(files, Mode::Replace, vec![("log_version", pointer.log_version.into())]).await?;
    pointer.tables.insert(name.to_owned(), table.version());
    Ok(())
}
