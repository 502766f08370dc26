//! What `--help` says beyond the options.

use anstyle::{AnsiColor, Effects, Style};
use clap::builder::Styles;

const HEADING: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));
const WORD: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);

/// The colours of the help.
pub(super) const STYLES: Styles = Styles::styled()
    .header(HEADING)
    .usage(HEADING)
    .literal(WORD)
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().effects(Effects::BOLD))
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default());

/// A heading as [`STYLES`] has it; clap takes the escapes out where there are no colours.
macro_rules! headed {
    ($heading:literal, $($line:literal)+) => {
        concat!("\u{1b}[1m\u{1b}[4m", $heading, ":\u{1b}[0m", $("\n  ", $line),+)
    };
}

pub(super) const TOP: &str = concat!(
    headed!(
        "Exit codes",
        "0        done, or nothing to do"
        "1        something failed for good, or unexpectedly"
        "2        wrong usage, invalid input, or a setting to be corrected; nothing more was sent"
        "3        a login is needed"
        "4        local trouble: token store, journal or disk"
        "5        temporary; run the same command again"
        "6        the outcome of a post is unknown; a human must look"
        "128+n    stopped by signal n: 130 for SIGINT (Ctrl-C), 143 for SIGTERM, 129 for SIGHUP\n"
        "A batch ends with the first of 6, 4, 3, 2, 1, 5, 0 that one of its posts led to."
    ),
    "\n\nTopics (tiktok-up help TOPIC): exit-codes, environment, manifest, cron, hooks, faults"
);

pub(super) const LOGIN: &str = headed!(
    "Examples",
    "tiktok-up login                          open the browser and wait for the consent"
    "tiktok-up login --qr                     scan a code with the TikTok app: no browser needed"
    "tiktok-up login --qr-open                the same code as a picture, for small terminals"
    "tiktok-up login --paste                  open the URL anywhere, paste where it led to"
    "tiktok-up login --no-browser             print the URL to open on this machine"
    "tiktok-up login --alias shop             name the account, for --account and manifests"
    "tiktok-up login --scopes video.upload    ask for drafts only"
);

pub(super) const INIT: &str = headed!(
    "Examples",
    "tiktok-up init                           asks for name, client key and client secret"
    "tiktok-up init --app sandbox             a second app, used with `--app sandbox`"
    "printf '%s\\n' \"$KEY\" \"$SECRET\" | tiktok-up init --app main"
    "pass tiktok | tiktok-up init --client-key aw1234567890abcd --force"
);

/// The last line of a command's short help.
pub(super) const GLOBAL: &str = "Global options: tiktok-up --help";

pub(super) const HELP: &str = headed!(
    "Examples",
    "tiktok-up help upload"
    "tiktok-up help accounts export"
    "tiktok-up help topics                    pages about other things than commands"
    "tiktok-up help exit-codes"
);

pub(super) const LOGOUT: &str = headed!(
    "Examples",
    "tiktok-up logout shop"
    "tiktok-up logout shop --local-only       without asking TikTok"
);

pub(super) const DEMO: &str = headed!(
    "Examples",
    "tiktok-up demo"
    "tiktok-up demo --web                     the console in the browser"
);

pub(super) const ACCOUNTS_SHOW: &str =
    headed!("Examples", "tiktok-up accounts show" "tiktok-up accounts show shop --json");

pub(super) const ACCOUNTS_ALIAS: &str = headed!(
    "Examples",
    "tiktok-up accounts alias -000mhrLh91 shop"
    "tiktok-up accounts alias shop store      another name"
);

pub(super) const ACCOUNTS_PAUSE: &str = headed!(
    "Examples",
    "tiktok-up accounts pause shop"
    "tiktok-up status                         why its posts wait"
);

pub(super) const ACCOUNTS_RESUME: &str = headed!("Examples", "tiktok-up accounts resume shop");

pub(super) const ACCOUNTS_EXPORT: &str = headed!(
    "Examples",
    "tiktok-up accounts export shop > shop.login"
    "tiktok-up accounts export shop --passphrase-file words > shop.login"
);

pub(super) const ACCOUNTS_IMPORT: &str = headed!(
    "Examples",
    "tiktok-up accounts import shop.login     on the other machine"
    "tiktok-up accounts import user_tokens.json"
    "ssh laptop tiktok-up accounts export shop --passphrase-file words | tiktok-up accounts import -"
);

pub(super) const ACCOUNTS_ENCRYPT: &str = headed!(
    "Examples",
    "tiktok-up config set store.encrypt key-file"
    "tiktok-up accounts encrypt"
);

pub(super) const ACCOUNTS_DECRYPT: &str = headed!(
    "Examples",
    "tiktok-up accounts decrypt"
    "tiktok-up config unset store.encrypt     afterwards"
);

