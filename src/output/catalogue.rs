//! What each error means and what to do about it: the one place that says so.
//!
//! A name in braces within a hint stands for a value that the error brings along
//! ([`Problem::with`](crate::problem::Problem::with)); `{cause}` for what to do about the error behind it.

use crate::exit::Exit;
use crate::problem::{ErrorCode, ErrorKind};

/// What is known about an error by its code alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The code.
    pub(super) code: ErrorCode,
    /// How a run ends that ends with it, unless where it happened makes it another kind of trouble.
    pub(super) exit: Exit,
    /// What it means, in one sentence.
    pub(super) meaning: &'static str,
    /// What to do about it, with names of values in braces.
    pub(super) hint: Option<&'static str>,
}

/// An entry as it is printed.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    /// The code.
    pub(crate) code: &'static str,
    /// The exit code of a run that ends with it.
    pub(crate) exit: u8,
    /// What it means, in one sentence.
    pub(crate) meaning: &'static str,
    /// What to do about it; what each error brings along stands in capital letters.
    pub(crate) hint: Option<String>,
}

/// All that is known, in the order of the codes. A code may stand for several things.
pub(crate) fn explanations() -> impl Iterator<Item = Explanation> {
    entries().map(|entry| Explanation {
        code: entry.code.as_str(),
        exit: entry.exit.code(),
        meaning: entry.meaning,
        hint: entry.hint.map(placeholders),
    })
}

/// A hint with the names of its values as the help of a command has them: `{post}` is `POST`.
fn placeholders(hint: &str) -> String {
    let mut shown = String::new();
    let mut within = false;
    for c in hint.chars() {
        match c {
            '{' => within = true,
            '}' => within = false,
            _ if within => shown.extend(c.to_uppercase()),
            _ => shown.push(c),
        }
    }
    shown
}

/// How a run ends that ends with an error of this kind: the one place that gives a kind its exit code.
impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Temporary => Self::Temporary,
            ErrorKind::Login => Self::Login,
            ErrorKind::Local => Self::Local,
            ErrorKind::Input => Self::Usage,
            ErrorKind::Final => Self::Failed,
            ErrorKind::Unknown => Self::Unknown,
            ErrorKind::Interrupted(signal) => signal.exit(),
            ErrorKind::Wanted => Self::Done,
        }
    }
}

macro_rules! catalogue {
    ($($code:ident: $meaning:literal $(=> $hint:expr)?;)*) => {
        /// What is known about this code. The compiler sees to it that every code is there, once.
        pub(super) fn entry(code: ErrorCode) -> Entry {
            match code {
                $(ErrorCode::$code => Entry {
                    code,
                    exit: code.kind().into(),
                    meaning: $meaning,
                    hint: catalogue!(@ $($hint)?),
                },)*
            }
        }
    };
    (@) => { None };
    (@ $hint:expr) => { Some($hint) };
}

/// All that is known, in the order of the codes.
pub(super) fn entries() -> impl Iterator<Item = Entry> {
    ErrorCode::ALL.iter().map(|code| entry(*code))
}

