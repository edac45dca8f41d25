//! A page as plain text, to read at once: tables, bars beside them, and lines of small bars over time.

use unicode_width::UnicodeWidthStr;

use super::aligned::columns;
use crate::error::Result;
use crate::export::printable;
use crate::report::chart::Chart;
use crate::report::chart::heatmap::Heatmap;
use crate::report::chart::series::Series;
use crate::report::page::{Body, Figure, Page, Scope, Widget};
use crate::report::table::Table;
use crate::report::text;

/// Columns of the widest bar.
const BAR_WIDTH: usize = 30;
/// Columns of the longest line of small bars.
const SPARK_WIDTH: usize = 80;
/// Eighths of a column, from none to all.
const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/// Eighths of a line's height; what is 0 keeps the lowest.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// From no value to the largest.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];

/// The whole page.
///
/// # Errors
/// None.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    let mut lines = vec![printable(&page.title), "═".repeat(page.title.width())];
    lines.extend((!page.description.is_empty()).then(|| printable(&page.description)));
    lines.extend(text::scope(&page.scope).iter().map(|(label, value)| printable(&format!("{label}: {value}"))));
    for tab in &page.tabs {
        if let Some(title) = &tab.title {
            lines.extend([String::new(), printable(title), "═".repeat(title.width())]);
        }
        for row in &tab.rows {
            if let Some(title) = &row.title {
                lines.extend([String::new(), printable(&title.to_uppercase())]);
            }
            for widget in &row.widgets {
                lines.push(String::new());
                lines.extend(card(widget, &text::caption(widget)));
            }
        }
    }
    if !page.notes.is_empty() {
        lines.extend([String::new(), "NOTES".to_owned()]);
        lines.extend(page.notes.iter().map(|note| printable(note)));
    }
    Ok(bytes(&lines))
}

/// One widget alone.
///
/// # Errors
/// None.
pub(super) fn widget(scope: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    Ok(bytes(&card(widget, &text::caption_alone(scope, widget))))
}

fn bytes(lines: &[String]) -> Vec<u8> {
    let lines = lines.iter().flat_map(|line| [line.trim_end(), "\n"]);
    lines.collect::<String>().into_bytes()
}

fn card(widget: &Widget, caption: &str) -> Vec<String> {
    let mut lines = vec![printable(&widget.title), "─".repeat(widget.title.width()), printable(caption)];
    match &widget.body {
        Body::Figures(figures) => lines.extend(self::figures(figures)),
        Body::Chart(chart) => lines.extend(self::chart(chart, &widget.table)),
        Body::Table => lines.extend(aligned(&rows(&widget.table))),
        Body::Empty(why) => {
            lines.push(printable(why));
            lines.extend(aligned(&rows(&widget.table)));
        }
    }
    lines.extend(widget.left_out.iter().map(|note| printable(note)));
    lines
}

fn figures(figures: &[Figure]) -> Vec<String> {
    columns(&figures.iter().map(text::cells).collect::<Vec<_>>(), |column| column == 1)
}

/// The headings and rows of a table; none where it has no columns.
fn rows(table: &Table) -> Vec<Vec<String>> {
    if table.columns.is_empty() || table.rows.is_empty() {
        return Vec::new();
    }
    std::iter::once(table.headings()).chain(table.rows.iter().map(|row| table.texts(row))).collect()
}

/// A chart, and every number of it.
fn chart(chart: &Chart, table: &Table) -> Vec<String> {
    match chart {
        Chart::Heatmap(heatmap) => shades(heatmap).into_iter().chain(aligned(&rows(table))).collect(),
        Chart::Lines(lines) => over_time(&lines.series, lines.y.max, table),
        Chart::Bars(bars) if bars.x.key.grain.is_some() => over_time(&bars.series, bars.y.max, table),
        Chart::Bars(bars) => with_bars(&numbers_of(bars.series.first()), bars.y.max, table),
        Chart::Gauge(gauge) => {
            let scale = gauge.scale.max;
            with_bars(&[gauge.number], scale, table)
        }
        Chart::Funnel(funnel) => {
            let numbers: Vec<Option<f64>> = funnel.stages.iter().map(|stage| Some(stage.number)).collect();
            with_bars(&numbers, numbers.iter().copied().flatten().fold(0.0, f64::max), table)
        }
    }
}

