//! `tiktok-up sandbox`: an offline TikTok, for as long as it is left running.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use tiktok_sandbox::faults::Script;
use tiktok_sandbox::{Account, App, Builder, Lifetimes, Options, RedirectUriError, Sandbox};

use super::example::Example;
use crate::cli::SandboxArgs;
use crate::exit::Exit;
use crate::output::{Failure, Line, Printer};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::secret::Secret;
use crate::settings::Environment;
use crate::signals::Shutdown;
use crate::text::plain;

/// Why no sandbox could be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// The fault script cannot be read.
    #[error("cannot read the fault script {}", path.display())]
    Faults {
        /// The script.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The fault script is wrong.
    #[error("the fault script {} is wrong", path.display())]
    Script {
        /// The script.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A handle that cannot be one.
    #[error(
        "`{0}` is no account name: letters, digits, `_` and `.`, with `:private` behind if need be"
    )]
    Account(String),
    /// A redirect URI that TikTok's portal would not take.
    #[error("`{uri}` cannot be registered: {source}")]
    RedirectUri {
        /// As given.
        uri: String,
        /// Why not.
        source: RedirectUriError,
    },
    /// A scope that no person can grant.
    #[error("there is no scope `{0}`")]
    Scope(String),
    /// The port or the log file cannot be opened.
    #[error("cannot start the sandbox")]
    Start(#[source] io::Error),
}

impl Coded for SandboxError {
    fn problem(&self) -> Problem {
        Problem::new(match self {
            Self::Faults { .. }
            | Self::Script { .. }
            | Self::Account(_)
            | Self::RedirectUri { .. }
            | Self::Scope(_) => ErrorCode::SandboxArguments,
            Self::Start(error) if error.kind() == io::ErrorKind::AddrInUse => {
                ErrorCode::SandboxPortInUse
            }
            Self::Start(_) => ErrorCode::SandboxNotStarted,
        })
    }
}

/// What the options of the command line make of a sandbox.
fn options(args: &SandboxArgs) -> Result<Options, SandboxError> {
    let mut app = App::random();
    for uri in &args.redirect_uris {
        app.register(uri)
            .map_err(|source| SandboxError::RedirectUri { uri: plain(uri), source })?;
    }
    if let Some(unknown) = args.scopes.iter().find(|scope| !app.scopes.contains(scope)) {
        return Err(SandboxError::Scope(unknown.clone()));
    }
    if !args.scopes.is_empty() {
        app.scopes.clone_from(&args.scopes);
    }
    let mut options = Options {
        port: args.port,
        apps: vec![app],
        accounts: args.accounts.iter().map(|name| account(name)).collect::<Result<_, _>>()?,
        auto_consent: args.auto_consent,
        unaudited: args.unaudited,
        megabyte: args.megabyte,
        processing: args.processing,
        download: args.download,
        moderation: args.moderation,
        lifetimes: if args.older_lifetimes { Lifetimes::Older } else { Lifetimes::Newer },
        refresh_extends: args.refresh_extends,
        oauth_errors: args.oauth_errors,
        uploaded_bytes: args.uploaded_bytes,
        resend: args.resend,
        progress_on_416: args.progress_on_416,
        refuse_private_brand: args.refuse_private_brand,
        qr_confirm: args.qr_confirm,
        qr_wrapped: args.qr_wrapped,
        publish_id_delay: args.publish_id_delay,
        daily_posts: args.daily_posts,
        pending_drafts: args.pending_drafts,
        active_users: args.active_users,
        hash: !args.no_hash,
        faults: args.faults.as_deref().map_or(Ok(Script::default()), script)?,
        log: args.log.clone(),
        ..Options::default()
    };
    options.verified_urls.extend(args.verified_urls.iter().cloned());
    Ok(options)
}

fn account(text: &str) -> Result<Account, SandboxError> {
    let (name, private) = match text.strip_suffix(":private") {
        Some(name) => (name, true),
        None => (text, false),
    };
    let handle = name.trim_start_matches('@');
    let legal = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '.';
    if handle.is_empty() || !handle.chars().all(legal) {
        return Err(SandboxError::Account(text.to_owned()));
    }
    Ok(Account { private, ..Account::new(handle, handle) })
}

fn script(path: &Path) -> Result<Script, SandboxError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SandboxError::Faults { path: path.to_owned(), source })?;
    Script::read(&text).map_err(|source| SandboxError::Script { path: path.to_owned(), source })
}

/// Serves until a signal asks it to stop. The lines to export are data, and there as soon as the sandbox
/// listens; what a person should know is talk.
pub(super) async fn run(
    args: &SandboxArgs,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let example = args.example.as_deref().map(Example::write).transpose()?;
    let sandbox = redacted(Sandbox::builder().options(options(args)?));
    let sandbox = sandbox.start().map_err(SandboxError::Start)?;
    report(&sandbox, example.as_ref(), printer);
    if !printer.is_json() {
        if let Some(example) = &example {
            example.report(printer, env);
        }
        printer.talk("press Ctrl-C to stop");
    }
    shutdown.requested().await;
    sandbox.shutdown().await;
    Ok(Exit::Done)
}

