//! SLA policies: the conditions that choose cases and the targets they promise (3.1).
//!
//! What a policy may state is checked here; [`super::sla`] chooses policies and gives the terms of their clocks.

use super::event::{Priority, Sentiment, Status, named};
use super::time::parse_duration_ms;
use super::words::Keyword;
use super::{Refusal, check_listed_once};
use crate::json::Json;

named! {
    /// One of the four things for which a policy sets a target, in the order of 3.6.
    Milestone {
        Assign = "assign",
        FirstResponse = "first_response",
        NextResponse = "next_response",
        Resolution = "resolution",
    }
}

/// The target of each milestone for one priority, in milliseconds; none: no target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    pub assign_ms: Option<i64>,
    pub first_response_ms: Option<i64>,
    pub next_response_ms: Option<i64>,
    pub resolution_ms: Option<i64>,
}

/// The cases that a policy is for; an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    pub text_any: Vec<Keyword>,
    pub text_all: Vec<Keyword>,
    pub text_none: Vec<Keyword>,
    pub profile: Option<Vec<String>>,
    pub platform: Option<Vec<String>>,
    pub sentiment: Option<Vec<Sentiment>>,
    pub language: Option<Vec<String>>,
}

impl Conditions {
    /// Whether any of them looks at the text.
    #[must_use]
    pub fn asks_for_text(&self) -> bool {
        !(self.text_any.is_empty() && self.text_all.is_empty() && self.text_none.is_empty())
    }
}

/// One version of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    pub position: i64,
    pub enabled: bool,
    pub conditions: Conditions,
    /// In the order of [`Priority`]: urgent, high, medium, low.
    pub targets: [Targets; 4],
    pub calendar: Option<String>,
    pub pause_on: Vec<Status>,
}

impl Policy {
    /// Reads the `data` of a `policy.updated`.
    ///
    /// # Errors
    /// `missing_member`, `wrong_type`, `unknown_value`, `invalid_duration`, or `policy_refused` with the policy, the
    /// priority and the rule of 3.1 that it breaks.
    pub fn parse(policy: &str, data: &Json<'_>) -> Result<Policy, Refusal> {
        let name = optional_text(data, "name")?.unwrap_or_else(|| policy.to_owned());
        read(data, &name).map_err(|refusal| refusal.within(&format!("policy \"{name}\"")))
    }

    /// Checks the `data` of a new `policy.updated`. A log may have older ones that only [`Policy::parse`] accepts.
    ///
    /// # Errors
    /// Those of [`Policy::parse`], and `listed_twice` where a list has a value twice.
    pub fn check(policy: &str, data: &Json<'_>) -> Result<(), Refusal> {
        let name = Policy::parse(policy, data)?.name;
        check_lists(data).map_err(|refusal| refusal.within(&format!("policy \"{name}\"")))
    }
}

fn check_lists(data: &Json<'_>) -> Result<(), Refusal> {
    let check = |object: Option<&Json<'_>>, name: &str, shown: &str| {
        let values = object.map_or(Ok(None), |object| texts(object, name))?.unwrap_or_default();
        check_listed_once(shown, values, |value| format!("`{value}`")).map_err(|refusal| refusal.at(name))
    };
    let conditions = data.get("conditions");
    let text = conditions.and_then(|conditions| conditions.get("text"));
    for name in ["any", "all", "none"] {
        check(text, name, &format!("text.{name}")).map_err(|refusal| refusal.at("text").at("conditions"))?;
    }
    for name in ["profile", "platform", "sentiment", "language"] {
        check(conditions, name, name).map_err(|refusal| refusal.at("conditions"))?;
    }
    check(Some(data), "pause_on", "pause_on")
}

fn read(data: &Json<'_>, name: &str) -> Result<Policy, Refusal> {
    let position = data.get("position").ok_or_else(|| Refusal::new("missing_member", "`position` is needed"))?;
    let position = position
        .as_whole()
        .ok_or_else(|| Refusal::new("wrong_type", "`position` must be a whole number").at("position"))?;
    let enabled = match data.get("enabled") {
        None => false,
        Some(value) => value
            .as_flag()
            .ok_or_else(|| Refusal::new("wrong_type", "`enabled` must be true or false").at("enabled"))?,
    };
    Ok(Policy {
        name: name.to_owned(),
        position,
        enabled,
        conditions: read_conditions(data).map_err(|refusal| refusal.at("conditions"))?,
        targets: read_targets(data)?,
        calendar: optional_text(data, "calendar")?,
        pause_on: read_pauses(data)?,
    })
}

