//! Who is told of what happens: a command, a webhook; each event once.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::{ADA, World};

/// A world whose hooks write what they are given into `told`, a line each, in config.toml.
fn listening(more: &str) -> World {
    let world = World::logged_in();
    let told = world.path("told");
    world.configure(&format!(
        "[hooks]\nnotify_command = \"cat >> '{}'; echo >> '{}'\"\n{more}",
        told.display(),
        told.display()
    ));
    world
}

/// The events that the command was told, with the message that each came in.
fn told(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.path("told")).unwrap_or_default();
    let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.flat_map(|message| message["events"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_failed_post_is_told_once_however_many_runs_come_upon_it() {
    let world = listening("");
    let manifest = world.short();
    world.say_status(1, &json!({ "status": "FAILED", "fail_reason": "spam_risk" }));
    world.upload(&manifest).exits(1);
    world.upload(&manifest).exits(1);
    let events = told(&world);
    let [event] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!(event["kind"], "failed");
    assert_eq!((&event["about"]["state"], &event["about"]["post"]), (&json!("failed"), &json!(1)));
    assert_eq!(event["about"]["error"]["code"], "spam_risk");
    assert!(event["about"]["open_id"].is_string() && event["time"].is_string(), "{event:#}");
    assert!(event["text"].as_str().unwrap().starts_with("failed: "), "{event:#}");
    assert_eq!(event["id"].as_str().unwrap().len(), 32);
}

#[test]
fn what_was_published_is_told_if_that_is_asked_for() {
    let world = listening("");
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    assert_eq!(told(&world), Vec::<Value>::new());
    let world = listening("when = [\"published\", \"draft_waiting\"]\n");
    world.upload(&world.short()).exits(0);
    world.video("other.mp4", 100_009);
    let draft = world.manifest(&json!([{ "video_path": "other.mp4", "mode": "draft" }]));
    world.upload(&draft).exits(0);
    let kinds: Vec<_> = told(&world).iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["published", "draft_waiting"]);
    // An option goes before the file.
    let world = World::logged_in();
    let (manifest, file) = (world.short(), world.path("told"));
    let command = format!("cat >> '{}'; echo >> '{}'", file.display(), file.display());
    let args = ["upload", &manifest, "--notify-command", &command, "--notify-when", "published"];
    world.run(&args).exits(0);
    world.run(&args).exits(0).says("1 skipped");
    assert_eq!(told(&world).len(), 1);
    world.run(&["upload", &manifest, "--notify-when", "sometimes"]).exits(2).says("draft_waiting");
}

#[test]
fn a_login_that_is_needed_is_told_once_for_all_posts_and_commands() {
    let world = listening("");
    world.refuse("token_refresh", 1, 100, "invalid_grant");
    world.run(&["refresh", "--force"]).exits(3);
    world.run(&["refresh", "--force"]).exits(3);
    let events = told(&world);
    let [event] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!(event["kind"], "login_needed");
    assert_eq!(event["about"]["open_id"], world.open_id(ADA));
}

#[test]
fn a_run_that_comes_to_nothing_is_told_and_again_after_one_that_did_not() {
    let world = listening("");
    let manifest = world.short();
    let bad = world.file("bad.json", "[{}]");
    let bad = bad.to_str().unwrap();
    world.run(&["upload", bad]).exits(2);
    world.run(&["upload", bad]).exits(2);
    assert_eq!(told(&world).len(), 1);
    assert_eq!(told(&world)[0]["about"]["exit"], 2);
    fs::copy(world.path(&manifest), bad).unwrap();
    world.run(&["upload", bad]).exits(0);
    fs::write(bad, "[{}]").unwrap();
    world.run(&["upload", bad]).exits(2);
    assert_eq!(told(&world).len(), 2);
}

#[test]
fn a_hook_that_does_not_work_changes_nothing_and_is_told_later() {
    let world = World::logged_in();
    let manifest = world.short();
    let args = |command: &'static str| {
        ["upload", manifest.as_str(), "--notify-when", "published", "--notify-command", command]
            .map(str::to_owned)
    };
    let run = |command| {
        let args = args(command);
        world.run(&args.each_ref().map(String::as_str))
    };
    let ran = run("echo no paper >&2; exit 7").exits(0);
    ran.says("`notify_command` did not work").says("no paper").says("the next run tries again");
    let told = world.path("told");
    let keep = format!("env > '{0}.env'; cat > '{0}'", told.display());
    let keep: &'static str = Box::leak(keep.into_boxed_str());
    run(keep).exits(0).says("1 skipped").never_says("did not work");
    assert!(fs::read_to_string(&told).unwrap().contains("\"published\""));
    let env = fs::read_to_string(world.path("told.env")).unwrap();
    assert!(env.contains("PATH=") && !env.contains("TIKTOK_CLIENT"), "{env}");
    fs::remove_file(&told).unwrap();
    run(keep).exits(0);
    assert!(!told.exists(), "there was nothing to tell");
}

