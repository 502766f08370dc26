//! Between the executable and TikTok: proxies that refuse, names that nobody knows, certificates that
//! nobody trusts. The executable takes the sandbox for TikTok itself, behind a proxy that speaks TLS.
//!
//! `fixtures/tls` holds an authority, a certificate for TikTok's hosts and one for the same key that ended
//! in 2021, all made with openssl.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::world::{ADA, CHUNK, Login, Ran, World, raw_request};

const API: &str = "open.tiktokapis.com";
const UPLOAD: &str = "open-upload.tiktokapis.com";
/// What no message may repeat.
const PASSWORD: &str = "pr0xy-canary";

/// What a proxy does for a host.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It answers this status.
    Status(u16),
    /// It lets the request through, to a TikTok with a good certificate.
    Through,
    /// The same, with one that has expired.
    Expired,
}

/// What it does with a request for this host and port.
type Choice = Box<dyn Fn(&str) -> Way + Send>;

/// A proxy for HTTP and SOCKS 5.
struct Proxy {
    port: u16,
    /// The hosts that it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
    way: Arc<Mutex<Choice>>,
}

impl Proxy {
    fn start(world: &World, way: impl Fn(&str) -> Way + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::default();
        let way: Box<dyn Fn(&str) -> Way + Send> = Box::new(way);
        let proxy = Self { port, asked, way: Arc::new(Mutex::new(way)) };
        let (asked, way) = (Arc::clone(&proxy.asked), Arc::clone(&proxy.way));
        let sandbox = world.sandbox.url().to_owned();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (asked, way) = (Arc::clone(&asked), Arc::clone(&way));
                let sandbox = sandbox.clone();
                // What the other side leaves early is no failure here.
                thread::spawn(move || serve(socket?, &sandbox, &asked, &way));
            }
        });
        proxy
    }

    fn becomes(&self, way: impl Fn(&str) -> Way + Send + 'static) {
        *self.way.lock().unwrap() = Box::new(way);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://me:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// A command that takes the sandbox for TikTok itself.
    fn command(&self, world: &World, args: &[&str]) -> Command {
        let mut command = to_tiktok(world, args);
        command.env("HTTPS_PROXY", self.url("http"));
        command
    }

    fn run(&self, world: &World, args: &[&str]) -> Ran {
        Ran::of(self.command(world, args)).never_says(PASSWORD)
    }
}

fn serve(
    mut socket: TcpStream,
    sandbox: &str,
    asked: &Mutex<Vec<String>>,
    way: &Mutex<Choice>,
) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut first = [0];
    socket.read_exact(&mut first)?;
    let socks = first[0] == 5;
    let host = if socks {
        socks_host(&mut socket)?
    } else {
        let head = head(&mut socket, first.to_vec())?;
        let target = head.split_whitespace().nth(1).unwrap_or_default();
        target.split(':').next().unwrap_or_default().to_owned()
    };
    asked.lock().unwrap().push(host.clone());
    let way = way.lock().unwrap()(&host);
    match way {
        Way::Status(_) if socks => {
            // Not allowed by the rules.
            return socket.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
        Way::Status(status) => {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
            return socket.write_all(answer.as_bytes());
        }
        Way::Through | Way::Expired if socks => {
            socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        }
        Way::Through | Way::Expired => socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?,
    }
    let session = ServerConnection::new(tls(matches!(way, Way::Expired))).unwrap();
    relay(&mut StreamOwned::new(session, socket), sandbox)
}

fn bytes(socket: &mut TcpStream, count: u8) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(count)];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads what a client of SOCKS 5 asks for, its version being read.
fn socks_host(socket: &mut TcpStream) -> std::io::Result<String> {
    let count = bytes(socket, 1)?[0];
    if bytes(socket, count)?.contains(&2) {
        socket.write_all(&[5, 2])?;
        let user = bytes(socket, 2)?[1];
        bytes(socket, user)?;
        let password = bytes(socket, 1)?[0];
        bytes(socket, password)?;
        socket.write_all(&[1, 0])?;
    } else {
        socket.write_all(&[5, 0])?;
    }
    let request = bytes(socket, 5)?;
    assert_eq!(request[3], 3, "the proxy is asked by name");
    let host = bytes(socket, request[4])?;
    bytes(socket, 2)?;
    Ok(String::from_utf8(host).unwrap())
}

