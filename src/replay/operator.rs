//! Replay as an operator of the query engine.
//!
//! It asks for its input hash-distributed by case and, within a case, in the order of the log; the engine's optimizer
//! puts in whatever sorting and spilling that takes. It holds one case at a time and gives one row per case, so a plan
//! with it can be cut up and run anywhere the engine runs.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexRequirement, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
    PhysicalSortRequirement,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

use super::input::{CaseColumns, ORDER_COLUMNS};
use super::output::{Output, REPLAY_SCHEMA};
use crate::model::case::Case;
use crate::model::desk::Desk;

/// The operator.
#[derive(Clone)]
pub struct ReplayExec {
    input: Arc<dyn ExecutionPlan>,
    desk: Arc<Desk>,
    properties: Arc<PlanProperties>,
}

impl ReplayExec {
    /// Replays the events that `input` gives; its columns are [`super::input::CASE_COLUMNS`].
    #[must_use]
    pub fn new(input: Arc<dyn ExecutionPlan>, desk: Arc<Desk>) -> ReplayExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(REPLAY_SCHEMA.clone()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        ReplayExec { input, desk, properties: Arc::new(properties) }
    }

    fn columns(&self, names: &[&str]) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
        let schema: SchemaRef = self.input.schema();
        names.iter().map(|name| col(name, &schema).ok()).collect()
    }
}

impl fmt::Debug for ReplayExec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReplayExec")
    }
}

impl DisplayAs for ReplayExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReplayExec")
    }
}

impl ExecutionPlan for ReplayExec {
    fn name(&self) -> &'static str {
        "ReplayExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let case = self.columns(&["case_id"]);
        vec![case.map_or(Distribution::SinglePartition, Distribution::KeyPartitioned)]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let ascending = |column| PhysicalSortRequirement::from(PhysicalSortExpr::new_default(column).asc());
        let order =
            self.columns(ORDER_COLUMNS).and_then(|columns| LexRequirement::new(columns.into_iter().map(ascending)));
        vec![order.map(OrderingRequirements::from)]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next();
        let input = input.ok_or_else(|| DataFusionError::Internal("replay needs an input".to_owned()))?;
        Ok(Arc::new(ReplayExec::new(input, self.desk.clone())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let mut replayer = Replayer { desk: self.desk.clone(), carry: Vec::new() };
        // One empty item behind the input tells that it has ended.
        let pieces = input.map(Some).chain(futures::stream::iter([None]));
        let output = pieces.filter_map(move |piece| {
            let rows = match piece {
                Some(batch) => batch.and_then(|batch| replayer.take(&batch)),
                None => replayer.end(),
            };
            futures::future::ready(rows.transpose())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(REPLAY_SCHEMA.clone(), output)))
    }
}

/// Cuts the stream of events into cases.
struct Replayer {
    desk: Arc<Desk>,
    /// The events, so far, of the case at the end of what was taken; empty before the first.
    carry: Vec<RecordBatch>,
}

impl Replayer {
    /// Takes a batch and gives the cases that are complete with it.
    fn take(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let mut output = Output::new(&self.desk);
        let mut first = 0;
        if let Some(begun) = self.carry.first() {
            first = leading_rows_of(case_of_first_row(begun)?, batch)?;
            self.carry.push(batch.slice(0, first));
            if first == batch.num_rows() {
                return Ok(None);
            }
            let whole = concat_batches(&batch.schema(), &std::mem::take(&mut self.carry))?;
            replay_cases(&whole, &self.desk, &mut output)?;
        }
        let rest = batch.slice(first, batch.num_rows() - first);
        let last = rows_before_last_case(&rest)?;
        replay_cases(&rest.slice(0, last), &self.desk, &mut output)?;
        self.carry.push(rest.slice(last, rest.num_rows() - last));
        output.finish().map(Some).map_err(external)
    }

    fn end(&mut self) -> Result<Option<RecordBatch>> {
        let Some(first) = self.carry.first() else { return Ok(None) };
        let carry = concat_batches(&first.schema(), &self.carry)?;
        self.carry.clear();
        let mut output = Output::new(&self.desk);
        replay_cases(&carry, &self.desk, &mut output)?;
        output.finish().map(Some).map_err(external)
    }
}

fn external(error: crate::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn case_of_first_row(batch: &RecordBatch) -> Result<&str> {
    Ok(CaseColumns::new(batch).map_err(external)?.case_id(0))
}

fn leading_rows_of(case_id: &str, batch: &RecordBatch) -> Result<usize> {
    let columns = CaseColumns::new(batch).map_err(external)?;
    Ok((0..batch.num_rows()).take_while(|row| columns.case_id(*row) == case_id).count())
}

fn rows_before_last_case(batch: &RecordBatch) -> Result<usize> {
    let columns = CaseColumns::new(batch).map_err(external)?;
    let Some(last_row) = batch.num_rows().checked_sub(1) else { return Ok(0) };
    let case_id = columns.case_id(last_row);
    let rows_of_last = (0..=last_row).rev().take_while(|row| columns.case_id(*row) == case_id).count();
    Ok(batch.num_rows() - rows_of_last)
}

/// Replays a batch of whole cases.
fn replay_cases(batch: &RecordBatch, desk: &Desk, output: &mut Output<'_>) -> Result<()> {
    let columns = CaseColumns::new(batch).map_err(external)?;
    let mut row = 0;
    while row < batch.num_rows() {
        let case_id = columns.case_id(row);
        let mut case = Case::new(case_id);
        while row < batch.num_rows() && columns.case_id(row) == case_id {
            if let Some(event) = columns.event(row) {
                case.apply(&event, desk);
            }
            row += 1;
        }
        output.push(&case.finish(desk));
    }
    Ok(())
}
