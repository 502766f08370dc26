//! What each command takes.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tiktok_open::Privacy;
use tiktok_open::Scopes;

use super::values::Listen;
use super::{help, values};
use crate::model::HookKind;
use crate::model::rate::Rates;

/// Arguments of `login`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[command(after_help = help::LOGIN)]
pub(crate) struct LoginArgs {
    /// Print the URL instead of opening a browser, and wait for the callback
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// Show a QR code to scan with the TikTok app; for machines without a browser
    ///
    /// It is drawn in the terminal if that is large enough, and lasts until the login ends.
    #[arg(long, conflicts_with_all = ["no_browser", "paste", "port"])]
    pub(crate) qr: bool,

    /// As --qr, with the code as a picture in this PNG file, too, to send it to whoever has the phone
    ///
    /// The file is yours alone to read, and removed when the login ends. One that is there already is not
    /// overwritten.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_browser", "paste", "port"])]
    pub(crate) qr_png: Option<PathBuf>,

    /// As --qr, with the code as a picture in the desktop's viewer, too
    #[arg(long, conflicts_with_all = ["no_browser", "paste", "port"])]
    pub(crate) qr_open: bool,

    /// Open the printed URL anywhere, then paste the address that the browser ended at
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) paste: bool,

    /// Wait for the callback on this port of 127.0.0.1; 0 takes a free one [default: 3456]
    ///
    /// The address `http://127.0.0.1:PORT/callback/` must be registered for the app. The wildcard
    /// `http://127.0.0.1:*/callback/` covers every port.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// How long to wait for the consent
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::duration)]
    pub(crate) timeout: Duration,

    /// Ask for these scopes, separated by commas
    ///
    /// Without it: the `scopes` of the app in config.toml, else
    /// user.info.basic,video.publish,video.upload.
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<Scopes>,

    /// Give the account a name of your own
    #[arg(long, value_name = "NAME")]
    pub(crate) alias: Option<String>,
}

/// Arguments of `init`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::INIT)]
pub(crate) struct InitArgs {
    /// The app's client key; the client secret is never an argument, as others can read those
    #[arg(long, value_name = "KEY")]
    pub(crate) client_key: Option<String>,

    /// Replace the app of that name, and take credentials that look like each other's
    #[arg(long)]
    pub(crate) force: bool,
}

/// Who is told of what happens, in the place of `[hooks]` in config.toml.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Hooks")]
pub(crate) struct HookArgs {
    /// Run this by `sh -c` at the end, with the events as JSON on its standard input, if there are any
    ///
    /// docs/HOOKS.md tells what they look like. Each event is told once, also over many runs.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) notify_command: Option<String>,

    /// POST the same to this address
    ///
    /// Others can read the arguments of a running program: an address that is a secret belongs into config.toml, as
    /// does the secret that messages are signed with.
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,

    /// Tell of these alone, separated by commas: failed, unknown, `login_needed`, `draft_waiting`, published
    ///
    /// Without it: `when` of config.toml, else all but published.
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = values::hook_kind)]
    pub(crate) notify_when: Vec<HookKind>,
}

/// Arguments of `refresh`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::REFRESH)]
pub(crate) struct RefreshArgs {
    /// Refresh the tokens that end within this time
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = values::duration)]
    pub(crate) within: Duration,

    /// Refresh whether it is due or not
    #[arg(long, conflicts_with = "within")]
    pub(crate) force: bool,

    /// Refresh so many accounts at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = values::jobs())]
    pub(crate) jobs: usize,

    /// Only this account (alias or `open_id`); may be given several times
    #[arg(long, value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(crate) account: Vec<String>,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) hooks: HookArgs,
}

impl Default for RefreshArgs {
    fn default() -> Self {
        let within = Duration::from_mins(30);
        Self { within, force: false, jobs: 4, account: Vec::new(), hooks: HookArgs::default() }
    }
}

/// Arguments of `help`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::HELP)]
pub(crate) struct HelpArgs {
    /// The command, or one of the topics that `help topics` lists
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(crate) words: Vec<String>,
}

/// Arguments of `logout`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::LOGOUT)]
pub(crate) struct LogoutArgs {
    /// The account: alias or `open_id`
    #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(crate) account: String,

    /// Forget the account here without asking TikTok to revoke the login
    #[arg(long)]
    pub(crate) local_only: bool,
}

