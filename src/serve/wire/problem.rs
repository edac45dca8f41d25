//! What is wrong with a statement or a message, as clients of the wire get it: a code of five letters (SQLSTATE), a message,
//! and often a hint and a position in the text.

use std::fmt;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};

use crate::error::Error;

/// An error that a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the connection ends.
    pub is_fatal: bool,
    /// SQLSTATE.
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// The character of the statement's text at which it is, counted from 1.
    pub position: Option<usize>,
}

/// A result whose error is a [`Problem`].
pub type Answer<T> = std::result::Result<T, Problem>;

/// The client does not keep to the protocol.
pub const PROTOCOL: &str = "08P01";
/// A statement that would change something.
pub const READ_ONLY: &str = "25006";
/// A statement that is stopped.
pub const CANCELLED: &str = "57014";
/// The server stops.
pub const STOPPING: &str = "57P01";
/// A wrong password, or an unknown user.
pub const WRONG_PASSWORD: &str = "28P01";
/// A user who may not connect, or not like that.
pub const NOT_ALLOWED: &str = "28000";
/// Not SQL.
pub const SYNTAX: &str = "42601";
/// SQL that this server does not have.
pub const NOT_SUPPORTED: &str = "0A000";
/// More than a limit allows.
pub const TOO_MUCH: &str = "54000";
/// A value that cannot be read.
pub const WRONG_VALUE: &str = "22P02";

impl Problem {
    /// An error after which the connection goes on.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Problem {
        Problem { is_fatal: false, code, message: message.into(), hint: None, position: None }
    }

    /// An error that ends the connection.
    #[must_use]
    pub fn fatal(code: &'static str, message: impl Into<String>) -> Problem {
        Problem { is_fatal: true, ..Problem::new(code, message) }
    }

    /// The client does not keep to the protocol; what follows cannot be understood.
    #[must_use]
    pub fn protocol(message: impl Into<String>) -> Problem {
        Problem::fatal(PROTOCOL, message)
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// An error of this program, for a statement with that text.
    #[must_use]
    pub fn of(error: Error, code: &'static str, text: &str) -> Problem {
        let hint = error.hint().map(str::to_owned);
        match error {
            Error::Invalid { place, message, .. } => {
                Problem { position: position(&place, text), hint, ..Problem::new(code, message) }
            }
            other => Problem { hint, ..Problem::new(code, other.to_string()) },
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let code = match &error {
            Error::Engine(source) => code_of(source),
            Error::Invalid { .. } | Error::Refused { .. } => "42000",
            _ => "58000",
        };
        Problem::of(error, code, "")
    }
}

impl From<ArrowError> for Problem {
    fn from(error: ArrowError) -> Problem {
        Problem::from(Error::Engine(DataFusionError::from(error)))
    }
}

impl From<DataFusionError> for Problem {
    fn from(error: DataFusionError) -> Problem {
        Problem::from(Error::Engine(error))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

/// The code of an error of the engine.
#[must_use]
pub fn code_of(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::SQL(..) => SYNTAX,
        DataFusionError::SchemaError(problem, _) => match problem.as_ref() {
            SchemaError::FieldNotFound { .. } => "42703",
            SchemaError::AmbiguousReference { .. } => "42702",
            _ => "42701",
        },
        DataFusionError::Plan(message) if message.contains("not found") => "42P01",
        DataFusionError::Plan(message) if message.contains("Invalid function") => "42883",
        DataFusionError::Plan(_) => "42000",
        DataFusionError::NotImplemented(_) => NOT_SUPPORTED,
        DataFusionError::ResourcesExhausted(_) => "53200",
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero => "22012",
            ArrowError::CastError(_) | ArrowError::ParseError(_) => WRONG_VALUE,
            ArrowError::ArithmeticOverflow(_) => "22003",
            _ => "22000",
        },
        DataFusionError::Execution(_) => "22000",
        _ => "XX000",
    }
}

/// The character at a place such as `query:2:7`.
fn position(place: &str, text: &str) -> Option<usize> {
    let mut parts = place.rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let line: usize = parts.next()?.parse().ok()?;
    let before: usize = text.split('\n').take(line.checked_sub(1)?).map(|line| line.chars().count() + 1).sum();
    (column > 0 && line <= text.split('\n').count()).then_some(before + column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_text_is_a_position() {
        let text = "select a\n  from čase";
        assert_eq!(position("query:1:8", text), Some(8));
        assert_eq!(position("query:2:8", text), Some(17));
        for place in ["query", "query:0:1", "query:9:1", "query:1:0", "query:1"] {
            assert_eq!(position(place, text), None, "{place}");
        }
    }
}
