//! `serve`: one process over the project, for browsers, programs and BI tools.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
#[cfg(target_os = "linux")]
use thread_priority::ThreadPriority;
use tokio_util::sync::CancellationToken;

use super::context::{CommandContext, Completion, wall_clock};
use super::signals;
use crate::access::AccessFile;
use crate::error::{Error, Result};
use crate::serve::engine::{Engine, EngineSetup};
use crate::serve::http;
use crate::serve::http::app::{App, Parts};
use crate::serve::ingestion::Ingestion;
use crate::serve::limits::Limits;
use crate::serve::tls;
use crate::serve::wire::serve_wire;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Where pages and the API listen; `off` for nowhere
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    http: String,
    /// Where clients of SQL connect, by the protocol of PostgreSQL; `off` for nowhere
    #[arg(long, default_value = "127.0.0.1:5433", value_name = "ADDRESS")]
    postgres: String,
    /// The certificates that clients are shown, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Their private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy in front has the certificate; it sets `X-Forwarded-For`
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
}

/// The priority of threads that answer questions, of 0 to 99; an ordinary thread has 50.
#[cfg(target_os = "linux")]
const PRIORITY_OF_QUESTIONS: u8 = 25;

/// Gives the thread a lower priority than those that write events have: however much is asked, events do not wait. A system that
/// refuses it treats all threads alike.
pub fn behind_events() {
    // On other systems it would hold for the whole process.
    #[cfg(target_os = "linux")]
    if let Ok(priority) = PRIORITY_OF_QUESTIONS.try_into() {
        let _ = thread_priority::set_current_thread_priority(ThreadPriority::Crossplatform(priority));
    }
}

/// Serves until the process is asked to end.
pub async fn serve(context: &CommandContext, arguments: &ServeArguments) -> Result<Completion> {
    let http_address = address("--http", &arguments.http)?;
    let postgres_address = address("--postgres", &arguments.postgres)?;
    let access = access(context, arguments, &[http_address, postgres_address])?;
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(cert), Some(key)) => {
            Some(tls::configuration(&read(cert)?, &read(key)?).map_err(|error| error.at("--tls-cert"))?)
        }
        _ => None,
    };
    if arguments.tls_cert.is_none() && postgres_address.is_some_and(|address| !address.ip().is_loopback()) {
        let error =
            Error::refused("the Postgres wire needs TLS at an address that other machines reach, also behind a proxy");
        return Err(error.with_hint("give `--tls-cert` and `--tls-key`, or `--postgres 127.0.0.1:5433`"));
    }
    let listener = http_address.map(|address| bind("--http", address)).transpose()?;
    let postgres = postgres_address.map(|address| bind("--postgres", address)).transpose()?;
    let stop = CancellationToken::new();
    let engine = Arc::new(Engine::open(setup(context)?).await?);
    let (ingestion, committing) = Ingestion::begin(Arc::clone(&engine), stop.clone())?;
    let app = App::new(Parts {
        engine: Arc::clone(&engine),
        ingestion,
        access: access.clone(),
        sessions: Default::default(),
        meters: Default::default(),
        is_secure: tls.is_some() || arguments.behind_proxy,
        behind_proxy: arguments.behind_proxy,
        stop: stop.clone(),
    });
    announce(context, listener.as_ref(), postgres.as_ref(), access.is_some(), tls.is_some())?;
    let mut tasks = tokio::task::JoinSet::new();
    if let Some(listener) = listener {
        tasks.spawn(http::serve(app, listener, tls.clone(), stop.clone()));
    }
    if let Some(postgres) = postgres {
        let listener = tokio::net::TcpListener::from_std(postgres).map_err(Error::Output)?;
        tasks.spawn(serve_wire(Arc::clone(&engine), listener, access, tls, stop.clone()));
    }
    let following = tokio::spawn({
        let (engine, stop) = (Arc::clone(&engine), stop.clone());
        async move { engine.follow(stop).await }
    });
    let asked_to_end = signals::end()?;
    let ended = tokio::select! {
        () = asked_to_end => Ok(()),
        // A listener that ends by itself has failed.
        Some(ended) = tasks.join_next() => ended.map_err(Error::from).and_then(|served| served),
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    committing.await.map_err(|_| Error::Worker("the thread that adds events ended early".to_owned()))?;
    following.await?;
    ended.map(|()| Completion::Done)
}

fn setup(context: &CommandContext) -> Result<EngineSetup> {
    let settings = &context.settings;
    let printer = context.printer;
    Ok(EngineSetup {
        cluster: context.settings.cluster()?,
        project: settings.project.value.clone(),
        store: context.store()?,
        zone: settings.zone().unwrap_or(jiff::tz::TimeZone::UTC),
        resources: settings.resources(),
        file_events: settings.file_events.value,
        clock: wall_clock,
        limits: Limits::default(),
        report: Arc::new(move |text| printer.talk(format!("{}: {text}", wall_clock()))),
    })
}

/// The address of a listener; nothing where it is switched off.
fn address(flag: &str, typed: &str) -> Result<Option<SocketAddr>> {
    if typed == "off" {
        return Ok(None);
    }
    let fault = || Error::invalid(flag, format!("`{typed}` is not an address with a port"));
    typed
        .parse()
        .map(Some)
        .map_err(|_| fault().with_hint("such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443; or `off`"))
}

fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Error::invalid(flag, format!("{address} cannot be listened at: {error}"))
            .with_hint("choose another port, or end what listens there")
    })?;
    listener.set_nonblocking(true).map_err(Error::Output)?;
    Ok(listener)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::file(path))
}

/// Who may connect: on the loopback interface without credentials the person who started the process.
fn access(
    context: &CommandContext,
    arguments: &ServeArguments,
    addresses: &[Option<SocketAddr>],
) -> Result<Option<Arc<AccessFile>>> {
    let file = AccessFile::of_project(&context.settings.project.value);
    let current = file.current()?;
    let is_open = addresses.iter().flatten().any(|address| !address.ip().is_loopback());
    let has_credentials = current.as_ref().is_some_and(|access| access.has_credentials());
    if is_open && arguments.tls_cert.is_none() && !arguments.behind_proxy {
        let error = Error::refused("an address that other machines reach needs TLS");
        return Err(error.with_hint("give `--tls-cert` and `--tls-key`, or `--behind-proxy` where a proxy has them"));
    }
    if (is_open || arguments.behind_proxy) && !has_credentials {
        let error = Error::refused("an address that other machines reach needs a user with a credential");
        return Err(error.with_hint("make one with `casebook access add USER`"));
    }
    if let Some(warning) = file.warning() {
        context.printer.talk(format!("note: {warning}"));
    }
    Ok(current.map(|_| Arc::new(file)))
}

fn announce(
    context: &CommandContext,
    http: Option<&TcpListener>,
    postgres: Option<&TcpListener>,
    has_access: bool,
    has_tls: bool,
) -> Result<()> {
    if let Some(listener) = http {
        let scheme = if has_tls { "https" } else { "http" };
        let address = listener.local_addr().map_err(Error::Output)?;
        context.printer.talk(format!("pages and API: {scheme}://{address}/"));
    }
    if let Some(listener) = postgres {
        let address = listener.local_addr().map_err(Error::Output)?;
        context.printer.talk(format!("Postgres wire: {address}{}", if has_tls { ", with TLS" } else { "" }));
    }
    if !has_access {
        context.printer.talk("note: there is no access.toml: everyone who uses this machine has all rights here; `casebook access add USER` changes that");
    }
    Ok(())
}
