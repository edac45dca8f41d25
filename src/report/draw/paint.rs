//! From a sketch to SVG text or pixels. Only this file names plotters.
//!
//! Both outputs run through one painter, generic over plotters' backend, on a finer grid than the page, because
//! plotters counts in whole units: SVG is drawn in tenths of a pixel, and a bitmap at twice its final size and then
//! averaged, which smooths the edges that plotters draws jagged.

use std::fmt::Write;

use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, DrawingArea, DrawingBackend, FontDesc, FontFamily, FontStyle, FontTransform,
    IntoDrawingArea, PathElement, Polygon, RGBAColor, Rectangle, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::png;
use super::sketch::{Anchor, Face, Point, Shape, Sketch, Tooltip};
use super::text_layout;
use crate::error::Error;
use crate::report::palette::Rgb;

/// Why a picture was not drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The drawing library refused.
    #[error("cannot draw the picture: {0}")]
    Backend(String),
    /// The picture would not fit in memory.
    #[error("a picture of {width} by {height} dots is too large; ask for SVG or HTML, or for fewer widgets")]
    TooLarge { width: u32, height: u32 },
    /// The font that is part of the program could not be read.
    #[error("cannot read the font inside the program")]
    Font,
}

impl From<DrawError> for Error {
    fn from(error: DrawError) -> Error {
        Error::refused(format!("the page cannot be drawn: {error}"))
    }
}

/// Units of plotters in a CSS pixel of an SVG.
const SVG_SCALE: f64 = 10.0;
/// Units of plotters in a CSS pixel of a bitmap: two for the file, and each of those is averaged from two.
const BITMAP_SCALE: f64 = 4.0;
/// A bitmap is refused beyond this many pixels before averaging (about two gigabytes).
const BITMAP_PIXELS_MAX: u64 = 700_000_000;

/// The sketch as an SVG document, which can also be put inside HTML.
///
/// # Errors
/// When plotters cannot draw.
pub fn svg(sketch: &Sketch, width: f64, height: f64, label: &str) -> Result<String, DrawError> {
    let mut drawn = String::new();
    let size = (units(width, SVG_SCALE).unsigned_abs(), units(height, SVG_SCALE).unsigned_abs());
    {
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        paint(sketch, &area, SVG_SCALE, Letters::Text)?;
        area.present().map_err(refused)?;
    }
    // Plotters writes the opening tag on a line of its own; this one has the width of the picture and its description.
    let shapes = drawn.split_once(">\n").map_or(drawn.as_str(), |(_, rest)| rest);
    let shapes = shapes.trim_end().trim_end_matches("</svg>");
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" \
         aria-label=\"{}\" stroke-linejoin=\"round\">\n",
        size.0,
        size.1,
        width.round(),
        height.round(),
        escaped(label),
    );
    // Quotation marks inside text are escaped, so these can only be attributes.
    text.push_str(&shapes.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", ""));
    text.push_str(&tooltips(&sketch.tooltips));
    text.push_str("</svg>\n");
    Ok(text)
}

/// Invisible rectangles that show their text when pointed at.
fn tooltips(tooltips: &[Tooltip]) -> String {
    if tooltips.is_empty() {
        return String::new();
    }
    let mut text = String::from("<g class=\"spots\" fill=\"#1B2633\" fill-opacity=\"0\">\n");
    for Tooltip { area, text: title } in tooltips {
        let (x, y) = (units(area.left, SVG_SCALE), units(area.top, SVG_SCALE));
        let (width, height) = (units(area.width, SVG_SCALE), units(area.height, SVG_SCALE));
        let title = escaped(title);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{title}</title></rect>"
        );
    }
    text.push_str("</g>\n");
    text
}

/// Text for HTML and XML, in elements and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}

