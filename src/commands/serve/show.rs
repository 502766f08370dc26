//! Gathers what the pages show.

use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tiktok_open::CreatorInfo;

use super::compose::Wrong;
use super::console::{Console, Measured};
use super::draft::{Draft, DraftSource};
use super::folders;
use super::forms::{CalendarQuery, HistoryQuery};
use super::live::Progress;
use super::read::{Check, HistoryPost, KnownAccount, Setting, StatusPost};
use super::worker::DONE;
use crate::auth::qr::draw;
use crate::cli::{HistoryArgs, StatusArgs};
use crate::clock;
use crate::commands::{Context, accounts as accounts_command, history as history_command, status};
use crate::console::access::{Refused, Role, Said, SignIn, Visitor};
use crate::console::pages::{
    AccountCard, AccountChoice, AccountsPage, CalendarPage, Cell, ComposePage, Day, DayPost,
    DoctorPage, DraftLine, ENGLISH, Fact, FieldError, Filled, Filter, FindingLine, Folder,
    FolderEntry, Frame, Group, GuidelinesPage, Interaction, Level, Link, LoginPage, Message,
    MessagePage, NavLink, OverviewPage, Part, PartLine, PostPage, QueuePage, QueuePost,
    SettingsPage, SignInPage, StartPage, TablePage, When, Who, html, points,
};
use crate::model::{Mode, profile_page};
use crate::text;

const T: &crate::console::pages::Words = &ENGLISH;

/// The pages of the navigation, with what each takes.
const PLACES: [(&str, &str, Role); 9] = [
    ("/", T.overview, Role::Viewer),
    ("/compose", T.compose, Role::Editor),
    ("/queue", T.queue, Role::Viewer),
    ("/calendar", T.calendar, Role::Viewer),
    ("/history", T.history, Role::Viewer),
    ("/accounts", T.accounts, Role::Viewer),
    ("/doctor", T.doctor, Role::Viewer),
    ("/settings", T.settings, Role::Owner),
    ("/guidelines", T.guidelines, Role::Viewer),
];

fn frame(console: &Console, visitor: &Visitor, here: &str, title: &str) -> Frame {
    let places = PLACES.into_iter().filter(|(_, _, role)| visitor.role >= *role);
    let link = |(href, words, _)| NavLink { href, words, is_here: href == here, count: 0 };
    let flashes = console.flashes.take(visitor.csrf.expose()).into_iter();
    Frame {
        title: title.to_owned(),
        visitor: Some(Who {
            name: visitor.name.clone(),
            role: visitor.role.name(),
            csrf: visitor.csrf.expose().to_owned(),
        }),
        links: places.map(link).collect(),
        flashes: flashes
            .map(|it| Message { good: it.good, text: it.message, hint: it.hint })
            .collect(),
        refresh: None,
    }
}

fn bare(title: &str) -> Frame {
    Frame { title: title.to_owned(), ..Frame::default() }
}

fn can_edit(visitor: &Visitor) -> bool {
    visitor.role >= Role::Editor
}

fn when(at: Timestamp) -> When {
    When::of(at, clock::zone())
}

// What is said without a session.

/// The sign-in page.
pub(super) fn sign_in(asked: &SignIn) -> String {
    let said = asked.said.map(|said| match said {
        Said::WrongLink => T.signin_wrong_link,
        Said::WrongPassword => T.signin_wrong_password,
        Said::Wait(_) => T.signin_wait,
        Said::LinkPrinted => T.signin_printed,
        Said::Unavailable => T.signin_unavailable,
    });
    html(&SignInPage {
        t: T,
        frame: bare(T.signin_title),
        said,
        is_good: asked.said == Some(Said::LinkPrinted),
        has_users: asked.has_users,
        name: asked.name.clone(),
    })
}

/// The page of who was refused.
pub(super) fn refused(why: Refused) -> String {
    let line = match why {
        Refused::SignedOut => T.refused_signed_out,
        Refused::Stale => T.refused_stale,
        Refused::Role { .. } => T.refused_role,
        Refused::TooLong => T.refused_too_long,
        Refused::Missing => T.refused_missing,
    };
    message(bare(T.refused_title), vec![line.to_owned()], "/", T.back)
}

pub(super) fn not_found(console: &Console, visitor: &Visitor) -> String {
    let frame = frame(console, visitor, "", T.not_found_title);
    message(frame, vec![T.not_found.to_owned()], "/", T.back)
}

