//! What reads files, and what must hold of its answers besides that there is one.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    StructArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use casebook::apply::file;
use casebook::apply::plan::Plan;
use casebook::apply::show;
use casebook::apply::state::DeskEvent;
use casebook::audit::Check;
use casebook::import::{self, Known, Limits, Mapping, Output};
use casebook::input::elements::ElementScanner;
use casebook::input::piece::Piece;
use casebook::input::pieces::read_all;
use casebook::input::source::Source;
use casebook::json::Json;
use casebook::json::plain;
use casebook::log::rows::{Arrival, EventRowsBuilder};
use casebook::log::{Log, Options};
use casebook::metric::catalogue::Catalogue;
use casebook::metric::header::Metric;
use casebook::model::calendar::Calendar;
use casebook::model::case::Case;
use casebook::model::desk::Desk;
use casebook::model::event::CaseEvent;
use casebook::model::policy::Policy;
use casebook::model::time::Instant;
use casebook::query::database::table_names;
use casebook::query::memory;
use casebook::replay;
use casebook::replay::ReplayScope;
use casebook::replay::input::{CaseColumns, desk_events};
use casebook::replay::select::plain_rows;
use casebook::report::build::chart_kinds;
use casebook::report::dashboard::Dashboard;
use casebook::store::Store;
use casebook::store::engine::Resources;
use casebook::wire::line;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use super::{Input, of_repository};

const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 1 };

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: Instant = Instant(1_767_225_600_000);

/// Events that are replayed of one input.
const EVENTS_MAX: usize = 500;

/// This line separates a mapping from the table that is read through it.
const TABLE: &str = "\n#### table\n";

/// Cases for a desk that a file states: of every priority, paused, reopened, left alone.
const CASES: &str = r#"
{"id":"1","source":"z","type":"case.created","subject":"C-1","time":"2026-01-05T08:59:59.999Z","data":{"customer":"k","profile":"acme-fb","priority":"urgent","text":"I want a refund"}}
{"id":"2","source":"z","type":"case.assigned","subject":"C-1","time":"2026-01-05T09:10:00Z","data":{"agent":"ana"}}
{"id":"3","source":"z","type":"message.sent","subject":"C-1","time":"2026-01-05T10:00:00Z","data":{"message":"m1","by":"ana","set_status":"on_hold"}}
{"id":"4","source":"z","type":"message.received","subject":"C-1","time":"2026-01-06T10:00:00Z","data":{"message":"m2"}}
{"id":"5","source":"z","type":"case.priority_changed","subject":"C-1","time":"2026-01-06T11:00:00Z","data":{"priority":"low"}}
{"id":"6","source":"z","type":"case.status_changed","subject":"C-1","time":"2026-03-29T01:30:00Z","data":{"status":"done"}}
{"id":"7","source":"z","type":"message.received","subject":"C-1","time":"2026-03-30T01:30:00Z","data":{"message":"m3"}}
{"id":"8","source":"z","type":"case.created","subject":"C-2","time":"2026-01-05T09:00:00Z","data":{"customer":"k","profile":"acme-mail","priority":"high","language":"en","sentiment":"negative"}}
{"id":"9","source":"z","type":"case.created","subject":"C-3","time":"2026-12-24T11:00:00Z","data":{"customer":"l","platform":"facebook","fields":{"tier":"gold"}}}
{"id":"10","source":"z","type":"user.updated","subject":"ana","time":"2026-12-24T12:00:00Z","data":{"bot":true}}
{"id":"11","source":"z","type":"message.sent","subject":"C-3","time":"2027-02-01T11:00:00Z","data":{"message":"m4","by":"robo"}}
{"id":"12","source":"z","type":"case.created","subject":"C-4","time":"1970-01-01T00:00:00Z","data":{"customer":"m","priority":"low"}}
{"id":"13","source":"z","type":"case.deleted","subject":"C-4","time":"1970-01-03T00:00:00Z"}
{"id":"14","source":"z","type":"case.created","subject":"C-5","time":"2199-12-31T23:59:59.999Z","data":{"customer":"n","priority":"urgent"}}
"#;

