//! Reading one CSV file record by record, compressed or not, with the position of each record.
//!
//! Records end with LF. A CR before it belongs to the line ending and is cut off; a CR anywhere else belongs to its field. Memory
//! stays bounded: a record longer than [`RECORD_MIB_MAX`] is an error, because its cause is nearly always a quote that is never
//! closed.

use std::io::{self, Read};
use std::path::Path;

use csv::{ByteRecord, Terminator};

use crate::error::Error;
use crate::input::format::InputFormat;
use crate::input::source::open_text;

/// The longest record that is read, in MiB.
pub const RECORD_MIB_MAX: u64 = 16;
const RECORD_BYTES_MAX: u64 = RECORD_MIB_MAX << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
}

/// An open table.
pub struct Records {
    reader: csv::Reader<Guard<Box<dyn Read + Send>>>,
    header: Vec<String>,
    record: ByteRecord,
}

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'t> {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// Byte offset at which it begins, after decompression.
    pub offset: u64,
    pub fields: Fields<'t>,
    width: usize,
}

/// Why a table cannot be read on.
#[derive(Debug)]
pub enum Unreadable {
    /// It has no header line.
    NoHeader,
    /// The record that begins on this line is longer than any record may be.
    TooLong {
        line: u64,
    },
    /// It cannot be opened, or is not a table.
    Refused(Error),
    Io(io::Error),
}

/// Why a record is not a row of its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It has another number of fields than the header.
    Fields { found: usize, expected: usize },
    /// It is not UTF-8.
    Encoding,
}

impl Records {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When the file cannot be opened or has no header that can be read.
    pub fn open(path: &Path, dialect: Dialect) -> Result<Records, Unreadable> {
        let format = if dialect.delimiter == b'\t' { InputFormat::Tsv } else { InputFormat::Csv };
        Records::of(open_text(path, format).map_err(Unreadable::Refused)?, dialect)
    }

    /// Reads the header of an input that is open.
    ///
    /// # Errors
    /// When it has no header that can be read.
    pub fn of(input: Box<dyn Read + Send>, dialect: Dialect) -> Result<Records, Unreadable> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .delimiter(dialect.delimiter)
            .quote(dialect.quote)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Guard { input, left: 0, tripped: false });
        let mut records = Records { reader, header: Vec::new(), record: ByteRecord::new() };
        records.read_header()?;
        Ok(records)
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Bytes read so far, after decompression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next record that is not blank.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, Unreadable> {
        let width = self.header.len();
        while self.advance()? {
            let fields = Fields(&self.record);
            if width > 1 && fields.are_blank() {
                continue;
            }
            let (line, offset) = self.record.position().map_or((0, 0), |place| (place.line(), place.byte()));
            return Ok(Some(Record { line, offset, fields: Fields(&self.record), width }));
        }
        Ok(None)
    }

    fn read_header(&mut self) -> Result<(), Unreadable> {
        if !self.advance()? {
            return Err(Unreadable::NoHeader);
        }
        self.header = Fields(&self.record).iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, Unreadable> {
        let line = self.reader.position().line();
        self.reader.get_mut().left = RECORD_BYTES_MAX + BUFFER_BYTES as u64;
        let outcome = self.reader.read_byte_record(&mut self.record);
        outcome.map_err(|error| match error.into_kind() {
            _ if self.reader.get_ref().tripped => Unreadable::TooLong { line },
            csv::ErrorKind::Io(cause) => Unreadable::Io(cause),
            other => Unreadable::Io(io::Error::other(format!("{other:?}"))),
        })
    }
}

impl Unreadable {
    /// The same after lines that were read before.
    #[must_use]
    pub fn after(self, lines: u64) -> Unreadable {
        match self {
            Unreadable::TooLong { line } => Unreadable::TooLong { line: line + lines },
            other => other,
        }
    }

    /// The error of the whole file; `advice` is the hint for a record that is too long.
    #[must_use]
    pub fn of(self, file: &str, advice: &str) -> Error {
        match self {
            Unreadable::NoHeader => Error::invalid(file, "found an empty file, expected a table with a header line"),
            Unreadable::TooLong { line } => {
                let message = format!("the record that begins here is longer than {RECORD_MIB_MAX} MiB");
                Error::invalid(format!("{file}:{line}"), message).with_hint(advice)
            }
            Unreadable::Refused(error) => error,
            Unreadable::Io(cause) => Error::file(Path::new(file))(cause),
        }
    }
}

impl<'t> Record<'t> {
    /// The record's fields as text.
    ///
    /// # Errors
    /// When the record is not a row of its table.
    pub fn texts(self) -> Result<Vec<&'t str>, Malformed> {
        if self.fields.0.len() != self.width {
            return Err(Malformed::Fields { found: self.fields.0.len(), expected: self.width });
        }
        self.any_texts()
    }

    /// The record's fields as text, however many there are.
    ///
    /// # Errors
    /// When one is not UTF-8.
    pub fn any_texts(self) -> Result<Vec<&'t str>, Malformed> {
        self.fields.iter().map(|field| std::str::from_utf8(field).map_err(|_| Malformed::Encoding)).collect()
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Malformed::Fields { found, expected } => {
                write!(formatter, "found {found} fields, expected {expected} as in the header")
            }
            Malformed::Encoding => formatter.write_str("found invalid UTF-8"),
        }
    }
}

/// The fields of a record without the CR of its line ending.
#[derive(Clone, Copy)]
pub struct Fields<'t>(&'t ByteRecord);

impl<'t> Fields<'t> {
    /// The fields, first to last.
    pub fn iter(self) -> impl Iterator<Item = &'t [u8]> {
        let last = self.0.len().saturating_sub(1);
        self.0.iter().enumerate().map(move |(position, field)| match position == last {
            true => field.strip_suffix(b"\r").unwrap_or(field),
            false => field,
        })
    }

    fn are_blank(self) -> bool {
        self.0.len() <= 1 && self.iter().all(<[u8]>::is_empty)
    }
}

/// Reads at most `left` bytes and then fails, until `left` is raised.
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
