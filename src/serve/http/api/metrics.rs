//! The metrics and their definitions.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::metric::header::Metric;
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

fn object(metric: &Metric) -> Value {
    let header = metric.header.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    json!({
        "metric": metric.name, "title": metric.title, "unit": metric.unit, "meaning": metric.meaning,
        "aggregate": metric.aggregate, "header": header.collect::<serde_json::Map<String, Value>>(), "sql": metric.sql,
    })
}

/// Every metric: name, title, unit, meaning
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "The metrics", body = Value)))]
pub async fn list(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Problem> {
    app.engine.database(&visitor.viewer).await?;
    let state = app.engine.state();
    let short = |metric: &Metric| json!({"metric": metric.name, "title": metric.title, "unit": metric.unit, "meaning": metric.meaning});
    Ok(Json(state.catalogue.iter().map(short).collect()))
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
    app.engine.database(&visitor.viewer).await?;
    let state = app.engine.state();
    Ok(Json(object(state.catalogue.get(&name).map_err(Problem::not_found)?)))
}
