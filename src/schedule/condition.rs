//! When a schedule sends: only if a figure crosses a threshold or changed, if data are missing, or if findings appeared.

mod figure;
mod file;
mod log_state;
mod outcome;

use std::fmt;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::sources::{Showing, Sources};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use figure::FigureCondition;
use file::ConditionFile;
use log_state::{Findings, Silence};
pub use outcome::{ConditionState, Evaluation};

/// When a schedule sends: `[schedule.when]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "ConditionFile")]
pub enum Condition {
    /// A figure is beyond a threshold, or is another one than at the run before.
    Figure(FigureCondition),
    /// The log has had no event for some time.
    Silence(Silence),
    /// Events that the log got since the run before have findings.
    Findings(Findings),
}

impl TryFrom<ConditionFile> for Condition {
    type Error = String;

    fn try_from(file: ConditionFile) -> std::result::Result<Condition, String> {
        match file.kind()? {
            "no_events_for" => Silence::of(file).map(Condition::Silence),
            "findings" => Findings::of(file).map(Condition::Findings),
            _ => FigureCondition::of(file).map(Condition::Figure),
        }
    }
}

/// The condition in a few words.
impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Figure(figure) => formatter.write_str(&figure.words()),
            Condition::Silence(silence) => formatter.write_str(&silence.words()),
            Condition::Findings(_) => formatter.write_str("findings appeared"),
        }
    }
}

impl Condition {
    /// Everything that is wrong with what is written at that place, such as `schedule "weekly"`. Nothing is asked.
    #[must_use]
    pub fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        match self {
            Condition::Figure(figure) => figure.check(sources, place),
            Condition::Silence(_) => Vec::new(),
            Condition::Findings(findings) => findings.check(place),
        }
    }

    /// Whether the schedule sends at an instant; `before` is what its run before found.
    ///
    /// # Errors
    /// Those that [`Condition::check`] gives, and when the store cannot be read.
    pub async fn evaluate(
        &self,
        sources: &Sources,
        scheduled_at: Instant,
        zone: &TimeZone,
        before: Option<&ConditionState>,
    ) -> Result<Evaluation> {
        let database = sources.database(Showing::PLAIN).await?;
        let mut found = match self {
            Condition::Figure(figure) => figure.evaluate(sources, &database, (scheduled_at, zone), before).await?,
            Condition::Silence(silence) => silence.evaluate(&database, scheduled_at, before).await?,
            Condition::Findings(findings) => findings.evaluate(&database, before).await?,
        };
        found.state.last_batch = database.pointer().last_batch;
        Ok(found)
    }
}
