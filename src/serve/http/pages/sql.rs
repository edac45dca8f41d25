//! SQL for supervisors and admins: an editor, the tables, and the rows of an answer.

use axum::extract::State;
use maud::{Markup, html};

use super::table::{case_link, table};
use super::visit::{PageResult, PageVisitor};
use crate::query::sql::names;
use crate::serve::http::api::rows::{self, ROWS_SHOWN};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed, is_of_supervisors};

/// The editor, and the rows of the query in the address.
pub async fn sql(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    let database = app.engine.database(&visitor.visitor.viewer).await.map_err(|error| visitor.problem(error))?;
    let role = database.rights().role();
    if !is_of_supervisors(role) {
        return Err(visitor.problem(Problem::forbidden("this page is for supervisors and admins")));
    }
    params.check(&["query"]).map_err(|problem| visitor.problem(problem))?;
    let query = params.one("query").map_err(|problem| visitor.problem(problem))?.unwrap_or_default();
    let answer = match query.trim() {
        "" => html! {},
        query => match rows::ask(&app, &visitor.visitor, query, Some(ROWS_SHOWN)).await {
            // The text stays in the editor, to be corrected.
            Err(problem) => html! {
                p class="fault" role="alert" { (problem.detail) }
                @if let Some(hint) = &problem.hint { p class="hint" { "Hint: " (hint) } }
            },
            Ok(answer) => answered(&app, &answer, &params).map_err(|error| visitor.problem(error))?,
        },
    };
    let session = database.session();
    let mut tables = Vec::new();
    for name in names::tables(&session) {
        let columns = names::columns_of(&session, &name).await.unwrap_or_default();
        tables.push((name, columns));
    }
    let main = html! {
        form method="get" {
            label { "Query" textarea name="query" spellcheck="false" { (query) } }
            p class="exports" { button { "Ask" } }
        }
        (answer)
        h2 class="part" { "Tables" }
        @for (name, columns) in &tables {
            details class="frame" {
                summary { code { (name) } }
                ul { @for (column, kind) in columns { li { code { (column) } " " span class="grey" { (kind) } } } }
            }
        }
    };
    let page = Framed { title: "SQL", place: "/sql", is_live: false, head: html! {}, main };
    Ok(framed(&visitor.visitor, role, &page))
}

fn answered(app: &App, answer: &rows::Rows, params: &Params) -> crate::error::Result<Markup> {
    let shown = answer.batch.num_rows();
    let caption = match answer.is_cut {
        true => format!("The first {shown} rows; the files have all of them"),
        false => format!("{shown} rows"),
    };
    Ok(html! {
        (table(&caption, &answer.batch, &app.engine.setup.zone, case_link)?)
        p class="exports" {
            @for format in ["csv", "json", "parquet", "xlsx"] {
                a class="button plain" href={ "/api/v1/sql" (params.with("format", &[format])) } { (format.to_uppercase()) }
            }
        }
    })
}
