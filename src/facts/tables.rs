//! The fact tables, column by column (4).

use crate::facts::rows::Kind;
use crate::facts::rows::Kind::{Flag, Float, Instant, Key, Map, Name, Place, Text, Texts, Whole};
use crate::store::parquet::{Codec, FileLayout};

/// How files of facts are written: quick to write and to read, because they are written again and again. Values in a
/// dictionary or as differences are small as they are. The rows are sorted by case, so the least and the greatest case of a
/// row group serve instead of a filter.
pub const FACT_FILES: FileLayout = FileLayout {
    plain_codec: Codec::Lz4,
    codec: Codec::None,
    unique_columns: &[
        "id",
        "text",
        "data",
        "message",
        "event_id",
        "event_place",
        "since_place",
        "until_place",
        "customer",
    ],
    random_columns: &[],
    sorted_column: Some("case_id"),
    filtered_columns: &[],
    // More rows than a batch of facts has, so that none is divided.
    encoded_rows: Some(8192),
    has_events: false,
};

/// A fact table: its name, its columns, and the columns its listings are ordered by.
#[derive(Clone, Copy, Debug)]
pub struct FactTable {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    pub order: &'static [&'static str],
}

/// One row per case.
pub const CASES: FactTable = FactTable {
    name: "cases",
    order: &["case_id"],
    columns: &[
        ("case_id", Text),
        ("customer", Text),
        ("profile", Text),
        ("platform", Text),
        ("origin", Text),
        ("language", Text),
        ("created_at", Instant),
        ("created_by", Text),
        ("text", Text),
        ("policy", Key),
        ("policy_version", Instant),
        ("first_assigned_at", Instant),
        ("first_response_at", Instant),
        ("first_response_by", Text),
        ("first_resolved_at", Instant),
        ("resolved_at", Instant),
        ("resolved_by", Text),
        ("reopenings", Whole),
        ("closes_at", Instant),
        ("closed_at", Instant),
        ("deleted_at", Instant),
        ("status", Name),
        ("assignee", Text),
        ("priority", Name),
        ("sentiment", Text),
        ("fields", Map),
        ("messages_received", Whole),
        ("messages_sent", Whole),
        ("bot_messages_sent", Whole),
        ("notes", Whole),
        ("assignments", Whole),
        ("last_customer_message_at", Instant),
        ("last_agent_message_at", Instant),
        ("salesforce_record", Text),
        ("survey_score", Float),
    ],
};

/// One row per maximal time of unchanged status, assignee, priority and profile of a case.
pub const PERIODS: FactTable = FactTable {
    name: "periods",
    order: &["case_id", "since"],
    columns: &[
        ("case_id", Key),
        ("since", Instant),
        ("until", Instant),
        ("status", Name),
        ("assignee", Key),
        ("priority", Name),
        ("profile", Key),
        ("cause", Name),
        ("event_source", Key),
        ("event_id", Text),
    ],
};

/// One row per assignment.
pub const ASSIGNMENTS: FactTable = FactTable {
    name: "assignments",
    order: &["case_id", "n"],
    columns: &[
        ("case_id", Key),
        ("n", Whole),
        ("agent", Text),
        ("assigned_at", Instant),
        ("assigned_by", Text),
        ("automatic", Flag),
        ("ended_at", Instant),
        ("ended_by", Name),
        ("first_reply_at", Instant),
    ],
};

/// One row per turn; the first is the first response.
pub const TURNS: FactTable = FactTable {
    name: "turns",
    order: &["case_id", "n"],
    columns: &[
        ("case_id", Key),
        ("n", Whole),
        ("asked_at", Instant),
        ("answered_at", Instant),
        ("answered_by", Key),
        ("stopped_at", Instant),
        ("assignee", Key),
        ("kind", Name),
        ("elapsed_ms", Whole),
        ("active_ms", Whole),
        ("business_ms", Whole),
    ],
};

