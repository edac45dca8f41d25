//! Views (7.3): which cases, shown to whom, in which order.

use std::collections::BTreeSet;

use super::event::{Priority, Sentiment, Status, named};
use super::outcome::Outcome;
use super::policy::Milestone;
use super::time::{Instant, parse_duration_ms};
use super::words::{Keyword, Words};
use super::{Refusal, check_listed_once};
use crate::json::Json;

named! {
    /// The order of the cases of a view.
    Sort {
        CreatedOldest = "created_oldest",
        CreatedNewest = "created_newest",
        CustomerMessageNewest = "customer_message_newest",
        CustomerMessageOldest = "customer_message_oldest",
        MessageNewest = "message_newest",
        MessageOldest = "message_oldest",
        MentionNewest = "mention_newest",
        TimeLeftShortest = "time_left_shortest",
        TimeLeftLongest = "time_left_longest",
        PriorityHighest = "priority_highest",
        PriorityLowest = "priority_lowest",
    }
}

/// To whom a view is shown. Supervisors and admins have every view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    Everybody,
    Of { users: BTreeSet<String>, groups: BTreeSet<String> },
}

/// A view that an event states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: String,
    pub conditions: ViewConditions,
    pub visibility: Visibility,
    /// Nothing: created, oldest first.
    pub sort: Option<Sort>,
}

/// Which cases a view has. All conditions must hold; of one, any listed value is enough, and an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewConditions {
    pub status: Vec<Status>,
    /// Nothing stands for a case without one, as in `profile` and `policy`.
    pub assignee: Vec<Option<String>>,
    pub profile: Vec<Option<String>>,
    pub policy: Vec<Option<String>>,
    pub priority: Vec<Priority>,
    pub platform: Vec<String>,
    pub sentiment: Vec<Sentiment>,
    pub language: Vec<String>,
    /// One valid instance must be of a listed milestone and have a listed outcome.
    pub milestone: Vec<Milestone>,
    pub outcome: Vec<Outcome>,
    pub fields: Vec<(String, Vec<String>)>,
    pub text_any: Vec<Keyword>,
    pub text_all: Vec<Keyword>,
    pub text_none: Vec<Keyword>,
    /// The age must be at least that.
    pub age_ms_min: Option<i64>,
    /// The age must be less than that.
    pub age_ms_below: Option<i64>,
}

/// What conditions look at in a case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseState {
    pub status: Status,
    pub assignee: Option<String>,
    pub profile: Option<String>,
    pub policy: Option<String>,
    pub priority: Priority,
    pub platform: Option<String>,
    pub sentiment: Sentiment,
    pub language: Option<String>,
    /// Of every valid instance.
    pub outcomes: Vec<(Milestone, Outcome)>,
    pub fields: Vec<(String, String)>,
    pub text: Option<String>,
    pub created_at: Instant,
}

impl ViewConditions {
    /// Whether any of them looks at the text.
    #[must_use]
    pub fn ask_for_text(&self) -> bool {
        !(self.text_any.is_empty() && self.text_all.is_empty() && self.text_none.is_empty())
    }

    /// Whether they hold for a case at that instant.
    #[must_use]
    pub fn hold(&self, case: &CaseState, at: Instant) -> bool {
        let age_ms = at.since_ms(case.created_at);
        has(&self.status, &case.status)
            && has(&self.assignee, &case.assignee)
            && has(&self.profile, &case.profile)
            && has(&self.policy, &case.policy)
            && has(&self.priority, &case.priority)
            && has(&self.sentiment, &case.sentiment)
            && has_text(&self.platform, case.platform.as_deref())
            && has_text(&self.language, case.language.as_deref())
            && self.age_ms_min.is_none_or(|min| min <= age_ms)
            && self.age_ms_below.is_none_or(|below| age_ms < below)
            && self.fields.iter().all(|(field, values)| has_value(case, field, values))
            && self.has_instance(case)
            && self.have_text(case.text.as_deref())
    }

    fn has_instance(&self, case: &CaseState) -> bool {
        let fits = |(milestone, outcome): &(Milestone, Outcome)| {
            has(&self.milestone, milestone) && has(&self.outcome, outcome)
        };
        self.milestone.is_empty() && self.outcome.is_empty() || case.outcomes.iter().any(fits)
    }

    fn have_text(&self, text: Option<&str>) -> bool {
        if !self.ask_for_text() {
            return true;
        }
        let words = Words::new(text.unwrap_or_default());
        (self.text_any.is_empty() || self.text_any.iter().any(|word| words.have(word)))
            && self.text_all.iter().all(|word| words.have(word))
            && !self.text_none.iter().any(|word| words.have(word))
    }
}

fn has<T: PartialEq>(list: &[T], value: &T) -> bool {
    list.is_empty() || list.contains(value)
}

fn has_text(list: &[String], value: Option<&str>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.iter().any(|listed| listed == value))
}

