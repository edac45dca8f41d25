//! The desk's versions as rows of fact tables, and what its own events contradict.
//!
//! What is nested stands in a column of JSON text, written as the events write it.

use std::borrow::Cow;

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::facts::rows::{Cell, Sheet};
use crate::facts::tables::{
    CALENDARS, FIELDS, FINDINGS, FactTable, GROUPS, POLICIES, PRESENCE, PROFILES, SETTINGS, USERS,
};
use crate::json::Json;
use crate::model::calendar::{DayHours, WEEKDAYS};
use crate::model::desk::Desk;
use crate::model::event::{FieldKind, FieldVisibility, Presence, Priority, Sentiment, Status};
use crate::model::policy::{Conditions, Milestone, Targets};
use crate::model::time::duration_text;
use crate::model::versions::{Version, Versions};
use crate::model::words::Keyword;

/// The versions of everything that the desk is made of, as rows.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn desk_tables(desk: &Desk) -> Result<Vec<(FactTable, RecordBatch)>> {
    let mut users = Sheet::new(USERS.columns);
    each_version(&desk.users, |name, version| {
        let user = &version.value;
        users
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(user.name.as_deref())
            .put(user.role.name())
            .put(user.team.as_deref())
            .put(user.capacity)
            .put(user.auto_assign)
            .put(user.bot)
            .put(texts(&user.skills))
            .put(texts(&user.group_skills))
            .put(texts(&user.groups));
    });
    let mut profiles = Sheet::new(PROFILES.columns);
    each_version(&desk.profiles, |name, version| {
        let profile = &version.value;
        profiles
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(profile.name.as_deref())
            .put(profile.platform.as_deref())
            .put(profile.visible_to.as_ref().map_or(Cell::Texts(None), texts))
            .put(profile.calendar.as_deref());
    });
    let mut presence = Sheet::new(PRESENCE.columns);
    each_version(&desk.presence, |name, version| {
        presence.row().put(name).put(version.since).put(version.until).name(version.value.name());
    });
    Ok(vec![
        (USERS, users.finish()?),
        (PROFILES, profiles.finish()?),
        (PRESENCE, presence.finish()?),
        (POLICIES, policies(desk)?),
        (CALENDARS, calendars(desk)?),
        (GROUPS, groups(desk)?),
        (FIELDS, fields(desk)?),
        (SETTINGS, settings(desk)?),
    ])
}

/// The versions of each, in the order of their names.
fn each_version<'v, T: PartialEq + 'v>(
    all: impl IntoIterator<Item = (&'v String, &'v Versions<T>)>,
    mut take: impl FnMut(&str, &Version<T>),
) {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    for (name, versions) in all {
        versions.iter().for_each(|version| take(name, version));
    }
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Cell<'t> {
    Cell::Texts(Some(texts.into_iter().map(String::as_str).collect()))
}

fn policies(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(POLICIES.columns);
    each_version(&desk.policies, |name, version| {
        let policy = &version.value;
        sheet
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(policy.name.as_str())
            .put(policy.position)
            .put(policy.enabled)
            .put(conditions(&policy.conditions).to_text().as_str())
            .put(targets(&policy.targets).to_text().as_str())
            .put(policy.calendar.as_deref())
            .put(Cell::Texts(Some(policy.pause_on.iter().map(|status| Status::name(*status)).collect())));
    });
    sheet.finish()
}

fn conditions(conditions: &Conditions) -> Json<'_> {
    let words = |words: &'_ [Keyword]| {
        (!words.is_empty()).then(|| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>())
    };
    let text = object([
        ("any", words(&conditions.text_any).map(list)),
        ("all", words(&conditions.text_all).map(list)),
        ("none", words(&conditions.text_none).map(list)),
    ]);
    let sentiments = |all: &Vec<Sentiment>| list(all.iter().map(|sentiment| sentiment.name().to_owned()));
    object([
        ("text", Some(text).filter(|text| !text.members().is_empty())),
        ("profile", conditions.profile.clone().map(list)),
        ("platform", conditions.platform.clone().map(list)),
        ("sentiment", conditions.sentiment.as_ref().map(sentiments)),
        ("language", conditions.language.clone().map(list)),
    ])
}

/// The targets by priority; a priority without any is left out.
fn targets(all: &[Targets; 4]) -> Json<'static> {
    let of_priority = |(name, targets): (&&'static str, &Targets)| {
        let target = |milestone: Milestone| {
            let ms = match milestone {
                Milestone::Assign => targets.assign_ms,
                Milestone::FirstResponse => targets.first_response_ms,
                Milestone::NextResponse => targets.next_response_ms,
                Milestone::Resolution => targets.resolution_ms,
            };
            (milestone.name(), ms.map(|ms| text(duration_text(ms))))
        };
        (*name, Some(object(Milestone::ALL.map(target))).filter(|targets| !targets.members().is_empty()))
    };
    object(Priority::NAMES.iter().zip(all).map(of_priority))
}