/// One row per instance of a milestone.
pub const MILESTONES: FactTable = FactTable {
    name: "milestones",
    order: &["case_id", "milestone", "n"],
    columns: &[
        ("case_id", Key),
        ("milestone", Name),
        ("n", Whole),
        ("turn", Whole),
        ("since", Instant),
        ("until", Instant),
        ("policy", Key),
        ("policy_version", Instant),
        ("started_at", Instant),
        ("target_ms", Whole),
        ("due_at", Instant),
        ("completed_at", Instant),
        ("completed_by", Key),
        ("stopped_at", Instant),
        ("disabled_at", Instant),
        ("assignee_at_due", Key),
        ("assignee_at_end", Key),
        ("elapsed_ms", Whole),
        ("counted_ms", Whole),
        ("off_hours_ms", Whole),
        ("holiday_ms", Whole),
        ("paused_ms", Whole),
        ("gap_ms", Whole),
    ],
};

/// One row per interval of a clock.
pub const LEDGER: FactTable = FactTable {
    name: "ledger",
    order: &["case_id", "milestone", "n", "since"],
    columns: &[
        ("case_id", Key),
        ("milestone", Name),
        ("n", Whole),
        ("since", Instant),
        ("until", Instant),
        ("label", Name),
        ("status", Name),
        ("calendar_version", Instant),
    ],
};

/// One row per resolution.
pub const RESOLUTIONS: FactTable = FactTable {
    name: "resolutions",
    order: &["case_id", "n"],
    columns: &[
        ("case_id", Key),
        ("n", Whole),
        ("resolved_at", Instant),
        ("status", Name),
        ("agent", Key),
        ("by", Key),
        ("elapsed_ms", Whole),
        ("active_ms", Whole),
        ("business_ms", Whole),
        ("reopened_at", Instant),
        ("closed_at", Instant),
    ],
};

/// One row per message.
pub const MESSAGES: FactTable = FactTable {
    name: "messages",
    order: &["case_id", "time", "message"],
    columns: &[
        ("case_id", Key),
        ("time", Instant),
        ("message", Text),
        ("direction", Name),
        ("kind", Name),
        ("by", Text),
        ("bot", Flag),
        ("text", Text),
        ("sentiment", Name),
        ("language", Text),
        ("liked", Flag),
        ("deleted_at", Instant),
        ("place", Name),
    ],
};

/// One row per maximal time of an unchanged value of a case's field; sentiment is one.
pub const FIELD_VALUES: FactTable = FactTable {
    name: "field_values",
    order: &["case_id", "field", "since"],
    columns: &[("case_id", Key), ("field", Text), ("since", Instant), ("until", Instant), ("value", Text)],
};

/// One row per finding.
pub const FINDINGS: FactTable = FactTable {
    name: "findings",
    order: &["time", "source", "id", "rule"],
    columns: &[
        ("time", Instant),
        ("source", Text),
        ("id", Text),
        ("case_id", Text),
        ("type", Name),
        ("rule", Name),
        ("effect", Name),
        ("severity", Text),
        ("detail", Text),
    ],
};

/// One row per version of a user.
pub const USERS: FactTable = FactTable {
    name: "users",
    order: &["user", "since"],
    columns: &[
        ("user", Text),
        ("since", Instant),
        ("until", Instant),
        ("name", Text),
        ("role", Text),
        ("team", Text),
        ("capacity", Whole),
        ("auto_assign", Flag),
        ("bot", Flag),
        ("skills", Texts),
        ("group_skills", Texts),
        ("groups", Texts),
    ],
};

/// One row per version of a profile.
pub const PROFILES: FactTable = FactTable {
    name: "profiles",
    order: &["profile", "since"],
    columns: &[
        ("profile", Text),
        ("since", Instant),
        ("until", Instant),
        ("name", Text),
        ("platform", Text),
        ("visible_to", Texts),
        ("calendar", Text),
    ],
};

/// One row per maximal time of unchanged presence of a user.
pub const PRESENCE: FactTable = FactTable {
    name: "presence",
    order: &["user", "since"],
    columns: &[("user", Text), ("since", Instant), ("until", Instant), ("presence", Name)],
};

