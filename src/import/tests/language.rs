//! What the language of mappings can say of rows.

use super::*;

/// A case in each row, with its messages in columns of one name.
const REPEATED: &str = r#"
source = "test"
grace_period = "never"
key = ["ticket"]
time = "at"
case.id = "ticket"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = "who" }
data.fields.labels = { column = "label", occurrence = "all", as = "list" }
[[event]]
type = "message.received"
each = { column = "note", occurrence = "all" }
time = { column = ".", split = ";", part = 1 }
data.message = { text = "{../ticket}/{@index}" }
data.text = { column = ".", split = ";", part = 2 }
"#;

#[test]
fn a_rule_goes_through_all_columns_of_one_name() {
    let table = "ticket,who,label,at,note,label,note,note\n\
        1,ana,late,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z;a,\"x, y\",,2026-03-02T11:00:00Z;[b]\n\
        2,ben,,2026-03-02T09:00:00Z,,,,\n";
    let (events, _) = import(REPEATED, table);
    assert_eq!(
        shown(&events, "text"),
        ["case.created 1 null", "message.received 1 a", "message.received 1 [b]", "case.created 2 null"]
    );
    assert_eq!(
        ids(&events),
        ["1/1:message.received", "1/2:message.received", "1:case.created", "2:case.created", "grace_period"]
    );
    assert_eq!(events[1]["data"]["fields"], json!({"labels": ["late", "x, y"]}));
    assert_eq!(events[4]["data"], json!({"customer": "ben"}));
    assert_eq!(events[3]["data"]["message"], "1/1");
}

#[test]
fn columns_of_one_name_are_the_same_once_a_row_that_was_set_aside_is_repaired() {
    let table = "ticket,who,label,at,note,label,note\n1,ana,late,yesterday,2026-03-02T10:00:00Z;a,vip,\n";
    let made = made_of(REPEATED, &[("t.csv", table.as_bytes())]);
    let row = std::str::from_utf8(&made.set_aside[0].bytes).unwrap();
    assert_eq!(
        row,
        r#"{"at":"yesterday","label":["late","vip"],"note":["2026-03-02T10:00:00Z;a",""],"ticket":"1","who":"ana"}"#
    );
    let repaired = row.replace("yesterday", "2026-03-02T09:00:00Z");
    for mapping in [REPEATED.to_owned(), REPEATED.replace("label\", occurrence = \"all\"", "label\", occurrence = 2")] {
        let again = made_of(&mapping, &[("repaired.ndjson", repaired.as_bytes())]);
        let (events, _) = import(&mapping, &table.replace("yesterday", "2026-03-02T09:00:00Z"));
        assert_eq!(again.events, events);
        assert_eq!(events.len(), 3);
    }
}

#[test]
fn columns_of_one_name_that_an_input_lacks_are_an_error_unless_they_are_optional() {
    let table = "ticket,who,label,at\n1,ana,late,2026-03-02T09:00:00Z\n";
    assert!(refusal(REPEATED, "t.csv", table.as_bytes()).starts_with("t.csv:1: no column `note`, which map.toml:"));
    let optional = REPEATED.replace("occurrence = \"all\" }", "occurrence = \"all\", optional = true }");
    assert_eq!(shown(&import(&optional, table).0, "customer"), ["case.created 1 ana"]);
}

