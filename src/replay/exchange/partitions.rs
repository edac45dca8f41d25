//! Partitions of packed items, in memory and, beyond the memory they may hold, in a temporary file.
//!
//! Several writers fill them, each on its own core. Each collects items in a buffer per partition and locks the partition
//! only to pass on a full buffer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::replay::exchange::pack::Pack;
use crate::store::scratch::{self, SpillFile, SpilledPart};

/// Bytes that a writer collects for one partition before it passes them on: few locks, little memory.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// Partitions that several writers fill.
pub struct Partitions {
    partitions: Vec<Mutex<Partition>>,
    /// Bytes of the partitions in memory, and how many there may be.
    held_bytes: AtomicUsize,
    held_bytes_max: usize,
    buffer_bytes: usize,
    spill: Mutex<SpillFile>,
}

#[derive(Debug, Default)]
struct Partition {
    buffers: Vec<String>,
    spilled: Vec<SpilledPart>,
}

impl Partitions {
    /// `count` empty partitions that hold at most so many bytes in memory, filled by so many writers.
    #[must_use]
    pub fn new(count: usize, held_bytes_max: usize, writers: usize) -> Arc<Partitions> {
        let partitions: Vec<_> = (0..count.max(1)).map(|_| Mutex::default()).collect();
        let buffer_bytes = (held_bytes_max / 8 / writers.max(1) / partitions.len()).clamp(1 << 10, BUFFER_BYTES_MAX);
        let (held_bytes, spill) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Partitions { partitions, held_bytes, held_bytes_max, buffer_bytes, spill })
    }

    /// How many partitions there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.partitions.len()
    }

    fn put(&self, partition: usize, buffer: String) -> Result<()> {
        let Some(partition) = self.partitions.get(partition) else { return Ok(()) };
        let bytes = buffer.len();
        // Counted before another writer can move the buffer to disk.
        let held = self.held_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        lock(partition)?.buffers.push(buffer);
        if held > self.held_bytes_max {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves all partitions to disk. A writer that comes meanwhile waits, and finds little left to move.
    fn spill(&self) -> Result<()> {
        let mut spill = lock(&self.spill)?;
        if self.held_bytes.load(Ordering::Relaxed) <= self.held_bytes_max {
            return Ok(());
        }
        for partition in &self.partitions {
            let buffers = std::mem::take(&mut lock(partition)?.buffers);
            let part = spill.append(&buffers).map_err(refused)?;
            lock(partition)?.spilled.push(part);
            self.held_bytes.fetch_sub(part.bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the items of a partition, which is empty then.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn take(&self, partition: usize) -> Result<PackedItems> {
        let Some(partition) = self.partitions.get(partition) else { return Ok(PackedItems::default()) };
        let Partition { mut buffers, spilled } = std::mem::take(&mut *lock(partition)?);
        self.held_bytes.fetch_sub(buffers.iter().map(String::len).sum(), Ordering::Relaxed);
        for part in spilled.iter().filter(|part| part.bytes > 0) {
            let bytes = lock(&self.spill)?.read(*part).map_err(refused)?;
            buffers.push(String::from_utf8(bytes).map_err(|_| damaged())?);
        }
        Ok(PackedItems { buffers })
    }
}

fn lock<T>(shared: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    shared.lock().map_err(|_| Error::Worker("a panic while partitions were filled".to_owned()))
}

fn refused(error: std::io::Error) -> Error {
    Error::file(scratch::system_folder())(error)
}

fn damaged() -> Error {
    Error::Worker("packed items could not be unpacked".to_owned())
}

/// Fills partitions from one core.
pub struct PartitionWriter {
    partitions: Arc<Partitions>,
    buffers: Vec<String>,
    /// Where an item is packed before its length is known.
    packed: String,
}

impl PartitionWriter {
    /// A writer with empty buffers.
    #[must_use]
    pub fn new(partitions: &Arc<Partitions>) -> PartitionWriter {
        let buffers = vec![String::new(); partitions.count()];
        PartitionWriter { partitions: Arc::clone(partitions), buffers, packed: String::new() }
    }

    /// Adds an item to a partition.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add<'i>(&mut self, partition: usize, item: &impl Pack<'i>) -> Result<()> {
        let Some(buffer) = self.buffers.get_mut(partition) else { return Ok(()) };
        self.packed.clear();
        item.pack(&mut self.packed);
        self.packed.as_str().pack(buffer);
        if buffer.len() < self.partitions.buffer_bytes {
            return Ok(());
        }
        let next = String::with_capacity(buffer.len() + buffer.len() / 8);
        self.partitions.put(partition, std::mem::replace(buffer, next))
    }

    /// Passes on the buffers that are not empty.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn finish(self) -> Result<()> {
        let mut filled = self.buffers.into_iter().enumerate().filter(|(_, buffer)| !buffer.is_empty());
        filled.try_for_each(|(partition, buffer)| self.partitions.put(partition, buffer))
    }
}

/// The items of a partition, which are all of one type.
#[derive(Debug, Default)]
pub struct PackedItems {
    buffers: Vec<String>,
}

impl PackedItems {
    /// Each item, packed.
    pub fn packed(&self) -> impl Iterator<Item = Result<&str>> {
        self.buffers.iter().flat_map(|buffer| {
            let mut rest = buffer.as_str();
            std::iter::from_fn(move || {
                let item = (!rest.is_empty()).then(|| <&str>::unpack(&mut rest))?;
                if item.is_none() {
                    rest = "";
                }
                Some(item.ok_or_else(damaged))
            })
        })
    }

    /// Each item.
    pub fn items<'p, T: Pack<'p>>(&'p self) -> impl Iterator<Item = Result<T>> {
        self.packed().map(|packed| unpack(packed?))
    }
}

/// The value with which a packed item begins.
///
/// # Errors
/// When the item begins with none, which would be a defect.
pub fn unpack<'p, T: Pack<'p>>(mut packed: &'p str) -> Result<T> {
    T::unpack(&mut packed).ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items of two writers come back whole, from memory or from disk.
    #[test]
    fn items_come_back_from_memory_and_from_disk() {
        let names: Vec<String> = (0..400).map(|n| format!("item {n}, with a text of some length")).collect();
        for (held_bytes_max, count) in [(1 << 20, 1), (1 << 20, 7), (1000, 7), (0, 40)] {
            let partitions = Partitions::new(count, held_bytes_max, 2);
            let mut writers = [PartitionWriter::new(&partitions), PartitionWriter::new(&partitions)];
            for (n, name) in names.iter().enumerate() {
                writers[n % 2].add(n % count, &name.as_str()).unwrap();
            }
            writers.into_iter().for_each(|writer| writer.finish().unwrap());
            assert_eq!(partitions.spill.lock().unwrap().is_used(), held_bytes_max < 1 << 20);
            for partition in 0..count {
                let items = partitions.take(partition).unwrap();
                let mut found: Vec<&str> = items.items().collect::<Result<_>>().unwrap();
                let mut expected: Vec<&str> = names.iter().skip(partition).step_by(count).map(String::as_str).collect();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected);
            }
            assert_eq!(partitions.held_bytes.load(Ordering::Relaxed), 0);
        }
    }
}
