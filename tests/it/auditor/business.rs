//! Business time (4): by the calendar of the profile that the case has at each instant, else by the default one, else
//! all hours. The time in which the case was resolved is left out.

use super::desk::Version;
use super::hours;
use super::life::Case;
use super::world::World;

/// The time between two instants for which the case was not resolved.
pub fn active_ms(world: &World, case: &Case, from: i64, until: i64) -> i64 {
    active(world, case, from, until).into_iter().map(|(a, b)| b - a).sum()
}

/// The part of it in business hours.
pub fn business_ms(world: &World, case: &Case, from: i64, until: i64) -> i64 {
    active(world, case, from, until).into_iter().map(|(a, b)| open_ms(world, case, a, b)).sum()
}

/// The time between two instants in business hours, whether the case was resolved or not.
pub fn open_hours_ms(world: &World, case: &Case, from: i64, until: i64) -> i64 {
    instants(world, from, until).windows(2).map(|pair| open_ms(world, case, pair[0], pair[1])).sum()
}

/// The elementary intervals, between neighbouring events, in which the case is open.
fn active(world: &World, case: &Case, from: i64, until: i64) -> Vec<(i64, i64)> {
    let instants = instants(world, from, until);
    let pairs = instants.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|pair| case.at(pair.0).is_some_and(|state| !state.is_resolved())).collect()
}

/// The instants of events from one to another.
fn instants(world: &World, from: i64, until: i64) -> Vec<i64> {
    let mut instants: Vec<i64> = world.events.iter().map(|event| event.time).collect();
    instants.retain(|t| from <= *t && *t <= until);
    instants.dedup();
    instants
}

fn open_ms(world: &World, case: &Case, from: i64, until: i64) -> i64 {
    match calendar_on(world, case, from).and_then(|version| version.value.as_ref()) {
        Some(calendar) => hours::openings(calendar, from, until).into_iter().map(|(a, b)| b - a).sum(),
        None => until - from,
    }
}

fn calendar_on<'a>(world: &'a World, case: &Case, instant: i64) -> Option<&'a Version> {
    let profile = case.at(instant).and_then(|state| state.profile.clone());
    let profile = profile.and_then(|profile| world.desk.on("profile", &profile, instant)?.value.as_ref());
    let own = profile.and_then(|profile| profile["calendar"].as_str());
    let default = world.desk.setting(world.last_index(instant), "/default_calendar").as_str();
    world.desk.on("calendar", own.or(default)?, instant)
}
