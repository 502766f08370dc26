//! What `status` lists: the posts of the journal, and what the last run of each manifest left.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::entry::{Entry, Known};
use super::event::{attempts, history, ids, manifest_event};
use super::evidence::{AllEvidence, Evidence};
use super::mended::Mending;
use super::words::{
    Place, is_final, is_listed_still, is_unconfirmed, told, waits_for_room, with_tiktok,
};
use crate::cli::StatusArgs;
use crate::commands::{Context, about_known, about_post, journal};
use crate::engine::is_failed_for_good;
use crate::exit::Exit;
use crate::model::account::Accounts;
use crate::model::{
    Account, Failed, LocalFile, Mode, Phase, PostNumber, QuotaKind, RecordedPost, Transfer,
};
use crate::output::{Failure, Left, Needs, Notes, Refusal, Remains, Table, Why, moment};
use crate::problem::ErrorCode;
use crate::store::Journal;
use crate::text;

/// The most posts that are named one by one where the same is the matter with them.
const NAMED: usize = 3;

/// What is said where the cause of a wait is there no more.
const MENDED: &str = "nothing is known any more to be in the way, and the next upload tries again";

/// What a run of `status` lists.
pub(super) struct Listing<'a> {
    context: &'a Context,
    args: &'a StatusArgs,
    /// `None`: there is none, and so no recorded post.
    journal: Option<&'a dyn Journal>,
    accounts: &'a Accounts,
    now: Timestamp,
    /// Every post that was looked at, in the order in which they are listed.
    entries: Vec<Entry>,
    /// Manifests whose last run came to nothing, and whether what ended it is mended.
    refused: Vec<(String, Refusal, bool)>,
    /// What TikTok's list of videos tells of posts whose outcome is unknown.
    evidence: AllEvidence,
}

/// Why a post of the journal is not made, as the last run of a manifest has it.
struct Reason {
    manifest: String,
    why: Why,
    mended: bool,
}

/// What the manifests have of posts of the journal.
#[derive(Default)]
struct InManifests {
    /// Why the last run did not make a post.
    reasons: HashMap<PostNumber, Reason>,
    /// The times that posts wait for, and the manifest, where the last run left them for nothing else.
    scheduled: HashMap<PostNumber, (String, Timestamp)>,
}

impl<'a> Listing<'a> {
    /// Of these posts of the journal, and unless one was asked for, of what only manifests have.
    pub(super) async fn new(
        context: &'a Context,
        args: &'a StatusArgs,
        journal: Option<&'a dyn Journal>,
        accounts: &'a Accounts,
        posts: Vec<RecordedPost>,
    ) -> Result<Self, Failure> {
        let now = context.settings.clock.now();
        let remains = context.printer.notes().map(Notes::remains).unwrap_or_default();
        let Remains { posts: left, refused } = remains;
        let mending = Mending { context, accounts, now };
        let (mut known, mut of_manifests) = (InManifests::default(), Vec::new());
        for (manifest, left) in left {
            if refused.iter().any(|(of, refusal)| *of == manifest && is_outdated(&left, refusal)) {
                continue;
            }
            let mended = match &left.why {
                Some(why) => mending.of_post(&left, why).await,
                None => false,
            };
            let Some(post) = journal::post_of(journal, &left).await? else {
                if !left.is_scheduled() || !journal::is_made(journal, &manifest, &left).await? {
                    of_manifests.push((manifest, left, mended));
                }
                continue;
            };
            let (number, reasons) = (post.number, &mut known.reasons);
            match (&left.why, left.publish_at) {
                (Some(why), _) => {
                    if reasons.get(&number).is_none_or(|known| known.why.seen < why.seen) {
                        reasons.insert(number, Reason { manifest, why: why.clone(), mended });
                    }
                }
                // Another entry of the same content is told of by itself.
                (None, _) if reasons.contains_key(&number) => {
                    of_manifests.push((manifest, left, mended));
                }
                (None, Some(at)) => _ = known.scheduled.insert(number, (manifest, at)),
                (None, None) => {}
            }
        }
        let mut listing = Self {
            context,
            args,
            journal,
            accounts,
            now,
            entries: Vec::new(),
            refused: Vec::new(),
            evidence: AllEvidence::new(),
        };
        listing.record(posts, known).await?;
        if args.post.is_none() {
            let refused = refused.into_iter();
            listing.refused.extend(refused.map(|(manifest, refusal)| {
                let mended = mending.of_run(&refusal);
                (manifest, refusal, mended)
            }));
            let entries = of_manifests.into_iter();
            listing.entries.extend(
                entries.map(|(manifest, left, mended)| Entry::of(manifest, left, mended, now)),
            );
        }
        for entry in &mut listing.entries {
            if let Some(account) = accounts.get(entry.account()) {
                entry.hold(account, now);
            }
        }
        listing.entries.sort_by_key(|entry| {
            let number = entry.recorded().map(|post| post.number);
            (entry.place, entry.turn(), number.is_none(), number)
        });
        Ok(listing)
    }