#[test]
fn a_condition_compares_two_cells_of_a_row_of_its_case_or_around_it() {
    let mapping = r#"
source = "test"
grace_period = "never"
key = ["id", "n"]
sequence = "n"
time = "at"
case.id = "id"
[[filter]]
column = "at"
not_equals = { column = "seen", optional = true }
[[leave_out]]
name = "answered by the author"
column = "author"
equals = { column = "answered" }
[[event]]
type = "message.received"
on = "row"
when = { column = "author", lower = true, in = ["bot", { root = "author" }] }
data.message = { column = "n" }
[[event]]
type = "message.sent"
each = { column = "tags", separator = " " }
when = { column = ".", not_in = [{ column = "../author" }, "x"] }
data.message = { column = "." }
"#;
    let at = "2026-03-02T09:00:00Z";
    let table = format!(
        "id,n,at,seen,author,answered,tags\n\
        1,1,{at},,ana,ben,ana\n1,2,{at},,Ana,,y x\n1,3,{at},,Bot,,\n1,4,{at},,ben,,\n1,5,{at},{at},ana,,\n\
        2,1,{at},,ana,ana,\n2,2,{at},,ben,,z\n"
    );
    let (events, tally) = import(mapping, &table);
    let messages = ["received 1 1", "received 1 2", "sent 1 y", "received 1 3"];
    assert_eq!(shown(&events, "message"), messages.map(|message| format!("message.{message}")));
    assert_eq!(tally.cases_left_out, [("answered by the author".to_owned(), 1)].into());
    let wrong = complaint(&mapping.replace("{ column = \"answered\" }", "{ root = \"answered\", times = true }"));
    assert!(
        wrong.starts_with("map.toml:14: unknown key `leave_out.equals.times`, expected one of `column`"),
        "{wrong}"
    );
}

#[test]
fn an_empty_cell_clears_what_may_be_null_and_only_where_it_is_stated() {
    let rule = |kind: &str, data: &str| format!("{CASES}[[event]]\ntype = \"{kind}\"\non = \"row\"\n{data}\n");
    let field = "data.field = \"f\"\ndata.value = { column = \"state\", map = { A = \"a\" }, clears = true }";
    let (events, tally) = import(
        &rule("case.field_changed", field),
        "case,n,at,state\na,1,2026-01-01T00:00:00Z,A\na,2,2026-01-01T00:00:00Z,\na,3,2026-01-01T00:00:00Z,B\n",
    );
    assert_eq!(shown(&events, "value"), ["case.field_changed a a", "case.field_changed a null"]);
    assert_eq!(events[2]["data"], json!({"field": "f", "value": null}));
    assert_eq!(left_out(&tally, "case.field_changed", "`state` is not in the map").count, 1);
    for (kind, data) in [
        ("case.priority_changed", "data.priority = { column = \"state\", clears = true }"),
        ("case.created", "data.customer = \"c\"\ndata.fields.x = { column = \"state\", clears = true }"),
    ] {
        let error = complaint(&rule(kind, data));
        assert!(error.contains(".clears`, expected one of `column`, "), "{error}");
    }
}

#[test]
fn a_rule_for_what_is_stated_elsewhere_is_refused_with_the_command_that_takes_it() {
    for (kind, command) in [
        ("policy.updated", "apply"),
        ("settings.updated", "apply"),
        ("field.removed", "apply"),
        ("view.updated", "ingest"),
        ("salesforce.linked", "ingest"),
    ] {
        let error = complaint(&format!("{CASES}{}", CREATED.replace("case.created", kind)));
        assert!(
            error.starts_with(&format!("map.toml:11: `event.type`: `{kind}` is no event of a row\nhint: ")),
            "{error}"
        );
        assert!(error.contains(&format!("`casebook {command}`")), "{error}");
    }
}

#[test]
fn a_mapping_for_a_table_that_gets_json_is_named_as_such_and_the_reverse() {
    let answer = br#"{"total": 1, "tickets": [{"case": "a", "n": 1, "at": "2026-01-01T00:00:00Z"}]}"#;
    let error = refusal(&format!("{CASES}{CREATED}"), "t.json", answer);
    assert_eq!(
        error,
        "map.toml:4: no row of the inputs has `case`; among their columns are `tickets`, `total`\n\
         hint: the input is JSON, where columns are paths (`requester.name`) and `rows` leads to the rows of a document; \
         the mapping seems to be for a table"
    );
    let rows = format!("rows = \"tickets[]\"\n{CASES}{CREATED}");
    assert_eq!(shown(&import_files(&rows, &[("t.json", answer)]).0, "customer"), ["case.created a a"]);
    let error = refusal(&rows, "t.csv", b"id,n,at\na,1,2026-01-01T00:00:00Z\n");
    assert!(error.ends_with("hint: `rows` of the mapping leads into JSON, and this input is a table"), "{error}");
    let each = format!("{CASES}{}", CREATED.replace("on = \"first\"", "each = \"tickets[]\""));
    let error = refusal(&each, "t.csv", b"case,n,at\na,1,2026-01-01T00:00:00Z\n");
    assert!(error.contains("it is for JSON, and this input is a table\nhint: "), "{error}");
}

