//! Inputs that may have more later: a pipe, and a file that is still being written.
//!
//! Reading them never waits. `WouldBlock` means that there is nothing now; the reader decides whether to wait for more.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(100);
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 16;

/// A pipe, read by a thread of its own, because reading it may wait for ever.
pub struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    /// The error that the thread met.
    failed: Option<io::Error>,
    ended: bool,
}

impl Pipe {
    /// Begins to read a pipe.
    #[must_use]
    pub fn of(mut input: impl Read + Send + 'static) -> Pipe {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        // Ends with the pipe, or with the program.
        std::thread::spawn(move || {
            let mut buffer = vec![0; CHUNK_BYTES];
            loop {
                let read = match input.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    read => read,
                };
                let last = !matches!(read, Ok(1..));
                let chunk = read.map(|count| buffer.get(..count).unwrap_or_default().to_vec());
                if sender.send(chunk).is_err() || last {
                    break;
                }
            }
        });
        Pipe { chunks, chunk: io::Cursor::default(), failed: None, ended: false }
    }

    /// Waits a little for more.
    pub fn wait(&mut self) {
        if self.is_empty() && self.failed.is_none() && !self.ended {
            match self.chunks.recv_timeout(PAUSE) {
                Ok(chunk) => self.take(chunk),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.chunk.position() >= self.chunk.get_ref().len() as u64
    }

    fn take(&mut self, chunk: io::Result<Vec<u8>>) {
        match chunk {
            Ok(chunk) => self.chunk = io::Cursor::new(chunk),
            Err(error) => self.failed = Some(error),
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_empty() && !self.ended {
            match self.chunks.try_recv() {
                Ok(chunk) => self.take(chunk),
                Err(TryRecvError::Empty) if self.failed.is_none() => return Err(ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.ended = true,
            }
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        // An empty chunk is the end of the pipe.
        self.chunk.read(buffer)
    }
}

/// Why a file that is followed is read from its start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Another file has its name.
    Replaced,
    /// It is shorter than what has been read of it.
    Shrunk { from: u64, to: u64 },
}

impl std::fmt::Display for Restart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Restart::Replaced => write!(formatter, "was replaced; the new file is read from its start"),
            Restart::Shrunk { from, to } => {
                write!(formatter, "shrank from {from} to {to} bytes; it is read from its start again")
            }
        }
    }
}

/// A file that is still being written.
pub struct Tail {
    path: PathBuf,
    file: File,
    read: u64,
    restart: Option<Restart>,
}

impl Tail {
    /// Opens a file at its start.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Tail> {
        Ok(Tail { path: path.to_owned(), file: File::open(path)?, read: 0, restart: None })
    }

    /// Why this file has ended, if it has.
    #[must_use]
    pub fn restart(&self) -> Option<Restart> {
        self.restart
    }

    /// Waits a little.
    pub fn wait() {
        std::thread::sleep(PAUSE);
    }

    fn read_more(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }

    /// Whether the name is that of another file by now, or of a shorter one. While no file has the name, it is not.
    fn look(&self) -> io::Result<Option<Restart>> {
        let named = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            named => named?,
        };
        Ok(match named.len() {
            _ if number(&named) != number(&self.file.metadata()?) => Some(Restart::Replaced),
            to if to < self.read => Some(Restart::Shrunk { from: self.read, to }),
            _ => None,
        })
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.restart.is_some() {
            return Ok(0);
        }
        match self.read_more(buffer)? {
            0 => {}
            count => return Ok(count),
        }
        let Some(restart) = self.look()? else { return Err(ErrorKind::WouldBlock.into()) };
        // What was written before the file was replaced belongs to it.
        let count = self.read_more(buffer)?;
        if count == 0 {
            self.restart = Some(restart);
        }
        Ok(count)
    }
}

/// What distinguishes a file from another of its name. No other file has the number of an open one.
#[cfg(unix)]
fn number(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// On other systems a replaced file is noticed only where it is shorter.
#[cfg(not(unix))]
fn number(_file: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Everything that is there now.
    fn read(tail: &mut Tail) -> String {
        let mut text = vec![0; 1000];
        match tail.read(&mut text) {
            Ok(count) => String::from_utf8(text.drain(..count).collect()).unwrap(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => "-".to_owned(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_file_is_read_as_it_grows_until_another_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = File::create(&path).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(read(&mut tail), "-");
        file.write_all(b"one").unwrap();
        assert_eq!((read(&mut tail), read(&mut tail)), ("one".to_owned(), "-".to_owned()));
        std::fs::rename(&path, folder.path().join("b")).unwrap();
        assert_eq!(read(&mut tail), "-", "nothing has its name yet");
        file.write_all(b"two").unwrap();
        std::fs::write(&path, "new").unwrap();
        assert_eq!((read(&mut tail), read(&mut tail)), ("two".to_owned(), String::new()));
        assert_eq!(tail.restart(), Some(Restart::Replaced));
    }

    #[test]
    fn a_file_that_shrank_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "long").unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(read(&mut tail), "long");
        std::fs::write(&path, "xy").unwrap();
        assert_eq!((read(&mut tail), tail.restart()), (String::new(), Some(Restart::Shrunk { from: 4, to: 2 })));
    }

    #[test]
    fn a_pipe_gives_what_is_there_and_ends_where_its_writer_does() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = Pipe::of(reader);
        let mut buffer = [0; 10];
        assert_eq!(pipe.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        writer.write_all(b"one").unwrap();
        let mut count = pipe.read(&mut buffer);
        while count.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            pipe.wait();
            count = pipe.read(&mut buffer);
        }
        assert_eq!(&buffer[..count.unwrap()], b"one");
        drop(writer);
        while pipe.read(&mut buffer).is_err() {
            pipe.wait();
        }
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
    }
}