/// Where TikTok leads a browser back to, on its way to a page.
pub(super) fn callback(to: &str) -> String {
    message(bare(T.login_title), vec![T.login_waiting.to_owned()], to, T.go_on)
}

fn message(frame: Frame, lines: Vec<String>, href: &str, words: &str) -> String {
    let link = Some(Link { href: href.to_owned(), words: words.to_owned() });
    html(&MessagePage { t: T, frame, lines, link })
}

// What the commands know.

/// What `status` lists, without a question to TikTok.
async fn posts(console: &Console) -> Vec<StatusPost> {
    let args = StatusArgs::default();
    let run = |context: Context| async move { status::look(&context, &args).await };
    console.ask(run).await.all("status")
}

/// The accounts.
async fn known_accounts(console: &Console) -> Vec<KnownAccount> {
    let run = |context: Context| async move { accounts_command::list(&context, false).await };
    console.ask(run).await.all("account")
}

async fn made(console: &Console, account: Option<String>) -> Vec<HistoryPost> {
    let args = HistoryArgs { account, ..HistoryArgs::default() };
    let run = |context: Context| async move { history_command::run(&context, &args).await };
    console.ask(run).await.all("history")
}

/// What people read of a state or a phase of docs/JSON.md.
pub(super) fn state_words(state: &str) -> &'static str {
    match state {
        "published" => "published",
        "inbox" => "in the inbox",
        "skipped" => "posted before",
        "failed" => "failed",
        "unresolved" | "unknown" => "outcome unknown",
        "deferred" => "waits",
        "scheduled" => "scheduled",
        "processing" => "TikTok is at work on it",
        "sending" | "stored" => "being sent",
        "retrying" => "tries again",
        "waiting" => "waits for a moment",
        "queued" => "in the queue",
        "interrupted" => "stopped",
        _ => "under way",
    }
}

/// How a state is meant: `good`, `warn`, `bad` or `calm`.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "published" | "inbox" | "skipped" => "good",
        "failed" | "unresolved" | "unknown" => "bad",
        "retrying" | "interrupted" => "warn",
        _ => "calm",
    }
}

/// How far a post is, in words.
pub(super) fn numbers(progress: &Progress) -> String {
    if progress.size == 0 {
        return String::new();
    }
    let (sent, size) = (text::size(progress.sent), text::size(progress.size));
    match progress.chunks {
        0 | 1 => format!("{sent} of {size}"),
        chunks => format!("{sent} of {size}, chunk {} of {chunks}", progress.chunk),
    }
}

fn name_of(path: &str) -> String {
    let is_address = path.starts_with("https://") || path.starts_with("http://");
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.filter(|_| !is_address).unwrap_or(path).to_owned()
}

fn is_unknown(post: &StatusPost) -> bool {
    post.state == "unresolved"
}

/// In which part of the queue a post belongs; `None`: it is over.
fn part(post: &StatusPost) -> Option<&'static str> {
    match post.state.as_str() {
        "failed" | "unresolved" => Some(T.failed),
        _ if post.phase == "scheduled" => Some(T.next),
        "published" | "inbox" | "skipped" => None,
        "deferred" => Some(T.waits),
        _ if post.is_final => None,
        _ => Some(T.under_way),
    }
}

fn word_of(post: &StatusPost) -> &str {
    if post.phase == "scheduled" { "scheduled" } else { &post.state }
}

/// What the console lists as waiting: what `status` knows, and what was composed a moment ago.
async fn listed(console: &Console) -> Vec<(StatusPost, bool)> {
    let queued = console.posting.queue.all().unwrap_or_default();
    let queued_ids: Vec<&str> = queued.iter().filter_map(|it| it["id"].as_str()).collect();
    let known = posts(console).await;
    let accounts = known_accounts(console).await;
    let mut all = Vec::new();
    for entry in &queued {
        let id = entry["id"].as_str().unwrap_or_default();
        if known.iter().any(|post| post.id.as_deref() == Some(id)) {
            continue;
        }
        let text = |name: &str| entry.get(name).and_then(|it| it.as_str()).map(str::to_owned);
        let open_id = text("user_id").unwrap_or_default();
        let account = accounts.iter().find(|account| account.open_id == open_id);
        let post = StatusPost {
            id: Some(id.to_owned()),
            account: account.map_or_else(|| open_id.clone(), KnownAccount::name),
            open_id,
            video: text("video_path").or(text("video_url")).unwrap_or_else(|| T.photos.to_owned()),
            mode: text("mode").unwrap_or_default(),
            state: "queued".to_owned(),
            publish_at: text("publish_at").and_then(|at| at.parse().ok()),
            ..StatusPost::default()
        };
        all.push((post, true));
    }
    all.extend(known.into_iter().map(|post| {
        let is_ours = post.id.as_deref().is_some_and(|id| queued_ids.contains(&id));
        (post, is_ours)
    }));
    all
}

