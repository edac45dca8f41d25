//! The values that dimensions can have, and whether what was typed is one of them.

use jiff::tz::TimeZone;

use super::{Dimension, Source};
use crate::error::{Error, Result};
use crate::metric::interval::{Misread, Scale, WEEKDAYS};
use crate::model::case::history::SENTIMENT_FIELD;
use crate::model::event::{MessageKind, Origin, Presence, Priority, Sentiment, Status};
use crate::model::policy::Milestone;
use crate::query::people::Named;
use crate::spelling::did_you_mean;
use crate::wire::members;

/// The values that a dimension can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// These names and no others.
    OneOf(&'static [&'static str]),
    /// What has an order, and what is typed of it.
    Scaled(Scale),
    /// Any text that an event states.
    Text,
}

/// The classes of the age of a backlog, as `queries/backlog_age.sql` names them.
const AGES: [&str; 8] = ["1. < 1h", "2. < 4h", "3. < 8h", "4. < 1d", "5. < 3d", "6. < 7d", "7. < 30d", "8. ≥ 30d"];

/// Whether a case has been deleted.
const DELETED_NAMES: &[&str] = &["kept", "deleted"];

/// The statuses of a resolved case.
const RESOLUTION_NAMES: &[&str] = &["done", "spam"];

/// Where the values of a dimension of free texts are found in the tables: a table and its column.
pub type Column = (&'static str, &'static str);

impl Dimension {
    /// The values that it can have.
    #[must_use]
    pub fn value_kind(&self) -> ValueKind {
        match &self.source {
            Source::Period("status") => ValueKind::OneOf(Status::NAMES),
            Source::Period("priority") => ValueKind::OneOf(Priority::NAMES),
            Source::Case("origin") => ValueKind::OneOf(Origin::NAMES),
            Source::Resolution => ValueKind::OneOf(RESOLUTION_NAMES),
            Source::Deleted => ValueKind::OneOf(DELETED_NAMES),
            Source::Field(field) if field == SENTIMENT_FIELD => ValueKind::OneOf(Sentiment::NAMES),
            Source::Clock("hour_of_day") => ValueKind::Scaled(Scale::Hour),
            Source::Clock(_) => ValueKind::Scaled(Scale::Weekday),
            Source::Value => ValueKind::Scaled(Scale::Measure),
            Source::Quantity(quantity) => ValueKind::Scaled(quantity.scale),
            // A metric of the project may have kinds of its own.
            Source::Agent
            | Source::Contribution
            | Source::Team
            | Source::Period(_)
            | Source::Case(_)
            | Source::Field(_) => ValueKind::Text,
        }
    }

    /// The values of a built-in metric, where those of the project's metrics are not known.
    #[must_use]
    pub fn usual_values(&self) -> Vec<&'static str> {
        match self.name.as_str() {
            // Of messages and of surveys.
            "kind" => [MessageKind::NAMES, members::SURVEYS].concat(),
            "milestone" => Milestone::NAMES.to_vec(),
            "presence" => Presence::NAMES.to_vec(),
            "age" => AGES.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The columns in which a value that an event states is found; those of a custom field only in the rows of the field.
    #[must_use]
    pub fn columns(&self) -> &'static [Column] {
        match &self.source {
            Source::Agent => &[
                ("users", "user"),
                ("periods", "assignee"),
                ("assignments", "agent"),
                ("resolutions", "by"),
                ("messages", "by"),
            ],
            Source::Team => &[("users", "team")],
            Source::Period("profile") => &[("profiles", "profile"), ("periods", "profile")],
            Source::Case("platform") => &[("profiles", "platform"), ("cases", "platform")],
            Source::Case("language") => &[("cases", "language")],
            Source::Case("customer") => &[("cases", "customer")],
            Source::Case("policy") => &[("policies", "policy"), ("cases", "policy")],
            Source::Field(_) => &[("field_values", "value")],
            _ => &[],
        }
    }

