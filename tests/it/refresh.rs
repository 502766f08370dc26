//! `refresh`: tokens that live for years under cron, through races, crashes and careless hands.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::{Value, json};
use tiktok_sandbox::Options;
use tiktok_up::testing::{Lock, refresh_lock};

use crate::login::login_elsewhere;
use crate::person::{address_bar, chmod};
use crate::process::Running;
use crate::stage::{number, say};
use crate::world::{ADA, BEA, Ran, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// `@ada` logged in three hours ago: the access token has ended.
fn ended() -> World {
    let mut world = World::logged_in();
    world.advance(3 * HOUR);
    world
}

impl World {
    fn generation(&self, handle: &str) -> u64 {
        self.entry(handle)["generation"].as_u64().unwrap()
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.calls("token_refresh").len()
    }

    /// The tokens in the store are the ones that TikTok knows.
    #[track_caller]
    fn the_login_lives(&self) {
        self.run(&["refresh", "--force"]).exits(0);
        assert!(self.leftovers().is_empty(), "{:?}", self.leftovers());
    }

    fn refresh_lock(&self) -> PathBuf {
        refresh_lock(&self.home().join("home"), &self.open_id(ADA))
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn ended_as(child: Child) -> Ran {
    Ran::after(String::new(), child)
}

#[test]
fn nothing_due_is_nothing_said_and_nothing_sent() {
    let world = World::logged_in();
    let ran = world.run(&["refresh", "-q"]).exits(0);
    let talk = ran.stderr.lines().filter(|line| !line.contains("this is not TikTok itself"));
    assert_eq!((ran.stdout.as_str(), talk.count()), ("", 0), "{ran:?}");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn what_is_due_is_refreshed_and_said_in_a_line() {
    let world = ended();
    let ran = world.run(&["refresh"]).exits(0).says(&world.open_id(ADA));
    assert_eq!(ran.stderr.matches("refreshed").count(), 1, "{ran:?}");
    assert_eq!(world.generation(ADA), 2);
    world.run(&["refresh"]).exits(0).never_says("refreshed");
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn within_says_how_early() {
    let mut world = World::logged_in();
    world.advance(HOUR);
    world.run(&["refresh", "--within", "50m"]).exits(0);
    assert_eq!(world.refreshes(), 0);
    world.run(&["refresh", "--within", "70m"]).exits(0);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn force_refreshes_what_is_not_due() {
    let world = World::logged_in();
    world.run(&["refresh", "--force"]).exits(0);
    assert_eq!(world.generation(ADA), 2);
}

#[test]
fn only_the_named_account_is_refreshed() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    world.run(&["refresh", "--force", "--account", &world.open_id(BEA)]).exits(0);
    assert_eq!((world.generation(ADA), world.generation(BEA)), (1, 2));
    world.run(&["refresh", "--account", "nobody"]).exits(2).says("nobody");
}

#[test]
fn json_is_one_object_a_line() {
    let world = ended();
    let lines = world.run(&["refresh", "--json"]).exits(0).json();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&line["event"], &line["outcome"]), (&json!("refresh"), &json!("refreshed")));
    assert_eq!(line["open_id"], world.open_id(ADA));
}

#[test]
fn one_account_in_trouble_does_not_keep_the_others_waiting() {
    let mut world = World::logged_in();
    world.login(BEA).exits(0);
    world.advance(3 * HOUR);
    world.sandbox.remove_apps(ADA).unwrap();
    world.run(&["refresh"]).exits(3).says(&world.open_id(ADA));
    assert_eq!(world.generation(BEA), 2);
}

#[test]
fn a_signal_during_a_refresh_says_what_is_waited_for_and_the_tokens_are_saved() {
    let world = ended();
    world.hold("token_refresh", 1, "middle");
    let run = Running::of(world.command(&["refresh", "-q"]));
    world.wait_until("TikTok has the refresh", |world| world.refreshes() == 1);
    run.signal(Signal::TERM);
    world.wait_until("it says so", |_| run.said("a refresh is on its way"));
    world.let_go();
    run.end().exits(143);
    assert_eq!(world.generation(ADA), 2);
    world.the_login_lives();
}

#[test]
fn a_refusal_has_its_code_and_log_id_in_json() {
    let world = ended();
    world.refuse("token_refresh", 1, 1, "invalid_grant");
    let lines = world.run(&["refresh", "--json"]).exits(3).json();
    let error = &lines[0]["error"];
    assert_eq!((&error["code"], &error["exit"]), (&json!("invalid_grant"), &json!(3)));
    assert!(error["log_id"].is_string());
}

/// By a browser, by pasting its address, by a phone that scans a code.
const WAYS: [&str; 3] = ["--no-browser", "--paste", "--qr"];

/// `@ada` logged in by one of the [`WAYS`].
fn logged_in_by(way: &str) -> World {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    let ran = match way {
        "--no-browser" => world.login_with(&[]),
        "--paste" => login_elsewhere(&world, way, |address| format!("{}\n", address_bar(address))),
        _ => login_elsewhere(&world, way, |address| {
            let token = world.sandbox.scan(address).unwrap();
            world.sandbox.confirm(&token, ADA).unwrap();
            String::new()
        }),
    };
    ran.exits(0);
    world
}

/// `TIKTOK_UP_REFRESHES` sets how many; `just cron-year` takes a thousand.
#[test]
fn a_login_of_any_way_survives_refreshes_by_cron() {
    let refreshes = number("TIKTOK_UP_REFRESHES", 12);
    for way in WAYS {
        let mut world = logged_in_by(way);
        for refresh in 1..=refreshes {
            world.advance(HOUR + HOUR / 2 + SignedDuration::from_mins(1));
            world.run(&["refresh", "-q"]).exits(0);
            assert_eq!(world.generation(ADA), refresh + 1, "{way}");
        }
        assert_eq!(world.refreshes() as u64, refreshes);
        world.the_login_lives();
        say(&format!("login {way}: alive after {refreshes} refreshes"));
    }
}

#[test]
fn f11_t13_a_store_that_others_can_read_is_refused_with_the_chmod_line() {
    for mode in [0o644, 0o640, 0o604] {
        let world = ended();
        chmod(&world.store_path(), mode);
        let path = fs::canonicalize(world.store_path()).unwrap();
        world.run(&["refresh"]).exits(4).says(&format!("chmod 600 {}", path.display()));
        assert_eq!(world.refreshes(), 0);
    }
}

#[test]
fn f12_a_store_that_is_none_is_refused_and_kept_as_it_is() {
    let world = ended();
    let whole = world.store_text();
    let newer = whole.replace("\"version\": 1", "\"version\": 3");
    assert_ne!(newer, whole);
    for text in ["", "{", "not json", &whole[..whole.len() / 2], &newer] {
        world.write_store(text);
        world.run(&["refresh"]).exits(4).says("hint:");
        assert_eq!(world.store_text(), text);
    }
    assert_eq!(world.refreshes(), 0);
}

/// Cuts a refresh off after TikTok's answer was made durable and before the store has it: the save
/// waits for the store lock, which this test holds.
fn cut_off_before_the_save(world: &World) {
    world.hold("token_refresh", 1, "middle");
    let mut refresh = world.start(&["refresh"]);
    world.wait_until("TikTok has the refresh", |world| world.refreshes() == 1);
    let lock = world.store_path().with_file_name("user_tokens.json.lock");
    let held = Lock::take(&lock).unwrap();
    world.let_go();
    crate::person::eventually("the answer", || world.new_file(ADA).exists().then_some(()));
    refresh.kill().unwrap();
    refresh.wait().unwrap();
    drop(held);
}

#[test]
fn f13_a_refresh_that_was_cut_off_is_brought_to_its_end() {
    let world = ended();
    cut_off_before_the_save(&world);
    assert_eq!(world.generation(ADA), 1);
    world.run(&["refresh"]).exits(0).says("recovered");
    assert_eq!((world.generation(ADA), world.refreshes()), (2, 1));
    assert!(world.leftovers().is_empty());
    world.the_login_lives();
}

#[test]
fn f14_an_outdated_answer_is_removed_with_a_note() {
    let world = ended();
    cut_off_before_the_save(&world);
    let leftover = fs::read(world.new_file(ADA)).unwrap();
    world.login(ADA).exits(0);
    fs::write(world.new_file(ADA), leftover).unwrap();
    chmod(&world.new_file(ADA), 0o600);
    let tokens = world.entry(ADA)["access_token"].clone();
    world.run(&["refresh"]).exits(0).says("remains of an interrupted refresh");
    assert_eq!(world.entry(ADA)["access_token"], tokens);
    assert!(world.leftovers().is_empty());
}

#[test]
fn f14_leftover_temp_files_are_cleaned() {
    let world = ended();
    let leftover = world.store_path().with_file_name(".user_tokens.json.tmp-0011223344556677");
    fs::write(&leftover, "torn").unwrap();
    world.run(&["refresh"]).exits(0);
    assert!(!leftover.exists());
}

#[test]
fn f14_t14_a_torn_new_file_is_removed_and_a_planted_link_refused() {
    let world = ended();
    let new = world.new_file(ADA);
    fs::write(&new, "{\"version\":1").unwrap();
    chmod(&new, 0o600);
    world.run(&["refresh"]).exits(0).says("remains of an interrupted refresh");
    assert!(!new.exists());

    let target = world.file("precious", "precious");
    symlink(&target, &new).unwrap();
    world.run(&["refresh", "--force"]).exits(4);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

impl World {
    /// The answers that were set aside.
    pub(crate) fn unread(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.home().join("home")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().contains(".unread")).collect()
    }

    /// Where the account's refresh answer goes first.
    fn new_file(&self, handle: &str) -> PathBuf {
        let hash = blake3::hash(self.open_id(handle).as_bytes()).to_hex();
        self.store_path().with_file_name(format!("user_tokens.json.{hash}.new"))
    }
}

#[test]
fn f15_while_another_run_holds_the_lock_a_living_token_is_kept() {
    let world = World::logged_in().timing("refresh_lock=100ms");
    let _held = Lock::take(&world.refresh_lock()).unwrap();
    world.run(&["refresh", "--force"]).exits(0).says(&std::process::id().to_string());
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn f15_while_another_run_holds_the_lock_an_ended_token_means_later() {
    let world = ended().timing("refresh_lock=100ms");
    let _held = Lock::take(&world.refresh_lock()).unwrap();
    world.run(&["refresh"]).exits(5).says("another run");
    assert_eq!(world.refreshes(), 0);
}

/// Eight processes at once, per round one expiry: one rotation, nobody refused, all content.
fn storm(rounds: u64, handles: &[&str]) {
    let mut world = World::new();
    for handle in handles {
        world.login(handle).exits(0);
    }
    for round in 1..=rounds {
        world.advance(3 * HOUR);
        let runs: Vec<_> = (0..8).map(|_| world.start(&["refresh"])).collect();
        for run in runs {
            ended_as(run).exits(0);
        }
        for handle in handles {
            assert_eq!(world.generation(handle), round + 1);
        }
        let calls = world.calls("token_refresh");
        assert_eq!(calls.len() as u64, round * handles.len() as u64, "one rotation per expiry");
        assert!(calls.iter().all(|call| call.code.is_none()), "no invalid_grant");
    }
    assert!(world.leftovers().is_empty());
}

#[test]
fn t15_f16_eight_crons_at_once_rotate_once() {
    storm(10, &[ADA]);
}

#[test]
fn f78_eight_crons_and_two_accounts_lose_nobody() {
    storm(3, &[ADA, BEA]);
}

#[test]
#[ignore = "three minutes long; `just refresh-storm` runs it"]
fn t15_a_hundred_storms() {
    storm(100, &[ADA]);
    storm(25, &[ADA, BEA]);
}

#[test]
fn f17_a_refresh_without_an_answer_is_repeated_once() {
    let world = ended();
    world.fault(&json!({ "endpoint": "token_refresh", "do": { "drop": "before" } }));
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.generation(ADA), 2);
}

#[test]
fn f17_f21_two_refreshes_without_an_answer_leave_everything_as_it_was() {
    let world = ended();
    let before = world.store_text();
    world.fault(&json!({ "endpoint": "token_refresh", "times": 2, "do": { "drop": "before" } }));
    world.run(&["refresh"]).exits(5);
    assert_eq!(world.store_text(), before);
    world.the_login_lives();
}

#[test]
fn f19_an_answer_lost_after_the_rotation_asks_for_a_login_and_keeps_the_entry() {
    let world = ended();
    world.fault(&json!({ "endpoint": "token_refresh", "do": { "drop": "after" } }));
    world.run(&["refresh"]).exits(3).says("tiktok-up login").says(&world.open_id(ADA));
    assert_eq!(world.entry(ADA)["needs_login"]["reason"], "rejected");
    let calls = world.refreshes();
    world.run(&["refresh"]).exits(3);
    assert_eq!(world.refreshes(), calls, "a dead token is never sent again");
    world.login(ADA).exits(0);
    world.the_login_lives();
}

#[test]
fn f19_a_login_that_cannot_be_renewed_works_until_its_access_token_ends() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "token_refresh", "do": { "drop": "after" } }));
    world.run(&["refresh", "--force"]).exits(3).says("tiktok-up login").says("until then");
    let calls = world.refreshes();
    world.run(&["refresh"]).exits(3).says("tiktok-up login");
    let ran = world.upload(&manifest).exits(0).says("cannot be renewed any more");
    assert_eq!(ran.stderr.matches("cannot be renewed any more").count(), 1, "{ran:?}");
    assert_eq!((world.published(), world.refreshes()), (1, calls));
    assert_eq!(world.run(&["accounts", "--json"]).json()[0]["health"], "needs_login");
    world.advance(3 * HOUR);
    world.video("other.mp4", 100_000);
    world.upload(&world.one_post(ADA, "other.mp4")).exits(3).says("tiktok-up login");
    assert_eq!(world.refreshes(), calls);
}

