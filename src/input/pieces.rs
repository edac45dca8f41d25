//! Sources in, pieces for the workers out: one entry point for every format of input.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::input::flat::csv_rows::CsvRows;
use crate::input::flat::parquet_rows::ParquetRows;
use crate::input::format::{InputFormat, has_compressed_ending};
use crate::input::live::Tail;
use crate::input::piece::{Next, Piece, Take};
use crate::input::source::{Source, check_file, check_uncompressed};
use crate::input::text::TextReader;

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
        match format_of(path)? {
            InputFormat::Json => Ok(Reader::Text(TextReader::open(source)?)),
            InputFormat::Csv => Ok(Reader::Csv(Box::new(CsvRows::open(path, b',')?))),
            InputFormat::Tsv => Ok(Reader::Csv(Box::new(CsvRows::open(path, b'\t')?))),
            InputFormat::Parquet => Ok(Reader::Parquet(Box::new(ParquetRows::open(path)?))),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Reader::Text(reader) => reader.bytes(),
            Reader::Csv(rows) => rows.bytes(),
            Reader::Parquet(rows) => rows.bytes(),
        }
    }

    fn next_piece(&mut self) -> Result<Next> {
        let piece = match self {
            Reader::Text(reader) => return reader.next_piece(),
            Reader::Csv(rows) => rows.next_piece()?,
            Reader::Parquet(rows) => rows.next_piece()?,
        };
        Ok(piece.map_or(Next::End, Next::Piece))
    }

    fn wait(&mut self) {
        if let Reader::Text(reader) = self {
            reader.wait();
        }
    }
}

/// The format in which a file is read: JSON where the ending of its name states none.
fn format_of(path: &Path) -> Result<InputFormat> {
    Ok(InputFormat::of_file(path)?.unwrap_or(InputFormat::Json))
}

/// Refuses a file that is not of its format, so that none of several sources is read where one of them cannot be.
fn check(source: &Source) -> Result<()> {
    match source {
        Source::File(path) => check_file(path, format_of(path)?),
        Source::Stdin => Ok(()),
    }
}

/// Sources, read one after the other; or files that are followed, all at once.
pub struct Inputs {
    waiting: std::vec::IntoIter<Source>,
    open: Vec<Open>,
    /// Index of the open source that is asked next.
    turn: usize,
    /// Number of the next piece over all sources.
    number: u64,
    /// Bytes of the readers that have ended.
    bytes: u64,
    notices: Vec<String>,
}

/// A source that is being read.
struct Open {
    /// None while there is no file of the name that is followed.
    reader: Option<Reader>,
    /// The file that is followed.
    follows: Option<PathBuf>,
}

impl Inputs {
    /// Sources to be read one after the other. Of files the first bytes are checked now.
    ///
    /// # Errors
    /// When a file cannot be read, or its first bytes are not of its format.
    pub fn new(sources: Vec<Source>) -> Result<Inputs> {
        sources.iter().try_for_each(check)?;
        Ok(Inputs::of(sources, Vec::new()))
    }

    fn of(waiting: Vec<Source>, open: Vec<Open>) -> Inputs {
        Inputs { waiting: waiting.into_iter(), open, turn: 0, number: 0, bytes: 0, notices: Vec::new() }
    }

    /// Files that are read as they grow, all at once, and standard input if it is among them.
    ///
    /// # Errors
    /// When a file cannot be opened, or cannot grow line by line.
    pub fn follow(sources: &[Source]) -> Result<Inputs> {
        let open = sources.iter().map(Open::follow).collect::<Result<Vec<Open>>>()?;
        Ok(Inputs::of(Vec::new(), open))
    }

    /// Bytes read so far, decompressed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes + self.open.iter().filter_map(|open| open.reader.as_ref()).map(Reader::bytes).sum::<u64>()
    }

    /// What the user should know, since the last call.
    pub fn notices(&mut self) -> std::vec::Drain<'_, String> {
        self.notices.drain(..)
    }

    /// Waits a little for more.
    pub fn wait(&mut self) {
        match self.open.iter_mut().find_map(|open| open.reader.as_mut()) {
            Some(reader) => reader.wait(),
            None => Tail::wait(),
        }
    }

    /// The next piece of any source.
    ///
    /// # Errors
    /// When a source cannot be read, or is not of its format.
    pub fn next_piece(&mut self) -> Result<Next> {
        loop {
            if self.open.is_empty() {
                let Some(source) = self.waiting.next() else { return Ok(Next::End) };
                self.open.push(Open { reader: Some(Reader::open(&source)?), follows: None });
            }
            // Each is asked once, because all of them may be idle.
            for _ in 0..self.open.len() {
                if let Some(piece) = self.ask()? {
                    self.number += 1;
                    return Ok(Next::Piece(piece.numbered(self.number)));
                }
            }
            if !self.open.is_empty() {
                return Ok(Next::Idle);
            }
        }
    }

    /// Asks the next open source.
    fn ask(&mut self) -> Result<Option<Piece>> {
        self.turn = (self.turn + 1) % self.open.len().max(1);
        let Some(open) = self.open.get_mut(self.turn) else { return Ok(None) };
        match open.next_piece()? {
            Next::Piece(piece) => Ok(Some(piece)),
            Next::Idle => Ok(None),
            Next::End => {
                self.bytes += open.reader.as_ref().map_or(0, Reader::bytes);
                match open.begin_again() {
                    Some(notice) => self.notices.push(notice),
                    None => drop(self.open.remove(self.turn)),
                }
                Ok(None)
            }
        }
    }
}

impl Open {
    fn follow(source: &Source) -> Result<Open> {
        let path = match source {
            Source::File(path) if !source.may_never_end() => path,
            // A pipe is followed by reading it.
            pipe => return Ok(Open { reader: Some(Reader::Text(TextReader::open(pipe)?)), follows: None }),
        };
        if has_compressed_ending(path) || format_of(path)? != InputFormat::Json {
            let error =
                Error::invalid(path.display().to_string(), "only an uncompressed file of lines can be followed");
            return Err(error.with_hint("leave out `--follow`, or write the decompressed lines to standard input"));
        }
        check_uncompressed(path, InputFormat::Json)?;
        let reader = Some(Reader::Text(TextReader::follow(path)?));
        Ok(Open { reader, follows: Some(path.clone()) })
    }

    fn next_piece(&mut self) -> Result<Next> {
        if let Some(reader) = &mut self.reader {
            return reader.next_piece();
        }
        let Some(path) = &self.follows else { return Ok(Next::End) };
        match TextReader::follow(path) {
            Ok(reader) => self.reader = Some(Reader::Text(reader)),
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Next::Idle)
    }

    /// Closes a file that was followed, so that the one that has its name now is opened; gives the reason. None where the
    /// input has ended for good.
    fn begin_again(&mut self) -> Option<String> {
        let path = self.follows.as_ref()?;
        let Some(Reader::Text(reader)) = self.reader.take() else { return None };
        Some(format!("{} {}", path.display(), reader.restart()?))
    }
}

/// Reads sources one after the other and gives all their pieces to `take`. Returns the bytes read.
///
/// # Errors
/// When a source cannot be read, and any error of `take`.
pub fn read_all(sources: Vec<Source>, take: &mut Take<'_>) -> Result<u64> {
    let mut inputs = Inputs::new(sources)?;
    loop {
        match inputs.next_piece()? {
            Next::Piece(piece) => take(piece)?,
            Next::Idle => inputs.wait(),
            Next::End => return Ok(inputs.bytes()),
        }
    }
}
