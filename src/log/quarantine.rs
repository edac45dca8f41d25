//! Lines that were set aside, with the rule that each breaks, so that no line is lost without notice.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Int64Array, RecordBatch, StringViewArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use crate::error::Result;
use crate::input::piece::Quarantined;
use crate::json::fingerprint;
use crate::log::rows::{Arrival, instant_type};
use crate::model::content::Holds;
use crate::store::data_file::NewFile;
use crate::store::objects::Store;
use crate::store::parquet::{Codec, FileLayout, FileWriter, read_file, with_schema};
use crate::store::repeat::Attempts;
use crate::store::table::{CommitMode, Table};

/// The columns of `quarantine` (4). `bytes` holds the line as it was where it is not UTF-8.
pub static QUARANTINE_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8View, false),
        Field::new("line", DataType::Int64, false),
        Field::new("offset", DataType::Int64, false),
        Field::new("rule", DataType::Utf8View, false),
        Field::new("detail", DataType::Utf8View, false),
        Field::new("text", DataType::Utf8View, false),
        Field::new("bytes", DataType::Binary, true),
        Field::new("ingested_at", instant_type(), false),
    ]))
});

/// What the columns of texts hold.
pub const QUARANTINE_HOLDS: &[(&str, Holds)] =
    &[("file", Holds::Thing), ("rule", Holds::Thing), ("detail", Holds::Raw), ("text", Holds::Raw)];

/// How files of quarantined lines are written: quick to read, because each ingestion reads all of them.
const QUARANTINE_FILES: FileLayout = FileLayout {
    plain_codec: Codec::Lz4,
    codec: Codec::None,
    unique_columns: &["text"],
    random_columns: &[],
    sorted_column: None,
    filtered_columns: &[],
    encoded_rows: Some(8192),
    has_events: false,
};

const COLUMNS: [&str; 8] = ["file", "line", "offset", "rule", "detail", "text", "bytes", "ingested_at"];

/// Selects quarantined lines; without a rule and a file, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub rule: Option<String>,
    pub file: Option<String>,
}

/// A quarantined line, as it is in its table.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'b> {
    pub file: &'b str,
    pub line: i64,
    pub offset: i64,
    pub rule: &'b str,
    pub text: &'b str,
    bytes: Option<&'b [u8]>,
}

impl<'b> Listed<'b> {
    /// The line as it was.
    #[must_use]
    pub fn raw(&self) -> &'b [u8] {
        self.bytes.unwrap_or(self.text.as_bytes())
    }

    /// A fingerprint that is the same when the same line is read again.
    #[must_use]
    pub fn mark(&self) -> u128 {
        mark(self.file, self.line, self.rule, self.text)
    }
}

impl Filter {
    /// Whether the line is selected.
    #[must_use]
    pub fn holds(&self, line: &Listed<'_>) -> bool {
        self.rule.as_deref().is_none_or(|rule| rule == line.rule)
            && self.file.as_deref().is_none_or(|file| file == line.file)
    }
}

/// Calls `take` with each line that the filter selects.
///
/// # Errors
/// When the table cannot be read, and any error of `take`.
pub fn each(table: &Table, filter: &Filter, mut take: impl FnMut(Listed<'_>) -> Result<()>) -> Result<()> {
    for path in table.files()? {
        for batch in read_file(&path, &["file", "line", "offset", "rule", "text", "bytes"])? {
            let batch = batch?;
            listed(&batch).filter(|line| filter.holds(line)).try_for_each(&mut take)?;
        }
    }
    Ok(())
}

/// The lines of a batch of the columns that [`each`] reads.
fn listed(batch: &RecordBatch) -> impl Iterator<Item = Listed<'_>> {
    let texts = |at: usize| batch.column(at).as_string_view();
    let numbers = |at: usize| batch.column(at).as_primitive::<Int64Type>();
    let (files, rules, lines) = (texts(0), texts(3), texts(4));
    let (numbers, offsets) = (numbers(1), numbers(2));
    let bytes = batch.column(5).as_binary::<i32>();
    (0..batch.num_rows()).map(move |row| Listed {
        file: files.value(row),
        line: numbers.value(row),
        offset: offsets.value(row),
        rule: rules.value(row),
        text: lines.value(row),
        bytes: bytes.is_valid(row).then(|| bytes.value(row)),
    })
}