/// Arguments of `accounts`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::ACCOUNTS, args_conflicts_with_subcommands = true)]
pub(crate) struct AccountsArgs {
    /// Show the `open_id`, the scopes and when the access token ends, too
    #[arg(long)]
    pub(crate) wide: bool,

    #[command(subcommand)]
    // A doc comment here would replace the command's own help.
    pub(crate) action: Option<AccountsAction>,
}

/// What else `accounts` does than to list them.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AccountsAction {
    /// Show who an account is, what it may post now, and its numbers
    ///
    /// As far as the scopes go that its login has: `user.info.profile` for the profile, `user.info.stats` for the
    /// numbers, `video.publish` for what it may post.
    #[command(after_help = help::ACCOUNTS_SHOW)]
    Show {
        /// The account: alias or `open_id`; needed only where several are logged in
        #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
        account: Option<String>,
    },
    /// Give an account a name of your own
    #[command(after_help = help::ACCOUNTS_ALIAS)]
    Alias {
        /// The account: `open_id` or its present alias
        #[arg(value_name = "OPEN_ID", allow_hyphen_values = true)]
        account: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Keep the posts of an account waiting until `accounts resume`
    ///
    /// Nothing more is begun or sent for it; a run that is at it ends with the post under way. Its tokens are
    /// renewed all the same, and `status` asks TikTok about what it has. A run whose posts wait for this ends
    /// with 0.
    #[command(after_help = help::ACCOUNTS_PAUSE)]
    Pause {
        /// The account: alias or `open_id`
        #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
        account: String,
    },
    /// Let the posts of a paused account go on, with the next run that comes to them
    #[command(after_help = help::ACCOUNTS_RESUME)]
    Resume {
        /// The account: alias or `open_id`
        #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
        account: String,
    },
    /// Hand a login over to another machine, in a file that only a passphrase opens
    ///
    /// Writes the file to standard output. From then on this machine does not use the login, as
    /// TikTok ends the tokens of one machine when another renews them; importing the file here takes
    /// it back.
    #[command(after_help = help::ACCOUNTS_EXPORT)]
    Export {
        /// The account: alias or `open_id`
        #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
        account: String,
        #[command(flatten)]
        // A doc comment here would replace the command's own help.
        passphrase: PassphraseArgs,
    },
    /// Take in what `accounts export` has written, or the Flask uploader's `user_tokens.json`
    ///
    /// A login that is newer here is kept. The tokens of the Flask uploader are taken to be of the
    /// app in use (`--app`).
    #[command(after_help = help::ACCOUNTS_IMPORT)]
    Import {
        /// The file; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        // A doc comment here would replace the command's own help.
        passphrase: PassphraseArgs,
    },
    /// Encrypt the tokens and upload URLs that are stored, as `[store] encrypt` in config.toml says
    ///
    /// With "key-file" the key is made if it is not there. Safe to run again. docs/SECRETS.md tells
    /// what this protects against.
    #[command(after_help = help::ACCOUNTS_ENCRYPT)]
    Encrypt,
    /// Print an access token that TikTok takes now, for another program
    ///
    /// Renewed first where it ends soon. Whoever has it can post for the account for a day at most; on a terminal
    /// it is shown only with --show.
    #[command(after_help = help::ACCOUNTS_TOKEN)]
    Token {
        /// The account: alias or `open_id`
        #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
        account: String,
        /// Show it on a terminal, too
        #[arg(long)]
        show: bool,
    },
    /// Store tokens and upload URLs in plain text again, readable to you alone
    ///
    /// Needs the key, and `[store] encrypt` as it was; take that out of config.toml afterwards.
    #[command(after_help = help::ACCOUNTS_DECRYPT)]
    Decrypt,
}

/// Where a passphrase comes from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PassphraseArgs {
    /// Read the passphrase from the first line of this file instead of asking for it
    ///
    /// The file must be yours alone (mode 0600). `TIKTOK_UP_PASSPHRASE` holds one, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Where the password of a user of the console comes from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of this file instead of asking for it
    ///
    /// The file must be yours alone (mode 0600). `TIKTOK_UP_PASSPHRASE` holds one, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Arguments of `upload`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::UPLOAD)]
