//! The community lock: how long the message that was escalated to a case is locked (7.4).

use super::history::History;
use crate::model::versions::Versions;

impl History<'_> {
    /// The times in which the escalated message is locked: from the creation until the case is closed or deleted, and again
    /// after a reopening. A resolved case in its grace period still locks it, also when the period ends after the log.
    #[must_use]
    pub fn locks(&self) -> Versions<()> {
        let mut locked = Versions::default();
        let Some(created) = self.created else { return locked };
        locked.set(created.at, ());
        for resolution in &self.resolutions {
            if let Some(closed_at) = resolution.closed_at {
                locked.end(closed_at);
            }
            if let Some(reopened_at) = resolution.reopened_at {
                locked.set(reopened_at, ());
            }
        }
        if let Some(deleted_at) = self.deleted_at {
            locked.end(deleted_at);
        }
        locked
    }
}
