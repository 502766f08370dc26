//! What people write who nearly have it right: they are told what is there, and nothing was sent.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::awkward_input::{refused, refused_text, refused_video, stopped};
use crate::world::{ADA, BEA, Ran, World};

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

// Paths, names and words.

#[test]
fn a_path_that_is_nearly_right_is_told_the_right_one() {
    let world = World::logged_in();
    for name in ["Clip.mp4", "cafe\u{301}.mp4", "my clip.mp4"] {
        world.video(name, 10_000);
    }
    fs::create_dir(world.path("clips")).unwrap();
    fs::rename(world.video("b.mp4", 10_000), world.path("clips/b.mp4")).unwrap();
    let file_url = format!("file://{}", world.path("my%20clip.mp4").display());
    for (written, says) in [
        ("clip.MP4", "did you mean `Clip.mp4`? upper and lower case count"),
        ("caf\u{e9}.mp4", "did you mean \"cafe\\u0301.mp4\"? the name is in another Unicode form"),
        (" my  clip.mp4", "did you mean `my clip.mp4`? the white space differs"),
        (
            "my\u{a0}clip.mp4",
            "my\\u{a0}clip.mp4`: there is no such file (did you mean `my clip.mp4`?",
        ),
        ("Cl\u{200b}ip.mp4", "the path holds a zero-width space (U+200B)"),
        ("clips\\b.mp4", "folders are separated by `/`; write `clips/b.mp4`"),
        ("my%20clip.mp4", "`%` stands for itself here; write `my clip.mp4`"),
        ("my\\ clip.mp4", "`\\` stands for itself here; write `my clip.mp4`"),
        ("work/Clip.mp4", "paths start at the manifest's folder; write `Clip.mp4`"),
        ("Clip.mov", "did you mean `Clip.mp4`?"),
        ("~/Clip.mp4", "`~` stands for itself here; write the whole path"),
        ("$CLIPS/Clip.mp4", "`$` stands for itself here; write the whole path"),
        ("*.mp4", "name each file in a post of its own"),
        ("https://cdn.example.com/Clip.mp4?sig=canary", "a URL goes into `video_url`"),
        (&file_url, "this is a URL, and a path is wanted; write `"),
        ("Clips/none.mp4", "there is no folder `Clips`"),
        ("clips", "name a video in it"),
        ("youtube.com/watch?v=1", "this looks like an address without `https://`"),
        ("Clip.mp4/", "`/` at the end makes it a folder; write `Clip.mp4`"),
    ] {
        refused_video(&world, written).says(says).never_says("canary");
    }
}

#[test]
fn a_manifest_that_is_nearly_named_right_is_told_the_right_one() {
    let world = World::logged_in();
    world.file("Posts.json", "[]");
    refused(&world, &["upload", "work/posts.json"])
        .says("there is no manifest `work/posts.json` (did you mean `work/Posts.json`?");
    refused(&world, &["upload", "~/posts.json"]).says("`~` stands for itself here");
}

#[test]
fn an_account_that_is_nearly_named_right_is_told_the_right_one() {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.login_with(&["--alias", "shop"]).exits(0);
    world.video("a.mp4", 10_000);
    for name in ["Shop", "@shop", "sh\u{200b}op", "shp"] {
        let manifest = world.manifest(&json!([{ "video_path": "a.mp4", "user_id": name }]));
        stopped(&world, 3, &["upload", &manifest], |_| ()).says("; did you mean `shop`?");
    }
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4", "user_id": "sh\u{200b}op" }]));
    stopped(&world, 3, &["upload", &manifest], |_| ()).says("no account is called `sh\\u{200b}op`");
    refused(&world, &["logout", "Shop"]).says("; did you mean `shop`?");
}

