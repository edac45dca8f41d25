//! Histories in, rows of the fact tables out.

use arrow::array::RecordBatch;

use super::sheet::{Cell, Sheet};
use super::tables::{CASE_SHEETS, FactTable, LEDGER};
use crate::error::Result;
use crate::model::case::clock::Sums;
use crate::model::case::history::{Created, Direction, History, SENTIMENT_FIELD};
use crate::model::case::milestones::{Clocks, Ending, Instance};
use crate::model::desk::Desk;
use crate::model::event::{MessageKind, Position, Sentiment};
use crate::model::finding::Rule;

/// Rows of a table that are handed over at once.
const BATCH_ROWS: usize = 1024;

/// Collects the histories of cases, table by table.
pub struct Output<'d> {
    desk: &'d Desk,
    sheets: [Sheet; CASE_SHEETS.len()],
}

impl<'d> Output<'d> {
    /// An empty output; the desk says how severe findings are.
    #[must_use]
    pub fn new(desk: &'d Desk) -> Output<'d> {
        Output { desk, sheets: CASE_SHEETS.each_ref().map(|table| Sheet::with_capacity(table.columns, BATCH_ROWS)) }
    }

    /// Adds the rows of one case. A case that was reopened thousands of times has a ledger that is handed over on the way.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn push(
        &mut self,
        history: &History<'_>,
        mut take: impl FnMut(&FactTable, &RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let [
            cases,
            periods,
            assignments,
            turns,
            milestones,
            ledger,
            resolutions,
            messages,
            fields,
            locks,
            surveys,
            findings,
            strangers,
            spans,
            loads,
            automatic,
            noted,
            lifetimes,
        ] = &mut self.sheets;
        if let Some(created) = &history.created {
            push_case(cases, history, created);
            push_resolutions(resolutions, history, created, self.desk);
        }
        push_periods(periods, history);
        push_assignments(assignments, history);
        push_turns(turns, history, self.desk);
        if let Some(clocks) = &history.clocks {
            push_milestones(milestones, history, clocks);
            for instance in &clocks.instances {
                push_ledger(ledger, history, clocks, instance);
                if ledger.rows() >= BATCH_ROWS {
                    take(&LEDGER, &ledger.finish()?)?;
                }
            }
        }
        push_messages(messages, history);
        push_field_values(fields, history);
        push_locks(locks, history);
        push_surveys(surveys, history);
        push_load_spans(loads, history);
        push_automatic_assignments(automatic, history, self.desk);
        push_findings(findings, history, self.desk);
        push_strangers(strangers, history, self.desk);
        push_open_spans(spans, history, self.desk);
        for (rule, count) in history.noted.counts().into_iter().filter(|(_, count)| *count > 0) {
            noted.push([history.case_id.into(), rule.into(), whole(count).into()]);
        }
        push_lifetime(lifetimes, history);
        Ok(())
    }

    /// Hands over the rows of tables that have enough of them, or all rows.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn drain(&mut self, all: bool, mut take: impl FnMut(&FactTable, &RecordBatch) -> Result<()>) -> Result<()> {
        let least = if all { 1 } else { BATCH_ROWS };
        for (table, sheet) in CASE_SHEETS.iter().zip(&mut self.sheets).filter(|(_, sheet)| sheet.rows() >= least) {
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

fn push_case(sheet: &mut Sheet, history: &History<'_>, created: &Created<'_>) {
    let Some(standing) = history.standing() else { return };
    let first_turn = history.turns.first();
    let resolution = history.resolutions.last().filter(|last| last.reopened_at.is_none());
    let sent =
        |bot: bool| history.messages.iter().filter(move |row| row.direction == Direction::Sent && row.bot == bot);
    let of = |direction: Direction| history.messages.iter().filter(move |row| row.direction == direction);
    let deleted = history.deleted_at.is_some();
    sheet.push([
        history.case_id.into(),
        created.creation.customer.into(),
        standing.profile.into(),
        history.platform.as_deref().into(),
        created.creation.origin.unwrap_or("manual").into(),
        created.creation.language.into(),
        created.at.into(),
        created.by.into(),
        created.creation.text.filter(|_| !deleted).into(),
        history.clocks.as_ref().map(|clocks| clocks.policy).into(),
        history.clocks.as_ref().map(|clocks| clocks.policy_version).into(),
        history.first_assigned_at.into(),
        history.first_response().into(),
        first_turn.and_then(|turn| turn.answered_by).into(),
        history.resolutions.first().map(|first| first.resolved_at).into(),
        resolution.map(|last| last.resolved_at).into(),
        resolution.and_then(|last| last.by).into(),
        count(history.resolutions.iter().filter(|resolution| resolution.reopened_at.is_some())),
        history.closes_at.into(),
        history.closed_at.into(),
        history.deleted_at.into(),
        standing.status.name().into(),
        standing.assignee.into(),
        standing.priority.name().into(),
        sentiment(history).into(),
        Cell::Map(fields(history)),
        count(of(Direction::Received)),
        count(sent(false)),
        count(sent(true)),
        count(of(Direction::Noted)),
        count(history.assignments.iter()),
        of(Direction::Received).map(|row| row.time).max().into(),
        sent(false).map(|row| row.time).max().into(),
        history.salesforce_record.into(),
        history.surveys.last_score().into(),
    ]);
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

fn push_periods(sheet: &mut Sheet, history: &History<'_>) {
    for period in &history.periods {
        sheet.push([
            history.case_id.into(),
            period.since.into(),
            period.until.into(),
            period.standing.status.name().into(),
            period.standing.assignee.into(),
            period.standing.priority.name().into(),
            period.standing.profile.into(),
            period.cause.name.into(),
            period.cause.source.as_ref().into(),
            period.cause.id.as_ref().into(),
        ]);
    }
}

fn push_assignments(sheet: &mut Sheet, history: &History<'_>) {
    for (assignment, n) in history.assignments.iter().zip(1_i64..) {
        sheet.push([
            history.case_id.into(),
            n.into(),
            assignment.agent.into(),
            assignment.assigned_at.into(),
            assignment.assigned_by.into(),
            assignment.automatic.into(),
            assignment.ended.map(|(time, _)| time).into(),
            assignment.ended.map(|(_, end)| end.name()).into(),
            assignment.first_reply_at.into(),
        ]);
    }
}

fn push_turns(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for (turn, n) in history.turns.iter().zip(1_i64..) {
        sheet.push([
            history.case_id.into(),
            n.into(),
            turn.asked_at.into(),
            turn.answered_at.into(),
            turn.answered_by.into(),
            turn.stopped_at.into(),
            history.assignee_at(turn.asked_at).into(),
            turn.kind.map(MessageKind::name).into(),
            turn.answered_at.map(|answered_at| answered_at.since_ms(turn.asked_at)).into(),
            turn.answered_at.map(|answered_at| history.active_ms(turn.asked_at, answered_at)).into(),
            turn.answered_at.map(|answered_at| history.business_ms(turn.asked_at, answered_at, desk)).into(),
        ]);
    }
}

fn push_milestones(sheet: &mut Sheet, history: &History<'_>, clocks: &Clocks<'_>) {
    for instance in &clocks.instances {
        let (completed_by, ended_at) = match instance.end {
            Some((time, Ending::Completed(by))) => (by, Some(time)),
            Some((time, _)) => (None, Some(time)),
            None => (None, None),
        };
        let sum = |of: fn(&Sums) -> i64| Cell::Whole(instance.sums.as_ref().map(of));
        sheet.push([
            history.case_id.into(),
            instance.milestone.name().into(),
            instance.n.into(),
            instance.turn.into(),
            instance.since.into(),
            instance.until.into(),
            clocks.policy.into(),
            instance.policy_version.into(),
            instance.started_at.into(),
            instance.target_ms.into(),
            instance.due_at.into(),
            instance.completed_at().into(),
            completed_by.into(),
            instance.stopped_at().into(),
            instance.disabled_at().into(),
            instance.due_at.and_then(|due_at| history.assignee_at(due_at)).into(),
            ended_at.and_then(|ended_at| history.assignee_at(ended_at)).into(),
            ended_at.map(|ended_at| ended_at.since_ms(instance.started_at)).into(),
            sum(|sums| sums.counted_ms),
            sum(|sums| sums.off_hours_ms),
            sum(|sums| sums.holiday_ms),
            sum(|sums| sums.paused_ms),
            sum(|sums| sums.gap_ms),
        ]);
    }
}

fn push_ledger(sheet: &mut Sheet, history: &History<'_>, clocks: &Clocks<'_>, instance: &Instance<'_>) {
    let until = instance.end.map_or(history.last_event_at, |(time, _)| time);
    for entry in clocks.timeline.entries(instance.started_at, until) {
        sheet.push([
            history.case_id.into(),
            instance.milestone.name().into(),
            instance.n.into(),
            entry.since.into(),
            entry.until.into(),
            entry.label.name().into(),
            entry.status.name().into(),
            entry.calendar_version.into(),
        ]);
    }
}

fn push_resolutions(sheet: &mut Sheet, history: &History<'_>, created: &Created<'_>, desk: &Desk) {
    for (resolution, n) in history.resolutions.iter().zip(1_i64..) {
        sheet.push([
            history.case_id.into(),
            n.into(),
            resolution.resolved_at.into(),
            resolution.status.name().into(),
            history.assignee_at(resolution.resolved_at).into(),
            resolution.by.into(),
            resolution.resolved_at.since_ms(created.at).into(),
            history.active_ms(created.at, resolution.resolved_at).into(),
            history.business_ms(created.at, resolution.resolved_at, desk).into(),
            resolution.reopened_at.into(),
            resolution.closed_at.into(),
        ]);
    }
}

fn push_messages(sheet: &mut Sheet, history: &History<'_>) {
    let deleted = history.deleted_at.is_some();
    for row in &history.messages {
        sheet.push([
            history.case_id.into(),
            row.time.into(),
            row.message.into(),
            row.direction.name().into(),
            row.kind.map(MessageKind::name).into(),
            row.by.into(),
            row.bot.into(),
            row.text.filter(|_| !deleted).into(),
            row.sentiment.map(Sentiment::name).into(),
            row.language.into(),
            row.liked.into(),
            row.deleted_at.into(),
            row.place.name().into(),
        ]);
    }
}

fn push_field_values(sheet: &mut Sheet, history: &History<'_>) {
    for (field, versions) in &history.field_values {
        for version in versions.iter() {
            sheet.push([
                history.case_id.into(),
                field.as_ref().into(),
                version.since.into(),
                version.until.into(),
                version.value.as_ref().into(),
            ]);
        }
    }
}

fn push_locks(sheet: &mut Sheet, history: &History<'_>) {
    let Some(message) = history.created.and_then(|created| created.creation.message) else { return };
    for lock in history.locks().iter() {
        sheet.push([message.into(), history.case_id.into(), lock.since.into(), lock.until.into()]);
    }
}

fn push_surveys(sheet: &mut Sheet, history: &History<'_>) {
    let deleted = history.deleted_at.is_some();
    for survey in history.surveys.answered() {
        sheet.push([
            history.case_id.into(),
            survey.answer.survey.into(),
            survey.answer.kind.into(),
            survey.answer.score.into(),
            survey.answer.comment.filter(|_| !deleted).into(),
            survey.answered_at.into(),
            survey.sent_at.and_then(|sent_at| history.assignee_at(sent_at)).into(),
        ]);
    }
}

fn push_findings(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for finding in &history.findings {
        let event = &finding.event;
        sheet.push([
            event.time.into(),
            event.source.into(),
            event.id.into(),
            history.case_id.into(),
            event.kind.name().into(),
            finding.rule.name().into(),
            finding.rule.effect().name().into(),
            desk.severity_at(finding.rule, event.time).into(),
            finding.detail.as_str().into(),
        ]);
    }
}

fn push_strangers(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for (user, event) in &history.strangers {
        sheet.push([
            history.case_id.into(),
            event.position().to_text().as_str().into(),
            user.as_str().into(),
            event.time.into(),
            event.source.into(),
            event.id.into(),
            event.kind.name().into(),
            desk.severity_at(Rule::UnknownUser, event.time).into(),
        ]);
    }
}

fn push_open_spans(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    let Some(created) = &history.created else { return };
    for span in &history.open_spans {
        let until = span.until.map_or_else(|| Position::END_TEXT.to_owned(), Position::to_text);
        sheet.push([
            history.case_id.into(),
            created.creation.customer.into(),
            span.profile.into(),
            span.since.to_text().as_str().into(),
            until.as_str().into(),
            span.created.into(),
            desk.severity_at(Rule::SecondOpenCase, created.at).into(),
        ]);
    }
}

fn push_load_spans(sheet: &mut Sheet, history: &History<'_>) {
    for span in &history.load_spans {
        let until = span.until.map(Position::to_text);
        let since = span.since.to_text();
        sheet.push([history.case_id.into(), span.user.into(), since.as_str().into(), until.as_deref().into()]);
    }
}

fn push_automatic_assignments(sheet: &mut Sheet, history: &History<'_>, desk: &Desk) {
    for assignment in &history.automatic_assignments {
        let event = &assignment.event;
        sheet.push([
            history.case_id.into(),
            assignment.agent.into(),
            event.position().to_text().as_str().into(),
            assignment.capacity.into(),
            desk.severity_at(Rule::OverCapacity, event.time).into(),
        ]);
    }
}

fn push_lifetime(sheet: &mut Sheet, history: &History<'_>) {
    let Some((begun_at, last_event_at)) = history.seen else { return };
    let standing = history.standing().filter(|_| history.deleted_at.is_none());
    let is_open = standing.is_some_and(|standing| !standing.status.is_resolved());
    sheet.push([
        history.case_id.into(),
        begun_at.into(),
        (!is_open).then_some(last_event_at).into(),
        standing.and(history.assignments.last()).map(|last| last.agent).into(),
    ]);
}
