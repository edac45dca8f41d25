//! What `ingest` reads: folders and patterns, arrays, tables, streams that never end; and the way out of the quarantine.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use casebook::generate::{Plan, write_events};
use casebook::wire::line::LINE_BYTES_MAX;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::project::{Project, Row, of_repository};

fn closed(id: &str) -> String {
    let time = "2026-03-02T09:00:00Z";
    json!({"id": id, "source": "test", "type": "case.closed", "subject": "C", "time": time}).to_string()
}

#[test]
fn a_folder_is_read_whole_in_the_order_of_names_so_that_the_first_of_two_contents_stays() {
    let project = Project::new();
    project.write("feeds/b.ndjson", closed("same").replace("\"C\"", "\"late\""));
    project.write("feeds/a/x.jsonl", closed("same").replace("\"C\"", "\"early\""));
    project.write("feeds/a/readme.txt", "no events");
    let ran = project.run(&["ingest", "feeds", "--format", "json"]);
    assert_eq!((&ran.summary(1)["added"], &ran.summary(1)["conflicts"]), (&json!(1), &json!(1)));
    assert_eq!(project.value("SELECT subject FROM events"), "early");
    assert!(ran.stderr.starts_with("note: skipped feeds/a/readme.txt: "), "{}", ran.stderr);
}

#[test]
fn a_pattern_is_taken_as_a_shell_takes_it_and_none_found_is_not_done() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write(&format!("feeds/{name}.ndjson"), closed(name));
    }
    assert_eq!(project.ingest(&["feeds/*.ndjson"], 0)["added"], 2);
    let none = project.run(&["ingest", "feeds/*.csv"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.starts_with("error: feeds/*.csv: no file matches this pattern\nhint: "), "{}", none.stderr);
    std::fs::create_dir(project.path("empty")).unwrap();
    let empty = project.run(&["ingest", "empty"]);
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.starts_with("error: empty: found no file of events in this folder\n"), "{}", empty.stderr);
}

