//! What can go wrong: one enumeration for the whole library.
//!
//! Texts are in lower case, without full stop; what the user wrote stands in backticks. The command line adds `error:`
//! and `hint:` and picks the exit code.

use std::path::{Path, PathBuf};

use datafusion::error::DataFusionError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user wrote is wrong: where, what, and what to do about it.
    #[error("{place}: {message}")]
    Invalid { place: String, message: String, hint: Option<String> },
    /// A wish that cannot be fulfilled, with the next step.
    #[error("{message}")]
    Refused { message: String, hint: Option<String> },
    /// A file could not be read or written.
    #[error("{}: {}", path.display(), io_text(.source))]
    File { path: PathBuf, source: std::io::Error },
    /// A table of the store could not be read or written.
    #[error("table `{table}`: {source}")]
    Table { table: String, source: Box<deltalake::DeltaTableError> },
    /// The query engine.
    #[error("{}", engine_text(.0))]
    Engine(#[from] DataFusionError),
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("{0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("{0}")]
    Frame(#[from] polars::error::PolarsError),
    #[error("writing JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Output(#[from] std::io::Error),
    /// A part of the program has stopped unexpectedly.
    #[error("a worker stopped: {0}")]
    Worker(String),
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Error::Worker(error.to_string())
    }
}

/// The result of what can go wrong.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something wrong at a place (`file:line`, a flag, a column).
    #[must_use]
    pub fn invalid(place: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Invalid { place: place.into(), message: message.into(), hint: None }
    }

    /// A wish that cannot be fulfilled.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Error {
        Error::Refused { message: message.into(), hint: None }
    }

    /// A TOML file that does not say what it may: file, line and, for an unknown key, the nearest one.
    #[must_use]
    pub fn toml(file: &Path, text: &str, error: &toml::de::Error) -> Error {
        let message = error.message().replace('\n', " ");
        // The library names what it found first, and then what it knows.
        let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>().into_iter();
        let hint = names.next().and_then(|written| {
            let known: Vec<String> = names.collect();
            did_you_mean(&written, known.iter().map(String::as_str))
        });
        let error = Error::invalid(place_in(file, text, error.span().map_or(0, |span| span.start)), message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_hint(self, text: impl Into<String>) -> Error {
        let hint = Some(text.into());
        match self {
            Error::Invalid { place, message, .. } => Error::Invalid { place, message, hint },
            Error::Refused { message, .. } => Error::Refused { message, hint },
            other => other,
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    }

    /// A table that could not be read or written; where a disk refused, what it said.
    pub fn table(table: &str) -> impl FnOnce(deltalake::DeltaTableError) -> Error + use<> {
        let table = table.to_owned();
        move |source| refused_by_disk(&source).unwrap_or_else(|| Error::Table { table, source: Box::new(source) })
    }

    /// Whether a file may be read, and no more.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Error::File { source, .. } if matches!(source.kind(), ReadOnlyFilesystem | PermissionDenied))
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Invalid { hint, .. } | Error::Refused { hint, .. } => hint.as_deref(),
            Error::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => Some("check the path; relative paths start at the current folder"),
                std::io::ErrorKind::PermissionDenied => Some("check who may read and write it"),
                std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::FileTooLarge
                | std::io::ErrorKind::QuotaExceeded => Some("make room; nothing that was acknowledged is lost"),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The error of our own that a library's error goes back to.
fn refused_by_disk(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<Error>()).find_map(|cause| match cause {
        Error::File { path, source } => {
            let copy = source.raw_os_error().map_or_else(|| source.kind().into(), std::io::Error::from_raw_os_error);
            Some(Error::File { path: path.clone(), source: copy })
        }
        _ => None,
    })
}

/// `file:line` of a byte of a file's text.
#[must_use]
pub fn place_in(file: &Path, text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or("").matches('\n').count() + 1;
    format!("{}:{line}", file.display())
}

/// What the system says, in lower case and without its number.
fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    lower_first(text)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The engine's message without the names of its own layers.
fn engine_text(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let prefixes =
        ["Error during planning: ", "SQL error: ", "Schema error: ", "Execution error: ", "External error: "];
    let text = prefixes.iter().fold(text.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    lower_first(text)
}

/// The candidate nearest to what was written, if any is near.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = candidates.into_iter().filter(|candidate| are_names(written, candidate));
    let score = |candidate: &&'a str| strsim::jaro_winkler(written, candidate);
    let best = candidates.max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(&best) > 0.75).then_some(best)
}

/// Brackets that a TOML text may open within each other.
const TOML_DEPTH_MAX: usize = 80;

/// What ends a bare word of TOML.
const BARE_ENDS: &[u8] = b".=,[]{} \t#\r\n";

/// Whether a TOML text can be parsed at all. The library's own bound on brackets within brackets can be got round with
/// brackets that nothing opened, and then its stack overflows.
///
/// # Errors
/// When more than 80 brackets are open at once.
pub fn check_toml_depth(text: &str) -> std::result::Result<(), toml::de::Error> {
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
            // A quote within a bare word begins no text.
            _ => after.iter().position(|byte| BARE_ENDS.contains(byte)).unwrap_or(after.len()),
        };
        if open.len() > TOML_DEPTH_MAX {
            let line =
                1 + memchr::memchr_iter(b'\n', text.as_bytes()).count() - memchr::memchr_iter(b'\n', rest).count();
            let message = format!("more than {TOML_DEPTH_MAX} brackets are open in line {line}");
            return Err(serde::de::Error::custom(message));
        }
        rest = after.get(passed..).unwrap_or_default();
    }
    Ok(())
}

/// Bytes of a quoted text behind its first quote, of one line or, between three quotes, of many.
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

/// Whether two texts are short enough to be names that somebody mistook. Comparing them takes as many steps as the product
/// of their lengths, which of whole paragraphs nobody wants to wait for.
#[must_use]
pub fn are_names(written: &str, candidate: &str) -> bool {
    written.len() <= NAME_BYTES_MAX && candidate.len() <= NAME_BYTES_MAX
}

/// The longest name that is compared with others.
const NAME_BYTES_MAX: usize = 256;

/// `did you mean ...?`, where something is near.
#[must_use]
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, candidates).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_that_toml_would_follow_without_end_are_refused_and_those_in_texts_are_not_counted() {
        let refused = |text: &str| check_toml_depth(text).map_err(|error| error.message().to_owned());
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

    #[test]
    fn paragraphs_are_not_compared_as_names_are() {
        assert_eq!(nearest("colour", ["color", "width"]), Some("color"));
        let long = "ab".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}
