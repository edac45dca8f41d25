//! Looking up identities in the log without reading all of it.
//!
//! Every row group of the log has a Bloom filter on the identity. A row group whose filter rejects all identities is
//! skipped; of the others the identities are read, and the contents only if an identity was found. If very many identities
//! are looked up, a filter would hardly ever reject all of them, and it is not read.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, BinaryArray};
use parquet::bloom_filter::Sbbf;

use crate::error::Result;
use crate::store::cores::{for_each, into_inner, lock};
use crate::store::parquet::DataFile;

/// A map by fingerprints, which are as good as random already.
pub type ByFingerprint<T> = HashMap<u128, T, BuildHasherDefault<FingerprintHasher>>;

/// Uses the bits of a fingerprint as its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct FingerprintHasher(u64);

impl Hasher for FingerprintHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = (fingerprint >> 64) as u64 ^ fingerprint as u64;
    }
}

/// Identities that are tested against the filters to estimate whether looking up all of them is worth while.
const SAMPLE: usize = 64;

/// Identities that are tested against the filter of one row group to estimate whether it has a good part of them.
const PART_SAMPLE: usize = 512;

/// Row groups whose fingerprints are kept after they have been read: as many as a file that is sorted by case may have,
/// over which events in the order of time are scattered. They take four megabytes each.
const GROUPS_KEPT: usize = 12;

/// Rows that a reader of fingerprints returns at once.
const READ_ROWS: usize = 8192;

/// The columns of the fingerprints.
const IDENTITY: &str = "identity";
const CONTENT: &str = "content";

/// The files of the log in which identities are looked up.
#[derive(Debug)]
pub struct Lookup {
    files: Vec<PathBuf>,
    threads: usize,
    /// The row groups in which identities were found last, the latest first: input that is sent again has its events in the
    /// order in which they were sent before.
    recent: Mutex<Vec<Arc<LoadedGroup>>>,
}

/// What [`Lookup::find_expected`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Contents by identity.
    pub logged: ByFingerprint<u128>,
    /// Whether the events are in so many row groups that most were not found, or that not all were read. Looking up more
    /// such events would read the log again and again.
    pub is_scattered: bool,
}

/// The fingerprints of a row group.
#[derive(Debug)]
struct LoadedGroup {
    /// Index of the file, and of the row group in it.
    position: (usize, usize),
    /// Identities, sorted, and contents.
    fingerprints: Vec<(u128, u128)>,
}

impl LoadedGroup {
    /// Moves the sorted identities that the row group has from `missing` to `found`. Returns whether there were any.
    fn find(&self, missing: &mut Vec<u128>, found: &mut ByFingerprint<u128>) -> bool {
        let (before, mut rest) = (missing.len(), self.fingerprints.as_slice());
        missing.retain(|identity| {
            rest = rest.get(rest.partition_point(|(other, _)| other < identity)..).unwrap_or(&[]);
            let hit = rest.first().filter(|(other, _)| other == identity);
            hit.is_none_or(|(identity, content)| {
                found.insert(*identity, *content);
                false
            })
        });
        missing.len() < before
    }
}

impl Lookup {
    /// Prepares to look into those files with that many threads.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, threads: usize) -> Lookup {
        Lookup { files, threads: threads.max(1), recent: Mutex::default() }
    }

    /// The number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Whether the log has no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Identity and content of each event of the log whose identity is a key of `wanted`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn find<T: Sync>(&self, wanted: &ByFingerprint<T>) -> Result<Vec<(u128, u128)>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<u128> = wanted.keys().copied().collect();
        let found = Mutex::new(Vec::new());
        for_each(&self.files, self.threads, |path| {
            let mut of_file = find_in(path, &keys, |identity| wanted.contains_key(&identity))?;
            lock(&found)?.append(&mut of_file);
            Ok(())
        })?;
        into_inner(found)
    }

    /// The same for identities that are expected to be in the log. Reads the row groups in which something was found last,
    /// then those that seem to have a good part of the identities, until nothing is missing or as many were read as are
    /// kept. Events in other row groups are not found.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn find_expected(&self, mut missing: Vec<u128>) -> Result<Expected> {
        missing.sort_unstable();
        missing.dedup();
        let wanted = missing.len();
        let mut found = ByFingerprint::default();
        let mut groups_read = 0;
        let recent = lock(&self.recent)?.clone();
        for group in &recent {
            if missing.is_empty() {
                break;
            }
            if group.find(&mut missing, &mut found) {
                self.keep(group)?;
            }
        }
        for file_index in self.order(&recent) {
            let Some(path) = self.files.get(file_index).filter(|_| !missing.is_empty()) else { break };
            let file = DataFile::open(path)?;
            for group in 0..file.row_groups() {
                let position = (file_index, group);
                if recent.iter().any(|recent| recent.position == position) || !may_have_part(&file, group, &missing)? {
                    continue;
                }
                if groups_read == GROUPS_KEPT {
                    return Ok(Expected { logged: found, is_scattered: true });
                }
                groups_read += 1;
                let group = Arc::new(LoadedGroup { position, fingerprints: fingerprints(&file, group)? });
                if group.find(&mut missing, &mut found) {
                    self.keep(&group)?;
                }
            }
        }
        Ok(Expected { is_scattered: found.len() * 2 < wanted, logged: found })
    }

    /// Indexes of the files; the files of these row groups come first.
    fn order(&self, recent: &[Arc<LoadedGroup>]) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::with_capacity(self.files.len());
        let mut taken = vec![false; self.files.len()];
        for file_index in recent.iter().map(|group| group.position.0).chain(0..self.files.len()) {
            if taken.get_mut(file_index).is_some_and(|taken| !std::mem::replace(taken, true)) {
                order.push(file_index);
            }
        }
        order
    }

    /// Keeps a row group as the latest.
    fn keep(&self, group: &Arc<LoadedGroup>) -> Result<()> {
        let mut recent = lock(&self.recent)?;
        recent.retain(|other| other.position != group.position);
        recent.insert(0, Arc::clone(group));
        recent.truncate(GROUPS_KEPT);
        Ok(())
    }

    /// Whether about half of these identities or more may be in the log. The answer is an estimate from a sample, which is
    /// looked up in the row groups of the last hits and tested against the filters.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn has_many_of(&self, identities: &[u128]) -> Result<bool> {
        let step = (identities.len() / SAMPLE).max(1);
        let mut sample: Vec<u128> = identities.iter().step_by(step).copied().collect();
        let enough = sample.len().div_ceil(2);
        let least = sample.len() - enough;
        sample.sort_unstable();
        let recent = lock(&self.recent)?.clone();
        for group in &recent {
            group.find(&mut sample, &mut ByFingerprint::default());
        }
        for file_index in self.order(&recent) {
            let Some(path) = self.files.get(file_index).filter(|_| sample.len() > least) else { break };
            let file = DataFile::open(path)?;
            for group in 0..file.row_groups() {
                let Some(filter) = file.bloom_filter(group, IDENTITY)? else { continue };
                sample.retain(|identity| !accepts(&filter, *identity));
            }
        }
        Ok(sample.len() <= least)
    }
}

