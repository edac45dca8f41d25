//! Work that another machine may overtake.

use crate::error::Error;

/// How often work is tried before it fails. Each time that it is overtaken, another machine has succeeded.
const ATTEMPTS: usize = 100;

/// Counts how often work was tried that other machines have overtaken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    failed: usize,
}

impl Attempts {
    /// Whether work that has failed with that error is tried again, from the beginning.
    pub fn again_after(&mut self, error: &Error) -> bool {
        self.failed += 1;
        error.is_overtaken() && self.failed < ATTEMPTS
    }
}
