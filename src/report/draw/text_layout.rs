//! Text: how wide it is, how it is broken or shortened, and how its glyphs become pixels.
//!
//! Widths are those of the fonts that are part of the program, so layout is the same on every machine. `DejaVu Sans` is a
//! wide face: a reader's own font in an HTML page nearly always needs less space. The glyphs are positioned here and not by
//! plotters (0.3.7), which drops the space left of each glyph.

use ab_glyph::{Font, PxScale, point};
use unicode_width::UnicodeWidthChar;

use super::fonts::Letter;
use super::sketch::{Face, count};

/// The families a viewer of an SVG file should look for.
pub const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Width of one line of text.
pub fn width(text: &str, face: Face) -> f64 {
    let mut ems = Some(0.0);
    for beginning in beginnings(text, face.bold) {
        ems = beginning.map(|beginning| beginning.ems);
    }
    ems.unwrap_or(count(text.chars().count()) * 0.6) * face.size
}

/// The text, or its beginning and an ellipsis where it would be wider.
pub fn shortened(text: &str, face: Face, width_max: f64) -> String {
    if width(text, face) <= width_max {
        return text.to_owned();
    }
    let all: Vec<Beginning> = beginnings(text, face.bold).flatten().collect();
    let fits = |beginning: &&Beginning| {
        let ems = Letter::new('…', face.bold).map(|ellipsis| beginning.ems + ellipsis.ems_after(Some(beginning.last)));
        ems.is_some_and(|ems| ems * face.size <= width_max)
    };
    // Longest first; no space is before the ellipsis.
    let shorter = all.iter().rev().skip(1).filter(|beginning| !beginning.text.ends_with(char::is_whitespace));
    let kept = shorter.into_iter().find(fits).map_or("", |beginning| beginning.text);
    format!("{kept}…")
}

/// The beginning of a text.
struct Beginning<'t> {
    text: &'t str,
    ems: f64,
    last: Letter,
}

/// The beginnings of a text, up to each of its letters; nothing in the place of those that cannot be measured because the fonts
/// cannot be read, which would be a defect.
fn beginnings(text: &str, is_bold: bool) -> impl Iterator<Item = Option<Beginning<'_>>> {
    let (mut before, mut ems) = (None, 0.0);
    text.char_indices().map(move |(at, char)| {
        let last = Letter::new(char, is_bold)?;
        ems += last.ems_after(before);
        before = Some(last);
        Some(Beginning { text: text.get(..at + char.len_utf8())?, ems, last })
    })
}

/// The text in lines that fit; a word that is wider than a line is shortened. A name such as `first_response` may go on
/// in the next line after its `_`, and a line may end after and before each letter of Chinese, Japanese or Korean.
pub fn wrapped(text: &str, face: Face, width_max: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        for (position, part) in parts(word).into_iter().enumerate() {
            let space = if position > 0 || line.is_empty() { "" } else { " " };
            let longer = format!("{line}{space}{part}");
            if width(&longer, face) <= width_max || line.is_empty() {
                line = longer;
            } else {
                lines.push(std::mem::replace(&mut line, part.to_owned()));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.into_iter().map(|line| shortened(&line, face, width_max)).collect()
}

/// Whether a letter takes the space of two, as those of Chinese, Japanese and Korean do.
fn is_wide(char: char) -> bool {
    char.width() == Some(2)
}

/// The parts of a word between which a line may end.
fn parts(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut before) = (0, None);
    for (position, char) in word.char_indices() {
        let may_end = before.is_some_and(|before| before == '_' || is_wide(before) || is_wide(char));
        if may_end {
            parts.extend(word.get(begin..position));
            begin = position;
        }
        before = Some(char);
    }
    parts.extend(word.get(begin..));
    parts
}

/// The text in at most that many lines; what does not fit is shortened on the last.
pub fn wrapped_to(text: &str, face: Face, width_max: f64, lines_max: usize) -> Vec<String> {
    let lines = wrapped(text, face, width_max);
    if lines.len() <= lines_max {
        return lines;
    }
    let kept = lines_max.saturating_sub(1);
    let rest = lines.iter().skip(kept).fold(String::new(), |rest, line| {
        let space = if rest.is_empty() || rest.ends_with(|end| end == '_' || is_wide(end)) { "" } else { " " };
        rest + space + line
    });
    lines.iter().take(kept).cloned().chain([shortened(&rest, face, width_max)]).collect()
}

/// Calls `dot` for every pixel that text covers, with its coverage, the baseline starting at `(0, 0)`.
///
/// Returns whether the font could be read.
pub fn rasterize<E>(
    text: &str,
    bold: bool,
    em: f64,
    mut dot: impl FnMut(i32, i32, f32) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let em = narrow(em);
    let mut pen = 0.0;
    let mut before = None;
    for char in text.chars() {
        let letter = Letter::new(char, bold)?;
        pen += letter.kern(before) * em;
        before = Some(letter);
        let scale = PxScale::from(em / letter.units * letter.font.height_unscaled());
        let placed = letter.glyph.with_scale_and_position(scale, point(pen, 0.0));
        if let Some(outline) = letter.font.outline_glyph(placed) {
            let (left, top) = (whole(outline.px_bounds().min.x), whole(outline.px_bounds().min.y));
            let mut result = Ok(());
            outline.draw(|x, y, coverage| {
                if result.is_ok() && coverage > 0.0 {
                    result = dot(offset(left, x), offset(top, y), coverage);
                }
            });
            if result.is_err() {
                return Some(result);
            }
        }
        pen += letter.advance() * em;
    }
    Some(Ok(()))
}

fn offset(from: i32, by: u32) -> i32 {
    from.saturating_add_unsigned(by)
}

#[expect(clippy::cast_possible_truncation, reason = "glyphs are placed in single precision by the rasterizer")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_possible_truncation, reason = "already whole, and a cast saturates")]
fn whole(value: f32) -> i32 {
    value as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::palette::TEXT;

    const FACE: Face = Face::plain(10.0, TEXT);

    #[test]
    fn widths_are_those_of_the_font() {
        // In this font every figure is 1303 of 2048 units wide.
        assert!((width("0123", FACE) - 4.0 * 13.03 * 10.0 / 20.48).abs() < 1e-3);
    }

    #[test]
    fn long_text_is_shortened_or_broken() {
        let width_max = width("first response", FACE);
        assert_eq!(
            wrapped("first response time by platform", FACE, width_max),
            ["first response", "time by", "platform"]
        );
        assert_eq!(
            wrapped_to("first response time by platform", FACE, width_max, 2),
            ["first response", "time by pla…"]
        );
        assert_eq!(
            wrapped("first_response by team", FACE, width("response by", FACE)),
            ["first_", "response by", "team"]
        );
        assert_eq!(wrapped_to("first_response_time", FACE, width("response_", FACE), 2), ["first_", "respons…"]);
        assert_eq!(wrapped("顧客対応 の", FACE, width("顧客対", FACE)), ["顧客対", "応 の"]);
        assert!(shortened("first response time", FACE, width_max).ends_with('…'));
        let dots = width("first …", FACE);
        assert_eq!(["first…", "…"], [dots, 0.0].map(|width_max| shortened("first response", FACE, width_max)));
        assert!(width(&shortened("first response time", FACE, width_max), FACE) <= width_max);
    }
}
