//! Between the executable and its database: what goes on to the server message by message, and can be cut at any of
//! them, in either direction. A message of the program's that is cut never got to the server; one of the server's
//! tells of something that it has done.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Program,
    Server,
}

/// The way to a server.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    address: String,
    server: Mutex<PathBuf>,
    program: Count,
    from_server: Count,
}

/// The messages of one side over all connections.
#[derive(Default)]
struct Count {
    /// How many there were.
    seen: AtomicU64,
    /// The number of the one at which its connection is cut; 0: none.
    cut_at: AtomicU64,
    /// How many were cut.
    cut: AtomicU64,
}

impl Count {
    /// Counts a message; whether it is where to cut.
    fn passes(&self) -> bool {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if number != self.cut_at.load(Ordering::SeqCst) {
            return true;
        }
        self.cut.fetch_add(1, Ordering::SeqCst);
        false
    }
}

impl Wire {
    /// A way to the server at a socket, from an address of this machine (`127.0.0.1`).
    pub(crate) fn to(server: PathBuf, ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::new(Inner {
            address: format!("postgres://tiktok@{ip}:{port}/postgres?sslmode=disable"),
            server: Mutex::new(server),
            program: Count::default(),
            from_server: Count::default(),
        });
        let wire = Self(Arc::clone(&inner));
        thread::spawn(move || {
            for socket in listener.incoming() {
                let inner = Arc::clone(&inner);
                // What either side leaves early is no failure here.
                thread::spawn(move || inner.serve(socket?));
            }
        });
        wire
    }

    /// The address of the database for the executable.
    pub(crate) fn url(&self) -> String {
        self.0.address.clone()
    }

    /// New connections lead to another server from now on.
    pub(crate) fn leads_to(&self, server: PathBuf) {
        *self.0.server.lock().unwrap() = server;
    }

    /// Cuts the connection of the message that comes so many after now.
    pub(crate) fn cut_in(&self, from: From, messages: u64) {
        let count = self.0.count(from);
        count.cut_at.store(count.seen.load(Ordering::SeqCst) + messages, Ordering::SeqCst);
    }

    /// Cuts nothing any more.
    pub(crate) fn cut_nothing(&self) {
        for from in [From::Program, From::Server] {
            self.0.count(from).cut_at.store(0, Ordering::SeqCst);
        }
    }

    /// How many messages have come of a side.
    pub(crate) fn seen(&self, from: From) -> u64 {
        self.0.count(from).seen.load(Ordering::SeqCst)
    }

    /// How many of them were cut.
    pub(crate) fn cut(&self, from: From) -> u64 {
        self.0.count(from).cut.load(Ordering::SeqCst)
    }
}

impl Inner {
    fn count(&self, from: From) -> &Count {
        match from {
            From::Program => &self.program,
            From::Server => &self.from_server,
        }
    }

    fn serve(self: &Arc<Self>, program: TcpStream) -> io::Result<()> {
        program.set_nodelay(true)?;
        let path = self.server.lock().unwrap().clone();
        let server = UnixStream::connect(path)?;
        let (from_program, to_program) = (program.try_clone()?, program);
        let (from_server, to_server) = (server.try_clone()?, server);
        let ends = (to_program.try_clone()?, to_server.try_clone()?);
        let inner = Arc::clone(self);
        let back = thread::spawn(move || inner.pass(From::Server, from_server, to_program));
        let ended = self.pass(From::Program, from_program, to_server);
        // Whoever ends it, it ends for both.
        _ = ends.0.shutdown(Shutdown::Both);
        _ = ends.1.shutdown(Shutdown::Both);
        _ = back.join();
        ended
    }

    /// Passes messages on until one is to be cut, or either side is gone; ends the other direction as well.
    fn pass(
        &self,
        from: From,
        reader: impl Read + End,
        mut writer: impl Write + End,
    ) -> io::Result<()> {
        let mut reader = BufReader::new(reader);
        // The first message of a program has no kind.
        let mut has_kind = from == From::Server;
        let mut pass = || -> io::Result<()> {
            loop {
                let message = message(&mut reader, has_kind)?;
                has_kind = true;
                if !self.count(from).passes() {
                    return Ok(());
                }
                writer.write_all(&message)?;
            }
        };
        let ended = pass();
        reader.get_ref().end();
        writer.end();
        ended
    }
}

/// A message as it is on the wire: its kind, its length in four bytes with those, and what it says.
fn message(reader: &mut impl Read, has_kind: bool) -> io::Result<Vec<u8>> {
    let head = if has_kind { 5 } else { 4 };
    let mut message = vec![0; head];
    reader.read_exact(&mut message)?;
    let length = u32::from_be_bytes(message[head - 4..].try_into().unwrap()) as usize;
    let rest = length.checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    message.resize(head + rest, 0);
    reader.read_exact(&mut message[head..])?;
    Ok(message)
}

/// A connection that can be ended from any side of it.
trait End {
    fn end(&self);
}

impl End for TcpStream {
    fn end(&self) {
        _ = self.shutdown(Shutdown::Both);
    }
}

impl End for UnixStream {
    fn end(&self) {
        _ = self.shutdown(Shutdown::Both);
    }
}
