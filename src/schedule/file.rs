//! `schedules.toml`: targets, and what is sent to them when.
//!
//! Each schedule and each target is read apart from the others, so that a fault in one stops no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::condition::Condition;
use super::content::Content;
use super::pattern::Pattern;
use super::target::Target;
use super::target::email::MailSettings;
use crate::error::{Error, Result};
use crate::metric::range::{parse_zone, zone_name};
use crate::model::time::{DAY_MS, parse_duration_ms};
use crate::spelling::did_you_mean;
use crate::store::project;
use crate::toml_file;

/// The name of the file in a project.
pub const FILE: &str = "schedules.toml";

/// How long a delivery is tried, unless the schedule states it.
const RETRY_FOR: &str = "6h";

/// Everything that the file states.
#[derive(Debug, Default)]
pub struct ScheduleFile {
    /// How mail is sent.
    pub mail: Option<MailSettings>,
    /// The mail addresses of people, by the names that the log has for them.
    pub addresses: BTreeMap<String, String>,
    pub targets: BTreeMap<String, Target>,
    pub schedules: Vec<Schedule>,
    /// What cannot be used.
    pub faults: Vec<Fault>,
}

/// What is wrong with a part of the file.
#[derive(Debug)]
pub struct Fault {
    /// The schedule that is not carried out because of it.
    pub schedule: Option<String>,
    pub error: Error,
}

/// What is sent when, and where.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    pub pattern: Pattern,
    pub zone: TimeZone,
    pub catch_up: CatchUp,
    /// Without it, runs are only made by hand.
    pub enabled: bool,
    /// What people read instead of the title of what is sent.
    pub title: Option<String>,
    pub send: Vec<Content>,
    pub when: Option<Condition>,
    /// The names of targets.
    pub to: Vec<String>,
    /// The names of the targets that a failure is reported to.
    pub on_failure: Vec<String>,
    pub retry_for_ms: i64,
    pub keep_ms: i64,
    /// `file:line`.
    pub place: String,
}

/// Which of the runs that were missed are carried out later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    All,
    #[default]
    Latest,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    cron: String,
    time_zone: Option<String>,
    #[serde(default)]
    catch_up: CatchUp,
    #[serde(default = "yes")]
    enabled: bool,
    title: Option<String>,
    send: Vec<Content>,
    when: Option<Condition>,
    to: Vec<String>,
    #[serde(default)]
    on_failure: Vec<String>,
    retry_for: Option<String>,
    keep: Option<String>,
}

fn yes() -> bool {
    true
}

impl Schedule {
    /// How long what a run has rendered is kept, unless the schedule states it: 90 days.
    pub const KEEP_MS: i64 = 90 * DAY_MS;

    /// The name of its zone.
    #[must_use]
    pub fn zone_name(&self) -> String {
        zone_name(&self.zone)
    }
}

impl ScheduleFile {
    /// The path of the file of a project.
    #[must_use]
    pub fn path(project: &Path) -> PathBuf {
        project.join(FILE)
    }

    /// Reads the file of a project. `zone` is that of schedules that state none.
    ///
    /// # Errors
    /// When there is no such file, it cannot be read, or it is not TOML. What is wrong with a part is in `faults`.
    pub fn read(project: &Path, zone: &TimeZone) -> Result<ScheduleFile> {
        let path = ScheduleFile::path(project);
        let text = project::read_text(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::refused(format!("there is no {}", path.display()))
                .with_hint("`casebook init` in an empty folder writes one with an example; see docs/scheduling.md"),
            _ => Error::file(&path)(error),
        })?;
        ScheduleFile::parse(&path, &text, zone)
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn parse(path: &Path, text: &str, zone: &TimeZone) -> Result<ScheduleFile> {
        let parsed = toml_file::check_depth(text).and_then(|()| DeTable::parse(text));
        let table = parsed.map_err(|error| toml_file::error(path, text, &error))?.into_inner();
        let mut reader = Reader { path, text, zone, file: ScheduleFile::default() };
        for (key, value) in table {
            let position = toml_file::position(path, text, key.span().start);
            reader.part(key.get_ref(), &position, value);
        }
        reader.check_names();
        Ok(reader.file)
    }

