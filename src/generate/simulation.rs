//! The simulation of the desk, step by step in time order, and what happens to cases by themselves.
//!
//! What customers do is in [`customer`](super::customer), what agents do in [`work`](super::work). All of them keep the status
//! of a case as the life cycle of the log will see it, with the automatic transitions for which there is no event. So people
//! act as they would on a real desk: no agent answers a closed case, and a case that lost its agent at the end of a shift
//! waits for another one. Memory holds only the cases to which something can still happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use super::agenda::{Agenda, Reason, Step, Survey};
use super::agent_state::{self, AgentState};
use super::arrivals::Arrivals;
use super::case::{Case, Customer, Need, Stage, Status};
use super::desk::{self, Agent, GREETER, ROUTER, SUPERVISORS};
use super::event::Events;
use super::plan::{Plan, Summary};
use super::random::Random;
use super::rhythm::{DAY, HOUR, MINUTE, Period};
use super::text;

/// How many customers of closed cases are remembered, so that they can write again.
const REGULARS_MAX: usize = 400;

/// The state of the whole desk at the instant of the next event.
pub(super) struct Simulation<W: io::Write> {
    pub(super) events: Events<W>,
    pub(super) agenda: Agenda,
    pub(super) random: Random,
    pub(super) period: Period,
    pub(super) cases: BTreeMap<u64, Case>,
    /// Unassigned cases that an agent would take now: by urgency, then number.
    pub(super) queue: BTreeSet<(i64, u64)>,
    pub(super) agents: Vec<Agent>,
    pub(super) agent_states: Vec<AgentState>,
    /// Agents with nothing to do, the longest idle first.
    pub(super) idle: BTreeSet<(i64, usize)>,
    /// How long a visit of an ordinary agent to an ordinary case usually takes.
    pub(super) pace_ms: i64,
    pub(super) arrivals: Arrivals,
    pub(super) regulars: VecDeque<Customer>,
    pub(super) created: u64,
    pub(super) customers: u64,
    pub(super) messages: u64,
    pub(super) surveys: u64,
}

impl<W: io::Write> Simulation<W> {
    pub(super) fn new(plan: &Plan, out: W) -> Self {
        let period = Period::of_days(plan.days);
        let mut random = Random::seeded(plan.seed, 0);
        let agents = desk::agents(plan.cases, period.days(), &mut random);
        Self {
            events: Events::new(out, period.begin - HOUR),
            agenda: Agenda::default(),
            random,
            period,
            cases: BTreeMap::new(),
            queue: BTreeSet::new(),
            agent_states: agents.iter().map(|_| AgentState::default()).collect(),
            idle: BTreeSet::new(),
            pace_ms: agent_state::pace_ms(agents.len(), plan.cases, period.days()),
            arrivals: Arrivals::new(&period, plan.cases, plan.seed),
            agents,
            regulars: VecDeque::new(),
            created: 0,
            customers: 0,
            messages: 0,
            surveys: 0,
        }
    }

    /// Writes the desk, then everything that happens until the period ends.
    pub(super) fn run(mut self) -> io::Result<Summary> {
        desk::write_setup(&mut self.events, &self.agents, &self.period)?;
        self.plan_arrival();
        self.plan_shifts();
        while let Some((at, step)) = self.agenda.next() {
            self.events.move_to(at);
            self.take_step(step)?;
        }
        self.events.flush()?;
        let last = self.events.last.unwrap_or(self.period.begin);
        Ok(Summary { events: self.events.count, cases: self.created, first: self.events.first.unwrap_or(last), last })
    }

    fn take_step(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::Arrive => self.arrive(),
            Step::FindProfile { case } => self.find_profile(case),
            Step::Greet { case } => self.greet(case),
            Step::Notice { case, turn } => self.notice(case, turn),
            Step::Write { case, why } => self.write(case, why),
            Step::WaitOver { case, turn } => self.wait_over(case, turn),
            Step::ShiftStart { agent, day } => self.start_shift(agent, day),
            Step::BreakDue { agent } => self.break_due(agent),
            Step::BreakOver { agent } => self.end_break(agent),
            Step::ShiftOver { agent } => self.end_shift(agent),
            Step::Visit { agent, visit, at } => self.visit(agent, visit, at),
            Step::SendSurvey { case } => self.send_survey(case),
            Step::AnswerSurvey { case, survey, kind } => self.answer_survey(case, survey, kind),
            Step::Close { case, turn } => self.close(case, turn),
            Step::Delete { case } => self.delete(case),
            Step::Forget { case, turn } => self.forget(case, turn),
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.events.now()
    }

    /// Plans a step for after a duration.
    pub(super) fn plan(&mut self, after_ms: i64, step: Step) {
        self.agenda.plan(self.events.now().saturating_add(after_ms), step);
    }

    pub(super) fn next_message(&mut self) -> u64 {
        self.messages += 1;
        self.messages
    }

    /// The case, if it is still in the turn in which a step was planned.
    pub(super) fn in_turn(&mut self, case: u64, turn: u32) -> Option<&mut Case> {
        self.cases.get_mut(&case).filter(|case| case.turn == turn)
    }

    pub(super) fn plan_arrival(&mut self) {
        if let Some(at) = self.arrivals.next() {
            self.agenda.plan(at, Step::Arrive);
        }
    }

    fn find_profile(&mut self, number: u64) -> io::Result<()> {
        let by = self.random.word(&SUPERVISORS);
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        case.has_profile = true;
        self.events.case("case.profile_assigned", number).text("profile", case.customer.profile.id).text("by", by).end()
    }

