//! Who has logged in: a random secret in a cookie, of which the process keeps the hash. Sessions end with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::PasswordStamp;
use crate::model::time::Instant;

/// A session ends after that time without a request.
const IDLE_MS: i64 = 2 * 60 * 60 * 1000;
/// And after that time in any case.
const AGE_MS: i64 = 12 * 60 * 60 * 1000;
/// Sessions at once; beyond it the one that was used longest ago ends.
const SESSIONS_MAX: usize = 10_000;

/// The sessions of a process.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

#[derive(Clone, Debug)]
struct Session {
    holder: Holder,
    begun_at: Instant,
    used_at: Instant,
}

/// Whose session it is, and what they logged in with. The session is good as long as that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub user: String,
    pub credential: PasswordStamp,
}

impl Sessions {
    /// Begins a session of a user; gives the secret for the cookie.
    #[must_use]
    pub fn begin(&self, user: &str, credential: PasswordStamp, now: Instant) -> String {
        // 244 bits from the random numbers of the system.
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.holds(now));
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(hash, _)| *hash);
            oldest.map(|hash| sessions.remove(&hash));
        }
        let session = Session { holder: Holder { user: user.to_owned(), credential }, begun_at: now, used_at: now };
        sessions.insert(hash(&secret), session);
        secret
    }

    /// Whose session it is.
    #[must_use]
    pub fn holder(&self, secret: &str, now: Instant) -> Option<Holder> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&hash(secret)).filter(|session| session.holds(now))?;
        session.used_at = now;
        Some(session.holder.clone())
    }

    /// Ends a session.
    pub fn end(&self, secret: &str) {
        self.lock().remove(&hash(secret));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn holds(&self, now: Instant) -> bool {
        now.since_ms(self.used_at) < IDLE_MS && now.since_ms(self.begun_at) < AGE_MS
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(sessions: &Sessions, now_ms: i64) -> String {
        sessions.begin("ana", PasswordStamp::of("a hash"), Instant(now_ms))
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_when_it_is_old_and_when_it_is_ended() {
        let sessions = Sessions::default();
        let at = |minutes: i64| Instant(minutes * 60_000);
        let secret = begun(&sessions, 0);
        assert_eq!(sessions.holder(&secret, at(119)).map(|holder| holder.user).as_deref(), Some("ana"));
        assert_eq!(sessions.holder("other", at(119)), None);
        assert_eq!(sessions.holder(&secret, at(239)), None);
        let secret = begun(&sessions, 0);
        (1..=7).for_each(|hundred| assert!(sessions.holder(&secret, at(hundred * 100)).is_some()));
        assert_eq!(sessions.holder(&secret, at(720)), None);
        let secret = begun(&sessions, 0);
        sessions.end(&secret);
        assert_eq!(sessions.holder(&secret, at(1)), None);
    }

    #[test]
    fn secrets_differ() {
        let sessions = Sessions::default();
        assert_ne!(begun(&sessions, 0), begun(&sessions, 0));
    }
}
