//! Why the settings cannot be used.

use std::io;
use std::path::PathBuf;

use tiktok_open::{Base, EndpointsError};

use super::apps::NoApp;
use super::command::CommandError;
use super::config::list;
use super::credentials::Lookalike;
use super::edit::shown;
use super::mistake::Mistakes;
use super::{API_URL_VAR, AUTH_URL_VAR};
use crate::exit::{Exit, Explain};
use crate::fs::{FsError, LockError};
use crate::text::plain;
use crate::timing::TimingError;

/// Where one gets an app.
const PORTAL: &str = "https://developers.tiktok.com/apps/";

/// A setting that cannot be used. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Neither a home directory nor XDG directories are known.
    #[error("no home directory is known")]
    NoHome,
    /// The home directory's path cannot be made absolute.
    #[error("failed to resolve `{}`", directory.display())]
    Home {
        /// As given.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A variable that is not UTF-8.
    #[error("{name} is not valid UTF-8")]
    NotText {
        /// The variable.
        name: &'static str,
    },
    /// A base URL that no request may go to.
    #[error("{} {}", url_variable(.0.base), .0.problem)]
    Endpoints(EndpointsError),
    /// Rehearsal times against TikTok itself.
    #[error("TIKTOK_UP_TIMING is set, but the API is not on this machine")]
    TimingElsewhere,
    /// Rehearsal times that cannot be read.
    #[error("TIKTOK_UP_TIMING cannot be used")]
    Timing(#[source] TimingError),
    /// A file that cannot be read, or that others may read although it holds a secret.
    #[error(transparent)]
    File(FsError),
    /// A file that is not text.
    #[error("`{}` is not valid UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// Mistakes in `config.toml`.
    #[error("`{}` cannot be used\n{mistakes}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        mistakes: Mistakes,
    },
    /// No app is configured or chosen.
    #[error("{}", no_app(.0))]
    NoApp(NoApp),
    /// `--app` names an app that is not in `config.toml`.
    #[error("there is no app `{}` in `{}`", plain(name), config.display())]
    UnknownApp {
        /// As given.
        name: String,
        /// The names that there are.
        known: Vec<String>,
        /// The file.
        config: PathBuf,
    },
    /// Only one of the two credentials is in the environment.
    #[error("{set} is set, but {missing} is not")]
    HalfApp {
        /// The variable that is set.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// An empty credential.
    #[error("{name} is empty")]
    NoCredential {
        /// Where it came from.
        name: String,
    },
    /// A credential with characters that none has.
    #[error("{name} contains white space, a quote or `=`")]
    OddCredential {
        /// Where it came from.
        name: String,
    },
    /// Client key and client secret are the same text.
    #[error("{key} and {secret} are the same")]
    SameTwice {
        /// Where the key came from.
        key: String,
        /// Where the secret came from.
        secret: String,
    },
    /// Credentials for a new app that look like one another's.
    #[error("{0}")]
    Lookalike(Lookalike),
    /// A name that no new app can have.
    #[error("`{}` cannot be the name of an app", plain(name))]
    AppName {
        /// As given.
        name: String,
    },
    /// There is an app of that name already.
    #[error("{} is in `{}` already", shown(name), config.display())]
    AppExists {
        /// The name.
        name: String,
        /// The file.
        config: PathBuf,
    },
    /// Nothing can be added to the file without touching the rest of it.
    #[error("`{}` is written in a way that no app can be added to", config.display())]
    Layout {
        /// The file.
        config: PathBuf,
    },
    /// Another run writes the file.
    #[error("another run is writing config.toml")]
    ConfigBusy(#[source] Box<LockError>),
    /// `client_secret_file` is not there.
    #[error("there is no client secret file `{}`", path.display())]
    NoSecretFile {
        /// The file.
        path: PathBuf,
    },
    /// `client_secret_file` is empty.
    #[error("the client secret file `{}` is empty", path.display())]
    EmptySecretFile {
        /// The file.
        path: PathBuf,
    },
    /// `client_secret_command` gave no secret.
    #[error("`client_secret_command` of `[apps.{}]` gave no client secret", plain(app))]
    Command {
        /// The app's name.
        app: String,
        /// Why.
        source: CommandError,
    },
}

impl From<FsError> for SettingsError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::Io { source, path, .. } if source.kind() == io::ErrorKind::InvalidData => {
                Self::NotUtf8 { path }
            }
            error => Self::File(error),
        }
    }
}

