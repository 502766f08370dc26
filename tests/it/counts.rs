//! What a run asks of the system, by the number of chunks, accounts and posts: counts, which are the same on
//! every machine, so that what grows faster than it should is seen wherever the tests run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::say;
use crate::tracer::trace;
use crate::world::{ADA, CHUNK, World};

/// How long a run may take that stops at each call.
const LIMIT: Duration = Duration::from_mins(2);

/// Longer than it takes until the times of a file tell that it did not change.
const A_MOMENT: Duration = Duration::from_millis(100);

/// The calls of a run.
struct Counts(BTreeMap<(&'static str, &'static str), usize>);

impl Counts {
    /// Those of a command that goes well. `None`, said aloud: processes may not be traced here.
    fn of(world: &World, args: &[&str]) -> Option<Self> {
        match trace(world.command(args), None, LIMIT, |_| ()) {
            Ok(traced) => {
                traced.ran.exits(0);
                let mut counts = BTreeMap::new();
                for call in traced.calls {
                    *counts.entry((call.name, subject(&call.about))).or_default() += 1;
                }
                Some(Self(counts))
            }
            Err(error) => {
                say(&format!("skipped: processes may not be traced here: {error}"));
                None
            }
        }
    }

    /// How many calls of these names are about a subject.
    fn about(&self, subject: &str, names: &[&str]) -> usize {
        let counts =
            |(key, _): &(&(&str, &str), &usize)| key.1 == subject && names.contains(&key.0);
        self.0.iter().filter(counts).map(|(_, count)| count).sum()
    }

    /// How many calls of these names there are.
    fn all(&self, names: &[&str]) -> usize {
        self.0.iter().filter(|(key, _)| names.contains(&key.0)).map(|(_, count)| count).sum()
    }
}

/// What a call is about.
fn subject(about: &str) -> &'static str {
    let name = about.rsplit('/').next().unwrap_or_default();
    match name {
        "socket" => "socket",
        _ if name.starts_with("journal.sqlite") => "journal",
        _ if name.starts_with("user_tokens.json") => "tokens",
        _ if name.starts_with("notes.json") => "notes",
        _ if Path::new(name).extension() == Some("mp4".as_ref()) => "video",
        _ if about.contains("/locks/") => "locks",
        _ => "other",
    }
}

const SYNCS: &[&str] = &["fsync", "fdatasync"];
const OPENS: &[&str] = &["open", "openat"];
const READS: &[&str] = &["read", "pread64"];
const WRITES: &[&str] = &["write", "pwrite64", "rename"];
const LOCKS: &[&str] = &["flock", "fcntl", "ftruncate"];
const LOOKS: &[&str] = &["statx", "newfstatat", "stat", "lstat", "access", "getdents64"];

/// What one more of them costs in whole calls, by runs over sizes that are `apart`: the same at each step. A
/// few calls in all depend on how often TikTok was asked.
#[track_caller]
fn each(runs: &[Counts], apart: usize, of: impl Fn(&Counts) -> usize) -> usize {
    let counts: Vec<_> = runs.iter().map(of).collect();
    let steps: Vec<_> = counts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let (least, most) = (steps.iter().min().unwrap(), steps.iter().max().unwrap());
    assert!(most - least < apart, "it does not grow evenly: {counts:?}");
    most / apart
}

#[test]
fn a_chunk_costs_its_bytes_and_no_wait_for_the_disk() {
    let world = World::logged_in();
    // The first run of an account makes its rows, the later ones change them.
    world.upload(&world.short()).exits(0);
    let mut runs = Vec::new();
    for chunks in [2, 12, 22] {
        let name = format!("{chunks}.mp4");
        world.video(&name, CHUNK * chunks);
        let manifest = world.one_post(ADA, &name);
        let args = ["upload", "--chunk-size", &CHUNK.to_string(), &manifest];
        let Some(counts) = Counts::of(&world, &args) else { return };
        runs.push(counts);
    }
    // Once, in pieces of 256 KiB.
    assert_eq!(each(&runs, 10, |run| run.about("video", READS)), 20);
    assert!(each(&runs, 10, |run| run.about("video", LOOKS)) <= 2);
    assert_eq!(each(&runs, 10, |run| run.all(SYNCS)), 0);
    assert_eq!(each(&runs, 10, |run| run.all(OPENS)), 0);
    // One row, in the log of the journal.
    assert_eq!(each(&runs, 10, |run| run.about("journal", READS)), 0);
    assert!(each(&runs, 10, |run| run.about("journal", WRITES)) <= 6);
}

