//! Custom fields of several values, such as tags: which fields these are, and the values of one.
//!
//! `field_values` keeps a list as JSON text, like a text that looks like a list. What a field's definition states decides;
//! an undefined field has lists where a value is a JSON list of texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{SessionContext, col, ident, lit};

use crate::error::Result;
use crate::json::Json;
use crate::model::event::FieldKind;

/// Which values of a field are lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListRule {
    /// Every JSON list: the field is defined as one of several values.
    Lists,
    /// JSON lists of texts alone: the field is not defined, and a text such as `[1]` may be meant as it is.
    ListsOfTexts,
}

impl ListRule {
    /// The different values of a list, each as text, without nulls; nothing where the text is not a list.
    #[must_use]
    pub fn items(self, text: &str) -> Option<Vec<String>> {
        let Some(Json::List(items)) = text.starts_with('[').then(|| Json::parse(text).ok())? else { return None };
        let mut known = BTreeSet::new();
        let mut values = Vec::new();
        for item in items.into_iter().filter(|item| *item != Json::Null) {
            let value = match item {
                Json::Text(text) => text.into_owned(),
                _ if self == ListRule::ListsOfTexts => return None,
                other => other.to_text(),
            };
            if known.insert(value.clone()) {
                values.push(value);
            }
        }
        Some(values)
    }
}

/// The fields whose values are lists.
#[derive(Debug, Default)]
pub struct Lists(BTreeMap<String, ListRule>);

impl Lists {
    /// Those of some fields whose values are lists in the tables of a session.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn among(fields: impl Iterator<Item = &str>, session: &SessionContext) -> Result<Lists> {
        let mut lists = BTreeMap::new();
        for field in fields {
            if !lists.contains_key(field)
                && let Some(rule) = rule_of(field, session).await?
            {
                lists.insert(field.to_owned(), rule);
            }
        }
        Ok(Lists(lists))
    }

    /// How the lists of a field are read; nothing where its values are none.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<ListRule> {
        self.0.get(field).copied()
    }
}

/// How the lists of a field are read; nothing where its values are none.
pub(super) async fn rule_of(field: &str, session: &SessionContext) -> Result<Option<ListRule>> {
    match kind_of(field, session).await?.as_deref() {
        Some(kind) if kind == FieldKind::Multi.name() => return Ok(Some(ListRule::Lists)),
        Some(_) => return Ok(None),
        None => {}
    }
    let is_list = is_list_of_texts().call(vec![ident("value")]);
    let lists = session.table("field_values").await?.filter(col("field").eq(lit(field)))?.filter(is_list)?;
    let lists = lists.limit(0, Some(1))?.collect().await?;
    Ok(lists.iter().any(|batch| batch.num_rows() > 0).then_some(ListRule::ListsOfTexts))
}

/// The kind that the last definition of a field states.
pub(super) async fn kind_of(field: &str, session: &SessionContext) -> Result<Option<String>> {
    let versions = session.table("fields").await?.filter(col("field").eq(lit(field)).and(col("kind").is_not_null()))?;
    let last = versions.sort(vec![col("since").sort(false, false)])?.select_columns(&["kind"])?.limit(0, Some(1))?;
    let batches = last.collect().await?;
    let kinds = batches.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten());
    Ok(kinds.map(str::to_owned).next())
}

/// Whether a value is a JSON list of texts.
fn is_list_of_texts() -> ScalarUDF {
    create_udf(
        "is_list_of_texts",
        vec![DataType::Utf8View],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let values = arrays.iter().flat_map(|values| values.as_string_view().iter());
            let are_lists = values.map(|value| value.map(|value| ListRule::ListsOfTexts.items(value).is_some()));
            Ok(ColumnarValue::Array(Arc::new(are_lists.collect::<BooleanArray>())))
        }),
    )
}

/// `list_items(value, of_texts)`: the values of a list, each once and as text; a text that is no list is the only one. Null
/// where there is none. `of_texts`, the same for every row: only lists of texts are lists.
#[must_use]
pub fn list_items() -> ScalarUDF {
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    create_udf(
        "list_items",
        vec![DataType::Utf8View, DataType::Boolean],
        DataType::List(item),
        Volatility::Immutable,
        Arc::new(|arguments| {
            let rule = match arguments.get(1) {
                Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))) => ListRule::ListsOfTexts,
                Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(false)))) => ListRule::Lists,
                _ => return Err(DataFusionError::Plan("`of_texts` must be true or false".to_owned())),
            };
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let mut lists = ListBuilder::new(StringBuilder::new());
            for value in arrays.iter().take(1).flat_map(|values| values.as_string_view().iter()) {
                let items = value.map(|value| rule.items(value).unwrap_or_else(|| vec![value.to_owned()]));
                let items = items.filter(|items| !items.is_empty());
                lists.append_option(items.map(|items| items.into_iter().map(Some)));
            }
            Ok(ColumnarValue::Array(Arc::new(lists.finish())))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_each_value_once_and_other_texts_are_none() {
        let items = |rule: ListRule, text: &str| rule.items(text).map(|items| items.join(" | "));
        let cases = [
            (r#"["parcel","web, \"mobile\"","parcel",null]"#, Some("parcel | web, \"mobile\""), true),
            ("[]", Some(""), true),
            ("[1,2.0,[3]]", Some("1 | 2 | [3]"), false),
            ("[1]", Some("1"), false),
            ("[urgent] please", None, true),
            ("[", None, true),
            ("parcel", None, true),
            (r#"{"a":["b"]}"#, None, true),
        ];
        for (text, expected, is_of_texts) in cases {
            assert_eq!(items(ListRule::Lists, text).as_deref(), expected, "{text}");
            let expected = expected.filter(|_| is_of_texts);
            assert_eq!(items(ListRule::ListsOfTexts, text).as_deref(), expected, "{text}");
        }
    }
}
