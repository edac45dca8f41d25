//! What the formats for people say of a page in words: its scope, how a figure moved, what a widget does not show.

use super::page::{Change, Direction, Figure, Scope, Verdict, Widget};
use super::value::Value;
use crate::metric::range::zone_name;
use crate::metric::unit::{Unit, number_text};
use crate::model::time::Instant;
use jiff::tz::TimeZone;

/// The scope as labels and values, in the order in which a page shows them.
#[must_use]
pub fn scope(scope: &Scope) -> Vec<(&'static str, String)> {
    let log = format!("batch {}, {} events", scope.last_batch, number_text(scope.events as f64));
    let zone = scope.range.zone();
    let mut facts = vec![
        ("Range", scope.range.text()),
        ("Zone", zone_name(zone)),
        ("As of", as_of(scope.as_of, zone)),
        ("Log", log),
    ];
    facts.extend(scope.business_hours.then(|| ("Hours", "business".to_owned())));
    facts.extend(scope.filters.iter().map(|filter| ("Only", filter.clone())));
    facts
}

/// What a widget shows, and of how many cases. The head of its page states the scope.
#[must_use]
pub fn caption(widget: &Widget) -> String {
    format!("{} · {}", widget.what, widget.cases)
}

/// The caption of a widget that stands alone: with range, zone, as-of and filters.
#[must_use]
pub fn caption_alone(scope: &Scope, widget: &Widget) -> String {
    format!("{} · {} · {}", widget.what, scope_line(scope), widget.cases)
}

/// Range, zone, as-of and filters in one line.
#[must_use]
pub fn scope_line(scope: &Scope) -> String {
    let zone = scope.range.zone();
    let mut parts = vec![scope.range.text(), zone_name(zone), format!("as of {}", as_of(scope.as_of, zone))];
    parts.extend(scope.business_hours.then(|| "business hours".to_owned()));
    parts.extend(scope.filters.iter().cloned());
    parts.join(" · ")
}

/// The as-of on the clock of a zone, to the second that is complete.
#[must_use]
pub fn as_of(as_of: Instant, zone: &TimeZone) -> String {
    as_of.to_local(zone).strftime("%-d %B %Y, %H:%M:%S").to_string()
}

/// How a figure moved: `+12 %`, `+3`, `−3m`, `unchanged`.
#[must_use]
pub fn difference(figure: &Figure, change: &Change) -> String {
    let (Some(now), Some(before)) = (figure.value.number(), change.before.number()) else { return String::new() };
    let difference = now - before;
    // What rounds to 0 %, and what has grown from nothing, is shown as the difference itself.
    let percent = if before == 0.0 { 0.0 } else { (difference / before * 100.0).abs().round() };
    let unit = match (&figure.value, change.direction) {
        (_, Direction::Same) => return "unchanged".to_owned(),
        (Value::Count(_), _) if percent >= 1.0 => {
            return format!("{}{} %", if difference < 0.0 { "−" } else { "+" }, number_text(percent));
        }
        (Value::Share(_), _) => Unit::Share,
        (Value::Duration(_), _) => Unit::Duration,
        _ => Unit::Count(String::new()),
    };
    unit.difference_text(difference)
}

/// What the figure was before: `was 1,204 the month before`.
#[must_use]
pub fn before(change: &Change) -> String {
    let (was, range) = (change.before.text(), &change.range);
    match change.so_far {
        true => format!("so far; was {was} in the whole {}", range.strip_prefix("the ").unwrap_or(range)),
        false => format!("was {was} {range}"),
    }
}

/// How a figure moved, with its arrow and its verdict: `▲ +12 %, better`. Both mean the same as the colour.
#[must_use]
pub fn moved(figure: &Figure, change: &Change) -> String {
    let verdict = verdict(change.verdict).map(|word| format!(", {word}")).unwrap_or_default();
    format!("{} {}{verdict}", arrow(change.direction), difference(figure, change))
}

/// A figure in three cells: its label, its value, and `▲ +12 %, better; was 100 the month before`.
#[must_use]
pub fn cells(figure: &Figure) -> Vec<String> {
    let change = figure.change.as_ref();
    let change = change.map(|change| format!("{}; {}", moved(figure, change), before(change)));
    vec![figure.label.clone(), figure.value.text(), change.unwrap_or_default()]
}

/// The sign of a direction.
#[must_use]
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "▲",
        Direction::Down => "▼",
        Direction::Same => "=",
    }
}

/// The word for a verdict, where there is one.
#[must_use]
pub fn verdict(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Better => Some("better"),
        Verdict::Worse => Some("worse"),
        Verdict::Neutral => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(now: f64, before: f64, so_far: bool) -> (Figure, Change) {
        let direction = if now > before {
            Direction::Up
        } else if now < before {
            Direction::Down
        } else {
            Direction::Same
        };
        let range = "the month before".to_owned();
        let change = Change { before: Value::Count(before), range, so_far, direction, verdict: Verdict::Neutral };
        (Figure { label: String::new(), value: Value::Count(now), change: None }, change)
    }

    #[test]
    fn a_change_that_rounds_to_nothing_is_shown_as_it_is() {
        let texts = [(1003.0, 1000.0), (997.0, 1000.0), (1010.0, 1000.0), (2010.0, 100.0), (3.0, 0.0), (7.0, 7.0)].map(
            |(now, before)| {
                let (figure, change) = change(now, before, false);
                difference(&figure, &change)
            },
        );
        assert_eq!(texts, ["+3", "−3", "+1 %", "+1,910 %", "+3", "unchanged"]);
    }

    #[test]
    fn a_range_that_is_still_running_is_compared_with_a_whole_one() {
        assert_eq!(before(&change(70.0, 695.0, false).1), "was 695 the month before");
        assert_eq!(before(&change(70.0, 695.0, true).1), "so far; was 695 in the whole month before");
    }
}
