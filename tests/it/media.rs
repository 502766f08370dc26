//! Videos as cameras, downloads and editors leave them: what TikTok takes is posted, what it does not take
//! is refused with a word for it, and the user has the last word.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{ADA, Ran, World};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The fixture with every `from` replaced by `to` of the same length.
fn patched(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = fixture(name);
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "no {from:?} in {name}");
    bytes
}

/// A video whose sound lasts 1022 s by its own tables, whatever the header says.
fn long() -> Vec<u8> {
    // Without edits, which would say what is shown of it.
    let mut bytes = patched("fast-start.mp4", b"edts", b"free");
    let sound = bytes.windows(4).rposition(|name| name == b"mdhd").unwrap();
    // Ticks a second, behind the version and two times.
    let scale = sound + 16;
    assert_eq!(bytes[scale..scale + 4], 44_100_u32.to_be_bytes());
    bytes[scale..scale + 4].copy_from_slice(&44_u32.to_be_bytes());
    bytes
}

/// The one post of a run with `--json`.
#[track_caller]
fn post(ran: &Ran) -> Value {
    let mut posts = ran.json();
    posts.retain(|line| line["event"] == "post");
    let [post] = posts.as_slice() else { panic!("{posts:#?}") };
    post.clone()
}

#[test]
fn what_is_around_a_whole_video_does_not_matter() {
    let world = World::logged_in();
    let videos = [
        ("tagged.mp4", [fixture("fast-start.mp4"), b"TAGTitle of the song".to_vec()].concat()),
        (
            "text.mov",
            [fixture("landscape.mov"), b"\r\n-- sent by a proxy --\r\n".to_vec()].concat(),
        ),
        ("crlf.webm", [fixture("live.webm"), b"\r\n".to_vec()].concat()),
        ("matroska.webm", patched("vp9.webm", b"\x42\x82\x84webm", b"\x42\x82\x84\0\0\0\0")),
        ("unsized.mp4", {
            let mut bytes = fixture("fast-start.mp4");
            let content = bytes.windows(4).rposition(|name| name == b"mdat").unwrap();
            bytes[content - 2..content].copy_from_slice(&[0xff; 2]);
            bytes
        }),
    ];
    let posts: Vec<_> = videos
        .iter()
        .map(|(name, bytes)| {
            world.file(name, bytes);
            json!({ "video_path": name })
        })
        .collect();
    world.run(&["upload", &world.manifest(&json!(posts))]).exits(0).says(
        "warning: matroska.webm: the file calls itself Matroska, although it is a WebM by what it holds",
    );
    assert_eq!(world.published(), videos.len());
}

#[test]
fn what_precedes_a_video_is_a_warning() {
    let world = World::logged_in();
    let tag = [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130]].concat();
    world.file("id3.webm", [tag, fixture("vp9.webm")].concat());
    let dry = world.run(&["upload", "--dry-run", &world.one_post(ADA, "id3.webm")]).exits(0);
    dry.says("warning: id3.webm: an ID3 tag of 140 bytes stands before the video");
}

/// All of the pictures are there, so it may be whole; a copy that broke off there is not.
#[test]
fn a_last_box_that_is_not_whole_is_a_warning() {
    let world = World::logged_in();
    let cut = [&fixture("fast-start.mp4")[..], b"\0\0\x9c\x40uuid", &[7; 32]].concat();
    world.file("cut.mp4", cut);
    let dry = world.run(&["upload", "--dry-run", &world.one_post(ADA, "cut.mp4")]).exits(0);
    dry.says("cut.mp4: the file's last box is said to be 39960 bytes longer than the file");
}

