//! A link between two network namespaces with a rate, a delay and a loss: the kernels of both ends speak real
//! TCP, and this process carries their packets from one TUN device to the other. For kernels without netem,
//! and the same on each.

#![allow(unsafe_code, reason = "std makes no TUN devices")]

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Of the packets on the way; as on most links.
const MTU: usize = 1500;

/// The server's name at the client's end: one that TikTok's uploads go to, as the program takes no other.
pub(crate) const HOST: &str = "upload.tiktokapis.com";

/// What a link does to what is sent over it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Bits a second, each way.
    pub(crate) rate: u64,
    /// From one end to the other and back.
    pub(crate) round_trip: Duration,
    /// Of a thousand packets from the client, so many are lost.
    pub(crate) loss: u32,
    /// How the client's kernel decides how much it sends: `cubic`, `bbr`.
    pub(crate) congestion: &'static str,
}

/// A network namespace, which is gone when this is dropped.
pub(crate) struct Namespace(String);

impl Namespace {
    fn new(end: &str) -> anyhow::Result<Self> {
        let name = format!("bench-{end}-{}", std::process::id());
        ip(["netns", "add", &name])?;
        let namespace = Self(name);
        ip(["-n", &namespace.0, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// What stands before the command line of whatever runs in it.
    pub(crate) fn prefix(&self) -> [OsString; 4] {
        ["ip", "netns", "exec", &self.0].map(OsString::from)
    }
}

impl Namespace {
    /// Where `ip netns exec` looks for files that stand in for those of /etc.
    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.0)
    }

    /// Makes a name known in it.
    fn host(&self, name: &str, address: Ipv4Addr) -> io::Result<()> {
        fs::create_dir_all(self.etc())?;
        fs::write(self.etc().join("hosts"), format!("127.0.0.1 localhost\n{address} {name}\n"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(self.etc());
        _ = ip(["netns", "delete", &self.0]);
    }
}

/// A link that carries packets until this is dropped.
pub(crate) struct Carried {
    pub(crate) client: Namespace,
    pub(crate) server: Namespace,
    pub(crate) address: Ipv4Addr,
    over: Arc<AtomicBool>,
}

impl Carried {
    pub(crate) fn start(link: Link) -> anyhow::Result<Self> {
        let (client, server) = (Namespace::new("client")?, Namespace::new("server")?);
        let (here, there) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2));
        let near = device(&client, here, there)?;
        let (_, far) = device(&server, there, here)?;
        // By the route, as not every root may set it for the namespace.
        let route = format!("{there}/32");
        let (near_name, near) = near;
        ip([
            "-n",
            &client.0,
            "route",
            "replace",
            &route,
            "dev",
            &near_name,
            "congctl",
            link.congestion,
        ])?;
        client.host(HOST, there)?;
        let over = Arc::new(AtomicBool::new(false));
        carry(near.try_clone()?, far.try_clone()?, link, link.loss, &over);
        carry(far, near, link, 0, &over);
        Ok(Self { client, server, address: there, over })
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        // The threads hear it with the next packet, which the end of the devices keeps from coming.
        self.over.store(true, Ordering::Relaxed);
    }
}

fn ip<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let output = Command::new("ip").args(args).stdin(Stdio::null()).output().context("ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "ip: {}", said.trim());
    Ok(())
}

/// A TUN device in a namespace: its name, and where its packets are read and written.
fn device(namespace: &Namespace, own: Ipv4Addr, peer: Ipv4Addr) -> anyhow::Result<(String, File)> {
    let tun = File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: all zeros are a valid request: no name, so that the kernel chooses one, and no flags.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_TUN | libc::IFF_NO_PI)?;
    // SAFETY: the request lives as long as the call, which writes the name into it.
    if unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } != 0 {
        return Err(io::Error::last_os_error()).context("a TUN device, which takes root");
    }
    let name: Vec<u8> =
        request.ifr_name.iter().map(|&c| c.cast_unsigned()).take_while(|&c| c != 0).collect();
    let name = String::from_utf8(name)?;
    ip(["link", "set", "dev", &name, "netns", &namespace.0])?;
    let (own, peer, mtu) = (own.to_string(), peer.to_string(), MTU.to_string());
    ip(["-n", &namespace.0, "addr", "add", &own, "peer", &peer, "dev", &name])?;
    ip(["-n", &namespace.0, "link", "set", "dev", &name, "mtu", &mtu, "up"])?;
    Ok((name, tun))
}

/// Packets on the way, each with the moment at which it arrives.
#[derive(Default)]
struct Way {
    packets: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    more: Condvar,
}

/// Carries what comes out of one device into the other one.
fn carry(mut from: File, mut to: File, link: Link, loss: u32, over: &Arc<AtomicBool>) {
    let way = Arc::new(Way::default());
    let (sent, ended) = (Arc::clone(&way), Arc::clone(over));
    thread::spawn(move || {
        let delay = link.round_trip / 2;
        // What a router keeps while it waits for the link: as much as is on its way in a round trip.
        let most = link.round_trip.max(Duration::from_millis(10));
        let mut free_at = Instant::now();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut packet = [0_u8; MTU];
        while let Ok(length) = from.read(&mut packet) {
            if ended.load(Ordering::Relaxed) {
                break;
            }
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let now = Instant::now();
            free_at = free_at.max(now);
            let is_full = free_at - now > most;
            if is_full || state % 1000 < u64::from(loss) {
                continue;
            }
            free_at += Duration::from_nanos(length as u64 * 8 * 1_000_000_000 / link.rate);
            let mut packets = sent.packets.lock().unwrap_or_else(PoisonError::into_inner);
            packets.push_back((free_at + delay, packet[..length].to_vec()));
            if packets.len() == 1 {
                sent.more.notify_one();
            }
        }
    });
    let ended = Arc::clone(over);
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            let mut packets = way.packets.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(&(at, _)) = packets.front() else {
                let wait = Duration::from_millis(100);
                drop(way.more.wait_timeout(packets, wait).unwrap_or_else(PoisonError::into_inner));
                continue;
            };
            let now = Instant::now();
            if at > now {
                drop(packets);
                thread::sleep(at - now);
                continue;
            }
            let due: Vec<_> =
                std::iter::from_fn(|| packets.pop_front_if(|(at, _)| *at <= now)).collect();
            drop(packets);
            for (_, packet) in due {
                // What a device that is going down does not take is lost like others.
                _ = to.write(&packet);
            }
        }
    });
}
