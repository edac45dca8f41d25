//! What is asked of the generator, and what it reports.

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many cases are created in the period.
    pub cases: u64,
    /// Another seed gives another desk of the same kind.
    pub seed: u64,
    /// How many days before 2026-06-01T00:00:00Z the period begins; 1 to 20,000, what is outside counts as the nearest.
    pub days: u32,
}

impl Default for Plan {
    /// A quarter of a small desk: 2,000 cases in 91 days.
    fn default() -> Self {
        Self { cases: 2_000, seed: 1, days: 91 }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many events, one a line.
    pub events: u64,
    /// How many of them are creations of a case.
    pub cases: u64,
    /// The instant of the first event, in milliseconds since 1970.
    pub first: i64,
    /// The instant of the last event, in milliseconds since 1970.
    pub last: i64,
}
