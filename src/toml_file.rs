//! TOML files that users write: their errors with file and line, and texts that no parser should get.

use std::path::Path;

use crate::error::Error;
use crate::spelling::did_you_mean;

/// Brackets that a text may open within each other.
const DEPTH_MAX: usize = 80;

/// What ends a bare word of TOML.
const BARE_ENDS: &[u8] = b".=,[]{} \t#\r\n";

/// The error of a text that cannot be parsed: file, line and, for an unknown key, the nearest one.
#[must_use]
pub fn error(file: &Path, text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().replace('\n', " ");
    // The library names the key that it found first, and then those that it knows.
    let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>().into_iter();
    let hint = names.next().and_then(|written| {
        let known: Vec<String> = names.collect();
        did_you_mean(&written, known.iter().map(String::as_str))
    });
    Error::invalid(position(file, text, error.span().map_or(0, |span| span.start)), message).with_any_hint(hint)
}

/// `file:line` of a byte of a file's text.
#[must_use]
pub fn position(file: &Path, text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or("").matches('\n').count() + 1;
    format!("{}:{line}", file.display())
}

/// Refuses a text that would overflow the stack of the parser: its own limit of brackets within brackets does not count
/// right where brackets are closed that were never opened.
///
/// # Errors
/// When more than 80 brackets are open at once.
pub fn check_depth(text: &str) -> std::result::Result<(), toml::de::Error> {
    let mut open = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let passed = match byte {
            b'[' | b'{' => {
                open.push(if *byte == b'[' { b']' } else { b'}' });
                0
            }
            b']' | b'}' => {
                open.pop_if(|closing| closing == byte);
                0
            }
            b'#' => memchr::memchr2(b'\r', b'\n', after).unwrap_or(after.len()),
            b'"' | b'\'' => text_length(*byte, after),
            byte if BARE_ENDS.contains(byte) => 0,
            // A quote within a bare word does not begin a text.
            _ => after.iter().position(|byte| BARE_ENDS.contains(byte)).unwrap_or(after.len()),
        };
        if open.len() > DEPTH_MAX {
            let line =
                1 + memchr::memchr_iter(b'\n', text.as_bytes()).count() - memchr::memchr_iter(b'\n', rest).count();
            let message = format!("more than {DEPTH_MAX} brackets are open in line {line}");
            return Err(serde::de::Error::custom(message));
        }
        rest = after.get(passed..).unwrap_or_default();
    }
    Ok(())
}

/// Bytes of a quoted text after its first quote, on one line or, between three quotes, on several.
fn text_length(quote: u8, after: &[u8]) -> usize {
    let triple = [quote; 3];
    let is_long = after.starts_with(&[quote; 2]);
    let mut at = if is_long { 2 } else { 0 };
    while let Some(byte) = after.get(at) {
        match byte {
            b'\\' if quote == b'"' && matches!(after.get(at + 1), Some(b'"' | b'\\')) => at += 1,
            b'\n' if !is_long => return at,
            byte if *byte == quote && !is_long => return at + 1,
            byte if *byte == quote && after.get(at..).is_some_and(|rest| rest.starts_with(&triple)) => {
                // Up to two quotes before the last three belong to the text.
                let quotes = after.get(at..).unwrap_or_default().iter().take(5).take_while(|byte| **byte == quote);
                return at + quotes.count();
            }
            _ => {}
        }
        at += 1;
    }
    after.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_too_deep_for_the_parser_are_refused_and_those_in_texts_are_not_counted() {
        let refused = |text: &str| check_depth(text).map_err(|error| error.message().to_owned());
        let unopened = format!("x = 1\na = {{{}", "[[b]] a = {".repeat(20_000));
        assert_eq!(refused(&unopened), Err("more than 80 brackets are open in line 2".to_owned()));
        let brackets = "[{".repeat(100);
        let spellings = [
            format!("a = \"{brackets}\\\"{brackets}\""),
            format!("a = '{brackets}\\'\n[b]"),
            format!("a = \"\"\"\"\n{brackets}\"\"\"\"\n# {brackets}\n[b]"),
            format!("a = \'\'\'{brackets}\n'\'\'\'\'"),
            "a = [[], []]\n[[b]]\n".repeat(100),
        ];
        for text in spellings {
            assert_eq!(refused(&text), Ok(()), "{text}");
        }
        assert!(refused(&format!("a = \"\n{brackets}")).is_err());
        assert!(refused(&format!("a = x\"{brackets}\"")).is_err());
    }
}
