//! The ids of the cases of a page, to which links lead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::links::Links;
use crate::report::draw::paint::escaped;
use crate::report::page::Page;

/// The id of each case's timeline, and the zone in which instants are shown.
pub(super) struct Anchors<'l> {
    of_case: BTreeMap<String, String>,
    pub zone: TimeZone,
    /// Where cases have pages of their own.
    links: Option<&'l Links<'l>>,
}

impl<'l> Anchors<'l> {
    /// Those of a page: the id of a case with a dash for everything that is no letter, digit, `-`, `_` or `.`, and a number where
    /// that is there already.
    pub fn of(page: &Page, links: Option<&'l Links<'l>>) -> Anchors<'l> {
        let mut known = BTreeSet::new();
        let mut of_case = BTreeMap::new();
        for timeline in &page.cases {
            let is_plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
            let plain = timeline.case.chars().map(|letter| if is_plain(letter) { letter } else { '-' });
            let name = format!("case-{}", plain.collect::<String>());
            let numbered = (2..).map(|copy| format!("{name}-{copy}"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            let name = names.find(|name| known.insert(name.clone())).unwrap_or(name);
            of_case.insert(timeline.case.clone(), name);
        }
        Anchors { of_case, zone: page.scope.range.zone().clone(), links }
    }

    /// The id of a case's timeline; nothing where the page has none.
    pub fn id(&self, case: &str) -> Option<&str> {
        self.of_case.get(case).map(String::as_str)
    }

    /// The name of a case that leads to its page, or to its timeline on this one.
    pub fn link(&self, case: &str) -> String {
        if let Some(links) = self.links {
            return format!("<a href=\"{}\">{}</a>", escaped(&(links.case)(case)), escaped(case));
        }
        match self.id(case) {
            Some(id) => format!("<a href=\"#{id}\">{}</a>", escaped(case)),
            None => escaped(case),
        }
    }
}
