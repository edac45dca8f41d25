//! First mappings that the program writes for exports: each reads its own export.

use serde_json::Value;

use crate::project::{Project, of_repository};

/// A first mapping for a file, and the summary of a dry run of it, which ended without a problem.
fn drafted(file: &str, bytes: &[u8]) -> (String, Value) {
    let project = Project::new();
    std::fs::write(project.path(file), bytes).unwrap();
    let made = project.run(&["mapping", "new", file, "--source", "desk", "-o", "desk.toml"]);
    assert_eq!((made.code, made.stdout.as_str()), (0, ""), "{file}: {}", made.stderr);
    let text = std::fs::read_to_string(project.path("desk.toml")).unwrap();
    let checked = project.run(&["mapping", "check", "desk.toml"]);
    assert_eq!(checked.code, 0, "{file}: {}\n{text}", checked.stderr);
    let ran = project.run(&["import", "--dry-run", "--mapping", "desk.toml", file, "--format", "json"]);
    assert_eq!(ran.code, 0, "{file}: {}{}\n{text}", ran.stderr, ran.stdout);
    let found = ran.summary(0);
    assert!(found["events"]["case.created"].as_u64().unwrap() > 0, "{file}: {found}\n{text}");
    let again = project.run(&["mapping", "new", file, "-o", "desk.toml"]);
    assert_eq!(again.code, 2, "a file is not replaced: {}", again.stderr);
    (text, found)
}

fn has_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found.trim_start() == *line), "no line `{line}` in\n{text}");
    }
}

const TICKETS: &str = "Id,Requester,Requester email,Assignee,Subject,Status,Priority,Created at,Updated at,Initially assigned at,\
Solved at,Due date,First reply time in minutes,First reply time in minutes within business hours
101,Petra Vole,petra@example.org,Ana Duarte,\"Parcel, lost\",Solved,Normal,2026-03-27 16:30,2026-03-30 10:05,2026-03-27 16:40,2026-03-30 10:05,,20,20
102,Ivo Crane,ivo@example.org,,\"Refund
please\",Yellow,High,2026-03-29 02:30,2026-03-29 03:10,,,,,
103,Mila Stork,mila@example.org,Ben Okafor,Lamp,Pending,Urgent,2026-03-30 09:00,2026-04-03 09:00,2026-03-30 09:05,,,5,5
";

#[test]
fn a_table_of_tickets_has_its_columns_statuses_and_times() {
    let (text, found) = drafted("tickets.csv", TICKETS.as_bytes());
    has_lines(
        &text,
        &[
            "key = [\"Id\"]",
            "format = \"%Y-%m-%d %H:%M\"",
            "customer = { column = \"Requester\", default = \"unknown\" }",
            "data.agent = { column = \"Assignee\" }",
            "\"Pending\" = \"pending\" # 1",
            "# not known (1), write what it means: \"Yellow\" = \"?\"",
            "\"Urgent\" = \"urgent\" # 1",
            "time = { column = \"Created at\", plus = { column = \"First reply time in minutes\", unit = \"minutes\" } }",
            "#   times: all 3 different values read as `%Y-%m-%d %H:%M`",
        ],
    );
    assert!(text.contains("within business hours`: 2 values, 1 empty: `20`, `5`; business hours, left out"), "{text}");
    let expected = serde_json::json!({
        "case.created": 3, "case.assigned": 2, "message.sent": 2, "resolved": 1, "case.status_changed": 1,
    });
    assert_eq!(found["events"], expected);
}

#[test]
fn delimiter_title_lines_and_the_order_of_day_and_month_are_found() {
    let table = "Report of tickets\n\nTicket;Client;Opened\n1;Ana;03/04/2026 10:00\n2;Ben;25/04/2026 10:00\n";
    let (text, _) = drafted("t.csv", table.as_bytes());
    has_lines(&text, &["delimiter = \";\"", "skip_lines = 2", "format = \"%d/%m/%Y %H:%M\"", "key = [\"Ticket\"]"]);
    assert!(text.contains("; 1 of them can only be day before month"), "{text}");
    let table = "Ticket,Client,Opened\n1,Dvo\u{159}\u{e1}k,03/04/2026 10:00\n".replace('\u{159}', "r");
    let (text, _) = drafted("t.csv", encoding_rs::WINDOWS_1252.encode(&table).0.as_ref());
    has_lines(&text, &["encoding = \"windows-1252\""]);
    assert!(text.contains("no value decides, choose"), "{text}");
}

#[test]
fn rows_of_changes_have_no_key_and_become_changes() {
    let table = "ticket,state,customer,time\n1,New,c,2026-03-02T09:00:00Z\n1,Done,c,2026-03-02T10:00:00Z\n2,New,d,2026-03-02T09:00:00Z\n";
    let (text, found) = drafted("history.csv", table.as_bytes());
    has_lines(&text, &["on = \"first\"", "of = \"status\"", "id = \"ticket\"", "# key = []"]);
    assert_eq!(found["events"], serde_json::json!({"case.created": 2, "case.status_changed": 3}));
}

