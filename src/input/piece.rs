//! What inputs are cut into: blocks of lines as they are, lines that were made from records, and text that is set aside.

use std::sync::Arc;

use crate::error::Result;

/// A piece of input for one worker.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Lines of a file, as they are.
    Block(Block),
    /// Lines made from records of a table or from elements of an array.
    Lines { number: u64, lines: Vec<MadeLine> },
    /// Text that is not a line, and why.
    SetAside(Quarantined),
}

impl Piece {
    /// The same piece with a number, which decides which of two lines came first.
    #[must_use]
    pub fn numbered(self, number: u64) -> Piece {
        match self {
            Piece::Block(block) => Piece::Block(Block { number, ..block }),
            Piece::Lines { lines, .. } => Piece::Lines { number, lines },
            Piece::SetAside(line) => Piece::SetAside(line),
        }
    }

    /// Lines that are not blank.
    #[must_use]
    pub fn lines(&self) -> u64 {
        match self {
            Piece::Block(block) if block.cut.is_none() => block.lines().count() as u64,
            Piece::Lines { lines, .. } => lines.len() as u64,
            Piece::Block(_) | Piece::SetAside(_) => 1,
        }
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let held = match self {
            Piece::Block(block) => block.bytes.len(),
            Piece::Lines { lines, .. } => lines.iter().map(|line| line.json.len() + size_of::<MadeLine>()).sum(),
            Piece::SetAside(line) => line.bytes.len(),
        };
        held + size_of::<Piece>()
    }
}

/// An event line made from a record or an element, and the position of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeLine {
    pub json: Vec<u8>,
    pub file: Arc<str>,
    pub line: u64,
    pub offset: u64,
}

/// Takes pieces of input; fails when the workers have stopped.
pub type Take<'a> = dyn FnMut(Piece) -> Result<()> + 'a;

/// What inputs give when they are asked for the next piece.
#[derive(Clone, Debug)]
pub enum Next {
    Piece(Piece),
    /// Nothing now, though there may be more.
    Idle,
    End,
}

/// Whole lines of one file, in one piece.
#[derive(Clone, Debug)]
pub struct Block {
    pub file: Arc<str>,
    /// Number of the block over all inputs; decides which of two lines came first.
    pub number: u64,
    pub bytes: Vec<u8>,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// Where the block begins in the (decompressed) file.
    pub offset: u64,
    /// Whether the block is the beginning of one line that is too long; the rest of that line was skipped.
    pub cut: Option<CutLine>,
}

/// A line that is longer than any line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutLine {
    /// Bytes of the whole line, its end left out.
    pub bytes: u64,
}

/// One line that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    pub file: Arc<str>,
    /// From 1.
    pub line: u64,
    /// Bytes before the line in the (decompressed) file.
    pub offset: u64,
    pub rule: &'static str,
    pub detail: String,
    pub bytes: Vec<u8>,
}

/// One line of a block and its position.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    /// From 1.
    pub number: u64,
    pub offset: u64,
}

impl Block {
    /// The lines that are not blank, without their ends; a byte order mark at the beginning of a file is left out.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut number = self.first_line;
        let mut offset = self.offset;
        self.bytes.split_inclusive(|byte| *byte == b'\n').filter_map(move |whole| {
            let line = Line { bytes: trim(whole, offset), number, offset };
            number += 1;
            offset += whole.len() as u64;
            (!line.bytes.is_empty()).then_some(line)
        })
    }
}

fn trim(line: &[u8], offset: u64) -> &[u8] {
    let line = if offset == 0 { without_mark(line) } else { line };
    line.trim_ascii()
}

/// The beginning of a file without its byte order mark.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}
