//! The console's door, as browsers and hostile pages knock at it: raw requests on real sockets.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Extension;
use axum::routing::{get, post};
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::console::server::Server;

const LONG: Duration = Duration::from_mins(1);
const PASSWORD: &str = "correct horse";
const URLENCODED: &str = "Content-Type: application/x-www-form-urlencoded";

struct Console {
    port: u16,
    access: Arc<Access>,
    changes: Arc<AtomicUsize>,
    printed: Arc<Mutex<Vec<String>>>,
    ahead: Arc<Mutex<Duration>>,
    dir: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

struct Answer(String);

impl Answer {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(other, _)| *other == name).map(|(_, value)| value).next()
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

/// What a browser that is signed in has: its cookie, and the token that its pages show.
#[derive(Clone)]
struct Browser {
    cookie: String,
    csrf: String,
}

impl Console {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Rules)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listen = Listen::Tcp("127.0.0.1:0".parse().unwrap());
        let server = Server::bind(&listen, None).await.unwrap();
        let Listen::Tcp(address) = server.address() else { panic!() };
        let port = address.port();
        let mut rules = Rules {
            listen: server.address().clone(),
            tls: server.is_tls(),
            public: None,
            authorize: None,
            pictures: None,
            open_paths: vec!["/callback/".to_owned()],
        };
        change(&mut rules);
        let printed = Arc::new(Mutex::new(Vec::new()));
        let ahead = Arc::new(Mutex::new(Duration::ZERO));
        let prints = Arc::clone(&printed);
        let hooks = Hooks {
            sign_in: Box::new(|page| format!("sign in {page:?}")),
            refused: Box::new(|refused| format!("refused {refused:?}")),
            told: Box::new(|refused| format!("told {refused:?}")),
            print_link: Box::new(move |link| prints.lock().unwrap().push(link.expose().to_owned())),
            audit_failed: Box::new(|error| panic!("{error}")),
        };
        let clock = Arc::clone(&ahead);
        let time = Box::new(move || Instant::now() + *clock.lock().unwrap());
        let access =
            Access::open_by(&dir.path().join("console"), Clock::default(), rules, hooks, time);
        let access = access.unwrap();
        let changes = Arc::new(AtomicUsize::new(0));
        let router = access.protect(router(&changes));
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(server.serve(router, async { _ = stopped.await }));
        Self { port, access, changes, printed, ahead, dir, _stop: stop }
    }

    fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }

    fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    /// Sends a head of these lines and a body.
    async fn send(&self, lines: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let mut request = lines.join("\r\n");
        if !body.is_empty() {
            request = format!("{request}\r\nContent-Length: {}", body.len());
        }
        request = format!("{request}\r\nConnection: close\r\n\r\n{body}");
        // An answer may come before all of a long body was taken.
        _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        _ = timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap();
        Answer(String::from_utf8(answer).unwrap())
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    fn origin(&self) -> String {
        format!("Origin: http://127.0.0.1:{}", self.port)
    }

    async fn get(&self, path: &str, lines: &[&str]) -> Answer {
        let (first, host) = (format!("GET {path} HTTP/1.1"), self.host());
        self.send(&[&[&*first, &*host], lines].concat(), "").await
    }

    /// Posts a form as a page of the console does.
    async fn post(&self, path: &str, lines: &[&str], form: &str) -> Answer {
        let origin = self.origin();
        self.post_from(&[&[&*origin], lines].concat(), path, form).await
    }

    async fn post_from(&self, lines: &[&str], path: &str, form: &str) -> Answer {
        let (first, host) = (format!("POST {path} HTTP/1.1"), self.host());
        self.send(&[&[&*first, &*host, URLENCODED], lines].concat(), form).await
    }

    async fn sign_in(&self, form: &str) -> Browser {
        let answer = self.post("/signin", &[], form).await;
        assert_eq!((answer.status(), answer.header("location")), (303, Some("/")));
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();
        let cookie = format!("Cookie: {cookie}");
        let page = self.get("/", &[&cookie]).await;
        let csrf = page.body().split_once("csrf=").unwrap().1.to_owned();
        Browser { cookie, csrf }
    }

    async fn sign_in_by_link(&self) -> Browser {
        self.sign_in(&form_of(&self.access.link())).await
    }

    async fn sign_in_as(&self, name: &str, role: Role) -> Browser {
        self.access.users().add(name, role, &PASSWORD.into()).unwrap();
        self.sign_in(&format!("name={name}&password={PASSWORD}")).await
    }

    fn audit(&self) -> Vec<serde_json::Value> {
        self.access.audit.wait();
        let text = std::fs::read_to_string(self.dir.path().join("console/audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn form_of(link: &Secret) -> String {
    format!("token={}", token(link.expose()))
}

fn token(link: &str) -> &str {
    link.split_once("/#token=").unwrap().1
}

/// A page, things to change, and what needs no session.
fn router(changes: &Arc<AtomicUsize>) -> Router {
    let changes = Arc::clone(changes);
    let change = move |body: String| {
        changes.fetch_add(1, Ordering::SeqCst);
        async move { format!("changed by {body}") }
    };
    let page = |visitor: Visitor| async move {
        format!("{} {} csrf={}", visitor.name, visitor.role.name(), visitor.csrf.expose())
    };
    let events = || async {
        let body = Body::from_stream(stream::pending::<Result<String, std::io::Error>>());
        ([("content-type", "text/event-stream")], body)
    };
    let owner = demand(Router::new().route("/settings", post(change.clone())), Role::Owner);
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/queue", post(change))
        .route("/callback/", get(|| async { "called back" }).post(|| async { "never" }))
        .route("/style.css", get(|| async { ([("access-control-allow-origin", "*")], "css") }))
        .route(
            "/who",
            get(|visitor: Option<Extension<Visitor>>| async move {
                visitor.map_or_else(String::new, |visitor| visitor.name.clone())
            }),
        )
        .merge(owner)
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_to_here_is_told_nothing() {
    let console = Console::start().await;
    let browser = console.sign_in_by_link().await;
    let port = console.port;
    let hosts = [
        format!("Host: 127.evil.com:{port}"),
        format!("Host: 127.0.0.1.evil.com:{port}"),
        format!("Host: localhost.evil:{port}"),
        format!("Host: evil@127.0.0.1:{port}"),
        format!("Host: 127.0.0.1:{}", port ^ 1),
        "Host: 127.0.0.1".to_owned(),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}"),
        format!("X-Forwarded-Host: 127.0.0.1:{port}"),
    ];
    for host in &hosts {
        for path in ["/", "/signin", "/style.css", "/callback/", "/nothing"] {
            let first = format!("GET {path} HTTP/1.1");
            let answer = console.send(&[&first, host, &browser.cookie], "").await;
            assert_eq!((answer.status(), answer.body()), (421, "told Address\n"), "{host} {path}");
        }
    }
    let first = format!("GET http://evil.com:{port}/ HTTP/1.1");
    let answer = console.send(&[&first, &console.host(), &browser.cookie], "").await;
    assert_eq!((answer.status(), answer.body()), (421, "told Address\n"));
    let localhost = format!("Host: LocalHost:{port}");
    let answer = console.send(&["GET / HTTP/1.1", &localhost, &browser.cookie], "").await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let console = Console::start().await;
    let link = console.access.first_link();
    assert_eq!(link.expose().find("/#token="), Some(console.access.address().len()));
    console.advance(Duration::from_hours(100));
    let form = form_of(&link);
    let answer = console.post("/signin", &[], &form).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let name = cookie.split('=').next().unwrap();
    let instance = name.strip_prefix("tiktok-up-").unwrap();
    let is_hex = instance.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(instance.len() == 8 && is_hex, "{instance}");
    let again = console.post("/signin", &[], &form).await;
    assert_eq!((again.status(), again.header("set-cookie")), (403, None));
    assert!(again.body().contains("WrongLink"));
    let fresh = console.access.link();
    console.advance(session::LINK);
    assert_eq!(console.post("/signin", &[], &form_of(&fresh)).await.status(), 403);
    // The whole link, as it is pasted without a script.
    let link = console.access.link().expose().replace(':', "%3A").replace('#', "%23");
    assert_eq!(console.post("/signin", &[], &format!("token={link}")).await.status(), 303);
}

#[tokio::test]
async fn https_has_a_cookie_for_https_alone() {
    let console =
        Console::start_with(|rules| rules.public = Origin::parse("https://a.example")).await;
    let form = form_of(&console.access.first_link());
    let answer = console.post_from(&["Origin: https://a.example"], "/signin", &form).await;
    assert!(answer.header("set-cookie").unwrap().ends_with("; SameSite=Strict; Secure"));
}

#[tokio::test]
async fn without_a_session_there_are_the_sign_in_page_and_what_is_for_everybody() {
    let console = Console::start().await;
    let answer = console.get("/", &["Accept: text/html,*/*;q=0.8"]).await;
    assert_eq!((answer.status(), answer.header("location")), (303, Some("/signin")));
    assert_eq!(answer.header("set-cookie"), None);
    for path in ["/", "/events", "/nothing", "/callback", "/callback/x", "/style.css/"] {
        let answer = console.get(path, &["Accept: */*"]).await;
        assert_eq!((answer.status(), answer.body()), (401, "told SignedOut\n"), "{path}");
    }
    // As TikTok leads back: from another site, so without a cookie.
    let cross = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    assert_eq!(console.get("/callback/?code=c&state=s", &cross).await.body(), "called back");
    let page = console.get("/signin", &cross).await;
    assert!(page.status() == 200 && page.body().contains("from_elsewhere: true"), "{}", page.0);
    assert_eq!(console.get("/style.css", &[]).await.body(), "css");
    let page = console.get("/signin", &[]).await;
    assert!(page.status() == 200 && page.body().contains("has_users: false"), "{}", page.0);
    assert_eq!(console.post("/callback/", &[], "").await.status(), 401);
    assert_eq!(console.post("/queue", &[], "a=b").await.status(), 401);
    let answer = console.post("/queue", &["Accept: text/html"], "a=b").await;
    assert_eq!((answer.status(), answer.body()), (401, "refused SignedOut"));
    assert_eq!(console.changes(), 0);
}

#[tokio::test]
async fn the_cookie_of_another_instance_is_worth_nothing() {
    let (console, other) = (Console::start().await, Console::start().await);
    let stolen = other.sign_in_by_link().await;
    assert_eq!(console.get("/", &[&stolen.cookie]).await.status(), 401);
    let value = stolen.cookie.split_once('=').unwrap().1;
    let renamed = format!("Cookie: {}={value}", console.access.sessions.cookie_name());
    assert_eq!(console.get("/", &[&renamed]).await.status(), 401);
}

#[tokio::test]
async fn a_form_of_another_page_changes_nothing() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let own = console.origin();
    let origins = [
        "X: 1",
        "Origin: null",
        "Origin: http://evil.com",
        &format!("Origin: http://127.0.0.1:{}", console.port ^ 1),
        &format!("Origin: https://127.0.0.1:{}", console.port),
        &format!("Referer: http://127.0.0.1:{}/", console.port),
        &format!("{own}\r\n{own}"),
        &format!("{own}\r\nSec-Fetch-Site: cross-site"),
        &format!("{own}\r\nSec-Fetch-Site: same-site"),
    ];
    let form = format!("a=b&csrf={csrf}");
    for origin in origins {
        let answer = console.post_from(&[origin, &cookie], "/queue", &form).await;
        assert_eq!((answer.status(), answer.body()), (403, ""), "{origin}");
        let answer = console.post_from(&[origin], "/signin", "token=x").await;
        assert_eq!((answer.status(), answer.body()), (403, ""), "{origin}");
        let answer = console.post_from(&[origin], "/signin/link", "").await;
        assert_eq!(answer.status(), 403, "{origin}");
    }
    let twice = format!("csrf={csrf}&csrf={csrf}");
    for form in ["", "a=b", "csrf=", "csrf=x", &twice] {
        let answer = console.post("/queue", &[&cookie], form).await;
        assert_eq!((answer.status(), answer.body()), (403, "refused Stale"), "{form}");
    }
    // The query is for forms with files alone.
    let path = format!("/queue?csrf={csrf}");
    assert_eq!(console.post(&path, &[&cookie], "a=b").await.status(), 403);
    assert_eq!((console.changes(), console.printed.lock().unwrap().len()), (0, 0));
    let answer = console.post("/queue", &[&cookie], &form).await;
    assert_eq!(answer.body(), format!("changed by {form}"), "and its own form does, whole");
}

#[tokio::test]
async fn a_script_of_another_page_reads_and_writes_nothing() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let (host, token) = (console.host(), format!("X-CSRF-Token: {csrf}"));
    let preflight = [
        "OPTIONS /queue HTTP/1.1",
        &host,
        "Origin: http://evil.com",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: x-csrf-token",
    ];
    let answer = console.send(&preflight, "").await;
    assert_eq!(answer.status(), 403);
    assert!(!answer.0.contains("access-control"));
    let evil = "Origin: http://evil.com";
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let first = format!("{method} /queue HTTP/1.1");
        let lines = [&first, &host, evil, &cookie, &token, "Content-Type: application/json"];
        assert_eq!(console.send(&lines, "{}").await.status(), 403, "{method}");
    }
    // Pictures and scripts of another port are sent the cookie, as that is the same site.
    for site in ["cross-site", "same-site"] {
        let site = format!("Sec-Fetch-Site: {site}");
        let answer = console.get("/", &[&cookie, &site, "Sec-Fetch-Mode: no-cors"]).await;
        assert_eq!((answer.status(), answer.body()), (403, ""));
        let answer = console.get("/", &[&cookie, &site, "Sec-Fetch-Mode: navigate"]).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(console.changes(), 0);
    let asset = console.get("/style.css", &[evil]).await;
    assert_eq!(asset.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn the_token_of_a_session_comes_as_its_form_says() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let (host, origin, token) = (console.host(), console.origin(), format!("x-csrf-token: {csrf}"));
    let post = async |path: &str, lines: &[&str], body: &str| {
        let first = format!("POST {path} HTTP/1.1");
        let lines = [&[&*first, &*host, &*origin, &*cookie], lines].concat();
        console.send(&lines, body).await.status()
    };
    let send = async |path: &str, lines: &[&str]| post(path, lines, "--x").await;
    let part = |name: &str, value: &str| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart = "Content-Type: multipart/form-data; boundary=x";
    let json = "Content-Type: application/json";
    assert_eq!(send("/queue", &[json, &token]).await, 200);
    assert_eq!(send("/queue", &[json]).await, 403);
    assert_eq!(send("/queue", &[json, "x-csrf-token: x"]).await, 403);
    assert_eq!(send(&format!("/queue?csrf={csrf}"), &[json]).await, 403);
    // No address has it, as addresses are written into logs.
    assert_eq!(send(&format!("/queue?csrf={csrf}"), &[multipart]).await, 403);
    assert_eq!(send("/queue", &[multipart, &token]).await, 200);
    assert_eq!(post("/queue", &[multipart], &(part("csrf", &csrf) + "--x--")).await, 200);
    for form in [
        part("csrf", "x") + "--x--",
        part("a", "b") + &part("csrf", &csrf) + "--x--",
        part("csrf", &csrf),
    ] {
        assert_eq!(post("/queue", &[multipart], &form).await, 403, "{form}");
    }
    assert_eq!(console.changes(), 3);
    let other = console.sign_in_by_link().await;
    let foreign = format!("csrf={}", other.csrf);
    assert_eq!(console.post("/queue", &[&cookie], &foreign).await.status(), 403);
}

#[tokio::test]
async fn a_form_has_a_length() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let form = |length: usize| {
        let start = format!("csrf={csrf}&a=");
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    assert_eq!(console.post("/queue", &[&cookie], &form(FORM)).await.status(), 200);
    let answer = console.post("/queue", &[&cookie], &form(FORM + 1)).await;
    assert_eq!((answer.status(), answer.body()), (413, "refused TooLong"));
    let long = format!("token={}", "x".repeat(8 * 1024));
    assert_eq!(console.post("/signin", &[], &long).await.status(), 400);
}

#[tokio::test]
async fn every_answer_keeps_other_pages_out() {
    let console = Console::start().await;
    let Browser { cookie, .. } = console.sign_in_by_link().await;
    let answers = [
        (200, console.get("/", &[&cookie]).await),
        (303, console.get("/", &["Accept: text/html"]).await),
        (401, console.get("/", &[]).await),
        (403, console.post("/queue", &[&cookie], "").await),
        (404, console.get("/nothing", &[&cookie]).await),
        (405, console.get("/queue", &[&cookie]).await),
        (421, console.send(&["GET / HTTP/1.1", "Host: evil.com"], "").await),
        (200, console.get("/style.css", &[]).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status(), status);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{status}");
        }
        let is_asset = answer.body() == "css";
        let kept = if is_asset { "private, max-age=3600" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(kept), "{status}");
    }
}

#[tokio::test]
async fn roles_are_held_apart() {
    let console = Console::start().await;
    let (host, origin) = (console.host(), console.origin());
    for (name, role, queue, settings) in [
        ("vi", Role::Viewer, 403, 403),
        ("ed", Role::Editor, 200, 403),
        ("ow", Role::Owner, 200, 200),
    ] {
        let Browser { cookie, csrf } = console.sign_in_as(name, role).await;
        let form = format!("csrf={csrf}");
        let answer = console.post("/queue", &[&cookie], &form).await;
        assert_eq!(answer.status(), queue, "{name}");
        let answer = console.post("/settings", &[&cookie], &form).await;
        assert_eq!(answer.status(), settings, "{name}");
        if settings == 403 {
            assert!(answer.body().starts_with("refused Role { needed: "), "{}", answer.body());
        }
        let first = ["HEAD / HTTP/1.1", &host, &origin, &cookie];
        assert_eq!(console.send(&first, "").await.status(), 200);
        let answer = console.post("/signout", &[&cookie], &form).await;
        assert_eq!(answer.status(), 303, "everybody may leave");
        assert_eq!(console.get("/", &[&cookie]).await.status(), 401);
    }
}

#[tokio::test]
async fn a_user_who_is_removed_is_out_and_who_gets_another_password_as_well() {
    let console = Console::start().await;
    let Browser { cookie, .. } = console.sign_in_as("ada", Role::Owner).await;
    assert!(console.get("/", &[&cookie]).await.body().starts_with("ada owner"));
    console.access.users().remove("ada").unwrap();
    console.access.users().add("ada", Role::Owner, &"another horse".into()).unwrap();
    assert_eq!(console.get("/", &[&cookie]).await.status(), 401);
}

#[tokio::test]
async fn passwords_are_tried_a_few_times_only() {
    let console = Console::start().await;
    console.access.users().add("ada", Role::Viewer, &PASSWORD.into()).unwrap();
    let right = format!("name=ada&password={PASSWORD}");
    for name in ["ada", "nobody"] {
        let wrong = format!("name={name}&password=wrong");
        for _ in 0..5 {
            let answer = console.post("/signin", &[], &wrong).await;
            assert_eq!(answer.status(), 403);
            assert!(answer.body().contains("WrongPassword"));
        }
        let answer = console.post("/signin", &[], &wrong).await;
        assert_eq!(answer.status(), 429);
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((200..=300).contains(&wait), "{wait}");
    }
    // Also with the right one: else it could be guessed on.
    assert_eq!(console.post("/signin", &[], &right).await.status(), 429);
    console.advance(Duration::from_mins(5));
    assert_eq!(console.post("/signin", &[], &right).await.status(), 303);
}

#[tokio::test]
async fn passwords_are_compared_two_at_a_time() {
    let console = Console::start().await;
    console.access.users().add("ada", Role::Viewer, &PASSWORD.into()).unwrap();
    let busy = console.access.at_once.acquire_many(2).await.unwrap();
    let right = format!("name=ada&password={PASSWORD}");
    let mut waits = Box::pin(console.post("/signin", &[], &right));
    // A link needs no turn.
    let link = form_of(&console.access.link());
    tokio::select! {
        biased;
        answer = &mut waits => panic!("{}", answer.0),
        _ = console.sign_in(&link) => {}
    }
    drop(busy);
    assert_eq!(waits.await.status(), 303);
}

#[tokio::test]
async fn a_console_behind_a_socket_is_asked_for_as_localhost() {
    let dir = tempfile::tempdir().unwrap();
    let listen = Listen::Unix(dir.path().join("socket"));
    let server = Server::bind(&listen, None).await.unwrap();
    let console = Console::start_with(|rules| rules.listen = listen.clone()).await;
    assert_eq!(console.access.address(), "http://localhost");
    let router = console.access.protect(router(&console.changes));
    tokio::spawn(server.serve(router, std::future::pending()));
    let Listen::Unix(path) = &listen else { panic!() };
    for (host, status) in [("localhost", 200), ("localhost:9000", 200), ("evil.com", 421)] {
        let mut stream = tokio::net::UnixStream::connect(path).await.unwrap();
        let request = format!("GET /signin HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(Answer(answer).status(), status, "{host}");
    }
}

#[tokio::test]
async fn a_good_link_is_good_however_many_bad_ones_there_were() {
    let console = Console::start().await;
    let first = console.access.first_link();
    for at in 0..30 {
        let answer = console.post("/signin", &[], "token=wrong").await;
        assert_eq!(answer.status(), if at < 5 { 403 } else { 429 });
    }
    console.sign_in(&form_of(&first)).await;
}

#[tokio::test]
async fn a_fresh_link_is_printed_and_never_shown() {
    let console = Console::start().await;
    for _ in 0..5 {
        let answer = console.post("/signin/link", &[], "").await;
        assert!(answer.status() == 200 && answer.body().contains("LinkPrinted"));
        let printed = console.printed.lock().unwrap().last().unwrap().clone();
        assert!(!answer.0.contains(token(&printed)));
    }
    assert_eq!(console.post("/signin/link", &[], "").await.status(), 429);
    let printed = console.printed.lock().unwrap().clone();
    assert_eq!(printed.len(), 5);
    console.sign_in(&format!("token={}", token(&printed[4]))).await;
}

#[tokio::test]
async fn a_session_ends() {
    let console = Console::start().await;
    let Browser { cookie, .. } = console.sign_in_by_link().await;
    console.advance(session::IDLE.saturating_sub(LONG));
    assert_eq!(console.get("/", &[&cookie]).await.status(), 200);
    console.advance(session::IDLE + LONG);
    assert_eq!(console.get("/", &[&cookie]).await.status(), 401);
    let Browser { cookie, .. } = console.sign_in_by_link().await;
    for _ in 0..11 {
        console.advance(Duration::from_hours(1));
        assert_eq!(console.get("/", &[&cookie]).await.status(), 200);
    }
    console.advance(Duration::from_hours(1));
    assert_eq!(console.get("/", &[&cookie]).await.status(), 401);
}

#[tokio::test]
async fn what_a_session_is_shown_live_ends_with_it() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let mut events = TcpStream::connect(("127.0.0.1", console.port)).await.unwrap();
    let request = format!("GET /events HTTP/1.1\r\n{}\r\n{cookie}\r\n\r\n", console.host());
    events.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(events.read_u8().await.unwrap());
    }
    let answer = console.post("/signout", &[&cookie], &format!("csrf={csrf}")).await;
    assert!(answer.header("set-cookie").unwrap().ends_with("; Max-Age=0"));
    let mut rest = [0; 5];
    timeout(LONG, events.read_exact(&mut rest)).await.unwrap().unwrap();
    assert_eq!(&rest, b"0\r\n\r\n");
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let console = Console::start().await;
    let Browser { cookie, .. } = console.sign_in_by_link().await;
    let answer = console.get("/signin", &[&cookie]).await;
    assert_eq!((answer.status(), answer.header("location")), (303, Some("/")));
    let form = form_of(&console.access.link());
    assert_eq!(console.post("/signin", &[&cookie], &form).await.status(), 303);
    assert_eq!(console.get("/", &[&cookie]).await.status(), 401);
}

