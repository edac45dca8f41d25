//! The tables of a database as someone may see them.

use std::sync::Arc;

use datafusion::execution::session_state::SessionState;

use super::granted::{Rights, Visible};
use super::guarded::Guarded;
use super::rule::Rule;
use crate::model::time::Instant;
use crate::query::tables::{self, Deferred, Made, Tables};
use crate::query::views;

/// The tables that someone may see of all: of tables the rows that they may see, and the views over these.
pub(in crate::query) fn seen(
    rights: &Rights,
    state: &SessionState,
    all: &Tables,
    last_event_at: Option<Instant>,
) -> Tables {
    let Some(visible) = rights.visible() else { return all.clone() };
    let is_view = |name: &str| views::names().any(|view| view == name);
    let of_facts = all.iter().filter(|(name, _)| !is_view(name));
    let mut seen: Tables = of_facts.map(|(name, table)| (name.clone(), guarded(name, table, visible))).collect();
    let session = tables::session(state, &seen);
    for view in views::of_facts() {
        let session = session.clone();
        let made = Deferred::new(move || {
            let session = session.clone();
            async move { view.over(&session, last_event_at).await }
        });
        seen.insert(view.name.to_owned(), made);
    }
    seen
}

fn guarded(name: &str, table: &Arc<Deferred>, visible: &Arc<Visible>) -> Arc<Deferred> {
    let (name, table, visible) = (name.to_owned(), Arc::clone(table), Arc::clone(visible));
    Deferred::new(move || {
        let (name, table, visible) = (name.clone(), Arc::clone(&table), Arc::clone(&visible));
        async move { Ok(Guarded::of(&name, table.get().await?, Rule::of(&name), &visible)) }
    })
}

/// A table of facts of another moment as someone may see it.
pub(in crate::query) fn seen_now(rights: &Rights, name: &str, table: Made) -> Made {
    match rights.visible() {
        Some(visible) => Guarded::of(name, table, Rule::of(name).by_id(), visible),
        None => table,
    }
}
