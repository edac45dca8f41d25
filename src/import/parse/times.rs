//! Times: where an instant comes from.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::cell::{Cell, RowChoice};
use super::super::document::{Item, Section};
use super::super::duration::{DurationUnit, Plus};
use super::super::time_rule::{Months, TimeFormat, TimeRule};
use super::cells::CELL_KEYS;
use super::parser::Parser;
use crate::error::Result;
use crate::json::Json;
use crate::model::calendar::Calendar;
use crate::model::hours::OpenHours;

pub(super) const TIME_KEYS: &[&str] = &["format", "zone", "months", "plus", "default"];
pub(super) const PLUS_KEYS: &[&str] = &["unit", "calendar"];

impl Parser {
    /// `"column"`, or `{ column = …, format = …, zone = … }`. What it does not state is as in `[time]`.
    pub(super) fn time_rule(&mut self, item: &Item<'_>, allowed: &[RowChoice]) -> Result<TimeRule> {
        let general = self.time.clone();
        let general = general.as_ref();
        let rule = if item.is_table() {
            let section = item.section(&[CELL_KEYS, TIME_KEYS].concat())?;
            let cell = self.cell(item, &section, allowed)?;
            self.stated(cell, &section, general, allowed)?
        } else {
            let cell = self.row_cell(item)?;
            match general {
                None => TimeRule::plain(cell),
                Some(general) => TimeRule { cell, plus: None, default: None, ..general.clone() },
            }
        };
        let place = if item.is_table() { item.find("format").unwrap_or_else(|| item.clone()) } else { item.clone() };
        let hint = || Some("add the offset (`%z`) to the pattern, or a `zone` beside it".to_owned());
        rule.check_formats()
            .map_err(|reason| place.error(format!("the pattern does not give an instant: {reason}"), hint()))?;
        Ok(rule)
    }

    fn stated(
        &mut self,
        cell: Cell,
        section: &Section<'_>,
        general: Option<&TimeRule>,
        allowed: &[RowChoice],
    ) -> Result<TimeRule> {
        let formats = match section.get("format") {
            Some(item) if item.value().is_array() => item.list()?.iter().map(format).collect::<Result<Vec<_>>>()?,
            Some(item) => vec![format(&item)?],
            None => general.map_or_else(|| vec![TimeFormat::Rfc3339], |general| general.formats.clone()),
        };
        if let (Some(item), true) = (section.get("format"), formats.is_empty()) {
            return Err(item.error("found an empty list, expected a format", None));
        }
        let zone = section.get("zone").map(|item| zone(&item)).transpose()?;
        let months = section.get("months").map(|item| months(&item)).transpose()?;
        Ok(TimeRule {
            cell,
            formats,
            zone: zone.or_else(|| general.and_then(|general| general.zone.clone())),
            months: months.or_else(|| general.and_then(|general| general.months.clone())),
            plus: section.get("plus").map(|item| self.plus(&item, allowed)).transpose()?,
            default: section.get("default").map(|item| self.time_rule(&item, allowed).map(Box::new)).transpose()?,
        })
    }

    fn plus(&mut self, item: &Item<'_>, allowed: &[RowChoice]) -> Result<Plus> {
        let section = item.section(&[CELL_KEYS, PLUS_KEYS].concat())?;
        let unit = section.need("unit")?;
        let name = unit.text()?;
        Ok(Plus {
            cell: self.cell(item, &section, allowed)?,
            unit: DurationUnit::parse(name).ok_or_else(|| unit.unknown("unit", name, DurationUnit::NAMES))?,
            hours: section.get("calendar").map(|item| self.hours(&item)).transpose()?,
        })
    }

    fn hours(&self, item: &Item<'_>) -> Result<Arc<OpenHours>> {
        let name = item.some_text()?;
        let known = self.calendars.keys().map(String::as_str);
        self.calendars.get(name).cloned().ok_or_else(|| {
            let hint = format!("state its hours in `[calendars.{name}]` of the mapping, as desk.toml states them");
            if self.calendars.is_empty() {
                item.error(format!("no calendar `{name}`"), Some(hint))
            } else {
                item.unknown("calendar", name, known)
            }
        })
    }
}

/// The opening hours of a calendar of the mapping.
pub(super) fn calendar(name: &str, item: &Item<'_>) -> Result<Arc<OpenHours>> {
    item.section(&["time_zone", "hours", "holidays"])?;
    let data = item.json()?.to_string();
    let data = Json::parse(&data).map_err(|error| item.error(error, None))?;
    let calendar = Calendar::check(name, &data).and_then(|()| Calendar::parse(name, &data));
    Ok(Arc::new(OpenHours::new(calendar.map_err(|refusal| item.error(refusal, None))?)))
}

fn format(item: &Item<'_>) -> Result<TimeFormat> {
    match item.some_text()? {
        "rfc3339" => Ok(TimeFormat::Rfc3339),
        "unix" => Ok(TimeFormat::UnixSeconds),
        "unix_ms" => Ok(TimeFormat::UnixMilliseconds),
        "spreadsheet" => Ok(TimeFormat::SpreadsheetDays),
        pattern if pattern.contains("%Z") && !pattern.ends_with("%Z") => {
            Err(item.error("`%Z`, the abbreviation of a zone, is read at the end of a time only", None))
        }
        pattern if pattern.contains('%') => Ok(TimeFormat::pattern(pattern)),
        other => {
            let known = ["rfc3339", "unix", "unix_ms", "spreadsheet", "%Y-%m-%d %H:%M:%S"];
            Err(item.unknown("time format", other, known))
        }
    }
}

fn zone(item: &Item<'_>) -> Result<TimeZone> {
    let name = item.some_text()?;
    let hint = || Some("write a name of the IANA list, such as `Europe/Prague`".to_owned());
    TimeZone::get(name).map_err(|_| item.error(format!("unknown time zone `{name}`"), hint()))
}

fn months(item: &Item<'_>) -> Result<Months> {
    let names = item.texts()?;
    match names.len() {
        12 if names.iter().all(|name| !name.is_empty()) => Ok(Months(names)),
        12 => Err(item.error("found an empty name", None)),
        count => Err(item.error(format!("found {count} names, expected those of the 12 months"), None)),
    }
}
