//! Cron patterns: which local times they name, and at which instants of a zone these are.
//!
//! A pattern is read and matched by croner, on local times alone. This module makes instants of them, by one rule for every
//! pattern: a local time that occurs twice counts the first time, and one that a clock change skips counts at the instant
//! of the change. Several skipped times of one pattern are one run.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::error::{Error, Result, lower_first};
use crate::model::time::Instant;

/// Fields of a pattern: minute, hour, day of the month, month, day of the week.
const FIELDS: usize = 5;

/// The first local time from which a pattern must have a run at all.
const SEARCHED_FROM: DateTime = jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0);

/// A cron pattern of five fields, such as `0 8 * * mon`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    cron: Cron,
}

impl Pattern {
    /// Reads a pattern: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday), or a name such as
    /// `@daily`. A day of the month and a day of the week are alternatives, as in crontab; `+` before the day of the week
    /// requires both.
    ///
    /// # Errors
    /// When the text is no such pattern, or names no time that ever comes.
    pub fn parse(text: &str) -> Result<Pattern> {
        let invalid = |message: String| {
            Error::refused(message).with_hint(
                "write minute, hour, day of the month, month and day of the week, such as `0 8 * * mon`: Mondays at 08:00",
            )
        };
        let fields = text.split_whitespace().count();
        if fields != FIELDS && !text.trim_start().starts_with('@') {
            return Err(invalid(format!("`{text}` has {fields} fields, expected {FIELDS}")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser
            .parse(text)
            .map_err(|error| invalid(format!("`{text}` is not a cron pattern: {}", plain(&error.to_string()))))?;
        let pattern = Pattern { text: text.trim().to_owned(), cron };
        if pattern.next_local(SEARCHED_FROM).is_none() {
            return Err(invalid(format!("`{text}` names a time that never comes")));
        }
        Ok(pattern)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first run after an instant; nothing after the last year that can be stated.
    #[must_use]
    pub fn next_after(&self, instant: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut local = zone.to_datetime(instant.to_timestamp());
        // Local times up to this one have passed, those of a repeated hour even where the hour is being repeated.
        loop {
            local = self.next_local(local)?;
            let run = instant_of(local, zone)?;
            if run > instant {
                return Some(run);
            }
        }
    }

    /// Every run after an instant, up to and including another.
    pub fn between<'a>(
        &'a self,
        after: Instant,
        until: Instant,
        zone: &'a TimeZone,
    ) -> impl Iterator<Item = Instant> + 'a {
        let next = move |last: &Instant| self.next_after(*last, zone).filter(|run| *run <= until);
        std::iter::successors(next(&after), next)
    }

    /// The first local time after another that the pattern names.
    fn next_local(&self, after: DateTime) -> Option<DateTime> {
        // The library cuts fractions of a second off before it looks; whole minutes leave it nothing to cut.
        let minute = after.with().second(0).subsec_nanosecond(0).build().ok()?;
        self.cron.find_next_occurrence(&minute, false).ok()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The instant of a local time: the first where it occurs twice, that of the clock change where it is skipped.
fn instant_of(local: DateTime, zone: &TimeZone) -> Option<Instant> {
    let at = |offset: Offset| offset.to_timestamp(local).ok();
    let timestamp = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset)?,
        AmbiguousOffset::Fold { before, .. } => at(before)?,
        AmbiguousOffset::Gap { before, .. } => change_before(at(before)?, zone)?,
    };
    Some(Instant(timestamp.as_millisecond()))
}

/// The last clock change at or before an instant.
fn change_before(timestamp: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let just_after = timestamp.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
    zone.preceding(just_after).next().map(|change| change.timestamp())
}

/// A message of the library without the names of its parts, in the form of ours.
fn plain(message: &str) -> String {
    let message = ["Invalid pattern: ", "Pattern contains illegal characters: ", "Component error: "]
        .iter()
        .fold(message, |message, prefix| message.strip_prefix(prefix).unwrap_or(message));
    let message = message.trim_end_matches('.').replace("CronPattern", "the pattern");
    lower_first(&message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn runs(pattern: &str, zone_name: &str, after: &str, until: &str) -> Vec<String> {
        let (pattern, zone) = (Pattern::parse(pattern).unwrap(), zone(zone_name));
        let at = |text: &str| Instant(text.parse::<Timestamp>().unwrap().as_millisecond());
        let runs = pattern.between(at(after), at(until), &zone);
        runs.map(|run| run.to_timestamp().to_zoned(zone.clone()).strftime("%d %H:%M%:z").to_string()).collect()
    }

    #[test]
    fn skipped_times_run_once_at_the_clock_change() {
        let spring = |pattern| runs(pattern, "Europe/Prague", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z");
        assert_eq!(spring("30 2 * * *"), ["29 03:00+02:00"]);
        assert_eq!(spring("0,30 2 * * *"), ["29 03:00+02:00"]);
        assert_eq!(
            spring("*/30 * * * *"),
            [
                "29 01:30+01:00",
                "29 03:00+02:00",
                "29 03:30+02:00",
                "29 04:00+02:00",
                "29 04:30+02:00",
                "29 05:00+02:00"
            ]
        );
    }

    #[test]
    fn repeated_times_run_once_the_first_time() {
        let autumn = |pattern| runs(pattern, "Europe/Prague", "2026-10-24T23:00:00Z", "2026-10-25T02:30:00Z");
        assert_eq!(autumn("0,30 2 * * *"), ["25 02:00+02:00", "25 02:30+02:00"]);
        assert_eq!(
            autumn("*/30 * * * *"),
            ["25 01:30+02:00", "25 02:00+02:00", "25 02:30+02:00", "25 03:00+01:00", "25 03:30+01:00"]
        );
    }

    #[test]
    fn a_midnight_that_is_skipped_and_a_day_that_is_skipped() {
        let cairo = runs("0 0 * * fri", "Africa/Cairo", "2026-04-23T00:00:00Z", "2026-04-25T00:00:00Z");
        assert_eq!(cairo, ["24 01:00+03:00"]);
        // Samoa had no 30 December 2011.
        let samoa = runs("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z");
        assert_eq!(samoa, ["29 09:00-10:00", "31 00:00+14:00", "31 09:00+14:00"]);
    }

    #[test]
    fn a_run_is_not_found_again_within_its_own_second() {
        let (pattern, zone) = (Pattern::parse("0 9 * * *").unwrap(), zone("UTC"));
        let nine = Instant(32_400_000);
        assert_eq!(pattern.next_after(nine.plus_ms(250), &zone), Some(nine.plus_ms(86_400_000)));
        assert_eq!(pattern.next_after(nine.plus_ms(-1), &zone), Some(nine));
    }

    #[test]
    fn patterns_that_are_none_or_never_come_are_refused() {
        let refused = |text: &str| Pattern::parse(text).unwrap_err().to_string();
        assert_eq!(refused("0 0 31 2 *"), "`0 0 31 2 *` names a time that never comes");
        assert_eq!(refused("0 9 * * L"), "`0 9 * * L` names a time that never comes");
        assert_eq!(refused("0 8 * *"), "`0 8 * *` has 4 fields, expected 5");
        assert_eq!(refused("0 0 8 * * mon"), "`0 0 8 * * mon` has 6 fields, expected 5");
        assert!(refused("61 8 * * *").starts_with("`61 8 * * *` is not a cron pattern: "));
        assert!(refused("@never").starts_with("`@never` is not a cron pattern: "));
    }
}
