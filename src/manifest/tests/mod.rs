//! What the whole of a manifest means, and what is said of a wrong one.

mod defaults;
mod meaning;
mod refusals;
mod schema;
mod slips;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;
use tiktok_open::Privacy;

use super::*;
use crate::model::{
    Caption, Defaults, Diagnostics, Field, FieldValue, FieldValues, Mode, Part, Place, Post,
    Source, caption,
};

/// The posts of a manifest that is right, or what is wrong.
fn read(text: &[u8], folder: &Path, given: &Defaults) -> Result<Manifest, Diagnostics> {
    let (manifest, problems) = examine(text, folder, given);
    if problems.is_empty() { Ok(manifest) } else { Err(problems) }
}

fn read_with(text: &str, given: &Defaults) -> Result<Manifest, Diagnostics> {
    read(text.as_bytes(), Path::new("/posts"), given)
}

/// The posts of a manifest that is right.
#[track_caller]
fn entries(text: &str) -> Vec<Entry> {
    read_with(text, &Defaults::default()).unwrap_or_else(|problems| panic!("{problems}")).entries
}

/// The only post of a manifest that is right.
#[track_caller]
fn entry(text: &str) -> Entry {
    let [entry] = <[Entry; 1]>::try_from(entries(text)).unwrap();
    entry
}

/// What is said of a manifest that is wrong, a line each.
#[track_caller]
fn said(text: &str) -> Vec<String> {
    let problems = read_with(text, &Defaults::default()).expect_err(text);
    problems.to_string().lines().map(str::to_owned).collect()
}

/// What is said of one post of a video with these other fields.
#[track_caller]
fn said_of_video(fields: &str) -> Vec<String> {
    said(&format!("[{{\"video_path\": \"a.mp4\", {fields}}}]"))
}

/// What is said of one post of a photo with these other fields.
#[track_caller]
fn said_of_photo(fields: &str) -> Vec<String> {
    said(&format!("[{{\"photo_urls\": [\"https://a.example/1.jpg\"], {fields}}}]"))
}

#[test]
fn the_example_is_right() {
    let example = include_str!("../../../videos_to_upload.example.json");
    let posts = entries(example);
    assert!(posts.len() > 1);
    assert!(example.contains("//"));
    // Every field of a video from here.
    let fields = Field::ALL.iter().filter(|field| !field.is_for_photos());
    for field in fields.filter(|field| ![Field::VideoUrl, Field::Transfer].contains(field)) {
        assert!(example.contains(&format!("\"{}\"", field.name())), "it lacks {field:?}");
    }
    // Rid of its comments it still has the trailing comma that strict readers choke on.
    assert!(serde_json::from_str::<serde_json::Value>(example).is_err());
}

#[test]
fn a_long_manifest_is_read_in_no_time() {
    let post =
        r#"{"user_id": "shop", "video_path": "a.mp4", "description": "Hi", "tags": ["a", "b"]},"#;
    let count = MAX_SIZE / 4 / post.len();
    let text = format!("[{}]", post.repeat(count));
    let begun = std::time::Instant::now();
    assert_eq!(entries(&text).len(), count);
    // One enormous line: a quadratic search for places would take far longer.
    assert!(begun.elapsed() < std::time::Duration::from_mins(1));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, Path::new("/"), &Defaults::default());
    }

    #[test]
    fn no_change_of_one_byte_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = include_bytes!("../../../videos_to_upload.example.json").to_vec();
        let at = at.index(text.len());
        text[at] = byte;
        let _ = read(&text, Path::new("/"), &Defaults::default());
        text.truncate(at);
        let _ = read(&text, Path::new("/"), &Defaults::default());
    }

    #[test]
    fn every_mix_of_fields_and_types_is_taken_or_refused_with_a_place(
        fields in prop::collection::vec(
            (prop::sample::select(Field::ALL), any_value()),
            0..6,
        ),
    ) {
        let post: serde_json::Map<String, serde_json::Value> =
            fields.into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect();
        let text = serde_json::Value::Array(vec![post.into()]).to_string();
        if let Err(problems) = read(text.as_bytes(), Path::new("/"), &Defaults::default()) {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                prop_assert_eq!(problem.line, 1);
                prop_assert!((2..=text.chars().count()).contains(&problem.column));
                prop_assert_eq!(problem.part, Part::Post(0));
            }
        }
    }

    #[test]
    fn what_was_written_is_what_is_read(
        user in "[a-z_]{1,12}",
        path in "[a-zä猫/. ]{1,20}",
        description in "[^\\p{C}]{0,60}",
        tags in prop::collection::vec("[a-z猫😀]{1,8}", 0..5),
        privacy in prop::sample::select(Privacy::ALL.to_vec()),
        id in prop::option::of("[a-z0-9]{1,128}"),
    ) {
        let mut post = json!({
            "user_id": user, "video_path": path, "description": description, "tags": tags,
            "privacy_level": privacy,
        });
        if let Some(id) = &id {
            post["id"] = json!(id);
        }
        let read = entry(&json!([post]).to_string());
        let hashed: Vec<String> = tags.iter().map(|tag| format!("#{tag}")).collect();
        prop_assert_eq!(read.user, Some(user));
        prop_assert_eq!(read.post.source, Source::File(Path::new("/posts").join(path).into()));
        prop_assert_eq!(read.post.caption.text, caption::text(&description, &hashed));
        prop_assert_eq!(read.post.privacy, Some(privacy));
        prop_assert_eq!(read.post.id, id);
    }
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        any::<f64>().prop_map(|it| json!(it)),
        ".{0,12}".prop_map(|it| json!(it)),
        prop::sample::select(vec![
            "draft",
            "SELF_ONLY",
            "https://a.example/b",
            "2026-12-01T18:00:00Z"
        ])
        .prop_map(|it| json!(it)),
        prop::collection::vec(".{0,6}", 0..4).prop_map(|it| json!(it)),
        Just(json!({"a": [1]})),
    ]
}
