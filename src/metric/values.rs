//! Whether the log knows the names that a question filters and cuts by: a misspelled field or agent would be answered with
//! nothing, as if nothing had happened.

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext, col, ident, lit};

use super::dimension::Dimension;
use super::dimension::kinds::Column;
use super::filter::Filter;
use super::functions;
use super::interval::Scale;
use super::lists;
use super::lists::{ListRule, Lists};
use super::question::{Question, text_value};
use crate::error::{Error, Result};
use crate::facts::tables::{FIELD_VALUES, FIELDS};
use crate::model::case::history::SENTIMENT_FIELD;
use crate::model::event::FieldKind;
use crate::query::database::Database;
use crate::spelling::{did_you_mean, nearest};

/// How many known names are read, at most, to find one that is near.
const NAMES_MAX: usize = 10_000;

/// How many names a message lists, at most.
const NAMES_SHOWN: usize = 20;

/// Checks that the log defines or uses every custom field that a question names.
///
/// # Errors
/// When it knows no field of a name; the nearest is the hint.
pub(super) async fn check_fields(question: &Question, database: &Database) -> Result<()> {
    check_fields_of(question.dimensions(), database).await
}

/// Checks the custom fields of a dashboard's filters, or of any other dimensions.
///
/// # Errors
/// When the log knows no field of a name; the nearest is the hint.
pub async fn check_fields_of(dimensions: impl Iterator<Item = &Dimension>, database: &Database) -> Result<()> {
    let named: Vec<(&Dimension, &str)> =
        dimensions.filter_map(|dimension| Some((dimension, dimension.field()?))).collect();
    if named.is_empty() {
        return Ok(());
    }
    let session = database.session();
    for (dimension, field) in named {
        if !is_field(&session, database, field).await? {
            return Err(unknown_field(&session, dimension, field).await?);
        }
    }
    Ok(())
}

