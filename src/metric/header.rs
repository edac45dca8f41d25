//! A metric's file: a header with the meaning of the number, and SQL that gives its contributions (5.1, 5.3).

use super::header_lines::{FileKind, HeaderLines};
use crate::error::Error;
use crate::spelling::nearest;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Contributions have an instant (`at`), or a time (`since`, `until`) of which each bucket gets its part.
    Flow,
    /// Contributions have a time (`since`, `until`) and are read at instants.
    Stock,
    /// Two other metrics, one divided by the other.
    Ratio,
}

/// How the agent of a contribution is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentRule {
    /// The column `agent` of the metric's SQL.
    Column,
    /// `assignee_then`: the assignee at the contribution.
    AssigneeThen,
    /// `assignee_as_of`: the assignee as of the report.
    AssigneeAsOf,
}

impl AgentRule {
    /// The rules that a header can name, and the words for them on the metric's page.
    const NAMED: [(&str, &str, AgentRule); 2] = [
        ("assignee_then", "the assignee then", AgentRule::AssigneeThen),
        ("assignee_as_of", "the assignee as of the report", AgentRule::AssigneeAsOf),
    ];

    /// The rule that the header's text names; any other text describes the SQL's own column.
    fn of(text: &str) -> AgentRule {
        AgentRule::NAMED.iter().find(|(name, ..)| *name == text).map_or(AgentRule::Column, |(.., rule)| *rule)
    }

    /// The header's text in words.
    fn in_words(text: &str) -> String {
        AgentRule::NAMED.iter().find(|(name, ..)| *name == text).map_or(text, |(_, words, _)| *words).to_owned()
    }
}

/// A metric, as its file states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub title: String,
    pub meaning: String,
    /// `ms`, `share`, or what is counted, in the plural.
    pub unit: String,
    pub kind: MetricKind,
    /// The aggregation that is shown where none is asked for.
    pub aggregate: String,
    pub excludes: Vec<String>,
    pub agent: AgentRule,
    /// Every key of the header in the order of 5.3, for the metric's page.
    pub header: Vec<(String, String)>,
    /// SQL of the contributions; none of a ratio.
    pub sql: Option<String>,
    pub numerator: Option<String>,
    pub denominator: Option<String>,
    /// The metric whose contributions the SQL reads as the table `source`.
    pub source: Option<String>,
    /// Where the file is, for messages.
    pub file: String,
    /// All of the file.
    pub text: String,
    /// Line on which the SQL begins, from 1.
    pub sql_line: usize,
}

const KEYS: &[&str] = &[
    "metric",
    "title",
    "meaning",
    "unit",
    "kind",
    "aggregate",
    "date",
    "agent",
    "excludes",
    "bots",
    "reopenings",
    "spam",
    "deletion",
    "pauses",
    "example",
    "differs",
];
const RATIO_KEYS: &[&str] = &["numerator", "denominator"];
/// Keys that a header may have.
const MORE_KEYS: &[&str] = &["numerator", "denominator", "source"];
/// Keys that a ratio does without.
const NOT_OF_RATIOS: &[&str] = &["date", "aggregate"];

const FILE_KIND: FileKind = FileKind { noun: "metric", keys: KEYS, more_keys: MORE_KEYS };

