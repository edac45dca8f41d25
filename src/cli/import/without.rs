//! What an export does not contain, and which metrics have no numbers for it.

use serde_json::{Value, json};

use crate::import::{self, Mapping};
use crate::metric::needs::{NEEDS, Need};
use crate::wire::line::LoggedEvent;

/// What no event has stated so far.
pub struct Without {
    needs: Vec<&'static Need>,
}

impl Without {
    pub fn everything() -> Without {
        Without { needs: NEEDS.iter().collect() }
    }

    /// Takes an event into account.
    pub fn see(&mut self, event: &LoggedEvent<'_>) {
        self.needs.retain(|need| !need.is_met_by(event));
    }

    pub fn object(&self, mapping: &Mapping) -> Value {
        let need = |need: &&Need| json!({"what": need.what, "types": types(need), "metrics": need.metrics});
        json!({
            "types": missing_types(mapping), "facts": self.needs.iter().map(need).collect::<Vec<_>>(),
        })
    }

    pub fn lines(&self, mapping: &Mapping) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.needs.is_empty() {
            lines.push("not in this import, so that metrics stay empty, or 0:".to_owned());
        }
        for need in &self.needs {
            let source =
                if is_of_mapping(need) { types(need).join(", ") } else { "`casebook apply` states them".to_owned() };
            lines.push(format!("  no {} ({source}): {}", need.what, need.metrics.join(", ")));
        }
        let types = missing_types(mapping);
        if !types.is_empty() {
            lines.push(format!("event types that no rule of the mapping makes: {}", types.join(", ")));
        }
        lines
    }
}

/// Whether a mapping can make one of the events.
fn is_of_mapping(need: &Need) -> bool {
    types(need).iter().any(|name| import::event_types().any(|known| known == *name))
}

fn types(need: &Need) -> Vec<&'static str> {
    need.events.iter().map(|sign| sign.kind.name()).collect()
}

/// The types that a mapping could make and this one does not.
fn missing_types(mapping: &Mapping) -> Vec<&'static str> {
    import::event_types().filter(|name| mapping.rules().all(|(_, made)| made != *name)).collect()
}
