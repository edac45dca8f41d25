//! Dashboards as files (6.1): what a page asks. A widget names metrics and dimensions and has no SQL.

mod file;
mod plan;

use std::path::Path;

use toml::Spanned;

use crate::error::{Error, Result};
use crate::metric::aggregation::Aggregation;
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::dimension::Dimension;
use crate::metric::filter::Filter;
use crate::metric::header::{Metric, MetricKind};
use crate::metric::range::Grain;
use crate::model::time::parse_duration_ms;
use crate::query::database::Database;
use crate::spelling::did_you_mean;
use crate::toml_file;
use file::{DashboardFile, MetricFile, RowFile, WidgetFile};
pub use plan::{Better, Buckets, ChartKind, Groups, Hours, MetricPlan, RowPlan, TabPlan, WidgetPlan};

/// A dashboard, checked against the metrics that there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    pub title: String,
    pub description: String,
    /// The default range, as typed.
    pub range: String,
    pub time_zone: Option<String>,
    pub hours: Hours,
    pub filters: Vec<Filter>,
    pub tabs: Vec<TabPlan>,
    /// All of the file.
    pub text: String,
}

impl Dashboard {
    /// Reads a dashboard's file, whose widgets are charts of those kinds.
    ///
    /// # Errors
    /// An unknown metric, dimension, chart or key, or a malformed value: with file, line and the nearest name.
    pub fn parse(file: &Path, text: &str, catalogue: &Catalogue, kinds: &[ChartKind]) -> Result<Dashboard> {
        let reader = Reader { file, text, catalogue, kinds };
        let found: DashboardFile = toml_file::check_depth(text)
            .and_then(|()| toml::from_str(text))
            .map_err(|error| toml_file::error(file, text, &error))?;
        let zone = found.time_zone.as_ref().map(|zone| reader.zone(zone)).transpose()?;
        let utc = jiff::tz::TimeZone::UTC;
        reader.at(
            &found.range,
            crate::metric::range::Range::parse(found.range.get_ref(), &utc, crate::model::time::Instant(0)),
        )?;
        let tabs = reader.tabs(&found)?;
        Ok(Dashboard {
            title: found.title,
            description: found.description,
            range: found.range.get_ref().clone(),
            time_zone: zone,
            hours: found.hours,
            filters: found.filters.iter().map(|filter| reader.filter(filter)).collect::<Result<_>>()?,
            tabs,
            text: text.to_owned(),
        })
    }
}

impl Dashboard {
    /// Every widget, in reading order.
    pub fn widgets(&self) -> impl Iterator<Item = &WidgetPlan> {
        self.tabs.iter().flat_map(|tab| &tab.rows).flat_map(|row| &row.widgets)
    }

    fn widgets_mut(&mut self) -> impl Iterator<Item = &mut WidgetPlan> {
        self.tabs.iter_mut().flat_map(|tab| &mut tab.rows).flat_map(|row| &mut row.widgets)
    }

    /// Every dimension that the dashboard filters or cuts by.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        let of_metrics = self.widgets().flat_map(|widget| &widget.metrics).flat_map(|metric| &metric.filters);
        let filters = self.filters.iter().chain(self.widgets().flat_map(|widget| &widget.filters)).chain(of_metrics);
        filters.map(|filter| &filter.dimension).chain(self.widgets().flat_map(|widget| &widget.by))
    }

    /// The dashboard with filters by the values that the tables of a database show.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn shown(mut self, database: &Database) -> Result<Dashboard> {
        for filter in &mut self.filters {
            *filter = filter.clone().shown(database).await?;
        }
        for widget in self.widgets_mut() {
            let of_metrics = widget.metrics.iter_mut().flat_map(|metric| &mut metric.filters);
            for filter in widget.filters.iter_mut().chain(of_metrics) {
                *filter = filter.clone().shown(database).await?;
            }
        }
        Ok(self)
    }

    /// The dashboard with other hours: durations within business hours are metrics of their own.
    #[must_use]
    pub fn with_hours(mut self, hours: Hours, catalogue: &Catalogue) -> Dashboard {
        self.hours = hours;
        for metric in self.widgets_mut().flat_map(|widget| &mut widget.metrics) {
            metric.metric = in_hours(&metric.metric, hours, catalogue);
        }
        self
    }

    /// The dashboard with another comparison in every widget that compares.
    #[must_use]
    pub fn with_compare(mut self, compare: Compare) -> Dashboard {
        for widget in self.widgets_mut() {
            widget.compare = widget.compare.map(|_| compare);
        }
        self
    }
}

