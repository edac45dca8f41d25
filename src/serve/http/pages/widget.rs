//! One widget alone: its picture large, its numbers, its definition, its files, and the cases behind it.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;

use super::behind;
use super::boards;
use super::visit::{PageResult, PageVisitor};
use crate::error::Error;
use crate::report::format::html::{Links, embedded};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::reply::Answer;
use crate::serve::http::site::{Framed, HTML, case_address, framed, in_path, made};

/// The formats of one widget.
const OF_WIDGETS: [&str; 7] = ["csv", "xlsx", "parquet", "png", "svg", "pdf", "markdown"];

/// A widget.
pub async fn widget(
    State(app): State<App>,
    Path((name, title)): Path<(String, String)>,
    params: Params,
    visitor: PageVisitor,
    headers: HeaderMap,
) -> PageResult<Response> {
    let (question, role) = boards::asked(&app, &name, &params, &visitor).await?;
    let who = visitor.visitor.clone();
    let kind = format!("widget {title}");
    let answer = question.answer(&app, &kind, |report| {
        let mut page = report.page.clone().only(&title);
        if page.tabs.is_empty() {
            return Err(Error::refused(format!("the board `{name}` has no widget `{title}`")));
        }
        page.tabs.iter_mut().for_each(|tab| tab.title = None);
        for row in page.tabs.iter_mut().flat_map(|tab| &mut tab.rows) {
            row.title = None;
            row.widgets.iter_mut().for_each(|widget| widget.width = 12);
        }
        let links = Links { case: &case_address, cases: &behind::address, widget: None };
        let parts = embedded(&page, &links)?;
        let query = |format: &str| params.with("widget", &[title.as_str()]).replacen('?', "&", 1) + "&format=" + format;
        let head = html! {
            p class="description" { a href={ "/boards/" (name) (params.with("widget", &[])) } { (report.page.title) } }
            (made(&parts.head))
            p class="exports" {
                span { "Export" }
                @for format in OF_WIDGETS {
                    a class="button plain" href={ "/boards/" (in_path(&name)) "/file?" (query(format).trim_start_matches('&')) } { (format.to_uppercase()) }
                }
            }
        };
        let main = html! { (made(parts.main.trim_end())) };
        let framed_page = Framed { title: &title, place: "/boards", is_live: boards::is_open(report), head, main };
        Ok(Answer::new(HTML, framed(&who, role, &framed_page).into_string()))
    });
    Ok(answer.await.map_err(|problem| visitor.problem(problem))?.response(&headers))
}
