//! Business hours in local time (3.4).

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

const DAY: i64 = 86_400_000;

/// The times between two instants in which a calendar is open, merged and in order.
pub fn openings(calendar: &Value, from: i64, until: i64) -> Vec<(i64, i64)> {
    let zone = zone(calendar);
    let mut all = Vec::new();
    let mut date = local_date(&zone, from - DAY);
    while date <= local_date(&zone, until + DAY) {
        all.extend(openings_of_date(calendar, &zone, date));
        date = date.saturating_add(1.day());
    }
    let clipped = all.into_iter().map(|(a, b)| (a.max(from), b.min(until))).filter(|(a, b)| a < b);
    union(clipped.collect())
}

/// The hours of one local date: a holiday replaces those of its weekday. Skipped times move forward; of a time that
/// occurs twice an opening takes the first and a closing the last, but `24:00` ends the date where the next one begins.
fn openings_of_date(calendar: &Value, zone: &TimeZone, date: Date) -> Vec<(i64, i64)> {
    let hours = match holiday(calendar, date) {
        Some(holiday) => &holiday["hours"],
        None => &calendar["hours"][weekday(date)],
    };
    let mut open = Vec::new();
    for hour in hours.as_array().into_iter().flatten() {
        let opening = local_time(date, hour[0].as_str().unwrap_or_default());
        let closing = local_time(date, hour[1].as_str().unwrap_or_default());
        let from = zone.to_ambiguous_timestamp(opening).compatible();
        let closing = zone.to_ambiguous_timestamp(closing);
        let until = if hour[1] == "24:00" { closing.compatible() } else { closing.later() };
        if let (Ok(from), Ok(until)) = (from, until) {
            open.push((from.as_millisecond(), until.as_millisecond()));
        }
    }
    open.retain(|(from, until)| from < until);
    open
}

/// Whether an instant lies on a local date that is a holiday.
pub fn is_on_holiday(calendar: &Value, instant: i64) -> bool {
    holiday(calendar, local_date(&zone(calendar), instant)).is_some()
}

/// The instants between two others at which the local date may change.
pub fn date_changes(calendar: &Value, from: i64, until: i64) -> Vec<i64> {
    let zone = zone(calendar);
    let mut changes = Vec::new();
    let mut date = local_date(&zone, from);
    while date <= local_date(&zone, until) {
        if let Ok(start) = zone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible().and_then(|z| z.start_of_day()) {
            changes.push(start.timestamp().as_millisecond());
        }
        date = date.saturating_add(1.day());
    }
    let at = Timestamp::from_millisecond(from).unwrap_or_default();
    changes.extend(zone.following(at).map(|t| t.timestamp().as_millisecond()).take_while(|t| *t < until));
    changes.retain(|t| from < *t && *t < until);
    changes
}

/// The instant at which a calendar has been open for `ms` more, from an instant on; with 0 the next instant at which it
/// is open. None if it never is.
pub fn advance(calendar: &Value, from: i64, ms: i64) -> Option<i64> {
    let mut left = ms;
    let mut start = from;
    while start < last_opening(calendar, from) {
        let next = start + 40 * DAY;
        for (a, b) in openings(calendar, start, next) {
            if left <= b - a && (left > 0 || a < b) {
                return Some(a + left);
            }
            left -= b - a;
        }
        start = next;
    }
    None
}

/// An instant after which the calendar does not open again.
fn last_opening(calendar: &Value, from: i64) -> i64 {
    let none = serde_json::Map::new();
    let week = calendar["hours"].as_object().unwrap_or(&none);
    if week.values().any(|hours| hours.as_array().is_some_and(|hours| !hours.is_empty())) {
        return 7_258_118_400_000; // the year 2200
    }
    let dates = calendar["holidays"].as_array().into_iter().flatten().filter_map(date_of);
    dates.map(|date| local_time_to_day(date) + 3 * DAY).max().unwrap_or(from)
}

fn local_time_to_day(date: Date) -> i64 {
    TimeZone::UTC.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().map_or(0, Timestamp::as_millisecond)
}

/// Intervals that overlap or touch, made one.
pub fn union(mut intervals: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    intervals.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, until) in intervals {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged
}

