//! What customers do: they open cases, write again, feel better or worse, and answer surveys.

use std::io;

use super::agenda::{Reason, Step, Survey};
use super::arrivals::customer_rate;
use super::case::{Case, Customer, Need, Stage, Status};
use super::desk::SUPERVISORS;
use super::profile::{self, PROFILES, Profile};
use super::rhythm::HOUR;
use super::simulation::Simulation;
use super::text::{self, Language, Topic};

impl<W: io::Write> Simulation<W> {
    pub(super) fn arrive(&mut self) -> io::Result<()> {
        self.plan_arrival();
        self.created += 1;
        let number = self.created;
        let customer = self.choose_customer()?;
        let mut case = self.make_case(customer);
        case.last_received = self.next_message();
        self.write_creation(number, &case)?;
        self.plan_beginnings(number, &case);
        self.cases.insert(number, case);
        Ok(())
    }

    /// Mostly a new customer; sometimes one whose last case is closed, and very rarely one whose last case is not.
    fn choose_customer(&mut self) -> io::Result<Customer> {
        if self.random.chance(2)
            && let Some((_, case)) = self.cases.last_key_value()
        {
            return Ok(case.customer);
        }
        if self.random.chance(140)
            && let Some(regular) = self.returning_customer()
        {
            return Ok(regular);
        }
        self.customers += 1;
        let at = self.now();
        let weights = PROFILES.each_ref().map(|profile| (profile, customer_rate(profile, at)));
        let profile: &'static Profile = self.random.weighted(&weights, profile::any_profile());
        let language = self.random.weighted(profile.languages, Language::En);
        let customer = Customer { number: self.customers, profile, language, name: self.random.word(text::CUSTOMERS) };
        if self.random.chance(50) {
            self.introduce(&customer)?;
        }
        Ok(customer)
    }

    fn returning_customer(&mut self) -> Option<Customer> {
        let at = usize::try_from(self.random.below(self.regulars.len() as u64)).ok()?;
        self.regulars.swap_remove_back(at)
    }

    /// Writes what the shop knows of a customer.
    fn introduce(&mut self, customer: &Customer) -> io::Result<()> {
        let tier = self.random.word(&["gold", "silver", "silver"]);
        let event = self.events.about("customer.updated", format_args!("cu-{:06}", customer.number));
        event.text("name", customer.name).text("tier", tier).end()
    }

    fn make_case(&mut self, customer: Customer) -> Case {
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
        let words = text::question(case.topic, case.customer.language, order, &mut self.random);
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
        event.text("text", &words).numbered("message", "m", message).text("customer_name", case.customer.name);
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
        event.text("text", &words).end()
    }

    fn origin(&mut self, case: &Case) -> &'static str {
        match (case.has_profile, case.kind) {
            (false, _) => "listening",
            (_, "direct") => self.random.weighted(&[("direct", 95), ("manual", 5)], "direct"),
            _ => self.random.weighted(&[("automatic", 85), ("manual", 15)], "automatic"),
        }
    }

    /// Plans what follows from a new case.
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

    /// A customer's message, and what it does to the case by the life cycle.
    pub(super) fn write(&mut self, number: u64, why: Reason) -> io::Result<()> {
        let now = self.now();
        // A customer is no longer impatient once the case has been answered: it is resolved or waits for the customer.
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
        let words = match why {
            Reason::Asked => &text::DETAIL,
            Reason::Impatient => &text::IMPATIENT,
            Reason::Again => &text::AGAIN,
            Reason::Thanks => &text::THANKS,
        };
        let words = words.say(case.customer.language, &mut self.random);
        let feeling = case.feeling(why);
        let event =
            self.events.case("message.received", number).numbered("message", "m", message).text("kind", case.kind);
        event.text("text", words).text_if("sentiment", feeling);
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
                if let Some(state) = case.assignee.and_then(|agent| self.agent_states.get_mut(agent)) {
                    state.open.insert(number);
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

    /// Notes how the customer feels now, and may raise the priority of an impatient one.
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

    pub(super) fn answer_survey(&mut self, number: u64, survey: u64, kind: Survey) -> io::Result<()> {
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
        event.text("kind", kind.name()).raw("score", format_args!("{score}")).text_if("comment", comment).end()
    }
}

/// The topics of ordinary days, by weight.
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
