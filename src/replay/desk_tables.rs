//! The desk's versions as rows of fact tables, and the contradictions among its own events.
//!
//! What is nested is in a column as JSON text, as the events write it.

use std::borrow::Cow;

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::facts::columns::FactTable;
use crate::facts::rows::RowsBuilder;
use crate::facts::tables::{
    CALENDARS, CalendarRow, Calendars, FIELDS, FieldRow, Fields, FindingRow, Findings, GROUPS, GroupRow, Groups,
    POLICIES, PRESENCE, PROFILES, Policies, PolicyRow, PresenceRow, PresenceTimes, ProfileRow, Profiles, SETTINGS,
    SettingsRow, SettingsVersions, USERS, UserRow, Users,
};
use crate::json::{Json, Number};
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
    let mut users = RowsBuilder::<Users>::new();
    each_version(&desk.users, |name, version| {
        let user = &version.value;
        users.push(UserRow {
            user: Some(name),
            since: Some(version.since),
            until: version.until,
            name: user.name.as_deref(),
            role: Some(user.role.name()),
            team: user.team.as_deref(),
            capacity: Some(user.capacity),
            auto_assign: Some(user.auto_assign),
            bot: Some(user.bot),
            skills: Some(texts(&user.skills)),
            group_skills: Some(texts(&user.group_skills)),
            groups: Some(texts(&user.groups)),
        });
    });
    let mut profiles = RowsBuilder::<Profiles>::new();
    each_version(&desk.profiles, |name, version| {
        let profile = &version.value;
        profiles.push(ProfileRow {
            profile: Some(name),
            since: Some(version.since),
            until: version.until,
            name: profile.name.as_deref(),
            platform: profile.platform.as_deref(),
            visible_to: profile.visible_to.as_ref().map(texts),
            calendar: profile.calendar.as_deref(),
        });
    });
    let mut presence = RowsBuilder::<PresenceTimes>::new();
    each_version(&desk.presence, |name, version| {
        presence.push(PresenceRow {
            user: Some(name),
            since: Some(version.since),
            until: version.until,
            presence: Some(version.value.name()),
        });
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

fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Vec<&'t str> {
    texts.into_iter().map(String::as_str).collect()
}

fn policies(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<Policies>::new();
    each_version(&desk.policies, |name, version| {
        let policy = &version.value;
        rows.push(PolicyRow {
            policy: Some(name),
            since: Some(version.since),
            until: version.until,
            name: Some(policy.name.as_str()),
            position: Some(policy.position),
            enabled: Some(policy.enabled),
            conditions: Some(conditions(&policy.conditions).to_text().as_str()),
            targets: Some(targets(&policy.targets).to_text().as_str()),
            calendar: policy.calendar.as_deref(),
            pause_on: Some(policy.pause_on.iter().map(|status| Status::name(*status)).collect()),
        });
    });
    rows.finish()
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
        (
            *name,
            Some(object(Milestone::ALL.iter().copied().map(target))).filter(|targets| !targets.members().is_empty()),
        )
    };
    object(Priority::NAMES.iter().zip(all).map(of_priority))
}

fn calendars(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<Calendars>::new();
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
        rows.push(CalendarRow {
            calendar: Some(name),
            since: Some(version.since),
            until: version.until,
            time_zone: calendar.time_zone.iana_name(),
            hours: Some(week.to_text().as_str()),
            holidays: Some(Json::List(holidays.collect()).to_text().as_str()),
        });
    });
    rows.finish()
}

/// The hours of a day as pairs of `HH:MM`; nothing where there are none.
fn hours(all: &DayHours) -> Option<Json<'static>> {
    let minute = |minute: u16| text(format!("{:02}:{:02}", minute / 60, minute % 60));
    let pairs = all.iter().map(|(from, to)| Json::List(vec![minute(*from), minute(*to)]));
    (!all.is_empty()).then(|| Json::List(pairs.collect()))
}

fn groups(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<Groups>::new();
    each_version(&desk.groups, |name, version| {
        let group = &version.value;
        rows.push(GroupRow {
            group: Some(name),
            since: Some(version.since),
            until: version.until,
            name: group.name.as_deref(),
            members: Some(texts(&group.members)),
            skills: Some(texts(&group.skills)),
            profiles: Some(texts(&group.profiles)),
        });
    });
    rows.finish()
}

fn fields(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<Fields>::new();
    each_version(&desk.fields, |name, version| {
        let field = &version.value;
        rows.push(FieldRow {
            field: Some(name),
            since: Some(version.since),
            until: version.until,
            name: field.name.as_deref(),
            kind: field.kind.map(FieldKind::name),
            values: field.values.as_ref().map(texts),
            visibility: field.visibility.map(FieldVisibility::name),
            mandatory: Some(field.mandatory),
            enabled: Some(field.enabled),
            position: field.position,
        });
    });
    rows.finish()
}

fn settings(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<SettingsVersions>::new();
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
        let of_sources = settings.grace_periods_ms.iter().map(|(source, ms)| (source.as_str(), Some(whole(*ms))));
        let findings = settings.findings.iter().map(|(rule, severity)| (rule.as_str(), Some(text(severity.clone()))));
        rows.push(SettingsRow {
            since: Some(version.since),
            until: version.until,
            grace_period_ms: settings.grace_period_ms,
            grace_periods_ms: Some(object(of_sources).to_text().as_str()),
            unassign_on: Some(settings.unassign_on.iter().map(|presence| Presence::name(*presence)).collect()),
            default_calendar: settings.default_calendar.as_deref(),
            transitions: Some(transitions.to_text().as_str()),
            sla: Some(sla.to_text().as_str()),
            findings: Some(object(findings).to_text().as_str()),
        });
    }
    rows.finish()
}

/// An object of the members that have a value.
fn object<'j>(members: impl IntoIterator<Item = (&'j str, Option<Json<'j>>)>) -> Json<'j> {
    let members = members.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?)));
    Json::Object(members.collect())
}

fn list(texts: impl IntoIterator<Item = String>) -> Json<'static> {
    Json::List(texts.into_iter().map(text).collect())
}

fn whole(number: i64) -> Json<'static> {
    Json::Number(Number::Whole(i128::from(number)))
}

fn text(text: impl Into<Cow<'static, str>>) -> Json<'static> {
    Json::Text(text.into())
}

/// Contradictions among the desk's own events, as rows of `findings`; they are about no case.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn desk_findings(desk: &Desk) -> Result<RecordBatch> {
    let mut rows = RowsBuilder::<Findings>::new();
    for finding in &desk.findings {
        rows.push(FindingRow {
            time: Some(finding.time),
            source: Some(finding.source.as_str()),
            id: Some(finding.id.as_str()),
            case_id: None,
            kind: Some(finding.kind.name()),
            rule: Some(finding.rule.name()),
            effect: Some(finding.rule.effect().name()),
            severity: Some(finding.severity.as_str()),
            detail: Some(finding.detail.as_str()),
        });
    }
    rows.finish()
}
