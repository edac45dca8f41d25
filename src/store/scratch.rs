//! Temporary files: what work needs that does not fit into memory. Nothing in them outlives the program, so nothing is
//! flushed.

pub use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::objects::Store;

/// How the names of temporary folders in a store begin. Those that a killed writer left are removed by `vacuum`.
pub const PREFIX: &str = ".tmp";

/// A temporary folder. It is removed with everything in it when this value is dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    folder: TempDir,
}

impl ScratchFolder {
    /// A folder in a store, on the disk that has space for what is being written.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn in_store(store: &Store) -> crate::error::Result<ScratchFolder> {
        let folder = ScratchFolder::in_folder(store.path(), PREFIX);
        folder.map_err(crate::error::Error::file(store.path()))
    }

    /// A folder in the system's folder for temporary files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn in_system_folder() -> crate::error::Result<ScratchFolder> {
        let folder = ScratchFolder::in_folder(&std::env::temp_dir(), PREFIX);
        folder.map_err(crate::error::Error::file(system_folder()))
    }

    /// A folder in that folder, with a name that begins so.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn in_folder(parent: &Path, prefix: &str) -> Result<ScratchFolder> {
        Ok(ScratchFolder { folder: tempfile::Builder::new().prefix(prefix).tempdir_in(parent)? })
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Begins a file of a temporary folder.
///
/// # Errors
/// When the disk refuses.
pub fn create_file(path: &Path) -> Result<File> {
    File::create(path)
}

/// Opens a file of a temporary folder for reading.
///
/// # Errors
/// When the file cannot be opened.
pub fn open_file(path: &Path) -> Result<File> {
    File::open(path)
}

/// Removes a file of a temporary folder before the folder goes.
///
/// # Errors
/// When there is no such file, or the disk refuses.
pub fn remove_file(path: &Path) -> Result<()> {
    std::fs::remove_file(path)
}

/// How errors call the system's folder for temporary files.
#[must_use]
pub fn system_folder() -> &'static Path {
    Path::new("the folder for temporary files")
}

/// A temporary file without a name, to which parts are appended and from which they are read. It is created when the
/// first part is written.
#[derive(Debug, Default)]
pub struct SpillFile {
    file: Option<File>,
    end: u64,
}

/// Where a part is in a [`SpillFile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpilledPart {
    offset: u64,
    /// Its length.
    pub bytes: usize,
}

impl SpillFile {
    /// Whether anything has been written.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.file.is_some()
    }

    /// Appends texts as one part.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, texts: &[String]) -> Result<SpilledPart> {
        let (offset, end) = (self.end, &mut self.end);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(offset))?;
        for text in texts {
            file.write_all(text.as_bytes())?;
            *end += text.len() as u64;
        }
        Ok(SpilledPart { offset, bytes: texts.iter().map(String::len).sum() })
    }

    /// Reads a part.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, part: SpilledPart) -> Result<Vec<u8>> {
        let mut bytes = vec![0; part.bytes];
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(part.offset))?;
            file.read_exact(&mut bytes)?;
        }
        Ok(bytes)
    }
}
