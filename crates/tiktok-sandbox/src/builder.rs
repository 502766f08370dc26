//! Setting a sandbox up and starting it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use crate::accounts::{Account, App};
use crate::faults::Script;
use crate::handle::Sandbox;
use crate::options::Options;
use crate::secret::{Listener, Secret, Secrets};
use crate::state::{Core, World};
use crate::{gateway, server};

/// Bytes that a connection holds before they are read. Left to itself a system may take whole chunks
/// ahead, and a chunk that is read slowly or not at all would be sent all the same.
const RECEIVED_AHEAD: u32 = 1 << 20;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// What a sandbox will be; made by [`Sandbox::builder`]. What has no method of its own here is a field of
/// [`Options`].
#[derive(Default)]
#[must_use = "nothing serves before `start`"]
pub struct Builder {
    options: Options,
    listener: Option<Listener>,
}

impl Builder {
    /// Replaces everything but [`Builder::on_secret`].
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// See [`Options::port`].
    pub fn port(mut self, port: u16) -> Self {
        self.options.port = port;
        self
    }

    /// Registers one more app, see [`Options::apps`].
    pub fn app(mut self, app: App) -> Self {
        self.options.apps.push(app);
        self
    }

    /// Adds one more account, see [`Options::accounts`].
    pub fn account(mut self, account: Account) -> Self {
        self.options.accounts.push(account);
        self
    }

    /// See [`Options::auto_consent`].
    pub fn auto_consent(mut self, yes: bool) -> Self {
        self.options.auto_consent = yes;
        self
    }

    /// See [`Options::unaudited`].
    pub fn unaudited(mut self, yes: bool) -> Self {
        self.options.unaudited = yes;
        self
    }

    /// See [`Options::processing`].
    pub fn processing(mut self, length: Duration) -> Self {
        self.options.processing = length;
        self
    }

    /// See [`Options::download`].
    pub fn download(mut self, length: Duration) -> Self {
        self.options.download = length;
        self
    }

    /// Verifies one more domain or URL prefix, see [`Options::verified_urls`].
    pub fn verified_url(mut self, url: impl Into<String>) -> Self {
        self.options.verified_urls.push(url.into());
        self
    }

    /// Adds the rules of a script, see [`crate::faults`].
    pub fn faults(mut self, script: Script) -> Self {
        self.options.faults.faults.extend(script.faults);
        self
    }

    /// See [`Options::log`].
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.log = Some(path.into());
        self
    }

    /// Is called with every secret as soon as it exists here and before it goes anywhere: client secrets
    /// when the sandbox starts, then each code, verifier, token and the secret part of each
    /// `upload_url`. For a program that redacts what it prints.
    ///
    /// The sandbox stands still for that long: the function must not call it.
    pub fn on_secret(mut self, listener: impl Fn(&Secret) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Binds 127.0.0.1 and serves until the [`Sandbox`] is dropped or shut down.
    ///
    /// An error names the port or the log file that could not be opened.
    ///
    /// # Panics
    /// If it is called outside a tokio runtime, or in one without I/O and time.
    pub fn start(self) -> io::Result<Sandbox> {
        let asked = self.options.port;
        let about_port =
            |error: io::Error| io::Error::new(error.kind(), format!("127.0.0.1:{asked}: {error}"));
        let listener = listen(asked).map_err(about_port)?;
        let port = listener.local_addr().map_err(about_port)?.port();
        let log = self.options.log.as_deref().map(open_log).transpose()?;
        let secrets = Secrets::told_to(self.listener);
        let world = World::new(self.options, format!("http://127.0.0.1:{port}"), log, secrets);
        let core = Arc::new(Core::new(world, port));
        let serving = tokio::spawn(server::serve(listener, gateway::router(Arc::clone(&core))));
        Ok(Sandbox { core, serving })
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(RECEIVED_AHEAD)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

fn open_log(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Shows no credential.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("options", &self.options).finish_non_exhaustive()
    }
}
