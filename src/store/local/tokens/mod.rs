//! The token store: `user_tokens.json`, its locks, and the one way in which an entry changes.
//!
//! A save replaces one account's entry in a freshly read document under the store lock, so that no
//! process ever loses another one's tokens. The store lock is never held across the network; the
//! refresh lock of an account is. Locks are taken in the order upload, refresh, journal, store.

mod at_rest;
mod cache;
mod document;
mod refresh_log;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::mark::Mark;
use crate::clock::Clock;
use crate::encrypt::{self, Encryption, Key};
use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::model::FileIdentity;
use crate::model::account::{Account, Accounts, NameError, NeedsLogin, Reason};
use crate::secret::Secret;
use crate::store::rules::tokens::{Rotation, place, tokens};
use crate::store::{AccountError, Edit, Rotated};

pub(crate) use at_rest::Migrated;
pub(crate) use refresh_log::{Logged, Logs, RefreshLog};

use cache::Cache;
use document::{Document, JournalMark};

/// The name of the store in its directory.
pub(crate) const FILE: &str = "user_tokens.json";

/// The longest store that is read, in bytes: room for a million accounts.
const LONGEST: u64 = 2 << 30;

/// How long a save waits for another process's save, which takes milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// The token store of one state directory. Cheap to clone; all state is in the files, the last of which
/// clones remember together.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile {
    dir: PathBuf,
    locks: PathBuf,
    clock: Clock,
    key: Option<Arc<Key>>,
    cache: Arc<Cache>,
}

