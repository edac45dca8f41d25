//! Where in a JSON value the rows are that it becomes, and in each row the cells of the mapping's columns.

mod columns;

use serde_json::Value as Json;
use xxhash_rust::xxh3::xxh3_128;

use super::super::mapping::{Column, Each, Mapping};
use super::super::path::{Arrays, Path, text};
use super::super::record::{Ended, Record};
use super::layout::{self, INDEX};
use crate::error::{Error, Result};
use columns::{ColumnsFound, chosen};

/// The paths of a mapping.
pub(super) struct Plan<'m> {
    pub(super) mapping: &'m Mapping,
    /// From a value to its rows.
    rows: Arrays,
    /// For each column, the paths of its names.
    columns: Vec<Vec<Path>>,
    found: ColumnsFound,
}

impl<'m> Plan<'m> {
    /// Reads the paths of a mapping whose values are what its `rows` begin at.
    ///
    /// # Errors
    /// When the name of a column is not a path, or leads out of the value.
    pub(super) fn of(mapping: &'m Mapping) -> Result<Plan<'m>> {
        let paths = |column: &Column| {
            let path = |name: &String| Path::parse(name).map_err(|reason| wrong(mapping, column.line, name, &reason));
            column.names.iter().map(path).collect::<Result<Vec<_>>>()
        };
        let columns = mapping.columns.iter().map(paths).collect::<Result<_>>()?;
        let rows = mapping.input.rows.clone();
        let highest = mapping.columns.iter().filter(|column| column.level == 0).max_by_key(|column| column.up);
        if let Some(column) = highest
            && column.up > rows.depth()
        {
            let reason = "`../` leads out of the document";
            return Err(wrong(mapping, column.line, column.name(), reason));
        }
        Ok(Plan { mapping, rows, columns, found: ColumnsFound::of(mapping) })
    }

    /// The same for values that are the elements of the first array of `rows`, and the path to that array. Where a column is taken
    /// from around these elements, or more than members lead to the array, the whole document is the value and the path is empty.
    pub(super) fn of_elements(mapping: &'m Mapping) -> Result<(Arrays, Plan<'m>)> {
        let plan = Plan::of(mapping)?;
        let up = mapping.columns.iter().filter(|column| column.level == 0).map(|column| column.up).max();
        let is_split = up.unwrap_or(0) < plan.rows.depth() && plan.rows.members_to_first().is_some();
        let (array, rows) = plan.rows.split_at(usize::from(is_split));
        Ok((array, Plan { rows, ..plan }))
    }

    /// Whether a path goes through a member of this name.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.columns.iter().flatten().any(|path| path.has_member(name)) || self.rows.has_member(name)
    }

    /// What is known at the end of an input of so many bytes: which columns the rows of its values had.
    pub(super) fn ended(self, bytes: u64) -> Ended {
        self.found.ended(self.mapping, bytes)
    }

    /// Fills a record that has begun with a value: its rows, and the elements that rules go through. Returns the number of rows.
    pub(super) fn fill(&self, value: &Json, record: &mut Record) -> u64 {
        record.hash = xxh3_128(value.to_string().as_bytes());
        // A record that was set aside keeps the number that it had.
        let first = value.get(INDEX).and_then(Json::as_u64).unwrap_or(0);
        let mut index = first;
        let mut numbers = vec![0; self.mapping.levels.len()];
        self.rows.each(value, &mut |row| {
            record.row(0, index);
            self.found.row(row.last().copied());
            self.cells(record, (0, index), row, &[]);
            index += 1;
            let Some(around) = row.last() else { return };
            for (number, (each, next)) in self.mapping.levels.iter().zip(&mut numbers).enumerate() {
                let Each::Elements(arrays) = each else { continue };
                arrays.each(around, &mut |element| {
                    record.row(number + 1, *next);
                    self.found.level(number + 1);
                    self.cells(record, (number + 1, *next), row, element);
                    *next += 1;
                });
            }
        });
        layout::add_parts(self.mapping, record);
        index - first
    }

    /// The cells of a row or, at another level, of an element of it. Chains begin with what is around and end with the element.
    fn cells(&self, record: &mut Record, (level, index): (usize, u64), row: &[&Json], element: &[&Json]) {
        for (number, (column, paths)) in self.mapping.columns.iter().zip(&self.columns).enumerate() {
            let chain = match column.level {
                0 => row,
                of if of == level => element,
                _ => {
                    record.cell("");
                    continue;
                }
            };
            if column.name() == INDEX {
                self.found.column(number);
                let index = if column.level == 0 && level > 0 { 0 } else { index };
                record.cell(&index.to_string());
                continue;
            }
            let around = chain.len().checked_sub(1 + column.up).and_then(|position| chain.get(position));
            let found = around.and_then(|value| paths.iter().find_map(|path| path.find(value)));
            let found = found.and_then(|value| chosen(column.occurrence, value));
            match found {
                Some(value) => {
                    self.found.column(number);
                    record.cell(&text(&value));
                }
                None => record.cell(""),
            }
        }
    }
}

fn wrong(mapping: &Mapping, line: usize, name: &str, reason: &str) -> Error {
    Error::invalid(format!("{}:{line}", mapping.file), format!("`{name}` is no path into JSON: {reason}"))
}
