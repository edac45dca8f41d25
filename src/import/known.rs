//! What the log holds already of a mapping's source.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

use super::route::KnownCases;

/// What the log holds already of a mapping's source, as far as an import must know it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The desk states the grace period of the mapping, though not by an event of the mapping.
    pub grace_is_stated: bool,
    /// Hashes of the ids of events that later snapshots do not state again.
    ids: HashSet<u128>,
    /// Cases into which messages are routed.
    pub cases: KnownCases,
}

impl Known {
    /// Adds the id of an event of the source.
    pub fn add(&mut self, id: &str) {
        self.ids.insert(xxh3_128(id.as_bytes()));
    }

    /// Whether the log has an event of that id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(&xxh3_128(id.as_bytes()))
    }
}