// Pages.

/// What matters now.
pub(super) async fn overview(console: &Console, visitor: &Visitor) -> OverviewPage {
    let listed = listed(console).await;
    let line = |post: &StatusPost| {
        let live =
            post.id.as_deref().and_then(|id| console.posting.live.of(id)).filter(|it| !it.ended);
        let word = live.as_ref().map_or(word_of(post), |live| &live.phase);
        let at = post.publish_at.or(post.not_before).map(|at| when(at).words);
        PartLine {
            id: post.id.clone(),
            name: name_of(&post.video),
            href: post.post.map(|number| format!("/posts/{number}")),
            state: state_words(word).to_owned(),
            tone: tone(word),
            more: std::iter::once(post.account_name()).chain(at).collect::<Vec<_>>().join(" · "),
        }
    };
    let of = |title: &'static str, empty, titles: &[&str]| {
        let lines =
            listed.iter().filter(|(post, _)| part(post).is_some_and(|it| titles.contains(&it)));
        Part { title, empty, lines: lines.map(|(post, _)| line(post)).collect() }
    };
    let mut parts = vec![
        of(T.needs_you, T.needs_you_none, &[T.failed]),
        of(T.under_way, T.under_way_none, &[T.under_way]),
        of(T.next, T.next_none, &[T.next, T.waits]),
    ];
    let sick = known_accounts(console)
        .await
        .into_iter()
        .filter(|it| it.health != "ok" && it.health != "refresh_due");
    parts[0].lines.extend(sick.map(|account| {
        let (health, tone) = health(&account.health);
        PartLine {
            id: None,
            name: account.name(),
            href: Some("/accounts".to_owned()),
            state: health.to_owned(),
            tone,
            more: account.needs_login.unwrap_or_default(),
        }
    }));
    let frame = frame(console, visitor, "/", T.overview);
    OverviewPage { t: T, frame, can_change: can_edit(visitor), parts }
}

/// What waits, is under way, and needs somebody.
pub(super) async fn queue(console: &Console, visitor: &Visitor) -> QueuePage {
    let listed = listed(console).await;
    let own = console.queue_folder();
    let mut groups: Vec<Group> = [T.failed, T.under_way, T.next, T.waits]
        .map(|title| Group { title, posts: Vec::new() })
        .into();
    for (post, is_ours) in listed {
        let Some(title) = part(&post) else { continue };
        let known = post.id.as_deref().and_then(|id| console.posting.live.of(id));
        // It is over, and about to leave the list.
        if known.as_ref().is_some_and(|it| it.ended && DONE.contains(&it.phase.as_str())) {
            continue;
        }
        let live = known.filter(|it| !it.ended);
        let is_begun = live.is_some() || post.publish_id.is_some();
        let word = live.as_ref().map_or(word_of(&post), |live| live.phase.as_str()).to_owned();
        let title = if live.is_some() { T.under_way } else { title };
        let progress = live.clone().unwrap_or_default();
        let (at, at_words) = match (post.publish_at, post.not_before) {
            _ if live.is_some() => (post.updated_at, T.since),
            (Some(at), _) => (Some(at), T.scheduled_for),
            (None, Some(at)) => (Some(at), T.not_before),
            (None, None) => (post.updated_at, T.since),
        };
        let manifest = post.manifest.as_deref();
        let manifest = manifest.filter(|path| !Path::new(path).starts_with(&own)).map(name_of);
        let row = QueuePost {
            key: post.id.clone().filter(|_| is_ours).unwrap_or_default(),
            id: post.id.clone(),
            number: post.post,
            name: name_of(&post.video),
            account: post.account_name(),
            manifest,
            state: state_words(&word).to_owned(),
            tone: tone(&word),
            at: at.map(when),
            at_words,
            words: progress.words.clone().or(post.message.clone()).unwrap_or_default(),
            hint: post.hint.clone().filter(|_| live.is_none()),
            clash: post.clash,
            sent: progress.sent,
            size: progress.size,
            numbers: numbers(&progress),
            is_ours: is_ours && !is_begun,
            is_unknown: is_unknown(&post),
        };
        if let Some(group) = groups.iter_mut().find(|group| group.title == title) {
            group.posts.push(row);
        }
    }
    groups.retain(|group| !group.posts.is_empty());
    let frame = frame(console, visitor, "/queue", T.queue);
    QueuePage { t: T, frame, can_change: can_edit(visitor), zone: zone_name(), groups }
}

