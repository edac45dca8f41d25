//! Delta tables on a local disk: the only place that knows the table format.
//!
//! A table is a folder of Parquet files and a log of commits that says which of them belong to it. Files are written
//! by their owners and become visible, all at once, with [`Table::commit`]. Reading goes through the snapshot's list of
//! files as an ordinary Parquet scan, which every engine that runs DataFusion plans can run too.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::commits::Commits;
use crate::store::disk;
use crate::store::object::DurableStore;

/// Commits after which they are summed up. Between two checkpoints opening reads one small file a commit.
const CHECKPOINT_COMMITS: u64 = 100;

/// A Parquet file that is written but not yet part of a table.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Relative to the table's folder.
    pub name: String,
    pub bytes: u64,
    pub rows: u64,
    /// First and last instant of the `time` column, where the table has one.
    pub time_range: Option<(Instant, Instant)>,
    /// First and last number in the `batch` column, where the table has one.
    pub batch_range: Option<(i64, i64)>,
    /// A fingerprint of the file's bytes (XXH3), by which later damage is found.
    pub hash: u64,
}

/// A file of a table, as the commit that added it describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub time_range: Option<(Instant, Instant)>,
    pub batch_range: Option<(i64, i64)>,
    /// Files of older stores have none.
    pub hash: Option<u64>,
}

/// What a commit does with the files a table had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Append,
    Replace,
}

/// One version of a table.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    folder: PathBuf,
    schema: SchemaRef,
    delta: DeltaTable,
}

