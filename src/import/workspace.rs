//! A folder for the temporary files of one import, and a session of the engine over them with bounded memory.

use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::TryStreamExt;

use super::spool::{SpoolFile, cannot_sort};
use crate::error::{Error, Result};
use crate::store::engine;
use crate::store::scratch::ScratchFolder;

/// What an import may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory in bytes, whatever the size of the input; values under 128 MiB count as 128 MiB.
    pub memory_bytes: usize,
    /// Threads on which rows become events, where each row does so on its own.
    pub threads: usize,
    /// Folder for temporary files; the system's where absent.
    pub spill: Option<PathBuf>,
}

/// What the program needs before the first row.
const STANDING_BYTES: usize = 64 << 20;
/// The least memory for the sorter.
const SORTER_BYTES_MIN: usize = 16 << 20;

/// A folder for temporary files, removed with this value.
pub(super) struct Workspace {
    folder: ScratchFolder,
    limits: Limits,
}

impl Workspace {
    pub(super) fn open(limits: &Limits) -> Result<Self> {
        let parent = limits.spill.clone().unwrap_or_else(std::env::temp_dir);
        let folder = ScratchFolder::in_folder(&parent, "casebook-import-").map_err(Error::file(&parent))?;
        Ok(Self { folder, limits: limits.clone() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// An engine for rows of about this size.
    pub(super) fn engine(&self, row_bytes_mean: usize) -> Result<Engine<'_>> {
        // The pool counts what is being sorted; batches on their way, decoders and writers, which it does not count, need twice as much.
        let pool_bytes = (self.limits.memory_bytes.saturating_sub(STANDING_BYTES) / 3).max(SORTER_BYTES_MIN);
        let context = engine::sorting_session(pool_bytes, row_bytes_mean, &self.folder).map_err(cannot_sort)?;
        Ok(Engine { context, workspace: self })
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
