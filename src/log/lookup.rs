//! What the log has of some identities, without reading all of it.
//!
//! Every row group of the log has a Bloom filter on the identity. One that says no is passed over; of the others the
//! identities are read, and the contents only where one was found. Where so many are looked for that a filter would
//! hardly ever say no, it is not asked.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, BinaryArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;

use crate::error::{Error, Result};

/// A map by fingerprints, which are as good as random already.
pub type ByFingerprint<T> = HashMap<u128, T, BuildHasherDefault<Taken>>;

/// A fingerprint's own bits as its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken(u64);

impl Hasher for Taken {
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

/// Identities of which the filters are asked whether looking for all of them is worth while.
const SAMPLE: usize = 64;

/// Identities of which the filter of one row group is asked whether it has a good part of all.
const PART_SAMPLE: usize = 512;

/// Row groups whose fingerprints are kept when they have been read: those of one file by cases, among which what comes in
/// the order of time is spread. Four megabytes each.
const GROUPS_KEPT: usize = 12;

/// The files of the log, to look into.
#[derive(Debug)]
pub struct Lookup {
    files: Vec<PathBuf>,
    threads: usize,
    /// The row groups in which something was found again last, the latest first: what comes again comes as it came.
    recent: Mutex<Vec<Arc<Group>>>,
}

/// What the log was found to have again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// Contents by identity.
    pub logged: ByFingerprint<u128>,
    /// Whether it lies in so many row groups that most was not found, or not all was read: those who ask for more of its
    /// kind would read the log again and again.
    pub is_scattered: bool,
}

/// The fingerprints of a row group.
#[derive(Debug)]
struct Group {
    /// Position of the file, and of the row group in it.
    place: (usize, usize),
    /// Identities, sorted, and contents.
    marks: Vec<(u128, u128)>,
}

impl Group {
    /// Moves what it has of the sorted identities that are missing to what is found.
    fn answer(&self, missing: &mut Vec<u128>, found: &mut ByFingerprint<u128>) -> bool {
        let (before, mut rest) = (missing.len(), self.marks.as_slice());
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
    /// Prepares to look into those files on so many cores.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, threads: usize) -> Lookup {
        Lookup { files, threads: threads.max(1), recent: Mutex::default() }
    }

    /// On how many cores it looks.
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
        on_every_core(&self.files, self.threads, |path| {
            let mut of_file = find_in(path, &keys, |identity| wanted.contains_key(&identity))?;
            lock(&found)?.append(&mut of_file);
            Ok(())
        })?;
        found.into_inner().map_err(|_| panicked())
    }

    /// The same, of identities that are thought to be in the log: first where something was found last, then in row groups
    /// that seem to have a good part of them, until nothing is missing or as much was read as is kept. What lies elsewhere is
    /// not found.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn find_again(&self, mut missing: Vec<u128>) -> Result<Again> {
        missing.sort_unstable();
        missing.dedup();
        let asked = missing.len();
        let mut found = ByFingerprint::default();
        let mut groups_read = 0;
        let recent = lock(&self.recent)?.clone();
        for group in &recent {
            if missing.is_empty() {
                break;
            }
            if group.answer(&mut missing, &mut found) {
                self.keep(group)?;
            }
        }
        for position in self.order(&recent) {
            let Some(path) = self.files.get(position).filter(|_| !missing.is_empty()) else { break };
            let file = OpenFile::open(path)?;
            for group in 0..file.row_groups() {
                let place = (position, group);
                if recent.iter().any(|recent| recent.place == place) || !file.may_have_part(group, &missing)? {
                    continue;
                }
                if groups_read == GROUPS_KEPT {
                    return Ok(Again { logged: found, is_scattered: true });
                }
                groups_read += 1;
                let group = Arc::new(Group { place, marks: file.marks(group)? });
                if group.answer(&mut missing, &mut found) {
                    self.keep(&group)?;
                }
            }
        }
        Ok(Again { is_scattered: found.len() * 2 < asked, logged: found })
    }

    /// Positions of the files, those of these row groups first.
    fn order(&self, recent: &[Arc<Group>]) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::with_capacity(self.files.len());
        let mut taken = vec![false; self.files.len()];
        for position in recent.iter().map(|group| group.place.0).chain(0..self.files.len()) {
            if taken.get_mut(position).is_some_and(|taken| !std::mem::replace(taken, true)) {
                order.push(position);
            }
        }
        order
    }

    /// Keeps a row group as the latest.
    fn keep(&self, group: &Arc<Group>) -> Result<()> {
        let mut recent = lock(&self.recent)?;
        recent.retain(|other| other.place != group.place);
        recent.insert(0, Arc::clone(group));
        recent.truncate(GROUPS_KEPT);
        Ok(())
    }

    /// Whether about half of these identities or more may be in the log, by the word on some of them of what was found
    /// last and of the filters.
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
            group.answer(&mut sample, &mut ByFingerprint::default());
        }
        for position in self.order(&recent) {
            let Some(path) = self.files.get(position).filter(|_| sample.len() > least) else { break };
            let file = OpenFile::open(path)?;
            for group in 0..file.row_groups() {
                let Some(filter) = file.filter(group)? else { continue };
                sample.retain(|identity| !filter.check(identity.to_be_bytes().as_slice()));
            }
        }
        Ok(sample.len() <= least)
    }
}

