//! What agents do: shifts, breaks, the choice of the next case, and the events of a visit to a case.
//!
//! An agent does one thing at a time. A visit has three points: the case has been read, the answer is written, the rest is
//! done. An interruption (the end of the shift, handing on, a deletion) increments the agent's visit number, which cancels
//! the points that are still planned.

use std::io;
use std::rc::Rc;

use super::agenda::{Reason, Step, VisitPoint};
use super::case::{Case, Need, Stage, Status};
use super::desk::{ROUTER, SHIFT, SUPERVISORS};
use super::rhythm::{DAY, HOUR, MINUTE, is_holiday};
use super::simulation::Simulation;
use super::text;

/// Agents take no case in the last minutes of a shift.
const LAST_MINUTES: i64 = 12 * MINUTE;

impl<W: io::Write> Simulation<W> {
    /// Plans the first shift of every agent.
    pub(super) fn plan_shifts(&mut self) {
        for agent in 0..self.agents.len() {
            self.plan_shift(agent, self.period.begin.div_euclid(DAY));
        }
    }

    /// A shift begins some minutes before or after its planned start.
    fn plan_shift(&mut self, number: usize, day: i64) {
        let Some(agent) = self.agents.get(number) else { return };
        let at = agent.shift.start(day) + self.random.between(-6 * MINUTE, 9 * MINUTE);
        self.agenda.plan(at, Step::ShiftStart { agent: number, day });
    }

    pub(super) fn start_shift(&mut self, number: usize, day: i64) -> io::Result<()> {
        self.plan_shift(number, day + 1);
        let away = self.absence(day);
        let absent = self.random.chance(away);
        if absent || self.agents.get(number).is_none_or(|agent| !agent.shift.works_on(day)) {
            return Ok(());
        }
        let length = SHIFT + self.random.between(-10 * MINUTE, 15 * MINUTE);
        let until_break = self.random.between(3 * HOUR + 30 * MINUTE, 5 * HOUR);
        let end = self.now() + length;
        let Some(state) = self.agent_states.get_mut(number) else { return Ok(()) };
        (state.on_shift, state.away, state.break_due, state.shift_end) = (true, false, false, end);
        self.plan(until_break, Step::BreakDue { agent: number });
        self.plan(length, Step::ShiftOver { agent: number });
        self.write_presence(number, "online")?;
        self.call(number)
    }

    /// How many agents stay away on a day, in thousandths.
    fn absence(&self, day: i64) -> u64 {
        match day {
            _ if is_holiday(day) => 750,
            // Many who worked during the outage have the next days off.
            _ if self.period.is_outage((day - 1) * DAY + 12 * HOUR) => 350,
            _ if self.period.is_outage((day - 2) * DAY + 12 * HOUR) => 250,
            _ => 40,
        }
    }

    fn write_presence(&mut self, number: usize, presence: &str) -> io::Result<()> {
        let Some(agent) = self.agents.get(number) else { return Ok(()) };
        self.events.about("user.presence_changed", format_args!("{}", agent.id)).text("presence", presence).end()
    }

    /// A break begins once the present visit is over.
    pub(super) fn break_due(&mut self, number: usize) -> io::Result<()> {
        if let Some(state) = self.agent_states.get_mut(number) {
            state.break_due = true;
        }
        self.call(number)
    }

    fn start_break(&mut self, number: usize) -> io::Result<()> {
        let length = self.random.between(28 * MINUTE, 50 * MINUTE);
        self.leave_idle(number);
        let Some(state) = self.agent_states.get_mut(number) else { return Ok(()) };
        (state.break_due, state.away) = (false, true);
        self.plan(length, Step::BreakOver { agent: number });
        self.write_presence(number, "away")
    }

    pub(super) fn end_break(&mut self, number: usize) -> io::Result<()> {
        let Some(state) = self.agent_states.get_mut(number).filter(|state| state.on_shift) else { return Ok(()) };
        state.away = false;
        self.write_presence(number, "online")?;
        self.call(number)
    }

