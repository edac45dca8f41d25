//! Inputs of text: decompressed, decoded to UTF-8, and with their first bytes looked at.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use encoding_rs_io::DecodeReaderBytesBuilder;

use super::super::mapping::Mapping;
use crate::error::{Error, Result};
use crate::input::piece::without_mark;
use crate::input::signature;
use crate::input::source::{Source, open_source, peek};

/// Bytes that are looked at to find out a format.
const HEAD_BYTES: usize = 64 << 10;

/// An open input of text.
pub(super) struct TextInput {
    pub(super) file: Arc<str>,
    /// Its beginning, decoded.
    pub(super) head: Vec<u8>,
    input: Box<dyn Read + Send>,
}

/// Opens an input, decompressed and decoded.
///
/// # Errors
/// When it cannot be read, or its first bytes are those of a format that is no text.
pub(super) fn open(source: &Source, mapping: &Mapping) -> Result<TextInput> {
    let file: Arc<str> = source.name().into();
    let cannot_read = |error: io::Error| Error::invalid(&*file, error.to_string());
    let (head, input) = peek(open_source(source)?, signature::HEAD_BYTES).map_err(cannot_read)?;
    if mapping.input.encoding.is_none() && !has_mark(&head) {
        signature::check_foreign(&file, &head)?;
    }
    let decoder = DecodeReaderBytesBuilder::new()
        .encoding(mapping.input.encoding)
        .utf8_passthru(true)
        .strip_bom(true)
        .bom_override(true)
        .build(input);
    let (head, input) = peek(decoder, HEAD_BYTES).map_err(cannot_read)?;
    Ok(TextInput { file: file.clone(), head, input: Box::new(input) })
}

fn has_mark(head: &[u8]) -> bool {
    let utf_32 = head.starts_with(b"\xff\xfe\0\0");
    !utf_32 && (head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff"))
}

impl TextInput {
    /// Its first byte that is not blank.
    pub(super) fn first_byte(&self) -> Option<u8> {
        without_mark(&self.head).trim_ascii_start().first().copied()
    }

    /// The input from its beginning.
    pub(super) fn reader(self) -> Box<dyn Read + Send> {
        self.input
    }

    /// The input after its first lines, and how many bytes these have.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn after_lines(self, lines: u64) -> Result<(Box<dyn Read + Send>, u64)> {
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
