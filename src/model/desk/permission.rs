//! Who may act where (2.7 `not_permitted`, 7.1).

use super::{Desk, Group};
use crate::model::event::Role;
use crate::model::time::Instant;
use crate::model::view::{View, Visibility};

impl Desk {
    /// Why that user may not act on a case with that profile at that instant; none where they may. An unknown user counts as an
    /// agent.
    #[must_use]
    pub fn denial(&self, user: &str, profile: Option<&str>, time: Instant) -> Option<String> {
        match self.user_at(user, time).map_or(Role::Agent, |user| user.role) {
            Role::None => Some(format!("`{user}` has the role `none` and may do nothing")),
            Role::Supervisor | Role::Admin => None,
            Role::Agent => {
                let profile = profile.filter(|profile| !self.is_profile_visible(user, profile, time))?;
                Some(format!("the profile `{profile}` is not visible to `{user}`"))
            }
        }
    }

    /// Whether an agent or a supervisor sees a profile: it is visible to all, names them or a group of theirs, or a group of
    /// theirs has it.
    #[must_use]
    pub fn is_profile_visible(&self, user: &str, profile: &str, time: Instant) -> bool {
        let known = self.profiles.get(profile).and_then(|versions| versions.at(time));
        let Some(visible_to) = known.and_then(|profile| profile.visible_to.as_ref()) else { return true };
        let names = |name: &str| visible_to.iter().any(|visible| visible == name);
        let own = self.user_at(user, time).is_some_and(|user| user.groups.iter().any(|group| names(group)));
        let through = |(name, group): (&str, &Group)| {
            group.members.contains(user) && (names(name) || group.profiles.contains(profile))
        };
        names(user) || own || self.groups_at(time).any(through)
    }

    /// Whether a user has a custom view (7.3): supervisors and admins have every one, agents those that are shown to everybody,
    /// to them or to a group of theirs.
    #[must_use]
    pub fn has_view(&self, user: &str, view: &View, time: Instant) -> bool {
        let Some(known) = self.user_at(user, time) else { return false };
        match (known.role, &view.visibility) {
            (Role::None, _) => false,
            (Role::Supervisor | Role::Admin, _) | (Role::Agent, Visibility::Everybody) => true,
            (Role::Agent, Visibility::Of { users, groups }) => {
                let through = |(name, group): (&str, &Group)| groups.contains(name) && group.members.contains(user);
                users.contains(user)
                    || known.groups.iter().any(|group| groups.contains(group))
                    || self.groups_at(time).any(through)
            }
        }
    }

    fn groups_at(&self, time: Instant) -> impl Iterator<Item = (&str, &Group)> {
        self.groups.iter().filter_map(move |(name, versions)| Some((name.as_str(), versions.at(time)?)))
    }
}