    /// The agent goes offline; by the settings all their open cases go back to New.
    pub(super) fn end_shift(&mut self, number: usize) -> io::Result<()> {
        self.leave_idle(number);
        let now = self.now();
        let Some(state) = self.agent_states.get_mut(number) else { return Ok(()) };
        (state.on_shift, state.away, state.visiting) = (false, false, None);
        state.visit += 1;
        state.held.clear();
        let open = std::mem::take(&mut state.open);
        self.write_presence(number, "offline")?;
        for case in open {
            self.give_back(case, now);
        }
        self.call_idle_agent()
    }

    /// A case that loses its agent is New; if it needs an agent, it goes back into the queue, before later cases.
    fn give_back(&mut self, number: u64, now: i64) {
        let Some(case) = self.cases.get_mut(&number) else { return };
        (case.status, case.assignee) = (Status::New, None);
        if matches!(case.stage, Stage::Held | Stage::Visited) {
            let position = now - case.head_start_ms() - 4 * HOUR;
            self.enqueue(number, position);
        }
    }

    /// Finds work for an agent who may be free: a break, then what they hold, then the queue.
    pub(super) fn call(&mut self, number: usize) -> io::Result<()> {
        let now = self.now();
        let Some(state) = self.agent_states.get_mut(number).filter(|state| state.is_free()) else { return Ok(()) };
        if state.break_due && state.shift_end - now > HOUR {
            return self.start_break(number);
        }
        if state.shift_end - now < LAST_MINUTES {
            self.leave_idle(number);
            return Ok(());
        }
        while let Some(case) = self.agent_states.get_mut(number).and_then(|state| state.held.pop_front()) {
            if self.cases.get(&case).is_some_and(|case| case.stage == Stage::Held && case.assignee == Some(number)) {
                self.start_visit(number, case);
                return Ok(());
            }
        }
        if self.has_capacity(number)
            && let Some((_, case)) = self.queue.pop_first()
        {
            return self.take(number, case);
        }
        self.be_idle(number);
        Ok(())
    }

    /// Gives the first case of the queue to the agent who has been idle longest.
    pub(super) fn call_idle_agent(&mut self) -> io::Result<()> {
        let Some(agent) = self.idle.iter().map(|&(_, agent)| agent).find(|&agent| self.has_capacity(agent)) else {
            return Ok(());
        };
        if self.queue.is_empty() { Ok(()) } else { self.call(agent) }
    }

    fn has_capacity(&self, number: usize) -> bool {
        let capacity = self.agents.get(number).map_or(0, |agent| agent.capacity);
        self.agent_states.get(number).is_some_and(|state| state.open.len() < capacity)
    }

    fn be_idle(&mut self, number: usize) {
        let now = self.now();
        if let Some(state) = self.agent_states.get_mut(number) {
            let since = *state.idle_since.get_or_insert(now);
            self.idle.insert((since, number));
        }
    }

    fn leave_idle(&mut self, number: usize) {
        if let Some(since) = self.agent_states.get_mut(number).and_then(|state| state.idle_since.take()) {
            self.idle.remove(&(since, number));
        }
    }

    /// An agent takes a case from the queue, or gets it from the router or a supervisor.
    fn take(&mut self, number: usize, case_number: u64) -> io::Result<()> {
        let (Some(agent), Some(case)) = (self.agents.get(number), self.cases.get_mut(&case_number)) else {
            return Ok(());
        };
        (case.status, case.assignee) = (Status::Open, Some(number));
        let routed = agent.auto_assign && self.random.chance(case.customer.profile.routed);
        let event = self.events.case("case.assigned", case_number).text("agent", &agent.id);
        match routed {
            true => event.text("by", ROUTER).raw("automatic", format_args!("true")),
            false if self.random.chance(120) => event.text("by", self.random.word(&SUPERVISORS)),
            false => event.text("by", &agent.id),
        };
        event.end()?;
        if let Some(state) = self.agent_states.get_mut(number) {
            state.open.insert(case_number);
        }
        self.start_visit(number, case_number);
        Ok(())
    }

