//! Replay: events in, fact tables out; the only bridge between the model and columns.
//!
//! What a replay does is described once ([`steps`]), for the whole log and for what new events touch ([`sources`]), into files
//! and into memory ([`output`]). Events about cases are brought together by case ([`exchange`]); the [`kernel`], which is
//! pure, turns the events of cases into rows. What no case shows alone follows from these rows: across cases ([`across`]) and
//! by SQL ([`findings`]). Then all tables switch together ([`manifest`]).

pub mod across;
pub mod case_rows;
pub mod customers;
pub mod desk_tables;
pub mod exchange;
pub mod findings;
pub mod input;
pub mod kernel;
pub mod operator;
pub mod output;
pub mod parts;
pub mod select;
pub mod sources;
pub mod steps;
pub mod touched;

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::{DataFrame, SessionContext};

use crate::cluster::client::Cluster;
use crate::error::{Error, Result};
use crate::facts::columns::FactTable;
use crate::facts::manifest::{self, Pointer};
use crate::facts::tables::{DESK_EVENTS, FACT_TABLES, NOTED};
use crate::log::Log;
use crate::model::desk::Desk;
use crate::replay::exchange::CaseIds;
use crate::replay::output::Output;
use crate::replay::select::of_the_desk;
use crate::replay::sources::Sources;
use crate::replay::steps::{Replay, Summary};
use crate::store::data_file::EXTENSION;
use crate::store::disk;
use crate::store::engine::{self, Resources};
use crate::store::lock::WriterLock;
use crate::store::objects::{Seen, Store};
use crate::store::progress::Progress;
use crate::store::repeat::Attempts;

/// How much of the log a refresh replays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ReplayScope {
    /// Everything, even if the facts are up to date.
    Full,
    /// What new events touch; everything where that, with what the layers hold since the last full replay, is more than
    /// this share of all cases.
    Touched { share: f64 },
}

impl ReplayScope {
    /// What new events touch, as long as that is quicker: a case that is replayed alone takes about four times as long as
    /// among all, and queries take longer for replaced rows.
    pub const REFRESH: ReplayScope = ReplayScope::Touched { share: 0.2 };
}

/// Brings the facts up to date with the log. Never changes the log.
///
/// # Errors
/// When the store cannot be read or written; then the facts stay as they were.
pub async fn refresh(log: &Log, resources: Resources, scope: ReplayScope) -> Result<Summary> {
    refresh_with_progress(log, resources, scope, Progress::default(), None).await
}

/// The same, reporting its progress. A replay of the whole log is sent to a cluster, where there is one.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_with_progress(
    log: &Log,
    resources: Resources,
    scope: ReplayScope,
    progress: Progress,
    cluster: Option<&Cluster>,
) -> Result<Summary> {
    let home = manifest::home(log.store());
    let up_to_date = async |log: &Log| -> Result<Option<Pointer>> {
        let last_batch = log.last_batch()?;
        let pointer = Pointer::read(&home).await?.filter(|_| scope != ReplayScope::Full);
        Ok(pointer.filter(|pointer| pointer.last_batch == last_batch))
    };
    if let Some(pointer) = up_to_date(log).await? {
        return Ok(Summary { pointer, cases_replayed: 0 });
    }
    let _lock = WriterLock::take(log.store(), "facts").await?;
    let mut attempts = Attempts::default();
    loop {
        // While we waited, the log may have grown and another writer may have replayed it.
        let log = &log.reopen().await?;
        if let Some(pointer) = up_to_date(log).await? {
            return Ok(Summary { pointer, cases_replayed: 0 });
        }
        match refresh_alone(log, &home, (resources, scope), progress.clone(), cluster).await {
            Err(error) if attempts.again_after(&error) => {}
            done => return done,
        }
    }
}

