//! The life cycle of one case (2.1 to 2.7).
//!
//! [`Case::apply`] takes the events of one case in log order and records what happened in a [`History`]. [`Case::finish`] adds
//! what follows if nothing more happens. Nothing here can fail: an event that contradicts the model becomes a finding.

pub mod clock;
pub mod history;
mod load;
mod lock;
mod messages;
pub mod milestones;
mod repetition;
pub mod rows;
mod rules;
pub mod span;
pub mod status;
pub mod survey;

use std::borrow::Borrow;

use super::desk::{Desk, Transitions, Withdrawal, Withdrawn};
use super::event::{CaseEvent, Creation, EventBody, EventType, Message, Priority, Sentiment, Status};
use super::finding::{Finding, Rule};
use super::policy::Milestone;
use super::position::LogPosition;
use super::sla::Situation;
use super::time::Instant;
use crate::json::Json;
use history::History;
use milestones::{Clocks, Ending, Run, Runs};
use repetition::MessagesOfInstant;
use rows::{AssignmentEnd, Cause, Resolution, Standing};
use span::OpenSpan;
use status::{Change, Current, Trigger};

/// The state of one case while its events are replayed.
///
/// Invariant: `history.periods` is empty until the case is created, and its last period has the present standing.
#[derive(Debug)]
pub struct Case<'a> {
    history: History<'a>,
    /// Time of the last event seen; withdrawals up to here have been carried out.
    seen_until: Instant,
    state: Option<CaseState<'a>>,
    /// The user whose workload the case is part of, and since which position of the log.
    load: Option<(&'a str, LogPosition<'a>)>,
    /// The next withdrawals of the assignee, so that they are looked up once.
    withdrawals: Option<UpcomingWithdrawals<'a>>,
    /// The last known user that an event named. The next event mostly names the same one.
    named_user: Option<&'a str>,
    messages_of_instant: MessagesOfInstant<'a>,
}

/// The withdrawals of a user after an instant. Most events come before the next one.
#[derive(Clone, Copy, Debug)]
struct UpcomingWithdrawals<'a> {
    user: &'a str,
    of: Withdrawn,
    next_at: Instant,
    times: &'a [Instant],
    all: &'a [Withdrawal],
}

impl<'a> UpcomingWithdrawals<'a> {
    fn new(user: &'a str, of: Withdrawn, (times, all): (&'a [Instant], &'a [Withdrawal])) -> UpcomingWithdrawals<'a> {
        let next_at = times.first().copied().unwrap_or(Instant(i64::MAX));
        UpcomingWithdrawals { user, of, next_at, times, all }
    }

    fn after(self, time: Instant) -> UpcomingWithdrawals<'a> {
        if time < self.next_at {
            return self;
        }
        let past = self.times.iter().take_while(|at| **at <= time).count();
        UpcomingWithdrawals::new(
            self.user,
            self.of,
            (self.times.get(past..).unwrap_or(&[]), self.all.get(past..).unwrap_or(&[])),
        )
    }
}

/// The state of a case that has been created.
#[derive(Debug)]
struct CaseState<'a> {
    standing: Standing<'a>,
    /// When a resolved case closes, or closed.
    closes_at: Option<Instant>,
    /// The position of the event that closed it, if the end of the grace period did not.
    closed_by: Option<LogPosition<'a>>,
    /// Index in `history.turns` of the open turn.
    open_turn: Option<usize>,
    /// The span in which the case blocks others of its customer and profile; it has no end yet.
    open_span: Option<OpenSpan<'a>>,
    /// The policy it got, and the version by which it was chosen.
    policy: Option<(&'a str, Instant)>,
    runs: Runs<'a>,
}

impl<'a> CaseState<'a> {
    /// The position at which the case closes: that of the event that closed it, else the end of its grace period.
    fn close_position(&self) -> Option<LogPosition<'a>> {
        self.closed_by.or_else(|| self.closes_at.map(LogPosition::Before))
    }

    fn is_closed(&self, time: Instant) -> bool {
        self.standing.status.is_resolved() && self.closes_at.is_some_and(|closes_at| closes_at <= time)
    }
}