pub(crate) struct UploadArgs {
    /// The file that lists the posts (JSON, JSON Lines or CSV), or a folder with videos; - reads standard input
    ///
    /// Each video of a folder is a post with the words of its sidecar, as with `post`.
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifest: PathBuf,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) queue: EnqueueArgs,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) run: RunArgs,
}

/// Arguments of `watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::WATCH)]
pub(crate) struct WatchArgs {
    /// The file that lists the posts, or a folder with videos, as with `upload`
    #[arg(value_name = "MANIFEST", required_unless_present = "queue")]
    pub(crate) list: Option<PathBuf>,

    /// Take posts from the queue of a shared store, too, which `upload --enqueue` fills: docs/DATABASE.md
    ///
    /// Any number of machines may do so. Stopped by a signal, it takes nothing more and ends with the chunk that is
    /// sent then; another machine goes on.
    #[arg(long)]
    pub(crate) queue: bool,

    /// Look again so often; what has a `publish_at` is posted when its time comes in any case
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::duration)]
    pub(crate) every: Duration,

    /// Tell Prometheus how it goes, at `http://ADDR/metrics`; an address of this machine such as 127.0.0.1:9184
    #[arg(long, value_name = "ADDR", value_parser = values::loopback)]
    pub(crate) metrics: Option<SocketAddr>,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) run: RunArgs,
}

/// Arguments of `serve`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = help::SERVE,
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true
)]
pub(crate) struct ServeArgs {
    /// Where it listens: an address of this machine, or `unix:PATH` for a socket that only you can use. Other
    /// machines' browsers need `--tls-cert`, `--tls-key` and users with passwords
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8723", value_parser = values::listen)]
    pub(crate) listen: Listen,

    /// Do not open the browser: print the address only
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// Renew tokens as well, and post what MANIFEST lists when it is due, as `watch` does
    #[arg(long)]
    pub(crate) worker: bool,

    /// The file that lists further posts, or a folder with videos, for `--worker`
    #[arg(value_name = "MANIFEST", requires = "worker")]
    pub(crate) list: Option<PathBuf>,

    /// The certificates that it shows, in PEM form, its own first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The key of its certificate, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    #[command(subcommand)]
    // A doc comment here would replace the command's own help.
    pub(crate) action: Option<ServeAction>,
}

/// What else `serve` does than to serve.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ServeAction {
    /// Add a user of the console with a password, which is asked for
    #[command(after_help = help::SERVE_ADD_USER)]
    AddUser {
        /// What the user is called
        #[arg(value_name = "NAME")]
        name: String,
        /// What the user may do: look at everything, compose and change the queue, or accounts and settings too
        #[arg(long, value_enum, default_value_t = UserRole::Editor)]
        role: UserRole,
        #[command(flatten)]
        // A doc comment here would replace the command's own help.
        password: PasswordArgs,
    },
    /// Remove a user of the console; its sessions end at once
    #[command(after_help = help::SERVE_REMOVE_USER)]
    RemoveUser {
        /// What the user is called
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the users of the console
    #[command(after_help = help::SERVE_USERS)]
    Users,
}

/// What a user of the console may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UserRole {
    /// Look at everything.
    Viewer,
    /// Compose, and change the queue.
    Editor,
    /// Accounts and settings, too.
    Owner,
}

/// Arguments of `post`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[command(after_help = help::POST)]
pub(crate) struct PostArgs {
    /// The videos; each is a post of its own, with the words of its sidecar (clip.txt, clip.md or clip.json
    /// beside clip.mp4)
    #[arg(value_name = "FILE", required_unless_present_any = ["url", "photos"])]
    pub(crate) files: Vec<PathBuf>,

