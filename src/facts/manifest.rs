//! The facts of a store: written together, read together, all of one state of the log.
//!
//! The facts are layers of Parquet files. The first layer holds what a replay of the whole log gave; each further one
//! holds the cases and customers that events ingested since have touched, and records whose rows it replaces in the layers
//! before. One small file, replaced whole, names the layers that belong together: readers follow it, so they never see
//! tables of two states of the log. How rows that have been replaced are left out, [`super::layers`] knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::facts::columns::FactTable;
use crate::facts::tables::FACT_FILES;
use crate::model::time::Instant;
use crate::store::commits;
use crate::store::data_file::{NewFile, TableFile, new_file_name};
use crate::store::disk::{self, WriteMode};
use crate::store::objects::{Seen, Store, StoredFile};
use crate::store::parquet::FileWriter;
use crate::store::vacuum::Part;

/// Changes with every change of the tables or of what replay writes into them, so that older facts are written again.
pub const FACTS_FORMAT: u32 = 13;

/// How the names of pointers begin that were replaced. Such a file is as old as its replacement.
const PAST: &str = "past";

/// The files that are the facts, and the part of the log that they follow from.
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
    /// Time of the first event of the log, in milliseconds; none of an empty one, and where an older version wrote this.
    #[serde(default)]
    pub first_event_at_ms: Option<i64>,
    /// Time of the last event of the log, in milliseconds; none of an empty one.
    pub last_event_at_ms: Option<i64>,
    pub cases: u64,
    pub findings: u64,
    /// The number of the next case that is replayed.
    pub next_case_number: u64,
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

impl From<NewFile> for FactFile {
    fn from(file: NewFile) -> FactFile {
        let NewFile { name, bytes, rows, hash, .. } = file;
        FactFile { name, bytes, rows, hash }
    }
}

impl Layer {
    /// Makes a file part of a table.
    pub fn add(&mut self, table: &FactTable, file: NewFile) {
        self.files.entry(table.name.to_owned()).or_default().push(file.into());
    }

    /// The paths of a table's files.
    #[must_use]
    pub fn paths(&self, home: &Store, table: &FactTable) -> Vec<PathBuf> {
        let folder = home.folder(table.name);
        self.files.get(table.name).into_iter().flatten().map(|file| folder.local_path(&file.name)).collect()
    }
}

/// The file that holds the present pointer.
const CURRENT: &str = "current.json";

impl Pointer {
    /// The present pointer; nothing before the first replay, or when the facts are of another format.
    ///
    /// # Errors
    /// When the file cannot be read or is not a pointer.
    pub async fn read(home: &Store) -> Result<Option<Pointer>> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Some(text) = home.read(CURRENT).await? else { return Ok(None) };
        let invalid = |error: serde_json::Error| {
            Error::invalid(home.place_of(&home.local_path(CURRENT)), error.to_string())
                .with_hint("remove the file, and `casebook replay` writes it again")
        };
        let Format { format } = serde_json::from_slice(&text).map_err(invalid)?;
        if format != FACTS_FORMAT {
            return Ok(None);
        }
        serde_json::from_slice(&text).map(Some).map_err(invalid)
    }

    /// Makes this the present pointer, whole or not at all, unless another machine has replaced the one that was seen.
    /// Everything it names must be durable.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another machine has; or when the disk refuses.
    pub async fn write(&self, home: &Store, seen: &Seen) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        if let Ok(Some(before)) = home.read(CURRENT).await {
            home.write(&new_file_name(PAST, ".json"), before, WriteMode::Create).await?;
        }
        home.replace(CURRENT, text, seen).await
    }

    /// The version of the present pointer, for [`Pointer::write`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn see(home: &Store) -> Result<Seen> {
        home.see(CURRENT).await
    }

    /// The files of every table, layer by layer.
    #[must_use]
    pub fn files(&self, home: &Store) -> BTreeMap<String, Vec<TableFile>> {
        let mut files: BTreeMap<String, Vec<TableFile>> = BTreeMap::new();
        for (table, FactFile { name, bytes, rows, hash }) in self.named() {
            let path = home.folder(table).local_path(name);
            let (time_range, batch_range, events) = (None, None, None);
            let hash = Some(*hash);
            let file = TableFile { path, bytes: *bytes, rows: *rows, time_range, batch_range, events, hash };
            files.entry(table.to_owned()).or_default().push(file);
        }
        files
    }

    /// The names of all files, relative to the folder of the facts.
    #[must_use]
    pub fn file_names(&self) -> BTreeSet<String> {
        self.named().map(|(table, file)| format!("{table}/{}", file.name)).collect()
    }

    /// Every file with the name of its table, layer by layer.
    fn named(&self) -> impl Iterator<Item = (&str, &FactFile)> {
        let tables = self.layers.iter().flat_map(|layer| &layer.files);
        tables.flat_map(|(table, files)| files.iter().map(move |file| (table.as_str(), file)))
    }
}

