//! The log of a store: its two tables, at one version.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::log::quarantine;
use crate::log::rows::LOG_SCHEMA;
use crate::store::commits::Commits;
use crate::store::data_file::NewFile;
use crate::store::lock::WriterLock;
use crate::store::objects::Store;
use crate::store::table::Table;

/// The log of one store, at one version.
#[derive(Clone, Debug)]
pub struct Log {
    store: Store,
    pub events: Table,
    pub quarantine: Table,
}

/// The folder of a log. The log is opened when something of it is needed, because that takes longer than most questions.
#[derive(Clone, Debug)]
pub struct LogFolder {
    store: Store,
    log: Arc<OnceCell<Log>>,
}

impl LogFolder {
    /// The log of a store.
    #[must_use]
    pub fn of(store: &Store) -> LogFolder {
        LogFolder { store: store.clone(), log: Arc::default() }
    }

    /// The log of a store that has one; nothing is created.
    ///
    /// # Errors
    /// When there is none, or a bucket cannot be read.
    pub async fn existing(store: &Store) -> Result<LogFolder> {
        if LogFolder::is_in(store).await? {
            return Ok(LogFolder::of(store));
        }
        let message = format!("there is no log in {}", store.place());
        Err(Error::refused(message).with_hint("`casebook ingest FILE` makes one, `casebook demo` shows one"))
    }

    /// Whether a store has a log.
    ///
    /// # Errors
    /// When a bucket cannot be read.
    pub async fn is_in(store: &Store) -> Result<bool> {
        let events = store.folder("events");
        // A folder whose first commit was cut short is a log without events.
        if store.is_in_bucket() { Table::exists(&events).await } else { Ok(events.path().is_dir()) }
    }

    /// The store that the log is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The log, in the version of the first time that it was needed.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn log(&self) -> Result<&Log> {
        self.log.get_or_try_init(|| Log::open(&self.store)).await
    }

    /// The number of the newest batch in the log, as [`Log::last_batch`]. The newest commits state it, so that the log is
    /// mostly not opened for it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_batch(&self) -> Result<i64> {
        if let Some(log) = self.log.get() {
            return log.last_batch();
        }
        match Commits::of(&self.store.folder("events")).last_batch().await? {
            Some(batch) => Ok(batch),
            None => self.log().await?.last_batch(),
        }
    }
}

impl From<&Log> for LogFolder {
    fn from(log: &Log) -> LogFolder {
        LogFolder { store: log.store.clone(), log: Arc::new(OnceCell::new_with(Some(log.clone()))) }
    }
}

impl Log {
    /// Opens the log of a store. Creates an empty log where there is none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(store: &Store) -> Result<Log> {
        let store = store.clone();
        store.create_folder()?;
        let exists =
            Table::exists(&store.folder("events")).await? && Table::exists(&store.folder("quarantine")).await?;
        // Two writers that come first must not both create the tables.
        let _lock = match exists {
            true => None,
            false => Some(WriterLock::take(&store, "log").await?),
        };
        let events = Table::open_or_create(&store.folder("events"), "events", LOG_SCHEMA.clone()).await?;
        let quarantine = quarantine::open(&store).await?;
        Ok(Log { store, events, quarantine })
    }

    /// Opens the newest version of the same log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reopen(&self) -> Result<Log> {
        let (events, quarantine) = (self.events.reopen().await?, self.quarantine.reopen().await?);
        Ok(Log { store: self.store.clone(), events, quarantine })
    }

    /// The store that the log is in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The number of the newest batch in the log, by which facts state what they were made from. Merging files does not
    /// change it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn last_batch(&self) -> Result<i64> {
        self.events.last_batch()
    }

    /// Removes files that a failed commit was to name, because a full disk needs the space. They stay if the commit became
    /// visible before it failed, and if that cannot be found out.
    pub(super) async fn remove_uncommitted(&self, files: &[NewFile], error: &Error) {
        let folder = self.events.folder();
        // A bucket may still carry out a request that has failed; a commit that has lost is never carried out.
        if folder.is_in_bucket() && !error.is_overtaken() {
            return;
        }
        let Ok(log) = self.reopen().await else { return };
        let Ok(committed) = log.events.files() else { return };
        for file in files.iter().filter(|file| !committed.contains(&folder.local_path(&file.name))) {
            let _ = folder.remove(&file.name).await;
        }
    }
}
