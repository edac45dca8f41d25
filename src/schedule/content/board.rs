//! A dashboard as content: its files, its manifest, its mail and its figures.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::file::ContentFile;
use super::output::{at, check_name, check_once, rendered_mail, words};
use crate::error::{Error, Result};
use crate::export::media_type;
use crate::metric::compare::Compare;
use crate::metric::filter::Filter;
use crate::metric::range::{Range, parse_zone, zone_name};
use crate::model::time::Instant;
use crate::query::moment::Moment;
use crate::report::find_dashboard;
use crate::report::format::mail::mail;
use crate::report::format::{FORMATS, File, Format};
use crate::report::made::{Report, ReportPlan};
use crate::report::manifest::{Made, Manifest};
use crate::report::page::{Body, Figure, Page};
use crate::report::question::Choices;
use crate::report::rows::value_unit_name;
use crate::report::table::capitalized;
use crate::report::value::Value;
use crate::schedule::parcel::{Rendered, RenderedFile, Role, RunSummary, SummaryFigure};
use crate::schedule::sources::{Showing, Sources};
use crate::spelling::did_you_mean;

/// How many cases a page lists under each widget, unless a number is stated.
const CASES: u16 = 10;
/// Figures of a summary, at most.
pub const FIGURES_MAX: usize = 8;

/// A dashboard that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardContent {
    choices: Choices,
    range: Option<String>,
}

impl BoardContent {
    /// What is sent, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        words(&format!("board {}", self.choices.dashboard), self.range.as_deref(), &self.choices.formats)
    }

    /// Reads the keys of a dashboard.
    ///
    /// # Errors
    /// When there is a key that does nothing, or more than one comparison.
    pub fn of(file: ContentFile) -> std::result::Result<BoardContent, String> {
        let known =
            ["range", "formats", "where", "hours", "compare", "widget", "cases", "anonymize", "with_text", "name"];
        file.check_keys("board", &known)?;
        let compare = file.compare.unwrap_or_default().0;
        if compare.len() > 1 {
            return Err("a dashboard is compared with one range: write one word for `compare`".to_owned());
        }
        let choices = Choices {
            dashboard: file.board.unwrap_or_default(),
            filters: file.filters.unwrap_or_default().0,
            hours: file.hours,
            compare: compare.into_iter().next(),
            widget: file.widget,
            formats: file.formats.map_or_else(|| vec!["html".to_owned()], |formats| formats.0),
            anonymize: file.anonymize.unwrap_or_default(),
            with_text: file.with_text.unwrap_or_default(),
            as_user: None,
            stem: file.name,
            cases: usize::from(file.cases.unwrap_or(CASES)),
        };
        Ok(BoardContent { choices, range: file.range })
    }

    /// What the names of the files begin with.
    pub fn stem(&self) -> &str {
        self.choices.stem.as_deref().unwrap_or(&self.choices.dashboard)
    }

    /// Everything that is wrong with what is written at that place.
    pub fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        let Choices { dashboard, filters, hours, compare, widget, formats, .. } = &self.choices;
        let mut faults = check_once(formats, &at(place, "formats"));
        faults
            .extend(formats.iter().filter(|name| Format::find(name).is_none()).map(|name| unknown_format(place, name)));
        faults.extend(check_name(self.choices.stem.as_deref(), place));
        if let Some(other) = hours.as_deref().filter(|hours| !["all", "business"].contains(hours)) {
            let error = Error::invalid(at(place, "hours"), format!("`{other}` are no hours"));
            faults.push(error.with_hint("write `business` or `all`"));
        }
        faults.extend(
            compare.as_deref().and_then(|name| Compare::parse(name).err()).map(|error| error.at(at(place, "compare"))),
        );
        faults.extend(filters.iter().filter_map(|text| Filter::parse(&at(place, "where"), text).err()));
        if let Some(range) = &self.range {
            let parsed = Range::parse(range, &TimeZone::UTC, Instant(0));
            faults.extend(parsed.err().map(|error| error.at(at(place, "range"))));
        }
        match find_dashboard(&sources.project, dashboard, &sources.catalogue) {
            Ok(found) => {
                let titles = || found.widgets().map(|plan| plan.title.as_str());
                let missing = widget.as_deref().filter(|title| titles().all(|known| known != *title));
                faults.extend(missing.map(|title| {
                    let near = did_you_mean(title, titles());
                    let hint =
                        near.unwrap_or_else(|| format!("there are: {}", titles().collect::<Vec<_>>().join("; ")));
                    Error::invalid(at(place, "widget"), format!("there is no widget `{title}`")).with_hint(hint)
                }));
            }
            Err(Error::Refused { message, hint }) => {
                faults.push(Error::invalid(at(place, "board"), message).with_any_hint(hint));
            }
            Err(error) => faults.push(error),
        }
        let whole = formats.iter().filter_map(|name| Format::find(name)).find(|format| !format.shows_widgets());
        if let Some(format) = whole.filter(|_| widget.is_some()) {
            let message = format!("`{}` shows a whole page, not one widget", format.name);
            let able = FORMATS.iter().filter(|format| format.shows_widgets()).map(|format| format.name);
            let hint = format!("there are {}", able.collect::<Vec<_>>().join(", "));
            faults.push(Error::invalid(at(place, "formats"), message).with_hint(hint));
        }
        faults
    }

    /// Renders the dashboard as of an instant.
    pub async fn render(&self, sources: &Sources, scheduled_at: Instant, zone: &TimeZone) -> Result<Rendered> {
        let showing = Showing { anonymize: self.choices.anonymize, with_text: self.choices.with_text };
        let zone = |own: Option<&str>| own.map_or_else(|| Ok(zone.clone()), parse_zone);
        let project = (sources.project.as_path(), sources.catalogue.as_ref());
        let plan = ReportPlan::new(self.choices.clone(), self.range.clone(), project, zone, scheduled_at)?;
        let database = sources.database(showing).await?;
        let report = plan.answer(database, sources.catalogue.clone(), Moment::default()).await?;
        let Report { question, page, .. } = &report;
        let made: Vec<File> = question.choices.files(page)?.into_iter().map(|(_, file)| file).collect();
        let mut files = Vec::new();
        if !made.is_empty() {
            files.push(self.manifest(&report, &made, sources).await?);
        }
        let of_file = |File { name, bytes }: File| {
            let media_type = media_type(&name);
            RenderedFile { name, media_type, role: Role::File, bytes }
        };
        files.splice(0..0, made.into_iter().map(of_file));
        let shown = match &question.choices.widget {
            Some(title) => page.clone().only(title),
            None => page.clone(),
        };
        files.extend(rendered_mail(mail(&shown)?));
        Ok(Rendered { summary: summary(&shown), files })
    }

    async fn manifest(&self, report: &Report, files: &[File], sources: &Sources) -> Result<RenderedFile> {
        let Report { question, dashboard, .. } = report;
        let showing = Showing { anonymize: self.choices.anonymize, with_text: self.choices.with_text };
        let (database, log) = (sources.database(showing).await?, sources.log().await?.log().await?);
        let (files, resources): (Vec<&File>, _) = (files.iter().collect(), sources.resources);
        let (catalogue, database) = (sources.catalogue.as_ref(), database.as_ref());
        let made = Made { question, dashboard, catalogue, database, log, resources, files: &files };
        let (name, text) = (Manifest::file_name(question), Manifest::new(made).await?.text()?);
        Ok(RenderedFile { media_type: media_type(&name), name, role: Role::File, bytes: text.into_bytes() })
    }
}

