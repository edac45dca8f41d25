//! The steps of a run, and of a delivery.

use rusqlite::{Transaction, params};

use super::lease::Lease;
use super::types::{DeliveryKey, DeliveryState, NewDelivery, RunKey, RunState};
use super::{RunLog, read};
use crate::error::Result;
use crate::model::time::Instant;

/// What a run has rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub last_batch: i64,
    /// JSON.
    pub summary: String,
    /// JSON.
    pub outputs: String,
    /// JSON.
    pub condition: Option<String>,
    pub deliveries: Vec<NewDelivery>,
    /// The breaches of which it gives notice.
    pub notices: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub state: RunState,
    pub error: Option<String>,
    /// JSON.
    pub condition: Option<String>,
    /// The reports of a failure that are to be sent.
    pub deliveries: Vec<NewDelivery>,
}

/// How an attempt to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Delivered {
        receipt: String,
    },
    /// To be tried again then.
    Again {
        error: String,
        at: Instant,
        delay_ms: i64,
        is_repeat: bool,
    },
    Failed {
        error: String,
    },
    Superseded {
        receipt: String,
    },
}

impl RunLog {
    /// Asks for a run by a command. `false` where the log has it already.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn request(&self, key: RunKey, now: Instant) -> Result<bool> {
        self.change(move |transaction| insert(transaction, &key, RunState::Due, true, None, now)).await
    }

    /// Begins to render a run. `false` where the lease is lost.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn begin_run(&self, lease: &Lease, key: &RunKey, now: Instant) -> Result<bool> {
        let (lease, key) = (lease.clone(), key.clone());
        self.change(move |transaction| {
            let begun = "UPDATE runs SET state = 'rendering', attempts = attempts + 1,
                started_at = coalesce(started_at, ?3)
                WHERE name = ?1 AND scheduled_at = ?2 AND state IN ('due', 'rendering')";
            Ok(lease.holds(transaction)?
                && transaction.execute(begun, params![key.name, key.scheduled_at.0, now.0])? == 1)
        })
        .await
    }

    /// Records what a run has rendered, and that it is to be delivered.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn begin_deliveries(&self, lease: &Lease, key: &RunKey, begun: Begun, now: Instant) -> Result<()> {
        let (lease, key) = (lease.clone(), key.clone());
        self.change(move |transaction| {
            let rendered = "UPDATE runs SET state = 'delivering', error = NULL, last_batch = ?3, summary = ?4,
                outputs = ?5, condition = ?6 WHERE name = ?1 AND scheduled_at = ?2 AND state = 'rendering'";
            let Begun { last_batch, summary, outputs, condition, deliveries, notices } = begun;
            let values = params![key.name, key.scheduled_at.0, last_batch, summary, outputs, condition];
            if !lease.holds(transaction)? || transaction.execute(rendered, values)? == 0 {
                return Ok(());
            }
            let noticed = "INSERT OR IGNORE INTO notices (name, notice, scheduled_at) VALUES (?1, ?2, ?3)";
            for notice in notices {
                transaction.prepare(noticed)?.execute(params![key.name, notice, key.scheduled_at.0])?;
            }
            deliveries.iter().try_for_each(|delivery| add(transaction, &key, delivery, now))
        })
        .await
    }

    /// Records that a run could not be rendered, and is tried again then.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn render_again(&self, lease: &Lease, key: &RunKey, error: String, at: Instant) -> Result<()> {
        let (lease, key) = (lease.clone(), key.clone());
        self.change(move |transaction| {
            let again = "UPDATE runs SET error = ?3, next_attempt_at = ?4
                WHERE name = ?1 AND scheduled_at = ?2 AND state = 'rendering'";
            if lease.holds(transaction)? {
                transaction.execute(again, params![key.name, key.scheduled_at.0, error, at.0])?;
            }
            Ok(())
        })
        .await
    }

    /// Ends a run.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn end_run(&self, lease: &Lease, key: &RunKey, ended: Ended, now: Instant) -> Result<()> {
        let (lease, key) = (lease.clone(), key.clone());
        self.change(move |transaction| {
            let update = "UPDATE runs SET state = ?3, error = ?4, condition = coalesce(?5, condition), ended_at = ?6
                WHERE name = ?1 AND scheduled_at = ?2 AND state IN ('due', 'rendering', 'delivering')";
            let Ended { state, error, condition, deliveries } = ended;
            let values = params![key.name, key.scheduled_at.0, state, error, condition, now.0];
            if !lease.holds(transaction)? || transaction.execute(update, values)? == 0 {
                return Ok(());
            }
            deliveries.iter().try_for_each(|delivery| add(transaction, &key, delivery, now))
        })
        .await
    }

    /// Begins an attempt of each of these deliveries, and gives those that were begun: none where the lease is lost.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn begin_attempts(
        &self,
        lease: &Lease,
        keys: Vec<DeliveryKey>,
        now: Instant,
    ) -> Result<Vec<super::Delivery>> {
        let lease = lease.clone();
        self.change(move |transaction| {
            if !lease.holds(transaction)? {
                return Ok(Vec::new());
            }
            let begin = "UPDATE deliveries SET state = 'attempting', attempts = attempts + 1,
                first_attempt_at = coalesce(first_attempt_at, ?6)
                WHERE name = ?1 AND scheduled_at = ?2 AND kind = ?3 AND target = ?4 AND recipient = ?5
                AND state = 'waiting'";
            let mut begun = Vec::new();
            for key in &keys {
                let DeliveryKey { run, kind, target, recipient } = key;
                let values = params![run.name, run.scheduled_at.0, kind, target, recipient, now.0];
                if transaction.prepare(begin)?.execute(values)? == 1 {
                    begun.extend(read::delivery(transaction, key)?);
                }
            }
            Ok(begun)
        })
        .await
    }

    /// Records how the attempt of that number ended. Nothing is recorded where another attempt has begun since: a process
    /// that lost its lease ends no attempt of its successor.
    ///
    /// # Errors
    /// When the run log cannot be written.
    pub async fn end_attempt(&self, key: &DeliveryKey, number: u32, attempt: Attempt, now: Instant) -> Result<()> {
        let key = key.clone();
        self.change(move |transaction| {
            let (state, receipt, error, again) = match attempt {
                Attempt::Delivered { receipt } => (DeliveryState::Delivered, Some(receipt), None, None),
                Attempt::Superseded { receipt } => (DeliveryState::Superseded, Some(receipt), None, None),
                Attempt::Failed { error } => (DeliveryState::Failed, None, Some(error), None),
                Attempt::Again { error, at, delay_ms, is_repeat } => {
                    (DeliveryState::Waiting, None, Some(error), Some((at, delay_ms, is_repeat)))
                }
            };
            let ended_at = again.is_none().then_some(now.0);
            let (at, delay_ms, is_repeat) = match again {
                Some((at, delay_ms, is_repeat)) => (Some(at.0), Some(delay_ms), is_repeat),
                None => (None, None, false),
            };
            let end = "UPDATE deliveries SET state = ?7, receipt = ?8, error = ?9, ended_at = ?10,
                next_attempt_at = coalesce(?11, next_attempt_at), delay_ms = coalesce(?12, delay_ms),
                is_repeat = is_repeat OR ?13
                WHERE name = ?1 AND scheduled_at = ?2 AND kind = ?3 AND target = ?4 AND recipient = ?5
                AND attempts = ?6 AND state IN ('attempting', 'waiting')";
            let DeliveryKey { run, kind, target, recipient } = key;
            let values = params![
                run.name,
                run.scheduled_at.0,
                kind,
                target,
                recipient,
                number,
                state,
                receipt,
                error,
                ended_at,
                at,
                delay_ms,
                is_repeat
            ];
            transaction.prepare(end)?.execute(values).map(drop)
        })
        .await
    }
}

/// Adds a run; `false` where the log has it already.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    key: &RunKey,
    state: RunState,
    is_requested: bool,
    error: Option<&str>,
    now: Instant,
) -> rusqlite::Result<bool> {
    let ended_at = state.is_final().then_some(now.0);
    let insert = "INSERT OR IGNORE INTO runs (name, scheduled_at, state, is_requested, error, ended_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![key.name, key.scheduled_at.0, state, is_requested, error, ended_at];
    Ok(transaction.prepare(insert)?.execute(values)? == 1)
}

fn add(transaction: &Transaction<'_>, run: &RunKey, new: &NewDelivery, now: Instant) -> rusqlite::Result<()> {
    let insert = "INSERT OR IGNORE INTO deliveries
        (name, scheduled_at, kind, target, recipient, state, next_attempt_at, summary, outputs)
        VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?8)";
    let NewDelivery { kind, target, recipient, summary, outputs } = new;
    let values = params![run.name, run.scheduled_at.0, kind, target, recipient, now.0, summary, outputs];
    transaction.prepare(insert)?.execute(values).map(drop)
}
