//! How a case is shown to people.

use jiff::tz::TimeZone;

use super::text::Ink;

/// How the case is shown.
pub struct Style {
    pub zone: TimeZone,
    pub ink: Ink,
    pub with_text: bool,
    /// Long ledgers are not folded.
    pub full: bool,
}
