//! How the scheduler plans, and which plans it refuses.
//!
//! Ballista cuts a plan into stages, and gives each task of a stage a share of the stage's rows. A branch of a union that cannot
//! be without a share would give all its rows to every task. Ballista cuts such branches off, but when the rows of the union must
//! have an order, it then puts a sort of one partition on top of the branch again, and the rows are counted as often as there are
//! tasks. Such a plan is refused here, and the process that asked carries the part out itself.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::replay::operator::{ReplayExec, ReplayNode};

/// The engine's planner, which knows the operator of replay, too.
#[derive(Debug)]
pub struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        check_files(plan)?;
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Planner)]);
        let plan = planner.create_physical_plan(plan, session).await?;
        check_unions(&plan, false)?;
        Ok(plan)
    }
}

/// Fails where a file of a plan is not there: a scan would take it for a folder without files.
fn check_files(plan: &LogicalPlan) -> EngineResult<()> {
    plan.apply_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = node else { return Ok(TreeNodeRecursion::Continue) };
        let provider = source_as_provider(&scan.source)?;
        let provider: &dyn Any = provider.as_ref();
        for path in provider.downcast_ref::<ListingTable>().into_iter().flat_map(ListingTable::table_paths) {
            let file = path.get_url().to_file_path().ok().filter(|file| !file.exists());
            if let Some(file) = file {
                let message = format!("the scheduler of the cluster does not see the file {}", file.display());
                return Err(DataFusionError::Execution(message));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Fails where an operator needs the rows of a union in an order, and a branch of the union has one partition. `is_sorted` is
/// whether an operator above the plan, in the same stage, needs an order.
fn check_unions(plan: &Arc<dyn ExecutionPlan>, is_sorted: bool) -> EngineResult<()> {
    let children = plan.children();
    let partitions = |child: &&Arc<dyn ExecutionPlan>| child.output_partitioning().partition_count();
    if is_sorted && plan.is::<UnionExec>() && children.iter().map(partitions).any(|count| count == 1) {
        return Err(DataFusionError::NotImplemented("a union in an order cannot be cut into tasks".to_owned()));
    }
    let ends_a_stage =
        plan.is::<RepartitionExec>() || plan.is::<CoalescePartitionsExec>() || plan.is::<SortPreservingMergeExec>();
    for (child, order) in children.into_iter().zip(plan.required_input_ordering()) {
        check_unions(child, !ends_a_stage && (is_sorted || order.is_some()))?;
    }
    Ok(())
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> EngineResult<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(replay), [input]) = (node.as_any().downcast_ref::<ReplayNode>(), inputs) else { return Ok(None) };
        Ok(Some(Arc::new(ReplayExec::new(replay.task().clone(), Arc::clone(input)))))
    }
}
