//! Delivery by mail: one message to one recipient in one conversation with the mail server.
//!
//! A message counts as sent when the server has accepted the dot at its end. If the connection ends after that dot and before
//! the answer, the message may have arrived. A failure before that is certain.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::contents;
use super::receipt::{Failure, Receipt, line, root_cause};
use crate::error::Result;
use crate::model::time::Instant;
use crate::schedule::parcel::{Output, Parcel};
use crate::schedule::secret::{Environment, Secret, without_secrets};
use crate::schedule::target::email::{EmailTarget, MailAddress, MailSettings, Security};

mod message;
pub(super) mod tls;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the server may take to answer the farewell, on which nothing depends.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes of a message that are sent at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Memory for the messages that are sent at the same time, and conversations with the server.
const MEMORY_KIB: u32 = 160 << 10;
const CONVERSATIONS_MAX: u32 = 32;

/// Copies of a file in memory while it is sent: itself, encoded, in the message, and on its way.
const COPIES: u64 = 4;

/// The mail server, and what is made once for all mail.
#[derive(Debug)]
pub struct Mailer {
    pub server: MailSettings,
    tls: OnceLock<Tls>,
    /// Memory that is free, in KiB.
    memory: Semaphore,
}

/// The parameters of encryption.
struct Tls(TlsParameters);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tls")
    }
}

impl Mailer {
    /// The mail server, with which nothing is done yet.
    #[must_use]
    pub fn new(server: MailSettings) -> Mailer {
        Mailer { server, tls: OnceLock::new(), memory: Semaphore::new(MEMORY_KIB as usize) }
    }

    /// Where the server is, as messages name it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("mail server `{}:{}`", self.server.server, self.server.port())
    }

    /// The parameters of encryption.
    ///
    /// # Errors
    /// When the certificates that are named cannot be read.
    pub(super) fn tls(&self, environment: &Environment) -> Result<TlsParameters> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.0.clone());
        }
        let tls = tls::parameters(&self.server.server, self.server.ca.as_deref(), environment)?;
        Ok(self.tls.get_or_init(|| Tls(tls)).0.clone())
    }

    /// What is sent to log in.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub(super) fn login(&self, environment: &Environment) -> Result<Option<Login>> {
        let (Some(user), Some(password)) = (&self.server.user, &self.server.password) else { return Ok(None) };
        let password = password.read(environment)?;
        let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
        Ok(Some(Login { credentials, password }))
    }
}

/// What is sent to log in, and what must not be readable in messages.
pub(super) struct Login {
    credentials: Credentials,
    password: Secret,
}

/// A step of the conversation, with what to do if it fails.
#[derive(Clone, Copy)]
enum Step {
    Connect,
    Encrypt,
    LogIn,
    Sender,
    Recipient,
    Message,
}

impl Step {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Step::Connect => ("the connection", "check `server`, `port` and `security`"),
            Step::Encrypt => {
                ("the encryption", "check `security`, or name the certificate that signs the server's as `ca`")
            }
            Step::LogIn => ("the login", "check `user` and `password`"),
            Step::Sender => ("the sender", "check `from`"),
            Step::Recipient => ("the recipient", "check the address"),
            Step::Message => ("the message", "check its size and what the server accepts"),
        }
    }
}

/// Sends the mail of a parcel to one of its recipients.
///
/// # Errors
/// When the mail server does not accept it, or may not have.
pub async fn deliver(
    target: &EmailTarget,
    recipient: Option<&str>,
    parcel: &Parcel,
    now: Instant,
    mailer: &Mailer,
    environment: &Environment,
) -> std::result::Result<Receipt, Failure> {
    let (recipient, to) = addressees(target, recipient, &mailer.server)?;
    let (attached, left_out) = attachments(target, parcel, mailer.server.attachments);
    let shown = contents::shown(parcel);
    let bytes: u64 = shown.iter().chain(&attached).map(|output| output.bytes).sum();
    // Many mails at once wait for each other here. Nothing closes the semaphore.
    let _memory = mailer.memory.acquire_many(memory_kib(bytes)).await.ok();
    let attached = contents::read_all(attached).await?;
    let shown = contents::read_all(shown).await?;
    let parts = message::Parts { shown: &shown, attached: &attached, left_out: &left_out };
    let message = message::build(target, &mailer.server.from.0, &to, parcel, &parts, now)?;
    let envelope = Envelope::new(Some(mailer.server.from.0.email.clone()), vec![recipient.email.clone()]);
    let envelope = envelope.map_err(|error| Failure::for_good(root_cause(&error)))?;
    send(mailer, environment, &envelope, &message).await?;
    let files = if attached.len() == 1 { "1 file".to_owned() } else { format!("{} files", attached.len()) };
    let text = format!("{} took the mail to {} with {files}", mailer.place(), recipient.email);
    Ok(Receipt { text, was_there: false })
}

