//! What `doctor` looks at on this machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::Finding;
use crate::auth::callback::Callback;
use crate::auth::login::PORT;
use crate::auth::{Account, Apps as _, AuthError, NotUsable};
use crate::commands::config::{SET, origin, words};
use crate::commands::{Context, apps, at_rest};
use crate::encrypt::Key;
use crate::exit::Exit;
use crate::fs::{self, FsError, Lock, LockError};
use crate::hooks::OUTBOX_FILE;
use crate::model::{AccountDefaults, Mode, RedirectUri};
use crate::output::{NOTES_FILE, moment};
use crate::settings::{InUse, KnownApp, Origin};
use crate::store::JournalError;
use crate::store::local::{
    Evidence, JOURNAL_FILE, SLOTS_FILE, SqliteJournal, TOKENS_FILE, TokenFile,
};
use crate::text::{self, chain};

/// What was found, and whom TikTok can be asked about.
pub(super) struct Machine {
    pub(super) findings: Vec<Finding>,
    pub(super) logins: Logins,
}

/// The logins that a run would use.
#[derive(Default)]
pub(super) struct Logins {
    /// Their tokens as they rest.
    pub(super) accounts: Vec<Account>,
    /// The store, with its key if it is encrypted. `None`: the key is not at hand.
    pub(super) store: Option<TokenFile>,
}

pub(super) fn check(context: &Context) -> Machine {
    let home = &context.settings.home;
    let mut findings = vec![proxy(context), certificates(context)];
    findings.extend(credentials(context));
    if !home.state.exists() {
        let message = format!("`{}` is not there yet", home.state.display());
        findings.push(Finding::good("state", message));
        if context.settings.database.is_none() {
            findings.push(nobody(context));
        }
        return Machine { findings, logins: Logins::default() };
    }
    let mut of_files = permissions(&home.state);
    of_files.extend(writable_config(&home.config_file()));
    let store = match TokenFile::open(&home.state, context.settings.clock) {
        Ok(store) => store,
        Err(error) => {
            findings.push(Finding::bad("state", &error));
            findings.extend(of_files);
            return Machine { findings, logins: Logins::default() };
        }
    };
    findings.push(Finding::good("state", format!("`{}` is yours alone", store.dir().display())));
    findings.extend(of_files);
    findings.push(locks(store.dir()));
    // What a database keeps is looked at there.
    if context.settings.database.is_some() {
        return Machine { findings, logins: Logins::default() };
    }
    let (of_tokens, accounts) = tokens(context, &store);
    findings.extend(of_tokens);
    let (of_secrets, key) = secrets(context);
    findings.extend(of_secrets);
    let (of_journal, evidence) = the_journal(&store);
    findings.extend(of_journal);
    findings.extend(audits(context, &store, &evidence));
    let store = match key {
        Ok(Some(key)) => Some(store.with_key(key)),
        Ok(None) => Some(store),
        Err(NotAtHand) => None,
    };
    Machine { findings, logins: Logins { accounts, store } }
}

/// Reading it was part of loading the settings.
pub(super) fn config(path: &Path) -> Finding {
    let message = if path.exists() {
        format!("`{}` can be read", path.display())
    } else {
        format!("`{}` is not there; nothing but the environment is used", path.display())
    };
    Finding::good("config", message)
}

/// Where each value comes from that is not the usual one.
pub(super) fn origins(settings: &[InUse]) -> impl Iterator<Item = Finding> + '_ {
    let set = settings.iter().filter(|setting| setting.from != Origin::Default);
    set.map(|setting| {
        let name = text::plain(&setting.name);
        // What is told here is shown to others, and a command may have a secret in it.
        let value = if name.ends_with("_command") { SET.to_owned() } else { words(&setting.value) };
        Finding::good("settings", format!("{name} is {value} (from {})", origin(setting.from)))
    })
}

/// Whether a browser finds the program after a login, which only the next login needs.
pub(super) async fn callback(context: &Context) -> Finding {
    let usual = RedirectUri::default();
    let app = context.settings.apps.for_login().ok();
    let redirect = app.and_then(|app| app.redirect_uri()).unwrap_or(&usual);
    if !redirect.can_be_listened_on() {
        let message = format!("logins end at `{}`, not on this machine", redirect.text());
        return Finding::good("callback", message)
            .hint("log in with `tiktok-up login --paste`, or with `--qr`");
    }
    let port = redirect.port().unwrap_or(PORT);
    match Callback::bind(redirect, port).await {
        Ok(_) => Finding::good("callback", format!("port {port} is free for logins")),
        // Perhaps a login is under way.
        Err(error) => Finding { exit: Exit::Done, ..Finding::bad("callback", &error) },
    }
}

