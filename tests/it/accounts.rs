//! `accounts`: who is logged in, and for how long.

use jiff::SignedDuration;
use serde_json::json;

use crate::world::{ADA, BEA, World};

#[test]
fn nobody_is_logged_in_at_first() {
    let world = World::new();
    world.run(&["accounts"]).exits(0).says("no account is logged in");
    assert!(world.run(&["accounts", "--json"]).exits(0).json().is_empty());
}

#[test]
fn each_account_has_a_row_with_its_names_scopes_and_health() {
    let world = World::logged_in();
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--alias", "bea"]).exits(0);
    let ran = world.run(&["accounts"]).exits(0);
    let row = |handle| {
        let open_id = world.open_id(handle);
        let mut lines = ran.stdout.lines();
        lines.find(|line| line.contains(&open_id)).unwrap_or_else(|| panic!("{ran:?}"))
    };
    assert!(row(ADA).contains("Ada") && row(ADA).contains("video.publish"), "{}", row(ADA));
    assert!(row(BEA).contains("bea") && row(BEA).ends_with("ok"), "{}", row(BEA));
}

#[test]
fn json_tells_the_ends_of_both_tokens() {
    let world = World::logged_in();
    let lines = world.run(&["accounts", "--json"]).exits(0).json();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["open_id"], world.open_id(ADA));
    assert_eq!(line["health"], "ok");
    for name in ["access_expires_at", "refresh_expires_at"] {
        assert_eq!(line[name], world.entry(ADA)[name]);
    }
}

#[test]
fn health_follows_time() {
    let mut world = World::logged_in();
    let health = |world: &World| world.run(&["accounts", "--json"]).json()[0]["health"].clone();
    assert_eq!(health(&world), "ok");
    world.advance(SignedDuration::from_hours(3));
    assert_eq!(health(&world), "refresh_due");
    world.advance(SignedDuration::from_hours(24 * 170));
    assert_eq!(health(&world), "ends_soon");
    world.advance(SignedDuration::from_hours(24 * 20));
    assert_eq!(health(&world), "needs_login");
}

#[test]
fn t18_neither_table_nor_json_shows_a_token() {
    let world = World::logged_in();
    for args in [&["accounts", "-vvvv"][..], &["accounts", "--json"]] {
        world.run(args).exits(0).never_says("act.").never_says("rft.");
    }
}