#[test]
fn an_upload_goes_on_with_a_living_token_that_cannot_be_renewed_now() {
    let mut world = World::logged_in();
    world.advance(2 * HOUR - SignedDuration::from_mins(2));
    let manifest = world.short();
    world.fault(
        &json!({ "endpoint": "token_refresh", "times": 0, "do": { "answer": { "status": 503 } } }),
    );
    let ran = world.upload(&manifest).exits(0).says("was not renewed");
    assert_eq!(ran.stderr.matches("was not renewed").count(), 1, "{ran:?}");
    world.run(&["refresh"]).exits(5);
}

#[test]
fn an_answer_that_breaks_off_in_its_tokens_is_kept_until_a_login_replaces_it() {
    let world = ended();
    world.fault(&json!({ "endpoint": "token_refresh", "do": { "drop": "middle" } }));
    let ran = world.run(&["refresh"]).exits(3);
    let [kept] = &world.unread()[..] else { panic!("{:?} {ran:?}", world.unread()) };
    ran.says(kept.to_str().unwrap()).says("update tiktok-up");
    world.run(&["refresh"]).exits(3).says(kept.to_str().unwrap());
    assert_eq!(world.refreshes(), 1, "the spent token is not sent again");
    world.login(ADA).exits(0);
    world.run(&["accounts"]).exits(0);
    assert!(world.unread().is_empty());
    world.the_login_lives();
}

