//! What a run may record of an account's posts: the account is its own from its first record on, until somebody
//! else takes it over.
//!
//! An upload lease may be lost without its holder knowing: a machine sleeps for an hour in the middle of a chunk,
//! or somebody deletes a lock file. Whoever gets the lease next begins a new [`Epoch`], and what the first one
//! records after that is refused by the journal. So it never sends a final chunk, which only follows a record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::OnceCell;

use crate::model::{Attempt, AttemptUpdate, Phase, PostNumber, PostRequest, RecordedPost};
use crate::store::{Epoch, Journal, JournalError, Lease, StoreError};

/// An account, to those who record something of it.
#[derive(Debug)]
pub(super) struct Claim {
    journal: Arc<dyn Journal>,
    account: String,
    /// The account's upload lease, if the run has it. Whoever has not only looks on.
    lease: OnceLock<Weak<dyn Lease>>,
    /// The epoch that this run began.
    epoch: OnceCell<Epoch>,
    /// Whether somebody else has begun another one since.
    is_lost: AtomicBool,
}

/// The writes, under an epoch.
pub(super) struct Recorder<'c> {
    claim: &'c Claim,
    mine: Epoch,
}

impl Claim {
    /// Of one who looks on.
    pub(super) fn new(journal: Arc<dyn Journal>, account: String) -> Self {
        let is_lost = AtomicBool::new(false);
        Self { journal, account, lease: OnceLock::new(), epoch: OnceCell::new(), is_lost }
    }

    /// From now on this is the run that works on the account: it has the lease.
    pub(super) fn hold(&self, lease: &Arc<dyn Lease>) {
        _ = self.lease.set(Arc::downgrade(lease));
    }

    /// Whether this is the run that works on the account.
    pub(super) fn is_held(&self) -> bool {
        self.lease.get().is_some()
    }

    /// Makes the lease last, and is an error once somebody else may have it.
    pub(super) async fn renew(&self) -> Result<(), StoreError> {
        self.check()?;
        match self.lease.get().and_then(Weak::upgrade) {
            Some(lease) => lease.renew().await,
            None => Ok(()),
        }
    }

    /// An error once somebody else has taken the account over: then nothing more is done for it.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(JournalError::TakenOver { account: self.account.clone() }.into());
        }
        Ok(())
    }

    /// What records. To be asked for before that is read, or asked of TikTok, by which it is decided what to
    /// record.
    ///
    /// A run takes its account over with the first of them, so that one that has nothing to do writes nothing.
    /// Whoever looks on takes nothing over: what it records counts if nobody else takes it over until then.
    pub(super) async fn recorder(&self) -> Result<Recorder<'_>, StoreError> {
        self.check()?;
        let mine = if self.is_held() {
            *self.epoch.get_or_try_init(|| self.journal.take_over(&self.account)).await?
        } else {
            self.journal.epoch(&self.account).await?
        };
        Ok(Recorder { claim: self, mine })
    }

    /// Remembers if it was refused for having lost the account.
    fn heed<T>(&self, recorded: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_held() && recorded.as_ref().is_err_and(StoreError::is_taken_over) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        recorded
    }
}

/// Each does what the method of [`Journal`] of that name does.
impl Recorder<'_> {
    pub(super) async fn post_for(&self, new: &PostRequest) -> Result<RecordedPost, StoreError> {
        self.claim.heed(self.claim.journal.post_for(new, self.mine).await)
    }

    pub(super) async fn begin_attempt(&self, post: PostNumber) -> Result<Attempt, StoreError> {
        self.claim.heed(self.claim.journal.begin_attempt(post, self.mine).await)
    }

    pub(super) async fn advance(
        &self,
        known: &Attempt,
        to: Phase,
        update: &AttemptUpdate,
    ) -> Result<Attempt, StoreError> {
        self.claim.heed(self.claim.journal.advance(known, to, update, self.mine).await)
    }

    pub(super) async fn same_as(
        &self,
        post: PostNumber,
        other: PostNumber,
    ) -> Result<(), StoreError> {
        self.claim.heed(self.claim.journal.same_as(post, other, self.mine).await)
    }
}
