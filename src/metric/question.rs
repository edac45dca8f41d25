//! What is asked of a metric.

use datafusion::common::ScalarValue;

use super::aggregation::Aggregation;
use super::dimension::Dimension;
use super::filter::Filter;
use super::header::{Metric, MetricKind};
use super::lists::Lists;
use super::range::{Bucket, Grain, Range, zone_name};
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// What is asked of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub metric: String,
    pub by: Vec<Dimension>,
    pub grain: Option<Grain>,
    pub range: Range,
    pub as_of: Instant,
    /// Empty: what the metric's header names.
    pub show: Vec<Aggregation>,
    pub filters: Vec<Filter>,
}

impl Question {
    /// The question about another range, asked as of that range's end or the present.
    #[must_use]
    pub fn over(&self, range: Range, now: Instant) -> Question {
        let as_of = range.as_of(now);
        Question { range, as_of, ..self.clone() }
    }

    /// Whether the whole is cut into parts: groups or buckets.
    pub(super) fn has_parts(&self) -> bool {
        self.grain.is_some() || !self.by.is_empty()
    }

    /// Dimensions that are shown, then those that are only filtered by.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.by.iter().chain(self.filters.iter().map(|filter| &filter.dimension))
    }

    /// Checks that a metric can be shown as it is asked for, without reading anything.
    ///
    /// # Errors
    /// When it cannot be aggregated like that, or a column would be there twice.
    pub fn check_show(&self, metric: &Metric) -> Result<()> {
        self.shown(metric).map(drop)
    }

    /// The aggregations to show: those that were asked for, else that of the metric's header.
    ///
    /// # Errors
    /// When the metric cannot be aggregated like that, or a column would be there twice.
    pub(super) fn shown(&self, metric: &Metric) -> Result<Vec<Aggregation>> {
        let show = match self.show.is_empty() {
            true => vec![Aggregation::parse(&metric.aggregate)?],
            false => self.show.clone(),
        };
        show.iter().try_for_each(|shown| metric.check_aggregation(shown))?;
        if let Some(grain) = self.grain.filter(|_| show.contains(&Aggregation::PerDay)) {
            let error =
                Error::invalid("aggregation", format!("`per_day` is of the whole range, not of each {}", grain.name()));
            return Err(error.with_hint("leave the grain out, or show `count` by day"));
        }
        let mut names: Vec<&str> = self.by.iter().map(|dimension| dimension.name.as_str()).collect();
        names.extend(show.iter().map(Aggregation::name));
        names.sort_unstable();
        match names.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => {
                let name = pair.first().copied().unwrap_or_default();
                Err(Error::refused(format!("`{name}` is asked for twice")).with_hint("name each column once"))
            }
            None => Ok(show),
        }
    }

    /// Nothing has two values of one dimension unless they are a list, so an answer to such filters would always be empty.
    ///
    /// # Errors
    /// When two filters want different values of one dimension.
    pub(super) fn check_filters(&self, lists: &Lists) -> Result<()> {
        for (position, filter) in self.filters.iter().enumerate() {
            let has_several = filter.dimension.list_rule(lists).is_some();
            if self.filters.iter().take(position).any(|before| before.excludes(filter, has_several, self.range.zone()))
            {
                let name = &filter.dimension.name;
                let error = Error::invalid(&filter.dimension.place, format!("two filters want different `{name}`"));
                return Err(error.with_hint(format!(
                    "nothing passes both; `{name}=A,B` is for one of several values, and `--by {name}` for all"
                )));
            }
        }
        Ok(())
    }

    /// Filters by the value of contributions fit what the metric measures.
    ///
    /// # Errors
    /// When they do not.
    pub(super) fn check_value_filters(&self, metric: &Metric, has_instants: bool) -> Result<()> {
        for filter in self.filters.iter().filter(|filter| filter.dimension.is_value()) {
            let refused =
                |message: String, hint: String| Err(Error::invalid(&filter.dimension.place, message).with_hint(hint));
            if let Some((above, below)) = metric.numerator.as_deref().zip(metric.denominator.as_deref()) {
                let message = format!("`{}` is a ratio, whose contributions have no common `value`", metric.name);
                return refused(message, format!("it is `{above}` divided by `{below}`; ask one of them"));
            }
            if metric.kind == MetricKind::Flow && !has_instants {
                let message = format!("the times of `{}` are cut into buckets, so they have no `value`", metric.name);
                return refused(message, "leave the filter out".to_owned());
            }
            filter.check_measure(&metric.name, metric.unit == "ms")?;
        }
        Ok(())
    }

    /// The instants at which a stock is read: the last millisecond of each bucket that has begun.
    pub(super) fn reads(&self) -> Vec<i64> {
        if self.as_of < self.range.from {
            return Vec::new();
        }
        let last = |end: Instant| end.plus_ms(-1).min(self.range.to.plus_ms(-1)).min(self.as_of).0;
        match self.grain {
            None => vec![last(self.range.to)],
            Some(grain) => {
                let begun = self.range.buckets(grain).into_iter().filter(|bucket| bucket.start <= self.as_of);
                begun.map(|bucket| last(bucket.end)).collect()
            }
        }
    }

    /// The buckets of the range; none without a grain.
    pub(super) fn buckets(&self) -> Vec<Bucket> {
        self.grain.map(|grain| self.range.buckets(grain)).unwrap_or_default()
    }

    /// The end of the range, or of what had elapsed of it by the as-of.
    fn elapsed_until(&self) -> Instant {
        self.as_of.plus_ms(1).min(self.range.to)
    }

    /// Days of the range up to the as-of, of 24 hours each.
    pub(super) fn days(&self) -> f64 {
        self.elapsed_until().0.saturating_sub(self.range.from.0).max(0) as f64 / 86_400_000.0
    }

    /// The buckets of the range up to the as-of, each with its begin and its end; one where there is no grain. They are hours
    /// where the question looks at the hour or the weekday: hours lie within all other buckets.
    pub(super) fn elapsed_buckets(&self) -> Vec<(i64, i64)> {
        let grain = if self.dimensions().any(Dimension::is_of_the_clock) { Some(Grain::Hour) } else { self.grain };
        let buckets: Vec<(Instant, Instant)> = match grain {
            None => vec![(self.range.from, self.range.to)],
            Some(grain) => self.range.buckets(grain).into_iter().map(|bucket| (bucket.start, bucket.end)).collect(),
        };
        let end = self.elapsed_until();
        let elapsed = |(begin, until): (Instant, Instant)| (begin.max(self.range.from).0, until.min(end).0);
        buckets.into_iter().map(elapsed).filter(|(begin, until)| begin < until).collect()
    }

    /// The parameters of a metric's SQL, named as in [`METRIC_PARAMETERS`]. What depends on when a stock is read is read at
    /// `at`.
    pub(super) fn metric_parameters(&self, at: Option<Instant>) -> Vec<(String, ScalarValue)> {
        let at = at.unwrap_or(self.as_of);
        let reads = self.reads();
        let read = |read: Option<&i64>| ScalarValue::TimestampMillisecond(read.copied(), Some("UTC".into()));
        let [from, to, as_of, at] = [self.range.from, self.range.to, self.as_of, at].map(instant_value);
        let instants = [from, to, as_of, at, read(reads.first()), read(reads.last())];
        METRIC_PARAMETERS.map(str::to_owned).into_iter().zip(instants).collect()
    }

    /// The parameters of the SQL that cuts and aggregates contributions.
    pub(super) fn parameters(&self) -> Vec<(String, ScalarValue)> {
        let mut parameters = self.metric_parameters(None);
        parameters.push(("zone".to_owned(), text_value(&zone_name(self.range.zone()))));
        parameters.push(("days".to_owned(), ScalarValue::Float64(Some(self.days()))));
        parameters.extend(
            self.dimensions().enumerate().filter_map(|(position, dimension)| dimension.field_parameter(position)),
        );
        for (position, filter) in self.filters.iter().enumerate() {
            parameters.extend(filter.parameters(position, self.range.zone()));
        }
        parameters
    }
}

