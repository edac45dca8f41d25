//! Who watches the process: the meters, and whether it is there and ready.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::app::App;
use super::problem::{Defect, Problem};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Measures every request, and reports defects on standard error.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = app.engine.now();
    // The pattern of the route, not the address: that has no end of values.
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    app.meters.count_request(&route, response.status().as_u16(), app.engine.now().since_ms(begun).max(0));
    if let Some(Defect(text)) = response.extensions().get() {
        app.meters.count_defect();
        (app.engine.setup.report)(format!("{route}: {text}"));
    }
    response
}

/// The process is there.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the facts are current, or how far they are behind.
pub async fn readyz(State(app): State<App>) -> Response {
    let readiness = app.engine.readiness().await;
    let is_ready = readiness.problem.is_none() && !app.stop.is_cancelled();
    // Why they are not is a matter of those who may read the log of the process.
    let object = json!({
        "ready": is_ready, "batch": readiness.batch, "batches_behind": readiness.batches_behind,
        "current_at": readiness.current_at.map(|at| at.to_string()),
    });
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{object}\n")).into_response()
}

/// The meters, in the text format of OpenMetrics.
pub async fn metrics(State(app): State<App>) -> Response {
    let readiness = app.engine.readiness().await;
    let age_ms = readiness.current_at.map_or(0, |at| app.engine.now().since_ms(at).max(0));
    match app.meters.text(&readiness, age_ms) {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::defect(status, "the meters cannot be written", error.to_string()).into_response()
        }
    }
}
