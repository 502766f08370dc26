//! Posts what was composed: for each account its manifest, one `upload` after another, by the same rules as under cron.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::mem::take;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use tokio::task::JoinSet;

use super::draft::{Drafts, seen};
use super::live::Live;
use super::queue::{Queue, QueueEntry, QueueError, Why, text_of};
use crate::cli::{GlobalArgs, RunArgs};
use crate::commands::serve::answer::{Failed, hearing};
use crate::commands::serve::read::{Stage, StatusPost};
use crate::commands::serve::standing::standing;
use crate::commands::upload::{PostList, TextList, manifest_key};
use crate::commands::{Context, flags, run_upload, watch};
use crate::console::pages::ENGLISH;
use crate::engine::{InHand, Withdrawals};
use crate::exit::Exit;
use crate::output::{Failure, Notes};
use crate::settings::Settings;
use crate::signals::{Shutdown, StopPart};
use crate::text::chain;

/// How often what was put off is tried again, if nothing says when it may be.
pub(crate) const EVERY: Duration = Duration::from_mins(5);

/// The same of what passes by itself, as somebody watches.
const SOON: Duration = Duration::from_secs(30);

/// The state of a post that failed.
const FAILED: &str = "failed";

/// The states of a post that nothing more is to be done for.
pub(crate) const DONE: [&str; 3] = ["published", "inbox", "skipped"];

/// What is posted with, and from.
#[derive(Debug)]
pub(crate) struct Posting {
    global: GlobalArgs,
    read: RwLock<LastRead>,
    pub(crate) queue: Queue,
    pub(crate) drafts: Drafts,
    pub(crate) live: Arc<Live>,
    /// The posts that failed, where that could not be written down.
    kept_back: Mutex<HashSet<String>>,
    /// What the last uploads have warned of, by `open_id` of their account.
    warned: Mutex<BTreeMap<String, Vec<String>>>,
}

/// The settings as they were read last.
#[derive(Clone, Debug)]
struct LastRead {
    context: Context,
    /// When config.toml had been changed by then.
    changed: Option<SystemTime>,
    /// Why they are those of before: config.toml cannot be used since.
    trouble: Option<Failed>,
}

impl Posting {
    pub(crate) fn new(
        global: GlobalArgs,
        context: Context,
        queue: Queue,
        drafts: Drafts,
    ) -> Arc<Self> {
        let changed = changed_at(&context);
        let read = RwLock::new(LastRead { context, changed, trouble: None });
        let (live, kept_back, warned) = <_>::default();
        Arc::new(Self { global, read, queue, drafts, live, kept_back, warned })
    }

    /// With the settings of now. While config.toml cannot be used, those of before hold.
    pub(crate) fn context(&self) -> Context {
        self.read().context
    }

    /// Lets what ended leave the queue; how many posts are there still.
    fn settle(&self, open_id: &str, ended: Ended) -> Result<usize, QueueError> {
        let Ended { states, failed } = ended;
        let is_done =
            |id: &str| states.iter().any(|(of, state)| of == id && DONE.contains(&state.as_str()));
        for (id, _) in states.iter().filter(|(id, _)| is_done(id)) {
            // A file that a browser has sent was only there to be posted.
            if let Err(error) = self.drafts.drop_file(id) {
                self.context().printer.warn(error.to_string());
            }
        }
        // Nothing is sent again that nobody has asked for, whether or not that can be written down.
        let ids: Vec<_> = failed.iter().map(|(id, _)| id.clone()).collect();
        if let Err(error) = self.queue.set_aside(open_id, failed) {
            lock(&self.kept_back).extend(ids);
            self.context().printer.warn(error.to_string());
        }
        // What the journal has for good need not be listed any more.
        let count = self.queue.change(open_id, |entries| {
            entries.retain(|it| !it["id"].as_str().is_some_and(is_done));
            entries.len()
        })?;
        // From here on `status` tells of their ends.
        for (id, _) in &states {
            self.live.forget(id);
        }
        Ok(count)
    }

    /// Why config.toml cannot be used, if it cannot.
    pub(crate) fn trouble(&self) -> Option<Failed> {
        self.read().trouble
    }

