//! Where a page in a frame leads to: from each number to all cases behind it, from a case and from a widget to its page. A file alone
//! leads nowhere.

use crate::report::cases::CasesRequest;
use crate::report::draw::paint::escaped;
use crate::report::page::Widget;
use crate::report::value::Value;

/// The addresses of other pages.
pub struct Links<'l> {
    /// Of a case.
    pub case: &'l dyn Fn(&str) -> String,
    /// Of the list of all cases that answers a request.
    pub cases: &'l dyn Fn(&CasesRequest) -> String,
    /// Of a widget, by its title.
    pub widget: Option<&'l dyn Fn(&str) -> String>,
}

/// A widget, and where its numbers lead to.
pub(super) struct Leads<'l> {
    pub widget: &'l Widget,
    pub links: Option<&'l Links<'l>>,
}

impl Leads<'_> {
    /// The title.
    pub fn title(&self) -> String {
        let title = escaped(&self.widget.title);
        match self.links.and_then(|links| links.widget) {
            Some(address) => linked(&address(&self.widget.title), &title),
            None => title,
        }
    }

    /// A text as a link to all cases of a row, or of a row and a column of numbers; the text alone where there are none.
    pub fn to_cases(&self, row: usize, column: Option<usize>, text: &str) -> String {
        let text = escaped(text);
        let Some(links) = self.links.filter(|_| self.counts_something(row, column)) else { return text };
        let behind = &self.widget.behind;
        match behind.requests(&self.widget.requests, row, column).first() {
            Some(request) => linked(&(links.cases)(request), &text),
            None => text,
        }
    }

    /// Links to all cases of the widget, a list for each request that has any; nothing of a page that leads nowhere.
    pub fn to_all_cases(&self) -> Option<String> {
        let links = self.links?;
        let link = |request: &CasesRequest| {
            let metric = self.widget.behind.metrics.iter().find(|metric| metric.name == request.metric)?;
            let text = format!("{} ({})", metric.title, metric.cases);
            Some(linked(&(links.cases)(request), &escaped(&text)))
        };
        let all: Vec<String> = self.widget.requests.iter().filter_map(link).collect();
        Some(format!("<p class=\"all\">All of them: {}</p>\n", all.join(" · ")))
    }

    /// Whether a row, or one number of it, is more than 0.
    fn counts_something(&self, row: usize, column: Option<usize>) -> bool {
        let is_something = |value: &Value| value.number().is_some_and(|number| number != 0.0);
        let values = self.widget.table.rows.get(row).map(|row| row.values.as_slice()).unwrap_or_default();
        !self.widget.behind.cases.is_empty()
            && match column {
                Some(column) => values.get(column).is_some_and(is_something),
                None => values.iter().any(is_something),
            }
    }
}

fn linked(address: &str, html: &str) -> String {
    format!("<a href=\"{}\">{html}</a>", escaped(address))
}
