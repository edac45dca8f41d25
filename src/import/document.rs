//! Reading a TOML document together with the positions of its values.
//!
//! Separate from the mapping itself, so that every error (an unknown key, a wrong type, a missing key) is worded once, with file, line,
//! what was found and what was expected.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};
use crate::spelling::did_you_mean;
use crate::toml_file;

/// The text of a TOML file and its name, to turn byte positions into lines.
pub(super) struct Document<'t> {
    file: Arc<str>,
    text: &'t str,
}

impl<'t> Document<'t> {
    pub(super) fn new(file: Arc<str>, text: &'t str) -> Self {
        Self { file, text }
    }

    /// Parses the text; a syntax error names its line.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'t>>> {
        toml_file::check_depth(self.text).and_then(|()| DeTable::parse(self.text)).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, error.message().to_owned(), None)
        })
    }

    /// The root table as a section that may hold the keys `known`.
    pub(super) fn root<'d>(&'d self, table: &'d DeTable<'d>, known: &[&str]) -> Result<Section<'d>> {
        Section::new(self, String::new(), 0, table, known)
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn error(&self, at: usize, problem: String, hint: Option<String>) -> Error {
        Error::invalid(format!("{}:{}", self.file, self.line(at)), problem).with_any_hint(hint)
    }
}

/// One value of the document, with its full name and place.
#[derive(Clone)]
pub(super) struct Item<'d> {
    document: &'d Document<'d>,
    name: String,
    at: usize,
    value: &'d DeValue<'d>,
}

impl<'d> Item<'d> {
    pub(super) fn line(&self) -> usize {
        self.document.line(self.at)
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The file and the line.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.document.file, self.line())
    }

    pub(super) fn value(&self) -> &'d DeValue<'d> {
        self.value
    }

    /// An error at this place.
    pub(super) fn error(&self, problem: impl std::fmt::Display, hint: Option<String>) -> Error {
        self.document.error(self.at, format!("`{}`: {problem}", self.name), hint)
    }

    /// An error for a name that is none of `known`, with the nearest.
    pub(super) fn unknown<'n>(
        &self,
        what: &str,
        found: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Error {
        let all = known.clone().into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        self.error(format!("unknown {what} `{found}`, expected one of {all}"), did_you_mean(found, known))
    }

    fn wrong_type(&self, expected: &str) -> Error {
        self.error(format!("found {}, expected {expected}", type_name(self.value)), None)
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn text(&self) -> Result<&'d str> {
        self.value.as_str().ok_or_else(|| self.wrong_type("text"))
    }

    /// Text that is not empty.
    pub(super) fn some_text(&self) -> Result<&'d str> {
        match self.text()? {
            "" => Err(self.error("found empty text, expected some", None)),
            text => Ok(text),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self) -> Result<i64> {
        let DeValue::Integer(number) = self.value else { return Err(self.wrong_type("a whole number")) };
        i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| self.error("found a number that does not fit 64 bits", None))
    }

    /// A whole number that is not below 0.
    pub(super) fn count(&self) -> Result<u64> {
        let number = self.integer()?;
        u64::try_from(number).map_err(|_| self.error(format!("found {number}, expected 0 or more"), None))
    }

    /// A member of the table, if there is one; none of a value that is no table.
    pub(super) fn find(&self, key: &str) -> Option<Item<'d>> {
        let (_, value) = self.value.as_table()?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(self.inner(joined(&self.name, key), value.span(), value.get_ref()))
    }

    /// A member that the table must have.
    pub(super) fn member(&self, key: &str) -> Result<Item<'d>> {
        self.find(key).ok_or_else(|| self.error(format!("found no `{key}`, expected one"), None))
    }

    pub(super) fn flag(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// The members of a list.
    pub(super) fn list(&self) -> Result<Vec<Item<'d>>> {
        let array = self.value.as_array().ok_or_else(|| self.wrong_type("a list"))?;
        Ok(array.iter().map(|value| self.inner(self.name.clone(), value.span(), value.get_ref())).collect())
    }

    pub(super) fn texts(&self) -> Result<Vec<String>> {
        self.list()?.iter().map(|item| Ok(item.text()?.to_owned())).collect()
    }

    /// A table that may hold the keys `known` and no other.
    pub(super) fn section(&self, known: &[&str]) -> Result<Section<'d>> {
        let table = self.value.as_table().ok_or_else(|| self.wrong_type("a table"))?;
        Section::new(self.document, self.name.clone(), self.at, table, known)
    }

    /// A table with free keys, in the order of the keys.
    pub(super) fn entries(&self) -> Result<Vec<(String, Item<'d>)>> {
        let table = self.value.as_table().ok_or_else(|| self.wrong_type("a table"))?;
        let entry = |(key, value): (&'d Spanned<_>, &'d Spanned<DeValue<'d>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            (key.to_string(), self.inner(joined(&self.name, key), value.span(), value.get_ref()))
        };
        Ok(table.iter().map(entry).collect())
    }

    /// The value as JSON; a date is its text.
    pub(super) fn json(&self) -> Result<Json> {
        Ok(match self.value {
            DeValue::String(text) => Json::from(text.as_ref()),
            DeValue::Integer(_) => Json::from(self.integer()?),
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Json::Null, Json::from),
            DeValue::Boolean(flag) => Json::from(*flag),
            DeValue::Datetime(moment) => Json::from(moment.to_string()),
            DeValue::Array(_) => self.list()?.iter().map(Item::json).collect::<Result<_>>()?,
            DeValue::Table(_) => {
                self.entries()?.into_iter().map(|(name, item)| Ok((name, item.json()?))).collect::<Result<_>>()?
            }
        })
    }

    fn inner(&self, name: String, span: Range<usize>, value: &'d DeValue<'d>) -> Item<'d> {
        Item { document: self.document, name, at: span.start, value }
    }
}

/// A table whose keys have been checked.
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    name: String,
    at: usize,
    table: &'d DeTable<'d>,
}

impl<'d> Section<'d> {
    fn new(
        document: &'d Document<'d>,
        name: String,
        at: usize,
        table: &'d DeTable<'d>,
        known: &[&str],
    ) -> Result<Self> {
        let unknown = table.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        match unknown {
            None => Ok(Self { document, name, at, table }),
            Some((key, _)) => {
                let full = joined(&name, key.get_ref());
                let all = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                let hint = did_you_mean(key.get_ref(), known.iter().copied());
                Err(document.error(key.span().start, format!("unknown key `{full}`, expected one of {all}"), hint))
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Item<'d>> {
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Item {
            document: self.document,
            name: joined(&self.name, key),
            at: value.span().start,
            value: value.get_ref(),
        })
    }

    pub(super) fn need(&self, key: &str) -> Result<Item<'d>> {
        self.get(key).ok_or_else(|| self.error(format!("found no `{key}`, expected one"), None))
    }

    /// A flag that is false where it is absent.
    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        self.get(key).map_or(Ok(false), |item| item.flag())
    }

    /// The members of an optional list.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Item<'d>>> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |item| item.list())
    }

    /// An error about the section as a whole.
    pub(super) fn error(&self, problem: impl std::fmt::Display, hint: Option<String>) -> Error {
        let place = if self.name.is_empty() { String::new() } else { format!("`{}`: ", self.name) };
        self.document.error(self.at, format!("{place}{problem}"), hint)
    }
}

fn joined(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
