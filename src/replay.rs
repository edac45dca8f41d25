//! Replay: events in, fact tables out; the only bridge between the model and columns.
//!
//! The events about the desk are replayed first, in memory, to the [`Desk`]. The events about cases are gathered by ranges
//! of cases ([`gather`]); each core takes range after range, replays case after case, and writes what that gives into a
//! Parquet file of its own for each table ([`cores`], [`output`]). What no case can know alone is
//! found afterwards: a second open case by sweeping what cases show together ([`across`]), a stranger's first event in
//! SQL ([`findings`]). Then all tables switch together ([`manifest`](crate::facts::manifest)). After new events only the cases that
//! these touch are replayed ([`touched`]), as a layer over the facts there are ([`Layers`]).

pub mod across;
pub mod cores;
pub mod customers;
pub mod desk_tables;
pub mod findings;
pub mod gather;
pub mod input;
pub mod output;
mod pack;
pub mod touched;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::catalog::TableProvider;
use datafusion::common::runtime::SpawnedTask;
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use datafusion::scalar::ScalarValue;

use crate::error::Result;
use crate::facts::layers::Keys;
use crate::facts::layers::{Layers, Texts};
use crate::facts::manifest;
use crate::facts::manifest::{Layer, Pointer};
use crate::facts::rows::{Sheet, schema};
use crate::facts::tables::{
    CASES, CUSTOMERS, DESK_EVENTS, FINDINGS, FactTable, NOTED, OTHER_FINDINGS, REPLACED_CASES, REPLACED_CUSTOMERS,
};
use crate::log::Log;
use crate::model::desk::Desk;
use crate::model::time::Instant;
use crate::replay::across::Across;
use crate::replay::cores::Finishing;
use crate::replay::desk_tables::{desk_findings, desk_tables};
use crate::replay::gather::{CASE_EVENTS, Gather, Ranges};
use crate::replay::touched::{Touched, is_touched};
use crate::store::data_file::NewFile;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::lock::WriterLock;
use crate::store::objects::Store;
use crate::store::parquet::EXTENSION;
use crate::store::progress::Progress;

/// What a replay did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub pointer: Pointer,
    /// Cases replayed this time; none where the facts were up to date.
    pub cases_replayed: u64,
}

/// How much of the log a refresh replays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// Everything, even if the facts are up to date.
    Full,
    /// What new events touch; everything where that, with what the layers hold since the last full replay, is more than
    /// this share of all cases.
    Touched { share: f64 },
}

impl Extent {
    /// What new events touch, as long as that is quicker: a case that is replayed alone costs about four times of what
    /// it costs among all, and queries pay for replaced rows.
    pub const REFRESH: Extent = Extent::Touched { share: 0.2 };
}

/// Layers after the first that are kept before a refresh makes one of them.
const LAYERS_MAX: usize = 8;

/// Brings the facts up to date with the log. Never changes the log.
///
/// # Errors
/// When the store cannot be read or written; then the facts stay as they were.
pub async fn refresh(log: &Log, resources: Resources, extent: Extent) -> Result<Summary> {
    refresh_telling(log, resources, extent, Progress::default()).await
}

/// The same, telling how far it has come.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_telling(log: &Log, resources: Resources, extent: Extent, progress: Progress) -> Result<Summary> {
    let home = manifest::home(log.store());
    let up_to_date = async |log: &Log| -> Result<Option<Pointer>> {
        let last_batch = log.last_batch()?;
        let pointer = Pointer::read(&home).await?.filter(|_| extent != Extent::Full);
        Ok(pointer.filter(|pointer| pointer.last_batch == last_batch))
    };
    if let Some(pointer) = up_to_date(log).await? {
        return Ok(Summary { pointer, cases_replayed: 0 });
    }
    let _lock = WriterLock::take(log.store(), "facts").await?;
    // While we waited, the log may have grown and somebody else may have replayed it.
    let log = &log.reopen().await?;
    if let Some(pointer) = up_to_date(log).await? {
        return Ok(Summary { pointer, cases_replayed: 0 });
    }
    let last_batch = log.last_batch()?;
    let before = Pointer::read(&home).await.ok().flatten().filter(|before| before.last_batch < last_batch);
    let replay = Replay { progress, ..Replay::new(log.events.provider()?, &home, resources)? };
    let events = log.events.rows()?;
    let touched = match (extent, before) {
        (Extent::Touched { share }, Some(before)) => replay.touched_since(before, share).await?,
        _ => None,
    };
    let pointer = Pointer { last_batch, events, ..Pointer::default() };
    let present = fact_files(&home).await;
    let replayed = match touched {
        Some((before, touched)) => replay.run_touched(pointer, before, &touched).await,
        None => replay.run(pointer).await,
    };
    if replayed.is_err() {
        // On a full disk their room is needed. Nobody else writes facts while we hold the lock; if the pointer came into
        // sight before it failed, its files stay.
        let named = match Pointer::read(&home).await {
            Ok(pointer) => pointer.unwrap_or_default().file_names(),
            Err(_) => return replayed,
        };
        for file in fact_files(&home).await.iter().filter(|file| !present.contains(*file) && !named.contains(*file)) {
            let _ = home.remove(file).await;
        }
    }
    replayed
}

