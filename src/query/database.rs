//! A database: the tables of a store at one moment, from which every question gets a session of its own.
//!
//! A database has, once, what all questions share and none changes: the list of each table's files, the plans of the views,
//! the calendars behind the SQL functions, and the engine's runtime with its memory, its spilling and its cache of Parquet
//! metadata. Tables are made when a question first asks for them; a question that reads only facts does not open the log.
//! [`Database::session`] makes the rest: tables, functions and settings that a question registers are seen in its own
//! session alone, so any number of questions can be asked at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMillisecondType, UInt64Type};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt;

use crate::cluster::client::Cluster;
use crate::cluster::planner::asking;
use crate::error::{Error, Result};
use crate::facts::columns::{CASE_NUMBER, FactTable};
use crate::facts::layers::{Layers, Texts};
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::facts::tables::{CASES, DESK_EVENTS, FACT_TABLES, FINDINGS};
use crate::log::{Log, LogFolder};
use crate::model::time::Instant;
use crate::query::case_views::function;
use crate::query::case_views::source::ViewSource;
use crate::query::lookup::Lookups;
use crate::query::moment::Moment;
use crate::query::people::{Anonymizer, Named, People};
use crate::query::rights::granted::Rights;
use crate::query::rights::tables::{seen, seen_now};
use crate::query::schedule_runs::SCHEDULE_RUNS;
use crate::query::tables::{Deferred, Made, Tables};
use crate::query::{moment, numbers, present, tables, views};
use crate::replay;
use crate::replay::ReplayScope;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::progress::Progress;

/// What to open, and with what.
#[derive(Clone, Debug)]
pub struct Opening {
    pub resources: Resources,
    pub moment: Moment,
    /// Whether the facts are first brought up to date with the log.
    pub refresh: bool,
    pub people: People,
    pub progress: Progress,
    /// To where questions are sent, and a replay of the whole log.
    pub cluster: Option<Cluster>,
}

/// How many rows of some tables a viewer may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VisibleCounts {
    pub events: u64,
    pub findings: u64,
}

/// How the facts of a database relate to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The facts were to be brought up to date, but the store cannot be written.
    pub is_read_only: bool,
    /// Batches of the log that the facts do not contain. Not counted for another moment, whose facts are made from the log.
    pub batches_behind: i64,
}

/// The tables of one state of a store at one moment.
///
/// Where it is that of a user ([`crate::query::rights`]), each of its ways to rows has only what the user may see.
#[derive(Clone)]
pub struct Database {
    base: Base,
    tables: Tables,
    /// The same with people and texts as they are.
    original: Tables,
    /// The tables with the number of each case beside its id, people and texts as they are.
    all: Tables,
    /// The same with numbers of cases for ids where there are numbers.
    numbered: Tables,
    freshness: Freshness,
    /// The facts of the store, where the tables are of another moment.
    of_store: Option<Arc<Layers>>,
    lookups: Arc<Lookups>,
    /// Bytes of rows that the questions of a page may keep.
    kept_bytes_max: usize,
    people: People,
    /// Where people are shown by pseudonyms.
    anonymizer: Option<Arc<Anonymizer>>,
    /// Made when a session first needs it.
    view_source: OnceLock<Arc<ViewSource>>,
}

/// What a database is made of.
#[derive(Clone)]
pub(super) struct Base {
    /// Settings, functions and runtime that every session starts with.
    pub state: SessionState,
    /// Every table with every row and the number of each case, for any viewer.
    pub tables: Tables,
    pub pointer: Pointer,
    pub memory_bytes: usize,
    /// What is as of the end of the log is as of this instant.
    pub last_event_at: Option<Instant>,
    /// Of whom the database is.
    pub rights: Rights,
}

impl Database {
    /// Opens the database that `opening` describes. A store that cannot be written is read as it is;
    /// [`Database::freshness`] reports it.
    ///
    /// # Errors
    /// When the store cannot be read, its facts have never been made, or there is not enough space for those of another moment.
    pub async fn open(log: &LogFolder, opening: Opening) -> Result<Database> {
        let Opening { resources, moment, refresh, people, progress, cluster } = opening;
        let mut freshness = Freshness::default();
        let last_batch = log.last_batch().await?;
        let pointer = Pointer::read(&manifest::home(log.store())).await?;
        if refresh && pointer.is_none_or(|pointer| pointer.last_batch != last_batch) {
            let log = log.log().await?;
            let scope = ReplayScope::REFRESH;
            match replay::refresh_with_progress(log, resources, scope, progress, cluster.as_ref()).await {
                Err(error) if error.is_read_only() => freshness.is_read_only = true,
                refreshed => drop(refreshed?),
            }
        }
        let database = if moment.is_now() {
            let database = Database::of_present(log, resources).await?;
            freshness.batches_behind = last_batch.saturating_sub(database.base.pointer.last_batch).max(0);
            database
        } else {
            Database::at(log.log().await?, resources, moment).await?
        };
        let database = match &cluster {
            // The facts of another moment are in temporary files, which other machines do not see.
            Some(cluster) if moment.is_now() => database.asking(cluster),
            _ => database,
        };
        Ok(Database { freshness, ..database }.with_people(people))
    }

