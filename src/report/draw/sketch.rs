//! A drawing before it has pixels: shapes with positions, sizes and colours, in the order in which they are painted.
//!
//! Layout makes sketches and never fails; only `paint` turns one into SVG or pixels. Lengths are CSS pixels, `y`
//! grows downwards.

use crate::report::palette::Rgb;

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    /// The horizontal position of the right edge.
    pub fn right(self) -> f64 {
        self.left + self.width
    }

    /// The vertical position of the lower edge.
    pub fn bottom(self) -> f64 {
        self.top + self.height
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    pub color: Rgb,
    pub width: f64,
    /// Lengths of stroke and space; nothing for an unbroken line.
    pub dash: Option<(f64, f64)>,
}

/// Size, weight and colour of text; the size is that of an em.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    pub size: f64,
    pub bold: bool,
    pub color: Rgb,
}

impl Face {
    /// Letters of regular weight.
    pub const fn plain(size: f64, color: Rgb) -> Face {
        Face { size, bold: false, color }
    }

    /// Bold letters.
    pub const fn bold(size: f64, color: Rgb) -> Face {
        Face { size, bold: true, color }
    }
}

/// Which end of a text is at its position, or its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing to paint.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Rect {
        area: Area,
        fill: Rgb,
    },
    Polygon {
        points: Vec<Point>,
        fill: Rgb,
        opacity: f64,
    },
    Path {
        points: Vec<Point>,
        pen: Pen,
    },
    Circle {
        center: Point,
        radius: f64,
        fill: Rgb,
    },
    /// Text on a baseline; `turned` text runs upwards.
    Text {
        at: Point,
        text: String,
        face: Face,
        anchor: Anchor,
        turned: bool,
    },
}

/// A part of the drawing that shows a text when pointed at.
#[derive(Clone, Debug, PartialEq)]
pub struct Tooltip {
    pub area: Area,
    pub text: String,
}

/// Shapes and the tooltips that explain them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    pub shapes: Vec<Shape>,
    pub tooltips: Vec<Tooltip>,
}

impl Sketch {
    /// A filled rectangle; an empty one is not drawn.
    pub fn rect(&mut self, area: Area, fill: Rgb) {
        if area.width > 0.0 && area.height > 0.0 {
            self.shapes.push(Shape::Rect { area, fill });
        }
    }

    /// A rectangle with round corners.
    pub fn round_rect(&mut self, area: Area, radius: f64, fill: Rgb) {
        self.shapes.push(Shape::Polygon { points: round_corners(area, radius), fill, opacity: 1.0 });
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), pen: Pen) {
        let points = vec![Point { x: from.0, y: from.1 }, Point { x: to.0, y: to.1 }];
        self.path(points, pen);
    }

    /// A line through points; a dashed one is cut into its strokes here, so that every format dashes alike.
    pub fn path(&mut self, points: Vec<Point>, pen: Pen) {
        let Some((stroke, space)) = pen.dash else {
            self.shapes.push(Shape::Path { points, pen });
            return;
        };
        for points in strokes(&points, stroke, space) {
            self.shapes.push(Shape::Path { points, pen });
        }
    }

    /// Text whose baseline starts at a position, ends there or is centred there.
    pub fn text(&mut self, x: f64, y: f64, text: &str, face: Face, anchor: Anchor) {
        self.shapes.push(Shape::Text { at: Point { x, y }, text: printable(text), face, anchor, turned: false });
    }

    /// Text that runs upwards and ends at a position.
    pub fn turned_text(&mut self, x: f64, y: f64, text: &str, face: Face) {
        let text = printable(text);
        self.shapes.push(Shape::Text { at: Point { x, y }, text, face, anchor: Anchor::End, turned: true });
    }

    /// A text that is shown when an area is pointed at.
    pub fn tooltip(&mut self, area: Area, text: &str) {
        self.tooltips.push(Tooltip { area, text: printable_lines(text) });
    }

    /// Adds another sketch, moved.
    pub fn add(&mut self, other: Sketch, dx: f64, dy: f64) {
        self.shapes.extend(other.shapes.into_iter().map(|shape| moved(shape, dx, dy)));
        let tooltips = other.tooltips.into_iter();
        self.tooltips.extend(tooltips.map(|one| Tooltip { area: moved_area(one.area, dx, dy), ..one }));
    }
}

