//! Conditions of a query that may be evaluated on rows which are not shown: those that cannot fail, so that no error text
//! has a value of such a row.

use arrow::datatypes::Schema;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

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
