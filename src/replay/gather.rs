//! Events of cases, brought together case by case.
//!
//! Events come in any order; a case is replayed alone, from all of its events. So they are gathered by ranges of case ids:
//! a range is a heap of events, packed into bytes, and one range at a time is unpacked and sorted, which is quick because
//! it is small. Heaps beyond the memory go to a temporary file. This takes a fraction of what sorting rows of thirty columns
//! takes, and what comes out is in the order of case ids.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::fast::FixedState;

use crate::error::{Error, Result};
use crate::model::event::CaseEvent;

/// Bytes of an event, packed, about.
pub const EVENT_BYTES: usize = 160;

/// Bytes before each packed event that say how long it is, so that its case is seen without unpacking it.
const LENGTH_BYTES: usize = 4;

/// Bytes that a hand holds for one range before it puts them onto the heap: few locks, little memory.
const HANDFUL_BYTES_MAX: usize = 64 << 10;

/// Ranges of case ids in ascending order, one next to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// The first id of each range but the first.
    starts: Vec<String>,
}

impl Ranges {
    /// About so many ranges that hold about as many of the sample each; ids that recur weigh more.
    #[must_use]
    pub fn cut(mut sample: Vec<String>, wanted: usize) -> Ranges {
        sample.sort_unstable();
        let at = |range: usize| sample.get(range * sample.len() / wanted.max(1));
        let mut starts: Vec<String> = (1..wanted).filter_map(at).cloned().collect();
        starts.dedup();
        Ranges { starts }
    }

    fn of(&self, case_id: &str) -> usize {
        self.starts.partition_point(|start| start.as_str() <= case_id)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() + 1
    }
}

/// The heaps of all ranges.
pub struct Gather {
    ranges: Ranges,
    heaps: Vec<Mutex<Heap>>,
    /// Bytes of the heaps in memory, and how many there may be.
    held: AtomicUsize,
    held_bytes_max: usize,
    handful_bytes: usize,
    spill: Mutex<Spill>,
}

/// The events of one range.
#[derive(Debug, Default)]
struct Heap {
    handfuls: Vec<Vec<u8>>,
    spilled: Vec<Extent>,
}

/// Where a part of a heap lies in the temporary file.
#[derive(Clone, Copy, Debug)]
struct Extent {
    offset: u64,
    bytes: usize,
}

/// The temporary file, made when it is needed; it has no name and goes with the program.
#[derive(Debug, Default)]
struct Spill {
    file: Option<File>,
    end: u64,
}

