//! The facts of a store: written together, read together, all of one state of the log.
//!
//! The facts are layers of Parquet files. The first layer holds what a replay of the whole log gave; each further one
//! holds the cases and customers that events ingested since have touched, and says whose rows it replaces in the layers
//! before. One small file, replaced whole, names the layers that belong together: readers follow it, so they never see
//! tables of two states of the log. How rows that have been replaced are left out, [`super::layers`] knows.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::tables::FactTable;
use crate::error::{Error, Result};
use crate::log::disk::{self, Placing};
use crate::log::table::NewFile;

/// Changes with every change of the tables or of what replay writes into them, so that older facts are written anew.
pub const FACTS_FORMAT: u32 = 4;

/// Which files make the facts, and what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    pub format: u32,
    /// The last batch of the log that was replayed.
    pub last_batch: i64,
    /// From the first to the last.
    pub layers: Vec<Layer>,
    /// Events that changed nothing, by rule.
    pub noted: BTreeMap<String, u64>,
    pub events: u64,
    /// Time of the last event of the log, in milliseconds; none of an empty one.
    pub last_event_at_ms: Option<i64>,
    pub cases: u64,
    pub findings: u64,
}

/// What one replay has written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The names of the files of each table, in its folder.
    pub files: BTreeMap<String, Vec<String>>,
    /// Cases that it replaces in the layers before.
    pub replaced_cases: u64,
}

impl Layer {
    /// Makes files part of a table.
    pub fn add(&mut self, table: &FactTable, files: impl IntoIterator<Item = NewFile>) {
        let names = files.into_iter().map(|file| file.name);
        self.files.entry(table.name.to_owned()).or_default().extend(names);
    }

    /// The paths of a table's files.
    #[must_use]
    pub fn paths(&self, home: &Path, table: &FactTable) -> Vec<PathBuf> {
        let folder = folder(home, table);
        self.files.get(table.name).into_iter().flatten().map(|name| folder.join(name)).collect()
    }
}

impl Pointer {
    fn path(home: &Path) -> PathBuf {
        home.join("current.json")
    }

    /// The present pointer; nothing before the first replay, or when the facts are of another format.
    ///
    /// # Errors
    /// When the file cannot be read or is not a pointer.
    pub fn read(home: &Path) -> Result<Option<Pointer>> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let path = Pointer::path(home);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path)(error)),
        };
        let invalid = |error: serde_json::Error| {
            Error::invalid(path.display().to_string(), error.to_string())
                .with_hint("remove the file, and `casebook replay` writes it anew")
        };
        let Format { format } = serde_json::from_str(&text).map_err(invalid)?;
        if format != FACTS_FORMAT {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(invalid)
    }

    /// Makes this the present pointer, whole or not at all. Everything it names must have been flushed to disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, home: &Path) -> Result<()> {
        let path = Pointer::path(home);
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        disk::place(&path, Placing::Replace, |file| file.write_all(&text)).map_err(Error::file(&path))
    }
}

/// Where the facts of a store live.
#[must_use]
pub fn home(store: &Path) -> PathBuf {
    store.join("facts")
}

/// The folder of a fact table.
#[must_use]
pub fn folder(home: &Path, table: &FactTable) -> PathBuf {
    home.join(table.name)
}

/// The folder of a fact table, made if it is not there.
///
/// # Errors
/// When the disk refuses.
pub fn make_folder(home: &Path, table: &FactTable) -> Result<PathBuf> {
    let folder = folder(home, table);
    disk::make_folders(&folder).map_err(Error::file(&folder))?;
    Ok(folder)
}
