//! Views of cases (7.3): those that a user has, each with the number of its cases, and the cases of one.

mod conditions;

use arrow::array::RecordBatch;
use axum::extract::{Path, State};
use maud::{Markup, html};

use super::cases::{counted, of_page, pager};
use super::fields::{suggested, values_of};
use super::table::{framed_table, in_words, instant, ordering};
use super::visit::{PageResult, PageVisitor};
use crate::error::{Error, Result};
use crate::export;
use crate::model::time::duration_text;
use crate::model::view::Sort;
use crate::query::case_views::{ViewOfUser, ViewQuestion, cases_of, views_of};
use crate::query::rights::granted::ViewerRole;
use crate::serve::http::app::App;
use crate::serve::http::case_view::AskedView;
use crate::serve::http::params::Params;
use crate::serve::http::site::{Framed, case_address, framed, in_path};

/// What is shown of each case beside its id and its milestone.
const COLUMNS: [&str; 8] =
    ["status", "priority", "assignee", "customer", "platform", "created_at", "last_customer_message_at", "due_at"];

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
    let viewer = &visitor.visitor.viewer;
    let asked = AskedView::read(params, viewer, &["page"]).map_err(|problem| visitor.problem(problem))?;
    let AskedView { user, sort, conditions } = asked;
    let page = params.number("page", 1..=1_000_000, 1).map_err(|problem| visitor.problem(problem))?;
    let answer = async {
        let database = app.engine.database(viewer).await?;
        let role = database.rights().role();
        let session = database.session();
        let users = if role == ViewerRole::Agent { Vec::new() } else { values_of(&session, "users", "user").await? };
        let head = choices(&users, user.as_deref(), role);
        let Some(user) = user.clone() else { return Ok((Vec::new(), html! {}, head, role)) };
        let views = views_of(&database, &user).await?;
        let main = match &view {
            None => html! { p class="hint" { "Choose a view." } },
            Some(name) if views.iter().any(|view| view.name == *name) => {
                let question = ViewQuestion { view: name.clone(), user, sort, conditions };
                let rows = cases_of(&database, &question).await?;
                let form = conditions::form(&session, params).await?;
                html! { (form) (table(app, &rows, page, params)?) (pager(params, page, rows.num_rows())) }
            }
            Some(name) => return Err(Error::refused(format!("there is no view `{name}`"))),
        };
        Ok((views, main, head, role))
    };
    let (views, answer, head, role) = app.engine.ask(viewer, answer).await.map_err(|error| visitor.problem(error))?;
    let main = html! {
        (links(&views, view.as_deref(), params))
        @if user.is_none() { p class="hint" { "Views are those of a user. Choose one." } }
        (answer)
    };
    let title = views.iter().find(|known| Some(&known.name) == view.as_ref()).map_or("Views", |view| &view.title);
    let page = Framed { title, place: "/views", is_live: true, head, main };
    Ok(framed(&visitor.visitor, role, &page))
}

/// Whose views are shown; an agent has only their own.
fn choices(users: &[String], user: Option<&str>, role: ViewerRole) -> Markup {
    html! {
        @if role != ViewerRole::Agent {
            form class="ask" method="get" {
                (suggested("Views of", "user", users, user.unwrap_or_default()))
                button { "Show" }
            }
        }
    }
}

fn links(views: &[ViewOfUser], chosen: Option<&str>, params: &Params) -> Markup {
    // Another view has its own order.
    let query = params.without("page").with("sort", &[]);
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
fn table(app: &App, rows: &RecordBatch, page: usize, params: &Params) -> Result<Markup> {
    let texts = export::texts(&of_page(rows, page), &app.engine.setup.zone)?;
    let schema = rows.schema();
    let cell = |row: &[String], name: &str| {
        let at = schema.index_of(name).unwrap_or(usize::MAX);
        row.get(at).cloned().unwrap_or_default()
    };
    let value = |row: &[String], name: &str| {
        let text = cell(row, name);
        if name.ends_with("_at") {
            instant(&text)
        } else {
            html! { (text.replace('_', " ")) }
        }
    };
    let lines = html! {
        @for row in &texts {
            tr {
                td { a href=(case_address(&cell(row, "case_id"))) { (cell(row, "case_id")) } }
                td class=(cell(row, "colour")) { (header(&cell(row, "milestone"), &cell(row, "header"), &cell(row, "shown_ms"))) }
                @for name in COLUMNS { td { (value(row, name)) } }
            }
        }
        @if texts.is_empty() { tr { td class="grey" colspan=(COLUMNS.len() + 2) { "None" } } }
    };
    let names = ["case_id", "milestone"].into_iter().chain(COLUMNS);
    let sort = params.one("sort").ok().flatten().unwrap_or_default().to_owned();
    Ok(framed_table(&counted(rows.num_rows()), names.map(|name| heading(name, params, &sort)), &lines))
}

/// The heading of a column, which orders the cases where 7.3 has such an order.
fn heading(name: &str, params: &Params, sort: &str) -> Markup {
    let [down, up] = match name {
        "milestone" => [Sort::TimeLeftShortest, Sort::TimeLeftLongest],
        "priority" => [Sort::PriorityHighest, Sort::PriorityLowest],
        "created_at" => [Sort::CreatedNewest, Sort::CreatedOldest],
        "last_customer_message_at" => [Sort::CustomerMessageNewest, Sort::CustomerMessageOldest],
        _ => return html! { th scope="col" { (in_words(name)) } },
    };
    let begins_with_least = name == "milestone";
    ordering(params, &in_words(name), [(down.name(), begins_with_least), (up.name(), !begins_with_least)], sort)
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
