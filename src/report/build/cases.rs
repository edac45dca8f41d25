//! Which cases a widget lists: the first of all, and of each large part of the widget at least one.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Cut, Parts};
use super::request::{Built, Request};
use crate::metric::filter::Filter;
use crate::metric::foremost::{CaseName, Foremost, ForemostCase, ForemostOfGroup, Order};
use crate::metric::header::MetricKind;
use crate::metric::unit::Unit;
use crate::report::cases::{CaseList, ListedCase, ListedMetric, Place};
use crate::report::value::Value;

/// What a widget may list, until the ids of its cases are known.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Without cases.
    list: CaseList,
    cases: Vec<Candidate>,
    /// The ways in which the widget is cut, each with how many contributions its parts have.
    cuts: Vec<(Cut, BTreeMap<Place, i64>)>,
}

/// A case that may be listed.
#[derive(Debug)]
struct Candidate {
    first: ForemostCase,
    metric: usize,
    groups: Vec<Value>,
    place: Place,
}

impl Candidates {
    /// Those of a widget.
    pub fn of(request: &Request<'_>, built: &Built) -> Candidates {
        let table = &built.widget.table;
        let mut candidates = Candidates::default();
        if request.sources.cases == 0 {
            return candidates;
        }
        let parts = Parts { request, table };
        candidates.cuts = parts.cuts().into_iter().map(|cut| (cut, BTreeMap::new())).collect();
        candidates.list.dimensions = parts.dimensions();
        candidates.list.of_rows = parts.of_rows();
        candidates.list.of_columns = parts.of_columns();
        candidates.list.of_metrics = parts.of_metrics();
        let mut known = BTreeSet::new();
        for (position, (metric, foremost)) in request.plan.metrics.iter().zip(&built.foremost).enumerate() {
            let filters: Vec<String> = request.filters(metric).map(Filter::text).collect();
            for foremost in foremost.iter().filter(|foremost| foremost.cases > 0) {
                // Columns of one metric have the same cases; figures are parts of their own.
                let part = parts.are_metrics().then_some(position);
                if known.insert((foremost.metric.name.clone(), filters.clone(), part)) {
                    let is_side = foremost.metric.name != metric.metric;
                    let title = if is_side { &foremost.metric.title } else { &metric.title };
                    candidates.add(&parts, position, foremost, title);
                }
            }
        }
        candidates
    }

    fn add(&mut self, parts: &Parts<'_>, position: usize, foremost: &Foremost, title: &str) {
        let metric = self.list.metrics.len();
        for of_group in &foremost.groups {
            let ForemostOfGroup { bucket, group, contributions, cases } = of_group;
            let groups: Vec<Value> =
                group.iter().map(|value| value.clone().map_or(Value::Missing, Value::Text)).collect();
            for (rank, first) in cases.iter().enumerate() {
                let place = parts.place(position, *bucket, &groups, first.value);
                for (cut, sizes) in self.cuts.iter_mut().filter(|_| rank == 0) {
                    *sizes.entry(cut.part(place)).or_default() += contributions;
                }
                let groups = groups.iter().take(self.list.dimensions.len()).cloned().collect();
                self.cases.push(Candidate { first: first.clone(), metric, groups, place });
            }
        }
        let Foremost { metric, order, is_since, cases, .. } = foremost;
        // The values of a score that is shown as a share, such as −1 of a detractor, are no parts of one.
        let is_share = metric.unit == "share" && metric.aggregate == "share";
        let unit = match metric.unit.as_str() {
            "ms" => Unit::Duration,
            "share" if is_share => Unit::Share,
            other => Unit::Count(other.to_owned()),
        };
        let (name, title) = (metric.name.clone(), title.to_owned());
        let (order, is_since, cases) = (*order, *is_since, *cases);
        let is_stock = metric.kind == MetricKind::Stock;
        self.list.metrics.push(ListedMetric { name, title, unit, order, is_since, is_stock, cases });
    }

