//! A version of a calendar in instants: when it is open, and why it is closed otherwise (3.4).
//!
//! Local hours become sorted UTC segments with running sums. They are computed in blocks of about thirteen months when they are
//! first needed, so that measuring and stepping forward are binary searches.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::civil::{Date, DateTime, Time};

use super::calendar::{Calendar, DayHours, Holiday};
use super::time::Instant;

/// Whether a calendar is open at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Open,
    OffHours,
    /// Not open, on a local date that is a holiday.
    Holiday,
}

/// Milliseconds of an interval by [`Opening`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub open_ms: i64,
    pub off_hours_ms: i64,
    pub holiday_ms: i64,
}

/// 2³⁵ ms, 397 days and 16 hours.
const BLOCK_BITS: u32 = 35;
/// Blocks from 1970 to the year 2417. Open time after that is not searched for.
const BLOCKS: usize = 410;

/// 2²⁶ ms, about eighteen hours: the length of the spans whose first segment is stored.
const SPAN_BITS: u32 = 26;

/// One version of a calendar as segments.
#[derive(Debug)]
pub struct OpenHours {
    calendar: Calendar,
    blocks: Box<[OnceLock<Block>]>,
}

impl PartialEq for OpenHours {
    fn eq(&self, other: &Self) -> bool {
        self.calendar == other.calendar
    }
}

/// Contiguous segments; neighbours differ. The sums are those before each segment.
#[derive(Debug)]
struct Block {
    segments: Vec<Segment>,
    /// For each span of the block, the segment that contains its beginning.
    spans: Vec<usize>,
    end: i64,
    open_ms: i64,
    holiday_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    since: i64,
    opening: Opening,
    open_before_ms: i64,
    holiday_before_ms: i64,
}

impl OpenHours {
    /// No block is computed yet.
    #[must_use]
    pub fn new(calendar: Calendar) -> OpenHours {
        OpenHours { calendar, blocks: (0..BLOCKS).map(|_| OnceLock::new()).collect() }
    }

    /// The calendar.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    fn block(&self, index: usize) -> Option<&Block> {
        Some(self.blocks.get(index)?.get_or_init(|| compile(&self.calendar, index)))
    }

    fn block_of(time: Instant) -> usize {
        usize::try_from(time.0 >> BLOCK_BITS).unwrap_or(0)
    }

    /// Milliseconds from one instant to another, which must not be earlier. Beyond the year 2417 nothing is open.
    #[must_use]
    pub fn measure(&self, from: Instant, to: Instant) -> Measured {
        let (first, last) = (Self::block_of(from), Self::block_of(to));
        let (mut open_ms, mut holiday_ms) = (0, 0);
        for block in (first..=last).map_while(|index| self.block(index)) {
            let start = block.sums_at(from.0);
            let end = block.sums_at(to.0);
            open_ms += end.0 - start.0;
            holiday_ms += end.1 - start.1;
        }
        Measured { open_ms, holiday_ms, off_hours_ms: to.since_ms(from) - open_ms - holiday_ms }
    }

    /// The first instant, not before `from`, at which it is open.
    #[must_use]
    pub fn next_open(&self, from: Instant) -> Option<Instant> {
        let blocks = (Self::block_of(from)..BLOCKS).map_while(|index| self.block(index));
        let open = blocks.filter_map(|block| {
            let at = block.position(from.0);
            let following = block.segments.get(at..).unwrap_or(&[]);
            following.iter().find(|segment| segment.opening == Opening::Open)
        });
        open.map(|segment| from.max(Instant(segment.since))).next()
    }

    /// The instant at which that much open time, more than nothing, has passed since `from`; none before the year 2417.
    #[must_use]
    pub fn end_of(&self, from: Instant, ms: i64) -> Option<Instant> {
        let mut left = ms;
        for index in Self::block_of(from)..BLOCKS {
            let block = self.block(index)?;
            let before = block.sums_at(from.0).0;
            if block.open_ms - before >= left {
                let wanted = before + left;
                let after = block.first_after(from.0, |segment| segment.open_before_ms >= wanted);
                let segment = block.segments.get(after.checked_sub(1)?)?;
                return Some(Instant(segment.since + (wanted - segment.open_before_ms)));
            }
            left -= block.open_ms - before;
        }
        None
    }

    /// The intervals from one instant to another, in order; neighbours differ, except at the borders of blocks.
    pub fn pieces(&self, from: Instant, to: Instant) -> impl Iterator<Item = (Instant, Instant, Opening)> {
        let blocks = (Self::block_of(from)..=Self::block_of(to)).map_while(|index| self.block(index));
        blocks.flat_map(move |block| {
            let following = block.segments.get(block.position(from.0)..).unwrap_or(&[]);
            let ends = following.iter().skip(1).map(|next| next.since).chain([block.end]);
            let pieces = following.iter().zip(ends).take_while(move |(segment, _)| segment.since < to.0);
            let pieces = pieces.map(move |(segment, end)| {
                (Instant(segment.since.max(from.0)), Instant(end.min(to.0)), segment.opening)
            });
            pieces.filter(|(since, until, _)| since < until)
        })
    }
}

