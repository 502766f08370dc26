//! The command line: its types and its help, and no other logic.

mod args;
mod dashed;
mod help;
mod sandbox;
mod topics;
mod values;
mod version;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::model::fields::nearest;

pub(crate) use self::args::{
    AccountsAction, AccountsArgs, CancelArgs, CompleteArgs, CompletionsArgs, ConfigAction,
    ConfigArgs, DemoArgs, DoctorArgs, ExplainArgs, HelpArgs, HistoryArgs, HookArgs, InitArgs,
    LoginArgs, LogoutArgs, ManArgs, OpenArgs, PassphraseArgs, PasswordArgs, PostArgs, RefreshArgs,
    ResolveArgs, RunArgs, Schema, SchemaArgs, ServeAction, ServeArgs, StatusArgs, StoreAction,
    StoreArgs, UploadArgs, UserRole, Verdict, VideosArgs, WatchArgs,
};
pub(crate) use self::sandbox::SandboxArgs;
pub(crate) use self::topics::page as topic;
pub(crate) use self::values::{Listen, Since};

/// Publish to TikTok from a terminal, a server or a script
///
/// Logs TikTok accounts in, keeps their tokens alive and posts videos, on TikTok's official APIs
/// with an app of your own. A post is made exactly once, or you are told that its outcome is
/// unknown.
#[derive(Debug, Parser)]
#[command(
    name = "tiktok-up",
    version,
    styles = help::STYLES,
    after_help = help::TOP,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
)]
pub(crate) struct Cli {
    #[command(flatten)]
    // A doc comment here would replace the program's own help.
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do. A command is here when it works, not before.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write an app's client key and secret into config.toml
    ///
    /// Asks for the app's name (or takes `--app`), client key and client secret, which is not shown,
    /// and tells what must be set in TikTok's developer portal. From a pipe it reads a line for each.
    Init(InitArgs),
    /// Log an account in
    Login(LoginArgs),
    /// Revoke a login at TikTok and forget it
    Logout(LogoutArgs),
    /// Renew the tokens that end soon; made for cron
    Refresh(RefreshArgs),
    /// List the accounts that are logged in, name and pause them, take over others
    Accounts(AccountsArgs),
    /// Post videos or photos, all that belongs to them on the command line
    ///
    /// As `upload` does with a manifest of one post or several: the same checks, the same journal. Run the same
    /// command again to resume what was cut off.
    Post(Box<PostArgs>),
    /// Post what a manifest lists, resume what was cut off
    Upload(UploadArgs),
    /// Post what is due when it is due, until it is stopped; for a terminal or a service
    ///
    /// One `upload` after another, and the tokens renewed between them: by the same rules as under cron, and said as
    /// with --quiet (more with -v). Ctrl-C or SIGTERM ends it after the chunk under way, with exit code 0; SIGHUP looks
    /// again at once. Under systemd it tells where it stands (`Type=notify`, `WatchdogSec=`).
    Watch(Box<WatchArgs>),
    /// Open a console in the browser: log in, compose, follow and settle posts
    ///
    /// The same rules and the same journal as on the command line, while it runs. It listens on this machine alone,
    /// unless another address comes with TLS and passwords. Ctrl-C or SIGTERM ends it after the chunk under way, with
    /// exit code 0.
    Serve(ServeArgs),
    /// Show what became of the posts, and ask TikTok about those that are not final
    Status(StatusArgs),
    /// Settle a post whose outcome is unknown, that failed for good, or that was posted by hand
    Resolve(ResolveArgs),
    /// Call off a post that TikTok is pulling from a URL
    Cancel(CancelArgs),
    /// List what was posted, and when
    History(HistoryArgs),
    /// Open a post or a profile in the browser
    Open(OpenArgs),
    /// Show the settings in use and where each comes from, change config.toml, check it
    Config(ConfigArgs),
    /// Look at the database that keeps the store, or bring it up to date
    Store(StoreArgs),
    /// Check settings, apps, tokens, journal and locks on this machine, and ask TikTok about them
    ///
    /// One line for each, with what to change; with --quiet only for what is wrong. Client secrets are read
    /// as a run reads them, so a `client_secret_command` is run; with --offline TikTok is not asked. The exit code
    /// is 0, or the worst of what was found: 4 (local trouble) before 3 (a login is needed) before 2 (a setting is
    /// to be corrected) before 5 (TikTok cannot be reached).
    Doctor(DoctorArgs),
    /// List an account's public videos with their numbers
    Videos(VideosArgs),
    /// Say what an error code means and what to do about it
    Explain(ExplainArgs),
    /// Print what makes a shell complete the words of this program
    Completions(CompletionsArgs),
    /// Print a manual page, or write all of them into a folder
    Man(ManArgs),
    /// Print the JSON Schema of manifests, of config.toml or of what --json prints
    Schema(SchemaArgs),
    /// Run an offline TikTok on this machine, to rehearse logins and uploads
    ///
    /// As strict as the real one, with accounts, a consent page, quotas and, if wanted, scripted
    /// faults. Prints the environment that makes the other commands talk to it.
    #[command(after_help = help::SANDBOX)]
    Sandbox(Box<SandboxArgs>),
    /// See a login and an upload work in seconds, offline
    ///
    /// Starts an offline TikTok, logs in, uploads a small video and shows its status, with the same
    /// code that a real run uses, in a temporary home.
    Demo(DemoArgs),
    /// Print the help of a command, or a page about a topic
    Help(HelpArgs),
    // What the completions of shells call. No definition has it, so no help, page or completion lists it.
    #[command(skip)]
    Complete(CompleteArgs),
}

