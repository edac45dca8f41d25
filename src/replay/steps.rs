//! The steps of a replay, described once. A full replay, a refresh and a replay in memory differ only in what they read
//! ([`Sources`]) and in where the rows go ([`Output`]).
//!
//! 1. The desk, while the events about cases are gathered.
//! 2. The cases, on every core, by the kernel.
//! 3. The customers and, meanwhile, what only all cases show together.
//! 4. Other findings, by queries.
//! 5. The switch to the new facts, unless they are in memory.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Int64Type, UInt64Type};
use datafusion::common::runtime::SpawnedTask;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::prelude::{DataFrame, SessionContext, col};

use crate::cluster::client::Cluster;
use crate::cluster::planner::asking;
use crate::error::Result;
use crate::facts::columns::{CASE_NUMBER, FactTable};
use crate::facts::layers::{Keys, Layers, Texts};
use crate::facts::manifest::{self, Pointer};
use crate::facts::rows::RowsBuilder;
use crate::facts::tables::{
    CASE_TABLES, CASES, CUSTOMERS, DESK_EVENTS, FINDINGS, NOTED, OTHER_FINDINGS, REPLACED_CASES, REPLACED_CUSTOMERS,
    ReplacedCaseRow, ReplacedCases, ReplacedCustomerRow, ReplacedCustomers, UNKNOWN_USERS,
};
use crate::model::desk::Desk;
use crate::replay::across::{ACROSS_TABLES, Across, AcrossWriter};
use crate::replay::customers::customers;
use crate::replay::desk_tables::{desk_findings, desk_tables};
use crate::replay::exchange::{CasePartitions, Remaining, wanted_partitions};
use crate::replay::kernel::{CaseNumbers, Kernel};
use crate::replay::output::{Finishing, Output, TablePart, TableWriters, Written};
use crate::replay::select::of_the_desk;
use crate::replay::sources::{Refresh, Sources};
use crate::replay::{findings, input, operator};
use crate::store::cores::{Numbers, blocking, on_every_core};
use crate::store::engine::Resources;
use crate::store::objects::{Seen, Store};
use crate::store::progress::Progress;

/// What a replay did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub pointer: Pointer,
    /// Cases replayed this time; none where the facts were up to date.
    pub cases_replayed: u64,
}

/// A replay that is going on.
pub struct Replay {
    /// Has the table `log`.
    context: SessionContext,
    resources: Resources,
    progress: Progress,
    output: Output,
    numbers: Arc<CaseNumbers>,
    pub written: Written,
}

impl Replay {
    /// A replay of the session's `log`.
    #[must_use]
    pub fn new(context: SessionContext, output: Output, resources: Resources, progress: Progress) -> Replay {
        let written = Written::nothing(output.clone());
        Replay { context, resources, progress, output, numbers: Arc::default(), written }
    }

    /// The session in which the log is read.
    #[must_use]
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Takes all steps. `pointer` states what part of the log is replayed; the result names the new facts, too. `seen` is the
    /// pointer that is replaced.
    ///
    /// # Errors
    /// As [`Replay::run`], and [`Error::Overtaken`](crate::error::Error::Overtaken) where another machine has replaced it.
    pub async fn into_facts(
        mut self,
        sources: &Sources,
        home: &Store,
        pointer: Pointer,
        seen: &Seen,
    ) -> Result<Summary> {
        self.run(sources).await?;
        let pointer = self.switch(sources, home, pointer, seen).await?;
        let cases_replayed = match sources {
            Sources::All(_) => pointer.cases,
            Sources::Touched(refresh) => refresh.touched.cases.len() as u64,
        };
        Ok(Summary { cases_replayed, pointer })
    }

    /// Takes all steps but the switch.
    ///
    /// # Errors
    /// When the log or the facts cannot be read, or the disk refuses.
    pub async fn run(&mut self, sources: &Sources) -> Result<()> {
        self.progress.report("reading events", 0, 0);
        self.numbers = Arc::new(CaseNumbers::from(sources.first_case_number()));
        if let (Output::Files(home), Sources::All(_), Some(cluster)) =
            (&self.output, sources, Cluster::of(&self.context))
        {
            return self.run_on_cluster(sources, &cluster, home.clone()).await;
        }
        let (events, ids) = sources.case_events(&self.context).await?;
        let gathering = SpawnedTask::spawn(CasePartitions::gather(events, ids, self.resources));
        let desk = self.replay_desk(sources.desk_events(&self.context).await?).await?;
        let cases = gathering.join().await??;
        let (across, finishing, more_findings) = match sources {
            Sources::All(_) => {
                let across = self.across(cases.count());
                (across.clone(), self.replay_cases(cases, desk, Some(across)).await?, None)
            }
            Sources::Touched(refresh) => {
                let finishing = self.replay_cases(cases, desk, None).await?;
                self.add_finished(finishing).await?;
                let (across, staying) = self.read_across(sources, refresh).await?;
                (across, Vec::new(), Some(staying))
            }
        };
        self.find_the_rest(sources, across, finishing, more_findings).await
    }

