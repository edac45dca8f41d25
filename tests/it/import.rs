//! Foreign exports through mappings, into a log and out as figures.

use serde_json::{Value, json};

use crate::project::Project;

/// Tickets, one row each, with the state in which a weekly export finds them.
const SNAPSHOTS: &str = r#"
source = "zd"
grace_period = "28d"
snapshots = true
key = ["Id"]
[time]
column = "Updated at"
format = "%Y-%m-%d %H:%M"
zone = "Europe/Prague"
[case]
id = "Id"
[[event]]
type = "case.created"
on = "first"
time = "Created at"
[event.data]
customer = { column = "Requester" }
priority = { column = "Priority", map = { Urgent = "urgent", High = "high", Normal = "medium", Low = "low" } }
[[event]]
type = "case.assigned"
on = "change"
of = "agent"
data.agent = { column = "Assignee" }
[[event]]
type = "case.priority_changed"
on = "change"
of = "priority"
data.priority = { column = "Priority", map = { Urgent = "urgent", High = "high", Normal = "medium", Low = "low" } }
[[event]]
type = "case.status_changed"
on = "change"
of = "status"
data.status = { column = "Status", map = { New = "new", Open = "open", Pending = "pending", Solved = "done" } }
"#;

const FIRST_WEEK: &str = "Id,Requester,Assignee,Status,Priority,Created at,Updated at
1,petra,ana,Open,Normal,2026-03-02 09:00,2026-03-02 09:30
2,ivo,,New,High,2026-03-02 10:00,2026-03-02 10:00
3,mila,ben,Pending,Low,2026-03-02 11:00,2026-03-03 11:00
";
const SECOND_WEEK: &str = "Id,Requester,Assignee,Status,Priority,Created at,Updated at
1,petra,ben,Solved,Normal,2026-03-02 09:00,2026-03-09 12:00
2,ivo,ana,Open,Urgent,2026-03-02 10:00,2026-03-08 10:00
3,mila,ben,Open,Low,2026-03-02 11:00,2026-03-09 11:00
4,cleo,ana,Open,Normal,2026-03-09 08:00,2026-03-09 08:30
";

const TICKETS: &str =
    "SELECT case_id, customer, status, assignee, priority, created_at, resolved_at FROM cases ORDER BY case_id";

fn import(project: &Project, mapping: &str, inputs: &[&str], code: i32) -> Value {
    let ran = project.run(&[&["import", "--summary", "json", "--mapping", mapping], inputs].concat());
    assert_eq!(ran.code, code, "{}", ran.stderr);
    ran.summary(code)
}