    /// With what TikTok's list of videos tells of them.
    pub(super) fn with(self, evidence: AllEvidence) -> Self {
        Self { evidence, ..self }
    }

    /// Takes in the posts of the journal.
    async fn record(
        &mut self,
        posts: Vec<RecordedPost>,
        mut known: InManifests,
    ) -> Result<(), Failure> {
        let Some(journal) = self.journal else { return Ok(()) };
        for mut post in posts {
            let given_up =
                matches!(post.phase(), Some(Phase::Failed(Failed::Internal | Failed::Pull)))
                    && is_failed_for_good(&journal.attempts(post.number).await?);
            let is_superseded = is_superseded(journal, &post).await?;
            let is_final = is_superseded || is_final(&post, self.now, given_up);
            let mut place = match post.phase() {
                Some(Phase::Unresolved) => Place::Unknown,
                _ if is_superseded => Place::Over,
                // What was repeated on purpose is settled.
                Some(Phase::Failed(_) | Phase::Rejected)
                    if is_final
                        && (post.phase() != Some(Phase::Rejected)
                            || is_listed_still(&post, self.now))
                        && post.same_as.is_none()
                        && !journal.is_repeated(&post).await? =>
                {
                    Place::Failed
                }
                // Nobody may know that it left its manifest before it was made.
                Some(Phase::Lost | Phase::Abandoned)
                    if is_final
                        && is_listed_still(&post, self.now)
                        && post.same_as.is_none()
                        && !journal.is_repeated(&post).await? =>
                {
                    Place::Failed
                }
                _ if is_final => Place::Over,
                phase if phase.is_none_or(Phase::is_dead) => Place::PutOff,
                _ => Place::UnderWay,
            };
            let is_since =
                |why: &Why| post.last.as_ref().is_none_or(|last| last.updated_at <= why.seen);
            let reason = known.reasons.remove(&post.number).filter(|_| place != Place::Over);
            let reason = reason.filter(|reason| is_since(&reason.why));
            let mended = reason.as_ref().is_some_and(|reason| reason.mended);
            let failed = reason.as_ref().map(|reason| reason.why.failed && !mended);
            // However long ago TikTok refused it, the last run put it off.
            let put_off = post.phase() == Some(Phase::Rejected)
                && reason.as_ref().is_some_and(|it| it.mended || it.why.deferred || !it.why.failed);
            place = match (place, failed) {
                (Place::PutOff, Some(true)) => Place::Failed,
                (Place::Failed, Some(false)) if put_off => Place::PutOff,
                _ => place,
            };
            let is_waiting =
                reason.is_none() && place != Place::Over && !given_up && post.may_begin();
            let scheduled = known.scheduled.remove(&post.number).filter(|_| is_waiting);
            let is_final = is_final && !put_off && scheduled.is_none();
            let (manifest, why) = match (reason, &scheduled) {
                (Some(reason), _) => (Some(reason.manifest), Some(reason.why)),
                (None, Some((manifest, _))) => (Some(manifest.clone()), None),
                (None, None) => (None, None),
            };
            let scheduled = scheduled.map(|(_, at)| at);
            if scheduled.is_some() {
                (place, post.publish_at) = (Place::PutOff, scheduled);
            }
            let why = why.filter(|_| !mended);
            // Of one that was begun the journal says what becomes of it.
            let mended = mended && place == Place::PutOff;
            let next = match why.as_ref().and_then(|why| why.not_before) {
                Some(at) => Some(at),
                None if scheduled.is_some() => scheduled,
                None => self.room_at(&post).await?.or(post.publish_at),
            };
            let waits = !matches!(place, Place::Over | Place::UnderWay) && !is_final;
            let is_known = why.as_ref().is_some_and(|why| why.not_before.is_some());
            let not_before = next.filter(|at| *at > self.now && (waits || is_known));
            let is_over = place == Place::Over || post.id.is_some();
            let later = if is_over { None } else { later_of_its_place(journal, &post).await? };
            let is_other = |file: &LocalFile| {
                post.file.as_ref().is_some_and(|own| !is_same_content(file, own))
            };
            let later = later.filter(|later| later.file.as_ref().is_some_and(is_other));
            let replaced_by = later.map(|later| later.number);
            let post = Known::Recorded(Box::new(post));
            self.entries.push(Entry {
                place,
                post,
                why,
                mended,
                scheduled,
                replaced_by,
                manifest,
                is_final,
                given_up,
                not_before,
            });
        }
        Ok(())
    }

