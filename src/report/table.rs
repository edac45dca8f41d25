//! The numbers of a widget: rows of values under headings.
//!
//! The keys say what a row is about and stay apart from its numbers, so that a spreadsheet can filter by each of them;
//! formats for people join them into one column.

use super::value::Value;
use crate::metric::dimension::Dimension;
use crate::metric::range::Grain;
use crate::metric::unit::Unit;

/// Rows of values under headings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub keys: Vec<Key>,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

/// What a row is about: a bucket of time, the value of a dimension, a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// As in SQL, such as `day_of_week`.
    pub name: String,
    /// The grain of its buckets, where its values are buckets of time.
    pub grain: Option<Grain>,
    /// The word for a missing value, such as `none`.
    pub missing: &'static str,
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name for programs, such as `first_response_time_p90_ms`.
    pub name: String,
    /// The name for people.
    pub heading: String,
    /// The unit of every value; nothing where each row has a unit of its own.
    pub unit: Option<Unit>,
    /// The name for programs of how many there may be, where values are such as `3/5`.
    pub out_of: Option<String>,
    /// Whether every value is a whole number, whatever the data are.
    pub is_integer: bool,
    /// Whether the sum of all rows means something: it does of counts by agent, but not of medians or of a backlog by day.
    pub adds_up: bool,
}

/// One value for each key, and one for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub keys: Vec<Value>,
    pub values: Vec<Value>,
}

impl Key {
    /// The buckets of a grain.
    #[must_use]
    pub fn bucket(grain: Grain) -> Key {
        Key { name: grain.name().to_owned(), grain: Some(grain), missing: "none" }
    }

    /// The values of a dimension.
    #[must_use]
    pub fn dimension(dimension: &Dimension) -> Key {
        let missing = if matches!(dimension.name.as_str(), "agent" | "agent@now") { "nobody" } else { "none" };
        Key { name: dimension.name.clone(), grain: None, missing }
    }

    /// Names, such as those of figures.
    #[must_use]
    pub fn named(name: &str) -> Key {
        Key { name: name.to_owned(), grain: None, missing: "none" }
    }

    /// A value of this key as people read it.
    #[must_use]
    pub fn text(&self, value: &Value) -> String {
        self.shown(value, Value::text)
    }

    /// The text under an axis, where there is less space.
    #[must_use]
    pub fn short_text(&self, value: &Value) -> String {
        self.shown(value, Value::short_text)
    }

    fn shown(&self, value: &Value, text: fn(&Value) -> String) -> String {
        match value {
            Value::Missing => self.missing.to_owned(),
            // Classes of age have numbers before them, by which programs sort.
            Value::Text(class) if self.name == AGE => {
                class.split_once(". ").map_or(class.as_str(), |(_, age)| age).to_owned()
            }
            value => text(value),
        }
    }
}

impl Column {
    /// A column of numbers of one unit that do not add up. The name of a column of durations ends in `_ms`.
    #[must_use]
    pub fn new(name: impl Into<String>, heading: impl Into<String>, unit: Unit) -> Column {
        let ending = if unit == Unit::Duration { IN_MS } else { "" };
        let name = format!("{}{ending}", name.into());
        Column { name, heading: heading.into(), unit: Some(unit), out_of: None, is_integer: false, adds_up: false }
    }
}

impl Column {
    /// A column of numbers that follow from these, such as their change, of the same unit.
    #[must_use]
    pub fn derived(&self, word: &str, heading: impl Into<String>) -> Column {
        let (name, ending) = self.name.strip_suffix(IN_MS).map_or((self.name.as_str(), ""), |name| (name, IN_MS));
        Column { name: format!("{name}_{word}{ending}"), heading: heading.into(), ..self.clone() }
    }
}

impl Table {
    /// The headings as people read them, all keys in the first.
    #[must_use]
    pub fn headings(&self) -> Vec<String> {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.name.as_str()).collect();
        std::iter::once(capitalized(&keys.join(SEPARATOR)).replace('_', " "))
            .chain(self.columns.iter().map(|column| column.heading.clone()))
            .collect()
    }

    /// The values of a row as people read them, under [`Table::headings`].
    #[must_use]
    pub fn texts(&self, row: &Row) -> Vec<String> {
        let keys: Vec<String> = self.keys.iter().zip(&row.keys).map(|(key, value)| key.text(value)).collect();
        let label = if keys.is_empty() { "all".to_owned() } else { keys.join(SEPARATOR) };
        std::iter::once(label).chain(row.values.iter().map(Value::text)).collect()
    }
}

/// The dimension whose values are classes of age.
const AGE: &str = "age";
/// What the name of a column of durations ends in.
const IN_MS: &str = "_ms";
/// Text between the keys of a row.
const SEPARATOR: &str = " · ";

/// A text with its first letter in upper case.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_all_keys_in_one_column() {
        let agent = Key::dimension(&Dimension::parse("agent").unwrap());
        let day = Key::dimension(&Dimension::parse("day_of_week").unwrap());
        let cases = Column::new("cases", "Cases", Unit::Count("cases".to_owned()));
        let table = |keys: &[Key]| Table { keys: keys.to_vec(), columns: vec![cases.clone()], rows: Vec::new() };
        let row = |keys: &[Value]| Row { keys: keys.to_vec(), values: vec![Value::Count(3.0)] };
        let both = table(&[day, agent]);
        assert_eq!(both.headings(), ["Day of week · agent", "Cases"]);
        assert_eq!(both.texts(&row(&[Value::Text("1".to_owned()), Value::Missing])), ["1 · nobody", "3"]);
        let age = Key::dimension(&Dimension::parse("age").unwrap());
        assert_eq!(table(&[age]).texts(&row(&[Value::Text("5. < 3d".to_owned())])), ["< 3d", "3"]);
        assert_eq!(table(&[]).headings(), ["", "Cases"]);
        assert_eq!(table(&[]).texts(&row(&[])), ["all", "3"]);
    }
}
