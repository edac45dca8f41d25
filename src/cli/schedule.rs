//! `schedule`: runs of schedules: carried out, listed, checked.

mod check;
mod history;
mod list;
mod progress;
mod setup;

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{CommandContext, Completion, wall_clock};
use super::output::OutputArguments;
use super::signals;
use crate::error::Result;
use crate::model::time::Instant;
use crate::schedule::daemon::{self, Clock, Until};
use crate::store::objects::Store;
use crate::store::run_log::{RunKey, RunLog, RunState};

/// Arguments of `schedule`.
#[derive(Debug, Args)]
pub struct ScheduleArguments {
    #[command(subcommand)]
    operation: Operation,
}

/// What can be done with schedules.
#[derive(Debug, Subcommand)]
enum Operation {
    /// Carry schedules out until stopped, and keep the facts up to date
    Run {
        /// Carry out what is due now, and end: for crontab, where there is no daemon
        #[arg(long)]
        drain: bool,
        /// Take this for the present, with --drain [default: the wall clock]
        #[arg(long, value_name = "T", requires = "drain")]
        at: Option<String>,
    },
    /// Carry one schedule out, and wait until its run has ended
    Once {
        name: String,
        /// The instant that the run is named by, and to which its ranges relate [default: now]
        #[arg(long, value_name = "T")]
        at: Option<String>,
    },
    /// The next runs in local time, with what each sends where
    List {
        /// Runs of each schedule
        #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        next: u16,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// The runs that have been, the latest first
    History {
        /// Only of this schedule
        name: Option<String>,
        /// Show the last N runs
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Find what is wrong with the file of schedules, before a run does
    Check {
        /// Connect to servers, too; nothing is sent
        #[arg(long)]
        connect: bool,
    },
}

/// Carries out what was typed.
pub async fn schedule(context: &CommandContext, arguments: &ScheduleArguments) -> Result<Completion> {
    match &arguments.operation {
        Operation::Run { drain, at } => run(context, *drain, at.as_deref()).await,
        Operation::Once { name, at } => once(context, name, at.as_deref()).await,
        Operation::List { next, output } => list::list(context, usize::from(*next), output).await,
        Operation::History { name, limit, output } => history::history(context, name.as_deref(), *limit, output).await,
        Operation::Check { connect } => check::check(context, *connect).await,
    }
}

async fn run(context: &CommandContext, drain: bool, at: Option<&str>) -> Result<Completion> {
    context.existing_log().await?;
    let at = at.map(|typed| context.settings.instant("--at", typed)).transpose()?;
    let clock: Clock = match at {
        Some(at) => Arc::new(move || at),
        None => Arc::new(wall_clock),
    };
    let setup = setup::setup(context, clock)?;
    let (store, begun) = (setup.store.clone(), context.now);
    let until = if drain { Until::NothingToDo } else { Until::Stopped };
    daemon::run(setup, until, signals::end()?).await?;
    if !drain {
        return Ok(Completion::Done);
    }
    summary(context, &store, at.unwrap_or(begun)).await
}

/// What the runs that ended during this command came to.
async fn summary(context: &CommandContext, store: &Store, begun: Instant) -> Result<Completion> {
    let runs = RunLog::open(store).await?.last_runs(None, u32::MAX).await?;
    let ended = |state: RunState| {
        let of_state = runs.iter().filter(|run| run.state == state);
        of_state.filter(|run| run.ended_at.is_some_and(|ended| ended >= begun)).count()
    };
    let open = runs.iter().filter(|run| !run.state.is_final()).count();
    let (done, quiet, failed, skipped) =
        (ended(RunState::Done), ended(RunState::Quiet), ended(RunState::Failed), ended(RunState::Skipped));
    let object = json!({"done": done, "quiet": quiet, "failed": failed, "skipped": skipped, "open": open});
    let text =
        format!("{done} runs done, {quiet} without anything to send, {failed} failed, {skipped} skipped, {open} open");
    context.printer.summary(text, &object)?;
    Ok(if failed > 0 || open > 0 { Completion::NeedsAttention } else { Completion::Done })
}

async fn once(context: &CommandContext, name: &str, at: Option<&str>) -> Result<Completion> {
    context.existing_log().await?;
    check::read(context)?.find(name)?;
    let scheduled_at = match at {
        Some(typed) => context.settings.instant("--at", typed)?,
        None => context.now,
    };
    let key = RunKey { name: name.to_owned(), scheduled_at };
    let setup = setup::setup(context, Arc::new(wall_clock))?;
    let log = RunLog::open(&setup.store).await?;
    let is_new = log.request(key.clone(), context.now).await?;
    let has_ended = !is_new && log.run(&key).await?.is_some_and(|run| run.state.is_final());
    if has_ended {
        context.printer.talk("note: this run has ended before; nothing is sent again");
    } else {
        daemon::run(setup, Until::Ended(key.clone()), signals::end()?).await?;
    }
    history::one(context, &log, &key).await
}
