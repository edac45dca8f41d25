//! The stream of states: an open page learns that the log has grown, and asks again what it shows.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;

use super::app::App;
use super::problem::Problem;
use super::visitor::Visitor;

/// A line that keeps the connection open, so that proxies do not end it.
const ALIVE_EVERY: Duration = Duration::from_secs(20);

/// The version of each state as it comes, the present one first. It names nothing that the log holds.
///
/// # Errors
/// When the visitor may not see anything.
pub async fn live(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    app.engine.seen_by(&visitor.viewer).await?;
    let (states, stop) = (app.engine.states(), app.stop.clone());
    let stream = futures::stream::unfold((states, true, stop), |(mut states, is_first, stop)| async move {
        if !is_first {
            tokio::select! {
                () = stop.cancelled() => return None,
                changed = states.changed() => changed.ok()?,
            }
        }
        let version = states.borrow_and_update().version;
        Some((Ok(Event::default().event("state").data(version.to_string())), (states, false, stop)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}
