//! The summary of a command: its format, the flag that chooses it, and the seconds it reports.

use std::time::Instant as Stopwatch;

use clap::{Args, ValueEnum};

/// Format of the summary line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    Text,
    Json,
}

/// The flag of commands that print nothing but a summary.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct SummaryArguments {
    /// Format of the summary, like --summary
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<SummaryFormat>,
}

/// Seconds since an instant, to the millisecond.
#[must_use]
pub fn seconds(begun: Stopwatch) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}