#[test]
fn what_other_programs_cannot_read_is_refused_with_what_to_do() {
    let world = World::logged_in();
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let in_text_mode = |name: &str| -> Vec<u8> {
        let lines = |byte| if byte == b'\n' { vec![b'\r', byte] } else { vec![byte] };
        fixture(name).into_iter().flat_map(lines).collect()
    };
    let as_text = |name: &str| String::from_utf8_lossy(&fixture(name)).into_owned().into_bytes();
    for (name, bytes, said) in [
        (
            "http.mp4",
            [&head[..], &fixture("fast-start.mp4")].concat(),
            "19 bytes of something else (an HTTP head) stand before the video (take them away, or download",
        ),
        (
            "line.webm",
            [&b"\n"[..], &fixture("vp9.webm")].concat(),
            "1 byte of something else (white space) stands before the video (take them away, or download",
        ),
        (
            "text-mode.mp4",
            in_text_mode("moov-at-end.mp4"),
            "as by a transfer in text mode, or moved by a program that left its index as it was (copy it again in binary",
        ),
        (
            "text-mode.webm",
            in_text_mode("vp9.webm"),
            "as by a transfer in text mode, or moved by a program that left its index as it was (copy it again in binary",
        ),
        (
            "as-text.mp4",
            as_text("fast-start.mp4"),
            "changed as it was read and written as text (copy or download it again in binary)",
        ),
        (
            "as-text.webm",
            as_text("vp9.webm"),
            "changed as it was read and written as text (copy or download it again in binary)",
        ),
        (
            "tagged.mp4",
            [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130], &fixture("moov-at-end.mp4")].concat(),
            "140 bytes of something else (an ID3 tag) stand before the video (take them away, or download",
        ),
        (
            "mixed.mp4",
            patched("fast-start.mp4", b"avcC", b"hvcC"),
            "the file says h264 and carries the configuration of h265 (export it again",
        ),
        (
            "theora.ogv",
            [&b"OggS\0\x02"[..], &[0; 20], b"\x01\x2a\x80theora\x03\x02\x01", &[0; 32]].concat(),
            "this is an Ogg file (convert it to MP4 with H.264)",
        ),
    ] {
        world.file(name, bytes);
        let manifest = world.one_post(ADA, name);
        world.run(&["upload", &manifest]).exits(2).says(said);
        world.run(&["upload", "--dry-run", "--skip-media-check", &manifest]).exits(0);
    }
}

#[test]
fn what_nobody_sees_in_a_caption_is_seen_in_a_dry_run() {
    let world = World::logged_in();
    world.file("a.mp4", fixture("fast-start.mp4"));
    let caption = "a\u{200b}b\u{202e}c\u{feff} 👨‍👩‍👧 ❤️";
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4", "description": caption }]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    assert!(dry.stdout.contains("\"a\\u{200b}b\\u{202e}c\\u{feff} 👨‍👩‍👧 ❤️\""), "{dry:#?}");
}

#[test]
fn a_refusal_can_be_overruled_by_the_entry_or_by_the_flag() {
    let world = World::logged_in();
    world.file("slow.mp4", fixture("ten-fps.mp4"));
    world.file("text.mov", fixture("text.mp4"));
    let ada = world.open_id(ADA);
    let entry = |name: &str, skip: bool| json!({ "user_id": ada, "video_path": name, "skip_media_check": skip });
    let refused = world.manifest(&json!([entry("slow.mp4", false), entry("text.mov", false)]));
    world.run(&["upload", &refused]).exits(2).says("10.00 frames a second").says("this is text");
    // The flag has the last word.
    let dry = world.run(&["upload", "--dry-run", "--skip-media-check", &refused]).exits(0);
    dry.says("warning: slow.mp4: the video has 10.00 frames a second, and TikTok takes 23 to 60; it is sent all the same (`skip_media_check`)");
    assert!(world.posts().is_empty());
    let skipped = world.manifest(&json!([entry("slow.mp4", true), entry("text.mov", true)]));
    // What is no video at all, TikTok finds out.
    let ran = world.run(&["upload", &skipped]).exits(1);
    ran.says("warning: text.mov: not an MP4, MOV or WebM video").says("file_format_check_failed");
    assert_eq!(world.published(), 1);
}

