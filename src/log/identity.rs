//! Each event once: which staged events are new, which repeat, which contradict (1.2).
//!
//! Fingerprints are compared in as many passes as the memory needs; a pass holds the identities of one part of the
//! staged events and looks for them in the log ([`super::lookup`]). What is already in the log stays; among the lines of
//! one ingestion the first stays.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::lookup::{ByFingerprint, Lookup};
use super::stage::StagedFile;
use crate::error::{Error, Result};

/// Bytes of memory that one held identity takes, about.
const IDENTITY_BYTES: usize = 112;

/// The fingerprints of one staged event and where its line stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub identity: u128,
    pub content: u128,
    /// Orders all lines of one ingestion.
    pub ordinal: u64,
    pub line: u64,
    pub offset: u64,
    pub file: Arc<str>,
}

impl Entry {
    /// Writes the entry so that `read_entries` finds it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut bytes = [0; 56];
        let (fingerprints, numbers) = bytes.split_at_mut(32);
        let (identity, content) = fingerprints.split_at_mut(16);
        identity.copy_from_slice(&self.identity.to_le_bytes());
        content.copy_from_slice(&self.content.to_le_bytes());
        for (slot, number) in numbers.chunks_exact_mut(8).zip([self.ordinal, self.line, self.offset]) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        out.write_all(&bytes)?;
        out.write_all(&(self.file.len() as u64).to_le_bytes())?;
        out.write_all(self.file.as_bytes())
    }
}

struct Entries {
    input: BufReader<File>,
    /// The last file's name, shared by the entries that bear it.
    file: Arc<str>,
}

impl Entries {
    fn open(path: &Path) -> Result<Entries> {
        let input = BufReader::with_capacity(1 << 18, File::open(path).map_err(Error::file(path))?);
        Ok(Entries { input, file: Arc::from("") })
    }

    fn next(&mut self) -> std::io::Result<Entry> {
        let mut wide = || -> std::io::Result<u128> {
            let mut bytes = [0; 16];
            self.input.read_exact(&mut bytes)?;
            Ok(u128::from_le_bytes(bytes))
        };
        let (identity, content) = (wide()?, wide()?);
        let mut narrow = || -> std::io::Result<u64> {
            let mut bytes = [0; 8];
            self.input.read_exact(&mut bytes)?;
            Ok(u64::from_le_bytes(bytes))
        };
        let (ordinal, line, offset, length) = (narrow()?, narrow()?, narrow()?, narrow()?);
        let mut name = vec![0; usize::try_from(length).unwrap_or(0)];
        self.input.read_exact(&mut name)?;
        if name != self.file.as_bytes() {
            self.file = String::from_utf8_lossy(&name).into();
        }
        Ok(Entry { identity, content, ordinal, line, offset, file: self.file.clone() })
    }
}

/// Calls back with each entry of a staged file and its row.
fn read_entries(staged: &StagedFile, mut take: impl FnMut(u32, Entry)) -> Result<()> {
    let mut entries = Entries::open(&staged.entries)?;
    for row in 0..u32::try_from(staged.file.rows).unwrap_or(u32::MAX) {
        take(row, entries.next().map_err(Error::file(&staged.entries))?);
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

/// The event that an identity belongs to.
struct Owner {
    ordinal: u64,
    content: u128,
    logged: bool,
}

/// Finds the staged events that are not new, within about that much memory.
///
/// # Errors
/// When a file of the log or of the staging cannot be read.
pub fn settle(staged: &[StagedFile], log: &Lookup, memory_bytes: usize) -> Result<Verdict> {
    let rows: u64 = staged.iter().map(|staged| staged.file.rows).sum();
    let rows_a_pass = (memory_bytes / IDENTITY_BYTES).max(1) as u64;
    let passes = u128::from(rows.div_ceil(rows_a_pass).max(1));
    let mut verdict = Verdict { dropped: staged.iter().map(|_| Vec::new()).collect(), ..Verdict::default() };
    for pass in 0..passes {
        let of_pass = |identity: u128| identity % passes == pass;
        let owners = owners(staged, log, of_pass)?;
        judge(staged, &owners, of_pass, &mut verdict)?;
    }
    verdict.dropped.iter_mut().for_each(|rows| rows.sort_unstable());
    verdict.conflicts.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Ok(verdict)
}

fn owners(staged: &[StagedFile], log: &Lookup, of_pass: impl Fn(u128) -> bool) -> Result<ByFingerprint<Owner>> {
    let mut owners: ByFingerprint<Owner> = ByFingerprint::default();
    for file in staged {
        read_entries(file, |_, entry| {
            if of_pass(entry.identity) {
                let new = Owner { ordinal: entry.ordinal, content: entry.content, logged: false };
                let owner = owners.entry(entry.identity).or_insert(new);
                if entry.ordinal < owner.ordinal {
                    (owner.ordinal, owner.content) = (entry.ordinal, entry.content);
                }
            }
        })?;
    }
    for (identity, content) in log.find(&owners)? {
        if let Some(owner) = owners.get_mut(&identity) {
            (owner.content, owner.logged) = (content, true);
        }
    }
    Ok(owners)
}

fn judge(
    staged: &[StagedFile],
    owners: &ByFingerprint<Owner>,
    of_pass: impl Fn(u128) -> bool,
    verdict: &mut Verdict,
) -> Result<()> {
    for (position, file) in staged.iter().enumerate() {
        let mut dropped = Vec::new();
        read_entries(file, |row, entry| {
            let Some(owner) = owners.get(&entry.identity).filter(|_| of_pass(entry.identity)) else { return };
            if !owner.logged && owner.ordinal == entry.ordinal {
                return;
            }
            dropped.push(row);
            if owner.content == entry.content {
                verdict.duplicates += 1;
            } else {
                let Entry { line, offset, file, .. } = entry;
                verdict.conflicts.push(Conflict { staged: position, row, file, line, offset, logged: owner.logged });
            }
        })?;
        if let Some(all) = verdict.dropped.get_mut(position) {
            all.append(&mut dropped);
        }
    }
    Ok(())
}