    /// The same steps, with the cases replayed by a cluster.
    async fn run_on_cluster(&mut self, sources: &Sources, cluster: &Cluster, home: Store) -> Result<()> {
        self.replay_desk(sources.desk_events(&self.context).await?).await?;
        let desk_events = self.written.layer.paths(&home, &DESK_EVENTS);
        self.progress.report("replaying cases in the cluster", 0, 0);
        let asking = SessionContext::new_with_state(asking(cluster, self.context.state()));
        let (events, _) = sources.case_events(&asking).await?;
        let files = operator::replay_cases(events, &home, desk_events, self.resources).await?;
        files.into_iter().for_each(|file| self.written.add_file(file));
        for table in ACROSS_TABLES {
            self.context.register_table(table.name, self.written.provider(&table).await?)?;
        }
        let rows = ACROSS_TABLES.iter().filter_map(|table| self.written.layer.files.get(table.name)).flatten();
        let rows: u64 = rows.map(|file| file.rows).sum();
        let partitions = wanted_partitions(usize::try_from(rows).unwrap_or(usize::MAX), self.resources);
        let across = self.across(partitions);
        findings::read_across(&self.context, &across).await?;
        self.find_the_rest(sources, across, Vec::new(), None).await?;
        self.numbers = Arc::new(CaseNumbers::from(self.next_case_number().await?));
        Ok(())
    }

    /// The number after those of the cases that were written.
    async fn next_case_number(&self) -> Result<u64> {
        let cases = self.context.read_table(self.written.provider(&CASES).await?)?;
        let last = cases.aggregate(Vec::new(), vec![max(col(CASE_NUMBER))])?.collect().await?;
        let last = last.first().and_then(|rows| rows.column(0).as_primitive::<UInt64Type>().iter().next().flatten());
        Ok(last.map_or(0, |last| last + 1))
    }

    /// The customers, and the findings that only all cases show together.
    async fn find_the_rest(
        &mut self,
        sources: &Sources,
        across: Arc<Across>,
        finishing: Vec<Finishing>,
        more_findings: Option<String>,
    ) -> Result<()> {
        // Meanwhile the disk takes the last of the cases' files. All are waited for, so that none is written after a clean-up.
        let (customers, found) = tokio::join!(self.replay_customers(sources), self.find_across_cases(across));
        self.add_finished(finishing).await?;
        customers?.into_iter().chain(found?).for_each(|part| self.written.add(part));
        if more_findings.is_none() {
            self.context.register_table(UNKNOWN_USERS.name, self.written.provider(&UNKNOWN_USERS).await?)?;
        }
        for query in findings::QUERIES.into_iter().chain(more_findings.as_deref()) {
            self.find_by_query(query).await?;
        }
        Ok(())
    }

