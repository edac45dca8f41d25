//! Which rows of each table a user may see who does not see everything: the decisions of 9.6, one for each table.
//!
//! A table of which nothing is stated shows no row.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use datafusion::error::Result;

use super::granted::{Ids, Visible};
use crate::facts::columns::CASE_NUMBER;
use crate::facts::tables::{
    CALENDARS, COMMUNITY_LOCKS, CUSTOMERS, DESK_EVENTS, FACT_TABLES, FIELDS, FINDINGS, GROUPS, POLICIES, PRESENCE,
    PROFILES, SETTINGS, USERS,
};
use crate::model::event::EventType;
use crate::model::finding::Rule as FindingRule;
use crate::query::schedule_runs::SCHEDULE_RUNS;

/// Which rows of a table may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All.
    All,
    /// None.
    Nothing,
    /// Those of visible cases, by the number of the case.
    CasesByNumber,
    /// Those of visible cases, by the id of the case.
    Cases,
    /// Those of customers of visible cases.
    Customers,
    /// Those of visible profiles.
    Profiles,
    /// Of groups: an agent those that they are in, a supervisor all.
    Groups,
    /// Of users: an agent their own, a supervisor all.
    OfUser,
    /// To supervisors all, to agents none.
    Supervisors,
    /// Events: those of visible cases; of the desk what its tables show.
    Events,
    /// The same of a table that has only events about the desk.
    DeskEvents,
    /// Findings: those of visible cases that name nothing of other ones; of the desk, to supervisors, those of visible
    /// profiles.
    Findings,
}

/// Findings that follow from several cases: they count or name others.
const ACROSS_CASES: [FindingRule; 2] = [FindingRule::SecondOpenCase, FindingRule::OverCapacity];

impl Rule {
    /// The rule of a table of that name.
    #[must_use]
    pub fn of(table: &str) -> Rule {
        match table {
            "events" => return Rule::Events,
            SCHEDULE_RUNS => return Rule::Supervisors,
            name if name == DESK_EVENTS.name => return Rule::DeskEvents,
            name if name == FINDINGS.name => return Rule::Findings,
            name if name == COMMUNITY_LOCKS.name => return Rule::Cases,
            name if name == CUSTOMERS.name => return Rule::Customers,
            name if name == PROFILES.name => return Rule::Profiles,
            name if name == GROUPS.name => return Rule::Groups,
            name if name == PRESENCE.name => return Rule::OfUser,
            _ => {}
        }
        if [USERS, POLICIES, CALENDARS, FIELDS, SETTINGS].iter().any(|known| known.name == table) {
            return Rule::All;
        }
        let has_numbers = |known: &&_| -> bool {
            let known: &crate::facts::columns::FactTable = known;
            known.name == table && known.columns.iter().any(|(name, _)| *name == CASE_NUMBER)
        };
        // The quarantine, and whatever is not known here, is for those who see everything.
        if FACT_TABLES.iter().any(|known| has_numbers(&known)) { Rule::CasesByNumber } else { Rule::Nothing }
    }

    /// The same where the numbers of the cases are those of another replay.
    #[must_use]
    pub fn by_id(self) -> Rule {
        if self == Rule::CasesByNumber { Rule::Cases } else { self }
    }

    /// The columns that it looks at.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Rule::All | Rule::Nothing | Rule::Supervisors => &[],
            Rule::CasesByNumber => &[CASE_NUMBER],
            Rule::Cases => &["case_id"],
            Rule::Customers => &["customer"],
            Rule::Profiles => &["profile"],
            Rule::Groups => &["group"],
            Rule::OfUser => &["user"],
            Rule::Events => &["type", "subject", "case_id"],
            Rule::DeskEvents => &["type", "subject"],
            Rule::Findings => &["type", "rule", "case_id"],
        }
    }

    /// Which rows may be seen. The batch has the columns of the rule, in their order.
    ///
    /// # Errors
    /// When a column is of another type, which would be a defect.
    pub(super) fn seen(self, visible: &Visible, batch: &RecordBatch) -> Result<BooleanArray> {
        let rows = batch.num_rows();
        let all = |seen: bool| Ok(BooleanArray::from(vec![seen; rows]));
        match self {
            Rule::All => all(true),
            Rule::Nothing => all(false),
            Rule::Supervisors => all(!visible.is_agent),
            Rule::Groups | Rule::OfUser if !visible.is_agent => all(true),
            Rule::CasesByNumber => {
                let numbers = batch.column(0).as_primitive::<UInt64Type>().iter();
                Ok(numbers.map(|number| Some(number.is_some_and(|number| visible.has_number(number)))).collect())
            }
            Rule::Cases => in_ids(batch, &visible.cases),
            Rule::Customers => in_ids(batch, &visible.customers),
            Rule::Groups => in_ids(batch, &visible.groups),
            Rule::Profiles => {
                of_texts(batch, |[profile]| profile.is_some_and(|profile| !visible.hidden_profiles.contains(profile)))
            }
            Rule::OfUser => of_texts(batch, |[user]| user == Some(visible.user.as_str())),
            Rule::Events => of_texts(batch, |[kind, subject, case]| match case {
                Some(case) => visible.cases.contains(case),
                None => sees_desk_event(visible, kind, subject),
            }),
            Rule::DeskEvents => of_texts(batch, |[kind, subject]| sees_desk_event(visible, kind, subject)),
            Rule::Findings => of_texts(batch, |[kind, rule, case]| match case {
                Some(case) => visible.cases.contains(case) && (visible.has_every_case || !is_across_cases(rule)),
                None => !visible.is_agent && !kind.is_some_and(|kind| kind.starts_with("profile.")),
            }),
        }
    }
}

