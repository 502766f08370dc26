//! Composing: from a source that somebody chooses to a post in the queue.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tiktok_open::{Code, CreatorInfo, Reaction};

use super::answer::Failed;
use super::console::Console;
use super::folders;
use super::posting::compose::{self, Terms, Wrong};
use super::posting::draft::{Draft, DraftSource, Form, seen};
use super::posting::queue;
use super::posting::spool::{self, Part, SpoolError};
use super::read::KnownAccount;
use super::web::forms::{SourceForm, source_of};
use crate::cli::RunArgs;
use crate::clock;
use crate::commands::upload::{self, PostList, TextList};
use crate::commands::{Context, accounts};
use crate::console::pages::ENGLISH;
use crate::exit::Exit;
use crate::manifest::address_refusal;
use crate::model::Mode;
use crate::model::fields::MAX_PHOTOS;
use crate::output::Failure;
use crate::settings::ServeSettings;
use crate::text::chain;

/// What was measured of a video.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) duration: Option<Duration>,
    pub(super) size: Option<(u32, u32)>,
    /// Why it is no video that can be read.
    pub(super) unread: Option<String>,
    /// Which content of the file it is.
    pub(super) seen: String,
}

/// Why nothing can be composed for an account now.
#[derive(Clone, Debug)]
pub(super) struct NotNow {
    pub(super) kind: NotNowKind,
    pub(super) failed: Failed,
}

/// What keeps an account from being posted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNowKind {
    /// TikTok does not let it post.
    Refused,
    /// It is not logged in any more.
    Login,
    /// TikTok could not be asked.
    Unasked,
}

impl NotNow {
    fn of(failure: &Failure) -> Self {
        let failed = Failed::from(failure);
        let kind = match failed.code.map(|code| Code::from(code).reaction()) {
            _ if failure.exit == Exit::Login => NotNowKind::Login,
            Some(Reaction::Quota | Reaction::StopsAccount) => NotNowKind::Refused,
            _ => NotNowKind::Unasked,
        };
        Self { kind, failed }
    }
}

