//! Lines in, files of checked events out: the part of ingestion that runs on every core.
//!
//! Workers take pieces of input, check every line, and write what is good into Parquet files of the table's folder,
//! which nobody sees before they are committed. Beside each file goes a list of its events' fingerprints and origins,
//! by which duplicates are found afterwards ([`super::identity`]).

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::input::piece::{Block, Piece, Quarantined, Take};
use crate::log::identity::{Entries, Entry};
use crate::log::lookup::{ByFingerprint, Lookup};
use crate::log::quarantine::QuarantineWriter;
use crate::log::rows::{Arrival, LOG_SCHEMA, RowsBuilder};
use crate::model::Refusal;
use crate::store::parquet::FileWriter;
use crate::store::table::NewFile;
use crate::wire::line;
use crate::wire::line::{LINE_BYTES_MAX, LoggedEvent};

/// Events of a file.
const FILE_ROWS: u64 = 512 * 1024;

/// Events that a worker holds before it encodes them: so few that their memory is used again and again.
const BATCH_ROWS: usize = 8 * 1024;

/// After a piece that is new so many are taken to be: asking reads all filters of the log.
const UNASKED: usize = 15;

/// After a piece whose events lie scattered over the log, as those of a file sorted by case do in a log in the order of
/// time, so many are not asked about.
const UNASKED_SCATTERED: usize = 255;

/// What staging has produced.
#[derive(Debug, Default)]
pub struct Staged {
    pub files: Vec<StagedFile>,
    /// Lines that were not blank.
    pub lines: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
    /// Events that are in the log as they are, found before they were written.
    pub duplicates: u64,
}

/// A written file of events and the list of its fingerprints, row by row.
#[derive(Debug)]
pub struct StagedFile {
    pub file: NewFile,
    pub entries: Entries,
}

/// Where staging writes and how.
pub struct Staging<'a> {
    /// The folder of the table of events.
    pub folder: &'a Path,
    /// What the log has, so that what is in it need not be written.
    pub log: &'a Lookup,
    /// A folder for lists of fingerprints, removed afterwards.
    pub scratch: &'a Path,
    pub arrival: Arrival,
    pub threads: usize,
    /// Bytes of events of cases, and of others, that a worker holds before it encodes them.
    pub batch_bytes: usize,
    /// How many more fingerprints may be held in memory, of all workers.
    pub entries_left: AtomicUsize,
    pub quarantine: &'a Mutex<QuarantineWriter>,
}

impl Staging<'_> {
    /// Runs `feed`, which hands over pieces and returns the bytes it has read, and the workers that take them.
    ///
    /// # Errors
    /// What the feed returns, or when the disk refuses.
    pub fn run(&self, feed: impl FnOnce(&mut Take<'_>) -> Result<u64>) -> Result<Staged> {
        let (sender, receiver) = sync_channel::<Piece>(self.threads * 2);
        // Owned by the workers alone, so that the feed ends when the last of them has gone.
        let receiver = Arc::new(Mutex::new(receiver));
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let begin = || {
                let receiver = receiver.clone();
                scope.spawn(|| self.work(receiver, &failed))
            };
            let workers: Vec<_> = (0..self.threads).map(|_| begin()).collect();
            drop(receiver);
            let stopped = || Error::Worker("no worker takes input any more".to_owned());
            let fed = feed(&mut |piece| match failed.load(Ordering::Relaxed) {
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
            staged.bytes = fed?;
            Ok(staged)
        })
    }

    fn work(&self, receiver: Arc<Mutex<Receiver<Piece>>>, failed: &AtomicBool) -> Result<Staged> {
        let mut worker = Worker::new(self);
        while let Some(piece) = next_piece(&receiver)? {
            if let Err(error) = worker.take(&piece) {
                // The feed asks before it hands over the next piece.
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        worker.finish()
    }
}

fn next_piece(receiver: &Mutex<Receiver<Piece>>) -> Result<Option<Piece>> {
    let receiver = receiver.lock().map_err(|_| Error::Worker("a worker panicked".to_owned()))?;
    Ok(receiver.recv().ok())
}

/// Where a line stands in the input.
#[derive(Clone, Copy)]
struct Origin<'a> {
    file: &'a Arc<str>,
    line: u64,
    offset: u64,
    /// Orders all lines of one ingestion.
    ordinal: u64,
}

/// A line that is an event, before it is known whether the log has that.
#[derive(Clone, Copy)]
struct Checked<'a> {
    bytes: &'a [u8],
    origin: Origin<'a>,
    entry: Entry,
}

/// Events that are not yet encoded, and their entries, as they came.
struct Held {
    rows: RowsBuilder,
    entries: Vec<Entry>,
}

impl Held {
    fn new(arrival: Arrival, capacity: usize) -> Held {
        Held { rows: RowsBuilder::with_capacity(arrival, capacity), entries: Vec::new() }
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
    cases: Held,
    /// Events of rank 0, of which replay wants few columns, and none of all the others: they stand by themselves.
    desk: Held,
    /// Pieces that are not looked for in the log, because the one before them was new.
    unasked: usize,
    file: Option<OpenFile>,
    /// For events of rank 0 where they are many; a few stand at the end of the file with the others.
    desk_file: Option<OpenFile>,
    /// The files that entries name, the last one last.
    sources: Vec<Arc<str>>,
    quarantined: Vec<Quarantined>,
    quarantined_bytes: usize,
    buffer: Vec<u8>,
    staged: Staged,
}

impl<'a> Worker<'a> {
    fn new(staging: &'a Staging<'a>) -> Worker<'a> {
        Worker {
            staging,
            cases: Held::new(staging.arrival, BATCH_ROWS),
            desk: Held::new(staging.arrival, 0),
            unasked: 0,
            file: None,
            desk_file: None,
            sources: Vec::new(),
            quarantined: Vec::new(),
            quarantined_bytes: 0,
            buffer: Vec::new(),
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
        if self.unasked == 0 && !self.staging.log.is_empty() {
            return self.take_lines_asking(lines);
        }
        self.unasked = self.unasked.saturating_sub(1);
        for (bytes, origin) in lines {
            if let Some((event, entry)) = self.check(bytes, origin) {
                self.hold(&event, entry)?;
            }
        }
        Ok(())
    }

