//! What a run leaves of its manifest, noted for `status`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{self, Path, PathBuf};

use jiff::Timestamp;

use crate::cli::RunArgs;
use crate::clock::Clock;
use crate::commands::Context;
use crate::commands::journal::post_of;
use crate::engine::{Engine, Event, PrepareError, Prepared, Refused};
use crate::exit::Exit;
use crate::model::account::{Account, Accounts};
use crate::model::{AccountDefaultsError, Phase, PostOutcome, PostState, RecordedPost, Transfer};
use crate::output::{Failure, Left, Matter, Needs, Notes, Why};
use crate::problem::{ErrorCode, ErrorKind};
use crate::process::is_gone;
use crate::settings::SettingsError;
use crate::source::Version;
use crate::store::{Journal, StoreError};
use crate::text;

use super::input::{InputError, PostList};

/// The posts of a run's manifest, as it leaves them. What is known of a post stays until this run has come
/// to it, so that one that is stopped, or killed, forgets nothing.
#[derive(Debug)]
pub(super) struct Leftovers<'a> {
    notes: &'a Notes,
    manifest: &'a str,
    clock: Clock,
    /// The posts of the manifest by their place in it, each as it is left as far as is known by now.
    posts: BTreeMap<usize, Place>,
    /// Posts that the manifest does not name any more and that another run is at.
    elsewhere: Vec<Left>,
    /// Those that were begun, until TikTok was asked for them and they are told of.
    untold: Vec<Left>,
    /// Whether this run has begun to make posts: then those that are due are in its hands.
    at_work: bool,
}

/// A post of an earlier run that this one does not come to.
#[derive(Debug)]
pub(super) struct Gone {
    left: Left,
    /// Whether another video lies where its own did, and is what the manifest names. Else it names nothing of it.
    replaced: bool,
}

#[derive(Debug)]
struct Place {
    /// The post, with nothing but its time to wait for.
    post: Left,
    /// What earlier runs left of it.
    before: Option<Left>,
    /// As it is left. `None`: nothing has to be told of it.
    left: Option<Left>,
    /// Whether the run has come to its end.
    ended: bool,
}

impl<'a> Leftovers<'a> {
    /// Of a run that begins: what waits for its time, and what earlier runs left of the others. `not_waiting`
    /// are those that wait for nothing although their time has not come. Nothing is noted yet.
    ///
    /// With it come the posts that earlier runs put off, or were killed at, and that the manifest does not name any
    /// more. Nobody may have been told of them: what is put off the next run makes.
    pub(super) fn begin(
        notes: &'a Notes,
        manifest: &'a str,
        clock: Clock,
        prepared: &Prepared,
        not_waiting: &BTreeSet<usize>,
    ) -> (Self, Vec<Gone>) {
        let (before, now) = (notes.last_run(manifest), clock.now());
        let (places, all): (Vec<_>, Vec<_>) = prepared
            .accounts
            .iter()
            .flat_map(|(account, posts)| posts.iter().map(move |prepared| (account, prepared)))
            .map(|(account, prepared)| {
                let post = Left {
                    account: account.open_id.clone(),
                    video: prepared.post_ref.video.clone(),
                    id: prepared.asked.id.clone(),
                    mode: prepared.asked.mode.as_str().to_owned(),
                    publish_at: prepared.asked.publish_at,
                    post: None,
                    file: prepared.version().map(|Version::File(identity)| identity),
                    why: None,
                };
                (prepared.post_ref.index, post)
            })
            .unzip();
        let known: Vec<_> =
            before.find_all(&all).into_iter().map(Option::<&Left>::cloned).collect();
        let mut posts = BTreeMap::new();
        let mut replaced = Vec::new();
        for ((index, post), before) in places.into_iter().zip(all).zip(known) {
            // What is known of the video that lay there says nothing of this one.
            let (gone, before): (Option<_>, Option<_>) = match before {
                Some(before) if before.was_replaced(&post) => (Some(before), None),
                before => (None, before),
            };
            let gone = gone.filter(|left| was_put_off(left) && !is_in_living_hands(left));
            replaced.extend(gone.map(|left| Gone { left, replaced: true }));
            let left = match before.as_ref().filter(|known| !known.is_scheduled()) {
                _ if not_waiting.contains(&index) => None,
                Some(known) => Some(Left { publish_at: post.publish_at, ..known.clone() }),
                None => {
                    let number = before.as_ref().and_then(|known| known.post);
                    waits(&post, now).map(|left| Left { post: number, ..left })
                }
            };
            posts.insert(index, Place { post, before, left, ended: false });
        }
        // With `--account` the same manifest is another account's, and with `--draft` of another mode.
        let is_of_run = |left: &Left| {
            let mut accounts = prepared.accounts.iter();
            posts.is_empty() || accounts.any(|(account, _)| account.open_id == left.account)
        };
        let named: HashSet<_> = posts.values().map(|place| place.post.name()).collect();
        // An `id` that is given, changed or taken away makes no other video of it.
        let mut videos: HashMap<_, Vec<&Left>> = HashMap::new();
        for post in posts.values().map(|place| &place.post) {
            videos.entry((&post.account, &post.video)).or_default().push(post);
        }
        let is_named = |left: &Left| {
            let same = videos.get(&(&left.account, &left.video));
            let mut all = posts.values().map(|place| &place.post);
            named.contains(&left.name())
                || same.is_some_and(|posts| posts.iter().any(|post| !left.lay_elsewhere(post)))
                || all.any(|post| left.account == post.account && left.was_moved_to(post))
        };
        let is_gone = |left: &&Left| was_put_off(left) && is_of_run(left) && !is_named(left);
        let gone = before.posts.iter().filter(is_gone).cloned();
        let (elsewhere, gone): (_, Vec<_>) = gone.partition(is_in_living_hands);
        let gone = gone.into_iter().map(|left| Gone { left, replaced: false });
        let gone = gone.chain(replaced).collect();
        (
            Self { notes, manifest, clock, posts, elsewhere, untold: Vec::new(), at_work: false },
            gone,
        )
    }

