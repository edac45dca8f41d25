//! Answers a question by going through all contributions, group by group.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::definitions::{Reading, Side, definition};
use super::dimension::values_of;
use super::known::{Contribution, Known};

/// A range and the instant as of which it is reported.
#[derive(Clone, Debug)]
pub struct Asked {
    pub from: i64,
    pub to: i64,
    pub as_of: i64,
    pub zone: TimeZone,
}

/// How an answer is cut and aggregated.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    pub by: Vec<String>,
    /// `day` or `week`.
    pub grain: Option<&'static str>,
    pub show: Vec<&'static str>,
    /// A dimension and the value that it must have.
    pub filter: Option<(&'static str, String)>,
    /// Whether the contributions are listed, too.
    pub is_listed: bool,
}

/// The bucket that a row belongs to, and its value of each dimension.
pub type Group = (Option<i64>, Vec<Option<String>>);

/// What is shown of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    pub values: Vec<Option<f64>>,
    pub contributions: i64,
    pub cases: i64,
}

impl Asked {
    /// The first instant of each bucket of the calendar that touches the range, and of the one after it.
    pub fn buckets(&self, grain: Option<&str>) -> Vec<(i64, i64)> {
        let Some(grain) = grain else { return vec![(self.from, self.to)] };
        let start = |date: Date| {
            let midnight = date.to_zoned(self.zone.clone()).expect("a date of our time");
            midnight.timestamp().as_millisecond()
        };
        let at = jiff::Timestamp::from_millisecond(self.from).expect("an instant");
        let mut date = self.zone.to_datetime(at).date();
        if grain == "week" {
            date = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
        }
        let mut buckets = Vec::new();
        while start(date) < self.to {
            let next = date.saturating_add(if grain == "week" { 7.days() } else { 1.day() });
            buckets.push((start(date), start(next)));
            date = next;
        }
        buckets
    }

    /// The end of what the report knows of the range.
    fn known_until(&self) -> i64 {
        self.to.min(self.as_of + 1)
    }
}

/// The contributions of a metric in the range.
pub fn contributions(known: &Known, asked: &Asked, reading: Reading, grain: Option<&str>) -> Vec<Contribution> {
    if asked.as_of < asked.from {
        return Vec::new();
    }
    match reading {
        Reading::Flow(read) => {
            let all = read(known, asked).into_iter();
            all.filter(|contribution| asked.from <= contribution.at && contribution.at < asked.known_until()).collect()
        }
        Reading::Stock(read) => {
            let begun = asked.buckets(grain).into_iter().filter(|(start, _)| *start <= asked.as_of);
            let instants = begun.map(|(_, end)| end.min(asked.known_until()) - 1);
            instants.flat_map(|at| read(&known.then(at), at)).collect()
        }
        Reading::Time(read) => {
            let mut instants: Vec<i64> = known.world.events.iter().map(|event| event.time).collect();
            instants.extend(asked.buckets(grain).into_iter().flat_map(|(start, end)| [start, end]));
            instants.extend([asked.from, asked.known_until()]);
            instants.retain(|instant| asked.from <= *instant && *instant <= asked.known_until());
            instants.sort_unstable();
            instants.dedup();
            instants.windows(2).flat_map(|pair| read(known, pair[0], pair[1])).collect()
        }
        Reading::Ratio(..) => Vec::new(),
    }
}

/// The contributions that pass the filter.
pub fn passing(known: &Known, asked: &Asked, reading: Reading, cut: &Cut) -> Vec<Contribution> {
    let mut passing = contributions(known, asked, reading, cut.grain);
    if let Some((dimension, value)) = &cut.filter {
        passing.retain(|contribution| values_of(known, asked, contribution, dimension).contains(&Some(value.clone())));
    }
    passing
}

/// The groups in which a contribution counts: several where it has several values of a dimension.
pub fn groups_of(known: &Known, asked: &Asked, contribution: &Contribution, cut: &Cut) -> Vec<Vec<Option<String>>> {
    let mut groups = vec![Vec::new()];
    for dimension in &cut.by {
        let values = values_of(known, asked, contribution, dimension);
        let with = |group: &Vec<Option<String>>| {
            values.iter().map(|value| [group.as_slice(), std::slice::from_ref(value)].concat()).collect::<Vec<_>>()
        };
        groups = groups.iter().flat_map(with).collect();
    }
    groups
}

