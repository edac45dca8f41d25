//! Replay: events in, fact tables out; the only bridge between the model and columns.
//!
//! The events about the desk are replayed first, in memory, to the [`Desk`]. The events about cases flow through
//! [`operator::ReplayExec`], in parallel over cases; what it gives is flattened into one Parquet file per table and core
//! ([`output`], [`sheet`], [`tables`]). What no case can know alone (a second open case, a stranger's first event) is
//! found afterwards in SQL. Then all tables switch together ([`facts`]). [`session`] is where queries see them,
//! with the [`views`] that follow from them.

mod customers;
mod desk_tables;
pub mod engine;
pub mod facts;
mod findings;
pub mod functions;
pub mod input;
pub mod memory;
pub mod operator;
pub mod output;
pub mod session;
pub mod sheet;
pub mod tables;
pub mod views;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use datafusion::execution::context::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::DefaultPhysicalPlanner;
use datafusion::prelude::{DataFrame, SessionContext, cast, col, lit};
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::log::table::NewFile;
use crate::log::write::FileWriter;
use crate::log::{Log, WriterLock};
use crate::model::desk::Desk;
use desk_tables::{desk_findings, desk_tables};
use engine::Resources;
use facts::Pointer;
use input::{CASE_COLUMNS, DESK_COLUMNS};
use operator::ReplayExec;
use output::{NOTED, flatten};
use sheet::schema;
use tables::{
    AUTOMATIC_ASSIGNMENTS, CASE_SHEETS, CUSTOMERS, FACT_TABLES, FINDINGS, FactTable, LOAD_SPANS, OPEN_SPANS, STRANGERS,
};

/// What a replay did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub pointer: Pointer,
    /// Cases replayed this time; none where the facts were up to date.
    pub cases_replayed: u64,
}

/// Brings the facts up to date with the log. Never changes the log.
///
/// # Errors
/// When the store cannot be read or written; then the facts stay as they were.
pub async fn refresh(log: &Log, resources: Resources, full: bool) -> Result<Summary> {
    if !full && let Some(pointer) = up_to_date(log)? {
        return Ok(Summary { pointer, cases_replayed: 0 });
    }
    let _lock = WriterLock::take(log.store(), "facts").await?;
    // While we waited, the log may have grown and somebody else may have replayed it.
    let log = &Log::open(log.store()).await?;
    if !full && let Some(pointer) = up_to_date(log)? {
        return Ok(Summary { pointer, cases_replayed: 0 });
    }
    let pointer = Replay::new(log, resources)?.run().await?;
    Ok(Summary { cases_replayed: pointer.cases, pointer })
}

/// The pointer, if the facts stand for this version of the log.
fn up_to_date(log: &Log) -> Result<Option<Pointer>> {
    Ok(Pointer::read(log.store())?.filter(|pointer| pointer.log_version == log.version()))
}

/// One replay in the making.
struct Replay<'a> {
    log: &'a Log,
    context: SessionContext,
    /// Tables that only the replay needs; removed with it.
    scratch: tempfile::TempDir,
    pointer: Pointer,
}