fn unknown_format(place: &str, name: &str) -> Error {
    let names = || FORMATS.iter().map(|format| format.name);
    let near = did_you_mean(name, names());
    let hint =
        near.unwrap_or_else(|| format!("the formats of a dashboard are {}", names().collect::<Vec<_>>().join(", ")));
    Error::invalid(at(place, "formats"), format!("`{name}` is not a format")).with_hint(hint)
}

/// The figures of the first widgets of numbers, and what a reader should know of the page.
fn summary(page: &Page) -> RunSummary {
    let figures = page.widgets().filter_map(|widget| match &widget.body {
        Body::Figures(figures) => Some(figures),
        _ => None,
    });
    let range = &page.scope.range;
    let mut notes: Vec<String> = page.unknown.iter().map(|note| format!("{}.", capitalized(note))).collect();
    if page.widgets().all(|widget| matches!(widget.body, Body::Empty(_))) {
        notes.insert(0, "There are no data in this range.".to_owned());
    }
    RunSummary {
        title: page.title.clone(),
        range: format!("{} ({})", range.text(), zone_name(range.zone())),
        figures: figures.flatten().take(FIGURES_MAX).map(figure).collect(),
        notes,
        ..RunSummary::default()
    }
}

fn figure(figure: &Figure) -> SummaryFigure {
    summary_figure(&figure.label, &figure.value)
}

/// A value under a label.
pub fn summary_figure(label: &str, value: &Value) -> SummaryFigure {
    SummaryFigure {
        label: label.to_owned(),
        text: value.text(),
        value: value.number().into(),
        unit: value_unit_name(value).unwrap_or_default().to_owned(),
    }
}
