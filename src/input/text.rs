//! From text to pieces for the workers: blocks of whole lines, or objects and arrays taken apart; plain, gzip, zstd or
//! standard input, in constant memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use memchr::{memchr, memmem, memrchr};
use serde::de::IgnoredAny;

use crate::error::{Error, Result};
use crate::input::elements::ElementScanner;
use crate::input::format::InputFormat;
use crate::input::live::{Pipe, Restart, Tail};
use crate::input::piece::{Block, CutLine, Next, Piece, without_mark};
use crate::input::signature::{self, HEAD_BYTES};
use crate::input::source::{Source, open_decompressed};
use crate::wire::line::LINE_BYTES_MAX;

/// Bytes of a block; at least one line of the largest size fits.
const BLOCK_BYTES: usize = 4 * LINE_BYTES_MAX;
const READ_BYTES: usize = LINE_BYTES_MAX / 4;

/// Where the bytes of a text come from.
enum Input {
    /// What ends when it has been read.
    Whole(Box<dyn Read + Send>),
    Pipe(Box<Pipe>),
    Tail(Tail),
}

impl Input {
    fn open(source: &Source) -> Result<Input> {
        match source {
            Source::Stdin => Ok(Input::Pipe(Box::new(Pipe::of(std::io::stdin())))),
            Source::File(path) if source.may_never_end() => {
                Ok(Input::Pipe(Box::new(Pipe::of(File::open(path).map_err(Error::file(path))?))))
            }
            Source::File(path) => open_decompressed(path).map(Input::Whole),
        }
    }
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

/// How events are laid out in a text.
enum TextLayout {
    /// Nothing but blanks so far, or too little to tell.
    Unknown,
    /// One event a line.
    Lines,
    /// Elements of arrays, or objects over several lines.
    Elements(Box<ElementScanner>),
}

/// Reads one text; the pieces it gives have no numbers yet.
pub struct TextReader {
    file: Arc<str>,
    input: Input,
    layout: TextLayout,
    line: u64,
    offset: u64,
    /// Bytes read that are not yet in a piece: the beginning of a line.
    carry: Vec<u8>,
    /// The current line where it is longer than any line may be: its beginning, and its bytes so far.
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
        Ok(TextReader::of(source.name().into(), Input::open(source)?))
    }

