//! The rows of a case as plain values: the case itself, its bands, turns and resolutions.

use super::rows::RowAt;
use crate::model::time::Instant;

/// A case as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: String,
    pub priority: String,
    pub assignee: Option<String>,
    pub customer: Option<String>,
    pub profile: Option<String>,
    pub platform: Option<String>,
    pub policy: Option<String>,
    pub created_at: Instant,
    pub first_response_at: Option<Instant>,
    pub resolved_at: Option<Instant>,
    pub deleted_at: Option<Instant>,
}

/// A time of unchanged status and assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    pub since: Instant,
    /// Nothing while it goes on.
    pub until: Option<Instant>,
    pub status: String,
    pub assignee: Option<String>,
    pub priority: String,
    /// The type of the event that began it.
    pub cause: Option<String>,
}

/// A question of the customer and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub n: i64,
    pub asked_at: Instant,
    pub answered_at: Option<Instant>,
    pub answered_by: Option<String>,
    /// When it ended without an answer.
    pub stopped_at: Option<Instant>,
    pub times: Times,
}

/// A resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub n: i64,
    pub status: String,
    pub resolved_at: Instant,
    pub by: Option<String>,
    pub reopened_at: Option<Instant>,
    pub times: Times,
}

/// How long a turn or a resolution took; nothing while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub elapsed_ms: Option<i64>,
    /// Without the time in which the case was resolved.
    pub active_ms: Option<i64>,
    /// The part of it in business hours.
    pub business_ms: Option<i64>,
}

impl Head {
    pub(super) fn of(row: &RowAt<'_>) -> Option<Head> {
        Some(Head {
            status: row.text("status")?,
            priority: row.text("priority")?,
            assignee: row.text("assignee"),
            customer: row.text("customer"),
            profile: row.text("profile"),
            platform: row.text("platform"),
            policy: row.text("policy"),
            created_at: row.instant("created_at")?,
            first_response_at: row.instant("first_response_at"),
            resolved_at: row.instant("resolved_at"),
            deleted_at: row.instant("deleted_at"),
        })
    }
}

impl Band {
    pub(super) fn of(row: &RowAt<'_>) -> Option<Band> {
        Some(Band {
            since: row.instant("since")?,
            until: row.instant("until"),
            status: row.text("status")?,
            assignee: row.text("assignee"),
            priority: row.text("priority")?,
            cause: row.text("cause"),
        })
    }
}

impl Turn {
    pub(super) fn of(row: &RowAt<'_>) -> Option<Turn> {
        Some(Turn {
            n: row.whole("n")?,
            asked_at: row.instant("asked_at")?,
            answered_at: row.instant("answered_at"),
            answered_by: row.text("answered_by"),
            stopped_at: row.instant("stopped_at"),
            times: Times::of(row),
        })
    }
}

impl Resolution {
    pub(super) fn of(row: &RowAt<'_>) -> Option<Resolution> {
        Some(Resolution {
            n: row.whole("n")?,
            status: row.text("status")?,
            resolved_at: row.instant("resolved_at")?,
            by: row.text("by"),
            reopened_at: row.instant("reopened_at"),
            times: Times::of(row),
        })
    }
}

impl Times {
    fn of(row: &RowAt<'_>) -> Times {
        Times {
            elapsed_ms: row.whole("elapsed_ms"),
            active_ms: row.whole("active_ms"),
            business_ms: row.whole("business_ms"),
        }
    }
}