/// The names of the files of all fact tables, whether the pointer names them or not.
async fn fact_files(home: &Store) -> BTreeSet<String> {
    let files = home.list_after("").await.unwrap_or_default().into_iter().map(|file| file.name);
    files.filter(|name| name.ends_with(EXTENSION)).collect()
}

/// Replays all of those events into fact files in that folder, beside any store. The result names them; nothing there names
/// them yet but its own pointer.
///
/// # Errors
/// When the events cannot be read or the folder cannot be written.
pub async fn replay_beside(
    events: Arc<dyn TableProvider>,
    folder: &Store,
    resources: Resources,
    pointer: Pointer,
) -> Result<Pointer> {
    Ok(Replay::new(events, folder, resources)?.run(pointer).await?.pointer)
}

/// One replay in the making.
struct Replay {
    context: SessionContext,
    resources: Resources,
    progress: Progress,
    /// Where the facts are written.
    home: Store,
    /// What has been written, which nobody sees before it is published.
    layer: Layer,
}

impl Replay {
    fn new(log: Arc<dyn TableProvider>, home: &Store, resources: Resources) -> Result<Replay> {
        let context = engine::session(resources)?;
        // Of the desk and of what is touched few rows are wanted.
        engine::read_keys_first(&context);
        context.register_table("log", log)?;
        home.create_folder()?;
        let (home, layer) = (home.clone(), Layer::default());
        Ok(Replay { context, resources, progress: Progress::default(), home, layer })
    }

    /// What the batches after those of the facts touch; nothing where everything had better be replayed.
    async fn touched_since(&self, before: Pointer, share: f64) -> Result<Option<(Pointer, Touched)>> {
        let facts = Layers::open(&self.home, &before)?;
        let absorbed = match before.layers.len() > LAYERS_MAX {
            true => (facts.replaced_cases(), facts.replaced_customers()),
            false => (Keys::default(), Keys::default()),
        };
        let replaced: u64 = before.layers.iter().map(|layer| layer.replaced_cases).sum();
        let touched = Touched::find(&self.context, &facts, before.last_batch, absorbed).await?;
        let work = touched.cases.len() as u64 + replaced;
        Ok((work as f64 <= share * before.cases as f64).then_some((before, touched)))
    }

    /// Replays the whole log.
    async fn run(mut self, mut pointer: Pointer) -> Result<Summary> {
        let everything = self.context.table("log").await?;
        self.progress.report("reading events", 0, 0);
        // Beside the desk, which is replayed on one core.
        let events = SpawnedTask::spawn(cores::gather_all(everything.clone(), self.resources));
        let desk = self.replay_desk(rank_0(&self.context).await?).await?;
        let events = events.join().await??;
        let across = cores::across(events.heaps(), self.resources);
        let of_cases = self.replay_cases(events, &desk, Some(across.clone())).await?;
        // Meanwhile the disk takes the last of those files. All are waited for, so that none comes after a clean-up.
        let (customers, found) = tokio::join!(self.replay_customers(everything), self.find_across_cases(across));
        self.add_finished(of_cases).await?;
        self.layer.add(&CUSTOMERS, customers?);
        found?.into_iter().for_each(|file| self.layer.add(&OTHER_FINDINGS, file));
        let layers = Layers::open(&self.home, &Pointer { layers: vec![self.layer.clone()], ..Pointer::default() })?;
        findings::register(&self.context, &layers)?;
        self.find_by_queries(&findings::QUERIES).await?;
        pointer.layers = vec![self.layer.clone()];
        let pointer = self.publish(pointer).await?;
        Ok(Summary { cases_replayed: pointer.cases, pointer })
    }

