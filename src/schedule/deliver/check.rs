//! What can be known of a target before anything is rendered.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::receipt::root_cause;
use super::webhook::Receiver;
use super::{Deliverer, Failure, email, object};
use crate::error::{Error, Result};
use crate::schedule::encoding::in_url;
use crate::schedule::secret::{Environment, TextOrSecret};
use crate::schedule::target::Target;
use crate::schedule::target::command::CommandTarget;
use crate::schedule::target::email::{EmailTarget, Security};
use crate::schedule::target::folder::FolderTarget;
use crate::schedule::target::object::ObjectTarget;
use crate::schedule::target::webhook::WebhookTarget;
use crate::schedule::template::Values;
use crate::store::project;

/// How long a receiver of requests may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Parts of the names of headers whose values are secrets.
const SECRET_HEADERS: &[&str] = &["authorization", "cookie", "token", "key", "secret", "password"];

/// Checks what a target of that name needs: settings, addresses, secrets, certificates, a folder, a program. Nothing is sent.
///
/// # Errors
/// What is wrong, at the target.
pub fn check_target(name: &str, target: &Target, with: &Deliverer) -> Result<()> {
    let environment = &with.environment;
    let checked = match target {
        Target::Folder(target) => check_folder(target, environment.project()),
        Target::Object(target) => check_object(target, environment),
        Target::Email(target) => check_email(target, with),
        Target::Webhook(target) => check_webhook(target, with),
        Target::Command(target) => check_program(target, environment),
    };
    checked.map_err(|error| {
        let hint = error.hint().map(str::to_owned);
        Error::invalid(format!("target `{name}`"), error.to_string()).with_any_hint(hint)
    })
}

fn check_folder(target: &FolderTarget, project: &Path) -> Result<()> {
    let path = target.path.fill_path(&Values::example(), str::to_owned).map_err(Error::refused)?;
    let path = project.join(path);
    let folder = path.parent().and_then(project::nearest_folder).unwrap_or(project);
    if !folder.is_dir() {
        return Err(Error::refused(format!("`{}` is not a folder", folder.display())).with_hint("check `path`"));
    }
    project::try_folder(folder).map_err(|error| {
        Error::refused(format!("nothing can be written into `{}`: {}", folder.display(), root_cause(&error)))
            .with_hint("let the user of this process write there, or check `path`")
    })
}

fn check_object(target: &ObjectTarget, environment: &Environment) -> Result<()> {
    object::check(target, &example_url(target)?, environment).map_err(refused)
}

fn example_url(target: &ObjectTarget) -> Result<String> {
    target.url.fill_path(&Values::example(), in_url).map_err(Error::refused)
}

fn refused(failure: Failure) -> Error {
    Error::refused(failure.reason)
}

fn check_email(target: &EmailTarget, with: &Deliverer) -> Result<()> {
    let mailer = with.mailer().map_err(refused)?;
    let server = &mailer.server;
    server.check().map_err(|(message, hint)| Error::refused(format!("`[email]`: {message}")).with_hint(hint))?;
    if let Some(address) = target.listed().iter().find(|address| !server.allows(&address.0.email)) {
        let message = format!("`{}` is not among the `recipients` of `[email]`", address.address());
        return Err(Error::refused(message).with_hint("add the address or its domain, such as `@example.com`"));
    }
    mailer.login(&with.environment)?;
    match server.security {
        Security::None => Ok(()),
        Security::Starttls | Security::Tls => mailer.tls(&with.environment).map(drop),
    }
}

fn check_webhook(target: &WebhookTarget, with: &Deliverer) -> Result<()> {
    let is_plain = |value: &TextOrSecret| matches!(value, TextOrSecret::Text(_));
    let is_secret = |name: &str| SECRET_HEADERS.iter().any(|part| name.to_ascii_lowercase().contains(part));
    if let Some((name, _)) = target.headers.iter().find(|(name, value)| is_plain(value) && is_secret(name)) {
        return Err(Error::refused(format!("the header `{name}` is a secret, which is not written into this file"))
            .with_hint("name where it is, such as { env = \"NAME\" }"));
    }
    let receiver = Receiver::read(target, &with.environment)?;
    with.clients.of(target, &receiver, &with.environment).map(drop)
}

fn check_program(target: &CommandTarget, environment: &Environment) -> Result<()> {
    let values = Values::example().with_folder("folder");
    let program = target.run.first().map_or_else(String::new, |program| program.fill(&values, str::to_owned));
    let is_found = if program.contains('/') {
        project::is_program(&environment.project().join(&program))
    } else {
        let folders = environment.variable("PATH").unwrap_or_default();
        folders.split(':').any(|folder| project::is_program(&Path::new(folder).join(&program)))
    };
    match is_found {
        true => Ok(()),
        false => Err(Error::refused(format!("`{program}` is not a program that can be started"))
            .with_hint("check `run`: a path is relative to the project, and the file must be executable")),
    }
}

/// Connects to a target, and sends nothing: logs in to the mail server, lists at most one object, accepts the certificate of a
/// receiver of requests.
///
/// # Errors
/// When that fails.
pub async fn connect(name: &str, target: &Target, with: &Deliverer) -> Result<()> {
    let environment = &with.environment;
    let connected = match target {
        Target::Folder(_) | Target::Command(_) => Ok(()),
        Target::Object(target) => object::connect(target, &example_url(target)?, environment).await.map_err(refused),
        Target::Email(_) => match with.mailer() {
            Ok(mailer) => email::connect(mailer, environment).await.map_err(refused),
            Err(failure) => Err(refused(failure)),
        },
        Target::Webhook(target) => connect_webhook(target, environment).await,
    };
    connected.map_err(|error| Error::invalid(format!("target `{name}`"), error.to_string()))
}

async fn connect_webhook(target: &WebhookTarget, environment: &Environment) -> Result<()> {
    let receiver = Receiver::read(target, environment)?;
    let host = receiver.url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = receiver.url.port_or_known_default().unwrap_or(443);
    let connected = if receiver.url.scheme() == "https" {
        let parameters = email::tls::parameters(host, target.ca.as_deref(), environment)?;
        email::tls::handshake(host, port, parameters, CONNECT_TIMEOUT).await
    } else {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(connected) => connected.map(drop).map_err(|error| root_cause(&error)),
            Err(_) => Err("it took too long".to_owned()),
        }
    };
    connected.map_err(|cause| Error::refused(receiver.unreachable(&cause)))
}
