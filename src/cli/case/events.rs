//! Every event of the case, and the findings beside those that broke a rule.

use super::style::Style;
use super::text::{NOTHING, clock, harmless};
use crate::json::Json;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::timeline::events::{Finding, broken_rules, messages_hidden};
use crate::timeline::rows::{CaseRows, RowAt};
use crate::timeline::tables::DETAILS;
use crate::wire::members;

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    time: Instant,
    mark: &'static str,
    text: String,
}

/// Adds the timeline.
pub fn events(text: &mut String, rows: &CaseRows, style: &Style) {
    let hidden = messages_hidden(&rows.events);
    let mut entries = known_of_the_customer(rows);
    let mut messages = 0_usize;
    for row in rows.events.iter() {
        let Some(time) = row.instant("time") else { continue };
        messages += usize::from(row.is_message());
        if !row.is_message() || messages > hidden {
            entries.push(Entry { time, mark: " ", text: describe(&row, style.with_text) });
        }
        entries.extend(broken_rules(&rows.findings, &row).iter().map(|finding| broken(finding, time)));
    }
    for row in rows.periods.iter().filter(|row| row.text("cause").as_deref() == Some("presence")) {
        let Some(time) = row.instant("since") else { continue };
        entries.push(Entry { time, mark: "~", text: "taken from its assignee, who is not there any more".to_owned() });
    }
    entries.sort_by_key(|entry| entry.time);
    text.push_str(&format!("\n{}\n", style.ink.bold("events")));
    if hidden > 0 {
        let noun = if hidden == 1 { "message is" } else { "messages are" };
        text.push_str(&format!("  … {hidden} earlier {noun} not shown, but counted above\n"));
    }
    for entry in &entries {
        text.push_str(&format!("  {}  {} {}\n", clock(entry.time, &style.zone), entry.mark, entry.text));
    }
}

fn broken(finding: &Finding, time: Instant) -> Entry {
    let [rule, effect, detail] =
        [&finding.rule, &finding.effect, &finding.detail].map(|text| or_nothing(text.as_ref()));
    Entry { time, mark: "!", text: format!("{rule} ({effect}): {detail}") }
}

fn or_nothing(text: Option<&String>) -> String {
    text.map_or_else(|| NOTHING.to_owned(), |text| harmless(text))
}

/// Members that are shown with the text only: what a person wrote, or a name.
const WITH_TEXT: &[&str] = &["text", "comment", "customer_name"];

/// An event in a line: its type, its user and its content.
fn describe(row: &RowAt<'_>, with_text: bool) -> String {
    let mut parts = vec![format!("{:24}", or_nothing(row.text("type").as_ref()))];
    parts.extend(
        DETAILS.iter().filter_map(|member| row.text(member).map(|value| format!("{member} {}", harmless(&value)))),
    );
    // A deleted case has no data any more.
    let data = row.text("data").unwrap_or_default();
    let data = Json::parse(&data).unwrap_or(Json::Null);
    parts.extend(further_members(row, &data, with_text));
    let mut text = parts.join("  ").trim_end().to_owned();
    let texts = [row.text("text"), data.get("comment").and_then(Json::as_text).map(str::to_owned)];
    for line in texts.into_iter().flatten().filter(|_| with_text) {
        text.push_str(&format!("\n{:27}“{}”", "", harmless(&line.replace('\n', " "))));
    }
    text
}

/// The members of an event's data that have no column, in the order in which the type has them.
fn further_members(row: &RowAt<'_>, data: &Json<'_>, with_text: bool) -> Vec<String> {
    let Some(kind) = row.text("type").and_then(|kind| EventType::parse(&kind)) else { return Vec::new() };
    let is_shown =
        |name: &&str| !DETAILS.contains(name) && (*name == "customer_name" && with_text || !WITH_TEXT.contains(name));
    let names = members::of(kind).map(|member| member.name).filter(is_shown);
    names.filter_map(|name| member_text(name, data.get_or_null(name)?)).collect()
}

fn member_text(name: &str, value: &Json<'_>) -> Option<String> {
    match value {
        // What null does is worth a word only where it takes a value away.
        Json::Null => (name == "value").then(|| "value cleared".to_owned()),
        Json::Flag(flag) => flag.then(|| name.to_owned()),
        Json::Text(text) => Some(format!("{name} {}", harmless(text))),
        Json::List(items) if items.iter().all(|item| item.as_text().is_some()) => {
            let items: Vec<String> = items.iter().filter_map(Json::as_text).map(harmless).collect();
            Some(format!("{name} {}", items.join(", ")))
        }
        other => Some(format!("{name} {}", harmless(&other.to_text()))),
    }
}

/// What is known of the case's customer, from the creation on (1.4).
fn known_of_the_customer(rows: &CaseRows) -> Vec<Entry> {
    let entry = |row: RowAt<'_>| {
        let data = row.text("data")?;
        let data = Json::parse(&data).ok()?;
        let known: Vec<String> = data.members().iter().filter_map(|(name, value)| member_text(name, value)).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join("  ") };
        Some(Entry { time: row.instant("time")?, mark: "~", text: format!("known of the customer: {known}") })
    };
    rows.customers.iter().filter_map(entry).collect()
}
