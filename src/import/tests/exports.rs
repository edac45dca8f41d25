//! What exports of real help desks need.

use super::*;

/// A mapping of cases whose rows have local times of Prague.
const LOCAL: &str = r#"
source = "test"
grace_period = "3d"
key = ["ticket"]
[time]
column = "created"
format = "%d.%m.%Y %H:%M"
zone = "Europe/Prague"
[case]
id = "ticket"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = "who" }
"#;

/// A reply and a resolution at times of their own.
const LATER_EVENTS: &str = r#"
[[event]]
type = "message.sent"
on = "row"
time = "replied"
data.message = { column = "ticket" }
[[event]]
type = "case.status_changed"
on = "row"
time = "solved"
data.status = "done"
"#;

#[test]
fn a_column_that_is_there_twice_is_refused_unless_one_is_chosen() {
    let table = b"ticket,who,created,who\n1,ana,01.02.2026 09:30,ben\n";
    let error = refusal(LOCAL, "t.csv", table);
    let expected = "t.csv:1: the column `who` is there twice, as columns 2 and 4; map.toml:14 does not choose one\n\
        hint: write `{ column = \"who\", occurrence = 2 }` for the second of them, `occurrence = \"all\"` for a list of all";
    assert_eq!(error, expected);
    let chosen = LOCAL.replace("column = \"who\"", "column = \"who\", occurrence = 2");
    assert_eq!(shown(&import(&chosen, std::str::from_utf8(table).unwrap()).0, "customer"), ["case.created 1 ben"]);
    assert!(refusal(&chosen.replace('2', "3"), "t.csv", table).contains("no column `who` number 3"));
}

