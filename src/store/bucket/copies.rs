//! The copies of a bucket's files on the local disk.
//!
//! A file that is in the bucket may only be read here. A data file that may still be written is one that a writer of this
//! machine has not uploaded yet, so the permissions of a file state which of the two it is, also after a writer was killed.
//! The time at which a file was read last states when it was used last, as the system or this program have set it.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::model::time::Instant;
use crate::store::data_file::EXTENSION;
use crate::store::disk;

/// The folder of downloads that are not whole yet.
const BEGUN: &str = ".begun";

/// The file whose time is the time of the last use of any copy: the file system states the time, not a clock.
const USED: &str = ".used";

/// A copy that was used in that time stays, whatever the limit is: a question may still read it.
const IN_USE_MS: i64 = 3_600_000;

/// A use is noted again after that time.
const NOTED_AGAIN_MS: i64 = 30_000;

/// A download that was begun that long ago was not ended, because its process was killed.
const KILLED_MS: i64 = 24 * 3_600_000;

/// Notes that those files are used. Gives those of which there is no copy.
///
/// # Errors
/// When the disk refuses.
pub(super) fn use_those(folder: &Path, paths: Vec<PathBuf>) -> crate::error::Result<Vec<PathBuf>> {
    if paths.is_empty() {
        return Ok(paths);
    }
    let now = touched(folder).map_err(Error::file(folder))?;
    let mut missing = Vec::new();
    for path in paths {
        match note_use(&path, &now) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push(path),
            Err(error) => return Err(Error::file(&path)(error)),
        }
    }
    Ok(missing)
}

fn note_use(path: &Path, now: &Metadata) -> Result<()> {
    let used_at = time_of(&fs::metadata(path)?)?;
    if time_of(now)?.since_ms(used_at).abs() < NOTED_AGAIN_MS {
        return Ok(());
    }
    // Not the time at which it was written, by which the query engine knows whether it has changed.
    File::open(path)?.set_times(FileTimes::new().set_accessed(now.modified()?))
}

/// The later of the times at which a file was read and written last.
fn time_of(file: &Metadata) -> Result<Instant> {
    let time = file.modified()?.max(file.accessed()?);
    let time = jiff::Timestamp::try_from(time).map_err(std::io::Error::other)?;
    Ok(Instant(time.as_millisecond()))
}

/// A file that has just been written, whose time is the present one of the file system.
fn touched(folder: &Path) -> Result<Metadata> {
    disk::create_folders(folder)?;
    let mut used = OpenOptions::new().write(true).create(true).truncate(true).open(folder.join(USED))?;
    used.write_all(b".")?;
    used.metadata()
}

/// Begins a download.
pub(super) fn begin(folder: &Path) -> Result<NamedTempFile> {
    let begun = folder.join(BEGUN);
    disk::create_folders(&begun)?;
    tempfile::Builder::new().tempfile_in(begun)
}

/// Flushes a download that is whole, and gives it its name. Of two downloads of one file, which are equal, the last one stays.
pub(super) fn end(begun: NamedTempFile, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    disk::create_folders(folder)?;
    disk::flush(begun.as_file(), begun.path())?;
    mark_published(begun.path())?;
    begun.persist(path).map_err(|error| error.error)?;
    disk::flush_folder(folder)
}

/// Replaces a copy, where there is one, by a download of the same file.
///
/// # Errors
/// When the disk refuses.
pub fn renew(download: NamedTempFile, path: &Path) -> Result<()> {
    if path.exists() { end(download, path) } else { Ok(()) }
}

/// Whether a file is in the bucket, by its copy; nothing where there is no copy.
pub(super) fn is_published(path: &Path) -> Result<Option<bool>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.permissions().readonly())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file has been uploaded, or was downloaded.
fn is_copy(path: &Path) -> bool {
    matches!(is_published(path), Ok(Some(true)))
}

/// Notes that a file is in the bucket.
pub(super) fn mark_published(path: &Path) -> Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

/// Removes a copy, where there is one.
///
/// # Errors
/// When the disk refuses.
pub fn forget(path: &Path) -> crate::error::Result<()> {
    match disk::remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file(path)(error)),
        _ => Ok(()),
    }
}

/// A copy that may be removed.
struct Unused {
    path: PathBuf,
    bytes: u64,
    used_at: Instant,
}

