//! Why the settings cannot be used.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use tiktok_open::{Base, EndpointsError};

use super::apps::NoApp;
use super::command::CommandError;
use super::config::list;
use super::credentials::Lookalike;
use super::edit::shown;
use super::mistake::Mistakes;
use super::{API_URL_VAR, AUTH_URL_VAR};
use crate::fs::{FsError, LockError};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::text::{self, plain};
use crate::timing::TimingError;

/// A setting that cannot be used. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
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
    /// The home directory's path holds what is taken literally, and is hardly meant so.
    #[error("{from} cannot be used: {why}")]
    HomeNotPlain {
        /// The option or the variable.
        from: &'static str,
        /// What it holds.
        why: String,
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
    /// Where a file should be is something else, or nothing that a file can be under.
    #[error(transparent)]
    NoFile(FsError),
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
    #[error("there is no app `{}` in `{}`", text::shown(name), config.display())]
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
    #[error("{name} contains {what}")]
    OddCredential {
        /// Where it came from.
        name: String,
        /// What no credential holds, with no part of the credential.
        what: String,
    },
    /// A credential that stands for the one to be put there.
    #[error("{name} is still a placeholder, not the value that the developer portal shows")]
    Placeholder {
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
    /// A key cannot be changed without touching the rest of the file.
    #[error("`{}` is written in a way in which `{}` cannot be changed", config.display(), text::shown(key))]
    KeyLayout {
        /// The file.
        config: PathBuf,
        /// The key.
        key: String,
    },
    /// With a change the file would be refused.
    #[error("`{}` was not changed: with this `{}` it could not be used\n{mistakes}", config.display(), text::shown(key))]
    Refused {
        /// The file.
        config: PathBuf,
        /// The key that was to be changed.
        key: String,
        /// What would be wrong, and where in the new text.
        mistakes: Mistakes,
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
    /// `client_secret_file` names a directory.
    #[error("`client_secret_file` names `{}`, which is a directory", path.display())]
    SecretFolder {
        /// The directory.
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
    /// A database is to keep the store, and this build can use none.
    #[error("this build cannot use a database")]
    NoDatabase,
    /// `password_command` gave no password.
    #[error("`password_command` of `[store]` gave no password")]
    #[cfg(feature = "postgres")]
    DatabaseCommand {
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
            // What no later run reads either, whoever runs it: the setting is wrong, not the disk.
            FsError::Kind { .. } | FsError::Size { .. } => Self::NoFile(error),
            FsError::Io { ref source, .. } if is_no_file(source) => Self::NoFile(error),
            error => Self::File(error),
        }
    }
}

/// Whether an error tells what lies at a path, rather than that the system failed to read it.
fn is_no_file(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory};
    let is_loop = Errno::from_io_error(error) == Some(Errno::LOOP);
    is_loop || matches!(error.kind(), IsADirectory | NotADirectory | InvalidFilename)
}

/// The variable that a base URL comes from.
fn url_variable(base: Base) -> &'static str {
    match base {
        Base::Api => API_URL_VAR,
        Base::Auth => AUTH_URL_VAR,
    }
}

impl Coded for SettingsError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::NoHome => Code::HomeUnknown.into(),
            Self::Home { .. } => Code::HomePath.into(),
            Self::HomeNotPlain { .. } => Code::HomeNotPlain.into(),
            Self::Command { source, .. } => {
                Problem::new(Code::SecretCommand).with("said", source.said_words())
            }
            Self::NoDatabase => Code::DatabaseNotBuilt.into(),
            #[cfg(feature = "postgres")]
            Self::DatabaseCommand { source } => {
                Problem::new(Code::SecretCommand).with("said", source.said_words())
            }
            Self::NotText { name } => Problem::new(Code::NotText).with("name", name),
            Self::Endpoints(error) => error.problem(),
            Self::TimingElsewhere => Code::TimingElsewhere.into(),
            Self::Timing(_) => Code::TimingInvalid.into(),
            Self::File(error) => error.problem(),
            Self::NoFile(_) => Code::SettingsFile.into(),
            Self::NotUtf8 { .. } => Code::NotUtf8.into(),
            Self::Config { .. } => Code::ConfigInvalid.into(),
            Self::NoApp(NoApp::Nowhere { config }) => {
                Problem::new(Code::AppMissing).with("config", config.display())
            }
            Self::NoApp(NoApp::Several(names)) => Problem::new(Code::AppAmbiguous)
                .with("app", names.first().map_or("NAME", String::as_str)),
            Self::UnknownApp { known, .. } if known.is_empty() => Code::AppsNone.into(),
            Self::UnknownApp { known, .. } => {
                Problem::new(Code::AppUnknown).with("apps", list(known))
            }
            Self::HalfApp { missing, .. } => {
                Problem::new(Code::CredentialMissing).with("name", missing)
            }
            Self::NoCredential { .. } | Self::OddCredential { .. } => {
                Code::CredentialInvalid.into()
            }
            Self::Placeholder { .. } => Code::CredentialPlaceholder.into(),
            Self::SameTwice { .. } => Code::CredentialsSame.into(),
            Self::Lookalike(_) => Code::CredentialsAlike.into(),
            Self::AppName { .. } => Code::AppName.into(),
            Self::AppExists { .. } => Code::AppExists.into(),
            Self::Layout { .. } | Self::KeyLayout { .. } => Code::ConfigLayout.into(),
            Self::Refused { .. } => Code::ConfigRefused.into(),
            Self::ConfigBusy(error) => error.problem(),
            Self::NoSecretFile { .. }
            | Self::SecretFolder { .. }
            | Self::EmptySecretFile { .. } => Code::SecretFile.into(),
        }
    }
}

fn no_app(reason: &NoApp) -> String {
    match reason {
        NoApp::Nowhere { .. } => "no TikTok app is configured".into(),
        NoApp::Several(names) => {
            format!(
                "several apps are configured ({}), and none is chosen to log in with",
                list(names)
            )
        }
    }
}
