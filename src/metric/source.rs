//! A metric that reads the contributions of another: `source: METRIC` in its header, and `source` as a table in its SQL.
//!
//! The SQL of the other metric becomes a common table of its own, so both have the same parameters.

use std::collections::BTreeMap;

use super::header::{Metric, MetricKind};
use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

impl Metric {
    /// The metric with the SQL of its source in its own.
    ///
    /// # Errors
    /// When `metrics` has no such source, or it is a ratio, or it comes back to a metric before it.
    pub(super) fn with_source(&self, metrics: &BTreeMap<String, Metric>) -> Result<Metric> {
        let Some(name) = &self.source else { return Ok(self.clone()) };
        let wrong = |message: String| Error::invalid(&self.file, message);
        if self.kind == MetricKind::Ratio {
            return Err(wrong("a ratio has no `source`".to_owned()).with_hint("it divides two metrics"));
        }
        let mut chain = vec![self.name.as_str()];
        let mut sources = Vec::new();
        let mut next = Some(name);
        while let Some(name) = next {
            let Some(source) = metrics.get(name) else {
                let near = did_you_mean(name, metrics.keys().map(String::as_str));
                return Err(wrong(format!("`source` names `{name}`, which is not a metric"))
                    .with_hint(near.unwrap_or_else(|| "`casebook metric` lists them".to_owned())));
            };
            if chain.contains(&source.name.as_str()) {
                return Err(wrong(format!("`source` leads back to `{name}`"))
                    .with_hint("name a metric whose SQL reads tables alone"));
            }
            let Some(sql) = source.sql.as_deref() else {
                return Err(wrong(format!("`source` names `{name}`, a ratio, which has no contributions"))
                    .with_hint("name the metric that it divides, or the one that it is divided by"));
            };
            chain.push(&source.name);
            sources.push(sql);
            next = source.source.as_ref();
        }
        let own = self.sql.as_deref().unwrap_or_default();
        let innermost = sources.pop().unwrap_or_default().to_owned();
        let source = sources.into_iter().rev().fold(innermost, |source, sql| with_table(sql, &source));
        let sql = with_table(own, &source);
        let lines_before = sql.matches('\n').count() - own.matches('\n').count();
        let sql_line = self.sql_line.saturating_sub(lines_before);
        Ok(Metric { sql: Some(sql), sql_line, source: None, ..self.clone() })
    }
}

/// SQL that has other SQL as its common table `source`. The lines of the first stay whole, at the end.
fn with_table(sql: &str, source: &str) -> String {
    let code = sql.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("--")).unwrap_or_default();
    let first = code.split(char::is_whitespace).next().unwrap_or_default();
    let rest = match first.eq_ignore_ascii_case("with") {
        // Its own common tables follow.
        true => sql.replacen(first, ",", 1),
        false => sql.to_owned(),
    };
    format!("WITH source AS (\n{source}\n)\n{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = include_str!("../../queries/first_response_time.sql");

    fn metric(name: &str, source: &str, sql: &str) -> Metric {
        let header =
            HEADER.split("SELECT").next().unwrap().replace("metric: first_response_time", &format!("metric: {name}"));
        let source = if source.is_empty() { String::new() } else { format!("-- source: {source}\n") };
        Metric::parse(&format!("{name}.sql"), &format!("{header}{source}{sql}")).unwrap()
    }

    #[test]
    fn a_source_may_have_a_source_and_own_tables_follow() {
        let metrics = [
            metric("first", "", "SELECT 1 AS value"),
            metric("second", "first", "WITH a AS (SELECT 2) SELECT * FROM source, a"),
            metric("third", "second", "\n-- A comment.\nSELECT * FROM source"),
            metric("round", "trip", "SELECT 1"),
            metric("trip", "round", "SELECT 1"),
        ];
        let metrics: BTreeMap<String, Metric> =
            metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect();
        let third = metrics["third"].with_source(&metrics).unwrap();
        let expected = "WITH source AS (\nWITH source AS (\nSELECT 1 AS value\n)\n, a AS (SELECT 2) SELECT * FROM source, a\n)\n\n\
                        -- A comment.\nSELECT * FROM source";
        assert_eq!(third.sql.as_deref(), Some(expected));
        let own_line = metrics["third"].sql_line;
        assert_eq!(third.sql_line + 6, own_line, "an error in the own SQL is placed in the file");
        let error = |metric: Metric| {
            let error = metric.with_source(&metrics).unwrap_err();
            format!("{error} / {}", error.hint().unwrap())
        };
        assert_eq!(
            error(metrics["round"].clone()),
            "round.sql: `source` leads back to `round` / name a metric whose SQL reads tables alone"
        );
        assert_eq!(
            error(metric("x", "frist", "SELECT 1")),
            "x.sql: `source` names `frist`, which is not a metric / did you mean `first`?"
        );
    }
}
