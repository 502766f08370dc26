//! Every page of the console, of logins and of the sandbox, with something on it, in a real Chromium: what axe-core
//! (<https://github.com/dequelabs/axe-core>) finds in light and dark, whether it fits 320 CSS pixels and a zoom of 200 %,
//! whether the keyboard's focus can be seen everywhere, and whether nothing moves for who wants it still.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::console::{Console, begin, fill, says_after, schedule, shown};
use crate::process::{Ran, eventually};
use crate::stage::say;
use crate::world::{ADA, BEA, CHUNK, World};

/// What is done with a page that is open, under a name.
type Look<'a> = dyn FnMut(&mut Browser, &str) + 'a;

/// axe-core, as `npm ci` in tests/axe has put it there; `None`, and a word about it, without.
fn axe() -> Option<String> {
    let file = "tests/axe/node_modules/axe-core/axe.min.js";
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).ok();
    if source.is_none() {
        say("skipped: axe-core is not there (`npm ci` in tests/axe)");
    }
    source
}

/// What axe-core finds that keeps somebody from using the page that is open.
fn findings(browser: &mut Browser, axe: &str) -> Vec<String> {
    // Sent by the debugging protocol, which the policy of the page does not bind.
    browser.value(&format!("{axe}; typeof axe.run"));
    let found = browser.awaited(
        "axe.run(document, { preload: false, resultTypes: ['violations'], \
         rules: { 'target-size': { enabled: true } } }).then((told) => told.violations\
         .filter((it) => ['serious', 'critical'].includes(it.impact))\
         .flatMap((it) => it.nodes.map((node) => \
           `${it.id}: ${node.target}: ${node.failureSummary} ${node.html}`)))",
    );
    serde_json::from_value(found).unwrap()
}

/// What is wider than the window.
fn overflow(browser: &mut Browser) -> Option<String> {
    let wide = "(() => { const most = innerWidth; \
        if (document.documentElement.scrollWidth <= most) return null; \
        return Array.from(document.querySelectorAll('body *'))\
          .filter((it) => it.getBoundingClientRect().right > most + 1)\
          .map((it) => it.outerHTML.slice(0, 120)).join('\\n'); })()";
    browser.value(wide).as_str().map(str::to_owned)
}

/// Goes through the page by the keyboard; what has the focus and does not show it.
fn unseen_focus(browser: &mut Browser) -> Vec<String> {
    const LOOK: &str = "(() => { const it = document.activeElement; \
        if (!it || it === document.body) return null; \
        const style = getComputedStyle(it); const box = it.getBoundingClientRect(); \
        const isShown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && \
          box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight; \
        const isNew = !it.dataset.seen; it.dataset.seen = 'yes'; \
        return [isNew, isShown ? null : it.outerHTML.slice(0, 160)]; })()";
    let mut unseen = Vec::new();
    for nth in 0..200 {
        browser.press("Tab", 9);
        let here = browser.value(LOOK);
        // Past the last one, or round again.
        if here.is_null() || here[0] == false {
            if nth == 0 {
                continue;
            }
            break;
        }
        unseen.extend(here[1].as_str().map(str::to_owned));
    }
    unseen
}

/// What moves.
fn moving(browser: &mut Browser) -> Value {
    browser.value(
        "Array.from(document.querySelectorAll('*')).flatMap((it) => [null, '::before', '::after']\
         .map((part) => [it, getComputedStyle(it, part)])).filter(([, style]) => \
         style.transitionDuration.split(', ').some((time) => parseFloat(time) > 0) || \
         style.animationName !== 'none' || style.scrollBehavior === 'smooth')\
         .map(([it]) => it.outerHTML.slice(0, 100))",
    )
}

/// Waits until a page is there with something on it.
fn wait_for(browser: &mut Browser, selector: &str) {
    let is_there = format!(
        "document.readyState === 'complete' && document.querySelector({}) !== null",
        json!(selector)
    );
    eventually(selector, || (browser.glance(&is_there) == true).then_some(()));
}

