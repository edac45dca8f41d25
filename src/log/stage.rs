//! From lines to files of checked events: the part of ingestion that runs on every core.
//!
//! Workers take pieces of input, check every line, and write the events into Parquet files in the table's folder, which
//! readers do not see before they are committed. Each file has a list of its events' fingerprints and origins, by which
//! duplicates are found afterwards ([`super::identity`]).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::input::piece::{Block, Piece, Quarantined, Take};
use crate::log::lookup::{ByFingerprint, Lookup};
use crate::log::quarantine::QuarantineWriter;
use crate::log::rows::{Arrival, EVENT_FILES, EventRowsBuilder, LOG_SCHEMA};
use crate::log::staged::{Entries, Entry, StagedFile};
use crate::model::Refusal;
use crate::store::cores::lock;
use crate::store::objects::Store;
use crate::store::parquet::FileWriter;
use crate::store::scratch::ScratchFolder;
use crate::wire::line;
use crate::wire::line::{LINE_BYTES_MAX, LoggedEvent};

/// Events of a file.
const FILE_ROWS: u64 = 512 * 1024;

/// Events that a worker buffers before it encodes them: so few that their memory is used again and again.
const BATCH_ROWS: usize = 8 * 1024;

/// Pieces that are not looked up after a piece of new events, because a lookup reads all filters of the log.
const SKIPPED_AFTER_NEW: usize = 15;

/// Pieces that are not looked up after a piece whose events are scattered over the log, such as a file sorted by case in a
/// log in the order of time.
const SKIPPED_AFTER_SCATTERED: usize = 255;

/// The result of staging.
#[derive(Debug, Default)]
pub struct Staged {
    pub files: Vec<StagedFile>,
    /// Lines that were not blank.
    pub lines: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
    /// Events that the log has already, found before they were written.
    pub duplicates: u64,
}

/// Where staging writes and how.
pub struct Staging<'a> {
    /// The folder of the table of events.
    pub folder: &'a Store,
    /// The events of the log, which need not be written again.
    pub log: &'a Lookup,
    /// A folder for lists of fingerprints.
    pub scratch: &'a ScratchFolder,
    pub arrival: Arrival,
    pub threads: usize,
    /// Bytes of events that a worker buffers before it encodes them; once for events of cases, once for other events.
    pub batch_bytes: usize,
    /// How many more fingerprints all workers together may keep in memory.
    pub entries_left: AtomicUsize,
    pub quarantine: &'a Mutex<QuarantineWriter>,
}

impl Staging<'_> {
    /// Runs `read_input`, which passes on pieces and returns the number of bytes it has read, and the workers that take the
    /// pieces.
    ///
    /// # Errors
    /// The error of `read_input`, or when the disk refuses.
    pub fn run(&self, read_input: impl FnOnce(&mut Take<'_>) -> Result<u64>) -> Result<Staged> {
        let (sender, receiver) = sync_channel::<Piece>(self.threads * 2);
        // Owned by the workers alone, so that sending fails when the last worker has ended.
        let receiver = Arc::new(Mutex::new(receiver));
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let start = || {
                let receiver = receiver.clone();
                scope.spawn(|| self.work(receiver, &failed))
            };
            let workers: Vec<_> = (0..self.threads).map(|_| start()).collect();
            drop(receiver);
            let stopped = || Error::Worker("no worker takes input any more".to_owned());
            let bytes_read = read_input(&mut |piece| match failed.load(Ordering::Relaxed) {
                true => Err(stopped()),
                false => sender.send(piece).map_err(|_| stopped()),
            });
            drop(sender);
            let mut staged = Staged::default();
            for worker in workers {
                let part = worker.join().map_err(|_| Error::Worker("a panic while checking lines".to_owned()))??;
                staged.files.extend(part.files);
                staged.lines += part.lines;
                staged.duplicates += part.duplicates;
            }
            staged.bytes = bytes_read?;
            Ok(staged)
        })
    }

    fn work(&self, receiver: Arc<Mutex<Receiver<Piece>>>, failed: &AtomicBool) -> Result<Staged> {
        let mut worker = Worker::new(self);
        while let Some(piece) = next_piece(&receiver)? {
            if let Err(error) = worker.take(&piece) {
                // The reader of the input stops at the next piece.
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        worker.finish()
    }
}

fn next_piece(receiver: &Mutex<Receiver<Piece>>) -> Result<Option<Piece>> {
    Ok(lock(receiver)?.recv().ok())
}

/// Where a line is in the input.
#[derive(Clone, Copy)]
struct Origin<'a> {
    file: &'a Arc<str>,
    line: u64,
    offset: u64,
    /// Orders all lines of one ingestion.
    ordinal: u64,
}

/// A line that is an event, before it is known whether the log has the event.
#[derive(Clone, Copy)]
struct CheckedLine<'a> {
    bytes: &'a [u8],
    origin: Origin<'a>,
    entry: Entry,
}

/// Events that are not yet encoded, and their entries, in the order of their lines.
struct EventBuffer {
    rows: EventRowsBuilder,
    entries: Vec<Entry>,
}