    /// Opens a file that is still being written.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn follow(path: &Path) -> Result<TextReader> {
        let tail = Tail::open(path).map_err(Error::file(path))?;
        Ok(TextReader::of(path.display().to_string().into(), Input::Tail(tail)))
    }

    /// Reads bytes that are in memory, under that name.
    #[must_use]
    pub fn of_bytes(file: &str, bytes: Vec<u8>) -> TextReader {
        TextReader::of(file.into(), Input::Whole(Box::new(std::io::Cursor::new(bytes))))
    }

    fn of(file: Arc<str>, input: Input) -> TextReader {
        let (layout, carry) = (TextLayout::Unknown, Vec::new());
        TextReader { file, input, layout, line: 1, offset: 0, carry, long: None, ended: false, idle: false }
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

    /// Bytes of the pieces so far, decompressed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// The next piece. What has begun and may go on later, half a line or half an element, waits.
    ///
    /// # Errors
    /// When the source cannot be read on, or is not of JSON.
    pub fn next_piece(&mut self) -> Result<Next> {
        if matches!(self.layout, TextLayout::Unknown) && self.long.is_none() {
            self.fill()?;
            if !self.recognise()? {
                return Ok(Next::Idle);
            }
        }
        match self.layout {
            TextLayout::Elements(_) => self.next_elements(),
            TextLayout::Lines | TextLayout::Unknown => self.next_block(),
        }
    }

    /// Settles the layout by the first bytes that are not blank. False where more bytes must come first. Blanks alone settle
    /// nothing: they are given as lines at the end, or where they are longer than a line may be.
    fn recognise(&mut self) -> Result<bool> {
        let text = if self.offset == 0 { without_mark(&self.carry) } else { &self.carry };
        let text = text.trim_ascii_start();
        let Some(first) = text.first() else { return Ok(self.ended || self.carry.len() > LINE_BYTES_MAX) };
        // No format but JSON begins with a bracket and a byte of ASCII after it.
        let enough = if *first == b'[' { 4 } else { HEAD_BYTES };
        if !self.ended && self.carry.len() < enough && memchr(b'\n', text).is_none() {
            return Ok(false);
        }
        if self.offset == 0 {
            signature::check(&self.file, &self.carry, InputFormat::Json)?;
        }
        let is_followed = matches!(self.input, Input::Tail(_));
        let (line, offset) = (self.line, self.offset);
        let elements = |scanner: fn(Arc<str>, u64, u64) -> ElementScanner| {
            TextLayout::Elements(Box::new(scanner(self.file.clone(), line, offset)))
        };
        self.layout = match first {
            b'[' => elements(ElementScanner::of_arrays),
            b'{' if !is_followed => match spans_lines(text, self.ended || self.carry.len() > LINE_BYTES_MAX) {
                Some(true) => elements(ElementScanner::of_objects),
                Some(false) => TextLayout::Lines,
                None => return Ok(false),
            },
            _ => TextLayout::Lines,
        };
        Ok(true)
    }

    fn next_elements(&mut self) -> Result<Next> {
        loop {
            let TextLayout::Elements(scanner) = &mut self.layout else { return Ok(Next::End) };
            if let Some(piece) = scanner.next_piece() {
                return Ok(Next::Piece(piece));
            }
            scanner.push(&self.carry);
            self.offset += self.carry.len() as u64;
            self.carry.clear();
            // After a break no element can come any more.
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

    /// The next block. Bytes are read only after those that are there have been given: before the layout is known, what is
    /// read next is not to be taken as lines.
    fn next_block(&mut self) -> Result<Next> {
        loop {
            if self.long.is_some() {
                if let Some(block) = self.skip_long_line() {
                    return Ok(Next::Piece(Piece::Block(block)));
                }
            } else if let Some(end) = memrchr(b'\n', &self.carry) {
                let rest = self.carry.split_off(end + 1);
                let bytes = std::mem::replace(&mut self.carry, rest);
                return Ok(Next::Piece(Piece::Block(self.release(bytes, None))));
            } else if self.carry.len() > LINE_BYTES_MAX {
                self.long = Some((Vec::new(), 0));
                continue;
            } else if self.ended {
                let bytes = std::mem::take(&mut self.carry);
                let last = (!bytes.is_empty()).then(|| Next::Piece(Piece::Block(self.release(bytes, None))));
                return Ok(last.unwrap_or(Next::End));
            }
            if self.idle {
                self.idle = false;
                return Ok(Next::Idle);
            }
            self.fill()?;
        }
    }

    /// Reads until the block is full, the input pauses after a whole line, or it ends.
    fn fill(&mut self) -> Result<()> {
        let mut filled = self.carry.len();
        let full = BLOCK_BYTES.max(filled + 1);
        // At once, because growing copies what is there. What is not filled takes no memory.
        self.carry.reserve(full.saturating_sub(filled));
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

    fn release(&mut self, mut bytes: Vec<u8>, cut: Option<CutLine>) -> Block {
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

    /// Skips what there is of a line that is too long, keeping its beginning.
    fn skip_long_line(&mut self) -> Option<Block> {
        let (head, length) = self.long.as_mut()?;
        let end = memchr(b'\n', &self.carry);
        let taken = end.unwrap_or(self.carry.len());
        let free = LINE_BYTES_MAX.saturating_sub(head.len()).min(taken);
        head.extend_from_slice(self.carry.get(..free).unwrap_or_default());
        *length += taken as u64;
        self.carry.drain(..taken + usize::from(end.is_some()));
        if end.is_none() && !self.ended {
            return None;
        }
        let (head, bytes) = self.long.take()?;
        let block = self.release(head, Some(CutLine { bytes }));
        self.offset += u64::from(end.is_some());
        Some(block)
    }
}

/// Whether the first object of a text goes on after the end of its line, as in a file written for people. More than that
/// line is parsed only where the line is not a whole object. None where more bytes must come first; none come after the
/// last.
fn spans_lines(text: &[u8], is_last: bool) -> Option<bool> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Some(text.get(..values.byte_offset()).is_some_and(|object| object.contains(&b'\n'))),
        Some(Err(error)) if error.is_eof() => match memchr(b'\n', text) {
            // A line that was cut short is followed by an event.
            Some(_) if memmem::find(text, b"\n{").is_some() => Some(false),
            Some(_) => is_last.then_some(true),
            None => is_last.then_some(false),
        },
        _ => Some(false),
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
    fn an_object_over_several_lines_is_not_a_line_that_was_cut_short() {
        let whole = b"{\n  \"a\": {\n  }\n}\n";
        let cases: [(&[u8], bool, Option<bool>); 10] = [
            (whole, false, Some(true)),
            (b"{\"a\": 1}\n{\n\"b\": 2}", false, Some(false)),
            (b"{\"a\": 1", false, None),
            (b"{\"a\": 1", true, Some(false)),
            (b"{\n\"a\":", false, None),
            (b"{\n\"a\":", true, Some(true)),
            (b"{\"a\":\n{\"b\":1}\n", true, Some(false)),
            (b"{\"a\": \"cut short\n{\"b\":1}\n", false, Some(false)),
            (b"{\"a\": nope\n", false, Some(false)),
            (b"{}{}\n", true, Some(false)),
        ];
        for (text, is_last, expected) in cases {
            assert_eq!(spans_lines(text, is_last), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    /// A pipe that has nothing at first, and then after each part.
    struct Pausing(std::vec::IntoIter<Vec<u8>>, bool);

    impl Read for Pausing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(std::io::ErrorKind::WouldBlock.into());
            }
            let Some(part) = self.0.next() else { return Ok(0) };
            buffer.get_mut(..part.len()).unwrap().copy_from_slice(&part);
            Ok(part.len())
        }
    }

    fn paused(parts: &[&[u8]]) -> Result<Vec<String>> {
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let input = Input::Whole(Box::new(Pausing(parts.into_iter(), false)));
        let mut reader = TextReader::of("-".into(), input);
        let mut pieces = Vec::new();
        loop {
            match reader.next_piece()? {
                Next::Piece(Piece::Block(block)) => pieces.push(String::from_utf8(block.bytes).unwrap()),
                Next::Piece(Piece::Lines { lines, .. }) => pieces.push(format!("{} elements", lines.len())),
                Next::Piece(Piece::SetAside(line)) => pieces.push(line.detail),
                Next::Idle => {}
                Next::End => return Ok(pieces),
            }
        }
    }

    #[test]
    fn what_comes_after_a_pause_is_recognised_as_what_comes_at_once() {
        assert_eq!(paused(&[b"{}\n{", b"}\n"]).unwrap(), ["{}\n", "{}\n"]);
        assert_eq!(paused(&[b"[{},", b"{}]"]).unwrap(), ["1 elements", "1 elements"]);
        assert_eq!(paused(&[b" \n", b"[", b"{},{}", b"]"]).unwrap(), ["2 elements"]);
        assert_eq!(paused(&[b" \n", b"\n"]).unwrap(), [" \n\n"]);
        for parts in [&[&b"%PDF-1.7\n"[..]][..], &[b"\n", b"<!doc", b"type html>\n"], &[b"\x1f\x8b\x08\0\n\0"]] {
            let error = paused(parts).unwrap_err().to_string();
            assert!(error.starts_with("-: found "), "{error}");
        }
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