impl Command {
    /// Whether it does the same over and over.
    pub(crate) fn is_endless(&self) -> bool {
        match self {
            Self::Watch(_) => true,
            Self::Serve(args) => args.action.is_none(),
            _ => false,
        }
    }

    /// How long it may run, if that was said.
    pub(crate) fn max_runtime(&self) -> Option<Duration> {
        match self {
            Self::Upload(args) => args.run.max_runtime,
            Self::Post(args) => args.run.max_runtime,
            _ => None,
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Login(_) => "login",
            Self::Logout(_) => "logout",
            Self::Refresh(_) => "refresh",
            Self::Accounts(_) => "accounts",
            Self::Post(_) => "post",
            Self::Upload(_) => "upload",
            Self::Watch(_) => "watch",
            Self::Serve(_) => "serve",
            Self::Status(_) => "status",
            Self::Resolve(_) => "resolve",
            Self::Cancel(_) => "cancel",
            Self::History(_) => "history",
            Self::Open(_) => "open",
            Self::Config(_) => "config",
            Self::Store(_) => "store",
            Self::Doctor(_) => "doctor",
            Self::Videos(_) => "videos",
            Self::Explain(_) => "explain",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Schema(_) => "schema",
            Self::Sandbox(_) => "sandbox",
            Self::Demo(_) => "demo",
            Self::Help(_) => "help",
            Self::Complete(_) => COMPLETE,
        }
    }
}

/// What makes a shell complete the words of this program.
pub(crate) fn completions(shell: clap_complete::Shell) -> String {
    let mut text = Vec::new();
    let command = Cli::command();
    let names = command.get_subcommands().map(|inner| inner.get_name().to_owned());
    let topics = topics::TOPICS.iter().map(|(topic, _)| (*topic).to_owned());
    let known = PossibleValuesParser::new(names.chain(topics).collect::<Vec<_>>());
    let mut command = command
        .mut_subcommand("help", |help| help.mut_arg("words", |words| words.value_parser(known)));
    clap_complete::generate(shell, &mut command, "tiktok-up", &mut text);
    // clap_complete takes the hyphen of the name for the beginning of a command where it compares words for bash.
    let text = String::from_utf8_lossy(&text).replace("tiktok__subcmd__up", "tiktok__up");
    with_values(shell, text)
}

/// The word that the completions of shells call the program with. It is looked for before the line is read.
const COMPLETE: &str = "__complete";

/// Completions that ask this program for the words that only this machine knows, before anything else. `clap_complete`
/// has that behind a feature that it calls unstable; for the shells that are not here its own are all there is.
fn with_values(shell: clap_complete::Shell, text: String) -> String {
    let asking = |values: &str, function: &str, ask: &str| {
        let begun = format!("{function}() {{\n");
        text.replacen(&begun, &format!("{values}{begun}    {ask} && return 0\n"), 1)
    };
    match shell {
        clap_complete::Shell::Bash => {
            let ask = "_tiktok__up_values \"$1\"";
            asking(include_str!("complete.bash"), "_tiktok__up", ask)
        }
        clap_complete::Shell::Zsh => {
            asking(include_str!("complete.zsh"), "_tiktok-up", "_tiktok-up_values")
        }
        clap_complete::Shell::Fish => {
            // The words behind an option are its own.
            let of_option = |line: &str| {
                let is_one = [" -l account ", " -l app "].iter().any(|it| line.contains(it));
                let values = if is_one { " -f -a \"(__fish_tiktok_up_values)\"" } else { "" };
                format!("{line}{values}\n")
            };
            text.lines().map(of_option).chain([include_str!("complete.fish").to_owned()]).collect()
        }
        _ => text,
    }
}

