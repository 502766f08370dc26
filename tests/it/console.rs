//! The console of `serve` in a real browser, against the sandbox. Only where Chromium is installed.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::process::{Running, eventually};
use crate::world::{Ran, World};

/// TikTok's words, as its guidelines have them
/// (<https://developers.tiktok.com/doc/content-sharing-guidelines>).
const NOBODY_NAMED: &str =
    "You need to indicate if your content promotes yourself, a third party, or both.";
const BRANDED_IN_PRIVATE: &str = "Branded content visibility cannot be set to private.";

/// A console that runs.
pub(crate) struct Console {
    pub(crate) running: Running,
    /// The link that it printed.
    pub(crate) link: String,
}

impl Console {
    /// Starts it, with folders whose videos may be chosen.
    pub(crate) fn start(world: &World, more: &[&str]) -> Self {
        let clips = world.path("");
        let config = world.home().join("home").join("config.toml");
        if !config.exists() {
            fs::create_dir_all(config.parent().unwrap()).unwrap();
            fs::write(&config, format!("[serve]\nfolders = [{:?}]\n", clips.to_str().unwrap()))
                .unwrap();
        }
        let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--no-browser"];
        args.extend(more);
        Self::of(Running::of(world.command(&args)))
    }

    /// One that was started, once it has told its link.
    pub(crate) fn of(running: Running) -> Self {
        let link = eventually("the console tells its link", || running.find_word("/#token="));
        Self { running, link }
    }

    /// Where it is.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.link.split("/#").next().unwrap())
    }

    /// Signs a browser in by the link.
    pub(crate) fn sign_in(&self, browser: &mut Browser) {
        browser.open(&self.link);
        let page = browser.arrives_at(&self.at("/"));
        assert!(page.contains("Needs you"), "{page}");
    }

    pub(crate) fn end(self) {
        self.running.signal(Signal::TERM);
        self.running.end().exits(0);
    }
}

/// Fills a field in, as typing does.
pub(crate) fn fill(browser: &mut Browser, selector: &str, text: &str) {
    let script = format!(
        "(() => {{ const it = document.querySelector({}); it.value = {}; \
         it.dispatchEvent(new Event('input', {{ bubbles: true }})); \
         it.dispatchEvent(new Event('change', {{ bubbles: true }})); return it.value; }})()",
        json!(selector),
        json!(text)
    );
    assert_eq!(browser.value(&script), text, "{selector}");
}

/// Begins a post of a video of the world.
pub(crate) fn begin(browser: &mut Browser, console: &Console, world: &World, name: &str) {
    let folder = world.path("").display().to_string();
    browser.open(&console.at(&format!("/compose?folder={folder}")));
    browser.click(&format!("button[name=path][value$=\"/{name}\"]"));
    eventually("the form is there", || {
        let is_there = browser.value(
            "document.querySelector('#compose') !== null && document.readyState === 'complete'",
        );
        (is_there == true).then_some(())
    });
}

pub(crate) fn shown(browser: &mut Browser, selector: &str) -> String {
    let script = format!("document.querySelector({})?.innerText ?? null", json!(selector));
    browser.glance(&script).as_str().unwrap_or_default().to_owned()
}

/// Presses a button of a form that stands within what a summary opens.
fn press(browser: &mut Browser, within: &str, button: &str) {
    let script = format!(
        "(() => {{ const form = document.querySelector({}); form.closest('details').open = true; \
         for (const box of form.querySelectorAll('[name=sure]')) box.checked = true; return true; }})()",
        json!(within)
    );
    assert_eq!(browser.value(&script), true);
    browser.click(&format!("{within} {button}"));
}

/// What a post of the sandbox was told.
fn fields(world: &World) -> Value {
    let posts = world.posts();
    assert_eq!(posts.len(), 1, "{posts:#?}");
    serde_json::to_value(&posts[0]).unwrap()
}

