//! `watch`: one round after another, as a service.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::json;

use crate::process::eventually;
use crate::world::{ADA, BEA, Running, World, raw_request};

fn start(world: &World, args: &[&str]) -> Running {
    Running::of(world.command(&[&["watch"], args].concat()))
}

fn ends(run: Running) -> crate::world::Ran {
    run.signal(Signal::TERM);
    run.end().exits(0)
}

#[test]
fn what_is_added_is_posted_and_a_service_manager_is_told() {
    let world = World::logged_in();
    let manifest = world.short();
    let socket = world.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = world.command(&["watch", &manifest, "--every", "1h"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000");
    let run = Running::of(command);
    let heard = |words: &str| {
        let mut buffer = [0; 1000];
        loop {
            let length = manager.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.contains(words) {
                return said;
            }
        }
    };
    heard("READY=1");
    heard("WATCHDOG=1");
    heard("STATUS=the last round ended with 0; next one at ");
    assert_eq!(world.published(), 1);
    world.video("other.mp4", 100_777);
    let user = world.open_id(ADA);
    let both = json!([
        { "user_id": user, "video_path": "clip.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": user, "video_path": "other.mp4", "privacy_level": "SELF_ONLY" },
    ]);
    // A slip ends nothing.
    fs::write(&manifest, "[{]").unwrap();
    run.signal(Signal::HUP);
    heard("STATUS=the last round ended with 2");
    fs::write(&manifest, both.to_string()).unwrap();
    run.signal(Signal::HUP);
    heard("STATUS=the last round ended with 0");
    assert_eq!((world.published(), world.inits()), (2, 2));
    run.signal(Signal::TERM);
    heard("STOPPING=1");
    run.end().exits(0);
}

#[test]
fn what_waits_for_its_time_is_posted_when_it_comes() {
    let world = World::logged_in();
    world.video("later.mp4", 100_001);
    let at = Timestamp::now() + SignedDuration::from_secs(3);
    let manifest = world.manifest(&json!([{ "video_path": "later.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": at.to_string() }]));
    let run = start(&world, &[&manifest, "--every", "1h"]);
    world.wait_until("the post", |world| world.published() == 1);
    assert!(Timestamp::now() >= at);
    ends(run);
}

#[test]
fn a_chunk_under_way_is_ended_first_and_nothing_is_posted_twice() {
    let world = World::logged_in();
    let manifest = world.long();
    world.hold("upload", 2, "middle");
    let run = start(&world, &[&manifest, "--every", "1h", "--chunk-size", "5MiB"]);
    world.wait_until("the chunk", |world| !world.calls("upload").is_empty() && run.is_at_rest());
    run.signal(Signal::TERM);
    world.let_go();
    run.end().exits(0);
    world.run(&["upload", "--chunk-size", "5MiB", &manifest]).exits(0);
    assert_eq!((world.published(), world.inits()), (1, 1));
}

#[test]
fn what_is_for_one_run_is_not_repeated() {
    let world = World::logged_in();
    let manifest = world.short();
    for option in ["--repost", "--new-journal", "--dry-run"] {
        world.run(&["watch", &manifest, option]).exits(2).says("one `tiktok-up upload`");
    }
    assert_eq!(world.inits(), 0);
    // Without a list, or settings that can be used, it does not begin.
    world.run(&["watch", "nothing.json"]).exits(2).says("there is no manifest `nothing.json`");
    world.configure("[apps.a\n");
    world.run(&["watch", &manifest]).exits(2).says("config.toml");
}

/// Starts it with metrics on a free port, and says where they are.
fn start_with_metrics(world: &World, manifest: &str, more: &[&str]) -> (Running, SocketAddr) {
    let args = [&[manifest, "--every", "1h", "--metrics", "127.0.0.1:0"], more].concat();
    let run = start(world, &args);
    let url = eventually("the address of the metrics", || run.find_word("/metrics"));
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap();
    let address = address.parse().unwrap();
    (run, address)
}

fn get(address: SocketAddr, path: &str) -> String {
    raw_request(address.port(), &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
}

/// The metrics once a round has ended.
fn after_rounds(address: SocketAddr, rounds: u32) -> String {
    let ended = format!("\ntiktok_up_rounds_total {rounds}\n");
    eventually("the end of a round", || {
        Some(get(address, "/metrics")).filter(|page| page.contains(&ended))
    })
}

/// The value of a metric.
fn value(page: &str, metric: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {metric} in {page}")).parse().unwrap()
}

#[test]
fn prometheus_is_told_how_posts_and_logins_stand() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    let (ada, bea) = (world.open_id(ADA), world.open_id(BEA));
    world.run(&["accounts", "alias", &ada, "the \"shop\""]).exits(0);
    world.video("now.mp4", 100_000);
    world.video("full.mp4", 100_001);
    world.video("later.mp4", 100_002);
    world.refuse("video_init", 2, 1, "spam_risk_too_many_posts");
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "now.mp4" },
        { "user_id": ada, "video_path": "full.mp4" },
        { "user_id": ada, "video_path": "later.mp4", "publish_at": "2999-01-01T00:00:00Z" },
    ]));
    let (run, address) = start_with_metrics(&world, &manifest, &[]);
    let page = after_rounds(address, 1);
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("text/plain; version=0.0.4"));
    for (metric, is) in [
        ("tiktok_up_posts_ended_total{state=\"published\"}", 1.0),
        ("tiktok_up_posts_ended_total{state=\"deferred\"}", 2.0),
        ("tiktok_up_posts_ended_total{state=\"failed\"}", 0.0),
        ("tiktok_up_posts{state=\"deferred\"}", 1.0),
        ("tiktok_up_posts{state=\"scheduled\"}", 1.0),
        ("tiktok_up_posts{state=\"unresolved\"}", 0.0),
        ("tiktok_up_last_round_exit_code", 5.0),
        ("tiktok_up_drafts_room{account=\"the \\\"shop\\\"\"}", 5.0),
    ] {
        assert!((value(&page, metric) - is).abs() < 0.5, "{metric}: {page}");
    }
    let full = "tiktok_up_quota_full_seconds{account=\"the \\\"shop\\\"\",quota=\"posts\"}";
    assert!(value(&page, full) > 0.0, "{page}");
    let ends = value(&page, &format!("tiktok_up_login_ends_seconds{{account=\"{bea}\"}}"));
    assert!(ends > 24.0 * 3600.0, "{page}");
    let at = value(&page, "tiktok_up_last_round_timestamp_seconds");
    let next = value(&page, "tiktok_up_next_round_timestamp_seconds");
    assert!(next > at, "{page}");
    assert!(page.contains(concat!("tiktok_up_build_info{version=\"", env!("CARGO_PKG_VERSION"))));
    run.signal(Signal::HUP);
    let page = after_rounds(address, 2);
    assert!((value(&page, "tiktok_up_posts_ended_total{state=\"skipped\"}") - 1.0).abs() < 0.5);
    let tokens = world.entry(ADA);
    for token in ["access_token", "refresh_token"] {
        assert!(!page.contains(tokens[token].as_str().unwrap()), "{token}");
    }
    ends_of(run, address);
}

