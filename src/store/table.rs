//! Delta tables: the only file that knows the table format.
//!
//! A table is a folder of Parquet files and a log of commits that lists which of them belong to it. Files are written by
//! their owners and become visible, all at once, with [`Table::commit`]. Queries read the files of a version as an
//! ordinary Parquet scan, which every engine that runs DataFusion plans can run too.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::commits;
use crate::store::commits::{BATCHES_TAG, Commits};
use crate::store::data_file::{EXTENSION, NewFile, TableFile};
use crate::store::disk;
use crate::store::objects::Store;
use crate::store::parquet::batch_range;
use crate::store::vacuum::Part;

/// Commits after which a checkpoint is written. Opening a table reads one small file for each commit since the newest
/// checkpoint.
const CHECKPOINT_COMMITS: u64 = 100;

/// What a commit does with the files that a table had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitMode {
    Append,
    Replace,
}

/// One version of a table.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    folder: Store,
    schema: SchemaRef,
    delta: DeltaTable,
}

/// The names of the tables in a store, sorted.
///
/// # Errors
/// When the store cannot be read.
pub async fn names(store: &Store) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for name in store.list().await?.folders {
        if Table::exists(&store.folder(&name)).await? {
            names.push(name);
        }
    }
    Ok(names)
}

/// What a table needs of its files: those of its newest version, and of the versions since then.
///
/// # Errors
/// When the table cannot be read.
pub async fn part(store: &Store, name: &str, since: Instant) -> Result<Part> {
    let folder = store.folder(name);
    let commits = Commits::of(&folder);
    // Only the names of the files are read, so the columns do not matter.
    let table = Table::open(&folder, name, Arc::new(Schema::empty())).await?;
    let removed = commits.removed_since(since).await?;
    let needed = table.file_names()?.into_iter().chain(removed).map(|file| format!("{name}/{file}")).collect();
    let files = folder.list().await?.files.into_iter();
    let candidates = files.filter(|file| file.name.ends_with(EXTENSION)).map(|file| file.below(name)).collect();
    let log = format!("{name}/{}", commits::FOLDER);
    let in_checkpoint = commits.expired(since).await?.into_iter().map(|file| file.below(&log)).collect();
    Ok(Part { needed, candidates, in_checkpoint, written_in: vec![name.to_owned()], begun_in: vec![log] })
}

