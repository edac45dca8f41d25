//! The frame of every page: the way to the other pages, the style and the scripts.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::app::App;
use super::problem::Problem;
use super::reply::Answer;
use super::visitor::Visitor;
use crate::query::rights::granted::ViewerRole;
use crate::report::format::html::{SCRIPT, stylesheet};

const STYLE: &str = include_str!("site.css");
const SITE_SCRIPT: &str = include_str!("site.js");
const EDITOR_SCRIPT: &str = include_str!("complete.js");

static STYLE_ANSWER: LazyLock<Answer> =
    LazyLock::new(|| Answer::new("text/css; charset=utf-8", format!("{}\n{STYLE}", stylesheet())));
static PAGE_SCRIPT_ANSWER: LazyLock<Answer> =
    LazyLock::new(|| Answer::new("text/javascript; charset=utf-8", SCRIPT.as_bytes()));
static SITE_SCRIPT_ANSWER: LazyLock<Answer> =
    LazyLock::new(|| Answer::new("text/javascript; charset=utf-8", SITE_SCRIPT.as_bytes()));
static EDITOR_SCRIPT_ANSWER: LazyLock<Answer> =
    LazyLock::new(|| Answer::new("text/javascript; charset=utf-8", EDITOR_SCRIPT.as_bytes()));

/// The pages that every page leads to: path, name, and whether agents have them.
const PLACES: &[(&str, &str, bool)] = &[
    ("/boards", "Boards", true),
    ("/views", "Views", true),
    ("/cases", "Cases", true),
    ("/agents", "Agents", true),
    ("/catalogue", "Metrics", true),
    ("/sql", "SQL", false),
    ("/health", "Health", false),
];

/// The routes of this file.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/static/style.css", get(async |headers: HeaderMap| STYLE_ANSWER.response(&headers)))
        .route("/static/page.js", get(async |headers: HeaderMap| PAGE_SCRIPT_ANSWER.response(&headers)))
        .route("/static/site.js", get(async |headers: HeaderMap| SITE_SCRIPT_ANSWER.response(&headers)))
        .route("/static/complete.js", get(async |headers: HeaderMap| EDITOR_SCRIPT_ANSWER.response(&headers)))
}

/// Whether that role may use the pages that agents do not have.
#[must_use]
pub fn is_of_supervisors(role: ViewerRole) -> bool {
    role != ViewerRole::Agent
}

/// What a role is called.
fn role_name(role: ViewerRole) -> &'static str {
    match role {
        ViewerRole::Owner => "all rights",
        ViewerRole::Admin => "admin",
        ViewerRole::Supervisor => "supervisor",
        ViewerRole::Agent => "agent",
    }
}

/// What a page is, for its frame.
pub struct Framed<'p> {
    pub title: &'p str,
    /// The path of the place that it belongs to, such as `/boards`.
    pub place: &'p str,
    /// Whether it is asked for again when the log has grown.
    pub is_live: bool,
    /// What stands beside the heading.
    pub head: Markup,
    /// What stands below it.
    pub main: Markup,
}

/// A page in its frame.
#[must_use]
pub fn framed(visitor: &Visitor, role: ViewerRole, page: &Framed<'_>) -> Markup {
    // A script compares it with the state that comes first, which may be a later one.
    let live = page.is_live.then(|| visitor.version.to_string());
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(page.title))
            body data-live=[live] {
                a class="skip" href="#content" { "Skip to the content" }
                nav class="site" aria-label="Pages" {
                    ul {
                        @for (path, name, is_of_agents) in PLACES {
                            @if *is_of_agents || is_of_supervisors(role) {
                                li { a href=(path) aria-current=[(*path == page.place).then_some("page")] { (name) } }
                            }
                        }
                    }
                    p class="visitor" { (visitor.name()) " (" (role_name(role)) ") " (button(visitor)) }
                }
                header class="head" { h1 { (page.title) } (page.head) }
                p class="fresh" role="status" hidden { }
                main id="content" { (page.main) }
            }
        }
    }
}

/// A page without the way to others.
#[must_use]
pub fn bare(title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" { (head(title)) body class="bare" { main id="content" { (main) } } }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Casebook" }
            link rel="stylesheet" href="/static/style.css";
            link rel="icon" href="data:,";
            // In this order: the first remembers the content before the second changes it.
            script src="/static/site.js" defer {}
            script src="/static/page.js" defer {}
        }
    }
}

/// Markup that the report module has made and escaped.
#[must_use]
pub fn made(html: &str) -> Markup {
    PreEscaped(html.to_owned())
}

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// A text as one part of a path.
pub fn in_path(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The address of a case.
pub fn case_address(case: &str) -> String {
    format!("/cases/{}", in_path(case))
}

/// Why a page is not shown: a page again, or the way to log in.
#[derive(Debug)]
pub struct PageProblem {
    pub problem: Problem,
    /// Where the browser was, to come back after logging in.
    pub path: String,
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let PageProblem { problem, path } = self;
        if problem.status == StatusCode::UNAUTHORIZED {
            return redirect(&path);
        }
        let title = problem.title();
        let page = bare(
            title,
            &html! {
                div class="card login" {
                    h1 { (title) }
                    p class="fault" { (problem.detail) }
                    @if let Some(hint) = &problem.hint { p class="hint" { "Hint: " (hint) } }
                    p { a href="/boards" { "To the boards" } }
                }
            },
        );
        let status = problem.status;
        let mut response = (status, page).into_response();
        if let Some(defect) = problem.defect {
            response.extensions_mut().insert(super::problem::Defect(defect));
        }
        response
    }
}

/// A button that ends the session, where there is one.
fn button(visitor: &Visitor) -> Markup {
    html! {
        @if visitor.has_session {
            form method="post" action="/logout" class="inline" { button class="plain" { "Log out" } }
        }
    }
}

/// Where a browser that has not logged in is sent.
fn redirect(path_and_query: &str) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(path_and_query.as_bytes()).collect();
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/login?next={next}"))]).into_response()
}

/// The first page.
pub async fn first(State(_): State<App>) -> axum::response::Redirect {
    axum::response::Redirect::to("/boards")
}
