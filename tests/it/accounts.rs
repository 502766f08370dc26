//! `accounts`: who is logged in, and for how long.

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;

use crate::person::chmod;
use crate::world::{ADA, BEA, Ran, Running, World};

#[test]
fn nobody_is_logged_in_at_first() {
    let world = World::new();
    world.run(&["accounts"]).exits(0).says("no account is logged in");
    assert!(world.run(&["accounts", "--json"]).exits(0).json().is_empty());
}

#[test]
fn each_account_has_a_row_with_its_names_scopes_and_health() {
    let world = World::logged_in();
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--alias", "bea"]).exits(0);
    let ran = world.run(&["accounts", "--wide"]).exits(0);
    let row = |handle| {
        let open_id = world.open_id(handle);
        let mut lines = ran.stdout.lines();
        lines.find(|line| line.contains(&open_id)).unwrap_or_else(|| panic!("{ran:?}"))
    };
    assert!(row(ADA).contains("Ada") && row(ADA).contains("video.publish"), "{}", row(ADA));
    assert!(row(BEA).contains("bea") && row(BEA).ends_with("ok"), "{}", row(BEA));
}

#[test]
fn json_tells_the_ends_of_both_tokens() {
    let world = World::logged_in();
    let lines = world.run(&["accounts", "--json"]).exits(0).json();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["open_id"], world.open_id(ADA));
    assert_eq!(line["health"], "ok");
    for name in ["access_expires_at", "refresh_expires_at"] {
        assert_eq!(line[name], world.entry(ADA)[name]);
    }
}

#[test]
fn health_follows_time() {
    let mut world = World::logged_in();
    let health = |world: &World| world.run(&["accounts", "--json"]).json()[0]["health"].clone();
    assert_eq!(health(&world), "ok");
    world.advance(SignedDuration::from_hours(3));
    assert_eq!(health(&world), "refresh_due");
    world.advance(SignedDuration::from_hours(24 * 170));
    assert_eq!(health(&world), "ends_soon");
    world.advance(SignedDuration::from_hours(24 * 20));
    assert_eq!(health(&world), "needs_login");
}

#[test]
fn t18_neither_table_nor_json_shows_a_token() {
    let world = World::logged_in();
    for args in [&["accounts", "-vvvv"][..], &["accounts", "--json"]] {
        world.run(args).exits(0).never_says("act.").never_says("rft.");
    }
}

#[test]
fn an_alias_names_an_account_from_then_on() {
    let world = World::logged_in();
    world.run(&["accounts", "alias", &world.open_id(ADA), "anna"]).exits(0);
    world.run(&["refresh", "--force", "--account", "anna"]).exits(0).says("anna");
    world.login(BEA).exits(0);
    world.run(&["accounts", "alias", &world.open_id(BEA), "anna"]).exits(2).says("`anna`");
    assert_eq!(world.entry(BEA)["alias"], serde_json::Value::Null);
}

/// What the Flask uploader leaves behind: tokens that TikTok knows, with local times.
fn flask_file(world: &World, ends: &str) -> String {
    let entry = world.entry(ADA);
    let file = json!({ world.open_id(ADA): {
        "access_token": entry["access_token"], "refresh_token": entry["refresh_token"],
        "expires_in": 7200, "refresh_expires_in": 15_552_000, "open_id": world.open_id(ADA),
        "scope": entry["scopes"], "token_type": "Bearer",
        "expires_in_datetime": ends, "refresh_expires_in_datetime": ends } });
    world.file("flask.json", file.to_string()).to_str().unwrap().to_owned()
}

#[test]
fn the_flask_uploader_s_logins_are_taken_over_and_live() {
    let world = World::logged_in();
    let file = flask_file(&world, "2026-01-01T00:00:00.000001");
    std::fs::remove_dir_all(world.home().join("home")).unwrap();
    world.run(&["accounts", "import", &file]).exits(0).says("imported");
    world.run(&["refresh"]).exits(0).says("refreshed");
}

/// As docs/MOVING.md says.
#[test]
fn the_two_files_of_the_flask_uploader_work_as_they_are() {
    let world = World::logged_in();
    let tokens = flask_file(&world, "2026-01-01T00:00:00.000001");
    world.video("cats.mp4", 100_001);
    let manifest = world
        .manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "cats.mp4",
        "description": "Two cats", "tags": ["#cats", "#boxes"] }]));
    std::fs::remove_dir_all(world.home().join("home")).unwrap();
    world.run(&["accounts", "import", &tokens]).exits(0);
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("1 planned");
    for said in ["1 published", "1 skipped"] {
        world.run(&["upload", &manifest]).exits(0).says(said);
    }
    assert_eq!(world.posts()[0].title, "Two cats #cats #boxes");
}

#[test]
fn t16_an_import_never_overwrites_a_newer_login() {
    let world = World::logged_in();
    let before = world.store_text();
    let file = flask_file(&world, "2020-01-01T00:00:00");
    world.run(&["accounts", "import", &file]).exits(0).says("newer");
    assert_eq!(world.store_text(), before);
}

#[test]
fn an_import_for_another_app_keeps_the_login_that_is_here() {
    let world = World::logged_in();
    let before = world.store_text();
    let file = flask_file(&world, "2030-01-01T00:00:00");
    for json in [false, true] {
        let mut import = world.command(&["accounts", "import", &file]);
        import.env("TIKTOK_CLIENT_KEY", "sbawanotherapp00").args(json.then_some("--json"));
        Ran::of(import).exits(0).says("kept: the login here is of another app");
    }
    assert_eq!(world.store_text(), before);
}

