//! One widget of a dashboard: its questions, and everything around its body.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::metric::aggregation::Aggregation;
use crate::metric::answer::Answer;
use crate::metric::catalogue::Catalogue;
use crate::metric::dimension::Dimension;
use crate::metric::filter::Filter;
use crate::metric::foremost::{Foremost, Order, Wanted};
use crate::metric::header::MetricKind;
use crate::metric::question::Question;
use crate::metric::range::{Grain, Range, zone_name};
use crate::metric::ratio::Side;
use crate::metric::shared::Shared;
use crate::metric::unit::{Unit, number_text};
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::report::cases::{CaseList, CasesRequest};
use crate::report::dashboard::{BUSINESS, Better, Dashboard, MetricPlan, WidgetPlan};
use crate::report::page::{Body, Widget};
use crate::report::table::{Table, capitalized};
use crate::report::text;
use crate::report::value::{Bucket, Value};

/// What a page is made from.
pub struct Sources {
    pub database: Arc<Database>,
    pub catalogue: Arc<Catalogue>,
    pub range: Range,
    /// The present, which only the command line knows.
    pub now: Instant,
    /// How many cases each widget lists at most.
    pub cases: usize,
    /// Whether the page has a timeline of each of these cases.
    pub has_timelines: bool,
    /// The instant up to which the clocks of these cases are shown.
    pub timelines_as_of: Option<Instant>,
    /// What the questions of the page share.
    pub shared: Shared,
}

impl Sources {
    pub(super) fn as_of(&self) -> Instant {
        self.range.as_of(self.now)
    }

    pub(super) async fn answer(&self, question: &Question) -> Result<Answer> {
        self.answer_with_cases(question, Wanted::default()).await
    }

    pub(super) async fn answer_with_cases(&self, question: &Question, wanted: Wanted) -> Result<Answer> {
        question.answer_sharing(&self.shared, wanted, &self.database, &self.catalogue).await
    }
}

/// A widget, and for each of its metrics the cases that it may list.
pub(super) struct Built {
    pub widget: Widget,
    pub foremost: Vec<Vec<Foremost>>,
}

/// One widget of a dashboard, to be answered.
pub(super) struct Request<'a> {
    pub dashboard: &'a Dashboard,
    pub plan: &'a WidgetPlan,
    pub sources: &'a Sources,
    /// When the log begins.
    pub begins: Option<Instant>,
}