/// A post, by its number.
pub(super) async fn post(console: &Console, visitor: &Visitor, number: u32) -> Option<PostPage> {
    let args = StatusArgs { post: Some(number.to_string()), ..StatusArgs::default() };
    let run = |context: Context| async move { status::look(&context, &args).await };
    let post: StatusPost = console.ask(run).await.all("status").pop()?;
    let made = made(console, None).await.into_iter().find(|made| made.post == number);
    // Where somebody is to look.
    let handle = if is_unknown(&post) {
        let (creator, _) = console.creator(&post.open_id).await;
        creator.ok().flatten().map(|creator| creator.username)
    } else {
        None
    };
    let word = word_of(&post).to_owned();
    let mut facts = Vec::new();
    let mut fact = |what, is: Option<String>| facts.extend(is.map(|is| Fact { what, is }));
    fact(T.account, Some(post.account_name()));
    fact(T.video, Some(post.video.clone()));
    fact(T.manifest, post.manifest.clone());
    fact(T.scheduled_for, post.publish_at.map(|at| when(at).words));
    fact(T.not_before, post.not_before.map(|at| when(at).words));
    fact(T.created, post.created_at.map(|at| when(at).words));
    fact(T.last_change, post.updated_at.map(|at| when(at).words));
    fact("publish_id", post.publish_id.clone());
    let attempts = post.history.iter().flatten().map(|attempt| {
        let time = |at: Option<Timestamp>| at.map(|at| when(at).words).unwrap_or_default();
        vec![
            attempt.attempt.to_string(),
            attempt.state.replace('_', " "),
            time(attempt.created_at),
            time(attempt.updated_at),
            attempt.publish_id.clone().unwrap_or_default(),
            attempt.message.clone().unwrap_or_default(),
            attempt.log_id.clone().unwrap_or_default(),
        ]
    });
    let is_url = post.video.starts_with("https://") || post.video.starts_with("http://");
    Some(PostPage {
        t: T,
        frame: frame(console, visitor, "/queue", &format!("{} {number}", T.post_title)),
        can_change: can_edit(visitor),
        number,
        id: post.id.clone(),
        state: state_words(&word).to_owned(),
        tone: tone(&word),
        message: post.message.clone(),
        hint: post.hint.clone(),
        urls: made.and_then(|made| made.url).into_iter().collect(),
        is_unknown: is_unknown(&post),
        is_pull: is_url && !post.is_final && post.publish_id.is_some(),
        profile: handle.and_then(|handle| profile_page(&handle)).map(String::from),
        attempts: attempts.collect(),
        facts,
    })
}

fn health(word: &str) -> (&'static str, &'static str) {
    match word {
        "ok" => (T.health_ok, "good"),
        "refresh_due" => (T.health_due, "calm"),
        "ends_soon" => (T.health_soon, "warn"),
        "exported" => (T.health_exported, "calm"),
        _ => (T.health_login, "bad"),
    }
}

/// The accounts.
pub(super) async fn accounts(console: &Console, visitor: &Visitor) -> AccountsPage {
    let known = known_accounts(console).await;
    let cards = known.into_iter().map(|account| {
        let (health, tone) = health(&account.health);
        AccountCard {
            name: account.name(),
            alias: account.alias.clone().unwrap_or_default(),
            display_name: account.display_name,
            app: account.app.unwrap_or_default(),
            scopes: account.scopes.join(", "),
            health,
            tone,
            is_paused: account.paused_since.is_some(),
            ends: account.refresh_expires_at.map(when),
            needs_login: account.needs_login,
            open_id: account.open_id,
        }
    });
    AccountsPage {
        t: T,
        frame: frame(console, visitor, "/accounts", T.accounts),
        can_change: visitor.role >= Role::Owner,
        accounts: cards.collect(),
        apps: console.app_names(),
    }
}

