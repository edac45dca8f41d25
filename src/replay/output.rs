//! Histories in, rows of the fact tables out.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::facts::rows::{Cell, Sheet};
use crate::facts::tables::{
    ASSIGNMENTS, AUTOMATIC_ASSIGNMENTS, CASE_FINDINGS, CASES, COMMUNITY_LOCKS, FIELD_VALUES, FactTable, LEDGER,
    LIFETIMES, LOAD_SPANS, MESSAGES, MILESTONES, NOTED, OPEN_SPANS, PERIODS, RESOLUTIONS, STRANGERS, SURVEYS, TURNS,
};
use crate::model::case::clock::Sums;
use crate::model::case::history::{History, SENTIMENT_FIELD};
use crate::model::case::milestones::{Clocks, Ending, Instance};
use crate::model::case::rows::Direction;
use crate::model::desk::Desk;
use crate::model::event::{MessageKind, Sentiment};
use crate::model::finding::Rule;

/// A table whose rows are taken from cases, and what puts those of a case into it.
#[derive(Clone, Copy)]
pub struct CaseSheet {
    pub table: FactTable,
    fill: Fill,
}

#[derive(Clone, Copy)]
enum Fill {
    Whole(fn(&mut Sheet, &History<'_>, &Desk)),
    ByClock(fn(&mut Sheet, &History<'_>, &Clocks<'_>, &Instance<'_>)),
}

/// How each of [`CASE_TABLES`](crate::facts::tables::CASE_TABLES) is filled, in the same order.
pub const CASE_SHEETS: [CaseSheet; 18] = [
    whole_case(CASES, push_case),
    whole_case(PERIODS, push_periods),
    whole_case(ASSIGNMENTS, push_assignments),
    whole_case(TURNS, push_turns),
    whole_case(MILESTONES, push_milestones),
    CaseSheet { table: LEDGER, fill: Fill::ByClock(push_ledger) },
    whole_case(RESOLUTIONS, push_resolutions),
    whole_case(MESSAGES, push_messages),
    whole_case(FIELD_VALUES, push_field_values),
    whole_case(COMMUNITY_LOCKS, push_locks),
    whole_case(SURVEYS, push_surveys),
    whole_case(CASE_FINDINGS, push_findings),
    whole_case(STRANGERS, push_strangers),
    whole_case(OPEN_SPANS, push_open_spans),
    whole_case(LOAD_SPANS, push_load_spans),
    whole_case(AUTOMATIC_ASSIGNMENTS, push_automatic_assignments),
    whole_case(NOTED, push_noted),
    whole_case(LIFETIMES, push_lifetime),
];

const fn whole_case(table: FactTable, fill: fn(&mut Sheet, &History<'_>, &Desk)) -> CaseSheet {
    CaseSheet { table, fill: Fill::Whole(fill) }
}

/// Rows of a table that are handed over at once, and so encoded: fewer take more of the encoder's time.
const BATCH_ROWS: usize = 4096;

/// Collects the histories of cases, table by table.
pub struct Output<'d> {
    desk: &'d Desk,
    sheets: [Sheet; CASE_SHEETS.len()],
}

impl<'d> Output<'d> {
    /// An empty output; the desk says how severe findings are.
    #[must_use]
    pub fn new(desk: &'d Desk) -> Output<'d> {
        // The rows of the last case come on top.
        let rows = BATCH_ROWS + BATCH_ROWS / 8;
        Output { desk, sheets: CASE_SHEETS.each_ref().map(|sheet| Sheet::with_capacity(sheet.table.columns, rows)) }
    }

    /// Adds the rows of some cases, one table after the other: so what fills a table stays at hand. A case that was
    /// reopened thousands of times has a ledger that is handed over on the way.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn push(
        &mut self,
        histories: &[History<'_>],
        mut take: impl FnMut(&FactTable, &RecordBatch) -> Result<()>,
    ) -> Result<()> {
        for (CaseSheet { table, fill }, sheet) in CASE_SHEETS.iter().zip(&mut self.sheets) {
            let mut hand_over = |sheet: &mut Sheet| match sheet.rows() >= BATCH_ROWS {
                true => take(table, &sheet.finish()?),
                false => Ok(()),
            };
            for history in histories {
                match fill {
                    Fill::Whole(fill) => fill(sheet, history, self.desk),
                    Fill::ByClock(fill) => {
                        if let Some(clocks) = &history.clocks {
                            for instance in &clocks.instances {
                                fill(sheet, history, clocks, instance);
                                hand_over(sheet)?;
                            }
                        }
                    }
                }
                hand_over(sheet)?;
            }
        }
        Ok(())
    }

    /// Hands over the rows that are left.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn finish(mut self, mut take: impl FnMut(&FactTable, &RecordBatch) -> Result<()>) -> Result<()> {
        for (CaseSheet { table, .. }, sheet) in
            CASE_SHEETS.iter().zip(&mut self.sheets).filter(|(_, sheet)| sheet.rows() > 0)
        {
            take(table, &sheet.finish()?)?;
        }
        Ok(())
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count<T>(items: impl Iterator<Item = T>) -> Cell<'static> {
    Cell::Whole(Some(whole(items.count() as u64)))
}

fn push_case(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let Some((created, standing)) = history.created.as_ref().zip(history.standing()) else { return };
    let first_turn = history.turns.first();
    let resolution = history.resolutions.last().filter(|last| last.reopened_at.is_none());
    let sent =
        |bot: bool| history.messages.iter().filter(move |row| row.direction == Direction::Sent && row.bot == bot);
    let of = |direction: Direction| history.messages.iter().filter(move |row| row.direction == direction);
    let deleted = history.deleted_at.is_some();
    sheet
        .row()
        .put(history.case_id)
        .put(created.creation.customer)
        .put(standing.profile)
        .put(history.platform.as_deref())
        .put(created.creation.origin.unwrap_or("manual"))
        .put(created.creation.language)
        .put(created.at)
        .put(created.by)
        .put(created.creation.text.filter(|_| !deleted))
        .put(history.clocks.as_ref().map(|clocks| clocks.policy))
        .put(history.clocks.as_ref().map(|clocks| clocks.policy_version))
        .put(history.first_assigned_at)
        .put(history.first_response())
        .put(first_turn.and_then(|turn| turn.answered_by))
        .put(history.resolutions.first().map(|first| first.resolved_at))
        .put(resolution.map(|last| last.resolved_at))
        .put(resolution.and_then(|last| last.by))
        .put(count(history.resolutions.iter().filter(|resolution| resolution.reopened_at.is_some())))
        .put(history.closes_at)
        .put(history.closed_at)
        .put(history.deleted_at)
        .name(standing.status.name())
        .put(standing.assignee)
        .name(standing.priority.name())
        .put(sentiment(history))
        .put(Cell::Map(fields(history)))
        .put(count(of(Direction::Received)))
        .put(count(sent(false)))
        .put(count(sent(true)))
        .put(count(of(Direction::Noted)))
        .put(count(history.assignments.iter()))
        .put(of(Direction::Received).map(|row| row.time).max())
        .put(sent(false).map(|row| row.time).max())
        .put(history.salesforce_record)
        .put(history.surveys.last_score());
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

fn push_periods(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    for period in &history.periods {
        sheet
            .row()
            .put(history.case_id)
            .put(period.since)
            .put(period.until)
            .name(period.standing.status.name())
            .put(period.standing.assignee)
            .name(period.standing.priority.name())
            .put(period.standing.profile)
            .name(period.cause.name)
            .put(period.cause.source)
            .put(period.cause.id);
    }
}

fn push_assignments(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    for (assignment, n) in history.assignments.iter().zip(1_i64..) {
        sheet
            .row()
            .put(history.case_id)
            .put(n)
            .put(assignment.agent)
            .put(assignment.assigned_at)
            .put(assignment.assigned_by)
            .put(assignment.automatic)
            .put(assignment.ended.map(|(time, _)| time))
            .name(assignment.ended.map(|(_, end)| end.name()))
            .put(assignment.first_reply_at);
    }
}

fn push_turns(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for (turn, n) in history.turns.iter().zip(1_i64..) {
        sheet
            .row()
            .put(history.case_id)
            .put(n)
            .put(turn.asked_at)
            .put(turn.answered_at)
            .put(turn.answered_by)
            .put(turn.stopped_at)
            .put(history.assignee_at(turn.asked_at))
            .name(turn.kind.map(MessageKind::name))
            .put(turn.answered_at.map(|answered_at| answered_at.since_ms(turn.asked_at)))
            .put(turn.answered_at.map(|answered_at| history.active_ms(turn.asked_at, answered_at)))
            .put(turn.answered_at.map(|answered_at| history.business_ms(turn.asked_at, answered_at, desk)));
    }
}

fn push_milestones(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let Some(clocks) = &history.clocks else { return };
    for instance in &clocks.instances {
        let (completed_by, ended_at) = match instance.end {
            Some((time, Ending::Completed(by))) => (by, Some(time)),
            Some((time, _)) => (None, Some(time)),
            None => (None, None),
        };
        let sum = |of: fn(&Sums) -> i64| Cell::Whole(instance.sums.as_ref().map(of));
        sheet
            .row()
            .put(history.case_id)
            .name(instance.milestone.name())
            .put(instance.n)
            .put(instance.turn)
            .put(instance.since)
            .put(instance.until)
            .put(clocks.policy)
            .put(instance.policy_version)
            .put(instance.started_at)
            .put(instance.target_ms)
            .put(instance.due_at)
            .put(instance.completed_at())
            .put(completed_by)
            .put(instance.stopped_at())
            .put(instance.disabled_at())
            .put(instance.due_at.and_then(|due_at| history.assignee_at(due_at)))
            .put(ended_at.and_then(|ended_at| history.assignee_at(ended_at)))
            .put(ended_at.map(|ended_at| ended_at.since_ms(instance.started_at)))
            .put(sum(|sums| sums.counted_ms))
            .put(sum(|sums| sums.off_hours_ms))
            .put(sum(|sums| sums.holiday_ms))
            .put(sum(|sums| sums.paused_ms))
            .put(sum(|sums| sums.gap_ms));
    }
}

fn push_ledger(sheet: &mut Sheet, history: &History<'_>, clocks: &Clocks<'_>, instance: &Instance<'_>) {
    let until = instance.end.map_or(history.last_event_at, |(time, _)| time);
    for entry in clocks.timeline.entries(instance.started_at, until) {
        sheet
            .row()
            .put(history.case_id)
            .name(instance.milestone.name())
            .put(instance.n)
            .put(entry.since)
            .put(entry.until)
            .name(entry.label.name())
            .name(entry.status.name())
            .put(entry.calendar_version);
    }
}

fn push_resolutions(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    let Some(created) = &history.created else { return };
    for (resolution, n) in history.resolutions.iter().zip(1_i64..) {
        sheet
            .row()
            .put(history.case_id)
            .put(n)
            .put(resolution.resolved_at)
            .name(resolution.status.name())
            .put(history.assignee_at(resolution.resolved_at))
            .put(resolution.by)
            .put(resolution.resolved_at.since_ms(created.at))
            .put(history.active_ms(created.at, resolution.resolved_at))
            .put(history.business_ms(created.at, resolution.resolved_at, desk))
            .put(resolution.reopened_at)
            .put(resolution.closed_at);
    }
}

fn push_messages(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let deleted = history.deleted_at.is_some();
    for row in &history.messages {
        sheet
            .row()
            .put(history.case_id)
            .put(row.time)
            .put(row.message)
            .name(row.direction.name())
            .name(row.kind.map(MessageKind::name))
            .put(row.by)
            .put(row.bot)
            .put(row.text.filter(|_| !deleted))
            .name(row.sentiment.map(Sentiment::name))
            .put(row.language)
            .put(row.liked)
            .put(row.deleted_at)
            .name(row.place.name());
    }
}

fn push_field_values(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    for (field, versions) in &history.field_values {
        for version in versions.iter() {
            sheet
                .row()
                .put(history.case_id)
                .put(field.as_ref())
                .put(version.since)
                .put(version.until)
                .put(version.value.as_ref());
        }
    }
}

fn push_locks(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let Some(message) = history.created.and_then(|created| created.creation.message) else { return };
    for lock in history.locks().iter() {
        sheet.row().put(message).put(history.case_id).put(lock.since).put(lock.until);
    }
}

fn push_surveys(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let deleted = history.deleted_at.is_some();
    for survey in history.surveys.answered() {
        sheet
            .row()
            .put(history.case_id)
            .put(survey.answer.survey)
            .put(survey.answer.kind)
            .put(survey.answer.score)
            .put(survey.answer.comment.filter(|_| !deleted))
            .put(survey.answered_at)
            .put(survey.sent_at.and_then(|sent_at| history.assignee_at(sent_at)));
    }
}

fn push_findings(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for finding in &history.findings {
        let event = &finding.event;
        sheet
            .row()
            .put(event.time)
            .put(event.source)
            .put(event.id)
            .put(history.case_id)
            .name(event.kind.name())
            .name(finding.rule.name())
            .name(finding.rule.effect().name())
            .put(desk.severity_at(finding.rule, event.time))
            .put(finding.detail.as_str());
    }
}

fn push_strangers(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for (user, event) in &history.unknown_users {
        sheet
            .row()
            .put(history.case_id)
            .put(event.position())
            .put(user.as_str())
            .put(event.time)
            .put(event.source)
            .put(event.id)
            .name(event.kind.name())
            .put(desk.severity_at(Rule::UnknownUser, event.time));
    }
}

fn push_open_spans(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    let Some(created) = &history.created else { return };
    for span in &history.open_spans {
        sheet
            .row()
            .put(history.case_id)
            .put(created.creation.customer)
            .put(span.profile)
            .put(span.since)
            .put(span.until)
            .put(span.created)
            .put(desk.severity_at(Rule::SecondOpenCase, created.at));
    }
}

fn push_load_spans(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    for span in &history.load_spans {
        sheet.row().put(history.case_id).put(span.user).put(span.since).put(span.until);
    }
}

fn push_automatic_assignments(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for assignment in &history.automatic_assignments {
        let event = &assignment.event;
        sheet
            .row()
            .put(history.case_id)
            .put(assignment.agent)
            .put(event.position())
            .put(assignment.capacity)
            .put(desk.severity_at(Rule::OverCapacity, event.time));
    }
}

fn push_noted(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    for (rule, count) in history.noted.counts().into_iter().filter(|(_, count)| *count > 0) {
        sheet.row().put(history.case_id).put(rule).put(whole(count));
    }
}

fn push_lifetime(sheet: &mut Sheet, history: &History<'_>, _: &Desk) {
    let Some((begun_at, last_event_at)) = history.seen else { return };
    let standing = history.standing().filter(|_| history.deleted_at.is_none());
    let is_open = standing.is_some_and(|standing| !standing.status.is_resolved());
    sheet
        .row()
        .put(history.case_id)
        .put(begun_at)
        .put((!is_open).then_some(last_event_at))
        .put(standing.and(history.assignments.last()).map(|last| last.agent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tables::CASE_TABLES;

    #[test]
    fn every_table_of_cases_is_filled() {
        let filled: Vec<&str> = CASE_SHEETS.iter().map(|sheet| sheet.table.name).collect();
        assert_eq!(filled, CASE_TABLES.each_ref().map(|table| table.name));
    }
}
