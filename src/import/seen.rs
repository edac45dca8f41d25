//! Which columns of the mapping occur in inputs that do not list their columns at the beginning.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::mapping::{CaseOf, Column, Mapping, Value};
use super::reader::SHOWN_COLUMNS;
use super::record::Ended;
use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// The columns that occur.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// For each column of the mapping; empty as long as no input has rows.
    columns: Vec<bool>,
    /// An input had all columns at its beginning.
    all: bool,
    names: BTreeSet<String>,
    advice: Option<&'static str>,
}

impl Seen {
    /// Adds an input that has been read. One whose columns were looked for at its beginning has them all.
    pub(super) fn add(&mut self, ended: &Ended) {
        let Some(seen) = &ended.seen else {
            self.all = true;
            return;
        };
        if ended.rows == 0 {
            return;
        }
        self.columns.resize(seen.len(), false);
        self.columns.iter_mut().zip(seen).for_each(|(all, one)| *all |= one);
        self.names.extend(ended.names.iter().cloned());
        self.advice = self.advice.or(ended.advice);
    }

    /// The columns that occur in no row of any input, without those that an input may lack.
    ///
    /// # Errors
    /// Where one of them is that of the case, of the time or of the key, without which there are no events.
    pub(super) fn absent(self, mapping: &Mapping) -> Result<BTreeSet<String>> {
        let is_absent = |number: usize| self.columns.get(number).is_some_and(|seen| !seen && !self.all);
        let columns = mapping.columns.iter().enumerate();
        let absent: Vec<(usize, &Column)> =
            columns.filter(|(number, column)| !column.optional && is_absent(*number)).collect();
        let needed = needed(mapping);
        match absent.iter().find(|(number, _)| needed.contains(number)) {
            Some((_, column)) => Err(self.missing(mapping, column)),
            None => Ok(absent.into_iter().map(|(_, column)| column.names.join(" or ")).collect()),
        }
    }

    fn missing(&self, mapping: &Mapping, column: &Column) -> Error {
        let names = column.any_name();
        let shown: Vec<String> = self.names.iter().take(SHOWN_COLUMNS).map(|name| format!("`{name}`")).collect();
        let place = format!("{}:{}", mapping.file, column.line);
        let message = format!("no row of the inputs has {names}; among their columns are {}", shown.join(", "));
        let near = did_you_mean(column.name(), self.names.iter().map(String::as_str));
        let hints: Vec<String> = near.into_iter().chain(self.advice.map(str::to_owned)).collect();
        Error::invalid(place, message).with_any_hint((!hints.is_empty()).then(|| hints.join(" ")))
    }
}

/// The columns without which a row becomes nothing.
fn needed(mapping: &Mapping) -> Vec<usize> {
    let case = match &mapping.case {
        CaseOf::Column(id) | CaseOf::Thread { id, .. } => id.columns(),
        CaseOf::Route { message } => {
            let customer = mapping.at_creation("customer").and_then(Value::cell);
            [message].into_iter().chain(customer).flat_map(Cell::columns).collect()
        }
    };
    let time = if mapping.time.default.is_none() { mapping.time.cell.columns() } else { Vec::new() };
    [case, time, mapping.key.iter().flat_map(|cell| cell.columns()).collect()].concat()
}
