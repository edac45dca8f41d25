//! The facts as of another moment, on two clocks (4.2): what had happened by an instant, what the log held at one.
//!
//! The events of that moment are replayed again, beside the store. What a customer wrote in a case that has been deleted since
//! is left out.

use std::sync::Arc;

use datafusion::prelude::{DataFrame, Expr, SessionContext, col, ident, lit};

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::layers::Keys;
use crate::facts::layers::{Layers, Texts, key_filter};
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::facts::tables::{CASES, MESSAGES, SURVEYS};
use crate::log::Log;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::query::shared;
use crate::query::shared::without_text;
use crate::replay;
use crate::replay::select::instant;
use crate::replay::touched::collect_keys;
use crate::store::data_file::TableFile;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::lock::WriterLock;
use crate::store::objects::Store;
use crate::store::scratch::ScratchFolder;

/// A moment on both clocks; of what is not stated, now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Events that happened by then.
    pub as_of: Option<Instant>,
    /// Events that the log held by then.
    pub known_at: Option<Instant>,
    /// Events of batches up to that one.
    pub last_batch: Option<i64>,
}

impl Moment {
    /// Whether it is now on both clocks, with every batch.
    #[must_use]
    pub fn is_now(self) -> bool {
        self == Moment::default()
    }

    /// The instant as of which questions are answered, on a wall clock that shows `now`.
    #[must_use]
    pub fn present(self, now: Instant) -> Instant {
        self.as_of.or(self.known_at).unwrap_or(now)
    }

    /// Whether all events of a file of the log belong to the moment, as far as its commit shows.
    pub(super) fn has_all_of(self, file: &TableFile) -> bool {
        let by_time = |as_of| file.time_range.is_some_and(|(_, last)| last <= as_of);
        let by_batch = |last| file.batch_range.is_some_and(|(_, own)| own <= last);
        self.known_at.is_none() && self.as_of.is_none_or(by_time) && self.last_batch.is_none_or(by_batch)
    }

    /// Those of a frame of the log's events that belong to the moment.
    pub(super) fn events(self, log: DataFrame) -> Result<DataFrame> {
        let bounds = [("time", self.as_of), ("ingested_at", self.known_at)];
        let mut events = log;
        for (column, bound) in bounds {
            if let Some(bound) = bound {
                events = events.filter(col(column).lt_eq(instant(bound)))?;
            }
        }
        Ok(match self.last_batch {
            Some(last) => events.filter(col("batch").lt_eq(lit(last)))?,
            None => events,
        })
    }
}

/// A session over the tables that the events of that moment give, and the facts of the store, which hold what has happened
/// since: which cases have been deleted.
///
/// # Errors
/// When the store cannot be read, or its facts have never been made, or there is not enough space for those of the moment.
pub(super) async fn open(log: &Log, resources: Resources, moment: Moment) -> Result<(SessionContext, Pointer, Layers)> {
    // A batch that had arrived by then may still be on its way.
    let log = &match moment.known_at {
        Some(_) => settled(log).await?,
        None => log.clone(),
    };
    let (home, pointer) = (manifest::home(log.store()), shared::pointer(log.store()).await?);
    let of_store = Layers::open(&home, &pointer).await?;
    let deleted = Arc::new(deleted_cases(log, &of_store, pointer.last_batch, resources).await?);
    let scratch = ScratchFolder::in_system_folder()?;
    let beside = Store::open(scratch.path())?;
    let of_log = engine::session(resources)?;
    let events = moment.events(of_log.read_table(log.events.provider()?)?)?;
    let last_batch = log.last_batch()?.min(moment.last_batch.unwrap_or(i64::MAX));
    let begun = Pointer { last_batch, events: events.clone().count().await? as u64, ..Pointer::default() };
    let pointer = replay::replay_beside(events.into_view(), &beside, resources, begun).await?;
    let session = shared::session(resources)?;
    let layers = Layers::open(&beside, &pointer).await?;
    layers.register(&session)?;
    for (table, column) in [(CASES, "text"), (MESSAGES, "text"), (SURVEYS, "comment")] {
        hide(&session, &table, column, &deleted)?;
    }
    let events = moment.events(session.read_table(log.events.provider()?)?)?;
    session.register_table("events", shared::events(events, is_deleted(&deleted))?)?;
    shared::register_rest(&session, log, moment.known_at, moment.as_of.or(pointer.last_event_at_ms.map(Instant)))
        .await?;
    // The files are removed with the last session that has this extension.
    session.state_ref().write().config_mut().set_extension(Arc::new(scratch));
    Ok((session, pointer, of_store))
}

/// The log when no batch is on its way: those that come later arrive later, too. Where the store cannot be written, none is.
async fn settled(log: &Log) -> Result<Log> {
    match WriterLock::take(log.store(), "log").await {
        Err(error) if !error.is_read_only() => return Err(error),
        _ => {}
    }
    log.reopen().await
}

/// Cases that the facts know to be deleted, and those of which the log has a deletion that the facts do not know yet.
async fn deleted_cases(log: &Log, facts: &Layers, last_batch: i64, resources: Resources) -> Result<Keys> {
    let session = engine::session(resources)?;
    let cases = session.read_table(facts.provider(&CASES, Texts::Views)?)?;
    let mut deleted = Keys::default();
    collect_keys(cases.filter(col("deleted_at").is_not_null())?.select_columns(&["case_id"])?, &mut deleted).await?;
    let newer = session.read_table(log.events.provider()?)?.filter(col("batch").gt(lit(last_batch)))?;
    let deletions = newer.filter(col("type").eq(lit(EventType::CaseDeleted.name())))?;
    collect_keys(deletions.select_columns(&["case_id"])?, &mut deleted).await?;
    Ok(deleted)
}

fn is_deleted(cases: &Arc<Keys>) -> Expr {
    let cases = Arc::clone(cases);
    key_filter("is_deleted", "case_id", Texts::Views, move |case| cases.contains(case))
}

/// Leaves out the texts of deleted cases in a column.
fn hide(session: &SessionContext, table: &FactTable, column: &str, deleted: &Arc<Keys>) -> Result<()> {
    let Some(provider) = session.deregister_table(table.name)? else { return Ok(()) };
    let columns = table.columns.iter().map(|(name, _)| match *name {
        name if name == column => without_text(name, is_deleted(deleted)),
        name => Ok(ident(name)),
    });
    let view = session.read_table(provider)?.select(columns.collect::<Result<Vec<_>>>()?)?.into_view();
    session.register_table(table.name, view)?;
    Ok(())
}