/// Which proxy requests go through; that it can be read was part of making the client.
fn proxy(context: &Context) -> Finding {
    let host = context.client.api_host();
    let message = match context.client.proxy() {
        Some(proxy) => format!("what is for {host} goes through {proxy} ({})", proxy.variable),
        None => format!("no proxy is set for {host}"),
    };
    Finding::good("proxy", message)
}

/// Whether the apps that this run may speak as have a client key and secret: read as a run reads them, so
/// that a command is run, and may take as long as it may there.
fn credentials(context: &Context) -> Vec<Finding> {
    let known = &context.settings.apps;
    if let (true, Err(error)) = (known.is_empty(), known.for_login()) {
        return vec![Finding::bad("apps", &error)];
    }
    let mut findings = Vec::new();
    for app in known.in_use() {
        let label = app.label();
        let mut odd = None;
        findings.push(match app.fetch(|lookalike| odd = Some(lookalike.to_string())) {
            Err(error) => Finding {
                message: format!("the app {label} cannot be used: {}", chain(&*error)),
                ..Finding::bad("apps", &*error)
            },
            Ok(_) => match odd {
                Some(message) => Finding {
                    check: "apps",
                    exit: Exit::Usage,
                    message,
                    hint: Some(COMPARE.to_owned()),
                },
                None => Finding::good("apps", format!("the app {label} has client key and secret")),
            },
        });
    }
    // Also where no account is logged in yet: it is the next thing that somebody runs into.
    findings.extend(known.for_login().err().map(|error| Finding::bad("apps", &error)));
    findings
}

/// What to do about credentials that look odd.
const COMPARE: &str =
    "compare them with the app's page at https://developers.tiktok.com/apps/, which shows both";

/// The accounts whose tokens a run would not use, whatever they are worth: the app that made them is not
/// there, or another API issued them.
fn unusable(context: &Context, accounts: &[&Account]) -> Vec<Finding> {
    let apps = apps::in_use(context);
    let mut errors: Vec<AuthError> = Vec::new();
    for account in accounts {
        let ours = context.settings.endpoints.api_base();
        let error = match (AuthError::check_api(account, ours), apps.check(account)) {
            (Err(error), _) => error,
            // That there is no app at all was said.
            (Ok(()), Ok(()) | Err(NotUsable::NoApp(_))) => continue,
            (Ok(()), Err(why)) => AuthError::app(account, why),
        };
        if !errors.iter_mut().any(|known| known.join(&error)) {
            errors.push(error);
        }
    }
    errors.iter().map(|error| Finding::bad("apps", error)).collect()
}

/// Whether the certificate authorities are there that the environment names.
fn certificates(context: &Context) -> Finding {
    let authorities = context.client.authorities();
    match authorities.trouble() {
        None => Finding::good("certificates", authorities.to_string()),
        Some(message) => Finding {
            check: "certificates",
            exit: Exit::Local,
            message,
            hint: Some("correct or unset SSL_CERT_FILE and SSL_CERT_DIR".to_owned()),
        },
    }
}

/// That others may write config.toml, and with it which commands are run.
fn writable_config(path: &Path) -> Option<Finding> {
    let mode = others_may_write(path)?;
    let error = FsError::Mode { path: path.to_owned(), mode, wanted: fs::PRIVATE_FILE };
    Some(Finding::bad("permissions", &error))
}

/// The mode of a file that others may write.
pub(super) fn others_may_write(path: &Path) -> Option<u32> {
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o022 != 0).then_some(mode)
}

/// Files of ours that others may read or write. Those of tokens and journal are looked at with these.
fn permissions(dir: &Path) -> Vec<Finding> {
    let mut count = 0_u32;
    let mut findings = Vec::new();
    for folder in [dir.to_owned(), dir.join(LOCKS)] {
        let Ok(files) = fs::list(&folder) else { continue };
        for path in files {
            let Ok(found) = path.symlink_metadata() else { continue };
            if found.is_dir() || !(folder != dir || is_ours(&path)) || is_looked_at(&path) {
                continue;
            }
            count += 1;
            let wrong = fs::check_metadata(&found, &path).err();
            findings.extend(wrong.map(|error| Finding::bad("permissions", &error)));
        }
    }
    if findings.is_empty() {
        let files = text::count(count, "file");
        findings
            .push(Finding::good("permissions", format!("nobody else may use {files} beside them")));
    }
    findings
}

/// The directory of the locks.
pub(super) const LOCKS: &str = "locks";

/// Whether a file of the state directory is one of the program's own: with `--home` others may lie there.
pub(super) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let name = name.strip_prefix(b".").unwrap_or(name);
    let files = [TOKENS_FILE, JOURNAL_FILE, NOTES_FILE, OUTBOX_FILE, SLOTS_FILE];
    let ours = files.iter().chain(&["journal.lock", "hooks.turn.lock"]);
    ours.into_iter().any(|ours| name.starts_with(ours.as_bytes()))
}

