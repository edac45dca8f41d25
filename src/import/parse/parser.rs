//! The columns that a mapping names, collected while its keys are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::document::Item;
use super::super::lookup::LookupTables;
use super::super::mapping::{Column, Each, Occurrence};
use super::super::time_rule::TimeRule;
use crate::error::Result;
use crate::model::hours::OpenHours;

/// Collects the columns that the mapping names.
#[derive(Default)]
pub(super) struct Parser {
    pub(super) columns: Vec<Column>,
    pub(super) levels: Vec<Each>,
    /// The level of the rule that is being read.
    pub(super) level: usize,
    pub(super) tables: LookupTables,
    pub(super) calendars: BTreeMap<String, Arc<OpenHours>>,
    /// The rule of `[time]`, whose format and zone other times have where they state none.
    pub(super) time: Option<TimeRule>,
}

impl Parser {
    /// The number of a column; `../` before its name leads to the element around that of the rule.
    pub(super) fn column(
        &mut self,
        item: &Item<'_>,
        names: Vec<String>,
        occurrence: Occurrence,
        optional: bool,
    ) -> Result<usize> {
        let (ups, names): (Vec<usize>, Vec<String>) = names.into_iter().map(climbed).unzip();
        let up = ups.first().copied().unwrap_or_default();
        if ups.iter().any(|other| *other != up) || names.is_empty() {
            return Err(item.error("expected the names of columns of the same element", None));
        }
        let (level, up) = self.place(item, up, &names)?;
        let column = Column { names, occurrence, optional, level, up, line: item.line() };
        let known = self.columns.iter().position(|known| known.is_same(&column));
        Ok(known.unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        }))
    }

    /// The level of a column of the current rule, and how far up from its elements it is.
    fn place(&self, item: &Item<'_>, up: usize, names: &[String]) -> Result<(usize, usize)> {
        let each = self.level.checked_sub(1).and_then(|number| self.levels.get(number));
        let depth = match each {
            None => return Ok((0, up)),
            Some(Each::Elements(arrays)) => arrays.depth(),
            Some(Each::Parts { .. } | Each::Times(_)) => 1,
        };
        let is_part = matches!(each, Some(Each::Parts { .. } | Each::Times(_)));
        match up.checked_sub(depth) {
            Some(above) => Ok((0, above)),
            None if is_part && names.iter().any(|name| name != "." && name != "@index") => {
                let hint = format!("`.` is the part itself, `../{}` the column of its row", names.join(""));
                Err(item.error("a part of a cell has no columns", Some(hint)))
            }
            None => Ok((self.level, up)),
        }
    }
}

/// The name without the `../` before it, and how many there are.
fn climbed(name: String) -> (usize, String) {
    let mut rest = name.as_str();
    let mut up = 0;
    while let Some(above) = rest.strip_prefix("../") {
        (up, rest) = (up + 1, above);
    }
    (up, rest.to_owned())
}
