//! Rows of the tables as the facts that are explained.

use datafusion::prelude::SessionContext;

use super::rows::{CaseRows, RowAt, Rows};
use crate::error::Result;
use crate::explain::{CaseFacts, Creation, End, Instance, StatusInterval, label_named};
use crate::model::case::clock::Entry;
use crate::model::event::{Priority, Sentiment, Status};
use crate::model::policy::Milestone;
use crate::model::sla::Situation;

/// What the conditions of policies saw when the case was created.
pub struct CreationRow {
    is_deleted: bool,
    text: Option<String>,
    profile: Option<String>,
    platform: Option<String>,
    sentiment: Sentiment,
    language: Option<String>,
}

const TEXT: &str = "\
    SELECT text FROM events WHERE case_id = $case_id AND type = 'case.created' \
    ORDER BY time, sequence, source, id LIMIT 1";

impl CreationRow {
    /// That of a case; nothing of one that was never created.
    pub fn of(rows: &CaseRows) -> Option<CreationRow> {
        let case = rows.cases.iter().next()?;
        let created = rows.events.iter().find(|row| row.text("type").as_deref() == Some("case.created"))?;
        Some(CreationRow {
            // Also of a case that is deleted later than the moment that is shown: its text is gone whatever the moment.
            is_deleted: case.instant("deleted_at").is_some() || created.text("data").is_none(),
            text: created.text("text"),
            // Not that of `cases`, which is the present one.
            profile: created.text("profile"),
            platform: case.text("platform"),
            sentiment: created.text("sentiment").and_then(|name| Sentiment::parse(&name)).unwrap_or(Sentiment::None),
            language: case.text("language"),
        })
    }

    /// Reads the text as it is from a session with people as they are.
    ///
    /// # Errors
    /// When the events cannot be read.
    pub async fn read_text(&mut self, session: &SessionContext, id: &str) -> Result<()> {
        let rows = Rows::ask(session, TEXT, "case_id", id).await?;
        self.text = rows.iter().next().and_then(|row| row.text("text"));
        Ok(())
    }

    /// As the policies look at it.
    pub fn creation(&self) -> Creation<'_> {
        let situation = Situation {
            text: self.text.as_deref(),
            profile: self.profile.as_deref(),
            platform: self.platform.as_deref(),
            sentiment: self.sentiment,
            language: self.language.as_deref(),
        };
        Creation { situation, is_deleted: self.is_deleted }
    }
}

/// The facts of a case; none of one that was never created.
pub fn of(rows: &CaseRows) -> Option<CaseFacts> {
    let case = rows.cases.iter().next()?;
    let mut instances: Vec<Instance> = rows.milestones.iter().filter_map(|row| instance(&row, &rows.ledger)).collect();
    instances.sort_by_key(|instance| (instance.milestone, instance.n));
    Some(CaseFacts {
        created_at: case.instant("created_at")?,
        closed_at: case.instant("closed_at"),
        policy: case.text("policy").zip(case.instant("policy_version")),
        status_intervals: rows.periods.iter().filter_map(|row| status_interval(&row)).collect(),
        resolution_ms: rows.resolutions.iter().last().and_then(|row| row.whole("active_ms")),
        instances,
    })
}

fn status_interval(row: &RowAt<'_>) -> Option<StatusInterval> {
    Some(StatusInterval {
        since: row.instant("since")?,
        status: Status::parse(&row.text("status")?)?,
        priority: Priority::parse(&row.text("priority")?)?,
    })
}

fn instance(row: &RowAt<'_>, ledger: &Rows) -> Option<Instance> {
    let (name, n) = (row.text("milestone")?, row.whole("n")?);
    let its = |entry: &RowAt<'_>| entry.text("milestone").as_deref() == Some(&name) && entry.whole("n") == Some(n);
    let completed = row.instant("completed_at").map(|time| (time, End::Completed(row.text("completed_by"))));
    let stopped = || row.instant("stopped_at").map(|time| (time, End::Stopped));
    let disabled = || row.instant("disabled_at").map(|time| (time, End::Disabled));
    Some(Instance {
        milestone: Milestone::parse(&name)?,
        n,
        turn: row.whole("turn"),
        since: row.instant("since")?,
        until: row.instant("until"),
        policy_version: row.instant("policy_version")?,
        started_at: row.instant("started_at")?,
        target_ms: row.whole("target_ms")?,
        due_at: row.instant("due_at"),
        end: completed.or_else(stopped).or_else(disabled),
        assignee_at_due: row.text("assignee_at_due"),
        ledger: ledger.iter().filter(its).filter_map(|row| entry(&row)).collect(),
    })
}

fn entry(row: &RowAt<'_>) -> Option<Entry> {
    Some(Entry {
        since: row.instant("since")?,
        until: row.instant("until")?,
        label: label_named(&row.text("label")?)?,
        status: Status::parse(&row.text("status")?)?,
        calendar_version: row.instant("calendar_version"),
    })
}