impl Block {
    /// The segment that contains an instant; the first or last one for an instant outside.
    fn position(&self, time: i64) -> usize {
        let into = time.saturating_sub(self.end - (1 << BLOCK_BITS)).clamp(0, (1 << BLOCK_BITS) - 1);
        let begin = usize::try_from(into >> SPAN_BITS).ok().and_then(|span| self.spans.get(span));
        let begin = begin.copied().unwrap_or_default();
        let following = self.segments.iter().skip(begin + 1);
        begin + following.take_while(|segment| segment.since <= time).count()
    }

    /// The first segment, from the one that contains an instant on, that fulfils a condition, which all later ones fulfil too.
    fn first_after(&self, time: i64, holds: impl Fn(&Segment) -> bool) -> usize {
        /// How many are tried one by one before the binary search: the segment is mostly near.
        const NEAR: usize = 16;
        let begin = self.position(time);
        let near = self.segments.iter().skip(begin).take(NEAR).take_while(|segment| !holds(segment)).count();
        let far = self.segments.get(begin + near..).filter(|_| near == NEAR).unwrap_or(&[]);
        begin + near + far.partition_point(|segment| !holds(segment))
    }

    /// Open and holiday milliseconds of the block before that instant.
    fn sums_at(&self, time: i64) -> (i64, i64) {
        if time >= self.end {
            return (self.open_ms, self.holiday_ms);
        }
        let Some(segment) = self.segments.get(self.position(time)).filter(|segment| segment.since <= time) else {
            return (0, 0);
        };
        let into = time - segment.since;
        match segment.opening {
            Opening::Open => (segment.open_before_ms + into, segment.holiday_before_ms),
            Opening::OffHours => (segment.open_before_ms, segment.holiday_before_ms),
            Opening::Holiday => (segment.open_before_ms, segment.holiday_before_ms + into),
        }
    }
}

/// One local date as instants.
struct Day {
    since: i64,
    until: i64,
    holiday: bool,
}

fn compile(calendar: &Calendar, index: usize) -> Block {
    let start = i64::try_from(index).unwrap_or(i64::MAX >> BLOCK_BITS) << BLOCK_BITS;
    let end = start + (1 << BLOCK_BITS);
    let (mut days, mut open) = (Vec::new(), Vec::new());
    // A day more on both sides: hours that a clock change moves may pass midnight.
    let date = |time: i64| Instant(time).to_local(&calendar.time_zone).date();
    let mut day = date(start).yesterday().unwrap_or(Date::MIN);
    let last = date(end).tomorrow().unwrap_or(Date::MAX);
    // There may be many. Of a date that an older log lists twice the first counts.
    let of_block = calendar.holidays.iter().filter(|holiday| (day..=last).contains(&holiday.date));
    let holidays: BTreeMap<Date, &Holiday> = of_block.rev().map(|holiday| (holiday.date, holiday)).collect();
    while day <= last {
        let Ok(next) = day.tomorrow() else { break };
        let holiday = holidays.get(&day);
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        let hours = holiday.map(|holiday| &holiday.hours).or_else(|| calendar.week.get(weekday));
        days.push(Day { since: midnight(calendar, day), until: midnight(calendar, next), holiday: holiday.is_some() });
        open.extend(hours.into_iter().flat_map(|hours| instants_of(calendar, day, hours)));
        day = next;
    }
    segments(start, end, &days, &union(open))
}

/// The beginning of a local date: its first midnight, or where a clock change skips that, the instant of the change.
fn midnight(calendar: &Calendar, date: Date) -> i64 {
    let midnight = calendar.time_zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight()));
    midnight.compatible().map_or(i64::MAX, |time| time.as_millisecond())
}

/// The opening hours of a date. A skipped local time moves forward by the gap; of a repeated one an opening takes the
/// first and a closing the last; 24:00 is where the next date begins.
fn instants_of(calendar: &Calendar, date: Date, hours: &DayHours) -> Vec<(i64, i64)> {
    let local = |minute: u16| {
        let time = Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
        Some(calendar.time_zone.to_ambiguous_timestamp(DateTime::from_parts(date, time)))
    };
    let opening = |minute| Some(local(minute)?.compatible().ok()?.as_millisecond());
    let closing = |minute| match minute {
        1440 => Some(midnight(calendar, date.tomorrow().ok()?)),
        _ => Some(local(minute)?.later().ok()?.as_millisecond()),
    };
    let instants = hours.iter().filter_map(|(from, to)| Some((opening(*from)?, closing(*to)?)));
    instants.filter(|(from, to)| from < to).collect()
}

