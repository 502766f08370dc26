//! How a login's tokens are replaced and kept, whatever its entry lies in.

use jiff::Timestamp;
use tiktok_open::Grant;

use crate::encrypt::Place;
use crate::model::account::Account;
use crate::secret::Secret;
use crate::store::Edit;

/// Tokens that TikTok gave for others.
#[derive(Debug)]
pub(in crate::store) struct Rotation {
    /// Whose.
    pub(in crate::store) open_id: String,
    /// The refresh token that was spent.
    pub(in crate::store) spent: Secret,
    /// What TikTok gave.
    pub(in crate::store) grant: Grant,
    /// The API that answered.
    pub(in crate::store) api: String,
    /// The time before it was asked.
    pub(in crate::store) asked_at: Timestamp,
}

impl Rotation {
    /// What becomes of the account as it is stored.
    pub(in crate::store) fn edit(&self, current: Option<&Account>) -> Edit {
        let Some(current) = current else { return Edit::Keep };
        if current.refresh_token == self.spent {
            let grant = self.grant.clone();
            return Edit::Put(Box::new(current.refreshed(grant, Some(&self.api), self.asked_at)));
        }
        // An earlier try has put them there, and it was not confirmed.
        if current.refresh_token == self.grant.refresh_token {
            return Edit::Put(Box::new(current.clone()));
        }
        // A login came in between; its tokens are newer than these.
        Edit::Keep
    }
}

/// The secrets of an entry, by the names of their fields.
pub(in crate::store) fn tokens(account: &mut Account) -> [(&'static str, &mut Secret); 2] {
    [("access_token", &mut account.access_token), ("refresh_token", &mut account.refresh_token)]
}

/// Where a token belongs.
pub(in crate::store) fn place(open_id: &str, field: &str) -> Place {
    Place::of(&["user_tokens", open_id, field])
}