impl<'a> Case<'a> {
    /// A case before its first event.
    #[must_use]
    pub fn new(case_id: &'a str) -> Case<'a> {
        Case {
            history: History::new(case_id),
            seen_until: Instant(i64::MIN),
            state: None,
            load: None,
            withdrawals: None,
            named_user: None,
            messages_of_instant: MessagesOfInstant::default(),
        }
    }

    /// Replays the events of one case, which must come in log order, and returns its history.
    #[must_use]
    pub fn replay<'e: 'a>(
        case_id: &'a str,
        events: impl IntoIterator<Item: Borrow<CaseEvent<'e>>>,
        desk: &'a Desk,
    ) -> History<'a> {
        let mut case = Case::new(case_id);
        for event in events {
            case.apply(event.borrow(), desk);
        }
        case.finish(desk)
    }

    /// Takes the next event in log order.
    pub fn apply(&mut self, event: &CaseEvent<'a>, desk: &'a Desk) {
        self.history.seen.get_or_insert((event.time, event.time)).1 = event.time;
        if self.history.deleted_at.is_some() {
            return self.add_finding(event, Rule::AfterDeletion, "the case has been deleted");
        }
        if self.history.created.is_some() && event.kind == EventType::CaseCreated {
            return self.add_finding(event, Rule::CreatedTwice, "the case has been created before");
        }
        if self.state.is_none() && event.kind != EventType::CaseCreated && !event.kind.is_message() {
            return self.add_finding(event, Rule::NoCaseYet, "the case has not been created");
        }
        if let EventBody::Message(message) = event.body
            && self.is_repeated(event, &message)
        {
            self.history.noted.message_repeated += 1;
            return;
        }
        self.withdraw_until(event.time, desk);
        self.seen_until = event.time;
        self.note_unknown_users(event, desk);
        self.check_rules(event, desk);
        match event.body {
            EventBody::Created(creation) => self.create(event, &creation, desk),
            EventBody::Message(message) => self.take_message(event, &message, desk),
            _ => self.change(event, desk),
        }
        self.record_load(event.position());
    }

