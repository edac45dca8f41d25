//! Builds the desk from its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Desk, DeskEvent, Group, Transitions, User, Withdrawal, Withdrawn};
use crate::json::Json;
use crate::model::calendar::Calendar;
use crate::model::event::{EventType, Presence, Role};
use crate::model::hours::OpenHours;
use crate::model::policy::Policy;
use crate::model::schedule::Schedule;
use crate::model::sla::{Sla, Statement};
use crate::model::time::Instant;
use crate::model::update::{set_flag, set_nullable_text, set_text, set_texts};
use crate::model::versions::Versions;
use crate::model::view::View;

impl Desk {
    /// Replays the desk's own events, which must come in log order.
    pub fn replay<'a>(events: impl IntoIterator<Item = DeskEvent<'a>>) -> Desk {
        let mut builder = DeskBuilder::default();
        for event in events {
            builder.apply(&event);
        }
        builder.finish()
    }
}

/// A desk while its events are replayed.
#[derive(Default)]
pub(super) struct DeskBuilder {
    pub(super) desk: Desk,
    /// All statements of policies; a removed policy stays in force for the cases that have it.
    stated_policies: BTreeMap<String, Vec<Statement>>,
    /// The present state of every group that was named or that has a member.
    groups: BTreeMap<String, Group>,
    /// The groups that a `group.updated` has named.
    named_groups: BTreeSet<String>,
}

impl DeskBuilder {
    fn finish(mut self) -> Desk {
        let desk = &mut self.desk;
        desk.sla = Sla::new(&desk.policies, self.stated_policies, &desk.calendars);
        let defaults: Vec<(Instant, Option<&str>)> = {
            let versions = desk.settings.iter();
            versions.map(|version| (version.since, version.value.default_calendar.as_deref())).collect()
        };
        desk.default_hours = Schedule::follow(defaults.iter().copied(), &desk.calendars);
        for (name, versions) in &desk.profiles {
            let mut references: Vec<(Instant, Option<&str>)> = defaults.clone();
            references.extend(
                versions
                    .iter()
                    .flat_map(|version| version.until.into_iter().chain([version.since]))
                    .map(|since| (since, None)),
            );
            references.sort_unstable();
            references.dedup_by_key(|(since, _)| *since);
            for (since, calendar) in &mut references {
                let own = versions.at(*since).and_then(|profile| profile.calendar.as_deref());
                let default = desk.settings.at(*since).and_then(|settings| settings.default_calendar.as_deref());
                *calendar = own.or(default);
            }
            desk.business_hours.insert(name.clone(), Schedule::follow(references, &desk.calendars));
        }
        self.desk
    }