#[test]
fn f13_a_complete_answer_that_was_not_renamed_yet_is_adopted() {
    for command in [&["refresh"][..], &["accounts"]] {
        let world = ended();
        cut_off_before_the_save(&world);
        let new = world.new_file(ADA);
        let temp = format!(".{}.tmp-0011223344556677", new.file_name().unwrap().to_str().unwrap());
        fs::rename(&new, new.with_file_name(temp)).unwrap();
        world.run(command).exits(0).says("recovered");
        assert_eq!((world.generation(ADA), world.refreshes()), (2, 1));
        world.the_login_lives();
    }
}

#[test]
fn f18_t16_a_login_during_a_refresh_wins() {
    let world = ended();
    world.hold("token_refresh", 1, "middle");
    let refresh = world.start(&["refresh"]);
    world.wait_until("TikTok has the refresh", |world| world.refreshes() == 1);
    world.login(ADA).exits(0);
    let tokens = world.entry(ADA)["access_token"].clone();
    world.let_go();
    ended_as(refresh).exits(0);
    assert_eq!(world.entry(ADA)["access_token"], tokens);
    world.the_login_lives();
}

#[test]
fn f21_trouble_at_tiktok_leaves_everything_as_it_was() {
    for fault in [
        json!({ "answer": { "status": 503 } }),
        json!({ "refuse": { "code": "server_error" } }),
        json!({ "garbage": true }),
        json!({ "oversized": 2_000_000 }),
    ] {
        let world = ended();
        let before = world.store_text();
        world.fault(&json!({ "endpoint": "token_refresh", "do": fault }));
        world.run(&["refresh"]).exits(5);
        assert_eq!(world.store_text(), before, "{fault}");
        world.the_login_lives();
    }
}

