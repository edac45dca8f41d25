//! The events of a case, and the findings beside those that broke a rule.

use super::rows::{CaseRows, RowAt, Rows};
use super::tables::DETAILS;
use crate::model::time::Instant;

/// Only the last so many messages of one case are shown; all are counted (2.2).
const MESSAGES_MAX: usize = 500;

/// An event of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub time: Instant,
    /// Its type.
    pub kind: String,
    pub by: Option<String>,
    /// Name and value of the other columns of [`DETAILS`] that it has.
    pub details: Vec<(&'static str, String)>,
    pub findings: Vec<Finding>,
}

/// A rule that an event broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: Option<String>,
    pub effect: Option<String>,
    pub detail: Option<String>,
}

/// The events that are shown, and how many are not: the earlier ones of very many messages, unless they broke a rule.
pub(super) fn of(rows: &CaseRows) -> (Vec<Event>, usize) {
    let mut left = messages_hidden(&rows.events);
    let (mut events, mut hidden) = (Vec::new(), 0);
    for row in rows.events.iter() {
        let is_early = row.is_message() && left > 0;
        left -= usize::from(is_early);
        match event(&row, &rows.findings) {
            Some(event) if !is_early || !event.findings.is_empty() => events.push(event),
            _ => hidden += usize::from(is_early),
        }
    }
    (events, hidden)
}

fn event(row: &RowAt<'_>, findings: &Rows) -> Option<Event> {
    let value = |name: &&'static str| Some((*name, row.text(name)?));
    Some(Event {
        time: row.instant("time")?,
        kind: row.text("type")?,
        by: row.text("by"),
        details: DETAILS.iter().skip(1).filter_map(value).collect(),
        findings: broken_rules(findings, row),
    })
}

/// How many messages are before the last ones that are shown.
#[must_use]
pub fn messages_hidden(events: &Rows) -> usize {
    events.iter().filter(RowAt::is_message).count().saturating_sub(MESSAGES_MAX)
}

/// What an event broke, without what is hidden.
#[must_use]
pub fn broken_rules(findings: &Rows, event: &RowAt<'_>) -> Vec<Finding> {
    let is_its = |finding: &RowAt<'_>| {
        finding.text("id") == event.text("id")
            && finding.text("source") == event.text("source")
            && finding.text("severity").as_deref() != Some("hidden")
    };
    let finding = |row: RowAt<'_>| {
        let [rule, effect, detail] = ["rule", "effect", "detail"].map(|column| row.text(column));
        Finding { rule, effect, detail }
    };
    findings.iter().filter(is_its).map(finding).collect()
}
