//! Charts: what each kind of picture holds, and its sketch in a given size.
//!
//! Scales, ticks, colours and the order of series are decided when a chart is made, so that layout is testable without
//! pixels. A sketch has shapes and no format; see [`super::draw`].

pub mod axes;
pub mod bars;
pub mod funnel;
pub mod gauge;
pub mod heatmap;
pub mod lines;
pub mod series;
pub mod timeline;

use super::draw::sketch::Sketch;
use bars::Bars;
use funnel::Funnel;
use gauge::Gauge;
use heatmap::Heatmap;
use lines::Lines;

/// A picture, its scales decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    Lines(Lines),
    Bars(Bars),
    Heatmap(Heatmap),
    Gauge(Gauge),
    Funnel(Funnel),
}

impl Chart {
    /// The chart in a size in CSS pixels.
    #[must_use]
    pub fn sketch(&self, width: f64, height: f64) -> Sketch {
        match self {
            Chart::Lines(lines) => lines.sketch(width, height),
            Chart::Bars(bars) => bars.sketch(width, height),
            Chart::Heatmap(heatmap) => heatmap.sketch(width, height),
            Chart::Gauge(gauge) => gauge.sketch(width, height),
            Chart::Funnel(funnel) => funnel.sketch(width),
        }
    }

    /// The height that suits a width, both in CSS pixels.
    #[must_use]
    pub fn height(&self, width: u32) -> u32 {
        match self {
            Chart::Lines(lines) => lines.height(width),
            Chart::Bars(bars) => bars.height(width),
            Chart::Heatmap(heatmap) => heatmap.height(width),
            Chart::Gauge(gauge) => gauge.height(width),
            Chart::Funnel(funnel) => funnel.height(),
        }
    }

    /// What the chart is, in words, for readers who hear the page.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Chart::Lines(lines) => format!("line chart: {}", series::names(&lines.series)),
            Chart::Bars(bars) => format!("bar chart: {}", series::names(&bars.series)),
            Chart::Heatmap(heatmap) => heatmap.description(),
            Chart::Gauge(gauge) => {
                let (value, target) = (gauge.unit.text(gauge.number), gauge.unit.text(Some(gauge.target)));
                format!("gauge: {} {value}, target {target}, {}", gauge.name, gauge.verdict())
            }
            Chart::Funnel(funnel) => funnel.description(),
        }
    }
}
