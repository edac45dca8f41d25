//! What happened in cases: the rows that the tables hold of them, read for many cases at once, as what people ask for.
//!
//! [`rows`] are read by column name; a [`Timeline`] holds the same as plain values, without any text that people wrote. The clocks
//! are explained by [`crate::explain`].

pub mod events;
mod facts;
pub mod object;
pub mod rows;
mod spans;
pub mod tables;

use datafusion::prelude::{col, lit};

use crate::error::Result;
use crate::explain;
use crate::explain::{CaseFacts, Clock, Explanation};
use crate::facts::tables::DESK_EVENTS;
use crate::model::desk::Desk;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::replay;
use events::Event;
use facts::CreationRow;
use rows::CaseRows;
pub use spans::{Band, Head, Resolution, Turn};

/// What happened in a case, and what its clocks measured.
///
/// Nothing of it changes when the case is deleted later, so that a report can be made again.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    pub case: String,
    /// Nothing of a case that was never created.
    pub head: Option<Head>,
    /// Times of unchanged status and assignment, in order.
    pub bands: Vec<Band>,
    pub turns: Vec<Turn>,
    pub resolutions: Vec<Resolution>,
    /// In order; of very many messages the last.
    pub events: Vec<Event>,
    /// Earlier messages that are not among the events.
    pub messages_hidden: usize,
    /// The instant up to which running clocks are shown; nothing of a case that was never created.
    pub as_of: Option<Instant>,
    pub clocks: Vec<Clock>,
}

/// A case with everything that explains it.
pub struct ExplainedCase {
    /// Its rows in every table.
    pub rows: CaseRows,
    pub timeline: Timeline,
    /// Why its numbers are what they are; nothing of a case that was never created.
    pub explanation: Option<Explanation>,
}

impl Timeline {
    /// The timelines of cases, in their order, as of that instant. Cases without events have none.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn read(database: &Database, cases: &[String], as_of: Option<Instant>) -> Result<Vec<Timeline>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let rows = CaseRows::read_shown(database, cases).await?;
        let desk = desk(database).await?;
        let known = cases.iter().zip(&rows).filter(|(_, rows)| rows.events.count() > 0);
        Ok(known.map(|(case, rows)| Timeline::of(case, rows, &desk, as_of)).collect())
    }

    fn of(case: &str, rows: &CaseRows, desk: &Desk, as_of: Option<Instant>) -> Timeline {
        let (events, messages_hidden) = events::of(rows);
        let facts = facts::of(rows);
        let as_of = facts.as_ref().map(|facts| as_of.unwrap_or(facts.created_at));
        let clocks = facts.as_ref().zip(as_of).map(|(facts, as_of)| explain::clocks(facts, desk, as_of));
        Timeline {
            case: case.to_owned(),
            head: rows.cases.iter().next().and_then(|row| Head::of(&row)),
            bands: rows.periods.iter().filter_map(|row| Band::of(&row)).collect(),
            turns: rows.turns.iter().filter_map(|row| Turn::of(&row)).collect(),
            resolutions: rows.resolutions.iter().filter_map(|row| Resolution::of(&row)).collect(),
            events,
            messages_hidden,
            as_of,
            clocks: clocks.unwrap_or_default(),
        }
    }
}

/// What explanations need of the desk. Who was there when, which most of its events are about, explains no clock.
///
/// # Errors
/// When the table cannot be read.
pub async fn desk(database: &Database) -> Result<Desk> {
    let presence = lit(EventType::UserPresenceChanged.name());
    replay::desk(database.desk_session().table(DESK_EVENTS.name).await?.filter(col("type").not_eq(presence))?).await
}

/// Why the numbers of a case are what they are, as of that instant or its creation; nothing of a case that was never created.
#[must_use]
pub fn explanation(rows: &CaseRows, desk: &Desk, as_of: Option<Instant>) -> Option<Explanation> {
    Some(explained(&facts::of(rows)?, &CreationRow::of(rows)?, desk, as_of))
}

impl ExplainedCase {
    /// The case, as of that instant or its creation; nothing of a case without events.
    ///
    /// # Errors
    /// When the facts or the events cannot be read.
    pub async fn read(database: &Database, case: &str, as_of: Option<Instant>) -> Result<Option<ExplainedCase>> {
        let rows = CaseRows::read(&database.session(), case).await?;
        if rows.events.count() == 0 {
            return Ok(None);
        }
        let desk = desk(database).await?;
        let timeline = Timeline::of(case, &rows, &desk, as_of);
        let explanation = match facts::of(&rows).zip(CreationRow::of(&rows)) {
            Some((facts, mut creation)) => {
                // Which words of the policies a text has does not depend on how people are shown.
                if database.people().pseudonyms.is_some() {
                    creation.read_text(&database.original_session(), case).await?;
                }
                Some(explained(&facts, &creation, &desk, as_of))
            }
            None => None,
        };
        Ok(Some(ExplainedCase { rows, timeline, explanation }))
    }
}

fn explained(facts: &CaseFacts, creation: &CreationRow, desk: &Desk, as_of: Option<Instant>) -> Explanation {
    explain::explain(facts, &creation.creation(), desk, as_of.unwrap_or(facts.created_at))
}
