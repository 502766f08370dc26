//! Starting a sandbox, and the handle that a Rust program moves it with.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::accounts::{Account, AccountPatch, App};
use super::clock::SandboxClock;
use super::control::ControlError;
use super::faults::{Faults, Outcome, Script};
use super::log::{Log, LogEntry};
use super::oauth::consent::{ConsentPlan, Consents};
use super::oauth::qr::{self, QrCodes};
use super::oauth::tokens::Tokens;
use super::options::Options;
use super::posting::post::Posts;
use super::quota::Quota;
use super::state::{Core, World};
use super::view::{PostView, StateView};
use super::{gateway, server};
use crate::secret::Secret;

/// Bytes that a connection holds before they are read. Left to itself a system may take whole chunks
/// ahead, and a chunk that is read slowly or not at all would be sent all the same.
const RECEIVED_AHEAD: u32 = 1 << 20;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A sandbox that serves until it is dropped or shut down.
pub struct Sandbox {
    core: Arc<Core>,
    serving: JoinHandle<()>,
}

/// Binds 127.0.0.1 and serves on the tokio runtime that it is called in.
///
/// An error names the port or the log file that could not be opened.
pub fn start(options: Options) -> io::Result<Sandbox> {
    let asked = options.port;
    let about_port =
        |error: io::Error| io::Error::new(error.kind(), format!("127.0.0.1:{asked}: {error}"));
    let listener = listen(asked).map_err(about_port)?;
    let port = listener.local_addr().map_err(about_port)?.port();
    let core = Arc::new(Core::new(world(options, port)?, port));
    let serving = tokio::spawn(server::serve(listener, gateway::router(Arc::clone(&core))));
    Ok(Sandbox { core, serving })
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(RECEIVED_AHEAD)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

fn world(mut options: Options, port: u16) -> io::Result<World> {
    let file = match &options.log {
        None => None,
        Some(path) => {
            let opened = OpenOptions::new().create(true).append(true).open(path);
            Some(opened.map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?)
        }
    };
    let mut faults = Faults::default();
    faults.add(std::mem::take(&mut options.faults));
    let mut apps = std::mem::take(&mut options.apps);
    if apps.is_empty() {
        apps.push(App::random());
    }
    let mut accounts = std::mem::take(&mut options.accounts);
    if accounts.is_empty() {
        accounts = Account::default_three();
    }
    Ok(World {
        clock: SandboxClock::default(),
        rules: options,
        origin: format!("http://127.0.0.1:{port}"),
        apps,
        accounts,
        consents: Consents::default(),
        qr: QrCodes::default(),
        tokens: Tokens::default(),
        posts: Posts::default(),
        quota: Quota::default(),
        faults,
        log: Log::to_file(file),
    })
}

impl Sandbox {
    /// `http://127.0.0.1:PORT`: the base of the API and of the authorize page.
    pub fn url(&self) -> &str {
        &self.core.origin
    }

    /// The page for the eye.
    pub fn page(&self) -> String {
        format!("{}/_sandbox/", self.core.origin)
    }

    /// Key of the first app.
    pub fn client_key(&self) -> String {
        self.core.world().apps[0].client_key.clone()
    }

    /// Secret of the first app.
    pub fn client_secret(&self) -> Secret {
        self.core.world().apps[0].client_secret.clone()
    }

    /// Every secret that this sandbox has given or been given: client secrets, codes, verifiers,
    /// tokens and the secret parts of upload URLs. For checks that none of them is said anywhere.
    pub fn secrets(&self) -> Vec<Secret> {
        let world = self.core.world();
        let apps = world.apps.iter().map(|app| app.client_secret.clone());
        let uploads = world.posts.upload_tokens().map(Secret::new);
        apps.chain(world.tokens.secrets().iter().cloned()).chain(uploads).collect()
    }

    /// The `open_id` of an account towards the first app.
    pub fn open_id(&self, handle: &str) -> Option<String> {
        let world = self.core.world();
        world.find_account(handle).map(|account| world.accounts[account].open_id(0))
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        self.core.world().clock.advance(by);
    }

    /// Adds a fault script or one rule, see [`super::faults`].
    pub fn fault(&self, json: &Value) -> Result<(), ControlError> {
        let script = Script::parse(json)?;
        self.core.world().faults.add(script);
        Ok(())
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.core.world().faults.clear();
    }

    /// Decides the next authorize request.
    pub fn consent(&self, plan: ConsentPlan) -> Result<(), ControlError> {
        self.core.world().plan_consent(plan)
    }

    /// Changes an account.
    pub fn account(&self, handle: &str, patch: AccountPatch) -> Result<(), ControlError> {
        self.core.world().change_account(handle, patch)
    }

    /// Makes a post what it is from now on.
    pub fn set_post(&self, publish_id: &str, outcome: Outcome) -> Result<(), ControlError> {
        self.core.world().set_post(publish_id, outcome)
    }

    /// The creator removes every app.
    pub fn remove_apps(&self, handle: &str) -> Result<(), ControlError> {
        self.core.world().remove_apps(handle)
    }

    /// The phone scans the URL of a QR code; the token of the code comes back.
    pub fn scan(&self, url: &str) -> Result<String, ControlError> {
        let mut world = self.core.world();
        let now = world.now();
        Ok(qr::scan(&mut world, url, now)?)
    }

    /// The person confirms a scanned code, as an account, with every scope.
    pub fn confirm(&self, token: &str, handle: &str) -> Result<(), ControlError> {
        self.core.world().confirm_qr(token, Some(handle), None)
    }

    /// The person refuses, or the code ends.
    pub fn end_qr(&self, token: &str) -> Result<(), ControlError> {
        let mut world = self.core.world();
        let now = world.now();
        Ok(qr::end(&mut world, token, now)?)
    }

    /// The whole state.
    pub fn state(&self) -> StateView {
        self.core.world().view()
    }

    /// The posts, oldest first.
    pub fn posts(&self) -> Vec<PostView> {
        self.state().posts
    }

    /// The request log, oldest first.
    pub fn requests(&self) -> Vec<LogEntry> {
        self.core.world().log.entries().cloned().collect()
    }

    /// Stops serving and cuts every connection.
    pub async fn shutdown(mut self) {
        self.serving.abort();
        // Only the abort itself can be the error here.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Shows no credential.
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.core.origin).finish_non_exhaustive()
    }
}
