//! The question of a board as an address writes it: the parameters are the flags of `casebook report`.

use std::sync::Arc;

use super::app::App;
use super::params::Params;
use super::problem::Problem;
use super::reply::Answer;
use super::visitor::Visitor;
use crate::error::{self, Error};
use crate::export::media_type;
use crate::metric::compare::Compare;
use crate::metric::range::parse_zone;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::query::moment::Moment;
use crate::report::format::{FORMATS, File, Format};
use crate::report::made::{Report, ReportPlan};
use crate::report::page::file_stem;
use crate::report::question::Choices;
use crate::serve::engine::State;

/// The parameters of a board.
pub const PARAMETERS: &[&str] = &["range", "tz", "compare", "hours", "where", "cases", "widget", "format"];

/// Cases that a widget lists unless a number is stated.
const CASES: usize = 10;
/// And at most.
const CASES_MAX: usize = 200;

/// A board that a visitor asks for, at one state of the log.
pub struct BoardQuestion {
    state: Arc<State>,
    plan: ReportPlan,
    /// The question as a text, which is another one for each question of the same state.
    key: String,
    visitor: Visitor,
}

/// The present of pages: a full minute, so that one that stays open is not asked again each moment; or the last event, if that is
/// later.
#[must_use]
pub fn present(state: &State, now: Instant) -> Instant {
    let minute = Instant(now.0 - now.0.rem_euclid(60_000));
    state.last_event_at().filter(|last| *last <= now).map_or(minute, |last| last.max(minute))
}

impl BoardQuestion {
    /// Reads the address of a board whose answer is wanted in that format.
    ///
    /// # Errors
    /// When there is no such board, or a parameter is not what is expected.
    pub fn read(
        app: &App,
        visitor: &Visitor,
        name: &str,
        params: &Params,
        format: &Format,
    ) -> Result<BoardQuestion, Problem> {
        params.check(PARAMETERS)?;
        let state = app.engine.state();
        let owned = |name| -> Result<Option<String>, Problem> { Ok(params.one(name)?.map(str::to_owned)) };
        let hours = owned("hours")?;
        if let Some(hours) = hours.as_deref().filter(|hours| !matches!(*hours, "all" | "business")) {
            return Err(Error::invalid("hours", format!("`{hours}` is not `all` or `business`")).into());
        }
        let compare = owned("compare")?;
        compare.as_deref().map(Compare::parse).transpose().map_err(|error| error.at("compare"))?;
        let choices = Choices {
            dashboard: name.to_owned(),
            filters: params.all("where"),
            hours,
            compare,
            widget: owned("widget")?,
            formats: vec![format.name.to_owned()],
            anonymize: false,
            with_text: false,
            as_user: None,
            stem: None,
            cases: params.number("cases", 0..=CASES_MAX, CASES)?,
        };
        let dashboard = choices.dashboard(&app.engine.setup.project, &state.catalogue).map_err(Problem::not_found)?;
        let typed_zone = params.one("tz")?;
        let zone = |own: Option<&str>| match typed_zone.or(own) {
            Some(zone) => parse_zone(zone),
            None => Ok(app.engine.setup.zone.clone()),
        };
        let now = present(&state, app.engine.now());
        let plan = ReportPlan::of(choices, dashboard, owned("range")?, zone, now)?;
        let as_of = plan.range.as_of(now);
        // A page has a button for those who have a session.
        let asked = (&visitor.viewer, visitor.has_session, &plan.choices);
        let key = format!("{asked:?} {} {as_of}", plan.range.typed());
        let zone = crate::metric::range::zone_name(plan.range.zone());
        Ok(BoardQuestion { state, plan, key: format!("{key} {zone}"), visitor: visitor.clone() })
    }

    /// The same for a page that lists cases, which have pages of their own.
    #[must_use]
    pub fn listing_cases(self) -> BoardQuestion {
        BoardQuestion { plan: self.plan.listing_cases(), ..self }
    }

    /// The database that the board is asked of.
    ///
    /// # Errors
    /// When the visitor may not see anything, or the facts cannot be read.
    pub async fn database(&self) -> error::Result<Arc<Database>> {
        self.state.seen_by(&self.visitor.viewer).await
    }

    /// The answer as `make` makes it of the report: the one that was made before, where nothing has changed since.
    ///
    /// # Errors
    /// When the question cannot be answered within the limits.
    pub async fn answer(
        self,
        app: &App,
        kind: &str,
        make: impl FnOnce(&Report) -> error::Result<Answer>,
    ) -> Result<Arc<Answer>, Problem> {
        let BoardQuestion { state, plan, key, visitor } = self;
        let asked = async {
            let database = state.database(&visitor.viewer).await?;
            let report = plan.answer(database, Arc::clone(&state.catalogue), Moment::default()).await?;
            make(&report)
        };
        let question = format!("{kind} {key}");
        let answer = state.answers.get_or_ask(&question, app.engine.ask(&visitor.viewer, asked));
        Ok(answer.await?)
    }
}

/// The file of a report in its only format.
///
/// # Errors
/// When the page has no such widget, or the format makes several files of it.
pub fn only_file(report: &Report) -> error::Result<File> {
    let choices = &report.question.choices;
    let format = choices.formats.first().and_then(|name| Format::find(name));
    let mut files = match (format, &choices.widget) {
        // A format of whole pages shows a page with that widget alone.
        (Some(format), Some(title)) if !format.shows_widgets() => {
            let page = report.page.clone().only(title);
            if page.tabs.is_empty() {
                return Err(Error::refused(format!("there is no widget `{title}`")));
            }
            format.page(&page, &file_stem(title))?
        }
        _ => choices.files(&report.page)?.into_iter().map(|(_, file)| file).collect(),
    };
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        _ => Err(Error::invalid("format", "a board is several files in this format")
            .with_hint("name one widget with `widget`, or ask for `xlsx`, which is one file")),
    }
}

/// The file of a board in the format that the parameters name.
///
/// # Errors
/// When the question cannot be understood, or not be answered within the limits.
pub async fn file_answer(app: &App, visitor: &Visitor, name: &str, params: &Params) -> Result<Arc<Answer>, Problem> {
    let format = params.one("format")?.unwrap_or("xlsx");
    let format = Format::find(format).ok_or_else(|| missing_format(format))?;
    let question = BoardQuestion::read(app, visitor, name, params, format)?;
    question
        .answer(app, "file", |report| {
            let file = only_file(report)?;
            Ok(Answer::new(media_type(&file.name), file.bytes).as_file(file.name))
        })
        .await
}

/// The problem of a format that there is not.
pub fn missing_format(name: &str) -> Problem {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("format: there is no format `{name}`"))
        .with_hint(format!("there are {}", names.join(", ")))
}
