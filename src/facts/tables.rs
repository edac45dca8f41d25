//! The fact tables, column by column (4).

use arrow::array::ArrayRef;

use crate::error::Result;
use crate::facts::columns::{self, ColumnBuilder, FactTable, Kind};
use crate::facts::rows::TableColumns;
use crate::model::content::Holds;
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
        "event_position",
        "since_position",
        "until_position",
        "customer",
    ],
    random_columns: &[],
    sorted_column: Some("case_id"),
    filtered_columns: &[],
    // More rows than a batch of facts has, so that none is divided.
    encoded_rows: Some(8192),
    has_events: false,
};

/// Declares a fact table: its description, and the types of its columns while they are filled and of its rows. A column of
/// texts that sessions have states what these hold.
macro_rules! fact_table {
    ($(#[$meta:meta])* $table:ident = $name:literal by [$($order:literal),+], $columns:ident of $row:ident {
        $($field:ident $(as $column:literal)?: $kind:ident $(of $holds:ident)?,)+
    }) => {
        $(#[$meta])*
        pub const $table: FactTable = FactTable {
            name: $name,
            columns: &[$((column_name!($field $($column)?), Kind::$kind),)+],
            holds: &[$(holds!($($holds)?),)+],
            order: &[$($order),+],
        };

        #[doc = concat!("A row of `", $name, "`.")]
        pub struct $row<'a> {
            $(pub $field: <columns::$kind as ColumnBuilder>::Cell<'a>,)+
        }

        #[doc = concat!("The columns of `", $name, "` while they are filled.")]
        pub struct $columns {
            $($field: columns::$kind,)+
        }

        impl TableColumns for $columns {
            const TABLE: FactTable = $table;

            type Row<'a> = $row<'a>;

            fn with_capacity(rows: usize) -> Self {
                $columns { $($field: ColumnBuilder::with_capacity(rows),)+ }
            }

            #[inline]
            fn push(&mut self, row: Self::Row<'_>) {
                $(self.$field.push(row.$field);)+
            }

            fn finish(self) -> Result<Vec<ArrayRef>> {
                Ok(vec![$(self.$field.finish()?,)+])
            }
        }
    };
}

/// The name of a column, which is that of its field unless it is a word of Rust.
macro_rules! column_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:literal) => {
        $column
    };
}

/// What a column holds, where that is stated.
macro_rules! holds {
    () => {
        None
    };
    ($holds:ident) => {
        Some(Holds::$holds)
    };
}

fact_table! {
    /// One row per case.
    CASES = "cases" by ["case_id"], Cases of CaseRow {
        case_id: Text of Thing,
        case_number: CaseNumber,
        customer: Text of Customer,
        profile: Text of Thing,
        platform: Text of Thing,
        origin: Text of Thing,
        language: Text of Thing,
        created_at: Instant,
        created_by: Text of User,
        text: Text of Words,
        policy: Key of Thing,
        policy_version: Instant,
        first_assigned_at: Instant,
        first_response_at: Instant,
        first_response_by: Text of User,
        first_resolved_at: Instant,
        resolved_at: Instant,
        resolved_by: Text of User,
        reopenings: Whole,
        closes_at: Instant,
        closed_at: Instant,
        deleted_at: Instant,
        status: Name,
        assignee: Text of User,
        priority: Name,
        sentiment: Text of Thing,
        fields: Map of FieldValues,
        messages_received: Whole,
        messages_sent: Whole,
        bot_messages_sent: Whole,
        notes: Whole,
        assignments: Whole,
        last_customer_message_at: Instant,
        last_agent_message_at: Instant,
        salesforce_record: Text of Thing,
        survey_score: Float,
    }
}

fact_table! {
    /// One row per maximal time of unchanged status, assignee, priority and profile of a case.
    PERIODS = "periods" by ["case_id", "since"], Periods of PeriodRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        since: Instant,
        until: Instant,
        status: Name,
        assignee: Key of User,
        priority: Name,
        profile: Key of Thing,
        cause: Name,
        event_source: Key of Thing,
        event_id: Text of Thing,
        business_ms: Whole,
        status_since: Instant,
        status_until: Instant,
        status_business_ms: Whole,
    }
}

