//! What keeps the console from running, or from using its settings, is told as other commands tell it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::console::Console;
use crate::console_client::Visitor;
use crate::process::eventually;
use crate::world::{ADA, Ran, World};

/// `serve` on a free port, with more arguments.
fn serve(world: &World, more: &[&str]) -> Ran {
    let args = ["serve", "--listen", "127.0.0.1:0", "--no-browser"];
    Ran::of(world.command(&[&args, more].concat()))
}

/// A file that is closed to others.
fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn explained(world: &World, code: &str) {
    world.run(&["explain", code]).exits(0).says(code);
}

#[test]
fn a_second_console_of_a_home_does_not_begin() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    serve(&world, &[]).exits(5).says("another console runs").says("[console_running]");
    explained(&world, "console_running");
    // Its users may be changed all the same, and the first one goes on.
    let mut add = world.command(&["serve", "add-user", "ada"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    Visitor::of(&world, &console).get("/").is(200);
    console.end();
    let again = Console::start(&world, &[]);
    again.end();
}

#[test]
fn an_address_that_is_taken_or_of_another_machine_is_told() {
    let world = World::logged_in();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let args = ["serve", "--no-browser", "--listen"];
    let listen = |address: &str| world.run(&[&args[..], &[address]].concat());
    listen(&address).exits(4).says("[console_port_in_use]").says("--listen 127.0.0.1:0");
    // An address for documentation, which no machine has (RFC 5737).
    listen("192.0.2.1:1").exits(4).says("[console_address]");
    let file = world.file("no-socket", "");
    listen(&format!("unix:{}", file.display())).exits(4).says("[file_in_the_way]");
    for code in ["console_port_in_use", "console_address", "console_reach"] {
        explained(&world, code);
    }
    listen("0.0.0.0:0").exits(2).says("[console_reach]").says("add-user");
}

#[test]
fn a_certificate_that_is_none_is_told() {
    let world = World::logged_in();
    let (certificate, key) = (world.file("cert.pem", "nothing"), world.path("key.pem"));
    let paths = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let tls = ["--tls-cert", paths[0], "--tls-key", paths[1]];
    serve(&world, &tls).exits(2).says("holds no certificate").says("[console_tls]");
    explained(&world, "console_tls");
}

#[test]
fn files_of_the_console_that_are_damaged_are_named() {
    let world = World::logged_in();
    Console::start(&world, &[]).end();
    let folder = world.home().join("home").join("console");
    let queue = folder.join("queue").join("0123456789abcdef.json");
    private(&queue, "{");
    serve(&world, &[]).exits(4).says("[console_queue_damaged]").says("0123456789abcdef.json");
    fs::remove_file(queue).unwrap();
    private(&folder.join("users.json"), "{}");
    for ran in [serve(&world, &[]), world.run(&["serve", "users"])] {
        ran.exits(4).says("[console_users_damaged]").says("users.json");
    }
    private(&folder.join("users.json"), "{\"version\": 9}");
    serve(&world, &[]).exits(4).says("[console_users_newer]");
    for code in ["console_queue_damaged", "console_users_damaged", "console_users_newer"] {
        explained(&world, code);
    }
}

#[test]
fn mistakes_in_the_settings_are_told_at_the_start_and_on_every_page() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let config = world.home().join("home").join("config.toml");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, "[serve]\nfoldrs = [\"/a\"]\n").unwrap();
    for page in ["/", "/queue", "/settings", "/compose"] {
        let page = visitor.get(page).is(200).says("line 2, column 1").says("config.toml");
        page.says("read again by itself");
    }
    assert!(console.running.said("line 2, column 1"), "the terminal says so, too");
    let other = world.run(&["accounts"]).exits(2).says("line 2, column 1");
    let ran = serve(&world, &[]).exits(2).says("line 2, column 1").says("[config_invalid]");
    assert_eq!(ran.stderr.lines().next(), other.stderr.lines().next());
    fs::write(&config, good).unwrap();
    eventually("the settings are read again", || {
        (!visitor.get("/").text.contains("column")).then_some(())
    });
    console.end();
}

#[test]
fn what_cannot_be_read_is_told_and_hides_nothing_else() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let video = world.video("clip.mp4", 100_000);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let folder = world.home().join("home").join("console");
    private(&folder.join("queue").join("0123456789abcdef.json"), "{");
    fs::create_dir(folder.join("drafts").join("web-0123456789abcdef.json")).unwrap();
    for path in ["/", "/queue", "/calendar"] {
        visitor.get(path).is(200).says("0123456789abcdef.json").says("no list of posts");
    }
    visitor.get("/compose").is(200).says("web-0123456789abcdef.json").says(&page);
    visitor.get("/guidelines").is(200).says("web-0123456789abcdef.json").says(&page);
    console.end();
}

#[test]
fn what_is_no_id_is_in_no_address() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    for id in ["%2F%2Fevil.example", "web-1", "x%22%3E"] {
        visitor.post(&format!("/queue/{id}/cancel"), &[]).is(404);
        visitor.post(&format!("/compose/{id}"), &[("action", "discard")]).is(404);
    }
    visitor.post("/queue/web-0123456789abcdef/cancel", &[]).is(422);
    console.end();
}
