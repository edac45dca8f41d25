//! `report`: a dashboard over a range, rendered.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::settings::parse_zone;
use super::summary::seconds;
use crate::error::{Error, Result};
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::filter::Filter;
use crate::metric::range::Range;
use crate::report::build::{self, Sources};
use crate::report::dashboard::{Dashboard, Hours};
use crate::report::format::{FORMATS, Format};
use crate::report::page::{Body, Page, Widget};
use crate::report::{dashboard_names, find_dashboard};
use crate::spelling::did_you_mean;
use crate::store::disk::begin_whole_file;

/// Arguments of `report`.
#[derive(Debug, Default, Args)]
pub struct ReportArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
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
            ..ReportArguments::default()
        }
    }
}

/// The names of the formats, as the values of a flag.
fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    let format = |name: String| Format::find(&name).ok_or_else(|| format!("`{name}` is not a format"));
    PossibleValuesParser::new(names).try_map(format)
}

/// The widget of that title.
fn find_widget<'p>(page: &'p Page, title: &str) -> Result<&'p Widget> {
    page.widgets().find(|widget| widget.title == title).ok_or_else(|| {
        let titles: Vec<&str> = page.widgets().map(|widget| widget.title.as_str()).collect();
        let hint = did_you_mean(title, titles.iter().copied());
        let error = Error::refused(format!("there is no widget `{title}`"));
        error.with_hint(hint.unwrap_or_else(|| format!("there are: {}", titles.join("; "))))
    })
}

/// Renders a dashboard and prints the paths of the files; without a name, lists all dashboards.
pub async fn report(context: &CommandContext, arguments: &ReportArguments) -> Result<Completion> {
    let project = &context.settings.project.value;
    let Some(name) = &arguments.dashboard else {
        return context.printer.data(dashboard_names(project).join("\n")).map(|()| Completion::Done);
    };
    let paths = render(context, name, arguments).await?;
    for path in paths {
        context.printer.data(path.display())?;
    }
    Ok(Completion::Done)
}

/// The dashboard with the filters, hours and comparison that were typed.
fn as_asked(mut dashboard: Dashboard, arguments: &ReportArguments, catalogue: &Catalogue) -> Result<Dashboard> {
    for text in &arguments.filters {
        dashboard.filters.push(Filter::parse("--where", text)?);
    }
    if let Some(name) = &arguments.compare {
        dashboard = dashboard.with_compare(Compare::parse(name)?);
    }
    let hours = match arguments.hours.as_deref() {
        Some("business") => Hours::Business,
        Some(_) => Hours::All,
        None => dashboard.hours,
    };
    let chosen = arguments.hours.is_some() || hours == Hours::Business;
    Ok(if chosen { dashboard.with_hours(hours, catalogue) } else { dashboard })
}

/// Renders a dashboard and returns the paths of the files.
pub async fn render(context: &CommandContext, name: &str, arguments: &ReportArguments) -> Result<Vec<PathBuf>> {
    let begun = Stopwatch::now();
    let catalogue = context.catalogue().await?;
    let dashboard = find_dashboard(&context.settings.project.value, name, &catalogue)?;
    let dashboard = as_asked(dashboard, arguments, &catalogue)?;
    let zone = match (&dashboard.time_zone, context.settings.time_zone.origin) {
        (Some(zone), origin) if origin != super::settings::Origin::Flag => parse_zone(zone)?,
        _ => context.settings.zone()?,
    };
    let range = Range::parse(arguments.range.as_deref().unwrap_or(&dashboard.range), &zone, context.now)?;
    let database = context.database().await?;
    let sources = Sources { database: &database, catalogue: &catalogue, range, now: context.now };
    let page = build::page(&dashboard, &sources).await?;
    talk_notes(context, &page);
    let paths = write(context, name, arguments, &page)?;
    let object = json!({ "dashboard": name, "files": paths, "last_batch": database.pointer().last_batch, "notes": page.unknown, "seconds": seconds(begun) });
    if context.printer.json_summary {
        context.printer.summary("", &object)?;
        return Ok(Vec::new());
    }
    context.printer.talk(format!("{}: {} in {} s", page.title, sources.range.text(), seconds(begun)));
    Ok(paths)
}

/// Writes the files of every format, and returns the paths of those that did not go to standard output.
fn write(context: &CommandContext, name: &str, arguments: &ReportArguments, page: &Page) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for format in &arguments.format {
        let of_format = match &arguments.widget {
            Some(title) => vec![format.widget(&page.scope, find_widget(page, title)?)?],
            None => format.page(page, name)?,
        };
        files.extend(of_format.into_iter().map(|file| (*format, file)));
    }
    let to_stdout = |format: &Format| match arguments.output.as_deref() {
        None => format.is_read_at_once,
        Some(folder) => folder == Path::new("-"),
    };
    if files.iter().filter(|(format, _)| to_stdout(format)).count() > 1 {
        let error = Error::refused(format!("standard output is one file, and these are {}", files.len()));
        return Err(error.with_hint("name a folder with `-o DIR`, or one widget with `--widget TITLE`"));
    }
    let folder = arguments.output.as_deref().unwrap_or(Path::new("."));
    let mut paths = Vec::new();
    for (format, file) in files {
        if to_stdout(format) {
            context.printer.bytes(&file.bytes)?;
            continue;
        }
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let path = folder.join(&file.name);
        write_whole(&path, &file.bytes)?;
        paths.push(std::path::absolute(&path).map_err(Error::file(&path))?);
    }
    Ok(paths)
}

/// What a reader should know of a page without data, and of filters by what nothing in the log has.
fn talk_notes(context: &CommandContext, page: &Page) {
    let is_empty = page.widgets().all(|widget| matches!(widget.body, Body::Empty(_)));
    if is_empty {
        context.printer.talk("note: no widget has data in this range");
    }
    page.unknown.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    if is_empty && page.unknown.is_empty() {
        context.printer.talk(
            "hint: `casebook sql \"SELECT min(time), max(time) FROM events\"` shows when there are events; then use --range",
        );
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