    fn start_visit(&mut self, number: usize, case_number: u64) {
        self.leave_idle(number);
        let (Some(agent), Some(state)) = (self.agents.get(number), self.agent_states.get_mut(number)) else { return };
        let Some(case) = self.cases.get_mut(&case_number) else { return };
        case.enter(Stage::Visited);
        state.visit += 1;
        state.visiting = Some(case_number);
        let visit = state.visit;
        let whole = self.random.around(visit_ms(case, self.pace_ms) * agent.slowness / 1_000, 0.8).max(20_000);
        let reading = whole * self.random.between(15, 45) / 100;
        self.plan(reading, Step::Visit { agent: number, visit, at: VisitPoint::Read });
        self.plan(whole, Step::Visit { agent: number, visit, at: VisitPoint::Answered });
    }

    pub(super) fn visit(&mut self, number: usize, visit: u64, at: VisitPoint) -> io::Result<()> {
        let Some(state) = self.agent_states.get(number).filter(|state| state.visit == visit) else { return Ok(()) };
        let Some(case_number) = state.visiting else { return Ok(()) };
        let Some(agent) = self.agents.get(number).map(|agent| Rc::clone(&agent.id)) else { return Ok(()) };
        if !self.cases.contains_key(&case_number) {
            return self.end_visit(number);
        }
        match at {
            VisitPoint::Read => self.read(number, &agent, case_number),
            VisitPoint::Answered => self.answer(number, &agent, case_number),
            VisitPoint::Wrapped => self.finish(number, &agent, case_number, Status::Done),
        }
    }

    /// The visit is over; the points of it that are still planned are cancelled.
    fn end_visit(&mut self, number: usize) -> io::Result<()> {
        if let Some(state) = self.agent_states.get_mut(number) {
            state.visiting = None;
            state.visit += 1;
        }
        self.call(number)
    }

    /// What reading a case leads to: filled fields, another priority, a note, a like; rarely another agent.
    fn read(&mut self, number: usize, agent: &str, case_number: u64) -> io::Result<()> {
        let Some(case) = self.cases.get_mut(&case_number) else { return Ok(()) };
        if case.need == Need::Farewell {
            return self.like(agent, case_number, 200);
        }
        if !case.has_product && !case.topic.products.is_empty() && self.random.chance(620) {
            case.has_product = true;
            let value = self.random.word(case.topic.products);
            let event =
                self.events.case("case.field_changed", case_number).text("field", "product").text("value", value);
            event.text("by", agent).end()?;
        }
        if self.random.chance(60) {
            let priority =
                if case.priority == "medium" { self.random.word(&["low", "high", "high"]) } else { "medium" };
            case.priority = priority;
            self.events
                .case("case.priority_changed", case_number)
                .text("priority", priority)
                .text("by", agent)
                .end()?;
        }
        if case.sentiment == "positive" {
            self.like(agent, case_number, 350)?;
        }
        match self.random.below(1_000) {
            0..35 => self.pass_on(number, agent, case_number),
            35..47 => self.put_back(number, agent, case_number),
            47..62 => self.link(agent, case_number),
            62..70 => self.delete_message(agent, case_number),
            70..170 => self.note(agent, case_number, None),
            _ => Ok(()),
        }
    }

    fn like(&mut self, agent: &str, case_number: u64, per_mille: u64) -> io::Result<()> {
        let message = self.cases.get(&case_number).map_or(0, |case| case.last_received);
        if !self.random.chance(per_mille) {
            return Ok(());
        }
        self.events.case("message.liked", case_number).numbered("message", "m", message).text("by", agent).end()
    }

