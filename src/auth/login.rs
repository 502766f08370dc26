//! A login from its first check to the stored tokens, whichever way the code comes.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tiktok_open::pkce::{Verifier, nonce};
use tiktok_open::{Authorize, Client, Error as ApiError, Grant, GrantKind, QrConfirmed, Scopes};
use tokio::time::timeout;
use url::Url;

use super::browser;
use super::callback::{Callback, Page, UnexpectedRequest};
use super::error::{AuthError, app_of};
use super::event::{AuthEvent, Reporter};
use super::paste::{self, Lines};
use super::qr;
use crate::api::App;
use crate::clock::Clock;
use crate::model::RedirectUri;
use crate::model::account::{Account, Accounts, AliasError, Issuer, NameError};
use crate::problem::Coded as _;
use crate::resources::Reserve;
use crate::secret::Secret;
use crate::store::{AccountError, AccountStore, Edit, StoreError};
use crate::text::{self, chain, key_start, plain};
use crate::timing::Timing;

/// The port of the callback address unless another is asked for or configured.
pub(crate) const PORT: u16 = 3456;

/// How long a login waits to learn the display name, which it can do without.
const NAME_WAIT: Duration = Duration::from_secs(10);

/// The disk space that is proved to be there before the user is sent to TikTok, in bytes.
const ROOM: usize = 16 * 1024;

/// Descriptors that are proved to be there by then: more than a save opens at once.
const DESCRIPTORS: usize = 8;

/// Memory that is proved to be there by then, in bytes.
const MEMORY: usize = 4 << 20;

/// How the authorization code comes.
#[derive(Debug)]
pub(crate) enum LoginMethod {
    /// By a browser on this machine, to the callback address.
    Browser {
        /// The port; `None` takes the app's, or [`PORT`]; 0 any free one.
        port: Option<u16>,
        /// Who opens the page.
        browser: Browser,
    },
    /// By a browser elsewhere; the user pastes the address that it ended at.
    Paste {
        /// The port in the redirect URI, on which nothing listens.
        port: Option<u16>,
        /// What the user pastes.
        lines: Lines,
    },
    /// By a QR code that the TikTok app scans.
    Qr,
}

/// Opens an address, or does whatever stands for that.
pub(crate) type Opener = Box<dyn Fn(&Url) + Send + Sync>;

/// Who opens the consent page.
pub(crate) enum Browser {
    /// The system's browser.
    Open,
    /// The user, who is shown the address.
    Print,
    /// Somebody else, as in a demonstration.
    Custom(Opener),
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Print => "Print",
            Self::Custom(_) => "Custom",
        })
    }
}

/// A login to be made.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    /// TikTok.
    pub(crate) client: &'a Client,
    /// Where the tokens go.
    pub(crate) store: &'a dyn AccountStore,
    /// The app.
    pub(crate) app: &'a App,
    /// What to ask the user for; a known account is asked for what it has granted before as well.
    pub(crate) scopes: &'a Scopes,
    /// The account's alias or `open_id`: a known one is logged in again, and nobody else instead; a
    /// new one becomes the alias.
    pub(crate) name: Option<&'a str>,
    /// How long the user may take.
    pub(crate) limit: Duration,
    /// The clock.
    pub(crate) clock: Clock,
    /// Waiting times.
    pub(crate) timing: &'a Timing,
    /// Is told what happens.
    pub(crate) reporter: &'a dyn Reporter,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A login that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedIn {
    /// The account as it is stored.
    pub(crate) account: Account,
    /// What was asked for and not granted.
    pub(crate) missing: Scopes,
    /// Whether the account was known before.
    pub(crate) again: bool,
}

/// What is settled before the user is sent to TikTok.
struct Plan {
    /// The account that must come out of it.
    expected: Option<Account>,
    scopes: Scopes,
}

