//! `verify`: whether a report can be made again from the log as it was then, byte by byte.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::{Value, json};

use super::context::{CommandContext, Completion};
use super::people::PeopleArguments;
use super::report::made_from;
use super::summary::{SummaryArguments, seconds};
use crate::error::{Error, Result};
use crate::metric::unit::number_text;
use crate::report::format::File;
use crate::report::manifest::{Difference, Manifest, OnDisk};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The manifest that `report` wrote beside its files
    manifest: PathBuf,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Verifies.
pub async fn verify(context: &CommandContext, arguments: &VerifyArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let manifest = read(&arguments.manifest)?;
    let folder = arguments.manifest.parent().unwrap_or(Path::new(""));
    let mut differences = on_disk(&manifest, folder)?;
    let again = make_again(context, &manifest).await?;
    let causes: Vec<String> = manifest.causes(&again).into_iter().map(|cause| cause.0).collect();
    let others = manifest.other_outputs(&again);
    if others.is_empty() {
        causes.iter().for_each(|cause| context.printer.talk(format!("note: {cause}, which changes no file")));
    }
    let why = match causes.as_slice() {
        [] => "nothing that the manifest records has changed, so this is not to be explained".to_owned(),
        causes => format!("probably because {}", causes.join("; ")),
    };
    differences.extend(others.into_iter().map(|other| Difference { what: format!("{}; {why}", other.what), ..other }));
    if !context.printer.json_summary {
        for Difference { file, what } in &differences {
            context.printer.data(format!("{file}: {what}"))?;
        }
    }
    conclude(context, &manifest, (&differences, &causes), seconds(begun))
}

/// Reads a manifest's file.
pub fn read(path: &Path) -> Result<Manifest> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    Manifest::parse(&path.display().to_string(), &text)
}

/// What became of the files since they were written.
fn on_disk(manifest: &Manifest, folder: &Path) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for output in &manifest.outputs {
        let path = folder.join(&output.file);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            bytes => Some(bytes.map_err(Error::file(&path))?),
        };
        let what = match output.on_disk(bytes.as_deref()) {
            OnDisk::AsWritten => continue,
            OnDisk::Missing => "is missing",
            OnDisk::Altered => "was altered after the report was made",
        };
        differences.push(Difference { file: output.file.clone(), what: what.to_owned() });
    }
    Ok(differences)
}

/// The manifest of the same report, made again.
async fn make_again(context: &CommandContext, manifest: &Manifest) -> Result<Manifest> {
    let question = &manifest.question;
    let catalogue = Arc::new(context.catalogue().await?);
    let dashboard = question.choices.dashboard(&context.settings.project.value, &catalogue)?;
    let people = PeopleArguments::of_report(&question.choices);
    let database = Arc::new(context.database_at(question.moment(Some(manifest.log.last_batch)), &people).await?);
    let dashboard = dashboard.shown(&database).await?;
    let page = question.page(&dashboard, Arc::clone(&database), Arc::clone(&catalogue)).await?;
    let files = question.choices.files(&page)?;
    let files: Vec<&File> = files.iter().map(|(_, file)| file).collect();
    made_from(context, question, &dashboard, &catalogue, &database, &files).await
}

fn conclude(
    context: &CommandContext,
    manifest: &Manifest,
    (differences, causes): (&[Difference], &[String]),
    seconds: f64,
) -> Result<Completion> {
    let differing = |output: &&str| differences.iter().any(|difference| difference.file == **output);
    let files = manifest.outputs.iter().map(|output| output.file.as_str());
    let equal = manifest.outputs.len() - files.filter(differing).count();
    let as_json = |difference: &Difference| json!({ "file": difference.file, "what": difference.what });
    let listed: Vec<Value> = differences.iter().map(as_json).collect();
    let object = json!({
        "files": manifest.outputs.len(), "equal": equal, "differences": listed, "changed": causes, "seconds": seconds,
    });
    let (events, batch) = (number_text(manifest.log.events as f64), manifest.log.last_batch);
    let all = manifest.outputs.len();
    let text = format!("{equal} of {all} files are those of {events} events up to batch {batch}, in {seconds} s");
    context.printer.summary(text, &object)?;
    Ok(if differences.is_empty() { Completion::Done } else { Completion::NeedsAttention })
}
