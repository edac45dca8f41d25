//! The life of the desk, step by step in time order: cases arrive, customers write and write again, cases close.
//!
//! What agents do is in [`work`](super::work). Both keep the status of a case as the log's life cycle will see it, with the
//! automatic transitions that no event tells, so that people act as they would: nobody answers a closed case, and a case
//! that lost its agent at the end of a shift waits for another. Only cases that something can still happen to are in
//! memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use super::agenda::{Agenda, Reason, Step, Survey};
use super::case::{Case, Customer, Need, Stage, Status};
use super::desk::{self, Agent, GREETER, PROFILES, Profile, ROUTER, SUPERVISORS};
use super::event::Events;
use super::random::Random;
use super::rhythm::{Arrivals, DAY, HOUR, MINUTE, Period, pull};
use super::text::{self, Language, Topic};
use super::work::Seat;
use super::{Plan, Summary};

/// How many customers of closed cases are remembered to come back.
const REGULARS_MAX: usize = 400;

/// The whole desk at one instant, which is that of the next event.
pub(super) struct Life<W: io::Write> {
    pub(super) events: Events<W>,
    pub(super) agenda: Agenda,
    pub(super) random: Random,
    pub(super) period: Period,
    pub(super) cases: BTreeMap<u64, Case>,
    /// Unassigned cases that an agent would take now: by urgency, then number.
    pub(super) queue: BTreeSet<(i64, u64)>,
    pub(super) agents: Vec<Agent>,
    pub(super) seats: Vec<Seat>,
    /// Agents with nothing to do, the longest idle first.
    pub(super) idle: BTreeSet<(i64, usize)>,
    /// How long a visit of an ordinary agent to an ordinary case usually takes.
    pub(super) pace_ms: i64,
    arrivals: Arrivals,
    regulars: VecDeque<Customer>,
    created: u64,
    customers: u64,
    messages: u64,
    surveys: u64,
}

impl<W: io::Write> Life<W> {
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
            seats: agents.iter().map(|_| Seat::default()).collect(),
            idle: BTreeSet::new(),
            pace_ms: super::work::pace_ms(agents.len(), plan.cases, period.days()),
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
    fn in_turn(&mut self, case: u64, turn: u32) -> Option<&mut Case> {
        self.cases.get_mut(&case).filter(|case| case.turn == turn)
    }

    fn plan_arrival(&mut self) {
        if let Some(at) = self.arrivals.next() {
            self.agenda.plan(at, Step::Arrive);
        }
    }

    fn arrive(&mut self) -> io::Result<()> {
        self.plan_arrival();
        self.created += 1;
        let number = self.created;
        let customer = self.whose()?;
        let mut case = self.invent(customer);
        case.last_received = self.next_message();
        self.write_creation(number, &case)?;
        self.plan_beginnings(number, &case);
        self.cases.insert(number, case);
        Ok(())
    }

    /// Mostly somebody new; now and then somebody whose last case is closed, and hardly ever somebody whose is not.
    fn whose(&mut self) -> io::Result<Customer> {
        if self.random.chance(2)
            && let Some((_, case)) = self.cases.last_key_value()
        {
            return Ok(case.customer);
        }
        if self.random.chance(140)
            && let Some(regular) = self.somebody_back()
        {
            return Ok(regular);
        }
        self.customers += 1;
        let at = self.now();
        let weights = PROFILES.each_ref().map(|profile| (profile, pull(profile, at)));
        let profile: &'static Profile = self.random.weighted(&weights, desk::any_profile());
        let language = self.random.weighted(profile.languages, Language::En);
        let customer = Customer { number: self.customers, profile, language, name: self.random.word(text::CUSTOMERS) };
        if self.random.chance(50) {
            self.introduce(&customer)?;
        }
        Ok(customer)
    }

    fn somebody_back(&mut self) -> Option<Customer> {
        let at = usize::try_from(self.random.below(self.regulars.len() as u64)).ok()?;
        self.regulars.swap_remove_back(at)
    }

    /// Some customers are known to the shop.
    fn introduce(&mut self, customer: &Customer) -> io::Result<()> {
        let tier = self.random.word(&["gold", "silver", "silver"]);
        let event = self.events.about("customer.updated", format_args!("cu-{:06}", customer.number));
        event.text("name", customer.name).text("tier", tier).end()
    }

    fn invent(&mut self, customer: Customer) -> Case {
        let random = &mut self.random;
        let outage = self.period.is_outage(self.events.now()) && random.chance(700);
        let topic = if outage { &text::OUTAGE } else { random.weighted(TOPICS, &text::QUESTION) };
        Case {
            customer,
            topic,
            kind: random.weighted(customer.profile.kinds, "direct"),
            priority: random.weighted(topic.priorities, "medium"),
            sentiment: random.weighted(topic.sentiments, "none"),
            status: Status::New,
            assignee: None,
            stage: Stage::Unnoticed,
            need: Need::Answer,
            turn: 0,
            questions: random.weighted(&[(0, 44), (1, 31), (2, 16), (3, 6), (5, 3)], 0),
            has_product: !topic.products.is_empty() && random.chance(350),
            has_profile: customer.profile.business || random.chance(945),
            reopened: false,
            closes_at: None,
            last_received: 0,
        }
    }