#[test]
fn a_row_that_cannot_be_read_is_set_aside_as_json_that_the_same_mapping_reads() {
    let table =
        b"ticket,who,created,more\n1,ana,yesterday,x\n2,ben\n,eva,01.02.2026 09:30,\n4,\xff,01.02.2026 09:30,\n";
    let made = made_of(LOCAL, &[("t.csv", table)]);
    let found: Vec<_> = made.set_aside.iter().map(|row| (row.line, row.rule)).collect();
    assert_eq!(found, [2, 3, 4, 5].map(|line| (line, "unreadable_row")));
    let first = std::str::from_utf8(&made.set_aside[0].bytes).unwrap();
    assert_eq!(first, r#"{"created":"yesterday","more":"x","ticket":"1","who":"ana"}"#);
    assert!(made.set_aside[0].detail.starts_with("`created` = `yesterday`: expected the format `%d.%m.%Y %H:%M`: "));
    assert_eq!(made.set_aside[2].detail, "`ticket` is empty, expected an id");
    let repaired = first.replace("yesterday", "01.02.2026 09:30");
    let again = made_of(LOCAL, &[("repaired.ndjson", repaired.as_bytes())]);
    assert_eq!(shown(&again.events, "customer"), ["case.created 1 ana"]);
}

#[test]
fn times_of_the_hour_that_comes_twice_follow_the_order_of_the_case() {
    let table = "ticket,who,created,replied,solved\n\
        1,ana,25.10.2026 02:50,25.10.2026 02:10,25.10.2026 02:20\n\
        2,ben,25.10.2026 02:10,25.10.2026 02:40,25.10.2026 03:10\n";
    let (events, tally) = import(&format!("{LOCAL}{LATER_EVENTS}"), table);
    let expected =
        ["00:50", "01:10", "01:20", "00:10", "00:40", "02:10"].map(|time| format!("2026-10-25T{time}:00.000Z"));
    assert_eq!(times(&events), expected);
    assert_eq!((tally.times_settled, tally.times_ambiguous, tally.times_skipped), (3, 2, 0));
    let (events, tally) = import(LOCAL, "ticket,who,created\n1,ana,29.03.2026 02:30\n");
    assert_eq!((times(&events), tally.times_skipped), (vec!["2026-03-29T01:30:00.000Z"], 1));
}

#[test]
fn a_time_of_an_event_has_the_format_and_the_zone_of_the_rows_times() {
    let mapping = LOCAL.replace(
        "on = \"row\"",
        "on = \"row\"\ntime = { column = \"at\", plus = { column = \"minutes\", unit = \"minutes\" } }",
    );
    let (events, _) =
        import(&mapping, "ticket,who,created,at,minutes\n1,ana,01.02.2026 09:30,01.02.2026 10:30,\"7,5\"\n");
    assert_eq!(times(&events), ["2026-02-01T09:37:30.000Z"]);
}

#[test]
fn a_rule_none_of_whose_events_can_be_made_ends_the_import() {
    let mapping = format!("{LOCAL}{LATER_EVENTS}");
    let table =
        "ticket,who,created,replied,solved\n1,a,01.02.2026 09:30,2026-02-01,\n2,a,01.02.2026 09:30,2026-02-02,\n";
    let error = refusal(&mapping, "t.csv", table.as_bytes());
    assert!(
        error.starts_with("map.toml: `message.sent`: none of its 2 events can be made: `replied`: expected"),
        "{error}"
    );
    assert!(error.contains("such as `2026-02-01`") && error.contains("hint: "), "{error}");
    let one_is_right = format!("{table}3,a,01.02.2026 09:30,01.02.2026 10:30,\n");
    assert_eq!(import(&mapping, &one_is_right).1.events["message.sent"], 1);
}

#[test]
fn tables_of_other_encodings_delimiters_and_beginnings_are_the_same_table() {
    let table = "ticket,who,created\n1,Dvořák,01.02.2026 09:30\n";
    let expected = import(LOCAL, table).0;
    let with = |key: &str| LOCAL.replacen("source", &format!("{key}\nsource"), 1);
    let utf_16 =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { format!("\u{feff}{table}").encode_utf16().flat_map(order).collect() };
    let semicolons = table.replace(',', ";");
    let cases: [(String, Vec<u8>); 9] = [
        (LOCAL.to_owned(), utf_16(u16::to_le_bytes)),
        (LOCAL.to_owned(), utf_16(u16::to_be_bytes)),
        (LOCAL.to_owned(), format!("\u{feff}{table}").into_bytes()),
        (with("encoding = \"windows-1250\""), encoding_rs::WINDOWS_1250.encode(table).0.into_owned()),
        (LOCAL.to_owned(), semicolons.clone().into_bytes()),
        (LOCAL.to_owned(), table.replace(',', "\t").into_bytes()),
        (LOCAL.to_owned(), format!("sep=;\r\n{semicolons}").into_bytes()),
        (with("skip_lines = 2"), format!("Tickets, all\n\n{table}").into_bytes()),
        (with("uneven_rows = true"), table.replace("created", "created,more").into_bytes()),
    ];
    for (mapping, bytes) in cases {
        assert_eq!(import_files(&mapping, &[("t.csv", &bytes)]).0, expected, "{}", String::from_utf8_lossy(&bytes));
    }
    let error = refusal(&with("delimiter = \";\""), "t.csv", table.as_bytes());
    assert!(error.contains("hint: the delimiter seems to be `,`"), "{error}");
}

/// Tickets in a document, each with the audits of what happened.
const TICKETS: &str = r#"
{"count": 2, "tickets": [
  {"id": 1, "requester": {"name": "Petra"}, "created_at": "2026-01-01T10:00:00Z", "tags": ["a", "b"],
   "custom_fields": [{"id": 7, "value": "red"}],
   "audits": [
     {"id": 11, "author": "ana", "created_at": "2026-01-01T10:05:00Z",
      "events": [{"type": "Comment", "body": "Hello"}, {"type": "Change", "field": "status", "value": "open"}]},
     {"id": 12, "author": "ben", "created_at": "2026-01-01T11:00:00Z",
      "events": [{"type": "Change", "field": "priority", "value": "high"}, {"type": "Change", "field": "status", "value": "solved"}]}
   ]},
  {"id": 2, "requester": {"name": "Ivo"}, "created_at": "2026-01-02T10:00:00Z", "tags": [], "audits": []}
]}
"#;

const AUDITS: &str = r#"
source = "test"
grace_period = "3d"
rows = "tickets[]"
key = ["id"]
time = "created_at"
[case]
id = "id"
[[event]]
type = "case.created"
on = "row"
[event.data]
customer = { column = "requester.name" }
fields.tags = { column = "tags", as = "list" }
fields.colour = { column = "custom_fields[id=7].value" }
[[event]]
type = "message.sent"
each = "audits[].events[]"
when = { column = "type", equals = "Comment" }
time = "../created_at"
[event.data]
message = { text = "{../id}.{@index}" }
by = { column = "../author" }
text = { column = "body" }
[[event]]
type = "case.status_changed"
each = "audits[].events[]"
when = [{ column = "type", equals = "Change" }, { column = "field", equals = "status" }]
time = "../created_at"
[event.data]
status = { column = "value", map = { open = "open", solved = "done" } }
by = { column = "../author" }
"#;

#[test]
fn elements_within_a_document_become_events_in_their_order() {
    let (events, tally) = import_files(AUDITS, &[("t.json", TICKETS.as_bytes())]);
    let expected = [
        "case.created 1 null",
        "message.sent 1 ana",
        "case.status_changed 1 ana",
        "case.status_changed 1 ben",
        "case.created 2 null",
    ];
    assert_eq!(shown(&events, "by"), expected);
    assert_eq!(events[1]["data"]["fields"], serde_json::json!({"colour": "red", "tags": ["a", "b"]}));
    assert_eq!(events[2]["data"]["message"], "11.0");
    let known: Vec<_> = events[2..5].iter().map(|event| (&event["sequence"], event["id"].as_str().unwrap())).collect();
    assert_eq!(known[0], (&Json::Null, "1/1:message.sent"));
    assert_eq!(known[1], (&Json::from(1), "1/2:case.status_changed"));
    assert_eq!(known[2], (&Json::from(3), "1/4:case.status_changed"));
    assert_eq!((tally.rows_read, tally.cases), (2, None));
}

#[test]
fn json_one_a_line_in_an_array_or_in_a_document_gives_the_same_events() {
    let document: Json = serde_json::from_str(TICKETS).unwrap();
    let tickets = document["tickets"].as_array().unwrap();
    let lines: String = tickets.iter().map(|ticket| format!("{ticket}\n")).collect();
    let pretty: String = tickets.iter().map(|ticket| serde_json::to_string_pretty(ticket).unwrap() + "\n").collect();
    let array = document["tickets"].to_string();
    let expected = import_files(AUDITS, &[("t.json", TICKETS.as_bytes())]).0;
    let of_documents = AUDITS.replace("rows = \"tickets[]\"\n", "");
    for text in [&lines, &pretty, &array] {
        assert_eq!(import_files(&of_documents, &[("t.json", text.as_bytes())]).0, expected, "{text}");
    }
    for document in ["{\"id\": 1}", "{\"id\": 1}\n{\"id\": 2}\n", "{\n\"id\": 1}"] {
        let error = refusal(AUDITS, "t.json", document.as_bytes());
        assert!(error.starts_with("t.json: no document has the array `tickets`, which `rows` of map.toml"), "{error}");
    }
    assert_eq!(import_files(AUDITS, &[("t.json", b"{\"tickets\": []}")]).1.rows_read, 0);
    // Rows that take something from around them.
    let audits = of_documents
        .replace("time = \"created_at\"", "rows = \"audits[]\"\ntime = \"created_at\"")
        .replace("key = [\"id\"]", "key = [\"../id\", \"id\"]")
        .replace("id = \"id\"", "id = \"../id\"");
    let audits = audits.split("[[event]]").next().unwrap().to_owned();
    let audits =
        format!("{audits}[[event]]\ntype = \"case.closed\"\non = \"row\"\ndata.by = {{ column = \"author\" }}\n");
    let (events, _) = import_files(&audits, &[("t.ndjson", lines.as_bytes())]);
    assert_eq!(shown(&events, "by"), ["case.closed 1 ana", "case.closed 1 ben"]);
    assert_eq!(events[2]["sequence"], 1, "the order of the elements of a document is known");
    let broken = format!("{lines}{{\"id\": 3,\n");
    let made = made_of(&of_documents, &[("t.ndjson", broken.as_bytes())]);
    assert_eq!((made.events.len(), made.set_aside.len(), made.set_aside[0].line), (expected.len(), 1, 3));
}

#[test]
fn a_cell_with_several_things_in_it_gives_an_event_for_each() {
    let rules = r#"
[[event]]
type = "case.field_changed"
each = { column = "tags", separator = " " }
data.field = { text = "tag {.}" }
data.value = "yes"
[[event]]
type = "case.status_changed"
each = { column = "reopens", times = true }
data.status = "open"
"#;
    let table = "ticket,who,created,tags,reopens\n1,ana,01.02.2026 09:30,late  parcel,2\n2,ben,01.02.2026 09:30,,\n";
    let (events, _) = import(&format!("{LOCAL}{rules}"), table);
    let fields = shown(&events, "field");
    assert_eq!(fields.len(), 6);
    assert_eq!(fields[1..3], ["case.field_changed 1 tag late", "case.field_changed 1 tag parcel"]);
    assert_eq!(events[4]["id"], "1/1:case.status_changed");
    assert_eq!(events[5]["id"], "1/2:case.status_changed");
}

#[test]
fn conditions_and_defaults_have_what_real_exports_need() {
    let mapping = LOCAL.replace(
        "data.customer = { column = \"who\" }",
        r#"when = [
    { any = [{ column = "who", begins_with = "a" }, { column = "mail", contains = "@x" }] },
    { not = { column = "who", matches = "^(bot|test)" } },
]
data.customer = { column = ["missing", "who"], default = { column = "mail", find = '^[^@]+' } }"#,
    );
    let table = "ticket,who,created,mail\n1,ana,01.02.2026 09:30,\n2,ben,01.02.2026 09:30,b@y\n3,,01.02.2026 09:30,c@x\n4,bot,01.02.2026 09:30,d@x\n";
    let (events, _) = import(&mapping, table);
    assert_eq!(shown(&events, "customer"), ["case.created 1 ana", "case.created 3 c"]);
}