/// Whether a field has one of the values; of a field of several values, whether one of these is.
fn has_value(case: &CaseState, field: &str, values: &[String]) -> bool {
    let Some((_, value)) = case.fields.iter().find(|(name, _)| name == field) else { return false };
    let is_listed = |value: &str| values.iter().any(|listed| listed == value);
    is_listed(value)
        || value.starts_with('[')
            && Json::parse(value).is_ok_and(|list| {
                list.as_list().unwrap_or_default().iter().any(|item| item.as_text().is_some_and(is_listed))
            })
}

impl View {
    /// Reads the `data` of a `view.updated`.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_value`, `invalid_duration` or `listed_twice`, with the name of the view.
    pub fn parse(view: &str, data: &Json<'_>) -> Result<View, Refusal> {
        let name = data
            .get("name")
            .map_or(Ok(view), |name| name.as_text().ok_or_else(|| wrong("name", "a text", name).at("name")));
        let name = name?.to_owned();
        read(data, &name).map_err(|refusal| refusal.within(&format!("view \"{name}\"")))
    }
}

fn wrong(member: &str, expected: &str, found: &Json<'_>) -> Refusal {
    Refusal::new("wrong_type", format!("`{member}` must be {expected}, found {}", found.kind()))
}

fn read(data: &Json<'_>, name: &str) -> Result<View, Refusal> {
    let sort = data.get("sort").map(|sort| one_of("sort", sort, Sort::NAMES, Sort::parse)).transpose();
    let conditions = match data.get("conditions") {
        Some(given @ Json::Object(_)) => read_conditions(given),
        Some(other) => Err(wrong("conditions", "an object", other)),
        None => Ok(ViewConditions::default()),
    };
    Ok(View {
        name: name.to_owned(),
        conditions: conditions.map_err(|refusal| refusal.at("conditions"))?,
        visibility: read_visibility(data.get("visibility")).map_err(|refusal| refusal.at("visibility"))?,
        sort: sort.map_err(|refusal| refusal.at("sort"))?,
    })
}

/// Without one, only supervisors and admins have the view: a view gives agents rights.
fn read_visibility(given: Option<&Json<'_>>) -> Result<Visibility, Refusal> {
    let Some(given) = given else { return Ok(Visibility::Of { users: BTreeSet::new(), groups: BTreeSet::new() }) };
    match given {
        Json::Text(text) if text == "everybody" => Ok(Visibility::Everybody),
        Json::Object(members) => {
            check_names(members.iter().map(|(name, _)| name.as_ref()), &["users", "groups"])?;
            let ids = |name: &str| texts(given, name).map(|ids| ids.into_iter().collect());
            Ok(Visibility::Of { users: ids("users")?, groups: ids("groups")? })
        }
        other => Err(wrong("visibility", "`everybody` or an object of users and groups", other)),
    }
}

/// The members that conditions may have. One that is not known is refused: ignoring it would show more cases.
const CONDITIONS: &[&str] = &[
    "status",
    "assignee",
    "profile",
    "policy",
    "priority",
    "platform",
    "sentiment",
    "language",
    "milestone",
    "outcome",
    "fields",
    "text",
    "age",
];

fn check_names<'n>(names: impl Iterator<Item = &'n str>, known: &[&str]) -> Result<(), Refusal> {
    match names.into_iter().find(|name| !known.contains(name)) {
        Some(name) => {
            Err(Refusal::new("unknown_value", format!("expected one of {}, found `{name}`", known.join(", "))).at(name))
        }
        None => Ok(()),
    }
}

fn read_conditions(given: &Json<'_>) -> Result<ViewConditions, Refusal> {
    check_names(given.members().iter().map(|(name, _)| name.as_ref()), CONDITIONS)?;
    let text = given.get("text");
    let keywords = |name: &str| match text {
        Some(text @ Json::Object(_)) => {
            let words = texts(text, name).map_err(|refusal| refusal.at("text"))?;
            Ok(words.iter().map(|word| Keyword::new(word)).collect())
        }
        Some(other) => Err(wrong("text", "an object of any, all and none", other).at("text")),
        None => Ok(Vec::new()),
    };
    let (age_ms_min, age_ms_below) = read_age(given.get("age")).map_err(|refusal| refusal.at("age"))?;
    Ok(ViewConditions {
        status: list(given, "status", Status::NAMES, Status::parse)?,
        assignee: texts_or_null(given, "assignee")?,
        profile: texts_or_null(given, "profile")?,
        policy: texts_or_null(given, "policy")?,
        priority: list(given, "priority", Priority::NAMES, Priority::parse)?,
        platform: texts(given, "platform")?,
        sentiment: list(given, "sentiment", Sentiment::NAMES, Sentiment::parse)?,
        language: texts(given, "language")?,
        milestone: list(given, "milestone", Milestone::NAMES, Milestone::parse)?,
        outcome: list(given, "outcome", Outcome::NAMES, Outcome::parse)?,
        fields: read_fields(given.get("fields")).map_err(|refusal| refusal.at("fields"))?,
        text_any: keywords("any")?,
        text_all: keywords("all")?,
        text_none: keywords("none")?,
        age_ms_min,
        age_ms_below,
    })
}

