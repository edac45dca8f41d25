//! The HTTP API. Its parameters are those of the command line, and its document is made of the routes.

mod behind;
mod boards;
mod cases;
pub mod encode;
mod metrics;
pub mod numbers;
pub mod rows;
mod sql;
mod views;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::events;
use super::reply::Answer;

/// The document of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Casebook",
        description = "Numbers of a customer-care desk, and the cases behind them. Errors are `application/problem+json`. \
                       A token is sent as `Authorization: Bearer TOKEN`; every answer has what its user may see.",
    ),
    servers((url = "/api/v1")),
    security(("token" = [])),
    modifiers(&Tokens),
)]
struct Document;

struct Tokens;

impl utoipa::Modify for Tokens {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Every route of the API, with the document of them.
fn documented() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(metrics::list))
        .routes(routes!(metrics::metric))
        .routes(routes!(numbers::numbers))
        .routes(routes!(behind::behind))
        .routes(routes!(boards::list))
        .routes(routes!(boards::board))
        .routes(routes!(cases::list))
        .routes(routes!(cases::case))
        .routes(routes!(views::list))
        .routes(routes!(views::view))
        .routes(routes!(sql::get_sql, sql::post_sql))
        .routes(routes!(events::events))
        .split_for_parts()
}

/// The routes of the API.
pub fn routes() -> Router<App> {
    let (router, document) = documented();
    // A document that cannot be written would be a defect; then it is empty.
    let text = document.to_pretty_json().unwrap_or_default();
    let answer = std::sync::Arc::new(Answer::new("application/json", text));
    let document = async move |headers: HeaderMap| -> Response { answer.response(&headers) };
    router.route("/openapi.json", get(document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_document() {
        let (_, document) = documented();
        let paths: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "/boards",
                "/boards/{name}",
                "/cases",
                "/cases/{id}",
                "/events",
                "/metrics",
                "/metrics/{name}",
                "/metrics/{name}/cases",
                "/metrics/{name}/numbers",
                "/sql",
                "/views",
                "/views/{name}",
            ]
        );
    }
}