/// What the name of a metric of business hours ends with.
pub const BUSINESS: &str = "_business";

/// The metric of those hours, where there is one; else the metric itself.
fn in_hours(name: &str, hours: Hours, catalogue: &Catalogue) -> String {
    let plain = name.strip_suffix(BUSINESS).unwrap_or(name);
    let other = match hours {
        Hours::All => plain.to_owned(),
        Hours::Business => format!("{plain}{BUSINESS}"),
    };
    if catalogue.get(&other).is_ok() { other } else { name.to_owned() }
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    catalogue: &'a Catalogue,
    kinds: &'a [ChartKind],
}

impl Reader<'_> {
    fn place(&self, start: usize) -> String {
        toml_file::position(self.file, self.text, start)
    }

    /// Adds file and line to the error of a value.
    fn at<T, V>(&self, value: &Spanned<V>, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let hint = error.hint().map(str::to_owned);
            let message = match error {
                Error::Invalid { message, .. } | Error::Refused { message, .. } => message,
                other => other.to_string(),
            };
            Error::invalid(self.place(value.span().start), message).with_any_hint(hint)
        })
    }

    /// The tabs, or one that holds the rows of a dashboard without tabs.
    fn tabs(&self, found: &DashboardFile) -> Result<Vec<TabPlan>> {
        if let Some(tab) = found.tab.first().filter(|_| !found.row.is_empty()) {
            let error = Error::refused("a dashboard has rows or tabs, not both");
            return self.at(&tab.title, Err(error.with_hint("put the rows into a tab: `[[tab.row]]`")));
        }
        if found.tab.is_empty() {
            return Ok(vec![TabPlan { title: None, rows: self.rows(&found.row)? }]);
        }
        let tab =
            |tab: &file::TabFile| Ok(TabPlan { title: Some(tab.title.get_ref().clone()), rows: self.rows(&tab.row)? });
        found.tab.iter().map(tab).collect()
    }

    fn rows(&self, rows: &[RowFile]) -> Result<Vec<RowPlan>> {
        let row = |row: &RowFile| {
            let widgets = row.widget.iter().map(|widget| self.widget(widget)).collect::<Result<_>>()?;
            Ok(RowPlan { title: row.title.clone(), widgets })
        };
        rows.iter().map(row).collect()
    }

    /// The dimensions of a widget, which know where they are written.
    fn dimensions(&self, by: &Spanned<toml::Value>) -> Result<Vec<Dimension>> {
        let place = self.place(by.span().start);
        let dimensions = self.at(by, dimensions(by.get_ref()))?;
        Ok(dimensions.into_iter().map(|dimension| dimension.written_at(place.as_str())).collect())
    }

    fn widget(&self, widget: &WidgetFile) -> Result<WidgetPlan> {
        let by = widget.by.as_ref().map_or(Ok(Vec::new()), |by| self.dimensions(by))?;
        let grain = widget.grain.as_ref().map(|name| self.at(name, Grain::parse(name.get_ref()))).transpose()?;
        let chart = self.chart(&widget.chart)?;
        let metrics = self.metrics(widget)?;
        for name in widget.metric.iter().chain(widget.metrics.iter().map(|file| &file.metric)) {
            self.check_stock(name, chart)?;
        }
        let plan = WidgetPlan {
            title: widget.title.get_ref().clone(),
            place: self.place(widget.title.span().start),
            metrics,
            by,
            grain,
            compare: widget.compare.as_ref().map(|text| self.compare(text)).transpose()?,
            filters: widget.filters.iter().map(|filter| self.filter(filter)).collect::<Result<_>>()?,
            target: widget.target.as_ref().map(|text| self.target(text)).transpose()?,
            width: self.width(widget, chart)?,
            top: widget.top.as_ref().map_or(6, |top| *top.get_ref()).clamp(1, 50),
            chart,
        };
        self.check_nothing_is_ignored(widget, &plan)?;
        self.check_buckets(widget, &plan)?;
        Ok(plan)
    }

    /// A key that has no effect on the chart is an error.
    fn check_nothing_is_ignored(&self, widget: &WidgetFile, plan: &WidgetPlan) -> Result<()> {
        let name = widget.chart.get_ref();
        let has_groups = !plan.by.is_empty() && plan.chart.groups == Groups::Top;
        if let Some(top) = widget.top.as_ref().filter(|_| !has_groups) {
            let hint = if plan.chart.groups == Groups::All {
                "a table shows every group"
            } else {
                "it limits the groups of a chart with `by`"
            };
            let error = Error::refused(format!("`top` does nothing in this `{name}`"));
            return self.at(top, Err(error.with_hint(format!("leave `top` out: {hint}"))));
        }
        let is_table = plan.chart.groups == Groups::All;
        if let Some(compare) = widget.compare.as_ref().filter(|_| is_table && plan.grain.is_some()) {
            let error = Error::refused(format!("`compare` and `grain` do not go together in a `{name}`"));
            return self.at(compare, Err(error.with_hint("leave one of them out, or write chart = \"line\"")));
        }
        if let Some(compare) = widget.compare.as_ref().filter(|_| !plan.by.is_empty() && !is_table) {
            let error = Error::refused("`compare` and `by` do not go together");
            return self.at(compare, Err(error.with_hint("leave one of them out")));
        }
        if let Some(compare) = widget.compare.as_ref().filter(|_| !plan.chart.compares) {
            let error = Error::refused(format!("`{name}` compares with nothing"));
            return self.at(compare, Err(error.with_hint("leave `compare` out, or write chart = \"line\"")));
        }
        if plan.target.is_none() && plan.chart.needs_target {
            let error = Error::refused(format!("`{name}` shows a number against a target, and there is none"));
            return self
                .at(&widget.chart, Err(error.with_hint("add `target = \"1h\"`, or `target = \"0.9\"` of a share")));
        }
        let mut named = widget.metric.iter().chain(widget.metrics.iter().map(|file| &file.metric));
        if let Some(second) = named.nth(1).filter(|_| !plan.chart.several_metrics) {
            let error = Error::refused(format!("`{name}` shows one metric"));
            return self
                .at(second, Err(error.with_hint("give each metric a widget of its own, or write chart = \"table\"")));
        }
        Ok(())
    }

    /// A number per day of the whole range is none of a bucket.
    fn check_buckets(&self, widget: &WidgetFile, plan: &WidgetPlan) -> Result<()> {
        let shown = plan.metrics.iter().flat_map(|metric| &metric.show);
        if !plan.has_buckets() || !shown.into_iter().any(|shown| *shown == Aggregation::PerDay) {
            return Ok(());
        }
        let named = widget.show.iter().chain(widget.metrics.iter().flat_map(|metric| &metric.show));
        let named = named.into_iter().find(|name| name.get_ref() == Aggregation::PerDay.name());
        let message = format!("`per_day` is of the whole range, and this `{}` shows buckets", widget.chart.get_ref());
        let error = Error::refused(message).with_hint("show `count`, or write chart = \"number\" and no grain");
        self.at(named.unwrap_or(&widget.title), Err(error))
    }

    /// A number that is read at an instant means nothing when the instants of a cell are added up.
    fn check_stock(&self, name: &Spanned<String>, chart: ChartKind) -> Result<()> {
        let metric = self.at(name, self.catalogue.get(name.get_ref()))?;
        if !chart.sums_instants || metric.kind != MetricKind::Stock {
            return Ok(());
        }
        let error = Error::refused(format!("`{}` is a stock, whose cells would not add up to a heat map", metric.name));
        self.at(name, Err(error.with_hint("write chart = \"line\" and grain = \"hour\"")))
    }

    fn chart(&self, name: &Spanned<String>) -> Result<ChartKind> {
        let found = self.kinds.iter().find(|kind| kind.name == name.get_ref()).copied();
        let refusal = || {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
            let near = did_you_mean(name.get_ref(), known.iter().copied());
            let hint = near.unwrap_or_else(|| format!("the charts are {}", known.join(", ")));
            Error::refused(format!("`{}` is not a chart", name.get_ref())).with_hint(hint)
        };
        self.at(name, found.ok_or_else(refusal))
    }

    fn metrics(&self, widget: &WidgetFile) -> Result<Vec<MetricPlan>> {
        let own = widget.metric.iter().map(|name| self.metric(name, None, &widget.show, widget.better));
        let listed = widget.metrics.iter().map(|file| {
            let show = if file.show.is_empty() { &widget.show } else { &file.show };
            let metric = self.metric(&file.metric, file.title.as_deref(), show, file.better.or(widget.better))?;
            let filters = file.filters.iter().map(|filter| self.filter(filter)).collect::<Result<_>>()?;
            Ok(MetricPlan { of: self.of(file, widget)?, filters, ..metric })
        });
        let metrics = own.chain(listed).collect::<Result<Vec<_>>>()?;
        if metrics.is_empty() {
            let error = Error::refused("the widget names no metric").with_hint("add `metric = \"created_cases\"`");
            return self.at(&widget.title, Err(error));
        }
        Ok(metrics)
    }

    /// The metric beside which a number stands, as in `3/5`.
    fn of(&self, file: &MetricFile, widget: &WidgetFile) -> Result<Option<String>> {
        let Some(of) = &file.of else { return Ok(None) };
        let (whole, part) =
            (self.at(of, self.catalogue.get(of.get_ref()))?, self.catalogue.get(file.metric.get_ref())?);
        let refused = |message: String, hint: &str| self.at(of, Err(Error::refused(message).with_hint(hint)));
        if widget.chart.get_ref() != "table" {
            return refused(
                format!("`of` is for tables, and this is a `{}`", widget.chart.get_ref()),
                "leave `of` out",
            );
        }
        if whole.unit != part.unit {
            let message = format!("`{}` is of `{}`, and `{}` of `{}`", part.name, part.unit, whole.name, whole.unit);
            return refused(message, "name a metric of the same unit");
        }
        Ok(Some(whole.name.clone()))
    }

    fn metric(
        &self,
        name: &Spanned<String>,
        title: Option<&str>,
        show: &[Spanned<String>],
        better: Option<Better>,
    ) -> Result<MetricPlan> {
        let metric = self.at(name, self.catalogue.get(name.get_ref()))?;
        let show =
            show.iter().map(|name| self.at(name, aggregation(name.get_ref(), metric))).collect::<Result<Vec<_>>>()?;
        let show = if show.is_empty() { vec![self.at(name, Aggregation::parse(&metric.aggregate))?] } else { show };
        let better = better.or((metric.unit == "ms").then_some(Better::Lower));
        let title = title.unwrap_or(&metric.title).to_owned();
        Ok(MetricPlan { metric: metric.name.clone(), title, show, better, filters: Vec::new(), of: None })
    }

    fn compare(&self, text: &Spanned<String>) -> Result<Compare> {
        self.at(text, Compare::parse(text.get_ref()))
    }

    fn target(&self, text: &Spanned<String>) -> Result<f64> {
        let typed = text.get_ref();
        // Whole milliseconds far below 2^53: exact.
        let parsed = parse_duration_ms(typed).map(|ms| ms as f64).or_else(|_| typed.parse::<f64>());
        let refusal = |_| {
            Error::refused(format!("`{typed}` is not a target")).with_hint("write a duration such as `1h` or a number")
        };
        self.at(text, parsed.map_err(refusal))
    }

    fn width(&self, widget: &WidgetFile, chart: ChartKind) -> Result<u32> {
        match &widget.width {
            None => Ok(chart.width),
            Some(width) if (1..=12).contains(width.get_ref()) => Ok(*width.get_ref()),
            Some(width) => {
                let error = Error::refused(format!("a width is 1 to 12 columns, found {}", width.get_ref()));
                self.at(width, Err(error))
            }
        }
    }

    fn zone(&self, name: &Spanned<String>) -> Result<String> {
        let unknown = |_| {
            let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
            let near = did_you_mean(name.get_ref(), known.iter().map(String::as_str));
            let hint = near.unwrap_or_else(|| "zones have names such as `Europe/Prague`".to_owned());
            Error::refused(format!("`{}` is not a time zone", name.get_ref())).with_hint(hint)
        };
        self.at(name, jiff::tz::TimeZone::get(name.get_ref()).map_err(unknown))?;
        Ok(name.get_ref().clone())
    }

    fn filter(&self, text: &Spanned<String>) -> Result<Filter> {
        let place = self.place(text.span().start);
        self.at(text, Filter::parse(&place, text.get_ref()))
    }
}

