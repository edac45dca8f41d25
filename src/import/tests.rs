//! Tables and mappings in, events out.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::error::Error;

use super::parse::known_keys;
use super::*;

mod documented;
mod exports;
mod formats;
mod language;
mod ocel;
mod xes;

const CASES: &str = r#"
source = "test"
grace_period = "never"
key = ["case", "n"]
sequence = "n"
time = "at"
[case]
id = "case"
"#;

const CREATED: &str = r#"
[[event]]
type = "case.created"
on = "first"
data.customer = { column = "case" }
"#;

const STATUS_ON_CHANGE: &str = r#"
[[event]]
type = "case.status_changed"
on = "change"
of = "status"
data.status = { column = "state", map = { Working = "open", Started = "open", Waiting = "pending" } }
"#;

const THREADS: &str = r#"
source = "test"
grace_period = "1d"
time = "at"
key = ["id"]
[case.thread]
id = "id"
parent = { column = "parent", strip_suffix = ".0" }
[[leave_out]]
name = "begun by us"
column = "in"
not_equals = "True"
[[event]]
type = "message.received"
on = "row"
data.message = { column = "id" }
[[event]]
type = "case.created"
on = "first"
data.customer = { root = "who" }
"#;

/// What an import makes: its events, and the rows that it sets aside.
struct Made {
    events: Vec<Json>,
    set_aside: Vec<Quarantined>,
    outcome: Result<Tally>,
}

/// Imports files, in a folder of their own.
fn made_of(mapping: &str, files: &[(&str, &[u8])]) -> Made {
    made_by(&Mapping::parse("map.toml", mapping, Path::new("")).unwrap(), files)
}

fn made_by(mapping: &Mapping, files: &[(&str, &[u8])]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, bytes): &(&str, &[u8])| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Source::File(path)
    };
    let inputs: Vec<Source> = files.iter().map(write).collect();
    let limits = Limits { memory_bytes: 64 << 20, threads: 2, spill: Some(folder.path().to_owned()) };
    let (mut events, mut set_aside) = (Vec::new(), Vec::new());
    let mut emit = |output| {
        match output {
            Output::Event(line) => events.push(serde_json::from_slice(&line.json).unwrap()),
            Output::SetAside(row) => set_aside.push(row),
            Output::Row(_) => {}
        }
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let outcome = runtime.block_on(read(mapping, &inputs, &Known::default(), &limits, &mut emit));
    Made { events, set_aside, outcome }
}

fn import_files(mapping: &str, files: &[(&str, &[u8])]) -> (Vec<Json>, Tally) {
    let made = made_of(mapping, files);
    (made.events, made.outcome.unwrap())
}

/// The error of an import of one file, with its hint and without the folder.
fn refusal(mapping: &str, name: &str, bytes: &[u8]) -> String {
    let made = made_of(mapping, &[(name, bytes)]);
    let error = with_hint(&made.outcome.unwrap_err());
    error.rsplit_once(&format!("/{name}")).map_or(error.clone(), |(_, rest)| format!("{name}{rest}"))
}

/// `time` of each event after the grace period's.
fn times(events: &[Json]) -> Vec<&str> {
    events[1..].iter().map(|event| event["time"].as_str().unwrap()).collect()
}

fn left_out(tally: &Tally, rule: &str, reason: &str) -> LeftOut {
    let reason = Reason { rule: rule.to_owned(), reason: reason.to_owned() };
    tally.events_left_out.get(&reason).cloned().unwrap_or_else(|| panic!("{:?}", tally.events_left_out))
}

fn import(mapping: &str, table: &str) -> (Vec<Json>, Tally) {
    import_files(mapping, &[("table.csv", table.as_bytes())])
}

/// `type subject value` of each event after the grace period's, `value` being the member asked for.
fn shown(events: &[Json], member: &str) -> Vec<String> {
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    events[1..]
        .iter()
        .map(|event| format!("{} {} {}", text(&event["type"]), text(&event["subject"]), text(&event["data"][member])))
        .collect()
}