    /// Replays what has been touched, as a layer over the facts there are.
    async fn run_touched(mut self, mut pointer: Pointer, before: Pointer, touched: &Touched) -> Result<Summary> {
        let facts = Layers::open(&self.home, &before)?;
        let names: Vec<&str> = DESK_EVENTS.columns.iter().map(|(name, _)| *name).collect();
        let known = self.context.read_table(facts.provider(&DESK_EVENTS, Texts::Views)?)?;
        let new = rank_0(&self.context).await?.filter(col("batch").gt(lit(before.last_batch)))?;
        let desk = self.replay_desk(known.union(new.select_columns(&names)?)?).await?;
        let log = self.context.table("log").await?;
        let mut events = log.clone().filter(is_touched(&touched.cases, "case_id", Texts::Views))?;
        if let Some(since) = touched.since {
            events = events.filter(col("time").gt_eq(instant(since)))?;
        }
        let cases: Vec<String> = touched.cases.iter().cloned().collect();
        let wanted = cores::wanted_ranges(cases.len() * CASE_EVENTS, self.resources);
        self.progress.report("reading events", 0, 0);
        let events = cores::gather(events, Ranges::cut(cases, wanted), self.resources).await?;
        let of_cases = self.replay_cases(events, &desk, None).await?;
        self.add_finished(of_cases).await?;
        if !touched.customers.is_empty() {
            let events = log.filter(is_touched(&touched.customers, "subject", Texts::Views))?;
            self.layer.add(&CUSTOMERS, self.replay_customers(events).await?);
        }
        self.write_keys(&REPLACED_CASES, &touched.cases)?;
        self.write_keys(&REPLACED_CUSTOMERS, &touched.customers)?;
        self.layer.replaced_cases = touched.cases.len() as u64;
        // One that absorbs others replaces all of their rows.
        let kept = if before.layers.len() > LAYERS_MAX { 1 } else { before.layers.len() };
        pointer.layers = before.layers.iter().take(kept).cloned().chain([self.layer.clone()]).collect();
        let now = Layers::open(&self.home, &pointer)?;
        let staying = findings::register_narrowed(&self.context, &facts, &now, &touched.cases).await?;
        let events = usize::try_from(before.events).unwrap_or(usize::MAX);
        let across = cores::across(cores::wanted_ranges(events, self.resources), self.resources);
        findings::gather_across(&self.context, &across).await?;
        let found = self.find_across_cases(across).await?;
        found.into_iter().for_each(|file| self.layer.add(&OTHER_FINDINGS, file));
        self.find_by_queries(&[&findings::QUERIES[..], &[&staying]].concat()).await?;
        pointer.layers.truncate(kept);
        pointer.layers.push(self.layer.clone());
        let pointer = self.publish(pointer).await?;
        Ok(Summary { cases_replayed: touched.cases.len() as u64, pointer })
    }

    /// Replays the desk from those events, and writes them and its tables.
    async fn replay_desk(&mut self, events: DataFrame) -> Result<Arc<Desk>> {
        let events = of_the_desk(events)?.collect().await?;
        let desk = replay_desk(&events)?;
        let columns = schema(DESK_EVENTS.columns);
        let mut rows = vec![RecordBatch::new_empty(columns.clone())];
        for batch in &events {
            let cast = batch
                .columns()
                .iter()
                .zip(columns.fields())
                .map(|(column, field)| arrow::compute::cast(column, field.data_type()));
            rows.push(RecordBatch::try_new(columns.clone(), cast.collect::<arrow::error::Result<_>>()?)?);
        }
        self.write_rows(&DESK_EVENTS, &arrow::compute::concat_batches(&columns, &rows)?)?;
        for (table, rows) in desk_tables(&desk)? {
            self.write_rows(&table, &rows)?;
        }
        self.context.register_batch("desk_findings", desk_findings(&desk)?)?;
        Ok(Arc::new(desk))
    }

    /// Waits for all of those files, of which one that fails fails the replay.
    async fn add_finished(&mut self, files: Vec<Finishing>) -> Result<()> {
        let mut finished = Vec::new();
        for (table, file) in files {
            finished.push((table, file.await));
        }
        finished.into_iter().try_for_each(|(table, file)| {
            self.layer.add(&table, file??);
            Ok(())
        })
    }

    /// Replays the cases of those events and writes the tables' files; gathers what they show together.
    async fn replay_cases(
        &self,
        events: Arc<Gather>,
        desk: &Arc<Desk>,
        across: Option<Arc<Across>>,
    ) -> Result<Vec<Finishing>> {
        cores::replay(events, desk.clone(), across, &self.home, self.resources, self.progress.clone()).await
    }

    /// Writes what cases show together.
    async fn find_across_cases(&self, across: Arc<Across>) -> Result<Vec<NewFile>> {
        self.progress.report("looking across cases", 0, 0);
        cores::find(across, &self.home, self.resources).await
    }

