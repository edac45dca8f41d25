//! What can be typed after `metric`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::moment::MomentArguments;
use crate::cli::output::OutputArguments;
use crate::cli::people::PeopleArguments;

/// Arguments of `metric`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, next_help_heading = "Numbers")]
pub struct MetricArguments {
    #[command(subcommand)]
    pub(super) operation: Option<MetricOperation>,
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
    /// The metric; without one, the list of all
    #[arg(help_heading = "Arguments")]
    pub(super) name: Option<String>,
    /// Cut by these dimensions; `NAME@now` takes one as of the report
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    pub(super) by: Vec<String>,
    /// Cut into hours, days, weeks, months, quarters or years
    #[arg(long, value_name = "GRAIN")]
    pub(super) grain: Option<String>,
    /// 2026, 2026-Q1, 2026-02, 2026-W07, 2026-02-03, 2026-02-03..2026-02-10 (without the 10th), "last 7 days", "last full month", today, yesterday, "this week"
    #[arg(long, value_name = "RANGE")]
    pub(super) range: Option<String>,
    /// Aggregations: count, sum, mean, median, p0 to p100, min, max, share, per_key, per_day, hours; of stocks also
    /// opening and closing
    #[arg(long, value_name = "AGG", value_delimiter = ',')]
    pub(super) show: Vec<String>,
    /// Only contributions with that value of a dimension; `DIM=A,B` one of several, `DIM!=A` all others, `DIM=` those without
    /// one. `"DIM>=A"`, `>`, `<`, `<=` and `DIM=A..B` (to before B) compare what has an order: `value` (`4h`, `2`), instants and
    /// counts of the case as of the report (`created_at`, `resolved_at`, `messages_sent`, `reopenings`), fields (`field.amount`)
    #[arg(long = "where", value_name = "DIM=VALUE")]
    pub(super) filters: Vec<String>,
    /// Beside each number that of an earlier range, and the change: `previous` is the whole week, month, quarter or year
    /// before, else as many days; `year` the same range a year earlier
    #[arg(long, value_name = "WITH", value_delimiter = ',')]
    pub(super) compare: Vec<String>,
    /// The cases behind the number, one contribution a row
    #[arg(long)]
    pub(super) cases: bool,
    /// Order the rows by these columns, the smallest first, or the largest with `-` (`--sort -count`); what has no value
    /// comes last
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', allow_hyphen_values = true)]
    pub(super) sort: Vec<String>,
    /// Show the first N rows; what the others have is in the caption
    #[arg(long, value_name = "N", value_parser = number_of_rows)]
    pub(super) limit: Option<usize>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// What can be done for a metric of the project.
#[derive(Debug, Subcommand)]
pub(super) enum MetricOperation {
    /// Write a commented file of a metric of your own into queries/
    New {
        /// Its name: small letters, digits and `_`
        name: String,
    },
    /// Check a metric's file, and show its first contributions
    Check { file: PathBuf },
}

impl MetricArguments {
    /// The flags that were typed and have a meaning for numbers alone.
    pub(super) fn of_numbers(&self) -> Vec<&'static str> {
        let flags = [
            ("--by", !self.by.is_empty()),
            ("--grain", self.grain.is_some()),
            ("--show", !self.show.is_empty()),
            ("--where", !self.filters.is_empty()),
            ("--compare", !self.compare.is_empty()),
            ("--cases", self.cases),
            ("--sort", !self.sort.is_empty()),
            ("--limit", self.limit.is_some()),
            ("--as-of, --known-at", !self.moment.is_empty()),
            ("--anonymize", self.people.anonymize),
            ("--with-text", self.people.with_text),
            ("--as-user", self.people.as_user.is_some()),
        ];
        flags.into_iter().filter(|(_, is_typed)| *is_typed).map(|(flag, _)| flag).collect()
    }
}

fn number_of_rows(typed: &str) -> Result<usize, &'static str> {
    typed.parse().ok().filter(|rows| *rows > 0).ok_or("write a whole number of rows, 1 or more")
}