#[test]
fn documents_have_rows_paths_and_elements() {
    let tickets = r#"{"count": 2, "tickets": [
        {"id": 1, "requester": {"name": "Petra"}, "status": "open", "created_at": "2026-01-01T10:00:00Z",
         "custom_fields": [{"id": 7, "value": "red"}], "audits": [{"id": 11, "events": [{"type": "Comment"}]}]},
        {"id": 2, "requester": {"name": "Ivo"}, "status": "solved", "created_at": "2026-01-02T10:00:00Z", "audits": []}]}"#;
    let (text, found) = drafted("tickets.json", tickets.as_bytes());
    has_lines(
        &text,
        &[
            "rows = \"tickets[]\"",
            "# each = \"audits[].events[]\": 1 elements with `type`",
            "#   one of them is the column `custom_fields[id=ID].value`",
            "customer = { column = \"requester.name\", default = \"unknown\" }",
        ],
    );
    assert_eq!(found["events"], serde_json::json!({"case.created": 2, "case.status_changed": 2}));
}

#[test]
fn a_first_mapping_for_each_sample_reads_it() {
    let folder = std::fs::read_dir(of_repository("data/samples")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // Formats that are not looked at, a table without times, and an event log.
        let is_looked_at = [".csv", ".json", ".ndjson"].iter().any(|ending| name.ends_with(ending));
        if is_looked_at && !["ocel.json", "salesforce-user.csv"].contains(&name.as_str()) {
            drafted(&name, &std::fs::read(&file).unwrap());
        }
    }
}

#[test]
fn an_event_log_has_no_first_mapping() {
    let project = Project::new();
    let ran = project.run(&["mapping", "new", of_repository("data/samples/ocel.json").to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.contains("ocel.json: found an event log in OCEL, expected a table or JSON\nhint: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_export_without_times_has_no_mapping() {
    let project = Project::new();
    project.write("t.csv", "id,name\n1,Ana\n");
    let ran = project.run(&["mapping", "new", "t.csv"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: t.csv: no column has the time of anything"), "{}", ran.stderr);
}

#[test]
fn a_mapping_that_comes_with_the_program_is_recognised_written_and_changed() {
    let project = Project::new();
    let sample = std::fs::read_to_string(of_repository("data/samples/zendesk-tickets.csv")).unwrap();
    // An account without ratings.
    let without = |table: &str| table.replace("Satisfaction Score", "Something else");
    project.write("tickets.csv", without(&sample));
    let made = project.run(&["mapping", "new", "tickets.csv", "-o", "first.toml"]);
    let hint = "hint: the built-in mapping `zendesk-tickets` reads such columns: `casebook import --dry-run --mapping zendesk-tickets tickets.csv`";
    assert!(made.stderr.contains(hint), "{}", made.stderr);

    let written = project.run(&["mapping", "show", "zendesk-tickets", "-o", "mappings/zendesk-tickets.toml"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let text = std::fs::read_to_string(project.path("mappings/zendesk-tickets.toml")).unwrap();
    assert_eq!(text, std::fs::read_to_string(of_repository("data/mappings/zendesk-tickets.toml")).unwrap());
    project.write("mappings/zendesk-tickets.toml", text.replace("Europe/Prague", "America/Chicago"));
    let ran = project.run(&["import", "--dry-run", "--mapping", "zendesk-tickets", "tickets.csv"]);
    let zone = "times: those without an offset are read in America/Chicago, the `zone` of the mapping\n";
    assert!(ran.stdout.contains(zone), "{}{}", ran.stderr, ran.stdout);

    let unknown = project.run(&["mapping", "show", "zendesk-ticket"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("hint: did you mean `zendesk-tickets`?"), "{}", unknown.stderr);
}

#[test]
fn what_a_mapping_lacks_is_named_with_what_to_do() {
    let project = Project::new();
    let stderr = |arguments: &[&str]| project.run(&[&["import", "--dry-run", "--mapping"], arguments].concat()).stderr;
    project.write("t.csv", "Id,Subject,Created at\n1,Lamp,2026-03-02 09:00\n");
    let error = stderr(&["data/mappings/zendesk-tickets.toml", "t.csv"]);
    let expected = "error: --mapping: there is no mapping data/mappings/zendesk-tickets.toml\n\
        hint: one of that name comes with the program: `--mapping zendesk-tickets`\n";
    assert_eq!(error, expected);
    let error = stderr(&["zendesk-audits", "t.csv"]);
    assert!(
        error.contains(
            "zendesk-users.csv, in which cells are looked up, is not there\nhint: it is a file beside the mapping"
        ),
        "{error}"
    );
    let error = stderr(&["zendesk-tickets", "t.csv"]);
    assert!(error.contains("`casebook mapping show zendesk-tickets -o mappings/zendesk-tickets.toml`"), "{error}");
}
