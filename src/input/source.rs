//! Where lines come from: files, decompressed as they are read, and standard input.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::input::format::{InputFormat, has_compressed_ending};
use crate::input::signature::{self, GZIP, HEAD_BYTES, ZSTD};
use crate::store::scratch::{self, ScratchFolder};

/// Bytes of a compressed file that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a pipe that has a name.
    File(PathBuf),
    /// Standard input, shown as `-`.
    Stdin,
}

impl Source {
    /// What was typed: a path, or `-` for standard input.
    #[must_use]
    pub fn parse(typed: &str) -> Source {
        if typed == "-" { Source::Stdin } else { Source::File(PathBuf::from(typed)) }
    }

    /// The name under which its lines are quarantined.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Stdin => "-".to_owned(),
        }
    }

    /// Whether it may go on for ever: a pipe by any name.
    #[must_use]
    pub fn may_never_end(&self) -> bool {
        match self {
            Source::Stdin => true,
            Source::File(path) => std::fs::metadata(path).is_ok_and(|found| !found.is_file()),
        }
    }
}

/// How a file is compressed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn of(head: &[u8]) -> Option<Compression> {
        match head {
            head if head.starts_with(GZIP) => Some(Compression::Gzip),
            // A file that several threads compressed begins with a frame without data.
            head if head.starts_with(ZSTD) || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18]) => {
                Some(Compression::Zstd)
            }
            _ => None,
        }
    }
}

/// Bytes of a file that is read as it is; none where the file is compressed or cannot be read.
#[must_use]
pub fn uncompressed_bytes(path: &Path) -> Option<u64> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let (head, _) = peek(file, ZSTD.len()).ok()?;
    Compression::of(&head).is_none().then_some(bytes)
}

/// Opens a file or standard input, decompressed as it is read.
///
/// # Errors
/// As [`open_decompressed`].
pub fn open_source(source: &Source) -> Result<Box<dyn Read + Send>> {
    match source {
        Source::File(path) => open_decompressed(path),
        Source::Stdin => decompressed(io::stdin(), Path::new("-")),
    }
}

/// A file that is read at any place: the source itself, or a copy of what it is decompressed, which is removed with this value.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    _copy: Option<ScratchFolder>,
}

impl LocalFile {
    /// Copies what is compressed or comes through a pipe. `input` is the source from its beginning, decompressed.
    ///
    /// # Errors
    /// When the source cannot be read, or the disk refuses the copy.
    pub fn of(source: &Source, mut input: impl Read) -> Result<LocalFile> {
        if let Source::File(path) = source
            && uncompressed_bytes(path).is_some()
        {
            return Ok(LocalFile { path: path.clone(), _copy: None });
        }
        let folder = ScratchFolder::in_system_folder()?;
        let path = folder.file("input");
        let mut copy = scratch::create_file(&path).map_err(Error::file(scratch::system_folder()))?;
        io::copy(&mut input, &mut copy).map_err(|error| Error::invalid(source.name(), error.to_string()))?;
        Ok(LocalFile { path, _copy: Some(folder) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it, and gives its length in bytes.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> Result<(File, u64)> {
        let file = File::open(&self.path).map_err(Error::file(&self.path))?;
        let bytes = file.metadata().map_err(Error::file(&self.path))?.len();
        Ok((file, bytes))
    }
}

/// Opens a file. One whose first bytes are those of gzip or zstd is decompressed as it is read, whatever its name.
///
/// # Errors
/// When the file cannot be opened, or its name states a compression that its bytes do not have.
pub fn open_decompressed(path: &Path) -> Result<Box<dyn Read + Send>> {
    decompressed(File::open(path).map_err(Error::file(path))?, path)
}

fn decompressed(input: impl Read + Send + 'static, path: &Path) -> Result<Box<dyn Read + Send>> {
    let (head, input) = peek(input, ZSTD.len()).map_err(Error::file(path))?;
    match Compression::of(&head) {
        Some(Compression::Gzip) => {
            Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, input))))
        }
        Some(Compression::Zstd) => Ok(Box::new(zstd::Decoder::new(input).map_err(Error::file(path))?)),
        None if has_compressed_ending(path) => {
            let message = "found data that is not compressed, expected gzip or zstd as the ending of the name states";
            let error = Error::invalid(path.display().to_string(), message);
            Err(error.with_hint("leave the ending `.gz` or `.zst` out of the name of a file that is not compressed"))
        }
        None => Ok(Box::new(input)),
    }
}

/// Opens a file of text, decompressed, unless its first bytes are of another format.
///
/// # Errors
/// When the file cannot be read, or is not of the expected format.
pub fn open_text(path: &Path, expected: InputFormat) -> Result<Box<dyn Read + Send>> {
    let (head, input) = peek(open_decompressed(path)?, HEAD_BYTES).map_err(Error::file(path))?;
    signature::check(&path.display().to_string(), &head, expected)?;
    Ok(Box::new(input))
}

/// Refuses a file whose first bytes are of another format. What is no regular file passes: reading it would take its bytes.
///
/// # Errors
/// When the file cannot be read, or is not of the expected format.
pub fn check_file(path: &Path, expected: InputFormat) -> Result<()> {
    if !std::fs::metadata(path).map_err(Error::file(path))?.is_file() {
        return Ok(());
    }
    match expected {
        InputFormat::Parquet => check_uncompressed(path, expected),
        _ => open_text(path, expected).map(drop),
    }
}

/// The same of a file that is not decompressed when it is read.
///
/// # Errors
/// When the file cannot be read, or is not of the expected format.
pub fn check_uncompressed(path: &Path, expected: InputFormat) -> Result<()> {
    let file = File::open(path).map_err(Error::file(path))?;
    let (head, _) = peek(file, HEAD_BYTES).map_err(Error::file(path))?;
    signature::check(&path.display().to_string(), &head, expected)
}

/// The first bytes of an input, and the whole of it.
///
/// # Errors
/// When it cannot be read.
pub fn peek<R: Read>(mut input: R, bytes: usize) -> io::Result<(Vec<u8>, impl Read + use<R>)> {
    let mut head = Vec::with_capacity(bytes);
    input.by_ref().take(bytes as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}
