//! Replay without a store: events in memory, and a session over what they give.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};
use crate::facts::layers;
use crate::facts::rows::schema;
use crate::facts::tables::{CASE_FINDINGS, CUSTOMERS, FINDINGS, FactTable};
use crate::log::rows::{Arrival, RowsBuilder};
use crate::model::time::Instant;
use crate::query::{functions, session, views};
use crate::replay::across::Across;
use crate::replay::customers::customers;
use crate::replay::desk_tables::{desk_findings, desk_tables};
use crate::replay::gather::Ranges;
use crate::replay::output::{CASE_SHEETS, CaseSheet, Output};
use crate::replay::{cores, desk, findings, rank_0};
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::parquet::with_schema;
use crate::wire::line;

/// A session with `events`, every fact table and every view of these lines of the wire format, which must differ in
/// identity.
///
/// # Errors
/// When a line is refused, or the memory does not do.
pub async fn open<'l>(lines: impl IntoIterator<Item = &'l [u8]>, resources: Resources) -> Result<SessionContext> {
    let mut rows = RowsBuilder::new(Arrival { ingested_at: Instant(0), batch: 0 });
    let mut last_event_at = None;
    for text in lines {
        let event = line::parse(text).map_err(|refusal| Error::refused(refusal.to_string()))?;
        last_event_at = last_event_at.max(Some(event.time));
        rows.push(&event, 0, 0);
    }
    let log = rows.finish()?;
    let context = engine::session(resources)?;
    context.register_table("log", in_memory(log.clone())?)?;
    let desk = desk(rank_0(&context).await?).await?;
    let events = cores::gather(context.table("log").await?, Ranges::default(), resources).await?;
    let (mut output, across) = (Output::new(&desk), Across::new(1, resources.memory_bytes / 8, 1));
    let mut hand = across.hand();
    let mut rows: HashMap<&'static str, Vec<RecordBatch>> = HashMap::new();
    let mut keep = |table: &FactTable, batch: &RecordBatch| {
        rows.entry(table.name).or_default().push(batch.clone());
        Ok(())
    };
    events.take(0)?.replay(&desk, |histories| {
        histories.iter().try_for_each(|history| hand.add(history, &desk))?;
        output.push(histories, &mut keep)
    })?;
    hand.finish()?;
    output.finish(&mut keep)?;
    for CaseSheet { table, .. } in CASE_SHEETS {
        register(&context, &table, &rows.remove(table.name).unwrap_or_default())?;
    }
    context.register_batch("desk_findings", desk_findings(&desk)?)?;
    let mut others = findings::all(&context).await?;
    across.find(0, |rows| {
        others.push(rows.clone());
        Ok(())
    })?;
    let of_cases = context.table(CASE_FINDINGS.name).await?.collect().await?;
    register(&context, &FINDINGS, &[of_cases, others].concat())?;
    for (table, rows) in desk_tables(&desk)? {
        register(&context, &table, &[rows])?;
    }
    let mut all = Vec::new();
    customers(context.table("log").await?, |rows| {
        all.push(rows);
        Ok(())
    })
    .await?;
    register(&context, &CUSTOMERS, &all)?;
    let (events, is_deleted) = session::with_deletions(&context, context.read_table(in_memory(log)?)?).await?;
    session::register_events(&context, events, is_deleted)?;
    functions::register(&context, functions::calendars(&context).await?);
    views::register(&context, last_event_at).await?;
    Ok(context)
}

fn in_memory(rows: RecordBatch) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
}

fn register(context: &SessionContext, table: &FactTable, batches: &[RecordBatch]) -> Result<()> {
    let schema = schema(table.columns);
    let batches = batches.iter().map(|batch| with_schema(batch, &schema)).collect::<Result<Vec<_>>>()?;
    context.register_table(table.name, in_memory(concat_batches(&schema, &batches)?)?)?;
    Ok(())
}

/// Events of the log with plain texts, as those about the desk are read.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn plain(log: &RecordBatch) -> Result<RecordBatch> {
    let schema = layers::plain(log.schema_ref());
    let columns = log.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<arrow::error::Result<_>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}
