//! Event logs in XES.

use super::*;

const EVENTS: &str = r#"
source = "test"
grace_period = "never"
key = ["case:concept:name", "@index"]
time = "time:timestamp"
[case]
id = "case:concept:name"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = ["who", "org:resource"] }
data.fields.tags = { column = "tags", as = "list" }
data.fields.of_tag = { column = "tags/colour" }
data.fields.case = { column = "case:kind" }
data.fields.log = { column = "log:origin" }
"#;

const LOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- A log. -->
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="who" value="UNKNOWN"/></global>
  <classifier name="a" keys="concept:name"/>
  <string key="origin" value="desk"/>
  <trace>
    <string key="concept:name" value="C-1"/>
    <string key="kind" value="a&#10;b &lt;c&gt;"/>
    <event>
      <string key="org:resource" value="ana"/>
      <string key="other" value="x"/>
      <date key="time:timestamp" value="2026-03-02T09:14:00.000+01:00"/>
      <list key="tags"><string key="colour" value="red"/><values><string key="t" value="parcel"/><int key="t" value="7"/></values></list>
    </event>
    <event>
      <date key="time:timestamp" value="2026-03-02T09:15:00.000+01:00"/>
      <string key="who" value=""/>
      <string key="org:resource" value="ben"/>
    </event>
  </trace>
  <trace><string key="concept:name" value="C-2"/></trace>
</log>
"#;

fn xes(text: &str) -> (Vec<Json>, Tally) {
    import_files(EVENTS, &[("log.xes", text.as_bytes())])
}