/// A number of things as a length.
pub fn count(things: usize) -> f64 {
    u32::try_from(things).map_or(f64::from(u32::MAX), f64::from)
}

/// The nearest whole number of pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred pixels, never negative")]
pub fn whole(length: f64) -> u32 {
    length.max(0.0).round() as u32
}

fn moved(shape: Shape, dx: f64, dy: f64) -> Shape {
    let shift = |at: Point| Point { x: at.x + dx, y: at.y + dy };
    let shift_all = |points: Vec<Point>| points.into_iter().map(shift).collect();
    match shape {
        Shape::Rect { area, fill } => Shape::Rect { area: moved_area(area, dx, dy), fill },
        Shape::Polygon { points, fill, opacity } => Shape::Polygon { points: shift_all(points), fill, opacity },
        Shape::Path { points, pen } => Shape::Path { points: shift_all(points), pen },
        Shape::Circle { center, radius, fill } => Shape::Circle { center: shift(center), radius, fill },
        Shape::Text { at, text, face, anchor, turned } => Shape::Text { at: shift(at), text, face, anchor, turned },
    }
}

fn moved_area(area: Area, dx: f64, dy: f64) -> Area {
    Area { left: area.left + dx, top: area.top + dy, ..area }
}

fn round_corners(area: Area, radius: f64) -> Vec<Point> {
    let radius = radius.min(area.width / 2.0).min(area.height / 2.0);
    let (left, right) = (area.left + radius, area.right() - radius);
    let (top, bottom) = (area.top + radius, area.bottom() - radius);
    let corners = [(right, bottom, 0.0), (left, bottom, 90.0), (left, top, 180.0), (right, top, 270.0)];
    corners
        .iter()
        .flat_map(|&(x, y, from)| (0..=8).map(move |step| (x, y, from + f64::from(step) * 11.25)))
        .map(|(x, y, degrees): (f64, f64, f64)| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Point { x: x + radius * cos, y: y + radius * sin }
        })
        .collect()
}

/// Cuts a path into strokes of one length with spaces of another between them; corners stay inside their stroke.
fn strokes(points: &[Point], stroke: f64, space: f64) -> Vec<Vec<Point>> {
    let mut done = Vec::new();
    let mut current: Vec<Point> = points.first().copied().into_iter().collect();
    let mut is_stroke = true;
    let mut left = stroke;
    for (from, to) in points.iter().zip(points.iter().skip(1)) {
        let length = (to.x - from.x).hypot(to.y - from.y);
        let mut passed = 0.0;
        while length - passed > left {
            passed += left;
            let share = passed / length;
            let at = Point { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
            if is_stroke {
                current.push(at);
                done.push(std::mem::take(&mut current));
            } else {
                current = vec![at];
            }
            is_stroke = !is_stroke;
            left = if is_stroke { stroke } else { space };
        }
        left -= length - passed;
        if is_stroke {
            current.push(*to);
        }
    }
    if current.len() > 1 {
        done.push(current);
    }
    done
}

/// Text on one line, without characters that XML forbids.
fn printable(text: &str) -> String {
    text.chars().map(|char| if is_forbidden(char) { ' ' } else { char }).collect()
}

fn printable_lines(text: &str) -> String {
    text.chars().map(|char| if char != '\n' && is_forbidden(char) { ' ' } else { char }).collect()
}

fn is_forbidden(char: char) -> bool {
    char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_leave_spaces_and_turn_corners() {
        let corner = [Point { x: 0.0, y: 0.0 }, Point { x: 6.0, y: 0.0 }, Point { x: 6.0, y: 6.0 }];
        let cut = strokes(&corner, 4.0, 1.0);
        let expected = vec![
            vec![Point { x: 0.0, y: 0.0 }, Point { x: 4.0, y: 0.0 }],
            vec![Point { x: 5.0, y: 0.0 }, Point { x: 6.0, y: 0.0 }, Point { x: 6.0, y: 3.0 }],
            vec![Point { x: 6.0, y: 4.0 }, Point { x: 6.0, y: 6.0 }],
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn control_characters_do_not_reach_the_picture() {
        assert_eq!(printable("a\u{0}b\tc\u{fffe}"), "a b c ");
    }
}