impl Gather {
    /// Empty heaps that hold at most so many bytes in memory, filled by so many hands.
    #[must_use]
    pub fn new(ranges: Ranges, held_bytes_max: usize, hands: usize) -> Arc<Gather> {
        let heaps: Vec<_> = (0..ranges.count()).map(|_| Mutex::default()).collect();
        let handful_bytes = (held_bytes_max / 8 / hands.max(1) / heaps.len()).clamp(1 << 10, HANDFUL_BYTES_MAX);
        let (held, spill) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Gather { ranges, heaps, held, held_bytes_max, handful_bytes, spill })
    }

    /// How many ranges there are.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.heaps.len()
    }

    fn put(&self, range: usize, handful: Vec<u8>) -> Result<()> {
        let Some(heap) = self.heaps.get(range) else { return Ok(()) };
        let bytes = handful.len();
        lock(heap)?.handfuls.push(handful);
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes > self.held_bytes_max {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves all heaps to disk. Who comes meanwhile waits, and finds little left to move.
    fn spill(&self) -> Result<()> {
        let mut spill = lock(&self.spill)?;
        if self.held.load(Ordering::Relaxed) <= self.held_bytes_max {
            return Ok(());
        }
        for heap in &self.heaps {
            let handfuls = std::mem::take(&mut lock(heap)?.handfuls);
            let extent = spill.write(&handfuls)?;
            lock(heap)?.spilled.push(extent);
            self.held.fetch_sub(extent.bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the heap of a range.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn take(&self, range: usize) -> Result<Events> {
        let Some(heap) = self.heaps.get(range) else { return Ok(Events::default()) };
        let heap = std::mem::take(&mut *lock(heap)?);
        let mut handfuls = heap.handfuls;
        self.held.fetch_sub(handfuls.iter().map(Vec::len).sum(), Ordering::Relaxed);
        for extent in heap.spilled.iter().filter(|extent| extent.bytes > 0) {
            handfuls.push(lock(&self.spill)?.read(*extent)?);
        }
        Ok(Events { handfuls })
    }
}

fn lock<T>(shared: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    shared.lock().map_err(|_| Error::Worker("a panic while gathering events".to_owned()))
}

impl Spill {
    fn write(&mut self, handfuls: &[Vec<u8>]) -> Result<Extent> {
        let (offset, end) = (self.end, &mut self.end);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile().map_err(refused)?),
        };
        file.seek(SeekFrom::Start(offset)).map_err(refused)?;
        for handful in handfuls {
            file.write_all(handful).map_err(refused)?;
            *end += handful.len() as u64;
        }
        Ok(Extent { offset, bytes: handfuls.iter().map(Vec::len).sum() })
    }

    fn read(&mut self, extent: Extent) -> Result<Vec<u8>> {
        use std::io::Read;
        let mut bytes = vec![0; extent.bytes];
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(extent.offset)).map_err(refused)?;
            file.read_exact(&mut bytes).map_err(refused)?;
        }
        Ok(bytes)
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::file(Path::new("the folder for temporary files"))(error)
}

/// What gathers events on one core.
pub struct Hand {
    gather: Arc<Gather>,
    handfuls: Vec<Vec<u8>>,
}

impl Hand {
    /// A hand that holds nothing yet.
    #[must_use]
    pub fn of(gather: &Arc<Gather>) -> Hand {
        Hand { gather: Arc::clone(gather), handfuls: vec![Vec::new(); gather.ranges()] }
    }

    /// Packs an event.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, event: &CaseEvent<'_>) -> Result<()> {
        let range = self.gather.ranges.of(event.case_id);
        let Some(handful) = self.handfuls.get_mut(range) else { return Ok(()) };
        let begin = handful.len();
        handful.extend_from_slice(&[0; LENGTH_BYTES]);
        *handful = postcard::to_extend(event, std::mem::take(handful)).map_err(unpackable)?;
        // Events of the log have two megabytes at the most.
        let length = u32::try_from(handful.len() - begin - LENGTH_BYTES).unwrap_or(u32::MAX);
        if let Some(place) = handful.get_mut(begin..begin + LENGTH_BYTES) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        if handful.len() < self.gather.handful_bytes {
            return Ok(());
        }
        let next = Vec::with_capacity(handful.len() + handful.len() / 8);
        self.gather.put(range, std::mem::replace(handful, next))
    }

    /// Puts what it holds onto the heaps.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn finish(self) -> Result<()> {
        let full = self.handfuls.into_iter().enumerate().filter(|(_, handful)| !handful.is_empty());
        full.into_iter().try_for_each(|(range, handful)| self.gather.put(range, handful))
    }
}

fn unpackable(error: postcard::Error) -> Error {
    Error::Worker(format!("events could not be packed and unpacked: {error}"))
}

/// The events of one range, packed.
#[derive(Debug, Default)]
pub struct Events {
    handfuls: Vec<Vec<u8>>,
}

