//! Why the case has its policy, in the order in which policies were tried.

use super::style::Style;
use super::text::{clock, harmless, wrapped};
use crate::explain::choice::{Choice, Tried};

/// Adds the choice of the policy.
pub fn policy(text: &mut String, choice: &Choice, style: &Style) {
    let heading = match (&choice.chosen, choice.rejected.is_empty()) {
        (Some(chosen), _) => format!("policy {}", harmless(&chosen.policy)),
        (None, false) => "no policy: of those enabled at the creation none took the case".to_owned(),
        (None, true) => "no policy: none was enabled when the case was created".to_owned(),
    };
    text.push_str(&format!("\n{}\n", style.ink.bold(&heading)));
    for tried in &choice.rejected {
        text.push_str(&entry(tried, &format!("not chosen: {}", tried.detail), style));
    }
    if let Some(chosen) = &choice.chosen {
        text.push_str(&entry(chosen, &format!("chosen, conditions hold: {}", chosen.detail), style));
        let hours =
            chosen.calendar.as_ref().map_or("all hours".to_owned(), |name| format!("by calendar {}", harmless(name)));
        let pauses = match chosen.pause_on.as_slice() {
            [] => String::new(),
            names => format!(" and stop while {}", names.join(", ")),
        };
        text.push_str(&format!("    its clocks count {hours}{pauses}\n"));
    }
}

fn entry(tried: &Tried, detail: &str, style: &Style) -> String {
    let name = tried.name.as_ref().map(|name| format!(" \"{}\"", harmless(name))).unwrap_or_default();
    let (policy, version) = (harmless(&tried.policy), clock(tried.version, &style.zone));
    let detail = wrapped(&harmless(detail), "    ");
    format!("  {policy}{name} (position {}, version of {version})\n{detail}\n", tried.position)
}
