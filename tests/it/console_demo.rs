//! `demo --web`: the console to look at, offline.

use std::fs;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::console::Console;
use crate::console_client::{AT_ONCE, Visitor};
use crate::process::{Running, eventually};
use crate::world::World;

#[test]
fn the_demo_of_the_console_has_something_to_show_and_leaves_nothing() {
    let world = World::new();
    let folder = world.path("temporary");
    fs::create_dir(&folder).unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = world.command(&["demo", "--web", "--no-browser"]);
        command.env("TMPDIR", &folder);
        let console = Console::of(Running::of(command));
        let visitor = Visitor::of(&world, &console);
        visitor.get("/accounts").is(200).says("ada").says("works");
        visitor.get("/history").is(200).says("demo.mp4");
        let shown = visitor.get("/compose").is(200).text;
        let (_, rest) = shown.split_once("&amp;folder=").unwrap();
        let videos = rest.split('"').next().unwrap();
        let shown = visitor.get(&format!("/compose?folder={videos}")).is(200);
        let shown = shown.says("two-cats.mp4").text;
        let (_, rest) = shown.split_once("name=\"account\" value=\"").unwrap();
        let account = rest.split('"').next().unwrap();
        let (_, rest) = shown.split_once("name=\"path\" value=\"").unwrap();
        let page = visitor.begin(account, rest.split('"').next().unwrap());
        visitor.publish(&page, &AT_ONCE).is(303);
        eventually("it is published", || {
            visitor.get("/history").text.contains("three-birds.mp4").then_some(())
        });
        let address = visitor.at.strip_prefix("http://").unwrap().to_owned();
        console.running.signal(signal);
        console.running.end().exits(0).never_says(world.sandbox.client_secret().expose());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    }
    // Of the real home and the real app nothing was used.
    assert!(!world.home().join("home").exists());
    assert!(world.sandbox.requests().is_empty());
    world.run(&["demo", "--no-browser"]).exits(2).says("--web");
}
