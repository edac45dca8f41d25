//! How a connection begins: TLS, who connects, and the proof of their password.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::message::{self, LOGIN_BYTES_MAX, Startup};
use super::output::Output;
use super::problem::{Answer, NOT_ALLOWED, NOT_SUPPORTED, Problem, WRONG_PASSWORD};
use super::scram::{Exchange, MECHANISM};
use super::settings::WireSettings;
use super::shared::Shared;
use crate::access::{AccessFile, ScramVerifier};
use crate::query::rights::Viewer;
use crate::serve::attempts::TooMany;

/// How often a client may ask for encryption before it names itself.
const REQUESTS_MAX: usize = 3;

/// What carries bytes in both directions.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection whose user is known.
pub struct LoggedIn {
    pub transport: Box<dyn Transport>,
    pub viewer: Viewer,
    pub credential: Option<Credential>,
    pub settings: WireSettings,
}

/// What a user logged in with. The connection ends when it is revoked or changed.
#[derive(Clone, Debug)]
pub struct Credential {
    access: Arc<AccessFile>,
    user: String,
    verifier: ScramVerifier,
}

impl Credential {
    /// Whether the user could still log in with the same password.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let access = self.access.current().ok().flatten();
        access.and_then(|access| access.scram(&self.user)).is_some_and(|verifier| verifier == self.verifier)
    }
}

/// Takes a connection up to the proof of the password; nothing where it was a request to stop a question, or ended. An error
/// has been sent to the client.
pub async fn log_in(shared: &Shared, stream: TcpStream, address: IpAddr) -> Option<LoggedIn> {
    let mut transport: Box<dyn Transport> = Box::new(stream);
    let begun = begin(shared, &mut transport, address).await;
    let problem = match begun {
        Ok(Some((viewer, credential, settings))) => {
            return Some(LoggedIn { transport, viewer, credential, settings });
        }
        Ok(None) => {
            // Clients of TLS take a connection that just ends as broken.
            drop(transport.shutdown().await);
            return None;
        }
        Err(problem) => problem,
    };
    let mut output = Output::new(transport);
    output.problem(b'E', "FATAL", &problem);
    output.close().await;
    None
}

async fn begin(
    shared: &Shared,
    transport: &mut Box<dyn Transport>,
    address: IpAddr,
) -> Answer<Option<(Viewer, Option<Credential>, WireSettings)>> {
    let mut is_encrypted = false;
    let Some((minor, pairs)) = parameters(shared, transport, &mut is_encrypted).await? else { return Ok(None) };
    if shared.tls.is_some() && !is_encrypted {
        let problem = Problem::fatal(NOT_ALLOWED, "this server takes connections with TLS only");
        return Err(problem.with_hint("set `sslmode=require`, or `verify-full` with the certificate of its authority"));
    }
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let user = value("user").filter(|user| !user.is_empty());
    let user = user.ok_or_else(|| Problem::fatal(NOT_ALLOWED, "the client names no user"))?;
    if value("replication").is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0")) {
        return Err(Problem::fatal(NOT_SUPPORTED, "there is no replication here"));
    }
    let settings = settings(shared, user, &pairs)?;
    if minor > 0 {
        negotiate(transport, &pairs).await?;
    }
    let Some(access) = &shared.access else { return Ok(Some((Viewer::Owner, None, settings))) };
    let Some(credential) = prove(shared, access, transport, user, address).await? else { return Ok(None) };
    Ok(Some((Viewer::User(user.to_owned()), Some(credential), settings)))
}

/// The minor version and the parameters of a connection; requests before them are answered.
async fn parameters(
    shared: &Shared,
    transport: &mut Box<dyn Transport>,
    is_encrypted: &mut bool,
) -> Answer<Option<(u16, Vec<(String, String)>)>> {
    for _ in 0..=REQUESTS_MAX {
        let Some(startup) = message::startup(transport).await? else { return Ok(None) };
        match startup {
            Startup::Parameters { minor, pairs } => return Ok(Some((minor, pairs))),
            Startup::Cancel { process, key } => {
                shared.cancels.cancel(process, key);
                return Ok(None);
            }
            Startup::Tls if !*is_encrypted && shared.tls.is_some() => {
                answer(transport, b'S').await?;
                let plain = std::mem::replace(transport, Box::new(tokio::io::empty()));
                let Some(acceptor) = &shared.tls else { return Ok(None) };
                // What the client sent before is part of the handshake, which fails then.
                let Ok(encrypted) = acceptor.accept(plain).await else { return Ok(None) };
                *transport = Box::new(encrypted);
                *is_encrypted = true;
            }
            Startup::Tls | Startup::Kerberos => answer(transport, b'N').await?,
        }
    }
    Err(Problem::protocol("the client asks for encryption again and again"))
}

async fn answer(transport: &mut Box<dyn Transport>, byte: u8) -> Answer<()> {
    let mut output = Output::new(transport);
    output.raw(byte);
    output.send().await.map_err(|_| Problem::protocol("the client is gone"))
}

