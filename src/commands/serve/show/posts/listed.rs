//! What waits, is under way or needs somebody: what `status` knows, with what this console knows beyond it.

use jiff::Timestamp;

use super::known::{posts, told};
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::draft::is_id;
use crate::commands::serve::posting::live::Progress;
use crate::commands::serve::posting::queue::QueueEntry;
use crate::commands::serve::posting::worker::DONE;
use crate::commands::serve::read::{KnownAccount, Stage, StatusPost};
use crate::commands::serve::show::T;
use crate::commands::serve::standing::standing;
use crate::console::pages::{Choice, Message};
use crate::problem::ErrorCode;

/// A post that is listed.
pub(super) struct Listed {
    pub(super) post: StatusPost,
    pub(super) place: Place,
    /// Where it stands, as a state or a phase of docs/JSON.md.
    pub(super) word: String,
    /// How far a run of this console is, if one is at it.
    pub(super) progress: Option<Progress>,
    /// What somebody may do about it here.
    pub(super) choice: Option<Choice>,
}

/// Of which kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It failed, or its outcome is unknown.
    NeedsYou,
    UnderWay,
    /// It waits for its time.
    Next,
    /// It waits for something else.
    Waits,
}

impl Place {
    pub(super) const ALL: [Self; 4] = [Self::NeedsYou, Self::UnderWay, Self::Next, Self::Waits];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => T.failed,
            Self::UnderWay => T.under_way,
            Self::Next => T.next,
            Self::Waits => T.waits,
        }
    }
}

/// All of them, what was composed a moment ago first; and what of them cannot be read.
pub(super) async fn listed(console: &Console) -> (Vec<Listed>, Vec<Message>) {
    let (queued, unread) = console.posting.queue.readable();
    let mut unread: Vec<_> = unread.into_iter().map(told).collect();
    let held = console.posting.queue.failed().unwrap_or_else(|error| {
        unread.push(told(error));
        Vec::new()
    });
    let known = posts(console).await;
    // What another run has made meanwhile has failed nowhere.
    let made = if held.is_empty() {
        Vec::new()
    } else {
        standing(console.context()).await.unwrap_or_default()
    };
    let is_made = |entry: &QueueEntry| {
        made.iter().any(|post| is_of(post, entry) && post.stage() == Stage::Made)
    };
    let accounts = console.accounts().await;
    let now = console.context().settings.clock.now();
    let is_known = |entry: &QueueEntry| known.iter().any(|post| is_of(post, entry));
    // A write that failed may have left one in the queue as well, where it stands as what waits.
    let failed = held.iter().filter(|post| queued.iter().all(|entry| entry["id"] != post.id()));
    let composed = queued
        .iter()
        .filter(|entry| !is_known(entry))
        .map(|entry| StatusPost { state: "queued".to_owned(), ..of_entry(entry, &accounts) });
    let failed = failed.filter(|post| !is_known(&post.entry) && !is_made(&post.entry));
    let given_up = failed.map(|post| StatusPost {
        state: "failed".to_owned(),
        message: Some(post.why.message.clone()),
        hint: post.why.hint.clone(),
        ..of_entry(&post.entry, &accounts)
    });
    let all: Vec<_> = composed.chain(given_up).chain(known.iter().cloned()).collect();
    let all = all.into_iter().filter_map(|post| {
        let id = post.id.clone().unwrap_or_default();
        let entry = queued.iter().find(|entry| is_of(&post, entry));
        let why = held.iter().find(|held| entry.is_none() && held.id() == id);
        let stage = post.stage();
        let is_held = why.is_some() && stage != Stage::MayBeMade;
        let is_gone =
            entry.is_none() && why.is_none() && unread.is_empty() && stage == Stage::Waiting;
        if is_id(&id) && is_gone {
            // It was composed here, and taken out, or taken back to the form.
            return None;
        }
        let mut post = post;
        if let Some(entry) = entry.filter(|entry| !is_in_slot(Some(entry))) {
            // The last run may have known another time.
            let at = entry.get("publish_at").and_then(|at| at.as_str());
            post.publish_at = at.and_then(|at| at.parse().ok());
        }
        let live = console.posting.live.of(&id);
        if live.as_ref().is_some_and(|it| it.ended && DONE.contains(&it.phase.as_str())) {
            // It is over, and about to leave the list.
            return None;
        }
        let progress = live.filter(Progress::is_at_work);
        let is_ours = entry.is_some();
        let is_at_it = is_ours && console.workers.is_at(&post.open_id);
        let queued = Queued { is_ours, in_slot: is_in_slot(entry), is_at_it };
        let (place, word) = match place(&post, progress.as_ref(), queued, now)? {
            // Nothing tries it again by itself, whatever may pass.
            _ if is_held => (Place::NeedsYou, "failed".to_owned()),
            placed => placed,
        };
        let choice = match place {
            _ if post.state == "unresolved" => Some(Choice::Settle),
            _ if why.is_some_and(|it| it.why.replaced) => Some(Choice::LookAgain),
            _ if is_held => Some(Choice::TryAgain),
            Place::NeedsYou => None,
            _ => {
                (is_ours && progress.is_none() && stage == Stage::Waiting).then_some(Choice::Change)
            }
        };
        if let Some(why) = why.filter(|_| is_held) {
            let why = why.why.clone();
            (post.message, post.hint) = (Some(why.message), why.hint);
        }
        // What it failed for before it was asked for again; or the run that has it in hand is this console's.
        let is_past = is_ours && post.state == "failed" && place != Place::NeedsYou;
        if is_past || (is_at_it && is_busy(&post)) {
            (post.message, post.hint) = (None, None);
        }
        Some(Listed { post, place, word, progress, choice })
    });
    (all.collect(), unread)
}

