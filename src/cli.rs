//! The command line: the arguments, the settings they resolve to, and the command that runs. Exit codes are a contract: 0 done,
//! 1 done and the user should look at something, 2 not done.

mod access;
mod apply;
mod case;
mod cases;
mod check;
mod cluster;
mod compact;
mod config;
mod context;
mod demo;
mod generate;
mod import;
mod ingest;
mod init;
mod mapping;
mod mcp;
mod metric;
mod moment;
mod output;
mod people;
pub mod printer;
mod progress;
mod quarantine;
mod replay;
mod report;
mod restate;
mod schedule;
mod serve;
pub mod settings;
mod signals;
mod sql;
mod store;
mod summary;
mod vacuum;
mod verify;
mod view;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Result};
use crate::query::moment::Moment;
use context::{CommandContext, Completion, wall_clock};
use moment::MomentArguments;
use people::PeopleArguments;
use printer::Printer;
use settings::{Settings, Typed};
use summary::SummaryFormat;

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
    /// The scheduler of a cluster to which questions and replays are sent [default: none]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    cluster: Option<String>,
    /// Print errors, and no notes or summaries
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Format of the summary line
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    summary: SummaryFormat,
    /// Colours in what people read [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    color: Option<ColorWhen>,
    /// Leave the facts as they are, even if the log has grown
    #[arg(long, global = true)]
    no_refresh: bool,
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
    /// Write the events of a generated desk to standard output
    Generate(generate::GenerateArguments),
    /// Append events to the log: lines, arrays, CSV, Parquet; files, folders, or - for standard input
    Ingest(ingest::IngestArguments),
    /// Append the events that a foreign export becomes through a mapping
    Import(import::ImportArguments),
    /// Write a first mapping for an export, or check a mapping
    Mapping(mapping::MappingArguments),
    /// Change policies, calendars, settings, users and profiles to the state that a TOML file describes
    Apply(apply::ApplyArguments),
    /// List, export, retry or remove the lines that were set aside
    Quarantine(quarantine::QuarantineArguments),
    /// Run every step once, on generated data
    Demo(demo::DemoArguments),
    /// Render a dashboard
    Report(report::ReportArguments),
    /// Make a report again from the log as it was then, and compare its files byte by byte
    Verify(verify::VerifyArguments),
    /// Ask a report's question again on the log of now: the figures that moved, and the events that arrived later
    Restate(restate::RestateArguments),
    /// Serve pages, an API and ingestion to a whole desk until stopped
    Serve(serve::ServeArguments),
    /// What is sent when, and where: carry schedules out, list them, check them
    Schedule(schedule::ScheduleArguments),
    /// A case's timeline, and why its numbers are what they are: policy, clocks, targets, ledgers
    Case(case::CaseArguments),
    /// One row for each case: what it is, every metric of the case alone, and its milestones
    Cases(cases::CasesArguments),
    /// The cases of a view of a user, such as their inbox, or the views that a user has
    View(view::ViewArguments),
    /// Run the audit queries: facts derived another way; prints what contradicts
    Check(check::CheckArguments),
    /// The list of metrics, one metric's page, or its numbers over a range
    Metric(metric::MetricArguments),
    /// Bring the facts up to date with the log
    Replay(replay::ReplayArguments),
    /// Merge small files of the log into large ones
    Compact(compact::CompactArguments),
    /// Remove files that no version of the last day needs, and what killed writers left behind
    Vacuum(vacuum::VacuumArguments),
    /// Whether everything in the store is there and whole, and how large it is
    Store(store::StoreArguments),
    /// Ask the events and the facts in SQL; without a query, at a prompt
    Sql(sql::SqlArguments),
    /// Who may connect to a server of this project: passwords and tokens
    Access(access::AccessArguments),
    /// Run a process of a cluster: the scheduler, or an executor
    Cluster(cluster::ClusterArguments),
    /// Serve the engine as tools for an assistant (Model Context Protocol) over standard input and output
    Mcp(mcp::McpArguments),
    /// Show every setting, its value and where it came from
    Config,
}

impl Command {
    /// The moment that commands which read facts were asked for.
    fn moment(&self) -> Option<&MomentArguments> {
        match self {
            Command::Case(arguments) => Some(&arguments.moment),
            Command::Cases(arguments) => Some(&arguments.moment),
            Command::Check(arguments) => Some(&arguments.moment),
            Command::Metric(arguments) => Some(&arguments.moment),
            Command::Report(arguments) => Some(&arguments.moment),
            Command::Sql(arguments) => Some(&arguments.moment),
            Command::View(arguments) => Some(&arguments.moment),
            _ => None,
        }
    }

