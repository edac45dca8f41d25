//! The settings of a connection: what clients set on connecting and ask for. None changes what a user may see or what the
//! engine may use.

use std::collections::BTreeMap;
use std::time::Duration;

use super::problem::{Answer, NOT_SUPPORTED, Problem};

/// What a client may do with a setting.
enum Rule {
    /// It is shown and cannot be changed.
    Fixed,
    /// Any value is remembered; it has no effect here.
    Any,
    /// These values only, in lower case; a prefix up to `,` or a blank counts.
    One(&'static [&'static str]),
    /// A duration, of questions at most that of the server.
    QuestionTime,
}

/// The settings by their names in lower case, with the name that clients are sent, the first value and the rule.
const SETTINGS: &[(&str, &str, &str, Rule)] = &[
    ("application_name", "application_name", "", Rule::Any),
    ("bytea_output", "bytea_output", "hex", Rule::One(&["hex"])),
    ("client_encoding", "client_encoding", "UTF8", Rule::One(&["utf8", "utf-8", "unicode"])),
    ("client_min_messages", "client_min_messages", "notice", Rule::Any),
    ("datestyle", "DateStyle", "ISO, MDY", Rule::One(&["iso"])),
    ("default_transaction_isolation", "default_transaction_isolation", "read committed", Rule::Any),
    ("default_transaction_read_only", "default_transaction_read_only", "on", Rule::One(&["on", "true", "1"])),
    ("extra_float_digits", "extra_float_digits", "1", Rule::Any),
    ("idle_in_transaction_session_timeout", "idle_in_transaction_session_timeout", "0", Rule::Any),
    ("in_hot_standby", "in_hot_standby", "off", Rule::Fixed),
    ("integer_datetimes", "integer_datetimes", "on", Rule::Fixed),
    ("intervalstyle", "IntervalStyle", "postgres", Rule::One(&["postgres"])),
    ("is_superuser", "is_superuser", "off", Rule::Fixed),
    ("lc_collate", "lc_collate", "C", Rule::Fixed),
    ("lc_ctype", "lc_ctype", "C", Rule::Fixed),
    ("lc_messages", "lc_messages", "C", Rule::Any),
    ("lc_monetary", "lc_monetary", "C", Rule::Any),
    ("lc_numeric", "lc_numeric", "C", Rule::Any),
    ("lock_timeout", "lock_timeout", "0", Rule::Any),
    ("max_identifier_length", "max_identifier_length", "63", Rule::Fixed),
    ("search_path", "search_path", "public", Rule::Any),
    ("server_encoding", "server_encoding", "UTF8", Rule::Fixed),
    ("server_version", "server_version", VERSION, Rule::Fixed),
    ("server_version_num", "server_version_num", "160006", Rule::Fixed),
    ("session_authorization", "session_authorization", "", Rule::Fixed),
    ("standard_conforming_strings", "standard_conforming_strings", "on", Rule::One(&["on", "true", "1"])),
    ("statement_timeout", "statement_timeout", "", Rule::QuestionTime),
    ("timezone", "TimeZone", "UTC", Rule::Any),
    ("transaction_isolation", "transaction_isolation", "read committed", Rule::Any),
    ("transaction_read_only", "transaction_read_only", "on", Rule::One(&["on", "true", "1"])),
];

/// The version that clients are shown: that of PostgreSQL whose protocol and catalogue this has.
pub const VERSION: &str = concat!("16.6 (Casebook ", env!("CARGO_PKG_VERSION"), ")");

/// What clients are sent on connecting, and when it changes.
const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "datestyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "intervalstyle",
    "is_superuser",
    "search_path",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "timezone",
];

/// Zones in which instants are as they are shown.
const UTC: &[&str] =
    &["utc", "etc/utc", "gmt", "etc/gmt", "zulu", "universal", "etc/universal", "default", "+00:00", "0"];

/// The settings of one connection.
#[derive(Clone, Debug)]
pub struct WireSettings {
    changed: BTreeMap<&'static str, String>,
    user: String,
    question_time: Duration,
    question_time_max: Duration,
}

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// The name and the value that the client is sent.
    pub report: Option<(&'static str, String)>,
    pub notice: Option<String>,
}

impl WireSettings {
    /// The settings with which a connection begins.
    #[must_use]
    pub fn new(user: &str, question_time_max: Duration) -> WireSettings {
        let user = user.to_owned();
        WireSettings { changed: BTreeMap::new(), user, question_time: question_time_max, question_time_max }
    }

    /// How long a statement may take.
    #[must_use]
    pub fn question_time(&self) -> Duration {
        self.question_time
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn value(&self, name: &str) -> Answer<String> {
        let (name, _, first, rule) = find(name)?;
        Ok(match rule {
            Rule::QuestionTime => format!("{}ms", self.question_time.as_millis()),
            _ if *name == "session_authorization" => self.user.clone(),
            _ => self.changed.get(name).cloned().unwrap_or_else(|| (*first).to_owned()),
        })
    }

    /// Every name and value.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, String)> {
        SETTINGS.iter().map(|(name, shown, ..)| (*shown, self.value(name).unwrap_or_default())).collect()
    }

