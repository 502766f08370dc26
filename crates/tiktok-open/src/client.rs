//! The client: every call of the API, in one place. What a call sends and how its answer is read lies in the
//! module that is named after it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::guard::Guard;
use crate::transport::{self, OnStep, Transport};
use crate::{
    App, Authorities, Authorize, Body, ContentRange, CreatorInfo, Endpoints, Error, Grant,
    GrantKind, InboxInit, InitAnswer, PhotoInit, PostStatus, Profile, ProxyError, ProxyName,
    PublicVideo, PutAnswer, QrCheck, QrCode, RawTokenAnswer, Reached, Scopes, Secret, UploadUrl,
    UserInfo, VideoInit, VideoPage, cancel, creator_info, init, oauth, qr, status, upload,
    user_info, video_list,
};

/// How a client names itself if nothing else is asked for.
const USER_AGENT: &str = concat!("tiktok-open/", env!("CARGO_PKG_VERSION"));

/// A client of TikTok's API. Cheap to clone; clones share connections and the observed clock skew.
#[derive(Clone, Debug)]
pub struct Client(Transport);

impl Client {
    /// A client of TikTok itself, to be set up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client whose calls with a JSON body are withheld if `may_go` says so at the last moment: when the connection
    /// stands, and nothing of the body has been sent ([`Error::NotSent`]). For calls that are not to be made late,
    /// by a machine that slept in the middle of one.
    #[must_use]
    pub fn only_while(&self, may_go: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(self.0.clone().guarded(Guard::new(may_go)))
    }

    /// The bases in use.
    pub fn endpoints(&self) -> &Endpoints {
        self.0.endpoints()
    }

    /// The host of the API, for messages.
    pub fn api_host(&self) -> String {
        self.0.api_host()
    }

    /// The proxy that the API is reached through, if the environment names one.
    pub fn proxy(&self) -> Option<&ProxyName> {
        self.0.proxy()
    }

    /// Whose word is taken for who TikTok is, besides the authorities that are built in.
    pub fn authorities(&self) -> &Authorities {
        self.0.authorities()
    }

    /// How far TikTok's clock is ahead of ours, by the last answer's `Date` (whole seconds).
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.0.clock_skew()
    }

    /// Now by TikTok's clock, as far as its last answer told.
    pub fn server_now(&self) -> Option<Timestamp> {
        self.0.server_now()
    }

    /// The page where the user consents. It carries the state, so it is shown to the user alone.
    pub fn authorize_url(&self, app: &App, asked: &Authorize<'_>) -> Url {
        oauth::authorize_url(&self.0, app, asked)
    }

    /// Exchanges an authorization code. A code is single use: never repeat this call.
    pub async fn exchange_code(
        &self,
        app: &App,
        code: &Secret,
        kind: &GrantKind<'_>,
    ) -> Result<Grant, Error> {
        oauth::exchange_code(&self.0, app, code, kind).await
    }

    /// Spends a refresh token. The answer comes back raw, and as far as it came: whoever calls this
    /// makes it durable before it is read with [`RawTokenAnswer::read`], because the spent token is dead.
    pub async fn refresh(
        &self,
        app: &App,
        refresh_token: &Secret,
    ) -> Result<RawTokenAnswer, Error> {
        oauth::refresh(&self.0, app, refresh_token).await
    }

    /// Revokes an access token: the app leaves the user's list of connected apps.
    pub async fn revoke(&self, app: &App, access_token: &Secret) -> Result<(), Error> {
        oauth::revoke(&self.0, app, access_token).await
    }

    /// Asks whether key and secret of an app are right, without anybody's login: for a token of the app itself,
    /// which is dropped. TikTok documents that grant for some products of its own, so that any refusal but
    /// [`InvalidClient`](crate::Code::InvalidClient) says nothing of key and secret.
    pub async fn verify_app(&self, app: &App) -> Result<(), Error> {
        oauth::verify_app(&self.0, app).await
    }

    /// Whether the host of the API answers, whatever it says.
    pub async fn reach_api(&self) -> Result<Reached, Error> {
        self.0.reach(self.endpoints().api("/")).await
    }

    /// Whether the host answers to which the samples of the documentation send chunks. The one of a post, which
    /// its `upload_url` names, may be another one.
    pub async fn reach_upload_host(&self) -> Result<Reached, Error> {
        self.0.reach(upload::sample_host()).await
    }

    /// Asks for a QR code.
    pub async fn get_qrcode(
        &self,
        app: &App,
        scopes: &Scopes,
        state: &Secret,
    ) -> Result<QrCode, Error> {
        qr::get(&self.0, app, scopes, state).await
    }

    /// Asks where a QR code stands.
    pub async fn check_qrcode(&self, app: &App, token: &Secret) -> Result<QrCheck, Error> {
        qr::check(&self.0, app, token).await
    }

    /// Asks who a token belongs to; only fields that every login covers.
    pub async fn user_info(&self, token: &Secret) -> Result<UserInfo, Error> {
        user_info::query(&self.0, token).await
    }

    /// Asks what an account shows of itself, as far as these scopes, which it has granted, cover that.
    pub async fn profile(&self, token: &Secret, scopes: &Scopes) -> Result<Profile, Error> {
        user_info::profile(&self.0, token, scopes).await
    }

    /// Asks for public videos, newest first: up to `count` (1 to 20) of those that were posted before `cursor`, a
    /// page's [`next`](VideoPage::next); scope `video.list`.
    pub async fn video_list(
        &self,
        token: &Secret,
        cursor: Option<i64>,
        count: u32,
    ) -> Result<VideoPage, Error> {
        video_list::list(&self.0, token, cursor, count).await
    }

    /// Asks for up to [`MAX_VIDEOS`](crate::MAX_VIDEOS) public videos by their ids. What is not public, or another
    /// account's, is left out; scope `video.list`.
    pub async fn videos(&self, token: &Secret, ids: &[u64]) -> Result<Vec<PublicVideo>, Error> {
        video_list::by_id(&self.0, token, ids).await
    }

    /// Asks what the creator may post: 20 calls a minute per token, scope `video.publish`.
    pub async fn creator_info(&self, token: &Secret) -> Result<CreatorInfo, Error> {
        creator_info::query(&self.0, token).await
    }

    /// Starts a direct post of a video: 6 calls a minute per token, scope `video.publish`.
    pub async fn video_init(&self, token: &Secret, init: &VideoInit) -> Result<InitAnswer, Error> {
        init::video(&self.0, token, init).await
    }

    /// Starts a draft: 6 calls a minute per token, scope `video.upload`.
    pub async fn inbox_init(&self, token: &Secret, init: &InboxInit) -> Result<InitAnswer, Error> {
        init::inbox(&self.0, token, init).await
    }

    /// Starts a photo post: 6 calls a minute per token.
    pub async fn content_init(
        &self,
        token: &Secret,
        init: &PhotoInit,
    ) -> Result<InitAnswer, Error> {
        init::photos(&self.0, token, init).await
    }

    /// Sends one chunk: `content_type` is `video/mp4`, `video/quicktime` or `video/webm`, and the body
    /// yields exactly `range.len()` bytes.
    ///
    /// There is no timeout here but the one to connect, as one over the whole call would end healthy
    /// long uploads: a body that is a stream can tell how long the socket has taken nothing, and one
    /// that is in memory can be wrapped in [`tokio::time::timeout`].
    pub async fn put_chunk(
        &self,
        url: &UploadUrl,
        content_type: &'static str,
        range: ContentRange,
        body: impl Into<Body>,
    ) -> Result<PutAnswer, Error> {
        upload::put(&self.0, url, content_type, range, body.into()).await
    }

    /// Calls off a download of TikTok's, of a direct post or a draft. It may come too late; a later status of the
    /// post tells (`publish_cancelled`). A file that is sent in chunks cannot be called off.
    pub async fn cancel(&self, token: &Secret, publish_id: &str) -> Result<(), Error> {
        cancel::cancel(&self.0, token, publish_id).await
    }

    /// Asks where a post stands: 30 calls a minute per token.
    pub async fn status(&self, token: &Secret, publish_id: &str) -> Result<PostStatus, Error> {
        status::fetch(&self.0, token, publish_id).await
    }
}

