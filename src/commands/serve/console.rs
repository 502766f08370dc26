//! What the console has and does: drafts, logins, the queue and what posts from it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tiktok_open::Scopes;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use url::Url;

use super::answer::{Answer, Failed, ask, printed};
use super::checks::Checks;
use super::logins::{Logins, Way};
use super::posting::worker::{Posting, Workers};
use super::read::{KnownAccount, Setting};
use super::web::flash::Flashes;
use super::web::forms::LoginForm;
use super::web::streams::Streams;
use crate::cli::{DoctorArgs, GlobalArgs};
use crate::commands::{Context, accounts, config, doctor, flags, login};
use crate::console::access::Access;
use crate::console::pages::ENGLISH;
use crate::exit::Exit;
use crate::fs::{Lock, clean_all_temps};
use crate::output::{Failure, Line};
use crate::settings::{KnownApp, Settings, in_use};
use crate::text::chain;

/// How long the page of a login waits for TikTok's address.
const VISIT: Duration = Duration::from_secs(20);

/// How often old drafts are looked for.
const DAY: Duration = Duration::from_hours(24);

/// The console.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) global: GlobalArgs,
    /// Where browsers find it, without a slash at its end.
    pub(super) address: String,
    pub(super) port: Option<u16>,
    pub(super) access: Mutex<Option<Arc<Access>>>,
    pub(super) folder: PathBuf,
    pub(super) posting: Arc<Posting>,
    pub(super) logins: Logins,
    pub(super) workers: Workers,
    pub(super) flashes: Flashes,
    pub(super) streams: Streams,
    pub(super) checks: Checks,
    pub(super) composing: Composing,
}

/// The drafts that somebody is publishing, saving or discarding: one at a time each.
#[derive(Debug, Default)]
pub(super) struct Composing(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl Composing {
    /// Waits until nobody else is at a draft.
    pub(super) async fn alone(&self, id: &str) -> OwnedMutexGuard<()> {
        let draft = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, draft| Arc::strong_count(draft) > 1);
            Arc::clone(all.entry(id.to_owned()).or_default())
        };
        draft.lock_owned().await
    }
}

impl Console {
    pub(super) fn context(&self) -> Context {
        self.posting.context()
    }

    /// Runs a command for a page.
    pub(super) async fn ask<R>(&self, run: impl FnOnce(Context) -> R) -> Answer
    where
        R: Future<Output = Result<Exit, Failure>>,
    {
        ask(self.context(), run).await
    }

    /// What a command prints.
    pub(super) async fn printed<R>(&self, run: impl FnOnce(Context) -> R) -> Result<String, Failed>
    where
        R: Future<Output = Result<Exit, Failure>>,
    {
        printed(self.context(), run).await
    }

    pub(super) fn queue_folder(&self) -> PathBuf {
        self.folder.join("queue")
    }

    /// Removes what writes have left that a crash has ended.
    pub(super) fn clean(&self, held: &Lock) -> Result<(), Failure> {
        for folder in [self.folder.clone(), self.queue_folder(), self.folder.join("drafts")] {
            clean_all_temps(&folder, held)?;
        }
        Ok(())
    }