fn read_age(given: Option<&Json<'_>>) -> Result<(Option<i64>, Option<i64>), Refusal> {
    let Some(given) = given else { return Ok((None, None)) };
    let Json::Object(members) = given else { return Err(wrong("age", "an object of min and below", given)) };
    check_names(members.iter().map(|(name, _)| name.as_ref()), &["min", "below"])?;
    let duration = |name: &str| {
        let read = |value: &Json<'_>| match value.as_text() {
            Some(text) => parse_duration_ms(text),
            None => Err(wrong(name, "a duration such as `1d 12h`", value)),
        };
        given.get(name).map(read).transpose().map_err(|refusal| refusal.at(name))
    };
    Ok((duration("min")?, duration("below")?))
}

fn read_fields(given: Option<&Json<'_>>) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let Json::Object(members) = given else { return Err(wrong("fields", "an object of lists of values", given)) };
    members.iter().map(|(name, _)| Ok((name.to_string(), texts(given, name)?))).collect()
}

fn one_of<T>(member: &str, value: &Json<'_>, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<T, Refusal> {
    value.as_text().and_then(parse).ok_or_else(|| {
        let found = value.as_text().map_or_else(|| value.kind().to_owned(), |text| format!("`{text}`"));
        Refusal::new("unknown_value", format!("`{member}` must be one of {}, found {found}", names.join(", ")))
    })
}

fn items<'j>(object: &'j Json<'_>, name: &str) -> Result<&'j [Json<'j>], Refusal> {
    match object.get(name) {
        None => Ok(&[]),
        Some(value) => value.as_list().ok_or_else(|| wrong(name, "a list", value).at(name)),
    }
}

fn list<T>(object: &Json<'_>, name: &str, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<Vec<T>, Refusal> {
    let items = items(object, name)?;
    check_once(name, items)?;
    let item = |(at, item)| one_of(name, item, names, parse).map_err(|refusal| refusal.at_item(at).at(name));
    items.iter().enumerate().map(item).collect()
}

fn texts(object: &Json<'_>, name: &str) -> Result<Vec<String>, Refusal> {
    let items = items(object, name)?;
    check_once(name, items)?;
    let text = |(at, item): (usize, &Json<'_>)| {
        item.as_text().map(str::to_owned).ok_or_else(|| wrong(name, "a list of texts", item).at_item(at).at(name))
    };
    items.iter().enumerate().map(text).collect()
}

fn texts_or_null(object: &Json<'_>, name: &str) -> Result<Vec<Option<String>>, Refusal> {
    let items = items(object, name)?;
    check_once(name, items)?;
    let text = |(at, item): (usize, &Json<'_>)| match item {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text.to_string())),
        other => Err(wrong(name, "a list of texts and null", other).at_item(at).at(name)),
    };
    items.iter().enumerate().map(text).collect()
}

fn check_once(name: &str, items: &[Json<'_>]) -> Result<(), Refusal> {
    let texts = items.iter().map(|item| item.as_text().unwrap_or("null"));
    check_listed_once(name, texts, |text| format!("`{text}`")).map_err(|refusal| refusal.at(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(data: &str) -> String {
        match View::parse("v", &Json::parse(data).unwrap()) {
            Ok(_) => "accepted".to_owned(),
            Err(refusal) => format!("{}: {refusal}", refusal.rule),
        }
    }

    #[test]
    fn views_are_refused_with_their_name_and_the_rule() {
        let cases = [
            (r#"{"name":"VIP","visibility":"everybody","sort":"time_left_shortest"}"#, "accepted"),
            (r#"{"visibility":{"users":["ana"]}}"#, "accepted"),
            (
                r#"{"conditions":{"status":["open"],"assignee":["ana",null],"fields":{"tier":["gold"]},"text":{"any":["refund"]},
                    "age":{"min":"1d","below":"7d"},"milestone":["assign"],"outcome":["overdue"]}}"#,
                "accepted",
            ),
            (
                r#"{"visibility":"all"}"#,
                "wrong_type: view \"v\": `visibility` must be `everybody` or an object of users and groups, found a text",
            ),
            (
                r#"{"name":"VIP","conditions":{"owner":["ana"]}}"#,
                "unknown_value: view \"VIP\": expected one of status, assignee, profile, policy, priority, platform, sentiment, language, milestone, outcome, fields, text, age, found `owner`",
            ),
            (
                r#"{"conditions":{"status":["shut"]}}"#,
                "unknown_value: view \"v\": `status` must be one of new, open, pending, on_hold, done, spam, found `shut`",
            ),
            (r#"{"conditions":{"priority":["low","low"]}}"#, "listed_twice: view \"v\": `priority` lists `low` twice"),
        ];
        for (data, expected) in cases {
            assert_eq!(outcome(data), expected, "{data}");
        }
        assert!(outcome(r#"{"conditions":{"age":{"min":"2x"}}}"#).starts_with("invalid_duration: view \"v\""));
        assert!(outcome(r#"{"sort":"random"}"#).starts_with("unknown_value: view \"v\": `sort` must be one of"));
    }
}
