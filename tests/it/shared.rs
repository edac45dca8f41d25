//! What the questions of a page share changes no answer.

use casebook::metric::aggregation::Aggregation;
use casebook::metric::answer::Answer;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::filter::Filter;
use casebook::metric::foremost::{Order, Wanted};
use casebook::metric::header::{Metric, MetricKind};
use casebook::metric::question::Question;
use casebook::metric::range::{Grain, Range};
use casebook::metric::shared::Shared;
use casebook::model::time::Instant;
use casebook::query::database::Database;
use jiff::tz::TimeZone;

use crate::catalogue::generated;

const BOUNDS: [f64; 3] = [60_000.0, 3_600_000.0, 86_400_000.0];

fn question(metric: &Metric, range: &str, now: &str, show: &[&str], by: &[&str]) -> Question {
    let range = Range::parse(range, &TimeZone::get("Europe/Prague").unwrap(), Instant(0)).unwrap();
    Question {
        metric: metric.name.clone(),
        by: by.iter().map(|name| Dimension::parse(name).unwrap()).collect(),
        grain: None,
        as_of: range.as_of(Instant::parse(now).unwrap()),
        show: show.iter().map(|name| Aggregation::parse(name).unwrap()).collect(),
        filters: Vec::new(),
        range,
    }
}

/// Questions about a metric as the widgets of a page ask them: about a range and the one before it, which touch, and a third
/// one that does not; about ranges that the present cuts; by groups and buckets, with a filter.
fn questions(metric: &Metric) -> Vec<Question> {
    let shown: &[&[&str]] = match (metric.kind, metric.unit.as_str()) {
        (MetricKind::Ratio, _) => &[&[]],
        (MetricKind::Stock, _) => &[&[], &["count", "sum"], &["opening", "closing"], &["median", "max"]],
        (MetricKind::Flow, "ms") => {
            &[&[], &["count", "sum", "mean", "median", "p90", "min", "max", "hours", "per_key"]]
        }
        (MetricKind::Flow, _) => &[&[], &["count", "sum", "mean", "median", "min", "max", "per_key"]],
    };
    let cuts: [&[&str]; 9] = [
        &[],
        &["platform"],
        &["agent", "status"],
        &["team"],
        &["priority"],
        &["milestone"],
        &["hour_of_day"],
        &["status@now"],
        &["age"],
    ];
    let ranges = [
        ("2026-05", "2027-01-01T00:00:00Z"),
        ("2026-04", "2027-01-01T00:00:00Z"),
        ("2026-02-02..2026-02-20", "2027-01-01T00:00:00Z"),
        ("2026-05", "2026-05-20T10:00:00Z"),
        ("2026-06", "2026-05-20T10:00:00Z"),
    ];
    let mut questions = Vec::new();
    for (number, (range, now)) in ranges.into_iter().enumerate() {
        for (position, by) in cuts.iter().enumerate().skip(number % 3).step_by(3) {
            let show = shown[(number + position / 3) % shown.len()];
            let asked = question(metric, range, now, show, by);
            let filter = Filter::parse("--where", "platform!=email").unwrap();
            questions.push(match (number + position) % 3 {
                0 => Question { grain: Some(Grain::Week), ..asked },
                1 => Question { filters: vec![filter], ..asked },
                _ => asked,
            });
        }
        questions.push(question(metric, range, now, &[], &[]));
    }
    questions
}

/// The answer with the cases of each group, and the groups that have any, in an order; they come in none.
fn ordered(mut answer: Answer) -> Answer {
    for foremost in &mut answer.foremost {
        for group in &mut foremost.groups {
            group.cases.sort_by_cached_key(|case| format!("{case:?}"));
        }
        foremost.groups.sort_by_cached_key(|group| format!("{group:?}"));
    }
    answer
}

async fn compare(metric: &Metric, database: &Database, catalogue: &Catalogue) -> (usize, usize) {
    let questions = questions(metric);
    // Each is asked for its distribution, too; that all are held until then shows what was held.
    let shared = Shared::new(questions.iter().chain(&questions).cloned(), catalogue);
    let mut answered = 0;
    let orders = [None, Some(Order::Largest), Some(Order::Smallest), Some(Order::Latest)];
    for (question, order) in questions.iter().zip(orders.into_iter().cycle()) {
        let wanted = Wanted { count: 2, order };
        let own = question.answer_sharing(&Shared::default(), wanted, database, catalogue).await;
        let of_shared = question.answer_sharing(&shared, wanted, database, catalogue).await;
        match (own, of_shared) {
            (Ok(own), Ok(of_shared)) => {
                answered += 1;
                assert_eq!(ordered(of_shared), ordered(own), "{question:?}");
            }
            (own, of_shared) => {
                let errors = [own.unwrap_err(), of_shared.unwrap_err()].map(|error| error.to_string());
                assert_eq!(errors[0], errors[1], "{question:?}");
            }
        }
        if metric.unit == "ms" && metric.kind == MetricKind::Flow && question.by.is_empty() && question.show.is_empty()
        {
            let own = question.distribution(&BOUNDS, &Shared::default(), database, catalogue).await.unwrap();
            let of_shared = question.distribution(&BOUNDS, &shared, database, catalogue).await.unwrap();
            assert_eq!(of_shared, own, "{question:?}");
        }
    }
    (answered, shared.bytes_held())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_contributions_change_no_answer() {
    let (_project, database, catalogue) = generated().await;
    let mut alone = Vec::new();
    for metric in catalogue.iter() {
        let (answered, bytes) = compare(metric, &database, &catalogue).await;
        assert!(answered > 8, "{}: {answered}", metric.name);
        if bytes == 0 {
            alone.push(metric.name.as_str());
        }
    }
    // Their contributions are times or have no numbers of cases; the desk asks for no effort score.
    let expected = [
        "capacity",
        "capacity_time",
        "ces",
        "contacts_per_customer",
        "handled_cases",
        "online_time",
        "over_capacity_time",
        "sla_at_risk",
        "survey_response_rate",
        "utilization",
        "workload_time",
    ];
    assert_eq!(alone, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_is_freed_after_the_last_question() {
    let (_project, database, catalogue) = generated().await;
    let metric = catalogue.get("created_cases").unwrap();
    let [may, april] = ["2026-05", "2026-04"].map(|range| question(metric, range, "2027-01-01T00:00:00Z", &[], &[]));
    let shared = Shared::new([may.clone(), april.clone()], &catalogue);
    assert_eq!(shared.bytes_held(), 0);
    may.answer_sharing(&shared, Wanted::default(), &database, &catalogue).await.unwrap();
    assert!(shared.bytes_held() > 1000, "{}", shared.bytes_held());
    april.answer_sharing(&shared, Wanted::default(), &database, &catalogue).await.unwrap();
    assert_eq!(shared.bytes_held(), 0);
    let again = may.answer_sharing(&shared, Wanted::default(), &database, &catalogue).await.unwrap();
    assert_eq!(again, may.answer(&database, &catalogue).await.unwrap());
}
