//! Rules that an event may break and still have its effect (2.7, "applied"), checked just before the event.
//!
//! `reply_by_other`, `unknown_priority` and `reopened_after_close` are checked where they happen, not here.

use super::Case;
use super::rows::{AutomaticAssignment, Standing};
use crate::json::Json;
use crate::model::desk::Desk;
use crate::model::event::{CaseEvent, EventBody, EventType, Status};
use crate::model::field::Field;
use crate::model::finding::Rule;
use crate::model::time::Instant;

impl<'a> Case<'a> {
    /// Adds the findings of an event that is not rejected. Before the creation there is no standing.
    pub(super) fn check_rules(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        let standing = self.standing();
        self.check_permission(event, standing, desk);
        match event.body {
            EventBody::Created(creation) => {
                let invalid = invalid_fields(creation.fields, event.time, desk);
                self.find_invalid(event, &invalid);
            }
            EventBody::FieldChanged { field, value } => {
                let invalid = value.filter(|value| !allows(desk, field, value, event.time)).map(|_| field.to_owned());
                self.find_invalid(event, invalid.as_slice());
            }
            _ => {}
        }
        let Some(standing) = standing else { return };
        match event.body {
            EventBody::ProfileAssigned { .. } => self.check_profile_assigner(event, standing),
            EventBody::Message(_) if event.kind == EventType::MessageSent => {
                self.check_reply_profile(event, standing, desk)
            }
            EventBody::Assigned { agent, automatic: true } if standing.assignee != Some(agent) => {
                self.check_automatic_assignment(event, agent, desk);
            }
            EventBody::StatusChanged(Status::Done) | EventBody::Closed if !standing.status.is_resolved() => {
                self.check_mandatory_fields(event, desk);
            }
            _ => {}
        }
    }

    fn check_permission(&mut self, event: &CaseEvent<'a>, standing: Option<Standing<'a>>, desk: &Desk) {
        let Some(by) = event.by else { return };
        let profile = match event.body {
            EventBody::Created(creation) => creation.profile,
            EventBody::ProfileAssigned { profile } => Some(profile),
            _ => standing.and_then(|standing| standing.profile),
        };
        if let Some(detail) = desk.denial(by, profile, event.time) {
            self.add_finding(event, Rule::NotPermitted, detail);
        }
    }

    fn check_profile_assigner(&mut self, event: &CaseEvent<'a>, standing: Standing<'a>) {
        if let (Some(by), Some(assignee)) = (event.by, standing.assignee)
            && by != assignee
        {
            let detail = format!("`{by}` assigned a profile; the case is assigned to `{assignee}`");
            self.add_finding(event, Rule::ProfileByOther, detail);
        }
    }

    fn check_reply_profile(&mut self, event: &CaseEvent<'a>, standing: Standing<'a>, desk: &Desk) {
        if standing.profile.is_none() && desk.has_named_profiles(event.time) {
            self.add_finding(event, Rule::ReplyWithoutProfile, "the case has no profile to reply from");
        }
    }

    /// Records the assignment too: whether the workload was at the capacity, only all cases together show.
    fn check_automatic_assignment(&mut self, event: &CaseEvent<'a>, agent: &'a str, desk: &Desk) {
        let Some(user) = desk.user_at(agent, event.time) else { return };
        if !user.auto_assign {
            let detail = format!("`{agent}` does not take cases automatically");
            self.add_finding(event, Rule::NotAutoAssignable, detail);
        }
        let capacity = user.capacity;
        self.history.automatic_assignments.push(AutomaticAssignment { event: *event, agent, capacity });
    }

    fn check_mandatory_fields(&mut self, event: &CaseEvent<'a>, desk: &Desk) {
        let asked = |field: &Field| field.enabled && field.mandatory;
        let is_empty = |name: &str| self.history.field_value(name).is_none_or(|value| matches!(value, "" | "[]"));
        let fields = desk.fields.iter();
        let asked = fields.filter(|(_, versions)| versions.at(event.time).is_some_and(asked)).map(|(name, _)| name);
        let empty: Vec<String> = asked.filter(|name| is_empty(name)).map(|name| format!("`{name}`")).collect();
        if !empty.is_empty() {
            self.add_finding(event, Rule::MandatoryFieldEmpty, format!("no value of {}", empty.join(", ")));
        }
    }

    fn find_invalid(&mut self, event: &CaseEvent<'a>, fields: &[String]) {
        if !fields.is_empty() {
            let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
            let detail = format!("the kind or the values of {} do not allow this", fields.join(", "));
            self.add_finding(event, Rule::InvalidFieldValue, detail);
        }
    }
}

/// The fields of a creation whose values are not allowed, sorted.
fn invalid_fields(fields: Option<&str>, time: Instant, desk: &Desk) -> Vec<String> {
    if desk.fields.is_empty() {
        return Vec::new();
    }
    let Some(Ok(fields)) = fields.map(Json::parse) else { return Vec::new() };
    let refuses = |name: &str, value: &Json<'_>| field_at(desk, name, time).is_some_and(|field| !field.allows(value));
    let members = fields.members().iter().filter(|(name, value)| refuses(name, value));
    let mut invalid: Vec<String> = members.map(|(name, _)| name.to_string()).collect();
    invalid.sort_unstable();
    invalid.dedup();
    invalid
}

/// Whether a field may have that value, in JSON; an unknown field may have any.
fn allows(desk: &Desk, field: &str, value: &str, time: Instant) -> bool {
    let Some(field) = field_at(desk, field, time) else { return true };
    Json::parse(value).map_or(true, |value| field.allows(&value))
}

fn field_at<'d>(desk: &'d Desk, name: &str, time: Instant) -> Option<&'d Field> {
    desk.fields.get(name)?.at(time)
}