impl<'a> Replay<'a> {
    fn new(log: &'a Log, resources: Resources) -> Result<Replay<'a>> {
        let context = engine::session(resources)?;
        context.register_table("log", log.events.provider_as(input::schema())?)?;
        let scratch = tempfile::tempdir_in(log.store()).map_err(Error::file(log.store()))?;
        let pointer = Pointer { format: facts::FACTS_FORMAT, log_version: log.version(), ..Pointer::default() };
        Ok(Replay { log, context, scratch, pointer })
    }

    async fn run(mut self) -> Result<Pointer> {
        self.pointer.events = self.log.events.rows()?;
        self.pointer.last_event_at_ms = self.last_event_at_ms().await?;
        let desk = Arc::new(desk(rank_0(&self.context).await?).await?);
        let mut files = self.replay_cases(desk.clone()).await?;
        self.context.register_batch("desk_findings", desk_findings(&desk)?)?;
        let findings = self.find_across_cases(&files).await?;
        files.insert(FINDINGS.name, findings);
        files.insert(CUSTOMERS.name, vec![self.replay_customers().await?]);
        for (table, rows) in desk_tables(&desk)? {
            files.insert(table.name, vec![self.write_rows(&table, rows)?]);
        }
        self.publish(&files).await
    }

    async fn last_event_at_ms(&self) -> Result<Option<i64>> {
        let newest = self.context.sql("SELECT max(time) FROM log").await?.collect().await?;
        let times = newest.first().map(|batch| batch.column(0).as_primitive::<TimestampMillisecondType>());
        Ok(times.and_then(|times| times.iter().next().flatten()))
    }

    /// Replays every case and writes the tables' files, which nobody sees before they are published.
    async fn replay_cases(&mut self, desk: Arc<Desk>) -> Result<BTreeMap<&'static str, Vec<NewFile>>> {
        let plan = plan(&self.context, desk).await?;
        let mut folders = BTreeMap::new();
        for table in CASE_SHEETS {
            folders.insert(table.name, self.folder_of(&table).await?);
        }
        let folders = Arc::new(folders);
        let mut parts = Vec::new();
        for partition in 0..plan.output_partitioning().partition_count() {
            let (plan, context, folders) = (plan.clone(), self.context.task_ctx(), folders.clone());
            parts.push(tokio::spawn(async move { write_partition(plan, partition, context, &folders).await }));
        }
        let mut files: BTreeMap<&'static str, Vec<NewFile>> = BTreeMap::new();
        for part in parts {
            let part = part.await.map_err(|error| Error::Worker(error.to_string()))??;
            for (table, file) in part.files {
                files.entry(table).or_default().push(file);
            }
            for (rule, count) in part.noted {
                *self.pointer.noted.entry(rule).or_default() += count;
            }
        }
        self.pointer.cases = files.get("cases").into_iter().flatten().map(|file| file.rows).sum();
        Ok(files)
    }

    /// Where a table's files are written: its own folder, or the scratch folder for what only the replay needs.
    async fn folder_of(&self, table: &FactTable) -> Result<std::path::PathBuf> {
        let kept = FACT_TABLES.iter().any(|known| known.name == table.name) && table.name != FINDINGS.name;
        if kept {
            return Ok(facts::open_newest(self.log.store(), table).await?.folder().to_owned());
        }
        let folder = self.scratch.path().join(table.name);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(folder)
    }

    /// The findings of the cases, and those that only all cases together show (2.7).
    async fn find_across_cases(&mut self, files: &BTreeMap<&'static str, Vec<NewFile>>) -> Result<Vec<NewFile>> {
        for table in [FINDINGS, STRANGERS, OPEN_SPANS, LOAD_SPANS, AUTOMATIC_ASSIGNMENTS] {
            let folder = self.scratch.path().join(table.name);
            let paths: Vec<_> =
                files.get(table.name).into_iter().flatten().map(|file| folder.join(&file.name)).collect();
            let columns = input::plain(&schema(table.columns));
            let provider = match paths.is_empty() {
                true => Arc::new(datafusion::datasource::empty::EmptyTable::new(columns)),
                false => crate::log::table::scan(&paths, columns)?,
            };
            self.context.register_table(table.name, provider)?;
        }
        let folder = facts::open_newest(self.log.store(), &FINDINGS).await?.folder().to_owned();
        let mut writer = FileWriter::create(&folder, FINDINGS.name, &schema(FINDINGS.columns))?;
        for query in findings::QUERIES {
            let mut batches = findings::found(&self.context, query).await?.execute_stream().await?;
            while let Some(batch) = batches.next().await {
                let batch = crate::log::write::with_schema(&batch?, &schema(FINDINGS.columns))?;
                let severities = batch.column_by_name("severity").map(|column| column.as_string_view());
                let shown = severities.into_iter().flatten().filter(|severity| *severity != Some("hidden")).count();
                self.pointer.findings += shown as u64;
                writer.write(&batch)?;
            }
        }
        Ok(vec![writer.finish()?])
    }

    fn write_rows(&self, table: &FactTable, rows: RecordBatch) -> Result<NewFile> {
        let folder = facts::folder(self.log.store(), table);
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let mut writer = FileWriter::create(&folder, table.name, &schema(table.columns))?;
        writer.write(&rows)?;
        writer.finish()
    }

