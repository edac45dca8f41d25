//! What changes the status of a case: the table of 2.3, and what each change is to the case.
//!
//! `TRANSITIONS` is the only place that states which status follows. [`super::Case`] asks [`next`] before every change of
//! status and carries out the [`Change`].

use crate::model::desk::Transitions;
use crate::model::event::Status::{self, Done, New, OnHold, Open, Pending, Spam};

/// The status in which a case is created.
pub const AT_CREATION: Status = New;

/// What happens to a case that may change its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A user other than the assignee gets the case.
    Assigned,
    /// The case loses its assignee, by an event or by the user's presence or removal.
    Unassigned,
    MessageSent,
    MessageReceived,
    StatusChanged,
    Closed,
}

/// The statuses in which a transition happens.
#[derive(Clone, Copy, Debug)]
enum In {
    Any,
    AnyOpen,
    Only(&'static [Status]),
    /// Done, before the case closes.
    GracePeriod,
}

/// The status that follows.
#[derive(Clone, Copy, Debug)]
enum Becomes {
    Fixed(Status),
    /// The one that the event states; without one nothing changes.
    Stated,
    OpenIfAssignedElseNew,
}

/// A row of the table of 2.3.
struct Transition {
    when: Trigger,
    in_status: In,
    becomes: Becomes,
    /// The setting that turns the transition off.
    setting: Option<fn(Transitions) -> bool>,
}

const fn row(when: Trigger, in_status: In, becomes: Becomes, setting: Option<fn(Transitions) -> bool>) -> Transition {
    Transition { when, in_status, becomes, setting }
}

/// The table of 2.3. Of several rows for what happened, the first that holds in the present status counts.
#[rustfmt::skip]
const TRANSITIONS: [Transition; 7] = [
    //  when                      in status                           becomes                         setting
    row(Trigger::Assigned,        In::Only(&[New]),                   Becomes::Fixed(Open),           Some(|on| on.assign)),
    row(Trigger::Unassigned,      In::Only(&[Open, Pending, OnHold]), Becomes::Fixed(New),            Some(|on| on.unassign)),
    row(Trigger::MessageSent,     In::AnyOpen,                        Becomes::Stated,                None),
    row(Trigger::MessageReceived, In::Only(&[Pending]),               Becomes::Fixed(Open),           Some(|on| on.customer_reply)),
    row(Trigger::MessageReceived, In::GracePeriod,                    Becomes::OpenIfAssignedElseNew, None),
    row(Trigger::StatusChanged,   In::Any,                            Becomes::Stated,                None),
    row(Trigger::Closed,          In::AnyOpen,                        Becomes::Fixed(Done),           None),
];

/// What the table looks at.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    pub status: Status,
    pub is_assigned: bool,
    /// The case is resolved and its grace period is over.
    pub is_closed: bool,
}

impl In {
    fn includes(self, current: Current) -> bool {
        match self {
            In::Any => true,
            In::AnyOpen => !current.status.is_resolved(),
            In::Only(statuses) => statuses.contains(&current.status),
            In::GracePeriod => current.status == Done && !current.is_closed,
        }
    }
}

/// The status that follows; none where the status stays as it is. `stated` is the status that the event names.
pub fn next(
    when: Trigger,
    stated: Option<Status>,
    current: Current,
    settings: impl FnOnce() -> Transitions,
) -> Option<Status> {
    let row = TRANSITIONS.iter().find(|row| row.when == when && row.in_status.includes(current))?;
    if row.setting.is_some_and(|is_on| !is_on(settings())) {
        return None;
    }
    let status = match row.becomes {
        Becomes::Fixed(status) => status,
        Becomes::Stated => stated?,
        Becomes::OpenIfAssignedElseNew if current.is_assigned => Open,
        Becomes::OpenIfAssignedElseNew => New,
    };
    (status != current.status).then_some(status)
}

/// What a change of status is to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From an open status to Done or Spam.
    Resolution,
    /// From Done or Spam to an open status.
    Reopening,
    /// From Done to Spam, which ends the grace period, if it has not ended.
    ToSpam,
    /// Any other.
    Plain,
}

impl Change {
    /// What the change from one status to another is.
    #[must_use]
    pub fn between(from: Status, to: Status) -> Change {
        match (from.is_resolved(), to.is_resolved()) {
            (false, true) => Change::Resolution,
            (true, false) => Change::Reopening,
            (true, true) if to == Spam => Change::ToSpam,
            _ => Change::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status that follows in each status, `-` where it stays.
    fn following(when: Trigger, stated: Option<Status>, is_closed: bool, is_on: bool) -> String {
        let settings = Transitions { assign: is_on, unassign: is_on, customer_reply: is_on };
        let next = |status: &Status| {
            let current = Current { status: *status, is_assigned: stated.is_some(), is_closed };
            next(when, stated, current, || settings).map_or("-", Status::name)
        };
        Status::ALL.iter().map(next).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_table_is_that_of_the_specification() {
        let cases = [
            (Trigger::Assigned, None, "open - - - - -"),
            (Trigger::Unassigned, None, "- new new new - -"),
            (Trigger::MessageSent, None, "- - - - - -"),
            (Trigger::MessageSent, Some(Pending), "pending pending - pending - -"),
            (Trigger::MessageReceived, None, "- - open - new -"),
            (Trigger::MessageReceived, Some(Open), "- - open - open -"),
            (Trigger::StatusChanged, Some(New), "- new new new new new"),
            (Trigger::Closed, None, "done done done done - -"),
        ];
        for (when, stated, expected) in cases {
            assert_eq!(following(when, stated, false, true), expected, "{when:?} {stated:?}");
        }
        for when in [Trigger::Assigned, Trigger::Unassigned] {
            assert_eq!(following(when, None, false, false), "- - - - - -", "{when:?}");
        }
        assert_eq!(following(Trigger::MessageReceived, None, false, false), "- - - - new -");
        assert_eq!(following(Trigger::MessageReceived, None, true, true), "- - open - - -");
        assert_eq!(following(Trigger::StatusChanged, Some(New), true, true), "- new new new new new");
    }
}