catalogue! {
    // A database that several machines share.
    DatabaseAway: "The database that keeps the store cannot be reached, or is not to be used now."
        => "nothing is sent without it; look whether its server runs and can be reached from here, then run again";
    DatabaseBusy: "Others kept the database busy for longer than this run waits."
        => "run again";
    DatabaseFailedOver: "The database has failed over to another server, and what was under way then is settled first."
        => "an upload settles what was under way before it begins anything new of the account: it asks TikTok, goes on \
            with what its manifest names, and after an hour or so gives up what it does not name. Run again; \
            `tiktok-up status` lists these posts";
    DatabaseReadOnly: "The database takes no writes: a standby answers in the place of its primary, or it is set to be read \
        only."
        => "name its primary in the address, or all hosts, of which the primary is used; after a failover, run again once \
            the new primary is up";
    DatabaseCrowded: "The server of the database has as many connections as it takes, or as it takes of this user."
        => "run again later; each run takes three connections: raise `max_connections` or the user's CONNECTION LIMIT, or \
            put a pooler in front";
    DatabaseUnacknowledged: "The database did not confirm that it keeps what was to be recorded."
        => "TikTok was not called after that; run again once the server, and a standby that it waits for, are well";
    DatabaseDamaged: "The database holds something that this program never writes."
        => "nothing is changed there; look at who else writes into its schema, or restore it from a backup";
    DatabaseFailed: "The database refused something that this program asked of it."
        => "look into the log of its server; what is recorded so far holds";
    DatabaseFull: "There is no space left on a disk of the database."
        => "free space on the disk of its server and run again";
    DatabaseNewer: "A later version of this program has changed the database so that this one does not understand it."
        => "use the same version of tiktok-up on all machines; nothing was changed there";
    DatabaseNotBuilt: "A database is to keep the store, and this build can use none."
        => "build it with `--features postgres`, or take `url` out of `[store]` and TIKTOK_UP_DATABASE_URL out of the \
            environment";
    DatabaseAddress: "The address of the database cannot be used."
        => "it looks like `postgres://USER@HOST/DATABASE?sslmode=verify-full`; a password stands in the file of \
            `password_file`, or comes from `password_command`";
    DatabaseNotSet: "A command is about a database that keeps the store, and none does."
        => "set `url` under `[store]` in config.toml, or TIKTOK_UP_DATABASE_URL";
    QueueNotShared: "Posts were to be put into a queue, or taken from one, and the store is files of this machine, which have none."
        => "`tiktok-up upload` and `tiktok-up watch` with a manifest post from this machine; a queue that several \
            machines work off is in a database: set `url` under `[store]` (docs/DATABASE.md)";
    DatabaseDenied: "The user of the database may not do what this program needs."
        => "as its owner, `GRANT CREATE ON DATABASE … TO …` lets it make the schema `tiktok_up`; where that is there, \
            `GRANT USAGE ON SCHEMA tiktok_up TO …` and `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \
            tiktok_up TO …`";
    DatabaseRefused: "The database does not let this user in, or there is no such database."
        => "correct the address of the database, its user or the password; whom its server lets in stands in pg_hba.conf";
    DatabaseClosed: "The database takes no connections at all."
        => "somebody has closed it: `ALTER DATABASE … ALLOW_CONNECTIONS true` opens it";
    DatabaseAuthorities: "The certificate of the database's server cannot be verified, as nobody is trusted to have issued it."
        => "`sslrootcert` in the address names a file of authorities in the form PEM that you may read; \
            `sslrootcert=system` trusts those of this machine";
    DatabaseTls: "There is no trusted connection to the database."
        => "set `sslmode` and `sslrootcert` in its address as its server needs them";

    // Files, limits and locks of this machine.
    Locked: "Another run held a lock for longer than this one waits."
        => "wait for the other run to end, then run again";
    LeaseLost: "A lease ended before this run renewed it, and another run may have it."
        => "wait for the other run to end, then run again";
    DiskFull: "There is no space left on a disk, or a quota of it is used up."
        => "free space on the disk of `{path}` and run again";
    DiskReadOnly: "The disk cannot be written."
        => "the disk is mounted read-only; choose another `--home`";
    FileDenied: "The system lets this user not use a file of this program."
        => "run as the user who owns it, or choose another `--home`";
    ReadDenied: "The system lets this user not read a file that was named."
        => "{what} is closed to the user who runs this (uid {user}): open it to that user, or run as one who may \
            read it";
    FileFailed: "The system refused an operation on a file of this program.";
    FileImmutable: "A file, or the directory of it, is marked so that nobody can replace it."
        => "`{path}` or its directory is append-only or immutable: `lsattr -d` shows it, \
            `chattr -a -i` ends it";
    FileInTheWay: "Where a file of this program belongs lies something that it did not write."
        => "move `{path}` away after looking at what it is";
    FileMode: "Other users can read or write a file or directory that is for its owner alone."
        => "run `chmod {mode} {path}`";
    FileMounted: "A file cannot be replaced, because it is a mount point of its own."
        => "`{path}` is mounted by itself, as a file in a container may be, and cannot be replaced: \
            mount its directory instead";
    FileNotSynced: "A file was written, and the disk did not confirm that it keeps it."
        => "it is as it should be now; look at the disk of `{path}` (`dmesg` tells of errors), as a power \
            failure might bring back what was there before";
    FileSizeLimit: "A file has grown to the size that this process may write."
        => "raise the limit on the size of files (`ulimit -f`, or LimitFSIZE= of a service), which `{path}` \
            has reached, and run again";
    LocksMissing: "The file system has no locks, without which two runs could post the same."
        => "`{path}` is on a file system that cannot lock files, as some network shares cannot: choose a \
            directory on another file system with `--home`";
    SlotsDamaged: "The file with the times that slots have given is damaged, or of a newer version."
        => "move `{path}` away: posts that wait are given other times then, none of them earlier than now; nothing was \
            sent";
    FileOwner: "A file or directory of this program belongs to another user."
        => "run as the user who owns it, or choose another `--home`; if it was copied here by another \
            user, `sudo chown {user} {path}` makes it yours";
    JournalFileKind: "Where the journal belongs lies something that is no regular file."
        => "if it is a symbolic link, point `--home` at the directory of the real file, or put the real \
            file here under this name; without the journal everything that it knows would be posted \
            again";
    JournalFileLinks: "The journal has a second name, under which something else may change it."
        => "stop every run, then `cp -p {file} {copy} && mv {copy} {file}` keeps the content under this \
            one name; without the journal everything that it knows would be posted again; as the journal \
            is a copy then, `upload` asks for `--new-journal` once";
    JournalWalLinks: "A part of the journal has a second name, under which something else may change it."
        => "stop every run, then `cp -p {file} {copy} && mv {copy} {file}` keeps the content under this \
            one name; without the journal everything that it knows would be posted again";
    TokensFileKind: "Where tokens belong lies something that is no regular file."
        => "if it is a symbolic link, point `--home` at the directory of the real file, or put the real \
            file here under this name; without the tokens in it every account has to log in again";
    TokensFileLinks: "A file with tokens has a second name, under which something else may change it."
        => "stop every run, then `cp -p {file} {copy} && mv {copy} {file}` keeps the content under this \
            one name; without the tokens in it every account has to log in again";
    TokensFileSize: "A file with tokens is larger than any that this program writes."
        => "look at what it is, and put the right file here; without the tokens in it every account has \
            to log in again";
    NoDescriptors: "The system gives this process no more open files and sockets."
        => "raise the limit (`ulimit -n`), then run the same command again";
    NoMemory: "The system gives this process no more memory."
        => "raise the limit (`ulimit -v`, or the memory limit of the container or service), or end \
            other programs, then run the same command again";
    NoSystemDescriptors: "The system has no more open files and sockets for anybody."
        => "end other programs, or raise fs.file-max, then run the same command again";
    NoThreads: "The system gives this user no more threads and processes."
        => "raise the limit (`ulimit -u`, or the pids limit of the container or service), or end other \
            programs of this user, then run the same command again";
    SystemLimit: "Something failed because a limit of the system was reached."
        => "{limit}: {cause}";
    RuntimeNotStarted: "The part of the program that serves the network could not be started.";

    // Settings.
    HomeUnknown: "Neither HOME nor the XDG directories say where files belong."
        => "set HOME, or name a directory with `--home DIR`";
    HomePath: "The path of the home directory cannot be made absolute.";
    HomeNotPlain: "The path of the home directory holds what is taken literally, such as `~` or `$`."
        => "write the whole path; a shell replaces `~` and `$HOME` where they stand unquoted, and cron, \
            systemd and files of variables do not";
    NotText: "An environment variable is not UTF-8."
        => "set {name} to plain text";
    ProxyVariable: "A variable of the environment should name a proxy, and does not."
        => "correct or unset {variable}: {how}; nothing was sent, and no direct connection is made instead";
    NotUtf8: "A file of the settings is not UTF-8."
        => "save the file as UTF-8";
    EndpointInvalid: "A base URL is set that no request may go to."
        => "nothing was sent; unset the variable to use TikTok itself";
    TimingElsewhere: "Waiting times are shortened although TikTok itself would be called."
        => "waiting times can be shortened only in a rehearsal, with TIKTOK_UP_API_URL on 127.0.0.1; \
            unset TIKTOK_UP_TIMING to use TikTok itself";
    TimingInvalid: "TIKTOK_UP_TIMING cannot be read."
        => "write it like `stall=200ms,poll_first=10ms`";
    ConfigInvalid: "There are mistakes in config.toml."
        => "correct the file and run again; nothing was sent";
    ConfigLayout: "config.toml is written in a form that cannot be changed without touching the rest of it."
        => "change it by hand: the table in brackets, such as `[apps.NAME]`, and each key on a line of its own";
    ConfigRefused: "A change to config.toml would leave mistakes in it."
        => "give a value that fits, or take out in the file the section that cannot do without it; `tiktok-up config \
            check` tells what is wrong with the file as it is";
    AppMissing: "No TikTok app is configured."
        => "copy client key and client secret of your app from https://developers.tiktok.com/apps/, then \
            run `tiktok-up init`, or\n\
            \n\
            \u{20} export TIKTOK_CLIENT_KEY=...\n\
            \u{20} export TIKTOK_CLIENT_SECRET=...\n\
            \n\
            or write `{config}` and keep it to yourself (`chmod 600`):\n\
            \n\
            \u{20} [apps.main]\n\
            \u{20} client_key = \"...\"\n\
            \u{20} client_secret = \"...\"";
    AppAmbiguous: "Several apps are configured, and none is chosen."
        => "choose one with `--app {app}`, or for good with `app = \"{app}\"` under `[defaults]`";
    AppUnknown: "`--app` names an app that is not in config.toml."
        => "the apps there are {apps}";
    AppsNone: "`--app` names an app, and config.toml has none."
        => "it has no `[apps.NAME]` at all";
    AppName: "No app can have this name."
        => "use letters, digits, `-` and `_`";
    AppExists: "There is an app of this name already."
        => "`--force` replaces its key and secret; `--app NAME` names the new one otherwise";
    CredentialInvalid: "A client key or client secret is empty, or holds what none does."
        => "paste only the value that the developer portal shows";
    CredentialMissing: "One of client key and client secret is set, and the other is not."
        => "set {name} too: TikTok wants client key and client secret, and shows both on the app's page \
            at https://developers.tiktok.com/apps/";
    CredentialsAlike: "The credentials of a new app look as if they were mixed up."
        => "compare them with the app's page at https://developers.tiktok.com/apps/; `--force` takes them \
            as they are";
    CredentialsSame: "Client key and client secret are the same text."
        => "one was pasted in the other's place; the app's page at https://developers.tiktok.com/apps/ \
            shows both";
    SecretCommand: "`client_secret_command` gave no client secret."
        => "{said}run the command yourself to see why; under cron nobody is there to type a passphrase";
    CredentialPlaceholder: "A client key or client secret is what an example puts in its place."
        => "put the value there that the app's page at https://developers.tiktok.com/apps/ shows; `tiktok-up \
            init` asks for both and writes them into config.toml";
    SettingsFile: "Where a file of the settings should be is something else."
        => "let the setting name a regular file, or put one there";
    SecretFile: "The file that should hold the client secret is not there, is empty, or is no file."
        => "let `client_secret_file` of config.toml name a file with the client secret that only you can read";

    // The key of an encrypted token store.
    StoreKeyNotSet: "The token store is encrypted, and the settings do not say so."
        => "put `encrypt = \"{scheme}\"` back under `[store]` in config.toml; where files keep the store, and no database \
            does, `tiktok-up accounts decrypt` then takes the encryption away";
    StoreKeyScheme: "The token store is encrypted in another way than the settings say."
        => "set it to \"{scheme}\"; where files keep the store, and no database does, `tiktok-up accounts decrypt` then takes \
            the encryption away, and with \"{set}\" set `tiktok-up accounts encrypt` encrypts it in that way";
    StoreKeyGone: "The key that the token store is encrypted with is not the one at hand, or is not there."
        => "bring that key back; nothing else opens the tokens, and nothing was changed";
    StoreKeyNotMade: "No key for the token store was made yet."
        => "`tiktok-up accounts encrypt` makes it";
    StoreKeyInvalid: "Where the key of the token store should be is no key."
        => "a key is 32 random bytes: `head -c 32 /dev/urandom | base64` prints one";
    StoreKeyCommand: "A command of `[store]` gave nothing."
        => "{said}run the command yourself to see why; under cron nobody is there to type";
    StoreKeyDamaged: "What the passphrase of the token store opens is damaged.";
    StoreKeyMemory: "There is not enough memory to make the key of the token store from its passphrase."
        => "free memory and run again";
    StorePassphraseMissing: "The token store needs a passphrase, and nobody is there to type it."
        => "set TIKTOK_UP_PASSPHRASE, or `passphrase_file` or `passphrase_command` under `[store]`; under \
            cron `key-file` is often the better choice";
    StorePassphraseShort: "A new passphrase is so short that it is guessed too soon."
        => "several words that do not belong together are good to type and hard to guess";
    StorePassphraseWrong: "The passphrase of the token store is wrong."
        => "the same passphrase as at `tiktok-up accounts encrypt`; nothing was changed";
    KeyringNotBuilt: "This build cannot use a keyring."
        => "use a build with `--features keyring`";
    KeyringLocked: "The keyring is not there, is locked, or did not answer."
        => "log in to the desktop and unlock the keyring; under cron and on servers there is none: use \
            `key-file` there";
    KeyringNoEntry: "The keyring does not hold the key of the token store."
        => "bring that entry back; nothing else opens the tokens, and nothing was changed";
    NoRandom: "The operating system gives no random numbers.";

    // Accounts and their tokens.
    NoAccount: "No account is logged in."
        => "run `tiktok-up login`";
    AccountUnknown: "No account has the given name."
        => "name one of these, or log in with `tiktok-up login --alias NAME`";
    AccountAmbiguous: "The given name fits several accounts, or several are logged in and none was named."
        => "say which one: with `--account`, or behind the command as in `tiktok-up videos NAME`";
    AccountPaused: "Somebody has paused the account: its posts wait until that is taken back."
        => "`tiktok-up accounts resume {account}` lets its posts go on";
    AliasInvalid: "The given name cannot be an alias."
        => "choose another alias";
    AccountMovedOn: "Another run changed the accounts at the same time."
        => "run the same command again";
    TokensCorrupt: "The token store is not what this program writes."
        => "restore `{path}` from a backup; without it every login in it is forgotten, and each account \
            has to log in again";
    TokensNewer: "A later version of this program wrote the token store."
        => "update tiktok-up; this version leaves the file as it is";
    TokensNoKey: "The tokens are encrypted with a key that this run does not have."
        => "if the tokens were encrypted a moment ago, run again; `tiktok-up accounts` tells how they are \
            encrypted";
    TokenOdd: "A token in the token store holds what no token does, such as a line break."
        => "take it out of `{path}`, which somebody has edited, or run `tiktok-up login` and consent as \
            `{account}`";
    TokenNotDecrypted: "A token cannot be decrypted although the key is the right one."
        => "restore the token store from a backup; or give this login up with `tiktok-up logout --local-only \
            {account}` and log in again";
    TokensEncrypted: "The tokens are encrypted already, in another way or with another key."
        => "set what they are encrypted with; where files keep the store, and no database does, `tiktok-up accounts \
            decrypt` takes that away first, and `tiktok-up accounts encrypt` with the new setting encrypts them anew";
    LoginNeeded: "An account needs a new login."
        => "run `tiktok-up login` and consent as `{account}`";
    LoginNeededBy: "An account needs a new login soon."
        => "run `tiktok-up login` and consent as `{account}` by {time}: until then its access token is \
            used";
    LoginLost: "TikTok refused to refresh the login of an account for good."
        => "run `tiktok-up login` and consent as `{account}`; the login expired, was revoked in TikTok, or \
            its tokens were used elsewhere (a copied store); the key of a sandbox may not allow refreshing \
            at all";
    LoginLostBy: "TikTok refused to refresh the login of an account for good; its access token still lives."
        => "run `tiktok-up login` and consent as `{account}` by {time}: until then its access token is \
            used; the login expired, was revoked in TikTok, or its tokens were used elsewhere (a copied \
            store); the key of a sandbox may not allow refreshing at all";
    LoginExported: "The login of an account was exported to another machine."
        => "use it on that machine; to take it back, `tiktok-up accounts import` the exported file here, \
            if that machine has not used it yet; else run `tiktok-up login` and consent as `{account}`";
    RefreshBusy: "Another run is refreshing the same login."
        => "wait for the other run to end, then run again";
    RefreshNotAllowed: "TikTok does not let this app refresh logins."
        => "the tokens are kept, and the next run tries them again; if this is the key of a sandbox, it \
            may not allow refreshing, and the account must still be one of its target users; if it stays \
            so, run `tiktok-up login` again";
    RefreshElsewhere: "The stored tokens of a login are spent, and another machine may have the new ones."
        => "run `tiktok-up refresh` on {machine}, which stores what lies in its refresh log; if that machine does not \
            come back, run `tiktok-up login` and consent as `{account}`";
    RefreshKept: "TikTok has replaced the tokens of a login, and the new ones lie beside the token store."
        => "{cause}; the next run picks the tokens up where they lie";
    RefreshLost: "TikTok has replaced the tokens of a login, and the new ones could not be kept."
        => "{cause}; this login is probably lost: run `tiktok-up login` again";
    RefreshOther: "TikTok's answer to a refresh holds the tokens of another user."
        => "run `tiktok-up login` and consent as `{account}`: its refresh token is spent, and nothing was \
            posted or stored for the other user; please report this with the time";
    RefreshUnread: "TikTok's answer to a refresh holds tokens that cannot be used, and was kept."
        => "run `tiktok-up login` and consent as `{account}`, or, unless the answer was cut off on its way, update \
            tiktok-up, whose later version may read it; until then nothing is refreshed, as the token at hand is spent: `tiktok-up \
            refresh --force` tries it all the same";
    RefreshUnreadLost: "TikTok's answer to a refresh holds tokens that cannot be used, and was not kept."
        => "run `tiktok-up login` and consent as `{account}`; until then nothing is refreshed, as the \
            token at hand is spent: `tiktok-up refresh --force` tries it all the same";
    AppNotConfigured: "The app that made the tokens of an account is not configured."
        => "configure that app (`tiktok-up init --app {app}`), or set its TIKTOK_CLIENT_KEY and \
            TIKTOK_CLIENT_SECRET, or log the account in again with an app that is configured";
    OtherApp: "The tokens of an account belong to another app than the one that was asked for."
        => "leave `--app` out: each account is used with the app that made its tokens; or log it in again \
            with that one";
    OtherApi: "The tokens of an account were issued by another API than the one that is called."
        => "set TIKTOK_UP_API_URL={url}, or keep the logins of each API apart with `--home`; a login that a \
            rehearsal has left is forgotten by `TIKTOK_UP_API_URL={url} tiktok-up logout --local-only ACCOUNT`";
    OtherApiIsTikTok: "The tokens of an account were issued by TikTok, and another API is called."
        => "unset TIKTOK_UP_API_URL (a sandbox's settings may still be in this shell), or keep the logins \
            of each API apart with `--home`";

    // Logging in.
    RedirectUri: "The redirect URI of the app does not lead to this program."
        => "a login in the browser waits at `http://127.0.0.1:PORT/…` or `http://localhost:PORT/…` (or \
            `:*` for any port), with any path; with another address, https included, log in with `--paste`";
    PortInUse: "Another program listens on the port of the login."
        => "stop the program on port {port}, or use another port that is registered for the app with \
            `--port N`; `--port 0` takes any free one if `http://127.0.0.1:*/callback/` is registered \
            under Login Kit > Desktop";
    CallbackPort: "The port of the login cannot be listened on."
        => "choose another registered port with `--port N`";
    CallbackStopped: "The server that waits for the login's callback is gone.";
    LoginTimeout: "Nobody finished the login in time."
        => "if TikTok showed an error page, it does not redirect; it names the setting to correct:\n\
            - redirect_uri: register `http://127.0.0.1:*/callback/` under Login Kit > Desktop, or set \
            `redirect_uri` of the app in config.toml to what is registered there, sign by sign\n\
            - client_key: use the key of the environment you registered in, without spaces (a sandbox has \
            its own; the key of production works once TikTok has reviewed the app)\n\
            - scope: add every scope you ask for to the app, or ask for fewer with `--scopes`\n\
            - in a sandbox: add the account under Sandbox settings > Target users and press Apply \
            changes\n\
            otherwise run `tiktok-up login` again, with a longer `--timeout` if needed";
    LoginTimeoutQr: "Nobody scanned and confirmed the QR code of the login in time."
        => "run the same command again and scan the code with the scanner in the TikTok app, not with \
            the phone's camera, then confirm there; a longer `--timeout` gives more time, `--qr-open` or \
            `--qr-png FILE` a larger code, and `tiktok-up login --paste` needs no phone";
    LoginDenied: "The user did not allow the login in TikTok."
        => "access was denied in TikTok; run `tiktok-up login` again and allow it";
    LoginScope: "The login asked for a scope that the app does not have."
        => "add the scope to the app in the developer portal, or ask for fewer with `--scopes`";
    LoginNoTarget: "TikTok ended the login because the app may not log this account in."
        => "in a sandbox the account must be a target user: add it under Sandbox settings > Target users, \
            press Apply changes, and make sure that the app has Login Kit";
    LoginTrouble: "TikTok could not work the login off."
        => "TikTok has trouble; try again later";
    LoginRefused: "TikTok refused the login because of the app's settings."
        => "correct the app's settings in the developer portal and run `tiktok-up login` again";
    LoginStopped: "The program was ending while a login or a refresh was under way.";
    ProgramFault: "A part of this program stopped where it should not have."
        => "this is a fault of tiktok-up; please report it";
    CodeNotExchanged: "The code of a login could not be exchanged for tokens."
        => "an authorization code is good for one try within a few minutes: run `tiktok-up login` again";
    QrForm: "TikTok sent a QR code that is not of the documented form."
        => "log in with `--paste` instead";
    NothingPasted: "The input ended before an address was pasted."
        => "paste the whole address that the browser ended at, `code` and `state` included";
    PasteUnreadable: "Standard input, where an address was to be pasted, cannot be read."
        => "paste into a terminal, or pipe the whole address in";
    LoginNotSaved: "The tokens of a login could not be saved."
        => "{cause}; this login is of no use: run `tiktok-up login` again";
    LoginNotSavedRevoked: "The tokens of a login could not be saved, so the login was taken back."
        => "{cause}; TikTok was told to forget this login: run `tiktok-up login` again";
    LoginNotSynced: "The tokens of a login were saved, and the disk did not confirm that it keeps them."
        => "the login works; {cause}";
    OtherAccount: "The login is of another user than the named account."
        => "switch to the right account in the browser (or TikTok app) and log in again; to add this one, \
            use another `--alias`";
    OtherAccountApp: "The login is of another user than the named account, which belongs to another app."
        => "`{account}` belongs to the app {app}, and a user has another open_id with every app: log in \
            with that app (`--app`), or use another `--alias`";

    // Transfer of a login to another machine.
    TransferBusy: "A run is at work with the login that should be exported."
        => "wait for the other run to end, then run again";
    TransferReplaced: "The login was replaced while it was exported."
        => "run again";
    TransferLogin: "The login that should be exported is of no use any more."
        => "run `tiktok-up login` and consent as `{account}`";
    TransferOther: "The account is logged in here with another app, or at another API, than in the file."
        => "to have the file's login instead, run `tiktok-up logout {account}` first";
    TransferNotEncrypted: "The login could not be encrypted for the export.";
    TransferAge: "An older version exported the file, in a format that is not read any more."
        => "nothing is lost: update tiktok-up on the other machine, then `tiktok-up accounts export` there \
            writes it once more";
    TransferDamaged: "The exported file is cut off, or was changed."
        => "carry it again; nothing is lost, `tiktok-up accounts export` on the other machine writes it \
            once more";
    TransferPassphrase: "The exported file was encrypted with another passphrase."
        => "give the one that was given to `tiktok-up accounts export`; if it is forgotten, export again";
    TransferMemory: "There is not enough memory to open the exported file."
        => "free memory and run again";
    TransferContent: "The file is none that this program exports."
        => "take a file that `tiktok-up accounts export` has written";
    TransferNewer: "A later version of this program exported the file."
        => "update tiktok-up on this machine";

    // The journal, and other parts of the store.
    JournalBusy: "Another run kept the journal busy for longer than this one waits."
        => "wait for the other run to end, then run again";
    AccountTakenOver: "Another run took the account over while this one was posting for it."
        => "this run does nothing more for it; the other one goes on, and `tiktok-up status` tells how far it is. If \
            none is there any more, run the same command again. It comes of a run that was paused for long, or of \
            a lock that was deleted: those in `locks/` are never to be deleted";
    PostMovedOn: "Another run changed the same post at the same time."
        => "wait for the other run to end, then run again";
    JournalFailed: "The journal could not be read or written."
        => "check the disk and its permissions; what is recorded so far holds, and the next run goes on \
            from there";
    JournalNewer: "A later version of this program wrote the journal."
        => "use the version of tiktok-up that wrote it; it was left untouched";
    JournalCorrupt: "The journal was damaged, and was set aside."
        => "it lies in `{dir}`, and nothing is posted while it is there, because an empty journal would \
            post everything again: `tiktok-up doctor --repair-journal` saves what can be read of it and \
            keeps the rest. Or restore `{path}` from a good copy, look at the profile, take out of the \
            manifest what was posted since, and give the directory another name";
    JournalCorruptInPlace: "The journal is damaged, and could not be set aside."
        => "`tiktok-up doctor --repair-journal` saves what can be read of it; or restore it from a good \
            copy. Nothing is posted until then";
    JournalCorruptInUse: "The journal is damaged, and another run is posting with it."
        => "wait for that run to end; then `tiktok-up doctor --repair-journal` saves what can be read of \
            it. Nothing is posted until then";
    JournalSetAside: "A damaged journal was set aside, and nobody has dealt with it."
        => "it lies in `{dir}`, and nothing is posted while it is there, because an empty journal would \
            post everything again: `tiktok-up doctor --repair-journal` saves what can be read of it and \
            keeps the rest. Or restore the journal from a good copy, look at the profile, take out of the \
            manifest what was posted since, and give the directory another name";
    JournalVanished: "The journal was moved or deleted while this run used it."
        => "put the journal back where it was; without it, everything would be posted again";
    JournalDoubtful: "The journal may not know everything that was posted from here."
        => "what it does not know would be posted again. Put the right journal back; or look at the \
            profile, take out of the manifest what is posted, then run `tiktok-up upload --new-journal \
            ...` once: from then on the journal here counts";
    JournalRepaired: "The journal was repaired, and posts may be missing from it."
        => "what it does not know would be posted again. Look at the profile and take out of the manifest \
            what is posted, then run `tiktok-up upload --new-journal ...` once: from then on this journal \
            counts";
    JournalNoKey: "The upload URLs in the journal are encrypted with a key that this run does not have."
        => "run again: they were encrypted, or decrypted, while this ran; if it stays so, `tiktok-up \
            accounts encrypt` or `decrypt` puts tokens and journal into the same state";
    PostMissing: "No post has the given number."
        => "`tiktok-up status --all` lists the posts";
    PostIsAnother: "A post turned out to be the same as another one."
        => "settle that one: `tiktok-up status {post}` tells where it stands";
    PostNotUnresolved: "What TikTok may still post, or has posted, cannot be settled as not posted."
        => "TikTok's word counts here: `tiktok-up status {post}` asks, and the next upload that names it makes \
            sure; `tiktok-up upload --repost` with a manifest of this post alone posts once more what is posted";
    PostSettledByHand: "A post that a person has called posted cannot be called not posted."
        => "TikTok is not asked for it any more: if it is not on the profile, `tiktok-up upload --repost` with a \
            manifest of this post alone posts it";
    PostUnconfirmed: "Whether the last chunk of a post has arrived is not known, so it cannot be settled as not posted."
        => "name it in a manifest once more: the next upload of that makes sure, and posts it if it did not arrive";
    MayBePosted: "An earlier attempt may have been posted, so no other one is begun."
        => "look at the profile; `tiktok-up status {post}` tells what is known, and `tiktok-up resolve \
            {post} --posted` or `--not-posted` settles what is unresolved";
    SameSize: "Another post of the account may have the same content."
        => "post {post} has the same size, but its content was never read to the end: look at the \
            profile, and if this is another video, insist with `--repost` and a manifest of this post \
            alone: it posts again everything that the manifest names";
    SameContent: "Another post of the account has the same content.";
    StepImpossible: "An attempt was to go into a state that does not follow the one it is in.";
    OtherContent: "The content of a post is not the one that it was planned with.";
    FingerprintInvalid: "The fingerprint of a content is none.";
    StoreClosed: "The store was used after it was closed.";

    // Manifest and posts before anything is sent.
    ManifestMissing: "There is no manifest where one was named."
        => "name the file that lists the posts (JSON, JSON Lines or CSV), a folder with videos, or `-` for standard \
            input";
    ManifestKind: "The manifest is a pipe or a device."
        => "pipe it in, and name it `-`: standard input";
    ManifestDisk: "The system failed to read the manifest."
        => "look at the disk or share that it lies on (`dmesg` tells of errors), then run again; nothing was \
            sent";
    ManifestUnreadable: "The manifest cannot be read.";
    SidecarWrong: "A sidecar, or the file of a caption, cannot be used."
        => "correct it and run again (`post` with `--no-sidecar` leaves sidecars aside); nothing was sent";
    ConfigAccounts: "config.toml says something of an account that is not logged in, or twice of one."
        => "write the alias or open_id that `tiktok-up accounts` shows, or take the section out; nothing was sent, as \
            posts of the account that is meant would have gone without it";
    CommandLineWrong: "What the command line names cannot be posted so."
        => "correct this and run again; nothing was sent";
    ManifestWrong: "Something is wrong with the manifest."
        => "correct this and run again; nothing was sent";
    ManifestBoth: "Something is wrong with the manifest, and it names accounts that are not logged in."
        => "correct this and run again; `tiktok-up login` logs an account in, `tiktok-up accounts` lists \
            those that are; nothing was sent";
    ManifestAccounts: "The manifest names accounts that are not logged in."
        => "`tiktok-up login` logs an account in, `tiktok-up accounts` lists those that are; nothing was \
            sent";
    NobodyLoggedIn: "A post is for the only account, and none is logged in."
        => "run `tiktok-up login`, or name the directory of the logins with `--home` or TIKTOK_UP_HOME: under \
            cron HOME may be another one; nothing was sent";
    FileElsewhere: "The file of a post is on another machine that shares the database."
        => "run `tiktok-up upload` on {machine}, which has the file";
    FileGone: "The file of a post is not there."
        => "put the file back, or take the post out of the manifest";
    VideoDisk: "The system failed to read the file of a post."
        => "look at the disk or share that it lies on (`dmesg` tells of errors), then run the same command \
            again";
    SourceUnreachable: "The video of a post lies in a store or behind a URL, and cannot be read from there now."
        => "run the same command again later: what was sent is not sent again";
    SourceUnreadable: "The video of a post lies in a store or behind a URL, and cannot be read from there."
        => "so that it can be read: {advice}";
    VideoUnreadable: "The file of a post cannot be read, or is no regular file.";
    FileUnfinished: "The file of a post is still being written."
        => "nothing of it was posted; a later run takes it once it is finished";
    FileChangedSince: "The file of a post changed after it was checked."
        => "nothing of it was posted; run again once the file is finished";
    FileChanged: "The file of a post changed while it was uploaded."
        => "nothing of it was posted; run again once the file is finished";
    RepostUnfinished: "The file of a post that is to be made once more is still being written."
        => "nothing of it was posted; run again with `--repost` once the file is finished";
    PlanImpossible: "The file of a post cannot be cut into the chunks that TikTok takes.";
    IdReused: "Another post had the same `id`."
        => "if it is the same video, exported anew, that is posted already: take its entry out. Give another one an \
            `id` of its own; or, with a manifest of this post alone, post it under this one with `--repost`, \
            which posts again everything that the manifest names";
    IdOfAnother: "Another post had the same `id`, and this content was posted under its own."
        => "if the `id`s were mixed up, write the one of its own post; to post it once more, give it an `id` that is \
            not used yet; else take the entry out";
    IdWithoutFile: "Another post had the same `id`, and the file of this one is not there."
        => "correct the path, put the file back, or take the entry out";
    IdPending: "Another post with the same `id` is not settled yet."
        => "with an `id` of its own this one goes at once; else it is posted if the other one turns out not to be, and \
            refused if that is posted";
    SameAddress: "A post of the same address may be the same video."
        => "if it is another video, give it an `id`; with one it is known by that alone";
    ScopeNotAsked: "A login does not have a scope that a command needs."
        => "run `tiktok-up login` with `{scope}` among its `--scopes`; the app must have it in TikTok's developer \
            portal";
    ScopeNotGranted: "The account did not grant a scope that the post needs."
        => "run `tiktok-up login` again and leave `{scope}` switched on in TikTok's consent page";
    PrivacyNotOffered: "The account does not offer the privacy level of the post."
        => "choose another `privacy_level`; it offers {offered}";
    VideoTooLong: "The video is longer than this creator may post."
        => "shorten the video";

    // What a post reports when the matter lies below it.
    AccountBusy: "Another run is posting for the account, or its lease cannot be had."
        => "wait for the other run to end, then run again";
    AccountBusyHere: "Another run on this machine is posting for the account."
        => "wait for the other run to end, then run again; if it hangs, `ps -p {pid}` shows it, and \
            `kill {pid}` stops it at the next safe place";
    Journal: "The journal did not record a step of a post, so the step was not made.";
    TokenStore: "The token store gives no token for a post.";
    TokenNotGiven: "No token can be had for a post.";
    AppSecret: "The secret of the app that made the tokens of an account cannot be had."
        => "`tiktok-up config check` tells what is the matter with the app's table in config.toml";

    // Posts under way.
    RunInterrupted: "A signal ended the run."
        => "run the same command again to go on";
    AccountStopped: "An earlier post of the account stopped the others.";
    FileReplaced: "Another file took the place of the one whose upload was begun."
        => "run the same command again to go on";
    ChunkFailed: "A chunk did not arrive, however often it was sent."
        => "run the same command again to go on";
    ChunkRefused: "TikTok calls a chunk malformed."
        => "please report this with the file's size";
    OutOfStep: "TikTok and this program do not agree about which bytes have arrived."
        => "run the same command again to go on";
    OutOfStepLive: "TikTok and this program do not agree about whether all bytes have arrived."
        => "look at the profile; `tiktok-up status` tells what TikTok makes of it, and it is not sent \
            twice";
    TooSlow: "The connection is too slow for the time that TikTok gives an upload."
        => "it needs at least {needs} Mbit/s";
    UploadUrlInvalid: "TikTok named an address for the bytes that this program does not trust."
        => "no byte of the video was sent; please report the host name";
    Processing: "TikTok still works on the post."
        => "`tiktok-up status` or the same command tells later how it ended";
    WaitingForProof: "Only time can prove that the last chunk did not arrive."
        => "it is not sent again before that; run the same command then";
    AttemptLimit: "Too many attempts within an hour came to nothing."
        => "nothing was posted; run again after {time}";
    FailedAgain: "TikTok failed the post, and this run does not try it once more."
        => "nothing is to be done: the next run tries it once more";
    FailedPull: "TikTok could not download the post's content, and the next run tries it again."
        => "{cause}; the next run tries it again (posted by hand meanwhile, `tiktok-up resolve {post} --posted` \
            says so)";
    FailedNotRetried: "TikTok failed the post, and this run was told not to try it once more."
        => "run the same command again, without `--no-retry`: the next run tries it once more";
    FailedUnnamed: "TikTok failed a post that the manifest does not name, and that may be tried again."
        => "{cause}; a manifest that names it once more has it tried again";
    ProcessingUnnamed: "TikTok is at work on a post for long that the manifest does not name."
        => "look at the profile: each later run of its account asks TikTok again; nothing is sent twice";
    UnconfirmedUnnamed: "It is not known whether the last chunk of a post has arrived that the manifest does not name."
        => "name the post in a manifest once more: the next upload of that makes sure, and posts it if it did not \
            arrive. If it is not wanted any more, as when its content was posted under another `id`, \
            `tiktok-up resolve {post} --posted` ends it";
    FailedForGood: "TikTok failed the post for a reason that does not pass by itself."
        => "{cause}; it is not tried again by \
            itself: once the cause is mended, `tiktok-up resolve {post} --not-posted` lets the next run try it again \
            (another file in its place is a post of its own, unless it has an `id`)";
    FailedInEveryAttempt: "TikTok failed the post in every attempt."
        => "{cause}; it is not tried again by \
            itself: once the cause is mended, `tiktok-up resolve {post} --not-posted` lets the next run try it again \
            (another file in its place is a post of its own, unless it has an `id`)";
    FailedBefore: "The post failed in an earlier run."
        => "run the same command again";
    PostFailed: "The post failed.";
    UnrecordedRefusal: "TikTok did not take a post on, and the journal could not record it."
        => "it was not posted: once the journal can be written again, run `tiktok-up resolve {post} --not-posted`, as later \
            runs know nothing of that and call its outcome unknown";
    UnrecordedOpen: "TikTok took a post on, and the journal could not record it."
        => "TikTok may post it, and later runs do not know its publish_id: look at the profile, then, once the journal can \
            be written again, run `tiktok-up resolve {post} --posted` or `tiktok-up resolve {post} --not-posted`";
    Incomplete: "TikTok calls a post done although not all of it was sent.";
    ResolvedByHand: "Somebody looked, and said what became of the post.";
    OutcomeUnknown: "Nobody can tell whether TikTok posted it."
        => "look at the profile, then run `tiktok-up resolve {post} --posted` or `tiktok-up resolve \
            {post} --not-posted`";

    // The console.
    ConsoleRunning: "Another console runs with the same directory, or one that is ending."
        => "use the one that runs: its sign-in page prints a fresh link where it was started. To start another one, end \
            that first, or name another directory with `--home`";
    ConsolePortInUse: "Another program listens on the address of the console."
        => "choose another one with `--listen`: `--listen 127.0.0.1:0` takes any port that is free";
    ConsoleAddress: "The console cannot listen on its address."
        => "choose an address of this machine with `--listen`, such as 127.0.0.1:8723";
    ConsoleQueueDamaged: "A file with what the console is to post is damaged."
        => "look into `{path}`, which lists posts as a manifest does, and correct it, or move it away: what it lists is not \
            posted by the console until then";
    ConsoleUsersDamaged: "The file with the users of the console is damaged."
        => "move `{path}` away, and add the users again with `tiktok-up serve add-user NAME`";
    ConsoleUsersNewer: "A later version of this program wrote the users of the console."
        => "update this program, or move `{path}` away and add the users again with `tiktok-up serve add-user NAME`";
    ConsoleUser: "A name or a password cannot be one of the console's users."
        => "nothing was changed; `tiktok-up serve users` lists those that there are";
    ConsoleTls: "The certificate or the key of the console cannot be used."
        => "`--tls-cert` takes the console's certificate in PEM form with those behind it, `--tls-key` the key that \
            belongs to it, closed to others";
    ConsoleReach: "Other machines would reach a console that is not protected against them."
        => "{missing}";

    // The sandbox.
    SandboxArguments: "An option or a fault script of the sandbox is wrong.";
    SandboxNotStarted: "The sandbox cannot be started.";
    SandboxPortInUse: "Another program listens on the port of the sandbox."
        => "choose another --port, or leave it out to take a free one";

    // Calls that TikTok did not answer.
    ClientNotBuilt: "The client for TikTok's API cannot be made."
        => "check SSL_CERT_FILE and the proxy variables";
    NotTrusted: "The certificate that a server showed is not trusted, so nothing was sent to it."
        => "if the clock is wrong, set it; if a proxy or firewall opens TLS here, or TIKTOK_UP_API_URL is a \
            server of your own, let SSL_CERT_FILE name a file with the certificate (PEM) of its authority";
    ProxyUnknown: "The name of the proxy is not to be found."
        => "correct {variable}, which names {proxy}, or unset it; if the name is right, look at the DNS of \
            this machine";
    ProxyLogin: "The proxy wants a user and a password, or others than it was given."
        => "set {variable} to `http://USER:PASSWORD@{proxy}`, special characters percent-encoded (`%40` for \
            `@`)";
    ProxyRefuses: "The proxy does not let requests to TikTok through."
        => "let whoever runs the proxy {proxy} ({variable}) allow connections to {host}, or put {host} into \
            NO_PROXY if it can be reached without it";
    ProxyTrouble: "The proxy cannot be reached, or could not reach TikTok."
        => "check the proxy {proxy} ({variable}) and the network, then run the same command again";
    NotARequest: "A request cannot be written down as HTTP wants it."
        => "a token with a line break or the like is the usual cause: run `tiktok-up login` again";
    NotSent: "No connection could be made, so the request never left."
        => "check the network, then run the same command again";
    NoAnswer: "A request was sent, and no answer came."
        => "run the same command again";
    NotTikTok: "Something else than TikTok answered."
        => "TikTok may be down for a while, or a proxy or captive portal has answered: run again later, and if it \
            stays so, check HTTPS_PROXY and the network";
    NotTikTokPath: "Something else than TikTok answered that it does not know the request."
        => "this path or method is unknown there: check TIKTOK_UP_API_URL and any proxy";

    // TikTok's refusals.
    AccessTokenInvalid: "The access token is missing, invalid or expired."
        => "log in again with `tiktok-up login`";
    ScopeNotAuthorized: "The user did not grant the scope of the call."
        => "the account did not grant this scope; run `tiktok-up login` again and leave it switched on";
    ScopePermissionMissed: "The call asks for a field that needs another scope."
        => "the request asks for a field outside the granted scopes";
    InvalidParams: "TikTok does not take a field of the call.";
    InvalidParamsChunkSize: "TikTok does not take the size of the chunks."
        => "TikTok did not take this chunk size; run again with another one, for example `--chunk-size \
            10000000`, and report the file's size";
    InvalidFileUpload: "The file is not as TikTok's specification says.";
    RateLimitExceeded: "Too many calls were made within a minute."
        => "too many calls in a minute; run again in a minute";
    InternalError: "TikTok had an internal error."
        => "TikTok has trouble; run the same command again later";
    ServerError: "TikTok's login had an internal error."
        => "TikTok has trouble; run the same command again later";
    TemporarilyUnavailable: "TikTok's login is not available at the moment."
        => "TikTok has trouble; run the same command again later";
    TooManyPosts: "The account's quota of posts by API in 24 hours is full."
        => "this account's quota of posts by API (about 15 in any 24 hours, all apps together) is full: \
            there is room again once the first of them is 24 hours old, and a later run finds out; or \
            post from the TikTok app";
    Banned: "TikTok does not let this account post."
        => "TikTok bars this account from posting; look for a notice in the TikTok app";
    DraftsAhead: "The manifest has more drafts than TikTok keeps for an account in 24 hours."
        => "a later run sends it, once drafts before it were finished or discarded in the TikTok app, or \
            are 24 hours old";
    TooManyPendingShares: "Five drafts of the last 24 hours wait in the account's inbox."
        => "five drafts wait in the account's inbox: finish or discard them in the TikTok app, or wait \
            until the first of them is 24 hours old; a later run finds out";
    ActiveUserCap: "The app's quota of accounts that post in 24 hours is full."
        => "the app's quota of posting accounts in any 24 hours is used up (5 for an unaudited app): \
            there is room again once one of them has not posted for 24 hours, and a later run finds out";
    UnauditedClient: "The app is not audited, and the account is public."
        => "an app that TikTok has not audited can post only to private accounts: switch the *account* \
            to private (TikTok app > Settings > Privacy), not just the post, or use `--draft`";
    UnauditedClientBoth: "The app is not audited, the account is public, and others should see the post."
        => "an app that TikTok has not audited can post only to private accounts, and only for oneself: \
            switch the *account* to private (TikTok app > Settings > Privacy) and set `privacy_level` to \
            SELF_ONLY, or use `--draft`";
    UnauditedClientPost: "The app is not audited, and others should see the post."
        => "this account is private already, but an app that TikTok has not audited can post only for \
            oneself: set `privacy_level` to SELF_ONLY (or `--privacy SELF_ONLY`), or use `--draft`";
    UrlOwnershipUnverified: "The app has not proved to own the address that TikTok should download."
        => "verify the URL's domain or prefix under \"URL properties\" of the app in the developer portal, \
            or post a video from this machine with `video_path`; photos can only be pulled";
    PrivacyLevelMismatch: "The privacy level is none of those that the account offers."
        => "choose one of the privacy levels that the account offers now; it changes when the account \
            becomes private or public";
    InvalidPublishId: "TikTok does not know the post."
        => "TikTok no longer answers for this post; look at the profile";
    PublishIdNotOurs: "The post belongs to another account or app."
        => "TikTok no longer answers for this post; look at the profile";
    NotCancellable: "The post is final and cannot be cancelled.";
    AppVersion: "The TikTok app on the user's phone is too old for photo drafts."
        => "photo drafts need the TikTok app 31.8 or newer on a phone on which the user is logged in";
    AccessDenied: "The user, or TikTok, did not allow the login."
        => "access was denied in TikTok; run the login again and allow it";
    InvalidClient: "TikTok does not know the client key, or the client secret is wrong."
        => "client key and secret do not belong together: check for spaces, and that both come from the \
            same app and environment (a sandbox has its own pair)";
    InvalidClientKey: "TikTok does not know the client key in use, or the client secret is wrong."
        => "client key and secret do not belong together: check for spaces, and that both come from the \
            same app and environment (a sandbox has its own pair); the client key in use begins with {key}";
    InvalidGrant: "The code or the refresh token is invalid, expired, revoked, or of another app."
        => "the login is no longer valid (expired, revoked, used elsewhere, or of another app); log in \
            again with `tiktok-up login`";
    InvalidRequest: "A parameter of a login call is missing or malformed.";
    InvalidRequestForm: "TikTok did not understand a login call."
        => "TikTok did not understand the request, which is not a matter of settings: please report it \
            with the log_id";
    InvalidRequestRedirect: "The redirect URI of the login is not registered for the app."
        => "register exactly `http://127.0.0.1:*/callback/` (with the slash) under Login Kit > Desktop in \
            the developer portal";
    InvalidRequestSecret: "The login call came without the client secret."
        => "set TIKTOK_CLIENT_SECRET: TikTok wants the client secret from desktop apps too";
    InvalidRequestVerifier: "The code verifier (PKCE) is not the one of this login."
        => "the code verifier did not match this login attempt; start `tiktok-up login` again";
    InvalidScope: "A scope is unknown, or the app does not have it."
        => "add the scope to the app in the developer portal (and press \"Apply changes\" for a sandbox), \
            or ask for fewer with `--scopes`";
    UnauthorizedClient: "The app may not log this account in."
        => "the app may not log this account in: add Login Kit to the app; in a sandbox add the account \
            as a target user and press \"Apply changes\"";
    UnsupportedGrantType: "TikTok does not know this kind of login call.";
    UnsupportedResponseType: "TikTok does not know this kind of answer to a login.";
    RefusalUnlisted: "TikTok refused with a code that its documentation does not list.";

    // TikTok's reasons for not posting what it has.
    FailedFormat: "TikTok does not take the format of the file."
        => "TikTok takes MP4, MOV and WebM with H.264, H.265, VP8 or VP9; look what \
            `--dry-run` with the same command says of the file, and re-encode it, or fetch it again if no player opens it";
    FailedDuration: "The video is too short or too long."
        => "the video is shorter or longer than this creator may post";
    FailedFrameRate: "The video has too few or too many frames a second."
        => "re-encode with 23 to 60 frames a second";
    FailedPictureSize: "The picture of the video is too small or too large."
        => "width and height must be 360 to 4096 pixels";
    FailedInternal: "TikTok had an internal error with the post."
        => "TikTok had an internal error; it may work later";
    FailedVideoPull: "TikTok could not download the video."
        => "TikTok could not download the video: the URL must be public, https, without redirects, and \
            stay up for an hour";
    FailedPhotoPull: "TikTok could not download a photo."
        => "TikTok could not download a photo: the URLs must be public, https and without redirects";
    FailedCancelled: "The download was cancelled."
        => "the download was cancelled";
    FailedAuthRemoved: "The creator took the app's access away while TikTok worked on the post."
        => "the creator took the app's access away; log in again, if that was not done since";
    FailedSpamPosts: "The account's quota of posts by API in 24 hours was full when TikTok came to the post."
        => "the account's quota of posts by API in 24 hours is full; post from the TikTok app";
    FailedSpamBanned: "TikTok did not let this account post when it came to the post."
        => "TikTok bars this account from posting";
    FailedSpamText: "TikTok takes the caption for spam, or for risky."
        => "TikTok judged the caption as spam or risky; change it";
    FailedSpam: "TikTok takes the post for spam, or for risky."
        => "TikTok judged the post as risky";
    FailedUnlisted: "TikTok failed the post for a reason that its documentation does not list."
        => "TikTok gave a reason that its documentation does not list";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn every_code_means_something_of_its_own() {
        let mut meanings = BTreeSet::new();
        for entry in entries() {
            let Entry { code, exit, meaning, hint } = entry;
            assert_eq!(exit, code.kind().into());
            assert!(meaning.ends_with('.') && meanings.insert(meaning), "{code:?}: {meaning}");
            assert!(hint.is_none_or(|hint| !hint.is_empty() && !hint.ends_with('.')), "{code:?}");
        }
        assert_eq!(meanings.len(), ErrorCode::ALL.len());
    }

    /// The commands in backticks of a hint.
    fn commands(hint: &str) -> impl Iterator<Item = &str> {
        hint.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("tiktok-up "))
    }

    /// The files of the program, below a directory.
    fn sources(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
        let files = entries.flat_map(below);
        files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
    }

    #[test]
    fn every_command_that_the_program_names_anywhere_is_there() {
        let root = Cli::command();
        let mut seen = 0;
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            for rest in text.split("`tiktok-up ").skip(1) {
                // A line of a text may end behind the program's name.
                let rest = rest.trim_start_matches(['\\', ' ', '\n']);
                let word = rest.split(|letter: char| !letter.is_ascii_lowercase()).next().unwrap();
                let known = root.find_subcommand(word).is_some();
                assert!(known || word.is_empty(), "{}: no command `{word}`", path.display());
                seen += 1;
            }
        }
        assert!(seen > 50, "they were found");
    }

    #[test]
    fn every_command_that_a_hint_names_is_there_with_its_options() {
        let root = Cli::command();
        let global: Vec<_> = root.get_arguments().filter_map(clap::Arg::get_long).collect();
        let mut seen = 0;
        for entry in entries() {
            for line in entry.hint.into_iter().flat_map(commands) {
                let mut command = &root;
                for word in line.split_whitespace().skip(1) {
                    if let Some(option) = word.strip_prefix("--") {
                        let known = command
                            .get_arguments()
                            .filter_map(clap::Arg::get_long)
                            .chain(global.iter().copied())
                            .any(|known| known == option);
                        assert!(known, "{:?}: no `{word}` in `{line}`", entry.code);
                    } else if let Some(sub) = command.find_subcommand(word) {
                        command = sub;
                    } else {
                        let lowest = command.get_subcommands().next().is_none();
                        assert!(lowest, "{:?}: no command `{word}` in `{line}`", entry.code);
                    }
                }
                assert_ne!(command.get_name(), root.get_name(), "{line}");
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
