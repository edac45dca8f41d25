//! `restate`: which figures of a report are others on the log of now, and which events moved them.

mod late;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::context::{CommandContext, Completion};
use super::output::OutputArguments;
use super::people::PeopleArguments;
use super::report::made_from;
use super::verify::read;
use crate::error::Result;
use crate::export::Shown;
use crate::metric::unit::number_text;
use crate::query::database::Database;
use crate::report::behind::{Contribution, States};
use crate::report::manifest::Manifest;
use crate::report::moved::{Moved, moved};
use late::Late;
use rows::Restated;

/// Arguments of `restate`.
#[derive(Debug, Args)]
pub struct RestateArguments {
    /// The manifest that `report` wrote beside its files
    manifest: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

/// Restates.
pub async fn restate(context: &CommandContext, arguments: &RestateArguments) -> Result<Completion> {
    let manifest = read(&arguments.manifest)?;
    let question = &manifest.question;
    let catalogue = Arc::new(context.catalogue().await?);
    let dashboard = question.choices.dashboard(&context.settings.project.value, &catalogue)?;
    let people = PeopleArguments::of_report(&question.choices);
    let then = Arc::new(context.database_at(question.moment(Some(manifest.log.last_batch)), &people).await?);
    let now = Arc::new(context.database_at(question.moment(None), &people).await?);
    let dashboard = dashboard.shown(&now).await?;
    let made = made_from(context, question, &dashboard, &catalogue, &then, &[]).await?;
    note_causes(context, &manifest, &made);
    // Only the numbers of both pages are compared.
    let mut question = question.clone();
    question.choices.cases = 0;
    let before = question.page(&dashboard, Arc::clone(&then), Arc::clone(&catalogue)).await?;
    let after = question.page(&dashboard, Arc::clone(&now), Arc::clone(&catalogue)).await?;
    let figures = moved(&before, &after, question.choices.widget.as_deref());
    let (range, as_of) = (question.range()?, question.as_of);
    let zone = range.zone().clone();
    let states = States { then: &then, now: &now, dashboard: &dashboard, catalogue: &catalogue, range, as_of };
    let mut changed: BTreeMap<usize, Vec<Contribution>> = BTreeMap::new();
    let plans: Vec<_> = dashboard.widgets().collect();
    for figure in &figures {
        if let (false, Some(plan)) = (changed.contains_key(&figure.widget), plans.get(figure.widget)) {
            changed.insert(figure.widget, states.changed(plan).await?);
        }
    }
    let late = Late::after(&now, manifest.log.last_batch, as_of).await?;
    let restated: Vec<Restated<'_>> = figures
        .iter()
        .map(|figure| match (plans.get(figure.widget), changed.get(&figure.widget)) {
            (Some(plan), Some(changed)) => Restated::new(figure, plan, changed, &late),
            _ => Restated { figure, causes: Vec::new() },
        })
        .collect();
    rows::write(&arguments.output, Shown::new(zone, "Restated"), &restated)?;
    talk(context, &manifest, &now, &figures, &late);
    Ok(if figures.is_empty() { Completion::Done } else { Completion::NeedsAttention })
}

/// What is not as the report had it, beside the log.
fn note_causes(context: &CommandContext, manifest: &Manifest, made: &Manifest) {
    for cause in manifest.causes(made) {
        context.printer.talk(format!("note: {}; both sides are answered as they are now", cause.0));
    }
}

fn talk(context: &CommandContext, manifest: &Manifest, now: &Database, figures: &[Moved], late: &Late) {
    let (then, last) = (manifest.log.last_batch, now.pointer().last_batch);
    let counted = |count: usize, noun: &str, ending: &str| match count {
        1 => format!("1 {noun} has {ending}"),
        count => format!("{} {noun}s have {ending}", number_text(count as f64)),
    };
    context.printer.talk(format!(
        "{}: the report is of batch {then}, the log of batch {last}; {} whose time is not after {}",
        counted(figures.len(), "figure", "moved"),
        counted(late.events.len(), "event", "arrived"),
        manifest.question.as_of
    ));
}
