//! Templates such as `{schedule}/{date}/{file}`: where a file is put, and what a mail is called.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::parcel::Parcel;

/// What names the run. The day and the time are those of the scheduled instant in the zone of the schedule; `instant` is in
/// UTC; `week` is the week of ISO 8601 with its year, such as `2026-W48`.
pub const RUN_NAMES: &[&str] = &["schedule", "date", "time", "instant", "year", "month", "day", "week"];

/// What names a file: as a whole, and before and after its last dot.
pub const FILE_NAMES: &[&str] = &["file", "stem", "ending"];

/// What is known of a run when it is rendered.
pub const SUMMARY_NAMES: &[&str] = &["title", "range"];

/// Where the files of a run are for a command.
pub const FOLDER_NAME: &str = "folder";

/// A text with names in braces; `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(&'static str),
}

impl fmt::Display for Template {
    /// As it is written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => formatter.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Name(name) => write!(formatter, "{{{name}}}"),
        })
    }
}

impl Template {
    /// Reads a template in which these names may be.
    ///
    /// # Errors
    /// An unknown name, with those that are known, or a brace that is not closed.
    pub fn parse(text: &str, known: &[&'static str]) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let name = from.strip_prefix('{').and_then(|from| from.split_once('}'));
                let Some((name, after)) = name else {
                    return Err(format!("a brace in `{text}` has no partner; a brace that is meant is written twice"));
                };
                let Some(known) = known.iter().find(|known| **known == name) else {
                    return Err(unknown(name, known));
                };
                parts.extend((!literal.is_empty()).then(|| Part::Text(std::mem::take(&mut literal))));
                parts.push(Part::Name(known));
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.extend((!literal.is_empty()).then_some(Part::Text(literal)));
        Ok(Template(parts))
    }

    /// Whether runs have paths of their own. Otherwise a run replaces the files of the run before.
    #[must_use]
    pub fn names_the_run(&self) -> bool {
        ["instant", "date", "day", "week", "month", "year"].iter().any(|name| self.has(name))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name(found) if *found == name))
    }

    /// Whether each file has a path of its own.
    #[must_use]
    pub fn names_the_file(&self) -> bool {
        self.has("file") || self.has("stem") && self.has("ending")
    }

    /// The text with the values in place of the names; `written` is how each value is written there.
    #[must_use]
    pub fn fill(&self, values: &Values, written: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Name(name) => written(values.0.get(name).map_or("", String::as_str)),
        };
        self.0.iter().map(part).collect()
    }

    /// The path with the values in place of the names, each written by `written`. No value leads to another folder.
    ///
    /// # Errors
    /// When a value holds a separator of folders, or makes a part of the path `.`, `..` or empty.
    pub fn fill_path(&self, values: &Values, written: impl Fn(&str) -> String) -> Result<String, String> {
        let in_use = self.0.iter().filter_map(|part| match part {
            Part::Name(name) => values.0.get(name).map(|value| (name, value)),
            Part::Text(_) => None,
        });
        for (name, value) in in_use {
            if value.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\')) {
                return Err(format!("the {name} `{}` cannot be part of a path", value.escape_debug()));
            }
        }
        let path = self.fill(values, &written);
        // A value holds no separator, so both have the same parts.
        let shape = self.fill(&Values(BTreeMap::new()), |_| "\u{0}".to_owned());
        for (part, shape) in path.split('/').zip(shape.split('/')) {
            if shape.contains('\u{0}') && matches!(part, "" | "." | "..") {
                return Err(format!("`{path}` has a part `{part}`, which is not the name of a file or folder"));
            }
        }
        Ok(path)
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    // The reader of the file adds the nearest of them.
    format!("unknown name `{name}` in braces, expected one of `{}`", known.join("`, `"))
}

/// The values of a run's names.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// The values that are the same for all files of a run.
    #[must_use]
    pub fn of(parcel: &Parcel) -> Values {
        let at = parcel.run.scheduled_at;
        let local = at.to_local(&parcel.zone);
        let week = local.date().iso_week_date();
        let utc = at.to_local(&jiff::tz::TimeZone::UTC);
        Values(BTreeMap::from([
            ("schedule", parcel.run.schedule.clone()),
            ("date", local.strftime("%Y-%m-%d").to_string()),
            ("time", local.strftime("%H%M").to_string()),
            ("instant", utc.strftime("%Y%m%dT%H%M%SZ").to_string()),
            ("year", local.strftime("%Y").to_string()),
            ("month", local.strftime("%m").to_string()),
            ("day", local.strftime("%d").to_string()),
            ("week", format!("{:04}-W{:02}", week.year(), week.week())),
            ("title", parcel.summary.title.clone()),
            ("range", parcel.summary.range.clone()),
        ]))
    }

    /// Values that could be those of a run, to look at a path before there is one.
    #[must_use]
    pub fn example() -> Values {
        let names = RUN_NAMES.iter().chain(SUMMARY_NAMES).map(|name| (*name, (*name).to_owned()));
        Values(names.collect()).with_file("file.pdf")
    }

    /// The same for a file of that name.
    #[must_use]
    pub fn with_file(&self, name: &str) -> Values {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let mut values = self.0.clone();
        values.extend([("file", name), ("stem", stem), ("ending", ending)].map(|(key, value)| (key, value.to_owned())));
        Values(values)
    }

    /// The same for a command whose files are in that folder.
    #[must_use]
    pub fn with_folder(&self, folder: &str) -> Values {
        let mut values = self.0.clone();
        values.insert(FOLDER_NAME, folder.to_owned());
        Values(values)
    }
}

