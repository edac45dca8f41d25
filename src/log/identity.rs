//! Each event once: which staged events are new, which repeat one that is there, which contradict it (1.2).
//!
//! Fingerprints are compared in as many rounds as the memory needs; a round sorts the identities of one part of the
//! staged events, on every core, and looks for them in the log ([`super::lookup`]). What is already in the log stays; among
//! the lines of one ingestion the first stays.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::log::lookup::{ByFingerprint, Lookup, lock, on_every_core};
use crate::log::stage::StagedFile;

/// The fingerprints of one staged event and where its line stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub identity: u128,
    pub content: u128,
    /// Orders all lines of one ingestion.
    pub ordinal: u64,
    pub line: u64,
    pub offset: u64,
    /// Position among the names of the files that the lines stood in.
    pub file: u32,
}

/// The entries of a staged file, row by row.
#[derive(Debug)]
pub struct Entries {
    /// Names of the files that the lines stood in.
    files: Vec<Arc<str>>,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    InMemory(Vec<Entry>),
    OnDisk { path: PathBuf, rows: u64 },
}

/// Bytes of an entry on disk.
const ENTRY_BYTES: usize = 60;

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let mut rest = bytes.as_mut_slice();
        let parts: [&[u8]; 6] = [
            &self.identity.to_le_bytes(),
            &self.content.to_le_bytes(),
            &self.ordinal.to_le_bytes(),
            &self.line.to_le_bytes(),
            &self.offset.to_le_bytes(),
            &self.file.to_le_bytes(),
        ];
        // As many bytes as there is room for.
        parts.iter().for_each(|part| drop(rest.write_all(part)));
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> std::io::Result<Entry> {
        fn take<const N: usize>(bytes: &mut &[u8]) -> std::io::Result<[u8; N]> {
            let mut taken = [0; N];
            bytes.read_exact(&mut taken)?;
            Ok(taken)
        }
        let bytes = &mut bytes;
        Ok(Entry {
            identity: u128::from_le_bytes(take(bytes)?),
            content: u128::from_le_bytes(take(bytes)?),
            ordinal: u64::from_le_bytes(take(bytes)?),
            line: u64::from_le_bytes(take(bytes)?),
            offset: u64::from_le_bytes(take(bytes)?),
            file: u32::from_le_bytes(take(bytes)?),
        })
    }
}

impl Entries {
    /// Entries in memory.
    #[must_use]
    pub fn in_memory(files: Vec<Arc<str>>, entries: Vec<Entry>) -> Entries {
        Entries { files, kept: Kept::InMemory(entries) }
    }

    /// Entries on disk, where there are too many to hold.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn on_disk(files: Vec<Arc<str>>, entries: &[Entry], path: PathBuf) -> Result<Entries> {
        let write = || {
            let mut out = BufWriter::new(File::create(&path)?);
            entries.iter().try_for_each(|entry| out.write_all(&entry.to_bytes()))?;
            out.flush()
        };
        write().map_err(Error::file(&path))?;
        Ok(Entries { files, kept: Kept::OnDisk { path, rows: entries.len() as u64 } })
    }

    /// Calls back with each row and its entry.
    fn each(&self, mut take: impl FnMut(u32, Entry)) -> Result<()> {
        match &self.kept {
            Kept::InMemory(entries) => entries.iter().zip(0..).for_each(|(entry, row)| take(row, *entry)),
            Kept::OnDisk { path, rows } => read(path, *rows, take).map_err(Error::file(path))?,
        }
        Ok(())
    }

    fn file(&self, entry: &Entry) -> Arc<str> {
        self.files.get(entry.file as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }
}

fn read(path: &Path, rows: u64, mut take: impl FnMut(u32, Entry)) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut bytes = [0; ENTRY_BYTES];
    for row in 0..u32::try_from(rows).unwrap_or(u32::MAX) {
        input.read_exact(&mut bytes)?;
        take(row, Entry::from_bytes(&bytes)?);
    }
    Ok(())
}

/// What becomes of the staged events.
#[derive(Debug, Default)]
pub struct Verdict {
    /// For each staged file the rows that do not enter the log, in ascending order.
    pub dropped: Vec<Vec<u32>>,
    pub duplicates: u64,
    pub conflicts: Vec<Conflict>,
}

/// A staged event whose identity belongs to an event with other content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Position among the staged files.
    pub staged: usize,
    pub row: u32,
    pub file: Arc<str>,
    pub line: u64,
    pub offset: u64,
    /// Whether the other one was in the log before, or earlier in the same input.
    pub logged: bool,
}

/// What is compared of a staged event, and where that is.
#[derive(Clone, Copy)]
struct Mark {
    identity: u128,
    content: u128,
    ordinal: u64,
    staged: u32,
    row: u32,
}

