//! What a daemon works with, and what it reports.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::cluster::client::Cluster;
use crate::error::Error;
use crate::model::time::Instant;
use crate::schedule::secret::Environment;
use crate::store::engine::Resources;
use crate::store::objects::Store;
use crate::store::run_log::RunKey;

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Is called with what the daemon does.
pub type Observer = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// What a daemon works with.
#[derive(Clone)]
pub struct Setup {
    pub store: Store,
    /// The zone of schedules that state none.
    pub zone: TimeZone,
    pub resources: Resources,
    /// To where questions are sent.
    pub cluster: Option<Cluster>,
    pub environment: Environment,
    pub clock: Clock,
    /// How often the daemon looks whether anything is to be done. A lease that is not renewed is taken over after thirty times
    /// as long.
    pub tick: Duration,
    /// The name of the machine: the lease of a process on the same machine that has ended is taken over at once.
    pub host: String,
    pub observer: Observer,
}

/// What the daemon does.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Another process is at work.
    Waiting {
        holder: String,
    },
    Working {
        schedules: usize,
    },
    LeaseLost,
    Fault(&'a Error),
    Skipped {
        run: RunKey,
        reason: String,
    },
    Rendered {
        run: RunKey,
        files: usize,
        bytes: u64,
    },
    Quiet {
        run: RunKey,
        reason: String,
    },
    Delivered {
        run: RunKey,
        target: String,
        receipt: String,
        is_repeat: bool,
    },
    Delayed {
        run: RunKey,
        target: String,
        error: String,
        until: Instant,
    },
    NotDelivered {
        run: RunKey,
        target: String,
        error: String,
    },
    Ended {
        run: RunKey,
        error: Option<String>,
    },
    Refreshed,
}

/// When a daemon ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is stopped.
    Stopped,
    /// When nothing is to be done now; what waits for another attempt is left to the next daemon.
    NothingToDo,
    /// When a run has ended.
    Ended(RunKey),
}
