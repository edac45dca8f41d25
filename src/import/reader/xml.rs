//! XML, token by token: with lines and positions for errors, and with limits, so that no document is held as a whole.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

use super::text::TextInput;
use crate::error::{Error, Result};

/// The longest tag, text or comment.
const TOKEN_BYTES_MAX: u64 = 64 << 20;
/// How deep elements may be within each other.
const DEPTH_MAX: usize = 100;
const BUFFER_BYTES: usize = 128 << 10;

/// An open document.
pub(super) struct XmlInput {
    file: Arc<str>,
    reader: quick_xml::Reader<Lines>,
    depth: usize,
}

impl XmlInput {
    pub(super) fn open(input: TextInput) -> XmlInput {
        let file = input.file.clone();
        let input = BufReader::with_capacity(BUFFER_BYTES, input.reader());
        XmlInput { file, reader: quick_xml::Reader::from_reader(Lines { input, lines: 0, token_bytes: 0 }), depth: 0 }
    }

    /// The next token. The buffer holds it, and nothing else.
    ///
    /// # Errors
    /// When the document cannot be read, is no XML, ends too early, or has a token that is too long.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>> {
        buffer.clear();
        self.reader.get_mut().token_bytes = 0;
        let event = self.reader.read_event_into(buffer);
        let event = event.map_err(|error| self.error(format!("no XML: {error}")))?;
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Eof if self.depth > 0 => return Err(self.error("the document ends before its elements do")),
            _ => {}
        }
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("more than {DEPTH_MAX} elements are within each other")));
        }
        Ok(event)
    }

    /// The line on which the last token ends, from 1.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().lines + 1
    }

    /// Bytes up to the end of the last token.
    pub(super) fn offset(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// An error at the last token.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{}:{}", self.file, self.line()), format!("{message} (byte {})", self.offset()))
    }
}

/// Counts lines, and ends a token that is too long.
struct Lines {
    input: BufReader<Box<dyn Read + Send>>,
    lines: u64,
    token_bytes: u64,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Lines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token_bytes > TOKEN_BYTES_MAX {
            return Err(io::Error::other(format!("a tag or a text is longer than {} MiB", TOKEN_BYTES_MAX >> 20)));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let consumed = self.input.buffer().get(..amount).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', consumed).count() as u64;
        self.token_bytes += amount as u64;
        self.input.consume(amount);
    }
}

/// The values of some attributes of a tag; none for those that it lacks.
///
/// # Errors
/// In words, what is wrong with an attribute.
pub(super) fn attributes<'e, const N: usize>(
    tag: &'e BytesStart<'_>,
    names: [&str; N],
) -> std::result::Result<[Option<Cow<'e, str>>; N], String> {
    let mut values = [const { None }; N];
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| format!("no XML: {error}"))?;
        let Some(number) = names.iter().position(|name| *name == attribute.key.0) else { continue };
        if let Some(value) = values.get_mut(number)
            && value.replace(unescaped(attribute)?).is_some()
        {
            return Err(format!("a tag has two attributes `{}`", names.get(number).copied().unwrap_or_default()));
        }
    }
    Ok(values)
}

fn unescaped(attribute: Attribute<'_>) -> std::result::Result<Cow<'_, str>, String> {
    if !attribute.value.bytes().any(|byte| matches!(byte, b'&' | b'\t' | b'\r' | b'\n')) {
        return Ok(attribute.value);
    }
    attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| format!("no XML: {error}"))
}
