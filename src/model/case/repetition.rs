//! Messages that a source sent again under another event identity (2.7 `message_repeated`).

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::rows::{Direction, MessageRow};
use crate::model::time::Instant;

/// The messages of one instant, by direction and id. Only an instant with several messages is looked at, so that a case
/// without repetitions costs one comparison for each message.
#[derive(Debug, Default)]
pub(super) struct MessagesOfInstant<'a> {
    time: Option<Instant>,
    known: HashSet<(Direction, &'a str), FixedState>,
}

impl<'a> MessagesOfInstant<'a> {
    /// Whether one of the earlier messages of the case has the same instant, direction and id. A message for which this
    /// returns false must become the next row.
    pub(super) fn is_repeated(
        &mut self,
        earlier: &[MessageRow<'a>],
        time: Instant,
        direction: Direction,
        message: &'a str,
    ) -> bool {
        if earlier.last().is_none_or(|last| last.time != time) {
            return false;
        }
        if self.time != Some(time) {
            let of_instant = earlier.iter().rev().take_while(|row| row.time == time);
            self.known = of_instant.map(|row| (row.direction, row.message)).collect();
            self.time = Some(time);
        }
        !self.known.insert((direction, message))
    }
}
