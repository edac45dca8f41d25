//! `apply`: a file that states a desk, compared with the log.

use std::path::Path;

use casebook::apply::file;
use casebook::apply::plan::Plan;
use casebook::apply::state::DeskEvent;
use casebook::model::time::Instant;
use serde_json::{Value, json};

use crate::project::{Project, Ran, of_repository};

/// A project whose log holds those events about the desk.
fn project(events: &[(&str, &str, &str, Value)]) -> Project {
    let project = Project::new();
    let line = |(number, (time, kind, subject, data)): (usize, &(&str, &str, &str, Value))| {
        let event = json!({
            "id": number.to_string(), "source": "z", "type": kind, "subject": subject, "time": time, "data": data,
        });
        format!("{event}\n")
    };
    project.write("events.ndjson", events.iter().enumerate().map(line).collect::<String>());
    if !events.is_empty() {
        project.ingest(&["events.ndjson"], 0);
    }
    project
}

fn apply(project: &Project, toml: &str, flags: &[&str]) -> Ran {
    project.write("desk.toml", toml);
    project.run(&[&["apply", "desk.toml"], flags].concat())
}

const ANA: &str = "2026-03-01T00:00:00Z";

fn ana() -> (&'static str, &'static str, &'static str, Value) {
    (
        ANA,
        "user.updated",
        "ana",
        json!({"name": "Ana", "team": "north", "capacity": 4, "skills": ["french", "refunds"]}),
    )
}

#[test]
fn the_example_applies_and_a_second_time_changes_nothing() {
    let project = Project::new();
    let example = of_repository("data/desk.toml");
    let example = example.to_str().unwrap();
    let first = project.run(&["apply", example, "--yes", "--format", "json"]).summary(0);
    assert_eq!((&first["applied"], &first["quarantined"], &first["warnings"]), (&json!(true), &json!(0), &json!([])));
    assert_eq!(first["added"], first["changes"].as_array().unwrap().len());
    for flag in ["--yes", "--dry-run"] {
        let second = project.run(&["apply", example, flag, "--format", "json"]).summary(0);
        assert_eq!((&second["added"], &second["changes"]), (&json!(0), &json!([])), "{flag}");
    }
    let capacities = project.rows("SELECT user, capacity FROM users WHERE NOT bot ORDER BY user");
    let capacities: Vec<String> = capacities.iter().map(|row| format!("{} {}", row["user"], row["capacity"])).collect();
    assert_eq!(capacities, ["\"ana\" 6", "\"ben\" 5", "\"helena\" 5", "\"luz\" 8"]);
}