fn find_in(path: &Path, keys: &[u128], is_wanted: impl Fn(u128) -> bool) -> Result<Vec<(u128, u128)>> {
    let file = DataFile::open(path)?;
    let mut found = Vec::new();
    for group in 0..file.row_groups() {
        if !may_have(&file, group, keys)? {
            continue;
        }
        let mut rows = Vec::new();
        each_fingerprint(&file, group, IDENTITY, |row, identity| {
            if is_wanted(identity) {
                rows.push((row, identity));
            }
        })?;
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_some() {
            each_fingerprint(&file, group, CONTENT, |row, content| {
                if let Some((_, identity)) = rows.next_if(|(wanted, _)| *wanted == row) {
                    found.push((identity, content));
                }
            })?;
        }
    }
    Ok(found)
}

fn accepts(filter: &Sbbf, identity: u128) -> bool {
    filter.check(identity.to_be_bytes().as_slice())
}

/// Whether the filter of a row group accepts one of the identities. If these are very many, the filter would accept one of
/// them by chance, and testing them takes as long as reading the row group; then the filter is not read.
fn may_have(file: &DataFile, group: usize, identities: &[u128]) -> Result<bool> {
    let is_tested = identities.len() < file.rows_of(group) / 2;
    let filter = if is_tested { file.bloom_filter(group, IDENTITY)? } else { None };
    Ok(filter.is_none_or(|filter| identities.iter().any(|identity| accepts(&filter, *identity))))
}

/// Whether a row group may have a good part of the identities: its filter accepts one in fifty of a sample, or one at all
/// if these are few.
fn may_have_part(file: &DataFile, group: usize, identities: &[u128]) -> Result<bool> {
    let Some(filter) = file.bloom_filter(group, IDENTITY)? else { return Ok(false) };
    let sample = identities.iter().step_by((identities.len() / PART_SAMPLE).max(1));
    let (mut tested, mut accepted) = (0, 0);
    for identity in sample {
        tested += 1;
        accepted += usize::from(accepts(&filter, *identity));
    }
    Ok(accepted > 0 && accepted * 50 >= tested)
}

/// All identities of a row group, sorted, and their contents.
fn fingerprints(file: &DataFile, group: usize) -> Result<Vec<(u128, u128)>> {
    let mut fingerprints = Vec::with_capacity(file.rows_of(group));
    each_fingerprint(file, group, IDENTITY, |_, identity| fingerprints.push((identity, 0)))?;
    each_fingerprint(file, group, CONTENT, |row, content| {
        if let Some((_, slot)) = fingerprints.get_mut(row) {
            *slot = content;
        }
    })?;
    fingerprints.sort_unstable();
    Ok(fingerprints)
}

/// Calls `visit` with the number of each row of a row group and the fingerprint that the column has there.
fn each_fingerprint(file: &DataFile, group: usize, column: &str, mut visit: impl FnMut(usize, u128)) -> Result<()> {
    let mut row = 0;
    for batch in file.read_row_group(group, column, READ_ROWS)? {
        let batch = batch?;
        let fingerprints: &BinaryArray = batch.column(0).as_binary();
        for fingerprint in fingerprints {
            visit(row, fingerprint.and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_be_bytes));
            row += 1;
        }
    }
    Ok(())
}
