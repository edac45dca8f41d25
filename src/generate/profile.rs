//! The profiles of the generated company: its accounts on the platforms.

use super::rhythm::Zone;
use super::text::Language;

/// An account of the company.
pub(super) struct Profile {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) platform: &'static str,
    /// Where its customers live.
    pub(super) zone: Zone,
    /// Its share of the cases, in thousandths.
    pub(super) share: u64,
    /// Whether its customers write at work rather than at home.
    pub(super) business: bool,
    /// The kinds of its messages, by weight.
    pub(super) kinds: &'static [(&'static str, u64)],
    pub(super) languages: &'static [(Language, u64)],
    /// Whether the bot greets, whether the router assigns, whether a survey follows; in thousandths of the cases.
    pub(super) greeted: u64,
    pub(super) routed: u64,
    pub(super) surveyed: u64,
    pub(super) calendar: Option<&'static str>,
}

use Language::{Cs, De, En, Es, Fr};

/// The company's profiles. They are referred to by reference and never change.
pub(super) static PROFILES: [Profile; 6] = [
    Profile {
        id: "lumen-fb",
        name: "Lumen & Oak",
        platform: "facebook",
        zone: Zone::Prague,
        share: 270,
        business: false,
        kinds: &[("public", 3), ("comment", 5), ("direct", 2)],
        languages: &[(Cs, 40), (De, 30), (En, 20), (Fr, 10)],
        greeted: 0,
        routed: 450,
        surveyed: 150,
        calendar: None,
    },
    Profile {
        id: "lumen-ig",
        name: "lumen.and.oak",
        platform: "instagram",
        zone: Zone::Madrid,
        share: 180,
        business: false,
        kinds: &[("comment", 6), ("direct", 4)],
        languages: &[(Es, 55), (Fr, 25), (En, 20)],
        greeted: 200,
        routed: 450,
        surveyed: 150,
        calendar: None,
    },
    Profile {
        id: "lumen-x",
        name: "@lumenoak",
        platform: "x",
        zone: Zone::NewYork,
        share: 150,
        business: false,
        kinds: &[("public", 8), ("direct", 2)],
        languages: &[(En, 80), (Es, 20)],
        greeted: 0,
        routed: 300,
        surveyed: 100,
        calendar: Some("americas"),
    },
    Profile {
        id: "lumen-mail",
        name: "hello@lumen-oak.example",
        platform: "email",
        zone: Zone::Prague,
        share: 230,
        business: true,
        kinds: &[("direct", 1)],
        languages: &[(En, 30), (De, 30), (Cs, 25), (Fr, 15)],
        greeted: 850,
        routed: 700,
        surveyed: 650,
        calendar: None,
    },
    Profile {
        id: "lumen-in",
        name: "Lumen & Oak for offices",
        platform: "linkedin",
        zone: Zone::Prague,
        share: 50,
        business: true,
        kinds: &[("comment", 4), ("direct", 6)],
        languages: &[(En, 60), (De, 40)],
        greeted: 0,
        routed: 0,
        surveyed: 0,
        calendar: None,
    },
    Profile {
        id: "lumen-chat",
        name: "Chat on the shop's page",
        platform: "chat",
        zone: Zone::Bogota,
        share: 120,
        business: false,
        kinds: &[("direct", 1)],
        languages: &[(Es, 70), (En, 30)],
        greeted: 950,
        routed: 900,
        surveyed: 700,
        calendar: Some("americas"),
    },
];

/// The profile to fall back on where a choice has nothing to choose from.
pub(super) fn any_profile() -> &'static Profile {
    let [first, ..] = &PROFILES;
    first
}
