//! What messages do to a case: they open and answer turns, reopen the case and set its status (2.3, 3.3).

use super::Case;
use super::milestones::Ending;
use super::rows::{Direction, MessagePlace, MessageRow, Turn};
use super::status::Trigger;
use crate::model::desk::Desk;
use crate::model::event::{CaseEvent, Message};
use crate::model::finding::Rule;
use crate::model::policy::Milestone;
use crate::model::time::Instant;

impl<'a> Case<'a> {
    pub(super) fn take_message(&mut self, event: &CaseEvent<'a>, message: &Message<'a>, desk: &Desk) {
        let bot = message.bot || event.by.is_some_and(|by| desk.is_bot(by, event.time));
        let direction = Direction::of(event.kind);
        let place = self.place_of(direction, event.time);
        self.history.add_message(MessageRow::new(event, message, direction, place, bot));
        match (direction, place) {
            (_, MessagePlace::BeforeCase) => {
                self.add_finding(event, Rule::MessageBeforeCase, "the case has not been created")
            }
            (Direction::Received, MessagePlace::AfterClose) => {
                self.add_finding(event, Rule::MessageAfterClose, "the case is closed; the message opens nothing");
            }
            (Direction::Received, _) => self.receive(event, message, desk),
            (Direction::Sent, _) => self.send(event, message, bot, desk),
            (Direction::Noted, _) => {}
        }
    }

    pub(super) fn is_repeated(&mut self, event: &CaseEvent<'a>, message: &Message<'a>) -> bool {
        let direction = Direction::of(event.kind);
        self.messages_of_instant.is_repeated(&self.history.messages, event.time, direction, message.message)
    }

    /// Whether a message is in the case, or is kept and does nothing (2.7).
    fn place_of(&self, direction: Direction, time: Instant) -> MessagePlace {
        match &self.state {
            None => MessagePlace::BeforeCase,
            Some(state) if direction == Direction::Received && state.is_closed(time) => MessagePlace::AfterClose,
            Some(state) if direction == Direction::Sent && state.standing.status.is_resolved() => {
                MessagePlace::Resolved
            }
            Some(_) => MessagePlace::InCase,
        }
    }

    fn receive(&mut self, event: &CaseEvent<'a>, message: &Message<'a>, desk: &Desk) {
        self.follow_transition(event, Trigger::MessageReceived, None, desk);
        self.ask(event, message);
    }

    /// Opens a turn, unless the first response is still due or a turn is open.
    fn ask(&mut self, event: &CaseEvent<'a>, message: &Message<'a>) {
        let Some(state) = &mut self.state else { return };
        if self.history.first_response().is_some() && state.open_turn.is_none() {
            state.open_turn = Some(self.history.turns.len());
            self.history.turns.push(Turn::asked(event.time, Some(message.kind)));
            self.start_clock(Milestone::NextResponse, event.time);
        }
    }

    fn send(&mut self, event: &CaseEvent<'a>, message: &Message<'a>, bot: bool, desk: &Desk) {
        let Some(standing) = self.standing() else { return };
        if let (Some(by), Some(assignee)) = (event.by, standing.assignee)
            && by != assignee
            && !bot
        {
            self.add_finding(
                event,
                Rule::ReplyByOther,
                format!("`{by}` replied; the case is assigned to `{assignee}`"),
            );
        }
        if standing.status.is_resolved() {
            return self.add_finding(
                event,
                Rule::ReplyInResolvedCase,
                format!("the case is {}", standing.status.name()),
            );
        }
        self.history.note_reply_of_assignee(event);
        if !bot {
            self.answer(event);
        }
        self.follow_transition(event, Trigger::MessageSent, message.set_status, desk);
    }

    /// A person's reply answers the first response, else the open turn.
    fn answer(&mut self, event: &CaseEvent<'a>) {
        let Some(state) = &mut self.state else { return };
        let first = self.history.first_response().is_none();
        let turn = if first { Some(0) } else { state.open_turn.take() };
        let milestone = if first { Milestone::FirstResponse } else { Milestone::NextResponse };
        state.runs.end(milestone, event.time, Ending::Completed(event.by));
        if let Some(turn) = turn.and_then(|position| self.history.turns.get_mut(position)) {
            turn.answered_at = Some(event.time);
            turn.answered_by = event.by;
        }
    }
}
