//! A file of ids, each with its root as far as it is found, written in any order and read in the order of the ids.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::spool::{SpoolFile, cannot_sort, texts};
use super::workspace::Engine;
use crate::error::{Error, Result};
use crate::store::scratch;

const BATCH_ROWS: usize = 4096;

/// What is known of an id: an ancestor of it, or its root. Never both.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) up: Option<String>,
    pub(super) root: Option<String>,
}

/// Writes links.
pub(super) struct LinksWriter {
    file: SpoolFile,
    schema: SchemaRef,
    id: StringBuilder,
    up: StringBuilder,
    root: StringBuilder,
    count: usize,
    waiting: u64,
}

impl LinksWriter {
    pub(super) fn create(engine: &Engine<'_>, name: &str) -> Result<Self> {
        let field = |name, nullable| Field::new(name, DataType::Utf8, nullable);
        let schema = Arc::new(Schema::new(vec![field("id", false), field("up", true), field("root", true)]));
        let file = engine.create(name, schema.clone())?;
        let (id, up, root) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
        Ok(Self { file, schema, id, up, root, count: 0, waiting: 0 })
    }

    pub(super) fn push(&mut self, id: &str, up: Option<&str>, root: Option<&str>) -> Result<()> {
        self.id.append_value(id);
        self.up.append_option(up);
        self.root.append_option(root);
        self.waiting += u64::from(root.is_none());
        self.count += 1;
        if self.count < BATCH_ROWS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        self.count = 0;
        let batch = RecordBatch::try_new(
            self.schema.clone(),
            vec![Arc::new(self.id.finish()), Arc::new(self.up.finish()), Arc::new(self.root.finish())],
        );
        self.file.write(&batch.map_err(cannot_sort)?)
    }

    /// The file, and for how many of its ids the root is not known yet.
    pub(super) fn close(mut self) -> Result<(PathBuf, u64)> {
        self.flush()?;
        Ok((self.file.close()?, self.waiting))
    }
}

/// Reads links sorted by id, forwards only.
pub(super) struct Links {
    reader: ParquetRecordBatchReader,
    batch: Option<(StringArray, StringArray, StringArray)>,
    at: usize,
}

impl Links {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = scratch::open_file(path).map_err(Error::file(path))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(cannot_sort)?;
        let reader = reader.with_batch_size(BATCH_ROWS).build().map_err(cannot_sort)?;
        let mut links = Self { reader, batch: None, at: 0 };
        links.load()?;
        Ok(links)
    }

    /// What is known of this id, if it is in the file. The ids must not decrease from one call to the next.
    pub(super) fn find(&mut self, id: &str) -> Result<Option<Link>> {
        while let Some((ids, up, root)) = &self.batch {
            if self.at >= ids.len() {
                self.load()?;
                continue;
            }
            match ids.value(self.at).cmp(id) {
                std::cmp::Ordering::Less => self.at += 1,
                std::cmp::Ordering::Greater => return Ok(None),
                std::cmp::Ordering::Equal => {
                    return Ok(Some(Link { up: owned(up, self.at), root: owned(root, self.at) }));
                }
            }
        }
        Ok(None)
    }

    fn load(&mut self) -> Result<()> {
        self.at = 0;
        self.batch = match self.reader.next().transpose().map_err(cannot_sort)? {
            None => None,
            Some(batch) => {
                Some((texts(&batch, "id")?.clone(), texts(&batch, "up")?.clone(), texts(&batch, "root")?.clone()))
            }
        };
        Ok(())
    }
}

fn owned(texts: &StringArray, at: usize) -> Option<String> {
    texts.is_valid(at).then(|| texts.value(at).to_owned())
}