    /// How people are to be shown by commands that read facts.
    fn people(&self) -> PeopleArguments {
        match self {
            Command::Case(arguments) => arguments.people.clone(),
            Command::Cases(arguments) => arguments.people.clone(),
            Command::Metric(arguments) => arguments.people.clone(),
            Command::Report(arguments) => arguments.people.clone(),
            Command::Sql(arguments) => arguments.people.clone(),
            Command::View(arguments) => arguments.people.clone(),
            Command::Mcp(arguments) => arguments.people.clone(),
            _ => PeopleArguments::default(),
        }
    }

    /// The format of the summary that was asked for with `--format`, by commands that print nothing else.
    fn summary_format(&self) -> Option<SummaryFormat> {
        match self {
            Command::Check(arguments) => arguments.summary.format,
            Command::Ingest(arguments) => arguments.summary.format,
            Command::Import(arguments) => arguments.summary.format,
            Command::Apply(arguments) => arguments.summary.format,
            Command::Init(arguments) => arguments.summary.format,
            Command::Replay(arguments) => arguments.summary.format,
            Command::Quarantine(arguments) => arguments.summary_format(),
            Command::Compact(arguments) => arguments.summary.format,
            Command::Vacuum(arguments) => arguments.summary.format,
            Command::Store(arguments) => arguments.summary_format(),
            Command::Verify(arguments) => arguments.summary.format,
            _ => None,
        }
    }
}

/// The stack of a worker thread: as large as that of the main thread is elsewhere, because questions are planned on either.
const STACK_BYTES: usize = 16 << 20;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let common = &arguments.common;
    let format = arguments.command.summary_format().unwrap_or(common.summary);
    let color = ColorWhen::holds(common.color);
    let printer = Printer { quiet: common.quiet, json_summary: format == SummaryFormat::Json, color };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().thread_stack_size(STACK_BYTES);
    if matches!(arguments.command, Command::Serve(_)) {
        runtime.on_thread_start(serve::behind_events);
    }
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.error(&Error::Output(error));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(run(arguments, printer)) {
        Ok(Completion::Done) => ExitCode::SUCCESS,
        Ok(Completion::NeedsAttention) => ExitCode::from(1),
        // The reader has closed the pipe, as `head` does.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments, printer: Printer) -> Result<Completion> {
    let common = arguments.common;
    let Common { project, tz: time_zone, memory, threads, cluster, .. } = common;
    let typed = Typed { project, time_zone, memory, threads, cluster };
    let now = wall_clock();
    let settings = Settings::resolve(&typed)?;
    let moment = arguments.command.moment().map_or(Ok(Moment::default()), |typed| typed.read(&settings))?;
    let (people, refresh) = (arguments.command.people(), !common.no_refresh);
    let context = CommandContext { settings, printer, now: moment.present(now), moment, people, refresh };
    match arguments.command {
        Command::Init(arguments) => init::init(&context, &arguments),
        Command::Generate(arguments) => generate::generate(&context, &arguments),
        Command::Ingest(arguments) => ingest::ingest(&context, &arguments).await,
        Command::Import(arguments) => import::import(&context, &arguments).await,
        Command::Mapping(arguments) => mapping::mapping(&context, &arguments),
        Command::Apply(arguments) => apply::apply(&context, &arguments).await,
        Command::Quarantine(arguments) => quarantine::quarantine(&context, &arguments).await,
        Command::Demo(arguments) => demo::demo(&context, &arguments).await,
        Command::Report(arguments) => report::report(&context, &arguments).await,
        Command::Verify(arguments) => verify::verify(&context, &arguments).await,
        Command::Restate(arguments) => restate::restate(&context, &arguments).await,
        Command::Serve(arguments) => serve::serve(&context, &arguments).await,
        Command::Schedule(arguments) => schedule::schedule(&context, &arguments).await,
        Command::Case(arguments) => case::case(&context, &arguments).await,
        Command::Cases(arguments) => cases::cases(&context, &arguments).await,
        Command::Mcp(arguments) => mcp::mcp(&context, &arguments).await,
        Command::View(arguments) => view::view(&context, &arguments).await,
        Command::Check(arguments) => check::check(&context, &arguments).await,
        Command::Metric(arguments) => metric::metric(&context, &arguments).await,
        Command::Replay(arguments) => replay::replay(&context, &arguments).await,
        Command::Compact(arguments) => compact::compact(&context, &arguments).await,
        Command::Vacuum(arguments) => vacuum::vacuum(&context, &arguments).await,
        Command::Store(arguments) => store::store(&context, &arguments).await,
        Command::Sql(arguments) => sql::sql(&context, &arguments).await,
        Command::Access(arguments) => access::access(&context, &arguments).await,
        Command::Cluster(arguments) => cluster::cluster(&context, &arguments).await,
        Command::Config => config::config(&context),
    }
}
