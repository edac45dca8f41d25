//! The same table in several formats, and what each format has of its own.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use parquet::arrow::ArrowWriter;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::*;

const TABLE: &str = r#"
source = "test"
grace_period = "never"
key = ["id"]
worksheet = "Tickets"
[time]
column = "created"
zone = "Europe/Prague"
[case]
id = "id"
[[event]]
type = "case.created"
on = "first"
data.customer = { column = "who" }
data.fields.amount = { column = "amount" }
data.fields.count = { column = "count", as = "integer" }
data.fields.vip = { column = "vip", as = "boolean" }
"#;

/// id, who, seconds of the local time, amount, count, vip.
type Line = (&'static str, &'static str, i64, Option<f64>, i64, bool);

/// Writes lines in a format.
type Written = fn(&[Line]) -> Vec<u8>;

const LINES: [Line; 5] = [
    ("1", "žofie", 0, Some(0.1), 3, true),
    ("2", "ben; \"b\"", 61, None, 0, false),
    ("3", "cy\nd", 86_399, Some(12.0), -4, true),
    ("4", "dan", 86_400, Some(1e6), 1_234_567, false),
    ("5", "0012", 90_061, Some(-2.5), 7, true),
];

/// 2 March 2026, as seconds since 1970 and as a day of spreadsheets.
const START: i64 = 1_772_409_600;
const START_DAYS: f64 = 46_083.0;

fn local(seconds: i64) -> String {
    jiff::Timestamp::from_second(START + seconds).unwrap().to_string().trim_end_matches('Z').to_owned()
}

fn csv(lines: &[Line]) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["id", "who", "created", "amount", "count", "vip"]).unwrap();
    for (id, who, seconds, amount, count, vip) in lines {
        let amount = amount.map_or_else(String::new, |amount| amount.to_string());
        table.write_record([id, *who, &local(*seconds), &amount, &count.to_string(), &vip.to_string()]).unwrap();
    }
    table.into_inner().unwrap()
}

