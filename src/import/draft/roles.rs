//! What the columns of an export are, by their names and values.

use super::look::{Look, LookColumn};
use super::times::{self, TimeGuess};

/// What columns are.
#[derive(Debug)]
pub(super) struct Roles {
    /// The column of the case, and whether each row has another one.
    pub(super) case: String,
    pub(super) case_is_distinct: bool,
    pub(super) created: Timed,
    pub(super) updated: Option<Timed>,
    pub(super) assigned: Option<Timed>,
    pub(super) resolved: Option<Timed>,
    pub(super) replied: Option<Timed>,
    /// A duration to the first reply, and its unit.
    pub(super) reply_after: Option<(String, &'static str)>,
    pub(super) customer: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) status: Option<String>,
    pub(super) priority: Option<String>,
}

/// A column of times.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) column: String,
    pub(super) guess: TimeGuess,
}

/// The words of a name, in small letters.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(letter);
        before = letter;
    }
    let parts = spaced.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(str::to_lowercase).collect()
}

fn has(name: &str, any: &[&str]) -> bool {
    words(name).iter().any(|word| any.contains(&word.as_str()))
}

/// Whether a column has durations of business hours, which a clock of the specification measures itself.
pub(super) fn is_business(name: &str) -> bool {
    has(name, &["business"]) && has(name, &["hours", "time", "minutes", "duration"])
}

/// Finds the roles; none without a column of times.
pub(super) fn of(look: &Look) -> Option<Roles> {
    let usable: Vec<&LookColumn> = look.columns.iter().filter(|column| !column.repeated && column.filled > 0).collect();
    let timed = |column: &&LookColumn| Some(Timed { column: column.name.clone(), guess: times::guess(column)? });
    let all_timed: Vec<(&LookColumn, Timed)> =
        usable.iter().filter_map(|column| Some((*column, timed(column)?))).collect();
    let time = |any: &[&str]| {
        let fits =
            |(_, timed): &&(&LookColumn, Timed)| has(&timed.column, any) && !has(&timed.column, &["due", "viewed"]);
        let shortest =
            |(column, timed): &&(&LookColumn, Timed)| (column.filled < look.rows, words(&timed.column).len());
        all_timed.iter().filter(fits).min_by_key(shortest).map(|(_, timed)| timed.clone())
    };
    let full = all_timed.iter().filter(|(column, _)| column.filled == look.rows).map(|(_, timed)| timed);
    let created = time(&["created", "opened", "open", "reported", "creation", "begin", "started", "received"]);
    let created = created
        .or_else(|| full.clone().next().cloned())
        .or_else(|| all_timed.first().map(|(_, timed)| timed.clone()))?;
    let is_time = |name: &str| all_timed.iter().any(|(_, timed)| timed.column == name);
    let texts: Vec<&&LookColumn> =
        usable.iter().filter(|column| !is_time(&column.name) && !is_business(&column.name)).collect();
    let case = case(look, &texts)?;
    let named = |any: &[&str], not: &[&str]| {
        let fits =
            |column: &&&&LookColumn| has(&column.name, any) && !has(&column.name, not) && column.name != case.name;
        let mut found: Vec<_> = texts.iter().filter(fits).collect();
        found.sort_by_key(|column| words(&column.name).len());
        found.first().map(|column| column.name.clone())
    };
    let details = &[
        "email", "domain", "external", "id", "stations", "wait", "time", "reply", "replies", "category", "updated",
        "changed", "score", "url", "count",
    ];
    let replied = time(&["replied", "responded", "reply", "response"]);
    let reply_after = texts
        .iter()
        .find(|column| is_first_reply(&column.name) && column.values.keys().all(|value| value.parse::<f64>().is_ok()));
    Some(Roles {
        case_is_distinct: case.is_distinct() && case.filled == look.rows,
        case: case.name.clone(),
        created,
        updated: time(&["updated", "modified", "changed"]),
        assigned: time(&["assigned", "assignment"]),
        resolved: time(&["solved", "resolved", "closed", "completed", "resolution"]),
        replied,
        reply_after: reply_after.map(|column| (column.name.clone(), unit(&column.name))),
        customer: named(&["requester", "customer", "reporter", "contact", "caller", "client", "from"], details)
            .or_else(|| {
                named(&["requester", "customer", "reporter", "contact", "caller", "client"], &["wait", "time"])
            }),
        agent: named(&["assignee", "agent", "assigned", "owner", "handler"], details)
            .or_else(|| named(&["assignee", "agent"], &["wait", "time", "stations"])),
        status: named(&["status", "state", "stage"], details),
        priority: named(&["priority", "urgency", "severity"], details),
    })
}

