//! What a case adds to the workload of its assignee (2.5), in spans between positions of the log.
//!
//! `over_capacity` needs the workload just before an event. Periods do not show it where several events have one instant.

use super::Case;
use super::span::LoadSpan;
use crate::model::position::LogPosition;

impl<'a> Case<'a> {
    /// The user whose workload the case is part of now.
    fn loaded_user(&self) -> Option<&'a str> {
        let standing = self.standing().filter(|_| self.history.deleted_at.is_none())?;
        standing.assignee.filter(|_| !standing.status.is_resolved())
    }

    /// Records whose workload the case is part of after that position of the log.
    pub(super) fn record_load(&mut self, position: LogPosition<'a>) {
        let loaded_user = self.loaded_user();
        if loaded_user == self.load.as_ref().map(|(user, _)| *user) {
            return;
        }
        self.end_load(Some(position));
        self.load = loaded_user.map(|user| (user, position));
    }

    /// Ends the present span, if there is one.
    pub(super) fn end_load(&mut self, until: Option<LogPosition<'a>>) {
        if let Some((user, since)) = self.load.take() {
            self.history.load_spans.push(LoadSpan { user, since, until });
        }
    }
}
