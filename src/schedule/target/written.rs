//! Durations and sizes as a target writes them.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::time::parse_duration_ms;

/// Reads a duration such as `30s` or `5m`.
///
/// # Errors
/// When it is none.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let ms = parse_duration_ms(&text).map_err(D::Error::custom)?;
    Ok(Duration::from_millis(ms.unsigned_abs()))
}

/// Reads a size such as `20MB`.
///
/// # Errors
/// When it is none.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_bytes(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not a size such as `20MB` or `500kB`")))
}

fn parse_bytes(text: &str) -> Option<u64> {
    let split = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let scale = match unit.trim_start() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_a_thousand_or_of_1024() {
        let cases =
            [("20MB", Some(20_000_000)), ("1 KiB", Some(1024)), ("20", None), ("MB", None), ("-1MB", None), ("", None)];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
        assert_eq!(parse_bytes("99999999999GB"), None);
    }
}