fact_table! {
    /// One row per assignment.
    ASSIGNMENTS = "assignments" by ["case_id", "n"], Assignments of AssignmentRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        n: Whole,
        agent: Text of User,
        assigned_at: Instant,
        assigned_by: Text of User,
        automatic: Flag,
        ended_at: Instant,
        ended_by: Name,
        first_reply_at: Instant,
        is_first: Flag,
        elapsed_ms: Whole,
        elapsed_business_ms: Whole,
    }
}

fact_table! {
    /// One row per turn; the first is the first response.
    TURNS = "turns" by ["case_id", "n"], Turns of TurnRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        n: Whole,
        asked_at: Instant,
        answered_at: Instant,
        answered_by: Key of User,
        stopped_at: Instant,
        assignee: Key of User,
        kind: Name,
        elapsed_ms: Whole,
        active_ms: Whole,
        business_ms: Whole,
    }
}

fact_table! {
    /// One row per instance of a milestone.
    MILESTONES = "milestones" by ["case_id", "milestone", "n"], Milestones of MilestoneRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        milestone: Name,
        n: Whole,
        turn: Whole,
        since: Instant,
        until: Instant,
        policy: Key of Thing,
        policy_version: Instant,
        started_at: Instant,
        target_ms: Whole,
        due_at: Instant,
        completed_at: Instant,
        completed_by: Key of User,
        stopped_at: Instant,
        disabled_at: Instant,
        assignee_at_due: Key of User,
        assignee_at_end: Key of User,
        elapsed_ms: Whole,
        counted_ms: Whole,
        off_hours_ms: Whole,
        holiday_ms: Whole,
        paused_ms: Whole,
        gap_ms: Whole,
    }
}

fact_table! {
    /// One row per interval of a clock.
    LEDGER = "ledger" by ["case_id", "milestone", "n", "since"], Ledger of LedgerRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        milestone: Name,
        n: Whole,
        since: Instant,
        until: Instant,
        label: Name,
        status: Name,
        calendar_version: Instant,
    }
}

fact_table! {
    /// One row per resolution.
    RESOLUTIONS = "resolutions" by ["case_id", "n"], Resolutions of ResolutionRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        n: Whole,
        resolved_at: Instant,
        status: Name,
        agent: Key of User,
        by: Key of User,
        elapsed_ms: Whole,
        active_ms: Whole,
        business_ms: Whole,
        reopened_at: Instant,
        closed_at: Instant,
        previous_resolved_at: Instant,
        next_resolved_at: Instant,
        elapsed_business_ms: Whole,
    }
}

fact_table! {
    /// One row per message.
    MESSAGES = "messages" by ["case_id", "time", "message"], Messages of MessageRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        time: Instant,
        message: Text of Thing,
        direction: Name,
        kind: Name,
        by: Text of User,
        bot: Flag,
        text: Text of Words,
        sentiment: Name,
        language: Text of Thing,
        liked: Flag,
        deleted_at: Instant,
        place: Name,
    }
}

fact_table! {
    /// One row per maximal time of an unchanged value of a case's field; sentiment is one.
    FIELD_VALUES = "field_values" by ["case_id", "field", "since"], FieldValues of FieldValueRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        field: Text of Thing,
        since: Instant,
        until: Instant,
        value: Text of FieldValue,
    }
}

fact_table! {
    /// One row per finding.
    FINDINGS = "findings" by ["time", "source", "id", "rule"], Findings of FindingRow {
        time: Instant,
        source: Text of Thing,
        id: Text of Thing,
        case_id: Text of Thing,
        kind as "type": Name,
        rule: Name,
        effect: Name,
        severity: Text of Thing,
        detail: Text of Detail,
    }
}

fact_table! {
    /// One row per version of a user.
    USERS = "users" by ["user", "since"], Users of UserRow {
        user: Text of User,
        since: Instant,
        until: Instant,
        name: Text of NameOfUser,
        role: Text of Thing,
        team: Text of Thing,
        capacity: Whole,
        auto_assign: Flag,
        bot: Flag,
        skills: Texts of Thing,
        group_skills: Texts of Thing,
        groups: Texts of Thing,
    }
}