/// A login under way.
pub(super) fn login(console: &Console, visitor: &Visitor, id: &str) -> LoginPage {
    let state = console.logins.state(id).map(|state| state.borrow().clone());
    let mut frame = frame(console, visitor, "/accounts", T.login_title);
    let is_over = state.as_ref().is_none_or(|state| state.ended.is_some());
    if !is_over {
        frame.refresh = Some(3);
    }
    let Some(state) = state else {
        let id = id.to_owned();
        let notes = Vec::new();
        let state = T.login_gone.to_owned();
        return LoginPage { t: T, frame, id, state, code: None, visit: None, notes, is_over };
    };
    let (words, notes) = match &state.ended {
        Some(Ok(done)) => {
            let name = done.account.display_name.as_deref().unwrap_or(done.account.name());
            let missing = done.missing.iter().map(|scope| format!("`{scope}` was not granted"));
            (format!("{name} {}", T.login_over), missing.collect())
        }
        Some(Err(failed)) => (failed.message.clone(), failed.hint.clone().into_iter().collect()),
        None if state.scanned => (T.login_scanned.to_owned(), state.notes.clone()),
        None => (T.login_waiting.to_owned(), state.notes.clone()),
    };
    LoginPage {
        t: T,
        frame,
        id: id.to_owned(),
        state: words,
        code: state.code.as_deref().filter(|_| !is_over).and_then(draw::vector),
        visit: state.visit.as_ref().filter(|_| !is_over).map(ToString::to_string),
        notes,
        is_over,
    }
}

/// Where a post begins.
pub(super) async fn start(console: &Console, visitor: &Visitor, folder: &str) -> StartPage {
    let accounts = known_accounts(console).await;
    let names = |open_id: &str| {
        let known = accounts.iter().find(|account| account.open_id == open_id);
        known.map_or_else(|| open_id.to_owned(), KnownAccount::name)
    };
    let serve = console.context().settings.serve;
    let (mut errors, mut shown) = (Vec::new(), None);
    if !folder.is_empty() {
        let (path, roots) = (folder.to_owned(), serve.folders.clone());
        let listed =
            tokio::task::spawn_blocking(move || folders::list(Path::new(&path), &roots)).await;
        match listed {
            Ok(Ok(listing)) => shown = Some(folder_of(listing)),
            Ok(Err(error)) => errors.push(format!("{folder}: {}", text::chain(&error))),
            Err(_) => {}
        }
    }
    let drafts =
        console.posting.drafts.all().unwrap_or_default().into_iter().map(|draft| DraftLine {
            name: source_name(&draft),
            account: names(&draft.account),
            begun: when(draft.created_at),
            id: draft.id,
        });
    StartPage {
        t: T,
        frame: frame(console, visitor, "/compose", T.compose),
        drafts: drafts.collect(),
        errors,
        roots: serve.folders.iter().map(|folder| folder.display().to_string()).collect(),
        folder: shown,
        upload_limit: serve.upload_limit,
        upload_limit_words: format!("{} at most.", text::size(serve.upload_limit)),
        accounts: accounts
            .iter()
            .map(|it| AccountChoice { open_id: it.open_id.clone(), name: it.name() })
            .collect(),
    }
}

fn folder_of(listing: folders::Listing) -> Folder {
    let entry = |path: &Path, size: String| FolderEntry {
        path: path.display().to_string(),
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        size,
    };
    Folder {
        path: listing.path.display().to_string(),
        parent: listing.parent.map(|parent| parent.display().to_string()),
        folders: listing.folders.iter().map(|path| entry(path, String::new())).collect(),
        videos: listing.videos.iter().map(|(path, size)| entry(path, text::size(*size))).collect(),
        has_more: listing.has_more,
    }
}

fn source_name(draft: &Draft) -> String {
    match &draft.source {
        DraftSource::File { path } => name_of(&path.display().to_string()),
        DraftSource::Upload { name, .. } => name.clone(),
        DraftSource::Url { url } => text::without_query(url),
        DraftSource::Photos { urls } => format!("{} {}", urls.len(), T.photos.to_lowercase()),
    }
}

fn zone_name() -> String {
    clock::zone().iana_name().unwrap_or("UTC").to_owned()
}

