//! Accounts and their tokens.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tiktok_open::Grant;

use super::{Holder, StoreError, StoreFuture};
use crate::encrypt::Key;
use crate::model::account::{Account, Accounts};
use crate::secret::Secret;

/// The accounts with their tokens. An encrypted store gives tokens as they rest, except where it is said.
pub(crate) trait AccountStore: fmt::Debug + Send + Sync {
    /// Where the tokens lie, for people: a file, or a server.
    fn place(&self) -> String;

    /// Whether anything was ever kept there.
    fn is_there(&self) -> StoreFuture<'_, bool>;

    /// All accounts as they are stored now. They are shared, not copied: there may be many thousands.
    fn all(&self) -> StoreFuture<'_, Arc<Accounts>>;

    /// The account that a user means by a name; see [`Accounts::find`].
    fn find<'a>(&'a self, name: Option<&'a str>) -> StoreFuture<'a, Account>;

    /// An account with tokens that are of use. Needs the key of an encrypted store.
    fn login<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Account>;

    /// Changes one account in one step for all processes: `change` decides on its state then (and on all
    /// others, to look at), and what it decides is durable when this ends. Gives the account as it is
    /// stored now. The account is shown with its tokens, which needs the key of an encrypted store; the
    /// others are as they rest.
    fn change<'a>(&'a self, open_id: &'a str, change: Change) -> StoreFuture<'a, Option<Account>>;

    /// As [`AccountStore::change`] for several accounts, all in one step or none; gives each as it is stored
    /// now.
    fn change_all(&self, changes: Vec<(String, Change)>) -> StoreFuture<'_, Vec<Option<Account>>>;

    /// Proves that a change or a rotation can be stored, by going the way of one that changes nothing; to be
    /// called before TikTok is asked for tokens that must not be lost. Where the tokens lie on a disk, also
    /// that it takes `room` bytes more than they have. Gives the key that tokens are encrypted with, if they
    /// are: what is kept of them elsewhere must not be in plain text, either.
    fn probe(&self, room: usize) -> StoreFuture<'_, Option<Arc<Key>>>;

    /// Says, durably and on all machines, that this process is about to spend a refresh token: from then on it may have
    /// the only login that lives, until its tokens are stored or it says that there are none. Files of one machine, whose
    /// locks end with their process, need none of it.
    fn spending<'a>(&'a self, _open_id: &'a str, _token: &'a Secret) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Says that no tokens came of what [`AccountStore::spending`] announced.
    fn unspent<'a>(&'a self, _open_id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The other processes that may have the answer for which a refresh token was spent.
    fn spenders<'a>(
        &'a self,
        _open_id: &'a str,
        _token: &'a Secret,
    ) -> StoreFuture<'a, Vec<Spender>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Puts the tokens that TikTok gave for `spent` in its place, if that is still the stored refresh
    /// token: else a login came in between, whose tokens are newer. Durable, on all machines, when this
    /// ends; asks for no lease. `api` is the API that answered, `asked_at` the time before it was asked.
    fn rotate<'a>(
        &'a self,
        open_id: &'a str,
        spent: &'a Secret,
        grant: &'a Grant,
        api: &'a str,
        asked_at: Timestamp,
    ) -> StoreFuture<'a, Rotated>;

    /// Forgets an account, with what interrupted refreshes of it have left on this machine. Gives it as it
    /// was stored. Needs no key.
    fn forget<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Option<Account>>;

    /// Gives an account another alias, or none. Needs no key.
    fn set_alias<'a>(
        &'a self,
        open_id: &'a str,
        alias: Option<&'a str>,
    ) -> StoreFuture<'a, Account>;

    /// Notes that an account's posts are kept waiting, and since when, or (`None`) that they go again. One that is
    /// paused already keeps its time. Gives the account as it is stored now. Needs no key.
    fn set_paused<'a>(
        &'a self,
        open_id: &'a str,
        since: Option<Timestamp>,
    ) -> StoreFuture<'a, Account>;
}

/// Decides on an account, and may be kept for as long as the store is busy. It must not wait for anything.
pub(crate) type Change = Box<dyn FnOnce(Option<&Account>, &Accounts) -> Edit + Send>;

impl dyn AccountStore + '_ {
    /// [`AccountStore::change`] for a decision that also says something to its caller: that, and the account
    /// as it is stored now.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        open_id: &str,
        decide: impl FnOnce(Option<&Account>, &Accounts) -> (Edit, T) + Send + 'static,
    ) -> Result<(Option<Account>, T), StoreError> {
        let said = Arc::new(Mutex::new(None));
        let say = Arc::clone(&said);
        let change: Change = Box::new(move |current, accounts| {
            let (edit, word) = decide(current, accounts);
            *say.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
            edit
        });
        let stored = self.change(open_id, change).await?;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A store that gives `Ok` has asked.
        Ok((stored, said.ok_or(StoreError::Closed)?))
    }
}

/// What came of [`AccountStore::rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// The new tokens are stored.
    Saved(Box<Account>),
    /// Others were stored meanwhile, and stay.
    Superseded(Box<Account>),
    /// The account is not there any more.
    Gone,
}

/// Another process that may have the answer for which a refresh token was spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spender {
    /// Which.
    pub(crate) holder: Holder,
    /// Whether it was heard of just now: it may be about to store it. Otherwise the answer may lie in the refresh log of
    /// its machine.
    pub(crate) lives: bool,
}

/// What to do with an entry, decided on its freshly read state.
#[derive(Debug)]
pub(crate) enum Edit {
    /// Leave it.
    Keep,
    /// Store this in its place; the generation is the store's business.
    Put(Box<Account>),
    /// Forget it.
    Remove,
}
