//! SQL that reads.

use axum::extract::State;
use axum::extract::rejection::StringRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::encode::RowFormat;
use super::rows;
use crate::export::Shown;
use crate::query::sql::size::BYTES_MAX;
use crate::serve::http::app::App;
use crate::serve::http::body::unread_text;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// The rows of a query in the address
#[utoipa::path(
    get, path = "/sql",
    params(
        ("query" = String, Query, description = "One query that reads"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses((status = 200, description = "The rows"), (status = 400, description = "The query cannot be answered")),
)]
pub async fn get_sql(
    State(app): State<App>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.check(&["query", "format"])?;
    let missing = || Problem::new(StatusCode::BAD_REQUEST, "query: there is nothing to answer");
    let query = params.one("query")?.ok_or_else(missing)?.to_owned();
    answer(&app, &visitor, &query, &params, &headers).await
}

/// The rows of a query in the body, as plain text
#[utoipa::path(
    post, path = "/sql", request_body(content = String, content_type = "text/plain"),
    params(("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`")),
    responses((status = 200, description = "The rows"), (status = 400, description = "The query cannot be answered"), (status = 413, description = "Too many bytes")),
)]
pub async fn post_sql(
    State(app): State<App>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Result<Response, Problem> {
    params.check(&["format"])?;
    let body = body.map_err(|rejection| unread_text(&rejection))?;
    if body.len() > BYTES_MAX {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a query has at most {BYTES_MAX} bytes"));
        return Err(problem.with_hint("a list after `IN` can often be a condition"));
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    if !["text/plain", "application/sql"].contains(&media.split(';').next().unwrap_or_default().trim()) {
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("a query is a text, found `{media}`"));
        return Err(problem.with_hint("send it as `text/plain`"));
    }
    answer(&app, &visitor, &body, &params, &headers).await
}

async fn answer(
    app: &App,
    visitor: &Visitor,
    query: &str,
    params: &Params,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let format = RowFormat::asked(params, headers)?;
    let rows = rows::ask(app, visitor, query, None).await?;
    let shown = Shown::new(app.engine.setup.zone.clone(), "Rows");
    Ok(format.answer(&rows.batch.schema(), &[rows.batch], &shown, "rows")?.response(headers))
}
