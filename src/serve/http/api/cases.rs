//! Cases: those of a search, and one with everything that explains it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::encode::RowFormat;
use crate::export::Shown;
use crate::facts::tables::CASES;
use crate::query::sql::rows::rows_of;
use crate::serve::http::app::App;
use crate::serve::http::case_search::CaseSearch;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;
use crate::timeline::ExplainedCase;
use crate::timeline::object::object;

/// Cases that are not deleted: their rows of `cases`
#[utoipa::path(
    get, path = "/cases",
    params(
        ("q" = Option<String>, Query, description = "What case, customer or text has"),
        ("status" = Option<String>, Query),
        ("priority" = Option<String>, Query),
        ("platform" = Option<String>, Query),
        ("assignee" = Option<String>, Query, description = "`none` is a case without one"),
        ("sort" = Option<String>, Query, description = "newest, oldest, resolved-last, resolved-first, last-message, case, case-last"),
        ("limit" = Option<usize>, Query, description = "Rows at most"),
        ("offset" = Option<usize>, Query, description = "Rows that are left out before"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses((status = 200, description = "The cases, newest first unless another order is asked for"), (status = 400, description = "The question cannot be understood")),
)]
pub async fn list(
    State(app): State<App>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let search = CaseSearch::read(&params, &["limit", "offset", "format"])?;
    let format = RowFormat::asked(&params, &headers)?;
    let (offset, limit) =
        (params.number("offset", 0..=usize::MAX, 0)?, params.number("limit", 1..=usize::MAX, usize::MAX)?);
    let shown = Shown::new(app.engine.setup.zone.clone(), "Cases");
    let answer = async {
        let cases = app.engine.database(&visitor.viewer).await?.session().table(CASES.name).await?;
        let limit = Some(limit).filter(|limit| *limit < usize::MAX);
        let frame = search.matching(cases)?.sort(search.order()?)?.limit(offset, limit)?;
        let cases = rows_of(frame).await?;
        format.answer(&cases.schema(), &[cases], &shown, "cases")
    };
    Ok(app.engine.ask(&visitor.viewer, answer).await?.response(&headers))
}

/// A case: its rows in every table, its policy and why, its clocks with their ledgers
#[utoipa::path(
    get, path = "/cases/{id}",
    params(
        ("id" = String, Path, description = "The case"),
        ("with_text" = Option<bool>, Query, description = "`true`: with the texts of messages"),
    ),
    responses((status = 200, description = "The case", body = Value), (status = 404, description = "No such case")),
)]
pub async fn case(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
    visitor: Visitor,
) -> Result<Json<Value>, Problem> {
    params.check(&["with_text"])?;
    let with_text = params.one("with_text")? == Some("true");
    let state = app.engine.state();
    let asked = async {
        let database = state.database(&visitor.viewer).await?;
        let case = ExplainedCase::read(&database, &id, state.last_event_at()).await?;
        case.map(|case| object(&id, &case.rows, case.explanation.as_ref(), with_text)).transpose()
    };
    let found = app.engine.ask(&visitor.viewer, asked).await?;
    found.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no case `{id}`")))
}
