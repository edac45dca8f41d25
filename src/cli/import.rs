//! `import`: a foreign export through a mapping, into the log.

mod dry_run;
mod figures;
mod without;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant as Stopwatch;

use clap::Args;
use tokio::runtime::Handle;

use super::compact;
use super::context::{CommandContext, Completion};
use super::ingest::conclude;
use super::signals::Stop;
use super::summary::SummaryArguments;
use crate::apply::desk_events;
use crate::apply::state::DeskEvent;
use crate::error::{Error, Result};
use crate::import::{
    self, BUILT_IN_FILE, Conversation, Known, KnownCases, Limits, Mapping, Output, RoutedEvent, Tally,
};
use crate::input::files;
use crate::input::format::has_compressed_ending;
use crate::input::piece::{MadeLine, Piece, Take};
use crate::input::source::Source;
use crate::log::Log;
use crate::log::case_events::OfCase;
use crate::model::event::EventType;
use crate::spelling::did_you_mean;
use crate::store::engine::Resources;

/// Lines that are handed over at once; fewer when they are long.
const BATCH_LINES: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// Names of mappings in `data/mappings`, each with the text of its file.
macro_rules! mappings {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../data/mappings/", $name, ".toml")))),*]
    };
}

/// The mappings that come with the program, by name.
const BUILT_IN: &[(&str, &str)] = mappings![
    "chatwoot-conversations",
    "freshdesk-api",
    "freshdesk-tickets",
    "intercom-conversations",
    "jira-changelog",
    "jira-csv",
    "ocel",
    "salesforce-case",
    "salesforce-case-history",
    "salesforce-email-message",
    "salesforce-user",
    "servicenow-incident",
    "servicenow-sys-audit",
    "support-tweets",
    "volvo-incidents",
    "xes",
    "zammad-tickets",
    "zendesk-audits",
    "zendesk-metric-events",
    "zendesk-tickets",
];

/// How many columns of a built-in mapping an export must have to be recognised.
const COLUMNS_MIN: usize = 4;

/// How to come to a mapping, at the end of the help.
const ABOUT_MAPPINGS: &str = "`casebook mapping new EXPORT` looks at an export and writes a first mapping. `--dry-run` shows what a mapping makes \
                              of an export and what it leaves out, and writes nothing. docs/mappings.md describes every key of a mapping.";

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_MAPPINGS)]
pub struct ImportArguments {
    /// A mapping file, or a name: NAME.toml in the mappings/ of the project, or a built-in mapping
    #[arg(long, value_name = "FILE")]
    mapping: String,
    /// Files, folders, patterns in quotes: CSV, TSV, JSON, XLSX, Parquet, XES or OCEL, uncompressed or compressed with gzip or zstd; - is standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// Write nothing: show what the first rows become and what the import would do. Works without a project
    #[arg(long)]
    dry_run: bool,
    /// Of a dry run, how many rows are shown
    #[arg(long, value_name = "N", default_value_t = 3, requires = "dry_run")]
    rows: u64,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Endings of the files of a folder that are read; those of text also with `.gz` or `.zst` after them.
const ENDINGS: [&str; 14] = [
    "csv", "tsv", "txt", "json", "jsonl", "ndjson", "xlsx", "xlsm", "parquet", "xes", "xml", "jsonocel", "xmlocel",
    "sqlite",
];

/// Appends the events that tables become.
pub async fn import(context: &CommandContext, arguments: &ImportArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mapping = find_mapping(&context.settings.project.value, &arguments.mapping)?;
    let inputs = find_inputs(context, &arguments.inputs)?;
    let threads = context.settings.resources().threads;
    let limits = Limits { memory_bytes: context.settings.memory_bytes.value / 2, threads, spill: None };
    let known = known(context, &mapping).await?;
    if arguments.dry_run {
        return dry_run::dry_run(context, &mapping, &inputs, &known, &limits, arguments.rows).await;
    }
    let zones = figures::zones(&mapping);
    let names: Vec<String> = mapping.rules().map(|(name, _)| name.to_owned()).collect();
    let mut log = context.log().await?;
    let kept = Arc::new(OnceLock::new());
    let tally = Arc::clone(&kept);
    let stop = Stop::listen()?;
    let goes_on = stop.question();
    let feed = move |take: &mut Take<'_>| {
        let mut take_on = |piece: Piece| {
            goes_on()?;
            take(piece)
        };
        feed(&mapping, &inputs, &known, &limits, &mut take_on).map(|read| tally.get_or_init(|| read).bytes)
    };
    let summary = log.ingest(context.ingest_options(), feed).await?;
    let tally = kept.get().cloned().unwrap_or_default();
    let lines = figures::read(&tally).into_iter().chain(figures::left_out(&tally, |_| true));
    let lines = lines.chain(zones).chain(figures::times(&tally));
    lines.chain(figures::events(&names, &tally)).for_each(|line| context.printer.talk(line));
    let more = figures::object(&names, &tally);
    let outcome = conclude(context, &summary, begun, &more)?;
    compact::after_ingestion(context, &mut log).await;
    Ok(outcome)
}