/// The memory that a mail with so many bytes takes, and its part of the conversations.
fn memory_kib(bytes: u64) -> u32 {
    let kib = u32::try_from(bytes.saturating_mul(COPIES) >> 10).unwrap_or(MEMORY_KIB);
    kib.clamp(MEMORY_KIB / CONVERSATIONS_MAX, MEMORY_KIB)
}

/// The recipient, and everybody who is named in the message.
fn addressees(
    target: &EmailTarget,
    recipient: Option<&str>,
    server: &MailSettings,
) -> std::result::Result<(Mailbox, Vec<Mailbox>), Failure> {
    let recipient = recipient.ok_or_else(|| Failure::for_good("the mail has no recipient"))?;
    let listed = target.listed();
    let (recipient, to) = if target.takes_recipients() {
        let one = MailAddress::parse(recipient).map_err(Failure::for_good)?.0;
        (one.clone(), vec![one])
    } else {
        let found = listed.iter().find(|address| address.address().eq_ignore_ascii_case(recipient));
        let found = found.ok_or_else(|| Failure::for_good(format!("`{recipient}` is not among `to`")))?;
        (found.0.clone(), listed.iter().map(|address| address.0.clone()).collect())
    };
    if !server.allows(&recipient.email) {
        let reason =
            format!("`{}` is not among the `recipients` of `[email]`; add the address or its domain", recipient.email);
        return Err(Failure::for_good(reason));
    }
    Ok((recipient, to))
}

/// The files that are attached, and those that would make the mail too large.
fn attachments<'p>(target: &EmailTarget, parcel: &'p Parcel, bytes_max: u64) -> (Vec<&'p Output>, Vec<&'p Output>) {
    let mut bytes = 0_u64;
    contents::files(parcel).into_iter().filter(|output| target.attaches(&output.name)).partition(|output| {
        let fits = bytes.saturating_add(output.bytes) <= bytes_max;
        bytes += if fits { output.bytes } else { 0 };
        fits
    })
}

async fn send(
    mailer: &Mailer,
    environment: &Environment,
    envelope: &Envelope,
    message: &[u8],
) -> std::result::Result<(), Failure> {
    let login = mailer.login(environment).map_err(|error| Failure::of(&error))?;
    let is_ended = AtomicBool::new(false);
    let place = mailer.place();
    let sent = timeout(mailer.server.timeout, async {
        let mut connection = open(mailer, environment, login.as_ref()).await?;
        let sent = transfer(&place, &mut connection, envelope, message, &is_ended).await;
        // The message has been accepted or not, whatever the answer to the farewell.
        let _ = timeout(QUIT_TIMEOUT, connection.abort()).await;
        sent
    });
    let sent = sent.await.unwrap_or_else(|_| {
        let reason = format!("{place} took more than {} s", mailer.server.timeout.as_secs());
        Err(match is_ended.load(Ordering::Relaxed) {
            true => Failure::unknown(format!("{reason} to accept the message; ask there whether it arrived")),
            false => Failure::for_now(format!("{reason}; check `server`, `port` and `security`")),
        })
    });
    sent.map_err(|failure| match &login {
        Some(login) => Failure { reason: without_secrets(&failure.reason, [&login.password]), ..failure },
        None => failure,
    })
}

