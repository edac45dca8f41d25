//! Bodies of requests: they arrive within a time, and one that does not is no request.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::rejection::{BytesRejection, StringRejection};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use futures::stream::unfold;

use super::problem::Problem;

/// How long a client may send nothing of a body, and how long it may take for the whole.
const PAUSE_TIME: Duration = Duration::from_secs(20);
const WHOLE_TIME: Duration = Duration::from_secs(300);

/// Ends requests whose body does not arrive.
pub async fn within_time(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let state = Some((body.into_data_stream(), Box::pin(tokio::time::sleep(WHOLE_TIME))));
    let stream = unfold(state, async |state| {
        let (mut stream, mut whole) = state?;
        let late = || Some((Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))), None));
        tokio::select! {
            () = &mut whole => late(),
            part = tokio::time::timeout(PAUSE_TIME, stream.next()) => match part {
                Ok(part) => Some((part?, Some((stream, whole)))),
                Err(_) => late(),
            },
        }
    });
    next.run(Request::from_parts(parts, Body::from_stream(stream))).await
}

/// The problem of a body of bytes that was not read.
#[must_use]
pub fn unread(rejection: &BytesRejection) -> Problem {
    problem(rejection.status(), rejection.body_text())
}

/// The problem of a body of text that was not read.
#[must_use]
pub fn unread_text(rejection: &StringRejection) -> Problem {
    problem(rejection.status(), rejection.body_text())
}

fn problem(status: StatusCode, text: String) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "the request has more bytes than one may have").with_hint("send it in parts")
        }
        _ => Problem::new(status, format!("the body cannot be read: {text}")),
    }
}
