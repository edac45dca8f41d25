//! Quarantined lines, tried again: as they are, after an update of the program, or repaired in a file. And quarantined lines,
//! removed without being tried.
//!
//! Events are added to the log first, and their lines are removed from the quarantine afterwards. A crash in between leaves
//! both, and the next try finds duplicates. A line that was tried is removed only if the log itself has its event.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};
use crate::input::piece::{Line, MadeLine, Next, Piece, Take};
use crate::input::pieces::Inputs;
use crate::input::source::Source;
use crate::json::{Json, fingerprint};
use crate::log::event_log::Log;
use crate::log::ingest::Options;
use crate::log::lookup::{ByFingerprint, Lookup};
use crate::log::prepared::Summary;
use crate::log::quarantine::{self, Filter, Listed};
use crate::store::lock::WriterLock;
use crate::store::repeat::Attempts;
use crate::store::table::Table;
use crate::wire::line;

/// Lines of one piece; fewer when they are long.
const PIECE_LINES: usize = 4096;
const PIECE_BYTES: usize = 4 << 20;

/// What a retry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// As of an ingestion; lines that are still bad count as read and quarantined.
    pub summary: Summary,
    /// Lines that were removed from the quarantine.
    pub released: u64,
    /// Lines that are in the quarantine now.
    pub remaining: u64,
}

/// Identity and content of events, by a key of the caller's choice.
type Events = HashMap<u128, (u128, u128)>;

impl Log {
    /// Tries quarantined lines as they are.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn retry(&mut self, options: Options, filter: Filter) -> Result<Retried> {
        self.quarantine.fetch().await?;
        let found = Arc::new(Mutex::new(Tried::default()));
        let (tried, table) = (found.clone(), self.quarantine.clone());
        let summary =
            self.ingest(options, move |take| good_lines(&table, &filter, &mut *locked(&tried)?, take)).await?;
        let Tried { events, still_bad } = std::mem::take(&mut *locked(&found)?);
        let is_removed = |logged: &HashMap<u128, u128>, line: &Listed<'_>| {
            let Some((identity, content)) = events.get(&line.mark()) else { return false };
            // A conflict found just now has been quarantined as a conflict, with its position.
            logged.get(identity) == Some(content) || line.rule != "conflict"
        };
        let identities = events.values().map(|(identity, _)| *identity).collect();
        let (released, remaining) = self.release(&identities, is_removed).await?;
        Ok(Retried { summary: with_bad(summary, still_bad), released, remaining })
    }

    /// Tries the lines of files, which are repaired copies of quarantined lines. A quarantined line is removed when an event
    /// of its identity is among them and in the log.
    ///
    /// # Errors
    /// When a file cannot be read, or the store cannot be read or written.
    pub async fn retry_with(&mut self, options: Options, sources: Vec<Source>, filter: Filter) -> Result<Retried> {
        self.quarantine.fetch().await?;
        let known = Known::of(&self.quarantine, &filter)?;
        let found = Arc::new(Mutex::new(Tried::default()));
        let tried = found.clone();
        let repaired = Inputs::new(sources)?;
        let summary = self.ingest(options, move |take| repairs(repaired, &known, &mut *locked(&tried)?, take)).await?;
        let Tried { events, still_bad } = std::mem::take(&mut *locked(&found)?);
        let is_removed = |logged: &HashMap<u128, u128>, line: &Listed<'_>| {
            let event = identity_of(line.raw()).and_then(|identity| events.get(&identity));
            event.is_some_and(|(identity, content)| logged.get(identity) == Some(content)) && filter.holds(line)
        };
        let identities = events.keys().copied().collect();
        let (released, remaining) = self.release(&identities, is_removed).await?;
        Ok(Retried { summary: with_bad(summary, still_bad), released, remaining })
    }

    /// Removes quarantined lines without trying them; gives how many were removed and how many are left.
    ///
    /// # Errors
    /// When the store cannot be read or written; then nothing is removed.
    pub async fn remove_quarantined(&mut self, filter: &Filter) -> Result<(u64, u64)> {
        let _lock = WriterLock::take(self.store(), "log").await?;
        let mut attempts = Attempts::default();
        loop {
            *self = self.reopen().await?;
            match quarantine::remove(&mut self.quarantine, "removed", |line| filter.holds(line)).await {
                Err(error) if attempts.again_after(&error) => {}
                done => return done,
            }
        }
    }

    async fn release(
        &mut self,
        identities: &HashSet<u128>,
        is_removed: impl Fn(&HashMap<u128, u128>, &Listed<'_>) -> bool,
    ) -> Result<(u64, u64)> {
        let _lock = WriterLock::take(self.store(), "log").await?;
        let mut attempts = Attempts::default();
        loop {
            *self = self.reopen().await?;
            self.events.fetch().await?;
            let logged = contents(self, identities)?;
            match quarantine::remove(&mut self.quarantine, "released", |line| is_removed(&logged, line)).await {
                Err(error) if attempts.again_after(&error) => {}
                done => return done,
            }
        }
    }
}

