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
    /// What the requests for the cases of a row of the widget's table have beside those of the widget, row by row.
    pub of_rows: Vec<Narrowing>,
    /// The same for its columns of numbers, where these are groups.
    pub of_columns: Vec<Narrowing>,
    /// The requests for the cases of each column of numbers, where these are of several metrics; none of what is compared.
    pub of_metrics: Vec<Vec<CasesRequest>>,
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

/// A question whose answer is the list of all cases behind a number: a command, or an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CasesRequest {
    pub metric: String,
    /// As it is typed.
    pub range: String,
    /// The zone in which days begin.
    pub zone: String,
    /// Each as it is typed.
    pub filters: Vec<String>,
    /// The dimensions that are listed beside each case.
    pub by: Vec<String>,
    /// Whether people are shown by pseudonyms.
    pub anonymize: bool,
}

impl CasesRequest {
    /// The command that lists the cases.
    #[must_use]
    pub fn command(&self) -> String {
        let CasesRequest { metric, range, zone, filters, by, anonymize } = self;
        let filters: String = filters.iter().map(|filter| format!(" --where {}", quoted(filter))).collect();
        let by: String = by.iter().map(|name| format!(" --by {}", quoted(name))).collect();
        let people = if *anonymize { " --anonymize" } else { "" };
        format!("casebook metric {metric} --range {range} --tz {zone}{filters}{by}{people} --cases")
    }
}

/// A word, in quotes where a shell needs them.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._=@-".contains(letter);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What makes the requests of a widget list the cases of one part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// The range of its bucket, as it is typed; nothing where that is the whole range.
    pub range: Option<String>,
    /// Its filters, each as it is typed.
    pub filters: Vec<String>,
    /// Requests in the place of the widget's, where the part is one of its metrics.
    pub requests: Vec<CasesRequest>,
}

impl Narrowing {
    /// Filters, each as it is typed.
    #[must_use]
    pub fn filters<const N: usize>(filters: [String; N]) -> Narrowing {
        Narrowing { filters: filters.to_vec(), ..Narrowing::default() }
    }

    /// Those of some requests, of the part.
    #[must_use]
    pub fn of(&self, requests: &[CasesRequest]) -> Vec<CasesRequest> {
        let Narrowing { range, filters, requests: own } = self;
        let narrowed = |request: &CasesRequest| {
            let mut request = request.clone();
            request.range = range.clone().unwrap_or(request.range);
            request.filters.extend(filters.iter().cloned());
            request
        };
        if own.is_empty() { requests } else { own }.iter().map(narrowed).collect()
    }
}

impl CaseList {
    /// The requests for the cases of a row and a column of numbers of the widget's table, given those of the widget; of a row alone
    /// without a column. Nothing where there is no such part, and where the number is one of another range.
    #[must_use]
    pub fn requests(&self, all: &[CasesRequest], row: usize, column: Option<usize>) -> Vec<CasesRequest> {
        let Some(of_row) = self.of_rows.get(row) else { return Vec::new() };
        let Some(column) = column else { return of_row.of(all) };
        match (self.of_columns.get(column), self.of_metrics.get(column)) {
            (Some(of_column), _) => of_column.of(&of_row.of(all)),
            (None, Some(of_metric)) => of_row.of(of_metric),
            // Of one metric the first number is the one of the range itself.
            (None, None) if column == 0 => of_row.of(all),
            (None, None) => Vec::new(),
        }
    }

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
    fn words_that_a_shell_would_split_or_expand_are_quoted() {
        let words =
            ["platform=email", "customer=", "agent@now=a-b", "field.size=very large", "agent=O'Neil"].map(quoted);
        let expected =
            ["platform=email", "customer=", "agent@now=a-b", "'field.size=very large'", r"'agent=O'\''Neil'"];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_part_has_its_range_and_filters_beside_those_of_the_widget() {
        let widget = CasesRequest {
            metric: "created_cases".to_owned(),
            range: "2026-05".to_owned(),
            zone: "UTC".to_owned(),
            filters: vec!["platform=email".to_owned()],
            ..CasesRequest::default()
        };
        let mut part = Narrowing::filters(["priority=high".to_owned()]);
        part.range = Some("2026-05-02".to_owned());
        let [of_part] = part.of(std::slice::from_ref(&widget)).try_into().unwrap();
        assert_eq!(
            (of_part.range.as_str(), of_part.filters),
            ("2026-05-02", vec!["platform=email".to_owned(), "priority=high".to_owned()])
        );
        let other = CasesRequest { metric: "reopenings".to_owned(), ..widget.clone() };
        let own = Narrowing { requests: vec![other.clone()], ..Narrowing::default() };
        assert_eq!(own.of(&[widget]), [other]);
    }

    #[test]
    fn a_number_of_another_range_has_no_cases_of_this_one() {
        let all = [CasesRequest { metric: "created_cases".to_owned(), ..CasesRequest::default() }];
        let mut list = CaseList { of_rows: vec![Narrowing::default()], ..CaseList::default() };
        assert_eq!((list.requests(&all, 0, None).len(), list.requests(&all, 0, Some(0)).len()), (1, 1));
        assert_eq!((list.requests(&all, 0, Some(1)).len(), list.requests(&all, 1, None).len()), (0, 0));
        list.of_metrics = vec![all.to_vec(), Vec::new()];
        assert_eq!((list.requests(&all, 0, Some(0)).len(), list.requests(&all, 0, Some(1)).len()), (1, 0));
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
