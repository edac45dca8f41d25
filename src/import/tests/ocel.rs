//! Event logs in OCEL 2.0: the same log in JSON, XML and SQLite, and what is wrong in each.

use rusqlite::Connection;

use super::*;

mod written;

use written::{in_sqlite, in_xml, xml_parts};

/// The sample that comes with the program.
const SAMPLE: &str = include_str!("../../../data/samples/ocel.json");

const OF_TICKETS: &str = r#"
source = "test"
grace_period = "never"
rows = "objects[]"
key = ["../id", "id"]
sequence = { text = "0" }
[[filter]]
column = "type"
equals = "ticket"
[time]
column = "../time"
zone = "UTC"
[case]
id = "id"
[[event]]
type = "case.created"
on = "row"
[event.data]
customer = { column = "../objects[type=customer].id", default = { column = "related[type=customer].id", default = { column = "id" } } }
[event.data.fields]
what = { column = "../type" }
name = { column = "../objects[type=customer].attributes.name" }
by = { column = "../objects[qualifier=by].id" }
assignee = { column = "../objects[qualifier=assignee].id" }
priority = { column = "attributes.priority" }
vip = { column = "attributes.vip", as = "boolean" }
value = { column = "attributes.value" }
promised = { column = "attributes.promised" }
reopenings = { column = "attributes.reopenings", as = "integer" }
changed = { column = "../attributes.priority" }
minutes = { column = "../attributes.minutes" }
"#;

fn sample() -> Json {
    serde_json::from_str(SAMPLE).unwrap()
}

/// A log with one ticket, one agent and these events.
fn log_of(events: &[Json]) -> Json {
    json!({
        "eventTypes": [{"name": "Create", "attributes": [{"name": "minutes", "type": "integer"}]}],
        "objectTypes": [{"name": "ticket", "attributes": [{"name": "priority", "type": "string"}]}, {"name": "agent", "attributes": []}],
        "events": events,
        "objects": [
            {"id": "T-1", "type": "ticket", "attributes": [{"name": "priority", "time": "1970-01-01T00:00:00Z", "value": "low"}]},
            {"id": "A-1", "type": "agent"},
        ],
    })
}

fn created(id: &str, time: &str, objects: &[&str]) -> Json {
    let related: Vec<Json> = objects.iter().map(|id| json!({"objectId": id, "qualifier": ""})).collect();
    json!({"id": id, "type": "Create", "time": time, "attributes": [], "relationships": related})
}

