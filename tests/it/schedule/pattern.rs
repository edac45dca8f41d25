//! The runs of patterns against a plain reading of 6.5, minute by minute.

use casebook::model::time::Instant;
use casebook::schedule::pattern::Pattern;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Prague and New York change by an hour, Lord Howe by half an hour, Cairo at midnight; Kolkata never.
const ZONES: [&str; 5] = ["Europe/Prague", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata"];

const MINUTE_MS: i64 = 60_000;

type Names = fn(DateTime) -> bool;

fn is_at(time: DateTime, hour: i8, minute: i8) -> bool {
    time.hour() == hour && time.minute() == minute
}

fn is_workday(time: DateTime) -> bool {
    !matches!(time.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Each pattern, with what it means in Rust.
const PATTERNS: [(&str, Names); 20] = [
    ("* * * * *", |_| true),
    ("*/15 * * * *", |time| time.minute() % 15 == 0),
    ("7-59/13 * * * *", |time| time.minute() >= 7 && (time.minute() - 7) % 13 == 0),
    ("0 * * * *", |time| time.minute() == 0),
    ("@daily", |time| is_at(time, 0, 0)),
    ("30 0 * * *", |time| is_at(time, 0, 30)),
    ("30 2 * * *", |time| is_at(time, 2, 30)),
    ("0,30 2 * * *", |time| is_at(time, 2, 0) || is_at(time, 2, 30)),
    ("59 1 * * *", |time| is_at(time, 1, 59)),
    ("15 1-3 * * *", |time| (1..=3).contains(&time.hour()) && time.minute() == 15),
    ("*/20 0-2 * * *", |time| time.hour() <= 2 && time.minute() % 20 == 0),
    ("0 8 * * mon", |time| is_at(time, 8, 0) && time.weekday() == Weekday::Monday),
    ("0 8 * * 1-5", |time| is_at(time, 8, 0) && is_workday(time)),
    ("45 2 * * sun", |time| is_at(time, 2, 45) && time.weekday() == Weekday::Sunday),
    ("0 0 * * 5", |time| is_at(time, 0, 0) && time.weekday() == Weekday::Friday),
    ("0 6 1 * *", |time| is_at(time, 6, 0) && time.day() == 1),
    ("0 6 L * *", |time| is_at(time, 6, 0) && time.day() == time.days_in_month()),
    ("0 12 13 * fri", |time| is_at(time, 12, 0) && (time.day() == 13 || time.weekday() == Weekday::Friday)),
    ("0 9 29 2 *", |time| is_at(time, 9, 0) && time.month() == 2 && time.day() == 29),
    ("30 2 * 3,10 sun#2", |time| {
        is_at(time, 2, 30)
            && [3, 10].contains(&time.month())
            && time.weekday() == Weekday::Sunday
            && (8..=14).contains(&time.day())
    }),
];

/// Minute by minute: when the clock of the zone first shows a local time, all local times since the latest that it has
/// shown have come. A local time that it shows again brings nothing new.
fn plain_runs(zone: &TimeZone, after: Instant, until: Instant) -> Vec<Vec<Instant>> {
    let local = |instant: Instant| zone.to_datetime(Timestamp::from_millisecond(instant.0).unwrap());
    let mut runs = vec![Vec::new(); PATTERNS.len()];
    let (mut instant, mut latest) = (after, local(after));
    while instant < until {
        instant = instant.plus_ms(MINUTE_MS);
        let now = local(instant);
        while latest < now {
            latest = latest.checked_add(1.minute()).unwrap();
            for (runs, (_, names)) in runs.iter_mut().zip(PATTERNS) {
                if names(latest) && runs.last() != Some(&instant) {
                    runs.push(instant);
                }
            }
        }
    }
    runs
}

#[test]
fn three_years_of_runs_are_those_of_a_plain_reading() {
    let at = |text: &str| Instant(text.parse::<Timestamp>().unwrap().as_millisecond());
    let (after, until) = (at("2026-01-01T00:00:00Z"), at("2029-01-01T00:00:00Z"));
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for ((text, _), plain) in PATTERNS.into_iter().zip(plain_runs(&zone, after, until)) {
            let pattern = Pattern::parse(text).unwrap();
            let mut plain = plain.iter();
            for run in pattern.between(after, until, &zone) {
                assert_eq!(Some(&run), plain.next(), "`{text}` in {name}");
            }
            assert_eq!(plain.next(), None, "`{text}` in {name}");
        }
    }
}
