//! Which contributions a question is about: `DIM=VALUE`, `DIM=A,B`, `DIM!=VALUE`, `DIM>=VALUE`, `DIM=A..B`.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use jiff::tz::TimeZone;

use super::dimension::Dimension;
use super::dimension::kinds::ValueKind;
use super::interval;
use super::interval::{Interval, Scale};
use crate::error::{Error, Result};
use crate::query::database::Database;

/// Only contributions whose value of a dimension is one of some, or none of them, or in an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub dimension: Dimension,
    operator: Operator,
    /// As typed, each once. None: what has no value.
    values: Vec<Option<String>>,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Operator {
    const ALL: [Operator; 6] =
        [Operator::Is, Operator::IsNot, Operator::Less, Operator::AtMost, Operator::More, Operator::AtLeast];

    fn sign(self) -> &'static str {
        match self {
            Operator::Is => "=",
            Operator::IsNot => "!=",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
        }
    }

    /// Whether it needs an order.
    fn compares(self) -> bool {
        !matches!(self, Operator::Is | Operator::IsNot)
    }
}

/// How a filter is written, for messages.
const SYNTAX: &str = "write `DIM=VALUE`, such as `platform=email`; `DIM=A,B` for one of several (`\\,` is a comma of a value), `DIM!=VALUE` for all \
                      others, `DIM=` for what has no value; `DIM>=VALUE` (or `>`, `<`, `<=`; a shell needs quotes) and `DIM=A..B` (to before B) for what has an order";

/// The parts of a filter as it is typed: name, operator, value.
fn parts(text: &str) -> Option<(&str, Operator, &str)> {
    let at = text.find(['=', '<', '>'])?;
    let (name, rest) = text.split_at_checked(at)?;
    if let Some((name, rest)) = name.strip_suffix('!').zip(rest.strip_prefix('=')) {
        return Some((name.trim(), Operator::IsNot, rest));
    }
    // `>=` before `>`.
    let signs =
        Operator::ALL.into_iter().rev().filter_map(|operator| Some((operator, rest.strip_prefix(operator.sign())?)));
    let (operator, value) = signs.max_by_key(|(operator, _)| operator.sign().len())?;
    Some((name.trim(), operator, value))
}

impl Filter {
    /// Reads a filter that is written at that place. A comma within a value is written `\,`.
    ///
    /// # Errors
    /// When there is no operator or no such dimension, or the dimension cannot have one of the values or be compared with it.
    pub fn parse(place: &str, text: &str) -> Result<Filter> {
        let (name, operator, typed) = parts(text)
            .ok_or_else(|| Error::invalid(place, format!("the filter `{text}` has no `=`")).with_hint(SYNTAX))?;
        let dimension = Dimension::parse_filtered(name).map_err(|error| error.at(place))?.written_at(place);
        let mut values: Vec<Option<String>> = Vec::new();
        for value in split(typed) {
            let value = Some(value.trim()).filter(|value| !value.is_empty());
            let value = value.map(str::to_owned);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let filter = Filter { dimension, operator, values };
        if operator.compares() {
            filter.check_comparison()?;
        } else {
            filter.values().try_for_each(|value| filter.dimension.check_value(value))?;
        }
        Ok(filter)
    }

    /// Whether a value of the dimension can be compared with the one that was typed.
    fn check_comparison(&self) -> Result<()> {
        let (name, sign) = (&self.dimension.name, self.operator.sign());
        let invalid = |message: String| Error::invalid(&self.dimension.place, message);
        let Some(scale) = self.scale() else {
            let hint = match self.dimension.value_kind() {
                ValueKind::OneOf(names) => format!("name the values, such as `{name}={}`", names.join(",")),
                _ => format!("name the values, such as `{name}=A,B`"),
            };
            return Err(invalid(format!("`{name}` has no order, so nothing is `{sign}` a value of it")).with_hint(hint));
        };
        match self.values.as_slice() {
            [Some(value)] if !value.contains("..") => self.dimension.check_interval(scale, value),
            _ => Err(invalid(format!("`{name}{sign}` compares with one value"))
                .with_hint(format!("such as `{name}{}`", scale.about().1))),
        }
    }

    /// What the values are compared by; nothing where they are texts that are equal or not.
    #[must_use]
    pub fn scale(&self) -> Option<Scale> {
        match (self.dimension.scale(), self.dimension.field()) {
            (Some(scale), _) => Some(scale),
            (None, Some(_)) if self.operator.compares() => {
                let is_number = self.values().all(|value| interval::number(value).is_some());
                Some(if is_number { Scale::FieldNumber } else { Scale::FieldDay })
            }
            _ => None,
        }
    }

    /// Whether what it filters by is a time in milliseconds, or a number, decides whether a value may be a duration.
    ///
    /// # Errors
    /// When a value is a number and should be a duration, or the other way round.
    pub(super) fn check_measure(&self, metric: &str, is_time: bool) -> Result<()> {
        let fits = |part: &str| match (interval::measured_ms(part), interval::number(part)) {
            (Some(_), _) => is_time,
            (None, number) => !is_time || number == Some(0.0),
        };
        let Some(wrong) = self.values().find(|value| !value.split("..").all(|part| fits(part.trim()))) else {
            return Ok(());
        };
        let (kind, example) = if is_time { ("a time", "4h` or `value<1h 30m") } else { ("a number", "2") };
        let message = format!("the value of `{metric}` is {kind}; found `{wrong}`");
        Err(Error::invalid(&self.dimension.place, message).with_hint(format!("such as `value>={example}`")))
    }

    /// The values that are typed, without that of what has none.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flatten().map(String::as_str)
    }