    fn write_creation(&mut self, number: u64, case: &Case) -> io::Result<()> {
        let order = case.topic.has_order.then(|| self.random.below(90_000) + 10_000);
        let says = text::question(case.topic, case.customer.language, order, &mut self.random);
        let product = case.has_product.then(|| self.random.word(case.topic.products));
        let origin = self.origin(case);
        let (message, profile) = (case.last_received, case.customer.profile);
        let event = self
            .events
            .case("case.created", number)
            .raw("customer", format_args!("\"cu-{:06}\"", case.customer.number));
        event.text_if("profile", case.has_profile.then_some(profile.id)).text("platform", profile.platform);
        // Medium is what an absent priority means; some sources leave it out.
        event
            .text("origin", origin)
            .text_if("priority", (case.priority != "medium" || number.is_multiple_of(3)).then_some(case.priority));
        event.text("sentiment", case.sentiment).text("language", case.customer.language.code());
        event.text("text", &says).numbered("message", "m", message).text("customer_name", case.customer.name);
        match (product, order.map(text::order_number).filter(|_| case.has_product || number.is_multiple_of(2))) {
            (Some(product), Some(order)) => {
                event.raw("fields", format_args!(r#"{{"product":"{product}","order":"{order}"}}"#))
            }
            (Some(product), None) => event.raw("fields", format_args!(r#"{{"product":"{product}"}}"#)),
            (None, Some(order)) => event.raw("fields", format_args!(r#"{{"order":"{order}"}}"#)),
            (None, None) => event,
        };
        event.end()?;
        let event =
            self.events.case("message.received", number).numbered("message", "m", message).text("kind", case.kind);
        event.text("text", &says).end()
    }

    fn origin(&mut self, case: &Case) -> &'static str {
        match (case.has_profile, case.kind) {
            (false, _) => "listening",
            (_, "direct") => self.random.weighted(&[("direct", 95), ("manual", 5)], "direct"),
            _ => self.random.weighted(&[("automatic", 85), ("manual", 15)], "automatic"),
        }
    }

    /// What a new case sets going.
    fn plan_beginnings(&mut self, number: u64, case: &Case) {
        let notice = self.random.around(case.notice_ms(), 1.0);
        if !case.has_profile {
            self.plan(notice / 2, Step::FindProfile { case: number });
        }
        if self.random.chance(case.customer.profile.greeted) {
            let after = self.random.between(2_000, 20_000);
            self.plan(after, Step::Greet { case: number });
        }
        self.plan(notice, Step::Notice { case: number, turn: case.turn });
        if self.random.chance(if case.sentiment == "negative" { 260 } else { 100 }) {
            let after = self.random.around(5 * HOUR, 1.0);
            self.plan(after, Step::Write { case: number, why: Reason::Impatient });
        }
        if self.random.chance(6) {
            let after = self.random.around(8 * HOUR, 1.5);
            self.plan(after, Step::Delete { case: number });
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
        let says = text::GREETING.say(case.customer.language, &mut self.random);
        let event = self.events.case("message.sent", number).numbered("message", "m", message).text("kind", case.kind);
        event.text("by", GREETER).text("text", says).raw("bot", format_args!("true")).end()
    }

    /// A customer's message, and what it does to the case by the life cycle.
    fn write(&mut self, number: u64, why: Reason) -> io::Result<()> {
        let now = self.now();
        // Impatience is over once somebody has answered; the case is resolved or waits for the customer then.
        let Some(case) = self.cases.get(&number) else { return Ok(()) };
        let answered = matches!(case.stage, Stage::Waiting | Stage::Resolved) || case.status == Status::Spam;
        if case.status == Status::Spam || (why == Reason::Impatient && answered) {
            return Ok(());
        }
        let closed = case.is_closed(now);
        self.write_message(number, why)?;
        if closed { Ok(()) } else { self.after_message(number, why) }
    }

    fn write_message(&mut self, number: u64, why: Reason) -> io::Result<()> {
        let message = self.next_message();
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        case.last_received = message;
        let says = match why {
            Reason::Asked => &text::DETAIL,
            Reason::Impatient => &text::IMPATIENT,
            Reason::Again => &text::AGAIN,
            Reason::Thanks => &text::THANKS,
        };
        let says = says.say(case.customer.language, &mut self.random);
        let feeling = case.feeling(why);
        let event =
            self.events.case("message.received", number).numbered("message", "m", message).text("kind", case.kind);
        event.text("text", says).text_if("sentiment", feeling);
        if why == Reason::Asked && self.random.chance(250) {
            event.raw("attachments", format_args!("1"));
        }
        event.end()
    }

    fn after_message(&mut self, number: u64, why: Reason) -> io::Result<()> {
        self.feel(number, why)?;
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        match case.status {
            Status::Pending => case.status = Status::Open,
            Status::Done => {
                case.status = if case.assignee.is_some() { Status::Open } else { Status::New };
                case.closes_at = None;
                case.reopened = true;
                case.questions = u32::from(why == Reason::Again);
                if let Some(seat) = case.assignee.and_then(|agent| self.seats.get_mut(agent)) {
                    seat.open.insert(number);
                }
            }
            _ => {}
        }
        case.need = if why == Reason::Thanks { case.need } else { Need::Answer };
        if matches!(case.stage, Stage::Waiting | Stage::Resolved) {
            case.enter(Stage::Unnoticed);
            let (turn, median) = (case.turn, case.notice_ms() / 2);
            let after = self.random.around(median, 1.0);
            self.plan(after, Step::Notice { case: number, turn });
        }
        Ok(())
    }

    /// The desk notes how the customer feels now; an impatient one may be moved up.
    fn feel(&mut self, number: u64, why: Reason) -> io::Result<()> {
        let by = self.random.word(&SUPERVISORS);
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        if let Some(feeling) = case.feeling(why)
            && self.random.chance(700)
        {
            case.sentiment = feeling;
            self.events.case("case.sentiment_changed", number).text("sentiment", feeling).end()?;
        }
        let higher = match case.priority {
            "low" => "medium",
            "medium" => "high",
            _ => return Ok(()),
        };
        if why == Reason::Impatient && case.is_open() && self.random.chance(300) {
            case.priority = higher;
            self.events.case("case.priority_changed", number).text("priority", higher).text("by", by).end()?;
        }
        Ok(())
    }

    /// Somebody would see now that the case needs an agent: its own, if it has one.
    fn notice(&mut self, number: u64, turn: u32) -> io::Result<()> {
        let now = self.now();
        let Some(case) = self.in_turn(number, turn) else { return Ok(()) };
        match case.assignee {
            Some(agent) => {
                case.enter(Stage::Held);
                if let Some(seat) = self.seats.get_mut(agent) {
                    seat.held.push_back(number);
                }
                self.call(agent)
            }
            None => {
                let place = now - case.head_start_ms();
                self.enqueue(number, place);
                self.call_somebody()
            }
        }
    }

    /// Puts an unassigned case into the queue.
    pub(super) fn enqueue(&mut self, number: u64, place: i64) {
        if let Some(case) = self.cases.get_mut(&number) {
            case.enter(Stage::Queued(place));
            self.queue.insert((place, number));
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

    /// Resolves a case, and plans what may come after it.
    pub(super) fn resolve(&mut self, by: &str, number: u64, status: Status) -> io::Result<()> {
        let Some(case) = self.cases.get_mut(&number) else { return Ok(()) };
        (case.status, case.need) = (status, Need::Farewell);
        if let Some(seat) = case.assignee.and_then(|agent| self.seats.get_mut(agent)) {
            seat.open.remove(&number);
        }
        let said = if status == Status::Spam { "spam" } else { "done" };
        self.events.case("case.status_changed", number).text("status", said).text("by", by).end()?;
        self.plan_endings(number);
        Ok(())
    }

    /// What a resolution sets going.
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
        event.text("kind", survey_kind(kind)).text("by", GREETER).end()
    }

    fn answer_survey(&mut self, number: u64, survey: u64, kind: Survey) -> io::Result<()> {
        let Some(case) = self.cases.get(&number) else { return Ok(()) };
        let random = &mut self.random;
        let content = !case.reopened && case.sentiment != "negative";
        let score = match (kind, content) {
            (Survey::Csat, true) => random.weighted(&[(5, 58), (4, 28), (3, 9), (2, 3), (1, 2)], 5),
            (Survey::Csat, false) => random.weighted(&[(5, 28), (4, 27), (3, 20), (2, 12), (1, 13)], 3),
            (Survey::Nps, true) => random.weighted(&[(10, 30), (9, 26), (8, 20), (7, 12), (5, 8), (2, 4)], 9),
            (Survey::Nps, false) => {
                random.weighted(&[(10, 12), (9, 13), (8, 18), (6, 22), (4, 18), (1, 12), (0, 5)], 6)
            }
        };
        let comment = random.chance(300).then(|| text::COMMENT.say(case.customer.language, random));
        let event = self.events.case("survey.answered", number).numbered("survey", "sv", survey);
        event.text("kind", survey_kind(kind)).raw("score", format_args!("{score}")).text_if("comment", comment).end()
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
        if let Stage::Queued(place) = case.stage {
            self.queue.remove(&(place, number));
        }
        if let Some(seat) = case.assignee.and_then(|agent| self.seats.get_mut(agent)) {
            seat.open.remove(&number);
        }
        self.events.case("case.deleted", number).text("by", by).end()
    }

    /// The case leaves memory; its customer may come back with another.
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

fn survey_kind(kind: Survey) -> &'static str {
    match kind {
        Survey::Csat => "csat",
        Survey::Nps => "nps",
    }
}

/// What ordinary days are about.
const TOPICS: &[(&Topic, u64)] = &[
    (&text::LATE, 190),
    (&text::BROKEN, 130),
    (&text::REFUND, 90),
    (&text::QUESTION, 170),
    (&text::OAK, 100),
    (&text::INVOICE, 90),
    (&text::APP, 120),
    (&text::PRAISE, 80),
    (&text::SPAM, 30),
];
