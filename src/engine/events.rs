//! What a run of the engine says while it works: one stream of typed events, in the order in which they
//! happened to each post.
//!
//! The stream is a queue. The accounts' tasks put events in and never wait for a reader, so that neither a
//! stopped terminal nor a slow listener keeps an upload from going on. Whoever drives the run takes them
//! out ([`Events::next`]) and hands them to as many listeners as there are.
//!
//! - **Nothing that counts is lost or overtaken**: the exit code, the counts and the JSON output are made
//!   from [`Event::Ended`], of which there is one for every post. The queue keeps the order and drops none.
//! - **Memory stays bounded**: only [`Progress::Position`] comes without end, ten times a second. As long as
//!   [`UNREAD`] events wait to be read, positions are left out; the next one says more. Of all others a
//!   post has only so many as its chunks and tries allow.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::{PostNumber, PostOutcome, PostRef};

/// So many events may wait to be read before positions are left out.
const UNREAD: usize = 64;

/// What happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Work on a post begins. Not said of posts that are not due or not tried.
    Started {
        /// Which post.
        post: PostRef,
    },
    /// Something happened to a post.
    Progress {
        /// Which post.
        post: PostRef,
        /// What.
        progress: Progress,
    },
    /// A post ended its run. Comes once for every post of the run, after all else about it.
    Ended(Box<PostOutcome>),
    /// A post that an earlier run began, and that the manifest does not name, came to its end.
    Settled {
        /// `open_id` of its account.
        account: String,
        /// What came of it; it has no place in the manifest.
        outcome: Box<PostOutcome>,
    },
    /// What TikTok's limits leave to an account. Only a dry run says it, once for each account that it
    /// would make posts for.
    Quota(QuotaLeft),
}

/// What happened to a post short of its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    /// The creator that TikTok named for this account, shown as its guidelines ask.
    Creator {
        /// Display name.
        nickname: String,
    },
    /// An upload begins or goes on.
    Sending {
        /// Size in bytes.
        size: u64,
        /// Bytes already stored at TikTok.
        stored: u64,
        /// Number of chunks.
        chunks: u32,
    },
    /// The position in the file up to which bytes were handed to the socket.
    Position {
        /// In bytes.
        sent: u64,
    },
    /// A chunk is stored.
    ChunkStored {
        /// Number of the chunk, from 1.
        chunk: u32,
        /// Number of chunks.
        of: u32,
    },
    /// Something failed and is tried again.
    Retrying {
        /// What failed, as the error says it.
        why: String,
        /// Number of the coming try, from 2.
        attempt: u32,
        /// The most tries.
        of: u32,
        /// The pause before it.
        wait: Duration,
    },
    /// A pause.
    Waiting {
        /// What is waited for.
        why: WaitReason,
        /// How long.
        wait: Duration,
    },
    /// TikTok has every byte (or pulls them itself) and works on the post.
    Processing,
    /// Worth a line, no cause for worry.
    Note(Note),
    /// Worth a line, and perhaps an act.
    Warning(Warning),
    /// The same of a post whose time has not come, found out by every run until then.
    Early(Warning),
}

/// Why a run pauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WaitReason {
    /// The calls of a minute are used up, this program's own count over all processes.
    Quota {
        /// Calls that TikTok takes in a minute.
        limit: u32,
    },
    /// TikTok answered with a rate limit.
    SlowDown,
    /// An init of a file got no answer, or none that tells what became of it. It cannot have posted anything.
    InitUnclear {
        /// What came instead, in words.
        came: String,
    },
    /// The second of two looks that prove that the final chunk never arrived.
    Proof,
    /// A signal came, and the answer to the final chunk is waited for all the same.
    FinalAnswer,
}

