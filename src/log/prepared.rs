//! An ingestion between the writing of its files and their commit: what is written, and what was counted.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};

use crate::input::piece::Quarantined;
use crate::log::identity::Conflict;
use crate::log::quarantine::QuarantineWriter;
use crate::log::staged::StagedFile;
use crate::model::time::Instant;
use crate::store::data_file::NewFile;
use crate::store::scratch::ScratchFolder;

/// What an ingestion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines that were not blank.
    pub read: u64,
    pub added: u64,
    pub duplicates: u64,
    pub conflicts: u64,
    /// Lines set aside, conflicts included.
    pub quarantined: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
}

/// What an ingestion did with each of its inputs.
#[derive(Clone, Debug, Default)]
pub struct InputsSummary {
    /// Events that entered the log, by the name of the input.
    pub added: HashMap<Arc<str>, u64>,
    /// The lines that were set aside, in the order in which they were found.
    pub refused: Vec<Quarantined>,
}

/// Everything that is written but not yet visible.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) files: Vec<NewFile>,
    /// Lines that are not in the quarantine yet.
    pub(super) quarantine: Option<QuarantineWriter>,
    pub(super) summary: Summary,
    pub(super) reported: Reported,
    pub(super) inputs: InputsSummary,
    /// Where the lines of the events were.
    pub(super) staged: Vec<StagedFile>,
    /// Has the entries of staged files that do not fit into memory.
    pub(super) scratch: Option<ScratchFolder>,
}

/// What an ingestion reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reported {
    #[default]
    Sums,
    EachInput,
}

/// A conflicting event as a line: the same values, though perhaps not the same spelling.
pub(super) fn conflict_line(conflict: &Conflict, batch: &RecordBatch, row: usize) -> Quarantined {
    let text = |name: &str| batch.column_by_name(name).map_or("", |column| column.as_string_view().value(row));
    let time =
        batch.column_by_name("time").map_or(0, |times| times.as_primitive::<TimestampMillisecondType>().value(row));
    let sequence = batch.column_by_name("sequence").map_or(0, |column| column.as_primitive::<Int64Type>().value(row));
    let data: Option<&serde_json::value::RawValue> = serde_json::from_str(text("data")).ok();
    let line = serde_json::json!({
        "specversion": "1.0", "id": text("id"), "source": text("source"), "type": text("type"),
        "subject": text("subject"), "time": Instant(time).to_string(), "sequence": sequence, "data": data,
    });
    let place = if conflict.logged { "the log" } else { "this input" };
    let detail =
        format!("`{}` of source `{}` is in {place} with other content; the first stays", text("id"), text("source"));
    Quarantined {
        file: Arc::clone(&conflict.file),
        line: conflict.line,
        offset: conflict.offset,
        rule: "conflict",
        detail,
        bytes: line.to_string().into_bytes(),
    }
}
