//! `schedule list`: the runs to come.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};

use super::check::{read, report};
use crate::cli::context::{CommandContext, Completion};
use crate::cli::output::OutputArguments;
use crate::error::Result;
use crate::export::Shown;
use crate::model::time::Instant;
use crate::schedule::file::{Schedule, ScheduleFile};
use crate::schedule::target::Target;

/// Prints the next runs of every schedule, the earliest first, each in the time of its schedule.
pub async fn list(context: &CommandContext, next: usize, output: &OutputArguments) -> Result<Completion> {
    let file = read(context)?;
    report(context, &file);
    let enabled = file.schedules.iter().filter(|schedule| schedule.enabled);
    let mut runs: Vec<(Instant, &Schedule)> = enabled.flat_map(|schedule| runs(schedule, context.now, next)).collect();
    runs.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.name.cmp(&other.name)));
    let texts = |of: &dyn Fn(&(Instant, &Schedule)) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(runs.iter().map(of)))
    };
    let local = |(instant, schedule): &(Instant, &Schedule)| {
        instant.to_timestamp().to_zoned(schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M%:z").to_string()
    };
    let sends = |schedule: &Schedule| {
        let all: Vec<String> = schedule.send.iter().map(ToString::to_string).collect();
        let when = schedule.when.as_ref().map(|when| format!(", if {when}")).unwrap_or_default();
        format!("{}{when}", all.join("; "))
    };
    let batch = RecordBatch::try_from_iter([
        ("name", texts(&|(_, schedule)| schedule.name.clone())),
        ("runs_at", texts(&local)),
        ("zone", texts(&|(_, schedule)| schedule.zone_name())),
        ("sends", texts(&|(_, schedule)| sends(schedule))),
        ("to", texts(&|(_, schedule)| places(&file, schedule))),
    ])?;
    output.print(Shown::new(context.settings.zone()?, "Schedules"), &batch)?;
    for schedule in file.schedules.iter().filter(|schedule| !schedule.enabled) {
        context.printer.talk(format!("note: schedule `{}` is not enabled", schedule.name));
    }
    Ok(if file.faults.is_empty() { Completion::Done } else { Completion::NeedsAttention })
}

/// The targets of a schedule, each with its place.
fn places(file: &ScheduleFile, schedule: &Schedule) -> String {
    let place = |name: &String| {
        let place = file.targets.get(name).map(Target::place).unwrap_or_default();
        format!("{name} ({place})")
    };
    schedule.to.iter().map(place).collect::<Vec<_>>().join("; ")
}

fn runs(schedule: &Schedule, now: Instant, count: usize) -> Vec<(Instant, &Schedule)> {
    let next = |last: &Instant| schedule.pattern.next_after(*last, &schedule.zone);
    std::iter::successors(next(&now), next).take(count).map(|instant| (instant, schedule)).collect()
}
