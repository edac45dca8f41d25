//! JSON whose events are not one a line, split into lines as it is read: arrays, the batch format of CloudEvents, and
//! objects over several lines, one after the other.
//!
//! The scanner knows brackets and texts, nothing more. Whether an element is an event is decided by the check of lines.
//! It holds at most one element, so an array may be longer than memory. Where brackets do not match, the elements cannot
//! be separated any more: the rest of the file is set aside as one line.

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::{memchr_iter, memchr2};

use crate::input::piece::{Block, CutLine, MadeLine, Piece, Quarantined};
use crate::wire::line::LINE_BYTES_MAX;

/// What a file may begin with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What contains the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// Arrays, one after the other; commas between the elements of each.
    Arrays,
    /// The file itself: objects, with blanks between them.
    File,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The bracket that begins an array, or an object of the file; or nothing.
    Outside,
    /// The first element, or the end of the array.
    First,
    /// An element.
    Next,
    /// More of the element that has begun.
    Within,
    /// A comma, or the end of the array.
    After,
    /// Nothing that could be separated into elements: why.
    Broken(&'static str),
}

/// The current element: what has been kept of it, and where it begins.
#[derive(Debug, Default)]
struct Element {
    bytes: Vec<u8>,
    /// Bytes in the file, kept or not.
    length: u64,
    line: u64,
    offset: u64,
}

/// Takes bytes of a file and gives the elements in it.
#[derive(Debug)]
pub struct ElementScanner {
    container: Container,
    file: Arc<str>,
    /// Position of the next byte.
    line: u64,
    offset: u64,
    state: State,
    /// What closes the brackets that are open within the element, the innermost last.
    open: Vec<u8>,
    in_text: bool,
    escaped: bool,
    element: Element,
    made: Vec<MadeLine>,
    ready: VecDeque<Piece>,
}

impl ElementScanner {
    /// A scanner of the elements of arrays; the position is that of the file's next byte.
    #[must_use]
    pub fn of_arrays(file: Arc<str>, line: u64, offset: u64) -> ElementScanner {
        ElementScanner::new(Container::Arrays, file, line, offset)
    }

    /// A scanner of objects that follow one another in the file.
    #[must_use]
    pub fn of_objects(file: Arc<str>, line: u64, offset: u64) -> ElementScanner {
        ElementScanner::new(Container::File, file, line, offset)
    }

    fn new(container: Container, file: Arc<str>, line: u64, offset: u64) -> ElementScanner {
        ElementScanner {
            container,
            file,
            line,
            offset,
            state: State::Outside,
            open: Vec::new(),
            in_text: false,
            escaped: false,
            element: Element::default(),
            made: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.step(rest);
            let (seen, after) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            self.line += memchr_iter(b'\n', seen).count() as u64;
            self.offset += seen.len() as u64;
            rest = after;
        }
        self.release_lines();
    }

    /// Takes the end of the file. What is still open there is set aside.
    pub fn end(&mut self) {
        let (reason, has_begun) = match self.state {
            State::Outside => return,
            State::First | State::Next => ("the file ends where an element was expected", false),
            State::After => ("the file ends where `,` or `]` was expected", false),
            State::Within if self.container == Container::File => ("the file ends within an object", true),
            State::Within => ("the file ends within an element", true),
            State::Broken(why) => (why, true),
        };
        if !has_begun {
            self.begin();
        }
        let Element { bytes, length, line, offset } = std::mem::take(&mut self.element);
        let kept = bytes.len();
        let cut = if kept < LINE_BYTES_MAX { String::new() } else { format!(", the first {kept} bytes are kept") };
        let container = match self.container {
            Container::Arrays => "array",
            Container::File => "sequence of objects",
        };
        let detail = format!("the {container} is broken: {reason}; from here on {length} bytes are not read{cut}");
        let file = self.file.clone();
        self.ready.push_back(Piece::SetAside(Quarantined { file, line, offset, rule: "invalid_json", detail, bytes }));
        self.state = State::Outside;
    }