/// Does something with each item, on so many cores.
///
/// # Errors
/// The first that `work` returns.
pub fn on_every_core<T: Sync>(items: &[T], threads: usize, work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let next = Mutex::new(items.iter());
    std::thread::scope(|scope| {
        let begin = || {
            scope.spawn(|| -> Result<()> {
                while let Some(item) = { lock(&next)?.next() } {
                    work(item)?;
                }
                Ok(())
            })
        };
        let workers: Vec<_> = (0..threads.clamp(1, items.len().max(1))).map(|_| begin()).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| panicked())?)
    })
}

fn panicked() -> Error {
    Error::Worker("a panic while looking for identities".to_owned())
}

/// Locks what workers share.
///
/// # Errors
/// When one of them has panicked.
pub fn lock<T>(shared: &Mutex<T>) -> Result<std::sync::MutexGuard<'_, T>> {
    shared.lock().map_err(|_| panicked())
}

fn find_in(path: &Path, keys: &[u128], is_wanted: impl Fn(u128) -> bool) -> Result<Vec<(u128, u128)>> {
    let file = OpenFile::open(path)?;
    let mut found = Vec::new();
    for group in 0..file.row_groups() {
        if !file.may_have(group, keys)? {
            continue;
        }
        let mut rows = Vec::new();
        file.read(group, "identity", |row, identity| {
            if is_wanted(identity) {
                rows.push((row, identity));
            }
        })?;
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_some() {
            file.read(group, "content", |row, content| {
                if let Some((_, identity)) = rows.next_if(|(wanted, _)| *wanted == row) {
                    found.push((identity, content));
                }
            })?;
        }
    }
    Ok(found)
}

/// A file of the log and what its end says about it.
struct OpenFile {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl OpenFile {
    fn open(path: &Path) -> Result<OpenFile> {
        let file = File::open(path).map_err(Error::file(path))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        Ok(OpenFile { path: path.to_owned(), file, metadata })
    }

    fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    fn rows(&self, group: usize) -> usize {
        let rows = self.metadata.metadata().row_groups().get(group).map_or(0, |group| group.num_rows());
        usize::try_from(rows).unwrap_or(0)
    }

    /// The filter on the identity; files of older stores have none.
    fn filter(&self, group: usize) -> Result<Option<Sbbf>> {
        let groups = self.metadata.metadata().row_groups();
        let column = groups.get(group).and_then(|group| group.columns().get(self.column("identity").ok()?));
        Ok(column.map(|column| Sbbf::read_from_column_chunk(column, &self.file)).transpose()?.flatten())
    }

    /// Whether the filter says so of one of the identities. With so many of them one would pass by chance, and asking takes
    /// as long as reading: then nobody asks.
    fn may_have(&self, group: usize, identities: &[u128]) -> Result<bool> {
        let asks = identities.len() < self.rows(group) / 2;
        let filter = if asks { self.filter(group)? } else { None };
        let passes = |filter: Sbbf| identities.iter().any(|identity| filter.check(identity.to_be_bytes().as_slice()));
        Ok(filter.is_none_or(passes))
    }

    /// Whether the filter says so of a good part of the identities, by its word on some of them: of one in fifty, or of any
    /// where they are few.
    fn may_have_part(&self, group: usize, identities: &[u128]) -> Result<bool> {
        let Some(filter) = self.filter(group)? else { return Ok(false) };
        let sample = identities.iter().step_by((identities.len() / PART_SAMPLE).max(1));
        let (mut asked, mut passed) = (0, 0);
        for identity in sample {
            asked += 1;
            passed += usize::from(filter.check(identity.to_be_bytes().as_slice()));
        }
        Ok(passed > 0 && passed * 50 >= asked)
    }

    /// All identities of a row group, sorted, and their contents.
    fn marks(&self, group: usize) -> Result<Vec<(u128, u128)>> {
        let mut marks = Vec::with_capacity(self.rows(group));
        self.read(group, "identity", |_, identity| marks.push((identity, 0)))?;
        self.read(group, "content", |row, content| {
            if let Some((_, place)) = marks.get_mut(row) {
                *place = content;
            }
        })?;
        marks.sort_unstable();
        Ok(marks)
    }

    fn column(&self, name: &str) -> Result<usize> {
        let position = self.metadata.schema().index_of(name);
        position.map_err(|_| Error::invalid(self.path.display().to_string(), format!("there is no column `{name}`")))
    }

    /// Calls back with each row of a row group and the fingerprint that the column holds there.
    fn read(&self, group: usize, column: &str, mut take: impl FnMut(usize, u128)) -> Result<()> {
        let file = self.file.try_clone().map_err(Error::file(&self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), [self.column(column)?]);
        let reader = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(8192).build()?;
        let mut row = 0;
        for batch in reader {
            let batch = batch?;
            let fingerprints: &BinaryArray = batch.column(0).as_binary();
            for fingerprint in fingerprints {
                take(row, fingerprint.and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_be_bytes));
                row += 1;
            }
        }
        Ok(())
    }
}
