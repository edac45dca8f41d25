//! Messages without a case, routed into cases by the rules of 2.2: a customer has at most one case with a profile that is not closed.
//!
//! Only what decides where a message belongs is followed here: whether a case is closed. The table of transitions is the model's.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use crate::model::case::status::{self, Change, Current, Trigger};
use crate::model::desk::Transitions;
use crate::model::event::{EventType, Status};

/// The name under which rows of a conversation that has no case yet are counted as left out.
pub(super) const NO_CASE: &str = "before the first message of the customer";

/// What of an event of a case decides which messages belong to it.
#[derive(Clone, Copy, Debug)]
pub struct RoutedEvent {
    /// The type of the event.
    pub kind: EventType,
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// The status that it states.
    pub status: Option<Status>,
}

impl RoutedEvent {
    /// The types of events that decide it.
    pub const TYPES: [EventType; 5] = [
        EventType::CaseCreated,
        EventType::MessageReceived,
        EventType::CaseStatusChanged,
        EventType::CaseClosed,
        EventType::CaseDeleted,
    ];
}

/// A customer and a profile, as a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conversation(u128);

impl Conversation {
    /// The conversation of a customer with a profile, or with none.
    #[must_use]
    pub fn new(customer: &str, profile: Option<&str>) -> Conversation {
        // No id has a zero byte in the log, and a profile is never empty.
        Conversation(xxh3_128(format!("{customer}\0{}", profile.unwrap_or_default()).as_bytes()))
    }

    pub(super) fn key(self) -> String {
        format!("{:032x}", self.0)
    }

    fn parse(key: &str) -> Conversation {
        Conversation(u128::from_str_radix(key, 16).unwrap_or_default())
    }
}

/// A case of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RoutedCase {
    id: String,
    created_ms: i64,
    status: Status,
    /// When it closes, or closed, once it is resolved.
    closes_ms: Option<i64>,
    /// The log has the case's events up to here.
    known_until_ms: Option<i64>,
}

impl RoutedCase {
    fn created(id: &str, time_ms: i64) -> RoutedCase {
        RoutedCase {
            id: id.to_owned(),
            created_ms: time_ms,
            status: status::AT_CREATION,
            closes_ms: None,
            known_until_ms: None,
        }
    }

    fn is_closed(&self, time_ms: i64) -> bool {
        self.closes_ms.is_some_and(|closes_ms| closes_ms <= time_ms)
    }

    fn follow(&mut self, event: RoutedEvent, grace_ms: i64) {
        let RoutedEvent { kind, time_ms, status: stated } = event;
        let when = match kind {
            EventType::MessageReceived => Trigger::MessageReceived,
            EventType::CaseStatusChanged => Trigger::StatusChanged,
            EventType::CaseClosed => Trigger::Closed,
            EventType::CaseDeleted => {
                self.closes_ms = Some(time_ms);
                return;
            }
            _ => return,
        };
        let current = Current { status: self.status, is_assigned: false, is_closed: self.is_closed(time_ms) };
        if let Some(next) = status::next(when, stated, current, || Transitions::ALL) {
            self.closes_ms = match Change::between(self.status, next) {
                Change::Resolution if next == Status::Spam => Some(time_ms),
                Change::Resolution => Some(time_ms.saturating_add(grace_ms)),
                Change::Reopening => None,
                Change::ToSpam => Some(self.closes_ms.map_or(time_ms, |closes_ms| closes_ms.min(time_ms))),
                Change::Plain => self.closes_ms,
            };
            self.status = next;
        }
        if kind == EventType::CaseClosed {
            self.closes_ms = Some(self.closes_ms.map_or(time_ms, |closes_ms| closes_ms.min(time_ms)));
        }
    }
}

/// The cases of the log into which messages of later imports are routed.
#[derive(Clone, Debug, Default)]
pub struct KnownCases {
    grace_ms: i64,
    conversations: HashMap<Conversation, Vec<RoutedCase>>,
    /// The case that is being read, and its conversation.
    open: Option<(Conversation, RoutedCase)>,
}

impl KnownCases {
    /// No cases; those that are resolved will close after the grace period, in milliseconds.
    #[must_use]
    pub fn new(grace_ms: i64) -> KnownCases {
        KnownCases { grace_ms, ..KnownCases::default() }
    }

    /// Takes the next creation of a case. The events of a case come together, in the order of the log.
    pub fn created(&mut self, id: &str, conversation: Conversation, time_ms: i64) {
        self.close();
        let case = RoutedCase { known_until_ms: Some(time_ms), ..RoutedCase::created(id, time_ms) };
        self.open = Some((conversation, case));
    }

    /// Takes the next event of a case; one without a creation before it is no part of any.
    pub fn follow(&mut self, id: &str, event: RoutedEvent) {
        let Some((_, case)) = self.open.as_mut().filter(|(_, case)| case.id == id) else { return };
        case.known_until_ms = Some(event.time_ms);
        case.follow(event, self.grace_ms);
    }

    /// Takes no more events: the cases of each conversation, in the order of their creation.
    #[must_use]
    pub fn finish(mut self) -> KnownCases {
        self.close();
        self.conversations.values_mut().for_each(|cases| cases.sort_by_key(|case| case.created_ms));
        self
    }

