//! `config.toml`: read strictly, every mistake with its line and column, all of them at once.
//!
//! Read by hand instead of by serde, because serde's messages quote the offending value, and a value
//! may be a client secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use tiktok_open::{Privacy, Scopes, UnknownPrivacy};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use super::ServeSettings;
use super::credentials::odd;
use super::home::literal;
use super::mistake::Mistakes;
use super::store_key::{Encrypt, PassphraseFrom};
use crate::clock;
use crate::encrypt::Scheme;
use crate::model::rate::bytes;
use crate::model::slot::{DAYS, Slot};
use crate::model::{
    Field, FieldType, FieldValue, FieldValues, HookKind, Mode, RedirectUri, StoreEndpoints,
};
use crate::secret::Secret;
use crate::text;

/// What the file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    /// `[defaults] app`.
    pub(super) app: Option<String>,
    /// The rest of `[defaults]`.
    pub(super) defaults: FieldValues,
    /// `[accounts.NAME]`.
    pub(super) accounts: BTreeMap<String, FieldValues>,
    /// `[apps.NAME]`.
    pub(super) apps: BTreeMap<String, AppEntry>,
    /// `[store]`.
    pub(super) store: Option<Encrypt>,
    /// What it says of a database.
    pub(super) database: DatabaseEntry,
    /// `[hooks]`.
    pub(super) hooks: HooksEntry,
    /// `[slots.NAME]`.
    pub(super) slots: BTreeMap<String, Slot>,
    /// `[serve]`.
    pub(super) serve: ServeSettings,
    /// `[sources]`.
    pub(super) sources: StoreEndpoints,
}

/// What `[store]` says of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct DatabaseEntry {
    /// `url`.
    pub(super) url: Option<Secret>,
    /// `password_file` or `password_command`.
    pub(super) password: Option<SecretSource>,
}

impl DatabaseEntry {
    /// Whether the address itself holds a password.
    pub(super) fn holds_a_password(&self) -> bool {
        self.url.as_ref().is_some_and(|url| {
            let address = url.expose();
            let login = address.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
            let pairs = address.replace(char::is_whitespace, "");
            pairs.contains("password=") || login.is_some_and(|(login, _)| login.contains(':'))
        })
    }
}

/// `[hooks]`.
#[derive(Clone, Debug, Default)]
pub(super) struct HooksEntry {
    /// `notify_command`: a list is run as it is, a text by `sh -c`.
    pub(super) command: Option<Vec<String>>,
    /// `webhook`, which is a secret for many services.
    pub(super) webhook: Option<Secret>,
    /// `webhook_secret` or `webhook_secret_file`.
    pub(super) key: Option<SecretSource>,
    /// `desktop`.
    pub(super) desktop: bool,
    /// `when`.
    pub(super) when: Option<Vec<HookKind>>,
}

/// One `[apps.NAME]`.
#[derive(Clone, Debug)]
pub(super) struct AppEntry {
    pub(super) client_key: String,
    pub(super) secret: SecretSource,
    pub(super) redirect_uri: Option<RedirectUri>,
    pub(super) scopes: Option<Scopes>,
}

/// Where an app's client secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretSource {
    /// `client_secret`.
    Here(Secret),
    /// `client_secret_file`, made absolute.
    File(PathBuf),
    /// `client_secret_command`: a list is run as it is, a text by `sh -c`.
    Command(Vec<String>),
}

impl Config {
    /// Whether the file itself holds a secret, so that nobody else may read it.
    pub(super) fn holds_a_secret(&self) -> bool {
        self.apps.values().any(|app| matches!(app.secret, SecretSource::Here(_)))
            || self.hooks.webhook.is_some()
            || matches!(self.hooks.key, Some(SecretSource::Here(_)))
            || self.database.holds_a_password()
    }

    /// Reads the text of a file that lies in `folder`.
    pub(super) fn read(text: &str, folder: &Path) -> Result<Self, Mistakes> {
        let mut reader = Reader { text, folder, mistakes: Mistakes::default() };
        let config = match DeTable::parse(text) {
            Ok(root) => reader.root(root.get_ref()),
            Err(error) => {
                reader.wrong(error.span().unwrap_or_default(), error.message());
                Self::default()
            }
        };
        if reader.mistakes.is_empty() { Ok(config) } else { Err(reader.mistakes) }
    }
}

