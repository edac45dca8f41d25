//! A mail as HTML that mail programs show: tables, inline styles, pictures that come with the mail. No script, no address outside.
//!
//! A style in the head replaces the colours on dark screens and gives rows their lines; a program that drops it shows
//! everything on white. Widths are those of a window of 640 pixels, and shrink to that of a phone.

use crate::report::draw::paint::escaped;
use crate::report::page::{Change, Figure, Verdict};
use crate::report::palette::dark::counterpart;
use crate::report::palette::{self, ABOVE, BACKGROUND, BETTER, CARD, EDGE, MUTED, NEUTRAL, Rgb, TEXT, WORSE};
use crate::report::text;
use crate::report::value::Load;

use super::letter::{Block, Card, Cell, Letter, Part, Picture, Rows};

/// Width of a mail in CSS pixels, at most.
const WIDTH: u32 = 640;
/// Width of what is in a card, at most.
const CONTENT_WIDTH: u32 = 598;

const FONT: &str = "font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/// What is before the parts of a mail, and after them: by these, several mails are joined.
const BEGIN: &str = "<!-- content -->\n";
const END: &str = "<!-- end of content -->\n";

/// Classes whose colours the style replaces on a dark screen: of letters, grounds and edges.
const LETTERS: [(&str, Rgb); 7] = [
    ("ink", TEXT),
    ("muted", MUTED),
    ("better", BETTER.1),
    ("worse", WORSE.1),
    ("neutral", NEUTRAL.1),
    ("above", ABOVE),
    ("free", BETTER.1),
];
const GROUNDS: [(&str, Rgb); 5] =
    [("ground", BACKGROUND), ("paper", CARD), ("better", BETTER.0), ("worse", WORSE.0), ("neutral", NEUTRAL.0)];

/// The whole document.
pub(super) fn document(letter: &Letter) -> String {
    let content = content(letter);
    framed(&letter.title, &letter.preview, &content)
}

/// Several documents as one, their contents one below the other.
#[must_use]
pub fn joined(title: &str, documents: &[&str]) -> String {
    let inner = |document: &&str| {
        let (_, rest) = document.split_once(BEGIN)?;
        rest.split_once(END).map(|(content, _)| content.to_owned())
    };
    framed(title, title, &documents.iter().filter_map(inner).collect::<String>())
}

fn framed(title: &str, preview: &str, content: &str) -> String {
    let (title, preview) = (escaped(title), escaped(preview));
    let (ground, style) = (BACKGROUND.hex(), style());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{style}</style>\n</head>\n\
         <body class=\"ground\" style=\"margin:0;padding:0;background:{ground}\">\n\
         <div style=\"display:none;max-height:0;overflow:hidden\">{preview}</div>\n\
         <table role=\"presentation\" class=\"ground\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"background:{ground}\"><tr><td align=\"center\">\n\
         <!--[if mso]><table role=\"presentation\" width=\"{WIDTH}\"><tr><td><![endif]-->\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"max-width:{WIDTH}px;table-layout:fixed;text-align:left;{FONT}\">\n{BEGIN}{content}{END}</table>\n\
         <!--[if mso]></td></tr></table><![endif]-->\n</td></tr></table>\n</body>\n</html>\n"
    )
}

/// The rules for dark screens, and for what is only nicer with them.
fn style() -> String {
    let letters =
        LETTERS.map(|(class, color)| format!(".{class} {{ color: {} !important }}\n", counterpart(color).hex()));
    let grounds =
        GROUNDS.map(|(class, color)| format!(".{class} {{ background: {} !important }}\n", counterpart(color).hex()));
    let (edge, dark_edge) = (EDGE.hex(), counterpart(EDGE).hex());
    format!(
        ":root {{ color-scheme: light dark }}\n.rows th, .rows td {{ border-bottom: 1px solid {edge} }}\n\
         @media (max-width: 480px) {{ .side {{ padding-left: 14px !important; padding-right: 14px !important }} }}\n\
         @media (prefers-color-scheme: dark) {{\n{}{}.paper, .rows th, .rows td {{ border-color: {dark_edge} !important }}\n}}\n",
        letters.concat(),
        grounds.concat(),
    )
}

