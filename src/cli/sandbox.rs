//! The options of `sandbox`: which reading of TikTok's contract holds, and how fast it is.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use tiktok_sandbox::{Megabyte, OauthErrors, QrConfirm, Resend, UploadedBytes};

/// Options of `sandbox`.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = include_str!("sandbox.txt"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// Consent to every login at once, as the first account and with every scope
    #[arg(long)]
    pub(crate) auto_consent: bool,
    /// Read a fault script: which call goes wrong, and how
    ///
    /// For example {"faults": [{"endpoint": "upload", "nth": 3, "do": {"drop": "middle"}}]};
    /// `tiktok-up help faults` has all.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Append every request to a file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Write a manifest and small videos into this folder, to rehearse with
    ///
    /// Prints what to type next. Nothing that is there already is overwritten. Tokens and journal of the
    /// rehearsal are in the folder, too.
    #[arg(long, value_name = "DIR", value_parser = super::values::directory())]
    pub(crate) example: Option<PathBuf>,
    /// Have this account instead of the usual three; `NAME:private` for a private one
    #[arg(long = "account", value_name = "NAME")]
    pub(crate) accounts: Vec<String>,
    /// Register one more redirect URI; `*` stands for any port
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// Approve only these scopes for the app
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
    /// Verify one more domain or URL prefix for `PULL_FROM_URL`
    #[arg(long = "verified-url", value_name = "URL")]
    pub(crate) verified_urls: Vec<String>,

    /// Be an app that has not passed the audit: private accounts and `SELF_ONLY` only
    #[arg(long, help_heading = "Strictness")]
    pub(crate) unaudited: bool,
    /// Which reading of "MB" a chunk plan must be legal under
    #[arg(long, value_name = "READING", value_enum, default_value_t, help_heading = "Strictness")]
    pub(crate) megabyte: Megabyte,
    /// Let tokens live as long as before November 2026: 24 hours and 365 days
    #[arg(long, help_heading = "Strictness")]
    pub(crate) older_lifetimes: bool,
    /// Let every refresh begin the life of the refresh token anew, instead of keeping its end
    #[arg(long, help_heading = "Strictness")]
    pub(crate) refresh_extends: bool,
    /// What is so by now without being asked for; scripts may still do that
    #[arg(long, hide = true, conflicts_with = "refresh_extends")]
    refresh_does_not_extend: bool,
    /// The HTTP status of errors of the OAuth endpoints: 200, or those usual with OAuth 2.0
    #[arg(long, value_name = "STATUS", value_enum, default_value_t, help_heading = "Strictness")]
    pub(crate) oauth_errors: OauthErrors,
    /// What is so by now without being asked for; scripts may still do that
    #[arg(long, hide = true, conflicts_with = "oauth_errors")]
    oauth_errors_200: bool,
    /// What the progress header of a chunk's answer counts
    #[arg(long, value_name = "MEANING", value_enum, default_value_t, help_heading = "Strictness")]
    pub(crate) uploaded_bytes: UploadedBytes,
    /// What sending a stored chunk again leads to
    #[arg(long, value_name = "STATUS", value_enum, default_value_t, help_heading = "Strictness")]
    pub(crate) resend: Resend,
    /// Send the progress header with a 416 too
    #[arg(long, help_heading = "Strictness")]
    pub(crate) progress_on_416: bool,
    /// Refuse branded content that only the creator may see
    #[arg(long, help_heading = "Strictness")]
    pub(crate) refuse_private_brand: bool,
    /// How a confirmed QR code hands out its authorization code
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t, help_heading = "Strictness")]
    pub(crate) qr_confirm: QrConfirm,
    /// Put the answers about QR codes into a `data` object
    #[arg(long, help_heading = "Strictness")]
    pub(crate) qr_wrapped: bool,
    /// Direct posts per creator in 24 hours
    #[arg(long, value_name = "N", default_value_t = 15, help_heading = "Strictness")]
    pub(crate) daily_posts: usize,
    /// Unfinished drafts per creator in 24 hours
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Strictness")]
    pub(crate) pending_drafts: usize,
    /// Posting creators in 24 hours [default: 5 if unaudited, else no limit]
    #[arg(long, value_name = "N", help_heading = "Strictness")]
    pub(crate) active_users: Option<usize>,

    /// From the last byte to the final status
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "2s", help_heading = "Pace")]
    pub(crate) processing: Duration,
    /// How long the download of a `PULL_FROM_URL` takes
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "2s", help_heading = "Pace")]
    pub(crate) download: Duration,
    /// From `PUBLISH_COMPLETE` to the id of a public post
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "0s", help_heading = "Pace")]
    pub(crate) moderation: Duration,
    /// How long after its init a `publish_id` is not known to `status/fetch`
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "0s", help_heading = "Pace")]
    pub(crate) publish_id_delay: Duration,
    /// Do not hash what arrives: for measuring, as SHA-256 is slower than loopback
    #[arg(long, help_heading = "Pace")]
    pub(crate) no_hash: bool,
}

fn length(text: &str) -> Result<Duration, String> {
    let length: SignedDuration =
        text.parse().map_err(|_| "not a duration such as 500ms, 2s or 3h".to_owned())?;
    length.try_into().map_err(|_| "a duration cannot be negative".to_owned())
}