/// Reads the template of a path, which must name the file.
///
/// # Errors
/// When it is no template, or two files would have one path.
pub fn of_files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Template, D::Error> {
    let text = String::deserialize(deserializer)?;
    let template = Template::parse(&text, &[RUN_NAMES, FILE_NAMES].concat()).map_err(D::Error::custom)?;
    match template.names_the_file() {
        true => Ok(template),
        false => {
            Err(D::Error::custom(format!("`{text}` must hold `{{file}}`, so that each file has a path of its own")))
        }
    }
}

/// Reads the template of a subject.
///
/// # Errors
/// When it is no template.
pub fn of_subject<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Template>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Template::parse(&text, &[RUN_NAMES, SUMMARY_NAMES].concat()).map(Some).map_err(D::Error::custom)
}

/// Reads the arguments of a command.
///
/// # Errors
/// When one of them is no template, or there is none.
pub fn of_arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Template>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let known = [RUN_NAMES, &[FOLDER_NAME]].concat();
    match texts.first().is_none_or(String::is_empty) {
        false => texts.iter().map(|text| Template::parse(text, &known).map_err(D::Error::custom)).collect(),
        true => Err(D::Error::custom("`run` needs a program and its arguments")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parcel::{RunName, RunSummary};
    use super::*;
    use crate::model::time::Instant;

    fn values(schedule: &str) -> Values {
        Values::of(&Parcel {
            run: RunName {
                schedule: schedule.to_owned(),
                scheduled_at: Instant::parse("2027-01-03T23:30:00Z").unwrap(),
            },
            summary: RunSummary { title: "Overview".to_owned(), ..RunSummary::default() },
            outputs: Vec::new(),
            key: "k".to_owned(),
            is_repeat: false,
            zone: jiff::tz::TimeZone::get("Europe/Prague").unwrap(),
        })
    }

    fn path(text: &str, schedule: &str, file: &str) -> Result<String, String> {
        let template = Template::parse(text, &[RUN_NAMES, FILE_NAMES].concat()).unwrap();
        template.fill_path(&values(schedule).with_file(file), str::to_owned)
    }

    #[test]
    fn days_are_those_of_the_schedule_and_weeks_have_their_own_year() {
        let all = "{schedule} {date} {time} {instant} {year} {month} {day} {week} {file} {stem} {ending} {{x}}";
        let expected = "care 2027-01-04 0030 20270103T233000Z 2027 01 04 2027-W01 a.b.pdf a.b pdf {x}";
        assert_eq!(path(all, "care", "a.b.pdf").as_deref(), Ok(expected));
        assert_eq!(Template::parse(all, &[RUN_NAMES, FILE_NAMES].concat()).unwrap().to_string(), all);
    }

    #[test]
    fn no_value_leads_to_another_folder() {
        assert_eq!(path("../out/{schedule}/{file}", "care", "a.pdf").as_deref(), Ok("../out/care/a.pdf"));
        let refused = [
            ("out/{schedule}/{file}", "..", "a.pdf"),
            ("out/.{schedule}/{file}", ".", "a.pdf"),
            ("out/{file}", "care", "../a.pdf"),
            ("out/{file}", "care", "..\\a.pdf"),
            ("out/{file}", "care", ".."),
            ("out/{stem}.{ending}", "care", "."),
            ("{schedule}/{file}", "", "a.pdf"),
            ("{file}", "care", "a\u{0}.pdf"),
        ];
        for (text, schedule, file) in refused {
            assert!(path(text, schedule, file).is_err(), "{text} {schedule} {file}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_known() {
        let error = Template::parse("{shedule}", RUN_NAMES).unwrap_err();
        assert!(error.starts_with("unknown name `shedule` in braces, expected one of `schedule`, `date`"), "{error}");
        assert!(Template::parse("{date", RUN_NAMES).is_err());
        assert!(Template::parse("date}", RUN_NAMES).is_err());
    }

    #[test]
    fn a_path_without_an_instant_is_that_of_the_latest_run() {
        let template = |text: &str| Template::parse(text, &[RUN_NAMES, FILE_NAMES].concat()).unwrap();
        assert!(template("{schedule}/{date}/{file}").names_the_run());
        assert!(!template("{schedule}/latest/{file}").names_the_run());
        assert!(template("{stem}.{ending}").names_the_file());
        assert!(!template("{date}/{stem}").names_the_file());
    }
}
