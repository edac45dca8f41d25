//! A page as Markdown, with tables as GitHub, GitLab and most wikis read them.

use std::fmt::Write;

use crate::error::Result;
use crate::report::page::{Body, Definition, Figure, Page, Scope, Widget};
use crate::report::table::Table;
use crate::report::text;

/// The whole page.
///
/// # Errors
/// None.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    let mut out = format!("# {}\n\n", escaped(&page.title));
    if !page.description.is_empty() {
        paragraph(&mut out, &escaped(&page.description));
    }
    let facts = text::scope(&page.scope);
    let facts = facts.iter().map(|(label, value)| format!("**{label}** {}", escaped(value)));
    paragraph(&mut out, &facts.collect::<Vec<_>>().join(" · "));
    for tab in &page.tabs {
        let mut level = 2;
        if let Some(title) = &tab.title {
            paragraph(&mut out, &format!("## {}", escaped(title)));
            level = 3;
        }
        for row in &tab.rows {
            if let Some(title) = &row.title {
                paragraph(&mut out, &format!("{} {}", "#".repeat(level), escaped(title)));
            }
            let level = "#".repeat(level + usize::from(row.title.is_some()));
            row.widgets.iter().for_each(|widget| card(&mut out, widget, &text::caption(widget), &level));
        }
    }
    if !page.definitions.is_empty() {
        out.push_str("## Definitions\n\n");
        for Definition { name, title, meaning, details } in &page.definitions {
            let details = details.iter().map(|(key, value)| format!(" {}: {}.", escaped(key), escaped(value)));
            let (name, title, meaning) = (escaped(name), escaped(title), escaped(meaning));
            let _ = writeln!(out, "- **{title}** ({name}): {meaning}{}", details.collect::<String>());
        }
        out.push('\n');
    }
    if !page.notes.is_empty() {
        out.push_str("## Notes\n\n");
        list(&mut out, &page.notes);
    }
    Ok(finished(out))
}

/// One widget alone.
///
/// # Errors
/// None.
pub(super) fn widget(scope: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    let mut out = String::new();
    card(&mut out, widget, &text::caption_alone(scope, widget), "##");
    Ok(finished(out))
}

/// One line feed ends the text.
fn finished(text: String) -> Vec<u8> {
    format!("{}\n", text.trim_end()).into_bytes()
}

fn card(out: &mut String, widget: &Widget, caption: &str, level: &str) {
    paragraph(out, &format!("{level} {}", escaped(&widget.title)));
    paragraph(out, &format!("*{}*", escaped(caption)));
    if let Body::Empty(why) = &widget.body {
        paragraph(out, &escaped(why));
    }
    match &widget.body {
        Body::Figures(figures) => self::figures(out, figures),
        Body::Chart(_) | Body::Table | Body::Empty(_) => table(out, &widget.table),
    }
    list(out, &widget.left_out);
    if !widget.requests.is_empty() {
        paragraph(out, &format!("Cases behind this:\n\n```sh\n{}\n```", widget.cases_command()));
    }
}

fn figures(out: &mut String, figures: &[Figure]) {
    let headings = ["Figure", "Value", "Change"].map(str::to_owned);
    rows(out, &headings, figures.iter().map(text::cells), &[false, true, false]);
}

fn table(out: &mut String, table: &Table) {
    if table.columns.is_empty() || table.rows.is_empty() {
        return;
    }
    let headings = table.headings();
    let is_number: Vec<bool> = (0..headings.len()).map(|column| column > 0).collect();
    rows(out, &headings, table.rows.iter().map(|row| table.texts(row)), &is_number);
}

fn rows(out: &mut String, headings: &[String], rows: impl Iterator<Item = Vec<String>>, is_number: &[bool]) {
    line(out, headings);
    let rules: Vec<&str> = is_number.iter().map(|number| if *number { "---:" } else { "---" }).collect();
    let _ = writeln!(out, "| {} |", rules.join(" | "));
    rows.for_each(|cells| line(out, &cells));
    out.push('\n');
}

fn line(out: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn list(out: &mut String, items: &[String]) {
    for item in items {
        let _ = writeln!(out, "- {}", escaped(item));
    }
    if !items.is_empty() {
        out.push('\n');
    }
}

fn paragraph(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\n\n");
}

/// A text that Markdown shows as it is, in one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markdown_would_read_is_text() {
        assert_eq!(escaped("a|b *c* <d> x_y\nz"), r"a\|b \*c\* \<d\> x\_y z");
    }
}
