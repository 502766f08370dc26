//! `serve`: the console in the browser. Gathers what its pages show, and does what their buttons ask for through the
//! functions of the other commands.

mod actions;
mod answer;
mod compose;
mod draft;
mod events;
mod folders;
mod live;
mod logins;
mod queue;
mod read;
mod show;
mod spool;
mod web;
mod worker;

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tiktok_open::CreatorInfo;
use url::Url;

use self::actions::{Flash, Flashes};
use self::answer::{Failed, printed};
use self::compose::{Terms, Wrong};
use self::draft::{Draft, DraftSource, Drafts, Form};
use self::live::Live;
use self::logins::{CALLBACK, Logins, Way};
use self::queue::Queue;
use self::read::{Check, KnownAccount, Setting};
use self::show::Measured;
use self::spool::SpoolError;
use self::web::{LoginForm, MoveForm, Part, SourceForm, source_of};
use self::worker::Workers;
use super::upload::{PostList, TextList};
use super::{Context, accounts, config, doctor, flags, upload};
use crate::auth::browser;
use crate::cli::{DoctorArgs, GlobalArgs, Listen, RunArgs, ServeArgs};
use crate::clock;
use crate::console::access::{Access, Hooks, Origin, Rules};
use crate::console::pages::ENGLISH;
use crate::console::server::{self, Server, Tls};
use crate::exit::Exit;
use crate::fs::{Lock, private_dir};
use crate::model::Mode;
use crate::output::{Failure, Line};
use crate::settings::{Settings, in_use};
use crate::text::chain;

/// How long the page of a login waits for TikTok's address.
const VISIT: Duration = Duration::from_secs(20);

/// The console.
#[derive(Debug)]
struct Console {
    global: GlobalArgs,
    /// With the settings as they were read last.
    context: RwLock<Context>,
    /// Where browsers find it, without a slash at its end.
    address: String,
    port: Option<u16>,
    access: Mutex<Option<Arc<Access>>>,
    folder: PathBuf,
    queue: Queue,
    drafts: Drafts,
    live: Arc<Live>,
    logins: Logins,
    workers: Workers,
    flashes: Flashes,
    /// What `doctor` found when it was asked last.
    found: Mutex<Vec<Check>>,
}

/// Runs the command.
pub(super) async fn run(
    global: &GlobalArgs,
    context: &Context,
    args: &ServeArgs,
) -> Result<Exit, Failure> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => Some(Tls::read(certificates, key).map_err(unusable)?),
        _ => None,
    };
    let listen = match &args.listen {
        Listen::Tcp(address) => server::Listen::Tcp(*address),
        Listen::Unix(path) => server::Listen::Unix(path.clone()),
    };
    private_dir(&context.settings.home.state)?;
    let folder = private_dir(&context.settings.home.state.join("console"))?;
    // Two consoles would take posts out of each other's hands.
    let _alone = Lock::try_acquire(&folder.join("console.lock"))?;
    let serve = &context.settings.serve;
    let origin = serve.origin.as_ref();
    let server = Server::bind(&listen, tls).await.map_err(unusable)?;
    let public = origin.and_then(|origin| Origin::parse(&origin.origin().ascii_serialization()));
    let queue = Queue::open(&folder).map_err(unusable)?;
    let drafts = Drafts::open(&folder)?;
    let port = match server.address() {
        server::Listen::Tcp(address) => Some(address.port()),
        server::Listen::Unix(_) => None,
    };
    let endpoints = &context.settings.endpoints;
    let origin_of = |base: String| {
        let url = Url::parse(&base).ok()?;
        Origin::parse(&url.origin().ascii_serialization())
    };
    let rules = Rules {
        listen: server.address().clone(),
        tls: server.is_tls(),
        public,
        authorize: origin_of(endpoints.auth_base()),
        pictures: Some(endpoints.api_base())
            .filter(|_| endpoints.on_loopback())
            .and_then(origin_of),
        open_paths: vec![CALLBACK.to_owned(), CALLBACK.trim_end_matches('/').to_owned()],
    };
    let terminal = context.printer.clone();
    let warned = context.printer.clone();
    let hooks = Hooks {
        sign_in: Box::new(show::sign_in),
        refused: Box::new(show::refused),
        print_link: Box::new(move |link| {
            let line = Line::default().text("open ").verbatim(link.expose());
            terminal.behind().demand(line);
        }),
        audit_failed: Box::new(move |error| {
            warned.warn(format!(
                "what is done in the console cannot be noted down: {}",
                chain(error)
            ));
        }),
    };
    let is_local = server.address().is_local() && origin.is_none();
    let access = Access::open(&folder, context.settings.clock, rules, hooks).map_err(unusable)?;
    let has_users = !access.users().list().map_err(unusable)?.is_empty();
    if !is_local && !has_users {
        return Err(Failure::usage(
            "other machines would reach the console, and it has no users with passwords",
        ));
    }
    if !server.address().is_local() && !server.is_tls() {
        return Err(Failure::usage("other machines reach that address, and what is sent to it could be read on the way")
            .hint("give `--tls-cert` and `--tls-key`, or listen on 127.0.0.1 behind a proxy that speaks https"));
    }
    let console = Arc::new(Console {
        global: global.clone(),
        context: RwLock::new(context.clone()),
        address: access.address(),
        port,
        access: Mutex::new(Some(Arc::clone(&access))),
        folder,
        queue,
        drafts,
        live: Arc::default(),
        logins: Logins::default(),
        workers: Workers::default(),
        flashes: Flashes::default(),
        found: Mutex::default(),
    });
    console.settle_drafts()?;
    console.wake_all();
    let link = access.first_link();
    context.printer.demand(Line::default().text("the console is at ").verbatim(link.expose()));
    if !args.no_browser
        && let Ok(url) = Url::parse(link.expose())
        && browser::is_likely()
    {
        _ = browser::open(&url).await;
    }
    let shutdown = context.shutdown.clone();
    let ends = async move { _ = shutdown.requested().await };
    server.serve(access.protect(web::router(Arc::clone(&console))), ends).await;
    console.logins.end().await;
    console.workers.end().await;
    // It was to run until somebody stops it.
    Ok(Exit::Done)
}

