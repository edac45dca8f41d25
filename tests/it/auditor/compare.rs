//! Describes where two sets of tables differ.

use super::{Row, Tables};
use serde_json::Value;
use std::collections::BTreeMap;

/// The columns that name a row of a table.
fn key_columns(table: &str) -> &'static [&'static str] {
    match table {
        "cases" => &["case_id"],
        "periods" => &["case_id", "since"],
        "assignments" | "turns" | "resolutions" => &["case_id", "n"],
        "milestones" => &["case_id", "milestone", "n"],
        "ledger" => &["case_id", "milestone", "n", "since"],
        "messages" => &["case_id", "time", "message", "direction"],
        "field_values" => &["case_id", "field", "since"],
        "findings" => &["time", "source", "id", "rule"],
        "users" | "presence" => &["user", "since"],
        "community_locks" => &["message", "case_id", "since"],
        "breach_notices" => &["case_id", "milestone", "n", "recipient"],
        "surveys" => &["case_id", "survey"],
        "noted" => &["case_id", "rule"],
        _ => &[],
    }
}

/// The differences between two sets of tables, one a line. The order of rows is ignored; the columns are those of `expected`.
#[must_use]
pub fn differences(expected: &Tables, found: &Tables) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, rows) in expected {
        let none = Vec::new();
        let others = found.get(table).unwrap_or(&none);
        lines.extend(table_differences(table, rows, others));
    }
    lines
}

fn table_differences(table: &str, expected: &[Row], found: &[Row]) -> Vec<String> {
    let (expected, found) = (by_key(table, expected), by_key(table, found));
    let mut lines = Vec::new();
    for (key, rows) in &expected {
        let others = found.get(key).map_or(&[][..], Vec::as_slice);
        let mut left: Vec<&Row> = others.to_vec();
        for row in rows {
            let Some(place) = left.iter().position(|other| differs(row, other).is_empty()) else {
                match left.first() {
                    Some(other) if rows.len() == 1 => {
                        lines.extend(differs(row, other).into_iter().map(|text| format!("{table} {key}: {text}")));
                        left.remove(0);
                    }
                    _ => lines.push(format!("{table} {key}: expected {row:?}, found no such row")),
                }
                continue;
            };
            left.remove(place);
        }
        lines.extend(left.iter().map(|row| format!("{table} {key}: not expected, found {row:?}")));
    }
    for (key, rows) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
        lines.extend(rows.iter().map(|row| format!("{table} {key}: not expected, found {row:?}")));
    }
    lines
}

fn by_key<'a>(table: &str, rows: &'a [Row]) -> BTreeMap<String, Vec<&'a Row>> {
    let mut keyed: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let part = |column: &&str| row.get(*column).map_or("-".to_owned(), plain);
        let key: Vec<String> = key_columns(table).iter().map(part).collect();
        keyed.entry(key.join(" ")).or_default().push(row);
    }
    keyed
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The columns of `expected` in which a row differs.
fn differs(expected: &Row, found: &Row) -> Vec<String> {
    let mut texts = Vec::new();
    for (column, value) in expected {
        let other = found.get(column).unwrap_or(&Value::Null);
        if value != other {
            texts.push(format!("{column}: expected {value}, found {other}"));
        }
    }
    texts
}
