//! The flags that choose the moment as of which facts are read.

use clap::Args;

use super::settings::Settings;
use crate::error::Result;
use crate::query::moment::Moment;

/// As of when facts are read.
#[derive(Clone, Debug, Default, Args)]
pub struct MomentArguments {
    /// Read what had happened by then: a day (its beginning) or an instant
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// Read what the log held then
    #[arg(long, value_name = "K")]
    known_at: Option<String>,
}

impl MomentArguments {
    /// The moment that was typed.
    ///
    /// # Errors
    /// When a flag is neither a day nor an instant.
    pub fn read(&self, settings: &Settings) -> Result<Moment> {
        let read =
            |flag, typed: &Option<String>| typed.as_deref().map(|typed| settings.instant(flag, typed)).transpose();
        Ok(Moment {
            as_of: read("--as-of", &self.as_of)?,
            known_at: read("--known-at", &self.known_at)?,
            last_batch: None,
        })
    }

    /// Whether no moment was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_of.is_none() && self.known_at.is_none()
    }
}
