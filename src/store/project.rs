//! The files that a user writes beside a store: queries, dashboards, mappings.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use crate::model::time::Instant;

/// The text of a file.
///
/// # Errors
/// When the file cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
}

/// The files of a folder whose names end with that extension, sorted; none where there is no such folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// When a file was last written; nothing where there is no such file.
#[must_use]
pub fn written_at(path: &Path) -> Option<Instant> {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    Some(Instant(jiff::Timestamp::try_from(modified).ok()?.as_millisecond()))
}
