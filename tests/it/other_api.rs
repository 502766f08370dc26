//! Tokens go to the API that issued them, and nowhere else: a sandbox's settings that stay in a shell
//! cost nobody a login.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{ADA, Ran, World};

/// A run in `world` with the API of another sandbox.
fn astray(world: &World, other: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command
        .env("TIKTOK_UP_API_URL", other.sandbox.url())
        .env("TIKTOK_UP_AUTH_URL", other.sandbox.url());
    Ran::of(command)
}

#[test]
fn a_login_a_refresh_and_an_import_say_where_the_tokens_belong() {
    let mut world = World::logged_in();
    let api = world.sandbox.url().to_owned();
    assert_eq!(world.entry(ADA)["api"], api);
    world.advance(SignedDuration::from_hours(3));
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.entry(ADA)["api"], api);
    assert_eq!(world.run(&["accounts", "--json"]).exits(0).json()[0]["api"], api);
}

#[test]
fn another_api_never_sees_the_tokens() {
    let (mut world, other) = (World::logged_in(), World::new());
    let manifest = world.short();
    for hours in [0, 3] {
        world.advance(SignedDuration::from_hours(hours));
        let before = world.store_text();
        let upload = ["upload", manifest.as_str()];
        for args in [&["refresh", "--force"][..], &["refresh", "--within", "3h"], &upload] {
            astray(&world, &other, args)
                .exits(2)
                .says(world.sandbox.url())
                .says(other.sandbox.url())
                .says("TIKTOK_UP_API_URL");
        }
        astray(&world, &other, &["accounts"]).exits(0).says("of another API");
        assert_eq!(world.store_text(), before);
    }
    assert!(other.sandbox.requests().is_empty(), "{:?}", other.sandbox.requests());
    world.upload(&manifest).exits(0);
}

#[test]
fn a_logout_at_another_api_forgets_nothing_and_says_so() {
    let (world, other) = (World::logged_in(), World::new());
    let before = world.store_text();
    let open_id = world.open_id(ADA);
    for args in [&["logout", open_id.as_str()][..], &["logout", "--local-only", &open_id]] {
        astray(&world, &other, args).exits(2).says(world.sandbox.url());
        assert_eq!(world.store_text(), before);
    }
    assert!(other.sandbox.requests().is_empty());
    world.run(&["logout", &open_id]).exits(0);
}

#[test]
fn a_login_at_another_api_does_not_take_the_place_of_one_that_works() {
    let (world, other) = (World::logged_in(), World::new());
    world.run(&["accounts", "alias", &world.open_id(ADA), "anna"]).exits(0);
    let before = world.store_text();
    let args = ["login", "--alias", "anna", "--no-browser", "--port", "0"];
    astray(&world, &other, &args).exits(2).says(world.sandbox.url());
    assert!(other.sandbox.requests().is_empty());
    assert_eq!(world.store_text(), before);
}

#[test]
fn tokens_of_an_older_file_are_not_ended_by_another_api() {
    let (mut world, other) = (World::logged_in(), World::new());
    world.advance(SignedDuration::from_hours(3));
    world.forget_api(ADA);
    other.fault(
        &json!({ "endpoint": "token_refresh", "do": { "refuse": { "code": "invalid_grant" } } }),
    );
    astray(&world, &other, &["refresh"]).exits(3).says("invalid_grant");
    assert_eq!(world.entry(ADA)["needs_login"], Value::Null);
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.entry(ADA)["api"], world.sandbox.url());
}
