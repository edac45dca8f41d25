//! What a store holds and nobody needs: files that were merged or replaced long ago, files that a killed writer never
//! committed, commits before the last checkpoint, scratch folders.
//!
//! Never a file of the present, of a version that readers may still be at, or of a writer at work: the locks of all
//! writers are held while files are removed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::commits::Commits;
use crate::store::disk;
use crate::store::lock::WriterLock;
use crate::store::table::Table;

/// Why something is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No version that must stay names the file.
    Unnamed,
    /// A checkpoint holds what the commit says.
    SummedUp,
    /// A writer was killed.
    LeftBehind,
}

impl Why {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Why::Unnamed => "no version needs it",
            Why::SummedUp => "a checkpoint holds what it says",
            Why::LeftBehind => "a writer that was killed left it behind",
        }
    }
}

/// Something that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Litter {
    pub path: PathBuf,
    pub bytes: u64,
    pub why: Why,
}

/// Lists what nobody needs, for whoever wants to look: what no version since then does, and no pointer to facts that was in
/// force since, whose litter `of_facts` tells. While a writer is at work, what it has begun is among it.
///
/// # Errors
/// When the store cannot be read.
pub async fn find(store: &Path, since: Instant, of_facts: &OfFacts) -> Result<Vec<Litter>> {
    let mut litter = of_facts(&store.join("facts"), since)?;
    for (name, folder) in tables(store) {
        of_table(&folder, &name, since, &mut litter).await?;
    }
    of_store(store, &mut litter);
    Ok(litter)
}

/// What nobody needs in a folder of facts.
pub type OfFacts = dyn Fn(&Path, Instant) -> Result<Vec<Litter>> + Sync;

/// Removes what nobody needs and says what that was. Waits for the writers.
///
/// # Errors
/// When the store cannot be read or written; what is not removed then is found the next time.
pub async fn vacuum(store: &Path, since: Instant, of_facts: &OfFacts) -> Result<Vec<Litter>> {
    let _log = WriterLock::take(store, "log").await?;
    let _facts = WriterLock::take(store, "facts").await?;
    let litter = find(store, since, of_facts).await?;
    for thing in &litter {
        let removed = if thing.path.is_dir() { disk::remove_folder(&thing.path) } else { disk::remove(&thing.path) };
        removed.map_err(Error::file(&thing.path))?;
    }
    let folders: BTreeSet<&Path> = litter.iter().filter_map(|thing| thing.path.parent()).collect();
    folders.into_iter().try_for_each(|folder| disk::flush_folder(folder).map_err(Error::file(folder)))?;
    Ok(litter)
}

/// The tables of the log by their names.
#[must_use]
pub fn tables(store: &Path) -> BTreeMap<String, PathBuf> {
    let own = ["events", "quarantine"].map(|name| (name.to_owned(), store.join(name)));
    own.into_iter().filter(|(_, folder)| Table::exists(folder)).collect()
}

/// The Parquet files in a folder, whether the table names them or not.
#[must_use]
pub fn data_files(folder: &Path) -> BTreeSet<PathBuf> {
    let names = file_names(folder).into_iter().filter(|name| name.ends_with(".parquet"));
    names.map(|name| folder.join(name)).collect()
}

async fn of_table(folder: &Path, name: &str, since: Instant, litter: &mut Vec<Litter>) -> Result<()> {
    let commits = Commits::of(folder);
    let mut needed: HashSet<PathBuf> =
        commits.removed_since(since)?.into_iter().map(|name| folder.join(name)).collect();
    // Only the names of the files are asked for, so the columns do not matter.
    needed.extend(Table::open(folder, name, Arc::new(Schema::empty()), None).await?.files()?);
    let unnamed = data_files(folder).into_iter().filter(|path| !needed.contains(path));
    litter.extend(unnamed.map(|path| Litter::new(path, Why::Unnamed)));
    litter.extend(commits.expired(since).into_iter().map(|path| Litter::new(path, Why::SummedUp)));
    litter.extend(commits.begun().into_iter().map(|path| Litter::new(path, Why::LeftBehind)));
    Ok(())
}

/// Scratch folders of writers, and pointers that were begun and never put in place.
fn of_store(store: &Path, litter: &mut Vec<Litter>) {
    let scratch = folder_names(store).into_iter().filter(|name| name.starts_with(".tmp")).map(|name| store.join(name));
    let facts = store.join("facts");
    let begun = file_names(&facts)
        .into_iter()
        .filter(|name| name.starts_with("current.json#") || name.starts_with(".casebook-"));
    litter.extend(scratch.chain(begun.map(|name| facts.join(name))).map(|path| Litter::new(path, Why::LeftBehind)));
}

impl Litter {
    /// A file or folder, with all that is in it.
    #[must_use]
    pub fn new(path: PathBuf, why: Why) -> Litter {
        Litter { bytes: bytes_of(&path), path, why }
    }
}

fn bytes_of(path: &Path) -> u64 {
    if path.is_dir() {
        let files = file_names(path).into_iter().map(|name| path.join(name));
        return files.map(|file| bytes_of(&file)).sum();
    }
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// The names of a folder's files, sorted; none of one that is not there.
#[must_use]
pub fn file_names(folder: &Path) -> Vec<String> {
    names(folder, |kind| kind.is_file())
}

/// The names of the folders in a folder, sorted.
#[must_use]
pub fn folder_names(folder: &Path) -> Vec<String> {
    names(folder, |kind| kind.is_dir())
}

fn names(folder: &Path, wanted: impl Fn(std::fs::FileType) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(std::result::Result::ok);
    let entries = entries.filter(|entry| entry.file_type().is_ok_and(&wanted));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