impl Table {
    /// Whether a table has been created in that folder; a folder whose creation was cut short holds none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn exists(folder: &Store) -> Result<bool> {
        Commits::of(folder).any().await
    }

    /// Opens the newest version of the table in that folder. Creates an empty table where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written or holds no readable table.
    pub async fn open_or_create(folder: &Store, name: &str, schema: SchemaRef) -> Result<Table> {
        if !Table::exists(folder).await? {
            create(folder, name, &schema).await?;
        }
        Table::open(folder, name, schema).await
    }

    /// Opens the newest version of an existing table.
    ///
    /// # Errors
    /// When the folder holds no readable table.
    pub async fn open(folder: &Store, name: &str, schema: SchemaRef) -> Result<Table> {
        let mut builder = builder(folder, name)?;
        // A torn commit was never acknowledged; the next commit replaces it.
        if let Some(version) = Commits::of(folder).torn().await?.and_then(|torn| torn.checked_sub(1)) {
            builder = builder.with_version(version);
        }
        if folder.is_in_bucket() {
            // Data files are written there before they are uploaded.
            folder.create_folder()?;
        }
        let delta = builder.load().await.map_err(Error::table(name))?;
        Ok(Table { name: name.to_owned(), folder: folder.clone(), schema, delta })
    }

    /// The newest version of the same table. Where it is this one, as for the only writer of a table, no commit is read again.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn reopen(&self) -> Result<Table> {
        match Commits::of(&self.folder).newest().await? {
            Some(newest) if newest == self.version() => Ok(self.clone()),
            _ => Table::open(&self.folder, &self.name, Arc::clone(&self.schema)).await,
        }
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
    pub fn folder(&self) -> &Store {
        &self.folder
    }

    /// The names of this version's files, sorted.
    fn file_names(&self) -> Result<Vec<String>> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let mut names: Vec<String> = snapshot.log_data().iter().map(|file| file.path().into_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// The paths of this version's files, sorted.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(self.file_names()?.iter().map(|name| self.folder.local_path(name)).collect())
    }

    /// Makes sure that this version's files can be read on the local disk ([`Store::fetch`]).
    ///
    /// # Errors
    /// When a file is missing, or the store cannot be read.
    pub async fn fetch(&self) -> Result<()> {
        self.folder.fetch(&self.files()?).await
    }

    /// This version's files with what is known of each, in the order of their paths.
    ///
    /// # Errors
    /// When the snapshot cannot be read, or a file of an older store, whose commit does not state its batches.
    pub fn entries(&self) -> Result<Vec<TableFile>> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let has_batches = self.schema.column_with_name("batch").is_some();
        let mut entries = Vec::new();
        for view in snapshot.log_data().iter() {
            #[allow(deprecated, reason = "the library has no other way to read the tags of a file")]
            let mut entry = TableFile::of(&self.folder, &view.add_action());
            if has_batches && entry.batch_range.is_none() {
                entry.batch_range = batch_range(&entry.path)?;
            }
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// The files that may hold rows of batches after that one.
    ///
    /// # Errors
    /// As [`Table::entries`].
    pub fn files_since_batch(&self, batch: i64) -> Result<Vec<TableFile>> {
        let mut entries = self.entries()?;
        entries.retain(|file| file.batch_range.is_none_or(|(_, last)| last > batch));
        Ok(entries)
    }

    /// The highest number in the `batch` column; 0 for a table without rows. Unlike the version it does not change when
    /// files are merged.
    ///
    /// # Errors
    /// As [`Table::entries`].
    pub fn last_batch(&self) -> Result<i64> {
        Ok(self.entries()?.iter().filter_map(|file| Some(file.batch_range?.1)).max().unwrap_or(0))
    }

    /// The number of rows of this version, by the statistics of its files.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn rows(&self) -> Result<u64> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        Ok(snapshot.log_data().iter().filter_map(|file| file.num_records()).map(|rows| rows as u64).sum())
    }

    /// Removes data files that a writer of this machine has written, no commit names, and have one of those names. What cannot
    /// be removed now, `vacuum` removes later.
    pub fn discard_data_files(&self, is_removed: impl Fn(&str) -> bool) {
        let names = self.folder.written_files().into_iter();
        names.filter(|name| name.ends_with(EXTENSION) && is_removed(name)).for_each(|name| self.folder.discard(&name));
    }

    /// Makes files part of the table, all at once, and moves to the version that holds them. When this returns, the commit
    /// is durable. Data files are never changed.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another writer has committed since this version; or when the disk refuses.
    pub async fn commit(&mut self, files: &[NewFile], mode: CommitMode, metadata: Vec<(&str, Value)>) -> Result<()> {
        let failed = |error| Error::table(&self.name)(error);
        let mut actions: Vec<Action> = Vec::new();
        if mode == CommitMode::Replace {
            let snapshot = self.delta.snapshot().map_err(failed)?;
            actions.extend(snapshot.log_data().iter().map(|file| Action::Remove(file.remove_action(true))));
        }
        actions.extend(files.iter().map(|file| Action::Add(file.to_action())));
        let save_mode = if mode == CommitMode::Replace { SaveMode::Overwrite } else { SaveMode::Append };
        let operation = DeltaOperation::Write { mode: save_mode, partition_by: None, predicate: None };
        self.commit_actions(files, actions, operation, metadata).await
    }

    /// Replaces files by others that hold the same rows. Readers of older versions use the old files until these are
    /// removed.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another writer has committed since this version; or when the disk refuses.
    pub async fn replace_files(
        &mut self,
        old: &[TableFile],
        new: &[NewFile],
        metadata: Vec<(&str, Value)>,
    ) -> Result<()> {
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        let old: HashSet<&Path> = old.iter().map(|file| file.path.as_path()).collect();
        let mut actions = Vec::new();
        for file in snapshot.log_data().iter() {
            if old.contains(self.folder.local_path(&file.path()).as_path()) {
                actions.push(Action::Remove(file.remove_action(false)));
            }
        }
        actions.extend(new.iter().map(|file| Action::Add(Add { data_change: false, ..file.to_action() })));
        let target_size = i64::try_from(new.iter().map(|file| file.bytes).max().unwrap_or(0)).unwrap_or(i64::MAX);
        let operation = DeltaOperation::Optimize { predicate: None, target_size };
        self.commit_actions(new, actions, operation, metadata).await
    }

    async fn commit_actions(
        &mut self,
        files: &[NewFile],
        actions: Vec<Action>,
        operation: DeltaOperation,
        metadata: Vec<(&str, Value)>,
    ) -> Result<()> {
        self.prepare_commit(files).await?;
        let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value));
        let snapshot = self.delta.snapshot().map_err(Error::table(&self.name))?;
        // No retries, which would hide that another writer has committed. No cleanup, which would remove old versions by
        // the clock. No checkpoint, whose failure would look like a failure of the commit.
        let properties = CommitProperties::default().with_metadata(metadata).with_max_retries(0);
        let properties = properties.with_cleanup_expired_logs(Some(false)).with_create_checkpoint(false);
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), operation)
            .await
            .map_err(|error| self.not_committed(error))?;
        self.delta.state = Some(committed.snapshot());
        self.checkpoint().await;
        Ok(())
    }

    /// Why a commit failed.
    fn not_committed(&self, error: DeltaTableError) -> Error {
        use TransactionError::{MaxCommitAttempts, VersionAlreadyExists};
        match error {
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction { source: VersionAlreadyExists(_) | MaxCommitAttempts(_) } => {
                Error::Overtaken { place: self.folder.place() }
            }
            error => Error::table(&self.name)(error),
        }
    }

    /// Establishes what must hold before a commit: the files and the names of the data files are durable, and the names of the
    /// folders above them too, because their creator may have been killed; and no torn commit has the number of this one.
    async fn prepare_commit(&self, files: &[NewFile]) -> Result<()> {
        if self.folder.is_in_bucket() {
            return self.folder.publish(files.iter().map(|file| file.name.as_str())).await;
        }
        for folder in self.folder.path().ancestors().take(3) {
            disk::flush_folder(folder).map_err(Error::file(folder))?;
        }
        Commits::of(&self.folder).set_torn_aside().await
    }

    /// Writes a checkpoint every hundred commits, so that opening the table does not take longer with each commit. The
    /// commit stands even if that fails: the next commit tries again. What a table that stays open has in memory grows with each
    /// commit since the checkpoint that it was opened from, so it goes on from the new one.
    async fn checkpoint(&mut self) {
        let last = Commits::of(&self.folder).last_checkpoint().await;
        let commits = last.map_or(self.version().saturating_add(1), |last| self.version().saturating_sub(last));
        if commits < CHECKPOINT_COMMITS || create_checkpoint(&self.delta, None).await.is_err() {
            return;
        }
        let opened = Table::open(&self.folder, &self.name, Arc::clone(&self.schema)).await;
        if let Some(opened) = opened.ok().filter(|opened| opened.version() == self.version()) {
            *self = opened;
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
        scan(&self.folder, &files, self.schema.clone())
    }
}

