//! A part of a plan that a cluster carries out: a leaf of the plan that stays here.

use std::fmt;
use std::sync::Arc;

use datafusion::common::DFSchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, execute_stream,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::cluster::client::{Cluster, is_of_the_plan};

/// The logical plan that is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub struct SentNode {
    plan: LogicalPlan,
}

impl SentNode {
    /// A part of a plan.
    #[must_use]
    pub fn new(plan: LogicalPlan) -> SentNode {
        SentNode { plan }
    }

    /// The part.
    #[must_use]
    pub fn plan(&self) -> &LogicalPlan {
        &self.plan
    }
}

impl UserDefinedLogicalNodeCore for SentNode {
    fn name(&self) -> &'static str {
        "Sent"
    }

    /// None: nothing of it is planned here.
    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.plan.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sent: {}", self.plan.display_indent())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}

/// The operator that sends a part of a plan to a cluster and gives its rows.
///
/// A part at which the cluster fails for a reason that lies in the part itself is carried out here.
/// All rows are here before the first one is passed on, within the memory of the question: an executor that ends while they are
/// fetched costs another attempt and no answer.
#[derive(Debug)]
pub struct SentExec {
    cluster: Cluster,
    plan: Arc<LogicalPlan>,
    /// The same part for this process, where the engine has operators for it.
    here: Option<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl SentExec {
    /// The operator for a part of a plan.
    #[must_use]
    pub fn new(cluster: Cluster, plan: LogicalPlan, here: Option<Arc<dyn ExecutionPlan>>) -> SentExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(plan.schema().inner())),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        SentExec { cluster, plan: Arc::new(plan), here, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SentExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SentExec: to={}\n{}", self.cluster.address(), self.plan.display_indent())
    }
}

impl ExecutionPlan for SentExec {
    fn name(&self) -> &'static str {
        "SentExec"
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

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (cluster, plan, schema) = (self.cluster.clone(), Arc::clone(&self.plan), self.schema());
        let memory = MemoryConsumer::new("rows of the cluster").register(context.memory_pool());
        let (of_rows, here) = (Arc::clone(&schema), self.here.clone());
        let rows = async move {
            let batches = match (cluster.rows(&plan, &of_rows, &memory).await, here) {
                (Err(error), Some(here)) if is_of_the_plan(&error) => return execute_stream(here, context),
                (batches, _) => batches?,
            };
            // Their memory is counted until the last of them is passed on.
            let batches = stream::iter(batches).map(move |batch| {
                memory.shrink(batch.get_array_memory_size().min(memory.size()));
                Ok(batch)
            });
            Ok::<SendableRecordBatchStream, DataFusionError>(Box::pin(RecordBatchStreamAdapter::new(of_rows, batches)))
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::once(rows).try_flatten())))
    }
}
