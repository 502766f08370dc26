//! `post`: posts without a manifest, by the same table of fields.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::world::{ADA, Ran, World};

/// `post` in the folder of the videos.
fn post(world: &World, args: &[&str]) -> Command {
    let mut command = world.command(&[&["post"], args].concat());
    command.current_dir(world.path("."));
    command
}

fn ran(world: &World, args: &[&str]) -> Ran {
    Ran::of(post(world, args))
}

#[test]
fn a_video_is_posted_once_with_all_that_the_options_say() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "private": false }));
    world.video("clip.mp4", 100_001);
    let args = [
        "clip.mp4",
        "--caption",
        "Two cats",
        "--tag",
        "cats",
        "--tag",
        "#boxes",
        "--privacy",
        "SELF_ONLY",
        "--cover",
        "500",
        "--disable-comment",
        "--disable-duet",
        "--disable-stitch",
        "--brand-organic",
        "--aigc",
        "--id",
        "cats-1",
    ];
    let dry = ran(&world, &[&args[..], &["--dry-run"]].concat()).exits(0).says("1 planned");
    dry.says("caption \"Two cats #cats #boxes\"");
    assert_eq!(world.inits(), 0);
    ran(&world, &args).exits(0).says("1 published");
    ran(&world, &args).exits(0).says("1 skipped");
    assert_eq!((world.inits(), world.published()), (1, 1));
    let posted = &world.posts()[0];
    assert_eq!(posted.title, "Two cats #cats #boxes");
    assert_eq!(format!("{:?}", posted.privacy.unwrap()), "SelfOnly");
}