#[test]
fn f22_the_last_fourteen_days_are_announced_on_each_run() {
    let mut world = World::with(Options { refresh_extends: false, ..Options::default() });
    world.login(ADA).exits(0);
    world.advance(SignedDuration::from_hours(24 * 165));
    world.run(&["refresh"]).exits(0).never_says("log in again before");
    world.advance(SignedDuration::from_hours(24 * 2));
    for _ in 0..2 {
        world.run(&["refresh"]).exits(0).says("log in again before");
    }
}

#[test]
fn f23_a_clock_that_went_back_is_told_and_the_token_refreshed() {
    let world = World::logged_in();
    let mut command = world.command(&["refresh"]);
    command.env("TIKTOK_UP_TIMING", "clock_offset=-3600s");
    Ran::of(command).exits(0).says("clock went back");
    assert_eq!(world.generation(ADA), 2);
}

#[test]
fn f23_a_clock_unlike_tiktok_s_is_told() {
    let world = World::logged_in();
    let mut command = world.command(&["refresh", "--force"]);
    command.env("TIKTOK_UP_TIMING", "clock_offset=600s");
    Ran::of(command).exits(0).says("clock differs from TikTok's by 600 s");
    assert_eq!(world.generation(ADA), 2);
}

#[test]
fn f24_a_sandbox_key_that_may_not_refresh_gets_its_hint() {
    let world = ended();
    let refuse = json!({ "refuse": { "code": "unauthorized_client" } });
    world.fault(&json!({ "endpoint": "token_refresh", "do": refuse }));
    let before = world.store_text();
    world.run(&["refresh"]).exits(2).says("sandbox").says("unauthorized_client");
    assert_eq!(world.store_text(), before);
    world.run(&["refresh"]).exits(0);
}

