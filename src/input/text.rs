//! From text to pieces for the workers: blocks of whole lines, or the elements of arrays; plain, gzip, zstd or standard
//! input, in constant memory.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::{memchr, memrchr};

use crate::error::{Error, Result};
use crate::input::array::ArrayScanner;
use crate::input::live::{Pipe, Restart, Tail};
use crate::input::piece::Next;
use crate::input::piece::Piece;
use crate::input::piece::{Block, CutLine, without_mark};
use crate::wire::line::LINE_BYTES_MAX;

/// Bytes of a block; at least one line of the largest size fits.
const BLOCK_BYTES: usize = 4 * LINE_BYTES_MAX;
const READ_BYTES: usize = LINE_BYTES_MAX / 4;

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file; `.gz` and `.zst` are unpacked.
    File(PathBuf),
    /// Standard input, shown as `-`.
    Stdin,
}

impl Source {
    /// What was typed: a path, or `-` for standard input.
    #[must_use]
    pub fn parse(typed: &str) -> Source {
        if typed == "-" { Source::Stdin } else { Source::File(PathBuf::from(typed)) }
    }

    /// The name under which its lines are quarantined.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Stdin => "-".to_owned(),
        }
    }

    /// Whether it may go on for ever: a pipe by any name.
    #[must_use]
    pub fn may_never_end(&self) -> bool {
        match self {
            Source::Stdin => true,
            Source::File(path) => std::fs::metadata(path).is_ok_and(|found| !found.is_file()),
        }
    }

    fn open(&self) -> Result<Input> {
        match self {
            Source::Stdin => Ok(Input::Pipe(Box::new(Pipe::of(std::io::stdin())))),
            Source::File(path) if self.may_never_end() => {
                Ok(Input::Pipe(Box::new(Pipe::of(File::open(path).map_err(Error::file(path))?))))
            }
            Source::File(path) => open_unpacked(path).map(Input::Whole),
        }
    }
}

/// Where the bytes of a text come from.
enum Input {
    /// What ends when it has been read.
    Whole(Box<dyn Read + Send>),
    Pipe(Box<Pipe>),
    Tail(Tail),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Input::Whole(input) => input.read(buffer),
            Input::Pipe(pipe) => pipe.read(buffer),
            Input::Tail(tail) => tail.read(buffer),
        }
    }
}

/// Opens a file, unpacking `.gz` and `.zst` as it is read.
///
/// # Errors
/// When the file cannot be opened.
pub fn open_unpacked(path: &Path) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(Error::file(path))?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)))),
        Some("zst") => Ok(Box::new(zstd::Decoder::new(file).map_err(Error::file(path))?)),
        _ => Ok(Box::new(file)),
    }
}

/// What a text turned out to hold.
enum Form {
    /// Nothing but white space so far.
    Unknown,
    /// One event a line.
    Lines,
    /// An array of events.
    Array(Box<ArrayScanner>),
}

/// Reads one text; the pieces it gives have no numbers yet.
pub struct TextReader {
    file: Arc<str>,
    input: Input,
    form: Form,
    line: u64,
    offset: u64,
    /// Bytes read but not yet handed over: the beginning of a line.
    carry: Vec<u8>,
    /// The line at hand, where it is longer than any line may be: its beginning, and its bytes so far.
    long: Option<(Vec<u8>, u64)>,
    ended: bool,
    /// There is nothing to read now, though there may be later.
    idle: bool,
}

