//! Bodies of requests: they arrive within a time, and one that does not is no request.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::extract::rejection::{BytesRejection, StringRejection};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use futures::stream::unfold;
use tokio::sync::Mutex;
use tokio::time::Sleep;

use super::problem::Problem;

/// How long a client may send nothing of a body, and how long it may take for the whole.
const PAUSE_TIME: Duration = Duration::from_secs(20);
const WHOLE_TIME: Duration = Duration::from_secs(300);

/// How long and how many bytes of the body of a refused request are read on. The connection of a client that still sends
/// would be ended before it reads the answer.
const READ_ON_TIME: Duration = Duration::from_secs(5);
const READ_ON_BYTES: usize = 64 << 20;

/// A body on its way.
struct Arriving {
    stream: BodyDataStream,
    whole: Pin<Box<Sleep>>,
    /// Whether the client sends nothing of it until it is read (`Expect: 100-continue`).
    is_held_back: bool,
}

impl Arriving {
    /// The next part of it; nothing after the last.
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        self.is_held_back = false;
        let late = || Some(Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))));
        tokio::select! {
            () = &mut self.whole => late(),
            part = tokio::time::timeout(PAUSE_TIME, self.stream.next()) => part.unwrap_or_else(|_| late()),
        }
    }

    /// Reads what is left of a body that is not wanted, unless that would ask for it.
    async fn read_on(&mut self) {
        if self.is_held_back {
            return;
        }
        let mut left = READ_ON_BYTES;
        while let Some(Ok(part)) = self.next().await {
            left = left.saturating_sub(part.len());
            if left == 0 {
                break;
            }
        }
    }
}

/// Ends requests whose body does not arrive.
pub async fn within_time(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (stream, whole) = (body.into_data_stream(), Box::pin(tokio::time::sleep(WHOLE_TIME)));
    let is_held_back = parts.headers.contains_key(header::EXPECT);
    let arriving = Arc::new(Mutex::new(Arriving { stream, whole, is_held_back }));
    let stream = unfold(Some(Arc::clone(&arriving)), async |arriving| {
        let arriving = arriving?;
        let part = arriving.lock().await.next().await?;
        let next = part.is_ok().then_some(arriving);
        Some((part, next))
    });
    let response = next.run(Request::from_parts(parts, Body::from_stream(stream))).await;
    if response.status().is_client_error() {
        // Whether all of it came is no matter: the answer is the same.
        let read_on = async { arriving.lock().await.read_on().await };
        drop(tokio::time::timeout(READ_ON_TIME, read_on).await);
    }
    response
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
