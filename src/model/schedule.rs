//! Which hours count at each instant: the versions of the calendars that a policy or profile refers to.

use std::sync::Arc;

use super::hours::{Measured, OpenHours, Opening};
use super::time::Instant;
use super::versions::Versions;

/// The hours that count from an instant on.
#[derive(Clone, Copy, Debug)]
pub struct Shift<'d> {
    pub since: Instant,
    /// None: all hours count.
    pub hours: Option<Version<'d>>,
}

/// A version of a calendar and the instant from which it is in force.
#[derive(Clone, Copy, Debug)]
pub struct Version<'d> {
    pub since: Instant,
    pub hours: &'d OpenHours,
}

/// The hours that count from an instant on, with shared ownership.
#[derive(Clone, Debug, PartialEq)]
struct SharedShift {
    since: Instant,
    hours: Option<(Instant, Arc<OpenHours>)>,
}

/// Which hours count at each instant. Before the first shift all hours do.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    shifts: Vec<SharedShift>,
}

impl Schedule {
    /// Resolves references to calendars, in time order, to their versions. No calendar, and one that is not known (yet), means
    /// all hours. A reference begins a shift also where the hours stay the same.
    pub fn follow<'n>(
        references: impl IntoIterator<Item = (Instant, Option<&'n str>)>,
        calendars: &std::collections::BTreeMap<String, Versions<Arc<OpenHours>>>,
    ) -> Schedule {
        let mut schedule = Schedule::default();
        let references: Vec<_> = references.into_iter().collect();
        for (at, (since, name)) in references.iter().enumerate() {
            let until = references.get(at + 1).map_or(Instant(i64::MAX), |(next, _)| *next);
            schedule.push(*since, None);
            for version in name.and_then(|name| calendars.get(name)).into_iter().flat_map(Versions::iter) {
                if version.since < until {
                    schedule.push(version.since.max(*since), Some((version.since, version.value.clone())));
                }
            }
        }
        schedule
    }

    fn push(&mut self, since: Instant, hours: Option<(Instant, Arc<OpenHours>)>) {
        self.shifts.pop_if(|last| last.since == since);
        self.shifts.push(SharedShift { since, hours });
    }

    /// Whether all hours count, always.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        self.shifts.iter().all(|shift| shift.hours.is_none())
    }

    /// The shift in force at an instant, with that instant as its beginning, and those after it.
    pub fn from(&self, time: Instant) -> impl Iterator<Item = Shift<'_>> {
        let after = self.shifts.partition_point(|shift| shift.since <= time);
        let present = after.checked_sub(1).and_then(|at| self.shifts.get(at));
        let first = Shift { since: time, hours: present.and_then(SharedShift::version) };
        let later = self.shifts.get(after..).unwrap_or(&[]).iter();
        std::iter::once(first).chain(later.map(|shift| Shift { since: shift.since, hours: shift.version() }))
    }

    /// The shifts from one instant to another, with their ends.
    fn between(&self, from: Instant, to: Instant) -> impl Iterator<Item = (Instant, Instant, Option<&OpenHours>)> {
        let mut shifts = self.from(from).take_while(move |shift| shift.since < to).peekable();
        std::iter::from_fn(move || {
            let shift = shifts.next()?;
            let until = shifts.peek().map_or(to, |next| next.since);
            Some((shift.since, until, shift.hours.map(|version| version.hours)))
        })
    }

    /// Milliseconds of open time from one instant to another; 0 where that is not later.
    #[must_use]
    pub fn open_ms(&self, from: Instant, to: Instant) -> i64 {
        self.between(from, to).map(|(since, until, hours)| measure(hours, since, until).open_ms).sum()
    }

    /// The instant at which that much open time has passed since `from` (`from` itself for no time); none: never.
    #[must_use]
    pub fn end_of(&self, from: Instant, ms: i64) -> Option<Instant> {
        if ms <= 0 {
            return Some(from);
        }
        let mut left = ms;
        for (since, until, hours) in self.between(from, Instant(i64::MAX)) {
            let open_ms = if until.0 == i64::MAX { i64::MAX } else { measure(hours, since, until).open_ms };
            if open_ms >= left {
                return end_of(hours, since, left);
            }
            left -= open_ms;
        }
        None
    }
}

