//! A search of cases as an address writes it.

use datafusion::logical_expr::{Expr, SortExpr, or};
use datafusion::prelude::{DataFrame, col, lit, lower, strpos};

use super::params::Params;
use super::problem::Problem;
use crate::error::{Error, Result};

/// The columns that a search may state a value of.
const FILTERS: [&str; 4] = ["status", "priority", "platform", "assignee"];
/// Each order with its column, and whether it begins with the least.
pub const SORTS: [(&str, &str, bool); 7] = [
    ("newest", "created_at", false),
    ("oldest", "created_at", true),
    ("resolved-last", "resolved_at", false),
    ("resolved-first", "resolved_at", true),
    ("last-message", "last_customer_message_at", false),
    ("case", "case_id", true),
    ("case-last", "case_id", false),
];

/// What is searched for.
pub struct CaseSearch<'p> {
    words: Option<&'p str>,
    filters: Vec<(&'static str, &'p str)>,
    /// The name of the order.
    pub sort: &'p str,
}

impl<'p> CaseSearch<'p> {
    /// Reads an address, whose parameters are `q`, `sort`, a value of a column, and others.
    ///
    /// # Errors
    /// When a parameter is not among these, or is given twice.
    pub fn read(params: &'p Params, others: &[&str]) -> std::result::Result<CaseSearch<'p>, Problem> {
        params.check(&[&["q", "sort"], &FILTERS[..], others].concat())?;
        let mut filters = Vec::new();
        for name in FILTERS {
            filters.extend(params.one(name)?.map(|value| (name, value)));
        }
        Ok(CaseSearch { words: params.one("q")?, filters, sort: params.one("sort")?.unwrap_or("newest") })
    }

    /// Those of a frame of cases that are not deleted, whose id, customer or text has the words, and which have the values.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn matching(&self, cases: DataFrame) -> Result<DataFrame> {
        let mut frame = cases.filter(col("deleted_at").is_null())?;
        if let Some(words) = self.words {
            let has = |column: &str| -> Expr { strpos(lower(col(column)), lit(words.to_lowercase())).gt(lit(0)) };
            frame = frame.filter(or(or(has("case_id"), has("customer")), has("text")))?;
        }
        for (name, value) in &self.filters {
            let condition = if *value == "none" { col(*name).is_null() } else { col(*name).eq(lit(*value)) };
            frame = frame.filter(condition)?;
        }
        Ok(frame)
    }

    /// By what the cases are ordered; of equal ones by their ids.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn order(&self) -> Result<Vec<SortExpr>> {
        let known = SORTS.iter().find(|(name, ..)| *name == self.sort);
        let (_, column, is_ascending) = known.ok_or_else(|| {
            let names: Vec<&str> = SORTS.iter().map(|(name, ..)| *name).collect();
            Error::invalid("sort", format!("`{}` is no order", self.sort))
                .with_hint(format!("the orders are {}", names.join(", ")))
        })?;
        let mut order = vec![col(*column).sort(*is_ascending, false)];
        order.extend((*column != "case_id").then(|| col("case_id").sort(true, false)));
        Ok(order)
    }
}
