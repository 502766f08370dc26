//! What TikTok's API is to this program: the client with its waiting times, the app that it speaks as,
//! and which of its errors those of `tiktok-open` are.

mod problem;

use tiktok_open::{BuildError, Client, Endpoints, Scopes, Step};

pub(crate) use problem::{error_code, fail_code, post_error};

use crate::clock::Clock;
use crate::fault;
use crate::model::RedirectUri;
use crate::secret::Secret;
use crate::timing::Timing;

/// How this program names itself.
const USER_AGENT: &str = concat!("tiktok-up/", env!("CARGO_PKG_VERSION"));

/// The client of a run.
pub(crate) fn client(
    endpoints: Endpoints,
    clock: Clock,
    timing: &Timing,
) -> Result<Client, BuildError> {
    Client::builder()
        .endpoints(endpoints)
        .user_agent(USER_AGENT)
        .connect_timeout(timing.connect)
        .answer_timeout(timing.answer)
        .clock_offset(clock.offset())
        .on_step(|step| fault::point(operation(step)))
        .build()
}

/// How the steps of a call are called among the operations that can be made to fail.
fn operation(step: Step) -> &'static str {
    match step {
        Step::Connect => "network: connect",
        Step::Send => "network: send",
        Step::Answer => "network: answer",
        Step::ReadAnswer => "network: read answer",
        _ => "network",
    }
}

/// An app of the user's own, from TikTok's developer portal.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// The name in config.toml; `None` when the environment gave the credentials.
    pub(crate) name: Option<String>,
    /// The client key: public, it stands in the authorize URL.
    pub(crate) client_key: String,
    /// The client secret: TikTok demands it of desktop apps too.
    pub(crate) client_secret: Secret,
    /// A registered redirect URI that replaces the built-in one.
    pub(crate) redirect_uri: Option<RedirectUri>,
    /// The scopes that logins with this app ask for.
    pub(crate) scopes: Option<Scopes>,
}

impl App {
    /// What TikTok is shown of it.
    pub(crate) fn credentials(&self) -> tiktok_open::App {
        tiktok_open::App::new(self.client_key.as_str(), self.client_secret.clone())
    }
}
