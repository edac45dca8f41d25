//! Whether SQL means the same where `case_id` is the number of the case instead of its text
//! ([`crate::query::database::Database::session_by_number`]).
//!
//! Numbers of cases are the only columns of facts of their type. SQL that only passes them on, compares them for equality,
//! groups by them and counts them means the same; all other SQL, such as one that sorts by them or takes them for a text,
//! is asked with texts.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::prelude::SessionContext;

/// The type of numbers of cases.
const NUMBER: DataType = DataType::UInt64;

/// Whether a plan means the same with numbers as with texts.
pub fn means_the_same(session: &SessionContext, plan: &LogicalPlan) -> bool {
    let state = session.state();
    let analyzed = state.analyzer().execute_and_check(plan.clone(), state.config_options(), |_, _| {});
    analyzed.and_then(|plan| all_nodes_do(&plan)).unwrap_or(false)
}

fn all_nodes_do(plan: &LogicalPlan) -> Result<bool> {
    let mut same = true;
    plan.apply_with_subqueries(|node| {
        same = same && node_does(node)?;
        Ok(if same { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(same)
}

fn node_does(node: &LogicalPlan) -> Result<bool> {
    let schema = merge_schema(&node.inputs());
    let is_number = |expr: &Expr| expr.get_type(&schema).is_ok_and(|kind| kind == NUMBER);
    if let LogicalPlan::Sort(sort) = node
        && sort.expr.iter().any(|sort| is_number(&sort.expr))
    {
        return Ok(false);
    }
    let mut same = true;
    node.apply_expressions(|expr| {
        expr.apply(|part| {
            same = same && expression_does(part, &schema, &is_number);
            Ok(if same { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })
    })?;
    Ok(same)
}

fn expression_does(expr: &Expr, schema: &DFSchema, is_number: &impl Fn(&Expr) -> bool) -> bool {
    match expr {
        // An outer query's column, whose type is not among the inputs.
        Expr::OuterReferenceColumn(field, _) => field.data_type() != &NUMBER,
        Expr::Column(column) => schema.field_from_column(column).is_ok(),
        Expr::Cast(cast) => !is_number(&cast.expr) && cast.field.data_type() != &NUMBER || is_null(&cast.expr),
        Expr::TryCast(cast) => !is_number(&cast.expr) && cast.field.data_type() != &NUMBER || is_null(&cast.expr),
        Expr::BinaryExpr(binary) => {
            use Operator::{Eq, IsDistinctFrom, IsNotDistinctFrom, NotEq};
            let is_equality = matches!(binary.op, Eq | NotEq | IsDistinctFrom | IsNotDistinctFrom);
            is_equality || !(is_number(&binary.left) || is_number(&binary.right))
        }
        Expr::AggregateFunction(function) => {
            let params = &function.params;
            let sorts = params.order_by.iter().any(|sort| is_number(&sort.expr));
            !sorts && (function.func.name() == "count" || !params.args.iter().any(is_number))
        }
        Expr::WindowFunction(function) => {
            let WindowFunction { params, .. } = function.as_ref();
            !params.order_by.iter().any(|sort| is_number(&sort.expr)) && !params.args.iter().any(is_number)
        }
        Expr::ScalarFunction(function) => !function.args.iter().any(is_number),
        Expr::Like(like) | Expr::SimilarTo(like) => !is_number(&like.expr),
        Expr::Between(between) => !is_number(&between.expr),
        Expr::Negative(inner) | Expr::Not(inner) => !is_number(inner),
        _ => true,
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.is_null())
}
