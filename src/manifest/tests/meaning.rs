//! What posts of a right manifest mean.

use super::*;

#[test]
fn the_smallest_post_is_a_path() {
    let post = entry(r#"[{"video_path": "a.mp4"}]"#);
    assert_eq!(
        post,
        Entry {
            index: 0,
            user: None,
            user_at: Place { line: 1, column: 2 },
            user_from: crate::model::UserOrigin::Post,
            id_at: None,
            cover_at: None,
            source_at: Place { line: 1, column: 17 },
            post: Post {
                id: None,
                source: Source::File(PathBuf::from("/posts/a.mp4").into()),
                caption: Caption::default(),
                mode: Mode::Direct,
                privacy: None,
                disable_comment: None,
                disable_duet: None,
                disable_stitch: None,
                cover_timestamp_ms: None,
                brand_content: false,
                brand_organic: false,
                is_aigc: None,
                auto_add_music: None,
                skip_media_check: false,
                publish_at: None,
                slot: None,
            },
            doubts: Vec::new(),
            left_to_app: None,
        }
    );
}

#[test]
fn every_field_of_a_video_arrives() {
    let post = entry(
        r##"[{
            "user_id": "shop", "video_path": "a.mp4", "description": "Hi", "tags": ["#x", "y"],
            "mode": "direct", "privacy_level": "MUTUAL_FOLLOW_FRIENDS",
            "disable_comment": true, "disable_duet": false, "disable_stitch": true,
            "video_cover_timestamp_ms": 1500, "brand_content_toggle": true,
            "brand_organic_toggle": true, "is_aigc": false,
            "skip_media_check": true,
            "publish_at": "2026-12-01T18:00:00+01:00", "id": "clip 7"
        }]"##,
    );
    assert_eq!(post.user.as_deref(), Some("shop"));
    assert_eq!(post.post.caption, Caption { title: None, text: "Hi #x #y".to_owned() });
    assert_eq!(post.post.mode, Mode::Direct);
    assert_eq!(post.post.privacy, Some(Privacy::Friends));
    assert_eq!(post.post.disable_comment, Some(true));
    assert_eq!(post.post.disable_duet, Some(false));
    assert_eq!(post.post.disable_stitch, Some(true));
    assert_eq!(post.post.cover_timestamp_ms, Some(1500));
    assert!(post.post.brand_content && post.post.brand_organic);
    assert_eq!(post.post.is_aigc, Some(false));
    assert!(post.post.skip_media_check);
    assert_eq!(post.post.publish_at, Some("2026-12-01T17:00:00Z".parse().unwrap()));
    assert_eq!(post.post.id.as_deref(), Some("clip 7"));
}

#[test]
fn every_field_of_photos_arrives() {
    let post = entry(
        r#"[{
            "photo_urls": ["https://a.example/1.jpg", "https://a.example/2.jpg"],
            "photo_cover_index": 1, "auto_add_music": true, "title": "Trip",
            "description": "Day one", "tags": ["sea"]
        }]"#,
    );
    let urls = ["https://a.example/1.jpg", "https://a.example/2.jpg"].map(str::to_owned);
    assert_eq!(post.post.source, Source::Photos { urls: urls.to_vec(), cover_index: 1 });
    assert_eq!(post.post.auto_add_music, Some(true));
    let text = "Day one #sea".to_owned();
    assert_eq!(post.post.caption, Caption { title: Some("Trip".to_owned()), text });
}