/// The manual pages, each with its name: of the program, and of each command and each of theirs.
pub(crate) fn pages() -> std::io::Result<Vec<(String, String)>> {
    fn add(
        command: &clap::Command,
        name: &str,
        pages: &mut Vec<(String, String)>,
    ) -> std::io::Result<()> {
        let mut page = Vec::new();
        let titled = command.clone().name(name.to_owned()).display_name(name.to_owned());
        clap_mangen::Man::new(titled).render(&mut page)?;
        pages.push((name.to_owned(), String::from_utf8_lossy(&page).into_owned()));
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        inner
            .into_iter()
            .try_for_each(|inner| add(inner, &format!("{name}-{}", inner.get_name()), pages))
    }
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, "tiktok-up", &mut pages)?;
    Ok(pages)
}

/// Options that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Write one JSON object per line to standard output; with `--json=events` what happens on the way, too
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "results"
    )]
    pub(crate) json: Option<JsonLines>,

    /// Say only what a human must do, once; made for cron
    ///
    /// A failure is said by the run in which it happens, and listed by `status`: later runs end with the
    /// same exit code, without a word. What keeps posts or a login from going on is said when it begins
    /// and again after a week, what ends a whole run as well; what passes by itself, such as a lock, a quota or
    /// the network, only if it has not passed within a day. Where standard error is a terminal, errors are
    /// always said. `status` lists with it only what somebody has to do.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say more: -v each answer of TikTok, -vv also how long it took (never a secret)
    ///
    /// -v tells of each call that TikTok answered its name, HTTP status and `log_id`, and of posts every
    /// step; -vv also after how long each answer began. More of them tell nothing more.
    ///
    /// With --version it tells which build this is.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Keep configuration, tokens and journal in this one directory
    ///
    /// Without it, and without `TIKTOK_UP_HOME`: `$XDG_CONFIG_HOME/tiktok-up` (else
    /// ~/.config/tiktok-up) for config.toml, `$XDG_STATE_HOME/tiktok-up` (else
    /// ~/.local/state/tiktok-up) for the rest.
    #[arg(long, global = true, value_name = "DIR", value_parser = values::directory())]
    pub(crate) home: Option<PathBuf>,

    /// Use the app `[apps.NAME]` of config.toml
    ///
    /// A login is made with it, and only its accounts' tokens are used. Without it every account is
    /// used with the app that made its tokens, and logins are made with the app of
    /// `TIKTOK_CLIENT_KEY`, else of `[defaults]`, else the only one there is. `TIKTOK_CLIENT_KEY` wins
    /// over `--app` for logins, with a warning.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) app: Option<String>,

    /// When to use colours (`NO_COLOR` is respected)
    #[arg(long, global = true, value_name = "WHEN", default_value_t, value_enum)]
    pub(crate) color: When,

    /// Draw no progress bars; one line per change instead
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl When {
    /// Whether colours were asked for or forbidden; `None` leaves it to the streams.
    pub(crate) fn asked(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

/// Options whose values are words, which may begin as options do.
const OF_WORDS: [&str; 3] = ["--caption", "--title", "--tag"];

/// A command line in which what follows such an option is its value if it cannot be an option: it holds white space.
fn with_words(args: Vec<OsString>) -> Vec<OsString> {
    let mut read: Vec<OsString> = Vec::with_capacity(args.len());
    for arg in args {
        let is_words = arg.to_str().is_some_and(|text| {
            text.starts_with('-') && text.contains(char::is_whitespace) && !text.contains('=')
        });
        match read.last_mut() {
            Some(last) if is_words && OF_WORDS.iter().any(|option| last == option) => {
                last.push("=");
                last.push(arg);
            }
            _ => read.push(arg),
        }
    }
    read
}

impl Cli {
    /// Reads a command line and checks it as a whole. The error may be help that was asked for.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        if let [_, word, words @ ..] = args.as_slice()
            && word == COMPLETE
        {
            let command = Command::Complete(CompleteArgs { words: words.to_vec() });
            return Ok(Self { global: GlobalArgs::default(), command });
        }
        let args = with_words(args);
        let mut command = Self::definitions();
        let matches = command.try_get_matches_from_mut(&args);
        let matches = matches.map_err(|error| version::told(dashed::told(error, &args), &args))?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        cli.check()?;
        match &cli.command {
            Command::Help(args) => match args.words.as_slice() {
                [word] if topics::page(word).is_some() => Ok(cli),
                words => Err(Self::help_of(words)),
            },
            _ => Ok(cli),
        }
    }

    /// The definitions, with the options of every command listed in the long help of each and named in the
    /// short one.
    fn definitions() -> clap::Command {
        fn shortened(command: clap::Command) -> clap::Command {
            let after = command.get_after_help().cloned().unwrap_or_default();
            let mut short = after.clone();
            _ = write!(short, "\n\n{}", help::GLOBAL);
            command.after_long_help(after).after_help(short).mut_subcommands(shortened)
        }
        let command = Self::command();
        let global: Vec<_> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
        let hidden: Vec<_> =
            global.into_iter().map(|arg| arg.clone().hide_short_help(true)).collect();
        // What is for one run alone `watch` refuses with a word.
        let of_one_run = ["dry_run", "repost", "new_journal", "max_runtime"];
        let command = command.mut_subcommand("watch", |watch| {
            of_one_run.iter().fold(watch, |watch, name| watch.mut_arg(name, |arg| arg.hide(true)))
        });
        // One that a command has already is not handed down to it.
        command.mut_subcommands(|command| shortened(command).args(hidden.clone()))
    }

    /// What `--help` shows behind these words, as the error that clap makes of it, or that there is no such
    /// command.
    fn help_of(words: &[String]) -> clap::Error {
        let line = ["tiktok-up"].into_iter().chain(words.iter().map(String::as_str));
        let mut command = Self::definitions();
        let Err(mut error) = command.try_get_matches_from_mut(line.chain(["--help"])) else {
            return command.error(ErrorKind::InvalidSubcommand, "there is no such command");
        };
        let known = topics::TOPICS.iter().map(|(topic, _)| (*topic, *topic));
        if error.kind() == ErrorKind::InvalidSubcommand
            && let [word] = words
            && let Some(topic) = nearest(word, known)
        {
            let meant = ContextValue::Strings(vec![topic.to_owned()]);
            error.insert(ContextKind::SuggestedSubcommand, meant);
        }
        error
    }

    /// What no single argument can know.
    fn check(&self) -> Result<(), clap::Error> {
        match self.global.contradiction() {
            Some(what) => Err(Self::command().error(ErrorKind::ArgumentConflict, what)),
            None => Ok(()),
        }
    }
}

impl GlobalArgs {
    /// Here and not in the definitions, as one of two options may stand before the command and the
    /// other behind it, and clap looks at each place for itself.
    fn contradiction(&self) -> Option<&'static str> {
        (self.quiet && self.verbose > 0)
            .then_some("the argument '--quiet' cannot be used with '--verbose'")
    }
}

/// Of what `--json` writes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JsonLines {
    /// Of what a run comes to
    Results,
    /// Of what happens on the way as well
    Events,
}

/// The options that decide how an error of the command line itself is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Early {
    /// `--json`.
    pub(crate) json: bool,
    /// `--color`.
    pub(crate) color: When,
}

impl Early {
    /// Looks for them in a command line that may not be a valid one.
    pub(crate) fn pre_parse(args: &[OsString]) -> Self {
        let mut early = Self::default();
        let mut args = args.iter().map(OsString::as_os_str).take_while(|arg| *arg != "--");
        while let Some(arg) = args.next() {
            if arg.to_str().is_some_and(|arg| arg == "--json" || arg.starts_with("--json=")) {
                early.json = true;
            } else if arg == "--color" {
                early.color = args.next().map_or(early.color, when);
            } else if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix("--color=")) {
                early.color = when(OsStr::new(value));
            }
        }
        early
    }
}

fn when(value: &OsStr) -> When {
    value.to_str().and_then(|value| When::from_str(value, false).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