    /// Whether the elements cannot be separated any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken(_))
    }

    /// Whether no piece is complete.
    #[must_use]
    pub fn has_nothing(&self) -> bool {
        self.ready.is_empty()
    }

    /// The next piece that is complete.
    pub fn next_piece(&mut self) -> Option<Piece> {
        self.ready.pop_front()
    }

    /// Takes some of the bytes, or moves to another state; gives the number of bytes taken.
    fn step(&mut self, rest: &[u8]) -> usize {
        match self.state {
            State::Within if self.in_text => self.text(rest),
            State::Within if self.open.is_empty() => self.outermost(rest),
            State::Within => self.brackets(rest),
            State::Broken(_) => self.keep(rest),
            _ => self.between(rest),
        }
    }

    /// Blanks, commas, and the brackets around elements.
    fn between(&mut self, rest: &[u8]) -> usize {
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if blank > 0 {
            return blank;
        }
        let byte = rest.first().copied().unwrap_or_default();
        let mark = usize::try_from(self.offset).ok().and_then(|offset| BYTE_ORDER_MARK.get(offset));
        self.state = match (self.state, byte) {
            (State::Outside, byte) if mark == Some(&byte) => State::Outside,
            (State::Outside, b'{') if self.container == Container::File => {
                self.begin();
                self.state = State::Within;
                return 0;
            }
            (State::Outside, _) if self.container == Container::File => {
                return self.break_off("nothing more or another object was expected");
            }
            (State::Outside, b'[') => State::First,
            (State::First | State::After, b']') => State::Outside,
            (State::After, b',') => State::Next,
            (State::First | State::Next, b',' | b']' | b'}') => return self.break_off("an element was expected"),
            (State::First | State::Next, _) => {
                self.begin();
                self.state = State::Within;
                return 0;
            }
            (State::After, _) => return self.break_off("`,` or `]` was expected"),
            (_, _) => return self.break_off("nothing more or another array was expected"),
        };
        1
    }

    /// Here begins an element.
    fn begin(&mut self) {
        self.element = Element { line: self.line, offset: self.offset, ..Element::default() };
    }

    /// Gives up separating elements. What is kept begins here, or with the current element.
    fn break_off(&mut self, why: &'static str) -> usize {
        if self.state != State::Within {
            self.begin();
        }
        self.state = State::Broken(why);
        self.open.clear();
        0
    }

    /// The beginning of an element, or a bare word such as `null`.
    fn outermost(&mut self, rest: &[u8]) -> usize {
        match rest.first() {
            Some(bracket @ (b'{' | b'[')) if self.element.length == 0 => self.enter(*bracket),
            Some(b'"') if self.element.length == 0 => {
                self.in_text = true;
                self.keep(b"\"")
            }
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
                let word = rest.iter().position(ends);
                let taken = self.keep(rest.get(..word.unwrap_or(rest.len())).unwrap_or_default());
                if word.is_some() {
                    self.finish_element();
                }
                taken
            }
        }
    }

    fn brackets(&mut self, rest: &[u8]) -> usize {
        let stops = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b'\n' | b'\r');
        let plain = rest.iter().position(stops).unwrap_or(rest.len());
        if plain > 0 {
            return self.keep(rest.get(..plain).unwrap_or_default());
        }
        match rest.first().copied().unwrap_or_default() {
            // An element becomes one line.
            b'\n' | b'\r' => self.keep(b" "),
            bracket @ (b'{' | b'[') => self.enter(bracket),
            b'"' => {
                self.in_text = true;
                self.keep(b"\"")
            }
            closing => self.leave(closing),
        }
    }

    fn enter(&mut self, bracket: u8) -> usize {
        // Brackets deeper than the longest line cannot belong to an event.
        if self.open.len() < LINE_BYTES_MAX {
            self.open.push(if bracket == b'{' { b'}' } else { b']' });
        }
        self.keep(&[bracket])
    }

    fn leave(&mut self, closing: u8) -> usize {
        if self.open.last() != Some(&closing) {
            return self.break_off("the brackets of this element do not match");
        }
        self.open.pop();
        let taken = self.keep(&[closing]);
        if self.open.is_empty() {
            self.finish_element();
        }
        taken
    }

    fn text(&mut self, rest: &[u8]) -> usize {
        if self.escaped {
            self.escaped = false;
            return self.keep(rest.get(..1).unwrap_or_default());
        }
        match memchr2(b'"', b'\\', rest) {
            None => self.keep(rest),
            Some(0) => {
                let quote = rest.first() == Some(&b'"');
                (self.in_text, self.escaped) = (!quote, !quote);
                let taken = self.keep(rest.get(..1).unwrap_or_default());
                if quote && self.open.is_empty() {
                    self.finish_element();
                }
                taken
            }
            Some(plain) => self.keep(rest.get(..plain).unwrap_or_default()),
        }
    }

    /// Keeps bytes of the element, as many as the longest line has; gives their number.
    fn keep(&mut self, bytes: &[u8]) -> usize {
        self.element.length += bytes.len() as u64;
        let free = LINE_BYTES_MAX.saturating_sub(self.element.bytes.len());
        self.element.bytes.extend_from_slice(bytes.get(..free).unwrap_or(bytes));
        bytes.len()
    }

    fn finish_element(&mut self) {
        let Element { bytes, length, line, offset } = std::mem::take(&mut self.element);
        let file = self.file.clone();
        if length > LINE_BYTES_MAX as u64 {
            self.release_lines();
            let cut = Some(CutLine { bytes: length });
            self.ready.push_back(Piece::Block(Block { file, number: 0, bytes, first_line: line, offset, cut }));
        } else {
            self.made.push(MadeLine { json: bytes, file, line, offset });
        }
        self.state = match self.container {
            Container::Arrays => State::After,
            Container::File => State::Outside,
        };
    }

    fn release_lines(&mut self) {
        if !self.made.is_empty() {
            self.ready.push_back(Piece::Lines { number: 0, lines: std::mem::take(&mut self.made) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:offset text` of each element, and `!line:offset text` of what is set aside; the same in pieces of every size.
    fn scan(text: &str) -> Vec<String> {
        let whole = scan_in_pieces(text, text.len().max(1));
        for size in 1..text.len().min(40) {
            assert_eq!(scan_in_pieces(text, size), whole, "in pieces of {size} bytes");
        }
        whole
    }

    fn scan_in_pieces(text: &str, size: usize) -> Vec<String> {
        let is_array = text.trim_start_matches('\u{feff}').trim_start().starts_with('[');
        let scanner = if is_array { ElementScanner::of_arrays } else { ElementScanner::of_objects };
        let mut scanner = scanner("a.json".into(), 1, 0);
        text.as_bytes().chunks(size).for_each(|piece| scanner.push(piece));
        scanner.end();
        let shown = |mark: &str, line: u64, offset: u64, bytes: &[u8]| {
            format!("{mark}{line}:{offset} {}", String::from_utf8_lossy(bytes))
        };
        let mut found = Vec::new();
        while let Some(piece) = scanner.next_piece() {
            match piece {
                Piece::Lines { lines, .. } => {
                    found.extend(lines.iter().map(|line| shown("", line.line, line.offset, &line.json)));
                }
                Piece::SetAside(line) => found.push(shown("!", line.line, line.offset, &line.bytes)),
                Piece::Block(block) => found.push(shown("cut ", block.first_line, block.offset, &[])),
            }
        }
        found
    }

    #[test]
    fn elements_are_separated_whatever_they_contain_and_keep_their_positions() {
        let text = "\u{feff} [ {\"a\":\"],\\\"{\",\"b\":[1,{}]},\n  {\n\"c\":1\n} , null,\"x,]\", 12 , [[]]]\n";
        let expected = [
            "1:6 {\"a\":\"],\\\"{\",\"b\":[1,{}]}",
            "2:34 { \"c\":1 }",
            "4:46 null",
            "4:51 \"x,]\"",
            "4:58 12",
            "4:63 [[]]",
        ];
        assert_eq!(scan(text), expected);
    }

    #[test]
    fn empty_arrays_and_arrays_in_a_row_are_good() {
        assert_eq!(scan("[]"), [""; 0]);
        assert_eq!(scan("[1]\n[ ]\n[2,3]"), ["1:1 1", "3:9 2", "3:11 3"]);
    }

    #[test]
    fn objects_over_several_lines_are_elements_without_an_array() {
        let text = "\u{feff}{\n  \"a\": \"}\"\n}\n\n{ \"b\": [\r\n1]} {}\n";
        assert_eq!(scan(text), ["1:3 {   \"a\": \"}\" }", "5:19 { \"b\": [  1]}", "6:33 {}"]);
        assert_eq!(scan("{\n}\n,{}"), ["1:0 { }", "!3:4 ,{}"]);
        assert_eq!(scan("{\n}\n[{}]"), ["1:0 { }", "!3:4 [{}]"]);
        assert_eq!(scan("{\n\"a\": ]}\n{}"), ["!1:0 { \"a\": ]}\n{}"]);
        assert_eq!(scan("{}\n{\n\"a\""), ["1:0 {}", "!2:3 { \"a\""]);
    }

    #[test]
    fn what_comes_before_a_break_is_kept_and_the_rest_is_one_line() {
        assert_eq!(scan("[{},\n{\"a\":[1}, {}]"), ["1:1 {}", "!2:5 {\"a\":[1}, {}]"]);
        assert_eq!(scan("[1,{\"a\":\"b"), ["1:1 1", "!1:3 {\"a\":\"b"]);
        assert_eq!(scan("[{}"), ["1:1 {}", "!1:3 "]);
        assert_eq!(scan("[{},]"), ["1:1 {}", "!1:4 ]"]);
        assert_eq!(scan("[{} {}]"), ["1:1 {}", "!1:4 {}]"]);
        assert_eq!(scan("[{}]\nrest"), ["1:1 {}", "!2:5 rest"]);
        assert_eq!(scan("["), ["!1:1 "]);
    }

    #[test]
    fn a_long_element_is_cut_and_what_follows_is_read() {
        let text = format!("[1,\"{}\",2]", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(scan_in_pieces(&text, 4096), ["1:1 1", "cut 1:3 ", &format!("1:{} 2", LINE_BYTES_MAX + 6)]);
    }
}
