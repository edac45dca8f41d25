//! `case`: the timeline, and why the numbers of a case are what they are.

use serde_json::{Value, json};

use crate::project::{Project, of_repository};

const GOLDEN: [&str; 9] = [
    "01-life",
    "02-office",
    "03-targets",
    "04-clock-change",
    "05-bots",
    "06-gap",
    "07-desk",
    "08-edges",
    "09-forgotten",
];

/// A project that holds one of the worked cases of the specification.
fn golden(name: &str) -> Project {
    let project = Project::new();
    project.ingest(&[of_repository(&format!("tests/golden/{name}.ndjson"))], 0);
    project
}

/// A project of events given as type, subject, time and data.
fn made_of(events: &[(&str, &str, &str, Value)]) -> Project {
    let project = Project::new();
    let line = |(number, (kind, subject, time, data)): (usize, &(&str, &str, &str, Value))| {
        json!({"specversion": "1.0", "id": format!("e{number:03}"), "source": "t", "type": kind, "subject": subject,
               "time": time, "data": data})
        .to_string()
    };
    let lines: Vec<String> = events.iter().enumerate().map(line).collect();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

fn shown(project: &Project, arguments: &[&str]) -> String {
    let ran = project.run(&[&["case"], arguments].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

fn as_json(project: &Project, id: &str) -> Value {
    serde_json::from_str(&shown(project, &[id, "--format", "json"])).unwrap()
}

/// The part of an output from one line on, up to the next empty line.
fn part<'t>(text: &'t str, heading: &str) -> &'t str {
    let start = text.find(heading).unwrap_or_else(|| panic!("no `{heading}` in\n{text}"));
    text[start..].split("\n\n").next().unwrap().trim_end()
}

fn whole(row: &Value, member: &str) -> i64 {
    row[member].as_i64().unwrap_or_else(|| panic!("no `{member}` in {row}"))
}

#[test]
fn a_case_shows_its_bands_turns_events_and_findings() {
    let project = Project::new();
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    project.ingest(&["life.ndjson"], 0);
    let ran = project.run(&["case", "A"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
    let unknown = project.run(&["case", "Z"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("there is no case `Z`"), "{}", unknown.stderr);
}

#[test]
fn a_long_case_shows_its_last_messages_and_every_finding() {
    let project = Project::new();
    let event = |id: usize, kind: &str, minute: usize, data: &str| {
        let (hour, minute) = (8 + minute / 60, minute % 60);
        format!(
            r#"{{"specversion":"1.0","id":"e{id}","source":"t","type":"{kind}","time":"2026-05-04T{hour:02}:{minute:02}:00Z","subject":"A","data":{data}}}"#
        )
    };
    let mut lines = vec![event(0, "case.created", 0, r#"{"customer":"c","platform":"x"}"#)];
    lines.push(event(600, "case.assigned", 0, r#"{"agent":"ana"}"#));
    // Who replies is not who holds the case: a finding.
    lines.push(event(1, "message.sent", 1, r#"{"message":"m1","by":"ben"}"#));
    lines.extend(
        (2..=503).map(|number| event(number, "message.received", number, &format!(r#"{{"message":"m{number}"}}"#))),
    );
    project.write("long.ndjson", lines.join("\n"));
    project.ingest(&["long.ndjson"], 0);
    let ran = project.run(&["case", "A"]);
    let shown: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("  message m")).collect();
    assert_eq!(shown.len(), 500, "{}", ran.stdout);
    assert!(shown[0].ends_with("message m4") && shown[499].ends_with("message m503"), "{}", shown[0]);
    assert!(ran.stdout.contains("events\n  … 3 earlier messages are not shown, but counted above\n"), "{}", ran.stdout);
    let findings = project.rows("SELECT rule FROM findings WHERE severity <> 'hidden'");
    assert!(!findings.is_empty());
    assert_eq!(ran.stdout.lines().filter(|line| line.contains("  ! ")).count(), findings.len(), "{}", ran.stdout);
}

#[test]
fn office_hours_and_pauses_are_shown_to_the_minute() {
    insta::assert_snapshot!(shown(&golden("02-office"), &["B"]));
}

#[test]
fn a_target_that_goes_and_comes_back_is_shown_where_it_did() {
    insta::assert_snapshot!(shown(&golden("03-targets"), &["C4"]));
}

#[test]
fn what_was_stopped_runs_again_over_a_gap() {
    let text = shown(&golden("06-gap"), &["F1"]);
    assert!(text.contains("  closed: total resolution time 4h 40m, late\n"), "{text}");
    let expected = "\
assign 2: late by 1d 23h 35m (15m of it counted)
    started     Mon 2026-03-02 09:00:00
    target      30m for medium priority, by the version of 2026-01-01 00:00:00
    due         Mon 2026-03-02 09:30:00
    completed   Wed 2026-03-04 09:05:00
    charged to  no agent: it was not assigned when it was due
    valid       from Wed 2026-03-04 09:00:00 on
    since                    label    status  for         counted so far
    Mon 2026-03-02 09:00:00  counted  new     30m         30m
    Mon 2026-03-02 09:30:00  due, the target of 30m is reached
    Mon 2026-03-02 09:30:00  counted  new     10m         40m
    Mon 2026-03-02 09:40:00  gap      done    1d 23h 20m  40m
    Wed 2026-03-04 09:00:00  counted  new     5m          45m
    Wed 2026-03-04 09:05:00  completed
    = 45m counted + 1d 23h 20m gap = 2d 5m elapsed";
    assert_eq!(part(&text, "assign 2:"), expected);
    assert!(text.contains("assign 1: missed by 10m (no longer valid)\n"), "{text}");
}

#[test]
fn a_target_that_shrinks_while_the_clock_stands_still_is_due_when_it_counts_next() {
    let text = shown(&golden("08-edges"), &["K2"]);
    let expected = "\
    Mon 2026-03-02 09:00:00  target 2h for medium priority
    Mon 2026-03-02 09:00:00  counted  new      30m     30m
    Mon 2026-03-02 09:30:00  paused   on_hold  6h 30m  30m
    Mon 2026-03-02 16:00:00  priority medium → low: target 2h as before
    Mon 2026-03-02 16:00:00  paused   on_hold  1h      30m
    Mon 2026-03-02 17:00:00  policy edited, low priority: target 10m, was 2h
    Mon 2026-03-02 17:00:00  paused   on_hold  16h     30m
    Tue 2026-03-03 09:00:00  due, the target of 10m is reached with 30m counted
    Tue 2026-03-03 09:00:00  counted  open     10m     40m
    Tue 2026-03-03 09:10:00  completed by ana
    = 40m counted + 23h 30m paused = 1d 10m elapsed";
    assert!(part(&text, "first response 1").ends_with(expected), "{text}");
    assert!(text.contains("due         never: the clock was stopped when it ended (on_hold)\n"), "{text}");
}

#[test]
fn a_policy_is_defended_by_the_values_that_its_conditions_saw() {
    let project = golden("07-desk");
    let refunds = "refunds (position 2, version of 2026-01-01 00:00:00)\n    ";
    let rest = "\n  z-rest (position 9, version of 2026-01-01 00:00:00)\n    chosen, conditions hold: it has no conditions and takes every case\n    its clocks count all hours";
    let expected = [
        (
            "H1",
            format!(
                "policy refunds\n  {refunds}chosen, conditions hold: language is en; \"money back\" is in the text; none\n    of \"test\" is in the text\n    its clocks count all hours"
            ),
        ),
        (
            "H2",
            format!("policy z-rest\n  {refunds}not chosen: none of \"refund\", \"money back\" is in the text{rest}"),
        ),
        ("H3", format!("policy z-rest\n  {refunds}not chosen: language is es, wanted one of en{rest}")),
    ];
    for (id, expected) in expected {
        assert_eq!(part(&shown(&project, &[id]), "policy "), expected, "{id}");
    }
    let choice = &as_json(&project, "H2")["policy"];
    assert_eq!((&choice["policy"], &choice["tried"][0]["condition"]), (&json!("z-rest"), &json!("text any")));
}

fn policy(position: i64, conditions: Value) -> Value {
    json!({"position": position, "enabled": true, "conditions": conditions,
           "targets": {"medium": {"first_response": "1h"}}})
}

#[test]
fn a_case_without_a_policy_shows_why() {
    let early = json!({"customer": "c", "profile": "acme-fb", "platform": "facebook", "text": "just a test"});
    let project = made_of(&[
        ("case.created", "before", "2026-01-01T00:00:00Z", early.clone()),
        ("policy.updated", "vip", "2026-02-01T00:00:00Z", policy(1, json!({"profile": ["acme-x"]}))),
        ("policy.updated", "words", "2026-02-01T00:00:00Z", policy(2, json!({"text": {"none": ["test"]}}))),
        ("policy.updated", "angry", "2026-02-01T00:00:00Z", policy(3, json!({"sentiment": ["negative"]}))),
        ("case.created", "after", "2026-03-02T09:00:00Z", early),
    ]);
    let before = shown(&project, &["before"]);
    assert!(before.contains("\nno policy: none was enabled when the case was created\n"), "{before}");
    assert!(!before.contains("clocks, as of"), "{before}");
    let version = "version of 2026-02-01 00:00:00";
    let expected = format!(
        "no policy: of those enabled at the creation none took the case
  vip (position 1, {version})
    not chosen: profile is acme-fb, wanted one of acme-x
  words (position 2, {version})
    not chosen: \"test\" is in the text, wanted none of \"test\"
  angry (position 3, {version})
    not chosen: sentiment is none, wanted one of negative"
    );
    assert_eq!(part(&shown(&project, &["after"]), "no policy"), expected);
}

#[test]
fn the_text_of_a_deleted_case_is_not_shown_by_its_policy_either() {
    let text = json!({"customer": "c", "profile": "p", "platform": "x", "text": "A secret refund"});
    let project = made_of(&[
        ("policy.updated", "tests", "2026-01-01T00:00:00Z", policy(1, json!({"text": {"any": ["test"]}}))),
        ("policy.updated", "vip", "2026-01-01T00:00:00Z", policy(2, json!({"profile": ["q"]}))),
        ("policy.updated", "refunds", "2026-01-01T00:00:00Z", policy(3, json!({"text": {"any": ["refund", "gold"]}}))),
        ("case.created", "A", "2026-03-02T09:00:00Z", text),
        ("case.deleted", "A", "2026-03-02T10:00:00Z", json!({})),
    ]);
    let printed = shown(&project, &["A", "--with-text"]);
    let object = shown(&project, &["A", "--with-text", "--format", "json"]);
    for output in [&printed, &object] {
        assert!(!output.contains("secret") && !output.contains("\"refund\"") && !output.contains("gold"), "{output}");
    }
    let choice = part(&printed, "policy refunds");
    assert!(choice.contains("not chosen: its words did not hold; they are not shown"), "{choice}");
    assert!(choice.contains("not chosen: profile is p, wanted one of q\n"), "{choice}");
    assert!(choice.contains("chosen, conditions hold: its words held, too; they are not shown"), "{choice}");
}

/// What a supervisor does with a calculator, for every clock of the worked cases.
#[test]
fn every_ledger_adds_up_to_its_clock_and_every_outcome_is_the_one_of_the_specification() {
    for name in GOLDEN {
        let project = golden(name);
        let path = of_repository(&format!("tests/golden/{name}.facts.json"));
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in expected["cases"].as_array().unwrap() {
            let object = as_json(&project, case["case_id"].as_str().unwrap());
            assert_eq!(object["as_of"], expected["as_of"], "{name}");
            for milestone in object["milestones"].as_array().unwrap() {
                adds_up(milestone, &object["as_of"]);
                let same = |other: &&Value| ["milestone", "n"].iter().all(|key| other[key] == milestone[key]);
                let outcome = case["milestones"].as_array().into_iter().flatten().find(same).map(|row| &row["outcome"]);
                assert!(outcome.is_none_or(|outcome| *outcome == milestone["outcome"]), "{name}: {milestone}");
            }
        }
    }
}

fn adds_up(milestone: &Value, as_of: &Value) {
    let ledger = milestone["ledger"].as_array().unwrap();
    for pair in ledger.windows(2) {
        assert_eq!(pair[0]["until"], pair[1]["since"], "{milestone}");
    }
    let sum = |label: Option<&str>| -> i64 {
        ledger
            .iter()
            .filter(|row| label.is_none_or(|label| row["label"] == label))
            .map(|row| whole(row, "length_ms"))
            .sum()
    };
    let ends = ["completed_at", "stopped_at", "disabled_at"].map(|column| &milestone[column]);
    let end = ends.into_iter().find(|end| !end.is_null());
    if let (Some(first), Some(last)) = (ledger.first(), ledger.last()) {
        assert_eq!((&first["since"], &last["until"]), (&milestone["started_at"], end.unwrap_or(as_of)), "{milestone}");
        assert_eq!(whole(last, "counted_so_far_ms"), sum(Some("counted")), "{milestone}");
    }
    if end.is_some() {
        for label in ["counted", "off_hours", "holiday", "paused", "gap"] {
            assert_eq!(sum(Some(label)), whole(milestone, &format!("{label}_ms")), "{label} of {milestone}");
        }
        assert_eq!(sum(None), whole(milestone, "elapsed_ms"), "{milestone}");
    }
    // The targets are read from other tables than `target_ms` comes from, and must end in it.
    let targets = milestone["targets"].as_array().unwrap();
    let last = targets.iter().rev().find(|step| !step["target_ms"].is_null());
    assert_eq!(last.map(|step| &step["target_ms"]), Some(&milestone["target_ms"]), "{milestone}");
}

/// Office hours in Prague over the clock change of March, a case that is not answered, and an event long after.
fn long_case() -> Project {
    let day = || json!([["09:00", "17:00"]]);
    let hours = json!({"mon": day(), "tue": day(), "wed": day(), "thu": day(), "fri": day()});
    let office = json!({"time_zone": "Europe/Prague", "hours": hours});
    let std = json!({"position": 1, "enabled": true, "calendar": "office",
                     "targets": {"medium": {"first_response": "1d 16h"}}});
    made_of(&[
        ("calendar.updated", "office", "2026-01-01T00:00:00Z", office),
        ("policy.updated", "std", "2026-01-01T00:00:00Z", std),
        ("case.created", "A", "2026-03-23T08:00:00Z", json!({"customer": "c", "platform": "x"})),
        ("case.created", "Z", "2026-04-03T14:30:00Z", json!({"customer": "d", "platform": "x"})),
    ])
}

#[test]
fn a_long_ledger_is_folded_but_for_its_ends_and_where_it_was_due() {
    let project = long_case();
    let folded = shown(&project, &["A", "--tz", "Europe/Prague"]);
    let expected = "\
first response 1, turn 1: overdue for 6d 22h 30m (1d 15h 30m of it counted)
    started     Mon 2026-03-23 09:00:00
    target      1d 16h for medium priority, by the version of 2026-01-01 01:00:00
    due         Fri 2026-03-27 17:00:00
    charged to  no agent: it was not assigned when it was due
    since                    label      status  for    counted so far
    Mon 2026-03-23 09:00:00  counted    new     8h     8h
    Mon 2026-03-23 17:00:00  off hours  new     16h    8h
    Tue 2026-03-24 09:00:00  counted    new     8h     16h
    … 5 more intervals: 16h counted, 2d off hours; counted so far 1d 8h
    Fri 2026-03-27 09:00:00  counted    new     8h     1d 16h
    Fri 2026-03-27 17:00:00  due, the target of 1d 16h is reached
    Fri 2026-03-27 17:00:00  off hours  new     2d 15h  1d 16h  (clocks go 1h forward)";
    let found = part(&folded, "first response 1");
    let squeezed =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(squeezed(found)[..13], squeezed(expected)[..], "{found}");
    let ends =
        "Fri 2026-04-03 16:30:00 as of here, not ended\n= 3d 7h 30m counted + 7d 23h off hours = 11d 6h 30m elapsed";
    assert!(squeezed(found).join("\n").ends_with(ends), "{found}");
    let full = shown(&project, &["A", "--full"]);
    assert!(!full.contains("more intervals"), "{full}");
    let intervals = |text: &str| text.lines().filter(|line| line.contains("  new     ")).count();
    assert!(intervals(part(&full, "first response 1")) == 19 && intervals(found) < 12, "{full}\n{found}");
    let object = as_json(&project, "A");
    assert_eq!(object["milestones"][0]["ledger"].as_array().unwrap().len(), 19);
}

#[test]
fn the_current_milestone_stands_on_top_in_its_colour() {
    let office = golden("02-office");
    let second = |text: &str| text.lines().nth(1).unwrap().to_owned();
    let coloured = |project: &Project, id: &str| second(&shown(project, &[id, "--color", "always"]));
    assert_eq!(second(&shown(&office, &["B2"])), "  assign: overdue for 2d 6h 45m, since Mon 2026-03-09 09:15:00");
    assert!(coloured(&office, "B2").contains("\u{1b}[31massign: overdue"), "{}", coloured(&office, "B2"));
    assert!(coloured(&office, "B").contains("\u{1b}[32mresolution: met"), "{}", coloured(&office, "B"));
    let desk = golden("07-desk");
    assert!(coloured(&desk, "H2").contains("\u{1b}[32mresolution: 4d 22h left, due Sat 2026-03-07 09:00:00\u{1b}[0m"));
    let gap = golden("06-gap");
    assert!(coloured(&gap, "F1").contains("\u{1b}[31mclosed: total resolution time 4h 40m, late\u{1b}[0m"));
    assert_eq!(as_json(&gap, "F1")["current_milestone"]["resolution_ms"], 4 * 3_600_000 + 40 * 60_000);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask_and_carries_no_meaning_alone() {
    let project = golden("02-office");
    let plain = shown(&project, &["B"]);
    assert!(!plain.contains('\u{1b}'), "a pipe is no terminal");
    let mut coloured = shown(&project, &["B", "--color", "always"]);
    assert!(coloured.contains('\u{1b}'));
    for code in ["0", "1", "31", "32", "90"] {
        coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(coloured, plain);
}

#[test]
fn settings_that_keep_targets_are_named_where_they_do() {
    let priority = |priority: &str| json!({"priority": priority});
    let targets = json!({"medium": {"first_response": "2h"}, "urgent": {"first_response": "1h"}});
    let project = made_of(&[
        ("settings.updated", "settings", "2026-01-01T00:00:00Z", json!({"sla": {"priority_change": "keep"}})),
        ("policy.updated", "p", "2026-01-01T00:00:00Z", json!({"position": 1, "enabled": true, "targets": targets})),
        ("case.created", "A", "2026-03-02T09:00:00Z", json!({"customer": "c", "platform": "x"})),
        ("case.priority_changed", "A", "2026-03-02T09:30:00Z", priority("urgent")),
        ("message.sent", "A", "2026-03-02T10:30:00Z", json!({"message": "m", "by": "ana"})),
    ]);
    let text = shown(&project, &["A"]);
    assert!(text.contains("09:30:00  priority medium → urgent: target 2h, kept by the settings\n"), "{text}");
    assert!(text.contains("first response 1, turn 1: met\n"), "{text}");
    assert_eq!(as_json(&project, "A")["milestones"][0]["targets"][1]["effect"], "kept");
}

#[test]
fn what_customers_write_neither_commands_the_terminal_nor_shows_unasked() {
    let project = made_of(&[(
        "case.created",
        "A",
        "2026-03-02T09:00:00Z",
        json!({"customer": "c\u{1b}[2J", "platform": "x", "text": "hidden \u{7} words"}),
    )]);
    let (text, object) = (shown(&project, &["A"]), shown(&project, &["A", "--format", "json"]));
    assert!(!text.contains('\u{1b}') && !text.contains("hidden") && !object.contains("hidden"), "{text}{object}");
    let with_text = shown(&project, &["A", "--with-text"]);
    assert!(with_text.contains("“hidden \\u{7} words”"), "{with_text}");
    assert!(shown(&project, &["A", "--with-text", "--format", "json"]).contains("hidden"));
}

#[test]
fn a_case_that_was_never_created_has_nothing_to_explain() {
    let project = golden("08-edges");
    assert!(shown(&project, &["nobody"]).starts_with("case nobody\nnever created; its events are listed below\n"));
    let object = as_json(&project, "nobody");
    assert_eq!((&object["case"], &object["policy"], &object["milestones"]), (&Value::Null, &Value::Null, &json!([])));
    assert_eq!(object["events"].as_array().unwrap().len(), 1);
}

#[test]
fn a_timeline_shows_every_member_of_every_type_of_event() {
    let lines = [
        (r#"customer.updated"#, r#"{"name":"Zoe","tier":1,"tags":["vip"]}"#, "zoe"),
        (
            "case.created",
            r#"{"customer":"zoe","profile":"fb","language":"en","fields":{"size":3},"text":"Hi","customer_name":"Zoe Q"}"#,
            "A",
        ),
        ("case.profile_assigned", r#"{"profile":"fb2","by":"ana"}"#, "A"),
        ("case.assigned", r#"{"agent":"ana","automatic":true}"#, "A"),
        ("case.unassigned", r#"{"by":"sue"}"#, "A"),
        ("case.priority_changed", r#"{"priority":"high"}"#, "A"),
        ("case.sentiment_changed", r#"{"sentiment":"negative"}"#, "A"),
        ("case.field_changed", r#"{"field":"size","value":["m","l"]}"#, "A"),
        ("case.field_changed", r#"{"field":"size","value":null}"#, "A"),
        ("message.received", r#"{"message":"m1","attachments":2,"text":"Broken"}"#, "A"),
        ("message.sent", r#"{"message":"m2","by":"robo","bot":true}"#, "A"),
        ("message.noted", r#"{"message":"m3","by":"ana","mentions":["ben","eva"]}"#, "A"),
        ("message.liked", r#"{"message":"m1","by":"ana"}"#, "A"),
        ("message.deleted", r#"{"message":"m1"}"#, "A"),
        ("survey.sent", r#"{"survey":"s1","kind":"nps"}"#, "A"),
        ("survey.answered", r#"{"survey":"s1","kind":"nps","score":9,"comment":"Fine"}"#, "A"),
        ("salesforce.linked", r#"{"record":"500","object":"case","token":"default"}"#, "A"),
        ("salesforce.status_changed", r#"{"record":"500","status":"Working"}"#, "A"),
        ("salesforce.connected", r#"{"sandbox":true}"#, "main"),
        ("customer.updated", r#"{"tier":2}"#, "zoe"),
        ("case.status_changed", r#"{"status":"done"}"#, "A"),
        ("case.closed", "{}", "A"),
    ];
    let event = |(number, (kind, data, subject)): (usize, &(&str, &str, &str))| {
        format!(
            r#"{{"id":"e{number:02}","source":"t","type":"{kind}","subject":"{subject}","time":"2026-05-04T09:{number:02}:00Z","data":{data}}}"#
        )
    };
    let project = Project::new();
    project.write("all.ndjson", lines.iter().enumerate().map(event).collect::<Vec<_>>().join("\n"));
    assert_eq!(project.ingest(&["all.ndjson"], 0)["added"], lines.len());
    let ran = project.run(&["case", "A", "--with-text"]);
    let (_, events) = ran.stdout.split_once("\nevents\n").unwrap();
    insta::assert_snapshot!(events);
    let without = project.run(&["case", "A"]).stdout;
    assert!(!without.contains("Fine") && !without.contains("Broken") && !without.contains("Zoe Q"), "{without}");
    assert_eq!(project.rows("SELECT case_id FROM events WHERE case_id IS NULL").len(), 3);
}
