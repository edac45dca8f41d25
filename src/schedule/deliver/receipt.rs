//! How an attempt at a delivery ends: with a receipt or a failure.

use std::time::Duration;

use crate::error::{Error, lower_first};
use crate::spelling::shortened;

/// Letters of a reason.
const REASON_LETTERS_MAX: usize = 500;

/// The sentence that marks a repeat for people.
pub const REPEAT_NOTE: &str = "This may be a repeat: an earlier attempt to deliver it may have reached you.";

/// A delivery that has been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What was done where, for the run log. It holds no secret.
    pub text: String,
    /// Whether everything was there before, so that nothing was sent.
    pub was_there: bool,
}

/// What is known of an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    NotDelivered,
    /// It may have been received.
    Unknown,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One line in lower case: where, what was found, and what to do. It holds no secret.
    pub reason: String,
    pub certainty: Certainty,
    /// Whether another attempt would end in the same way.
    pub is_final: bool,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// An attempt of which nothing was received, and after which another may succeed.
    pub fn for_now(reason: impl AsRef<str>) -> Failure {
        Failure {
            reason: line(reason.as_ref()),
            certainty: Certainty::NotDelivered,
            is_final: false,
            retry_after: None,
        }
    }

    /// An attempt of which nothing was received, as with every other.
    pub fn for_good(reason: impl AsRef<str>) -> Failure {
        Failure { is_final: true, ..Failure::for_now(reason) }
    }

    /// An attempt that may have been received.
    pub fn unknown(reason: impl AsRef<str>) -> Failure {
        Failure { certainty: Certainty::Unknown, ..Failure::for_now(reason) }
    }

    /// An attempt that failed before anything was sent, by an error that a person can repair.
    #[must_use]
    pub fn of(error: &Error) -> Failure {
        Failure::for_now(match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        })
    }
}

/// A text on one line, in lower case at its beginning, and not too long.
#[must_use]
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    shortened(&words.join(" "), REASON_LETTERS_MAX)
}

/// What caused an error in the end, in the words of the library or system that met it first.
#[must_use]
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let root = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error).to_string();
    lower_first(root.split(" (os error").next().unwrap_or(&root).trim_end_matches('.'))
}
