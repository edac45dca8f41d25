//! Boards as files.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use crate::report::{dashboard_names, find_dashboard};
use crate::serve::http::app::App;
use crate::serve::http::board::file_answer;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// Every board: name, title, description
#[utoipa::path(get, path = "/boards", responses((status = 200, description = "The boards", body = Value)))]
pub async fn list(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Problem> {
    app.engine.seen_by(&visitor.viewer).await?;
    let (state, project) = (app.engine.state(), &app.engine.setup.project);
    let board = |name: String| {
        let board = find_dashboard(project, &name, &state.catalogue).ok();
        json!({"board": name, "title": board.as_ref().map(|board| &board.title), "range": board.as_ref().map(|board| &board.range)})
    };
    Ok(Json(dashboard_names(project).into_iter().map(board).collect()))
}

/// A board over a range, as a file; JSON unless another format is named
#[utoipa::path(
    get, path = "/boards/{name}",
    params(
        ("name" = String, Path, description = "The board"),
        ("range" = Option<String>, Query, description = "The range; else that of the board"),
        ("tz" = Option<String>, Query, description = "Zone in which days begin"),
        ("compare" = Option<String>, Query, description = "previous, year, none"),
        ("hours" = Option<String>, Query, description = "all or business"),
        ("where" = Option<Vec<String>>, Query, description = "`DIM=VALUE`; may be given several times"),
        ("widget" = Option<String>, Query, description = "The title of the only widget"),
        ("cases" = Option<usize>, Query, description = "Cases that each widget lists at most"),
        ("format" = Option<String>, Query, description = "json, html, pdf, xlsx, markdown, svg, png; of a widget also csv"),
    ),
    responses(
        (status = 200, description = "The board"),
        (status = 400, description = "The question cannot be understood"),
        (status = 404, description = "No such board"),
    ),
)]
pub async fn board(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = if params.one("format")?.is_some() { params } else { params.and("format", "json") };
    Ok(file_answer(&app, &visitor, &name, &params).await?.response(&headers))
}
