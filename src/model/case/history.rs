//! What happened to one case: all that the fact tables need of it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use super::milestones::Clocks;
use super::rows::{
    Assignment, AssignmentEnd, AutomaticAssignment, Cause, MessageRow, Period, Resolution, Standing, Turn,
};
use super::span::{LoadSpan, OpenSpan};
use super::survey::Surveys;
use crate::json::Json;
use crate::model::desk::Desk;
use crate::model::event::{CaseEvent, Creation, Sentiment};
use crate::model::finding::{Finding, Noted};
use crate::model::time::Instant;
use crate::model::versions::Versions;

/// The name under which `field_values` keeps a case's sentiment.
pub const SENTIMENT_FIELD: &str = "sentiment";

/// A like or a deletion of an earlier message.
#[derive(Clone, Copy, Debug)]
struct Mark<'a> {
    message: &'a str,
    /// How many messages there were then; later ones of the same id are not meant.
    before: usize,
    deleted_at: Option<Instant>,
}

/// How a case began.
#[derive(Clone, Copy, Debug)]
pub struct Created<'a> {
    pub at: Instant,
    pub by: Option<&'a str>,
    /// The source of the event.
    pub source: &'a str,
    pub creation: Creation<'a>,
}

/// All that the fact tables need of one case.
#[derive(Debug)]
pub struct History<'a> {
    pub case_id: &'a str,
    pub created: Option<Created<'a>>,
    /// The creation's platform, else that of its profile then.
    pub platform: Option<Cow<'a, str>>,
    pub deleted_at: Option<Instant>,
    /// The end of the grace period of a case that is resolved at the end.
    pub closes_at: Option<Instant>,
    /// The same, unless the deletion came before.
    pub closed_at: Option<Instant>,
    pub first_assigned_at: Option<Instant>,
    pub surveys: Surveys<'a>,
    pub salesforce_record: Option<&'a str>,
    pub periods: Vec<Period<'a>>,
    pub assignments: Vec<Assignment<'a>>,
    pub turns: Vec<Turn<'a>>,
    pub resolutions: Vec<Resolution<'a>>,
    pub messages: Vec<MessageRow<'a>>,
    /// By field; the sentiment under [`SENTIMENT_FIELD`].
    pub field_values: Vec<(Cow<'a, str>, Versions<Cow<'a, str>>)>,
    /// The values at the end, a deleted case's as they were then.
    pub last_values: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub findings: Vec<Finding<'a>>,
    /// For each unknown user, the first event of this case that names them.
    pub unknown_users: Vec<(String, CaseEvent<'a>)>,
    pub open_spans: Vec<OpenSpan<'a>>,
    pub load_spans: Vec<LoadSpan<'a>>,
    pub automatic_assignments: Vec<AutomaticAssignment<'a>>,
    pub noted: Noted,
    /// None of a case without a policy.
    pub clocks: Option<Clocks<'a>>,
    /// Time of the last event of the case that was not rejected.
    pub last_event_at: Instant,
    /// Times of the first and the last event of the case, rejected ones too.
    pub seen: Option<(Instant, Instant)>,
    marks: Vec<Mark<'a>>,
    /// The index of each field in `field_values`.
    field_positions: HashMap<Cow<'a, str>, usize, FixedState>,
    /// The names of `unknown_users`.
    unknown_user_names: HashSet<String, FixedState>,
    /// The standing at the end, also of a case deleted at its creation, which has no period.
    last_standing: Option<Standing<'a>>,
}

impl<'a> History<'a> {
    pub(super) fn new(case_id: &'a str) -> History<'a> {
        History {
            case_id,
            created: None,
            platform: None,
            deleted_at: None,
            closes_at: None,
            closed_at: None,
            first_assigned_at: None,
            surveys: Surveys::default(),
            salesforce_record: None,
            periods: Vec::with_capacity(8),
            assignments: Vec::new(),
            turns: Vec::new(),
            resolutions: Vec::new(),
            messages: Vec::new(),
            field_values: Vec::new(),
            last_values: Vec::new(),
            findings: Vec::new(),
            unknown_users: Vec::new(),
            open_spans: Vec::new(),
            load_spans: Vec::new(),
            automatic_assignments: Vec::new(),
            noted: Noted::default(),
            seen: None,
            clocks: None,
            last_event_at: Instant(i64::MIN),
            marks: Vec::new(),
            field_positions: HashMap::default(),
            unknown_user_names: HashSet::default(),
            last_standing: None,
        }
    }

    // Reading

    /// When the first response was given.
    #[must_use]
    pub fn first_response(&self) -> Option<Instant> {
        self.turns.first().and_then(|turn| turn.answered_at)
    }

    /// The standing at the end.
    #[must_use]
    pub fn standing(&self) -> Option<Standing<'a>> {
        self.last_standing
    }

