//! What a case adds to the workload of its assignee (2.5), stretch by stretch, as bytes of the log's order.
//!
//! `over_capacity` asks for the workload just before an event, which periods cannot tell where several events share an
//! instant.

use super::Case;

/// A stretch in which an open case is assigned to a user. Bounds are bytes that sort as the log does
/// ([`crate::model::event::Order::to_bytes`]); no `until`: still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSpan<'a> {
    pub user: &'a str,
    pub since: Vec<u8>,
    pub until: Option<Vec<u8>>,
}

impl<'a> Case<'a> {
    /// Whose workload the case is part of now.
    fn bearer(&self) -> Option<&'a str> {
        let standing = self.standing().filter(|_| self.history.deleted_at.is_none())?;
        standing.assignee.filter(|_| !standing.status.is_resolved())
    }

    /// Writes down whose workload the case is part of, after something that happened at that place of the log.
    pub(super) fn note_load(&mut self, place: impl FnOnce() -> Vec<u8>) {
        let bearer = self.bearer();
        if bearer == self.load.as_ref().map(|(user, _)| *user) {
            return;
        }
        let place = place();
        self.end_load(Some(place.clone()));
        self.load = bearer.map(|user| (user, place));
    }

    /// Ends the present stretch, if there is one.
    pub(super) fn end_load(&mut self, until: Option<Vec<u8>>) {
        if let Some((user, since)) = self.load.take() {
            self.history.load_spans.push(LoadSpan { user, since, until });
        }
    }
}
