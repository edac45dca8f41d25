//! `apply`: shows how the desk differs from what a file states and, with `--yes`, appends events that change it.

use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::{Value, json};

use super::compact;
use super::context::{CommandContext, Completion};
use super::ingest::conclude;
use super::summary::SummaryArguments;
use crate::apply::change::{Change, ChangeKind};
use crate::apply::file::Desired;
use crate::apply::plan::Plan;
use crate::apply::state::DeskEvent;
use crate::apply::{desk_events, file, show};
use crate::error::{Error, Result};
use crate::input::piece::{Piece, Take};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// TOML file that states calendars, settings, policies, skills, fields, groups, users, profiles
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Append the events [default: only show the difference]
    #[arg(long)]
    yes: bool,
    /// Show the difference and exit with 1 if there is one
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// When the change takes effect: 2026-04-01, or 2026-04-01T08:00:00+02:00 [default: now]
    #[arg(long, value_name = "T")]
    at: Option<String>,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Shows what a file would change and, with `--yes`, appends the events that change it.
pub async fn apply(context: &CommandContext, arguments: &ApplyArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let path = arguments.file.as_path();
    let at = arguments.at.as_deref().map_or(Ok(context.now), |typed| context.settings.instant("--at", typed))?;
    let desired = read_file(context, path)?;
    let plan = Plan::new(&desired, &read_events(context).await?, at);
    let lines = plan.lines(path)?;
    if !context.printer.json_summary && !lines.is_empty() {
        context.printer.data(show::text(&plan))?;
    }
    for warning in &plan.warnings {
        context.printer.talk(format!("warning: {}:{}: {}", path.display(), warning.line, warning.text));
    }
    let bytes = lines.iter().map(|line| line.json.len() as u64).sum();
    if lines.is_empty() || !arguments.yes {
        return leave(context, arguments, &desired, &plan);
    }
    context.printer.talk(in_force(context, &plan)?);
    let mut log = context.log().await?;
    let feed = move |take: &mut Take<'_>| take(Piece::Lines { number: 0, lines }).map(|()| bytes);
    let summary = log.ingest(context.ingest_options(), feed).await?;
    compact::after_ingestion(context, &mut log).await;
    conclude(context, &summary, begun, &about(&plan, true))
}

/// Reads the file. Several errors are printed here, and the one that is returned gives their number.
fn read_file(context: &CommandContext, path: &Path) -> Result<Vec<Desired>> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    file::read(path, &text).map_err(|errors| {
        let count = errors.len();
        errors.iter().take(if count == 1 { 0 } else { count }).for_each(|error| context.printer.error(error));
        match errors.into_iter().next() {
            Some(only) if count == 1 => only,
            _ => Error::refused(format!("{} has {count} errors; nothing was applied", path.display())),
        }
    })
}

/// The events about the desk; none where there is no log yet.
async fn read_events(context: &CommandContext) -> Result<Vec<DeskEvent>> {
    match context.has_log().await? {
        true => desk_events::read(&context.existing_log().await?, context.settings.resources()).await,
        false => Ok(Vec::new()),
    }
}

/// Ends without writing, because nothing is to be changed or the user did not ask for it.
fn leave(context: &CommandContext, arguments: &ApplyArguments, desired: &[Desired], plan: &Plan) -> Result<Completion> {
    let object = about(plan, false);
    if plan.changes.is_empty() {
        let things = match desired.len() {
            0 => "the file states nothing".to_owned(),
            1 => "the one thing in the file is already as stated".to_owned(),
            count => format!("all {count} things in the file are already as stated"),
        };
        context.printer.summary(format!("nothing to change: {things}"), &object)?;
        return Ok(Completion::Done);
    }
    context.printer.summary(format!("{}; nothing was written", in_force(context, plan)?), &object)?;
    if arguments.dry_run {
        return Ok(Completion::NeedsAttention);
    }
    context.printer.talk("hint: add `--yes` to carry it out");
    Ok(Completion::Done)
}

/// `2 new, 1 changed, in force from 2026-04-01 00:00:00 Europe/Prague`.
fn in_force(context: &CommandContext, plan: &Plan) -> Result<String> {
    let count = |how: ChangeKind| plan.changes.iter().filter(|change| change.how == how).count();
    let counts = [ChangeKind::New, ChangeKind::Changed, ChangeKind::Removed].map(|how| (count(how), how.name()));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let zone = context.settings.zone()?;
    let local = plan.at.to_local(&zone).strftime("%Y-%m-%d %H:%M:%S");
    Ok(format!("{}, in force from {local} {}", counts.join(", "), context.settings.time_zone.value))
}

/// The plan for machines.
fn about(plan: &Plan, applied: bool) -> Value {
    let changes: Vec<Value> = plan.changes.iter().map(change).collect();
    let warnings: Vec<Value> =
        plan.warnings.iter().map(|warning| json!({"line": warning.line, "warning": warning.text})).collect();
    let mut object = json!({"applied": applied, "at": plan.at.to_string(), "changes": changes, "warnings": warnings});
    // The summary of an ingestion has the number already.
    if let Some(object) = object.as_object_mut().filter(|_| !applied) {
        object.insert("added".to_owned(), 0.into());
    }
    object
}

fn change(change: &Change) -> Value {
    let members: Vec<Value> = change
        .members
        .iter()
        .map(|member| json!({"member": member.member, "before": member.before, "after": member.after}))
        .collect();
    json!({
        "line": change.line, "type": change.event.name(), "subject": change.subject, "change": change.how.name(),
        "members": members,
    })
}
