//! Delivery by a request: JSON that is posted to a URL, signed as Standard Webhooks have it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use url::{Host, Url};

use super::body;
use super::contents;
use super::receipt::{Failure, Receipt, line, root_cause};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::schedule::encoding::{from_base64, signature};
use crate::schedule::parcel::Parcel;
use crate::schedule::secret::{Environment, Secret, TextOrSecret, without_secrets};
use crate::schedule::target::webhook::{Files, Shape, WebhookTarget, shown};

mod chat;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read for the reason of a failure.
const ANSWER_BYTES_MAX: usize = 2 << 10;

/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How a secret in base64 begins in Standard Webhooks.
const SECRET_PREFIX: &str = "whsec_";

/// One client for each set of trusted certificates, made when it is first needed.
#[derive(Debug, Default)]
pub struct Clients(Mutex<BTreeMap<ClientKind, Client>>);

/// What a client depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClientKind {
    ca: Option<PathBuf>,
    /// Requests to this machine pass no proxy.
    is_local: bool,
}

impl Clients {
    /// The client for a target.
    ///
    /// # Errors
    /// When the certificates that are named cannot be read.
    pub(super) fn of(&self, target: &WebhookTarget, receiver: &Receiver, environment: &Environment) -> Result<Client> {
        self.get(ClientKind { ca: target.ca.clone(), is_local: is_local(&receiver.url) }, environment)
    }

    fn get(&self, kind: ClientKind, environment: &Environment) -> Result<Client> {
        let known = self.0.lock().ok().and_then(|clients| clients.get(&kind).cloned());
        if let Some(client) = known {
            return Ok(client);
        }
        // A connection that was kept might be closed when the next request is sent, and whether that was received would be
        // unknown.
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("casebook/", env!("CARGO_PKG_VERSION")));
        if kind.is_local {
            builder = builder.no_proxy();
        }
        if let Some(ca) = &kind.ca {
            let pem = environment.read_file(ca)?;
            let certificates = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
            let certificates = certificates
                .ok_or_else(|| Error::invalid(ca.display().to_string(), "there is no certificate in PEM in it"))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build();
        let client =
            client.map_err(|error| Error::refused(format!("no request can be made: {}", root_cause(&error))))?;
        if let Ok(mut clients) = self.0.lock() {
            clients.insert(kind, client.clone());
        }
        Ok(client)
    }
}

/// A receiver whose URL and secrets have been read.
pub(super) struct Receiver {
    pub url: Url,
    /// How messages name it: without what may be secret.
    pub place: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    key: Option<Vec<u8>>,
    secrets: Vec<Secret>,
}

impl Receiver {
    /// Reads the URL and the secrets.
    ///
    /// # Errors
    /// When one cannot be read or is not what it should be.
    pub(super) fn read(target: &WebhookTarget, environment: &Environment) -> Result<Receiver> {
        let mut secrets = vec![target.url.read(environment)?];
        let text = secrets.first().map_or("", Secret::reveal);
        let named = match &target.url {
            TextOrSecret::Text(_) => "`url`".to_owned(),
            TextOrSecret::Secret(source) => source.place(),
        };
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| {
            Error::refused(format!("{named} holds no URL"))
                .with_hint("write such as `https://hooks.example.com/casebook`")
        })?;
        let is_plain = matches!(target.url, TextOrSecret::Text(_));
        let may_be_secret = url.password().is_some() || target.shape != Shape::Casebook && !is_local(&url);
        if is_plain && may_be_secret {
            return Err(Error::refused("the address in `url` is a secret: who has it can post")
                .with_hint("write `url = { env = \"NAME\" }`"));
        }
        if url.scheme() == "http" && !is_local(&url) && (target.secret.is_some() || !target.headers.is_empty()) {
            return Err(Error::refused(format!("{named} has no encryption, which headers and signatures need"))
                .with_hint("write `https`"));
        }
        let place = match is_plain {
            true => format!("`{}`", shown(&url)),
            false => format!("the address in {named}"),
        };
        let key = target.secret.as_ref().map(|source| source.read(environment)).transpose()?;
        let bytes = key.as_ref().map(|key| key_bytes(key.reveal())).transpose()?;
        secrets.extend(key);
        let mut headers = Vec::new();
        for (name, value) in &target.headers {
            let value = value.read(environment)?;
            headers.push(header(name, &value)?);
            secrets.push(value);
        }
        // What is written plainly in the file is no secret, but `place` names it.
        let secrets = secrets.into_iter().skip(usize::from(is_plain)).collect();
        Ok(Receiver { url, place, headers, key: bytes, secrets })
    }
}

impl Receiver {
    /// What is written where no connection can be made.
    pub(super) fn unreachable(&self, cause: &str) -> String {
        let place = &self.place;
        let advice = match cause.contains("certificate") {
            true => "name the certificate that signs its own as `ca`",
            false => "check `url`",
        };
        format!("{place} cannot be reached: {cause}; {advice}")
    }
}

/// Whether a URL leads to this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue)> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let parsed = parsed.map_err(|_| Error::refused(format!("`{name}` is not the name of a header")))?;
    let mut value = HeaderValue::from_str(value.reveal())
        .map_err(|_| Error::refused(format!("the value of the header `{name}` has letters that no header has")))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// The key of signatures: base64 after `whsec_`, or any text.
fn key_bytes(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix(SECRET_PREFIX) {
        None => Ok(text.as_bytes().to_vec()),
        Some(encoded) => from_base64(encoded).ok_or_else(|| {
            Error::refused(format!("the `secret` begins with `{SECRET_PREFIX}`, and is not base64 after that"))
        }),
    }
}