#[test]
fn a_post_is_composed_by_the_guidelines_and_published() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    // The code has left the address bar, and is good once.
    assert_eq!(browser.value("location.hash"), "");
    browser.picture("console-overview");
    begin(&mut browser, &console, &world, "clip.mp4");
    browser.picture("console-compose");

    // Nothing is chosen for anybody.
    assert_eq!(browser.value("document.querySelector('#privacy_level').value"), "");
    assert_eq!(browser.value("document.querySelector('#caption').value"), "");
    let checked = "document.querySelectorAll('#compose input[type=checkbox]:checked').length";
    assert_eq!(browser.value(checked), 0);
    assert!(shown(&mut browser, "#nickname").contains("Ada"), "the nickname");
    assert!(shown(&mut browser, "#declaration").contains("TikTok's Music Usage Confirmation"));
    assert!(!shown(&mut browser, "#declaration").contains("Branded Content Policy"));
    assert!(shown(&mut browser, "#publish-section").contains("it may take a few minutes"));
    // The file itself is played.
    let source = "document.querySelector('#preview video').src";
    let source = browser.value(source).as_str().unwrap().to_owned();
    assert!(source.contains("/media"), "{source}");

    // A disclosure that names nobody holds the button back, in TikTok's words.
    browser.click("#disclose");
    assert_eq!(browser.value("document.querySelector('#publish').disabled"), true);
    assert_eq!(browser.value("document.querySelector('#publish-wrap').title"), NOBODY_NAMED);
    browser.click("#brand_organic");
    assert_eq!(browser.value("document.querySelector('#publish').disabled"), false);
    assert!(shown(&mut browser, "#disclosure").contains("labeled as 'Promotional content'"));
    // Branded content is not for oneself alone, whichever is chosen first.
    fill(&mut browser, "#privacy_level", "SELF_ONLY");
    assert_eq!(browser.value("document.querySelector('#brand_content').disabled"), true);
    assert!(shown(&mut browser, "#brands").contains("branded content can't be private"));
    fill(&mut browser, "#privacy_level", "MUTUAL_FOLLOW_FRIENDS");
    browser.click("#brand_content");
    assert!(shown(&mut browser, "#privacy-note").contains(BRANDED_IN_PRIVATE));
    let only_me = "document.querySelector('#privacy_level option[value=SELF_ONLY]')";
    assert_eq!(browser.value(&format!("{only_me}.disabled")), true);
    assert_eq!(browser.value(&format!("{only_me}.title")), BRANDED_IN_PRIVATE);
    assert!(shown(&mut browser, "#disclosure").contains("labeled as 'Paid partnership'"));
    let declaration = shown(&mut browser, "#declaration");
    assert!(
        declaration.contains("Branded Content Policy and Music Usage Confirmation"),
        "{declaration}"
    );
    browser.picture("console-branded");
    browser.click("#disclose");
    fill(&mut browser, "#privacy_level", "");

    // Without a privacy level nothing is sent, and the field says so.
    fill(&mut browser, "#caption", "Hello from the console");
    browser.click("#publish");
    eventually("the error is told", || {
        let told = shown(&mut browser, "#privacy_level-error");
        (told == "Choose who can see this post.").then_some(())
    });
    assert_eq!(world.inits(), 0);
    assert_eq!(browser.value("document.querySelector('#caption').value"), "Hello from the console");
    browser.picture("console-errors");
    fill(&mut browser, "#privacy_level", "SELF_ONLY");
    browser.click("input[name=allow_comment]");
    browser.click("#publish");
    browser.arrives_at("/queue");
    browser.picture("console-queue");
    world.wait_until("it is published", |world| world.published() == 1);
    let told = fields(&world);
    assert_eq!(told["title"], "Hello from the console", "{told:#}");
    assert_eq!(told["privacy"], "SELF_ONLY", "{told:#}");
    eventually("the queue is empty again", || {
        browser.open(&console.at("/queue"));
        shown(&mut browser, "main").contains("The queue is empty").then_some(())
    });
    browser.open(&console.at("/history"));
    assert!(shown(&mut browser, "main").contains("clip.mp4"));
    for page in ["accounts", "calendar", "history", "doctor", "settings", "guidelines", "compose"] {
        browser.open(&console.at(&format!("/{page}")));
        browser.picture(&format!("console-{page}"));
    }
    for url in browser.requested() {
        let is_own = url.starts_with("http://127.0.0.1:") || url.starts_with("data:");
        assert!(is_own, "{url}");
    }
    assert!(
        browser.complaints().iter().all(|it| it.to_string().contains("422")),
        "{:#?}",
        browser.complaints()
    );
    console.end();
    assert_eq!(world.inits(), 1);
}

/// Composes a post for a day far ahead.
pub(crate) fn schedule(
    browser: &mut Browser,
    console: &Console,
    world: &World,
    name: &str,
    at: &str,
) {
    begin(browser, console, world, name);
    fill(browser, "#privacy_level", "SELF_ONLY");
    browser.click("input[name=when][value=at]");
    fill(browser, "#at", at);
    browser.click("#publish");
    browser.arrives_at("/queue");
}

