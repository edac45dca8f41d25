//! The desk in the facts: its versions, the workload of its users, locks and surveys, and findings across cases.

use serde_json::{Value, json};

use crate::project::Project;

/// A project with one event a line: `HH:MM type subject data`, numbered in their order, on one day.
fn project(lines: &[&str]) -> Project {
    let project = Project::new();
    let line = |(number, line): (usize, &&str)| {
        let mut words = line.splitn(4, ' ');
        let (time, kind, subject) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let data: Value = serde_json::from_str(words.next().unwrap_or("{}")).unwrap();
        json!({"id": format!("e{number:03}"), "source": "t", "type": kind, "subject": subject,
               "time": format!("2026-03-02T{time}:00Z"), "data": data})
        .to_string()
    };
    project.write("events.ndjson", lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n"));
    let summary = project.ingest(&["events.ndjson"], 0);
    assert_eq!(summary["added"], lines.len());
    project
}

/// The rows of a query by the program, their values in the order of the columns; instants as `HH:MM`, nothing as `–`.
fn ask(project: &Project, sql: &str) -> Vec<String> {
    let ran = project.run(&["sql", sql, "--format", "csv"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = |cell: &String| match cell.strip_prefix("2026-03-02T") {
        Some(time) => time[..5].to_owned(),
        None if cell.is_empty() => "–".to_owned(),
        None => cell.clone(),
    };
    ran.stdout.lines().skip(1).map(|line| cells(line).iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cells.last_mut().unwrap().push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}

const DESK: &[&str] = &[
    r#"08:00 user.updated ana {"capacity":1,"auto_assign":true,"skills":["french"]}"#,
    r#"08:00 user.updated ben {"auto_assign":true,"groups":["vip"]}"#,
];

fn with_desk(lines: &[&'static str]) -> Project {
    project(&[DESK, lines].concat())
}

#[test]
fn over_capacity_compares_the_workload_just_before_the_event() {
    let found = |lines: &[&'static str]| {
        let created: Vec<&'static str> = vec![
            r#"09:00 case.created A {"customer":"a"}"#,
            r#"09:00 case.created B {"customer":"b"}"#,
            r#"09:00 case.created C {"customer":"c"}"#,
        ];
        let project = with_desk(&[&created, lines].concat());
        ask(&project, "SELECT case_id, time, detail FROM findings WHERE rule = 'over_capacity' ORDER BY time, case_id")
    };
    let automatic = r#"10:00 case.assigned B {"agent":"ana","automatic":true}"#;
    let manual = r#"10:00 case.assigned A {"agent":"ana"}"#;
    let full = ["B 10:00 `ana` had 1 open cases; the capacity is 1".to_owned()];
    let none: [String; 0] = [];
    // At one instant the events' ids decide.
    assert_eq!(found(&[manual, automatic]), full);
    assert_eq!(found(&[automatic, manual]), none);
    // The case of the event itself does not count, nor one that is resolved, deleted or unassigned by presence.
    assert_eq!(found(&[automatic]), none);
    assert_eq!(found(&[manual, r#"10:00 case.assigned A {"agent":"ben"}"#, automatic]), none);
    let done = r#"09:50 case.status_changed A {"status":"done"}"#;
    let early = r#"09:40 case.assigned A {"agent":"ana"}"#;
    assert_eq!(found(&[early, done, automatic]), none);
    assert_eq!(found(&[early, r#"10:00 case.status_changed A {"status":"done"}"#, automatic]), full);
    assert_eq!(found(&[early, "09:50 case.deleted A", automatic]), none);
    let offline = r#"10:00 user.presence_changed ana {"presence":"offline"}"#;
    let unassign = r#"08:00 settings.updated settings {"unassign_on":["offline"]}"#;
    assert_eq!(found(&[early, unassign, offline, automatic]), none);
    assert_eq!(found(&[early, offline, automatic]), full);
    // No finding where the user has the case already, or it is assigned by hand.
    assert_eq!(found(&[early, r#"10:00 case.assigned A {"agent":"ana","automatic":true}"#]), none);
    assert_eq!(found(&[early, r#"10:00 case.assigned B {"agent":"ana"}"#]), none);
    // The capacity is that of the instant; the log does not know the capacity of Zoe.
    assert_eq!(found(&[early, r#"10:00 user.updated ana {"capacity":2}"#, automatic]), none);
    assert_eq!(found(&[r#"10:00 user.updated ana {"capacity":0}"#, automatic]).len(), 1);
    assert_eq!(found(&[r#"10:00 case.assigned B {"agent":"zoe","automatic":true}"#]), none);
    // Two of three are too many; each is judged by the events before it.
    let three = ["A", "B", "C"].map(|case| format!(r#"10:00 case.assigned {case} {{"agent":"ana","automatic":true}}"#));
    let three = three.map(|line| &*Box::leak(line.into_boxed_str()));
    assert_eq!(
        found(&three),
        ["B 10:00 `ana` had 1 open cases; the capacity is 1", "C 10:00 `ana` had 2 open cases; the capacity is 1"]
    );
}

#[test]
fn findings_of_the_desk_have_no_case_and_settings_hide_them() {
    let project = project(&[
        r#"08:00 group.updated vip {"members":["zoe"]}"#,
        r#"08:10 settings.updated settings {"findings":{"unknown_reference":"hidden","not_permitted":"info"}}"#,
        r#"08:20 profile.updated fb {"calendar":"office","visible_to":["sue"]}"#,
        r#"08:30 case.created A {"customer":"a","profile":"fb","by":"ana"}"#,
        r#"08:40 view.updated v {"visibility":{"users":["sue"]}}"#,
    ]);
    assert_eq!(
        ask(&project, "SELECT time, type, case_id, rule, effect, severity, detail FROM findings ORDER BY time"),
        [
            "08:00 group.updated – unknown_reference applied warning the log does not know the user `zoe`",
            "08:20 profile.updated – unknown_reference applied hidden the log does not know the calendar `office`",
            "08:30 case.created A not_permitted applied info the profile `fb` is not visible to `ana`",
            "08:40 view.updated – unknown_reference applied hidden the log does not know the user `sue`",
        ]
    );
    let summary = project.run(&["replay", "--full", "--summary", "json"]).summary(0);
    assert_eq!(summary["findings"], 2, "those that are shown");
}

#[test]
fn everything_of_the_desk_is_a_table_of_versions() {
    let project = project(&[
        r#"08:00 calendar.updated office {"time_zone":"Europe/Prague","hours":{"mon":[["13:00","17:30"],["09:00","12:00"]],"tue":[]},"holidays":[{"date":"2026-12-24","name":"Eve","hours":[["09:00","24:00"]]},{"date":"2026-12-25"}]}"#,
        r#"08:00 policy.updated p {"name":"Premium","position":2,"enabled":true,"conditions":{"text":{"any":["refund"]},"sentiment":["negative"]},"targets":{"urgent":{"assign":"90m","resolution":"1d"},"low":{}},"calendar":"office","pause_on":["on_hold"]}"#,
        r#"08:30 policy.updated p {"position":3,"targets":{"low":{"assign":"1m"}}}"#,
        r#"08:00 user.updated ana {"groups":["vip"]}"#,
        r#"08:10 group.updated vip {"name":"VIP","skills":["refunds"],"profiles":["fb"]}"#,
        r#"08:00 field.updated tier {"name":"Tier","kind":"single","values":["gold"],"visibility":"read_only","position":1}"#,
        r#"08:20 field.updated tier {"enabled":true,"mandatory":true}"#,
        r#"08:00 settings.updated settings {"grace_period":"2d","unassign_on":["offline"],"transitions":{"assign":false},"sla":{"policy_edit":"keep"}}"#,
        r#"08:20 settings.updated settings {"grace_period":null,"default_calendar":"office","findings":{"reply_by_other":"info"}}"#,
        r#"08:40 policy.removed p"#,
        r#"08:40 group.removed vip"#,
        r#"08:40 field.removed tier"#,
    ]);
    let all = |table: &str| ask(&project, &format!("SELECT * FROM {table} ORDER BY since"));
    assert_eq!(
        all("policies"),
        [
            r#"p 08:00 08:30 Premium 2 true {"text":{"any":["refund"]},"sentiment":["negative"]} {"urgent":{"assign":"1h 30m","resolution":"1d"}} office ["on_hold"]"#,
            r#"p 08:30 08:40 p 3 false {} {"low":{"assign":"1m"}} – []"#,
        ]
    );
    assert_eq!(
        all("calendars"),
        [
            r#"office 08:00 – Europe/Prague {"mon":[["09:00","12:00"],["13:00","17:30"]]} [{"date":"2026-12-24","name":"Eve","hours":[["09:00","24:00"]]},{"date":"2026-12-25"}]"#
        ]
    );
    assert_eq!(all("groups"), [r#"vip 08:10 08:40 VIP ["ana"] ["refunds"] ["fb"]"#]);
    assert_eq!(
        all("fields"),
        [
            r#"tier 08:00 08:20 Tier single ["gold"] read_only false false 1"#,
            r#"tier 08:20 08:40 Tier single ["gold"] read_only true true 1"#,
        ]
    );
    assert_eq!(
        all("settings"),
        [
            r#"08:00 08:20 172800000 {} ["offline"] – {"assign":false,"unassign":true,"customer_reply":true} {"priority_change":"retarget","policy_edit":"keep"} {}"#,
            r#"08:20 – – {} ["offline"] office {"assign":false,"unassign":true,"customer_reply":true} {"priority_change":"retarget","policy_edit":"keep"} {"reply_by_other":"info"}"#,
        ]
    );
    // Names that are words of SQL are quoted, as in the README.
    let quoted = project.run(&["sql", r#"SELECT "group", since FROM groups"#, "--format", "csv"]);
    assert_eq!(
        (quoted.code, quoted.stdout.lines().nth(1)),
        (0, Some("vip,2026-03-02T08:10:00.000Z")),
        "{}",
        quoted.stderr
    );
}

#[test]
fn customers_have_versions_that_merge_what_each_event_states() {
    let project = project(&[
        r#"08:00 customer.updated zoe {"name":"Zoe","address":{"city":"Prague"}}"#,
        r#"08:10 customer.updated zoe {"address":{"street":"Long"}}"#,
        r#"08:20 customer.updated zoe {"name":"Zoe"}"#,
        r#"08:05 customer.updated ann {"tier":1}"#,
        r#"08:00 customer.updated bob {}"#,
    ]);
    assert_eq!(
        ask(&project, "SELECT * FROM customers ORDER BY customer, since"),
        [
            r#"ann 08:05 – – {"tier":1}"#,
            "bob 08:00 – – {}",
            r#"zoe 08:00 08:10 Zoe {"address":{"city":"Prague"},"name":"Zoe"}"#,
            r#"zoe 08:10 – Zoe {"address":{"city":"Prague","street":"Long"},"name":"Zoe"}"#,
        ]
    );
}

#[test]
fn surveys_have_their_last_answer_and_the_assignee_when_they_were_sent() {
    let project = with_desk(&[
        r#"09:00 case.created A {"customer":"a"}"#,
        r#"09:10 case.assigned A {"agent":"ana"}"#,
        r#"09:20 survey.sent A {"survey":"s1","kind":"csat"}"#,
        r#"09:30 case.assigned A {"agent":"ben"}"#,
        r#"09:40 survey.answered A {"survey":"s1","kind":"csat","score":2,"comment":"slow"}"#,
        r#"09:50 survey.answered A {"survey":"s1","kind":"csat","score":4.5}"#,
        r#"09:55 survey.answered A {"survey":"s2","kind":"nps","score":9,"comment":"fine"}"#,
    ]);
    assert_eq!(
        ask(&project, "SELECT * FROM surveys ORDER BY survey"),
        ["A s1 csat 4.5 – 09:50 ana", "A s2 nps 9.0 fine 09:55 –"]
    );
    assert_eq!(ask(&project, "SELECT survey_score FROM cases"), ["9.0"]);
}

#[test]
fn an_escalated_message_is_locked_until_its_case_is_closed() {
    let project = project(&[
        r#"08:00 settings.updated settings {"grace_period":"1h"}"#,
        r#"09:00 case.created A {"customer":"a","message":"m-a"}"#,
        r#"09:00 case.created B {"customer":"b","message":"m-b"}"#,
        r#"09:00 case.created C {"customer":"c"}"#,
        r#"09:00 case.created D {"customer":"d","message":"m-d"}"#,
        r#"10:00 case.status_changed A {"status":"done"}"#,
        r#"12:00 case.status_changed A {"status":"open"}"#,
        r#"10:00 case.status_changed B {"status":"done"}"#,
        r#"10:30 case.deleted D"#,
    ]);
    assert_eq!(
        ask(&project, "SELECT * FROM community_locks ORDER BY message, since"),
        ["m-a A 09:00 11:00", "m-a A 12:00 –", "m-b B 09:00 11:00", "m-d D 09:00 10:30"]
    );
}

#[test]
fn workload_is_shown_beside_the_capacity_of_the_time() {
    let project = with_desk(&[
        r#"09:00 case.created A {"customer":"a"}"#,
        r#"09:00 case.created B {"customer":"b"}"#,
        r#"09:00 case.created C {"customer":"c"}"#,
        r#"10:00 case.assigned A {"agent":"ana"}"#,
        r#"10:10 case.assigned B {"agent":"ana"}"#,
        r#"10:20 user.updated ana {"capacity":2}"#,
        r#"10:25 user.updated ana {"name":"Ana"}"#,
        r#"10:30 case.status_changed B {"status":"done"}"#,
        r#"10:30 case.assigned C {"agent":"ana"}"#,
        r#"10:40 case.deleted A"#,
        r#"10:50 user.removed ana"#,
        r#"11:00 case.assigned C {"agent":"zoe"}"#,
    ]);
    assert_eq!(
        ask(&project, r#"SELECT * FROM workload WHERE "user" <> 'ben' ORDER BY "user", since"#),
        [
            "ana 08:00 10:00 0 1 0/1 green",
            "ana 10:00 10:10 1 1 1/1 black",
            "ana 10:10 10:20 2 1 2/1 red",
            "ana 10:20 10:40 2 2 2/2 black",
            "ana 10:40 10:50 1 2 1/2 black",
            "zoe 11:00 – 1 – – –",
        ]
    );
    let listed = project.run(&["sql", "\\d", "--format", "csv"]).stdout;
    assert!(listed.contains("workload,one row per time of unchanged workload and capacity of a user\n"), "{listed}");
}

#[test]
fn users_have_their_own_skills_and_those_of_their_groups() {
    let project = with_desk(&[
        r#"09:00 group.updated vip {"skills":["refunds"]}"#,
        r#"09:10 user.updated ana {"name":"Ana","groups":["vip"]}"#,
        r#"09:20 user.updated ben {"groups":[],"skills":["french"]}"#,
        r#"09:30 group.updated vip {"name":"VIP"}"#,
        r#"09:40 skill.removed french"#,
        r#"09:50 user.updated ben {"skills":["french"]}"#,
        r#"10:00 group.removed vip"#,
    ]);
    assert_eq!(
        ask(&project, r#"SELECT * FROM user_skills ORDER BY "user", since"#),
        [
            "ana 08:00 09:40 french –",
            "ana 09:10 10:00 refunds vip",
            "ben 09:00 09:20 refunds vip",
            "ben 09:20 09:40 french –",
            "ben 09:50 – french –",
        ]
    );
}