    /// What a client is sent on connecting.
    #[must_use]
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        self.all().into_iter().filter(|(shown, _)| REPORTED.contains(&shown.to_lowercase().as_str())).collect()
    }

    /// Changes a setting; `DEFAULT` is its first value.
    ///
    /// # Errors
    /// When there is none of that name, it cannot be changed, or not to that value.
    pub fn set(&mut self, name: &str, value: &str) -> Answer<Changed> {
        let (name, shown, first, rule) = find(name)?;
        // Some drivers send the quotes of SQL on connecting.
        let value = value.trim_matches('\'');
        let is_default = value.eq_ignore_ascii_case("default");
        let lower = value.to_lowercase();
        let refuse = |what: String| Err(Problem::new("22023", what));
        let mut notice = None;
        match rule {
            Rule::Fixed => return Err(Problem::new("55P02", format!("`{shown}` cannot be changed"))),
            Rule::One(known) => {
                let word = lower.split([',', ' ']).next().unwrap_or_default();
                if !is_default && !known.contains(&word) {
                    return refuse(format!("`{shown}` is {first} here, and not `{value}`"));
                }
            }
            Rule::QuestionTime => {
                self.question_time = self.time(value)?;
                return Ok(Changed { report: None, notice });
            }
            Rule::Any if value.len() > 1024 => return refuse(format!("the value of `{shown}` is too long")),
            Rule::Any => {}
        }
        if *name == "timezone" && !UTC.contains(&lower.as_str()) {
            notice = Some("instants are shown in UTC; `AT TIME ZONE` gives those of another zone".to_owned());
        } else if matches!(rule, Rule::Any) && !is_default {
            self.changed.insert(name, value.to_owned());
        } else if is_default {
            self.changed.remove(name);
        }
        let report = REPORTED.contains(name).then(|| (*shown, self.value(name).unwrap_or_default()));
        Ok(Changed { report, notice })
    }

    /// Gives every setting its first value.
    pub fn reset(&mut self) {
        self.changed.clear();
        self.question_time = self.question_time_max;
    }

    /// A time for statements, in milliseconds or with a unit; 0 and more than the limit are the limit.
    fn time(&self, value: &str) -> Answer<Duration> {
        let value = value.trim();
        let number = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
        let unit = value.get(number.len()..).unwrap_or_default().trim();
        let unit_ms = match unit {
            "" | "ms" => Some(1),
            "s" => Some(1000),
            "min" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let ms = if value.eq_ignore_ascii_case("default") { Some(0) } else { number.parse().ok() };
        let ms = ms.and_then(|number: u64| number.checked_mul(if number == 0 { 1 } else { unit_ms? }));
        let Some(ms) = ms else {
            return Err(Problem::new("22023", format!("`{value}` is no time such as 5000 or 5s")));
        };
        let wanted = if ms == 0 { self.question_time_max } else { Duration::from_millis(ms) };
        Ok(wanted.min(self.question_time_max))
    }
}

fn find(name: &str) -> Answer<&'static (&'static str, &'static str, &'static str, Rule)> {
    let name = name.to_lowercase();
    SETTINGS.iter().find(|(known, ..)| *known == name).ok_or_else(|| {
        if name.contains('.') {
            return Problem::new(
                NOT_SUPPORTED,
                format!("`{name}` cannot be set or shown: options of the engine are the server's"),
            );
        }
        Problem::new("42704", format!("there is no setting `{name}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmless_can_be_set() {
        let mut settings = WireSettings::new("ana", Duration::from_secs(30));
        let code =
            |settings: &mut WireSettings, name: &str, value: &str| settings.set(name, value).map_err(|it| it.code);
        for (name, value) in [
            ("DateStyle", "ISO, DMY"),
            ("client_encoding", "'utf-8'"),
            ("extra_float_digits", "3"),
            ("search_path", "x"),
        ] {
            assert!(settings.set(name, value).is_ok(), "{name}");
        }
        assert_eq!(code(&mut settings, "client_encoding", "LATIN1"), Err("22023"));
        assert_eq!(code(&mut settings, "transaction_read_only", "off"), Err("22023"));
        assert_eq!(code(&mut settings, "is_superuser", "on"), Err("55P02"));
        assert_eq!(code(&mut settings, "session_authorization", "bob"), Err("55P02"));
        assert_eq!(code(&mut settings, "datafusion.execution.batch_size", "1"), Err("0A000"));
        assert_eq!(code(&mut settings, "role", "bob"), Err("42704"));
        let changed = settings.set("application_name", "x").unwrap();
        assert_eq!(changed.report, Some(("application_name", "x".to_owned())));
        assert!(settings.set("TimeZone", "Europe/Prague").unwrap().notice.is_some());
        assert_eq!(settings.value("timezone").unwrap(), "UTC");
        settings.reset();
        assert_eq!(settings.value("application_name").unwrap(), "");
    }

    #[test]
    fn a_statement_may_take_less_time_and_not_more() {
        let mut settings = WireSettings::new("ana", Duration::from_secs(30));
        for (value, expected_ms) in
            [("1500", 1500), ("2s", 2000), ("1min", 30_000), ("0", 30_000), ("10 s", 10_000), ("default", 30_000)]
        {
            settings.set("statement_timeout", value).unwrap();
            assert_eq!(settings.question_time().as_millis(), expected_ms, "{value}");
        }
        for value in ["", "soon", "-1", "99999999999999999999", "5 weeks", "18446744073709551615h"] {
            assert_eq!(settings.set("statement_timeout", value).unwrap_err().code, "22023", "{value}");
        }
    }
}
