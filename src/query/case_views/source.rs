//! Answers which cases a view of a user has, from the tables of a database.

use std::collections::HashMap;
use std::fmt;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMillisecondType};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use foldhash::fast::FixedState;

use super::built_in::{BuiltIn, Looked};
use super::order::{self, Row};
use super::state::{self, CaseOfView, Needs};
use super::{columns, header};
use crate::error::{Error, Result};
use crate::facts::tables::DESK_EVENTS;
use crate::json::Json;
use crate::model::desk::Desk;
use crate::model::time::Instant;
use crate::model::view::{Sort, View, ViewConditions};
use crate::query::people::pseudonym::{Person, Pseudonyms};
use crate::query::rights::granted::{Rights, ViewerRole};
use crate::query::rights::read;
use crate::query::tables::{self, Tables};
use crate::replay;
use crate::spelling::did_you_mean;

/// Which cases are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewQuestion {
    /// A built-in view, or the id of a custom one.
    pub view: String,
    /// Whose view it is.
    pub user: String,
    /// Nothing: the order of the view.
    pub sort: Option<Sort>,
    /// What must hold beside the conditions of the view.
    pub conditions: ViewConditions,
}

/// A view that a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewOfUser {
    pub name: String,
    pub title: String,
    pub is_built_in: bool,
    /// How many cases it has.
    pub cases: usize,
}

/// What views are answered from. It has the rights of the database that it is of.
pub(in crate::query) struct ViewSource {
    pub state: SessionState,
    /// Every table with every row, for the rights of the user and the desk.
    pub complete: Tables,
    /// The tables as the viewer may see them, people as they are.
    pub original: Tables,
    pub rights: Rights,
    pub pseudonyms: Option<Pseudonyms>,
    pub last_event_at: Option<Instant>,
}

impl fmt::Debug for ViewSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ViewSource").finish_non_exhaustive()
    }
}

/// After every event of a database: its desk is that of its moment.
const NOW: Instant = Instant(i64::MAX);

/// Whose views are read, and what they may see.
struct Of {
    user: String,
    desk: Desk,
    rights: Rights,
}

impl Of {
    fn supervises(&self) -> bool {
        self.rights.role() != ViewerRole::Agent
    }

    /// The custom views that they have, by id.
    fn views(&self) -> impl Iterator<Item = (&str, &View)> {
        let present = self.desk.views.iter().filter_map(|(id, versions)| Some((id.as_str(), versions.at(NOW)?)));
        present.filter(|(_, view)| self.desk.has_view(&self.user, view, NOW))
    }

    fn sees(&self, case: &CaseOfView) -> bool {
        self.rights.visible().is_none_or(|visible| visible.has_case(&case.case_id))
    }
}

impl ViewSource {
    fn session(&self) -> SessionContext {
        tables::session(&self.state, &self.original)
    }

    /// The instant as of which outcomes are read.
    fn as_of(&self) -> Instant {
        self.last_event_at.unwrap_or_default()
    }

    async fn of(&self, typed: &str) -> Result<Of> {
        let complete = tables::session(&self.state, &self.complete);
        let user = match &self.pseudonyms {
            Some(pseudonyms) => read::user_of(&complete, pseudonyms, typed).await?,
            None => typed.to_owned(),
        };
        let is_own = self.rights.user() == Some(user.as_str());
        if self.rights.role() == ViewerRole::Agent && !is_own {
            return Err(Error::refused("an agent sees only their own views"));
        }
        let rights = match is_own {
            true => self.rights.clone(),
            false => read::rights(&complete, &user, self.as_of()).await?,
        };
        let desk = replay::desk(complete.table(DESK_EVENTS.name).await?).await?;
        Ok(Of { user, desk, rights })
    }

    /// The views that a user has: the built-in ones in the order of 7.3, then the others by id.
    ///
    /// # Errors
    /// When the user may see nothing, or the tables cannot be read.
    pub async fn views_of(&self, user: &str) -> Result<Vec<ViewOfUser>> {
        let of = self.of(user).await?;
        let needs = Needs::of(of.views().map(|(_, view)| &view.conditions), false);
        let session = self.session();
        let cases = state::read(&session, self.as_of(), needs).await?;
        let mentions = mentions(&session, &of.user).await?;
        let custom: Vec<(&str, &View)> = of.views().collect();
        let mut views: Vec<ViewOfUser> = BuiltIn::ALL
            .iter()
            .map(|view| ViewOfUser {
                name: view.name().to_owned(),
                title: view.title().to_owned(),
                is_built_in: true,
                cases: 0,
            })
            .collect();
        // A name may hold that of a person.
        let title = |id: &str, view: &View| if self.pseudonyms.is_some() { id.to_owned() } else { view.name.clone() };
        views.extend(custom.iter().map(|(id, view)| ViewOfUser {
            name: (*id).to_owned(),
            title: title(id, view),
            is_built_in: false,
            cases: 0,
        }));
        for case in cases.iter().filter(|case| of.sees(case)) {
            let in_custom: Vec<bool> =
                custom.iter().map(|(_, view)| view.conditions.hold(&case.state, self.as_of())).collect();
            let looked = looked(case, &of, in_custom.contains(&true), &mentions);
            let has = BuiltIn::ALL.iter().map(|view| view.has(&looked)).chain(in_custom.iter().copied());
            views.iter_mut().zip(has).for_each(|(view, has)| view.cases += usize::from(has));
        }
        Ok(views)
    }

