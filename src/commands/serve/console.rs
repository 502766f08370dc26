//! What the console has and does: drafts, logins, the queue and what posts from it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tiktok_open::{CreatorInfo, Scopes};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use url::Url;

use super::answer::{Answer, Failed, ask, printed};
use super::folders;
use super::logins::{Logins, Way};
use super::posting::compose::{self, Terms, Wrong};
use super::posting::draft::{Draft, DraftSource, Form};
use super::posting::queue;
use super::posting::spool::{self, Part, SpoolError};
use super::posting::worker::{Held, Posting, Workers};
use super::read::{Check, KnownAccount, Setting, StatusPost};
use super::web::flash::{Flash, Flashes};
use super::web::forms::{LoginForm, MoveForm, SourceForm, source_of};
use crate::cli::{DoctorArgs, GlobalArgs, RunArgs, StatusArgs};
use crate::clock;
use crate::commands::upload::{self, PostList, TextList};
use crate::commands::{Context, accounts, config, doctor, flags, login, status};
use crate::console::access::Access;
use crate::console::pages::ENGLISH;
use crate::exit::Exit;
use crate::model::Mode;
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
    /// What `doctor` found when it was asked last.
    pub(super) found: Mutex<Vec<Check>>,
    pub(super) composing: Composing,
}

/// The drafts that somebody is publishing, saving or discarding: one at a time each.
#[derive(Debug, Default)]
pub(super) struct Composing(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl Composing {
    /// Waits until nobody else is at a draft.
    async fn alone(&self, id: &str) -> OwnedMutexGuard<()> {
        let draft = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, draft| Arc::strong_count(draft) > 1);
            Arc::clone(all.entry(id.to_owned()).or_default())
        };
        draft.lock_owned().await
    }
}