/// What the queue of this console knows of a post.
#[derive(Clone, Copy, Debug)]
struct Queued {
    /// Whether it waits there.
    is_ours: bool,
    in_slot: bool,
    /// Whether a run of this console is at the account's posts.
    is_at_it: bool,
}

/// Where a post belongs, and how that is called; `None`: it is over.
fn place(
    post: &StatusPost,
    progress: Option<&Progress>,
    queued: Queued,
    now: Timestamp,
) -> Option<(Place, String)> {
    let Queued { is_ours, in_slot, is_at_it } = queued;
    let is_later = post.publish_at.map_or(in_slot, |at| at > now);
    let of = |place, word: &str| Some((place, word.to_owned()));
    if let Some(progress) = progress {
        return of(Place::UnderWay, &progress.phase);
    }
    match post.state.as_str() {
        // It is tried again, as somebody has asked for.
        "failed" if is_ours && is_later => of(Place::Next, "scheduled"),
        "failed" if is_ours => of(Place::UnderWay, "queued"),
        "failed" | "unresolved" => of(Place::NeedsYou, &post.state),
        "published" | "inbox" | "skipped" => None,
        "queued" | "deferred" if is_later || post.phase == "scheduled" => {
            of(Place::Next, "scheduled")
        }
        "queued" => of(Place::UnderWay, "queued"),
        "deferred" if is_at_it && is_busy(post) => of(Place::UnderWay, "queued"),
        "deferred" => of(Place::Waits, "deferred"),
        _ if post.is_final => None,
        _ => of(Place::UnderWay, &post.state),
    }
}

/// Whether a run keeps it waiting.
fn is_busy(post: &StatusPost) -> bool {
    post.reason.as_deref() == Some(ErrorCode::AccountBusy.as_str())
}

fn is_of(post: &StatusPost, entry: &QueueEntry) -> bool {
    post.id.as_deref().is_some_and(|id| entry["id"] == id)
}

/// Whether a post is to go in a slot, the time of which a run finds.
fn is_in_slot(entry: Option<&QueueEntry>) -> bool {
    let at = entry.and_then(|entry| entry.get("publish_at")?.as_str());
    at.is_some_and(|at| at.starts_with("next:"))
}

/// What an entry of the queue says of a post that no run has come to.
fn of_entry(entry: &QueueEntry, accounts: &[KnownAccount]) -> StatusPost {
    let text = |name: &str| entry.get(name).and_then(|it| it.as_str()).map(str::to_owned);
    let open_id = text("user_id").unwrap_or_default();
    let account = accounts.iter().find(|account| account.open_id == open_id);
    StatusPost {
        id: text("id"),
        account: account.map_or_else(|| open_id.clone(), KnownAccount::name),
        open_id,
        video: text("video_path").or(text("video_url")).unwrap_or_else(|| T.photos.to_owned()),
        mode: text("mode").unwrap_or_default(),
        publish_at: text("publish_at").and_then(|at| at.parse().ok()),
        ..StatusPost::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(post: &StatusPost, phase: Option<&str>, is_at_it: bool) -> Option<(Place, String)> {
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        let progress = phase.map(|phase| Progress { phase: phase.into(), ..Progress::default() });
        let queued = Queued { is_ours: false, in_slot: false, is_at_it };
        place(post, progress.as_ref(), queued, now)
    }

    fn post(state: &str, publish_at: Option<&str>, reason: Option<&str>) -> StatusPost {
        StatusPost {
            state: state.into(),
            publish_at: publish_at.map(|at| at.parse().unwrap()),
            reason: reason.map(str::to_owned),
            ..StatusPost::default()
        }
    }

    #[test]
    fn a_post_that_waits_for_its_time_is_not_under_way_while_a_run_is_at_others() {
        let later = Some("2026-01-01T13:00:00Z");
        let scheduled = Some((Place::Next, "scheduled".to_owned()));
        for is_at_it in [false, true] {
            assert_eq!(placed(&post("queued", later, None), None, is_at_it), scheduled);
            let busy = post("deferred", later, Some("account_busy"));
            assert_eq!(placed(&busy, None, is_at_it), scheduled);
        }
        let now = post("queued", None, None);
        assert_eq!(placed(&now, None, true), Some((Place::UnderWay, "queued".to_owned())));
        assert_eq!(placed(&now, Some("sending"), true).unwrap().1, "sending");
    }

    #[test]
    fn what_another_run_is_at_waits_and_what_failed_needs_somebody() {
        let busy = post("deferred", None, Some("account_busy"));
        assert_eq!(placed(&busy, None, false), Some((Place::Waits, "deferred".to_owned())));
        assert_eq!(placed(&busy, None, true), Some((Place::UnderWay, "queued".to_owned())));
        let failed = post("failed", Some("2026-01-01T13:00:00Z"), None);
        assert_eq!(placed(&failed, None, true).unwrap().0, Place::NeedsYou);
        assert_eq!(placed(&post("published", None, None), None, true), None);
    }
}
