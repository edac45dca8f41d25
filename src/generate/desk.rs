//! The desk of the generated company, Lumen & Oak, which sells lamps and furniture.
//!
//! Everything that is stated before the first case: users, groups, skills, calendars, policies, fields, settings. The number
//! of agents depends on the number of cases a day; the rest is always the same.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;

use super::event::{Events, date_text};
use super::profile::{PROFILES, Profile};
use super::random::Random;
use super::rhythm::{self, DAY, HOUR, MINUTE, PERIOD_END, Period, Zone};

/// How long resolved cases can be reopened by a message; the `grace_period` of [`SETTINGS`].
pub(super) const GRACE: i64 = 3 * DAY;

/// How long a shift is, the break included.
pub(super) const SHIFT: i64 = 8 * HOUR + 30 * MINUTE;

const AGENTS_MIN: u64 = 8;
const AGENTS_MAX: u64 = 5_000;

/// The bot that greets and asks for feedback, and the one that assigns cases.
pub(super) const GREETER: &str = "oakley";
pub(super) const ROUTER: &str = "router";
pub(super) const SUPERVISORS: [&str; 2] = ["helena", "marcus"];

/// The users besides the agents: id, name, role, team, whether a bot.
const OTHERS: [(&str, &str, &str, &str, bool); 4] = [
    ("helena", "Helena", "supervisor", "care", false),
    ("marcus", "Marcus", "supervisor", "orders", false),
    (GREETER, "Oakley", "agent", "care", true),
    (ROUTER, "Router", "agent", "care", true),
];

/// A person who answers customers.
pub(super) struct Agent {
    pub(super) id: Rc<str>,
    name: String,
    team: &'static str,
    pub(super) shift: Shift,
    /// How long this agent takes, in thousandths of what is usual.
    pub(super) slowness: i64,
    pub(super) capacity: usize,
    pub(super) auto_assign: bool,
    skills: &'static [&'static str],
}

/// When and where an agent works.
#[derive(Clone, Copy)]
pub(super) struct Shift {
    zone: Zone,
    /// Minutes after the local midnight.
    starts: i64,
    /// Monday first.
    days: [bool; 7],
}

impl Shift {
    /// The instant at which the shift of a local day starts.
    pub(super) fn start(&self, day: i64) -> i64 {
        day * DAY + self.starts * MINUTE - self.zone.offset(day)
    }

    pub(super) fn works_on(&self, day: i64) -> bool {
        usize::try_from(rhythm::weekday(day)).is_ok_and(|weekday| self.days.get(weekday) == Some(&true))
    }
}

const MON_FRI: [bool; 7] = [true, true, true, true, true, false, false];
const TUE_SAT: [bool; 7] = [false, true, true, true, true, true, false];
const WED_SUN: [bool; 7] = [false, false, true, true, true, true, true];
const THU_MON: [bool; 7] = [true, false, false, true, true, true, true];

/// The shifts, assigned to the agents in turn.
const ROTA: [Shift; 8] = [
    Shift { zone: Zone::Prague, starts: 8 * 60, days: MON_FRI },
    Shift { zone: Zone::NewYork, starts: 9 * 60, days: MON_FRI },
    Shift { zone: Zone::Prague, starts: 10 * 60, days: MON_FRI },
    Shift { zone: Zone::Madrid, starts: 9 * 60, days: WED_SUN },
    Shift { zone: Zone::Madrid, starts: 8 * 60 + 30, days: MON_FRI },
    Shift { zone: Zone::Bogota, starts: 12 * 60, days: MON_FRI },
    Shift { zone: Zone::Prague, starts: 12 * 60, days: TUE_SAT },
    Shift { zone: Zone::Bogota, starts: 10 * 60, days: THU_MON },
];

const NAMES: [(&str, &str); 32] = [
    ("ana", "Ana"),
    ("josh", "Josh"),
    ("bela", "Béla"),
    ("ines", "Inés"),
    ("jiri", "Jiří"),
    ("luz", "Luz"),
    ("greta", "Greta"),
    ("mateo", "Mateo"),
    ("zofie", "Žofie"),
    ("omar", "Omar"),
    ("francois", "François"),
    ("nuria", "Núria"),
    ("tomas", "Tomáš"),
    ("camila", "Camila"),
    ("jurgen", "Jürgen"),
    ("andres", "Andrés"),
    ("lea", "Léa"),
    ("grace", "Grace"),
    ("pavel", "Pavel"),
    ("ruben", "Rubén"),
    ("klara", "Klára"),
    ("diego", "Diego"),
    ("anouk", "Anouk"),
    ("sofia", "Sofía"),
    ("vojta", "Vojta"),
    ("maya", "Maya"),
    ("emil", "Emil"),
    ("paz", "Paz"),
    ("radka", "Radka"),
    ("noah", "Noah"),
    ("heike", "Heike"),
    ("ximena", "Ximena"),
];

