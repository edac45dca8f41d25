//! Axes: round numbers, chosen so that people can read them.

use super::chart::series::Axis;
use crate::metric::unit::Unit;

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Steps between the ticks of a duration's axis, in milliseconds.
const DURATION_STEPS: &[f64] = &[
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    4.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    5.0 * DAY,
    10.0 * DAY,
    20.0 * DAY,
    50.0 * DAY,
    100.0 * DAY,
    365.0 * DAY,
];

/// At most this many steps from zero to the end.
const STEPS_MAX: f64 = 5.0;

/// An axis from zero to at least `max`, with three to six ticks.
#[must_use]
pub fn axis(max: f64, unit: &Unit) -> Axis {
    let max = if max.is_finite() && max > 0.0 { max } else { smallest(unit) };
    let step = match unit {
        Unit::Duration => {
            DURATION_STEPS.iter().copied().find(|step| max / step <= STEPS_MAX).unwrap_or(max / STEPS_MAX)
        }
        Unit::Share => round_step(max / STEPS_MAX),
        Unit::Count(_) => round_step(max / STEPS_MAX).max(1.0),
    };
    let steps = (max / step).ceil();
    let mut ticks = Vec::new();
    let mut position = 0.0;
    while position <= steps {
        let value = position * step;
        ticks.push(value);
        position += 1.0;
    }
    Axis { unit: unit.clone(), max: steps * step, ticks }
}

fn smallest(unit: &Unit) -> f64 {
    match unit {
        Unit::Duration => MINUTE,
        Unit::Share | Unit::Count(_) => 1.0,
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    let chosen = round.unwrap_or(10.0) * power;
    // Counts have no halves.
    if chosen == 2.5 { 5.0 } else { chosen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_largest_value() {
        let ends = |max: f64, unit: &Unit| {
            let axis = axis(max, unit);
            (axis.max, axis.ticks.len(), axis.ticks.last().map(|tick| axis.tick_text(*tick)).unwrap_or_default())
        };
        let cases = Unit::Count("cases".to_owned());
        assert_eq!(ends(0.0, &cases), (1.0, 2, "1".to_owned()));
        assert_eq!(ends(7.0, &cases), (8.0, 5, "8".to_owned()));
        assert_eq!(ends(1234.0, &cases), (1250.0, 6, "1,250".to_owned()));
        assert_eq!(ends(100.0 * MINUTE, &Unit::Duration), (120.0 * MINUTE, 5, "2h".to_owned()));
    }
}
