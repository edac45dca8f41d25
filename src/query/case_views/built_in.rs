//! The built-in views (7.3).

use crate::model::event::{Status, named};
use crate::model::view::{CaseState, Sort};

named! {
    /// A view that every desk has.
    BuiltIn {
        Inbox = "inbox",
        New = "new",
        MyOpen = "my-open",
        MyPending = "my-pending",
        MyOnHold = "my-on-hold",
        Done = "done",
        MyMentions = "my-mentions",
        Spam = "spam",
    }
}

/// What a built-in view looks at in a case.
pub(super) struct Looked<'c> {
    pub state: &'c CaseState,
    pub user: &'c str,
    /// Whether the user is no agent.
    pub supervises: bool,
    /// Whether the case is in a custom view that the user has.
    pub is_in_custom: bool,
    /// Whether the user was mentioned in a note of the case.
    pub is_mentioned: bool,
}

impl BuiltIn {
    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            BuiltIn::Inbox => "Inbox",
            BuiltIn::New => "New",
            BuiltIn::MyOpen => "My open",
            BuiltIn::MyPending => "My pending",
            BuiltIn::MyOnHold => "My on hold",
            BuiltIn::Done => "Done",
            BuiltIn::MyMentions => "My mentions",
            BuiltIn::Spam => "Spam",
        }
    }

    /// The order of its cases, unless another one is asked for.
    #[must_use]
    pub fn sort(self) -> Sort {
        match self {
            BuiltIn::Inbox | BuiltIn::New => Sort::CreatedOldest,
            BuiltIn::Done | BuiltIn::Spam => Sort::CreatedNewest,
            BuiltIn::MyOpen | BuiltIn::MyOnHold => Sort::CustomerMessageNewest,
            BuiltIn::MyPending => Sort::CustomerMessageOldest,
            BuiltIn::MyMentions => Sort::MentionNewest,
        }
    }

    /// Whether it has a case that the user may see.
    pub(super) fn has(self, looked: &Looked<'_>) -> bool {
        let Looked { state, user, supervises, is_in_custom, is_mentioned } = *looked;
        let is_theirs = state.assignee.as_deref() == Some(user);
        match self {
            BuiltIn::Inbox if supervises => !state.status.is_resolved() || is_in_custom,
            BuiltIn::Inbox => is_theirs || is_in_custom,
            BuiltIn::New => state.status == Status::New && state.assignee.is_none() && (supervises || is_in_custom),
            BuiltIn::MyOpen => is_theirs && state.status == Status::Open,
            BuiltIn::MyPending => is_theirs && state.status == Status::Pending,
            BuiltIn::MyOnHold => is_theirs && state.status == Status::OnHold,
            BuiltIn::Done => state.status == Status::Done && (supervises || is_theirs),
            BuiltIn::MyMentions => is_mentioned,
            BuiltIn::Spam => supervises && state.status == Status::Spam,
        }
    }
}