/// The text of a mapping that comes with the program.
///
/// # Errors
/// When there is none of that name.
pub fn built_in(name: &str) -> Result<&'static str> {
    let unknown = || Error::invalid("NAME", format!("`{name}` is not a built-in mapping")).with_hint(known_names(name));
    find_built_in(name).ok_or_else(unknown)
}

fn find_built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of the mappings that come with the program that read most of their columns from an export with these columns.
pub fn built_in_for(columns: &[String]) -> Vec<&'static str> {
    let fits = |(_, text): &&(&str, &str)| {
        // One that looks cells up in a table of the user is not read without it.
        let mapping = Mapping::parse("built-in mapping", text, Path::new("")).ok();
        let known = mapping.map(|mapping| mapping.columns_in(columns));
        known.is_some_and(|(found, all)| found >= COLUMNS_MIN && found * 5 >= all * 4)
    };
    BUILT_IN.iter().filter(fits).map(|(name, _)| *name).collect()
}

/// A path; else a name of the project's; else a built-in name.
pub fn find_mapping(project: &Path, typed: &str) -> Result<Mapping> {
    let path = Path::new(typed);
    let is_name = path.extension().is_none() && path.components().count() == 1;
    if path.is_file() || !is_name {
        return Mapping::read(path).map_err(|error| if path.is_file() { error } else { not_there(path) });
    }
    let of_project = project.join("mappings").join(format!("{typed}.toml"));
    if of_project.is_file() {
        return Mapping::read(&of_project);
    }
    match find_built_in(typed) {
        Some(text) => Mapping::parse(&format!("{BUILT_IN_FILE}{typed}"), text, &project.join("mappings")),
        None => Err(unknown_mapping(&of_project, typed)),
    }
}

/// The error of a path where nothing is; the hint is the built-in mapping of that name, where there is one.
fn not_there(path: &Path) -> Error {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let message = format!("there is no mapping {}", path.display());
    let hint = match find_built_in(stem) {
        Some(_) => format!("one of that name comes with the program: `--mapping {stem}`"),
        None => known_names(stem),
    };
    Error::invalid("--mapping", message).with_hint(hint)
}

fn unknown_mapping(of_project: &Path, typed: &str) -> Error {
    let message = format!("`{typed}` is neither a file, nor {}, nor a built-in mapping", of_project.display());
    Error::invalid("--mapping", message).with_hint(known_names(typed))
}

/// The built-in name that was probably meant, else all of them.
fn known_names(typed: &str) -> String {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    did_you_mean(typed, names.iter().copied()).unwrap_or_else(|| format!("built in are {}", names.join(", ")))
}

/// What the log holds already of the mapping's source.
///
/// # Errors
/// When the log cannot be read, or states another grace period for the source.
async fn known(context: &CommandContext, mapping: &Mapping) -> Result<Known> {
    let mut known = Known::default();
    if !context.has_log().await? {
        return Ok(known);
    }
    let log = context.existing_log().await?;
    let resources = context.settings.resources();
    known.grace_is_stated = is_grace_stated(mapping, &desk_events::read(&log, resources).await?)?;
    let types = mapping.types_stated_once();
    if !types.is_empty() {
        log.each_id(mapping.source(), &types, resources, &mut |id| known.add(id)).await?;
    }
    if mapping.routes() {
        known.cases = known_cases(&log, mapping, resources).await?;
    }
    Ok(known)
}

