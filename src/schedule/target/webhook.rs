//! A receiver of requests as a target.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::written;
use crate::schedule::secret::{SecretSource, TextOrSecret};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A URL to which JSON is posted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// Addresses of chats are secrets: who has one can post.
    pub url: TextOrSecret,
    #[serde(default)]
    pub shape: Shape,
    /// Signs requests, as Standard Webhooks have it.
    pub secret: Option<SecretSource>,
    #[serde(default)]
    pub headers: BTreeMap<String, TextOrSecret>,
    #[serde(default)]
    pub files: Files,
    /// Whether the receiver remembers the keys of requests, so that one that may have arrived can be sent again.
    #[serde(default)]
    pub idempotent: bool,
    /// Certificates that are trusted beside those of the system. Relative to the project.
    pub ca: Option<PathBuf>,
    #[serde(default = "timeout", deserialize_with = "written::duration")]
    pub timeout: Duration,
}

/// The shape of the JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Everything, for programs.
    #[default]
    Casebook,
    /// A message for an incoming webhook of Slack.
    Slack,
    /// An adaptive card for a workflow of Microsoft Teams.
    Teams,
}

/// What the JSON has of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Files {
    /// Names, sizes and hashes.
    #[default]
    Named,
    /// Also the content, as base64.
    Inline,
}

impl WebhookTarget {
    /// Where it is, without what may be secret.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.url {
            TextOrSecret::Secret(source) => format!("the address in {}", source.place()),
            TextOrSecret::Text(url) => Url::parse(url).map_or_else(|_| "`url`".to_owned(), |url| shown(&url)),
        }
    }
}

/// A URL without what may be secret in it: a password, and the query.
#[must_use]
pub fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

fn timeout() -> Duration {
    TIMEOUT
}
