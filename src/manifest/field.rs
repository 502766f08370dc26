//! The fields of a post: their names, and which one somebody meant.

/// The longest key that is compared with the fields' names.
const LONGEST_GUESS: usize = 40;

/// The shortest word of another tool that a key is taken for a misspelling of.
const SHORTEST_GUESS: usize = 7;

macro_rules! fields {
    ($($variant:ident = $name:literal,)*) => {
        /// A field of a post or of `defaults`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Field {
            $($variant,)*
        }

        impl Field {
            /// All fields, in the order in which the documentation names them.
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the manifest spells it.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    UserId = "user_id",
    VideoPath = "video_path",
    VideoUrl = "video_url",
    PhotoUrls = "photo_urls",
    PhotoCoverIndex = "photo_cover_index",
    AutoAddMusic = "auto_add_music",
    Title = "title",
    Description = "description",
    Tags = "tags",
    Mode = "mode",
    PrivacyLevel = "privacy_level",
    DisableComment = "disable_comment",
    DisableDuet = "disable_duet",
    DisableStitch = "disable_stitch",
    VideoCoverTimestampMs = "video_cover_timestamp_ms",
    BrandContentToggle = "brand_content_toggle",
    BrandOrganicToggle = "brand_organic_toggle",
    IsAigc = "is_aigc",
    PublishAt = "publish_at",
    Id = "id",
}

impl Field {
    /// The fields of which a post has exactly one.
    pub(super) const SOURCES: [Self; 3] = [Self::VideoPath, Self::VideoUrl, Self::PhotoUrls];

    /// The field of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether the field says which post this is, so that it cannot be a default.
    pub(super) fn is_one_posts_own(self) -> bool {
        Self::SOURCES.contains(&self) || matches!(self, Self::PhotoCoverIndex | Self::Id)
    }

    /// Whether the field goes with photos only.
    pub(super) fn is_for_photos(self) -> bool {
        matches!(self, Self::PhotoCoverIndex | Self::AutoAddMusic | Self::Title)
    }

    /// Whether the field goes with videos only.
    pub(super) fn is_for_videos(self) -> bool {
        matches!(self, Self::DisableDuet | Self::DisableStitch | Self::VideoCoverTimestampMs)
    }

    /// The field that somebody meant who wrote `key`: the same but for case and separators, another
    /// tool's word for it, or a slip of the finger.
    pub(super) fn meant_by(key: &str) -> Option<Self> {
        if key.len() > LONGEST_GUESS {
            return None;
        }
        let plain = plain(key);
        let same = Self::ALL.iter().copied().find(|field| self::plain(field.name()) == plain);
        // A slip in a short word makes another word.
        let long = elsewhere().filter(|(_, word)| word.len() >= SHORTEST_GUESS);
        same.or_else(|| elsewhere().find(|(_, word)| *word == plain).map(|(field, _)| field))
            .or_else(|| nearest(key, Self::ALL.iter().map(|&field| (field, field.name()))))
            .or_else(|| nearest(&plain, long))
    }
}

/// The candidate that differs from `written` by a slip of the finger or two.
pub(super) fn nearest<'n, T>(
    written: &str,
    candidates: impl IntoIterator<Item = (T, &'n str)>,
) -> Option<T> {
    if written.len() > LONGEST_GUESS {
        return None;
    }
    let distances = candidates.into_iter().map(|(candidate, name)| {
        let (distance, allowed) = (strsim::osa_distance(written, name), name.len().div_ceil(4));
        (distance, distance <= allowed.min(3), candidate)
    });
    distances
        .filter(|(_, near, _)| *near)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| candidate)
}

/// A key without the differences between `videoPath`, `video-path` and `Video Path`.
fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What other uploaders and TikTok's own API call our fields.
const ELSEWHERE: [(Field, &[&str]); 17] = [
    (Field::UserId, &["account", "accountid", "openid", "user", "username"]),
    (Field::VideoPath, &["file", "filename", "filepath", "path", "video", "videofile"]),
    (Field::VideoUrl, &["url"]),
    (Field::PhotoUrls, &["images", "imageurls", "photoimages", "photos"]),
    (Field::PhotoCoverIndex, &["coverindex"]),
    (Field::Description, &["caption", "text"]),
    (Field::Tags, &["hashtag", "hashtags", "tag"]),
    (Field::Mode, &["draft", "postmode"]),
    (Field::PrivacyLevel, &["privacy", "visibility"]),
    (Field::DisableComment, &["commentdisabled"]),
    (Field::DisableDuet, &["duetdisabled"]),
    (Field::DisableStitch, &["stitchdisabled"]),
    (Field::VideoCoverTimestampMs, &["cover", "coverms", "covertimestampms"]),
    (Field::BrandContentToggle, &["brandedcontent"]),
    (Field::BrandOrganicToggle, &["yourbrand"]),
    (Field::IsAigc, &["aigc"]),
    (Field::PublishAt, &["publishtime", "schedule", "scheduleat", "scheduledat"]),
];

/// Each of them with the field that it means.
fn elsewhere() -> impl Iterator<Item = (Field, &'static str)> {
    ELSEWHERE.iter().flat_map(|(field, words)| words.iter().map(move |&word| (*field, word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        for (written, meant) in [
            ("descripton", Field::Description),
            ("desciption", Field::Description),
            ("tgas", Field::Tags),
            ("vidoe_path", Field::VideoPath),
            ("privacy_levle", Field::PrivacyLevel),
            ("user_ID", Field::UserId),
        ] {
            assert_eq!(Field::meant_by(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn other_spellings_and_other_tools_words_are_recognised() {
        for (written, meant) in [
            ("videoPath", Field::VideoPath),
            ("Video Path", Field::VideoPath),
            ("caption", Field::Description),
            ("hashtags", Field::Tags),
            ("open_id", Field::UserId),
            ("schedule", Field::PublishAt),
            ("privcy", Field::PrivacyLevel),
        ] {
            assert_eq!(Field::meant_by(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn what_resembles_nothing_is_not_guessed_at() {
        let long = "description".repeat(1000);
        for written in ["", "x", "frobnicate", "idea", &long] {
            assert_eq!(Field::meant_by(written), None, "{written}");
        }
    }

    #[test]
    fn every_field_is_found_by_its_name() {
        for &field in Field::ALL {
            assert_eq!(Field::named(field.name()), Some(field));
            assert_eq!(Field::meant_by(field.name()), Some(field));
        }
    }
}