/// It ends, and nobody listens any more.
fn ends_of(run: Running, address: SocketAddr) {
    ends(run);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_post_of_which_nobody_knows_is_told_to_prometheus() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "garbage": true } }));
    let (run, address) = start_with_metrics(&world, &world.pull(), &["--quiet"]);
    let page = after_rounds(address, 1);
    assert!((value(&page, "tiktok_up_posts{state=\"unresolved\"}") - 1.0).abs() < 0.5, "{page}");
    assert!((value(&page, "tiktok_up_last_round_exit_code") - 6.0).abs() < 0.5, "{page}");
    ends(run);
}

#[test]
fn metrics_are_one_page_for_this_machine_alone() {
    let world = World::logged_in();
    let manifest = world.short();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9184", "example.com:9184", "9184"] {
        let ran = world.run(&["watch", &manifest, "--metrics", address]).exits(2);
        ran.says("127.0.0.1");
    }
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let ran = world.run(&["watch", &manifest, "--metrics", &taken]).exits(4);
    ran.says("cannot listen on").says("--metrics");
    assert_eq!(world.inits(), 0);
    let (run, address) = start_with_metrics(&world, &manifest, &[]);
    let status = |request: &str| {
        let answer = raw_request(address.port(), request);
        answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    let asked = |method: &str, path: &str, host: &str| {
        status(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    };
    let here = address.to_string();
    assert_eq!(asked("GET", "/metrics", &here), "200");
    assert_eq!(asked("GET", "/metrics", &format!("localhost:{}", address.port())), "200");
    for path in ["/", "/metrics/", "/../metrics", "/debug"] {
        assert_eq!(asked("GET", path, &here), "404", "{path}");
    }
    assert_eq!(asked("POST", "/metrics", &here), "405");
    // A page in a browser that has led its own name here.
    assert_eq!(asked("GET", "/metrics", "evil.example"), "403");
    assert_eq!(status("GET /metrics HTTP/1.1\r\n\r\n"), "403");
    let long = "x".repeat(20_000);
    let refused = status(&format!("GET /metrics HTTP/1.1\r\nHost: {here}\r\nX: {long}\r\n\r\n"));
    assert!(refused != "200", "{refused}");
    ends(run);
}

#[test]
fn whoever_asks_slowly_disturbs_neither_the_rounds_nor_the_others() {
    let world = World::logged_in();
    world.hold("video_init", 1, "before");
    let (run, address) = start_with_metrics(&world, &world.short(), &[]);
    // More than there may be at once, none of which says anything, or all of it.
    let mut silent: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in silent.iter_mut().skip(30) {
        // Those that were closed for the others are of no use any more.
        _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ");
    }
    let begun = Instant::now();
    assert!(get(address, "/metrics").contains("tiktok_up_rounds_total 0"));
    world.let_go();
    after_rounds(address, 1);
    assert_eq!(world.published(), 1);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // The oldest have made room.
    let mut answer = Vec::new();
    silent[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    _ = silent[0].read_to_end(&mut answer);
    assert!(answer.is_empty());
    ends(run);
}
