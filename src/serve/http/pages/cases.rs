//! Cases: those of a search, sorted and paged.

use arrow::array::RecordBatch;
use axum::extract::State;
use datafusion::prelude::SessionContext;
use maud::{Markup, html};

use super::fields::{choice, suggested, values_of};
use super::table::{Rows, case_link, collected, in_words, ordering};
use super::visit::{PageResult, PageVisitor};
use crate::error::Result;
use crate::model::event::{Priority, Status};
use crate::serve::http::app::App;
use crate::serve::http::case_search::{CaseSearch, SORTS};
use crate::serve::http::params::Params;
use crate::serve::http::site::{Framed, framed};

/// Cases of a page.
pub const ROWS: usize = 50;
const COLUMNS: [&str; 9] =
    ["case_id", "status", "priority", "assignee", "customer", "platform", "profile", "created_at", "resolved_at"];
/// The cases of a search.
pub async fn cases(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    let asked = CaseSearch::read(&params, &["page"]).map_err(|problem| visitor.problem(problem))?;
    let page = params.number("page", 1..=1_000_000, 1).map_err(|problem| visitor.problem(problem))?;
    let viewer = &visitor.visitor.viewer;
    let answer = async {
        let database = app.engine.database(viewer).await?;
        let session = database.session();
        let frame = asked.matching(session.table("cases").await?)?;
        let total = frame.clone().count().await?;
        let shown = frame.sort(asked.order()?)?.limit((page - 1) * ROWS, Some(ROWS))?;
        let rows = collected(shown.select_columns(&COLUMNS)?).await?;
        Ok((rows, total, form(&session, &params).await?, database.rights().role()))
    };
    let (rows, total, form, role) = app.engine.ask(viewer, answer).await.map_err(|error| visitor.problem(error))?;
    let caption = counted(total);
    let heading = |name: &str| {
        let orders = match name {
            "case_id" => [("case", true), ("case-last", false)],
            "created_at" => [("newest", false), ("oldest", true)],
            "resolved_at" => [("resolved-last", false), ("resolved-first", true)],
            _ => return None,
        };
        Some(ordering(&params, &in_words(name), orders, asked.sort))
    };
    let table = Rows::new(&caption, &rows, &app.engine.setup.zone).table_with(case_link, heading);
    let main = html! { (table.map_err(|error| visitor.problem(error))?) (pager(&params, page, total)) };
    let page = Framed { title: "Cases", place: "/cases", is_live: true, head: form, main };
    Ok(framed(&visitor.visitor, role, &page))
}

/// How many cases there are, in words.
pub fn counted(total: usize) -> String {
    if total == 1 { "1 case".to_owned() } else { format!("{total} cases") }
}

async fn form(session: &SessionContext, params: &Params) -> Result<Markup> {
    let value = |name: &str| params.one(name).ok().flatten().unwrap_or_default().to_owned();
    let sort = value("sort");
    let (platforms, assignees) =
        (values_of(session, "cases", "platform").await?, values_of(session, "cases", "assignee").await?);
    Ok(html! {
        form class="ask" method="get" role="search" {
            label { "Case, customer or text" input name="q" type="search" value=(value("q")) size="28"; }
            (choice("Status", "status", Status::NAMES, &value("status")))
            (choice("Priority", "priority", Priority::NAMES, &value("priority")))
            (suggested("Platform", "platform", &platforms, &value("platform")))
            (suggested("Assignee", "assignee", &assignees, &value("assignee")))
            label { "Order"
                select name="sort" { @for (name, ..) in SORTS { option value=(name) selected[name == sort] { (name.replace('-', " ")) } } }
            }
            button { "Show" }
        }
    })
}

/// The rows of a page of the list.
pub fn of_page(rows: &RecordBatch, page: usize) -> RecordBatch {
    let first = ((page - 1) * ROWS).min(rows.num_rows());
    rows.slice(first, ROWS.min(rows.num_rows() - first))
}

/// The way to the pages before and after.
pub fn pager(params: &Params, page: usize, total: usize) -> Markup {
    let pages = total.div_ceil(ROWS).max(1);
    html! {
        nav class="pages" aria-label="Pages of the list" {
            @if page > 1 { a rel="prev" href=(params.with("page", &[&(page - 1).to_string()])) { "Previous" } }
            span { "Page " (page) " of " (pages) }
            @if page < pages { a rel="next" href=(params.with("page", &[&(page + 1).to_string()])) { "Next" } }
        }
    }
}