#[test]
fn an_event_may_have_its_own_key_and_cells_are_looked_up_in_another_table() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people.csv"), "name,login,role\nAna Duarte,ana,agent\nBot,bot,none\n").unwrap();
    let path = folder.path().join("map.toml");
    let tables = "[tables.people]\nfile = \"people.csv\"\nkey = \"name\"\n";
    let member = "{ column = \"who\", table = \"people\", take = \"login\" }";
    let text = LOCAL.replace("{ column = \"who\" }", member).replace("[time]", &format!("{tables}[time]"));
    let text = text.replace("on = \"row\"", "on = \"row\"\nkey = [\"who\", \"ticket\"]");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::read(&path).unwrap();
    let table = b"ticket,who,created\n1,Ana Duarte,01.02.2026 09:30\n2,Eva,01.02.2026 09:30\n";
    let Made { events, outcome, .. } = made_by(&mapping, &[("t.csv", table)]);
    let tally = outcome.unwrap();
    assert_eq!(shown(&events, "customer"), ["case.created 1 ana"]);
    assert_eq!(events[1]["id"], "Ana Duarte/1:case.created");
    assert_eq!(left_out(&tally, "case.created", "`who` is empty").count, 1);
    let error =
        with_hint(&Mapping::parse("map.toml", &std::fs::read_to_string(&path).unwrap(), Path::new("")).unwrap_err());
    let expected = "map.toml:5: the table people.csv, in which cells are looked up, is not there\n\
        hint: it is a file beside the mapping; for one that comes with the program, docs/imports shows how to make it";
    assert_eq!(error, expected);
}