impl TextReader {
    /// Opens a source.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(source: &Source) -> Result<TextReader> {
        Ok(TextReader::of(source.name().into(), source.open()?))
    }

    /// Opens a file that is still being written.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn follow(path: &Path) -> Result<TextReader> {
        let tail = Tail::open(path).map_err(Error::file(path))?;
        Ok(TextReader::of(path.display().to_string().into(), Input::Tail(tail)))
    }

    fn of(file: Arc<str>, input: Input) -> TextReader {
        let (form, carry) = (Form::Unknown, Vec::new());
        TextReader { file, input, form, line: 1, offset: 0, carry, long: None, ended: false, idle: false }
    }

    /// Waits a little for more, where there may be more.
    pub fn wait(&mut self) {
        match &mut self.input {
            Input::Whole(_) => {}
            Input::Pipe(pipe) => pipe.wait(),
            Input::Tail(_) => Tail::wait(),
        }
    }

    /// Why a file that is followed has ended.
    #[must_use]
    pub fn restart(&self) -> Option<Restart> {
        match &self.input {
            Input::Tail(tail) => tail.restart(),
            _ => None,
        }
    }

    /// Bytes handed over so far, unpacked.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// The next piece. What has begun and may go on later, half a line or half an element, waits.
    ///
    /// # Errors
    /// When the source cannot be read on.
    pub fn next_piece(&mut self) -> Result<Next> {
        if matches!(self.form, Form::Unknown) {
            self.fill()?;
            self.recognise();
        }
        match self.form {
            Form::Array(_) => self.next_elements(),
            Form::Lines | Form::Unknown => self.next_block(),
        }
    }

    /// By the first byte that says something: no line that holds an event begins with a bracket.
    fn recognise(&mut self) {
        let text = if self.offset == 0 { without_mark(&self.carry) } else { &self.carry };
        self.form = match text.trim_ascii_start().first() {
            None => Form::Unknown,
            Some(b'[') => Form::Array(Box::new(ArrayScanner::new(self.file.clone(), self.line, self.offset))),
            Some(_) => Form::Lines,
        };
    }

    fn next_elements(&mut self) -> Result<Next> {
        loop {
            let Form::Array(scanner) = &mut self.form else { return Ok(Next::End) };
            if let Some(piece) = scanner.next_piece() {
                return Ok(Next::Piece(piece));
            }
            scanner.push(&self.carry);
            self.offset += self.carry.len() as u64;
            self.carry.clear();
            // Behind a break nothing good can come, however long one waits.
            if self.ended || self.idle && scanner.is_broken() {
                self.ended = true;
                scanner.end();
                return Ok(scanner.next_piece().map_or(Next::End, Next::Piece));
            }
            if self.idle && scanner.has_nothing() {
                self.idle = false;
                return Ok(Next::Idle);
            }
            self.fill()?;
        }
    }

    fn next_block(&mut self) -> Result<Next> {
        loop {
            self.fill()?;
            if self.long.is_some() {
                if let Some(block) = self.pass_over() {
                    return Ok(Next::Piece(Piece::Block(block)));
                }
            } else if let Some(end) = memrchr(b'\n', &self.carry) {
                let rest = self.carry.split_off(end + 1);
                let bytes = std::mem::replace(&mut self.carry, rest);
                return Ok(Next::Piece(Piece::Block(self.hand_over(bytes, None))));
            } else if self.carry.len() > LINE_BYTES_MAX {
                self.long = Some((Vec::new(), 0));
                continue;
            } else if self.ended {
                let bytes = std::mem::take(&mut self.carry);
                let last = (!bytes.is_empty()).then(|| Next::Piece(Piece::Block(self.hand_over(bytes, None))));
                return Ok(last.unwrap_or(Next::End));
            }
            if self.idle {
                return Ok(Next::Idle);
            }
        }
    }

    /// Reads until the block is full, the input pauses after a whole line, or it ends.
    fn fill(&mut self) -> Result<()> {
        let mut filled = self.carry.len();
        let full = BLOCK_BYTES.max(filled + 1);
        self.idle = false;
        while filled < full && !self.ended && !self.idle {
            // A little at a time: a pipe or a file that grows often has no more than that.
            self.carry.resize(full.min(filled + READ_BYTES), 0);
            let Some(free) = self.carry.get_mut(filled..) else { break };
            match self.input.read(free) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.idle = true,
                Err(error) => return Err(Error::file(Path::new(&*self.file))(error)),
            }
        }
        self.carry.truncate(filled);
        Ok(())
    }

    fn hand_over(&mut self, mut bytes: Vec<u8>, cut: Option<CutLine>) -> Block {
        // Many small blocks may be held at once.
        if bytes.capacity() > 2 * bytes.len() {
            bytes.shrink_to_fit();
        }
        let (file, first_line, offset) = (self.file.clone(), self.line, self.offset);
        let block = Block { file, number: 0, first_line, offset, cut, bytes };
        self.line += match cut {
            Some(_) => 1,
            None => memchr::memchr_iter(b'\n', &block.bytes).count() as u64,
        };
        self.offset += cut.map_or(block.bytes.len() as u64, |cut| cut.bytes);
        block
    }

    /// Passes over what there is of a line that is too long, keeping its beginning.
    fn pass_over(&mut self) -> Option<Block> {
        let (head, length) = self.long.as_mut()?;
        let end = memchr(b'\n', &self.carry);
        let taken = end.unwrap_or(self.carry.len());
        let room = LINE_BYTES_MAX.saturating_sub(head.len()).min(taken);
        head.extend_from_slice(self.carry.get(..room).unwrap_or_default());
        *length += taken as u64;
        self.carry.drain(..taken + usize::from(end.is_some()));
        if end.is_none() && !self.ended {
            return None;
        }
        let (head, bytes) = self.long.take()?;
        let block = self.hand_over(head, Some(CutLine { bytes }));
        self.offset += u64::from(end.is_some());
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn blocks(content: &[u8]) -> Vec<Block> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let mut reader = TextReader::open(&Source::File(file.path().to_owned())).unwrap();
        let mut blocks = Vec::new();
        while let Next::Piece(Piece::Block(block)) = reader.next_piece().unwrap() {
            blocks.push(block);
        }
        assert_eq!(reader.bytes(), content.len() as u64);
        blocks
    }

    #[test]
    fn lines_are_numbered_and_placed_and_blank_ones_left_out() {
        let blocks = blocks(b"\xef\xbb\xbfone\r\n\n  \nfour");
        let lines: Vec<_> =
            blocks.iter().flat_map(Block::lines).map(|line| (line.bytes, line.number, line.offset)).collect();
        assert_eq!(lines, [(&b"one"[..], 1, 0), (&b"four"[..], 4, 12)]);
    }

    #[test]
    fn a_line_beyond_every_block_is_cut_and_what_follows_is_read() {
        let mut content = b"first\n".to_vec();
        content.extend(vec![b'x'; 9 * LINE_BYTES_MAX + 7]);
        content.extend(b"\nlast\n");
        let blocks = blocks(&content);
        let cut = blocks.iter().find(|block| block.cut.is_some()).unwrap();
        assert_eq!((cut.first_line, cut.offset), (2, 6));
        assert_eq!(cut.cut.unwrap().bytes, 9 * LINE_BYTES_MAX as u64 + 7);
        assert_eq!(cut.bytes.len(), LINE_BYTES_MAX);
        let last = blocks.last().unwrap().lines().last().unwrap();
        assert_eq!((last.bytes, last.number, last.offset), (&b"last"[..], 3, content.len() as u64 - 5));
    }

    #[test]
    fn many_blocks_hold_every_line_once() {
        let content: String = (0..400_000).map(|n| format!("line {n} with some length to it\n")).collect();
        let blocks = blocks(content.as_bytes());
        assert!(blocks.len() > 2);
        let mut expected = 1;
        for line in blocks.iter().flat_map(Block::lines) {
            assert_eq!(line.number, expected);
            let rest = content.as_bytes().get(usize::try_from(line.offset).unwrap()..).unwrap();
            assert!(rest.starts_with(line.bytes));
            expected += 1;
        }
        assert_eq!(expected, 400_001);
    }
}
