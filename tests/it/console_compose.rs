//! Composing in the console: nothing typed is lost, nothing is sent that nobody has seen, and what cannot be posted is
//! said where somebody can do something about it.

use std::fs;

use serde_json::json;

use crate::browser::Browser;
use crate::console::{Console, begin, fill, shown};
use crate::console_client::{AT_ONCE, LATER, Visitor};
use crate::process::eventually;
use crate::world::{ADA, World};

/// The `id` of the post of a page.
fn id_of(page: &str) -> &str {
    page.trim_start_matches("/compose/")
}

#[test]
fn an_address_that_tiktok_cannot_pull_from_is_told_beside_its_field() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    for (url, why) in [
        ("nonsense", "not a URL"),
        ("javascript:alert(1)", "must be an https URL"),
        ("http://127.0.0.1/a.mp4", "must be an https URL"),
        (
            "https://me:secret@cdn.example.com/a.mp4",
            "the URL must not carry a user name or password",
        ),
    ] {
        let form = [("source", "url"), ("account", &*account), ("url", url)];
        let page = visitor.post("/compose", &form).is(422).says(why);
        page.says("aria-invalid=\"true\"").says(&format!("value=\"{url}\""));
        let photos = format!("https://cdn.example.com/1.jpg\n{url}");
        let form = [("source", "photos"), ("account", &*account), ("photos", &photos)];
        let page = visitor.post("/compose", &form).is(422);
        page.says(&format!("Photo 2: {why}")).says("https://cdn.example.com/1.jpg");
    }
    let many = "https://cdn.example.com/1.jpg\n".repeat(36);
    let form = [("source", "photos"), ("account", &*account), ("photos", &many)];
    visitor.post("/compose", &form).is(422).says("35 at most");
    console.end();
}

#[test]
fn a_post_is_begun_for_an_account_that_is_there() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    for account in ["", "nobody"] {
        let path = video.to_str().unwrap();
        let form = [("source", "file"), ("account", account), ("path", path)];
        visitor.post("/compose", &form).is(422).says("Choose an account that is logged in.");
    }
    visitor.begin_upload("", "a.mp4", 10).is(422).says("Choose an account that is logged in.");
    console.end();
}

#[test]
fn why_an_account_cannot_be_posted_for_is_called_what_it_is() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.post(&page, &[("caption", "typed words"), ("action", "save")]).is(303);

    let refuse = |code: &str| {
        world.fault(&json!({ "endpoint": "creator_info", "times": 1, "do": { "refuse": { "code": code } } }));
    };
    refuse("spam_risk_too_many_posts");
    let now = "This account cannot post right now";
    visitor.get(&page).is(200).says(now).says("what you filled in is kept").says(">Discard<");
    refuse("spam_risk_too_many_posts");
    visitor.post(&page, &[&AT_ONCE[..], &[("caption", "typed words")]].concat()).is(422).says(now);
    world.fault(
        &json!({ "endpoint": "creator_info", "times": 9, "do": { "answer": { "status": 503 } } }),
    );
    let shown = visitor.get(&page).is(200).says("TikTok cannot be asked about this account");
    assert!(!shown.text.contains(now));
    world.let_go();
    visitor.post(&format!("/accounts/{}/logout", world.open_id(ADA)), &[("sure", "yes")]).is(303);
    let shown = visitor.get(&page).is(200).says("needs a login first").says("href=\"/accounts\"");
    assert!(!shown.text.contains(now));
    assert_eq!(world.inits(), 0);
    // What was typed is there for as long as nobody discards it.
    visitor.post(&format!("{page}/discard"), &[]).is(422).says("Discard this post?");
    visitor.post(&format!("{page}/discard"), &[("sure", "yes")]).is(303);
    visitor.get(&page).is(303);
    console.end();
}

#[test]
fn what_was_not_shown_is_not_published() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let changed = "The file is not the one that this page showed";
    visitor.post(&page, &AT_ONCE).is(422).says(changed);
    let before = visitor.get(&page).is(200).text;
    let (_, seen) = before.split_once("name=\"seen\" value=\"").unwrap();
    let seen = ("seen", seen.split('"').next().unwrap());
    std::fs::write(&video, std::fs::read(world.video("other.mp4", 100_001)).unwrap()).unwrap();
    visitor.post(&page, &[&AT_ONCE[..], &[seen]].concat()).is(422).says(changed);
    assert_eq!(world.inits(), 0);
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    console.end();
}

