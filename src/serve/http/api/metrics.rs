//! The metrics and their definitions.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use crate::metric::object;
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// Every metric: name, title, unit, meaning
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "The metrics", body = Value)))]
pub async fn list(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Problem> {
    app.engine.seen_by(&visitor.viewer).await?;
    Ok(Json(app.engine.state().catalogue.iter().map(object::short).map(Value::from).collect()))
}

/// The definition of a metric, with the SQL of its contributions
#[utoipa::path(
    get, path = "/metrics/{name}",
    params(("name" = String, Path, description = "The metric")),
    responses((status = 200, description = "The definition", body = Value), (status = 404, description = "No such metric")),
)]
pub async fn metric(
    State(app): State<App>,
    Path(name): Path<String>,
    visitor: Visitor,
) -> Result<Json<Value>, Problem> {
    app.engine.seen_by(&visitor.viewer).await?;
    let state = app.engine.state();
    Ok(Json(object::whole(state.catalogue.get(&name).map_err(Problem::not_found)?)))
}
