//! A post written as a manifest has it, for whoever keeps it until it is made.

use std::path::absolute;

use serde_json::{Map, Value, json};

use crate::model::{Field, Location, Post, Source, Transport};

/// The entry of a post that leaves nothing to a default: read where nothing else is given, it is the same post again.
/// Its account is called `user`, its time is `publish_at` also where a slot gave it, and a path is absolute. `None`: a
/// path that no manifest can hold, as it is no UTF-8.
pub(crate) fn written(post: &Post, user: &str) -> Option<Map<String, Value>> {
    let mut fields = vec![(Field::UserId, json!(user)), (Field::Mode, json!(post.mode.as_str()))];
    fields.extend(source(&post.source)?);
    let text = |text: &str| Some(json!(text)).filter(|_| !text.is_empty());
    let flag = |on: bool| on.then_some(json!(true));
    let more = [
        (Field::Id, post.id.as_ref().map(|id| json!(id))),
        (Field::Title, post.caption.title.as_deref().map(|title| json!(title))),
        (Field::Description, text(&post.caption.text)),
        (Field::PrivacyLevel, post.privacy.map(|level| json!(level.as_str()))),
        (Field::DisableComment, post.disable_comment.map(|on| json!(on))),
        (Field::DisableDuet, post.disable_duet.map(|on| json!(on))),
        (Field::DisableStitch, post.disable_stitch.map(|on| json!(on))),
        (Field::VideoCoverTimestampMs, post.cover_timestamp_ms.map(|at| json!(at))),
        (Field::BrandContentToggle, flag(post.brand_content)),
        (Field::BrandOrganicToggle, flag(post.brand_organic)),
        (Field::IsAigc, post.is_aigc.map(|on| json!(on))),
        (Field::AutoAddMusic, post.auto_add_music.map(|on| json!(on))),
        (Field::SkipMediaCheck, flag(post.skip_media_check)),
        (Field::PublishAt, post.publish_at.map(|at| json!(at.to_string()))),
    ];
    fields.extend(more.into_iter().filter_map(|(field, value)| Some((field, value?))));
    Some(fields.into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect())
}

fn source(source: &Source) -> Option<Vec<(Field, Value)>> {
    Some(match source {
        Source::File(Location::Path(path)) => {
            let path = absolute(path).unwrap_or_else(|_| path.clone());
            vec![(Field::VideoPath, json!(path.to_str()?))]
        }
        Source::File(Location::Object(object)) => {
            vec![(Field::VideoPath, json!(object.to_string()))]
        }
        Source::File(Location::Web(web)) => vec![
            (Field::VideoUrl, json!(web.expose())),
            (Field::Transfer, json!(Transport::Upload.as_str())),
        ],
        Source::Url(url) => vec![(Field::VideoUrl, json!(url))],
        Source::Photos { urls, cover_index } => {
            vec![(Field::PhotoUrls, json!(urls)), (Field::PhotoCoverIndex, json!(cover_index))]
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;
    use proptest::prelude::*;
    use tiktok_open::Privacy;

    use super::*;
    use crate::manifest::examine;
    use crate::model::{Caption, Defaults, Mode, ObjectAddress, WebAddress};

    fn sources() -> impl Strategy<Value = Source> {
        let object = ObjectAddress::of("s3://clips/a b/c.mp4").unwrap().unwrap();
        prop_oneof![
            Just(Source::File(Location::Path("/videos/a \"b\".mp4".into()))),
            // A build that can read none refuses it.
            Just(Source::File(if cfg!(feature = "cloud") {
                Location::Object(object)
            } else {
                Location::Path("/videos/b.mp4".into())
            })),
            Just(Source::File(Location::Web(WebAddress::new(
                "https://cdn.example.com/a.mp4?X-Amz-Signature=abc"
            )))),
            Just(Source::Url("https://example.com/a.mp4".to_owned())),
            Just(Source::Photos {
                urls: ["a", "b"].map(|it| format!("https://example.com/{it}.jpg")).to_vec(),
                cover_index: 1
            }),
        ]
    }

    prop_compose! {
        fn posts()(
            source in sources(),
            title in prop::option::of("[a-z {}\"\\\\]{1,20}"),
            text in "[ a-z#{}\n\"\\\\äß]{0,40}",
            draft in any::<bool>(),
            level in prop::option::of(prop_oneof![Just(Privacy::SelfOnly), Just(Privacy::Public)]),
            flags in prop::array::uniform5(prop::option::of(any::<bool>())),
            brand in any::<[bool; 2]>(),
            skip_media_check in any::<bool>(),
            cover in prop::option::of(0_i32..10_000),
            at in prop::option::of(1_700_000_000_i64..1_900_000_000),
            id in prop::option::of("[a-z0-9]{1,12}"),
        ) -> Post {
            let is_photos = matches!(source, Source::Photos { .. });
            let is_video = !is_photos;
            let is_private = level.is_none_or(|level| level == Privacy::SelfOnly);
            let [comment, duet, stitch, aigc, music] = flags;
            Post {
                id,
                source,
                caption: Caption { title: title.filter(|_| is_photos), text },
                mode: if draft { Mode::Draft } else { Mode::Direct },
                privacy: level,
                disable_comment: comment,
                disable_duet: duet.filter(|_| is_video),
                disable_stitch: stitch.filter(|_| is_video),
                cover_timestamp_ms: cover.filter(|_| is_video),
                brand_content: brand[0] && !is_private,
                brand_organic: brand[1],
                is_aigc: aigc.filter(|_| is_video),
                auto_add_music: music.filter(|_| is_photos),
                skip_media_check: skip_media_check && is_video,
                publish_at: at.map(|at| Timestamp::from_second(at).unwrap()),
                slot: None,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_post(post in posts()) {
            let entry = written(&post, "ada").unwrap();
            let text = Value::Array(vec![Value::Object(entry)]).to_string();
            let (manifest, faults) =
                examine(text.as_bytes(), Path::new("/elsewhere"), &Defaults::default());
            prop_assert!(faults.is_empty(), "{faults}\n{text}");
            let [read] = &manifest.entries[..] else { panic!("{text}") };
            prop_assert_eq!(read.user.as_deref(), Some("ada"));
            prop_assert_eq!(&read.post, &post, "{}", text);
        }
    }
}
