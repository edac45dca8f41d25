//! The numbers of a metric; the parameters are the flags of `casebook metric`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::tz::TimeZone;

use super::encode::RowFormat;
use crate::error::Error;
use crate::export::Shown;
use crate::metric::numbers::{Numbers, NumbersQuestion, NumbersRequest};
use crate::metric::range::{parse_zone, zone_name};
use crate::serve::http::app::App;
use crate::serve::http::board::present;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// The parameters of a question to a metric.
pub const PARAMETERS: &[&str] = &["range", "by", "grain", "show", "where", "compare", "sort", "limit", "tz", "format"];

/// The question in an address, and the zone of its days.
///
/// # Errors
/// When there is no such metric, or a parameter is not among those that are known, or not what is expected.
pub fn read(app: &App, name: &str, params: &Params, known: &[&str]) -> Result<(NumbersQuestion, TimeZone), Problem> {
    params.check(known)?;
    let state = app.engine.state();
    let zone = match params.one("tz")? {
        Some(zone) => parse_zone(zone).map_err(|error| error.at("tz"))?,
        None => app.engine.setup.zone.clone(),
    };
    let missing = || Error::invalid("range", "numbers need a range").with_hint("such as `range=last full month`");
    let limit = params.number("limit", 1..=1_000_000, usize::MAX)?;
    let request = NumbersRequest {
        metric: name.to_owned(),
        range: params.one("range")?.ok_or_else(missing)?.to_owned(),
        by: params.list("by"),
        grain: params.one("grain")?.map(str::to_owned),
        show: params.list("show"),
        filters: params.all("where"),
        compare: params.list("compare"),
        sort: params.list("sort"),
        limit: Some(limit).filter(|limit| *limit < usize::MAX),
    };
    state.catalogue.get(name).map_err(Problem::not_found)?;
    let now = present(&state, app.engine.now());
    Ok((request.read(str::to_owned, &zone, now, &state.catalogue)?, zone))
}

/// The numbers of the question in an address, and the zone of its days.
///
/// # Errors
/// When the question cannot be understood, or not be answered within the limits.
pub async fn ask(app: &App, visitor: &Visitor, name: &str, params: &Params) -> Result<(Numbers, TimeZone), Problem> {
    let (question, zone) = read(app, name, params, PARAMETERS)?;
    let state = app.engine.state();
    let asked = async {
        let database = state.database(&visitor.viewer).await?;
        question.shown(&database).await?.answer(&database, &state.catalogue).await
    };
    Ok((app.engine.ask(&visitor.viewer, asked).await?, zone))
}

/// The numbers of a metric over a range
#[utoipa::path(
    get, path = "/metrics/{name}/numbers",
    params(
        ("name" = String, Path, description = "The metric"),
        ("range" = String, Query, description = "Such as `2026-02`, `2026-W07`, `last full month`, `2026-02-03..2026-02-10`"),
        ("by" = Option<String>, Query, description = "Dimensions, separated by commas"),
        ("grain" = Option<String>, Query, description = "hour, day, week, month, quarter or year"),
        ("show" = Option<String>, Query, description = "Aggregations, separated by commas"),
        ("where" = Option<Vec<String>>, Query, description = "`DIM=VALUE`; may be given several times"),
        ("compare" = Option<String>, Query, description = "previous, year"),
        ("sort" = Option<String>, Query, description = "Columns to order by, `-` before those with the largest first"),
        ("limit" = Option<usize>, Query, description = "Rows at most"),
        ("tz" = Option<String>, Query, description = "Zone in which days begin"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses(
        (status = 200, description = "Rows ordered by bucket, then by dimension"),
        (status = 400, description = "The question cannot be understood"),
        (status = 404, description = "No such metric"),
    ),
)]
pub async fn numbers(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = RowFormat::asked(&params, &headers)?;
    let (question, zone) = read(&app, &name, &params, PARAMETERS)?;
    let state = app.engine.state();
    let key = format!(
        "numbers {:?} {name} {} {} {} {}",
        visitor.viewer,
        format.name,
        params.with("format", &[]),
        question.question.as_of,
        zone_name(&zone)
    );
    let asked = async {
        let database = state.database(&visitor.viewer).await?;
        let numbers = question.shown(&database).await?.answer(&database, &state.catalogue).await?;
        let batch = numbers.for_machines()?;
        let shown = Shown { durations: numbers.durations(), ..Shown::new(zone, &name) };
        format.answer(&batch.schema(), &[batch], &shown, &name)
    };
    let answer = state.answers.get_or_ask(&key, app.engine.ask(&visitor.viewer, asked)).await?;
    Ok(Arc::clone(&answer).response(&headers))
}