/// The flag was given once: what was made with it keeps no later run from its work.
#[test]
fn what_was_overruled_once_is_not_refused_once_it_is_posted() {
    let world = World::logged_in();
    world.file("slow.mp4", fixture("ten-fps.mp4"));
    world.run(&["upload", "--skip-media-check", &world.one_post(ADA, "slow.mp4")]).exits(0);
    world.file("next.mp4", fixture("fast-start.mp4"));
    // Also under another name, and where its file was copied.
    world.file("again.mp4", fixture("ten-fps.mp4"));
    let ada = world.open_id(ADA);
    let entry =
        |name: &str| json!({ "user_id": ada, "video_path": name, "privacy_level": "SELF_ONLY" });
    let manifest =
        world.manifest(&json!([entry("slow.mp4"), entry("again.mp4"), entry("next.mp4")]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.never_says("10.00 frames a second");
    let ran = world.run(&["--quiet", "upload", &manifest]).exits(0);
    ran.never_says("slow.mp4").never_says("again.mp4");
    assert_eq!(world.published(), 2);
    // To be made once more it is looked at like any other.
    world.run(&["upload", "--repost", &manifest]).exits(2).says("10.00 frames a second");
    // It takes one `id` as it is; of two that it could take nobody has overruled one.
    let named = |id: &str| json!({ "user_id": ada, "video_path": "slow.mp4", "id": id });
    let both = world.manifest(&json!([named("one"), named("two")]));
    world.run(&["upload", &both]).exits(2).says("10.00 frames a second");
    let one = world.manifest(&json!([named("one")]));
    world.run(&["upload", "--dry-run", &one]).exits(0).says("1 skipped");
    world.run(&["upload", &one]).exits(0).says("1 skipped");
    world.run(&["upload", &world.manifest(&json!([named("two")]))]).exits(2);
    assert_eq!(world.published(), 2);
}

#[test]
fn what_was_overruled_when_it_was_begun_is_gone_on_with() {
    let world = World::logged_in();
    world.file("slow.mp4", fixture("ten-fps.mp4"));
    let manifest = world.one_post(ADA, "slow.mp4");
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "drop": "before" } }));
    world.run(&["upload", "--skip-media-check", &manifest]).exits(5);
    world.let_go();
    world.run(&["upload", &manifest]).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn how_a_refusal_is_overruled_is_said_once() {
    let world = World::logged_in();
    for name in ["a.mp4", "b.mp4"] {
        world.file(name, fixture("ten-fps.mp4"));
    }
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4" }, { "video_path": "b.mp4" }]));
    let ran = world.run(&["upload", &manifest]).exits(2);
    let ran = ran.says("\n  `--skip-media-check`, or `skip_media_check` in its entry, sends a video whatever is found");
    assert_eq!(ran.stderr.matches("--skip-media-check").count(), 1, "{ran:#?}");
    // Whichever comes first, and only what somebody may know better.
    world.file("b.mp4", patched("fast-start.mp4", b"avc1\0\0\0\0", b"encv\0\0\0\0"));
    let ran = world.run(&["upload", &manifest]).exits(2);
    ran.says("\n  `--skip-media-check`, or `skip_media_check` in its entry, sends a video whatever is found");
    world.file("a.mp4", fixture("small.mp4"));
    let one = world.one_post(ADA, "a.mp4");
    world.run(&["upload", &one]).exits(2).says("in its entry, sends a video");
    world.run(&["upload", &world.one_post(ADA, "b.mp4")]).exits(2).never_says("--skip-media-check");
}

#[test]
fn photos_have_no_media_check_to_skip() {
    let world = World::logged_in();
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
        "photo_urls": ["https://verified.example/1.jpg"], "skip_media_check": true }]));
    world
        .run(&["upload", &manifest])
        .exits(2)
        .says("skip_media_check")
        .says("only videos have this");
}

#[test]
fn what_was_measured_is_shown() {
    let world = World::logged_in();
    world.file("a.mp4", fixture("fast-start.mp4"));
    let manifest = world.one_post(ADA, "a.mp4");
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    assert!(dry.stdout.contains("; 0:01, 360x640, 30 fps, h264)"), "{dry:#?}");
    let measured = json!({ "container": "mp4", "duration": 1.022, "width": 360, "height": 640,
        "frame_rate": 30.0, "variable_frame_rate": false, "codec": "h264" });
    let dry = post(&world.run(&["upload", "--dry-run", "--json", &manifest]).exits(0));
    assert_eq!((&dry["media"], &dry["warnings"]), (&measured, &Value::Null));
    let ran = post(&world.run(&["upload", "--json", &manifest]).exits(0));
    assert_eq!((&ran["media"], &ran["state"]), (&measured, &json!("published")));
}

