//! Attempts to log in, at any listener: after too many wrong passwords, further ones are refused for a while, right or wrong.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::model::time::Instant;

/// For how long a wrong attempt counts.
const COUNTED_MS: i64 = 60_000;

/// Wrong attempts within that time: for one user from one address, for all users from one address, for one user from all.
const WRONG_OF_USER_AT_ADDRESS_MAX: u32 = 10;
const WRONG_OF_ADDRESS_MAX: u32 = 50;
const WRONG_OF_USER_MAX: u32 = 50;

/// Entries beyond which old ones are forgotten.
const ENTRIES_MAX: usize = 10_000;

/// Characters of a name that are looked at.
const NAME_MAX: usize = 64;

/// Passwords that are hashed at once: each takes memory and time by design.
const AT_ONCE: usize = 1;

/// Who tries: an address or any, and a user or any.
type Key = (Option<IpAddr>, Option<String>);

/// The wrong attempts of the last minute. Right ones are not counted, since programs open many connections.
#[derive(Debug)]
pub struct Attempts {
    wrong: Mutex<HashMap<Key, (u32, Instant)>>,
    hashing: Semaphore,
}

/// There were too many wrong attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Default for Attempts {
    fn default() -> Attempts {
        Attempts { wrong: Mutex::default(), hashing: Semaphore::new(AT_ONCE) }
    }
}

impl Attempts {
    /// Whether another attempt is allowed: asked before the work of comparing a password is done.
    ///
    /// # Errors
    /// When there were too many.
    pub fn check(&self, address: IpAddr, user: &str, now: Instant) -> Result<(), TooMany> {
        are_allowed(&self.lock(), &limits(address, user), now)
    }

    /// Takes what came of an attempt, and counts a wrong one. Of attempts that were made side by side no more count than are
    /// allowed: what came of the others is not given.
    ///
    /// # Errors
    /// When there were too many.
    pub fn judge(&self, address: IpAddr, user: &str, now: Instant, is_right: bool) -> Result<bool, TooMany> {
        let (mut wrong, limits) = (self.lock(), limits(address, user));
        are_allowed(&wrong, &limits, now)?;
        if is_right {
            return Ok(true);
        }
        if wrong.len() > ENTRIES_MAX {
            wrong.retain(|_, (_, since)| counts(*since, now));
        }
        for (key, _) in limits {
            let entry = wrong.entry(key).or_insert((0, now));
            if !counts(entry.1, now) {
                *entry = (0, now);
            }
            entry.0 = entry.0.saturating_add(1);
        }
        Ok(false)
    }

    /// Waits until a password may be hashed; nothing when no more are.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.hashing.acquire().await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (u32, Instant)>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn are_allowed(wrong: &HashMap<Key, (u32, Instant)>, limits: &[(Key, u32)], now: Instant) -> Result<(), TooMany> {
    let is_allowed = |(key, max): &(Key, u32)| {
        let known = wrong.get(key).filter(|(_, since)| counts(*since, now));
        known.is_none_or(|(count, _)| count < max)
    };
    limits.iter().all(is_allowed).then_some(()).ok_or(TooMany)
}

fn counts(since: Instant, now: Instant) -> bool {
    now.0.saturating_sub(since.0) < COUNTED_MS
}

fn limits(address: IpAddr, user: &str) -> [(Key, u32); 3] {
    let (network, user) = (network(address), user.chars().take(NAME_MAX).collect::<String>());
    [
        ((Some(network), Some(user.clone())), WRONG_OF_USER_AT_ADDRESS_MAX),
        ((Some(network), None), WRONG_OF_ADDRESS_MAX),
        ((None, Some(user)), WRONG_OF_USER_MAX),
    ]
}

/// The address; of IPv6 the network of 64 bits, whose other half a client chooses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant(1_000_000 + seconds * 1000)
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn wrong_attempts_are_limited_for_a_user_and_an_address() {
        let (attempts, here, there) = (Attempts::default(), v4(1), v4(2));
        for _ in 0..WRONG_OF_USER_AT_ADDRESS_MAX {
            assert_eq!(attempts.check(here, "ana", at(0)), Ok(()));
            assert_eq!(attempts.judge(here, "ana", at(0), false), Ok(false));
        }
        assert_eq!(attempts.check(here, "ana", at(59)), Err(TooMany));
        assert_eq!(attempts.check(here, "ana", at(60)), Ok(()));
        assert_eq!((attempts.check(here, "bob", at(1)), attempts.check(there, "ana", at(1))), (Ok(()), Ok(())));
        for number in WRONG_OF_USER_AT_ADDRESS_MAX..WRONG_OF_ADDRESS_MAX {
            attempts.judge(here, &format!("user-{number}"), at(1), false).unwrap();
        }
        assert_eq!((attempts.check(here, "bob", at(1)), attempts.check(there, "bob", at(1))), (Err(TooMany), Ok(())));
        attempts.judge(here, "ana", at(70), false).unwrap();
        assert_eq!(attempts.check(here, "ana", at(71)), Ok(()));
    }

    #[test]
    fn a_user_is_not_tried_from_many_addresses() {
        let attempts = Attempts::default();
        let from = |number: u32| v4(u8::try_from(number).unwrap());
        (0..WRONG_OF_USER_MAX).for_each(|one| assert_eq!(attempts.judge(from(one), "ana", at(0), false), Ok(false)));
        assert_eq!(attempts.check(v4(200), "ana", at(1)), Err(TooMany));
        assert_eq!(attempts.check(v4(200), "ben", at(1)), Ok(()));
    }

    #[test]
    fn what_comes_of_attempts_side_by_side_is_not_given_beyond_the_limit() {
        let attempts = Attempts::default();
        // All of them were checked before the first was judged.
        let judged: Vec<_> = (0..20).map(|_| attempts.judge(v4(1), "ana", at(0), false)).collect();
        assert_eq!(judged.iter().filter(|judged| judged.is_ok()).count() as u32, WRONG_OF_USER_AT_ADDRESS_MAX);
        assert_eq!(attempts.judge(v4(1), "ana", at(0), true), Err(TooMany));
    }

    #[test]
    fn right_attempts_do_not_count() {
        let attempts = Attempts::default();
        (0..1000).for_each(|_| assert_eq!(attempts.judge(v4(1), "ana", at(0), true), Ok(true)));
        assert_eq!(attempts.check(v4(1), "ana", at(0)), Ok(()));
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let v6 = |last| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        assert_eq!(network(v6(1)), network(v6(2)));
        assert_ne!(network(v6(1)), network(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1])));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), v4(1));
    }
}