    /// Deletes a rude comment, but not its case.
    fn delete_message(&mut self, agent: &str, case_number: u64) -> io::Result<()> {
        let Some(case) = self.cases.get(&case_number).filter(|case| case.kind == "comment") else { return Ok(()) };
        let message = case.last_received;
        self.events.case("message.deleted", case_number).numbered("message", "m", message).text("by", agent).end()
    }

    fn note(&mut self, agent: &str, case_number: u64, to: Option<&str>) -> io::Result<()> {
        let message = self.next_message();
        let mentioned = to.or_else(|| self.random.chance(500).then(|| self.random.word(&SUPERVISORS)));
        let words = self.random.word(text::NOTES);
        let event = self.events.case("message.noted", case_number).numbered("message", "m", message).text("by", agent);
        match mentioned {
            Some(user) => event.text("text", &format!("@{user} {words}")).list("mentions", &[user]),
            None => event.text("text", words),
        };
        event.end()
    }

    /// The case goes to a colleague on shift, with a note.
    fn pass_on(&mut self, number: usize, agent: &str, case_number: u64) -> io::Result<()> {
        let start = usize::try_from(self.random.below(self.agent_states.len() as u64)).unwrap_or(0);
        let around = (start..self.agent_states.len()).chain(0..start);
        let on_shift = |&other: &usize| {
            other != number && self.agent_states.get(other).is_some_and(|state| state.on_shift && !state.away)
        };
        let Some(other) = around.into_iter().find(on_shift).filter(|&other| self.has_capacity(other)) else {
            return Ok(());
        };
        let Some(colleague) = self.agents.get(other).map(|agent| Rc::clone(&agent.id)) else { return Ok(()) };
        self.note(agent, case_number, Some(&colleague))?;
        self.events.case("case.assigned", case_number).text("agent", &colleague).text("by", agent).end()?;
        if let Some(case) = self.cases.get_mut(&case_number) {
            case.assignee = Some(other);
            case.enter(Stage::Held);
        }
        if let Some(state) = self.agent_states.get_mut(number) {
            state.open.remove(&case_number);
        }
        if let Some(state) = self.agent_states.get_mut(other) {
            state.open.insert(case_number);
            state.held.push_back(case_number);
        }
        self.end_visit(number)?;
        self.call(other)
    }

    /// The agent gives the case back to the queue.
    fn put_back(&mut self, number: usize, agent: &str, case_number: u64) -> io::Result<()> {
        let now = self.now();
        self.events.case("case.unassigned", case_number).text("by", agent).end()?;
        if let Some(state) = self.agent_states.get_mut(number) {
            state.open.remove(&case_number);
        }
        self.give_back(case_number, now + 5 * HOUR);
        self.end_visit(number)
    }

    fn link(&mut self, agent: &str, case_number: u64) -> io::Result<()> {
        let event = self
            .events
            .case("salesforce.linked", case_number)
            .raw("record", format_args!("\"500LO{case_number:010}\""));
        event.text("object", "case").text("user", agent).text("token", "default").end()
    }

    /// Sends the answer, and decides what the case waits for next.
    fn answer(&mut self, number: usize, agent: &str, case_number: u64) -> io::Result<()> {
        let Some(case) = self.cases.get(&case_number) else { return Ok(()) };
        if std::ptr::eq(case.topic, &text::SPAM) {
            return self.finish(number, agent, case_number, Status::Spam);
        }
        let (next, words) = self.choose_next(case_number);
        let silent = next == Next::Resolve && self.farewell_is_silent(case_number);
        if !silent {
            self.send(agent, case_number, next, words)?;
        }
        match next {
            Next::Resolve => {
                let after = self.random.between(4_000, 90_000);
                let visit = self.agent_states.get(number).map_or(0, |state| state.visit);
                self.plan(after, Step::Visit { agent: number, visit, at: VisitPoint::Wrapped });
                Ok(())
            }
            Next::Ask | Next::Hold | Next::Leave => {
                self.wait(case_number, next);
                self.end_visit(number)
            }
        }
    }