#[test]
fn a_word_of_another_site_is_told_ours() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let config = world.home().join("home/config.toml");
    let empty = world.manifest(&json!([]));
    for (word, level) in [
        ("public", "PUBLIC_TO_EVERYONE"),
        ("friends", "MUTUAL_FOLLOW_FRIENDS"),
        ("followers", "FOLLOWER_OF_CREATOR"),
        ("private", "SELF_ONLY"),
    ] {
        refused(&world, &["upload", "--privacy", word, &empty])
            .says(&format!("a similar value exists: '{level}'"));
        fs::write(&config, format!("[defaults]\nprivacy_level = \"{word}\"\n")).unwrap();
        refused(&world, &["upload", &empty]).says(&format!("did you mean `{level}`?"));
        fs::remove_file(&config).unwrap();
        let post = format!(r#"[{{ "video_path": "a.mp4", "privacy_level": "{word}" }}]"#);
        refused_text(&world, post).says(&format!("(did you mean `{level}`?)"));
    }
    refused_text(&world, r#"[{ "video_path": "a.mp4", "ta\u200bgs": [] }]"#)
        .says("field `ta\\u{200b}gs`: no such field (did you mean `tags`? the name holds a zero-width space");
    refused_text(&world, r#"[{ "video_path": "a.mp4", "is_aigc": "yes" }]"#)
        .says("(write true, in JSON without quotes)");
}

// Settings.

#[test]
fn a_home_that_only_a_shell_would_find_is_refused_and_not_made() {
    let world = World::new();
    for (path, why) in [
        ("~/tiktok", "`~` stands for itself here"),
        ("$HOME/tiktok", "`$` stands for itself here"),
        ("/srv/tik\u{200b}tok", "it holds a zero-width space (U+200B)"),
    ] {
        for args in [&["accounts"] as &[&str], &["login", "--no-browser"], &["init"]] {
            let by_flag = [args, &["--home", path]].concat();
            stopped(&world, 2, &by_flag, |_| ()).says(&format!("--home cannot be used: {why}"));
            let change = |command: &mut Command| _ = command.env("TIKTOK_UP_HOME", path);
            stopped(&world, 2, args, change).says(&format!("TIKTOK_UP_HOME cannot be used: {why}"));
        }
    }
    let mut made: Vec<_> =
        fs::read_dir(world.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    made.retain(|name| name != "work");
    assert!(made.is_empty(), "{made:?}");
}

#[test]
fn a_home_that_lies_beside_the_one_named_is_told() {
    let world = World::new();
    fs::create_dir(world.home().join("TikTok")).unwrap();
    let mut command = world.command(&["accounts"]);
    command.env("TIKTOK_UP_HOME", world.home().join("tiktok"));
    Ran::of(command).says("/tiktok` is not there; `").says("/TikTok` is");
}

#[test]
fn a_path_in_the_configuration_that_only_a_shell_would_find_is_refused() {
    let world = World::new();
    let app = "[apps.a]\nclient_key = \"awkey\"\n";
    for (line, why) in [
        ("client_secret_file = \"~/secret\"", "`~` stands for itself here; write the whole path"),
        ("client_secret_file = \"$HOME/secret\"", "`$` stands for itself here"),
        ("client_secret_file = \"/srv/sec\u{200b}ret\"", "it holds a zero-width space (U+200B)"),
    ] {
        world.configure(&format!("{app}{line}\n"));
        let ran = Ran::of(world.configured(&["accounts"])).exits(2);
        ran.says("line 3, column 22: ").says(why);
    }
    world.configure("[store]\nencrypt = \"key-file\"\nkey_file = \"~/key\"\n");
    Ran::of(world.configured(&["accounts"])).exits(2).says("line 3, column 12: `~` stands");
}

#[test]
fn credentials_with_what_nobody_sees_are_refused_where_they_are_read() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.one_post(ADA, "a.mp4");
    let (key, secret) = (world.sandbox.client_key().clone(), world.sandbox.client_secret());
    let secret = secret.expose();
    let (begin, end) = secret.split_at(5);
    for (odd, what) in [
        ("\u{200b}", "a zero-width space (U+200B)"),
        ("\u{feff}", "a byte order mark (U+FEFF)"),
        ("\u{a0}", "a no-break space (U+00A0)"),
        ("\u{202e}", "a right-to-left override (U+202E)"),
        ("\u{430}", "a letter or sign that is not ASCII, though it may look so: character 6 of it"),
    ] {
        let bad = format!("{begin}{odd}{end}");
        let by_variable = |command: &mut Command| _ = command.env("TIKTOK_CLIENT_SECRET", &bad);
        let ran = stopped(&world, 2, &["upload", &manifest], by_variable);
        ran.says(&format!("TIKTOK_CLIENT_SECRET contains {what}")).never_says(end);

        let config = |source: &str| format!("[apps.a]\nclient_key = \"{key}\"\n{source}\n");
        let run = |source: &str| {
            world.configure(&config(source));
            let ran = Ran::of(world.configured(&["login", "--no-browser"])).exits(2);
            ran.says(what).never_says(end).never_says(begin)
        };
        run(&format!("client_secret = \"{bad}\"")).says("line 3, column 17: ");
        let file = world.file("secret", format!("{bad}\n"));
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        run(&format!("client_secret_file = \"{}\"", file.display()))
            .says("`client_secret_file` of");
        run(&format!("client_secret_command = [\"cat\", \"{}\"]", file.display()))
            .says("`client_secret_command` of");
        fs::remove_file(world.home().join("home/config.toml")).unwrap();
    }
    assert!(world.posts().is_empty());
}

// What is no manifest.

#[test]
fn what_is_no_manifest_is_called_what_it_is() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let good = r#"[{ "video_path": "a.mp4" }]"#;
    let utf_32: Vec<u8> = good.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let padded = [good.as_bytes(), &[0; 100]].concat();
    let cases: &[(&[u8], &str, &str)] = &[
        (b"name,when\na.mp4,x\n", "whose first row does not name the fields", "one of them `video_path`"),
        (b"- video_path: a.mp4\n", "this is YAML, not JSON", "an object for each post"),
        (b"[[posts]]\nvideo_path = \"a\"\n", "this is TOML, not JSON", "an object for each post"),
        (&wide(good), "the file is UTF-16, without a byte order mark", "save it as UTF-8"),
        (&utf_32, "the file is UTF-32, without a byte order mark", "save it as UTF-8"),
        (&padded, "line 1, column 28: the file ends in 100 zero bytes", "save it without them"),
        (b"<<<<<<< HEAD\n[]\n", "an unresolved merge conflict of git", "keep one of the two"),
        (b"The clips of May\n", "this is a text, not a manifest", "an object for each post"),
        (&[0; 64], "the file holds nothing but zero bytes", "write it again"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "this is a gzip archive, not a manifest", "unpack it"),
        (
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\xff\xfe\xfd\xfc\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml\
              PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\xff\xfe\xfd\xfc\0\0\0\0\0\0\0\0\x0f\0\0\0xl/workbook.xml",
            "this is an Excel spreadsheet, not a manifest",
            "save it as CSV",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0",
            "this is an old Excel or Word file, not a manifest",
            "an object for each post",
        ),
        (b"<!doctype html><p>404", "this is a web page, not a manifest", "download again"),
        (b"{\"video_path\": \"a.mp4\", \"tags\": []}", "this is a single post", "[{ … }]"),
        (
            b"{\"videos\": [{\"video_path\": \"a.mp4\"}]}",
            "no such field here",
            "did you mean `posts`?",
        ),
        (b"{\"version\": 1, \"accounts\": {}}", "this is a token store", "name the JSON file"),
        (b"", "the file is empty", "a manifest without posts is written []"),
        (b"\xef\xbb\xbf", "the file is empty", "a manifest without posts is written []"),
        (b"[{\"description\": \"\\ud83d\"}]", "\\ud83d is one half of a character", "as they are"),
        (b"\xc2\xa0[]", "unexpected character U+00A0", "a no-break space (U+00A0)"),
    ];
    for (text, what, hint) in cases {
        refused_text(&world, text).says(what).says(hint).says("has 1 problem [manifest_");
    }
    let clip = world.path("a.mp4");
    refused(&world, &["upload", clip.to_str().unwrap()])
        .says("this is an MP4 video, not a manifest")
        .says("`tiktok-up post` with the name of this video");
    refused(&world, &["upload", "work"])
        .says("`work` is a directory with videos and what may be a manifest of them");
}

#[test]
fn drafts_that_the_command_line_asks_for_are_judged_as_drafts() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    world.video("b.mp4", 20_000);
    let manifest = world.manifest(&json!([
        { "video_path": "a.mp4", "brand_content_toggle": true },
        { "video_path": "b.mp4", "brand_content_toggle": true, "mode": "direct",
          "privacy_level": "SELF_ONLY" },
    ]));
    refused(&world, &["upload", &manifest])
        .says("Branded content visibility cannot be set to private");
    world.run(&["upload", "--draft", &manifest]).exits(0).says("2 in inbox");
    assert!(world.calls("video_init").is_empty());
}