fn optional_text(data: &Json<'_>, name: &str) -> Result<Option<String>, Refusal> {
    match data.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.to_string())),
        Some(other) => {
            Err(Refusal::new("wrong_type", format!("`{name}` must be a text, found {}", other.kind())).at(name))
        }
    }
}

fn texts(data: &Json<'_>, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let wrong = || Refusal::new("wrong_type", format!("`{name}` must be a list of texts"));
    let Some(value) = data.get(name) else { return Ok(None) };
    let items = value.as_list().ok_or_else(|| wrong().at(name))?;
    let text =
        |(at, item): (usize, &Json<'_>)| item.as_text().map(str::to_owned).ok_or_else(|| wrong().at_item(at).at(name));
    items.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

fn read_conditions(data: &Json<'_>) -> Result<Conditions, Refusal> {
    let Some(given) = data.get("conditions") else { return Ok(Conditions::default()) };
    let Json::Object(_) = given else { return Err(Refusal::new("wrong_type", "`conditions` must be an object")) };
    let keywords = |name: &str| match given.get("text") {
        Some(text @ Json::Object(_)) => {
            let words = texts(text, name).map_err(|refusal| refusal.at("text"))?.unwrap_or_default();
            Ok(words.iter().map(|text| Keyword::new(text)).collect())
        }
        Some(_) => Err(Refusal::new("wrong_type", "`text` must be an object of any, all and none").at("text")),
        None => Ok(Vec::new()),
    };
    let sentiment =
        |(at, name): (usize, &String)| sentiment(name).map_err(|refusal| refusal.at_item(at).at("sentiment"));
    let sentiments = texts(given, "sentiment")?.map(|names| names.iter().enumerate().map(sentiment).collect());
    Ok(Conditions {
        text_any: keywords("any")?,
        text_all: keywords("all")?,
        text_none: keywords("none")?,
        profile: texts(given, "profile")?,
        platform: texts(given, "platform")?,
        sentiment: sentiments.transpose()?,
        language: texts(given, "language")?,
    })
}

fn sentiment(name: &str) -> Result<Sentiment, Refusal> {
    Sentiment::parse(name).ok_or_else(|| {
        Refusal::new("unknown_value", format!("`sentiment` is one of {}, found `{name}`", Sentiment::NAMES.join(", ")))
    })
}

fn read_pauses(data: &Json<'_>) -> Result<Vec<Status>, Refusal> {
    let open = |name: &String| Status::parse(name).filter(|status| !status.is_resolved());
    let unknown = |name: &String| {
        Refusal::new(
            "unknown_value",
            format!("`pause_on` names open statuses (new, open, pending, on_hold), found `{name}`"),
        )
    };
    let names = texts(data, "pause_on")?.unwrap_or_default();
    let status = |(at, name): (usize, &String)| open(name).ok_or_else(|| unknown(name).at_item(at).at("pause_on"));
    names.iter().enumerate().map(status).collect()
}

/// Refuses a policy without targets.
fn none() -> Refusal {
    Refusal::new("policy_refused", "no milestone is enabled in the whole policy")
}

fn read_targets(data: &Json<'_>) -> Result<[Targets; 4], Refusal> {
    let Some(given) = data.get("targets") else { return Err(none()) };
    read_priorities(given).map_err(|refusal| refusal.at("targets"))
}

fn read_priorities(given: &Json<'_>) -> Result<[Targets; 4], Refusal> {
    let Json::Object(members) = given else { return Err(Refusal::new("wrong_type", "`targets` must be an object")) };
    let mut targets = [Targets::default(); 4];
    for (name, value) in members {
        let Some(priority) = Priority::parse(name) else {
            let detail = format!("`targets` has the priorities {}, found `{name}`", Priority::NAMES.join(", "));
            return Err(Refusal::new("unknown_value", detail).at(name));
        };
        if let Some(slot) = targets.get_mut(priority as usize) {
            *slot = read_target(value).map_err(|refusal| refusal.at(name).within(name))?;
        }
    }
    if targets.iter().all(|target| *target == Targets::default()) { Err(none()) } else { Ok(targets) }
}

fn read_target(value: &Json<'_>) -> Result<Targets, Refusal> {
    let milestone = |milestone: Milestone| match (milestone.name(), value.get(milestone.name())) {
        (_, None) => Ok(None),
        (name, Some(Json::Text(text))) => {
            parse_target_ms(text).map(Some).map_err(|refusal| refusal.at(name).within(name))
        }
        (name, Some(other)) => {
            let detail = format!("`{name}` must be a duration such as `1h 30m`, found {}", other.kind());
            Err(Refusal::new("wrong_type", detail).at(name))
        }
    };
    if !matches!(value, Json::Object(_) | Json::Null) {
        return Err(Refusal::new("wrong_type", "the targets of a priority must be an object"));
    }
    let targets = Targets {
        assign_ms: milestone(Milestone::Assign)?,
        first_response_ms: milestone(Milestone::FirstResponse)?,
        next_response_ms: milestone(Milestone::NextResponse)?,
        resolution_ms: milestone(Milestone::Resolution)?,
    };
    check_order(targets)
}

/// The duration of a target; zero is refused as a rule of 3.1, not as malformed.
fn parse_target_ms(text: &str) -> Result<i64, Refusal> {
    parse_duration_ms(text).map_err(|refusal| {
        let zero =
            text.bytes().all(|byte| matches!(byte, b'0' | b'd' | b'h' | b'm' | b's' | b' ')) && text.contains('0');
        if zero {
            Refusal::new("policy_refused", format!("a target must be more than zero, found `{text}`"))
        } else {
            refusal
        }
    })
}

fn check_order(targets: Targets) -> Result<Targets, Refusal> {
    let text = super::time::duration_text;
    if let (Some(assign), Some(first)) = (targets.assign_ms, targets.first_response_ms)
        && assign >= first
    {
        let detail = format!("assign ({}) must be shorter than first response ({})", text(assign), text(first));
        return Err(Refusal::new("policy_refused", detail).at(Milestone::Assign.name()));
    }
    if let (Some(first), Some(resolution)) = (targets.first_response_ms, targets.resolution_ms)
        && resolution <= first
    {
        let detail = format!("resolution ({}) must be longer than first response ({})", text(resolution), text(first));
        return Err(Refusal::new("policy_refused", detail).at(Milestone::Resolution.name()));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(data: &str) -> String {
        match Policy::parse("p", &Json::parse(data).unwrap()) {
            Ok(_) => "accepted".to_owned(),
            Err(refusal) => format!("{}: {refusal}", refusal.rule),
        }
    }

    #[test]
    fn policies_are_refused_with_policy_priority_and_rule() {
        let cases = [
            (
                r#"{"position":1,"targets":{"low":{"assign":"15m","first_response":"1h","resolution":"8h"}}}"#,
                "accepted",
            ),
            (
                r#"{"name":"Premium","position":1,"targets":{"urgent":{"assign":"2h","first_response":"1h"}}}"#,
                "policy_refused: policy \"Premium\", urgent: assign (2h) must be shorter than first response (1h)",
            ),
            (
                r#"{"position":1,"targets":{"low":{"first_response":"1h","resolution":"1h"}}}"#,
                "policy_refused: policy \"p\", low: resolution (1h) must be longer than first response (1h)",
            ),
            (
                r#"{"position":1,"targets":{"low":{}}}"#,
                "policy_refused: policy \"p\": no milestone is enabled in the whole policy",
            ),
            (
                r#"{"position":1,"targets":{"low":{"assign":"0m"}}}"#,
                "policy_refused: policy \"p\", low, assign: a target must be more than zero, found `0m`",
            ),
            (r#"{"targets":{"low":{"assign":"1m"}}}"#, "missing_member: policy \"p\": `position` is needed"),
            (
                r#"{"position":1,"pause_on":["done"],"targets":{"low":{"assign":"1m"}}}"#,
                "unknown_value: policy \"p\": `pause_on` names open statuses (new, open, pending, on_hold), found `done`",
            ),
            (
                r#"{"position":1,"targets":{"top":{"assign":"1m"}}}"#,
                "unknown_value: policy \"p\": `targets` has the priorities urgent, high, medium, low, found `top`",
            ),
        ];
        for (data, expected) in cases {
            assert_eq!(outcome(data), expected, "{data}");
        }
    }
}
