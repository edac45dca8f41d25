//! Cells in columns of plain text.

use unicode_width::UnicodeWidthStr;

use crate::export::printable;

/// Rows of cells in columns. A cell ends at the right of its column where `ends_right` is true of that; what would command a
/// terminal is written out.
pub(super) fn columns(rows: &[Vec<String>], ends_right: impl Fn(usize) -> bool) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or_default()).collect();
    let cell = |(column, (cell, width)): (usize, (&String, &usize))| {
        let spaces = " ".repeat(width.saturating_sub(cell.width()));
        if ends_right(column) { format!("{spaces}{cell}") } else { format!("{cell}{spaces}") }
    };
    let line = |row: &Vec<String>| row.iter().zip(&widths).enumerate().map(cell).collect::<Vec<_>>().join("  ");
    rows.iter().map(line).collect()
}

/// A text in lines of at most so many columns, broken between words; a longer word has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().map(printable) {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_keep_columns_in_line_and_none_commands_the_terminal() {
        let rows = [["名前", "1"], ["a\u{1b}[31m", "100"]].map(|row| row.map(str::to_owned).to_vec());
        let aligned = columns(&rows, |column| column > 0);
        assert_eq!(aligned, ["名前           1", "a\\u{1b}[31m  100"].map(str::to_owned).to_vec());
    }

    #[test]
    fn lines_break_between_words_and_a_long_word_stays_whole() {
        assert_eq!(wrapped("one two  three\nfourteenth", 8), ["one two", "three", "fourteenth"]);
    }
}