    fn apply(&mut self, event: &DeskEvent<'_>) {
        let subject = event.subject;
        match event.kind {
            EventType::UserUpdated => self.update_user(event),
            EventType::UserRemoved => {
                if let Some(versions) = self.desk.users.get_mut(subject) {
                    versions.end(event.time);
                }
                if let Some(presence) = self.desk.presence.get_mut(subject) {
                    presence.end(event.time);
                }
                for group in self.groups.values_mut() {
                    group.members.remove(subject);
                }
                self.note_groups(event.time);
                self.withdraw(event, &[Withdrawn::Open, Withdrawn::Resolved]);
            }
            EventType::UserPresenceChanged => self.change_presence(event),
            EventType::GroupUpdated => {
                let group = self.groups.entry(subject.to_owned()).or_default();
                set_text(&mut group.name, &event.data, "name");
                set_texts(&mut group.members, &event.data, "members");
                set_texts(&mut group.skills, &event.data, "skills");
                set_texts(&mut group.profiles, &event.data, "profiles");
                self.named_groups.insert(subject.to_owned());
                self.refresh_groups(event.time);
            }
            EventType::GroupRemoved => self.remove_group(event),
            EventType::SkillRemoved => self.remove_skill(event),
            EventType::ProfileUpdated => self.update_profile(event),
            EventType::ProfileRemoved => {
                if let Some(versions) = self.desk.profiles.get_mut(subject) {
                    versions.end(event.time);
                }
            }
            EventType::CalendarUpdated => {
                // An event of the log can always be parsed; otherwise the calendar would stay as it is.
                if let Ok(calendar) = Calendar::parse(subject, &event.data) {
                    let versions = self.desk.calendars.entry(subject.to_owned()).or_default();
                    versions.state(event.time, Arc::new(OpenHours::new(calendar)));
                }
            }
            EventType::PolicyUpdated => {
                if let Ok(policy) = Policy::parse(subject, &event.data) {
                    let retargets = self.desk.settings.last().is_none_or(|settings| settings.sla.policy_edit_retargets);
                    let statement = Statement { since: event.time, policy: policy.clone(), retargets };
                    self.stated_policies.entry(subject.to_owned()).or_default().push(statement);
                    self.desk.policies.entry(subject.to_owned()).or_default().state(event.time, policy);
                }
            }
            EventType::PolicyRemoved => {
                if let Some(versions) = self.desk.policies.get_mut(subject) {
                    versions.end(event.time);
                }
            }
            EventType::FieldUpdated => {
                let versions = self.desk.fields.entry(subject.to_owned()).or_default();
                let mut field = versions.last().cloned().unwrap_or_default();
                field.update(&event.data);
                versions.set(event.time, field);
            }
            EventType::FieldRemoved => {
                if let Some(versions) = self.desk.fields.get_mut(subject) {
                    versions.end(event.time);
                }
            }
            EventType::ViewUpdated => {
                // Logs may have older ones that are refused today; such a view stays as it was.
                if let Ok(view) = View::parse(subject, &event.data) {
                    self.desk.views.entry(subject.to_owned()).or_default().set(event.time, view);
                }
            }
            EventType::ViewRemoved => {
                if let Some(versions) = self.desk.views.get_mut(subject) {
                    versions.end(event.time);
                }
            }
            EventType::SettingsUpdated => {
                let mut settings = self.desk.settings.last().cloned().unwrap_or_default();
                settings.update(&event.data);
                self.desk.settings.set(event.time, settings);
            }
            _ => {}
        }
        self.find_unknown_references(event);
    }

    fn update_user(&mut self, event: &DeskEvent<'_>) {
        self.desk.first_named_at.get_or_insert(event.time);
        self.desk.named_at.entry(event.subject.to_owned()).or_insert(event.time);
        let versions = self.desk.users.entry(event.subject.to_owned()).or_default();
        let mut user = versions.last().cloned().unwrap_or_default();
        let data = &event.data;
        set_text(&mut user.name, data, "name");
        set_text(&mut user.email, data, "email");
        set_text(&mut user.team, data, "team");
        if let Some(role) = data.get("role").and_then(Json::as_text).and_then(Role::parse) {
            user.role = role;
        }
        if let Some(capacity) = data.get("capacity").and_then(Json::as_whole) {
            user.capacity = capacity;
        }
        set_flag(&mut user.auto_assign, data, "auto_assign");
        set_flag(&mut user.bot, data, "bot");
        set_texts(&mut user.skills, data, "skills");
        self.join_groups(event.subject, data);
        self.place_in_groups(event.subject, &mut user);
        if let Some(versions) = self.desk.users.get_mut(event.subject) {
            versions.set(event.time, user);
        }
        self.note_groups(event.time);
    }

    /// A user's `groups` states all the groups they are in.
    fn join_groups(&mut self, user: &str, data: &Json<'_>) {
        let Some(names) = data.get("groups").and_then(Json::as_list) else { return };
        let names: BTreeSet<&str> = names.iter().filter_map(Json::as_text).collect();
        for (name, group) in &mut self.groups {
            if !names.contains(name.as_str()) {
                group.members.remove(user);
            }
        }
        for name in names {
            self.groups.entry(name.to_owned()).or_default().members.insert(user.to_owned());
        }
    }

    fn place_in_groups(&self, name: &str, user: &mut User) {
        let groups = || self.groups.iter().filter(|(_, group)| group.members.contains(name));
        user.groups = groups().map(|(name, _)| name.clone()).collect();
        user.group_skills = groups().flat_map(|(_, group)| group.skills.iter().cloned()).collect();
    }

    /// Adds versions of the groups that have changed.
    fn note_groups(&mut self, time: Instant) {
        for name in &self.named_groups {
            let Some(group) = self.groups.get(name) else { continue };
            let versions = self.desk.groups.entry(name.clone()).or_default();
            if versions.last() != Some(group) {
                versions.set(time, group.clone());
            }
        }
    }