impl Login<'_> {
    /// Makes the login. Before any address is shown the store is read, the name checked and the disk
    /// probed; the code is exchanged once.
    pub(crate) async fn run(&self, way: LoginMethod) -> Result<LoggedIn, AuthError> {
        let plan = self.plan().await?;
        match way {
            LoginMethod::Browser { port, browser } => self.by_browser(&plan, port, &browser).await,
            LoginMethod::Paste { port, lines } => self.by_paste(&plan, port, lines).await,
            LoginMethod::Qr => self.by_qr(&plan).await,
        }
    }

    async fn plan(&self) -> Result<Plan, AuthError> {
        let accounts = self.store.all().await?;
        let expected = match (self.name, accounts.find(self.name)) {
            (Some(_), Ok(known)) => Some(known.clone()),
            (Some(_), Err(error @ NameError::Ambiguous { .. })) => {
                return Err(AccountError::from(error).into());
            }
            (Some(name), Err(_)) => {
                accounts.check_alias(name, "").map_err(AccountError::from)?;
                None
            }
            (None, _) => None,
        };
        self.store.probe(ROOM).await?;
        drop(Reserve::take(DESCRIPTORS, MEMORY)?);
        if let Some(known) = &expected {
            check_api(known, self.client.endpoints().api_base())?;
        }
        let scopes = match &expected {
            Some(account) => self.scopes.union(&account.scopes),
            None => self.scopes.clone(),
        };
        Ok(Plan { expected, scopes })
    }

    async fn by_browser(
        &self,
        plan: &Plan,
        port: Option<u16>,
        browser: &Browser,
    ) -> Result<LoggedIn, AuthError> {
        let redirect = self.redirect();
        if !redirect.can_be_listened_on() {
            return Err(AuthError::RedirectUri { given: plain(&redirect.text()) });
        }
        let port = port.or(redirect.port()).unwrap_or(PORT);
        // Bound before the address is shown: from here on nobody else can listen there.
        let mut callback = Callback::bind(&redirect, port).await?;
        let uri = callback.address().uri().to_owned();
        let attempt = Attempt::new(uri.clone())?;
        let url = self.show_address(plan, &attempt);
        let came = {
            let stray = |stray| {
                self.reporter.report(match stray {
                    UnexpectedRequest::ForeignState => AuthEvent::ForeignCallback,
                    UnexpectedRequest::ErrorWithoutState => AuthEvent::ForeignError,
                    UnexpectedRequest::Elsewhere { host } => {
                        AuthEvent::CallbackElsewhere { host: plain(&host), uri: uri.clone() }
                    }
                });
            };
            let mut wait = pin!(callback.wait(&attempt.state, self.limit, stray));
            tokio::select! {
                came = &mut wait => came,
                () = self.open(browser, &url) => wait.await,
            }
        };
        let outcome = match came {
            Ok(grant) => self.finish(plan, &grant.code, &attempt.kind()).await,
            Err(error) => Err(error.into()),
        };
        callback.close(last_page(&outcome)).await;
        outcome
    }

    /// The app's redirect URI.
    fn redirect(&self) -> RedirectUri {
        self.app.redirect_uri.clone().unwrap_or_default()
    }

    async fn open(&self, browser: &Browser, url: &Url) {
        match browser {
            Browser::Open => {
                let opened = browser::is_likely() && browser::open(url).await;
                self.reporter.report(if opened {
                    AuthEvent::BrowserOpened
                } else {
                    AuthEvent::BrowserFailed
                });
            }
            Browser::Custom(open) => open(url),
            Browser::Print => {}
        }
        self.reporter.report(AuthEvent::Waiting { limit: self.limit });
    }

    async fn by_paste(
        &self,
        plan: &Plan,
        port: Option<u16>,
        mut lines: Lines,
    ) -> Result<LoggedIn, AuthError> {
        let redirect = self.redirect();
        let port = port.filter(|port| *port != 0).or(redirect.port()).unwrap_or(PORT);
        let attempt = Attempt::new(redirect.on(port))?;
        self.show_address(plan, &attempt);
        self.reporter.report(AuthEvent::PasteHere { limit: self.limit });
        let grant = paste::wait(
            &mut lines,
            &attempt.redirect_uri,
            &attempt.state,
            self.limit,
            self.reporter,
        )
        .await?;
        self.finish(plan, &grant.code, &attempt.kind()).await
    }

    async fn by_qr(&self, plan: &Plan) -> Result<LoggedIn, AuthError> {
        let pause = self.timing.qr_poll;
        self.reporter.report(AuthEvent::Waiting { limit: self.limit });
        let QrConfirmed { code, redirect_uri } =
            qr::wait(self.client, self.app, &plan.scopes, self.limit, pause, self.reporter).await?;
        // What a web app has registered is refused here, and none is taken as well.
        let configured = self.app.redirect_uri.as_ref().filter(|uri| uri.is_desktop());
        let named = redirect_uri
            .filter(|uri| RedirectUri::parse(uri).is_ok_and(|redirect| redirect.is_desktop()));
        let redirect_uri = configured.and_then(RedirectUri::fixed).or(named);
        let kind = GrantKind::Qr { redirect_uri: redirect_uri.as_deref() };
        self.finish(plan, &code, &kind).await
    }

    fn show_address(&self, plan: &Plan, attempt: &Attempt) -> Url {
        let url = self.client.authorize_url(
            &self.app.credentials(),
            &Authorize {
                scopes: &plan.scopes,
                redirect_uri: &attempt.redirect_uri,
                state: &attempt.state,
                code_challenge: &attempt.verifier.challenge(),
            },
        );
        self.reporter.report(AuthEvent::Visit { url: url.clone() });
        url
    }

    /// Exchanges the code, once, and stores what comes of it.
    async fn finish(
        &self,
        plan: &Plan,
        code: &Secret,
        kind: &GrantKind<'_>,
    ) -> Result<LoggedIn, AuthError> {
        self.reporter.report(AuthEvent::Exchanging);
        let asked_at = self.clock.now();
        let mut grant = self.exchange(code, kind).await?;
        let open_id = self.open_id_of(&grant).await?;
        if grant.scopes.is_empty() {
            // The answer does not say; what was not granted, TikTok refuses by name later.
            grant.scopes = plan.scopes.clone();
        }
        if let Some(expected) = plan.expected.as_ref().filter(|one| one.open_id != open_id) {
            return Err(AuthError::OtherAccount {
                account: expected.name().to_owned(),
                expected: text::plain(&expected.open_id),
                found: open_id,
                theirs: (expected.client_key != self.app.client_key).then(|| app_of(expected)),
            });
        }
        let missing = plan.scopes.missing_from(&grant.scopes);
        let api = self.client.endpoints().api_base();
        let (client_key, app) = (self.app.client_key.as_str(), self.app.name.as_deref());
        let mut account =
            Account::new(open_id, grant, Issuer { client_key, app, api: &api }, asked_at);
        account.display_name = self.display_name(&account).await;
        let (account, again) = self.save(account).await?;
        for scope in missing.iter() {
            self.reporter.report(AuthEvent::ScopeMissing { scope: scope.to_owned() });
        }
        Ok(LoggedIn { account, missing, again })
    }

    /// A code is good for one exchange; it is tried again only if the first try never left.
    async fn exchange(&self, code: &Secret, kind: &GrantKind<'_>) -> Result<Grant, AuthError> {
        let app = self.app.credentials();
        let grant = match self.client.exchange_code(&app, code, kind).await {
            Err(error @ ApiError::NotSent { .. }) if error.is_temporary() => {
                self.client.exchange_code(&app, code, kind).await
            }
            other => other,
        };
        let key = key_start(&self.app.client_key);
        grant.map_err(|source| AuthError::Exchange { key, source: Box::new(source) })
    }

    /// Whose the tokens are: TikTok is asked again if the answer does not say.
    async fn open_id_of(&self, grant: &Grant) -> Result<String, AuthError> {
        let failed = |source| {
            let key = key_start(&self.app.client_key);
            AuthError::Exchange { key, source: Box::new(source) }
        };
        let open_id = match &grant.open_id {
            Some(open_id) => open_id.clone(),
            None => self.client.user_info(&grant.access_token).await.map_err(failed)?.open_id,
        };
        if open_id.is_empty() || !text::is_plain(&open_id) {
            return Err(failed(ApiError::NotTikTok {
                host: self.client.api_host(),
                call: "oauth/token",
                status: 200,
                what: "no open_id, or an odd one".to_owned(),
            }));
        }
        Ok(open_id)
    }

    async fn display_name(&self, account: &Account) -> Option<String> {
        if !account.scopes.has("user.info.basic") {
            return None;
        }
        let info = timeout(NAME_WAIT, self.client.user_info(&account.access_token)).await;
        let name = info.ok()?.ok()?.display_name;
        (!name.is_empty()).then_some(name)
    }

    async fn save(&self, account: Account) -> Result<(Account, bool), AuthError> {
        let (new, name) = (account.clone(), self.name.map(ToOwned::to_owned));
        let api = self.client.endpoints().api_base();
        // Told also of a login that is then not stored.
        let was_known = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&was_known);
        let decide = move |current: Option<&Account>, accounts: &Accounts| {
            tell.store(current.is_some(), Ordering::SeqCst);
            if let Some(Err(error)) = current.map(|current| check_api(current, api)) {
                return (Edit::Keep, Some(error));
            }
            let open_id = new.open_id.clone();
            match merged(new, current, name, |alias| accounts.check_alias(alias, &open_id)) {
                Ok(merged) => (Edit::Put(Box::new(merged)), None),
                Err(error) => (Edit::Keep, Some(AccountError::from(error).into())),
            }
        };
        let saved = match self.store.decide(&account.open_id, decide).await {
            Ok((_, Some(error))) => Err(error),
            Ok((saved, None)) => Ok(saved),
            Err(error) => Err(error.into()),
        };
        let known = was_known.load(Ordering::SeqCst);
        match saved {
            Ok(Some(saved)) => Ok((saved, known)),
            Ok(None) => Err(AuthError::Stopped),
            // It is there, and works.
            Err(AuthError::Store(StoreError::Account(source))) if source.is_written() => {
                let account = account.name().to_owned();
                Err(AuthError::LoginNotSynced { account, source: Box::new(source.into()) })
            }
            // What cannot be stored must not live on at TikTok. But revoking ends every login of
            // this user with this app, so not if an older one is stored.
            Err(AuthError::Store(source)) => {
                let revoked = !known
                    && self
                        .client
                        .revoke(&self.app.credentials(), &account.access_token)
                        .await
                        .is_ok();
                let account = account.name().to_owned();
                Err(AuthError::LoginNotSaved { account, revoked, source: Box::new(source) })
            }
            Err(error) => Err(error),
        }
    }
}

