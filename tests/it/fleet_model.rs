//! A brute-force model of a fleet: two workers and one post, whose record lies in a database that both
//! reach. It looks at every order in which the workers, TikTok, the database and a person can act. What a
//! worker does next is what the program's own [`step`] and [`resume`] say; only what surrounds them is modelled.
//!
//! - A worker takes a post over whenever it has nothing else to do: a lease may be lost at any moment, and
//!   whoever lost it does not notice and goes on. It may crash between any two steps. Each call to TikTok is
//!   a step of its own, and so is the record of what came of it.
//! - TikTok takes chunks, and posts or fails what it has as a whole; of a pull it has that from the init on.
//!   A call is applied or not, and answered or not. An `upload_url` may expire at any time, and the worker's
//!   clock may call it too old before that.
//! - The database may be replaced by its standby. That one has all commits up to some moment: at least up
//!   to the last one that was synchronous and whose wait was not cancelled.
//! - A person says what became of a post that is unresolved: the truth at that moment, and only once TikTok
//!   has made up its mind on all that it has as a whole.
//!
//! What must not be, in any state ([`Wrong`]):
//!
//! - *Doubled*: TikTok has posted two attempts. What a person said is no excuse, as it was the truth.
//! - *Lost*: an attempt is posted, and the journal says that nothing came of any: the post is told as failed,
//!   and the next worker posts it again.
//! - *False*: the journal says that it is posted, and nothing is.
//! - *Stuck*: nobody works on the post, and one worker alone, with nothing in its way, cannot bring it to an
//!   end: posted, unresolved, or refused or failed for good. As every worker may crash in every state, this
//!   is looked for where none has the post. Where the model is out of attempts, epochs or room, it ends, too.
//!
//! Rule 4 (a changed timeline stops new inits until what was open has been reconciled) asks no more of a
//! single post than is asked anyway: an init never follows an attempt that is open. It is explored in the
//! form that helps against a database that loses what it had promised to keep, as one does that was restored
//! from a backup: whoever had the post loses it, and a person looks before anything is sent.
//!
//! Rule 5 is told a worker's death by its heartbeat. The model takes that for granted: one that is dead has
//! no call on its way and makes none, and one that is stopped for however long is alive.
//!
//! Not modelled: drafts, other settings or another file at a restart, claims of TikTok that it has
//! everything too early, `uploaded_bytes` that are missing ([`model`](super::model) has them, for one worker);
//! tokens, quotas and the outbox of hooks; other posts of the account; a primary that lives on beside the
//! promoted standby and is still written to.

mod calls;
mod explore;
mod moves;
mod rules;
mod variants;
mod worker;
mod world;

use tiktok_up::testing::{Failed, Phase, Transfer, resume, step};

use rules::{Around, Guard, NotPosted, Rules};
use world::{LAST_EPOCH, World};

/// Explores a variant and finds what is wrong with it.
struct Model {
    around: Around,
    rules: Rules,
    /// Whether states are told apart by what makes a difference only.
    tidies: bool,
}

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// Two attempts are posted.
    Doubled,
    /// One is posted, and the journal says that nothing came of any.
    Lost,
    /// The journal says posted, and nothing is.
    False,
    /// No worker can bring the post to an end.
    Stuck,
}

impl Model {
    /// What is wrong with a state, if anything is.
    fn judge(&self, world: &World) -> Option<Wrong> {
        let posted = world.posted();
        let phases = || world.journal.phases();
        if posted > 1 {
            Some(Wrong::Doubled)
        } else if posted > 0 && phases().all(Phase::is_dead) {
            Some(Wrong::Lost)
        } else if posted == 0 && phases().any(Phase::is_done) {
            Some(Wrong::False)
        } else if world.workers == [None, None] && !self.comes_to_an_end(*world) {
            Some(Wrong::Stuck)
        } else {
            None
        }
    }

    /// Whether one worker alone brings the post to an end if nothing is in its way.
    fn comes_to_an_end(&self, mut world: World) -> bool {
        let mut next = Vec::new();
        // No way is that long.
        for _ in 0..64 {
            if self.is_over(&world) {
                return true;
            }
            next.clear();
            self.moves(&world, &mut next);
            match next.iter().find(|next| next.smooth) {
                Some(smooth) => world = smooth.world,
                None => return false,
            }
        }
        false
    }

    /// Whether no worker has anything to do with the post any more.
    fn is_over(&self, world: &World) -> bool {
        let last = world.journal.last();
        let is_out =
            last == Some(self.around.attempts - 1) || world.tasks.iter().all(Option::is_some);
        // Nobody can take it over any more.
        if !self.rules.unique_epochs && world.journal.epoch == LAST_EPOCH {
            return true;
        }
        match last.and_then(|last| world.journal.phase(last)) {
            None => is_out,
            Some(phase) if phase.is_dead() => is_out || !allows_another(phase),
            Some(phase) => phase.is_done() || phase == Phase::Unresolved,
        }
    }
}

/// Whether a new attempt may follow one in this phase, as the journal sees it (`Phase::allows_another`).
fn allows_another(phase: Phase) -> bool {
    phase.is_dead() && !matches!(phase, Phase::Failed(Failed::AuthRemoved | Failed::Final))
}