#[test]
fn a_path_of_no_document_is_noted_unless_it_is_optional_or_of_elements_that_there_are_none_of() {
    let mapping = r#"
source = "test"
grace_period = "never"
key = ["id"]
time = "at"
case.id = "id"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = ["who.name", "who.mail"] }
data.text = { column = "subject" }
data.platform = { column = "via", optional = true }
[[event]]
type = "message.received"
each = "parts[]"
data.message = { column = "number" }
data.text = { column = "body" }
"#;
    let absent = |documents: &str| {
        let (_, tally) = import_files(mapping, &[("t.ndjson", documents.as_bytes())]);
        tally.columns_absent.into_iter().collect::<Vec<_>>()
    };
    let row = r#"{"id": 1, "at": "2026-01-01T00:00:00Z", "who": {"mail": null}}"#;
    assert_eq!(absent(row), ["subject"]);
    let more = r#"{"id": 2, "at": "2026-01-01T00:00:00Z", "subject": "", "parts": [{"number": 7}]}"#;
    assert_eq!(absent(&format!("{row}\n{more}\n")), ["body"]);
    assert_eq!(absent("[]"), [""; 0]);
    let error = refusal(mapping, "t.ndjson", row.replace("\"at\"", "\"when\"").as_bytes());
    assert!(
        error.starts_with("map.toml:5: no row of the inputs has `at`; among their columns are `id`, `when`, `who`"),
        "{error}"
    );
}

#[test]
fn a_case_has_an_event_once_of_the_first_row_that_meets_the_conditions() {
    let mapping = format!(
        "{CASES}{CREATED}{}",
        r#"
[[event]]
type = "case.assigned"
on = "once"
when = { column = "state", begins_with = "owner" }
time = { root = "at", plus = { root = "n", unit = "seconds" } }
data.agent = { column = "state", find = "owner (.+)" }
"#
    );
    let table = "case,n,at,state\n\
        a,3,2026-01-01T00:02:00Z,owner ben\n\
        a,2,2026-01-01T00:01:00Z,owner ana\n\
        a,1,2026-01-01T00:00:00Z,new\n\
        b,1,2026-01-01T00:00:00Z,owner \n\
        b,2,2026-01-01T00:01:00Z,owner ana\n\
        c,1,2026-01-01T00:00:00Z,new\n";
    let (events, tally) = import(&mapping, table);
    assert_eq!(
        shown(&events, "agent"),
        ["case.created a null", "case.assigned a ana", "case.created b null", "case.created c null"]
    );
    assert_eq!((&events[2]["id"], &events[2]["time"]), (&json!("a:case.assigned"), &json!("2026-01-01T00:00:01.000Z")));
    assert_eq!(left_out(&tally, "case.assigned", "`state` is empty").count, 1, "the first row decides");
    let later = complaint(&mapping.replace("time = \"at\"", "time = { root = \"at\" }"));
    assert!(later.starts_with("map.toml:6: `time.root`: the root is not known yet here"), "{later}");
}