#[test]
fn a_draft_says_what_does_not_go_with_it() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.get(&page).says("A draft goes without words");
    let form = [("caption", "a word"), ("mode", "draft"), ("when", "now"), ("action", "publish")];
    visitor.publish(&page, &form).is(303);
    visitor.get("/queue").is(200).says("It goes to the inbox as a draft: what you filled in");
    world.wait_until("it is in the inbox", |world| world.posts().len() == 1);
    console.end();
}

#[test]
fn an_uploaded_file_keeps_its_name_and_a_post_says_what_was_asked_for() {
    let world = World::logged_in();
    let video = std::fs::read(world.video("clip.mp4", 100_000)).unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let name = "Beach day.MP4";
    let page = visitor.begin_upload(&world.open_id(ADA), name, video.len() as u64).is(201).to;
    visitor.piece(&page, 0, video).is(204);
    visitor.publish(&page, &[&LATER[..], &[("caption", "Sun & sand")]].concat()).is(303);
    visitor.get("/queue").is(200).says("Beach day.mp4").says("scheduled");
    visitor.get("/calendar?at=2031-05-01").is(200).says("Beach day.mp4");
    visitor.post(&format!("/queue/{}/move", id_of(&page)), &[("when", "now")]).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    eventually("the history has it", || {
        visitor.get("/history").text.contains("Beach day.mp4").then_some(())
    });
    visitor.get("/queue").says("Posted just now").says("Beach day.mp4");
    let shown = visitor.get("/posts/1").is(200).says("Beach day.mp4");
    shown.says("Sun &#38; sand").says("Only me");
    console.end();
}

#[test]
fn words_of_a_post_in_the_queue_are_changed_until_it_begins() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.publish(&page, &[&LATER[..], &[("caption", "a mistake")]].concat()).is(303);
    visitor.get(&page).is(303);
    let edit = format!("/queue/{}/edit", id_of(&page));
    visitor.get("/queue").says(&edit);
    assert_eq!(visitor.post(&edit, &[]).is(303).to, page);
    // It is a draft again, and nothing that waits.
    visitor.get(&page).is(200).says("It is out of the queue").says("a mistake");
    let queue = visitor.get("/queue").is(200).text;
    assert!(!queue.contains(&edit), "{queue}");
    visitor.publish(&page, &[&AT_ONCE[..], &[("caption", "mended")]].concat()).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    assert!(format!("{:?}", world.posts()).contains("mended"));
    visitor.post(&edit, &[]).is(303);
    visitor.get(&page).is(303);
    visitor.get("/posts/abc").is(404).says("There is no such page");
    assert_eq!(world.inits(), 1);
    console.end();
}

#[test]
fn a_post_that_failed_is_composed_further_or_taken_out() {
    let world = World::logged_in();
    let videos = ["one.mp4", "two.mp4"].map(|name| world.video(name, 100_000 + name.len() as u64));
    world.video("two.mp4", 100_777);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let fail = |video: &std::path::Path| {
        world.fault(&json!({ "endpoint": "video_init", "times": 1,
            "do": { "refuse": { "code": "spam_risk_user_banned_from_posting" } } }));
        let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
        visitor.publish(&page, &AT_ONCE).is(303);
        let again = format!("/queue/{}/again", id_of(&page));
        eventually("it may be tried again", || {
            visitor.get("/queue").text.contains(&again).then_some(())
        });
        page
    };
    let page = fail(&videos[0]);
    // Beside the buttons, nobody is sent to a terminal.
    assert!(!visitor.get("/queue").text.contains("tiktok-up resolve"));
    visitor.post(&format!("/queue/{}/cancel", id_of(&page)), &[("sure", "yes")]).is(303);
    for path in ["/", "/queue", "/calendar"] {
        let shown = visitor.get(path).is(200).text;
        assert!(!shown.contains("one.mp4"), "{path}: {shown}");
    }
    let page = fail(&videos[1]);
    let edit = format!("/queue/{}/edit", id_of(&page));
    assert_eq!(visitor.post(&edit, &[]).is(303).to, page);
    // What it failed for before is past, also while the queue is read anew.
    visitor.publish(&page, &LATER).is(303);
    for path in ["/queue", "/", "/posts/2"] {
        let shown = visitor.get(path).is(200).says("scheduled").text;
        assert!(!shown.contains("bars this account"), "{path}: {shown}");
    }
    assert_eq!(visitor.post(&edit, &[]).is(303).to, page);
    visitor.publish(&page, &[&AT_ONCE[..], &[("caption", "mended")]].concat()).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    assert!(format!("{:?}", world.posts()).contains("mended"));
    console.end();
}

