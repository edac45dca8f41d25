//! The numbers of a metric as content, with the columns that `casebook metric` prints.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::board::{FIGURES_MAX, summary_figure};
use super::file::ContentFile;
use super::output::{Exported, at, check_name, check_row_formats, rendered_mail, sentence, words};
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::metric::numbers::{Numbers, NumbersQuestion, NumbersRequest, WholeNumber};
use crate::metric::range::{Range, zone_name};
use crate::model::time::Instant;
use crate::report::format::mail::letter::{Block, Card, Cell, Heading, Letter, Part, Rows};
use crate::report::format::mail::of_letter;
use crate::report::page::{Change, Direction, Figure, Verdict};
use crate::report::table::capitalized;
use crate::report::text;
use crate::report::value::Value;
use crate::schedule::parcel::{Rendered, RunSummary};
use crate::schedule::sources::{Showing, Sources};

/// Numbers of a metric that are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MetricContent {
    request: NumbersRequest,
    formats: Vec<String>,
    name: Option<String>,
    anonymize: bool,
    with_text: bool,
}

impl MetricContent {
    /// What is sent, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        words(&format!("metric {}", self.request.metric), Some(&self.request.range), &self.formats)
    }

    /// Reads the keys of a metric.
    ///
    /// # Errors
    /// When there is a key that does nothing, or the range is missing.
    pub fn of(file: ContentFile) -> std::result::Result<MetricContent, String> {
        let known = [
            "range",
            "formats",
            "where",
            "compare",
            "by",
            "grain",
            "show",
            "sort",
            "limit",
            "anonymize",
            "with_text",
            "name",
        ];
        file.check_keys("metric", &known)?;
        if file.limit == Some(0) {
            return Err("`limit` is a whole number of rows, 1 or more".to_owned());
        }
        let request = NumbersRequest {
            metric: file.metric.unwrap_or_default(),
            range: file.range.ok_or("a metric needs a range, such as `range = \"last full week\"`")?,
            by: file.by.unwrap_or_default().0,
            grain: file.grain,
            show: file.show.unwrap_or_default().0,
            filters: file.filters.unwrap_or_default().0,
            compare: file.compare.unwrap_or_default().0,
            sort: file.sort.unwrap_or_default().0,
            limit: file.limit,
        };
        let formats = file.formats.map_or_else(|| vec!["csv".to_owned()], |formats| formats.0);
        let (anonymize, with_text) = (file.anonymize.unwrap_or_default(), file.with_text.unwrap_or_default());
        Ok(MetricContent { request, formats, name: file.name, anonymize, with_text })
    }

    /// What the names of the files begin with.
    pub fn stem(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.request.metric)
    }

    /// Everything that is wrong with what is written at that place.
    pub fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        let mut faults = check_row_formats(&self.formats, place);
        faults.extend(check_name(self.name.as_deref(), place));
        faults.extend(self.read(sources, place, &TimeZone::UTC, Instant(0)).err());
        faults
    }

    fn read(&self, sources: &Sources, place: &str, zone: &TimeZone, now: Instant) -> Result<NumbersQuestion> {
        let read = self.request.read(|key| at(place, key), zone, now, &sources.catalogue);
        let read = read.and_then(|asked| {
            asked.check_order(sources.catalogue.get(&self.request.metric)?)?;
            Ok(asked)
        });
        read.map_err(|error| match error {
            Error::Refused { message, hint } => Error::invalid(at(place, "metric"), message).with_any_hint(hint),
            error => error,
        })
    }

    /// Renders the numbers as of an instant.
    pub async fn render(&self, sources: &Sources, scheduled_at: Instant, zone: &TimeZone) -> Result<Rendered> {
        let database = sources.database(Showing { anonymize: self.anonymize, with_text: self.with_text }).await?;
        let asked = self.read(sources, "", zone, scheduled_at)?.shown(&database).await?;
        let numbers = asked.answer(&database, &sources.catalogue).await?;
        let batch = numbers.for_machines()?;
        let shown = Shown { durations: numbers.durations(), ..Shown::new(zone.clone(), &self.request.metric) };
        let exported = Exported { schema: batch.schema(), batches: vec![batch], shown };
        let mut files = exported.files(self.stem(), &self.formats)?;
        let range = &asked.question.range;
        files.extend(rendered_mail(of_letter(&letter(&numbers, &asked, &exported, zone)?)));
        Ok(Rendered { summary: summary(&numbers, range), files })
    }
}

