//! Who may connect to a process of a cluster, and when a question may begin.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::USER_AGENT;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tonic::Status;
use tonic::service::Routes;

use crate::cluster::connector::{Connector, PROCESS};
use crate::cluster::executors::{EXECUTORS, Executors};

/// What a process asks before its first question, as [`Cluster::check`](crate::cluster::client::Cluster::check) does.
const MAY_ASK: &str = "/GetJobStatus";

/// Waits until questions can be answered, and gives by which executors; the reason where they cannot.
pub type Ready = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Executors, String>> + Send>> + Send + Sync>;

/// The same services for processes of the same version alone.
#[must_use]
pub fn guarded(services: Routes, connector: &Connector, ready: Option<Ready>) -> Routes {
    let own = connector.version().to_owned();
    let guard = move |request: Request, next: Next| {
        let (own, ready) = (own.clone(), ready.clone());
        async move { guard(&own, ready, request, next).await }
    };
    services.into_axum_router().layer(from_fn(guard)).into()
}

async fn guard(own: &str, ready: Option<Ready>, request: Request, next: Next) -> Response {
    // The library that connects adds its own name behind it.
    let theirs = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let is_same = theirs.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if !is_same {
        let theirs = theirs.split(" tonic/").next().unwrap_or_default();
        return refused(format!("the other process is {own}, this one is {theirs}; a cluster has one version"));
    }
    let executors = match ready.filter(|_| request.uri().path().ends_with(MAY_ASK)) {
        Some(ready) => match ready().await {
            Ok(executors) => Some(executors),
            Err(reason) => return refused(reason),
        },
        None => None,
    };
    let mut response = next.run(request).await;
    let stated = executors.map(|executors| (EXECUTORS, executors.to_text()));
    for (name, text) in stated.into_iter().chain([(PROCESS, own.to_owned())]) {
        if let Ok(text) = text.parse() {
            response.headers_mut().insert(name, text);
        }
    }
    response
}

fn refused(reason: String) -> Response {
    Status::failed_precondition(reason).into_http()
}
