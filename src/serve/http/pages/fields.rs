//! Fields of forms: choices, and what can be typed with suggestions.

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::prelude::{SessionContext, ident};
use maud::{Markup, html};

use crate::error::Result;

/// Suggestions of a field at most.
const VALUES_MAX: usize = 200;

/// One of some names, or any.
pub fn choice(title: &str, name: &str, names: &[&str], chosen: &str) -> Markup {
    let is_known = chosen.is_empty() || names.contains(&chosen);
    html! {
        label { (title)
            select name=(name) {
                option value="" { "any" }
                @for known in names { option value=(known) selected[*known == chosen] { (known.replace('_', " ")) } }
                @if !is_known { option value=(chosen) selected { (chosen) } }
            }
        }
    }
}

/// A text, with suggestions.
pub fn suggested(title: &str, name: &str, values: &[String], typed: &str) -> Markup {
    let list = format!("{name}-values");
    html! {
        label { (title)
            input name=(name) list=(list) value=(typed) placeholder="any" size="12";
            datalist id=(list) { @for value in values { option value=(value) {} } }
        }
    }
}

/// The values of a column of texts, in order; the first of many.
///
/// # Errors
/// When the table cannot be read.
pub async fn values_of(session: &SessionContext, table: &str, column: &str) -> Result<Vec<String>> {
    let rows =
        session.table(table).await?.filter(ident(column).is_not_null())?.select(vec![ident(column)])?.distinct()?;
    let rows = rows.sort(vec![ident(column).sort(true, false)])?.limit(0, Some(VALUES_MAX))?;
    let mut values = Vec::new();
    for batch in rows.collect().await? {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8View)?;
        values.extend(texts.as_string_view().iter().flatten().map(str::to_owned));
    }
    Ok(values)
}
