//! From a dashboard to a page: asks every widget's question and decides everything a reader sees.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMillisecondType;
use datafusion::prelude::SessionContext;

use super::chart::{self, bucket_label};
use super::dashboard::{ChartKind, Compare, Dashboard, DashboardRow, MetricPlan, WidgetPlan};
use super::figure;
use super::page::{Body, Fact, Page, Row, Table, Widget};
use super::table;
use crate::error::Result;
use crate::facts::manifest::Pointer;
use crate::metric::aggregation::Aggregation;
use crate::metric::dimension::Dimension;
use crate::metric::header::MetricKind;
use crate::metric::question::{Answer, Filter, Question};
use crate::metric::range::{Grain, Range};
use crate::metric::ratio::Side;
use crate::metric::unit::{Unit, number_text};
use crate::metric::{Catalogue, zone_name};
use crate::model::time::Instant;

/// What a page is made from.
pub struct Sources<'a> {
    pub context: &'a SessionContext,
    pub catalogue: &'a Catalogue,
    pub pointer: &'a Pointer,
    pub range: Range,
    /// The present, which only the command line knows.
    pub now: Instant,
}

/// The page that answers a dashboard.
///
/// # Errors
/// When a metric cannot be cut as a widget wants it, or the engine fails.
pub async fn page(dashboard: &Dashboard, sources: &Sources<'_>) -> Result<Page> {
    let begins = log_begins(sources.context).await?;
    let mut rows = Vec::new();
    for row in &dashboard.rows {
        rows.push(build_row(dashboard, row, sources, begins).await?);
    }
    let filters = dashboard
        .filters
        .iter()
        .map(|filter| format!("{} = {}", filter.dimension.name, filter.value.as_deref().unwrap_or("none")));
    let mut facts = vec![
        fact("Range", sources.range.text()),
        fact("Zone", zone_name(sources.range.zone())),
        fact("As of", sources.as_of_text()),
        fact(
            "Log",
            format!("batch {}, {} events", sources.pointer.last_batch, number_text(sources.pointer.events as f64)),
        ),
    ];
    facts.extend(filters.map(|filter| fact("Only", filter)));
    let (title, description) = (dashboard.title.clone(), dashboard.description.clone());
    Ok(Page { title, description, facts, rows, notes: notes(sources.pointer) })
}

fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value }
}

/// The time of the first event; nothing of an empty log.
async fn log_begins(context: &SessionContext) -> Result<Option<Instant>> {
    let batches = context.sql("SELECT min(time) AS begins FROM events").await?.collect().await?;
    let first = batches.iter().find_map(|batch| {
        let times = batch.column_by_name("begins")?.as_primitive_opt::<TimestampMillisecondType>()?;
        times.iter().next().flatten()
    });
    Ok(first.map(Instant))
}

fn notes(pointer: &Pointer) -> Vec<String> {
    let noun = if pointer.findings == 1 { "finding" } else { "findings" };
    let text = match pointer.findings {
        0 => "No finding in the whole log: nothing contradicts the model.".to_owned(),
        count => format!(
            "{} {noun} in the whole log, not of this range alone: casebook sql \"SELECT rule, count(*) FROM findings WHERE severity <> 'hidden' GROUP BY rule\"",
            number_text(count as f64)
        ),
    };
    vec![text]
}

impl Sources<'_> {
    pub(super) fn as_of(&self) -> Instant {
        self.range.as_of(self.now)
    }

    /// The as-of on the clock of the page's zone, to the minute that has been completed.
    fn as_of_text(&self) -> String {
        let local = self.as_of().to_timestamp().to_zoned(self.range.zone().clone());
        local.strftime("%-d %B %Y, %H:%M:%S").to_string()
    }

    pub(super) async fn answer(&self, question: &Question) -> Result<Answer> {
        question.answer(self.context, self.catalogue).await
    }
}

async fn build_row(
    dashboard: &Dashboard,
    row: &DashboardRow,
    sources: &Sources<'_>,
    begins: Option<Instant>,
) -> Result<Row> {
    let mut widgets = Vec::new();
    for plan in &row.widgets {
        widgets.push(Asking { dashboard, plan, sources, begins }.build().await?);
    }
    Ok(Row { title: row.title.clone(), widgets })
}