fn answer(project: &Project, sql: &str) -> String {
    let ran = project.run(&["sql", "--format", "csv", sql]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

fn of_weeks() -> Project {
    let project = Project::new();
    project.write("mappings/zd.toml", SNAPSHOTS);
    project.write("week1.csv", FIRST_WEEK);
    project.write("week2.csv", SECOND_WEEK);
    project
}

#[test]
fn a_second_snapshot_brings_what_changed_since_the_first() {
    let project = of_weeks();
    import(&project, "zd", &["week1.csv"], 0);
    let second = import(&project, "zd", &["week2.csv"], 0);
    assert_eq!((&second["conflicts"], &second["quarantined"]), (&json!(0), &json!(0)));
    let expected = "case_id,customer,status,assignee,priority,created_at,resolved_at\n\
        1,petra,done,ben,medium,2026-03-02T08:00:00.000Z,2026-03-09T11:00:00.000Z\n\
        2,ivo,open,ana,urgent,2026-03-02T09:00:00.000Z,\n\
        3,mila,open,ben,low,2026-03-02T10:00:00.000Z,\n\
        4,cleo,open,ana,medium,2026-03-09T07:00:00.000Z,\n";
    assert_eq!(answer(&project, TICKETS), expected);
    assert_eq!(answer(&project, "SELECT count(*) AS n FROM findings"), "n\n0\n");
    let periods = "SELECT since, status, priority FROM periods WHERE case_id = '2' ORDER BY since";
    let periods = answer(&project, periods);
    assert!(periods.contains("2026-03-08T09:00:00.000Z,open,urgent"), "{periods}");
    assert!(periods.contains("2026-03-02T09:00:00.000Z,new,high"), "{periods}");

    let again = import(&project, "zd", &["week1.csv", "week2.csv"], 0);
    assert_eq!((&again["added"], &again["conflicts"]), (&json!(0), &json!(0)));
    let together = of_weeks();
    import(&together, "zd", &["week2.csv", "week1.csv"], 0);
    assert_eq!(answer(&together, TICKETS), expected);
}

#[test]
fn a_grace_period_is_that_of_its_source_and_another_one_is_an_error() {
    let project = of_weeks();
    project.write(
        "mappings/hd.toml",
        SNAPSHOTS.replace("\"zd\"", "\"hd\"").replace("28d", "1h").replace("\"Id\"", "\"Number\""),
    );
    project.write(
        "hd.csv",
        SECOND_WEEK
            .replacen("Id", "Number", 1)
            .replace("\n1,", "\n101,")
            .replace("\n2,", "\n102,")
            .replace("\n3,", "\n103,")
            .replace("\n4,", "\n104,"),
    );
    import(&project, "zd", &["week2.csv"], 0);
    import(&project, "hd", &["hd.csv"], 0);
    let closes = "SELECT case_id, closed_at FROM cases WHERE status = 'done' ORDER BY case_id";
    let as_of = ["sql", "--format", "csv", "--as-of", "2026-05-01", closes];
    let expected = "case_id,closed_at\n1,2026-04-06T11:00:00.000Z\n101,2026-03-09T12:00:00.000Z\n";
    assert_eq!(project.run(&as_of).stdout, expected);

    project.write("mappings/zd.toml", SNAPSHOTS.replace("28d", "14d"));
    let ran = project.run(&["import", "--mapping", "zd", "week2.csv"]);
    assert_eq!(ran.code, 2);
    let error = "mappings/zd.toml:3: states a grace period of 14d, but cases of the source `zd` have 28d";
    assert!(
        ran.stderr.contains(error) && ran.stderr.contains("hint: to change it, write `grace_periods"),
        "{}",
        ran.stderr
    );
    project.write("desk.toml", "[settings]\ngrace_periods = { zd = \"14d\" }\n");
    let applied = project.run(&["apply", "desk.toml", "--at", "1970-01-01", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    import(&project, "zd", &["week2.csv"], 0);
    assert!(project.run(&as_of).stdout.contains("1,2026-03-23T11:00:00.000Z\n101,2026-03-09T12:00:00.000Z\n"));
}

#[test]
fn rows_that_cannot_be_read_can_be_exported_repaired_and_imported() {
    let project = of_weeks();
    project.write("broken.csv", FIRST_WEEK.replace("2026-03-02 09:30", "yesterday").replace("2026-03-03 11:00", ""));
    let first = import(&project, "zd", &["broken.csv"], 1);
    assert_eq!((&first["quarantined"], &first["left_out"]["rows_malformed"]), (&json!(2), &json!(2)));
    let listed = answer(&project, "SELECT line, rule, detail FROM quarantine ORDER BY line");
    assert!(
        listed.contains("2,unreadable_row,\"`Updated at` = `yesterday`: expected the format `%Y-%m-%d %H:%M`"),
        "{listed}"
    );
    assert!(listed.contains("4,unreadable_row,\"`Updated at` is empty, expected a time\""), "{listed}");
    let exported = project.run(&["quarantine", "export", "--rule", "unreadable_row"]);
    let repaired = exported
        .stdout
        .replace("yesterday", "2026-03-02 09:30")
        .replace("\"Updated at\":\"\"", "\"Updated at\":\"2026-03-03 11:00\"");
    project.write("repaired.ndjson", repaired);
    import(&project, "zd", &["repaired.ndjson"], 0);
    let whole = of_weeks();
    import(&whole, "zd", &["week1.csv"], 0);
    assert_eq!(answer(&project, TICKETS), answer(&whole, TICKETS));
}

#[test]
fn inputs_are_files_folders_and_patterns() {
    let project = of_weeks();
    project.write("weeks/a.csv", FIRST_WEEK);
    project.write("weeks/b.csv", SECOND_WEEK);
    project.write("weeks/notes.md", "not a table");
    let by_folder = project.run(&["import", "--summary", "json", "--mapping", "zd", "weeks"]);
    assert!(by_folder.stderr.contains("note: 1 file not read, such as weeks/notes.md"), "{}", by_folder.stderr);
    let added = by_folder.summary(0)["added"].clone();
    let again = import(&project, "zd", &["week*.csv"], 0);
    assert_eq!((again["added"].clone(), again["duplicates"].as_u64().map(|count| count > 0)), (json!(0), Some(true)));
    assert_eq!(added, json!(22));
}

/// Messages without cases.
const MESSAGES: &str = r#"
source = "dm"
grace_period = "1d"
key = ["id"]
time = "at"
case.route = "id"
[[event]]
type = "case.created"
on = "first"
data.customer = { column = "customer" }
data.profile = { column = "page" }
[[event]]
type = "message.received"
on = "row"
when = { column = "from", equals = "customer" }
data.message = { column = "id" }
[[event]]
type = "message.sent"
on = "row"
when = { column = "from", equals = "page" }
data.message = { column = "id" }
[[event]]
type = "case.status_changed"
on = "row"
when = { column = "tag", equals = "solved" }
data.status = "done"
"#;

/// Two customers, one of them with two profiles; a case that is reopened, one that closes, a reply after that.
const DIRECT: [&str; 12] = [
    "m0,2026-03-01T08:00:00Z,petra,shop,page,",
    "m1,2026-03-02T09:00:00Z,petra,shop,customer,",
    "m2,2026-03-02T09:10:00Z,petra,shop,page,solved",
    "m3,2026-03-02T09:20:00Z,petra,club,customer,",
    "m4,2026-03-03T09:00:00Z,petra,shop,customer,",
    "m5,2026-03-03T10:00:00Z,petra,shop,page,solved",
    "m6,2026-03-03T11:00:00Z,ivo,shop,customer,",
    "m7,2026-03-04T10:00:00Z,petra,shop,customer,",
    "m8,2026-03-04T12:00:00Z,petra,club,page,",
    "m9,2026-03-05T12:00:00Z,petra,shop,page,solved",
    "m10,2026-03-08T12:00:00Z,petra,shop,page,",
    "m11,2026-03-09T12:00:00Z,petra,shop,customer,",
];

fn of_messages(parts: &[&[&str]]) -> Project {
    let project = Project::new();
    project.write("mappings/dm.toml", MESSAGES);
    for (number, rows) in parts.iter().enumerate() {
        project.write(&format!("{number}.csv"), format!("id,at,customer,page,from,tag\n{}\n", rows.join("\n")));
    }
    project
}

#[test]
fn messages_without_cases_are_routed_by_customer_and_profile_over_several_imports() {
    let cases =
        "SELECT case_id, customer, profile, status, reopenings, created_at, closed_at FROM cases ORDER BY created_at";
    let messages = "SELECT message, case_id FROM messages ORDER BY time, message";
    let expected_cases = "case_id,customer,profile,status,reopenings,created_at,closed_at\n\
        m1,petra,shop,done,1,2026-03-02T09:00:00.000Z,2026-03-04T10:00:00.000Z\n\
        m3,petra,club,new,0,2026-03-02T09:20:00.000Z,\n\
        m6,ivo,shop,new,0,2026-03-03T11:00:00.000Z,\n\
        m7,petra,shop,done,0,2026-03-04T10:00:00.000Z,2026-03-06T12:00:00.000Z\n\
        m11,petra,shop,new,0,2026-03-09T12:00:00.000Z,\n";
    let expected_messages =
        "message,case_id\nm1,m1\nm2,m1\nm3,m3\nm4,m1\nm5,m1\nm6,m6\nm7,m7\nm8,m3\nm9,m7\nm10,m7\nm11,m11\n";
    let mut turned = DIRECT;
    turned.reverse();
    for cut in [0, 1, 3, 4, 5, 8, 10, 11] {
        let (first, second) = DIRECT.split_at(cut);
        let project = of_messages(&[first, second, &turned]);
        import(&project, "dm", &["0.csv"], 0);
        import(&project, "dm", &["1.csv"], 0);
        assert_eq!(answer(&project, cases), expected_cases, "{cut}");
        assert_eq!(answer(&project, messages), expected_messages, "{cut}");
        let again = import(&project, "dm", &["2.csv"], 0);
        assert_eq!((&again["added"], &again["conflicts"]), (&json!(0), &json!(0)), "{cut}");
        assert_eq!(again["left_out"]["rows"], json!({"before the first message of the customer": 1}), "{cut}");
    }
}

#[test]
fn a_filter_that_no_row_meets_is_noted() {
    let project = of_weeks();
    project.write("week1.csv", FIRST_WEEK);
    let filter = |id: &str| format!("[[filter]]\ncolumn = \"Id\"\nequals = \"{id}\"\n");
    for (id, is_noted) in [("1", false), ("9", true)] {
        project.write("mappings/some.toml", format!("{SNAPSHOTS}{}", filter(id)));
        let ran = project.run(&["import", "--dry-run", "--mapping", "some", "week1.csv"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout.contains("note: no row meets the `filter` of the mapping"), is_noted, "{}", ran.stdout);
    }
}
