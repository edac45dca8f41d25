//! The desk: people, profiles, policies, calendars and settings as versions over time.
//!
//! It is built once from the events of rank 0 in log order (`DeskBuilder`), is immutable afterwards and shared by reference.
//! Every query names an instant.

mod builder;
mod permission;
mod reference;
mod settings;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::event::{EventType, Presence, Role};
use super::field::Field;
use super::finding::{DeskFinding, Rule};
use super::hours::OpenHours;
use super::policy::Policy;
use super::schedule::Schedule;
use super::sla::Sla;
use super::time::Instant;
use super::versions::Versions;
use super::view::View;
use crate::json::Json;
pub use settings::{DeskSettings, SlaChanges, Transitions};

/// An event about the desk (rank 0), in log order.
#[derive(Clone, Debug)]
pub struct DeskEvent<'a> {
    pub time: Instant,
    pub source: &'a str,
    pub id: &'a str,
    pub kind: EventType,
    pub subject: &'a str,
    pub data: Json<'a>,
}

/// A user of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: Option<String>,
    pub email: Option<String>,
    pub role: Role,
    pub team: Option<String>,
    pub capacity: i64,
    pub auto_assign: bool,
    pub bot: bool,
    /// Their own skills.
    pub skills: BTreeSet<String>,
    /// Skills they have through their groups.
    pub group_skills: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

impl Default for User {
    fn default() -> Self {
        User {
            name: None,
            email: None,
            role: Role::Agent,
            team: None,
            capacity: 5,
            auto_assign: false,
            bot: false,
            skills: BTreeSet::new(),
            group_skills: BTreeSet::new(),
            groups: BTreeSet::new(),
        }
    }
}

/// An account the company owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: Option<String>,
    pub platform: Option<String>,
    /// Users and groups that see it; none: all do.
    pub visible_to: Option<Vec<String>>,
    pub calendar: Option<String>,
}

/// Users who share skills and profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub name: Option<String>,
    pub members: BTreeSet<String>,
    pub skills: BTreeSet<String>,
    pub profiles: BTreeSet<String>,
}

/// An instant at which a user's cases are taken from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    pub time: Instant,
    pub source: String,
    pub id: String,
    /// The automatic transitions that were on just then: an event of the same instant may have come later in the log.
    pub transitions: Transitions,
}

/// The withdrawals of one user, in time order. Most queries need only the times, which are contiguous in memory.
#[derive(Clone, Debug, Default)]
struct Withdrawals {
    times: Vec<Instant>,
    all: Vec<Withdrawal>,
}

/// Which cases of a user are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// Open cases: a presence of `unassign_on` takes them, and the removal of the user.
    Open,
    /// Resolved cases: only the removal of the user takes them.
    Resolved,
}

/// A map by name, without an order, for what every event of a case needs.
pub type Named<T> = HashMap<String, T, FixedState>;

/// Everything about people, profiles, policies, calendars and settings, as versions over time.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pub users: Named<Versions<User>>,
    pub profiles: Named<Versions<Profile>>,
    pub presence: BTreeMap<String, Versions<Presence>>,
    pub policies: BTreeMap<String, Versions<Policy>>,
    pub calendars: BTreeMap<String, Versions<Arc<OpenHours>>>,
    /// The groups that a `group.updated` has named; users may be in others, too.
    pub groups: BTreeMap<String, Versions<Group>>,
    pub fields: BTreeMap<String, Versions<Field>>,
    pub views: BTreeMap<String, Versions<View>>,
    pub settings: Versions<DeskSettings>,
    sla: Sla,
    /// By profile, where not all hours count.
    business_hours: Named<Schedule>,
    /// The business hours of cases without a profile, or with one that has no calendar.
    default_hours: Schedule,
    /// What the desk's own events contradict, in log order.
    pub findings: Vec<DeskFinding>,
    /// By user, of open and of resolved cases.
    withdrawals: Named<Withdrawals>,
    withdrawals_of_resolved: Named<Withdrawals>,
    /// When a `user.updated` first named each user.
    named_at: Named<Instant>,
    first_named_at: Option<Instant>,
    /// When the first `profile.updated` came.
    first_profile_named_at: Option<Instant>,
}

