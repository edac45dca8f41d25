//! What a file of events holds, by the ending of its name.

use std::path::Path;

use crate::error::{Error, Result};

/// How events are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// JSON: one event a line, an array, or objects over several lines.
    Json,
    Csv,
    Tsv,
    Parquet,
}

/// Endings of files that hold events; all but Parquet also with one of [`COMPRESSED`] after it.
const ENDINGS: &[(&str, InputFormat)] = &[
    ("ndjson", InputFormat::Json),
    ("jsonl", InputFormat::Json),
    ("json", InputFormat::Json),
    ("csv", InputFormat::Csv),
    ("tsv", InputFormat::Tsv),
    ("parquet", InputFormat::Parquet),
];
const COMPRESSED: &[&str] = &["gz", "zst"];

impl InputFormat {
    /// The format that the ending of the file's name states, if it states one.
    ///
    /// # Errors
    /// When it states a compressed Parquet file, which is compressed inside already and must be read from its end.
    pub fn of_file(path: &Path) -> Result<Option<InputFormat>> {
        let inner = if has_compressed_ending(path) { path.with_extension("") } else { path.to_owned() };
        let format = ENDINGS.iter().find(|(known, _)| Some(*known) == ending(&inner)).map(|(_, format)| *format);
        if inner != path && format == Some(InputFormat::Parquet) {
            let error = Error::invalid(path.display().to_string(), "a compressed Parquet file cannot be read");
            return Err(error.with_hint("decompress it first; Parquet is compressed inside"));
        }
        Ok(format)
    }

    /// What the reader of the format expects, in words for an error.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            InputFormat::Json => "events as JSON",
            InputFormat::Csv => "a CSV table with a header line",
            InputFormat::Tsv => "a TSV table with a header line",
            InputFormat::Parquet => "a Parquet file",
        }
    }
}

/// Whether the file's name ends as compressed files do.
#[must_use]
pub fn has_compressed_ending(path: &Path) -> bool {
    ending(path).is_some_and(|ending| COMPRESSED.contains(&ending))
}

/// The endings of files of events, for a hint.
#[must_use]
pub fn endings_text() -> String {
    let endings: Vec<String> = ENDINGS.iter().map(|(ending, _)| format!("`.{ending}`")).collect();
    format!("files of events end in {}; all but the last also with `.gz` or `.zst`", endings.join(", "))
}

fn ending(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}