    fn close(&mut self) {
        if let Some((conversation, case)) = self.open.take() {
            self.conversations.entry(conversation).or_default().push(case);
        }
    }
}

/// The case of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) case: String,
    /// The row opens the case.
    pub(super) opens: bool,
}

/// Routes the rows of one conversation after the other, in the order of time.
pub(super) struct Router<'k> {
    known: &'k KnownCases,
    grace_ms: i64,
    key: String,
    cases: Vec<RoutedCase>,
    /// Position of the case of the last row.
    last: usize,
}

impl<'k> Router<'k> {
    pub(super) fn new(known: &'k KnownCases, grace_ms: i64) -> Router<'k> {
        Router { known, grace_ms, key: String::new(), cases: Vec::new(), last: 0 }
    }

    /// The case of a row of a conversation: the last one that was created by then. Where there is none, or it is closed, a customer's
    /// message opens a case that has the message's id; other rows then belong to the closed case, or to none.
    pub(super) fn place(
        &mut self,
        key: &str,
        message: &str,
        time_ms: i64,
        is_received: impl Fn() -> bool,
    ) -> Option<Place> {
        if self.key != key {
            key.clone_into(&mut self.key);
            self.cases = self.known.conversations.get(&Conversation::parse(key)).cloned().unwrap_or_default();
        }
        let following = self.cases.partition_point(|case| case.created_ms <= time_ms);
        let before = following.checked_sub(1).and_then(|at| Some((at, self.cases.get(at)?)));
        match before {
            Some((at, case)) if !case.is_closed(time_ms) || !is_received() => {
                self.last = at;
                Some(Place { case: case.id.clone(), opens: case.id == message })
            }
            None if !is_received() => None,
            _ => {
                self.cases.insert(following, RoutedCase::created(message, time_ms));
                self.last = following;
                Some(Place { case: message.to_owned(), opens: true })
            }
        }
    }

    /// Takes an event of the last row. What the log has already is part of the case's state.
    pub(super) fn follow(&mut self, event: RoutedEvent) {
        if let Some(case) = self.cases.get_mut(self.last)
            && case.known_until_ms.is_none_or(|until_ms| until_ms < event.time_ms)
        {
            case.follow(event, self.grace_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn received(hour: i64) -> RoutedEvent {
        RoutedEvent { kind: EventType::MessageReceived, time_ms: hour * HOUR, status: None }
    }

    fn done(hour: i64) -> RoutedEvent {
        RoutedEvent { kind: EventType::CaseStatusChanged, time_ms: hour * HOUR, status: Some(Status::Done) }
    }

    /// Routes rows: a message of the customer, or a row that resolves the case.
    fn cases(known: &KnownCases, rows: &[(&str, RoutedEvent)]) -> Vec<Option<String>> {
        let mut router = Router::new(known, 24 * HOUR);
        let key = Conversation::new("petra", None).key();
        let mut place = |(message, event): &(&str, RoutedEvent)| {
            let place = router.place(&key, message, event.time_ms, || event.kind == EventType::MessageReceived)?;
            router.follow(*event);
            Some(format!("{}{}", place.case, if place.opens { "*" } else { "" }))
        };
        rows.iter().map(&mut place).collect()
    }

    #[test]
    fn a_message_opens_continues_and_reopens_cases() {
        let rows = [
            ("0", done(0)),
            ("1", received(1)),
            ("2", done(2)),
            // In the grace period: the case is open again.
            ("3", received(20)),
            ("4", received(40)),
            ("5", done(50)),
            // At the end of the grace period it is closed.
            ("6", received(74)),
            ("7", done(75)),
            ("8", done(200)),
        ];
        let found = cases(&KnownCases::default(), &rows);
        let expected = [None, Some("1*"), Some("1"), Some("1"), Some("1"), Some("1"), Some("6*"), Some("6"), Some("6")];
        assert_eq!(found, expected.map(|case| case.map(str::to_owned)));
    }

    #[test]
    fn a_deleted_case_takes_no_message_whether_the_log_has_its_deletion_or_the_import() {
        let deleted = RoutedEvent { kind: EventType::CaseDeleted, time_ms: 2 * HOUR, status: None };
        let rows = [("1", received(1)), ("2", deleted), ("3", received(3))];
        let expected = [Some("1*"), Some("1"), Some("3*")].map(|case| case.map(str::to_owned));
        assert_eq!(cases(&KnownCases::default(), &rows), expected);
        let mut known = KnownCases::new(24 * HOUR);
        known.created("1", Conversation::new("petra", None), HOUR);
        known.follow("1", deleted);
        assert_eq!(cases(&known.finish(), &rows[2..]), expected[2..]);
    }

    #[test]
    fn what_the_log_has_goes_on_and_is_not_followed_twice() {
        let mut known = KnownCases::new(24 * HOUR);
        known.created("1", Conversation::new("petra", None), HOUR);
        [received(1), done(2)].into_iter().for_each(|event| known.follow("1", event));
        known.created("x", Conversation::new("petra", Some("shop")), HOUR);
        let known = known.finish();
        let again = [("1", received(1)), ("9", received(30))];
        assert_eq!(cases(&known, &again), [Some("1*".to_owned()), Some("9*".to_owned())]);
        let on = [("3", received(20)), ("9", received(30))];
        assert_eq!(cases(&known, &on), [Some("1".to_owned()), Some("1".to_owned())]);
    }
}
