//! Surveys: when they were sent and what the customer answered (4 `surveys`).

use crate::model::event::Answer;
use crate::model::time::Instant;

/// A survey that was answered; of several answers the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnsweredSurvey<'a> {
    pub answer: Answer<'a>,
    pub answered_at: Instant,
    /// When it was last sent before the answer, if the log has that.
    pub sent_at: Option<Instant>,
}

/// The surveys of one case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surveys<'a> {
    sent: Vec<(&'a str, Instant)>,
    answered: Vec<AnsweredSurvey<'a>>,
}

impl<'a> Surveys<'a> {
    /// Records that a survey was sent.
    pub fn send(&mut self, survey: &'a str, time: Instant) {
        self.sent.push((survey, time));
    }

    /// Records an answer.
    pub fn answer(&mut self, answer: Answer<'a>, time: Instant) {
        let sent = self.sent.iter().rev().find(|(survey, _)| *survey == answer.survey);
        self.answered.retain(|known| known.answer.survey != answer.survey);
        self.answered.push(AnsweredSurvey { answer, answered_at: time, sent_at: sent.map(|(_, time)| *time) });
    }

    /// The surveys that were answered.
    pub fn answered(&self) -> impl Iterator<Item = &AnsweredSurvey<'a>> {
        self.answered.iter()
    }

    /// The score of the latest answer.
    #[must_use]
    pub fn last_score(&self) -> Option<f64> {
        self.answered.last().and_then(|last| last.answer.score)
    }
}
