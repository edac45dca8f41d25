//! A table that shows only the rows that a user may see.
//!
//! It is no view with a condition: the engine would evaluate the conditions of a query below it, on rows that are not shown,
//! and its error texts and plans would show their values and counts. Reading such a table is a plan without children
//! ([`super::plan`]).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::ident;

use super::granted::Visible;
use super::plan::{Judge, VisibleRows};
use super::rule::Rule;
use super::safe::{is_safe, of_visible_cases};
use crate::query::tables::Made;

/// A table of which only some rows are shown.
pub(super) struct Guarded {
    name: String,
    rows: Made,
    rule: Rule,
    visible: Arc<Visible>,
}

impl Guarded {
    /// The rows of a table that may be seen by a rule.
    pub fn of(name: &str, rows: Made, rule: Rule, visible: &Arc<Visible>) -> Made {
        Arc::new(Guarded { name: name.to_owned(), rows, rule, visible: Arc::clone(visible) })
    }
}

/// Without what is visible, which a plan must not show either.
impl std::fmt::Debug for Guarded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Guarded").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Guarded {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let schema = self.schema();
        // What is evaluated below is evaluated again above.
        let support = |filter: &&Expr| match is_safe(filter, &schema) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let shown = match projection {
            Some(columns) => Arc::new(schema.project(columns)?),
            None => Arc::clone(&schema),
        };
        // First what the rule looks at, then what is shown.
        let names = self.rule.columns().iter().copied().chain(shown.fields().iter().map(|field| field.name().as_str()));
        let columns = names.map(ident).collect::<Vec<_>>();
        let aliased = columns.into_iter().enumerate().map(|(at, column)| column.alias(format!("c{at}")));
        let mut plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(&self.rows)), None)?;
        if let Some(filter) = conjunction(filters.iter().filter(|filter| is_safe(filter, &schema)).cloned()) {
            plan = plan.filter(of_visible_cases(filter, |id| self.visible.cases.contains(id))?)?;
        }
        let plan = state.create_physical_plan(&plan.project(aliased)?.build()?).await?;
        let judge = Judge { rule: self.rule, visible: Arc::clone(&self.visible) };
        let partitions = state.config().target_partitions();
        Ok(Arc::new(VisibleRows::new(&self.name, plan, judge, shown, partitions)))
    }
}
