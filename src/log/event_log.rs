//! The log of a store: its two tables, at one version.

use std::path::Path;
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
    /// The log of the store in that folder.
    ///
    /// # Errors
    /// When the path cannot be the path of a store.
    pub fn of(folder: &Path) -> Result<LogFolder> {
        Ok(LogFolder { store: Store::open(folder)?, log: Arc::default() })
    }

    /// The log of the store in that folder, which has one; nothing is created.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing(folder: &Path) -> Result<LogFolder> {
        if LogFolder::is_in(folder) {
            return LogFolder::of(folder);
        }
        let message = format!("there is no log in {}", folder.display());
        Err(Error::refused(message).with_hint("`casebook ingest FILE` makes one, `casebook demo` shows one"))
    }

    /// Whether the store in that folder has a log.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join("events").is_dir()
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
        self.log.get_or_try_init(|| Log::open(self.store.path())).await
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
    /// Whether there is a log in that folder.
    pub async fn exists(folder: &Path) -> bool {
        match Store::open(folder) {
            Ok(store) => Table::exists(&store.folder("events")).await,
            Err(_) => false,
        }
    }

    /// Opens the log of the store in that folder. Creates an empty log where there is none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(folder: &Path) -> Result<Log> {
        let store = Store::open(folder)?;
        store.create_folder()?;
        let exists = Table::exists(&store.folder("events")).await && Table::exists(&store.folder("quarantine")).await;
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
    pub(super) async fn remove_uncommitted(&self, files: &[NewFile]) {
        let Ok(log) = self.reopen().await else { return };
        let Ok(committed) = log.events.files() else { return };
        let folder = log.events.folder();
        for file in files.iter().filter(|file| !committed.contains(&folder.local_path(&file.name))) {
            let _ = folder.remove(&file.name).await;
        }
    }
}
