//! What an import read, left out and emitted: every row and case without events is counted under a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many malformed rows are kept as examples.
const EXAMPLES_MAX: usize = 10;
/// How many different values are kept apart for one reason; the rest are counted together.
const VALUES_MAX: usize = 200;

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
    /// Rows that could not be read, and are set aside.
    pub rows_malformed: u64,
    /// The first malformed rows.
    pub malformed: Vec<Malformed>,
    /// Rows left out for another reason, by reason: threads that form a circle.
    pub rows_left_out: BTreeMap<String, u64>,
    /// Columns that the mapping names and no row of any input has, where the inputs do not list their columns at the beginning.
    pub columns_absent: BTreeSet<String>,
    /// Cases that became events; unknown (`None`) where the mapping needs no order, as nothing then brings a case's rows together.
    pub cases: Option<u64>,
    /// Cases left out, by the mapping's name for the reason.
    pub cases_left_out: BTreeMap<String, u64>,
    /// Events emitted, by the name of their rule.
    pub events: BTreeMap<String, u64>,
    /// Events, and optional members of events, for which a row had no value.
    pub events_left_out: BTreeMap<Reason, LeftOut>,
    /// Events of first rows that an earlier snapshot has stated.
    pub events_known: u64,
    /// Local times of an hour that comes twice, which the order of the case's events settled.
    pub times_settled: u64,
    /// Local times of an hour that comes twice, which nothing settled: read as the first of the two.
    pub times_ambiguous: u64,
    /// Local times that a change of clocks skips: read with the offset before the change.
    pub times_skipped: u64,
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

/// Why an event or a member of one was left out, without the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The name of the rule, and the member where only that is left out.
    pub rule: String,
    /// What was wrong, with the column.
    pub reason: String,
}

/// How often something was left out for a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Events or members.
    pub count: u64,
    /// The values of the column, each with its count; of many, some.
    pub values: BTreeMap<String, u64>,
    /// The event itself is left out because what the row has cannot be read.
    pub unreadable: bool,
}

impl LeftOut {
    fn add(&mut self, other: LeftOut) {
        self.count += other.count;
        self.unreadable = other.unreadable;
        for (value, count) in other.values {
            if self.values.len() < VALUES_MAX || self.values.contains_key(&value) {
                *self.values.entry(value).or_default() += count;
            }
        }
    }

    /// The most frequent values, at most `count`.
    #[must_use]
    pub fn frequent(&self, count: usize) -> Vec<(&str, u64)> {
        let mut values: Vec<(&str, u64)> = self.values.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        values.truncate(count);
        values
    }
}

/// What a row lacks for an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) reason: String,
    pub(super) value: Option<String>,
    pub(super) unreadable: bool,
    /// A cell is empty.
    pub(super) is_empty: bool,
}

impl Tally {
    /// Events emitted, that of the grace period not counted.
    #[must_use]
    pub fn events_emitted(&self) -> u64 {
        self.events.values().sum()
    }

    /// Rows read that no filter leaves out, the current one included.
    pub(super) fn rows_accepted(&self) -> u64 {
        self.rows_read - self.rows_filtered
    }

    /// Adds the figures of rows that come after its own.
    pub(super) fn add(&mut self, other: Tally) {
        let Tally {
            rows_read,
            rows_filtered,
            rows_repeated,
            rows_malformed,
            malformed,
            rows_left_out,
            columns_absent,
            cases,
            cases_left_out,
            events,
            events_left_out,
            events_known,
            times_settled,
            times_ambiguous,
            times_skipped,
            bytes,
        } = other;
        self.rows_read += rows_read;
        self.rows_filtered += rows_filtered;
        self.rows_repeated += rows_repeated;
        self.rows_malformed += rows_malformed;
        self.malformed.extend(malformed);
        self.malformed.truncate(EXAMPLES_MAX);
        add_counts(&mut self.rows_left_out, rows_left_out);
        self.columns_absent.extend(columns_absent);
        self.cases = self.cases.map(|sum| sum + cases.unwrap_or(0)).or(cases);
        add_counts(&mut self.cases_left_out, cases_left_out);
        add_counts(&mut self.events, events);
        for (reason, left) in events_left_out {
            self.events_left_out.entry(reason).or_default().add(left);
        }
        self.events_known += events_known;
        self.times_settled += times_settled;
        self.times_ambiguous += times_ambiguous;
        self.times_skipped += times_skipped;
        self.bytes += bytes;
    }

    pub(super) fn malformed(&mut self, file: &Arc<str>, line: u64, reason: String) {
        self.rows_malformed += 1;
        if self.malformed.len() < EXAMPLES_MAX {
            self.malformed.push(Malformed { file: file.clone(), line, reason });
        }
    }

    /// Counts an event, or a member of one, that a row had no value for.
    pub(super) fn miss(&mut self, rule: &str, member: Option<&str>, missing: Missing) {
        let rule = member.map_or_else(|| rule.to_owned(), |member| format!("{rule}, member `{member}`"));
        let left = self.events_left_out.entry(Reason { rule, reason: missing.reason }).or_default();
        let values = missing.value.into_iter().map(|value| (value, 1)).collect();
        left.add(LeftOut { count: 1, values, unreadable: missing.unreadable && member.is_none() });
    }

    /// The rule all of whose events are left out because what the rows have cannot be read, and why.
    pub(super) fn rule_without_events(&self) -> Option<(&Reason, &LeftOut)> {
        let unreadable = self.events_left_out.iter().filter(|(_, left)| left.unreadable);
        unreadable
            .max_by_key(|(reason, left)| (!self.events.contains_key(&reason.rule), left.count))
            .filter(|(reason, _)| !self.events.contains_key(&reason.rule))
    }
}

fn add_counts(counts: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (name, count) in more {
        *counts.entry(name).or_default() += count;
    }
}

pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}
