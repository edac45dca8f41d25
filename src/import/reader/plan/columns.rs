//! Columns of documents: what they take of a value, and which of the mapping's there are.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::super::mapping::{Each, Mapping, Occurrence};
use super::super::super::path::not_empty;
use super::super::super::record::Ended;

/// Of how many rows the names of members are kept for a message about one that is missing.
const ROWS_FOR_NAMES: u64 = 100;

/// What a column takes of a value: columns of one name are an array in a row that was set aside.
pub(super) fn chosen(occurrence: Occurrence, value: Cow<'_, Json>) -> Option<Cow<'_, Json>> {
    match (occurrence, value.as_ref()) {
        (Occurrence::Only, _) => Some(value),
        (Occurrence::Number(number), Json::Array(texts)) => texts.get(number - 1).cloned().map(Cow::Owned),
        (Occurrence::Number(number), _) => (number == 1).then_some(value),
        (Occurrence::All, Json::Array(texts)) => Some(Cow::Owned(not_empty(texts.clone()))),
        (Occurrence::All, one) => Some(Cow::Owned(not_empty(vec![one.clone()]))),
    }
}

/// The columns that have been found.
pub(super) struct ColumnsFound {
    columns: Vec<Cell<bool>>,
    /// For each level whether there was a row of it.
    levels: Vec<Cell<bool>>,
    rows: Cell<u64>,
    names: RefCell<BTreeSet<String>>,
}

impl ColumnsFound {
    pub(super) fn of(mapping: &Mapping) -> ColumnsFound {
        ColumnsFound {
            columns: vec![Cell::new(false); mapping.columns.len()],
            levels: vec![Cell::new(false); mapping.levels.len() + 1],
            rows: Cell::new(0),
            names: RefCell::default(),
        }
    }

    /// Counts a row of level 0.
    pub(super) fn row(&self, row: Option<&Json>) {
        self.level(0);
        self.rows.set(self.rows.get() + 1);
        if self.rows.get() <= ROWS_FOR_NAMES
            && let Some(members) = row.and_then(Json::as_object)
        {
            self.names.borrow_mut().extend(members.keys().cloned());
        }
    }

    /// There is a row of the level.
    pub(super) fn level(&self, level: usize) {
        self.levels.get(level).into_iter().for_each(|there| there.set(true));
    }

    /// There is a cell of the column.
    pub(super) fn column(&self, number: usize) {
        self.columns.get(number).into_iter().for_each(|found| found.set(true));
    }

    /// What is known at the end. Columns of elements of which there is none are not looked for.
    pub(super) fn ended(self, mapping: &Mapping, bytes: u64) -> Ended {
        let is_there = |level: usize| self.levels.get(level).is_some_and(Cell::get);
        let columns = mapping.columns.iter().zip(&self.columns);
        let seen = columns.map(|(column, found)| found.get() || !is_there(column.level)).collect();
        Ended {
            bytes,
            rows: self.rows.get(),
            seen: Some(seen),
            names: self.names.into_inner(),
            advice: (!is_for_documents(mapping)).then_some(
                "the input is JSON, where columns are paths (`requester.name`) and `rows` leads to the rows of a document; the mapping seems to be for a table",
            ),
            ..Ended::default()
        }
    }
}

/// Whether a mapping has anything that only documents have.
fn is_for_documents(mapping: &Mapping) -> bool {
    let mut names = mapping.columns.iter().flat_map(|column| &column.names);
    mapping.input.rows.depth() > 0
        || mapping.levels.iter().any(|each| matches!(each, Each::Elements(_)))
        || names.any(|name| name.len() > 1 && name.contains(['.', '[']))
}