pub(crate) fn says_in_queue(browser: &mut Browser, console: &Console, words: &str) {
    eventually(&format!("the queue says {words:?}"), || {
        browser.open(&console.at("/queue"));
        shown(browser, "main").contains(words).then_some(())
    });
}

#[test]
fn a_scheduled_post_is_moved_taken_out_or_sent_now() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    for (name, size) in [("one.mp4", 200_000), ("two.mp4", 210_000)] {
        world.video(name, size);
    }
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    schedule(&mut browser, &console, &world, "one.mp4", "2031-05-01T10:00");
    says_in_queue(&mut browser, &console, "2031-05-01 10:00");
    browser.open(&console.at("/calendar?view=week&at=2031-05-01"));
    assert!(shown(&mut browser, "main").contains("one.mp4"));
    // A time that is over is refused, and another one taken.
    browser.open(&console.at("/queue"));
    let move_form = "form[action$='/move']";
    let at = "input[name=at]";
    browser.value(&format!("document.querySelector({at:?}).value = '2001-01-01T10:00'"));
    press(&mut browser, move_form, "button[value=at]");
    says_after(&mut browser, "This time is over");
    browser.value(&format!("document.querySelector({at:?}).value = '2032-06-02T11:30'"));
    press(&mut browser, move_form, "button[value=at]");
    says_after(&mut browser, "Moved.");
    says_in_queue(&mut browser, &console, "2032-06-02 11:30");
    // Taken out, it is gone for good.
    press(&mut browser, "form[action$='/cancel']", "button");
    says_after(&mut browser, "Taken out of the queue");
    says_in_queue(&mut browser, &console, "The queue is empty");
    assert_eq!(world.inits(), 0);
    // Another one is sent now instead.
    schedule(&mut browser, &console, &world, "two.mp4", "2031-05-01T10:00");
    says_in_queue(&mut browser, &console, "2031-05-01 10:00");
    press(&mut browser, move_form, "button[value=now]");
    world.wait_until("it is published", |world| world.published() == 1);
    says_in_queue(&mut browser, &console, "The queue is empty");
    console.end();
    assert_eq!(world.inits(), 1);
}

pub(crate) fn says_after(browser: &mut Browser, words: &str) {
    eventually(&format!("the page says {words:?}"), || {
        let is_there = browser.glance("document.readyState === 'complete'") == true;
        (is_there && shown(browser, "main").contains(words)).then_some(())
    });
}

/// What was published before a kill goes on after it, and is made once.
#[test]
fn a_console_that_is_killed_goes_on_where_it_stopped() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    world.hold("upload", 1, "before");
    begin(&mut browser, &console, &world, "clip.mp4");
    fill(&mut browser, "#privacy_level", "SELF_ONLY");
    browser.click("#publish");
    browser.arrives_at("/queue");
    world.wait_until("its init was answered", |world| world.inits() == 1);
    console.running.kill();
    world.let_go();
    let again = Console::start(&world, &[]);
    world.wait_until("it is published", |world| world.published() == 1);
    again.sign_in(&mut browser);
    says_in_queue(&mut browser, &again, "The queue is empty");
    again.end();
    assert_eq!(world.published(), 1);
}

/// The outcome that TikTok does not tell is settled by somebody who has looked.
#[test]
fn an_unknown_outcome_is_settled_in_the_console() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    let pull = world.pull();
    world.fault(&json!({ "endpoint": "video_init", "do": { "drop": "after" } }));
    world.upload(&pull).exits(6);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    assert!(shown(&mut browser, "main").contains("outcome unknown"));
    browser.open(&console.at("/queue"));
    browser.click("a[href='/posts/1']:is(.button)");
    let page = browser.arrives_at("/posts/1");
    assert!(page.contains("Is it on the profile?"), "{page}");
    browser.picture("console-settle");
    browser.click("button[value=posted]");
    says_after(&mut browser, "is settled: it is there");
    world.run(&["status"]).exits(0);
    console.end();
}

