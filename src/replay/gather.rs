//! Events of cases, brought together case by case; or anything else that belongs together, in heaps.
//!
//! Events come in any order; a case is replayed alone, from all of its events. So they are gathered by ranges of case ids:
//! a range is a heap of events, packed into text, and one range at a time is unpacked and sorted, which is quick because
//! it is small. Heaps beyond the memory go to a temporary file. This takes a fraction of what sorting rows of thirty columns
//! takes, and what comes out is in the order of case ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::fast::FixedState;

use crate::error::{Error, Result};
use crate::model::case::Case;
use crate::model::case::history::History;
use crate::model::desk::Desk;
use crate::model::event::CaseEvent;
use crate::replay::pack::Pack;
use crate::store::scratch;
use crate::store::scratch::{SpillFile, SpilledPart};

/// Bytes of an event, packed, about.
pub const EVENT_BYTES: usize = 160;

/// Events of a case, about.
pub const CASE_EVENTS: usize = 10;

/// Cases whose histories are handed over together, and how many events they may have before: so many are near their core
/// while each table takes its rows of them. One at a time takes a twelfth more of a replay, hundreds a sixth.
const CASES_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 4096;

/// Bytes that a hand holds for one range before it puts them onto the heap: few locks, little memory.
const HANDFUL_BYTES_MAX: usize = 64 << 10;

/// Ranges of case ids in ascending order, one next to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// The first id of each range but the first.
    starts: Vec<String>,
    /// What all of these begin with.
    prefix: String,
    /// Of each of them the bytes behind the prefix, as many as a number has: quicker to compare than texts.
    keys: Vec<u64>,
}

impl Ranges {
    /// About so many ranges that hold about as many of the sample each; ids that recur weigh more.
    #[must_use]
    pub fn cut(mut sample: Vec<String>, wanted: usize) -> Ranges {
        sample.sort_unstable();
        let at = |range: usize| sample.get(range * sample.len() / wanted.max(1));
        let mut starts: Vec<String> = (1..wanted).filter_map(at).cloned().collect();
        starts.dedup();
        // Sorted, so that what the first and the last begin with all do.
        let ends = starts.first().zip(starts.last());
        let prefix = ends.map_or("", |(first, last)| common_prefix(first, last)).to_owned();
        let keys = starts.iter().map(|start| key(&prefix, start)).collect();
        Ranges { starts, prefix, keys }
    }

    /// The range of a case.
    #[must_use]
    pub fn of(&self, case_id: &str) -> usize {
        let key = key(&self.prefix, case_id);
        let before = self.keys.partition_point(|start| *start < key);
        let alike = self.keys.iter().skip(before).take_while(|start| **start == key).count();
        let alike = self.starts.get(before..before + alike).unwrap_or(&[]);
        before + alike.partition_point(|start| start.as_str() <= case_id)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() + 1
    }
}

fn common_prefix<'t>(left: &'t str, right: &str) -> &'t str {
    let alike = left.char_indices().zip(right.chars()).find(|((_, left), right)| left != right);
    let end = alike.map_or(left.len().min(right.len()), |((at, _), _)| at);
    left.get(..end).unwrap_or_default()
}

/// A number that is not greater than that of a greater text.
fn key(prefix: &str, text: &str) -> u64 {
    match text.as_bytes().strip_prefix(prefix.as_bytes()) {
        Some(rest) => rest.iter().chain([&0; 8]).take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)),
        None if text < prefix => 0,
        None => u64::MAX,
    }
}

/// Heaps of what is packed.
pub struct Gather {
    heaps: Vec<Mutex<Heap>>,
    /// Bytes of the heaps in memory, and how many there may be.
    held: AtomicUsize,
    held_bytes_max: usize,
    handful_bytes: usize,
    spill: Mutex<SpillFile>,
}

#[derive(Debug, Default)]
struct Heap {
    handfuls: Vec<String>,
    spilled: Vec<SpilledPart>,
}

