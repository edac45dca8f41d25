//! API tokens: random texts that programs send, of which only a hash is kept.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::model::time::Instant;

/// How a token begins, so that people and secret scanners recognise one.
pub const PREFIX: &str = "cb_";

/// Random bytes of a token.
pub const TOKEN_BYTES: usize = 32;

/// A hash.
pub type Hash = [u8; 32];

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Ask questions.
    Read,
    /// Add events.
    Ingest,
}

impl Scope {
    /// Its name in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Ingest => "ingest",
        }
    }
}

/// Everything that a token may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    pub read: bool,
    pub ingest: bool,
}

impl Scopes {
    /// These scopes.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Scopes {
        Scopes { read: scopes.contains(&Scope::Read), ingest: scopes.contains(&Scope::Ingest) }
    }

    /// Whether it may be used for that.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Ingest => self.ingest,
        }
    }
}

/// What the file has of a token.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    /// The hash in hexadecimal digits.
    pub sha256: String,
    pub scopes: Vec<Scope>,
    /// RFC 3339.
    pub expires_at: String,
}

impl Token {
    /// What the file keeps of a token.
    #[must_use]
    pub fn new(name: &str, token: &str, scopes: Vec<Scope>, expires_at: Instant) -> Token {
        let sha256 = hash(token).iter().map(|byte| format!("{byte:02x}")).collect();
        Token { name: name.to_owned(), sha256, scopes, expires_at: expires_at.to_string() }
    }

    /// Whether that is its hash.
    #[must_use]
    pub fn has_hash(&self, hash: &Hash) -> bool {
        digits(&self.sha256).is_some_and(|own| bool::from(own.ct_eq(hash)))
    }

    /// From when on it is no longer good; the beginning of time where the text is no instant.
    #[must_use]
    pub fn expires_at(&self) -> Instant {
        Instant::parse(&self.expires_at).unwrap_or(Instant(i64::MIN))
    }

    /// What is wrong with it.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        if digits(&self.sha256).is_none() {
            return Some("has a `sha256` that is not 64 hexadecimal digits");
        }
        if Instant::parse(&self.expires_at).is_err() {
            return Some("has an `expires_at` that is not a time such as 2026-12-31T00:00:00Z");
        }
        self.scopes.is_empty().then_some("has no scope: `read`, `ingest` or both")
    }
}

/// A token of these random bytes.
#[must_use]
pub fn of_bytes(bytes: [u8; TOKEN_BYTES]) -> String {
    use base64::Engine;
    format!("{PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// The hash of a token. It needs no salt and no work factor, because a token is random.
#[must_use]
pub fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

fn digits(text: &str) -> Option<Hash> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
