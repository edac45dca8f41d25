//! Sources in, pieces for the workers out: every form of input behind one door.

use std::path::Path;

use super::flat::csv_rows::CsvRows;
use super::flat::parquet_rows::ParquetRows;
use super::input::Form;
use super::read::{Source, TextReader};
use super::stage::{Piece, Take};
use crate::error::Result;

/// An open source.
enum Reader {
    Text(TextReader),
    Csv(Box<CsvRows>),
    Parquet(Box<ParquetRows>),
}

impl Reader {
    fn open(source: &Source) -> Result<Reader> {
        match source {
            Source::File(path) => Reader::open_file(source, path),
            Source::Stdin => Ok(Reader::Text(TextReader::open(source)?)),
        }
    }

    fn open_file(source: &Source, path: &Path) -> Result<Reader> {
        match Form::of_file(path)? {
            Some(Form::Csv) => Ok(Reader::Csv(Box::new(CsvRows::open(path, b',')?))),
            Some(Form::Tsv) => Ok(Reader::Csv(Box::new(CsvRows::open(path, b'\t')?))),
            Some(Form::Parquet) => Ok(Reader::Parquet(Box::new(ParquetRows::open(path)?))),
            Some(Form::Text) | None => Ok(Reader::Text(TextReader::open(source)?)),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Reader::Text(reader) => reader.bytes(),
            Reader::Csv(rows) => rows.bytes(),
            Reader::Parquet(rows) => rows.bytes(),
        }
    }

    fn next_piece(&mut self) -> Result<Option<Piece>> {
        match self {
            Reader::Text(reader) => reader.next_piece(),
            Reader::Csv(rows) => rows.next_piece(),
            Reader::Parquet(rows) => rows.next_piece(),
        }
    }
}

/// Sources that are read one after the other.
pub struct Inputs {
    waiting: std::vec::IntoIter<Source>,
    open: Option<Reader>,
    /// Number of the next piece over all sources.
    number: u64,
    /// Bytes of the sources that have ended.
    bytes: u64,
}

impl Inputs {
    /// Sources to be read; none is opened yet.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Inputs {
        Inputs { waiting: sources.into_iter(), open: None, number: 0, bytes: 0 }
    }

    /// Bytes read so far, unpacked.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes + self.open.as_ref().map_or(0, Reader::bytes)
    }

    /// The next piece of all sources.
    ///
    /// # Errors
    /// When a source cannot be read.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        loop {
            let Some(reader) = &mut self.open else {
                let Some(source) = self.waiting.next() else { return Ok(None) };
                self.open = Some(Reader::open(&source)?);
                continue;
            };
            if let Some(piece) = reader.next_piece()? {
                self.number += 1;
                return Ok(Some(piece.numbered(self.number)));
            }
            self.bytes += reader.bytes();
            self.open = None;
        }
    }
}

/// Reads sources one after the other and hands over all their pieces. Returns the bytes read.
///
/// # Errors
/// When a source cannot be read, or whatever the taker of pieces returns.
pub fn read_all(sources: Vec<Source>, take: &mut Take<'_>) -> Result<u64> {
    let mut inputs = Inputs::new(sources);
    while let Some(piece) = inputs.next_piece()? {
        take(piece)?;
    }
    Ok(inputs.bytes())
}
