//! The names that a session knows: its tables and their columns.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::prelude::SessionContext;

use crate::facts::tables::DESK_EVENTS;
use crate::query::database::table_names;

/// The names of all tables: those of every session in their own order, then any others.
pub fn tables(session: &SessionContext) -> Vec<String> {
    let config = session.copied_config();
    let defaults = &config.options().catalog;
    let schema =
        session.catalog(&defaults.default_catalog).and_then(|catalog| catalog.schema(&defaults.default_schema));
    let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
    // A table that only the program reads.
    names.retain(|name| name != DESK_EVENTS.name);
    let known = table_names();
    let rank = |name: &str| known.iter().position(|known| *known == name).unwrap_or(known.len());
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    names
}

/// The names and types of a table's columns; nothing where there is no such table.
pub async fn columns_of(session: &SessionContext, table: &str) -> Option<Vec<(String, String)>> {
    let provider = session.table_provider(table).await.ok()?;
    let schema = provider.schema();
    Some(schema.fields().iter().map(|field| (field.name().clone(), type_name(field.data_type()))).collect())
}

/// The names of all functions that a query may call, in order.
pub fn functions(session: &SessionContext) -> Vec<String> {
    let state = session.state();
    let mut names: BTreeSet<String> = state.scalar_functions().keys().cloned().collect();
    names.extend(state.aggregate_functions().keys().cloned());
    names.extend(state.window_functions().keys().cloned());
    names.extend(state.table_functions().keys().cloned());
    names.into_iter().collect()
}

/// A type in the words of SQL; those that the facts do not use keep the engine's name.
fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(TimeUnit::Millisecond, Some(zone)) => format!("timestamp(ms, {zone})"),
        DataType::List(item) => format!("{}[]", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| type_name(part.data_type())).collect();
                format!("map({})", parts.join(", "))
            }
            other => format!("map({other})"),
        },
        other => other.to_string(),
    }
}
