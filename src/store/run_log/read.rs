//! Runs and deliveries, read.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::RunLog;
use super::types::{Delivery, DeliveryKey, Run, RunKey};
use crate::error::Result;
use crate::model::time::Instant;

const RUN: &str =
    "SELECT name, scheduled_at, state, is_requested, attempts, next_attempt_at, started_at, ended_at, last_batch,
    summary, outputs, condition, error FROM runs";

const DELIVERY: &str =
    "SELECT name, scheduled_at, kind, target, recipient, state, attempts, is_repeat, next_attempt_at,
    delay_ms, first_attempt_at, ended_at, summary, outputs, receipt, error FROM deliveries";

impl RunLog {
    /// One run.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn run(&self, key: &RunKey) -> Result<Option<Run>> {
        let key = key.clone();
        self.read(move |connection| {
            let query = format!("{RUN} WHERE name = ?1 AND scheduled_at = ?2");
            connection.query_row(&query, params![key.name, key.scheduled_at.0], run).optional()
        })
        .await
    }

    /// The last runs, of one schedule or of all, the latest first.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn last_runs(&self, name: Option<String>, count: u32) -> Result<Vec<Run>> {
        self.read(move |connection| {
            let query = format!("{RUN} WHERE ?1 IS NULL OR name = ?1 ORDER BY scheduled_at DESC, name LIMIT ?2");
            all(connection, &query, params![name, count], run)
        })
        .await
    }

    /// Every run, in the order of their names and instants.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn runs(&self) -> Result<Vec<Run>> {
        self.read(|connection| all(connection, &format!("{RUN} ORDER BY name, scheduled_at"), [], run)).await
    }

    /// The runs that are to be rendered, the earliest first.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn runs_to_render(&self) -> Result<Vec<Run>> {
        self.read(|connection| {
            let query = format!("{RUN} WHERE state IN ('due', 'rendering') ORDER BY scheduled_at, name");
            all(connection, &query, [], run)
        })
        .await
    }

    /// The runs whose last delivery has ended, while they themselves have not.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn runs_to_end(&self) -> Result<Vec<Run>> {
        self.read(|connection| {
            let query = format!(
                "{RUN} WHERE state = 'delivering' AND NOT EXISTS (SELECT 1 FROM deliveries AS delivery
                WHERE delivery.name = runs.name AND delivery.scheduled_at = runs.scheduled_at
                AND delivery.kind = 'report' AND delivery.state IN ('waiting', 'attempting'))"
            );
            all(connection, &query, [], run)
        })
        .await
    }

    /// The deliveries of one run.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn deliveries(&self, key: &RunKey) -> Result<Vec<Delivery>> {
        let key = key.clone();
        self.read(move |connection| {
            let query =
                format!("{DELIVERY} WHERE name = ?1 AND scheduled_at = ?2 ORDER BY kind DESC, target, recipient");
            all(connection, &query, params![key.name, key.scheduled_at.0], of_row)
        })
        .await
    }

    /// Every delivery, in the order of their names and instants.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn all_deliveries(&self) -> Result<Vec<Delivery>> {
        self.read(|connection| {
            let query = format!("{DELIVERY} ORDER BY name, scheduled_at, kind DESC, target, recipient");
            all(connection, &query, [], of_row)
        })
        .await
    }

    /// The deliveries that have not ended, those that wait longest first, without what they send.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn open_deliveries(&self) -> Result<Vec<Delivery>> {
        self.read(|connection| {
            let delivery = DELIVERY.replace("summary, outputs, receipt", "NULL AS summary, NULL AS outputs, receipt");
            let query = format!(
                "{delivery} WHERE state IN ('waiting', 'attempting')
                ORDER BY next_attempt_at, scheduled_at, name, target, recipient"
            );
            all(connection, &query, [], of_row)
        })
        .await
    }

    /// Whether a later run of the schedule has been delivered to the same target.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn is_superseded(&self, key: &DeliveryKey) -> Result<bool> {
        let key = key.clone();
        self.read(move |connection| {
            let query = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE name = ?1 AND scheduled_at > ?2 AND kind = ?3
                AND target = ?4 AND recipient = ?5 AND state = 'delivered')";
            let DeliveryKey { run, kind, target, recipient } = key;
            connection
                .query_row(query, params![run.name, run.scheduled_at.0, kind, target, recipient], |row| row.get(0))
        })
        .await
    }

    /// What the condition of a schedule found at the last run before an instant.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn condition_before(&self, key: &RunKey) -> Result<Option<String>> {
        let key = key.clone();
        self.read(move |connection| {
            let query = "SELECT condition FROM runs WHERE name = ?1 AND scheduled_at < ?2 AND condition IS NOT NULL
                ORDER BY scheduled_at DESC LIMIT 1";
            connection.query_row(query, params![key.name, key.scheduled_at.0], |row| row.get(0)).optional()
        })
        .await
    }

    /// The breaches of which a schedule has given notice.
    ///
    /// # Errors
    /// When the run log cannot be read.
    pub async fn notices(&self, name: &str) -> Result<BTreeSet<String>> {
        let name = name.to_owned();
        self.read(move |connection| {
            let mut rows = connection.prepare("SELECT notice FROM notices WHERE name = ?1")?;
            rows.query_map([name], |row| row.get(0))?.collect()
        })
        .await
    }
}

/// One delivery.
pub(super) fn delivery(connection: &Connection, key: &DeliveryKey) -> rusqlite::Result<Option<Delivery>> {
    let query =
        format!("{DELIVERY} WHERE name = ?1 AND scheduled_at = ?2 AND kind = ?3 AND target = ?4 AND recipient = ?5");
    let DeliveryKey { run, kind, target, recipient } = key;
    let values = params![run.name, run.scheduled_at.0, kind, target, recipient];
    connection.prepare(&query)?.query_row(values, of_row).optional()
}

fn all<T>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    of_row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(query)?.query_map(values, of_row)?.collect()
}

fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Instant>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Instant))
}

fn key(row: &Row<'_>) -> rusqlite::Result<RunKey> {
    Ok(RunKey { name: row.get("name")?, scheduled_at: Instant(row.get("scheduled_at")?) })
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        key: key(row)?,
        state: row.get("state")?,
        is_requested: row.get("is_requested")?,
        attempts: row.get("attempts")?,
        next_attempt_at: Instant(row.get("next_attempt_at")?),
        started_at: instant(row, "started_at")?,
        ended_at: instant(row, "ended_at")?,
        last_batch: row.get("last_batch")?,
        summary: row.get("summary")?,
        outputs: row.get("outputs")?,
        condition: row.get("condition")?,
        error: row.get("error")?,
    })
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        key: DeliveryKey {
            run: key(row)?,
            kind: row.get("kind")?,
            target: row.get("target")?,
            recipient: row.get("recipient")?,
        },
        state: row.get("state")?,
        attempts: row.get("attempts")?,
        is_repeat: row.get("is_repeat")?,
        next_attempt_at: Instant(row.get("next_attempt_at")?),
        delay_ms: row.get("delay_ms")?,
        first_attempt_at: instant(row, "first_attempt_at")?,
        ended_at: instant(row, "ended_at")?,
        summary: row.get("summary")?,
        outputs: row.get("outputs")?,
        receipt: row.get("receipt")?,
        error: row.get("error")?,
    })
}