impl EventBuffer {
    fn new(arrival: Arrival, capacity: usize) -> EventBuffer {
        EventBuffer { rows: EventRowsBuilder::with_capacity(arrival, capacity), entries: Vec::new() }
    }

    fn push(&mut self, event: &LoggedEvent<'_>, entry: Entry) {
        self.rows.push(event, entry.identity, entry.content);
        self.entries.push(entry);
    }

    fn is_full(&self, batch_bytes: usize) -> bool {
        self.entries.len() >= BATCH_ROWS || self.rows.bytes() >= batch_bytes
    }
}

struct Worker<'a> {
    staging: &'a Staging<'a>,
    cases: EventBuffer,
    /// Events of rank 0. Replay reads few of their columns, and reads them without the others, so they are kept apart.
    desk: EventBuffer,
    /// Pieces that are not looked up in the log, because an earlier piece was new.
    pieces_to_skip: usize,
    file: Option<OpenFile>,
    /// For events of rank 0 if they are many; a few are written at the end of `file`.
    desk_file: Option<OpenFile>,
    /// The input files of the entries, in the order in which they were first met.
    sources: Vec<Arc<str>>,
    quarantined: Vec<Quarantined>,
    quarantined_bytes: usize,
    /// Where fingerprints are computed.
    bytes: Vec<u8>,
    staged: Staged,
}