    /// The assignee at an instant, events of that instant included (3.6). A deleted case has none.
    #[must_use]
    pub fn assignee_at(&self, time: Instant) -> Option<&'a str> {
        let after = self.periods.partition_point(|period| period.since <= time);
        let period = self.periods.get(after.checked_sub(1)?)?;
        period.until.is_none_or(|until| time < until).then_some(period.standing.assignee)?
    }

    /// Milliseconds between two instants in which the case was not resolved and the calendar of its profile then was open (4).
    #[must_use]
    pub fn business_ms(&self, from: Instant, to: Instant, desk: &Desk) -> i64 {
        let unresolved = self.periods.iter().filter(|period| !period.standing.status.is_resolved());
        unresolved.map(|period| period.open_ms(from, to, desk)).sum()
    }

    /// Milliseconds from the creation to an instant in which the calendar of the case's profile then was open, whether the
    /// case was resolved or not.
    #[must_use]
    pub fn elapsed_business_ms(&self, to: Instant, desk: &Desk) -> i64 {
        self.periods.iter().map(|period| period.open_ms(period.since, to, desk)).sum()
    }

    /// The unbroken stays in a status, each as its periods.
    pub fn stays(&self) -> impl Iterator<Item = &[Period<'a>]> {
        self.periods.chunk_by(|period, next| period.standing.status == next.standing.status)
    }

    /// The present value of a field, while the case is replayed.
    #[must_use]
    pub fn field_value(&self, field: &str) -> Option<&str> {
        let (_, versions) = self.field_values.iter().find(|(name, _)| name == field)?;
        versions.last().map(AsRef::as_ref)
    }

    /// Milliseconds between two instants in which the case was not resolved.
    #[must_use]
    pub fn active_ms(&self, from: Instant, to: Instant) -> i64 {
        let resolved = |resolution: &Resolution<'_>| {
            let begin = resolution.resolved_at.max(from);
            let end = resolution.reopened_at.unwrap_or(Instant(i64::MAX)).min(to);
            end.since_ms(begin).max(0)
        };
        to.since_ms(from) - self.resolutions.iter().map(resolved).sum::<i64>()
    }

    // Writing

    pub(super) fn create(&mut self, event: &CaseEvent<'a>, creation: &Creation<'a>, standing: Standing<'a>) {
        self.created = Some(Created { at: event.time, by: event.by, source: event.source, creation: *creation });
        self.platform = creation.platform.map(Cow::Borrowed);
        self.periods.push(Period { since: event.time, until: None, standing, cause: event.into() });
        self.turns.push(Turn::asked(event.time, None));
        self.set_sentiment(event.time, creation.sentiment.unwrap_or(Sentiment::None));
        if let Some(Json::Object(fields)) = creation.fields.and_then(|text| Json::parse(text).ok()) {
            for (field, value) in fields {
                self.set_value(event.time, field, field_text(value));
            }
        }
    }

    /// A case created without a platform has that of its profile.
    pub(super) fn adopt_platform(&mut self, profile: Option<&str>, time: Instant, desk: &Desk) {
        if self.platform.is_none() {
            let platform = profile.and_then(|profile| desk.platform_of(profile, time));
            self.platform = platform.map(|platform| Cow::Owned(platform.to_owned()));
        }
    }

    pub(super) fn note_unknown_user(&mut self, user: &str, event: &CaseEvent<'a>) {
        if self.unknown_user_names.insert(user.to_owned()) {
            self.unknown_users.push((user.to_owned(), *event));
        }
    }

    pub(super) fn record_standing(&mut self, cause: Cause<'a>, standing: Standing<'a>) {
        match self.periods.last_mut() {
            Some(last) if last.standing == standing => {}
            Some(last) if last.since == cause.time => (last.standing, last.cause) = (standing, cause),
            _ => {
                self.merge_last_period();
                if let Some(last) = self.periods.last_mut() {
                    last.until = Some(cause.time);
                }
                self.periods.push(Period { since: cause.time, until: None, standing, cause });
            }
        }
    }

    /// Changes that cancel each other at one instant leave no new period.
    fn merge_last_period(&mut self) {
        if let [.., before, last] = self.periods.as_mut_slice()
            && before.standing == last.standing
        {
            before.until = None;
            self.periods.pop();
        }
    }

    pub(super) fn assign(&mut self, event: &CaseEvent<'a>, agent: &'a str, automatic: bool, bot: bool) {
        let is_first = !bot && self.first_assigned_at.is_none();
        if is_first {
            self.first_assigned_at = Some(event.time);
        }
        self.assignments.push(Assignment {
            agent,
            assigned_at: event.time,
            assigned_by: event.by,
            automatic,
            ended: None,
            first_reply_at: None,
            is_first,
        });
    }

    pub(super) fn end_assignment(&mut self, time: Instant, end: AssignmentEnd) {
        if let Some(last) = self.assignments.last_mut() {
            last.ended.get_or_insert((time, end));
        }
    }

    pub(super) fn note_reply_of_assignee(&mut self, event: &CaseEvent<'a>) {
        let present = self.assignments.last_mut().filter(|assignment| assignment.ended.is_none());
        if let Some(assignment) = present.filter(|assignment| Some(assignment.agent) == event.by) {
            assignment.first_reply_at.get_or_insert(event.time);
        }
    }

    pub(super) fn reopen(&mut self, time: Instant, closed_at: Option<Instant>) {
        if let Some(last) = self.resolutions.last_mut() {
            last.reopened_at = Some(time);
            last.closed_at = closed_at;
        }
    }

    pub(super) fn set_sentiment(&mut self, time: Instant, sentiment: Sentiment) {
        self.set_value(time, Cow::Borrowed(SENTIMENT_FIELD), Some(Cow::Borrowed(sentiment.name())));
    }

    /// Sets a field to a value, in JSON.
    pub(super) fn set_field(&mut self, time: Instant, field: &'a str, value: Option<&'a str>) {
        let read = |value: &'a str| Json::parse(value).map_or(Some(Cow::Borrowed(value)), field_text);
        self.set_value(time, Cow::Borrowed(field), value.and_then(read));
    }

    fn set_value(&mut self, time: Instant, field: Cow<'a, str>, value: Option<Cow<'a, str>>) {
        let position = *self.field_positions.entry(field.clone()).or_insert_with(|| {
            self.field_values.push((field, Versions::default()));
            self.field_values.len() - 1
        });
        let Some((_, versions)) = self.field_values.get_mut(position) else { return };
        match value {
            Some(value) => versions.set(time, value),
            None => versions.end(time),
        }
    }

    pub(super) fn add_message(&mut self, row: MessageRow<'a>) {
        self.messages.push(row);
    }

    pub(super) fn like(&mut self, message: &'a str) {
        self.marks.push(Mark { message, before: self.messages.len(), deleted_at: None });
    }

    pub(super) fn delete_message(&mut self, message: &'a str, time: Instant) {
        self.marks.push(Mark { message, before: self.messages.len(), deleted_at: Some(time) });
    }

    fn carry_out_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, row) in self.messages.iter().enumerate() {
            places.entry(row.message).or_default().push(position);
        }
        for mark in std::mem::take(&mut self.marks) {
            let rows = places.get(mark.message).into_iter().flatten().filter(|position| **position < mark.before);
            for position in rows {
                if let Some(row) = self.messages.get_mut(*position) {
                    row.liked |= mark.deleted_at.is_none();
                    row.deleted_at = row.deleted_at.or(mark.deleted_at);
                }
            }
        }
    }

    pub(super) fn delete(&mut self, time: Instant) {
        self.deleted_at = Some(time);
        self.end_assignment(time, AssignmentEnd::Deleted);
        self.note_last_values();
        for (_, versions) in &mut self.field_values {
            versions.end(time);
        }
    }

    /// Completes the history with the standing at the end.
    pub(super) fn close(&mut self, standing: &Standing<'a>, closes_at: Option<Instant>) {
        self.last_standing = Some(*standing);
        self.merge_last_period();
        self.carry_out_marks();
        match self.deleted_at {
            Some(deleted_at) => self.end_periods(deleted_at),
            None => self.note_last_values(),
        }
        if standing.status.is_resolved() {
            self.closes_at = closes_at;
            let undisturbed = |closes_at: &Instant| self.deleted_at.is_none_or(|deleted_at| *closes_at <= deleted_at);
            self.closed_at = closes_at.filter(undisturbed);
            if let Some(last) = self.resolutions.last_mut() {
                last.closed_at = self.closed_at;
            }
        }
    }

    fn note_last_values(&mut self) {
        let last = |(field, versions): &(Cow<'a, str>, Versions<Cow<'a, str>>)| {
            versions.last().map(|value| (field.clone(), value.clone()))
        };
        self.last_values = self.field_values.iter().filter_map(last).collect();
    }

    fn end_periods(&mut self, deleted_at: Instant) {
        match self.periods.last_mut() {
            Some(last) if last.since == deleted_at => {
                self.periods.pop();
            }
            Some(last) => last.until = Some(deleted_at),
            None => {}
        }
    }
}

/// A field's value as text: texts as they are, anything else as JSON; null clears.
fn field_text(value: Json<'_>) -> Option<Cow<'_, str>> {
    match value {
        Json::Null => None,
        Json::Text(text) => Some(text),
        other => Some(Cow::Owned(other.to_text())),
    }
}