/// A console of somebody new: nothing is there yet.
fn tour_of_the_first_day(browser: &mut Browser, look: &mut Look<'_>) {
    let world = World::asking();
    let console = Console::start(&world, &[]);
    browser.open(&console.at("/signin"));
    look(browser, "signin");
    fill(browser, "#token", "not the code");
    browser.click("#token-form button");
    says_after(browser, "was used already");
    look(browser, "signin-refused");
    browser.open(&console.link);
    browser.arrives_at(&console.at("/"));
    look(browser, "overview-empty");
    let pages =
        ["accounts", "compose", "queue", "calendar", "history", "doctor", "settings", "guidelines"];
    for page in pages {
        browser.open(&console.at(&format!("/{page}")));
        look(browser, &format!("{page}-empty"));
    }
    browser.open(&console.at("/nowhere"));
    look(browser, "not-found");
    // A login by a click, over the sandbox's page for consent.
    browser.open(&console.at("/accounts"));
    browser.click("button[value=browser]");
    wait_for(browser, "button[value=allow]");
    look(browser, "sandbox-consent");
    browser.click("button[value=allow]");
    says_after(browser, "is logged in.");
    look(browser, "login-done");
    browser.open(&console.at("/callback/?error=access_denied&state=unknown"));
    browser.arrives_at("/accounts");
    // And by a code.
    browser.click("section button[value=qr]");
    wait_for(browser, ".qr svg");
    look(browser, "login-qr");
    browser.open(&format!("{}/_sandbox/phone", world.sandbox.url()));
    look(browser, "sandbox-phone");
    console.end();
}

/// What a login of the command line shows in the browser.
fn tour_of_logins(browser: &mut Browser, look: &mut Look<'_>) {
    let world = World::asking();
    for (button, end, name) in
        [("allow", "/done", "callback-done"), ("deny", "/denied", "callback-denied")]
    {
        let login = world.start_login(&[]);
        browser.open(&login.url);
        browser.click(&format!("button[value={button}]"));
        browser.arrives_at(end);
        look(browser, name);
        login.end();
    }
    let login = world.start_login(&[]);
    browser.open(&format!("http://127.0.0.1:{}/callback/?code=stray&state=wrong", login.port()));
    look(browser, "callback-stray");
    browser.open(&format!("{}/v2/auth/authorize/?client_key=nobody", world.sandbox.url()));
    look(browser, "sandbox-mistake");
}

/// A world with posts in each state.
fn busy_world() -> World {
    let world = World::new();
    let scopes = "user.info.basic,user.info.profile,video.upload,video.publish,video.list";
    for handle in [ADA, BEA, "@cyd"] {
        world.consent(&json!({ "account": handle }));
        world.login_with(&["--scopes", scopes]).exits(0);
    }
    let post = |user: &str, more: &Value| {
        let mut entry = json!({ "user_id": world.open_id(user), "privacy_level": "SELF_ONLY" });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.manifest(&json!([entry]))
    };
    for (user, name, level) in [
        (ADA, "sourdough.mp4", "SELF_ONLY"),
        (BEA, "window-seat.mp4", "PUBLIC_TO_EVERYONE"),
        (BEA, "harbour.mp4", "PUBLIC_TO_EVERYONE"),
    ] {
        world.video(name, 240_000);
        let more = json!({ "video_path": name, "description": "Morning light #bread",
            "privacy_level": level });
        world.upload(&post(user, &more)).exits(0);
    }
    world.video("draft.mp4", 240_000);
    let draft = json!({ "video_path": "draft.mp4", "mode": "draft" });
    world.upload(&post(BEA, &draft)).exits(0);
    world.video("too-fast.mp4", 240_000);
    world.say_status(1, &json!({ "status": "FAILED", "fail_reason": "frame_rate_check_failed" }));
    world.upload(&post(BEA, &json!({ "video_path": "too-fast.mp4" })));
    world.let_go();
    world.fault(&json!({ "endpoint": "video_init", "do": { "drop": "after" } }));
    let pull = json!({ "video_url": "https://verified.example/market-day.mp4" });
    world.upload(&post(ADA, &pull)).exits(6);
    world.let_go();
    world.video("one-too-many.mp4", 240_000);
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.upload(&post("@cyd", &json!({ "video_path": "one-too-many.mp4" })));
    world.let_go();
    world
}

/// Composing, from the source to what stands in the way.
fn tour_of_composing(browser: &mut Browser, world: &World, console: &Console, look: &mut Look<'_>) {
    browser.open(&console.at("/compose"));
    look(browser, "start");
    let folder = world.path("").display().to_string();
    browser.open(&console.at(&format!("/compose?folder={folder}")));
    look(browser, "start-folder");
    begin(browser, console, world, "sourdough.mp4");
    look(browser, "compose");
    browser.click("#disclose");
    look(browser, "compose-nobody-named");
    browser.click("#brand_organic");
    browser.click("#brand_content");
    look(browser, "compose-branded");
    browser.click("#disclose");
    fill(browser, "#caption", "Morning light");
    browser.click("input[name=when][value=at]");
    fill(browser, "#at", "2001-01-01T10:00");
    browser.click("#publish");
    says_after(browser, "This time is over");
    look(browser, "compose-errors");
    let here = browser.value("location.pathname").as_str().unwrap().to_owned();
    browser.click("button[value=discard]");
    says_after(browser, "Discard this post?");
    look(browser, "confirm-discard");
    world.refuse("creator_info", 1, 1, "spam_risk_too_many_posts");
    browser.open(&console.at(&here));
    wait_for(browser, "#refused");
    look(browser, "compose-not-now");
    world.let_go();
    for (field, text, name) in [
        ("#photos", "https://verified.example/1.jpg\nhttps://verified.example/2.jpg", "photos"),
        ("#url", "https://verified.example/clip.mp4", "pulled"),
    ] {
        browser.open(&console.at("/compose"));
        fill(browser, field, text);
        browser.click(&format!("form:has({field}) button"));
        wait_for(browser, "#compose");
        look(browser, &format!("compose-{name}"));
    }
}