pub(super) const ROOT: &[&str] =
    &["accounts", "apps", "defaults", "hooks", "serve", "slots", "sources", "store"];
pub(super) const APP: &[&str] = &[
    "client_key",
    "client_secret",
    "client_secret_command",
    "client_secret_file",
    "redirect_uri",
    "scopes",
];
pub(super) const STORE: &[&str] = &[
    "encrypt",
    "key_command",
    "key_file",
    "passphrase_command",
    "passphrase_file",
    "password_command",
    "password_file",
    "url",
];

pub(super) const HOOKS: &[&str] =
    &["desktop", "notify_command", "webhook", "webhook_secret", "webhook_secret_file", "when"];

pub(super) const SERVE: &[&str] = &["folders", "origin", "upload_limit"];

pub(super) const SOURCES: &[&str] = &["az_endpoint", "gs_endpoint", "s3_endpoint", "s3_region"];

pub(super) const SLOT: &[&str] = &["days", "jitter", "times", "zone"];

/// The longest `jitter`.
const LONGEST_JITTER: SignedDuration = SignedDuration::from_hours(12);

/// The key file of `encrypt = "key-file"`, unless another is named.
const KEY_FILE: &str = "store.key";

type Value<'i> = Spanned<DeValue<'i>>;

struct Reader<'t> {
    text: &'t str,
    folder: &'t Path,
    mistakes: Mistakes,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) -> Config {
        let mut config = Config::default();
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "accounts" => config.accounts = self.accounts(value),
                "apps" => config.apps = self.apps(value),
                "defaults" => (config.app, config.defaults) = self.defaults(value),
                "hooks" => config.hooks = self.hooks(value),
                "serve" => config.serve = self.serve(value),
                "sources" => config.sources = self.sources(value),
                "slots" => config.slots = self.slots(value),
                "store" => (config.store, config.database) = self.store(value),
                _ => self.unknown(key, ROOT),
            }
        }
        if let Some(name) = config.app.as_ref().filter(|name| !config.apps.contains_key(*name)) {
            let at = place(root, &["defaults", "app"]);
            self.wrong(at, format!("there is no `[apps.{}]`", text::plain(name)));
        }
        config
    }

    fn apps(&mut self, value: &Value<'_>) -> BTreeMap<String, AppEntry> {
        let Some(table) = self.table(value, "apps") else { return BTreeMap::new() };
        let mut apps = BTreeMap::new();
        for (name, value) in table {
            if let Some(app) = self.app(name, value) {
                apps.insert(name.get_ref().to_string(), app);
            }
        }
        apps
    }

    fn accounts(&mut self, value: &Value<'_>) -> BTreeMap<String, FieldValues> {
        let Some(table) = self.table(value, "accounts") else { return BTreeMap::new() };
        let mut accounts = BTreeMap::new();
        for (name, value) in table {
            let Some(table) = self.table(value, "an account") else { continue };
            let mut given = FieldValues::default();
            for (key, value) in table {
                match Field::named(key.get_ref()).filter(|field| is_for_account(*field)) {
                    Some(field) => given.set(field, self.field(field, value)),
                    None => self.unknown(key, &account_names()),
                }
            }
            accounts.insert(name.get_ref().to_string(), given);
        }
        accounts
    }

    fn app(&mut self, name: &Spanned<Cow<'_, str>>, value: &Value<'_>) -> Option<AppEntry> {
        let table = self.table(value, "an app")?;
        let (mut key, mut redirect_uri, mut scopes) = (None, None, None);
        let mut secrets = Vec::new();
        for (field, value) in table {
            match field.get_ref().as_ref() {
                "client_key" => key = self.credential(value),
                "client_secret" => {
                    secrets.extend(self.credential(value).map(Secret::new).map(SecretSource::Here));
                }
                "client_secret_file" => {
                    secrets.extend(self.path(value).map(SecretSource::File));
                }
                "client_secret_command" => {
                    secrets.extend(self.command(value).map(SecretSource::Command));
                }
                "redirect_uri" => redirect_uri = self.redirect_uri(value),
                "scopes" => scopes = self.scopes(value),
                _ => self.unknown(field, APP),
            }
        }
        let known = |field: &str| table.iter().any(|(key, _)| key.get_ref() == field);
        if !known("client_key") {
            self.wrong(name.span(), "the app has no `client_key`");
        }
        if !APP.iter().any(|field| field.starts_with("client_secret") && known(field)) {
            self.wrong(
                name.span(),
                "the app has no `client_secret`, `client_secret_file` or `client_secret_command`",
            );
        }
        if secrets.len() > 1 {
            self.wrong(name.span(), "the app has more than one kind of client secret");
        }
        Some(AppEntry { client_key: key?, secret: secrets.pop()?, redirect_uri, scopes })
    }

    fn defaults(&mut self, value: &Value<'_>) -> (Option<String>, FieldValues) {
        let mut app = None;
        let mut given = FieldValues::default();
        let Some(table) = self.table(value, "defaults") else { return (app, given) };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "app" => app = self.word(value),
                name => match Field::named(name).filter(|field| field.is_for_config()) {
                    Some(field) => given.set(field, self.field(field, value)),
                    None => self.unknown(key, &default_names()),
                },
            }
        }
        (app, given)
    }

    /// The value of a field that may be a default here. A text is not looked at any further.
    fn field(&mut self, field: Field, value: &Value<'_>) -> Option<FieldValue> {
        match field.value_type() {
            FieldType::Flag => self.boolean(value).map(FieldValue::Flag),
            FieldType::Mode => self.mode(value).map(FieldValue::Mode),
            FieldType::Privacy => self.privacy(value).map(FieldValue::Privacy),
            _ => self.word(value).map(FieldValue::Text),
        }
    }

    fn hooks(&mut self, value: &Value<'_>) -> HooksEntry {
        let mut hooks = HooksEntry::default();
        let Some(table) = self.table(value, "hooks") else { return hooks };
        let mut keys = Vec::new();
        for (field, value) in table {
            match field.get_ref().as_ref() {
                "notify_command" => hooks.command = self.command(value),
                "webhook" => hooks.webhook = self.webhook(value),
                "webhook_secret" => {
                    let key = self.credential(value).map(Secret::new).map(SecretSource::Here);
                    keys.push((field.span(), key));
                }
                "webhook_secret_file" => {
                    keys.push((field.span(), self.path(value).map(SecretSource::File)));
                }
                "desktop" => hooks.desktop = self.boolean(value).unwrap_or_default(),
                "when" => hooks.when = self.when(value),
                _ => self.unknown(field, HOOKS),
            }
        }
        let has_webhook = table.iter().any(|(key, _)| key.get_ref() == "webhook");
        for (nth, (at, _)) in keys.iter().enumerate() {
            if !has_webhook {
                self.wrong(at.clone(), "of no use without `webhook`");
            } else if nth > 0 {
                self.wrong(at.clone(), "one of a secret and a file with it is enough");
            }
        }
        hooks.key = keys.into_iter().find_map(|(_, key)| key);
        hooks
    }

    /// An https address, or http on this machine. It is not quoted, as it may be a secret.
    fn webhook(&mut self, value: &Value<'_>) -> Option<Secret> {
        let text = self.word(value)?;
        match hook_address(&text) {
            Ok(address) => Some(address),
            Err(why) => {
                self.wrong(value.span(), why);
                None
            }
        }
    }

    fn when(&mut self, value: &Value<'_>) -> Option<Vec<HookKind>> {
        let words = self.strings(value)?;
        let mut kinds = Vec::new();
        for word in words {
            if let Some(kind) = HookKind::named(&word) {
                kinds.push(kind);
            } else {
                let known = HookKind::ALL.map(HookKind::as_str);
                let message = format!("not an event; there are {}", list(&known));
                self.wrong(value.span(), guess(message, nearest(&word, &known)));
            }
        }
        Some(kinds)
    }

    fn serve(&mut self, value: &Value<'_>) -> ServeSettings {
        let mut serve = ServeSettings::default();
        let Some(table) = self.table(value, "serve") else { return serve };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "folders" => serve.folders = self.folders(value),
                "origin" => serve.origin = self.origin(value),
                "upload_limit" => {
                    serve.upload_limit = self.size(value).unwrap_or(serve.upload_limit);
                }
                _ => self.unknown(key, SERVE),
            }
        }
        serve
    }

    fn sources(&mut self, value: &Value<'_>) -> StoreEndpoints {
        let mut sources = StoreEndpoints::default();
        let Some(table) = self.table(value, "sources") else { return sources };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "az_endpoint" => sources.az = self.endpoint(value),
                "gs_endpoint" => sources.gs = self.endpoint(value),
                "s3_endpoint" => sources.s3 = self.endpoint(value),
                "s3_region" => sources.s3_region = self.word(value),
                _ => self.unknown(key, SOURCES),
            }
        }
        sources
    }

    /// Where a store is: a login or a signature in it would be a secret, and stands elsewhere.
    fn endpoint(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.word(value)?;
        let url = Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if url.is_none() {
            self.wrong(
                value.span(),
                "not the address of a store, such as `https://s3.example.com`, without a login",
            );
        }
        url.map(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    fn folders(&mut self, value: &Value<'_>) -> Vec<PathBuf> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value.span(), format!("must be a list of folders, not {}", kind(value)));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.path(item)).collect()
    }

    /// Where browsers find the console behind a proxy: scheme, host and port, and nothing else.
    fn origin(&mut self, value: &Value<'_>) -> Option<Url> {
        let text = self.word(value)?;
        let url = Url::parse(&text).ok().filter(|url| {
            url.scheme() == "https"
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if url.is_none() {
            self.wrong(
                value.span(),
                "not an https address without a path, such as `https://console.example.com`",
            );
        }
        url
    }

    /// A number of bytes, as `--limit-rate` takes one.
    fn size(&mut self, value: &Value<'_>) -> Option<u64> {
        let text = self.word(value)?;
        let size = bytes(&text).ok().filter(|size| *size > 0);
        if size.is_none() {
            self.wrong(value.span(), "not a size such as `500MB` or `4GB`");
        }
        size
    }

    fn slots(&mut self, value: &Value<'_>) -> BTreeMap<String, Slot> {
        let Some(table) = self.table(value, "slots") else { return BTreeMap::new() };
        let mut slots = BTreeMap::new();
        for (name, value) in table {
            if let Some(slot) = self.slot(name, value) {
                slots.insert(name.get_ref().to_string(), slot);
            }
        }
        slots
    }

    fn slot(&mut self, name: &Spanned<Cow<'_, str>>, value: &Value<'_>) -> Option<Slot> {
        let table = self.table(value, "a slot")?;
        let (mut days, mut times) = (Vec::new(), None);
        let (mut zone, mut jitter) = (clock::zone().clone(), SignedDuration::ZERO);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "days" => days = self.days(value),
                "times" => times = Some(self.times(value)),
                // The others are read as well, so that all that is wrong is told.
                "zone" => zone = self.zone(value).unwrap_or(zone),
                "jitter" => jitter = self.jitter(value).unwrap_or(jitter),
                _ => self.unknown(key, SLOT),
            }
        }
        let Some(times) = times else {
            self.wrong(name.span(), "the slot has no `times`, such as [\"18:30\"]");
            return None;
        };
        Some(Slot { days, times, zone, jitter })
    }

    fn days(&mut self, value: &Value<'_>) -> Vec<Weekday> {
        let words = self.strings(value).unwrap_or_default();
        let names = DAYS.map(|(name, _)| &name[..3]);
        let mut days = Vec::new();
        for word in &words {
            let lower = word.to_ascii_lowercase();
            let is_it = |name: &str| lower.len() >= 3 && name.starts_with(&lower);
            match DAYS.iter().find(|(name, _)| is_it(name)) {
                Some((_, day)) => days.push(*day),
                None => self.wrong(
                    value.span(),
                    format!("`{}` is no day; there are {}", text::shown(word), list(&names)),
                ),
            }
        }
        days
    }

    fn times(&mut self, value: &Value<'_>) -> Vec<Time> {
        let words = self.strings(value).unwrap_or_default();
        let mut times = Vec::new();
        for word in &words {
            let time = word.parse::<Time>().ok().filter(|_| word.contains(':'));
            match time {
                Some(time) => times.push(time),
                None => self.wrong(
                    value.span(),
                    format!("`{}` is no time of day, such as \"18:30\"", text::shown(word)),
                ),
            }
        }
        if words.is_empty() {
            self.wrong(value.span(), "it needs at least one time, such as \"18:30\"");
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    fn zone(&mut self, value: &Value<'_>) -> Option<TimeZone> {
        let name = self.word(value)?;
        let zone = TimeZone::get(&name).ok();
        if zone.is_none() {
            let message = "no time zone of that name is known; one is written like Europe/Berlin";
            self.wrong(value.span(), message);
        }
        zone
    }

    fn jitter(&mut self, value: &Value<'_>) -> Option<SignedDuration> {
        let jitter = self.word(value)?.parse::<SignedDuration>().ok();
        let jitter = jitter.filter(|it| !it.is_negative() && *it <= LONGEST_JITTER);
        if jitter.is_none() {
            self.wrong(value.span(), "it must be a time of at most 12h, such as \"10m\"");
        }
        jitter
    }

    fn store(&mut self, value: &Value<'_>) -> (Option<Encrypt>, DatabaseEntry) {
        let Some(table) = self.table(value, "store") else {
            return (None, DatabaseEntry::default());
        };
        (self.encrypt(table), self.database(table))
    }

    fn database(&mut self, table: &DeTable<'_>) -> DatabaseEntry {
        let mut entry = DatabaseEntry::default();
        let mut passwords = Vec::new();
        for (field, value) in table {
            match field.get_ref().as_ref() {
                "url" if cfg!(feature = "postgres") => {
                    entry.url = self.word(value).map(Secret::new);
                }
                "url" => self.wrong(
                    value.span(),
                    "this build cannot use a database: build it with `--features postgres`",
                ),
                "password_file" => {
                    passwords.push((field.span(), self.path(value).map(SecretSource::File)));
                }
                "password_command" => {
                    passwords.push((field.span(), self.command(value).map(SecretSource::Command)));
                }
                _ => {}
            }
        }
        let has_url = table.iter().any(|(key, _)| key.get_ref() == "url");
        for (nth, (at, _)) in passwords.iter().enumerate() {
            if nth > 0 {
                self.wrong(at.clone(), "one of a file and a command is enough");
            } else if !has_url && !cfg!(feature = "postgres") {
                self.wrong(at.clone(), "of no use without `url`");
            }
        }
        entry.password = passwords.into_iter().find_map(|(_, password)| password);
        entry
    }

    fn encrypt(&mut self, table: &DeTable<'_>) -> Option<Encrypt> {
        let mut scheme = None;
        let (mut key, mut passphrase) = (Vec::new(), Vec::new());
        for (field, value) in table {
            match field.get_ref().as_ref() {
                "encrypt" => scheme = self.scheme(value),
                "key_file" => {
                    key.push((field.span(), self.path(value).map(Encrypt::KeyFile)));
                }
                "key_command" => {
                    key.push((field.span(), self.command(value).map(Encrypt::KeyCommand)));
                }
                "passphrase_file" => {
                    passphrase.push((field.span(), self.path(value).map(PassphraseFrom::File)));
                }
                "passphrase_command" => {
                    let command = self.command(value).map(PassphraseFrom::Command);
                    passphrase.push((field.span(), command));
                }
                "password_command" | "password_file" | "url" => {}
                _ => self.unknown(field, STORE),
            }
        }
        if !table.iter().any(|(key, _)| key.get_ref() == "encrypt") {
            let places = key.into_iter().map(|(at, _)| at);
            for at in places.chain(passphrase.into_iter().map(|(at, _)| at)) {
                self.wrong(at, "of no use without `encrypt`");
            }
            return None;
        }
        let scheme = scheme?;
        let key = self.only(key, scheme == Scheme::KeyFile, "key-file");
        let passphrase = self.only(passphrase, scheme == Scheme::Passphrase, "passphrase");
        Some(match scheme {
            Scheme::KeyFile => key.unwrap_or_else(|| Encrypt::KeyFile(self.folder.join(KEY_FILE))),
            Scheme::Passphrase => Encrypt::Passphrase(passphrase.unwrap_or(PassphraseFrom::Typed)),
            Scheme::Keyring => Encrypt::Keyring,
        })
    }

    fn scheme(&mut self, value: &Value<'_>) -> Option<Scheme> {
        let text = self.word(value)?;
        let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.as_str() == text);
        match scheme {
            None => {
                let known = Scheme::ALL.map(Scheme::as_str);
                let meant = nearest(&text.replace('_', "-"), &known)
                    .or_else(|| known.into_iter().find(|way| way.replace('-', "") == text));
                let message = format!("not a way to encrypt; there are {}", list(&known));
                self.wrong(value.span(), guess(message, meant));
            }
            Some(Scheme::Keyring) if !cfg!(feature = "keyring") => {
                self.wrong(
                    value.span(),
                    "this build cannot use a keyring: build it with `--features keyring`, or use \
                     `key-file` or `passphrase`",
                );
                return None;
            }
            Some(_) => {}
        }
        scheme
    }

    /// The one of these settings that was given, if it fits the way to encrypt.
    fn only<T>(
        &mut self,
        given: Vec<(Range<usize>, Option<T>)>,
        fits: bool,
        way: &str,
    ) -> Option<T> {
        let many = given.len() > 1;
        let mut last = None;
        for (at, value) in given {
            if !fits {
                self.wrong(at, format!("only with `encrypt = \"{way}\"`"));
            } else if many && last.is_some() {
                self.wrong(at, "one of a file and a command is enough");
            }
            last = value;
        }
        last.filter(|_| fits)
    }

    fn mode(&mut self, value: &Value<'_>) -> Option<Mode> {
        let text = self.word(value)?;
        let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
        if mode.is_none() {
            let meant = Mode::meant_by(&text).map(Mode::as_str);
            self.wrong(
                value.span(),
                guess("not a mode; the modes are `direct` and `draft`", meant),
            );
        }
        mode
    }

    /// As it is registered with TikTok, a `*` in the place of the port included.
    fn redirect_uri(&mut self, value: &Value<'_>) -> Option<RedirectUri> {
        let read = RedirectUri::parse(&self.word(value)?);
        read.map_err(|error| self.wrong(value.span(), error.to_string())).ok()
    }

    fn privacy(&mut self, value: &Value<'_>) -> Option<Privacy> {
        let text = self.word(value)?;
        let level = text.parse();
        if level.is_err() {
            let meant = Privacy::meant_by(&text).map(Privacy::as_str);
            self.wrong(value.span(), guess(UnknownPrivacy, meant));
        }
        level.ok()
    }

    /// A path, from the folder of the file on.
    fn path(&mut self, value: &Value<'_>) -> Option<PathBuf> {
        let text = self.word(value)?;
        if let Some(why) = literal(Path::new(&text)) {
            self.wrong(value.span(), format!("{why}; write the whole path"));
            return None;
        }
        Some(self.folder.join(text))
    }

    /// What may be a client key or a client secret.
    fn credential(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string(value)?;
        if let Some(what) = odd(&text) {
            self.wrong(value.span(), format!("it holds {what}, as no credential does"));
            return None;
        }
        Some(text)
    }

    fn scopes(&mut self, value: &Value<'_>) -> Option<Scopes> {
        match value.get_ref() {
            DeValue::Array(_) => {
                let joined = self.strings(value)?.join(",");
                self.parse(value.span(), &joined)
            }
            _ => self.parsed(value),
        }
    }

    fn command(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let words = match value.get_ref() {
            DeValue::Array(_) => self.strings(value)?,
            _ => vec!["sh".to_owned(), "-c".to_owned(), self.string(value)?],
        };
        if words.first().is_none_or(String::is_empty) {
            self.wrong(value.span(), "the command is empty");
            return None;
        }
        Some(words)
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, value: &Value<'_>) -> Option<T> {
        let text = self.word(value)?;
        self.parse(value.span(), &text)
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, at: Range<usize>, text: &str) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.wrong(at, error.to_string())).ok()
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>, what: &str) -> Option<&'v DeTable<'i>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong(value.span(), format!("{what} must be a table, not {}", kind(value)));
        None
    }

    fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        if let DeValue::Boolean(boolean) = value.get_ref() {
            return Some(*boolean);
        }
        self.wrong(value.span(), format!("must be true or false, not {}", kind(value)));
        None
    }

    /// A text without the white space around it; never an empty one.
    fn string(&mut self, value: &Value<'_>) -> Option<String> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(value.span(), format!("must be a string, not {}", kind(value)));
            return None;
        };
        let text = text.trim_ascii();
        if text.is_empty() {
            self.wrong(value.span(), "must not be empty");
            return None;
        }
        Some(text.to_owned())
    }

    /// A text on one line, in which nothing is that nobody sees.
    fn word(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string(value)?;
        if let Some(hidden) = text::listed(&text) {
            self.wrong(value.span(), format!("it holds {hidden}"));
            return None;
        }
        Some(text)
    }

    fn strings(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value.span(), format!("must be a list of strings, not {}", kind(value)));
            return None;
        };
        items.iter().map(|item| self.string(item)).collect()
    }

    fn unknown(&mut self, key: &Spanned<Cow<'_, str>>, known: &[&str]) {
        let written = key.get_ref();
        let advice = nearest(written, known).map_or_else(
            || format!("the keys here are {}", list(known)),
            |name| format!("did you mean `{name}`?"),
        );
        self.wrong(key.span(), format!("unknown key `{}`; {advice}", text::shown(written)));
    }

    fn wrong(&mut self, at: Range<usize>, message: impl Into<String>) {
        self.mistakes.push(self.text, at, message);
    }
}

