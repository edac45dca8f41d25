//! What a report was asked: a dashboard with what was typed beside it, over a range, at a moment. A manifest keeps it, so
//! that the report can be made again.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::build::{self, Sources};
use super::dashboard::{Dashboard, Hours};
use super::find_dashboard;
use super::format::{File, Format, ShownCases};
use super::page::{Page, Widget};
use crate::error::{Error, Result};
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::filter::Filter;
use crate::metric::range::{Range, zone_name};
use crate::metric::shared::Shared;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::query::moment::Moment;
use crate::query::people::Named;
use crate::spelling::did_you_mean;

/// A dashboard, and what was typed beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    pub dashboard: String,
    /// Filters beside those of the dashboard.
    pub filters: Vec<String>,
    /// `all` or `business`; nothing where the dashboard decides.
    pub hours: Option<String>,
    /// What is compared with; nothing where the dashboard decides.
    pub compare: Option<String>,
    /// The title of the only widget that is rendered.
    pub widget: Option<String>,
    /// The names of formats.
    pub formats: Vec<String>,
    /// Whether people are shown by pseudonyms.
    #[serde(default)]
    pub anonymize: bool,
    /// Whether texts that people wrote may be shown.
    #[serde(default)]
    pub with_text: bool,
    /// The user who may see what the report shows; nothing where all rows are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_user: Option<String>,
    /// What the names of the files begin with, where that is not the name of the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<String>,
    /// How many cases each widget lists at most, in formats that list any.
    #[serde(default)]
    pub cases: usize,
}

/// A range: as it was typed, and which days and instants it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRange {
    /// Nothing where the dashboard decides.
    pub typed: Option<String>,
    /// The days, as they can be typed.
    pub days: String,
    pub from: String,
    pub to: String,
}

/// The question of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportQuestion {
    #[serde(flatten)]
    pub choices: Choices,
    pub range: AskedRange,
    pub zone: String,
    /// The instant as of which the page answers.
    pub as_of: Instant,
    /// What `--as-of` and `--known-at` chose.
    pub moment: AskedMoment,
}

/// The moment that was typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedMoment {
    pub as_of: Option<Instant>,
    pub known_at: Option<Instant>,
}

impl Choices {
    /// The dashboard with the filters, hours and comparison that were chosen.
    ///
    /// # Errors
    /// When there is no such dashboard, its file is faulty, or it cannot be asked like that.
    pub fn dashboard(&self, project: &Path, catalogue: &Catalogue) -> Result<Dashboard> {
        let mut dashboard = find_dashboard(project, &self.dashboard, catalogue)?;
        for text in &self.filters {
            dashboard.filters.push(Filter::parse("--where", text)?);
        }
        if let Some(name) = &self.compare {
            dashboard = dashboard.with_compare(Compare::parse(name)?);
        }
        let hours = match self.hours.as_deref() {
            Some("business") => Hours::Business,
            Some(_) => Hours::All,
            None => dashboard.hours,
        };
        let chosen = self.hours.is_some() || hours == Hours::Business;
        Ok(if chosen { dashboard.with_hours(hours, catalogue) } else { dashboard })
    }

    /// The choices with filters by the values that the tables of a database show.
    ///
    /// # Errors
    /// When a filter cannot be read, or the facts.
    pub async fn shown(mut self, database: &Database) -> Result<Choices> {
        for text in &mut self.filters {
            *text = Filter::parse("--where", text)?.shown(database).await?.text();
        }
        if let Some(user) = &mut self.as_user {
            *user = database.shown_value(&Named::User, user).await?;
        }
        Ok(self)
    }

    /// What the formats show of cases; a widget alone has no timelines.
    fn shown_cases(&self) -> ShownCases {
        let most = if self.widget.is_some() { ShownCases::Listed } else { ShownCases::WithTimelines };
        let formats = self.formats.iter().filter_map(|name| Format::find(name));
        formats.map(|format| format.cases).max().unwrap_or_default().min(most)
    }