#[test]
fn a_difference_is_shown_member_by_member_and_written_only_with_yes() {
    let policy = json!({
        "name": "Premium", "position": 1, "enabled": true, "calendar": "office",
        "targets": {"urgent": {"assign": "15m", "first_response": "1h"}, "low": {"assign": null, "resolution": "1d"}},
    });
    let calendar = json!({"time_zone": "UTC", "hours": {"mon": [["09:00", "17:00"]]}, "holidays": [
        {"date": "2026-12-24", "name": "Christmas Eve"}, {"date": "2026-12-25"},
    ]});
    let project =
        project(&[ana(), (ANA, "policy.updated", "premium", policy), (ANA, "calendar.updated", "office", calendar)]);
    let text = r#"
[users.ana]
capacity = 4                      # as it is
skills = ["refunds", "french"]    # as they are, in another order
role = "agent"                    # as it is by default
auto_assign = true
[users.zoe]
name = "Zoe"
[policies.premium]
name = "Premium"
position = 1.0
enabled = true
calendar = "office"
targets = { urgent = { assign = "15m", first_response = "30m" }, low = { resolution = "1d" } }
[calendars.office]
time_zone = "UTC"
hours = { mon = [["09:00", "17:00"]], tue = [["09:00", "12:00"], ["13:00", "17:00"]] }
holidays = [{ date = 2026-12-24, name = "Christmas Eve", hours = [["09:00", "12:00"]] }, { date = "2026-12-26" }]
"#;
    let shown = "\
calendar office, changed
  hours.tue: closed → 09:00–12:00, 13:00–17:00
  holidays.2026-12-24: Christmas Eve, closed → Christmas Eve, 09:00–12:00
  holidays.2026-12-25: closed → none
  holidays.2026-12-26: none → closed
policy premium, changed
  targets.urgent.first_response: 1h → 30m
user ana, changed
  auto_assign: false → true
user zoe, new
  name: Zoe
";
    let plain = apply(&project, text, &[]);
    assert_eq!((plain.code, plain.stdout.as_str()), (0, shown), "{}", plain.stderr);
    assert!(plain.stderr.ends_with("nothing was written\nhint: add `--yes` to carry it out\n"), "{}", plain.stderr);
    let check = apply(&project, text, &["--dry-run"]);
    assert_eq!((check.code, check.stdout.as_str()), (1, shown), "{}", check.stderr);
    assert_eq!(project.value("SELECT count(*) FROM events"), 3);

    let done = apply(&project, text, &["--yes"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, shown));
    assert!(done.stderr.contains("\nread 4, added 4, duplicates 0, "), "{}", done.stderr);
    // The event of a user states only what differs.
    let data = project.value("SELECT data FROM events WHERE source = 'apply' AND subject = 'ana'");
    assert_eq!(data, r#"{"auto_assign":true}"#);
    let again = apply(&project, text, &["--dry-run"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""));
    assert!(again.stderr.starts_with("nothing to change: all 4 things"), "{}", again.stderr);
}

#[test]
fn a_difference_that_is_only_shown_makes_no_store_and_yes_excludes_dry_run() {
    let project = Project::new();
    assert_eq!(apply(&project, "[users.ana]\n", &[]).code, 0);
    assert_eq!(apply(&project, "[users.ana]\n", &["--dry-run"]).code, 1);
    assert!(!project.path("store").exists());
    assert_eq!(apply(&project, "[users.ana]\n", &["--yes", "--dry-run"]).code, 2);
    assert_eq!(project.run(&["apply", "nowhere.toml"]).code, 2);
    assert!(apply(&project, "", &["--dry-run"]).stderr.starts_with("nothing to change: the file states nothing"));
}

#[test]
fn a_change_in_the_past_is_compared_with_the_state_at_that_time_and_later_events_are_named() {
    let project = project(&[
        ana(),
        ("2026-03-10T00:00:00Z", "user.updated", "ana", json!({"capacity": 9})),
        ("2026-03-20T00:00:00Z", "user.updated", "ana", json!({"team": "south"})),
    ]);
    let text = "\n[users.ana]\nteam = \"east\"\ncapacity = 4\n";
    let at = ["--at", "2026-03-05", "--tz", "Europe/Prague", "--yes"];
    let past = apply(&project, text, &at);
    assert_eq!((past.code, past.stdout.as_str()), (0, "user ana, changed\n  team: north → east\n"));
    let warning = "warning: desk.toml:2: user `ana`, `team`: the log has a `user.updated` at 2026-03-20T00:00:00.000Z; \
                   what is applied holds until then\n";
    assert!(past.stderr.starts_with(warning), "{}", past.stderr);
    let time = project.value("SELECT time FROM events WHERE source = 'apply'");
    assert_eq!(time, "2026-03-04T23:00:00.000Z");
    let again = apply(&project, text, &at);
    assert!(again.stderr.contains("nothing to change"), "{}", again.stderr);
    // At the end of the log both differ.
    let now = apply(&project, text, &[]);
    assert_eq!(now.stdout, "user ana, changed\n  team: south → east\n  capacity: 9 → 4\n");
    for malformed in ["yesterday", "2026-02-30", "2026-03-05T10:00:00", "1969-01-01"] {
        let ran = apply(&project, text, &["--at", malformed]);
        assert!(ran.code == 2 && ran.stderr.starts_with("error: --at: `"), "{malformed}: {}", ran.stderr);
    }
}

#[test]
fn what_is_applied_at_the_instant_of_another_event_comes_after_it() {
    let project = project(&[ana()]);
    let text = "[users.ana]\nteam = \"south\"\n";
    assert_eq!(apply(&project, text, &["--at", ANA, "--yes"]).code, 0);
    assert_eq!(project.value("SELECT team FROM users WHERE user = 'ana'"), "south");
    assert!(apply(&project, text, &["--at", ANA]).stderr.starts_with("nothing to change"));
    // The other way, and back again: each is an event of its own.
    for team in ["west", "south"] {
        let text = format!("[users.ana]\nteam = \"{team}\"\n");
        let summary = apply(&project, &text, &["--at", ANA, "--yes", "--format", "json"]).summary(0);
        assert_eq!((&summary["added"], &summary["duplicates"]), (&json!(1), &json!(0)));
        assert_eq!(project.value("SELECT team FROM users WHERE user = 'ana'"), team);
    }
}

#[test]
fn removals_and_cleared_members_are_shown() {
    let project = project(&[
        ana(),
        (ANA, "user.updated", "ben", json!({"skills": ["french"]})),
        (ANA, "skill.updated", "french", json!({})),
        (ANA, "settings.updated", "settings", json!({"grace_period": "1h", "default_calendar": "office"})),
    ]);
    let text = r#"
[users.ana]
clear = ["team"]
skills = ["french", "refunds"]    # which the removal takes, and this gives back
[users.ben]
remove = true
[users.unknown]
remove = true
[skills.french]
remove = true
[settings]
clear = ["grace_period"]
"#;
    let ran = apply(&project, text, &["--yes"]);
    let shown = "\
skill french, removed
  it is taken from every user and group
user ben, removed
  all cases assigned to them become unassigned
settings, changed
  grace_period: 1h → none
user ana, changed
  team: north → none
  skills: refunds → french, refunds
";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, shown), "{}", ran.stderr);
    let row = &project.rows("SELECT team, until FROM users WHERE user = 'ana' ORDER BY since DESC LIMIT 1")[0];
    assert_eq!((&row["team"], &row["until"]), (&Value::Null, &Value::Null));
    assert_eq!(project.value("SELECT count(*) FROM users WHERE user = 'ben' AND until IS NULL"), 0);
    assert!(apply(&project, text, &["--yes"]).stderr.starts_with("nothing to change"));
}

#[test]
fn unknown_names_are_a_warning() {
    let project = project(&[(ANA, "calendar.updated", "office", json!({"time_zone": "UTC", "hours": {}}))]);
    let text = r#"
[profiles.acme-fb]
calendar = "ofice"
[policies.standard]
position = 1
calendar = "office"
conditions.profile = ["acme-fb", "acme-x"]
targets.low.resolution = "1d"
"#;
    let ran = apply(&project, text, &["--yes"]);
    let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        warnings,
        [
            "warning: desk.toml:4: policy `standard`, `conditions.profile`: neither the log nor the file knows a \
             profile `acme-x`; did you mean `acme-fb`?",
            "warning: desk.toml:2: profile `acme-fb`, `calendar`: neither the log nor the file knows a calendar \
             `ofice`; did you mean `office`?",
            "warning: desk.toml:4: policy `standard` gets no cases: it does not say `enabled = true`",
        ]
    );
}

