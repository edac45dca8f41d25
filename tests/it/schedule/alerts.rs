//! Schedules that send only if something has happened: conditions, and breach notices.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{SetClock, project, project_of, runs, work_at};
use crate::deliver::server;
use crate::project::Project;

const ALERT: &str = r#"
[targets.alerts]
kind = "command"
run = ["/bin/sh", "-c", "cat >> alerts; echo >> alerts"]

[[schedule]]
name = "alert"
cron = "0 9 * * *"
title = "Many cases"
to = ["alerts"]
send = [{ metric = "created_cases", range = "last 7 days" }]
when = { metric = "created_cases", range = "2026-03-02", at_least = 3 }
"#;

fn lines(project: &Project) -> Vec<Value> {
    let text = std::fs::read_to_string(project.path("alerts")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn created(number: usize) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"n{number}","source":"n","type":"case.created","subject":"N{number}","time":"2026-03-02T09:00:00Z","data":{{"customer":"c{number}"}}}}"#
    )
}

#[test]
fn an_alert_is_sent_when_its_condition_begins_to_hold_and_states_why() {
    let (project, clock) = (project(ALERT), SetClock::default());
    let before =
        project.value("SELECT count(*) FROM cases WHERE created_at >= '2026-03-02' AND created_at < '2026-03-03'");
    assert!(before.as_i64().unwrap() < 3, "{before}");
    work_at(&project, &clock, "2026-03-03T08:00:00Z");
    work_at(&project, &clock, "2026-03-03T09:00:00Z");
    assert_eq!(lines(&project), Vec::<Value>::new());
    project.write("more.ndjson", (0..3).map(created).collect::<Vec<_>>().join("\n"));
    project.ingest(&["more.ndjson"], 0);
    work_at(&project, &clock, "2026-03-04T09:00:00Z");
    work_at(&project, &clock, "2026-03-05T09:00:00Z");
    let sent = lines(&project);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["title"], "Many cases");
    let reason = sent[0]["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains("Created cases over") && reason.contains("at least 3") && reason.ends_with('.'),
        "{reason}"
    );
    assert_eq!(
        runs(&project, "true"),
        ["alert 03-03T09:00 quiet 1", "alert 03-04T09:00 done 1", "alert 03-05T09:00 quiet 1"]
    );
}

#[test]
fn each_breach_is_sent_once_to_each_person_with_an_address() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mail = runtime.block_on(server::mail(&[]));
    let schedules = format!(
        r#"
[email]
server = "127.0.0.1"
port = {}
security = "none"
from = "Casebook <casebook@example.com>"

[addresses]
ADDRESSES

[targets.people]
kind = "email"
to = "recipients"

[[schedule]]
name = "breaches"
cron = "0 */6 * * *"
catch_up = "all"
to = ["people"]
send = [{{ breach_notices = true }}]
"#,
        mail.port
    );
    let (project, clock) = (project_of(300, ""), SetClock::default());
    let since = "2026-04-01T00:00:00Z";
    let notices = format!(
        "SELECT recipient, count(*) AS notices FROM breach_notices WHERE due_at > '{since}' AND due_at <= '2026-05-01T00:00:00Z' GROUP BY recipient ORDER BY recipient"
    );
    let expected: BTreeMap<String, i64> = project
        .rows(&notices)
        .iter()
        .map(|row| (row["recipient"].as_str().unwrap().to_owned(), row["notices"].as_i64().unwrap()))
        .collect();
    assert!(expected.len() > 2, "{expected:?}");
    // All but the first have an address, and the last two have the same.
    let users: Vec<&String> = expected.keys().collect();
    let (first, [last, shared]) = (users[0].as_str(), [users[users.len() - 1], users[users.len() - 2]]);
    let address = |user: &str| if user == last { shared.clone() } else { user.to_owned() };
    let addresses = expected.keys().skip(1).map(|user| format!("\"{user}\" = \"{}@example.com\"", address(user)));
    let addresses: Vec<String> = addresses.collect();
    project.write("schedules.toml", schedules.replace("ADDRESSES", &addresses.join("\n")));
    work_at(&project, &clock, since);
    work_at(&project, &clock, "2026-05-01T00:00:00Z");
    work_at(&project, &clock, "2026-05-01T00:00:00Z");

    let mut by_address: BTreeMap<String, i64> = BTreeMap::new();
    for (user, notices) in &expected {
        *by_address.entry(address(user)).or_default() += notices;
    }
    let received = mail.received.lock().unwrap();
    for (address, notices) in &by_address {
        let to = format!("RCPT TO:<{address}@example.com>");
        let messages = received.iter().filter(|mail| mail.commands.contains(&to));
        // The subject states how many breaches the mail has.
        let stated: i64 = messages.map(|mail| breaches(&mail.message)).sum();
        assert_eq!(stated, if address == first { 0 } else { *notices }, "{address}");
    }
}

/// The number of breaches in the subject of a mail, which has a part for each person of its address.
fn breaches(message: &str) -> i64 {
    let subject = message.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    let of_part = |part: &str| match part.strip_suffix(" breaches") {
        Some(number) => number.parse().unwrap(),
        // One is named.
        None if part.starts_with("Breach: ") => 1,
        None => panic!("no number in `{subject}`"),
    };
    subject.split(", ").map(of_part).sum()
}
