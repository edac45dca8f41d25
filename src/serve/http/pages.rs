//! The pages: server-rendered, and complete without a script.

mod agents;
mod behind;
mod boards;
mod case;
mod cases;
mod catalogue;
mod command;
mod fields;
mod health;
mod sql;
mod table;
mod views;
mod visit;
mod widget;

use axum::Router;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::app::App;
use super::problem::Problem;
use super::site::{self, PageProblem};

/// The routes of all pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(site::first))
        .route("/boards", get(boards::list))
        .route("/boards/{name}", get(boards::board))
        .route("/boards/{name}/file", get(boards::file))
        .route("/boards/{name}/widgets/{title}", get(widget::widget))
        .route("/cases", get(cases::cases))
        .route("/cases/{id}", get(case::case))
        .route("/views", get(views::list))
        .route("/views/{name}", get(views::view))
        .route("/agents", get(agents::agents))
        .route("/catalogue", get(catalogue::list))
        .route("/catalogue/{name}", get(catalogue::metric))
        .route("/catalogue/{name}/cases", get(behind::behind))
        .route("/sql", get(sql::sql))
        .route("/health", get(health::health))
}

/// The answer to an address that there is not.
pub async fn missing(uri: Uri) -> Response {
    let problem = Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at `{}`", uri.path()));
    if uri.path().starts_with("/api/") {
        return problem.with_hint("`/api/v1/openapi.json` lists the routes").into_response();
    }
    PageProblem { problem, path: uri.path().to_owned() }.into_response()
}