    /// Which of the entries are to go in the same minute as others of their account, in the order in which they are
    /// listed.
    fn clashes(&self) -> Vec<Vec<&Entry>> {
        let mut minutes: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
        let mut known = HashSet::new();
        for entry in &self.entries {
            let Some(minute) = entry.minute(self.now) else { continue };
            let minute = (minute, entry.account());
            // Two manifests may name the same one.
            if known.insert((minute, entry.video())) {
                minutes.entry(minute).or_default().push(entry);
            }
        }
        minutes.into_values().filter(|entries| entries.len() > 1).collect()
    }

    /// From when on TikTok is asked again whether there is room under the quota that put a post off.
    async fn room_at(&self, post: &RecordedPost) -> Result<Option<Timestamp>, Failure> {
        let Some(journal) = self.journal else { return Ok(None) };
        if !waits_for_room(post.last.as_ref().and_then(|last| last.code.as_deref())) {
            return Ok(None);
        }
        let of_mode = match post.mode {
            Mode::Direct => QuotaKind::Posts,
            Mode::Draft => QuotaKind::Drafts,
        };
        let mut room = None;
        for kind in [of_mode, QuotaKind::ActiveUsers] {
            room = room.max(journal.quota_full_until(&post.account, kind).await?);
        }
        Ok(room)
    }

    /// How the run ends, as far as the posts decide.
    pub(super) fn exit(&self) -> Exit {
        let exits = self.entries.iter().map(|entry| match (entry.place, &entry.post) {
            (Place::Unknown, _) => Exit::Unknown,
            (Place::Over, _) => Exit::Done,
            (Place::Failed, _) if entry.is_final => Exit::Done,
            _ if (entry.scheduled.is_some() || entry.is_held()) && !self.args.wait => Exit::Done,
            // Something was sent of it.
            (_, Known::Recorded(post))
                if !matches!(post.phase(), None | Some(Phase::Abandoned)) =>
            {
                Exit::Temporary
            }
            // Nothing of it is begun: the next upload comes to it.
            _ if self.args.wait => Exit::Temporary,
            _ => Exit::Done,
        });
        exits.fold(Exit::Done, Exit::worst)
    }