/// Names the version that the server has, and the options of the protocol that it does not know.
async fn negotiate(transport: &mut Box<dyn Transport>, pairs: &[(String, String)]) -> Answer<()> {
    let unknown: Vec<&str> =
        pairs.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_.")).collect();
    let mut output = Output::new(transport);
    output.message(b'v', |buffer| {
        buffer.extend_from_slice(&0_u32.to_be_bytes());
        buffer.extend_from_slice(&u32::try_from(unknown.len()).unwrap_or_default().to_be_bytes());
        for name in unknown {
            buffer.extend_from_slice(name.as_bytes());
            buffer.push(0);
        }
    });
    output.send().await.map_err(|_| Problem::protocol("the client is gone"))
}

/// The settings that a client states on connecting. Those that this server does not have are ignored, as they have no effect.
fn settings(shared: &Shared, user: &str, pairs: &[(String, String)]) -> Answer<WireSettings> {
    let mut settings = WireSettings::new(user, shared.engine.limits().question_time);
    let options = pairs.iter().filter(|(name, _)| name == "options").flat_map(|(_, options)| stated(options));
    let named =
        pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "user" | "database" | "options" | "replication"));
    let named = named.map(|(name, value)| (name.clone(), value.clone()));
    for (name, value) in named.chain(options) {
        if settings.value(&name).is_ok() {
            settings.set(&name, &value).map_err(|problem| Problem { is_fatal: true, ..problem })?;
        }
    }
    Ok(settings)
}

/// The settings of `-c name=value -c other=value`.
fn stated(options: &str) -> Vec<(String, String)> {
    let words = options.split_whitespace().map(|word| word.trim_start_matches("--").trim_start_matches("-c"));
    let pairs = words.filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.replace('-', "_"), value.to_owned())).collect()
}

/// The exchange in which the client proves that it knows the password; nothing where it ends the connection.
async fn prove(
    shared: &Shared,
    access: &Arc<AccessFile>,
    transport: &mut Box<dyn Transport>,
    user: &str,
    address: IpAddr,
) -> Answer<Option<Credential>> {
    let attempts = &shared.engine.attempts;
    attempts.check(address, user, shared.engine.now()).map_err(too_many)?;
    let unusable = || Problem::fatal("58000", "the server's credentials cannot be read");
    let current = access.current().map_err(|_| unusable())?.ok_or_else(unusable)?;
    let verifier = current.scram(user).unwrap_or_else(|| current.scram_of_unknown(user));
    authentication(transport, 10, format!("{MECHANISM}\0\0").as_bytes()).await?;
    let Some(first) = response(transport).await? else { return Ok(None) };
    let first = initial(&first)?;
    let exchange = Exchange::begin(verifier.clone(), &first)?;
    authentication(transport, 11, exchange.server_first().as_bytes()).await?;
    let Some(last) = response(transport).await? else { return Ok(None) };
    let last = String::from_utf8(last).map_err(|_| Problem::protocol("the last message of SCRAM is not UTF-8"))?;
    let finished = exchange.finish(&last);
    attempts.judge(address, user, shared.engine.now(), finished.is_ok()).map_err(too_many)?;
    authentication(transport, 12, finished?.as_bytes()).await?;
    Ok(Some(Credential { access: Arc::clone(access), user: user.to_owned(), verifier }))
}

/// Sends a step of the authentication.
async fn authentication(transport: &mut Box<dyn Transport>, step: u32, content: &[u8]) -> Answer<()> {
    let mut output = Output::new(transport);
    output.message(b'R', |buffer| {
        buffer.extend_from_slice(&step.to_be_bytes());
        buffer.extend_from_slice(content);
    });
    output.send().await.map_err(|_| Problem::protocol("the client is gone"))
}

/// The content of the client's answer.
async fn response(transport: &mut Box<dyn Transport>) -> Answer<Option<Vec<u8>>> {
    match message::frame(transport, LOGIN_BYTES_MAX).await? {
        Some((b'p', content)) => Ok(Some(content)),
        Some((b'X', _)) | None => Ok(None),
        Some(_) => Err(Problem::protocol("a password was expected")),
    }
}

/// The message of SCRAM within a client's first answer.
fn initial(content: &[u8]) -> Answer<String> {
    let malformed = || Problem::protocol("the answer that chooses how to log in is malformed");
    let end = memchr::memchr(0, content).ok_or_else(malformed)?;
    let (mechanism, rest) = content.split_at_checked(end).ok_or_else(malformed)?;
    if mechanism != MECHANISM.as_bytes() {
        return Err(Problem::protocol(format!("log-in is by {MECHANISM} only")));
    }
    let (length, message) = rest.get(1..).and_then(|rest| rest.split_first_chunk::<4>()).ok_or_else(malformed)?;
    if usize::try_from(i32::from_be_bytes(*length)) != Ok(message.len()) {
        return Err(malformed());
    }
    String::from_utf8(message.to_vec()).map_err(|_| malformed())
}

fn too_many(_: TooMany) -> Problem {
    Problem::fatal(WRONG_PASSWORD, "too many wrong passwords were tried").with_hint("try again in a minute")
}
