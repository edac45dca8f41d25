//! The query engine, set up for this store: memory, spilling, cores.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::Result;
use crate::store::question_memory::QuestionMemory;
use crate::store::scratch::ScratchFolder;

/// How much the engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Bytes before operators spill to disk.
    pub memory_bytes: usize,
    pub threads: usize,
}

/// Makes the session read the columns of filters first, and other columns only for the rows that pass: for questions that
/// want few rows of many.
pub fn read_keys_first(context: &SessionContext) {
    context.state_ref().write().config_mut().options_mut().execution.parquet.pushdown_filters = true;
}

/// Makes a session run its queries on so many cores.
pub fn use_cores(context: &SessionContext, cores: usize) {
    context.state_ref().write().config_mut().options_mut().execution.target_partitions = cores;
}

/// The same settings, functions and tables for one question, which may use so many bytes of the memory of all. Caches and
/// folders for spilling are shared.
#[must_use]
pub fn of_question(state: SessionState, memory_bytes: usize) -> SessionState {
    let shared = state.runtime_env();
    let memory = QuestionMemory::new(memory_bytes, Arc::clone(&shared.memory_pool));
    let runtime = RuntimeEnv { memory_pool: Arc::new(memory), ..shared.as_ref().clone() };
    SessionStateBuilder::new_from_existing(state).with_runtime_env(Arc::new(runtime)).build()
}

/// A session of the engine without tables.
///
/// # Errors
/// When the engine cannot be set up.
pub fn session(resources: Resources) -> Result<SessionContext> {
    let runtime =
        runtime(resources.memory_bytes, DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory))?;
    let threads = resources.threads.max(1);
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_target_partitions(threads)
        .with_collect_statistics(true);
    let options = &mut config.options_mut().execution;
    options.time_zone = Some("UTC".to_owned());
    // What each sort keeps free for merging the parts that it has spilled: a share of a small memory, too.
    options.sort_spill_reservation_bytes = (resources.memory_bytes / threads / 16).clamp(1 << 20, 10 << 20);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// A session on one core that sorts rows of about that size and spills to that folder, whatever space this takes.
///
/// # Errors
/// When the engine cannot be set up.
pub fn sorting_session(memory_bytes: usize, row_bytes_mean: usize, folder: &ScratchFolder) -> Result<SessionContext> {
    let folders: Vec<PathBuf> = vec![folder.path().to_owned()];
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(folders))
        .with_max_temp_directory_size(u64::MAX);
    let config = SessionConfig::new()
        // One sort at a time has the whole memory. Of two sorts one can take what the other needs to merge its spilled
        // parts, which fails.
        .with_target_partitions(1)
        .with_batch_size((memory_bytes / 64 / row_bytes_mean.max(1)).clamp(16, 8192))
        .with_sort_spill_reservation_bytes((memory_bytes / 16).min(10 << 20))
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false);
    Ok(SessionContext::new_with_config_rt(config, runtime(memory_bytes, disk)?))
}

fn runtime(memory_bytes: usize, disk: DiskManagerBuilder) -> Result<Arc<RuntimeEnv>> {
    let builder = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)));
    Ok(builder.with_disk_manager_builder(disk).build_arc()?)
}
