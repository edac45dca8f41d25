//! Views: what follows from the fact tables by SQL alone, one file in `queries/views/` each.
//!
//! Their names are listed with those of the tables.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::facts::tables::FACT_TABLES;
use crate::model::content::Holds;
use crate::model::time::Instant;

/// A view: its name, its SQL, the tables without which it cannot be, and what its texts hold.
pub(super) struct View {
    pub name: &'static str,
    sql: &'static str,
    needs: &'static [&'static str],
    /// What its columns of texts hold.
    pub holds: &'static [(&'static str, Holds)],
}

const VIEWS: &[View] = &[
    View {
        name: "breach_notices",
        sql: include_str!("../../queries/views/breach_notices.sql"),
        needs: &["milestones", "users"],
        holds: &[("case_id", Holds::Thing), ("milestone", Holds::Thing), ("recipient", Holds::User)],
    },
    View {
        name: "workload",
        sql: include_str!("../../queries/views/workload.sql"),
        needs: &["periods", "users"],
        holds: &[("user", Holds::User), ("shown", Holds::Thing), ("colour", Holds::Thing)],
    },
    View {
        name: "user_skills",
        sql: include_str!("../../queries/views/user_skills.sql"),
        needs: &["users", "groups"],
        holds: &[("user", Holds::User), ("skill", Holds::Thing), ("group", Holds::Thing)],
    },
];

/// The names of the views that the fact tables allow.
pub fn names() -> impl Iterator<Item = &'static str> {
    of_facts().map(|view| view.name)
}

/// The views that the fact tables allow.
pub(super) fn of_facts() -> impl Iterator<Item = &'static View> {
    let is_there = |table: &&'static str| FACT_TABLES.iter().any(|known| known.name == *table);
    VIEWS.iter().filter(move |view| view.needs.iter().all(is_there))
}

impl View {
    /// The view over the tables of a session. What is as of the end of the log is as of its last event.
    ///
    /// # Errors
    /// The engine's, which would be a defect.
    pub async fn over(
        &self,
        session: &SessionContext,
        last_event_at: Option<Instant>,
    ) -> Result<Arc<dyn TableProvider>> {
        let frame = session.sql(self.sql).await?;
        let frame = match self.sql.contains("$last_event_at") {
            true => frame.with_param_values(vec![("last_event_at", last_event(last_event_at))])?,
            false => frame,
        };
        Ok(frame.into_view())
    }
}

fn last_event(at: Option<Instant>) -> ScalarValue {
    ScalarValue::TimestampMillisecond(at.map(|at| at.0), Some("UTC".into()))
}

/// Puts the views into a session that has the fact tables. What is as of the end of the log is as of its last event.
///
/// # Errors
/// The engine's, which would be a defect.
pub async fn register(session: &SessionContext, last_event_at: Option<Instant>) -> Result<()> {
    for view in VIEWS {
        let there =
            view.needs.iter().map(|table| session.table_exist(*table)).collect::<std::result::Result<Vec<_>, _>>()?;
        if there.contains(&false) {
            continue;
        }
        session.register_table(view.name, view.over(session, last_event_at).await?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;

    use super::*;

    fn rows(tables: &[&str], sql: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let batches = runtime.block_on(async {
            let session = SessionContext::new();
            for table in tables {
                session.sql(table).await.unwrap().collect().await.unwrap();
            }
            register(&session, Some(Instant(1000))).await.unwrap();
            session.sql(sql).await.unwrap().collect().await.unwrap()
        });
        pretty_format_batches(&batches).unwrap().to_string()
    }

    #[test]
    fn a_breach_has_a_notice_for_the_assignee_and_each_supervisor_of_that_time() {
        let instant = |ms: &str| format!("arrow_cast({ms}, 'Timestamp(Millisecond, Some(\"UTC\"))')");
        // case, until, due, completed, stopped, disabled, assignee
        let milestones = [
            ("late", "NULL", "100", "101", "NULL", "NULL", "'ana'"),
            ("met", "NULL", "100", "100", "NULL", "NULL", "'ana'"),
            ("missed", "NULL", "100", "NULL", "101", "NULL", "NULL"),
            ("cancelled", "NULL", "100", "NULL", "100", "NULL", "'ana'"),
            ("disabled", "NULL", "100", "NULL", "NULL", "50", "'ana'"),
            ("overdue", "NULL", "999", "NULL", "NULL", "NULL", "'sue'"),
            ("running", "NULL", "1000", "NULL", "NULL", "NULL", "'ana'"),
            ("never due", "NULL", "NULL", "NULL", "NULL", "NULL", "'ana'"),
            ("no more valid", "200", "100", "101", "NULL", "NULL", "'ana'"),
        ];
        let rows_of = milestones.map(|(case, until, due, completed, stopped, disabled, assignee)| {
            let times = [until, due, completed, stopped, disabled].map(instant).join(", ");
            format!("('{case}', 'assign', 1, {times}, {assignee})")
        });
        let milestones = format!(
            "CREATE VIEW milestones AS SELECT * FROM (VALUES {}) AS \
             t(case_id, milestone, n, until, due_at, completed_at, stopped_at, disabled_at, assignee_at_due)",
            rows_of.join(", ")
        );
        let user = |name: &str, role: &str, since: &str, until: &str| {
            format!("('{name}', '{role}', {}, {})", instant(since), instant(until))
        };
        let users = [
            user("sue", "supervisor", "0", "NULL"),
            user("new", "supervisor", "101", "NULL"),
            user("old", "supervisor", "0", "100"),
            user("adm", "admin", "0", "NULL"),
        ];
        let users = format!(
            "CREATE VIEW users AS SELECT * FROM (VALUES {}) AS t(\"user\", role, since, until)",
            users.join(", ")
        );
        let sql = "SELECT case_id, recipient FROM breach_notices ORDER BY case_id, recipient";
        let shown = rows(&[&milestones, &users], sql);
        let notices: Vec<String> = shown
            .lines()
            .filter(|line| line.starts_with("| ") && !line.contains("recipient"))
            .map(|line| line.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(notices, ["late ana", "late sue", "missed sue", "overdue new", "overdue sue"], "{shown}");
    }
}