/// A request's head, of which the beginning was read.
fn head(socket: &mut impl Read, mut read: Vec<u8>) -> std::io::Result<String> {
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls")).join(name)
}

fn tls(expired: bool) -> Arc<ServerConfig> {
    let read = |name| std::fs::read(fixture(name)).unwrap();
    let certificate = read(if expired { "expired.der" } else { "server.der" });
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivatePkcs8KeyDer::from(read("server.key.der"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.unwrap().with_no_client_auth().with_single_cert(chain, key.into()).unwrap())
}

/// One request to the sandbox and back, as if that were TikTok.
fn relay(client: &mut (impl Read + Write), sandbox: &str) -> std::io::Result<()> {
    let asked = head(client, Vec::new())?;
    let length = asked.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    client.read_exact(&mut body)?;
    let address = sandbox.strip_prefix("http://").unwrap();
    let mut server = TcpStream::connect(address)?;
    let others = asked.trim_end().lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !["host", "connection"].contains(&name.as_str())
    });
    let lines: Vec<_> = others.collect();
    write!(server, "{}\r\nHost: {address}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))?;
    server.write_all(&body)?;
    let answered = head(&mut server, Vec::new())?;
    let mut body = String::new();
    server.read_to_string(&mut body)?;
    let body = body.replace(sandbox, &format!("https://{UPLOAD}"));
    let lines = answered.trim_end().lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !["content-length", "connection", "transfer-encoding"].contains(&name.as_str())
    });
    let lines: Vec<_> = lines.collect();
    let (lines, length) = (lines.join("\r\n"), body.len());
    write!(client, "{lines}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    client.flush()
}

/// A command to TikTok itself, which trusts the authority of `fixtures/tls`.
fn to_tiktok(world: &World, args: &[&str]) -> Command {
    let mut command = world.command(args);
    for name in ["TIKTOK_UP_API_URL", "TIKTOK_UP_AUTH_URL", "TIKTOK_UP_TIMING"] {
        command.env_remove(name);
    }
    command.env("SSL_CERT_FILE", fixture("ca.pem"));
    command
}

/// As [`World::logged_in`], with tokens that TikTok itself has issued.
fn logged_in() -> World {
    let world = World::logged_in();
    world.write_store(&world.store_text().replace(world.sandbox.url(), &format!("https://{API}")));
    world
}

/// One of each command that asks TikTok something, and can do nothing without its answer.
fn commands(manifest: &str) -> [Vec<&str>; 4] {
    [
        vec!["refresh", "--force"],
        vec!["upload", manifest],
        vec!["upload", "--dry-run", manifest],
        vec!["login", "--qr", "--timeout", "20s"],
    ]
}

#[test]
fn a_variable_that_names_no_proxy_ends_every_command_before_anything_is_sent() {
    let world = logged_in();
    let manifest = world.short();
    for (name, value) in [
        ("HTTPS_PROXY", format!("ftp://me:{PASSWORD}@proxy.example:3128")),
        ("https_proxy", format!("http://me:{PASSWORD}#@proxy.example:3128")),
        ("ALL_PROXY", format!("http://me:{PASSWORD}@:3128")),
        ("all_proxy", "http://proxy.example:port".to_owned()),
        ("HTTPS_PROXY", "http://proxy.example/proxy.pac".to_owned()),
    ] {
        let mut all = commands(&manifest).to_vec();
        all.extend([vec!["status"], vec!["logout", ADA], vec!["doctor"], vec!["login"]]);
        for args in all {
            let mut command = to_tiktok(&world, &args);
            command.env(name, &value);
            Ran::of(command).exits(2).says(name).never_says(PASSWORD).never_says("network");
        }
        // What is on this machine is never reached through a proxy.
        let mut command = world.command(&["accounts"]);
        command.env(name, &value);
        Ran::of(command).exits(0);
    }
    assert!(world.entry(ADA).is_object());
}

