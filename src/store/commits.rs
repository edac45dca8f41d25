//! The commits of a table as files: which commit is the newest, whether it is whole, which data files commits removed and
//! when, and which commits are no longer needed.

use serde_json::Value;

use crate::error::Result;
use crate::model::time::Instant;
use crate::store::objects::{Store, StoredFile};

/// The folder, within a table's folder, that holds its commits.
pub const FOLDER: &str = "_delta_log";

/// The file that points to the newest checkpoint.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Tag of a file in a commit: the first and last batch in it.
pub const BATCHES_TAG: &str = "casebook.batches";

/// The folder of a table's commits.
#[derive(Clone, Debug)]
pub struct Commits {
    folder: Store,
}

impl Commits {
    /// The commits of the table in that folder.
    #[must_use]
    pub fn of(table: &Store) -> Commits {
        Commits { folder: table.folder(FOLDER) }
    }

    /// The folder that holds them.
    #[must_use]
    pub fn folder(&self) -> &Store {
        &self.folder
    }

    /// Whether the table has been created: there is a first commit, or a checkpoint of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn any(&self) -> Result<bool> {
        Ok(self.folder.has(&file_of(0)).await? || self.folder.has(LAST_CHECKPOINT).await?)
    }

    /// The version of the newest checkpoint.
    pub async fn last_checkpoint(&self) -> Option<u64> {
        let hint = self.folder.read(LAST_CHECKPOINT).await.ok()??;
        serde_json::from_slice::<Value>(&hint).ok()?.get("version")?.as_u64()
    }

    /// The number of the newest commit, whole or not.
    ///
    /// # Errors
    /// When the commits cannot be listed.
    pub async fn newest(&self) -> Result<Option<u64>> {
        // The commits before the newest checkpoint need not be listed.
        let first = self.last_checkpoint().await.unwrap_or(0);
        let files = self.folder.list_after(&format!("{first:020}")).await?;
        Ok(files.iter().filter_map(|file| version_of(&file.name, ".json")).max())
    }

    /// The number of the newest commit, if it is not whole. Commits are written whole now. Older versions of the program
    /// could leave a commit torn after a power cut; it was never acknowledged, and a reader would see half of its batch.
    ///
    /// # Errors
    /// When the commits cannot be read.
    pub async fn torn(&self) -> Result<Option<u64>> {
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let commit = self.folder.read(&file_of(newest)).await?;
        Ok(commit.is_some_and(|commit| !is_whole(&commit)).then_some(newest))
    }

    /// The number of the newest batch, which the newest commit states that has added one: merged files hold batches that an
    /// earlier commit has added. Nothing where the commits after the newest checkpoint do not state it.
    ///
    /// # Errors
    /// When the commits cannot be read.
    pub async fn last_batch(&self) -> Result<Option<i64>> {
        let first = self.last_checkpoint().await.unwrap_or(0);
        let files = self.folder.list_after(&format!("{first:020}")).await?;
        let mut versions: Vec<u64> = files.iter().filter_map(|file| version_of(&file.name, ".json")).collect();
        versions.sort_unstable();
        for (position, version) in versions.into_iter().rev().enumerate() {
            let Some(commit) = self.folder.read(&file_of(version)).await? else { return Ok(None) };
            if position == 0 && !is_whole(&commit) {
                return Ok(None);
            }
            if let Some(batch) = batch_added(&commit) {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Gives a torn newest commit another name, so that its number can be used again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn set_torn_aside(&self) -> Result<()> {
        let Some(version) = self.torn().await? else { return Ok(()) };
        self.folder.rename(&file_of(version), &format!("{version:020}.torn")).await
    }

    /// The names of the data files that commits since then have removed from the table. Readers of older versions may
    /// still need them.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub async fn removed_since(&self, since: Instant) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        for (version, _) in versions(&self.folder.list().await?.files).filter(|(_, file)| file.written_at >= since) {
            let commit = self.folder.read(&file_of(version)).await?.unwrap_or_default();
            let actions = commit.split(|byte| *byte == b'\n');
            let actions = actions.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
            removed.extend(actions.filter_map(|action| Some(action.pointer("/remove/path")?.as_str()?.to_owned())));
        }
        Ok(removed)
    }

    /// The commits and checkpoints that no version since then needs, because a checkpoint contains them.
    ///
    /// # Errors
    /// When the commits cannot be listed.
    pub async fn expired(&self, since: Instant) -> Result<Vec<StoredFile>> {
        let files = self.folder.list().await?.files;
        // The version before the first recent one was in force at that instant.
        let first = versions(&files).filter(|(_, file)| file.written_at >= since).map(|(version, _)| version).min();
        let first = first.map(|version| version.saturating_sub(1));
        let Some(wanted) = [first, self.last_checkpoint().await].into_iter().flatten().min() else {
            return Ok(Vec::new());
        };
        let checkpoints = files.iter().filter_map(|file| version_of(&file.name, ".checkpoint.parquet"));
        let Some(base) = checkpoints.filter(|checkpoint| *checkpoint <= wanted).max() else { return Ok(Vec::new()) };
        let is_before = |file: &&StoredFile| any_version_of(&file.name).is_some_and(|version| version < base);
        Ok(files.iter().filter(is_before).cloned().collect())
    }
}

/// The last batch that a commit has added.
fn batch_added(commit: &[u8]) -> Option<i64> {
    let actions = commit.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let added = actions
        .filter_map(|action| action.get("add").cloned())
        .filter(|add| add.get("dataChange") == Some(&Value::Bool(true)));
    added.filter_map(|add| add.get("tags")?.get(BATCHES_TAG)?.as_str()?.split_once("..")?.1.parse().ok()).max()
}

fn versions(files: &[StoredFile]) -> impl Iterator<Item = (u64, &StoredFile)> {
    files.iter().filter_map(|file| Some((version_of(&file.name, ".json")?, file)))
}

fn file_of(version: u64) -> String {
    format!("{version:020}.json")
}

fn version_of(file: &str, ending: &str) -> Option<u64> {
    let digits = file.strip_suffix(ending)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn any_version_of(file: &str) -> Option<u64> {
    [".json", ".checkpoint.parquet", ".torn"].iter().find_map(|ending| version_of(file, ending))
}

/// Whether a commit has all of its lines: each is an object, the last one ends without a line break, and the rows of its
/// files add up to the number that it states.
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
