//! A record of an input, as the rows that it gives: itself, and one for each element that a rule of the mapping goes through.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Result;

/// Takes a record, and the whole of it as a JSON object for its repair.
pub(super) type TakeRecord<'t> = &'t mut dyn FnMut(&Record, &dyn Fn() -> Json) -> Result<()>;

/// What is known of an input once it has been read.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Bytes read, after decompression.
    pub(super) bytes: u64,
    /// Records given, where columns are looked for in them.
    pub(super) rows: u64,
    /// What became no record, by the name of it.
    pub(super) left_out: BTreeMap<String, u64>,
    /// For each column of the mapping whether a record had it; absent where it was looked for before the first one.
    pub(super) seen: Option<Vec<bool>>,
    /// Columns that there are, for a message about one that is missing; of many, some.
    pub(super) names: BTreeSet<String>,
    /// What may be wrong where one is missing.
    pub(super) advice: Option<&'static str>,
}

impl Ended {
    /// An input whose columns were looked for before the first record.
    pub(super) fn after(bytes: u64) -> Ended {
        Ended { bytes, ..Ended::default() }
    }

    /// Counts what becomes no record.
    pub(super) fn leave_out(&mut self, name: &str) {
        match self.left_out.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.left_out.insert(name.to_owned(), 1)),
        }
    }
}

/// One record, in memory that is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Line on which it begins, from 1; the number of the row where the format has no lines.
    pub(super) line: u64,
    /// Byte offset at which it begins, after decompression; 0 where the format has none.
    pub(super) offset: u64,
    /// A hash of the whole record, columns that the mapping does not name included.
    pub(super) hash: u128,
    /// Why it is not a row at all.
    pub(super) problem: Option<String>,
    texts: String,
    cells: Vec<Range<usize>>,
    rows: Vec<RowStart>,
}

#[derive(Clone, Copy, Debug)]
struct RowStart {
    level: usize,
    index: u64,
    first_cell: usize,
}

/// One row of a record.
pub(super) struct RecordRow<'r> {
    /// 0 for the record itself, else the number of the `each` it is an element of.
    pub(super) level: usize,
    /// Which of the rows of this level of the record it is, from 0.
    pub(super) index: u64,
    /// The cells in the order of the mapping's columns, those of other levels empty.
    pub(super) cells: Vec<&'r str>,
    /// Of the record, its level and its index.
    pub(super) hash: u128,
}

impl Record {
    /// Begins a new record.
    pub(super) fn begin(&mut self, line: u64, offset: u64) {
        (self.line, self.offset, self.hash, self.problem) = (line, offset, 0, None);
        self.texts.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Begins the next row; its cells follow.
    pub(super) fn row(&mut self, level: usize, index: u64) {
        self.rows.push(RowStart { level, index, first_cell: self.cells.len() });
    }

    /// Adds the next cell of the row.
    pub(super) fn cell(&mut self, text: &str) {
        let start = self.texts.len();
        self.texts.push_str(text);
        self.cells.push(start..self.texts.len());
    }

    /// Adds the cell of the row that began last but one or earlier: the same text, not copied.
    pub(super) fn same_cell(&mut self, row: usize, column: usize) {
        let first = self.rows.get(row).map_or(0, |row| row.first_cell);
        let range = self.cells.get(first + column).cloned().unwrap_or_default();
        self.cells.push(range);
    }

    /// The rows, each with `columns` cells.
    pub(super) fn rows(&self, columns: usize) -> impl Iterator<Item = RecordRow<'_>> {
        self.rows.iter().map(move |row| {
            let ranges = self.cells.get(row.first_cell..row.first_cell + columns).unwrap_or_default();
            let cells = ranges.iter().map(|range| self.texts.get(range.clone()).unwrap_or_default()).collect();
            let hash = match (row.level, row.index) {
                (0, 0) => self.hash,
                (level, index) => {
                    let mut bytes = [0; 32];
                    let parts = self.hash.to_le_bytes().into_iter().chain(index.to_le_bytes());
                    let parts = parts.chain((level as u64).to_le_bytes());
                    bytes.iter_mut().zip(parts).for_each(|(into, byte)| *into = byte);
                    xxh3_128(&bytes)
                }
            };
            RecordRow { level: row.level, index: row.index, cells, hash }
        })
    }
}