#[test]
fn an_account_that_is_not_due_costs_one_look() {
    let world = World::logged_in();
    let mut runs = Vec::new();
    for accounts in [20, 40, 60] {
        log_in_as_often(&world, accounts);
        let Some(counts) = Counts::of(&world, &["--quiet", "refresh"]) else { return };
        runs.push(counts);
    }
    for names in [READS, WRITES, SYNCS] {
        // The file of them all is read in long pieces.
        assert_eq!(each(&runs, 20, |run| run.all(names)), 0, "{names:?}");
    }
    // For the mark of its last save. Answers that were not saved are listed, once for all.
    assert_eq!(each(&runs, 20, |run| run.all(OPENS)), 1);
    assert_eq!(each(&runs, 20, |run| run.all(LOOKS)), 0);
}

/// Makes so many accounts of the one that is logged in.
fn log_in_as_often(world: &World, accounts: usize) {
    let path = world.home().join("home/user_tokens.json");
    let mut store: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let login = store["accounts"][world.open_id(ADA)].clone();
    for n in 1..accounts {
        let mut login = login.clone();
        login["alias"] = json!(format!("copy{n}"));
        login["refresh_token"] = json!(format!("rft.copy{n}"));
        store["accounts"][format!("-000copy{n}")] = login;
    }
    fs::write(&path, serde_json::to_vec(&store).unwrap()).unwrap();
    // A file that changed a moment ago is not taken to stay the same, and is read again each time.
    world.wait_until("the file is not new any more", |_| {
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        changed.elapsed().is_ok_and(|since| since > A_MOMENT)
    });
}

#[test]
fn posts_that_are_done_cost_no_call_each() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    let (mut uploads, mut looks) = (Vec::new(), Vec::new());
    let urls: Vec<_> = (0..300).map(|n| format!("https://verified.example/{n}.mp4")).collect();
    for posts in [100, 200, 300] {
        let new = urls[posts - 100..posts].iter().cloned();
        tiktok_up::testing::fill_journal(&world.home().join("home"), &ada, new);
        let entry = |url: &String| json!({ "user_id": ada, "video_url": url });
        let manifest = world.manifest(&json!(urls[..posts].iter().map(entry).collect::<Vec<_>>()));
        // The first look after a change from outside is at all of it.
        world.run(&["status"]).exits(0);
        let Some(counts) = Counts::of(&world, &["--quiet", "upload", &manifest]) else { return };
        uploads.push(counts);
        let Some(counts) = Counts::of(&world, &["status"]) else { return };
        looks.push(counts);
    }
    for names in [OPENS, READS, WRITES, SYNCS, LOOKS, LOCKS] {
        // They are looked up many at a time, in pages that hold many.
        assert_eq!(each(&uploads, 100, |run| run.all(names)), 0, "{names:?}");
        // Where nothing is open there is nothing to look at.
        assert_eq!(each(&looks, 100, |run| run.all(names)), 0, "{names:?}");
    }
}

/// A month from now, as a manifest has it.
fn in_a_month() -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24)).to_string()
}

#[test]
fn posts_that_wait_cost_no_look_at_the_journal_each() {
    let world = World::logged_in();
    let (ada, at, mut runs) = (world.open_id(ADA), in_a_month(), Vec::new());
    for posts in [300, 600, 900] {
        let url = |n: i32| format!("https://verified.example/{n}.mp4");
        let entry = |n| json!({ "user_id": ada, "video_url": url(n), "publish_at": at });
        let manifest = world.manifest(&json!((0..posts).map(entry).collect::<Vec<_>>()));
        let Some(counts) = Counts::of(&world, &["--quiet", "upload", &manifest]) else { return };
        runs.push(counts);
    }
    for names in [OPENS, READS, WRITES, SYNCS, LOOKS, LOCKS] {
        assert_eq!(each(&runs, 300, |run| run.all(names)), 0, "{names:?}");
    }
}

#[test]
fn files_of_one_size_that_wait_are_read_once() {
    let world = World::logged_in();
    let (ada, at, mut runs) = (world.open_id(ADA), in_a_month(), Vec::new());
    let mut entries = Vec::new();
    for _ in 0..3 {
        for _ in 0..20 {
            let name = format!("{}.mp4", entries.len());
            let path = world.video(&name, 100_000);
            let mut content = fs::read(&path).unwrap();
            let end = content.len();
            content[end - 8..].copy_from_slice(&entries.len().to_be_bytes());
            fs::write(&path, content).unwrap();
            entries.push(json!({ "user_id": ada, "video_path": name, "publish_at": at }));
        }
        let manifest = world.manifest(&json!(entries));
        let Some(counts) = Counts::of(&world, &["--quiet", "upload", &manifest]) else { return };
        runs.push(counts);
    }
    assert!(each(&runs, 20, |run| run.about("video", OPENS)) <= 4);
    // Its headers, a field and a sample at a time, and its content: as often whatever the others are.
    each(&runs, 20, |run| run.about("video", READS));
}
