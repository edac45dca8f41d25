//! Removing the files of a store that neither its log nor its facts need.

use crate::error::Result;
use crate::facts::manifest;
use crate::model::time::Instant;
use crate::store::lock::WriterLock;
use crate::store::objects::Store;
use crate::store::table;
use crate::store::vacuum;
use crate::store::vacuum::RemovableFile;

/// Lists the files that no version since then needs. While a writer is at work, files that it has begun are among them.
///
/// # Errors
/// When the store cannot be read.
pub async fn removable(store: &Store, since: Instant) -> Result<Vec<RemovableFile>> {
    let mut parts = vec![manifest::part(store, since).await?];
    for name in table::names(store).await? {
        parts.push(table::part(store, &name, since).await?);
    }
    Ok(vacuum::removable(store, parts, since))
}

/// Removes the files that no version since then needs, and returns what they were. Waits until no writer is at work.
///
/// # Errors
/// When the store cannot be read or written; the files that are left are found the next time.
pub async fn remove(store: &Store, since: Instant) -> Result<Vec<RemovableFile>> {
    let _log = WriterLock::take(store, "log").await?;
    let _facts = WriterLock::take(store, "facts").await?;
    let files = removable(store, since).await?;
    vacuum::remove(store, &files).await?;
    Ok(files)
}
