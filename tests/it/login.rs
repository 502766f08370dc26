//! `login`: who gets in, who does not, and what is on disk afterwards.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Stdio;

use serde_json::json;
use tiktok_sandbox::{App, Options};

use crate::person::{address_bar, after, answer, body, chmod, eventually, get, status};
use crate::terminal::Terminal;
use crate::world::{ADA, BEA, Ran, World, raw_request};

/// A browser that notes how it was called instead of showing anything.
fn stub_browser(world: &World, exit: u8) -> String {
    let bin = world.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let (script, notes) = (bin.join("xdg-open"), world.path(""));
    let notes = notes.display();
    let text = format!(
        "#!/bin/sh\n/usr/bin/env > {notes}/environment\nprintf '%s' \"$1\" > {notes}/url.part\n\
         /bin/mv {notes}/url.part {notes}/url\nexit {exit}\n"
    );
    fs::write(&script, text).unwrap();
    chmod(&script, 0o755);
    bin.display().to_string()
}

/// `login` with that browser; what it is told to open is opened.
fn login_by_browser(world: &World, path: &str) -> Ran {
    let mut command = world.command(&["login", "--port", "0"]);
    command.env("PATH", path).env("DISPLAY", ":0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let url = eventually("the browser's address", || fs::read_to_string(world.path("url")).ok());
    world.browse(&url);
    Ran::after(String::new(), child)
}

#[test]
fn a_login_says_who_it_was_and_what_was_granted() {
    let world = World::new();
    let ran = world.login(ADA).exits(0);
    let ran = ran.says(&world.open_id(ADA)).says("video.publish").says("Ada");
    assert!(ran.stdout.is_empty(), "talk is for standard error: {ran:?}");
    let entry = world.entry(ADA);
    assert_eq!(entry["generation"], 1);
    assert_eq!(entry["client_key"], world.sandbox.client_key());
    assert!(world.leftovers().is_empty());
}

#[test]
fn a_login_by_browser_opens_it_with_the_address() {
    let world = World::new();
    let bin = stub_browser(&world, 0);
    login_by_browser(&world, &bin).exits(0).says(&world.open_id(ADA));
}

#[test]
fn the_browser_is_told_that_it_may_be_closed() {
    let world = World::new();
    let login = world.start_login(&[]);
    let (status, page) = world.browse(&login.url);
    assert_eq!(status, 200);
    assert!(page.contains("close this window"), "{page}");
    login.end().exits(0);
}

#[test]
fn the_last_page_says_who_logged_in_and_what_was_not_granted() {
    let world = World::new();
    let login = world.start_login(&[]);
    let (status, page) = world.browse(&login.url);
    assert!(status == 200 && page.contains("<strong>Ada Private</strong> is logged in."), "{page}");
    login.end().exits(0);

    world.consent(&json!({ "account": ADA, "scopes": ["user.info.basic", "video.upload"] }));
    let login = world.start_login(&[]);
    let (_, page) = world.browse(&login.url);
    assert!(
        page.contains("video.publish was not granted: posting directly will not work."),
        "{page}"
    );
    assert!(!page.contains("video.upload was not granted"), "{page}");
    login.end().exits(0);
}

#[test]
fn the_last_page_comes_when_the_login_is_made_and_not_before() {
    let world = World::new();
    world.hold("user_info", 1, "before");
    let login = world.start_login(&[]);
    let callback = login.consented();
    std::thread::scope(|scope| {
        let page = scope.spawn(move || callback.make());
        world.wait_until("the code is spent", |world| world.calls("token_code").len() == 1);
        assert!(!page.is_finished(), "who it is, is not known yet");
        world.let_go();
        let page = page.join().unwrap();
        assert!(body(&page).contains("is logged in"), "{page}");
    });
    login.end().exits(0);
    assert!(world.entry(ADA).is_object());
}

/// What is refused, lost or odd, and what the page says of it. TikTok may repeat what it was sent.
#[test]
fn the_last_page_says_what_failed_and_no_secret() {
    for (fault, words) in [
        (json!({ "refuse": { "code": "invalid_client" } }), "invalid_client"),
        (json!({ "refuse": { "code": "invalid_grant", "message": "<b>late" } }), "&lt;b&gt;late"),
        (json!({ "drop": "before" }), "failed to exchange the authorization code"),
        (json!({ "garbage": true }), "failed to exchange the authorization code"),
        (json!({ "echo": { "field": "message", "status": 400 } }), "invalid_request"),
    ] {
        let world = World::new();
        world.fault(&json!({ "endpoint": "token_code", "times": 2, "do": fault }));
        let login = world.start_login(&[]);
        let callback = login.consented();
        let answer = callback.make();
        assert_eq!(status(&answer), "200");
        let page = body(&answer);
        assert!(page.contains("Not logged in") && page.contains(words), "{fault}: {page}");
        for secret in world.sandbox.secrets() {
            assert!(!page.contains(secret.expose()), "{fault}: {page}");
        }
        let ran = login.end();
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(!world.store_path().exists());
    }
    let world = World::new();
    let login = world.start_login(&[]);
    let state = login.parameter("state");
    login.get(&format!("/callback/?error=non_sandbox_target&error_description=x&state={state}"));
    let page = login.get("/denied");
    assert!(body(&page).contains("TikTok says: non_sandbox_target (x)."), "{page}");
    login.end().exits(2).says("target user");
}

/// An app with these redirect URIs besides the usual ones, in config.toml with the last of them.
fn registered(uris: &[&str]) -> World {
    let mut app = App::random();
    // In front, as those of an app that has no other.
    for uri in uris.iter().rev() {
        app.register(*uri).unwrap();
        app.redirect_uris.rotate_right(1);
    }
    let world = World::with(Options { apps: vec![app], ..Options::default() });
    configured(&world, uris.last().unwrap());
    world
}

fn configured(world: &World, uri: &str) {
    let (key, secret) = (world.sandbox.client_key(), world.sandbox.client_secret());
    world.configure(&format!(
        "[apps.mine]\nclient_key = \"{key}\"\nclient_secret = \"{}\"\nredirect_uri = \"{uri}\"\n",
        secret.expose()
    ));
}

#[test]
fn every_redirect_uri_of_a_desktop_app_logs_in() {
    for (registered_as, configured_as, path) in [
        ("http://localhost:*/callback/", "http://localhost:*/callback/", "/callback/"),
        ("http://localhost:*/callback", "http://localhost:3456/callback", "/callback"),
        ("http://localhost:*", "http://localhost:*", ""),
        ("http://localhost:*/", "http://localhost:8080/", "/"),
        ("http://127.0.0.1:*", "http://127.0.0.1:*", ""),
        ("http://127.0.0.1:*/auth/tiktok", "http://127.0.0.1:*/auth/tiktok", "/auth/tiktok"),
        ("http://127.0.0.1:*/done", "http://127.0.0.1:*/done", "/done"),
        ("http://localhost:*/denied", "http://localhost:*/denied", "/denied"),
    ] {
        let world = registered(&[registered_as]);
        configured(&world, configured_as);
        let login = world.start_login(&[]);
        let start = configured_as.rsplit_once(':').unwrap().0;
        let expected = format!("{start}:{}{path}", login.port());
        assert_eq!(login.parameter("redirect_uri"), expected);
        let (_, page) = world.browse(&login.url);
        assert!(page.contains("is logged in"), "{configured_as}: {page}");
        login.end().exits(0);
        assert!(world.entry(ADA).is_object(), "{configured_as}");
    }
}

#[test]
fn the_port_of_the_redirect_uri_is_waited_on_unless_another_is_asked_for() {
    // Taken, so that no other program comes in between.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = registered(&["http://localhost:*/callback/"]);
    configured(&world, &format!("http://localhost:{port}/callback/"));
    world
        .run(&["login", "--no-browser"])
        .exits(5)
        .says(&format!("port {port} of 127.0.0.1 is in use"));
    world.login_with(&[]).exits(0);
}

#[test]
fn an_address_that_nothing_can_wait_at_is_pasted() {
    for (uri, port) in [
        ("https://127.0.0.1:3455/callback/", ""),
        ("https://example.com/auth/callback", ""),
        ("http://localhost:*", ":3456"),
        ("http://localhost:8080/callback", ""),
    ] {
        let world = registered(&[uri]);
        let ran = login_elsewhere(&world, "--paste", |address| {
            let bar = address_bar(address);
            assert!(bar.starts_with(&format!("{}?", uri.replace(":*", port))), "{bar}");
            // As a browser shows it: with a slash where there is no path.
            format!("{}\n", url::Url::parse(&bar).unwrap())
        });
        ran.exits(0).never_says("not the address");
        if uri.starts_with("https") {
            let ran = world.run(&["login", "--no-browser"]).exits(2).says("--paste").says(uri);
            assert!(!ran.stderr.contains("client_key="), "no address is shown: {ran:?}");
        }
    }
}

#[test]
fn at_a_terminal_such_an_address_is_asked_for() {
    if !Terminal::is_there() {
        return;
    }
    let world = registered(&["https://127.0.0.1:3455/callback/"]);
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    let mut terminal = Terminal::start(&world, &format!("{program} login --no-browser"), &[]);
    terminal.sees("so its address is pasted").sees("open this address in a browser: ");
    let address = terminal.word();
    terminal.types(&address_bar(&address));
    let (good, shown) = terminal.end();
    assert!(good && shown.contains("logged in"), "{shown}");
}

#[test]
fn a_redirect_uri_that_tiktok_does_not_take_is_found_in_the_configuration() {
    for (uri, words) in [
        ("http://example.com/callback/", "any other host needs https"),
        ("http://localhost/callback/", "wants a port"),
        ("http://[::1]:3456/callback/", "any other host needs https"),
        ("http://localhost:3456/?a=b", "without query and fragment"),
    ] {
        let world = World::new();
        configured(&world, uri);
        world.run(&["login", "--no-browser"]).exits(2).says(words);
        assert!(world.sandbox.requests().is_empty());
    }
}

/// A forwarded port, or a person who retypes the address.
#[test]
fn a_callback_at_another_name_tells_the_page_and_the_terminal_what_to_do() {
    for (uri, other) in [
        ("http://127.0.0.1:*/callback/", "localhost"),
        ("http://localhost:*/callback/", "127.0.0.1"),
    ] {
        let world = registered(&[uri]);
        let login = world.start_login(&[]);
        let (callback, port) = (login.consented(), login.port());
        let waits_at = login.parameter("redirect_uri");
        let elsewhere = |target: &str| {
            raw_request(port, &format!("GET {target} HTTP/1.1\r\nHost: {other}:{port}\r\n\r\n"))
        };
        for _ in 0..2 {
            let answer = elsewhere(&callback.target(&callback.state));
            assert_eq!(status(&answer), "421");
            assert!(
                body(&answer).contains(&format!("waits at <code>{waits_at}</code>")),
                "{answer}"
            );
            assert!(body(&answer).contains("In the address bar"), "{answer}");
            assert!(!answer.contains(&callback.state) && !answer.contains(&callback.code));
            assert!(answer.contains("cache-control: no-store"), "{answer}");
        }
        // Nobody else learns where it waits.
        let foreign = elsewhere(&callback.target("guessed"));
        assert!(status(&foreign) == "421" && !foreign.contains(&waits_at), "{foreign}");
        assert!(world.calls("token_code").is_empty(), "nothing was taken");
        // What it says to do, done.
        let (_, page) = world.browse(&format!(
            "{waits_at}?{}",
            callback.target(&callback.state).split_once('?').unwrap().1
        ));
        assert!(page.contains("is logged in"), "{page}");
        let ran = login.end().exits(0);
        let told = format!("came to `{other}:{port}`, but this login waits at `{waits_at}`");
        assert_eq!(ran.stderr.matches(&told).count(), 1, "{ran:?}");
        ran.says("address bar").says("--paste").never_says(&callback.code);
    }
}

#[test]
fn a_second_login_of_an_account_replaces_its_tokens_and_keeps_its_alias() {
    let world = World::new();
    world.login_with(&["--alias", "a"]).exits(0);
    let before = world.entry(ADA);
    world.login(ADA).exits(0);
    let now = world.entry(ADA);
    assert_ne!(before["access_token"], now["access_token"]);
    assert_eq!((&now["alias"], &now["generation"]), (&json!("a"), &json!(2)));
}

#[test]
fn two_accounts_live_side_by_side() {
    let world = World::new();
    world.login(ADA).exits(0);
    world.login(BEA).exits(0);
    assert!(world.entry(ADA).is_object());
    assert!(world.entry(BEA).is_object());
}

#[test]
fn an_alias_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let world = World::new();
    world.run(&["login", "--no-browser", "--port", "0", "--alias", " "]).exits(2);
    assert!(world.sandbox.requests().is_empty());
}

