//! Cells, values and conditions.

use regex::Regex;
use serde_json::Value as Json;
use toml::de::DeValue;

use super::super::cell::{Cell, CellSource, CellStep, RowChoice, TextPart};
use super::super::condition::{Condition, Operand, Test};
use super::super::document::{Item, Section};
use super::super::mapping::{Occurrence, Taken, Value};
use super::super::vocabulary::ValueType;
use super::parser::Parser;
use crate::error::Result;

pub(super) const CELL_KEYS: &[&str] = &[
    "column",
    "root",
    "text",
    "occurrence",
    "optional",
    "find",
    "split",
    "part",
    "trim",
    "strip_prefix",
    "strip_suffix",
    "lower",
    "table",
    "take",
];
const TEST_KEYS: &[&str] =
    &["equals", "not_equals", "in", "not_in", "empty", "begins_with", "ends_with", "contains", "matches"];
const GROUP_KEYS: &[&str] = &["any", "all", "not"];
const VALUE_KEYS: &[&str] = &["map", "default", "as", "separator"];

/// Every key of a cell, a condition or a value.
#[cfg(test)]
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    [CELL_KEYS, TEST_KEYS, GROUP_KEYS, VALUE_KEYS].into_iter().flatten().copied()
}

impl Parser {
    /// `"column"`, or `{ column = …, strip_suffix = … }`.
    pub(super) fn row_cell(&mut self, item: &Item<'_>) -> Result<Cell> {
        if item.is_table() {
            self.cell(item, &item.section(CELL_KEYS)?, &[RowChoice::Current])
        } else {
            Ok(Cell::plain(self.column(item, vec![item.some_text()?.to_owned()], Occurrence::Only, false)?))
        }
    }

    /// The cell part of a table whose other keys the caller reads.
    pub(super) fn cell(&mut self, item: &Item<'_>, section: &Section<'_>, allowed: &[RowChoice]) -> Result<Cell> {
        let sources = ["column", "root", "text"].into_iter().filter_map(|key| Some((key, section.get(key)?)));
        let (source, row) = match sources.collect::<Vec<_>>().as_slice() {
            [("text", text)] => (self.text(text, section.flag("optional")?)?, RowChoice::Current),
            [("root", root)] if !allowed.contains(&RowChoice::First) => {
                return Err(root.error("the root is not known yet here, expected `column`", None));
            }
            [(key, name)] => {
                let occurrence = section.get("occurrence").map_or(Ok(Occurrence::Only), |item| occurrence(&item))?;
                let names = if name.value().is_array() { name.texts()? } else { vec![name.text()?.to_owned()] };
                let row = if *key == "root" { RowChoice::First } else { RowChoice::Current };
                (CellSource::Column(self.column(name, names, occurrence, section.flag("optional")?)?), row)
            }
            [] => return Err(item.error("found no `column`, expected the name of one", None)),
            [(one, _), (other, _), ..] => {
                return Err(item.error(format!("found both `{one}` and `{other}`, expected one of them"), None));
            }
        };
        Ok(Cell { source, row, steps: self.steps(section)? })
    }

    /// What is done to the text of a cell, in this order.
    fn steps(&mut self, section: &Section<'_>) -> Result<Vec<CellStep>> {
        let mut steps = Vec::new();
        let part = section.get("part");
        match (section.get("find"), section.get("split"), &part) {
            (Some(_), Some(split), _) => {
                return Err(split.error("found both `find` and `split`, expected one of them", None));
            }
            (Some(find), None, part) => steps.push(find_step(&find, part.as_ref())?),
            (None, Some(split), Some(part)) => {
                let number = part.integer()?;
                if number == 0 {
                    return Err(
                        part.error("found 0, expected the number of a part, from 1, or from -1 backwards", None)
                    );
                }
                steps.push(CellStep::Part(split.some_text()?.to_owned(), number));
            }
            (None, Some(split), None) => return Err(split.error("found no `part`, expected which one to take", None)),
            (None, None, Some(part)) => return Err(part.error("only `find` and `split` have parts", None)),
            (None, None, None) => {}
        }
        if section.flag("trim")? {
            steps.push(CellStep::Trim);
        }
        if let Some(prefix) = section.get("strip_prefix") {
            steps.push(CellStep::StripPrefix(prefix.text()?.to_owned()));
        }
        if let Some(suffix) = section.get("strip_suffix") {
            steps.push(CellStep::StripSuffix(suffix.text()?.to_owned()));
        }
        if section.flag("lower")? {
            steps.push(CellStep::Lower);
        }
        if let Some(table) = section.get("table") {
            let name = table.text()?;
            let known = self.tables.keys().map(String::as_str);
            let found = self.tables.get(name).ok_or_else(|| table.unknown("table", name, known))?;
            steps.push(CellStep::LookUp(found.column(section.need("take")?.some_text()?)?.into()));
        } else if let Some(take) = section.get("take") {
            return Err(take.error("found no `table` to take it from", None));
        }
        Ok(steps)
    }

