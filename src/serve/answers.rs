//! Answers that were given from one state of the log: the same question is asked once, also by several at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Bytes of the answers that are kept; beyond it all are forgotten.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// Something that can be kept.
pub trait Kept {
    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize;
}

/// Answers by their questions.
#[derive(Debug)]
pub struct Answers<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    bytes: usize,
    by_question: HashMap<String, Arc<OnceCell<Arc<T>>>>,
}

impl<T> Default for Answers<T> {
    fn default() -> Answers<T> {
        Answers { inner: Mutex::new(Inner { bytes: 0, by_question: HashMap::new() }) }
    }
}

impl<T: Kept> Answers<T> {
    /// The answer to a question: the one that is kept, or the one that `ask` gives. An error is not kept.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn get_or_ask<E>(&self, question: &str, ask: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        let cell = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(inner.by_question.entry(question.to_owned()).or_default())
        };
        if let Some(answer) = cell.get() {
            return Ok(Arc::clone(answer));
        }
        let mut is_new = false;
        let asked = cell.get_or_try_init(|| async {
            is_new = true;
            ask.await.map(Arc::new)
        });
        let answer = match asked.await {
            Ok(answer) => Arc::clone(answer),
            Err(error) => {
                self.forget(question);
                return Err(error);
            }
        };
        if is_new {
            self.count(answer.bytes() + question.len());
        }
        Ok(answer)
    }

    /// Forgets a question that has no answer.
    fn forget(&self, question: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.by_question.get(question).is_some_and(|cell| !cell.initialized()) {
            inner.by_question.remove(question);
        }
    }

    fn count(&self, bytes: usize) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes;
        if inner.bytes > KEPT_BYTES_MAX {
            *inner = Inner { bytes: 0, by_question: HashMap::new() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Kept for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    #[tokio::test]
    async fn an_answer_is_asked_for_once_and_an_error_again() {
        let answers = Answers::default();
        let failed = answers.get_or_ask("q", async { Err::<usize, &str>("no") }).await;
        assert_eq!(failed.unwrap_err(), "no");
        assert_eq!(*answers.get_or_ask("q", async { Ok::<_, &str>(1) }).await.unwrap(), 1);
        assert_eq!(*answers.get_or_ask("q", async { Ok::<_, &str>(2) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn answers_beyond_the_memory_are_forgotten() {
        let answers = Answers::default();
        let large = KEPT_BYTES_MAX;
        answers.get_or_ask("large", async { Ok::<_, &str>(large) }).await.unwrap();
        assert_eq!(*answers.get_or_ask("large", async { Ok::<_, &str>(2) }).await.unwrap(), 2);
    }
}
