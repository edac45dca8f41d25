//! A condition on a figure: a threshold, or a change since the run before.

use jiff::tz::TimeZone;

use super::file::ConditionFile;
use super::outcome::{ConditionState, Evaluation, begins};
use crate::error::{Error, Result};
use crate::metric::aggregation::Aggregation;
use crate::metric::filter::Filter;
use crate::metric::header::Metric;
use crate::metric::question::Question;
use crate::metric::range::Range;
use crate::metric::unit::Unit;
use crate::model::time::{Instant, parse_duration_ms};
use crate::query::database::Database;
use crate::report::dashboard::BUSINESS;
use crate::schedule::content::at;
use crate::schedule::sources::Sources;

/// A figure, and what it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureCondition {
    metric: String,
    range: String,
    filters: Vec<String>,
    hours: Option<String>,
    show: Option<String>,
    test: Test,
}

/// What a figure is compared with.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Threshold {
        side: Side,
        bound: Bound,
        each_run: bool,
    },
    /// With the figure of the run before.
    Changed,
}

/// On which side of the bound the condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Below,
    Above,
    AtMost,
    AtLeast,
}

/// A bound as it is written.
#[derive(Clone, Debug, PartialEq)]
enum Bound {
    Number(f64),
    /// Such as `2h`.
    Duration(String),
}

impl Side {
    const ALL: [Side; 4] = [Side::Below, Side::Above, Side::AtMost, Side::AtLeast];

    fn key(self) -> &'static str {
        match self {
            Side::Below => "below",
            Side::Above => "above",
            Side::AtMost => "at_most",
            Side::AtLeast => "at_least",
        }
    }

    fn has(self, number: f64, bound: f64) -> bool {
        match self {
            Side::Below => number < bound,
            Side::Above => number > bound,
            Side::AtMost => number <= bound,
            Side::AtLeast => number >= bound,
        }
    }
}