#[test]
fn a_login_that_was_revoked_in_tiktok_needs_a_login() {
    let world = ended();
    world.sandbox.remove_apps(ADA).unwrap();
    world.run(&["refresh"]).exits(3).says("invalid_grant").says("tiktok-up login");
    world.run(&["accounts"]).exits(0).says("needs login");
}

/// TikTok says 401 to an access token that lives by the clock, and then that the refresh token is dead.
#[test]
fn a_login_that_tiktok_takes_no_more_is_not_said_to_work() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_mins(10));
    world.sandbox.remove_apps(ADA).unwrap();
    let works = ["until then", "access token ends", "works until"];
    let dead = |ran: Ran| works.iter().fold(ran, |ran, words| ran.never_says(words));
    let manifest = world.short();
    dead(world.upload(&manifest).exits(3).says("takes neither its access token"));
    assert_eq!(world.entry(ADA)["needs_login"]["reason"], "refused");
    let calls = world.sandbox.requests().len();
    let look = ["doctor", "--offline"];
    for (args, exit) in [(&["refresh"][..], 3), (&["upload", &manifest], 3), (&look, 3)] {
        dead(world.run(args).exits(exit).says("takes neither its access token"));
    }
    let rows = dead(world.run(&["accounts", "--json"]).exits(0)).json();
    assert_eq!(rows[0]["health"], "needs_login");
    assert!(rows[0]["needs_login"].as_str().unwrap().contains("takes neither"), "{rows:?}");
    let day = rows[0]["refresh_expires_at"].as_str().unwrap()[..10].to_owned();
    world.run(&["accounts"]).exits(0).says("needs login").never_says(&day);
    assert_eq!(world.sandbox.requests().len(), calls, "nothing is tried with it");
    let ran = dead(world.run(&["logout", &world.open_id(ADA)]).exits(0));
    ran.says("nothing to revoke with").never_says("tiktok-up login");
    // And a new login is like any other.
    world.login(ADA).exits(0);
    world.upload(&manifest).exits(0);
}

