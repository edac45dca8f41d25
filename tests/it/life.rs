//! Laws of the life cycle, on random histories of one case (2.8).

use casebook::model::case::Case;
use casebook::model::case::history::History;
use casebook::model::desk::{Desk, DeskEvent};
use casebook::model::event::{Act, CaseEvent, Creation, EventType, Message, MessageKind, Priority, Sentiment, Status};
use casebook::model::json::Json;
use casebook::model::time::Instant;
use proptest::prelude::*;

const USERS: [&str; 3] = ["ana", "ben", "robo"];
/// Ids sort as events of one instant, source and rank do.
const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn desk(presences: &[(i64, usize)]) -> Desk {
    let event = |time, kind, subject, data| DeskEvent {
        time: Instant(time),
        source: "s",
        id: "d",
        kind,
        subject,
        data: Json::parse(data).unwrap(),
    };
    let settings = r#"{"grace_period":"5s","unassign_on":["offline"]}"#;
    let mut events = vec![
        event(0, EventType::SettingsUpdated, "settings", settings),
        event(0, EventType::UserUpdated, "robo", r#"{"bot":true}"#),
    ];
    let mut presences = presences.to_vec();
    presences.sort_unstable();
    for (time, user) in presences {
        events.push(event(time * 1000, EventType::UserPresenceChanged, USERS[user], r#"{"presence":"offline"}"#));
    }
    Desk::replay(events)
}

fn act(kind: usize, user: usize, status: usize) -> (EventType, Act<'static>) {
    let statuses = [Status::New, Status::Open, Status::Pending, Status::OnHold, Status::Done, Status::Spam];
    let message = Message {
        message: "m",
        kind: MessageKind::Public,
        text: None,
        sentiment: None,
        language: None,
        set_status: (status == 2).then_some(Status::Pending),
        bot: false,
        mentions: None,
    };
    match kind {
        0 => (
            EventType::CaseCreated,
            Act::Created(Creation { customer: "c", profile: Some("p"), ..Creation::default() }),
        ),
        1 => (EventType::CaseAssigned, Act::Assigned { agent: USERS[user], automatic: false }),
        2 => (EventType::CaseUnassigned, Act::Unassigned),
        3 => (
            EventType::CasePriorityChanged,
            Act::PriorityChanged(if status < 3 { Priority::High } else { Priority::Low }),
        ),
        4 => (EventType::CaseSentimentChanged, Act::SentimentChanged(Sentiment::Negative)),
        5 => (EventType::MessageReceived, Act::Message(message)),
        6 | 7 => (EventType::MessageSent, Act::Message(message)),
        8 => (EventType::MessageNoted, Act::Message(message)),
        9 => (EventType::CaseProfileAssigned, Act::ProfileAssigned { profile: if status < 3 { "p" } else { "q" } }),
        10 => (EventType::CaseClosed, Act::Closed),
        11 if user == 0 => (EventType::CaseDeleted, Act::Deleted),
        _ => (EventType::CaseStatusChanged, Act::StatusChanged(statuses[status])),
    }
}

/// Up to forty events within forty seconds, often at one instant, legal or not, in log order.
fn events() -> impl Strategy<Value = Vec<CaseEvent<'static>>> {
    let event =
        (0..40_i64, 0..16_usize, 0..3_usize, 0..6_usize, 0..8_usize).prop_map(|(time, kind, user, status, id)| {
            let (kind, act) = act(kind, user, status);
            CaseEvent {
                case_id: "C",
                time: Instant(time * 1000),
                sequence: 0,
                source: "s",
                id: IDS[id],
                kind,
                by: Some(USERS[user]),
                act,
            }
        });
    (prop::collection::vec(event, 0..40), 0..10_i64).prop_map(|(mut events, created)| {
        let (kind, act) = act(0, 0, 0);
        events.push(CaseEvent {
            case_id: "C",
            time: Instant(created * 1000),
            sequence: 0,
            source: "s",
            id: "0",
            kind,
            by: None,
            act,
        });
        events.sort_by_key(CaseEvent::order);
        events.dedup_by_key(|event| event.order());
        events
    })
}

/// Status and assignee as of an instant.
fn standing(history: &History<'_>, time: Instant) -> Option<(Status, Option<String>)> {
    let holds = |period: &&casebook::model::case::history::Period<'_>| {
        period.since <= time && period.until.is_none_or(|until| until > time)
    };
    let period = history.periods.iter().find(holds)?;
    Some((period.standing.status, period.standing.assignee.map(str::to_owned)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// 2.8, 2: periods tile the life of a case, none is empty, and no two that meet are alike.
    #[test]
    fn periods_tile(events in events(), presences in prop::collection::vec((0..50_i64, 0..3_usize), 0..6)) {
        let desk = desk(&presences);
        let history = Case::replay("C", events, &desk);
        let created = history.created.unwrap().at;
        if let (Some(first), Some(last)) = (history.periods.first(), history.periods.last()) {
            prop_assert_eq!(first.since, created);
            prop_assert_eq!(last.until, history.deleted_at);
        } else {
            prop_assert_eq!(history.deleted_at, Some(created));
        }
        for pair in history.periods.windows(2) {
            prop_assert_eq!(pair[0].until, Some(pair[1].since));
            prop_assert!(pair[0].standing != pair[1].standing);
        }
        for period in &history.periods {
            prop_assert!(period.until.is_none_or(|until| period.since < until));
        }
    }

    /// 2.8, 3: what a prefix of the log says as of its end, the whole log says as of then.
    #[test]
    fn a_prefix_agrees_with_the_whole(
        events in events(),
        presences in prop::collection::vec((0..50_i64, 0..3_usize), 0..6),
        until in 0..45_i64,
    ) {
        let until = Instant(until * 1000);
        let prefix: Vec<_> = events.iter().filter(|event| event.time <= until).copied().collect();
        let known: Vec<_> = presences.iter().filter(|(time, _)| time * 1000 <= until.0).copied().collect();
        let (then, now) = (desk(&known), desk(&presences));
        let (part, whole) = (Case::replay("C", prefix, &then), Case::replay("C", events, &now));
        prop_assert_eq!(standing(&part, until), standing(&whole, until));
        let answered = |history: &History<'_>| history.turns.iter().filter(|turn| turn.answered_at.is_some_and(|at| at <= until)).count();
        prop_assert_eq!(answered(&part), answered(&whole));
        let resolved = |history: &History<'_>| history.resolutions.iter().filter(|resolution| resolution.resolved_at <= until).count();
        prop_assert_eq!(resolved(&part), resolved(&whole));
    }

    /// 2.8, 5, of one case: open at the end = created + reopenings − resolutions − deletion while open.
    #[test]
    fn the_backlog_adds_up(events in events(), presences in prop::collection::vec((0..50_i64, 0..3_usize), 0..6)) {
        let desk = desk(&presences);
        let history = Case::replay("C", events, &desk);
        let reopened = history.resolutions.iter().filter(|resolution| resolution.reopened_at.is_some()).count();
        let open = 1 + reopened - history.resolutions.len();
        let status = history.standing().unwrap().status;
        prop_assert_eq!(open, usize::from(!status.is_resolved()));
    }
}
