//! Ctrl-C is answered at once, wherever a run waits, and a second one ends it with a word.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use tiktok_up::testing::{Lock, Phase, refresh_lock};

use crate::terminal::{CTRL_C, Terminal};
use crate::world::{ADA, CHUNK, Ran, Running, World};

#[test]
fn a_run_says_that_it_stops_after_the_chunk() {
    let world = World::logged_in();
    world.hold("upload", 2, "middle");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.signal(Signal::INT);
    world.wait_until("it answers", |_| {
        run.said("stopping after this chunk; press again to stop now")
    });
    // It takes nothing any more, so it is not waited for.
    run.end().exits(130);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
}

#[test]
fn a_chunk_that_gets_on_is_finished_and_no_other_begins() {
    let world = World::logged_in();
    world.video("long.mp4", 3 * CHUNK + 1000);
    let manifest = world.one_post(ADA, "long.mp4");
    let args = ["upload", "--chunk-size", "5242880", "--limit-rate", "4MB", &manifest];
    let run = Running::of(world.command(&args));
    world.wait_until("the first chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > 0)
    });
    run.signal(Signal::TERM);
    world.wait_until("it answers", |_| run.said("a second signal stops it now"));
    run.end().exits(143);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
}

/// As by a signal, but that the next run goes on with the rest.
#[test]
fn a_run_whose_time_is_over_stops_after_the_chunk() {
    let world = World::logged_in();
    world.video("long.mp4", 3 * CHUNK + 1000);
    let manifest = world.one_post(ADA, "long.mp4");
    // A chunk takes some five seconds: it has begun by then, however slow the machine is, and has not ended.
    let args = ["--chunk-size", "5242880", "--limit-rate", "1MB", "--max-runtime", "3s"];
    let ran = world.run(&[&["upload", &manifest], &args[..]].concat()).exits(5);
    ran.says("the time of `--max-runtime` is over: stopping after this chunk");
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    let rates = ["--bwlimit", "00:00,off 12:00,400M"];
    world
        .run(&[&["upload", &manifest, "--max-runtime", "1h"], &rates[..]].concat())
        .exits(0)
        .says("1 published");
    assert_eq!((world.published(), world.inits()), (1, 1));
    world
        .run(&["watch", "--max-runtime", "1h", &manifest])
        .exits(2)
        .says("takes no `--max-runtime`");
}

#[test]
fn a_run_that_is_over_before_its_first_post_tells_programs_so() {
    let world = World::logged_in();
    let mut command = world.command(&["--json", "upload", "-", "--max-runtime", "100ms"]);
    command.stdin(Stdio::piped());
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Held open: the manifest never ends.
    let stdin = run.stdin.take();
    let lines = Ran::after(String::new(), run).exits(5).json();
    drop(stdin);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!((&lines[0]["event"], &lines[0]["exit"]), (&json!("summary"), &json!(5)));
}

#[test]
fn a_second_signal_ends_a_run_with_a_word() {
    let world = World::logged_in();
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.signal(Signal::INT);
    world.wait_until("it answers", |_| run.said("stopping after this chunk"));
    run.signal(Signal::INT);
    let ran = run.end().exits(130);
    assert!(ran.stderr.lines().any(|line| line == "stopped"), "{ran:#?}");
}

#[test]
fn a_refresh_that_waits_for_another_one_ends_at_once() {
    let world = World::logged_in();
    let _held = Lock::take(&refresh_lock(&world.home().join("home"), &world.open_id(ADA))).unwrap();
    let run = Running::of(world.command(&["refresh", "--force"]));
    world.wait_until("it listens", |_| run.listens());
    world.wait_until("it waits", |_| {
        run.signal(Signal::USR1);
        run.said("(1 of 1), for ")
    });
    let begun = std::time::Instant::now();
    run.signal(Signal::INT);
    let ran = run.end().exits(130).says("stopping").never_says("error");
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{ran:#?}");
    assert!(world.calls("token_refresh").is_empty());
}

#[test]
fn a_run_that_waits_for_the_lock_of_the_journal_ends_at_once() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let _held = Lock::take(&world.home().join("home/journal.lock")).unwrap();
    let run = world.start_upload(&manifest);
    world.wait_until("it listens", |_| run.listens());
    world.wait_until("it waits", |_| {
        run.signal(Signal::USR1);
        run.said("what is known of the posts")
    });
    let begun = std::time::Instant::now();
    run.signal(Signal::INT);
    run.end().exits(130).says("stopping");
    assert!(begun.elapsed() < std::time::Duration::from_secs(15));
}

#[test]
fn what_waits_for_input_or_in_the_middle_of_work_answers_too() {
    let world = World::logged_in();
    for args in
        [&["upload", "-"][..], &["accounts", "import", "-"], &["login", "--paste"], &["init"]]
    {
        let mut command = world.command(args);
        command.stdin(Stdio::piped());
        let run = Running::of(command);
        world.wait_until("it listens", |_| run.listens());
        world.wait_until("it waits", |_| {
            run.signal(Signal::USR1);
            run.said(&format!("{}: ", args[0]))
        });
        run.signal(Signal::INT);
        // Only then its input ends.
        world.wait_until("it answers", |_| run.said("stopping; press again to stop now"));
        run.end().exits(130);
    }
}

#[test]
fn a_wait_for_another_run_is_answered_and_ended_by_the_first_signal() {
    let world = World::logged_in();
    let state = world.home().join("home");
    let config = "[store]\nencrypt = \"key-file\"\n";
    std::fs::write(state.join("config.toml"), config).unwrap();
    let _held = Lock::take(&refresh_lock(&state, &world.open_id(ADA))).unwrap();
    let run = Running::of(world.command(&["accounts", "encrypt"]));
    world.wait_until("it listens", |_| run.listens());
    world.wait_until("the lock is waited for", |_| {
        run.signal(Signal::USR1);
        run.said("waiting for other runs to end, for ")
    });
    let begun = std::time::Instant::now();
    run.signal(Signal::INT);
    let ran = run.end().exits(130).says("stopping; press again to stop now");
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{ran:#?}");
}

#[test]
fn bars_are_gone_before_the_word() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    world.hold("upload", 3, "after");
    world.long();
    let command = format!(
        "{} upload --chunk-size {CHUNK} work/videos_to_upload.json",
        env!("CARGO_BIN_EXE_tiktok-up")
    );
    let mut terminal = Terminal::start(&world, &command, &[("TERM", "xterm")]);
    world.wait_until("everything is there", |world| world.published() == 1);
    terminal.presses(CTRL_C);
    terminal.sees("stopping after this chunk");
    terminal.presses(CTRL_C);
    terminal.sees("stopped");
    let (_, shown) = terminal.end();
    let after = shown.rsplit("stopped").next().unwrap();
    assert!(!after.contains("MB"), "{after:?}");
}

#[test]
fn a_status_that_is_stopped_says_what_it_did_not_ask() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let post = |name: &str| json!({ "user_id": world.open_id(ADA), "video_path": name });
    let manifest = world.manifest(&json!([post("a.mp4"), post("b.mp4")]));
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.hold("status", 1, "middle");
    let run = Running::of(world.command(&["status"]));
    world.wait_until("it asks", |world| !world.calls("status").is_empty());
    run.signal(Signal::INT);
    let ran = run.end().exits(130).never_says("every post is final");
    ran.says("TikTok was not asked about posts 1, 2").says("a.mp4").says("b.mp4");
}
