//! What a report knows: the events up to its as-of, and what the auditor derives from them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::dimension::{Lists, lists_of};
use crate::auditor::{Case, Row, State, Tables, World, audit, instant, tables};

/// A log, and what is read from all of it.
pub struct History {
    pub lines: Vec<Value>,
    whole: Rc<Whole>,
}

/// What the program takes from the whole log, whatever the as-of.
#[derive(Default)]
pub struct Whole {
    /// The fields whose values are lists.
    pub lists: BTreeMap<String, Lists>,
    pub tables: Tables,
}

/// The events up to an instant, and the facts that these alone give.
pub struct Known {
    pub world: World,
    pub tables: Tables,
    pub as_of: i64,
    pub whole: Rc<Whole>,
    lines: Vec<Value>,
    earlier: RefCell<BTreeMap<i64, Rc<Known>>>,
}

impl History {
    pub fn of(lines: Vec<Value>) -> History {
        let tables = audit(&lines);
        let lists = lists_of(&lines, &tables);
        History { lines, whole: Rc::new(Whole { lists, tables }) }
    }
}

/// One contribution (5.1), with the agent whom it is counted for.
#[derive(Clone, Debug)]
pub struct Contribution {
    pub case_id: Option<String>,
    pub at: i64,
    pub agent: Option<String>,
    pub value: Option<f64>,
    pub key: Option<String>,
    pub excluded: Option<&'static str>,
    /// Values of dimensions that the metric knows better than the case does at that instant.
    pub own: Vec<(&'static str, Option<String>)>,
}

impl Known {
    /// What is known of a log as of an instant.
    pub fn of(history: &History, as_of: i64) -> Known {
        Known::until(&history.lines, as_of, Rc::clone(&history.whole))
    }

    fn until(lines: &[Value], as_of: i64, whole: Rc<Whole>) -> Known {
        let is_known = |line: &&Value| line["time"].as_str().is_some_and(|time| instant(time) <= as_of);
        let lines: Vec<Value> = lines.iter().filter(is_known).cloned().collect();
        let world = World::read(&lines);
        Known { tables: tables(&world), world, as_of, whole, lines, earlier: RefCell::default() }
    }

    /// What was known at an earlier instant.
    pub fn then(&self, at: i64) -> Rc<Known> {
        let mut earlier = self.earlier.borrow_mut();
        Rc::clone(earlier.entry(at).or_insert_with(|| Rc::new(Known::until(&self.lines, at, Rc::clone(&self.whole)))))
    }

    /// The cases that have been created.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.world.cases.iter().filter(|case| !case.steps.is_empty())
    }

    /// The case of that name, if it has been created.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases().find(|case| case.id == id)
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> &[Row] {
        &self.tables[table]
    }

    /// The rows of a table that are about a case.
    pub fn rows_of<'k>(&'k self, table: &str, case: &'k Case) -> impl Iterator<Item = &'k Row> {
        self.rows(table).iter().filter(|row| row["case_id"] == *case.id)
    }

    /// The assignee of a case at an instant, events of that instant included.
    pub fn assignee(&self, case_id: &str, at: i64) -> Option<String> {
        standing(self.case(case_id)?, at)?.assignee.clone()
    }

    /// A user as the log names them at an instant.
    pub fn user(&self, name: &str, at: i64) -> Option<&Value> {
        self.world.desk.on("user", name, at)?.value.as_ref()
    }
}

/// The state of a case at an instant, events of that instant included; none before its creation and from its deletion on.
pub fn standing(case: &Case, at: i64) -> Option<&State> {
    case.at(at).filter(|state| !state.deleted)
}

/// Whether a case is in New, Open, Pending or On hold at an instant.
pub fn is_unresolved(case: &Case, at: i64) -> bool {
    standing(case, at).is_some_and(|state| !state.is_resolved())
}

/// The text in a column of a row.
pub fn text(row: &Row, column: &str) -> Option<String> {
    row[column].as_str().map(str::to_owned)
}

impl Contribution {
    /// A contribution of a case that counts 1, for no agent.
    pub fn of(case_id: &str, at: i64) -> Contribution {
        let case_id = Some(case_id.to_owned());
        Contribution { case_id, at, agent: None, value: Some(1.0), key: None, excluded: None, own: Vec::new() }
    }

    /// A time of a user and of no case, in milliseconds, dated at the last of them.
    pub fn of_user(user: &str, since: i64, until: i64) -> Contribution {
        let time = Contribution::of("", until - 1).by(Some(user.to_owned())).worth(until - since);
        Contribution { case_id: None, ..time }
    }

    pub fn by(self, agent: Option<String>) -> Contribution {
        Contribution { agent, ..self }
    }

    pub fn worth(self, value: i64) -> Contribution {
        Contribution { value: Some(value as f64), ..self }
    }

    /// 1 for yes, 0 for no.
    pub fn yes(self, answer: bool) -> Contribution {
        self.worth(i64::from(answer))
    }

    /// Its case counts once however often it contributes.
    pub fn once_a_case(self) -> Contribution {
        Contribution { key: self.case_id.clone(), ..self }
    }

    /// Left out under a name, if that holds.
    pub fn left_out(self, name: &'static str, holds: bool) -> Contribution {
        Contribution { excluded: holds.then_some(name).or(self.excluded), ..self }
    }

    pub fn own(mut self, dimension: &'static str, value: Option<String>) -> Contribution {
        self.own.push((dimension, value));
        self
    }
}
