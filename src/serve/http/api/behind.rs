//! The cases behind a number.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::encode::RowFormat;
use crate::serve::http::app::App;
use crate::serve::http::behind::BehindQuestion;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// The cases behind a number of a metric, as `casebook metric NAME --cases` lists those that count
#[utoipa::path(
    get, path = "/metrics/{name}/cases",
    params(
        ("name" = String, Path, description = "The metric"),
        ("range" = String, Query, description = "As of the numbers"),
        ("by" = Option<String>, Query, description = "Dimensions whose values are shown, separated by commas"),
        ("where" = Option<Vec<String>>, Query, description = "`DIM=VALUE`; may be given several times"),
        ("sort" = Option<String>, Query, description = "Columns to order by, `-` before those with the largest first; else the longest or the last first"),
        ("tz" = Option<String>, Query, description = "Zone in which days begin"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses(
        (status = 200, description = "Each contribution that counts, with its case"),
        (status = 400, description = "The question cannot be understood"),
        (status = 404, description = "No such metric"),
    ),
)]
pub async fn behind(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = RowFormat::asked(&params, &headers)?;
    let question = BehindQuestion::read(&app, &name, &params, &["format"])?;
    let file = async { question.file(&question.answer(&visitor.viewer).await?.rows, format) };
    Ok(app.engine.ask(&visitor.viewer, file).await?.response(&headers))
}
