//! The process that carries schedules out. One process of a store is at work at a time; others wait for its lease.
//!
//! Three tasks share the run log. The main one (`leading`) reads the file of schedules, records which runs are due, begins
//! deliveries and ends runs. The second (`render`) renders runs, one after another, and brings the facts up to date while none
//! is due. The third renews the lease. Deliveries are tasks of their own (`send`), so that a slow target holds up no other.

mod leading;
mod made;
mod render;
mod send;
mod setup;
mod shared;

use std::sync::{Arc, RwLock};

use tokio::sync::Notify;

use crate::error::Result;
use crate::store::run_log::RunLog;
use leading::Leading;
pub use setup::{Clock, Observer, Progress, Setup, Until};
use shared::{Loaded, Shared};

/// Carries schedules out until then, or until `stop` ends: attempts that are going on get ten seconds.
///
/// # Errors
/// When the file of schedules cannot be read, or the run log cannot be written as the daemon begins.
pub async fn run(setup: Setup, until: Until, stop: impl Future<Output = ()>) -> Result<()> {
    let loaded = Loaded::read(&setup)?;
    let log = RunLog::open(&setup.store).await?;
    let only = match &until {
        Until::Ended(run) => Some(run.clone()),
        Until::Stopped | Until::NothingToDo => None,
    };
    let loaded = RwLock::new(Arc::new(loaded));
    let shared = Arc::new(Shared { setup, log, only, loaded, to_render: Notify::new(), changed: Notify::new() });
    if shared.only.is_none() {
        shared.report_faults();
    }
    tokio::pin!(stop);
    loop {
        let leading = tokio::select! {
            () = &mut stop => return Ok(()),
            leading = Leading::begin(&shared) => leading?,
        };
        let Some(leading) = leading else { return Ok(()) };
        if !leading.work(&until, stop.as_mut()).await? {
            return Ok(());
        }
        shared.report(&Progress::LeaseLost);
    }
}