/// As long as another one is posted, what waits for its time waits.
#[test]
fn a_post_that_waits_for_its_time_is_not_under_way_with_another() {
    let world = World::logged_in();
    let videos = ["one.mp4", "two.mp4"].map(|name| world.video(name, 100_000 + name.len() as u64));
    world.video("two.mp4", 100_777);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    world.hold("upload", 1, "after");
    let begin =
        |video: &std::path::Path| visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let page = begin(&videos[0]);
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("TikTok has all of it", |world| world.published() == 1);
    let later = begin(&videos[1]);
    visitor.publish(&later, &LATER).is(303);
    let queue = visitor.get("/queue").is(200).text;
    let (_, queue) = queue.split_once(">Under way <").unwrap_or_else(|| panic!("{queue}"));
    let (before, next) = queue.split_once(">Next <").unwrap_or_else(|| panic!("{queue}"));
    assert!(before.contains("one.mp4") && !before.contains("two.mp4"), "{queue}");
    assert!(next.contains("two.mp4") && !next.contains("process"), "{queue}");
    let overview = visitor.get("/").is(200).text;
    let (_, next) = overview.split_once(">Next ").unwrap_or_else(|| panic!("{overview}"));
    assert!(next.contains("two.mp4") && next.contains("scheduled"), "{overview}");
    world.let_go();
    eventually("the first one is made", || {
        visitor.get("/history").text.contains("one.mp4").then_some(())
    });
    console.end();
}

#[test]
fn a_video_behind_an_address_is_pulled_or_sent_on_as_was_chosen() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    visitor.get("/compose").is(200).says("name=\"transfer\" value=\"upload\"");
    for (transfer, says) in
        [("", "TikTok pulls it"), ("upload", "read from this address and sent on")]
    {
        let url = "https://cdn.example.com/clip.mp4?sig=canary-of-a-signature";
        let form =
            [("source", "url"), ("account", &*account), ("url", url), ("transfer", transfer)];
        let page =
            visitor.post("/compose", &form[..if transfer.is_empty() { 3 } else { 4 }]).is(303).to;
        visitor.get(&page).is(200).says(says).says("https://cdn.example.com/clip.mp4");
        visitor.publish(&page, &LATER).is(303);
    }
    // What was chosen is kept beside what is wrong.
    let form =
        [("source", "url"), ("account", &*account), ("url", "nonsense"), ("transfer", "upload")];
    visitor.post("/compose", &form).is(422).says("aria-describedby=\"transfer-help\" checked");
    console.end();
    let queue = world.home().join("home/console/queue");
    let manifest = fs::read_dir(queue).unwrap().next().unwrap().unwrap().path();
    let entries: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let transfers: Vec<_> = (0..2).map(|at| entries[at]["transfer"].as_str()).collect();
    assert_eq!(transfers, [None, Some("upload")]);
}

#[test]
fn what_an_upload_warns_of_is_shown_where_it_was_asked_for() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    let url = "https://cdn.example.com/film.avi";
    let begun =
        visitor.post("/compose", &[("source", "url"), ("account", &*account), ("url", url)]);
    let page = begun.is(303).to;
    visitor.publish(&page, &LATER).is(303);
    visitor.get("/queue").is(200).says("the address ends in <code>.avi</code>");
    console.end();
}

