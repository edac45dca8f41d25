//! The value that a contribution has of a dimension (5.1).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::auditor::{Tables, is_resolved};

use super::known::{Contribution, Known, standing, text};
use super::question::Asked;

/// Dimensions of every metric; `NAME@now` is as of the report.
pub const DIMENSIONS: [&str; 27] = [
    "agent",
    "status",
    "priority",
    "profile",
    "team",
    "resolution",
    "platform",
    "origin",
    "language",
    "customer",
    "policy",
    "deleted",
    "sentiment",
    "field.topic",
    "field.tags",
    "hour_of_day",
    "day_of_week",
    "agent@now",
    "status@now",
    "priority@now",
    "profile@now",
    "team@now",
    "resolution@now",
    "sentiment@now",
    "field.note@now",
    "field.amount",
    "deleted",
];

/// The values of a dimension, each once: as they were at the contribution, or as of the report. Only a list has several.
pub fn values_of(known: &Known, asked: &Asked, contribution: &Contribution, dimension: &str) -> Vec<Option<String>> {
    let value = value_of(known, asked, contribution, dimension);
    let field = dimension.trim_end_matches("@now").strip_prefix("field.").unwrap_or_default();
    match (value.as_deref().and_then(|value| items(value, known.whole.lists.get(field)?)), value) {
        (Some(items), _) if items.is_empty() => vec![None],
        (Some(items), _) => items.into_iter().map(Some).collect(),
        (None, value) => vec![value],
    }
}

/// Which lists of a field are several values (decision 146).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// All: the field is defined so.
    All,
    /// Those of texts: the field is not defined, and some value of it is such a list.
    OfTexts,
}

/// The values of a list, each once; nothing where it is no list that counts.
pub fn items(value: &str, lists: &Lists) -> Option<Vec<String>> {
    let list: Vec<Value> = serde_json::from_str(value).ok()?;
    let mut items: Vec<String> = list.iter().filter(|item| !item.is_null()).map(text_of_value).collect();
    let are_texts = list.iter().all(|item| item.is_string() || item.is_null());
    items.sort();
    items.dedup();
    Some(items).filter(|_| are_texts || *lists == Lists::All)
}

/// The fields of a log that have lists.
pub fn lists_of(lines: &[Value], tables: &Tables) -> BTreeMap<String, Lists> {
    let kind = |field: &str| {
        let is_definition = |line: &&Value| line["type"] == "field.updated" && line["subject"] == field;
        Some(lines.iter().find(is_definition)?["data"]["kind"].clone())
    };
    let mut lists = BTreeMap::new();
    for row in &tables["field_values"] {
        let field = row["field"].as_str().unwrap_or_default();
        let found = match kind(field) {
            Some(kind) => (kind == "multi").then_some(Lists::All),
            None => items(&text_of_value(&row["value"]), &Lists::OfTexts).map(|_| Lists::OfTexts),
        };
        lists.extend(found.map(|found| (field.to_owned(), found)));
    }
    lists
}

/// The value of a dimension, a list as JSON.
fn value_of(known: &Known, asked: &Asked, contribution: &Contribution, dimension: &str) -> Option<String> {
    if let Some((_, value)) = contribution.own.iter().find(|(name, _)| *name == dimension) {
        return value.clone();
    }
    let (name, instant) = match dimension.strip_suffix("@now") {
        Some(name) => (name, asked.as_of),
        None => (dimension, contribution.at),
    };
    let case = contribution.case_id.as_deref().and_then(|id| known.case(id));
    let state = case.and_then(|case| standing(case, instant));
    // What never changes about a case is taken from the whole log, also for a message before its creation.
    let later =
        known.whole.tables["cases"].iter().find(|row| contribution.case_id.as_deref() == row["case_id"].as_str());
    let local = || asked.zone.to_datetime(jiff::Timestamp::from_millisecond(contribution.at).expect("an instant"));
    match name {
        "agent" if dimension.ends_with("@now") => state?.assignee.clone(),
        "agent" => contribution.agent.clone(),
        "team" => known.user(contribution.agent.as_deref()?, instant)?["team"].as_str().map(str::to_owned),
        "status" => Some(state?.status.clone()),
        "priority" => Some(state?.priority.clone()),
        "profile" => state?.profile.clone(),
        "resolution" => Some(state?.status.clone()).filter(|status| is_resolved(status)),
        "sentiment" => Some(state?.sentiment.clone()),
        "deleted" => {
            later?;
            let is_deleted = case.is_some_and(|case| case.deleted_at().is_some());
            Some(if is_deleted { "deleted" } else { "kept" }.to_owned())
        }
        "platform" | "origin" | "language" | "customer" | "policy" => text(later?, name),
        "hour_of_day" => Some(format!("{:02}", local().hour())),
        "day_of_week" => Some(local().weekday().to_monday_one_offset().to_string()),
        _ => match name.strip_prefix("field.") {
            Some(field) => state?.fields.get(field).map(text_of_value),
            None => None,
        },
    }
}

/// The value of a field as SQL sees it.
fn text_of_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