/// Two exports of the same tickets, a week apart.
const WEEKS: [&str; 2] = [
    "ticket,who,agent,state,priority,created,updated\n\
     1,petra,ana,Open,High,02.03.2026 09:00,02.03.2026 09:30\n\
     2,ivo,ana,Open,Low,02.03.2026 10:00,02.03.2026 10:00\n",
    "ticket,who,agent,state,priority,created,updated\n\
     1,petra,,Solved,Low,02.03.2026 09:00,09.03.2026 12:00\n\
     2,ivo,ana,Open,Low,02.03.2026 10:00,02.03.2026 10:00\n",
];

#[test]
fn snapshots_become_changes_at_the_times_of_the_rows() {
    let mapping = LOCAL
        .replace("column = \"created\"", "column = \"updated\"")
        .replace("on = \"row\"", "on = \"first\"\ntime = \"created\"")
        + r#"
[[event]]
type = "case.assigned"
on = "change"
of = "agent"
data.agent = { column = "agent" }
[[event]]
type = "case.unassigned"
on = "change"
of = { column = "agent" }
when = { column = "agent", empty = true }
[[event]]
type = "case.status_changed"
on = "change"
of = "status"
data.status = { column = "state", map = { Open = "open", Solved = "done" } }
"#;
    let mapping = format!("snapshots = true\n{mapping}");
    let both = [("1.csv", WEEKS[0].as_bytes()), ("2.csv", WEEKS[1].as_bytes())];
    let (events, tally) = import_files(&mapping, &both);
    let expected = [
        "case.created 1 null",
        "case.assigned 1 null",
        "case.status_changed 1 open",
        "case.unassigned 1 null",
        "case.status_changed 1 done",
        "case.created 2 null",
        "case.assigned 2 null",
        "case.status_changed 2 open",
    ];
    assert_eq!(shown(&events, "status"), expected);
    assert_eq!((tally.rows_repeated, tally.cases), (1, Some(2)));
    assert_eq!(
        ids(&events[1..5]),
        [
            "1/2026-03-02T08:30:00.000Z:case.assigned",
            "1/2026-03-02T08:30:00.000Z:case.status_changed",
            "1/2026-03-09T11:00:00.000Z:case.unassigned",
            "1:case.created",
        ]
    );
    // Apart from one another, an export repeats the state that the one before has stated: nothing changes by it.
    let (second, _) = import_files(&mapping, &both[1..]);
    let stated = ["case.created 1 null", "case.unassigned 1 null", "case.status_changed 1 done"];
    assert_eq!(shown(&second, "status")[..3], stated);
    assert!(ids(&second).iter().filter(|id| id.starts_with('2')).all(|id| ids(&events).contains(id)));
}

