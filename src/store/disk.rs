//! What must outlive a power cut: every durable act of the store, in one place.
//!
//! The rule is the same everywhere: content first, then the name, then the folder that holds the name. A file that
//! others may open under its name is on disk whole before it gets that name.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// One durable act that has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    FolderMade(&'a Path),
    FolderFlushed(&'a Path),
    FileMade(&'a Path),
    FileFlushed(&'a Path),
    Linked { from: &'a Path, to: &'a Path },
    Renamed { from: &'a Path, to: &'a Path },
    Removed(&'a Path),
}

impl Act<'_> {
    /// The path that the act is about; of two the new one.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Act::FolderMade(path)
            | Act::FolderFlushed(path)
            | Act::FileMade(path)
            | Act::FileFlushed(path)
            | Act::Removed(path) => path,
            Act::Linked { to, .. } | Act::Renamed { to, .. } => to,
        }
    }
}

/// Whether a file may take the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// Fails where there is one.
    New,
    Replace,
}

/// Makes an empty file that nobody has named before.
///
/// # Errors
/// When there is one, or the disk refuses.
pub fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    observe(Act::FileMade(path));
    Ok(file)
}

/// Flushes a file's content.
///
/// # Errors
/// When the disk refuses.
pub fn flush(file: &File, path: &Path) -> Result<()> {
    file.sync_all()?;
    observe(Act::FileFlushed(path));
    Ok(())
}

/// Flushes a folder's entries, so that files made, renamed or removed in it stay so.
///
/// # Errors
/// When the folder cannot be opened or flushed.
pub fn flush_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()?;
    observe(Act::FolderFlushed(folder));
    Ok(())
}

/// Makes a folder and those above it that are missing, and flushes the entry of each.
///
/// # Errors
/// When the disk refuses.
pub fn make_folders(folder: &Path) -> Result<()> {
    let Some(parent) = folder.parent().filter(|_| !folder.is_dir()) else { return Ok(()) };
    make_folders(parent)?;
    match std::fs::create_dir(folder) {
        Ok(()) => observe(Act::FolderMade(folder)),
        // Somebody else was quicker, and may not have flushed it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    flush_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Removes a file. That it is gone is durable once its folder is flushed.
///
/// # Errors
/// When there is none, or the disk refuses.
pub fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path)?;
    observe(Act::Removed(path));
    Ok(())
}

/// Removes a folder and everything in it: what a killed writer worked with, of which nothing is wanted.
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
    observe(Act::Renamed { from, to });
    to.parent().map_or(Ok(()), flush_folder)
}

/// Puts a file in its place, whole or not at all: nobody sees it under its name before its content is on disk, and when
/// this returns the name is, too.
///
/// # Errors
/// When there is one already and `placing` is [`Placing::New`], when `write` fails, or the disk refuses.
pub fn place(path: &Path, placing: Placing, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_folders(folder)?;
    let (mut file, staged) = begin_beside(path)?;
    let placed = write(&mut file).and_then(|()| flush(&file, &staged)).and_then(|()| match placing {
        Placing::Replace => std::fs::rename(&staged, path).map(|()| observe(Act::Renamed { from: &staged, to: path })),
        // Unlike a rename, a link takes no other file's place.
        Placing::New => {
            std::fs::hard_link(&staged, path).map(|()| observe(Act::Linked { from: &staged, to: path }))?;
            remove(&staged)
        }
    });
    if let Err(error) = placed {
        // It has no name that anybody looks for; if it stays, `vacuum` takes it.
        let _ = remove(&staged);
        return Err(error);
    }
    flush_folder(folder)
}

/// A file of a name that the table's library passes over when it lists a folder.
fn begin_beside(path: &Path) -> Result<(File, PathBuf)> {
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

/// What is told of every act below a folder.
pub type Observer = Arc<dyn Fn(Act<'_>) + Send + Sync>;

/// The ears of tests; the only state that the program shares between its parts, and empty but for them.
static OBSERVERS: RwLock<Vec<(PathBuf, Observer)>> = RwLock::new(Vec::new());

fn observe(act: Act<'_>) {
    let Ok(observers) = OBSERVERS.read() else { return };
    for (_, observer) in observers.iter().filter(|(root, _)| act.path().starts_with(root)) {
        observer(act);
    }
}

/// Tells `observer` of every act at or below `root` from now on, just after it was done. For tests, which try what a
/// power cut between two acts would leave.
#[doc(hidden)]
pub fn watch(root: &Path, observer: Observer) {
    if let Ok(mut observers) = OBSERVERS.write() {
        observers.push((root.to_owned(), observer));
    }
}
