//! `schedule history`: the runs that have been.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};

use crate::cli::context::{CommandContext, Completion};
use crate::cli::output::OutputArguments;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::model::time::{Instant, duration_text};
use crate::store::run_log::{Delivery, Run, RunKey, RunLog, RunState};

/// Prints the last runs, the latest first.
pub async fn history(
    context: &CommandContext,
    name: Option<&str>,
    limit: u32,
    output: &OutputArguments,
) -> Result<Completion> {
    let log = RunLog::existing(&context.store()?).await?;
    let Some(log) = log else {
        context.printer.talk("note: no schedule has run yet");
        return Ok(Completion::Done);
    };
    let runs = log.last_runs(name.map(str::to_owned), limit).await?;
    if runs.is_empty() {
        context.printer.talk("note: there is no such run");
    }
    let mut deliveries = Vec::new();
    for run in &runs {
        deliveries.push(delivered(&log.deliveries(&run.key).await?));
    }
    output.print(Shown::new(context.settings.zone()?, "History"), &rows(&runs, &deliveries)?)?;
    Ok(Completion::Done)
}

/// Prints how one run ended.
pub async fn one(context: &CommandContext, log: &RunLog, key: &RunKey) -> Result<Completion> {
    let run = log.run(key).await?;
    let run = run.ok_or_else(|| Error::refused("the run is not in the run log"))?;
    let deliveries = log.deliveries(key).await?;
    let object = serde_json::json!({
        "name": key.name, "scheduled_at": key.scheduled_at, "state": run.state.name(), "error": run.error,
        "deliveries": deliveries.iter().map(|delivery| serde_json::json!({
            "target": delivery.key.target, "recipient": delivery.key.recipient, "state": delivery.state.name(),
            "attempts": delivery.attempts, "repeat": delivery.is_repeat, "receipt": delivery.receipt, "error": delivery.error,
        })).collect::<Vec<_>>(),
    });
    // For people the daemon has reported each step.
    if context.printer.json_summary {
        context.printer.data(object)?;
    }
    Ok(match run.state {
        RunState::Done | RunState::Quiet | RunState::Skipped => Completion::Done,
        _ => Completion::NeedsAttention,
    })
}

fn rows(runs: &[Run], deliveries: &[String]) -> Result<RecordBatch> {
    let texts =
        |of: &dyn Fn(&Run) -> Option<String>| -> ArrayRef { Arc::new(runs.iter().map(of).collect::<StringArray>()) };
    let instants = |of: fn(&Run) -> Option<Instant>| -> ArrayRef {
        let values = runs.iter().map(|run| of(run).map(|instant| instant.0));
        Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
    };
    let took = |run: &Run| Some(duration_text(run.ended_at?.since_ms(run.started_at?)));
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("name", texts(&|run| Some(run.key.name.clone())), false),
        ("scheduled_at", instants(|run| Some(run.key.scheduled_at)), false),
        ("state", texts(&|run| Some(run.state.name().to_owned())), false),
        ("started_at", instants(|run| run.started_at), true),
        ("took", texts(&took), true),
        ("deliveries", Arc::new(StringArray::from_iter_values(deliveries)), false),
        ("error", texts(&|run| run.error.clone()), true),
    ])?)
}

/// `2 delivered, 1 failed`.
fn delivered(deliveries: &[Delivery]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for delivery in deliveries {
        let name = delivery.state.name();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