    /// The schedule of that name.
    ///
    /// # Errors
    /// When there is none, or it has a fault.
    pub fn find(&self, name: &str) -> Result<&Schedule> {
        if let Some(schedule) = self.schedules.iter().find(|schedule| schedule.name == name) {
            return Ok(schedule);
        }
        let is_faulty = self.faults.iter().any(|fault| fault.schedule.as_deref() == Some(name));
        let error = match is_faulty {
            true => {
                return Err(Error::refused(format!("schedule `{name}` has a fault"))
                    .with_hint("`casebook schedule check` lists the faults"));
            }
            false => Error::refused(format!("there is no schedule `{name}`")),
        };
        let names = || self.schedules.iter().map(|schedule| schedule.name.as_str());
        let all = || format!("there are: {}", names().collect::<Vec<_>>().join(", "));
        Err(error.with_hint(did_you_mean(name, names()).unwrap_or_else(all)))
    }
}

/// What has been read so far.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    zone: &'a TimeZone,
    file: ScheduleFile,
}

impl Reader<'_> {
    fn part(&mut self, key: &str, position: &str, value: Spanned<DeValue<'_>>) {
        match key {
            "email" => self.file.mail = self.value(value, None),
            "addresses" => self.file.addresses = self.value(value, None).unwrap_or_default(),
            "targets" => match value.into_inner() {
                DeValue::Table(targets) => targets.into_iter().for_each(|(name, value)| {
                    let name = name.into_inner().into_owned();
                    let place =
                        format!("{}: target `{name}`", toml_file::position(self.path, self.text, value.span().start));
                    match Target::deserialize(ValueDeserializer::from(value)) {
                        Ok(target) => drop(self.file.targets.insert(name, target)),
                        // Of a target the library does not know the line of the key.
                        Err(error) => self.fault(None, toml_file::error(self.path, self.text, &error).at(place)),
                    }
                }),
                _ => self.fault(None, Error::invalid(position, "`targets` is not a table, expected `[targets.NAME]`")),
            },
            "schedule" => match value.into_inner() {
                DeValue::Array(schedules) => schedules.into_iter().for_each(|value| self.schedule(value)),
                _ => self.fault(None, Error::invalid(position, "`schedule` is not a list, expected `[[schedule]]`")),
            },
            other => {
                let known = ["schedule", "targets", "email", "addresses"];
                let error =
                    Error::invalid(position, format!("unknown key `{other}`, expected one of {}", known.join(", ")));
                self.fault(None, error.with_any_hint(did_you_mean(other, known)));
            }
        }
    }

    fn schedule(&mut self, value: Spanned<DeValue<'_>>) {
        let place = toml_file::position(self.path, self.text, value.span().start);
        let name = name_of(value.get_ref());
        let Some(written) = self.value::<Written>(value, name.clone()) else { return };
        match read(written, &place, self.zone) {
            Ok(schedule) => match self.file.schedules.iter().any(|other| other.name == schedule.name) {
                true => {
                    let message = format!("a schedule `{}` is there already", schedule.name);
                    self.fault(None, Error::invalid(place, message).with_hint("give each schedule a name of its own"));
                }
                false => self.file.schedules.push(schedule),
            },
            Err(error) => self.fault(name, error.at(place)),
        }
    }

    /// A value, or a fault with its line.
    fn value<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>, schedule: Option<String>) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(schedule, toml_file::error(self.path, self.text, &error));
                None
            }
        }
    }

    fn fault(&mut self, schedule: Option<String>, error: Error) {
        self.file.faults.push(Fault { schedule, error });
    }

    /// Takes out the schedules that name a target which is not there.
    fn check_names(&mut self) {
        let known: Vec<&str> = self.file.targets.keys().map(String::as_str).collect();
        let mut faults = Vec::new();
        self.file.schedules.retain(|schedule| {
            let named = schedule.to.iter().chain(&schedule.on_failure);
            let Some(missing) = named.into_iter().find(|name| !known.contains(&name.as_str())) else {
                let error = unaddressed(schedule, &self.file.targets);
                faults.extend(error.map(|error| Fault { schedule: Some(schedule.name.clone()), error }));
                return faults.iter().all(|fault| fault.schedule.as_ref() != Some(&schedule.name));
            };
            let message = format!("schedule `{}`: there is no target `{missing}`", schedule.name);
            let hint = did_you_mean(missing, known.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("add `[targets.{missing}]`, or repair it"));
            let error = Error::invalid(&schedule.place, message).with_hint(hint);
            faults.push(Fault { schedule: Some(schedule.name.clone()), error });
            false
        });
        self.file.faults.extend(faults);
    }
}

