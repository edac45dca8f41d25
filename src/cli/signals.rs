//! Ctrl-C, and where there is such a thing the polite signal to end: recorded, so that a command can end where nothing is left half done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// A flag that a signal raises. As long as this lives the signals do not end the program.
#[derive(Debug)]
pub struct Stop {
    raised: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Stop {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn listen() -> Result<Stop> {
        Stop::listen_for(Arc::default())
    }

    /// Begins to listen, and raises that flag.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn listen_for(raised: Arc<AtomicBool>) -> Result<Stop> {
        let (mut signals, flag) = (Signals::new()?, raised.clone());
        let listener = tokio::spawn(async move {
            signals.heard().await;
            flag.store(true, Ordering::Relaxed);
        });
        Ok(Stop { raised, listener })
    }

    /// The question whether to go on, for work elsewhere that has changed nothing yet.
    pub fn question(&self) -> impl Fn() -> Result<()> + Send + use<> {
        let raised = self.raised.clone();
        move || match raised.load(Ordering::Relaxed) {
            true => Err(Error::refused("stopped; nothing has been added").with_hint("run the same command again")),
            false => Ok(()),
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Begins to listen; what this gives ends when the process is asked to end.
///
/// # Errors
/// When the system does not let us.
pub fn end() -> Result<impl Future<Output = ()> + Send> {
    let mut signals = Signals::new()?;
    Ok(async move { signals.heard().await })
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn heard(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Signals> {
        Ok(Signals)
    }

    async fn heard(&mut self) {
        // Where the system has no such signal, this never ends.
        let _ = tokio::signal::ctrl_c().await;
    }
}