/// The variable that a base URL comes from.
fn url_variable(base: Base) -> &'static str {
    match base {
        Base::Api => API_URL_VAR,
        Base::Auth => AUTH_URL_VAR,
    }
}

impl Explain for SettingsError {
    fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Endpoints(error) => error.exit(),
            Self::ConfigBusy(error) => error.exit(),
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHome => "set HOME, or name a directory with `--home DIR`".into(),
            Self::Home { .. } => return None,
            Self::Command { .. } => {
                "run the command yourself to see why; under cron nobody is there to type a passphrase"
                    .into()
            }
            Self::NotText { name } => format!("set {name} to plain text"),
            Self::Endpoints(error) => return error.hint(),
            Self::TimingElsewhere => {
                "waiting times can be shortened only in a rehearsal, with TIKTOK_UP_API_URL on \
                 127.0.0.1; unset TIKTOK_UP_TIMING to use TikTok itself"
                    .into()
            }
            Self::Timing(_) => "write it like `stall=200ms,poll_first=10ms`".into(),
            Self::File(error) => return error.hint(),
            Self::NotUtf8 { .. } => "save the file as UTF-8".into(),
            Self::Config { .. } => "correct the file and run again; nothing was sent".into(),
            Self::NoApp(reason) => how_to_set(reason),
            Self::UnknownApp { known, .. } if known.is_empty() => {
                "it has no `[apps.NAME]` at all".into()
            }
            Self::UnknownApp { known, .. } => format!("the apps there are {}", list(known)),
            Self::HalfApp { missing, .. } => format!(
                "set {missing} too: TikTok wants client key and client secret, and shows both on \
                 the app's page at {PORTAL}"
            ),
            Self::NoCredential { .. } | Self::OddCredential { .. } => {
                "paste only the value that the developer portal shows".into()
            }
            Self::SameTwice { .. } => format!(
                "one was pasted in the other's place; the app's page at {PORTAL} shows both"
            ),
            Self::Lookalike(_) => format!(
                "compare them with the app's page at {PORTAL}; `--force` takes them as they are"
            ),
            Self::AppName { .. } => "use letters, digits, `-` and `_`".into(),
            Self::AppExists { .. } => {
                "`--force` replaces its key and secret; `--app NAME` names the new one otherwise"
                    .into()
            }
            Self::Layout { .. } => {
                "write the app as `[apps.NAME]` with its own lines, by hand".into()
            }
            Self::ConfigBusy(error) => return error.hint(),
            Self::NoSecretFile { .. } | Self::EmptySecretFile { .. } => {
                "write the client secret into it and make it readable to you alone".into()
            }
        })
    }
}

fn no_app(reason: &NoApp) -> String {
    match reason {
        NoApp::Nowhere { .. } => "no TikTok app is configured".into(),
        NoApp::Several(names) => format!("several apps are configured ({})", list(names)),
    }
}

fn how_to_set(reason: &NoApp) -> String {
    match reason {
        NoApp::Nowhere { config } => format!(
            "copy client key and client secret of your app from {PORTAL}, then run \
             `tiktok-up init`, or\n\
             \n\
             \u{20} export TIKTOK_CLIENT_KEY=...\n\
             \u{20} export TIKTOK_CLIENT_SECRET=...\n\
             \n\
             or write `{}` and keep it to yourself (`chmod 600`):\n\
             \n\
             \u{20} [apps.main]\n\
             \u{20} client_key = \"...\"\n\
             \u{20} client_secret = \"...\"",
            config.display()
        ),
        NoApp::Several(names) => {
            let first = names.first().map_or("NAME", String::as_str);
            format!(
                "choose one with `--app {first}`, or for good with `app = \"{first}\"` under `[defaults]`"
            )
        }
    }
}
