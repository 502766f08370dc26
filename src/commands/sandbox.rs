//! `tiktok-up sandbox`: an offline TikTok, for as long as it is left running.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;
use tiktok_sandbox::faults::Script;
use tiktok_sandbox::{
    Account, App, Builder, Lifetimes, Megabyte, Options, QrConfirm, Resend, Sandbox, UploadedBytes,
};

use crate::exit::{Exit, Explain, Failure};
use crate::output::{Line, Printer};
use crate::secret::Secret;
use crate::signals::Shutdown;

/// Options of `sandbox`.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = include_str!("sandbox.txt"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct SandboxArgs {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Consent to every login at once, as the first account and with every scope
    #[arg(long)]
    auto_consent: bool,
    /// Read a fault script: which call goes wrong, and how
    ///
    /// For example {"faults": [{"endpoint": "upload", "nth": 3, "do": {"drop": "middle"}}]}; the
    /// reference is below.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Append every request to a file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Have this account instead of the usual three; `NAME:private` for a private one
    #[arg(long = "account", value_name = "NAME")]
    accounts: Vec<String>,
    /// Register one more redirect URI
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Approve only these scopes for the app
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Verify one more domain or URL prefix for `PULL_FROM_URL`
    #[arg(long = "verified-url", value_name = "URL")]
    verified_urls: Vec<String>,

    /// Be an app that has not passed the audit: private accounts and `SELF_ONLY` only
    #[arg(long, help_heading = "Strictness")]
    unaudited: bool,
    /// Which reading of "MB" a chunk plan must be legal under
    #[arg(long, value_name = "READING", value_enum, default_value_t, help_heading = "Strictness")]
    megabyte: Megabyte,
    /// Let tokens live as long as before November 2026: 24 hours and 365 days
    #[arg(long, help_heading = "Strictness")]
    older_lifetimes: bool,
    /// Let a refresh token end when the first one would have ended
    #[arg(long, help_heading = "Strictness")]
    refresh_does_not_extend: bool,
    /// Send the errors of the OAuth endpoints with HTTP 200
    #[arg(long, help_heading = "Strictness")]
    oauth_errors_200: bool,
    /// What the progress header of a chunk's answer counts
    #[arg(long, value_name = "MEANING", value_enum, default_value_t, help_heading = "Strictness")]
    uploaded_bytes: UploadedBytes,
    /// What sending a stored chunk again leads to
    #[arg(long, value_name = "STATUS", value_enum, default_value_t, help_heading = "Strictness")]
    resend: Resend,
    /// Send the progress header with a 416 too
    #[arg(long, help_heading = "Strictness")]
    progress_on_416: bool,
    /// Refuse branded content that only the creator may see
    #[arg(long, help_heading = "Strictness")]
    refuse_private_brand: bool,
    /// How a confirmed QR code hands out its authorization code
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t, help_heading = "Strictness")]
    qr_confirm: QrConfirm,
    /// Direct posts per creator in 24 hours
    #[arg(long, value_name = "N", default_value_t = 15, help_heading = "Strictness")]
    daily_posts: usize,
    /// Unfinished drafts per creator in 24 hours
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Strictness")]
    pending_drafts: usize,
    /// Posting creators in 24 hours [default: 5 if unaudited, else no limit]
    #[arg(long, value_name = "N", help_heading = "Strictness")]
    active_users: Option<usize>,

    /// From the last byte to the final status
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "2s", help_heading = "Pace")]
    processing: Duration,
    /// How long the download of a `PULL_FROM_URL` takes
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "2s", help_heading = "Pace")]
    download: Duration,
    /// From `PUBLISH_COMPLETE` to the id of a public post
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "0s", help_heading = "Pace")]
    moderation: Duration,
    /// Do not hash what arrives: for measuring, as SHA-256 is slower than loopback
    #[arg(long, help_heading = "Pace")]
    no_hash: bool,
}

fn length(text: &str) -> Result<Duration, String> {
    let length: SignedDuration =
        text.parse().map_err(|_| "not a duration such as 500ms, 2s or 3h".to_owned())?;
    length.try_into().map_err(|_| "a duration cannot be negative".to_owned())
}

/// Why no sandbox could be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
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
    /// A scope that no person can grant.
    #[error("there is no scope `{0}`")]
    Scope(String),
    /// The port or the log file cannot be opened.
    #[error("cannot start the sandbox")]
    Start(#[source] io::Error),
}

