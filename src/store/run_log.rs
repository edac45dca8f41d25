//! The run log of schedules: which runs are due, what they rendered, and what became of each delivery. One SQLite database
//! in the store, so that it is durable and several processes may use it at once.
//!
//! Every change is one transaction. A delivery is recorded as begun before anything is sent and as ended after it, so what a
//! killed process left is known: either nothing was sent, or it is not known whether it was.

mod lease;
mod plan;
mod read;
mod types;
mod work;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::cores::blocking;
use super::disk;
use super::objects::Store;
use crate::error::{Error, Result};
pub use lease::{Lease, LeaseState};
pub use plan::{DueRun, Planned};
pub use types::{Delivery, DeliveryKey, DeliveryKind, DeliveryState, NewDelivery, Run, RunKey, RunState};
pub use work::{Attempt, Begun, Ended};

/// The folder of everything about schedules.
pub const FOLDER: &str = "schedules";

/// The file of the run log in that folder.
const FILE: &str = "runs.sqlite";

/// How long a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(30);

/// The layout of the tables; another number is that of another version of the program.
const LAYOUT: i64 = 1;

const TABLES: &str = "
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    considered_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    name TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    is_requested INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    ended_at INTEGER,
    last_batch INTEGER,
    summary TEXT,
    outputs TEXT NOT NULL DEFAULT '[]',
    condition TEXT,
    error TEXT,
    PRIMARY KEY (name, scheduled_at)
) WITHOUT ROWID;
-- The engine uses an index of some rows where a query has the same condition, word for word.
CREATE INDEX runs_to_render ON runs (scheduled_at, name) WHERE state IN ('due', 'rendering');
CREATE INDEX runs_delivering ON runs (name, scheduled_at) WHERE state = 'delivering';
CREATE TABLE deliveries (
    name TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    is_repeat INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    delay_ms INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    ended_at INTEGER,
    summary TEXT,
    outputs TEXT,
    receipt TEXT,
    error TEXT,
    PRIMARY KEY (name, scheduled_at, kind, target, recipient)
) WITHOUT ROWID;
CREATE INDEX deliveries_open ON deliveries (next_attempt_at) WHERE state IN ('waiting', 'attempting');
CREATE TABLE notices (
    name TEXT NOT NULL,
    notice TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    PRIMARY KEY (name, notice)
) WITHOUT ROWID;
CREATE TABLE lease (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    holder TEXT NOT NULL,
    beats INTEGER NOT NULL
);
";

/// The run log of one store.
#[derive(Clone)]
pub struct RunLog {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

impl RunLog {
    /// Opens the run log to write; makes it where there is none.
    ///
    /// # Errors
    /// When the disk refuses, or the file is not a run log of this version.
    pub async fn open(store: &Store) -> Result<RunLog> {
        let path = store.own_folder(FOLDER).join(FILE);
        blocking(move || {
            disk::create_folders(path.parent().unwrap_or(Path::new("/"))).map_err(Error::file(&path))?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let mut connection = open(&path, flags)?;
            make(&mut connection).map_err(failed(&path))?;
            let log = RunLog { connection: Arc::new(Mutex::new(connection)), path };
            log.check_layout()?;
            Ok(log)
        })
        .await
    }

    /// Opens the run log to read; nothing where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a run log of this version.
    pub async fn existing(store: &Store) -> Result<Option<RunLog>> {
        let path = store.own_folder(FOLDER).join(FILE);
        blocking(move || {
            if !path.exists() {
                return Ok(None);
            }
            let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let log = RunLog { connection: Arc::new(Mutex::new(connection)), path };
            log.check_layout()?;
            Ok(Some(log))
        })
        .await
    }

    fn check_layout(&self) -> Result<()> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let layout: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed(&self.path))?;
        if layout == LAYOUT {
            return Ok(());
        }
        let message = format!("the run log has layout {layout}, this program reads {LAYOUT}");
        Err(Error::invalid(self.path.display().to_string(), message)
            .with_hint("use the version of the program that wrote it"))
    }

    /// Runs one transaction. It has happened whole when this returns, or not at all.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (shared, path) = (Arc::clone(&self.connection), self.path.clone());
        blocking(move || {
            // A transaction that panicked was rolled back.
            let mut connection = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = || {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let value = change(&transaction)?;
                transaction.commit().map(|()| value)
            };
            changed().map_err(failed(&path))
        })
        .await
    }

    /// Reads, as of one state of the log.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (shared, path) = (Arc::clone(&self.connection), self.path.clone());
        blocking(move || {
            let connection = shared.lock().unwrap_or_else(PoisonError::into_inner);
            read(&connection).map_err(failed(&path))
        })
        .await
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let opened = || {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        // What was committed survives a power cut. Readers write nothing, as they would beside a log of writes.
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        Ok(connection)
    };
    opened().map_err(failed(path))
}

/// Makes the tables where there are none yet.
fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()
}

/// The error of the disk behind an error of the library.
fn failed(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, NotADatabase, PermissionDenied, ReadOnly};
        let kind = match error.sqlite_error_code() {
            Some(DiskFull) => std::io::ErrorKind::StorageFull,
            Some(ReadOnly) => std::io::ErrorKind::ReadOnlyFilesystem,
            Some(PermissionDenied | CannotOpen) => std::io::ErrorKind::PermissionDenied,
            Some(NotADatabase) => {
                return Error::invalid(path.display().to_string(), "the file is not a run log")
                    .with_hint("put it back from a copy of the store; without the file every schedule begins again");
            }
            _ => return Error::File { path, source: std::io::Error::other(error) },
        };
        Error::File { path, source: kind.into() }
    }
}
