//! Who may see a post: the API's four levels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `privacy_level` of a post, as `post_info` spells it and `privacy_level_options` of the creator
/// offers it.
///
/// Which of them an account may use is the creator's to say, never ours: a public account is
/// offered [`Public`](Self::Public), a private one [`Followers`](Self::Followers) instead.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Privacy {
    /// Everyone.
    #[serde(rename = "PUBLIC_TO_EVERYONE")]
    Public,
    /// Followers of the creator; offered to private accounts.
    #[serde(rename = "FOLLOWER_OF_CREATOR")]
    Followers,
    /// Followers whom the creator follows back.
    #[serde(rename = "MUTUAL_FOLLOW_FRIENDS")]
    Friends,
    /// The creator alone.
    #[serde(rename = "SELF_ONLY")]
    SelfOnly,
}

impl Privacy {
    /// All levels, from the widest to the narrowest.
    pub const ALL: [Self; 4] = [Self::Public, Self::Followers, Self::Friends, Self::SelfOnly];

    /// The API's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC_TO_EVERYONE",
            Self::Followers => "FOLLOWER_OF_CREATOR",
            Self::Friends => "MUTUAL_FOLLOW_FRIENDS",
            Self::SelfOnly => "SELF_ONLY",
        }
    }

    /// The level that somebody means who writes `public`, `only me` or `friends`: a guess, to ask with and
    /// never to post with.
    pub fn meant_by(word: &str) -> Option<Self> {
        let word: String =
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let same = |level: &Self| level.as_str().replace('_', "").eq_ignore_ascii_case(&word);
        Self::ALL.into_iter().find(same).or_else(|| {
            Some(match word.as_str() {
                "all" | "any" | "anybody" | "anyone" | "everybody" | "everyone" | "open"
                | "public" | "publictoall" | "publish" | "published" | "world" => Self::Public,
                "fans" | "follower" | "followers" | "followeronly" | "followersonly"
                | "onlyfollowers" => Self::Followers,
                "friend" | "friends" | "friendsonly" | "mutual" | "mutualfriends"
                | "mutualfollow" | "mutuals" | "onlyfriends" => Self::Friends,
                "closed" | "hidden" | "me" | "meonly" | "myself" | "nobody" | "none" | "onlyme"
                | "private" | "secret" | "self" | "unlisted" => Self::SelfOnly,
                _ => return None,
            })
        })
    }

    /// Whether nobody but the creator sees the post; branded content may not be posted so.
    pub fn is_private(self) -> bool {
        self == Self::SelfOnly
    }

    /// Whether more people would see the post than with `other`.
    pub fn is_wider_than(self, other: Self) -> bool {
        self.rank() < other.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Followers => 1,
            Self::Friends => 2,
            Self::SelfOnly => 3,
        }
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is none of the four levels.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "not a privacy level; the levels are `PUBLIC_TO_EVERYONE`, `FOLLOWER_OF_CREATOR`, \
     `MUTUAL_FOLLOW_FRIENDS` and `SELF_ONLY`"
)]
pub struct UnknownPrivacy;

impl FromStr for Privacy {
    type Err = UnknownPrivacy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownPrivacy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_for_people_and_for_the_wire() {
        for level in Privacy::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "self_only", "PUBLIC", "SELF_ONLY "] {
            assert_eq!(text.parse::<Privacy>(), Err(UnknownPrivacy), "{text:?}");
        }
    }

    #[test]
    fn what_other_sites_call_the_levels_is_understood() {
        for (word, level) in [
            ("public", Privacy::Public),
            ("Everyone", Privacy::Public),
            ("followers", Privacy::Followers),
            ("Friends", Privacy::Friends),
            ("private", Privacy::SelfOnly),
            ("ONLY_ME", Privacy::SelfOnly),
            ("self-only", Privacy::SelfOnly),
        ] {
            assert_eq!(Privacy::meant_by(word), Some(level), "{word}");
        }
        assert_eq!(Privacy::meant_by("somebody"), None);
    }

    #[test]
    fn levels_are_listed_from_the_widest_to_the_narrowest() {
        for pair in Privacy::ALL.windows(2) {
            assert!(pair[0].is_wider_than(pair[1]));
            assert!(!pair[1].is_wider_than(pair[0]));
            assert!(!pair[0].is_wider_than(pair[0]));
        }
    }

    #[test]
    fn only_the_creator_alone_is_private() {
        let private: Vec<_> = Privacy::ALL.into_iter().filter(|level| level.is_private()).collect();
        assert_eq!(private, [Privacy::SelfOnly]);
    }
}
