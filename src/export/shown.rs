//! What people are shown beside the rows themselves.

use jiff::tz::TimeZone;

/// What a table and a workbook need to know about rows beside them.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The one in which instants are shown.
    pub zone: TimeZone,
    /// What the rows are.
    pub name: String,
    /// Columns of milliseconds beside those whose names end in `_ms`, which all are.
    pub durations: Vec<String>,
}

impl Shown {
    /// Rows whose durations are in columns that end in `_ms`.
    #[must_use]
    pub fn new(zone: TimeZone, name: &str) -> Shown {
        Shown { zone, name: name.to_owned(), durations: Vec::new() }
    }
}
