//! Counts one below the other, each a bar as wide as its part of the first.

use super::axes::LABEL;
use crate::metric::unit::{Unit, number_text};
use crate::report::draw::sketch::{Anchor, Area, Face, Sketch, count, whole};
use crate::report::draw::text_layout::{shortened, width};
use crate::report::palette::{self, GRID, TEXT};

/// Counts in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Funnel {
    pub stages: Vec<Stage>,
}

/// One count.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub name: String,
    pub number: f64,
}

const NAME: Face = Face::plain(13.0, TEXT);
const NUMBER: Face = Face::bold(14.0, TEXT);
const ROW: f64 = 56.0;
const BAR_HEIGHT: f64 = 24.0;

impl Funnel {
    /// The part that a stage is of the first; nothing where the first is 0.
    #[must_use]
    pub fn of_first(&self, position: usize) -> Option<f64> {
        let first = self.stages.first()?.number;
        let number = self.stages.get(position)?.number;
        (first > 0.0).then(|| number / first)
    }

    /// A row for each stage: its name, its number, and a bar around the middle.
    #[must_use]
    pub fn sketch(&self, wide: f64) -> Sketch {
        let mut sketch = Sketch::default();
        // A stage can be larger than the first: the metrics are any counts.
        let largest = self.stages.iter().map(|stage| stage.number).fold(0.0, f64::max);
        for (position, stage) in self.stages.iter().enumerate() {
            let top = ROW * count(position);
            let part = self.of_first(position).filter(|_| position > 0);
            let part = part.map(|part| format!("  {}", Unit::Share.text(Some(part)))).unwrap_or_default();
            let number = number_text(stage.number);
            let of_number = width(&number, NUMBER);
            let of_part = width(&part, LABEL);
            sketch.text(wide - of_part, top + 15.0, &number, NUMBER, Anchor::End);
            sketch.text(wide, top + 15.0, &part, LABEL, Anchor::End);
            let name = shortened(&stage.name, NAME, (wide - of_number - of_part - 16.0).max(40.0));
            sketch.text(0.0, top + 15.0, &name, NAME, Anchor::Start);
            let bar = |width: f64| Area { left: (wide - width) / 2.0, top: top + 22.0, width, height: BAR_HEIGHT };
            sketch.rect(bar(wide), GRID);
            if stage.number > 0.0 && largest > 0.0 {
                sketch.rect(bar((stage.number / largest * wide).max(1.0)), palette::series(0));
            }
            let area = Area { left: 0.0, top, width: wide, height: 22.0 + BAR_HEIGHT };
            sketch.tooltip(area, &format!("{}\n{number}{part}", stage.name));
        }
        sketch
    }

    /// The height, whatever the width.
    #[must_use]
    pub fn height(&self) -> u32 {
        whole(ROW * count(self.stages.len()) - 8.0)
    }

    /// What the chart is, in words.
    #[must_use]
    pub fn description(&self) -> String {
        let stages = self.stages.iter().map(|stage| format!("{} {}", stage.name, number_text(stage.number)));
        format!("funnel: {}", stages.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_a_part_of_the_first() {
        let stage = |number| Stage { name: String::new(), number };
        let funnel = Funnel { stages: vec![stage(4.0), stage(3.0), stage(5.0)] };
        assert_eq!([0, 1, 2, 3].map(|position| funnel.of_first(position)), [Some(1.0), Some(0.75), Some(1.25), None]);
        assert_eq!(Funnel { stages: vec![stage(0.0), stage(3.0)] }.of_first(1), None);
    }
}
