//! Which parts of a plan are sent to a cluster.
//!
//! The largest parts that it can carry out: every table in them is one of files, every function one that another process can make
//! again. A part that only reads rows stays here, for sending all of them takes longer than reading them. Where rows come in an
//! order, the part is the whole plan: what is computed here of sent rows does not keep an order.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, Join, JoinType, LogicalPlan, UserDefinedLogicalNode, WindowFunctionDefinition,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion_proto::logical_plan::{AsLogicalPlan, LogicalExtensionCodec};
use datafusion_proto::protobuf::LogicalPlanNode;

use crate::cluster::client::Cluster;
use crate::cluster::sent::{SentExec, SentNode};

/// What a session starts with whose questions are sent to a cluster as far as it can answer them.
#[must_use]
pub fn asking(cluster: &Cluster, state: SessionState) -> SessionState {
    let mut config = state.config().clone().with_extension(Arc::new(cluster.clone()));
    // The tables of the state stay.
    config.options_mut().catalog.create_default_catalog_and_schema = false;
    let planner = Arc::new(SendingPlanner { cluster: cluster.clone() });
    SessionStateBuilder::new_from_existing(state).with_config(config).with_query_planner(planner).build()
}

/// The planner of a session that sends parts of its plans to a cluster.
#[derive(Clone, Debug)]
struct SendingPlanner {
    cluster: Cluster,
}

impl SendingPlanner {
    /// The plan with the parts that the cluster carries out marked.
    fn divide(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        let mut is_root = true;
        let divided = plan.clone().transform_down(|part| {
            let was_root = is_root;
            is_root = is_root && passes_on(&part);
            if matches!(part, LogicalPlan::RecursiveQuery(_)) {
                // Its parts read what its other parts gave.
                return Ok(Transformed::new(part, false, TreeNodeRecursion::Jump));
            }
            if !is_worth_sending(&part)? || !was_root && is_in_order(&part) || !self.can_be_written(&part) {
                return Ok(Transformed::no(part));
            }
            let sent = LogicalPlan::Extension(Extension { node: Arc::new(SentNode::new(part)) });
            Ok(Transformed::new(sent, true, TreeNodeRecursion::Jump))
        })?;
        Ok(divided.data)
    }

    /// Whether another process can read the part.
    fn can_be_written(&self, part: &LogicalPlan) -> bool {
        let codec = self.cluster.codec();
        have_recipes(part, codec).unwrap_or(false) && LogicalPlanNode::try_from_logical_plan(part, codec).is_ok()
    }
}

/// Whether another process can make every function of a part. What writes plans does not look at this.
fn have_recipes(part: &LogicalPlan, codec: &dyn LogicalExtensionCodec) -> Result<bool> {
    let mut have = true;
    part.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|expression| {
                let mut bytes = Vec::new();
                let written = match expression {
                    // It would become a join, which does not notice that there are several values.
                    Expr::ScalarSubquery(_) => {
                        Err(DataFusionError::NotImplemented("a subquery of one value".to_owned()))
                    }
                    Expr::ScalarFunction(called) => codec.try_encode_udf(&called.func, &mut bytes),
                    Expr::AggregateFunction(called) => codec.try_encode_udaf(&called.func, &mut bytes),
                    Expr::WindowFunction(called) => match &called.fun {
                        WindowFunctionDefinition::AggregateUDF(function) => codec.try_encode_udaf(function, &mut bytes),
                        WindowFunctionDefinition::WindowUDF(function) => codec.try_encode_udwf(function, &mut bytes),
                    },
                    _ => Ok(()),
                };
                have = have && written.is_ok();
                Ok(if have { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
            })
        })
    })?;
    Ok(have)
}

#[async_trait]
impl QueryPlanner for SendingPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(self.clone())]);
        planner.create_physical_plan(&self.divide(plan)?, session).await
    }
}

/// Whether a node passes on the rows below it as they are, and is not itself sent.
fn passes_on(part: &LogicalPlan) -> bool {
    matches!(part, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_))
}

/// Whether a part reads tables, does more with the rows than passing them on, and means the same elsewhere.
fn is_worth_sending(part: &LogicalPlan) -> Result<bool> {
    let is_a_statement = matches!(
        part,
        LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_)
    );
    let (mut reads, mut works, mut crosses) = (false, false, true);
    part.apply(|node| {
        match node {
            LogicalPlan::TableScan(_) => reads = true,
            LogicalPlan::Join(join) if is_lost_in_stages(join) => crosses = false,
            LogicalPlan::RecursiveQuery(_) => crosses = false,
            LogicalPlan::Aggregate(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Extension(_) => works = true,
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(reads && works && crosses && !is_a_statement)
}

/// Whether a join has other rows where a cluster carries it out: the mark of one that knows of nulls is lost on the way, and of
/// one without an equation every task reports the rows that match nothing.
fn is_lost_in_stages(join: &Join) -> bool {
    join.null_aware || join.on.is_empty() && join.join_type != JoinType::Inner
}

/// Whether the rows of a part come in an order.
fn is_in_order(part: &LogicalPlan) -> bool {
    match part {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Unnest(_) => part.inputs().first().is_some_and(|input| is_in_order(input)),
        _ => false,
    }
}

/// Makes operators of the marked parts.
#[async_trait]
impl ExtensionPlanner for SendingPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        _: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(sent) = node.as_any().downcast_ref::<SentNode>() else { return Ok(None) };
        let here = DefaultPhysicalPlanner::default().create_physical_plan(sent.plan(), session).await;
        // Replay has an operator only in a cluster.
        Ok(Some(Arc::new(SentExec::new(self.cluster.clone(), sent.plan().clone(), here.ok()))))
    }
}