/// The form of a post. `None`: there is no such draft any more.
pub(super) async fn compose(
    console: &Console,
    visitor: &Visitor,
    id: &str,
    wrong: Vec<Wrong>,
) -> Option<ComposePage> {
    let draft = console.posting.drafts.find(id).ok().flatten()?;
    let (creator, account) = console.creator(&draft.account).await;
    let is_photo = matches!(draft.source, DraftSource::Photos { .. });
    let (creator, refusal) = match creator {
        Ok(creator) => (creator, None),
        Err(failed) => {
            (None, Some(Message { good: false, text: failed.message, hint: failed.hint }))
        }
    };
    let media = console.measure(&draft).await;
    let (facts, warnings) = facts(media.as_ref(), creator.as_ref());
    let form = &draft.form;
    let scopes = account.as_ref().map(|account| account.scopes.clone()).unwrap_or_default();
    let has = |mode: Mode| scopes.iter().any(|scope| scope == mode.scope());
    let levels = creator.iter().flat_map(|creator| &creator.privacy_level_options);
    let nickname = match (&creator, &account) {
        (Some(creator), _) => creator.nickname.clone(),
        (None, Some(account)) => {
            account.display_name.clone().unwrap_or_else(|| account.account.clone())
        }
        (None, None) => draft.account.clone(),
    };
    Some(ComposePage {
        t: T,
        frame: frame(console, visitor, "/compose", T.compose),
        id: draft.id.clone(),
        refusal,
        errors: wrong
            .into_iter()
            .map(|it| FieldError { field: it.field.to_owned(), message: it.message })
            .collect(),
        avatar: creator.as_ref().and_then(|creator| creator.avatar_url.clone()),
        nickname,
        handle: creator.as_ref().map(|it| it.username.clone()).filter(|it| !it.is_empty()),
        is_photo,
        is_pulled: matches!(draft.source, DraftSource::Url { .. }),
        photos: match &draft.source {
            DraftSource::Photos { urls } => urls.clone(),
            _ => Vec::new(),
        },
        source_name: source_name(&draft),
        facts,
        warnings,
        caption_limit: if is_photo { 4000 } else { 2200 },
        levels: levels
            .map(|level| Level { value: level.clone(), words: level_words(level) })
            .collect(),
        interactions: interactions(&draft, creator.as_ref(), is_photo),
        can_direct: has(Mode::Direct),
        can_draft: has(Mode::Draft),
        zone: zone_name(),
        slots: console.slot_names(),
        form: Filled {
            title: form.title.clone(),
            caption: form.caption.clone(),
            privacy_level: form.privacy_level.clone(),
            disclose: form.disclose.is_some(),
            brand_organic: form.brand_organic.is_some(),
            brand_content: form.brand_content.is_some(),
            is_aigc: form.is_aigc.is_some(),
            auto_add_music: form.auto_add_music.is_some(),
            cover_ms: form.cover_ms.clone(),
            is_draft: form.is_draft() || !has(Mode::Direct),
            when: form.when.clone(),
            at: form.at.clone(),
            slot: form.slot.clone(),
        },
    })
}

fn level_words(level: &str) -> String {
    match level {
        "PUBLIC_TO_EVERYONE" => T.privacy_everyone.to_owned(),
        "MUTUAL_FOLLOW_FRIENDS" => T.privacy_friends.to_owned(),
        "FOLLOWER_OF_CREATOR" => T.privacy_followers.to_owned(),
        "SELF_ONLY" => T.privacy_self.to_owned(),
        other => other.to_owned(),
    }
}

fn interactions(draft: &Draft, creator: Option<&CreatorInfo>, is_photo: bool) -> Vec<Interaction> {
    let off = |of: fn(&CreatorInfo) -> bool| creator.is_some_and(of);
    let one = |name, words, given: &Option<String>, is_off| Interaction {
        name,
        words,
        checked: given.is_some(),
        is_off,
    };
    let form = &draft.form;
    let mut all =
        vec![one("allow_comment", T.comment, &form.allow_comment, off(|it| it.comment_disabled))];
    if !is_photo {
        all.push(one("allow_duet", T.duet, &form.allow_duet, off(|it| it.duet_disabled)));
        all.push(one("allow_stitch", T.stitch, &form.allow_stitch, off(|it| it.stitch_disabled)));
    }
    all
}

