//! What TikTok counts: calls of a minute, posts of a day.

/// A call that TikTok counts per minute and token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CallKind {
    /// One of the three inits: 6 a minute.
    Init,
    /// `creator_info`: 20 a minute.
    CreatorInfo,
    /// status/fetch: 30 a minute.
    Status,
}

/// A quota of a day that TikTok may say is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum QuotaKind {
    /// `spam_risk_too_many_posts`: posts by API of one creator in 24 hours.
    Posts,
    /// `spam_risk_too_many_pending_share`: drafts of one creator that wait in the inbox.
    Drafts,
    /// `reached_active_user_cap`: creators of one app in 24 hours. Kept by account, as one that
    /// posted already may still be among them.
    ActiveUsers,
}
