//! Which runs of a schedule are due, and which of those that were missed are carried out.

use super::file::{CatchUp, Schedule};
use crate::model::time::Instant;
use crate::store::run_log::DueRun;

/// How late a run may begin and still count as on time. A daemon that is started again within this time misses nothing.
pub const LATE_MS: i64 = 10 * 60_000;

/// The runs of a schedule after the instant up to which its pattern was read, up to now. Those that are not carried out
/// state why.
#[must_use]
pub fn due(schedule: &Schedule, read_until: Instant, now: Instant) -> Vec<DueRun> {
    let instants: Vec<Instant> = schedule.pattern.between(read_until, now, &schedule.zone).collect();
    let last = instants.last().copied();
    let skipped = |instant: Instant| match schedule.catch_up {
        CatchUp::All => None,
        CatchUp::Latest => (Some(instant) != last).then(|| "a later run was due at the same time".to_owned()),
        CatchUp::None => {
            (now.since_ms(instant) > LATE_MS).then(|| "no daemon was at work within ten minutes".to_owned())
        }
    };
    instants.into_iter().map(|scheduled_at| DueRun { scheduled_at, skipped: skipped(scheduled_at) }).collect()
}