#[test]
fn every_warning_is_in_the_json_too() {
    let world = World::logged_in();
    world.file("a.mp4", fixture("ten-fps.mp4"));
    let manifest = world.one_post(ADA, "a.mp4");
    let args = ["upload", "--json", "--skip-media-check", &manifest];
    let warnings = &post(&world.run(&args).exits(0))["warnings"];
    let [warning] = warnings.as_array().unwrap().as_slice() else { panic!("{warnings}") };
    assert!(warning.as_str().unwrap().starts_with("the video has 10.00 frames a second"));
}

#[test]
fn the_creators_own_limit_decides_how_long_a_direct_post_may_be() {
    let world = World::logged_in();
    world.file("long.mp4", long());
    let manifest = world.one_post(ADA, "long.mp4");
    world.account(ADA, &json!({ "max_video_post_duration_sec": 600 }));
    let ran = world.run(&["upload", &manifest]).exits(1);
    ran.says("warning: long.mp4: the video lasts 17:").says("this creator may post up to 600 s");
    assert_eq!(world.inits(), 0);
    // Whoever knows better can say so.
    let dry =
        world.run(&["upload", "--dry-run", "--json", "--skip-media-check", &manifest]).exits(0);
    let warnings = post(&dry)["warnings"].to_string();
    assert!(warnings.contains("up to 600 s; it is sent all the same"), "{warnings}");
    world.account(ADA, &json!({ "max_video_post_duration_sec": 3600 }));
    world.run(&["upload", &manifest]).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn a_draft_lasts_ten_minutes_at_most() {
    let world = World::logged_in();
    world.file("long.mp4", long());
    world.account(ADA, &json!({ "max_video_post_duration_sec": 3600 }));
    let manifest = world.one_post(ADA, "long.mp4");
    world.run(&["upload", "--draft", &manifest]).exits(2).says("and 10:00 may be posted");
    world.run(&["upload", "--draft", "--skip-media-check", &manifest]).exits(0);
}

#[test]
fn what_is_no_video_is_called_what_it_is() {
    let world = World::logged_in();
    let segment = {
        let whole = fixture("fragmented.mp4");
        let at = whole.windows(4).position(|name| name == b"moof").unwrap() - 4;
        whole[at..].to_vec()
    };
    let protected = patched("fast-start.mp4", b"avc1\0\0\0\0", b"encv\0\0\0\0");
    for (bytes, said, hint) in [
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), "a JPEG picture", "photo_urls"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "a PNG picture", "photo_urls"),
        (b"GIF89a\x01\0\x01\0".to_vec(), "a GIF", "photo_urls"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec(), "an AVIF picture", "photo_urls"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), "a HEIC picture", "photo_urls"),
        (b"PK\x03\x04\x14\0\0\0".to_vec(), "a ZIP archive", "unpack it"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>".to_vec(), "a web page", "server sent this"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".to_vec(),
            "a Git LFS pointer",
            "git lfs pull",
        ),
        (segment, "a segment of a stream, without its `moov`", "beginning"),
        (protected, "encrypted (DRM)", "without protection"),
    ] {
        world.file("a.mp4", bytes);
        let ran = world.run(&["upload", &world.one_post(ADA, "a.mp4")]).exits(2);
        ran.says(said).says(hint);
    }
    world.file("empty.mp4", "");
    world.run(&["upload", &world.one_post(ADA, "empty.mp4")]).exits(2).says("the file is empty");
}

#[test]
fn a_download_that_was_cut_off_in_a_file_of_full_length_is_refused() {
    let world = World::logged_in();
    let mut bytes = fixture("fast-start.mp4");
    let content = bytes.windows(4).rposition(|name| name == b"mdat").unwrap() + 4;
    let third = (bytes.len() - content) / 3;
    bytes[content + third..].fill(0);
    world.file("cut.mp4", &bytes);
    let manifest = world.one_post(ADA, "cut.mp4");
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(2);
    ran.says("cut.mp4`: there are only zeros where pictures should be, at byte ")
        .says("repeat the download");
    let dry = world.run(&["upload", "--dry-run", "--skip-media-check", &manifest]).exits(0);
    dry.says("only zeros").says("sent all the same");
}

