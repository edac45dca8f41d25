//! The numbers of a widget as an HTML table. Cells hold what they are sorted by beside what people read.

use super::links::Leads;
use crate::report::draw::paint::escaped;
use crate::report::table::{Row, Table};
use crate::report::value::{Bucket, Load, Value};

/// The table of a widget whose heading has that id.
pub(super) fn table(leads: &Leads<'_>, id: &str) -> String {
    let (table, title) = (&leads.widget.table, &leads.widget.title);
    if table.rows.is_empty() {
        return "<p class=\"empty\">no rows</p>\n".to_owned();
    }
    let heading =
        |(index, text): (usize, String)| format!("<th scope=\"col\"{}>{}</th>", aligned(index), escaped(&text));
    let headings: String = table.headings().into_iter().enumerate().map(heading).collect();
    let rows: String = table.rows.iter().enumerate().map(|(at, row)| table_row(leads, at, row)).collect();
    let sortable = if is_sortable(table) { " class=\"sortable\"" } else { "" };
    // The frame scrolls sideways on a phone, so it must be reachable by keyboard and have a name.
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table{sortable} aria-labelledby=\"{id}\">\n\
         <thead><tr>{headings}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
        escaped(&format!("numbers of {title}")),
    )
}

/// Whether its rows can be in another order: numbers of different units have none.
fn is_sortable(table: &Table) -> bool {
    table.rows.len() > 1 && table.columns.iter().all(|column| column.unit.is_some())
}

fn table_row(leads: &Leads<'_>, at: usize, row: &Row) -> String {
    let values = std::iter::once(row.keys.first()).chain(row.values.iter().map(Some));
    let cell = |(index, (text, value)): (usize, (String, Option<&Value>))| {
        let text = leads.to_cases(at, index.checked_sub(1), &text);
        let sorted_by = value.map(sorted_by).unwrap_or_default();
        match value.and_then(Value::load) {
            _ if index == 0 => format!("<th scope=\"row\"{sorted_by}>{text}</th>"),
            Some(load) => format!("<td class=\"number {}\"{sorted_by}>{text}</td>", load_class(load)),
            None => format!("<td{}{sorted_by}>{text}</td>", aligned(index)),
        }
    };
    format!(
        "<tr>{}</tr>\n",
        leads.widget.table.texts(row).into_iter().zip(values).enumerate().map(cell).collect::<String>()
    )
}

/// The number of a value, the instant of a bucket in milliseconds, nothing where nothing is; texts are their own.
fn sorted_by(value: &Value) -> String {
    match value {
        Value::Missing => " data-value=\"\"".to_owned(),
        Value::Bucket(Bucket { start, .. }) => format!(" data-value=\"{}\"", start.0),
        other => other.number().map(|number| format!(" data-value=\"{number}\"")).unwrap_or_default(),
    }
}

/// Green, black or red (2.5); what is above is bold, too, for those who see no red.
fn load_class(load: Load) -> &'static str {
    match load {
        Load::Free => "free",
        Load::Within => "within",
        Load::Above => "above",
    }
}

/// The keys in the first column start at its left, numbers end at the right.
pub(super) fn aligned(index: usize) -> &'static str {
    if index == 0 { "" } else { " class=\"number\"" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::range::Grain;
    use crate::metric::unit::Unit;
    use crate::model::time::Instant;
    use crate::report::cases::CaseList;
    use crate::report::page::{Body, Widget};
    use crate::report::table::{Column, Key};

    fn table(table: &Table, title: &str, id: &str) -> String {
        let widget = Widget {
            title: title.to_owned(),
            width: 6,
            what: String::new(),
            cases: String::new(),
            left_out: Vec::new(),
            requests: Vec::new(),
            behind: CaseList::default(),
            body: Body::Table,
            table: table.clone(),
        };
        super::table(&Leads { widget: &widget, links: None }, id)
    }

    fn numbers(keys: Vec<Value>, values: Vec<Value>) -> Table {
        let unit = Unit::Count("cases".to_owned());
        let columns = values.iter().map(|_| Column::new("cases", "cases", unit.clone())).collect();
        Table { keys: vec![Key::named("day"); keys.len()], columns, rows: vec![Row { keys, values }] }
    }

    #[test]
    fn the_numbers_are_in_a_table_with_headings_and_a_name() {
        let html =
            table(&numbers(vec![Value::Text("1 <May>".to_owned())], vec![Value::Text("<2>".to_owned())]), "a & b", "w");
        assert!(html.contains("<th scope=\"col\" class=\"number\">cases</th>"), "{html}");
        assert!(html.contains("<th scope=\"row\">1 &lt;May&gt;</th><td class=\"number\">&lt;2&gt;</td>"), "{html}");
        assert!(
            html.contains("aria-label=\"numbers of a &amp; b\"") && html.contains(" aria-labelledby=\"w\""),
            "{html}"
        );
    }

    #[test]
    fn cells_hold_what_they_are_sorted_by() {
        let zone = jiff::tz::TimeZone::UTC;
        let day = Value::Bucket(Bucket { start: Instant(86_400_000), grain: Grain::Day, zone, so_far: false });
        let values = vec![
            Value::Duration(5_400_000.25),
            Value::Missing,
            Value::OutOf(3.0, Some(2.0)),
            Value::Change(-0.05, Unit::Share),
        ];
        let html = table(&numbers(vec![day], values), "a", "w");
        let row = "<tr><th scope=\"row\" data-value=\"86400000\">Fri 2 Jan</th>\
                   <td class=\"number\" data-value=\"5400000.25\">1h 30m</td><td class=\"number\" data-value=\"\">–</td>\
                   <td class=\"number above\" data-value=\"3\">3/2</td>\
                   <td class=\"number\" data-value=\"-0.05\">−5.0 points</td></tr>";
        assert!(html.contains(row), "{html}");
        let without_value = table(&numbers(vec![Value::Missing], vec![Value::Count(1.0)]), "a", "w");
        assert!(without_value.contains("<th scope=\"row\" data-value=\"\">none</th>"), "{without_value}");
    }

    #[test]
    fn one_row_and_numbers_of_several_units_are_not_sorted() {
        let mut counts = numbers(vec![Value::Missing], vec![Value::Count(1.0)]);
        assert!(!is_sortable(&counts));
        counts.rows.push(counts.rows[0].clone());
        assert!(is_sortable(&counts));
        assert!(table(&counts, "a", "w").contains("<table class=\"sortable\" "));
        counts.columns[0].unit = None;
        assert!(!is_sortable(&counts));
    }
}
