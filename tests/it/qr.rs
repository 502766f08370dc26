//! The QR code of a login: in the terminal where it fits, and as a picture for as long as the login lasts.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::process::Signal;

use crate::person::eventually;
use crate::pty::Pty;
use crate::world::{ADA, Ran, Running, World};

impl World {
    /// The phone scans a code and confirms.
    fn confirm(&self, url: &str) {
        let token = self.sandbox.scan(url).unwrap();
        self.sandbox.confirm(&token, ADA).unwrap();
    }

    /// The address in the code on show.
    fn code(login: &Running) -> String {
        eventually("a code", || login.word("aweme://"))
    }
}

/// Whether a file is a picture that nobody else may look at.
fn is_private_picture(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    bytes.starts_with(b"\x89PNG") && path.metadata().unwrap().mode() & 0o777 == 0o600
}

#[test]
fn a_code_that_does_not_fit_is_not_drawn_and_the_other_ways_are_named() {
    for (columns, rows) in [(40, 60), (120, 12), (20, 5), (1, 1)] {
        let (world, pty) = (World::new(), Pty::new(columns, rows));
        let login = pty.start(&world, &["login", "--qr"]);
        pty.sees("aweme://");
        for way in ["--qr-png FILE", "--qr-open", "--paste"] {
            pty.sees(way);
        }
        let shown = pty.shown();
        assert!(!shown.contains(['█', '▀', '▄']), "{shown}");
        let url = shown.split_whitespace().find(|word| word.starts_with("aweme://")).unwrap();
        world.confirm(url);
        assert!(pty.end(login).success(), "{}", pty.shown());
    }
}

#[test]
fn a_code_that_fits_is_drawn() {
    let (world, pty) = (World::new(), Pty::new(100, 50));
    let login = pty.start(&world, &["login", "--qr"]);
    pty.sees("▀");
    let shown = pty.shown();
    assert!(!shown.contains("--qr-png"), "{shown}");
    world.confirm(shown.split_whitespace().find(|word| word.starts_with("aweme://")).unwrap());
    assert!(pty.end(login).success());
}

#[test]
fn the_picture_is_private_and_goes_with_the_login() {
    let world = World::new();
    let file = world.path("code.png");
    let args = ["login", "--qr-png", file.to_str().unwrap()];
    let login = Running::of(world.command(&args));
    let url = World::code(&login);
    eventually("the picture", || is_private_picture(&file).then_some(()));
    world.confirm(&url);
    login.end().exits(0);
    assert!(!file.exists());

    let login = Running::of(world.command(&args));
    World::code(&login);
    eventually("the picture", || is_private_picture(&file).then_some(()));
    login.signal(Signal::INT);
    login.end().exits(130);
    assert!(!file.exists());

    let mut short = world.command(&args);
    short.args(["--timeout", "1s"]);
    assert_ne!(Ran::of(short).code, Some(0));
    assert!(!file.exists());
}

#[test]
fn a_file_that_is_there_is_never_overwritten_by_the_picture() {
    let world = World::new();
    let file = world.file("holiday.png", "my holiday");
    let args = ["login", "--qr", "--qr-png", file.to_str().unwrap()];
    world.run(&args).exits(2).says("holiday.png").says("another name");
    assert_eq!(fs::read_to_string(&file).unwrap(), "my holiday");
    assert!(world.calls("get_qrcode").is_empty());

    // As `mktemp` makes them.
    fs::write(&file, "").unwrap();
    let login = Running::of(world.command(&args));
    let url = World::code(&login);
    eventually("the picture", || is_private_picture(&file).then_some(()));
    world.confirm(&url);
    login.end().exits(0);
}

#[test]
fn a_folder_that_takes_no_picture_is_told_before_tiktok_is_asked() {
    let world = World::new();
    world.run(&["login", "--qr-png", "none/code.png"]).exits(4).says("none/code.png");
    assert!(world.calls("get_qrcode").is_empty());
}

#[test]
fn the_desktop_shows_the_picture() {
    let world = World::new();
    let viewer = world.file("xdg-open", "#!/bin/sh\ncp -p \"$1\" seen.png\necho \"$1\" > name\n");
    fs::set_permissions(&viewer, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.command(&["login", "--qr-open"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", viewer.parent().unwrap().display()));
    let login = Running::of(command);
    let url = World::code(&login);
    let (seen, name) = (world.home().join("seen.png"), world.home().join("name"));
    let name = eventually("the viewer", || {
        let name = fs::read_to_string(&name).ok()?;
        name.ends_with('\n').then(|| name.trim_end().to_owned())
    });
    assert!(is_private_picture(&seen));
    world.confirm(&url);
    login.end().exits(0);
    assert!(!Path::new(&name).exists() && !Path::new(&name).parent().unwrap().exists());
}

#[test]
fn a_desktop_without_a_viewer_is_told() {
    let world = World::new();
    let mut command = world.command(&["login", "--qr-open"]);
    command.env("PATH", world.home().join("nothing"));
    let login = Running::of(command);
    let url = World::code(&login);
    eventually("the warning", || login.said("no picture viewer").then_some(()));
    world.confirm(&url);
    login.end().exits(0);
}

#[test]
fn a_code_that_nobody_scans_says_what_to_do_with_it() {
    let world = World::new();
    let ran = world.run(&["login", "--qr", "--timeout", "200ms"]).exits(5);
    let ran = ran
        .says("the QR code was not scanned and confirmed within")
        .says("scanner in the TikTok app");
    // That is for a login in the browser.
    ran.says("--timeout").never_says("redirect_uri").never_says("error page");
}