    /// The same database, whose questions are sent to a cluster as far as it can answer them.
    fn asking(self, cluster: &Cluster) -> Database {
        let state = asking(cluster, self.base.state);
        let database = Database::over(Base { state, ..self.base });
        Database { of_store: self.of_store, ..database }
    }

    /// Whether questions are sent to a cluster.
    #[must_use]
    pub fn asks_a_cluster(&self) -> bool {
        self.base.state.config().get_extension::<Cluster>().is_some()
    }

    /// The database of the facts as they are now.
    ///
    /// # Errors
    /// When the store cannot be read, or its facts have never been made.
    pub async fn present(log: &Log, resources: Resources) -> Result<Database> {
        Database::of_present(&LogFolder::from(log), resources).await
    }

    async fn of_present(log: &LogFolder, resources: Resources) -> Result<Database> {
        let (state, tables, pointer) = present::open(log, resources).await?;
        let last_event_at = pointer.last_event_at_ms.map(Instant);
        let memory_bytes = resources.memory_bytes;
        Ok(Database::over(Base { state, tables, pointer, memory_bytes, last_event_at, rights: Rights::owner() }))
    }

    /// The database of another moment: its events are replayed into temporary files, which are removed when neither the
    /// database nor a session of it is left.
    ///
    /// # Errors
    /// When the store cannot be read, its facts have never been made, or there is not enough space for those of the moment.
    pub async fn at(log: &Log, resources: Resources, moment: Moment) -> Result<Database> {
        let (session, pointer, of_store) = moment::open(log, resources, moment).await?;
        let last_event_at = moment.as_of.or(pointer.last_event_at_ms.map(Instant));
        let database = Database::of(&session, pointer, resources.memory_bytes, last_event_at).await?;
        Ok(Database { of_store: Some(Arc::new(of_store)), ..database })
    }

    /// A database of everything that is registered in a session.
    pub(super) async fn of(
        session: &SessionContext,
        pointer: Pointer,
        memory_bytes: usize,
        last_event_at: Option<Instant>,
    ) -> Result<Database> {
        let state = session.state();
        let mut tables = Tables::new();
        let schema = state.schema_for_ref("cases")?;
        for name in schema.table_names() {
            if let Some(table) = schema.table(&name).await? {
                tables.insert(name, Deferred::ready(table));
            }
        }
        Ok(Database::over(Base { state, tables, pointer, memory_bytes, last_event_at, rights: Rights::owner() }))
    }

    fn over(base: Base) -> Database {
        let tables = seen(&base.rights, &base.state, &base.tables, base.last_event_at);
        let made = |make: fn(&Made) -> Result<Made>| {
            tables.iter().map(|(name, table)| (name.clone(), Deferred::of(table, make))).collect::<Tables>()
        };
        let (plain, numbered) = (made(numbers::without_numbers), made(numbers::by_number));
        Database {
            kept_bytes_max: base.memory_bytes / 4,
            base,
            original: plain.clone(),
            tables: plain,
            numbered,
            all: tables,
            freshness: Freshness::default(),
            of_store: None,
            lookups: Arc::default(),
            people: People::default(),
            anonymizer: None,
            view_source: OnceLock::new(),
        }
    }

    /// The same database, whose tables show people like that.
    #[must_use]
    pub fn with_people(self, people: People) -> Database {
        let Some(pseudonyms) = people.pseudonyms.clone() else { return Database { people, ..self } };
        // Texts of visible cases may name people whom the viewer does not see elsewhere.
        let plain = self.complete_session();
        let anonymizer = Arc::new(Anonymizer::new(pseudonyms, people.with_text, plain));
        let shown = |tables: &Tables| -> Tables {
            let all = tables.iter().map(|(name, table)| (name.clone(), anonymized(name, table, &anonymizer)));
            all.collect()
        };
        let (tables, numbered) = (shown(&self.tables), shown(&self.numbered));
        let (anonymizer, view_source) = (Some(anonymizer), OnceLock::new());
        Database { tables, numbered, people, anonymizer, view_source, ..self }
    }

    /// Another database of the same state and moment, whose tables show people like that. Files that are open are shared.
    #[must_use]
    pub fn showing(&self, people: People) -> Database {
        let database = Database::over(self.base.clone());
        Database { freshness: self.freshness, of_store: self.of_store.clone(), ..database }.with_people(people)
    }