pub(super) const ACCOUNTS_TOKEN: &str = headed!(
    "Examples",
    "tiktok-up accounts token shop > token"
    "tiktok-up accounts token shop --json     with when it ends"
);

pub(super) const REFRESH: &str = headed!(
    "Examples",
    "tiktok-up refresh                        silent when nothing is due: made for cron"
    "tiktok-up refresh --within 1h            what ends within the hour"
    "tiktok-up refresh --force --account shop\n"
    "With --quiet a login that needs a human is said once, and again after a week; the exit code stays 3."
);

pub(super) const ACCOUNTS: &str = headed!(
    "Examples",
    "tiktok-up accounts"
    "tiktok-up accounts --wide                with open_ids, scopes and the access token's end"
    "tiktok-up accounts --json"
    "tiktok-up accounts show shop             who it is, what it may post now"
    "tiktok-up accounts alias -000mhrLh91 shop"
    "tiktok-up accounts pause shop            its posts wait until `accounts resume shop`"
    "tiktok-up accounts export shop > shop.login"
    "tiktok-up accounts import shop.login     on the other machine"
    "tiktok-up accounts import user_tokens.json"
    "tiktok-up accounts token shop > token   one that TikTok takes now, for another program"
    "tiktok-up accounts encrypt               as `[store] encrypt` in config.toml says"
);

pub(super) const POST: &str = headed!(
    "Examples",
    "tiktok-up post clip.mp4 --caption 'Two cats, one box' --tag cats --dry-run"
    "tiktok-up post clip.mp4 --privacy PUBLIC_TO_EVERYONE --account shop"
    "tiktok-up post *.mp4 --draft             each a draft of its own"
    "tiktok-up post --url https://media.example.com/clip.mp4"
    "tiktok-up post --photo https://media.example.com/1.jpg --photo https://media.example.com/2.jpg\n"
    "Without --privacy a post is visible to its creator alone. What is posted is not posted again."
);

pub(super) const UPLOAD: &str = headed!(
    "Examples",
    "tiktok-up upload videos_to_upload.json --dry-run"
    "tiktok-up upload videos_to_upload.json"
    "tiktok-up upload clips.json --draft --account shop"
    "tiktok-up upload clips.json --enqueue    for the workers of a shared store"
    "tiktok-up upload - --json < clips.json\n"
    "Run the same command again to resume what was cut off: what is posted is skipped."
);

pub(super) const WATCH: &str = headed!(
    "Examples",
    "tiktok-up watch /srv/clips/videos_to_upload.json"
    "tiktok-up watch /srv/clips --every 1m    the videos of a folder"
    "tiktok-up watch clips.json --metrics 127.0.0.1:9184"
    "tiktok-up watch --queue                  what `upload --enqueue` left in a shared store"
    "tiktok-up --json watch clips.json        an object for each post, as `upload` writes"
);

pub(super) const SERVE: &str = headed!(
    "Examples",
    "tiktok-up serve                          opens the console in the browser"
    "tiktok-up serve --no-browser             on a server: ssh -L 8723:127.0.0.1:8723 HOST leads there"
    "tiktok-up serve --worker clips.json      and does what `watch` does"
    "tiktok-up serve add-user ada --role editor"
);

pub(super) const SERVE_ADD_USER: &str = headed!(
    "Examples",
    "tiktok-up serve add-user ada --role editor"
    "tiktok-up serve add-user ada --password-file words"
);

pub(super) const SERVE_REMOVE_USER: &str = headed!("Examples", "tiktok-up serve remove-user ada");

pub(super) const SERVE_USERS: &str =
    headed!("Examples", "tiktok-up serve users" "tiktok-up serve users --json");

pub(super) const STATUS: &str = headed!(
    "Examples",
    "tiktok-up status                         what failed or is unknown, waits, is under way"
    "tiktok-up status --wait                  until it is"
    "tiktok-up status --all --json"
    "tiktok-up --quiet status                 only what somebody has to do: for cron\n"
    "Exit code: 0 whatever it lists; 5 while a post that was begun is not final, 6 while an outcome is unknown."
    "What keeps posts from being made is in the exit code of `upload`."
);

pub(super) const RESOLVE: &str = headed!(
    "Examples",
    "tiktok-up status                         names the posts whose outcome is unknown"
    "tiktok-up resolve 7 --posted             after finding it on the profile, or posting it by hand"
    "tiktok-up resolve 7 --not-posted         after not finding it, or to try a failed post again"
);

pub(super) const CONFIG: &str = headed!(
    "Examples",
    "tiktok-up config get                     all settings, and where each comes from"
    "tiktok-up config set defaults.privacy_level PUBLIC_TO_EVERYONE"
    "tiktok-up config check"
);

