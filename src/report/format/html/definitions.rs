//! What the metrics of a page mean, at its end.

use crate::report::draw::paint::escaped;
use crate::report::page::Definition;

/// A list of the definitions, which opens where it is clicked.
pub(super) fn definitions(all: &[Definition]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let items: String = all.iter().map(definition).collect();
    format!(
        "<section class=\"definitions\" aria-labelledby=\"definitions-title\">\n<h2 id=\"definitions-title\">Definitions</h2>\n\
         <details>\n<summary>What the numbers mean</summary>\n<dl>\n{items}</dl>\n</details>\n</section>\n"
    )
}

fn definition(Definition { name, title, meaning, details }: &Definition) -> String {
    let detail =
        |(key, value): &(String, String)| format!("<dd class=\"detail\">{}: {}</dd>\n", escaped(key), escaped(value));
    let details: String = details.iter().map(detail).collect();
    format!(
        "<dt id=\"definition-{name}\">{} <code>{name}</code></dt>\n<dd>{}</dd>\n{details}",
        escaped(title),
        escaped(meaning),
        name = escaped(name),
    )
}
