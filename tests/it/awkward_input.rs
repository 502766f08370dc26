//! Bad input of every kind: it is refused with its place, and nothing was sent.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::json;

use crate::world::{ADA, BEA, Ran, World};

/// Where nobody listens: a run that asks TikTok anything fails.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Runs, in words and with `--json`: both end with `code`, tell the same error, and TikTok heard
/// nothing. What was said in words comes back.
#[track_caller]
pub(crate) fn stopped(
    world: &World,
    code: i32,
    args: &[&str],
    change: impl Fn(&mut Command),
) -> Ran {
    let before = world.sandbox.requests().len();
    let run = |args: &[&str]| {
        let mut command = world.command(args);
        change(&mut command);
        Ran::of(command).exits(code)
    };
    let (ran, with_json) = (run(args), run(&[&["--json"], args].concat()));
    assert_eq!(world.sandbox.requests().len(), before, "TikTok was asked by {args:?}");
    assert!(ran.stderr.contains("error: ") && ran.stdout.is_empty(), "{ran:#?}");
    let lines = with_json.json();
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((&line["event"], &line["error"]["exit"]), (&json!("error"), &json!(code)));
    for words in line["error"]["message"].as_str().unwrap().split(&['\n', ':'][..]) {
        assert!(ran.stderr.contains(words.trim()), "no {words:?} in {ran:#?}");
    }
    ran
}

/// The same of input that is wrong: exit 2.
#[track_caller]
pub(crate) fn refused(world: &World, args: &[&str]) -> Ran {
    stopped(world, 2, args, |_| ())
}

/// What is said of a manifest of this text.
#[track_caller]
pub(crate) fn refused_text(world: &World, text: impl AsRef<[u8]>) -> Ran {
    let manifest = world.file("videos_to_upload.json", text);
    refused(world, &["upload", manifest.to_str().unwrap()])
}

/// What is said of a manifest with one post of this video.
#[track_caller]
pub(crate) fn refused_video(world: &World, video: &str) -> Ran {
    refused_text(world, json!([{ "video_path": video }]).to_string())
}

/// What a run says below the announcement that this is a sandbox.
fn words(ran: &Ran) -> &str {
    ran.stderr.split_once('\n').unwrap().1
}