#[test]
fn what_is_typed_is_kept_without_a_button_and_after_a_session() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    begin(&mut browser, &console, &world, "clip.mp4");
    let page = browser.value("location.href").as_str().unwrap().to_owned();
    fill(&mut browser, "#caption", "typed and left");
    browser.open(&console.at("/queue"));
    eventually("it is kept", || {
        browser.open(&page);
        let caption = browser.glance("document.querySelector('#caption')?.value ?? null");
        (caption == "typed and left").then_some(())
    });
    // The session ends in another tab, and another one begins there.
    let out = "fetch('/signout', { method: 'POST', body: new URLSearchParams({ csrf: \
               document.querySelector('meta[name=csrf]').content }) }).then((answer) => answer.status)";
    browser.awaited(out);
    fill(&mut browser, "#caption", "typed without a session");
    eventually("it is said", || {
        shown(&mut browser, "#kept").contains("Your session has ended").then_some(())
    });
    browser.picture("console-kept-not");
    // Somebody signs in in another tab: this page goes on with that session.
    let before = console.running.find_words("/#token=").len();
    let origin = console.at("");
    world.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = http.post(format!("{origin}/signin/link")).header("origin", &*origin);
        assert!(asked.send().await.unwrap().status().as_u16() < 400);
    });
    let link = eventually("a fresh link", || {
        let links = console.running.find_words("/#token=");
        links.get(before).cloned()
    });
    let token = link.split("/#token=").nth(1).unwrap();
    let signed_in = browser.awaited(&format!(
        "fetch('/signin', {{ method: 'POST', body: new URLSearchParams({{ token: '{token}' }}) }})\
         .then((answer) => answer.status)"
    ));
    assert_eq!(signed_in, 200);
    browser.value("dispatchEvent(new Event('focus'))");
    eventually("it is kept again", || {
        let hidden = browser.glance("document.querySelector('#kept').hidden");
        (hidden == true).then_some(())
    });
    fill(&mut browser, "#privacy_level", "SELF_ONLY");
    browser.click("#publish");
    browser.arrives_at("/queue");
    world.wait_until("it is published", |world| world.published() == 1);
    assert!(format!("{:?}", world.posts()).contains("typed without a session"));
    console.end();
}

#[test]
fn a_photo_that_cannot_be_loaded_is_told() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    browser.open(&console.at("/compose"));
    fill(&mut browser, "#photos", "https://127.0.0.1.example/1.jpg");
    browser.click("form:has(#photos) button");
    eventually("it is said", || {
        shown(&mut browser, "figcaption").contains("it cannot be loaded here").then_some(())
    });
    console.end();
}

/// What was published is not what another tab has in its form.
#[test]
fn another_form_is_not_taken_for_what_was_published() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let first = [&LATER[..], &[("caption", "of tab one")]].concat();
    visitor.publish(&page, &first).is(303);
    visitor.get("/queue").says("It is in the queue, and goes as you chose.");
    visitor.post(&page, &first).is(303);
    visitor.get("/queue").says("It is in the queue, and goes as you chose.");
    let other = [&AT_ONCE[..], &[("caption", "of tab two")]].concat();
    let untaken = |fields: &[(&str, &str)], words: &str| {
        visitor.post(&page, fields).is(303);
        let told = visitor.get("/queue").is(200).says(words).text;
        assert!(
            !told.contains("goes as you chose") && !told.contains("Nothing was sent."),
            "{told}"
        );
    };
    untaken(&other, "this form was not taken");
    untaken(&[("action", "save"), ("caption", "x")], "published already");
    visitor.post(&format!("/queue/{}/move", id_of(&page)), &[("when", "now")]).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    assert!(format!("{:?}", world.posts()).contains("of tab one"));
    eventually("it has left the queue", || {
        (!visitor.get("/queue").text.contains("data-post")).then_some(())
    });
    untaken(&other, "this form was not taken");
    visitor.post(&format!("/queue/{}/edit", id_of(&page)), &[]).is(303);
    visitor.get("/queue").says("It has left the queue");
    assert_eq!(world.inits(), 1);
    console.end();
}