    /// Updates the groups and group skills of every user, and adds versions of the groups that have changed.
    fn refresh_groups(&mut self, time: Instant) {
        let names: Vec<String> = self.desk.users.keys().cloned().collect();
        for name in names {
            let Some(mut user) = self.desk.users.get(&name).and_then(Versions::last).cloned() else { continue };
            self.place_in_groups(&name, &mut user);
            if let Some(versions) = self.desk.users.get_mut(&name) {
                versions.set(time, user);
            }
        }
        self.note_groups(time);
    }

    fn remove_group(&mut self, event: &DeskEvent<'_>) {
        self.groups.remove(event.subject);
        self.named_groups.remove(event.subject);
        if let Some(versions) = self.desk.groups.get_mut(event.subject) {
            versions.end(event.time);
        }
        self.refresh_groups(event.time);
    }

    fn remove_skill(&mut self, event: &DeskEvent<'_>) {
        for group in self.groups.values_mut() {
            group.skills.remove(event.subject);
        }
        for versions in self.desk.users.values_mut() {
            let Some(mut user) = versions.last().cloned() else { continue };
            user.skills.remove(event.subject);
            versions.set(event.time, user);
        }
        self.refresh_groups(event.time);
    }

    fn change_presence(&mut self, event: &DeskEvent<'_>) {
        let Some(presence) = event.data.get("presence").and_then(Json::as_text).and_then(Presence::parse) else {
            return;
        };
        self.desk.presence.entry(event.subject.to_owned()).or_default().set(event.time, presence);
        let takes = self.desk.settings.last().is_some_and(|settings| settings.unassign_on.contains(&presence));
        if takes {
            self.withdraw(event, &[Withdrawn::Open]);
        }
    }

    fn withdraw(&mut self, event: &DeskEvent<'_>, of: &[Withdrawn]) {
        let transitions = self.desk.settings.last().map_or(Transitions::ALL, |settings| settings.transitions);
        for of in of {
            let by_user = match of {
                Withdrawn::Open => &mut self.desk.withdrawals,
                Withdrawn::Resolved => &mut self.desk.withdrawals_of_resolved,
            };
            let of_user = by_user.entry(event.subject.to_owned()).or_default();
            let (time, source, id) = (event.time, event.source.to_owned(), event.id.to_owned());
            of_user.times.push(time);
            of_user.all.push(Withdrawal { time, source, id, transitions });
        }
    }