// Words that TikTok shows otherwise.

#[test]
fn words_that_tiktok_shows_otherwise_are_told_once_with_the_caption() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4",
        "description": "Tom &amp; Jerry\\nsoon", "tags": ["new-york", "c++", "a,b", "＃cat", "fine"] }]));
    let says = |ran: Ran| {
        ran.exits(0)
            .says("TikTok will show the caption as \"Tom &amp; Jerry\\nsoon #new-york #c++ #a,b #＃cat #fine\"")
            .says("\"#new-york\" becomes #new, \"#c++\" becomes #c, \"#a,b\" becomes #a")
            .says("the full-width ＃ makes none")
            .says("`&amp;` is HTML")
            .says("`\\n` stands there as it is")
    };
    says(world.run(&["upload", "--dry-run", &manifest]));
    let ran = world.run(&["upload", "--json", &manifest]).exits(0);
    let warnings = ran.json()[0]["warnings"].clone();
    assert!(warnings.to_string().contains("becomes #new"), "{warnings}");
    // It is posted: there is nothing to tell any more.
    world.run(&["upload", &manifest]).exits(0).never_says("becomes #new");
    assert_eq!(world.posts()[0].title, "Tom &amp; Jerry\\nsoon #new-york #c++ #a,b #＃cat #fine");
}

