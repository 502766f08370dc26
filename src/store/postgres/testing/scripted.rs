//! A server that says what a test has it say: what a real one says rarely, or in another language.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::secret::Secret;
use crate::store::postgres::Target;

/// A message of the server.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::postgres) enum Said {
    /// That a statement was done, with its command tag.
    Done(&'static str),
    /// A notice: its severity in the language of the server, and as it is called in every language.
    Notice(&'static str, &'static str),
    /// An error with that SQLSTATE.
    Refused(&'static str),
}

type Script = dyn Fn(usize, &str) -> Vec<Said> + Send + Sync;

/// The server. It takes connections as long as the process lives.
pub(in crate::store::postgres) struct Scripted {
    port: u16,
    asked: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Scripted {
    /// `script` says what is answered to a query, given the number of its connection, from 1 on.
    pub(in crate::store::postgres) fn start(
        script: impl Fn(usize, &str) -> Vec<Said> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, heard): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        let connections = AtomicUsize::new(0);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = connections.fetch_add(1, Ordering::SeqCst) + 1;
                let (script, heard) = (Arc::clone(&script), Arc::clone(&heard));
                // How a connection ends is the client's business.
                thread::spawn(move || serve(stream, number, &*script, &heard));
            }
        });
        Self { port, asked }
    }

    pub(in crate::store::postgres) fn target(&self) -> Target {
        let address = format!("postgres://ana@127.0.0.1:{}/posts?sslmode=disable", self.port);
        Target::read(&Secret::new(address), None, &|_| None).unwrap()
    }

    /// The queries so far, with the numbers of their connections.
    pub(in crate::store::postgres) fn asked(&self) -> Vec<(usize, String)> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    number: usize,
    script: &Script,
    heard: &Mutex<Vec<(usize, String)>>,
) -> io::Result<()> {
    body(&mut stream)?;
    stream.write_all(&message(b'R', &[0; 4]))?;
    stream.write_all(&message(b'Z', b"I"))?;
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        let query = body(&mut stream)?;
        if kind != *b"Q" {
            return Ok(());
        }
        let query = String::from_utf8_lossy(&query).trim_end_matches('\0').to_owned();
        heard.lock().unwrap().push((number, query.clone()));
        let mut answer = Vec::new();
        for said in script(number, &query) {
            answer.extend(match said {
                Said::Done(tag) => message(b'C', format!("{tag}\0").as_bytes()),
                Said::Notice(word, severity) => {
                    message(b'N', &fields(word, severity, "01000", "as it was told to"))
                }
                Said::Refused(code) => {
                    message(b'E', &fields("ERROR", "ERROR", code, "as it was told to"))
                }
            });
        }
        answer.extend(message(b'Z', b"I"));
        stream.write_all(&answer)?;
    }
}

/// The rest of a message, whose length comes first.
fn body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn fields(word: &str, severity: &str, code: &str, text: &str) -> Vec<u8> {
    format!("S{word}\0V{severity}\0C{code}\0M{text}\0\0").into_bytes()
}