    /// A video that TikTok pulls from this address, of a domain that is verified for the app
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "photos"])]
    pub(crate) url: Option<String>,

    /// How the video of `--url` gets there: `pull`, by TikTok, or `upload`, read and sent on by this machine
    #[arg(long, value_name = "HOW", requires = "url", value_parser = ["pull", "upload"])]
    pub(crate) transfer: Option<String>,

    /// A photo that TikTok pulls from this address; once for each photo of the post
    #[arg(long = "photo", value_name = "URL", conflicts_with = "files")]
    pub(crate) photos: Vec<String>,

    /// Do not look for a sidecar
    #[arg(long)]
    pub(crate) no_sidecar: bool,

    /// The caption
    #[arg(long, value_name = "TEXT", conflicts_with = "caption_file")]
    pub(crate) caption: Option<String>,

    /// Read the caption from a file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) caption_file: Option<PathBuf>,

    /// A tag, with or without its #; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,

    /// The title of photos
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Not before this time, such as 2026-12-01T18:00:00+01:00
    ///
    /// TikTok keeps no post for later: until then each run says that it waits, and the first one after it
    /// posts.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,

    /// The frame at this many milliseconds is the cover
    #[arg(long, value_name = "MS")]
    pub(crate) cover: Option<u32>,

    /// Which of the photos is the cover, counted from 0
    #[arg(long, value_name = "N", requires = "photos")]
    pub(crate) cover_photo: Option<u32>,

    /// Your own name for the post: a post of this name is made once
    #[arg(long, value_name = "NAME")]
    pub(crate) id: Option<String>,

    /// No comments
    #[arg(long)]
    pub(crate) disable_comment: bool,

    /// No duets
    #[arg(long)]
    pub(crate) disable_duet: bool,

    /// No stitches
    #[arg(long)]
    pub(crate) disable_stitch: bool,

    /// It promotes somebody else's brand, who pays for it
    #[arg(long)]
    pub(crate) brand_content: bool,

    /// It promotes the creator's own brand
    #[arg(long)]
    pub(crate) brand_organic: bool,

    /// It is made by AI
    #[arg(long)]
    pub(crate) aigc: bool,

    /// Let TikTok add music to photos
    #[arg(long)]
    pub(crate) auto_add_music: bool,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) queue: EnqueueArgs,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) run: RunArgs,
}

/// Whether posts are left to others.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct EnqueueArgs {
    /// Check everything here, and leave the posts to a worker of the shared store (`watch --queue`)
    ///
    /// All settings of a post are fixed now. Given again, a post that waits is made as it is asked for then, and one that
    /// failed is tried again.
    #[arg(
        long,
        conflicts_with_all = [
            "dry_run", "repost", "new_journal", "max_runtime", "no_wait", "no_retry", "chunk_size", "limit_rate",
            "jobs", "notify_command", "webhook", "notify_when",
        ]
    )]
    pub(crate) enqueue: bool,
}

/// How posts are made, whatever lists them.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct RunArgs {
    /// Check everything and print the plan, but send nothing that creates a post
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Who may see posts that do not say it themselves
    #[arg(long, value_name = "LEVEL", value_parser = values::privacy())]
    pub(crate) privacy: Option<Privacy>,

    /// Fill into captions: `{stem}`, the file's name; `{date}`, the day of its `publish_at`; an n in braces, its place
    /// in the list
    ///
    /// Only with this option; `{{` stands for a brace then.
    #[arg(long)]
    pub(crate) templates: bool,

    /// Send every post to the inbox, to be finished in the TikTok app
    #[arg(long)]
    pub(crate) draft: bool,

    /// The account of posts that name none (alias or `open_id`)
    #[arg(
        long,
        value_name = "ACCOUNT",
        allow_hyphen_values = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub(crate) account: Option<String>,

    /// How many accounts to serve at once; the posts of one account follow one another
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = values::jobs())]
    pub(crate) jobs: usize,

    /// Do not wait for TikTok to finish processing; ask later with the same command
    #[arg(long)]
    pub(crate) no_wait: bool,

    /// Post again what is posted already: all that the manifest names. A run without it finishes what
    /// was cut off
    #[arg(long)]
    pub(crate) repost: bool,

    /// Post with the journal that is here, or a new one, although posts were made that it does not
    /// know
    ///
    /// To be given once, after looking at the profile and taking out of the manifest what is posted:
    /// what the journal does not know is posted again.
    #[arg(long)]
    pub(crate) new_journal: bool,

    /// Send every video whatever is found in it; that is a warning then
    ///
    /// For what TikTok takes and this program takes for wrong: its codec, the size of its picture. An empty
    /// file and one of more than 4 GB are never sent. The manifest says it of one post with
    /// `skip_media_check`.
    #[arg(long)]
    pub(crate) skip_media_check: bool,

    /// Do not start a post over that TikTok failed with an internal error
    ///
    /// Without it that is done once a run and three times in all: `internal` is the one reason that
    /// TikTok calls retryable.
    #[arg(long)]
    pub(crate) no_retry: bool,

    /// Size of the chunks that files at least twice as long are sent in
    ///
    /// Between 5242880 bytes and 64 MB. Without it a file beyond 64 MB is sent in as few chunks as TikTok takes.
    #[arg(long, value_name = "BYTES", value_parser = values::chunk_size)]
    pub(crate) chunk_size: Option<u64>,

    /// Send at most so many bytes a second, all accounts together (500kB, 2MB, 1MiB), or by the time of day
    ///
    /// "08:00,512k 19:00,10M 23:00,off" is a timetable: each rate holds from its time on, by the machine's clock.
    #[arg(long, visible_alias = "bwlimit", value_name = "BYTES", value_parser = values::rates)]
    pub(crate) limit_rate: Option<Rates>,

    /// Stop after this time (45m, 2h), at the end of the chunk that is sent then; the next run goes on
    ///
    /// A run that it stops ends with exit code 5, as there is more to do.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) max_runtime: Option<Duration>,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) hooks: HookArgs,
}

