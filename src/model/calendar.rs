//! Business hours: a week of opening hours and its holidays in a time zone (1.4, 3.4).
//!
//! What a calendar may state is checked here; [`super::hours`] computes instants from it.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Refusal, check_listed_once};
use crate::json::Json;

/// Minutes from midnight, half-open: 09:00 to 17:00 is 540 to 1020.
pub type DayHours = Vec<(u16, u16)>;

/// The days of a week, as on the wire.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// One version of a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    pub time_zone: TimeZone,
    /// Opening hours from Monday to Sunday, sorted, without overlap.
    pub week: [DayHours; 7],
    pub holidays: Vec<Holiday>,
}

/// A local date with other hours than those of its weekday.
#[derive(Clone, Debug, PartialEq)]
pub struct Holiday {
    pub date: Date,
    pub name: Option<String>,
    /// The hours of that day; none: closed.
    pub hours: DayHours,
}

impl Calendar {
    /// Reads the `data` of a `calendar.updated`.
    ///
    /// # Errors
    /// `missing_member`, `wrong_type`, `unknown_time_zone`, `overlapping_hours`, `unknown_value`.
    pub fn parse(calendar: &str, data: &Json<'_>) -> Result<Calendar, Refusal> {
        read(data).map_err(|refusal| refusal.within(&format!("calendar `{calendar}`")))
    }

    /// Checks the `data` of a new `calendar.updated`. A log may have older ones that only [`Calendar::parse`] accepts.
    ///
    /// # Errors
    /// Those of [`Calendar::parse`], and `listed_twice` where two holidays have one date.
    pub fn check(calendar: &str, data: &Json<'_>) -> Result<(), Refusal> {
        let dates = Calendar::parse(calendar, data)?.holidays.into_iter().map(|holiday| holiday.date);
        check_listed_once("holidays", dates, Date::to_string)
            .map_err(|refusal| refusal.at("holidays").within(&format!("calendar `{calendar}`")))
    }
}

fn read(data: &Json<'_>) -> Result<Calendar, Refusal> {
    let zone = data.get("time_zone").ok_or_else(|| Refusal::new("missing_member", "`time_zone` is needed"))?;
    let zone =
        zone.as_text().ok_or_else(|| Refusal::new("wrong_type", "`time_zone` must be a text").at("time_zone"))?;
    let time_zone = TimeZone::get(zone).map_err(|_| {
        Refusal::new("unknown_time_zone", format!("`{zone}` is not a time zone such as `Europe/Prague`"))
            .at("time_zone")
    })?;
    let hours = data.get("hours").ok_or_else(|| Refusal::new("missing_member", "`hours` is needed"))?;
    Ok(Calendar {
        time_zone,
        week: read_week(hours).map_err(|refusal| refusal.at("hours"))?,
        holidays: read_holidays(data).map_err(|refusal| refusal.at("holidays"))?,
    })
}

fn read_week(hours: &Json<'_>) -> Result<[DayHours; 7], Refusal> {
    let Json::Object(members) = hours else {
        return Err(Refusal::new("wrong_type", "`hours` must be an object from mon to sun"));
    };
    if let Some((day, _)) = members.iter().find(|(day, _)| !WEEKDAYS.contains(&day.as_ref())) {
        let detail = format!("`hours` has the days {}, found `{day}`", WEEKDAYS.join(", "));
        return Err(Refusal::new("unknown_value", detail).at(day));
    }
    let mut week: [DayHours; 7] = Default::default();
    let next_days = WEEKDAYS.iter().cycle().skip(1);
    for ((day, next_day), slot) in WEEKDAYS.iter().zip(next_days).zip(week.iter_mut()) {
        if let Some(value) = hours.get(day) {
            *slot = read_hours(value, (day, next_day)).map_err(|refusal| refusal.at(day).within(day))?;
        }
    }
    Ok(week)
}

