//! Values of a TOML file with their positions in it, so that an error can name its line.

use std::collections::BTreeSet;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::kind::MemberType;
use crate::spelling::did_you_mean;

/// A value and its position.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The byte at which its name begins, or without a name the value itself.
    pub(super) at: usize,
    pub(super) tree: Tree,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Leaf(Value),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

/// An error at a byte of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Fault {
        Fault { at, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// A key that the table of that name does not have.
    pub(super) fn unknown_key(at: usize, table: &str, key: &str, known: &[&str]) -> Fault {
        let all = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        // The nearest name helps more than a list that is too long to read.
        let expected = if known.len() > 12 { String::new() } else { format!(", expected one of {all}") };
        let place = if table.is_empty() { String::new() } else { format!("`{table}`: ") };
        let fault = Fault::new(at, format!("{place}unknown key `{key}`{expected}"));
        Fault { hint: did_you_mean(key, known.iter().copied()), ..fault }
    }
}

impl Node {
    /// Reads a value of that type; unknown keys and what JSON cannot express are errors, and left out.
    pub(super) fn read(
        path: &str,
        at: usize,
        value: &DeValue<'_>,
        member_type: MemberType,
        faults: &mut Vec<Fault>,
    ) -> Node {
        let tree = match value {
            DeValue::Table(table) => Tree::Table(read_members(path, table, member_type.members(), faults)),
            DeValue::Array(items) => {
                let item = |item: &Spanned<DeValue<'_>>| {
                    Node::read(path, item.span().start, item.get_ref(), member_type.item(), faults)
                };
                Tree::List(items.iter().map(item).collect())
            }
            leaf => Tree::Leaf(read_leaf(path, at, leaf, member_type, faults)),
        };
        Node { at, tree }
    }

    /// The value as JSON, without the nodes at those positions.
    pub(super) fn json(&self, without: &BTreeSet<usize>) -> Value {
        match &self.tree {
            Tree::Leaf(value) => value.clone(),
            Tree::List(items) => {
                items.iter().filter(|item| !without.contains(&item.at)).map(|item| item.json(without)).collect()
            }
            Tree::Table(members) => {
                let left = members.iter().filter(|(_, node)| !without.contains(&node.at));
                Value::Object(left.map(|(name, node)| (name.clone(), node.json(without))).collect())
            }
        }
    }

    /// Whether a node at one of those positions is in it.
    pub(super) fn holds_any(&self, positions: &BTreeSet<usize>) -> bool {
        positions.contains(&self.at) || self.parts().iter().any(|(_, node)| node.holds_any(positions))
    }

    /// Its items, or its members with their names.
    pub(super) fn parts(&self) -> Vec<(&str, &Node)> {
        match &self.tree {
            Tree::Leaf(_) => Vec::new(),
            Tree::List(items) => items.iter().map(|item| ("", item)).collect(),
            Tree::Table(members) => members.iter().map(|(name, node)| (name.as_str(), node)).collect(),
        }
    }
}

/// The members of a table that may have those, or any where none are named.
pub(super) fn read_members(
    path: &str,
    table: &DeTable<'_>,
    known: &[(&str, MemberType)],
    faults: &mut Vec<Fault>,
) -> Vec<(String, Node)> {
    let mut members = Vec::new();
    for (key, value) in table.iter() {
        let (at, name) = (key.span().start, key.get_ref());
        match known.iter().find(|(known, _)| *known == name.as_ref()) {
            None if !known.is_empty() => {
                let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                faults.push(Fault::unknown_key(at, path, name, &known));
            }
            found => {
                let member_type = found.map_or(MemberType::Value, |(_, member_type)| *member_type);
                let node = Node::read(&format!("{path}.{name}"), at, value.get_ref(), member_type, faults);
                members.push((name.to_string(), node));
            }
        }
    }
    // In the order of the file, which the tables of the library do not keep.
    members.sort_by_key(|(_, node)| node.at);
    members
}

fn read_leaf(path: &str, at: usize, value: &DeValue<'_>, member_type: MemberType, faults: &mut Vec<Fault>) -> Value {
    let mut refuse = |message: &str, hint: &str| {
        faults.push(Fault::new(at, format!("`{path}`: {message}")).with_hint(hint));
        Value::Null
    };
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) if !matches!(member_type, MemberType::Text) => Value::from(*flag),
        DeValue::Datetime(moment) if matches!(member_type, MemberType::Date) && moment.time.is_none() => {
            Value::from(moment.to_string())
        }
        DeValue::Datetime(_) if matches!(member_type, MemberType::Date) => {
            refuse("must be a day, found a time", "write it like 2026-12-24")
        }
        DeValue::Datetime(_) => refuse("found a date or time", "put it in quotes, such as \"09:00\""),
        DeValue::Integer(number) if !matches!(member_type, MemberType::Text) => {
            match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::from(number),
                Err(_) => refuse("found a number beyond 64 bits", "write a smaller one"),
            }
        }
        DeValue::Float(number) if !matches!(member_type, MemberType::Text) => {
            let parsed = number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            parsed.map_or_else(|| refuse("found a number without a value", "write digits"), Value::Number)
        }
        _ => refuse("must be a text", "put it in quotes"),
    }
}