/// The numbers as figures, where there is one row.
fn figures(numbers: &Numbers) -> Vec<Figure> {
    let change = |whole: &WholeNumber| {
        let (before, range) = whole.before.clone()?;
        let (direction, so_far) = (Direction::of(whole.number?, before), whole.so_far);
        let before = Value::of(Some(before), &whole.unit);
        Some(Change { before, range, so_far, direction, verdict: Verdict::Neutral })
    };
    let figure = |whole: WholeNumber| Figure {
        label: capitalized(&whole.name),
        value: Value::of(whole.number, &whole.unit),
        change: change(&whole),
    };
    numbers.whole().into_iter().map(figure).collect()
}

fn summary(numbers: &Numbers, range: &Range) -> RunSummary {
    let (rows, _) = numbers.rows();
    let count = summary_figure("Rows", &Value::Count(rows as f64));
    let figures = figures(numbers).into_iter().map(|figure| summary_figure(&figure.label, &figure.value));
    RunSummary {
        title: numbers.title().to_owned(),
        range: format!("{} ({})", range.text(), zone_name(range.zone())),
        figures: figures.chain([count]).take(FIGURES_MAX).collect(),
        notes: numbers.unknown.iter().map(|note| sentence(note)).collect(),
        ..RunSummary::default()
    }
}

fn letter(numbers: &Numbers, asked: &NumbersQuestion, exported: &Exported, zone: &TimeZone) -> Result<Letter> {
    let question = &asked.question;
    let mut facts = vec![
        ("Range".to_owned(), question.range.text()),
        ("Zone".to_owned(), zone_name(zone)),
        ("As of".to_owned(), text::as_of(question.as_of, zone)),
    ];
    facts.extend(question.filters.iter().map(|filter| ("Only".to_owned(), filter.in_words())));
    let figures = figures(numbers);
    let preview: Vec<String> =
        figures.iter().map(|figure| format!("{} {}", figure.label, figure.value.text())).collect();
    let preview = if preview.is_empty() { question.range.text() } else { preview.join(" · ") };
    let blocks = match figures.is_empty() {
        true => vec![Block::Table(rows(numbers, exported, zone)?)],
        false => vec![Block::Figures(figures)],
    };
    let notes = numbers.unknown.iter().chain(&numbers.caption()).map(|line| sentence(line)).collect();
    let parts = vec![Part::Card(Card { blocks, ..Card::default() })];
    Ok(Letter { title: numbers.title().to_owned(), description: String::new(), facts, preview, parts, notes })
}

/// The rows for people. A mail has less space than a file: of a comparison it shows the percentage alone, and of what the rows were
/// computed from the cases.
fn rows(numbers: &Numbers, exported: &Exported, zone: &TimeZone) -> Result<Rows> {
    let people = numbers.for_people()?;
    let shown = Exported { schema: people.schema(), batches: vec![people], shown: Shown::new(zone.clone(), "") };
    let rows = shown.in_mail(zone)?;
    let is_left_out =
        |name: &str| name.starts_with("contributions") || name.starts_with("cases_") || name.ends_with("_change");
    let fields = exported.schema.fields();
    let kept: Vec<bool> = fields.iter().map(|field| !is_left_out(field.name())).collect();
    // Durations and shares in words are numbers all the same.
    let columns = rows
        .columns
        .into_iter()
        .zip(fields)
        .map(|(heading, field)| Heading { is_number: field.data_type().is_numeric(), ..heading });
    let mut flags = kept.iter();
    let columns = columns.filter(|_| flags.next().copied().unwrap_or(true)).collect();
    let cells = |row: Vec<Cell>| -> Vec<Cell> {
        row.into_iter().zip(&kept).filter(|(_, is_kept)| **is_kept).map(|(cell, _)| cell).collect()
    };
    Ok(Rows { columns, rows: rows.rows.into_iter().map(cells).collect(), more: rows.more })
}
