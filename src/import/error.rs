//! What can go wrong while importing, in words a person can act on: the file and line, what was found, what was expected, the next step.
//!
//! A row that cannot be read is no error: it is counted in the [`Tally`](super::Tally) and the import goes on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping file says something that cannot be understood.
    #[error("{file}, line {line}: {problem}{}", hint_line(.hint))]
    Mapping {
        /// The mapping file.
        file: Arc<str>,
        /// Line in the mapping file, from 1.
        line: usize,
        /// What was found and what was expected.
        problem: String,
        /// The next step, often the nearest known name.
        hint: Option<String>,
    },
    /// The mapping names a column that an input does not have.
    #[error("{input}, line 1: no column `{column}`, which {mapping}, line {line}, names{}", hint_line(.hint))]
    MissingColumn {
        /// The table without the column.
        input: Arc<str>,
        /// The column looked for.
        column: String,
        /// The mapping file.
        mapping: Arc<str>,
        /// Line in the mapping file that names the column.
        line: usize,
        /// The nearest column of the header.
        hint: Option<String>,
    },
    /// A record that never seems to end; reading on would hold the rest of the file in memory.
    #[error(
        "{input}, line {line}: the record that begins here is longer than {limit_mib} MiB\nhint: look for a quote that is never closed, or state another `quote` or `delimiter` in the mapping"
    )]
    RecordTooLong {
        /// The table.
        input: Arc<str>,
        /// Line on which the record begins.
        line: u64,
        /// The longest record that is read.
        limit_mib: u64,
    },
    /// A table without a header line.
    #[error("{input}: found an empty file, expected a table with a header line")]
    NoHeader {
        /// The table.
        input: Arc<str>,
    },
    /// A file or folder could not be used.
    #[error("cannot {doing} `{}`: {cause}", .path.display())]
    File {
        /// What was tried: `open`, `read`, `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The sort or join of the rows failed, most often for lack of memory or disk.
    #[error("cannot bring the rows into order: {cause}\nhint: give more memory or a spill folder with more room")]
    Engine {
        /// What the engine said.
        cause: String,
    },
    /// Whoever receives the events could not take one.
    #[error("{0}")]
    Receiver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ImportError {
    /// Wraps the error of whoever receives the events.
    pub fn receiver(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Receiver(error.into())
    }

    pub(super) fn engine(cause: impl std::fmt::Display) -> Self {
        Self::Engine { cause: cause.to_string() }
    }

    /// For `map_err`: names what was tried on which file.
    pub(super) fn file<'p>(doing: &'static str, path: &'p std::path::Path) -> impl FnOnce(std::io::Error) -> Self + 'p {
        move |cause| Self::File { doing, path: path.to_owned(), cause }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Error {
        let (error, hint) = match error {
            ImportError::Mapping { file, line, problem, hint } => {
                (Error::invalid(format!("{file}:{line}"), problem), hint)
            }
            ImportError::MissingColumn { input, column, mapping, line, hint } => {
                let message = format!("no column `{column}`, which {mapping}:{line} names");
                (Error::invalid(format!("{input}:1"), message), hint)
            }
            ImportError::RecordTooLong { input, line, limit_mib } => {
                let message = format!("the record that begins here is longer than {limit_mib} MiB");
                let hint =
                    "look for a quote that is never closed, or state another `quote` or `delimiter` in the mapping";
                (Error::invalid(format!("{input}:{line}"), message), Some(hint.to_owned()))
            }
            ImportError::NoHeader { input } => {
                (Error::invalid(&*input, "found an empty file, expected a table with a header line"), None)
            }
            ImportError::File { path, cause, .. } => return Error::file(&path)(cause),
            ImportError::Engine { cause } => {
                let hint = "give more memory, or a temporary folder with more room";
                (Error::refused(format!("cannot bring the rows into order: {cause}")), Some(hint.to_owned()))
            }
            ImportError::Receiver(error) => match error.downcast::<Error>() {
                Ok(error) => return *error,
                Err(error) => (Error::refused(error.to_string()), None),
            },
        };
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

fn hint_line(hint: &Option<String>) -> String {
    hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
}