fn content(letter: &Letter) -> String {
    let mut html = row(&head(letter));
    for part in &letter.parts {
        html += &match part {
            Part::Heading(title) => row(&line("h2", "ink", "margin:14px 0 0;font-size:20px;line-height:1.3", title)),
            Part::Card(card) => self::card(card),
        };
    }
    if !letter.notes.is_empty() {
        html += &row(&list("Notes", &letter.notes));
    }
    html
}

/// A row of the mail, as wide as it is.
fn row(inner: &str) -> String {
    format!("<tr><td class=\"side\" style=\"padding:10px 20px\">\n{inner}</td></tr>\n")
}

/// A line of text: its element, its class of colour, its style.
fn line(element: &str, class: &str, style: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let color = LETTERS.iter().find(|(name, _)| *name == class).map_or(TEXT, |(_, color)| *color).hex();
    let text = escaped(text);
    format!("<{element} class=\"{class}\" style=\"{style};color:{color};overflow-wrap:anywhere\">{text}</{element}>\n")
}

fn head(letter: &Letter) -> String {
    let mut html = line("h1", "ink", "margin:14px 0 0;font-size:26px;line-height:1.25", &letter.title);
    html += &line("p", "muted", "margin:4px 0 0;font-size:15px;line-height:1.45", &letter.description);
    let fact = |(label, value): &(String, String)| {
        let cell = |class, color: Rgb, text: &str| {
            format!("<td class=\"{class}\" style=\"color:{};vertical-align:top\">{}</td>", color.hex(), escaped(text))
        };
        format!("<tr>{}{}</tr>\n", cell("muted", MUTED, label), cell("ink", TEXT, value))
    };
    let facts: String = letter.facts.iter().map(fact).collect();
    if !facts.is_empty() {
        html += &format!(
            "<table cellpadding=\"2\" cellspacing=\"0\" border=\"0\" style=\"margin:10px 0 0 -2px;font-size:13px;line-height:1.4\">\n{facts}</table>\n"
        );
    }
    html
}

fn list(title: &str, items: &[String]) -> String {
    let muted = "margin:0 0 4px;font-size:13px;line-height:1.45";
    let items: String = items.iter().map(|item| line("p", "muted", muted, item)).collect();
    line("p", "ink", "margin:6px 0 4px;font-size:13px;font-weight:bold", title) + &items
}

fn card(card: &Card) -> String {
    let mut inner = line("h3", "ink", "margin:0;font-size:17px;line-height:1.35", &card.title);
    inner += &line("p", "muted", "margin:2px 0 0;font-size:13px;line-height:1.45", &card.caption);
    for block in &card.blocks {
        inner += &match block {
            Block::Figures(figures) => self::figures(figures),
            Block::Picture(picture) => self::picture(picture),
            Block::Table(rows) => table(rows),
            Block::Text(text) => line("p", "ink", "margin:12px 0 0;font-size:14px;line-height:1.5", text),
        };
    }
    for remark in &card.remarks {
        inner += &line("p", "muted", "margin:8px 0 0;font-size:12px;line-height:1.45", &format!("– {remark}"));
    }
    format!(
        "<tr><td style=\"padding:7px 0\"><table role=\"presentation\" class=\"paper\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"table-layout:fixed;background:{};border:1px solid {};border-radius:10px\"><tr>\
         <td class=\"side\" style=\"padding:16px 20px 18px\">\n{inner}</td></tr></table></td></tr>\n",
        CARD.hex(),
        EDGE.hex(),
    )
}

/// Two figures side by side.
fn figures(figures: &[Figure]) -> String {
    let rows = figures.chunks(2).map(|pair| {
        let cells = pair.iter().map(|figure| {
            let inner = self::figure(figure);
            format!("<td width=\"50%\" style=\"padding:12px 12px 2px 0;vertical-align:top\">\n{inner}</td>")
        });
        let rest = if pair.len() < 2 { "<td></td>" } else { "" };
        format!("<tr>{}{rest}</tr>\n", cells.collect::<String>())
    });
    let rows: String = rows.collect();
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n{rows}</table>\n"
    )
}

fn figure(figure: &Figure) -> String {
    let value = figure.value.text();
    let size = if value.chars().count() > 9 { 22 } else { 30 };
    let mut html = line("p", "muted", "margin:0;font-size:13px;line-height:1.35", &figure.label);
    html +=
        &line("p", "ink", &format!("margin:2px 0 4px;font-size:{size}px;line-height:1.15;font-weight:bold"), &value);
    if let Some(change) = &figure.change {
        html += &chip(figure, change);
        html += &line("p", "muted", "margin:4px 0 0;font-size:12px;line-height:1.4", &text::before(change));
    }
    html
}