/// Something that reads files.
pub struct Target {
    pub name: &'static str,
    /// Altered inputs of an ordinary run.
    pub alterations: u32,
    /// Good files of the repository.
    pub samples: fn() -> Vec<Input>,
    pub read: fn(&mut Bench, &Input, &mut Answers),
}

pub const LINES: Target = Target { name: "lines", alterations: 300, samples: golden, read: read_events };
pub const TABLES: Target = Target { name: "tables", alterations: 300, samples: parquet_tables, read: read_events };
pub const MAPPINGS: Target = Target { name: "mappings", alterations: 150, samples: mappings, read: read_mapping };
pub const FILES: Target = Target { name: "files", alterations: 300, samples: project_files, read: read_file };

/// The kinds of answers that an input got: inputs of one kind get an answer in the same words.
#[derive(Default)]
pub struct Answers {
    pub kinds: HashSet<u64>,
}

impl Answers {
    fn add(&mut self, answer: impl Display) {
        let answer = answer.to_string();
        // A panic of a thread is reported as an error.
        assert!(!answer.contains("panicked"), "{answer}");
        let mut hasher = DefaultHasher::new();
        kind_of(&answer).hash(&mut hasher);
        self.kinds.insert(hasher.finish());
    }
}

/// An answer without what it quotes, and without its numbers.
pub fn kind_of(answer: &str) -> String {
    let outside = answer.split(['`', '"']).step_by(2).collect::<String>();
    outside.chars().filter(|letter| !letter.is_ascii_digit()).take(200).collect()
}

/// What targets need, and what they have read so far.
pub struct Bench {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    catalogue: Option<Catalogue>,
    turns: u64,
}

impl Bench {
    pub fn new() -> Bench {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Bench { folder: tempfile::tempdir().unwrap(), runtime, catalogue: None, turns: 0 }
    }

    /// Whether it is time for what takes long, which it is every so many times.
    fn turn(&mut self, every: u64) -> bool {
        self.turns += 1;
        self.turns.is_multiple_of(every)
    }