#[test]
fn an_account_is_logged_in_by_a_click_and_by_a_code() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let console = Console::start(&world, &[]);
    browser.open(&console.link);
    browser.arrives_at(&console.at("/"));
    browser.open(&console.at("/accounts"));
    assert!(shown(&mut browser, "main").contains("No account is logged in yet"));
    browser.picture("console-no-account");
    browser.click("button[value=browser]");
    // TikTok's page, and back to the console's own callback.
    eventually("TikTok asks", || {
        let is_there = browser.glance("document.querySelector('button[value=allow]') !== null");
        (is_there == true).then_some(())
    });
    browser.click("button[value=allow]");
    says_after(&mut browser, "is logged in.");
    assert!(!browser.value("location.href").as_str().unwrap().contains("code="));
    browser.open(&console.at("/accounts"));
    assert!(shown(&mut browser, "main").contains("works"));
    // By a code, which the sandbox's phone scans.
    browser.click("section button[value=qr]");
    eventually("the code is drawn", || {
        (browser.glance("document.querySelector('.qr svg') !== null") == true).then_some(())
    });
    browser.picture("console-qr");
    browser.click("form[action$='/cancel'] button");
    browser.arrives_at("/accounts");
    console.end();
}

/// A page of another origin neither reads nor writes anything, whatever the browser's cookies are.
#[test]
fn a_hostile_page_in_another_tab_can_do_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    // The sandbox is another origin of the same machine, which is the nearest that a hostile page can be.
    browser.open(&format!("{}/_sandbox/", world.sandbox.url()));
    let account = world.open_id(crate::world::ADA);
    let script = format!(
        "(async () => {{ const told = []; \
         for (const [path, options] of [\
           ['/accounts', {{ credentials: 'include' }}], \
           ['/accounts', {{ credentials: 'include', mode: 'no-cors' }}], \
           ['/accounts/{account}/pause', {{ method: 'POST', credentials: 'include', mode: 'no-cors', \
             headers: {{ 'content-type': 'application/x-www-form-urlencoded' }}, body: 'csrf=x' }}], \
           ['/events', {{ credentials: 'include' }}]]) {{ \
           try {{ const answer = await fetch({base} + path, options); \
             told.push(answer.type === 'opaque' ? 'opaque' : String(answer.status)); }} \
           catch (error) {{ told.push('refused'); }} }} \
         window.told = told; }})()",
        base = json!(console.at(""))
    );
    browser.value(&script);
    let told = eventually("every request has ended", || {
        let told = browser.value("window.told");
        told.is_array().then_some(told)
    });
    // What may be sent at all brings nothing back.
    for one in told.as_array().unwrap() {
        assert!(["refused", "opaque"].contains(&one.as_str().unwrap()), "{told}");
    }
    // Nothing was paused, and no frame shows the console.
    let accounts = world.run(&["--json", "accounts"]).exits(0).json();
    assert_eq!(accounts[0]["paused_since"], Value::Null);
    console.end();
}

/// Users with passwords may do what their role says, and other machines reach only what is protected.
#[test]
fn users_have_passwords_and_roles() {
    let world = World::logged_in();
    let serve = |args: &[&str]| world.command(&[&["serve"], args].concat());
    Ran::of(serve(&["--listen", "0.0.0.0:0", "--no-browser"]))
        .exits(2)
        .says("no users with passwords")
        .says("add-user");
    let add = |name: &str, password: &str| {
        let mut command = serve(&["add-user", name, "--role", "viewer"]);
        command.env("TIKTOK_UP_PASSPHRASE", password);
        Ran::of(command)
    };
    add("ada", "short").exits(2);
    add("ada", "a long password").exits(0).says("ada may sign in to the console as viewer");
    add("ada", "another password").exits(2).says("there is a user `ada`");
    Ran::of(serve(&["users"])).exits(0).says("viewer");
    Ran::of(serve(&["--listen", "0.0.0.0:0", "--no-browser"])).exits(2).says("--tls-cert");
    let Some(mut browser) = Browser::start() else { return };
    let console = Console::start(&world, &[]);
    browser.open(&console.at("/signin"));
    fill(&mut browser, "#name", "ada");
    fill(&mut browser, "#password", "a wrong password");
    browser.click("form:has(#password) button");
    says_after(&mut browser, "do not belong together");
    fill(&mut browser, "#password", "a long password");
    browser.click("form:has(#password) button");
    browser.arrives_at(&console.at("/"));
    // Nothing to change is offered, and nothing is changed.
    browser.open(&console.at("/accounts"));
    assert_eq!(browser.value("document.querySelectorAll('main form').length"), 0);
    let account = world.open_id(crate::world::ADA);
    let script = format!(
        "fetch('/accounts/{account}/pause', {{ method: 'POST', \
         headers: {{ 'x-csrf-token': document.querySelector('meta[name=csrf]').content }} }})\
         .then((answer) => {{ window.told = answer.status; }})"
    );
    browser.value(&format!("void {script}"));
    let told = eventually("the answer came", || {
        let told = browser.glance("window.told ?? null");
        told.is_number().then_some(told)
    });
    assert_eq!(told, 403);
    Ran::of(serve(&["remove-user", "ada"])).exits(0);
    browser.open(&console.at("/accounts"));
    assert!(browser.value("location.pathname") == "/signin", "the session ends with its user");
    console.end();
}

