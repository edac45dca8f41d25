//! Which figures of a page moved: the tables of two answers to one question, number by number.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Page;
use super::rows::named_columns;
use super::table::{Row, Table};
use super::value::Value;
use crate::metric::range::Grain;

/// A number that is another one now.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The position of its widget on the page.
    pub widget: usize,
    pub title: String,
    /// What its row is about: the name and the value of each key.
    pub keys: Vec<(String, Value)>,
    /// The name of its column for programs.
    pub column: String,
    /// Of a row that was not there the count is 0, and everything else is missing.
    pub before: Value,
    pub now: Value,
}

impl Moved {
    /// How far it moved; nothing where it is missing on one side.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(self.now.number()? - self.before.number()?)
    }

    /// What the row is about, such as `day=2026-05-04; agent=ana`.
    #[must_use]
    pub fn row(&self) -> String {
        let key = |(name, value): &(String, Value)| match value {
            Value::Missing => format!("{name}="),
            value => format!("{name}={}", key_text(value)),
        };
        self.keys.iter().map(key).collect::<Vec<_>>().join("; ")
    }
}

/// A key as text that is the same for the same key: a bucket by its first day, of hours by its first instant.
fn key_text(value: &Value) -> String {
    let Value::Bucket(bucket) = value else { return value.text() };
    match bucket.grain {
        Grain::Hour => bucket.start.to_string(),
        _ => bucket.start.to_local(&bucket.zone).date().to_string(),
    }
}

/// The figures that moved between two pages of one dashboard; of one widget alone where there is a title.
#[must_use]
pub fn moved(then: &Page, now: &Page, title: Option<&str>) -> Vec<Moved> {
    let pairs = then.widgets().zip(now.widgets()).enumerate();
    let pairs = pairs.filter(|(_, (widget, _))| title.is_none_or(|title| widget.title == title));
    pairs
        .flat_map(|(position, (before, after))| {
            let (before, after) = (Numbers::of(&before.table), Numbers::of(&after.table));
            let title = then.widgets().nth(position).map(|widget| widget.title.clone()).unwrap_or_default();
            before.moved(after).into_iter().map(move |moved| Moved { widget: position, title: title.clone(), ..moved })
        })
        .collect()
}

/// Where a row is in a table: the texts of its keys, and which row of these it is.
type RowKey = (Vec<String>, usize);

/// The numbers of a table by row and column.
#[derive(Default)]
struct Numbers {
    keys: BTreeMap<RowKey, Vec<(String, Value)>>,
    order: Vec<RowKey>,
    columns: Vec<String>,
    values: BTreeMap<(RowKey, String), Value>,
}

impl Numbers {
    fn of(table: &Table) -> Numbers {
        let mut numbers = Numbers::default();
        let columns: Vec<_> = named_columns(table).collect();
        let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for row in &table.rows {
            let keys: Vec<(String, Value)> =
                table.keys.iter().map(|key| key.name.clone()).zip(row.keys.iter().cloned()).collect();
            let texts: Vec<String> = keys.iter().map(|(_, value)| key_text(value)).collect();
            let copy = known.entry(texts.clone()).or_default();
            let place = (texts, *copy);
            *copy += 1;
            for (position, (name, column)) in columns.iter().enumerate() {
                numbers.add(&place, name, row, position);
                if let (Some(name), Some(Value::OutOf(_, most))) = (&column.out_of, row.values.get(position)) {
                    numbers.values.insert((place.clone(), name.clone()), most.map_or(Value::Missing, Value::Count));
                }
            }
            numbers.keys.insert(place.clone(), keys);
            numbers.order.push(place);
        }
        for (name, column) in columns {
            numbers.columns.extend(std::iter::once(name).chain(column.out_of.clone()));
        }
        numbers
    }

    fn add(&mut self, place: &RowKey, name: &str, row: &Row, position: usize) {
        let value = row.values.get(position).cloned().unwrap_or(Value::Missing);
        self.values.insert((place.clone(), name.to_owned()), value);
    }

    /// What is another number in `now`, in the order of both.
    fn moved(mut self, mut now: Numbers) -> Vec<Moved> {
        let mut places = std::mem::take(&mut now.order);
        let in_now: BTreeSet<RowKey> = places.iter().cloned().collect();
        places.extend(std::mem::take(&mut self.order).into_iter().filter(|place| !in_now.contains(place)));
        let mut columns = std::mem::take(&mut now.columns);
        let gone: Vec<String> = self.columns.iter().filter(|name| !columns.contains(name)).cloned().collect();
        columns.extend(gone);
        let mut moved = Vec::new();
        for place in places {
            let keys = now.keys.get(&place).or(self.keys.get(&place)).cloned().unwrap_or_default();
            for column in &columns {
                let at = (place.clone(), column.clone());
                let (before, now) = both(self.values.remove(&at), now.values.remove(&at));
                if before.number() != now.number() {
                    let (widget, title) = (0, String::new());
                    moved.push(Moved { widget, title, keys: keys.clone(), column: column.clone(), before, now });
                }
            }
        }
        moved
    }
}

/// Both sides of a number. What has no row or column has the count 0, and nothing else.
fn both(before: Option<Value>, now: Option<Value>) -> (Value, Value) {
    let other = |value: &Option<Value>| match value {
        Some(Value::Count(_)) => Value::Count(0.0),
        _ => Value::Missing,
    };
    let (of_now, of_before) = (other(&before), other(&now));
    (before.unwrap_or(of_before), now.unwrap_or(of_now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::unit::Unit;
    use crate::report::table::{Column, Key};

    fn table(rows: &[(&str, &[Option<f64>])], columns: &[&str]) -> Table {
        let unit = || Unit::Count("cases".to_owned());
        Table {
            keys: vec![Key::named("agent")],
            columns: columns.iter().map(|name| Column::new(*name, *name, unit())).collect(),
            rows: rows
                .iter()
                .map(|(name, numbers)| Row {
                    keys: vec![Value::Text((*name).to_owned())],
                    values: numbers.iter().map(|number| Value::of(*number, &unit())).collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn numbers_are_compared_by_their_row_and_column_and_not_by_their_position() {
        let before = table(&[("ana", &[Some(1.0), Some(5.0)]), ("ben", &[Some(2.0), None])], &["created", "closed"]);
        let after = table(&[("ben", &[None, Some(2.0)]), ("eva", &[Some(3.0), Some(0.0)])], &["closed", "created"]);
        let moved = Numbers::of(&before).moved(Numbers::of(&after));
        let found: Vec<_> = moved
            .iter()
            .map(|moved| {
                format!("{} {} {:?} {:?}", moved.row(), moved.column, moved.before.number(), moved.now.number())
            })
            .collect();
        let expected = [
            "agent=eva closed Some(0.0) Some(3.0)",
            "agent=ana closed Some(5.0) Some(0.0)",
            "agent=ana created Some(1.0) Some(0.0)",
        ];
        assert_eq!(found, expected);
    }
}
