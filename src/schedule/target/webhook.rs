//! A receiver of requests as a target.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

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

fn timeout() -> Duration {
    TIMEOUT
}
