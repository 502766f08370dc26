//! TikTok's error codes, and what each means beyond the call that it refuses.
//!
//! From <https://developers.tiktok.com/doc/tiktok-api-v2-error-handling>,
//! <https://developers.tiktok.com/doc/oauth-error-handling> and the error tables of the Content
//! Posting API reference pages.

use std::fmt;

use crate::text;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $first:literal $(| $alias:literal)*,)*) => {
        /// An error code of the JSON API or of the OAuth endpoints.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A code that no page lists, made harmless for a terminal.
            Other(String),
        }

        impl Code {
            /// The code as TikTok writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $first,)*
                    Self::Other(code) => code,
                }
            }
        }

        impl From<&str> for Code {
            fn from(code: &str) -> Self {
                match code {
                    $($first $(| $alias)* => Self::$name,)*
                    other => Self::Other(text::plain(other)),
                }
            }
        }
    };
}

codes! {
    /// Missing, invalid or expired access token: refresh once, repeat the same call.
    AccessTokenInvalid = "access_token_invalid",
    /// The user did not grant the scope: a new consent, never a refresh.
    ScopeNotAuthorized = "scope_not_authorized",
    /// A requested field needs another scope.
    ScopePermissionMissed = "scope_permission_missed",
    /// A bad field (the posting pages print `invalid_param`, the wire says `invalid_params`).
    InvalidParams = "invalid_params" | "invalid_param",
    /// The file breaks the specification.
    InvalidFileUpload = "invalid_file_upload",
    /// Too many calls in a minute.
    RateLimitExceeded = "rate_limit_exceeded",
    /// TikTok internal.
    InternalError = "internal_error",
    /// The creator's quota of posts by API in 24 hours.
    TooManyPosts = "spam_risk_too_many_posts",
    /// The creator is barred from posting.
    Banned = "spam_risk_user_banned_from_posting",
    /// Five drafts are pending in 24 hours.
    TooManyPendingShares = "spam_risk_too_many_pending_share",
    /// The client's quota of active creators in 24 hours.
    ActiveUserCap = "reached_active_user_cap",
    /// The client is not audited and the account is public.
    UnauditedClient = "unaudited_client_can_only_post_to_private_accounts",
    /// The URL's domain or prefix is not verified.
    UrlOwnershipUnverified = "url_ownership_unverified",
    /// The privacy level is not among the creator's options.
    PrivacyLevelMismatch = "privacy_level_option_mismatch",
    /// TikTok does not know the `publish_id`.
    InvalidPublishId = "invalid_publish_id",
    /// The `publish_id` belongs to another account or app.
    PublishIdNotOurs = "token_not_authorized_for_specified_publish_id",
    /// The post is final and cannot be cancelled.
    NotCancellable = "publish_not_cancellable",
    /// The user's TikTok app is too old for photo drafts.
    AppVersion = "app_version_check_failed",
    /// OAuth: the user or the server refused.
    AccessDenied = "access_denied",
    /// OAuth: unknown key, wrong or missing secret.
    InvalidClient = "invalid_client",
    /// OAuth: code or refresh token invalid, expired, revoked, or of another client.
    InvalidGrant = "invalid_grant",
    /// OAuth: missing or malformed parameter.
    InvalidRequest = "invalid_request",
    /// OAuth: scope unknown or malformed.
    InvalidScope = "invalid_scope",
    /// OAuth: the client may not request a code this way.
    UnauthorizedClient = "unauthorized_client",
    /// OAuth: wrong grant type.
    UnsupportedGrantType = "unsupported_grant_type",
    /// OAuth: wrong response type.
    UnsupportedResponseType = "unsupported_response_type",
    /// OAuth: TikTok internal.
    ServerError = "server_error",
    /// OAuth: temporary.
    TemporarilyUnavailable = "temporarily_unavailable",
}

/// What a refusal means beyond the one call. Exhaustive, so that a new meaning is not overlooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// This request is wrong and stays wrong.
    Final,
    /// TikTok refuses every post of this account until a person changes something.
    StopsAccount,
    /// A quota is full: TikTok refuses posts of this account until it is free again.
    Quota,
    /// The access token must be renewed, then the same call repeated.
    RenewToken,
    /// A new consent is needed.
    Login,
    /// Nothing of this app works until a person corrects its credentials or its settings in the portal.
    Settings,
    /// Too fast: wait, then repeat.
    SlowDown,
    /// TikTok's own trouble, later again.
    Later,
}

impl Code {
    /// Whether one of TikTok's pages lists it.
    pub fn is_listed(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// What the code means beyond the call.
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::AccessTokenInvalid => Reaction::RenewToken,
            Self::ScopeNotAuthorized | Self::InvalidGrant | Self::AccessDenied => Reaction::Login,
            Self::InvalidClient | Self::InvalidScope | Self::UnauthorizedClient => {
                Reaction::Settings
            }
            Self::RateLimitExceeded => Reaction::SlowDown,
            Self::InternalError | Self::ServerError | Self::TemporarilyUnavailable => {
                Reaction::Later
            }
            Self::TooManyPosts | Self::TooManyPendingShares | Self::ActiveUserCap => {
                Reaction::Quota
            }
            Self::UnauditedClient | Self::Banned => Reaction::StopsAccount,
            _ => Reaction::Final,
        }
    }

    /// Whether the same call may work later without anybody changing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self.reaction(), Reaction::Quota | Reaction::SlowDown | Reaction::Later)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_invalid_params_are_one_code() {
        assert_eq!(Code::from("invalid_param"), Code::from("invalid_params"));
    }

    #[test]
    fn an_unknown_code_is_kept_and_harmless() {
        assert_eq!(Code::from("new\u{1b}_code").as_str(), "new_code");
    }
}