/// A line of small bars for each series, all on one scale; of one series, bars beside its numbers.
fn over_time(series: &[Series], max: f64, table: &Table) -> Vec<String> {
    if let [one] = series {
        return with_bars(&one.numbers, max, table);
    }
    let spark = |series: &Series| vec![series.name.clone(), spark(&series.numbers, max)];
    let drawn = aligned_left(&series.iter().map(spark).collect::<Vec<_>>());
    drawn.into_iter().chain([String::new()]).chain(aligned(&rows(table))).collect()
}

fn numbers_of(series: Option<&Series>) -> Vec<Option<f64>> {
    series.map(|series| series.numbers.clone()).unwrap_or_default()
}

/// The rows of a table, each with a bar for a number.
fn with_bars(numbers: &[Option<f64>], max: f64, table: &Table) -> Vec<String> {
    let cells = rows(table);
    let bars = std::iter::once(String::new()).chain(numbers.iter().map(|number| bar(*number, max)));
    let lines = aligned(&cells);
    lines
        .into_iter()
        .zip(bars.chain(std::iter::repeat(String::new())))
        .map(|(line, bar)| format!("{line}  {bar}"))
        .collect()
}

/// A bar whose longest has [`BAR_WIDTH`] columns.
fn bar(number: Option<f64>, max: f64) -> String {
    let Some(share) = share(number, max) else { return String::new() };
    let eighths = scaled(share, BAR_WIDTH * 8);
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// A small bar for each number; of many numbers, one for the largest of several that follow each other.
fn spark(numbers: &[Option<f64>], max: f64) -> String {
    let together = numbers.len().div_ceil(SPARK_WIDTH).max(1);
    let largest = |some: &[Option<f64>]| some.iter().copied().flatten().reduce(f64::max);
    let height = |number: Option<f64>| match share(number, max) {
        None => ' ',
        Some(share) => HEIGHTS.get(scaled(share, HEIGHTS.len() - 1)).copied().unwrap_or(' '),
    };
    numbers.chunks(together).map(|some| height(largest(some))).collect()
}

fn shades(heatmap: &Heatmap) -> Vec<String> {
    let max = heatmap.max();
    let shade = |number: &Option<f64>| match share(*number, max) {
        None => ' ',
        Some(share) if share <= 0.0 => '·',
        Some(share) => SHADES.get(1 + scaled(share, SHADES.len() - 2)).copied().unwrap_or(' '),
    };
    let cell = |number: &Option<f64>| [shade(number); 2].iter().collect::<String>();
    let row = |(name, numbers): (&String, &Vec<Option<f64>>)| {
        let cells: Vec<String> = numbers.iter().map(cell).collect();
        vec![name.clone(), cells.join(" ")]
    };
    let head = vec![String::new(), heatmap.columns.join(" ")];
    let rows = std::iter::once(head).chain(heatmap.rows.iter().zip(&heatmap.numbers).map(row));
    let mut lines = aligned_left(&rows.collect::<Vec<_>>());
    lines.push(String::new());
    lines
}

/// The part of the largest; nothing of a missing number.
fn share(number: Option<f64>, max: f64) -> Option<f64> {
    number.map(|number| if max > 0.0 { (number / max).clamp(0.0, 1.0) } else { 0.0 })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small number, from 0 up")]
fn scaled(share: f64, whole: usize) -> usize {
    (share * whole as f64).round() as usize
}

/// Cells in columns: the first begins at the left, numbers end at the right.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    columns(rows, |column| column > 0)
}

fn aligned_left(rows: &[Vec<String>]) -> Vec<String> {
    columns(rows, |_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_parts_of_the_largest() {
        assert_eq!([bar(Some(4.0), 4.0), bar(Some(0.0), 4.0), bar(None, 4.0)].map(|bar| bar.width()), [30, 0, 0]);
        assert_eq!(bar(Some(0.05), 1.0), "█▌");
        assert_eq!(spark(&[Some(0.0), None, Some(1.0), Some(0.5)], 1.0), "▁ █▅");
        let many: Vec<Option<f64>> = (0..365).map(|day| Some(f64::from(day))).collect();
        assert_eq!(spark(&many, 364.0).width(), 73);
    }
}
