//! What a sandbox is started with: its port, its world and how strict it reads the open questions.

use std::path::PathBuf;
use std::time::Duration;

use crate::accounts::{Account, App};
use crate::faults::Script;

/// How a sandbox behaves. [`Options::default`] is an audited app with three accounts on any port. Where
/// TikTok's documentation leaves a question open, there is an option; its first reading is the default.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The registered apps; empty stands for one with random credentials.
    pub apps: Vec<App>,
    /// The people of this TikTok; empty stands for `@ada`, `@bea` and `@cyd`.
    pub accounts: Vec<Account>,
    /// Whether the authorize page consents by itself, as the first account and with every scope.
    pub auto_consent: bool,
    /// Whether the app has not passed TikTok's audit: private accounts and `SELF_ONLY` only.
    pub unaudited: bool,
    /// Which reading of "MB" a chunk plan is held against.
    pub megabyte: Megabyte,
    /// From the last byte to the final status, by the sandbox's clock.
    pub processing: Duration,
    /// How long the "download" of a `PULL_FROM_URL` takes, by the sandbox's clock.
    pub download: Duration,
    /// From `PUBLISH_COMPLETE` to the post id of a public post, by the sandbox's clock.
    pub moderation: Duration,
    /// Which edition of the token page the lifetimes come from.
    pub lifetimes: Lifetimes,
    /// Whether a refresh restarts the refresh token's life. The documentation allows both, recorded
    /// answers keep its end.
    pub refresh_extends: bool,
    /// The HTTP status of OAuth errors, which is documented nowhere.
    pub oauth_errors: OauthErrors,
    /// What `{UPLOADED_BYTES}` of a chunk's answer means.
    pub uploaded_bytes: UploadedBytes,
    /// What sending a stored chunk again leads to.
    pub resend: Resend,
    /// Whether a 416 carries the progress header too (undocumented).
    pub progress_on_416: bool,
    /// Whether branded content with `SELF_ONLY` is refused: the guidelines forbid it, no error of
    /// the API is documented.
    pub refuse_private_brand: bool,
    /// The shape of a confirmed QR code.
    pub qr_confirm: QrConfirm,
    /// Whether the answers about QR codes stand in a `data` object.
    pub qr_wrapped: bool,
    /// How long after its init a `publish_id` is unknown to `status/fetch` and `cancel`, by the sandbox's
    /// clock: clients have seen `invalid_publish_id` of posts that were published later.
    pub publish_id_delay: Duration,
    /// Domains (`example.com`, covers subdomains) and URL prefixes (`https://host/path/`) that the
    /// app has verified for `PULL_FROM_URL`.
    pub verified_urls: Vec<String>,
    /// Direct posts per creator in any 24 hours.
    pub daily_posts: usize,
    /// Unfinished drafts per creator in any 24 hours.
    pub pending_drafts: usize,
    /// Creators per app in any 24 hours; `None` is 5 for an unaudited app and no limit otherwise.
    pub active_users: Option<usize>,
    /// Whether the bytes that arrive are hashed.
    pub hash: bool,
    /// Faults that are there from the start.
    pub faults: Script,
    /// File that takes the request log, one JSON object a line.
    pub log: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            apps: Vec::new(),
            accounts: Vec::new(),
            auto_consent: false,
            unaudited: false,
            megabyte: Megabyte::default(),
            processing: Duration::from_secs(2),
            download: Duration::from_secs(2),
            moderation: Duration::ZERO,
            lifetimes: Lifetimes::default(),
            refresh_extends: false,
            oauth_errors: OauthErrors::default(),
            uploaded_bytes: UploadedBytes::default(),
            resend: Resend::default(),
            progress_on_416: false,
            refuse_private_brand: false,
            qr_confirm: QrConfirm::default(),
            qr_wrapped: false,
            publish_id_delay: Duration::ZERO,
            verified_urls: vec!["verified.example".to_owned()],
            daily_posts: 15,
            pending_drafts: 5,
            active_users: None,
            hash: true,
            faults: Script::default(),
            log: None,
        }
    }
}

/// TikTok's media transfer guide never says whether a "MB" is 10^6 or 2^20 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Megabyte {
    /// A plan must be legal under at least one reading.
    #[default]
    Either,
    /// 10^6 bytes.
    Decimal,
    /// 2^20 bytes.
    Binary,
    /// A plan must be legal under both readings.
    Both,
}

/// The two editions of TikTok's token lifetimes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetimes {
    /// November 2026: access 2 hours, refresh 180 days.
    #[default]
    Newer,
    /// Before: access 24 hours, refresh 365 days.
    Older,
}

/// The HTTP status of the errors of the OAuth endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum OauthErrors {
    /// 200, as clients in the field see them.
    #[default]
    #[cfg_attr(feature = "clap", value(name = "200"))]
    Ok,
    /// 400, 401, 403, 500 and 503, as is usual with OAuth 2.0.
    #[cfg_attr(feature = "clap", value(name = "4xx"))]
    Usual,
}

/// The meaning of `{UPLOADED_BYTES}` in `Content-Range: bytes 0-{UPLOADED_BYTES}/{TOTAL}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum UploadedBytes {
    /// The position of the last stored byte.
    #[default]
    Index,
    /// The number of stored bytes.
    Count,
}

/// What sending a stored chunk again leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Resend {
    /// Refused with 416: the range is behind the progress.
    #[default]
    #[cfg_attr(feature = "clap", value(name = "416"))]
    Refused,
    /// Taken again with 206 (201 once everything is there); nothing changes.
    #[cfg_attr(feature = "clap", value(name = "206"))]
    Accepted,
}

/// The shape in which `check_qrcode` hands out a confirmed code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum QrConfirm {
    /// `redirect_uri` holds a URL with `?code=`, as in the page's example and as clients in the field
    /// read it.
    #[default]
    RedirectUri,
    /// `code` holds the bare code, as the page's table says.
    Code,
    /// `code` holds a URL with `?code=`, as the table's own example value shows.
    CodeUrl,
}
