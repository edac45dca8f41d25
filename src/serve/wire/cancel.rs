//! Questions that another connection stops: each connection has a number and a secret key, and only both together stop its
//! question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::access::random;
use crate::error::Result;

/// The connections that can be stopped, by number.
#[derive(Debug, Default)]
pub struct Cancels {
    connections: Mutex<HashMap<i32, (i32, Arc<Notify>)>>,
}

/// One connection's entry, which ends with this.
#[derive(Debug)]
pub struct Cancel {
    all: Arc<Cancels>,
    pub process: i32,
    pub key: i32,
    stop: Arc<Notify>,
}

impl Cancels {
    /// Enters a connection under a number and a key that cannot be guessed.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn enter(self: &Arc<Cancels>) -> Result<Cancel> {
        let stop = Arc::new(Notify::new());
        loop {
            let [process, key] = [random::bytes::<4>()?, random::bytes::<4>()?].map(i32::from_be_bytes);
            let process = process & i32::MAX;
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            if let std::collections::hash_map::Entry::Vacant(entry) = connections.entry(process) {
                entry.insert((key, Arc::clone(&stop)));
                return Ok(Cancel { all: Arc::clone(self), process, key, stop });
            }
        }
    }

    /// Stops the question that a connection has now, if the key is right.
    pub fn cancel(&self, process: i32, key: i32) {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, stop)) = connections.get(&process)
            && *known == key
        {
            // Is forgotten where nothing waits: only a question that runs can be stopped.
            stop.notify_waiters();
        }
    }
}

impl Cancel {
    /// Ends when the question is to stop.
    pub async fn requested(&self) {
        self.stop.notified().await;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.all.connections.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.process);
    }
}
