//! The accounts of a database: one row an account, with its entry as it stands in a token file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tiktok_open::Grant;

use super::at_rest::{self, KeyCell};
use super::leases::Identity;
use super::link::{Commit, Session};
use super::tx::Tx;
use crate::encrypt::{self, Key, KeyId};
use crate::model::account::{Account, Accounts, NameError};
use crate::secret::Secret;
use crate::store::rules::tokens::{Rotation, place, tokens};
use crate::store::{
    AccountError, AccountStore, Change, Edit, Holder, Rotated, Spender, StoreError, StoreFuture,
};

/// The accounts.
#[derive(Debug)]
pub(super) struct PostgresAccounts {
    pub(super) session: Arc<Session>,
    pub(super) identity: Arc<Identity>,
    /// What tokens are encrypted with, once that is known.
    pub(super) key: Arc<KeyCell>,
    pub(super) place: String,
}

impl PostgresAccounts {
    fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Rest<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let key = self.key.get();
        self.session.run(doing, commit, move |tx| {
            if commit == Commit::Everywhere {
                // Whoever encrypts them waits for this, and this for them.
                tx.batch("LOCK TABLE accounts IN ROW SHARE MODE")?;
            }
            let needed = at_rest::encryption(tx)?.map(|encryption| encryption.key);
            work(&Rest { tx, key: key.as_ref(), needed })
        })
    }

    fn change_some<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Rest<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.run("change an account", Commit::Everywhere, move |rest| {
            rest.lock()?;
            work(rest)
        })
    }
}

impl AccountStore for PostgresAccounts {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn is_there(&self) -> StoreFuture<'_, bool> {
        self.run("look for an account", Commit::Read, |rest| {
            Ok(rest.tx.row("SELECT 1 FROM accounts LIMIT 1", &[])?.is_some())
        })
    }

    fn all(&self) -> StoreFuture<'_, Arc<Accounts>> {
        self.run("read the accounts", Commit::Read, |rest| Ok(Arc::new(rest.all()?)))
    }

    fn find<'a>(&'a self, name: Option<&'a str>) -> StoreFuture<'a, Account> {
        let name = name.map(ToOwned::to_owned);
        self.run("look for an account", Commit::Read, move |rest| rest.find(name.as_deref()))
    }

    fn login<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Account> {
        let open_id = open_id.to_owned();
        self.run("look for an account", Commit::Read, move |rest| {
            let account = rest.opened(&rest.find(Some(&open_id))?)?;
            let odd = |token: &Secret| !token.expose().bytes().all(|byte| byte.is_ascii_graphic());
            if odd(&account.access_token) || odd(&account.refresh_token) {
                let account = account.name().to_owned();
                return Err(AccountError::OddToken { path: rest.path(), account }.into());
            }
            Ok(account)
        })
    }

    fn change<'a>(&'a self, open_id: &'a str, change: Change) -> StoreFuture<'a, Option<Account>> {
        let open_id = open_id.to_owned();
        self.change_some(move |rest| {
            let accounts = rest.all()?;
            rest.change(&open_id, &accounts, true, |current| Ok(change(current, &accounts)))
        })
    }

    fn change_all(&self, changes: Vec<(String, Change)>) -> StoreFuture<'_, Vec<Option<Account>>> {
        self.change_some(move |rest| {
            let mut accounts = rest.all()?;
            let mut stored = Vec::new();
            for (open_id, change) in changes {
                let made = rest
                    .change(&open_id, &accounts, true, |current| Ok(change(current, &accounts)))?;
                // The next one decides on what this one has made of them.
                match &made {
                    Some(account) => {
                        accounts.0.insert(open_id, rest.resting(account));
                    }
                    None => {
                        accounts.0.remove(&open_id);
                    }
                }
                stored.push(made);
            }
            Ok(stored)
        })
    }

    fn probe(&self, _: usize) -> StoreFuture<'_, Option<Arc<Key>>> {
        self.run("try to keep tokens", Commit::Everywhere, |rest| {
            rest.lock()?;
            // A write that changes nothing, which the server has to acknowledge all the same.
            rest.tx.execute("UPDATE numbers SET last = last WHERE name = 'accounts'", &[])?;
            rest.have_key()?;
            Ok(rest.needed.and(rest.key.cloned()))
        })
    }

    fn spending<'a>(&'a self, open_id: &'a str, token: &'a Secret) -> StoreFuture<'a, ()> {
        let (open_id, token) = (open_id.to_owned(), fingerprint(token));
        let worker = self.identity.id.clone();
        self.session.run("note who spends a token", Commit::Everywhere, move |tx| {
            tx.execute(
                "INSERT INTO spenders (account, worker, fingerprint, since)
                 VALUES ($1, $2, $3, clock_timestamp())
                 ON CONFLICT (account, worker) DO UPDATE SET fingerprint = excluded.fingerprint,
                     since = excluded.since",
                &[open_id.into(), worker.into(), token.into()],
            )?;
            Ok(())
        })
    }

    fn unspent<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, ()> {
        let (open_id, worker) = (open_id.to_owned(), self.identity.id.clone());
        self.session.run("note who spends a token", Commit::Soon, move |tx| {
            let statement = "DELETE FROM spenders WHERE account = $1 AND worker = $2";
            tx.execute(statement, &[open_id.into(), worker.into()])?;
            Ok(())
        })
    }

    fn spenders<'a>(
        &'a self,
        open_id: &'a str,
        token: &'a Secret,
    ) -> StoreFuture<'a, Vec<Spender>> {
        let (open_id, token) = (open_id.to_owned(), fingerprint(token));
        let identity = Arc::clone(&self.identity);
        self.session.run("look who spends a token", Commit::Read, move |tx| {
            spenders(tx, &identity, &open_id, &token)
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
        self.run("keep new tokens", Commit::Everywhere, move |rest| rest.rotate(&rotation))
    }

    fn forget<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Option<Account>> {
        let open_id = open_id.to_owned();
        self.change_some(move |rest| {
            let forgotten = rest.entry(&open_id)?;
            let nobody = Accounts::default();
            rest.change(&open_id, &nobody, false, |_| Ok(Edit::Remove))?;
            Ok(forgotten)
        })
    }

    fn set_alias<'a>(
        &'a self,
        open_id: &'a str,
        alias: Option<&'a str>,
    ) -> StoreFuture<'a, Account> {
        let (open_id, alias) = (open_id.to_owned(), alias.map(ToOwned::to_owned));
        self.change_some(move |rest| {
            let accounts = rest.all()?;
            let stored = rest.change(&open_id, &accounts, false, |current| {
                let mut account = current.cloned().ok_or_else(nobody)?;
                if let Some(alias) = &alias {
                    accounts.check_alias(alias, &open_id).map_err(AccountError::from)?;
                }
                account.alias = alias;
                Ok(Edit::Put(Box::new(account)))
            })?;
            stored.ok_or_else(nobody)
        })
    }

    fn set_paused<'a>(
        &'a self,
        open_id: &'a str,
        since: Option<Timestamp>,
    ) -> StoreFuture<'a, Account> {
        let open_id = open_id.to_owned();
        self.change_some(move |rest| {
            let stored = rest.change(&open_id, &Accounts::default(), false, |current| {
                let mut account = current.cloned().ok_or_else(nobody)?;
                if account.paused_since.is_some() == since.is_some() {
                    return Ok(Edit::Keep);
                }
                account.paused_since = since;
                Ok(Edit::Put(Box::new(account)))
            })?;
            stored.ok_or_else(nobody)
        })
    }
}

