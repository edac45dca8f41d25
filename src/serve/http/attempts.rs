//! How often log-ins are tried, and how many passwords are compared at once.

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;

/// Attempts of one user, and from one address, within a minute.
const OF_USER: u32 = 5;
const OF_ADDRESS: u32 = 20;
/// Passwords are compared one after another: each takes memory and time by design.
const AT_ONCE: usize = 1;

/// How often log-ins are tried.
pub struct Attempts {
    of_users: DefaultKeyedRateLimiter<String>,
    of_addresses: DefaultKeyedRateLimiter<IpAddr>,
    comparing: Semaphore,
}

impl Default for Attempts {
    fn default() -> Attempts {
        let quota = |attempts| Quota::per_minute(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN));
        Attempts {
            of_users: RateLimiter::keyed(quota(OF_USER)),
            of_addresses: RateLimiter::keyed(quota(OF_ADDRESS)),
            comparing: Semaphore::new(AT_ONCE),
        }
    }
}

impl Attempts {
    /// Counts an attempt.
    ///
    /// # Errors
    /// When there were too many.
    pub fn count(&self, user: &str, address: IpAddr) -> Result<(), Problem> {
        self.of_users.retain_recent();
        self.of_addresses.retain_recent();
        let is_allowed =
            self.of_addresses.check_key(&address).is_ok() && self.of_users.check_key(&user.to_owned()).is_ok();
        let problem = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts; try again in a minute");
        is_allowed.then_some(()).ok_or_else(problem)
    }

    /// Waits until a password may be compared; nothing when no more are.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.comparing.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_user_and_by_address() {
        let attempts = Attempts::default();
        let address = |last| IpAddr::from([192, 0, 2, last]);
        (0..OF_USER).for_each(|_| attempts.count("ana", address(1)).unwrap());
        assert!(attempts.count("ana", address(2)).is_err());
        attempts.count("ben", address(1)).unwrap();
        (0..OF_ADDRESS).for_each(|one| drop(attempts.count(&format!("user {one}"), address(1))));
        assert!(attempts.count("eva", address(1)).is_err());
        attempts.count("eva", address(3)).unwrap();
    }
}
