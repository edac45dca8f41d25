//! Reading one CSV file record by record, plain or compressed, with the place of each record.
//!
//! Records end with LF. A CR before it belongs to the line ending and is cut off; a CR anywhere else belongs to its field. Memory
//! stays bounded: a record longer than [`RECORD_MIB_MAX`] is an error, because it is nearly always a quote that nobody closed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ByteRecord, Terminator};
use xxhash_rust::xxh3::Xxh3;

use super::error::{ImportError, did_you_mean};
use super::mapping::Mapping;

/// The longest record that is read, in MiB.
const RECORD_MIB_MAX: u64 = 16;
const RECORD_BYTES_MAX: u64 = RECORD_MIB_MAX << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// An open table.
pub(super) struct Table {
    reader: csv::Reader<Guard<Box<dyn Read + Send>>>,
    path: PathBuf,
    file: Arc<str>,
    /// For each column of the mapping its position in this file.
    positions: Vec<usize>,
    width: usize,
    record: ByteRecord,
}

/// One record: what the mapping needs of it, or why it cannot be read.
pub(super) struct Record<'t> {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    /// Byte offset at which it begins, after decompression.
    pub(super) offset: u64,
    /// The cells in the mapping's order, or the reason why the record is malformed.
    pub(super) cells: Result<Vec<&'t str>, String>,
    fields: Fields<'t>,
}

impl Record<'_> {
    /// A hash of the whole record, columns the mapping does not name included.
    pub(super) fn hash(&self) -> u128 {
        let mut hash = Xxh3::new();
        for field in self.fields.iter() {
            hash.update(&(field.len() as u64).to_le_bytes());
            hash.update(field);
        }
        hash.digest128()
    }
}

impl Table {
    /// Opens a file and finds the mapping's columns in its header.
    pub(super) fn open(path: &Path, mapping: &Mapping) -> Result<Self, ImportError> {
        let input = decompressed(path).map_err(ImportError::file("open", path))?;
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .delimiter(mapping.delimiter)
            .quote(mapping.quote)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Guard { input, left: 0, tripped: false });
        let file: Arc<str> = path.display().to_string().into();
        let mut table =
            Self { reader, path: path.to_owned(), file, positions: Vec::new(), width: 0, record: ByteRecord::new() };
        table.header(mapping)?;
        Ok(table)
    }

    /// The file's name, as in messages.
    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Bytes read so far, after decompression.
    pub(super) fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next record that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, ImportError> {
        while self.advance()? {
            if !(self.width > 1 && Fields(&self.record).blank()) {
                return Ok(Some(self.current()));
            }
        }
        Ok(None)
    }

    fn advance(&mut self) -> Result<bool, ImportError> {
        let line = self.reader.position().line();
        self.reader.get_mut().left = RECORD_BYTES_MAX + BUFFER_BYTES as u64;
        let outcome = self.reader.read_byte_record(&mut self.record);
        outcome.map_err(|error| match error.into_kind() {
            _ if self.reader.get_ref().tripped => {
                ImportError::RecordTooLong { input: self.file.clone(), line, limit_mib: RECORD_MIB_MAX }
            }
            csv::ErrorKind::Io(cause) => ImportError::File { doing: "read", path: self.path.clone(), cause },
            other => ImportError::File {
                doing: "read",
                path: self.path.clone(),
                cause: io::Error::other(format!("{other:?}")),
            },
        })
    }

    fn header(&mut self, mapping: &Mapping) -> Result<(), ImportError> {
        if !self.advance()? {
            return Err(ImportError::NoHeader { input: self.file.clone() });
        }
        let names = Fields(&self.record).iter().map(String::from_utf8_lossy).collect::<Vec<_>>();
        let find = |column: &super::mapping::Column| {
            names.iter().position(|name| *name == column.name).ok_or_else(|| ImportError::MissingColumn {
                input: self.file.clone(),
                column: column.name.clone(),
                mapping: mapping.file.clone(),
                line: column.line,
                hint: did_you_mean(&column.name, names.iter().map(AsRef::as_ref)),
            })
        };
        let positions = mapping.columns.iter().map(find).collect::<Result<_, _>>()?;
        (self.width, self.positions) = (names.len(), positions);
        Ok(())
    }

    fn current(&self) -> Record<'_> {
        let fields = Fields(&self.record);
        let (line, offset) = self.record.position().map_or((0, 0), |place| (place.line(), place.byte()));
        Record { line, offset, cells: self.cells(fields), fields }
    }

    fn cells<'t>(&'t self, fields: Fields<'t>) -> Result<Vec<&'t str>, String> {
        if fields.0.len() != self.width {
            return Err(format!("found {} fields, expected {} as in the header", fields.0.len(), self.width));
        }
        if fields.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return Err("found invalid UTF-8".to_owned());
        }
        let cell = |position: &usize| {
            fields.get(*position).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or_default()
        };
        Ok(self.positions.iter().map(cell).collect())
    }
}

/// The fields of a record without the CR of its line ending.
#[derive(Clone, Copy)]
struct Fields<'t>(&'t ByteRecord);

impl<'t> Fields<'t> {
    fn get(self, position: usize) -> Option<&'t [u8]> {
        let field = self.0.get(position)?;
        if position + 1 == self.0.len() { Some(field.strip_suffix(b"\r").unwrap_or(field)) } else { Some(field) }
    }

    fn iter(self) -> impl Iterator<Item = &'t [u8]> {
        (0..self.0.len()).filter_map(move |position| self.get(position))
    }

    fn blank(self) -> bool {
        self.0.len() <= 1 && self.iter().all(<[u8]>::is_empty)
    }
}

/// Lets through so many bytes and then refuses, until it is given more.
struct Guard<R> {
    input: R,
    left: u64,
    tripped: bool,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.tripped = true;
            return Err(io::Error::other("record too long"));
        }
        let count = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

fn decompressed(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    })
}