    /// What follows if nothing more happens: later withdrawals and the end of the grace period.
    #[must_use]
    pub fn finish(mut self, desk: &'a Desk) -> History<'a> {
        if self.history.deleted_at.is_none() {
            self.withdraw_until(Instant(i64::MAX), desk);
        }
        self.end_load(None);
        if let Some(mut state) = self.state.take() {
            let open_span = state.open_span.take();
            self.history.close(&state.standing, state.closes_at);
            self.history.last_event_at = self.seen_until;
            if let (Some(policy), Some(created)) = (state.policy, &self.history.created) {
                self.history.clocks = Clocks::new(policy, created.at, &self.history.periods, &state.runs, desk);
            }
            if let Some(span) = open_span {
                self.history.open_spans.push(OpenSpan { until: state.close_position(), ..span });
            }
        }
        self.history
    }

    fn add_finding(&mut self, event: &CaseEvent<'a>, rule: Rule, detail: impl Into<String>) {
        self.history.findings.push(Finding { event: *event, rule, detail: detail.into() });
    }

    fn note_unknown_users(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        let agent = match event.body {
            EventBody::Assigned { agent, .. } => Some(agent),
            _ => None,
        };
        let named_user = self.named_user;
        for user in agent.into_iter().chain(event.by).filter(|user| named_user != Some(user)) {
            match desk.has_named(user, event.time) {
                Some(true) => self.named_user = Some(user),
                Some(false) => self.history.note_unknown_user(user, event),
                None => {}
            }
        }
        if let EventBody::Message(Message { mentions: Some(mentions), .. }) = event.body
            && let Ok(Json::List(users)) = Json::parse(mentions)
        {
            let is_unknown = |user: &&str| desk.has_named(user, event.time) == Some(false);
            for user in users.iter().filter_map(Json::as_text).filter(is_unknown) {
                self.history.note_unknown_user(user, event);
            }
        }
    }

    fn create(&mut self, event: &CaseEvent<'a>, creation: &Creation<'a>, desk: &'a Desk) {
        let given = creation.priority.map(Priority::parse);
        if let (Some(None), Some(text)) = (given, creation.priority) {
            self.add_finding(
                event,
                Rule::UnknownPriority,
                format!("the priority `{text}` is not known; medium is taken"),
            );
        }
        let standing = Standing {
            status: status::AT_CREATION,
            assignee: None,
            priority: given.flatten().unwrap_or(Priority::Medium),
            profile: creation.profile,
        };
        self.history.create(event, creation, standing);
        self.history.adopt_platform(creation.profile, event.time, desk);
        let open_span = creation.profile.map(|profile| OpenSpan::begun(profile, event.position(), true));
        let situation = Situation {
            text: creation.text,
            profile: creation.profile,
            platform: self.history.platform.as_deref(),
            sentiment: creation.sentiment.unwrap_or(Sentiment::None),
            language: creation.language,
        };
        let policy = desk.sla().choose(&situation, event.time);
        let runs = Runs::default();
        self.state =
            Some(CaseState { standing, closes_at: None, closed_by: None, open_turn: None, open_span, policy, runs });
        for milestone in [Milestone::Assign, Milestone::FirstResponse, Milestone::Resolution] {
            self.start_clock(milestone, event.time);
        }
    }

    // The clocks of the policy (3.3)

    /// A milestone's clock begins to run, or runs again.
    fn start_clock(&mut self, milestone: Milestone, time: Instant) {
        let Some(created) = &self.history.created else { return };
        let started_at = if milestone == Milestone::NextResponse { time } else { created.at };
        let turn = match milestone {
            Milestone::FirstResponse => Some(1),
            Milestone::NextResponse => i64::try_from(self.history.turns.len()).ok(),
            Milestone::Assign | Milestone::Resolution => None,
        };
        if let Some(state) = self.state.as_mut().filter(|state| state.policy.is_some()) {
            let Standing { status, priority, .. } = state.standing;
            state.runs.begin(Run { milestone, turn, started_at, since: time, status, priority, end: None });
        }
    }

    fn end_clock(&mut self, milestone: Milestone, time: Instant, ending: Ending<'a>) {
        if let Some(state) = &mut self.state {
            state.runs.end(milestone, time, ending);
        }
    }

    // Changes of state

    fn change(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        match event.body {
            EventBody::ProfileAssigned { profile } => self.assign_profile(event, profile),
            EventBody::Assigned { agent, automatic } => self.assign(event, agent, automatic, desk),
            EventBody::Unassigned => self.unassign(event, desk),
            EventBody::PriorityChanged(priority) => self.change_priority(event, priority),
            EventBody::SentimentChanged(sentiment) => self.history.set_sentiment(event.time, sentiment),
            EventBody::FieldChanged { field, value } => self.history.set_field(event.time, field, value),
            EventBody::MessageLiked { message } => self.history.like(message),
            EventBody::MessageDeleted { message } => self.history.delete_message(message, event.time),
            EventBody::StatusChanged(status) => {
                let changes = self.follow_transition(event, Trigger::StatusChanged, Some(status), desk);
                self.history.noted.status_unchanged += u64::from(!changes);
            }
            EventBody::Closed => self.close_now(event, desk),
            EventBody::SurveySent { survey } => self.history.surveys.send(survey, event.time),
            EventBody::SurveyAnswered(answer) => self.history.surveys.answer(answer, event.time),
            EventBody::RecordLinked { record } => self.history.salesforce_record = Some(record),
            EventBody::Deleted => self.delete(event),
            EventBody::Created(_) | EventBody::Message(_) | EventBody::Other => {}
        }
    }

    fn standing(&self) -> Option<Standing<'a>> {
        self.state.as_ref().map(|state| state.standing)
    }

    fn change_standing(&mut self, cause: Cause<'a>, standing: Standing<'a>) {
        if let Some(state) = &mut self.state {
            state.standing = standing;
            self.history.record_standing(cause, standing);
        }
    }

    fn set_status(&mut self, cause: Cause<'a>, status: Status) {
        if let Some(standing) = self.standing() {
            self.change_standing(cause, Standing { status, ..standing });
        }
    }

    fn assign_profile(&mut self, event: &CaseEvent<'a>, profile: &'a str) {
        let Some(standing) = self.standing() else { return };
        if standing.profile == Some(profile) {
            return;
        }
        self.end_open_span(event.time, event.position());
        if let Some(state) = &mut self.state
            && !state.is_closed(event.time)
        {
            state.open_span = Some(OpenSpan::begun(profile, event.position(), false));
        }
        self.change_standing(event.into(), Standing { profile: Some(profile), ..standing });
    }