#[test]
fn what_a_proxy_refuses_is_no_temporary_trouble() {
    let world = logged_in();
    let manifest = world.short();
    for (status, words) in [(407, "USER:PASSWORD@127.0.0.1"), (403, "NO_PROXY"), (405, "HTTP 405")]
    {
        let proxy = Proxy::start(&world, move |_| Way::Status(status));
        let name = format!("127.0.0.1:{}", proxy.port);
        for args in commands(&manifest) {
            let ran = proxy.run(&world, &args).exits(2);
            ran.says(words).says(&name).says("HTTPS_PROXY").never_says("check the network");
        }
        assert!(proxy.asked().iter().all(|host| host == API), "{:?}", proxy.asked());
    }
    assert_eq!((world.inits(), world.refreshes()), (0, 0));
    let proxy = Proxy::start(&world, |_| Way::Status(407));
    let ran = proxy.run(&world, &["refresh", "--force", "--json"]).exits(2);
    let error = &ran.json()[0]["error"];
    assert!(error["message"].as_str().unwrap().contains("HTTP 407"), "{error}");
    assert_eq!(error["exit"], 2);
    // It is forgotten all the same, and why it was not revoked is said.
    let ran = proxy.run(&world, &["logout", &world.open_id(ADA)]).exits(0);
    ran.says("not revoked").says(&proxy.port.to_string());
}

#[test]
fn what_a_proxy_cannot_do_now_may_pass() {
    let world = logged_in();
    let proxy = Proxy::start(&world, |_| Way::Status(503));
    let ran = proxy.run(&world, &["refresh", "--force"]).exits(5);
    ran.says("HTTP 503").says("HTTPS_PROXY");
    let mut command = to_tiktok(&world, &["refresh", "--force"]);
    // Nobody listens there.
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    command.env("all_proxy", format!("http://me:{PASSWORD}@127.0.0.1:{free}"));
    let ran = Ran::of(command).exits(5).never_says(PASSWORD);
    ran.says(&format!("127.0.0.1:{free}")).says("all_proxy");
}

