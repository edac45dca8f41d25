//! What the desk's own events name and the log does not know (2.7 `unknown_reference`).

use super::DeskEvent;
use super::builder::DeskBuilder;
use crate::json::Json;
use crate::model::event::EventType;
use crate::model::finding::{DeskFinding, Rule};
use crate::model::versions::Versions;

impl DeskBuilder {
    /// Adds a finding if the event names something that does not exist at that position of the log.
    pub(super) fn find_unknown_references(&mut self, event: &DeskEvent<'_>) {
        let unknown = self.unknown_references(event);
        if unknown.is_empty() {
            return;
        }
        let rule = Rule::UnknownReference;
        let set = self.desk.settings.last().and_then(|settings| settings.findings.get(rule.name()));
        self.desk.findings.push(DeskFinding {
            time: event.time,
            source: event.source.to_owned(),
            id: event.id.to_owned(),
            kind: event.kind,
            rule,
            severity: set.map_or(rule.severity(), String::as_str).to_owned(),
            detail: format!("the log does not know {}", unknown.join(", ")),
        });
    }

    fn unknown_references(&self, event: &DeskEvent<'_>) -> Vec<String> {
        let (desk, data) = (&self.desk, &event.data);
        let calendar = data.get("calendar").and_then(Json::as_text).into_iter();
        match event.kind {
            EventType::ProfileUpdated => {
                absent("calendar", calendar, |name| is_gone(desk.calendars.get(name))).collect()
            }
            EventType::PolicyUpdated => {
                let profiles = texts(data.get("conditions").and_then(|conditions| conditions.get("profile")));
                let calendars = absent("calendar", calendar, |name| is_gone(desk.calendars.get(name)));
                calendars.chain(absent("profile", profiles, |name| is_gone(desk.profiles.get(name)))).collect()
            }
            EventType::GroupUpdated => {
                absent("user", texts(data.get("members")), |name| is_gone(desk.users.get(name))).collect()
            }
            EventType::ViewUpdated => {
                let shown_to = |name| texts(data.get("visibility").and_then(|visibility| visibility.get(name)));
                let users = absent("user", shown_to("users"), |name| is_gone(desk.users.get(name)));
                users.chain(absent("group", shown_to("groups"), |name| is_gone(desk.groups.get(name)))).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn texts<'e>(list: Option<&'e Json<'_>>) -> impl Iterator<Item = &'e str> {
    list.and_then(Json::as_list).unwrap_or_default().iter().filter_map(Json::as_text)
}

/// Whether nothing of that name exists now.
fn is_gone<T: PartialEq>(versions: Option<&Versions<T>>) -> bool {
    versions.is_none_or(|versions| versions.last().is_none())
}

/// The names that do not exist now, each with its kind.
fn absent<'e>(
    what: &'static str,
    names: impl Iterator<Item = &'e str>,
    is_gone: impl Fn(&str) -> bool,
) -> impl Iterator<Item = String> {
    let mut names: Vec<&str> = names.filter(|name| is_gone(name)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(move |name| format!("the {what} `{name}`")).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desk::Desk;
    use crate::model::time::Instant;

    /// The details of the findings of those events, one a minute.
    fn details(events: &[(EventType, &str, &str)]) -> Vec<String> {
        let event = |(minute, (kind, subject, data)): (i64, &(EventType, &'static str, &'static str))| DeskEvent {
            time: Instant(minute),
            source: "s",
            id: "e",
            kind: *kind,
            subject,
            data: Json::parse(data).unwrap(),
        };
        let events: Vec<(EventType, &'static str, &'static str)> =
            events.iter().map(|(kind, subject, data)| (*kind, leak(subject), leak(data))).collect();
        let desk = Desk::replay((0..).zip(&events).map(event));
        desk.findings.into_iter().map(|finding| format!("{} {}", finding.severity, finding.detail)).collect()
    }

    fn leak(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    const POLICY: &str =
        r#"{"position":1,"targets":{"low":{"assign":"1m"}},"calendar":"office","conditions":{"profile":["fb","x"]}}"#;
    const OFFICE: (EventType, &str, &str) =
        (EventType::CalendarUpdated, "office", r#"{"time_zone":"UTC","hours":{"mon":[["09:00","17:00"]]}}"#);

    #[test]
    fn what_an_event_names_is_judged_by_what_came_before_it() {
        let policy = (EventType::PolicyUpdated, "p", POLICY);
        let fb = (EventType::ProfileUpdated, "fb", "{}");
        let x = (EventType::ProfileUpdated, "x", r#"{"calendar":"office"}"#);
        assert_eq!(
            details(&[policy, OFFICE, fb]),
            ["warning the log does not know the calendar `office`, the profile `fb`, the profile `x`"]
        );
        assert_eq!(details(&[OFFICE, fb, x, policy]), [""; 0]);
        assert_eq!(
            details(&[OFFICE, fb, x, (EventType::ProfileRemoved, "x", "{}"), policy]),
            ["warning the log does not know the profile `x`"]
        );
        assert_eq!(details(&[x, OFFICE, (EventType::ProfileUpdated, "x", r#"{"name":"X"}"#)]).len(), 1);
    }

    #[test]
    fn groups_and_views_name_users_and_groups_that_are_there() {
        let ana = (EventType::UserUpdated, "ana", "{}");
        let group = (EventType::GroupUpdated, "vip", r#"{"members":["zoe","ana","zoe"]}"#);
        let view = (EventType::ViewUpdated, "v", r#"{"visibility":{"users":["ana"],"groups":["vip"]}}"#);
        assert_eq!(details(&[ana, group, view]), ["warning the log does not know the user `zoe`"]);
        assert_eq!(
            details(&[group, ana, (EventType::UserRemoved, "ana", "{}"), (EventType::GroupRemoved, "vip", "{}"), view]),
            [
                "warning the log does not know the user `ana`, the user `zoe`",
                "warning the log does not know the user `ana`, the group `vip`"
            ]
        );
        assert_eq!(details(&[(EventType::ViewUpdated, "v", r#"{"visibility":"everybody"}"#)]), [""; 0]);
    }

    #[test]
    fn the_settings_say_how_severe_it_is_from_then_on() {
        let group = (EventType::GroupUpdated, "vip", r#"{"members":["zoe"]}"#);
        let hide = (EventType::SettingsUpdated, "settings", r#"{"findings":{"unknown_reference":"hidden"}}"#);
        let shown = details(&[group, hide, group]);
        assert!(shown[0].starts_with("warning ") && shown[1].starts_with("hidden "), "{shown:?}");
    }
}
