//! The commits of a table as files on disk: which is newest, whether it is whole, what was removed when, and what nobody
//! needs any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::disk;

/// The folder of a table's commits.
#[derive(Clone, Debug)]
pub struct Commits {
    folder: PathBuf,
}

impl Commits {
    /// Those of the table in that folder.
    #[must_use]
    pub fn of(table: &Path) -> Commits {
        Commits { folder: table.join("_delta_log") }
    }

    /// Whether the table has been created: not merely begun.
    #[must_use]
    pub fn any(&self) -> bool {
        self.path(0).is_file() || self.folder.join("_last_checkpoint").is_file()
    }

    /// The version of the newest checkpoint that is pointed to.
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<u64> {
        let hint = std::fs::read(self.folder.join("_last_checkpoint")).ok()?;
        serde_json::from_slice::<Value>(&hint).ok()?.get("version")?.as_u64()
    }

    /// The number of the newest commit, if it is not whole. Commits are placed whole now; before, one that was never
    /// acknowledged could be left torn by a power cut, and half of a batch would be read from it.
    #[must_use]
    pub fn torn(&self) -> Option<u64> {
        let newest = self.files().into_iter().filter_map(|file| version_of(&file, ".json")).max()?;
        let bytes = std::fs::read(self.path(newest)).ok()?;
        (!is_whole(&bytes)).then_some(newest)
    }

    /// Gives a torn newest commit another name, so that its number can be used.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_torn_aside(&self) -> Result<()> {
        let Some(version) = self.torn() else { return Ok(()) };
        let path = self.path(version);
        disk::rename(&path, &path.with_extension("torn")).map_err(Error::file(&path))
    }

    /// Names of the files that were taken out of the table since then: readers of older versions may still want them.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn removed_since(&self, since: Instant) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        for (_, path) in self.versions().into_iter().filter(|(_, path)| written_at(path).is_none_or(|at| at >= since)) {
            let text = std::fs::read(&path).map_err(Error::file(&path))?;
            let actions =
                text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
            removed.extend(actions.filter_map(|action| Some(action.pointer("/remove/path")?.as_str()?.to_owned())));
        }
        Ok(removed)
    }

    /// Commits and checkpoints that no version since then needs: there is a checkpoint after them.
    #[must_use]
    pub fn expired(&self, since: Instant) -> Vec<PathBuf> {
        let files = self.files();
        let mut recent = self.versions().into_iter().filter(|(_, path)| written_at(path).is_none_or(|at| at >= since));
        // The version before the first recent one was in force at that instant.
        let first = recent.next().map(|(version, _)| version.saturating_sub(1));
        let Some(wanted) = [first, self.last_checkpoint()].into_iter().flatten().min() else {
            return Vec::new();
        };
        let checkpoints = files.iter().filter_map(|file| version_of(file, ".checkpoint.parquet"));
        let Some(basis) = checkpoints.filter(|checkpoint| *checkpoint <= wanted).max() else { return Vec::new() };
        let before = |file: &&String| any_version_of(file).is_some_and(|version| version < basis);
        files.iter().filter(before).map(|file| self.folder.join(file)).collect()
    }

    /// Files that a writer began beside their place and never put there.
    #[must_use]
    pub fn begun(&self) -> Vec<PathBuf> {
        let begun = |file: &String| file.rsplit_once('#').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
        self.files().into_iter().filter(begun).map(|file| self.folder.join(file)).collect()
    }

    fn versions(&self) -> BTreeMap<u64, PathBuf> {
        let versions = self.files().into_iter().filter_map(|file| version_of(&file, ".json"));
        versions.map(|version| (version, self.path(version))).collect()
    }

    fn path(&self, version: u64) -> PathBuf {
        self.folder.join(format!("{version:020}.json"))
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }
}

fn version_of(file: &str, ending: &str) -> Option<u64> {
    let digits = file.strip_suffix(ending)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn any_version_of(file: &str) -> Option<u64> {
    [".json", ".checkpoint.parquet", ".torn"].iter().find_map(|ending| version_of(file, ending))
}

/// When a file was last written; nothing where the system does not say.
#[must_use]
pub fn written_at(path: &Path) -> Option<Instant> {
    let at = path.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Instant(i64::try_from(at.as_millis()).ok()?))
}

/// Whether these are the lines of a commit to the last: objects, without a line end after the last, and of the rows it
/// tells about none is missing.
fn is_whole(commit: &[u8]) -> bool {
    let mut added = None;
    let mut rows = 0;
    for line in commit.split(|byte| *byte == b'\n') {
        let Ok(action) = serde_json::from_slice::<Value>(line) else { return false };
        added = added.or_else(|| action.pointer("/commitInfo/added")?.as_u64());
        let stats = action.pointer("/add/stats").and_then(Value::as_str);
        let stats = stats.and_then(|stats| serde_json::from_str::<Value>(stats).ok());
        rows += stats.and_then(|stats| stats.get("numRecords")?.as_u64()).unwrap_or(0);
    }
    added.is_none_or(|added| added == rows)
}