/// One row per version of a customer.
pub const CUSTOMERS: FactTable = FactTable {
    name: "customers",
    order: &["customer", "since"],
    columns: &[("customer", Text), ("since", Instant), ("until", Instant), ("name", Text), ("data", Text)],
};

/// One row per time for which an escalated community message is locked.
pub const COMMUNITY_LOCKS: FactTable = FactTable {
    name: "community_locks",
    order: &["message", "since"],
    columns: &[("message", Text), ("case_id", Text), ("since", Instant), ("until", Instant)],
};

/// One row per version of an SLA policy; conditions and targets as JSON, as a `policy.updated` writes them.
pub const POLICIES: FactTable = FactTable {
    name: "policies",
    order: &["policy", "since"],
    columns: &[
        ("policy", Text),
        ("since", Instant),
        ("until", Instant),
        ("name", Text),
        ("position", Whole),
        ("enabled", Flag),
        ("conditions", Text),
        ("targets", Text),
        ("calendar", Text),
        ("pause_on", Texts),
    ],
};

/// One row per version of a calendar; hours and holidays as JSON, as a `calendar.updated` writes them.
pub const CALENDARS: FactTable = FactTable {
    name: "calendars",
    order: &["calendar", "since"],
    columns: &[
        ("calendar", Text),
        ("since", Instant),
        ("until", Instant),
        ("time_zone", Text),
        ("hours", Text),
        ("holidays", Text),
    ],
};

/// One row per version of a group.
pub const GROUPS: FactTable = FactTable {
    name: "groups",
    order: &["group", "since"],
    columns: &[
        ("group", Text),
        ("since", Instant),
        ("until", Instant),
        ("name", Text),
        ("members", Texts),
        ("skills", Texts),
        ("profiles", Texts),
    ],
};

/// One row per version of a custom field.
pub const FIELDS: FactTable = FactTable {
    name: "fields",
    order: &["field", "since"],
    columns: &[
        ("field", Text),
        ("since", Instant),
        ("until", Instant),
        ("name", Text),
        ("kind", Text),
        ("values", Texts),
        ("visibility", Text),
        ("mandatory", Flag),
        ("enabled", Flag),
        ("position", Whole),
    ],
};

/// One row per version of the settings, of which there is one set; what is nested as JSON.
pub const SETTINGS: FactTable = FactTable {
    name: "settings",
    order: &["since"],
    columns: &[
        ("since", Instant),
        ("until", Instant),
        ("grace_period_ms", Whole),
        ("unassign_on", Texts),
        ("default_calendar", Text),
        ("transitions", Text),
        ("sla", Text),
        ("findings", Text),
    ],
};

/// One row per answered survey.
pub const SURVEYS: FactTable = FactTable {
    name: "surveys",
    order: &["case_id", "survey"],
    columns: &[
        ("case_id", Key),
        ("survey", Text),
        ("kind", Text),
        ("score", Float),
        ("comment", Text),
        ("answered_at", Instant),
        ("agent", Text),
    ],
};

/// Every fact table, in the order of 4.
pub const FACT_TABLES: [FactTable; 21] = [
    CASES,
    PERIODS,
    ASSIGNMENTS,
    TURNS,
    MILESTONES,
    LEDGER,
    RESOLUTIONS,
    MESSAGES,
    FIELD_VALUES,
    CUSTOMERS,
    COMMUNITY_LOCKS,
    PRESENCE,
    USERS,
    PROFILES,
    POLICIES,
    CALENDARS,
    GROUPS,
    FIELDS,
    SETTINGS,
    SURVEYS,
    FINDINGS,
];

/// The tables that say how the desk was, written anew by every replay.
pub const DESK_TABLES: [FactTable; 8] = [USERS, PROFILES, PRESENCE, POLICIES, CALENDARS, GROUPS, FIELDS, SETTINGS];

