//! Cells that a spreadsheet would take for a formula.
//!
//! Customers write some of the texts that are exported. A spreadsheet calculates a cell of a CSV file that begins with `=`,
//! `+`, `-` or `@`, also behind a tab or a carriage return, and a formula may read other cells and send them away. An
//! apostrophe before the text is what spreadsheets take as "this is a text".

use std::borrow::Cow;

/// The text as a cell that no spreadsheet calculates.
pub fn cell(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Whether a spreadsheet would calculate the cell. A number is a value whatever its sign.
pub fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text)
}

/// A sign, digits with at most one point among them, an exponent.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    has_digits
        && are_digits(whole)
        && are_digits(fraction)
        && exponent.is_none_or(|digits| !digits.is_empty() && are_digits(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts_and_numbers_stay_numbers() {
        for formula in [
            "=1+1",
            "+cmd",
            "-1+1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "-",
            "+",
            "-1e",
            "-1.2.3",
            "--1",
            "-\u{221e}",
            "=",
            "-.",
            "+1 2",
        ] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        for plain in ["", "a=b", "-5", "+5.25", "-.5", "-1e-3", "5", " =1", "'=1", "1-2"] {
            assert_eq!(cell(plain), plain);
        }
    }
}
