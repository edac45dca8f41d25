//! The command line: what was typed, what it means, and which command does it. Exit codes are a contract: 0 done,
//! 1 done and there is something to look at, 2 not done.

mod apply;
mod case;
mod check;
mod compact;
mod config;
mod demo;
mod format;
mod generate;
mod import;
mod ingest;
mod init;
mod metric;
mod output;
pub mod printer;
mod progress;
mod quarantine;
mod report;
pub mod settings;
mod signals;
mod sql;
mod store;
mod vacuum;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Result};
use crate::facts::manifest::Pointer;
use crate::log::Log;
use crate::model::time::Instant;
use crate::query;
use crate::query::moment::Moment;
use crate::replay;
use crate::replay::Extent;
use printer::Printer;
use progress::Bar;
use settings::{Settings, Typed};

/// Turns the event history of a customer-care desk into numbers a supervisor can defend.
#[derive(Debug, Parser)]
#[command(name = "casebook", version, max_term_width = 110)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
struct Common {
    /// The project folder [default: the current one]
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Zone in which days begin [default: UTC]
    #[arg(long, global = true, value_name = "ZONE")]
    tz: Option<String>,
    /// Memory for sorting and joining, such as 2GiB; beyond it work spills to disk
    #[arg(long, global = true, value_name = "BYTES")]
    memory: Option<String>,
    /// Cores to use [default: all]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Form of the summary line
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    summary: SummaryForm,
    /// Colours in what people read [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    color: Option<ColorWhen>,
    /// Leave the facts as they are, even if the log has grown
    #[arg(long, global = true)]
    no_refresh: bool,
}

/// Form of the summary line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SummaryForm {
    Text,
    Json,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    Always,
    Never,
    /// On a terminal
    Auto,
}