fn calendars(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(CALENDARS.columns);
    each_version(&desk.calendars, |name, version| {
        let calendar = version.value.calendar();
        let week = object(WEEKDAYS.iter().zip(&calendar.week).map(|(day, all)| (*day, hours(all))));
        let holidays = calendar.holidays.iter().map(|holiday| {
            object([
                ("date", Some(text(holiday.date.to_string()))),
                ("name", holiday.name.clone().map(text)),
                ("hours", hours(&holiday.hours)),
            ])
        });
        sheet
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(calendar.time_zone.iana_name())
            .put(week.to_text().as_str())
            .put(Json::List(holidays.collect()).to_text().as_str());
    });
    sheet.finish()
}

/// The hours of a day as pairs of `HH:MM`; nothing where there are none.
fn hours(all: &DayHours) -> Option<Json<'static>> {
    let minute = |minute: u16| text(format!("{:02}:{:02}", minute / 60, minute % 60));
    let pairs = all.iter().map(|(from, to)| Json::List(vec![minute(*from), minute(*to)]));
    (!all.is_empty()).then(|| Json::List(pairs.collect()))
}

fn groups(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(GROUPS.columns);
    each_version(&desk.groups, |name, version| {
        let group = &version.value;
        sheet
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(group.name.as_deref())
            .put(texts(&group.members))
            .put(texts(&group.skills))
            .put(texts(&group.profiles));
    });
    sheet.finish()
}

fn fields(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(FIELDS.columns);
    each_version(&desk.fields, |name, version| {
        let field = &version.value;
        sheet
            .row()
            .put(name)
            .put(version.since)
            .put(version.until)
            .put(field.name.as_deref())
            .name(field.kind.map(FieldKind::name))
            .put(field.values.as_ref().map_or(Cell::Texts(None), texts))
            .name(field.visibility.map(FieldVisibility::name))
            .put(field.mandatory)
            .put(field.enabled)
            .put(field.position);
    });
    sheet.finish()
}

fn settings(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(SETTINGS.columns);
    for version in desk.settings.iter() {
        let (settings, transitions) = (&version.value, &version.value.transitions);
        let retarget = |retargets: bool| Some(text(if retargets { "retarget" } else { "keep" }));
        let sla = object([
            ("priority_change", retarget(settings.sla.priority_change_retargets)),
            ("policy_edit", retarget(settings.sla.policy_edit_retargets)),
        ]);
        let transitions = object([
            ("assign", Some(Json::Flag(transitions.assign))),
            ("unassign", Some(Json::Flag(transitions.unassign))),
            ("customer_reply", Some(Json::Flag(transitions.customer_reply))),
        ]);
        let findings = settings.findings.iter().map(|(rule, severity)| (rule.as_str(), Some(text(severity.clone()))));
        sheet
            .row()
            .put(version.since)
            .put(version.until)
            .put(settings.grace_period_ms)
            .put(Cell::Texts(Some(settings.unassign_on.iter().map(|presence| Presence::name(*presence)).collect())))
            .put(settings.default_calendar.as_deref())
            .put(transitions.to_text().as_str())
            .put(sla.to_text().as_str())
            .put(object(findings).to_text().as_str());
    }
    sheet.finish()
}

/// An object of the members that have a value.
fn object<'j>(members: impl IntoIterator<Item = (&'j str, Option<Json<'j>>)>) -> Json<'j> {
    let members = members.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?)));
    Json::Object(members.collect())
}

fn list(texts: impl IntoIterator<Item = String>) -> Json<'static> {
    Json::List(texts.into_iter().map(text).collect())
}

fn text(text: impl Into<Cow<'static, str>>) -> Json<'static> {
    Json::Text(text.into())
}

/// What the desk's own events contradict, as rows of `findings`; they are about no case.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn desk_findings(desk: &Desk) -> Result<RecordBatch> {
    let mut sheet = Sheet::new(FINDINGS.columns);
    for finding in &desk.findings {
        sheet
            .row()
            .put(finding.time)
            .put(finding.source.as_str())
            .put(finding.id.as_str())
            .put(Cell::Text(None))
            .name(finding.kind.name())
            .name(finding.rule.name())
            .name(finding.rule.effect().name())
            .put(finding.severity.as_str())
            .put(finding.detail.as_str());
    }
    sheet.finish()
}