/// Why a post was not put into the queue.
#[derive(Debug)]
pub(super) enum Unpublished {
    /// Something has to be corrected first.
    Wrong(Vec<Wrong>),
    /// Nothing can be posted for the account now.
    NotNow(NotNow),
    /// It is no draft any more, in words.
    Gone(&'static str),
}

impl Unpublished {
    /// Of what no field is to blame for.
    fn whole(message: impl Into<String>) -> Self {
        Self::Wrong(vec![Wrong::of("", message)])
    }
}

/// Begins a post; else what is wrong with its account or its source.
pub(super) async fn begin(console: &Console, form: &SourceForm) -> Result<Draft, Wrong> {
    if console.accounts().await.iter().all(|account| account.open_id != form.account) {
        return Err(Wrong::of("account", ENGLISH.account_missing));
    }
    let context = console.context();
    let source = source(form, &context.settings.serve)?;
    let now = context.settings.clock.now();
    let begun = console.posting.drafts.begin(form.account.clone(), source, now);
    begun.map_err(|error| Wrong::of("", chain(&error)))
}

/// The source that a form chooses, if TikTok can be given what it names.
fn source(form: &SourceForm, serve: &ServeSettings) -> Result<DraftSource, Wrong> {
    let source = source_of(form).ok_or_else(|| Wrong::of("", ENGLISH.source_missing))?;
    match source {
        DraftSource::File { path } => folders::resolve_video(&path, &serve.folders)
            .map(|path| DraftSource::File { path })
            .map_err(|error| Wrong::of("path", chain(&error))),
        DraftSource::Upload { size: 0, .. } => Err(Wrong::of("file", ENGLISH.upload_empty)),
        DraftSource::Upload { size, .. } if size > serve.upload_limit => {
            Err(Wrong::of("file", ENGLISH.upload_too_long))
        }
        DraftSource::Upload { .. } => Ok(source),
        DraftSource::Url { ref url, .. } => match address_refusal(url, false) {
            Some(why) => Err(Wrong::of("url", why)),
            None => Ok(source),
        },
        DraftSource::Photos { ref urls } if urls.len() > usize::from(MAX_PHOTOS) => {
            Err(Wrong::of("photos", format!("{}: {}", urls.len(), ENGLISH.photo_urls_help)))
        }
        DraftSource::Photos { ref urls } => {
            let refused = urls.iter().zip(1..).filter_map(|(url, line)| {
                Some(format!("{} {line}: {}", ENGLISH.photo, address_refusal(url, true)?))
            });
            let refused: Vec<_> = refused.collect();
            if refused.is_empty() {
                Ok(source)
            } else {
                Err(Wrong::of("photos", refused.join(". ")))
            }
        }
    }
}

/// Takes all of a file that a form sends; its size is known once it is there.
pub(super) async fn take_whole(
    console: &Console,
    draft: Draft,
    part: &mut Part<'_>,
) -> Result<Draft, SpoolError> {
    let size = spool::take_part(&console.posting.drafts, &draft, part).await?;
    let mut draft = draft;
    if let DraftSource::Upload { size: known, .. } = &mut draft.source {
        *known = size;
    }
    console.posting.drafts.keep(&draft).map_err(std::io::Error::other)?;
    Ok(draft)
}

/// The file of a draft, if it is all there and may be shown.
pub(super) async fn playable(console: &Console, draft: &Draft) -> Option<PathBuf> {
    let folders = console.context().settings.serve.folders;
    let (drafts, draft) = (console.posting.drafts.clone(), draft.clone());
    let looking = tokio::task::spawn_blocking(move || match &draft.source {
        // It may have been replaced by a link.
        DraftSource::File { path } => folders::resolve_video(path, &folders).ok(),
        DraftSource::Upload { size, .. } if drafts.received(&draft) == *size => drafts.file(&draft),
        _ => None,
    });
    looking.await.ok().flatten()
}

/// What TikTok says now of the creator, if the login is for posts; and the account.
pub(super) async fn creator(
    console: &Console,
    open_id: &str,
) -> (Result<Option<CreatorInfo>, NotNow>, Option<KnownAccount>) {
    let known = console.accounts().await.into_iter().find(|account| account.open_id == open_id);
    let context = console.context();
    let asked = async {
        let account = accounts::with_token(&context, Some(open_id)).await?;
        if !account.scopes.has(Mode::Direct.scope()) {
            return Ok(None);
        }
        let creator = context.client.creator_info(&account.access_token).await?;
        Ok::<_, Failure>(Some(creator))
    };
    let asked = asked.await.map_err(|failure| {
        let told = NotNow::of(&failure);
        // One that was logged out is not known at all.
        let kind = if known.is_none() { NotNowKind::Login } else { told.kind };
        NotNow { kind, ..told }
    });
    (asked, known)
}

/// What can be measured of a draft's file. `None`: it has none here.
pub(super) async fn measure(console: &Console, draft: &Draft) -> Option<Result<Measured, String>> {
    console.posting.drafts.file(draft)?;
    let Some(path) = playable(console, draft).await else {
        return Some(Err(ENGLISH.file_gone.to_owned()));
    };
    let measuring = tokio::task::spawn_blocking(move || {
        let file = File::open(&path).map_err(|error| error.to_string())?;
        let found = file.metadata().map_err(|error| error.to_string())?;
        let bytes = found.len();
        let (duration, size, unread) = match video_probe::probe(&file, bytes) {
            Ok(probe) => (probe.duration, probe.width.zip(probe.height), None),
            Err(error) => (None, None, Some(chain(&error))),
        };
        Ok(Measured { bytes, duration, size, unread, seen: seen(&found) })
    });
    Some(measuring.await.unwrap_or_else(|error| Err(error.to_string())))
}

/// Discards a draft with the file that a browser has sent for it; `Err`: why not, in words. What was published is
/// in the queue, or a post, and stays.
pub(super) async fn discard(console: &Console, id: &str) -> Result<(), String> {
    let _alone = console.composing.alone(id).await;
    let drafts = &console.posting.drafts;
    let queued = console.queued_ids().map_err(|failure| chain(failure.error.as_ref()))?;
    if queued.contains(id) {
        return Err(ENGLISH.draft_published.to_owned());
    }
    being_composed(console, id)?;
    drafts.forget(id).and_then(|()| drafts.drop_file(id)).map_err(|error| chain(&error))
}

/// A draft; `Err`: that it is none any more, in words.
fn being_composed(console: &Console, id: &str) -> Result<Draft, String> {
    let record = console.posting.drafts.record(id).map_err(|error| chain(&error))?;
    match record {
        Some(draft) if draft.published_at.is_none() => Ok(draft),
        Some(_) => Err(ENGLISH.draft_published.to_owned()),
        None => Err(ENGLISH.draft_gone.to_owned()),
    }
}

/// Keeps what was filled in, as somebody asks for it; `Err`: why not, in words.
pub(super) async fn save(console: &Console, id: &str, form: Form) -> Result<(), String> {
    let _alone = console.composing.alone(id).await;
    let draft = being_composed(console, id)?;
    keep(console, draft, form)
}

/// Keeps what was filled in, as it is typed; refused if another page has kept the draft since this one was loaded, or
/// this one has kept more already. `Err`: why not, in words.
pub(super) async fn save_typed(console: &Console, id: &str, form: Form) -> Result<(), String> {
    let _alone = console.composing.alone(id).await;
    let draft = being_composed(console, id)?;
    if draft.is_of_another_page(&form) {
        return Err(ENGLISH.draft_changed.to_owned());
    }
    if form.page == draft.page && form.turn <= draft.turn {
        // It was overtaken on its way.
        return Ok(());
    }
    keep(console, draft, form)
}

fn keep(console: &Console, draft: Draft, form: Form) -> Result<(), String> {
    console.posting.drafts.keep(&draft.filled_in(form)).map_err(|error| chain(&error))
}

/// Puts a post into the queue once everything that can be checked was checked, and says what there is to know of
/// it; else why it is not there. Nobody saves or discards the draft meanwhile.
pub(super) async fn publish(
    console: &Console,
    id: &str,
    form: Form,
) -> Result<Vec<String>, Unpublished> {
    let _alone = console.composing.alone(id).await;
    let drafts = &console.posting.drafts;
    let queued = console
        .queued_ids()
        .map_err(|failure| Unpublished::whole(chain(failure.error.as_ref())))?;
    let record = drafts.record(id).map_err(|error| Unpublished::whole(chain(&error)))?;
    let draft = match record {
        // Pressed twice: the first time has put it into the queue.
        Some(draft) if draft.is_published_as(&form) => return Ok(Vec::new()),
        Some(draft) if draft.published_at.is_some() => {
            return Err(Unpublished::Gone(ENGLISH.draft_published_otherwise));
        }
        _ if queued.contains(id) => {
            return Err(Unpublished::Gone(ENGLISH.draft_published_otherwise));
        }
        Some(draft) => draft,
        None => return Err(Unpublished::Gone(ENGLISH.draft_gone)),
    };
    let is_overwritten = draft.is_of_another_page(&form);
    let draft = draft.filled_in(form);
    drafts.keep(&draft).map_err(|error| Unpublished::whole(chain(&error)))?;
    let (creator, _) = creator(console, &draft.account).await;
    let creator = match creator {
        Ok(creator) => creator,
        Err(_) if draft.form.is_draft() => None,
        Err(not_now) => return Err(Unpublished::NotNow(not_now)),
    };
    let measured = measure(console, &draft).await.transpose().map_err(Unpublished::whole)?;
    if measured.as_ref().is_some_and(|measured| measured.seen != draft.form.seen) {
        return Err(Unpublished::whole(ENGLISH.file_changed));
    }
    let seen = measured.as_ref().map(|measured| measured.seen.clone()).unwrap_or_default();
    let draft = Draft { seen, ..draft };
    let context = console.context();
    let terms = Terms {
        creator: creator.as_ref(),
        duration: measured.and_then(|measured| measured.duration),
        slots: &console.slot_names(),
        zone: clock::zone(),
        now: context.settings.clock.now(),
    };
    let file = playable(console, &draft).await;
    let entry = compose::entry(&draft, file.as_deref(), &terms);
    let entry = entry.map_err(Unpublished::Wrong)?;
    let mut told = dry_run(console, &draft.account, &entry).await?;
    if is_overwritten {
        told.push(ENGLISH.draft_overwritten.to_owned());
    }
    if draft.form.is_draft() && compose::leaves_out(&draft) {
        told.push(ENGLISH.draft_left_out.to_owned());
    }
    // What is to be posted is known before it may be posted.
    drafts.keep(&draft).map_err(|error| Unpublished::whole(chain(&error)))?;
    let added = console.posting.queue.add(&draft.account, entry);
    added.map_err(|error| Unpublished::whole(chain(&error)))?;
    // From here on it is posted, whatever becomes of the console, which takes it for published when it begins.
    if let Err(error) = drafts.publish(&draft.id, context.settings.clock.now()) {
        context.printer.warn(chain(&error));
    }
    console.workers.wake(&draft.account);
    Ok(told)
}

/// The same checks as on the command line, before anything is promised: what they warn of, or refuse.
async fn dry_run(
    console: &Console,
    account: &str,
    entry: &queue::QueueEntry,
) -> Result<Vec<String>, Unpublished> {
    let list = PostList::Text(Arc::new(TextList {
        path: console.posting.queue.manifest(account),
        text: queue::text_of(std::slice::from_ref(entry)),
        withdrawals: <_>::default(),
    }));
    let args = RunArgs { dry_run: true, ..RunArgs::default() };
    let run = |context: Context| async move { upload::run(&context, &list, &args).await };
    let checked = console.ask(run).await;
    let refusals = checked.of("post").filter(|post| post["state"] == "failed");
    let refusals = refusals.filter_map(|post| post["error"]["message"].as_str().map(str::to_owned));
    let refusals = checked.failed.iter().map(|failed| failed.message.clone()).chain(refusals);
    let refusals: Vec<_> = refusals.map(|message| Wrong::of("", message)).collect();
    if !refusals.is_empty() {
        return Err(Unpublished::Wrong(refusals));
    }
    let mut told = Vec::new();
    for post in checked.of("post") {
        let warnings = post["warnings"].as_array().into_iter().flatten();
        // Of what is not sent because it is there already.
        let note = Some(&post["note"]).filter(|_| post["state"] == "skipped");
        told.extend(warnings.chain(note).filter_map(Value::as_str).map(str::to_owned));
    }
    // The terminal is told the same with the name of the file before it.
    let others = checked.warnings.into_iter();
    let others: Vec<_> =
        others.filter(|line| told.iter().all(|warning| !line.contains(warning))).collect();
    told.extend(others);
    Ok(told)
}
