//! What clients ask, while they browse, about things that no table has here: keys, indexes, sequences, defaults, collations. The
//! library's catalogue has lists of columns as texts, in which nothing can be looked for, and the engine has no plan for a
//! value that is looked up for each row, and does not compare a flag with the text of one.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SetExpr, Statement,
    TableFactor, Value, visit_expressions_mut,
};

/// Lists of columns of a key or an index.
const LISTS: &[&str] = &["indkey", "indclass", "conkey", "confkey"];
/// Functions that give a row for each item of a list.
const ROWS: &[&str] = &["unnest", "generate_subscripts"];
/// Functions that look for an item in a list.
const LOOKS: &[&str] = &["array_has", "array_contains"];
/// Tables of things that are not there.
const TABLES: &[&str] = &["pg_attrdef", "pg_collation", "pg_sequence"];

/// Replaces what looks for such a thing by what it finds: nothing.
pub fn without_absent(statement: &mut Statement) {
    let _: ControlFlow<()> = visit_expressions_mut(statement, |expression| {
        let found = match expression {
            Expr::Function(call) if is_of_list(call, ROWS) => Some(Value::Null),
            Expr::Function(call) if is_of_list(call, LOOKS) => Some(Value::Boolean(false)),
            Expr::AnyOp { right, .. } if is_list(right) => Some(Value::Boolean(false)),
            Expr::Subquery(query) if is_of_absent(query) => Some(Value::Null),
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_flag(left) => {
                if let Some(value) = flag(right) {
                    **right = Expr::Value(Value::Boolean(value).into());
                }
                None
            }
            _ => None,
        };
        if let Some(value) = found {
            *expression = Expr::Value(value.into());
        }
        ControlFlow::Continue(())
    });
}

fn is_of_list(call: &Function, names: &[&str]) -> bool {
    let FunctionArguments::List(list) = &call.args else { return false };
    let name = call.name.to_string().to_lowercase();
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first() else { return false };
    names.iter().any(|known| name == *known || name.strip_prefix("pg_catalog.") == Some(known)) && is_list(first)
}

/// The column that an expression names, in lower case.
fn column(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(name.value.to_lowercase()),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.to_lowercase()),
        Expr::Nested(inner) => column(inner),
        _ => None,
    }
}

fn is_list(expression: &Expr) -> bool {
    column(expression).is_some_and(|name| LISTS.contains(&name.as_str()))
}

/// Whether an expression is a flag of an index.
fn is_flag(expression: &Expr) -> bool {
    column(expression).is_some_and(|name| name.starts_with("indis"))
}

/// A flag that is written as a text.
fn flag(expression: &Expr) -> Option<bool> {
    let Expr::Value(value) = expression else { return None };
    match &value.value {
        Value::SingleQuotedString(text) if text == "t" => Some(true),
        Value::SingleQuotedString(text) if text == "f" => Some(false),
        _ => None,
    }
}

/// Whether a query gives a value of a thing that is not there, or the collation of a type.
fn is_of_absent(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let Some(TableFactor::Table { name, .. }) = select.from.first().map(|table| &table.relation) else { return false };
    let name = name.to_string().to_lowercase();
    let table = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let is_collation = || select.projection.iter().any(|value| value.to_string().ends_with("typcollation"));
    TABLES.contains(&table) || table == "pg_type" && is_collation()
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn shown(text: &str) -> String {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
        without_absent(&mut statement);
        statement.to_string()
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (text, expected) in [
            ("SELECT unnest(ix.indkey) AS n FROM pg_index AS ix", "SELECT NULL AS n FROM pg_index AS ix"),
            ("SELECT generate_subscripts(indkey, 1) FROM pg_index", "SELECT NULL FROM pg_index"),
            ("SELECT 1 FROM t WHERE a.n = ANY(c.conkey) AND b", "SELECT 1 FROM t WHERE false AND b"),
            ("SELECT 1 FROM t WHERE array_has(conkey, n)", "SELECT 1 FROM t WHERE false"),
            ("SELECT (SELECT adbin FROM pg_catalog.pg_attrdef WHERE adnum = n) FROM t", "SELECT NULL FROM t"),
            ("SELECT (SELECT typcollation FROM pg_type WHERE oid = n) FROM t", "SELECT NULL FROM t"),
            (
                "SELECT 1 FROM i WHERE i.indisprimary = 'f' AND x = 'f'",
                "SELECT 1 FROM i WHERE i.indisprimary = false AND x = 'f'",
            ),
            ("SELECT unnest(x), n = ANY(y) FROM t", "SELECT unnest(x), n = ANY(y) FROM t"),
            ("SELECT (SELECT max(oid) FROM pg_type) FROM t", "SELECT (SELECT max(oid) FROM pg_type) FROM t"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
