//! The format of a column of times, with the evidence for it.

use jiff::tz::TimeZone;

use super::super::cell::Cell;
use super::super::time_rule::{TimeFormat, TimeRule};
use super::look::LookColumn;

/// The format of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeGuess {
    pub(super) format: String,
    /// The format reads an offset, or instants.
    pub(super) has_offset: bool,
    /// What the cells show.
    pub(super) evidence: String,
}

/// Patterns, those that read more of a time before those that read less of it. Where there are two, the second has month and day the
/// other way round.
const PATTERNS: &[&[&str]] = &[
    &["%Y-%m-%dT%H:%M:%S%.f%z"],
    &["%Y-%m-%dT%H:%M:%S%.f"],
    &["%Y-%m-%d %H:%M:%S %z"],
    &["%Y-%m-%d %H:%M:%S %Z"],
    &["%a %b %d %H:%M:%S %z %Y"],
    &["%Y-%m-%d %H:%M:%S%.f"],
    &["%Y-%m-%d %H:%M:%S"],
    &["%Y-%m-%d %H:%M"],
    &["%Y/%m/%d %H:%M:%S"],
    &["%Y/%m/%d %H:%M"],
    &["%d.%m.%Y %H:%M:%S"],
    &["%d.%m.%Y %H:%M"],
    &["%d. %m. %Y %H:%M"],
    &["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"],
    &["%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p"],
    &["%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"],
    &["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"],
    &["%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"],
    &["%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M"],
    &["%d/%b/%y %I:%M %p"],
    &["%d/%b/%Y %I:%M %p"],
    &["%d %b %Y %H:%M"],
    &["%b %d, %Y %I:%M %p"],
    &["%b %d, %Y %H:%M"],
    &["%Y-%m-%d"],
    &["%d.%m.%Y"],
    &["%d/%m/%Y", "%m/%d/%Y"],
];

/// The format that reads all values of a column.
pub(super) fn guess(column: &LookColumn) -> Option<TimeGuess> {
    let values: Vec<&str> = column.values.keys().map(String::as_str).collect();
    if values.is_empty() || !values.iter().all(|value| (8..=40).contains(&value.trim().len())) {
        return None;
    }
    of_numbers(&values)
        .or_else(|| of_rfc3339(&values))
        .or_else(|| PATTERNS.iter().find_map(|pair| of_pair(pair, &values)))
}

fn found(format: &str, has_offset: bool, count: usize, more: &str) -> TimeGuess {
    let evidence = format!("all {count} different values read as `{format}`{more}");
    TimeGuess { format: format.to_owned(), has_offset, evidence }
}

/// Seconds or milliseconds since 1970, from 2001 to 2100.
fn of_numbers(values: &[&str]) -> Option<TimeGuess> {
    let all = |from: u64, to: u64| {
        values.iter().all(|value| {
            value.split('.').next().unwrap_or_default().parse().is_ok_and(|number: u64| (from..to).contains(&number))
        })
    };
    let seconds = all(1_000_000_000, 4_102_444_800).then(|| found("unix", true, values.len(), ""));
    seconds.or_else(|| all(1_000_000_000_000, 4_102_444_800_000).then(|| found("unix_ms", true, values.len(), "")))
}

fn of_rfc3339(values: &[&str]) -> Option<TimeGuess> {
    let rule = |zone| TimeRule { zone, ..TimeRule::plain(Cell::plain(0)) };
    let reads = |rule: &TimeRule| values.iter().all(|value| value.contains('T') && rule.moment(value).is_ok());
    if reads(&rule(None)) {
        return Some(found("rfc3339", true, values.len(), ""));
    }
    reads(&rule(Some(TimeZone::UTC))).then(|| found("rfc3339", false, values.len(), ", without an offset"))
}

/// A pattern, or two of which the values may decide.
fn of_pair(pair: &[&str], values: &[&str]) -> Option<TimeGuess> {
    let unread = |pattern: &str| values.iter().filter(|value| !reads(pattern, value)).count();
    let counts: Vec<(&str, usize)> = pair.iter().map(|pattern| (*pattern, unread(pattern))).collect();
    let has_offset = pair.iter().any(|pattern| pattern.contains("%z"));
    match counts.as_slice() {
        [(day_first, 0), (month_first, 0)] => {
            let example = values.first().copied().unwrap_or_default();
            let more = format!(", and as `{month_first}`, such as `{example}`: no value decides, choose");
            Some(found(day_first, has_offset, values.len(), &more))
        }
        [(day_first, 0), (_, only)] => {
            let more = format!("; {only} of them can only be day before month");
            Some(found(day_first, has_offset, values.len(), &more))
        }
        [(_, only), (month_first, 0)] => {
            let more = format!("; {only} of them can only be month before day");
            Some(found(month_first, has_offset, values.len(), &more))
        }
        [(pattern, 0)] => Some(found(pattern, has_offset, values.len(), "")),
        _ => None,
    }
}

fn reads(pattern: &str, value: &str) -> bool {
    let formats = vec![TimeFormat::pattern(pattern)];
    TimeRule { formats, zone: Some(TimeZone::UTC), ..TimeRule::plain(Cell::plain(0)) }.moment(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess_of(values: &[&str]) -> Option<TimeGuess> {
        let values = values.iter().map(|value| ((*value).to_owned(), 1)).collect();
        guess(&LookColumn { values, ..LookColumn::default() })
    }

    #[test]
    fn the_values_decide_between_day_and_month_or_the_choice_is_left() {
        let day = guess_of(&["03/04/2026 10:00", "25/04/2026 10:00"]).unwrap();
        assert_eq!((day.format.as_str(), day.has_offset), ("%d/%m/%Y %H:%M", false));
        assert!(day.evidence.ends_with("; 1 of them can only be day before month"), "{}", day.evidence);
        assert_eq!(guess_of(&["03/04/2026 10:00", "04/25/2026 10:00"]).unwrap().format, "%m/%d/%Y %H:%M");
        let either = guess_of(&["03/04/2026 10:00"]).unwrap();
        assert!(either.evidence.ends_with("no value decides, choose"), "{}", either.evidence);
        assert_eq!(guess_of(&["03/04/2026 10:00", "soon, perhaps"]), None);
    }

    #[test]
    fn formats_are_found() {
        let found = |value: &str| guess_of(&[value]).map(|guess| (guess.format, guess.has_offset));
        let expected = |format: &str, has_offset| Some((format.to_owned(), has_offset));
        assert_eq!(found("2026-03-02T09:14:00Z"), expected("rfc3339", true));
        assert_eq!(found("2026-03-02T09:14:00"), expected("rfc3339", false));
        assert_eq!(found("2026-03-02 09:14"), expected("%Y-%m-%d %H:%M", false));
        assert_eq!(found("02/Mar/26 9:14 AM"), expected("%d/%b/%y %I:%M %p", false));
        assert_eq!(found("1772442840"), expected("unix", true));
        assert_eq!(found("12345678"), None);
    }
}
