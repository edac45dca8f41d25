//! HTTP: pages, the API, tools for assistants and ingestion, on one listener.

mod api;
pub mod app;
mod assistants;
mod behind;
mod board;
mod body;
mod case_search;
mod case_view;
mod connection;
mod events;
mod guard;
mod live;
mod login;
mod meters;
mod observe;
mod pages;
mod params;
mod problem;
pub mod reply;
mod sessions;
mod site;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::{Error, Result};
use app::App;
use connection::Places;

/// How long a client may take for the lines of its request.
const HEADERS_TIME: Duration = Duration::from_secs(10);
/// How long questions that are being answered may go on when the process is to end.
const END_TIME: Duration = Duration::from_secs(10);
/// Lines of a request.
const HEADERS_MAX: usize = 64;
/// Bytes of the lines of a request, the address among them.
const HEADERS_BYTES_MAX: usize = 64 << 10;

/// Every route.
pub fn router(app: App) -> Router {
    let body_bytes = app.engine.limits().body_bytes;
    Router::new()
        .merge(pages::routes())
        .nest("/api/v1", api::routes())
        .merge(login::routes())
        .merge(site::routes())
        .route("/live", get(live::live))
        .route("/mcp", any(assistants::assistants))
        .route("/healthz", get(observe::healthz))
        .route("/readyz", get(observe::readyz))
        .route("/metrics", get(observe::metrics))
        .fallback(pages::missing)
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(from_fn(body::within_time))
        .layer(from_fn_with_state(app.clone(), visitor::identify))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .layer(from_fn(guard::headers))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(app)
}

/// Serves a listener until `stop`; then requests that are being answered get ten seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    app: App,
    listener: std::net::TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) -> Result<()> {
    let handle = Handle::new();
    let ending = handle.clone();
    let places = Places::new(app.engine.limits().connections);
    let watcher = tokio::spawn(async move {
        stop.cancelled().await;
        ending.graceful_shutdown(Some(END_TIME));
    });
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let served = match tls {
        Some(tls) => {
            let server =
                axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls)).map_err(Error::Output)?;
            limited(server.map(|acceptor| acceptor.acceptor(places))).handle(handle).serve(service).await
        }
        None => {
            let server = axum_server::from_tcp(listener).map_err(Error::Output)?;
            limited(server.acceptor(places)).handle(handle).serve(service).await
        }
    };
    watcher.abort();
    served.map_err(Error::Output)
}

/// Bounds what a client can make the process keep before a request is whole.
fn limited<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let mut server = server.http1_only().first_request_timeout(HEADERS_TIME);
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(HEADERS_TIME)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADERS_BYTES_MAX);
    server
}