    fn greet(&mut self, number: u64) -> io::Result<()> {
        let message = self.next_message();
        let Some(case) = self.cases.get(&number).filter(|case| case.is_open() && case.has_profile) else {
            return Ok(());
        };
        let words = text::GREETING.say(case.customer.language, &mut self.random);
        let event = self.events.case("message.sent", number).numbered("message", "m", message).text("kind", case.kind);
        event.text("by", GREETER).text("text", words).raw("bot", format_args!("true")).end()
    }

    /// The case is noticed to need an agent: its own, if it has one.
    fn notice(&mut self, number: u64, turn: u32) -> io::Result<()> {
        let now = self.now();
        let Some(case) = self.in_turn(number, turn) else { return Ok(()) };
        match case.assignee {
            Some(agent) => {
                case.enter(Stage::Held);
                if let Some(state) = self.agent_states.get_mut(agent) {
                    state.held.push_back(number);
                }
                self.call(agent)
            }
            None => {
                let position = now - case.head_start_ms();
                self.enqueue(number, position);
                self.call_idle_agent()
            }
        }
    }

    /// Puts an unassigned case into the queue.
    pub(super) fn enqueue(&mut self, number: u64, position: i64) {
        if let Some(case) = self.cases.get_mut(&number) {
            case.enter(Stage::Queued(position));
            self.queue.insert((position, number));
        }
    }

    fn wait_over(&mut self, number: u64, turn: u32) -> io::Result<()> {
        let Some(case) = self.in_turn(number, turn) else { return Ok(()) };
        let silent = case.need == Need::Farewell;
        case.enter(Stage::Unnoticed);
        if silent && self.random.chance(550) {
            return self.resolve(ROUTER, number, Status::Done);
        }
        let Some(case) = self.cases.get(&number) else { return Ok(()) };
        let turn = case.turn;
        self.notice(number, turn)
    }

    /// Resolves a case, and plans what may follow.
    pub(super) fn resolve(&mut self, by: &str, number: u64, status: Status) -> io::Result<()> {
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        (case.status, case.need) = (status, Need::Farewell);
        if let Some(state) = case.assignee.and_then(|agent| self.agent_states.get_mut(agent)) {
            state.open.remove(&number);
        }
        let name = if status == Status::Spam { "spam" } else { "done" };
        self.events.case("case.status_changed", number).text("status", name).text("by", by).end()?;
        self.plan_endings(number);
        Ok(())
    }

    /// Plans what follows from a resolution.
    fn plan_endings(&mut self, number: u64) {
        let now = self.now();
        let Some(case) = self.cases.get_mut(&number) else { return };
        case.enter(Stage::Resolved);
        let (turn, reopened, surveyed) = (case.turn, case.reopened, case.customer.profile.surveyed);
        if case.status == Status::Spam {
            return self.plan(0, Step::Forget { case: number, turn });
        }
        case.closes_at = Some(now + desk::GRACE);
        let back = if reopened { 40 } else { 52 };
        if self.random.chance(back) {
            let after = self.random.around(13 * HOUR, 1.1);
            self.plan(after, Step::Write { case: number, why: Reason::Again });
        } else if self.random.chance(20) {
            let after = self.random.around(HOUR, 1.0);
            self.plan(after, Step::Write { case: number, why: Reason::Thanks });
        } else if self.random.chance(8) {
            let after = desk::GRACE + self.random.between(HOUR, 6 * DAY);
            self.plan(after, Step::Write { case: number, why: Reason::Again });
            return self.plan(after + 1, Step::Forget { case: number, turn });
        }
        if !reopened && self.random.chance(surveyed) {
            let after = self.random.between(10 * MINUTE, 90 * MINUTE);
            self.plan(after, Step::SendSurvey { case: number });
        }
        if self.random.chance(20) {
            let after = self.random.between(HOUR, 30 * HOUR);
            self.plan(after, Step::Close { case: number, turn });
        }
        self.plan(desk::GRACE, Step::Forget { case: number, turn });
    }

    fn send_survey(&mut self, number: u64) -> io::Result<()> {
        if self.cases.get(&number).is_none_or(Case::is_open) {
            return Ok(());
        }
        self.surveys += 1;
        let survey = self.surveys;
        let kind = self.random.weighted(&[(Survey::Csat, 8), (Survey::Nps, 2)], Survey::Csat);
        if self.random.chance(270) {
            let after = self.random.around(5 * HOUR, 1.4);
            self.plan(after, Step::AnswerSurvey { case: number, survey, kind });
        }
        let event = self.events.case("survey.sent", number).numbered("survey", "sv", survey);
        event.text("kind", kind.name()).text("by", GREETER).end()
    }

    fn close(&mut self, number: u64, turn: u32) -> io::Result<()> {
        let (now, by) = (self.now(), self.random.word(&SUPERVISORS));
        let Some(case) = self.in_turn(number, turn) else { return Ok(()) };
        case.closes_at = Some(now);
        self.events.case("case.closed", number).text("by", by).end()
    }

    fn delete(&mut self, number: u64) -> io::Result<()> {
        let by = self.random.word(&SUPERVISORS);
        let Some(case) = self.cases.remove(&number) else { return Ok(()) };
        if let Stage::Queued(position) = case.stage {
            self.queue.remove(&(position, number));
        }
        if let Some(state) = case.assignee.and_then(|agent| self.agent_states.get_mut(agent)) {
            state.open.remove(&number);
        }
        self.events.case("case.deleted", number).text("by", by).end()
    }

    /// Removes the case from memory; its customer may come back with another case.
    fn forget(&mut self, number: u64, turn: u32) -> io::Result<()> {
        if self.in_turn(number, turn).is_none() {
            return Ok(());
        }
        if let Some(case) = self.cases.remove(&number).filter(|case| case.status == Status::Done) {
            if self.regulars.len() >= REGULARS_MAX {
                self.regulars.pop_front();
            }
            self.regulars.push_back(case.customer);
        }
        Ok(())
    }
}