/// What is worth a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Another file lies where the one of the attempt was; the upload starts over.
    FileReplaced,
    /// The entry asks for other settings than its upload was begun with; it starts over.
    SettingsChanged,
    /// TikTok failed the post for a reason that permits another attempt.
    TryingOnceMore {
        /// The reason, in words.
        why: String,
    },
    /// TikTok takes no more bytes of the upload that was begun; it starts over.
    UploadAbandoned,
    /// A status cannot be had now; it is asked for again.
    NoStatusYet {
        /// Why, in words.
        why: String,
    },
    /// TikTok does not know the `publish_id` yet; it is asked again.
    IdUnknownYet,
    /// The file is another one than that of a post that was made of what lay there before.
    AnotherVideo {
        /// That post.
        post: PostNumber,
    },
    /// The post is a repost that an earlier run was asked for.
    FinishingRepost,
}

/// What is worth a line and perhaps an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// The entry asks for other settings by now, and TikTok has the post with the earlier ones.
    SettingsChangedTooLate,
    /// A post that an earlier run began was not made, and another video lies where its own did, or has its `id`.
    NotPosted {
        /// That post.
        post: PostNumber,
        /// The `id` that the other video has.
        id: Option<String>,
    },
    /// The file is a link to what is not there; a post was made of what it led to before.
    LinkToNothing {
        /// That post.
        post: PostNumber,
        /// Where it leads.
        target: PathBuf,
    },
    /// TikTok made more than one post.
    SeveralPosts {
        /// Their ids.
        ids: Vec<u64>,
    },
    /// At the speed so far the upload does not end within the life of its URL.
    SlowLink {
        /// How long it takes at this speed.
        takes: Duration,
        /// How long TikTok takes bytes.
        life: Duration,
    },
    /// The content was posted under another `id`, or may have been; it is posted all the same.
    SameContent {
        /// That post.
        post: PostNumber,
        /// Its path or URL.
        label: String,
        /// Its `id`.
        id: String,
        /// The `id` of this one.
        own: String,
        /// Whether it is not known yet whether that post was made.
        is_open: bool,
    },
    /// The content is that of an earlier entry of the manifest with another `id`; it is posted once more.
    SameContentHere {
        /// The place of that entry.
        first: usize,
        /// Its `id`.
        id: String,
        /// The `id` of this one.
        own: String,
    },
    /// The video is longer than this creator may post, and is sent all the same, as was asked for.
    TooLong {
        /// How long it lasts.
        lasts: Duration,
        /// The longest that the creator may post.
        limit: Duration,
    },
    /// Something in the entry was hardly meant so.
    Doubt {
        /// What, in a sentence.
        what: String,
    },
    /// The time of the post is so far ahead that it was hardly meant so.
    FarAhead {
        /// Its time.
        at: Timestamp,
        /// How far ahead it is.
        wait: SignedDuration,
    },
    /// The file is gone, and the entry asks for something else than the post that was made of a file there.
    GoneAndChanged {
        /// That post.
        post: PostNumber,
    },
    /// A draft goes without settings of its entry, as every draft does.
    LeftToApp {
        /// Which, in a sentence.
        what: String,
    },
    /// A post of the same address but for the query is known.
    SameAddress {
        /// That post.
        post: PostNumber,
    },
}

/// What TikTok's limits leave to an account, as far as this program counts along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuotaLeft {
    /// What people call the account.
    pub(crate) account: String,
    /// Posts that may be begun within the coming minute at once.
    pub(crate) inits: u32,
    /// Posts that TikTok takes a minute.
    pub(crate) inits_a_minute: u32,
    /// Drafts that the inbox has room for; `None`: the run would make no draft for this account.
    pub(crate) drafts: Option<u32>,
    /// Drafts that TikTok lets wait in an inbox within 24 hours.
    pub(crate) drafts_a_day: u32,
    /// From when on TikTok is asked again, as it said, or this program counted, that a limit of 24 hours is
    /// full. `None`: none is, as far as is known. How many posts a day it takes of an account TikTok does not
    /// tell.
    pub(crate) full_until: Option<Timestamp>,
    /// The drafts for which those of the same manifest that go before them leave no room, by their places in
    /// it.
    pub(crate) waiting: Vec<usize>,
    /// Whether any post may be begun now.
    pub(crate) has_room: bool,
}

/// The end of the stream at which events are put in. Clones feed the same stream.
#[derive(Clone, Debug)]
pub(crate) struct EventSender {
    /// `None`: nobody listens.
    queue: Option<mpsc::UnboundedSender<Event>>,
    /// Events that were put in and not taken out.
    unread: Arc<AtomicUsize>,
}