#[test]
fn each_file_is_a_post_with_the_words_of_its_sidecar() {
    let world = World::logged_in();
    for (n, name) in (0..).zip(["a", "b", "c", "d"]) {
        world.video(&format!("{name}.mp4"), 100_000 + n);
    }
    world.file("a.txt", "\u{feff}Of a text\r\nof two lines\n");
    world.file("b.md", "---\ntags: [one, 'two']\nis_aigc: true\n---\n\nOf Markdown\n");
    world.file("c.json", r#"{ "description": "Of JSON", "mode": "draft" }"#);
    let files = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"];
    let dry = ran(&world, &[&files[..], &["--dry-run"]].concat()).exits(0).says("4 planned");
    let dry =
        dry.says("\"Of a text\\nof two lines\"").says("\"Of Markdown #one #two\"").says("draft");
    assert_eq!(dry.stdout.matches("caption").count(), 2, "{dry:#?}");
    ran(&world, &files).exits(0).says("3 published, 1 in inbox");
    // What the command line says counts.
    world.video("a.mp4", 100_009);
    let args = ["a.mp4", "--caption", "Of the command line", "--dry-run"];
    ran(&world, &args).exits(0).says("\"Of the command line\"");
    ran(&world, &["a.mp4", "--no-sidecar", "--dry-run"]).exits(0).never_says("Of a text");
    // Nobody sees more than either of them says.
    world.account(ADA, &json!({ "private": false }));
    for (own, option, level) in [
        ("SELF_ONLY", "PUBLIC_TO_EVERYONE", "SELF_ONLY"),
        ("PUBLIC_TO_EVERYONE", "SELF_ONLY", "SELF_ONLY"),
        ("PUBLIC_TO_EVERYONE", "PUBLIC_TO_EVERYONE", "PUBLIC_TO_EVERYONE"),
    ] {
        world.file("c.json", json!({ "privacy_level": own }).to_string());
        let dry = ran(&world, &["c.mp4", "--id", level, "--privacy", option, "--dry-run"]);
        assert!(dry.exits(0).stdout.contains(level), "{own} {option}");
    }
}

/// What turns the direction of writing would make it another name.
#[test]
fn a_name_is_shown_as_it_is_written() {
    let world = World::logged_in();
    world.video("a\u{202e}4pm.mp4", 100_001);
    world.video("-dash.mp4", 100_002);
    let said = ran(&world, &["-dash.mp4"]).exits(2).says("unexpected argument");
    said.says("the file of that name is ./-dash.mp4");
    ran(&world, &["-none.mp4"]).exits(2).never_says("the file of that name");
    let said = ran(&world, &["a\u{202e}4pm.mp4", "./-dash.mp4"]).exits(0).says("a\\u{202e}4pm.mp4");
    said.never_says("a4pm.mp4");
    world.video("b\u{200b}.mp4", 100_003);
    ran(&world, &["b\u{200b}.mp4"]).exits(0);
    let said = world.run(&["status", "--all"]).says("a\\u{202e}4pm.mp4").never_says("a4pm.mp4");
    let starts: Vec<_> = said.stdout.lines().map(|line| line.find("published")).skip(1).collect();
    assert!(starts.iter().all(|at| at.is_some() && *at == starts[0]), "{said:#?}");
    assert_eq!(world.published(), 3);
}

#[test]
fn a_video_is_not_its_own_sidecar() {
    let world = World::logged_in();
    let video = world.video("a.mp4", 100_000);
    std::fs::rename(video, world.path("a.txt")).unwrap();
    let ran = ran(&world, &["a.txt", "--dry-run"]).exits(0);
    ran.says("planned").never_says("sidecar");
}

#[test]
fn what_is_wrong_is_said_of_the_option_or_the_sidecar_and_nothing_is_sent() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    world.file("a.md", "---\nprivcy: SELF_ONLY\n---\nwords");
    let said = ran(&world, &["a.mp4", "b.mp4", "gone.mp4", "--at", "tomorrow", "--account", "bo"]);
    let said = said.exits(2).says("the command line has 4 problems").says("`--at`: ");
    let said = said.says("`a.md`: field `privcy`: no such field").says("`--account`: no account");
    let said = said.says("`gone.mp4`: there is no such file").never_says("line 1");
    assert_eq!(said.stderr.matches("`--at`").count(), 1, "{said:#?}");
    let long = "x".repeat(2201);
    ran(&world, &["b.mp4", "--caption", &long]).exits(2).says("`--caption`: the caption has 2201");
    world.file("b.txt", "one");
    world.file("b.json", "{}");
    ran(&world, &["b.mp4"]).exits(2).says("keep one of them").says("--no-sidecar");
    fs::remove_file(world.path("b.txt")).unwrap();
    for (json, words) in [
        ("{", "never closed"),
        ("[]", "must be an object"),
        ("{\"video_path\": \"a.mp4\"}", "take `video_path` out of it"),
        ("{\"tags\": [], \"tags\": []}", "`tags` is given twice"),
    ] {
        world.file("b.json", json);
        ran(&world, &["b.mp4"]).exits(2).says("b.json").says(words);
    }
    fs::remove_file(world.path("b.json")).unwrap();
    for (words, said) in [
        (&b"---\nprivacy_level: SELF_ONLY\nhello"[..], "the second line `---` is missing"),
        (b"one\ntwo \xff", "line 2 holds a byte (0xff) that is not UTF-8"),
        (b"\xff\xfeh\0i\0", "it is UTF-16: save it as UTF-8"),
    ] {
        world.file("b.md", words);
        ran(&world, &["b.mp4"]).exits(2).says("b.md").says(said);
    }
    fs::remove_file(world.path("b.md")).unwrap();
    // One that cannot be read may say who is to see the post.
    fs::create_dir(world.path("b.json")).unwrap();
    ran(&world, &["b.mp4"]).exits(2).says("this sidecar cannot be read");
    fs::remove_dir(world.path("b.json")).unwrap();
    world.file("b.TXT", "x".repeat(2201));
    ran(&world, &["b.mp4"]).exits(2).says("b.TXT").says("the caption has 2201");
    fs::remove_file(world.path("b.TXT")).unwrap();
    let bad = ran(&world, &["b.mp4", "a.mp4", "--account", "bo"]).exits(2);
    bad.says("`a.md`: field `privcy`").says("`--account`: no account");
    let two = ran(&world, &["a.mp4", "b.mp4", "--id", "x"]).exits(2);
    two.says("`--id` names one post").never_says("line 1");
    // A login that is missing is told as such.
    ran(&world, &["b.mp4", "--no-sidecar", "--account", "bo"]).exits(3);
    for args in [&[][..], &["b.mp4", "--url", "https://media.example.com/a.mp4"]] {
        ran(&world, args).exits(2);
    }
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_caption_may_come_from_a_file_or_standard_input() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.file("words.txt", "From a file\n");
    let args = ["a.mp4", "--caption-file", "words.txt", "--dry-run"];
    ran(&world, &args).exits(0).says("\"From a file\"");
    let file = world.file("stdin.txt", "From a pipe\n");
    let mut command = post(&world, &["a.mp4", "--caption-file", "-", "--dry-run"]);
    command.stdin(Stdio::from(fs::File::open(file).unwrap()));
    Ran::of(command).exits(0).says("\"From a pipe\"");
    ran(&world, &["a.mp4", "--caption-file", "gone.txt"])
        .exits(2)
        .says("gone.txt")
        .never_says("manifest");
    assert_eq!(world.inits(), 0);
}

