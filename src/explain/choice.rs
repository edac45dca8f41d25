//! Why a case has the policy it has, and not another (3.2).

use super::facts::{CaseFacts, Creation};
use crate::model::policy::{Conditions, Policy};
use crate::model::sla::{Mismatch, Situation, Sla, Trial};
use crate::model::time::Instant;
use crate::model::words::{Keyword, Words};

/// How many of the values of a condition are shown; the others are counted.
const VALUES_MAX: usize = 6;

/// The choice of a case's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// When it was made: at the creation.
    pub at: Instant,
    /// The policy that the case got.
    pub chosen: Option<Tried>,
    /// Those that were tried before, in order.
    pub rejected: Vec<Tried>,
}

/// A policy that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub policy: String,
    /// Its name, where that is not its id.
    pub name: Option<String>,
    /// When the version that was tried came into force.
    pub version: Instant,
    pub position: i64,
    /// The calendar whose hours its clocks count; none: all hours count.
    pub calendar: Option<String>,
    /// Statuses in which its clocks stand still.
    pub pause_on: Vec<&'static str>,
    /// The condition that did not hold; none of the policy that was chosen.
    pub condition: Option<&'static str>,
    /// What the conditions were compared with.
    pub detail: String,
}

/// Explains the choice, for a deleted case without its text.
pub(super) fn explain(facts: &CaseFacts, creation: &Creation<'_>, sla: &Sla) -> Choice {
    let Creation { situation, is_deleted } = creation;
    let at = facts.created_at;
    let chosen = facts.policy.as_ref().map(|(policy, _)| policy.as_str());
    let trials = match is_deleted {
        true => sla.trials_without_text(situation, at, chosen),
        false => sla.trials(situation, at),
    };
    let mut choice = Choice { at, chosen: None, rejected: Vec::new() };
    for trial in &trials {
        if chosen == Some(trial.policy) {
            choice.chosen = Some(tried(trial, None, held(&trial.statement.policy, situation, *is_deleted)));
        } else {
            let (condition, detail) = mismatch(trial, situation);
            choice.rejected.push(tried(trial, Some(condition), detail));
        }
    }
    choice
}

fn tried(trial: &Trial<'_>, condition: Option<&'static str>, detail: String) -> Tried {
    let Policy { name, position, calendar, pause_on, .. } = &trial.statement.policy;
    Tried {
        policy: trial.policy.to_owned(),
        name: (name != trial.policy).then(|| name.clone()),
        version: trial.statement.since,
        position: *position,
        calendar: calendar.clone(),
        pause_on: pause_on.iter().map(|status| status.name()).collect(),
        condition,
        detail,
    }
}

/// The condition that did not hold, and why.
fn mismatch(trial: &Trial<'_>, situation: &Situation<'_>) -> (&'static str, String) {
    let conditions = &trial.statement.policy.conditions;
    let Some(mismatch) = trial.mismatch else {
        return (
            "text",
            "its words did not hold; they are not shown because the text of the case is deleted".to_owned(),
        );
    };
    let words = || Words::new(situation.text.unwrap_or_default());
    let detail = match mismatch {
        Mismatch::TextAny => format!("none of {} is in the text", keywords(&conditions.text_any)),
        Mismatch::TextAll => {
            let (words, all) = (words(), keywords(&conditions.text_all));
            let missing = conditions.text_all.iter().find(|keyword| !words.have(keyword));
            format!("{} is not in the text, wanted all of {all}", keyword_or_nothing(missing))
        }
        Mismatch::TextNone => {
            let (words, none) = (words(), keywords(&conditions.text_none));
            let found = conditions.text_none.iter().find(|keyword| words.have(keyword));
            format!("{} is in the text, wanted none of {none}", keyword_or_nothing(found))
        }
        Mismatch::Profile => wanted("profile", situation.profile, conditions.profile.as_deref()),
        Mismatch::Platform => wanted("platform", situation.platform, conditions.platform.as_deref()),
        Mismatch::Language => wanted("language", situation.language, conditions.language.as_deref()),
        Mismatch::Sentiment => {
            let names: Vec<String> = conditions.sentiment.iter().flatten().map(|one| one.name().to_owned()).collect();
            wanted("sentiment", Some(situation.sentiment.name()), Some(&names))
        }
    };
    (mismatch.name(), detail)
}

fn wanted(what: &str, found: Option<&str>, list: Option<&[String]>) -> String {
    let list = listed(list.unwrap_or_default().iter().cloned());
    match found {
        Some(found) => format!("{what} is {found}, wanted one of {list}"),
        None => format!("there is no {what}, wanted one of {list}"),
    }
}

/// Why all conditions of the chosen policy hold.
fn held(policy: &Policy, situation: &Situation<'_>, text_is_gone: bool) -> String {
    let conditions = &policy.conditions;
    let mut parts = Vec::new();
    let mut value = |what: &str, asked: bool, found: Option<&str>| {
        if let Some(found) = found.filter(|_| asked) {
            parts.push(format!("{what} is {found}"));
        }
    };
    let asks = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    value("profile", asks(&conditions.profile), situation.profile);
    value("platform", asks(&conditions.platform), situation.platform);
    value("language", asks(&conditions.language), situation.language);
    let asks_for_sentiment = conditions.sentiment.as_ref().is_some_and(|list| !list.is_empty());
    value("sentiment", asks_for_sentiment, Some(situation.sentiment.name()));
    if text_is_gone && conditions.asks_for_text() {
        parts.push("its words held, too; they are not shown because the text of the case is deleted".to_owned());
    } else {
        parts.extend(words_held(conditions, situation));
    }
    if parts.is_empty() { "it has no conditions and takes every case".to_owned() } else { parts.join("; ") }
}

fn words_held(conditions: &Conditions, situation: &Situation<'_>) -> Vec<String> {
    let words = Words::new(situation.text.unwrap_or_default());
    let mut parts = Vec::new();
    if let Some(found) = conditions.text_any.iter().find(|keyword| words.have(keyword)) {
        parts.push(format!("\"{}\" is in the text", found.text));
    }
    if !conditions.text_all.is_empty() {
        parts.push(format!("all of {} are in the text", keywords(&conditions.text_all)));
    }
    if !conditions.text_none.is_empty() {
        parts.push(format!("none of {} is in the text", keywords(&conditions.text_none)));
    }
    parts
}

fn keywords(keywords: &[Keyword]) -> String {
    listed(keywords.iter().map(|keyword| format!("\"{}\"", keyword.text)))
}

fn keyword_or_nothing(keyword: Option<&Keyword>) -> String {
    keyword.map_or("nothing".to_owned(), |keyword| format!("\"{}\"", keyword.text))
}

fn listed(values: impl ExactSizeIterator<Item = String>) -> String {
    let more = values.len().saturating_sub(VALUES_MAX);
    let mut texts: Vec<String> = values.take(VALUES_MAX).collect();
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}
