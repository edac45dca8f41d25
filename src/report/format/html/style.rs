//! The style of a page: its rules, and the colours of the palette for light and dark screens and for paper.
//!
//! Pictures hold the colours of paper as attributes. On a dark screen rules replace them by their counterparts, so that
//! one picture serves both.

use crate::report::palette::dark::{counterpart, pairs};
use crate::report::palette::{NAMED, Rgb};

const RULES: &str = include_str!("page.css");

/// The style of every page.
pub(super) fn style() -> String {
    let light = variables(|color| color);
    let dark = variables(counterpart);
    let pictures: String = pairs().map(picture_rules).collect();
    format!(
        ":root {{ color-scheme: light; {light}}}\n\
         @media screen and (prefers-color-scheme: dark) {{\n:root {{ color-scheme: dark; {dark}}}\n{pictures}}}\n{RULES}"
    )
}

/// The colours that the rules name.
fn variables(shown: impl Fn(Rgb) -> Rgb) -> String {
    NAMED.iter().map(|(name, color)| format!("--{name}: {}; ", shown(*color).hex())).collect()
}

/// The rules for what has a colour in a picture.
fn picture_rules((light, dark): (Rgb, Rgb)) -> String {
    let (from, to) = (light.hex(), dark.hex());
    format!(".chart [fill=\"{from}\"] {{ fill: {to} }} .chart [stroke=\"{from}\"] {{ stroke: {to} }}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_defined_and_every_colour_is_of_the_palette() {
        let defined = variables(|color| color);
        for name in RULES.split("var(--").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(defined.contains(&format!("--{name}: #")), "{name}");
        }
        assert!(!RULES.contains('#'), "a colour of its own has no counterpart on a dark screen");
    }

    #[test]
    fn dark_colours_are_for_screens_only() {
        let style = style();
        let (before, dark) = style.split_once("@media screen and (prefers-color-scheme: dark)").unwrap();
        assert!(before.contains("--paper: #FFFFFF;") && dark.contains("--paper: #1B232C;"), "{style}");
        assert!(dark.contains(".chart [fill=\"#1B2633\"] { fill: #E7ECF2 }"), "{style}");
        assert_eq!(style.matches("prefers-color-scheme").count(), 1);
    }
}
