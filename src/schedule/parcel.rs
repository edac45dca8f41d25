//! What a run has rendered, and what of it one recipient gets.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::time::Instant;

/// What a run is named by: its schedule, and the instant at which it was due, whenever it is carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunName {
    pub schedule: String,
    pub scheduled_at: Instant,
}

/// What a rendered file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A file for the recipient: a format of a board, an export, a manifest.
    File,
    /// The HTML text of a mail.
    MailHtml,
    /// The plain text of a mail.
    MailText,
    /// A picture that the HTML text of a mail shows, under `cid:` and the name of the file.
    Picture,
}

/// A file as it was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// Without a folder.
    pub name: String,
    pub media_type: &'static str,
    pub role: Role,
    pub bytes: Vec<u8>,
}

/// A figure that a short message states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryFigure {
    pub label: String,
    /// As people read it, such as `2h 5m`.
    pub text: String,
    /// The number, in the unit; null where there is none.
    pub value: serde_json::Value,
    /// `ms` for durations, `share`, `count`, …
    pub unit: String,
}

/// What a short message states of a run: a chat or a webhook shows it, and a mail takes its subject from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub title: String,
    /// The range, such as `9–15 November 2026 (Europe/Prague)`; empty where there is none.
    pub range: String,
    /// Why it is sent, where that is not only because of the time: one sentence each.
    #[serde(default)]
    pub reasons: Vec<String>,
    pub figures: Vec<SummaryFigure>,
    /// Remarks, one sentence each.
    pub notes: Vec<String>,
}

/// Everything that a run has rendered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    pub summary: RunSummary,
    pub files: Vec<RenderedFile>,
}

/// A rendered file that is kept in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Without a folder.
    pub name: String,
    pub media_type: String,
    pub role: Role,
    pub bytes: u64,
    /// Hexadecimal digits.
    pub sha256: String,
    /// Where it is kept.
    pub path: PathBuf,
}

/// What one recipient of one target gets of a run.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub run: RunName,
    pub summary: RunSummary,
    pub outputs: Vec<Output>,
    /// The same at every attempt, another for every run, target and recipient: letters, digits and `-`.
    pub key: String,
    /// Whether an earlier attempt may have been received, so that this one is marked as a repeat.
    pub is_repeat: bool,
    /// The zone of the schedule, by whose calendar paths name days.
    pub zone: jiff::tz::TimeZone,
}
