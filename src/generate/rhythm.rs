//! Days, dates, holidays and time zones of the generated period.
//!
//! The four zones are rules written out here, not the time zone data of the system: a newer copy of that data on another
//! machine must not change a byte. They are exact to the day, which is enough here.

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The instant at which every generated period ends, 2026-06-01T00:00:00Z: the last full month is May 2026.
pub(super) const PERIOD_END: i64 = 20_605 * DAY;

/// The longest period, in days: it begins in 1971 at the earliest, inside the years that the log takes.
const DAYS_MAX: u32 = 20_000;

/// The generated period, `[begin, PERIOD_END)`, with its bad day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    /// The first instant, in milliseconds since 1970.
    pub(super) begin: i64,
    /// When the outage starts, and with it a day of three times the usual number of cases; none in less than a week.
    pub(super) outage: Option<i64>,
}

impl Period {
    pub(super) fn of_days(days: u32) -> Self {
        let days = i64::from(days.clamp(1, DAYS_MAX));
        let begin = PERIOD_END - days * DAY;
        let outage = (days >= 7).then(|| bad_day(begin / DAY + days * 2 / 3) * DAY + 7 * HOUR);
        Self { begin, outage }
    }

    pub(super) fn days(&self) -> i64 {
        (PERIOD_END - self.begin) / DAY
    }

    pub(super) fn is_outage(&self, at: i64) -> bool {
        self.outage.is_some_and(|from| (from..from + DAY).contains(&at))
    }
}

/// The last Tuesday, Wednesday or Thursday up to `day` that is neither a holiday nor the day before one: an outage on a
/// Sunday would show little.
fn bad_day(day: i64) -> i64 {
    let mut day = day;
    while !(1..=3).contains(&weekday(day)) || is_holiday(day) || is_holiday(day + 1) {
        day -= 1;
    }
    day
}

/// Monday is 0, Sunday 6; days are counted from 1970-01-01, a Thursday.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar, by Howard Hinnant's `civil_from_days`.
pub(super) fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * month_from_march + 2) / 5 + 1)
}

/// The day since 1970-01-01 of a date, the inverse of [`date`].
pub(super) fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The holidays of a year: day and name. Easter Monday by the anonymous Gregorian computus.
pub(super) fn holidays(year: i64) -> [(i64, &'static str); 5] {
    [
        (day_of(year, 1, 1), "New Year"),
        (easter(year) + 1, "Easter Monday"),
        (day_of(year, 5, 1), "Labour Day"),
        (day_of(year, 12, 25), "Christmas Day"),
        (day_of(year, 12, 26), "Second Day of Christmas"),
    ]
}

fn easter(year: i64) -> i64 {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let sum = epact + to_sunday - 7 * late + 114;
    day_of(year, sum / 31, sum % 31 + 1)
}

/// Whether the office is closed on a day.
pub(super) fn is_holiday(day: i64) -> bool {
    let (year, _, _) = date(day);
    holidays(year).iter().any(|&(holiday, _)| holiday == day)
}

/// A time zone in which agents or customers live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Prague,
    Madrid,
    NewYork,
    Bogota,
}

impl Zone {
    /// Local time minus UTC on a day, in milliseconds.
    pub(super) fn offset(self, day: i64) -> i64 {
        let (year, _, _) = date(day);
        match self {
            Self::Prague | Self::Madrid => {
                let summer = sunday_before(day_of(year, 4, 1))..sunday_before(day_of(year, 11, 1));
                HOUR + if summer.contains(&day) { HOUR } else { 0 }
            }
            Self::NewYork => {
                let summer = sunday_before(day_of(year, 3, 15))..sunday_before(day_of(year, 11, 8));
                -5 * HOUR + if summer.contains(&day) { HOUR } else { 0 }
            }
            Self::Bogota => -5 * HOUR,
        }
    }
}

/// The last Sunday before a day.
fn sunday_before(day: i64) -> i64 {
    day - 1 - weekday(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(PERIOD_END / DAY), (2026, 6, 1));
        assert_eq!(weekday(PERIOD_END / DAY), 0, "a Monday");
        for day in (0..40_000).step_by(17) {
            let (year, month, of_month) = date(day);
            assert_eq!(day_of(year, month, of_month), day);
        }
    }

    #[test]
    fn easter_mondays() {
        let names = |year| holidays(year).map(|(day, _)| date(day));
        assert!(names(2024).contains(&(2024, 4, 1)));
        assert!(names(2025).contains(&(2025, 4, 21)));
        assert!(names(2026).contains(&(2026, 4, 6)));
    }

    #[test]
    fn summer_time_begins_and_ends_on_its_sunday() {
        let prague = |year, month, day| Zone::Prague.offset(day_of(year, month, day)) / HOUR;
        assert_eq!(
            [prague(2026, 3, 28), prague(2026, 3, 29), prague(2026, 10, 24), prague(2026, 10, 25)],
            [1, 2, 2, 1]
        );
        let new_york = |year, month, day| Zone::NewYork.offset(day_of(year, month, day)) / HOUR;
        assert_eq!([new_york(2026, 3, 7), new_york(2026, 3, 8), new_york(2026, 11, 1)], [-5, -4, -5]);
    }
}
