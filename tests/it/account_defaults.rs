//! `[accounts.NAME]` of config.toml: what applies to the posts of one account.

use serde_json::json;

use crate::world::{ADA, BEA, World};

/// Two accounts, of which `shop` has settings of its own.
fn world(config: &str) -> World {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.login_with(&["--alias", "shop"]).exits(0);
    world.configure(config);
    world.account(ADA, &json!({ "private": false }));
    world.account(BEA, &json!({ "private": false }));
    world
}

const OWN: &str = "[defaults]\nprivacy_level = \"PUBLIC_TO_EVERYONE\"\n\
                   [accounts.shop]\nprivacy_level = \"SELF_ONLY\"\nis_aigc = true\n";

/// The levels that the posts of a manifest are planned with.
fn levels(world: &World, posts: &serde_json::Value, more: &[&str]) -> Vec<String> {
    let manifest = world.manifest(posts);
    let args = [&["upload", manifest.as_str(), "--dry-run"], more].concat();
    let ran = world.run(&args).exits(0);
    let levels = ["SELF_ONLY", "PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS"];
    let words = ran.stdout.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    words.filter(|word| levels.contains(word)).map(ToOwned::to_owned).collect()
}

#[test]
fn they_apply_by_whatever_name_the_account_is_called() {
    let world = world(OWN);
    world.video("a.mp4", 100_001);
    let open_id = world.open_id(ADA);
    let post = |user: &str| json!([{ "user_id": user, "video_path": "a.mp4" }]);
    assert_eq!(levels(&world, &post("shop"), &[]), ["SELF_ONLY"]);
    assert_eq!(levels(&world, &post(&open_id), &[]), ["SELF_ONLY"]);
    // Also where nobody is named, as there is one account only.
    let nobody = json!([{ "video_path": "a.mp4" }]);
    assert_eq!(levels(&world, &nobody, &[]), ["SELF_ONLY"]);
    // What is nearer to the post counts.
    let own = json!([{ "video_path": "a.mp4", "privacy_level": "MUTUAL_FOLLOW_FRIENDS" }]);
    assert_eq!(levels(&world, &own, &[]), ["MUTUAL_FOLLOW_FRIENDS"]);
    let all = json!({ "defaults": { "privacy_level": "MUTUAL_FOLLOW_FRIENDS" },
        "posts": [{ "video_path": "a.mp4" }] });
    assert_eq!(levels(&world, &all, &[]), ["MUTUAL_FOLLOW_FRIENDS"]);
    let flag = ["--privacy", "PUBLIC_TO_EVERYONE"];
    assert_eq!(levels(&world, &nobody, &flag), ["PUBLIC_TO_EVERYONE"]);
    // Of others they say nothing.
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--alias", "other"]).exits(0);
    assert_eq!(levels(&world, &post("other"), &[]), ["PUBLIC_TO_EVERYONE"]);
    assert_eq!(levels(&world, &nobody, &["--account", "shop"]), ["SELF_ONLY"]);
    let manifest = world.manifest(&post("shop"));
    world.upload(&manifest).exits(0);
    let posted = &world.posts()[0];
    assert_eq!(format!("{:?}", posted.privacy.unwrap()), "SelfOnly");
}

#[test]
fn an_account_named_by_the_configuration_has_its_own() {
    let world = world(&OWN.replace("[accounts", "user_id = \"shop\"\n[accounts"));
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--alias", "other"]).exits(0);
    world.video("a.mp4", 100_001);
    assert_eq!(levels(&world, &json!([{ "video_path": "a.mp4" }]), &[]), ["SELF_ONLY"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let world = world("[accounts.shop]\nprivacy = \"SELF_ONLY\"\n");
    let ran = world.run(&["status"]).exits(2);
    ran.says("config.toml").says("unknown key `privacy`; the keys here are");
    world.configure("[accounts.shop]\nuser_id = \"shop\"\n");
    world.run(&["status"]).exits(2).says("unknown key `user_id`");
}

/// Everything that looks at settings says where it shows, and nobody asks for a mend that was made.
#[test]
fn a_section_of_nobody_is_told_until_it_is_mended() {
    let world = world("");
    world.video("a.mp4", 100_001);
    let manifest =
        world.manifest(&json!([{ "video_path": "a.mp4", "user_id": world.open_id(ADA) }]));
    let key = "accounts.market.privacy_level";
    let set = world.run(&["config", "set", key, "SELF_ONLY"]).exits(0);
    set.says("if no account of that name is logged in").says("uploads are refused");
    world.run(&["config", "check"]).exits(0).says("`tiktok-up doctor` says");
    world.run(&["doctor", "--offline"]).exits(2).says("no account is called `market`");
    world.upload(&manifest).exits(2).says("no account is called `market`");
    world.run(&["status"]).says("no account is called `market`");
    world.run(&["config", "unset", key]).exits(0);
    world.run(&["status"]).says("nothing is known any more to be in the way").never_says("market");
    world.upload(&manifest).exits(0).says("1 published");
    assert_eq!(world.inits(), 1);
}

/// Its posts would be seen by more people than was meant.
#[test]
fn a_section_of_nobody_and_two_of_one_account_are_refused() {
    let world = world(&OWN.replace("accounts.shop", "accounts.Shop"));
    world.video("a.mp4", 100_001);
    let manifest = world.manifest(&json!([{ "video_path": "a.mp4" }]));
    let ran = world.upload(&manifest).exits(2);
    ran.says("`[accounts.Shop]`").says("did you mean `shop`?");
    let open_id = world.open_id(ADA);
    world.configure(&format!("{OWN}[accounts.\"{open_id}\"]\nis_aigc = false\n"));
    world.upload(&manifest).exits(2).says("are of the same account");
    world.configure(OWN);
    world.run(&["accounts", "alias", "shop", "store"]).exits(0).says("write `[accounts.store]`");
    world.upload(&manifest).exits(2).says("no account is called `shop`");
    assert_eq!(world.inits(), 0);
}