impl RunArgs {
    /// The hooks of the run; a dry run calls none.
    pub(crate) fn hooks_of_run(&self) -> Option<&HookArgs> {
        Some(&self.hooks).filter(|_| !self.dry_run)
    }
}

impl Default for RunArgs {
    fn default() -> Self {
        Self {
            dry_run: false,
            privacy: None,
            templates: false,
            draft: false,
            account: None,
            jobs: 4,
            no_wait: false,
            repost: false,
            new_journal: false,
            skip_media_check: false,
            no_retry: false,
            chunk_size: None,
            limit_rate: None,
            max_runtime: None,
            hooks: HookArgs::default(),
        }
    }
}

/// Arguments of `status`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::STATUS)]
pub(crate) struct StatusArgs {
    /// Only this post
    #[arg(value_name = "POST")]
    pub(crate) post: Option<String>,

    /// Wait until every post is final; exit code 5 if something is not
    #[arg(long)]
    pub(crate) wait: bool,

    /// Show the posts that are done, too
    #[arg(long, conflicts_with = "post")]
    pub(crate) all: bool,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) hooks: HookArgs,
}

/// Arguments of `resolve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::RESOLVE)]
pub(crate) struct ResolveArgs {
    /// The post, as `status` names it
    #[arg(value_name = "POST")]
    pub(crate) post: String,

    #[command(flatten)]
    // A doc comment here would replace the command's own help.
    pub(crate) verdict: Verdict,
}

/// What a person saw on the profile: exactly one of the two is set.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Verdict {
    /// It is on the profile: never post it again
    #[arg(long)]
    pub(crate) posted: bool,

    /// It is not on the profile, or it failed and the cause is mended: the next upload may post it
    #[arg(long)]
    pub(crate) not_posted: bool,
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::DOCTOR)]
pub(crate) struct DoctorArgs {
    /// Make a journal of what can be read of a damaged one
    ///
    /// Of the one in place, or of the one that was set aside last; its files are kept. If anything may
    /// be missing, `upload` asks for `--new-journal` once. A sound journal is left as it is.
    #[arg(long)]
    pub(crate) repair_journal: bool,

    /// Mend what is ours and safe to mend, and say what was done and what is left to you
    ///
    /// Takes from others what they may do with our files and directories, removes temporary files that an
    /// interrupted run has left, makes a state directory that is missing. Tokens and journal stay what they are,
    /// and nothing is asked of TikTok.
    #[arg(long, conflicts_with = "repair_journal")]
    pub(crate) fix: bool,

    /// Ask nothing of TikTok: look at this machine alone
    #[arg(long, conflicts_with = "repair_journal")]
    pub(crate) offline: bool,
}

/// Arguments of `store`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::STORE)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    // A doc comment here would replace the command's own help.
    pub(crate) action: StoreAction,
}

/// What `store` does.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum StoreAction {
    /// Look at the database: connection, version, standbys, clock, permissions, encryption
    ///
    /// Changes nothing. The exit code is 0, or the worst of what was found.
    #[command(after_help = help::STORE_CHECK)]
    Check,
    /// Bring the database to the version of this program, as the first run that needs it does by itself
    ///
    /// Programs of earlier versions go on with it, as far as the new version says so.
    #[command(after_help = help::STORE_MIGRATE)]
    Migrate,
    /// List the processes that work with the database: machine, version, when they spoke last, what they hold
    ///
    /// Those of the last hour, and those that hold something.
    #[command(after_help = help::STORE_WORKERS)]
    Workers,
}

