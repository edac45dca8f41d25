//! Attempts to log in: after too many wrong ones, further ones are refused for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::model::time::Instant;

/// For how long a wrong attempt counts.
const COUNTED_MS: i64 = 60_000;

/// Wrong attempts of one user from one address, and of all users from one address, within that time.
const WRONG_OF_USER_MAX: u32 = 10;
const WRONG_OF_ADDRESS_MAX: u32 = 50;

/// Entries beyond which old ones are forgotten.
const ENTRIES_MAX: usize = 10_000;

/// Who tries: an address, and a user or any.
type Key = (IpAddr, Option<String>);

/// The wrong attempts of the last minute.
#[derive(Debug, Default)]
pub struct Attempts {
    wrong: Mutex<HashMap<Key, (u32, Instant)>>,
}

impl Attempts {
    /// Whether another attempt is allowed.
    #[must_use]
    pub fn are_allowed(&self, address: IpAddr, user: &str, now: Instant) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        limits(address, user).into_iter().all(|(key, max)| {
            let known = wrong.get(&key).filter(|(_, since)| now.0.saturating_sub(since.0) < COUNTED_MS);
            known.is_none_or(|(count, _)| *count < max)
        })
    }

    /// Counts a wrong attempt.
    pub fn count_wrong(&self, address: IpAddr, user: &str, now: Instant) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() > ENTRIES_MAX {
            wrong.retain(|_, (_, since)| now.0.saturating_sub(since.0) < COUNTED_MS);
        }
        for (key, _) in limits(address, user) {
            let entry = wrong.entry(key).or_insert((0, now));
            if now.0.saturating_sub(entry.1.0) >= COUNTED_MS {
                *entry = (0, now);
            }
            entry.0 = entry.0.saturating_add(1);
        }
    }
}

fn limits(address: IpAddr, user: &str) -> [(Key, u32); 2] {
    let user: String = user.chars().take(64).collect();
    [((address, Some(user)), WRONG_OF_USER_MAX), ((address, None), WRONG_OF_ADDRESS_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_attempts_are_limited_for_a_user_and_an_address() {
        let (attempts, here, there) = (Attempts::default(), IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        let at = |seconds: i64| Instant(1_000_000 + seconds * 1000);
        for _ in 0..WRONG_OF_USER_MAX {
            assert!(attempts.are_allowed(here, "ana", at(0)));
            attempts.count_wrong(here, "ana", at(0));
        }
        assert!(!attempts.are_allowed(here, "ana", at(59)) && attempts.are_allowed(here, "ana", at(60)));
        assert!(attempts.are_allowed(here, "bob", at(1)) && attempts.are_allowed(there, "ana", at(1)));
        for number in WRONG_OF_USER_MAX..WRONG_OF_ADDRESS_MAX {
            attempts.count_wrong(here, &format!("user-{number}"), at(1));
        }
        assert!(!attempts.are_allowed(here, "bob", at(1)) && attempts.are_allowed(there, "bob", at(1)));
        attempts.count_wrong(here, "ana", at(70));
        assert!(attempts.are_allowed(here, "ana", at(71)));
    }
}
