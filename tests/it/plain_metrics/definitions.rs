//! Each metric with its plain reading.

use super::known::{Contribution, Known};
use super::question::Asked;
use super::{people, processing, service_level, volume};

/// How a metric is read.
#[derive(Clone, Copy)]
pub enum Reading {
    /// What contributed at any time, or as a report over a range sees it.
    Flow(fn(&Known, &Asked) -> Vec<Contribution>),
    /// What is there at an instant.
    Stock(fn(&Known, i64) -> Vec<Contribution>),
    /// What the time between two instants contributes, between which nothing changes.
    Time(fn(&Known, i64, i64) -> Vec<Contribution>),
    /// One metric divided by another, each as its name, its aggregation and whether it is read at the end of the range.
    Ratio(Side, Side),
}

/// One side of a ratio: a metric, how it is aggregated, and whether it is of the whole range instead of each bucket.
#[derive(Clone, Copy)]
pub struct Side {
    pub metric: &'static str,
    pub shown: &'static str,
    pub is_at_end: bool,
}

use Reading::{Flow, Ratio, Stock, Time};

/// A metric, and the dimensions that only its contributions know.
type Definition = (&'static str, Reading, &'static [&'static str]);

const DAYS_TO_CLEAR: Reading = Ratio(
    Side { metric: "backlog", shown: "count", is_at_end: true },
    Side { metric: "resolutions", shown: "per_day", is_at_end: true },
);

const UTILIZATION: Reading = Ratio(
    Side { metric: "workload_time", shown: "sum", is_at_end: false },
    Side { metric: "capacity_time", shown: "sum", is_at_end: false },
);

const REPLIES_PER_ONLINE_HOUR: Reading = Ratio(
    Side { metric: "replies", shown: "count", is_at_end: false },
    Side { metric: "online_time", shown: "hours", is_at_end: false },
);

/// In the order of 5.2.
pub const DEFINITIONS: &[Definition] = &[
    ("created_cases", Flow(volume::created_cases), &[]),
    ("assigned_cases", Flow(volume::assigned_cases), &[]),
    ("resolved_cases", Flow(volume::resolved_cases), &[]),
    ("stayed_resolved_cases", Flow(volume::stayed_resolved_cases), &[]),
    ("resolutions", Flow(volume::resolutions), &[]),
    ("spam_cases", Flow(volume::spam_cases), &[]),
    ("reopenings", Flow(volume::reopenings), &[]),
    ("deleted_cases", Flow(volume::deleted_cases), &[]),
    ("unresolved_cases", Stock(volume::backlog), &[]),
    ("messages_received", Flow(volume::messages_received), &["kind"]),
    ("messages_sent", Flow(volume::messages_sent), &["kind"]),
    ("bot_messages_sent", Flow(volume::bot_messages_sent), &["kind"]),
    ("notes", Flow(volume::notes), &[]),
    ("contacts_per_customer", Flow(volume::contacts_per_customer), &[]),
    ("repeat_contacts", Flow(volume::repeat_contacts), &[]),
    ("backlog", Stock(volume::backlog), &[]),
    ("unassigned_backlog", Stock(volume::unassigned_backlog), &[]),
    ("backlog_age", Stock(volume::backlog_age), &["age"]),
    ("waiting_for_us", Stock(volume::waiting_for_us), &[]),
    ("days_to_clear", DAYS_TO_CLEAR, &[]),
    ("time_to_assign", Flow(processing::time_to_assign), &[]),
    ("time_to_assign_business", Flow(processing::time_to_assign_business), &[]),
    ("first_response_time", Flow(processing::first_response_time), &[]),
    ("first_response_time_business", Flow(processing::first_response_time_business), &[]),
    ("next_response_time", Flow(processing::next_response_time), &["kind"]),
    ("next_response_time_business", Flow(processing::next_response_time_business), &["kind"]),
    ("response_time", Flow(processing::response_time), &["kind"]),
    ("response_time_business", Flow(processing::response_time_business), &["kind"]),
    ("first_resolution_time", Flow(processing::first_resolution_time), &[]),
    ("first_resolution_time_business", Flow(processing::first_resolution_time_business), &[]),
    ("resolution_time", Flow(processing::resolution_time), &[]),
    ("resolution_time_business", Flow(processing::resolution_time_business), &[]),
    ("lifetime", Flow(processing::lifetime), &[]),
    ("lifetime_business", Flow(processing::lifetime_business), &[]),
    ("time_in_status", Flow(processing::time_in_status), &[]),
    ("time_in_status_business", Flow(processing::time_in_status_business), &[]),
    ("agent_time", Flow(processing::agent_time), &[]),
    ("agent_time_business", Flow(processing::agent_time_business), &[]),
    ("touches", Flow(processing::touches), &[]),
    ("one_touch_cases", Flow(processing::one_touch_cases), &[]),
    ("reopened_share", Flow(processing::reopened_share), &[]),
    ("reassigned_share", Flow(processing::reassigned_share), &[]),
    ("sla_attainment", Flow(service_level::sla_attainment), &["milestone"]),
    ("sla_breaches", Flow(service_level::sla_breaches), &["milestone"]),
    ("sla_late_by", Flow(service_level::sla_late_by), &["milestone"]),
    ("sla_at_risk", Stock(service_level::sla_at_risk), &["milestone"]),
    ("sla_overdue", Stock(service_level::sla_overdue), &["milestone"]),
    ("cases_within_sla", Flow(service_level::cases_within_sla), &[]),
    ("cases_by_policy", Flow(volume::created_cases), &[]),
    ("workload", Stock(volume::workload), &[]),
    ("workload_time", Time(people::workload_time), &[]),
    ("capacity", Stock(people::capacity_of_users), &[]),
    ("capacity_time", Time(people::capacity_time), &[]),
    ("utilization", UTILIZATION, &[]),
    ("over_capacity_time", Time(people::over_capacity_time), &[]),
    ("online_time", Time(people::online_time), &["presence"]),
    ("handled_cases", Flow(people::handled_cases), &[]),
    ("replies", Flow(people::replies), &["kind"]),
    ("replies_per_online_hour", REPLIES_PER_ONLINE_HOUR, &[]),
    ("reply_by_other_share", Flow(people::reply_by_other_share), &["kind"]),
    ("survey_response_rate", Flow(people::survey_response_rate), &["kind"]),
    ("csat", Flow(people::csat), &[]),
    ("nps", Flow(people::nps), &[]),
    ("ces", Flow(people::ces), &[]),
];

/// The definition of the metric of that name.
pub fn definition(name: &str) -> &'static Definition {
    DEFINITIONS.iter().find(|definition| definition.0 == name).expect("a metric of the catalogue")
}