#[test]
fn f01_a_port_in_use_starts_no_browser() {
    let world = World::new();
    let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = squatter.local_addr().unwrap().port().to_string();
    let mut command = world.command(&["login", "--port", &port]);
    command.env("PATH", stub_browser(&world, 0)).env("DISPLAY", ":0");
    Ran::of(command).exits(5).says(&format!("port {port}")).says("--port 0");
    assert!(!world.path("url").exists());
    assert!(!world.store_path().exists());
}

#[test]
fn f02_a_refusal_ends_the_login_and_its_page_says_so() {
    let world = World::new();
    world.consent(&json!({ "deny": true }));
    let login = world.start_login(&[]);
    let (_, page) = world.browse(&login.url);
    assert!(page.contains("not granted") && page.contains("close this window"), "{page}");
    login.end().exits(3).says("access_denied");
    assert!(!world.store_path().exists());
}

#[test]
fn f02_a_refusal_without_our_state_is_told_and_waited_out() {
    let world = World::new();
    world.consent(&json!({ "deny": true, "without_state": true }));
    let login = world.start_login(&[]);
    assert_eq!(world.browse(&login.url).0, 400);
    world.browse(&login.url);
    login.end().exits(0).says("Ctrl-C if you denied access");
}

#[test]
fn f03_nobody_comes_and_the_settings_to_check_are_named() {
    let world = World::new();
    let ran = world.start_login(&["--timeout", "200ms"]).end().exits(5);
    let ran = ran.says("redirect_uri").says("client_key").says("scope").says("Target users");
    ran.says("Login Kit > Desktop");
    assert!(!world.store_path().exists());
}