impl Gather {
    /// So many empty heaps that hold at most so many bytes in memory, filled by so many hands.
    #[must_use]
    pub fn new(heaps: usize, held_bytes_max: usize, hands: usize) -> Arc<Gather> {
        let heaps: Vec<_> = (0..heaps.max(1)).map(|_| Mutex::default()).collect();
        let handful_bytes = (held_bytes_max / 8 / hands.max(1) / heaps.len()).clamp(1 << 10, HANDFUL_BYTES_MAX);
        let (held, spill) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Gather { heaps, held, held_bytes_max, handful_bytes, spill })
    }

    /// How many heaps there are.
    #[must_use]
    pub fn heaps(&self) -> usize {
        self.heaps.len()
    }

    fn put(&self, heap: usize, handful: String) -> Result<()> {
        let Some(heap) = self.heaps.get(heap) else { return Ok(()) };
        let bytes = handful.len();
        // Before somebody else can move it to disk.
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        lock(heap)?.handfuls.push(handful);
        if held > self.held_bytes_max {
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
            let extent = spill.append(&handfuls).map_err(refused)?;
            lock(heap)?.spilled.push(extent);
            self.held.fetch_sub(extent.bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes a heap, which is empty then.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn take(&self, heap: usize) -> Result<Packed> {
        let Some(heap) = self.heaps.get(heap) else { return Ok(Packed::default()) };
        let heap = std::mem::take(&mut *lock(heap)?);
        let mut handfuls = heap.handfuls;
        self.held.fetch_sub(handfuls.iter().map(String::len).sum(), Ordering::Relaxed);
        for extent in heap.spilled.iter().filter(|extent| extent.bytes > 0) {
            let bytes = lock(&self.spill)?.read(*extent).map_err(refused)?;
            handfuls.push(String::from_utf8(bytes).map_err(|_| damaged())?);
        }
        Ok(Packed { handfuls })
    }
}

fn lock<T>(shared: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    shared.lock().map_err(|_| Error::Worker("a panic while gathering events".to_owned()))
}

fn refused(error: std::io::Error) -> Error {
    Error::file(scratch::system_folder())(error)
}

/// What gathers on one core.
pub struct Hand {
    gather: Arc<Gather>,
    handfuls: Vec<String>,
    /// Where an item is packed, so that how long it is stands before it.
    packed: String,
}

impl Hand {
    /// A hand that holds nothing yet.
    #[must_use]
    pub fn of(gather: &Arc<Gather>) -> Hand {
        Hand { gather: Arc::clone(gather), handfuls: vec![String::new(); gather.heaps()], packed: String::new() }
    }

    /// Packs an item, such as an event, for a heap.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add<'i>(&mut self, heap: usize, item: &impl Pack<'i>) -> Result<()> {
        let Some(handful) = self.handfuls.get_mut(heap) else { return Ok(()) };
        self.packed.clear();
        item.pack(&mut self.packed);
        self.packed.as_str().pack(handful);
        if handful.len() < self.gather.handful_bytes {
            return Ok(());
        }
        let next = String::with_capacity(handful.len() + handful.len() / 8);
        self.gather.put(heap, std::mem::replace(handful, next))
    }

    /// Puts what it holds onto the heaps.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn finish(self) -> Result<()> {
        let full = self.handfuls.into_iter().enumerate().filter(|(_, handful)| !handful.is_empty());
        full.into_iter().try_for_each(|(heap, handful)| self.gather.put(heap, handful))
    }
}

fn damaged() -> Error {
    Error::Worker("what was gathered could not be unpacked".to_owned())
}

/// What a heap held.
#[derive(Debug, Default)]
pub struct Packed {
    handfuls: Vec<String>,
}

impl Packed {
    /// Each item, packed.
    fn items(&self) -> impl Iterator<Item = Result<&str>> {
        self.handfuls.iter().flat_map(|handful| {
            let mut rest = handful.as_str();
            std::iter::from_fn(move || {
                let item = (!rest.is_empty()).then(|| <&str>::unpack(&mut rest))?;
                if item.is_none() {
                    rest = "";
                }
                Some(item.ok_or_else(damaged))
            })
        })
    }

