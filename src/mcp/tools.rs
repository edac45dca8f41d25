//! The tools, and what each takes.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// A parameter: its name, its type, whether it is needed, and what it is.
type Parameter = (&'static str, Type, bool, &'static str);

#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Whole,
}

const TOOLS: &[(&str, &str, &[Parameter])] = &[
    ("list_metrics", "Every metric with its title, unit and meaning, and the names of the boards", &[]),
    (
        "explain_metric",
        "What a metric means: its date, its agent, what it leaves out, an example, and the SQL of its contributions",
        &[("metric", Type::Text, true, "the name of the metric")],
    ),
    (
        "ask_metric",
        "The numbers of a metric over a range, with its definition, what they were counted from and what was left out",
        &[
            ("metric", Type::Text, true, "the name of the metric"),
            ("range", Type::Text, true, "such as `2026-05`, `last 7 days` or `2026-05-01..2026-06-01`"),
            ("by", Type::Texts, false, "dimensions, such as `agent`, `priority`, `profile`"),
            ("grain", Type::Text, false, "day, week, month, quarter or year"),
            ("show", Type::Texts, false, "aggregations, such as `median`, `p90`, `count`"),
            ("where", Type::Texts, false, "filters, such as `priority=urgent`"),
            ("compare", Type::Texts, false, "such as `previous` or `year`"),
            ("sort", Type::Texts, false, "columns to sort by"),
            ("limit", Type::Whole, false, "rows at most"),
        ],
    ),
    (
        "render_widget",
        "A widget of a board as SVG, with its numbers as CSV",
        &[
            ("board", Type::Text, true, "the name of the board"),
            ("widget", Type::Text, true, "the title of the widget"),
            ("range", Type::Text, false, "the range; absent: that of the board"),
            ("where", Type::Texts, false, "filters, such as `priority=urgent`"),
        ],
    ),
    (
        "find_cases",
        "Cases of a view such as `inbox` of a user, or those whose id, customer or text has what is searched for",
        &[
            ("view", Type::Text, false, "a view; needs `user`"),
            ("user", Type::Text, false, "whose view it is"),
            ("sort", Type::Text, false, "the order of the view, such as `time_left_shortest`"),
            ("search", Type::Text, false, "an id, a customer, or words of the text"),
            ("limit", Type::Whole, false, "cases at most; absent: 50"),
        ],
    ),
    (
        "explain_case",
        "What happened in a case, and why its numbers are what they are: policy, targets, ledgers of its clocks, findings",
        &[("case", Type::Text, true, "the id of the case")],
    ),
    (
        "sql",
        "Rows of a query that only reads; `SELECT table_name, column_name FROM information_schema.columns` lists the columns",
        &[("query", Type::Text, true, "one SELECT"), ("limit", Type::Whole, false, "rows at most; absent: 200")],
    ),
];

/// Every tool.
pub(super) fn all() -> Vec<Tool> {
    let tool = |(name, about, parameters): &(&'static str, &'static str, &[Parameter])| {
        let annotations = ToolAnnotations::new().read_only(true);
        Tool::new(*name, *about, Arc::new(schema(parameters))).with_annotations(annotations)
    };
    TOOLS.iter().map(tool).collect()
}

fn schema(parameters: &[Parameter]) -> Map<String, Value> {
    let property = |(name, kind, _, about): &Parameter| {
        let property = match kind {
            Type::Text => json!({"type": "string", "description": about}),
            Type::Texts => json!({"type": "array", "items": {"type": "string"}, "description": about}),
            Type::Whole => json!({"type": "integer", "minimum": 1, "description": about}),
        };
        ((*name).to_owned(), property)
    };
    let properties: Map<String, Value> = parameters.iter().map(property).collect();
    let required: Vec<&str> = parameters.iter().filter(|one| one.2).map(|one| one.0).collect();
    let members = [
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("required", json!(required)),
        ("additionalProperties", json!(false)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