/// Whether another check tells what is wrong with it.
fn is_looked_at(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    [TOKENS_FILE, JOURNAL_FILE].iter().any(|looked_at| name == *looked_at)
}

/// Whether a lock excludes anybody in this directory.
fn locks(dir: &Path) -> Finding {
    match fs::network_file_system(dir) {
        Ok(Some(kind)) => {
            return Finding {
                check: "locks",
                exit: Exit::Local,
                message: format!(
                    "`{}` is on a network file system ({kind}), where locks and the journal are not \
                     safe",
                    dir.display()
                ),
                hint: Some("choose a local directory with `--home`".to_owned()),
            };
        }
        Ok(None) => {}
        Err(error) => return Finding::bad("locks", &error),
    }
    let path = dir.join(LOCKS).join("doctor.lock");
    let first = match Lock::try_acquire(&path) {
        Ok(lock) => lock,
        // Another doctor is at it, so they do exclude each other.
        Err(LockError::Held { .. }) => return Finding::good("locks", "they hold"),
        Err(error) => return Finding::bad("locks", &error),
    };
    let second = Lock::try_acquire(&path);
    drop(first);
    match second {
        Err(LockError::Held { .. }) => Finding::good("locks", "they hold"),
        Err(error) => Finding::bad("locks", &error),
        Ok(_) => Finding {
            check: "locks",
            exit: Exit::Local,
            message: format!("a lock in `{}` excludes nobody", dir.display()),
            hint: Some("choose a directory on another file system with `--home`".to_owned()),
        },
    }
}

/// What is wrong with the logins, and those of them that a run would use.
fn tokens(context: &Context, store: &TokenFile) -> (Vec<Finding>, Vec<Account>) {
    let accounts = match store.accounts() {
        Ok(accounts) => accounts,
        Err(error) => return (vec![Finding::bad("tokens", &error)], Vec::new()),
    };
    let now = context.settings.clock.now();
    let unknown = AccountDefaults::new(&context.settings.account_defaults, &accounts).err();
    let accounts: Vec<_> =
        accounts.iter().filter(|account| apps::is_about(context, account)).collect();
    let count = text::count(u64::try_from(accounts.len()).unwrap_or(u64::MAX), "account");
    let mut findings = vec![Finding::good("tokens", format!("they can be read: {count}"))];
    findings.extend(unknown.map(|error| Finding::bad("settings", &error)));
    let (ended, others): (Vec<&Account>, Vec<&Account>) = accounts
        .iter()
        .filter(|account| !account.is_exported())
        .partition(|account| account.needs_login.is_some() || account.refresh_expires_at <= now);
    findings.extend(ended.iter().map(|account| Finding {
        check: "tokens",
        exit: Exit::Login,
        message: format!("`{}` has to log in again: {}", account.name(), why(account, now)),
        hint: Some(log_in(account)),
    }));
    findings.extend(unusable(context, &others));
    findings.extend(others.iter().map(|account| login(account, now)));
    findings.extend(accounts.is_empty().then(|| nobody(context)));
    let (apps, ours) = (apps::in_use(context), context.settings.endpoints.api_base());
    let is_usable = |account: &&Account| {
        AuthError::check_api(account, ours.clone()).is_ok() && apps.check(account).is_ok()
    };
    (findings, others.into_iter().filter(is_usable).cloned().collect())
}

/// Until when a login lasts, and what it may be used for.
fn login(account: &Account, now: Timestamp) -> Finding {
    let (name, scopes) = (account.name(), &account.scopes);
    let message = format!(
        "`{name}` is logged in until {} without use, with {scopes}",
        moment(account.refresh_expires_at)
    );
    let finding = Finding::good("logins", message);
    let (posts, drafts) = (Mode::Direct.scope(), Mode::Draft.scope());
    if !scopes.has(posts) && !scopes.has(drafts) {
        let message = format!("the login of `{name}` has neither the scope {posts} nor {drafts}");
        return Finding { exit: Exit::Login, message, ..finding }.hint(log_in(account));
    }
    let hint = match account.paused_since {
        Some(since) => Some(format!(
            "its posts wait since {}: `tiktok-up accounts resume {name}` lets them go on",
            moment(since)
        )),
        None => account.ends_soon(now).map(|_| log_in(account)),
    };
    Finding { hint, ..finding }
}

/// How somebody logs in again.
fn log_in(account: &Account) -> String {
    format!("run `tiktok-up login` and consent as `{}`", account.name())
}