impl Metric {
    /// Reads a metric's file.
    ///
    /// # Errors
    /// Everything that is wrong with the header, each with file, line and the fix.
    pub fn parse(file: &str, text: &str) -> Result<Metric, Vec<Error>> {
        let mut errors = Vec::new();
        let lines = HeaderLines::read(FILE_KIND, file, text, &mut errors);
        check_keys(&lines, &mut errors);
        let kind = kind(&lines, &mut errors);
        let is_ratio = kind == Some(MetricKind::Ratio);
        if !is_ratio {
            lines.demand_sql(&mut errors);
        }
        let (true, Some(kind)) = (errors.is_empty(), kind) else { return Err(errors) };
        let value = |key: &str| lines.value(key);
        let listed = value("excludes");
        let excludes = listed.split(';').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
        let header = KEYS.iter().chain(MORE_KEYS).filter(|key| lines.get(key).is_some());
        let optional = |key: &str| lines.get(key).map(|(_, value)| value.to_owned());
        Ok(Metric {
            name: value("metric"),
            title: value("title"),
            meaning: value("meaning"),
            unit: value("unit"),
            kind,
            aggregate: if is_ratio { "ratio".to_owned() } else { value("aggregate") },
            excludes: excludes.map(str::to_owned).collect(),
            agent: AgentRule::of(&value("agent")),
            header: header.map(|key| ((*key).to_owned(), in_words(key, value(key)))).collect(),
            sql: (!is_ratio).then(|| lines.sql.trim_end().trim_end_matches(';').to_owned()),
            numerator: optional("numerator"),
            denominator: optional("denominator"),
            source: optional("source"),
            file: file.to_owned(),
            text: text.to_owned(),
            sql_line: lines.sql_line,
        })
    }

    /// The value of a header's key, empty where it has none.
    #[must_use]
    pub fn header_value(&self, key: &str) -> &str {
        self.header.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

/// The value of a key as the metric's page shows it.
fn in_words(key: &str, value: String) -> String {
    if key == "agent" { AgentRule::in_words(&value) } else { value }
}

fn check_keys(lines: &HeaderLines<'_>, errors: &mut Vec<Error>) {
    let is_ratio = lines.get("kind").is_some_and(|(_, kind)| kind == "ratio");
    let needed = KEYS.iter().filter(|key| !(is_ratio && NOT_OF_RATIOS.contains(key)));
    lines.demand(needed.chain(RATIO_KEYS.iter().filter(|_| is_ratio)), errors);
}

fn kind(lines: &HeaderLines<'_>, errors: &mut Vec<Error>) -> Option<MetricKind> {
    let (number, text) = lines.get("kind")?;
    let kind = match text {
        "flow" => Some(MetricKind::Flow),
        "stock" => Some(MetricKind::Stock),
        "ratio" => Some(MetricKind::Ratio),
        _ => None,
    };
    if kind.is_none() {
        let near = nearest(text, ["flow", "stock", "ratio"]).unwrap_or("flow");
        let error = Error::invalid(lines.place(number), format!("`kind` is flow, stock or ratio, found `{text}`"));
        errors.push(error.with_hint(format!("did you mean `{near}`?")));
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../queries/first_response_time.sql");

    fn errors(text: &str) -> Vec<String> {
        let text_of = |error: &Error| format!("{error} / {}", error.hint().unwrap_or("-"));
        Metric::parse("q/first_response_time.sql", text).unwrap_err().iter().map(text_of).collect()
    }

    #[test]
    fn a_header_is_read() {
        let metric = Metric::parse("q/first_response_time.sql", GOOD).unwrap();
        assert_eq!((metric.kind, metric.unit.as_str(), metric.aggregate.as_str()), (MetricKind::Flow, "ms", "median"));
        assert!(metric.sql.unwrap().starts_with("SELECT"));
        assert_eq!((metric.excludes.len(), metric.sql_line), (0, 17));
    }

    #[test]
    fn every_fault_of_a_header_is_named_with_its_line() {
        let text = GOOD.replace("-- title:", "-- titel:").replace("kind: flow", "kind: flux");
        assert_eq!(
            errors(&text),
            [
                "q/first_response_time.sql:2: `titel` is not a key of a metric's header / did you mean `title`?",
                "q/first_response_time.sql:16: the header lacks `title` / add `-- title: …`",
                "q/first_response_time.sql:5: `kind` is flow, stock or ratio, found `flux` / did you mean `flow`?",
            ]
        );
        let renamed = GOOD.replace("metric: first_response_time", "metric: frt");
        assert!(errors(&renamed)[0].contains("name the file `frt.sql`"));
        let headless = GOOD.split("SELECT").next().unwrap();
        assert!(errors(headless)[0].contains("there is no SQL"));
    }
}
