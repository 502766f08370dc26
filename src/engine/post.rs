//! What one post asks of TikTok: its content, its settings and the init that they make.

use crate::model::{Media, Mode, Plan, Post, PostRef, Source, Unfinished};
use crate::secret::Secret;
use crate::source::{RemoteError, Version};
use tiktok_open::{
    Client, Error, InboxInit, InitAnswer, PhotoInit, PhotoPostInfo, PhotoSource, PostInfo,
    PostMode, SourceInfo, VideoInit,
};

/// One post of a manifest, checked as far as it can be without asking TikTok.
#[derive(Clone, Debug)]
pub(crate) struct PreparedPost {
    /// How it is called when something is told about it.
    pub(crate) post_ref: PostRef,
    /// What is asked for.
    pub(crate) asked: Post,
    /// What a look at its file found. `None`: there is none, as TikTok pulls the content.
    pub(crate) file: Option<FileState>,
    /// What of the entry was hardly meant so, in sentences: told when the post is made.
    pub(crate) doubts: Vec<String>,
    /// Which of its own settings its draft goes without, in a sentence: told when the post is made.
    pub(crate) left_to_app: Option<String>,
}

/// What a look at a post's file found before anything was sent.
#[derive(Clone, Debug)]
pub(crate) enum FileState {
    /// It can be sent.
    Checked(CheckedFile),
    /// It was posted before, as it is now: nothing of it was looked at.
    Posted(Version),
    /// It is still being written: only what the journal knows of it counts.
    Unfinished(Unfinished),
    /// It lies elsewhere, and could not be reached: only what the journal knows of it counts.
    Unreachable(RemoteError),
    /// It is not there: only what the journal knows of it counts.
    Missing,
}

/// What was found out about a file.
#[derive(Clone, Debug)]
pub(crate) struct CheckedFile {
    /// `video/mp4`, `video/quicktime` or `video/webm`.
    pub(crate) content_type: &'static str,
    /// What was measured.
    pub(crate) media: Media,
    /// What speaks against it, but does not keep it from being sent.
    pub(crate) warnings: Vec<String>,
    /// What it was when all of that was found out.
    pub(crate) version: Version,
}

/// One of the three inits, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) enum Init {
    /// A direct post of a video.
    Video(VideoInit),
    /// A draft of a video.
    Inbox(InboxInit),
    /// Photos.
    Photos(PhotoInit),
}

impl PreparedPost {
    /// The file's facts, if it can be sent.
    pub(crate) fn checked_file(&self) -> Option<&CheckedFile> {
        match &self.file {
            Some(FileState::Checked(file)) => Some(file),
            _ => None,
        }
    }

    /// Which version of its file was looked at.
    pub(crate) fn version(&self) -> Option<Version> {
        match &self.file {
            Some(FileState::Checked(file)) => Some(file.version),
            Some(FileState::Posted(version)) => Some(*version),
            _ => None,
        }
    }

    /// What tells whether the entry asks for something else, or its file is another one, than before.
    pub(crate) fn fingerprint(&self) -> String {
        let version = self.version();
        format!("{} {version:?}", self.settings_hash())
    }

    /// Whether the file is still being written.
    pub(crate) fn unfinished(&self) -> Option<Unfinished> {
        match self.file {
            Some(FileState::Unfinished(how)) => Some(how),
            _ => None,
        }
    }

    /// The init of this post. `None` for a file without a plan: one that is gone.
    pub(crate) fn init(&self, plan: Option<&Plan>) -> Option<Init> {
        let source_info = match &self.asked.source {
            Source::Photos { urls, cover_index } => {
                return Some(Init::Photos(photos(&self.asked, urls.clone(), *cover_index)));
            }
            Source::Url(url) => SourceInfo::PullFromUrl { video_url: url.clone() },
            Source::File(_) => plan.map(|plan| SourceInfo::FileUpload {
                video_size: plan.size(),
                chunk_size: plan.chunk_size(),
                total_chunk_count: plan.count().into(),
            })?,
        };
        Some(match self.asked.mode {
            Mode::Draft => Init::Inbox(InboxInit::new(source_info)),
            Mode::Direct => Init::Video(VideoInit::new(post_info(&self.asked), source_info)),
        })
    }

    /// A hash of everything that the init says besides the source, to notice changed settings.
    pub(crate) fn settings_hash(&self) -> String {
        settings_hash(&self.asked)
    }

    /// The caption that TikTok lists the post with, once it is public: that of a direct post of a video.
    pub(super) fn listed_caption(&self) -> Option<&str> {
        let is_video = !matches!(self.asked.source, Source::Photos { .. });
        (is_video && self.asked.mode == Mode::Direct).then_some(self.asked.caption.text.as_str())
    }

