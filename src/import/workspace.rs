//! A folder for the temporary files of one import, and a session of the engine over them with bounded memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::TryStreamExt;
use tempfile::TempDir;

use super::spool::{SpoolFile, cannot_sort};
use crate::error::{Error, Result};

/// What an import may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory in bytes, whatever the size of the input; values under 128 MiB count as 128 MiB.
    pub memory_bytes: usize,
    /// Folder for temporary files; the system's where absent.
    pub spill: Option<PathBuf>,
}

/// What the program needs before the first row.
const STANDING_BYTES: usize = 64 << 20;
/// The least memory for the sorter.
const SORTER_BYTES_MIN: usize = 16 << 20;

/// A folder for temporary files, removed with this value.
pub(super) struct Workspace {
    folder: TempDir,
    limits: Limits,
}

impl Workspace {
    pub(super) fn open(limits: &Limits) -> Result<Self> {
        let parent = limits.spill.clone().unwrap_or_else(std::env::temp_dir);
        let folder =
            tempfile::Builder::new().prefix("casebook-import-").tempdir_in(&parent).map_err(Error::file(&parent))?;
        Ok(Self { folder, limits: limits.clone() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An engine for rows of about this size.
    pub(super) fn engine(&self, row_bytes_mean: usize) -> Result<Engine<'_>> {
        // The pool counts what is being sorted; batches on their way, decoders and writers, which it does not count, need twice as much.
        let pool_bytes = (self.limits.memory_bytes.saturating_sub(STANDING_BYTES) / 3).max(SORTER_BYTES_MIN);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(pool_bytes)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default()
                    .with_mode(DiskManagerMode::Directories(vec![self.folder.path().to_owned()]))
                    .with_max_temp_directory_size(u64::MAX),
            )
            .build_arc()
            .map_err(cannot_sort)?;
        let context = SessionContext::new_with_config_rt(Self::config(pool_bytes, row_bytes_mean), runtime);
        Ok(Engine { context, workspace: self })
    }

    fn config(pool_bytes: usize, row_bytes_mean: usize) -> SessionConfig {
        let batch_rows = (pool_bytes / 64 / row_bytes_mean.max(1)).clamp(16, 8192);
        SessionConfig::new()
            // One sorter at a time has the whole pool; of two, one can take what the other needs to merge what it spilled, which fails.
            .with_target_partitions(1)
            .with_batch_size(batch_rows)
            .with_sort_spill_reservation_bytes((pool_bytes / 16).min(10 << 20))
            .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
    }
}

/// One session over files of the workspace.
pub(super) struct Engine<'w> {
    context: SessionContext,
    workspace: &'w Workspace,
}

impl Engine<'_> {
    /// Makes a Parquet file a table, in place of one of that name.
    pub(super) async fn register(&self, table: &str, path: &Path) -> Result<()> {
        let path = path.display().to_string();
        self.context.deregister_table(table).map_err(cannot_sort)?;
        self.context.register_parquet(table, path, ParquetReadOptions::default()).await.map_err(cannot_sort)
    }

    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        let frame = self.context.sql(sql).await.map_err(cannot_sort)?;
        frame.execute_stream().await.map_err(cannot_sort)
    }

    /// A new file of the workspace.
    pub(super) fn create(&self, file: &str, schema: SchemaRef) -> Result<SpoolFile> {
        SpoolFile::create(&self.workspace.path(file), schema, self.workspace.limits.memory_bytes)
    }

    /// Writes the rows of a query to a file, in their order.
    pub(super) async fn materialise(&self, sql: &str, file: &str) -> Result<PathBuf> {
        let mut stream = self.stream(sql).await?;
        let mut spool = self.create(file, stream.schema())?;
        while let Some(batch) = stream.try_next().await.map_err(cannot_sort)? {
            spool.write(&batch)?;
        }
        spool.close()
    }
}
