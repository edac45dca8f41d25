//! Conditions of schedules on a small desk, with exact figures; breach notices, each once.

use std::collections::BTreeSet;

use casebook::model::time::Instant;
use casebook::schedule::condition::{Condition, ConditionState, Evaluation};
use casebook::schedule::content::notices::{self, Due, Notice};
use casebook::schedule::parcel::Role;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::content::{block_on, mail, sources};
use crate::project::Project;

/// Events of March 2026, one a line: `DDTHH:MM type subject data`.
fn write(project: &Project, file: &str, lines: &[String]) {
    let line = |(number, line): (usize, &String)| {
        let mut words = line.splitn(4, ' ');
        let (time, kind, subject) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let data: Value = serde_json::from_str(words.next().unwrap_or("{}")).unwrap();
        json!({"id": format!("{file}-{number:03}"), "source": "t", "type": kind, "subject": subject,
               "time": format!("2026-03-{time}:00Z"), "data": data})
        .to_string()
    };
    project.write(file, lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n"));
    assert_eq!(project.ingest(&[file], 0)["added"], lines.len());
}

/// Five cases on 2 March, two on the 3rd, one on the 4th, four on the 5th; those of the 2nd are assigned after ten minutes.
fn desk() -> Project {
    let project = Project::new();
    let mut lines = vec![r#"01T08:00 user.updated ana {"name":"Ana"}"#.to_owned()];
    for (day, count) in [("02", 5), ("03", 2), ("04", 1), ("05", 4)] {
        for number in 0..count {
            let case = format!("{day}-{number}");
            lines.push(format!(r#"{day}T09:00 case.created {case} {{"customer":"c{case}","platform":"email"}}"#));
            if day == "02" {
                lines.push(format!(r#"{day}T09:10 case.assigned {case} {{"agent":"ana"}}"#));
            }
        }
    }
    write(&project, "first", &lines);
    project
}

#[derive(Deserialize)]
struct When {
    when: Condition,
}

fn condition(text: &str) -> Result<Condition, String> {
    toml::from_str::<When>(&format!("[when]\n{text}")).map(|file| file.when).map_err(|error| error.message().to_owned())
}

fn at(text: &str) -> Instant {
    Instant::parse(&format!("2026-03-{text}:00Z")).unwrap()
}

/// The evaluations of one run after the other, each with the state that the one before left.
fn runs(project: &Project, text: &str, instants: &[&str]) -> Vec<Evaluation> {
    let (sources, condition) = (sources(project), condition(text).unwrap());
    assert!(condition.check(&sources, "s").is_empty());
    let mut before: Option<ConditionState> = None;
    let mut found = Vec::new();
    for instant in instants {
        let evaluation = block_on(condition.evaluate(&sources, at(instant), &TimeZone::UTC, before.as_ref())).unwrap();
        before = Some(evaluation.state.clone());
        found.push(evaluation);
    }
    found
}

fn texts(evaluations: &[Evaluation]) -> Vec<(bool, bool, &str)> {
    evaluations.iter().map(|found| (found.holds, found.state.held, found.text.as_str())).collect()
}

const DAILY: [&str; 4] = ["03T06:00", "04T06:00", "05T06:00", "06T06:00"];

#[test]
fn a_threshold_is_reported_when_it_is_crossed_and_again_after_the_figure_came_back() {
    let project = desk();
    let created = "metric = \"created_cases\"\nrange = \"last 1 day\"\n";
    let found = runs(&project, &format!("{created}below = 3"), &DAILY);
    assert_eq!(
        texts(&found),
        [
            (false, false, "Created cases over 2 March 2026 was 5, not below 3"),
            (true, true, "Created cases over 3 March 2026 was 2, below 3"),
            (false, true, "Created cases over 4 March 2026 was 1, still below 3"),
            (false, false, "Created cases over 5 March 2026 was 4, not below 3"),
        ]
    );
    assert_eq!(found[1].state, ConditionState { figure: Some("2".to_owned()), held: true, last_batch: 1 });
    let holds = |text: &str| {
        let found = runs(&project, &format!("{created}{text}"), &DAILY);
        found.iter().map(|found| found.holds).collect::<Vec<_>>()
    };
    assert_eq!(holds("below = 3\neach_run = true"), [false, true, true, false]);
    assert_eq!(holds("above = 2"), [true, false, false, true]);
    assert_eq!(holds("at_least = 2\neach_run = true"), [true, true, false, true]);
    assert_eq!(holds("at_most = 2"), [false, true, false, false]);
    assert_eq!(holds("at_most = 2\nwhere = [\"platform=chat\"]"), [true, false, false, false]);
    let time = "metric = \"time_to_assign\"\nrange = \"last 1 day\"\nshow = \"median\"\nabove = \"5m\"";
    assert_eq!(
        texts(&runs(&project, time, &DAILY[..2])),
        [
            (true, true, "Time to assign over 2 March 2026 was 10m, above 5m"),
            // A figure of nothing is beyond no threshold.
            (false, false, "Time to assign over 3 March 2026 was –, not above 5m"),
        ]
    );
}

#[test]
fn a_change_is_one_from_the_run_before() {
    let project = desk();
    let found = runs(
        &project,
        "metric = \"created_cases\"\nrange = \"last 1 day\"\nchanged = true",
        &["03T06:00", "03T07:00", "04T06:00"],
    );
    assert_eq!(
        texts(&found),
        [
            (false, false, "Created cases over 2 March 2026 was 5, and there is no run before to compare with"),
            (false, false, "Created cases over 2 March 2026 was 5, as at the run before"),
            (true, true, "Created cases over 3 March 2026 was 2, and 5 at the run before"),
        ]
    );
}

#[test]
fn missing_data_are_those_of_the_instant_of_the_run() {
    let project = desk();
    // The first is of before the last event, as of a run that is caught up on.
    let found = runs(&project, "no_events_for = \"2h\"", &["03T12:00", "05T10:00", "05T11:00", "05T11:01", "05T12:00"]);
    assert_eq!(
        texts(&found),
        [
            (true, true, "the newest event was 3h old, more than 2h"),
            (false, false, "the newest event was 1h old, not more than 2h"),
            (false, false, "the newest event was 2h old, not more than 2h"),
            (true, true, "the newest event was 2h 1m old, more than 2h"),
            (false, true, "the newest event was 3h old, more than 2h"),
        ]
    );
}

#[test]
fn findings_are_those_of_events_that_came_since_the_run_before() {
    let project = desk();
    let unknown = |time: &str, case: &str| format!(r#"{time} case.assigned {case} {{"agent":"zoe-{case}"}}"#);
    write(&project, "second", &[unknown("05T10:00", "05-0")]);
    let first = runs(&project, "findings = true", &["06T06:00"]).remove(0);
    assert_eq!((first.holds, first.state.last_batch), (false, 2));
    // Late events count when they come.
    write(&project, "third", &[unknown("02T10:00", "05-1"), unknown("05T11:00", "05-2")]);
    let sources = sources(&project);
    let ask = |text: &str, before: &ConditionState| {
        let found = condition(text).unwrap();
        block_on(found.evaluate(&sources, at("07T06:00"), &TimeZone::UTC, Some(before))).unwrap()
    };
    let second = ask("findings = true", &first.state);
    assert!(second.holds && second.text.contains("of `unknown_user`"), "{}", second.text);
    assert!(ask("findings = [\"unknown_user\"]", &first.state).holds);
    assert!(!ask("findings = [\"over_capacity\"]", &first.state).holds);
    let third = ask("findings = true", &second.state);
    assert_eq!((third.holds, third.text.as_str()), (false, "no finding appeared since the run before"));
}

#[test]
fn a_condition_that_cannot_be_names_its_key() {
    let unreadable = [
        ("", "there is no condition: expected `below`"),
        ("below = 1\nabove = 2", "`below` and `above` are two conditions"),
        ("below = 1", "`below` is of a metric"),
        ("metric = \"backlog\"\nbelow = 1", "a figure needs a range"),
        ("metric = \"backlog\"\nrange = \"2026\"\nbelow = true", "`below` is a number, or a duration"),
        (
            "metric = \"backlog\"\nrange = \"2026\"\nchanged = true\neach_run = true",
            "`each_run` does nothing beside `changed`",
        ),
        ("metric = \"backlog\"\nrange = \"2026\"\nchanged = false", "write `changed = true`"),
        ("no_events_for = \"2 hours\"", "no_events_for: `2 hours` is not a duration"),
        ("no_events_for = \"2h\"\nrange = \"2026\"", "`range` does nothing beside `no_events_for`"),
        ("findings = false", "`findings` is true, or a list of rules"),
        ("belw = 1", "unknown field `belw`"),
    ];
    for (text, expected) in unreadable {
        let error = condition(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let project = Project::new();
    let sources = sources(&project);
    let wrong = [
        (
            "metric = \"backlg\"\nrange = \"2026\"\nbelow = 1",
            "s: `metric`: there is no metric `backlg` / did you mean `backlog`?",
        ),
        ("metric = \"backlog\"\nrange = \"lst week\"\nbelow = 1", "s: `range`: `lst week` is not a range"),
        ("metric = \"backlog\"\nrange = \"2026\"\nbelow = 1\nshow = \"p101\"", "s: `show`: "),
        (
            "metric = \"backlog\"\nrange = \"2026\"\nbelow = 1\nhours = \"office\"",
            "s: `hours`: `office` are no hours / write `business` or `all`",
        ),
        ("metric = \"backlog\"\nrange = \"2026\"\nbelow = 1\nwhere = \"platfrm=email\"", "s: `where`: "),
        (
            "metric = \"backlog\"\nrange = \"2026\"\nbelow = \"2h\"",
            "s: `below`: `2h` is a text, and the figure is a number",
        ),
        (
            "metric = \"sla_attainment\"\nrange = \"2026\"\nbelow = 90",
            "s: `below`: `90` is no share, which is from 0 to 1 / write 0.9 for 90 %",
        ),
        (
            "metric = \"resolution_time\"\nrange = \"2026\"\nabove = 2",
            "s: `above`: `2` is a number, and the figure is a time / write a duration",
        ),
        ("metric = \"resolution_time\"\nrange = \"2026\"\nabove = \"2x\"", "s: `above`: `2x` is not a duration"),
        (
            "findings = [\"unknwn_user\"]",
            "s: `findings`: there is no rule `unknwn_user` / did you mean `unknown_user`?",
        ),
    ];
    for (text, expected) in wrong {
        let faults = condition(text).unwrap().check(&sources, "s");
        let found: Vec<String> =
            faults.iter().map(|fault| format!("{fault} / {}", fault.hint().unwrap_or_default())).collect();
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
    }
}

/// Cases whose first response is due an hour after their creation.
fn breaches() -> Project {
    let project = Project::new();
    let policy = r#"{"name":"P","position":1,"enabled":true,"conditions":{},"targets":{"low":{"first_response":"1h"},"medium":{"first_response":"1h"},"high":{"first_response":"1h"},"urgent":{"first_response":"1h"}}}"#;
    let lines = [
        format!("01T00:00 policy.updated p {policy}"),
        r#"01T08:00 user.updated ana {"name":"Ana","role":"agent"}"#.to_owned(),
        r#"01T08:00 user.updated sue {"name":"Sue","role":"supervisor"}"#.to_owned(),
        r#"01T08:00 customer.updated cus {"name":"Carla <C>"}"#.to_owned(),
        r#"02T09:00 case.created A {"customer":"cus","platform":"email","priority":"high"}"#.to_owned(),
        r#"02T09:10 case.assigned A {"agent":"ana"}"#.to_owned(),
        r#"02T10:30 message.sent A {"message":"m1","by":"ana"}"#.to_owned(),
        r#"02T11:00 case.created B {"customer":"other","platform":"email","priority":"high"}"#.to_owned(),
        r#"02T14:00 user.updated ana {"name":"Ana","role":"agent","team":"one"}"#.to_owned(),
    ];
    write(&project, "first", &lines);
    project
}

#[test]
fn each_breach_is_notified_once_to_the_assignee_and_the_supervisors() {
    let project = breaches();
    let mut sent: BTreeSet<String> = BTreeSet::new();
    let mut run = |project: &Project, (after, until): (&str, &str)| -> Vec<Notice> {
        let due = Due { after: at(after), until: at(until) };
        let found = block_on(notices::render(&sources(project), due, at(until), &TimeZone::UTC, &sent)).unwrap();
        sent.extend(found.iter().flat_map(|notice| notice.keys.clone()));
        found
    };
    let keys = |notices: &[Notice]| {
        notices.iter().map(|notice| (notice.recipient.clone(), notice.keys.join(" "))).collect::<Vec<_>>()
    };
    let pair = |recipient: &str, keys: &str| (recipient.to_owned(), keys.to_owned());
    // The first response of A was due at 10:00, that of B at 12:00; the interval has its end, and not its begin.
    assert!(run(&project, ("02T08:00", "02T09:59")).is_empty());
    let first = run(&project, ("02T08:00", "02T10:00"));
    assert_eq!(keys(&first), [pair("ana", "A|first_response|1|ana"), pair("sue", "A|first_response|1|sue")]);
    let second = run(&project, ("02T10:00", "02T13:00"));
    assert_eq!(keys(&second), [pair("sue", "B|first_response|1|sue")]);
    assert!(run(&project, ("02T08:00", "02T13:00")).is_empty(), "each once");
    let text = mail(&first[0].rendered, Role::MailText);
    for expected in
        ["Breach: first response of case A", "Carla <C>", "Mon 2 Mar, 10:00", "Assignee: Ana", "not ended, 0ms late"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(mail(&first[0].rendered, Role::MailHtml).contains("Carla &lt;C&gt;"));
    assert_eq!(
        second[0].rendered.summary.notes,
        ["Case B: first response was due on Mon 2 Mar, 12:00, not ended, 1h late."]
    );
    // A case that arrives late was due before.
    write(
        &project,
        "late",
        &[
            r#"02T07:00 case.created L {"customer":"cus","platform":"email","priority":"high"}"#.to_owned(),
            r#"02T07:05 case.assigned L {"agent":"ana"}"#.to_owned(),
            r#"02T08:45 message.sent L {"message":"m2","by":"ana"}"#.to_owned(),
        ],
    );
    assert!(run(&project, ("02T13:00", "02T15:00")).is_empty(), "an interval that begins later does not find it");
    let late = run(&project, ("01T00:00", "02T15:00"));
    assert_eq!(keys(&late), [pair("ana", "L|first_response|1|ana"), pair("sue", "L|first_response|1|sue")]);
    let text = mail(&late[0].rendered, Role::MailText);
    assert!(text.contains("ended 45m late"), "{text}");
}