/// A post that fails, and may be tried again.
fn tour_of_a_failure(browser: &mut Browser, world: &World, console: &Console, look: &mut Look<'_>) {
    world.video("refused.mp4", 240_000);
    world.fault(&json!({ "endpoint": "video_init", "times": 1,
        "do": { "refuse": { "code": "spam_risk_user_banned_from_posting" } } }));
    begin(browser, console, world, "refused.mp4");
    fill(browser, "#privacy_level", "SELF_ONLY");
    browser.click("#publish");
    browser.arrives_at("/queue");
    eventually("it may be tried again", || {
        browser.open(&console.at("/queue"));
        (browser.glance("document.querySelector('form[action$=\"/again\"]') !== null") == true)
            .then_some(())
    });
    look(browser, "queue-failed");
    world.let_go();
}

/// What asks once more: without a word that it is meant, nothing is done.
fn tour_of_questions(browser: &mut Browser, console: &Console, look: &mut Look<'_>) {
    for (page, form, question, name) in [
        ("/queue", "form[action$='/cancel']", "Take this post out of the queue?", "confirm"),
        ("/accounts", "form[action$='/logout']", "End this login?", "confirm-logout"),
    ] {
        browser.open(&console.at(page));
        let send = format!(
            "(() => {{ const form = document.querySelector({}); form.noValidate = true; \
             form.querySelector('button').click(); return true; }})()",
            json!(form)
        );
        assert_eq!(browser.value(&send), true);
        says_after(browser, question);
        look(browser, name);
    }
}

/// The form of settings, as it is and with something wrong in it.
fn tour_of_settings(browser: &mut Browser, console: &Console, look: &mut Look<'_>) {
    let add = |browser: &mut Browser, name: &str, times: &str| {
        browser.open(&console.at("/settings/change"));
        fill(browser, "#slot-name", name);
        fill(browser, "#slot-times", times);
        browser.click("#add-slot button");
    };
    add(browser, "evening", "18:30\n19:00\n19:30\n20:00\n20:30");
    says_after(browser, "[slots.evening]");
    look(browser, "settings-change");
    add(browser, "evening", "21:00");
    says_after(browser, "There is a slot of this name already");
    look(browser, "settings-slot-error");
    browser.open(&console.at("/settings/change"));
    fill(browser, "[id='serve.upload_limit']", "much");
    browser.click("form:has([id='serve.upload_limit']) button:not([name])");
    wait_for(browser, "[id='serve.upload_limit'][aria-invalid=true]");
    look(browser, "settings-error");
}