/// Nobody has looked at what lies there now.
#[test]
fn a_file_that_is_replaced_while_its_post_waits_is_not_posted() {
    let world = World::logged_in();
    let (video, other) = (world.video("clip.mp4", 100_000), world.video("other.mp4", 100_001));
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.publish(&page, &LATER).is(303);
    let now = || {
        visitor.post(&format!("/queue/{}/move", id_of(&page)), &[("when", "now")]).is(303);
    };
    std::fs::remove_file(&video).unwrap();
    std::os::unix::fs::symlink(&other, &video).unwrap();
    now();
    let again = format!("/queue/{}/again", id_of(&page));
    let is_held = |words: &str| {
        eventually("it is held", || {
            let queue = visitor.get("/queue").text;
            queue.contains(words).then_some(())
        });
    };
    is_held("The file has changed since it was looked at");
    assert!(!visitor.get("/").says("clip.mp4").text.contains("Nothing waits for you."));
    assert_eq!(world.inits(), 0);
    // The same after somebody asks for it, until it was looked at: no page offers that.
    let queue = visitor.get("/queue").text;
    assert!(!queue.contains(&again) && queue.contains(">Change words or settings<"), "{queue}");
    std::fs::remove_file(&video).unwrap();
    visitor.post(&again, &[]).is(303);
    is_held("The file is not there any more");
    std::fs::rename(&other, &video).unwrap();
    assert_eq!(visitor.post(&format!("/queue/{}/edit", id_of(&page)), &[]).is(303).to, page);
    assert_eq!(world.inits(), 0);
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    console.end();
}

/// TikTok may make it the next time: until somebody asks for that it waits, and it can be left.
#[test]
fn a_post_that_failed_for_what_may_pass_can_be_tried_again_changed_and_taken_out() {
    let world = World::logged_in();
    let videos = [1, 2, 3].map(|nth| world.video(&format!("{nth}.mp4"), 100_000 + nth));
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let fail = |video: &std::path::Path| {
        world.fault(&json!({ "endpoint": "video_init", "times": 1,
            "do": { "outcome": { "status": "FAILED", "fail_reason": "video_pull_failed" } } }));
        let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
        visitor.publish(&page, &AT_ONCE).is(303);
        let again = format!("/queue/{}/again", id_of(&page));
        eventually("it may be tried again", || {
            visitor.get("/queue").text.contains(&again).then_some(())
        });
        visitor.get("/queue").says("video_pull_failed");
        assert!(!visitor.get("/").text.contains("Nothing waits for you."));
        id_of(&page).to_owned()
    };
    let out = fail(&videos[0]);
    visitor.post(&format!("/queue/{out}/cancel"), &[("sure", "yes")]).is(303);
    visitor.get("/queue").says("Taken out of the queue");
    let changed = fail(&videos[1]);
    let page = format!("/compose/{changed}");
    assert_eq!(visitor.post(&format!("/queue/{changed}/edit"), &[]).is(303).to, page);
    for path in ["/queue", "/"] {
        let shown = visitor.get(path).is(200).text;
        assert!(!shown.contains("1.mp4") && !shown.contains("2.mp4"), "{path}: {shown}");
    }
    // Nor does a page say that it waits.
    visitor.get("/posts/1").is(200).says(">taken out<");
    visitor.get("/posts/2").is(200).says(">a draft<").says(&format!("href=\"{page}\""));
    let again = fail(&videos[2]);
    // Nobody is told that a manifest lacks what was taken out here.
    let queue = visitor.get("/queue").text;
    assert!(!queue.contains("does not name it any more"), "{queue}");
    visitor.post(&format!("/queue/{again}/again"), &[]).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("the other one is, too", |world| world.published() == 2);
    console.end();
}

#[test]
fn what_is_typed_in_an_older_tab_overwrites_nothing() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let type_in = |caption: &str, revision: (&str, &str)| {
        let form = visitor.request(reqwest::Method::POST, &page);
        let form = form.header("x-csrf-token", &visitor.csrf);
        let (page, turn) = revision;
        let csrf = visitor.csrf.as_str();
        let fields = [
            ("csrf", csrf),
            ("caption", caption),
            ("revision", "0"),
            ("page", page),
            ("turn", turn),
        ];
        visitor.send(form.form(&fields))
    };
    type_in("one", ("a", "1")).is(204);
    type_in("an older tab", ("b", "1")).is(409).says("changed in another tab");
    // Its answer was lost: the same page goes on.
    type_in("two", ("a", "3")).is(204);
    type_in("overtaken", ("a", "2")).is(204);
    visitor.get(&page).is(200).says(">two</textarea>");
    // A file that is damaged is told, and not called gone.
    let file = world.home().join("home/console/drafts").join(format!("{}.json", id_of(&page)));
    std::fs::write(&file, "{").unwrap();
    assert_eq!(visitor.get(&page).is(303).to, "/compose");
    visitor.get("/compose").is(200).says("is no draft any more");
    console.end();
}

