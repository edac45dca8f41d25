//! PostgreSQL's catalogue over the tables of a session, with what drivers look for that the library's does not have.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;

use super::functions;
use super::problem::{Answer, Problem};

/// The schema of the catalogue.
const SCHEMA: &str = "pg_catalog";

/// A table in which psycopg looks for a cursor that it may have opened. It is empty: cursors are those of a connection.
const CURSORS: &str = "pg_cursors";

/// Adds the catalogue to a session, of which `user` is the user.
///
/// # Errors
/// When the library cannot make it.
pub fn add(context: &SessionContext, user: &str) -> Answer<()> {
    let name = context.copied_config().options().catalog.default_catalog.clone();
    setup_pg_catalog(context, &name, EmptyContextProvider).map_err(|error| Problem::from(*error))?;
    if let Some(catalog) = context.catalog(&name)
        && let Some(of_library) = catalog.schema(SCHEMA)
    {
        drop(catalog.register_schema(SCHEMA, Arc::new(Catalogue { of_library }))?);
    }
    functions::register(context, user);
    Ok(())
}

/// The table of tables, and a column of it that the library's does not have: settings of a table, of which there are none.
const TABLES: &str = "pg_class";
const OPTIONS: &str = "reloptions";

/// The catalogue of the library, with a table and a column more.
#[derive(Debug)]
struct Catalogue {
    of_library: Arc<dyn SchemaProvider>,
}

#[async_trait]
impl SchemaProvider for Catalogue {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.of_library.table_names();
        names.push(CURSORS.to_owned());
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !name.eq_ignore_ascii_case(CURSORS) {
            let table = self.of_library.table(name).await?;
            return table
                .map(|table| if name.eq_ignore_ascii_case(TABLES) { with_options(table) } else { Ok(table) })
                .transpose();
        }
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let flag = |name: &str| Field::new(name, DataType::Boolean, true);
        let created = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = vec![
            text("name"),
            text("statement"),
            flag("is_holdable"),
            flag("is_binary"),
            flag("is_scrollable"),
            Field::new("creation_time", created, true),
        ];
        Ok(Some(Arc::new(EmptyTable::new(Arc::new(Schema::new(fields))))))
    }

    fn table_exist(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(CURSORS) || self.of_library.table_exist(name)
    }
}

/// The table of tables with a column more.
fn with_options(tables: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let mut columns: Vec<Expr> = tables.schema().fields().iter().map(|field| ident(field.name())).collect();
    columns.push(lit(ScalarValue::Utf8(None)).alias(OPTIONS));
    let plan = LogicalPlanBuilder::scan(TABLES, provider_as_source(tables), None)?.project(columns)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
