//! What an import read, left out and emitted: every row and case without events is counted under a name.

use std::collections::BTreeMap;
use std::sync::Arc;

/// How many malformed rows are kept as examples.
const EXAMPLES_MAX: usize = 10;
/// How many different reasons are kept apart; the rest are counted together.
const REASONS_MAX: usize = 500;

/// The figures of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records read, header and blank lines not counted.
    pub rows_read: u64,
    /// Rows that a filter of the mapping leaves out.
    pub rows_filtered: u64,
    /// Rows equal to one already read, where the mapping states a `key`; emitted once. A mapping that needs no order (every event
    /// `on = "row"`) leaves it to the log to count these as duplicates.
    pub rows_repeated: u64,
    /// Rows that could not be read.
    pub rows_malformed: u64,
    /// The first malformed rows.
    pub malformed: Vec<Malformed>,
    /// Rows left out for another reason, by reason: threads that form a circle.
    pub rows_left_out: BTreeMap<String, u64>,
    /// Cases that became events; unknown (`None`) where the mapping needs no order, as nothing then brings a case's rows together.
    pub cases: Option<u64>,
    /// Cases left out, by the mapping's name for the reason.
    pub cases_left_out: BTreeMap<String, u64>,
    /// Events, and optional members of events, for which a row had no value, by reason.
    pub events_left_out: BTreeMap<String, u64>,
    /// Events emitted, the one of the grace period included.
    pub events_emitted: u64,
    /// Bytes of the tables, after decompression.
    pub bytes: u64,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The table.
    pub file: Arc<str>,
    /// Line on which the row begins, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub reason: String,
}

impl Tally {
    pub(super) fn malformed(&mut self, file: &Arc<str>, line: u64, reason: String) {
        self.rows_malformed += 1;
        if self.malformed.len() < EXAMPLES_MAX {
            self.malformed.push(Malformed { file: file.clone(), line, reason });
        }
    }

    /// Counts an event, or a member of one, that a row had no value for.
    pub(super) fn miss(&mut self, reason: String) {
        let known = self.events_left_out.contains_key(&reason) || self.events_left_out.len() < REASONS_MAX;
        count(&mut self.events_left_out, if known { reason } else { "for other reasons".to_owned() });
    }
}

pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: String) {
    *counts.entry(name).or_default() += 1;
}
