//! What can go wrong: one enumeration for the whole library.
//!
//! Messages are in lower case, without full stop; text of the user is quoted with backticks. The command line adds `error:`
//! and `hint:` and picks the exit code.

use std::path::{Path, PathBuf};

use datafusion::error::DataFusionError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user wrote is wrong: where, what, and what to do about it.
    #[error("{place}: {message}")]
    Invalid { place: String, message: String, hint: Option<String> },
    /// A request that cannot be carried out, with the next step.
    #[error("{message}")]
    Refused { message: String, hint: Option<String> },
    /// A file could not be read or written.
    #[error("{}: {}", path.display(), io_text(.source))]
    File { path: PathBuf, source: std::io::Error },
    /// Another machine has written to the same part of the store since it was read. Nothing of this was written.
    #[error("another machine has written to {place} at the same time")]
    Overtaken { place: String },
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

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something wrong at a place (`file:line`, a flag, a column).
    #[must_use]
    pub fn invalid(place: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Invalid { place: place.into(), message: message.into(), hint: None }
    }

    /// A request that cannot be carried out.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Error {
        Error::Refused { message: message.into(), hint: None }
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

    /// Adds the next step, where there is one.
    #[must_use]
    pub fn with_any_hint(self, hint: Option<String>) -> Error {
        match hint {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// The same error at the place where the user wrote what is wrong.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Error {
        match self {
            Error::Invalid { message, hint, .. } => Error::Invalid { place: place.into(), message, hint },
            other => other,
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    }

    /// A table that could not be read or written; where the cause is an error of the file system, that error.
    pub fn table(table: &str) -> impl FnOnce(deltalake::DeltaTableError) -> Error + use<> {
        let table = table.to_owned();
        move |source| file_error_in(&source).unwrap_or_else(|| Error::Table { table, source: Box::new(source) })
    }

    /// Whether a file may be read but not written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Error::File { source, .. } if matches!(source.kind(), ReadOnlyFilesystem | PermissionDenied))
    }

    /// Whether another machine has written to the same part of the store meanwhile.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        matches!(self, Error::Overtaken { .. })
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Invalid { hint, .. } | Error::Refused { hint, .. } => hint.as_deref(),
            Error::File { path, source } => match source.kind() {
                std::io::ErrorKind::NotFound if path.to_string_lossy().contains("://") => Some(
                    "check that the bucket exists; `casebook store check` names the objects that are missing in it",
                ),
                std::io::ErrorKind::NotFound => Some("check the path; relative paths start at the current folder"),
                std::io::ErrorKind::PermissionDenied => Some("check who may read and write it"),
                std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::FileTooLarge
                | std::io::ErrorKind::QuotaExceeded => Some("free some space; nothing that was acknowledged is lost"),
                _ => None,
            },
            Error::Overtaken { .. } => Some("try again; nothing of this was written"),
            _ => None,
        }
    }
}

/// The [`Error::File`] among the causes of a library's error.
fn file_error_in(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<Error>()).find_map(|cause| match cause {
        Error::File { path, source } => {
            let copy = source.raw_os_error().map_or_else(|| source.kind().into(), std::io::Error::from_raw_os_error);
            Some(Error::File { path: path.clone(), source: copy })
        }
        _ => None,
    })
}

/// The message of the operating system, in lower case and without its number.
fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    lower_first(text)
}

/// A message of a library with its first letter in lower case; the name of a protocol or language stays as it is.
#[must_use]
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next().filter(|_| !letters.clone().next().is_some_and(char::is_uppercase)) {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}

/// The engine's message without the names of its own layers.
fn engine_text(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let prefixes = [
        "Error during planning: ",
        "SQL error: ",
        "Schema error: ",
        "Execution error: ",
        "External error: ",
        "Resources exhausted: ",
    ];
    let text = prefixes.iter().fold(text.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    lower_first(text)
}
