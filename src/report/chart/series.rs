//! The data of charts over buckets or groups: their horizontal and vertical axis, and series of numbers.

use crate::metric::unit::Unit;
use crate::report::table::Key;
use crate::report::value::Value;

/// The buckets or groups of a horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories {
    pub key: Key,
    pub values: Vec<Value>,
    /// The positions that carry a label.
    pub ticks: Vec<usize>,
}

impl Categories {
    /// The full names, in order.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|value| self.key.text(value))
    }

    /// The positions that carry a label, each with the text there.
    #[must_use]
    pub fn tick_texts(&self) -> Vec<(usize, String)> {
        let text = |at: &usize| Some((*at, self.key.short_text(self.values.get(*at)?)));
        self.ticks.iter().filter_map(text).collect()
    }
}

/// A vertical axis from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub unit: Unit,
    pub max: f64,
    /// From zero upwards.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// The text at a tick; zero needs no unit.
    #[must_use]
    pub fn tick_text(&self, tick: f64) -> String {
        if tick == 0.0 { "0".to_owned() } else { self.unit.text(Some(tick)) }
    }
}

/// One line, or one colour of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub unit: Unit,
    /// One number for each category; nothing where there is nothing to draw.
    pub numbers: Vec<Option<f64>>,
    pub style: SeriesStyle,
}

impl Series {
    /// The number at a position.
    #[must_use]
    pub fn number(&self, at: usize) -> Option<f64> {
        self.numbers.get(at).copied().flatten()
    }

    /// The numbers in words.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.numbers.iter().map(|number| self.unit.text(*number)).collect()
    }
}

/// A colour of the palette, and the dashes that go with it in print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesStyle {
    /// The n-th colour of the palette.
    Color(usize),
    /// What is compared with: grey, dashed.
    Previous,
    /// The groups that are not shown by name: "other".
    Other,
}

/// The names of series, as a list.
#[must_use]
pub fn names(series: &[Series]) -> String {
    series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ")
}
