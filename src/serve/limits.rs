//! How much is asked at once, and for how long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::query::rights::Viewer;

/// The limits of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one question may take, waiting included.
    pub question_time: Duration,
    /// Questions of one user at once.
    pub questions_of_user: usize,
    /// Questions of all users at once.
    pub questions: usize,
    /// Of how many equal parts of the memory one question may use one.
    pub memory_parts: usize,
    /// Bytes of a request, unpacked.
    pub body_bytes: usize,
    /// Connections of one listener.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            question_time: Duration::from_secs(30),
            questions_of_user: 4,
            questions: 8,
            memory_parts: 4,
            body_bytes: 32 << 20,
            connections: 1000,
        }
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum NotAnswered {
    #[error(transparent)]
    Failed(#[from] Error),
    #[error("the question took longer than {} s and was ended", .0.as_secs())]
    TookTooLong(Duration),
    #[error("{0}")]
    TooMany(&'static str),
}

/// The right to ask one question; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    _of_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Counts the questions that are asked.
#[derive(Debug)]
pub struct Permits {
    limits: Limits,
    of_all: Arc<Semaphore>,
    of_users: Mutex<HashMap<Viewer, Arc<Semaphore>>>,
}

impl Permits {
    /// Permits under those limits.
    #[must_use]
    pub fn new(limits: Limits) -> Permits {
        Permits { limits, of_all: Arc::new(Semaphore::new(limits.questions)), of_users: Mutex::default() }
    }

    /// Waits until the viewer may ask one more question.
    ///
    /// # Errors
    /// When that takes longer than a question may take.
    pub async fn permit(&self, viewer: &Viewer) -> Result<Permit, NotAnswered> {
        let of_user = self.of_user(viewer);
        let acquired = async {
            let of_user = of_user.acquire_owned().await;
            let of_all = Arc::clone(&self.of_all).acquire_owned().await;
            of_user.and_then(|of_user| Ok(Permit { _of_user: of_user, _of_all: of_all? }))
        };
        match tokio::time::timeout(self.limits.question_time, acquired).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(NotAnswered::TooMany("no more questions are answered: the process ends")),
            Err(_) => Err(NotAnswered::TooMany("too many questions are being answered; ask again later")),
        }
    }

    /// No more permits are given.
    pub fn close(&self) {
        self.of_all.close();
    }

    fn of_user(&self, viewer: &Viewer) -> Arc<Semaphore> {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Semaphore::new(self.limits.questions_of_user));
        Arc::clone(of_users.entry(viewer.clone()).or_insert_with(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_user_does_not_take_the_questions_of_others() {
        let question_time = Duration::from_millis(10);
        let limits = Limits { question_time, questions_of_user: 1, questions: 2, ..Limits::default() };
        let permits = Permits::new(limits);
        let user = |name: &str| Viewer::User(name.to_owned());
        let first = permits.permit(&user("ana")).await.unwrap();
        assert!(matches!(permits.permit(&user("ana")).await, Err(NotAnswered::TooMany(_))));
        let second = permits.permit(&user("ben")).await.unwrap();
        assert!(matches!(permits.permit(&user("eva")).await, Err(NotAnswered::TooMany(_))));
        drop((first, second));
        assert!(permits.permit(&user("eva")).await.is_ok());
    }
}