/// That no account is logged in, as on every machine that is being set up.
fn nobody(context: &Context) -> Finding {
    let by = context.settings.apps.only().map(|app| format!(" by the app {}", app.label()));
    let message = format!("no account is logged in{}", by.unwrap_or_default());
    let hint = Some("run `tiktok-up login` before anything can be posted".to_owned());
    Finding { hint, ..Finding::good("logins", message) }
}

/// Why an account has to log in.
fn why(account: &Account, now: Timestamp) -> String {
    match &account.needs_login {
        None => format!("its login ended at {}", moment(account.refresh_expires_at)),
        Some(needs) if account.is_usable(now) => {
            format!(
                "{}; its access token ends at {}",
                needs.reason,
                moment(account.access_expires_at)
            )
        }
        Some(needs) => needs.reason.to_string(),
    }
}

/// That the key of an encrypted store cannot be had without somebody who types.
struct NotAtHand;

/// Where the tokens rest, whether they can be had from there, and by which key. That the store cannot be read
/// at all was found before.
fn secrets(context: &Context) -> (Option<Finding>, Result<Option<Key>, NotAtHand>) {
    let Ok(rest) = at_rest::where_secrets_rest(context) else { return (None, Err(NotAtHand)) };
    let key = match rest.key() {
        Ok(key) => key,
        Err(error) => return (Some(Finding::bad("secrets", &error)), Err(NotAtHand)),
    };
    let finding = match rest.misfit() {
        Some(misfit) => {
            Finding { check: "secrets", exit: Exit::Local, message: misfit, hint: None }
        }
        None => Finding::good("secrets", rest.to_string()),
    };
    let is_typed = rest.is_encrypted() && key.is_none();
    (Some(finding), if is_typed { Err(NotAtHand) } else { Ok(key) })
}

/// What is wrong with the journal, and what it shows of audits.
fn the_journal(store: &TokenFile) -> (Vec<Finding>, Vec<Evidence>) {
    let found = match SqliteJournal::inspect(store.dir(), Arc::new(store.clone())) {
        Ok(found) => found,
        Err(error) => return (vec![Finding::bad("journal", &error)], Vec::new()),
    };
    let mut findings = Vec::new();
    match (found.posts, &found.doubt) {
        (_, Some(doubt)) => findings.push(Finding::bad("journal", doubt)),
        (None, None) => {
            findings.push(Finding::good("journal", "there is none: nothing was posted from here"));
        }
        (Some(posts), None) => {
            let posts = text::count(posts, "post");
            let message = format!("every page and row is sound, and it is the right one: {posts}");
            findings.push(Finding::good("journal", message));
        }
    }
    findings.extend(
        found.aside.into_iter().map(|dir| Finding::bad("journal", &JournalError::SetAside { dir })),
    );
    (findings, found.evidence)
}

/// What holds for the posts of an app that TikTok has not audited
/// (<https://developers.tiktok.com/doc/content-sharing-guidelines>).
const UNAUDITED: &str = "an app that TikTok has not audited posts only as SELF_ONLY, only to accounts that are \
                         private, and only for 5 accounts in 24 hours; drafts (`--draft`) are not kept from anybody";

/// What each app may do as far as TikTok has audited it. Nothing asks TikTok for that; the journal shows what it
/// has let through.
fn audits(context: &Context, store: &TokenFile, evidence: &[Evidence]) -> Vec<Finding> {
    let accounts = store.accounts().unwrap_or_default();
    let apps = context.settings.apps.in_use();
    let finding = |app: &KnownApp| {
        let is_of_app = |it: &&Evidence| {
            accounts.get(&it.account).is_some_and(|account| account.client_key == app.client_key)
        };
        let of_app = || evidence.iter().filter(is_of_app);
        let public = of_app().filter_map(|it| it.public).max_by_key(|(_, at)| *at);
        let refused = of_app().filter_map(|it| it.refused).max_by_key(|(_, at)| *at);
        let label = app.label();
        match (public, refused) {
            (Some((post, at)), refused) if refused.is_none_or(|(_, refused)| refused <= at) => {
                let message = format!("the app {label} is audited: TikTok made post {post} public");
                Finding::good("audit", message)
            }
            (_, Some((post, at))) => {
                let at = moment(at);
                let message = format!(
                    "TikTok had not audited the app {label} when it refused post {post} ({at})"
                );
                Finding::good("audit", message).hint(format!(
                    "set `privacy_level` to SELF_ONLY and the accounts to private, or apply for the audit on \
                     the app's page at https://developers.tiktok.com/apps/: {UNAUDITED}"
                ))
            }
            (None | Some(_), None) => Finding::good(
                "audit",
                format!(
                    "no post shows yet whether TikTok has audited the app {label}: {UNAUDITED}"
                ),
            ),
        }
    };
    apps.map(finding).collect()
}
