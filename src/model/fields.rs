//! The table of the manifest's fields: of each its name, type and bounds, where TikTok takes it, whether
//! it may be a default, what other tools call it, and what it is.
//!
//! The reader of manifests, the JSON Schema, `[defaults]` of config.toml and the guesses at misspelt keys
//! follow this table.

use jiff::Timestamp;
use jiff::civil::Date;

use super::caption::PHOTO_TITLE_LIMIT;
use super::mode::Mode;
use super::transport::Transport;
use tiktok_open::Privacy;

/// The most photos of a post.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
pub(crate) const MAX_PHOTOS: u16 = 35;

/// The longest identity of a post, in characters.
pub(crate) const MAX_ID: usize = 128;

/// The longest key that is compared with the fields' names.
const LONGEST_GUESS: usize = 40;

/// The shortest word of another tool that a key is taken for a misspelling of.
const SHORTEST_GUESS: usize = 7;

/// What a value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// `true` or `false`.
    Flag,
    /// A whole number within `0..=most`.
    Count {
        /// The largest one.
        most: u32,
    },
    /// Which of the photos, counted from 0; the first where it is left out.
    PhotoIndex,
    /// Any text; whether it fits TikTok is measured later.
    Text {
        /// The most UTF-16 units, where the field has a bound of its own.
        longest: Option<usize>,
    },
    /// An account's open id or alias.
    Account,
    /// A path in the file system.
    Path,
    /// An https URL that TikTok can pull from.
    Url,
    /// 1 to [`MAX_PHOTOS`] of them.
    Urls,
    /// Tags, with or without their `#`.
    Tags,
    /// A [`Mode`].
    Mode,
    /// A [`Privacy`] level.
    Privacy,
    /// A [`Transport`].
    Transport,
    /// A moment, with its offset, or a slot.
    Moment,
    /// The user's own identity of a post: 1 to [`MAX_ID`] printable characters.
    Id,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldValue {
    /// Of [`FieldType::Flag`].
    Flag(bool),
    /// Of [`FieldType::Count`] and [`FieldType::PhotoIndex`].
    Count(u32),
    /// Of [`FieldType::Text`] and all others that are a text.
    Text(String),
    /// Of [`FieldType::Urls`] and [`FieldType::Tags`]; each tag with one leading `#`.
    Texts(Vec<String>),
    /// Of [`FieldType::Mode`].
    Mode(Mode),
    /// Of [`FieldType::Privacy`].
    Privacy(Privacy),
    /// Of [`FieldType::Transport`].
    Transport(Transport),
    /// Of [`FieldType::Moment`].
    Moment {
        /// The moment.
        at: Timestamp,
        /// The day of it, as it is written.
        day: Date,
    },
    /// Of [`FieldType::Moment`]: the next free time of the slot of this name.
    Slot(String),
}

/// One of the four inits, as far as it matters what they take.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>,
/// <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>,
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InitKind {
    /// A video, posted at once.
    DirectVideo,
    /// A video for the inbox.
    DraftVideo,
    /// Photos, posted at once.
    DirectPhotos,
    /// Photos for the inbox.
    DraftPhotos,
}

impl InitKind {
    const VIDEO: &[Self] = &[Self::DirectVideo, Self::DraftVideo];
    const PHOTOS: &[Self] = &[Self::DirectPhotos, Self::DraftPhotos];
    const DIRECT: &[Self] = &[Self::DirectVideo, Self::DirectPhotos];
    const ALL_BUT_DRAFT_VIDEO: &[Self] =
        &[Self::DirectVideo, Self::DirectPhotos, Self::DraftPhotos];
    const ALL: &[Self] =
        &[Self::DirectVideo, Self::DraftVideo, Self::DirectPhotos, Self::DraftPhotos];
}

/// Where a field may stand besides in a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultScope {
    /// Nowhere: it says which post this is.
    Never,
    /// In the manifest's `defaults`.
    Manifest,
    /// In the manifest's `defaults` and in `[defaults]` of config.toml.
    Config,
}