/// What was found while lines were tried.
#[derive(Debug, Default)]
struct Tried {
    /// Lines that are events now.
    events: Events,
    /// Lines that are not events, and are in the quarantine already.
    still_bad: u64,
}

fn locked(tried: &Mutex<Tried>) -> Result<MutexGuard<'_, Tried>> {
    tried.lock().map_err(|_| Error::Worker("a panic while trying lines again".to_owned()))
}

fn with_bad(summary: Summary, still_bad: u64) -> Summary {
    Summary { read: summary.read + still_bad, quarantined: summary.quarantined + still_bad, ..summary }
}

/// Gives the quarantined lines that are events now to `take`. Returns their bytes.
///
/// Their order in the table depends on the workers. Of two contents of one identity, the one of the earlier file and line is
/// the first, so each line gets its rank by file and line.
fn good_lines(table: &Table, filter: &Filter, tried: &mut Tried, take: &mut Take<'_>) -> Result<u64> {
    let mut positions = Vec::new();
    quarantine::each(table, filter, |listed| {
        match event_of(listed.raw()) {
            None => tried.still_bad += 1,
            Some(event) => {
                tried.events.insert(listed.mark(), event);
                positions.push((listed.file.to_owned(), listed.line, listed.offset, listed.mark()));
            }
        }
        Ok(())
    })?;
    positions.sort();
    let ranks: HashMap<u128, u64> = positions.into_iter().map(|(.., mark)| mark).zip(0..).collect();
    let mut bytes = 0;
    quarantine::each(table, filter, |listed| {
        let Some(rank) = ranks.get(&listed.mark()) else { return Ok(()) };
        bytes += listed.raw().len() as u64;
        take(Piece::Lines { number: *rank, lines: vec![made(&listed)] })
    })?;
    Ok(bytes)
}

fn event_of(bytes: &[u8]) -> Option<(u128, u128)> {
    let event = line::parse(bytes).ok()?;
    let mut buffer = Vec::new();
    Some((event.identity(&mut buffer), event.content(&mut buffer)))
}

/// A quarantined line as one to be read, with its position.
fn made(listed: &Listed<'_>) -> MadeLine {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    let (file, line, offset) = (Arc::from(listed.file), number(listed.line), number(listed.offset));
    MadeLine { json: listed.raw().to_vec(), file, line, offset }
}

/// What is known of quarantined lines: which events they may be, and their positions.
struct Known {
    identities: HashSet<u128>,
    positions: HashMap<u128, (Arc<str>, u64, u64)>,
}

impl Known {
    fn of(table: &Table, filter: &Filter) -> Result<Known> {
        let mut known = Known { identities: HashSet::new(), positions: HashMap::new() };
        quarantine::each(table, filter, |listed| {
            known.identities.extend(identity_of(listed.raw()));
            let MadeLine { json, file, line, offset } = made(&listed);
            known.positions.insert(fingerprint(json.trim_ascii()), (file, line, offset));
            Ok(())
        })?;
        Ok(known)
    }
}

