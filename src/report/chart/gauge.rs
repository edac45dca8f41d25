//! One number on a scale, with a mark at its target.

use super::axes::LABEL;
use super::series::Axis;
use crate::metric::unit::Unit;
use crate::report::draw::sketch::{Anchor, Area, Face, Pen, Sketch, whole};
use crate::report::draw::text_layout::{shortened, width};
use crate::report::palette::{self, GRID, MUTED, REFERENCE, TEXT};

/// One number on a scale, with a mark at its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    pub name: String,
    pub unit: Unit,
    /// Nothing where nothing was measured.
    pub number: Option<f64>,
    pub target: f64,
    pub scale: Axis,
    /// Whether the target is the most that is wanted, as it is for a time; else it is the least.
    pub lower_is_better: bool,
}

const VALUE: Face = Face::bold(34.0, TEXT);
const NAME: Face = Face::plain(13.0, MUTED);
const MARK: Face = Face::plain(12.0, REFERENCE);
const CHIP: Face = Face::bold(12.5, TEXT);
const BAR_TOP: f64 = 104.0;
const BAR_HEIGHT: f64 = 22.0;
/// The height of the verdict where it is below the number.
const CHIP_ROW: f64 = 34.0;

impl Gauge {
    /// Whether the number is where it is wanted; nothing where nothing was measured.
    #[must_use]
    pub fn is_reached(&self) -> Option<bool> {
        self.number.map(|number| if self.lower_is_better { number <= self.target } else { number >= self.target })
    }

    /// The number against its target, in words.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (self.is_reached(), self.lower_is_better) {
            (None, _) => "nothing measured",
            (Some(true), _) => "target reached",
            (Some(false), true) => "above the target",
            (Some(false), false) => "below the target",
        }
    }

    /// The number, its verdict and the scale below.
    #[must_use]
    pub fn sketch(&self, wide: f64, _height: f64) -> Sketch {
        let mut sketch = Sketch::default();
        sketch.text(0.0, 13.0, &shortened(&self.name, NAME, wide), NAME, Anchor::Start);
        sketch.text(0.0, 56.0, &self.unit.text(self.number), VALUE, Anchor::Start);
        self.chip(&mut sketch, wide);
        let top = self.bar_top(wide);
        let position = |number: f64| (number / self.scale.max).clamp(0.0, 1.0) * wide;
        let bar = |width: f64| Area { left: 0.0, top, width, height: BAR_HEIGHT };
        sketch.round_rect(bar(wide), 4.0, GRID);
        if let Some(number) = self.number.filter(|number| *number > 0.0) {
            let color = if self.is_reached() == Some(true) { palette::series(2) } else { palette::series(5) };
            sketch.round_rect(bar(position(number).max(2.0)), 4.0, color);
        }
        self.target_mark(&mut sketch, position(self.target), wide, top);
        let ends = [
            (0.0, Anchor::Start, self.scale.tick_text(0.0)),
            (wide, Anchor::End, self.scale.tick_text(self.scale.max)),
        ];
        for (at, anchor, text) in ends {
            sketch.text(at, top + BAR_HEIGHT + 18.0, &text, LABEL, anchor);
        }
        sketch
    }

    /// The verdict beside the number, or below it where there is no space.
    fn chip(&self, sketch: &mut Sketch, wide: f64) {
        let (ground, color) = match self.is_reached() {
            Some(true) => palette::BETTER,
            Some(false) => palette::WORSE,
            None => palette::NEUTRAL,
        };
        let (left, top) = if self.has_space_beside(wide) { (self.chip_left(), 34.0) } else { (0.0, 66.0) };
        let width = self.chip_width();
        sketch.round_rect(Area { left, top, width, height: 24.0 }, 12.0, ground);
        sketch.text(left + 10.0, top + 16.5, self.verdict(), Face { color, ..CHIP }, Anchor::Start);
    }

    fn chip_left(&self) -> f64 {
        width(&self.unit.text(self.number), VALUE) + 16.0
    }

    fn chip_width(&self) -> f64 {
        width(self.verdict(), CHIP) + 20.0
    }

    fn has_space_beside(&self, wide: f64) -> bool {
        self.chip_left() + self.chip_width() <= wide
    }

    fn bar_top(&self, wide: f64) -> f64 {
        if self.has_space_beside(wide) { BAR_TOP } else { BAR_TOP + CHIP_ROW }
    }

    fn target_mark(&self, sketch: &mut Sketch, at: f64, wide: f64, top: f64) {
        let pen = Pen { color: REFERENCE, width: 2.0, dash: None };
        let at = at.clamp(1.0, wide - 1.0);
        sketch.line((at, top - 6.0), (at, top + BAR_HEIGHT + 6.0), pen);
        let text = format!("target {}", self.unit.text(Some(self.target)));
        let half = width(&text, MARK) / 2.0;
        let middle = at.clamp(half.min(wide / 2.0), (wide - half).max(wide / 2.0));
        sketch.text(middle, top - 12.0, &text, MARK, Anchor::Middle);
    }

    /// The height that suits a width.
    #[must_use]
    pub fn height(&self, width: u32) -> u32 {
        whole(self.bar_top(f64::from(width)) + BAR_HEIGHT + 30.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::draw::sketch::Shape;
    use crate::report::scale::axis;

    #[test]
    fn the_verdict_is_below_the_number_where_there_is_no_space_beside() {
        let scale = axis(1.0, &Unit::Share);
        let gauge = Gauge {
            name: String::new(),
            unit: Unit::Share,
            number: Some(0.9),
            target: 0.9,
            scale,
            lower_is_better: false,
        };
        let chip_base = |wide: u32| {
            let shapes = gauge.sketch(f64::from(wide), f64::from(gauge.height(wide))).shapes;
            let mut texts = shapes.into_iter().filter_map(|shape| match shape {
                Shape::Text { at, text, .. } => Some((at, text)),
                _ => None,
            });
            texts.find(|(_, text)| text == "target reached").map(|(at, _)| (at.x > 20.0, at.y > 60.0))
        };
        assert_eq!((chip_base(400), gauge.height(400)), (Some((true, false)), 156));
        assert_eq!((chip_base(220), gauge.height(220)), (Some((false, true)), 190));
    }

    #[test]
    fn a_time_is_wanted_below_its_target_and_a_share_above() {
        let gauge = |number, target, unit: Unit, lower_is_better| {
            let scale = axis(1.0, &unit);
            Gauge { name: String::new(), unit, number, target, scale, lower_is_better }.verdict()
        };
        assert_eq!(gauge(Some(3_600_000.0), 3_600_000.0, Unit::Duration, true), "target reached");
        assert_eq!(gauge(Some(3_600_001.0), 3_600_000.0, Unit::Duration, true), "above the target");
        assert_eq!(gauge(Some(0.89), 0.9, Unit::Share, false), "below the target");
        assert_eq!(gauge(None, 0.9, Unit::Share, false), "nothing measured");
    }
}
