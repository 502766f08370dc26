//! Where secrets rest, the key that an encrypted store needs, and `accounts encrypt|decrypt`.
//!
//! The key is fetched before anything is sent, once in a run. The store itself says how it is encrypted;
//! a setting that does not fit is an error, never a reason to write in another form.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::commands::passphrase::{Asked, NoTerminal, Passphrases};
use crate::commands::stores::Stores;
use crate::commands::{Context, journal};
use crate::encrypt::{Encryption, Key, Scheme, UnwrapError};
use crate::exit::Exit;
use crate::fs::Lock;
use crate::output::{Failure, Matter};
use crate::process::allow_descriptors;
use crate::secret::Secret;
use crate::settings::{Encrypt, StoreKeyError};
use crate::signals::Signal;
#[cfg(feature = "postgres")]
use crate::store::StoreError;
use crate::store::local::{Looked, Migrated, SqliteJournal as Journal, TokenFile};
use crate::text;

/// How often a passphrase that is typed may be wrong.
const TRIES: usize = 3;

/// How tokens rest, and with what.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    place: String,
    /// Whether that is a file of this machine.
    is_file: bool,
    encryption: Option<Encryption>,
    setting: Option<Encrypt>,
}

/// Says where the secrets of this home rest. Needs no key.
pub(super) fn where_secrets_rest(context: &Context) -> Result<Rest, Failure> {
    let store = TokenFile::open(&context.settings.home.state, context.settings.clock)?;
    Ok(Rest {
        place: store.path().display().to_string(),
        is_file: true,
        encryption: store.encryption()?,
        setting: context.settings.encrypt.clone(),
    })
}

/// The same of a store that was opened.
pub(super) async fn where_they_rest(context: &Context, store: &Stores) -> Result<Rest, Failure> {
    Ok(Rest {
        place: store.shared.accounts().place(),
        is_file: context.settings.database.is_none(),
        encryption: store.shared.encryption().await?,
        setting: context.settings.encrypt.clone(),
    })
}

/// The same of a database, which says how it is encrypted.
#[cfg(feature = "postgres")]
pub(super) fn in_database(context: &Context, place: &str, encryption: Encryption) -> Rest {
    let setting = context.settings.encrypt.clone();
    Rest { place: place.to_owned(), is_file: false, encryption: Some(encryption), setting }
}

