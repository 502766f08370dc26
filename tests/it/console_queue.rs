//! The queue of the console is changed while one of its posts is being sent: that one goes on, and nothing is posted
//! that was taken out, or as it was before.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::console::Console;
use crate::console_client::{AT_ONCE, LATER, Visitor};
use crate::process::eventually;
use crate::world::{ADA, World};

/// The queue of an account whose first post is held in the middle of its chunk.
struct Held<'a> {
    world: &'a World,
    console: Console,
    visitor: Visitor<'a>,
    /// The `id` of the first.
    first: String,
    /// The `id`s of the posts that wait behind it. All but the last are to go at once.
    others: [String; 4],
}

/// What they are called.
const OTHERS: [&str; 4] = ["moved", "changed", "dropped", "later"];

impl<'a> Held<'a> {
    fn start(world: &'a World) -> Self {
        Self::start_at(world, 1)
    }

    /// Held in the chunk of this call: 2, if the first fails.
    fn start_at(world: &'a World, call: u64) -> Self {
        let console = Console::start(world, &[]);
        let visitor = Visitor::of(world, &console);
        let account = world.open_id(ADA);
        // So that one run has them all in hand.
        visitor.post(&format!("/accounts/{account}/pause"), &[]).is(303);
        let video = world.video("first.mp4", 100_000);
        let first = compose(&visitor, &account, &video, "first", &AT_ONCE);
        let mut size = 100_000;
        let others = OTHERS.map(|name| {
            size += 1;
            let video = world.video(&format!("{name}.mp4"), size);
            let when = if name == "later" { &LATER[..] } else { &AT_ONCE[..] };
            compose(&visitor, &account, &video, name, when)
        });
        world.hold("upload", call, "middle");
        visitor.post(&format!("/accounts/{account}/resume"), &[]).is(303);
        let held = Self { world, console, visitor, first, others };
        held.says("being sent");
        held
    }

    /// Presses a button of a post.
    fn press(&self, nth: usize, button: &str, form: &[(&str, &str)], says: &str) {
        let address = format!("/queue/{}/{button}", self.others[nth]);
        let to = self.visitor.post(&address, form).is(303).to;
        self.visitor.get(&to).is(200).says(says);
    }

    /// Moves two of them, changes one and takes one out.
    fn change_all(&self) {
        self.press(0, "move", &[("when", "at"), ("at", "2031-05-01T10:00")], "Moved.");
        self.press(1, "edit", &[], "It is out of the queue");
        self.press(2, "cancel", &[("sure", "yes")], "Taken out of the queue");
        self.press(3, "move", &[("when", "now")], "Moved.");
        let form = [&AT_ONCE[..], &[("caption", "mended")]].concat();
        self.visitor.publish(&format!("/compose/{}", self.others[1]), &form).is(303);
    }

    fn says(&self, words: &str) {
        eventually("the queue says it", || {
            self.visitor.get("/queue").text.contains(words).then_some(())
        });
    }

    /// What was made: the first, and each of the others as it was asked for last.
    fn ends_well(self) {
        self.world.wait_until("all are published", |world| world.published() == 3);
        self.says("Posted just now");
        let queue = self.visitor.get("/queue").is(200).says("moved.mp4").says("scheduled").text;
        assert!(!queue.contains("dropped.mp4"), "{queue}");
        self.console.end();
        let posts = format!("{:?}", self.world.posts());
        for (caption, is_made) in
            [("first", true), ("mended", true), ("later", true), ("dropped", false)]
        {
            assert_eq!(posts.contains(caption), is_made, "{caption}: {posts}");
        }
        assert!(!posts.contains("changed") && !posts.contains("moved"), "{posts}");
        assert_eq!((self.world.published(), self.world.inits()), (3, 3));
    }
}

