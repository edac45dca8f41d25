//! Whether everything is there and as it was written: every file that a table names, and every event in the log.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::lookup::on_every_core;
use crate::model::time::Instant;
use crate::store::parquet;
use crate::store::parquet::read_file;
use crate::store::table::TableFile;
use crate::wire::line;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a file, relative to the store.
    pub place: String,
    /// Which: `file_missing`, `file_size`, `file_altered`, `file_rows`, `file_unreadable`, `event_altered`, `event_twice`.
    pub rule: &'static str,
    pub detail: String,
}

/// Looks at every file of a table: it is there, has the size, the fingerprint and the rows that its commit says.
///
/// # Errors
/// When the table cannot be read at all.
pub fn files(store: &Path, files: &[TableFile], threads: usize) -> Result<Vec<Problem>> {
    let problems = Mutex::new(Vec::new());
    on_every_core(files, threads, |file| {
        if let Err((rule, detail)) = look_at(file) {
            add(&problems, Problem { place: place(store, &file.path), rule, detail });
        }
        Ok(())
    })?;
    Ok(problems.into_inner().unwrap_or_default())
}

fn look_at(file: &TableFile) -> std::result::Result<(), (&'static str, String)> {
    let (bytes, hash) = fingerprint(&file.path).map_err(|error| {
        let rule = if error.kind() == std::io::ErrorKind::NotFound { "file_missing" } else { "file_unreadable" };
        (rule, Error::file(&file.path)(error).to_string())
    })?;
    if bytes != file.bytes {
        return Err(("file_size", format!("its commit says {} bytes, found {bytes}", file.bytes)));
    }
    if file.hash.is_some_and(|known| known != hash) {
        return Err(("file_altered", "its bytes are not those that were written".to_owned()));
    }
    let rows = parquet::rows(&file.path).map_err(|error| ("file_unreadable", error.to_string()))?;
    if rows != file.rows {
        return Err(("file_rows", format!("its commit says {} rows, found {rows}", file.rows)));
    }
    Ok(())
}

fn fingerprint(path: &Path) -> std::io::Result<(u64, u64)> {
    let mut file = File::open(path)?;
    let (mut bytes, mut hash) = (0, Xxh3Default::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hash.digest()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

/// Reads every event of the log as the line it came as: it is good, and has the fingerprints that stand beside it. And
/// none is there twice.
///
/// # Errors
/// When the table cannot be read at all.
pub fn events(log: &Log, threads: usize, memory_bytes: usize) -> Result<Vec<Problem>> {
    let problems = Mutex::new(Vec::new());
    let entries = log.events.entries()?;
    on_every_core(&entries, threads, |file| {
        let place = place(log.store(), &file.path);
        if let Err(error) = read_events(&file.path, |detail| {
            add(&problems, Problem { place: place.clone(), rule: "event_altered", detail });
        }) {
            add(&problems, Problem { place: place.clone(), rule: "file_unreadable", detail: error.to_string() });
        }
        Ok(())
    })?;
    let mut problems = problems.into_inner().unwrap_or_default();
    problems.extend(twice(log, &entries, memory_bytes));
    Ok(problems)
}

const EVENT_COLUMNS: &[&str] = &["id", "source", "type", "subject", "time", "sequence", "data", "identity", "content"];

fn read_events(path: &Path, mut complain: impl FnMut(String)) -> Result<()> {
    let mut buffer = Vec::new();
    for batch in read_file(path, EVENT_COLUMNS)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            if let Err(detail) = read_event(&batch, row, &mut buffer) {
                complain(detail);
            }
        }
    }
    Ok(())
}

fn read_event(batch: &RecordBatch, row: usize, buffer: &mut Vec<u8>) -> std::result::Result<(), String> {
    let text = |column: usize| batch.column(column).as_string_view().value(row);
    let wide =
        |column: usize| batch.column(column).as_binary::<i32>().value(row).try_into().map_or(0, u128::from_be_bytes);
    let quoted = |column: usize| serde_json::Value::from(text(column)).to_string();
    let (id, source, kind, subject) = (quoted(0), quoted(1), quoted(2), quoted(3));
    let time = Instant(batch.column(4).as_primitive::<TimestampMillisecondType>().value(row));
    let sequence = batch.column(5).as_primitive::<Int64Type>().value(row);
    let line = format!(
        r#"{{"id":{id},"source":{source},"type":{kind},"subject":{subject},"time":"{time}","sequence":{sequence},"data":{}}}"#,
        text(6)
    );
    let name = || format!("`{}` of source `{}`", text(0), text(1));
    let event = match line::parse(line.as_bytes()) {
        Ok(event) => event,
        // Spelled out it may be a little longer than it came.
        Err(refusal) if refusal.rule == "line_too_long" => return Ok(()),
        Err(refusal) => return Err(format!("{}: {refusal}", name())),
    };
    match event.identity(buffer) == wide(7) && event.content(buffer) == wide(8) {
        true => Ok(()),
        false => Err(format!("{}: its content is not the one that was accepted", name())),
    }
}

/// Identities that more than one row has, in as many passes as the memory needs.
fn twice(log: &Log, entries: &[TableFile], memory_bytes: usize) -> Vec<Problem> {
    let rows: u64 = entries.iter().map(|file| file.rows).sum();
    let passes = u128::from((rows * 40).div_ceil(memory_bytes.max(1) as u64).max(1));
    let mut problems = Vec::new();
    for pass in 0..passes {
        let mut seen: HashSet<u128> = HashSet::new();
        for file in entries {
            // What cannot be read has been told already.
            let batches = read_file(&file.path, &["identity"]).into_iter().flatten().map_while(Result::ok);
            let mut count = 0;
            for batch in batches {
                let identities = batch.column(0).as_binary::<i32>().iter().flatten();
                let identities = identities.filter_map(|bytes| bytes.try_into().ok().map(u128::from_be_bytes));
                count += identities.filter(|identity| identity % passes == pass && !seen.insert(*identity)).count();
            }
            if count > 0 {
                let detail = format!("{count} events are in the log before");
                problems.push(Problem { place: place(log.store(), &file.path), rule: "event_twice", detail });
            }
        }
    }
    problems
}

fn place(store: &Path, path: &Path) -> String {
    path.strip_prefix(store).unwrap_or(path).display().to_string()
}

fn add(problems: &Mutex<Vec<Problem>>, problem: Problem) {
    if let Ok(mut problems) = problems.lock() {
        problems.push(problem);
    }
}
