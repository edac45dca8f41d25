//! Sources in, pieces for the workers out: every form of input behind one door.

use super::read::{Source, TextReader};
use super::stage::{Piece, Take};
use crate::error::Result;

/// Sources that are read one after the other.
pub struct Inputs {
    waiting: std::vec::IntoIter<Source>,
    open: Option<TextReader>,
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
        self.bytes + self.open.as_ref().map_or(0, TextReader::bytes)
    }

    /// The next piece of all sources.
    ///
    /// # Errors
    /// When a source cannot be read.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        loop {
            let Some(reader) = &mut self.open else {
                let Some(source) = self.waiting.next() else { return Ok(None) };
                self.open = Some(TextReader::open(&source)?);
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
