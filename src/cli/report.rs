//! `report`: a dashboard over a range, rendered.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::people::PeopleArguments;
use super::settings::Origin;
use super::summary::seconds;
use crate::error::{Error, Result};
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::range::{Range, parse_zone};
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::report::dashboard::Dashboard;
use crate::report::dashboard_names;
use crate::report::format::{FORMATS, File, Format};
use crate::report::made::{Report, ReportPlan};
use crate::report::manifest::{Made, Manifest};
use crate::report::page::{Body, Page};
use crate::report::question::{Choices, ReportQuestion};
use crate::store::disk::begin_whole_file;

/// How many cases a page lists under each widget, unless a number is stated.
const CASES: u16 = 10;

/// Arguments of `report`.
#[derive(Debug, Default, Args)]
pub struct ReportArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
    /// The dashboard [default: list all dashboards]
    dashboard: Option<String>,
    /// The range [default: that of the dashboard]
    #[arg(long, value_name = "RANGE")]
    pub range: Option<String>,
    /// Count only what has this value, beside the filters of the dashboard; may be given several times
    #[arg(long = "where", value_name = "DIM=VALUE")]
    pub filters: Vec<String>,
    /// Hours in which durations are measured, where a metric has both [default: that of the dashboard]
    #[arg(long, value_name = "HOURS", value_parser = ["all", "business"])]
    pub hours: Option<String>,
    /// What widgets that compare are compared with [default: that of the dashboard]
    #[arg(long, value_name = "WITH", value_parser = Compare::NAMES)]
    pub compare: Option<String>,
    /// Formats of the files, separated by commas
    #[arg(long, value_parser = formats(), value_delimiter = ',', default_value = "html", value_name = "F")]
    pub format: Vec<&'static Format>,
    /// Render only the widget with this title
    #[arg(long, value_name = "TITLE")]
    pub widget: Option<String>,
    /// Cases that a page lists under each widget at most, each with its timeline; 0 for none
    #[arg(long, default_value_t = CASES, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub cases: u16,
    /// Folder for the files; - is standard output, for one file [default: the current folder, and standard output for `terminal`]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

impl ReportArguments {
    /// A dashboard in the default format, into a folder.
    pub fn default_format(dashboard: &str, range: &str, output: PathBuf) -> ReportArguments {
        let (dashboard, range, output) = (Some(dashboard.to_owned()), Some(range.to_owned()), Some(output));
        ReportArguments {
            dashboard,
            range,
            output,
            format: FORMATS.iter().take(1).collect(),
            cases: CASES,
            ..ReportArguments::default()
        }
    }

    /// The dashboard, and what was typed beside it.
    fn choices(&self, dashboard: &str) -> Choices {
        Choices {
            dashboard: dashboard.to_owned(),
            filters: self.filters.clone(),
            hours: self.hours.clone(),
            compare: self.compare.clone(),
            widget: self.widget.clone(),
            formats: self.format.iter().map(|format| format.name.to_owned()).collect(),
            anonymize: self.people.anonymize,
            with_text: self.people.with_text,
            as_user: self.people.as_user.clone(),
            stem: None,
            cases: usize::from(self.cases),
        }
    }
}

/// The names of the formats, as the values of a flag.
fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    let format = |name: String| Format::find(&name).ok_or_else(|| format!("`{name}` is not a format"));
    PossibleValuesParser::new(names).try_map(format)
}

/// Renders a dashboard and prints the paths of the files and of their manifest; without a name, lists all dashboards.
pub async fn report(context: &CommandContext, arguments: &ReportArguments) -> Result<Completion> {
    let project = &context.settings.project.value;
    let Some(name) = &arguments.dashboard else {
        return context.printer.data(dashboard_names(project).join("\n")).map(|()| Completion::Done);
    };
    let Rendered { files, manifest } = render(context, name, arguments).await?;
    for path in files.into_iter().chain(manifest) {
        context.printer.data(path.display())?;
    }
    Ok(Completion::Done)
}

/// The files of a report that were written, and the manifest beside them.
pub struct Rendered {
    pub files: Vec<PathBuf>,
    /// Nothing where every file went to standard output.
    pub manifest: Option<PathBuf>,
}