fact_table! {
    /// One row per version of a profile.
    PROFILES = "profiles" by ["profile", "since"], Profiles of ProfileRow {
        profile: Text of Thing,
        since: Instant,
        until: Instant,
        name: Text of Thing,
        platform: Text of Thing,
        visible_to: Texts of UsersOrGroups,
        calendar: Text of Thing,
    }
}

fact_table! {
    /// One row per maximal time of unchanged presence of a user.
    PRESENCE = "presence" by ["user", "since"], PresenceTimes of PresenceRow {
        user: Text of User,
        since: Instant,
        until: Instant,
        presence: Name,
    }
}

fact_table! {
    /// One row per version of a customer.
    CUSTOMERS = "customers" by ["customer", "since"], Customers of CustomerRow {
        customer: Text of Customer,
        since: Instant,
        until: Instant,
        name: Text of NameOfCustomer,
        data: Text of KnownOfCustomer,
    }
}

fact_table! {
    /// One row per time for which an escalated community message is locked.
    COMMUNITY_LOCKS = "community_locks" by ["message", "since"], CommunityLocks of CommunityLockRow {
        message: Text of Thing,
        case_id: Text of Thing,
        since: Instant,
        until: Instant,
    }
}

fact_table! {
    /// One row per version of an SLA policy; conditions and targets as JSON, as a `policy.updated` writes them.
    POLICIES = "policies" by ["policy", "since"], Policies of PolicyRow {
        policy: Text of Thing,
        since: Instant,
        until: Instant,
        name: Text of Thing,
        position: Whole,
        enabled: Flag,
        conditions: Text of Thing,
        targets: Text of Thing,
        calendar: Text of Thing,
        pause_on: Texts of Thing,
    }
}

fact_table! {
    /// One row per version of a calendar; hours and holidays as JSON, as a `calendar.updated` writes them.
    CALENDARS = "calendars" by ["calendar", "since"], Calendars of CalendarRow {
        calendar: Text of Thing,
        since: Instant,
        until: Instant,
        time_zone: Text of Thing,
        hours: Text of Thing,
        holidays: Text of Thing,
    }
}

fact_table! {
    /// One row per version of a group.
    GROUPS = "groups" by ["group", "since"], Groups of GroupRow {
        group: Text of Thing,
        since: Instant,
        until: Instant,
        name: Text of Thing,
        members: Texts of User,
        skills: Texts of Thing,
        profiles: Texts of Thing,
    }
}

fact_table! {
    /// One row per version of a custom field.
    FIELDS = "fields" by ["field", "since"], Fields of FieldRow {
        field: Text of Thing,
        since: Instant,
        until: Instant,
        name: Text of Thing,
        kind: Text of Thing,
        values: Texts of Thing,
        visibility: Text of Thing,
        mandatory: Flag,
        enabled: Flag,
        position: Whole,
    }
}

fact_table! {
    /// One row per version of the settings, of which there is one set; what is nested as JSON.
    SETTINGS = "settings" by ["since"], SettingsVersions of SettingsRow {
        since: Instant,
        until: Instant,
        grace_period_ms: Whole,
        grace_periods_ms: Text of Thing,
        unassign_on: Texts of Thing,
        default_calendar: Text of Thing,
        transitions: Text of Thing,
        sla: Text of Thing,
        findings: Text of Thing,
    }
}

fact_table! {
    /// One row per answered survey.
    SURVEYS = "surveys" by ["case_id", "survey"], Surveys of SurveyRow {
        case_id: Key of Thing,
        case_number: CaseNumber,
        survey: Text of Thing,
        kind: Text of Thing,
        score: Float,
        comment: Text of Words,
        answered_at: Instant,
        agent: Text of User,
    }
}

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

/// The tables of the versions of the desk, all written again by every replay.
pub const DESK_TABLES: [FactTable; 8] = [USERS, PROFILES, PRESENCE, POLICIES, CALENDARS, GROUPS, FIELDS, SETTINGS];

