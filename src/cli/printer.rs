//! The only way out: standard output is data, standard error is talk.

use std::fmt::Display;
use std::io::{self, Write};

use serde_json::Value;

use crate::error::{Error, Result};

/// How talkative the program is, and in which format summaries come.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    pub quiet: bool,
    pub json_summary: bool,
    /// Whether what people read is coloured.
    pub color: bool,
}

impl Printer {
    /// Writes data and a line end to standard output.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn data(self, text: impl Display) -> Result<()> {
        let mut out = io::stdout().lock();
        Ok(writeln!(out, "{text}").and_then(|()| out.flush())?)
    }

    /// Writes bytes to standard output, as they are.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn bytes(self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        Ok(out.write_all(bytes).and_then(|()| out.flush())?)
    }

    /// Writes a note to standard error, unless `--quiet` is set.
    pub fn talk(self, text: impl Display) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Ends a command that changes something: one line for people, or one JSON object on standard output.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn summary(self, text: impl Display, object: &Value) -> Result<()> {
        if self.json_summary {
            return self.data(object);
        }
        self.talk(text);
        Ok(())
    }

    /// Reports why something was not done.
    pub fn error(self, error: &Error) {
        eprintln!("error: {error}");
        if let Some(hint) = error.hint() {
            eprintln!("hint: {hint}");
        }
    }
}
