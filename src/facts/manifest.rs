//! The facts of a store: written together, read together, all of one state of the log.
//!
//! The facts are layers of Parquet files. The first layer holds what a replay of the whole log gave; each further one
//! holds the cases and customers that events ingested since have touched, and says whose rows it replaces in the layers
//! before. One small file, replaced whole, names the layers that belong together: readers follow it, so they never see
//! tables of two states of the log. How rows that have been replaced are left out, [`super::layers`] knows.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::facts::tables::FactTable;
use crate::model::time::Instant;
use crate::store::commits::written_at;
use crate::store::disk;
use crate::store::disk::Placing;
use crate::store::table::{NewFile, TableFile, new_file_name};
use crate::store::vacuum;
use crate::store::vacuum::{Litter, Why};

/// Changes with every change of the tables or of what replay writes into them, so that older facts are written anew.
pub const FACTS_FORMAT: u32 = 9;

/// How the names of pointers begin that were replaced. Such a file is as old as its replacement.
const PAST: &str = "past";

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
    /// The files of each table, in its folder.
    pub files: BTreeMap<String, Vec<FactFile>>,
    /// Cases that it replaces in the layers before.
    pub replaced_cases: u64,
}

/// A file of a table of facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactFile {
    pub name: String,
    pub bytes: u64,
    pub rows: u64,
    /// A fingerprint of its bytes (XXH3), by which later damage is found.
    pub hash: u64,
}

impl Layer {
    /// Makes a file part of a table.
    pub fn add(&mut self, table: &FactTable, file: NewFile) {
        let NewFile { name, bytes, rows, hash, .. } = file;
        self.files.entry(table.name.to_owned()).or_default().push(FactFile { name, bytes, rows, hash });
    }

    /// The paths of a table's files.
    #[must_use]
    pub fn paths(&self, home: &Path, table: &FactTable) -> Vec<PathBuf> {
        let folder = folder(home, table);
        self.files.get(table.name).into_iter().flatten().map(|file| folder.join(&file.name)).collect()
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
        if let Ok(before) = std::fs::read(&path) {
            let past = home.join(new_file_name(PAST).replace(".parquet", ".json"));
            disk::place(&past, Placing::New, |file| file.write_all(&before)).map_err(Error::file(&past))?;
        }
        disk::place(&path, Placing::Replace, |file| file.write_all(&text)).map_err(Error::file(&path))
    }

    /// The files of every table, layer by layer.
    #[must_use]
    pub fn files(&self, home: &Path) -> BTreeMap<String, Vec<TableFile>> {
        let mut files: BTreeMap<String, Vec<TableFile>> = BTreeMap::new();
        for (table, file) in self
            .layers
            .iter()
            .flat_map(|layer| &layer.files)
            .flat_map(|(table, files)| files.iter().map(move |file| (table, file)))
        {
            let FactFile { name, bytes, rows, hash } = file;
            let path = home.join(table).join(name);
            let (time_range, batch_range) = (None, None);
            let file = TableFile { path, bytes: *bytes, rows: *rows, time_range, batch_range, hash: Some(*hash) };
            files.entry(table.clone()).or_default().push(file);
        }
        files
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

/// What the facts hold that neither the present pointer names nor one that was in force since then.
///
/// # Errors
/// When the present pointer cannot be read.
pub fn litter(home: &Path, since: Instant) -> Result<Vec<Litter>> {
    let pasts: Vec<PathBuf> =
        vacuum::file_names(home).into_iter().filter(|name| is_past(name)).map(|name| home.join(name)).collect();
    let (recent, old): (Vec<_>, Vec<_>) =
        pasts.into_iter().partition(|path| written_at(path).is_none_or(|at| at >= since));
    let recent = recent.iter().filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok());
    let mut needed: HashSet<PathBuf> = HashSet::new();
    for pointer in Pointer::read(home)?.into_iter().chain(recent) {
        needed.extend(pointer.files(home).into_values().flatten().map(|file| file.path));
    }
    let mut litter: Vec<Litter> = old.into_iter().map(|path| Litter::new(path, Why::Unnamed)).collect();
    for folder in vacuum::folder_names(home).into_iter().map(|name| home.join(name)) {
        // Facts were Delta tables once.
        let log = Some(folder.join("_delta_log")).filter(|log| log.is_dir());
        let files = vacuum::file_names(&folder).into_iter().map(|name| folder.join(name));
        let unnamed = files.filter(|path| !needed.contains(path)).chain(log);
        litter.extend(unnamed.map(|path| Litter::new(path, Why::Unnamed)));
    }
    Ok(litter)
}

fn is_past(name: &str) -> bool {
    name.starts_with(PAST) && name.ends_with(".json")
}