/// The address of a webhook: https, or http on this machine.
pub(super) fn hook_address(text: &str) -> Result<Secret, &'static str> {
    let url: Url = text.parse().map_err(|_| "it must be an address, such as https://…")?;
    let on_this_machine = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if on_this_machine => {}
        _ => return Err("it must begin with https:// (http:// on this machine alone)"),
    }
    Ok(Secret::new(text))
}

/// A message, and what may be meant.
fn guess(message: impl Display, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message.to_string(),
    }
}

/// Whether `[accounts.NAME]` may have a field.
fn is_for_account(field: Field) -> bool {
    field.is_for_config() && field != Field::UserId
}

/// The keys of `[accounts.NAME]`.
pub(super) fn account_names() -> Vec<&'static str> {
    let fields = Field::ALL.iter().filter(|field| is_for_account(**field));
    fields.map(|field| field.name()).collect()
}

/// The keys of `[defaults]`, in the order of the alphabet.
pub(super) fn default_names() -> Vec<&'static str> {
    let fields = Field::ALL.iter().filter(|field| field.is_for_config());
    let mut names: Vec<_> = fields.map(|field| field.name()).chain(["app"]).collect();
    names.sort_unstable();
    names
}

/// Where the value at a path of keys stands; the file's beginning if there is none.
fn place(table: &DeTable<'_>, path: &[&str]) -> Range<usize> {
    let Some((first, rest)) = path.split_first() else { return 0..0 };
    let found = table.iter().find(|(key, _)| key.get_ref() == first);
    match found.map(|(_, value)| (value.span(), value.get_ref())) {
        Some((_, DeValue::Table(inner))) if !rest.is_empty() => place(inner, rest),
        Some((span, _)) => span,
        None => 0..0,
    }
}

fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The name that a typing mistake or two lead to.
pub(super) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let near = |name: &&str| strsim::osa_distance(&written.to_lowercase(), name);
    names
        .iter()
        .copied()
        .min_by_key(near)
        .filter(|name| near(name) <= name.len().div_ceil(4).min(3))
}

pub(super) fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