#[test]
fn a_time_that_was_moved_stays_when_the_post_is_changed() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.publish(&page, &LATER).is(303);
    let id = id_of(&page);
    let other = [("when", "at"), ("at", "2032-06-02T11:30")];
    visitor.post(&format!("/queue/{id}/move"), &other).is(303);
    visitor.get("/queue").says("Moved.").says("2032-06-02 11:30");
    visitor.post(&format!("/queue/{id}/edit"), &[]).is(303);
    visitor.get(&page).is(200).says("value=\"2032-06-02T11:30\"");
    console.end();
}

/// The queue's file is a manifest, which another run may post from.
#[test]
fn what_another_run_has_made_is_not_taken_out() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.publish(&page, &LATER).is(303);
    let queue = world.home().join("home/console/queue");
    let queue = std::fs::read_dir(queue).unwrap().next().unwrap().unwrap().path();
    // As if its time had come for the other one only.
    let text = std::fs::read_to_string(&queue).unwrap();
    let text = text.lines().filter(|line| !line.contains("publish_at")).collect::<Vec<_>>();
    let manifest = world.file("copy.json", text.join("\n"));
    // The console has just looked at what it was given, and meanwhile nobody else posts for the account.
    eventually("the other run has its turn", || {
        let ran = world.upload(manifest.to_str().unwrap());
        if ran.code == Some(0) {
            return Some(());
        }
        ran.exits(5).says("another run is posting for this account");
        None
    });
    assert_eq!((world.published(), world.inits()), (1, 1));
    for button in ["cancel", "edit", "move"] {
        let form = [("sure", "yes"), ("when", "now")];
        visitor.post(&format!("/queue/{}/{button}", id_of(&page)), &form).is(303);
        visitor.get("/queue").says("It has left the queue");
    }
    visitor.get(&page).is(303);
    console.end();
    assert_eq!(world.published(), 1);
}

/// Of what TikTok may have nobody says that it was not posted.
#[test]
fn a_file_that_goes_away_once_tiktok_has_it_is_no_failure() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    world.hold("upload", 1, "after");
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("TikTok has all of it", |world| world.published() == 1);
    console.running.kill();
    world.let_go();
    std::fs::remove_file(&video).unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    visitor.post(&format!("/queue/{}/cancel", id_of(&page)), &[("sure", "yes")]).is(303);
    let queue = visitor.get("/queue").is(200).text;
    assert!(!queue.contains("nothing was posted") && !queue.contains("Taken out"), "{queue}");
    console.end();
    assert_eq!(world.published(), 1);
}

#[test]
fn a_post_that_a_hand_has_written_without_a_name_is_told() {
    let world = World::logged_in();
    Console::start(&world, &[]).end();
    let queue = world.home().join("home/console/queue/0123456789abcdef.json");
    std::fs::write(&queue, "[{\"user_id\": \"a\"}]").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&queue, mode).unwrap();
    let ran = world.run(&["serve", "--listen", "127.0.0.1:0", "--no-browser"]);
    ran.exits(4).says("0123456789abcdef.json").says("a post without `id`");
}

/// Asking for what cannot be done does not break off what is being sent.
#[test]
fn a_button_on_a_post_that_is_being_sent_is_answered_at_once_and_stops_nothing() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    world.hold("upload", 1, "before");
    visitor.publish(&page, &AT_ONCE).is(303);
    eventually("it is being sent", || {
        visitor.get("/queue").text.contains("being sent").then_some(())
    });
    for button in ["cancel", "edit", "move", "again"] {
        let form = [("sure", "yes"), ("when", "now")];
        visitor.post(&format!("/queue/{}/{button}", id_of(&page)), &form).is(303);
        visitor.get("/queue").says("It has begun already");
    }
    world.let_go();
    world.wait_until("it is published", |world| world.published() == 1);
    assert_eq!((world.inits(), world.calls("upload").len()), (1, 1));
    console.end();
}
