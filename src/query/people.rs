//! How people are shown: as they are, or by pseudonyms, put in where a database makes its tables, so that no metric, page, export or
//! query sees anything else.
//!
//! What a column holds is stated where it is declared ([`Holds`]). A column of texts of which nothing is stated is withheld.

mod columns;
mod fields;
pub mod pseudonym;
mod shown;
mod texts;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::{SessionContext, ident};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::facts::tables::{DESK_EVENTS, FACT_TABLES};
use crate::log::quarantine::QUARANTINE_HOLDS;
use crate::log::rows::EVENT_HOLDS;
use crate::model::content::Holds;
use crate::query::schedule_runs::{SCHEDULE_RUNS, SCHEDULE_RUNS_HOLD};
use crate::query::tables::Made;
use crate::query::views;
use crate::store::objects::Store;
use crate::store::secret;
use fields::Fields;
use pseudonym::{Person, Pseudonyms};
use shown::Shown;
use texts::{Known, Naming};

/// How people are shown.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// By these pseudonyms; without any, as they are.
    pub pseudonyms: Option<Pseudonyms>,
    /// Whether texts that people wrote are shown beside pseudonyms. Without pseudonyms, tables always have them.
    pub with_text: bool,
}

impl People {
    /// As they are or by the pseudonyms of a store, whose key is made when it is first needed.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub async fn of_store(store: &Store, anonymize: bool, with_text: bool) -> Result<People> {
        let pseudonyms = if anonymize { Some(Pseudonyms::of_key(&secret::key(store).await?)) } else { None };
        Ok(People { pseudonyms, with_text })
    }
}

/// What a column of a table holds, where that is stated.
#[must_use]
pub fn holds(table: &str, column: &str) -> Option<Holds> {
    let stated = |all: &[(&str, Holds)]| all.iter().find(|(name, _)| *name == column).map(|(_, holds)| *holds);
    if let Some(fact_table) = FACT_TABLES.iter().chain([&DESK_EVENTS]).find(|known| known.name == table) {
        return fact_table.holds(column);
    }
    match table {
        "events" => stated(EVENT_HOLDS),
        "quarantine" => stated(QUARANTINE_HOLDS),
        SCHEDULE_RUNS => stated(SCHEDULE_RUNS_HOLD),
        view => views::of_facts().find(|known| known.name == view).and_then(|known| stated(known.holds)),
    }
}

/// Whether a column of that type can name a person.
#[must_use]
pub fn can_name_people(kind: &DataType) -> bool {
    columns::is_of_texts(kind)
}

/// Shows the tables of a database by pseudonyms.
pub(super) struct Anonymizer {
    pseudonyms: Pseudonyms,
    with_text: bool,
    /// A session whose tables have people as they are.
    plain: SessionContext,
    /// Read when a table first needs it.
    shown: OnceCell<Arc<Shown>>,
}

impl Anonymizer {
    /// Shows by these pseudonyms what a session has as it is.
    pub fn new(pseudonyms: Pseudonyms, with_text: bool, plain: SessionContext) -> Anonymizer {
        Anonymizer { pseudonyms, with_text, plain, shown: OnceCell::new() }
    }

