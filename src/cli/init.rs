//! `init`: a new project folder with files that explain themselves.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::summary::SummaryArguments;
use crate::error::{Error, Result};
use crate::report::build::chart_kinds;
use crate::report::format::FORMATS;

/// The files of a new project.
const FILES: [(&str, &str); 5] = [
    ("casebook.toml", include_str!("init/casebook.toml")),
    ("schedules.toml", include_str!("init/schedules.toml")),
    ("queries/README.md", include_str!("init/queries.md")),
    ("dashboards/README.md", include_str!("init/dashboards.md")),
    ("mappings/README.md", include_str!("init/mappings.md")),
];

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Folder of the new project [default: that of --project]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

const ANOTHER_FOLDER: &str = "name another folder: `casebook init DIR`";

/// Writes a new project. Never changes a file that exists.
pub fn init(context: &CommandContext, arguments: &InitArguments) -> Result<Completion> {
    let folder = arguments.folder.as_ref().unwrap_or(&context.settings.project.value);
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        return Err(exists_already(&folder.join(name), ANOTHER_FOLDER));
    }
    for (name, text) in FILES {
        write_new(&folder.join(name), &completed(text), ANOTHER_FOLDER)?;
    }
    let object = json!({"project": folder.display().to_string(), "files": FILES.map(|(name, _)| name)});
    context.printer.summary(format!("created a project in {}", folder.display()), &object)?;
    let project = if folder == Path::new(".") { String::new() } else { format!(" --project {}", folder.display()) };
    context.printer.talk(format!(
        "hint: `casebook{project} ingest FILE` adds events, `casebook{project} config` shows the settings"
    ));
    Ok(Completion::Done)
}

/// A text with the lists of what this version of the program can do.
fn completed(text: &str) -> String {
    let charts: Vec<String> = chart_kinds().iter().map(|kind| format!("- `{}`: {}", kind.name, kind.about)).collect();
    let formats: Vec<String> = FORMATS.iter().map(|format| format!("`{}` ({})", format.name, format.about)).collect();
    text.replace("{charts}", &charts.join("\n")).replace("{formats}", &formats.join(", "))
}

/// Writes a new file; `hint` is the advice where there is one already.
pub fn write_new(path: &Path, text: &str, hint: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file(parent))?;
    }
    match File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(Error::file(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists_already(path, hint)),
        Err(error) => Err(Error::file(path)(error)),
    }
}

fn exists_already(path: &Path, hint: &str) -> Error {
    Error::refused(format!("{} exists already", path.display())).with_hint(hint)
}
