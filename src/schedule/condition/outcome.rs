//! What the evaluation of a condition gives.

use serde::{Deserialize, Serialize};

/// What a run found, for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionState {
    /// The exact number; nothing where nothing was measured, or no figure is asked for.
    pub figure: Option<String>,
    /// Whether the threshold was crossed, or data were missing, whether or not that was sent.
    pub held: bool,
    /// The last batch of the log.
    pub last_batch: i64,
}

/// Whether a run sends, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether the schedule is to send.
    pub holds: bool,
    pub state: ConditionState,
    /// One sentence without its full stop.
    pub text: String,
}

/// Whether something that holds is to be sent: at every run, or only when it begins to hold.
pub fn begins(held: bool, each_run: bool, before: Option<&ConditionState>) -> bool {
    held && (each_run || before.is_none_or(|before| !before.held))
}