/// An error of the console that no code stands for yet.
fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure { exit: Exit::Local, ..Failure::unexpected(error) }
}

impl Console {
    fn context(&self) -> Context {
        self.context.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a command prints.
    async fn printed<R>(&self, run: impl FnOnce(Context) -> R) -> String
    where
        R: Future<Output = Result<Exit, Failure>>,
    {
        printed(self.context(), run).await
    }

    fn queue_folder(&self) -> PathBuf {
        self.folder.join("queue")
    }

    /// What was published before a crash is no draft any more.
    fn settle_drafts(&self) -> Result<(), Failure> {
        for entry in self.queue.all().map_err(unusable)? {
            if let Some(id) = entry["id"].as_str() {
                self.drafts.forget(id)?;
            }
        }
        Ok(())
    }

    /// Looks at the posts of every account that has some here.
    fn wake_all(self: &Arc<Self>) {
        for entry in self.queue.all().unwrap_or_default() {
            if let Some(open_id) = entry["user_id"].as_str() {
                self.workers.wake(self, open_id);
            }
        }
    }

    fn print_link(&self) {
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(access) = access {
            let line = Line::default().text("open ").verbatim(access.link().expose());
            self.context().printer.behind().demand(line);
        }
    }

    fn users(&self) -> Vec<(String, &'static str)> {
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let users = access.and_then(|access| access.users().list().ok()).unwrap_or_default();
        users.into_iter().map(|user| (user.name, user.role.name())).collect()
    }

    fn app_names(&self) -> Vec<String> {
        self.context().settings.apps.in_use().filter_map(|app| app.name.clone()).collect()
    }

    fn slot_names(&self) -> Vec<String> {
        self.context().settings.slots.keys().cloned().collect()
    }

    fn findings(&self) -> Vec<Check> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `doctor`.
    async fn check(&self) {
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

    async fn settings_in_use(&self) -> Vec<Setting> {
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
    async fn log_in(&self, form: &LoginForm) -> Result<(String, Option<Url>), Failed> {
        let told = |failure: Failure| Failed::from(&failure);
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
        let id = self.logins.begin(context, name, None, way).await.map_err(told)?;
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
    fn begin(&self, form: &SourceForm) -> Result<Draft, String> {
        let serve = self.context().settings.serve;
        let mut source = source_of(form).ok_or(ENGLISH.source_missing)?;
        match &mut source {
            DraftSource::File { path } => {
                *path = folders::resolve(path, &serve.folders).map_err(|error| chain(&error))?;
            }
            DraftSource::Upload { size, .. } if *size > serve.upload_limit => {
                return Err(ENGLISH.upload_too_long.to_owned());
            }
            _ => {}
        }
        let now = self.context().settings.clock.now();
        self.drafts.begin(form.account.clone(), source, now).map_err(|error| chain(&error))
    }

    /// Takes all of a file that a form sends; its size is known once it is there.
    async fn take_whole(&self, draft: Draft, part: &mut Part<'_>) -> Result<Draft, SpoolError> {
        let size = spool::take_part(&self.drafts, &draft, part).await?;
        let mut draft = draft;
        if let DraftSource::Upload { size: known, .. } = &mut draft.source {
            *known = size;
        }
        self.drafts.keep(&draft).map_err(std::io::Error::other)?;
        Ok(draft)
    }

    /// The file of a draft, if it is all there and may be shown.
    fn playable(&self, draft: &Draft) -> Option<PathBuf> {
        let path = self.drafts.file(draft)?;
        match &draft.source {
            // It may have been replaced by a link.
            DraftSource::File { path } => {
                folders::resolve(path, &self.context().settings.serve.folders).ok()
            }
            DraftSource::Upload { size, .. } if self.drafts.received(draft) == *size => Some(path),
            _ => None,
        }
    }

    /// What TikTok says now of the creator, if the login is for posts; and the account.
    async fn creator(
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
    async fn measure(&self, draft: &Draft) -> Option<Result<Measured, String>> {
        let path = self.drafts.file(draft)?;
        let measuring = tokio::task::spawn_blocking(move || {
            let file = File::open(&path).map_err(|error| error.to_string())?;
            let bytes = file.metadata().map_err(|error| error.to_string())?.len();
            let probe = video_probe::probe(&file, bytes).map_err(|error| chain(&error))?;
            let size = probe.width.zip(probe.height);
            Ok(Measured { bytes, duration: probe.duration, size })
        });
        Some(measuring.await.unwrap_or_else(|error| Err(error.to_string())))
    }

    fn discard(&self, id: &str) {
        _ = self.drafts.forget(id);
        _ = self.drafts.drop_file(id);
    }

    fn save(&self, id: &str, form: Form) {
        if let Ok(Some(draft)) = self.drafts.find(id) {
            _ = self.drafts.keep(&Draft { form, ..draft });
        }
    }

    /// Puts a post into the queue once everything that can be checked was checked; else all that is wrong.
    async fn publish(self: &Arc<Self>, id: &str, form: Form) -> Result<(), Vec<Wrong>> {
        let whole = |message: String| vec![Wrong { field: "", message }];
        let draft = self.drafts.find(id).map_err(|error| whole(chain(&error)))?;
        // Pressed twice: the first time has put it into the queue.
        let Some(draft) = draft else { return Ok(()) };
        let draft = Draft { form, ..draft };
        self.drafts.keep(&draft).map_err(|error| whole(chain(&error)))?;
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
            path: self.queue.manifest(&draft.account),
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
        self.queue.add(&draft.account, entry).map_err(|error| whole(chain(&error)))?;
        // From here on it is posted, whatever becomes of the console.
        _ = self.drafts.forget(&draft.id);
        self.workers.wake(self, &draft.account);
        Ok(())
    }

    // The queue.

    /// The account that a post of the queue is for.
    fn account_of(&self, id: &str) -> Option<String> {
        let all = self.queue.all().ok()?;
        let entry = all.into_iter().find(|entry| entry["id"] == id)?;
        entry["user_id"].as_str().map(str::to_owned)
    }

    /// Whether something of a post was sent to TikTok, or may have been.
    async fn is_begun(&self, id: &str) -> bool {
        let id = id.to_owned();
        let run = |context: Context| async move {
            super::status::look(&context, &crate::cli::StatusArgs::default()).await
        };
        let posts: Vec<read::StatusPost> = self.ask(run).await.all("status");
        let post = posts.into_iter().find(|post| post.id.as_deref() == Some(&id));
        post.is_some_and(|post| post.attempts > 0 && post.publish_id.is_some() && !post.is_final)
    }

    /// Changes a post of the queue that has not begun, while nothing of its account is posted.
    async fn change_post(
        self: &Arc<Self>,
        id: &str,
        done: &str,
        change: impl FnOnce(&mut Vec<queue::QueueEntry>),
    ) -> Flash {
        let Some(account) = self.account_of(id) else {
            return Flash::bad(ENGLISH.not_found);
        };
        let _held = self.workers.hold(self, &account).await;
        if self.is_begun(id).await {
            return Flash::bad(ENGLISH.begun_already);
        }
        match self.queue.change(&account, change) {
            Ok(()) => Flash::good(done),
            Err(error) => Flash::bad(chain(&error)),
        }
    }

    async fn take_out(self: &Arc<Self>, id: &str) -> Flash {
        let remove =
            |entries: &mut Vec<queue::QueueEntry>| entries.retain(|entry| entry["id"] != id);
        let told = self.change_post(id, ENGLISH.taken_out, remove).await;
        if told.good {
            self.live.forget(id);
            _ = self.drafts.drop_file(id);
        }
        told
    }

    async fn move_post(self: &Arc<Self>, id: &str, form: &MoveForm) -> Flash {
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