#[test]
fn an_event_is_a_row_with_attributes_of_its_trace_and_of_the_log() {
    let (events, tally) = xes(LOG);
    assert_eq!(shown(&events, "customer"), ["case.created C-1 ana"]);
    let fields = json!({"tags": ["parcel", "7"], "of_tag": "red", "case": "a\nb <c>", "log": "desk"});
    assert_eq!(events[1]["data"]["fields"], fields);
    assert_eq!(
        (&events[1]["id"], &events[1]["time"]),
        (&json!("C-1/0:case.created"), &json!("2026-03-02T08:14:00.000Z"))
    );
    assert_eq!((tally.rows_read, tally.rows_left_out["trace without events"]), (2, 1));
    // An attribute that is there and empty is the value of the event, also before another name of the column.
    left_out(&tally, "case.created", "`who` is empty");
    let second = LOG.replace(r#"<string key="who" value=""/>"#, "");
    let (events, tally) = xes(&second);
    assert_eq!(shown(&events, "customer"), ["case.created C-1 ana", "case.created C-1 ben"]);
    assert_eq!((&events[2]["id"], &events[2]["sequence"]), (&json!("C-1/1:case.created"), &json!(1)));
    assert_eq!(tally.columns_absent.len(), 0);
}

#[test]
fn a_log_of_any_name_compression_and_encoding_is_the_same_log() {
    let (expected, _) = xes(LOG);
    let log = LOG.replace("ana", "žofie");
    let (other, _) = xes(&log);
    assert_ne!(other, expected);
    let stated = log.replace("UTF-8", "windows-1250");
    let (windows, _, _) = encoding_rs::WINDOWS_1250.encode(&stated);
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(log.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let files: [(&str, Vec<u8>); 5] = [
        ("a.csv", log.clone().into_bytes()),
        ("b.xes.zst", zstd::encode_all(log.as_bytes(), 1).unwrap()),
        ("c", windows.into_owned()),
        ("d.xml", wide),
        ("e.xes", log.replace("UTF-8", "utf-16").replace('\n', "\r\n").into_bytes()),
    ];
    for (name, bytes) in files {
        assert_eq!(import_files(EVENTS, &[(name, &bytes)]).0, other, "{name}");
    }
}

#[test]
fn an_attribute_of_no_event_is_an_error_where_rows_need_it_and_else_noted() {
    let (_, tally) = xes(&LOG.replace("\"kind\"", "\"sort\""));
    assert_eq!(tally.columns_absent.iter().collect::<Vec<_>>(), ["case:kind"]);
    let error = refusal(EVENTS, "log.xes", LOG.replace("time:timestamp", "time:stamp").as_bytes());
    assert!(
        error.starts_with("map.toml:5: no row of the inputs has `time:timestamp`; among their columns are"),
        "{error}"
    );
    assert!(error.contains("`time:stamp`") && error.contains("hint: "), "{error}");
    let empty = "<log/>";
    assert_eq!(xes(empty).1.columns_absent.len(), 0);
}

#[test]
fn an_optional_attribute_of_no_event_is_an_empty_cell() {
    let mapping = EVENTS
        .replace("\"time:timestamp\"", "{ column = \"time:timestamp\", optional = true }")
        .replace("\"case:kind\"", "\"case:kind\", optional = true");
    let log = LOG.replace("time:timestamp", "time:stamp").replace("\"kind\"", "\"sort\"");
    let made = made_of(&mapping, &[("log.xes", log.as_bytes())]);
    let tally = made.outcome.unwrap();
    assert_eq!(tally.columns_absent.len(), 0, "{:?}", tally.columns_absent);
    assert_eq!((made.set_aside.len() as u64, made.events.len()), (tally.rows_read, 1));
    assert_eq!(made.set_aside[0].detail, "`time:timestamp` is empty, expected a time");
}

#[test]
fn a_broken_log_is_refused_with_its_line_and_byte() {
    let cases = [
        (
            LOG.replace("</trace>", ""),
            "log.xes:24: no XML: ill-formed document: expected `</trace>`, but `</log>` was found (byte ",
        ),
        (LOG.replace("</log>", ""), "log.xes:25: the document ends before its elements do (byte "),
        (LOG.replace("&lt;", "&unknown;"), "log.xes:10: no XML: "),
        (LOG.replace("<string key=\"other\"", "<string"), "log.xes:13: found an attribute without a `key` (byte "),
        (
            LOG.replace("log", "feed"),
            "log.xes:3: found the element `feed`, expected `log`, as an event log in XES has it (byte ",
        ),
        ("<log>".repeat(200), "log.xes:1: more than 100 elements are within each other (byte "),
        (
            LOG.replace("</trace>\n  <trace>", "<string key=\"kind\" value=\"late\"/></trace>\n  <trace>"),
            "log.xes:22: `kind` comes after events, expected it before all events that it belongs to (byte ",
        ),
    ];
    for (text, expected) in cases {
        let error = refusal(EVENTS, "log.xes", text.as_bytes());
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_event_that_cannot_be_read_is_set_aside_as_json_that_the_same_mapping_reads() {
    let good = LOG.replace(r#"<string key="who" value=""/>"#, "");
    let log = good.replace("T09:15", " noon");
    let made = made_of(EVENTS, &[("log.xes", log.as_bytes())]);
    let row = &made.set_aside[0];
    assert_eq!((made.set_aside.len(), row.line), (1, 17));
    let repaired = String::from_utf8(row.bytes.clone()).unwrap().replace(" noon", "T09:15");
    let (again, _) = import_files(EVENTS, &[("repaired.ndjson", repaired.as_bytes())]);
    let (events, _) = xes(&good);
    assert_eq!(again[1], events[2]);
    let twice = LOG.replace(r#"<string key="other" value="x"/>"#, r#"<string key="org:resource" value="x"/>"#);
    let made = made_of(EVENTS, &[("log.xes", twice.as_bytes())]);
    assert_eq!(made.set_aside[0].detail, "the attribute `org:resource` is there twice");
}

#[test]
fn the_mapping_of_logs_finds_statuses_in_transitions_and_activities() {
    let mapping = include_str!("../../../data/mappings/xes.toml");
    let event = |activity: &str, transition: &str, second: usize| {
        format!(
            r#"<event><string key="concept:name" value="{activity}"/><string key="lifecycle:transition" value="{transition}"/>
            <date key="time:timestamp" value="2026-03-02T09:14:{second:02}"/><string key="Priority" value="x"/></event>"#
        )
    };
    let words = [
        ("Completed", "In Call"),
        ("Accepted", "Wait - User"),
        ("Register", "START"),
        ("Register", "complete"),
        ("Queued", "complete"),
        ("Reopened", "complete"),
        ("Close Ticket", "complete"),
        ("Ask", "suspend"),
    ];
    let events: String =
        (0..).zip(words).map(|(second, (activity, transition))| event(activity, transition, second)).collect();
    let log = format!(r#"<log><trace><string key="concept:name" value="T"/>{events}</trace></log>"#);
    let (events, tally) = import_files(mapping, &[("log.xes", log.as_bytes())]);
    let statuses = shown(&events, "status");
    let statuses: Vec<&str> =
        statuses.iter().filter_map(|shown| shown.strip_prefix("case.status_changed T ")).collect();
    assert_eq!(statuses, ["done", "pending", "open", "new", "open", "done", "on_hold"]);
    let left = left_out(&tally, "case.status_changed", "`concept:name` is not in the map");
    assert_eq!(left.frequent(3), [("register", 1)]);
    assert!(tally.columns_absent.contains("org:resource"), "{:?}", tally.columns_absent);
}