    /// Whether an answer may have rows although a value is misspelled: with several values, and without some.
    #[must_use]
    pub fn hides_a_misspelled_value(&self) -> bool {
        self.scale().is_none() && (self.operator == Operator::IsNot || self.values.len() > 1)
    }

    /// The filter by the values that the tables of a database show for those that were typed.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn shown(mut self, database: &Database) -> Result<Filter> {
        let Some(named) = self.dimension.named().filter(|_| self.scale().is_none()) else { return Ok(self) };
        let mut values = Vec::new();
        for value in &self.values {
            values.push(match value {
                Some(typed) => Some(database.shown_value(&named, typed).await?),
                None => None,
            });
        }
        self.values = values;
        Ok(self)
    }

    /// The filter as it can be typed again.
    #[must_use]
    pub fn text(&self) -> String {
        let values: Vec<String> =
            self.values.iter().map(|value| escaped(value.as_deref().unwrap_or_default())).collect();
        format!("{}{}{}", self.dimension.name, self.operator.sign(), values.join(","))
    }

    /// The filter for readers: `platform = email or x`, `platform is not email`, `created_at >= 2026-05-01`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let values: Vec<&str> = self.values.iter().map(|value| value.as_deref().unwrap_or("none")).collect();
        let (is, between) = match (self.operator, values.len()) {
            (Operator::IsNot, 0 | 1) => ("is not", ""),
            (Operator::IsNot, _) => ("is neither", " nor "),
            (operator, _) => (operator.sign(), " or "),
        };
        format!("{} {is} {}", self.dimension.name, values.join(between))
    }

    /// The intervals of the scale that pass, or those that do not where the filter is negated.
    fn intervals(&self, scale: Scale, zone: &TimeZone) -> Vec<Interval> {
        // A text that is no value of the scale is in no interval of it.
        let typed = self.values().filter_map(|value| scale.interval(value, zone).ok());
        let passing = |interval: Interval| match self.operator {
            Operator::Is | Operator::IsNot => interval,
            Operator::Less => interval.below(),
            Operator::AtMost => interval.up_to(),
            Operator::More => interval.above(),
            Operator::AtLeast => interval.at_least(),
        };
        typed.map(passing).collect()
    }

    /// Whether nothing can pass both filters. `has_several`: a case may have several values of the dimension at once.
    #[must_use]
    pub(super) fn excludes(&self, other: &Filter, has_several: bool, zone: &TimeZone) -> bool {
        if self.dimension.name != other.dimension.name {
            return false;
        }
        let negated = (self.operator == Operator::IsNot, other.operator == Operator::IsNot);
        let (has_none, may_have_none) = (self.values.contains(&None), other.values.contains(&None));
        if let Some(scale) = self.scale().or_else(|| other.scale()) {
            let (own, others) = (self.intervals(scale, zone), other.intervals(scale, zone));
            let within = |some: &[Interval], all: &[Interval]| {
                some.iter().all(|interval| all.iter().any(|other| interval.is_within(other)))
            };
            return match negated {
                (false, false) => {
                    let meet = own.iter().any(|interval| others.iter().any(|other| interval.meets(other)));
                    !(meet || has_none && may_have_none)
                }
                (false, true) => within(&own, &others) && (may_have_none || !has_none),
                (true, false) => within(&others, &own) && (has_none || !may_have_none),
                (true, true) => false,
            };
        }
        let (own, others): (BTreeSet<_>, BTreeSet<_>) = (self.values.iter().collect(), other.values.iter().collect());
        match negated {
            // What has one value may have the other, too, but not what has none.
            (false, false) if has_several => {
                own.is_disjoint(&others) && [&own, &others].iter().any(|values| values.iter().eq([&&None]))
            }
            (false, false) => own.is_disjoint(&others),
            (false, true) => own.is_subset(&others),
            (true, false) => others.is_subset(&own),
            (true, true) => false,
        }
    }

    /// The condition in SQL over the dimension's value, or over the list of its values. `position` is that of the filter in its
    /// question; the values are the parameters of [`Filter::parameters`].
    #[must_use]
    pub(super) fn condition(&self, expression: &str, position: usize, is_list: bool, zone: &TimeZone) -> String {
        let names: Vec<String> = (0..self.values().count()).map(|n| format!("value{position}_{n}")).collect();
        let has_none = self.values.contains(&None);
        let listed = match self.scale() {
            Some(scale) => {
                let operand = scale.operand(expression);
                let intervals = self.intervals(scale, zone);
                let each = intervals.iter().zip(&names).map(|(interval, name)| interval.condition(&operand, name));
                format!("({})", each.collect::<Vec<_>>().join(" OR "))
            }
            None => {
                let values: Vec<String> = names.iter().map(|name| format!("${name}")).collect();
                match is_list {
                    true => format!("array_has_any({expression}, make_array({}))", values.join(", ")),
                    false => format!("{expression} IN ({})", values.join(", ")),
                }
            }
        };
        match (self.operator == Operator::IsNot, names.is_empty(), has_none) {
            (false, true, _) => format!("{expression} IS NULL"),
            (false, false, false) => listed,
            (false, false, true) => format!("({listed} OR {expression} IS NULL)"),
            (true, true, _) => format!("{expression} IS NOT NULL"),
            (true, false, true) => format!("({expression} IS NOT NULL AND NOT {listed})"),
            // What has no value has none of these.
            (true, false, false) => format!("({expression} IS NULL OR NOT {listed})"),
        }
    }

    /// Name and value of each parameter of the condition.
    pub(super) fn parameters(&self, position: usize, zone: &TimeZone) -> Vec<(String, ScalarValue)> {
        let name = |n: usize| format!("value{position}_{n}");
        let Some(scale) = self.scale() else {
            return self.values().enumerate().map(|(n, value)| (name(n), ScalarValue::from(value))).collect();
        };
        let intervals = self.intervals(scale, zone).into_iter().enumerate();
        let ends = intervals.flat_map(|(n, interval)| interval.parameters(&name(n)).collect::<Vec<_>>());
        ends.map(|(name, value)| (name, scale.parameter(value))).collect()
    }
}