#[test]
fn addresses_are_posted_too() {
    let world = World::logged_in();
    let url = "https://media.example.com/clip.mp4";
    ran(&world, &["--url", url, "--dry-run"]).exits(0).says("1 planned");
    let photos = ["--photo", "https://media.example.com/1.jpg", "--photo"];
    let photos = [&photos[..], &["https://media.example.com/2.jpg", "--title", "Two"]].concat();
    let cover = [&photos[..], &["--cover-photo", "1", "--auto-add-music", "--dry-run"]].concat();
    ran(&world, &cover).exits(0).says("2 photos");
    let cover = [&photos[..], &["--cover-photo", "2"]].concat();
    ran(&world, &cover).exits(2).says("`--cover-photo`: there is no photo 2");
    assert_eq!(world.inits(), 0);
}

/// TikTok keeps nothing for later, and no manifest does.
#[test]
fn a_post_for_later_waits_and_is_made_by_the_same_command() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_001);
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let at = at.round(jiff::Unit::Second).unwrap().to_string();
    let args = ["a.mp4", "--at", &at];
    ran(&world, &args).exits(0).says("1 deferred").says("run the same command again");
    world.advance(jiff::SignedDuration::from_hours(3));
    ran(&world, &args).exits(0).says("1 published");
}

#[test]
fn what_is_no_video_is_led_to_the_command_that_it_is_for() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.file("list.json", r#"[{ "video_path": "a.mp4" }]"#);
    fs::create_dir(world.path("clips")).unwrap();
    for (file, says) in [
        ("list.json", "`tiktok-up upload list.json`"),
        ("clips", "`tiktok-up upload clips`"),
        ("https://example.com/a.mp4", "`--url`"),
    ] {
        ran(&world, &[file]).exits(2).says(says).never_says("sidecar");
    }
    let missing = ran(&world, &["a.mp4", "--caption-file", "nope.txt"]).exits(2);
    missing.says("No such file").never_says("no-sidecar");
}

#[test]
fn a_sidecar_in_json_is_read_as_a_manifest_is() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.file("a.json", "{\n  // the caption\n  \"description\": \"Two cats\",\n}\n");
    ran(&world, &["a.mp4", "--dry-run"]).exits(0).says("\"Two cats\"");
    for (text, says) in [
        ("{\n  \"description\": \"x\"\n  \"tags\": [\"a\"]\n}", "line 2"),
        ("{ 'description': \"x\" }", "double quotes"),
        ("[]", "must be an object"),
        ("", "empty"),
        (r#"{ "mode": "draft", "mode": "direct" }"#, "`mode` is given twice"),
    ] {
        world.file("a.json", text);
        ran(&world, &["a.mp4"]).exits(2).says("a.json").says(says);
    }
}

#[test]
fn what_is_nearly_a_sidecar_is_named() {
    let world = World::logged_in();
    fs::create_dir(world.path("clips")).unwrap();
    for (n, name) in (0..).zip(["Trip", "p", "walk"]) {
        world.video(&format!("clips/{name}.mp4"), 100_000 + n);
    }
    world.file("clips/trip.txt", "Words");
    world.file("clips/p.mp4.txt", "Words");
    world.file("clips/walk.yaml", "description: x");
    world.file("clips/walk.txt", "Its words");
    // Each has its own.
    for (n, name) in (3..).zip(["Sun", "sun"]) {
        world.video(&format!("clips/{name}.mp4"), 100_000 + n);
        world.file(&format!("clips/{name}.txt"), format!("Of {name}"));
    }
    let clips = world.path("clips");
    let ran = world.run(&["upload", clips.to_str().unwrap(), "--dry-run"]).exits(0);
    for file in ["trip.txt", "p.mp4.txt", "walk.yaml"] {
        assert!(ran.stderr.contains(&format!("{file} is no sidecar of ")), "{file}: {ran:#?}");
    }
    assert_eq!(ran.stderr.matches("is no sidecar of").count(), 3, "{ran:#?}");
    assert!(!ran.stderr.contains("walk.txt is no") && ran.stdout.contains("Its words"), "{ran:#?}");
}

