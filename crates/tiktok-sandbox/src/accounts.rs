//! The people of this TikTok and the apps registered with it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids;
use crate::oauth::redirect::{self, RedirectUriError};
use crate::secret::Secret;

/// Position of an account in [`crate::state::World::accounts`]; accounts are never removed.
pub(super) type AccountNo = usize;

/// Position of an app in [`crate::state::World::apps`]; apps are never removed.
pub(super) type AppNo = usize;

/// Who may see a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Privacy {
    /// Everyone.
    PublicToEveryone,
    /// Followers that the creator follows back.
    MutualFollowFriends,
    /// The followers of a private account.
    FollowerOfCreator,
    /// The creator alone.
    SelfOnly,
}

impl Privacy {
    /// The API's word, if it is one.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "PUBLIC_TO_EVERYONE" => Some(Self::PublicToEveryone),
            "MUTUAL_FOLLOW_FRIENDS" => Some(Self::MutualFollowFriends),
            "FOLLOWER_OF_CREATOR" => Some(Self::FollowerOfCreator),
            "SELF_ONLY" => Some(Self::SelfOnly),
            _ => None,
        }
    }
}

/// One person with a TikTok account.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the account's settings")]
pub struct Account {
    /// The unique handle, without `@`.
    pub handle: String,
    /// The name that is shown.
    pub display_name: String,
    /// Whether the account is private.
    pub private: bool,
    /// Whether comments are set to "No one".
    pub comment_disabled: bool,
    /// Whether Duet is set to "No one"; a private account has it off in any case.
    pub duet_disabled: bool,
    /// Whether Stitch is set to "No one"; a private account has it off in any case.
    pub stitch_disabled: bool,
    /// Longest video the creator may post, in seconds.
    pub max_video_post_duration_sec: i32,
    /// Whether trust and safety has barred the creator from posting.
    pub banned: bool,
    /// Overrides what the account's visibility allows.
    pub privacy_level_options: Option<Vec<Privacy>>,
    /// Version of the TikTok app on the creator's phone, major and minor.
    pub app_version: (u32, u32),
}

impl Account {
    /// A public account with everything allowed and videos of up to an hour, as production says of many.
    pub fn new(handle: &str, display_name: &str) -> Self {
        Self {
            handle: handle.trim_start_matches('@').to_owned(),
            display_name: display_name.to_owned(),
            private: false,
            comment_disabled: false,
            duet_disabled: false,
            stitch_disabled: false,
            max_video_post_duration_sec: 3600,
            banned: false,
            privacy_level_options: None,
            app_version: (45, 1),
        }
    }

    /// The three that a sandbox starts with: one private, one public, one public and narrow.
    pub(super) fn default_three() -> Vec<Self> {
        vec![
            Self {
                private: true,
                max_video_post_duration_sec: 600,
                ..Self::new("ada", "Ada Private")
            },
            Self::new("bea", "Bea Public"),
            Self {
                comment_disabled: true,
                max_video_post_duration_sec: 60,
                ..Self::new("cyd", "Cyd Sixty Seconds")
            },
        ]
    }

    /// What `creator_info` offers.
    pub(super) fn privacy_options(&self) -> Vec<Privacy> {
        if let Some(options) = &self.privacy_level_options {
            return options.clone();
        }
        let widest =
            if self.private { Privacy::FollowerOfCreator } else { Privacy::PublicToEveryone };
        vec![widest, Privacy::MutualFollowFriends, Privacy::SelfOnly]
    }

    pub(super) fn duet_off(&self) -> bool {
        self.private || self.duet_disabled
    }

    pub(super) fn stitch_off(&self) -> bool {
        self.private || self.stitch_disabled
    }

    /// The account's id towards one app; another app sees another one. It begins with a dash or with an
    /// underscore.
    pub(super) fn open_id(&self, app: AppNo) -> String {
        let derived = ids::derived(&format!("open_id {app} {}", self.handle));
        let odd = derived.bytes().map(u32::from).sum::<u32>() % 2 == 1;
        let first = if odd { '_' } else { '-' };
        format!("{first}000{}", &derived[..32])
    }

    /// The account's id towards all apps of one developer.
    pub(super) fn union_id(&self) -> String {
        ids::derived_uuid(&format!("union_id {}", self.handle))
    }

