//! Reads a table and keeps the rows that may be seen, as a plan that shows nothing of what is below it: no children, files,
//! statistics, measurements or numbers of partitions.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{BatchCoalescer, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions, reset_plan_states};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::{StreamExt, stream};

use super::granted::Visible;
use super::own::own;
use super::rule::Rule;

/// Judges rows by their first columns.
#[derive(Clone)]
pub(super) struct Judge {
    pub rule: Rule,
    pub visible: Arc<Visible>,
}

impl Judge {
    /// The rows that may be seen, with the columns that are shown.
    fn shown(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let seen = self.rule.seen(&self.visible, batch)?;
        let rows: UInt32Array =
            (0_u32..).zip(&seen).filter(|(_, seen)| *seen == Some(true)).map(|(row, _)| row).collect();
        let kept = take_record_batch(batch, &rows)?;
        let columns = kept.columns().iter().skip(self.rule.columns().len()).map(own).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }
}

/// The rows of a table that may be seen.
pub(super) struct VisibleRows {
    table: String,
    rows: Arc<dyn ExecutionPlan>,
    judge: Judge,
    properties: Arc<PlanProperties>,
}

impl VisibleRows {
    /// Those of `rows`, which has the columns of the rule before those of the schema. The number of partitions is that of the
    /// session, whatever the table has.
    pub fn new(
        table: &str,
        rows: Arc<dyn ExecutionPlan>,
        judge: Judge,
        schema: SchemaRef,
        partitions: usize,
    ) -> VisibleRows {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        VisibleRows { table: table.to_owned(), rows, judge, properties: Arc::new(properties) }
    }

    /// The partitions of the table that belong to one of these, in order.
    fn parts(&self, partition: usize) -> std::ops::Range<usize> {
        let (count, of) =
            (self.rows.output_partitioning().partition_count(), self.properties.partitioning.partition_count());
        let first = |partition: usize| partition * count / of;
        first(partition)..first(partition + 1)
    }
}

impl fmt::Debug for VisibleRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("VisibleRows").field("table", &self.table).finish_non_exhaustive()
    }
}

impl DisplayAs for VisibleRows {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VisibleRows: table={}", self.table)
    }
}

impl ExecutionPlan for VisibleRows {
    fn name(&self) -> &'static str {
        "VisibleRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = reset_plan_states(Arc::clone(&self.rows))?;
        let (table, judge, properties) = (self.table.clone(), self.judge.clone(), Arc::clone(&self.properties));
        Ok(Arc::new(VisibleRows { table, rows, judge, properties }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let parts = self.parts(partition).map(|part| self.rows.execute(part, Arc::clone(&context)));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let (judge, schema) = (self.judge.clone(), self.schema());
        let of_batches = Arc::clone(&schema);
        let kept = stream::iter(parts).flatten().map(move |batch| judge.shown(&batch?, &of_batches));
        // How many batches there are must not show how many rows were left out.
        let full = BatchCoalescer::new(Arc::clone(&schema), context.session_config().batch_size());
        let batches = stream::try_unfold(Some((Box::pin(kept), full)), async |state| {
            let Some((mut kept, mut full)) = state else { return Ok(None) };
            while !full.has_completed_batch() {
                match kept.next().await.transpose()? {
                    Some(batch) => full.push_batch(batch)?,
                    None => {
                        full.finish_buffered_batch()?;
                        return Ok(full.next_completed_batch().map(|last| (last, None)));
                    }
                }
            }
            Ok(full.next_completed_batch().map(|batch| (batch, Some((kept, full)))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
