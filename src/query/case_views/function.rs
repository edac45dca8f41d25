//! `view_cases(view, user)` and `view_cases(view, user, sort)`: the cases of a view as a table (7.3).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::columns::SCHEMA;
use super::source::{ViewQuestion, ViewSource};
use crate::model::view::Sort;

/// The name of the function.
const NAME: &str = "view_cases";

/// Registers the function in a session.
pub(in crate::query) fn register(session: &SessionContext, source: &Arc<ViewSource>) {
    session.register_udtf(NAME, Arc::new(ViewCases(Arc::clone(source))));
}

#[derive(Debug)]
struct ViewCases(Arc<ViewSource>);

impl TableFunctionImpl for ViewCases {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let texts: Option<Vec<&str>> = arguments.exprs().iter().map(text).collect();
        let (view, user, sort) = match texts.as_deref() {
            Some([view, user]) => (*view, *user, None),
            Some([view, user, sort]) => (*view, *user, Some(*sort)),
            _ => return Err(wrong_call("expected a view, a user and, if wanted, a sort, each a text")),
        };
        let unknown = || wrong_call(&format!("the sort is one of {}", Sort::NAMES.join(", ")));
        let sort = sort.map(|name| Sort::parse(name).ok_or_else(unknown)).transpose()?;
        let question = ViewQuestion { view: view.to_owned(), user: user.to_owned(), sort, ..ViewQuestion::default() };
        Ok(Arc::new(AskedView { source: Arc::clone(&self.0), question }))
    }
}

fn wrong_call(why: &str) -> DataFusionError {
    DataFusionError::Plan(format!("`{NAME}`: {why}"))
}

fn text(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}

/// The cases of a view, which are found when they are read.
#[derive(Debug)]
struct AskedView {
    source: Arc<ViewSource>,
    question: ViewQuestion,
}

#[async_trait]
impl TableProvider for AskedView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let cases = self.source.cases_of(&self.question).await;
        let cases = cases.map_err(|error| DataFusionError::External(error.into()))?;
        MemTable::try_new(cases.schema(), vec![vec![cases]])?.scan(state, projection, &[], limit).await
    }
}
