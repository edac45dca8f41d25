//! How far a long piece of work has come, reported to a listener.

use std::fmt;
use std::sync::Arc;

/// What is being done, and how much of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub done: u64,
    /// 0 where the total is not known.
    pub total: u64,
}

/// A listener to which steps are reported, or none.
#[derive(Clone, Default)]
pub struct Progress {
    listener: Option<Arc<dyn Fn(Step) + Send + Sync>>,
}

impl Progress {
    /// Reports steps to `listener`, from any thread that does the work.
    #[must_use]
    pub fn to(listener: impl Fn(Step) + Send + Sync + 'static) -> Progress {
        Progress { listener: Some(Arc::new(listener)) }
    }

    /// Reports how far the work has come.
    pub fn report(&self, name: &'static str, done: u64, total: u64) {
        if let Some(listener) = &self.listener {
            listener(Step { name, done, total });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.listener.is_some() { "Progress(reported)" } else { "Progress(not reported)" })
    }
}
