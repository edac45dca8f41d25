//! Business hours: a week of opening hours and its holidays in a time zone (1.4, 3.4).
//!
//! What a calendar may state is checked here; [`super::hours`] computes instants from it.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Refusal;
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
}

fn read(data: &Json<'_>) -> Result<Calendar, Refusal> {
    let zone = data.get("time_zone").ok_or_else(|| Refusal::new("missing_member", "`time_zone` is needed"))?;
    let zone = zone.as_text().ok_or_else(|| Refusal::new("wrong_type", "`time_zone` must be a text"))?;
    let time_zone = TimeZone::get(zone).map_err(|_| {
        Refusal::new("unknown_time_zone", format!("`{zone}` is not a time zone such as `Europe/Prague`"))
    })?;
    let hours = data.get("hours").ok_or_else(|| Refusal::new("missing_member", "`hours` is needed"))?;
    Ok(Calendar { time_zone, week: read_week(hours)?, holidays: read_holidays(data)? })
}

fn read_week(hours: &Json<'_>) -> Result<[DayHours; 7], Refusal> {
    let Json::Object(members) = hours else {
        return Err(Refusal::new("wrong_type", "`hours` must be an object from mon to sun"));
    };
    if let Some((day, _)) = members.iter().find(|(day, _)| !WEEKDAYS.contains(&day.as_ref())) {
        let detail = format!("`hours` has the days {}, found `{day}`", WEEKDAYS.join(", "));
        return Err(Refusal::new("unknown_value", detail));
    }
    let mut week: [DayHours; 7] = Default::default();
    for (day, slot) in WEEKDAYS.iter().zip(week.iter_mut()) {
        if let Some(value) = hours.get(day) {
            *slot = read_hours(value).map_err(|refusal| refusal.within(day))?;
        }
    }
    Ok(week)
}

fn read_hours(value: &Json<'_>) -> Result<DayHours, Refusal> {
    let wrong = || Refusal::new("wrong_type", r#"hours must be pairs such as ["09:00","17:00"]"#);
    let mut hours = DayHours::new();
    for pair in value.as_list().ok_or_else(wrong)? {
        let [from, to] = pair.as_list().ok_or_else(wrong)? else { return Err(wrong()) };
        let minute = |value: &Json<'_>| value.as_text().and_then(parse_minute).ok_or_else(wrong);
        let (from, to) = (minute(from)?, minute(to)?);
        if from >= to {
            return Err(Refusal::new("overlapping_hours", "hours must end after they begin, before midnight"));
        }
        hours.push((from, to));
    }
    hours.sort_unstable();
    let overlap = hours.iter().zip(hours.iter().skip(1)).any(|(first, second)| second.0 < first.1);
    if overlap { Err(Refusal::new("overlapping_hours", "the hours of one day overlap")) } else { Ok(hours) }
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
    value.as_list().ok_or_else(wrong)?.iter().map(|item| read_holiday(item).unwrap_or_else(|| Err(wrong()))).collect()
}

fn read_holiday(item: &Json<'_>) -> Option<Result<Holiday, Refusal>> {
    let text = item.get("date")?.as_text()?;
    let Ok(date) = Date::strptime("%Y-%m-%d", text) else {
        return Some(Err(Refusal::new("wrong_type", format!("`{text}` is not a date such as 2026-12-24"))));
    };
    let name = item.get("name").and_then(Json::as_text).map(str::to_owned);
    let hours = item.get("hours").map_or(Ok(DayHours::new()), read_hours);
    Some(hours.map(|hours| Holiday { date, name, hours }).map_err(|refusal| refusal.within(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(data: &str) -> &'static str {
        Calendar::parse("office", &Json::parse(data).unwrap()).err().map_or("accepted", |refusal| refusal.rule)
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
        ];
        for (data, expected) in cases {
            assert_eq!(rule(data), expected, "{data}");
        }
    }
}