#[test]
fn a_template_that_was_not_filled_in_is_told_once() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.manifest(&json!([
        { "video_path": "a.mp4", "id": "{{ id }}", "description": "New: ${TITLE}",
          "privacy_level": "SELF_ONLY" },
        { "video_url": "https://verified.example/$ID.mp4", "description": "None",
          "privacy_level": "SELF_ONLY" },
    ]));
    let pieces = ["{{ id }}", "${TITLE}", "$ID", "None"];
    let told =
        pieces.map(|piece| format!("`{piece}` looks like a template that was not filled in"));
    let dry = world.run(&["upload", "--dry-run", &manifest]);
    let ran = world.run(&["--quiet", "upload", &manifest]);
    for told in &told {
        assert_eq!(dry.stderr.matches(told.as_str()).count(), 1, "{told}: {dry:#?}");
        assert_eq!(ran.stderr.matches(told.as_str()).count(), 1, "{told}: {ran:#?}");
    }
    world.run(&["--quiet", "upload", &manifest]).never_says("template");
}

#[test]
fn a_template_as_a_path_or_an_account_is_refused_as_one() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let manifest = world.manifest(&json!([
        { "video_path": "{{video}}" },
        { "video_path": "clips/{{ name }}.mp4" },
        { "video_path": "a.mp4", "user_id": "${ACCOUNT}" },
    ]));
    let ran = refused(&world, &["upload", &manifest]);
    for piece in ["{{video}}", "{{ name }}", "${ACCOUNT}"] {
        let ran = &ran;
        let told = format!("`{piece}` looks like a template that was not filled in");
        assert!(ran.stderr.contains(&told), "{ran:#?}");
    }
    ran.never_says("patterns");
}

