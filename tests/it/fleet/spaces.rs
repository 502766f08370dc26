//! Two machines in earnest: two network namespaces that share nothing but a database and TikTok, which each reaches
//! through a link of its own. As root on Linux with `ip`; elsewhere it is skipped, with a word.

use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::pair::Pair;
use super::wire::Wire;
use crate::process::Running;
use crate::stage::say;
use crate::world::{ADA, CHUNK, Ran, World};

/// A machine: a namespace with a link to the one of the tests.
struct Space {
    ip: PathBuf,
    name: String,
    link: String,
    /// The address of the tests' end of the link.
    here: String,
}

impl Space {
    /// The `nth` of this process. The error says why there can be none.
    fn new(nth: u8) -> Result<Self, String> {
        let places = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"].map(PathBuf::from);
        let ip = places.into_iter().find(|ip| ip.exists()).ok_or("there is no `ip`")?;
        let pid = std::process::id();
        let (name, link) = (format!("tiktok-up-{pid}-{nth}"), format!("tu{pid}{nth}"));
        // Of the addresses for measurements of networks, which nobody routes.
        let net = |last: u8| format!("198.18.{nth}.{last}");
        let space = Self { ip, name: name.clone(), link: link.clone(), here: net(1) };
        let (there, name, link) = (format!("{link}t"), name.as_str(), link.as_str());
        let (near, far) = (format!("{}/30", net(1)), format!("{}/30", net(2)));
        for words in [
            vec!["netns", "add", name],
            vec!["link", "add", link, "type", "veth", "peer", "name", &there],
            vec!["link", "set", &there, "netns", name],
            vec!["addr", "add", &near, "dev", link],
            vec!["link", "set", link, "up"],
            vec!["-n", name, "addr", "add", &far, "dev", &there],
            vec!["-n", name, "link", "set", &there, "up"],
            vec!["-n", name, "link", "set", "lo", "up"],
        ] {
            space.set_up(&words)?;
        }
        Ok(space)
    }

    fn set_up(&self, words: &[&str]) -> Result<(), String> {
        let ran = Command::new(&self.ip).args(words).output().map_err(|error| error.to_string())?;
        if ran.status.success() {
            return Ok(());
        }
        Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&ran.stderr).trim()))
    }

    /// Makes a port of this machine's loopback one of the namespace's, over the link.
    fn forward(&self, port: u16) {
        let near = TcpListener::bind((self.here.as_str(), 0)).unwrap();
        let over = near.local_addr().unwrap();
        thread::spawn(move || relay(&near, ([127, 0, 0, 1], port).into()));
        let space = Path::new("/run/netns").join(&self.name);
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            enter(&space);
            let far = TcpListener::bind(("127.0.0.1", port)).unwrap();
            tell.send(()).unwrap();
            relay(&far, over);
        });
        told.recv().unwrap();
    }

    /// A command of the world, on this machine.
    fn command(&self, world: &World, wire: &Wire, args: &[&str]) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name, env!("CARGO_BIN_EXE_tiktok-up")]).args(args);
        let mut command = world.dress(command);
        command.env("TIKTOK_UP_HOME", world.home().join(&self.name));
        command.env("TIKTOK_UP_DATABASE_URL", wire.url());
        command
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // The link goes with either.
        _ = self.set_up(&["link", "del", &self.link]);
        _ = self.set_up(&["netns", "del", &self.name]);
    }
}

/// Puts this thread, and those that it starts, into a namespace.
#[expect(unsafe_code, reason = "rustix does it with a feature that nothing else needs")]
fn enter(space: &Path) {
    let space = fs::File::open(space).unwrap();
    // SAFETY: the descriptor is open, and nothing is done to memory.
    let done = unsafe { libc::setns(space.as_raw_fd(), libc::CLONE_NEWNET) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// Passes connections on.
fn relay(listener: &TcpListener, to: SocketAddr) {
    for from in listener.incoming().flatten() {
        let Ok(to) = TcpStream::connect(to) else { continue };
        let ways = [(from.try_clone(), to.try_clone()), (Ok(to), Ok(from))];
        for (reader, writer) in ways {
            let (mut reader, mut writer) = (reader.unwrap(), writer.unwrap());
            thread::spawn(move || {
                _ = io::copy(&mut reader, &mut writer);
                // What one side has ended, or lost, ends for the other.
                _ = writer.shutdown(Shutdown::Both);
                _ = reader.shutdown(Shutdown::Read);
            });
        }
    }
}

/// A machine and its way to the database.
type Machine = (Space, Wire);

/// Two machines and what they share; a word if there can be none.
fn there() -> Option<(Pair, World, [Machine; 2])> {
    let spaces = [1, 2].map(Space::new);
    let spaces = match spaces {
        [Ok(first), Ok(second)] => [first, second],
        [Err(why), _] | [_, Err(why)] => {
            say(&format!("two machines in network namespaces are skipped: {why}"));
            return None;
        }
    };
    let pair = Pair::start()?;
    let world = World::new().timing("lease=1s");
    let port = url::Url::parse(world.sandbox.url()).unwrap().port().unwrap();
    let machines = spaces.map(|space| {
        space.forward(port);
        let wire = Wire::to(pair.socket(), &space.here);
        (space, wire)
    });
    let world = world.in_database(machines[0].1.url());
    world.login(ADA).exits(0);
    Some((pair, world, machines))
}

fn network_of(pid: u32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/ns/net")).unwrap()
}

#[test]
#[ignore = "it makes network namespaces, as root: `just fleet`"]
fn one_machine_finishes_the_post_in_whose_last_chunk_another_one_was_killed() {
    let Some((pair, world, [(first, first_wire), (second, second_wire)])) = there() else { return };
    let manifest = world.long();
    let chunk = CHUNK.to_string();
    let upload = ["upload", "--chunk-size", &chunk, &manifest];
    let slowly = [&["upload", "--limit-rate", "4M"], &upload[1..]].concat();
    let run = Running::of(first.command(&world, &first_wire, &slowly));
    world.wait_until("the last chunk is on its way", |world| {
        world.posts().first().is_some_and(|post| post.received > 2 * CHUNK + 500_000)
    });
    assert_ne!(network_of(run.pid()), network_of(std::process::id()));
    // The other one leaves it alone as long as it lives.
    Ran::of(second.command(&world, &second_wire, &upload)).exits(5).says("another run is posting");
    run.kill();
    let post = world.posts().remove(0);
    assert!(post.sha256.is_none(), "it was killed in the middle: {post:#?}");

    let mut ran: Vec<Ran> = Vec::new();
    while ran.last().is_none_or(|last| last.code != Some(0)) {
        assert!(ran.len() < 5, "it never ends: {ran:#?}");
        pair.wait_until(super::NO_LEASE);
        ran.push(Ran::of(second.command(&world, &second_wire, &upload)));
    }
    let posts = world.posts();
    assert_eq!((posts.len(), world.inits(), world.published()), (1, 1, 1), "{posts:#?}");
    assert_eq!(posts[0].publish_id, post.publish_id, "that very post");
    let attempts = pair.sql("SELECT phase, publish_id FROM tiktok_up.attempts");
    assert_eq!(attempts, [["published", &post.publish_id]]);
    say(&format!(
        "fleet: killed in the last chunk of {} bytes, of which {} were stored, in one network namespace, and \
         finished as that very post in another after {} runs",
        post.size,
        post.stored,
        ran.len(),
    ));
}
