//! Which policy a case gets (3.1, 3.2), and the targets of its versions.

use super::desk::texts;
use super::event::{Event, duration};
use super::life::Case;
use super::world::World;
use serde_json::Value;

/// The policy of a case: its id and the index in the log of the version that was chosen.
pub fn chosen(world: &World, case: &Case) -> Option<(String, usize)> {
    let created = case.steps.first()?.index;
    let mut enabled: Vec<(i64, &str)> = Vec::new();
    for id in world.desk.names("policy") {
        if let Some(policy) = world.desk.at("policy", id, created).filter(|policy| policy["enabled"] == true) {
            enabled.push((policy["position"].as_i64().unwrap_or(0), id));
        }
    }
    enabled.sort_unstable();
    let holds = |id: &str| {
        let policy = world.desk.at("policy", id, created);
        policy.is_some_and(|policy| conditions_hold(world, created, &policy["conditions"]))
    };
    let id = enabled.into_iter().map(|(_, id)| id).find(|id| holds(id))?;
    Some((id.to_owned(), version(world, id, created)?.0))
}

/// The version of a policy after the event at `index`, with its index in the log. A removed policy keeps its last version for
/// the cases that have it (1.4).
pub fn version<'a>(world: &'a World, id: &str, index: usize) -> Option<(usize, &'a Value)> {
    let versions = world.desk.versions("policy", id).iter().filter(|version| version.index <= index);
    versions.filter_map(|version| Some((version.index, version.value.as_ref()?))).next_back()
}

/// The target of a milestone for a priority, in milliseconds.
pub fn target(policy: &Value, priority: &str, milestone: &str) -> Option<i64> {
    policy["targets"][priority][milestone].as_str().map(duration)
}

fn conditions_hold(world: &World, created: usize, conditions: &Value) -> bool {
    let event = &world.events[created];
    let platform = platform(world, created);
    let lists = [
        ("profile", event.text("profile")),
        ("platform", platform.as_deref()),
        ("language", event.text("language")),
        ("sentiment", Some(event.text("sentiment").unwrap_or("none"))),
    ];
    let is_listed = |(name, value): (&str, Option<&str>)| {
        texts(&conditions[name]).is_empty()
            || value.is_some_and(|value| texts(&conditions[name]).iter().any(|v| v == value))
    };
    lists.into_iter().all(is_listed) && text_holds(&conditions["text"], event)
}

/// A case created without a platform has its profile's, as of its creation (3.1, decision 45).
pub fn platform(world: &World, created: usize) -> Option<String> {
    let event = &world.events[created];
    if let Some(platform) = event.text("platform") {
        return Some(platform.to_owned());
    }
    let profile = world.desk.at("profile", event.text("profile")?, created)?;
    profile["platform"].as_str().map(str::to_owned)
}

fn text_holds(conditions: &Value, event: &Event) -> bool {
    let text = event.text("text").unwrap_or_default();
    // An empty list is no condition.
    let list = |name: &str| Some(texts(&conditions[name])).filter(|words| !words.is_empty());
    list("any").is_none_or(|words| words.iter().any(|word| holds_phrase(text, word)))
        && list("all").is_none_or(|words| words.iter().all(|word| holds_phrase(text, word)))
        && list("none").is_none_or(|words| !words.iter().any(|word| holds_phrase(text, word)))
}

/// Whether a text has a phrase: whole words in lower case. A keyword in a script without spaces matches anywhere, one without
/// letters nowhere.
fn holds_phrase(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (words(text), words(phrase));
    if phrase.is_empty() {
        return false;
    }
    if phrase.chars().any(is_written_without_spaces) {
        return text.contains(&phrase);
    }
    format!(" {text} ").contains(&format!(" {phrase} "))
}

fn words(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '_' { c } else { ' ' };
    let spaced: String = text.to_lowercase().chars().map(kept).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Thai, Lao, Khmer, Burmese, kana and Han.
fn is_written_without_spaces(c: char) -> bool {
    let thai_and_lao = matches!(c as u32, 0x0E00..=0x0EFF);
    let burmese_and_khmer = matches!(c as u32, 0x1000..=0x109F | 0x1780..=0x17FF);
    let kana_and_han = matches!(c as u32, 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
    thai_and_lao || burmese_and_khmer || kana_and_han
}
