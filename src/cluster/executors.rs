//! Which executors a cluster has had, by which a process that asks knows whether one ended while it waited.
//!
//! Where an executor ends, the scheduler carries out its part of a plan again. Rows that came from it before can then be counted
//! twice, so an answer that was made meanwhile is thrown away, and the whole plan is sent again.

use std::collections::BTreeSet;

/// The name under which the scheduler states its executors, in the headers of a response.
pub const EXECUTORS: &str = "casebook-executors";

/// The executors of a scheduler at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executors {
    /// A name that the scheduler gives itself each time it begins.
    pub of_scheduler: String,
    /// How many have ended since then.
    pub ended: u64,
    pub present: BTreeSet<String>,
}

impl Executors {
    /// Whether all of these executors have been there until the moment of the other, and the same scheduler.
    #[must_use]
    pub fn stayed_until(&self, later: &Executors) -> bool {
        (self.of_scheduler == later.of_scheduler && self.ended == later.ended) && self.present.is_subset(&later.present)
    }

    /// As the scheduler states it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let names: Vec<&str> = self.present.iter().map(String::as_str).collect();
        format!("{} {} {}", self.of_scheduler, self.ended, names.join(" "))
    }

    /// What a scheduler states; nothing where it is something else.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Executors> {
        let mut words = text.split_whitespace();
        let of_scheduler = words.next()?.to_owned();
        let ended = words.next()?.parse().ok()?;
        Some(Executors { of_scheduler, ended, present: words.map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_that_end_or_come_back_are_noticed() {
        let executors = |text| Executors::of_text(text).unwrap();
        let before = executors("s 2 a b");
        assert_eq!(before.to_text(), "s 2 a b");
        assert!(before.stayed_until(&executors("s 2 b c a")));
        assert!(!before.stayed_until(&executors("s 2 a c")));
        // It ended, and another one has its name.
        assert!(!before.stayed_until(&executors("s 3 a b")));
        assert!(!before.stayed_until(&executors("t 2 a b")));
        assert_eq!(Executors::of_text("s a b"), None);
    }
}