#[test]
fn a_time_that_is_far_ahead_is_told_once() {
    let mut world = World::logged_in();
    world.video("a.mp4", 10_000);
    world.video("b.mp4", 20_000);
    let days = |n: i64| jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * n);
    let manifest = world.manifest(&json!([
        { "video_path": "a.mp4", "publish_at": days(36_530).to_string() },
        { "video_path": "b.mp4", "publish_at": days(360).to_string() },
    ]));
    let told = "a.mp4: its `publish_at` is 100 years ahead (21";
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says(told).never_says("b.mp4: its `");
    world.run(&["--quiet", "upload", &manifest]).exits(0).says(told).never_says("b.mp4");
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says("ahead");
    world.advance(jiff::SignedDuration::from_hours(24 * 400));
    world.run(&["--quiet", "upload", &manifest]).never_says("years ahead");
    let soon = world.manifest(&json!([
        { "video_path": "a.mp4", "publish_at": days(800).to_string() },
    ]));
    world.run(&["upload", "--json", &soon]).says("days ahead");
}

#[test]
fn a_time_that_is_long_past_is_told() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    world.video("b.mp4", 20_000);
    let hours = |n: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(n);
    let manifest = world.manifest(&json!([
        { "video_path": "a.mp4", "publish_at": hours(80).to_string() },
        { "video_path": "b.mp4", "publish_at": hours(20).to_string() },
    ]));
    let ran = world.run(&["upload", &manifest]).exits(0);
    let ran = ran.says("a.mp4: its `publish_at` is 3 days past (20").never_says("b.mp4: its");
    assert!(!ran.stderr.contains(&hours(80).to_string()[..13]), "{ran:#?}");
    world.run(&["upload", &manifest]).exits(0).never_says("days past");
}

// Times.

#[test]
fn the_zones_of_tz_are_known_on_every_machine() {
    let world = World::logged_in();
    let accounts = |zone: &str| {
        let mut command = world.command(&["accounts", "--wide"]);
        command.env("TZ", zone);
        Ran::of(command).exits(0)
    };
    for zone in [
        "Asia/Kolkata",
        ":Asia/Kolkata",
        "IST-5:30",
        "<+0530>-5:30",
        "/usr/share/zoneinfo/Asia/Kolkata",
    ] {
        accounts(zone).says(" +05:30").never_says("TZ");
    }
    let berlin = accounts("CET-1CEST,M3.5.0,M10.5.0/3").never_says("TZ");
    assert_eq!(berlin.stdout, accounts("Europe/Berlin").stdout);
    accounts("").says(" +00:00").never_says("TZ");
    for zone in ["Europe/Atlantis", "Europe/Berlin\r", "/dev/zero", "nonsense", "\u{200b}UTC"] {
        accounts(zone).says(" +00:00").says("TZ names no time zone that is known: `");
    }
    accounts("Europe/Berlin\r").says("`Europe/Berlin\\r`");
}

#[test]
fn what_is_traced_has_the_time_on_the_wall() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    let mut command = world.command(&["-v", "upload", &world.one_post(ADA, "a.mp4")]);
    command.env("TZ", "Asia/Kolkata");
    let ran = Ran::of(command).exits(0).says(" +05:30 ");
    let raw = |line: &str| line.as_bytes().get(10) == Some(&b'T') && line.contains("Z ");
    assert!(!ran.stderr.lines().any(raw), "{ran:#?}");
}

#[test]
fn local_times_are_not_imported_from_nowhere() {
    let world = World::new();
    let file = world.file("user_tokens.json", "{}");
    let mut command = world.command(&["accounts", "import", file.to_str().unwrap()]);
    command.env("TZ", "Europe/Atlantis").stdin(Stdio::null());
    Ran::of(command).exits(2).says("TZ names no time zone that is known: `Europe/Atlantis`");
}

