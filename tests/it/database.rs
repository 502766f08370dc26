//! A database in the place of the files, shared by machines.

use std::process::Command;

#[cfg(feature = "postgres")]
use crate::world::{ADA, Running};
use crate::world::{Ran, World};

impl World {
    /// A command on a machine, which is a home, with a database.
    fn machine(&self, url: &str, machine: &str, args: &[&str]) -> Command {
        let home = self.home().join(machine);
        let mut command = self.command(args);
        command.env("TIKTOK_UP_HOME", home).env("TIKTOK_UP_DATABASE_URL", url);
        command
    }
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_build_that_can_use_none_says_so_before_anything_happens() {
    let world = World::new();
    let url = "postgres://ada:s3cr3t@db.example.com/posts";
    let ran = Ran::of(world.machine(url, "a", &["accounts"]));
    ran.exits(2).says("this build cannot use a database").says("--features postgres");
    let home = world.home().join("a");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("config.toml"), format!("[store]\nurl = \"{url}\"\n")).unwrap();
    crate::person::chmod(&home.join("config.toml"), 0o600);
    let mut command = world.machine(url, "a", &["accounts"]);
    let ran = Ran::of({
        command.env_remove("TIKTOK_UP_DATABASE_URL");
        command
    });
    let ran = ran.exits(2).says("this build cannot use a database");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"));
    world.run(&["store", "check"]).exits(0).says("files in");
    world.run(&["store", "migrate"]).exits(2).says("no database keeps the store");
}