/// The sketch as a PNG file, two dots for a CSS pixel.
///
/// # Errors
/// When the picture is too large, or plotters or the encoder fails.
pub fn bitmap(sketch: &Sketch, width: f64, height: f64) -> Result<Vec<u8>, DrawError> {
    let size = (even(units(width, BITMAP_SCALE)), even(units(height, BITMAP_SCALE)));
    let pixels = u64::from(size.0) * u64::from(size.1);
    if pixels > BITMAP_PIXELS_MAX {
        return Err(DrawError::TooLarge { width: size.0 / 2, height: size.1 / 2 });
    }
    let len = usize::try_from(pixels * 3).map_err(|_| DrawError::TooLarge { width: size.0, height: size.1 })?;
    let mut fine = vec![u8::MAX; len];
    {
        let backend = BitMapBackend::with_buffer(&mut fine, size);
        let area = backend.into_drawing_area();
        paint(sketch, &area, BITMAP_SCALE, Letters::Pixels)?;
        area.present().map_err(refused)?;
    }
    let halved = halved(&fine, usize::try_from(size.0).unwrap_or_default());
    png::encode(&halved, size.0 / 2, size.1 / 2).map_err(|error| DrawError::Backend(error.to_string()))
}

fn even(length: i32) -> u32 {
    length.unsigned_abs().next_multiple_of(2).max(2)
}

/// Every four pixels averaged into one.
fn halved(fine: &[u8], width: usize) -> Vec<u8> {
    let row_len = width * 3;
    let mut pixels = Vec::with_capacity(fine.len() / 4);
    for rows in fine.chunks_exact((row_len * 2).max(1)) {
        let (upper, lower) = rows.split_at(row_len);
        for (above, below) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            let sums = above.iter().zip(below).map(|(a, b)| u16::from(*a) + u16::from(*b));
            let sums: Vec<u16> = sums.collect();
            let (left, right) = sums.split_at(3);
            pixels.extend(left.iter().zip(right).map(|(a, b)| u8::try_from((a + b + 2) / 4).unwrap_or(u8::MAX)));
        }
    }
    pixels
}

/// How text is drawn: by the viewer's fonts, or as pixels of the font that is part of the program.
#[derive(Clone, Copy)]
enum Letters {
    Text,
    Pixels,
}

type Canvas<DB> = DrawingArea<DB, Shift>;

fn paint<DB: DrawingBackend>(
    sketch: &Sketch,
    canvas: &Canvas<DB>,
    scale: f64,
    letters: Letters,
) -> Result<(), DrawError> {
    sketch.shapes.iter().try_for_each(|shape| paint_shape(shape, canvas, scale, letters))
}

fn paint_shape<DB: DrawingBackend>(
    shape: &Shape,
    canvas: &Canvas<DB>,
    scale: f64,
    letters: Letters,
) -> Result<(), DrawError> {
    let position = |at: &Point| (units(at.x, scale), units(at.y, scale));
    match shape {
        Shape::Rect { area, fill } => {
            let corners = [(area.left, area.top), (area.right(), area.bottom())];
            let corners = corners.map(|(x, y)| (units(x, scale), units(y, scale)));
            canvas.draw(&Rectangle::new(corners, filled(*fill, 1.0))).map_err(refused)
        }
        Shape::Polygon { points, fill, opacity } => {
            let points: Vec<_> = points.iter().map(position).collect();
            canvas.draw(&Polygon::new(points, filled(*fill, *opacity))).map_err(refused)
        }
        Shape::Path { points, pen } => {
            let points: Vec<_> = points.iter().map(position).collect();
            let stroke_width = units(pen.width, scale).unsigned_abs();
            let style = ShapeStyle { color: color(pen.color, 1.0), filled: false, stroke_width };
            canvas.draw(&PathElement::new(points, style)).map_err(refused)
        }
        Shape::Circle { center, radius, fill } => {
            canvas.draw(&Circle::new(position(center), units(*radius, scale), filled(*fill, 1.0))).map_err(refused)
        }
        Shape::Text { at, text, face, anchor, turned } => match letters {
            Letters::Text => write_text(canvas, scale, *at, text, *face, *anchor, *turned),
            Letters::Pixels => draw_text(canvas, scale, *at, text, *face, *anchor, *turned),
        },
    }
}

