//! When an attempt that failed is made again.

use xxhash_rust::xxh3::xxh3_64;

use super::deliver::{Certainty, Failure};
use crate::model::time::{Instant, duration_text};
use crate::store::run_log::{Attempt, Delivery};

/// The pause after the first attempt.
const FIRST_MS: i64 = 30_000;

/// The longest pause.
const LONGEST_MS: i64 = 3_600_000;

/// Attempts that are made however much time has passed: a clock that jumps ahead ends no delivery.
const ATTEMPTS_MIN: u32 = 4;

/// The pause after so many attempts: twice as long each time, and a fifth more or less. `key` decides how much, so that
/// deliveries that failed together are not all repeated together.
#[must_use]
pub fn pause_ms(key: &str, attempts: u32) -> i64 {
    let doubled = FIRST_MS << attempts.saturating_sub(1).min(16);
    let pause = doubled.min(LONGEST_MS);
    let spread = i64::try_from(xxh3_64(format!("{key} {attempts}").as_bytes()) % 401).unwrap_or(200) - 200;
    pause + pause * spread / 1000
}

/// Whether a delivery is given up after an attempt that failed.
#[must_use]
pub fn is_given_up(first_attempt_at: Instant, now: Instant, attempts: u32, retry_for_ms: i64) -> bool {
    attempts >= ATTEMPTS_MIN && now.since_ms(first_attempt_at) >= retry_for_ms
}

/// Whether the time of the next attempt has come. A clock that was set back delays it by one pause at most.
#[must_use]
pub fn is_ready(next_attempt_at: Instant, pause_ms: i64, now: Instant) -> bool {
    next_attempt_at <= now || next_attempt_at.since_ms(now) > pause_ms
}

/// What follows an attempt that failed. `can_be_asked` is whether the target can be asked what it has: it is then never sent
/// anything twice, however often it is asked. To others a delivery of which the end is not known is sent once more, marked
/// as a repeat, and never a third time.
#[must_use]
pub fn after(failure: &Failure, delivery: &Delivery, can_be_asked: bool, retry_for_ms: i64, now: Instant) -> Attempt {
    let is_unknown = failure.certainty == Certainty::Unknown && !can_be_asked;
    let reason = &failure.reason;
    if is_unknown && delivery.is_repeat {
        let error = format!("it is not known whether it arrived, and it is not sent a third time: {reason}");
        return Attempt::Failed { error };
    }
    if failure.is_final && failure.certainty == Certainty::NotDelivered {
        return Attempt::Failed { error: reason.clone() };
    }
    let first = delivery.first_attempt_at.unwrap_or(now);
    if is_given_up(first, now, delivery.attempts, retry_for_ms) {
        let tried = duration_text(now.since_ms(first));
        let unknown = if is_unknown { "it is not known whether it arrived; " } else { "" };
        let error = format!("{unknown}given up after {} attempts in {tried}: {reason}", delivery.attempts);
        return Attempt::Failed { error };
    }
    let asked = failure.retry_after.map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or(LONGEST_MS));
    let key = format!("{:?}", delivery.key);
    let delay_ms = pause_ms(&key, delivery.attempts).max(asked.min(24 * LONGEST_MS));
    Attempt::Again { error: reason.clone(), at: now.plus_ms(delay_ms), delay_ms, is_repeat: is_unknown }
}

/// What follows an attempt that was going on when its process ended.
#[must_use]
pub fn after_interruption(delivery: &Delivery, can_be_asked: bool, now: Instant) -> Attempt {
    let error = "the process ended during the attempt".to_owned();
    if delivery.is_repeat && !can_be_asked {
        let error = format!("it is not known whether it arrived, and it is not sent a third time: {error}");
        return Attempt::Failed { error };
    }
    Attempt::Again { error, at: now, delay_ms: 0, is_repeat: !can_be_asked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_differ_by_a_fifth_at_most() {
        for attempts in 1..20 {
            let plain = (FIRST_MS << (attempts - 1).min(10)).min(LONGEST_MS);
            let pauses: Vec<i64> = (0..100).map(|key| pause_ms(&key.to_string(), attempts)).collect();
            assert!(pauses.iter().all(|pause| (pause - plain).abs() <= plain / 5), "{attempts}: {pauses:?}");
            assert!(pauses.iter().any(|pause| *pause < plain) && pauses.iter().any(|pause| *pause > plain));
        }
    }

    #[test]
    fn a_delivery_is_given_up_after_its_time_and_some_attempts() {
        let hour = 3_600_000;
        assert!(!is_given_up(Instant(0), Instant(hour - 1), 9, hour));
        assert!(!is_given_up(Instant(0), Instant(24 * hour), 3, hour));
        assert!(is_given_up(Instant(0), Instant(hour), 4, hour));
    }

    #[test]
    fn a_clock_that_is_set_back_delays_an_attempt_by_no_more_than_its_pause() {
        let (next, pause) = (Instant(10_000_000), 30_000);
        assert!(!is_ready(next, pause, Instant(9_999_999)));
        assert!(is_ready(next, pause, next));
        assert!(is_ready(next, pause, next.plus_ms(-3_600_000)));
    }
}
