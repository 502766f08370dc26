//! What web pages and other programs can do to a login that waits for its callback: nothing.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::person::{Callback, body, header, status};
use crate::world::{ADA, Login, Ran, World, raw_request};

/// A login that waits, and the callback that would end it.
struct Waiting {
    world: World,
    login: Login,
    callback: Callback,
}

fn waiting() -> Waiting {
    let world = World::new();
    let login = world.start_login(&[]);
    let callback = login.consented();
    Waiting { world, login, callback }
}

impl Waiting {
    fn good(&self) -> String {
        self.callback.target(&self.callback.state)
    }

    /// A request with these lines after the first.
    fn send(&self, method: &str, target: &str, lines: &[&str]) -> String {
        let first = format!("{method} {target} HTTP/1.1");
        let head = [&[first.as_str()], lines, &["\r\n"]].concat().join("\r\n");
        raw_request(self.login.port(), &head)
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.login.port())
    }

    /// The true callback comes: exactly one exchange, and the login is done.
    fn still_completes(self) -> Ran {
        assert!(self.world.calls("token_code").is_empty(), "nothing was exchanged before");
        self.callback.make();
        let ran = self.login.end().exits(0);
        assert_eq!(self.world.calls("token_code").len(), 1);
        assert!(self.world.entry(ADA).is_object());
        ran
    }
}

#[test]
fn t01_no_other_state_ends_or_hijacks_a_login() {
    let waiting = waiting();
    let (code, state) = ("stolen", waiting.callback.state.clone());
    for query in [
        format!("code={code}"),
        format!("code={code}&state="),
        format!("code={code}&state=x{state}"),
        format!("code={code}&state={}", &state[1..]),
        format!("code={code}&state={}", &state[..state.len() - 1]),
        format!("code={code}&state={state}{state}"),
        format!("code={code}&state={state}&state={state}"),
        format!("code={code}&state={}", state.to_uppercase()),
        format!("code={code}&code={code}&state={state}"),
    ] {
        let answer = waiting.login.get(&format!("/callback/?{query}"));
        assert_eq!(status(&answer), "400", "{query}");
    }
    waiting.still_completes();
}

#[test]
fn t02_a_thousand_forged_errors_do_not_end_a_login() {
    let waiting = waiting();
    for _ in 0..1000 {
        assert_eq!(status(&waiting.login.get("/callback/?error=access_denied")), "400");
    }
    let ran = waiting.still_completes();
    assert_eq!(ran.stderr.matches("reported an error").count(), 1, "told once");
}

#[test]
fn t03_a_rebound_name_is_misdirected() {
    let waiting = waiting();
    let (good, host) = (waiting.good(), waiting.host());
    let port = waiting.login.port();
    for lines in [
        vec!["Host: evil.test".to_owned()],
        vec![format!("Host: evil.test:{port}")],
        vec![format!("Host: localhost:{port}")],
        vec!["Host: 127.0.0.1".to_owned()],
        vec![format!("Host: 127.0.0.1.evil.test:{port}")],
        vec![],
        vec![host.clone(), host.clone()],
        vec![host.clone(), "Host: evil.test".to_owned()],
    ] {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(status(&waiting.send("GET", &good, &lines)), "421", "{lines:?}");
    }
    waiting.still_completes();
}

#[test]
fn t04_whatever_is_sent_the_page_is_the_same() {
    let waiting = waiting();
    let plain = waiting.login.get("/callback/?error=x");
    for payload in [
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "javascript:alert(1)",
        "%7B%7B7*7%7D%7D",
        "%0d%0aSet-Cookie:%20a%3Db",
        "%E2%80%AE",
        "%00",
    ] {
        for query in [
            format!("error={payload}&error_description={payload}"),
            format!("code={payload}&state={payload}&scopes={payload}"),
        ] {
            let answer = waiting.login.get(&format!("/callback/?{query}"));
            assert_eq!(body(&answer), body(&plain), "{query}");
            assert_eq!(header(&answer, "set-cookie"), None);
        }
    }
    waiting.still_completes();
}

