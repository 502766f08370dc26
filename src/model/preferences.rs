//! What applies to a post that does not say it itself.

use super::mode::Mode;
use crate::tiktok::privacy::Privacy;

/// What comes from outside the manifest. For each field the order is: the post, `flags`, the
/// manifest's own `defaults`, `config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The command line.
    pub flags: Preferences,
    /// The configuration file.
    pub config: Preferences,
}

/// Preferences of one origin; `None` where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `user_id`.
    pub user: Option<String>,
    /// `mode`.
    pub mode: Option<Mode>,
    /// `privacy_level`.
    pub privacy: Option<Privacy>,
    /// `disable_comment`.
    pub disable_comment: Option<bool>,
    /// `disable_duet`; applied to videos only.
    pub disable_duet: Option<bool>,
    /// `disable_stitch`; applied to videos only.
    pub disable_stitch: Option<bool>,
    /// `brand_content_toggle`.
    pub brand_content: Option<bool>,
    /// `brand_organic_toggle`.
    pub brand_organic: Option<bool>,
    /// `is_aigc`.
    pub is_aigc: Option<bool>,
    /// `auto_add_music`; applied to photos only.
    pub auto_add_music: Option<bool>,
}

impl Preferences {
    /// These, and those of `below` where there are none.
    pub(crate) fn over(self, below: &Self) -> Self {
        Self {
            user: self.user.or_else(|| below.user.clone()),
            mode: self.mode.or(below.mode),
            privacy: self.privacy.or(below.privacy),
            disable_comment: self.disable_comment.or(below.disable_comment),
            disable_duet: self.disable_duet.or(below.disable_duet),
            disable_stitch: self.disable_stitch.or(below.disable_stitch),
            brand_content: self.brand_content.or(below.brand_content),
            brand_organic: self.brand_organic.or(below.brand_organic),
            is_aigc: self.is_aigc.or(below.is_aigc),
            auto_add_music: self.auto_add_music.or(below.auto_add_music),
        }
    }
}
