//! Histories of cases in, rows of the fact tables out.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::rows::{RowsBuilder, TableColumns};
use crate::facts::tables::{
    AssignmentRow, Assignments, AutomaticAssignmentRow, AutomaticAssignments, CASE_FINDINGS, CaseRow, Cases,
    CommunityLockRow, CommunityLocks, FieldValueRow, FieldValues, FindingRow, Findings, LEDGER, Ledger, LedgerRow,
    LifetimeRow, Lifetimes, LoadSpanRow, LoadSpans, MessageRow, Messages, MilestoneRow, Milestones, NotedEvents,
    NotedRow, OpenSpanRow, OpenSpans, PeriodRow, Periods, ResolutionRow, Resolutions, SurveyRow, Surveys, TurnRow,
    Turns, UnknownUserRow, UnknownUsers,
};
use crate::model::case::clock::Sums;
use crate::model::case::history::{History, SENTIMENT_FIELD};
use crate::model::case::milestones::{Clocks, Ending, Instance};
use crate::model::case::rows::Direction;
use crate::model::desk::Desk;
use crate::model::event::{MessageKind, Sentiment};
use crate::model::finding::Rule;

/// Takes rows of a table.
pub type Take<'t> = dyn FnMut(&FactTable, &RecordBatch) -> Result<()> + 't;

/// Rows of a table that are handed over at once, and so encoded at once: fewer take more of the encoder's time.
const BATCH_ROWS: usize = 4096;

/// A case that was replayed.
pub struct ReplayedCase<'e> {
    /// By which the rows of the case are joined ([`CASE_NUMBER`](crate::facts::columns::CASE_NUMBER)).
    pub number: u64,
    pub history: History<'e>,
}