/// How a [`Client`] is to be.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    pub(super) endpoints: Endpoints,
    pub(super) user_agent: String,
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) clock_offset: SignedDuration,
    pub(super) on_step: OnStep,
    pub(super) idle: usize,
    pub(super) public_only: bool,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            endpoints: Endpoints::default(),
            user_agent: USER_AGENT.to_owned(),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_mins(1),
            clock_offset: SignedDuration::ZERO,
            on_step: |_| Ok(()),
            idle: 0,
            public_only: false,
        }
    }
}

impl ClientBuilder {
    /// Where TikTok is; TikTok itself by default.
    #[must_use]
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// The `User-Agent`, such as `my-program/1.2`; `tiktok-open/VERSION` by default.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How long to connect may take, TLS handshake included; 10 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call may take to its whole answer; a minute by default. It does not bound
    /// [`Client::put_chunk`].
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// How far the caller's clock is ahead of the machine's, for [`Client::clock_skew`] and
    /// [`Client::server_now`]; zero by default.
    #[must_use]
    pub fn clock_offset(mut self, offset: SignedDuration) -> Self {
        self.clock_offset = offset;
        self
    }

    /// What to call before each step of a request, to test what a caller does when the network fails.
    #[must_use]
    pub fn on_step(mut self, on_step: OnStep) -> Self {
        self.on_step = on_step;
        self
    }

    /// How many idle connections [`ClientBuilder::build_for_others`] keeps to a host; none by default.
    #[must_use]
    pub fn idle_connections(mut self, idle: usize) -> Self {
        self.idle = idle;
        self
    }

    /// Makes [`ClientBuilder::build_for_others`] refuse names of hosts that lead to an address which is not public,
    /// as an error with [`NotPublic`](crate::NotPublic) in it: for addresses that somebody else may have written. A
    /// proxy that names are left to decides for itself.
    #[must_use]
    pub fn public_hosts_only(mut self) -> Self {
        self.public_only = true;
        self
    }

    /// The client. It trusts Mozilla's roots and the platform's, or those that `SSL_CERT_FILE` names, and goes
    /// through the proxy of the environment (`HTTPS_PROXY`, `ALL_PROXY`, but for `NO_PROXY`), unless the API
    /// is on this machine. Its TLS is rustls with ring; which provider the process has installed, if any, does not
    /// matter to it.
    pub fn build(self) -> Result<Client, BuildError> {
        Transport::new(self).map(Client)
    }

    /// An HTTP client for another server than TikTok's, which trusts whom this one would trust and goes through the
    /// same proxy, unless the server is on this machine. It follows no redirect and repeats nothing.
    pub fn build_for_others(self, server: &Url) -> Result<reqwest::Client, BuildError> {
        transport::for_others(&self, server)
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// TLS cannot be set up, for this reason in words.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// The environment names a proxy that cannot be used, and a direct connection is not what it asks for.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}