/// A connection that is encrypted as is written, and logged in. Never falls back to plain text.
async fn open(
    mailer: &Mailer,
    environment: &Environment,
    login: Option<&Login>,
) -> std::result::Result<AsyncSmtpConnection, Failure> {
    let place = mailer.place();
    let server = &mailer.server;
    // The command line and the check refuse these settings, too; this is the last place before a password is sent.
    server.check().map_err(|(message, advice)| Failure::for_good(format!("{message}; {advice}")))?;
    let tls = match server.security {
        Security::None => None,
        Security::Starttls | Security::Tls => Some(mailer.tls(environment).map_err(|error| Failure::of(&error))?),
    };
    let (first_tls, later_tls) = if server.security == Security::Tls { (tls, None) } else { (None, tls) };
    let client = ClientId::default();
    let address = (server.server.trim_start_matches('[').trim_end_matches(']'), server.port());
    let connect = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &client, first_tls, None);
    let connection = timeout(CONNECT_TIMEOUT, connect).await.map_err(|_| {
        Failure::for_now(format!(
            "{place} did not answer within {} s; check `server` and `port`",
            CONNECT_TIMEOUT.as_secs()
        ))
    })?;
    let mut connection = connection.map_err(|error| failure(&place, Step::Connect, &error))?;
    if let Some(tls) = later_tls {
        if !connection.can_starttls() {
            let reason = format!(
                "{place} does not offer STARTTLS; nothing was sent; write `security = \"tls\"` if it expects that"
            );
            return Err(Failure::for_now(reason));
        }
        connection.starttls(tls, &client).await.map_err(|error| failure(&place, Step::Encrypt, &error))?;
    }
    if let Some(login) = login {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        let answer = connection.auth(&mechanisms, &login.credentials).await;
        answer.map_err(|error| failure(&place, Step::LogIn, &error))?;
    }
    Ok(connection)
}

/// Passes a message to the server; `is_ended` is set before the dot at its end is sent.
async fn transfer(
    place: &str,
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
    is_ended: &AtomicBool,
) -> std::result::Result<(), Failure> {
    let mut parameters = Vec::new();
    if envelope.from().into_iter().chain(envelope.to()).any(|address| !address.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let reason = format!("{place} takes only addresses in ASCII; write the domain in its ASCII form");
            return Err(Failure::for_good(reason));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let answer = connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
    answer.map_err(|error| failure(place, Step::Sender, &error))?;
    for recipient in envelope.to() {
        let answer = connection.command(Rcpt::new(recipient.clone(), Vec::new())).await;
        answer.map_err(|error| {
            let failure = failure(place, Step::Recipient, &error);
            Failure {
                reason: failure.reason.replace("the recipient", &format!("the recipient `{recipient}`")),
                ..failure
            }
        })?;
    }
    connection.command(Data).await.map_err(|error| failure(place, Step::Message, &error))?;
    let answer = connection.message_iter(Parts { rest: message, is_ended }).await;
    answer.map(drop).map_err(|error| {
        let failure = failure(place, Step::Message, &error);
        if is_ended.load(Ordering::Relaxed) && error.status().is_none() {
            let reason = format!(
                "{place} did not answer after the message was sent: {}; ask there whether it arrived",
                root_cause(&error)
            );
            return Failure::unknown(reason);
        }
        failure
    })
}

/// The parts of a message. The connection asks for the next part when it has sent the one before; after the last part it
/// sends the dot.
struct Parts<'m> {
    rest: &'m [u8],
    is_ended: &'m AtomicBool,
}

impl<'m> Iterator for Parts<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        let (part, rest) = self.rest.split_at(self.rest.len().min(CHUNK_BYTES));
        self.rest = rest;
        if part.is_empty() {
            self.is_ended.store(true, Ordering::Relaxed);
            return None;
        }
        Some(part)
    }
}

/// The failure of a step before the end of the message, or of one that the server has refused.
fn failure(place: &str, step: Step, error: &lettre::transport::smtp::Error) -> Failure {
    let (what, advice) = step.words();
    let cause = line(&root_cause(error));
    let Some(code) = error.status() else {
        let what = if cause.contains("certificate") { Step::Encrypt.words() } else { (what, advice) };
        return Failure::for_now(format!("{place}: {} failed: {cause}; {}", what.0, what.1));
    };
    let reason = format!("{place} refused {what}: {code} {cause}");
    match error.is_permanent() {
        true => Failure::for_good(format!("{reason}; {advice}")),
        false => Failure::for_now(reason),
    }
}

/// Connects to the mail server, logs in, and leaves. Nothing is sent.
///
/// # Errors
/// When one of these fails.
pub async fn connect(mailer: &Mailer, environment: &Environment) -> std::result::Result<(), Failure> {
    let login = mailer.login(environment).map_err(|error| Failure::of(&error))?;
    let connected = timeout(mailer.server.timeout, async {
        let mut connection = open(mailer, environment, login.as_ref()).await?;
        let is_alive = connection.test_connected().await;
        let _ = timeout(QUIT_TIMEOUT, connection.abort()).await;
        match is_alive {
            true => Ok(()),
            false => Err(Failure::for_now(format!("{} does not answer after the login", mailer.place()))),
        }
    });
    let timed_out = |_| Err(Failure::for_now(format!("{} did not answer in time", mailer.place())));
    connected.await.unwrap_or_else(timed_out)
}
