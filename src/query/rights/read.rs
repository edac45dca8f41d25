//! Computes what a user may see: once for all tables of a database, as of its moment.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use datafusion::prelude::{SessionContext, col, lit};
use foldhash::fast::FixedState;
use futures::StreamExt;

use super::granted::{Ids, Rights, Visible};
use crate::error::{Error, Result};
use crate::facts::columns::CASE_NUMBER;
use crate::facts::tables::{CASES, DESK_EVENTS, USERS};
use crate::model::desk::Desk;
use crate::model::event::{EventType, Role};
use crate::model::time::Instant;
use crate::model::view::ViewConditions;
use crate::query::case_views::state::{self, Needs};
use crate::query::people::pseudonym::{Person, Pseudonyms, is_pseudonym};
use crate::replay;

/// After every event of a database: its desk is that of its moment.
const NOW: Instant = Instant(i64::MAX);

/// What that user may see, in a session that has every row and the numbers of the cases. Outcomes are as of the instant.
///
/// # Errors
/// When the log does not know the user, their role is `none`, or the tables cannot be read.
pub(in crate::query) async fn rights(session: &SessionContext, user: &str, as_of: Instant) -> Result<Rights> {
    let presence = lit(EventType::UserPresenceChanged.name());
    let desk = replay::desk(session.table(DESK_EVENTS.name).await?.filter(col("type").not_eq(presence))?).await?;
    let Some(known) = desk.user_at(user, NOW) else { return Err(refused(user, "the log knows no such user")) };
    let is_agent = match known.role {
        Role::Admin => return Ok(Rights::admin(user)),
        Role::Supervisor => false,
        Role::Agent => true,
        Role::None => return Err(refused(user, "their role is `none`")),
    };
    let groups =
        desk.groups.iter().filter(|(_, versions)| versions.at(NOW).is_some_and(|group| group.members.contains(user)));
    let profiles = desk.profiles.keys().filter(|profile| !desk.is_profile_visible(user, profile, NOW));
    let visible = Visible {
        user: user.to_owned(),
        is_agent,
        hidden_profiles: profiles.cloned().collect(),
        groups: groups.map(|(name, _)| name.clone()).chain(known.groups.iter().cloned()).collect(),
        ..Visible::default()
    };
    let shared = if is_agent { shared_cases(session, &desk, user, as_of).await? } else { Ids::default() };
    Ok(Rights::limited(with_cases(visible, session, &desk, &shared).await?))
}

/// The user of a pseudonym; what is typed where it is none.
pub(in crate::query) async fn user_of(
    session: &SessionContext,
    pseudonyms: &Pseudonyms,
    typed: &str,
) -> Result<String> {
    if !is_pseudonym(Person::Agent, typed) {
        return Ok(typed.to_owned());
    }
    for batch in session.table(USERS.name).await?.select_columns(&["user"])?.collect().await? {
        let users = cast(batch.column(0), &DataType::Utf8View)?;
        let found =
            users.as_string_view().iter().flatten().find(|user| pseudonyms.of_typed(Person::Agent, user) == typed);
        if let Some(user) = found {
            return Ok(user.to_owned());
        }
    }
    Ok(typed.to_owned())
}

fn refused(user: &str, why: &str) -> Error {
    Error::refused(format!("`{user}` may see nothing: {why}"))
        .with_hint("rights are those of a user of the log, as of the moment that is asked for")
}

/// The cases of the custom views that an agent has.
async fn shared_cases(session: &SessionContext, desk: &Desk, user: &str, as_of: Instant) -> Result<Ids> {
    let views = desk.views.values().filter_map(|versions| versions.at(NOW));
    let conditions: Vec<&ViewConditions> =
        views.filter(|view| desk.has_view(user, view, NOW)).map(|view| &view.conditions).collect();
    if conditions.is_empty() {
        return Ok(Ids::default());
    }
    let cases = state::read(session, as_of, Needs::of(conditions.iter().copied(), false)).await?;
    let shared = cases.into_iter().filter(|case| conditions.iter().any(|one| one.hold(&case.state, as_of)));
    Ok(shared.map(|case| case.case_id).collect())
}

/// Adds the cases that the user may see, and their customers.
async fn with_cases(mut visible: Visible, session: &SessionContext, desk: &Desk, shared: &Ids) -> Result<Visible> {
    let columns = [CASE_NUMBER, "case_id", "customer", "profile", "assignee"];
    let mut rows = session.table(CASES.name).await?.select_columns(&columns)?.execute_stream().await?;
    let mut profiles = Profiles { desk, known: HashMap::default() };
    visible.has_every_case = true;
    while let Some(batch) = rows.next().await {
        add(&mut visible, &batch?, &mut profiles, shared)?;
    }
    Ok(visible)
}

fn add(visible: &mut Visible, batch: &RecordBatch, profiles: &mut Profiles<'_>, shared: &Ids) -> Result<()> {
    let text = |column: usize| cast(batch.column(column), &DataType::Utf8View);
    let (ids, customers, of_profiles, assignees) = (text(1)?, text(2)?, text(3)?, text(4)?);
    let [ids, customers, of_profiles, assignees] =
        [&ids, &customers, &of_profiles, &assignees].map(|texts| texts.as_string_view());
    for (row, number) in batch.column(0).as_primitive::<UInt64Type>().values().iter().enumerate() {
        let is_theirs = !visible.is_agent
            || value(assignees, row) == Some(visible.user.as_str())
            || value(ids, row).is_some_and(|id| shared.contains(id));
        let is_seen = is_theirs && value(of_profiles, row).is_none_or(|profile| profiles.sees(&visible.user, profile));
        if !is_seen {
            visible.has_every_case = false;
            continue;
        }
        let place = usize::try_from(*number).unwrap_or(usize::MAX);
        if visible.by_number.len() <= place {
            visible.by_number.resize(place + 1, false);
        }
        visible.by_number.get_mut(place).into_iter().for_each(|seen| *seen = true);
        visible.cases.extend(value(ids, row).map(str::to_owned));
        visible
            .customers
            .extend(value(customers, row).filter(|id| !visible.customers.contains(*id)).map(str::to_owned));
    }
    Ok(())
}

fn value(texts: &StringViewArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// Which profiles a user sees, each looked up once.
struct Profiles<'d> {
    desk: &'d Desk,
    known: HashMap<String, bool, FixedState>,
}

impl Profiles<'_> {
    fn sees(&mut self, user: &str, profile: &str) -> bool {
        if let Some(sees) = self.known.get(profile) {
            return *sees;
        }
        let sees = self.desk.is_profile_visible(user, profile, NOW);
        self.known.insert(profile.to_owned(), sees);
        sees
    }
}