    pub(super) fn apply(&mut self, patch: AccountPatch) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut self.display_name, patch.display_name);
        set(&mut self.private, patch.private);
        set(&mut self.comment_disabled, patch.comment_disabled);
        set(&mut self.duet_disabled, patch.duet_disabled);
        set(&mut self.stitch_disabled, patch.stitch_disabled);
        set(&mut self.max_video_post_duration_sec, patch.max_video_post_duration_sec);
        set(&mut self.banned, patch.banned);
        set(&mut self.app_version, patch.app_version);
        if patch.privacy_level_options.is_some() {
            self.privacy_level_options = patch.privacy_level_options;
        }
    }
}

/// A change to an account; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// See [`Account::display_name`].
    pub display_name: Option<String>,
    /// See [`Account::private`].
    pub private: Option<bool>,
    /// See [`Account::comment_disabled`].
    pub comment_disabled: Option<bool>,
    /// See [`Account::duet_disabled`].
    pub duet_disabled: Option<bool>,
    /// See [`Account::stitch_disabled`].
    pub stitch_disabled: Option<bool>,
    /// See [`Account::max_video_post_duration_sec`].
    pub max_video_post_duration_sec: Option<i32>,
    /// See [`Account::banned`].
    pub banned: Option<bool>,
    /// See [`Account::privacy_level_options`].
    pub privacy_level_options: Option<Vec<Privacy>>,
    /// See [`Account::app_version`].
    pub app_version: Option<(u32, u32)>,
}

/// An app registered on the developer portal.
#[derive(Clone)]
pub struct App {
    /// Sent as `client_key`.
    pub client_key: String,
    /// Sent as `client_secret`.
    pub client_secret: Secret,
    /// Registered redirect URIs; `*` stands for any port. Those that cannot be registered fit nothing.
    pub redirect_uris: Vec<String>,
    /// The scopes that were added and approved.
    pub scopes: Vec<String>,
}

impl App {
    /// An app with these credentials, the usual desktop redirect URIs and every scope that a
    /// person can grant.
    pub fn new(client_key: impl Into<String>, client_secret: Secret) -> Self {
        let uris = [
            "http://127.0.0.1:*/callback/",
            "http://localhost:*/callback/",
            "http://127.0.0.1:3456/callback/",
        ];
        Self {
            client_key: client_key.into(),
            client_secret,
            redirect_uris: uris.map(str::to_owned).to_vec(),
            scopes: crate::oauth::scopes::GRANTABLE.map(str::to_owned).to_vec(),
        }
    }

    /// [`App::new`] with random credentials.
    pub fn random() -> Self {
        Self::new(format!("sbaw{}", ids::letters(14)), Secret::new(ids::letters(32)))
    }

    /// Whether a redirect URI is one of those that are registered, and could be.
    pub(super) fn registers(&self, uri: &str) -> bool {
        let fits = |registered: &String| {
            redirect::check(registered).is_ok() && redirect::fits(registered, uri)
        };
        self.redirect_uris.iter().any(fits)
    }

    /// Registers one more redirect URI, by the rules of TikTok's portal.
    pub fn register(&mut self, uri: impl Into<String>) -> Result<(), RedirectUriError> {
        let uri = uri.into();
        redirect::check(&uri)?;
        self.redirect_uris.push(uri);
        Ok(())
    }
}

/// Shows neither credential.
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("redirect_uris", &self.redirect_uris)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_a_port_and_for_nothing_else() {
        let app = App::random();
        for uri in ["http://127.0.0.1:1/callback/", "http://localhost:65535/callback/"] {
            assert!(app.registers(uri), "{uri}");
        }
        for uri in [
            "http://127.0.0.1:3456/callback",
            "http://127.0.0.1:3456/callback/x",
            "http://127.0.0.1:3456/callback/?a=b",
            "http://127.0.0.1:0/callback/",
            "http://127.0.0.1:65536/callback/",
            "http://127.0.0.1:+80/callback/",
            "http://127.0.0.1:/callback/",
            "http://127.0.0.1/callback/",
            "https://127.0.0.1:3456/callback/",
            "http://127.0.0.2:3456/callback/",
            "http://127.0.0.1:*/callback/",
        ] {
            assert!(!app.registers(uri), "{uri}");
        }
    }
}