    /// Keeps posts that the manifest does not name any more until they are told of.
    fn keep(&mut self, begun: &[Gone]) {
        self.untold = begun.iter().map(|gone| gone.left.clone()).collect();
    }

    /// They are told of.
    pub(super) fn let_go(&mut self) {
        self.untold.clear();
    }

    /// Notes how a post ended its run.
    pub(super) fn event(&mut self, event: &Event) {
        if matches!(event, Event::Started { .. }) && !self.at_work {
            // A run that is killed says nothing more.
            self.at_work = true;
            self.note();
        }
        let Event::Ended(report) = event else { return };
        let now = self.clock.now();
        let Some(place) = self.posts.get_mut(&report.post_ref.index) else { return };
        place.ended = true;
        let number = report.number.map(|number| number.0);
        // Of another video that lay there the reason is another one.
        let is_it =
            |known: &&Left| known.post.is_none() || number.is_none() || known.post == number;
        let known = place.before.as_ref().filter(is_it);
        let is_early = place.post.publish_at.is_some_and(|at| at > now);
        place.left = match why(report, known, now) {
            // It waits for its time all the same.
            Some(_) if is_early && report.failure.is_some_and(ErrorKind::may_pass) => {
                Some(Left { post: number, ..place.post.clone() })
            }
            Some(why) => {
                // A run that is stopped may not have looked it up. Whose `id` is another post's has none.
                let inherited = known.and_then(|known| known.post);
                let post = number.or(inherited.filter(|_| !is_of_an_id(&why.code)));
                Some(Left { post, why: Some(why), ..place.post.clone() })
            }
            // Its time may have come meanwhile, and the next run takes it.
            None if report.state == PostState::Deferred => {
                Some(Left { post: number, ..place.post.clone() })
            }
            None => None,
        };
        let is_over = place.left.is_none() && place.before.is_some();
        let post = place.post.clone();
        // Another entry of the same name may go on waiting.
        let is_left = |place: &Place| place.left.as_ref().is_some_and(|left| left.is_same(&post));
        if is_over && !self.posts.values().any(is_left) {
            // At once, as nobody knows how long this run goes on.
            self.notes.is_done(self.manifest, &post);
        }
    }

    /// Notes what the run leaves, as far as it has come.
    pub(super) fn note(&self) {
        let now = self.clock.now();
        let in_hand = |place: &Place| {
            let is_due = place.post.publish_at.is_none_or(|at| at <= now);
            (self.at_work && !place.ended && is_due)
                .then(|| Left { why: Some(Why::in_hand(now)), ..place.post.clone() })
        };
        let left =
            self.posts.values().filter_map(|place| place.left.clone().or_else(|| in_hand(place)));
        let left = left.chain(self.elsewhere.iter().chain(&self.untold).cloned());
        let (untried, left) = left.partition(Left::is_in_other_hands);
        self.notes.leave(self.manifest, left, untried);
    }
}