/// Makes the lines of a file part of the quarantine. Where another machine has added lines meanwhile, those that are there
/// already are left out.
///
/// # Errors
/// When the table cannot be read or written.
pub async fn commit(table: &mut Table, file: NewFile, arrival: Arrival) -> Result<()> {
    let (mut file, mut attempts) = (Some(file), Attempts::default());
    while let Some(lines) = file {
        let metadata = vec![("batch", arrival.batch.into())];
        match table.commit(std::slice::from_ref(&lines), CommitMode::Append, metadata).await {
            Err(error) if attempts.again_after(&error) => {
                *table = table.reopen().await?;
                table.fetch().await?;
                file = without_present(table, &lines)?;
            }
            committed => return committed,
        }
    }
    Ok(())
}

/// Those lines of a file that the table does not have, in a new file.
fn without_present(table: &Table, file: &NewFile) -> Result<Option<NewFile>> {
    let present = marks(table)?;
    let mut writer: Option<FileWriter> = None;
    for batch in read_file(&table.folder().local_path(&file.name), &COLUMNS)? {
        keep_lines(table, &batch?, &mut writer, |line| !present.contains(&line.mark()))?;
    }
    writer.map(FileWriter::finish).transpose()
}

/// Writes those rows of a batch of [`COLUMNS`] that stay; gives how many these are.
fn keep_lines(
    table: &Table,
    batch: &RecordBatch,
    writer: &mut Option<FileWriter>,
    stays: impl Fn(&Listed<'_>) -> bool,
) -> Result<u64> {
    let batch = with_schema(batch, &QUARANTINE_SCHEMA)?;
    let stays: BooleanArray = listed(&batch.project(&[0, 1, 2, 3, 5, 6])?).map(|line| Some(stays(&line))).collect();
    let kept = arrow::compute::filter_record_batch(&batch, &stays)?;
    if kept.num_rows() > 0 {
        let mut open = match writer.take() {
            Some(writer) => writer,
            None => FileWriter::create(table.folder(), "quarantine", &QUARANTINE_SCHEMA, &QUARANTINE_FILES)?,
        };
        open.write(&kept)?;
        *writer = Some(open);
    }
    Ok(kept.num_rows() as u64)
}

/// Removes lines from the quarantine; gives how many were removed and how many are left. `operation` names the commit. The
/// caller holds the lock of the log.
///
/// # Errors
/// When the table cannot be read or written; then it is as it was.
pub async fn remove(
    table: &mut Table,
    operation: &'static str,
    is_removed: impl Fn(&Listed<'_>) -> bool,
) -> Result<(u64, u64)> {
    let (mut removed, mut left) = (0, 0);
    let mut writer: Option<FileWriter> = None;
    table.fetch().await?;
    for path in table.files()? {
        for batch in read_file(&path, &COLUMNS)? {
            let batch = batch?;
            let kept = keep_lines(table, &batch, &mut writer, |line| !is_removed(line))?;
            removed += (batch.num_rows() as u64).saturating_sub(kept);
            left += kept;
        }
    }
    if removed == 0 {
        // Nothing has changed; the unfinished copy is dropped.
        return Ok((removed, left));
    }
    let files: Vec<NewFile> = writer.map(FileWriter::finish).transpose()?.into_iter().collect();
    table.commit(&files, CommitMode::Replace, vec![(operation, removed.into())]).await?;
    Ok((removed, left))
}

/// A fingerprint that is equal for the same line of a file read twice, so that it is listed once.
fn mark_of(line: &Quarantined) -> u128 {
    mark(&line.file, as_i64(line.line), line.rule, &String::from_utf8_lossy(&line.bytes))
}

fn mark(file: &str, line: i64, rule: &str, text: &str) -> u128 {
    fingerprint(format!("{file}\0{line}\0{rule}\0{text}").as_bytes())
}

/// Opens the table of quarantined lines.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn open(store: &Store) -> Result<Table> {
    Table::open_or_create(&store.folder("quarantine"), "quarantine", QUARANTINE_SCHEMA.clone()).await
}

/// Writes lines to be quarantined. Lines that are there already are left out; the others become visible when the file that
/// [`QuarantineWriter::finish`] gives is committed.
pub struct QuarantineWriter {
    folder: Store,
    arrival: Arrival,
    /// Marks of the lines that are in the quarantine already.
    present: HashSet<u128>,
    writer: Option<FileWriter>,
    lines: u64,
    /// The lines so far, where they are wanted.
    kept: Option<Vec<Quarantined>>,
}

impl QuarantineWriter {
    /// Prepares to add lines.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(table: &Table, arrival: Arrival) -> Result<QuarantineWriter> {
        let (folder, present) = (table.folder().clone(), marks(table)?);
        Ok(QuarantineWriter { folder, arrival, present, writer: None, lines: 0, kept: None })
    }

    /// Lines set aside so far, those that were there already included.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Keeps all lines in memory from now on.
    pub fn keep_lines(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// The lines that were kept.
    pub fn take_lines(&mut self) -> Vec<Quarantined> {
        self.kept.take().unwrap_or_default()
    }

    /// Adds lines.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, lines: &[Quarantined]) -> Result<()> {
        self.lines += lines.len() as u64;
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(lines);
        }
        let fresh: Vec<&Quarantined> = lines.iter().filter(|line| self.present.insert(mark_of(line))).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let batch = to_batch(&fresh, self.arrival)?;
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => FileWriter::create(&self.folder, "quarantine", &QUARANTINE_SCHEMA, &QUARANTINE_FILES)?,
        };
        writer.write(&batch)?;
        self.writer = Some(writer);
        Ok(())
    }

    /// The file of the lines that are new, if there are any.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<Option<NewFile>> {
        self.writer.map(FileWriter::finish).transpose()
    }
}