/// A value as it is typed: with a backslash before each comma and each backslash.
/// The filter for one value of a dimension, or for what has none, as it is typed.
#[must_use]
pub fn text_of(dimension: &str, value: Option<&str>) -> String {
    format!("{dimension}={}", escaped(value.unwrap_or_default()))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,")
}

/// The values between commas; `\,` is a comma of a value, and `\\` a backslash.
fn split(typed: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut letters = typed.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if matches!(letters.peek(), Some(',' | '\\')) => {
                values.last_mut().into_iter().for_each(|value| value.extend(letters.next()))
            }
            ',' => values.push(String::new()),
            letter => values.last_mut().into_iter().for_each(|value| value.push(letter)),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        Filter::parse("--where", text).unwrap()
    }

    #[test]
    fn a_filter_is_read_and_written_again() {
        for text in [
            "platform=email",
            "platform=email,x",
            "platform!=email",
            "customer=",
            "customer!=,a",
            "field.size=a\\,b,c",
            "field.path=a\\\\,b",
            "created_at>=2026-05-01",
            "value<4h",
            "hour_of_day=9..17,20",
            "first_response_at=",
        ] {
            assert_eq!(filter(text).text(), text);
        }
        assert_eq!(filter("platform = email , x,email").text(), "platform=email,x");
        let words = ["platform=email,x", "platform!=email", "platform!=email,x", "customer="]
            .map(|text| filter(text).in_words());
        assert_eq!(
            words,
            ["platform = email or x", "platform is not email", "platform is neither email nor x", "customer = none"]
        );
        assert_eq!(filter("field.path=a\\\\ ,b").values().collect::<Vec<_>>(), ["a\\", "b"]);
        assert_eq!(filter("field.size=a\\,b,c").values().collect::<Vec<_>>(), ["a,b", "c"]);
        assert_eq!(filter("created_at >= 2026-05").in_words(), "created_at >= 2026-05");
        assert_eq!(filter("field.note=a>b").values().collect::<Vec<_>>(), ["a>b"]);
        assert!(Filter::parse("--where", "status=open,solved").is_err());
    }

    #[test]
    fn filters_that_nothing_passes_are_recognised() {
        let excludes = |one: &str, other: &str| filter(one).excludes(&filter(other), false, &TimeZone::UTC);
        assert!(excludes("status=open", "status=done"));
        assert!(excludes("status=open", "status!=open,new"));
        assert!(!excludes("status=open,new", "status=new"));
        assert!(!excludes("status!=open", "status!=new"));
        assert!(!excludes("hour_of_day=9", "hour_of_day=09"));
        assert!(!excludes("status=open", "priority=low"));
        assert!(excludes("value>5", "value<3") && excludes("value>5", "value<=5") && !excludes("value>=5", "value<=5"));
        assert!(
            excludes("created_at<2026-05", "created_at=2026-05-03")
                && excludes("created_at=2026-05-03", "created_at!=2026-05")
        );
        assert!(
            !excludes("created_at=2026-05", "created_at!=2026-05-03") && !excludes("closed_at=", "closed_at=,2026")
        );
        assert!(excludes("closed_at=", "closed_at>2026") && excludes("hour_of_day>=9", "hour_of_day=3,04"));
        assert!(excludes("field.amount=5", "field.amount>5") && excludes("field.amount=x", "field.amount<5"));
        let both = |one: &str, other: &str| !filter(one).excludes(&filter(other), true, &TimeZone::UTC);
        assert!(both("field.tags=a", "field.tags=b") && both("field.tags=a,", "field.tags=b"));
        assert!(!both("field.tags=", "field.tags=b") && !both("field.tags=a", "field.tags!=a,b"));
    }

    #[test]
    fn what_has_no_value_passes_a_negation() {
        let condition = |text: &str| filter(text).condition("g", 2, false, &TimeZone::UTC);
        assert_eq!(condition("platform=x"), "g IN ($value2_0)");
        assert_eq!(condition("platform=x,"), "(g IN ($value2_0) OR g IS NULL)");
        assert_eq!(condition("platform!=x,y"), "(g IS NULL OR NOT g IN ($value2_0, $value2_1))");
        assert_eq!(condition("platform!="), "g IS NOT NULL");
        let of_list = |text: &str| filter(text).condition("g", 2, true, &TimeZone::UTC);
        assert_eq!(of_list("field.tags!=x"), "(g IS NULL OR NOT array_has_any(g, make_array($value2_0)))");
    }

    #[test]
    fn a_comparison_needs_an_order_and_one_value_of_it() {
        let refused = |text: &str| {
            let error = Filter::parse("--where", text).unwrap_err();
            format!("{error} / {}", error.hint().unwrap())
        };
        let cases = [
            (
                "created_at>=tomorrow",
                "--where: `created_at` has the values days, months and so on, and instants with an offset; found `tomorrow` / \
                 such as `created_at>=2026-05-01`",
            ),
            (
                "messages_received>=4h",
                "--where: `messages_received` has the values numbers; found `4h` / such as `messages_received>=5`",
            ),
            ("value>=1,2", "--where: `value>=` compares with one value / such as `value>=4h`"),
            ("value>", "--where: `value>` compares with one value / such as `value>=4h`"),
            ("value>=1..2", "--where: `value>=` compares with one value / such as `value>=4h`"),
            (
                "priority>medium",
                "--where: `priority` has no order, so nothing is `>` a value of it / \
                 name the values, such as `priority=urgent,high,medium,low`",
            ),
            (
                "customer<c",
                "--where: `customer` has no order, so nothing is `<` a value of it / name the values, such as `customer=A,B`",
            ),
            (
                "value=4h..2h",
                "--where: `value=4h..2h` ends before it begins / `A..B` is from A to before B; `!=B..A` is for all others",
            ),
            (
                "field.amount>=much",
                "--where: `field.amount` has the values numbers or days, where it is compared; found `much` / such as `field.amount>=100`",
            ),
            ("creatd_at>2026", "--where: `creatd_at` is not a dimension / did you mean `created_at`?"),
            ("resolved_at@now>2026", "--where: `resolved_at` is as of the report without `@now` / write `resolved_at`"),
        ];
        for (text, expected) in cases {
            assert_eq!(refused(text), expected, "{text}");
        }
    }
}