impl Metric {
    /// The aggregation by which a number is computed: of an opening and of a closing stock, the one that the header names.
    #[must_use]
    pub fn read_as(&self, aggregation: &Aggregation) -> Aggregation {
        match aggregation {
            Aggregation::Opening | Aggregation::Closing => {
                Aggregation::parse(&self.aggregate).unwrap_or(Aggregation::Count)
            }
            other => other.clone(),
        }
    }

    /// What an aggregation of nothing is: 0 of a count, null of a duration.
    #[must_use]
    pub fn of_nothing(&self, aggregation: &Aggregation) -> Option<f64> {
        self.read_as(aggregation).is_zero_of_nothing(&self.unit).then_some(0.0)
    }

    /// Whether the metric's contributions can be aggregated like that.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check_aggregation(&self, aggregation: &Aggregation) -> Result<()> {
        let name = &self.name;
        let is_ratio = self.kind == MetricKind::Ratio;
        match aggregation {
            Aggregation::Ratio if !is_ratio => Err(Error::invalid("aggregation", format!("`{name}` is not a ratio"))
                .with_hint("only metrics of `kind: ratio` are shown as one")),
            other if is_ratio && *other != Aggregation::Ratio => {
                let side = |side: &Option<String>| side.clone().unwrap_or_default();
                let message = format!("`{name}` is a ratio and cannot be shown as `{}`", other.name());
                let (above, below) = (side(&self.numerator), side(&self.denominator));
                Err(Error::invalid("aggregation", message)
                    .with_hint(format!("it is `{above}` divided by `{below}`; ask one of them")))
            }
            Aggregation::Hours if self.unit != "ms" => {
                let message = format!("`{name}` is not a time, which alone can be shown in `hours`");
                Err(Error::invalid("aggregation", message).with_hint("use `sum`"))
            }
            Aggregation::Opening | Aggregation::Closing if self.kind != MetricKind::Stock => {
                let message = format!("`{name}` is a flow, which has no `{}` stock", aggregation.name());
                Err(Error::invalid("aggregation", message)
                    .with_hint("stocks have one, such as `backlog`; `casebook metric` lists them"))
            }
            Aggregation::PerDay if self.kind == MetricKind::Stock => {
                let message = format!("`{name}` is a stock, which has no number `per_day`");
                Err(Error::invalid("aggregation", message).with_hint("ask it by day: `--grain day`"))
            }
            Aggregation::Share if self.unit == "ms" => {
                let message = format!("`{name}` is a time, which has no `share`");
                Err(Error::invalid("aggregation", message)
                    .with_hint("a share is the mean of zeros and ones; use `mean`"))
            }
            _ => Ok(()),
        }
    }
}

/// The parameters that a metric's SQL may use.
pub const METRIC_PARAMETERS: [&str; 6] = ["from", "to", "as_of", "at", "first_read", "last_read"];

/// An instant as the engine's value.
#[must_use]
pub fn instant_value(instant: Instant) -> ScalarValue {
    ScalarValue::TimestampMillisecond(Some(instant.0), Some("UTC".into()))
}

/// A text as the engine's value.
#[must_use]
pub fn text_value(text: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(text.to_owned()))
}
