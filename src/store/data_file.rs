//! What is known of a data file without reading it.

use std::path::PathBuf;

use uuid::Uuid;

use crate::model::time::Instant;

/// How the names of data files end.
pub const EXTENSION: &str = ".parquet";

/// A Parquet file that is written but not yet part of a table.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Relative to the table's folder.
    pub name: String,
    pub bytes: u64,
    pub rows: u64,
    /// First and last instant of the time column, where the table has one.
    pub time_range: Option<(Instant, Instant)>,
    /// First and last number in the batch column, where the table has one.
    pub batch_range: Option<(i64, i64)>,
    /// The fingerprint of its events ([`Contents`](crate::store::contents::Contents)), where the table is one of events.
    pub events: Option<u128>,
    /// A fingerprint of the file's bytes (XXH3), by which later damage is found.
    pub hash: u64,
}

/// A file of a table, as the commit that added it describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    pub path: PathBuf,
    pub bytes: u64,
    pub rows: u64,
    pub time_range: Option<(Instant, Instant)>,
    pub batch_range: Option<(i64, i64)>,
    /// As of a new file; files of older stores have none.
    pub events: Option<u128>,
    /// Files of older stores have none.
    pub hash: Option<u64>,
}

/// A name for a new file, never used before; `extension` includes the point.
#[must_use]
pub fn new_file_name(prefix: &str, extension: &str) -> String {
    format!("{prefix}-{}{extension}", Uuid::new_v4())
}
