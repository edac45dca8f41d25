//! Tables and mappings in, events out.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::error::Error;

use super::*;

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
    let folder = tempfile::tempdir().unwrap();
    let mapping = Mapping::parse("map.toml", mapping).unwrap();
    let write = |(name, bytes): &(&str, &[u8])| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Source::File(path)
    };
    let inputs: Vec<Source> = files.iter().map(write).collect();
    let limits = Limits { memory_bytes: 64 << 20, spill: Some(folder.path().to_owned()) };
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
    let outcome = runtime.block_on(read(&mapping, &inputs, &Known::default(), &limits, &mut emit));
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
    with_hint(&Mapping::parse("map.toml", mapping).unwrap_err())
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
        assert!(Mapping::parse("map.toml", text).unwrap().needs_order());
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
        hint: write `{ column = \"who\", occurrence = 2 }` for the second of them";
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
    let table = folder.path().join("t.csv");
    std::fs::write(&table, "ticket,who,created\n1,Ana Duarte,01.02.2026 09:30\n2,Eva,01.02.2026 09:30\n").unwrap();
    let mut events: Vec<Json> = Vec::new();
    let mut emit = |output| {
        if let Output::Event(line) = output {
            events.push(serde_json::from_slice(&line.json).unwrap());
        }
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let limits = Limits { memory_bytes: 64 << 20, spill: None };
    let tally =
        runtime.block_on(read(&mapping, &[Source::File(table)], &Known::default(), &limits, &mut emit)).unwrap();
    assert_eq!(shown(&events, "customer"), ["case.created 1 ana"]);
    assert_eq!(events[1]["id"], "Ana Duarte/1:case.created");
    assert_eq!(left_out(&tally, "case.created", "`who` is empty").count, 1);
    let error =
        with_hint(&Mapping::parse("map.toml", &std::fs::read_to_string(Path::new(&path)).unwrap()).unwrap_err());
    assert!(error.starts_with("people.csv: "), "{error}");
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
    let by_text = mapping.replace("{ column = \"n\" }", "{ column = \"n\", as = \"text\" }");
    assert_eq!(found(&by_text), [(Json::from("low"), 0), (Json::from("high"), 1)]);
}