/// Arguments of `config`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::CONFIG)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    // A doc comment here would replace the command's own help.
    pub(crate) action: ConfigAction,
}

/// What `config` does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print where config.toml is
    ///
    /// With --json also where tokens, journal and what else the program writes are, and whether each is there.
    #[command(after_help = help::CONFIG_PATH)]
    Path,
    /// Show the settings in use, each with where it comes from, or the value of one
    ///
    /// An option, a variable of the environment, a line of config.toml, or nobody: then it is the usual one. A
    /// secret is never shown.
    #[command(after_help = help::CONFIG_GET)]
    Get {
        /// The setting, such as `defaults.privacy_level`; a table, such as `hooks`, shows all of it
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
    /// Set a key of config.toml; everything else in it stays as it is
    ///
    /// The new file is checked as a run would check it before it replaces the old one.
    #[command(after_help = help::CONFIG_SET)]
    Set {
        /// The key, such as `defaults.privacy_level`, `apps.main.client_key` or `hooks.desktop`
        #[arg(value_name = "KEY")]
        key: String,
        /// The value, in plain words or as TOML; - reads it from standard input, as it must be for a secret
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Take a key out of config.toml; everything else in it stays as it is
    #[command(after_help = help::CONFIG_UNSET)]
    Unset {
        /// The key
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Say whether config.toml is in order, or list all that is wrong in it
    #[command(after_help = help::CONFIG_CHECK)]
    Check,
}

/// Arguments of `videos`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::VIDEOS)]
pub(crate) struct VideosArgs {
    /// The account: alias or `open_id`; needed only where several are logged in
    #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(crate) account: Option<String>,

    /// The most videos, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// Arguments of `history`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::HISTORY)]
pub(crate) struct HistoryArgs {
    /// Only of this account (alias or `open_id`)
    #[arg(long, value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(crate) account: Option<String>,

    /// Only since then: a day (2026-12-01), a time with its offset, or a length of time (7d, 36h)
    #[arg(long, value_name = "WHEN", value_parser = values::since)]
    pub(crate) since: Option<values::Since>,

    /// Ask TikTok for the addresses and numbers of public videos, too (scope `video.list`)
    #[arg(long)]
    pub(crate) numbers: bool,

    /// Write CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Arguments of `open`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::OPEN)]
pub(crate) struct OpenArgs {
    /// A post, as `status --all` names it, or an account (alias or `open_id`)
    #[arg(value_name = "POST|ACCOUNT", allow_hyphen_values = true)]
    pub(crate) what: String,

    /// Print the address instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// Arguments of `cancel`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::CANCEL)]
pub(crate) struct CancelArgs {
    /// The post, as `status` names it: a number, or q and a number for one that waits in the queue of a shared store
    #[arg(value_name = "POST")]
    pub(crate) post: String,
}

/// Arguments of `explain`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::EXPLAIN)]
pub(crate) struct ExplainArgs {
    /// The code, as TikTok or `--json` names it; without one all codes are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// What the completions of a shell ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompleteArgs {
    /// The words behind the program's name, up to the one that is completed.
    pub(crate) words: Vec<OsString>,
}

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::MAN)]
pub(crate) struct ManArgs {
    /// The command; without one the page of the program
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,

    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}

/// Arguments of `schema`.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::SCHEMA)]
pub(crate) struct SchemaArgs {
    /// What is described
    #[arg(value_name = "WHAT", value_enum)]
    pub(crate) what: Schema,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Schema {
    /// The JSON form of a manifest
    Manifest,
    /// What config.toml may say
    Config,
    /// The objects of --json, and what hooks are given
    Events,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::DEMO)]
pub(crate) struct DemoArgs {
    /// The console in the browser instead, with a sample account and videos; Ctrl-C ends it, and nothing is left
    #[arg(long)]
    pub(crate) web: bool,

    /// With --web: do not open the browser, print the address only
    #[arg(long, requires = "web")]
    pub(crate) no_browser: bool,
}