    /// The files that show a page in every format, in the order of the formats.
    ///
    /// # Errors
    /// When there is no such widget, or the page cannot be drawn.
    pub fn files(&self, page: &Page) -> Result<Vec<(&'static Format, File)>> {
        let mut files = Vec::new();
        for name in &self.formats {
            let format = Format::find(name).ok_or_else(|| Error::refused(format!("`{name}` is not a format")))?;
            let of_format = match &self.widget {
                Some(title) => vec![format.widget(&page.scope, find_widget(page, title)?, self.stem.as_deref())?],
                None => format.page(page, self.stem.as_deref().unwrap_or(&self.dashboard))?,
            };
            files.extend(of_format.into_iter().map(|file| (format, file)));
        }
        Ok(files)
    }
}

impl ReportQuestion {
    /// The question of a report that is made on a wall clock that shows `now`.
    #[must_use]
    pub fn new(choices: Choices, typed: Option<String>, range: &Range, now: Instant, moment: Moment) -> Self {
        let asked = AskedRange { typed, days: range.typed(), from: range.from.to_string(), to: range.to.to_string() };
        let Moment { as_of, known_at, .. } = moment;
        let (zone, moment) = (zone_name(range.zone()), AskedMoment { as_of, known_at });
        ReportQuestion { choices, range: asked, zone, as_of: range.as_of(now), moment }
    }

    /// The range, whose days are the recorded ones whatever was typed.
    ///
    /// # Errors
    /// When the zone or the range is not known.
    pub fn range(&self) -> Result<Range> {
        let zone = TimeZone::get(&self.zone).map_err(|_| {
            Error::refused(format!("`{}` is not a time zone", self.zone))
                .with_hint("the time zone data of this program may be older than that of the report")
        })?;
        Range::parse(&self.range.days, &zone, self.as_of)
    }

    /// The moment that was typed, with the batches up to that one; all without one.
    #[must_use]
    pub fn moment(&self, last_batch: Option<i64>) -> Moment {
        Moment { as_of: self.moment.as_of, known_at: self.moment.known_at.filter(|_| last_batch.is_some()), last_batch }
    }

    /// The page that answers the question from a database.
    ///
    /// # Errors
    /// As [`build::page`].
    pub async fn page(
        &self,
        dashboard: &Dashboard,
        database: Arc<Database>,
        catalogue: Arc<Catalogue>,
    ) -> Result<Page> {
        self.page_with(self.choices.shown_cases(), dashboard, database, catalogue).await
    }

    /// The same page with what it is to show of cases.
    ///
    /// # Errors
    /// As [`build::page`].
    pub async fn page_with(
        &self,
        shown: ShownCases,
        dashboard: &Dashboard,
        database: Arc<Database>,
        catalogue: Arc<Catalogue>,
    ) -> Result<Page> {
        // As of an instant within the range, or of its end, the present makes no other difference.
        let cases = if shown == ShownCases::None { 0 } else { self.choices.cases };
        let has_timelines = shown == ShownCases::WithTimelines;
        let timelines_as_of = self.moment.as_of.or(database.pointer().last_event_at_ms.map(Instant));
        let (range, now, shared) = (self.range()?, self.as_of, Shared::default());
        let sources = Sources { database, catalogue, range, now, cases, has_timelines, timelines_as_of, shared };
        build::page(dashboard, sources).await
    }
}

/// The widget of that title.
fn find_widget<'p>(page: &'p Page, title: &str) -> Result<&'p Widget> {
    page.widgets().find(|widget| widget.title == title).ok_or_else(|| {
        let titles: Vec<&str> = page.widgets().map(|widget| widget.title.as_str()).collect();
        let hint = did_you_mean(title, titles.iter().copied());
        let error = Error::refused(format!("there is no widget `{title}`"));
        error.with_hint(hint.unwrap_or_else(|| format!("there are: {}", titles.join("; "))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timelines_are_read_for_pages_that_show_them() {
        let shown = |formats: &str, widget: Option<&str>| {
            let formats = formats.split(',').map(str::to_owned).collect();
            Choices { formats, widget: widget.map(str::to_owned), ..Choices::default() }.shown_cases()
        };
        assert_eq!(shown("pdf,csv", None), ShownCases::None);
        assert_eq!(shown("csv,xlsx,pdf", None), ShownCases::Listed);
        assert_eq!(shown("xlsx,json", None), ShownCases::WithTimelines);
        assert_eq!(shown("html", None), ShownCases::WithTimelines);
        assert_eq!(shown("json", Some("Backlog")), ShownCases::Listed);
    }
}