/// A login at another API, such as a sandbox, does not take the place of one that still works.
fn check_api(known: &Account, ours: String) -> Result<(), AuthError> {
    match known.needs_login {
        Some(_) => Ok(()),
        None => AuthError::check_api(known, ours),
    }
}

/// The new tokens with what the stored entry says besides.
fn merged(
    new: Account,
    current: Option<&Account>,
    name: Option<String>,
    check: impl FnOnce(&str) -> Result<(), AliasError>,
) -> Result<Account, AliasError> {
    let alias = match name.filter(|name| *name != new.open_id) {
        Some(name) => {
            check(&name)?;
            Some(name)
        }
        None => current.and_then(|current| current.alias.clone()),
    };
    let display_name =
        new.display_name.clone().or_else(|| current.and_then(|one| one.display_name.clone()));
    // Who logs in again has not said that the posts may go.
    let paused_since = current.and_then(|current| current.paused_since);
    let unknown = current.map(|current| current.unknown.clone()).unwrap_or_default();
    Ok(Account { alias, display_name, paused_since, unknown, ..new })
}

/// One try: what ties the answer to the question.
struct Attempt {
    redirect_uri: String,
    state: Secret,
    verifier: Verifier,
}

impl Attempt {
    fn new(redirect_uri: String) -> Result<Self, AuthError> {
        Ok(Self { redirect_uri, state: nonce()?, verifier: Verifier::generate()? })
    }

    fn kind(&self) -> GrantKind<'_> {
        GrantKind::Callback {
            redirect_uri: &self.redirect_uri,
            code_verifier: self.verifier.secret(),
        }
    }
}

/// What the browser is told in the end.
fn last_page(outcome: &Result<LoggedIn, AuthError>) -> Page {
    match outcome {
        Ok(done) => {
            let name = done.account.display_name.as_deref().unwrap_or(&done.account.open_id);
            let missing = done.missing.iter().map(|scope| {
                AuthEvent::ScopeMissing { scope: scope.to_owned() }.to_string().replace('`', "")
            });
            Page::LoggedIn { name: name.to_owned(), missing: missing.collect() }
        }
        Err(error) => Page::Failed { what: chain(error) },
    }
}

#[cfg(test)]
mod tests;