    /// Each item; all are alike.
    pub fn unpack<'p, T: Pack<'p>>(&'p self) -> impl Iterator<Item = Result<T>> {
        self.items().map(|packed| T::unpack(&mut packed?).ok_or_else(damaged))
    }

    /// Replays the cases of events, in the order of their ids, and hands over their histories, some at a time.
    ///
    /// # Errors
    /// When something else was packed than events, and what `take` returns.
    pub fn replay<'p>(&'p self, desk: &'p Desk, mut take: impl FnMut(&[History<'p>]) -> Result<()>) -> Result<()> {
        let (mut histories, mut events_of_them) = (Vec::with_capacity(CASES_AT_ONCE), 0);
        self.by_case(|case_id, events| {
            histories.push(Case::replay(case_id, events, desk));
            events_of_them += events.len();
            if histories.len() < CASES_AT_ONCE && events_of_them < EVENTS_AT_ONCE {
                return Ok(());
            }
            let taken = take(&histories);
            histories.clear();
            events_of_them = 0;
            taken
        })?;
        take(&histories)
    }

    /// Hands over the cases of events in the order of their ids, with their events in the log's order (1.3).
    ///
    /// # Errors
    /// What `take` returns.
    fn by_case<'p>(&'p self, mut take: impl FnMut(&'p str, &[CaseEvent<'p>]) -> Result<()>) -> Result<()> {
        let mut cases: HashMap<&str, Vec<&str>, FixedState> = HashMap::default();
        for packed in self.items() {
            let packed = packed?;
            // The first member of an event.
            let case_id = <&str>::unpack(&mut { packed }).ok_or_else(damaged)?;
            cases.entry(case_id).or_insert_with(|| Vec::with_capacity(CASE_EVENTS)).push(packed);
        }
        let mut cases: Vec<_> = cases.into_iter().collect();
        cases.sort_unstable_by_key(|(case_id, _)| *case_id);
        // Events take much more room than packed: those of one case at a time.
        let mut events: Vec<CaseEvent<'_>> = Vec::new();
        for (case_id, packed) in cases {
            events.clear();
            for mut packed in packed {
                events.push(CaseEvent::unpack(&mut packed).ok_or_else(damaged)?);
            }
            // Mostly they are sorted already, as the log's files are; then this looks at each once.
            events.sort_by(|left, right| left.order().cmp(&right.order()));
            take(case_id, &events)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{EventBody, EventType};
    use crate::model::time::Instant;

    fn event<'a>(case_id: &'a str, time: i64, id: &'a str) -> CaseEvent<'a> {
        let (kind, body) = (EventType::CaseAssigned, EventBody::Assigned { agent: "ana", automatic: time % 2 == 0 });
        CaseEvent { case_id, time: Instant(time), sequence: 0, source: "s", id, kind, by: None, body }
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
            let ranges = Ranges::cut(sample, ranges);
            let gather = Gather::new(ranges.count(), held_bytes_max, 2);
            let (mut left, mut right) = (Hand::of(&gather), Hand::of(&gather));
            for (event, n) in all.iter().zip(0..) {
                let hand = if n % 3 == 0 { &mut left } else { &mut right };
                hand.add(ranges.of(event.case_id), event).unwrap();
            }
            left.finish().unwrap();
            right.finish().unwrap();
            assert_eq!(gather.spill.lock().unwrap().is_used(), held_bytes_max < 1 << 20);
            let mut found = Vec::new();
            for range in 0..gather.heaps() {
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
        let ids = "C C- C-0 C-00000012 C-000000120 C-000000121 C-00000013 C-0000002 C-~ C-é D c";
        let all: Vec<&str> = ids.split(' ').collect();
        for wanted in 1..=all.len() {
            let ranges = Ranges::cut(sample(&ids.replace("C C- ", "").replace(" D c", "")), wanted);
            for id in &all {
                assert_eq!(ranges.of(id), ranges.starts.partition_point(|start| start.as_str() <= *id), "{id}");
            }
        }
        assert_eq!(Ranges::cut(Vec::new(), 8).count(), 1);
    }
}