/// Replays what the facts lack. No other writer of this machine is at work.
async fn refresh_alone(
    log: &Log,
    home: &Store,
    (resources, scope): (Resources, ReplayScope),
    progress: Progress,
    cluster: Option<&Cluster>,
) -> Result<Summary> {
    let last_batch = log.last_batch()?;
    let seen = Pointer::see(home).await?;
    let before = Pointer::read(home).await.ok().flatten();
    if home.is_in_bucket() && before.as_ref().is_some_and(|before| before.last_batch > last_batch) {
        // Another machine has added a batch and replayed it since the log was opened.
        return Err(Error::Overtaken { place: home.place() });
    }
    let before = before.filter(|before| before.last_batch < last_batch);
    manifest::check_writable(home).await?;
    let replay = into_files(log.events.provider()?, home, resources, progress, cluster)?;
    let sources = match (scope, before) {
        (ReplayScope::Touched { share }, Some(before)) => Sources::since(before, replay.context(), home, share).await?,
        _ => Sources::All(CaseIds::Unknown),
    };
    let pointer = Pointer { last_batch, events: log.events.rows()?, ..Pointer::default() };
    let present = written_files(home);
    let replayed = replay.into_facts(&sources, home, pointer, &seen).await;
    if replayed.is_err() {
        // On a full disk the space of the new files is needed. No other writer has the lock. If the pointer was in place
        // before the failure, its files stay.
        let named = match Pointer::read(home).await {
            Ok(pointer) => pointer.unwrap_or_default().file_names(),
            Err(_) => return replayed,
        };
        let is_new = |file: &&String| !present.contains(*file) && !named.contains(*file);
        written_files(home).iter().filter(is_new).for_each(|file| home.discard(file));
    }
    replayed
}

/// The names of the files of all fact tables that were written on this machine, whether the pointer names them or not.
fn written_files(home: &Store) -> BTreeSet<String> {
    let of_table = |table: String| {
        let files = home.folder(&table).written_files().into_iter();
        files.filter(|name| name.ends_with(EXTENSION)).map(|name| format!("{table}/{name}")).collect::<Vec<_>>()
    };
    disk::folder_names(home.path()).into_iter().flat_map(of_table).collect()
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
    let replay = into_files(events, folder, resources, Progress::default(), None)?;
    Ok(replay.into_facts(&Sources::All(CaseIds::Unknown), folder, pointer, &Seen::default()).await?.pointer)
}

/// A replay of those events into fact files in that folder.
fn into_files(
    events: Arc<dyn TableProvider>,
    home: &Store,
    resources: Resources,
    progress: Progress,
    cluster: Option<&Cluster>,
) -> Result<Replay> {
    let context = engine::session(resources)?;
    let context = match cluster {
        // Only the cases are sent: what else a replay reads is little, or sorted, for which this process has a disk.
        Some(cluster) => {
            let mut state = context.state();
            state.config_mut().set_extension(Arc::new(cluster.clone()));
            SessionContext::new_with_state(state)
        }
        None => context,
    };
    // Of the desk and of what is touched few rows are read.
    engine::read_keys_first(&context);
    context.register_table("log", events)?;
    home.create_folder()?;
    Ok(Replay::new(context, Output::Files(home.clone()), resources, progress))
}

/// Replays the `log` of the session, which must be small, in memory. Gives every fact table, the counts of noted findings, and
/// the events that the desk is made of.
///
/// # Errors
/// When there is not enough memory.
pub async fn replay_in_memory(
    context: &SessionContext,
    resources: Resources,
) -> Result<Vec<(FactTable, Arc<dyn TableProvider>)>> {
    let mut replay = Replay::new(context.clone(), Output::Memory, resources, Progress::default());
    replay.run(&Sources::All(CaseIds::Few)).await?;
    let tables = FACT_TABLES.into_iter().chain([DESK_EVENTS, NOTED]);
    let mut provided = Vec::new();
    for table in tables {
        provided.push((table, replay.written.provider(&table).await?));
    }
    Ok(provided)
}

/// The desk that the events of a table make.
///
/// # Errors
/// When the table cannot be read, or is not of events.
pub async fn desk(events: DataFrame) -> Result<Desk> {
    input::desk(&of_the_desk(events)?.collect().await?)
}
