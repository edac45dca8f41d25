//! Local times of an hour that comes twice, settled by the order of a case's events where that decides.

use super::time_rule::TimeReading;

/// An event whose instant may still be one of two.
pub(super) trait Dated {
    /// The instant, or the two that it may be.
    fn moment(&self) -> TimeReading;
    /// Whether no event of the case can be before it.
    fn begins_case(&self) -> bool;
    /// Whether it is an event of the case.
    fn is_of_case(&self) -> bool;
    /// Takes the instant that was chosen.
    fn settle(&mut self, time_ms: i64);
}

/// The instants that the next events of a case cannot be before, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Of the case's creation.
    created_ms: Option<i64>,
    /// Of the row before, where the order of rows is known without their times.
    last_ms: Option<i64>,
}

/// How many times were chosen, by what decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// The order of events left one of the two.
    pub(super) settled: u64,
    /// Nothing decided; the first of the two.
    pub(super) ambiguous: u64,
    /// The local time does not exist.
    pub(super) skipped: u64,
}

/// Chooses the instants of the events of one row. The case's creation is not after any other event of the case, and the rows of a
/// chain do not go back.
pub(super) fn settle<D: Dated>(events: &mut [D], bounds: &mut Bounds, is_chain: bool) -> Settled {
    let mut counts = Settled::default();
    let mut seen: Vec<TimeReading> = Vec::new();
    let earliest = bounds.created_ms.max(bounds.last_ms);
    let creation = events.iter().find(|event| event.begins_case()).map(Dated::moment);
    let begun = creation.map(|moment| {
        let latest = |event: &D| event.moment().later_ms.unwrap_or(event.moment().ms);
        let fits = |ms: i64| {
            events.iter().filter(|event| event.is_of_case()).all(|event| latest(event) >= ms)
                && earliest.is_none_or(|bound| ms >= bound)
        };
        counts.choose(moment, &mut seen, fits)
    });
    let bound = begun.max(earliest);
    for event in events.iter_mut() {
        let moment = event.moment();
        let chosen = match (creation, begun) {
            // Events that have the time of the creation, or that and a duration, go with it.
            (Some(creation), Some(begun)) if creation.base() == moment.base() => {
                begun - creation.plus_ms + moment.plus_ms
            }
            _ => counts.choose(moment, &mut seen, |ms| !event.is_of_case() || bound.is_none_or(|bound| ms >= bound)),
        };
        event.settle(chosen);
        if is_chain {
            bounds.last_ms = bounds.last_ms.max(Some(chosen));
        }
    }
    bounds.created_ms = bounds.created_ms.or(begun);
    counts
}

impl Settled {
    /// The first instant that fits. Counts a moment once, though several events have it.
    fn choose(&mut self, moment: TimeReading, seen: &mut Vec<TimeReading>, fits: impl Fn(i64) -> bool) -> i64 {
        let is_new = moment.later_ms.is_some() || moment.skipped;
        let is_new = is_new && !seen.contains(&moment);
        if is_new {
            seen.push(moment);
        }
        self.skipped += u64::from(is_new && moment.skipped);
        let Some(later) = moment.later_ms else { return moment.ms };
        let (chosen, is_settled) = match (fits(moment.ms), fits(later)) {
            (true, false) => (moment.ms, true),
            (false, true) => (later, true),
            _ => (moment.ms, false),
        };
        self.settled += u64::from(is_new && is_settled);
        self.ambiguous += u64::from(is_new && !is_settled);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Event(TimeReading, bool, i64);

    impl Dated for Event {
        fn moment(&self) -> TimeReading {
            self.0
        }

        fn begins_case(&self) -> bool {
            self.1
        }

        fn is_of_case(&self) -> bool {
            true
        }

        fn settle(&mut self, time_ms: i64) {
            self.2 = time_ms;
        }
    }

    /// Minutes of the two readings of a local time.
    fn twice(minute: i64) -> TimeReading {
        TimeReading { later_ms: Some(minute + 60), ..TimeReading::at(minute) }
    }

    fn settled(events: &[(TimeReading, bool)]) -> (Vec<i64>, Settled) {
        let mut events: Vec<Event> = events.iter().map(|(moment, begins)| Event(*moment, *begins, 0)).collect();
        let counts = settle(&mut events, &mut Bounds::default(), false);
        (events.iter().map(|event| event.2).collect(), counts)
    }

    #[test]
    fn a_reply_that_seems_to_be_before_the_creation_is_in_the_second_hour() {
        let (chosen, counts) = settled(&[(twice(50), true), (twice(10), false), (twice(20), false)]);
        assert_eq!(chosen, [50, 70, 80]);
        assert_eq!((counts.settled, counts.ambiguous), (3, 0));
    }

    #[test]
    fn where_both_readings_fit_the_first_is_taken_and_counted() {
        let (chosen, counts) = settled(&[(twice(10), true), (twice(40), false), (TimeReading::at(130), false)]);
        assert_eq!(chosen, [10, 40, 130]);
        assert_eq!((counts.settled, counts.ambiguous), (0, 2));
        let (chosen, counts) = settled(&[(twice(10), true), (twice(10), false)]);
        assert_eq!((chosen, counts.ambiguous), (vec![10, 10], 1), "one time of two events counts once");
    }

    #[test]
    fn what_follows_the_creation_by_a_duration_goes_with_it() {
        let reply = TimeReading { ms: 160, later_ms: Some(220), plus_ms: 110, ..twice(50) };
        let (chosen, counts) = settled(&[(twice(50), true), (twice(20), false), (reply, false)]);
        assert_eq!((chosen, counts.ambiguous), (vec![50, 80, 160], 0));
    }

    #[test]
    fn rows_in_a_known_order_do_not_go_back() {
        let mut bounds = Bounds::default();
        let mut chosen = Vec::new();
        for moment in [twice(50), twice(10), twice(20), TimeReading::at(200)] {
            let mut events = [Event(moment, false, 0)];
            settle(&mut events, &mut bounds, true);
            chosen.push(events[0].2);
        }
        assert_eq!(chosen, [50, 70, 80, 200]);
    }
}
