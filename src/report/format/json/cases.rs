//! The cases that widgets list, and what happened in each, for programs.

use serde_json::{Map, Value, json};

use crate::explain::{Clock, End};
use crate::metric::foremost::Order;
use crate::model::time::Instant;
use crate::report::cases::{CaseList, ListedCase, ListedMetric};
use crate::report::rows::unit_name;
use crate::report::value;
use crate::timeline::events::{Event, Finding};
use crate::timeline::{Band, Head, Resolution, Timeline, Turn};

/// The list of a widget.
pub(super) fn list(list: &CaseList) -> Value {
    let cases: Vec<Value> = list.cases.iter().map(|case| listed(list, case)).collect();
    json!({ "metrics": list.metrics.iter().map(metric).collect::<Vec<_>>(), "listed": cases })
}

fn metric(metric: &ListedMetric) -> Value {
    let order = match metric.order {
        Order::Largest => "largest",
        Order::Smallest => "smallest",
        Order::Latest => "latest",
        Order::Oldest => "oldest",
    };
    json!({
        "metric": metric.name, "title": metric.title, "unit": unit_name(&metric.unit), "order": order, "cases": metric.cases,
    })
}

fn listed(list: &CaseList, case: &ListedCase) -> Value {
    let metric = list.metrics.get(case.metric);
    let groups: Map<String, Value> =
        list.dimensions.iter().zip(&case.groups).map(|(key, group)| (key.name.clone(), text(group))).collect();
    let instant = if metric.is_some_and(|metric| metric.is_since) { "since" } else { "at" };
    json!({
        "case_id": case.case, "metric": metric.map(|metric| &metric.name), instant: case.at.to_string(),
        "value": case.value.number(), "groups": groups, "row": case.place.row, "column": case.place.column,
    })
}

fn text(value: &value::Value) -> Value {
    match value {
        value::Value::Missing => Value::Null,
        other => Value::from(other.text()),
    }
}

/// What happened in a case, and what its clocks measured.
pub(super) fn timeline(timeline: &Timeline) -> Value {
    json!({
        "case_id": timeline.case,
        "as_of": maybe(timeline.as_of),
        "case": timeline.head.as_ref().map(head),
        "periods": timeline.bands.iter().map(band).collect::<Vec<_>>(),
        "turns": timeline.turns.iter().map(turn).collect::<Vec<_>>(),
        "resolutions": timeline.resolutions.iter().map(resolution).collect::<Vec<_>>(),
        "milestones": timeline.clocks.iter().map(clock).collect::<Vec<_>>(),
        "events": timeline.events.iter().map(event).collect::<Vec<_>>(),
        "messages_hidden": timeline.messages_hidden,
    })
}

fn at(instant: Instant) -> String {
    instant.to_string()
}

fn maybe(instant: Option<Instant>) -> Option<String> {
    instant.map(at)
}

fn head(head: &Head) -> Value {
    json!({
        "status": head.status, "priority": head.priority, "assignee": head.assignee, "customer": head.customer,
        "profile": head.profile, "platform": head.platform, "policy": head.policy, "created_at": at(head.created_at),
        "first_response_at": maybe(head.first_response_at), "resolved_at": maybe(head.resolved_at),
        "deleted_at": maybe(head.deleted_at),
    })
}

fn band(band: &Band) -> Value {
    json!({
        "since": at(band.since), "until": maybe(band.until), "status": band.status, "assignee": band.assignee,
        "priority": band.priority, "cause": band.cause,
    })
}

fn turn(turn: &Turn) -> Value {
    json!({
        "n": turn.n, "asked_at": at(turn.asked_at), "answered_at": maybe(turn.answered_at), "answered_by": turn.answered_by,
        "stopped_at": maybe(turn.stopped_at), "elapsed_ms": turn.times.elapsed_ms, "active_ms": turn.times.active_ms,
        "business_ms": turn.times.business_ms,
    })
}

fn resolution(one: &Resolution) -> Value {
    json!({
        "n": one.n, "status": one.status, "resolved_at": at(one.resolved_at), "by": one.by,
        "reopened_at": maybe(one.reopened_at), "elapsed_ms": one.times.elapsed_ms, "active_ms": one.times.active_ms,
        "business_ms": one.times.business_ms,
    })
}

fn clock(clock: &Clock) -> Value {
    let instance = &clock.instance;
    let (ended_at, end) = match &instance.end {
        Some((time, End::Completed(_))) => (Some(*time), Some("completed")),
        Some((time, End::Stopped)) => (Some(*time), Some("stopped")),
        Some((time, End::Disabled)) => (Some(*time), Some("disabled")),
        None => (None, None),
    };
    let ledger = clock.ledger.iter().map(|entry| {
        json!({
            "since": at(entry.since), "until": at(entry.until), "label": entry.label.name(), "status": entry.status.name(),
        })
    });
    json!({
        "milestone": instance.milestone.name(), "n": instance.n, "turn": instance.turn,
        "started_at": at(instance.started_at), "target_ms": instance.target_ms, "due_at": maybe(instance.due_at),
        "ended_at": maybe(ended_at), "end": end, "outcome": clock.outcome.name(), "breached": clock.late.is_some(),
        "late_ms": clock.late.map(|late| late.elapsed_ms), "counted_ms": clock.sums.counted_ms,
        "ledger": ledger.collect::<Vec<_>>(),
    })
}

fn event(event: &Event) -> Value {
    let details: Map<String, Value> =
        event.details.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    json!({
        "time": at(event.time), "type": event.kind, "by": event.by, "details": details,
        "findings": event.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({ "rule": finding.rule, "effect": finding.effect, "detail": finding.detail })
}