/// Takes one request and answers with a status: the head and the body.
fn answer_one(listener: &TcpListener, status: &str) -> (String, String) {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(&stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0);
    }
    let length = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    let length: usize = head.lines().find_map(length).unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    write!(&stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_webhook_is_sent_what_it_missed_with_a_signature() {
    let world = World::logged_in();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    world.configure(&format!(
        "[hooks]\nwebhook = \"http://{address}/hidden-path\"\nwebhook_secret = \"s3cret-of-hook\"\nwhen = [\"published\"]\n"
    ));
    let world = world.timing("backoff_base=1ms");
    // It is away: nobody accepts, and what is refused is not told of in the address's words.
    drop(listener);
    let manifest = world.short();
    let ran = world.upload(&manifest).exits(0).says("`webhook` did not work");
    ran.never_says("hidden-path").never_says("s3cret-of-hook");
    let listener = TcpListener::bind(address).unwrap();
    let server = std::thread::spawn(move || {
        [answer_one(&listener, "503 Busy"), answer_one(&listener, "204 No Content")]
    });
    world.upload(&manifest).exits(0).says("1 skipped").never_says("did not work");
    let [(_, first), (head, body)] = server.join().unwrap();
    assert_eq!(first, body);
    let message: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(message["version"], 1);
    assert_eq!(message["events"][0]["kind"], "published");
    assert!(message["text"].as_str().unwrap().contains("published"), "{message:#}");
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(header("tiktok-up-id"), message["events"][0]["id"].as_str().unwrap());
    let signature = header("tiktok-up-signature");
    let (seconds, hex) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret-of-hook").unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    let right: Vec<_> = mac.finalize().into_bytes().to_vec();
    let sent: Vec<_> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16)).collect();
    assert_eq!(sent, right.into_iter().map(Ok).collect::<Vec<_>>());
}

#[test]
fn a_webhook_may_be_an_option_and_is_then_not_signed() {
    let world = World::logged_in();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || answer_one(&listener, "204 No Content"));
    let manifest = world.short();
    let args = ["upload", &manifest, "--webhook", &address, "--notify-when", "published"];
    world.run(&args).exits(0).says("1 published").never_says("did not work");
    let (head, body) = server.join().unwrap();
    assert!(!head.to_lowercase().contains("tiktok-up-signature"), "{head}");
    let message: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(message["events"][0]["kind"], "published");
}

#[test]
fn settings_of_hooks_are_checked_where_they_stand() {
    let world = World::logged_in();
    for (text, says) in [
        ("[hooks]\nwebhook = \"http://example.com/x\"\n", "it must begin with https://"),
        ("[hooks]\nwebhook_secret = \"x\"\n", "of no use without `webhook`"),
        ("[hooks]\nwhen = [\"faild\"]\n", "did you mean `failed`?"),
        ("[hooks]\nnotify = \"x\"\n", "unknown key `notify`"),
    ] {
        world.configure(text);
        world.run(&["status"]).exits(2).says(says).says("config.toml");
    }
    // An address may be a secret.
    world.configure("[hooks]\nwebhook = \"https://example.com/T0/B0/abc\"\n");
    std::process::Command::new("chmod")
        .arg("644")
        .arg(world.home().join("home/config.toml"))
        .status()
        .unwrap();
    world.run(&["status"]).exits(4).says("chmod 600").never_says("T0/B0");
}

#[test]
fn what_a_hook_never_heard_the_one_in_its_place_is_told() {
    let world = World::logged_in();
    world.configure("[hooks]\nwebhook = \"http://127.0.0.1:1/x\"\nwhen = [\"published\"]\n");
    let world = world.timing("backoff_base=1ms");
    let manifest = world.short();
    world.upload(&manifest).exits(0).says("`webhook` did not work");
    let file = world.path("told");
    world.configure(&format!(
        "[hooks]\nnotify_command = \"cat >> '{0}'; echo >> '{0}'\"\nwhen = [\"published\"]\n",
        file.display()
    ));
    world.upload(&manifest).exits(0);
    world.upload(&manifest).exits(0);
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn a_dry_run_tells_nobody_and_keeps_nothing_from_being_told() {
    let world = listening("");
    let bad = world.file("bad.json", "[{}]");
    let bad = bad.to_str().unwrap();
    world.run(&["upload", bad, "--dry-run"]).exits(2);
    assert_eq!(told(&world).len(), 0);
    world.run(&["upload", bad]).exits(2);
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn an_outbox_that_is_damaged_is_set_aside_and_the_run_goes_on() {
    let world = listening("when = [\"published\"]\n");
    let outbox = world.home().join("home/hooks.json");
    fs::write(&outbox, "{").unwrap();
    let manifest = world.short();
    world.upload(&manifest).exits(0).never_says("hooks");
    assert_eq!(told(&world).len(), 1);
    assert_eq!(fs::read_to_string(world.home().join("home/hooks.json.damaged")).unwrap(), "{");
}