impl TokenFile {
    /// The store in a directory, which is made (0700) if it is not there, and must be ours alone.
    pub(crate) fn open(dir: &Path, clock: Clock) -> Result<Self, AccountError> {
        let dir = fs::private_dir(dir)?;
        let locks = fs::private_dir(&dir.join("locks"))?;
        Ok(Self { dir, locks, clock, key: None, cache: Arc::default() })
    }

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(FILE)
    }

    /// The canonical directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// All accounts as they are stored now, encrypted tokens included; [`TokenFile::login`] gives an account
    /// with tokens that are of use. An entry that is older than the last save made here is
    /// marked as one that needs a login: TikTok has replaced its tokens since.
    pub(crate) fn accounts(&self) -> Result<Arc<Accounts>, AccountError> {
        let document = match self.cache.newest(&self.path()) {
            Some(document) => document,
            None => self.read(|_| true)?,
        };
        self.cache.is_newest(&document);
        Ok(Arc::clone(&document.accounts))
    }

    /// The account that a user means by a name; see [`Accounts::find`].
    pub(crate) fn account(&self, name: Option<&str>) -> Result<Account, AccountError> {
        Ok(self.accounts()?.find(name)?.clone())
    }

    /// Changes one account's entry: under the store lock the document is read afresh, `change`
    /// decides on the entry (and all others, to look at), and the result is saved durably. Gives the
    /// entry as it is stored now. Of an encrypted store the entry is shown with its tokens, which needs
    /// the key; the others are as they rest.
    pub(crate) fn edit<E: From<AccountError>>(
        &self,
        open_id: &str,
        change: impl FnOnce(Option<&Account>, &Accounts) -> Result<Edit, E>,
    ) -> Result<Option<Account>, E> {
        self.change(open_id, true, change)
    }

    /// As [`TokenFile::edit`], for changes that have nothing to do with tokens: those that are encrypted
    /// stay so, and no key is needed.
    pub(crate) fn edit_at_rest<E: From<AccountError>>(
        &self,
        open_id: &str,
        change: impl FnOnce(Option<&Account>, &Accounts) -> Result<Edit, E>,
    ) -> Result<Option<Account>, E> {
        self.change(open_id, false, change)
    }

    fn change<E: From<AccountError>>(
        &self,
        open_id: &str,
        with_tokens: bool,
        change: impl FnOnce(Option<&Account>, &Accounts) -> Result<Edit, E>,
    ) -> Result<Option<Account>, E> {
        let mut change = Some(change);
        let stored = self.change_all(&[open_id], with_tokens, |_, current, accounts| {
            change.take().map_or(Ok(Edit::Keep), |change| change(current, accounts))
        })?;
        Ok(stored.into_iter().next().flatten())
    }

    /// As [`TokenFile::edit`] for several accounts in one save: `change` is asked for each, with its place
    /// among them.
    pub(crate) fn edit_all(
        &self,
        open_ids: &[&str],
        change: impl FnMut(usize, Option<&Account>, &Accounts) -> Result<Edit, AccountError>,
    ) -> Result<Vec<Option<Account>>, AccountError> {
        self.change_all(open_ids, true, change)
    }

    fn change_all<E: From<AccountError>>(
        &self,
        open_ids: &[&str],
        with_tokens: bool,
        mut change: impl FnMut(usize, Option<&Account>, &Accounts) -> Result<Edit, E>,
    ) -> Result<Vec<Option<Account>>, E> {
        let path = self.path();
        let lock = Lock::acquire_to_save(&self.store_lock(), WAIT).map_err(AccountError::from)?;
        let wanted = |account: &Account| open_ids.contains(&account.open_id.as_str());
        let (mut document, was_last) = self.examine(wanted)?;
        fs::clean_temps(&path, &lock).map_err(AccountError::from)?;
        if let Some(encryption) = document.encryption.as_ref().filter(|_| with_tokens) {
            self.key_of(encryption)?;
        }
        let (mut stored, mut saved) = (Vec::new(), Vec::new());
        let mut is_changed = false;
        for (place, open_id) in open_ids.iter().copied().enumerate() {
            let current = match document.accounts.get(open_id) {
                Some(account) if with_tokens => Some(self.opened(account, &document)?),
                other => other.cloned(),
            };
            match change(place, current.as_ref(), &document.accounts)? {
                Edit::Keep => stored.push(current),
                Edit::Remove => {
                    Arc::make_mut(&mut document).accounts_mut().remove(open_id);
                    is_changed = true;
                    stored.push(None);
                }
                Edit::Put(mut account) => {
                    open_id.clone_into(&mut account.open_id);
                    let known = current.map_or(0, |current| current.generation);
                    account.generation = known.max(self.last_generation(open_id)?) + 1;
                    let resting = self.resting(&account, &document)?;
                    let accounts = Arc::make_mut(&mut document).accounts_mut();
                    accounts.insert(open_id.to_owned(), resting);
                    is_changed = true;
                    saved.push(account.clone());
                    stored.push(Some(*account));
                }
            }
        }
        if is_changed {
            self.save(Arc::make_mut(&mut document), was_last)?;
            self.cache.keep_saved(&path, &document);
        }
        for saved in &saved {
            self.remember_generation(saved);
        }
        Ok(stored)
    }

    /// Puts the tokens that TikTok gave in the place of those that were spent for them, if these are still the
    /// stored ones; all in one save.
    pub(in crate::store) fn rotate(
        &self,
        rotations: &[&Rotation],
    ) -> Result<Vec<Rotated>, AccountError> {
        let open_ids: Vec<_> = rotations.iter().map(|one| one.open_id.as_str()).collect();
        let mut ours = vec![false; rotations.len()];
        let stored = self.edit_all(&open_ids, |place, current, _| {
            let edit = rotations.get(place).map_or(Edit::Keep, |one| one.edit(current));
            if let Some(ours) = ours.get_mut(place) {
                *ours = matches!(edit, Edit::Put(_));
            }
            Ok(edit)
        })?;
        let rotated =
            stored.into_iter().zip(ours).map(|(stored, ours)| match stored.map(Box::new) {
                Some(stored) if ours => Rotated::Saved(stored),
                Some(stored) => Rotated::Superseded(stored),
                None => Rotated::Gone,
            });
        Ok(rotated.collect())
    }

    /// Forgets an account and what interrupted refreshes of it have left. Gives it as it was stored,
    /// encrypted tokens included; needs no key.
    pub(crate) fn forget(&self, open_id: &str) -> Result<Option<Account>, AccountError> {
        let mut forgotten = None;
        self.edit_at_rest::<AccountError>(open_id, |current, _| {
            forgotten = current.cloned();
            Ok(Edit::Remove)
        })?;
        self.refresh_log().forget(open_id)?;
        Ok(forgotten)
    }

    /// Gives an account another alias, or none.
    pub(crate) fn set_alias(
        &self,
        open_id: &str,
        alias: Option<&str>,
    ) -> Result<Account, AccountError> {
        let nobody = || AccountError::Name(NameError::Nobody);
        let saved = self.edit_at_rest(open_id, |current, accounts| {
            let mut account = current.cloned().ok_or_else(nobody)?;
            if let Some(alias) = alias {
                accounts.check_alias(alias, open_id)?;
            }
            account.alias = alias.map(ToOwned::to_owned);
            Ok::<_, AccountError>(Edit::Put(Box::new(account)))
        })?;
        saved.ok_or_else(nobody)
    }

    /// Notes since when an account's posts are kept waiting, or (`None`) that they go again. One that is paused
    /// already keeps its time.
    pub(crate) fn set_paused(
        &self,
        open_id: &str,
        since: Option<Timestamp>,
    ) -> Result<Account, AccountError> {
        let nobody = || AccountError::Name(NameError::Nobody);
        let saved = self.edit_at_rest(open_id, |current, _| {
            let account = current.cloned().ok_or_else(nobody)?;
            let paused_since = since.map(|since| account.paused_since.unwrap_or(since));
            if paused_since == account.paused_since {
                return Ok(Edit::Keep);
            }
            Ok::<_, AccountError>(Edit::Put(Box::new(Account { paused_since, ..account })))
        })?;
        saved.ok_or_else(nobody)
    }

    /// The mark of the journal that these accounts posted with.
    pub(crate) fn journal_mark(&self) -> Result<Option<Mark>, AccountError> {
        Ok(self.read_as_stored()?.journal.as_ref().map(JournalMark::mark))
    }

    /// Keeps the mark of a journal durably, if it replaces the one that is there.
    pub(crate) fn set_journal_mark(&self, mark: &Mark) -> Result<(), AccountError> {
        let path = self.path();
        let lock = Lock::acquire_to_save(&self.store_lock(), WAIT)?;
        let mut document = Arc::unwrap_or_clone(self.read_as_stored()?);
        let was_last = self.is_last_save(&document);
        if document.journal.as_ref().is_some_and(|known| !mark.replaces(&known.mark())) {
            return Ok(());
        }
        fs::clean_temps(&path, &lock)?;
        document.journal = Some(mark.into());
        self.save(&mut document, was_last)
    }

    /// The lock under which an account's tokens are refreshed; held across the network.
    pub(crate) fn refresh_lock(&self, open_id: &str) -> PathBuf {
        self.lock_file(open_id, "refresh")
    }

    /// The lock under which an account's posts are made; held for the run.
    pub(crate) fn upload_lock(&self, open_id: &str) -> PathBuf {
        self.lock_file(open_id, "upload")
    }

    /// The lock under which the store is encrypted or decrypted.
    pub(crate) fn migration_lock(&self) -> PathBuf {
        self.locks.join("encryption.lock")
    }

    /// The log of the refreshes of these accounts, with the key that this has.
    pub(crate) fn refresh_log(&self) -> RefreshLog {
        RefreshLog::new(self.dir.clone(), self.key.clone())
    }

    /// Proves that a save works, by saving what is there: creating, writing and syncing a file,
    /// putting it in the place of the store, and all that it takes to lock and read that; and that `room`
    /// bytes more than the store has can be written beside it. Gives the key that a save encrypts with, if
    /// the store is encrypted.
    pub(crate) fn probe(&self, room: usize) -> Result<Option<Arc<Key>>, AccountError> {
        let path = self.path();
        let lock = Lock::acquire_blocking(&self.store_lock(), WAIT)?;
        fs::clean_temps(&path, &lock)?;
        let stored = fs::read_private_file(&path, LONGEST)?;
        fs::probe(&path, stored.as_ref().map_or(0, |stored| stored.bytes.len()) + room)?;
        let Some(fs::PrivateFile { before, bytes, .. }) = stored else { return Ok(None) };
        let was_last = self.is_last_saved(&mark(&bytes, &FileIdentity::of(&before)));
        let known = self.cache.get(&path);
        let encryption = match &known {
            Some(document) => document.encryption.clone(),
            None => Document::encryption_of(&bytes, &path)?,
        };
        let key = encryption.map(|encryption| self.key_of(&encryption).cloned()).transpose()?;
        fs::write_atomic(&path, &bytes, PRIVATE_FILE)?;
        let file = self.mark_of(&bytes);
        if was_last {
            self.remember_save(file.as_deref());
        }
        if let Some(document) = known {
            let mut document = Document::clone(&document);
            document.file = file;
            let document = Arc::new(document);
            self.cache.keep_saved(&path, &document);
        }
        Ok(key)
    }

    fn store_lock(&self) -> PathBuf {
        self.dir.join(format!("{FILE}.lock"))
    }

    fn lock_file(&self, open_id: &str, purpose: &str) -> PathBuf {
        self.locks.join(format!("{}.{purpose}.lock", file_name(open_id)))
    }

    fn read_as_stored(&self) -> Result<Arc<Document>, AccountError> {
        let path = self.path();
        if let Some(document) = self.cache.get(&path) {
            return Ok(document);
        }
        let Some(found) = fs::read_private_file(&path, LONGEST)? else { return Ok(Arc::default()) };
        let mut document = Document::decode(&found.bytes, &path)?;
        document.file = Some(mark(&found.bytes, &FileIdentity::of(&found.before)));
        let document = Arc::new(document);
        self.cache.keep(found.file, &found.before, &document, SystemTime::now());
        Ok(document)
    }

    /// Replaces the file, under the lock of all saves. `was_last`: whether it was the last save made here.
    fn save(&self, document: &mut Document, was_last: bool) -> Result<(), AccountError> {
        // An entry that comes from a backup is still looked for in the next one.
        let is_whole =
            was_last || self.older(document, |_| true).is_ok_and(|older| older.is_empty());
        let bytes = document.encode();
        fs::write_atomic(&self.path(), &bytes, PRIVATE_FILE)?;
        document.file = self.mark_of(&bytes);
        self.remember_save(document.file.as_deref().filter(|_| is_whole));
        Ok(())
    }

    /// What tells the file as it lies there from every other, a copy that is put back included: its content, and what
    /// the system says of it. `None`: that cannot be told.
    fn mark_of(&self, bytes: &[u8]) -> Option<String> {
        let found = std::fs::symlink_metadata(self.path()).ok()?;
        Some(mark(bytes, &FileIdentity::of(&found)))
    }

    /// Where it is kept which file was the last one saved here.
    fn last_save(&self) -> PathBuf {
        self.locks.join("last-save")
    }

    /// Keeps which file was saved. One that lags is that of a file which is not there any more, and costs time alone.
    fn remember_save(&self, file: Option<&str>) {
        let _ = fs::overwrite(&self.last_save(), file.unwrap_or_default().as_bytes());
    }

    /// Whether a document is surely the last one saved here: then none of it comes from a backup.
    fn is_last_save(&self, document: &Document) -> bool {
        document.file.as_ref().is_some_and(|file| self.is_last_saved(file))
    }

    fn is_last_saved(&self, file: &str) -> bool {
        let known = fs::read_private(&self.last_save()).ok().flatten();
        known.is_some_and(|known| known.as_slice() == file.as_bytes())
    }

    /// The accounts `wanted` whose entries are older than the last ones saved here, each with the generation of
    /// that. The files of the other accounts are not looked at.
    fn older(
        &self,
        document: &Document,
        wanted: impl Fn(&Account) -> bool,
    ) -> Result<BTreeMap<String, u64>, AccountError> {
        let mut newer = BTreeMap::new();
        let unmarked = |account: &&Account| account.needs_login.is_none() && wanted(account);
        for account in document.accounts.iter().filter(unmarked) {
            let last = self.last_generation(&account.open_id)?;
            if account.generation < last {
                newer.insert(account.open_id.clone(), last);
            }
        }
        Ok(newer)
    }

    /// The document, in which those of the accounts `wanted` that come from a backup are marked.
    fn read(&self, wanted: impl Fn(&Account) -> bool) -> Result<Arc<Document>, AccountError> {
        Ok(self.examine(wanted)?.0)
    }

    /// The same, and whether it is surely the last save made here.
    fn examine(
        &self,
        wanted: impl Fn(&Account) -> bool,
    ) -> Result<(Arc<Document>, bool), AccountError> {
        let document = self.read_as_stored()?;
        if self.is_last_save(&document) {
            return Ok((document, true));
        }
        let newer = self.older(&document, wanted)?;
        if newer.is_empty() {
            return Ok((document, false));
        }
        // A save may have come between the two looks. It replaces the document first, so that a document
        // which is read after its mark is that of the save, unless an older one was put back.
        let mut document = Arc::unwrap_or_clone(self.read_as_stored()?);
        for account in document.accounts_mut().values_mut() {
            let last = newer.get(&account.open_id).copied().unwrap_or(0);
            if account.needs_login.is_none() && account.generation < last {
                let since = self.clock.now();
                account.needs_login = Some(NeedsLogin { since, reason: Reason::Restored });
            }
        }
        Ok((Arc::new(document), false))
    }

    /// The generation of the last save made here, kept apart from the store so that a store restored
    /// from a backup is recognised.
    fn last_generation(&self, open_id: &str) -> Result<u64, AccountError> {
        let mark = fs::read_private(&self.generation_file(open_id))?;
        // A mark that is not a number says nothing; none is there before the first save.
        let number = mark.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok());
        Ok(number.unwrap_or(0))
    }

    fn remember_generation(&self, account: &Account) {
        let text = format!("{}\n", account.generation);
        // The save itself is done. A mark that lags only recognises fewer old backups.
        let _ = fs::overwrite(&self.generation_file(&account.open_id), text.as_bytes());
    }

    fn generation_file(&self, open_id: &str) -> PathBuf {
        self.locks.join(format!("{}.generation", file_name(open_id)))
    }

    /// The same store with the key that it is encrypted with.
    #[must_use]
    pub(crate) fn with_key(self, key: Key) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// The key, if this run has one.
    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    /// How the tokens rest; `None` if they are not encrypted. Needs no key.
    pub(crate) fn encryption(&self) -> Result<Option<Encryption>, AccountError> {
        let path = self.path();
        if let Some(document) = self.cache.get(&path) {
            return Ok(document.encryption.clone());
        }
        match fs::read_private_to(&path, LONGEST)? {
            Some(bytes) => Document::encryption_of(&bytes, &path),
            None => Ok(None),
        }
    }

    /// An account with its tokens, which needs the key if they are encrypted. The accounts of
    /// [`TokenFile::accounts`] have theirs as they rest.
    pub(crate) fn login(&self, open_id: &str) -> Result<Account, AccountError> {
        let document = match self.cache.newest(&self.path()) {
            Some(document) => document,
            None => self.read(|account| account.open_id == open_id)?,
        };
        let account = self.opened(document.accounts.find(Some(open_id))?, &document)?;
        let odd = |token: &Secret| !token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if odd(&account.access_token) || odd(&account.refresh_token) {
            let account = account.name().to_owned();
            return Err(AccountError::OddToken { path: self.path(), account });
        }
        Ok(account)
    }

    /// Encrypts all tokens with the key of this run, which `encryption` describes. `locked` are the
    /// accounts that no other run is at. What is to be written is read and compared before it replaces
    /// the old file.
    pub(crate) fn encrypt(
        &self,
        encryption: &Encryption,
        locked: &BTreeSet<String>,
    ) -> Result<Migrated, AccountError> {
        self.migrate(Some(encryption), locked)
    }

    /// Puts all tokens back into plain text.
    pub(crate) fn decrypt(&self, locked: &BTreeSet<String>) -> Result<Migrated, AccountError> {
        self.migrate(None, locked)
    }

    fn migrate(
        &self,
        to: Option<&Encryption>,
        locked: &BTreeSet<String>,
    ) -> Result<Migrated, AccountError> {
        let path = self.path();
        let lock = Lock::acquire_to_save(&self.store_lock(), WAIT)?;
        let before = self.read_as_stored()?;
        let was_last = self.is_last_save(&before);
        let logins = before.accounts.len();
        if before.encryption.as_ref() == to {
            return Ok(Migrated { logins, changed: false });
        }
        // Anything but from plain to encrypted or back would need two keys.
        if let (Some(known), Some(_)) = (&before.encryption, to) {
            return Err(AccountError::Encrypted { path, key: known.key });
        }
        if let Some(stranger) = before.accounts.iter().find(|one| !locked.contains(&one.open_id)) {
            return Err(AccountError::MovedOn { account: stranger.name().to_owned() });
        }
        let plain = before
            .accounts
            .iter()
            .map(|account| self.opened(account, &before))
            .collect::<Result<Vec<_>, _>>()?;
        let mut after = Arc::unwrap_or_clone(before);
        after.encryption = to.cloned();
        for account in &plain {
            let resting = self.resting(account, &after)?;
            after.accounts_mut().insert(account.open_id.clone(), resting);
        }
        let bytes = after.encode();
        let read = Document::decode(&bytes, &path)?;
        let same = read.accounts.len() == plain.len()
            && plain.iter().all(|account| {
                let found = read.accounts.get(&account.open_id);
                found.and_then(|found| self.opened(found, &read).ok()).as_ref() == Some(account)
            });
        if !same || read.encryption.as_ref() != to {
            let what = "what would be written does not read back as it is".to_owned();
            return Err(AccountError::Corrupt { path, what });
        }
        fs::clean_temps(&path, &lock)?;
        self.save(&mut after, was_last)?;
        Ok(Migrated { logins, changed: true })
    }

    /// An entry of a document with its tokens opened.
    fn opened(&self, account: &Account, document: &Document) -> Result<Account, AccountError> {
        let Some(encryption) = &document.encryption else {
            return match encrypt::key_of(account.access_token.expose()) {
                None => Ok(account.clone()),
                // Whoever took out what the file said about itself.
                Some(key) => Err(AccountError::NoKey { path: self.path(), key }),
            };
        };
        let key = self.key_of(encryption)?;
        let mut account = account.clone();
        let (open_id, name) = (account.open_id.clone(), account.name().to_owned());
        for (field, token) in tokens(&mut account) {
            let place = place(&open_id, field);
            *token = encrypt::open(key, token.expose(), &place).map_err(|source| {
                AccountError::Undecrypted { path: self.path(), account: name.clone(), source }
            })?;
        }
        Ok(account)
    }

    /// An account as an entry of a document. Tokens that are encrypted already stay so.
    fn resting(&self, account: &Account, document: &Document) -> Result<Account, AccountError> {
        let mut account = account.clone();
        let Some(encryption) = &document.encryption else { return Ok(account) };
        let open_id = account.open_id.clone();
        for (field, token) in tokens(&mut account) {
            if !encrypt::is_encrypted(token.expose()) {
                *token = encrypt::encrypt(self.key_of(encryption)?, token, &place(&open_id, field));
            }
        }
        Ok(account)
    }

    /// The key of an encrypted document, if this run has it.
    fn key_of(&self, encryption: &Encryption) -> Result<&Arc<Key>, AccountError> {
        let key = self.key.as_ref().filter(|key| key.id() == encryption.key);
        key.ok_or_else(|| AccountError::NoKey { path: self.path(), key: encryption.key })
    }
}

/// What tells a file of this content from every other. A copy that is put back has another inode, or was changed at
/// another time, which nobody can set.
fn mark(bytes: &[u8], file: &FileIdentity) -> String {
    format!("{} {} {}", blake3::hash(bytes).to_hex(), file.inode, file.ctime)
}

/// The last part of a path; empty if it is not text, which no name of ours is.
fn name_of(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// A file name for an account that no hostile `open_id` can bend into a path.
fn file_name(open_id: &str) -> String {
    blake3::hash(open_id.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests;
