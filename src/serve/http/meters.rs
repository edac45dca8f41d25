//! What the process measures of itself, for those who watch it.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::serve::engine::Readiness;
use crate::serve::ingestion::Arrived;

/// Seconds of the classes of the histogram.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    outcome: &'static str,
}

/// The meters of a process.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RequestLabels, Histogram>,
    events: Family<EventLabels, Counter>,
    defects: Counter,
    age: Gauge<f64, AtomicU64>,
    behind: Gauge,
    batch: Gauge,
}

impl Default for Meters {
    fn default() -> Meters {
        let mut registry = Registry::with_prefix("casebook");
        let requests = Family::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        registry.register_with_unit("request_duration", "Time until the response", Unit::Seconds, seconds.clone());
        let events = Family::default();
        registry.register("events", "Events that came by HTTP, by what became of them", events.clone());
        let defects = Counter::default();
        registry.register("defects", "Requests that failed by no fault of the client", defects.clone());
        let age = Gauge::default();
        let help = "Time since the facts were last found equal to the log";
        registry.register_with_unit("facts_age", help, Unit::Seconds, age.clone());
        let behind = Gauge::default();
        registry.register("facts_batches_behind", "Batches of the log that the facts do not contain", behind.clone());
        let batch = Gauge::default();
        registry.register("facts_batch", "The last batch of the log that the facts contain", batch.clone());
        Meters { registry, requests, seconds, events, defects, age, behind, batch }
    }
}

impl Meters {
    /// Counts the events of a request.
    pub fn count_events(&self, arrived: &Arrived) {
        let summary = &arrived.summary;
        let counts = [("added", summary.added), ("duplicate", summary.duplicates), ("refused", summary.quarantined)];
        for (outcome, count) in counts {
            self.events.get_or_create(&EventLabels { outcome }).inc_by(count);
        }
    }

    /// Counts a request to a route, and how long it took.
    pub fn count_request(&self, route: &str, status: u16, ms: i64) {
        let labels = RequestLabels { route: route.to_owned(), status };
        self.seconds.get_or_create(&labels).observe(ms as f64 / 1000.0);
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a request that failed by no fault of the client.
    pub fn count_defect(&self) {
        self.defects.inc();
    }

    /// All meters in the text format of OpenMetrics.
    ///
    /// # Errors
    /// When a meter cannot be written, which would be a defect.
    pub fn text(&self, readiness: &Readiness, age_ms: i64) -> Result<String, std::fmt::Error> {
        self.age.set(age_ms as f64 / 1000.0);
        self.behind.set(readiness.batches_behind);
        self.batch.set(readiness.batch);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
