//! A post as `status` lists it: where it stands and why, in words and for programs.

use jiff::Timestamp;
use tiktok_open::Code;

use super::event::{StatusEvent, post_ids};
use super::words::{
    NOT_POSTED, Place, is_temporary, is_unconfirmed, reason_of, state, waits_for_room, with_tiktok,
    word, words,
};
use crate::api::error_code;
use crate::engine::{failed_for_good, paused};
use crate::model::{
    Account, Failed, FileIdentity, LocalFile, Phase, PostNumber, PostState, RecordedPost,
};
use crate::output::{Left, Why, hint_of_code, lasts_long, moment, post_hint};
use crate::text;

/// A post as it is listed.
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) post: Known,
    /// What the last run says of why it is not made, if nothing came of it since.
    pub(super) why: Option<Why>,
    /// Whether it said what is mended by now, so that nothing is known to keep the next one from making it.
    pub(super) mended: bool,
    /// The time that it waits for, where the last run left it for nothing else.
    pub(super) scheduled: Option<Timestamp>,
    /// The later post that was made of another video which came to lie where its own did.
    pub(super) replaced_by: Option<PostNumber>,
    /// The manifest of that run.
    pub(super) manifest: Option<String>,
    pub(super) is_final: bool,
    /// Whether TikTok failed it so often that no run tries it again by itself.
    pub(super) given_up: bool,
    /// When it is worth another try, if that is still to come.
    pub(super) not_before: Option<Timestamp>,
}

pub(super) enum Known {
    Recorded(Box<RecordedPost>),
    /// Only a manifest has it.
    Left(Box<Left>),
}

impl Entry {
    /// A post that only a manifest has.
    pub(super) fn of(manifest: String, left: Left, mended: bool, now: Timestamp) -> Self {
        let why = left.why.clone().filter(|_| !mended);
        let failed = why.as_ref().is_some_and(|why| why.failed);
        let place = if failed { Place::Failed } else { Place::PutOff };
        let next = why.as_ref().map_or(left.publish_at, |why| why.not_before);
        let not_before = next.filter(|at| *at > now);
        let scheduled = left.publish_at.filter(|_| left.is_scheduled());
        let (post, manifest) = (Known::Left(Box::new(left)), Some(manifest));
        Self {
            place,
            post,
            why,
            mended,
            scheduled,
            replaced_by: None,
            manifest,
            is_final: false,
            given_up: false,
            not_before,
        }
    }

    /// When it is to go at the earliest, as its entry says.
    pub(super) fn publish_at(&self) -> Option<Timestamp> {
        match &self.post {
            Known::Recorded(post) => post.publish_at,
            Known::Left(left) => left.publish_at,
        }
    }

    /// When its turn comes among what waits: what is due first, of that what had a time before what had none, as
    /// `upload` takes them.
    pub(super) fn turn(&self) -> (Option<Timestamp>, bool, Option<Timestamp>) {
        let publish_at = self.publish_at().filter(|_| self.place == Place::PutOff);
        match self.not_before.filter(|_| self.place == Place::PutOff) {
            Some(at) => (Some(at), false, None),
            None => (None, publish_at.is_none(), publish_at),
        }
    }

    /// The minute that it is to go in, if that is still to come.
    pub(super) fn minute(&self, now: Timestamp) -> Option<i64> {
        let at = self.publish_at().filter(|at| self.place == Place::PutOff && *at > now)?;
        Some(at.as_second().div_euclid(60))
    }

    pub(super) fn recorded(&self) -> Option<&RecordedPost> {
        match &self.post {
            Known::Recorded(post) => Some(post),
            Known::Left(_) => None,
        }
    }

    pub(super) fn video(&self) -> &str {
        match &self.post {
            Known::Recorded(post) => &post.label,
            Known::Left(left) => &left.video,
        }
    }

    /// `open_id` of its account.
    pub(super) fn account(&self) -> &str {
        match &self.post {
            Known::Recorded(post) => &post.account,
            Known::Left(left) => &left.account,
        }
    }

