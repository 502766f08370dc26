//! Videos in stores that somebody else has built: moto for S3, fake-gcs-server for Google Cloud Storage, Azurite for Azure.
//! Tests of those that are not installed are skipped with a word; with `TIKTOK_UP_TEST_EMULATORS=required` that is a failure.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tiktok_up::testing::Phase;

use crate::process::{Ran, Running};
use crate::stage::say;
use crate::world::{ADA, CHUNK, World, sha256};

/// Set to `required`, it makes tests fail whose store is not there, where all are known to be.
const REQUIRED_VAR: &str = "TIKTOK_UP_TEST_EMULATORS";

/// How long one may take to begin, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// Account and key of Azurite, which are the same everywhere:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// moto looks whether a request is signed, and not how.
const SIGNED: [(&str, &str); 1] = [(
    "Authorization",
    "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
)];

/// Bytes of a chunk of which the sockets do not take the half.
const BIG: u64 = 24_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Moto,
    FakeGcs,
    Azurite,
}

/// A store that runs until it is dropped.
struct Emulator {
    kind: Kind,
    child: Child,
    port: u16,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Moto => "moto_server",
            Self::FakeGcs => "fake-gcs-server",
            Self::Azurite => "azurite-blob",
        }
    }

    /// Starts it with an empty bucket `clips`; `None`, and a word about it, if it is not installed.
    fn start(self) -> Option<Emulator> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = self.program();
        let is_there = |folder: std::path::PathBuf| folder.join(program).is_file();
        if !std::env::split_paths(&path).any(is_there) {
            let must = std::env::var_os(REQUIRED_VAR).is_some_and(|it| it == "required");
            assert!(!must, "{program} is not installed");
            say(&format!("skipped: {program} is not installed"));
            return None;
        }
        // Somebody else may take the port in between.
        let found = (0..5).find_map(|_| self.start_at(free_port()));
        let emulator = found.unwrap_or_else(|| panic!("{program} does not start"));
        emulator.make_bucket();
        Some(emulator)
    }

    fn start_at(self, port: u16) -> Option<Emulator> {
        let mut command = Command::new(self.program());
        let port_text = port.to_string();
        match self {
            Self::Moto => command.args(["-H", "127.0.0.1", "-p", &port_text]),
            Self::FakeGcs => command
                .args(["-scheme", "http", "-host", "127.0.0.1", "-port"])
                .args([&port_text, "-backend", "memory", "-public-host", "127.0.0.1"]),
            Self::Azurite => command
                .args(["--blobHost", "127.0.0.1", "--inMemoryPersistence", "--disableTelemetry"])
                .args(["--silent", "--skipApiVersionCheck", "--blobPort", &port_text]),
        };
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut emulator = Emulator { kind: self, child: quiet.spawn().unwrap(), port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if emulator.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "{} does not listen", self.program());
            thread::sleep(Duration::from_millis(50));
        }
        Some(emulator)
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Emulator {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where an object is, for a manifest.
    fn address(&self, key: &str) -> String {
        match self.kind {
            Kind::Moto => format!("s3://clips/{key}"),
            Kind::FakeGcs => format!("gs://clips/{key}"),
            Kind::Azurite => format!("az://clips/{key}"),
        }
    }

    fn make_bucket(&self) {
        match self.kind {
            Kind::Moto => self.ask("PUT", "/clips", &SIGNED, b""),
            Kind::FakeGcs => {
                self.ask("POST", "/storage/v1/b?project=tests", &[], br#"{"name":"clips"}"#);
            }
            Kind::Azurite => self.ask_azure("/clips", "restype:container", b""),
        }
    }

    fn put(&self, key: &str, content: &[u8]) {
        match self.kind {
            Kind::Moto => self.ask("PUT", &format!("/clips/{key}"), &SIGNED, content),
            Kind::FakeGcs => {
                let target = format!("/upload/storage/v1/b/clips/o?uploadType=media&name={key}");
                self.ask("POST", &target, &[("Content-Type", "video/mp4")], content);
            }
            Kind::Azurite => self.ask_azure(&format!("/clips/{key}"), "", content),
        }
    }

    /// A signed request: <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>.
    fn ask_azure(&self, path: &str, parameter: &str, content: &[u8]) {
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let length = match content.len() {
            0 => String::new(),
            length => length.to_string(),
        };
        let resource = format!("/{ACCOUNT}/{ACCOUNT}{path}");
        let of_parameter = match parameter {
            "" => String::new(),
            parameter => format!("\n{parameter}"),
        };
        let signed = format!(
            "PUT\n\n\n{length}\n\n\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:{date}\nx-ms-version:2021-08-06\n\
             {resource}{of_parameter}"
        );
        let key = BASE64_STANDARD.decode(KEY).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(signed.as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        let authorization = format!("SharedKey {ACCOUNT}:{signature}");
        let query = parameter.replace(':', "=");
        let headers = [
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-date", date.as_str()),
            ("x-ms-version", "2021-08-06"),
            ("Authorization", authorization.as_str()),
        ];
        let target = format!("/{ACCOUNT}{path}{}{query}", if query.is_empty() { "" } else { "?" });
        self.ask("PUT", &target, &headers, content);
    }

    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], content: &[u8]) {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.port,
            content.len()
        );
        for (name, value) in headers {
            head.extend([*name, ": ", *value, "\r\n"]);
        }
        socket.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        socket.write_all(content).unwrap();
        let mut answer = Vec::new();
        _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 2") || answer.starts_with("HTTP/1.0 2"), "{answer}");
    }

    /// The settings of the run lead to it.
    fn upload(&self, world: &World, chunk: u64, manifest: &str) -> Command {
        let (key, url) = match self.kind {
            Kind::Moto => ("s3_endpoint", self.url()),
            Kind::FakeGcs => ("gs_endpoint", self.url()),
            Kind::Azurite => ("az_endpoint", format!("{}/{ACCOUNT}", self.url())),
        };
        let config = world.home().join("home/config.toml");
        fs::write(config, format!("[sources]\n{key} = \"{url}\"\n")).unwrap();
        let mut command = world.command(&["upload", "--chunk-size", &chunk.to_string(), manifest]);
        match self.kind {
            Kind::Moto => command
                .env("AWS_ACCESS_KEY_ID", "id")
                .env("AWS_SECRET_ACCESS_KEY", "moto-secret-canary"),
            Kind::FakeGcs => command.env("GOOGLE_SKIP_SIGNATURE", "true"),
            Kind::Azurite => command
                .env("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
                .env("AZURE_STORAGE_ACCOUNT_KEY", KEY),
        };
        command
    }
}

