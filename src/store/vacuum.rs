//! Files of a store that are no longer needed: data files that were merged or replaced long ago, files that a killed
//! writer never committed, commits before the newest checkpoint, temporary folders.
//!
//! Each part of a store ([`Part`]) lists what it needs, and the rest is removable: never a file of the present version, of
//! a version that readers may still use, or of a writer at work, because the caller holds the locks of all writers while
//! files are removed. In a bucket a writer of another machine may be about to commit files that it has uploaded, so files that
//! are younger than the versions that must stay are left.

use std::collections::{BTreeSet, HashSet};

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::disk;
use crate::store::objects::{Store, StoredFile};
use crate::store::scratch;

/// Why a file is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No version that must stay names the file.
    Unnamed,
    /// A checkpoint contains the commit.
    InCheckpoint,
    /// A killed writer left the file.
    LeftBehind,
}

impl Reason {
    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::Unnamed => "no version needs it",
            Reason::InCheckpoint => "a checkpoint contains it",
            Reason::LeftBehind => "a writer that was killed left it behind",
        }
    }
}

/// A file that is not needed; or a folder, with all that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovableFile {
    /// Relative to the store.
    pub name: String,
    pub bytes: u64,
    pub reason: Reason,
}

/// A part of a store, such as a table, and which of its files it needs. All names are relative to the store.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Files that must stay.
    pub needed: HashSet<String>,
    /// Files and folders that are removable if they are not needed.
    pub candidates: Vec<StoredFile>,
    /// Commits that a checkpoint contains.
    pub in_checkpoint: Vec<StoredFile>,
    /// Folders of data files, in which a killed writer may have left some that it had not uploaded.
    pub written_in: Vec<String>,
    /// Folders in which a killed writer may have left files that it had begun.
    pub begun_in: Vec<String>,
}

/// The files that none of the parts needs, and the temporary folders of writers. A writer that is at work still needs some
/// of them. `since` is the time of the oldest version that must stay.
#[must_use]
pub fn removable(store: &Store, parts: Vec<Part>, since: Instant) -> Vec<RemovableFile> {
    let mut files = Vec::new();
    let mut add = |name: String, bytes: u64, reason| files.push(RemovableFile { name, bytes, reason });
    let bytes_of = |name: &str| disk::bytes_of(&store.local_path(name));
    for Part { needed, candidates, in_checkpoint, written_in, begun_in } in parts {
        let is_old = |file: &StoredFile| !store.is_in_bucket() || file.written_at < since;
        let unnamed = candidates.into_iter().filter(|file| !needed.contains(&file.name) && is_old(file));
        unnamed.for_each(|file| add(file.name, file.bytes, Reason::Unnamed));
        in_checkpoint.into_iter().for_each(|file| add(file.name, file.bytes, Reason::InCheckpoint));
        let mut left_behind: Vec<String> = Vec::new();
        for folder in begun_in {
            let begun = disk::unfinished_files(&store.local_path(&folder)).into_iter();
            left_behind.extend(begun.map(|name| format!("{folder}/{name}")));
        }
        // On a local disk they are candidates.
        for folder in written_in.into_iter().filter(|_| store.is_in_bucket()) {
            let written = store.folder(&folder).written_files().into_iter();
            left_behind.extend(written.map(|name| format!("{folder}/{name}")));
        }
        for name in left_behind {
            let bytes = bytes_of(&name);
            add(name, bytes, Reason::LeftBehind);
        }
    }
    for name in disk::folder_names(store.path()).into_iter().filter(|name| name.starts_with(scratch::PREFIX)) {
        let bytes = bytes_of(&name);
        add(name, bytes, Reason::LeftBehind);
    }
    files
}

/// Removes those files. No writer may be at work.
///
/// # Errors
/// When the store cannot be written; the files that are left are found the next time.
pub async fn remove(store: &Store, files: &[RemovableFile]) -> Result<()> {
    for RemovableFile { name, reason, .. } in files {
        let path = store.local_path(name);
        if path.is_dir() {
            disk::remove_folder(&path).map_err(Error::file(&path))?;
        } else if *reason == Reason::LeftBehind {
            // These exist on the local disk only; `object_store` does not accept the names of begun files.
            disk::remove(&path).map_err(Error::file(&path))?;
        } else {
            store.remove(name).await?;
        }
    }
    let folders: BTreeSet<&str> =
        files.iter().map(|file| file.name.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    folders.into_iter().try_for_each(|folder| store.folder(folder).flush())
}
