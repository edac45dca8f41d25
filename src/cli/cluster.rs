//! `cluster`: the processes of a cluster. Others send work to them with `--cluster`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use super::context::{CommandContext, Completion};
use super::printer::Printer;
use super::settings::check_encrypted;
use super::signals;
use crate::cluster::address::ClusterAddress;
use crate::error::{Error, Result};
use crate::node::executor::ExecutorSetup;
use crate::node::{self, executor, scheduler};
use crate::store::scratch::ScratchFolder;

/// Arguments of `cluster`.
#[derive(Debug, Args)]
pub struct ClusterArguments {
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(Debug, Subcommand)]
enum ClusterCommand {
    /// Take work, and give it to executors, until stopped
    Scheduler(SchedulerArguments),
    /// Carry out work that the scheduler gives, until stopped. `--threads` and `--memory` are what it may use
    Executor(ExecutorArguments),
}

/// Arguments of `cluster scheduler`.
#[derive(Debug, Args)]
struct SchedulerArguments {
    /// Where the other processes connect
    #[arg(long, default_value = "127.0.0.1:50050", value_name = "ADDRESS")]
    listen: String,
    /// The name under which they reach this machine [default: the host of --listen]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
}

/// Arguments of `cluster executor`.
#[derive(Debug, Args)]
struct ExecutorArguments {
    /// The scheduler
    #[arg(long, default_value = "127.0.0.1:50050", value_name = "HOST:PORT")]
    scheduler: String,
    /// Where the other processes fetch rows
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    listen: String,
    /// The name under which they reach this machine [default: the host of --listen]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// A folder for rows that are on their way [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

/// Runs a process of a cluster.
pub async fn cluster(context: &CommandContext, arguments: &ClusterArguments) -> Result<Completion> {
    report_to(context.printer);
    match &arguments.command {
        ClusterCommand::Scheduler(arguments) => run_scheduler(context, arguments).await,
        ClusterCommand::Executor(arguments) => run_executor(context, arguments).await,
    }
}

/// Prints what the processes of a cluster report of their work: what they try again, and what fails.
struct Reports(Printer);

impl log::Log for Reports {
    fn enabled(&self, of: &log::Metadata<'_>) -> bool {
        of.level() <= log::Level::Warn && of.target().starts_with("ballista") && of.target() != scheduler::OF_FIGURES
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.talk(format!("{}: {}", record.level().as_str().to_lowercase(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// Has what the libraries report printed.
fn report_to(printer: Printer) {
    // Fails only where it was done before.
    if log::set_boxed_logger(Box::new(Reports(printer))).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
}

async fn run_scheduler(context: &CommandContext, arguments: &SchedulerArguments) -> Result<Completion> {
    let (listen, address) = listen(&arguments.listen, arguments.host.as_deref())?;
    let certificates = context.settings.certificates()?;
    check_encrypted(&of_listener(listen), certificates.as_ref())?;
    let listener = TcpListener::bind(listen).await.map_err(|error| in_use(listen, &error))?;
    let end = signals::end()?;
    let encrypted = if certificates.is_some() { "with certificates" } else { "without encryption" };
    context.printer.talk(format!("the scheduler of a cluster listens on {listen}, {encrypted}; stop it with Ctrl-C"));
    scheduler::serve(listener, &address, node::connector(certificates), end).await?;
    Ok(Completion::Done)
}

async fn run_executor(context: &CommandContext, arguments: &ExecutorArguments) -> Result<Completion> {
    let scheduler = ClusterAddress::parse("--scheduler", &arguments.scheduler)?;
    let (listen, address) = listen(&arguments.listen, arguments.host.as_deref())?;
    let certificates = context.settings.certificates()?;
    for address in [&scheduler, &of_listener(listen)] {
        check_encrypted(address, certificates.as_ref())?;
    }
    // What takes the port is found before the scheduler gives a task.
    drop(TcpListener::bind(listen).await.map_err(|error| in_use(listen, &error))?);
    node::cluster(scheduler.clone(), certificates.clone()).check_to_join().await?;
    let work = match &arguments.work {
        Some(folder) => ScratchFolder::in_folder(folder, "casebook-executor").map_err(Error::file(folder))?,
        None => ScratchFolder::in_system_folder()?,
    };
    let setup = ExecutorSetup {
        scheduler: scheduler.clone(),
        listen,
        address,
        connector: node::connector(certificates),
        resources: context.settings.resources(),
        work: work.path().to_owned(),
    };
    context.printer.talk(format!("an executor of the cluster at {scheduler} listens on {listen}; stop it with Ctrl-C"));
    let stop = signals::Stop::listen()?;
    executor::run(setup).await?;
    match stop.question()() {
        // It was asked to end.
        Err(_) => Ok(Completion::Done),
        Ok(()) => Err(Error::refused("the executor has stopped by itself")
            .with_hint("another process may have taken its address; `--listen` names another one")),
    }
}

/// The address of a listener, and the one under which others reach it.
fn listen(typed: &str, host: Option<&str>) -> Result<(SocketAddr, ClusterAddress)> {
    let refused = || {
        Error::invalid("--listen", format!("`{typed}` is not an address"))
            .with_hint("write an IP address and a port, such as `127.0.0.1:50050`")
    };
    let listen: SocketAddr = typed.parse().map_err(|_| refused())?;
    if listen.port() == 0 {
        return Err(refused());
    }
    if host.is_none() && listen.ip().is_unspecified() {
        return Err(Error::invalid("--listen", format!("`{typed}` is every address of this machine"))
            .with_hint("`--host` names the one under which the other processes reach it"));
    }
    let host = host.map_or_else(|| listen.ip().to_string(), str::to_owned);
    Ok((listen, ClusterAddress { host, port: listen.port() }))
}

fn of_listener(listen: SocketAddr) -> ClusterAddress {
    ClusterAddress { host: listen.ip().to_string(), port: listen.port() }
}

fn in_use(listen: SocketAddr, error: &std::io::Error) -> Error {
    Error::refused(format!("cannot listen on {listen}: {error}")).with_hint("`--listen` names another address")
}
