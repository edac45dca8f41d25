//! Events as the log holds them (1): read, without duplicates, in the order of 1.3.

use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// One event of the log.
#[derive(Clone, Debug)]
pub struct Event {
    pub time: i64,
    pub kind: String,
    pub subject: String,
    pub source: String,
    pub id: String,
    pub data: Value,
    sequence: i64,
    rank: u8,
}

impl Event {
    fn read(line: &Value) -> Event {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let kind = text("type");
        let rank = rank(&kind);
        Event {
            time: instant(&text("time")),
            rank,
            kind,
            subject: text("subject"),
            source: text("source"),
            id: text("id"),
            sequence: line["sequence"].as_i64().unwrap_or(0),
            data: line["data"].clone(),
        }
    }

    /// A member of `data` that is text; null is the same as absent (1.4).
    pub fn text(&self, member: &str) -> Option<&str> {
        self.data[member].as_str()
    }

    pub fn flag(&self, member: &str) -> bool {
        self.data[member].as_bool().unwrap_or(false)
    }

    /// Whether the subject is a case.
    pub fn is_about_a_case(&self) -> bool {
        let of_connection = ["salesforce.connected", "salesforce.expired", "salesforce.disconnected"];
        self.rank > 0 && !of_connection.contains(&self.kind.as_str())
    }

    /// Whether it is a message in the sense of 2.7 (received, sent, noted).
    pub fn is_message(&self) -> bool {
        ["message.received", "message.sent", "message.noted"].contains(&self.kind.as_str())
    }
}

/// The log: duplicates dropped (1.2), in order (1.3).
pub fn read(lines: &[Value]) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    let mut events: Vec<Event> = lines.iter().map(Event::read).collect();
    events.retain(|event| seen.insert((event.source.clone(), event.id.clone())));
    events.sort_by(|a, b| key(a).cmp(&key(b)));
    events
}

fn key(event: &Event) -> (i64, bool, i64, u8, &[u8], &[u8]) {
    (event.time, event.rank != 0, event.sequence, event.rank, event.source.as_bytes(), event.id.as_bytes())
}

/// The rank of a type (1.4).
fn rank(kind: &str) -> u8 {
    match kind {
        "case.created" => 1,
        "case.profile_assigned" => 2,
        "case.assigned" | "case.unassigned" => 3,
        "case.priority_changed" | "case.sentiment_changed" | "case.field_changed" => 4,
        "message.received" => 5,
        "message.sent" => 6,
        "message.noted" | "message.liked" | "message.deleted" => 7,
        "case.status_changed" | "case.closed" => 8,
        "case.deleted" => 10,
        _ if kind.starts_with("survey.") || kind.starts_with("salesforce.") => 9,
        _ => 0,
    }
}

/// RFC 3339 to milliseconds; finer digits are cut off (1.1).
#[must_use]
pub fn instant(text: &str) -> i64 {
    text.parse::<Timestamp>().map_or(0, |t| t.as_nanosecond().div_euclid(1_000_000) as i64)
}

/// Milliseconds to RFC 3339 in UTC with three digits.
pub fn written(instant: i64) -> Value {
    let text = Timestamp::from_millisecond(instant).map(|t| format!("{t:.3}"));
    text.map_or(Value::Null, Value::String)
}

/// The same for an instant that may be missing.
pub fn written_if(instant: Option<i64>) -> Value {
    instant.map_or(Value::Null, written)
}

/// A duration such as `1d 12h 30m` in milliseconds (1.4).
pub fn duration(text: &str) -> i64 {
    let part = |part: &str| {
        let unit = match part.chars().last() {
            Some('d') => 86_400_000,
            Some('h') => 3_600_000,
            Some('m') => 60_000,
            _ => 1000,
        };
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<i64>().unwrap_or(0) * unit
    };
    text.split(' ').map(part).sum()
}
