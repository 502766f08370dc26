//! The token file behind the interface.

use std::sync::Arc;

use jiff::Timestamp;
use tiktok_open::Grant;

use super::group::Group;
use super::tokens::TokenFile;
use crate::encrypt::Key;
use crate::model::account::{Account, Accounts};
use crate::secret::Secret;
use crate::store::rules::tokens::Rotation;
use crate::store::thread::StoreThread;
use crate::store::{AccountError, AccountStore, Change, Edit, Rotated, StoreFuture};

/// The accounts of a token file.
#[derive(Debug)]
pub(super) struct LocalAccounts {
    tokens: TokenFile,
    thread: Arc<StoreThread>,
    rotations: Group<Rotation, Rotated>,
    /// With the bytes that each is to have room for.
    probes: Group<usize, Option<Arc<Key>>>,
}

impl LocalAccounts {
    pub(super) fn new(tokens: TokenFile, thread: Arc<StoreThread>) -> Self {
        Self { tokens, thread, rotations: Group::default(), probes: Group::default() }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&TokenFile) -> Result<T, AccountError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let tokens = self.tokens.clone();
        self.thread.run(move || work(&tokens))
    }
}

impl AccountStore for LocalAccounts {
    fn place(&self) -> String {
        self.tokens.path().display().to_string()
    }

    fn is_there(&self) -> StoreFuture<'_, bool> {
        self.run(|tokens| Ok(tokens.path().exists()))
    }

    fn all(&self) -> StoreFuture<'_, Arc<Accounts>> {
        self.run(TokenFile::accounts)
    }

    fn find<'a>(&'a self, name: Option<&'a str>) -> StoreFuture<'a, Account> {
        let name = name.map(ToOwned::to_owned);
        self.run(move |tokens| tokens.account(name.as_deref()))
    }

    fn login<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Account> {
        let open_id = open_id.to_owned();
        self.run(move |tokens| tokens.login(&open_id))
    }

    fn change<'a>(&'a self, open_id: &'a str, change: Change) -> StoreFuture<'a, Option<Account>> {
        let open_id = open_id.to_owned();
        self.run(move |tokens| tokens.edit(&open_id, |current, all| Ok(change(current, all))))
    }

    fn change_all(&self, changes: Vec<(String, Change)>) -> StoreFuture<'_, Vec<Option<Account>>> {
        let (open_ids, changes): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        self.run(move |tokens| {
            let open_ids: Vec<_> = open_ids.iter().map(String::as_str).collect();
            let mut changes = changes.into_iter();
            // They are asked for in their order, each once.
            tokens.edit_all(&open_ids, |_, current, all| {
                Ok(changes.next().map_or(Edit::Keep, |change| change(current, all)))
            })
        })
    }

    fn probe(&self, room: usize) -> StoreFuture<'_, Option<Arc<Key>>> {
        let tokens = self.tokens.clone();
        self.probes.run(&self.thread, room, move |rooms| {
            let key = tokens.probe(rooms.iter().copied().sum())?;
            Ok(vec![key; rooms.len()])
        })
    }

    fn rotate<'a>(
        &'a self,
        open_id: &'a str,
        spent: &'a Secret,
        grant: &'a Grant,
        api: &'a str,
        asked_at: Timestamp,
    ) -> StoreFuture<'a, Rotated> {
        let (open_id, spent, grant) = (open_id.to_owned(), spent.clone(), grant.clone());
        let rotation = Rotation { open_id, spent, grant, api: api.to_owned(), asked_at };
        let tokens = self.tokens.clone();
        self.rotations.run(&self.thread, rotation, move |all| tokens.rotate(all))
    }

    fn forget<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Option<Account>> {
        let open_id = open_id.to_owned();
        self.run(move |tokens| tokens.forget(&open_id))
    }

    fn set_alias<'a>(
        &'a self,
        open_id: &'a str,
        alias: Option<&'a str>,
    ) -> StoreFuture<'a, Account> {
        let (open_id, alias) = (open_id.to_owned(), alias.map(ToOwned::to_owned));
        self.run(move |tokens| tokens.set_alias(&open_id, alias.as_deref()))
    }

    fn set_paused<'a>(
        &'a self,
        open_id: &'a str,
        since: Option<Timestamp>,
    ) -> StoreFuture<'a, Account> {
        let open_id = open_id.to_owned();
        self.run(move |tokens| tokens.set_paused(&open_id, since))
    }
}
