//! What someone may see of a database.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// The role of who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewerRole {
    /// The person who runs the program on their own files.
    Owner,
    Admin,
    Supervisor,
    Agent,
}

/// What someone may see.
#[derive(Clone, Debug)]
pub struct Rights {
    role: ViewerRole,
    user: Option<String>,
    /// Nothing where every row may be seen.
    visible: Option<Arc<Visible>>,
}

/// Ids.
pub type Ids = HashSet<String, FixedState>;

/// What a user may see who does not see everything.
#[derive(Debug, Default)]
pub struct Visible {
    pub(super) user: String,
    pub(super) is_agent: bool,
    /// Whether each case may be seen, by its number.
    pub(super) by_number: Vec<bool>,
    pub(super) cases: Ids,
    /// Whether all cases are among them.
    pub(super) has_every_case: bool,
    /// The customers of these cases.
    pub(super) customers: Ids,
    /// Profiles that are not visible to the user.
    pub(super) hidden_profiles: Ids,
    /// The groups that the user is in.
    pub(super) groups: Ids,
}

impl Rights {
    /// Those of the person who runs the program on their own files.
    #[must_use]
    pub fn owner() -> Rights {
        Rights { role: ViewerRole::Owner, user: None, visible: None }
    }

    /// Those of an admin.
    pub(super) fn admin(user: &str) -> Rights {
        Rights { role: ViewerRole::Admin, user: Some(user.to_owned()), visible: None }
    }

    /// Those of a user who sees only this.
    pub(super) fn limited(visible: Visible) -> Rights {
        let role = if visible.is_agent { ViewerRole::Agent } else { ViewerRole::Supervisor };
        Rights { role, user: Some(visible.user.clone()), visible: Some(Arc::new(visible)) }
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> ViewerRole {
        self.role
    }

    /// The user, by id; nothing of the owner.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether some rows may not be seen.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.visible.is_some()
    }

    /// What may be seen; nothing where every row may.
    pub(in crate::query) fn visible(&self) -> Option<&Arc<Visible>> {
        self.visible.as_ref()
    }
}

impl Visible {
    /// Whether the case of that id may be seen.
    pub(in crate::query) fn has_case(&self, id: &str) -> bool {
        self.cases.contains(id)
    }

    /// Whether the case of that number may be seen.
    pub(super) fn has_number(&self, number: u64) -> bool {
        usize::try_from(number).is_ok_and(|number| self.by_number.get(number).copied().unwrap_or(false))
    }
}
