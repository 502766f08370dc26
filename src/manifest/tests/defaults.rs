//! What applies where a post says nothing.

use super::*;

const VIDEO: &str = r#"{"video_path": "a.mp4"}"#;
const PHOTO: &str = r#"{"photo_urls": ["https://a.example/1.jpg"]}"#;

#[test]
fn defaults_of_the_file_fill_what_posts_leave_out() {
    let posts = entries(
        r#"{
            "$schema": "./schema.json",
            "defaults": {
                "user_id": "shop", "description": "Hi", "tags": ["x"], "mode": "draft",
                "privacy_level": "SELF_ONLY", "disable_comment": true, "disable_duet": true,
                "disable_stitch": true, "video_cover_timestamp_ms": 5, "is_aigc": true,
                "brand_organic_toggle": true, "brand_content_toggle": true,
                "publish_at": "2026-12-01T17:00:00Z", "title": "T", "auto_add_music": true,
            },
            "posts": [
                {"video_path": "a.mp4"},
                {"video_path": "a.mp4", "user_id": "me", "tags": [], "mode": "direct",
                 "privacy_level": "PUBLIC_TO_EVERYONE", "disable_comment": false},
            ],
        }"#,
    );
    let [full, own] = &posts[..] else { panic!("two posts") };
    assert_eq!(full.user.as_deref(), Some("shop"));
    assert_eq!(full.post.caption, Caption { title: None, text: "Hi #x".to_owned() });
    assert_eq!((full.post.mode, full.post.privacy), (Mode::Draft, Some(Privacy::SelfOnly)));
    assert_eq!((full.post.disable_comment, full.post.is_aigc), (Some(true), Some(true)));
    assert_eq!((full.post.disable_duet, full.post.disable_stitch), (Some(true), Some(true)));
    assert_eq!(full.post.cover_timestamp_ms, Some(5));
    assert!(full.post.brand_organic && full.post.brand_content && full.post.publish_at.is_some());
    assert_eq!(own.user.as_deref(), Some("me"));
    assert_eq!(own.post.caption.text, "Hi");
    assert_eq!((own.post.mode, own.post.privacy), (Mode::Direct, Some(Privacy::Public)));
    assert_eq!((own.post.disable_comment, own.post.disable_duet), (Some(false), Some(true)));
}

#[test]
fn defaults_that_a_kind_of_post_cannot_have_are_for_the_others() {
    let posts = entries(&format!(
        r#"{{"defaults": {{"disable_duet": true, "disable_stitch": true, "title": "T",
            "video_cover_timestamp_ms": 5, "auto_add_music": true}},
            "posts": [{VIDEO}, {PHOTO}]}}"#
    ));
    assert_eq!((posts[0].post.disable_duet, posts[1].post.disable_duet), (Some(true), None));
    assert_eq!((posts[0].post.disable_stitch, posts[1].post.disable_stitch), (Some(true), None));
    assert_eq!(
        (posts[0].post.cover_timestamp_ms, posts[1].post.cover_timestamp_ms),
        (Some(5), None)
    );
    assert_eq!((posts[0].post.auto_add_music, posts[1].post.auto_add_music), (None, Some(true)));
    assert_eq!(
        (posts[0].post.caption.title.as_deref(), posts[1].post.caption.title.as_deref()),
        (None, Some("T"))
    );
}

#[test]
fn the_post_is_above_flags_above_the_files_defaults_above_the_configuration() {
    let level = |privacy: Option<Privacy>| {
        FieldValues::default().with(Field::PrivacyLevel, privacy.map(FieldValue::Privacy))
    };
    let of = |post: &str, flags, file: &str, config| {
        let given = Defaults { flags: level(flags), config: level(config), ..Defaults::default() };
        let text =
            format!(r#"{{"defaults": {{{file}}}, "posts": [{{"video_path": "a" {post}}}]}}"#);
        read_with(&text, &given).unwrap().entries[0].post.privacy
    };
    let (flags, config) = (Some(Privacy::Followers), Some(Privacy::SelfOnly));
    let (post, file) = (
        r#", "privacy_level": "PUBLIC_TO_EVERYONE""#,
        r#""privacy_level": "MUTUAL_FOLLOW_FRIENDS""#,
    );
    assert_eq!(of(post, flags, file, config), Some(Privacy::Public));
    assert_eq!(of("", flags, file, config), Some(Privacy::Followers));
    assert_eq!(of("", None, file, config), Some(Privacy::Friends));
    assert_eq!(of("", None, "", config), Some(Privacy::SelfOnly));
    assert_eq!(of("", None, "", None), None);
}

#[test]
fn what_the_command_line_overrules_counts_before_anything_is_checked() {
    let given = Defaults {
        overrule: FieldValues::default().with(Field::Mode, FieldValue::Mode(Mode::Draft)),
        ..Defaults::default()
    };
    for mode in ["", r#", "mode": "direct""#, r#", "mode": "draft""#] {
        let post = format!(r#"{{"video_path": "a", "brand_content_toggle": true {mode}}}"#);
        for text in [format!("[{post}]"), format!(r#"{{"defaults": {{}}, "posts": [{post}]}}"#)] {
            let read = read_with(&text, &given).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(read.entries[0].post.mode, Mode::Draft);
        }
    }
}

#[test]
fn what_belongs_to_one_post_cannot_be_a_default() {
    let said = said(
        r#"{"defaults": {"video_path": "a", "video_url": "b", "photo_urls": [],
            "photo_cover_index": 0, "id": "a"}, "posts": []}"#,
    );
    assert_eq!(said.len(), 5);
    assert_eq!(
        said[0],
        "line 1, column 15, defaults, field `video_path`: cannot be a default, as it belongs to one post"
    );
}

#[test]
fn a_wrong_default_is_said_once_however_many_posts_it_is_for() {
    assert_eq!(
        said(&format!(r#"{{"defaults": {{"tags": "a"}}, "posts": [{VIDEO}, {VIDEO}]}}"#)),
        [
            "line 1, column 23, defaults, field `tags`: must be a list of texts, not the text \"a\" (write [\"a\"])"
        ]
    );
}
