//! The callback address as a browser, and an attacker, sees it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::server::HEADER_READ;
use super::{Callback, CallbackError, Grant, Page, UnexpectedRequest};
use crate::exit::Exit;
use crate::model::RedirectUri;
use crate::output::Explain as _;
use crate::secret::Secret;

const STATE: &str = "0123456789abcdef";
const LONG: Duration = Duration::from_mins(1);

type Outcome = (Result<Grant, CallbackError>, Vec<UnexpectedRequest>);

struct Login {
    port: u16,
    wait: JoinHandle<Outcome>,
}

impl Login {
    async fn start() -> Self {
        Self::start_with(LONG, HEADER_READ).await
    }

    async fn start_with(limit: Duration, header_read: Duration) -> Self {
        Self::start_at("http://127.0.0.1:*/callback/", limit, header_read).await
    }

    async fn start_at(redirect: &str, limit: Duration, header_read: Duration) -> Self {
        let redirect = RedirectUri::parse(redirect).unwrap();
        let mut callback = Callback::bind(&redirect, 0).await.unwrap();
        callback.header_read = header_read;
        let port = callback.port();
        let wait = tokio::spawn(async move {
            let mut strays = Vec::new();
            let state = Secret::new(STATE);
            let outcome = callback.wait(&state, limit, |stray| strays.push(stray)).await;
            let name = "Ada".to_owned();
            callback.close(Page::LoggedIn { name, missing: Vec::new() }).await;
            (outcome, strays)
        });
        Self { port, wait }
    }

    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(&self, target: &str) -> String {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port)).await
    }

    async fn callback(&self, code: &str) -> String {
        self.get(&format!("/callback/?code={code}&scopes=a,b&state={STATE}")).await
    }

    async fn ends(self) -> Outcome {
        tokio::time::timeout(LONG, self.wait).await.unwrap().unwrap()
    }

    /// Fetches the last page, as browsers do, and awaits the end.
    async fn ends_with_code(self, code: &str) -> Vec<UnexpectedRequest> {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
            let head = format!("GET /done HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
            // The server may be gone by now.
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        let (outcome, strays) = self.ends().await;
        assert_eq!(outcome.unwrap().code.expose(), code);
        strays
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn the_callback_is_redirected_and_its_page_served_before_the_end() {
    let login = Login::start().await;
    let answer = login.callback("c").await;
    assert_eq!(status(&answer), "303");
    assert!(answer.contains("location: /done\r\n"));
    let page = login.get("/done").await;
    assert_eq!(status(&page), "200");
    assert!(body(&page).contains("Ada</strong> is logged in"));
    let (outcome, _) = login.ends().await;
    assert_eq!(outcome.unwrap().scopes.to_string(), "a,b");
}

#[tokio::test]
async fn the_listener_is_gone_after_the_end() {
    let login = Login::start().await;
    let port = login.port;
    login.callback("c").await;
    login.get("/done").await;
    login.ends_with_code("c").await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn t01_foreign_states_are_answered_400_and_told_once() {
    let login = Login::start().await;
    for target in ["/callback/?code=x&state=wrong", "/callback/?code=x", "/callback/?%"] {
        assert_eq!(status(&login.get(target).await), "400");
    }
    login.callback("c").await;
    assert_eq!(login.ends_with_code("c").await, [UnexpectedRequest::ForeignState]);
}

#[tokio::test]
async fn t02_a_thousand_forged_errors_do_not_end_the_login() {
    let login = Login::start().await;
    for _ in 0..1000 {
        login.get("/callback/?error=access_denied").await;
    }
    login.callback("c").await;
    assert_eq!(login.ends_with_code("c").await, [UnexpectedRequest::ErrorWithoutState]);
}

#[tokio::test]
async fn t03_another_host_is_misdirected_without_detail() {
    let login = Login::start().await;
    let target = format!("/callback/?code=c&state={STATE}");
    for head in [
        "Host: evil.test".to_owned(),
        format!("Host: localhost:{}", login.port),
        "X: 1".to_owned(),
        format!("Host: 127.0.0.1:{0}\r\nHost: 127.0.0.1:{0}", login.port),
    ] {
        let foreign = target.replace(STATE, "another");
        let answer = login.send(&format!("GET {foreign} HTTP/1.1\r\n{head}\r\n\r\n")).await;
        assert_eq!(status(&answer), "421", "{head}");
        assert!(!answer.contains("127.0.0.1"));
    }
    login.callback("c").await;
    assert!(login.ends_with_code("c").await.is_empty());
}

#[tokio::test]
async fn our_callback_at_another_name_is_told_where_to_go_and_counts_there() {
    let login = Login::start().await;
    let target = format!("/callback/?code=c&state={STATE}");
    let host = format!("localhost:{}", login.port);
    for _ in 0..2 {
        let answer = login.send(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(status(&answer), "421");
        let uri = format!("http://127.0.0.1:{}/callback/", login.port);
        assert!(body(&answer).contains(&format!("waits at <code>{uri}</code>")), "{answer}");
        assert!(!answer.contains(STATE), "{answer}");
    }
    login.callback("c").await;
    assert_eq!(login.ends_with_code("c").await, [UnexpectedRequest::Elsewhere { host }]);
}

#[tokio::test]
async fn a_login_by_name_waits_at_both_addresses_of_it() {
    let login = Login::start_at("http://localhost:*", LONG, HEADER_READ).await;
    let head =
        |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", login.port);
    assert_eq!(status(&login.send(&head("/?code=x&state=other")).await), "400");
    // Where there is no IPv6, browsers do not try it either.
    if tokio::net::TcpListener::bind(("::1", 0)).await.is_ok() {
        assert!(TcpStream::connect(("::1", login.port)).await.is_ok());
    }
    assert_eq!(status(&login.send(&head(&format!("/?code=c&state={STATE}"))).await), "303");
    assert_eq!(status(&login.send(&head("/done")).await), "200");
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn the_last_page_waits_for_what_comes_of_the_login() {
    let mut callback = Callback::bind(&RedirectUri::default(), 0).await.unwrap();
    let port = callback.port();
    let state = Secret::new(STATE);
    let login = Login { port, wait: tokio::spawn(std::future::pending()) };
    let (came, answer) = tokio::join!(callback.wait(&state, LONG, |_| {}), login.callback("c"));
    assert_eq!((came.unwrap().code.expose(), status(&answer)), ("c", "303"));
    let page = tokio::spawn(async move { login.get("/done").await });
    while !callback.serving.as_ref().unwrap().shared.has_readers() {
        tokio::task::yield_now().await;
    }
    assert!(!page.is_finished(), "nothing is known yet");
    callback.close(Page::Failed { what: "the disk is full".to_owned() }).await;
    let page = page.await.unwrap();
    assert!(body(&page).contains("the disk is full"), "{page}");
}

#[tokio::test]
async fn t04_no_input_reaches_the_page() {
    let login = Login::start().await;
    let plain = login.get("/callback/?state=x").await;
    for payload in [
        "<script>alert(1)</script>",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "%00%0d%0aSet-Cookie:%20a=b",
        "%E2%80%AE",
    ] {
        let query = payload.replace(['<', '>'], "");
        for target in [
            format!("/callback/?error=x&error_description={query}&state=x"),
            format!("/callback/?code={query}&state={query}"),
            format!("/{query}"),
        ] {
            assert_eq!(body(&login.get(&target).await), body(&plain), "{target}");
        }
    }
    login.callback("c").await;
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn t04_t05_t06_every_answer_carries_the_headers() {
    let login = Login::start().await;
    let mut answers = vec![
        login.get("/favicon.ico").await,
        login.get("/callback/?state=x").await,
        login.send("POST /callback/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await,
        login.send("GET /callback/ HTTP/1.1\r\nHost: evil.test\r\n\r\n").await,
        login
            .send(&format!(
                "GET /callback/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nPurpose: prefetch\r\n\r\n",
                login.port
            ))
            .await,
        login.callback("c").await,
    ];
    answers.push(login.get("/done").await);
    let seen: Vec<_> = answers.iter().map(|answer| status(answer)).collect();
    assert_eq!(seen, ["404", "400", "405", "421", "204", "303", "200"]);
    for answer in &answers {
        for header in [
            "content-security-policy: default-src 'none'; style-src 'sha256-",
            "frame-ancestors 'none'\r\n",
            "referrer-policy: no-referrer\r\n",
            "x-content-type-options: nosniff\r\n",
            "cache-control: no-store\r\n",
            "content-type: text/html; charset=utf-8\r\n",
        ] {
            assert!(answer.contains(header), "{header} in {answer}");
        }
        assert!(!answer.contains("access-control"), "{answer}");
    }
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn t07_guesses_and_preflights_consume_nothing() {
    let login = Login::start().await;
    let target = format!("/callback/?code=stolen&state={STATE}");
    let host = format!("Host: 127.0.0.1:{}", login.port);
    for (method, extra, expected) in [
        ("HEAD", "X: 1", "405"),
        ("OPTIONS", "Access-Control-Request-Private-Network: true", "405"),
        ("POST", "Content-Length: 0", "405"),
        ("GET", "Sec-Purpose: prefetch", "204"),
        ("GET", "Origin: https://evil.test", "403"),
    ] {
        let request = format!("{method} {target} HTTP/1.1\r\n{host}\r\n{extra}\r\n\r\n");
        assert_eq!(status(&login.send(&request).await), expected, "{method} {extra}");
    }
    login.callback("real").await;
    login.ends_with_code("real").await;
}

#[tokio::test]
async fn t08_a_replay_gets_the_same_page_and_its_code_is_dropped() {
    let login = Login::start().await;
    let (one, two) = tokio::join!(login.callback("c"), login.callback("c"));
    let late = login.callback("later").await;
    let denied = login.get(&format!("/callback/?error=access_denied&state={STATE}")).await;
    for answer in [&one, &two, &late, &denied] {
        assert!(answer.contains("location: /done\r\n"), "{answer}");
    }
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn t09_an_occupied_port_is_refused() {
    let squatter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = squatter.local_addr().unwrap().port();
    let error = Callback::bind(&RedirectUri::default(), port).await.unwrap_err();
    assert!(matches!(error, CallbackError::PortInUse { .. }));
    assert_eq!(error.exit(), Exit::Temporary);
    assert!(error.hint().unwrap().contains("--port 0"));
}

#[tokio::test]
async fn t11_only_the_loopback_address_listens() {
    let callback = Callback::bind(&RedirectUri::default(), 0).await.unwrap();
    let address = callback.listeners[0].local_addr().unwrap();
    assert!(address.ip().is_loopback());
    // Every 127/8 address is the machine itself; a socket bound to all of them would answer here.
    assert!(TcpStream::connect(("127.0.0.2", callback.port())).await.is_err());
}

#[tokio::test]
async fn t12_a_hundred_idle_sockets_do_not_keep_the_browser_out() {
    let login = Login::start().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(("127.0.0.1", login.port)).await.unwrap());
    }
    let started = Instant::now();
    assert_eq!(status(&login.callback("c").await), "303");
    assert_eq!(status(&login.get("/done").await), "200");
    assert!(started.elapsed() < Duration::from_secs(4), "without waiting for the idle ones");
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn t12_a_request_over_8_kib_is_refused() {
    let login = Login::start().await;
    let answer = login.get(&format!("/callback/?code={}&state={STATE}", "c".repeat(9000))).await;
    assert!(["431", "414"].contains(&status(&answer)), "{answer}");
    login.callback("c").await;
    login.ends_with_code("c").await;
}

#[tokio::test]
async fn t12_a_client_that_sends_nothing_is_cut_off() {
    let login = Login::start_with(LONG, Duration::from_millis(50)).await;
    let mut idle = TcpStream::connect(("127.0.0.1", login.port)).await.unwrap();
    let mut nothing = Vec::new();
    let _ = idle.read_to_end(&mut nothing).await;
    // Whether hyper says 408 first does not matter; the connection ended before the login did.
    assert!(!login.wait.is_finished());
}

#[tokio::test]
async fn f02_a_refusal_with_our_state_ends_the_wait_and_shows_its_page() {
    let login = Login::start().await;
    let target = format!("/callback/?error=access_denied&error_description=no&state={STATE}");
    assert!(login.get(&target).await.contains("location: /denied\r\n"));
    assert!(body(&login.get("/denied").await).contains("not granted"));
    let error = login.ends().await.0.unwrap_err();
    assert_eq!(error.to_string(), "TikTok refused the login: access_denied (no)");
    assert_eq!(error.exit(), Exit::Login);
}

#[tokio::test]
async fn f03_the_deadline_ends_the_wait_with_the_settings_to_check() {
    let login = Login::start_with(Duration::from_millis(50), HEADER_READ).await;
    let error = login.ends().await.0.unwrap_err();
    assert_eq!(error.to_string(), "no answer came from TikTok within 50 milliseconds");
    assert_eq!(error.exit(), Exit::Temporary);
    for setting in ["redirect_uri", "client_key", "scope", "Target users"] {
        assert!(error.hint().unwrap().contains(setting));
    }
}

#[tokio::test]
async fn the_last_pages_are_not_served_before_the_end() {
    let login = Login::start().await;
    assert_eq!(status(&login.get("/done").await), "404");
    assert_eq!(status(&login.get("/denied").await), "404");
    login.callback("c").await;
    assert_eq!(status(&login.get("/denied").await), "404");
    login.ends_with_code("c").await;
}