    /// What the last uploads have warned of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warned = lock(&self.warned);
        warned.values().flatten().cloned().collect()
    }

    /// Keeps what an upload of an account has warned of, for the pages; the terminal is told what is new.
    fn warn(&self, open_id: &str, warnings: Vec<String>) {
        let mut warned = lock(&self.warned);
        let before = warned.insert(open_id.to_owned(), warnings.clone()).unwrap_or_default();
        let printer = self.context().printer;
        for warning in warnings.into_iter().filter(|warning| !before.contains(warning)) {
            printer.warn(warning);
        }
    }

    fn read(&self) -> LastRead {
        let last = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
        let changed = changed_at(&last.context);
        // What a setting names, such as the file of a secret, may be there again without a change of the file itself.
        if changed == last.changed && last.trouble.is_none() {
            return last;
        }
        let env = |name: &str| std::env::var_os(name);
        let read = match Settings::load(&flags(&self.global), &env) {
            Ok(settings) => {
                LastRead { context: Context { settings, ..last.context }, changed, trouble: None }
            }
            Err(error) => {
                let failure = Failure::from(error);
                let trouble = Some(Failed::from(&failure));
                if trouble != last.trouble {
                    last.context.printer.failure(&failure);
                }
                LastRead { changed, trouble, ..last }
            }
        };
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read.clone();
        read
    }
}

/// When config.toml was changed last.
fn changed_at(context: &Context) -> Option<SystemTime> {
    fs::metadata(context.settings.home.config_file()).and_then(|found| found.modified()).ok()
}

/// The tasks that post, one for an account.
#[derive(Debug)]
pub(crate) struct Workers {
    posting: Arc<Posting>,
    tasks: Mutex<JoinSet<()>>,
    accounts: Mutex<HashMap<String, Arc<AccountTask>>>,
}

/// What is known of an account's task.
#[derive(Debug, Default)]
struct AccountTask {
    /// Something has changed.
    wake: Notify,
    /// Held by the upload that runs, and by whoever keeps it from running.
    turn: Arc<AsyncMutex<()>>,
    /// Held while an upload reads its list or settles what became of it, and by whoever changes that; taken after `turn`.
    list: Arc<AsyncMutex<()>>,
    /// Stops the upload that runs.
    stop: Mutex<Option<StopPart>>,
    /// What is taken back from the upload that runs.
    withdrawals: Mutex<Withdrawals>,
}

/// That an account's list of posts may be changed; once it is dropped, they are looked at anew.
#[derive(Debug)]
pub(crate) struct Held {
    task: Arc<AccountTask>,
    /// The post that the upload does not come to meanwhile; let go while its list is still held.
    in_hand: Option<InHand>,
    _list: OwnedMutexGuard<()>,
    /// That nothing is posted for the account meanwhile.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Held {
    /// The post was changed: the upload that runs does not come to it any more, and what that has said of it is past.
    pub(crate) fn has_changed(&self) {
        self.in_hand.iter().for_each(InHand::withdraw);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.task.wake.notify_one();
    }
}

impl Workers {
    pub(crate) fn new(posting: Arc<Posting>) -> Self {
        Self { posting, tasks: Mutex::default(), accounts: Mutex::default() }
    }

    /// Sees to it that the posts of an account are looked at now.
    pub(crate) fn wake(&self, open_id: &str) {
        self.task(open_id).wake.notify_one();
    }

    /// Keeps a post from the upload that runs, if one does, which goes on with the others. `None`: the upload is at that
    /// post. Until [`Held::has_changed`] all that the upload has said of it holds.
    pub(crate) async fn take_in_hand(&self, open_id: &str, id: &str) -> Option<Held> {
        let task = self.task(open_id);
        let list = Arc::clone(&task.list).lock_owned().await;
        let in_hand = Some(lock(&task.withdrawals).take_in_hand(id)?);
        Some(Held { task, in_hand, _list: list, _turn: None })
    }

    /// Stops what is posted for an account at the next safe place, and keeps it from going on.
    pub(crate) async fn hold(&self, open_id: &str) -> Held {
        let task = self.task(open_id);
        let stop = lock(&task.stop).clone();
        if let Some(stop) = stop {
            stop.ask();
            // Whoever waits for it may give up: then it is to go on.
            task.wake.notify_one();
        }
        let turn = Arc::clone(&task.turn).lock_owned().await;
        let list = Arc::clone(&task.list).lock_owned().await;
        Held { task, in_hand: None, _list: list, _turn: Some(turn) }
    }

    /// Whether something is posted for an account now.
    pub(crate) fn is_at(&self, open_id: &str) -> bool {
        lock(&self.accounts).get(open_id).is_some_and(|task| lock(&task.stop).is_some())
    }

    fn task(&self, open_id: &str) -> Arc<AccountTask> {
        let mut accounts = lock(&self.accounts);
        if let Some(task) = accounts.get(open_id) {
            return Arc::clone(task);
        }
        let task = Arc::<AccountTask>::default();
        accounts.insert(open_id.to_owned(), Arc::clone(&task));
        let serving =
            serve_account(Arc::clone(&self.posting), open_id.to_owned(), Arc::clone(&task));
        lock(&self.tasks).spawn(serving);
        task
    }