fn zone(calendar: &Value) -> TimeZone {
    TimeZone::get(calendar["time_zone"].as_str().unwrap_or("UTC")).unwrap_or(TimeZone::UTC)
}

fn local_date(zone: &TimeZone, instant: i64) -> Date {
    zone.to_datetime(Timestamp::from_millisecond(instant).unwrap_or_default()).date()
}

fn holiday(calendar: &Value, date: Date) -> Option<&Value> {
    calendar["holidays"].as_array()?.iter().find(|holiday| date_of(holiday) == Some(date))
}

fn date_of(holiday: &Value) -> Option<Date> {
    holiday["date"].as_str()?.parse().ok()
}

/// `HH:MM` of a date; `24:00` is the next day's beginning.
fn local_time(date: Date, text: &str) -> DateTime {
    if text == "24:00" {
        return date.saturating_add(1.day()).at(0, 0, 0, 0);
    }
    let (hour, minute) = text.split_once(':').unwrap_or(("0", "0"));
    let time = Time::new(hour.parse().unwrap_or(0), minute.parse().unwrap_or(0), 0, 0);
    date.to_datetime(time.unwrap_or_default())
}

fn weekday(date: Date) -> &'static str {
    match date.weekday() {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{instant, written};
    use serde_json::json;

    /// The openings of two days, as `since until` in UTC.
    fn open(zone: &str, hours: serde_json::Value, from: &str, until: &str) -> Vec<String> {
        let calendar = json!({ "time_zone": zone, "hours": hours });
        let openings = super::openings(&calendar, instant(from), instant(until));
        let short = |t: i64| written(t).as_str().map(|text| text[5..16].to_owned()).unwrap_or_default();
        openings.into_iter().map(|(a, b)| format!("{} {}", short(a), short(b))).collect()
    }

    #[test]
    fn skipped_times_move_forward() {
        let lord_howe = |from: &str, until: &str| {
            open("Australia/Lord_Howe", json!({"sun": [[from, until]]}), "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z")
        };
        // At 15:30Z the clock goes from 02:00 to 02:30.
        assert_eq!(lord_howe("02:00", "02:15"), ["10-03T15:30 10-03T15:45"]);
        assert_eq!(lord_howe("01:45", "02:30"), ["10-03T15:15 10-03T15:30"]);
        assert_eq!(lord_howe("02:15", "02:30"), Vec::<String>::new());
        let santiago = |day: &str, from: &str, until: &str| {
            open("America/Santiago", json!({day: [[from, until]]}), "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z")
        };
        // At 04:00Z the clock goes from 24:00 to 01:00.
        assert_eq!(santiago("sat", "22:00", "24:00"), ["09-06T02:00 09-06T04:00"]);
        assert_eq!(santiago("sun", "00:00", "02:00"), ["09-06T04:00 09-06T05:00"]);
        assert_eq!(santiago("sun", "00:30", "02:00"), ["09-06T04:30 09-06T05:00"]);
    }

    #[test]
    fn of_repeated_times_first_opens_and_last_closes() {
        let lord_howe = json!({"sun": [["01:30", "01:45"]]});
        // At 15:00Z the clock goes back from 02:00 to 01:30.
        let open_times = open("Australia/Lord_Howe", lord_howe, "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z");
        assert_eq!(open_times, ["04-04T14:30 04-04T15:15"]);
        let prague = json!({"sun": [["02:00", "02:30"], ["02:30", "03:00"]]});
        let open_times = open("Europe/Prague", prague, "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z");
        assert_eq!(open_times, ["10-25T00:00 10-25T02:00"]);
    }

    #[test]
    fn a_day_ends_at_24() {
        let night = json!({"sat": [["22:00", "24:00"]], "sun": [["00:00", "01:00"]]});
        let open_times = open("Asia/Kathmandu", night, "2026-03-07T00:00:00Z", "2026-03-08T12:00:00Z");
        assert_eq!(open_times, ["03-07T16:15 03-07T19:15"]);
        // At 01:00Z the clock goes from 01:00 back to 00:00: Sunday is longer, Saturday is not.
        let evening = json!({"sat": [["22:00", "24:00"]]});
        let open_times = open("Atlantic/Azores", evening, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(open_times, ["10-24T22:00 10-25T00:00"]);
    }
}