    /// Writes what those queries find, a file each.
    async fn find_by_queries(&mut self, queries: &[&str]) -> Result<()> {
        let folder = manifest::create_folder(&self.home, &OTHER_FINDINGS)?;
        for query in queries {
            let mut writer = manifest::begin_file(&folder, &OTHER_FINDINGS)?;
            findings::find(&self.context, query, |rows| writer.write(rows)).await?;
            self.layer.add(&OTHER_FINDINGS, writer.finish()?);
        }
        Ok(())
    }

    fn write_keys(&mut self, table: &FactTable, keys: &Keys) -> Result<()> {
        let mut sheet = Sheet::new(table.columns);
        for key in keys.iter() {
            sheet.row().put(key.as_str());
        }
        self.write_rows(table, &sheet.finish()?)
    }

    fn write_rows(&mut self, table: &FactTable, rows: &RecordBatch) -> Result<()> {
        let folder = manifest::create_folder(&self.home, table)?;
        let mut writer = manifest::begin_file(&folder, table)?;
        writer.write(rows)?;
        self.layer.add(table, writer.finish()?);
        Ok(())
    }

    /// Flushes the folders, counts what the facts hold, and switches to them.
    async fn publish(self, mut pointer: Pointer) -> Result<Pointer> {
        for table in self.layer.files.keys() {
            self.home.folder(table).flush()?;
        }
        pointer.format = manifest::FACTS_FORMAT;
        let facts = Layers::open(&self.home, &pointer)?;
        let context = &self.context;
        context.register_table("cases_now", facts.provider(&CASES, Texts::Views)?)?;
        context.register_table("findings_now", facts.provider(&FINDINGS, Texts::Views)?)?;
        context.register_table("noted_now", facts.provider(&NOTED, Texts::Views)?)?;
        let number = async |query: &str| -> Result<Option<i64>> {
            let rows = context.sql(query).await?.collect().await?;
            Ok(rows.first().and_then(|batch| batch.column(0).as_primitive::<Int64Type>().iter().next().flatten()))
        };
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
        pointer.cases = count(number("SELECT count(*) FROM cases_now").await?);
        pointer.findings = count(number("SELECT count(*) FROM findings_now WHERE severity <> 'hidden'").await?);
        pointer.last_event_at_ms = number("SELECT arrow_cast(max(time), 'Int64') FROM log").await?;
        for batch in context.sql("SELECT rule, sum(count) FROM noted_now GROUP BY rule").await?.collect().await? {
            let (rules, counts) = (batch.column(0).as_string_view(), batch.column(1).as_primitive::<Int64Type>());
            let counts = counts.iter().map(count);
            pointer.noted.extend(rules.iter().zip(counts).map(|(rule, n)| (rule.unwrap_or_default().to_owned(), n)));
        }
        pointer.write(&self.home).await?;
        Ok(pointer)
    }
}

/// The events of a table that the desk is made of (those about people, profiles, policies, calendars and settings among
/// them), in the log's order, with plain texts.
fn of_the_desk(events: DataFrame) -> Result<DataFrame> {
    let kinds = Desk::EVENT_TYPES.iter().map(|kind| lit(kind.name())).collect();
    let order = ["time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    let columns: Vec<&str> = DESK_EVENTS.columns.iter().map(|(name, _)| *name).collect();
    let events = events.filter(col("type").in_list(kinds, false))?;
    Ok(input::plain_texts(events, &columns)?.sort(order.to_vec())?)
}

/// The desk that the events of a table make.
///
/// # Errors
/// When the table cannot be read, or is not of events.
pub async fn desk(events: DataFrame) -> Result<Desk> {
    replay_desk(&of_the_desk(events)?.collect().await?)
}

fn replay_desk(events: &[RecordBatch]) -> Result<Desk> {
    let events = events.iter().map(input::desk_events).collect::<Result<Vec<_>>>()?;
    Ok(Desk::replay(events.into_iter().flatten()))
}

/// The events of the session's `log` that are about no case.
///
/// # Errors
/// When the session has no `log`.
pub async fn rank_0(context: &SessionContext) -> Result<DataFrame> {
    of_rank_0(context.table("log").await?)
}

/// Those of a table of events that are about no case; row groups of others are passed over.
fn of_rank_0(events: DataFrame) -> Result<DataFrame> {
    Ok(events.filter(col("rank").eq(lit(0)))?)
}

/// An instant in a query.
#[must_use]
pub fn instant(time: Instant) -> datafusion::prelude::Expr {
    lit(ScalarValue::TimestampMillisecond(Some(time.0), Some("UTC".into())))
}
