//! Replay without a store: events in memory, fact tables in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use datafusion::datasource::MemTable;
use datafusion::physical_plan::collect_partitioned;

use super::desk_tables::{desk_findings, desk_tables};
use super::engine::{self, Resources};
use super::output::flatten;
use super::sheet::schema;
use super::tables::{CASE_SHEETS, FINDINGS};
use super::{FINDINGS_SQL, desk, input, plan};
use crate::error::{Error, Result};
use crate::log::rows::{Arrival, RowsBuilder};
use crate::log::write::with_schema;
use crate::model::line;
use crate::model::time::Instant;

/// Every fact table, by name.
pub type Tables = BTreeMap<&'static str, RecordBatch>;

/// The facts of these lines of the wire format, which must differ in identity.
///
/// # Errors
/// When a line is refused, or the memory does not do.
pub async fn facts<'l>(lines: impl IntoIterator<Item = &'l [u8]>, resources: Resources) -> Result<Tables> {
    let mut rows = RowsBuilder::new(Arrival { ingested_at: Instant(0), batch: 0 });
    for text in lines {
        let event = line::parse(text).map_err(|refusal| Error::refused(refusal.to_string()))?;
        rows.push(&event, 0, 0);
    }
    let (log, _) = rows.finish()?;
    let plain = input::schema();
    let columns = log.columns().iter().zip(plain.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<arrow::error::Result<_>>()?;
    let log = RecordBatch::try_new(plain, columns)?;
    let context = engine::session(resources)?;
    context.register_table("log", Arc::new(MemTable::try_new(log.schema(), vec![vec![log]])?))?;
    let desk = Arc::new(desk(&context).await?);
    let partitions = collect_partitioned(plan(&context, desk.clone()).await?, context.task_ctx()).await?;
    let mut tables = Tables::new();
    for table in CASE_SHEETS {
        let column =
            |batch: &RecordBatch| batch.column_by_name(table.name).and_then(|column| flatten(column.as_list()));
        let batches: Vec<RecordBatch> = partitions.iter().flatten().filter_map(column).collect();
        let rows = concat_batches(&schema(table.columns), &batches)?;
        context.register_table(table.name, Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?))?;
        tables.insert(table.name, rows);
    }
    context.register_batch("desk_findings", desk_findings(&desk)?)?;
    let findings = context.sql(FINDINGS_SQL).await?.collect().await?;
    let findings =
        findings.iter().map(|batch| with_schema(batch, &schema(FINDINGS.columns))).collect::<Result<Vec<_>>>()?;
    tables.insert(FINDINGS.name, concat_batches(&schema(FINDINGS.columns), &findings)?);
    tables.extend(desk_tables(&desk)?.into_iter().map(|(table, rows)| (table.name, rows)));
    Ok(tables)
}