/// An ordinary Parquet scan of those files of a store.
///
/// # Errors
/// When a path cannot be written as a URL.
pub fn scan(store: &Store, files: &[PathBuf], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    let url = |path: &PathBuf| -> Result<ListingTableUrl> {
        let url = url::Url::from_file_path(path)
            .map_err(|()| Error::invalid(path.display().to_string(), "not an absolute path"))?;
        // Not `parse`, which reads `*` and `[` in a path as a pattern.
        Ok(ListingTableUrl::try_new(url, None)?)
    };
    let urls: Vec<ListingTableUrl> = files.iter().map(url).collect::<Result<_>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    let table = Arc::new(ListingTable::try_new(config)?);
    if store.is_in_bucket() {
        return Ok(Arc::new(Fetched { store: store.clone(), files: files.to_vec(), table }));
    }
    Ok(table)
}

/// A scan of files that are in a bucket: they are copied to the local disk when a question needs them.
#[derive(Debug)]
struct Fetched {
    store: Store,
    files: Vec<PathBuf>,
    table: Arc<ListingTable>,
}

#[async_trait]
impl TableProvider for Fetched {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> datafusion::error::Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let fetched = self.store.fetch(&self.files).await;
        fetched.map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.table.scan(state, projection, filters, limit).await
    }
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
        // The library reads the statistics of a table's first columns only; it keeps tags as they are.
        let batches = self.batch_range.map(|(first, last)| (BATCHES_TAG.to_owned(), Some(format!("{first}..{last}"))));
        let hash = (HASH_TAG.to_owned(), Some(format!("{:016x}", self.hash)));
        let events = self.events.map(|events| (EVENTS_TAG.to_owned(), Some(format!("{events:032x}"))));
        Add {
            path: self.name.clone(),
            partition_values: HashMap::new(),
            size: i64::try_from(self.bytes).unwrap_or(i64::MAX),
            // Only the times of the events count; nothing here reads the clock.
            modification_time: 0,
            data_change: true,
            stats: Some(stats.to_string()),
            tags: Some(batches.into_iter().chain([hash]).chain(events).collect()),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }
}

