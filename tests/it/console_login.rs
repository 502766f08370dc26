//! Logins in the console: what is asked for, behind a proxy, and how their page goes on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use reqwest::Client;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use tiktok_sandbox::{App, Options};
use url::Url;

use crate::browser::Browser;
use crate::console::{Console, fill, shown};
use crate::console_client::Visitor;
use crate::process::{Ran, Running, eventually};
use crate::world::World;

/// The scopes that an address of TikTok's page asks for.
fn asked(to: &str) -> String {
    let url = Url::parse(to).unwrap_or_else(|error| panic!("{error}: {to}"));
    url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned()
}

#[test]
fn a_login_asks_for_what_was_chosen() {
    let world = World::asking();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.get("/accounts").is(200).text;
    for scope in ["user.info.basic", "video.publish", "video.upload"] {
        assert!(page.contains(&format!("value=\"{scope}\" checked")), "{scope}");
    }
    assert!(page.contains("value=\"video.list\">"), "{page}");
    let login = |fields: &[(&str, &str)]| visitor.post("/login", fields).is(303).to;
    let usual = "user.info.basic,video.publish,video.upload";
    assert_eq!(asked(&login(&[("way", "browser")])), usual);
    let choice = ("choice", "scopes");
    let two = [choice, ("scope", "user.info.basic"), ("scope", "video.list"), ("way", "browser")];
    assert_eq!(asked(&login(&two)), "user.info.basic,video.list");
    for none in
        [&[choice, ("way", "browser")][..], &[choice, ("scope", "no,scope;"), ("way", "qr")]]
    {
        assert_eq!(login(none), "/accounts");
    }
    visitor.get("/accounts").is(200).says("nothing is chosen");
    console.end();
}

/// Of several apps the one that was chosen is logged in with, whichever is usual.
#[test]
fn a_login_is_made_with_the_app_that_was_chosen() {
    let apps = [("main", App::random()), ("shop", App::random())];
    let sections: String = apps.iter().map(|(name, app)| section(name, app)).collect();
    let apps = apps.map(|(_, app)| app);
    let keys = [&apps[0], &apps[1]].map(|app| app.client_key.clone());
    let world = World::with(Options { apps: apps.into(), ..Options::default() });
    world.configure(&format!("{sections}[defaults]\napp = \"main\"\n"));
    let command = world.configured(&["serve", "--listen", "127.0.0.1:0", "--no-browser"]);
    let console = Console::of(Running::of(command));
    let visitor = Visitor::of(&world, &console);
    visitor.get("/accounts").is(200).says("value=\"main\"").says("value=\"shop\"");
    for (fields, key) in [(&[][..], 0), (&[("app", "main")], 0), (&[("app", "shop")], 1)] {
        let fields = [fields, &[("way", "browser")]].concat();
        let to = visitor.post("/login", &fields).is(303).to;
        let url = Url::parse(&to).unwrap_or_else(|error| panic!("{error}: {to}"));
        let asked = url.query_pairs().find(|(name, _)| name == "client_key").unwrap().1;
        assert_eq!(asked, keys[key], "{fields:?}");
        if key == 1 {
            // TikTok leads back to the console.
            let back = world.browse(&to);
            assert_eq!(back.0, 200, "{back:?}");
        }
    }
    eventually("the account is logged in", || {
        let accounts = Ran::of(world.configured(&["--json", "accounts"])).json();
        accounts.iter().any(|account| account["app"] == "shop").then_some(())
    });
    visitor.get("/accounts").is(200).says("<dd>shop</dd>");
    // One that is not there is told, and nothing is asked of TikTok.
    let no_app = visitor.post("/login", &[("app", "nobody"), ("way", "browser")]).is(303);
    assert_eq!(no_app.to, "/accounts");
    visitor.get("/accounts").says("there is no app");
    console.end();
}

/// The lines of config.toml for an app.
fn section(name: &str, app: &App) -> String {
    let (key, secret) = (&app.client_key, app.client_secret.expose());
    format!("[apps.{name}]\nclient_key = {key:?}\nclient_secret = {secret:?}\n")
}

const PUBLIC: &str = "https://post.example.com";