/// Posts a parcel.
///
/// # Errors
/// When the receiver does not accept it, or may not have.
pub async fn deliver(
    target: &WebhookTarget,
    parcel: &Parcel,
    now: Instant,
    clients: &Clients,
    environment: &Environment,
) -> std::result::Result<Receipt, Failure> {
    let receiver = Receiver::read(target, environment).map_err(|error| Failure::of(&error))?;
    let posted = post(target, parcel, now, clients, &receiver, environment).await;
    posted.map_err(|failure| Failure { reason: without_secrets(&failure.reason, &receiver.secrets), ..failure })
}

async fn post(
    target: &WebhookTarget,
    parcel: &Parcel,
    now: Instant,
    clients: &Clients,
    receiver: &Receiver,
    environment: &Environment,
) -> std::result::Result<Receipt, Failure> {
    let client = clients.of(target, receiver, environment).map_err(|error| Failure::of(&error))?;
    let json = json(target, parcel).await?;
    let headers = headers(receiver, parcel, now, &json)?;
    let request = client.post(receiver.url.clone()).headers(headers).timeout(target.timeout).body(json);
    let place = &receiver.place;
    let answer = request.send().await.map_err(|error| {
        let is_connect = error.is_connect();
        let cause = match error.is_timeout() {
            true => "it took too long".to_owned(),
            false => root_cause(&error.without_url()),
        };
        match is_connect {
            true => Failure::for_now(receiver.unreachable(&cause)),
            false => {
                Failure::unknown(format!("{place} did not answer the request: {cause}; ask there whether it arrived"))
            }
        }
    })?;
    let status = answer.status();
    match status.is_success() {
        true => Ok(Receipt { text: format!("{place} took the request: {status}"), was_there: false }),
        false => Err(refusal(place, answer, now).await),
    }
}

/// The failure of a request that was answered.
async fn refusal(place: &str, answer: Response, now: Instant) -> Failure {
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| parse_retry_after(value.to_str().ok()?, now));
    let words = answer_text(answer).await;
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let reason = format!("{place} refused the request with {status}{words}");
    let may_pass =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if status.is_server_error() || may_pass {
        return Failure { retry_after, ..Failure::for_now(reason) };
    }
    Failure::for_good(match status.is_redirection() {
        true => format!("{place} answers with {status} and another address; write that as `url`"),
        false => format!("{reason}; check `url`, `headers` and `secret`"),
    })
}

/// The beginning of an answer, on one line.
async fn answer_text(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        bytes.extend_from_slice(&part);
        if bytes.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    let text = line(&String::from_utf8_lossy(&bytes));
    // A page for people is no reason.
    if text.starts_with('<') { String::new() } else { crate::spelling::shortened(&text, 200) }
}

/// Seconds, or a date of HTTP.
fn parse_retry_after(text: &str, now: Instant) -> Option<Duration> {
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
            let ms = Instant(at.as_millisecond()).since_ms(now);
            Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

async fn json(target: &WebhookTarget, parcel: &Parcel) -> std::result::Result<Vec<u8>, Failure> {
    let json = match (target.shape, target.files) {
        (Shape::Casebook, Files::Named) => serde_json::to_vec(&body::named(parcel)),
        (Shape::Casebook, Files::Inline) => {
            let files = contents::read_all(contents::files(parcel)).await?;
            serde_json::to_vec(&body::inline(parcel, &files))
        }
        (Shape::Slack, _) => serde_json::to_vec(&chat::slack(parcel)),
        (Shape::Teams, _) => serde_json::to_vec(&chat::teams(parcel)),
    };
    json.map_err(|error| Failure::for_good(format!("the request cannot be made: {error}")))
}

fn headers(receiver: &Receiver, parcel: &Parcel, now: Instant, json: &[u8]) -> std::result::Result<HeaderMap, Failure> {
    let seconds = now.0.div_euclid(1000).to_string();
    let mut own = vec![
        ("webhook-id", parcel.key.clone()),
        ("webhook-timestamp", seconds.clone()),
        ("idempotency-key", parcel.key.clone()),
    ];
    if let Some(key) = &receiver.key {
        let message = [parcel.key.as_bytes(), b".", seconds.as_bytes(), b".", json];
        own.push(("webhook-signature", format!("v1,{}", signature(key, &message))));
    }
    if parcel.is_repeat {
        own.push(("x-casebook-repeat", "1".to_owned()));
    }
    let mut headers: HeaderMap = receiver.headers.iter().cloned().collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in own {
        let value = HeaderValue::from_str(&value);
        let value = value.map_err(|_| Failure::for_good(format!("the header `{name}` cannot be made")))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let key = key_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message: [&[u8]; 5] =
            [b"msg_p5jXN8AQM9LWM0D4loKWxJek", b".", b"1614265330", b".", b"{\"test\": 2432232314}"];
        assert_eq!(signature(&key, &message), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(key_bytes("whsec_!").is_err());
        assert_eq!(key_bytes("any text").unwrap(), b"any text");
    }

    #[test]
    fn a_wait_is_in_seconds_or_until_a_date() {
        let now = Instant::parse("2026-11-23T07:00:00Z").unwrap();
        let wait = |text: &str| parse_retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Mon, 23 Nov 2026 07:01:30 GMT"), Some(90));
        assert_eq!(wait("Mon, 23 Nov 2026 06:00:00 GMT"), Some(0));
        assert_eq!(wait("999999999"), Some(86_400));
        assert_eq!(wait("soon"), None);
    }
}