impl SharedShift {
    fn version(&self) -> Option<Version<'_>> {
        self.hours.as_ref().map(|(since, hours)| Version { since: *since, hours })
    }
}

/// Open and closed milliseconds of an interval; without hours all of it is open.
#[must_use]
pub fn measure(hours: Option<&OpenHours>, from: Instant, to: Instant) -> Measured {
    let all_open = || Measured { open_ms: to.since_ms(from).max(0), ..Measured::default() };
    hours.map_or_else(all_open, |hours| hours.measure(from, to))
}

/// When that much open time, at least a millisecond, has passed.
#[must_use]
pub fn end_of(hours: Option<&OpenHours>, from: Instant, ms: i64) -> Option<Instant> {
    hours.map_or_else(|| Some(from.plus_ms(ms)), |hours| hours.end_of(from, ms))
}

/// The first open instant, not before `from`.
#[must_use]
pub fn next_open(hours: Option<&OpenHours>, from: Instant) -> Option<Instant> {
    hours.map_or(Some(from), |hours| hours.next_open(from))
}

/// The parts of an interval, which is not empty, by [`Opening`]; neighbours may be equal.
pub fn pieces(
    hours: Option<&OpenHours>,
    from: Instant,
    to: Instant,
) -> impl Iterator<Item = (Instant, Instant, Opening)> {
    let always = hours.is_none().then_some((from, to, Opening::Open));
    hours.map(|hours| hours.pieces(from, to)).into_iter().flatten().chain(always)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::model::calendar::Calendar;

    fn office(from: &str, to: &str) -> Arc<OpenHours> {
        let day = format!(r#"[["{from}","{to}"]]"#);
        let data = format!(r#"{{"time_zone":"UTC","hours":{{"mon":{day},"tue":{day},"wed":{day}}}}}"#);
        Arc::new(OpenHours::new(Calendar::parse("office", &Json::parse(&data).unwrap()).unwrap()))
    }

    fn at(text: &str) -> Instant {
        Instant::parse(&format!("2026-03-{text}:00Z")).unwrap()
    }

    #[test]
    fn each_instant_counts_by_the_version_then_in_force() {
        let mut versions = Versions::default();
        versions.set(at("02T00:00"), office("09:00", "17:00"));
        versions.set(at("02T12:00"), office("09:00", "13:00"));
        let calendars = [("office".to_owned(), versions)].into();
        let schedule = Schedule::follow([(at("01T00:00"), Some("office"))], &calendars);
        let hour = 3_600_000;
        assert_eq!(schedule.open_ms(at("02T10:00"), at("02T16:00")), 3 * hour);
        assert_eq!(schedule.end_of(at("02T10:00"), 3 * hour), Some(at("02T13:00")));
        assert_eq!(schedule.end_of(at("02T10:00"), 4 * hour), Some(at("03T10:00")));
        // Sunday is before the first version: all hours count.
        assert_eq!(schedule.open_ms(at("01T20:00"), at("02T10:00")), 5 * hour);
        assert!(!schedule.is_always_open());
    }

    #[test]
    fn a_reference_that_leads_nowhere_counts_all_hours() {
        let calendars = [("office".to_owned(), Versions::default())].into();
        let schedule = Schedule::follow([(at("01T00:00"), Some("nowhere")), (at("02T00:00"), None)], &calendars);
        assert_eq!(schedule.open_ms(at("01T00:00"), at("03T00:00")), 48 * 3_600_000);
        assert!(schedule.is_always_open());
    }
}
