//! What a widget asks, and what its kind of chart allows.

use serde::Deserialize;

use crate::error::Error;
use crate::metric::aggregation::Aggregation;
use crate::metric::compare::Compare;
use crate::metric::dimension::Dimension;
use crate::metric::filter::Filter;
use crate::metric::range::{Grain, Range};

/// Widgets that are shown together; the only tab of a dashboard without tabs has no title.
#[derive(Clone, Debug, PartialEq)]
pub struct TabPlan {
    pub title: Option<String>,
    pub rows: Vec<RowPlan>,
}

/// A line of widgets.
#[derive(Clone, Debug, PartialEq)]
pub struct RowPlan {
    pub title: Option<String>,
    pub widgets: Vec<WidgetPlan>,
}

/// Whether durations are measured on the clock or within business hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    #[default]
    All,
    /// Metrics that have one are replaced by their `_business` metric.
    Business,
}

/// What one widget asks, and how it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct WidgetPlan {
    pub title: String,
    /// File and line, for messages.
    pub place: String,
    pub chart: ChartKind,
    pub metrics: Vec<MetricPlan>,
    pub by: Vec<Dimension>,
    pub grain: Option<Grain>,
    pub compare: Option<Compare>,
    /// Beside those of the dashboard.
    pub filters: Vec<Filter>,
    /// In the unit of the metric: milliseconds for durations.
    pub target: Option<f64>,
    pub width: u32,
    /// Groups that are shown by name; the rest is "other".
    pub top: usize,
}

/// One metric of a widget.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPlan {
    pub metric: String,
    pub title: String,
    pub show: Vec<Aggregation>,
    pub better: Option<Better>,
    /// Beside those of the widget.
    pub filters: Vec<Filter>,
    /// The metric beside which the number is shown, as `x/y`.
    pub of: Option<String>,
}

/// Which way a figure should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Higher,
    Lower,
}

/// A kind of chart: its name in a dashboard's file, and what a widget of this kind may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartKind {
    pub name: &'static str,
    /// What it shows, for the list of kinds in a new project.
    pub about: &'static str,
    pub groups: Groups,
    /// Whether it shows the range that `compare` names.
    pub compares: bool,
    pub several_metrics: bool,
    /// Whether it shows nothing without a target.
    pub needs_target: bool,
    /// Whether a cell is the sum of many instants, which of a stock means nothing.
    pub sums_instants: bool,
    /// The dimensions that the kind itself groups by.
    pub cuts: &'static [&'static str],
    pub buckets: Buckets,
    /// Columns of twelve, where the widget does not state its width.
    pub width: u32,
}

/// Which groups of a dimension a kind of chart shows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    None,
    /// The largest, up to the number that `top` states.
    Top,
    All,
}

/// When a kind of chart cuts the range into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    Never,
    /// Where the widget states a grain.
    OfGrain,
    /// Where it states a grain, or has no groups.
    WithoutGroups,
    Always,
}

impl WidgetPlan {
    /// Whether its numbers are of buckets.
    #[must_use]
    pub fn has_buckets(&self) -> bool {
        match self.chart.buckets {
            Buckets::Never => false,
            Buckets::OfGrain => self.grain.is_some(),
            Buckets::WithoutGroups => self.grain.is_some() || self.by.is_empty(),
            Buckets::Always => true,
        }
    }

    /// The widget's grain, else one that suits the range.
    #[must_use]
    pub fn grain_over(&self, range: &Range) -> Grain {
        self.grain.unwrap_or(match range.days() {
            days if days <= 2 => Grain::Hour,
            days if days <= 92 => Grain::Day,
            days if days <= 731 => Grain::Week,
            _ => Grain::Month,
        })
    }

    /// An error of the widget, at its file and line unless it has one.
    #[must_use]
    pub fn at(&self, error: Error) -> Error {
        let file = self.place.rsplit_once(':').map_or("", |(file, _)| file);
        match error {
            Error::Refused { message, hint } => Error::Invalid { place: self.place.clone(), message, hint },
            Error::Invalid { ref place, .. } if !place.contains(file) => error.at(self.place.as_str()),
            other => other,
        }
    }
}