#[test]
fn tokens_with_what_nobody_sees_are_not_imported() {
    let world = World::new();
    let record = |token: &str| {
        json!({ "id-1": { "access_token": token, "expires_in": 86400, "open_id": "id-1",
            "refresh_expires_in": 31_536_000, "refresh_token": "rft.canary", "scope": "video.upload",
            "expires_in_datetime": "2030-11-02T13:00:00",
            "refresh_expires_in_datetime": "2031-11-01T13:00:00" } })
    };
    let file = world.path("user_tokens.json");
    let write = |token: &str| {
        let mut out = fs::File::create(&file).unwrap();
        out.write_all(record(token).to_string().as_bytes()).unwrap();
    };
    let import = || world.run(&["accounts", "import", file.to_str().unwrap()]);
    for odd in ["act.can\u{200b}ary", "act.canary\u{a0}", "act.c\u{430}nary"] {
        write(odd);
        import().exits(2).says("a token holds characters that none has").never_says("nary");
    }
    write("act.plain");
    import().exits(0);
}

// Words that say the right thing to do.

#[test]
fn an_account_that_the_command_line_names_is_missed_there() {
    let world = World::logged_in();
    world.video("a.mp4", 10_000);
    world.video("b.mp4", 20_000);
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4" }, { "video_path": "b.mp4" }]));
    stopped(&world, 3, &["upload", "--account", "nope", &manifest], |_| ())
        .says("`--account`: no account is called `nope`")
        .never_says("user_id")
        .says("has 1 problem [manifest_");
    world.run(&["upload", "--account", "", &manifest]).exits(2).says("--account");
}

#[test]
fn addresses_and_times_are_told_what_is_wrong_with_them() {
    let world = World::logged_in();
    for (post, says) in [
        (json!({ "photo_urls": ["a.jpg"] }), "photos cannot come from this machine"),
        (json!({ "video_url": "https://cdn.example.com/a.mp4\u{200b}" }), "(U+200B): take it away"),
        (json!({ "video_url": "https://cdn.example.com/a.mp4 " }), "take away the space"),
        (json!({ "video_url": "https://cdn.example.com:99999/a.mp4" }), "from 1 to 65535"),
        (json!({ "video_url": "https://localhost:8443/a.mp4" }), "TikTok cannot reach this host"),
        (
            json!({ "photo_urls": ["https://cdn.example.com/1.jpg", "https://nas.local/2.jpg"] }),
            "line 1, column 49, post 1, field `photo_urls`: TikTok cannot reach this host",
        ),
        (
            json!({ "video_path": "a.mp4", "publish_at": "2026-12-01T10:00" }),
            "the seconds and the offset from UTC are missing",
        ),
        (
            json!({ "video_path": "a.mp4", "publish_at": "2026\u{2212}12-01T10:00:00Z" }),
            "(U+2212), which is not ASCII",
        ),
        (
            json!({ "video_path": "a.mp4", "de\u{441}cription": "x" }),
            "the `\u{441}` in it is U+0441",
        ),
    ] {
        refused_text(&world, json!([post]).to_string()).says(says);
    }
    refused_text(&world, "[{\n\"description\": \"My \"best\" cat\"}]")
        .says("line 2, column 20: ")
        .says("within a text a quote is written \\\"");
    refused_text(&world, "[{\"user_id\":").says("never closed").says("cut off");
    refused_text(&world, "# a, b\n[{\"video_path\": \"a.mp4\", \"tags\": []}]").says("// …");
}