/// With `--worker` tokens are renewed and manifests posted from, as `watch` does.
#[test]
fn a_worker_renews_tokens_and_posts_what_is_listed() {
    let mut world = World::logged_in();
    world.advance(jiff::SignedDuration::from_hours(23));
    let manifest = world.short();
    let console = Console::start(&world, &["--worker", &manifest]);
    world.wait_until("it is published", |world| world.published() == 1);
    world.wait_until("the tokens are renewed", |world| !world.calls("token_refresh").is_empty());
    console.end();
    assert_eq!(world.inits(), 1);
}

/// A file of a browser is taken in pieces, or whole by a form without scripts; it is gone once it is posted.
#[test]
fn a_file_is_taken_from_the_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    let video = world.video("clip.mp4", 3_000_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    for (nth, with_script) in [true, false].into_iter().enumerate() {
        browser.scripts(with_script);
        browser.open(&console.at("/compose"));
        browser.choose_file("#file", &video);
        browser.click("form[enctype] button");
        eventually("the form is there", || {
            let is_there = browser.glance("document.querySelector('#preview video') !== null");
            (is_there == true).then_some(())
        });
        browser.scripts(true);
        let page = browser.value("location.href").as_str().unwrap().to_owned();
        browser.open(&page);
        let preview = shown(&mut browser, "#preview");
        assert!(preview.contains("3.0 MB") || preview.contains("3.00 MB"), "{preview}");
        fill(&mut browser, "#privacy_level", "SELF_ONLY");
        browser.click("#publish");
        if nth == 0 {
            world.wait_until("it is published", |world| world.published() == 1);
            says_in_queue(&mut browser, &console, "The queue is empty");
        }
    }
    // The same content under another `id` is another post, which somebody has asked for by pressing the button.
    world.wait_until("both are published", |world| world.published() == 2);
    says_in_queue(&mut browser, &console, "The queue is empty");
    console.end();
    let spool = world.home().join("home").join("console").join("spool");
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0);
}

/// What no later try can mend ends the sending of a file at once, in words.
#[test]
fn a_file_that_is_refused_is_not_sent_for_ever() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    // The last one does not say how much it has taken.
    for status in [401, 403, 404, 413, 204] {
        browser.open(&console.at("/compose"));
        browser.value(&format!(
            "(() => {{ const real = fetch; window.sent = 0; window.fetch = (to, how) => {{ \
             if (how?.method !== 'PUT') return real(to, how); window.sent += 1; \
             return Promise.resolve(new Response(null, {{ status: {status} }})); }}; return 0; }})()"
        ));
        browser.choose_file("#file", &video);
        browser.click("form[enctype] button");
        eventually("it is told", || {
            let told = browser.glance("!document.querySelector('[data-problem]').hidden");
            (told == true).then_some(())
        });
        assert_eq!(browser.value("window.sent"), 1, "{status}");
        let told = shown(&mut browser, "[data-problem]");
        assert!(told.contains("does not take the file"), "{status}: {told}");
    }
    console.end();
}

/// Goes on by the keyboard until something has the focus.
fn tab_to(browser: &mut Browser, selector: &str) {
    for _ in 0..80 {
        let there = browser.value(&format!("document.activeElement.matches({})", json!(selector)));
        if there == true {
            return;
        }
        browser.press("Tab", 9);
    }
    panic!("the keyboard does not reach {selector}");
}

