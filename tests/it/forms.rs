//! Manifests as programs and spreadsheets write them: JSON Lines and tables.

use serde_json::json;

use crate::world::{Ran, World};

/// A manifest of this text.
fn manifest(world: &World, name: &str, text: &str) -> String {
    world.file(name, text).to_str().unwrap().to_owned()
}

fn with_videos() -> World {
    let world = World::logged_in();
    for (n, name) in (0..).zip(["a", "b", "c"]) {
        world.video(&format!("{name}.mp4"), 100_000 + n);
    }
    world
}

#[test]
fn json_lines_are_a_manifest() {
    let world = with_videos();
    let text = "\u{feff}{\"video_path\": \"a.mp4\", \"description\": \"A\"}\r\n\r\n  \
                {\"video_path\": \"b.mp4\", \"tags\": [\"x\"], \"mode\": \"draft\"}\n";
    let path = manifest(&world, "posts.jsonl", text);
    world.upload(&path).exits(0).says("1 published, 1 in inbox");
    world.upload(&path).exits(0).says("2 skipped");
    let wrong = "{\"video_path\": \"a.mp4\"}\n{\"video_path\": \"b.mp4\", \"tgas\": []}\n\
                 {\"video_path\": \"c.mp4\" \"id\": \"x\"}\n[]\n{\"id\": \"y\", \"video_path\": \"c.mp4\"}\n\
                 {\"id\": \"y\", \"video_path\": \"a.mp4\"}";
    let ran = world.upload(&manifest(&world, "wrong.jsonl", wrong)).exits(2);
    let ran = ran.says("line 2, column 25, post 2, field `tgas`").says("line 3, column 23");
    let ran = ran.says("line 4, column 1, post 4: a post must be an object");
    ran.says(
        "line 6, column 8, post 6, field `id`: the same as that of post 5 on line 5, column 8",
    );
    assert_eq!(world.inits(), 2);
}