impl Rest {
    /// A word for programs: the way in which the tokens are encrypted, or `plain`.
    pub(super) fn word(&self) -> &'static str {
        self.encryption.as_ref().map_or("plain", |encryption| encryption.scheme.as_str())
    }

    /// Whether they are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encryption.is_some()
    }

    /// Whether somebody has to type the passphrase.
    pub(super) fn is_typed(&self) -> bool {
        let typed = self.setting.as_ref().is_some_and(Encrypt::is_typed);
        let of_passphrase = |store: &Encryption| store.scheme == Scheme::Passphrase;
        typed && self.encryption.as_ref().is_some_and(of_passphrase)
    }

    /// The key of an encrypted store. One that is typed is not asked for, and there is none. Blocks until a
    /// command or the keyring has answered.
    pub(super) fn key(&self) -> Result<Option<Key>, StoreKeyError> {
        match &self.encryption {
            Some(store) if !self.is_typed() => {
                Encrypt::key(self.setting.as_ref(), store, None).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The key if looking for it costs nothing and asks nobody: it is in a file.
    pub(super) fn key_at_hand(&self) -> Result<Option<Key>, StoreKeyError> {
        if matches!(self.setting, Some(Encrypt::KeyFile(_))) { self.key() } else { Ok(None) }
    }

    /// What keeps the store and the settings from fitting, if they do not.
    pub(super) fn misfit(&self) -> Option<String> {
        match (&self.encryption, &self.setting) {
            (None, None) => None,
            (None, Some(_)) => Some(NOT_YET.to_owned()),
            (Some(store), setting) => {
                let set = setting.as_ref().map(Encrypt::scheme);
                let setting = set.map_or_else(|| "not set".to_owned(), |set| format!("\"{set}\""));
                (set != Some(store.scheme)).then(|| {
                    format!(
                        "`[store] encrypt` is {setting}, and the tokens are encrypted with \"{}\"",
                        store.scheme
                    )
                })
            }
        }
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tokens rest in `{}`", self.place)?;
        let Some(store) = &self.encryption else {
            let mode = if self.is_file { ", mode 0600" } else { "" };
            return write!(f, "{mode}, not encrypted");
        };
        match self.setting.as_ref().filter(|setting| setting.scheme() == store.scheme) {
            Some(setting) => write!(f, ", encrypted with {} (key {})", setting.words(), store.key),
            None => write!(f, ", encrypted (\"{}\", key {})", store.scheme, store.key),
        }
    }
}

/// What is said until `accounts encrypt` was run.
const NOT_YET: &str = "`[store] encrypt` is set, but the tokens are not encrypted yet: run \
                       `tiktok-up accounts encrypt` once";

/// The store with its key, if it is encrypted: for whatever reads or writes tokens. Fails before
/// anything is sent if the key is not at hand.
pub(super) async fn unlocked(context: &Context, store: Stores) -> Result<Stores, Failure> {
    let Some(encryption) = store.shared.encryption().await? else {
        if context.settings.encrypt.is_some() {
            context.printer.warn_of(&Matter::lasting("encrypt", ""), NOT_YET);
        }
        return Ok(store);
    };
    if let Some(known) = context.store_key.get().filter(|key| key.id() == encryption.key) {
        return Ok(store.with_key(known.clone()));
    }
    let key = key_of(context, &encryption).await?;
    // If the store was encrypted anew meanwhile, the first key stays remembered.
    _ = context.store_key.set(key.clone());
    Ok(store.with_key(key))
}

/// As [`unlocked`], for a login that is about to come: the first one is not written in
/// plain text where it is to be encrypted. What is in a store already is, until somebody is there
/// to see it migrated: an unattended run goes on as before.
pub(super) async fn unlocked_for_login(
    context: &Context,
    store: Stores,
) -> Result<Stores, Failure> {
    let is_empty = store.shared.accounts().all().await?.is_empty();
    let is_first = is_empty && store.shared.encryption().await?.is_none();
    if is_first && context.settings.encrypt.is_some() {
        let failure = Failure::usage("the token store is to be encrypted, and is not yet")
            .hint("run `tiktok-up accounts encrypt` first; nothing was sent");
        return Err(Failure { exit: Exit::Local, ..failure });
    }
    unlocked(context, store).await
}

async fn key_of(context: &Context, encryption: &Encryption) -> Result<Key, Failure> {
    let typed = encryption.scheme == Scheme::Passphrase
        && context.settings.encrypt.as_ref().is_some_and(Encrypt::is_typed);
    if !typed {
        return fetch(context, encryption, None).await;
    }
    let mut tries = 1;
    let mut passphrases = Passphrases::typed(&context.shutdown);
    loop {
        let passphrase = typed_one(passphrases.known_one("the token store").await)?;
        match fetch(context, encryption, Some(passphrase)).await {
            Err(failure) if tries < TRIES && is_wrong(&failure) => {
                context.printer.warn("the passphrase is wrong; once more");
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn fetch(
    context: &Context,
    encryption: &Encryption,
    typed: Option<Secret>,
) -> Result<Key, Failure> {
    let (setting, encryption) = (context.settings.encrypt.clone(), encryption.clone());
    let key = move || Encrypt::key(setting.as_ref(), &encryption, typed.as_ref());
    match context.aside(key).await? {
        Ok(key) => Ok(key?),
        Err(signal) => Err(stopped(signal)),
    }
}

fn is_wrong(failure: &Failure) -> bool {
    let error = failure.error.downcast_ref::<StoreKeyError>();
    matches!(error, Some(StoreKeyError::Unwrap(UnwrapError::Wrong)))
}

/// That nobody is there to type is local trouble, and no mistake of whoever runs this by cron.
fn typed_one(asked: Result<Asked, Failure>) -> Result<Secret, Failure> {
    match asked {
        Ok(Asked::Passphrase(passphrase)) => Ok(passphrase),
        Ok(Asked::Stopped(signal)) => Err(stopped(signal)),
        Err(failure) if failure.error.is::<NoTerminal>() => {
            Err(StoreKeyError::NoPassphrase { why: failure.error.to_string() }.into())
        }
        Err(failure) => Err(failure),
    }
}

fn stopped(signal: Signal) -> Failure {
    Failure { exit: signal.exit(), ..Failure::usage("interrupted") }
}

/// `accounts encrypt`: encrypts what rests in plain text. Safe to run again, and after it was cut off: each
/// value says by itself whether it is encrypted, and the store goes first, so that whoever finds an encrypted
/// `upload_url` knows that there is a key.
pub(super) async fn encrypt(context: &Context) -> Result<Exit, Failure> {
    let setting = context.settings.encrypt.clone().ok_or_else(|| not_set(context))?;
    #[cfg(feature = "postgres")]
    if context.settings.database.is_some() {
        return encrypt_database(context, setting).await;
    }
    let store = TokenFile::open(&context.settings.home.state, context.settings.clock)?;
    let _alone = Lock::try_acquire(&store.migration_lock())?;
    // Fetched as every later run will, so that no key is used that does not come back.
    let (encryption, key) = if let Some(encryption) = store.encryption()? {
        let key = key_of(context, &encryption).await?;
        (encryption, key)
    } else {
        let (encryption, typed) = first_key(context, setting.clone()).await?;
        let key = fetch(context, &encryption, typed).await?;
        (encryption, key)
    };
    let store = store.with_key(key);
    context.printer.step("waiting for other runs to end");
    let held = Held::all(context, &store).await?;
    let here = context.clone();
    let migrate = move || -> Result<_, Failure> {
        let migrated = store.encrypt(&encryption, &held.accounts)?;
        store.refresh_log().migrate(false)?;
        let urls = match journal_of(&here, &store)? {
            Some(journal) => journal.encrypt()?,
            None => 0,
        };
        Ok((migrated, urls))
    };
    let (migrated, urls) = context.to_its_end(migrate).await??;
    report(context, "encrypt", migrated, urls, &where_secrets_rest(context)?);
    if let Encrypt::KeyFile(path) = &setting
        && path.parent() == Some(context.settings.home.state.as_path())
    {
        context.printer.warn(format!(
            "`{}` lies beside the tokens, and whoever copies the directory has both: name another \
             place with `key_file`",
            path.display()
        ));
    }
    Ok(Exit::Done)
}

/// `accounts encrypt` of a database, for all machines in one step. Each of them needs the key from then on.
#[cfg(feature = "postgres")]
async fn encrypt_database(context: &Context, setting: Encrypt) -> Result<Exit, Failure> {
    let store = context.store().await?;
    let encryption = match store.shared.encryption().await? {
        Some(encryption) => encryption,
        None => first_key(context, setting).await?.0,
    };
    let key = key_of(context, &encryption).await?;
    let Some(database) = &store.database else { return Err(StoreError::Closed.into()) };
    let (logins, urls) = database.encrypt(encryption, key.clone()).await?;
    let local = store.local.clone().with_key(key);
    context.to_its_end(move || local.refresh_log().migrate(false)).await??;
    let rest = where_they_rest(context, &store).await?;
    report(context, "encrypt", Migrated { logins, changed: logins > 0 }, urls, &rest);
    Ok(Exit::Done)
}

/// `accounts decrypt`: the way back. The journal goes first, for the same reason.
pub(super) async fn decrypt(context: &Context) -> Result<Exit, Failure> {
    if context.settings.database.is_some() {
        return Err(Failure::usage("what a database keeps encrypted stays encrypted")
            .hint("log out, and log in again with another store, to have tokens elsewhere"));
    }
    let store = TokenFile::open(&context.settings.home.state, context.settings.clock)?;
    let _alone = Lock::try_acquire(&store.migration_lock())?;
    let store = match store.encryption()? {
        None => store,
        Some(encryption) => match key_of(context, &encryption).await {
            Ok(key) => store.with_key(key),
            // A key that is lost for good opens nothing, and here is nothing to be opened.
            Err(failure) if failure.exit == Exit::Local && store.accounts()?.is_empty() => {
                context.printer.warn(format!("{:#}; no login needs it", failure.error));
                store
            }
            Err(failure) => return Err(failure),
        },
    };
    context.printer.step("waiting for other runs to end");
    let held = Held::all(context, &store).await?;
    let here = context.clone();
    let migrate = move || -> Result<_, Failure> {
        let urls = match journal_of(&here, &store)? {
            Some(journal) => journal.decrypt()?,
            None => 0,
        };
        store.refresh_log().migrate(true)?;
        Ok((store.decrypt(&held.accounts)?, urls))
    };
    let (migrated, urls) = context.to_its_end(migrate).await??;
    report(context, "decrypt", migrated, urls, &where_secrets_rest(context)?);
    if let Some(setting) = &context.settings.encrypt {
        let then = match setting {
            Encrypt::KeyFile(_) | Encrypt::Keyring => {
                "the key is left where it is, as backups may need it"
            }
            Encrypt::KeyCommand(_) => "keep what `key_command` prints, as backups may need it",
            Encrypt::Passphrase(_) => "keep the passphrase, as backups may need it",
        };
        let text = format!("now take `encrypt` out of `[store]` in config.toml; {then}");
        context.printer.note(text);
    }
    Ok(Exit::Done)
}

fn not_set(context: &Context) -> Failure {
    Failure::usage("`[store] encrypt` is not set").hint(format!(
        "write into `{}`:\n\
         \n\
         \u{20} [store]\n\
         \u{20} encrypt = \"key-file\"\n\
         \n\
         or \"passphrase\", or \"keyring\" in a build that can use one",
        context.settings.home.config_file().display()
    ))
}

/// The key for a store that is not encrypted yet, and the passphrase if one was typed for it.
async fn first_key(
    context: &Context,
    setting: Encrypt,
) -> Result<(Encryption, Option<Secret>), Failure> {
    let typed = if setting.is_typed() {
        let mut passphrases = Passphrases::typed(&context.shutdown);
        Some(typed_one(passphrases.new_one("the token store").await)?)
    } else {
        None
    };
    let of = typed.clone();
    match context.aside(move || setting.first_key(of.as_ref())).await? {
        Ok(encryption) => Ok((encryption?, typed)),
        Err(signal) => Err(stopped(signal)),
    }
}

/// The journal with the key of the store, if there is one. That `upload` would refuse it is a warning.
fn journal_of(context: &Context, store: &TokenFile) -> Result<Option<Journal>, Failure> {
    let (state, clock) = (&context.settings.home.state, context.settings.clock);
    let tokens = Arc::new(TokenFile::open(state, clock)?);
    let Looked { journal, doubt } = Journal::open_existing(state, clock, tokens)?;
    if let Some(doubt) = doubt {
        journal::warn(&context.printer, &doubt);
    }
    Ok(journal.map(|journal| journal.with_key(store.key().cloned())))
}

/// The locks of all accounts: nobody posts or refreshes while they are held.
struct Held {
    accounts: BTreeSet<String>,
    _locks: Vec<Lock>,
}

impl Held {
    /// Waits for each refresh to end as a refresh waits for another, and not at all for an upload. Nothing
    /// was done if a signal comes meanwhile.
    async fn all(context: &Context, store: &TokenFile) -> Result<Self, Failure> {
        let (store, wait) = (store.clone(), context.settings.timing.refresh_lock);
        match context.aside(move || Self::take(&store, wait)).await? {
            Ok(held) => held,
            Err(signal) => Err(stopped(signal)),
        }
    }

    fn take(store: &TokenFile, wait: Duration) -> Result<Self, Failure> {
        let accounts: BTreeSet<String> =
            store.accounts()?.iter().map(|account| account.open_id.clone()).collect();
        allow_descriptors(2 * accounts.len() as u64);
        let mut locks = Vec::new();
        for open_id in &accounts {
            locks.push(Lock::try_acquire(&store.upload_lock(open_id))?);
        }
        for open_id in &accounts {
            locks.push(Lock::acquire_blocking(&store.refresh_lock(open_id), wait)?);
        }
        Ok(Self { accounts, _locks: locks })
    }
}

/// What was done, and where the secrets rest now.
fn report(context: &Context, what: &str, done: Migrated, urls: usize, rest: &Rest) {
    let printer = &context.printer;
    if printer.is_json() {
        printer.json(&json!({
            "event": what,
            "logins": done.logins,
            "upload_urls": urls,
            "changed": done.changed || urls > 0,
            "tokens_at_rest": rest.word(),
            "key": rest.encryption.as_ref().map(|encryption| encryption.key.to_string()),
        }));
        return;
    }
    if done.changed {
        let logins = text::count(done.logins as u64, "login");
        printer.note(format!("{what}ed: {logins}"));
    } else {
        printer.note(format!("the tokens are {what}ed already"));
    }
    printer.note(rest.to_string());
    if done.changed && what == "encrypt" {
        printer.note(
            "backups and the free space of the disk may still hold the tokens as they were; \
             `tiktok-up refresh --force` makes those worthless",
        );
    }
}