#[test]
fn a_second_video_behind_the_first_is_a_warning() {
    let world = World::logged_in();
    let joined = [fixture("fast-start.mp4"), fixture("moov-at-end.mp4")].concat();
    world.file("joined.mp4", joined);
    let manifest = world.one_post(ADA, "joined.mp4");
    let said = "joined.mp4: a second video begins after ";
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says(said).says("only the first");
    world.run(&["upload", &manifest]).exits(0).says(said);
}

#[test]
fn a_file_whose_beginning_was_never_written_is_called_so() {
    let world = World::logged_in();
    let mut bytes = fixture("fast-start.mp4");
    for zeros in [20, 600] {
        bytes[..zeros].fill(0);
        world.file("headless.mp4", &bytes);
        let ran = world.run(&["upload", &world.one_post(ADA, "headless.mp4")]).exits(2);
        ran.says("this is a file that begins with zeros, and not with what it should")
            .says("repeat the download")
            .never_says("nothing but zeros");
    }
}

#[test]
fn gigabytes_behind_the_end_of_a_video_are_told() {
    let world = World::logged_in();
    world.file("padded.mp4", fixture("fast-start.mp4"));
    let grow = |length: u64| {
        let path = world.path("padded.mp4");
        fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
    };
    let manifest = world.one_post(ADA, "padded.mp4");
    grow(3_000_000_000);
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.says("warning: padded.mp4: the video ends after ")
        .says(" kB, and 3.00 GB of zeros lie behind its end");
    grow(5_000_000_000);
    let ran = world.run(&["upload", "--skip-media-check", &manifest]).exits(2);
    ran.says("5.00 GB of zeros lie behind its end")
        .says("repeat the download")
        .never_says("bit rate");
}

#[test]
fn a_draft_names_the_settings_that_it_goes_without() {
    let world = World::logged_in();
    world.file("a.mp4", fixture("fast-start.mp4"));
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4", "is_aigc": true }
    ]));
    let said = "TikTok takes no `is_aigc` with this draft; set it in the TikTok app";
    world.run(&["upload", "--dry-run", &manifest]).exits(0).never_says(said);
    world.run(&["upload", "--dry-run", "--draft", &manifest]).exits(0).says(said);
    let ran = world.run(&["upload", "--draft", "--json", &manifest]).exits(0);
    assert!(post(&ran)["warnings"].to_string().contains(said), "{ran:#?}");
}

#[test]
fn a_photo_that_is_named_like_another_format_is_a_warning() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "photo_urls":
            ["https://verified.example/1.jpg", "https://verified.example/2.png?sig=secret"] },
        { "user_id": ada, "video_url": "https://verified.example/a.mkv" },
    ]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.says("photo 2 ends in `.png`: TikTok takes photos as JPEG or WebP")
        .says("the address ends in `.mkv`: TikTok takes videos as MP4, MOV or WebM")
        .never_says("secret");
    let posts = world.run(&["upload", "--json", &manifest]).exits(0).json();
    assert!(posts[0]["warnings"][0].as_str().unwrap().contains("`.png`"), "{posts:#?}");
}

#[test]
fn what_a_pointer_stands_for_is_fetched_by_the_same_command_wherever_it_is_found() {
    let world = World::logged_in();
    for (pointer, command) in [
        (
            &b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"[..],
            "git lfs pull",
        ),
        (b"/annex/objects/SHA256E-s1--00.mp4\n", "git annex get"),
    ] {
        world.file("a.mp4", pointer);
        let hint = format!("it stands for a file that is elsewhere: fetch that with `{command}`");
        let of_video = world.run(&["upload", &world.one_post(ADA, "a.mp4")]).exits(2);
        let manifest = world.file("manifest.json", pointer);
        let of_manifest = world.run(&["upload", manifest.to_str().unwrap()]).exits(2);
        for ran in [of_video, of_manifest] {
            assert_eq!(ran.stderr.matches(&hint).count(), 1, "{ran:#?}");
        }
    }
}