/// The console of an app whose redirect URI is where a proxy shows the console.
#[test]
fn an_app_of_the_web_is_logged_in_behind_a_proxy() {
    let mut app = App::random();
    app.register(format!("{PUBLIC}/callback/")).unwrap();
    let world = World::with(Options { apps: vec![app], ..Options::default() });
    let home = world.home().join("home");
    fs::create_dir_all(&home).unwrap();
    let serve = format!("[serve]\norigin = \"{PUBLIC}\"\n");
    fs::write(home.join("config.toml"), serve).unwrap();
    // Whoever finds it behind the proxy must be known by a password.
    let start = ["serve", "--listen", "127.0.0.1:0", "--no-browser"];
    world.run(&start).exits(2).says("add-user");
    let mut add = world.command(&["serve", "add-user", "ada", "--role", "owner"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    let app = format!(
        "[apps.web]\nclient_key = {:?}\nclient_secret = {:?}\nredirect_uri = \"{PUBLIC}/callback/\"\n",
        world.sandbox.client_key(),
        world.sandbox.client_secret().expose(),
    );
    let config = home.join("config.toml");
    fs::write(&config, format!("[serve]\norigin = \"{PUBLIC}\"\n{app}")).unwrap();
    crate::person::chmod(&config, 0o600);
    let socket = world.path("console.sock");
    let listen = format!("unix:{}", socket.display());
    let mut command = world.command(&["serve", "--no-browser", "--listen", &listen]);
    command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    let console = Console::of(Running::of(command));
    assert!(console.link.starts_with(PUBLIC), "{}", console.link);
    let signed_in = behind(&socket, "POST /signin", "", "name=ada&password=a+long+password");
    let cookie = header(&signed_in, "set-cookie");
    assert!(cookie.contains("; Secure") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let page = behind(&socket, "GET /", &cookie, "");
    let (_, token) = page.split_once("<meta name=\"csrf\" content=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let begun = behind(&socket, "POST /login", &cookie, &format!("csrf={token}&way=browser"));
    let at_tiktok = Url::parse(&header(&begun, "location")).unwrap();
    let redirect = at_tiktok.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1;
    assert_eq!(redirect, format!("{PUBLIC}/callback/"));
    // TikTok leads the browser to the proxy, which is this test.
    let http = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build();
    let answer = world.block_on(http.unwrap().get(at_tiktok.as_str()).send()).unwrap();
    let back = answer.headers()[LOCATION].to_str().unwrap();
    let back = back.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{back}"));
    // From another site, so no cookie comes along.
    let led_on = behind(&socket, &format!("GET {back}"), "sec-fetch-site: cross-site\r\n", "");
    let to = header(&led_on, "refresh");
    let to = to.split_once("url=").unwrap().1;
    assert!(to.starts_with("/login/"), "{to}");
    eventually("the account is logged in", || {
        let page = behind(&socket, &format!("GET {to}"), &cookie, "");
        page.contains("is logged in.").then_some(())
    });
    // Under another name there is nothing.
    let stranger = ask(&socket, "GET /accounts", "post.example.org", &cookie, "");
    assert!(!stranger.contains("Ada") && !stranger.starts_with("HTTP/1.1 200"), "{stranger}");
    console.end();
}

/// Asks as the proxy does.
fn behind(socket: &Path, what: &str, more: &str, form: &str) -> String {
    ask(socket, what, "post.example.com", more, form)
}

fn ask(socket: &Path, what: &str, host: &str, more: &str, form: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = format!(
        "{what} HTTP/1.1\r\nhost: {host}\r\norigin: {PUBLIC}\r\naccept: text/html\r\n{more}\
         connection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A header of an answer.
fn header(answer: &str, name: &str) -> String {
    let lines = answer.lines().take_while(|line| !line.is_empty());
    let mut found = lines.filter_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.next().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// The page of a login goes on by itself, and is not loaded anew for it.
#[test]
fn the_page_of_a_login_goes_on_without_being_loaded_again() {
    let Some(mut browser) = Browser::start() else { return };
    let world = World::asking();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.post("/login", &[("way", "qr")]).is(303).to;
    assert!(page.starts_with("/login/"), "{page}");
    let mut add = world.command(&["serve", "add-user", "ada", "--role", "owner"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    browser.open(&console.at("/signin"));
    fill(&mut browser, "#name", "ada");
    fill(&mut browser, "#password", "a long password");
    browser.click("form:has(#password) button");
    browser.arrives_at(&console.at("/"));
    browser.open(&console.at(&page));
    eventually("the code is drawn", || {
        (browser.glance("document.querySelector('.qr svg') !== null") == true).then_some(())
    });
    browser.value("window.mark = 'the same page'");
    visitor.post(&format!("{page}/cancel"), &[]).is(303);
    eventually("the page says so", || {
        shown(&mut browser, "main").contains("This login is over").then_some(())
    });
    assert_eq!(browser.value("window.mark"), "the same page");
    assert!(shown(&mut browser, "#said").contains("This login is over"));
    // Without scripts the page asks again by itself.
    let page = visitor.post("/login", &[("way", "qr")]).is(303).to;
    visitor.get(&page).is(200).says("http-equiv=\"refresh\"");
    console.end();
}
