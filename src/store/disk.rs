//! What must survive a power cut: every durable operation on the local disk, in one file.
//!
//! The rule is the same everywhere: content first, then the name, then the folder that holds the name. A file that
//! readers may open under its name is on the disk whole before it gets that name.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use xxhash_rust::xxh3::Xxh3Default;

/// A durable operation that has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOperation<'a> {
    FolderCreated(&'a Path),
    FolderFlushed(&'a Path),
    FileCreated(&'a Path),
    FileFlushed(&'a Path),
    Linked { from: &'a Path, to: &'a Path },
    Renamed { from: &'a Path, to: &'a Path },
    Removed(&'a Path),
}

impl DiskOperation<'_> {
    /// The path that the operation is about; of two paths the new one.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            DiskOperation::FolderCreated(path)
            | DiskOperation::FolderFlushed(path)
            | DiskOperation::FileCreated(path)
            | DiskOperation::FileFlushed(path)
            | DiskOperation::Removed(path) => path,
            DiskOperation::Linked { to, .. } | DiskOperation::Renamed { to, .. } => to,
        }
    }
}

/// Whether a file that is written may replace another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Fails where there is a file of that name.
    Create,
    Replace,
}

/// Creates an empty file under a name that is not in use.
///
/// # Errors
/// When there is such a file, or the disk refuses.
pub fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    notify(DiskOperation::FileCreated(path));
    Ok(file)
}

/// Flushes a file's content.
///
/// # Errors
/// When the disk refuses.
pub fn flush(file: &File, path: &Path) -> Result<()> {
    file.sync_all()?;
    notify(DiskOperation::FileFlushed(path));
    Ok(())
}

/// Flushes a folder's entries, so that the creation, renaming and removal of files in it are durable.
///
/// # Errors
/// When the folder cannot be opened or flushed.
pub fn flush_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()?;
    notify(DiskOperation::FolderFlushed(folder));
    Ok(())
}

/// Creates a folder and the folders above it that are missing, and flushes the entry of each.
///
/// # Errors
/// When the disk refuses.
pub fn create_folders(folder: &Path) -> Result<()> {
    let Some(parent) = folder.parent().filter(|_| !folder.is_dir()) else { return Ok(()) };
    create_folders(parent)?;
    match std::fs::create_dir(folder) {
        Ok(()) => notify(DiskOperation::FolderCreated(folder)),
        // Another writer has created it since, and may not have flushed it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    flush_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Removes a file. The removal is durable once the folder is flushed.
///
/// # Errors
/// When there is no such file, or the disk refuses.
pub fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path)?;
    notify(DiskOperation::Removed(path));
    Ok(())
}

/// Removes a folder and everything in it: temporary files of a killed writer, none of which is needed.
///
/// # Errors
/// When the disk refuses.
pub fn remove_folder(path: &Path) -> Result<()> {
    std::fs::remove_dir_all(path)
}

/// Gives a file another name in the same folder, and flushes the folder.
///
/// # Errors
/// When the disk refuses.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to)?;
    notify(DiskOperation::Renamed { from, to });
    to.parent().map_or(Ok(()), flush_folder)
}

/// Writes a file, whole or not at all: no reader sees it under its name before its content is on the disk, and when this
/// returns, the name is on the disk, too.
///
/// # Errors
/// When there is such a file and the mode is [`WriteMode::Create`], when `write` fails, or the disk refuses.
pub fn write_whole(path: &Path, mode: WriteMode, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    create_folders(folder)?;
    let (mut file, unfinished) = create_beside(path)?;
    let written = write(&mut file).and_then(|()| flush(&file, &unfinished)).and_then(|()| match mode {
        WriteMode::Replace => {
            std::fs::rename(&unfinished, path).map(|()| notify(DiskOperation::Renamed { from: &unfinished, to: path }))
        }
        // Unlike a rename, a link never replaces a file.
        WriteMode::Create => {
            std::fs::hard_link(&unfinished, path)
                .map(|()| notify(DiskOperation::Linked { from: &unfinished, to: path }))?;
            remove(&unfinished)
        }
    });
    if let Err(error) = written {
        // No reader looks for its name; if it stays, `vacuum` removes it.
        let _ = remove(&unfinished);
        return Err(error);
    }
    flush_folder(folder)
}

