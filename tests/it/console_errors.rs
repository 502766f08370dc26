//! What keeps the console from running, or from using its settings, is told as other commands tell it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use url::Url;

use crate::browser::Browser;
use crate::console::{Console, begin, fill, says_after};
use crate::console_client::Visitor;
use crate::process::eventually;
use crate::world::{ADA, Ran, World, raw_request};

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

/// Whoever asks in a way that the console does not answer is told why, and nothing else.
#[test]
fn whoever_is_refused_at_the_door_is_told_why() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let port = Url::parse(&console.at("/")).unwrap().port().unwrap();
    let ask = |lines: &str| raw_request(port, &format!("{lines}connection: close\r\n\r\n"));
    let astray = ask("GET / HTTP/1.1\r\nhost: rebound.example\r\n");
    assert!(astray.starts_with("HTTP/1.1 421 "), "{astray}");
    assert!(astray.contains("That is no address of this console."), "{astray}");
    assert!(astray.contains("\r\ncontent-type: text/plain"), "{astray}");
    assert!(!astray.contains("rebound") && !astray.contains(&port.to_string()), "{astray}");
    let here = format!("host: 127.0.0.1:{port}\r\n");
    let unknown = ask(&format!("GET /history.csv HTTP/1.1\r\n{here}accept: */*\r\n"));
    assert!(unknown.starts_with("HTTP/1.1 401 "), "{unknown}");
    assert!(unknown.contains("\r\n\r\nYour session has ended."), "{unknown}");
    // A form of a session that has ended: a page that leads on.
    visitor.post("/signout", &[]).is(303);
    let page = visitor.post("/doctor", &[]).is(401).says("href=\"/signin\" target=\"_blank\"");
    page.says("Your session has ended.").says("What you have typed is still");
    console.end();
}

/// As the page of a session that has ended promises.
#[test]
fn what_was_typed_before_a_session_ended_is_there_again() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let mut add = world.command(&["serve", "add-user", "ada"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    let console = Console::start(&world, &[]);
    browser.open(&console.at("/signin"));
    fill(&mut browser, "#name", "ada");
    fill(&mut browser, "#password", "a long password");
    browser.click("form:has(#password) button");
    browser.arrives_at(&console.at("/"));
    begin(&mut browser, &console, &world, "clip.mp4");
    browser.click("#caption");
    browser.write("Words that took a while");
    world.run(&["serve", "remove-user", "ada"]).exits(0);
    browser.click("button.quiet[value=save]");
    says_after(&mut browser, "What you have typed is still in the page before this one");
    // In another tab.
    let token = console.link.split_once("#token=").unwrap().1;
    let sign_in = format!(
        "fetch('/signin', {{ method: 'POST', body: new URLSearchParams({{ token: '{token}' }}) }})\
         .then((answer) => answer.status)"
    );
    assert_eq!(browser.awaited(&sign_in), 200);
    browser.value("history.back()");
    eventually("the form is there with its words", || {
        let words = browser.glance("document.querySelector('#caption')?.value ?? null");
        (words == "Words that took a while").then_some(())
    });
    // And they are kept this time.
    // Without the mouse: the page may still move.
    browser.value("document.querySelector('button.quiet[value=save]').click()");
    says_after(&mut browser, "Kept. Nothing was sent.");
    console.end();
}