const TEAMS: [&str; 3] = ["care", "orders", "technical"];
const SKILLS: [&[&str]; 4] = [&["refunds"], &["repairs", "german"], &["spanish"], &["refunds", "czech"]];

/// The agents that are needed for a number of cases.
pub(super) fn agents(cases: u64, days: i64, random: &mut Random) -> Vec<Agent> {
    let per_day = cases / days.unsigned_abs().max(1);
    (0..(AGENTS_MIN + per_day / 12).min(AGENTS_MAX)).map(|n| agent(n, random)).collect()
}

fn agent(n: u64, random: &mut Random) -> Agent {
    let (id, name) = turn(&NAMES, n).unwrap_or(("ana", "Ana"));
    let again = n / NAMES.len() as u64;
    let (id, name) = match again {
        0 => (id.to_owned(), name.to_owned()),
        _ => (format!("{id}-{}", again + 1), format!("{name} {}", again + 1)),
    };
    Agent {
        id: id.into(),
        name,
        team: turn(&TEAMS, n).unwrap_or("care"),
        shift: turn(&ROTA, n).unwrap_or(Shift { zone: Zone::Prague, starts: 8 * 60, days: MON_FRI }),
        slowness: random.between(700, 1_400),
        capacity: usize::try_from(random.between(9, 15)).unwrap_or(10),
        auto_assign: random.chance(750),
        skills: turn(&SKILLS, n / 3).unwrap_or(&[]),
    }
}

/// The `n`th element; after the last one the list starts again.
fn turn<T: Copy>(list: &[T], n: u64) -> Option<T> {
    list.iter().copied().cycle().nth(usize::try_from(n).unwrap_or(0) % list.len().max(1))
}

