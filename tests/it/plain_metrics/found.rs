//! Small histories on which program and plain reading differed, with the numbers that are right.

use std::path::Path;

use casebook::metric::answer::AnswerRow;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::question::Question;
use casebook::metric::range::Range;
use casebook::model::time::Instant;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::compare::open;
use crate::metric::event;

/// A metric of 2 March 2026, by a dimension: each value with its number and that of the contributions.
async fn numbers(lines: &[String], metric: &str, by: &str) -> Vec<String> {
    numbers_as_of(lines, metric, by, "23:59").await
}

/// The same as of a time of that day.
async fn numbers_as_of(lines: &[String], metric: &str, by: &str, time: &str) -> Vec<String> {
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let range = Range::parse("2026-03-02", &TimeZone::UTC, Instant(0)).unwrap();
    let question = Question {
        metric: metric.to_owned(),
        by: vec![Dimension::parse(by).unwrap()],
        grain: None,
        as_of: Instant::parse(&format!("2026-03-02T{time}:00Z")).unwrap(),
        show: Vec::new(),
        filters: Vec::new(),
        range,
    };
    let catalogue = Catalogue::load(Path::new("no such project")).await.unwrap();
    let answer = question.answer(&open(&lines).await, &catalogue).await.unwrap();
    let text = |value: &Option<String>| value.as_deref().unwrap_or("-").to_owned();
    let line = |row: &AnswerRow| format!("{} {} of {}", text(&row.group[0]), row.values[0].unwrap(), row.contributions);
    answer.rows.iter().map(line).collect()
}

/// A message that comes again is no second act, also where it names another user (2.7).
#[tokio::test]
async fn a_repeated_message_handles_no_case() {
    let lines = [
        event("a1", "case.created", "A", "09:00", r#"{"customer":"ca"}"#),
        event("a2", "message.sent", "A", "09:20", r#"{"message":"m1","by":"ana"}"#),
        event("a3", "message.sent", "A", "09:20", r#"{"message":"m1","by":"ben"}"#),
        event("a4", "case.priority_changed", "A", "09:30", r#"{"priority":"low","by":"sue"}"#),
    ];
    assert_eq!(numbers(&lines, "handled_cases", "agent").await, ["ana 1 of 1", "sue 1 of 1"]);
}

/// A case that becomes Done and then Spam at one instant becomes Spam once; so does one that is reopened before.
#[tokio::test]
async fn several_changes_at_one_instant_make_one_change_into_spam() {
    let changes = |case: &str, time: &str, statuses: &[&str]| {
        let change = |(sequence, status): (usize, &&str)| {
            let data = format!(r#"{{"status":"{status}"}},"sequence":{sequence}"#);
            event(&format!("{case}{time}{sequence}"), "case.status_changed", case, time, &data)
        };
        statuses.iter().enumerate().map(change).collect::<Vec<_>>()
    };
    let creation = |case: &str| event(case, "case.created", case, "08:00", r#"{"customer":"c"}"#);
    let lines = [
        vec![creation("A"), creation("B"), creation("C")],
        changes("A", "09:00", &["done", "spam"]),
        changes("B", "09:00", &["done"]),
        changes("B", "10:00", &["open", "spam"]),
        changes("C", "09:00", &["done"]),
        changes("C", "10:00", &["spam"]),
    ];
    let lines = lines.concat();
    assert_eq!(numbers(&lines, "spam_cases", "hour_of_day").await, ["09 1 of 1", "10 2 of 2"]);
}

/// A policy whose resolution is due in `medium` and `urgent`, from a time on.
fn policy(time: &str, medium: &str, urgent: &str, more: &str) -> String {
    let targets = format!(r#"{{"medium":{{"resolution":"{medium}"}},"urgent":{{"resolution":"{urgent}"}}}}"#);
    let data = format!(r#"{{"name":"std","position":1,"enabled":true,"targets":{targets}{more}}}"#);
    event(&format!("p{time}"), "policy.updated", "std", time, &data)
}

/// At 10:40, 100 min are counted. The target is 4 h, and only where changes are not ignored 2 h.
#[tokio::test]
async fn a_target_that_the_settings_keep_is_that_of_the_risk() {
    let desk = |settings: &str| {
        vec![
            policy("08:00", "4h", "2h", ""),
            event("s", "settings.updated", "settings", "08:00", settings),
            event("a1", "case.created", "A", "09:00", r#"{"customer":"c"}"#),
        ]
    };
    let urgent = event("a2", "case.priority_changed", "A", "10:00", r#"{"priority":"urgent"}"#);
    let edited = policy("10:00", "2h", "2h", "");
    for (setting, change) in [("priority_change", urgent), ("policy_edit", edited)] {
        for (rule, expected) in [("retarget", vec!["resolution 1 of 1"]), ("keep", Vec::new())] {
            let mut lines = desk(&format!(r#"{{"sla":{{"{setting}":"{rule}"}}}}"#));
            lines.push(change.clone());
            assert_eq!(numbers_as_of(&lines, "sla_at_risk", "milestone", "10:40").await, expected, "{setting} {rule}");
        }
    }
}

/// Of 4 h, 200 min are counted when an edit of the policy pauses the clock, long after the last event of the case.
#[tokio::test]
async fn a_pause_after_the_last_event_of_a_case_leaves_it_at_risk() {
    let lines = [
        policy("08:00", "4h", "2h", ""),
        event("a1", "case.created", "A", "09:00", r#"{"customer":"c"}"#),
        policy("12:20", "4h", "2h", r#","pause_on":["new"]"#),
    ];
    assert_eq!(numbers_as_of(&lines, "sla_at_risk", "milestone", "11:59").await, Vec::<String>::new());
    assert_eq!(numbers_as_of(&lines, "sla_at_risk", "milestone", "20:00").await, ["resolution 1 of 1"]);
}