macro_rules! fields {
    ($($variant:ident = $name:literal {
        $type:expr, $taken:expr, $default:ident, elsewhere: [$($elsewhere:literal),*], $description:literal
    })*) => {
        /// A field of a post or of `defaults`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Field {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Field {
            /// All fields, in the order in which the documentation names them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the manifest spells it.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What its values are.
            pub(crate) fn value_type(self) -> FieldType {
                match self {
                    $(Self::$variant => $type,)*
                }
            }

            /// The inits that take it, or are made of it.
            fn taken_by(self) -> &'static [InitKind] {
                match self {
                    $(Self::$variant => $taken,)*
                }
            }

            /// Whether it may be a default.
            pub(crate) fn default_scope(self) -> DefaultScope {
                match self {
                    $(Self::$variant => DefaultScope::$default,)*
                }
            }

            /// What other uploaders and TikTok's own API call it.
            fn elsewhere(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($elsewhere),*],)*
                }
            }

            /// What it is, in a sentence.
            pub(crate) fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)*
                }
            }
        }
    };
}

fields! {
    UserId = "user_id" {
        FieldType::Account, InitKind::ALL, Config,
        elsewhere: ["account", "accountid", "openid", "user", "username"],
        "Account: its open_id, or the alias given to it."
    }
    VideoPath = "video_path" {
        FieldType::Path, InitKind::VIDEO, Never,
        elsewhere: ["file", "filename", "filepath", "path", "video", "videofile"],
        "A video file: relative to the manifest's folder, or absolute; or an object in a store: s3://BUCKET/KEY, gs://BUCKET/KEY or az://CONTAINER/KEY."
    }
    VideoUrl = "video_url" {
        FieldType::Url, InitKind::VIDEO, Never,
        elsewhere: ["url"],
        "A video that TikTok pulls from a domain verified for the app; with transfer as upload, from any public host."
    }
    Transfer = "transfer" {
        FieldType::Transport, InitKind::VIDEO, Manifest,
        elsewhere: ["transport"],
        "How a video behind a video_url gets to TikTok. pull: TikTok pulls it. upload: tiktok-up reads it and sends it on, from any public host and without a verified domain."
    }
    PhotoUrls = "photo_urls" {
        FieldType::Urls, InitKind::PHOTOS, Never,
        elsewhere: ["images", "imageurls", "photoimages", "photos"],
        "Photos that TikTok pulls from a domain verified for the app."
    }
    PhotoCoverIndex = "photo_cover_index" {
        FieldType::PhotoIndex, InitKind::PHOTOS, Never,
        elsewhere: ["coverindex"],
        "Which of the photos is the cover, counted from 0."
    }
    AutoAddMusic = "auto_add_music" {
        FieldType::Flag, &[InitKind::DirectPhotos], Config,
        elsewhere: [],
        "Photos only: adds recommended music, which can be changed in the app."
    }
    Title = "title" {
        FieldType::Text { longest: Some(PHOTO_TITLE_LIMIT) }, InitKind::PHOTOS, Manifest,
        elsewhere: [],
        "Photos only: at most 90 UTF-16 units."
    }
    Description = "description" {
        FieldType::Text { longest: None }, InitKind::ALL_BUT_DRAFT_VIDEO, Manifest,
        elsewhere: ["caption", "text"],
        "The caption, before the tags. Both together have at most 2200 UTF-16 units for a video and 4000 for photos; most emoji count two."
    }
    Tags = "tags" {
        FieldType::Tags, InitKind::ALL_BUT_DRAFT_VIDEO, Manifest,
        elsewhere: ["hashtag", "hashtags", "tag"],
        "Tags, with or without their #."
    }
    Mode = "mode" {
        FieldType::Mode, InitKind::ALL, Config,
        elsewhere: ["direct", "draft", "inbox", "postmode"],
        "direct: posted at once. draft: put into the inbox of the app, to be finished there; TikTok takes no caption for drafts of videos."
    }
    PrivacyLevel = "privacy_level" {
        FieldType::Privacy, InitKind::DIRECT, Config,
        elsewhere: ["privacy", "private", "public", "visibility"],
        "Who may see the post. Without one it is visible to the creator alone."
    }
    DisableComment = "disable_comment" {
        FieldType::Flag, InitKind::DIRECT, Config,
        elsewhere: ["commentdisabled"],
        "No comments."
    }
    DisableDuet = "disable_duet" {
        FieldType::Flag, &[InitKind::DirectVideo], Config,
        elsewhere: ["duetdisabled"],
        "Videos only: no duets."
    }
    DisableStitch = "disable_stitch" {
        FieldType::Flag, &[InitKind::DirectVideo], Config,
        elsewhere: ["stitchdisabled"],
        "Videos only: no stitches."
    }
    VideoCoverTimestampMs = "video_cover_timestamp_ms" {
        // An `int32` of the API.
        FieldType::Count { most: i32::MAX.cast_unsigned() }, &[InitKind::DirectVideo],
        Manifest,
        elsewhere: ["cover", "coverms", "covertimestampms"],
        "Videos only: the frame, in milliseconds, that is the cover."
    }
    BrandContentToggle = "brand_content_toggle" {
        FieldType::Flag, InitKind::DIRECT, Config,
        elsewhere: ["brandedcontent"],
        "A paid partnership; cannot be private."
    }
    BrandOrganicToggle = "brand_organic_toggle" {
        FieldType::Flag, InitKind::DIRECT, Config,
        elsewhere: ["yourbrand"],
        "Promotes the creator's own business."
    }
    IsAigc = "is_aigc" {
        FieldType::Flag, InitKind::ALL_BUT_DRAFT_VIDEO, Config,
        elsewhere: ["aigc"],
        "Made by an AI."
    }
    SkipMediaCheck = "skip_media_check" {
        FieldType::Flag, InitKind::VIDEO, Manifest,
        elsewhere: ["force", "nocheck", "skipcheck"],
        "Videos only: sends the file whatever is found in it; that is a warning then. An empty file and one of more than 4 GB are never sent."
    }
    PublishAt = "publish_at" {
        FieldType::Moment, InitKind::ALL, Manifest,
        elsewhere: ["publishtime", "schedule", "scheduleat", "scheduledat", "schedulefor", "scheduletime", "scheduledtime"],
        "Not to be posted before: RFC 3339 with an offset, such as 2026-12-01T18:00:00+01:00; or `next:NAME`, the next free time of `[slots.NAME]` in config.toml."
    }
    Id = "id" {
        FieldType::Id, InitKind::ALL, Never,
        elsewhere: [],
        "Your own name for the post, unique for its account: a post of this name is made once."
    }
}