    /// A text with the names of columns in braces.
    fn text(&mut self, item: &Item<'_>, optional: bool) -> Result<CellSource> {
        let mut parts = Vec::new();
        let mut rest = item.some_text()?;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) =
                after.split_once('}').ok_or_else(|| item.error("found `{` without `}` after it", None))?;
            if !before.is_empty() {
                parts.push(TextPart::Plain(before.to_owned()));
            }
            parts.push(TextPart::Column(self.column(item, vec![name.to_owned()], Occurrence::Only, optional)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TextPart::Plain(rest.to_owned()));
        }
        Ok(CellSource::Text(parts))
    }

    /// The cells of a `key`.
    pub(super) fn key(&mut self, section: &Section<'_>) -> Result<Vec<Cell>> {
        section.list("key")?.iter().map(|item| self.row_cell(item)).collect()
    }

    /// A cell and one test, or a group of conditions; `more` are keys of the table that the caller reads.
    pub(super) fn condition(&mut self, item: &Item<'_>, more: &[&str], allowed: &[RowChoice]) -> Result<Condition> {
        let section = item.section(&[more, GROUP_KEYS, CELL_KEYS, TEST_KEYS].concat())?;
        if let Some((key, group)) = GROUP_KEYS.iter().find_map(|key| Some((*key, section.get(key)?))) {
            item.section(&[more, &[key]].concat())?;
            return match key {
                "not" => Ok(Condition::Not(Box::new(self.condition(&group, &[], allowed)?))),
                _ => {
                    let conditions = group.list()?;
                    let conditions = conditions.iter().map(|item| self.condition(item, &[], allowed));
                    let conditions = conditions.collect::<Result<Vec<_>>>()?;
                    Ok(if key == "any" { Condition::Any(conditions) } else { Condition::All(conditions) })
                }
            };
        }
        let cell = self.cell(item, &section, allowed)?;
        let tests = TEST_KEYS.iter().filter_map(|key| section.get(key).map(|value| (*key, value))).collect::<Vec<_>>();
        let [(key, value)] = tests.as_slice() else {
            let all = TEST_KEYS.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            return Err(item.error(format!("found {} tests, expected exactly one of {all}", tests.len()), None));
        };
        Ok(Condition::Cell(cell, self.test(key, value, allowed)?))
    }

    fn test(&mut self, key: &str, value: &Item<'_>, allowed: &[RowChoice]) -> Result<Test> {
        Ok(match key {
            "equals" => Test::In(vec![self.operand(value, allowed)?]),
            "not_equals" => Test::NotIn(vec![self.operand(value, allowed)?]),
            "in" => Test::In(self.operands(value, allowed)?),
            "not_in" => Test::NotIn(self.operands(value, allowed)?),
            "begins_with" => Test::BeginsWith(value.some_text()?.to_owned()),
            "ends_with" => Test::EndsWith(value.some_text()?.to_owned()),
            "contains" => Test::Contains(value.some_text()?.to_owned()),
            "matches" => Test::Matches(expression(value)?),
            _ => Test::Empty(value.flag()?),
        })
    }

    fn operands(&mut self, list: &Item<'_>, allowed: &[RowChoice]) -> Result<Vec<Operand>> {
        list.list()?.iter().map(|item| self.operand(item, allowed)).collect()
    }

    /// A text, or a table that takes a cell.
    fn operand(&mut self, item: &Item<'_>, allowed: &[RowChoice]) -> Result<Operand> {
        if item.is_table() {
            self.cell(item, &item.section(CELL_KEYS)?, allowed).map(Operand::Cell)
        } else {
            Ok(Operand::Text(item.text()?.to_owned()))
        }
    }

    /// A constant, or a table that takes a cell; `more` are keys of the table that the caller reads.
    pub(super) fn value(
        &mut self,
        item: &Item<'_>,
        default: &ValueType,
        allowed: &[RowChoice],
        more: &[&str],
    ) -> Result<Value> {
        if !item.is_table() {
            return constant(item).map(Value::Constant);
        }
        let section = item.section(&[more, CELL_KEYS, VALUE_KEYS].concat())?;
        let map = section.get("map").map(|map| map.entries()).transpose()?;
        let pair = |(key, value): (String, Item<'_>)| Ok((key, value.text()?.to_owned()));
        let value_type = value_type(&section, default)?;
        Ok(Value::Taken(Box::new(Taken {
            cell: self.cell(item, &section, allowed)?,
            map: map.map(|entries| entries.into_iter().map(pair).collect::<Result<_>>()).transpose()?,
            default: section.get("default").map(|item| self.value(&item, &value_type, allowed, &[])).transpose()?,
            value_type,
        })))
    }
}