/// One widget being answered.
pub(super) struct Asking<'a> {
    pub dashboard: &'a Dashboard,
    pub plan: &'a WidgetPlan,
    pub sources: &'a Sources<'a>,
    /// When the log begins.
    pub begins: Option<Instant>,
}

impl Asking<'_> {
    async fn build(&self) -> Result<Widget> {
        match self.plan.chart {
            ChartKind::Number => figure::build(self).await,
            ChartKind::Line | ChartKind::Area => chart::lines(self).await,
            ChartKind::Bar | ChartKind::StackedBar => chart::bars(self).await,
            ChartKind::Heatmap => chart::heatmap(self).await,
            ChartKind::Histogram => chart::histogram(self).await,
            ChartKind::Table => table::build(self).await,
        }
    }

    /// The first metric, which charts are about.
    pub fn metric(&self) -> Option<&MetricPlan> {
        self.plan.metrics.first()
    }

    /// The question about a metric, cut as named.
    pub fn question(&self, metric: &MetricPlan, by: &[Dimension], grain: Option<Grain>) -> Question {
        Question {
            metric: metric.metric.clone(),
            by: by.to_vec(),
            grain,
            range: self.sources.range.clone(),
            as_of: self.sources.as_of(),
            show: metric.show.clone(),
            filters: self.dashboard.filters.clone(),
        }
    }

    /// The widget's grain, else one that suits the range.
    pub fn grain(&self) -> Grain {
        self.plan.grain.unwrap_or(match self.sources.range.days() {
            days if days <= 2 => Grain::Hour,
            days if days <= 92 => Grain::Day,
            days if days <= 731 => Grain::Week,
            _ => Grain::Month,
        })
    }

    /// The range that the widget compares with, and what it is called.
    pub fn compared(&self) -> Option<(Range, String)> {
        let range = &self.sources.range;
        self.plan.compare.map(|compare| match compare {
            Compare::Previous => (range.previous(), range.previous_name()),
            Compare::Year => (range.year_before(), "the year before".to_owned()),
        })
    }

    /// Whether the present cuts the range.
    pub fn is_running(&self) -> bool {
        self.sources.as_of() < self.sources.range.to.plus_ms(-1)
    }

    /// What a chart's numbers are of: aggregations and unit.
    pub fn what(&self, answer: &Answer) -> String {
        let shown: Vec<&str> = answer.show.iter().map(Aggregation::name).collect();
        let unit = answer
            .show
            .first()
            .map_or_else(|| answer.metric.unit.clone(), |shown| Unit::of(&answer.metric, shown).name().to_owned());
        match answer.metric.unit.as_str() {
            _ if self.plan.chart == ChartKind::Histogram => "contributions".to_owned(),
            "ms" => format!("{} {unit}", shown.join(", ")),
            _ => unit,
        }
    }

    /// The widget around its body. The answers are those of the widget's metrics, in their order.
    pub fn widget(&self, what: &str, answers: &[Answer], body: Body, table: Table) -> Widget {
        let body =
            if answers.iter().all(|answer| self.is_empty(answer)) { Body::Empty(self.empty_text()) } else { body };
        let answered = self.distinct(answers);
        Widget {
            title: self.plan.title.clone(),
            width: self.plan.width,
            caption: self.caption(what, &answered),
            left_out: left_out(&answered),
            cases_command: self.cases_command(),
            body,
            table,
        }
    }

    /// The answers with the titles of their metrics, each metric once.
    fn distinct<'b>(&'b self, answers: &'b [Answer]) -> Vec<(&'b str, &'b Answer)> {
        let mut answered: Vec<(&str, &Answer)> = Vec::new();
        for (metric, answer) in self.plan.metrics.iter().zip(answers) {
            if answered.iter().all(|(_, known)| known.metric.name != answer.metric.name) {
                answered.push((&metric.title, answer));
            }
        }
        answered
    }

    /// Whether there is nothing to show: a stock that was read as 0 is something, unless it was read before the log
    /// begins.
    fn is_empty(&self, answer: &Answer) -> bool {
        let as_of = self.sources.as_of();
        let is_outside = as_of < self.sources.range.from || self.begins.is_none_or(|begins| as_of < begins);
        match answer.metric.kind {
            MetricKind::Flow => answer.contributions == 0,
            MetricKind::Stock if is_outside => true,
            MetricKind::Stock | MetricKind::Ratio => {
                answer.rows.iter().all(|row| row.values.iter().all(Option::is_none))
            }
        }
    }

    /// Unit, range, zone, as-of and number of cases: of several metrics, each one's.
    fn caption(&self, what: &str, answered: &[(&str, &Answer)]) -> String {
        let range = &self.sources.range;
        let cases = match answered {
            [(_, answer)] if answer.cases == 1 => "1 case".to_owned(),
            [(_, answer)] => format!("{} cases", number_text(answer.cases as f64)),
            several => {
                let each =
                    several.iter().map(|(title, answer)| format!("{title} {}", number_text(answer.cases as f64)));
                format!("cases: {}", each.collect::<Vec<_>>().join(", "))
            }
        };
        format!(
            "{what} · {} · {} · as of {} · {cases}",
            range.text(),
            zone_name(range.zone()),
            self.sources.as_of_text()
        )
    }

    /// What a widget without data says.
    fn empty_text(&self) -> String {
        format!("No data in {}.", self.sources.range.text())
    }

    /// The commands that list the cases behind the widget, one a line and metric.
    fn cases_command(&self) -> String {
        let mut names: Vec<String> =
            self.plan.metrics.iter().flat_map(|metric| self.listable(&metric.metric)).collect();
        let mut known = BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        let range = &self.sources.range;
        let mut dimensions: Vec<&str> = self.plan.by.iter().map(|dimension| dimension.name.as_str()).collect();
        if self.plan.chart == ChartKind::Heatmap {
            dimensions.extend(chart::HEATMAP_DIMENSIONS);
        }
        let by: String = dimensions.iter().map(|name| format!(" --by {}", quoted(name))).collect();
        let filters: String =
            self.dashboard.filters.iter().map(|filter| format!(" --where {}", where_text(filter))).collect();
        let rest = format!("--range {} --tz {}{filters}{by} --cases", range.typed(), zone_name(range.zone()));
        names.iter().map(|name| format!("casebook metric {name} {rest}")).collect::<Vec<_>>().join("\n")
    }

    /// The metrics whose cases stand behind a metric: itself, or both sides of a ratio, which has none of its own.
    fn listable(&self, name: &str) -> Vec<String> {
        let Ok(metric) = self.sources.catalogue.get(name) else { return vec![name.to_owned()] };
        let sides: Vec<String> = [&metric.numerator, &metric.denominator]
            .into_iter()
            .flatten()
            .filter_map(|side| Side::parse(side).ok())
            .map(|side| side.metric)
            .collect();
        if sides.is_empty() { vec![name.to_owned()] } else { sides }
    }

    /// The label of a bucket on the page.
    pub fn label(&self, bucket: Instant, grain: Grain) -> String {
        bucket_label(bucket, grain, self.sources.range.zone())
    }
}

/// What each metric left out; of several metrics, under their titles.
fn left_out(answered: &[(&str, &Answer)]) -> Vec<String> {
    let mut texts = Vec::new();
    for (title, answer) in answered {
        let whose = if answered.len() > 1 { format!("{title}: ") } else { String::new() };
        let counted = answer.left_out.iter().filter(|(_, count)| *count > 0);
        texts.extend(counted.map(|(name, count)| format!("{whose}{} left out: {name}.", number_text(*count as f64))));
    }
    texts
}

fn where_text(filter: &Filter) -> String {
    quoted(&format!("{}={}", filter.dimension.name, filter.value.as_deref().unwrap_or("")))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._=@-".contains(letter);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        let words =
            ["platform=email", "customer=", "agent@now=a-b", "field.size=very large", "agent=O'Neil"].map(quoted);
        let expected =
            ["platform=email", "customer=", "agent@now=a-b", "'field.size=very large'", r"'agent=O'\''Neil'"];
        assert_eq!(words, expected);
    }
}
