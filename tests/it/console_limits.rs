//! What visitors send and take: too much, in pieces, slowly, or nothing at all.

use std::fs;
use std::io::{Read as _, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;

use crate::console::Console;
use crate::console_client::{AT_ONCE, Visitor};
use crate::process::{Ran, Running, eventually};
use crate::world::{ADA, World};

const MIB: usize = 1 << 20;

fn spool(world: &World) -> Vec<PathBuf> {
    let folder = world.home().join("home").join("console").join("spool");
    let list = |folder: &PathBuf| -> Vec<PathBuf> {
        // One that is given up goes away meanwhile.
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    list(&folder).iter().flat_map(list).collect()
}

/// Writes the head of a request by hand, so that its body is what the test makes of it.
fn open(visitor: &Visitor<'_>, method: &str, path: &str, more: &str) -> TcpStream {
    let address = visitor.at.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (at, cookie, csrf) = (&visitor.at, &visitor.cookie, &visitor.csrf);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\norigin: {at}\r\ncookie: {cookie}\r\n\
         x-csrf-token: {csrf}\r\naccept: text/html\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// The first line of the answer.
fn status_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.contains(&b'\n') {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

/// The most memory that a process has had, in bytes.
fn memory(running: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn what_is_too_long_is_refused_at_once() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    // The script tells the size first.
    visitor.begin_upload(&account, "a.mp4", 10_000_000_000).is(422).says("larger than");
    // A piece that is longer than its file was said to be is not read to its end.
    let page = visitor.begin_upload(&account, "a.mp4", 1000).is(201).to;
    let length = "content-type: application/octet-stream\r\ncontent-length: 10000000000\r\n";
    let mut stream = open(&visitor, "PUT", &format!("{page}/file?offset=0"), length);
    stream.write_all(&[0; 4096]).unwrap();
    assert!(status_of(stream).contains("413"));
    // Nor is a form without the script: not a byte of its file is waited for.
    let form = "content-type: multipart/form-data; boundary=x\r\ncontent-length: 10000000000\r\n";
    assert!(status_of(open(&visitor, "POST", "/compose/upload", form)).contains("303"));
    visitor.get("/compose").is(200).says("larger than");
    let sizes: u64 = spool(&world).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(sizes < 10_000, "{sizes}");
    console.end();
}

#[test]
fn a_form_with_more_than_it_may_leaves_nothing() {
    let world = World::logged_in();
    let config = world.home().join("home").join("config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, "[serve]\nupload_limit = \"1MB\"\n").unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    // In chunks nobody says before how long it is.
    let form = "content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n";
    let mut stream = open(&visitor, "POST", "/compose/upload", form);
    let mut chunk = |bytes: &[u8]| {
        let sent = write!(stream, "{:x}\r\n", bytes.len());
        // It may have had enough by now.
        _ = sent.and_then(|()| stream.write_all(bytes)).and_then(|()| stream.write_all(b"\r\n"));
    };
    let account = world.open_id(ADA);
    chunk(
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"account\"\r\n\r\n{account}\r\n--x\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n"
        )
        .as_bytes(),
    );
    for _ in 0..3 {
        chunk(&vec![0; MIB]);
    }
    assert!(status_of(stream).contains("303"));
    eventually("nothing of it is kept", || spool(&world).is_empty().then_some(()));
    let page = visitor.get("/compose").is(200).says("larger than").text;
    assert!(!page.contains("/compose/web-"), "{page}");
    console.end();
}

/// A field that never ends, or a form with none that counts, is not waited for either.
#[test]
fn a_form_without_end_is_refused_with_little_memory() {
    let world = World::logged_in();
    let config = world.home().join("home").join("config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, "[serve]\nupload_limit = \"64MB\"\n").unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let before = memory(&console.running);
    let form = "content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n";
    for (name, words) in [("account", "did not arrive whole"), ("other", "larger than")] {
        let mut stream = open(&visitor, "POST", "/compose/upload", form);
        let head = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        let mut chunk = |bytes: &[u8]| {
            let sent = write!(stream, "{:x}\r\n", bytes.len());
            // It may have had enough by now.
            _ = sent
                .and_then(|()| stream.write_all(bytes))
                .and_then(|()| stream.write_all(b"\r\n"));
        };
        chunk(head.as_bytes());
        for _ in 0..80 {
            chunk(&vec![b'a'; MIB]);
        }
        let status = status_of(stream);
        eventually("it is told", || visitor.get("/compose").text.contains(words).then_some(()));
        // The answer may be lost with the connection that is given up.
        assert!(status.is_empty() || status.contains("303"), "{status}");
    }
    let grown = memory(&console.running) - before;
    assert!(grown < 32 * MIB, "{grown}");
    assert!(spool(&world).is_empty());
    console.end();
}

#[test]
fn a_large_file_is_taken_with_little_memory() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let size = 200 * MIB;
    let page = visitor.begin_upload(&world.open_id(ADA), "a.mp4", size as u64).is(201).to;
    let before = memory(&console.running);
    let length = format!("content-type: application/octet-stream\r\ncontent-length: {size}\r\n");
    let mut stream = open(&visitor, "PUT", &format!("{page}/file?offset=0"), &length);
    let piece = vec![0; MIB];
    for _ in 0..200 {
        stream.write_all(&piece).unwrap();
    }
    assert!(status_of(stream).contains("204"));
    let grown = memory(&console.running) - before;
    assert!(grown < 32 * MIB, "{grown}");
    assert_eq!(spool(&world)[0].metadata().unwrap().len(), size as u64);
    visitor.post(&format!("{page}/discard"), &[("sure", "yes")]).is(303);
    assert!(spool(&world).is_empty());
    console.end();
}

#[test]
fn a_file_whose_connection_was_cut_goes_on_where_it_stopped() {
    let world = World::logged_in();
    let video = fs::read(world.video("clip.mp4", 300_000)).unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let begun = visitor.begin_upload(&world.open_id(ADA), "clip.mp4", video.len() as u64).is(201);
    let page = begun.to;
    let there = || visitor.send(visitor.request(Method::HEAD, &format!("{page}/file"))).offset;
    let length =
        format!("content-type: application/octet-stream\r\ncontent-length: {}\r\n", video.len());
    let mut stream = open(&visitor, "PUT", &format!("{page}/file?offset=0"), &length);
    stream.write_all(&video[..100_000]).unwrap();
    eventually("the first part is there", || (there() == Some(100_000)).then_some(()));
    // A second sender does not mix its bytes in.
    visitor.piece(&page, 100_000, "mine").is(409);
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    let rest = video[100_000..].to_vec();
    eventually("the connection is given up", || {
        let answer = visitor.piece(&page, 100_000, "");
        assert!([204, 409].contains(&answer.status), "{answer:?}");
        (answer.status == 204).then_some(())
    });
    visitor.piece(&page, 100_000, rest).is(204);
    assert_eq!(there(), Some(video.len() as u64));
    assert_eq!(fs::read(&spool(&world)[0]).unwrap(), video);
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    eventually("its file is gone", || spool(&world).is_empty().then_some(()));
    console.end();
}

#[test]
fn one_session_does_not_take_all_connections() {
    let world = World::logged_in();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let streams: Vec<_> = (0..8).map(|_| open(&visitor, "GET", "/events", "")).collect();
    for stream in &streams {
        assert!(status_of(stream.try_clone().unwrap()).contains("200"));
    }
    visitor.get("/events").is(429);
    drop(streams);
    eventually("there is room again", || {
        let answer = status_of(open(&visitor, "GET", "/events", ""));
        answer.contains("200").then_some(())
    });
    console.end();
}

/// A crash in the middle of a write leaves nothing for good.
#[test]
fn what_a_crash_has_left_of_a_write_is_removed_at_the_next_start() {
    let world = World::logged_in();
    Console::start(&world, &[]).end();
    let folder = world.home().join("home/console");
    let left = ["queue", "drafts", "."].map(|name| folder.join(name).join(".a.json.tmp-0123"));
    for path in &left {
        fs::write(path, "words").unwrap();
    }
    let console = Console::start(&world, &[]);
    assert!(left.iter().all(|path| !path.exists()));
    console.end();
}

/// Whoever connects and says nothing, or takes nothing, keeps nobody out.
#[test]
fn a_thousand_idle_connections_and_slow_readers_keep_nobody_out() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 20_000_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let before = memory(&console.running);
    // They ask for all of a video, and read nothing of it.
    let slow: Vec<_> =
        (0..50).map(|_| open(&visitor, "GET", &format!("{page}/media"), "")).collect();
    visitor.get("/queue").is(200);
    let address = visitor.at.strip_prefix("http://").unwrap();
    let idle: Vec<_> = (0..1000).filter_map(|_| TcpStream::connect(address).ok()).collect();
    for _ in 0..5 {
        visitor.get("/accounts").is(200).says("Ada");
        // Somebody new, too.
        let mut other = TcpStream::connect(address).unwrap();
        write!(other, "GET /signin HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
        assert!(status_of(other).contains("200"));
    }
    let descriptors = fs::read_dir(format!("/proc/{}/fd", console.running.pid())).unwrap().count();
    assert!(descriptors < 400, "{descriptors}");
    let grown = memory(&console.running) - before;
    assert!(grown < 64 * MIB, "{grown}");
    drop((slow, idle));
    console.end();
}

#[test]
fn a_user_signs_in_by_tls_and_a_socket_is_for_one_user_alone() {
    let world = World::logged_in();
    let mut add = world.command(&["serve", "add-user", "ada", "--role", "viewer"]);
    add.env("TIKTOK_UP_PASSPHRASE", "a long password");
    Ran::of(add).exits(0);
    let tls = world.file("cert.pem", include_str!("../../src/console/server/test-cert.pem"));
    let key = world.file("key.pem", include_str!("../../src/console/server/test-key.pem"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let args = ["--tls-cert", tls.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let console = Console::start(&world, &args);
    let at = console.at("");
    assert!(at.starts_with("https://"), "{at}");
    let form = [("name", "ada"), ("password", "a long password")];
    let visitor = Visitor::sign_in(&world, &at, &form);
    visitor.get("/accounts").is(200).says("viewer");
    visitor.post("/doctor", &[]).is(403);
    console.end();

    let socket = world.path("console.sock");
    let listen = format!("unix:{}", socket.display());
    let command = world.command(&["serve", "--listen", &listen, "--no-browser"]);
    let console = Console::of(Running::of(command));
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream
        .write_all(b"GET /signin HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Sign in"), "{answer}");
    console.end();
    assert!(!socket.exists());
}

/// The power goes between the queue's file and the draft's: what is in the queue is no draft.
#[test]
fn a_draft_that_a_crash_has_left_is_not_posted_again() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let id = page.trim_start_matches("/compose/");
    let file = world.home().join("home/console/drafts").join(format!("{id}.json"));
    let draft = fs::read(&file).unwrap();
    world.hold("upload", 1, "before");
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("its init was answered", |world| world.inits() == 1);
    console.running.kill();
    fs::write(&file, draft).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.let_go();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    visitor.get(&page).is(303);
    // The button of a page that was open all the time makes nothing either.
    visitor.publish(&page, &AT_ONCE).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    eventually("the queue is empty", || {
        visitor.get("/queue").text.contains("The queue is empty").then_some(())
    });
    console.end();
    assert_eq!(world.published(), 1);
}

#[test]
fn a_full_disk_is_told_and_ends_nothing() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    let page = visitor.begin(&account, video.to_str().unwrap());
    let upload = visitor.begin_upload(&account, "a.mp4", 1000).is(201).to;
    console.running.fill_disk();
    let fields = [("source", "file"), ("account", &*account), ("path", video.to_str().unwrap())];
    visitor.post("/compose", &fields).is(422).says("failed to write");
    visitor.piece(&upload, 0, vec![0; 1000]).is(507);
    visitor.publish(&page, &AT_ONCE).is(422).says("failed to write");
    visitor.post(&page, &[("action", "save"), ("caption", "lost")]).is(303);
    visitor.get(&page).is(200).says("failed to write");
    visitor.get("/").is(200);
    console.end();
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_console_that_says_all_it_can_says_no_secret() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    // Makes the settings that the next one reads.
    Console::start(&world, &[]).end();
    let args = ["-vvvv", "serve", "--listen", "127.0.0.1:0", "--no-browser"];
    let mut command = world.command(&args);
    command.envs([("RUST_LOG", "trace"), ("TIKTOK_UP_LOG", "trace"), ("RUST_BACKTRACE", "full")]);
    let console = Console::of(Running::of(command));
    let visitor = Visitor::of(&world, &console);
    visitor.get("/doctor").is(200);
    visitor.post("/doctor", &[]).is(303);
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    let more = [&AT_ONCE[..], &[("caption", "words of a caption")]].concat();
    visitor.publish(&page, &more).is(303);
    world.wait_until("it is published", |world| world.published() == 1);
    world.refuse("video_init", 1, 1, "spam_risk_user_banned_from_posting");
    let page = visitor.begin(&world.open_id(ADA), video.to_str().unwrap());
    visitor.publish(&page, &more).is(303);
    let pages = ["/", "/queue", "/accounts", "/history", "/doctor", "/settings"];
    let mut shown: String = pages.map(|page| visitor.get(page).is(200).text).concat();
    let (cookie, csrf) = (visitor.cookie.clone(), visitor.csrf.clone());
    console.running.signal(rustix::process::Signal::TERM);
    let ran = console.running.end().exits(0);
    shown.push_str(&fs::read_to_string(world.home().join("home/console/audit.jsonl")).unwrap());
    for secret in world.secrets() {
        assert!(!shown.contains(&secret) && !ran.stderr.contains(&secret), "{secret}");
    }
    let cookie = cookie.split('=').nth(1).unwrap();
    assert!(!ran.stderr.contains(cookie) && !ran.stderr.contains(&csrf));
}

/// What nobody has touched for a month is forgotten at a start, and what waits in the queue is not.
#[test]
fn old_drafts_are_forgotten_and_what_is_to_be_posted_stays() {
    let mut world = World::logged_in();
    let video = fs::read(world.video("clip.mp4", 100_000)).unwrap();
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    let account = world.open_id(ADA);
    let begin = || {
        let page = visitor.begin_upload(&account, "clip.mp4", video.len() as u64).is(201).to;
        visitor.piece(&page, 0, video.clone()).is(204);
        page
    };
    let (left, planned) = (begin(), begin());
    let form = [
        ("privacy_level", "SELF_ONLY"),
        ("mode", "direct"),
        ("when", "at"),
        ("at", "2031-05-01T10:00"),
        ("action", "publish"),
    ];
    visitor.publish(&planned, &form).is(303);
    console.end();
    let count = |world: &World| spool(world).len();
    world.advance(SignedDuration::from_hours(29 * 24));
    let console = Console::start(&world, &[]);
    Visitor::of(&world, &console).get(&left).is(200);
    assert_eq!(count(&world), 2);
    console.end();
    world.advance(SignedDuration::from_hours(2 * 24));
    let console = Console::start(&world, &[]);
    let visitor = Visitor::of(&world, &console);
    eventually("the draft is forgotten", || (count(&world) == 1).then_some(()));
    visitor.get(&left).is(303);
    let id = planned.trim_start_matches("/compose/");
    visitor.get("/queue").is(200).says(id);
    assert!(spool(&world)[0].parent().unwrap().ends_with(id));
    console.end();
}