#[test]
fn an_order_that_is_known_becomes_the_sequence() {
    let mapping = LOCAL.replace("id = \"ticket\"", "id = \"ticket\"\norder = [{ column = \"n\" }]");
    let mapping = mapping.replace("key = [\"ticket\"]", "key = [\"ticket\", \"n\"]")
        + r#"
[[event]]
type = "case.priority_changed"
on = "row"
data.priority = { column = "p" }
"#;
    let table = "ticket,who,created,n,p\n1,a,01.02.2026 09:30,10,low\n1,a,01.02.2026 09:30,9,high\n";
    let found = |mapping: &str| {
        let (events, _) = import(mapping, table);
        let of = |event: &Json| (event["data"]["priority"].clone(), event["sequence"].as_u64().unwrap_or(0));
        events[1..].iter().map(of).filter(|(priority, _)| *priority != Json::Null).collect::<Vec<_>>()
    };
    assert_eq!(found(&mapping), [(Json::from("high"), 9), (Json::from("low"), 10)]);
    // Rows of one instant are brought into the order of the sequence, though every event needs its own row alone.
    let by_sequence = mapping.replace("order = [{ column = \"n\" }]", "order = [\"sequence\"]");
    let by_sequence = by_sequence.replace("[time]", "sequence = \"n\"\n[time]");
    assert_eq!(found(&by_sequence), [(Json::from("high"), 9), (Json::from("low"), 10)]);
    let by_text = mapping.replace("{ column = \"n\" }", "{ column = \"n\", as = \"text\" }");
    assert_eq!(found(&by_text), [(Json::from("low"), 0), (Json::from("high"), 1)]);
}

#[test]
fn a_mapping_that_routes_messages_needs_rules_that_open_cases() {
    let routed = |rest: &str| {
        let head = "source = \"dm\"\ngrace_period = \"1d\"\nkey = [\"id\"]\ntime = \"at\"\ncase.route = \"id\"\n";
        complaint(&format!("{head}{rest}"))
    };
    let creation = "[[event]]\ntype = \"case.created\"\non = \"first\"\ndata.customer = { column = \"who\" }\n";
    let received = "[[event]]\ntype = \"message.received\"\non = \"row\"\ndata.message = { column = \"id\" }\n";
    assert_eq!(
        routed(received),
        "map.toml:5: `case`: messages are routed into cases: expected one `case.created` with `on = \"first\"`"
    );
    assert_eq!(
        routed(creation),
        "map.toml:5: `case`: messages are routed into cases that `message.received` opens: expected one with `on = \"row\"`"
    );
    let rooted = format!("{}{received}", creation.replace("column", "root"));
    let once = format!("{creation}{received}[[event]]\ntype = \"case.closed\"\non = \"once\"\n");
    for rules in [rooted, once] {
        assert_eq!(
            routed(&rules),
            "map.toml:5: `case`: messages are routed into cases whose first row may be in an earlier import: expected no `root` and no `once`"
        );
    }
    let mapping = format!(
        "source = \"dm\"\ngrace_period = \"1d\"\nkey = [\"id\"]\ntime = \"at\"\ncase.route = \"id\"\n{creation}{received}"
    );
    let made = made_of(&mapping, &[("t.csv", b"id,at,who\n1,2026-03-02T09:00:00Z,\n")]);
    assert_eq!(made.set_aside[0].detail, "the row has no customer, by whom messages are routed");
}
