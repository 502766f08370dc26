//! What cannot be taken back is done only by those who say that they mean it, whatever their browser has checked.

use serde_json::json;

use crate::console::Console;
use crate::console_client::{AT_ONCE, Visitor};
use crate::process::eventually;
use crate::world::{ADA, World};

/// The first thing of a kind that a page has in it.
fn find(page: &str, beginning: &str, end: char) -> String {
    let (_, rest) = page.split_once(beginning).unwrap_or_else(|| panic!("{beginning}: {page}"));
    rest.split(end).next().unwrap().to_owned()
}

#[test]
fn an_account_is_logged_out_by_those_who_mean_it() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let address = format!("/accounts/{}/logout", world.open_id(ADA));
    for fields in [&[][..], &[("sure", "")], &[("sure", "no")], &[("sure", "yes"), ("sure", "yes")]]
    {
        let answer = visitor.post(&address, fields);
        assert!([400, 422].contains(&answer.status), "{answer:?}");
    }
    visitor.post(&address, &[]).is(422).says("End this login?").says("name=\"sure\" value=\"yes\"");
    assert!(world.calls("revoke").is_empty());
    world.run(&["accounts"]).exits(0).says("Ada");
    visitor.post(&address, &[("sure", "yes")]).is(303);
    assert_eq!(world.calls("revoke").len(), 1);
    console.end();
}

#[test]
fn a_post_is_discarded_or_taken_out_by_those_who_mean_it() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let words = [("caption", "to be kept"), ("action", "discard")];
    visitor.post(&page, &words).is(422).says("Discard this post?");
    visitor.get(&page).is(200).says("to be kept");
    visitor.post(&format!("{page}/discard"), &[("sure", "yes")]).is(303);
    visitor.get(&page).is(303);

    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let form = [
        ("privacy_level", "SELF_ONLY"),
        ("mode", "direct"),
        ("when", "at"),
        ("at", "2031-05-01T10:00"),
        ("action", "publish"),
    ];
    visitor.publish(&page, &form).is(303);
    // From another page that is still open: it is no draft any more.
    visitor.post(&format!("{page}/discard"), &[("sure", "yes")]).is(303);
    visitor.get("/compose").says("It was published already");
    let id = page.trim_start_matches("/compose/");
    let address = format!("/queue/{id}/cancel");
    visitor.post(&address, &[]).is(422).says("Take this post out of the queue?");
    visitor.get("/queue").says("clip.mp4");
    visitor.post(&address, &[("sure", "yes")]).is(303);
    let is_gone = || {
        eventually("it has left the queue", || {
            (!visitor.get("/queue").text.contains("clip.mp4")).then_some(())
        });
    };
    is_gone();
    // Also one that is about to be looked at, while other pages read the journal.
    for _ in 0..4 {
        let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
        visitor.publish(&page, &form).is(303);
        let address = format!("/queue/{}/cancel", page.trim_start_matches("/compose/"));
        visitor.post(&address, &[("sure", "yes")]).is(303);
        is_gone();
    }
    console.end();
    assert_eq!(world.inits(), 0);
}

/// Nothing is sent that nobody has asked for, as when another post goes.
#[test]
fn a_post_that_failed_is_tried_again_when_somebody_asks_for_it() {
    let world = World::logged_in();
    let videos = ["one.mp4", "two.mp4"].map(|name| world.video(name, 100_000 + name.len() as u64));
    world.video("two.mp4", 100_777);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let publish = |video: &std::path::Path| {
        let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
        visitor.publish(&page, &AT_ONCE).is(303);
        page.trim_start_matches("/compose/").to_owned()
    };
    world.fault(&json!({ "endpoint": "video_init", "times": 1,
        "do": { "refuse": { "code": "spam_risk_user_banned_from_posting" } } }));
    let failed = publish(&videos[0]);
    let again = format!("/queue/{failed}/again");
    eventually("it may be tried again", || {
        visitor.get("/queue").text.contains(&again).then_some(())
    });
    publish(&videos[1]);
    eventually("the other one is made", || (world.published() == 1).then_some(()));
    assert_eq!(world.inits(), 2);
    visitor.get("/queue").says("one.mp4").says("bars this account");
    visitor.post(&again, &[]).is(303);
    // Pressed twice.
    visitor.post(&again, &[]).is(303);
    let told = visitor.get("/queue").says("It is tried again.").text;
    assert!(!told.contains("leads nowhere"), "{told}");
    eventually("it is made as well", || (world.published() == 2).then_some(()));
    assert_eq!(world.inits(), 3);
    console.end();
}

/// What a browser does not send nobody has chosen.
#[test]
fn what_is_not_chosen_is_asked_for_and_what_is_no_video_is_not_taken() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    world.file("secret.txt", "words");
    world.file(".hidden.mp4", "words");
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    for name in ["secret.txt", ".hidden.mp4"] {
        let path = world.path(name).display().to_string();
        let fields = [("source", "file"), ("account", account.as_str()), ("path", &path)];
        visitor.post("/compose", &fields).is(422).says("it is no video that TikTok takes");
    }
    let page = visitor.begin(&account, video.to_str().unwrap());
    let level = ("privacy_level", "SELF_ONLY");
    let (mode, when, publish) = (("mode", "direct"), ("when", "now"), ("action", "publish"));
    visitor.publish(&page, &[level, mode, publish]).is(422).says("Choose when it is to be posted.");
    let said = visitor.publish(&page, &[level, when, publish]).is(422);
    said.says("Choose whether it is posted, or sent to the inbox as a draft.");
    // Enter in a field sends no button's name, or that of the first one, which keeps the draft.
    visitor.post(&page, &[level, mode, when]).is(303);
    visitor.get(&page).is(200).says("Kept. Nothing was sent.");
    let discard = format!("{page}/discard");
    visitor.post(&discard, &[("sure", "yes")]).is(303);
    for (address, action) in [(&page, "publish"), (&page, "save"), (&discard, "")] {
        let form = [level, mode, when, ("action", action), ("sure", "yes")];
        visitor.post(address, &form).is(303);
        visitor.get("/compose").says("This draft is not there any more");
    }
    assert_eq!(world.inits(), 0);
    console.end();
}

#[test]
fn an_unknown_outcome_is_called_not_there_by_those_who_mean_it() {
    let world = World::logged_in();
    let pull = world.pull();
    world.fault(&json!({ "endpoint": "video_init", "do": { "drop": "after" } }));
    world.upload(&pull).exits(6);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let verdict = [("verdict", "not_posted")];
    let asked = visitor.post("/posts/1/settle", &verdict).is(422).says("really not on the profile");
    assert_eq!(find(&asked.text, "name=\"verdict\" value=\"", '"'), "not_posted");
    world.run(&["status"]).exits(6);
    visitor.post("/posts/1/settle", &[verdict[0], ("sure", "yes")]).is(303);
    world.run(&["status"]).exits(0);
    console.end();
}

#[test]
fn a_pull_is_called_off_by_those_who_mean_it() {
    let world = World::downloading(std::time::Duration::from_hours(1));
    world.login(ADA).exits(0);
    let pull = world.pull();
    world.run(&["upload", "--no-wait", &pull]).exits(5);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    visitor.post("/posts/1/cancel", &[]).is(422).says("Call this post off?");
    assert!(world.calls("cancel").is_empty());
    visitor.post("/posts/1/cancel", &[("sure", "yes")]).is(303);
    assert_eq!(world.calls("cancel").len(), 1);
    console.end();
}