/// Takes the secrets of a sandbox out of everything that this process says, as if they were its own.
pub(super) fn redacted(sandbox: Builder) -> Builder {
    // What somebody holds is looked for, however many others come.
    let held = Mutex::new(Vec::new());
    sandbox.on_secret(move |secret| {
        let secret = Secret::new(secret.expose());
        held.lock().unwrap_or_else(PoisonError::into_inner).push(secret);
    })
}

fn report(sandbox: &Sandbox, example: Option<&Example>, printer: &Printer) {
    let (url, key, secret) = (sandbox.url(), sandbox.client_key(), sandbox.client_secret());
    if printer.is_json() {
        // A secret of nobody's, made for whoever started it.
        let mut event = json!({
            "event": "sandbox",
            "api_url": url,
            "auth_url": url,
            "client_key": key,
            "client_secret": secret.expose(),
            "page": sandbox.page(),
        });
        if let Some(example) = example {
            event["home"] = example.home().display().to_string().into();
            event["manifest"] = example.manifest().display().to_string().into();
        }
        printer.json_verbatim(&event);
        return;
    }
    printer.data(format!("export TIKTOK_UP_API_URL={url}"));
    printer.data(format!("export TIKTOK_UP_AUTH_URL={url}"));
    printer.data(format!("export TIKTOK_CLIENT_KEY={key}"));
    let secret = format!("export TIKTOK_CLIENT_SECRET={}", secret.expose());
    printer.data(Line::default().verbatim(secret));
    if let Some(example) = example {
        printer.data(example.export());
    }
    printer.talk(format!("an offline TikTok is listening; its page: {}", sandbox.page()));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;
    use tiktok_sandbox::{Megabyte, OauthErrors, QrConfirm, Resend, UploadedBytes};

    use super::*;
    use crate::output::Explain as _;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn options(line: &str) -> Result<Options, SandboxError> {
        let words = std::iter::once("sandbox").chain(line.split_whitespace());
        super::options(&Cli::try_parse_from(words).unwrap().args)
    }

    #[test]
    fn without_options_it_is_as_lenient_as_the_contract_allows() {
        let options = options("").unwrap();
        assert_eq!(options.megabyte, Megabyte::Either);
        assert_eq!((options.port, options.auto_consent, options.unaudited), (0, false, false));
        assert_eq!(options.processing, Duration::from_secs(2));
    }

    #[test]
    fn every_open_question_has_its_option() {
        let options = options(
            "--megabyte both --uploaded-bytes count --resend 206 --qr-confirm code-url \
             --older-lifetimes --oauth-errors 4xx --refresh-extends --qr-wrapped \
             --publish-id-delay 90s --processing 0s --moderation 3h --download 5s \
             --progress-on-416 --refuse-private-brand --no-hash --unaudited --active-users 7 \
             --daily-posts 3 --pending-drafts 2 --verified-url https://videos.example/",
        )
        .unwrap();
        assert_eq!(options.megabyte, Megabyte::Both);
        assert_eq!(options.uploaded_bytes, UploadedBytes::Count);
        assert_eq!(options.resend, Resend::Accepted);
        assert_eq!(options.qr_confirm, QrConfirm::CodeUrl);
        assert_eq!(options.lifetimes, Lifetimes::Older);
        assert_eq!(options.oauth_errors, OauthErrors::Usual);
        assert!(options.refresh_extends && options.qr_wrapped);
        assert_eq!(options.publish_id_delay, Duration::from_secs(90));
        assert_eq!(options.processing, Duration::ZERO);
        assert_eq!(options.moderation, Duration::from_hours(3));
        assert_eq!(options.download, Duration::from_secs(5));
        assert!(options.progress_on_416 && options.refuse_private_brand && options.unaudited);
        assert!(!options.hash);
        let limits = (options.active_users, options.daily_posts, options.pending_drafts);
        assert_eq!(limits, (Some(7), 3, 2));
        assert!(options.verified_urls.iter().any(|url| url == "https://videos.example/"));
    }

    #[test]
    fn what_was_an_option_before_it_became_the_rule_is_still_taken() {
        let options = options("--oauth-errors-200 --refresh-does-not-extend").unwrap();
        assert_eq!(options.oauth_errors, OauthErrors::Ok);
        assert!(!options.refresh_extends);
    }

    #[test]
    fn accounts_may_be_named_and_private() {
        let accounts = options("--account @mia --account leo:private").unwrap().accounts;
        let shown: Vec<_> =
            accounts.iter().map(|account| (account.handle.as_str(), account.private)).collect();
        assert_eq!(shown, [("mia", false), ("leo", true)]);
    }

    #[test]
    fn every_rule_of_the_reference_is_one() {
        let rules = include_str!("../cli/sandbox.txt")
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("{\"endpoint\""));
        let read = rules.map(|rule| Script::read(rule).unwrap());
        assert_eq!(read.count(), 10);
    }

    #[test]
    fn what_cannot_be_is_a_usage_error() {
        for line in [
            "--account a/b",
            "--account :private",
            "--scopes video.steal",
            "--redirect-uri http://example.com/callback/",
        ] {
            assert_eq!(options(line).unwrap_err().exit(), Exit::Usage, "{line}");
        }
    }
}
