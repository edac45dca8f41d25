//! What a schedule sends: dashboards, numbers of metrics, rows of queries, breach notices.

mod board;
mod file;
mod metric;
pub mod notices;
mod output;
mod sql;

use std::collections::BTreeSet;
use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::parcel::{Rendered, RenderedFile, Role, RunSummary};
use super::sources::Sources;
use crate::error::{Error, Result};
use crate::export::media_type;
use crate::metric::range::zone_name;
use crate::model::time::Instant;
use crate::report::format::mail::{joined_html, joined_text};
use board::{BoardContent, FIGURES_MAX};
use file::ContentFile;
pub use file::Words;
use metric::MetricContent;
pub use output::at;
use sql::SqlContent;

/// One thing that a schedule sends: `[[schedule.send]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "ContentFile")]
pub enum Content {
    Board(BoardContent),
    Metric(MetricContent),
    Sql(SqlContent),
    BreachNotices,
}

impl TryFrom<ContentFile> for Content {
    type Error = String;

    fn try_from(file: ContentFile) -> std::result::Result<Content, String> {
        match file.kind()? {
            "board" => BoardContent::of(file).map(Content::Board),
            "metric" => MetricContent::of(file).map(Content::Metric),
            "sql" => SqlContent::of(file).map(Content::Sql),
            _ => {
                file.check_keys("breach_notices", &[])?;
                match file.breach_notices {
                    Some(true) => Ok(Content::BreachNotices),
                    _ => Err("`breach_notices` is sent or not written: write `breach_notices = true`".to_owned()),
                }
            }
        }
    }
}

impl Content {
    /// Everything that is wrong with what is written at that place, such as `schedule "weekly"`, as far as it can be found before
    /// anything is rendered. Events are not read.
    pub async fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        match self {
            Content::Board(board) => board.check(sources, place),
            Content::Metric(metric) => metric.check(sources, place),
            Content::Sql(sql) => sql.check(sources, place).await,
            Content::BreachNotices => Vec::new(),
        }
    }

    /// What is wrong with the contents of one schedule together: files of one name.
    #[must_use]
    pub fn check_together(contents: &[Content], place: &str) -> Vec<Error> {
        let mut known = BTreeSet::new();
        let stems = contents.iter().filter_map(Content::stem);
        let twice = stems.filter(|stem| !known.insert(*stem)).map(|stem| {
            let error = Error::invalid(place, format!("two contents give files that are named `{stem}`"));
            error.with_hint("give one of them another name: `name = \"…\"`")
        });
        twice.collect()
    }

    /// What the names of the files begin with.
    fn stem(&self) -> Option<&str> {
        match self {
            Content::Board(board) => Some(board.stem()),
            Content::Metric(metric) => Some(metric.stem()),
            Content::Sql(sql) => Some(sql.stem()),
            Content::BreachNotices => None,
        }
    }

    /// Renders the content as it is at the scheduled instant: relative ranges end there, and nothing later counts.
    ///
    /// # Errors
    /// Those that [`Content::check`] gives, and when the store cannot be read; of breach notices, which are rendered for each recipient.
    pub async fn render(&self, sources: &Sources, scheduled_at: Instant, zone: &TimeZone) -> Result<Rendered> {
        match self {
            Content::Board(board) => board.render(sources, scheduled_at, zone).await,
            Content::Metric(metric) => metric.render(sources, scheduled_at, zone).await,
            Content::Sql(sql) => sql.render(sources, scheduled_at, zone).await,
            Content::BreachNotices => Err(Error::refused("breach notices are rendered for each recipient")),
        }
    }

    /// A text that is equal for contents that give the same bytes from the same sources.
    ///
    /// # Errors
    /// JSON's, which would be a defect.
    pub fn key(&self, scheduled_at: Instant, zone: &TimeZone) -> Result<String> {
        Ok(format!("{scheduled_at} {} {}", zone_name(zone), serde_json::to_string(self)?))
    }
}

/// What is sent, in a few words.
impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Board(board) => formatter.write_str(&board.words()),
            Content::Metric(metric) => formatter.write_str(&metric.words()),
            Content::Sql(sql) => formatter.write_str(&sql.words()),
            Content::BreachNotices => formatter.write_str("breach notices"),
        }
    }
}

/// Everything that one run sends, of all its contents: the names of files stay apart, and the mails follow each other.
#[must_use]
pub fn merged(contents: Vec<Rendered>) -> Rendered {
    let mut summary = RunSummary::default();
    let (mut files, mut html, mut text) = (Vec::new(), Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    let several = contents.len() > 1;
    let titles: Vec<String> = contents.iter().map(|content| content.summary.title.clone()).collect();
    for mut content in contents {
        rename(&mut content.files, &mut known);
        for file in content.files {
            match file.role {
                Role::MailHtml => html.push(file.bytes),
                Role::MailText => text.push(file.bytes),
                Role::File | Role::Picture => files.push(file),
            }
        }
        let RunSummary { range, figures, notes, .. } = content.summary;
        summary.range = if summary.range.is_empty() || summary.range == range { range } else { String::new() };
        summary.figures.extend(figures);
        summary.notes.extend(notes);
    }
    summary.figures.truncate(FIGURES_MAX);
    summary.title = titles.join(", ");
    let join = |parts: &[Vec<u8>], join: &dyn Fn(&[&str]) -> String| -> Vec<u8> {
        let texts: Vec<&str> = parts.iter().filter_map(|part| std::str::from_utf8(part).ok()).collect();
        match texts.as_slice() {
            [one] if !several => one.as_bytes().to_vec(),
            texts => join(texts).into_bytes(),
        }
    };
    let mails = [
        ("mail.html", Role::MailHtml, join(&html, &|texts| joined_html(&summary.title, texts))),
        ("mail.txt", Role::MailText, join(&text, &joined_text)),
    ];
    let mails = mails.into_iter().filter(|_| !html.is_empty());
    files.extend(mails.map(|(name, role, bytes)| RenderedFile {
        name: name.to_owned(),
        media_type: media_type(name),
        role,
        bytes,
    }));
    Rendered { summary, files }
}

/// Gives a number to each name that was used before; the mail shows its pictures under their new names.
fn rename(files: &mut [RenderedFile], known: &mut BTreeSet<String>) {
    let mut renamed = Vec::new();
    for file in files.iter_mut().filter(|file| matches!(file.role, Role::File | Role::Picture)) {
        let (stem, ending) = file.name.split_once('.').unwrap_or((&file.name, ""));
        let numbered = (2..).map(|copy| format!("{stem}-{copy}.{ending}"));
        let mut names = std::iter::once(file.name.clone()).chain(numbered);
        let Some(name) = names.find(|name| known.insert(name.clone())) else { continue };
        if name != file.name && file.role == Role::Picture {
            renamed.push((format!("\"cid:{}\"", file.name), format!("\"cid:{name}\"")));
        }
        file.name = name;
    }
    for mail in files.iter_mut().filter(|file| file.role == Role::MailHtml && !renamed.is_empty()) {
        let html = String::from_utf8_lossy(&mail.bytes).into_owned();
        let html = renamed.iter().fold(html, |html, (old, new)| html.replace(old, new));
        mail.bytes = html.into_bytes();
    }
}