/// The hours of a day. The names of that day and of the next are for hours that pass midnight.
fn read_hours(value: &Json<'_>, days: (&str, &str)) -> Result<DayHours, Refusal> {
    let wrong = || Refusal::new("wrong_type", r#"hours must be pairs such as ["09:00","17:00"]"#);
    let mut hours: Vec<((u16, u16), usize)> = Vec::new();
    for (at, pair) in value.as_list().ok_or_else(wrong)?.iter().enumerate() {
        let Some([from, to]) = pair.as_list() else { return Err(wrong().at_item(at)) };
        let minute = |value: &Json<'_>| value.as_text().and_then(parse_minute);
        let (Some(begin), Some(end)) = (minute(from), minute(to)) else { return Err(wrong().at_item(at)) };
        if begin >= end {
            return Err(past_midnight((begin, end), days).at_item(at));
        }
        hours.push(((begin, end), at));
    }
    hours.sort_unstable();
    let overlap = hours.iter().zip(hours.iter().skip(1)).find(|(first, second)| second.0.0 < first.0.1);
    match overlap {
        Some((first, second)) => {
            Err(Refusal::new("overlapping_hours", "the hours of one day overlap").at_item(first.1.min(second.1)))
        }
        None => Ok(hours.into_iter().map(|(pair, _)| pair).collect()),
    }
}

/// Hours that do not end after they begin, with the way to write what they probably mean.
fn past_midnight((begin, end): (u16, u16), (day, next_day): (&str, &str)) -> Refusal {
    let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (begin_text, end_text) = (text(begin), text(end));
    let way_out = match end {
        _ if begin == end => String::new(),
        0 => format!(r#"; write ["{begin_text}", "24:00"] for hours until midnight"#),
        _ => {
            format!(r#"; split at 24:00: ["{begin_text}", "24:00"] on {day} and ["00:00", "{end_text}"] on {next_day}"#)
        }
    };
    Refusal::new("overlapping_hours", format!("hours must end after they begin, before midnight{way_out}"))
}

/// Minutes from midnight of `HH:MM`, up to `24:00`.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| -> Option<u16> {
        let well_formed = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if well_formed { part.parse().ok() } else { None }
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 1440).then_some(total)
}

fn read_holidays(data: &Json<'_>) -> Result<Vec<Holiday>, Refusal> {
    let Some(value) = data.get("holidays") else { return Ok(Vec::new()) };
    let wrong = || Refusal::new("wrong_type", "`holidays` must be a list of objects with a `date`");
    let holiday = |(at, item): (usize, &Json<'_>)| {
        read_holiday(item).unwrap_or_else(|| Err(wrong())).map_err(|refusal| refusal.at_item(at))
    };
    value.as_list().ok_or_else(wrong)?.iter().enumerate().map(holiday).collect()
}

fn read_holiday(item: &Json<'_>) -> Option<Result<Holiday, Refusal>> {
    let text = item.get("date")?.as_text()?;
    let Ok(date) = Date::strptime("%Y-%m-%d", text) else {
        let detail = format!("`{text}` is not a date such as 2026-12-24");
        return Some(Err(Refusal::new("wrong_type", detail).at("date")));
    };
    let name = item.get("name").and_then(Json::as_text).map(str::to_owned);
    let next_day = date.tomorrow().map_or_else(|_| "the next day".to_owned(), |next| next.to_string());
    let hours = item.get("hours").map_or(Ok(DayHours::new()), |hours| read_hours(hours, (text, &next_day)));
    Some(hours.map(|hours| Holiday { date, name, hours }).map_err(|refusal| refusal.at("hours").within(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Step;

    fn rule(data: &str) -> &'static str {
        Calendar::check("office", &Json::parse(data).unwrap()).err().map_or("accepted", |refusal| refusal.rule)
    }

    #[test]
    fn calendars_are_checked() {
        let cases = [
            (r#"{"time_zone":"Europe/Prague","hours":{"mon":[["09:00","12:00"],["12:00","24:00"]]}}"#, "accepted"),
            (
                r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-12-24","hours":[["09:00","12:00"]]}]}"#,
                "accepted",
            ),
            (r#"{"time_zone":"Mars/Base","hours":{}}"#, "unknown_time_zone"),
            (r#"{"time_zone":"UTC","hours":{"mon":[["09:00","12:00"],["11:00","13:00"]]}}"#, "overlapping_hours"),
            (r#"{"time_zone":"UTC","hours":{"mon":[["22:00","06:00"]]}}"#, "overlapping_hours"),
            (r#"{"time_zone":"UTC","hours":{"mon":[["9:00","12:00"]]}}"#, "wrong_type"),
            (r#"{"time_zone":"UTC","hours":{"monday":[]}}"#, "unknown_value"),
            (r#"{"time_zone":"UTC"}"#, "missing_member"),
            (r#"{"hours":{}}"#, "missing_member"),
            (r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-13-24"}]}"#, "wrong_type"),
            (r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-12-24"},{"date":"2026-12-25"}]}"#, "accepted"),
            (
                r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-12-24"},{"date":"2026-12-24","name":"x"}]}"#,
                "listed_twice",
            ),
        ];
        for (data, expected) in cases {
            assert_eq!(rule(data), expected, "{data}");
        }
    }

    #[test]
    fn hours_past_midnight_are_refused_with_the_way_to_write_them() {
        let refusal = |day: &str, pair: &str| {
            let data = format!(r#"{{"time_zone":"UTC","hours":{{"{day}":[{pair}]}}}}"#);
            let refusal = Calendar::parse("night", &Json::parse(&data).unwrap()).unwrap_err();
            assert_eq!(refusal.path(), [Step::Member("hours".to_owned()), Step::Member(day.to_owned()), Step::Item(0)]);
            refusal.to_string()
        };
        let begin = |day: &str| format!("calendar `night`, {day}: hours must end after they begin, before midnight");
        let split = r#"; split at 24:00: ["22:00", "24:00"] on mon and ["00:00", "06:00"] on tue"#;
        assert_eq!(refusal("mon", r#"["22:00","06:00"]"#), begin("mon") + split);
        let split = r#"; split at 24:00: ["22:30", "24:00"] on sun and ["00:00", "06:00"] on mon"#;
        assert_eq!(refusal("sun", r#"["22:30","06:00"]"#), begin("sun") + split);
        let until = r#"; write ["22:00", "24:00"] for hours until midnight"#;
        assert_eq!(refusal("tue", r#"["22:00","00:00"]"#), begin("tue") + until);
        assert_eq!(refusal("tue", r#"["22:00","22:00"]"#), begin("tue"));
        let data = r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-12-31","hours":[["20:00","02:00"]]}]}"#;
        let holiday = Calendar::parse("night", &Json::parse(data).unwrap()).unwrap_err().to_string();
        let split = r#"split at 24:00: ["20:00", "24:00"] on 2026-12-31 and ["00:00", "02:00"] on 2027-01-01"#;
        assert!(holiday.ends_with(split), "{holiday}");
    }
}