fn is_first_reply(name: &str) -> bool {
    has(name, &["first"]) && has(name, &["reply", "response"]) && has(name, &["time", "minutes", "hours", "seconds"])
}

/// The unit that the name of a duration states; minutes where it states none.
fn unit(name: &str) -> &'static str {
    let found = ["seconds", "minutes", "hours", "days"].into_iter().find(|unit| has(name, &[unit]));
    found.unwrap_or("minutes")
}

/// The column of the case: one whose name is that of an id and whose values are, else one with a value in every row.
fn case<'l>(look: &Look, texts: &[&&'l LookColumn]) -> Option<&'l LookColumn> {
    let rank = |column: &LookColumn| {
        let words = words(&column.name);
        let last = words.last().map_or("", String::as_str);
        let is_id = ["id", "key", "number", "no", "nr"].contains(&last);
        let is_case = words
            .iter()
            .any(|word| ["ticket", "case", "conversation", "issue", "incident", "request"].contains(&word.as_str()));
        let is_plain = words.len() == 1;
        let named = u32::from(is_id && (is_plain || is_case)) * 4 + u32::from(is_id) * 2 + u32::from(is_case);
        (column.filled == look.rows, named, column.is_distinct(), last == "key")
    };
    texts.iter().rev().max_by_key(|column| rank(column)).map(|column| **column)
}

/// The status of the model that the name of a status means, where that is known.
pub(super) fn status(value: &str) -> Option<&'static str> {
    let any = |known: &[&str]| has(value, known);
    Some(match () {
        () if any(&["spam", "junk"]) => "spam",
        () if any(&[
            "closed",
            "done",
            "solved",
            "resolved",
            "completed",
            "complete",
            "finished",
            "cancelled",
            "canceled",
        ]) =>
        {
            "done"
        }
        () if any(&["hold", "paused", "snoozed", "vendor", "suspended"]) => "on_hold",
        () if any(&["pending", "waiting", "wait", "awaiting"]) => waiting(value)?,
        () if any(&["new", "created", "submitted", "unopened"]) => "new",
        () if any(&["open", "opened", "reopened", "progress", "active", "working", "assigned"]) => "open",
        () => return None,
    })
}

/// Who waits in a status that names waiting: the desk for the customer, or the customer for the desk. None where the value names others.
fn waiting(value: &str) -> Option<&'static str> {
    let others =
        ["customer", "client", "reporter", "requester", "user", "reply", "response", "feedback", "information"];
    match words(value).len() {
        1 => Some("pending"),
        _ if has(value, &others) => Some("pending"),
        _ if has(value, &["support", "agent", "us", "team"]) => Some("open"),
        _ => None,
    }
}

/// The priority of the model that the name of a priority means, where that is known.
pub(super) fn priority(value: &str) -> Option<&'static str> {
    let any = |known: &[&str]| has(value, known);
    Some(match () {
        () if any(&["urgent", "critical", "highest", "blocker", "p1", "1"]) => "urgent",
        () if any(&["high", "major", "p2", "2"]) => "high",
        () if any(&["medium", "normal", "moderate", "p3", "3"]) => "medium",
        () if any(&["low", "lowest", "minor", "trivial", "planning", "p4", "p5", "4", "5"]) => "low",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_statuses_and_priorities() {
        let statuses = ["Waiting for customer", "In Progress", "Closed", "On-hold", "New", "Yellow"].map(status);
        assert_eq!(statuses, [Some("pending"), Some("open"), Some("done"), Some("on_hold"), Some("new"), None]);
        let statuses = ["Waiting for support", "Pending", "Waiting for carrier", "Awaiting user info"].map(status);
        assert_eq!(statuses, [Some("open"), Some("pending"), None, Some("pending")]);
        assert_eq!(
            ["P1", "Normal", "5 - Planning", "-"].map(priority),
            [Some("urgent"), Some("medium"), Some("low"), None]
        );
        assert_eq!(words("createdAt (UTC)"), ["created", "at", "utc"]);
        assert!(is_business("First reply time in minutes within business hours") && !is_business("Business unit"));
    }
}
