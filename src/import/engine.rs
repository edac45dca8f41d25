//! DataFusion with bounded memory: a pool that its sorts and joins share, and a folder of its own that they spill to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::TryStreamExt;
use tempfile::TempDir;

use super::Limits;
use super::error::ImportError;
use super::spool::SpoolFile;

/// A folder for temporary files that goes when this value goes.
pub(super) struct Workshop {
    folder: TempDir,
    limits: Limits,
}

impl Workshop {
    pub(super) fn open(limits: &Limits) -> Result<Self, ImportError> {
        let parent = limits.spill.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix("casebook-import-").tempdir_in(&parent).map_err(ImportError::file("write", &parent))?;
        Ok(Self { folder, limits: limits.clone() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An engine for rows of about this size.
    pub(super) fn engine(&self, row_bytes_mean: usize) -> Result<Engine<'_>, ImportError> {
        // Half of the memory for what the pool counts, half for what it does not: batches on their way, decoders, writers.
        let pool_bytes = (self.limits.memory_bytes / 2).max(8 << 20);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(pool_bytes)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default()
                    .with_mode(DiskManagerMode::Directories(vec![self.folder.path().to_owned()]))
                    .with_max_temp_directory_size(u64::MAX),
            )
            .build_arc()
            .map_err(ImportError::engine)?;
        let context = SessionContext::new_with_config_rt(self.config(pool_bytes, row_bytes_mean), runtime);
        Ok(Engine { context, workshop: self })
    }

    fn config(&self, pool_bytes: usize, row_bytes_mean: usize) -> SessionConfig {
        let threads = self.limits.threads.max(1);
        let batch_rows = (pool_bytes / 64 / threads / row_bytes_mean.max(1)).clamp(16, 8192);
        SessionConfig::new()
            .with_target_partitions(threads)
            .with_batch_size(batch_rows)
            .with_sort_spill_reservation_bytes((pool_bytes / 16 / threads).min(10 << 20))
            // Hash joins do not spill.
            .set_bool("datafusion.optimizer.prefer_hash_join", false)
            .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
    }
}

/// One session over files of the workshop.
pub(super) struct Engine<'w> {
    context: SessionContext,
    workshop: &'w Workshop,
}

impl Engine<'_> {
    /// Makes a Parquet file a table, in place of one of that name.
    pub(super) async fn register(&self, table: &str, path: &Path) -> Result<(), ImportError> {
        let path = path.display().to_string();
        self.context.deregister_table(table).map_err(ImportError::engine)?;
        self.context.register_parquet(table, path, ParquetReadOptions::default()).await.map_err(ImportError::engine)
    }

    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, ImportError> {
        let frame = self.context.sql(sql).await.map_err(ImportError::engine)?;
        frame.execute_stream().await.map_err(ImportError::engine)
    }

    /// Writes the rows of a query to a file and counts those without a value in `column`.
    pub(super) async fn materialise(&self, sql: &str, file: &str, column: &str) -> Result<(PathBuf, u64), ImportError> {
        let mut stream = self.stream(sql).await?;
        let mut spool = SpoolFile::create(&self.workshop.path(file), stream.schema(), self.workshop.limits.memory_bytes)?;
        let mut missing = 0;
        while let Some(batch) = stream.try_next().await.map_err(ImportError::engine)? {
            missing += batch.column_by_name(column).map_or(0, |values| values.null_count() as u64);
            spool.write(&batch)?;
        }
        Ok((spool.close()?, missing))
    }
}