impl FigureCondition {
    /// The condition in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.test {
            Test::Changed => format!("{} changed", self.metric),
            Test::Threshold { side, bound, .. } => {
                let bound = match bound {
                    Bound::Number(number) => number.to_string(),
                    Bound::Duration(text) => text.clone(),
                };
                format!("{} is {} {bound}", self.metric, side.key().replace('_', " "))
            }
        }
    }

    /// Reads the keys of a condition on a figure.
    ///
    /// # Errors
    /// When the metric or the range is missing, a key does nothing, or the bound is neither a number nor a duration.
    pub fn of(file: ConditionFile) -> std::result::Result<FigureCondition, String> {
        let kind = file.kind()?;
        let common = ["metric", "range", "where", "hours", "show"];
        let metric = file.metric.clone().ok_or(format!("`{kind}` is of a metric: write `metric = \"…\"` beside it"))?;
        let range = file.range.clone();
        let range = range.ok_or("a figure needs a range, such as `range = \"last 7 days\"`")?;
        let test = match Side::ALL.into_iter().find(|side| side.key() == kind) {
            None => {
                file.check_keys(kind, &common)?;
                if file.changed != Some(true) {
                    return Err("write `changed = true`, or a threshold such as `below`".to_owned());
                }
                Test::Changed
            }
            Some(side) => {
                file.check_keys(kind, &[&common[..], &["each_run"]].concat())?;
                let written = [file.below, file.above, file.at_most, file.at_least].into_iter().flatten().next();
                let bound = bound(side, written)?;
                Test::Threshold { side, bound, each_run: file.each_run.unwrap_or_default() }
            }
        };
        let filters = file.filters.unwrap_or_default().0;
        Ok(FigureCondition { metric, range, filters, hours: file.hours, show: file.show, test })
    }

    /// Everything that is wrong with what is written at that place.
    pub fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        let mut faults = Vec::new();
        match self.question(sources, place, (Instant(0), &TimeZone::UTC)) {
            Ok((metric, question)) => {
                faults.extend(question.check_show(metric).err().map(|error| error.at(at(place, "show"))));
                faults.extend(self.bound(&unit(metric, &question), place).err());
            }
            Err(error) => faults.push(error),
        }
        faults
    }

    fn question<'s>(
        &self,
        sources: &'s Sources,
        place: &str,
        (now, zone): (Instant, &TimeZone),
    ) -> Result<(&'s Metric, Question)> {
        let name = match self.hours.as_deref() {
            None | Some("all") => self.metric.clone(),
            Some("business") => format!("{}{BUSINESS}", self.metric.trim_end_matches(BUSINESS)),
            Some(other) => {
                let error = Error::invalid(at(place, "hours"), format!("`{other}` are no hours"));
                return Err(error.with_hint("write `business` or `all`"));
            }
        };
        let metric = sources.catalogue.get(&name).map_err(|error| {
            let hint = error.hint().map(str::to_owned);
            Error::invalid(at(place, "metric"), error.to_string()).with_any_hint(hint)
        })?;
        let range = Range::parse(&self.range, zone, now).map_err(|error| error.at(at(place, "range")))?;
        let show = self.show.as_deref().map(Aggregation::parse).transpose();
        let place = at(place, "where");
        let question = Question {
            metric: name,
            by: Vec::new(),
            grain: None,
            as_of: range.as_of(now),
            range,
            show: show.map_err(|error| error.at(place.replace("`where`", "`show`")))?.into_iter().collect(),
            filters: self.filters.iter().map(|text| Filter::parse(&place, text)).collect::<Result<_>>()?,
        };
        Ok((metric, question))
    }

    /// The bound in the unit of the figure; nothing where it is compared with the run before.
    fn bound(&self, unit: &Unit, place: &str) -> Result<Option<f64>> {
        let Test::Threshold { side, bound, .. } = &self.test else { return Ok(None) };
        let invalid = |message: String, hint: &str| Err(Error::invalid(at(place, side.key()), message).with_hint(hint));
        match (bound, unit) {
            (Bound::Duration(text), Unit::Duration) => match parse_duration_ms(text) {
                Ok(ms) => Ok(Some(ms as f64)),
                Err(refusal) => invalid(refusal.to_string(), "write a duration such as `2h` or `1d 12h`"),
            },
            (Bound::Number(number), Unit::Duration) => {
                invalid(format!("`{number}` is a number, and the figure is a time"), "write a duration such as \"2h\"")
            }
            (Bound::Duration(text), _) => invalid(
                format!("`{text}` is a text, and the figure is a number"),
                "write a number, such as 0.9 for 90 %",
            ),
            (Bound::Number(number), Unit::Share) if !(0.0..=1.0).contains(number) => {
                invalid(format!("`{number}` is no share, which is from 0 to 1"), "write 0.9 for 90 %")
            }
            (Bound::Number(number), _) => Ok(Some(*number)),
        }
    }

    /// Compares the figure as of an instant.
    pub async fn evaluate(
        &self,
        sources: &Sources,
        database: &Database,
        (scheduled_at, zone): (Instant, &TimeZone),
        before: Option<&ConditionState>,
    ) -> Result<Evaluation> {
        let (metric, question) = self.question(sources, "", (scheduled_at, zone))?;
        let unit = unit(metric, &question);
        let bound = self.bound(&unit, "")?;
        let answer = question.answer(database, &sources.catalogue).await?;
        let number = answer.rows.first().and_then(|row| row.values.first().copied().flatten());
        let figure = number.map(|number| number.to_string());
        let (range, now) = (question.range.text(), unit.text(number));
        let subject = format!("{} over {range} was {now}", metric.title);
        let state = |held| ConditionState { figure: figure.clone(), held, last_batch: 0 };
        Ok(match (&self.test, bound) {
            (Test::Threshold { side, each_run, .. }, Some(bound)) => {
                let held = number.is_some_and(|number| side.has(number, bound));
                let did_hold = before.is_some_and(|before| before.held);
                let how = match (held, did_hold) {
                    (true, true) => "still ",
                    (true, false) => "",
                    (false, _) => "not ",
                };
                let side = side.key().replace('_', " ");
                let text = format!("{subject}, {how}{side} {}", unit.text(Some(bound)));
                Evaluation { holds: begins(held, *each_run, before), state: state(held), text }
            }
            _ => {
                let earlier = before.map(|before| &before.figure);
                let has_changed = earlier.is_some_and(|earlier| *earlier != figure);
                let text = match earlier {
                    None => format!("{subject}, and there is no run before to compare with"),
                    Some(_) if !has_changed => format!("{subject}, as at the run before"),
                    Some(earlier) => {
                        let earlier = earlier.as_ref().and_then(|figure| figure.parse().ok());
                        format!("{subject}, and {} at the run before", unit.text(earlier))
                    }
                };
                Evaluation { holds: has_changed, state: state(has_changed), text }
            }
        })
    }
}

/// The unit of the only figure.
fn unit(metric: &Metric, question: &Question) -> Unit {
    let shown = question.show.first().cloned().or_else(|| Aggregation::parse(&metric.aggregate).ok());
    Unit::of(metric, &shown.unwrap_or(Aggregation::Count))
}

fn bound(side: Side, written: Option<toml::Value>) -> std::result::Result<Bound, String> {
    match written {
        // Whole numbers in a file are far below 2^53, where the conversion is exact.
        Some(toml::Value::Integer(number)) => Ok(Bound::Number(number as f64)),
        Some(toml::Value::Float(number)) if number.is_finite() => Ok(Bound::Number(number)),
        Some(toml::Value::String(text)) => Ok(Bound::Duration(text)),
        _ => Err(format!("`{}` is a number, or a duration such as \"2h\"", side.key())),
    }
}
