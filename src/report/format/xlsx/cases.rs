//! The cases that the widgets of a page list, a row for each widget and case.

use rust_xlsxwriter::Worksheet;

use super::cells::{Written, count_format, excel_time, heading, number_format};
use crate::export::workbook::{DURATION, MS_A_DAY};
use crate::report::cases::{CaseList, ListedCase};
use crate::report::page::Page;
use crate::report::value::Value;

/// The name of its place in the workbook.
pub(super) const CASES: &str = "Cases";

/// The headings, each with the width of its column.
const COLUMNS: [(&str, f64); 7] = [
    ("Widget", 34.0),
    ("Metric", 30.0),
    ("Case", 22.0),
    ("Instant", 19.0),
    ("Value", 15.0),
    ("Value (s)", 15.0),
    ("Groups", 40.0),
];

/// Writes them into an empty worksheet.
pub(super) fn cases(rows: &mut Worksheet, page: &Page) -> Written {
    rows.set_name(CASES)?;
    for (column, (name, width)) in (0..).zip(COLUMNS) {
        rows.write_with_format(0, column, name, &heading())?;
        rows.set_column_width(column, width)?;
    }
    let listed = page.widgets().flat_map(|widget| widget.behind.cases.iter().map(move |case| (widget, case)));
    for (row, (widget, case)) in (1..).zip(listed) {
        rows.write(row, 0, &widget.title)?;
        let metric = widget.behind.metrics.get(case.metric).map(|metric| metric.title.as_str());
        rows.write(row, 1, metric.unwrap_or_default())?;
        rows.write(row, 2, &case.case)?;
        let at = excel_time(case.at.to_local(page.scope.range.zone()))?;
        rows.write_with_format(row, 3, &at, &number_format("yyyy-mm-dd hh:mm:ss"))?;
        value(rows, row, case)?;
        rows.write(row, 6, groups(&widget.behind, case))?;
    }
    rows.set_freeze_panes(1, 0)?;
    rows.set_repeat_rows(0, 0)?;
    rows.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}

/// The value, and its plain seconds beside it where it is a duration.
fn value(rows: &mut Worksheet, row: u32, case: &ListedCase) -> Written {
    let Some(number) = case.value.number() else { return Ok(()) };
    match case.value {
        Value::Duration(ms) => {
            rows.write_with_format(row, 4, ms / MS_A_DAY, &number_format(DURATION))?;
            rows.write_with_format(row, 5, ms / 1000.0, &number_format("0.0##"))?;
        }
        _ => {
            rows.write_with_format(row, 4, number, &count_format(number))?;
        }
    }
    Ok(())
}

fn groups(list: &CaseList, case: &ListedCase) -> String {
    let groups = list.dimensions.iter().zip(&case.groups);
    groups
        .map(|(key, group)| format!("{} {}", key.name.replace('_', " "), key.text(group)))
        .collect::<Vec<_>>()
        .join("; ")
}