fn utf_16(lines: &[Line]) -> Vec<u8> {
    let text = String::from_utf8(csv(lines)).unwrap();
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn documents(lines: &[Line]) -> Vec<Json> {
    let document = |(id, who, seconds, amount, count, vip): &Line| {
        let amount = amount.map(|amount| amount.to_string().parse::<serde_json::Number>().unwrap());
        json!({"id": id, "who": who, "created": local(*seconds), "amount": amount, "count": count, "vip": vip})
    };
    lines.iter().map(document).collect()
}

fn json_array(lines: &[Line]) -> Vec<u8> {
    serde_json::to_vec_pretty(&documents(lines)).unwrap()
}

fn ndjson(lines: &[Line]) -> Vec<u8> {
    documents(lines).iter().map(|document| format!("{document}\n")).collect::<String>().into_bytes()
}

fn workbook(lines: &[Line]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap().write(3, 3, "nothing").unwrap();
    let page = workbook.add_worksheet().set_name("Tickets").unwrap();
    let format = Format::new().set_num_format("dd/mm/yyyy hh:mm:ss");
    for (column, name) in (0..).zip(["id", "who", "created", "amount", "count", "vip"]) {
        page.write(0, column, name).unwrap();
    }
    for (row, (id, who, seconds, amount, count, vip)) in (1..).zip(lines) {
        page.write(row, 0, id.parse::<f64>().unwrap()).unwrap();
        page.write(row, 1, *who).unwrap();
        let days = ExcelDateTime::from_serial_datetime(START_DAYS + *seconds as f64 / 86_400.0).unwrap();
        page.write_with_format(row, 2, &days, &format).unwrap();
        amount.map(|amount| page.write(row, 3, amount).unwrap());
        page.write(row, 4, *count as f64).unwrap();
        page.write(row, 5, *vip).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

fn parquet_of(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(lines: &[Line]) -> Vec<u8> {
    let who: DictionaryArray<Int32Type> = lines.iter().map(|line| line.1).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(lines.iter().map(|line| Some(line.0)).collect::<StringArray>())),
        ("vip", Arc::new(lines.iter().map(|line| Some(line.5)).collect::<BooleanArray>())),
        ("who", Arc::new(who)),
        (
            "created",
            Arc::new(
                lines.iter().map(|line| Some((START + line.2) * 1_000_000)).collect::<TimestampMicrosecondArray>(),
            ),
        ),
        ("amount", Arc::new(lines.iter().map(|line| line.3).collect::<Float64Array>())),
        ("count", Arc::new(lines.iter().map(|line| Some(line.4)).collect::<Int64Array>())),
    ];
    parquet_of(&RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap())
}

#[test]
fn one_table_in_any_format_whole_or_in_parts_gives_the_same_events() {
    let expected = sorted(&[csv(&LINES)]);
    assert_eq!(expected.len(), 6);
    assert_eq!(expected[0]["data"], json!({"customer": "žofie", "fields": {"amount": "0.1", "count": 3, "vip": true}}));
    assert_eq!(expected[1]["time"], "2026-03-01T23:01:01.000Z");
    let formats: [Written; 6] = [csv, utf_16, workbook, parquet, json_array, ndjson];
    for (number, format) in formats.into_iter().enumerate() {
        assert_eq!(sorted(&[format(&LINES)]), expected, "{number}");
        let other = formats[(number + 1) % formats.len()];
        let (first, second) = LINES.split_at(3);
        assert_eq!(sorted(&[format(second), other(first)]), expected, "{number}");
        assert_eq!(sorted(&[format(&LINES), format(first), other(second)]), expected, "{number}");
        let packed = zstd::encode_all(format(&LINES).as_slice(), 1).unwrap();
        assert_eq!(sorted(&[packed]), expected, "{number}");
    }
}

#[test]
fn a_first_mapping_reads_the_workbook_and_the_parquet_that_it_was_made_from() {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let format = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    for (row, (id, status)) in (0..).zip([("Ticket", "Status"), ("1", "Solved"), ("2", "Open")]) {
        page.write(row, 0, id).unwrap().write(row, 1, status).unwrap();
        let days = ExcelDateTime::from_serial_datetime(START_DAYS + f64::from(row) / 4.0).unwrap();
        page.write_with_format(row, 2, &days, &format).unwrap();
    }
    page.write(0, 2, "Created").unwrap();
    let book = book.save_to_buffer().unwrap();
    for (name, bytes, first) in
        [("t.xlsx", book, "2026-03-02T06:00:00.000Z"), ("t.parquet", parquet(&LINES), "2026-03-02T00:00:00.000Z")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let draft = draft::draft(&Source::File(path), "desk").unwrap();
        let (events, tally) = import_files(&draft.text, &[(name, &bytes)]);
        assert!(tally.events["case.created"] > 1, "{name}: {tally:?}\n{}", draft.text);
        assert_eq!(times(&events).iter().min(), Some(&first), "{}", draft.text);
    }
}

/// The events of files by the mapping of the table, by their ids, each once.
fn sorted(files: &[Vec<u8>]) -> Vec<Json> {
    let names: Vec<String> = (0..files.len()).map(|number| format!("part{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(files.iter().map(Vec::as_slice)).collect();
    let (mut events, tally) = import_files(TABLE, &files);
    assert_eq!((tally.rows_malformed, tally.events_left_out.len()), (0, 0), "{tally:?}");
    events.sort_by_key(|event| event["id"].to_string());
    events.dedup();
    events
}

#[test]
fn a_worksheet_is_chosen_and_its_rows_are_set_aside_as_those_of_a_table() {
    let bytes = workbook(&LINES);
    let wrong = TABLE.replace("\"Tickets\"", "\"Ticket\"");
    assert_eq!(
        refusal(&wrong, "t.xlsx", &bytes),
        "t.xlsx: no worksheet `Ticket`, which map.toml:5 names; the workbook has `Notes`, `Tickets`\nhint: did you mean `Tickets`?"
    );
    let first = TABLE.replace("worksheet = \"Tickets\"\n", "");
    let error = refusal(&first, "t.xlsx", &bytes);
    assert!(error.starts_with("t.xlsx, Notes: no column `id`, which map.toml:4 names; the header has "), "{error}");

    let mut workbook = Workbook::new();
    let page = workbook.add_worksheet();
    page.write(0, 0, "Report of March").unwrap();
    for (column, name) in (0..).zip(["id", "who", "created", "amount", "count", "vip"]) {
        page.write(2, column, name).unwrap();
    }
    let rows = [["7", "ana", "2026-03-02T09:14", "x"], ["8", "ana", "noon", ""]];
    for (row, cells) in (4..).zip(rows) {
        (0..).zip(cells).for_each(|(column, text)| drop(page.write(row, column, text).unwrap().write(4, 6, "beside")));
    }
    let titled = first.replace("source", "skip_lines = 1\nsource");
    let bytes = workbook.save_to_buffer().unwrap();
    let made = made_of(&titled, &[("t.xlsx", &bytes)]);
    let reasons: Vec<(u64, &str)> = made.set_aside.iter().map(|row| (row.line, row.detail.as_str())).collect();
    assert_eq!(reasons[0], (5, "found 7 cells, expected at most 6, as the header has"));
    assert_eq!((reasons.len(), reasons[1].0), (2, 6));
    let uneven = titled.replace("source", "uneven_rows = true\nsource");
    assert_eq!(shown(&made_of(&uneven, &[("t.xlsx", &bytes)]).events, "customer"), ["case.created 7 ana"]);
    let broken = refusal(&titled, "t.xlsx", &bytes[..bytes.len() / 2]);
    assert!(broken.starts_with("t.xlsx: the workbook cannot be read: "), "{broken}");
}

#[test]
fn values_of_parquet_are_texts_as_other_formats_have_them() {
    let decimals = Decimal128Array::from(vec![Some(1050), None]).with_precision_and_scale(10, 2).unwrap();
    let field = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    let channel: ArrayRef = Arc::new(StringArray::from(vec![Some("web"), None]));
    let via = StructArray::from(vec![(field("channel", DataType::Utf8), channel)]);
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let zoned = TimestampMicrosecondArray::from(vec![START * 1_000_000 + 250_000; 2]).with_timezone("Europe/Prague");
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(StringArray::from(vec!["1", "2"]))),
        ("created", Arc::new(zoned)),
        ("price", Arc::new(decimals)),
        ("via", Arc::new(via)),
        ("tags", Arc::new(tags)),
        ("day", Arc::new(arrow::array::Date32Array::from(vec![20_514, 0]))),
    ];
    let bytes = parquet_of(&RecordBatch::try_from_iter(columns).unwrap());
    let mapping = r#"
source = "test"
grace_period = "never"
time = "created"
case.id = "id"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = "id" }
data.fields.price = { column = "price" }
data.fields.channel = { column = "via.channel" }
data.fields.via = { column = "via" }
data.fields.tags = { column = "tags", as = "list" }
data.fields.first = { column = "tags[0]" }
data.fields.day = { column = "day" }
"#;
    let (events, _) = import_files(mapping, &[("t.parquet", &bytes)]);
    let fields = json!({
        "price": "10.50", "channel": "web", "via": r#"{"channel":"web"}"#, "tags": ["1", ""], "first": "1",
        "day": "2026-03-02",
    });
    let found = events.iter().find(|event| event["subject"] == "1").unwrap();
    assert_eq!(found["data"]["fields"], fields);
    assert_eq!(found["time"], "2026-03-02T00:00:00.250Z");
    let lacking = refusal(&mapping.replace("\"via.channel\"", "\"via2.channel\""), "t.parquet", &bytes);
    assert!(
        lacking.starts_with("t.parquet: no column `via2.channel`, which map.toml:11 names; the header has `id`"),
        "{lacking}"
    );
    let broken = refusal(mapping, "t.parquet", &bytes[..bytes.len() - 9]);
    assert!(broken.starts_with("t.parquet: the Parquet file cannot be read: "), "{broken}");
}