    fn write(&self, ending: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(format!("input.{ending}"));
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Lines, arrays and tables of events: into pieces, line by line, and what is accepted is replayed.
fn read_events(bench: &mut Bench, input: &Input, answers: &mut Answers) {
    let path = bench.write(&input.ending, &input.bytes);
    let mut accepted: Vec<Vec<u8>> = Vec::new();
    let read = read_all(vec![Source::File(path.clone())], &mut |piece| {
        let mut check = |line: &[u8]| {
            assert_read_alike(line);
            match line::parse(line) {
                Ok(event) => {
                    answers.add(event.kind.name());
                    if accepted.len() < EVENTS_MAX {
                        accepted.push(line.to_vec());
                    }
                }
                Err(refusal) => answers.add(format!("{}: {refusal}", refusal.rule)),
            }
        };
        match piece {
            Piece::Block(block) if block.cut.is_some() => check(&block.bytes),
            Piece::Block(block) => block.lines().for_each(|line| check(line.bytes)),
            Piece::Lines { lines, .. } => lines.iter().for_each(|line| check(&line.json)),
            Piece::SetAside(line) => answers.add(line.detail),
        }
        Ok(())
    });
    let is_text = input.ending == "ndjson" || input.ending == "json";
    let is_compressed = [&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd"].iter().any(|magic| input.bytes.starts_with(magic));
    match read {
        Ok(bytes) if is_text && !is_compressed => assert_eq!(bytes, input.bytes.len() as u64),
        Ok(_) => {}
        Err(error) => answers.add(error),
    }
    for scanner in [ElementScanner::of_arrays, ElementScanner::of_objects] {
        let elements = |at_once| elements(scanner("input".into(), 1, 0), &input.bytes, at_once);
        assert_eq!(elements(7), elements(100_000), "elements depend on how they are read");
    }
    replay_lines(bench, &accepted);
    if bench.turn(1000) {
        ingest(bench, path, answers);
    }
}

/// What the quick reader reads is what `serde_json` reads.
fn assert_read_alike(line: &[u8]) {
    let Ok(text) = std::str::from_utf8(line) else { return };
    if let Some(value) = plain::read(text) {
        assert_eq!(value, serde_json::from_str(text).unwrap(), "{text}");
    }
}

/// The elements that a scanner finds in bytes that it gets in parts of one size, with their positions.
fn elements(mut scanner: ElementScanner, bytes: &[u8], at_once: usize) -> Vec<(Vec<u8>, u64, u64)> {
    bytes.chunks(at_once).for_each(|chunk| scanner.push(chunk));
    scanner.end();
    let pieces = std::iter::from_fn(|| scanner.next_piece());
    let places = pieces.flat_map(|piece| match piece {
        Piece::Lines { lines, .. } => lines.into_iter().map(|line| (line.json, line.line, line.offset)).collect(),
        Piece::Block(block) => vec![(block.bytes, block.first_line, block.offset)],
        Piece::SetAside(line) => vec![(line.bytes, line.line, line.offset)],
    });
    places.collect()
}

/// Replays lines that were accepted, each identity once; once in a while to tables, all of which are read.
fn replay_lines(bench: &mut Bench, lines: &[Vec<u8>]) {
    let (mut known, mut buffer) = (HashSet::new(), Vec::new());
    let mut rows = EventRowsBuilder::new(Arrival { ingested_at: NEW_YEAR, batch: 1 });
    let mut first: Vec<&[u8]> = Vec::new();
    for text in lines {
        let event = line::parse(text).unwrap();
        let identity = event.identity(&mut buffer);
        if known.insert(identity) {
            rows.push(&event, identity, event.content(&mut buffer));
            first.push(text);
        }
    }
    if first.is_empty() {
        return;
    }
    let log = rows.finish().unwrap();
    let plain = plain_rows(&log).unwrap();
    let desk = Desk::replay(desk_events(&plain).unwrap());
    let columns = CaseColumns::new(&log).unwrap();
    let of_cases = (0..log.num_rows()).filter(|row| columns.is_of_a_case(*row));
    let mut events: Vec<CaseEvent<'_>> = of_cases.filter_map(|row| columns.event(row)).collect();
    events.sort_by(|left, right| (left.case_id, left.order()).cmp(&(right.case_id, right.order())));
    for case in events.chunk_by(|left, right| left.case_id == right.case_id) {
        let history = Case::replay(case[0].case_id, case, &desk);
        let Some(clocks) = &history.clocks else { continue };
        for instance in &clocks.instances {
            let until = instance.end.map_or(history.last_event_at, |(time, _)| time);
            std::hint::black_box(clocks.timeline.entries(instance.started_at, until));
        }
    }
    if bench.turn(400) {
        bench.runtime.block_on(async {
            let context = memory::open(first, RESOURCES).await.unwrap();
            for name in table_names().into_iter().filter(|name| *name != "quarantine") {
                context.table(name).await.unwrap().collect().await.unwrap();
            }
        });
    }
}

/// The whole way into a log, and from there to facts.
fn ingest(bench: &Bench, path: PathBuf, answers: &mut Answers) {
    let store = tempfile::tempdir_in(bench.folder.path()).unwrap();
    let options = Options { now: NEW_YEAR.into(), threads: 2, memory_bytes: 128 << 20 };
    bench.runtime.block_on(async {
        let mut log = Log::open(&Store::open(store.path()).unwrap()).await.unwrap();
        match log.ingest(options, move |take| read_all(vec![Source::File(path)], take)).await {
            Ok(summary) => assert_eq!(summary.read, summary.added + summary.duplicates + summary.quarantined),
            Err(error) => answers.add(error),
        }
        replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    });
}

/// A mapping, and a table that is read through it.
fn read_mapping(bench: &mut Bench, input: &Input, answers: &mut Answers) {
    let at = input.bytes.windows(TABLE.len()).position(|window| window == TABLE.as_bytes());
    let (mapping, table) =
        at.map_or((&*input.bytes, &b"a,b\n1,2\n"[..]), |at| (&input.bytes[..at], &input.bytes[at + TABLE.len()..]));
    let Ok(text) = std::str::from_utf8(mapping) else { return };
    let mapping = match Mapping::parse("map.toml", text, Path::new("")) {
        Ok(mapping) => mapping,
        Err(error) => return answers.add(error),
    };
    let limits = Limits { memory_bytes: 128 << 20, threads: 1, spill: Some(bench.folder.path().to_owned()) };
    let path = bench.write("csv", table);
    let mut kinds = Answers::default();
    let mut emit = |output: Output| {
        let Output::Event(line) = output else { return Ok(()) };
        match line::parse(&line.json) {
            Ok(event) => kinds.add(event.kind.name()),
            Err(refusal) => kinds.add(format!("{}: {refusal}", refusal.rule)),
        }
        Ok(())
    };
    let read =
        bench.runtime.block_on(import::read(&mapping, &[Source::File(path)], &Known::default(), &limits, &mut emit));
    answers.kinds.extend(kinds.kinds);
    match read {
        Ok(tally) => answers.add(format!("{tally:?}")),
        Err(error) => answers.add(error),
    }
}

/// A file of a project, by its ending.
fn read_file(bench: &mut Bench, input: &Input, answers: &mut Answers) {
    let Ok(text) = std::str::from_utf8(&input.bytes) else { return };
    match input.ending.as_str() {
        "toml" => read_desk(bench, text, answers),
        "json" => read_policy_or_calendar(bench, text, answers),
        "dashboard.toml" => {
            let Bench { runtime, catalogue, .. } = bench;
            let load = || runtime.block_on(Catalogue::load(Path::new("none"))).unwrap();
            match Dashboard::parse(Path::new("board.toml"), text, catalogue.get_or_insert_with(load), &chart_kinds()) {
                Ok(_) => answers.add("a dashboard"),
                Err(error) => answers.add(error),
            }
        }
        "sql" => {
            let metric = Metric::parse("metric.sql", text).map(drop);
            let check = Check::parse("check.sql", text).map(drop);
            let errors = [metric, check].into_iter().filter_map(Result::err);
            errors.flatten().for_each(|error| answers.add(error));
        }
        other => panic!("nothing reads a `.{other}` here"),
    }
}

/// A file that states a desk: its events can be ingested, and the second time it changes nothing.
fn read_desk(bench: &mut Bench, text: &str, answers: &mut Answers) {
    let name = Path::new("desk.toml");
    let desired = match file::read(name, text) {
        Ok(desired) => desired,
        Err(errors) => return errors.into_iter().for_each(|error| answers.add(error)),
    };
    let plan = Plan::new(&desired, &[], NEW_YEAR);
    plan.warnings.iter().for_each(|warning| answers.add(&warning.text));
    answers.add(show::text(&plan).lines().count());
    let made = plan.lines(name).unwrap();
    let stated = made.iter().map(|line| {
        let event = line::parse(&line.json).unwrap();
        let data = serde_json::from_str(event.data_text).unwrap();
        DeskEvent {
            time: event.time,
            sequence: event.sequence,
            kind: event.kind,
            subject: event.subject.into_owned(),
            data,
        }
    });
    let again = Plan::new(&desired, &stated.collect::<Vec<_>>(), Instant(NEW_YEAR.0 + 1));
    assert_eq!(again.changes, [], "a file that was applied differs from nothing");
    let cases = CASES.lines().filter(|line| !line.is_empty()).map(|line| line.as_bytes().to_vec());
    replay_lines(bench, &made.into_iter().map(|line| line.json).chain(cases).collect::<Vec<_>>());
}

fn read_policy_or_calendar(bench: &mut Bench, text: &str, answers: &mut Answers) {
    let data = match Json::parse(text) {
        Ok(data) => data,
        Err(error) => return answers.add(error),
    };
    let outcomes = [
        ("policy.updated", Policy::parse("x", &data).map(drop)),
        ("calendar.updated", Calendar::parse("office", &data).map(drop)),
    ];
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for (number, (kind, outcome)) in outcomes.into_iter().enumerate() {
        match outcome {
            // Twice, so that running clocks meet the second version.
            Ok(()) => lines.extend(["1970-01-01T00:00:00Z", "2026-01-06T10:30:00Z"].iter().map(|time| {
                let head = json!({"id": format!("{number}{time}"), "source": "y", "type": kind, "subject": "office"});
                format!("{},\"time\":\"{time}\",\"data\":{text}}}", head.to_string().trim_end_matches('}')).into_bytes()
            })),
            Err(refusal) => answers.add(format!("{}: {refusal}", refusal.rule)),
        }
    }
    let policy = json!({"position": 9, "enabled": true, "calendar": "office", "pause_on": ["pending"],
        "targets": {"urgent": {"assign": "1m", "first_response": "1h", "resolution": "99999d"},
        "low": {"assign": "1m", "first_response": "1h", "next_response": "1s", "resolution": "9223372036854775s"}}});
    let policy = json!({"id": "9", "source": "y", "type": "policy.updated", "subject": "office-too",
        "time": "1970-01-01T00:00:00Z", "data": policy});
    lines.push(policy.to_string().into_bytes());
    lines.retain(|line| line::parse(line).is_ok());
    lines.extend(CASES.lines().filter(|line| !line.is_empty()).map(|line| line.as_bytes().to_vec()));
    replay_lines(bench, &lines);
}

/// Brackets within brackets, deeper than any stack.
fn deep(ending: &str, before: &str, open: &str, inner: &str, close: &str, after: &str) -> Input {
    let bytes = [before, &open.repeat(20_000), inner, &close.repeat(20_000), after].concat().into_bytes();
    Input { ending: ending.to_owned(), bytes }
}

/// An inline table within which brackets are closed that TOML's parser has not seen open, so that it takes the next one for
/// less deep than it is.
const UNOPENED: &str = "{[[e]] a = ";

/// The beginning of an event whose data follow.
const HEAD: &str =
    r#"{"id":"1","source":"s","type":"case.created","subject":"C","time":"2026-01-05T09:00:00Z","data":"#;

fn golden() -> Vec<Input> {
    let entries = std::fs::read_dir(of_repository("tests/golden")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let lines = paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
    let mut inputs: Vec<Input> =
        lines.map(|path| Input { ending: "ndjson".to_owned(), ..Input::of_file(path) }).collect();
    let text = String::from_utf8(inputs[0].bytes.clone()).unwrap();
    let array = format!("[{}]", text.trim_end().replace('\n', ",\n"));
    inputs.push(Input { ending: "json".to_owned(), bytes: array.into_bytes() });
    let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
    inputs.push(Input { ending: "ndjson.zst".to_owned(), bytes: zst });
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    inputs.push(Input { ending: "ndjson.gz".to_owned(), bytes: gz.finish().unwrap() });
    inputs.push(deep("ndjson", HEAD, "{\"a\":", "1", "}", "}"));
    inputs.push(deep("ndjson", "{\"x\":", "[", "", "]", "}"));
    inputs.push(deep("json", "[", "[", "", "]", ""));
    inputs
}

/// Small tables with columns of many types, packed in several ways.
fn parquet_tables() -> Vec<Input> {
    let texts = |texts: [&str; 3]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let types: DictionaryArray<Int32Type> = ["user.updated", "case.created", "user.updated"].into_iter().collect();
    let mut skills = ListBuilder::new(StringBuilder::new());
    skills.append_value([Some("french"), Some("refunds")]);
    skills.append_null();
    skills.append_value([None::<&str>; 0]);
    let field = Arc::new(Field::new("tier", DataType::Utf8, true));
    let fields = StructArray::from(vec![(field, texts(["gold", "", "x"]))]);
    let times = vec![NEW_YEAR.0, 0, i64::MAX / 2];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", texts(["1", "2", "3"])),
        ("source", texts(["s", "s", "s"])),
        ("type", Arc::new(types)),
        ("subject", texts(["ana", "C-1", "ben"])),
        ("time", Arc::new(TimestampMillisecondArray::from(times).with_timezone("UTC"))),
        ("sequence", Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MIN)]))),
        ("data.customer", texts(["", "k", ""])),
        ("data.capacity", Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)]))),
        ("data.bot", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("data.skills", Arc::new(skills.finish())),
        ("data.fields", Arc::new(fields)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let packings = [Compression::UNCOMPRESSED, Compression::ZSTD(parquet::basic::ZstdLevel::default())];
    let table = |packing: &Compression| {
        let properties = WriterProperties::builder().set_compression(*packing).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        Input { ending: "parquet".to_owned(), bytes: writer.into_inner().unwrap() }
    };
    let text = "id,source,type,subject,time,data\n1,s,case.created,C,2026-01-05T09:00:00Z,\"";
    packings.iter().map(table).chain([deep("csv", text, "[", "", "]", "\"")]).collect()
}

/// A mapping, and what it reads.
fn with_table(mapping: &[u8], table: &[u8]) -> Input {
    Input { ending: "toml".to_owned(), bytes: [mapping, TABLE.as_bytes(), table].concat() }
}

/// Event logs in OCEL, with their mapping.
fn event_logs() -> [Input; 2] {
    let mapping = std::fs::read(of_repository("data/mappings/ocel.toml")).unwrap();
    let json = std::fs::read(of_repository("data/samples/ocel.json")).unwrap();
    let xml = br#"<log><object-types><object-type name="ticket"><attributes><attribute name="n" type="integer"/></attributes></object-type></object-types>
        <objects><object id="T" type="ticket"><attributes><attribute name="n" time="2026-01-05T09:00:00Z">1&amp;</attribute></attributes></object></objects>
        <events><event id="e" type="close" time="2026-01-05T09:00:00Z"><objects><relationship object-id="T" qualifier=""/></objects></event></events></log>"#;
    [with_table(&mapping, &json), with_table(&mapping, xml)]
}

/// The worked mappings, two without a table of their own.
fn mappings() -> Vec<Input> {
    let worked = ["support-tweets", "volvo-incidents"].map(|name| of_repository(&format!("data/mappings/{name}.toml")));
    let deep = [
        deep("toml", "source = ", "[", "", "]", ""),
        deep("toml", "case = ", "{a=", "1", "}", ""),
        deep("toml", "case = ", UNOPENED, "1", "", ""),
    ];
    worked.iter().map(|path| Input::of_file(path)).chain(deep).chain(event_logs()).collect()
}

fn project_files() -> Vec<Input> {
    let board =
        Input { ending: "dashboard.toml".to_owned(), ..Input::of_file(&of_repository("dashboards/overview.toml")) };
    let queries = ["queries/first_response_time.sql", "queries/check"].map(of_repository);
    let check = std::fs::read_dir(&queries[1]).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    vec![
        Input::of_file(&of_repository("data/desk.toml")),
        board,
        Input::of_file(&queries[0]),
        Input::of_file(&check),
        deep("toml", "[policies.p]\nconditions = ", "{a=", "1", "}", ""),
        deep("toml", "[", "a.", "b", "", "]"),
        deep("json", "", "{\"hours\":", "{}", "}", ""),
        deep("dashboard.toml", "title = ", "[", "", "]", ""),
        deep("toml", "users = ", UNOPENED, "1", "", ""),
        deep("dashboard.toml", "title = ", UNOPENED, "1", "", ""),
    ]
}
