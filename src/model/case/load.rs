//! What a case adds to the workload of its assignee (2.5), stretch by stretch, from place to place in the log.
//!
//! `over_capacity` asks for the workload just before an event, which periods cannot tell where several events share an
//! instant.

use super::Case;
use super::span::LoadSpan;
use crate::model::position::Position;

impl<'a> Case<'a> {
    /// Whose workload the case is part of now.
    fn bearer(&self) -> Option<&'a str> {
        let standing = self.standing().filter(|_| self.history.deleted_at.is_none())?;
        standing.assignee.filter(|_| !standing.status.is_resolved())
    }

    /// Writes down whose workload the case is part of, after something that happened at that place of the log.
    pub(super) fn note_load(&mut self, place: Position<'a>) {
        let bearer = self.bearer();
        if bearer == self.load.as_ref().map(|(user, _)| *user) {
            return;
        }
        self.end_load(Some(place));
        self.load = bearer.map(|user| (user, place));
    }

    /// Ends the present stretch, if there is one.
    pub(super) fn end_load(&mut self, until: Option<Position<'a>>) {
        if let Some((user, since)) = self.load.take() {
            self.history.load_spans.push(LoadSpan { user, since, until });
        }
    }
}