    /// Commits every table, then the pointer that names their versions.
    async fn publish(mut self, files: &BTreeMap<&'static str, Vec<NewFile>>) -> Result<Pointer> {
        for table in FACT_TABLES {
            let mut opened = facts::open_newest(self.log.store(), &table).await?;
            let files = files.get(table.name).map_or(&[][..], Vec::as_slice);
            facts::replace(&mut opened, files, &mut self.pointer, table.name).await?;
        }
        self.pointer.write(self.log.store())?;
        Ok(self.pointer)
    }
}

/// The desk that the events of a table make: those about people, profiles, policies, calendars and settings among them.
///
/// # Errors
/// When the table cannot be read, or is not of events.
pub async fn desk(events: DataFrame) -> Result<Desk> {
    let kinds = Desk::EVENT_TYPES.iter().map(|kind| lit(kind.name())).collect();
    let order = ["time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    // The replay's own table has plain texts; those of queries are views.
    let plain = DESK_COLUMNS.iter().map(|name| match *name {
        "time" => col("time"),
        name => cast(col(name), DataType::Utf8).alias(name),
    });
    let events = events.filter(col("type").in_list(kinds, false))?.sort(order.to_vec())?;
    let batches = events.select(plain.collect::<Vec<_>>())?.collect().await?;
    let events = batches.iter().map(input::desk_events).collect::<Result<Vec<_>>>()?;
    Ok(Desk::replay(events.into_iter().flatten()))
}

/// The events of the session's `log` that are about no case.
async fn rank_0(context: &SessionContext) -> Result<DataFrame> {
    Ok(context.table("log").await?.filter(col("rank").eq(lit(0)))?)
}

/// The replay of the session's `log`, case by case.
async fn plan(context: &SessionContext, desk: Arc<Desk>) -> Result<Arc<dyn ExecutionPlan>> {
    let events = context.table("log").await?.filter(col("case_id").is_not_null())?;
    let scan = events.select_columns(CASE_COLUMNS)?.create_physical_plan().await?;
    let replay = Arc::new(ReplayExec::new(scan, desk));
    Ok(DefaultPhysicalPlanner::default().optimize_physical_plan(replay, &context.state(), |_, _| {})?)
}

/// What one partition of the cases gave.
#[derive(Default)]
struct Part {
    files: Vec<(&'static str, NewFile)>,
    noted: BTreeMap<String, u64>,
}

async fn write_partition(
    plan: Arc<dyn ExecutionPlan>,
    partition: usize,
    context: Arc<TaskContext>,
    folders: &BTreeMap<&'static str, std::path::PathBuf>,
) -> Result<Part> {
    let mut stream = plan.execute(partition, context)?;
    let mut writers: BTreeMap<&'static str, FileWriter> = BTreeMap::new();
    let mut part = Part::default();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        for table in CASE_SHEETS {
            let rows = batch.column_by_name(table.name).and_then(|column| flatten(column.as_list()));
            if let (Some(rows), Some(folder)) = (rows.filter(|rows| rows.num_rows() > 0), folders.get(table.name)) {
                write_into(&mut writers, &table, folder, &rows)?;
            }
        }
        count_noted(&batch, &mut part.noted);
    }
    for (name, writer) in writers {
        part.files.push((name, writer.finish()?));
    }
    Ok(part)
}

fn write_into(
    writers: &mut BTreeMap<&'static str, FileWriter>,
    table: &FactTable,
    folder: &Path,
    rows: &RecordBatch,
) -> Result<()> {
    let mut writer = match writers.remove(table.name) {
        Some(writer) => writer,
        None => FileWriter::create(folder, table.name, &schema(table.columns))?,
    };
    writer.write(rows)?;
    writers.insert(table.name, writer);
    Ok(())
}

fn count_noted(batch: &RecordBatch, noted: &mut BTreeMap<String, u64>) {
    let Some(rows) = batch.column_by_name(NOTED.name).and_then(|column| flatten(column.as_list())) else { return };
    let (rules, counts) = (rows.column(0).as_string_view(), rows.column(1).as_primitive::<Int64Type>());
    for (rule, count) in rules.iter().zip(counts.values()) {
        *noted.entry(rule.unwrap_or_default().to_owned()).or_default() += u64::try_from(*count).unwrap_or(0);
    }
}
