//! How the scheduler plans, and which plans it refuses.
//!
//! Ballista cuts a plan into stages, and gives each task of a stage a share of the stage's rows. Some plans have other rows then;
//! they are refused here, and the process that asked carries the part out itself:
//!
//! - A branch of a union that cannot be without a share gives all its rows to every task. Ballista cuts such branches off, but
//!   when the rows of the union must have an order, it then puts a sort of one partition on top of the branch again. And it may
//!   swap the sides of a join without an equation after it has decided that a branch needs no cut.
//! - A join with an equation keeps the order of one side. When a stage begins, Ballista may swap the sides of the join, and what
//!   relies on the order has rows without one.
//! - The limit of rows that are written in the question itself is lost when they are given to a task.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::ListingTable;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
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
        check_tasks(&plan, Above::default())?;
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

/// What is above an operator.
#[derive(Clone, Copy, Default)]
struct Above {
    /// Whether an operator of the same stage needs rows in an order.
    needs_order: bool,
    /// Whether an operator needs the rows in the order in which they come: no sort is between.
    keeps_order: bool,
    /// Whether a union of the same stage takes the rows.
    is_union: bool,
}

impl Above {
    /// What is above a child of an operator, which needs the rows of the child in an order or not.
    fn child(self, plan: &Arc<dyn ExecutionPlan>, needs_order: bool) -> Above {
        let merges = plan.is::<SortPreservingMergeExec>();
        if merges || plan.is::<RepartitionExec>() || plan.is::<CoalescePartitionsExec>() {
            // A stage ends.
            return Above { keeps_order: merges, ..Above::default() };
        }
        Above {
            needs_order: self.needs_order || needs_order,
            keeps_order: needs_order || self.keeps_order && !plan.is::<SortExec>(),
            is_union: self.is_union || plan.is::<UnionExec>(),
        }
    }

    /// Why tasks would give other rows of an operator.
    fn refusal(self, plan: &Arc<dyn ExecutionPlan>) -> Option<&'static str> {
        let has_one_partition = |child: &&Arc<dyn ExecutionPlan>| child.output_partitioning().partition_count() == 1;
        if self.needs_order && plan.is::<UnionExec>() && plan.children().iter().any(has_one_partition) {
            return Some("a union in an order");
        }
        if self.keeps_order && plan.is::<HashJoinExec>() && plan.output_ordering().is_some() {
            return Some("a join that keeps an order");
        }
        if self.is_union && (plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>()) {
            return Some("a join without an equation in a union");
        }
        let is_written = |scan: &DataSourceExec| scan.data_source().is::<MemorySourceConfig>();
        let is_written = plan.downcast_ref::<DataSourceExec>().is_some_and(is_written);
        (is_written && plan.fetch().is_some()).then_some("a limit of written rows")
    }
}

/// Fails where tasks would give other rows than one process.
fn check_tasks(plan: &Arc<dyn ExecutionPlan>, above: Above) -> EngineResult<()> {
    if let Some(refused) = above.refusal(plan) {
        return Err(DataFusionError::NotImplemented(format!("{refused} cannot be cut into tasks")));
    }
    for (child, order) in plan.children().into_iter().zip(plan.required_input_ordering()) {
        check_tasks(child, above.child(plan, order.is_some()))?;
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
