//! The files that a user writes beside a store: queries, dashboards, mappings, and the places that schedules name.

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

/// The bytes of a file.
///
/// # Errors
/// When the file cannot be read.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
}

/// The nearest folder that exists, at a path or above it.
#[must_use]
pub fn nearest_folder(path: &Path) -> Option<&Path> {
    path.ancestors()
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .find(|folder| folder.exists())
}

/// Makes sure that files can be made in a folder, by making one and removing it.
///
/// # Errors
/// When they cannot.
pub fn try_folder(folder: &Path) -> Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// Whether a file is a program that may be started.
#[must_use]
pub fn is_program(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    let may_start = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_start = true;
    metadata.is_file() && may_start
}

/// Whether other users of the machine may read a file.
#[must_use]
pub fn may_others_read(path: &Path) -> bool {
    #[cfg(unix)]
    let may = path.metadata().is_ok_and(|of| std::os::unix::fs::PermissionsExt::mode(&of.permissions()) & 0o077 != 0);
    #[cfg(not(unix))]
    let may = false;
    may
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
