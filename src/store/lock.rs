//! Locks of a store: one writer at a time for each of its parts.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::commits;
use super::cores::blocking;
use super::disk;
use super::objects::Store;
use crate::error::{Error, Result};

/// Held while one part of a store is written; other writers of that part wait.
///
/// The lock is one of the operating system on a file, so it ends with the process that holds it.
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of a part, such as `log` or `facts`. Waits while another writer holds it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn take(store: &Store, part: &str) -> Result<WriterLock> {
        let (folder, path) = (store.path().to_owned(), store.local_path(&format!("{part}.lock")));
        blocking(move || {
            let lock = WriterLock::wait(&path)?;
            flush_tables(&folder)?;
            Ok(lock)
        })
        .await
    }

    /// Takes the lock of a part if no other process holds it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn try_take(store: &Store, part: &str) -> Result<Option<WriterLock>> {
        let path = store.local_path(&format!("{part}.lock"));
        blocking(move || {
            let file = File::create(&path).map_err(Error::file(&path))?;
            match file.try_lock() {
                Ok(()) => Ok(Some(WriterLock { _file: file })),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(Error::file(&path)(error)),
            }
        })
        .await
    }

    fn wait(path: &Path) -> Result<WriterLock> {
        let file = File::create(path).map_err(Error::file(path))?;
        file.lock().map_err(Error::file(path))?;
        Ok(WriterLock { _file: file })
    }
}

/// Makes durable what a killed writer may have committed without flushing it: a writer must not build on something that a
/// power cut could take away.
fn flush_tables(store: &Path) -> Result<()> {
    let tables = disk::folder_names(store).into_iter().map(|name| store.join(name));
    for table in tables.filter(|table| table.join(commits::FOLDER).is_dir()) {
        for folder in [table.join(commits::FOLDER), table] {
            disk::flush_folder(&folder).map_err(Error::file(&folder))?;
        }
    }
    Ok(())
}
