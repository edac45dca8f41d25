//! Values that change over time: a sorted list of versions, each in force over a half-open interval.

use super::time::Instant;

/// One value and the interval in which it was in force. Without `until` it has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<T> {
    pub since: Instant,
    pub until: Option<Instant>,
    pub value: T,
}

/// The versions of one thing, in time order, without overlap.
///
/// Invariant: no version is empty. Adjacent versions differ, unless the second was added by [`Versions::state`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions<T> {
    list: Vec<Version<T>>,
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Versions { list: Vec::new() }
    }
}

impl<T: PartialEq> Versions<T> {
    /// From that instant on the value is this one. Instants must not go back; of several values at one instant the
    /// last counts.
    pub fn set(&mut self, since: Instant, value: T) {
        if self.list.last().is_some_and(|last| last.until.is_none() && last.value == value) {
            return;
        }
        self.end(since);
        match self.list.last_mut() {
            Some(last) if last.until == Some(since) && last.value == value => last.until = None,
            _ => self.list.push(Version { since, until: None, value }),
        }
    }

    /// From that instant on there is a new version, even if its value is the same.
    pub fn state(&mut self, since: Instant, value: T) {
        self.end(since);
        self.list.push(Version { since, until: None, value });
    }

    /// The version in force at that instant, else the last one before it.
    #[must_use]
    pub fn latest_at(&self, time: Instant) -> Option<&Version<T>> {
        let after = self.list.partition_point(|version| version.since <= time);
        self.list.get(after.checked_sub(1)?)
    }

    /// From that instant on there is no value.
    pub fn end(&mut self, until: Instant) {
        match self.list.last_mut() {
            Some(last) if last.until.is_none() && last.since == until => {
                self.list.pop();
            }
            Some(last) if last.until.is_none() => last.until = Some(until),
            _ => {}
        }
    }

    /// The value in force at that instant.
    #[must_use]
    pub fn at(&self, time: Instant) -> Option<&T> {
        let version = self.latest_at(time)?;
        version.until.is_none_or(|until| time < until).then_some(&version.value)
    }

    /// The value at the end.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.list.last().filter(|last| last.until.is_none()).map(|last| &last.value)
    }

    /// All versions in time order.
    pub fn iter(&self) -> std::slice::Iter<'_, Version<T>> {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals(versions: &Versions<u8>) -> Vec<(i64, Option<i64>, u8)> {
        versions.iter().map(|v| (v.since.0, v.until.map(|until| until.0), v.value)).collect()
    }

    #[test]
    fn versions_tile_and_merge() {
        let mut versions = Versions::default();
        versions.set(Instant(1), 1);
        versions.set(Instant(2), 1);
        versions.set(Instant(3), 2);
        versions.set(Instant(3), 3);
        versions.end(Instant(5));
        versions.set(Instant(7), 3);
        assert_eq!(intervals(&versions), [(1, Some(3), 1), (3, Some(5), 3), (7, None, 3)]);
        assert_eq!(versions.at(Instant(0)), None);
        assert_eq!(versions.at(Instant(4)), Some(&3));
        assert_eq!(versions.at(Instant(5)), None);
        assert_eq!(versions.at(Instant(9)), Some(&3));
    }

    #[test]
    fn a_change_taken_back_at_its_instant_leaves_no_trace() {
        let mut versions = Versions::default();
        versions.set(Instant(1), 1);
        versions.set(Instant(3), 2);
        versions.set(Instant(3), 1);
        assert_eq!(intervals(&versions), [(1, None, 1)]);
    }
}
