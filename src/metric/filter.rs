//! Which contributions a question is about: `DIM=VALUE`, `DIM=A,B`, `DIM!=VALUE`.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

use super::dimension::Dimension;
use crate::error::{Error, Result};

/// Only contributions whose value of a dimension is one of some, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub dimension: Dimension,
    /// As typed, each once; [`Dimension::value`] spells them as the dimension does. None: what has no value.
    values: Vec<Option<String>>,
    is_negated: bool,
}

/// How a filter is written, for messages.
const SYNTAX: &str = "write `DIM=VALUE`, such as `platform=email`; `DIM=A,B` for one of several (`\\,` is a comma of a value), `DIM!=VALUE` for all \
                      others, `DIM=` for what has no value";

impl Filter {
    /// Reads a filter that is written at that place. A comma within a value is written `\,`.
    ///
    /// # Errors
    /// When there is no `=` or no such dimension, or the dimension cannot have one of the values.
    pub fn parse(place: &str, text: &str) -> Result<Filter> {
        let (name, typed) = text
            .split_once('=')
            .ok_or_else(|| Error::invalid(place, format!("the filter `{text}` has no `=`")).with_hint(SYNTAX))?;
        let (name, is_negated) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        let dimension = Dimension::parse(name.trim())?.written_at(place);
        let mut values: Vec<Option<String>> = Vec::new();
        for value in split(typed) {
            let value = Some(value.trim()).filter(|value| !value.is_empty());
            value.map_or(Ok(()), |value| dimension.check_value(value))?;
            let value = value.map(str::to_owned);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Filter { dimension, values, is_negated })
    }

    /// The values that are typed, without that of what has none.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flatten().map(String::as_str)
    }

    /// Whether an answer may have rows although a value is misspelled: with several values, and without some.
    #[must_use]
    pub fn hides_a_misspelled_value(&self) -> bool {
        self.is_negated || self.values.len() > 1
    }

    /// The filter as it can be typed again.
    #[must_use]
    pub fn text(&self) -> String {
        let values: Vec<String> =
            self.values.iter().map(|value| escaped(value.as_deref().unwrap_or_default())).collect();
        format!("{}{}{}", self.dimension.name, if self.is_negated { "!=" } else { "=" }, values.join(","))
    }

    /// The filter for readers: `platform = email or x`, `platform is not email`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let values: Vec<&str> = self.values.iter().map(|value| value.as_deref().unwrap_or("none")).collect();
        let (is, between) = match (self.is_negated, values.len()) {
            (true, 0 | 1) => ("is not", ""),
            (true, _) => ("is neither", " nor "),
            (false, _) => ("=", " or "),
        };
        format!("{} {is} {}", self.dimension.name, values.join(between))
    }

    /// Whether nothing can pass both filters. `has_several`: a case may have several values of the dimension at once.
    #[must_use]
    pub(super) fn excludes(&self, other: &Filter, has_several: bool) -> bool {
        let spelled = |filter: &Filter| -> BTreeSet<Option<String>> {
            let value =
                |value: &Option<String>| value.as_deref().map(|value| filter.dimension.value(value).to_string());
            filter.values.iter().map(value).collect()
        };
        if self.dimension.name != other.dimension.name {
            return false;
        }
        let (own, others) = (spelled(self), spelled(other));
        match (self.is_negated, other.is_negated) {
            // What has one value may have the other, too, but not what has none.
            (false, false) if has_several => {
                own.is_disjoint(&others) && [&own, &others].iter().any(|values| values.iter().eq([&None]))
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
    pub(super) fn condition(&self, expression: &str, position: usize, is_list: bool) -> String {
        let names: Vec<String> = (0..self.values().count()).map(|n| format!("$value{position}_{n}")).collect();
        let has_none = self.values.contains(&None);
        let listed = match is_list {
            true => format!("array_has_any({expression}, make_array({}))", names.join(", ")),
            false => format!("{expression} IN ({})", names.join(", ")),
        };
        match (self.is_negated, names.is_empty(), has_none) {
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
    pub(super) fn parameters(&self, position: usize) -> impl Iterator<Item = (String, ScalarValue)> {
        self.values().enumerate().map(move |(n, value)| (format!("value{position}_{n}"), self.dimension.value(value)))
    }
}

/// A value as it is typed: with a backslash before each comma and each backslash.
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
        assert!(Filter::parse("--where", "status=open,solved").is_err());
    }

    #[test]
    fn filters_that_nothing_passes_are_recognised() {
        let excludes = |one: &str, other: &str| filter(one).excludes(&filter(other), false);
        assert!(excludes("status=open", "status=done"));
        assert!(excludes("status=open", "status!=open,new"));
        assert!(!excludes("status=open,new", "status=new"));
        assert!(!excludes("status!=open", "status!=new"));
        assert!(!excludes("hour_of_day=9", "hour_of_day=09"));
        assert!(!excludes("status=open", "priority=low"));
        let both = |one: &str, other: &str| !filter(one).excludes(&filter(other), true);
        assert!(both("field.tags=a", "field.tags=b") && both("field.tags=a,", "field.tags=b"));
        assert!(!both("field.tags=", "field.tags=b") && !both("field.tags=a", "field.tags!=a,b"));
    }

    #[test]
    fn what_has_no_value_passes_a_negation() {
        let condition = |text: &str| filter(text).condition("g", 2, false);
        assert_eq!(condition("platform=x"), "g IN ($value2_0)");
        assert_eq!(condition("platform=x,"), "(g IN ($value2_0) OR g IS NULL)");
        assert_eq!(condition("platform!=x,y"), "(g IS NULL OR NOT g IN ($value2_0, $value2_1))");
        assert_eq!(condition("platform!="), "g IS NOT NULL");
        let of_list = |text: &str| filter(text).condition("g", 2, true);
        assert_eq!(of_list("field.tags!=x"), "(g IS NULL OR NOT array_has_any(g, make_array($value2_0)))");
    }
}