/// The events that the desk is made of, as the log holds them: few among many, and asked for whenever one case is explained.
pub const DESK_EVENTS: FactTable = FactTable {
    name: "desk_events",
    order: &["time", "sequence", "source", "id"],
    columns: &[
        ("time", Instant),
        ("source", Text),
        ("id", Text),
        ("type", Text),
        ("subject", Text),
        ("data", Text),
        ("sequence", Whole),
    ],
};

/// The findings that cases show by themselves; `findings` are these and [`OTHER_FINDINGS`].
pub const CASE_FINDINGS: FactTable = FactTable { name: "case_findings", ..FINDINGS };

/// The findings that the desk's events show, or all cases together.
pub const OTHER_FINDINGS: FactTable = FactTable { name: "other_findings", ..FINDINGS };

/// Events that name a user whom no `user.updated` has named before, the first of each case and user. `event_place` sorts as
/// the log does.
pub const STRANGERS: FactTable = FactTable {
    name: "strangers",
    order: &["event_place"],
    columns: &[
        ("case_id", Text),
        ("event_place", Place),
        ("user", Text),
        ("time", Instant),
        ("source", Text),
        ("id", Text),
        ("type", Name),
        ("severity", Text),
    ],
};

/// Stretches in which a case stands in the way of another of the same customer and profile; one that was `created` begins
/// at the place of the creation.
pub const OPEN_SPANS: FactTable = FactTable {
    name: "open_spans",
    order: &["since_place"],
    columns: &[
        ("case_id", Text),
        ("customer", Text),
        ("profile", Text),
        ("since_place", Place),
        ("until_place", Place),
        ("created", Flag),
        ("severity", Key),
    ],
};

/// Stretches in which an open case is assigned to a user.
pub const LOAD_SPANS: FactTable = FactTable {
    name: "load_spans",
    order: &["since_place"],
    columns: &[("case_id", Key), ("user", Text), ("since_place", Place), ("until_place", Place)],
};

/// Automatic assignments to users whom the log knows.
pub const AUTOMATIC_ASSIGNMENTS: FactTable = FactTable {
    name: "automatic_assignments",
    order: &["event_place"],
    columns: &[("case_id", Key), ("user", Text), ("event_place", Place), ("capacity", Whole), ("severity", Key)],
};

/// Counts of a case's events that changed nothing (2.7, "noted").
pub const NOTED: FactTable = FactTable {
    name: "noted",
    order: &["case_id", "rule"],
    columns: &[("case_id", Key), ("rule", Text), ("count", Whole)],
};

/// From when to when a case depends on the log: its first event; the last instant at which an event about the desk could
/// change its facts, none while it is open; and who had it last, whose removal would change it whenever it comes.
pub const LIFETIMES: FactTable = FactTable {
    name: "lifetimes",
    order: &["case_id"],
    columns: &[("case_id", Text), ("begun_at", Instant), ("settled_at", Instant), ("last_assignee", Text)],
};

/// The cases whose rows a layer of the facts replaces.
pub const REPLACED_CASES: FactTable =
    FactTable { name: "replaced_cases", order: &["case_id"], columns: &[("case_id", Text)] };

/// The customers whose rows a layer of the facts replaces.
pub const REPLACED_CUSTOMERS: FactTable =
    FactTable { name: "replaced_customers", order: &["customer"], columns: &[("customer", Text)] };

/// The tables that replay fills from each case alone: those of 4 and, behind them, what it needs to find what no case knows
/// alone and to know later which cases new events touch. All have a `case_id`.
pub const CASE_TABLES: [FactTable; 18] = [
    CASES,
    PERIODS,
    ASSIGNMENTS,
    TURNS,
    MILESTONES,
    LEDGER,
    RESOLUTIONS,
    MESSAGES,
    FIELD_VALUES,
    COMMUNITY_LOCKS,
    SURVEYS,
    CASE_FINDINGS,
    STRANGERS,
    OPEN_SPANS,
    LOAD_SPANS,
    AUTOMATIC_ASSIGNMENTS,
    NOTED,
    LIFETIMES,
];
