//! Inputs without an end, cut into batches: each becomes visible by itself, while the next one is gathered.
//!
//! Slow input is gathered before the log is locked, so that other writers can write meanwhile. Fast input goes through the
//! workers to disk under the lock, until the batch is complete.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::input::piece::{Next, Piece, Take};
use crate::input::pieces::Inputs;

/// Bytes that are gathered before the log is locked.
const GATHERED_BYTES_MAX: usize = 32 << 20;

/// When a batch is complete. Time and signals are read by the command line, which sets the flags.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Lines of a batch; a few more where they came together.
    pub lines: u64,
    /// It is time to commit what there is.
    pub due: Arc<AtomicBool>,
    /// It is time to commit what there is, and to end.
    pub stop: Arc<AtomicBool>,
}

/// Inputs, and the batch that is being gathered from them.
pub struct Batches {
    inputs: Inputs,
    bounds: Bounds,
    gathered: Vec<Piece>,
    /// Of the current batch.
    lines: u64,
    bytes: usize,
    /// Bytes of input that earlier batches have reported.
    reported: u64,
    over: bool,
}

impl Batches {
    /// The batches of these inputs.
    #[must_use]
    pub fn of(inputs: Inputs, bounds: Bounds) -> Batches {
        Batches { inputs, bounds, gathered: Vec::new(), lines: 0, bytes: 0, reported: 0, over: false }
    }

    /// Waits for lines: until a batch is complete, or as many are gathered as memory allows. False when no more will come;
    /// `say` gets what the user should know about the inputs.
    ///
    /// # Errors
    /// When an input cannot be read.
    pub fn gather(&mut self, say: &mut dyn FnMut(String)) -> Result<bool> {
        (self.lines, self.bytes) = (0, 0);
        while !self.is_complete() && self.bytes < GATHERED_BYTES_MAX {
            if let Some(piece) = self.next_piece()? {
                self.bytes += piece.bytes();
                self.gathered.push(piece);
            }
            self.inputs.notices().for_each(&mut *say);
        }
        Ok(!self.gathered.is_empty())
    }

    /// Gives the batch to `take`, reading on until it is complete. Returns the bytes read since the last one.
    ///
    /// # Errors
    /// When an input cannot be read, and any error of `take`.
    pub fn feed(&mut self, take: &mut Take<'_>) -> Result<u64> {
        for piece in self.gathered.drain(..) {
            take(piece)?;
        }
        while !self.is_complete() {
            if let Some(piece) = self.next_piece()? {
                take(piece)?;
            }
        }
        let bytes = self.inputs.bytes();
        let reported = std::mem::replace(&mut self.reported, bytes);
        Ok(bytes.saturating_sub(reported))
    }

    /// Whether the current batch is the last one.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn is_complete(&self) -> bool {
        self.over || self.lines > 0 && (self.lines >= self.bounds.lines || self.bounds.due.load(Ordering::Relaxed))
    }

    fn next_piece(&mut self) -> Result<Option<Piece>> {
        if self.bounds.stop.load(Ordering::Relaxed) {
            self.over = true;
            return Ok(None);
        }
        if self.lines == 0 {
            // An empty batch has no deadline.
            self.bounds.due.store(false, Ordering::Relaxed);
        }
        match self.inputs.next_piece()? {
            Next::Piece(piece) => {
                self.lines += piece.lines();
                return Ok(Some(piece));
            }
            Next::Idle => self.inputs.wait(),
            Next::End => self.over = true,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::source::Source;

    fn batches(content: &str, lines: u64) -> (Batches, Bounds) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson");
        std::fs::write(&path, content).unwrap();
        let bounds = Bounds { lines, ..Bounds::default() };
        // An open file can be read after its folder is removed.
        (Batches::of(Inputs::follow(&[Source::File(path)]).unwrap(), bounds.clone()), bounds)
    }

    fn fed(batches: &mut Batches) -> (u64, u64) {
        let mut lines = 0;
        let bytes = batches.feed(&mut |piece| {
            lines += piece.lines();
            Ok(())
        });
        (lines, bytes.unwrap())
    }

    #[test]
    fn a_batch_is_complete_by_its_lines_by_the_clock_or_at_the_end() {
        let (mut enough, _) = batches("1\n2\n3\n", 3);
        assert!(enough.gather(&mut drop).unwrap() && !enough.is_over());
        assert_eq!(fed(&mut enough), (3, 6));

        let (mut timely, bounds) = batches("1\n2\n", 100);
        let due = bounds.due.clone();
        let clock = std::thread::spawn(move || {
            // Repeatedly, because the flag is cleared until the first line has come.
            while Arc::strong_count(&due) > 2 {
                due.store(true, Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        assert!(timely.gather(&mut drop).unwrap());
        assert_eq!(fed(&mut timely), (2, 4));
        drop((timely, bounds));
        clock.join().unwrap();

        let (mut ended, bounds) = batches("1\n", 100);
        bounds.stop.store(true, Ordering::Relaxed);
        assert!(!ended.gather(&mut drop).unwrap() && ended.is_over());
    }
}
