//! The log, the desk and the cases of one history.

use super::desk::Desk;
use super::event::{self, Event};
use super::life::{self, Case};
use serde_json::Value;
use std::collections::BTreeSet;

/// All that the facts are computed from.
pub struct World {
    pub events: Vec<Event>,
    pub desk: Desk,
    pub cases: Vec<Case>,
}

impl World {
    pub fn read(lines: &[Value]) -> World {
        let events = event::read(lines);
        let desk = Desk::read(&events);
        let about = events.iter().filter(|event| event.is_about_a_case()).map(|event| event.subject.clone());
        let names: BTreeSet<String> = about.collect();
        let cases = names.iter().map(|name| life::replay_case(&events, &desk, name)).collect();
        World { events, desk, cases }
    }

    /// The instant of the last event of the log.
    pub fn end(&self) -> i64 {
        self.events.last().map_or(0, |event| event.time)
    }

    /// The index of the last event up to an instant, that instant included.
    pub fn last_index(&self, instant: i64) -> usize {
        self.events.partition_point(|event| event.time <= instant).saturating_sub(1)
    }

    /// Whether a message is a bot's (3.3).
    pub fn is_bots(&self, index: usize) -> bool {
        let event = &self.events[index];
        event.flag("bot") || event.text("by").is_some_and(|by| self.desk.is_bot(by, index))
    }
}