/// What was measured of a video, and what speaks against it.
fn facts(
    media: Option<&Result<Measured, String>>,
    creator: Option<&CreatorInfo>,
) -> (Vec<String>, Vec<String>) {
    let measured = match media {
        None => return (Vec::new(), Vec::new()),
        Some(Err(why)) => return (Vec::new(), vec![why.clone()]),
        Some(Ok(measured)) => measured,
    };
    let longest = creator.and_then(|creator| creator.max_video_duration);
    let mut parts = vec![text::size(measured.bytes)];
    parts.extend(measured.size.map(|(width, height)| format!("{width} × {height}")));
    parts.extend(measured.duration.map(|duration| match longest {
        Some(longest) => {
            format!("{:.1} s of at most {} s", duration.as_secs_f64(), longest.as_secs())
        }
        None => format!("{:.1} s", duration.as_secs_f64()),
    }));
    (vec![parts.join(" · ")], Vec::new())
}

/// What was posted, and when.
pub(super) async fn history(
    console: &Console,
    visitor: &Visitor,
    query: &HistoryQuery,
) -> TablePage {
    let account = Some(query.account.clone()).filter(|name| !name.is_empty());
    let made = made(console, account).await;
    let accounts = known_accounts(console).await;
    let is_shown = |post: &&HistoryPost| query.state.is_empty() || post.state == query.state;
    let rows = made.iter().filter(is_shown).map(|post| {
        let number =
            Cell { href: Some(format!("/posts/{}", post.post)), ..Cell::of(name_of(&post.video)) };
        let url = post.url.clone();
        let page = Cell {
            is_outside: true,
            ..Cell { href: url.clone(), ..Cell::of(url.map(|_| T.open_post).unwrap_or_default()) }
        };
        let count =
            |count: Option<u64>| Cell::of(count.map(|it| it.to_string()).unwrap_or_default());
        vec![
            Cell::of(when(post.posted_at).words),
            number,
            Cell::of(post.account_name()),
            Cell::of(state_words(&post.state)),
            page,
            count(post.views),
            count(post.likes),
        ]
    });
    let level =
        |value: &str, words: &str| Level { value: value.to_owned(), words: words.to_owned() };
    TablePage {
        t: T,
        frame: frame(console, visitor, "/history", T.history),
        filters: vec![
            Filter {
                name: "account",
                words: T.account,
                chosen: query.account.clone(),
                choices: accounts.iter().map(|it| level(&it.open_id, &it.name())).collect(),
            },
            Filter {
                name: "state",
                words: T.state,
                chosen: query.state.clone(),
                choices: ["published", "inbox"].map(|it| level(it, state_words(it))).into(),
            },
        ],
        downloads: vec![
            Link { href: "/history.csv".into(), words: T.csv.into() },
            Link { href: "/history.json".into(), words: T.json.into() },
        ],
        columns: vec![T.posted_at, T.video, T.account, T.state, T.url, T.views, T.likes],
        rows: rows.collect(),
        empty: T.history_none,
        empty_help: T.history_none_help,
    }
}