/// Gives the lines of files to `take`. A line that was not changed keeps its position, and is not quarantined twice.
fn repairs(mut inputs: Inputs, known: &Known, tried: &mut Tried, take: &mut Take<'_>) -> Result<u64> {
    let mut lines = Lines::new(take);
    loop {
        let piece = match inputs.next_piece()? {
            Next::Piece(piece) => piece,
            Next::Idle => {
                inputs.wait();
                continue;
            }
            Next::End => break,
        };
        for line in lines_of(piece, &mut lines)? {
            let event = event_of(&line.json);
            let position = known.positions.get(&fingerprint(&line.json));
            if event.is_none() && position.is_some() {
                tried.still_bad += 1;
                continue;
            }
            if let Some((identity, content)) = event.filter(|(identity, _)| known.identities.contains(identity)) {
                tried.events.entry(identity).or_insert((identity, content));
            }
            lines.add(match position {
                Some((file, number, offset)) => MadeLine { file: file.clone(), line: *number, offset: *offset, ..line },
                None => line,
            })?;
        }
    }
    lines.finish()?;
    Ok(inputs.bytes())
}

/// The lines of a piece; a piece without whole lines is released as it is.
fn lines_of(piece: Piece, lines: &mut Lines<'_, '_>) -> Result<Vec<MadeLine>> {
    match piece {
        Piece::Lines { lines, .. } => Ok(lines),
        Piece::Block(block) if block.cut.is_none() => {
            let made = |line: Line<'_>| {
                let (file, number, offset) = (block.file.clone(), line.number, line.offset);
                MadeLine { json: line.bytes.to_vec(), file, line: number, offset }
            };
            Ok(block.lines().map(made).collect())
        }
        other => {
            lines.release(other)?;
            Ok(Vec::new())
        }
    }
}

/// Gathers lines into pieces.
struct Lines<'t, 'f> {
    take: &'t mut Take<'f>,
    gathered: Vec<MadeLine>,
    bytes: usize,
    number: u64,
}

impl<'t, 'f> Lines<'t, 'f> {
    fn new(take: &'t mut Take<'f>) -> Lines<'t, 'f> {
        Lines { take, gathered: Vec::new(), bytes: 0, number: 0 }
    }

    fn add(&mut self, line: MadeLine) -> Result<()> {
        self.bytes += line.json.len();
        self.gathered.push(line);
        if self.gathered.len() < PIECE_LINES && self.bytes < PIECE_BYTES {
            return Ok(());
        }
        self.bytes = 0;
        let lines = std::mem::take(&mut self.gathered);
        self.release(Piece::Lines { number: 0, lines })
    }

    fn release(&mut self, piece: Piece) -> Result<()> {
        self.number += 1;
        (self.take)(piece.numbered(self.number))
    }

    fn finish(mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.gathered);
        self.release(Piece::Lines { number: 0, lines })
    }
}

/// The content of the log's events of these identities.
fn contents(log: &Log, identities: &HashSet<u128>) -> Result<HashMap<u128, u128>> {
    let wanted: ByFingerprint<()> = identities.iter().map(|identity| (*identity, ())).collect();
    Ok(Lookup::new(log.events.files()?, 1).find(&wanted)?.into_iter().collect())
}

/// The identity that a line states, as far as it can be read: a line that was cut short often begins with it.
fn identity_of(bytes: &[u8]) -> Option<u128> {
    let text = String::from_utf8_lossy(bytes);
    let names = RefCell::new((None, None));
    // Members before the fault have been noted.
    let _ = serde_json::Deserializer::from_str(&text).deserialize_map(Names(&names));
    let (source, id) = names.into_inner();
    Some(line::identity(&source?, &id?, &mut Vec::new()))
}

/// Notes `source` and `id` of an object.
struct Names<'n>(&'n RefCell<(Option<String>, Option<String>)>);

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "source" => self.0.borrow_mut().0 = text_of(&mut map)?,
                "id" => self.0.borrow_mut().1 = text_of(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn text_of<'de, A: MapAccess<'de>>(map: &mut A) -> std::result::Result<Option<String>, A::Error> {
    Ok(map.next_value::<Json<'_>>()?.as_text().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_has_the_identity_that_it_begins_with() {
        let whole = identity_of(br#"{"id":"a","source":"s","type":5}"#);
        assert!(whole.is_some());
        assert_eq!(whole, identity_of(br#"{"source":"s","data":{"id":"b"},"id":"a","time":"#));
        assert_eq!(whole, identity_of(b"{\"source\":\"s\",\"id\":\"a\",\"text\":\"\xff\"}"));
        assert_ne!(whole, identity_of(br#"{"source":"a","id":"s"}"#));
        assert_eq!(identity_of(br#"{"id":"a","source":"#), None);
        assert_eq!(identity_of(br#"{"id":5,"source":"s"}"#), None);
    }
}
