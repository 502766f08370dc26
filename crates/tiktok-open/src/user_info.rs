//! Who an account is: <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>.

use serde::Deserialize;

use crate::secret::Secret;
use crate::text;
use crate::{Client, Error};

/// The fields that `user.info.basic` covers.
#[derive(Clone, Debug)]
pub struct UserInfo {
    /// The user, as this app knows them.
    pub open_id: String,
    /// The display name.
    pub display_name: String,
}

#[derive(Deserialize)]
struct Wire {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    open_id: String,
    #[serde(default)]
    display_name: String,
}

impl Client {
    /// Asks who a token belongs to; only fields that every login covers.
    pub async fn user_info(&self, token: &Secret) -> Result<UserInfo, Error> {
        let request = self
            .get("/v2/user/info/")
            .query(&[("fields", "open_id,display_name")])
            .bearer_auth(token.expose());
        let Wire { user } = self.call("user/info", request).await?;
        Ok(UserInfo {
            open_id: text::plain(&user.open_id),
            display_name: text::plain(&user.display_name),
        })
    }
}
