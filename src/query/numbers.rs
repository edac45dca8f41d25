//! Case numbers: what metrics read in the place of case ids, and nothing else sees.
//!
//! Joining, grouping and counting cases by their ids takes most of the time of a metric. So a session for metrics has
//! tables of facts whose `case_id` is the number of the case ([`CASE_NUMBER`]).

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::{Expr, SessionContext, ident};

use crate::error::Result;
use crate::facts::columns::CASE_NUMBER;
use crate::facts::tables::FACT_TABLES;

/// The name of the column of case ids.
const CASE_ID: &str = "case_id";

/// The table without the column of case numbers; as it is where it has none.
pub(super) fn without_numbers(table: &Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    select(table, |name| (name != CASE_NUMBER).then(|| ident(name)))
}

/// The table with the number of each case for its id; as it is where it has none.
pub(super) fn by_number(table: &Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    select(table, |name| match name {
        CASE_ID => Some(ident(CASE_NUMBER).alias(CASE_ID)),
        CASE_NUMBER => None,
        name => Some(ident(name)),
    })
}

/// Hides the numbers of the cases in the tables of a session.
pub(super) async fn hide(session: &SessionContext) -> Result<()> {
    for table in FACT_TABLES {
        let provider = session.table_provider(table.name).await?;
        session.deregister_table(table.name)?;
        session.register_table(table.name, without_numbers(&provider)?)?;
    }
    Ok(())
}

fn select(table: &Arc<dyn TableProvider>, column: impl Fn(&str) -> Option<Expr>) -> Result<Arc<dyn TableProvider>> {
    let schema = table.schema();
    if schema.column_with_name(CASE_NUMBER).is_none() {
        return Ok(Arc::clone(table));
    }
    let columns: Vec<Expr> = schema.fields().iter().filter_map(|field| column(field.name())).collect();
    let plan = LogicalPlanBuilder::scan("facts", provider_as_source(Arc::clone(table)), None)?.project(columns)?;
    Ok(Arc::new(ViewTable::new(plan.build()?, None)))
}
