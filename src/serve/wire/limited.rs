//! Work for a client that ends when it takes too long, the client is gone or wants it to end, or the server stops.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::cancel::Cancel;
use super::problem::{Answer, CANCELLED, Problem, STOPPING};

/// How long a question may go on after the server was asked to stop.
const STOPPING_TIME: Duration = Duration::from_secs(10);

/// What ends work.
#[derive(Clone)]
pub struct Ends {
    pub cancel: Arc<Cancel>,
    /// The client is gone.
    pub gone: CancellationToken,
    /// The server stops.
    pub stop: CancellationToken,
}

impl Ends {
    /// Does the work, unless something ends it.
    ///
    /// # Errors
    /// Those of the work, and when something ended it.
    pub async fn limit<T>(&self, time: Duration, work: impl Future<Output = Answer<T>>) -> Answer<T> {
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(STOPPING_TIME).await;
        };
        tokio::select! {
            biased;
            () = self.gone.cancelled() => Err(Problem::fatal(STOPPING, "the client is gone")),
            () = self.cancel.requested() => Err(Problem::new(CANCELLED, "the statement was cancelled, as the user asked")),
            () = stopping => Err(Problem::fatal(STOPPING, "the server stops")),
            () = tokio::time::sleep(time) => {
                let message = format!("the statement was cancelled after {} s", time.as_secs_f64());
                let hint = "ask for less, such as a shorter range of time; `statement_timeout` is the limit of this connection";
                Err(Problem::new(CANCELLED, message).with_hint(hint))
            }
            done = work => done,
        }
    }
}