    /// Takes lines of which the log may have many: those that it has are not made into rows. If hardly any seems to be
    /// there, nobody looks: what the log has of them will be found when everything is compared.
    fn take_lines_asking<'l>(&mut self, lines: impl Iterator<Item = (&'l [u8], Origin<'l>)>) -> Result<()> {
        let mut checked = Vec::new();
        for (bytes, origin) in lines {
            if let Some((_, entry)) = self.check(bytes, origin) {
                checked.push(Checked { bytes, origin, entry });
            }
        }
        let identities: Vec<u128> = checked.iter().map(|line| line.entry.identity).collect();
        let mut logged = ByFingerprint::default();
        if self.staging.log.has_many_of(&identities)? {
            let again = self.staging.log.find_again(identities)?;
            self.unasked = if again.is_scattered { UNASKED_SCATTERED } else { 0 };
            logged = again.logged;
        } else {
            self.unasked = UNASKED;
        }
        for Checked { bytes, origin, entry } in checked {
            if logged.get(&entry.identity) == Some(&entry.content) {
                self.staged.duplicates += 1;
                continue;
            }
            match line::parse(bytes) {
                Ok(event) => self.hold(&event, entry)?,
                Err(refusal) => self.quarantine(bytes, origin, &refusal),
            }
        }
        Ok(())
    }

    /// The event of a line and its fingerprints; a line that is none is set aside.
    fn check<'l>(&mut self, bytes: &'l [u8], origin: Origin<'_>) -> Option<(LoggedEvent<'l>, Entry)> {
        self.staged.lines += 1;
        let event = match line::parse(bytes) {
            Ok(event) => event,
            Err(refusal) => {
                self.quarantine(bytes, origin, &refusal);
                return None;
            }
        };
        let (identity, content) = (event.identity(&mut self.buffer), event.content(&mut self.buffer));
        let (line, offset, ordinal) = (origin.line, origin.offset, origin.ordinal);
        let file = self.number_of(origin.file);
        Some((event, Entry { identity, content, ordinal, line, offset, file }))
    }

    fn hold(&mut self, event: &LoggedEvent<'_>, entry: Entry) -> Result<()> {
        let (held, file) = match event.kind.rank() {
            0 => (&mut self.desk, &mut self.desk_file),
            _ => (&mut self.cases, &mut self.file),
        };
        held.push(event, entry);
        if held.is_full(self.staging.batch_bytes) {
            write(file, self.staging.folder, held)?;
        }
        match file {
            Some(file) if file.entries.len() as u64 >= FILE_ROWS => self.finish_files(),
            _ => Ok(()),
        }
    }

    /// Lines of one file come together, so one look is nearly always enough.
    fn number_of(&mut self, file: &Arc<str>) -> u32 {
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
        let mut writer = self.staging.quarantine.lock().map_err(|_| Error::Worker("a worker panicked".to_owned()))?;
        writer.add(&self.quarantined)?;
        self.quarantined.clear();
        self.quarantined_bytes = 0;
        Ok(())
    }

    /// Ends the files at hand with the events that are held.
    fn finish_files(&mut self) -> Result<()> {
        let folder = self.staging.folder;
        write(&mut self.file, folder, &mut self.cases)?;
        let with_the_others = self.desk_file.is_none();
        write(if with_the_others { &mut self.file } else { &mut self.desk_file }, folder, &mut self.desk)?;
        for file in [self.file.take(), self.desk_file.take()].into_iter().flatten() {
            self.finish_file(file)?;
        }
        Ok(())
    }

    /// Ends a file, and keeps the list of its events' fingerprints beside it.
    fn finish_file(&mut self, OpenFile { writer, entries }: OpenFile) -> Result<()> {
        let file = writer.finish()?;
        // The entries that are held have their files among these, too.
        let sources = self.sources.clone();
        let left = self
            .staging
            .entries_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(entries.len()));
        let entries = match left {
            Ok(_) => Entries::in_memory(sources, entries),
            Err(_) => {
                let path = self.staging.scratch.join(format!("{}.entries", file.name));
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

/// A file of events in the making, and row by row their fingerprints.
struct OpenFile {
    writer: FileWriter,
    entries: Vec<Entry>,
}

impl OpenFile {
    fn create(folder: &Path) -> Result<OpenFile> {
        Ok(OpenFile { writer: FileWriter::create(folder, "events", &LOG_SCHEMA)?, entries: Vec::new() })
    }
}

/// Writes the events that are held to a file, which begins with them where there is none.
fn write(file: &mut Option<OpenFile>, folder: &Path, held: &mut Held) -> Result<()> {
    if held.entries.is_empty() {
        return Ok(());
    }
    let file = match file {
        Some(file) => file,
        none => none.insert(OpenFile::create(folder)?),
    };
    file.writer.write(&held.rows.finish()?)?;
    file.entries.append(&mut held.entries);
    Ok(())
}