impl ColorWhen {
    /// Whether to colour; what was typed counts more than the environment.
    fn holds(typed: Option<ColorWhen>) -> bool {
        let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match typed {
            Some(ColorWhen::Always) => true,
            Some(ColorWhen::Never) => false,
            Some(ColorWhen::Auto) => std::io::stdout().is_terminal(),
            None => std::io::stdout().is_terminal() && !unwanted(),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new project folder
    Init(init::InitArguments),
    /// Write a made-up desk's events to standard output
    Generate(generate::GenerateArguments),
    /// Append events to the log: lines, arrays, CSV, Parquet; files, folders, or - for standard input
    Ingest(ingest::IngestArguments),
    /// Append the events that a foreign export becomes through a mapping
    Import(import::ImportArguments),
    /// Bring policies, calendars, settings, users and profiles to what a TOML file says
    Apply(apply::ApplyArguments),
    /// Look at the lines that were set aside, and try them again
    Quarantine(quarantine::QuarantineArguments),
    /// Everything once, on made-up data
    Demo(demo::DemoArguments),
    /// Render a dashboard
    Report(report::ReportArguments),
    /// A case's timeline, and why its numbers are what they are: policy, clocks, targets, ledgers
    Case(case::CaseArguments),
    /// Run the audit queries: facts derived another way; prints what contradicts
    Check(check::CheckArguments),
    /// The list of metrics, one metric's page, or its numbers over a range
    Metric(metric::MetricArguments),
    /// Bring the facts up to date with the log
    Replay(ingest::ReplayArguments),
    /// Merge small files of the log into large ones
    Compact(compact::CompactArguments),
    /// Remove files that no version of the last day needs, and what killed writers left behind
    Vacuum(vacuum::VacuumArguments),
    /// Whether everything in the store is there and whole, and how large it is
    Store(store::StoreArguments),
    /// Ask the events and the facts in SQL; without a query, at a prompt
    Sql(sql::SqlArguments),
    /// Show every setting, its value and where it came from
    Config,
}

impl Command {
    /// The moment that commands which read facts were asked for.
    fn moment(&self) -> Option<&MomentArguments> {
        match self {
            Command::Case(arguments) => Some(&arguments.moment),
            Command::Check(arguments) => Some(&arguments.moment),
            Command::Metric(arguments) => Some(&arguments.moment),
            Command::Report(arguments) => Some(&arguments.moment),
            Command::Sql(arguments) => Some(&arguments.moment),
            _ => None,
        }
    }

    /// The form of the summary that was asked for with `--format`, by commands that print nothing else.
    fn summary_form(&self) -> Option<SummaryForm> {
        match self {
            Command::Check(arguments) => arguments.form.format,
            Command::Ingest(arguments) => arguments.form.format,
            Command::Import(arguments) => arguments.form.format,
            Command::Apply(arguments) => arguments.form.format,
            Command::Init(arguments) => arguments.form.format,
            Command::Replay(arguments) => arguments.form.format,
            Command::Quarantine(arguments) => arguments.summary_form(),
            Command::Compact(arguments) => arguments.form.format,
            Command::Vacuum(arguments) => arguments.form.format,
            Command::Store(arguments) => arguments.form(),
            _ => None,
        }
    }
}

/// As of when facts are read.
#[derive(Clone, Debug, Default, Args)]
pub struct MomentArguments {
    /// Read what had happened by then: a day (its beginning) or an instant
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// Read what the log held then
    #[arg(long, value_name = "K")]
    known_at: Option<String>,
}

impl MomentArguments {
    fn read(&self, settings: &Settings) -> Result<Moment> {
        let read =
            |flag, typed: &Option<String>| typed.as_deref().map(|typed| settings.instant(flag, typed)).transpose();
        Ok(Moment { as_of: read("--as-of", &self.as_of)?, known_at: read("--known-at", &self.known_at)? })
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Done, and there is something to look at.
    Look,
}

/// What every command works with.
pub struct Desk {
    pub settings: Settings,
    pub printer: Printer,
    /// The wall clock when the command began; of commands that read as of another moment, that one.
    pub now: Instant,
    pub moment: Moment,
    refresh: bool,
}

impl Desk {
    /// Opens the project's log.
    async fn log(&self) -> Result<Log> {
        Log::open(&self.settings.store.value).await
    }

    /// Whether the project has a log.
    fn has_log(&self) -> bool {
        self.settings.store.value.join("events").is_dir()
    }

    /// Opens the log of a project that has one; reading commands make none.
    async fn existing_log(&self) -> Result<Log> {
        let store = &self.settings.store.value;
        if !self.has_log() {
            let message = format!("there is no log in {}", store.display());
            return Err(
                Error::refused(message).with_hint("`casebook ingest FILE` makes one, `casebook demo` shows one")
            );
        }
        Log::open(store).await
    }

    /// Brings the facts up to date.
    async fn refresh(&self, log: &Log, extent: Extent) -> Result<replay::Summary> {
        let bar = Bar::of(self.printer, "replaying");
        replay::refresh_telling(log, self.settings.resources(), extent, bar.progress()).await
    }

    /// The session in which facts can be asked, brought up to date first.
    async fn session(&self) -> Result<(datafusion::prelude::SessionContext, Pointer)> {
        let log = self.existing_log().await?;
        let resources = self.settings.resources();
        if self.refresh {
            match self.refresh(&log, Extent::REFRESH).await {
                Err(error) if error.is_read_only() => {
                    self.printer.talk("note: the store cannot be written, so the facts stay as they are");
                }
                refreshed => drop(refreshed?),
            }
        }
        if !self.moment.is_now() {
            let _bar = Bar::of(self.printer, "replaying the events of then");
            return query::moment::open(&log, resources, self.moment).await;
        }
        let (context, pointer) = query::session::open(&log, resources).await?;
        let behind = log.last_batch()?.saturating_sub(pointer.last_batch);
        if behind > 0 {
            self.printer.talk(format!("note: the facts are {behind} batches behind the log"));
        }
        Ok((context, pointer))
    }
}

/// What the clock on the wall shows.
fn wall_clock() -> Instant {
    Instant(jiff::Timestamp::now().as_millisecond())
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let common = &arguments.common;
    let form = arguments.command.summary_form().unwrap_or(common.summary);
    let color = ColorWhen::holds(common.color);
    let printer = Printer { quiet: common.quiet, json_summary: form == SummaryForm::Json, color };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.error(&Error::Output(error));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(run(arguments, printer)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Look) => ExitCode::from(1),
        // Whoever reads us has had enough, as `head` does.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments, printer: Printer) -> Result<Outcome> {
    let common = arguments.common;
    let typed = Typed { project: common.project, time_zone: common.tz, memory: common.memory, threads: common.threads };
    let now = wall_clock();
    let settings = Settings::resolve(&typed)?;
    let moment = arguments.command.moment().map_or(Ok(Moment::default()), |typed| typed.read(&settings))?;
    let desk = Desk { settings, printer, now: moment.present(now), moment, refresh: !common.no_refresh };
    match arguments.command {
        Command::Init(arguments) => init::init(&desk, &arguments),
        Command::Generate(arguments) => generate::generate(&desk, &arguments),
        Command::Ingest(arguments) => ingest::ingest(&desk, &arguments).await,
        Command::Import(arguments) => import::import(&desk, &arguments).await,
        Command::Apply(arguments) => apply::apply(&desk, &arguments).await,
        Command::Quarantine(arguments) => quarantine::quarantine(&desk, &arguments).await,
        Command::Demo(arguments) => demo::demo(&desk, &arguments).await,
        Command::Report(arguments) => report::report(&desk, &arguments).await,
        Command::Case(arguments) => case::case(&desk, &arguments).await,
        Command::Check(arguments) => check::check(&desk, &arguments).await,
        Command::Metric(arguments) => metric::metric(&desk, &arguments).await,
        Command::Replay(arguments) => ingest::replay(&desk, &arguments).await,
        Command::Compact(arguments) => compact::compact(&desk, &arguments).await,
        Command::Vacuum(arguments) => vacuum::vacuum(&desk, &arguments).await,
        Command::Store(arguments) => store::store(&desk, &arguments).await,
        Command::Sql(arguments) => sql::sql(&desk, &arguments).await,
        Command::Config => config::config(&desk),
    }
}