/// Tag of a file: the fingerprint of its bytes.
const HASH_TAG: &str = "casebook.xxh3";

/// Tag of a file: the fingerprint of its events.
const EVENTS_TAG: &str = "casebook.events";

impl TableFile {
    fn of(folder: &Store, add: &Add) -> TableFile {
        let stats =
            add.stats.as_deref().and_then(|stats| serde_json::from_str::<Value>(stats).ok()).unwrap_or_default();
        let time = |at: &str| Instant::parse(stats.pointer(at)?.as_str()?).ok();
        let tag = |name: &str| add.tags.as_ref()?.get(name)?.as_deref();
        let batches = tag(BATCHES_TAG).and_then(|range| range.split_once(".."));
        TableFile {
            path: folder.local_path(&add.path),
            bytes: u64::try_from(add.size).unwrap_or(0),
            rows: stats.get("numRecords").and_then(Value::as_u64).unwrap_or(0),
            time_range: time("/minValues/time").zip(time("/maxValues/time")),
            batch_range: batches.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?))),
            events: tag(EVENTS_TAG).and_then(|events| u128::from_str_radix(events, 16).ok()),
            hash: tag(HASH_TAG).and_then(|hash| u64::from_str_radix(hash, 16).ok()),
        }
    }
}

fn builder(folder: &Store, name: &str) -> Result<DeltaTableBuilder> {
    let url = url_of(folder)?;
    let builder = DeltaTableBuilder::from_url(url.clone()).map_err(Error::table(name))?;
    Ok(builder.with_storage_backend(folder.objects(), url))
}

/// The URL of a folder. The library looks for a folder on the disk where the scheme is `file`; of another scheme that it knows
/// it takes the path only, from the root of the objects that it is given.
fn url_of(folder: &Store) -> Result<url::Url> {
    let invalid = || Error::invalid(folder.place(), "not an absolute path");
    if !folder.is_in_bucket() {
        return url::Url::from_directory_path(folder.path()).map_err(|()| invalid());
    }
    let mut url = url::Url::parse("memory:///").map_err(|_| invalid())?;
    let parts = folder.location().parts();
    url.path_segments_mut()
        .map_err(|()| invalid())?
        .pop_if_empty()
        .extend(parts.map(|part| part.as_ref().to_owned()))
        .push("");
    Ok(url)
}

async fn create(folder: &Store, name: &str, schema: &Schema) -> Result<()> {
    folder.create_folder()?;
    let kernel: StructType = schema.try_into_kernel()?;
    let columns: Vec<_> = kernel.fields().cloned().collect();
    let created = CreateBuilder::new()
        .with_log_store(builder(folder, name)?.build_storage().map_err(Error::table(name))?)
        .with_table_name(name)
        .with_columns(columns)
        .with_save_mode(SaveMode::Ignore)
        .await;
    match created {
        // Another machine may have created it at the same time.
        Err(error) if !Table::exists(folder).await? => Err(Error::table(name)(error)),
        _ => Ok(()),
    }
}