impl Events {
    /// Hands over the cases in the order of their ids, with their events in the log's order (1.3).
    ///
    /// # Errors
    /// What `take` returns.
    pub fn by_case(&self, mut take: impl FnMut(&str, &[CaseEvent<'_>]) -> Result<()>) -> Result<()> {
        let mut cases: HashMap<&str, Vec<&[u8]>, FixedState> = HashMap::default();
        for handful in &self.handfuls {
            let mut rest = handful.as_slice();
            while !rest.is_empty() {
                let (packed, after) =
                    next_packed(rest).ok_or_else(|| unpackable(postcard::Error::DeserializeUnexpectedEnd))?;
                let (case_id, _) = postcard::take_from_bytes(packed).map_err(unpackable)?;
                cases.entry(case_id).or_default().push(packed);
                rest = after;
            }
        }
        let mut cases: Vec<_> = cases.into_iter().collect();
        cases.sort_unstable_by_key(|(case_id, _)| *case_id);
        // Events take much more room than packed: those of one case at a time.
        let mut events: Vec<CaseEvent<'_>> = Vec::new();
        for (case_id, packed) in cases {
            events.clear();
            for bytes in packed {
                events.push(postcard::from_bytes(bytes).map_err(unpackable)?);
            }
            // Mostly they are sorted already, as the log's files are; then this looks at each once.
            events.sort_by(|left, right| left.order().cmp(&right.order()));
            take(case_id, &events)?;
        }
        Ok(())
    }
}

/// The next event of a handful, packed, and what comes after it.
fn next_packed(handful: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = handful.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Act, EventType};
    use crate::model::time::Instant;

    fn event<'a>(case_id: &'a str, time: i64, id: &'a str) -> CaseEvent<'a> {
        let (kind, act) = (EventType::CaseAssigned, Act::Assigned { agent: "ana", automatic: time % 2 == 0 });
        CaseEvent { case_id, time: Instant(time), sequence: 0, source: "s", id, kind, by: None, act }
    }

    /// What two hands gathered of four hundred events comes back whole, case by case and in order, from memory or from disk.
    #[test]
    fn cases_come_back_whole_and_in_order() {
        let names: Vec<(String, String)> = (0..400).map(|n| (format!("C-{}", n * 7 % 40), format!("e-{n}"))).collect();
        let all: Vec<_> = names.iter().zip(0..).map(|((case, id), n)| event(case, n * 31 % 50, id)).collect();
        let mut expected: Vec<_> = all.clone();
        expected.sort_by(|left, right| (left.case_id, left.order()).cmp(&(right.case_id, right.order())));
        for (held_bytes_max, ranges) in [(1 << 20, 1), (1 << 20, 7), (1000, 7), (0, 40)] {
            let sample = all.iter().map(|event| event.case_id.to_owned()).collect();
            let gather = Gather::new(Ranges::cut(sample, ranges), held_bytes_max, 2);
            let (mut left, mut right) = (Hand::of(&gather), Hand::of(&gather));
            for (event, n) in all.iter().zip(0..) {
                if n % 3 == 0 { left.add(event).unwrap() } else { right.add(event).unwrap() }
            }
            left.finish().unwrap();
            right.finish().unwrap();
            assert_eq!(gather.spill.lock().unwrap().file.is_some(), held_bytes_max < 1 << 20);
            let mut found = Vec::new();
            for range in 0..gather.ranges() {
                let events = gather.take(range).unwrap();
                let mut of_range = Vec::new();
                events
                    .by_case(|case_id, events| {
                        assert!(events.iter().all(|event| event.case_id == case_id));
                        of_range.extend(events.iter().map(|event| format!("{event:?}")));
                        Ok(())
                    })
                    .unwrap();
                found.append(&mut of_range);
            }
            assert_eq!(found, expected.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>());
            assert_eq!(gather.held.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn ranges_are_cut_by_the_weight_of_the_sample() {
        let sample = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ranges = Ranges::cut(sample("d b a c"), 2);
        assert_eq!(ranges.starts, ["c"]);
        assert_eq!((ranges.of("a"), ranges.of("bz"), ranges.of("c"), ranges.of("z")), (0, 0, 1, 1));
        assert_eq!(Ranges::cut(sample("a a a a"), 4).starts, ["a"]);
        assert_eq!(Ranges::cut(Vec::new(), 8).count(), 1);
    }
}