    /// Whether somebody keeps it waiting.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.place, Place::PutOff | Place::UnderWay)
            && self.why.as_ref().is_some_and(Why::is_wanted)
    }

    /// Says that it waits as its account is paused, whatever else the last run left it for. Of what failed, and of
    /// what TikTok has, that is not the reason.
    pub(super) fn hold(&mut self, account: &Account, now: Timestamp) {
        let waits = matches!(self.place, Place::PutOff | Place::UnderWay) && !self.is_at_tiktok();
        let known = self.why.take().filter(|why| !why.is_wanted());
        let paused = account.paused_since.zip(paused(account)).filter(|_| waits);
        self.mended &= paused.is_none();
        self.why = paused.map(|(since, error)| Why::wanted(&error, since, now)).or(known);
    }

    pub(super) fn needs_somebody(&self, now: Timestamp) -> bool {
        if self.is_held() {
            return false;
        }
        (matches!(self.place, Place::Unknown | Place::Failed) && !self.is_dropped())
            // After a day runs have told it as well.
            || self.why.as_ref().is_some_and(|why| why.failed || lasts_long(why.since, now))
            || self.is_stuck(now)
    }

    /// Whether it was put off and no run has come to it since: it has left its manifest, as a run has said.
    fn is_dropped(&self) -> bool {
        let last = self.recorded().and_then(|post| post.last.as_ref());
        self.is_final
            && self.why.is_none()
            && last.is_some_and(|last| match last.phase {
                Phase::Lost | Phase::Abandoned => true,
                Phase::Rejected => is_temporary(last),
                Phase::Failed(Failed::Internal | Failed::Pull) => !self.given_up,
                _ => false,
            })
    }

    /// Whether it is not known for long whether TikTok has made it.
    pub(super) fn is_stuck(&self, now: Timestamp) -> bool {
        let last = self.recorded().filter(|post| is_unconfirmed(post));
        let last = last.and_then(|post| post.last.as_ref());
        let since = self.why.as_ref().map(|why| why.since).or(last.map(|last| last.updated_at));
        self.place == Place::UnderWay && since.is_some_and(|since| lasts_long(since, now))
    }

    /// Whether TikTok has it, or may have it.
    pub(super) fn is_at_tiktok(&self) -> bool {
        self.place == Place::UnderWay && self.recorded().is_some_and(with_tiktok)
    }

    /// Whether the journal knows how it ended, so that its own words are said of it.
    pub(super) fn is_told_by_the_journal(&self) -> bool {
        self.place == Place::Unknown || (self.is_final && self.recorded().is_some())
    }

    /// Why it is not made: a code and a sentence.
    pub(super) fn reason(&self) -> (Option<&str>, Option<&str>) {
        if let Some(why) = &self.why {
            return (Some(&why.code), Some(&why.message));
        }
        if self.mended || self.scheduled.is_some() {
            return (None, None);
        }
        let last = self.recorded().and_then(|post| post.last.as_ref());
        last.map_or((None, None), reason_of)
    }

    /// Whether nothing of it is there, and a later run makes it as soon as nothing keeps it from that.
    fn is_deferred(&self) -> bool {
        let is_begun = self.recorded().and_then(RecordedPost::phase);
        let waits = self.why.as_ref().is_some_and(|why| why.deferred || !why.failed);
        matches!(is_begun, None | Some(Phase::Rejected)) && (waits || self.mended)
    }

    pub(super) fn state_words(&self, now: Timestamp) -> String {
        let next = self.not_before.map(|at| format!(", not before {}", moment(at)));
        let next = next.unwrap_or_default();
        let has_room = !waits_for_room(self.reason().0);
        if let Some(at) = self.scheduled {
            // After its time only the next run keeps it waiting.
            let what = if at > now { "scheduled" } else { "due since, scheduled" };
            return format!("{what} for {}", moment(at));
        }
        match (&self.post, self.place) {
            (_, Place::PutOff) if !has_room => format!("waits for room{next}"),
            (_, Place::PutOff | Place::Failed) if self.is_deferred() => format!("deferred{next}"),
            (Known::Left(_), _) => "not made".to_owned(),
            (Known::Recorded(post), Place::Failed) if post.last.is_none() => {
                if self.why.is_some() { "not made" } else { words(post) }.to_owned()
            }
            (Known::Recorded(post), Place::PutOff) => format!("{}{next}", words(post)),
            (Known::Recorded(_), _) if self.given_up => "failed".to_owned(),
            (Known::Recorded(_), Place::Failed) if self.is_dropped() => NOT_POSTED.to_owned(),
            (Known::Recorded(post), _) => words(post).to_owned(),
        }
    }

    /// What to do about it, as the last run said, or as the journal has why TikTok refused or failed it.
    fn hint(&self) -> Option<String> {
        if let Some(why) = &self.why {
            return why.hint.clone();
        }
        // What kept one from being made that was dropped may have passed.
        let post = self.recorded().filter(|_| self.place == Place::Failed && !self.is_dropped())?;
        let last = post.last.as_ref()?;
        match last.phase {
            Phase::Failed(_) if !post.may_begin() || self.given_up => {
                post_hint(&failed_for_good(post.number, last))
            }
            Phase::Rejected => {
                let code = Code::from(last.code.as_deref()?);
                hint_of_code(error_code(&code)).map(str::to_owned)
            }
            _ => None,
        }
    }

    /// That it failed for good, and what to do then.
    pub(super) fn failure_words(&self, post: &RecordedPost) -> String {
        let n = post.number;
        let why = self.reason().1.map(|why| format!(" ({why})")).unwrap_or_default();
        if post.may_begin() && !self.given_up {
            if let Some(words) = self.elsewhere_words(post, &why) {
                return words;
            }
            let what = match post.phase() {
                _ if self.is_dropped() => "was not posted",
                Some(Phase::Rejected) => "was refused",
                _ => "failed",
            };
            let hint = self.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("post {n} {what}{why}{hint}; the next upload that names it tries again")
        } else {
            let hint = self.hint().unwrap_or_default();
            format!("post {n} failed{why}; {hint}")
        }
    }

    /// That it is not made yet, where no run says why.
    pub(super) fn put_off_words(&self, post: &RecordedPost) -> String {
        let n = post.number;
        let why = self.reason().1.map(|why| format!(" ({why})")).unwrap_or_default();
        if let Some(words) = self.elsewhere_words(post, &why) {
            return words;
        }
        let next = self.not_before.map(|at| format!(", not before {}", moment(at)));
        let next = next.unwrap_or_default();
        format!("post {n} is not posted yet{why}; the next upload that names it tries it{next}")
    }

    /// That a post is not made whose video does not lie any more where it did, with `why` behind what it is called.
    /// `None`: it lies there, or the post goes by its `id`.
    fn elsewhere_words(&self, post: &RecordedPost, why: &str) -> Option<String> {
        let file = post.file.as_ref().filter(|_| post.id.is_none())?;
        (self.replaced_by.is_some() || is_elsewhere(file)).then(|| {
            format!(
                "post {} was not posted{why}, and its video does not lie at {} any more; an upload that names it where \
                 it lies now tries it",
                post.number,
                text::quoted(&file.path)
            )
        })
    }

    /// It as `--json` tells of it, without its account.
    pub(super) fn event(&self) -> StatusEvent<'_> {
        let (reason, message) = self.reason();
        let last = self.recorded().and_then(|post| post.last.as_ref());
        let common = StatusEvent {
            event: "status",
            post: None,
            video: self.video(),
            id: None,
            mode: "",
            manifest: self.manifest.as_deref(),
            state: match &self.post {
                _ if self.mended => PostState::Deferred,
                _ if self.why.as_ref().is_some_and(|why| why.deferred) => PostState::Deferred,
                Known::Recorded(post) => state(self.place, post),
                Known::Left(_) if self.place == Place::Failed => PostState::Failed,
                Known::Left(_) => PostState::Deferred,
            }
            .as_str(),
            phase: String::new(),
            is_final: self.is_final,
            publish_at: None,
            not_before: self.not_before,
            clash: false,
            publish_id: last.and_then(|last| last.publish_id.as_deref()),
            post_ids: last.map(post_ids).unwrap_or_default(),
            attempts: last.map_or(0, |last| last.number),
            reason,
            message,
            hint: self.hint(),
            created_at: None,
            updated_at: None,
            evidence: None,
            history: None,
        };
        match &self.post {
            Known::Recorded(post) => StatusEvent {
                post: Some(post.number.0),
                id: post.id.as_deref(),
                mode: post.mode.as_str(),
                phase: match self.scheduled {
                    Some(_) => SCHEDULED.to_owned(),
                    None => word(if self.given_up { "failed" } else { words(post) }),
                },
                publish_at: post.publish_at,
                created_at: Some(post.created_at),
                updated_at: Some(last.map_or(post.created_at, |last| last.updated_at)),
                ..common
            },
            Known::Left(left) => StatusEvent {
                id: left.id.as_deref(),
                mode: &left.mode,
                phase: if self.scheduled.is_some() { SCHEDULED } else { "not_started" }.to_owned(),
                publish_at: left.publish_at,
                updated_at: left.why.as_ref().map(|why| why.seen),
                ..common
            },
        }
    }
}

/// Where a post stands that waits for its time, for scripts.
const SCHEDULED: &str = "scheduled";

/// Whether what lies at a file's path is surely not that file.
fn is_elsewhere(file: &LocalFile) -> bool {
    match std::fs::metadata(&file.path) {
        Ok(found) => FileIdentity::of(&found).is_surely_other(&file.identity),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