/// What is to be noted of the posts that the run leaves; without an engine there are none. Says which posts have left
/// the manifest before they were made, and gives those that were begun.
pub(super) async fn leftovers<'a>(
    context: &'a Context,
    list: &PostList,
    notes: Option<(&'a Notes, &'a str)>,
    journal: &dyn Journal,
    accounts: &Accounts,
    engine: Option<&Engine>,
    prepared: &Prepared,
) -> Result<Option<(Leftovers<'a>, Vec<Gone>)>, StoreError> {
    let Some((notes, manifest)) = notes else { return Ok(None) };
    let not_waiting = match engine {
        Some(engine) => engine.not_waiting(prepared).await,
        None => BTreeSet::new(),
    };
    let (mut left, gone) =
        Leftovers::begin(notes, manifest, context.settings.clock, prepared, &not_waiting);
    let begun = tell_gone(context, list, journal, accounts, gone, false).await?;
    left.keep(&begun);
    left.note();
    Ok(Some((left, begun)))
}

/// Whether something was sent of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    No,
    Yes,
}

/// Says which posts have left their manifest before they were made. Gives those that were begun, of which nothing is
/// said until TikTok was asked for them: `asked`.
pub(super) async fn tell_gone(
    context: &Context,
    list: &PostList,
    journal: &dyn Journal,
    accounts: &Accounts,
    gone: Vec<Gone>,
    asked: bool,
) -> Result<Vec<Gone>, StoreError> {
    let mut begun = Vec::new();
    for gone in gone {
        let post = post_of(Some(journal), &gone.left).await?;
        match post.as_ref().map_or(Some(Begun::No), needs_a_run) {
            None => continue,
            // Before the video that lies there now the run makes sure of that one, and says what became of it.
            Some(Begun::Yes) if gone.replaced => continue,
            Some(Begun::Yes) if !asked => {
                begun.push(gone);
                continue;
            }
            Some(_) => {}
        }
        let is_unconfirmed =
            |post: &RecordedPost| matches!(post.phase(), Some(Phase::FinalIntent { .. }));
        if !list.tells_of_gone() && !post.as_ref().is_some_and(is_unconfirmed) {
            continue;
        }
        let account = &gone.left.account;
        let account = accounts.get(account).map_or(account.as_str(), Account::name);
        let words = gone_words(&gone, post.as_ref(), account);
        match &post {
            // Runs of other manifests come upon it as well.
            Some(post) if is_unconfirmed(post) => {
                context.printer.warn_once(&Matter::unconfirmed(post), words);
            }
            _ => context.printer.warn(words),
        }
    }
    Ok(begun)
}

/// Whether a post was begun of which nothing comes unless a run names it. `None`: something may.
fn needs_a_run(post: &RecordedPost) -> Option<Begun> {
    match post.phase() {
        _ if post.same_as.is_some() => None,
        None => Some(Begun::No),
        Some(Phase::InitIntent | Phase::FinalIntent { .. }) => Some(Begun::Yes),
        Some(Phase::Open { .. }) => (post.transfer() != Transfer::Pull).then_some(Begun::Yes),
        Some(phase) => phase.is_dead().then_some(Begun::No),
    }
}

/// Notes that a run of a manifest came to nothing. Not of a run that was to post once more, as the command
/// that `status` advises would not; nor of one that was given something else than a manifest.
pub(in crate::commands) fn note_refusal(
    notes: &Notes,
    args: &RunArgs,
    manifest: &str,
    failure: &Failure,
) {
    let stopped = matches!(failure.exit, Exit::Signal(_));
    if !stopped && !args.repost && (is_of_a_manifest(failure) || !is_named_like_a_video(manifest)) {
        notes.refused(manifest, failure, needs(failure));
    }
}

/// Whether a name is that of a video, which somebody may have named by mistake, and of no list of posts.
fn is_named_like_a_video(manifest: &str) -> bool {
    let extension = Path::new(manifest).extension().and_then(|extension| extension.to_str());
    let extension = extension.map(str::to_ascii_lowercase);
    matches!(extension.as_deref(), Some("mp4" | "m4v" | "mov" | "webm" | "mkv" | "avi"))
}

fn is_of_a_manifest(failure: &Failure) -> bool {
    let input = failure.error.downcast_ref();
    let other = matches!(input, Some(InputError::NotRegular { .. }));
    match failure.error.downcast_ref() {
        Some(PrepareError::Refused(refused)) => refused.is_manifest,
        _ => !other && failure.error.downcast_ref().is_none_or(|it: &Refused| it.is_manifest),
    }
}

