//! The colours of a page on a dark screen: the counterpart of every colour of the palette.
//!
//! A picture holds the colours of paper; a style can replace each by its counterpart where it is shown. The shades of a heat
//! map are the other way round: there, too, what is more is further from the ground. The text in a cell is dark where its
//! counterpart is light, so that it suits its cell on both.

use super::{
    ABOVE, AXIS, BACKGROUND, BETTER, CARD, DEEP, EDGE, EMPTY_CELL, GRID, LIGHT, MUTED, NEUTRAL, OTHER, PREVIOUS,
    REFERENCE, Rgb, SERIES, SHADES, TEXT, WORSE, step_of,
};

const PAIRS: [(Rgb, Rgb); 18] = [
    (TEXT, Rgb(0xe7, 0xec, 0xf2)),
    (MUTED, Rgb(0xa3, 0xaf, 0xbc)),
    (CARD, Rgb(0x1b, 0x23, 0x2c)),
    (BACKGROUND, Rgb(0x12, 0x18, 0x1f)),
    (EDGE, Rgb(0x30, 0x3b, 0x47)),
    (GRID, Rgb(0x2b, 0x35, 0x40)),
    (AXIS, Rgb(0x6b, 0x78, 0x86)),
    (REFERENCE, Rgb(0xc8, 0xd1, 0xdb)),
    (EMPTY_CELL, Rgb(0x22, 0x2b, 0x35)),
    (PREVIOUS, Rgb(0x8b, 0x95, 0xa1)),
    (OTHER, Rgb(0x56, 0x63, 0x71)),
    (BETTER.0, Rgb(0x12, 0x35, 0x28)),
    (BETTER.1, Rgb(0x86, 0xdc, 0xb9)),
    (WORSE.0, Rgb(0x40, 0x25, 0x1a)),
    (WORSE.1, Rgb(0xff, 0xb0, 0x8a)),
    (ABOVE, Rgb(0xff, 0x9a, 0x84)),
    (NEUTRAL.0, Rgb(0x2a, 0x34, 0x3f)),
    (NEUTRAL.1, Rgb(0xb9, 0xc4, 0xcf)),
];

const DARK_SERIES: [Rgb; SERIES.len()] = [
    Rgb(0x4a, 0x8b, 0xe0),
    Rgb(0xf2, 0xbf, 0x2b),
    Rgb(0x14, 0xbb, 0x7c),
    Rgb(0xe4, 0x7a, 0xba),
    Rgb(0x7d, 0xdc, 0xf8),
    Rgb(0xe8, 0x60, 0x2a),
    Rgb(0xe2, 0xee, 0xf0),
    Rgb(0xa9, 0xb0, 0x34),
];

/// One hue from nearly the ground of a card to nearly white, without the middle tones.
const DARK_DEEP: [Rgb; 3] = [Rgb(0x25, 0x30, 0x3c), Rgb(0x1d, 0x45, 0x68), Rgb(0x21, 0x64, 0x99)];
const DARK_LIGHT: [Rgb; 3] = [Rgb(0x5d, 0xa3, 0xd8), Rgb(0x95, 0xc8, 0xec), Rgb(0xd3, 0xea, 0xfc)];

/// Each colour of the palette with its counterpart.
pub fn pairs() -> impl Iterator<Item = (Rgb, Rgb)> {
    PAIRS.into_iter().chain(SERIES.into_iter().zip(DARK_SERIES)).chain(shades())
}

/// Each shade of a heat map with its counterpart.
fn shades() -> impl Iterator<Item = (Rgb, Rgb)> {
    let pair = |step: u8| {
        let step = f64::from(step);
        (step_of(&LIGHT, &DEEP, step), step_of(&DARK_DEEP, &DARK_LIGHT, step))
    };
    (0..=SHADES).map(pair)
}

/// The counterpart of a colour; one that has none stays.
pub fn counterpart(color: Rgb) -> Rgb {
    pairs().find(|(light, _)| *light == color).map_or(color, |(_, dark)| dark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::palette::{contrast, linear, text_on};

    #[test]
    fn text_is_readable_on_every_ground() {
        let texts = [
            (TEXT, CARD),
            (TEXT, BACKGROUND),
            (TEXT, EMPTY_CELL),
            (MUTED, CARD),
            (MUTED, BACKGROUND),
            (MUTED, EMPTY_CELL),
            (REFERENCE, CARD),
            (ABOVE, CARD),
            (BETTER.1, CARD),
            (BETTER.1, BETTER.0),
            (WORSE.1, WORSE.0),
            (NEUTRAL.1, NEUTRAL.0),
        ];
        for (text, ground) in texts {
            assert!(contrast(text, ground) >= 4.5, "light: {text:?} on {ground:?}");
            assert!(contrast(counterpart(text), counterpart(ground)) >= 4.5, "dark: {text:?} on {ground:?}");
        }
    }

    #[test]
    fn shades_are_further_from_the_ground_where_there_is_more_and_their_text_is_readable() {
        let shades: Vec<(Rgb, Rgb)> = shades().collect();
        let ground = counterpart(CARD);
        for pair in shades.windows(2) {
            assert!(contrast(pair[1].1, ground) > contrast(pair[0].1, ground), "{pair:?}");
        }
        for (light, dark) in shades {
            assert!(contrast(dark, counterpart(text_on(light))) >= 4.5, "{light:?} {dark:?}");
        }
    }

    #[test]
    fn every_colour_has_one_counterpart() {
        for (number, (light, _)) in pairs().enumerate() {
            assert!(pairs().skip(number + 1).all(|(other, _)| other != light), "{light:?}");
        }
    }

    /// The least distance between two colours of a list, for one kind of sight: matrices of Machado, Oliveira and
    /// Fernandes (2009) on linear RGB, distance in Oklab.
    fn least_distance(colors: &[Rgb], sight: [[f64; 3]; 3]) -> f64 {
        let row = |row: [f64; 3], by: [f64; 3]| row.iter().zip(by).map(|(one, other)| one * other).sum::<f64>();
        let lab = |Rgb(red, green, blue): Rgb| {
            let rgb = [red, green, blue].map(linear);
            let seen = sight.map(|by| row(by, rgb).max(0.0));
            let cones = [
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ]
            .map(|by| row(by, seen).cbrt());
            [
                [0.210_454_255_3, 0.793_617_785, -0.004_072_046_8],
                [1.977_998_495_1, -2.428_592_205, 0.450_593_709_9],
                [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766],
            ]
            .map(|by| row(by, cones))
        };
        let distance = |one: Rgb, other: Rgb| {
            lab(one).iter().zip(lab(other)).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
        };
        let pairs = colors.iter().enumerate().flat_map(|(at, one)| colors[..at].iter().map(move |other| (one, other)));
        pairs.map(|(one, other)| distance(*one, *other)).fold(f64::MAX, f64::min)
    }

    #[test]
    fn series_differ_as_well_as_on_paper() {
        let whole = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let without_red = [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ];
        let without_green =
            [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_82, 0.042_94, 0.968_881]];
        for sight in [whole, without_red, without_green] {
            let (light, dark) = (least_distance(&SERIES, sight), least_distance(&DARK_SERIES, sight));
            assert!(dark >= light && light > 0.04, "{light} {dark}");
        }
        for color in DARK_SERIES {
            assert!(contrast(color, counterpart(CARD)) >= 3.0, "{color:?}");
        }
    }
}
