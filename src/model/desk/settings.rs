//! The settings of the desk (1.4 `settings.updated`).

use std::collections::BTreeMap;

use crate::json::Json;
use crate::model::event::Presence;
use crate::model::time::parse_duration_ms;
use crate::model::update::{set_flag, set_nullable_text};

/// The settings of the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskSettings {
    pub grace_period_ms: Option<i64>,
    /// Grace periods of cases that one source created, by the source, in milliseconds.
    pub grace_periods_ms: BTreeMap<String, i64>,
    pub unassign_on: Vec<Presence>,
    pub default_calendar: Option<String>,
    pub transitions: Transitions,
    /// The severity of the findings of a rule: `hidden`, `info` or `warning`.
    pub findings: BTreeMap<String, String>,
    pub sla: SlaChanges,
}

impl Default for DeskSettings {
    fn default() -> Self {
        DeskSettings {
            grace_period_ms: None,
            grace_periods_ms: BTreeMap::new(),
            unassign_on: Vec::new(),
            default_calendar: None,
            transitions: Transitions::ALL,
            findings: BTreeMap::new(),
            sla: SlaChanges::default(),
        }
    }
}

/// Whether a change while a clock runs changes its target (3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaChanges {
    pub priority_change_retargets: bool,
    pub policy_edit_retargets: bool,
}

impl Default for SlaChanges {
    fn default() -> Self {
        SlaChanges { priority_change_retargets: true, policy_edit_retargets: true }
    }
}

/// Which automatic transitions of 2.3 are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transitions {
    /// Assigned while New: becomes Open.
    pub assign: bool,
    /// Unassigned while open: becomes New.
    pub unassign: bool,
    /// A customer's message while Pending: becomes Open.
    pub customer_reply: bool,
}

impl Transitions {
    /// All of them, as where no setting states anything.
    pub const ALL: Transitions = Transitions { assign: true, unassign: true, customer_reply: true };
}

impl DeskSettings {
    /// Changes the members that a `settings.updated` states.
    pub(super) fn update(&mut self, data: &Json<'_>) {
        match data.get_or_null("grace_period") {
            Some(Json::Text(text)) => self.grace_period_ms = parse_duration_ms(text).ok(),
            Some(Json::Null) => self.grace_period_ms = None,
            _ => {}
        }
        for (source, period) in data.get("grace_periods").map_or(&[][..], Json::members) {
            if let Some(period_ms) = period.as_text().and_then(|text| parse_duration_ms(text).ok()) {
                self.grace_periods_ms.insert(source.to_string(), period_ms);
            }
        }
        set_nullable_text(&mut self.default_calendar, data, "default_calendar");
        if let Some(names) = data.get("unassign_on").and_then(Json::as_list) {
            self.unassign_on = names.iter().filter_map(Json::as_text).filter_map(Presence::parse).collect();
        }
        if let Some(transitions) = data.get("transitions") {
            set_flag(&mut self.transitions.assign, transitions, "assign");
            set_flag(&mut self.transitions.unassign, transitions, "unassign");
            set_flag(&mut self.transitions.customer_reply, transitions, "customer_reply");
        }
        let retargets = |name: &str| Some(data.get("sla")?.get(name)?.as_text()? == "retarget");
        let sla = &mut self.sla;
        sla.priority_change_retargets = retargets("priority_change").unwrap_or(sla.priority_change_retargets);
        sla.policy_edit_retargets = retargets("policy_edit").unwrap_or(sla.policy_edit_retargets);
        for (rule, severity) in data.get("findings").map_or(&[][..], Json::members) {
            if let Some(severity) = severity.as_text() {
                self.findings.insert(rule.to_string(), severity.to_owned());
            }
        }
    }
}
