//! The memory of what was posted: a journal that is lost, or an older copy of the state that is put
//! back, posts nothing again without a word.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::stage::copy;
use crate::world::{ADA, Ran, World};

impl World {
    fn state(&self) -> PathBuf {
        self.home().join("home")
    }

    /// Keeps a copy of a file or directory of the state.
    fn back_up(&self, name: &str) -> PathBuf {
        let (from, to) = (self.state().join(name), self.path(&format!("backup-{name}")));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            copy_file(&from, &to);
        }
        to
    }

    /// A video that no other run has posted, in a manifest of its own.
    fn another(&self, name: &str, size: u64) -> String {
        self.video(name, size);
        self.one_post(ADA, name)
    }

    /// Refuses to post, sends nothing, and says why, also when quiet; the other commands warn.
    fn refuses_to_post(&self, manifest: &str, why: &str) {
        let before = self.inits();
        for args in [&["upload", manifest][..], &["--quiet", "upload", manifest, "--dry-run"]] {
            let ran = self.run(args).exits(4).says(why);
            ran.says("--new-journal").says("look at the profile");
        }
        let status = self.run(&["--quiet", "status"]).exits(0);
        assert_eq!(status.stderr.matches("warning: ").count(), 2, "{status:#?}");
        status.says(why).says("--new-journal");
        assert_eq!(self.inits(), before);
    }

    /// Done, with no warning but that TikTok is a sandbox.
    fn is_silent(&self, args: &[&str]) {
        let ran = self.run(args).exits(0);
        assert_eq!(ran.stderr.matches("warning: ").count(), 1, "{ran:#?}");
        ran.says("warning: this is not TikTok itself");
    }

    /// Posts once it is told to, and then without being told.
    fn posts_with_a_new_journal(&self, manifest: &str) {
        let rehearsed = self.run(&["upload", "--new-journal", "--dry-run", manifest]).exits(0);
        rehearsed.says("not taken in a dry run");
        self.run(&["upload", manifest]).exits(4);
        // A run that cannot begin takes nothing: the next one is refused as before.
        let broken = self.file("broken.json", r#"[{ "video_path": "clip.mp4", "capton": "x" }]"#);
        self.run(&["upload", "--new-journal", broken.to_str().unwrap()]).exits(2);
        self.run(&["upload", manifest]).exits(4);
        self.run(&["upload", "--new-journal", manifest]).exits(0).says("from now on");
        self.run(&["upload", "--new-journal", manifest]).exits(0).says("is not needed");
        self.is_silent(&["--quiet", "upload", manifest]);
        self.is_silent(&["--quiet", "status"]);
    }
}

fn copy_file(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Puts a file back in place, as `cp` does: it keeps its number on the disk.
fn put_back(backup: &Path, file: &Path) {
    fs::write(file, fs::read(backup).unwrap()).unwrap();
}

/// Whether copies can be told from originals in a directory: not on every file system.
fn copies_are_told(dir: &Path) -> bool {
    const KNOWN: [i64; 7] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x2FC1_2FC1, 0x0102_1994, 0x794C_7630];
    let kind = Ran::of({
        let mut stat = std::process::Command::new("stat");
        stat.args(["-f", "-c", "%t"]).arg(dir);
        stat
    });
    i64::from_str_radix(kind.stdout.trim(), 16).is_ok_and(|kind| KNOWN.contains(&kind))
}

#[test]
fn a_home_that_has_never_posted_makes_no_noise() {
    let world = World::logged_in();
    world.is_silent(&["--quiet", "status"]);
    let manifest = world.short();
    world.is_silent(&["--quiet", "upload", &manifest]);
    world.is_silent(&["--quiet", "upload", &manifest]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn a_home_of_an_earlier_version_makes_no_noise() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let database = rusqlite::Connection::open(world.state().join("journal.sqlite")).unwrap();
    database.execute("DELETE FROM meta WHERE name <> 'host'", []).unwrap();
    drop(database);
    crate::stage::forget_marks(&world.state());
    world.is_silent(&["--quiet", "upload", &manifest]);
    let next = world.another("next.mp4", 90_000);
    world.is_silent(&["--quiet", "upload", &next]);
    assert_eq!(world.inits(), 2);
}

#[test]
fn tokens_without_their_journal_post_nothing_until_a_person_has_looked() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    fs::remove_file(world.state().join("journal.sqlite")).unwrap();
    world.refuses_to_post(&manifest, "a journal that is gone");
    assert!(!world.state().join("journal.sqlite").exists());
    // What does not post asks for no journal.
    world.run(&["refresh", "--force"]).exits(0);
    world.run(&["accounts"]).exits(0);
    world.login(ADA).exits(0);
    let next = world.another("next.mp4", 90_000);
    world.posts_with_a_new_journal(&next);
    assert_eq!(world.inits(), 2);
}

