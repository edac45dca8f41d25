//! Sources in, pieces for the workers out: every form of input behind one door.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::input::files::Form;
use crate::input::flat::csv_rows::CsvRows;
use crate::input::flat::parquet_rows::ParquetRows;
use crate::input::piece::Next;
use crate::input::piece::{Piece, Take};
use crate::input::read::{Source, TextReader};

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

/// Sources, read one after the other; or files that are followed, all at once.
pub struct Inputs {
    waiting: std::vec::IntoIter<Source>,
    open: Vec<Open>,
    /// Which of the open ones is asked next.
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
    /// Sources to be read one after the other; none is opened yet.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Inputs {
        let waiting = sources.into_iter();
        Inputs { waiting, open: Vec::new(), turn: 0, number: 0, bytes: 0, notices: Vec::new() }
    }

    /// Files that are read as they grow, all at once, and standard input if it is among them.
    ///
    /// # Errors
    /// When a file cannot be opened, or cannot grow line by line.
    pub fn follow(sources: &[Source]) -> Result<Inputs> {
        let open = sources.iter().map(Open::follow).collect::<Result<Vec<Open>>>()?;
        Ok(Inputs { open, ..Inputs::new(Vec::new()) })
    }

    /// Bytes read so far, unpacked.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes + self.open.iter().filter_map(|open| open.reader.as_ref()).map(Reader::bytes).sum::<u64>()
    }

    /// What a reader should know since they were last told.
    pub fn notices(&mut self) -> std::vec::Drain<'_, String> {
        self.notices.drain(..)
    }

    /// Waits a little for more.
    pub fn wait(&mut self) {
        match self.open.iter_mut().find_map(|open| open.reader.as_mut()) {
            Some(reader) => reader.wait(),
            None => crate::input::live::Tail::wait(),
        }
    }

    /// The next piece of all sources.
    ///
    /// # Errors
    /// When a source cannot be read.
    pub fn next_piece(&mut self) -> Result<Next> {
        loop {
            if self.open.is_empty() {
                let Some(source) = self.waiting.next() else { return Ok(Next::End) };
                self.open.push(Open { reader: Some(Reader::open(&source)?), follows: None });
            }
            // Each is asked once; all of them may be idle.
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

    /// Asks the one whose turn it is.
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
        let packed = path.extension().is_some_and(|ending| ending == "gz" || ending == "zst");
        if packed || !matches!(Form::of_file(path)?, Some(Form::Text) | None) {
            let error = Error::invalid(path.display().to_string(), "only a plain file of lines can be followed");
            return Err(error.with_hint("leave out `--follow`; standard input can be fed by any program that unpacks"));
        }
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

    /// Lets go of a file that was followed, to open the one that has its name now; says why. None at a true end.
    fn begin_again(&mut self) -> Option<String> {
        let path = self.follows.as_ref()?;
        let Some(Reader::Text(reader)) = self.reader.take() else { return None };
        Some(format!("{} {}", path.display(), reader.restart()?))
    }
}

/// Reads sources one after the other and hands over all their pieces. Returns the bytes read.
///
/// # Errors
/// When a source cannot be read, or whatever the taker of pieces returns.
pub fn read_all(sources: Vec<Source>, take: &mut Take<'_>) -> Result<u64> {
    let mut inputs = Inputs::new(sources);
    loop {
        match inputs.next_piece()? {
            Next::Piece(piece) => take(piece)?,
            Next::Idle => inputs.wait(),
            Next::End => return Ok(inputs.bytes()),
        }
    }
}
