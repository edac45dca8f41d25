//! What the log has of some identities, without reading all of it.
//!
//! Every row group of the log has a Bloom filter on the identity. One that says no is passed over; of the others the
//! identities are read, and the contents only where one was found. Where so many are looked for that a filter would
//! hardly ever say no, it is not asked.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

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

/// The files of the log, to look into.
#[derive(Debug)]
pub struct Lookup {
    files: Vec<PathBuf>,
    threads: usize,
    /// Positions of files, those first in which something was found last: what comes again comes as it came.
    order: Mutex<Vec<usize>>,
}

impl Lookup {
    /// Prepares to look into those files on so many cores.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, threads: usize) -> Lookup {
        let order = Mutex::new((0..files.len()).collect());
        Lookup { files, threads: threads.max(1), order }
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
        let keys: Vec<[u8; 16]> = wanted.keys().map(|identity| identity.to_be_bytes()).collect();
        let found = Mutex::new(Vec::new());
        on_every_core(&self.files, self.threads, |path| {
            let mut of_file = find_in(path, &keys, |identity| wanted.contains_key(&identity))?;
            lock(&found)?.append(&mut of_file);
            Ok(())
        })?;
        found.into_inner().map_err(|_| panicked())
    }

    /// The same, of identities that are thought to be in the log: file after file, those first in which something was found
    /// last, until nothing is missing.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn find_again(&self, identities: &[u128]) -> Result<ByFingerprint<u128>> {
        let mut missing: HashSet<u128, BuildHasherDefault<Taken>> = identities.iter().copied().collect();
        let mut found = ByFingerprint::default();
        // Not in the loop's head, which would hold the lock.
        let order = lock(&self.order)?.clone();
        for position in order {
            let Some(path) = self.files.get(position).filter(|_| !missing.is_empty()) else { break };
            let keys: Vec<[u8; 16]> = missing.iter().map(|identity| identity.to_be_bytes()).collect();
            let here = find_in(path, &keys, |identity| missing.contains(&identity))?;
            if !here.is_empty() {
                let mut order = lock(&self.order)?;
                order.retain(|other| *other != position);
                order.insert(0, position);
            }
            for (identity, content) in here {
                missing.remove(&identity);
                found.insert(identity, content);
            }
        }
        Ok(found)
    }

    /// Whether about half of these identities or more may be in the log, by the filters' word on some of them.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn has_many_of(&self, identities: &[u128]) -> Result<bool> {
        let step = (identities.len() / SAMPLE).max(1);
        let sample: Vec<[u8; 16]> = identities.iter().step_by(step).map(|identity| identity.to_be_bytes()).collect();
        let mut seen = vec![false; sample.len()];
        // Not in the loop's head, which would hold the lock.
        let order = lock(&self.order)?.clone();
        for position in order {
            let Some(path) = self.files.get(position) else { continue };
            let file = OpenFile::open(path)?;
            for group in 0..file.row_groups() {
                let filter = file.filter(group)?;
                for (seen, identity) in seen.iter_mut().zip(&sample) {
                    *seen |= filter.as_ref().is_some_and(|filter| filter.check(identity.as_slice()));
                }
                if seen.iter().filter(|seen| **seen).count() * 2 >= sample.len().max(1) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
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

fn find_in(path: &Path, keys: &[[u8; 16]], is_wanted: impl Fn(u128) -> bool) -> Result<Vec<(u128, u128)>> {
    let file = OpenFile::open(path)?;
    let mut found = Vec::new();
    for group in 0..file.row_groups() {
        // With so many keys one of them would pass by chance, and asking takes as long as reading.
        let asks = keys.len() < file.rows(group) / 2;
        let filter = if asks { file.filter(group)? } else { None };
        if filter.is_some_and(|filter| !keys.iter().any(|key| filter.check(key.as_slice()))) {
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