    /// A post that was asked for by its number, or every one.
    fn is_whole(&self) -> bool {
        self.args.all || self.args.post.is_some()
    }

    fn shown(&self) -> impl Iterator<Item = &Entry> {
        let printer = &self.context.printer;
        // Of a quiet run only what somebody has to do is wanted; programs pick it out themselves.
        let brief = printer.options().quiet && !printer.is_json();
        self.entries.iter().filter(move |entry| {
            self.is_whole()
                || (entry.place != Place::Over && (!brief || entry.needs_somebody(self.now)))
        })
    }

    /// Lists them. `complete`: whether nothing kept the run from asking TikTok.
    pub(super) async fn show(&self, complete: bool) -> Result<(), Failure> {
        let printer = &self.context.printer;
        for entry in self.shown() {
            // What is told here, runs under cron need not tell again.
            if let (Place::Failed | Place::Unknown, Some(post), Some(notes)) =
                (entry.place, entry.recorded(), printer.notes())
                && let Some(last) = &post.last
                && entry.is_told_by_the_journal()
                && last.phase != Phase::Rejected
            {
                notes.note(&told(post, last));
            }
        }
        if printer.is_json() {
            return self.show_json().await;
        }
        let with_reason = self.shown().any(|entry| entry.reason().0.is_some());
        let mut heading = vec!["POST", "ACCOUNT", "WHAT", "STATE", "SINCE"];
        heading.extend(with_reason.then_some("REASON"));
        heading.push("IDS");
        let mut table = Table::new(&heading);
        let mut rows = 0;
        for entry in self.shown() {
            rows += 1;
            table.row(self.row(entry, with_reason));
        }
        if rows > 0 {
            printer.table(&table);
        }
        if let (Some(_), Some(journal)) = (&self.args.post, self.journal) {
            for post in self.shown().filter_map(Entry::recorded) {
                attempts(self.context, &journal.attempts(post.number).await?);
            }
        }
        if rows == 0 && self.refused.is_empty() {
            let is_new = match self.journal {
                Some(journal) if self.entries.is_empty() => journal.is_empty().await?,
                _ => self.entries.is_empty(),
            };
            if is_new {
                printer.note("nothing was posted from here yet");
            } else if complete {
                printer.note("every post is final; `--all` lists them");
            }
        }
        self.advise();
        Ok(())
    }

    async fn show_json(&self) -> Result<(), Failure> {
        let printer = &self.context.printer;
        for (manifest, refusal, mended) in &self.refused {
            printer.json(&manifest_event(manifest, refusal, *mended));
        }
        let name = |entry: &Entry| (entry.account().to_owned(), entry.video().to_owned());
        let clashing: HashSet<_> = self.clashes().into_iter().flatten().map(name).collect();
        for entry in self.shown() {
            let mut event = entry.event();
            event.clash = entry.minute(self.now).is_some() && clashing.contains(&name(entry));
            let event = match (&entry.post, self.journal) {
                (Known::Recorded(post), Some(journal)) => {
                    if self.args.post.is_some() {
                        let attempts = journal.attempts(post.number).await?;
                        event.history = Some(attempts.iter().map(history).collect());
                    }
                    event.evidence = self.evidence.get(&post.number).map(Evidence::event);
                    about_post(self.accounts, post, json!(event))
                }
                (Known::Recorded(post), None) => about_post(self.accounts, post, json!(event)),
                (Known::Left(left), _) => {
                    about_known(self.accounts, &left.account, &left.account, json!(event))
                }
            };
            printer.json(&event);
        }
        Ok(())
    }

    fn account_of(&self, entry: &Entry) -> String {
        let (open_id, name) = match &entry.post {
            Known::Recorded(post) => (&post.account, post.username.as_ref()),
            Known::Left(left) => (&left.account, None),
        };
        let name = || name.unwrap_or(open_id).clone();
        self.accounts.get(open_id).map_or_else(name, |account: &Account| account.name().to_owned())
    }

