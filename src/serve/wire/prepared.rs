//! Statements and portals of a connection: what was prepared, and what is being read.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use tokio::sync::Mutex;

use super::message::Bind;
use super::parameters::{self, Parameter};
use super::problem::{Answer, PROTOCOL, Problem};
use super::rows::Rows;
use super::statement::Asked;
use super::tables::{Planned, Tables};

/// Statements and portals that a connection may have at once, and the bytes of their texts.
const STATEMENTS_MAX: usize = 500;
const PORTALS_MAX: usize = 50;
const TEXT_BYTES_MAX: usize = 4 << 20;

/// A statement with its plan, which is made again when the database is another one.
pub struct Prepared {
    /// Nothing: the text has no statement.
    pub asked: Option<Asked>,
    /// Types of parameters that the client stated; 0 where it did not.
    pub declared: Vec<u32>,
    text_bytes: usize,
    planned: Mutex<Option<(Arc<Tables>, Planned)>>,
}

impl Prepared {
    /// A statement of a text of that length.
    #[must_use]
    pub fn new(asked: Option<Asked>, declared: Vec<u32>, text_bytes: usize) -> Prepared {
        Prepared { asked, declared, text_bytes, planned: Mutex::new(None) }
    }

    /// The plan over these tables; nothing where the statement is none that has a plan.
    ///
    /// # Errors
    /// When the statement cannot be planned.
    pub async fn plan(&self, tables: &Arc<Tables>) -> Answer<Option<Planned>> {
        let (Some(Asked::Question(question)) | Some(Asked::Declare { question, .. })) = &self.asked else {
            return Ok(None);
        };
        let mut planned = self.planned.lock().await;
        if let Some((_, known)) = planned.as_ref().filter(|(of, _)| Arc::ptr_eq(of, tables)) {
            return Ok(Some(known.clone()));
        }
        // The tables of before are not held while the plan is made.
        *planned = None;
        let made = tables.plan(question, &self.declared).await?;
        *planned = Some((Arc::clone(tables), made.clone()));
        Ok(Some(made))
    }
}

/// A statement with its values, and what is not sent yet of its answer.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub values: Vec<ScalarValue>,
    pub result_formats: Vec<i16>,
    /// Nothing before the statement was begun, and when it gives no rows.
    pub rows: Option<Rows>,
    /// Whether it was begun.
    pub is_begun: bool,
    /// Whether it is a cursor of SQL, which stays until it is closed or the transaction ends.
    pub is_cursor: bool,
}

/// The values of a message for the parameters of a statement.
///
/// # Errors
/// When there are too many or too few, or one cannot be read.
pub fn values(bind: &Bind, parameters: &[Parameter]) -> Answer<Vec<ScalarValue>> {
    let count = bind.values.len();
    if count != parameters.len() {
        return Err(Problem::new(PROTOCOL, format!("{count} values were sent for {} parameters", parameters.len())));
    }
    if !matches!(bind.formats.len(), 0 | 1) && bind.formats.len() != count {
        return Err(Problem::new(PROTOCOL, format!("{} formats were sent for {count} values", bind.formats.len())));
    }
    let is_binary = |at: usize| match bind.formats.as_slice() {
        [] => false,
        [one] => *one == 1,
        each => each.get(at) == Some(&1),
    };
    let values = bind.values.iter().zip(parameters).enumerate();
    values
        .map(|(at, (value, parameter))| parameters::value(parameter, is_binary(at), value.as_deref(), at + 1))
        .collect()
}

/// Everything of a connection that has a name.
#[derive(Default)]
pub struct Named {
    statements: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
}

impl Named {
    /// The statement of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn statement(&self, name: &str) -> Answer<Arc<Prepared>> {
        let statement = self.statements.get(name).map(Arc::clone);
        statement.ok_or_else(|| Problem::new("26000", format!("there is no prepared statement `{name}`")))
    }

    /// Keeps a statement. Without a name it replaces the one before.
    ///
    /// # Errors
    /// When there is one of that name, or too many.
    pub fn keep_statement(&mut self, name: String, statement: Prepared) -> Answer<()> {
        if name.is_empty() {
            self.statements.remove(&name);
        }
        if self.statements.contains_key(&name) {
            return Err(Problem::new("42P05", format!("there is a prepared statement `{name}` already")));
        }
        let bytes: usize = self.statements.values().map(|statement| statement.text_bytes).sum();
        if self.statements.len() >= STATEMENTS_MAX || bytes + statement.text_bytes > TEXT_BYTES_MAX {
            return Err(Problem::new("54000", "the connection has too many prepared statements; close some"));
        }
        self.statements.insert(name, Arc::new(statement));
        Ok(())
    }

    /// Forgets a statement, or all; nothing where there is none of that name.
    pub fn forget_statement(&mut self, name: Option<&str>) -> Option<()> {
        match name {
            Some(name) => self.statements.remove(name).map(drop),
            None => {
                self.statements.clear();
                Some(())
            }
        }
    }

    /// A portal, for a look at it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn portal(&self, name: &str) -> Answer<&Portal> {
        self.portals.get(name).ok_or_else(|| no_portal(name))
    }

    /// Takes a portal out, to read from it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn take_portal(&mut self, name: &str) -> Answer<Portal> {
        self.portals.remove(name).ok_or_else(|| no_portal(name))
    }

    /// Keeps a portal. Without a name it replaces the one before.
    ///
    /// # Errors
    /// When there is one of that name, or too many.
    pub fn keep_portal(&mut self, name: String, portal: Portal) -> Answer<()> {
        if name.is_empty() {
            self.portals.remove(&name);
        }
        if self.portals.contains_key(&name) {
            return Err(Problem::new("42P03", format!("there is a cursor `{name}` already")));
        }
        if self.portals.len() >= PORTALS_MAX {
            return Err(Problem::new("54000", "the connection has too many open cursors; close some"));
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    /// Closes portals: one, or all; nothing where there is none of that name.
    pub fn close_portals(&mut self, name: Option<&str>) -> Option<()> {
        match name {
            Some(name) => self.portals.remove(name).map(drop),
            None => {
                self.portals.clear();
                Some(())
            }
        }
    }

    /// Closes what ends with a message outside of a transaction: all but cursors.
    pub fn close_unfinished(&mut self) {
        self.portals.retain(|_, portal| portal.is_cursor);
    }
}

fn no_portal(name: &str) -> Problem {
    Problem::new("34000", format!("there is no cursor `{name}`"))
}