/// A console with several accounts and posts in each state.
fn tour_of_a_busy_day(browser: &mut Browser, look: &mut Look<'_>) {
    browser.draw("verified.example");
    let world = busy_world();
    let mut add =
        world.command(&["serve", "add-user", "a-colleague-with-a-long-name", "--role", "viewer"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    let urls = (0..120).map(|nth| format!("https://verified.example/market-day-{nth}.mp4"));
    tiktok_up::testing::fill_journal(&world.home().join("home"), &world.open_id(BEA), urls);
    let console = Console::start(&world, &[]);
    browser.open(&console.at("/signin"));
    fill(browser, "#name", "a-colleague-with-a-long-name");
    fill(browser, "#password", "a wrong password");
    browser.click("form:has(#password) button");
    says_after(browser, "do not belong together");
    look(browser, "signin-password");
    console.sign_in(browser);
    tour_of_composing(browser, &world, &console, look);
    for name in ["one.mp4", "two.mp4"] {
        world.video(name, 240_000);
        schedule(browser, &console, &world, name, "2031-05-01T10:00");
    }
    tour_of_a_failure(browser, &world, &console, look);
    // One stays under way.
    world.video("long.mp4", 3 * CHUNK);
    world.hold("upload", 1, "middle");
    begin(browser, &console, &world, "long.mp4");
    fill(browser, "#privacy_level", "SELF_ONLY");
    browser.click("#publish");
    browser.arrives_at("/queue");
    look(browser, "queue-published");
    eventually("a post is being sent", || {
        browser.open(&console.at("/queue"));
        shown(browser, "main").contains("being sent").then_some(())
    });
    look(browser, "queue");
    browser.value("for (const it of document.querySelectorAll('details')) it.open = true; true");
    look(browser, "queue-open");
    tour_of_questions(browser, &console, look);
    tour_of_settings(browser, &console, look);
    for (path, name) in [
        ("/", "overview"),
        ("/accounts", "accounts"),
        ("/calendar", "calendar"),
        ("/calendar?view=week", "calendar-week"),
        ("/history?page=2", "history-older"),
        ("/calendar?view=week&at=2031-05-01", "calendar-clash"),
        ("/history", "history"),
        ("/history?numbers=yes", "history-numbers"),
        ("/history?state=inbox&account=nobody", "history-none-such"),
        ("/settings", "settings"),
        ("/guidelines", "guidelines"),
        ("/posts/1", "post"),
        ("/posts/5", "post-failed"),
    ] {
        browser.open(&console.at(path));
        look(browser, name);
    }
    browser.open(&console.at("/accounts"));
    browser.value("for (const it of document.querySelectorAll('details')) it.open = true; true");
    look(browser, "accounts-open");
    browser.open(&console.at("/queue"));
    browser.click("a[href^='/posts/']:is(.button)");
    wait_for(browser, "#settle");
    look(browser, "settle");
    browser.value("document.querySelector('[value=not_posted]').form.noValidate = true");
    browser.click("[value=not_posted]");
    says_after(browser, "Is it really not on the profile?");
    look(browser, "confirm-not-there");
    browser.open(&console.at("/doctor"));
    browser.click("form[action='/doctor'] button");
    wait_for(browser, "main li");
    look(browser, "doctor");
    // A form of an earlier session.
    browser.value(
        "document.querySelector('form[action=\"/doctor\"] [name=csrf]').value = 'old'; true",
    );
    browser.click("form[action='/doctor'] button");
    says_after(browser, "from an earlier session");
    look(browser, "refused");
    // And of one that has ended.
    browser.open(&console.at("/doctor"));
    let end = "fetch('/signout', { method: 'POST', body: new URLSearchParams({ csrf: \
        document.querySelector('meta[name=csrf]').content }) }).then((answer) => answer.status)";
    assert_eq!(browser.awaited(end), 200);
    browser.click("form[action='/doctor'] button");
    says_after(browser, "Your session has ended");
    look(browser, "session-ended");
    browser.open(&format!("{}/_sandbox/", world.sandbox.url()));
    look(browser, "sandbox-overview");
    world.let_go();
    console.end();
}

fn tour(browser: &mut Browser, look: &mut Look<'_>) {
    tour_of_the_first_day(browser, look);
    tour_of_logins(browser, look);
    tour_of_a_busy_day(browser, look);
}

/// Nothing that axe-core calls serious or critical, light or dark.
#[test]
fn axe_finds_nothing_serious_on_any_page() {
    let Some(axe) = axe() else { return };
    let Some(mut browser) = Browser::start() else { return };
    browser.open("data:text/html,<title>t</title><img src='data:,'>");
    let told = findings(&mut browser, &axe);
    assert!(told.iter().any(|it| it.starts_with("image-alt: ")), "it sees nothing: {told:?}");
    let mut found = Vec::new();
    let mut pages = 0;
    tour(&mut browser, &mut |browser, name| {
        for scheme in ["light", "dark"] {
            browser.prefers(scheme, true);
            let told = findings(browser, &axe);
            found.extend(told.into_iter().map(|it| format!("{name}, {scheme}: {it}")));
        }
        pages += 1;
        browser.picture(&format!("look-{name}"));
    });
    say(&format!("axe-core has looked at {pages} pages, light and dark"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// No page is wider than a small phone, than a window at 200 %, or than letters of twice the size make it; whoever goes
/// by the keyboard sees where they are; and nothing moves where movement is not wanted.
#[test]
fn every_page_fits_shows_the_focus_and_keeps_still() {
    let Some(mut browser) = Browser::start() else { return };
    let mut found = Vec::new();
    tour(&mut browser, &mut |browser, name| {
        browser.prefers("light", true);
        for (width, height, scale, what) in
            [(320, 640, 1, "at 320 pixels"), (640, 400, 2, "at 200 %")]
        {
            browser.window(width, height, scale);
            found.extend(overflow(browser).map(|it| format!("{name} {what} is too wide: {it}")));
        }
        browser.value("document.documentElement.style.fontSize = '200%'; true");
        browser.window(800, 600, 1);
        let wide = overflow(browser);
        found.extend(wide.map(|it| format!("{name} with large letters is too wide: {it}")));
        browser.value("document.documentElement.style.fontSize = ''; true");
        browser.window(1280, 800, 1);
        let unseen = unseen_focus(browser);
        found.extend(unseen.into_iter().map(|it| format!("{name}: no focus is seen on {it}")));
        let moves = moving(browser);
        if moves != json!([]) {
            found.push(format!("{name} moves: {moves}"));
        }
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Makes the pictures of docs/audit.md: `just audit-pictures`.
#[test]
#[ignore = "writes the pictures of docs/audit.md"]
fn pictures_for_the_audit() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    browser.prefers("light", true);
    browser.window(1120, 900, 1);
    browser.draw("verified.example");
    let world = World::logged_in();
    world.video("clip.mp4", 2_400_000);
    let console = Console::start(&world, &[]);
    console.sign_in(browser);
    begin(browser, &console, &world, "clip.mp4");
    keep(browser, "1a-creator", "#creator");
    keep(browser, "2a-title", "#words");
    keep(browser, "2b-privacy", "#visibility .field");
    keep(browser, "2c-interactions", "#interactions");
    keep(browser, "2-declaration", "#publish-section");
    keep(browser, "3a-off", "#disclosure");
    browser.click("#disclose");
    keep(browser, "3a-nobody", "#publish-section");
    browser.click("#brand_organic");
    keep(browser, "3a-your-brand", "#disclosure");
    browser.click("#brand_content");
    keep(browser, "3a-both", "#disclosure");
    keep(browser, "3b-branded-first", "#visibility .field");
    keep(browser, "4-declaration", "#publish-section");
    browser.click("#brand_content");
    fill(browser, "#privacy_level", "SELF_ONLY");
    keep(browser, "3b-private-first", "#disclosure");
    keep(browser, "1c-duration", "#preview");
    browser.click("#disclose");
    let here = browser.value("location.pathname").as_str().unwrap().to_owned();
    world.hold("upload", 1, "middle");
    browser.click("#publish");
    browser.arrives_at("/queue");
    eventually("a post is being sent", || {
        browser.open(&console.at("/queue"));
        shown(browser, "main").contains("being sent").then_some(())
    });
    keep(browser, "5e-status", "main .post");
    world.let_go();
    browser.open(&console.at("/compose"));
    let photos = "https://verified.example/1.jpg\nhttps://verified.example/2.jpg";
    fill(browser, "#photos", photos);
    browser.click("form:has(#photos) button");
    wait_for(browser, "#compose");
    assert_ne!(browser.value("location.pathname"), here);
    keep(browser, "2c-photos", "#interactions");
    world.refuse("creator_info", 1, 1, "spam_risk_too_many_posts");
    let photos = browser.value("location.href").as_str().unwrap().to_owned();
    browser.open(&photos);
    keep(browser, "1b-not-now", "#refused");
    browser.open(&console.at("/settings"));
    browser.value(
        "for (const it of document.querySelectorAll('tr')) \
         if (it.innerText.includes('client_secret')) it.id = 'secret'; true",
    );
    keep(browser, "t1-secret", "#secret");
    world.wait_until("it is published", |world| world.published() == 1);
    console.end();
}

/// Keeps a picture of an element for docs/audit.md.
fn keep(browser: &mut Browser, name: &str, selector: &str) {
    wait_for(browser, selector);
    // Without what lies under the pointer or has the focus.
    let part = format!(
        "(async () => {{ document.activeElement?.blur(); \
         const video = document.querySelector('video'); \
         if (video && video.readyState < 4) await new Promise((go) => {{ \
           video.addEventListener('canplaythrough', go); video.preload = 'auto'; }}); \
         const it = document.querySelector({}); it.scrollIntoView({{ block: 'center' }}); \
         const box = it.getBoundingClientRect(); \
         return {{ x: box.x + scrollX - 8, y: box.y + scrollY - 8, width: box.width + 16, \
           height: box.height + 16 }}; }})()",
        json!(selector)
    );
    let part = browser.awaited(&part);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.picture_of(&part)).unwrap();
}

/// The sandbox, which is a crate of its own, has a copy of the console's colours.
#[test]
fn the_sandbox_has_the_colours_of_the_console() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let tokens = read("src/console/assets/tokens.css");
    assert!(read("crates/tiktok-sandbox/src/pages/style.css").starts_with(&tokens));
}