/// Writes a file outside of a store, whole or not at all, as [`write_whole`] does, and replaces one of that name. `key` names
/// what is written: what a killed writer of the same has begun in the folder is removed.
///
/// # Errors
/// When `write` fails, or the disk refuses.
pub fn write_whole_once(path: &Path, key: &str, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    create_folders(folder)?;
    let prefix = format!("{BEGUN_PREFIX}{key}-");
    for name in names(folder, |kind| kind.is_file()).into_iter().filter(|name| name.starts_with(&prefix)) {
        remove(&folder.join(name))?;
    }
    let mut begun = begin(folder, &prefix)?;
    let unfinished = begun.path().to_owned();
    write(begun.as_file_mut())?;
    flush(begun.as_file(), &unfinished)?;
    begun.persist(path).map_err(|error| error.error)?;
    notify(DiskOperation::Renamed { from: &unfinished, to: path });
    flush_folder(folder)
}

/// Replaces a file that only its owner may read by what `edit` makes of its text, and of nothing where there is no such
/// file; leaves it where that gives nothing. Two processes that edit files of one folder do it one after the other.
///
/// # Errors
/// When the file is not UTF-8, or the disk refuses.
pub fn replace_private(path: &Path, edit: impl FnOnce(Option<String>) -> Option<String>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The lock ends with this file.
    let locked = File::open(folder)?;
    locked.lock()?;
    let before = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(text) = edit(before) else { return Ok(()) };
    // Temporary files are private.
    let mut begun = tempfile::Builder::new().prefix(BEGUN_PREFIX).tempfile_in(folder)?;
    let unfinished = begun.path().to_owned();
    begun.write_all(text.as_bytes())?;
    flush(begun.as_file(), &unfinished)?;
    begun.persist(path).map_err(|error| error.error)?;
    notify(DiskOperation::Renamed { from: &unfinished, to: path });
    flush_folder(folder)
}

/// Creates a file with a name that the table library ignores when it lists a folder.
fn create_beside(path: &Path) -> Result<(File, PathBuf)> {
    let mut number = 1_u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        match create(Path::new(&name)) {
            Ok(file) => return Ok((file, name.into())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// How the names of files begin that are written outside of a store, by [`begin_whole_file`].
const BEGUN_PREFIX: &str = ".casebook-";

/// Begins a file in a folder, to be persisted there under its own name when it is whole. Other users may read it as they
/// may read other new files.
///
/// # Errors
/// When the disk refuses.
pub fn begin_whole_file(folder: &Path) -> Result<tempfile::NamedTempFile> {
    begin(folder, BEGUN_PREFIX)
}

fn begin(folder: &Path, prefix: &str) -> Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    // The permissions of any new file, less the user's mask; temporary files are private otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// The names of files that a writer began in a folder and did not finish: it is still at work, or it was killed.
#[must_use]
pub fn unfinished_files(folder: &Path) -> Vec<String> {
    let is_numbered = |name: &str| name.rsplit_once('#').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    let mut names = names(folder, |kind| kind.is_file());
    names.retain(|name| is_numbered(name) || name.starts_with(BEGUN_PREFIX));
    names
}

/// The names of the folders in a folder, sorted; none where it does not exist.
#[must_use]
pub fn folder_names(folder: &Path) -> Vec<String> {
    names(folder, |kind| kind.is_dir())
}

/// The names of the files in a folder, sorted; none where it does not exist.
#[must_use]
pub fn file_names(folder: &Path) -> Vec<String> {
    names(folder, |kind| kind.is_file())
}

fn names(folder: &Path, is_wanted: impl Fn(std::fs::FileType) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(std::result::Result::ok);
    let entries = entries.filter(|entry| entry.file_type().is_ok_and(&is_wanted));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The bytes of a file, or of the files in a folder.
#[must_use]
pub fn bytes_of(path: &Path) -> u64 {
    if path.is_dir() {
        let files = names(path, |kind| kind.is_file()).into_iter().map(|name| path.join(name));
        return files.map(|file| bytes_of(&file)).sum();
    }
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// The length of a file, and the fingerprint (XXH3) of its bytes.
///
/// # Errors
/// When the file cannot be read.
pub fn fingerprint(path: &Path) -> Result<(u64, u64)> {
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

/// Is called after every operation below a folder.
pub type Observer = Arc<dyn Fn(DiskOperation<'_>) + Send + Sync>;

/// The observers, which only tests add. This is the only state that all parts of the program share.
static OBSERVERS: RwLock<Vec<(PathBuf, Observer)>> = RwLock::new(Vec::new());

fn notify(operation: DiskOperation<'_>) {
    let Ok(observers) = OBSERVERS.read() else { return };
    for (_, observer) in observers.iter().filter(|(root, _)| operation.path().starts_with(root)) {
        observer(operation);
    }
}

/// Calls `observer` from now on after every operation at or below `root`. For tests of what a power cut between two
/// operations leaves.
#[doc(hidden)]
pub fn watch(root: &Path, observer: Observer) {
    if let Ok(mut observers) = OBSERVERS.write() {
        observers.push((root.to_owned(), observer));
    }
}
