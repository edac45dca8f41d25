//! The cases behind a number of a metric: all of them, paged; the parameters are the flags of `casebook metric NAME --cases`.

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use datafusion::logical_expr::lit;
use datafusion::prelude::col;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::cases::{counted, of_page, pager};
use super::table::{framed_table, in_words, instant, ordering};
use super::visit::{PageResult, PageVisitor};
use crate::error::Result;
use crate::export;
use crate::model::time::duration_text;
use crate::query::database::Database;
use crate::report::cases::CasesRequest;
use crate::serve::http::api::encode::RowFormat;
use crate::serve::http::app::App;
use crate::serve::http::behind::{Behind, BehindQuestion};
use crate::serve::http::params::Params;
use crate::serve::http::site::{Framed, framed, in_path};

/// The formats of the rows.
const FORMATS: [&str; 4] = ["csv", "xlsx", "parquet", "json"];
/// What is shown of each case as it is now.
const OF_CASES: [&str; 4] = ["status", "priority", "assignee", "customer"];

/// The address of the list that answers a request.
pub fn address(request: &CasesRequest) -> String {
    let mut params = Params::default().and("range", &request.range).and("tz", &request.zone);
    for filter in &request.filters {
        params = params.and("where", filter);
    }
    if !request.by.is_empty() {
        params = params.and("by", &request.by.join(","));
    }
    format!("/catalogue/{}/cases{}", in_path(&request.metric), params.with("", &[]))
}

/// What the page shows.
struct Shown {
    behind: Behind,
    /// The cases of the page as they are now, in the order of the rows.
    now: Vec<Vec<String>>,
}

/// The page, or a file of its rows.
pub async fn behind(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: PageVisitor,
    headers: HeaderMap,
) -> PageResult<Response> {
    let page = params.number("page", 1..=1_000_000, 1).map_err(|problem| visitor.problem(problem))?;
    let question = BehindQuestion::read(&app, &name, &params, &["page", "format"]);
    let question = question.map_err(|problem| visitor.problem(problem))?;
    let format = match params.one("format").map_err(|problem| visitor.problem(problem))? {
        Some(_) => Some(RowFormat::asked(&params, &headers).map_err(|problem| visitor.problem(problem))?),
        None => None,
    };
    let viewer = &visitor.visitor.viewer;
    if let Some(format) = format {
        let file = async { question.file(&question.answer(viewer).await?.rows, format) };
        let file = app.engine.ask(viewer, file).await.map_err(|error| visitor.problem(error))?;
        return Ok(file.response(&headers));
    }
    let answer = async {
        let behind = question.answer(viewer).await?;
        let now = cases_now(&behind.database, &of_page(&behind.rows, page), &question.zone).await?;
        Ok(Shown { behind, now })
    };
    let shown = app.engine.ask(viewer, answer).await.map_err(|error| visitor.problem(error))?;
    let view = View { params: &params, sort: &question.sort, page, zone: &question.zone };
    let main = view.main(&name, &shown).map_err(|error| visitor.problem(error))?;
    let title = format!("Cases behind: {}", shown.behind.title);
    let head = view.head(&name, &shown.behind);
    let framed_page = Framed { title: &title, place: "/catalogue", is_live: true, head, main };
    Ok(framed(&visitor.visitor, shown.behind.database.rights().role(), &framed_page).into_response())
}

/// What the cases of some rows are now, in the order of the rows.
async fn cases_now(database: &Database, rows: &RecordBatch, zone: &TimeZone) -> Result<Vec<Vec<String>>> {
    let ids = cast(rows.column(rows.schema().index_of("case_id")?), &DataType::Utf8View)?;
    let ids: Vec<&str> = ids.as_string_view().iter().map(Option::unwrap_or_default).collect();
    let known = ids.iter().map(|id| lit(*id)).collect();
    let frame = database.session().table("cases").await?.filter(col("case_id").in_list(known, false))?;
    let columns: Vec<&str> = std::iter::once("case_id").chain(OF_CASES).collect();
    let found = super::table::collected(frame.select_columns(&columns)?).await?;
    let found = export::texts(&found, zone)?;
    let of_case = |id: &str| {
        let row = found.iter().find(|row| row.first().is_some_and(|first| first == id));
        row.map(|row| row.iter().skip(1).cloned().collect()).unwrap_or_default()
    };
    Ok(ids.into_iter().map(of_case).collect())
}

