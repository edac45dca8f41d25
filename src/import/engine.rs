//! DataFusion with bounded memory: a pool that its sorts share, and a folder of its own that they spill to.

use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::TryStreamExt;

use super::Limits;
use super::error::ImportError;
use super::spool::SpoolFile;
use crate::store::engine;
use crate::store::scratch::ScratchFolder;

/// What the program needs before the first row.
const STANDING_BYTES: usize = 64 << 20;
/// The least memory for the sorter.
const SORTER_BYTES_MIN: usize = 16 << 20;

/// A folder for temporary files that goes when this value goes.
pub(super) struct Workshop {
    folder: ScratchFolder,
    limits: Limits,
}

impl Workshop {
    pub(super) fn open(limits: &Limits) -> Result<Self, ImportError> {
        let parent = limits.spill.clone().unwrap_or_else(std::env::temp_dir);
        let folder =
            ScratchFolder::in_folder(&parent, "casebook-import-").map_err(ImportError::file("write", &parent))?;
        Ok(Self { folder, limits: limits.clone() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// An engine for rows of about this size.
    pub(super) fn engine(&self, row_bytes_mean: usize) -> Result<Engine<'_>, ImportError> {
        // The pool counts what is being sorted; batches on their way, decoders and writers, which it does not count, need twice as much.
        let pool_bytes = (self.limits.memory_bytes.saturating_sub(STANDING_BYTES) / 3).max(SORTER_BYTES_MIN);
        let context = engine::sorting_session(pool_bytes, row_bytes_mean, &self.folder).map_err(ImportError::engine)?;
        Ok(Engine { context, workshop: self })
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

    /// A new file of the workshop.
    pub(super) fn create(&self, file: &str, schema: SchemaRef) -> Result<SpoolFile, ImportError> {
        SpoolFile::create(&self.workshop.path(file), schema, self.workshop.limits.memory_bytes)
    }

    /// Writes the rows of a query to a file, in their order.
    pub(super) async fn materialise(&self, sql: &str, file: &str) -> Result<PathBuf, ImportError> {
        let mut stream = self.stream(sql).await?;
        let mut spool = self.create(file, stream.schema())?;
        while let Some(batch) = stream.try_next().await.map_err(ImportError::engine)? {
            spool.write(&batch)?;
        }
        spool.close()
    }
}
