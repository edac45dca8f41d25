//! What a webhook and a command get of a run, as JSON.

use serde::Serialize;

use super::contents::{self, Content};
use crate::model::time::Instant;
use crate::schedule::encoding::base64;
use crate::schedule::parcel::{Output, Parcel, SummaryFigure};

/// The JSON of the shape `casebook`.
#[derive(Debug, Serialize)]
pub struct Body<'p> {
    schedule: &'p str,
    scheduled_at: Instant,
    title: &'p str,
    range: &'p str,
    reasons: &'p [String],
    figures: &'p [SummaryFigure],
    notes: &'p [String],
    files: Vec<BodyFile<'p>>,
    /// The same at every attempt.
    key: &'p str,
    /// Whether an earlier attempt may have been received.
    repeat: bool,
}

/// A file of a [`Body`].
#[derive(Debug, Serialize)]
struct BodyFile<'p> {
    name: &'p str,
    media_type: &'p str,
    bytes: u64,
    sha256: &'p str,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

impl<'p> BodyFile<'p> {
    fn named(output: &'p Output) -> BodyFile<'p> {
        let Output { name, media_type, bytes, sha256, .. } = output;
        BodyFile { name, media_type, bytes: *bytes, sha256, content: None }
    }
}

/// What a parcel holds, with the names of its files.
#[must_use]
pub fn named(parcel: &Parcel) -> Body<'_> {
    of(parcel, contents::files(parcel).into_iter().map(BodyFile::named).collect())
}

/// What a parcel holds, with the content of these files.
#[must_use]
pub fn inline<'p>(parcel: &'p Parcel, files: &'p [Content]) -> Body<'p> {
    let file = |file: &'p Content| BodyFile { content: Some(base64(&file.bytes)), ..BodyFile::named(&file.output) };
    of(parcel, files.iter().map(file).collect())
}

fn of<'p>(parcel: &'p Parcel, files: Vec<BodyFile<'p>>) -> Body<'p> {
    let summary = &parcel.summary;
    Body {
        schedule: &parcel.run.schedule,
        scheduled_at: parcel.run.scheduled_at,
        title: &summary.title,
        range: &summary.range,
        reasons: &summary.reasons,
        figures: &summary.figures,
        notes: &summary.notes,
        files,
        key: &parcel.key,
        repeat: parcel.is_repeat,
    }
}