/// A log in each format.
fn in_every_format(log: &Json) -> [(&'static str, Vec<u8>); 3] {
    [("log.json", log.to_string().into_bytes()), ("log.xml", in_xml(log).into_bytes()), ("log.sqlite", in_sqlite(log))]
}

/// The custom fields of the events of a case, in the order of time.
fn fields_of(events: &[Json], case: &str) -> Vec<(String, Json)> {
    let of_case = events.iter().filter(|event| event["subject"] == case);
    let mut fields: Vec<(String, Json)> =
        of_case.map(|event| (event["time"].as_str().unwrap().to_owned(), event["data"]["fields"].clone())).collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}

#[test]
fn a_row_is_an_event_with_one_of_its_objects_and_has_the_values_of_then() {
    let (events, tally) = import_files(OF_TICKETS, &[("log.json", SAMPLE.as_bytes())]);
    let first = json!({
        "what": "Create Ticket", "name": "Petra <Vole> & \"Co\"", "priority": "low", "vip": true, "value": "12",
        "promised": "2026-03-02T12:00:00Z",
    });
    let fields = fields_of(&events, "T-1");
    assert_eq!(fields[0], ("2026-03-02T08:14:05.120Z".to_owned(), first));
    let priorities: Vec<(&str, &Json)> =
        fields.iter().map(|(_, fields)| (fields["what"].as_str().unwrap(), &fields["priority"])).collect();
    let expected = [
        ("Create Ticket", "low"),
        ("Assign Ticket", "low"),
        ("@change", "high"),
        ("Waiting for Customer", "high"),
        ("Resolve Ticket", "high"),
        ("Reopen Ticket", "high"),
        ("@change", "high"),
        ("Resolve Ticket", "high"),
    ];
    let expected: Vec<(&str, Json)> = expected.into_iter().map(|(what, priority)| (what, json!(priority))).collect();
    assert_eq!(priorities, expected.iter().map(|(what, priority)| (*what, priority)).collect::<Vec<_>>());
    assert_eq!((&fields[2].1["changed"], &fields[3].1["changed"]), (&json!("high"), &Json::Null));
    assert_eq!((&fields[4].1["minutes"], &fields[7].1["minutes"]), (&json!("7.5"), &json!("3")));
    assert_eq!((&fields[4].1["reopenings"], &fields[5].1["reopenings"]), (&Json::Null, &json!(1)));
    // Ana and Ben are related to the assignment, Ben twice; the customer of T-2 is an object of the ticket.
    let second = fields_of(&events, "T-2");
    assert_eq!((&second[1].1["by"], &second[1].1["assignee"]), (&json!("A-ana"), &json!("A-ben")));
    let customers = shown(&events, "customer");
    assert!(customers.contains(&"case.created T-2 C-ivo".to_owned()), "{customers:?}");
    assert!(customers.contains(&"case.created T-3 C-žofie".to_owned()), "{customers:?}");
    let left_out: Vec<(&str, u64)> = tally.rows_left_out.iter().map(|(why, count)| (why.as_str(), *count)).collect();
    assert_eq!(left_out, [("event without objects", 1), ("object without events", 2)]);
    assert_eq!((tally.rows_malformed, tally.columns_absent.len()), (0, 0));
}

#[test]
fn the_same_log_is_the_same_in_every_format_whatever_the_order_of_its_parts() {
    let key = "key = [\"../id\", \"id\"]\n";
    for mapping in [OF_TICKETS.to_owned(), OF_TICKETS.replace(key, "")] {
        let (expected, tally) = import_files(&mapping, &[("log.json", SAMPLE.as_bytes())]);
        let sorted = |mut events: Vec<Json>| {
            events.sort_by_key(|event| event["id"].to_string());
            events
        };
        let expected = sorted(expected);
        let log = sample();
        // Relations of an event have no order either.
        let mut backwards = log.clone();
        for event in backwards["events"].as_array_mut().unwrap() {
            event["relationships"].as_array_mut().unwrap().reverse();
        }
        let reversed = format!(
            "\u{feff}\n{{ \"events\": {}, \"objects\": {}, \"other\": [1], \"eventTypes\": {}, \"objectTypes\": {} }}\n",
            backwards["events"], log["objects"], log["eventTypes"], log["objectTypes"]
        );
        let of_parts: String = xml_parts(&log).into_iter().rev().collect();
        let wide = format!("\u{feff}<log>{of_parts}</log>").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let formats = in_every_format(&log).into_iter().chain([
            ("reversed.json", reversed.into_bytes()),
            ("reversed.xml", wide),
            ("log.json.gz", zstd::encode_all(SAMPLE.as_bytes(), 1).unwrap()),
            ("log.sqlite.zst", zstd::encode_all(in_sqlite(&log).as_slice(), 1).unwrap()),
        ]);
        for (name, bytes) in formats {
            let (events, other) = import_files(&mapping, &[(name, &bytes)]);
            assert_eq!(sorted(events), expected, "{name}");
            assert_eq!((other.rows_read, &other.rows_left_out), (tally.rows_read, &tally.rows_left_out), "{name}");
        }
    }
}

#[test]
fn times_have_fractions_and_any_offset_or_none() {
    let times = [
        ("2026-03-02T09:14:05.120+01:00", "2026-03-02T08:14:05.120Z"),
        ("2026-03-02 08:14:05.120", "2026-03-02T08:14:05.120Z"),
        ("2026-03-02 08:14:05.120000+00:00", "2026-03-02T08:14:05.120Z"),
        ("2026-03-02T08:14:05Z", "2026-03-02T08:14:05.000Z"),
        ("2026-03-02", "2026-03-02T00:00:00.000Z"),
    ];
    for (written, expected) in times {
        for (name, bytes) in in_every_format(&log_of(&[created("e1", written, &["T-1"])])) {
            let (events, _) = import_files(OF_TICKETS, &[(name, &bytes)]);
            assert_eq!(events[1]["time"], expected, "{name}: {written}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_set_aside_with_its_reason_and_the_rest_is_read() {
    let good = created("e1", "2026-03-02T08:00:00Z", &["T-1"]);
    let with = |id: &str, change: &dyn Fn(&mut Json)| {
        let mut event = created(id, "2026-03-02T09:00:00Z", &["T-1"]);
        change(&mut event);
        event
    };
    let everywhere = [
        (
            created("e2", "noon", &["T-1"]),
            "event `e2`: `time`: found `noon`, expected a time such as 2026-03-02T09:14:05.120Z",
        ),
        (
            created("e3", "2026-03-02T09:00:00Z", &["T-9"]),
            "event `e3`: it is related to the object `T-9`, which the log does not have",
        ),
        (
            with("e4", &|event| event["attributes"] = json!([{"name": "minutes", "value": "few"}])),
            "event `e4`: attribute `minutes`: found `few`, expected an integer, as its type declares it",
        ),
        (with("e5", &|event| event["time"] = Json::Null), "event `e5`: it has no `time`"),
    ];
    for (event, reason) in everywhere {
        for (name, bytes) in in_every_format(&log_of(&[good.clone(), event])) {
            let made = made_of(OF_TICKETS, &[(name, &bytes)]);
            let tally = made.outcome.unwrap();
            assert_eq!((made.events.len(), tally.rows_malformed), (2, 1), "{name}: {reason}");
            assert_eq!(made.set_aside[0].detail, reason, "{name}");
            assert!(made.set_aside[0].file.ends_with(name));
        }
    }
    let in_json = [
        (json!(7), "event ``: found `7`, expected an object of JSON"),
        (
            with("e6", &|event| event["time"] = json!(1_772_409_600)),
            "event `e6`: `time`: found `1772409600`, expected a text",
        ),
        (
            with("e7", &|event| event["relationships"] = json!({})),
            "event `e7`: `relationships`: found `{}`, expected an array",
        ),
        (
            with("e8", &|event| event["relationships"] = json!([{"qualifier": "x"}])),
            "event `e8`: `relationships`: found `{\"qualifier\":\"x\"}` without `objectId`",
        ),
        (
            with("e9", &|event| event["attributes"] = json!([{"name": "minutes", "value": [1]}])),
            "event `e9`: `attributes`: `minutes`: found `[1]`, expected a text, a number, `true` or `false`",
        ),
        (with("", &|_| {}), "event ``: it has no `id`"),
        (with("e10", &|event| event["type"] = json!("")), "event `e10`: it has no `type`"),
    ];
    for (event, reason) in in_json {
        let made = made_of(OF_TICKETS, &[("log.json", log_of(&[good.clone(), event]).to_string().as_bytes())]);
        assert_eq!((made.events.len(), made.set_aside[0].detail.as_str()), (2, reason));
    }
}

#[test]
fn a_row_that_was_set_aside_is_read_by_the_same_mapping_once_it_is_repaired() {
    let events = |time: &str| [created("e1", "2026-03-02T08:00:00Z", &["T-1"]), created("e2", time, &["T-1", "A-1"])];
    let good = log_of(&events("2026-03-02T09:00:00+01:00")).to_string();
    let made = made_of(OF_TICKETS, &[("log.json", log_of(&events("noon")).to_string().as_bytes())]);
    let repaired =
        String::from_utf8(made.set_aside[0].bytes.clone()).unwrap().replace("noon", "2026-03-02T09:00:00+01:00");
    let (again, _) = import_files(OF_TICKETS, &[("repaired.ndjson", repaired.as_bytes())]);
    let (expected, _) = import_files(OF_TICKETS, &[("log.json", good.as_bytes())]);
    assert_eq!(again[1], expected[2]);
}

#[test]
fn an_object_that_cannot_be_read_is_set_aside_and_so_are_its_events() {
    let events =
        [created("e1", "2026-03-02T08:00:00Z", &["T-1"]), created("e2", "2026-03-02T09:00:00Z", &["T-2", "T-1"])];
    let mut log = log_of(&events);
    let late =
        json!({"id": "T-2", "type": "ticket", "attributes": [{"name": "priority", "time": "noon", "value": "low"}]});
    log["objects"].as_array_mut().unwrap().push(late);
    for (name, bytes) in in_every_format(&log) {
        let made = made_of(OF_TICKETS, &[(name, &bytes)]);
        let reasons: Vec<&str> = made.set_aside.iter().map(|row| row.detail.as_str()).collect();
        let expected = [
            "object `T-2`: the time of its attribute `priority`: found `noon`, expected a time such as 2026-03-02T09:14:05.120Z",
            "event `e2`: it is related to the object `T-2`, which the log does not have",
        ];
        assert_eq!((reasons.as_slice(), made.events.len()), (&expected[..], 2), "{name}");
    }
    log["objects"][2] = log["objects"][0].clone();
    let made = made_of(OF_TICKETS, &[("log.json", log.to_string().as_bytes())]);
    assert_eq!(made.set_aside[0].detail, "object `T-1`: the log has two objects of this `id`");
}

#[test]
fn what_is_no_log_or_a_broken_one_is_refused_with_what_was_found() {
    let log = log_of(&[created("e1", "2026-03-02T08:00:00Z", &["T-1"])]);
    let (json, xml) = (log.to_string(), in_xml(&log));
    let texts = [
        (
            "log.json",
            json.replace("\"objects\"", "\"things\""),
            "log.json: the log has no array `objects`, expected it beside ",
        ),
        (
            "log.json",
            json.replace("\"events\":[", "\"events\":{},\"x\":["),
            "log.json: the log has no array `events`, expected it beside ",
        ),
        ("log.json", json.split_at(json.len() - 10).0.to_owned(), "log.json:1: not JSON: EOF while parsing "),
        (
            "log.xml",
            xml.replace("</events>", ""),
            "log.xml:22: no XML: ill-formed document: expected `</events>`, but `</log>` was found (byte ",
        ),
        (
            "log.xml",
            xml.replace("<attribute name", "<attribute nam"),
            "log.xml:4: found an `attribute` without a `name` (byte ",
        ),
        (
            "log.xml",
            xml.replace("low", "&low;"),
            "log.xml:10: no XML: found the entity `&low;`, which XML does not have (byte ",
        ),
        (
            "log.json",
            r#"{"ocel:global-log": {"ocel:version": "1.0"}}"#.to_owned(),
            "log.json: found an event log in OCEL 1.0, expected a table or JSON, as `import` reads them\nhint: convert it to OCEL 2.0, ",
        ),
        (
            "log.xml",
            "<log>\n<objects>\n<object><string key=\"id\" value=\"T-1\"/></object></objects></log>".to_owned(),
            "log.xml:3: found the element `string`, as OCEL 1.0 has it, expected a log in OCEL 2.0 (byte 54)\nhint: convert it, ",
        ),
    ];
    for (name, text, expected) in texts {
        let error = refusal(OF_TICKETS, name, text.as_bytes());
        assert!(error.starts_with(expected), "{error}");
    }
    let changed = |sql: &str| written::database(&log, |database| database.execute_batch(sql).unwrap());
    let databases = [
        (
            "DROP TABLE event_object",
            "log.db: found an SQLite database with the tables `event`, `event_create`, `event_map_type`, `object`, `object_agent`, \
             `object_map_type`, `object_object`, `object_ticket`, expected an event log in OCEL 2.0, which has a table `event_object`\n\
             hint: export a table of it as CSV; a mapping reads CSV, too",
        ),
        (
            "DROP TABLE \"event_Create\"",
            "log.db: no table `event_Create`, which `event_map_type` names for the type `Create`",
        ),
    ];
    for (sql, expected) in databases {
        assert_eq!(refusal(OF_TICKETS, "log.db", &changed(sql)), expected);
    }
    let cut = &in_sqlite(&log)[..5000];
    let error = refusal(OF_TICKETS, "log.db", cut);
    assert!(error.starts_with("log.db: the SQLite database cannot be read: "), "{error}");
    let made = made_of(OF_TICKETS, &[("log.db", &changed("UPDATE event SET ocel_type = 'Other'"))]);
    assert_eq!(made.set_aside[0].detail, "event `e1`: `ocel_type`: `event_map_type` has no table for the type `Other`");
}

#[test]
fn a_column_that_no_event_has_is_an_error_where_rows_need_it_and_else_noted() {
    let (_, tally) =
        import_files(&OF_TICKETS.replace("attributes.vip", "attributes.VIP"), &[("log.json", SAMPLE.as_bytes())]);
    assert_eq!(tally.columns_absent.iter().collect::<Vec<_>>(), ["attributes.VIP"]);
    let error = refusal(&OF_TICKETS.replace("\"../time\"", "\"../tine\""), "log.json", SAMPLE.as_bytes());
    assert!(error.contains("no row of the inputs has `tine`; among their columns are `attributes`, "), "{error}");
    assert!(error.contains(", `attributes.channel`, ") && error.ends_with("hint: did you mean `time`?"), "{error}");
    let table = "source = \"test\"\ngrace_period = \"never\"\ntime = \"at\"\ncase.id = \"id\"\n\
                 [[event]]\ntype = \"case.created\"\non = \"row\"\ndata.customer = { column = \"who\" }\n";
    let error = refusal(table, "log.json", SAMPLE.as_bytes());
    assert!(error.contains("the input is an event log in OCEL, which the built-in mapping `ocel` reads; "), "{error}");
}

#[test]
fn a_document_of_json_that_begins_as_a_log_is_still_a_document() {
    let document = r#"{"events": [{"id": "e1", "at": "2026-03-02T08:00:00Z", "type": "x"}], "objects": []}"#;
    let mapping = "source = \"test\"\ngrace_period = \"never\"\nrows = \"events[]\"\ntime = \"at\"\ncase.id = \"id\"\n\
                   [[event]]\ntype = \"case.created\"\non = \"row\"\ndata.customer = { column = \"id\" }\n";
    let (events, _) = import_files(mapping, &[("a.json", document.as_bytes())]);
    assert_eq!(shown(&events, "customer"), ["case.created e1 e1"]);
}
