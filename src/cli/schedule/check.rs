//! `schedule check`: what is wrong with the file of schedules, before a run finds it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::setup::environment;
use crate::cli::context::{CommandContext, Completion};
use crate::error::{Error, Result};
use crate::schedule::content::Content;
use crate::schedule::deliver::{Deliverer, check_target, connect};
use crate::schedule::file::{Schedule, ScheduleFile};
use crate::schedule::sources::Sources;

/// The file of schedules of the project.
pub fn read(context: &CommandContext) -> Result<ScheduleFile> {
    ScheduleFile::read(&context.settings.project.value, &context.settings.zone()?)
}

/// Reports what of the file cannot be used.
pub fn report(context: &CommandContext, file: &ScheduleFile) {
    file.faults.iter().for_each(|fault| context.printer.error(&fault.error));
}

/// Finds what is wrong; with `connects` also with the servers of the targets, to which nothing is sent.
pub async fn check(context: &CommandContext, connects: bool) -> Result<Completion> {
    let file = read(context)?;
    report(context, &file);
    let settings = &context.settings;
    let catalogue = Arc::new(context.catalogue().await?);
    let sources = Sources::new(&settings.project.value, &context.store()?, settings.resources(), catalogue);
    let mut errors = Vec::new();
    for schedule in &file.schedules {
        errors.extend(faults(schedule, &sources).await);
    }
    let deliverer = Deliverer::new(environment(context)?, file.mail.clone());
    for (name, target) in &file.targets {
        match check_target(name, target, &deliverer) {
            Err(error) => errors.push(error),
            Ok(()) if connects => errors.extend(connect(name, target, &deliverer).await.err()),
            Ok(()) => {}
        }
    }
    errors.iter().for_each(|error| context.printer.error(error));
    note_unused(context, &file);
    let count = errors.len() + file.faults.len();
    if count > 0 {
        return Ok(Completion::NeedsAttention);
    }
    let (schedules, targets) = (file.schedules.len(), file.targets.len());
    let connected = if connects { ", and every server answers" } else { "" };
    context.printer.talk(format!("{schedules} schedules and {targets} targets have no fault{connected}"));
    Ok(Completion::Done)
}

/// What is wrong with what a schedule sends, and with its condition.
async fn faults(schedule: &Schedule, sources: &Sources) -> Vec<Error> {
    let place = format!("{}: schedule `{}`", schedule.place, schedule.name);
    let mut errors = Content::check_together(&schedule.send, &place);
    for content in &schedule.send {
        errors.extend(content.check(sources, &place).await);
    }
    if let Some(when) = &schedule.when {
        errors.extend(when.check(sources, &place));
    }
    errors
}

fn note_unused(context: &CommandContext, file: &ScheduleFile) {
    let used: BTreeSet<&String> =
        file.schedules.iter().flat_map(|schedule| schedule.to.iter().chain(&schedule.on_failure)).collect();
    for name in file.targets.keys().filter(|name| !used.contains(name)) {
        context.printer.talk(format!("note: no schedule sends anything to the target `{name}`"));
    }
    for schedule in file.schedules.iter().filter(|schedule| schedule.on_failure.is_empty()) {
        let name = &schedule.name;
        context.printer.talk(format!("note: a failure of `{name}` is only in the history: it has no `on_failure`"));
    }
}
