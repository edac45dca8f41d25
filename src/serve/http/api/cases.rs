//! One case with everything that explains it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;
use crate::timeline::ExplainedCase;
use crate::timeline::object::object;

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