#[test]
fn what_is_wrong_with_an_option_is_said_in_options() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.file("latin.txt", b"caf\xe9");
    for (args, words) in [
        (["a.mp4", "--tag", "two words"], "give each tag a `--tag` of its own"),
        (["--no-sidecar", "--url", "a.mp4"], "a file on this machine goes into `FILE`"),
        (
            ["a.mp4", "--caption-file", "latin.txt"],
            "caption of `--caption-file`: line 1 holds a byte (0xe9) that is not UTF-8",
        ),
    ] {
        let ran = ran(&world, &args).exits(2).says(words);
        ran.never_says("--no-sidecar").never_says("`video_path`").never_says("write \"");
    }
}

/// It may be that of a video which was renamed, and which would go at once and to more people.
#[test]
fn a_sidecar_that_belongs_to_no_video_is_told_or_keeps_videos_from_being_posted() {
    let world = World::logged_in();
    fs::create_dir(world.path("clips")).unwrap();
    world.video("clips/clip.mp4", 100_001);
    world.file("clips/clip.md", "---\nprivacy_level: SELF_ONLY\nid: x\n---\nWords\n");
    let folder = world.path("clips").display().to_string();
    let upload = || world.run(&["upload", &folder, "--privacy", "MUTUAL_FOLLOW_FRIENDS"]);
    let renamed = || fs::rename(world.path("clips/clip.mp4"), world.path("clips/final.mp4"));
    world.run(&["upload", &folder, "--dry-run"]).exits(0).says("SELF_ONLY");
    renamed().unwrap();
    upload()
        .exits(2)
        .says("clip.md is no sidecar: no video here is called so")
        .says("call it as its video");
    let post = |more: &[&str]| ran(&world, &[&["clips/final.mp4", "--dry-run"], more].concat());
    post(&[]).exits(2).says("clip.md is no sidecar");
    post(&["--no-sidecar"]).exits(0);
    // Each video has its own: what is left of another one matters to none.
    world.file("clips/final.txt", "Its own");
    world.run(&["upload", &folder, "--dry-run"]).exits(0).says("Its own");
    fs::remove_file(world.path("clips/final.txt")).unwrap();
    // Words alone are told, of a whole folder.
    fs::rename(world.path("clips/clip.md"), world.path("clips/clip.txt")).unwrap();
    world.file("clips/clip.txt", "Words");
    world.run(&["upload", &folder, "--dry-run"]).exits(0).says("clip.txt is no sidecar");
    post(&[]).exits(0).never_says("clip.txt");
    fs::rename(world.path("clips/clip.txt"), world.path("clips/clip.json")).unwrap();
    upload()
        .exits(2)
        .says("clip.json")
        .says("a sidecar is called as its video is, and none is called so");
    assert_eq!(world.inits(), 0);
}

#[test]
fn words_and_fields_are_told_apart_wherever_they_come_from() {
    let world = World::logged_in();
    for (n, name) in (0..).zip(["a.mp4", "a.mov", "b.mp4"]) {
        world.video(name, 100_001 + n);
    }
    for fields in ["---\nprivacy_level: SELF_ONLY\n---\nHi", "{\"description\": \"x\"}"] {
        world.file("caption.txt", fields);
        let said = ran(&world, &["b.mp4", "--caption-file", "caption.txt"]).exits(2);
        said.says("it holds fields, which would be the caption").never_says("call it");
    }
    world.file("a.json", "{\"id\": \"z\"}");
    for words in ["a.json", "./a.json"] {
        ran(&world, &["a.mp4", words]).exits(2).says("is the sidecar of").says("leave it out");
    }
    ran(&world, &["a.mp4", "a.mov"]).exits(2).says("it lies beside two videos, which both have it");
    world.file("a.json", "{\"description\": \"z\"}");
    ran(&world, &["a.mp4", "a.mov", "--dry-run"])
        .exits(0)
        .says("a.json is the sidecar of 2 videos");
    fs::remove_file(world.path("a.json")).unwrap();
    world.file("a.md", "---\ndescription: one\n---\ntwo");
    ran(&world, &["a.mp4"]).exits(2).says("the text below them is the caption, too");
    assert_eq!(world.inits(), 0);
}