#[tokio::test]
async fn what_was_done_is_in_the_audit_log_and_no_secret_is() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    console.post("/queue?caption=hidden", &[&cookie], &format!("csrf={csrf}&a=b")).await;
    console.post("/settings", &[&cookie], &format!("csrf={csrf}")).await;
    console.get("/", &[&cookie]).await;
    console.post_from(&["Origin: http://evil.com", &cookie], "/queue", "").await;
    console.post("/signin", &[], "name=ada&password=my-password").await;
    console.post("/signout", &[&cookie], &format!("csrf={csrf}")).await;
    let lines = console.audit();
    let said = |line: &serde_json::Value| {
        let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        let status = line["status"].as_u64().unwrap();
        [&text("event"), &text("who"), &text("path"), &text("reason"), &status.to_string()]
            .map(String::clone)
            .join(" ")
    };
    let said: Vec<_> = lines.iter().map(said).collect();
    assert_eq!(
        said,
        [
            "sign_in terminal link /signin - 303",
            "write terminal link /queue - 200",
            "write terminal link /settings - 200",
            "refused - /queue origin 403",
            "sign_in_failed - /signin password 403",
            "sign_out terminal link /signout - 303",
        ]
    );
    let text = serde_json::to_string(&lines).unwrap();
    let value = cookie.split_once('=').unwrap().1;
    for secret in [&*csrf, value, "hidden", "my-password", "caption"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_write_whose_visitor_leaves_is_noted_as_well() {
    let console = Console::start().await;
    let Browser { cookie, csrf } = console.sign_in_by_link().await;
    let mut stream = TcpStream::connect(("127.0.0.1", console.port)).await.unwrap();
    let request = format!(
        "POST /queue HTTP/1.1\r\n{}\r\n{}\r\n{cookie}\r\nx-csrf-token: {csrf}\r\n\
         Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        console.host(),
        console.origin()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // The handler asks for the body.
    let mut head = [0; 25];
    stream.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 100"));
    drop(stream);
    let noted = async {
        while console.audit().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, noted).await.unwrap();
    assert_eq!(console.audit()[1]["path"], "/queue");
    assert_eq!(console.changes(), 0);
}