#[test]
fn a_post_is_composed_by_the_keyboard_alone() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    let folder = world.path("").display().to_string();
    browser.open(&console.at(&format!("/compose?folder={folder}")));
    tab_to(&mut browser, "button[name=path][value$='/clip.mp4']");
    browser.enter();
    eventually("the form is there", || {
        (browser.glance("document.querySelector('#compose') !== null") == true).then_some(())
    });
    tab_to(&mut browser, "#caption");
    browser.write("By the keyboard");
    assert!(shown(&mut browser, "#caption-count").starts_with("15 of"));
    tab_to(&mut browser, "#privacy_level");
    // What is on offer, one after the other, until nobody but oneself sees it.
    for _ in 0..5 {
        if browser.value("document.activeElement.value") == "SELF_ONLY" {
            break;
        }
        browser.press("ArrowDown", 40);
    }
    assert_eq!(browser.value("document.activeElement.value"), "SELF_ONLY");
    tab_to(&mut browser, "#publish");
    browser.enter();
    browser.arrives_at("/queue");
    world.wait_until("it is published", |world| world.published() == 1);
    assert_eq!(fields(&world)["title"], "By the keyboard");
    console.end();
}

/// The pages fit a phone, say what their fields are for, and run nothing that the policy of the console would stop.
#[test]
fn the_pages_of_the_console_fit_a_phone_and_name_their_fields() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    world.upload(&world.short()).exits(0);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    begin(&mut browser, &console, &world, "clip.mp4");
    let compose = browser.value("location.href").as_str().unwrap().to_owned();
    let pages = [
        "",
        "accounts",
        "compose",
        "queue",
        "posts/1",
        "calendar",
        "history",
        "doctor",
        "settings",
        "settings/change",
        "guidelines",
    ];
    let pages = pages.map(|page| console.at(&format!("/{page}")));
    for page in pages.into_iter().chain([compose]) {
        for width in [320, 390] {
            browser.narrow(width);
            browser.open(&page);
            let wide = browser.value("document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= width.into(), "{page} at {width}: {wide}");
        }
        // Each field has a label, each page one heading of the first order, no style or script of its own.
        let nameless = "Array.from(document.querySelectorAll('input:not([type=hidden]), select, textarea'))\
            .filter((it) => it.labels.length === 0).map((it) => it.outerHTML)";
        assert_eq!(browser.value(nameless), json!([]), "{page}");
        assert_eq!(browser.value("document.querySelectorAll('h1').length"), 1, "{page}");
        let own =
            "document.querySelectorAll('[style], style, script:not([src]), [onclick]').length";
        assert_eq!(browser.value(own), 0, "{page}");
        let open = "Array.from(document.querySelectorAll('form[method=post]'))\
            .filter((it) => !it.querySelector('[name=csrf]') && !it.action.includes('csrf=')).length";
        assert_eq!(browser.value(open), 0, "{page}");
        let unreachable = "Array.from(document.querySelectorAll('*')).filter((it) => \
            ['auto', 'scroll'].includes(getComputedStyle(it).overflowX) && it.scrollWidth > it.clientWidth && \
            !['TEXTAREA', 'SELECT', 'INPUT'].includes(it.tagName) && it.tabIndex != 0).map((it) => it.outerHTML)";
        assert_eq!(browser.value(unreachable), json!([]), "{page}");
    }
    assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
    console.end();
}

/// What is made while somebody takes it out is not called taken out.
#[test]
fn a_post_that_was_made_meanwhile_is_not_called_taken_out() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.video("clip.mp4", 200_000);
    let console = Console::start(&world, &[]);
    console.sign_in(&mut browser);
    world.hold("upload", 1, "after");
    begin(&mut browser, &console, &world, "clip.mp4");
    fill(&mut browser, "#privacy_level", "SELF_ONLY");
    browser.click("#publish");
    browser.arrives_at("/queue");
    world.wait_until("TikTok has all of it", |world| world.published() == 1);
    eventually("the queue lists it", || {
        browser.open(&console.at("/queue"));
        (browser.glance("document.querySelector('[data-post]') !== null") == true).then_some(())
    });
    browser.value(
        "void fetch(`/queue/${document.querySelector('[data-post]').dataset.post}/cancel`, { method: 'POST', \
         body: new URLSearchParams({ sure: 'yes', csrf: document.querySelector('meta[name=csrf]').content }) })\
         .then((answer) => answer.text()).then((text) => { window.told = text; })",
    );
    world.let_go();
    let told = eventually("the answer came", || {
        let told = browser.glance("window.told ?? null");
        told.as_str().map(str::to_owned)
    });
    assert!(
        (told.contains("It has begun already") || told.contains("It has left the queue"))
            && !told.contains("Taken out"),
        "{told}"
    );
    console.end();
    assert_eq!(world.published(), 1);
}