/// The answer to a question about a metric, by group.
pub fn answer(known: &Known, asked: &Asked, metric: &str, cut: &Cut) -> BTreeMap<Group, Numbers> {
    let reading = definition(metric).1;
    if let Reading::Ratio(numerator, denominator) = reading {
        return ratio(known, asked, numerator, denominator, cut);
    }
    // Capacity is the only sum of things; the others are of time.
    let nothing = (metric == "capacity").then_some(0.0);
    let buckets = asked.buckets(cut.grain);
    let mut groups: BTreeMap<Group, Vec<Contribution>> = BTreeMap::new();
    for contribution in passing(known, asked, reading, cut) {
        let bucket = buckets.iter().find(|(start, end)| *start <= contribution.at && contribution.at < *end);
        let bucket = bucket.filter(|_| cut.grain.is_some()).map(|(start, _)| *start);
        for group in groups_of(known, asked, &contribution, cut) {
            groups.entry((bucket, group)).or_default().push(contribution.clone());
        }
    }
    let mut cut_groups: BTreeSet<Vec<Option<String>>> = groups.keys().map(|group| group.1.clone()).collect();
    if cut.by.is_empty() {
        cut_groups.insert(Vec::new());
    }
    let starts: Vec<Option<i64>> = match cut.grain {
        Some(_) => buckets.iter().map(|(start, _)| Some(*start)).collect(),
        None => vec![None],
    };
    for start in starts {
        for group in &cut_groups {
            groups.entry((start, group.clone())).or_default();
        }
    }
    groups.into_iter().map(|(group, all)| (group.clone(), numbers(asked, &group, &all, cut, nothing))).collect()
}

/// The numbers of one group; those of what has not begun by the as-of are not known.
fn numbers(asked: &Asked, group: &Group, all: &[Contribution], cut: &Cut, nothing: Option<f64>) -> Numbers {
    let counted: Vec<&Contribution> = all.iter().filter(|contribution| contribution.excluded.is_none()).collect();
    let has_begun = group.0.unwrap_or(asked.from).max(asked.from) <= asked.as_of;
    let value = |shown: &&str| aggregate(shown, &counted, asked, nothing).filter(|_| has_begun);
    let cases: BTreeSet<&String> = counted.iter().filter_map(|contribution| contribution.case_id.as_ref()).collect();
    Numbers {
        values: cut.show.iter().map(value).collect(),
        contributions: counted.len() as i64,
        cases: cases.len() as i64,
    }
}

/// One number of contributions (5.1); `nothing` is the sum of none.
fn aggregate(shown: &str, counted: &[&Contribution], asked: &Asked, nothing: Option<f64>) -> Option<f64> {
    let mut values: Vec<f64> = counted.iter().filter_map(|contribution| contribution.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    let keys: BTreeSet<&String> = counted.iter().filter_map(|contribution| contribution.key.as_ref()).collect();
    let count = if keys.is_empty() { counted.len() } else { keys.len() } as f64;
    let sum = values.iter().sum::<f64>();
    match shown {
        "count" => Some(count),
        "per_day" => Some(count / ((asked.known_until() - asked.from) as f64 / 86_400_000.0)),
        "sum" if values.is_empty() => nothing,
        _ if values.is_empty() => None,
        "per_key" => Some(values.len() as f64 / keys.len() as f64),
        "sum" => Some(sum),
        "hours" => Some(sum / 3_600_000.0),
        "mean" | "share" => Some(sum / values.len() as f64),
        "median" => Some(percentile(&values, 0.5)),
        "p90" => Some(percentile(&values, 0.9)),
        other => panic!("no plain aggregation `{other}`"),
    }
}

/// Linear between the two nearest ranks.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let rank = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    below + (above - below) * rank.fract()
}

/// Each group's numerator by its denominator.
fn ratio(known: &Known, asked: &Asked, numerator: Side, denominator: Side, cut: &Cut) -> BTreeMap<Group, Numbers> {
    let of = |side: Side| {
        let grain = cut.grain.filter(|_| !side.is_at_end);
        answer(known, asked, side.metric, &Cut { grain, show: vec![side.shown], ..cut.clone() })
    };
    let (above, below) = (of(numerator), of(denominator));
    let groups: BTreeSet<&Group> = above.keys().chain(below.keys()).collect();
    let number = |side: &BTreeMap<Group, Numbers>, group: &Group| side.get(group).and_then(|numbers| numbers.values[0]);
    let divided = |group: &Group| {
        let divisor = number(&below, group).filter(|divisor| *divisor != 0.0);
        let values = vec![number(&above, group).zip(divisor).map(|(above, below)| above / below)];
        (group.clone(), Numbers { values, contributions: 0, cases: 0 })
    };
    groups.into_iter().map(divided).collect()
}
