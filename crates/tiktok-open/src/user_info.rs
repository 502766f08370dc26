//! Who an account is: <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>.

use serde::Deserialize;

use crate::answer::call;
use crate::transport::Transport;
use crate::{Error, Secret, text};

/// The fields that `user.info.basic` covers.
#[derive(Clone, Debug)]
#[non_exhaustive]
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

pub(super) async fn query(transport: &Transport, token: &Secret) -> Result<UserInfo, Error> {
    let request = transport
        .get("/v2/user/info/")
        .query(&[("fields", "open_id,display_name")])
        .bearer_auth(token.expose());
    let Wire { user } = call(transport, "user/info", request).await?;
    Ok(UserInfo {
        open_id: text::plain(&user.open_id),
        display_name: text::plain(&user.display_name),
    })
}