/// What was measured of a video.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) duration: Option<Duration>,
    pub(super) size: Option<(u32, u32)>,
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

    /// What was published before a crash is no draft any more.
    pub(super) fn settle_drafts(&self) -> Result<(), Failure> {
        for id in self.queued_ids()? {
            self.posting.drafts.forget(&id)?;
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

    fn queued_ids(&self) -> Result<HashSet<String>, Failure> {
        let (all, held) = (self.posting.queue.all()?, self.posting.queue.held()?);
        let all = all.iter().chain(held.iter().map(|post| &post.entry));
        Ok(all.filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect())
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

    pub(super) fn findings(&self) -> Vec<Check> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `doctor`.
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
        let found = self.ask(run).await.all("check");
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
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

    // Composing.

    /// Begins a post; what is wrong with its source in words.
    pub(super) fn begin(&self, form: &SourceForm) -> Result<Draft, String> {
        let serve = self.context().settings.serve;
        let mut source = source_of(form).ok_or(ENGLISH.source_missing)?;
        match &mut source {
            DraftSource::File { path } => {
                *path =
                    folders::resolve_video(path, &serve.folders).map_err(|error| chain(&error))?;
            }
            DraftSource::Upload { size, .. } if *size > serve.upload_limit => {
                return Err(ENGLISH.upload_too_long.to_owned());
            }
            _ => {}
        }
        let now = self.context().settings.clock.now();
        self.posting.drafts.begin(form.account.clone(), source, now).map_err(|error| chain(&error))
    }

    /// Takes all of a file that a form sends; its size is known once it is there.
    pub(super) async fn take_whole(
        &self,
        draft: Draft,
        part: &mut Part<'_>,
    ) -> Result<Draft, SpoolError> {
        let size = spool::take_part(&self.posting.drafts, &draft, part).await?;
        let mut draft = draft;
        if let DraftSource::Upload { size: known, .. } = &mut draft.source {
            *known = size;
        }
        self.posting.drafts.keep(&draft).map_err(std::io::Error::other)?;
        Ok(draft)
    }

    /// The file of a draft, if it is all there and may be shown.
    pub(super) fn playable(&self, draft: &Draft) -> Option<PathBuf> {
        let path = self.posting.drafts.file(draft)?;
        match &draft.source {
            // It may have been replaced by a link.
            DraftSource::File { path } => {
                folders::resolve_video(path, &self.context().settings.serve.folders).ok()
            }
            DraftSource::Upload { size, .. } if self.posting.drafts.received(draft) == *size => {
                Some(path)
            }
            _ => None,
        }
    }

    /// What TikTok says now of the creator, if the login is for posts; and the account.
    pub(super) async fn creator(
        &self,
        open_id: &str,
    ) -> (Result<Option<CreatorInfo>, Failed>, Option<KnownAccount>) {
        let context = self.context();
        let run = |context: Context| async move { accounts::list(&context, false).await };
        let known: Vec<KnownAccount> = self.ask(run).await.all("account");
        let known = known.into_iter().find(|account| account.open_id == open_id);
        let asked = async {
            let account = accounts::with_token(&context, Some(open_id)).await?;
            if !account.scopes.has(Mode::Direct.scope()) {
                return Ok(None);
            }
            let creator = context.client.creator_info(&account.access_token).await?;
            Ok::<_, Failure>(Some(creator))
        };
        (asked.await.map_err(|failure| Failed::from(&failure)), known)
    }

    /// What can be measured of a draft's file. `None`: it has none here.
    pub(super) async fn measure(&self, draft: &Draft) -> Option<Result<Measured, String>> {
        let path = self.posting.drafts.file(draft)?;
        let measuring = tokio::task::spawn_blocking(move || {
            let file = File::open(&path).map_err(|error| error.to_string())?;
            let bytes = file.metadata().map_err(|error| error.to_string())?.len();
            let probe = video_probe::probe(&file, bytes).map_err(|error| chain(&error))?;
            let size = probe.width.zip(probe.height);
            Ok(Measured { bytes, duration: probe.duration, size })
        });
        Some(measuring.await.unwrap_or_else(|error| Err(error.to_string())))
    }

    /// Discards a draft with the file that a browser has sent for it; `Err`: why not, in words. What was published is
    /// in the queue, or a post, and stays.
    pub(super) async fn discard(&self, id: &str) -> Result<(), String> {
        let _alone = self.composing.alone(id).await;
        let drafts = &self.posting.drafts;
        let queued = self.queued_ids().map_err(|failure| chain(failure.error.as_ref()))?;
        if queued.contains(id) {
            return Err(ENGLISH.draft_published.to_owned());
        }
        if drafts.find(id).map_err(|error| chain(&error))?.is_none() {
            return Err(ENGLISH.draft_gone.to_owned());
        }
        drafts.forget(id).and_then(|()| drafts.drop_file(id)).map_err(|error| chain(&error))
    }

    /// Keeps what was filled in; `Err`: why not, in words.
    pub(super) async fn save(&self, id: &str, form: Form) -> Result<(), String> {
        let _alone = self.composing.alone(id).await;
        let draft = self.posting.drafts.find(id).map_err(|error| chain(&error))?;
        let draft = draft.ok_or_else(|| ENGLISH.draft_gone.to_owned())?;
        self.posting.drafts.keep(&Draft { form, ..draft }).map_err(|error| chain(&error))
    }

    /// Whether what is no draft any more was published: it is in the queue, or in the journal.
    async fn is_published(&self, id: &str) -> bool {
        if self.queued_ids().is_ok_and(|queued| queued.contains(id)) {
            return true;
        }
        let args = StatusArgs { all: true, ..StatusArgs::default() };
        let known = self.ask(|context| async move { status::look(&context, &args).await }).await;
        let posts: Vec<StatusPost> = known.all("status");
        posts.iter().any(|post| post.id.as_deref() == Some(id))
    }

    /// Puts a post into the queue once everything that can be checked was checked; else all that is wrong. Nobody saves
    /// or discards the draft meanwhile.
    pub(super) async fn publish(&self, id: &str, form: Form) -> Result<(), Vec<Wrong>> {
        let _alone = self.composing.alone(id).await;
        let whole = |message: String| vec![Wrong { field: "", message }];
        let draft = self.posting.drafts.find(id).map_err(|error| whole(chain(&error)))?;
        let Some(draft) = draft else {
            // Pressed twice: the first time has put it into the queue.
            let is_published = self.is_published(id).await;
            return if is_published { Ok(()) } else { Err(whole(ENGLISH.draft_gone.to_owned())) };
        };
        let draft = Draft { form, ..draft };
        self.posting.drafts.keep(&draft).map_err(|error| whole(chain(&error)))?;
        let (creator, _) = self.creator(&draft.account).await;
        let creator = match creator {
            Ok(creator) => creator,
            Err(_) if draft.form.is_draft() => None,
            Err(failed) => return Err(whole(failed.message)),
        };
        let file = match &draft.source {
            DraftSource::File { .. } | DraftSource::Upload { .. } => self.playable(&draft),
            _ => None,
        };
        let measured = self.measure(&draft).await.and_then(Result::ok);
        let context = self.context();
        let terms = Terms {
            creator: creator.as_ref(),
            duration: measured.and_then(|measured| measured.duration),
            slots: &self.slot_names(),
            zone: clock::zone(),
            now: context.settings.clock.now(),
        };
        let entry = compose::entry(&draft, file.as_deref(), &terms)?;
        // The same checks as on the command line, before anything is promised.
        let list = TextList {
            path: self.posting.queue.manifest(&draft.account),
            text: queue::text_of(std::slice::from_ref(&entry)),
        };
        let list = PostList::Text(Arc::new(list));
        let args = RunArgs { dry_run: true, ..RunArgs::default() };
        let run = |context: Context| async move { upload::run(&context, &list, &args).await };
        let checked = self.ask(run).await;
        let refusals = checked.of("post").filter(|post| post["state"] == "failed");
        let refusals =
            refusals.filter_map(|post| post["error"]["message"].as_str().map(str::to_owned));
        let refusals: Vec<_> =
            checked.failed.iter().map(|failed| failed.message.clone()).chain(refusals).collect();
        if !refusals.is_empty() {
            return Err(refusals.into_iter().flat_map(whole).collect());
        }
        self.posting.queue.add(&draft.account, entry).map_err(|error| whole(chain(&error)))?;
        // From here on it is posted, whatever becomes of the console.
        _ = self.posting.drafts.forget(&draft.id);
        self.workers.wake(&draft.account);
        Ok(())
    }

    // The queue.

    /// The account that a post of the queue is for.
    pub(super) fn account_of(&self, id: &str) -> Option<String> {
        let all = self.posting.queue.all().ok()?;
        let entry = all.into_iter().find(|entry| entry["id"] == id)?;
        entry["user_id"].as_str().map(str::to_owned)
    }

    /// Whether something of a post was sent to TikTok, or may have been. What cannot be looked up may have been.
    pub(super) async fn is_begun(&self, id: &str) -> bool {
        let run =
            |context: Context| async move { status::look(&context, &StatusArgs::default()).await };
        let known = self.ask(run).await;
        let posts: Vec<StatusPost> = known.all("status");
        let post = posts.into_iter().find(|post| post.id.as_deref() == Some(id));
        let is_sent = |post: StatusPost| {
            post.state == "unresolved" || (post.publish_id.is_some() && !post.is_final)
        };
        known.failed.is_some() || post.is_some_and(is_sent)
    }

    /// Changes a post of the queue that has not begun, while nothing of its account is posted.
    pub(super) async fn change_post(
        &self,
        id: &str,
        done: &str,
        change: impl FnOnce(&mut Vec<queue::QueueEntry>),
    ) -> Flash {
        let Some(account) = self.account_of(id) else {
            return Flash::bad(ENGLISH.not_found);
        };
        let _held = self.workers.hold(&account).await;
        // What was made until it could be held has left the queue.
        if self.account_of(id).is_none() || self.is_begun(id).await {
            return Flash::bad(ENGLISH.begun_already);
        }
        match self.posting.queue.change(&account, change) {
            Ok(()) => Flash::good(done),
            Err(error) => Flash::bad(chain(&error)),
        }
    }

    /// The number of a post in the journal that has failed, by its `id`.
    pub(super) async fn failed_number(&self, id: &str) -> Option<u32> {
        let args = StatusArgs { all: true, ..StatusArgs::default() };
        let known = self.ask(|context| async move { status::look(&context, &args).await }).await;
        let posts: Vec<StatusPost> = known.all("status");
        let post = posts.into_iter().find(|post| post.id.as_deref() == Some(id))?;
        post.post.filter(|_| post.state == "failed")
    }

    /// Keeps the account of a post that failed from being posted for, if there is such a post.
    pub(super) async fn hold_account_of(&self, id: &str) -> Option<Held> {
        let held = self.posting.queue.held().ok()?;
        let post = held.into_iter().find(|post| post.id() == id)?;
        Some(self.workers.hold(post.entry["user_id"].as_str()?).await)
    }

    /// Lets a post that failed be posted with the others again.
    pub(super) fn release(&self, id: &str) -> Flash {
        match self.posting.queue.release(id) {
            Ok(Some(account)) => {
                self.workers.wake(&account);
                Flash::good(ENGLISH.tried_again)
            }
            Ok(None) => Flash::bad(ENGLISH.not_found),
            Err(error) => Flash::bad(chain(&error)),
        }
    }

    pub(super) async fn take_out(&self, id: &str) -> Flash {
        match self.posting.queue.let_go(id) {
            // A crash may have left it in the queue as well, where it would be posted.
            Ok(true)
                if self
                    .posting
                    .queue
                    .all()
                    .is_ok_and(|all| all.iter().all(|entry| entry["id"] != id)) =>
            {
                self.posting.live.forget(id);
                _ = self.posting.drafts.drop_file(id);
                return Flash::good(ENGLISH.taken_out);
            }
            Ok(_) => {}
            Err(error) => return Flash::bad(chain(&error)),
        }
        let remove =
            |entries: &mut Vec<queue::QueueEntry>| entries.retain(|entry| entry["id"] != id);
        let told = self.change_post(id, ENGLISH.taken_out, remove).await;
        if told.good {
            self.posting.live.forget(id);
            _ = self.posting.drafts.drop_file(id);
        }
        told
    }

    pub(super) async fn move_post(&self, id: &str, form: &MoveForm) -> Flash {
        let form = Form { when: form.when.clone(), at: form.at.clone(), ..Form::default() };
        let context = self.context();
        let now = context.settings.clock.now();
        let time = match compose::time(&form, &[], clock::zone(), now) {
            Ok(time) => time,
            Err(wrong) => return Flash::bad(wrong.message),
        };
        let set = |entries: &mut Vec<queue::QueueEntry>| {
            for entry in entries.iter_mut().filter(|entry| entry["id"] == id) {
                match &time {
                    Some(at) => _ = entry.insert("publish_at".to_owned(), at.clone().into()),
                    None => _ = entry.remove("publish_at"),
                }
            }
        };
        self.change_post(id, ENGLISH.moved, set).await
    }
}
