//! Durations in cells, which are added to an instant: of all hours, or of the opening hours of a calendar.

use std::sync::Arc;

use super::cell::Cell;
use crate::model::hours::OpenHours;
use crate::model::time::Instant;

/// A duration in a cell.
#[derive(Clone, Debug)]
pub(super) struct Plus {
    pub(super) cell: Cell,
    pub(super) unit: DurationUnit,
    /// The opening hours that it counts; all hours where the mapping names no calendar.
    pub(super) hours: Option<Arc<OpenHours>>,
}

/// How a duration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurationUnit {
    /// A number of units of so many milliseconds.
    Number(i64),
    /// `hh:mm:ss` or `hh:mm`.
    Clock,
}

impl Plus {
    /// The instant that is so much later, in milliseconds since 1970.
    ///
    /// # Errors
    /// In words, why there is none.
    pub(super) fn end_ms(&self, from_ms: i64, duration: &str) -> Result<i64, String> {
        let ms = self.unit.read_ms(duration)?;
        match &self.hours {
            Some(_) if ms < 0 => Err("expected a duration of opening hours, not below 0".to_owned()),
            Some(hours) if ms > 0 => {
                let end = hours.end_of(Instant(from_ms), ms);
                end.map(|end| end.0).ok_or_else(|| "the calendar does not have so many opening hours".to_owned())
            }
            _ => Ok(from_ms.saturating_add(ms)),
        }
    }
}

impl DurationUnit {
    /// The unit of that name.
    pub(super) const NAMES: [&str; 6] = ["milliseconds", "seconds", "minutes", "hours", "days", "clock"];

    pub(super) fn parse(name: &str) -> Option<DurationUnit> {
        Some(match name {
            "milliseconds" => DurationUnit::Number(1),
            "seconds" => DurationUnit::Number(1000),
            "minutes" => DurationUnit::Number(60_000),
            "hours" => DurationUnit::Number(3_600_000),
            "days" => DurationUnit::Number(86_400_000),
            "clock" => DurationUnit::Clock,
            _ => return None,
        })
    }

    fn read_ms(self, text: &str) -> Result<i64, String> {
        match self {
            DurationUnit::Number(factor) => decimal_ms(text, factor),
            DurationUnit::Clock => {
                let parts: Vec<&str> = text.trim().split(':').collect();
                let (hours, minutes, seconds) = match parts.as_slice() {
                    [hours, minutes] => (*hours, *minutes, "0"),
                    [hours, minutes, seconds] => (*hours, *minutes, *seconds),
                    _ => return Err("expected a duration such as `26:05` or `26:05:30`".to_owned()),
                };
                Ok(decimal_ms(hours, 3_600_000)? + decimal_ms(minutes, 60_000)? + decimal_ms(seconds, 1000)?)
            }
        }
    }
}

/// A decimal number, with a point or a comma before its fraction, times `factor`, exactly; what is below 1 is cut off.
pub(super) fn decimal_ms(text: &str, factor: i64) -> Result<i64, String> {
    let text = text.trim();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err("expected a number".to_owned());
    }
    let too_large = || "the number is too large".to_owned();
    let whole: i128 = whole.parse().map_err(|_| too_large())?;
    let fraction = fraction.get(..fraction.len().min(15)).unwrap_or_default();
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| too_large())? };
    let product = whole.checked_mul(i128::from(factor)).ok_or_else(too_large)? + fraction * i128::from(factor) / scale;
    i64::try_from(if negative { -product } else { product }).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        let read = |unit: &str, text: &str| DurationUnit::parse(unit).unwrap().read_ms(text);
        assert_eq!(read("minutes", "20").unwrap(), 1_200_000);
        assert_eq!(read("hours", "1,1").unwrap(), 3_960_000);
        assert_eq!(read("seconds", "0.0019").unwrap(), 1);
        assert_eq!(read("clock", "26:05:30").unwrap(), 93_930_000);
        assert_eq!(read("clock", "0:05").unwrap(), 300_000);
        for (unit, text) in [("minutes", "x"), ("clock", "5"), ("minutes", "1.000.000")] {
            assert!(read(unit, text).is_err(), "{unit} {text}");
        }
    }
}
