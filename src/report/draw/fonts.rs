//! The typefaces that are part of the program, so that layout is the same on every machine.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId};

/// The family of all texts. It has Latin, Greek, Cyrillic, Arabic, Hebrew and other letters.
pub const SANS: &str = "DejaVu Sans";
/// The family of letters that [`SANS`] lacks: those of Chinese, Japanese and Korean. It has one weight.
pub const FALLBACK: &str = "Droid Sans Fallback";

/// The files of [`SANS`], regular and bold, and of [`FALLBACK`].
pub fn files() -> [&'static [u8]; 3] {
    [dejavu::sans::regular(), dejavu::sans::bold(), include_bytes!("../../../data/fonts/DroidSansFallback.ttf")]
}

/// The sign of a font for a letter that it lacks.
const MISSING: GlyphId = GlyphId(0);

struct Faces {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
    fallback: FontRef<'static>,
}

static FACES: LazyLock<Option<Faces>> = LazyLock::new(|| {
    let [regular, bold, fallback] = files().map(|file| FontRef::try_from_slice(file).ok());
    Some(Faces { regular: regular?, bold: bold?, fallback: fallback? })
});

/// A letter in the font that has it.
#[derive(Clone, Copy)]
pub struct Letter {
    pub font: &'static FontRef<'static>,
    pub glyph: GlyphId,
    /// Units of the font in an em.
    pub units: f32,
}

/// Whether one of the fonts has the letter.
pub fn has(char: char) -> bool {
    Letter::new(char, false).is_some_and(|letter| letter.glyph != MISSING)
}

impl Letter {
    /// The letter, or the sign of a font for one that it lacks. Nothing where the fonts cannot be read, which would be a
    /// defect.
    pub fn new(char: char, is_bold: bool) -> Option<Letter> {
        let faces = FACES.as_ref()?;
        let sans = if is_bold { &faces.bold } else { &faces.regular };
        let (in_sans, in_fallback) = (sans.glyph_id(char), faces.fallback.glyph_id(char));
        let is_in_fallback = in_sans == MISSING && in_fallback != MISSING;
        let (font, glyph) = if is_in_fallback { (&faces.fallback, in_fallback) } else { (sans, in_sans) };
        Some(Letter { font, glyph, units: font.units_per_em()? })
    }

    /// What lies between the letter before and this one, in ems: a correction of some pairs.
    pub fn kern(&self, before: Option<Letter>) -> f32 {
        let same_font = before.filter(|before| std::ptr::eq(before.font, self.font));
        same_font.map_or(0.0, |before| self.font.kern_unscaled(before.glyph, self.glyph) / self.units)
    }

    /// The space that it takes after the letter before, in ems.
    pub fn ems_after(&self, before: Option<Letter>) -> f64 {
        f64::from(self.kern(before)) + f64::from(self.advance())
    }

    /// How far the next letter is, in ems.
    pub fn advance(&self) -> f32 {
        self.font.h_advance_unscaled(self.glyph) / self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_many_scripts_are_in_a_font() {
        for char in "Aß ž Ω Ж א ع 顧客 ひカ 고객 體驗 ≥ …".chars() {
            assert!(has(char), "{char}");
        }
        assert!(!has('ไ'));
    }
}