#[test]
fn a_proxy_whose_name_is_not_known_is_to_be_corrected() {
    let world = logged_in();
    for scheme in ["http", "https", "socks5h"] {
        let mut command = to_tiktok(&world, &["refresh", "--force"]);
        command.env("https_proxy", format!("{scheme}://me:{PASSWORD}@proxy.invalid:3128"));
        let ran = Ran::of(command).exits(2).never_says(PASSWORD);
        ran.says("proxy.invalid:3128").says("https_proxy").says("not known");
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_with_what_decides_about_it() {
    let world = logged_in();
    let manifest = world.short();
    let proxy = Proxy::start(&world, |_| Way::Through);
    let missing = world.path("missing.pem").display().to_string();
    for (file, words) in
        [("/dev/null", "SSL_CERT_FILE names `/dev/null`"), (&missing, "could not be read")]
    {
        for args in commands(&manifest) {
            let mut command = proxy.command(&world, &args);
            command.env("SSL_CERT_FILE", file);
            let ran = Ran::of(command).exits(2).says(words).says("the clock here says");
            ran.says("trusted here has issued").never_says("check the network");
        }
    }
    let mut command = proxy.command(&world, &["refresh", "--force"]);
    command.env_remove("SSL_CERT_FILE");
    Ran::of(command).exits(2).says("SSL_CERT_FILE is not set");
    proxy.becomes(|_| Way::Expired);
    let ran = proxy.run(&world, &["refresh", "--force"]).exits(2);
    ran.says("has expired").says("clock").says("holds 1 certificate");
    assert_eq!((world.inits(), world.refreshes()), (0, 0));
}

#[test]
fn through_a_proxy_that_works_a_post_is_made() {
    let world = logged_in();
    let proxy = Proxy::start(&world, |_| Way::Through);
    proxy.run(&world, &["upload", &world.short()]).exits(0);
    let asked = proxy.asked();
    assert!(asked.contains(&UPLOAD.to_owned()) && asked.contains(&API.to_owned()), "{asked:?}");
    let ran = proxy.run(&world, &["doctor"]).exits(0);
    for (check, host) in [("api", API), ("upload host", UPLOAD)] {
        let by = format!("{host} answers through 127.0.0.1:{} (HTTPS_PROXY)", proxy.port);
        let ends = format!("{check}: {by}; its certificate ends 2126-11-02 ");
        assert!(ran.stdout.contains(&ends), "{ends}: {ran:#?}");
    }
    let mut command = to_tiktok(&world, &["refresh", "--force"]);
    command.env("ALL_PROXY", proxy.url("socks5h"));
    Ran::of(command).exits(0).says("refreshed");
    assert_eq!((world.published(), world.refreshes()), (1, 1));
    proxy.becomes(|_| Way::Status(403));
    let mut command = to_tiktok(&world, &["refresh", "--force"]);
    command.env("ALL_PROXY", proxy.url("socks5h"));
    Ran::of(command).exits(2).says("ALL_PROXY").says("NO_PROXY").never_says(PASSWORD);
}

#[test]
fn a_look_finds_which_host_a_proxy_keeps_away_and_whose_certificate_has_ended() {
    let world = logged_in();
    let proxy =
        Proxy::start(&world, |host| if host == API { Way::Through } else { Way::Status(403) });
    let ran = proxy.run(&world, &["doctor"]).exits(2);
    let ran = ran.says("trouble  upload host: ").says("NO_PROXY").never_says("trouble  api");
    ran.says("may post as");
    proxy.becomes(|_| Way::Expired);
    let ran = proxy.run(&world, &["doctor"]).exits(2).says("trouble  api: ").says("has expired");
    ran.never_says("clock: ");
}

#[test]
fn a_proxy_that_keeps_the_bytes_back_leaves_the_upload_where_it_is() {
    let world = logged_in();
    world.video("long.mp4", 3 * CHUNK + 1000);
    let manifest = world.one_post(ADA, "long.mp4");
    let proxy =
        Proxy::start(&world, |host| if host == API { Way::Through } else { Way::Status(403) });
    let begun = Instant::now();
    let ran = proxy.run(&world, &["upload", "--json", &manifest]).exits(2);
    assert!(begun.elapsed() < Duration::from_secs(20), "it is not tried again and again");
    let post = ran.json().into_iter().find(|line| line["event"] == "post").unwrap();
    assert_eq!(
        (&post["state"], &post["error"]["code"]),
        (&"processing".into(), &"proxy_refuses".into())
    );
    assert_eq!(post["error"]["retryable"], false);
    assert!(post["error"]["message"].as_str().unwrap().contains(UPLOAD), "{post}");
    assert!(post["error"]["hint"].as_str().unwrap().contains("HTTPS_PROXY"), "{post}");
    assert!(proxy.asked().contains(&UPLOAD.to_owned()));
    proxy.becomes(|_| Way::Through);
    proxy.run(&world, &["upload", &manifest]).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn a_post_that_tiktok_works_on_is_not_called_stuck_for_a_while() {
    let world = logged_in();
    let proxy = Proxy::start(&world, |_| Way::Through);
    world.say_status(0, &serde_json::json!({ "status": "PROCESSING_UPLOAD" }));
    proxy.run(&world, &["upload", "--no-wait", &world.short()]).exits(5);
    world.let_go();
    proxy.becomes(|_| Way::Status(407));
    let ran = proxy.run(&world, &["status"]).exits(2);
    ran.says("HTTP 407").says(&format!("127.0.0.1:{}", proxy.port));
    proxy.becomes(|_| Way::Through);
    proxy.run(&world, &["status"]).exits(0);
}

#[test]
fn a_code_that_a_proxy_keeps_back_is_not_exchanged_and_that_is_said() {
    let world = World::new();
    let proxy = Proxy::start(&world, |_| Way::Status(407));
    let login = Login::of(proxy.command(&world, &["login", "--no-browser", "--port", "0"]));
    let (redirect, state) = (login.parameter("redirect_uri"), login.parameter("state"));
    let callback = url::Url::parse(&redirect).unwrap();
    let (port, path) = (callback.port().unwrap(), callback.path());
    raw_request(
        port,
        &format!(
            "GET {path}?code=abcdefgh&state={state}&scopes=user.info.basic HTTP/1.1\r\n\
             Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        ),
    );
    let ran = login.end().exits(2).never_says(PASSWORD);
    ran.says("HTTP 407").says("HTTPS_PROXY").never_says("good for one try");
}

#[test]
fn certificates_that_are_not_there_are_missed_aloud() {
    let world = World::logged_in();
    let missing = world.path("missing.pem");
    for args in [&["refresh"][..], &["status"], &["accounts"]] {
        let mut command = world.command(args);
        command.env("SSL_CERT_FILE", &missing);
        let ran = Ran::of(command).exits(0);
        ran.says("SSL_CERT_FILE").says(missing.to_str().unwrap()).says("could not be read");
    }
    let mut command = world.command(&["doctor"]);
    command.env("SSL_CERT_FILE", &missing);
    Ran::of(command).exits(4).says("trouble  certificates").says("could not be read");
    world.run(&["accounts"]).exits(0).never_says("SSL_CERT_FILE");
}
