//! Views of cases (7.3): those that a user has, each with the number of its cases, and the cases of one.

use arrow::array::RecordBatch;
use axum::extract::{Path, State};
use maud::{Markup, html};

use super::cases::{ROWS, pager};
use super::visit::{PageResult, PageVisitor};
use crate::error::{Error, Result};
use crate::export;
use crate::model::time::duration_text;
use crate::query::case_views::{ViewOfUser, ViewQuestion, cases_of, views_of};
use crate::query::rights::Viewer;
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed, in_path};

/// The views of a user.
pub async fn list(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    page(&app, None, &params, &visitor).await
}

/// The cases of a view.
pub async fn view(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: PageVisitor,
) -> PageResult<Markup> {
    page(&app, Some(name), &params, &visitor).await
}

async fn page(app: &App, view: Option<String>, params: &Params, visitor: &PageVisitor) -> PageResult<Markup> {
    let read = || {
        params.check(&["user", "page"])?;
        let own = match &visitor.visitor.viewer {
            Viewer::Owner => None,
            Viewer::User(user) => Some(user.as_str()),
        };
        let user = params.one("user")?.or(own).map(str::to_owned);
        Ok::<_, Problem>((user, params.number("page", 1..=1_000_000, 1)?))
    };
    let (user, number) = read().map_err(|problem| visitor.problem(problem))?;
    let viewer = &visitor.visitor.viewer;
    let asked = async {
        let database = app.engine.database(viewer).await?;
        let role = database.rights().role();
        let Some(user) = user.clone() else { return Ok((Vec::new(), None, role)) };
        let views = views_of(&database, &user).await?;
        let rows = match &view {
            None => None,
            Some(name) if views.iter().any(|view| view.name == *name) => {
                let question = ViewQuestion { view: name.clone(), user, ..ViewQuestion::default() };
                Some(cases_of(&database, &question).await?)
            }
            Some(name) => return Err(Error::refused(format!("there is no view `{name}`"))),
        };
        Ok((views, rows, role))
    };
    let (views, rows, role) = app.engine.ask(viewer, asked).await.map_err(|error| visitor.problem(error))?;
    let table = rows.map(|rows| Ok::<_, Error>((self::rows(app, &rows, number)?, rows.num_rows()))).transpose();
    let table = table.map_err(|error| visitor.problem(error))?;
    let main = html! {
        (links(&views, view.as_deref(), params))
        @match table {
            Some((table, total)) => { (table) (pager(params, number, total)) }
            None if user.is_none() => { p class="hint" { "Views are those of a user. Type one." } }
            None => { p class="hint" { "Choose a view." } }
        }
    };
    let title = views.iter().find(|known| Some(&known.name) == view.as_ref()).map_or("Views", |view| &view.title);
    let head = html! {
        form class="ask" method="get" {
            label { "User" input name="user" value=(user.as_deref().unwrap_or_default()) size="18"; }
            button { "Show" }
        }
    };
    let page = Framed { title, place: "/views", is_live: true, head, main };
    Ok(framed(&visitor.visitor, role, &page))
}

fn links(views: &[ViewOfUser], chosen: Option<&str>, params: &Params) -> Markup {
    let query = params.with("page", &[]);
    html! {
        ul class="views" {
            @for view in views {
                li {
                    a href={ "/views/" (in_path(&view.name)) (query) } aria-current=[(Some(view.name.as_str()) == chosen).then_some("page")] {
                        (view.title) " (" (view.cases) ")"
                    }
                }
            }
        }
    }
}

/// One page of the cases, each with its header in its colour.
fn rows(app: &App, rows: &RecordBatch, page: usize) -> Result<Markup> {
    let first = ((page - 1) * ROWS).min(rows.num_rows());
    let shown = rows.slice(first, ROWS.min(rows.num_rows() - first));
    let texts = export::texts(&shown, &app.engine.setup.zone)?;
    let schema = rows.schema();
    let place = |name: &str| schema.index_of(name).unwrap_or(usize::MAX);
    let names =
        ["status", "priority", "assignee", "customer", "platform", "created_at", "last_customer_message_at", "due_at"];
    let cell = |row: &[String], name: &str| row.get(place(name)).cloned().unwrap_or_default();
    Ok(html! {
        div class="frame" tabindex="0" role="group" aria-label="Cases" {
            table class="list" {
                caption class="caption" { (rows.num_rows()) " cases" }
                thead {
                    tr {
                        th scope="col" { "Case" } th scope="col" { "Milestone" }
                        @for name in names { th scope="col" { (name.replace('_', " ")) } }
                    }
                }
                tbody {
                    @for row in &texts {
                        tr {
                            td { a href={ "/cases/" (in_path(&cell(row, "case_id"))) } { (cell(row, "case_id")) } }
                            td class=(cell(row, "colour")) { (header(&cell(row, "milestone"), &cell(row, "header"), &cell(row, "shown_ms"))) }
                            @for name in names { td { (cell(row, name)) } }
                        }
                    }
                }
            }
        }
    })
}

/// The header of a case in words (3.6).
fn header(milestone: &str, header: &str, shown_ms: &str) -> String {
    let milestone = milestone.replace('_', " ");
    let time = shown_ms.parse().map_or_else(|_| shown_ms.to_owned(), duration_text);
    match header {
        "left" => format!("{milestone}: {time} left"),
        "overdue" => format!("{milestone}: overdue for {time}"),
        "closed" => format!("resolved in {time}"),
        "" => String::new(),
        other => format!("{milestone}: {other}"),
    }
}
