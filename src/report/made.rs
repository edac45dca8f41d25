//! Making a report: what was chosen becomes a plan, which is checked without data, and the plan a page.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::dashboard::Dashboard;
use super::format::ShownCases;
use super::page::Page;
use super::question::{Choices, ReportQuestion};
use crate::error::Result;
use crate::metric::catalogue::Catalogue;
use crate::metric::range::Range;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::query::moment::Moment;

/// A report that can be asked for.
#[derive(Clone, Debug)]
pub struct ReportPlan {
    pub choices: Choices,
    /// The range as it was typed; nothing where the dashboard decides.
    typed: Option<String>,
    pub dashboard: Dashboard,
    pub range: Range,
    now: Instant,
    /// What the page shows of cases; nothing where the formats decide.
    shown_cases: Option<ShownCases>,
}

/// A report that has been asked for.
pub struct Report {
    pub question: ReportQuestion,
    pub dashboard: Dashboard,
    pub page: Page,
}

impl ReportPlan {
    /// The plan of a report in a project, whose relative ranges end at `now`. `zone` chooses the zone, given the name of the dashboard's own.
    ///
    /// # Errors
    /// When there is no such dashboard, its file is faulty, it cannot be asked like that, or the range or the zone is none.
    pub fn new(
        choices: Choices,
        typed: Option<String>,
        (project, catalogue): (&Path, &Catalogue),
        zone: impl FnOnce(Option<&str>) -> Result<TimeZone>,
        now: Instant,
    ) -> Result<ReportPlan> {
        let dashboard = choices.dashboard(project, catalogue)?;
        ReportPlan::of(choices, dashboard, typed, zone, now)
    }

    /// The plan of a report of a dashboard that was read with these choices.
    ///
    /// # Errors
    /// When the range or the zone is none.
    pub fn of(
        choices: Choices,
        dashboard: Dashboard,
        typed: Option<String>,
        zone: impl FnOnce(Option<&str>) -> Result<TimeZone>,
        now: Instant,
    ) -> Result<ReportPlan> {
        let zone = zone(dashboard.time_zone.as_deref())?;
        let range = Range::parse(typed.as_deref().unwrap_or(&dashboard.range), &zone, now)?;
        Ok(ReportPlan { choices, typed, dashboard, range, now, shown_cases: None })
    }

    /// The same, for a page that lists cases without what happened in each.
    #[must_use]
    pub fn listing_cases(self) -> ReportPlan {
        ReportPlan { shown_cases: Some(ShownCases::Listed), ..self }
    }

    /// The report from a database, which is of that moment.
    ///
    /// # Errors
    /// When the facts cannot be read, or a metric cannot be asked as a widget wants.
    pub async fn answer(self, database: Arc<Database>, catalogue: Arc<Catalogue>, moment: Moment) -> Result<Report> {
        let ReportPlan { choices, typed, dashboard, range, now, shown_cases } = self;
        let (choices, dashboard) = (choices.shown(&database).await?, dashboard.shown(&database).await?);
        let question = ReportQuestion::new(choices, typed, &range, now, moment);
        let page = match shown_cases {
            Some(shown) => question.page_with(shown, &dashboard, database, catalogue).await?,
            None => question.page(&dashboard, database, catalogue).await?,
        };
        Ok(Report { question, dashboard, page })
    }
}