#[test]
fn a_table_of_a_spreadsheet_is_a_manifest() {
    for (separator, line, mark) in [(",", "\n", ""), (";", "\r\n", "\u{feff}"), ("\t", "\n", "")] {
        let world = with_videos();
        let row = |cells: &[&str]| format!("{}{line}", cells.join(separator));
        let text = [
            mark.to_owned(),
            row(&[
                "Video Path",
                "description",
                "tags",
                "mode",
                "disable_duet",
                "video_cover_timestamp_ms",
                "",
            ]),
            row(&[
                "a.mp4",
                "\"Two \"\"cats\"\", one; box\"",
                "#cats two",
                "direct",
                "TRUE",
                "500",
                "",
            ]),
            row(&["b.mp4", "", "", "draft", "", "", ""]),
            row(&["", "", "", "", "", "", ""]),
        ]
        .concat();
        let path = manifest(&world, "posts.csv", &text);
        let dry = world.run(&["upload", "--dry-run", &path]).exits(0).says("2 planned");
        dry.says("Two \\\"cats\\\", one; box #cats #two");
        world.upload(&path).exits(0).says("1 published, 1 in inbox");
        world.upload(&path).exits(0).says("2 skipped");
        assert_eq!(world.posts()[0].title, "Two \"cats\", one; box #cats #two");
    }
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_cell() {
    let world = with_videos();
    let text = "video_path,tgas,privacy_level,disable_duet,,privacy_level\n\
                a.mp4,x,EVERYBODY,maybe,,\n\
                \"b.mp4\",,SELF_ONLY,yes,stray,,more\n\
                gone.mp4,,,,,\n";
    let ran = world.upload(&manifest(&world, "posts.csv", text)).exits(2);
    let ran = ran.says("line 1, column 12, field `tgas`: no such field (did you mean `tags`?)");
    let ran = ran.says("line 1, column 45, field `privacy_level`: this column is there twice");
    let ran = ran.says("line 2, column 9, post 1, field `privacy_level`");
    let ran = ran.says("line 2, column 19, post 1, field `disable_duet`: must be true or false");
    let ran = ran.says("line 3, column 24: the column of this cell has no name");
    let ran = ran.says("line 3, column 31: there is no column for the cell \"more\"");
    ran.says("line 4, column 1, post 3, field `video_path`").says("no such file");
    assert_eq!(world.inits(), 0);
    // Quotes that are not closed take in other posts.
    for text in [
        "video_path,description\na.mp4,\"Two cats\nb.mp4,x\nc.mp4,y\n",
        "video_path,description\na.mp4,\"Two\" cats\nb.mp4,\"x\"\n",
    ] {
        let ran = world.upload(&manifest(&world, "open.csv", text)).exits(2);
        ran.says("line 2, column 7").says("the quotes of this cell do not end with it");
    }
    // One without a column that says what is posted is none.
    let other = manifest(&world, "other.csv", "name;when\nx;y\n");
    world.upload(&other).exits(2).says("this is a CSV table");
    // As JSON has it, a value is of its type.
    let json = world.manifest(&json!([{ "video_path": "a.mp4", "disable_duet": "yes" }]));
    world.upload(&json).exits(2).says("disable_duet");
}

/// A comma in a caption without quotes: all that follows it would be another field, such as who is to see the post.
#[test]
fn a_row_with_more_cells_than_the_heading_is_refused() {
    let world = with_videos();
    for text in [
        "video_path,privacy_level,description,tags\na.mp4,SELF_ONLY,Hello, big world,\n",
        "video_path;description;tags\na.mp4;Hello; big world;\nb.mp4;x;y\n",
        "video_path,description,privacy_level,tags\na.mp4,Secret,,SELF_ONLY,\nb.mp4,x,SELF_ONLY,y\n",
    ] {
        let ran = world.upload(&manifest(&world, "more.csv", text)).exits(2);
        ran.says("line 2, column").says("this row has").says("put quotes around a cell");
    }
    // Programs that end each row so, with the heading or without it, mean nothing by it.
    for text in [
        "video_path,description,\na.mp4,x,\nb.mp4,y,\n",
        "video_path,description\na.mp4,x,\nb.mp4,y,\n",
        "video_path,description,,\na.mp4,x\nb.mp4,y,\n",
    ] {
        let table = manifest(&world, "ends.csv", text);
        world.run(&["upload", "--dry-run", &table]).exits(0).says("2 planned");
    }
    assert_eq!(world.inits(), 0);
}

#[test]
fn each_video_of_a_folder_is_a_post() {
    let world = World::logged_in();
    for (n, name) in (0..).zip(["b.mp4", "a.MP4", ".hidden.mp4"]) {
        world.video(name, 100_000 + n);
    }
    world.file("a.txt", "Of a text\n");
    world.file("b.json", r#"{ "mode": "draft" }"#);
    world.file("notes.txt", "of nothing");
    let folder = world.path(".").canonicalize().unwrap();
    let folder = folder.to_str().unwrap();
    let dry = world.run(&["upload", "--dry-run", folder]).exits(0).says("2 planned");
    dry.says("caption \"Of a text\"").says("draft");
    world.upload(folder).exits(0).says("1 published, 1 in inbox");
    world.upload(folder).exits(0).says("2 skipped");
    // What comes later is posted by the next run.
    world.video("c.mp4", 100_009);
    world.file("c.txt", "x".repeat(3000));
    world.upload(folder).exits(2).says("c.txt").says("the caption has 3000");
    world.run(&["status"]).exits(0).says("the last run of");
    world.file("c.txt", "short");
    world.upload(folder).exits(0).says("1 published, 2 skipped");
    // What may be meant instead is not passed over.
    world.manifest(&json!([]));
    world
        .upload(folder)
        .exits(2)
        .says("what may be a manifest of them")
        .says("videos_to_upload.json");
    assert_eq!(world.inits(), 3);
}

#[test]
fn captions_are_templates_if_that_is_asked_for() {
    let world = World::logged_in();
    for (n, name) in (0..).zip(["two cats", "b"]) {
        world.video(&format!("{name}.mp4"), 100_000 + n);
    }
    let posts = |second: &str| {
        world.manifest(&json!([
            { "video_path": "two cats.mp4", "description": "{stem}, part {n} of {{2}}", "tags": ["cats"] },
            { "video_path": "b.mp4", "description": second, "publish_at": "2999-01-01T12:00:00Z" },
        ]))
    };
    let manifest = posts("On {date}");
    let dry =
        |more: &[&str]| world.run(&[&["upload", manifest.as_str(), "--dry-run"], more].concat());
    dry(&["--templates"]).exits(0).says("\"two cats, part 1 of {2} #cats\"");
    // Without the option a brace is a brace.
    dry(&[]).exits(0).says("{stem}, part {n}");
    let manifest = posts("Of {title}");
    let ran = world.run(&["upload", &manifest, "--templates"]).exits(2);
    ran.says("`{title}` has no value").says("`{stem}`").says("post 2");
    assert_eq!(world.inits(), 0);
}

/// The day of the run would be another one in the next.
#[test]
fn the_day_in_a_caption_is_that_of_publish_at() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let post = |publish_at: &str| {
        let mut post = json!({ "video_path": "a.mp4", "description": "On {date}" });
        if !publish_at.is_empty() {
            post["publish_at"] = publish_at.into();
        }
        world.manifest(&json!([post]))
    };
    let run = |manifest: &str| world.run(&["upload", manifest, "--templates"]);
    run(&post("")).exits(2).says("the day of `publish_at`");
    let manifest = post("2026-11-01T12:00:00Z");
    run(&manifest).exits(0).says("1 published");
    run(&manifest).exits(0).says("1 skipped").never_says("settings");
    assert_eq!(world.posts()[0].title, "On 2026-11-01");
    // As it is written there, wherever the run is.
    for (at, day) in [
        ("2026-11-27T00:30:00+02:00", "On 2026-11-27"),
        ("2026-11-26T23:30:00-05:00", "On 2026-11-26"),
    ] {
        for zone in ["UTC", "Asia/Tokyo", "America/Los_Angeles"] {
            let mut command =
                world.command(&["upload", &post(at), "--templates", "--dry-run", "--repost"]);
            command.env("TZ", zone);
            Ran::of(command).exits(0).says(day);
        }
    }
}

#[test]
fn a_table_with_a_slip_is_told_what_keeps_it_from_being_one() {
    let world = World::logged_in();
    let cases: [(&[u8], &[&str]); 5] = [
        (b"My posts\nvideo_path,description\na.mp4,x\n", &["line 2 has them"]),
        (b"user_id|video_path\nx|a.mp4\n", &["separate them by commas"]),
        (b"video_path;description\r\na.mp4;K\xe4se\r\n", &["the byte 0xe4", "line 2", "UTF-8"]),
        (b"user_id,video_paht\nx,a.mp4\n", &["did you mean `video_path` for `video_paht`?"]),
        (b"My posts,,\nvideo_path,description,mode\na.mp4,x,direct\n", &["the names of fields"]),
    ];
    for (text, says) in cases {
        let table = world.file("posts.csv", text);
        let ran = world.run(&["upload", table.to_str().unwrap()]).exits(2);
        for words in says {
            assert!(ran.stderr.contains(words), "{words}: {ran:#?}");
        }
        assert!(!ran.stderr.contains("not JSON"), "{ran:#?}");
    }
}

#[test]
fn a_folder_says_which_of_its_videos_it_leaves_out() {
    let world = World::logged_in();
    std::fs::create_dir(world.path("clips")).unwrap();
    let clips = world.path("clips");
    let clips = clips.to_str().unwrap();
    // There may be some tomorrow.
    world.run(&["upload", clips]).exits(0);
    world.video("clips/a.m4v", 100_001);
    world.file("clips/x.mkv", "x");
    world.file("clips/y.avi", "y");
    let ran = world.run(&["upload", clips]).exits(0).says("1 published");
    ran.says("x.mkv and 1 more is not posted").says(".m4v");
}
