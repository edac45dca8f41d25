//! Where the rows of a replay go: into files of the fact tables, or into memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::layers::{Layers, Texts};
use crate::facts::manifest::{self, FactFile, Layer, Pointer};
use crate::facts::tables::{CASE_FINDINGS, FINDINGS, OTHER_FINDINGS};
use crate::store::data_file::NewFile;
use crate::store::objects::Store;
use crate::store::parquet::FileWriter;

/// Where rows go.
#[derive(Clone)]
pub enum Output {
    /// Parquet files in a folder for each table, below this folder.
    Files(Store),
    Memory,
}

impl Output {
    /// Makes the folder of a table.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn prepare(&self, table: &FactTable) -> Result<()> {
        match self {
            Output::Files(home) => manifest::create_folder(home, table).map(drop),
            Output::Memory => Ok(()),
        }
    }

    /// Begins rows of a table, whose folder has been made.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn writer(&self, table: &FactTable) -> Result<TableWriter> {
        let rows = match self {
            Output::Files(home) => Rows::File(Box::new(manifest::begin_file(&home.folder(table.name), table)?)),
            Output::Memory => Rows::Memory(Vec::new()),
        };
        Ok(TableWriter { table: *table, rows })
    }
}

/// Rows of one table on their way into one file, or into memory.
pub struct TableWriter {
    table: FactTable,
    rows: Rows,
}

enum Rows {
    File(Box<FileWriter>),
    Memory(Vec<RecordBatch>),
}

impl TableWriter {
    /// Adds rows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        match &mut self.rows {
            Rows::File(writer) => writer.write(rows),
            Rows::Memory(batches) => {
                batches.push(rows.clone());
                Ok(())
            }
        }
    }

    /// Ends the rows. What was written into a file is on the disk then.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<TablePart> {
        let rows = match self.rows {
            Rows::File(writer) => PartRows::File(writer.finish()?),
            Rows::Memory(batches) => PartRows::Memory(batches),
        };
        Ok(TablePart { table: self.table, rows })
    }
}

/// Finished rows of a table.
pub struct TablePart {
    table: FactTable,
    rows: PartRows,
}

impl TablePart {
    /// The file that it is in; nothing of rows in memory.
    #[must_use]
    pub fn into_file(self) -> Option<WrittenFile> {
        match self.rows {
            PartRows::File(file) => Some(WrittenFile { table: self.table.name.to_owned(), file: file.into() }),
            PartRows::Memory(_) => None,
        }
    }
}

/// A file of a fact table that nothing names yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    pub table: String,
    pub file: FactFile,
}

enum PartRows {
    File(NewFile),
    Memory(Vec<RecordBatch>),
}

/// The tables that one core writes, each begun with its first rows.
pub struct TableWriters {
    output: Output,
    open: BTreeMap<&'static str, TableWriter>,
}

impl TableWriters {
    /// Writers of no table yet.
    #[must_use]
    pub fn new(output: Output) -> TableWriters {
        TableWriters { output, open: BTreeMap::new() }
    }

    /// Adds rows of a table, whose folder has been made.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, table: &FactTable, rows: &RecordBatch) -> Result<()> {
        let writer = match self.open.entry(table.name) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(none) => none.insert(self.output.writer(table)?),
        };
        writer.write(rows)
    }

    /// Ends each table on a thread of its own, which mostly waits for the disk.
    pub fn finish(self) -> impl Iterator<Item = Finishing> {
        self.open.into_values().map(|writer| tokio::task::spawn_blocking(|| writer.finish()))
    }
}

/// Rows of a table that are being finished.
pub type Finishing = JoinHandle<Result<TablePart>>;

/// What a replay has written so far.
pub struct Written {
    output: Output,
    /// The files of the tables. Nothing names them before the facts switch to them.
    pub layer: Layer,
    /// The rows in memory, by table.
    rows: BTreeMap<&'static str, Vec<RecordBatch>>,
}

impl Written {
    /// Nothing yet.
    #[must_use]
    pub fn nothing(output: Output) -> Written {
        Written { output, layer: Layer::default(), rows: BTreeMap::new() }
    }

    /// Adds finished rows.
    pub fn add(&mut self, part: TablePart) {
        match part.rows {
            PartRows::File(file) => self.layer.add(&part.table, file),
            PartRows::Memory(batches) => self.rows.entry(part.table.name).or_default().extend(batches),
        }
    }

    /// Adds a file that another process has finished.
    pub fn add_file(&mut self, written: WrittenFile) {
        self.layer.files.entry(written.table).or_default().push(written.file);
    }

    /// A table of this replay alone; texts in files are read as plain strings.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn provider(&self, table: &FactTable) -> Result<Arc<dyn TableProvider>> {
        match &self.output {
            Output::Files(home) => {
                let pointer = Pointer { layers: vec![self.layer.clone()], ..Pointer::default() };
                Layers::open(home, &pointer).await?.provider(table, Texts::Plain)
            }
            Output::Memory => {
                let parts = if table.name == FINDINGS.name { &[CASE_FINDINGS, OTHER_FINDINGS][..] } else { &[*table] };
                let batches = parts.iter().flat_map(|part| self.rows.get(part.name)).flatten();
                let rows = concat_batches(&table.schema(), batches)?;
                Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
            }
        }
    }
}