/// The errors of a file: `line: text / hint`.
fn errors(text: &str) -> Vec<String> {
    let errors = file::read(Path::new("f"), text).unwrap_err();
    let text = |error: &casebook::error::Error| {
        let hint = error.hint().map_or_else(String::new, |hint| format!(" / {hint}"));
        format!("{error}{hint}").replacen("f:", "", 1)
    };
    errors.iter().map(text).collect()
}

#[test]
fn a_refused_policy_is_named_with_its_priority_and_the_rule() {
    let policy = |rest: &str| format!("[policies.premium]\nname = \"Premium\"\nposition = 1\n{rest}");
    let cases: [(&str, &[&str]); 6] = [
        (
            "[policies.premium.targets.urgent]\nresolution = \"1h\"\nfirst_response = \"1h\"\nassign = \"2h\"",
            &[
                "5: policy \"Premium\", urgent: resolution (1h) must be longer than first response (1h)",
                "7: policy \"Premium\", urgent: assign (2h) must be shorter than first response (1h)",
            ],
        ),
        (
            "pause_on = [\"done\"]\ntargets.low = { assign = \"0m\", resolution = \"90 min\" }",
            &[
                "4: policy \"Premium\": `pause_on` names open statuses (new, open, pending, on_hold), found `done`",
                "5: policy \"Premium\", low, assign: a target must be more than zero, found `0m`",
                "5: policy \"Premium\", low, resolution: `90 min` is not a duration such as `1d 12h 30m`",
            ],
        ),
        ("", &["1: policy \"Premium\": no milestone is enabled in the whole policy"]),
        (
            "targets.top.assign = \"1h\"\ntargets.low.assign = \"1h\"",
            &["4: `policies.premium.targets`: unknown key `top`, expected one of `urgent`, `high`, `medium`, `low`"],
        ),
        (
            "targets.low.assign = 15",
            &["4: policy \"Premium\", low: `assign` must be a duration such as `1h 30m`, found a number"],
        ),
        (
            "conditions.sentiment = [\"angry\"]\ntargets.low.assign = \"1h\"",
            &["4: policy \"Premium\": `sentiment` is one of positive, negative, neutral, none, found `angry`"],
        ),
    ];
    for (rest, expected) in cases {
        let mut found = errors(&policy(rest));
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{rest}");
    }
    let nameless = errors("[policies.gold]\ntargets.low = { assign = \"2h\", first_response = \"1h\" }");
    assert_eq!(
        nameless,
        [
            "1: policy \"gold\": `position` is needed",
            "2: policy \"gold\", low: assign (2h) must be shorter than first response (1h)",
        ]
    );

    let project = Project::new();
    let ran = apply(&project, &policy("targets.low = { assign = \"2h\", first_response = \"1h\" }"), &["--yes"]);
    let refusal = "error: desk.toml:4: policy \"Premium\", low: assign (2h) must be shorter than first response (1h)\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", refusal));
    assert!(!project.path("store").exists());
}