fn marks(table: &Table) -> Result<HashSet<u128>> {
    let mut marks = HashSet::new();
    each(table, &Filter::default(), |line| {
        marks.insert(line.mark());
        Ok(())
    })?;
    Ok(marks)
}

fn to_batch(lines: &[&Quarantined], arrival: Arrival) -> Result<RecordBatch> {
    let strings = |text: &dyn Fn(&Quarantined) -> String| -> ArrayRef {
        Arc::new(lines.iter().map(|line| Some(text(line))).collect::<StringViewArray>())
    };
    let numbers = |number: &dyn Fn(&Quarantined) -> u64| -> ArrayRef {
        Arc::new(lines.iter().map(|line| as_i64(number(line))).collect::<Int64Array>())
    };
    let mut bytes = BinaryBuilder::new();
    for line in lines {
        let is_text = std::str::from_utf8(&line.bytes).is_ok();
        bytes.append_option((!is_text).then_some(&line.bytes));
    }
    let ingested_at = TimestampMillisecondArray::from(vec![arrival.ingested_at.0; lines.len()]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        strings(&|line| line.file.to_string()),
        numbers(&|line| line.line),
        numbers(&|line| line.offset),
        strings(&|line| line.rule.to_owned()),
        strings(&|line| line.detail.clone()),
        strings(&|line| String::from_utf8_lossy(&line.bytes).into_owned()),
        Arc::new(bytes.finish()),
        Arc::new(ingested_at),
    ];
    Ok(RecordBatch::try_new(QUARANTINE_SCHEMA.clone(), columns)?)
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