#[test]
fn a_duration_of_opening_hours_needs_a_calendar_that_has_so_many() {
    let hours = r#"
[calendars.support]
time_zone = "UTC"
hours = { mon = [["09:00", "10:00"]] }
[calendars.none]
time_zone = "UTC"
hours = {}
"#;
    let rule = r#"
[[event]]
type = "case.closed"
on = "row"
time = { column = "at", plus = { column = "state", unit = "hours", calendar = "support" } }
"#;
    let mapping = format!("{CASES}{hours}{rule}");
    // 5 January 2026 is a Monday.
    let table = "case,n,at,state\na,1,2026-01-05T09:30:00Z,1\nb,1,2026-01-05T09:30:00Z,-1\n";
    let (events, tally) = import(&mapping, table);
    assert_eq!(times(&events), ["2026-01-12T09:30:00.000Z"]);
    let negative = "`at`: expected a duration of opening hours, not below 0";
    assert_eq!(left_out(&tally, "case.closed", negative).frequent(1), [("-1", 1)]);
    let never = mapping.replace("calendar = \"support\"", "calendar = \"none\"");
    let error = refusal(&never, "t.csv", b"case,n,at,state\na,1,2026-01-05T09:30:00Z,1\n");
    assert!(error.contains("`at`: the calendar does not have so many opening hours, such as `1`"), "{error}");
    let unknown = complaint(&mapping.replace("calendar = \"support\"", "calendar = \"suport\""));
    assert!(
        unknown
            .ends_with("unknown calendar `suport`, expected one of `none`, `support`\nhint: did you mean `support`?"),
        "{unknown}"
    );
    let absent = complaint(&format!("{CASES}{rule}"));
    assert!(absent.ends_with("no calendar `support`\nhint: state its hours in `[calendars.support]` of the mapping, as desk.toml states them"), "{absent}");
    let wrong = complaint(&mapping.replace("\"09:00\"", "\"9\""));
    assert!(wrong.starts_with("map.toml:10: `calendars.support`: calendar `support`, "), "{wrong}");
}

#[test]
fn rules_go_through_the_list_in_a_cell_and_a_text_that_is_none_is_one_part() {
    let rules = r#"
[[event]]
type = "message.received"
each = { column = "state" }
when = { column = ".", not_equals = "c" }
data.message = { column = "." }
[[event]]
type = "message.sent"
each = { column = "state" }
when = { column = ".", equals = "c" }
data.message = { column = "." }
"#;
    let mapping = format!("{CASES}{rules}");
    let table = "case,n,at,state\n\
        a,1,2026-01-01T00:00:00Z,\"[\"\"a\"\",\"\"\"\",{\"\"b\"\":1}]\"\nb,1,2026-01-01T00:00:00Z,c\nc,1,2026-01-01T00:00:00Z,\n";
    let (events, _) = import(&mapping, table);
    assert_eq!(shown(&events, "message"), ["message.received a a", "message.received a {\"b\":1}", "message.sent b c"]);
    let levels = |mapping: &str| Mapping::parse("map.toml", mapping, Path::new("")).unwrap().levels.len();
    assert_eq!(levels(&mapping), 1, "rules that go through the same share its rows");
    assert_eq!(levels(&mapping.replacen("\"state\" }", "\"state\", separator = \";\" }", 1)), 2);
    assert_eq!(levels(&mapping.replacen("\"state\" }", "\"state\", trim = true }", 1)), 2);
    let both = complaint(&mapping.replacen("\"state\" }", "\"state\", separator = \";\", times = true }", 1));
    assert!(both.contains("found both `separator` and `times`, expected one of them"), "{both}");
}

#[test]
fn an_export_of_freshdesk_without_the_columns_of_features_that_are_off_is_read() {
    let mapping = include_str!("../../../data/mappings/freshdesk-tickets.toml");
    let sample = include_str!("../../../data/samples/freshdesk-tickets.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(sample.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    let off = ["Product", "Survey results", "First response status", "Resolution status", "Agent interactions"];
    let is_kept = |at: &usize| !off.contains(&&rows[0][*at]);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in &rows {
        writer.write_record((0..row.len()).filter(is_kept).map(|at| &row[at])).unwrap();
    }
    let (_, whole) = import(mapping, sample);
    let (_, tally) = import_files(mapping, &[("t.csv", &writer.into_inner().unwrap())]);
    assert_eq!((tally.rows_read, tally.cases, tally.rows_malformed), (whole.rows_read, whole.cases, 0));
    assert_eq!(
        (tally.events["case.created"], tally.events.get("survey.answered")),
        (whole.events["case.created"], None)
    );
}
