//! Runs and deliveries, as the run log has them.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::model::time::Instant;

/// What a run is named by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    pub name: String,
    pub scheduled_at: Instant,
}

/// Texts that stand for the variants of an enumeration, in the log and in SQL.
macro_rules! names {
    ($kind:ident: $($variant:ident = $name:literal),+ $(,)?) => {
        impl $kind {
            /// The name in the log and in SQL.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),+ }
            }
        }

        impl FromSql for $kind {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($name => Ok($kind::$variant),)+
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }

        impl ToSql for $kind {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.name().into())
            }
        }
    };
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its instant has come.
    Due,
    Rendering,
    Delivering,
    /// Every delivery has arrived.
    Done,
    /// It could not be rendered, or a delivery has failed for good.
    Failed,
    /// Its instant passed while no daemon was at work, and the schedule does not catch up on it.
    Skipped,
    /// Its condition did not hold, so nothing was sent.
    Quiet,
}
names!(RunState: Due = "due", Rendering = "rendering", Delivering = "delivering", Done = "done", Failed = "failed",
    Skipped = "skipped", Quiet = "quiet");

impl RunState {
    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, RunState::Due | RunState::Rendering | RunState::Delivering)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub key: RunKey,
    pub state: RunState,
    /// Whether it was asked for by a command, not by its pattern.
    pub is_requested: bool,
    /// How often rendering was begun.
    pub attempts: u32,
    /// Before this, rendering is not tried again.
    pub next_attempt_at: Instant,
    pub started_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    /// The last batch of the log that it was answered from.
    pub last_batch: Option<i64>,
    /// JSON.
    pub summary: Option<String>,
    /// JSON: an array of what was rendered.
    pub outputs: String,
    /// JSON: what the condition found.
    pub condition: Option<String>,
    pub error: Option<String>,
}

/// Why something is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKind {
    /// What the schedule sends.
    Report,
    /// That a run or a delivery of it has failed.
    Failure,
}
names!(DeliveryKind: Report = "report", Failure = "failure");

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// For its next attempt.
    Waiting,
    /// Begun. Where the process that began it has ended, it is not known whether anything arrived.
    Attempting,
    Delivered,
    /// For good.
    Failed,
    /// A later run of the schedule has replaced what this one would have written.
    Superseded,
}
names!(DeliveryState: Waiting = "waiting", Attempting = "attempting", Delivered = "delivered", Failed = "failed",
    Superseded = "superseded");

impl DeliveryState {
    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, DeliveryState::Waiting | DeliveryState::Attempting)
    }
}

/// What a delivery is named by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    pub run: RunKey,
    pub kind: DeliveryKind,
    /// The name of the target.
    pub target: String,
    /// Empty where the target has one recipient.
    pub recipient: String,
}

/// A delivery that a run is to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    pub kind: DeliveryKind,
    pub target: String,
    pub recipient: String,
    /// JSON; of the run where there is none.
    pub summary: Option<String>,
    /// JSON; those of the run where there are none.
    pub outputs: Option<String>,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub key: DeliveryKey,
    pub state: DeliveryState,
    pub attempts: u32,
    /// Whether an attempt was made whose end is not known, so that the next one is marked as a repeat.
    pub is_repeat: bool,
    pub next_attempt_at: Instant,
    /// How long after the last attempt the next one is.
    pub delay_ms: i64,
    pub first_attempt_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub summary: Option<String>,
    pub outputs: Option<String>,
    /// What was done where.
    pub receipt: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}