impl Table {
    /// Whether a table has been created in that folder: not merely begun.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        Commits::of(folder).any()
    }

    /// Opens the newest version of the table in that folder, creating an empty one where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written or holds no readable table.
    pub async fn open_or_create(folder: &Path, name: &str, schema: SchemaRef) -> Result<Table> {
        if !Table::exists(folder) {
            create(folder, name, &schema).await?;
        }
        Table::open(folder, name, schema, None).await
    }

    /// Opens a version of an existing table; without a number the newest.
    ///
    /// # Errors
    /// When the folder holds no readable table of that version.
    pub async fn open(folder: &Path, name: &str, schema: SchemaRef, version: Option<u64>) -> Result<Table> {
        let mut builder = builder(folder, name)?;
        // A torn commit was never acknowledged; the next one takes its place.
        if let Some(version) = version.or_else(|| Commits::of(folder).torn()?.checked_sub(1)) {
            builder = builder.with_version(version);
        }
        let delta = builder.load().await.map_err(Error::table(name))?;
        Ok(Table { name: name.to_owned(), folder: folder.to_owned(), schema, delta })
    }

    /// The version's number.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.delta.version().unwrap_or(0)
    }

    /// The table's columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The folder that holds the table's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The paths of this version's files, in the order of their names.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let mut files: Vec<PathBuf> =
            snapshot.log_data().iter().map(|file| self.folder.join(file.path().as_ref())).collect();
        files.sort();
        Ok(files)
    }

    /// This version's files with what is known of each, in the order of their paths.
    ///
    /// # Errors
    /// When the snapshot cannot be read, or a file of an older store, which tells its batches only inside.
    pub fn entries(&self) -> Result<Vec<TableFile>> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let batches = self.schema.column_with_name("batch").is_some();
        let mut entries = Vec::new();
        for view in snapshot.log_data().iter() {
            #[allow(deprecated, reason = "nothing else tells a file's tags")]
            let mut entry = TableFile::of(&self.folder, &view.add_action());
            if batches && entry.batch_range.is_none() {
                entry.batch_range = crate::store::parquet::batch_range(&entry.path)?;
            }
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// The files that may hold rows of batches after that one.
    ///
    /// # Errors
    /// Those of [`Table::entries`].
    pub fn files_since_batch(&self, batch: i64) -> Result<Vec<TableFile>> {
        let mut entries = self.entries()?;
        entries.retain(|file| file.batch_range.is_none_or(|(_, last)| last > batch));
        Ok(entries)
    }

    /// The highest number in the `batch` column; 0 of a table without rows. Unlike the version it does not change when
    /// files are merged.
    ///
    /// # Errors
    /// Those of [`Table::entries`].
    pub fn last_batch(&self) -> Result<i64> {
        Ok(self.entries()?.iter().filter_map(|file| Some(file.batch_range?.1)).max().unwrap_or(0))
    }

    /// Rows of this version, by the statistics of its files.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn rows(&self) -> Result<u64> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        Ok(snapshot.log_data().iter().filter_map(|file| file.num_records()).map(|rows| rows as u64).sum())
    }

    /// Makes files part of the table, all at once, and moves to the version that holds them. When it returns, the
    /// commit has been flushed to disk. Never touches a file.
    ///
    /// # Errors
    /// When somebody else has committed since this version, or the disk refuses.
    pub async fn commit(&mut self, files: &[NewFile], mode: Mode, about: Vec<(&str, Value)>) -> Result<()> {
        let failed = |error| Error::table(&self.name)(error);
        let mut actions: Vec<Action> = Vec::new();
        if mode == Mode::Replace {
            let snapshot = self.delta.snapshot().map_err(failed)?;
            actions.extend(snapshot.log_data().iter().map(|file| Action::Remove(file.remove_action(true))));
        }
        actions.extend(files.iter().map(|file| Action::Add(file.to_action())));
        let save_mode = if mode == Mode::Replace { SaveMode::Overwrite } else { SaveMode::Append };
        let operation = DeltaOperation::Write { mode: save_mode, partition_by: None, predicate: None };
        self.commit_actions(actions, operation, about).await
    }

    /// Puts files in the place of others that hold the same rows. Readers of older versions keep the old ones until they
    /// are removed.
    ///
    /// # Errors
    /// When somebody else has committed since this version, or the disk refuses.
    pub async fn swap(&mut self, old: &[TableFile], new: &[NewFile], about: Vec<(&str, Value)>) -> Result<()> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let old: HashSet<&Path> = old.iter().map(|file| file.path.as_path()).collect();
        let mut actions = Vec::new();
        for file in snapshot.log_data().iter() {
            if old.contains(self.folder.join(file.path().as_ref()).as_path()) {
                actions.push(Action::Remove(file.remove_action(false)));
            }
        }
        actions.extend(new.iter().map(|file| Action::Add(Add { data_change: false, ..file.to_action() })));
        let target_size = i64::try_from(new.iter().map(|file| file.bytes).max().unwrap_or(0)).unwrap_or(i64::MAX);
        self.commit_actions(actions, DeltaOperation::Optimize { predicate: None, target_size }, about).await
    }

    async fn commit_actions(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        about: Vec<(&str, Value)>,
    ) -> Result<()> {
        self.make_way()?;
        let about = about.into_iter().map(|(key, value)| (key.to_owned(), value));
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        // Neither retries, which would hide that somebody else has written, nor the clock, which would drop old
        // versions, nor a checkpoint, whose failure would look like the commit's.
        let properties = CommitProperties::default().with_metadata(about).with_max_retries(0);
        let properties = properties.with_cleanup_expired_logs(Some(false)).with_create_checkpoint(false);
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), operation)
            .await
            .map_err(Error::table(&self.name))?;
        self.delta.state = Some(committed.snapshot());
        self.checkpoint().await;
        Ok(())
    }

    /// What must hold before a commit: the names of the data files are on disk, those of the folders above them too
    /// (whoever made them may have been killed before), and no torn commit has this one's number.
    fn make_way(&self) -> Result<()> {
        for folder in self.folder.ancestors().take(3) {
            disk::flush_folder(folder).map_err(Error::file(folder))?;
        }
        Commits::of(&self.folder).set_torn_aside()
    }

    /// Sums up the commits in one file every so often, so that opening the table does not take longer with each. If that
    /// fails, the commit has not: the next one tries again.
    async fn checkpoint(&self) {
        let last = Commits::of(&self.folder).last_checkpoint();
        let commits = last.map_or(self.version().saturating_add(1), |last| self.version().saturating_sub(last));
        if commits >= CHECKPOINT_COMMITS {
            let _ = create_checkpoint(&self.delta, None).await;
        }
    }

    /// The table as a source for queries.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        if files.is_empty() {
            return Ok(Arc::new(EmptyTable::new(self.schema.clone())));
        }
        scan(&files, self.schema.clone())
    }
}

