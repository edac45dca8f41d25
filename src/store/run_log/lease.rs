//! Which process works on the runs of a store: one at a time.
//!
//! The holder of the lease adds to `beats` while it works. Another process takes the lease over when the number has not
//! changed for a time that it measures itself, so no wall clock decides. Where the holder was a process on the same
//! machine that has ended, the system has released its lock, and the lease is taken over at once.

use rusqlite::{OptionalExtension, Transaction, params};

use super::RunLog;
use crate::error::Result;

/// Who holds the lease, and how often it has been renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseState {
    pub holder: String,
    pub beats: i64,
}

/// What a process needs to hold to work on runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub(super) holder: String,
}

impl Lease {
    /// The name of the holder.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Whether a transaction is of the holder.
    pub(super) fn holds(&self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        Ok(held(transaction)?.is_some_and(|state| state.holder == self.holder))
    }
}

impl RunLog {
    /// The lease as it is; nothing where it was never taken or was given back.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn lease(&self) -> Result<Option<LeaseState>> {
        self.read(|connection| {
            let state = |row: &rusqlite::Row<'_>| Ok(LeaseState { holder: row.get(0)?, beats: row.get(1)? });
            connection.query_row("SELECT holder, beats FROM lease", [], state).optional()
        })
        .await
    }

    /// Takes the lease, if it still is as it was `seen`. Deliveries that were begun under the lease before have an unknown
    /// end from now on, which the one who holds the lease settles first.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn take_lease(&self, holder: &str, seen: Option<LeaseState>) -> Result<Option<Lease>> {
        let holder = holder.to_owned();
        self.change(move |transaction| {
            if held(transaction)? != seen {
                return Ok(None);
            }
            let beats = seen.map_or(0, |state| state.beats + 1);
            transaction.execute("REPLACE INTO lease (id, holder, beats) VALUES (1, ?1, ?2)", params![holder, beats])?;
            Ok(Some(Lease { holder }))
        })
        .await
    }

    /// Renews the lease. `false` where another process has taken it over.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<bool> {
        let lease = lease.clone();
        self.change(move |transaction| {
            let renewed = "UPDATE lease SET beats = beats + 1 WHERE holder = ?1";
            Ok(transaction.execute(renewed, [&lease.holder])? == 1)
        })
        .await
    }

    /// Gives the lease back, so that another process need not wait.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn give_lease_back(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.change(move |transaction| {
            transaction.execute("DELETE FROM lease WHERE holder = ?1", [&lease.holder]).map(drop)
        })
        .await
    }
}

fn held(transaction: &Transaction<'_>) -> rusqlite::Result<Option<LeaseState>> {
    let state = |row: &rusqlite::Row<'_>| Ok(LeaseState { holder: row.get(0)?, beats: row.get(1)? });
    transaction.query_row("SELECT holder, beats FROM lease", [], state).optional()
}
