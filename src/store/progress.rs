//! How far a long piece of work has come, told to whoever waits for it.

use std::fmt;
use std::sync::Arc;

/// What is being done, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub doing: &'static str,
    pub done: u64,
    /// Of how many; 0 where that is not known.
    pub of: u64,
}

/// Somebody who is told, or nobody.
#[derive(Clone, Default)]
pub struct Progress {
    listener: Option<Arc<dyn Fn(Step) + Send + Sync>>,
}

impl Progress {
    /// Tells `listener`, from whatever thread does the work.
    #[must_use]
    pub fn to(listener: impl Fn(Step) + Send + Sync + 'static) -> Progress {
        Progress { listener: Some(Arc::new(listener)) }
    }

    /// Says how far the work has come.
    pub fn tell(&self, doing: &'static str, done: u64, of: u64) {
        if let Some(listener) = &self.listener {
            listener(Step { doing, done, of });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.listener.is_some() { "Progress(told)" } else { "Progress(untold)" })
    }
}
