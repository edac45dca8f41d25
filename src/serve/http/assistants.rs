//! The tools for assistants (Model Context Protocol) over HTTP: those of `casebook mcp`, with the rights of who asks.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures::FutureExt;

use super::app::App;
use super::board::present;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::error::Error;
use crate::mcp::{Answering, Assistant, Sources, over_http};
use crate::query::rights::Viewer;

/// Answers one request of an assistant.
pub async fn assistants(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let assistant = Assistant::new(sources(&app, visitor.viewer));
    over_http(assistant).handle(request).await.map(Body::new)
}

/// The present state, as the viewer may see it.
fn sources(app: &App, viewer: Viewer) -> Sources {
    let (engine, state) = (Arc::clone(&app.engine), app.engine.state());
    let (project, zone) = (engine.setup.project.clone(), engine.setup.zone.clone());
    let catalogue = Arc::clone(&state.catalogue);
    let open = {
        let (state, viewer) = (Arc::clone(&state), viewer.clone());
        move || {
            let (state, viewer) = (Arc::clone(&state), viewer.clone());
            async move { state.database(&viewer).await }.boxed()
        }
    };
    let now = Box::new(move || present(&state, engine.now()));
    let app = app.clone();
    let within_limits = Box::new(move |answering| within_limits(app.clone(), viewer.clone(), answering));
    Sources { open: Box::new(open), catalogue, project, zone, now, within_limits }
}

/// The answer within the limits of questions. Its errors are those of the API: what is no matter of the client is reported.
fn within_limits(app: App, viewer: Viewer, answering: Answering) -> Answering {
    async move {
        app.engine.ask(&viewer, answering).await.map_err(|not_answered| {
            let problem = Problem::from(not_answered);
            if let Some(defect) = &problem.defect {
                app.meters.count_defect();
                (app.engine.setup.report)(format!("/mcp: {defect}"));
            }
            Error::refused(problem.detail).with_any_hint(problem.hint)
        })
    }
    .boxed()
}