/// The cases of the mapping's source, into which its messages are routed.
async fn known_cases(log: &Log, mapping: &Mapping, resources: Resources) -> Result<KnownCases> {
    let mut cases = KnownCases::new(mapping.grace_period_ms());
    let mut take = |event: OfCase<'_>| match (event.kind, event.customer) {
        (EventType::CaseCreated, Some(customer)) if event.source == mapping.source() => {
            cases.created(event.subject, Conversation::new(customer, event.profile), event.time_ms);
        }
        (kind, _) => {
            let (time_ms, status) = (event.time_ms, event.status);
            cases.follow(event.subject, RoutedEvent { kind, time_ms, status });
        }
    };
    log.each_of_case(&RoutedEvent::TYPES, resources, &mut take).await?;
    Ok(cases.finish())
}

/// Whether the desk has the mapping's grace period without its event: by `apply`.
fn is_grace_stated(mapping: &Mapping, events: &[DeskEvent]) -> Result<bool> {
    let (source, wanted) = (mapping.source(), mapping.grace_period());
    let stated = events.iter().filter(|event| event.kind == EventType::SettingsUpdated);
    let stated = stated.filter_map(|event| event.data.get("grace_periods")?.get(source)?.as_str());
    let stated: Vec<&str> = stated.collect();
    match (stated.first(), stated.last()) {
        (None, _) | (_, None) => Ok(false),
        (Some(first), _) if *first == wanted => Ok(false),
        (_, Some(last)) if *last == wanted => Ok(true),
        (_, Some(last)) => {
            let message = format!("states a grace period of {wanted}, but cases of the source `{source}` have {last}");
            let hint = format!(
                "to change it, write `grace_periods = {{ \"{source}\" = \"{wanted}\" }}` below [settings] of desk.toml and run `casebook apply desk.toml --at 1970-01-01 --yes`"
            );
            Err(Error::invalid(mapping.grace_place(), message).with_hint(hint))
        }
    }
}

/// The inputs of what was typed.
fn find_inputs(context: &CommandContext, typed: &[String]) -> Result<Vec<Source>> {
    let endings: Vec<String> = ENDINGS.iter().map(|ending| format!("`.{ending}`")).collect();
    let hint = format!("of a folder, files are read whose names end in {}", endings.join(", "));
    let found = files::find_of(typed, is_read, &hint)?;
    if let Some(first) = found.skipped.first() {
        let count = found.skipped.len();
        context.printer.talk(format!(
            "note: {} not read, such as {}: {hint}",
            figures::counted(count as u64, "file"),
            first.display()
        ));
    }
    Ok(found.sources)
}

fn is_read(path: &Path) -> Result<bool> {
    let inner = if has_compressed_ending(path) { path.with_extension("") } else { path.to_owned() };
    let ending = inner.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    Ok(ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())))
}

/// Runs on a thread that may block, as reading does.
fn feed(mapping: &Mapping, inputs: &[Source], known: &Known, limits: &Limits, take: &mut Take<'_>) -> Result<Tally> {
    let mut batches = Batches { take, number: 0, lines: Vec::new(), bytes: 0 };
    let mut emit = |output| match output {
        Output::Event(line) => batches.add(line),
        Output::SetAside(row) => (batches.take)(Piece::SetAside(row)),
        Output::Row(_) => Ok(()),
    };
    let tally = Handle::current().block_on(import::read(mapping, inputs, known, limits, &mut emit))?;
    batches.release()?;
    Ok(tally)
}

/// Gathers lines into pieces that are worth handing to a worker.
struct Batches<'a, 'b> {
    take: &'a mut Take<'b>,
    number: u64,
    lines: Vec<MadeLine>,
    bytes: usize,
}

impl Batches<'_, '_> {
    fn add(&mut self, line: MadeLine) -> Result<()> {
        self.bytes += line.json.len();
        self.lines.push(line);
        if self.lines.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES { self.release() } else { Ok(()) }
    }

    fn release(&mut self) -> Result<()> {
        let piece = Piece::Lines { number: self.number, lines: std::mem::take(&mut self.lines) };
        self.number += 1;
        self.bytes = 0;
        (self.take)(piece)
    }
}
