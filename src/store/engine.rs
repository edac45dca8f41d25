//! The query engine, set up for this store: memory, spilling, cores.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::Result;

/// How much the engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Bytes before operators spill to disk.
    pub memory_bytes: usize,
    pub threads: usize,
}

/// Has the session read the columns of filters first, and of the others only the rows that are wanted: for questions that
/// want few rows of many.
pub fn read_keys_first(context: &SessionContext) {
    context.state_ref().write().config_mut().options_mut().execution.parquet.pushdown_filters = true;
}

/// A session of the engine without tables.
///
/// # Errors
/// When the engine cannot be set up.
pub fn session(resources: Resources) -> Result<SessionContext> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(resources.memory_bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let threads = resources.threads.max(1);
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_target_partitions(threads)
        .with_collect_statistics(true);
    let options = &mut config.options_mut().execution;
    options.time_zone = Some("UTC".to_owned());
    // What each sort keeps free for merging what it has spilled: its part of a small memory, too.
    options.sort_spill_reservation_bytes = (resources.memory_bytes / threads / 16).clamp(1 << 20, 10 << 20);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}