impl Field {
    /// The fields of which a post has exactly one.
    pub(crate) const SOURCES: [Self; 3] = [Self::VideoPath, Self::VideoUrl, Self::PhotoUrls];

    /// The fields that make the words of a post.
    pub(crate) const WORDS: [Self; 3] = [Self::Title, Self::Description, Self::Tags];

    /// The field of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether the field says which post this is, so that it cannot be a default.
    pub(crate) fn is_one_posts_own(self) -> bool {
        self.default_scope() == DefaultScope::Never
    }

    /// Whether `[defaults]` of config.toml may have it.
    pub(crate) fn is_for_config(self) -> bool {
        self.default_scope() == DefaultScope::Config
    }

    /// Whether an init takes it.
    pub(crate) fn is_taken_by(self, init: InitKind) -> bool {
        self.taken_by().contains(&init)
    }

    /// Whether the field goes with photos only.
    pub(crate) fn is_for_photos(self) -> bool {
        !InitKind::VIDEO.iter().any(|&init| self.is_taken_by(init))
    }

    /// Whether the field goes with videos only.
    pub(crate) fn is_for_videos(self) -> bool {
        !InitKind::PHOTOS.iter().any(|&init| self.is_taken_by(init))
    }

    /// The field that somebody meant who wrote `key`: the same but for case and separators, another
    /// tool's word for it, or a slip of the finger.
    pub(crate) fn meant_by(key: &str) -> Option<Self> {
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
pub(crate) fn nearest<'n, T>(
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

/// What other uploaders and TikTok's own API call our fields, each with the field that it means.
fn elsewhere() -> impl Iterator<Item = (Field, &'static str)> {
    Field::ALL.iter().flat_map(|&field| field.elsewhere().iter().map(move |&word| (field, word)))
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