fn chip(figure: &Figure, change: &Change) -> String {
    let (class, (ground, color)) = match change.verdict {
        Verdict::Better => ("better", palette::BETTER),
        Verdict::Worse => ("worse", palette::WORSE),
        Verdict::Neutral => ("neutral", palette::NEUTRAL),
    };
    format!(
        "<span class=\"{class}\" style=\"display:inline-block;padding:1px 8px;border-radius:10px;background:{};color:{};\
         font-size:13px;line-height:1.5;font-weight:bold\">{}</span>\n",
        ground.hex(),
        color.hex(),
        escaped(&text::moved(figure, change)),
    )
}

/// A picture on white, because it holds the colours of paper.
fn picture(picture: &Picture) -> String {
    let (name, text) = (escaped(&picture.name), escaped(&picture.text));
    format!(
        "<img src=\"cid:{name}\" width=\"{CONTENT_WIDTH}\" alt=\"{text}\" style=\"display:block;width:100%;max-width:{CONTENT_WIDTH}px;\
         height:auto;margin:12px 0 0;border:0;border-radius:6px;background:#FFFFFF;color:{};font-size:13px\">\n",
        MUTED.hex(),
    )
}

fn table(rows: &Rows) -> String {
    if rows.rows.is_empty() {
        return rows
            .more
            .as_ref()
            .map(|more| line("p", "muted", "margin:8px 0 0;font-size:12px", more))
            .unwrap_or_default();
    }
    let align = |column: usize| match rows.columns.get(column) {
        Some(heading) if heading.is_number => " align=\"right\"",
        _ => " align=\"left\"",
    };
    let heading = |(column, text): (usize, &str)| {
        let color = MUTED.hex();
        format!(
            "<th class=\"muted\"{} valign=\"bottom\" style=\"color:{color};font-size:12px\">{}</th>",
            align(column),
            escaped(text)
        )
    };
    let headings: String = rows.columns.iter().map(|column| column.text.as_str()).enumerate().map(heading).collect();
    let row = |row: &Vec<Cell>| {
        let cells = row.iter().enumerate().map(|(column, cell)| self::cell(cell, align(column)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let body: String = rows.rows.iter().map(row).collect();
    let size = if rows.columns.len() > 6 { 12 } else { 13 };
    let more = rows.more.as_ref().map(|more| line("p", "muted", "margin:8px 0 0;font-size:12px", more));
    format!(
        "<div style=\"overflow-x:auto\"><table class=\"rows ink\" width=\"100%\" cellpadding=\"4\" cellspacing=\"0\" border=\"0\" \
         style=\"margin:12px 0 0;border-collapse:collapse;color:{};font-size:{size}px;line-height:1.4\">\n<tr>{headings}</tr>\n{body}</table></div>\n{}",
        TEXT.hex(),
        more.unwrap_or_default(),
    )
}

/// A cell; a load is green, black or red, and bold above what there may be (2.5).
fn cell(cell: &Cell, align: &str) -> String {
    let text = escaped(&cell.text);
    match cell.load {
        Some(Load::Above) => {
            format!("<td class=\"above\"{align} style=\"color:{};font-weight:bold\">{text}</td>", ABOVE.hex())
        }
        Some(Load::Free) => format!("<td class=\"free\"{align} style=\"color:{}\">{text}</td>", BETTER.1.hex()),
        Some(Load::Within) | None => format!("<td{align}>{text}</td>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_documents_are_joined_below_each_other() {
        let title = "</td><script>alert(1)</script> & <!-- content -->";
        let letter = |title: &str| Letter { title: title.to_owned(), ..Letter::default() };
        let first = document(&letter(title));
        assert!(!first.contains("<script>") && first.contains("&lt;/td&gt;&lt;script&gt;alert(1)"), "{first}");
        let both = joined("Both", &[&first, &document(&letter("Second"))]);
        assert_eq!(both.matches("<h1 ").count(), 2, "{both}");
        assert_eq!((both.matches("<body").count(), both.matches(BEGIN).count()), (1, 1));
        assert!(both.contains("<title>Both</title>"), "{both}");
    }
}
