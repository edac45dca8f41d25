//! Checks that every file that a table names, and every event in the log, is there and as it was written.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};

use crate::error::{Error, Result};
use crate::log::event_log::Log;
use crate::model::time::Instant;
use crate::store::contents::Contents;
use crate::store::cores::for_each;
use crate::store::data_file::TableFile;
use crate::store::objects::Store;
use crate::store::parquet::read_file;
use crate::store::{disk, parquet};
use crate::wire::line;

/// A file or an event that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, relative to the store.
    pub file: String,
    /// One of `file_missing`, `file_size`, `file_altered`, `file_rows`, `file_unreadable`, `file_events`, `event_altered`,
    /// `event_twice`.
    pub rule: &'static str,
    pub detail: String,
}

/// Checks every file of a table: it exists, and has the size, the fingerprint and the rows that its commit states.
///
/// # Errors
/// When the table cannot be read at all.
pub fn files(store: &Store, files: &[TableFile], threads: usize) -> Result<Vec<Problem>> {
    let problems = Mutex::new(Vec::new());
    for_each(files, threads, |file| {
        if let Err((rule, detail)) = check(store, file) {
            add(&problems, Problem { file: name_in(store, &file.path), rule, detail });
        }
        Ok(())
    })?;
    Ok(problems.into_inner().unwrap_or_default())
}

/// The same for a store in a bucket: every file is downloaded again, because a copy proves nothing about the bucket. A download that is
/// as it was written replaces a copy; a copy of what is missing or was changed in the bucket stays.
///
/// # Errors
/// When the bucket cannot be read at all.
pub async fn files_in_bucket(store: &Store, files: &[TableFile]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in files {
        let found = match store.download(&file.path).await? {
            Some(download) => {
                let checked = check(store, &TableFile { path: download.path().to_owned(), ..file.clone() });
                if checked.is_ok() {
                    store.renew_copy(download, &file.path).await?;
                }
                checked
            }
            None => Err(("file_missing", "there is no such object".to_owned())),
        };
        if let Err((rule, detail)) = found {
            problems.push(Problem { file: name_in(store, &file.path), rule, detail });
        }
    }
    Ok(problems)
}

fn check(store: &Store, file: &TableFile) -> std::result::Result<(), (&'static str, String)> {
    let (bytes, hash) = disk::fingerprint(&file.path).map_err(|error| {
        let rule = if error.kind() == std::io::ErrorKind::NotFound { "file_missing" } else { "file_unreadable" };
        (rule, Error::file(Path::new(&store.place_of(&file.path)))(error).to_string())
    })?;
    if bytes != file.bytes {
        return Err(("file_size", format!("its commit states {} bytes, found {bytes}", file.bytes)));
    }
    if file.hash.is_some_and(|known| known != hash) {
        return Err(("file_altered", "its bytes are not those that were written".to_owned()));
    }
    let rows = parquet::rows(&file.path).map_err(|error| ("file_unreadable", error.to_string()))?;
    if rows != file.rows {
        return Err(("file_rows", format!("its commit states {} rows, found {rows}", file.rows)));
    }
    Ok(())
}

/// Checks every event of the log: written as a line it is valid and has the fingerprints that are stored with it, and no
/// event is there twice.
///
/// # Errors
/// When the table cannot be read at all.
pub fn events(log: &Log, threads: usize, memory_bytes: usize) -> Result<Vec<Problem>> {
    let problems = Mutex::new(Vec::new());
    let entries = log.events.entries()?;
    for_each(&entries, threads, |file| {
        let name = name_in(log.store(), &file.path);
        let report = |rule, detail| add(&problems, Problem { file: name.clone(), rule, detail });
        match read_events(&file.path, |detail| report("event_altered", detail)) {
            Ok(contents) if file.events.is_some_and(|known| known != contents.fingerprint) => {
                report("file_events", "its events are not those that its commit states".to_owned());
            }
            Ok(_) => {}
            Err(error) => report("file_unreadable", error.to_string()),
        }
        Ok(())
    })?;
    let mut problems = problems.into_inner().unwrap_or_default();
    problems.extend(twice(log, &entries, memory_bytes));
    Ok(problems)
}

const EVENT_COLUMNS: &[&str] = &["id", "source", "type", "subject", "time", "sequence", "data", "identity", "content"];

/// The events of a file, after `report` got what is wrong with each that is not as it was written.
fn read_events(path: &Path, mut report: impl FnMut(String)) -> Result<Contents> {
    let (mut contents, mut buffer) = (Contents::default(), Vec::new());
    for batch in read_file(path, EVENT_COLUMNS)? {
        let batch = batch?;
        contents += Contents::of(&batch)?;
        for row in 0..batch.num_rows() {
            if let Err(detail) = read_event(&batch, row, &mut buffer) {
                report(detail);
            }
        }
    }
    Ok(contents)
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
        // Written again, a line can be a little longer than it was.
        Err(refusal) if refusal.rule == "line_too_long" => return Ok(()),
        Err(refusal) => return Err(format!("{}: {refusal}", name())),
    };
    match event.identity(buffer) == wide(7) && event.content(buffer) == wide(8) {
        true => Ok(()),
        false => Err(format!("{}: its content is not the one that was accepted", name())),
    }
}

/// Identities that more than one row has, found in as many passes as the memory requires.
fn twice(log: &Log, entries: &[TableFile], memory_bytes: usize) -> Vec<Problem> {
    let rows: u64 = entries.iter().map(|file| file.rows).sum();
    let passes = u128::from((rows * 40).div_ceil(memory_bytes.max(1) as u64).max(1));
    let mut problems = Vec::new();
    for pass in 0..passes {
        let mut seen: HashSet<u128> = HashSet::new();
        for file in entries {
            // A file that cannot be read has been reported already.
            let batches = read_file(&file.path, &["identity"]).into_iter().flatten().map_while(Result::ok);
            let mut count = 0;
            for batch in batches {
                let identities = batch.column(0).as_binary::<i32>().iter().flatten();
                let identities = identities.filter_map(|bytes| bytes.try_into().ok().map(u128::from_be_bytes));
                count += identities.filter(|identity| identity % passes == pass && !seen.insert(*identity)).count();
            }
            if count > 0 {
                let detail = format!("{count} events are in the log before");
                problems.push(Problem { file: name_in(log.store(), &file.path), rule: "event_twice", detail });
            }
        }
    }
    problems
}

fn name_in(store: &Store, path: &Path) -> String {
    path.strip_prefix(store.path()).unwrap_or(path).display().to_string()
}

fn add(problems: &Mutex<Vec<Problem>>, problem: Problem) {
    if let Ok(mut problems) = problems.lock() {
        problems.push(problem);
    }
}