/// Others who may have the answer for which a token was spent. Whoever of this machine has ended left it in the refresh
/// log, which is looked through before a token is spent; what others left counts for as long as they may come back.
fn spenders(
    tx: &Tx<'_>,
    identity: &Identity,
    open_id: &str,
    token: &str,
) -> Result<Vec<Spender>, StoreError> {
    let life = i64::try_from(identity.life.as_millis()).unwrap_or(i64::MAX);
    let rows = tx.rows(
        "SELECT host, pid, machine, process, stopped IS NULL
             AND heartbeat > clock_timestamp() - $4::bigint * interval '1 millisecond'
         FROM spenders JOIN workers ON workers.id = worker
         WHERE account = $1 AND fingerprint = $2 AND worker <> $3
             AND heartbeat > clock_timestamp() - interval '7 days'
         ORDER BY since",
        &[open_id.into(), token.into(), (&identity.id).into(), life.into()],
    )?;
    let mut found = Vec::new();
    for row in rows {
        let (machine, process): (String, Option<String>) = (tx.get(&row, 2)?, tx.get(&row, 3)?);
        if identity.knows_gone(&machine, process.as_deref())? {
            continue;
        }
        let (host, pid): (String, i64) = (tx.get(&row, 0)?, tx.get(&row, 1)?);
        let pid = u32::try_from(pid).unwrap_or_default();
        let lives = tx.get(&row, 4)?;
        found.push(Spender {
            holder: Holder { pid, host: Some(host), since: None, until: None },
            lives,
        });
    }
    Ok(found)
}