    /// The cases of a view, in order.
    ///
    /// # Errors
    /// When the user has no such view or may see nothing, or the tables cannot be read.
    pub async fn cases_of(&self, question: &ViewQuestion) -> Result<RecordBatch> {
        let of = self.of(&question.user).await?;
        let built_in = BuiltIn::parse(&question.view);
        let own = of.views().find(|(id, _)| *id == question.view).map(|(_, view)| view);
        if built_in.is_none() && own.is_none() {
            return Err(no_view(&of, &question.view));
        }
        let sort = match (question.sort, built_in, own) {
            (Some(sort), ..) => sort,
            (None, Some(view), _) => view.sort(),
            (None, None, view) => view.and_then(|view| view.sort).unwrap_or(Sort::CreatedOldest),
        };
        let asked = of.views().map(|(_, view)| &view.conditions).chain([&question.conditions]);
        let session = self.session();
        let cases = state::read(&session, self.as_of(), Needs::of(asked, true)).await?;
        let mentions = match built_in == Some(BuiltIn::MyMentions) || sort == Sort::MentionNewest {
            true => mentions(&session, &of.user).await?,
            false => Mentions::default(),
        };
        let custom: Vec<&View> = of.views().map(|(_, view)| view).collect();
        let holds = |conditions: &ViewConditions, case: &CaseOfView| conditions.hold(&case.state, self.as_of());
        let is_in_view = |case: &CaseOfView| match built_in {
            Some(view) => {
                let is_in_custom = custom.iter().any(|view| holds(&view.conditions, case));
                view.has(&looked(case, &of, is_in_custom, &mentions))
            }
            None => own.is_some_and(|view| holds(&view.conditions, case)),
        };
        let cases =
            cases.into_iter().filter(|case| of.sees(case) && is_in_view(case) && holds(&question.conditions, case));
        let mut rows: Vec<Row> = cases
            .map(|case| {
                let mention = mentions.get(&case.case_id).copied();
                (case, mention)
            })
            .collect();
        order::sort(&mut rows, sort);
        let shown = rows.into_iter().map(|(case, _)| {
            let header = header::of(&case, &of.desk, self.as_of());
            (self.with_pseudonyms(case), header)
        });
        columns::batch(&shown.collect::<Vec<_>>())
    }

    fn with_pseudonyms(&self, mut case: CaseOfView) -> CaseOfView {
        if let Some(pseudonyms) = &self.pseudonyms {
            let shown = |person, id: Option<String>| id.map(|id| pseudonyms.of(person, &id));
            case.customer = shown(Person::Customer, case.customer);
            case.state.assignee = shown(Person::Agent, case.state.assignee);
        }
        case
    }
}

fn no_view(of: &Of, name: &str) -> Error {
    let known: Vec<&str> = BuiltIn::NAMES.iter().copied().chain(of.views().map(|(id, _)| id)).collect();
    let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| format!("there are {}", known.join(", ")));
    Error::refused(format!("there is no view `{name}`")).with_hint(hint)
}

fn looked<'c>(case: &'c CaseOfView, of: &'c Of, is_in_custom: bool, mentions: &Mentions) -> Looked<'c> {
    let is_mentioned = mentions.contains_key(&case.case_id);
    Looked { state: &case.state, user: &of.user, supervises: of.supervises(), is_in_custom, is_mentioned }
}

/// When a user was last mentioned, by case.
type Mentions = HashMap<String, Instant, FixedState>;

const NOTES: &str = "\
    SELECT case_id, time, json_text(data, 'mentions') AS mentions FROM events \
    WHERE type = 'message.noted' AND case_id IS NOT NULL";

async fn mentions(session: &SessionContext, user: &str) -> Result<Mentions> {
    let mut mentions = Mentions::default();
    for batch in session.sql(NOTES).await?.collect().await? {
        let (cases, lists) = (cast(batch.column(0), &DataType::Utf8View)?, cast(batch.column(2), &DataType::Utf8View)?);
        let times = batch.column(1).as_primitive::<TimestampMillisecondType>().iter();
        for ((case, list), time) in cases.as_string_view().iter().zip(lists.as_string_view()).zip(times) {
            let (Some(case), Some(list), Some(time)) = (case, list, time) else { continue };
            let names = Json::parse(list).ok();
            let names = names.as_ref().and_then(Json::as_list).unwrap_or_default();
            if names.iter().any(|name| name.as_text() == Some(user)) {
                let last = mentions.entry(case.to_owned()).or_insert(Instant(time));
                *last = (*last).max(Instant(time));
            }
        }
    }
    Ok(mentions)
}