    /// After thanks, and where the customer has not written back, many cases are resolved without a message.
    fn farewell_is_silent(&mut self, case_number: u64) -> bool {
        self.cases.get(&case_number).is_some_and(|case| case.need == Need::Farewell) && self.random.chance(700)
    }

    fn choose_next(&mut self, case_number: u64) -> (Next, &'static text::Phrase) {
        let Some(case) = self.cases.get_mut(&case_number) else { return (Next::Resolve, &text::ANSWER) };
        if case.need == Need::Farewell {
            return (Next::Resolve, &text::FAREWELL);
        }
        let outage = std::ptr::eq(case.topic, &text::OUTAGE);
        if case.questions == 0 {
            let next = self.random.weighted(&[(Next::Resolve, 86), (Next::Leave, 8), (Next::Ask, 6)], Next::Resolve);
            return (next, if outage { &text::SORRY } else { &text::ANSWER });
        }
        case.questions -= 1;
        let next = self.random.weighted(&[(Next::Ask, 72), (Next::Hold, 16), (Next::Leave, 12)], Next::Ask);
        (next, if next == Next::Hold { &text::WAITING } else { &text::ASKING })
    }

    fn send(&mut self, agent: &str, case_number: u64, next: Next, words: &text::Phrase) -> io::Result<()> {
        let message = self.next_message();
        let Some(case) = self.cases.get_mut(&case_number) else { return Ok(()) };
        let words = text::answer(words, case.customer.language, &mut self.random);
        let event =
            self.events.case("message.sent", case_number).numbered("message", "m", message).text("kind", case.kind);
        event.text("by", agent).text("text", &words).text_if("set_status", next.set_status()).end()?;
        case.status = match next {
            Next::Ask => Status::Pending,
            Next::Hold => Status::OnHold,
            Next::Leave | Next::Resolve => case.status,
        };
        Ok(())
    }

    /// The case waits: for the workshop, or for a customer who writes back or does not.
    fn wait(&mut self, case_number: u64, next: Next) {
        let Some(case) = self.cases.get_mut(&case_number) else { return };
        case.enter(Stage::Waiting);
        case.need = if next == Next::Hold { Need::Answer } else { Need::Farewell };
        let turn = case.turn;
        let patience = match next {
            // Some spare parts take a week.
            Next::Hold if self.random.chance(200) => self.random.around(5 * DAY, 0.8),
            Next::Hold => self.random.around(14 * HOUR, 1.2),
            _ => self.random.around(40 * HOUR, 0.5),
        };
        self.plan(patience, Step::WaitOver { case: case_number, turn });
        if next != Next::Hold && self.random.chance(if next == Next::Ask { 780 } else { 450 }) {
            let after = self.random.around(100 * MINUTE, 1.7);
            self.plan(after, Step::Write { case: case_number, why: Reason::Asked });
        }
    }

    fn finish(&mut self, number: usize, agent: &str, case_number: u64, status: Status) -> io::Result<()> {
        self.resolve(agent, case_number, status)?;
        self.end_visit(number)
    }
}

/// What follows an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Resolve,
    /// The customer is asked something.
    Ask,
    /// The workshop is asked something.
    Hold,
    /// The case stays open in case the customer writes back.
    Leave,
}

impl Next {
    fn set_status(self) -> Option<&'static str> {
        match self {
            Self::Ask => Some("pending"),
            Self::Hold => Some("on_hold"),
            Self::Resolve | Self::Leave => None,
        }
    }
}

/// How long a visit to a case usually takes: a goodbye takes little time, spam less, and urgent cases are handled faster.
fn visit_ms(case: &Case, pace_ms: i64) -> i64 {
    let per_cent = match (case.need, case.priority) {
        (Need::Farewell, _) => 20,
        _ if std::ptr::eq(case.topic, &text::SPAM) => 10,
        (_, "urgent") => 75,
        (_, "high") => 90,
        _ => 100,
    };
    pace_ms * per_cent / 100
}