    fn row(&self, entry: &Entry, with_reason: bool) -> Vec<String> {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let since = match (&entry.post, &entry.why) {
            (_, Some(why)) if !entry.is_told_by_the_journal() && !entry.is_at_tiktok() => {
                Some(why.since)
            }
            (Known::Recorded(post), _) => {
                Some(post.last.as_ref().map_or(post.created_at, |last| last.updated_at))
            }
            (Known::Left(_), _) => None,
        };
        let mut row = vec![
            or_dash(entry.recorded().map(|post| post.number.to_string())),
            self.account_of(entry),
            match entry.recorded().and_then(|post| post.elsewhere.as_ref()) {
                Some(host) => format!("{} (on {host})", entry.video()),
                None => entry.video().to_owned(),
            },
            entry.state_words(self.now),
            or_dash(since.map(moment)),
        ];
        row.extend(with_reason.then(|| or_dash(entry.reason().0.map(str::to_owned))));
        let last = entry.recorded().and_then(|post| post.last.as_ref());
        row.push(last.map(ids).unwrap_or_default());
        row
    }

    /// What somebody has to do, and what is waited for.
    fn advise(&self) {
        for (manifest, refusal, mended) in &self.refused {
            if *mended {
                let manifest = text::shown(manifest);
                self.say(false, format!("the last run of `{manifest}` came to nothing; {MENDED}"));
            } else {
                self.advise_on_manifest(manifest, refusal);
            }
        }
        let shown = || self.shown().filter(|entry| entry.place != Place::Over);
        for entry in shown() {
            match (entry.place, &entry.post) {
                (Place::Unknown, Known::Recorded(post)) => {
                    let n = post.number;
                    let listed = self.evidence.get(&n).map(|it| format!("{}; ", it.words()));
                    let listed = listed.unwrap_or_default();
                    self.context.printer.warn(format!(
                        "it is unknown whether post {n} was posted: {listed}look at the profile, then run \
                         `tiktok-up resolve {n} --posted` or `tiktok-up resolve {n} --not-posted`"
                    ));
                }
                (Place::Failed, Known::Recorded(post)) if entry.is_final && !self.args.all => {
                    self.say(true, entry.failure_words(post));
                }
                _ => {}
            }
        }
        if self.args.all {
            return;
        }
        // One line for each cause, in the order of the posts.
        let mut causes: Vec<(&Why, Vec<&Entry>)> = Vec::new();
        let mut places = HashMap::new();
        for entry in shown().filter(|entry| !entry.is_told_by_the_journal()) {
            let Some(why) = &entry.why else { continue };
            let cause = (why.words(), entry.is_at_tiktok());
            let place = *places.entry(cause).or_insert(causes.len());
            match causes.get_mut(place) {
                Some((_, entries)) => entries.push(entry),
                None => causes.push((why, vec![entry])),
            }
        }
        for (why, entries) in causes {
            let needed = entries.iter().any(|entry| entry.needs_somebody(self.now));
            self.say(needed, self.why_words(&entries, why));
        }
        self.advise_on_the_rest(&shown().collect::<Vec<_>>());
    }

    fn advise_on_manifest(&self, manifest: &str, refusal: &Refusal) {
        let refused = if refusal.is_of_manifest() { "was refused" } else { "came to nothing" };
        let what = format!(
            "the last run of `{}` {refused} (so since {}): {}",
            text::shown(manifest),
            moment(refusal.since),
            refusal.line()
        );
        let all = refusal.is_of_manifest() && refusal.message.contains('\n');
        let is_gone = manifest.starts_with('/') && !Path::new(manifest).exists();
        let is_told = matches!(&refusal.needs, Some(Needs::Files(paths)) if paths == &[manifest]);
        self.say(
            refusal.exit != Exit::Temporary.code(),
            match &refusal.hint {
                // What it asked for is not known any more.
                _ if refusal.is_of_manifest() && is_gone && !is_told => {
                    format!("{what} (it is not there any more)")
                }
                _ if all && manifest.starts_with('/') => {
                    let path = text::quoted(Path::new(manifest));
                    format!("{what} (run `tiktok-up upload --dry-run {path}` for all)")
                }
                Some(hint) => format!("{what}; {hint}"),
                None => what,
            },
        );
    }