fn union(mut intervals: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    intervals.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::with_capacity(intervals.len());
    for (from, to) in intervals {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

fn segments(start: i64, end: i64, days: &[Day], open: &[(i64, i64)]) -> Block {
    let mut block = Block { segments: Vec::new(), spans: Vec::new(), end, open_ms: 0, holiday_ms: 0 };
    let mut open = open.iter().skip_while(|(_, until)| *until <= start).peekable();
    for day in days {
        let (mut at, until) = (day.since.max(start), day.until.min(end));
        while at < until {
            let closed = if day.holiday { Opening::Holiday } else { Opening::OffHours };
            let (to, opening) = match open.peek() {
                Some((from, to)) if *from <= at => (until.min(*to), Opening::Open),
                Some((from, _)) => (until.min(*from), closed),
                None => (until, closed),
            };
            block.push(at, to, opening);
            at = to;
            while open.next_if(|(_, until)| *until <= at).is_some() {}
        }
    }
    let holding = |begin: i64| block.segments.partition_point(|segment| segment.since <= begin).saturating_sub(1);
    block.spans = (start..end).step_by(1 << SPAN_BITS).map(holding).collect();
    block
}

impl Block {
    fn push(&mut self, since: i64, until: i64, opening: Opening) {
        if self.segments.last().is_none_or(|last| last.opening != opening) {
            let (open_before_ms, holiday_before_ms) = (self.open_ms, self.holiday_ms);
            self.segments.push(Segment { since, opening, open_before_ms, holiday_before_ms });
        }
        match opening {
            Opening::Open => self.open_ms += until - since,
            Opening::Holiday => self.holiday_ms += until - since,
            Opening::OffHours => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn hours(data: &str) -> OpenHours {
        OpenHours::new(Calendar::parse("office", &Json::parse(data).unwrap()).unwrap())
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn open_pieces(hours: &OpenHours, from: &str, to: &str) -> Vec<String> {
        let pieces = hours.pieces(at(from), at(to)).filter(|(_, _, opening)| *opening == Opening::Open);
        pieces.map(|(since, until, _)| format!("{since}/{until}").replace(":00.000Z", "")).collect()
    }

    const OFFICE: &str = r#"{"time_zone":"UTC","holidays":[{"date":"2026-03-10"},{"date":"2026-03-11","hours":[["10:00","12:00"]]}],
        "hours":{"mon":[["09:00","17:00"]],"tue":[["09:00","17:00"]],"wed":[["09:00","17:00"]]}}"#;

    #[test]
    fn time_is_open_off_hours_or_holiday() {
        let office = hours(OFFICE);
        let measured = office.measure(at("2026-03-09T00:00:00Z"), at("2026-03-12T00:00:00Z"));
        let hour = 3_600_000;
        let expected = Measured { open_ms: 10 * hour, off_hours_ms: 16 * hour, holiday_ms: 46 * hour };
        assert_eq!(measured, expected);
    }

    #[test]
    fn ten_thousand_holidays_are_read_quickly_and_of_two_on_one_date_the_first_counts() {
        let days = (0..40_000).map(|day| Date::constant(1950, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap());
        let first = r#"{"date":"2026-03-10","hours":[["10:00","12:00"]]}"#;
        let holidays: String = days.map(|date| format!(",{{\"date\":\"{date}\"}}")).collect();
        let never = hours(&format!(r#"{{"time_zone":"UTC","hours":{{}},"holidays":[{first}{holidays}]}}"#));
        assert_eq!(never.next_open(at("2026-01-01T00:00:00Z")), Some(at("2026-03-10T10:00:00Z")));
        assert_eq!(never.next_open(at("2026-03-10T12:00:00Z")), None);
    }

    #[test]
    fn stepping_forward_stops_at_a_closing_and_starts_at_an_opening() {
        let office = hours(OFFICE);
        let monday = at("2026-03-09T16:00:00Z");
        assert_eq!(office.end_of(monday, 3_600_000), Some(at("2026-03-09T17:00:00Z")));
        assert_eq!(office.end_of(monday, 3_600_001), Some(at("2026-03-11T10:00:00.001Z")));
        assert_eq!(office.next_open(monday), Some(monday));
        assert_eq!(office.next_open(at("2026-03-09T17:00:00Z")), Some(at("2026-03-11T10:00:00Z")));
        assert_eq!(hours(r#"{"time_zone":"UTC","hours":{}}"#).end_of(monday, 1), None);
        assert_eq!(hours(r#"{"time_zone":"UTC","hours":{}}"#).next_open(monday), None);
    }

    #[test]
    fn years_of_time_are_measured_across_blocks() {
        let always = hours(
            r#"{"time_zone":"Asia/Kathmandu","hours":{"mon":[["00:00","24:00"]],"tue":[["00:00","24:00"]],
            "wed":[["00:00","24:00"]],"thu":[["00:00","24:00"]],"fri":[["00:00","24:00"]],"sat":[["00:00","24:00"]],"sun":[["00:00","24:00"]]}}"#,
        );
        let (from, to) = (at("1971-05-06T01:02:03.004Z"), at("2031-01-01T00:00:00Z"));
        assert_eq!(always.measure(from, to).open_ms, to.since_ms(from));
        assert_eq!(always.end_of(from, to.since_ms(from)), Some(to));
        let pieces: Vec<_> = always.pieces(from, to).collect();
        assert!(pieces.iter().all(|(since, until, opening)| since < until && *opening == Opening::Open));
        assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert_eq!((pieces[0].0, pieces.last().unwrap().1), (from, to));
    }

    #[test]
    fn segments_are_found_by_span_as_they_are_by_search() {
        let day: Vec<String> = (0..24).map(|hour| format!(r#"["{hour:02}:10","{hour:02}:50"]"#)).collect();
        let busy = format!(
            r#"{{"time_zone":"Europe/Berlin","hours":{{"tue":[{}],"fri":[["09:00","17:00"]]}}}}"#,
            day.join(",")
        );
        for hours in [hours(OFFICE), hours(&busy), hours(r#"{"time_zone":"UTC","hours":{}}"#)] {
            let index = OpenHours::block_of(at("2026-03-09T00:00:00Z"));
            let block = hours.block(index).unwrap();
            let edges = block.segments.iter().map(|segment| segment.since);
            let spans = (0..=block.spans.len() as i64).map(|span| block.end - (span << SPAN_BITS));
            for time in edges.chain(spans).flat_map(|edge| [edge - 1, edge, edge + 1]).chain([i64::MIN, i64::MAX]) {
                let searched = block.segments.partition_point(|segment| segment.since <= time).saturating_sub(1);
                assert_eq!(block.position(time), searched, "{time}");
                for wanted in [1, 3_600_000, 40 * 3_600_000, i64::MAX] {
                    let wanted = block.sums_at(time).0.saturating_add(wanted);
                    let enough = |segment: &Segment| segment.open_before_ms >= wanted;
                    let searched = block.segments.partition_point(|segment| !enough(segment));
                    assert_eq!(block.first_after(time, enough), searched, "{time}");
                }
            }
        }
    }

    #[test]
    fn clock_changes_skip_forward_and_repeat_in_full() {
        let denver =
            hours(r#"{"time_zone":"America/Denver","hours":{"sun":[["01:00","04:00"]],"sat":[["22:00","24:00"]]}}"#);
        let spring = open_pieces(&denver, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z");
        assert_eq!(spring, ["2026-03-08T05:00/2026-03-08T07:00", "2026-03-08T08:00/2026-03-08T10:00"]);
        let autumn = open_pieces(&denver, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
        assert_eq!(autumn, ["2026-11-01T04:00/2026-11-01T06:00", "2026-11-01T07:00/2026-11-01T11:00"]);
        // 02:30 does not exist on 8 March: it is 03:30.
        let skipped = hours(r#"{"time_zone":"America/Denver","hours":{"sun":[["02:30","02:45"],["03:00","03:40"]]}}"#);
        assert_eq!(
            open_pieces(&skipped, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"),
            ["2026-03-08T09:00/2026-03-08T09:45"]
        );
        // In Havana midnight itself occurred twice on 2 November 2025: Saturday ended at the first.
        let havana = hours(r#"{"time_zone":"America/Havana","hours":{"sat":[["22:00","24:00"]]}}"#);
        assert_eq!(
            open_pieces(&havana, "2025-11-01T12:00:00Z", "2025-11-03T00:00:00Z"),
            ["2025-11-02T02:00/2025-11-02T04:00"]
        );
        // In Santiago the midnight before 6 September does not exist: Saturday ends where Sunday begins, at 01:00.
        let santiago =
            hours(r#"{"time_zone":"America/Santiago","hours":{"sat":[["22:00","24:00"]],"sun":[["00:30","02:00"]]}}"#);
        assert_eq!(
            open_pieces(&santiago, "2026-09-05T12:00:00Z", "2026-09-07T00:00:00Z"),
            ["2026-09-06T02:00/2026-09-06T04:00", "2026-09-06T04:30/2026-09-06T05:00"]
        );
    }
}