/// Whether the log defines or uses a custom field: by the moment of the database, or later.
async fn is_field(session: &SessionContext, database: &Database, field: &str) -> Result<bool> {
    for table in [&FIELDS, &FIELD_VALUES] {
        if has(session, (table.name, "field"), field).await? {
            return Ok(true);
        }
    }
    for table in [&FIELDS, &FIELD_VALUES] {
        let Some(rows) = database.table_now(table).await? else { continue };
        if is_there(rows.filter(col("field").eq(lit(text_value(field))))?).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks that the custom fields that filters compare are of a kind that can be compared with what was typed.
///
/// # Errors
/// When a field has several values at once, or its definition states another kind.
pub(super) async fn check_comparisons(filters: &[Filter], lists: &Lists, session: &SessionContext) -> Result<()> {
    for filter in filters {
        let (dimension, scale) = (&filter.dimension, filter.scale());
        let Some(field) = dimension.field().filter(|_| scale.is_some()) else { continue };
        let name = &dimension.name;
        if dimension.list_rule(lists).is_some() {
            let error = Error::invalid(&dimension.place, format!("`{name}` has several values, which have no order"));
            return Err(error.with_hint(format!("name the values, such as `{name}=A,B`")));
        }
        let (kind, example) = match (lists::kind_of(field, session).await?.as_deref(), scale) {
            (Some(kind), Some(Scale::FieldDay)) if kind == FieldKind::Number.name() => ("numbers", "100"),
            (Some(kind), Some(Scale::FieldNumber)) if kind == FieldKind::Date.name() => ("days", "2026-05-01"),
            _ => continue,
        };
        let found = filter.values().next().unwrap_or_default();
        let message = format!("the values of `{name}` are {kind}; found `{found}`");
        return Err(Error::invalid(&dimension.place, message).with_hint(format!("such as `{name}>={example}`")));
    }
    Ok(())
}

/// What a reader of an empty answer should know: filters for a text that nothing in the log has.
///
/// # Errors
/// When a custom field has a fixed set of values and the filter wants another, or the tables cannot be read.
pub async fn notes(filters: impl Iterator<Item = &Filter>, database: &Database) -> Result<Vec<String>> {
    let session = functions::session(database);
    let mut notes = Vec::new();
    for filter in filters {
        if filter.scale().is_some() {
            notes.extend(note_of_comparison(&session, filter).await?);
            continue;
        }
        for value in filter.values() {
            notes.extend(note(&session, &filter.dimension, value).await?);
        }
    }
    Ok(notes)
}

/// A field that is compared and has no value of that kind.
async fn note_of_comparison(session: &SessionContext, filter: &Filter) -> Result<Option<String>> {
    let Some((field, scale)) = filter.dimension.field().zip(filter.scale()) else { return Ok(None) };
    let operand = scale.operand("value");
    let sql = format!("SELECT 1 FROM field_values WHERE field = $field AND {operand} IS NOT NULL LIMIT 1");
    let rows = session.sql(&sql).await?.with_param_values(vec![("field", text_value(field))])?;
    if is_there(rows).await? {
        return Ok(None);
    }
    let kind = if scale == Scale::FieldDay { "day" } else { "number" };
    Ok(Some(format!("no value of `{}` in the log is a {kind}", filter.dimension.name)))
}

async fn note(session: &SessionContext, dimension: &Dimension, value: &str) -> Result<Option<String>> {
    let usual = dimension.usual_values();
    if usual.contains(&value) {
        return Ok(None);
    }
    if !usual.is_empty() {
        return Err(not_one_of(dimension, usual.iter().copied(), value));
    }
    let columns = dimension.columns();
    if columns.is_empty() {
        return Ok(None);
    }
    for column in columns {
        let is_known = match dimension.field() {
            Some(field) => field_has(session, field, value).await?,
            None => has(session, *column, value).await?,
        };
        if is_known {
            return Ok(None);
        }
    }
    if let Some(field) = dimension.field() {
        let offered = offered(session, field).await?;
        if offered.iter().any(|offered| offered == value) {
            return Ok(None);
        }
        if !offered.is_empty() {
            return Err(not_one_of(dimension, offered.iter().map(String::as_str), value));
        }
    }
    let mut known = Vec::new();
    for column in columns {
        known.extend(match dimension.field() {
            Some(field) => texts(field_items(session, field).await?, "value").await?,
            None => names(session, *column).await?,
        });
    }
    let near = nearest(value, known.iter().map(String::as_str));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Ok(Some(format!("nothing in the log has `{}={value}`{near}", dimension.name)))
}

fn not_one_of<'a>(dimension: &Dimension, values: impl Iterator<Item = &'a str> + Clone, value: &str) -> Error {
    let listed: Vec<&str> = values.clone().take(NAMES_SHOWN).collect();
    let message = format!("`{}` has the values {}; found `{value}`", dimension.name, listed.join(", "));
    let error = Error::invalid(&dimension.place, message);
    error.with_hint(
        did_you_mean(value, values).unwrap_or_else(|| format!("`{}=` is for what has no value", dimension.name)),
    )
}

async fn unknown_field(session: &SessionContext, dimension: &Dimension, field: &str) -> Result<Error> {
    let mut known = names(session, ("fields", "field")).await?;
    known.extend(names(session, ("field_values", "field")).await?);
    // The sentiment is kept like a field, and is a dimension of its own.
    known.retain(|field| field != SENTIMENT_FIELD);
    known.sort();
    known.dedup();
    let near = nearest(field, known.iter().map(String::as_str)).map(|near| format!("did you mean `field.{near}`?"));
    let listed: Vec<&str> = known.iter().map(String::as_str).take(NAMES_SHOWN).collect();
    let hint = near.unwrap_or_else(|| match listed.is_empty() {
        true => "no case of the log has a custom field".to_owned(),
        false => format!("the fields are {}", listed.join(", ")),
    });
    let message = format!("the log neither defines nor uses the field `{field}`");
    Ok(Error::invalid(&dimension.place, message).with_hint(hint))
}

/// Whether a row of a table has that text in a column.
async fn has(session: &SessionContext, (table, name): Column, value: &str) -> Result<bool> {
    is_there(session.table(table).await?.filter(ident(name).eq(lit(text_value(value))))?).await
}

/// Whether a case has that value of a custom field, alone or in a list.
async fn field_has(session: &SessionContext, field: &str, value: &str) -> Result<bool> {
    is_there(field_items(session, field).await?.filter(col("value").eq(lit(text_value(value))))?).await
}

async fn is_there(rows: DataFrame) -> Result<bool> {
    Ok(rows.limit(0, Some(1))?.collect().await?.iter().any(|batch| batch.num_rows() > 0))
}

/// The values of a custom field as `value`, each of a list in a row of its own.
async fn field_items(session: &SessionContext, field: &str) -> Result<DataFrame> {
    let values = session.table("field_values").await?.filter(col("field").eq(lit(text_value(field))))?;
    let Some(rule) = lists::rule_of(field, session).await? else { return Ok(values.select_columns(&["value"])?) };
    let items = lists::list_items().call(vec![ident("value"), lit(rule == ListRule::ListsOfTexts)]);
    Ok(values.select(vec![items.alias("value")])?.unnest_columns(&["value"])?)
}

/// Different texts of a column of a table, in their order.
async fn names(session: &SessionContext, (table, name): Column) -> Result<Vec<String>> {
    texts(session.table(table).await?, name).await
}

async fn texts(rows: DataFrame, column: &str) -> Result<Vec<String>> {
    let rows = rows.select(vec![ident(column)])?.filter(ident(column).is_not_null())?;
    let rows = rows.distinct()?.limit(0, Some(NAMES_MAX))?;
    let mut names = Vec::new();
    for batch in rows.collect().await? {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
        names.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The values that any version of a custom field offers; none where it takes any text.
async fn offered(session: &SessionContext, field: &str) -> Result<Vec<String>> {
    let versions = session.table("fields").await?.filter(col("field").eq(lit(text_value(field))))?;
    let mut offered = Vec::new();
    for batch in versions.select_columns(&["values"])?.collect().await? {
        for row in 0..batch.num_rows() {
            if let ScalarValue::List(list) = ScalarValue::try_from_array(batch.column(0), row)? {
                for values in list.iter().flatten() {
                    let texts = arrow::compute::cast(&values, &DataType::Utf8)?;
                    offered.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
                }
            }
        }
    }
    offered.sort();
    offered.dedup();
    Ok(offered)
}
