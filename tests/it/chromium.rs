//! A login in a real browser: the sandbox's consent page, a person's clicks, our callback pages.
//! Only where Chromium is installed.

use serde_json::json;

use crate::browser::Browser;
use crate::person::status;
use crate::world::{ADA, BEA, World};

/// The address of a button on the consent page.
const ALLOW: &str = "button[value=allow]";
const DENY: &str = "button[value=deny]";

/// Nothing was loaded from anywhere else, nothing was run, and nothing was complained about.
#[track_caller]
fn is_quiet(browser: &mut Browser) {
    let asked = browser.requested();
    assert!(!asked.is_empty());
    for url in asked {
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    }
    assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
}

/// The page of ours that is open is one file: no script, no frame, no link, nothing loaded.
#[track_caller]
fn stands_alone(browser: &mut Browser) {
    let elements = "document.querySelectorAll('script, link, img, iframe, a, form, object').length";
    assert_eq!(browser.value(elements), 0);
    assert_eq!(browser.value("performance.getEntriesByType('resource').length"), 0);
    assert_eq!(browser.value("document.referrer"), "");
}

#[test]
fn a_person_allows_in_a_real_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let login = world.start_login(&[]);
    browser.open(&login.url);
    browser.picture("consent");
    browser.click("input[name=account][value=bea]");
    browser.click(ALLOW);
    let page = browser.arrives_at("/done");
    assert!(page.contains("You can close this window"), "{page}");
    login.end().exits(0).says("logged in").never_says("warning: a callback");
    assert!(world.entry(BEA).is_object());
    browser.picture("done");
    stands_alone(&mut browser);
    is_quiet(&mut browser);
    // The code has left the address bar and is not behind the back button either.
    assert_eq!(browser.value("location.search"), "");
}

#[test]
fn enter_on_the_consent_page_allows_in_a_real_browser() {
    for at in [None, Some("input[name=account][value=bea]"), Some("input[value='video.list']")] {
        let Some(mut browser) = Browser::start() else { return };
        let world = World::asking();
        let login = world.start_login(&["--scopes", "user.info.basic,video.list"]);
        browser.open(&login.url);
        if let Some(field) = at {
            browser.click(field);
        }
        // The page gives the focus a moment after it is there, and a click a moment after it was made.
        let field = at.unwrap_or("button");
        crate::process::eventually("the field has the focus", || {
            let focused = browser.value(&format!("document.activeElement.matches({field:?})"));
            (focused == true).then_some(())
        });
        browser.enter();
        let page = browser.arrives_at("/done");
        assert!(page.contains("is logged in"), "{page}");
        login.end().exits(0);
    }
}

/// Nothing of the page but what scrolls by itself is wider than the window, the keyboard reaches what
/// scrolls, and the page stays as it is under who reads it.
#[test]
fn the_pages_of_the_sandbox_fit_a_phone() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    world.run(&["login", "--qr", "--timeout", "100ms"]);
    world.fault(&json!({ "endpoint": "status", "do": { "refuse": { "code": "internal_error" } } }));
    world.run(&["status", "--all"]);
    let sandbox = world.sandbox.url().to_owned();
    for width in [320, 390] {
        browser.narrow(width);
        for page in ["/_sandbox/", "/_sandbox/phone", "/v2/auth/authorize/?client_key=nobody"] {
            browser.open(&format!("{sandbox}{page}"));
            let wide = browser.value("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= width.into(), "{page} at {width}: {wide}");
            let unreachable = "Array.from(document.querySelectorAll('*')).filter(it => \
                ['auto', 'scroll'].includes(getComputedStyle(it).overflowX) && \
                (it.tabIndex != 0 || !it.getAttribute('aria-label') || it.getAttribute('role') != 'region')\
                ).length";
            assert_eq!(browser.value(unreachable), 0, "{page}");
        }
    }
    is_quiet(&mut browser);
}

#[test]
fn f02_a_person_denies_in_a_real_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let login = world.start_login(&[]);
    browser.open(&login.url);
    browser.click(DENY);
    let page = browser.arrives_at("/denied");
    assert!(page.contains("not granted"), "{page}");
    login.end().exits(3);
    browser.picture("denied");
    stands_alone(&mut browser);
    is_quiet(&mut browser);
}

#[test]
fn t25_a_person_unticks_a_scope_in_a_real_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let login = world.start_login(&[]);
    browser.open(&login.url);
    browser.click("input[value='video.publish']");
    browser.picture("consent-partial");
    browser.click(ALLOW);
    browser.arrives_at("/done");
    login.end().exits(0).says("video.publish");
    let scopes = world.entry(ADA)["scopes"].to_string();
    assert!(scopes.contains("video.upload") && !scopes.contains("video.publish"), "{scopes}");
    world.upload(&world.short()).exits(3).says("video.publish");
    assert_eq!(world.inits(), 0);
}

#[test]
fn t01_a_stray_visit_in_a_real_browser_ends_no_login() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let login = world.start_login(&[]);
    let port = login.port();
    browser.open(&format!("http://127.0.0.1:{port}/callback/?code=stolen&state=wrong"));
    let page = browser.value("document.body.innerText");
    assert!(page.as_str().unwrap().contains("Nothing to see here"), "{page}");
    browser.picture("not-here");
    stands_alone(&mut browser);
    assert_eq!(status(&login.get("/done")), "404");
    browser.open(&login.url);
    browser.click(ALLOW);
    browser.arrives_at("/done");
    login.end().exits(0);
}

#[test]
fn the_pages_of_the_sandbox_need_nothing_but_the_sandbox() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    browser.open(&format!("{}/_sandbox/", world.sandbox.url()));
    browser.picture("sandbox-overview");
    browser.open(&format!("{}/_sandbox/phone", world.sandbox.url()));
    browser.picture("sandbox-scanner");
    browser.open(&format!("{}/v2/auth/authorize/?client_key=nobody", world.sandbox.url()));
    browser.picture("sandbox-mistake");
    is_quiet(&mut browser);
}