fn is_across_cases(rule: Option<&str>) -> bool {
    ACROSS_CASES.iter().any(|across| rule == Some(across.name()))
}

/// Whether an event about the desk may be seen. Agents do not see those of other people, which have their addresses, nor
/// what is configured for others.
fn sees_desk_event(visible: &Visible, kind: Option<&str>, subject: Option<&str>) -> bool {
    use EventType::{
        CalendarUpdated, CustomerUpdated, FieldRemoved, FieldUpdated, GroupRemoved, GroupUpdated, PolicyRemoved,
        PolicyUpdated, ProfileRemoved, ProfileUpdated, SettingsUpdated, SkillRemoved, SkillUpdated,
        UserPresenceChanged, UserRemoved, UserUpdated,
    };
    let Some((kind, subject)) = kind.and_then(EventType::parse).zip(subject) else { return false };
    match kind {
        CustomerUpdated => visible.customers.contains(subject),
        ProfileUpdated | ProfileRemoved => !visible.hidden_profiles.contains(subject),
        kind if kind.is_about_a_case() => false,
        _ if !visible.is_agent => true,
        UserUpdated | UserRemoved | UserPresenceChanged => subject == visible.user,
        GroupUpdated | GroupRemoved => visible.groups.contains(subject),
        CalendarUpdated | PolicyUpdated | PolicyRemoved | FieldUpdated | FieldRemoved | SettingsUpdated
        | SkillUpdated | SkillRemoved => true,
        _ => false,
    }
}

fn in_ids(batch: &RecordBatch, ids: &Ids) -> Result<BooleanArray> {
    of_texts(batch, |[id]| id.is_some_and(|id| ids.contains(id)))
}

/// Judges each row by the texts of its first columns.
fn of_texts<const N: usize>(batch: &RecordBatch, judge: impl Fn([Option<&str>; N]) -> bool) -> Result<BooleanArray> {
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .take(N)
        .map(|column| cast(column, &DataType::Utf8View))
        .collect::<std::result::Result<_, _>>()?;
    let columns: Vec<&StringViewArray> = columns.iter().map(|column| column.as_string_view()).collect();
    let row = |row: usize| {
        let mut texts = [None; N];
        for (text, column) in texts.iter_mut().zip(&columns) {
            *text = column.is_valid(row).then(|| column.value(row));
        }
        judge(texts)
    };
    Ok((0..batch.num_rows()).map(|at| Some(row(at))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_rule_and_those_of_cases_show_visible_cases_only() {
        let of = |names: &[&str]| names.iter().map(|name| Rule::of(name)).collect::<Vec<Rule>>();
        let of_cases = [
            "cases",
            "periods",
            "assignments",
            "turns",
            "milestones",
            "ledger",
            "resolutions",
            "messages",
            "field_values",
            "surveys",
        ];
        assert!(of(&of_cases).iter().all(|rule| *rule == Rule::CasesByNumber));
        let others = FACT_TABLES.iter().filter(|table| !of_cases.contains(&table.name));
        for table in others {
            assert_ne!(Rule::of(table.name), Rule::Nothing, "{}", table.name);
        }
        assert_eq!(of(&["quarantine", "log", "of_tomorrow"]), [Rule::Nothing; 3]);
    }
}