    /// Replays the desk from the events about it among those, and writes them and the tables of the desk.
    async fn replay_desk(&mut self, events: DataFrame) -> Result<Arc<Desk>> {
        let events = of_the_desk(events)?.collect().await?;
        let desk = input::desk(&events)?;
        let schema = DESK_EVENTS.schema();
        let mut rows = Vec::new();
        for batch in &events {
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| cast(column, field.data_type()));
            rows.push(RecordBatch::try_new(schema.clone(), columns.collect::<arrow::error::Result<_>>()?)?);
        }
        self.write(&DESK_EVENTS, &concat_batches(&schema, &rows)?)?;
        for (table, rows) in desk_tables(&desk)? {
            self.write(&table, &rows)?;
        }
        self.context.register_batch("desk_findings", desk_findings(&desk)?)?;
        Ok(Arc::new(desk))
    }

    /// Replays cases and writes their tables, on each core into files of its own. What follows across cases is found from
    /// the same rows.
    async fn replay_cases(
        &self,
        cases: CasePartitions,
        desk: Arc<Desk>,
        across: Option<Arc<Across>>,
    ) -> Result<Vec<Finishing>> {
        CASE_TABLES.iter().try_for_each(|table| self.output.prepare(table))?;
        let (output, numbers) = (self.output.clone(), Arc::clone(&self.numbers));
        let work = move |remaining: &Remaining<'_>| {
            let mut kernel = Kernel::new(&desk, &numbers);
            let mut tables = TableWriters::new(output.clone());
            let mut across = across.as_ref().map(|across| across.writer());
            let mut take = |table: &FactTable, rows: &RecordBatch| {
                if let Some(across) = &mut across {
                    across.add(table, rows)?;
                }
                tables.write(table, rows)
            };
            while let Some(partition) = remaining.next()? {
                kernel.replay(|case| partition.each_case(case), &mut take)?;
            }
            kernel.finish(&mut take)?;
            across.map_or(Ok(()), AcrossWriter::finish)?;
            Ok(tables)
        };
        let tables = cases.on_every_core(self.resources, self.progress.clone(), work).await?;
        Ok(tables.into_iter().flat_map(TableWriters::finish).collect())
    }

    /// Waits for all of those parts of tables, of which one that fails fails the replay.
    async fn add_finished(&mut self, parts: Vec<Finishing>) -> Result<()> {
        let mut finished = Vec::new();
        for part in parts {
            finished.push(part.await);
        }
        finished.into_iter().try_for_each(|part| {
            self.written.add(part??);
            Ok(())
        })
    }

    /// Records which rows this replay replaces, and reads the rows of all layers that can show something across cases. Gives
    /// the query of the findings that stay, too.
    async fn read_across(&mut self, sources: &Sources, refresh: &Refresh) -> Result<(Arc<Across>, String)> {
        self.write_replaced(&refresh.touched.cases, &refresh.touched.customers)?;
        let now = refresh.facts.with_layers(sources.layers(self.written.layer.clone())).await?;
        let cases = &refresh.touched.cases;
        let staying = findings::register_narrowed(&self.context, &refresh.facts, &now, cases).await?;
        let events = usize::try_from(refresh.before.events).unwrap_or(usize::MAX);
        let across = self.across(wanted_partitions(events, self.resources));
        findings::read_across(&self.context, &across).await?;
        Ok((across, staying))
    }

    fn write_replaced(&mut self, cases: &Keys, customers: &Keys) -> Result<()> {
        let mut rows = RowsBuilder::<ReplacedCases>::new();
        cases.iter().for_each(|case| rows.push(ReplacedCaseRow { case_id: Some(case) }));
        self.write(&REPLACED_CASES, &rows.finish()?)?;
        let mut rows = RowsBuilder::<ReplacedCustomers>::new();
        customers.iter().for_each(|customer| rows.push(ReplacedCustomerRow { customer: Some(customer) }));
        self.write(&REPLACED_CUSTOMERS, &rows.finish()?)?;
        self.written.layer.replaced_cases = cases.len() as u64;
        Ok(())
    }

    /// Partitions for what cases show together: those rows take a fraction of the memory of the cases' events.
    fn across(&self, case_partitions: usize) -> Arc<Across> {
        let Resources { memory_bytes, threads } = self.resources;
        Arc::new(Across::new(case_partitions.div_ceil(8), memory_bytes / 8, threads.max(1)))
    }

    /// Writes `customers`.
    async fn replay_customers(&self, sources: &Sources) -> Result<Option<TablePart>> {
        let Some(events) = sources.customer_events(&self.context).await? else { return Ok(None) };
        self.output.prepare(&CUSTOMERS)?;
        let mut writer = self.output.writer(&CUSTOMERS)?;
        customers(events, |rows| writer.write(rows)).await?;
        writer.finish().map(Some)
    }

    /// Writes what cases show together, on each core into a file of its own.
    async fn find_across_cases(&self, across: Arc<Across>) -> Result<Vec<TablePart>> {
        self.progress.report("looking across cases", 0, 0);
        self.output.prepare(&OTHER_FINDINGS)?;
        let output = self.output.clone();
        let count = across.partitions();
        let find_on_core = move |partitions: &Numbers| {
            let mut writer = output.writer(&OTHER_FINDINGS)?;
            while let Some(partition) = partitions.next() {
                across.find(partition, |rows| writer.write(rows))?;
            }
            writer.finish()
        };
        let threads = self.resources.threads;
        blocking(move || on_every_core(threads, count, find_on_core)).await
    }

    /// Writes what a query finds, into a file of its own.
    async fn find_by_query(&mut self, query: &str) -> Result<()> {
        let mut writer = self.output.writer(&OTHER_FINDINGS)?;
        findings::find(&self.context, query, |rows| writer.write(rows)).await?;
        self.written.add(writer.finish()?);
        Ok(())
    }

    fn write(&mut self, table: &FactTable, rows: &RecordBatch) -> Result<()> {
        self.output.prepare(table)?;
        let mut writer = self.output.writer(table)?;
        writer.write(rows)?;
        self.written.add(writer.finish()?);
        Ok(())
    }

    /// Makes the files durable, counts the rows of the facts, and switches to them.
    async fn switch(self, sources: &Sources, home: &Store, mut pointer: Pointer, seen: &Seen) -> Result<Pointer> {
        for (table, files) in &self.written.layer.files {
            let folder = home.folder(table);
            folder.flush()?;
            folder.publish(files.iter().map(|file| file.name.as_str())).await?;
        }
        pointer.format = manifest::FACTS_FORMAT;
        pointer.next_case_number = self.numbers.next();
        pointer.layers = sources.layers(self.written.layer);
        let facts = Layers::open(home, &pointer).await?;
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
        pointer.first_event_at_ms = number("SELECT arrow_cast(min(time), 'Int64') FROM log").await?;
        pointer.last_event_at_ms = number("SELECT arrow_cast(max(time), 'Int64') FROM log").await?;
        for batch in context.sql("SELECT rule, sum(count) FROM noted_now GROUP BY rule").await?.collect().await? {
            let (rules, counts) = (batch.column(0).as_string_view(), batch.column(1).as_primitive::<Int64Type>());
            let counts = counts.iter().map(count);
            pointer.noted.extend(rules.iter().zip(counts).map(|(rule, n)| (rule.unwrap_or_default().to_owned(), n)));
        }
        pointer.write(home, seen).await?;
        Ok(pointer)
    }
}