/// What is meant to say who may see a post is never passed over.
#[test]
fn a_sidecar_that_is_not_read_as_it_is_meant_keeps_its_video_from_being_posted() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let fields = "privacy_level: SELF_ONLY";
    for (name, text, words) in [
        (
            "a.md",
            format!("----\n{fields}\n---\nhey"),
            "stand: they are read between two lines `---`",
        ),
        ("a.txt", format!("---\n{fields}\n---\nhey"), "that is called .md"),
        ("a.txt", "privacy: SELF_ONLY\nmode: draft\n\nHello".to_owned(), "it holds fields"),
        ("a.md", "Hello\n---\nPrivacy level: private\n---".to_owned(), "it holds fields"),
        ("a.txt", "{\"privacy_level\": \"SELF_ONLY\"}".to_owned(), "call it .json"),
        ("a.txt", "user_id: shop\nhello".to_owned(), "it holds fields"),
        ("a.md", "publish_at: tomorrow 18:00\nhello".to_owned(), "it holds fields"),
        ("a.txt", "disable_comment: on".to_owned(), "it holds fields"),
        ("a.txt", "description: hello\ntags: a, b".to_owned(), "it holds fields"),
        ("a.md", "---\ntags: #cats #dogs\n---\n".to_owned(), "[\"cats\", \"dogs\"]"),
    ] {
        world.file(name, text);
        ran(&world, &["a.mp4", "--privacy", "MUTUAL_FOLLOW_FRIENDS"]).exits(2).says(words);
        fs::remove_file(world.path(name)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", world.path("a.json")).unwrap();
    ran(&world, &["a.mp4"])
        .exits(2)
        .says("a.json")
        .says("a symbolic link to nowhere, which is not there");
    fs::remove_file(world.path("a.json")).unwrap();
    world.file("a.md", format!("\n--- \n{fields}\n---\nhey"));
    ran(&world, &["a.mp4", "--privacy", "MUTUAL_FOLLOW_FRIENDS", "--dry-run"])
        .exits(0)
        .says("SELF_ONLY");
    assert_eq!(world.inits(), 0);
    for caption in ["-5 degrees outside", "- a list"] {
        let dry = ran(&world, &["a.mp4", "--no-sidecar", "--caption", caption, "--dry-run"]);
        dry.exits(0).says(&format!("caption \"{caption}\""));
    }
    for written in ["\u{2014}caption", "\u{2013}-caption"] {
        ran(&world, &[written, "x"]).exits(2).says("an option is written `--caption`");
    }
}

#[test]
fn a_sidecar_of_nearly_the_same_name_is_told() {
    let world = World::logged_in();
    world.video("caf\u{e9}.mp4", 100_001);
    for near in ["cafe\u{301}.md", "caf\u{e9} .txt", "caf\u{e9}.txt.txt", "caf\u{e9} (1).txt"] {
        world.file(near, "hey");
        ran(&world, &["caf\u{e9}.mp4", "--dry-run"])
            .exits(0)
            .says("is no sidecar of caf\u{e9}.mp4");
        fs::remove_file(world.path(near)).unwrap();
    }
    fs::create_dir(world.path("clips")).unwrap();
    world.video("clips/a.mp4", 100_001);
    world.file("clips/A.json", "{}");
    let clips = world.path("clips");
    world.run(&["upload", clips.to_str().unwrap()]).exits(2).says("A.json is no sidecar of a.mp4");
    fs::rename(world.path("clips/A.json"), world.path("clips/package.json")).unwrap();
    world.run(&["upload", clips.to_str().unwrap()]).exits(2).says("or move it elsewhere");
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_file_that_is_nearly_a_sidecar_and_has_fields_keeps_its_video_from_being_posted() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let front = "---\nprivacy_level: SELF_ONLY\n---\nhey";
    let json = "{\"privacy_level\": \"SELF_ONLY\"}";
    for (near, text) in [
        ("a.md.txt", front),
        ("a.mdx", front),
        ("A.md", front),
        ("a.json.txt", json),
        ("a.jsn", json),
        ("a.mp4.json", json),
    ] {
        world.file(near, text);
        let wide = ["a.mp4", "--privacy", "MUTUAL_FOLLOW_FRIENDS"];
        ran(&world, &wide).exits(2).says(&format!("{near} is no sidecar of a.mp4"));
        fs::remove_file(world.path(near)).unwrap();
    }
    // That of another video is none of its business.
    world.video("a-2.mp4", 100_002);
    world.file("a-2.md", front);
    ran(&world, &["a.mp4", "--dry-run"]).exits(0).never_says("sidecar");
    // The advice on a sidecar in JSON is not that on a manifest.
    for text in ["{\"description\": \"a\"}{}", "Hello"] {
        world.file("a.json", text);
        ran(&world, &["a.mp4"]).exits(2).says("it is one object: {").never_says("manifest");
    }
    assert_eq!(world.inits(), 0);
}