/// Text as text: the viewer's font decides its glyphs, the anchor its position.
fn write_text<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    scale: f64,
    at: Point,
    text: &str,
    face: Face,
    anchor: Anchor,
    turned: bool,
) -> Result<(), DrawError> {
    // Plotters writes `size / 1.24` as the font size, and sets text that hangs from its top 0.76 em lower.
    let rise = face.size * 0.76;
    let (x, y) = if turned { (at.x - rise, at.y) } else { (at.x, at.y - rise) };
    let style = if face.bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = FontDesc::new(FontFamily::Name(text_layout::FAMILY), face.size * scale * 1.24, style);
    let font = if turned { font.transform(FontTransform::Rotate270) } else { font };
    let side = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let ink = color(face.color, 1.0);
    let style = TextStyle::from(font).color(&ink).pos(Pos::new(side, VPos::Top));
    canvas.draw_text(text, &style, (units(x, scale), units(y, scale))).map_err(refused)
}

/// Text as pixels of the font that is part of the program.
fn draw_text<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    scale: f64,
    at: Point,
    text: &str,
    face: Face,
    anchor: Anchor,
    turned: bool,
) -> Result<(), DrawError> {
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => text_layout::width(text, face) / 2.0,
        Anchor::End => text_layout::width(text, face),
    };
    let start = if turned { (at.x, at.y + before) } else { (at.x - before, at.y) };
    let (left, base) = (units(start.0, scale), units(start.1, scale));
    let (width, height) = canvas.dim_in_pixel();
    let inside =
        |(x, y): (i32, i32)| u32::try_from(x).is_ok_and(|x| x < width) && u32::try_from(y).is_ok_and(|y| y < height);
    let drawn = text_layout::rasterize(text, face.bold, face.size * scale, |x, y, coverage| {
        let pixel = if turned { (left + y, base - x) } else { (left + x, base + y) };
        if !inside(pixel) {
            return Ok(());
        }
        canvas.draw_pixel(pixel, &color(face.color, f64::from(coverage.min(1.0)))).map_err(refused)
    });
    drawn.unwrap_or(Err(DrawError::Font))
}

fn filled(fill: Rgb, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: color(fill, opacity), filled: true, stroke_width: 1 }
}

fn color(Rgb(red, green, blue): Rgb, opacity: f64) -> RGBAColor {
    RGBAColor(red, green, blue, opacity)
}

#[expect(clippy::cast_possible_truncation, reason = "a page is far below two thousand million units, a cast saturates")]
fn units(length: f64, scale: f64) -> i32 {
    (length * scale).round() as i32
}

fn refused(error: impl std::fmt::Display) -> DrawError {
    DrawError::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::draw::sketch::Area;
    use crate::report::palette::TEXT;

    fn words() -> Sketch {
        let mut sketch = Sketch::default();
        sketch.text(10.0, 20.0, "<b>\"Ann\" & Bob</b>", Face::plain(12.0, TEXT), Anchor::Start);
        sketch.tooltip(Area { left: 0.0, top: 0.0, width: 9.0, height: 9.0 }, "1 < 2");
        sketch
    }

    #[test]
    fn text_is_escaped() {
        let text = svg(&words(), 200.0, 40.0, "a \"b\"").unwrap();
        assert!(text.contains("&lt;b&gt;&quot;Ann&quot; &amp; Bob&lt;/b&gt;"), "{text}");
        assert!(text.contains("<title>1 &lt; 2</title>"), "{text}");
        assert!(text.contains("aria-label=\"a &quot;b&quot;\""), "{text}");
    }

    #[test]
    fn letters_become_dark_pixels() {
        let fine = bitmap(&words(), 200.0, 40.0).unwrap();
        let blank = bitmap(&Sketch::default(), 200.0, 40.0).unwrap();
        assert!(fine.len() > blank.len());
    }

    #[test]
    fn a_picture_that_is_too_large_is_refused() {
        assert!(matches!(bitmap(&Sketch::default(), 1e5, 1e5), Err(DrawError::TooLarge { .. })));
    }
}
