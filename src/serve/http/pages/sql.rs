//! SQL for supervisors and admins: an editor, the tables, and the rows of an answer.

use axum::extract::State;
use maud::{Markup, html};

use super::table::{Rows, case_link};
use super::visit::{PageResult, PageVisitor};
use crate::query::sql::names;
use crate::query::sql::rows::Rows as RowsOfQuery;
use crate::serve::http::api::rows::{self, ROWS_SHOWN};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed, is_of_supervisors};

/// The editor, and the rows of the query in the address.
pub async fn sql(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    let database = app.engine.seen_by(&visitor.visitor.viewer).await.map_err(|error| visitor.problem(error))?;
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
                @match &problem.hint {
                    // A command that lists what the page lists.
                    Some(hint) if hint.contains("casebook sql") => { p class="hint" { "The tables, their columns and the functions are below." } }
                    Some(hint) => { p class="hint" { "Hint: " (hint) } }
                    None => {}
                }
            },
            Ok(answer) => answered(&app, &answer, &params).map_err(|error| visitor.problem(error))?,
        },
    };
    let session = crate::query::sql::session(&database);
    let mut tables = Vec::new();
    for name in names::tables(&session) {
        let columns = names::columns_of(&session, &name).await.unwrap_or_default();
        tables.push((name, columns));
    }
    let functions = names::functions(&session);
    let main = html! {
        form method="get" class="editor" {
            label for="query" { "Query" }
            textarea id="query" name="query" spellcheck="false" autocomplete="off" autocapitalize="off" aria-describedby="editor-help" { (query) }
            p class="hint" id="editor-help" { "One query that reads. The tables, their columns and the functions are below." }
            p class="exports" { button { "Ask" } }
        }
        (answer)
        (schema(&tables, &functions))
        script src="/static/complete.js" defer {}
    };
    let page = Framed { title: "SQL", place: "/sql", is_live: false, head: html! {}, main };
    Ok(framed(&visitor.visitor, role, &page))
}

/// A table with the names and types of its columns.
type Described = (String, Vec<(String, String)>);

/// The tables with their columns, and the functions: to be read, and what the script of the editor completes.
fn schema(tables: &[Described], functions: &[String]) -> Markup {
    html! {
        h2 class="part" { "Tables" }
        div class="frame schema" {
            @for (name, columns) in tables {
                details data-table=(name) {
                    summary { code { (name) } " " span class="grey" { (columns.len()) " columns" } }
                    ul { @for (column, kind) in columns { li { code { (column) } " " span class="grey" { (kind) } } } }
                }
            }
        }
        h2 class="part" { "Functions" }
        div class="frame" {
            details class="functions" {
                summary { (functions.len()) " functions" }
                p { @for name in functions { code { (name) } " " } }
            }
        }
    }
}

fn answered(app: &App, answer: &RowsOfQuery, params: &Params) -> crate::error::Result<Markup> {
    let shown = answer.batch.num_rows();
    let caption = match answer.is_cut {
        true => format!("The first {shown} rows; the files have all of them"),
        false => format!("{shown} rows"),
    };
    Ok(html! {
        (Rows::new(&caption, &answer.batch, &app.engine.setup.zone).exact().table(case_link)?)
        p class="exports" {
            span { "Export" }
            @for format in ["csv", "json", "parquet", "xlsx"] {
                a class="button plain" href={ "/api/v1/sql" (params.with("format", &[format])) } { (format.to_uppercase()) }
            }
        }
    })
}
