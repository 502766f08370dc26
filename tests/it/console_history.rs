//! What was posted, as the console shows it: in pages, as files, and on its days, however much it is.

use serde_json::json;

use crate::console::Console;
use crate::console_client::Visitor;
use crate::world::{ADA, BEA, World};

/// So many posts of `@ada`, made now; without any there is no journal.
fn with_posts(count: usize) -> World {
    let world = World::logged_in();
    if count == 0 {
        return world;
    }
    let urls = (0..count).map(|nth| format!("https://verified.example/{nth}.mp4"));
    tiktok_up::testing::fill_journal(&world.home().join("home"), &world.open_id(ADA), urls);
    world
}

/// How often a page has something.
fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

#[test]
fn a_long_history_has_pages_that_keep_what_was_chosen() {
    let world = with_posts(230);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let ada = world.open_id(ADA);
    let chosen = format!("account={ada}&#38;state=published");
    let first = visitor.get(&format!("/history?account={ada}&state=published")).is(200);
    let first = first.says("1–100 of 230").says("/229.mp4").says("/130.mp4").text;
    assert_eq!(count(&first, "href=\"/posts/"), 100);
    assert!(
        first.contains(&format!("href=\"/history?{chosen}&#38;page=2\" rel=\"next\"")),
        "{first}"
    );
    assert!(!first.contains("rel=\"prev\"") && !first.contains("/129.mp4"));
    let second = format!("/history?account={ada}&state=published&page=2");
    let second = visitor.get(&second).is(200).says("101–200 of 230").says("/129.mp4").text;
    assert!(second.contains(&format!("href=\"/history?{chosen}&#38;page=1\" rel=\"prev\"")));
    assert!(second.contains(&format!("href=\"/history?{chosen}&#38;page=3\" rel=\"next\"")));
    let last = visitor.get("/history?page=3").is(200).says("201–230 of 230").says("/0.mp4").text;
    assert_eq!((count(&last, "href=\"/posts/"), count(&last, "rel=\"next\"")), (30, 0));
    // What is no page is the nearest one.
    visitor.get("/history?page=99").is(200).says("201–230 of 230");
    visitor.get("/history?page=-1").is(200).says("1–100 of 230");
    // A file has all of them.
    let file = visitor.get(&format!("/history.csv?account={ada}")).is(200).text;
    assert_eq!(file.lines().count(), 231);
    // Few need no pages.
    let none = visitor.get("/history?state=inbox").is(200).text;
    assert!(!none.contains("rel=\"next\"") && !none.contains("aria-label=\"Pages\""), "{none}");
    console.end();
}

#[test]
fn a_file_for_nobody_says_so() {
    for posts in [0, 1] {
        let world = with_posts(posts);
        let console = Console::start(&world, &[]);
        let visitor = Visitor::of(&world, &console);
        for kind in ["csv", "json"] {
            let file = format!("/history.{kind}?account=nobody");
            visitor.get(&file).is(404).says("no account is called `nobody`");
            visitor.get(&format!("/history.{kind}?account={}", world.open_id(ADA))).is(200);
            visitor.get(&format!("/history.{kind}")).is(200);
        }
        console.end();
    }
}

#[test]
fn numbers_are_asked_for_what_is_shown_and_a_refusal_is_told() {
    let world = World::new();
    world.account(BEA, &json!({ "private": false }));
    world.consent(&json!({ "account": BEA }));
    let scopes = "user.info.basic,video.list,video.publish,video.upload";
    world.login_with(&["--scopes", scopes]).exits(0);
    let publish = |name: &str, size| {
        world.video(name, size);
        let post = json!([{ "video_path": name, "privacy_level": "PUBLIC_TO_EVERYONE" }]);
        world.upload(&world.manifest(&post)).exits(0);
    };
    publish("old.mp4", 100_000);
    let urls = (0..100).map(|nth| format!("https://verified.example/{nth}.mp4"));
    tiktok_up::testing::fill_journal(&world.home().join("home"), &world.open_id(BEA), urls);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    visitor.get("/history?numbers=yes").is(200).says("1–100 of 101").says("100 of 101");
    assert!(world.calls("video_query").is_empty(), "what is public is on the other page");
    let older = visitor.get("/history?numbers=yes&page=2").is(200).says("old.mp4");
    older.says("/video/").says("href=\"/history?numbers=yes&#38;page=1\"");
    assert_eq!(world.calls("video_query").len(), 1);
    world.fault(&json!({ "endpoint": "video_query", "times": 100,
        "do": { "refuse": { "code": "internal_error", "status": 500 } } }));
    visitor.get("/history?numbers=yes&page=2").is(200).says("did not give them").says("old.mp4");
    for kind in ["csv", "json"] {
        let answer = visitor.get(&format!("/history.{kind}?numbers=yes")).is(502);
        let answer = answer.says("internal_error");
        assert!(!answer.text.contains("old.mp4"), "{answer:?}");
        visitor.get(&format!("/history.{kind}")).is(200).says("old.mp4");
    }
    console.end();
}

#[test]
fn a_month_shows_some_posts_of_a_day_and_its_week_all_of_them() {
    let world = with_posts(200);
    world.video("refused.mp4", 100_000);
    world.refuse("video_init", 1, 1, "spam_risk_user_banned_from_posting");
    world.upload(&world.one_post(ADA, "refused.mp4"));
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let month = visitor.get("/calendar").is(200).says("197 more").text;
    assert_eq!(count(&month, "class=\"event"), 4);
    assert!(month.contains("refused.mp4"), "the last one, and it needs somebody");
    let (_, week) = month.split_once("class=\"others\" href=\"").unwrap();
    let week = week.split('"').next().unwrap().replace("&amp;", "&");
    let (week, day) = week.split_once('#').unwrap();
    let week = visitor.get(week).is(200).text;
    assert_eq!((count(&week, "class=\"event"), count(&week, "class=\"others\"")), (201, 0));
    let (_, day) = week.split_once(&format!("id=\"{day}\"")).unwrap();
    assert_eq!(count(day.split("</li>").next().unwrap(), "class=\"event"), 201);
    console.end();
}