#[test]
fn older_tokens_with_the_right_journal_are_no_reason_to_ask() {
    let world = World::logged_in();
    let backup = world.back_up("user_tokens.json");
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    put_back(&backup, &world.state().join("user_tokens.json"));
    let ran = world.upload(&manifest).exits(0);
    ran.says("skipped").never_says("--new-journal");
    assert_eq!(world.inits(), 1);
}

#[test]
fn an_older_journal_in_place_posts_nothing() {
    let world = World::logged_in();
    world.upload(&world.another("first.mp4", 70_000)).exits(0);
    let backup = world.back_up("journal.sqlite");
    let second = world.another("second.mp4", 80_000);
    world.upload(&second).exits(0);
    put_back(&backup, &world.state().join("journal.sqlite"));
    world.refuses_to_post(&second, "an older copy");
    world.posts_with_a_new_journal(&world.another("third.mp4", 90_000));
    assert_eq!(world.inits(), 3);
}

#[test]
fn older_tokens_and_an_older_journal_post_nothing() {
    let world = World::logged_in();
    world.upload(&world.another("first.mp4", 70_000)).exits(0);
    let backups = ["journal.sqlite", "user_tokens.json"].map(|name| (name, world.back_up(name)));
    let second = world.another("second.mp4", 80_000);
    world.upload(&second).exits(0);
    for (name, backup) in &backups {
        put_back(backup, &world.state().join(name));
    }
    world.refuses_to_post(&second, "an older copy");
    world.posts_with_a_new_journal(&world.another("third.mp4", 90_000));
    assert_eq!(world.inits(), 3);
}

#[test]
fn an_older_copy_of_the_whole_state_posts_nothing() {
    let world = World::logged_in();
    if !copies_are_told(world.home()) {
        return;
    }
    world.upload(&world.another("first.mp4", 70_000)).exits(0);
    copy(&world.state(), &world.path("backup"));
    let second = world.another("second.mp4", 80_000);
    world.upload(&second).exits(0);
    fs::rename(world.state(), world.path("lost")).unwrap();
    fs::rename(world.path("backup"), world.state()).unwrap();
    world.refuses_to_post(&second, "is a copy or was restored from a backup");
    world.posts_with_a_new_journal(&world.another("third.mp4", 90_000));
    assert_eq!(world.inits(), 3);
}

#[test]
fn an_older_copy_of_every_file_in_place_posts_nothing() {
    let world = World::logged_in();
    if !copies_are_told(world.home()) {
        return;
    }
    world.upload(&world.another("first.mp4", 70_000)).exits(0);
    let mut backups = ["journal.sqlite", "user_tokens.json"].map(|name| (name, PathBuf::new()));
    for (name, backup) in &mut backups {
        *backup = world.back_up(name);
    }
    let locks = world.back_up("locks");
    let second = world.another("second.mp4", 80_000);
    world.upload(&second).exits(0);
    for (name, backup) in &backups {
        put_back(backup, &world.state().join(name));
    }
    for entry in fs::read_dir(&locks).unwrap() {
        let backup = entry.unwrap().path();
        put_back(&backup, &world.state().join("locks").join(backup.file_name().unwrap()));
    }
    world.refuses_to_post(&second, "is a copy or was restored from a backup");
    world.posts_with_a_new_journal(&world.another("third.mp4", 90_000));
    assert_eq!(world.inits(), 3);
}

#[test]
fn on_another_machine_it_is_only_a_warning_and_only_once() {
    if !["/etc/machine-id", "/var/lib/dbus/machine-id"].iter().any(|path| Path::new(path).exists())
    {
        return;
    }
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let database = rusqlite::Connection::open(world.state().join("journal.sqlite")).unwrap();
    database.execute("UPDATE meta SET value = 'elsewhere' WHERE name = 'host'", []).unwrap();
    drop(database);
    copy(&world.state(), &world.path("carried"));
    fs::rename(world.state(), world.path("left")).unwrap();
    fs::rename(world.path("carried"), world.state()).unwrap();
    world.is_silent(&["--quiet", "status"]);
    let first = world.run(&["--quiet", "upload", &manifest]).exits(0);
    first.says("last used on another machine");
    world.is_silent(&["--quiet", "upload", &manifest]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn nothing_is_sent_if_the_tokens_cannot_keep_the_mark() {
    let world = World::logged_in();
    let manifest = world.short();
    let lock = world.state().join("user_tokens.json.lock");
    let _ = fs::remove_file(&lock);
    fs::create_dir(&lock).unwrap();
    world.upload(&manifest).exits(4).says("could not record").says("user_tokens.json.lock");
    assert_eq!(world.inits(), 0);
    fs::remove_dir(&lock).unwrap();
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}
