//! Conditions of a query that may be evaluated on rows which are not shown: those that cannot fail, so that no error text
//! has a value of such a row.

use arrow::datatypes::Schema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, lit};

/// Whether the condition compares columns with constants of their own type, and nothing else.
pub(super) fn is_safe(condition: &Expr, schema: &Schema) -> bool {
    match condition {
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => matches!(inner.as_ref(), Expr::Column(_)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_safe(left, schema) && is_safe(right, schema)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
            matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq) && are_of_one_type(left, right, schema)
        }
        Expr::InList(list) => list.list.iter().all(|value| are_of_one_type(&list.expr, value, schema)),
        _ => false,
    }
}

/// The condition, in which no case that is not visible is looked for by its id: the parts of a file that cannot have an id are
/// skipped, so that the time of an answer would show whether there is such a case.
///
/// # Errors
/// The engine's, which would be a defect.
pub(super) fn of_visible_cases(condition: Expr, is_visible: impl Fn(&str) -> bool) -> Result<Expr> {
    let is_case = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "case_id");
    let is_visible = |value: &Expr| match value {
        Expr::Literal(id, _) => id.try_as_str().flatten().is_some_and(&is_visible),
        _ => false,
    };
    let changed = condition.transform_down(|part| {
        Ok(match part {
            Expr::BinaryExpr(BinaryExpr { ref left, op: Operator::Eq, ref right })
                if is_case(left) && !is_visible(right) =>
            {
                Transformed::yes(lit(false))
            }
            Expr::InList(InList { expr, list, negated: false }) if is_case(&expr) => {
                let list: Vec<Expr> = list.into_iter().filter(is_visible).collect();
                if list.is_empty() {
                    Transformed::yes(lit(false))
                } else {
                    Transformed::no(Expr::InList(InList { expr, list, negated: false }))
                }
            }
            part => Transformed::no(part),
        })
    })?;
    Ok(changed.data)
}

/// Whether these are a column and a constant of its type.
fn are_of_one_type(column: &Expr, constant: &Expr, schema: &Schema) -> bool {
    let (Expr::Column(column), Expr::Literal(value, _)) = (column, constant) else { return false };
    schema.field_with_name(&column.name).is_ok_and(|field| {
        let kind = field.data_type();
        !kind.is_nested() && *kind == value.data_type()
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use datafusion::prelude::{cast, col, lit};

    use super::*;

    #[test]
    fn no_case_that_is_not_visible_is_looked_for() {
        let changed = |condition: Expr| of_visible_cases(condition, |id| id == "ours").unwrap();
        let case = || col("case_id");
        for condition in [
            case().eq(lit("ours")),
            case().in_list(vec![lit("ours")], false),
            case().not_eq(lit("theirs")),
            case().in_list(vec![lit("theirs")], true),
            col("customer").eq(lit("theirs")),
            case().gt(lit("theirs")),
        ] {
            assert_eq!(changed(condition.clone()), condition);
        }
        assert_eq!(changed(case().eq(lit("theirs"))), lit(false));
        assert_eq!(changed(case().in_list(vec![lit("theirs"), lit("none")], false)), lit(false));
        let several = case().in_list(vec![lit("theirs"), lit("ours")], false);
        assert_eq!(changed(several), case().in_list(vec![lit("ours")], false));
        let within = |case: Expr| col("n").gt(lit(1_i64)).and(case.or(col("n").is_null()));
        assert_eq!(changed(within(case().eq(lit("theirs")))), within(lit(false)));
    }

    #[test]
    fn only_comparisons_with_constants_of_the_same_type_are_safe() {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8, true)]);
        let safe = [
            col("n").eq(lit(1_i64)),
            col("t").is_not_null().or(col("n").gt(lit(3_i64)).and(col("t").not_eq(lit("a")))),
            col("t").in_list(vec![lit("a"), lit("b")], true),
        ];
        let unsafe_ones = [
            lit(1_i64).gt(lit(0_i64) / col("n")),
            cast(col("t"), DataType::Int64).eq(lit(1_i64)),
            col("n").eq(lit(1_i32)),
            col("n").eq(col("n")),
            col("t").like(lit("%a%")),
            col("t").in_list(vec![lit("a"), col("t")], false),
            (col("n") + lit(1_i64)).gt(lit(3_i64)),
            col("n").gt(lit(3_i64)).and(cast(col("t"), DataType::Int64).is_null()),
        ];
        assert!(safe.iter().all(|condition| is_safe(condition, &schema)));
        for condition in unsafe_ones {
            assert!(!is_safe(&condition, &schema), "{condition}");
        }
    }
}