#[cfg(feature = "postgres")]
#[test]
fn two_machines_share_logins_posts_and_turns() {
    use std::fs;

    let Some(server) = crate::server::server() else { return };
    let folder = server.folder.display();
    let url = format!("postgres:///postgres?host={folder}&user=tiktok&password=s3cr3t-of-none");
    let world = World::new();
    let on = |machine: &str, args: &[&str]| Ran::of(world.machine(&url, machine, args));
    on("a", &["store", "check"]).exits(0).says("nothing is there yet");
    on("a", &["store", "migrate"]).exits(0).says("version 0 to");
    on("b", &["store", "migrate"]).exits(0).says("already");

    // The key is on both machines, and all that is secret rests encrypted before the first login.
    let key = world.path("store.key");
    for machine in ["a", "b"] {
        let home = world.home().join(machine);
        let text = format!("[store]\nencrypt = \"key-file\"\nkey_file = \"{}\"\n", key.display());
        fs::write(home.join("config.toml"), text).unwrap();
    }
    on("a", &["accounts", "encrypt"]).exits(0).says("encrypted with");
    world.consent(&serde_json::json!({ "account": ADA }));
    let login =
        world.machine(&url, "a", &["login", "--no-browser", "--port", "0", "--alias", "ada"]);
    world.login_by(login).exits(0);
    on("b", &["accounts"]).exits(0).says("ada");
    for machine in ["a", "b"] {
        assert!(!world.home().join(machine).join("user_tokens.json").exists());
        assert!(!world.home().join(machine).join("journal.sqlite").exists());
    }

    // Both come to the same post at once: one of them makes it, and the other one waits or comes again.
    world.video("clip.mp4", 300_000);
    let manifest = world.one_post("ada", "clip.mp4");
    let upload = ["upload", manifest.as_str()];
    let begun = ["a", "b"].map(|machine| world.machine(&url, machine, &upload).spawn().unwrap());
    for mut run in begun {
        let ended = run.wait().unwrap().code();
        assert!(matches!(ended, Some(0 | 5)), "{ended:?}");
    }
    for machine in ["b", "a"] {
        on(machine, &upload).exits(0);
    }
    assert_eq!(world.posts().len(), 1, "however many come to it");
    on("b", &["status"]).exits(0);
    on("b", &["history"]).exits(0).says("clip.mp4");

    // A refresh on one machine leaves the other one with a login that works.
    on("b", &["refresh", "--force"]).exits(0);
    on("a", &["refresh", "--force"]).exits(0);
    on("b", &["accounts", "show", "ada"]).exits(0);
    if server.is_pooled {
        let pooled = url.replace("?host", "?port=6432&host");
        Ran::of(world.machine(&pooled, "b", &["refresh", "--force"])).exits(0);
        Ran::of(world.machine(&pooled, "b", &upload)).exits(0);
    }

    who_waits_is_told_for_whom(&world, &url);
    world.one_post("ada", "clip.mp4");

    let ran = on("a", &["store", "check", "--json"]).exits(0);
    assert!(
        ran.stdout.contains("\"ok\":true") && !ran.stdout.contains("\"ok\":false"),
        "{}",
        ran.stdout
    );
    let ran = on("a", &["store", "check", "-q"]).exits(0);
    assert_eq!(ran.stdout, "", "a quiet one says what is wrong alone");
    // The key of another store, or none at all, is told before anything needs it.
    let [other, none] = ["other.key", "none.key"].map(|name| world.path(name));
    fs::write(&other, "07".repeat(32)).unwrap();
    crate::person::chmod(&other, 0o600);
    let of = |path: &std::path::Path| {
        let path = path.display();
        let text = format!("[store]\nencrypt = \"key-file\"\nkey_file = \"{path}\"\n");
        fs::write(world.home().join("b/config.toml"), text).unwrap();
    };
    for path in [&other, &none] {
        of(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        on("b", &["store", "check"]).exits(4).says(name);
        on("b", &["store", "check", "-q"]).exits(4).says(name);
        on("b", &["accounts"]).exits(0).says(name);
    }
    of(&key);
    on("a", &["doctor", "--offline"]).exits(0).says("answers");
    let ran = on("a", &["config", "get"]).exits(0);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"));

    // A database that lacks what was posted from here is noticed here, and by all from then on.
    let mark = world.home().join("a/locks/database.mark");
    let marks = [&mark, &world.home().join("b/locks/database.mark")];
    let mark = marks.into_iter().find(|mark| mark.exists()).expect("one of them made the post");
    let text = fs::read_to_string(mark).unwrap();
    fs::write(mark, text.replace("\"created\":", "\"created\":1")).unwrap();
    let maker = if mark.starts_with(world.home().join("a")) { "a" } else { "b" };
    on(maker, &["store", "check"]).exits(4).says("older copy");
    for machine in [maker, "a", "b"] {
        on(machine, &upload).exits(4).says("older copy").says("--new-journal");
    }
    on(maker, &[&upload[..], &["--new-journal"]].concat()).exits(0);
    for machine in ["a", "b"] {
        on(machine, &upload).exits(0);
    }

    // Where nobody answers, nothing is sent and nothing is lost.
    let away = "postgres:///postgres?host=/nowhere&user=tiktok&password=s3cr3t-of-none";
    let ran = Ran::of(world.machine(away, "a", &upload)).exits(5).says("cannot be reached");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"));
    on("a", &["logout", "ada"]).exits(0).says("by all machines that share the database");
    on("b", &["accounts"]).exits(0);
}

/// Who has to wait for an account is told which machine has it, since when and until when.
#[cfg(feature = "postgres")]
fn who_waits_is_told_for_whom(world: &World, url: &str) {
    world.video("held.mp4", 300_001);
    world.hold("upload", 1, "middle");
    let (posts, held) = (world.posts().len(), world.one_post("ada", "held.mp4"));
    let run = Running::of(world.machine(url, "a", &["upload", &held]));
    world.wait_until("it sends", |world| world.posts().len() > posts);
    for args in [&["logout", "ada"][..], &["upload", &held]] {
        let ran = Ran::of(world.machine(url, "b", args)).exits(5);
        ran.says(&format!("process {} on ", run.pid())).says(", since ").says(", and until ");
    }
    world.let_go();
    run.end().exits(0);
}
