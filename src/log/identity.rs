//! Each event once: which staged events are new, which repeat an event, and which contradict one (1.2).
//!
//! Fingerprints are compared in as many rounds as the memory requires. A round sorts the identities of one share of the
//! staged events, on every core, and looks them up in the log ([`super::lookup`]). An event that is in the log stays; of
//! the lines of one ingestion the first stays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::error::Result;
use crate::log::lookup::{ByFingerprint, Lookup};
use crate::log::staged::{Entry, StagedFile};
use crate::store::cores::{for_each, lock};

/// Which staged events do not enter the log.
#[derive(Debug, Default)]
pub struct Comparison {
    /// For each staged file the rows that do not enter the log, in ascending order.
    pub dropped: Vec<Vec<u32>>,
    pub duplicates: u64,
    pub conflicts: Vec<Conflict>,
}

/// A staged event that has the identity of an event with other content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Index of the staged file.
    pub staged: usize,
    pub row: u32,
    pub file: Arc<str>,
    pub line: u64,
    pub offset: u64,
    /// Whether the other event was in the log before; else it is earlier in the same input.
    pub logged: bool,
}

/// What is compared of a staged event, and which event it is.
#[derive(Clone, Copy)]
struct Candidate {
    identity: u128,
    content: u128,
    ordinal: u64,
    staged: u32,
    row: u32,
}

/// Finds the staged events that are not new, within about that much memory.
///
/// # Errors
/// When a file of the log or a staged file cannot be read.
pub fn compare(staged: &[StagedFile], log: &Lookup, memory_bytes: usize) -> Result<Comparison> {
    let rows: u64 = staged.iter().map(|staged| staged.file.rows).sum();
    let rows_per_round = (memory_bytes / size_of::<Candidate>() / 2).max(1) as u64;
    let rounds = rows.div_ceil(rows_per_round).max(1);
    let shards = log.threads() as u64;
    let mut comparison = Comparison { dropped: staged.iter().map(|_| Vec::new()).collect(), ..Comparison::default() };
    let mut conflicts = HashMap::new();
    for round in 0..rounds {
        let of_round: Vec<u64> = (0..shards).map(|shard| round * shards + shard).collect();
        let sorted = Mutex::new(Vec::new());
        for_each(&of_round, log.threads(), |shard| {
            let share = usize::try_from(rows / (rounds * shards)).unwrap_or(0);
            // A little more, so that the list need not grow.
            let mut candidates =
                candidates(staged, share + share / 64 + 64, |identity| identity as u64 % (rounds * shards) == *shard)?;
            candidates.sort_unstable_by_key(|candidate| (candidate.identity, candidate.ordinal));
            lock(&sorted)?.push(candidates);
            Ok(())
        })?;
        let sorted = std::mem::take(&mut *lock(&sorted)?);
        let logged = match log.is_empty() {
            true => ByFingerprint::default(),
            false => {
                let wanted = sorted.iter().flatten().map(|candidate| (candidate.identity, ())).collect();
                log.find::<()>(&wanted)?.into_iter().collect()
            }
        };
        for candidates in &sorted {
            compare_sorted(candidates, &logged, &mut comparison, &mut conflicts);
        }
    }
    comparison.dropped.iter_mut().for_each(|rows| rows.sort_unstable());
    comparison.conflicts = locate(staged, &conflicts)?;
    Ok(comparison)
}

fn candidates(staged: &[StagedFile], expected: usize, is_wanted: impl Fn(u128) -> bool) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::with_capacity(expected);
    for (file, staged) in staged.iter().zip(0..) {
        file.entries.each(|row, Entry { identity, content, ordinal, .. }| {
            if is_wanted(identity) {
                candidates.push(Candidate { identity, content, ordinal, staged, row });
            }
        })?;
    }
    Ok(candidates)
}

/// Compares events that are sorted by identity and, with one identity, by the order of their lines. A conflict is noted
/// by staged file and row, with whether the other event is in the log.
fn compare_sorted(
    candidates: &[Candidate],
    logged: &ByFingerprint<u128>,
    comparison: &mut Comparison,
    conflicts: &mut HashMap<(u32, u32), bool>,
) {
    for same in candidates.chunk_by(|left, right| left.identity == right.identity) {
        let Some((first, others)) = same.split_first() else { continue };
        let logged = logged.get(&first.identity);
        let (content, not_new) = match logged {
            Some(content) => (*content, same),
            None => (first.content, others),
        };
        for candidate in not_new {
            if let Some(dropped) = comparison.dropped.get_mut(candidate.staged as usize) {
                dropped.push(candidate.row);
            }
            if candidate.content == content {
                comparison.duplicates += 1;
            } else {
                conflicts.insert((candidate.staged, candidate.row), logged.is_some());
            }
        }
    }
}

/// The conflicts with the input files and lines of their events, sorted by these.
fn locate(staged: &[StagedFile], conflicts: &HashMap<(u32, u32), bool>) -> Result<Vec<Conflict>> {
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
    use std::path::PathBuf;

    use super::*;
    use crate::log::staged::Entries;
    use crate::store::data_file::NewFile;

    fn entry(identity: u128, content: u128, ordinal: u64) -> Entry {
        Entry { identity, content, ordinal, line: ordinal + 1, offset: ordinal * 10, file: 0 }
    }

    fn staged(entries: Vec<Entry>, disk: Option<PathBuf>) -> StagedFile {
        let rows = entries.len() as u64;
        let (time_range, batch_range, events) = (None, None, None);
        let file = NewFile { name: String::new(), bytes: 0, rows, time_range, batch_range, events, hash: 0 };
        let files = vec![Arc::from("a")];
        let entries = match disk {
            Some(path) => Entries::on_disk(files, &entries, path).unwrap(),
            None => Entries::in_memory(files, entries),
        };
        StagedFile { file, entries }
    }

    /// Of one identity the first line stays, whichever staged file has its row. A repetition is dropped, and a
    /// contradiction is reported with its line. The result is the same in memory, on disk, and in a memory of four events.
    #[test]
    fn the_first_of_an_identity_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = vec![entry(7, 1, 5), entry(8, 1, 1), entry(9, 1, 2), entry(1 << 70, 1, 9)];
        let second = vec![entry(7, 1, 3), entry(8, 2, 4), entry(10, 1, 0), entry(7, 2, 8)];
        for (on_disk, memory) in [(false, 1 << 20), (true, 1 << 20), (true, 8 * size_of::<Candidate>())] {
            let path = |name: &str| on_disk.then(|| folder.path().join(name));
            let files = [staged(first.clone(), path("first")), staged(second.clone(), path("second"))];
            let comparison = compare(&files, &Lookup::new(Vec::new(), 2), memory).unwrap();
            assert_eq!(comparison.dropped, [vec![0], vec![1, 3]]);
            assert_eq!(comparison.duplicates, 1);
            let found: Vec<_> =
                comparison.conflicts.iter().map(|one| (one.staged, one.row, one.line, one.offset)).collect();
            assert_eq!(found, [(1, 1, 5, 40), (1, 3, 9, 80)]);
            assert!(comparison.conflicts.iter().all(|one| !one.logged && one.file.as_ref() == "a"));
        }
    }
}