impl<'a> Worker<'a> {
    fn new(staging: &'a Staging<'a>) -> Worker<'a> {
        Worker {
            staging,
            cases: EventBuffer::new(staging.arrival, BATCH_ROWS),
            desk: EventBuffer::new(staging.arrival, 0),
            pieces_to_skip: 0,
            file: None,
            desk_file: None,
            sources: Vec::new(),
            quarantined: Vec::new(),
            quarantined_bytes: 0,
            bytes: Vec::new(),
            staged: Staged::default(),
        }
    }

    fn take(&mut self, piece: &Piece) -> Result<()> {
        match piece {
            Piece::Block(block) if block.cut.is_some() => self.take_cut_line(block),
            Piece::Block(block) => self.take_lines(block.lines().zip(0..).map(|(line, position)| {
                let ordinal = (block.number << 32) | position;
                (line.bytes, Origin { file: &block.file, line: line.number, offset: line.offset, ordinal })
            }))?,
            Piece::Lines { number, lines } => self.take_lines(lines.iter().zip(0..).map(|(line, position)| {
                let ordinal = (number << 32) | position;
                (line.json.as_slice(), Origin { file: &line.file, line: line.line, offset: line.offset, ordinal })
            }))?,
            Piece::SetAside(line) => {
                self.staged.lines += 1;
                self.set_aside(line.clone());
            }
        }
        if self.quarantined_bytes > LINE_BYTES_MAX {
            self.flush_quarantined()?;
        }
        Ok(())
    }

    fn take_cut_line(&mut self, block: &Block) {
        let bytes = block.cut.map_or(0, |cut| cut.bytes);
        let detail = format!("a line holds at most {LINE_BYTES_MAX} bytes, found {bytes}; its beginning is kept");
        let origin = Origin { file: &block.file, line: block.first_line, offset: block.offset, ordinal: 0 };
        self.staged.lines += 1;
        self.quarantine(&block.bytes, origin, &Refusal::new("line_too_long", detail));
    }

    fn take_lines<'l>(&mut self, lines: impl Iterator<Item = (&'l [u8], Origin<'l>)>) -> Result<()> {
        if self.pieces_to_skip == 0 && !self.staging.log.is_empty() {
            return self.look_up_and_take_lines(lines);
        }
        self.pieces_to_skip = self.pieces_to_skip.saturating_sub(1);
        for (bytes, origin) in lines {
            if let Some((event, entry)) = self.check(bytes, origin) {
                self.buffer_event(&event, entry)?;
            }
        }
        Ok(())
    }

    /// Takes lines of which the log may have many; events that it has are not written as rows. If the log seems to have
    /// hardly any, they are not looked up here: duplicates are found when all staged events are compared.
    fn look_up_and_take_lines<'l>(&mut self, lines: impl Iterator<Item = (&'l [u8], Origin<'l>)>) -> Result<()> {
        let mut checked = Vec::new();
        for (bytes, origin) in lines {
            if let Some((_, entry)) = self.check(bytes, origin) {
                checked.push(CheckedLine { bytes, origin, entry });
            }
        }
        let identities: Vec<u128> = checked.iter().map(|line| line.entry.identity).collect();
        let mut logged = ByFingerprint::default();
        if self.staging.log.has_many_of(&identities)? {
            let expected = self.staging.log.find_expected(identities)?;
            self.pieces_to_skip = if expected.is_scattered { SKIPPED_AFTER_SCATTERED } else { 0 };
            logged = expected.logged;
        } else {
            self.pieces_to_skip = SKIPPED_AFTER_NEW;
        }
        for CheckedLine { bytes, origin, entry } in checked {
            if logged.get(&entry.identity) == Some(&entry.content) {
                self.staged.duplicates += 1;
                continue;
            }
            match line::parse(bytes) {
                Ok(event) => self.buffer_event(&event, entry)?,
                Err(refusal) => self.quarantine(bytes, origin, &refusal),
            }
        }
        Ok(())
    }

    /// The event of a line and its fingerprints. A line that is no event is set aside.
    fn check<'l>(&mut self, bytes: &'l [u8], origin: Origin<'_>) -> Option<(LoggedEvent<'l>, Entry)> {
        self.staged.lines += 1;
        let event = match line::parse(bytes) {
            Ok(event) => event,
            Err(refusal) => {
                self.quarantine(bytes, origin, &refusal);
                return None;
            }
        };
        let (identity, content) = (event.identity(&mut self.bytes), event.content(&mut self.bytes));
        let (line, offset, ordinal) = (origin.line, origin.offset, origin.ordinal);
        let file = self.index_of(origin.file);
        Some((event, Entry { identity, content, ordinal, line, offset, file }))
    }

    fn buffer_event(&mut self, event: &LoggedEvent<'_>, entry: Entry) -> Result<()> {
        let (buffer, file) = match event.kind.rank() {
            0 => (&mut self.desk, &mut self.desk_file),
            _ => (&mut self.cases, &mut self.file),
        };
        buffer.push(event, entry);
        if buffer.is_full(self.staging.batch_bytes) {
            write(file, self.staging.folder, buffer)?;
        }
        match file {
            Some(file) if file.entries.len() as u64 >= FILE_ROWS => self.finish_files(),
            _ => Ok(()),
        }
    }

    /// The index of an input file. Its lines come together, so comparing with the last one is nearly always enough.
    fn index_of(&mut self, file: &Arc<str>) -> u32 {
        if self.sources.last().is_none_or(|last| !Arc::ptr_eq(last, file) && last != file) {
            self.sources.push(Arc::clone(file));
        }
        u32::try_from(self.sources.len() - 1).unwrap_or(u32::MAX)
    }

    fn quarantine(&mut self, bytes: &[u8], origin: Origin<'_>, refusal: &Refusal) {
        self.set_aside(Quarantined {
            file: origin.file.clone(),
            line: origin.line,
            offset: origin.offset,
            rule: refusal.rule,
            detail: refusal.to_string(),
            bytes: bytes.to_vec(),
        });
    }

    fn set_aside(&mut self, line: Quarantined) {
        self.quarantined_bytes += line.bytes.len() + 256;
        self.quarantined.push(line);
    }

    fn flush_quarantined(&mut self) -> Result<()> {
        let mut writer = lock(self.staging.quarantine)?;
        writer.add(&self.quarantined)?;
        self.quarantined.clear();
        self.quarantined_bytes = 0;
        Ok(())
    }

    /// Ends the open files with the events that are buffered.
    fn finish_files(&mut self) -> Result<()> {
        let folder = self.staging.folder;
        write(&mut self.file, folder, &mut self.cases)?;
        let goes_with_cases = self.desk_file.is_none();
        write(if goes_with_cases { &mut self.file } else { &mut self.desk_file }, folder, &mut self.desk)?;
        for file in [self.file.take(), self.desk_file.take()].into_iter().flatten() {
            self.finish_file(file)?;
        }
        Ok(())
    }

    /// Ends a file, and keeps the list of its events' fingerprints.
    fn finish_file(&mut self, OpenFile { writer, entries }: OpenFile) -> Result<()> {
        let file = writer.finish()?;
        // Later entries may name these files, too.
        let sources = self.sources.clone();
        let left = self
            .staging
            .entries_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(entries.len()));
        let entries = match left {
            Ok(_) => Entries::in_memory(sources, entries),
            Err(_) => {
                let path = self.staging.scratch.file(&format!("{}.entries", file.name));
                Entries::on_disk(sources, &entries, path)?
            }
        };
        self.staged.files.push(StagedFile { file, entries });
        Ok(())
    }

    fn finish(mut self) -> Result<Staged> {
        self.flush_quarantined()?;
        self.finish_files()?;
        Ok(self.staged)
    }
}

/// A file of events that is being written, and row by row their fingerprints.
struct OpenFile {
    writer: FileWriter,
    entries: Vec<Entry>,
}

impl OpenFile {
    fn create(folder: &Store) -> Result<OpenFile> {
        Ok(OpenFile { writer: FileWriter::create(folder, "events", &LOG_SCHEMA, &EVENT_FILES)?, entries: Vec::new() })
    }
}

/// Writes the events of a buffer to a file; begins one where there is none.
fn write(file: &mut Option<OpenFile>, folder: &Store, buffer: &mut EventBuffer) -> Result<()> {
    if buffer.entries.is_empty() {
        return Ok(());
    }
    let file = match file {
        Some(file) => file,
        none => none.insert(OpenFile::create(folder)?),
    };
    file.writer.write(&buffer.rows.finish()?)?;
    file.entries.append(&mut buffer.entries);
    Ok(())
}
