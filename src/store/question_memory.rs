//! The memory of one question: a share of its own, which counts for the memory of all questions as well.

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// How an error of a question begins that needs more memory than its share.
const TOO_MUCH: &str = "the question needs more memory than one question may have";
/// How an error begins when other questions have what this one needs.
const TAKEN: &str = "the questions that are being answered take all of the memory";

/// The memory of one question.
///
/// Operators that can spill do so when the share is taken; others fail.
#[derive(Debug)]
pub struct QuestionMemory {
    bytes: usize,
    own: FairSpillPool,
    /// The memory of all questions.
    shared: Arc<dyn MemoryPool>,
}

impl QuestionMemory {
    /// A share of so many bytes of a memory.
    #[must_use]
    pub fn new(bytes: usize, shared: Arc<dyn MemoryPool>) -> QuestionMemory {
        QuestionMemory { bytes, own: FairSpillPool::new(bytes), shared }
    }

    /// What an error states of the memory of a question; nothing where it is about something else.
    #[must_use]
    pub fn refusal(error: &DataFusionError) -> Option<&str> {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(text) => {
                Some(text.as_str()).filter(|text| [TOO_MUCH, TAKEN].iter().any(|begin| text.starts_with(begin)))
            }
            _ => None,
        }
    }
}

impl MemoryPool for QuestionMemory {
    fn name(&self) -> &str {
        "question"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.shared.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.shared.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let too_much = |_| DataFusionError::ResourcesExhausted(format!("{TOO_MUCH}: {} MiB", self.bytes >> 20));
        self.own.try_grow(reservation, additional).map_err(too_much)?;
        self.shared.try_grow(reservation, additional).map_err(|_| {
            self.own.shrink(reservation, additional);
            DataFusionError::ResourcesExhausted(TAKEN.to_owned())
        })
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

impl fmt::Display for QuestionMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "question(size: {} MiB)", self.bytes >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: usize, shared: &Arc<dyn MemoryPool>) -> Arc<dyn MemoryPool> {
        Arc::new(QuestionMemory::new(bytes, Arc::clone(shared)))
    }

    fn refused(result: Result<()>) -> String {
        QuestionMemory::refusal(&result.unwrap_err()).unwrap().to_owned()
    }

    #[test]
    fn a_question_has_its_share_and_all_have_no_more_than_the_whole() {
        let shared: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(10 << 20));
        let (first, second) = (memory(6 << 20, &shared), memory(6 << 20, &shared));
        let of_first = MemoryConsumer::new("first").register(&first);
        let of_second = MemoryConsumer::new("second").register(&second);
        of_first.try_grow(6 << 20).unwrap();
        assert_eq!(refused(of_first.try_grow(1)), "the question needs more memory than one question may have: 6 MiB");
        of_second.try_grow(4 << 20).unwrap();
        assert_eq!(refused(of_second.try_grow(1)), TAKEN);
        // What was refused is not counted.
        assert_eq!((second.reserved(), shared.reserved()), (4 << 20, 10 << 20));
        of_first.free();
        of_second.try_grow(2 << 20).unwrap();
        assert_eq!(refused(of_second.try_grow(1)), "the question needs more memory than one question may have: 6 MiB");
        drop((of_first, of_second));
        assert_eq!((first.reserved(), second.reserved(), shared.reserved()), (0, 0, 0));
    }
}
