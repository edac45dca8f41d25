//! Values of custom fields: which of them can be shown as they are. What the desk offers to choose from, dates, flags and short
//! numbers name no person; anything else may.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;
use jiff::civil::Date;

use crate::error::Result;
use crate::facts::tables::FIELDS;
use crate::json::Json;
use crate::model::case::history::SENTIMENT_FIELD;
use crate::model::event::{FieldKind, Sentiment};

/// Digits of a number on each side of its point, of which a telephone number has more.
const DIGITS_MAX: usize = 6;

/// What the versions of the custom fields state about their values.
#[derive(Debug, Default)]
pub struct Fields {
    offered: BTreeMap<String, BTreeSet<String>>,
    /// Fields that are always numbers.
    numbers: BTreeSet<String>,
}

impl Fields {
    /// The fields of a session whose tables show people as they are.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(session: &SessionContext) -> Result<Fields> {
        let mut fields = Fields::default();
        let sentiments = Sentiment::NAMES.iter().map(|name| (*name).to_owned());
        fields.offered.insert(SENTIMENT_FIELD.to_owned(), sentiments.collect());
        let (mut numbers, mut others) = (BTreeSet::new(), BTreeSet::new());
        let versions = session.table(FIELDS.name).await?.select_columns(&["field", "kind", "values"])?;
        for batch in versions.collect().await? {
            let names = batch.column(0).as_string_view();
            let kinds = batch.column(1).as_string_view();
            let lists = batch.column(2).as_list::<i32>();
            for row in 0..batch.num_rows() {
                let name = names.value(row).to_owned();
                let is_number = kinds.is_valid(row) && kinds.value(row) == FieldKind::Number.name();
                if is_number {
                    numbers.insert(name.clone())
                } else {
                    others.insert(name.clone())
                };
                if lists.is_valid(row) {
                    let values = arrow::compute::cast(&lists.value(row), &DataType::Utf8)?;
                    let values = values.as_string::<i32>().iter().flatten().map(str::to_owned);
                    fields.offered.entry(name).or_default().extend(values);
                }
            }
        }
        fields.numbers = &numbers - &others;
        Ok(fields)
    }

    /// The value of a field as it is shown: `replace` gives what stands for a text that may name a person. Each value of a list
    /// is shown for itself.
    pub fn shown(&self, field: &str, value: &str, replace: &impl Fn(&str) -> String) -> String {
        match value.starts_with('[').then(|| Json::parse(value)) {
            Some(Ok(Json::List(items))) => {
                let items = items.iter().map(|item| self.shown_json(field, item, replace));
                Json::List(items.collect()).to_text()
            }
            _ if self.is_plain(field, value) => value.to_owned(),
            _ => replace(value),
        }
    }

    /// The same of a value as an event states it.
    pub fn shown_json<'j>(&self, field: &str, value: &Json<'_>, replace: &impl Fn(&str) -> String) -> Json<'j> {
        match value {
            Json::Null => Json::Null,
            Json::Flag(flag) => Json::Flag(*flag),
            Json::Number(number) if self.is_plain(field, &value.to_text()) => Json::Number(*number),
            Json::List(items) => Json::List(items.iter().map(|item| self.shown_json(field, item, replace)).collect()),
            Json::Text(text) => Json::Text(self.shown(field, text, replace).into()),
            other => Json::Text(replace(&other.to_text()).into()),
        }
    }

    /// Whether a value names no person.
    fn is_plain(&self, field: &str, value: &str) -> bool {
        let is_offered = || self.offered.get(field).is_some_and(|offered| offered.contains(value));
        let is_number = || {
            let digits = value.strip_prefix('-').unwrap_or(value);
            let is_written_so = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let is_short = digits.split('.').all(|part| part.len() <= DIGITS_MAX);
            is_written_so && value.parse::<f64>().is_ok() && (is_short || self.numbers.contains(field))
        };
        let is_day = || value.len() == "2026-05-01".len() && value.parse::<Date>().is_ok();
        value.is_empty() || matches!(value, "true" | "false") || is_number() || is_day() || is_offered()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_name_a_person_is_replaced() {
        let offered = BTreeMap::from([("tier".to_owned(), BTreeSet::from(["gold".to_owned()]))]);
        let fields = Fields { offered, numbers: BTreeSet::from(["amount".to_owned()]) };
        let shown = |field: &str, value: &str| fields.shown(field, value, &|text| format!("<{text}>"));
        let cases = [
            ("tier", "gold", "gold"),
            ("tier", "Ana", "<Ana>"),
            ("note", "gold", "<gold>"),
            ("note", "2026-05-01", "2026-05-01"),
            ("note", "-12.5", "-12.5"),
            ("note", "Nan", "<Nan>"),
            ("note", "420123456789", "<420123456789>"),
            ("amount", "420123456789", "420123456789"),
            ("note", r#"["gold","Ana",7]"#, r#"["<gold>","<Ana>",7]"#),
            ("tier", r#"["gold","Ana"]"#, r#"["gold","<Ana>"]"#),
            ("note", "[not a list", "<[not a list>"),
            ("note", "", ""),
        ];
        for (field, value, expected) in cases {
            assert_eq!(shown(field, value), expected, "{field}={value}");
        }
        let data = Json::parse(r#"{"who":"Ana"}"#).unwrap();
        assert_eq!(fields.shown_json("note", &data, &|_| "x".to_owned()).to_text(), "\"x\"");
    }
}
