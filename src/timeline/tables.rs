//! The tables that have rows of cases, and which columns of them pages show.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, take_record_batch};

use crate::error::Result;

/// The column by which rows belong to a case.
pub const CASE_ID: &str = "case_id";

/// The columns of `events` that describe an event beside its type, in the order in which they are shown. They have no text that
/// people wrote, and stay when the case is deleted.
pub const DETAILS: &[&str] =
    &["by", "agent", "customer", "profile", "status", "priority", "sentiment", "message", "kind", "set_status"];

/// The columns of how long something took.
const TIMES: &[&str] = &["elapsed_ms", "active_ms", "business_ms"];

/// A table that has rows of cases.
pub struct CaseTable {
    pub name: &'static str,
    /// The order of the rows of one case.
    order: &'static [&'static str],
    /// The columns that pages show beside these; none of a table that they do not show.
    pub shown: &'static [&'static [&'static str]],
}

impl CaseTable {
    /// The columns that pages show, and those by which the rows are sorted.
    pub fn shown_columns(&self) -> Vec<&'static str> {
        let mut columns = vec![CASE_ID];
        let others = self.order.iter().chain(self.shown.iter().copied().flatten());
        columns.extend(others.filter(|name| **name != CASE_ID));
        columns
    }

    /// Rows of it in the order of the cases and, of a case, in that of the table.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn sorted(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let order = std::iter::once(&CASE_ID).chain(self.order).filter_map(|name| rows.column_by_name(name));
        let options = Some(SortOptions { descending: false, nulls_first: false });
        let order: Vec<SortColumn> = order.map(|values| SortColumn { values: Arc::clone(values), options }).collect();
        Ok(take_record_batch(rows, &lexsort_to_indices(&order, None)?)?)
    }
}

/// Each table that has rows of cases, in the order of the fields of `CaseRows`.
pub const TABLES: [CaseTable; 12] = [
    CaseTable {
        name: "cases",
        order: &[],
        shown: &[&[
            "status",
            "priority",
            "assignee",
            "customer",
            "profile",
            "platform",
            "policy",
            "policy_version",
            "created_at",
            "first_response_at",
            "resolved_at",
            "closed_at",
            "deleted_at",
        ]],
    },
    CaseTable { name: "events", order: &["time", "sequence", "source", "id"], shown: &[&["type"], DETAILS] },
    CaseTable { name: "periods", order: &["since"], shown: &[&["until", "status", "assignee", "priority", "cause"]] },
    CaseTable { name: "assignments", order: &["n"], shown: &[] },
    CaseTable {
        name: "turns",
        order: &["n"],
        shown: &[&["asked_at", "answered_at", "answered_by", "stopped_at"], TIMES],
    },
    CaseTable {
        name: "milestones",
        order: &["milestone", "n"],
        shown: &[&[
            "turn",
            "since",
            "until",
            "policy_version",
            "started_at",
            "target_ms",
            "due_at",
            "completed_at",
            "completed_by",
            "stopped_at",
            "disabled_at",
            "assignee_at_due",
        ]],
    },
    CaseTable {
        name: "ledger",
        order: &["milestone", "n", "since"],
        shown: &[&["until", "label", "status", "calendar_version"]],
    },
    CaseTable { name: "resolutions", order: &["n"], shown: &[&["status", "resolved_at", "by", "reopened_at"], TIMES] },
    CaseTable { name: "messages", order: &["time", "message"], shown: &[] },
    CaseTable { name: "surveys", order: &["survey"], shown: &[] },
    CaseTable {
        name: "findings",
        order: &["time", "source", "id", "rule"],
        shown: &[&["severity", "effect", "detail"]],
    },
    CaseTable { name: "customers", order: &["since"], shown: &[] },
];

/// What was known of the customers of cases, from the creation of each on; nothing of a deleted one's.
pub const CUSTOMERS: &str = "\
    SELECT case_id, greatest(since, created_at) AS time, since, known.name, known.data \
    FROM customers AS known JOIN cases USING (customer) \
    WHERE deleted_at IS NULL AND (until IS NULL OR until > created_at)";