    /// The numbers of the cases.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.cases.iter().filter_map(|candidate| match candidate.first.case {
            CaseName::Number(number) => Some(number),
            CaseName::Id(_) => None,
        })
    }

    /// The list, of at most as many cases as are wanted. `ids` has the ids of the numbers.
    pub fn choose(self, ids: &HashMap<u64, String>, wanted: usize) -> CaseList {
        let Candidates { mut list, cases, cuts } = self;
        let named = |candidate: Candidate| {
            let Candidate { first, metric, groups, place } = candidate;
            let case = match first.case {
                CaseName::Id(id) => id,
                CaseName::Number(number) => ids.get(&number)?.clone(),
            };
            let value = Value::of(Some(first.value), &list.metrics.get(metric)?.unit);
            let case = ListedCase { metric, case, at: first.at, value, groups, place };
            Some(Ranked { keys: first.keys, case })
        };
        let mut ranked: Vec<Ranked> = cases.into_iter().filter_map(named).collect();
        ranked.sort_by(Ranked::order);
        let is_by_value = list.metrics.iter().any(|metric| matches!(metric.order, Order::Largest | Order::Smallest));
        let chosen = Choice::new(&ranked, list.metrics.len(), wanted).made(&cuts, is_by_value);
        let of_list = ranked.into_iter().enumerate().filter(|(at, _)| chosen.contains(at));
        list.cases = of_list.map(|(_, ranked)| ranked.case).collect();
        list
    }
}

/// A case that may be listed, and what it is compared by.
#[derive(Debug)]
struct Ranked {
    keys: [f64; 2],
    case: ListedCase,
}

impl Ranked {
    fn order(&self, other: &Ranked) -> Ordering {
        let keys = self.keys.iter().zip(other.keys).map(|(one, other)| other.total_cmp(one));
        let keys = keys.fold(Ordering::Equal, Ordering::then);
        let (one, other) = (&self.case, &other.case);
        one.metric.cmp(&other.metric).then(keys).then_with(|| (&one.case, one.place).cmp(&(&other.case, other.place)))
    }
}

/// Cases that are being chosen.
struct Choice<'c> {
    ranked: &'c [Ranked],
    metrics: usize,
    wanted: usize,
    /// The metric and the id of each case that has been chosen.
    known: HashSet<(usize, &'c str)>,
    /// The positions of the chosen ones.
    chosen: BTreeSet<usize>,
}