/// Finds the staged events that are not new, within about that much memory.
///
/// # Errors
/// When a file of the log or of the staging cannot be read.
pub fn settle(staged: &[StagedFile], log: &Lookup, memory_bytes: usize) -> Result<Verdict> {
    let rows: u64 = staged.iter().map(|staged| staged.file.rows).sum();
    let rows_a_round = (memory_bytes / size_of::<Mark>() / 2).max(1) as u64;
    let rounds = rows.div_ceil(rows_a_round).max(1);
    let shards = log.threads() as u64;
    let mut verdict = Verdict { dropped: staged.iter().map(|_| Vec::new()).collect(), ..Verdict::default() };
    let mut conflicts = HashMap::new();
    for round in 0..rounds {
        let of_round: Vec<u64> = (0..shards).map(|shard| round * shards + shard).collect();
        let sorted = Mutex::new(Vec::new());
        on_every_core(&of_round, log.threads(), |shard| {
            let share = usize::try_from(rows / (rounds * shards)).unwrap_or(0);
            // A little more, so that it need not grow.
            let mut marks =
                marks(staged, share + share / 64 + 64, |identity| identity as u64 % (rounds * shards) == *shard)?;
            marks.sort_unstable_by_key(|mark| (mark.identity, mark.ordinal));
            lock(&sorted)?.push(marks);
            Ok(())
        })?;
        let sorted = std::mem::take(&mut *lock(&sorted)?);
        let logged = match log.is_empty() {
            true => ByFingerprint::default(),
            false => {
                let wanted = sorted.iter().flatten().map(|mark| (mark.identity, ())).collect();
                log.find::<()>(&wanted)?.into_iter().collect()
            }
        };
        for marks in &sorted {
            judge(marks, &logged, &mut verdict, &mut conflicts);
        }
    }
    verdict.dropped.iter_mut().for_each(|rows| rows.sort_unstable());
    verdict.conflicts = places(staged, &conflicts)?;
    Ok(verdict)
}

fn marks(staged: &[StagedFile], expected: usize, is_wanted: impl Fn(u128) -> bool) -> Result<Vec<Mark>> {
    let mut marks = Vec::with_capacity(expected);
    for (file, staged) in staged.iter().zip(0..) {
        file.entries.each(|row, Entry { identity, content, ordinal, .. }| {
            if is_wanted(identity) {
                marks.push(Mark { identity, content, ordinal, staged, row });
            }
        })?;
    }
    Ok(marks)
}

/// Judges events that are sorted by identity and, of one identity, as they came. A conflict is noted by its place, with
/// whether the other one is in the log.
fn judge(
    marks: &[Mark],
    logged: &ByFingerprint<u128>,
    verdict: &mut Verdict,
    conflicts: &mut HashMap<(u32, u32), bool>,
) {
    for one in marks.chunk_by(|left, right| left.identity == right.identity) {
        let Some((first, others)) = one.split_first() else { continue };
        let logged = logged.get(&first.identity);
        let (content, not_new) = match logged {
            Some(content) => (*content, one),
            None => (first.content, others),
        };
        for mark in not_new {
            if let Some(dropped) = verdict.dropped.get_mut(mark.staged as usize) {
                dropped.push(mark.row);
            }
            if mark.content == content {
                verdict.duplicates += 1;
            } else {
                conflicts.insert((mark.staged, mark.row), logged.is_some());
            }
        }
    }
}

/// The conflicts with the places of their lines, by file and line.
fn places(staged: &[StagedFile], conflicts: &HashMap<(u32, u32), bool>) -> Result<Vec<Conflict>> {
    let mut found = Vec::new();
    for ((position, number), staged) in (0_usize..).zip(0_u32..).zip(staged) {
        if !conflicts.keys().any(|(of, _)| *of == number) {
            continue;
        }
        staged.entries.each(|row, entry| {
            if let Some(logged) = conflicts.get(&(number, row)) {
                let Entry { line, offset, .. } = entry;
                let file = staged.entries.file(&entry);
                found.push(Conflict { staged: position, row, file, line, offset, logged: *logged });
            }
        })?;
    }
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::NewFile;

    fn entry(identity: u128, content: u128, ordinal: u64) -> Entry {
        Entry { identity, content, ordinal, line: ordinal + 1, offset: ordinal * 10, file: 0 }
    }

    fn staged(entries: Vec<Entry>, disk: Option<PathBuf>) -> StagedFile {
        let rows = entries.len() as u64;
        let file = NewFile { name: String::new(), bytes: 0, rows, time_range: None, batch_range: None, hash: 0 };
        let files = vec![Arc::from("a")];
        let entries = match disk {
            Some(path) => Entries::on_disk(files, &entries, path).unwrap(),
            None => Entries::in_memory(files, entries),
        };
        StagedFile { file, entries }
    }

    /// Of one identity the first line stays, in whatever file its row lies; a repetition is dropped, a contradiction is told
    /// by its line. The same in memory, on disk, and in a memory of four events.
    #[test]
    fn the_first_of_an_identity_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = vec![entry(7, 1, 5), entry(8, 1, 1), entry(9, 1, 2), entry(1 << 70, 1, 9)];
        let second = vec![entry(7, 1, 3), entry(8, 2, 4), entry(10, 1, 0), entry(7, 2, 8)];
        for (on_disk, memory) in [(false, 1 << 20), (true, 1 << 20), (true, 8 * size_of::<Mark>())] {
            let path = |name: &str| on_disk.then(|| folder.path().join(name));
            let files = [staged(first.clone(), path("first")), staged(second.clone(), path("second"))];
            let verdict = settle(&files, &Lookup::new(Vec::new(), 2), memory).unwrap();
            assert_eq!(verdict.dropped, [vec![0], vec![1, 3]]);
            assert_eq!(verdict.duplicates, 1);
            let told: Vec<_> =
                verdict.conflicts.iter().map(|one| (one.staged, one.row, one.line, one.offset)).collect();
            assert_eq!(told, [(1, 1, 5, 40), (1, 3, 9, 80)]);
            assert!(verdict.conflicts.iter().all(|one| !one.logged && one.file.as_ref() == "a"));
        }
    }
}
