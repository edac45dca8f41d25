//! A project in a temporary folder, as the other tests use one: the program run in it, and its tables as rows of JSON.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use casebook::facts::tables::FACT_TABLES;
use casebook::log::Log;
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::replay;
use casebook::replay::ReplayScope;
use casebook::store::Store;
use casebook::store::engine::Resources;
use serde_json::{Map, Value};

/// A row: column to value, instants in RFC 3339 with three digits.
pub type Row = Map<String, Value>;

const RESOURCES: Resources = Resources { memory_bytes: 512 << 20, threads: 2 };

/// A new project; its folder goes with it.
pub struct Project {
    folder: tempfile::TempDir,
}

/// How a run of the program ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The summary that `--summary json` prints, of a run that ended with this code.
    pub fn summary(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl Project {
    pub fn new() -> Project {
        Project { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the project's folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program in the project's folder, with nothing of ours in its environment.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casebook"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CASEBOOK_")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Begins a run; [`Project::wait`] ends it.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Child {
        self.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn wait(child: Child) -> Ran {
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Ingests files and gives the summary.
    pub fn ingest<S: AsRef<OsStr>>(&self, files: &[S], code: i32) -> Value {
        let mut command = self.command(&["ingest", "--summary", "json"]);
        Ran::of(command.args(files).output().unwrap()).summary(code)
    }

    /// How many files of events there are in force.
    pub fn event_files(&self) -> usize {
        let stats = self.run(&["store", "stats", "--format", "json"]).summary(0);
        let tables = stats["tables"].as_array().unwrap();
        let events = tables.iter().find(|table| table["table"] == "events").unwrap();
        usize::try_from(events["files"].as_u64().unwrap()).unwrap()
    }

    /// Files in the folder of events, committed or not.
    pub fn data_files(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(self.path("store/events")) else { return 0 };
        entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|is| is == "parquet")).count()
    }

    /// The rows of a query over facts that are up to date.
    pub fn rows(&self, sql: &str) -> Vec<Row> {
        self.batches(sql).iter().flat_map(rows_of).collect()
    }

    /// The only value of a query that gives one.
    pub fn value(&self, sql: &str) -> Value {
        let rows = self.rows(sql);
        assert!(rows.len() == 1 && rows[0].len() == 1, "{rows:?}");
        rows[0].values().next().unwrap().clone()
    }

    fn batches(&self, sql: &str) -> Vec<RecordBatch> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let log = Log::open(&Store::open(&self.path("store")).unwrap()).await.unwrap();
            replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
            let session = Database::present(&log, RESOURCES).await.unwrap().session();
            session.sql(sql).await.unwrap().collect().await.unwrap()
        })
    }

    /// Every fact and every event, table by table, one text per row, in an order of their own.
    pub fn facts(&self) -> Vec<(String, Vec<String>)> {
        // Where and when an event arrived is not a fact.
        let events = "SELECT * EXCEPT (ingested_at, batch) FROM events".to_owned();
        let facts = FACT_TABLES.iter().map(|table| (table.name, format!("SELECT * FROM {}", table.name)));
        let queries = facts.chain([("events", events)]);
        let texts = |sql: &str| {
            let mut texts: Vec<String> = self.rows(sql).into_iter().map(|row| Value::Object(row).to_string()).collect();
            texts.sort();
            texts
        };
        queries.map(|(name, sql)| (name.to_owned(), texts(&sql))).collect()
    }
}

/// Asserts that two projects' facts are the same, row by row.
pub fn assert_same_facts(left: &[(String, Vec<String>)], right: &[(String, Vec<String>)]) {
    assert_eq!(left.len(), right.len());
    for ((table, left), (_, right)) in left.iter().zip(right) {
        assert_eq!(left.len(), right.len(), "rows of `{table}`");
        for (left, right) in left.iter().zip(right) {
            assert_eq!(left, right, "a row of `{table}`");
        }
    }
}

pub fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let mut rows = vec![Row::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let values = values_of(column);
        rows.iter_mut().zip(values).for_each(|(row, value)| drop(row.insert(field.name().clone(), value)));
    }
    rows
}

fn values_of(column: &dyn Array) -> Vec<Value> {
    if matches!(column.data_type(), DataType::Timestamp(TimeUnit::Millisecond, _)) {
        let instants = column.as_primitive::<TimestampMillisecondType>().iter();
        return instants.map(|ms| ms.map_or(Value::Null, |ms| Instant(ms).to_string().into())).collect();
    }
    let batch = RecordBatch::try_from_iter([("value", arrow::array::make_array(column.to_data()))]).unwrap();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::JsonArray>(Vec::new());
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let rows: Vec<Row> = serde_json::from_slice(&writer.into_inner()).unwrap_or_default();
    rows.into_iter().map(|mut row| row.remove("value").unwrap_or_default()).collect()
}

/// What the files in a workbook hold, one after the other.
pub fn unpacked(workbook: &Path) -> String {
    unpacked_bytes(&std::fs::read(workbook).unwrap())
}

/// The same of a workbook that is no file.
pub fn unpacked_bytes(bytes: &[u8]) -> String {
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte))
    };
    let entries = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02"));
    let content = |at: usize| {
        let (packed, offset) = (number(at + 20, 4), number(at + 42, 4));
        let from = offset + 30 + number(offset + 26, 2) + number(offset + 28, 2);
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(&bytes[from..from + packed]).read_to_string(&mut text).unwrap();
        text
    };
    entries.map(content).collect()
}

/// A path of this repository.
pub fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