    fn update_profile(&mut self, event: &DeskEvent<'_>) {
        self.desk.first_profile_named_at.get_or_insert(event.time);
        let versions = self.desk.profiles.entry(event.subject.to_owned()).or_default();
        let mut profile = versions.last().cloned().unwrap_or_default();
        let data = &event.data;
        set_text(&mut profile.name, data, "name");
        set_text(&mut profile.platform, data, "platform");
        if let Some(names) = data.get("visible_to").and_then(Json::as_list) {
            profile.visible_to = Some(names.iter().filter_map(Json::as_text).map(str::to_owned).collect());
        }
        set_nullable_text(&mut profile.calendar, data, "calendar");
        versions.set(event.time, profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(events: &[(i64, EventType, &str, &str)]) -> Desk {
        Desk::replay(events.iter().map(|(time, kind, subject, data)| DeskEvent {
            time: Instant(*time),
            source: "s",
            id: "e",
            kind: *kind,
            subject,
            data: Json::parse(data).unwrap(),
        }))
    }

    #[test]
    fn updates_change_only_the_members_present() {
        let desk = desk(&[
            (1, EventType::UserUpdated, "ana", r#"{"name":"Ana","team":"north","capacity":2}"#),
            (2, EventType::UserUpdated, "ana", r#"{"team":null,"bot":true}"#),
            (3, EventType::UserRemoved, "ana", "{}"),
            (4, EventType::UserUpdated, "ana", "{}"),
        ]);
        let ana = |time| desk.users["ana"].at(Instant(time));
        assert_eq!(ana(1).unwrap().team.as_deref(), Some("north"));
        let second = ana(2).unwrap();
        assert_eq!((second.team.as_deref(), second.capacity, second.bot), (None, 2, true));
        assert_eq!(ana(3), None);
        assert_eq!(ana(4), Some(&User::default()));
        assert!(desk.is_bot("ana", Instant(2)) && !desk.is_bot("ana", Instant(4)));
    }

    #[test]
    fn presence_withdraws_only_where_the_settings_say_so() {
        let desk = desk(&[
            (1, EventType::UserPresenceChanged, "ana", r#"{"presence":"offline"}"#),
            (2, EventType::SettingsUpdated, "settings", r#"{"unassign_on":["offline"]}"#),
            (3, EventType::UserPresenceChanged, "ana", r#"{"presence":"away"}"#),
            (4, EventType::UserPresenceChanged, "ana", r#"{"presence":"offline"}"#),
            (5, EventType::UserPresenceChanged, "ana", r#"{"presence":"offline"}"#),
            (6, EventType::UserRemoved, "ana", "{}"),
        ]);
        let times = |of, after| -> Vec<i64> {
            let (times, all) = desk.withdrawals_after("ana", of, Instant(after));
            assert!(times.iter().eq(all.iter().map(|withdrawal| &withdrawal.time)));
            times.iter().map(|time| time.0).collect()
        };
        assert_eq!(times(Withdrawn::Open, 0), [4, 5, 6]);
        assert_eq!(times(Withdrawn::Open, 4), [5, 6]);
        assert_eq!(times(Withdrawn::Open, 6), [] as [i64; 0]);
        assert_eq!(times(Withdrawn::Resolved, 0), [6]);
    }

    #[test]
    fn skills_come_through_groups_and_go_with_them() {
        let desk = desk(&[
            (1, EventType::UserUpdated, "ana", r#"{"skills":["french"]}"#),
            (2, EventType::GroupUpdated, "vip", r#"{"members":["ana"],"skills":["refunds"]}"#),
            (3, EventType::SkillRemoved, "french", "{}"),
            (4, EventType::GroupRemoved, "vip", "{}"),
        ]);
        let skills = |time| {
            let user = desk.users["ana"].at(Instant(time)).unwrap();
            (user.skills.len(), user.group_skills.len(), user.groups.len())
        };
        assert_eq!([skills(1), skills(2), skills(3), skills(4)], [(1, 0, 0), (1, 1, 1), (0, 1, 1), (0, 0, 0)]);
    }

    #[test]
    fn unknown_users_are_those_not_named_in_a_log_that_names_users() {
        let desk = desk(&[(5, EventType::UserUpdated, "ana", "{}")]);
        assert_eq!(desk.has_named("zoe", Instant(4)), None);
        assert_eq!(desk.has_named("zoe", Instant(5)), Some(false));
        assert_eq!(desk.has_named("ana", Instant(5)), Some(true));
    }

    #[test]
    fn a_group_is_what_events_of_both_sides_make_of_it() {
        let desk = desk(&[
            (1, EventType::UserUpdated, "ana", r#"{"groups":["vip"]}"#),
            (2, EventType::GroupUpdated, "vip", r#"{"name":"VIP","skills":["refunds"],"profiles":["fb"]}"#),
            (3, EventType::UserUpdated, "ben", r#"{"groups":["vip","unnamed"]}"#),
            (4, EventType::SkillRemoved, "refunds", "{}"),
            (5, EventType::UserRemoved, "ana", "{}"),
            (6, EventType::UserUpdated, "ben", r#"{"name":"Ben"}"#),
            (7, EventType::GroupRemoved, "vip", "{}"),
            (8, EventType::GroupUpdated, "vip", "{}"),
        ]);
        let shown: Vec<String> = desk.groups["vip"]
            .iter()
            .map(|version| {
                let (until, group) = (version.until.map(|until| until.0), &version.value);
                format!("{} {until:?} {:?} {:?} {:?}", version.since.0, group.name, group.members, group.skills)
            })
            .collect();
        let expected = [
            r#"2 Some(3) Some("VIP") {"ana"} {"refunds"}"#,
            r#"3 Some(4) Some("VIP") {"ana", "ben"} {"refunds"}"#,
            r#"4 Some(5) Some("VIP") {"ana", "ben"} {}"#,
            r#"5 Some(7) Some("VIP") {"ben"} {}"#,
            r#"8 None None {} {}"#,
        ];
        assert_eq!(shown, expected);
        assert!(!desk.groups.contains_key("unnamed"));
    }
}