impl Request<'_> {
    /// The first metric, which charts are about.
    pub fn metric(&self) -> Result<&MetricPlan> {
        self.plan.metrics.first().ok_or_else(|| Error::refused("a widget names no metric"))
    }

    /// The question about a metric, by those dimensions and in buckets of that grain.
    pub fn question(&self, metric: &MetricPlan, by: &[Dimension], grain: Option<Grain>) -> Question {
        Question {
            metric: metric.metric.clone(),
            by: by.to_vec(),
            grain,
            range: self.sources.range.clone(),
            as_of: self.sources.as_of(),
            show: metric.show.clone(),
            filters: self.filters(metric).cloned().collect(),
        }
    }

    /// The answer to a question about a metric of the widget, with the cases that the widget may list.
    pub async fn answer(&self, metric: &MetricPlan, question: &Question) -> Result<Answer> {
        self.sources.answer_with_cases(question, self.wanted(metric)).await
    }

    /// The cases of a metric that the widget may list. Of shares those first that are not as they should be: most shares are of
    /// what should be.
    pub fn wanted(&self, metric: &MetricPlan) -> Wanted {
        let is_share = self.sources.catalogue.get(&metric.metric).is_ok_and(|metric| metric.unit == "share");
        let order = match metric.better {
            Some(Better::Lower) => Order::Largest,
            Some(Better::Higher) | None => Order::Smallest,
        };
        Wanted { count: self.sources.cases, order: is_share.then_some(order) }
    }

    /// What will be asked, as often as it will be asked, and perhaps more: each metric by each dimension, over the range and the
    /// compared one.
    pub fn questions(&self) -> Vec<Question> {
        let plan = self.plan;
        let grain = plan.has_buckets().then(|| self.grain());
        let mut by = plan.by.clone();
        by.extend(plan.chart.cuts.iter().filter_map(|name| Dimension::parse(name).ok()));
        let compared = self.compared().map(|(range, _)| range);
        let mut questions: Vec<Question> = Vec::new();
        for metric in &plan.metrics {
            let now = self.question(metric, &by, grain);
            let most = metric.of.as_ref().map(|of| Question { metric: of.clone(), show: Vec::new(), ..now.clone() });
            let before = compared.iter().map(|range| now.over(range.clone(), self.sources.now));
            let is_together = plan.chart.name == "table" && self.shown_together(&metric.metric).is_some();
            let is_new = |asked: &Question| {
                let is_same = |known: &Question| Question { show: asked.show.clone(), ..known.clone() } == *asked;
                !is_together || !questions.iter().any(is_same)
            };
            let asked = std::iter::once(now.clone()).chain(before).filter(is_new).chain(most).collect::<Vec<_>>();
            questions.extend(asked);
        }
        // A histogram asks for its classes, too.
        if plan.chart.name == "histogram" {
            questions.extend(questions.clone());
        }
        questions
    }

    /// The aggregations of a flow that several columns of a table show, which are asked for at once; nothing where each column asks
    /// for its own.
    pub fn shown_together(&self, name: &str) -> Option<Vec<Aggregation>> {
        let metric = self.sources.catalogue.get(name).ok()?;
        let columns: Vec<&MetricPlan> = self.plan.metrics.iter().filter(|metric| metric.metric == name).collect();
        let is_alone = columns.len() < 2 || columns.iter().any(|metric| metric.show.is_empty());
        if metric.kind != MetricKind::Flow || is_alone {
            return None;
        }
        let mut show: Vec<Aggregation> = Vec::new();
        for shown in columns.into_iter().flat_map(|metric| &metric.show) {
            if !show.contains(shown) {
                show.push(shown.clone());
            }
        }
        Some(show)
    }

    /// The filters of the dashboard, of the widget, and of the metric in it.
    pub fn filters<'b>(&'b self, metric: &'b MetricPlan) -> impl Iterator<Item = &'b Filter> {
        self.dashboard.filters.iter().chain(&self.plan.filters).chain(&metric.filters)
    }

    /// The widget's grain, else one that suits the range.
    pub fn grain(&self) -> Grain {
        self.plan.grain_over(&self.sources.range)
    }

    /// The range that the widget compares with, and what it is called.
    pub fn compared(&self) -> Option<(Range, String)> {
        let range = &self.sources.range;
        self.plan.compare.map(|compare| (compare.range(range), compare.title(range)))
    }

    /// Whether the present cuts the range.
    pub fn is_running(&self) -> bool {
        self.sources.as_of() < self.sources.range.to.plus_ms(-1)
    }

    /// What a chart shows: aggregations and unit.
    pub fn what(&self, answer: &Answer) -> String {
        let shown: Vec<&str> = answer.show.iter().map(Aggregation::name).collect();
        let unit = answer
            .show
            .first()
            .map_or_else(|| answer.metric.unit.clone(), |shown| Unit::of(&answer.metric, shown).name().to_owned());
        // What is counted is named by its unit alone.
        let is_counted = matches!(answer.show.as_slice(), [Aggregation::Count | Aggregation::Hours]);
        match answer.metric.unit.as_str() {
            "ms" if !is_counted => format!("{} {unit}", shown.join(", ")),
            _ => unit,
        }
    }

    /// The widget around its body. The answers are those of the widget's metrics, in their order.
    pub fn widget(&self, what: &str, answers: &[Answer], body: Body, table: Table) -> Built {
        let body = if answers.iter().all(|answer| self.is_empty(answer)) {
            Body::Empty(self.empty_text(answers))
        } else {
            body
        };
        let answered = self.distinct(answers);
        let widget = Widget {
            title: self.plan.title.clone(),
            width: self.plan.width,
            what: self.what_is_asked(what),
            cases: cases_text(&answered),
            left_out: left_out(&answered),
            requests: self.requests_of(&self.plan.metrics),
            behind: CaseList::default(),
            body,
            table,
        };
        Built { widget, foremost: answers.iter().map(|answer| answer.foremost.clone()).collect() }
    }

    /// What the numbers are, with the hours and filters that the widget has beside those of the page.
    fn what_is_asked(&self, what: &str) -> String {
        let mut parts = vec![what.to_owned()];
        let in_business_hours = self.plan.metrics.iter().any(|metric| metric.metric.ends_with(BUSINESS));
        parts.extend(in_business_hours.then(|| "business hours".to_owned()));
        parts.extend(self.plan.filters.iter().map(|filter| format!("only {}", filter.in_words())));
        parts.join(" · ")
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

    /// Whether there is nothing to show. A stock of 0 is something, unless it was read before the log begins.
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

    /// The note of a widget without data. What is read at an instant is not there then.
    fn empty_text(&self, answers: &[Answer]) -> String {
        let range = &self.sources.range;
        if !answers.is_empty() && answers.iter().all(|answer| answer.metric.kind == MetricKind::Stock) {
            return format!("None as of {}.", text::as_of(self.sources.as_of(), range.zone()));
        }
        format!("No data in {}.", range.text())
    }

    /// What lists the cases behind metrics of the widget.
    pub fn requests_of<'m>(&self, metrics: impl IntoIterator<Item = &'m MetricPlan>) -> Vec<CasesRequest> {
        let range = &self.sources.range;
        let mut by: Vec<String> = self.plan.by.iter().map(|dimension| dimension.name.clone()).collect();
        by.extend(self.plan.chart.cuts.iter().map(|name| (*name).to_owned()));
        let mut known = BTreeSet::new();
        let mut requests = Vec::new();
        for metric in metrics {
            let request = |metric_name: String| CasesRequest {
                metric: metric_name,
                range: range.typed(),
                zone: zone_name(range.zone()),
                filters: self.filters(metric).map(Filter::text).collect(),
                by: by.clone(),
                anonymize: self.sources.database.people().pseudonyms.is_some(),
            };
            let of_metric = self.listable(&metric.metric).into_iter().map(request);
            requests.extend(of_metric.filter(|request| known.insert(request.clone())));
        }
        requests
    }

    /// The metrics whose cases are behind a metric: itself, or both sides of a ratio, which has no cases of its own.
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

    /// The bucket that the present cuts, where there is one.
    pub fn running(&self, grain: Grain) -> Option<Instant> {
        let as_of = self.sources.as_of();
        let buckets = self.sources.range.buckets(grain);
        let last = |end: Instant| end.min(self.sources.range.to).plus_ms(-1);
        let running = buckets.iter().find(|bucket| bucket.start <= as_of && as_of < last(bucket.end));
        running.map(|bucket| bucket.start)
    }

    /// The start of a bucket, as a value of the page; `running` is the bucket that is not over.
    pub fn bucket(&self, start: Instant, grain: Grain, running: Option<Instant>) -> Value {
        Value::Bucket(Bucket { start, grain, zone: self.sources.range.zone().clone(), so_far: running == Some(start) })
    }
}

/// The number of cases: of several metrics, each one's.
fn cases_text(answered: &[(&str, &Answer)]) -> String {
    match answered {
        [(_, answer)] if answer.cases == 1 => "1 case".to_owned(),
        [(_, answer)] => format!("{} cases", number_text(answer.cases as f64)),
        several => {
            let each = several.iter().map(|(title, answer)| format!("{title} {}", number_text(answer.cases as f64)));
            format!("cases: {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What each metric left out, and whether its groups have cases in common; of several metrics, under their titles.
fn left_out(answered: &[(&str, &Answer)]) -> Vec<String> {
    let mut texts = Vec::new();
    for (title, answer) in answered {
        let whose = if answered.len() > 1 { format!("{title}: ") } else { String::new() };
        texts.extend(answer.overlap_text().map(|text| format!("{whose}{}.", capitalized(&text))));
        let counted = answer.left_out.iter().filter(|(_, count)| *count > 0);
        texts.extend(counted.map(|(name, count)| format!("{whose}{} left out: {name}.", number_text(*count as f64))));
    }
    texts
}