/// Puts a post into the queue; its `id`.
fn compose(
    visitor: &Visitor<'_>,
    account: &str,
    video: &Path,
    caption: &str,
    form: &[(&str, &str)],
) -> String {
    let page = visitor.begin(account, video.to_str().unwrap());
    visitor.publish(&page, &[form, &[("caption", caption)]].concat()).is(303);
    page.trim_start_matches("/compose/").to_owned()
}

#[test]
fn what_waits_is_changed_while_another_one_is_sent_which_goes_on() {
    let world = World::logged_in();
    let held = Held::start(&world);
    held.change_all();
    let queue = held.visitor.get("/queue").is(200).says("being sent").text;
    assert!(!queue.contains("dropped.mp4") && !queue.contains("signal"), "{queue}");
    assert!(!queue.contains("interrupted") && !queue.contains("stopped"), "{queue}");
    assert_eq!(world.inits(), 1);
    world.let_go();
    held.ends_well();
    // One chunk each.
    assert_eq!(world.calls("upload").len(), 3);
}

#[test]
fn what_was_changed_while_another_one_was_sent_is_so_after_a_crash() {
    let world = World::logged_in();
    let mut held = Held::start(&world);
    held.change_all();
    held.console.running.kill();
    world.let_go();
    held.console = Console::start(&world, &[]);
    held.visitor = Visitor::of(&world, &held.console);
    held.ends_well();
}

/// A crash between two changes: what is a draft by then is none that waits.
#[test]
fn what_was_taken_back_to_its_form_is_not_posted_after_a_crash() {
    let world = World::logged_in();
    let mut held = Held::start(&world);
    held.press(0, "move", &[("when", "at"), ("at", "2031-05-01T10:00")], "Moved.");
    held.press(1, "edit", &[], "It is out of the queue");
    held.press(2, "cancel", &[("sure", "yes")], "Taken out of the queue");
    held.console.running.kill();
    world.let_go();
    held.console = Console::start(&world, &[]);
    held.visitor = Visitor::of(&world, &held.console);
    held.world.wait_until("the first is published", |world| world.published() == 1);
    held.says("Posted just now");
    held.visitor.get(&format!("/compose/{}", held.others[1])).is(200).says("changed");
    held.console.end();
    assert_eq!((world.published(), world.inits()), (1, 1));
}

/// The one that is being sent is not changed, and whoever asks for that stops nothing.
#[test]
fn what_a_run_has_come_to_is_not_taken_back() {
    let world = World::logged_in();
    let held = Held::start(&world);
    world.let_go();
    // The chunk of the second.
    world.wait_until("all but one are published", |world| world.published() == 4);
    for (nth, button) in [(0, "move"), (1, "edit"), (2, "cancel")] {
        let form = [("when", "now"), ("sure", "yes")];
        held.press(nth, button, &form, "It has left the queue");
    }
    held.press(3, "cancel", &[("sure", "yes")], "Taken out of the queue");
    held.console.end();
    assert_eq!((world.published(), world.inits(), world.calls("upload").len()), (4, 4, 4));
}

/// What failed in the run that goes on has failed, also if somebody tried in vain to change it.
#[test]
fn a_change_that_failed_lets_no_post_be_tried_again_that_failed() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "times": 1,
        "do": { "outcome": { "status": "FAILED", "fail_reason": "video_pull_failed" } } }));
    let held = Held::start_at(&world, 2);
    let record = world.home().join(format!("home/console/drafts/{}.json", held.first));
    let kept = fs::read(&record).unwrap();
    fs::write(&record, "{").unwrap();
    let address = format!("/queue/{}/move", held.first);
    let to = held.visitor.post(&address, &[("when", "now")]).is(303).to;
    let told = held.visitor.get(&to).is(200).text;
    assert!(!told.contains("Moved."), "{told}");
    fs::write(&record, kept).unwrap();
    world.let_go();
    world.wait_until("the others are published", |world| world.published() == 3);
    let again = format!("/queue/{}/again", held.first);
    held.says(&again);
    held.console.end();
    // Once the first, and once each of those that wait for no time.
    assert_eq!((world.published(), world.inits()), (3, 4));
}