/// What a run needed that came to nothing, if that is where it shows that the next one may go on.
fn needs(failure: &Failure) -> Option<Needs> {
    match failure.error.downcast_ref() {
        Some(SettingsError::NoApp(_)) => return Some(Needs::AnyApp),
        Some(SettingsError::Config { .. }) => return Some(Needs::Config),
        _ => {}
    }
    if failure.error.is::<AccountDefaultsError>() {
        return Some(Needs::Config);
    }
    if let Some(InputError::Missing { path, .. }) = failure.error.downcast_ref() {
        return files([path]);
    }
    match failure.error.downcast_ref()? {
        PrepareError::Nobody { needed, .. } => Some(Needs::Logins(needed.clone())),
        // Else there is something else to mend.
        PrepareError::Refused(refused) if refused.is_of_logins() => {
            Some(Needs::Logins(refused.missing_logins.clone()))
        }
        PrepareError::Refused(refused) if refused.is_of_files() => files(&refused.missing_files),
        _ => None,
    }
}

/// These files, wherever somebody looks from.
fn files<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Option<Needs> {
    let absolute = |path: &PathBuf| path::absolute(path).ok()?.to_str().map(ToOwned::to_owned);
    paths.into_iter().map(absolute).collect::<Option<_>>().map(Needs::Files)
}

/// Whether a process that still runs has it in hand.
fn is_in_living_hands(left: &Left) -> bool {
    let needs = left.why.as_ref().and_then(|why| why.needs.as_ref());
    matches!(needs, Some(Needs::Process(number)) if !is_gone(*number))
}

/// That a post of an account has left its manifest before it was made.
fn gone_words(gone: &Gone, post: Option<&RecordedPost>, account: &str) -> String {
    let Gone { left, replaced } = gone;
    let number = post.map(|post| format!(" (post {})", post.number)).unwrap_or_default();
    let id = left.id.as_ref().map(|id| format!(" (`id` \"{}\")", text::shown(id)));
    let video = format!("`{}`{}", text::shown(&left.video), id.unwrap_or_default());
    let was_in_hand = left.why.as_ref().is_some_and(Why::is_in_hand);
    let what = match post.and_then(RecordedPost::phase) {
        Some(Phase::FinalIntent { .. }) => {
            return format!(
                "{video} of {account}{number}: it is not known whether its last chunk has arrived, and this \
                 manifest does not name it any more; name it in a manifest once more: the next upload of that makes \
                 sure, and posts it if it did not arrive"
            );
        }
        Some(phase) if !phase.is_over() => "was cut off and not posted",
        _ if was_in_hand => "was not posted, as its run was cut off",
        _ => "was put off and not posted",
    };
    let why = left.why.as_ref().filter(|_| !was_in_hand);
    let why = why.map(|why| format!(" ({})", why.message)).unwrap_or_default();
    let rest = if *replaced {
        "another video lies where its own did: that is a post of its own. To have both, name the first one where it \
         lies now"
    } else {
        "this manifest does not name it any more, so no run of it makes the post. If it is still wanted, name it again"
    };
    format!("{video} of {account}{number} {what}{why}; {rest}")
}

/// Whether an earlier run left a post to those that follow.
fn was_put_off(left: &Left) -> bool {
    left.why.as_ref().is_some_and(|why| why.deferred || !why.failed)
}

/// A post whose time has not come.
fn waits(post: &Left, now: Timestamp) -> Option<Left> {
    post.publish_at.filter(|at| *at > now).map(|_| post.clone())
}

/// Whether a post is not made as its `id` is that of another one.
fn is_of_an_id(code: &str) -> bool {
    [ErrorCode::IdReused, ErrorCode::IdOfAnother, ErrorCode::IdWithoutFile, ErrorCode::IdPending]
        .iter()
        .any(|id| id.as_str() == code)
}

/// Why a post is not made after this run, if there is anything to be said of it.
fn why(report: &PostOutcome, known: Option<&Left>, now: Timestamp) -> Option<Why> {
    let is_free = known.is_some_and(|known| !known.is_in_other_hands());
    let known = known.and_then(|known| known.why.as_ref());
    let code = report.post_error.as_ref().map(|error| error.code.as_str());
    match (report.failure, report.state) {
        // What was found out before says more.
        (Some(ErrorKind::Interrupted(_)), _) if is_free && known.is_some() => known.cloned(),
        (_, PostState::Published | PostState::Inbox | PostState::Skipped | PostState::Planned) => {
            None
        }
        // TikTok is at work on it; `status` asks.
        _ if code == Some(ErrorCode::Processing.as_str()) => None,
        _ => Why::of(report, known, now),
    }
}