/// The same as a file.
pub(super) async fn history_file(console: &Console, as_csv: bool) -> String {
    let args = HistoryArgs { csv: as_csv, ..HistoryArgs::default() };
    if as_csv {
        return console
            .printed(|context| async move { history_command::run(&context, &args).await })
            .await;
    }
    let run = |context: Context| async move { history_command::run(&context, &args).await };
    let events = console.ask(run).await.events;
    let lines = events.iter().map(ToString::to_string);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Days with their posts.
pub(super) async fn calendar(
    console: &Console,
    visitor: &Visitor,
    query: &CalendarQuery,
) -> CalendarPage {
    let zone = clock::zone();
    let now = console.context().settings.clock.now();
    let today = now.to_zoned(zone.clone()).date();
    let at: Date = query.at.parse().unwrap_or(today);
    let is_week = query.view == "week";
    let monday =
        |day: Date| day.saturating_sub((i64::from(day.weekday().to_monday_zero_offset())).days());
    let (first, count, before, after) = if is_week {
        let first = monday(at);
        (first, 7, first.saturating_sub(7.days()), first.saturating_add(7.days()))
    } else {
        let month = at.first_of_month();
        let first = monday(month);
        let last = month.last_of_month();
        let weeks = (monday(last) - first).get_days() / 7 + 1;
        (first, weeks * 7, month.saturating_sub(1.month()), month.saturating_add(1.month()))
    };
    let posts = calendar_posts(console, zone).await;
    let days = (0..count).map(|nth| {
        let date = first.saturating_add(nth.days());
        let own = posts.iter().filter(|(day, _)| *day == date);
        Day {
            date: date.to_string(),
            words: date.strftime("%a %-d %b").to_string(),
            is_today: date == today,
            is_outside: !is_week && date.month() != at.month(),
            posts: own.map(|(_, post)| post()).collect(),
        }
    });
    let title =
        if is_week { format!("{} {first}", T.week) } else { at.strftime("%B %Y").to_string() };
    CalendarPage {
        t: T,
        frame: frame(console, visitor, "/calendar", &title),
        view: if is_week { "week" } else { "month" },
        other_view: if is_week { "month" } else { "week" },
        other_words: if is_week { T.month } else { T.week },
        at: at.to_string(),
        before: before.to_string(),
        after: after.to_string(),
        days: days.collect(),
    }
}

type DayPostOf = Box<dyn Fn() -> DayPost + Send + Sync>;

/// What was posted, and what is to be, by day and time.
async fn calendar_posts(console: &Console, zone: &TimeZone) -> Vec<(Date, DayPostOf)> {
    let mut all: Vec<(Timestamp, DayPostOf)> = Vec::new();
    let mut add = |at: Timestamp, name: &str, number: Option<u32>, account: &str, state: &str| {
        let time = at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
        let (name, account) = (name_of(name), account.to_owned());
        let (state, tone) = (state_words(state), tone(state));
        let post = move || DayPost {
            time: time.clone(),
            name: name.clone(),
            href: number.map(|number| format!("/posts/{number}")),
            account: account.clone(),
            state: state.to_owned(),
            tone,
        };
        all.push((at, Box::new(post)));
    };
    for post in made(console, None).await {
        add(post.posted_at, &post.video, Some(post.post), &post.account_name(), &post.state);
    }
    for (post, _) in listed(console).await {
        let at = post.publish_at.or(post.not_before).or(post.updated_at);
        if let (Some(at), true) = (at, part(&post).is_some()) {
            add(at, &post.video, post.post, &post.account_name(), word_of(&post));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(at, post)| (at.to_zoned(zone.clone()).date(), post)).collect()
}

/// What `doctor` found when it was asked last.
pub(super) fn doctor(console: &Console, visitor: &Visitor) -> DoctorPage {
    let findings = console.findings().into_iter().map(|found: Check| FindingLine {
        word: match (found.ok, &found.hint) {
            (false, _) => T.doctor_bad,
            (true, Some(_)) => T.doctor_todo,
            (true, None) => T.doctor_ok,
        },
        tone: match (found.ok, &found.hint) {
            (false, _) => "bad",
            (true, Some(_)) => "warn",
            (true, None) => "good",
        },
        check: found.what,
        message: found.message,
        hint: found.hint,
    });
    DoctorPage {
        t: T,
        frame: frame(console, visitor, "/doctor", T.doctor),
        can_run: can_edit(visitor),
        findings: findings.collect(),
    }
}

/// The settings in use.
pub(super) async fn settings(console: &Console, visitor: &Visitor) -> SettingsPage {
    let settings = console.settings_in_use().await.into_iter().map(|setting: Setting| {
        let value = match &setting.value {
            _ if setting.secret => T.secret.to_owned(),
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => String::new(),
            value => value.to_string(),
        };
        let from = setting.from.unwrap_or_default();
        let line = setting.line.map(|line| format!(", line {line}")).unwrap_or_default();
        (setting.key, value, format!("{from}{line}"))
    });
    SettingsPage {
        t: T,
        frame: frame(console, visitor, "/settings", T.settings),
        config_file: console.context().settings.home.config_file().display().to_string(),
        settings: settings.collect(),
        users: console.users(),
    }
}

/// TikTok's guidelines, and where they are met.
pub(super) fn guidelines(console: &Console, visitor: &Visitor) -> GuidelinesPage {
    let draft = console.posting.drafts.all().unwrap_or_default().into_iter().next();
    GuidelinesPage {
        t: T,
        frame: frame(console, visitor, "/guidelines", T.guidelines),
        points: points(),
        draft: draft.filter(|_| can_edit(visitor)).map(|draft| draft.id),
    }
}