const SETTINGS: &[(&str, &str)] =
    &[("grace_period", r#""3d""#), ("unassign_on", r#"["offline"]"#), ("default_calendar", r#""office""#)];

/// Writes the events that state what the desk is, each at its own instant.
pub(super) fn write_setup<W: io::Write>(events: &mut Events<W>, agents: &[Agent], period: &Period) -> io::Result<()> {
    write_calendars(events, period)?;
    write_members(events, "settings.updated", "settings", SETTINGS)?;
    for skill in ["refunds", "repairs", "german", "spanish", "czech"] {
        write_members(events, "skill.updated", skill, &[])?;
    }
    write_users(events, agents)?;
    PROFILES.iter().try_for_each(|profile| write_profile(events, profile))?;
    write_groups(events, agents)?;
    for (field, members) in FIELDS {
        write_members(events, "field.updated", field, members)?;
    }
    POLICIES.iter().try_for_each(|(policy, members)| write_members(events, "policy.updated", policy, members))
}

/// An event whose members are JSON already, a quarter of a second after the one before.
fn write_members<W: io::Write>(
    events: &mut Events<W>,
    kind: &str,
    subject: &str,
    members: &[(&str, &str)],
) -> io::Result<()> {
    events.move_to(events.now() + 250);
    let event = events.about(kind, format_args!("{subject}"));
    for (name, json) in members {
        event.raw(name, format_args!("{json}"));
    }
    event.end()
}

fn write_users<W: io::Write>(events: &mut Events<W>, agents: &[Agent]) -> io::Result<()> {
    for (id, name, role, team, bot) in OTHERS {
        events.move_to(events.now() + 250);
        let event =
            events.about("user.updated", format_args!("{id}")).text("name", name).text("role", role).text("team", team);
        event.raw("bot", format_args!("{bot}")).end()?;
    }
    agents.iter().try_for_each(|agent| {
        events.move_to(events.now() + 250);
        let event = events.about("user.updated", format_args!("{}", agent.id)).text("name", &agent.name);
        event.text("role", "agent").text("team", agent.team).raw("capacity", format_args!("{}", agent.capacity));
        event.raw("auto_assign", format_args!("{}", agent.auto_assign)).list("skills", agent.skills).end()
    })
}

fn write_profile<W: io::Write>(events: &mut Events<W>, profile: &Profile) -> io::Result<()> {
    events.move_to(events.now() + 250);
    let event = events.about("profile.updated", format_args!("{}", profile.id)).text("name", profile.name);
    event.text("platform", profile.platform).text_if("calendar", profile.calendar).end()
}

fn write_groups<W: io::Write>(events: &mut Events<W>, agents: &[Agent]) -> io::Result<()> {
    let of_team = |team| agents.iter().filter(|agent| agent.team == team).map(|agent| &*agent.id).collect::<Vec<_>>();
    let groups = [
        ("workshop", "Workshop", of_team("technical"), "repairs", "lumen-mail"),
        ("shop", "Shop and deliveries", of_team("orders"), "refunds", "lumen-chat"),
    ];
    for (id, name, members, skill, profile) in groups {
        events.move_to(events.now() + 250);
        let event = events.about("group.updated", format_args!("{id}")).text("name", name).list("members", &members);
        event.list("skills", &[skill]).list("profiles", &[profile]).end()?;
    }
    Ok(())
}

fn write_calendars<W: io::Write>(events: &mut Events<W>, period: &Period) -> io::Result<()> {
    let holidays = holidays_json(period);
    let office = [("time_zone", r#""Europe/Prague""#), ("hours", OFFICE_HOURS), ("holidays", &holidays)];
    write_members(events, "calendar.updated", "office", &office)?;
    let americas = [("time_zone", r#""America/New_York""#), ("hours", AMERICAS_HOURS)];
    write_members(events, "calendar.updated", "americas", &americas)
}

const OFFICE_HOURS: &str = r#"{"mon":[["08:00","18:00"]],"tue":[["08:00","18:00"]],"wed":[["08:00","18:00"]],"thu":[["08:00","18:00"]],"fri":[["08:00","17:00"]],"sat":[["09:00","13:00"]]}"#;
const AMERICAS_HOURS: &str = r#"{"mon":[["09:00","12:30"],["13:00","19:00"]],"tue":[["09:00","12:30"],["13:00","19:00"]],"wed":[["09:00","12:30"],["13:00","19:00"]],"thu":[["09:00","12:30"],["13:00","19:00"]],"fri":[["09:00","12:30"],["13:00","19:00"]]}"#;

/// The holidays of the years of the period; the Second Day of Christmas has a few opening hours.
fn holidays_json(period: &Period) -> String {
    let (first, _, _) = rhythm::date(period.begin.div_euclid(DAY));
    let (last, _, _) = rhythm::date(PERIOD_END.div_euclid(DAY));
    let mut json = String::from("[");
    for (day, name) in (first..=last).flat_map(rhythm::holidays) {
        let comma = if json.len() > 1 { "," } else { "" };
        let hours = if name.starts_with("Second") { r#","hours":[["09:00","12:00"]]"# } else { "" };
        // Writing to memory does not fail.
        let _ = write!(json, r#"{comma}{{"date":"{}","name":"{name}"{hours}}}"#, date_text(day));
    }
    json.push(']');
    json
}

const FIELDS: [(&str, &[(&str, &str)]); 2] = [
    (
        "product",
        &[
            ("name", r#""Product""#),
            ("kind", r#""single""#),
            ("values", r#"["aura-lamp","halden-table","pico-bulb","birk-shelf","delivery","app"]"#),
            ("enabled", "true"),
            ("position", "1"),
        ],
    ),
    ("order", &[("name", r#""Order""#), ("kind", r#""text""#), ("enabled", "true"), ("position", "2")]),
];

const POLICIES: [(&str, &[(&str, &str)]); 3] = [
    (
        "refunds",
        &[
            ("name", r#""Refunds""#),
            ("position", "1"),
            ("enabled", "true"),
            (
                "conditions",
                r#"{"text":{"any":["refund","money back","reembolso","Geld zurück","vrátit peníze","remboursement"],"none":["newsletter"]}}"#,
            ),
            (
                "targets",
                r#"{"urgent":{"assign":"20m","first_response":"45m","next_response":"1h","resolution":"8h"},"high":{"assign":"30m","first_response":"1h","next_response":"2h","resolution":"12h"},"medium":{"assign":"1h","first_response":"2h","next_response":"3h","resolution":"1d"},"low":{"assign":"2h","first_response":"4h","next_response":"6h","resolution":"2d"}}"#,
            ),
            ("calendar", r#""office""#),
            ("pause_on", r#"["on_hold"]"#),
        ],
    ),
    (
        "premium",
        &[
            ("name", r#""Premium""#),
            ("position", "2"),
            ("enabled", "true"),
            ("conditions", r#"{"platform":["linkedin","chat"]}"#),
            (
                "targets",
                r#"{"urgent":{"assign":"15m","first_response":"45m","next_response":"30m","resolution":"6h"},"high":{"assign":"30m","first_response":"1h","next_response":"1h","resolution":"10h"},"medium":{"assign":"45m","first_response":"1h 30m","next_response":"2h","resolution":"20h"},"low":{"assign":"1h 30m","first_response":"3h","next_response":"4h","resolution":"1d 6h"}}"#,
            ),
            ("calendar", r#""americas""#),
            ("pause_on", r#"["pending","on_hold"]"#),
        ],
    ),
    (
        "standard",
        &[
            ("name", r#""Standard""#),
            ("position", "3"),
            ("enabled", "true"),
            (
                "targets",
                r#"{"urgent":{"assign":"30m","first_response":"1h","next_response":"1h","resolution":"10h"},"high":{"assign":"1h","first_response":"2h","next_response":"2h","resolution":"20h"},"medium":{"assign":"2h","first_response":"4h","next_response":"4h","resolution":"1d 16h"},"low":{"first_response":"8h","next_response":"8h","resolution":"3d"}}"#,
            ),
            ("calendar", r#""office""#),
            ("pause_on", r#"["pending","on_hold"]"#),
        ],
    ),
];