    /// What waits without a word of the last run.
    fn advise_on_the_rest(&self, shown: &[&Entry]) {
        let silent =
            || shown.iter().copied().filter(|entry| entry.why.is_none() && !entry.is_final);
        let mended: Vec<_> = silent().filter(|entry| entry.mended).collect();
        if !mended.is_empty() {
            let wait = if mended.len() == 1 { "waits" } else { "wait" };
            self.say(false, format!("{} {wait}; {MENDED}", self.names(&mended)));
        }
        let mut at_tiktok = Vec::new();
        for entry in silent().filter(|entry| !entry.mended && entry.scheduled.is_none()) {
            let Known::Recorded(post) = &entry.post else { continue };
            match entry.place {
                Place::UnderWay if is_unconfirmed(post) => self.say(
                    entry.is_stuck(self.now),
                    format!(
                        "whether the last chunk of post {} has arrived is not known; the run that is at it, or \
                         the next upload that names it, makes sure and goes on: if no manifest names it any more, \
                         name it in one",
                        post.number
                    ),
                ),
                Place::UnderWay if with_tiktok(post) => at_tiktok.push(entry),
                Place::UnderWay if post.phase() == Some(Phase::InitIntent) => {
                    self.say(entry.is_stuck(self.now), begun_words(post));
                }
                Place::UnderWay => self.say(
                    entry.is_stuck(self.now),
                    format!(
                        "post {} is not sent whole yet; the run that is at it, or the next upload that names it, goes on: \
                         if no manifest names it any more, name it in one, or leave it",
                        post.number
                    ),
                ),
                Place::PutOff => self.say(false, entry.put_off_words(post)),
                _ => {}
            }
        }
        if !at_tiktok.is_empty() {
            let names = self.names(&at_tiktok);
            let stuck = at_tiktok.iter().any(|entry| entry.is_stuck(self.now));
            self.say(stuck, format!("TikTok is at work on {names}; `tiktok-up status` asks again"));
        }
        for clash in self.clashes() {
            let time = clash.iter().find_map(|entry| entry.publish_at()).map(moment);
            self.say(
                false,
                format!(
                    "{} are to go in the same minute ({}): one after the other then",
                    self.names(&clash),
                    time.unwrap_or_default()
                ),
            );
        }
        if self.args.wait && silent().any(|entry| entry.scheduled.is_some()) {
            self.say(false, "what waits for its time is not final".to_owned());
        }
    }

    /// Says something; a quiet run only what somebody has to heed.
    fn say(&self, needs_somebody: bool, text: String) {
        let printer = &self.context.printer;
        if needs_somebody { printer.demand(text) } else { printer.talk(text) }
    }

    /// Why these posts are not made, all of them for the same reason.
    fn why_words(&self, entries: &[&Entry], why: &Why) -> String {
        let at_tiktok = entries.iter().any(|entry| entry.is_at_tiktok());
        let what = match (why.failed && !why.deferred, entries.len()) {
            // It may be there.
            (true, _) if at_tiktok => "cannot be asked for",
            (true, 1) => "was not made",
            (true, _) => "were not made",
            (false, 1) => "waits",
            (false, _) => "wait",
        };
        let since =
            entries.iter().filter_map(|entry| entry.why.as_ref()).map(|why| why.since).min();
        let since = moment(since.unwrap_or(why.since));
        let next = first_turn(entries).unwrap_or_default();
        let hint = why.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{} {what} (since {since}{next}): {}{hint}", self.names(entries), why.message)
    }