/// The events of a run, and the run itself: it goes on in tasks of its own, and is stopped where it stands
/// when this is dropped.
#[derive(Debug)]
pub(crate) struct Events {
    queue: mpsc::UnboundedReceiver<Event>,
    unread: Arc<AtomicUsize>,
    run: JoinSet<()>,
}

impl EventSender {
    /// For work that nobody follows.
    pub(super) fn silent() -> Self {
        Self { queue: None, unread: Arc::default() }
    }

    /// Says that something happened to a post.
    pub(super) fn progress(&self, post: &PostRef, progress: Progress) {
        if matches!(progress, Progress::Position { .. })
            && self.unread.load(Ordering::Relaxed) >= UNREAD
        {
            return;
        }
        self.send(Event::Progress { post: post.clone(), progress });
    }

    /// Says how a post ended its run.
    pub(super) fn ended(&self, outcome: PostOutcome) {
        self.send(Event::Ended(Box::new(outcome)));
    }

    /// Puts an event into the stream. Without a reader it is lost with the run.
    pub(super) fn send(&self, event: Event) {
        let Some(queue) = &self.queue else { return };
        self.unread.fetch_add(1, Ordering::Relaxed);
        _ = queue.send(event);
    }
}

impl Events {
    /// Starts a run in a task of its own.
    pub(super) fn of<F>(run: impl FnOnce(EventSender) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, queue) = mpsc::unbounded_channel();
        let unread = Arc::<AtomicUsize>::default();
        let sender = EventSender { queue: Some(sender), unread: Arc::clone(&unread) };
        let mut tasks = JoinSet::new();
        tasks.spawn(run(sender));
        Self { queue, unread, run: tasks }
    }

    /// The next event; `None` when the run is over. A panic of the run goes on here.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.queue.recv().await {
            self.unread.fetch_sub(1, Ordering::Relaxed);
            return Some(event);
        }
        while let Some(ended) = self.run.join_next().await {
            pass_on_panic(ended);
        }
        None
    }
}

/// Goes on with the panic of a task, if that is how it ended.
pub(super) fn pass_on_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PostState;

    fn post() -> PostRef {
        PostRef { index: 0, account: "alice".into(), video: "a.mp4".into() }
    }

    fn ended() -> PostOutcome {
        PostOutcome {
            post_ref: post(),
            number: None,
            entry: String::new(),
            state: PostState::Published,
            publish_id: None,
            post_ids: Vec::new(),
            url: None,
            bytes: 0,
            took: Duration::ZERO,
            at: None,
            brought_to: None,
            media: None,
            warnings: Vec::new(),
            note: None,
            post_error: None,
            failure: None,
        }
    }

    #[tokio::test]
    async fn nothing_but_positions_is_left_out_for_a_reader_that_is_late() {
        let mut events = Events::of(|events| async move {
            for chunk in 1..=1000 {
                for sent in 0..100 {
                    events.progress(&post(), Progress::Position { sent });
                }
                events.progress(&post(), Progress::ChunkStored { chunk, of: 1000 });
            }
            events.ended(ended());
        });
        while events.unread.load(Ordering::Relaxed) < 1000 {
            tokio::task::yield_now().await;
        }
        let (mut chunks, mut positions, mut ends) = (0, 0, 0);
        while let Some(event) = events.next().await {
            match event {
                Event::Progress { progress: Progress::ChunkStored { chunk, .. }, .. } => {
                    chunks += 1;
                    assert_eq!((chunk, ends), (chunks, 0), "in order");
                }
                Event::Ended(_) => ends += 1,
                _ => positions += 1,
            }
        }
        assert_eq!((chunks, ends), (1000, 1));
        assert!(positions <= UNREAD, "{positions}");
    }

    #[tokio::test]
    async fn a_panic_of_the_run_goes_on_with_its_reader() {
        let mut events = Events::of(|_events| async { panic!("here") });
        let reader = tokio::spawn(async move { events.next().await });
        assert!(reader.await.unwrap_err().is_panic());
    }
}
