//! `demo`: every step once, with generated data.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::{CommandContext, Completion};
use super::report::{Rendered, ReportArguments, render};
use super::{ingest, settings};
use crate::error::{Error, Result};
use crate::generate::{Plan, write_events};
use crate::input::source::Source;
use crate::replay::ReplayScope;

/// The month that the page shows; generated desks always end on 31 May 2026.
const RANGE: &str = "2026-05";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Folder of the new project
    #[arg(default_value = "casebook-demo", value_name = "DIR")]
    folder: PathBuf,
    /// How many cases to generate
    #[arg(long, default_value_t = 2000, value_name = "N")]
    cases: u64,
}

/// Generates the events of a context, ingests and replays them, renders the overview, and prints where everything is.
pub async fn demo(context: &CommandContext, arguments: &DemoArguments) -> Result<Completion> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let folder = std::path::absolute(folder).map_err(Error::file(folder))?;
    let events = folder.join("events.ndjson");
    let made = make_events(&events, arguments.cases)?;
    context.printer.talk(format!("generated {} events of {} cases: {}", made.events, made.cases, events.display()));
    let project =
        CommandContext { settings: context.settings.in_project(&folder)?, people: context.people.clone(), ..*context };
    ingest_and_replay(&project, &events).await?;
    let page = ReportArguments::default_format("overview", RANGE, folder.clone());
    let Rendered { files, .. } = render(&project, "overview", &page).await?;
    print_next_steps(context, &folder, arguments);
    for path in files {
        context.printer.data(path.display())?;
    }
    Ok(Completion::Done)
}

fn make_events(path: &Path, cases: u64) -> Result<crate::generate::Summary> {
    let mut file = File::create(path).map_err(Error::file(path))?;
    write_events(&Plan { cases, ..Plan::default() }, &mut file).map_err(Error::file(path))
}

async fn ingest_and_replay(project: &CommandContext, events: &Path) -> Result<()> {
    let sources = vec![Source::File(events.to_owned())];
    let mut log = project.log().await?;
    let added = ingest::whole(project, &mut log, sources).await?;
    project.printer.talk(format!("ingested: {} added, {} already in the log", added.added, added.duplicates));
    let replayed = project.refresh(&log, ReplayScope::REFRESH).await?;
    let pointer = &replayed.pointer;
    project.printer.talk(format!("replayed: {} cases, {} findings", pointer.cases, pointer.findings));
    Ok(())
}

fn print_next_steps(context: &CommandContext, folder: &Path, arguments: &DemoArguments) {
    let project = arguments.folder.display();
    let program = std::env::args().next().unwrap_or_else(|| "casebook".to_owned());
    context.printer.talk(format!(
        "the project is {}; try next:\n  \
         {program} --project {project} metric first_response_time --range {RANGE} --by agent --show median,p90\n  \
         {program} --project {project} case C-000100\n  \
         {program} --project {project} sql '\\d'\n\
         the page:",
        folder.display()
    ));
}

impl settings::Settings {
    /// The same settings for another project, with what its own file states.
    fn in_project(&self, project: &Path) -> Result<settings::Settings> {
        let flag = |origin: settings::Origin| origin == settings::Origin::Flag;
        settings::Settings::resolve(&settings::Typed {
            project: Some(project.to_owned()),
            time_zone: flag(self.time_zone.origin).then(|| self.time_zone.value.clone()),
            memory: flag(self.memory_bytes.origin).then(|| self.memory_bytes.value.to_string()),
            threads: flag(self.threads.origin).then_some(self.threads.value),
            cluster: self.cluster.value.as_ref().filter(|_| flag(self.cluster.origin)).map(ToString::to_string),
        })
    }
}
