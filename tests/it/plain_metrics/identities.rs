//! What must hold between the metrics of any history.

use std::path::Path;

use casebook::metric::aggregation::Aggregation;
use casebook::metric::answer::Answer;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::filter::Filter;
use casebook::metric::header::MetricKind;
use casebook::metric::question::Question;
use casebook::metric::range::{Grain, Range};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use jiff::tz::TimeZone;
use proptest::strategy::{Strategy, ValueTree};
use serde_json::Value;

use super::ask;
use super::compare::open;
use crate::audit::{histories_asked, keep, runner};
use crate::auditor::histories::busy_history;
use crate::project::rows_of;

/// A database and the range that is asked of it, as of the end of what is known.
struct Desk<'d> {
    database: &'d Database,
    catalogue: &'d Catalogue,
    range: Range,
    as_of: Instant,
}

impl Desk<'_> {
    fn question(&self, metric: &str, by: &[&str], filter: Option<&str>) -> Question {
        Question {
            metric: metric.to_owned(),
            by: by.iter().map(|name| Dimension::parse(name).unwrap()).collect(),
            grain: None,
            range: self.range.clone(),
            as_of: self.as_of,
            show: Vec::new(),
            filters: filter.iter().map(|text| Filter::parse("test", text).unwrap()).collect(),
        }
    }

    async fn answer(&self, question: &Question) -> Answer {
        question.answer(self.database, self.catalogue).await.unwrap()
    }

    /// How many contributions a metric has in the range.
    async fn count(&self, metric: &str, filter: Option<&str>) -> i64 {
        self.answer(&self.question(metric, &[], filter)).await.contributions
    }

    /// The values of the contributions that are listed and not left out, and how many are left out.
    async fn listed(&self, metric: &str) -> (Vec<f64>, i64) {
        let listing = self.question(metric, &[], None).contributions(self.database, self.catalogue).await.unwrap();
        let rows: Vec<_> = listing.batches.iter().flat_map(rows_of).collect();
        let (counted, left_out): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["excluded"].is_null());
        let value = |name: &str| counted.iter().filter_map(|row| row.get(name)?.as_f64()).collect::<Vec<_>>();
        ([value("value"), value("value_ms")].concat(), left_out.len() as i64)
    }
}

/// What a backlog gains and loses (2.8), and of what it consists.
async fn backlogs_add_up(desk: &Desk<'_>, found: &mut Vec<String>) {
    if desk.as_of < desk.range.from {
        // The range has not begun, so the stock is not read.
        return;
    }
    let before = desk.range.previous();
    let opening = Desk { as_of: before.to.plus_ms(-1).min(desk.as_of), range: before, ..*desk };
    let gained = desk.count("created_cases", None).await + desk.count("reopenings", None).await;
    let deleted = desk.count("deleted_cases", Some("status=new,open,pending,on_hold")).await;
    let lost = desk.count("resolutions", None).await + deleted;
    let (opened, closed) = (opening.count("backlog", None).await, desk.count("backlog", None).await);
    if closed != opened + gained - lost {
        found.push(format!("backlog {opened} + {gained} - {lost} is not {closed}"));
    }
    let parts = desk.count("workload", None).await + desk.count("unassigned_backlog", None).await;
    if closed != parts || closed != desk.count("unresolved_cases", None).await {
        found.push(format!("backlog {closed} is not {parts}, with and without an assignee"));
    }
}

/// Attainment is made of the milestones that were met, late or missed or are overdue (3.7).
async fn attainments_add_up(desk: &Desk<'_>, found: &mut Vec<String>) {
    let judged = desk.count("sla_attainment", None).await;
    let (values, _) = desk.listed("sla_attainment").await;
    let met = values.iter().filter(|value| **value == 1.0).count() as i64;
    let breached = desk.count("sla_breaches", None).await;
    let ended = desk.count("sla_late_by", None).await;
    let overdue = desk.count("sla_overdue", None).await;
    if judged != met + breached || breached != ended + overdue {
        found.push(format!(
            "{judged} judged, {met} met, {breached} breached: {ended} late or missed, {overdue} overdue"
        ));
    }
}

/// The contributions of every metric are those listed, and those of the groups and days of an additive cut.
async fn cuts_add_up(desk: &Desk<'_>, found: &mut Vec<String>) {
    for metric in desk.catalogue.iter().filter(|metric| metric.kind != MetricKind::Ratio) {
        let name = &metric.name;
        let whole = desk.answer(&Question { show: vec![Aggregation::Sum], ..desk.question(name, &[], None) }).await;
        let (values, left_out) = desk.listed(name).await;
        let counts = (values.len() as i64, left_out);
        if counts != (whole.contributions, whole.left_out.iter().map(|(_, count)| count).sum()) {
            found.push(format!("{name}: listed {counts:?}, counted {} and {:?}", whole.contributions, whole.left_out));
        }
        let sum = |answer: &Answer| answer.rows.iter().filter_map(|row| row.values[0]).sum::<f64>();
        let mut cut = vec![(vec!["agent"], None), (vec!["priority", "status@now"], None)];
        cut.extend((metric.kind == MetricKind::Flow).then_some((vec!["team"], Some(Grain::Day))));
        for (by, grain) in cut {
            let question = desk.question(name, &by, None);
            let parts = desk.answer(&Question { show: vec![Aggregation::Sum], grain, ..question }).await;
            if (sum(&parts) - sum(&whole)).abs() > 1e-6 {
                found.push(format!("{name} by {by:?} {grain:?}: {}, in all {}", sum(&parts), sum(&whole)));
            }
        }
    }
}

#[tokio::test]
async fn metrics_of_random_histories_add_up() {
    let catalogue = Catalogue::load(Path::new("no such project")).await.unwrap();
    let mut runner = runner(histories_asked());
    for _ in 0..(histories_asked() / 300).max(1) {
        let lines: Vec<Value> = busy_history().new_tree(&mut runner).unwrap().current();
        let database = &open(&lines).await;
        let mut found = Vec::new();
        let ask = ask(&lines).new_tree(&mut runner).unwrap().current();
        let range = Range::parse(&ask.range, &TimeZone::get(ask.zone).unwrap(), Instant(0)).unwrap();
        let some = Desk { database, catalogue: &catalogue, range, as_of: Instant(ask.as_of) };
        backlogs_add_up(&some, &mut found).await;
        cuts_add_up(&some, &mut found).await;
        let range = Range::parse("2026", &TimeZone::UTC, Instant(0)).unwrap();
        let all = Desk { as_of: range.to.plus_ms(-1), range, ..some };
        attainments_add_up(&all, &mut found).await;
        backlogs_add_up(&all, &mut found).await;
        assert!(found.is_empty(), "{}\n{ask:?}, kept as {}", found.join("\n"), keep(&lines).display());
    }
}