/// The number of one of several columns of a name, or all of them.
fn occurrence(item: &Item<'_>) -> Result<Occurrence> {
    if item.value().is_str() {
        return match item.text()? {
            "all" => Ok(Occurrence::All),
            other => Err(item.error(format!("found `{other}`, expected a number from 1 or `all`"), None)),
        };
    }
    match usize::try_from(item.count()?).unwrap_or(usize::MAX) {
        0 => Err(item.error("found the occurrence 0, expected 1 or more", None)),
        number => Ok(Occurrence::Number(number)),
    }
}

/// A value that the mapping states itself.
fn constant(item: &Item<'_>) -> Result<Json> {
    match item.value() {
        DeValue::String(text) => Ok(Json::from(text.as_ref())),
        DeValue::Boolean(flag) => Ok(Json::from(*flag)),
        DeValue::Integer(_) => item.integer().map(Json::from),
        DeValue::Array(_) => item.texts().map(Json::from),
        _ => {
            Err(item
                .error("expected text, a whole number, true or false, a list of texts, or a table with `column`", None))
        }
    }
}
fn find_step(find: &Item<'_>, part: Option<&Item<'_>>) -> Result<CellStep> {
    let expression = expression(find)?;
    let group = match part {
        None => usize::from(expression.captures_len() > 1),
        Some(part) if part.value().is_str() => {
            let name = part.text()?;
            let named = expression.capture_names().position(|known| known == Some(name));
            let known = expression.capture_names().flatten();
            named.ok_or_else(|| part.unknown("part of the expression", name, known))?
        }
        Some(part) => {
            let number = usize::try_from(part.integer()?).unwrap_or(usize::MAX);
            if number >= expression.captures_len() {
                let groups = expression.captures_len() - 1;
                return Err(part.error(format!("the expression has {groups} parts in parentheses"), None));
            }
            number
        }
    };
    Ok(CellStep::Find(expression, group))
}

fn expression(item: &Item<'_>) -> Result<Regex> {
    Regex::new(item.some_text()?).map_err(|error| {
        let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        item.error(format!("not a regular expression: {last}"), None)
    })
}

fn value_type(section: &Section<'_>, default: &ValueType) -> Result<ValueType> {
    let separator = section.get("separator").map(|item| item.some_text().map(str::to_owned)).transpose()?;
    let list = |separator: Option<String>| ValueType::List(separator.unwrap_or_else(|| ",".to_owned()));
    let Some(item) = section.get("as") else {
        return Ok(if separator.is_some() { list(separator) } else { default.clone() });
    };
    match item.text()? {
        "text" => Ok(ValueType::Text),
        "integer" => Ok(ValueType::Integer),
        "boolean" => Ok(ValueType::Boolean),
        "list" => Ok(list(separator)),
        other => Err(item.unknown("type", other, ["text", "integer", "boolean", "list"])),
    }
}
