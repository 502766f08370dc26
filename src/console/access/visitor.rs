//! Who asks, and what they may do.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// What somebody may do; each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Looks at everything.
    Viewer,
    /// Composes posts and changes the queue.
    Editor,
    /// Accounts and settings, too.
    Owner,
}

impl Role {
    /// As users and files write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

/// Who has asked for something: in the extensions of every request with a session, and an argument of handlers.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The user's name, or [`Visitor::LINK`] for whoever came by the link of the terminal.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// What every form of theirs sends in its field `csrf`, and a script in the header `x-csrf-token`.
    pub(crate) csrf: Secret,
}

impl Visitor {
    /// The name of whoever came by the link of the terminal. No user can have it, for its space.
    pub(crate) const LINK: &'static str = "terminal link";
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}