/// Events of a generated desk.
fn generated() -> Vec<u8> {
    let mut bytes = Vec::new();
    write_events(&Plan { cases: 60, seed: 7, days: 20 }, &mut bytes).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What `quarantine list` shows of each line: file, line, offset, rule, text.
fn set_aside(project: &Project) -> Vec<Value> {
    let ran = project.run(&["quarantine", "list", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    rows.iter().map(|row| json!([row["file"], row["line"], row["offset"], row["rule"], row["text"]])).collect()
}

#[test]
fn an_array_of_events_is_the_events_packed_or_not_from_a_file_or_a_pipe() {
    let events = generated();
    let values: Vec<Value> = serde_json::Deserializer::from_slice(&events).into_iter().map(Result::unwrap).collect();
    let project = Project::new();
    assert_eq!(project.ingest(&[project.write("events.ndjson", &events)], 0)["added"], values.len());
    let array = serde_json::to_vec_pretty(&values).unwrap();
    project.write("a.json", &array);
    project.write("b.json.gz", gzip(&array));
    project.write("c.json.zst", zstd::encode_all(&array[..], 3).unwrap());
    let again = project.ingest(&["a.json", "b.json.gz", "c.json.zst"], 0);
    assert_eq!((&again["read"], &again["duplicates"]), (&json!(3 * values.len()), &json!(3 * values.len())));
    assert_eq!(again["bytes"], 3 * array.len());
    let mut child = project.start(&["ingest", "-", "--summary", "json"]);
    child.stdin.take().unwrap().write_all(serde_json::to_string(&values).unwrap().as_bytes()).unwrap();
    assert_eq!(Project::wait(child).summary(0)["duplicates"], values.len());
}

#[test]
fn a_broken_array_keeps_the_elements_before_the_break_and_sets_the_rest_aside_as_one_line() {
    let project = Project::new();
    let head = format!("[{},\n {{\"id\":\"no event\"}},\n{}", closed("a"), closed("b"));
    project.write("broken.json", format!("{head},\n{{\"id\":\"c\"]}},\n{}]", closed("d")));
    let summary = project.ingest(&["broken.json"], 1);
    assert_eq!((&summary["read"], &summary["added"], &summary["quarantined"]), (&json!(4), &json!(2), &json!(2)));
    let (second, rest) = (closed("a").len() + 4, head.len() + 2);
    let expected = [
        json!(["broken.json", 2, second, "missing_attribute", "{\"id\":\"no event\"}"]),
        json!(["broken.json", 4, rest, "invalid_json", format!("{{\"id\":\"c\"]}},\n{}]", closed("d"))]),
    ];
    assert_eq!(set_aside(&project), expected);
}

/// All but the events of deleted cases, of which SQL shows only that they existed.
#[test]
fn what_sql_exports_of_the_events_is_ingested_again_as_the_same_events() {
    let project = Project::new();
    project.ingest(&[project.write("events.ndjson", generated())], 0);
    let query = |columns: &str| format!("SELECT {columns} FROM events WHERE data IS NOT NULL");
    let events = query("* EXCEPT (ingested_at, batch)") + " ORDER BY time, source, id";
    let (count, expected) = (project.value(&query("count(*)")), project.rows(&events));
    for name in ["exported.csv", "exported.parquet"] {
        let ran = project.run(&["sql", &query("*"), "-o", name]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let again = project.ingest(&[name], 0);
        assert_eq!((&again["read"], &again["duplicates"]), (&count, &count), "{name}");
        let other = Project::new();
        other.ingest(&[project.path(name)], 0);
        assert!(other.rows(&events) == expected, "{name}");
    }
}

const MEMBERS: &str = "\
id,source,type,subject,time,sequence,data.customer,data.fields,data.field,data.value,data.automatic,data.agent,ignored
1,t,case.created,A,2026-03-02T09:00:00Z,,c,\"{\"\"color\"\":\"\"red\"\"}\",,,,,x
2,t,case.field_changed,A,2026-03-02T10:00:00+01:00,2,,,color,null,,,x
3,t,case.assigned,A,2026-03-02T09:05:00Z,,,,,,TRUE,ana,x
";

#[test]
fn members_in_columns_are_read_as_what_they_are_to_their_event() {
    let expected = [
        json!([{"customer": "c", "fields": {"color": "red"}}, 0]),
        json!([{"field": "color", "value": null}, 2]),
        json!([{"automatic": true, "agent": "ana"}, 0]),
    ];
    for (name, content) in [
        ("a.csv", MEMBERS.as_bytes().to_vec()),
        ("a.csv.gz", gzip(MEMBERS.replace('\n', "\r\n").as_bytes())),
        ("a.tsv", MEMBERS.replace(',', "\t").into_bytes()),
    ] {
        let project = Project::new();
        project.write(name, content);
        project.ingest(&[name], 0);
        let rows = project.rows("SELECT data, sequence FROM events ORDER BY id");
        let data = |row: &Row| serde_json::from_str::<Value>(row["data"].as_str().unwrap()).unwrap();
        let found: Vec<Value> = rows.iter().map(|row| json!([data(row), row["sequence"]])).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_row_that_is_no_event_is_set_aside_by_its_line_and_the_others_are_in() {
    let project = Project::new();
    let good = "1,t,case.created,A,2026-03-02T09:00:00Z,c,false\n";
    let (local, ragged) = ("2,t,case.created,B,2026-03-02T09:00:00,c,\n", "3,t,\"case,created\",C\n");
    let flag = "4,t,case.assigned,A,2026-03-02T09:00:00Z,,yes\n";
    let head = "id,source,type,subject,time,data.customer,data.automatic\n";
    project.write("rows.csv", format!("{head}{good}{local}{ragged}{flag}"));
    let summary = project.ingest(&["rows.csv"], 1);
    assert_eq!((&summary["read"], &summary["added"], &summary["quarantined"]), (&json!(4), &json!(1), &json!(3)));
    let found: Vec<Value> = set_aside(&project).iter().map(|row| json!([row[1], row[2], row[3]])).collect();
    let offsets = [head.len() + good.len(), head.len() + good.len() + local.len()];
    let last = offsets[1] + ragged.len();
    let expected = [
        json!([3, offsets[0], "time_without_offset"]),
        json!([4, offsets[1], "invalid_csv"]),
        json!([5, last, "missing_member"]),
    ];
    assert_eq!(found, expected);
    assert_eq!(set_aside(&project)[1][4], "3,t,\"case,created\",C");
}

#[test]
fn a_table_without_the_columns_of_events_is_not_read() {
    let project = Project::new();
    project.write("tickets.csv", "ticket,who\n1,ana\n");
    project.write("torn.parquet", "PAR1");
    let stderr = |name: &str| {
        let ran = project.run(&["ingest", name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        ran.stderr
    };
    let columns = stderr("tickets.csv");
    assert!(columns.starts_with("error: tickets.csv:1: no column `id`, which every event has\nhint: "), "{columns}");
    let torn = stderr("torn.parquet");
    assert!(torn.starts_with("error: torn.parquet: not a Parquet file that can be read: "), "{torn}");
}

/// Columns with types, as another program writes them.
fn parquet_of(time: TimestampMicrosecondArray) -> Vec<u8> {
    let texts = |texts: [&str; 2]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", texts(["1", "2"]), false),
        ("source", texts(["t", "t"]), false),
        ("type", texts(["user.updated", "user.updated"]), false),
        ("subject", texts(["ana", "ben"]), false),
        ("time", Arc::new(time) as ArrayRef, false),
        ("sequence", Arc::new(Int32Array::from(vec![Some(4), None])), true),
        ("data.capacity", Arc::new(Int64Array::from(vec![Some(7), None])), true),
        ("data.bot", Arc::new(BooleanArray::from(vec![None, Some(true)])), true),
    ]);
    let batch = batch.unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn instants() -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(vec![1_772_442_000_000_999, 1_772_442_000_500_000])
}

#[test]
fn columns_with_types_keep_them_and_a_timestamp_needs_a_zone() {
    let project = Project::new();
    project.write("zoned.parquet", parquet_of(instants().with_timezone("Europe/Prague")));
    assert_eq!(project.ingest(&["zoned.parquet"], 0)["added"], 2);
    let rows = project.rows("SELECT time, sequence, data FROM events ORDER BY id");
    let found: Vec<Value> = rows.iter().map(|row| json!([row["time"], row["sequence"], row["data"]])).collect();
    let expected = [
        json!(["2026-03-02T09:00:00.000Z", 4, "{\"capacity\":7}"]),
        json!(["2026-03-02T09:00:00.500Z", 0, "{\"bot\":true}"]),
    ];
    assert_eq!(found, expected);
    project.write("local.parquet", parquet_of(instants()));
    assert_eq!(project.ingest(&["local.parquet"], 1)["quarantined"], 2);
    let found: Vec<Value> = set_aside(&project).iter().map(|row| json!([row[1], row[3]])).collect();
    assert_eq!(found, [json!([1, "time_without_offset"]), json!([2, "time_without_offset"])]);
}

/// Files under names that promise events, and what each of them is.
fn not_events() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let spreadsheet = std::fs::read(of_repository("../shared/cases/case-5.xlsx"));
    let spreadsheet =
        spreadsheet.unwrap_or_else(|_| b"PK\x03\x04\x14\0\0\0\x08\0docProps/app.xml\0xl/workbook.xml".into());
    let xes = b"<?xml version='1.0' encoding='UTF-8'?>\n<log xes.version='1.0'>\n<trace>\n".to_vec();
    let table = "id,source,type,subject,time\n1,t,case.closed,C,2026-03-02T09:00:00Z\n";
    vec![
        ("a.xlsx", spreadsheet.clone(), "a spreadsheet (XLSX), expected events as JSON"),
        ("b.csv", spreadsheet, "a spreadsheet (XLSX), expected a CSV table with a header line"),
        ("c.xes", xes.clone(), "an event log in XES, expected events as JSON"),
        ("d.json.gz", gzip(&xes), "an event log in XES, expected events as JSON"),
        ("e.ndjson", b"PK\x03\x04\x14\0\0\0\0\0events.ndjson".to_vec(), "a ZIP archive, expected events as JSON"),
        ("f.pdf", b"%PDF-1.7\n%\xe2\xe3\n".to_vec(), "a PDF document, expected events as JSON"),
        ("g.ndjson", b"SQLite format 3\0\x10\0".to_vec(), "an SQLite database, expected events as JSON"),
        ("h.csv", b"\n <!DOCTYPE html>\n<html>".to_vec(), "an HTML page, expected a CSV table with a header line"),
        ("i.ndjson.gz", gzip(&gzip(b"{}\n")), "data compressed with gzip, expected events as JSON"),
        ("j.ndjson", utf_16(&closed("a")), "UTF-16 text, expected events as JSON"),
        ("k.csv", [&b"\xff\xfe"[..], &utf_16(table)].concat(), "UTF-16 text, expected a CSV table with a header line"),
        ("l.csv", parquet_of(instants()), "a Parquet file, expected a CSV table with a header line"),
        ("m.parquet", table.into(), "no Parquet data, expected a Parquet file"),
        ("n.tsv", format!("{}\n", closed("a")).into(), "JSON, expected a TSV table with a header line"),
        (
            "p.json",
            b"\n{ \"objectTypes\": [{\"name\": \"ticket\"}]".to_vec(),
            "an event log in OCEL, expected events as JSON",
        ),
        (
            "q.csv",
            b"<?xml version='1.0'?>\n<log>\n<object-types>".to_vec(),
            "an event log in OCEL, expected a CSV table with a header line",
        ),
        ("o.ndjson", b"\x7fELF\x02\x01\x01\0\0\0".to_vec(), "binary data, expected events as JSON"),
    ]
}

#[test]
fn a_file_that_is_not_what_it_seems_is_refused_whole_and_nothing_of_the_command_is_added() {
    let project = Project::new();
    project.write("good.ndjson", closed("good"));
    project.ingest(&["good.ndjson"], 0);
    project.write("more.ndjson", closed("more"));
    for (name, content, expected) in not_events() {
        project.write(name, content);
        for command in [&["ingest", "more.ndjson"][..], &["quarantine", "retry", "more.ndjson"]] {
            let ran = project.run(&[command, &[name]].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}: {}", ran.stderr);
            let start = format!("error: {name}: found {expected}\nhint: ");
            assert!(ran.stderr.starts_with(&start), "{name}: {}", ran.stderr);
        }
    }
    assert_eq!(project.value("SELECT count(*) FROM events"), 1);
    assert!(set_aside(&project).is_empty());
}

#[test]
fn a_pipe_and_a_followed_file_of_another_format_are_refused() {
    let project = Project::new();
    let mut child = project.start(&["ingest", "-"]);
    child.stdin.take().unwrap().write_all(&gzip(&generated())).unwrap();
    let piped = Project::wait(child);
    assert_eq!(piped.code, 2);
    assert!(
        piped.stderr.starts_with("error: -: found data compressed with gzip, expected events as JSON\n"),
        "{}",
        piped.stderr
    );
    project.write("feed.ndjson", b"%PDF-1.7\n");
    let followed = project.run(&["ingest", "--follow", "feed.ndjson"]);
    assert_eq!(followed.code, 2);
    assert!(followed.stderr.starts_with("error: feed.ndjson: found a PDF document, "), "{}", followed.stderr);
    assert!(set_aside(&project).is_empty());
}

#[test]
fn a_compressed_file_is_recognised_under_any_name_and_one_that_is_not_compressed_is_refused_by_its_name() {
    let events = generated();
    let lines = events.iter().filter(|byte| **byte == b'\n').count();
    let project = Project::new();
    project.write("a.ndjson", gzip(&events));
    assert_eq!(project.ingest(&["a.ndjson"], 0)["added"], lines);
    project.write("b.ndjson.gz", zstd::encode_all(&events[..], 3).unwrap());
    assert_eq!(project.ingest(&["b.ndjson.gz"], 0)["duplicates"], lines);
    project.write("c.ndjson.gz", &events);
    let ran = project.run(&["ingest", "c.ndjson.gz"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with("error: c.ndjson.gz: found data that is not compressed, expected "),
        "{}",
        ran.stderr
    );
}

fn pretty(id: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<Value>(&closed(id)).unwrap()).unwrap()
}

#[test]
fn events_over_several_lines_are_events_from_a_file_or_a_pipe() {
    let project = Project::new();
    project.write("one.json", pretty("a"));
    assert_eq!(project.ingest(&["one.json"], 0)["added"], 1);
    project.write(
        "several.json",
        format!("\u{feff}\r\n{}\r\n{}\n\n{}", pretty("b").replace('\n', "\r\n"), closed("c"), pretty("d")),
    );
    assert_eq!(project.ingest(&["several.json"], 0)["added"], 3);
    project.write("packed.json.gz", gzip(pretty("a").as_bytes()));
    assert_eq!(project.ingest(&["packed.json.gz"], 0)["duplicates"], 1);
    let mut child = project.start(&["ingest", "-", "--summary", "json"]);
    child.stdin.take().unwrap().write_all(pretty("e").as_bytes()).unwrap();
    assert_eq!(Project::wait(child).summary(0)["added"], 1);
}

#[test]
fn an_object_over_several_lines_that_is_no_event_is_set_aside_as_one_line_where_it_begins() {
    let project = Project::new();
    let (good, bad) = (pretty("a"), "{\n  \"id\": \"no event\"\n}");
    let rest = "{\n  \"id\": \"torn";
    project.write("a.json", format!("{good}\n{bad}\n{}\n{rest}", pretty("b")));
    let summary = project.ingest(&["a.json"], 1);
    assert_eq!((&summary["read"], &summary["added"], &summary["quarantined"]), (&json!(4), &json!(2), &json!(2)));
    let lines = good.lines().count();
    let expected = [
        json!(["a.json", lines + 1, good.len() + 1, "missing_attribute", "{   \"id\": \"no event\" }"]),
        json!(["a.json", 2 * lines + 4, 2 * good.len() + bad.len() + 3, "invalid_json", "{   \"id\": \"torn"]),
    ];
    assert_eq!(set_aside(&project), expected);

    let long = format!("{{\n\"id\": \"{}\"\n}}\n{}", "x".repeat(LINE_BYTES_MAX), pretty("c"));
    let project = Project::new();
    project.write("long.json", long);
    let summary = project.ingest(&["long.json"], 1);
    assert_eq!((&summary["added"], &summary["quarantined"]), (&json!(1), &json!(1)));
    assert_eq!(set_aside(&project)[0][3], "line_too_long");
}

/// A line that was cut short where another begins is set aside alone, as before.
#[test]
fn a_first_line_that_was_cut_short_does_not_take_the_next_one_with_it() {
    for torn in ["{\"id\":", "{", "{\"id\":\"x\",\"data\":{", "{\"id\":\"x"] {
        let project = Project::new();
        project.write("a.json", format!("{torn}\n{}\n", closed("a")));
        let summary = project.ingest(&["a.json"], 1);
        assert_eq!((&summary["added"], &summary["quarantined"]), (&json!(1), &json!(1)), "{torn}");
        assert_eq!(set_aside(&project)[0][1], 1, "{torn}");
    }
}
