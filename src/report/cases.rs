//! The cases behind the numbers of a page: which of them a widget lists, and how many there are.
//!
//! What happened in each listed case is a [`crate::timeline::Timeline`] of the page.

use super::table::Key;
use super::value::Value;
use crate::metric::foremost::Order;
use crate::metric::unit::{Unit, number_text};
use crate::model::time::Instant;

/// Some of the cases behind a widget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseList {
    /// The metrics whose cases are listed, in the order of the widget.
    pub metrics: Vec<ListedMetric>,
    /// The dimensions by which the widget is cut.
    pub dimensions: Vec<Key>,
    /// Metric by metric, in the order of each.
    pub cases: Vec<ListedCase>,
    /// What the commands that list the cases of a row of the widget's table have beside those of the widget, row by row.
    pub of_rows: Vec<Narrowing>,
    /// The same for its columns of numbers, where these are groups.
    pub of_columns: Vec<Narrowing>,
}

/// A metric whose cases are listed.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedMetric {
    pub name: String,
    pub title: String,
    /// Of the values of its contributions.
    pub unit: Unit,
    pub order: Order,
    /// Instants are those from which things are part of a stock, not those at which they count.
    pub is_since: bool,
    /// The cases are those of a stock at the end of the range.
    pub is_stock: bool,
    /// How many cases there are in all.
    pub cases: i64,
}

/// A case, by the contribution of it that comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedCase {
    /// The position of its metric.
    pub metric: usize,
    pub case: String,
    pub at: Instant,
    pub value: Value,
    /// A value for each of the dimensions.
    pub groups: Vec<Value>,
    pub place: Place,
}

/// Where in a widget's table a contribution counts; nothing where that is not one row or one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub row: Option<usize>,
    /// Among the columns of numbers.
    pub column: Option<usize>,
}

/// What makes the commands of a widget list the cases of one part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// The range of its bucket, as it is typed; nothing where that is the whole range.
    pub range: Option<String>,
    /// Its filters, each as a word of a command.
    pub filters: Vec<String>,
    /// Commands in the place of the widget's, where the part is one of its metrics.
    pub commands: Vec<String>,
}

impl Narrowing {
    /// Filters, each as a word of a command.
    #[must_use]
    pub fn filters<const N: usize>(filters: [String; N]) -> Narrowing {
        Narrowing { filters: filters.to_vec(), ..Narrowing::default() }
    }
}

impl CaseList {
    /// How many cases of how many are listed, and which of them are first: `10 of 1,234 cases, the longest first`.
    #[must_use]
    pub fn text(&self) -> String {
        let listed = |position: usize| self.cases.iter().filter(|case| case.metric == position).count();
        match self.metrics.as_slice() {
            [only] => {
                let (shown, all) = (listed(0), only.cases);
                let (first, when) = (only.order_text(), if only.is_stock { " at the end" } else { "" });
                match all {
                    1 => format!("1 case{when}"),
                    _ if i64::try_from(shown) == Ok(all) => {
                        format!("all {} cases{when}, {first}", number_text(all as f64))
                    }
                    _ => format!("{shown} of {} cases{when}, {first}", number_text(all as f64)),
                }
            }
            several => {
                let each = several.iter().enumerate().map(|(position, metric)| {
                    format!("{} {} of {}", metric.title, listed(position), number_text(metric.cases as f64))
                });
                each.collect::<Vec<_>>().join(" · ")
            }
        }
    }
}

impl ListedMetric {
    /// Which cases are first, in words.
    #[must_use]
    pub fn order_text(&self) -> &'static str {
        match (self.order, &self.unit) {
            (Order::Largest, Unit::Duration) => "the longest first",
            (Order::Smallest, Unit::Duration) => "the shortest first",
            (Order::Largest, Unit::Share) => "those with “yes” first",
            (Order::Smallest, Unit::Share) => "those with “no” first",
            (Order::Largest, _) => "the largest first",
            (Order::Smallest, _) => "the smallest first",
            (Order::Latest, _) => "the latest first",
            (Order::Oldest, _) => "the oldest first",
        }
    }
}

impl ListedCase {
    /// The value as people read it: of a share, which is yes or no in one case, the word.
    #[must_use]
    pub fn value_text(&self) -> String {
        match self.value {
            Value::Share(0.0) => "no".to_owned(),
            Value::Share(1.0) => "yes".to_owned(),
            ref other => other.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cases: &[i64], listed: usize, order: Order, unit: Unit) -> CaseList {
        let metric = |(position, cases): (usize, &i64)| ListedMetric {
            name: format!("m{position}"),
            title: format!("M{position}"),
            unit: unit.clone(),
            order,
            is_since: false,
            is_stock: order == Order::Oldest,
            cases: *cases,
        };
        let case = |n: usize| ListedCase {
            metric: n % cases.len(),
            case: format!("C{n}"),
            at: Instant(0),
            value: Value::Count(1.0),
            groups: Vec::new(),
            place: Place::default(),
        };
        CaseList {
            metrics: cases.iter().enumerate().map(metric).collect(),
            cases: (0..listed).map(case).collect(),
            ..CaseList::default()
        }
    }

    #[test]
    fn a_list_names_how_many_there_are_in_all() {
        let count = || Unit::Count("cases".to_owned());
        let texts = [
            list(&[1234], 10, Order::Largest, Unit::Duration),
            list(&[3], 3, Order::Latest, count()),
            list(&[1], 1, Order::Latest, count()),
            list(&[9], 2, Order::Oldest, count()),
            list(&[20, 5], 3, Order::Latest, count()),
        ]
        .map(|list| list.text());
        let expected = [
            "10 of 1,234 cases, the longest first",
            "all 3 cases, the latest first",
            "1 case",
            "2 of 9 cases at the end, the oldest first",
            "M0 2 of 20 · M1 1 of 5",
        ];
        assert_eq!(texts, expected);
    }
}