    /// What was published before a crash is no draft any more, and what failed is not tried again.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        self.posting.queue.settle()?;
        let now = self.context().settings.clock.now();
        for id in self.queued_ids()? {
            // One that is damaged keeps nobody from posting.
            if let Err(error) = self.posting.drafts.publish(&id, now) {
                self.context().printer.warn(chain(&error));
            }
        }
        Ok(())
    }

    /// Forgets old drafts, now and each day for as long as the console runs.
    pub(super) async fn sweep_drafts(&self) {
        let context = self.context();
        loop {
            let now = context.settings.clock.now();
            // As long as a list of the queue cannot be read, anything may be to be posted.
            let swept = self.posting.drafts.sweep(|| self.queued_ids(), now);
            if let Err(failure) = swept {
                context.printer.warn(chain(failure.error.as_ref()));
            }
            tokio::select! {
                _ = context.shutdown.requested() => return,
                () = tokio::time::sleep(DAY) => {}
            }
        }
    }

    pub(super) fn queued_ids(&self) -> Result<HashSet<String>, Failure> {
        let all = self.posting.queue.posts()?;
        Ok(all.iter().filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect())
    }

    /// Looks at the posts of every account that has some here.
    pub(super) fn wake_all(&self) {
        for entry in self.posting.queue.all().unwrap_or_default() {
            if let Some(open_id) = entry["user_id"].as_str() {
                self.workers.wake(open_id);
            }
        }
    }

    pub(super) fn print_link(&self) {
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(access) = access {
            let line = Line::default().text("open ").verbatim(access.link().expose());
            self.context().printer.behind().demand(line);
        }
    }

    pub(super) fn users(&self) -> Vec<(String, &'static str)> {
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let users = access.and_then(|access| access.users().list().ok()).unwrap_or_default();
        users.into_iter().map(|user| (user.name, user.role.name())).collect()
    }

    pub(super) fn app_names(&self) -> Vec<String> {
        self.context().settings.apps.in_use().filter_map(|app| app.name.clone()).collect()
    }

    /// What a login asks for unless somebody chooses.
    pub(super) fn usual_scopes(&self) -> Scopes {
        let apps = self.context().settings.apps;
        login::usual_scopes(apps.for_login().ok().and_then(KnownApp::scopes))
    }

    pub(super) fn slot_names(&self) -> Vec<String> {
        self.context().settings.slots.keys().cloned().collect()
    }

    /// Runs `doctor`, once for all who ask for it at the same time.
    pub(super) async fn check(&self) {
        let global = self.global.clone();
        let run = move |context: Context| async move {
            // It reads the environment, which only this thread looks at meanwhile.
            let runtime = tokio::runtime::Handle::current();
            let checking = tokio::task::spawn_blocking(move || {
                let env = |name: &str| std::env::var_os(name);
                let (printer, shutdown) = (&context.printer, &context.shutdown);
                runtime.block_on(doctor::run(
                    &global,
                    &DoctorArgs::default(),
                    printer,
                    shutdown,
                    &env,
                ))
            });
            checking.await.map_err(Failure::unexpected)?
        };
        self.checks.run(|| async { self.ask(run).await.all("check") }).await;
    }

    pub(super) async fn settings_in_use(&self) -> Vec<Setting> {
        let global = self.global.clone();
        let read = tokio::task::spawn_blocking(move || {
            let env = |name: &str| std::env::var_os(name);
            in_use(&flags(&global), &env)
                .map(|all| all.iter().map(config::event).collect::<Vec<_>>())
        });
        let all = read.await.ok().and_then(Result::ok).unwrap_or_default();
        all.into_iter().filter_map(|it| serde_json::from_value(it).ok()).collect()
    }

    /// The accounts.
    pub(super) async fn accounts(&self) -> Vec<KnownAccount> {
        let run = |context: Context| async move { accounts::list(&context, false).await };
        self.ask(run).await.all("account")
    }

    // Logins.

    /// Begins a login; TikTok's page, where a browser is to be led.
    pub(super) async fn log_in(&self, form: &LoginForm) -> Result<(String, Option<Url>), Failed> {
        let told = |failure: Failure| Failed::from(&failure);
        let scopes = match &form.scopes {
            Some(chosen) if chosen.is_empty() => {
                return Err(told(Failure::usage(ENGLISH.scopes_none)));
            }
            Some(chosen) => {
                let scopes = chosen.join(",").parse::<Scopes>();
                Some(scopes.map_err(|error| told(Failure::usage(error.to_string())))?)
            }
            None => None,
        };
        let mut context = self.context();
        if !form.app.is_empty() {
            let mut global = self.global.clone();
            global.app = Some(form.app.clone());
            let env = |name: &str| std::env::var_os(name);
            let settings =
                Settings::load(&flags(&global), &env).map_err(Failure::from).map_err(told)?;
            context = Context { settings, ..context };
        }
        let redirect =
            context.settings.apps.for_login().ok().and_then(|app| app.redirect_uri().cloned());
        let origin = context.settings.serve.origin.clone();
        let way = match form.way.as_str() {
            "qr" => Way::Qr,
            _ => Way::of_browser(&redirect.unwrap_or_default(), self.port, origin.as_ref()),
        };
        let name = Some(form.account.clone()).filter(|name| !name.is_empty());
        let is_qr = matches!(way, Way::Qr);
        let id = self.logins.begin(context, name, scopes, way).await.map_err(told)?;
        if is_qr {
            return Ok((id, None));
        }
        let Some(mut state) = self.logins.state(&id) else { return Ok((id, None)) };
        let ready = state.wait_for(|state| state.visit.is_some() || state.ended.is_some());
        _ = tokio::time::timeout(VISIT, ready).await;
        let now = state.borrow().clone();
        match now.ended {
            Some(Err(failed)) => Err(failed),
            _ => Ok((id, now.visit)),
        }
    }
}
