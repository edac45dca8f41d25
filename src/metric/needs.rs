//! What the events must have for a metric to have numbers, so that a log without it can be named before anyone reads a zero as a fact.
//!
//! The list is written by hand and holds in one direction: without the events of a need, each of its metrics has no contribution.
//! `tests/it/needs.rs` takes the events away and asks.

use crate::model::event::EventType;
use crate::wire::line::LoggedEvent;

/// Something that events state, and the metrics that measure it.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// In words, as they are read after `no`.
    pub what: &'static str,
    /// Events of which one is enough.
    pub events: &'static [Sign],
    /// Metrics without a contribution where there is none of the events.
    pub metrics: &'static [&'static str],
}

/// Events of a type, and of these the ones with one of the values of a member, where it is named.
#[derive(Clone, Copy, Debug)]
pub struct Sign {
    pub kind: EventType,
    pub with: Option<(&'static str, &'static [&'static str])>,
}

const fn any(kind: EventType) -> Sign {
    Sign { kind, with: None }
}

const fn with(kind: EventType, member: &'static str, values: &'static [&'static str]) -> Sign {
    Sign { kind, with: Some((member, values)) }
}

impl Need {
    /// Whether an event is one of those that are needed.
    #[must_use]
    pub fn is_met_by(&self, event: &LoggedEvent<'_>) -> bool {
        self.events.iter().any(|sign| sign.is(event))
    }
}

impl Sign {
    fn is(&self, event: &LoggedEvent<'_>) -> bool {
        let has = |(member, values): (&str, &[&str])| {
            let value = event.data.get(member);
            value.is_some_and(|value| values.is_empty() || value.as_text().is_some_and(|text| values.contains(&text)))
        };
        self.kind == event.kind && self.with.is_none_or(has)
    }
}

/// Every need.
pub const NEEDS: &[Need] = &[
    Need {
        what: "cases",
        events: &[any(EventType::CaseCreated)],
        metrics: &[
            "agent_time",
            "agent_time_business",
            "assigned_cases",
            "backlog",
            "backlog_age",
            "cases_by_policy",
            "cases_within_sla",
            "contacts_per_customer",
            "created_cases",
            "csat",
            "days_to_clear",
            "deleted_cases",
            "first_resolution_time",
            "first_resolution_time_business",
            "first_response_time",
            "first_response_time_business",
            "lifetime",
            "lifetime_business",
            "next_response_time",
            "next_response_time_business",
            "nps",
            "one_touch_cases",
            "reassigned_share",
            "reopened_share",
            "reopenings",
            "repeat_contacts",
            "resolution_time",
            "resolution_time_business",
            "resolutions",
            "resolved_cases",
            "response_time",
            "response_time_business",
            "sla_attainment",
            "sla_breaches",
            "sla_late_by",
            "sla_overdue",
            "spam_cases",
            "stayed_resolved_cases",
            "survey_response_rate",
            "time_in_status",
            "time_in_status_business",
            "time_to_assign",
            "time_to_assign_business",
            "touches",
            "unassigned_backlog",
            "unresolved_cases",
            "waiting_for_us",
            "workload",
            "workload_time",
            "ces",
            "sla_at_risk",
            "utilization",
            "over_capacity_time",
        ],
    },
    Need {
        what: "assignments of agents",
        events: &[any(EventType::CaseAssigned)],
        metrics: &[
            "assigned_cases",
            "time_to_assign",
            "time_to_assign_business",
            "agent_time",
            "agent_time_business",
            "workload",
            "workload_time",
            "utilization",
            "over_capacity_time",
        ],
    },
    Need {
        what: "resolutions",
        events: &[with(EventType::CaseStatusChanged, "status", &["done", "spam"]), any(EventType::CaseClosed)],
        metrics: &[
            "resolved_cases",
            "stayed_resolved_cases",
            "resolutions",
            "reopenings",
            "days_to_clear",
            "first_resolution_time",
            "first_resolution_time_business",
            "resolution_time",
            "resolution_time_business",
            "lifetime",
            "lifetime_business",
            "touches",
            "one_touch_cases",
            "reopened_share",
            "reassigned_share",
            "cases_within_sla",
        ],
    },
    Need { what: "spam", events: &[with(EventType::CaseStatusChanged, "status", &["spam"])], metrics: &["spam_cases"] },
    Need { what: "deleted cases", events: &[any(EventType::CaseDeleted)], metrics: &["deleted_cases"] },
    Need {
        what: "messages to customers",
        events: &[any(EventType::MessageSent)],
        metrics: &[
            "messages_sent",
            "bot_messages_sent",
            "first_response_time",
            "first_response_time_business",
            "next_response_time",
            "next_response_time_business",
            "response_time",
            "response_time_business",
            "replies",
            "replies_per_online_hour",
            "reply_by_other_share",
        ],
    },
    Need {
        what: "messages of bots",
        events: &[with(EventType::MessageSent, "bot", &[]), with(EventType::UserUpdated, "bot", &[])],
        metrics: &["bot_messages_sent"],
    },
    Need {
        what: "messages of customers after the first",
        events: &[any(EventType::MessageReceived)],
        metrics: &["messages_received", "next_response_time", "next_response_time_business"],
    },
    Need { what: "notes", events: &[any(EventType::MessageNoted)], metrics: &["notes"] },
    Need {
        what: "presence of users",
        events: &[any(EventType::UserPresenceChanged)],
        metrics: &["online_time", "replies_per_online_hour"],
    },
    Need {
        what: "users with a capacity",
        events: &[any(EventType::UserUpdated)],
        metrics: &["capacity", "capacity_time", "workload_time", "utilization", "over_capacity_time"],
    },
    Need {
        what: "policies",
        events: &[any(EventType::PolicyUpdated)],
        metrics: &["sla_attainment", "sla_breaches", "sla_late_by", "sla_at_risk", "sla_overdue"],
    },
    Need { what: "surveys that were sent", events: &[any(EventType::SurveySent)], metrics: &["survey_response_rate"] },
    Need {
        what: "answers to surveys of satisfaction",
        events: &[with(EventType::SurveyAnswered, "kind", &["csat"])],
        metrics: &["csat"],
    },
    Need {
        what: "answers to surveys of recommendation",
        events: &[with(EventType::SurveyAnswered, "kind", &["nps"])],
        metrics: &["nps"],
    },
    Need {
        what: "answers to surveys of effort",
        events: &[with(EventType::SurveyAnswered, "kind", &["ces"])],
        metrics: &["ces"],
    },
];