#[test]
fn all_errors_are_reported_at_once_each_at_its_line() {
    let cases: [(&str, &[&str]); 20] = [
        (
            "\n[polices.x]\n",
            &[
                "2: unknown key `polices`, expected one of `calendars`, `settings`, `policies`, `skills`, `fields`, `groups`, \
             `users`, `profiles` / did you mean `policies`?",
            ],
        ),
        (
            "[users.ana]\nname = \"Ana\"\ncapcity = 3\nrole = \"boss\"\nskills = [\"a\", 3]",
            &[
                "3: `users.ana`: unknown key `capcity`, expected one of `name`, `email`, `role`, `team`, `capacity`, \
             `auto_assign`, `bot`, `skills`, `groups`, `remove`, `clear` / did you mean `capacity`?",
                "4: user `ana`: `role` must be one of agent, supervisor, admin, none, found `boss`",
                "5: user `ana`: `skills` must be a list of texts, found a list",
            ],
        ),
        (
            "[settings]\ngrace_period = \"3x\"\n[settings.findings]\nreply_by_othr = \"info\"\nunknown_user = \"loud\"",
            &[
                "2: settings: grace_period: `3x` is not a duration such as `1d 12h 30m`",
                "4: `settings.findings`: unknown key `reply_by_othr` / did you mean `reply_by_other`?",
                "5: settings: `unknown_user` must be one of hidden, info, warning, found `loud`",
            ],
        ),
        (
            "[calendars.office]\nholidays = [\n{ date = 2026-12-24, nam = \"x\" },\n{ date = 2026-12-25T10:00:00Z },\n]",
            &[
                "1: calendar `office`: `time_zone` is needed",
                "1: calendar `office`: `hours` is needed",
                "3: `calendars.office.holidays`: unknown key `nam`, expected one of `date`, `name`, `hours` / \
             did you mean `name`?",
                "4: `calendars.office.holidays.date`: must be a day, found a time / write it like 2026-12-24",
            ],
        ),
        (
            "[calendars.c]\ntime_zone = \"Mars\"\nhours.mon = [\n[\"09:00\", \"12:00\"],\n[\"11:00\", \"13:00\"]]",
            &[
                "2: calendar `c`: `Mars` is not a time zone such as `Europe/Prague`",
                "4: calendar `c`, mon: the hours of one day overlap",
            ],
        ),
        (
            "[users.ana]\nname = 2026-12-24",
            &["2: `users.ana.name`: found a date or time / put it in quotes, such as \"09:00\""],
        ),
        (
            "[users]\nana = true",
            &["2: `users.ana` must be a table, found a flag / write `[users.ana]` above its members"],
        ),
        (
            "[users.ana]\nclear = [\"name\", \"team\"]\nteam = \"x\"",
            &[
                "2: `users.ana`: \"name\" cannot be cleared; only `team` can be",
                "2: `users.ana`: `team` is both stated and cleared",
            ],
        ),
        (
            "[policies.p]\nclear = [\"calendar\"]\nposition = 1\ntargets.low.assign = \"1h\"",
            &["2: `policies.p`: \"calendar\" cannot be cleared; nothing of policies can be"],
        ),
        (
            "[users.ben]\nremove = true\nname = \"Ben\"",
            &["3: `users.ben` is to be removed and has members / leave out either `remove` or the members"],
        ),
        (
            "[calendars.office]\nremove = true",
            &["2: `calendars.office`: no event removes calendars / \
             leave it out; what the file does not name stays as it is"],
        ),
        (
            "[groups.vip]\nmembers = []\n[users.ana]\ngroups = [\"vip\"]",
            &[
                "3: `users.ana` and `groups.vip` contradict each other: `groups` names the group, `members` does not name \
             the user / state it at one of them only; `groups.vip` is in line 1",
            ],
        ),
        ("[users.ana]\nname = \"Ana\nteam = 3", &["2: invalid basic string, expected `\"`"]),
        (
            "[policies.p]\nposition = 1\nenabled = true\npause_on = [\"pending\", \"on-hold\"]\ncalendar = \"offise\"\n\
             [policies.p.targets]\nmedium = { first_response = \"1h 30m\" }",
            &["4: policy \"p\": `pause_on` names open statuses (new, open, pending, on_hold), found `on-hold`"],
        ),
        (
            "[policies.p]\nposition = \"1\"\nenabled = 1\npause_on = \"new\"\n[policies.p.conditions]\nprofile = [\n\"a\",\n\"a\"]\n\
             text = { any = [\"x\", \"x\"] }\nsentiment = [\"angry\", \"negative\", \"sad\"]\n[policies.p.targets]\nlow.assign = \"0m\"",
            &[
                "2: policy \"p\": `position` must be a whole number",
                "3: policy \"p\": `enabled` must be true or false",
                "4: policy \"p\": `pause_on` must be a list of texts",
                "8: policy \"p\": `profile` lists `a` twice",
                "9: policy \"p\": `text.any` lists `x` twice",
                "10: policy \"p\": `sentiment` is one of positive, negative, neutral, none, found `angry`",
                "10: policy \"p\": `sentiment` is one of positive, negative, neutral, none, found `sad`",
                "12: policy \"p\", low, assign: a target must be more than zero, found `0m`",
            ],
        ),
        (
            "[calendars.c]\ntime_zone = \"UTC\"\nhours = {}\nholidays = [\n{ date = 2026-12-25, name = \"Christmas\" },\n\
             { date = \"2026-13-01\" },\n{ date = 2026-12-25, hours = [[\"09:00\", \"10:00\"]] },\n{ name = \"no date\" }]",
            &[
                "6: calendar `c`: `2026-13-01` is not a date such as 2026-12-24",
                "7: calendar `c`: `holidays` lists 2026-12-25 twice",
                "8: calendar `c`: `holidays` must be a list of objects with a `date`",
            ],
        ),
        (
            "[calendars.c]\ntime_zone = \"UTC\"\nhours = {}\n[[calendars.c.holidays]]\ndate = 2026-12-25\n[[calendars.c.holidays]]\n\
             date = 2026-12-25",
            &["6: calendar `c`: `holidays` lists 2026-12-25 twice"],
        ),
        (
            "[calendars.night]\ntime_zone = \"Europe/Prague\"\n[calendars.night.hours]\nmon = [[\"22:00\", \"06:00\"]]\n\
             tue = [[\"8:00\", \"12:00\"], [\"13:00\"]]",
            &[
                "4: calendar `night`, mon: hours must end after they begin, before midnight; split at 24:00: \
                 [\"22:00\", \"24:00\"] on mon and [\"00:00\", \"06:00\"] on tue",
                "5: calendar `night`, tue: hours must be pairs such as [\"09:00\",\"17:00\"]",
                "5: calendar `night`, tue: hours must be pairs such as [\"09:00\",\"17:00\"]",
            ],
        ),
        (
            "[users.ana]\nskills = [\"french\", \"french\"]\nclear = [\"team\", \"team\"]\n[groups.vip]\nmembers = [\n\"ana\",\n\"ana\"]",
            &[
                "2: user `ana`: `skills` lists `french` twice",
                "3: `users.ana`: `clear` lists `team` twice",
                "7: group `vip`: `members` lists `ana` twice",
            ],
        ),
        (
            "[settings]\nunassign_on = [\"away\", \"away\"]\n[settings.transitions]\nassign = 1\nunassign = \"no\"",
            &[
                "2: settings: `unassign_on` lists `away` twice",
                "4: settings: `transitions.assign` must be true or false, found a number",
                "5: settings: `transitions.unassign` must be true or false, found a text",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), expected, "{text}");
    }
    let ran = apply(&Project::new(), "[users.ana]\nbot = 1\nrole = 2\n", &["--yes"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.ends_with("error: desk.toml has 2 errors; nothing was applied\n"), "{}", ran.stderr);
}

#[test]
fn an_event_that_lists_a_value_twice_is_quarantined() {
    let calendar = r#"{"time_zone":"UTC","hours":{"fri":[["09:00","17:00"]]},"holidays":[{"date":"2026-12-25"},{"date":"2026-12-25","hours":[["09:00","10:00"]]}]}"#;
    let night = r#"{"time_zone":"UTC","hours":{"mon":[["22:00","06:00"]]}}"#;
    let policy = r#"{"position":1,"targets":{"low":{"assign":"1h"}},"pause_on":["pending","pending"]}"#;
    let events = [
        ("calendar.updated", "c", calendar),
        ("calendar.updated", "night", night),
        ("policy.updated", "p", policy),
        ("user.updated", "ana", r#"{"skills":["french","french"]}"#),
        ("user.updated", "ben", r#"{"skills":["french"]}"#),
    ];
    let line = |(id, (kind, subject, data)): (usize, &(&str, &str, &str))| {
        format!(
            r#"{{"id":"{id}","source":"s","type":"{kind}","subject":"{subject}","time":"1970-01-01T00:00:00Z","data":{data}}}"#
        )
    };
    let project = Project::new();
    project.write("events.ndjson", events.iter().enumerate().map(line).collect::<Vec<_>>().join("\n"));
    let summary = project.ingest(&["events.ndjson"], 1);
    assert_eq!((&summary["added"], &summary["quarantined"]), (&json!(1), &json!(4)));
    let listed = project.run(&["quarantine", "list", "--format", "json"]).stdout;
    let rows: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let rules: Vec<Value> = rows.iter().map(|row| json!([row["line"], row["rule"]])).collect();
    let expected = [
        json!([1, "listed_twice"]),
        json!([2, "overlapping_hours"]),
        json!([3, "listed_twice"]),
        json!([4, "listed_twice"]),
    ];
    assert_eq!(rules, expected);
    for detail in ["`holidays` lists 2026-12-25 twice", "split at 24:00", "`skills` lists `french` twice"] {
        assert!(listed.contains(detail), "{listed}");
    }
}

const FILES: &[&str] = &[
    "[users.ana]\nteam = \"a\"\ngroups = [\"vip\", \"shop\"]\nskills = [\"french\"]\n[groups.vip]\nname = \"VIP\"",
    "[groups.vip]\nmembers = [\"ben\"]\nskills = [\"french\"]\n[users.ben]\ngroups = [\"vip\"]\n[users.ana]\nclear = [\"team\"]",
    "[users.ana]\nremove = true\n[groups.shop]\nmembers = [\"ana\", \"ben\"]\n[skills.french]",
    "[skills.french]\nremove = true\n[users.ana]\nskills = [\"french\"]\n[groups.vip]\nremove = true",
    "[groups.vip]\nmembers = [\"ana\"]\n[users.ben]\nremove = true\n[users.ana]\nname = \"A\"\ncapacity = 5\nbot = false",
    "[settings]\ngrace_period = \"1h\"\ntransitions = { assign = false }\nfindings = { unknown_user = \"info\" }\n\
     [policies.p]\nposition = 1\ntargets.low.assign = \"1h\"\n[fields.f]\nkind = \"text\"\nenabled = false",
    "[settings]\nclear = [\"grace_period\"]\ntransitions = { unassign = false, assign = true }\nsla.policy_edit = \"keep\"\n\
     [policies.p]\nposition = 1\nenabled = true\ntargets.low = { assign = \"60m\" }\n[fields.f]\nvalues = [\"b\", \"a\"]",
    "[policies.p]\nremove = true\n[fields.f]\nremove = true\n[calendars.c]\ntime_zone = \"UTC\"\nhours = {}",
];

/// The law: after a file is applied, nothing differs from it, whatever was there before.
#[test]
fn whatever_was_there_a_file_applied_twice_changes_nothing_the_second_time() {
    let read = |text: &str| file::read(Path::new("f"), text).unwrap();
    let carry_out = |text: &str, events: &mut Vec<DeskEvent>, at: i64| {
        let plan = Plan::new(&read(text), events, Instant(at));
        plan.lines(Path::new("f")).unwrap();
        let stated = plan.changes.iter().zip(0..).map(|(change, sequence)| DeskEvent {
            time: plan.at,
            sequence,
            kind: change.event,
            subject: change.subject.clone(),
            data: change.data.clone(),
        });
        events.extend(stated);
    };
    for first in FILES {
        for second in FILES {
            for third in FILES {
                let mut events = Vec::new();
                for (text, at) in [first, second, third].into_iter().zip(1..) {
                    carry_out(text, &mut events, at);
                    let again = Plan::new(&read(text), &events, Instant(9));
                    assert_eq!(again.changes, [], "after {first}\nthen {second}\nthen {third}");
                }
            }
        }
    }
}