    fn assign(&mut self, event: &CaseEvent<'a>, agent: &'a str, automatic: bool, desk: &Desk) {
        let Some(standing) = self.standing() else { return };
        if standing.assignee == Some(agent) {
            self.history.noted.assignee_unchanged += 1;
            return;
        }
        self.history.end_assignment(event.time, AssignmentEnd::Reassigned);
        let bot = desk.is_bot(agent, event.time);
        self.history.assign(event, agent, automatic, bot);
        if !bot {
            self.end_clock(Milestone::Assign, event.time, Ending::Completed(event.by));
        }
        let status = self
            .next_status(Trigger::Assigned, None, event.time, || desk.transitions_at(event.time))
            .unwrap_or(standing.status);
        self.change_standing(event.into(), Standing { status, assignee: Some(agent), ..standing });
    }

    fn unassign(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        let Some(standing) = self.standing() else { return };
        if standing.assignee.is_none()
            && self.next_status(Trigger::Unassigned, None, event.time, || desk.transitions_at(event.time)).is_none()
        {
            self.history.noted.assignee_unchanged += 1;
            return;
        }
        self.history.end_assignment(event.time, AssignmentEnd::Unassigned);
        self.release(event.into(), standing, || desk.transitions_at(event.time));
    }

    /// Takes the case from its assignee.
    fn release(&mut self, cause: Cause<'a>, standing: Standing<'a>, transitions: impl FnOnce() -> Transitions) {
        let status = self.next_status(Trigger::Unassigned, None, cause.time, transitions).unwrap_or(standing.status);
        self.change_standing(cause, Standing { status, assignee: None, ..standing });
    }

    /// Takes the case from its assignee where their presence or removal does, up to and including that instant.
    fn withdraw_until(&mut self, time: Instant, desk: &'a Desk) {
        let Some(standing) = self.standing() else { return };
        let Some(assignee) = standing.assignee else { return };
        let of = if standing.status.is_resolved() { Withdrawn::Resolved } else { Withdrawn::Open };
        let upcoming = match self.withdrawals {
            Some(upcoming) if upcoming.of == of && upcoming.user == assignee => upcoming.after(self.seen_until),
            _ => UpcomingWithdrawals::new(assignee, of, desk.withdrawals_after(assignee, of, self.seen_until)),
        };
        self.withdrawals = Some(upcoming);
        if let Some(withdrawal) = upcoming.all.first().filter(|_| upcoming.next_at <= time) {
            self.history.end_assignment(withdrawal.time, AssignmentEnd::Presence);
            self.release(Cause::presence(withdrawal), standing, || withdrawal.transitions);
            self.record_load(LogPosition::Before(withdrawal.time));
        }
    }

    fn change_priority(&mut self, event: &CaseEvent<'a>, priority: Priority) {
        match self.standing() {
            Some(standing) if standing.priority != priority => {
                self.change_standing(event.into(), Standing { priority, ..standing });
            }
            _ => self.history.noted.priority_unchanged += 1,
        }
    }

    // Changes of status (2.3)

    /// The status that follows by the table of transitions; none where it stays as it is.
    fn next_status(
        &self,
        when: Trigger,
        stated: Option<Status>,
        time: Instant,
        transitions: impl FnOnce() -> Transitions,
    ) -> Option<Status> {
        let state = self.state.as_ref()?;
        let Standing { status, assignee, .. } = state.standing;
        let current = Current { status, is_assigned: assignee.is_some(), is_closed: state.is_closed(time) };
        status::next(when, stated, current, transitions)
    }

    /// Changes the status as the table states, and returns whether it changed. `stated` is the status that the event names.
    fn follow_transition(&mut self, event: &CaseEvent<'a>, when: Trigger, stated: Option<Status>, desk: &Desk) -> bool {
        let transitions = || desk.transitions_at(event.time);
        let Some(status) = self.next_status(when, stated, event.time, transitions) else { return false };
        self.change_status(event, status, desk);
        true
    }

