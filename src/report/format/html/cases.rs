//! The list of cases under a widget, whose rows lead to the timelines at the end of the page.

use serde_json::json;

use super::anchors::Anchors;
use super::links::Leads;
use super::table::aligned;
use crate::report::cases::{CaseList, CasesRequest, ListedCase, Narrowing, quoted};
use crate::report::draw::paint::escaped;
use crate::report::table::capitalized;
use crate::report::value::Value;

/// The list, with the command that lists all cases; nothing of a widget without cases.
pub(super) fn list(leads: &Leads<'_>, anchors: &Anchors<'_>) -> String {
    let widget = leads.widget;
    let list = &widget.behind;
    if list.cases.is_empty() {
        return String::new();
    }
    let columns = Columns::of(list);
    let heading = |(name, class): (String, &str)| format!("<th scope=\"col\"{class}>{}</th>", escaped(&name));
    let headings: String = columns.headings(list).into_iter().map(heading).collect();
    let rows: String = list.cases.iter().map(|case| columns.row(list, case, anchors)).collect();
    format!(
        "<details class=\"behind\"{}{}>\n<summary>Cases behind this <span>{}</span></summary>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table>\n\
         <thead><tr>{headings}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n{}</details>\n",
        narrowings("rows", &list.of_rows),
        narrowings("columns", &list.of_columns),
        escaped(&list.text()),
        escaped(&format!("cases behind {}", widget.title)),
        leads.to_all_cases().unwrap_or_else(|| command(&widget.cases_command())),
    )
}

/// What the script puts into the commands, part by part.
fn narrowings(name: &str, parts: &[Narrowing]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let part = |part: &Narrowing| {
        let filters: Vec<String> = part.filters.iter().map(|filter| quoted(filter)).collect();
        let commands: Vec<String> = part.requests.iter().map(CasesRequest::command).collect();
        json!({ "range": part.range, "filters": filters, "commands": commands })
    };
    let parts: Vec<_> = parts.iter().map(part).collect();
    format!(" data-{name}=\"{}\"", escaped(&serde_json::Value::from(parts).to_string()))
}

fn command(commands: &str) -> String {
    let text = breakable(commands);
    format!("<p class=\"all\">All of them:</p>\n<pre tabindex=\"0\"><code>{text}</code></pre>\n")
}

/// Commands that go on in the next line between their words, not inside of `--range`.
pub(super) fn breakable(commands: &str) -> String {
    escaped(commands).replace(' ', " <wbr>")
}

/// Which columns a list has beside the case, the instant and the dimensions.
struct Columns {
    metric: bool,
    /// Left out where every value is 1: the case is counted.
    value: bool,
}

impl Columns {
    fn of(list: &CaseList) -> Columns {
        let is_counted = list.cases.iter().all(|case| case.value == Value::Count(1.0));
        Columns { metric: list.metrics.len() > 1, value: !is_counted }
    }

    fn headings(&self, list: &CaseList) -> Vec<(String, &'static str)> {
        let is_since = list.metrics.iter().all(|metric| metric.is_since);
        let mut headings = vec![("Case".to_owned(), "")];
        headings.extend(self.metric.then(|| ("Metric".to_owned(), "")));
        headings.push((if is_since { "Since" } else { "At" }.to_owned(), ""));
        headings.extend(self.value.then(|| ("Value".to_owned(), aligned(1))));
        headings.extend(list.dimensions.iter().map(|key| (capitalized(&key.name).replace('_', " "), "")));
        headings
    }

    fn row(&self, list: &CaseList, case: &ListedCase, anchors: &Anchors<'_>) -> String {
        let metric = list.metrics.get(case.metric).map(|metric| metric.title.as_str()).unwrap_or_default();
        let at = case.at.to_local(&anchors.zone).strftime("%a %-d %b %Y, %H:%M").to_string();
        let mut cells = format!("<th scope=\"row\">{}</th>", anchors.link(&case.case));
        if self.metric {
            cells += &format!("<td>{}</td>", escaped(metric));
        }
        cells += &format!("<td>{}</td>", escaped(&at));
        if self.value {
            let number = case.value.number().map(|number| format!(" data-value=\"{number}\"")).unwrap_or_default();
            cells += &format!("<td class=\"number\"{number}>{}</td>", escaped(&case.value_text()));
        }
        for (key, group) in list.dimensions.iter().zip(&case.groups) {
            cells += &format!("<td>{}</td>", escaped(&key.text(group)));
        }
        let place = |name: &str, at: Option<usize>| at.map(|at| format!(" data-{name}=\"{at}\"")).unwrap_or_default();
        format!("<tr{}{}>{cells}</tr>\n", place("row", case.place.row), place("column", case.place.column))
    }
}