fn manifest(world: &World, address: &str) -> String {
    world.manifest(&json!([{ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
        "video_path": address }]))
}

#[track_caller]
fn is_posted(world: &World, name: &str) {
    let posted = world.posts();
    let posted = posted.last().unwrap();
    assert_eq!(posted.sha256.as_deref(), Some(sha256(&world.path(name)).as_str()));
    assert_eq!(world.published(), 1);
}

/// An object is posted whole and once, one that is replaced meanwhile in no part.
fn reads_objects(kind: Kind) {
    let Some(emulator) = kind.start() else { return };
    let world = World::logged_in();
    emulator.put("clip.mp4", &fs::read(world.video("clip.mp4", 3 * CHUNK + 1000)).unwrap());
    let named = manifest(&world, &emulator.address("clip.mp4"));
    let run = |named: &str| {
        Ran::of(emulator.upload(&world, CHUNK, named)).never_says("canary").never_says(KEY)
    };
    run(&named).exits(0).says(&emulator.address("clip.mp4"));
    is_posted(&world, "clip.mp4");
    run(&named).exits(0).says("already posted");
    run(&manifest(&world, &emulator.address("none.mp4"))).exits(2).says("HTTP 404");
    assert_eq!(world.inits(), 1);

    let world = World::logged_in();
    let put = |video: &str| {
        emulator.put("clip.mp4", &fs::read(world.video(video, 3 * BIG)).unwrap());
    };
    put("clip.mp4");
    let named = manifest(&world, &emulator.address("clip.mp4"));
    world.hold("upload", 2, "middle");
    let run = Running::of(emulator.upload(&world, BIG, &named));
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received >= BIG + BIG / 2)
    });
    put("other.mp4");
    world.let_go();
    run.end().exits(1).says("changed while");
    assert_eq!((world.phases(), world.published()), (vec![Phase::Abandoned], 0));
    Ran::of(emulator.upload(&world, BIG, &named)).exits(0);
    is_posted(&world, "other.mp4");
}

#[test]
fn objects_of_moto_are_read() {
    reads_objects(Kind::Moto);
}

#[test]
fn objects_of_fake_gcs_server_are_read() {
    reads_objects(Kind::FakeGcs);
}

#[test]
fn objects_of_azurite_are_read() {
    reads_objects(Kind::Azurite);
}

#[test]
fn a_key_that_a_store_does_not_take_is_told() {
    let Some(emulator) = Kind::Azurite.start() else { return };
    let world = World::logged_in();
    emulator.put("clip.mp4", &fs::read(world.video("clip.mp4", 100_000)).unwrap());
    let named = manifest(&world, &emulator.address("clip.mp4"));
    let mut command = emulator.upload(&world, CHUNK, &named);
    let other = BASE64_STANDARD.encode("canary of another key, of no use");
    command.env("AZURE_STORAGE_ACCOUNT_KEY", &other);
    Ran::of(command).exits(2).says("HTTP 403").never_says(&other);
    assert_eq!(world.inits(), 0);
}