/// Where the facts of a store live.
#[must_use]
pub fn home(store: &Store) -> Store {
    store.folder(FOLDER)
}

/// The folder of the facts in a store.
const FOLDER: &str = "facts";

/// An object that is written before the facts of a store in a bucket are.
const WRITABLE: &str = "writable";

/// Fails where the facts cannot be written, before the work of making them. A local disk refuses the lock already.
///
/// # Errors
/// When the bucket refuses.
pub async fn check_writable(home: &Store) -> Result<()> {
    if home.is_in_bucket() { home.write(WRITABLE, Vec::new(), WriteMode::Replace).await } else { Ok(()) }
}

/// The folder of a fact table, created if it is not there.
///
/// # Errors
/// When the disk refuses.
pub fn create_folder(home: &Store, table: &FactTable) -> Result<Store> {
    let folder = home.folder(table.name);
    folder.create_folder()?;
    Ok(folder)
}

/// Begins a file of a fact table in the table's folder.
///
/// # Errors
/// When the disk refuses.
pub fn begin_file(folder: &Store, table: &FactTable) -> Result<FileWriter> {
    FileWriter::create(folder, table.name, &table.schema(), &FACT_FILES)
}

/// What the facts of a store need of their files: those that the present pointer names, and pointers that were in force
/// since then.
///
/// # Errors
/// When the facts cannot be read.
pub async fn part(store: &Store, since: Instant) -> Result<Part> {
    let home = home(store);
    // Before the files are listed, so that those of a pointer that is replaced meanwhile are not taken for old ones.
    let present = home.read(CURRENT).await?;
    let listing = home.list().await?;
    let (recent, old): (Vec<_>, Vec<_>) =
        listing.files.iter().filter(|file| is_past(&file.name)).partition(|file| file.written_at >= since);
    let mut pointers = Vec::new();
    if let Some(present) = present {
        match serde_json::from_slice::<Pointer>(&present) {
            Ok(pointer) => pointers.push(pointer),
            // Facts of another version of the program, which another machine may use.
            Err(_) => return Ok(Part::default()),
        }
    }
    for file in recent {
        let text = home.read(&file.name).await?.unwrap_or_default();
        pointers.extend(serde_json::from_slice::<Pointer>(&text).ok());
    }
    let mut part = Part { begun_in: vec![FOLDER.to_owned()], ..Part::default() };
    part.candidates.extend(old.into_iter().cloned().map(|file| file.below(FOLDER)));
    for name in pointers.iter().flat_map(Pointer::file_names) {
        part.needed.insert(format!("{FOLDER}/{name}"));
    }
    for table in listing.folders {
        let folder = home.folder(&table);
        let inside = folder.list().await?;
        // Facts were Delta tables once.
        let logs = inside.folders.into_iter().filter(|name| name == commits::FOLDER);
        let logs = logs.map(|name| StoredFile {
            bytes: disk::bytes_of(&folder.local_path(&name)),
            name,
            written_at: Instant(i64::MIN),
        });
        let table = format!("{FOLDER}/{table}");
        part.candidates.extend(inside.files.into_iter().chain(logs).map(|file| file.below(&table)));
        part.written_in.push(table);
    }
    Ok(part)
}

fn is_past(name: &str) -> bool {
    name.starts_with(PAST) && name.ends_with(".json")
}
