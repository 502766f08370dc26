//! Logins that are made in the console: by the browser that shows it, or by a QR code in its page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tiktok_open::Scopes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use url::Url;

use super::answer::Failed;
use crate::auth::paste::{LineError, Lines};
use crate::auth::{AuthEvent, Browser, LoggedIn, LoginMethod, Reporter};
use crate::commands::{Context, login};
use crate::model::RedirectUri;
use crate::output::Failure;
use crate::secret::Secret;

/// How long somebody may take to consent.
const LIMIT: Duration = Duration::from_mins(10);

/// How many logins may be under way at once; the oldest goes first.
const MOST: usize = 16;

/// The path of the redirect URI that the console answers itself.
pub(super) const CALLBACK: &str = "/callback/";

/// Where a login stands.
#[derive(Clone, Debug, Default)]
pub(super) struct LoginState {
    /// TikTok's page, where the browser is to be sent.
    pub(super) visit: Option<Url>,
    /// What the QR code holds.
    pub(super) code: Option<String>,
    /// Whether the code was scanned.
    pub(super) scanned: bool,
    /// Whether the code of the grant is being spent: from then on there are tokens to be lost.
    exchanging: bool,
    /// What is to be told of it.
    pub(super) notes: Vec<String>,
    /// Who logged in, or why nobody did.
    pub(super) ended: Option<Result<Arc<LoggedIn>, Failed>>,
}

/// A login under way.
#[derive(Debug)]
struct Running {
    state: watch::Receiver<LoginState>,
    /// Takes the address that TikTok led the browser to, where the console answers it.
    answers: Option<mpsc::Sender<Result<Secret, LineError>>>,
    task: JoinHandle<()>,
    number: u64,
}

/// The logins of the console.
#[derive(Debug, Default)]
pub(super) struct Logins(Mutex<(u64, HashMap<String, Running>)>);

/// How a login is to be made.
#[derive(Debug)]
pub(super) enum Way {
    /// TikTok leads the browser back to the console, which listens on this port, or where its proxy does.
    Here { port: u16 },
    /// TikTok leads the browser to a listener of the login's own.
    Listener,
    /// By a QR code.
    Qr,
}

impl Way {
    /// How a browser's login comes back, by what the app has registered.
    pub(super) fn of_browser(
        redirect: &RedirectUri,
        port: Option<u16>,
        origin: Option<&Url>,
    ) -> Self {
        let is_here = |port: u16| {
            redirect.can_be_listened_on()
                && redirect.port().is_none_or(|own| own == port)
                && is_callback(&redirect.on(port))
        };
        let by_proxy = origin.is_some_and(|origin| {
            let registered = Url::parse(&redirect.text());
            registered.is_ok_and(|it| it.origin() == origin.origin())
                && is_callback(&redirect.text())
        });
        match port {
            Some(port) if is_here(port) => Self::Here { port },
            port if by_proxy => Self::Here { port: port.unwrap_or_default() },
            _ => Self::Listener,
        }
    }
}

fn is_callback(uri: &str) -> bool {
    Url::parse(uri)
        .is_ok_and(|uri| uri.path().trim_end_matches('/') == CALLBACK.trim_end_matches('/'))
}

impl Logins {
    /// Begins a login of an account by its name, or of whoever consents. Gives what it is known by.
    pub(super) async fn begin(
        &self,
        context: Context,
        name: Option<String>,
        scopes: Option<Scopes>,
        way: Way,
    ) -> Result<String, Failure> {
        let ready = match login::ready(&context, scopes.as_ref()).await? {
            Ok(ready) => ready,
            Err(signal) => return Err(Failure::usage(format!("stopping: {signal:?}"))),
        };
        let (tell, state) = watch::channel(LoginState::default());
        let (answers, method) = match way {
            Way::Here { port } => {
                let (answers, lines) = mpsc::channel(4);
                let lines = Lines::from_channel(lines);
                (Some(answers), LoginMethod::Paste { port: Some(port), lines })
            }
            Way::Listener => (None, LoginMethod::Browser { port: None, browser: Browser::Print }),
            Way::Qr => (None, LoginMethod::Qr),
        };
        let reporter = Told(tell);
        let task = tokio::spawn(async move {
            let login = ready.login(&context, name.as_deref(), LIMIT, &reporter);
            let ended = login.run(method).await;
            reporter.0.send_modify(|state| {
                state.ended = Some(match ended {
                    Ok(done) => Ok(Arc::new(done)),
                    Err(error) => Err(Failed::from(&Failure::from(error))),
                });
            });
        });
        let id = format!("{:016x}", rand::random::<u64>());
        let (number, running) = &mut *self.running();
        *number += 1;
        if running.len() >= MOST
            && let Some(oldest) =
                running.iter().min_by_key(|(_, it)| it.number).map(|(id, _)| id.clone())
            && let Some(oldest) = running.remove(&oldest)
        {
            oldest.stop();
        }
        let login = Running { state, answers, task, number: *number };
        running.insert(id.clone(), login);
        Ok(id)
    }

    /// Where a login stands, and what tells of changes.
    pub(super) fn state(&self, id: &str) -> Option<watch::Receiver<LoginState>> {
        self.running().1.get(id).map(|login| login.state.clone())
    }

    /// Hands the address that TikTok led a browser to to the login that it answers. Gives what that is known by.
    pub(super) async fn answer(&self, address: &Url) -> Option<String> {
        let (id, answers) = {
            let running = self.running();
            let answered = running.1.iter().find(|(_, login)| {
                let visit = login.state.borrow().visit.clone();
                visit.is_some_and(|visit| {
                    state_in(&visit).is_some_and(|own| Some(own) == state_in(address))
                })
            });
            answered.map(|(id, login)| (id.clone(), login.answers.clone()))?
        };
        // One that is over takes none.
        _ = answers?.send(Ok(Secret::unlisted(address.as_str()))).await;
        Some(id)
    }

    /// Gives a login up, unless its tokens are being fetched.
    pub(super) fn cancel(&self, id: &str) {
        if let Some(login) = self.running().1.remove(id) {
            login.stop();
        }
    }

    /// Gives all of them up, and waits for those whose tokens are being fetched.
    pub(super) async fn end(&self) {
        let all = std::mem::take(&mut self.running().1);
        for login in all.into_values() {
            login.stop();
            _ = login.task.await;
        }
    }

    fn running(&self) -> MutexGuard<'_, (u64, HashMap<String, Running>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn stop(&self) {
        if !self.state.borrow().exchanging {
            self.task.abort();
        }
    }
}

/// The `state` in an address.
fn state_in(url: &Url) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned())
}

/// Keeps what a login reports.
struct Told(watch::Sender<LoginState>);

impl Reporter for Told {
    fn report(&self, event: AuthEvent) {
        self.0.send_modify(|state| match event {
            AuthEvent::Visit { url } => state.visit = Some(url),
            AuthEvent::QrCode { url } => {
                state.code = Some(url);
                state.scanned = false;
            }
            AuthEvent::QrScanned => state.scanned = true,
            AuthEvent::Exchanging => state.exchanging = true,
            AuthEvent::Waiting { .. } | AuthEvent::PasteHere { .. } => {}
            event if event.is_warning() => state.notes.push(event.to_string()),
            _ => {}
        });
    }
}
