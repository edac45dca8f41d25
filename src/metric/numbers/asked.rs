//! A question that was asked for one range, with its answer.

use crate::metric::answer::Answer;
use crate::metric::compare::{Compare, Reading};
use crate::metric::question::Question;

/// A question, its answer, and for which comparison it was asked.
pub struct Asked {
    /// None of the range that was typed.
    pub compare: Option<Compare>,
    pub question: Question,
    pub answer: Answer,
}

impl Asked {
    pub fn reading(&self) -> Reading<'_> {
        Reading { question: &self.question, answer: &self.answer }
    }

    /// Whether the rows are parts of one sum. `shown` is the position of the aggregation.
    pub fn adds_up(&self, shown: usize) -> bool {
        match self.question.grain {
            Some(_) => self.answer.buckets_add_up(shown),
            None => self.answer.groups_add_up(shown),
        }
    }

    /// The name of a column of this range.
    pub fn column(&self, name: &str) -> String {
        self.compare.map_or_else(|| name.to_owned(), |compare| format!("{name}_{}", compare.column()))
    }
}