/// A target of a schedule that takes the recipients of breach notices, where there are none.
fn unaddressed(schedule: &Schedule, targets: &BTreeMap<String, Target>) -> Option<Error> {
    let sends_notices = schedule.send.contains(&Content::BreachNotices);
    let to = schedule.to.iter().filter(|_| !sends_notices).map(|name| ("to", name));
    let mut named = to.chain(schedule.on_failure.iter().map(|name| ("on_failure", name)));
    let (key, name) = named.find(|(_, name)| targets.get(*name).is_some_and(Target::takes_recipients))?;
    let message =
        format!("schedule `{}`: `{key}` names `{name}`, which mails only the people of breach notices", schedule.name);
    Some(
        Error::invalid(&schedule.place, message)
            .with_hint("name a target with addresses in `to`, or add `breach_notices = true`"),
    )
}

/// The name that a schedule states, whatever else is wrong with it.
fn name_of(value: &DeValue<'_>) -> Option<String> {
    Some(value.get("name")?.get_ref().as_str()?.to_owned())
}

/// The schedule that was written, or what is wrong with it.
fn read(written: Written, place: &str, zone: &TimeZone) -> Result<Schedule> {
    let name = written.name;
    let invalid = |message: String| Error::invalid(place, format!("schedule `{name}`: {message}"));
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(is_plain) {
        let hint = "a name has letters of a to z, digits, `-` and `_`: folders and keys have it";
        return Err(invalid("this is no name of a schedule".to_owned()).with_hint(hint));
    }
    let within = |error: Error| {
        let hint = error.hint().map(str::to_owned);
        invalid(error.to_string()).with_any_hint(hint)
    };
    let duration = |key: &str, text: Option<String>, default: &str| {
        parse_duration_ms(text.as_deref().unwrap_or(default)).map_err(|refusal| invalid(format!("{key}: {refusal}")))
    };
    for (key, is_empty, hint) in [
        ("send", written.send.is_empty(), "add `[[schedule.send]]` with a board, a metric or a file of SQL"),
        ("to", written.to.is_empty(), "name the targets, such as `to = [\"archive\"]`"),
    ] {
        if is_empty {
            return Err(invalid(format!("`{key}` is empty")).with_hint(hint));
        }
    }
    Ok(Schedule {
        pattern: Pattern::parse(&written.cron).map_err(within)?,
        zone: match &written.time_zone {
            Some(name) => parse_zone(name).map_err(within)?,
            None => zone.clone(),
        },
        catch_up: written.catch_up,
        enabled: written.enabled,
        title: written.title,
        retry_for_ms: duration("retry_for", written.retry_for, RETRY_FOR)?,
        keep_ms: match written.keep {
            None => Schedule::KEEP_MS,
            keep => duration("keep", keep, "")?,
        },
        send: written.send,
        when: written.when,
        to: written.to,
        on_failure: written.on_failure,
        place: place.to_owned(),
        name,
    })
}
