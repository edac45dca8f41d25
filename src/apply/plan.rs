//! The difference between what a file states and the present state of a desk, as events that remove it.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::change::{Change, change};
use super::file::Desired;
use super::state::{DeskEvent, State};
use super::warnings::{self, Warning};
use crate::error::{Error, Result};
use crate::input::piece::MadeLine;
use crate::model::time::Instant;
use crate::wire::line;

/// The CloudEvents source of what is applied.
pub const SOURCE: &str = "apply";

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From when on it is in force.
    pub at: Instant,
    /// The `sequence` of the first event, after those of the same instant.
    sequence: i64,
    pub changes: Vec<Change>,
    /// What the user should know; no warning prevents the plan.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// What has to change from an instant on. `events` are all events about the desk, in log order, also later ones.
    #[must_use]
    pub fn new(desired: &[Desired], events: &[DeskEvent], at: Instant) -> Plan {
        let (past, later) = events.split_at(events.partition_point(|event| event.time <= at));
        let mut state = State::after(past);
        let mut changes = Vec::new();
        for thing in desired {
            // Each is compared with the state after those before it: one may remove what another needs.
            if let Some(change) = change(thing, &state) {
                state.apply(change.event, &change.subject, &change.data);
                changes.push(change);
            }
        }
        let at_once = past.iter().rev().take_while(|event| event.time == at);
        let sequence = at_once.map(|event| event.sequence.saturating_add(1)).max().unwrap_or(0);
        let mut warnings = warnings::unknown_references(desired, &state, later);
        warnings.extend(warnings::stated_again(&changes, later));
        warnings.extend(warnings::never_enabled(desired));
        Plan { at, sequence, changes, warnings }
    }

    /// The events as checked lines for the log. The same change at the same instant is the same event.
    ///
    /// # Errors
    /// What ingestion would refuse.
    pub fn lines(&self, file: &Path) -> Result<Vec<MadeLine>> {
        let name: Arc<str> = file.display().to_string().into();
        let numbered = self.changes.iter().zip(self.sequence..);
        numbered.map(|(change, sequence)| self.line(change, sequence, &name)).collect()
    }

    fn line(&self, change: &Change, sequence: i64, file: &Arc<str>) -> Result<MadeLine> {
        let mut event = json!({
            "specversion": "1.0", "id": SOURCE, "source": SOURCE, "type": change.event.name(),
            "subject": change.subject, "time": self.at.to_string(), "sequence": sequence, "data": change.data,
        });
        let refused = |refusal| Error::invalid(format!("{file}:{}", change.line), format!("{refusal}"));
        let text = event.to_string();
        let content = line::parse(text.as_bytes()).map_err(refused)?.content(&mut Vec::new());
        if let Some(id) = event.get_mut("id") {
            *id = format!("{content:032x}").into();
        }
        Ok(MadeLine { json: event.to_string().into_bytes(), file: Arc::clone(file), line: change.line, offset: 0 })
    }
}