#[test]
fn a_url_goes_on_exactly_as_written() {
    let url = "HTTPS://CDN.example.com/a%2Fb.mp4?sig=%2b&x";
    let post = entry(&format!(r#"[{{"video_url": "{url}"}}]"#));
    assert_eq!(post.post.source, Source::Url(url.to_owned()));
}

#[test]
fn the_first_photo_is_the_cover_unless_said() {
    let post = entry(r#"[{"photo_urls": ["https://a.example/1.jpg"]}]"#);
    assert!(matches!(post.post.source, Source::Photos { cover_index: 0, .. }));
}

#[test]
fn paths_start_at_the_manifests_folder() {
    for (written, meant) in [
        ("clips/a.mp4", "/posts/clips/a.mp4"),
        ("../a.mp4", "/posts/../a.mp4"),
        ("/srv/a.mp4", "/srv/a.mp4"),
        ("~/a.mp4", "/posts/~/a.mp4"),
        ("ä b.mp4", "/posts/ä b.mp4"),
    ] {
        let post = entry(&format!(r#"[{{"video_path": "{written}"}}]"#));
        assert_eq!(post.post.source, Source::File(PathBuf::from(meant).into()));
    }
}

#[test]
fn a_manifest_may_hold_no_posts() {
    assert_eq!(entries("[]"), []);
    assert_eq!(entries(r#"{"posts": []}"#), []);
}

#[test]
fn the_original_uploaders_manifest_is_taken_with_its_trailing_comma() {
    let posts = entries(
        r#"[
            {
                "user_id": "_000abc",
                "video_path": "videos/one.mp4",
                "description": "One",
                "tags": ["a", "b"],
            },
            {
                "user_id": "_000abc",
                "video_path": "videos/one.mp4",
                "description": "",
                "tags": []
            }, // the same file twice is not wrong
        ]"#,
    );
    assert_eq!(posts[0].post.caption.text, "One #a #b");
    assert!(posts[1].post.caption.is_empty());
    assert_eq!(posts[1].index, 1);
    assert_eq!(posts[1].user_at, Place { line: 9, column: 28 });
    assert_eq!(posts[1].source_at, Place { line: 10, column: 31 });
}

#[test]
fn a_byte_order_mark_is_no_column() {
    assert_eq!(entry("\u{feff}[{\"video_path\": \"a\"}]").source_at.column, 17);
}

#[test]
fn only_drafts_of_videos_lose_their_caption() {
    let loses = |fields: &str| entry(&format!("[{{{fields}}}]")).post.loses_caption();
    let (video, photo) = (r#""video_path": "a""#, r#""photo_urls": ["https://a.example/1"]"#);
    let (words, draft) = (r#""description": "a""#, r#""mode": "draft""#);
    assert!(loses(&format!("{video}, {words}, {draft}")));
    assert!(!loses(&format!("{video}, {draft}")));
    assert!(!loses(&format!("{video}, {words}")));
    assert!(!loses(&format!("{photo}, {words}, {draft}")));
}

#[test]
fn a_draft_says_which_of_its_own_settings_are_left_to_the_app() {
    let left = |source: &str, fields: &str| {
        let text = format!("[{{{source}, \"mode\": \"draft\", {fields}}}]");
        entry(&text).left_to_app
    };
    let (video, photo) =
        ("\"video_path\": \"a.mp4\"", "\"photo_urls\": [\"https://a.example/1.jpg\"]");
    let lost = |fields: &str| {
        format!(
            "TikTok takes no {fields} with this draft; set them in the TikTok app when the draft is finished"
        )
    };
    let all = "\"description\": \"Hi\", \"is_aigc\": true, \"brand_content_toggle\": true, \
               \"video_cover_timestamp_ms\": 0, \"disable_duet\": false";
    let names = "`video_cover_timestamp_ms`, `brand_content_toggle` and `is_aigc`";
    assert_eq!(left(video, all), Some(lost(names)));
    let all = "\"is_aigc\": true, \"disable_comment\": true, \"auto_add_music\": true";
    assert_eq!(left(photo, all), Some(lost("`auto_add_music` and `disable_comment`")));
    assert_eq!(left(photo, "\"is_aigc\": true, \"title\": \"Hi\""), None);
}

#[test]
fn a_default_that_a_draft_does_not_take_is_meant_for_other_posts() {
    let text = "{\"defaults\": {\"is_aigc\": true, \"privacy_level\": \"SELF_ONLY\"}, \
                \"posts\": [{\"video_path\": \"a.mp4\", \"mode\": \"draft\"}]}";
    assert_eq!(entry(text).left_to_app, None);
    let config = FieldValues::default().with(Field::IsAigc, FieldValue::Flag(true));
    let given = Defaults { config, ..Defaults::default() };
    let text = "[{\"video_path\": \"a.mp4\", \"mode\": \"draft\"}]";
    assert_eq!(read_with(text, &given).unwrap().entries[0].left_to_app, None);
}