    /// What some posts are called.
    fn names(&self, entries: &[&Entry]) -> String {
        let name = |entry: &&Entry| match &entry.post {
            Known::Recorded(post) => format!("post {}", post.number),
            Known::Left(left) => {
                format!("`{}` of {}", text::shown(&left.video), self.account_of(entry))
            }
        };
        let mut names: Vec<_> = entries.iter().take(NAMED).map(name).collect();
        match entries.len().saturating_sub(NAMED) {
            0 => {}
            more => names.push(format!("{more} more")),
        }
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// When the first of these posts is worth a try. `None`: one of them is at any time.
fn first_turn(entries: &[&Entry]) -> Option<String> {
    let turns = entries.iter().map(|entry| entry.not_before.map(moment));
    let (first, last) = (entries.iter().map(|entry| entry.not_before).min()??, turns.max()??);
    let first = moment(first);
    let differ = if first == last { "" } else { "the first " };
    Some(format!(", {differ}not before {first}"))
}

/// Whether a later run, which came to nothing, has looked at a file that was still being written: what it said of the
/// manifest holds now.
fn is_outdated(left: &Left, refusal: &Refusal) -> bool {
    let unfinished = left.why.as_ref().filter(|why| why.code == ErrorCode::FileUnfinished.as_str());
    unfinished.is_some_and(|why| why.seen < refusal.seen && refusal.is_of_manifest())
}

/// Whether another video that came to lie where that of a post did of which nothing came was posted since: the file was
/// mended, or the next one has its name. A post with an `id` is made of the other one itself, unless that is the same
/// video under another `id`.
async fn is_superseded(journal: &dyn Journal, post: &RecordedPost) -> Result<bool, Failure> {
    let by_hand = Some(ErrorCode::ResolvedByHand.as_str());
    let is_of_that_kind = match &post.last {
        None => true,
        Some(last) => match last.phase {
            Phase::Failed(_) | Phase::Rejected => true,
            Phase::Lost | Phase::Abandoned => last.code.as_deref() == by_hand,
            _ => false,
        },
    };
    let Some(file) = &post.file else { return Ok(false) };
    let Some(other) = later_of_its_place(journal, post).await? else { return Ok(false) };
    // Under another `id` it is another post, unless it is the same video.
    let is_same = other.file.as_ref().is_some_and(|other| is_same_content(other, file));
    let counts = if post.id.is_none() {
        is_of_that_kind
    } else {
        is_same && post.phase().is_none_or(Phase::is_dead)
    };
    Ok(counts && other.phase().is_some_and(Phase::is_done))
}

/// The latest post that was made of what came to lie where its file did.
async fn later_of_its_place(
    journal: &dyn Journal,
    post: &RecordedPost,
) -> Result<Option<RecordedPost>, Failure> {
    let Some(file) = &post.file else { return Ok(None) };
    let other = journal.find_by_path(&post.account, post.mode, &file.path).await?;
    Ok(other.filter(|other| other.number > post.number))
}

/// Nobody may have read one of them.
fn is_same_content(one: &LocalFile, other: &LocalFile) -> bool {
    match (&one.fingerprint, &other.fingerprint) {
        (Some(one), Some(other)) => one == other,
        _ => one.identity == other.identity,
    }
}

/// What is told of a post of which only its beginning is recorded: TikTok may have been asked for it, or not.
fn begun_words(post: &RecordedPost) -> String {
    let number = post.number;
    if post.transfer() == Transfer::Pull {
        return format!(
            "post {number} was about to be asked for at TikTok, which may have been told and may post it; the run that is \
             at it may still find out. If none is, look at the profile, then run `tiktok-up resolve {number} --posted` or \
             `tiktok-up resolve {number} --not-posted`"
        );
    }
    format!(
        "post {number} was about to be begun at TikTok, which may have been told, and has none of its bytes: no post comes \
         of that; the run that is at it, or the next upload that names it, goes on: if no manifest names it any more, name \
         it in one, or leave it"
    )
}