/// One fact table that is filled from cases.
pub trait CaseTable: Send {
    /// Adds the rows of those cases. Where there are enough rows, `take` takes them.
    ///
    /// # Errors
    /// What `take` returns.
    fn push(&mut self, cases: &[ReplayedCase<'_>], desk: &Desk, take: &mut Take<'_>) -> Result<()>;

    /// Has `take` take the rows that are left.
    ///
    /// # Errors
    /// What `take` returns.
    fn finish(&mut self, take: &mut Take<'_>) -> Result<()>;

    /// The table.
    fn table(&self) -> &FactTable;
}

/// The tables of [`CASE_TABLES`](crate::facts::tables::CASE_TABLES), empty, in the same order.
#[must_use]
pub fn case_tables() -> Vec<Box<dyn CaseTable>> {
    vec![
        by_case(push_case),
        by_case(push_periods),
        by_case(push_assignments),
        by_case(push_turns),
        by_case(push_milestones),
        filled(LEDGER, Fill::ByInstance(push_ledger)),
        by_case(push_resolutions),
        by_case(push_messages),
        by_case(push_field_values),
        by_case(push_locks),
        by_case(push_surveys),
        filled(CASE_FINDINGS, Fill::ByCase(push_findings)),
        by_case(push_unknown_users),
        by_case(push_open_spans),
        by_case(push_load_spans),
        by_case(push_automatic_assignments),
        by_case(push_noted),
        by_case(push_lifetime),
    ]
}

/// A table and what puts the rows of a case into it.
struct Filled<C> {
    table: FactTable,
    fill: Fill<C>,
    rows: RowsBuilder<C>,
}

enum Fill<C> {
    ByCase(fn(&mut RowsBuilder<C>, &ReplayedCase<'_>, &Desk)),
    /// A case that was reopened thousands of times has a ledger that is handed over in parts.
    ByInstance(fn(&mut RowsBuilder<C>, &ReplayedCase<'_>, &Clocks<'_>, &Instance<'_>)),
}

fn by_case<C: TableColumns + Send + 'static>(
    fill: fn(&mut RowsBuilder<C>, &ReplayedCase<'_>, &Desk),
) -> Box<dyn CaseTable> {
    filled(C::TABLE, Fill::ByCase(fill))
}

fn filled<C: TableColumns + Send + 'static>(table: FactTable, fill: Fill<C>) -> Box<dyn CaseTable> {
    // The rows of the last case are added to a batch that is almost full.
    Box::new(Filled { table, fill, rows: RowsBuilder::with_capacity(BATCH_ROWS + BATCH_ROWS / 8) })
}

impl<C: TableColumns + Send> Filled<C> {
    fn pass_on(&mut self, take: &mut Take<'_>) -> Result<()> {
        if self.rows.rows() >= BATCH_ROWS { take(&self.table, &self.rows.finish()?) } else { Ok(()) }
    }
}

impl<C: TableColumns + Send> CaseTable for Filled<C> {
    fn push(&mut self, cases: &[ReplayedCase<'_>], desk: &Desk, take: &mut Take<'_>) -> Result<()> {
        for case in cases {
            match self.fill {
                Fill::ByCase(fill) => fill(&mut self.rows, case, desk),
                Fill::ByInstance(fill) => {
                    if let Some(clocks) = &case.history.clocks {
                        for instance in &clocks.instances {
                            fill(&mut self.rows, case, clocks, instance);
                            self.pass_on(take)?;
                        }
                    }
                }
            }
            self.pass_on(take)?;
        }
        Ok(())
    }

    fn finish(&mut self, take: &mut Take<'_>) -> Result<()> {
        if self.rows.rows() > 0 { take(&self.table, &self.rows.finish()?) } else { Ok(()) }
    }

    fn table(&self) -> &FactTable {
        &self.table
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count<T>(items: impl Iterator<Item = T>) -> Option<i64> {
    Some(whole(items.count() as u64))
}

fn push_case(rows: &mut RowsBuilder<Cases>, ReplayedCase { number, history }: &ReplayedCase<'_>, _: &Desk) {
    let Some((created, standing)) = history.created.as_ref().zip(history.standing()) else { return };
    let first_turn = history.turns.first();
    let resolution = history.resolutions.last().filter(|last| last.reopened_at.is_none());
    let sent =
        |bot: bool| history.messages.iter().filter(move |row| row.direction == Direction::Sent && row.bot == bot);
    let of = |direction: Direction| history.messages.iter().filter(move |row| row.direction == direction);
    let deleted = history.deleted_at.is_some();
    rows.push(CaseRow {
        case_id: Some(history.case_id),
        case_number: *number,
        customer: Some(created.creation.customer),
        profile: standing.profile,
        platform: history.platform.as_deref(),
        origin: Some(created.creation.origin.unwrap_or("manual")),
        language: created.creation.language,
        created_at: Some(created.at),
        created_by: created.by,
        text: created.creation.text.filter(|_| !deleted),
        policy: history.clocks.as_ref().map(|clocks| clocks.policy),
        policy_version: history.clocks.as_ref().map(|clocks| clocks.policy_version),
        first_assigned_at: history.first_assigned_at,
        first_response_at: history.first_response(),
        first_response_by: first_turn.and_then(|turn| turn.answered_by),
        first_resolved_at: history.resolutions.first().map(|first| first.resolved_at),
        resolved_at: resolution.map(|last| last.resolved_at),
        resolved_by: resolution.and_then(|last| last.by),
        reopenings: count(history.resolutions.iter().filter(|resolution| resolution.reopened_at.is_some())),
        closes_at: history.closes_at,
        closed_at: history.closed_at,
        deleted_at: history.deleted_at,
        status: Some(standing.status.name()),
        assignee: standing.assignee,
        priority: Some(standing.priority.name()),
        sentiment: Some(sentiment(history)),
        fields: fields(history),
        messages_received: count(of(Direction::Received)),
        messages_sent: count(sent(false)),
        bot_messages_sent: count(sent(true)),
        notes: count(of(Direction::Noted)),
        assignments: count(history.assignments.iter()),
        last_customer_message_at: of(Direction::Received).map(|row| row.time).max(),
        last_agent_message_at: sent(false).map(|row| row.time).max(),
        salesforce_record: history.salesforce_record,
        survey_score: history.surveys.last_score(),
    });
}

fn sentiment<'h>(history: &'h History<'_>) -> &'h str {
    let last = history.last_values.iter().find(|(field, _)| field == SENTIMENT_FIELD);
    last.map_or(Sentiment::None.name(), |(_, value)| value.as_ref())
}

/// The values at the end, sorted by name.
fn fields<'h>(history: &'h History<'_>) -> Vec<(&'h str, &'h str)> {
    let values = history.last_values.iter().filter(|(field, _)| field != SENTIMENT_FIELD);
    let mut fields: Vec<(&str, &str)> = values.map(|(field, value)| (field.as_ref(), value.as_ref())).collect();
    fields.sort_unstable();
    fields
}

fn push_periods(rows: &mut RowsBuilder<Periods>, ReplayedCase { number, history }: &ReplayedCase<'_>, desk: &Desk) {
    let mut business = Vec::new();
    for stay in history.stays() {
        business.clear();
        business.extend(stay.iter().map(|period| period.business_ms(desk)));
        let status_since = stay.first().map(|first| first.since);
        let status_until = stay.last().and_then(|last| last.until);
        let status_business_ms = business.iter().copied().sum();
        for (period, business_ms) in stay.iter().zip(&business) {
            rows.push(PeriodRow {
                case_id: Some(history.case_id),
                case_number: *number,
                since: Some(period.since),
                until: period.until,
                status: Some(period.standing.status.name()),
                assignee: period.standing.assignee,
                priority: Some(period.standing.priority.name()),
                profile: period.standing.profile,
                cause: Some(period.cause.name),
                event_source: Some(period.cause.source),
                event_id: Some(period.cause.id),
                business_ms: *business_ms,
                status_since,
                status_until,
                status_business_ms,
            });
        }
    }
}

fn push_assignments(
    rows: &mut RowsBuilder<Assignments>,
    ReplayedCase { number, history }: &ReplayedCase<'_>,
    desk: &Desk,
) {
    let Some(created) = &history.created else { return };
    for (assignment, n) in history.assignments.iter().zip(1_i64..) {
        rows.push(AssignmentRow {
            case_id: Some(history.case_id),
            case_number: *number,
            n: Some(n),
            agent: Some(assignment.agent),
            assigned_at: Some(assignment.assigned_at),
            assigned_by: assignment.assigned_by,
            automatic: Some(assignment.automatic),
            ended_at: assignment.ended.map(|(time, _)| time),
            ended_by: assignment.ended.map(|(_, end)| end.name()),
            first_reply_at: assignment.first_reply_at,
            is_first: Some(assignment.is_first),
            elapsed_ms: Some(assignment.assigned_at.since_ms(created.at)),
            elapsed_business_ms: Some(history.elapsed_business_ms(assignment.assigned_at, desk)),
        });
    }
}

fn push_turns(rows: &mut RowsBuilder<Turns>, ReplayedCase { number, history }: &ReplayedCase<'_>, desk: &Desk) {
    for (turn, n) in history.turns.iter().zip(1_i64..) {
        rows.push(TurnRow {
            case_id: Some(history.case_id),
            case_number: *number,
            n: Some(n),
            asked_at: Some(turn.asked_at),
            answered_at: turn.answered_at,
            answered_by: turn.answered_by,
            stopped_at: turn.stopped_at,
            assignee: history.assignee_at(turn.asked_at),
            kind: turn.kind.map(MessageKind::name),
            elapsed_ms: turn.answered_at.map(|answered_at| answered_at.since_ms(turn.asked_at)),
            active_ms: turn.answered_at.map(|answered_at| history.active_ms(turn.asked_at, answered_at)),
            business_ms: turn.answered_at.map(|answered_at| history.business_ms(turn.asked_at, answered_at, desk)),
        });
    }
}

fn push_milestones(rows: &mut RowsBuilder<Milestones>, ReplayedCase { number, history }: &ReplayedCase<'_>, _: &Desk) {
    let Some(clocks) = &history.clocks else { return };
    for instance in &clocks.instances {
        let (completed_by, ended_at) = match instance.end {
            Some((time, Ending::Completed(by))) => (by, Some(time)),
            Some((time, _)) => (None, Some(time)),
            None => (None, None),
        };
        let sum = |of: fn(&Sums) -> i64| instance.sums.as_ref().map(of);
        rows.push(MilestoneRow {
            case_id: Some(history.case_id),
            case_number: *number,
            milestone: Some(instance.milestone.name()),
            n: Some(instance.n),
            turn: instance.turn,
            since: Some(instance.since),
            until: instance.until,
            policy: Some(clocks.policy),
            policy_version: Some(instance.policy_version),
            started_at: Some(instance.started_at),
            target_ms: Some(instance.target_ms),
            due_at: instance.due_at,
            completed_at: instance.completed_at(),
            completed_by,
            stopped_at: instance.stopped_at(),
            disabled_at: instance.disabled_at(),
            assignee_at_due: instance.due_at.and_then(|due_at| history.assignee_at(due_at)),
            assignee_at_end: ended_at.and_then(|ended_at| history.assignee_at(ended_at)),
            elapsed_ms: ended_at.map(|ended_at| ended_at.since_ms(instance.started_at)),
            counted_ms: sum(|sums| sums.counted_ms),
            off_hours_ms: sum(|sums| sums.off_hours_ms),
            holiday_ms: sum(|sums| sums.holiday_ms),
            paused_ms: sum(|sums| sums.paused_ms),
            gap_ms: sum(|sums| sums.gap_ms),
        });
    }
}

fn push_ledger(
    rows: &mut RowsBuilder<Ledger>,
    ReplayedCase { number, history }: &ReplayedCase<'_>,
    clocks: &Clocks<'_>,
    instance: &Instance<'_>,
) {
    let until = instance.end.map_or(history.last_event_at, |(time, _)| time);
    for entry in clocks.timeline.entries(instance.started_at, until) {
        rows.push(LedgerRow {
            case_id: Some(history.case_id),
            case_number: *number,
            milestone: Some(instance.milestone.name()),
            n: Some(instance.n),
            since: Some(entry.since),
            until: Some(entry.until),
            label: Some(entry.label.name()),
            status: Some(entry.status.name()),
            calendar_version: entry.calendar_version,
        });
    }
}

fn push_resolutions(
    rows: &mut RowsBuilder<Resolutions>,
    ReplayedCase { number, history }: &ReplayedCase<'_>,
    desk: &Desk,
) {
    let Some(created) = &history.created else { return };
    let mut previous_resolved_at = None;
    let next = history.resolutions.iter().skip(1).map(|next| Some(next.resolved_at)).chain([None]);
    for ((resolution, next_resolved_at), n) in history.resolutions.iter().zip(next).zip(1_i64..) {
        rows.push(ResolutionRow {
            case_id: Some(history.case_id),
            case_number: *number,
            n: Some(n),
            resolved_at: Some(resolution.resolved_at),
            status: Some(resolution.status.name()),
            agent: history.assignee_at(resolution.resolved_at),
            by: resolution.by,
            elapsed_ms: Some(resolution.resolved_at.since_ms(created.at)),
            active_ms: Some(history.active_ms(created.at, resolution.resolved_at)),
            business_ms: Some(history.business_ms(created.at, resolution.resolved_at, desk)),
            reopened_at: resolution.reopened_at,
            closed_at: resolution.closed_at,
            previous_resolved_at,
            next_resolved_at,
            elapsed_business_ms: Some(history.elapsed_business_ms(resolution.resolved_at, desk)),
        });
        previous_resolved_at = Some(resolution.resolved_at);
    }
}

fn push_messages(rows: &mut RowsBuilder<Messages>, ReplayedCase { number, history }: &ReplayedCase<'_>, _: &Desk) {
    let deleted = history.deleted_at.is_some();
    for row in &history.messages {
        rows.push(MessageRow {
            case_id: Some(history.case_id),
            case_number: *number,
            time: Some(row.time),
            message: Some(row.message),
            direction: Some(row.direction.name()),
            kind: row.kind.map(MessageKind::name),
            by: row.by,
            bot: Some(row.bot),
            text: row.text.filter(|_| !deleted),
            sentiment: row.sentiment.map(Sentiment::name),
            language: row.language,
            liked: Some(row.liked),
            deleted_at: row.deleted_at,
            place: Some(row.place.name()),
        });
    }
}

fn push_field_values(
    rows: &mut RowsBuilder<FieldValues>,
    ReplayedCase { number, history }: &ReplayedCase<'_>,
    _: &Desk,
) {
    for (field, versions) in &history.field_values {
        for version in versions.iter() {
            rows.push(FieldValueRow {
                case_id: Some(history.case_id),
                case_number: *number,
                field: Some(field.as_ref()),
                since: Some(version.since),
                until: version.until,
                value: Some(version.value.as_ref()),
            });
        }
    }
}

fn push_locks(rows: &mut RowsBuilder<CommunityLocks>, ReplayedCase { history, .. }: &ReplayedCase<'_>, _: &Desk) {
    let Some(message) = history.created.and_then(|created| created.creation.message) else { return };
    for lock in history.locks().iter() {
        rows.push(CommunityLockRow {
            message: Some(message),
            case_id: Some(history.case_id),
            since: Some(lock.since),
            until: lock.until,
        });
    }
}

fn push_surveys(rows: &mut RowsBuilder<Surveys>, ReplayedCase { number, history }: &ReplayedCase<'_>, _: &Desk) {
    let deleted = history.deleted_at.is_some();
    for survey in history.surveys.answered() {
        rows.push(SurveyRow {
            case_id: Some(history.case_id),
            case_number: *number,
            survey: Some(survey.answer.survey),
            kind: survey.answer.kind,
            score: survey.answer.score,
            comment: survey.answer.comment.filter(|_| !deleted),
            answered_at: Some(survey.answered_at),
            agent: survey.sent_at.and_then(|sent_at| history.assignee_at(sent_at)),
        });
    }
}

fn push_findings(rows: &mut RowsBuilder<Findings>, ReplayedCase { history, .. }: &ReplayedCase<'_>, desk: &Desk) {
    for finding in &history.findings {
        let event = &finding.event;
        rows.push(FindingRow {
            time: Some(event.time),
            source: Some(event.source),
            id: Some(event.id),
            case_id: Some(history.case_id),
            kind: Some(event.kind.name()),
            rule: Some(finding.rule.name()),
            effect: Some(finding.rule.effect().name()),
            severity: Some(desk.severity_at(finding.rule, event.time)),
            detail: Some(finding.detail.as_str()),
        });
    }
}

fn push_unknown_users(
    rows: &mut RowsBuilder<UnknownUsers>,
    ReplayedCase { history, .. }: &ReplayedCase<'_>,
    desk: &Desk,
) {
    for (user, event) in &history.unknown_users {
        rows.push(UnknownUserRow {
            case_id: Some(history.case_id),
            event_position: Some(event.position()),
            user: Some(user.as_str()),
            time: Some(event.time),
            source: Some(event.source),
            id: Some(event.id),
            kind: Some(event.kind.name()),
            severity: Some(desk.severity_at(Rule::UnknownUser, event.time)),
        });
    }
}

fn push_open_spans(rows: &mut RowsBuilder<OpenSpans>, ReplayedCase { history, .. }: &ReplayedCase<'_>, desk: &Desk) {
    let Some(created) = &history.created else { return };
    for span in &history.open_spans {
        rows.push(OpenSpanRow {
            case_id: Some(history.case_id),
            customer: Some(created.creation.customer),
            profile: Some(span.profile),
            since_position: Some(span.since),
            until_position: span.until,
            created: Some(span.created),
            severity: Some(desk.severity_at(Rule::SecondOpenCase, created.at)),
        });
    }
}

fn push_load_spans(rows: &mut RowsBuilder<LoadSpans>, ReplayedCase { history, .. }: &ReplayedCase<'_>, _: &Desk) {
    for span in &history.load_spans {
        rows.push(LoadSpanRow {
            case_id: Some(history.case_id),
            user: Some(span.user),
            since_position: Some(span.since),
            until_position: span.until,
        });
    }
}

fn push_automatic_assignments(
    rows: &mut RowsBuilder<AutomaticAssignments>,
    ReplayedCase { history, .. }: &ReplayedCase<'_>,
    desk: &Desk,
) {
    for assignment in &history.automatic_assignments {
        let event = &assignment.event;
        rows.push(AutomaticAssignmentRow {
            case_id: Some(history.case_id),
            user: Some(assignment.agent),
            event_position: Some(event.position()),
            capacity: Some(assignment.capacity),
            severity: Some(desk.severity_at(Rule::OverCapacity, event.time)),
        });
    }
}

fn push_noted(rows: &mut RowsBuilder<NotedEvents>, ReplayedCase { history, .. }: &ReplayedCase<'_>, _: &Desk) {
    for (rule, count) in history.noted.counts().into_iter().filter(|(_, count)| *count > 0) {
        rows.push(NotedRow { case_id: Some(history.case_id), rule: Some(rule), count: Some(whole(count)) });
    }
}

fn push_lifetime(rows: &mut RowsBuilder<Lifetimes>, ReplayedCase { history, .. }: &ReplayedCase<'_>, _: &Desk) {
    let Some((begun_at, last_event_at)) = history.seen else { return };
    let standing = history.standing().filter(|_| history.deleted_at.is_none());
    let is_open = standing.is_some_and(|standing| !standing.status.is_resolved());
    rows.push(LifetimeRow {
        case_id: Some(history.case_id),
        begun_at: Some(begun_at),
        settled_at: (!is_open).then_some(last_event_at),
        last_assignee: standing.and(history.assignments.last()).map(|last| last.agent),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tables::CASE_TABLES;

    #[test]
    fn every_table_of_cases_is_filled() {
        let filled: Vec<&str> = case_tables().iter().map(|table| table.table().name).collect();
        assert_eq!(filled, CASE_TABLES.each_ref().map(|table| table.name));
    }
}