    /// The same database for one question, which may use so many bytes of the memory of all. Tables that were made and values
    /// that were looked up are shared.
    #[must_use]
    pub fn for_question(&self, memory_bytes: usize) -> Database {
        let state = engine::of_question(self.base.state.clone(), memory_bytes);
        let database = Database { kept_bytes_max: memory_bytes / 4, view_source: OnceLock::new(), ..self.clone() };
        Database { base: Base { state, ..database.base }, ..database }
    }

    /// The same database as someone with these rights sees it.
    pub(super) fn with_rights(&self, rights: Rights) -> Database {
        let database = Database::over(Base { rights, ..self.base.clone() });
        let database = Database { freshness: self.freshness, of_store: self.of_store.clone(), ..database };
        database.with_people(self.people.clone())
    }

    /// The instant as of which views and rights are: that of the moment, or the last event.
    #[must_use]
    pub fn as_of(&self) -> Instant {
        self.base.last_event_at.unwrap_or_default()
    }

    /// What the viewer may see.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.base.rights
    }

    /// A session with every row for any viewer, for what is computed of them and shows none.
    pub(super) fn complete_session(&self) -> SessionContext {
        tables::session(&self.base.state, &self.base.tables)
    }

    /// A session that has the events about the desk and nothing else, all of them for any viewer: why the clock of a case shows
    /// what it shows follows from all of them.
    #[must_use]
    pub fn desk_session(&self) -> SessionContext {
        let of_desk = self.base.tables.iter().filter(|(name, _)| name.as_str() == DESK_EVENTS.name);
        let of_desk = of_desk.map(|(name, table)| (name.clone(), Arc::clone(table))).collect();
        tables::session(&self.base.state, &of_desk)
    }

    /// How people are shown.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.people
    }

    /// What was typed for the value of a dimension, as the tables show it.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn shown_value(&self, named: &Named<'_>, typed: &str) -> Result<String> {
        match &self.anonymizer {
            Some(anonymizer) => anonymizer.value(named, typed).await,
            None => Ok(typed.to_owned()),
        }
    }

    /// A new session with every table, view and function. Making one reads no file and took 0.04 to 0.09 ms, in a build
    /// without optimization.
    #[must_use]
    pub fn session(&self) -> SessionContext {
        let session = tables::session(&self.base.state, &self.tables);
        function::register(&session, self.view_source());
        session
    }

    /// What views of cases are answered from.
    pub(super) fn view_source(&self) -> &Arc<ViewSource> {
        self.view_source.get_or_init(|| {
            let Base { state, tables, rights, last_event_at, .. } = self.base.clone();
            let (original, pseudonyms) = (self.original.clone(), self.people.pseudonyms.clone());
            Arc::new(ViewSource { state, complete: tables, original, rights, pseudonyms, last_event_at })
        })
    }

    /// A session whose tables have people and texts as they are, for what is computed of them and shows neither.
    #[must_use]
    pub fn original_session(&self) -> SessionContext {
        tables::session(&self.base.state, &self.original)
    }

    /// A session as [`Database::session`], in which `case_id` of the tables of cases is the number of the case: quicker to join, to group and to
    /// count. The views, `events` and the tables of findings have ids as everywhere.
    #[must_use]
    pub fn session_by_number(&self) -> SessionContext {
        tables::session(&self.base.state, &self.numbered)
    }

    /// `cases` with the number of each, as [`Database::session_by_number`] has it, beside its id.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn cases_with_numbers(&self) -> Result<Made> {
        let missing = || Error::refused("the facts have no cases");
        let cases = self.all.get(CASES.name).ok_or_else(missing)?.get().await?;
        match &self.anonymizer {
            Some(anonymizer) => anonymizer.table(CASES.name, &cases).await,
            None => Ok(cases),
        }
    }

    /// The ids of cases, by their numbers.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn case_ids(&self, numbers: &HashSet<u64>) -> Result<HashMap<u64, String>> {
        let is_wanted = |number: u64, _: &str| numbers.contains(&number);
        let cases = if numbers.is_empty() { Vec::new() } else { self.cases_that(is_wanted).await? };
        Ok(cases.into_iter().collect())
    }

    /// The numbers of cases, by their ids. A case that was never created has none.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn case_numbers(&self, ids: &[String]) -> Result<HashMap<String, u64>> {
        let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let cases = self.cases_that(|_, id| ids.contains(id)).await?;
        Ok(cases.into_iter().map(|(number, id)| (id, number)).collect())
    }

    /// Number and id of each case of which these are wanted.
    async fn cases_that(&self, are_wanted: impl Fn(u64, &str) -> bool) -> Result<Vec<(u64, String)>> {
        let cases = self.session().read_table(self.cases_with_numbers().await?)?;
        let mut rows = cases.select_columns(&[CASE_NUMBER, "case_id"])?.execute_stream().await?;
        let mut found = Vec::new();
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let texts = cast(batch.column(1), &DataType::Utf8View)?;
            let known = batch.column(0).as_primitive::<UInt64Type>().iter().zip(texts.as_string_view());
            let known = known.filter_map(|(number, id)| number.zip(id));
            let wanted = known.filter(|(number, id)| are_wanted(*number, id));
            found.extend(wanted.map(|(number, id)| (number, id.to_owned())));
        }
        Ok(found)
    }

    /// Values of cases that questions look up; nothing where those of a table with so many bytes for each row would take
    /// more than a quarter of the memory.
    #[must_use]
    pub fn lookups(&self, table: &FactTable, row_bytes: u64) -> Option<&Lookups> {
        let files = self.base.pointer.layers.iter().filter_map(|layer| layer.files.get(table.name));
        let rows: u64 = files.flatten().map(|file| file.rows).sum();
        (rows.saturating_mul(row_bytes) <= self.base.memory_bytes as u64 / 4).then_some(&self.lookups)
    }

    /// How many bytes of rows the questions of a page may keep in memory: a quarter of it, or of the share of one question.
    #[must_use]
    pub fn kept_bytes_max(&self) -> usize {
        self.kept_bytes_max
    }

    /// What the facts stand for, for any viewer. Its counts are of all rows: [`Database::visible_counts`] are those to show.
    #[must_use]
    pub fn pointer(&self) -> &Pointer {
        &self.base.pointer
    }

    /// A table as it is now, where the tables are of another moment: what the log knows without regard to it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn table_now(&self, table: &FactTable) -> Result<Option<DataFrame>> {
        let Some(facts) = &self.of_store else { return Ok(None) };
        let provider = facts.provider(table, Texts::Views)?;
        let provider = seen_now(&self.base.rights, table.name, provider);
        let provider = match &self.anonymizer {
            Some(anonymizer) => anonymizer.table(table.name, &provider).await?,
            None => provider,
        };
        Ok(Some(self.session().read_table(provider)?))
    }

    /// How many events and findings the viewer may see.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn visible_counts(&self) -> Result<VisibleCounts> {
        let Pointer { events, findings, .. } = self.base.pointer;
        if !self.base.rights.is_limited() {
            return Ok(VisibleCounts { events, findings });
        }
        let session = self.session();
        let count = async |table: &str| Ok::<u64, Error>(session.table(table).await?.count().await? as u64);
        Ok(VisibleCounts { events: count("events").await?, findings: count(FINDINGS.name).await? })
    }

    /// The time of the first event; nothing of an empty log. Where only some cases may be seen, the creation of the first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn log_begins(&self) -> Result<Option<Instant>> {
        if self.base.rights.is_limited() {
            return Ok(self.created_between().await?.map(|(first, _)| first));
        }
        if let Some(first) = self.base.pointer.first_event_at_ms {
            return Ok(Some(Instant(first)));
        }
        let batches = self.session().sql("SELECT min(time) AS begins FROM events").await?.collect().await?;
        Ok(first_instant(&batches, "begins"))
    }

    /// When the first and the last case were created; nothing where there is none.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn created_between(&self) -> Result<Option<(Instant, Instant)>> {
        let query = "SELECT min(created_at) AS first, max(created_at) AS last FROM cases";
        let batches = self.session().sql(query).await?.collect().await?;
        Ok(first_instant(&batches, "first").zip(first_instant(&batches, "last")))
    }

    /// How the facts relate to the log.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }
}

/// The first instant of a column.
fn first_instant(batches: &[RecordBatch], column: &str) -> Option<Instant> {
    let first = |batch: &RecordBatch| {
        let times = batch.column_by_name(column)?.as_primitive_opt::<TimestampMillisecondType>()?;
        times.iter().next().flatten()
    };
    batches.iter().find_map(first).map(Instant)
}

/// A table whose people are shown by pseudonyms.
fn anonymized(name: &str, table: &Arc<Deferred>, anonymizer: &Arc<Anonymizer>) -> Arc<Deferred> {
    let (name, table, anonymizer) = (name.to_owned(), Arc::clone(table), Arc::clone(anonymizer));
    Deferred::new(move || {
        let (name, table, anonymizer) = (name.clone(), Arc::clone(&table), Arc::clone(&anonymizer));
        async move { anonymizer.table(&name, &table.get().await?).await }
    })
}

/// The names of every table that a session has, in the order of 4, and of the views behind them.
#[must_use]
pub fn table_names() -> Vec<&'static str> {
    let facts = FACT_TABLES.iter().map(|table| table.name);
    std::iter::once("events").chain(facts).chain(["quarantine", SCHEDULE_RUNS]).chain(views::names()).collect()
}
