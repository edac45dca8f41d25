//! From a dashboard to a page: asks every widget's question and decides everything a reader sees.

use datafusion::prelude::SessionContext;

use super::chart::{self, bucket_label};
use super::dashboard::{ChartKind, Compare, Dashboard, DashboardRow, MetricPlan, WidgetPlan};
use super::figure;
use super::page::{Body, Fact, Page, Row, Widget};
use super::table;
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::dimension::Dimension;
use crate::metric::question::{Answer, Question};
use crate::metric::range::{Grain, Range};
use crate::metric::unit::{Unit, number_text};
use crate::metric::{Catalogue, zone_name};
use crate::model::time::Instant;
use crate::replay::facts::Pointer;

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
    let mut rows = Vec::new();
    for row in &dashboard.rows {
        rows.push(build_row(dashboard, row, sources).await?);
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
            format!("version {}, {} events", sources.pointer.log_version, number_text(sources.pointer.events as f64)),
        ),
    ];
    facts.extend(filters.map(|filter| fact("Only", filter)));
    let (title, description) = (dashboard.title.clone(), dashboard.description.clone());
    Ok(Page { title, description, facts, rows, notes: notes(sources.pointer) })
}

fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value }
}

fn notes(pointer: &Pointer) -> Vec<String> {
    let text = match pointer.findings {
        0 => "No event of the log contradicts the model.".to_owned(),
        1 => "1 event of the log contradicts the model: casebook sql \"SELECT * FROM findings\"".to_owned(),
        count => format!(
            "{} findings (events that contradict the model) stand in the whole log: casebook sql \"SELECT rule, count(*) FROM findings GROUP BY rule\"",
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

async fn build_row(dashboard: &Dashboard, row: &DashboardRow, sources: &Sources<'_>) -> Result<Row> {
    let mut widgets = Vec::new();
    for plan in &row.widgets {
        widgets.push(Asking { dashboard, plan, sources }.build().await?);
    }
    Ok(Row { title: row.title.clone(), widgets })
}

/// One widget being answered.
pub(super) struct Asking<'a> {
    pub dashboard: &'a Dashboard,
    pub plan: &'a WidgetPlan,
    pub sources: &'a Sources<'a>,
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

    /// The widget around its body.
    pub fn widget(&self, answer: &Answer, body: Body, table: super::page::Table) -> Widget {
        let shown: Vec<&str> = answer.show.iter().map(Aggregation::name).collect();
        let unit = answer
            .show
            .first()
            .map_or_else(|| answer.metric.unit.clone(), |shown| Unit::of(&answer.metric, shown).name().to_owned());
        let what = match answer.metric.unit.as_str() {
            _ if self.plan.chart == ChartKind::Histogram => "contributions".to_owned(),
            "ms" => format!("{} {unit}", shown.join(", ")),
            _ => unit,
        };
        let body = if answer.contributions == 0 { Body::Empty(self.empty_text()) } else { body };
        Widget {
            title: self.plan.title.clone(),
            width: self.plan.width,
            caption: self.caption(&what, answer.cases),
            left_out: left_out(answer),
            cases_command: self.cases_command(),
            body,
            table,
        }
    }

    /// Unit, range, zone, as-of and number of cases.
    pub fn caption(&self, what: &str, cases: i64) -> String {
        let range = &self.sources.range;
        let cases = if cases == 1 { "1 case".to_owned() } else { format!("{} cases", number_text(cases as f64)) };
        format!(
            "{what} · {} · {} · as of {} · {cases}",
            range.text(),
            zone_name(range.zone()),
            self.sources.as_of_text()
        )
    }

    /// What a widget without data says.
    pub fn empty_text(&self) -> String {
        format!("No data in {}.", self.sources.range.text())
    }

    /// The command that lists the cases behind the widget; of several metrics, one at a time.
    pub fn cases_command(&self) -> String {
        let names: Vec<&str> = self.plan.metrics.iter().map(|metric| metric.metric.as_str()).collect();
        let metric = names.join("|");
        let range = &self.sources.range;
        let zone = zone_name(range.zone());
        let zone = if zone == "UTC" { String::new() } else { format!(" --tz {zone}") };
        let by: String = self.plan.by.iter().map(|dimension| format!(" --by {}", dimension.name)).collect();
        format!("casebook metric {metric} --range {}{zone}{by} --cases", range.typed())
    }

    /// The label of a bucket on the page.
    pub fn label(&self, bucket: Instant, grain: Grain) -> String {
        bucket_label(bucket, grain, self.sources.range.zone())
    }
}

fn left_out(answer: &Answer) -> Vec<String> {
    let text = |(name, count): &(String, i64)| format!("{} left out: {name}.", number_text(*count as f64));
    answer.left_out.iter().filter(|(_, count)| *count > 0).map(text).collect()
}