#[track_caller]
fn says_once(ran: &Ran, words: &str) {
    assert_eq!(ran.stderr.matches(words).count(), 1, "{words:?} in {ran:#?}");
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

// The manifest as a file.

#[test]
fn a_manifest_that_is_not_there_is_named_once() {
    let world = World::new();
    let ran = refused(&world, &["upload", "work/nothing.json"]);
    assert_eq!(
        words(&ran),
        "error: there is no manifest `work/nothing.json` [manifest_missing]\n\n\
         hint: name the file that lists the posts (JSON, JSON Lines or CSV), a folder with videos, or `-` for standard \
         input\n"
    );
}

#[test]
fn t26_a_manifest_is_a_regular_file() {
    let world = World::new();
    fifo(&world.path("pipe"));
    symlink("loop", world.path("loop")).unwrap();
    for (name, reason) in [
        ("work/pipe", "the manifest `work/pipe` is not a regular file"),
        ("/dev/null", "the manifest `/dev/null` is not a regular file"),
        (
            "work/loop",
            "cannot read the manifest from `work/loop` [manifest_unreadable]\n  caused by: ",
        ),
    ] {
        let ran = refused(&world, &["upload", name]).says(reason);
        says_once(&ran, &format!("`{name}`"));
    }
}

#[test]
fn t23_the_name_of_a_manifest_cannot_steer_a_terminal() {
    let world = World::new();
    let ran = refused(&world, &["upload", "a\n\u{1b}[31mb.json"]);
    ran.says("there is no manifest `a\\n\\u{1b}[31mb.json`").never_says("\u{1b}");
}

#[test]
fn a_manifest_may_be_called_like_an_option() {
    let world = World::new();
    refused(&world, &["upload", "-posts.json"]).says("'-- -p'");
    refused(&world, &["upload", "--", "-posts.json"]).says("there is no manifest `-posts.json`");
}

#[test]
fn standard_input_is_read_as_strictly() {
    let world = World::logged_in();
    let text = world.file("posts.json", r#"[{ "video_path": "work/nothing.mp4" }, 5]"#);
    let ran = stopped(&world, 2, &["upload", "-"], |command| {
        command.stdin(File::open(&text).unwrap());
    });
    let missing = world.path("nothing.mp4").display().to_string();
    assert_eq!(
        words(&ran),
        format!(
            "error: standard input has 2 problems [manifest_wrong]\n  \
             line 1, column 18, post 1, field `video_path`: `{missing}`: there is no such file\n  \
             line 1, column 40, post 2: a post must be an object, not the number 5\n\n\
             hint: correct this and run again; nothing was sent\n"
        )
    );
    refused(&world, &["upload", "-"]).says("line 1, column 1: the file is empty");
}

// What the manifest says.

#[test]
fn a_text_that_is_no_json_is_refused_at_its_place() {
    let world = World::logged_in();
    let deep = "[".repeat(100_000);
    let large = [b"[".as_slice(), &vec![b' '; 17 << 20], b"]"].concat();
    let texts: [(&[u8], &str); 11] = [
        (b"", "line 1, column 1: the file is empty (a manifest without posts is written [])"),
        (b"// soon\n", "line 1, column 1: the file is empty"),
        (b"hello", "line 1, column 1: this is a text, not a manifest (a manifest is JSON, with"),
        (b"[\n  {\"video_path\": 'a'}]", "line 2, column 18: unexpected `'`"),
        (b"[{\"id\": \"a\"\n \"tags\": []}]", "a comma is missing here"),
        (
            b"[\n {\"video_path\": \"a.mp4\"}",
            "line 1, column 1: the list that begins here is never",
        ),
        (b"[{\"id\": \"\xff\"}]", "line 1, column 10: the byte 0xff here is not UTF-8"),
        (b"\xff\xfe[\0]\0", "line 1, column 1: the file is UTF-16 (save it as UTF-8)"),
        (b"42", "line 1, column 1: a manifest is a list of posts"),
        (deep.as_bytes(), "line 1, column 33: nested more than 32 levels deep"),
        (&large, "line 1, column 1: the file is larger than 16 MiB (split it"),
    ];
    for (text, place) in texts {
        refused_text(&world, text)
            .says(place)
            .says("work/videos_to_upload.json` has 1 problem [manifest_wrong]\n");
    }
}

#[test]
fn a_post_that_cannot_be_made_is_refused_at_its_field() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let long = "x".repeat(2201);
    for (fields, place) in [
        (r#""privcy": "SELF_ONLY""#, "27, post 1, field `privcy`: no such field (did you mean `pr"),
        (r#""tags": "x""#, "35, post 1, field `tags`: must be a list of texts, not the text \"x\""),
        (r#""id": 7"#, "33, post 1, field `id`: must be text, not the number 7"),
        (r#""is_aigc": "yes""#, "38, post 1, field `is_aigc`: "),
        (r#""mode": "story""#, "35, post 1, field `mode`: "),
        (r#""privacy_level": "PUBLIC""#, "44, post 1, field `privacy_level`: "),
        (r#""publish_at": "2026-01-01T10:00:00""#, "field `publish_at`: the offset from UTC is"),
        (r#""video_url": "https://a.example/b""#, "40, post 1, field `video_url`: a post has one"),
        (r#""brand_content_toggle": true"#, "Branded content visibility cannot be set to private."),
        (&format!(r#""description": "{long}""#), "field `description`: the caption has 2201 UTF"),
    ] {
        let text = format!(r#"[{{ "video_path": "a.mp4", {fields} }}]"#);
        refused_text(&world, text)
            .says("line 1, column ")
            .says(place)
            .says("has 1 problem [manifest_");
    }
    refused_text(&world, r#"[{ "tags": [] }]"#)
        .says("line 1, column 2, post 1: a post needs one of `video_path`, `video_url` and");
}

#[test]
fn an_id_is_one_posts_own() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let post = r#"{ "video_path": "a.mp4", "id": "x" }"#;
    refused_text(&world, format!("[{post},\n {post}]")).says(
        "line 2, column 33, post 2, field `id`: the same as that of post 1 on line 1, column 33\n",
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let world = World::logged_in();
    world.video("good.mp4", 10_000);
    world.file("small.mp4", fixture("small.mp4"));
    let text = "{ \"defaults\": { \"mode\": \"drft\" },\n  \"posts\": [\n\
        { \"video_path\": \"small.mp4\", \"title\": 5 },\n\
        { \"video_path\": \"good.mp4\" },\n\
        { \"video_path\": \"good.mp4\", \"user_id\": \"bob\" },\n\
        { \"vido_path\": \"good.mp4\" } ] }";
    let ran = refused_text(&world, text);
    let said: Vec<_> = words(&ran).lines().collect();
    let places: Vec<_> =
        said.iter().map(|line| line.split(": ").next().unwrap().trim_start()).collect();
    assert_eq!(
        places,
        [
            "error",
            "line 1, column 25, defaults, field `mode`",
            "line 3, column 17, post 1, field `video_path`",
            "line 3, column 39, post 1, field `title`",
            "line 5, column 40, post 3, field `user_id`",
            "line 6, column 3, post 4, field `vido_path`",
            "`--skip-media-check`, or `skip_media_check` in its entry, sends a video whatever is found in it, for TikTok to judge",
            "",
            "hint",
        ],
        "{said:#?}"
    );
    says_once(&ran, "small.mp4");
    says_once(&ran, "videos_to_upload.json");
    ran.says("has 5 problems [manifest_wrong_and_accounts]\n")
        .says("`tiktok-up login`")
        .says("nothing was sent");
}

#[test]
fn an_account_that_is_not_logged_in_is_named_at_its_place() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let text = "[\n  { \"video_path\": \"a.mp4\", \"user_id\": \"bob\" } ]";
    let manifest = world.file("m.json", text);
    stopped(&world, 3, &["upload", manifest.to_str().unwrap()], |_| ())
        .says("line 2, column 39, post 1, field `user_id`: no account is called `bob`")
        .says("hint: `tiktok-up login` logs an account in");
}

#[test]
fn one_of_several_accounts_must_be_named() {
    let world = World::logged_in();
    world.login(BEA);
    world.video("a.mp4", 10_000);
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4" }]));
    stopped(&world, 2, &["upload", &manifest], |_| ())
        .says("line 1, column 2, post 1, field `user_id`: several accounts could be meant: ");
}

#[test]
fn nobody_is_logged_in_is_said_once_and_after_what_is_wrong() {
    let world = World::new();
    world.video("a.mp4", 10_000);
    let good = world.manifest(&json!([{ "video_path": "a.mp4" }, { "video_path": "a.mp4" }]));
    let ran = stopped(&world, 3, &["upload", &good], |_| ());
    assert_eq!(
        words(&ran),
        "error: no account is logged in [nobody_logged_in]\n\nhint: run `tiktok-up login`, or name the directory of the logins \
         with `--home` or TIKTOK_UP_HOME: under cron HOME may be another one; nothing was sent\n"
    );
    refused_video(&world, "b.mp4").says("there is no such file").never_says("logged in");
}

#[test]
fn a_good_post_beside_a_bad_one_is_not_sent() {
    let world = World::logged_in();
    world.video("good.mp4", 100_000);
    world.file("text.mp4", fixture("text.mp4"));
    for bad in [r#""video_path": "text.mp4""#, r#""video_path": "good.mp4", "id": 1"#, ""] {
        refused_text(&world, format!(r#"[{{ "video_path": "good.mp4" }}, {{ {bad} }}]"#))
            .says("post 2")
            .never_says("post 1");
    }
    assert!(world.posts().is_empty());
}

// The videos.

#[test]
fn what_is_no_video_for_tiktok_is_refused_with_what_to_do() {
    let world = World::logged_in();
    for name in ["text", "truncated", "without-moov", "audio-only", "ten-fps", "small"] {
        let name = format!("{name}.mp4");
        world.file(&name, fixture(&name));
    }
    world.file("empty.mp4", "");
    File::create(world.path("huge.mp4")).unwrap().set_len((4 << 30) + 1).unwrap();
    for (name, reason) in [
        (
            "text",
            "not an MP4, MOV or WebM video: this is text (only its name says video: look into",
        ),
        ("truncated", "the file is cut off, or still being written (wait until"),
        ("without-moov", "the video has no index: it is cut off, or still being written (wait"),
        ("audio-only", "the file has no picture, only sound or data (export it with a picture)"),
        ("ten-fps", "the video has 10.00 frames a second, and TikTok takes 23 to 60 (export"),
        ("small", "the picture has 200x200 pixels, and TikTok takes 360 to 4096 a side (export"),
        ("empty", "the file is empty (wait until"),
        ("huge", "the file has 4294967297 bytes, and TikTok takes at most 4294967296 (export"),
    ] {
        let name = format!("{name}.mp4");
        let ran = refused_video(&world, &name)
            .says("line 1, column 16, post 1, field `video_path`: ")
            .says(&format!("work/{name}`: {reason}"));
        says_once(&ran, &name);
    }
}

#[test]
fn t26_a_video_is_a_regular_file_that_can_be_read() {
    let world = World::logged_in();
    fs::create_dir(world.path("folder")).unwrap();
    fifo(&world.path("pipe"));
    symlink("loop", world.path("loop")).unwrap();
    world.file("file", "");
    for (name, reason) in [
        ("nothing.mp4", "there is no such file"),
        ("folder", "this is a directory"),
        (".", "this is a directory"),
        ("pipe", "this is not a regular file"),
        ("/dev/null", "this is not a regular file"),
        ("/dev/zero", "this is not a regular file"),
        ("loop", "cannot read the file: "),
        ("file/a.mp4", "cannot read the file: "),
        ("~/a.mp4", "there is no such file (`~` stands for itself here; write the whole path)"),
        ("", "must not be empty"),
        ("a\0b", "no path can contain U+0000"),
    ] {
        refused_video(&world, name).says(reason).says("line 1, column 16, post 1, field `video_");
    }
}

#[test]
fn a_video_that_may_not_be_read_is_refused() {
    let world = World::logged_in();
    let video = world.video("locked.mp4", 10_000);
    fs::set_permissions(&video, Permissions::from_mode(0o000)).unwrap();
    if File::open(&video).is_ok() {
        return crate::stage::say("Skipped: no file is locked to root.");
    }
    let manifest = world.one_post(ADA, "locked.mp4");
    world.upload(&manifest).exits(4).says("Permission denied").says("/locked.mp4` is closed to");
}

#[test]
fn t23_the_name_of_a_video_cannot_steer_a_terminal() {
    let world = World::logged_in();
    let ran = refused_video(&world, "a\n\u{1b}]0;b\u{7}\u{202e}c.mp4");
    ran.says("/work/a\\n\\u{1b}]0;b\\u{7}\\u{202e}c.mp4`: there is no such file")
        .says("a right-to-left override (U+202E)")
        .never_says("\u{1b}")
        .never_says("\u{7}");
}

#[test]
fn t26_awkward_names_of_good_videos_are_posted() {
    let world = World::logged_in();
    let names =
        ["a name with spaces.mp4", "-rf.mp4", "--json", "line\nbreak\u{1b}[31m.mp4", "é.mp4"];
    let posts: Vec<_> = names
        .iter()
        .zip(20_000..)
        .map(|(name, size)| {
            world.video(name, size);
            json!({ "video_path": name })
        })
        .collect();
    let ran = world.run(&["upload", &world.manifest(&json!(posts))]).exits(0);
    ran.says("a name with spaces.mp4").says("line\\nbreak\\u{1b}[31m.mp4").never_says("\u{1b}");
    assert_eq!(world.posts().len(), names.len());
}

#[test]
fn t26_a_folder_whose_name_is_not_utf8_works() {
    let world = World::logged_in();
    let video = world.video("a.mp4", 10_000);
    let folder = world.home().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&folder).unwrap();
    fs::rename(video, folder.join("a.mp4")).unwrap();
    let manifest = folder.join("m.json");
    fs::write(&manifest, r#"[{ "video_path": "nothing.mp4" }]"#).unwrap();
    let upload = || {
        let mut command = world.command(&["upload", "--json"]);
        command.arg(&manifest);
        Ran::of(command)
    };
    upload().exits(2).says("caf\u{fffd}/nothing.mp4`: there is no such file");
    fs::write(&manifest, r#"[{ "video_path": "a.mp4" }]"#).unwrap();
    upload().exits(0);
    assert_eq!(world.posts().len(), 1);
}

#[test]
fn a_rate_that_does_not_get_a_video_through_in_time_is_refused() {
    let world = World::logged_in();
    world.video("a.mp4", 66_000_000);
    let manifest = world.one_post(ADA, "a.mp4");
    refused(&world, &["upload", "--limit-rate", "10kB", &manifest])
        .says("work/a.mp4`: at `--limit-rate 10000` the upload would take 110 minutes, and TikTok ")
        .says("gives it 55 minutes (give it at least 21.0 kB a second)");
}

// The settings.

#[test]
fn t30_the_api_is_not_asked_over_http_on_another_host() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.one_post(ADA, "a.mp4");
    // It would lead to the sandbox all the same.
    let elsewhere = world.sandbox.url().replace("127.0.0.1", "0.0.0.0");
    for (name, url, reason) in [
        ("TIKTOK_UP_API_URL", elsewhere.as_str(), "must be https, or http on 127.0.0.1, not"),
        ("TIKTOK_UP_AUTH_URL", "http://a.example", "must be https, or http on 127.0.0.1, not"),
        ("TIKTOK_UP_API_URL", "http://127.0.0.1.a.example", "must be https, or http on 127.0.0.1"),
        ("TIKTOK_UP_API_URL", "https://a:b@c.example", "must be a plain base URL without user"),
        ("TIKTOK_UP_API_URL", "ftp://127.0.0.1", "must be https, or http on 127.0.0.1, not"),
        ("TIKTOK_UP_API_URL", "tiktok", "is not a URL"),
    ] {
        let change = |command: &mut Command| _ = command.env(name, url);
        for args in [&["upload", &manifest] as &[_], &["login"], &["refresh", "--force"]] {
            stopped(&world, 2, args, change).says(&format!("{name} {reason}"));
        }
    }
}

#[test]
fn rehearsal_times_are_checked_and_only_for_a_rehearsal() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.one_post(ADA, "a.mp4");
    for (list, reason) in [
        ("stal=1s", "there is no waiting time called `stal` (did you mean `stall`?)"),
        ("speed=1s", "there are connect, answer, stall, "),
        ("stall", "`stall` is not of the form name=duration"),
        ("stall=fast", "`fast` is not a duration such as 50ms, 2s or 3h"),
    ] {
        let change = |command: &mut Command| _ = command.env("TIKTOK_UP_TIMING", list);
        stopped(&world, 2, &["upload", &manifest], change).says("TIKTOK_UP_TIMING").says(reason);
    }
    let change = |command: &mut Command| _ = command.env("TIKTOK_UP_API_URL", "https://a.invalid");
    stopped(&world, 2, &["upload", &manifest], change)
        .says("TIKTOK_UP_TIMING is set, but the API is not on this machine")
        .says("unset TIKTOK_UP_TIMING");
}

#[test]
fn a_config_with_mistakes_is_refused_at_their_places_without_its_values() {
    let world = World::logged_in();
    let manifest = world.manifest(&json!([]));
    for (text, places) in [
        (
            "[defalts]\n\n[apps.x]\nclient_key = 5\nclient_secrt = \"hush\"\n",
            &[
                "line 1, column 2: unknown key `defalts`; did you mean `defaults`?\n",
                "line 4, column 14: must be a string, not an integer\n",
                "line 5, column 1: unknown key `client_secrt`; did you mean `client_secret`?\n",
            ] as &[_],
        ),
        ("[apps.x]\nclient_secret = hush\n", &["line 2, column 17: "]),
        ("[defaults]\nprivacy_level = \"hush\"\n", &["line 2, column 17: "]),
        ("[defaults\n", &["line 1, column 10: unclosed table, expected `]`\n"]),
    ] {
        let config = world.home().join("home/config.toml");
        fs::write(&config, text).unwrap();
        let mut ran = refused(&world, &["upload", &manifest]).never_says("hush");
        for place in places {
            ran = ran.says(place);
        }
        says_once(&ran, "config.toml` cannot be used [config_invalid]\n");
    }
}

#[test]
fn a_config_that_is_no_text_is_refused() {
    let world = World::logged_in();
    let config = world.home().join("home/config.toml");
    fs::write(&config, b"\xff\xfe[\0").unwrap();
    let manifest = world.manifest(&json!([]));
    let ran = refused(&world, &["upload", &manifest]).says("config.toml` is not valid UTF-8");
    ran.says("hint: save the file as UTF-8");
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let world = World::logged_in();
    let manifest = world.manifest(&json!([]));
    let config = world.home().join("home/config.toml");
    fs::write(&config, "[apps.x]\nclient_key = \"key\"\nclient_secret = \"hush\"\n").unwrap();
    fs::set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
    stopped(&world, 4, &["upload", &manifest], |_| ())
        .says("home/config.toml` is open to other users (mode 0644)")
        .says(&format!("hint: run `chmod 600 {}`", config.display()))
        .never_says("hush");
    fs::set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    world.run(&["upload", &manifest]).exits(0);
}

#[test]
fn a_client_key_goes_with_a_client_secret() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.one_post(ADA, "a.mp4");
    let (key, secret) = ("TIKTOK_CLIENT_KEY", "TIKTOK_CLIENT_SECRET");
    for (set, missing) in [(key, secret), (secret, key)] {
        let change = |command: &mut Command| _ = command.env_remove(missing);
        stopped(&world, 2, &["upload", &manifest], change)
            .says(&format!("{set} is set, but {missing} is not"))
            .never_says(world.sandbox.client_secret().expose());
    }
    let neither = |command: &mut Command| _ = command.env_remove(key).env_remove(secret);
    stopped(&world, 2, &["upload", &manifest], neither).says("no TikTok app is configured");
}

// The command line.

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.one_post(ADA, "a.mp4");
    let upload = ["upload", &manifest];
    for (option, reason) in [
        (&["--frobnicate"] as &[&str], "unexpected argument '--frobnicate'"),
        (&["--chunk-size", "3"], "it must be between 5242880 and 64000000 bytes"),
        (&["--chunk-size", "64MiB"], "it must be between 5242880 and 64000000 bytes"),
        (&["--limit-rate", "fast"], "write it like 10485760, 500kB, 10MB or 8MiB"),
        (&["--limit-rate", "0"], "it must be more than nothing"),
        (&["--jobs", "0"], "invalid value '0' for '--jobs <N>'"),
        (&["--privacy", "PUBLIC"], "a similar value exists: 'PUBLIC_TO_EVERYONE'"),
        (&["--home", ""], "invalid value '' for '--home <DIR>'"),
        (&["-q", "-v"], "'--quiet' cannot be used with '--verbose'"),
        (&["more.json"], "unexpected argument 'more.json'"),
        (&["--\u{1b}[31mred"], "unexpected argument '--"),
    ] {
        refused(&world, &[&upload, option].concat()).says(reason).never_says("\u{1b}");
    }
    for (args, reason) in [
        (&["frobnicate"] as &[&str], "unrecognized subcommand 'frobnicate'"),
        (&["uplod"], "a similar subcommand exists: 'upload'"),
        (&["upload"], "the following required arguments were not provided"),
        (&["login", "--port", "99999"], "invalid value '99999' for '--port <PORT>'"),
        (&["login", "--timeout", "soon"], "write it like 90s, 5m or 1h30m"),
        (&["refresh", "--within", "5"], "write it like 90s, 5m or 1h30m"),
        (&["resolve", "1"], "<--posted|--not-posted>"),
        (&["resolve", "1", "--posted", "--not-posted"], "cannot be used with"),
    ] {
        refused(&world, args).says(reason);
    }
}

#[test]
fn without_a_command_the_help_is_shown() {
    let world = World::new();
    let ran = world.run(&[]).exits(2).says("Usage: tiktok-up");
    assert!(ran.stdout.is_empty());
    let lines = world.run(&["--json"]).exits(2).json();
    assert_eq!(lines[0]["event"], "error");
}

#[test]
fn posts_that_were_all_made_already_need_no_network() {
    let mut world = World::logged_in();
    world.video("a.mp4", 10_000);
    world.video("b.mp4", 20_000);
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4" }, { "video_path": "b.mp4" }]));
    world.run(&["upload", &manifest]).exits(0);
    // The access token has ended meanwhile, and there is nobody to renew it.
    world.advance(SignedDuration::from_hours(48));
    let mut command = world.command(&["upload", &manifest]);
    command.env("TIKTOK_UP_API_URL", NOWHERE);
    Ran::of(command).exits(0).says("already posted").says("2 skipped");
}

#[test]
fn a_cover_after_the_end_of_its_video_is_refused() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let late = world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "a.mp4",
        "video_cover_timestamp_ms": 99_999_999 }]));
    stopped(&world, 2, &["upload", &late], |_| ())
        .says("video_cover_timestamp_ms")
        .says("after the end");
}