#[test]
fn t04_t05_t06_every_answer_forbids_scripts_frames_referrers_and_caches() {
    let waiting = waiting();
    let mut answers = vec![
        waiting.login.get("/"),
        waiting.login.get("/callback/?error=x"),
        waiting.send("POST", "/callback/", &[&waiting.host(), "Content-Length: 0"]),
        waiting.send("GET", "/callback/", &["Host: evil.test"]),
    ];
    let login = &waiting.login;
    answers.push(login.get(&waiting.good()));
    answers.push(login.get("/done"));
    assert_eq!(header(&answers[4], "location").unwrap(), "/done", "the code leaves the address");
    for answer in &answers {
        let policy = header(answer, "content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("form-action 'none'; frame-ancestors 'none'"), "{policy}");
        assert_eq!(header(answer, "referrer-policy").unwrap(), "no-referrer");
        assert_eq!(header(answer, "x-content-type-options").unwrap(), "nosniff");
        assert_eq!(header(answer, "cache-control").unwrap(), "no-store");
        assert!(!body(answer).contains("http"), "no page leads anywhere");
    }
    waiting.login.end().exits(0);
}

#[test]
fn t07_prefetches_and_preflights_consume_nothing() {
    let waiting = waiting();
    let (good, host) = (waiting.good(), waiting.host());
    for (method, line, expected) in [
        ("HEAD", "Accept: */*", "405"),
        ("OPTIONS", "Access-Control-Request-Private-Network: true", "405"),
        ("POST", "Content-Length: 0", "405"),
        ("PUT", "Content-Length: 0", "405"),
        ("GET", "Sec-Purpose: prefetch;prerender", "204"),
        ("GET", "Purpose: prefetch", "204"),
        ("GET", "X-Moz: prefetch", "204"),
        ("GET", "Origin: https://evil.test", "403"),
        ("GET", "Origin: null", "403"),
    ] {
        let answer = waiting.send(method, &good, &[&host, line]);
        assert_eq!(status(&answer), expected, "{method} {line}");
        assert_eq!(header(&answer, "access-control-allow-origin"), None);
    }
    assert_eq!(status(&waiting.login.get("/favicon.ico")), "404");
    waiting.still_completes();
}

#[test]
fn t08_replays_are_one_exchange() {
    let waiting = waiting();
    let callback = waiting.callback.clone();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // Those that come after the end find nobody, which is as good.
            scope.spawn(|| raw_get(callback.port, &callback.target(&callback.state)));
        }
    });
    raw_get(callback.port, "/done");
    waiting.login.end().exits(0);
    assert_eq!(waiting.world.calls("token_code").len(), 1);
}

/// A GET that may find nobody.
fn raw_get(port: u16, target: &str) {
    if let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) {
        let head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        let mut answer = String::new();
        let _ = socket.write_all(head.as_bytes());
        let _ = socket.read_to_string(&mut answer);
    }
}

#[test]
fn t11_nobody_on_the_network_reaches_the_listener() {
    let waiting = waiting();
    let port = waiting.login.port();
    // Connecting a datagram socket sends nothing; it only tells this machine's own address.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let address = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    if let Ok(address) = address {
        assert!(TcpStream::connect((address.ip(), port)).is_err(), "{address}");
    }
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
    assert!(TcpStream::connect(("::1", port)).is_err());
    waiting.still_completes();
}

#[test]
fn t12_a_hundred_idle_sockets_do_not_keep_the_person_out() {
    let waiting = waiting();
    let port = waiting.login.port();
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let started = Instant::now();
    waiting.still_completes();
    assert!(started.elapsed() < Duration::from_secs(4), "not by waiting for them");
    drop(idle);
}

#[test]
fn a_request_that_is_too_long_is_refused() {
    let waiting = waiting();
    let long = format!("/callback/?code={}&state={}", "c".repeat(9000), waiting.callback.state);
    let answer = waiting.login.get(&long);
    assert!(["414", "431"].contains(&status(&answer)), "{answer}");
    waiting.still_completes();
}

#[test]
fn t05_what_is_no_request_at_all_is_answered_with_the_same_page_and_headers() {
    let waiting = waiting();
    let port = waiting.login.port();
    let like = waiting.send("GET", "/callback/?state=x", &[&waiting.host()]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(9000));
    for odd in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n", &long] {
        let answer = raw_request(port, odd);
        assert!(status(&answer).starts_with('4'), "{odd:?}: {answer}");
        for name in [
            "content-security-policy",
            "referrer-policy",
            "x-content-type-options",
            "cache-control",
            "content-type",
        ] {
            assert_eq!(header(&answer, name), header(&like, name), "{name} for {odd:?}");
        }
        assert_eq!(body(&answer), body(&like));
    }
    waiting.still_completes();
}