/// Renders a dashboard and returns the paths of the files.
pub async fn render(context: &CommandContext, name: &str, arguments: &ReportArguments) -> Result<Rendered> {
    let begun = Stopwatch::now();
    check_folder(folder_of(arguments))?;
    let catalogue = Arc::new(context.catalogue().await?);
    let zone = |own: Option<&str>| match own.filter(|_| context.settings.time_zone.origin != Origin::Flag) {
        Some(zone) => parse_zone(zone),
        None => context.settings.zone(),
    };
    let project = (context.settings.project.value.as_path(), catalogue.as_ref());
    let plan = ReportPlan::new(arguments.choices(name), arguments.range.clone(), project, zone, context.now)?;
    let range = plan.range.clone();
    let database = Arc::new(context.database().await?);
    let report = plan.answer(Arc::clone(&database), Arc::clone(&catalogue), context.moment).await?;
    let Report { question, dashboard, page } = report;
    talk_notes(context, &page, &range, database.created_between().await?);
    let written = write(context, &question.choices, arguments, &page)?;
    let mut rendered = Rendered { files: written.paths, manifest: None };
    if !written.files.is_empty() {
        let files: Vec<&File> = written.files.iter().collect();
        let mut question = question;
        question.choices.formats = written.formats;
        let manifest = made_from(context, &question, &dashboard, &catalogue, &database, &files).await?;
        let path = folder_of(arguments).join(Manifest::file_name(&question));
        write_whole(&path, manifest.text()?.as_bytes())?;
        rendered.manifest = Some(std::path::absolute(&path).map_err(Error::file(&path))?);
    }
    let (last_batch, seconds) = (database.pointer().last_batch, seconds(begun));
    let object = json!({
        "dashboard": name, "files": rendered.files, "manifest": rendered.manifest, "last_batch": last_batch,
        "notes": page.unknown, "seconds": seconds,
    });
    if context.printer.json_summary {
        context.printer.summary("", &object)?;
        return Ok(Rendered { files: Vec::new(), manifest: None });
    }
    context.printer.talk(format!("{}: {} in {seconds} s", page.title, range.text()));
    Ok(rendered)
}

/// The manifest of a report that has been made from a database.
pub async fn made_from(
    context: &CommandContext,
    question: &ReportQuestion,
    dashboard: &Dashboard,
    catalogue: &Catalogue,
    database: &Database,
    files: &[&File],
) -> Result<Manifest> {
    let (log, resources) = (context.existing_log().await?, context.settings.resources());
    Manifest::new(Made { question, dashboard, catalogue, database, log: &log, resources, files }).await
}

/// What was written into a folder.
#[derive(Default)]
struct Written {
    files: Vec<File>,
    paths: Vec<PathBuf>,
    formats: Vec<String>,
}

fn folder_of(arguments: &ReportArguments) -> &Path {
    arguments.output.as_deref().unwrap_or(Path::new("."))
}

/// Refuses the name of a file where the folder of the files is asked for.
fn check_folder(folder: &Path) -> Result<()> {
    let ending = folder.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let format = FORMATS.iter().find(|format| format.ending == ending).filter(|_| !folder.is_dir());
    let Some(Format { name, .. }) = format else { return Ok(()) };
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let message = format!("`{}` is the name of a file, expected a folder: a report is several files", folder.display());
    Err(Error::invalid("--output", message).with_hint(format!("write `--format {name} -o {}`", parent.display())))
}

/// Writes the files of every format.
fn write(context: &CommandContext, choices: &Choices, arguments: &ReportArguments, page: &Page) -> Result<Written> {
    let files = choices.files(page)?;
    let to_stdout = |format: &Format| match arguments.output.as_deref() {
        None => format.is_read_at_once,
        Some(folder) => folder == Path::new("-"),
    };
    if files.iter().filter(|(format, _)| to_stdout(format)).count() > 1 {
        let error = Error::refused(format!("standard output is one file, and these are {}", files.len()));
        return Err(error.with_hint("name a folder with `-o DIR`, or one widget with `--widget TITLE`"));
    }
    let folder = folder_of(arguments);
    let mut written = Written::default();
    for (format, file) in files {
        if to_stdout(format) {
            context.printer.bytes(&file.bytes)?;
            continue;
        }
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let path = folder.join(&file.name);
        write_whole(&path, &file.bytes)?;
        written.paths.push(std::path::absolute(&path).map_err(Error::file(&path))?);
        written.files.push(file);
        if !written.formats.iter().any(|name| name == format.name) {
            written.formats.push(format.name.to_owned());
        }
    }
    Ok(written)
}

/// What a reader should know of a page without data, and of filters by what nothing in the log has.
fn talk_notes(context: &CommandContext, page: &Page, range: &Range, created: Option<(Instant, Instant)>) {
    if page.widgets().all(|widget| matches!(widget.body, Body::Empty(_))) {
        context.printer.talk("note: no widget has data in this range");
    }
    page.unknown.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    let Some((first, last)) = created else {
        context.printer.talk("note: the log has no case");
        return;
    };
    if first >= range.to || last < range.from {
        let day = |time: Instant| time.to_local(range.zone()).date();
        let (first, last) = (day(first), day(last));
        context
            .printer
            .talk(format!("note: no case was created in this range: the first was on {first}, the last on {last}"));
        context.printer.talk(format!("hint: use `--range`, such as `--range {:.7}`", last.to_string()));
    }
}

/// Writes a file so that it appears complete or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = begin_whole_file(folder).map_err(Error::file(folder))?;
    file.write_all(bytes).map_err(Error::file(path))?;
    file.persist(path).map_err(|error| Error::file(path)(error.error))?;
    Ok(())
}
