//! `apply`: what a file says the desk should be, shown as a difference and, on `--yes`, appended as events.

use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::{Value, json};

use super::compact;
use super::context::{CommandContext, Completion};
use super::ingest::conclude;
use super::summary::SummaryArguments;
use crate::apply::file::Wish;
use crate::apply::plan::{Change, How, Plan};
use crate::apply::present::Stated;
use crate::apply::{file, read, show};
use crate::error::{Error, Result};
use crate::input::piece::{Piece, Take};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// A TOML file of what should be: calendars, settings, policies, skills, fields, groups, users, profiles
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Append the events; without it the difference is only shown
    #[arg(long)]
    yes: bool,
    /// A check: shows the difference, and exits with 1 where there is one
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// From when on it is in force: 2026-04-01, or 2026-04-01T08:00:00+02:00 [default: now]
    #[arg(long, value_name = "T")]
    at: Option<String>,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Shows what a file would change and, if so told, appends the events that change it.
pub async fn apply(context: &CommandContext, arguments: &ApplyArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let path = arguments.file.as_path();
    let at = arguments.at.as_deref().map_or(Ok(context.now), |typed| context.settings.instant("--at", typed))?;
    let wishes = read_file(context, path)?;
    let plan = Plan::new(&wishes, &desk_events(context).await?, at);
    let lines = plan.lines(path)?;
    if !context.printer.json_summary && !lines.is_empty() {
        context.printer.data(show::text(&plan))?;
    }
    for warning in &plan.warnings {
        context.printer.talk(format!("warning: {}:{}: {}", path.display(), warning.line, warning.text));
    }
    let bytes = lines.iter().map(|line| line.json.len() as u64).sum();
    if lines.is_empty() || !arguments.yes {
        return leave(context, arguments, &wishes, &plan);
    }
    context.printer.talk(in_force(context, &plan)?);
    let mut log = context.log().await?;
    let feed = move |take: &mut Take<'_>| take(Piece::Lines { number: 0, lines }).map(|()| bytes);
    let summary = log.ingest(context.ingest_options(), feed).await?;
    compact::after_ingestion(context, &mut log).await;
    conclude(context, &summary, begun, &about(&plan, true))
}

/// Reads the file; of several errors all but the last are told here.
fn read_file(context: &CommandContext, path: &Path) -> Result<Vec<Wish>> {
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

/// What the log says of the desk; nothing where there is no log yet.
async fn desk_events(context: &CommandContext) -> Result<Vec<Stated>> {
    match context.has_log() {
        true => read::desk_events(&context.existing_log().await?, context.settings.resources()).await,
        false => Ok(Vec::new()),
    }
}

/// Ends without writing: there is nothing to change, or it was only to be shown.
fn leave(context: &CommandContext, arguments: &ApplyArguments, wishes: &[Wish], plan: &Plan) -> Result<Completion> {
    let object = about(plan, false);
    if plan.changes.is_empty() {
        let things = match wishes.len() {
            0 => "the file states nothing".to_owned(),
            1 => "the one thing that the file states is so already".to_owned(),
            count => format!("all {count} things that the file states are so already"),
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
    let count = |how: How| plan.changes.iter().filter(|change| change.how == how).count();
    let counts = [How::New, How::Changed, How::Removed].map(|how| (count(how), how.name()));
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
    // An ingestion says itself how many it has added.
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
