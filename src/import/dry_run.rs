//! An import that is only looked at: what the first rows become, what the log would refuse, and which rules make nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use super::mapping::{EventRule, Mapping, On};
use super::workspace::Limits;
use super::{Known, Output, ReadRow, Tally, no_events, read_all};
use crate::error::{Error, Result};
use crate::input::piece::MadeLine;
use crate::input::source::Source;
use crate::wire::line::{self, LoggedEvent};

/// How many events are remembered to find two with one id.
const IDS_MAX: usize = 1 << 20;

/// What an import would do.
#[derive(Debug)]
pub struct DryRun {
    /// The figures of the import.
    pub tally: Tally,
    /// The first records, in the order of the input.
    pub records: Vec<ReadRecord>,
    /// What became of each rule, in the order of the mapping.
    pub rules: Vec<RuleOutcome>,
    /// Events that the log would set aside, by the rule that they break.
    pub refused: BTreeMap<&'static str, Refused>,
    /// Events that the log would drop, because an equal one has the same id.
    pub duplicates: u64,
    /// Events that the log would set aside, because another one has the same id.
    pub conflicts: Refused,
    /// Whether there were too many events to compare the ids of all.
    pub ids_cut: bool,
    /// Why the import would end.
    pub failure: Option<Error>,
}

/// One of the first records, and what it becomes.
#[derive(Debug)]
pub struct ReadRecord {
    /// Its rows: itself or, in a document, the rows within it, each followed by its elements.
    pub rows: Vec<ReadRow>,
    /// Its events, as the log would get them.
    pub events: Vec<Json>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// What became of a rule.
#[derive(Debug)]
pub struct RuleOutcome {
    /// The name of the rule.
    pub name: String,
    /// The type of its events.
    pub kind: &'static str,
    pub events: u64,
    /// Why it made fewer events than it could, each with its count, the most frequent first; of one without events at least
    /// one.
    pub reasons: Vec<(String, Option<u64>)>,
}

/// Events that the log would not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub count: u64,
    /// Of the first one: the place of its row, and what is wrong.
    pub example: Option<(Arc<str>, u64, String)>,
}

impl Refused {
    fn add(&mut self, made: &MadeLine, detail: String) {
        self.count += 1;
        self.example.get_or_insert_with(|| (made.file.clone(), made.line, detail));
    }
}

/// Reads inputs through a mapping as [`read`](super::read) does, and keeps nothing but the figures and what the first `rows` rows become.
/// `see` gets every event that the log would take.
///
/// # Errors
/// As those of [`read`](super::read), without the one of a rule none of whose events can be made: that is the `failure`.
pub async fn dry_run(
    mapping: &Mapping,
    inputs: &[Source],
    known: &Known,
    limits: &Limits,
    rows: u64,
    see: &mut dyn FnMut(&LoggedEvent<'_>),
) -> Result<DryRun> {
    let mut seen = Seen::default();
    let tally = read_all(mapping, inputs, known, limits, rows, &mut |output| {
        match output {
            Output::Row(row) => seen.row(row),
            Output::Event(made) => seen.event(&made, see),
            Output::SetAside(row) => seen.problem((row.file, row.line, row.offset), row.detail),
        }
        Ok(())
    })
    .await?;
    Ok(DryRun {
        rules: mapping.events.iter().map(|rule| outcome(rule, &tally)).collect(),
        failure: no_events(mapping, &tally),
        records: seen.records,
        refused: seen.refused,
        duplicates: seen.duplicates,
        conflicts: seen.conflicts,
        ids_cut: seen.ids.len() >= IDS_MAX,
        tally,
    })
}

/// The place of a record.
type RecordPlace = (Arc<str>, u64, u64);

/// What is known so far.
#[derive(Default)]
struct Seen {
    records: Vec<ReadRecord>,
    numbers: HashMap<RecordPlace, usize>,
    refused: BTreeMap<&'static str, Refused>,
    /// For each identity of an event, a fingerprint of its content.
    ids: HashMap<u128, u128>,
    duplicates: u64,
    conflicts: Refused,
    buffer: Vec<u8>,
}

impl Seen {
    fn row(&mut self, row: ReadRow) {
        let place = (row.file.clone(), row.line, row.offset);
        let next = self.records.len();
        let number = *self.numbers.entry(place).or_insert(next);
        match self.records.get_mut(number) {
            Some(record) => record.rows.push(row),
            None => self.records.push(ReadRecord { rows: vec![row], events: Vec::new(), problem: None }),
        }
    }

    fn record(&mut self, place: &RecordPlace) -> Option<&mut ReadRecord> {
        self.records.get_mut(*self.numbers.get(place)?)
    }

    fn problem(&mut self, place: RecordPlace, detail: String) {
        if let Some(record) = self.record(&place) {
            record.problem = Some(detail);
        }
    }

    fn event(&mut self, made: &MadeLine, see: &mut dyn FnMut(&LoggedEvent<'_>)) {
        match line::parse(&made.json) {
            Ok(event) => {
                see(&event);
                let identity = event.identity(&mut self.buffer);
                let content = event.content(&mut self.buffer);
                match self.ids.get(&identity) {
                    Some(known) if *known == content => self.duplicates += 1,
                    Some(_) => self.conflicts.add(made, format!("the id `{}`", event.id)),
                    None if self.ids.len() < IDS_MAX => drop(self.ids.insert(identity, content)),
                    None => {}
                }
            }
            Err(refusal) => self.refused.entry(refusal.rule).or_default().add(made, refusal.to_string()),
        }
        let place = (made.file.clone(), made.line, made.offset);
        if let Some(record) = self.record(&place) {
            record.events.extend(serde_json::from_slice(&made.json));
        }
    }
}

/// What became of a rule.
fn outcome(rule: &EventRule, tally: &Tally) -> RuleOutcome {
    let of_rule = tally.events_left_out.iter().filter(|(reason, _)| reason.rule == rule.name);
    let mut reasons: Vec<_> = of_rule.map(|(reason, left)| (reason.reason.clone(), Some(left.count))).collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let events = tally.events.get(&rule.name).copied().unwrap_or(0);
    if events == 0 && reasons.is_empty() {
        reasons.push((never_due(rule).to_owned(), None));
    }
    RuleOutcome { name: rule.name.clone(), kind: rule.kind.name(), events, reasons }
}

/// Why a rule was due nowhere.
fn never_due(rule: &EventRule) -> &'static str {
    match (rule.level, &rule.on, rule.when.is_empty()) {
        (1.., _, false) => "no element met its `when`",
        (1.., _, true) => "no row has an element of its `each`",
        (0, On::Change(_), false) => "no row with a change met its `when`",
        (0, On::Change(_), true) => "no row has a change of its `of`",
        (0, On::First, false) => "no first row of a case met its `when`",
        (0, On::Once | On::Row, false) => "no row met its `when`",
        (0, On::First | On::Once | On::Row, true) => "there is no row that can be read",
    }
}
