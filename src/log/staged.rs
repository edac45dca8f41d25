//! Files of checked events that are not yet part of the log, and the fingerprints of their events.

use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::store::data_file::NewFile;
use crate::store::scratch;

/// A written file of events and the list of its fingerprints, row by row.
#[derive(Debug)]
pub struct StagedFile {
    pub file: NewFile,
    pub entries: Entries,
}

/// The fingerprints of one staged event, and where its line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub identity: u128,
    pub content: u128,
    /// Orders all lines of one ingestion.
    pub ordinal: u64,
    pub line: u64,
    pub offset: u64,
    /// Index of the line's file in the list of input files.
    pub file: u32,
}

/// The entries of a staged file, row by row.
#[derive(Debug)]
pub struct Entries {
    /// Names of the input files of the lines.
    files: Vec<Arc<str>>,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Memory(Vec<Entry>),
    Disk { path: PathBuf, rows: u64 },
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
        // The parts have `ENTRY_BYTES` bytes together.
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
        Entries { files, storage: Storage::Memory(entries) }
    }

    /// Entries in a temporary file, where there are too many for the memory.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn on_disk(files: Vec<Arc<str>>, entries: &[Entry], path: PathBuf) -> Result<Entries> {
        let write = || {
            let mut out = BufWriter::new(scratch::create_file(&path)?);
            entries.iter().try_for_each(|entry| out.write_all(&entry.to_bytes()))?;
            out.flush()
        };
        write().map_err(Error::file(&path))?;
        Ok(Entries { files, storage: Storage::Disk { path, rows: entries.len() as u64 } })
    }

    /// Calls `visit` with the number of each row and its entry.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn each(&self, mut visit: impl FnMut(u32, Entry)) -> Result<()> {
        match &self.storage {
            Storage::Memory(entries) => entries.iter().zip(0..).for_each(|(entry, row)| visit(row, *entry)),
            Storage::Disk { path, rows } => read(path, *rows, visit).map_err(Error::file(path))?,
        }
        Ok(())
    }

    /// The name of the input file of an entry's line.
    #[must_use]
    pub fn file(&self, entry: &Entry) -> Arc<str> {
        self.files.get(entry.file as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }
}

fn read(path: &Path, rows: u64, mut visit: impl FnMut(u32, Entry)) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 18, scratch::open_file(path)?);
    let mut bytes = [0; ENTRY_BYTES];
    for row in 0..u32::try_from(rows).unwrap_or(u32::MAX) {
        input.read_exact(&mut bytes)?;
        visit(row, Entry::from_bytes(&bytes)?);
    }
    Ok(())
}
