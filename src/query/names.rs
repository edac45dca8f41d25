//! Texts as codes: a column of few different texts takes four bytes a row, and equal texts are found by their codes.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, StringViewArray, StringViewBuilder, UInt32Array};
use arrow::compute::take;
use datafusion::error::Result;
use foldhash::fast::FixedState;

/// Texts by code, which is their position.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<String>,
    codes: HashMap<String, u32, FixedState>,
}

/// The codes of texts that are held in a view itself.
pub type ShortTexts = HashMap<u128, u32, FixedState>;

/// The code of no text.
pub const NONE: u32 = u32::MAX;

impl Names {
    /// The code of a text.
    pub fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        let code = u32::try_from(self.names.len()).unwrap_or(NONE);
        self.names.push(name.to_owned());
        self.codes.insert(name.to_owned(), code);
        code
    }

    /// The codes of texts. Short texts are recognised by their bytes, long ones of a batch by where they are.
    pub fn codes(&mut self, texts: &StringViewArray, short: &mut ShortTexts) -> Vec<u32> {
        let mut long = ShortTexts::default();
        let (mut before, mut code) = (None, NONE);
        let mut codes = Vec::with_capacity(texts.len());
        for (row, view) in texts.views().iter().enumerate() {
            if texts.is_null(row) {
                codes.push(NONE);
                continue;
            }
            if before != Some(*view) {
                // The first four bytes of a view are the length.
                let is_short = (*view as u32) <= 12;
                let known = if is_short { &mut *short } else { &mut long };
                code = *known.entry(*view).or_insert_with(|| self.code(texts.value(row)));
                before = Some(*view);
            }
            codes.push(code);
        }
        codes
    }

    /// Appends codes of other names as codes of these.
    pub fn append(&mut self, codes: &mut Vec<u32>, other: &Names, others: &[u32]) {
        let of_other: Vec<u32> = other.names.iter().map(|name| self.code(name)).collect();
        match of_other.iter().zip(0..).all(|(code, own)| *code == own) {
            true => codes.extend_from_slice(others),
            false => codes.extend(others.iter().map(|own| of_other.get(*own as usize).copied().unwrap_or(NONE))),
        }
    }

    /// Every text, by its code.
    #[must_use]
    pub fn all(&self) -> &[String] {
        &self.names
    }

    /// The texts as a column from which [`texts`] takes.
    #[must_use]
    pub fn column(&self) -> StringViewArray {
        let mut names = StringViewBuilder::new();
        self.names.iter().for_each(|name| names.append_value(name));
        names.finish()
    }
}

/// The texts of codes.
///
/// # Errors
/// When the names have no such code.
pub fn texts(names: &StringViewArray, codes: impl Iterator<Item = u32>) -> Result<ArrayRef> {
    let codes: UInt32Array = codes.map(|code| (code != NONE).then_some(code)).collect();
    Ok(take(names, &codes, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_short_and_long_have_one_code_each() {
        let (mut names, mut short) = (Names::default(), ShortTexts::default());
        let texts = ["ana", "a name of many letters", "ana", "a name of many lemons"];
        let first: StringViewArray = texts.iter().map(Some).chain([None]).collect();
        let second: StringViewArray = ["a name of many lemons", "ana"].iter().map(Some).collect();
        assert_eq!(names.codes(&first, &mut short), [0, 1, 0, 2, NONE]);
        assert_eq!(names.codes(&second, &mut short), [2, 0]);
        let (mut others, mut codes) = (Names::default(), vec![7]);
        let of_others = others.codes(&second, &mut ShortTexts::default());
        names.append(&mut codes, &others, &of_others);
        names.append(&mut codes, &others, &[NONE]);
        assert_eq!(codes, [7, 2, 0, NONE]);
    }
}