impl Explain for SandboxError {
    fn exit(&self) -> Exit {
        match self {
            Self::Faults { .. } | Self::Script { .. } | Self::Account(_) | Self::Scope(_) => {
                Exit::Usage
            }
            Self::Start(_) => Exit::Local,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Some("choose another --port, or leave it out to take a free one".to_owned())
            }
            _ => None,
        }
    }
}

impl SandboxArgs {
    fn options(&self) -> Result<Options, SandboxError> {
        let mut app = App::random();
        app.redirect_uris.extend(self.redirect_uris.iter().cloned());
        if let Some(unknown) = self.scopes.iter().find(|scope| !app.scopes.contains(scope)) {
            return Err(SandboxError::Scope(unknown.clone()));
        }
        if !self.scopes.is_empty() {
            app.scopes.clone_from(&self.scopes);
        }
        let mut options = Options {
            port: self.port,
            apps: vec![app],
            accounts: self.accounts.iter().map(|name| account(name)).collect::<Result<_, _>>()?,
            auto_consent: self.auto_consent,
            unaudited: self.unaudited,
            megabyte: self.megabyte,
            processing: self.processing,
            download: self.download,
            moderation: self.moderation,
            lifetimes: if self.older_lifetimes { Lifetimes::Older } else { Lifetimes::Newer },
            refresh_extends: !self.refresh_does_not_extend,
            oauth_errors_200: self.oauth_errors_200,
            uploaded_bytes: self.uploaded_bytes,
            resend: self.resend,
            progress_on_416: self.progress_on_416,
            refuse_private_brand: self.refuse_private_brand,
            qr_confirm: self.qr_confirm,
            daily_posts: self.daily_posts,
            pending_drafts: self.pending_drafts,
            active_users: self.active_users,
            hash: !self.no_hash,
            faults: self.faults.as_deref().map_or(Ok(Script::default()), script)?,
            log: self.log.clone(),
            ..Options::default()
        };
        options.verified_urls.extend(self.verified_urls.iter().cloned());
        Ok(options)
    }
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
) -> Result<Exit, Failure> {
    let sandbox = redacted(Sandbox::builder().options(args.options()?));
    let sandbox = sandbox.start().map_err(SandboxError::Start)?;
    tell(&sandbox, printer);
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

fn tell(sandbox: &Sandbox, printer: &Printer) {
    let (url, key, secret) = (sandbox.url(), sandbox.client_key(), sandbox.client_secret());
    if printer.is_json() {
        // A secret of nobody's, made for whoever started it.
        printer.json_verbatim(&json!({
            "event": "sandbox",
            "api_url": url,
            "auth_url": url,
            "client_key": key,
            "client_secret": secret.expose(),
            "page": sandbox.page(),
        }));
        return;
    }
    printer.data(format!("export TIKTOK_UP_API_URL={url}"));
    printer.data(format!("export TIKTOK_UP_AUTH_URL={url}"));
    printer.data(format!("export TIKTOK_CLIENT_KEY={key}"));
    let secret = format!("export TIKTOK_CLIENT_SECRET={}", secret.expose());
    printer.data(Line::default().verbatim(secret));
    printer.talk(format!("an offline TikTok is listening; its page: {}", sandbox.page()));
    printer.talk("press Ctrl-C to stop");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn options(line: &str) -> Result<Options, SandboxError> {
        let words = std::iter::once("sandbox").chain(line.split_whitespace());
        Cli::try_parse_from(words).unwrap().args.options()
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
             --older-lifetimes --oauth-errors-200 --processing 0s --moderation 3h",
        )
        .unwrap();
        assert_eq!(options.megabyte, Megabyte::Both);
        assert_eq!(options.uploaded_bytes, UploadedBytes::Count);
        assert_eq!(options.resend, Resend::Accepted);
        assert_eq!(options.qr_confirm, QrConfirm::CodeUrl);
        assert_eq!(options.lifetimes, Lifetimes::Older);
        assert!(options.oauth_errors_200);
        assert_eq!(options.processing, Duration::ZERO);
        assert_eq!(options.moderation, Duration::from_hours(3));
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
        let rules = include_str!("sandbox.txt")
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("{\"endpoint\""));
        let read = rules.map(|rule| Script::read(rule).unwrap());
        assert_eq!(read.count(), 10);
    }

    #[test]
    fn what_cannot_be_is_a_usage_error() {
        for line in ["--account a/b", "--account :private", "--scopes video.steal"] {
            assert_eq!(options(line).unwrap_err().exit(), Exit::Usage, "{line}");
        }
    }
}