/// A page of the list.
struct View<'v> {
    params: &'v Params,
    /// The order of the rows.
    sort: &'v str,
    page: usize,
    zone: &'v TimeZone,
}

impl View<'_> {
    /// What stands beside the heading: the number, what it is of, and the files.
    fn head(&self, name: &str, answer: &Behind) -> Markup {
        let all = self.params.without("page");
        let numbers = all.without("sort").without("by");
        let titled = format!("{}: ", answer.title);
        html! {
            p class="description" {
                a href={ "/catalogue/" (in_path(name)) (numbers.with("", &[])) } { (answer.title) }
                @for line in &answer.caption { br; (line.strip_prefix(&titled).unwrap_or(line)) }
                @for filter in self.params.all("where") { br; "Only " code { (filter) } }
            }
            p class="exports" {
                span { "All rows as" }
                @for format in FORMATS {
                    a class="button plain" href=(all.with("format", &[format])) { (format.to_uppercase()) }
                }
            }
        }
    }

    fn main(&self, name: &str, shown: &Shown) -> Result<Markup> {
        let answer = &shown.behind;
        let total = answer.rows.num_rows();
        let is_each_once = i64::try_from(total) == Ok(answer.cases);
        let caption = match is_each_once {
            true => counted(total),
            false => format!("{total} rows of {} cases", answer.cases),
        };
        Ok(html! {
            (self.table(&caption, shown)?)
            (pager(self.params, self.page, total))
            details class="more" {
                summary { "The same elsewhere" }
                p { "Command: " code { (super::command::metric(name, self.params, &["range", "tz", "where", "by", "sort"])) " --cases" } }
            }
        })
    }

    fn table(&self, caption: &str, shown: &Shown) -> Result<Markup> {
        let rows = of_page(&shown.behind.rows, self.page);
        let texts = export::texts(&rows, self.zone)?;
        let schema = rows.schema();
        // The value is left out where each contribution is one.
        let is_one =
            |at: usize| texts.iter().all(|row| row.get(at).is_some_and(|text| matches!(text.as_str(), "1" | "1.0")));
        let columns: Vec<(usize, &str)> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, field)| (at, field.name().as_str()))
            .filter(|(at, name)| *name != "value" || !is_one(*at))
            .collect();
        let class = |name: &str| name.starts_with("value").then_some("number");
        let lines = html! {
            @for (row, now) in texts.iter().zip(&shown.now) {
                tr {
                    @for (at, name) in &columns {
                        td class=[class(name)] { (cell(name, row.get(*at).map(String::as_str).unwrap_or_default())) }
                    }
                    @for text in now { td { (text.replace('_', " ")) } }
                }
            }
            @if texts.is_empty() { tr { td class="grey" colspan=(columns.len() + OF_CASES.len()) { "None" } } }
        };
        let headings = columns.iter().map(|(_, name)| self.heading(name));
        let now = OF_CASES.into_iter().map(|name| html! { th scope="col" { (in_words(name)) " now" } });
        Ok(framed_table(caption, headings.chain(now), &lines))
    }

    fn heading(&self, name: &str) -> Markup {
        let descending = format!("-{name}");
        let (down, up) = ((descending.as_str(), false), (name, true));
        let orders = if name == "case_id" { [up, down] } else { [down, up] };
        ordering(self.params, &in_words(name), orders, self.sort)
    }
}

/// A cell: a case leads to its page, a time is in words.
fn cell(name: &str, text: &str) -> Markup {
    match (name, text.parse::<f64>()) {
        ("case_id", _) => super::table::case_link(name, text).unwrap_or_default(),
        ("at", _) => instant(text),
        ("value_ms", Ok(ms)) => html! { (duration_text(ms.round() as i64)) },
        _ => html! { (text) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_list_has_what_its_command_has() {
        let request = CasesRequest {
            metric: "created_cases".to_owned(),
            range: "2026-05-04..2026-05-11".to_owned(),
            zone: "Europe/Prague".to_owned(),
            filters: vec!["platform=email".to_owned(), "field.size=very large".to_owned()],
            by: vec!["agent".to_owned(), "priority".to_owned()],
            anonymize: false,
        };
        assert_eq!(
            address(&request),
            "/catalogue/created%5Fcases/cases?range=2026-05-04..2026-05-11&tz=Europe%2FPrague&where=platform%3Demail&where=field.size%3Dvery+large&by=agent%2Cpriority"
        );
    }
}