#[test]
fn f04_a_wrong_state_before_the_right_one_is_one_warning() {
    let world = World::new();
    let login = world.start_login(&[]);
    for _ in 0..3 {
        login.get("/callback/?code=x&state=wrong");
    }
    world.browse(&login.url);
    let ran = login.end().exits(0);
    assert_eq!(ran.stderr.matches("does not belong to this login").count(), 1, "{ran:?}");
}

#[test]
fn f05_two_callbacks_at_once_are_one_exchange_and_one_write() {
    let world = World::new();
    let login = world.start_login(&[]);
    let callback = login.consented();
    let target = callback.target(&callback.state);
    let (one, two) = std::thread::scope(|scope| {
        let send = || get(callback.port, &target);
        let (one, two) = (scope.spawn(send), scope.spawn(send));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!((status(&one), status(&two)), ("303", "303"));
    get(callback.port, "/done");
    let ran = login.end().exits(0);
    assert_eq!(ran.stderr.matches("logged in").count(), 1);
    assert_eq!(world.calls("token_code").len(), 1);
    assert_eq!(world.entry(ADA)["generation"], 1);
}

#[test]
fn f06_an_exchange_without_an_answer_is_not_repeated() {
    for fault in [
        json!({ "drop": "after" }),
        json!({ "answer": { "status": 503 } }),
        json!({ "garbage": true }),
        json!({ "refuse": { "code": "server_error" } }),
    ] {
        let world = World::new();
        world.fault(&json!({ "endpoint": "token_code", "do": fault }));
        world.login(ADA).exits(5);
        assert_eq!(world.calls("token_code").len(), 1, "{fault}");
        assert!(!world.store_path().exists());
    }
}

#[test]
fn f07_an_error_with_http_200_is_an_error() {
    let world = World::new();
    let body = json!({ "error": "invalid_request", "log_id": "20261101ABC",
        "error_description": "Code verifier or code challenge is invalid." });
    let answer = json!({ "answer": { "status": 200, "body": body } });
    world.fault(&json!({ "endpoint": "token_code", "do": answer }));
    world.login(ADA).exits(3).says("invalid_request").says("20261101ABC");
    assert!(!world.store_path().exists());
}

#[test]
fn f08_killed_between_exchange_and_save_leaves_no_partial_file() {
    let world = World::new();
    world.fault(&json!({ "endpoint": "user_info", "do": { "stall": "30s" } }));
    let login = world.start_login(&[]);
    answer(&login.url);
    eventually("the exchange", || (!world.calls("token_code").is_empty()).then_some(()));
    login.kill();
    assert!(!world.store_path().exists());
    assert!(world.leftovers().is_empty());
    world.run(&["accounts"]).exits(0).says("no account is logged in");
}

#[test]
fn f10_without_a_browser_the_address_is_printed_and_waited_on() {
    let world = World::new();
    let bin = stub_browser(&world, 3);
    login_by_browser(&world, &bin).exits(0).says("no browser could be started").says("--paste");
}

#[test]
fn without_a_display_or_a_launcher_the_other_ways_are_named() {
    let world = World::new();
    let with_launcher = stub_browser(&world, 0);
    let nothing = world.home().display().to_string();
    for (display, path) in [("", &with_launcher), (":0", &nothing)] {
        let mut command = world.command(&["login", "--port", "0", "--timeout", "300ms"]);
        command.env("PATH", path).env("DISPLAY", display);
        let ran = Ran::of(command).exits(5).says("no browser could be started");
        ran.says("`--qr` or `--paste`").never_says("a browser window asks");
        assert!(!world.path("url").exists(), "no launcher is tried where nobody would see it");
    }
}

#[test]
fn f11_f12_a_store_that_cannot_be_used_stops_the_login_before_the_browser() {
    for (text, mode, words) in [
        (r#"{"version":1,"accounts":{}}"#, 0o644, "chmod 600"),
        ("", 0o600, "log in again"),
        (r#"{"version":1,"acc"#, 0o600, "log in again"),
        (r#"{"version":2}"#, 0o600, "update tiktok-up"),
    ] {
        let world = World::logged_in();
        world.write_store(text);
        chmod(&world.store_path(), mode);
        world.run(&["login", "--no-browser", "--port", "0"]).exits(4).says(words);
        assert_eq!(world.store_text(), text);
    }
}

#[test]
fn t13_under_any_umask_the_store_is_closed_to_others() {
    for umask in ["000", "077", "027"] {
        let world = World::new();
        let bin = stub_browser(&world, 0);
        let mut command = world.command(&["login", "--port", "0"]);
        command.env("PATH", bin).env("DISPLAY", ":0");
        let mut command = after(&format!("umask {umask}"), &command);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let url = eventually("the address", || fs::read_to_string(world.path("url")).ok());
        world.browse(&url);
        assert!(child.wait_with_output().unwrap().status.success());
        let mode = |path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(world.store_path()), 0o600, "umask {umask}");
        assert_eq!(mode(world.home().join("home")), 0o700, "umask {umask}");
    }
}

#[test]
fn t14_a_link_in_place_of_the_store_is_refused_and_its_target_untouched() {
    for hard in [false, true] {
        let world = World::logged_in();
        let target = world.file("precious", "precious");
        chmod(&target, 0o600);
        fs::remove_file(world.store_path()).unwrap();
        if hard {
            fs::hard_link(&target, world.store_path()).unwrap();
        } else {
            symlink(&target, world.store_path()).unwrap();
        }
        world.run(&["login", "--no-browser", "--port", "0"]).exits(4);
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }
}

#[test]
fn t17_the_browser_sees_no_secret_in_its_environment_or_address() {
    let world = World::new();
    let bin = stub_browser(&world, 0);
    login_by_browser(&world, &bin).exits(0);
    let seen = fs::read_to_string(world.path("environment")).unwrap();
    let url = fs::read_to_string(world.path("url")).unwrap();
    let secret = world.sandbox.client_secret();
    assert!(seen.contains("TIKTOK_UP_HOME"), "the stub did see an environment");
    assert!(!seen.contains(secret.expose()) && !url.contains(secret.expose()));
}

#[test]
fn t18_at_full_verbosity_no_secret_is_said() {
    let world = World::new();
    let login = world.start_login(&["-vvvv"]);
    let callback = login.consented();
    callback.make();
    let ran = login.end().exits(0);
    let entry = world.entry(ADA);
    for secret in [
        world.sandbox.client_secret().expose(),
        callback.code.as_str(),
        entry["access_token"].as_str().unwrap(),
        entry["refresh_token"].as_str().unwrap(),
    ] {
        assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{ran:?}");
    }
}

#[test]
fn t24_a_named_account_is_logged_in_by_nobody_else() {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.login_with(&["--alias", "ada"]).exits(0);
    let before = world.store_text();
    world.consent(&json!({ "account": BEA }));
    let ran = world.login_with(&["--alias", "ada"]).exits(3);
    ran.says(&world.open_id(BEA)).says(&world.open_id(ADA)).says("--alias");
    assert_eq!(world.store_text(), before);
}

#[test]
fn t25_what_was_not_granted_is_named_with_what_will_not_work() {
    let world = World::new();
    world.consent(&json!({ "account": ADA, "scopes": ["user.info.basic", "video.upload"] }));
    world.login_with(&[]).exits(0).says("`video.publish` was not granted: posting directly");
    assert_eq!(world.entry(ADA)["scopes"], "user.info.basic,video.upload");
}

#[test]
fn a_scope_can_be_added_to_a_known_account_later() {
    let world = World::new();
    world.login_with(&["--alias", "a", "--scopes", "user.info.basic"]).exits(0);
    let login = world.start_login(&["--alias", "a", "--scopes", "video.list"]);
    assert_eq!(login.parameter("scope"), "user.info.basic,video.list");
    world.browse(&login.url);
    login.end().exits(0);
    assert_eq!(world.entry(ADA)["scopes"], "user.info.basic,video.list");
}

#[test]
fn the_authorize_address_is_as_documented() {
    let world = World::new();
    let login = world.start_login(&[]);
    assert_eq!(login.parameter("client_key"), world.sandbox.client_key());
    assert_eq!(login.parameter("response_type"), "code");
    assert_eq!(login.parameter("code_challenge_method"), "S256");
    let challenge = login.parameter("code_challenge");
    assert_eq!(challenge.len(), 64);
    assert!(challenge.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
    let redirect_uri = login.parameter("redirect_uri");
    assert_eq!(redirect_uri, format!("http://127.0.0.1:{}/callback/", login.port()));
    world.browse(&login.url);
    login.end().exits(0);
}

/// Runs `login` with these arguments; as soon as it shows an address, `then` acts on it, and what
/// that returns is typed in.
pub(crate) fn login_elsewhere(world: &World, way: &str, then: impl FnOnce(&str) -> String) -> Ran {
    let mut command = world.command(&["login", way]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let before = said.len();
        assert!(stderr.read_line(&mut said).unwrap() > 0, "no address: {said}");
        let mut words = said[before..].split_whitespace();
        if let Some(address) =
            words.find(|word| word.contains("://") && word.contains("client_key"))
        {
            break address.to_owned();
        }
    };
    let typed = then(&address);
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    Ran::after(said, child)
}

#[test]
fn a_pasted_address_logs_in_and_is_not_said_again() {
    let world = World::new();
    let mut pasted = String::new();
    let ran = login_elsewhere(&world, "--paste", |address| {
        pasted = address_bar(address);
        format!("http://127.0.0.1:3456/callback/?code=stolen&state=another\n{pasted}\n")
    });
    let code = pasted.split_once("code=").unwrap().1.split('&').next().unwrap();
    ran.exits(0).says(&world.open_id(ADA)).says("belongs to another try").never_says(code);
    assert_eq!(world.calls("token_code").len(), 1);
}

#[test]
fn a_login_that_is_pasted_nothing_ends_as_a_usage_error() {
    let world = World::new();
    login_elsewhere(&world, "--paste", |_| "\n".to_owned()).exits(2).says("code");
    assert!(world.calls("token_code").is_empty());
}

#[test]
fn a_scanned_code_logs_in() {
    let world = World::new();
    let ran = login_elsewhere(&world, "--qr", |address| {
        let token = world.sandbox.scan(address).unwrap();
        world.sandbox.confirm(&token, BEA).unwrap();
        String::new()
    });
    let ran = ran.exits(0).says(&world.open_id(BEA));
    assert!(ran.stderr.contains('\u{2588}'), "a code was drawn");
}