#[test]
fn a_refused_login_that_a_refresh_found_first_is_told_apart_once_its_access_token_is_refused() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_mins(10));
    world.sandbox.remove_apps(ADA).unwrap();
    world.run(&["refresh", "--force"]).exits(3).says("until then");
    assert_eq!(world.entry(ADA)["needs_login"]["reason"], "rejected");
    world.upload(&world.short()).exits(3).says("takes neither its access token");
    assert_eq!(world.entry(ADA)["needs_login"]["reason"], "refused");
    world.run(&["refresh", "--force"]).exits(3).never_says("until then");
    assert_eq!(world.entry(ADA)["needs_login"]["reason"], "refused");
}

#[test]
fn a_logout_that_finds_a_login_taken_back_already_says_so() {
    let world = World::logged_in();
    world.sandbox.remove_apps(ADA).unwrap();
    let ran = world.run(&["logout", &world.open_id(ADA)]).exits(0);
    ran.says("nothing to revoke with").never_says("not revoked").never_says("tiktok-up login");
    assert!(world.entry(ADA).is_null());
}

#[test]
fn a_logout_does_not_speak_of_a_renewal() {
    let mut world = World::logged_in();
    world.fault(&json!({ "endpoint": "token_refresh", "do": { "drop": "after" } }));
    world.run(&["refresh", "--force"]).exits(3);
    world.advance(SignedDuration::from_mins(1));
    let ran = world.run(&["logout", &world.open_id(ADA)]).exits(0);
    ran.never_says("renewed").never_says("tiktok-up login").never_says("not revoked");
    assert!(world.sandbox.state().grants.is_empty());
}

#[test]
fn t20_no_token_follows_a_redirect() {
    for status in [302, 307, 308] {
        let world = ended();
        let other = World::new();
        let location = format!("{}/v2/oauth/token/", other.sandbox.url());
        let answer = json!({ "status": status, "headers": { "location": location } });
        world.fault(&json!({ "endpoint": "token_refresh", "do": { "answer": answer } }));
        world.run(&["refresh"]).exits(5);
        assert!(other.sandbox.requests().is_empty(), "{status}");
        world.the_login_lives();
    }
}