    fn change_status(&mut self, event: &CaseEvent<'a>, status: Status, desk: &Desk) {
        let Some(standing) = self.standing() else { return };
        match Change::between(standing.status, status) {
            Change::Resolution => {
                let source = self.history.created.as_ref().map_or(event.source, |created| created.source);
                let grace_ms = if status == Status::Done { desk.grace_period_ms_at(event.time, source) } else { 0 };
                self.resolve(event, status, event.time.plus_ms(grace_ms));
            }
            Change::Reopening => self.reopen(event, status),
            Change::ToSpam => {
                self.end_grace(event);
                self.set_status(event.into(), status);
            }
            Change::Plain => self.set_status(event.into(), status),
        }
    }

    fn resolve(&mut self, event: &CaseEvent<'a>, status: Status, closes_at: Instant) {
        self.set_status(event.into(), status);
        self.history.resolutions.push(Resolution::new(event, status));
        self.end_clock(Milestone::Resolution, event.time, Ending::Completed(event.by));
        for milestone in [Milestone::Assign, Milestone::FirstResponse, Milestone::NextResponse] {
            self.end_clock(milestone, event.time, Ending::Stopped);
        }
        if let Some(state) = &mut self.state {
            state.closes_at = Some(closes_at);
            state.closed_by = (closes_at <= event.time).then(|| event.position());
            if let Some(turn) = state.open_turn.take().and_then(|position| self.history.turns.get_mut(position)) {
                turn.stopped_at = Some(event.time);
            }
        }
    }

    fn reopen(&mut self, event: &CaseEvent<'a>, status: Status) {
        let Some(state) = &mut self.state else { return };
        let closed_at = state.closes_at.filter(|closes_at| *closes_at <= event.time);
        if closed_at.is_some() {
            let detail = "the case was closed; only its status was set";
            self.history.findings.push(Finding {
                event: *event,
                rule: Rule::ReopenedAfterClose,
                detail: detail.to_owned(),
            });
            self.end_open_span(event.time, event.position());
        }
        self.history.reopen(event.time, closed_at);
        if let Some(state) = &mut self.state {
            state.closes_at = None;
            state.closed_by = None;
            if state.open_span.is_none() {
                let profile = state.standing.profile;
                state.open_span = profile.map(|profile| OpenSpan::begun(profile, event.position(), false));
            }
        }
        self.set_status(event.into(), status);
        if self.history.first_assigned_at.is_none() {
            self.start_clock(Milestone::Assign, event.time);
        }
        if self.history.first_response().is_none() {
            self.start_clock(Milestone::FirstResponse, event.time);
        }
        self.start_clock(Milestone::Resolution, event.time);
    }

    /// The grace period ends with that event, unless it has ended before.
    fn end_grace(&mut self, event: &CaseEvent<'a>) {
        if let Some(state) = self.state.as_mut().filter(|state| !state.is_closed(event.time)) {
            state.closes_at = Some(event.time);
            state.closed_by = Some(event.position());
        }
    }

    fn close_now(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        if let Some(status) = self.next_status(Trigger::Closed, None, event.time, || desk.transitions_at(event.time)) {
            self.resolve(event, status, event.time);
        } else if self.state.as_ref().is_some_and(|state| state.is_closed(event.time)) {
            self.history.noted.closed_already += 1;
        } else {
            self.end_grace(event);
        }
    }

    fn delete(&mut self, event: &CaseEvent<'a>) {
        self.end_open_span(event.time, event.position());
        self.history.delete(event.time);
        for &milestone in Milestone::ALL {
            self.end_clock(milestone, event.time, Ending::Stopped);
        }
        if let Some(turn) = self.state.as_mut().and_then(|state| state.open_turn.take())
            && let Some(turn) = self.history.turns.get_mut(turn)
        {
            turn.stopped_at = Some(event.time);
        }
    }

    /// Ends the span in which the case blocks others: here, or where the case closed before.
    fn end_open_span(&mut self, time: Instant, here: LogPosition<'a>) {
        let Some(state) = &mut self.state else { return };
        let closed = state.close_position().filter(|_| state.is_closed(time));
        if let Some(span) = state.open_span.take() {
            self.history.open_spans.push(OpenSpan { until: Some(closed.unwrap_or(here)), ..span });
        }
    }
}

#[cfg(test)]
mod tests;