/// The aggregation of that name, which the metric must allow.
fn aggregation(name: &str, metric: &Metric) -> Result<Aggregation> {
    let aggregation = Aggregation::parse(name)?;
    metric.check_aggregation(&aggregation)?;
    Ok(aggregation)
}

/// The dimensions of a name or a list of names.
fn dimensions(by: &toml::Value) -> Result<Vec<Dimension>> {
    let names = match by {
        toml::Value::Array(names) => names.iter().collect(),
        one => vec![one],
    };
    let wrong = || Error::refused("`by` is the name of a dimension, or a list of names");
    names.into_iter().map(|name| Dimension::parse(name.as_str().ok_or_else(wrong)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::build::chart_kinds;

    async fn error(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::load(folder.path()).await.unwrap();
        let error = Dashboard::parse(Path::new("d/team.toml"), text, &catalogue, &chart_kinds()).unwrap_err();
        format!("{error} / {}", error.hint().unwrap_or("-"))
    }

    #[tokio::test]
    async fn faults_are_named_with_line_and_nearest_name() {
        let widget = |more: &str| {
            format!("title = \"T\"\nrange = \"2026-05\"\n[[row]]\n[[row.widget]]\ntitle = \"W\"\n{more}\n")
        };
        let cases = [
            (
                widget("metric = \"create_cases\"\nchart = \"line\""),
                "d/team.toml:6: there is no metric `create_cases` / did you mean `created_cases`?",
            ),
            (
                widget("metric = \"created_cases\"\nchart = \"lien\""),
                "d/team.toml:7: `lien` is not a chart / did you mean `line`?",
            ),
            (
                widget("metric = \"created_cases\"\nchart = \"line\"\nby = \"agnet\""),
                "d/team.toml:8: `agnet` is not a dimension / did you mean `agent`?",
            ),
            (
                widget("chart = \"line\""),
                "d/team.toml:5: the widget names no metric / add `metric = \"created_cases\"`",
            ),
            (
                widget("metric = \"workload\"\nchart = \"table\"\nby = \"agent\"\ntop = 3"),
                "d/team.toml:9: `top` does nothing in this `table` / leave `top` out: a table shows every group",
            ),
            (
                widget("metric = \"workload\"\nchart = \"line\"\nby = \"agent\"\ncompare = \"previous\""),
                "d/team.toml:9: `compare` and `by` do not go together / leave one of them out",
            ),
            (
                widget("metric = \"workload\"\nchart = \"histogram\"\ncompare = \"previous\""),
                "d/team.toml:8: `histogram` compares with nothing / leave `compare` out, or write chart = \"line\"",
            ),
            (
                widget("metric = \"workload\"\nchart = \"table\"\ngrain = \"day\"\ncompare = \"previous\""),
                "d/team.toml:9: `compare` and `grain` do not go together in a `table` / leave one of them out, or write chart = \"line\"",
            ),
            (
                widget("metrics = [{ metric = \"reopenings\" },\n{ metric = \"workload\" }]\nchart = \"line\""),
                "d/team.toml:7: `line` shows one metric / give each metric a widget of its own, or write chart = \"table\"",
            ),
            (
                widget("metric = \"workload\"\nchart = \"heatmap\""),
                "d/team.toml:6: `workload` is a stock, whose cells would not add up to a heat map / \
                 write chart = \"line\" and grain = \"hour\"",
            ),
            (
                widget("metric = \"created_cases\"\nchart = \"line\"\nshow = [\"per_day\"]"),
                "d/team.toml:8: `per_day` is of the whole range, and this `line` shows buckets / \
                 show `count`, or write chart = \"number\" and no grain",
            ),
            (
                widget(
                    "metrics = [{ metric = \"created_cases\" },\n{ metric = \"reopenings\", show = [\"per_day\"] }]\nchart = \"table\"\ngrain = \"day\"",
                ),
                "d/team.toml:7: `per_day` is of the whole range, and this `table` shows buckets / \
                 show `count`, or write chart = \"number\" and no grain",
            ),
            (
                "title = \"T\"\nrange = \"2026-05\"\nfilters = [\"platform\"]\n".to_owned(),
                "d/team.toml:3: the filter `platform` has no `=` / \
                 write `DIM=VALUE`, such as `platform=email`; `DIM=A,B` for one of several (`\\,` is a comma of a value), `DIM!=VALUE` for all others, `DIM=` for what has no value; `DIM>=VALUE` (or `>`, `<`, `<=`; a shell needs quotes) and `DIM=A..B` (to before B) for what has an order",
            ),
            (
                "title = \"T\"\nrange = \"2026-05\"\ntime_zone = \"Europe/Prag\"\n".to_owned(),
                "d/team.toml:3: `Europe/Prag` is not a time zone / did you mean `Europe/Prague`?",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(error(&text).await, expected);
        }
        let unknown_key = error(&widget("metrc = \"created_cases\"\nchart = \"line\"")).await;
        assert!(
            unknown_key.starts_with("d/team.toml:6: unknown field `metrc`")
                && unknown_key.ends_with("did you mean `metric`?"),
            "{unknown_key}"
        );
    }
}