impl<'c> Choice<'c> {
    fn new(ranked: &'c [Ranked], metrics: usize, wanted: usize) -> Choice<'c> {
        Choice { ranked, metrics, wanted, known: HashSet::new(), chosen: BTreeSet::new() }
    }

    /// The positions of the cases that are listed. Of groups the largest have one of their own, as many as fit; of buckets and cells,
    /// too, but where cases are in the order of their values, half of the list is for the first of all.
    fn made(mut self, cuts: &[(Cut, BTreeMap<Place, i64>)], is_by_value: bool) -> BTreeSet<usize> {
        for (cut, sizes) in cuts.iter().filter(|(_, sizes)| sizes.len() > 1) {
            let left = self.wanted.saturating_sub(self.chosen.len());
            let until = if is_by_value && !cut.is_of_groups() { self.wanted - left.div_ceil(2) } else { self.wanted };
            for queue in self.queues(*cut, sizes) {
                let is_covered = queue.iter().any(|at| self.chosen.contains(at));
                if !is_covered && self.chosen.len() < until && !self.take_first(&queue) {
                    // Its cases are listed for other parts already.
                    self.chosen.extend(queue.first());
                }
            }
        }
        // Numbers of several metrics have no common order.
        let queues = match cuts.first().filter(|_| self.metrics > 1) {
            Some((cut, sizes)) => self.queues(*cut, sizes),
            None => vec![(0..self.ranked.len()).collect()],
        };
        let mut is_done = false;
        while !is_done {
            is_done = true;
            for queue in &queues {
                if self.chosen.len() < self.wanted && self.take_first(queue) {
                    is_done = false;
                }
            }
        }
        self.chosen
    }

    /// The cases of each part, the largest part first: of each metric the first, then of each the second, and so on.
    fn queues(&self, cut: Cut, sizes: &BTreeMap<Place, i64>) -> Vec<Vec<usize>> {
        let mut of_parts: BTreeMap<Place, Vec<Vec<usize>>> = BTreeMap::new();
        for (at, Ranked { case, .. }) in self.ranked.iter().enumerate() {
            let of_metrics = of_parts.entry(cut.part(case.place)).or_insert_with(|| vec![Vec::new(); self.metrics]);
            if let Some(own) = of_metrics.get_mut(case.metric) {
                own.push(at);
            }
        }
        let mut parts: Vec<(Place, Vec<Vec<usize>>)> = of_parts.into_iter().collect();
        parts.sort_by_key(|(part, _)| (Reverse(sizes.get(part).copied()), *part));
        let turns = |(_, of_metrics): (Place, Vec<Vec<usize>>)| {
            let longest = of_metrics.iter().map(Vec::len).max().unwrap_or(0);
            (0..longest).flat_map(|turn| of_metrics.iter().filter_map(move |own| own.get(turn).copied())).collect()
        };
        parts.into_iter().map(turns).collect()
    }

    /// Chooses the first of those whose case has not been chosen; whether there is one.
    fn take_first(&mut self, queue: &[usize]) -> bool {
        let ranked = self.ranked;
        let is_new = |at: &&usize| {
            ranked.get(**at).is_some_and(|ranked| self.known.insert((ranked.case.metric, ranked.case.case.as_str())))
        };
        let first = queue.iter().find(is_new).copied();
        first.is_some_and(|at| self.chosen.insert(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Instant;

    /// Cases with their value, the row and the column in which they count, of which the larger values come first.
    fn chosen(cases: &[(&str, f64, usize, usize)], order: Order, cuts: &[Cut], wanted: usize) -> String {
        let cuts = cuts.iter().map(|cut| (*cut, BTreeMap::new())).collect();
        let mut candidates = Candidates { cuts, ..Candidates::default() };
        let (name, title, unit) = ("m".to_owned(), "M".to_owned(), Unit::Duration);
        candidates.list.metrics.push(ListedMetric {
            name,
            title,
            unit,
            order,
            is_since: false,
            is_stock: false,
            cases: 9,
        });
        for (id, value, row, column) in cases {
            let place = Place { row: Some(*row), column: Some(*column) };
            let case = CaseName::Id((*id).to_owned());
            let first = ForemostCase { case, keys: [*value, 0.0], value: *value, at: Instant(0) };
            candidates.cases.push(Candidate { first, metric: 0, groups: Vec::new(), place });
            for (cut, sizes) in &mut candidates.cuts {
                *sizes.entry(cut.part(place)).or_default() += 1;
            }
        }
        let list = candidates.choose(&HashMap::new(), wanted);
        list.cases.iter().map(|case| case.case.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_come_first_and_large_parts_have_one_of_their_own() {
        let cases = [
            ("a", 9.0, 0, 0),
            ("b", 8.0, 0, 0),
            ("c", 7.0, 0, 0),
            ("d", 2.0, 1, 0),
            ("e", 1.0, 1, 0),
            ("f", 0.5, 2, 0),
        ];
        let of = |order, cuts: &[Cut], wanted| chosen(&cases, order, cuts, wanted);
        assert_eq!(of(Order::Largest, &[], 3), "a b c");
        assert_eq!(of(Order::Largest, &[Cut::Groups], 3), "a d f");
        // Half of the list is for the first of all; where they are only the latest, each bucket has one.
        assert_eq!(of(Order::Largest, &[Cut::Buckets], 4), "a b c d");
        assert_eq!(of(Order::Latest, &[Cut::Buckets], 4), "a b d f");
        assert_eq!(of(Order::Largest, &[Cut::Groups], 99), "a b c d e f");
    }

    #[test]
    fn groups_come_before_buckets_and_a_bucket_that_has_a_case_needs_no_other() {
        let cases = [("a", 9.0, 0, 0), ("b", 8.0, 0, 1), ("c", 7.0, 0, 0), ("d", 2.0, 1, 0), ("e", 1.0, 2, 0)];
        let both = [Cut::Columns, Cut::Buckets];
        assert_eq!(chosen(&cases, Order::Latest, &both, 2), "a b");
        assert_eq!(chosen(&cases, Order::Latest, &both, 4), "a b d e");
    }

    #[test]
    fn equal_cases_are_in_the_order_of_their_ids_and_listed_once() {
        let cases = [("b", 1.0, 0, 0), ("a", 1.0, 0, 0), ("c", 1.0, 1, 0), ("a", 1.0, 1, 0)];
        assert_eq!(chosen(&cases, Order::Largest, &[], 9), "a b c");
        // The only case of the second part is listed for the first already.
        let cases = [("b", 3.0, 0, 0), ("a", 2.0, 0, 0), ("b", 3.0, 1, 0)];
        assert_eq!(chosen(&cases, Order::Largest, &[Cut::Groups], 2), "b b");
    }
}
