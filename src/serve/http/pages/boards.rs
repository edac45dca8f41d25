//! The list of boards, and one board, whose address is its question.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use super::behind;
use super::visit::{PageResult, PageVisitor};
use crate::metric::compare::Compare;
use crate::query::rights::granted::ViewerRole;
use crate::report::dashboard::Dashboard;
use crate::report::format::FORMATS;
use crate::report::format::html::{Links, embedded};
use crate::report::made::Report;
use crate::report::{dashboard_names, find_dashboard};
use crate::serve::http::app::App;
use crate::serve::http::board::{BoardQuestion, file_answer, missing_format};
use crate::serve::http::params::Params;
use crate::serve::http::reply::Answer;
use crate::serve::http::site::{Framed, HTML, case_address, framed, in_path, made};

/// Ranges to choose from; any other can be typed.
const RANGES: [&str; 10] = [
    "today",
    "yesterday",
    "this week",
    "last full week",
    "last 7 days",
    "this month",
    "last full month",
    "last 30 days",
    "this quarter",
    "this year",
];

/// The formats of whole boards.
const OF_BOARDS: [&str; 4] = ["xlsx", "pdf", "html", "json"];

/// The list of boards.
pub async fn list(State(app): State<App>, visitor: PageVisitor) -> PageResult<Markup> {
    let database = app.engine.seen_by(&visitor.visitor.viewer).await.map_err(|error| visitor.problem(error))?;
    let (state, project) = (app.engine.state(), &app.engine.setup.project);
    let boards = dashboard_names(project).into_iter().map(|name| {
        // A board with a fault is listed, and its page states the fault.
        let dashboard = find_dashboard(project, &name, &state.catalogue).ok();
        let title = dashboard.as_ref().map_or(name.clone(), |board| board.title.clone());
        (name, title, dashboard.map(|board| board.description).unwrap_or_default())
    });
    let main = html! {
        ul class="boards" {
            @for (name, title, description) in boards {
                li { a href={ "/boards/" (name) } { (title) } p { (description) } }
            }
        }
    };
    let page = Framed { title: "Boards", place: "/boards", is_live: false, head: html! {}, main };
    Ok(framed(&visitor.visitor, database.rights().role(), &page))
}

/// A board.
pub async fn board(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: PageVisitor,
    headers: HeaderMap,
) -> PageResult<Response> {
    let (question, role) = asked(&app, &name, &params, &visitor).await?;
    let who = visitor.visitor.clone();
    let answer = question.answer(&app, "page", |report| {
        let own = |title: &str| {
            format!("/boards/{}/widgets/{}{}", in_path(&name), in_path(title), params.with("widget", &[]))
        };
        let links = Links { case: &case_address, cases: &behind::address, widget: Some(&own) };
        let parts = embedded(&report.page, &links)?;
        let head = html! { (made(&parts.head)) (choices(&report.dashboard, &params)) (exports(&name, &params)) };
        let main = html! { (made(parts.main.trim_end())) };
        let page = Framed { title: &report.page.title, place: "/boards", is_live: is_open(report), head, main };
        Ok(Answer::new(HTML, framed(&who, role, &page).into_string()))
    });
    Ok(answer.await.map_err(|problem| visitor.problem(problem))?.response(&headers))
}

/// A board as a file.
pub async fn file(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: PageVisitor,
    headers: HeaderMap,
) -> PageResult<Response> {
    let answer = file_answer(&app, &visitor.visitor, &name, &params).await;
    Ok(answer.map_err(|problem| visitor.problem(problem))?.response(&headers))
}

/// The question of a page with a board, or with one widget of it, and the role of who asks.
pub async fn asked(
    app: &App,
    name: &str,
    params: &Params,
    visitor: &PageVisitor,
) -> PageResult<(BoardQuestion, ViewerRole)> {
    let format = FORMATS.first().ok_or_else(|| visitor.problem(missing_format("html")))?;
    let question = BoardQuestion::read(app, &visitor.visitor, name, params, format);
    let question = question.map_err(|problem| visitor.problem(problem))?;
    let role = question.database().await.map_err(|error| visitor.problem(error))?.rights().role();
    Ok((question.listing_cases(), role))
}

/// Whether the page is about what still goes on, so that new events can change it.
pub fn is_open(report: &Report) -> bool {
    let range = &report.page.scope.range;
    report.page.scope.as_of < range.to
}

/// The form by which a reader asks the board for something else.
fn choices(dashboard: &Dashboard, params: &Params) -> Markup {
    let value = |name: &str| params.one(name).ok().flatten().unwrap_or_default().to_owned();
    let (range, compare, hours, zone) = (value("range"), value("compare"), value("hours"), value("tz"));
    let filters = params.all("where");
    html! {
        form class="ask" method="get" {
            label { "Range"
                input name="range" list="ranges" value=(range) placeholder=(dashboard.range) size="22";
                datalist id="ranges" { @for range in RANGES { option value=(range) {} } }
            }
            label { "Zone" input name="tz" value=(zone) placeholder="of the board" size="16"; }
            label { "Compared with"
                select name="compare" {
                    option value="" { "as the board states" }
                    @for name in Compare::NAMES { option value=(name) selected[name == compare] { (name) } }
                }
            }
            label { "Hours"
                select name="hours" {
                    option value="" { "as the board states" }
                    @for name in ["all", "business"] { option value=(name) selected[name == hours] { (name) } }
                }
            }
            @for filter in &filters { label { "Only" input name="where" value=(filter) size="18"; } }
            label { "Only" input name="where" placeholder="platform=email" size="18"; }
            button { "Show" }
        }
    }
}

fn exports(name: &str, params: &Params) -> Markup {
    html! {
        p class="exports" {
            span { "Export" }
            @for format in OF_BOARDS {
                a class="button plain" href={ "/boards/" (name) "/file" (params.with("format", &[format])) } { (format.to_uppercase()) }
            }
        }
    }
}