    /// Waits until none posts any more, once they were asked to stop.
    pub(crate) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }
}

/// Posts what an account's manifest lists, for as long as the console runs.
async fn serve_account(posting: Arc<Posting>, open_id: String, task: Arc<AccountTask>) {
    let shutdown = posting.context().shutdown;
    while shutdown.asked().is_none() {
        let waits = {
            // Whoever asks it to stop from now on stops the upload that begins next.
            let (part, stop) = shutdown.of_part();
            *lock(&task.stop) = Some(stop);
            let _turn = task.turn.lock().await;
            let waits = Box::pin(round(&posting, &open_id, &task, part)).await;
            *lock(&task.stop) = None;
            waits
        };
        tokio::select! {
            biased;
            _ = shutdown.requested() => return,
            () = task.wake.notified() => {}
            () = sleep(waits) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sleep(waits: Option<Duration>) {
    match waits {
        Some(waits) => tokio::time::sleep(waits).await,
        None => std::future::pending().await,
    }
}

/// One upload of what is there; how long until the next one is worth it. `None`: until something changes.
async fn round(
    posting: &Arc<Posting>,
    open_id: &str,
    task: &AccountTask,
    shutdown: Shutdown,
) -> Option<Duration> {
    // Whoever changes the list from here on takes back what the upload has read of it.
    let list_lock = task.list.lock().await;
    let withdrawals = Withdrawals::default();
    *lock(&task.withdrawals) = withdrawals.clone();
    let entries = match due(posting, open_id).await {
        // What was taken out is still in the notes of the last upload, which the next one lets go.
        Ok(entries) if entries.is_empty() && !is_noted(posting, open_id) => return None,
        Ok(entries) => entries,
        Err(why) => {
            posting.context().printer.warn(why);
            return Some(EVERY);
        }
    };
    drop(list_lock);
    let ended = Arc::<Mutex<Ended>>::default();
    let list = PostList::Text(Arc::new(TextList {
        path: posting.queue.manifest(open_id),
        text: text_of(&entries),
        withdrawals: withdrawals.clone(),
    }));
    let hear = hearer(posting, &entries, &withdrawals, &ended);
    let heard = hearing(Context { shutdown, ..posting.context() }, hear);
    let (context, printer) = (heard.context.clone(), heard.context.printer.clone());
    let ran = run_upload(&printer, Ok(context), &list, &RunArgs::default()).await;
    let mut every = EVERY;
    if let Err(failure) = &ran {
        posting.context().printer.failure(failure);
        if failure.exit == Exit::Temporary {
            every = SOON;
        }
    }
    // Of what was stopped as somebody changes the queue there is nothing to say.
    if heard.context.shutdown.asked().is_none() {
        let warned = take(&mut *lock(&heard.warnings));
        posting.warn(open_id, warned);
    }
    let _list_lock = task.list.lock().await;
    let mut ended = take(&mut *lock(&ended));
    // Those wait as their entries say by now.
    ended.states.retain(|(id, _)| !withdrawals.has(id));
    ended.failed.retain(|(id, _)| !withdrawals.has(id));
    match posting.settle(open_id, ended) {
        // An upload that was refused has let nothing go.
        Ok(0) if !is_noted(posting, open_id) => None,
        Ok(_) => Some(watch::pause(every, printer.notes(), heard.context.settings.clock.now())),
        Err(error) => {
            posting.context().printer.warn(error.to_string());
            Some(EVERY)
        }
    }
}

/// How the posts of a run ended.
#[derive(Debug, Default)]
struct Ended {
    /// The `id` of each, and its state.
    states: Vec<(String, String)>,
    failed: Vec<(String, Why)>,
}

/// Takes in what a run says of the posts of a list.
fn hearer(
    posting: &Posting,
    entries: &[QueueEntry],
    withdrawals: &Withdrawals,
    ended: &Arc<Mutex<Ended>>,
) -> impl FnMut(Value) + Send + 'static {
    let ids: Vec<String> =
        entries.iter().map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect();
    let (live, ended) = (Arc::clone(&posting.live), Arc::clone(ended));
    let withdrawals = withdrawals.clone();
    move |event: Value| {
        let index = event["index"].as_u64().and_then(|at| usize::try_from(at).ok());
        // What was taken back is shown as it waits by now.
        let Some(id) = index.and_then(|at| ids.get(at)).filter(|id| !withdrawals.has(id)) else {
            return;
        };
        live.hear(id, &event);
        if let Some(state) = event["state"].as_str().filter(|_| event["event"] == "post") {
            let mut ended = lock(&ended);
            ended.states.push((id.clone(), state.to_owned()));
            if state == FAILED {
                let text = |name: &str| event["error"][name].as_str().map(str::to_owned);
                let message = text("message").unwrap_or_default();
                let why = Why { message, hint: text("hint"), replaced: false };
                ended.failed.push((id.clone(), why));
            }
        }
    }
}

/// The posts of an account that are to be made now: those whose files were replaced since somebody looked at them are
/// set aside before. `Err`: why that cannot be told, in words.
async fn due(posting: &Arc<Posting>, open_id: &str) -> Result<Vec<QueueEntry>, String> {
    let (here, account) = (Arc::clone(posting), open_id.to_owned());
    let looking = tokio::task::spawn_blocking(move || replaced(&here, &account));
    let looked = looking.await.map_err(|error| error.to_string())?;
    let mut replaced = looked.map_err(|error| chain(&error))?;
    if !replaced.is_empty() {
        let known = standing(posting.context()).await.map_err(|failed| failed.message)?;
        // Of what TikTok may have the run makes sure, whatever lies there now.
        let is_past = |post: &StatusPost| matches!(post.stage(), Stage::MayBeMade | Stage::Made);
        replaced.retain(|(id, _)| {
            !known.iter().any(|post| post.id.as_deref() == Some(id) && is_past(post))
        });
    }
    for (id, why) in &replaced {
        let error = json!({ "message": why.message });
        posting.live.hear(id, &json!({ "event": "post", "state": FAILED, "error": error }));
    }
    posting.queue.set_aside(open_id, replaced).map_err(|error| chain(&error))?;
    let mut entries = posting.queue.entries(open_id).map_err(|error| chain(&error))?;
    let kept_back = lock(&posting.kept_back);
    entries.retain(|entry| !entry["id"].as_str().is_some_and(|id| kept_back.contains(id)));
    Ok(entries)
}

/// The posts of an account whose files are not those that somebody has looked at. Blocks.
fn replaced(posting: &Posting, open_id: &str) -> Result<Vec<(String, Why)>, QueueError> {
    let now = posting.context().settings.clock.now();
    let mut replaced = Vec::new();
    for entry in posting.queue.entries(open_id)? {
        let id = entry["id"].as_str().unwrap_or_default();
        let of = |why: &str, replaced: bool| {
            (id.to_owned(), Why { message: why.to_owned(), hint: None, replaced })
        };
        let draft = match posting.drafts.record(id) {
            Ok(Some(draft)) => draft,
            // It is a year old, or a hand has written the entry.
            Ok(None) => continue,
            Err(error) => {
                replaced.push(of(&chain(&error), false));
                continue;
            }
        };
        // What is in the queue is published, whatever a full disk has kept from being written.
        if draft.published_at.is_none()
            && let Err(error) = posting.drafts.publish(id, now)
        {
            posting.context().printer.warn(chain(&error));
        }
        let path = entry.get("video_path").and_then(Value::as_str);
        let Some(path) = path.filter(|_| !draft.seen.is_empty()) else { continue };
        match fs::metadata(path) {
            Ok(found) if seen(&found) == draft.seen && !draft.leads_elsewhere() => {}
            Ok(_) => replaced.push(of(ENGLISH.file_replaced, true)),
            Err(_) => replaced.push(of(ENGLISH.file_removed, false)),
        }
    }
    Ok(replaced)
}

/// Renews tokens, and posts what a manifest lists, as `watch` does, for as long as the console runs.
pub(crate) async fn work(posting: &Posting, list: Option<PathBuf>) {
    let list = list.map(PostList::Manifest);
    let shutdown = posting.context().shutdown;
    while shutdown.asked().is_none() {
        let heard = hearing(posting.context(), |_| {});
        let (context, printer) = (heard.context.clone(), heard.context.printer.clone());
        let run = RunArgs::default();
        Box::pin(watch::round(list.as_ref(), &run, &printer, Ok(context))).await;
        let waits = watch::pause(EVERY, printer.notes(), heard.context.settings.clock.now());
        tokio::select! {
            biased;
            _ = shutdown.requested() => return,
            () = tokio::time::sleep(waits) => {}
        }
    }
}

/// Whether the last upload of an account's manifest has left anything that `status` tells of.
fn is_noted(posting: &Posting, open_id: &str) -> bool {
    let context = posting.context();
    let notes = Notes::open(&context.settings.home.state, context.settings.clock);
    let manifest = manifest_key(&posting.queue.manifest(open_id));
    notes.remains().posts.iter().any(|(of, _)| *of == manifest)
}