/// Removes the copies that were not used for the longest time until those that are left have at most so many bytes. Copies
/// that are in use stay, and so do files that are not in the bucket yet. Removes what killed downloads left, too.
///
/// # Errors
/// When the folder cannot be read or written.
pub(super) fn keep_within(folder: &Path, bytes_most: u64) -> crate::error::Result<()> {
    let now = touched(folder).and_then(|file| time_of(&file)).map_err(Error::file(folder))?;
    let since_ms = |at: Instant| now.since_ms(at);
    for begun in files_in(&folder.join(BEGUN)) {
        if since_ms(begun.used_at) > KILLED_MS {
            forget(&begun.path)?;
        }
    }
    let mut copies = Vec::new();
    copies_below(folder, &mut copies);
    let mut bytes: u64 = copies.iter().map(|copy| copy.bytes).sum();
    copies.retain(|copy| since_ms(copy.used_at) > IN_USE_MS);
    copies.sort_by(|a, b| (a.used_at, &a.path).cmp(&(b.used_at, &b.path)));
    for copy in copies {
        if bytes <= bytes_most {
            break;
        }
        // Another process may have begun to use it.
        let is_used = fs::metadata(&copy.path).and_then(|file| time_of(&file)).is_ok_and(|at| at != copy.used_at);
        if !is_used {
            forget(&copy.path)?;
            bytes = bytes.saturating_sub(copy.bytes);
        }
    }
    Ok(())
}

/// The copies in a folder and in the folders below it.
fn copies_below(folder: &Path, copies: &mut Vec<Unused>) {
    let is_data = |path: &Path| path.to_str().is_some_and(|path| path.ends_with(EXTENSION));
    copies.extend(files_in(folder).into_iter().filter(|file| is_data(&file.path) && is_copy(&file.path)));
    for name in disk::folder_names(folder) {
        copies_below(&folder.join(name), copies);
    }
}

/// The files of a folder; none where it does not exist. A file that goes at the same time is left out.
fn files_in(folder: &Path) -> Vec<Unused> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some(Unused { path: entry.path(), bytes: metadata.len(), used_at: time_of(&metadata).ok()? })
    };
    entries.filter_map(file).collect()
}

/// The names of data files of a folder that are not in the bucket: a writer is at work, or it was killed.
#[must_use]
pub fn unpublished(folder: &Path) -> Vec<String> {
    let files = files_in(folder).into_iter().filter(|file| !is_copy(&file.path));
    let names = files.filter_map(|file| Some(file.path.file_name()?.to_str()?.to_owned()));
    names.filter(|name| name.ends_with(EXTENSION)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn set_time(path: &Path, at: std::time::SystemTime) {
        let times = FileTimes::new().set_accessed(at).set_modified(at);
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }

    /// A copy of that many bytes that was used so many hours ago.
    fn copy(folder: &Path, name: &str, bytes: usize, hours: u64) -> PathBuf {
        let path = folder.join("events").join(name);
        disk::create_folders(path.parent().unwrap()).unwrap();
        fs::write(&path, vec![0; bytes]).unwrap();
        let used_at = touched(folder).unwrap().modified().unwrap() - Duration::from_secs(3600 * hours);
        set_time(&path, used_at);
        path
    }

    #[test]
    fn the_copies_that_were_not_used_for_the_longest_time_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        let paths: Vec<PathBuf> = [("a", 40), ("b", 60), ("c", 50), ("d", 0), ("e", 70)]
            .map(|(name, hours)| copy(folder, &format!("{name}{EXTENSION}"), 100, hours))
            .to_vec();
        // The last one has not been uploaded.
        paths[..4].iter().for_each(|path| mark_published(path).unwrap());
        let left = || paths.iter().map(|path| path.exists()).collect::<Vec<_>>();
        keep_within(folder, 400).unwrap();
        assert_eq!(left(), [true; 5]);
        keep_within(folder, 200).unwrap();
        assert_eq!(left(), [true, false, false, true, true]);
        // A use makes a copy the last to be removed; one that is in use stays.
        assert!(use_those(folder, vec![paths[0].clone()]).unwrap().is_empty());
        keep_within(folder, 0).unwrap();
        assert_eq!(left(), [true, false, false, true, true]);
        assert_eq!(use_those(folder, paths[..2].to_vec()).unwrap(), [paths[1].clone()]);
        assert_eq!(unpublished(&folder.join("events")), [format!("e{EXTENSION}")]);
    }

    #[test]
    fn a_download_that_a_killed_process_began_is_removed_after_a_day() {
        let home = tempfile::tempdir().unwrap();
        let (_, old) = begin(home.path()).unwrap().keep().unwrap();
        let (_, new) = begin(home.path()).unwrap().keep().unwrap();
        let yesterday = touched(home.path()).unwrap().modified().unwrap() - Duration::from_secs(2 * 86_400);
        set_time(&old, yesterday);
        keep_within(home.path(), 0).unwrap();
        assert_eq!((old.exists(), new.exists()), (false, true));
    }
}