fn ids(events: &[Json]) -> Vec<String> {
    let mut ids: Vec<_> = events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn with_hint(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

fn complaint(mapping: &str) -> String {
    with_hint(&Mapping::parse("map.toml", mapping, Path::new("")).unwrap_err())
}

#[test]
fn a_grace_period_comes_first() {
    let (events, tally) = import(&format!("{CASES}{CREATED}"), "case,n,at,state\n");
    assert_eq!(events[0]["type"], "settings.updated");
    assert_eq!(events[0]["time"], "1970-01-01T00:00:00.000Z");
    assert_eq!(events[0]["data"], serde_json::json!({"grace_periods": {"test": "99999d"}}));
    assert_eq!((tally.events_emitted(), tally.cases), (0, Some(0)));
}

#[test]
fn first_row_and_changes_follow_time_and_sequence_not_the_file() {
    let table = "case,n,at,state\n\
        a,3,2026-01-01T00:00:02Z,Waiting\n\
        a,2,2026-01-01T00:00:01Z,Started\n\
        b,1,2026-01-01T00:00:00Z,Waiting\n\
        a,10,2026-01-01T00:00:02Z,Working\n\
        a,1,2026-01-01T00:00:01Z,Working\n";
    let (events, tally) = import(&format!("{CASES}{CREATED}{STATUS_ON_CHANGE}"), table);
    let expected = [
        "case.created a null",
        "case.status_changed a open",
        "case.status_changed a pending",
        "case.status_changed a open",
        "case.created b null",
        "case.status_changed b pending",
    ];
    assert_eq!(shown(&events, "status"), expected);
    assert_eq!(events[1]["id"], "a/1:case.created");
    assert_eq!(events[1]["sequence"], 1);
    assert_eq!((tally.rows_read, tally.cases, tally.events_emitted()), (5, Some(2), 6));
}

#[test]
fn a_value_that_the_map_lacks_gives_no_event_and_is_counted() {
    let mapping = format!("{CASES}{}", STATUS_ON_CHANGE.replace("on = \"change\"\nof = \"status\"", "on = \"row\""));
    let (events, tally) = import(
        &mapping,
        "case,n,at,state\na,1,2026-01-01T00:00:00Z,Lost\na,2,2026-01-01T00:00:00Z,Working\na,3,2026-01-01T00:00:00Z,\n",
    );
    assert_eq!(shown(&events, "status"), ["case.status_changed a open"]);
    let lost = left_out(&tally, "case.status_changed", "`state` is not in the map");
    assert_eq!((lost.count, lost.frequent(9)), (1, vec![("Lost", 1)]));
    assert_eq!(left_out(&tally, "case.status_changed", "`state` is empty").count, 1);
    assert_eq!(tally.cases, None, "no order is needed, so cases are not brought together");
}

#[test]
fn an_optional_member_is_left_out_where_a_required_one_stops_the_event() {
    let created = format!("{CREATED}data.priority = {{ column = \"state\", map = {{ Hot = \"urgent\" }} }}\n");
    let (events, tally) = import(&format!("{CASES}{created}"), "case,n,at,state\na,1,2026-01-01T00:00:00Z,Cold\n");
    assert_eq!(shown(&events, "priority"), ["case.created a null"]);
    let cold = left_out(&tally, "case.created, member `priority`", "`state` is not in the map");
    assert_eq!(cold.frequent(9), [("Cold", 1)]);
}

#[test]
fn a_bare_cr_belongs_to_the_text_and_that_of_a_line_ending_does_not() {
    let mapping = format!("{CASES}{CREATED}data.text = {{ column = \"text\" }}\n");
    let unix = "case,n,at,text\na,1,2026-01-01T00:00:00Z,one\r\rtwo\nb,1,2026-01-01T00:00:00Z,\"line\nbreak\"\n";
    let (events, tally) = import(&mapping, unix);
    assert_eq!(shown(&events, "text"), ["case.created a one\r\rtwo", "case.created b line\nbreak"]);
    assert_eq!((tally.rows_read, tally.rows_malformed), (2, 0));
    let dos =
        "case,n,at,text\r\na,1,2026-01-01T00:00:00Z,one\r\rtwo\r\n\r\nb,1,2026-01-01T00:00:00Z,\"line\nbreak\"\r\n";
    assert_eq!(import(&mapping, dos).0, events);
}

#[test]
fn rows_that_cannot_be_read_are_counted_with_their_line() {
    let table = b"case,n,at,state\na,1,yesterday,x\na,x,2026-01-01T00:00:00Z,x\n\xff,1,2026-01-01T00:00:00Z,x\na,1\n,1,2026-01-01T00:00:00Z,x\nb,1,2026-01-01T00:00:00Z,x\n";
    let (events, tally) = import_files(&format!("{CASES}{CREATED}"), &[("t.csv", table)]);
    assert_eq!(shown(&events, "customer"), ["case.created b b"]);
    assert_eq!((tally.rows_read, tally.rows_malformed), (6, 5));
    assert_eq!(tally.malformed.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    let reason = &tally.malformed[0].reason;
    assert!(reason.starts_with("`at` = `yesterday`: expected the format `rfc3339`: "), "{reason}");
    assert_eq!(tally.malformed[1].reason, "`n`: found `x`, expected a whole number");
    assert_eq!(tally.malformed[3].reason, "found 2 fields, expected 4 as in the header");
}

#[test]
fn threads_find_their_roots_and_circles_are_left_out() {
    let mut table = String::from("id,parent,who,in,at\n");
    let mut row = |id: u32, parent: &str, inbound: &str| {
        table.push_str(&format!("{id},{parent},w{id},{inbound},2026-01-01T00:00:00Z\n"))
    };
    for id in (2..=20).rev() {
        row(id, &format!("{}.0", id - 1), "True"); // one long chain, backwards
    }
    row(1, "", "True");
    row(30, "999.0", "True"); // a parent outside the file
    row(40, "", "False"); // begun by us
    row(41, "40.0", "True");
    row(50, "51", "True"); // a circle of two, and one that hangs on it
    row(51, "50", "True");
    row(52, "51", "True");
    row(60, "60", "True"); // its own parent: a root
    let (events, tally) = import(THREADS, &table);
    let created: Vec<_> =
        shown(&events, "customer").into_iter().filter(|line| line.starts_with("case.created")).collect();
    assert_eq!(created, ["case.created 1 w1", "case.created 30 w30", "case.created 60 w60"]);
    assert_eq!(events.iter().filter(|event| event["subject"] == "1").count(), 21);
    assert_eq!(tally.rows_left_out[CIRCLE], 3);
    assert_eq!(tally.cases_left_out["begun by us"], 1);
    assert_eq!(tally.cases, Some(3));
}

#[test]
fn the_same_rows_in_any_order_and_any_files_give_the_same_events() {
    let whole = "case,n,at,state\na,1,2026-01-01T00:00:00Z,Working\na,1,2026-01-01T00:00:00Z,Working\nb,1,2026-01-02T00:00:00Z,Waiting\n";
    let one = b"case,n,at,state\r\nb,1,2026-01-02T00:00:00Z,Waiting\r\na,1,2026-01-01T00:00:00Z,Working\r\n";
    let two = b"case,n,at,state\na,1,2026-01-01T00:00:00Z,Working\n";
    for mapping in [
        format!("{CASES}{CREATED}{STATUS_ON_CHANGE}"),
        format!("{CASES}{CREATED}{STATUS_ON_CHANGE}").replace("key = [\"case\", \"n\"]", ""),
    ] {
        let (events, tally) = import(&mapping, whole);
        assert_eq!((&events, &tally.cases), (&import(&mapping, whole).0, &Some(2)));
        assert_eq!(events, import_files(&mapping, &[("1.csv", one), ("2.csv", two)]).0);
    }
}

#[test]
fn a_repeated_key_is_one_row_and_without_a_key_equal_records_are_two() {
    let table = "case,n,at,state\na,1,2026-01-01T00:00:00Z,Working\na,1,2026-01-01T00:00:00Z,Working\n";
    let mapping =
        format!("{CASES}{}", STATUS_ON_CHANGE.replace("on = \"change\"\nof = \"status\"", "on = \"row\"")) + CREATED;
    let (events, tally) = import(&mapping, table);
    assert_eq!((events.len(), tally.rows_repeated), (3, 1));
    let (events, tally) = import(&mapping.replace("key = [\"case\", \"n\"]", ""), table);
    assert_eq!((events.len(), tally.rows_repeated), (4, 0));
    let ids = ids(&events);
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}

#[test]
fn filters_leave_rows_out() {
    let mapping = format!("{CASES}[[filter]]\ncolumn = \"state\"\nnot_in = [\"Spam\"]\n{CREATED}");
    let (events, tally) = import(&mapping, "case,n,at,state\na,1,never,Spam\nb,1,2026-01-01T00:00:00Z,x\n");
    assert_eq!(shown(&events, "customer"), ["case.created b b"]);
    assert_eq!((tally.rows_filtered, tally.rows_malformed), (1, 0));
}

#[test]
fn an_event_may_have_its_own_time() {
    let mapping = format!("{CASES}[[event]]\ntype = \"case.closed\"\non = \"row\"\ntime = \"closed\"\n");
    let (events, tally) = import(
        &mapping,
        "case,n,at,closed\na,1,2026-01-01T00:00:00Z,2026-01-03T00:00:00Z\nb,1,2026-01-01T00:00:00Z,\n",
    );
    assert_eq!(events[1]["time"], "2026-01-03T00:00:00.000Z");
    assert_eq!(left_out(&tally, "case.closed", "`closed` is empty").count, 1);
}

#[test]
fn compressed_tables_are_read_as_they_are() {
    use std::io::Write;
    let table = b"case,n,at,state\na,1,2026-01-01T00:00:00Z,Working\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(table).unwrap();
    let mapping = format!("{CASES}{CREATED}");
    let plain = import_files(&mapping, &[("t.csv", table)]);
    assert_eq!(plain, import_files(&mapping, &[("t.csv.gz", &gzip.finish().unwrap())]));
    assert_eq!(plain, import_files(&mapping, &[("t.csv.zst", &zstd::encode_all(&table[..], 1).unwrap())]));
}

#[test]
fn a_typing_error_in_a_mapping_is_named_with_its_line_and_the_nearest_word() {
    let mapping = format!("{CASES}{CREATED}");
    let slips = [
        ("sequence = ", "sequense = ", "map.toml:5: unknown key `sequense`", "did you mean `sequence`?"),
        (
            "case.created",
            "case.craeted",
            "map.toml:11: `event.type`: unknown event type `case.craeted`",
            "did you mean `case.created`?",
        ),
        (
            "data.customer",
            "data.custmer",
            "map.toml:13: `event.data.custmer`: unknown member of `case.created` `custmer`",
            "`customer`?",
        ),
        ("on = \"first\"", "on = 1", "map.toml:12: `event.on`: found an integer, expected text", ""),
        (
            "\"never\"",
            "\"tomorrow\"",
            "map.toml:3: `grace_period`: found `tomorrow`, expected a duration or `never`",
            "3650d",
        ),
        ("data.customer = { column = \"case\" }", "", "map.toml:10: `event`: found no `data.customer`", ""),
        (
            "time = \"at\"",
            "time = { column = \"at\", format = \"%Y-%m-%d\" }",
            "map.toml:6: `time.format`: the pattern does not give an instant",
            "zone",
        ),
        ("[case]", "[case", "map.toml:7: ", ""),
    ];
    for (right, wrong, start, hint) in slips {
        let found = complaint(&mapping.replacen(right, wrong, 1));
        assert!(found.starts_with(start) && found.contains(hint), "{wrong}: {found}");
    }
    let status = complaint(&format!("{CASES}{}", STATUS_ON_CHANGE.replace("\"pending\"", "\"pendign\"")));
    assert!(status.starts_with("map.toml:14: `event.data.status`: unknown value `pendign`"), "{status}");
}

#[test]
fn a_missing_column_is_named_with_the_nearest_and_the_header() {
    let error = refusal(&format!("{CASES}{CREATED}"), "t.csv", b"case,n,att,state\n");
    let expected = "t.csv:1: no column `at`, which map.toml:6 names; the header has `case`, `n`, `att`, `state`\nhint: did you mean `att`?";
    assert_eq!(error, expected);
}

#[test]
fn a_quote_that_is_never_closed_stops_the_import() {
    let table = format!("case,n,at,state\na,1,2026-01-01T00:00:00Z,\"{}", "x\n".repeat(10 << 20));
    let error = refusal(&format!("{CASES}{CREATED}"), "t.csv", table.as_bytes());
    assert!(error.starts_with("t.csv:2: the record that begins here is longer than 16 MiB"), "{error}");
}

#[test]
fn the_mappings_of_the_project_are_understood() {
    for text in [
        include_str!("../../data/mappings/volvo-incidents.toml"),
        include_str!("../../data/mappings/support-tweets.toml"),
        include_str!("../../data/mappings/xes.toml"),
    ] {
        assert!(Mapping::parse("map.toml", text, Path::new("")).unwrap().needs_order());
    }
}

#[test]
fn a_file_that_is_not_a_table_is_refused_by_its_format() {
    let mapping = format!("{CASES}{CREATED}");
    let good: (&str, &[u8]) = ("good.csv", b"case,n,at,state\na,1,2026-01-01T00:00:00Z,x\n");
    let files: [(&str, &[u8], &str); 2] =
        [("a.pdf", b"%PDF-1.7\n", "a PDF document"), ("b.html", b"<!doctype html><p>", "an HTML page")];
    for (name, bytes, found) in files {
        let made = made_of(&mapping, &[good, (name, bytes)]);
        let error = with_hint(&made.outcome.unwrap_err());
        assert!(error.contains(&format!("{name}: found {found}, expected ")), "{error}");
        assert_eq!(made.events.len(), 0);
    }
}