    /// A table of that name as it is shown.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn table(&self, name: &str, table: &Made) -> Result<Made> {
        let shown = self.shown().await?;
        let schema = table.schema();
        let (mut columns, mut is_changed) = (Vec::new(), false);
        for field in schema.fields() {
            let holds = match holds(name, field.name()) {
                None if can_name_people(field.data_type()) => Holds::Raw,
                holds => holds.unwrap_or(Holds::Thing),
            };
            let column = columns::shown(shown, field, holds)?;
            is_changed |= column.is_some();
            columns.push(column.unwrap_or_else(|| ident(field.name())));
        }
        if !is_changed {
            return Ok(Arc::clone(table));
        }
        let plan = LogicalPlanBuilder::scan("shown", provider_as_source(Arc::clone(table)), None)?.project(columns)?;
        Ok(Arc::new(ViewTable::new(plan.build()?, None)))
    }

    /// The value of a dimension as the tables show it: of a custom field, or of what holds users or customers.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn value(&self, dimension: &Named<'_>, typed: &str) -> Result<String> {
        Ok(match dimension {
            Named::User => self.pseudonyms.of_typed(Person::Agent, typed),
            Named::Customer => self.pseudonyms.of_typed(Person::Customer, typed),
            Named::Field(_) if pseudonym::is_pseudonym(Person::Value, typed) => typed.to_owned(),
            Named::Field(field) => self.shown().await?.value(field, typed),
        })
    }

    async fn shown(&self) -> Result<&Arc<Shown>> {
        self.shown.get_or_try_init(|| self.read()).await
    }

    async fn read(&self) -> Result<Arc<Shown>> {
        let known = if self.with_text { Some(Arc::new(self.known().await?)) } else { None };
        let fields = Arc::new(Fields::read(&self.plain).await?);
        let mut groups = BTreeSet::new();
        self.each(r#"SELECT DISTINCT "group" FROM groups"#, |[group]| groups.extend([group.to_owned()])).await?;
        Ok(Arc::new(Shown { pseudonyms: self.pseudonyms.clone(), fields, groups: Arc::new(groups), known }))
    }

    /// By what texts may name people: every id, name and address that the log has of users and customers.
    async fn known(&self) -> Result<Known> {
        let mut known = Known::default();
        for (person, naming, sql) in NAMINGS {
            self.each(sql, |[id, text]| known.add(&self.pseudonyms, *person, id, (*naming, text))).await?;
        }
        Ok(known)
    }

    /// Calls `take` with the texts of each row in which none is null.
    async fn each<const N: usize>(&self, sql: &str, mut take: impl FnMut([&str; N])) -> Result<()> {
        for batch in self.plain.sql(sql).await?.collect().await? {
            let columns = batch.columns().iter().map(|column| arrow::compute::cast(column, &DataType::Utf8));
            let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                let texts = columns.iter().filter(|column| !column.is_null(row));
                let texts: Vec<&str> = texts.map(|column| column.as_string::<i32>().value(row)).collect();
                if let Ok(texts) = texts.try_into() {
                    take(texts);
                }
            }
        }
        Ok(())
    }
}

/// Whom or what the values of a dimension name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'f> {
    User,
    Customer,
    Field(&'f str),
}

/// Where the log has by what people may be named: the id of each, and the text.
const NAMINGS: &[(Person, Naming, &str)] = &[
    (Person::Agent, Naming::Id, r#"SELECT DISTINCT "user", "user" AS known FROM users"#),
    (
        Person::Agent,
        Naming::Id,
        "SELECT DISTINCT agent, agent AS known FROM (SELECT agent FROM assignments UNION ALL SELECT by FROM messages \
         UNION ALL SELECT by FROM resolutions UNION ALL SELECT created_by FROM cases)",
    ),
    (
        Person::Agent,
        Naming::Id,
        "SELECT DISTINCT subject, json_text(data, 'email') FROM desk_events WHERE type = 'user.updated'",
    ),
    (Person::Agent, Naming::Name, r#"SELECT DISTINCT "user", name FROM users"#),
    (Person::Customer, Naming::Id, "SELECT DISTINCT customer, customer AS known FROM cases"),
    (Person::Customer, Naming::Id, "SELECT DISTINCT customer, customer AS known FROM customers"),
    (
        Person::Customer,
        Naming::Id,
        "SELECT DISTINCT customer, known FROM (SELECT customer, unnest(make_array(json_text(data, 'email'), \
         json_text(data, 'handle'), json_text(data, 'username'), json_text(data, 'phone'))) AS known FROM customers)",
    ),
    (Person::Customer, Naming::Name, "SELECT DISTINCT customer, name FROM customers"),
    (
        Person::Customer,
        Naming::Name,
        "SELECT DISTINCT customer, json_text(data, 'customer_name') FROM events WHERE type = 'case.created'",
    ),
];