#[test]
fn what_is_no_token_file_is_refused_without_quoting_it() {
    let world = World::logged_in();
    let before = world.store_text();
    let bad = world.file("bad.json", r#"{"id": {"access_token": "act.canary"}}"#);
    for file in [bad.to_str().unwrap(), world.store_path().to_str().unwrap(), "/nonexistent"] {
        world.run(&["accounts", "import", file]).exits(2).never_says("act.");
    }
    assert_eq!(world.store_text(), before);
}

#[test]
fn a_logout_revokes_and_forgets() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    world.run(&["logout", &world.open_id(ADA)]).exits(0);
    assert_eq!(world.calls("revoke").len(), 1);
    assert!(world.entry(ADA).is_null() && world.entry(BEA).is_object());
    assert!(!world.sandbox.state().grants.iter().any(|grant| grant.account == ADA));
}

#[test]
fn a_logout_with_an_ended_token_refreshes_it_first() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(3));
    world.run(&["logout", &world.open_id(ADA)]).exits(0).never_says("was not revoked");
    assert!(world.entry(ADA).is_null());
}

#[test]
fn a_logout_forgets_even_when_tiktok_does_not_and_says_so() {
    for fault in [json!({ "drop": "before" }), json!({ "answer": { "status": 503 } })] {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": "revoke", "times": 0, "do": fault }));
        world.run(&["logout", &world.open_id(ADA)]).exits(0).says("not revoked");
        assert!(world.entry(ADA).is_null());
    }
}

#[test]
fn a_logout_that_is_stopped_before_it_has_a_token_forgets_nothing() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(3));
    let (asked, go) = (world.path("asked"), world.path("go"));
    let config = world.home().join("home/config.toml");
    let app = format!(
        "[apps.main]\nclient_key = \"{}\"\nclient_secret_command = \"touch {}; until [ -e {} ]; do \
         sleep 0.01; done; echo {}\"\n",
        world.sandbox.client_key(),
        asked.display(),
        go.display(),
        world.sandbox.client_secret().expose(),
    );
    std::fs::write(&config, app).unwrap();
    chmod(&config, 0o600);
    let mut logout = world.command(&["logout", &world.open_id(ADA)]);
    logout.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    let run = Running::of(logout);
    world.wait_until("the secret is asked for", |_| asked.exists());
    run.signal(Signal::TERM);
    // What is asked after it is answered after it.
    world.wait_until("it has heard the signal", |_| {
        run.signal(Signal::USR1);
        run.said("logout: ")
    });
    std::fs::write(go, "").unwrap();
    run.end().exits(143).never_says("forgotten");
    assert!(world.entry(ADA).is_object());
    assert!(world.calls("revoke").is_empty() && world.calls("token_refresh").is_empty());
}

#[test]
fn a_logout_waits_for_no_run_and_ends_none() {
    let world = World::logged_in();
    world.hold("upload", 1, "middle");
    let run = world.start_upload(&world.short());
    world
        .wait_until("it sends", |world| world.posts().last().is_some_and(|post| post.received > 0));
    let open_id = world.open_id(ADA);
    let ran = world.run(&["logout", &open_id]).exits(5).says("a run is posting for the account");
    ran.says(&format!("process {}", run.pid())).says("--local-only");
    assert!(world.calls("revoke").is_empty());
    world.let_go();
    run.end().exits(0);
    world.run(&["logout", &open_id]).exits(0).says("is forgotten here");
}

#[test]
fn a_local_logout_asks_nobody() {
    let world = World::logged_in();
    let calls = world.sandbox.requests().len();
    world.run(&["logout", "--local-only", &world.open_id(ADA)]).exits(0);
    assert_eq!(world.sandbox.requests().len(), calls);
    assert!(world.entry(ADA).is_null());
}

#[test]
fn the_list_fits_eighty_columns_and_is_sorted_by_alias() {
    use unicode_width::UnicodeWidthStr as _;
    let world = World::logged_in();
    for (handle, alias) in
        [(BEA, "zoë-of-the-very-long-alias-that-somebody-chose"), ("@cyd", "anna")]
    {
        world.consent(&json!({ "account": handle }));
        world.login_with(&["--alias", alias]).exits(0);
    }
    let mut store: serde_json::Value = serde_json::from_str(&world.store_text()).unwrap();
    store["accounts"][world.open_id(ADA)]["display_name"] =
        "東京タワーの夜景と桜を撮る人👩‍👩‍👧‍👦 with a name of several words".into();
    store["accounts"][world.open_id(BEA)]["app"] = "an-app-with-a-long-name-of-its-own".into();
    store["accounts"][world.open_id(BEA)]["client_key"] = "gone".into();
    world.write_store(&store.to_string());

    let ran = world.run(&["accounts"]).exits(0);
    for line in ran.stdout.lines() {
        assert!(line.width() <= 80, "{} cells: {line}", line.width());
    }
    let heads: Vec<_> =
        ran.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!((heads[0], heads[1], heads[3]), ("ALIAS", "anna", "-"), "{ran:#?}");
    assert!(heads[2].starts_with("zoë-of-"), "{ran:#?}");
    assert!(ran.stdout.contains("app not configured"), "{ran:#?}");
    // Who has no alias is called by the open_id, which is elsewhere.
    ran.says("--wide").says("accounts alias");

    let wide = world.run(&["accounts", "--wide"]).exits(0);
    wide.says("SCOPES").says("video.publish").says(&world.open_id(ADA));
    let rows = world.run(&["accounts", "--json"]).exits(0).json();
    assert_eq!((&rows[0]["alias"], &rows[2]["alias"]), (&"anna".into(), &serde_json::Value::Null));
}