/// An ordinary Parquet scan of those files.
///
/// # Errors
/// When a path cannot be told as a URL.
pub fn scan(files: &[PathBuf], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    let url = |path: &PathBuf| -> Result<ListingTableUrl> {
        let url = url::Url::from_file_path(path)
            .map_err(|()| Error::invalid(path.display().to_string(), "not an absolute path"))?;
        // Not `parse`, which takes `*` and `[` in a path for a pattern.
        Ok(ListingTableUrl::try_new(url, None)?)
    };
    let urls: Vec<ListingTableUrl> = files.iter().map(url).collect::<Result<_>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

impl NewFile {
    fn to_action(&self) -> Add {
        let (mut first, mut last) = (serde_json::Map::new(), serde_json::Map::new());
        let mut bounds = |column: &str, from: Value, until: Value| {
            first.insert(column.to_owned(), from);
            last.insert(column.to_owned(), until);
        };
        if let Some((from, until)) = self.time_range {
            bounds("time", from.to_string().into(), until.to_string().into());
        }
        if let Some((from, until)) = self.batch_range {
            bounds("batch", from.into(), until.into());
        }
        let stats =
            serde_json::json!({"numRecords": self.rows, "minValues": first, "maxValues": last, "nullCount": {}});
        // The library reads statistics of a table's first columns only; tags it keeps as they are.
        let batches = self.batch_range.map(|(first, last)| (BATCHES_TAG.to_owned(), Some(format!("{first}..{last}"))));
        let hash = (HASH_TAG.to_owned(), Some(format!("{:016x}", self.hash)));
        Add {
            path: self.name.clone(),
            partition_values: HashMap::new(),
            size: i64::try_from(self.bytes).unwrap_or(i64::MAX),
            // The events' own times are the only ones that count; nothing here reads the clock.
            modification_time: 0,
            data_change: true,
            stats: Some(stats.to_string()),
            tags: Some(batches.into_iter().chain([hash]).collect()),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }
}

/// Tags of a file: the first and last batch in it, and the fingerprint of its bytes.
const BATCHES_TAG: &str = "casebook.batches";
const HASH_TAG: &str = "casebook.xxh3";

impl TableFile {
    fn of(folder: &Path, add: &Add) -> TableFile {
        let stats =
            add.stats.as_deref().and_then(|stats| serde_json::from_str::<Value>(stats).ok()).unwrap_or_default();
        let time = |at: &str| Instant::parse(stats.pointer(at)?.as_str()?).ok();
        let tag = |name: &str| add.tags.as_ref()?.get(name)?.as_deref();
        let batches = tag(BATCHES_TAG).and_then(|range| range.split_once(".."));
        TableFile {
            path: folder.join(&add.path),
            bytes: u64::try_from(add.size).unwrap_or(0),
            rows: stats.get("numRecords").and_then(Value::as_u64).unwrap_or(0),
            time_range: time("/minValues/time").zip(time("/maxValues/time")),
            batch_range: batches.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?))),
            hash: tag(HASH_TAG).and_then(|hash| u64::from_str_radix(hash, 16).ok()),
        }
    }
}

/// A name for a new file of a table, never used before.
#[must_use]
pub fn new_file_name(prefix: &str) -> String {
    format!("{prefix}-{}.parquet", Uuid::new_v4())
}

fn builder(folder: &Path, name: &str) -> Result<DeltaTableBuilder> {
    let url = url::Url::from_directory_path(folder)
        .map_err(|()| Error::invalid(folder.display().to_string(), "not an absolute path"))?;
    let builder = DeltaTableBuilder::from_url(url.clone()).map_err(Error::table(name))?;
    Ok(builder.with_storage_backend(Arc::new(DurableStore::default()), url))
}

async fn create(folder: &Path, name: &str, schema: &Schema) -> Result<()> {
    disk::make_folders(folder).map_err(Error::file(folder))?;
    let kernel: StructType = schema.try_into_kernel()?;
    let columns: Vec<_> = kernel.fields().cloned().collect();
    CreateBuilder::new()
        .with_log_store(builder(folder, name)?.build_storage().map_err(Error::table(name))?)
        .with_table_name(name)
        .with_columns(columns)
        .with_save_mode(SaveMode::Ignore)
        .await
        .map_err(Error::table(name))?;
    Ok(())
}