pub(super) const CONFIG_PATH: &str = headed!(
    "Examples",
    "\"${EDITOR:-vi}\" \"$(tiktok-up config path)\""
    "tiktok-up config path --json"
);

pub(super) const CONFIG_GET: &str = headed!(
    "Examples",
    "tiktok-up config get"
    "tiktok-up config get defaults.privacy_level"
    "tiktok-up config get hooks --json"
);

pub(super) const CONFIG_SET: &str = headed!(
    "Examples",
    "tiktok-up config set defaults.privacy_level PUBLIC_TO_EVERYONE"
    "tiktok-up config set defaults.disable_duet true"
    "tiktok-up config set hooks.when failed,unknown,published"
    "tiktok-up config set apps.main.client_secret_command '[\"pass\", \"show\", \"tiktok\"]'"
    "pass tiktok | tiktok-up config set apps.main.client_secret -"
);

pub(super) const CONFIG_UNSET: &str =
    headed!("Examples", "tiktok-up config unset defaults.privacy_level");

pub(super) const CONFIG_CHECK: &str = headed!(
    "Examples",
    "tiktok-up config check"
    "tiktok-up config check --json            each mistake with its line and column\n"
    "Exit code: 0 it is in order, 2 it is not. `tiktok-up doctor` looks at the secrets and logins, too."
);

pub(super) const STORE: &str = headed!(
    "Examples",
    "tiktok-up store check                    whether the database can be used, and what to change"
    "tiktok-up store migrate"
    "tiktok-up store workers                  who works, and at what\n"
    "`url` under `[store]`, or TIKTOK_UP_DATABASE_URL, names the database: docs/DATABASE.md."
);

pub(super) const STORE_CHECK: &str =
    headed!("Examples", "tiktok-up store check" "tiktok-up store check --json");

pub(super) const STORE_WORKERS: &str =
    headed!("Examples", "tiktok-up store workers" "tiktok-up store workers --json");

pub(super) const STORE_MIGRATE: &str = headed!("Examples", "tiktok-up store migrate");

pub(super) const DOCTOR: &str = headed!(
    "Examples",
    "tiktok-up doctor                         what is wrong here, and what to change"
    "tiktok-up doctor --offline --json"
    "tiktok-up doctor --fix                   permissions, left-over files, a missing directory"
    "tiktok-up doctor --repair-journal        after `upload` has called the journal damaged"
);

pub(super) const VIDEOS: &str = headed!(
    "Examples",
    "tiktok-up videos"
    "tiktok-up videos shop --limit 100 --json\n"
    "A login has the scope for it that was made with `login --scopes` or `scopes` in config.toml and `video.list`"
    "among them."
);

pub(super) const HISTORY: &str = headed!(
    "Examples",
    "tiktok-up history"
    "tiktok-up history --since 7d --account shop"
    "tiktok-up history --since 2026-11-01 --numbers --csv > november.csv"
);

pub(super) const OPEN: &str = headed!(
    "Examples",
    "tiktok-up open 12                        the post's page"
    "tiktok-up open shop                      the account's profile"
    "tiktok-up open 12 --no-browser           prints the address"
);

pub(super) const CANCEL: &str = headed!(
    "Examples",
    "tiktok-up cancel 12\n"
    "Only what TikTok pulls from a URL can be called off, while it does. Exit code: 0 it was called off, 1 it was"
    "too late or cannot be called off, 5 TikTok has not said yet."
);

pub(super) const EXPLAIN: &str = headed!(
    "Examples",
    "tiktok-up explain spam_risk_too_many_posts"
    "tiktok-up explain                        all codes, with their exit codes"
);

pub(super) const COMPLETIONS: &str = headed!(
    "Examples",
    "tiktok-up completions bash > ~/.local/share/bash-completion/completions/tiktok-up"
    "tiktok-up completions zsh > ~/.zfunc/_tiktok-up"
    "tiktok-up completions fish > ~/.config/fish/completions/tiktok-up.fish\n"
    "These three complete accounts, apps, posts and error codes as this machine has them, too."
);

pub(super) const MAN: &str = headed!(
    "Examples",
    "tiktok-up man | man -l -"
    "tiktok-up man upload | man -l -"
    "tiktok-up man --dir ~/.local/share/man/man1"
);

pub(super) const SCHEMA: &str = headed!("Examples", "tiktok-up schema manifest > manifest.schema.json" "tiktok-up schema config > config.schema.json" "tiktok-up schema events > events.schema.json");

pub(super) const SANDBOX: &str = headed!(
    "Examples",
    "tiktok-up sandbox                        until Ctrl-C; its page is in the browser"
    "tiktok-up sandbox --example rehearsal    with a manifest and videos, and what to type next"
    "tiktok-up sandbox --auto-consent --port 8080 > sandbox.env &"
    "tiktok-up sandbox --unaudited --faults faults.json --log requests.jsonl"
);
