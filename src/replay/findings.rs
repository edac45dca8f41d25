//! Findings: what single cases and the desk show, and what only all cases together do (2.7).
//!
//! Each query runs by itself, so that none shares the memory with another's sorts.

use arrow::array::RecordBatch;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};

use super::sheet::schema;
use super::tables::FINDINGS;
use crate::error::Result;

/// The queries that give the rows of `findings`, over what replay has written for them.
pub const QUERIES: [&str; 5] = [OF_CASES, OF_THE_DESK, STRANGERS_NAMED, SECOND_OPEN_CASES, OVER_CAPACITY];

/// The findings of one query, with the columns of the table.
///
/// # Errors
/// The engine's.
pub async fn found(context: &SessionContext, query: &str) -> Result<DataFrame> {
    let fields = schema(FINDINGS.columns);
    let columns =
        fields.fields().iter().map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    Ok(context.sql(query).await?.select(columns.collect::<Vec<_>>())?)
}

/// The findings of every query, in memory.
///
/// # Errors
/// The engine's.
pub async fn all(context: &SessionContext) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for query in QUERIES {
        batches.extend(found(context, query).await?.collect().await?);
    }
    Ok(batches)
}

/// What single cases show.
const OF_CASES: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail FROM findings
ORDER BY time, source, id, rule
"#;

/// What the desk's own events contradict.
const OF_THE_DESK: &str = r#"
SELECT time, source, id, case_id, type, rule, effect, severity, detail FROM desk_findings
ORDER BY time, source, id, rule
"#;

/// The first event of the log that names each stranger.
const STRANGERS_NAMED: &str = r#"
SELECT time, source, id, case_id, type, 'unknown_user' AS rule, 'applied' AS effect, severity,
       'no `user.updated` has named ' || string_agg('`' || "user" || '`', ', ' ORDER BY "user") AS detail
FROM (SELECT *, row_number() OVER (PARTITION BY "user" ORDER BY place) AS nth FROM strangers)
WHERE nth = 1
GROUP BY time, source, id, case_id, type, severity
ORDER BY time, source, id, rule
"#;

/// Creations while another case of the customer with that profile stands open: the running maximum finds it in one pass, however
/// many cases there are.
const SECOND_OPEN_CASES: &str = r#"
SELECT time, source, id, case_id, 'case.created' AS type, 'second_open_case' AS rule, 'applied' AS effect, severity,
       'another case of customer `' || customer || '` with profile `' || profile || '` is not closed' AS detail
FROM (SELECT *, max(until_place) OVER (PARTITION BY customer, profile ORDER BY since_place
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS open_until
      FROM open_spans)
WHERE created AND open_until > since_place
ORDER BY time, source, id, rule
"#;

/// Automatic assignments to users who are full: a running sum over the places at which their workload changes, where an
/// assignment is read before what it changes itself. All users are swept: a join with those who were assigned automatically
/// would hold the spans in memory, which a sort need not.
const OVER_CAPACITY: &str = r#"
SELECT time, source, id, case_id, type, 'over_capacity' AS rule, 'applied' AS effect, severity,
       '`' || "user" || '` had ' || workload || ' open cases; the capacity is ' || capacity AS detail
FROM (SELECT *, sum(step) OVER (PARTITION BY "user" ORDER BY place, abs(step)
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS workload
      FROM (SELECT "user", place, 0 AS step, capacity, time, source, id, case_id, type, severity
            FROM automatic_assignments
            UNION ALL
            SELECT "user", since_place, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM load_spans
            UNION ALL
            SELECT "user", until_place, -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM load_spans
            WHERE until_place IS NOT NULL))
WHERE capacity IS NOT NULL AND workload >= capacity
ORDER BY time, source, id, rule
"#;