#[test]
fn what_is_imported_and_is_no_login_is_called_what_it_is() {
    let world = World::new();
    let login = "-----BEGIN TIKTOK-UP LOGIN-----\nv1 $argon2id$v=19$x\nenc:1:a:b\n\
                 -----END TIKTOK-UP LOGIN-----\n";
    let like = "this looks like a login of `accounts export`, but ";
    let wide: Vec<u8> = login.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let record = json!({ "id-1": { "access_token": "act.x", "expires_in": 86400 } });
    let cases: [(Vec<u8>, &str); 10] = [
        (format!("\u{feff}{login}").into(), "it begins with a byte order mark"),
        ([b"\xff\xfe".to_vec(), wide].concat(), "it is not UTF-8"),
        (format!("Here it is:\n{login}").into(), "something stands before its first line"),
        (format!("> {}", login.trim_end().replace('\n', "\n> ")).into(), "quoted"),
        (login.split_once('\n').unwrap().1.into(), "its first line, with BEGIN, is missing"),
        (login.replacen("-----", "\u{2014}--", 1).into(), "the dashes of its first line"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), "gunzip"),
        (b"<!doctype html><p>404".to_vec(), "this is a web page, not a file of logins"),
        (b"[{\"video_path\": \"a.mp4\"}]".to_vec(), "this is a manifest of posts"),
        (record.to_string().into(), "lacks `refresh_token`"),
    ];
    for (at, (bytes, says)) in cases.into_iter().enumerate() {
        let file = world.file("login.txt", bytes);
        let mut command = world.command(&["accounts", "import", file.to_str().unwrap()]);
        command.stdin(Stdio::null());
        let ran = Ran::of(command).exits(2).says(says);
        if at < 6 {
            ran.says(like);
        }
    }
    let file = world.file("login.txt", "{}");
    let mut command = world.command(&["accounts", "import", file.to_str().unwrap()]);
    command.stdin(Stdio::null());
    Ran::of(command).exits(2).says("no login is in it");
}

#[test]
fn what_is_wrong_with_the_account_of_the_defaults_is_told_there_and_once() {
    let world = World::logged_in();
    world.consent(&json!({ "account": BEA, "scopes": ["user.info.basic", "video.upload"] }));
    world.login_with(&["--alias", "bea"]);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let of = |defaults: &str| {
        let posts = "{ \"video_path\": \"a.mp4\" },\n{ \"video_path\": \"b.mp4\" }";
        let text = format!("{{\n\"defaults\": {{ {defaults} }},\n\"posts\": [\n{posts}\n] }}");
        world.file("of.json", text).to_str().unwrap().to_owned()
    };
    let told = |ran: &Ran, words: &str| {
        assert_eq!(ran.stderr.matches(words).count(), 1, "{ran:#?}");
        assert!(ran.stderr.contains("has 1 problem [manifest_"), "{ran:#?}");
    };
    let place = "\n  line 2, column 26, defaults, field `user_id`: ";
    let ran = world.run(&["upload", &of("\"user_id\": \"nobody\"")]).exits(3);
    told(&ran, place);
    let manifest = of("\"user_id\": \"bea\"");
    let scope = "did not grant the scope `video.publish`";
    let ran = world.run(&["upload", &manifest]).exits(3);
    told(&ran, place);
    told(&ran, scope);
    // Who is named outside of the file is told of there, with what to do.
    let manifest = of("\"mode\": \"direct\"");
    let ran = world.run(&["upload", "--account", "bea", &manifest]).exits(3);
    told(&ran, &format!("\n  `--account`: `bea` {scope} (run `tiktok-up login`"));
}

#[test]
fn an_id_that_another_name_of_the_account_has_is_told_at_the_id() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    world.run(&["accounts", "alias", &ada, "ada"]).exits(0);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let text = format!(
        "[\n{{ \"user_id\": \"{ada}\", \"id\": \"x\", \"video_path\": \"a.mp4\" }},\n\
         {{ \"user_id\": \"ada\", \"id\": \"x\", \"video_path\": \"b.mp4\" }}\n]"
    );
    let manifest = world.file("of.json", text);
    let ran = world.run(&["upload", manifest.to_str().unwrap()]).exits(2);
    ran.says("\n  line 3, column 27, post 2, field `id`: the same as that of post 1");
}