    /// The texts that TikTok gets with the post, each with what it is called there: a draft of a video
    /// carries none.
    pub(super) fn caption_sent(&self) -> Vec<(&'static str, &str)> {
        let caption = &self.asked.caption;
        let texts = match (&self.asked.source, self.asked.mode) {
            (Source::Photos { .. }, _) => {
                vec![
                    ("title", caption.title.as_deref().unwrap_or_default()),
                    ("caption", &caption.text),
                ]
            }
            (_, Mode::Direct) => vec![("caption", caption.text.as_str())],
            (_, Mode::Draft) => Vec::new(),
        };
        texts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

impl Init {
    /// Sends it: the one call that is never repeated blindly.
    pub(crate) async fn send(&self, client: &Client, token: &Secret) -> Result<InitAnswer, Error> {
        match self {
            Self::Video(init) => client.video_init(token, init).await,
            Self::Inbox(init) => client.inbox_init(token, init).await,
            Self::Photos(init) => client.content_init(token, init).await,
        }
    }
}

/// A hash of everything that the init of a post says besides the source.
pub(super) fn settings_hash(post: &Post) -> String {
    let json = match &post.source {
        Source::Photos { .. } => serde_json::to_vec(&photos(post, Vec::new(), 0)),
        _ => serde_json::to_vec(&post_info(post)),
    };
    // Plain structs of texts and numbers always serialize.
    blake3::hash(&json.unwrap_or_default()).to_hex().to_string()
}

fn post_info(post: &Post) -> PostInfo {
    let mut info = PostInfo::new(post.effective_privacy());
    info.title.clone_from(&post.caption.text);
    info.disable_duet = post.disable_duet.unwrap_or_default();
    info.disable_stitch = post.disable_stitch.unwrap_or_default();
    info.disable_comment = post.disable_comment.unwrap_or_default();
    info.video_cover_timestamp_ms = post.cover_timestamp_ms;
    info.brand_content_toggle = post.brand_content;
    info.brand_organic_toggle = post.brand_organic;
    info.is_aigc = post.is_aigc;
    info
}

fn photos(post: &Post, photo_images: Vec<String>, cover_index: u32) -> PhotoInit {
    let direct = post.mode == Mode::Direct;
    let mut info = PhotoPostInfo::default();
    info.title = post.caption.title.clone().unwrap_or_default();
    info.description.clone_from(&post.caption.text);
    info.privacy_level = direct.then(|| post.effective_privacy());
    info.disable_comment = direct.then(|| post.disable_comment.unwrap_or_default());
    info.auto_add_music = post.auto_add_music.filter(|_| direct);
    info.brand_content_toggle = direct.then_some(post.brand_content);
    info.brand_organic_toggle = direct.then_some(post.brand_organic);
    let mode = if direct { PostMode::Direct } else { PostMode::Inbox };
    let mut init = PhotoInit::new(mode, info, PhotoSource::new(photo_images, cover_index));
    init.is_aigc = post.is_aigc;
    init
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fields::InitKind;
    use crate::model::{Caption, Field};
    use tiktok_open::Privacy;

    /// A post that says everything, even what its init cannot take.
    fn full(source: Source, mode: Mode) -> PreparedPost {
        let caption = Caption { title: Some("a headline".into()), text: "some words #tag".into() };
        let asked = Post {
            id: None,
            source,
            caption,
            mode,
            privacy: Some(Privacy::Friends),
            disable_comment: Some(true),
            disable_duet: Some(true),
            disable_stitch: Some(true),
            cover_timestamp_ms: Some(1),
            brand_content: true,
            brand_organic: true,
            is_aigc: Some(true),
            auto_add_music: Some(true),
            skip_media_check: true,
            publish_at: None,
            slot: None,
        };
        let post_ref = PostRef { index: 0, account: "alice".into(), video: "a".into() };
        PreparedPost { post_ref, asked, file: None, doubts: Vec::new(), left_to_app: None }
    }

    #[test]
    fn a_post_whose_slot_has_given_it_no_time_is_not_due() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut post = full(Source::Url("https://a.example/v".into()), Mode::Direct).asked;
        assert!(post.is_due(now));
        post.slot = Some("evening".into());
        assert!(!post.is_due(now));
        post.publish_at = Some(now);
        assert!(post.is_due(now));
    }

    #[test]
    fn each_init_takes_what_the_table_of_fields_says() {
        let signs = [
            (Field::VideoUrl, "https://a.example/v"),
            (Field::PhotoUrls, "https://a.example/p"),
            (Field::PhotoCoverIndex, "photo_cover_index"),
            (Field::AutoAddMusic, "auto_add_music"),
            (Field::Title, "a headline"),
            (Field::Description, "some words"),
            (Field::Tags, "#tag"),
            (Field::PrivacyLevel, "MUTUAL_FOLLOW_FRIENDS"),
            (Field::DisableComment, "disable_comment"),
            (Field::DisableDuet, "disable_duet"),
            (Field::DisableStitch, "disable_stitch"),
            (Field::VideoCoverTimestampMs, "video_cover_timestamp_ms"),
            (Field::BrandContentToggle, "brand_content_toggle"),
            (Field::BrandOrganicToggle, "brand_organic_toggle"),
            (Field::IsAigc, "is_aigc"),
        ];
        let video = Source::Url("https://a.example/v".into());
        let photos = Source::Photos { urls: vec!["https://a.example/p".into()], cover_index: 0 };
        for (source, mode, kind) in [
            (&video, Mode::Direct, InitKind::DirectVideo),
            (&video, Mode::Draft, InitKind::DraftVideo),
            (&photos, Mode::Direct, InitKind::DirectPhotos),
            (&photos, Mode::Draft, InitKind::DraftPhotos),
        ] {
            let post = full(source.clone(), mode);
            assert_eq!(post.asked.init_kind(), kind);
            let sent = match post.init(None).unwrap() {
                Init::Video(init) => serde_json::to_string(&init),
                Init::Inbox(init) => serde_json::to_string(&init),
                Init::Photos(init) => serde_json::to_string(&init),
            };
            let sent = sent.unwrap();
            for (field, sign) in signs {
                assert_eq!(sent.contains(sign), field.is_taken_by(kind), "{kind:?}: {field:?}");
            }
        }
    }
}