impl Desk {
    /// The types of event that the desk is made of.
    pub const EVENT_TYPES: [EventType; 16] = [
        EventType::UserUpdated,
        EventType::UserRemoved,
        EventType::UserPresenceChanged,
        EventType::GroupUpdated,
        EventType::GroupRemoved,
        EventType::SkillRemoved,
        EventType::ProfileUpdated,
        EventType::ProfileRemoved,
        EventType::CalendarUpdated,
        EventType::PolicyUpdated,
        EventType::PolicyRemoved,
        EventType::FieldUpdated,
        EventType::FieldRemoved,
        EventType::ViewUpdated,
        EventType::ViewRemoved,
        EventType::SettingsUpdated,
    ];

    /// The policies over time.
    #[must_use]
    pub fn sla(&self) -> &Sla {
        &self.sla
    }

    /// Which changes affect running clocks.
    #[must_use]
    pub fn sla_changes_at(&self, time: Instant) -> SlaChanges {
        self.settings.at(time).map(|settings| settings.sla).unwrap_or_default()
    }

    /// The business hours of a case that has this profile: those of the profile's calendar, else of the default one,
    /// else all hours.
    #[must_use]
    pub fn business_hours(&self, profile: Option<&str>) -> &Schedule {
        profile.and_then(|profile| self.business_hours.get(profile)).unwrap_or(&self.default_hours)
    }

    /// The versions of one calendar; an unknown one is always open.
    #[must_use]
    pub fn calendar(&self, name: &str) -> Schedule {
        Schedule::follow([(Instant(i64::MIN), Some(name))], &self.calendars)
    }

    /// The automatic transitions that are on.
    #[must_use]
    pub fn transitions_at(&self, time: Instant) -> Transitions {
        self.settings.at(time).map_or(Transitions::ALL, |settings| settings.transitions)
    }

    /// The grace period in force for cases that this source created: its own, else that of the desk; none: cases close as
    /// they are resolved.
    #[must_use]
    pub fn grace_period_ms_at(&self, time: Instant, source: &str) -> i64 {
        let Some(settings) = self.settings.at(time) else { return 0 };
        settings.grace_periods_ms.get(source).copied().or(settings.grace_period_ms).unwrap_or(0)
    }

    /// Whether that user is a bot at that instant.
    #[must_use]
    pub fn is_bot(&self, user: &str, time: Instant) -> bool {
        self.users.get(user).and_then(|versions| versions.at(time)).is_some_and(|user| user.bot)
    }

    /// Whether the log has named that user by then; none while it has named no user.
    #[must_use]
    pub fn has_named(&self, user: &str, time: Instant) -> Option<bool> {
        self.first_named_at.filter(|first| *first <= time)?;
        Some(self.named_at.get(user).is_some_and(|named| *named <= time))
    }

    /// The user of that name, if there is one at that instant.
    #[must_use]
    pub fn user_at(&self, user: &str, time: Instant) -> Option<&User> {
        self.users.get(user)?.at(time)
    }

    /// Whether the log has named any profile by then.
    #[must_use]
    pub fn has_named_profiles(&self, time: Instant) -> bool {
        self.first_profile_named_at.is_some_and(|first| first <= time)
    }

    /// How a finding of that rule is shown, by the settings in force at its event.
    #[must_use]
    pub fn severity_at(&self, rule: Rule, time: Instant) -> &str {
        let set = self.settings.at(time).and_then(|settings| settings.findings.get(rule.name()));
        set.map_or(rule.severity(), String::as_str)
    }

    /// The platform of a profile.
    #[must_use]
    pub fn platform_of(&self, profile: &str, time: Instant) -> Option<&str> {
        self.profiles.get(profile)?.at(time)?.platform.as_deref()
    }

    /// A user's withdrawals after an instant, in time order, and their times.
    #[must_use]
    pub fn withdrawals_after(&self, user: &str, of: Withdrawn, after: Instant) -> (&[Instant], &[Withdrawal]) {
        let by_user = match of {
            Withdrawn::Open => &self.withdrawals,
            Withdrawn::Resolved => &self.withdrawals_of_resolved,
        };
        let Some(Withdrawals { times, all }) = by_user.get(user) else { return (&[], &[]) };
        let from = times.partition_point(|time| *time <= after);
        (times.get(from..).unwrap_or(&[]), all.get(from..).unwrap_or(&[]))
    }
}