fn nobody() -> StoreError {
    AccountError::Name(NameError::Nobody).into()
}

/// The accounts of a transaction, as they rest.
#[derive(Debug)]
struct Rest<'t> {
    tx: &'t Tx<'t>,
    key: Option<&'t Arc<Key>>,
    /// The key that tokens rest encrypted with, if they do.
    needed: Option<KeyId>,
}

impl Rest<'_> {
    fn path(&self) -> PathBuf {
        PathBuf::from(self.tx.place)
    }

    /// Lets nobody else change accounts, but for tokens that are rotated, until the transaction ends.
    fn lock(&self) -> Result<(), StoreError> {
        let row = "INSERT INTO numbers (name, last) VALUES ('accounts', 0)
             ON CONFLICT (name) DO UPDATE SET last = numbers.last + 1";
        self.tx.execute(row, &[])?;
        Ok(())
    }

    /// An error if tokens rest encrypted and this run has not the key.
    fn have_key(&self) -> Result<(), StoreError> {
        match self.needed {
            Some(needed) if self.key.is_none_or(|key| key.id() != needed) => {
                Err(AccountError::NoKey { path: self.path(), key: needed }.into())
            }
            _ => Ok(()),
        }
    }

    fn all(&self) -> Result<Accounts, StoreError> {
        let statement = "SELECT open_id, entry FROM accounts WHERE entry IS NOT NULL";
        let mut accounts = BTreeMap::new();
        for row in self.tx.rows(statement, &[])? {
            let open_id: String = self.tx.get(&row, 0)?;
            let account = self.read(&open_id, &self.tx.get::<String>(&row, 1)?)?;
            accounts.insert(open_id, account);
        }
        Ok(Accounts(accounts))
    }

    fn find(&self, name: Option<&str>) -> Result<Account, StoreError> {
        // Most are asked for by their number.
        if let Some(account) = name.map(|name| self.entry(name)).transpose()?.flatten() {
            return Ok(account);
        }
        Ok(self.all()?.find(name).map_err(AccountError::from)?.clone())
    }

    fn entry(&self, open_id: &str) -> Result<Option<Account>, StoreError> {
        let statement = "SELECT entry FROM accounts WHERE open_id = $1";
        let entry = self.tx.one::<Option<String>>(statement, &[open_id.into()])?.flatten();
        entry.map(|entry| self.read(open_id, &entry)).transpose()
    }

    /// The entry and generation of an account, which nobody else changes until the transaction ends.
    fn locked(&self, open_id: &str) -> Result<(Option<Account>, i64), StoreError> {
        let statement = "SELECT entry, generation FROM accounts WHERE open_id = $1 FOR UPDATE";
        let Some(row) = self.tx.row(statement, &[open_id.into()])? else { return Ok((None, 0)) };
        let entry: Option<String> = self.tx.get(&row, 0)?;
        let account = entry.map(|entry| self.read(open_id, &entry)).transpose()?;
        Ok((account, self.tx.get(&row, 1)?))
    }

    fn change(
        &self,
        open_id: &str,
        accounts: &Accounts,
        with_tokens: bool,
        change: impl FnOnce(Option<&Account>) -> Result<Edit, StoreError>,
    ) -> Result<Option<Account>, StoreError> {
        if with_tokens {
            self.have_key()?;
        }
        let (current, generation) = self.locked(open_id)?;
        let current = match current {
            Some(account) if with_tokens => Some(self.opened(&account)?),
            other => other,
        };
        match change(current.as_ref())? {
            Edit::Keep => Ok(current),
            Edit::Remove => {
                // Its generation stays, so that a login that comes back is newer.
                let statement =
                    "UPDATE accounts SET entry = NULL, alias = NULL, app = NULL, api = NULL,
                     refresh_fingerprint = NULL WHERE open_id = $1";
                self.tx.execute(statement, &[open_id.into()])?;
                self.tx.execute("DELETE FROM spenders WHERE account = $1", &[open_id.into()])?;
                Ok(None)
            }
            Edit::Put(mut account) => {
                open_id.clone_into(&mut account.open_id);
                // A rotation may have come since the others were read: of this one the latest counts.
                let known = accounts.get(open_id).map_or(0, |known| known.generation);
                let generation = u64::try_from(generation).unwrap_or_default().max(known) + 1;
                account.generation = generation;
                self.put(&account)?;
                Ok(Some(*account))
            }
        }
    }

    fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        self.have_key()?;
        let (current, generation) = self.locked(&rotation.open_id)?;
        let current = current.map(|account| self.opened(&account)).transpose()?;
        Ok(match (rotation.edit(current.as_ref()), current) {
            (Edit::Put(mut account), Some(before)) => {
                account.generation = u64::try_from(generation).unwrap_or_default() + 1;
                let spent = fingerprint(&before.refresh_token);
                self.put_over(&account, Some(&spent))?;
                Rotated::Saved(account)
            }
            (_, Some(stored)) => Rotated::Superseded(Box::new(stored)),
            (_, None) => Rotated::Gone,
        })
    }

    fn put(&self, account: &Account) -> Result<(), StoreError> {
        self.put_over(account, None)
    }

    /// Stores an account; with `spent` only over the tokens of that fingerprint.
    fn put_over(&self, account: &Account, spent: Option<&str>) -> Result<(), StoreError> {
        let resting = self.resting(account);
        let entry =
            serde_json::to_string(&resting).map_err(|error| self.tx.odd(error.to_string()))?;
        let stored = self.tx.execute(
            "INSERT INTO accounts AS it (open_id, generation, alias, app, api, refresh_fingerprint,
                 entry)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (open_id) DO UPDATE SET generation = excluded.generation,
                 alias = excluded.alias, app = excluded.app, api = excluded.api,
                 refresh_fingerprint = excluded.refresh_fingerprint,
                 entry = excluded.entry
             WHERE $8::text IS NULL OR it.refresh_fingerprint = $8",
            &[
                (&account.open_id).into(),
                i64::try_from(account.generation).unwrap_or(i64::MAX).into(),
                account.alias.as_deref().into(),
                (&account.client_key).into(),
                account.api.as_deref().into(),
                if encrypt::is_encrypted(account.refresh_token.expose()) {
                    // Nobody has opened it: it is the one that is there.
                    self.fingerprint_of(&account.open_id)?.into()
                } else {
                    fingerprint(&account.refresh_token).into()
                },
                entry.into(),
                spent.into(),
            ],
        )?;
        if stored == 1 {
            // What was spent for others is nobody's login any more.
            self.tx.execute(
                "DELETE FROM spenders USING accounts WHERE account = $1 AND open_id = $1
                 AND fingerprint IS DISTINCT FROM refresh_fingerprint",
                &[(&account.open_id).into()],
            )?;
            return Ok(());
        }
        Err(AccountError::MovedOn { account: account.name().to_owned() }.into())
    }

    fn fingerprint_of(&self, open_id: &str) -> Result<Option<String>, StoreError> {
        let statement = "SELECT refresh_fingerprint FROM accounts WHERE open_id = $1";
        Ok(self.tx.one::<Option<String>>(statement, &[open_id.into()])?.flatten())
    }

    fn read(&self, open_id: &str, entry: &str) -> Result<Account, StoreError> {
        // The message of the parser would quote the text.
        let mut account: Account = serde_json::from_str(entry).map_err(|error| {
            self.tx.odd(format!("an account cannot be read (column {})", error.column()))
        })?;
        open_id.clone_into(&mut account.open_id);
        Ok(account)
    }

    /// An account with its tokens, which needs the key if they are encrypted.
    fn opened(&self, account: &Account) -> Result<Account, StoreError> {
        let mut account = account.clone();
        let (open_id, name) = (account.open_id.clone(), account.name().to_owned());
        for (field, token) in tokens(&mut account) {
            let Some(needed) = encrypt::key_of(token.expose()) else { continue };
            let Some(key) = self.key.filter(|key| key.id() == needed) else {
                return Err(AccountError::NoKey { path: self.path(), key: needed }.into());
            };
            *token =
                encrypt::open(key, token.expose(), &place(&open_id, field)).map_err(|source| {
                    AccountError::Undecrypted { path: self.path(), account: name.clone(), source }
                })?;
        }
        Ok(account)
    }

    /// An account as it rests. Tokens that are encrypted already stay so.
    fn resting(&self, account: &Account) -> Account {
        let mut account = account.clone();
        let Some(key) = self.key.filter(|_| self.needed.is_some()) else { return account };
        let open_id = account.open_id.clone();
        for (field, token) in tokens(&mut account) {
            if !encrypt::is_encrypted(token.expose()) {
                *token = encrypt::encrypt(key, token, &place(&open_id, field));
            }
        }
        account
    }
}

/// What tells a refresh token from every other without telling what it is: no token can be guessed.
fn fingerprint(token: &Secret) -> String {
    let key = blake3::derive_key("tiktok-up refresh token", token.expose().as_bytes());
    blake3::Hash::from_bytes(key).to_hex().to_string()
}
