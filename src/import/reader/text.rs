//! Inputs of text: decompressed, decoded to UTF-8, and with their first bytes looked at.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use encoding_rs_io::DecodeReaderBytesBuilder;

use super::super::mapping::Mapping;
use crate::error::{Error, Result};
use crate::input::piece::without_mark;
use crate::input::signature::{self, BinaryTable};
use crate::input::source::{LocalFile, Source, open_source, peek};

/// Bytes that are looked at to find out a format.
const HEAD_BYTES: usize = 64 << 10;

/// An open input of text.
pub(in crate::import) struct TextInput {
    pub(in crate::import) file: Arc<str>,
    /// Its beginning, decoded.
    pub(in crate::import) head: Vec<u8>,
    input: Box<dyn Read + Send>,
}

/// A text that is read more than once: a file, or a copy of what comes through a pipe, which is removed with this value.
pub(super) struct TextFile<'m> {
    file: Arc<str>,
    source: Source,
    mapping: &'m Mapping,
    copy: Option<LocalFile>,
}

impl<'m> TextFile<'m> {
    /// Keeps what is needed to read an input again. What comes through a pipe is copied, decoded.
    ///
    /// # Errors
    /// When the input cannot be read, or not copied.
    pub(super) fn of(source: &Source, input: TextInput, mapping: &'m Mapping) -> Result<TextFile<'m>> {
        let file = input.file.clone();
        let is_pipe = source.may_never_end();
        let copy = is_pipe.then(|| LocalFile::of(&Source::Stdin, input.reader())).transpose();
        let copy = copy.map_err(|error| error.at(&*file))?;
        Ok(TextFile { file, source: source.clone(), mapping, copy })
    }

    /// The text from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(&self) -> Result<TextInput> {
        match &self.copy {
            Some(copy) => {
                let (input, _) = copy.open()?;
                Ok(TextInput { file: self.file.clone(), head: Vec::new(), input: Box::new(input) })
            }
            None => open(&self.source, self.mapping),
        }
    }
}

/// An input whose first bytes are known.
pub(super) struct Begun<'s> {
    source: &'s Source,
    file: Arc<str>,
    head: Vec<u8>,
    input: Box<dyn Read + Send>,
}

/// Opens an input, decompressed and decoded.
///
/// # Errors
/// When it cannot be read, or its first bytes are those of a format that is no text.
pub(in crate::import) fn open(source: &Source, mapping: &Mapping) -> Result<TextInput> {
    begin(source)?.text(mapping)
}

/// Opens an input, decompressed.
///
/// # Errors
/// When it cannot be read.
pub(super) fn begin(source: &Source) -> Result<Begun<'_>> {
    let file: Arc<str> = source.name().into();
    let cannot_read = |error: io::Error| Error::invalid(&*file, error.to_string());
    let (head, input) = peek(open_source(source)?, signature::HEAD_BYTES).map_err(cannot_read)?;
    Ok(Begun { source, file: file.clone(), head, input: Box::new(input) })
}

impl Begun<'_> {
    /// The format, where it is no text.
    pub(super) fn binary(&self) -> Option<BinaryTable> {
        BinaryTable::of(&self.head)
    }

    /// A file that is read at any place.
    ///
    /// # Errors
    /// When the input cannot be read, or not copied.
    pub(super) fn local(self) -> Result<LocalFile> {
        LocalFile::of(self.source, self.input)
    }

    /// The input decoded.
    ///
    /// # Errors
    /// When it cannot be read, or its first bytes are those of a format that is no text.
    pub(super) fn text(self, mapping: &Mapping) -> Result<TextInput> {
        let Begun { file, head, input, .. } = self;
        let beginning = without_mark(&head).trim_ascii_start();
        let mut encoding = mapping.input.encoding;
        if encoding.is_none() && is_xml(beginning) {
            encoding = declared_encoding(beginning);
        } else if encoding.is_none() && !has_mark(&head) {
            signature::check_foreign(&file, &head)?;
        }
        let decoder = DecodeReaderBytesBuilder::new()
            .encoding(encoding)
            .utf8_passthru(true)
            .strip_bom(true)
            .bom_override(true)
            .build(input);
        let (head, input) = peek(decoder, HEAD_BYTES).map_err(|error| Error::invalid(&*file, error.to_string()))?;
        Ok(TextInput { file: file.clone(), head, input: Box::new(input) })
    }
}

/// Whether a text begins as an event log in XML does.
pub(super) fn is_xml(head: &[u8]) -> bool {
    let head = head.get(..1024).unwrap_or(head).to_ascii_lowercase();
    let is_page = memchr::memmem::find(&head, b"<html").is_some();
    !is_page && [&b"<?xml"[..], b"<log>", b"<log/", b"<log "].iter().any(|start| head.starts_with(start))
}

/// The encoding that the first line of a document in XML states.
fn declared_encoding(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let line = head.strip_prefix(b"<?xml")?;
    let line = line.get(..memchr::memmem::find(line, b"?>")?)?;
    let after = line.get(memchr::memmem::find(line, b"encoding")? + b"encoding".len()..)?.trim_ascii_start();
    let quoted = after.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, label) = quoted.split_first()?;
    let encoding = encoding_rs::Encoding::for_label(label.split(|byte| byte == quote).next()?)?;
    // The line itself could be read, so that the document is not in UTF-16, whatever it states.
    (encoding != encoding_rs::UTF_16LE && encoding != encoding_rs::UTF_16BE).then_some(encoding)
}

fn has_mark(head: &[u8]) -> bool {
    let utf_32 = head.starts_with(b"\xff\xfe\0\0");
    !utf_32 && (head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff"))
}

impl TextInput {
    /// Its first byte that is not blank.
    pub(in crate::import) fn first_byte(&self) -> Option<u8> {
        self.beginning().first().copied()
    }

    /// Its beginning, without blanks.
    pub(super) fn beginning(&self) -> &[u8] {
        without_mark(&self.head).trim_ascii_start()
    }

    /// The input from its beginning.
    pub(in crate::import) fn reader(self) -> Box<dyn Read + Send> {
        self.input
    }

    /// The input after its first lines, and how many bytes these have.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(in crate::import) fn after_lines(self, lines: u64) -> Result<(Box<dyn Read + Send>, u64)> {
        let file = self.file;
        let mut input = BufReader::new(self.input);
        let mut skipped = 0;
        let mut line = Vec::new();
        for _ in 0..lines {
            line.clear();
            skipped +=
                input.read_until(b'\n', &mut line).map_err(|error| Error::invalid(&*file, error.to_string()))? as u64;
        }
        let rest: Vec<u8> = input.buffer().to_vec();
        let input = input.into_inner();
        Ok((Box::new(Cursor::new(rest).chain(input)), skipped))
    }
}