/// The events that the desk is made of, as the log holds them: few among many, and read whenever one case is explained.
pub const DESK_EVENTS: FactTable = FactTable {
    name: "desk_events",
    order: &["time", "sequence", "source", "id"],
    columns: &[
        ("time", Kind::Instant),
        ("source", Kind::Text),
        ("id", Kind::Text),
        ("type", Kind::Text),
        ("subject", Kind::Text),
        ("data", Kind::Text),
        ("sequence", Kind::Whole),
    ],
    holds: &[
        None,
        Some(Holds::Thing),
        Some(Holds::Thing),
        Some(Holds::Thing),
        Some(Holds::Subject),
        Some(Holds::Data),
        None,
    ],
};

/// The findings that cases show by themselves; `findings` are these and [`OTHER_FINDINGS`].
pub const CASE_FINDINGS: FactTable = FactTable { name: "case_findings", ..FINDINGS };

/// The findings that the desk's events show, or all cases together.
pub const OTHER_FINDINGS: FactTable = FactTable { name: "other_findings", ..FINDINGS };

fact_table! {
    /// Events that name a user whom no `user.updated` has named before, the first of each case and user.
    UNKNOWN_USERS = "unknown_users" by ["event_position"], UnknownUsers of UnknownUserRow {
        case_id: Text,
        event_position: LogPosition,
        user: Text,
        time: Instant,
        source: Text,
        id: Text,
        kind as "type": Name,
        severity: Text,
    }
}

fact_table! {
    /// Intervals in which a case is open, so that another of the same customer and profile should not be created; one that
    /// is `created` begins at the log position of the creation.
    OPEN_SPANS = "open_spans" by ["since_position"], OpenSpans of OpenSpanRow {
        case_id: Text,
        customer: Text,
        profile: Text,
        since_position: LogPosition,
        until_position: LogPosition,
        created: Flag,
        severity: Key,
    }
}

fact_table! {
    /// Intervals in which an open case is assigned to a user.
    LOAD_SPANS = "load_spans" by ["since_position"], LoadSpans of LoadSpanRow {
        case_id: Key,
        user: Text,
        since_position: LogPosition,
        until_position: LogPosition,
    }
}

fact_table! {
    /// Automatic assignments to users whom the log knows.
    AUTOMATIC_ASSIGNMENTS = "automatic_assignments" by ["event_position"], AutomaticAssignments of AutomaticAssignmentRow {
        case_id: Key,
        user: Text,
        event_position: LogPosition,
        capacity: Whole,
        severity: Key,
    }
}

fact_table! {
    /// Counts of a case's events that changed nothing (2.7, "noted").
    NOTED = "noted" by ["case_id", "rule"], NotedEvents of NotedRow {
        case_id: Key,
        rule: Text,
        count: Whole,
    }
}

fact_table! {
    /// From when to when a case depends on the log: its first event; the last instant at which an event about the desk could
    /// change its facts, none while it is open; and its last assignee, whose removal would change it at any time.
    LIFETIMES = "lifetimes" by ["case_id"], Lifetimes of LifetimeRow {
        case_id: Text,
        begun_at: Instant,
        settled_at: Instant,
        last_assignee: Text,
    }
}

fact_table! {
    /// The cases whose rows a layer of the facts replaces.
    REPLACED_CASES = "replaced_cases" by ["case_id"], ReplacedCases of ReplacedCaseRow {
        case_id: Text,
    }
}

fact_table! {
    /// The customers whose rows a layer of the facts replaces.
    REPLACED_CUSTOMERS = "replaced_customers" by ["customer"], ReplacedCustomers of ReplacedCustomerRow {
        customer: Text,
    }
}

/// The tables that replay fills from each case alone: those of 4 and, after them, those that it needs to find what no case
/// shows alone and to know later which cases new events touch. All have a `case_id`.
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
    UNKNOWN_USERS,
    OPEN_SPANS,
    LOAD_SPANS,
    AUTOMATIC_ASSIGNMENTS,
    NOTED,
    LIFETIMES,
];
