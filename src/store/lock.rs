//! Locks of a store: one writer at a time for each of its parts.

use std::fs::File;
use std::path::Path;

use super::disk;
use crate::error::{Error, Result};

/// Held while one part of a store is written; other writers of that part wait.
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of a part, such as `log` or `facts`, waiting for whoever holds it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn take(store: &Path, part: &str) -> Result<WriterLock> {
        let (store, path) = (store.to_owned(), store.join(format!("{part}.lock")));
        blocking(move || {
            let lock = WriterLock::wait(&path)?;
            flush_log(&store)?;
            Ok(lock)
        })
        .await
    }

    fn wait(path: &Path) -> Result<WriterLock> {
        let file = File::create(path).map_err(Error::file(path))?;
        file.lock().map_err(Error::file(path))?;
        Ok(WriterLock { _file: file })
    }
}

/// Makes durable what a writer who was killed may have put in place and not flushed: whoever builds on what they see must
/// not lose it in a power cut.
fn flush_log(store: &Path) -> Result<()> {
    for folder in ["events", "events/_delta_log", "quarantine", "quarantine/_delta_log"].map(|name| store.join(name)) {
        if folder.is_dir() {
            disk::flush_folder(&folder).map_err(Error::file(&folder))?;
        }
    }
    Ok(())
}

/// Runs work that blocks beside the asynchronous rest.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
