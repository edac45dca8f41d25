//! Which runs are due: recorded together with the instant up to which the patterns were read, so that no run is missed and
//! none is due twice.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};

use super::lease::Lease;
use super::types::{RunKey, RunState};
use super::{RunLog, work};
use crate::error::Result;
use crate::model::time::Instant;

/// A run whose instant has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRun {
    pub scheduled_at: Instant,
    /// Why it is not carried out.
    pub skipped: Option<String>,
}

/// What a schedule's pattern gave up to an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub name: String,
    pub until: Instant,
    pub runs: Vec<DueRun>,
}

impl RunLog {
    /// Follows these schedules, each with its pattern, and forgets all others but those of `kept`. Gives the instants up to which their patterns
    /// were read: now for those that are new, or whose pattern is another one.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn follow(
        &self,
        lease: &Lease,
        patterns: BTreeMap<String, String>,
        kept: BTreeSet<String>,
        now: Instant,
    ) -> Result<BTreeMap<String, Instant>> {
        let lease = lease.clone();
        self.change(move |transaction| {
            if !lease.holds(transaction)? {
                return Ok(BTreeMap::new());
            }
            let mut followed = followed(transaction)?;
            for name in followed.keys().filter(|name| !patterns.contains_key(*name) && !kept.contains(*name)) {
                transaction.execute("DELETE FROM schedules WHERE name = ?1", [name])?;
            }
            let begin = "INSERT INTO schedules (name, pattern, first_seen_at, considered_until) VALUES (?1, ?2, ?3, ?3)
                ON CONFLICT DO UPDATE SET pattern = ?2, considered_until = ?3";
            let mut read_until = BTreeMap::new();
            for (name, pattern) in patterns {
                let until = match followed.remove(&name) {
                    Some((known, until)) if known == pattern => until,
                    _ => {
                        transaction.execute(begin, params![name, pattern, now.0])?;
                        now
                    }
                };
                read_until.insert(name, until);
            }
            Ok(read_until)
        })
        .await
    }

    /// Since when each schedule is followed.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn followed_since(&self) -> Result<BTreeMap<String, Instant>> {
        self.read(|connection| {
            let mut rows = connection.prepare("SELECT name, first_seen_at FROM schedules")?;
            rows.query_map([], |row| Ok((row.get(0)?, Instant(row.get(1)?))))?.collect()
        })
        .await
    }

    /// Records the runs that are due. A run that is in the log already stays as it is.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn plan(&self, lease: &Lease, planned: Vec<Planned>, now: Instant) -> Result<()> {
        let lease = lease.clone();
        self.change(move |transaction| {
            if !lease.holds(transaction)? {
                return Ok(());
            }
            for Planned { name, until, runs } in planned {
                let considered = "UPDATE schedules SET considered_until = max(considered_until, ?2) WHERE name = ?1";
                transaction.execute(considered, params![name, until.0])?;
                for DueRun { scheduled_at, skipped } in runs {
                    let key = RunKey { name: name.clone(), scheduled_at };
                    let state = if skipped.is_some() { RunState::Skipped } else { RunState::Due };
                    work::insert(transaction, &key, state, false, skipped.as_deref(), now)?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// The pattern of each schedule, and the instant up to which it was read.
fn followed(transaction: &Transaction<'_>) -> rusqlite::Result<BTreeMap<String, (String, Instant)>> {
    let mut rows = transaction.prepare("SELECT name, pattern, considered_until FROM schedules")?;
    rows.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, Instant(row.get(2)?)))))?.collect()
}