#[test]
fn t24_tokens_of_another_user_are_refused_and_the_store_stays() {
    let world = ended();
    let before = world.store_text();
    let body = json!({ "access_token": "act.evil", "expires_in": 7200, "open_id": "mallory",
        "refresh_token": "rft.evil", "refresh_expires_in": 9999, "scope": "video.publish",
        "token_type": "Bearer" });
    let answer = json!({ "answer": { "status": 200, "body": body } });
    world.fault(&json!({ "endpoint": "token_refresh", "do": answer }));
    let ran = world.run(&["refresh"]).exits(3).says("mallory");
    let [kept] = &world.unread()[..] else { panic!("{:?}", world.unread()) };
    let ran = ran.says(kept.to_str().unwrap()).never_says("act.evil").never_says("rft.evil");
    ran.says("consent as").never_says("--alias").never_says("update tiktok-up");
    assert_eq!(world.store_text(), before);
    assert!(world.leftovers().is_empty());
}

#[test]
fn t28_a_restored_store_is_reported_and_not_used() {
    let mut world = World::logged_in();
    let backup = world.store_text();
    world.advance(3 * HOUR);
    world.run(&["refresh"]).exits(0);
    let calls = world.sandbox.requests().len();
    world.write_store(&backup);
    world.run(&["refresh"]).exits(3).says("backup").says("tiktok-up login");
    assert_eq!(world.sandbox.requests().len(), calls, "nothing was sent");
    world.run(&["refresh", "--force"]).exits(3).says("invalid_grant");
    assert_eq!(world.refreshes(), 2, "only when it is forced");
    world.login(ADA).exits(0);
    world.the_login_lives();
}

#[test]
fn tokens_of_another_app_are_refused_with_the_reason() {
    let world = ended();
    let mut command = world.command(&["refresh"]);
    command.env("TIKTOK_CLIENT_KEY", "sbanother").env("TIKTOK_CLIENT_SECRET", "othersecret");
    Ran::of(command).exits(2).says("belong to the app");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_secret_of_another_app_is_told_by_the_beginning_of_the_key() {
    let world = ended();
    let mut command = world.command(&["refresh"]);
    command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
    let key = world.sandbox.client_key();
    let ran = Ran::of(command).exits(2).says("invalid_client").says("a sandbox has its own pair");
    ran.says(&format!("begins with `{}…`", &key[..6])).never_says("of-another-app");
    world.the_login_lives();
}

#[test]
fn v_says_what_tiktok_was_asked_and_answered() {
    let world = World::logged_in();
    let ran = world.run(&["refresh", "--force", "-v"]).exits(0);
    ran.says("TikTok answered").says("oauth/token").says("status=200");
}

#[test]
fn t18_at_full_verbosity_no_token_is_said_however_it_ends() {
    for fault in [
        None,
        Some(json!({ "drop": "after" })),
        Some(json!({ "garbage": true })),
        Some(json!({ "refuse": { "code": "invalid_client" } })),
        Some(json!({ "answer": { "status": 200, "body": "act.canary rft.canary" } })),
    ] {
        let world = ended();
        if let Some(fault) = &fault {
            world.fault(&json!({ "endpoint": "token_refresh", "do": fault }));
        }
        let secret = world.sandbox.client_secret();
        let ran = world.run(&["refresh", "-vvvv", "--force"]);
        ran.never_says("act.").never_says("rft.").never_says(secret.expose());
    }
}

#[test]
fn sigterm_in_a_refresh_waits_for_the_answer_to_reach_the_disk() {
    let world = ended();
    world.hold("token_refresh", 1, "middle");
    let refresh = Running::of(world.command(&["refresh"]));
    world.wait_until("the tokens have rotated", |world| world.refreshes() == 1);
    refresh.signal(Signal::TERM);
    world.wait_until("it says that it waits", |_| refresh.said("a refresh is on its way"));
    world.let_go();
    refresh.end().exits(143);
    assert_eq!(world.generation(ADA), 2);
    world.the_login_lives();
}

#[test]
fn what_a_newer_version_wrote_beside_the_tokens_survives() {
    let world = ended();
    let mut store: Value = serde_json::from_str(&world.store_text()).unwrap();
    store["accounts"][world.open_id(ADA)]["colour"] = "blue".into();
    world.write_store(&store.to_string());
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.entry(ADA)["colour"], "blue");
}
