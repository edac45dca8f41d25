//! The colours of every report.
//!
//! The series colours are those of Okabe and Ito, which differ for the common kinds of colour blindness too; their
//! yellow and black, too pale and too dark for bars, are a sand and a slate here. Meaning never depends on colour alone:
//! lines have markers, what is compared with is dashed, and a verdict is written as a word.

pub mod dark;

/// A colour in sRGB: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// As CSS and SVG write it: `#0072B2`.
    #[must_use]
    pub fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

/// Text that is read first.
pub const TEXT: Rgb = Rgb(0x1b, 0x26, 0x33);
/// Text that is read second: captions, axes. Seven to one on white.
pub const MUTED: Rgb = Rgb(0x52, 0x5e, 0x6d);
/// The background of a card.
pub const CARD: Rgb = Rgb(0xff, 0xff, 0xff);
/// The background of the page.
pub const BACKGROUND: Rgb = Rgb(0xf4, 0xf6, 0xf8);
/// The edge of a card and the lines of a table.
pub const EDGE: Rgb = Rgb(0xdf, 0xe4, 0xea);
/// Grid lines of a chart.
pub const GRID: Rgb = Rgb(0xe8, 0xec, 0xf0);
/// The zero line of a chart.
pub const AXIS: Rgb = Rgb(0x9a, 0xa5, 0xb1);
/// A target or another line across a chart.
pub const REFERENCE: Rgb = Rgb(0x3b, 0x46, 0x54);
/// A cell of a heat map without a value.
pub const EMPTY_CELL: Rgb = Rgb(0xf7, 0xf8, 0xfa);

/// What is compared with: grey, and dashed where it is a line.
pub const PREVIOUS: Rgb = Rgb(0x8b, 0x95, 0xa1);
/// The groups that are not shown by name.
pub const OTHER: Rgb = Rgb(0xc3, 0xca, 0xd2);

/// Background and text of a chip with the word "better".
pub const BETTER: (Rgb, Rgb) = (Rgb(0xe2, 0xf3, 0xec), Rgb(0x0a, 0x5c, 0x45));
/// Background and text of a chip with the word "worse".
pub const WORSE: (Rgb, Rgb) = (Rgb(0xfb, 0xe9, 0xdf), Rgb(0x97, 0x3a, 0x06));
/// A number above what there may be.
pub const ABOVE: Rgb = Rgb(0xa3, 0x23, 0x0c);
/// Background and text of a chip without a verdict.
pub const NEUTRAL: (Rgb, Rgb) = (Rgb(0xee, 0xf1, 0xf4), Rgb(0x46, 0x51, 0x5e));

/// The colours by the names that they have in the rules of pages and documents.
pub const NAMED: [(&str, Rgb); 16] = [
    ("ink", TEXT),
    ("muted", MUTED),
    ("paper", CARD),
    ("ground", BACKGROUND),
    ("edge", EDGE),
    ("rule", GRID),
    ("axis", AXIS),
    ("hover", EMPTY_CELL),
    ("link", SERIES[0]),
    ("better-ground", BETTER.0),
    ("better", BETTER.1),
    ("worse-ground", WORSE.0),
    ("worse", WORSE.1),
    ("neutral-ground", NEUTRAL.0),
    ("neutral", NEUTRAL.1),
    ("above", ABOVE),
];

const SERIES: [Rgb; 8] = [
    Rgb(0x00, 0x72, 0xb2),
    Rgb(0xe6, 0x9f, 0x00),
    Rgb(0x00, 0x9e, 0x73),
    Rgb(0xcc, 0x79, 0xa7),
    Rgb(0x56, 0xb4, 0xe9),
    Rgb(0xd5, 0x5e, 0x00),
    Rgb(0x4b, 0x57, 0x63),
    Rgb(0xb9, 0xb2, 0x5a),
];

/// One hue from nearly white to deep, evenly darker. It leaves out the middle tones on which neither dark nor
/// white text can be read.
const LIGHT: [Rgb; 4] = [Rgb(0xee, 0xf4, 0xfa), Rgb(0xcb, 0xdf, 0xf0), Rgb(0x96, 0xc1, 0xe1), Rgb(0x56, 0x98, 0xc8)];
const DEEP: [Rgb; 3] = [Rgb(0x2c, 0x77, 0xb1), Rgb(0x1b, 0x63, 0x9d), Rgb(0x0b, 0x3d, 0x6b)];
/// The shade at which the other tones begin, on paper the deep ones.
const DEEP_FROM: f64 = 0.6;

/// The colour of a series; the palette starts again after its eighth colour.
pub fn series(index: usize) -> Rgb {
    SERIES.iter().cycle().nth(index % SERIES.len()).copied().unwrap_or(MUTED)
}

/// The steps of a heat map's shades, from 0 to this one. There are few enough for each to have a counterpart on a dark screen.
const SHADES: u8 = 22;

/// The colour of a heat map for a shade from 0 to 1. What is more than nothing differs from nothing.
pub fn ramp(shade: f64) -> Rgb {
    let step = (shade.clamp(0.0, 1.0) * f64::from(SHADES)).round();
    step_of(&LIGHT, &DEEP, if shade > 0.0 { step.max(1.0) } else { step })
}

/// The colour of a step, along the first colours and then along the others.
fn step_of(first: &[Rgb], then: &[Rgb], step: f64) -> Rgb {
    let shade = step / f64::from(SHADES);
    let steps = |colors: &[Rgb]| colors.len().saturating_sub(1) as f64;
    if shade < DEEP_FROM {
        along(first, shade / DEEP_FROM * steps(first))
    } else {
        along(then, (shade - DEEP_FROM) / (1.0 - DEEP_FROM) * steps(then))
    }
}

/// The colour that many steps along a list of colours.
fn along(colors: &[Rgb], mut steps: f64) -> Rgb {
    for (from, to) in colors.iter().zip(colors.iter().skip(1)) {
        if steps <= 1.0 {
            return mix(*from, *to, steps);
        }
        steps -= 1.0;
    }
    colors.last().copied().unwrap_or(TEXT)
}

/// The colour of text on a background: dark or white, whichever has the greater contrast.
pub fn text_on(ground: Rgb) -> Rgb {
    if contrast(ground, TEXT) >= contrast(ground, CARD) { TEXT } else { CARD }
}

fn mix(low: Rgb, high: Rgb, share: f64) -> Rgb {
    let channel = |from: u8, to: u8| byte(f64::from(from) + (f64::from(to) - f64::from(from)) * share);
    Rgb(channel(low.0, high.0), channel(low.1, high.1), channel(low.2, high.2))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a byte")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Contrast as WCAG 2 defines it, from 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(Rgb(red, green, blue): Rgb) -> f64 {
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The light of a channel, from 0 to 1.
fn linear(channel: u8) -> f64 {
    let share = f64::from(channel) / 255.0;
    if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_darkens_and_its_text_stays_readable() {
        let shades: Vec<Rgb> = (0..=20).map(|step| ramp(f64::from(step) / 20.0)).collect();
        for (lighter, darker) in shades.iter().zip(shades.iter().skip(1)) {
            assert!(luminance(*darker) < luminance(*lighter), "{lighter:?} {darker:?}");
        }
        for shade in shades {
            assert!(contrast(shade, text_on(shade)) >= 4.5, "{shade:?}");
        }
    }

    #[test]
    fn chips_are_readable() {
        for (ground, text) in [BETTER, WORSE, NEUTRAL] {
            assert!(contrast(ground, text) >= 6.0, "{ground:?}");
        }
    }
}