    /// Whom or what its values name, where they may name people.
    #[must_use]
    pub fn named(&self) -> Option<Named<'_>> {
        match &self.source {
            Source::Agent => Some(Named::User),
            Source::Case("customer") => Some(Named::Customer),
            Source::Field(field) if field != SENTIMENT_FIELD => Some(Named::Field(field)),
            _ => None,
        }
    }

    /// What its values are compared by, where they have an order.
    #[must_use]
    pub fn scale(&self) -> Option<Scale> {
        match self.value_kind() {
            ValueKind::Scaled(scale) => Some(scale),
            ValueKind::OneOf(_) | ValueKind::Text => None,
        }
    }

    /// Whether a value that was typed can be one of this dimension's.
    ///
    /// # Errors
    /// When the dimension has a fixed set of values and this is none of them; the nearest is the hint.
    pub fn check_value(&self, typed: &str) -> Result<()> {
        match self.value_kind() {
            ValueKind::Text => Ok(()),
            ValueKind::Scaled(scale) => self.check_interval(scale, typed),
            ValueKind::OneOf(names) if names.contains(&typed) => Ok(()),
            ValueKind::OneOf(names) => {
                Err(self.not_a_value(&names.join(", "), typed, did_you_mean(typed, names.iter().copied())))
            }
        }
    }

    /// Whether a text is a value of a scale, or `A..B`.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_interval(&self, scale: Scale, typed: &str) -> Result<()> {
        let (values, example) = scale.about();
        match scale.interval(typed, &TimeZone::UTC) {
            Ok(_) => Ok(()),
            Err(Misread::Empty) => {
                let message = format!("`{}={typed}` ends before it begins", self.name);
                Err(Error::invalid(&self.place, message)
                    .with_hint("`A..B` is from A to before B; `!=B..A` is for all others"))
            }
            Err(Misread::Value) => {
                let near = did_you_mean(&typed.to_lowercase(), WEEKDAYS).filter(|_| scale == Scale::Weekday);
                let hint = near.or_else(|| Some(format!("such as `{}{example}`", self.name)));
                Err(self.not_a_value(values, typed, hint))
            }
        }
    }

    fn not_a_value(&self, values: &str, typed: &str, hint: Option<String>) -> Error {
        let error = Error::invalid(&self.place, format!("`{}` has the values {values}; found `{typed}`", self.name));
        error.with_hint(hint.unwrap_or_else(|| format!("`{}=` is for what has no value", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_the_age_are_those_of_the_metric() {
        let sql = include_str!("../../../queries/backlog_age.sql");
        assert_eq!(sql.matches("THEN '").count() + 1, AGES.len());
        assert!(AGES.iter().all(|class| sql.contains(&format!("'{class}'"))));
    }

    #[test]
    fn a_value_outside_a_fixed_set_is_an_error_that_names_the_set_and_the_nearest() {
        let refused = |name: &str, typed: &str| {
            let error = Dimension::parse(name).unwrap().written_at("--where").check_value(typed).unwrap_err();
            format!("{error} / {}", error.hint().unwrap())
        };
        assert_eq!(
            refused("deleted", "false"),
            "--where: `deleted` has the values kept, deleted; found `false` / `deleted=` is for what has no value"
        );
        assert_eq!(
            refused("resolution@now", "Done"),
            "--where: `resolution@now` has the values done, spam; found `Done` / did you mean `done`?"
        );
        for (name, typed) in [
            ("status", "solved"),
            ("priority", "normal"),
            ("origin", "email"),
            ("sentiment", "good"),
            ("field.sentiment", "good"),
            ("hour_of_day", "24"),
            ("hour_of_day", "007"),
            ("day_of_week", "8"),
            ("day_of_week", "mo"),
        ] {
            assert!(refused(name, typed).contains("has the values"), "{name}={typed}");
        }
        for (name, typed) in [
            ("status", "on_hold"),
            ("hour_of_day", "0"),
            ("hour_of_day", "23"),
            ("day_of_week", "7"),
            ("day_of_week", "01"),
            ("hour_of_day", "9..17"),
            ("day_of_week", "Sun"),
            ("agent", "anyone"),
            ("kind", "a project's own"),
            ("field.tier", "gold"),
        ] {
            assert!(Dimension::parse(name).unwrap().check_value(typed).is_ok(), "{name}={typed}");
        }
    }
}
