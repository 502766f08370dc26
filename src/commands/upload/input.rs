//! The manifest's text and where it came from.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::PostArgs;
use crate::engine::{Event, RateLimiter, Withdrawals};
use crate::fault;
use crate::manifest::MAX_SIZE;
use crate::model::PostOutcome;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::{Denied, Shortage, is_machine_fault};
use crate::source::{VideoError, VideoFile, near};
use crate::text::{self, shown};

/// What was read, and where it lies.
#[derive(Debug)]
pub(super) struct Input {
    /// The text; one byte beyond the largest size tells that there is more.
    pub(super) text: Vec<u8>,
    /// The folder that relative paths start from: the manifest's own, or for standard input the
    /// current one.
    pub(super) folder: PathBuf,
    /// How the manifest is called when it is talked about.
    pub(super) name: String,
}

/// What lists the posts.
#[derive(Clone, Debug)]
pub(in crate::commands) enum PostList {
    /// A manifest.
    Manifest(PathBuf),
    /// The command line.
    Options(Box<PostArgs>),
    /// A manifest as it was read before.
    Text(Arc<TextList>),
    /// Posts of an account that a queue has.
    Queue(Arc<QueuedList>),
}

/// Posts that a queue has. Their entries are complete: nothing of config.toml or of options is added to them.
#[derive(Debug)]
pub(in crate::commands) struct QueuedList {
    /// What it is called when it is talked about.
    pub(in crate::commands) name: String,
    /// A manifest of them.
    pub(in crate::commands) text: Vec<u8>,
    /// How fast they are sent, together with all others of the process.
    pub(in crate::commands) rate: RateLimiter,
    /// How each has ended its run by now, with its place in the list.
    pub(in crate::commands) ended: Mutex<Vec<PostOutcome>>,
}

impl QueuedList {
    /// Takes in what happened.
    fn event(&self, event: &Event) {
        if let Event::Ended(outcome) = event {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.push(PostOutcome::clone(outcome));
        }
    }
}

/// A manifest that is given with its text, so that whoever gives it knows which post has which place in it, and what
/// becomes of the posts that it does not name any more.
#[derive(Debug)]
pub(in crate::commands) struct TextList {
    /// The file that it was read from, which it is known by.
    pub(in crate::commands) path: PathBuf,
    /// What it says.
    pub(in crate::commands) text: Vec<u8>,
    /// Which of its posts whoever gives it takes back while the run is at others.
    pub(in crate::commands) withdrawals: Withdrawals,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("there is no manifest {name}{}", near.as_ref().map(|near| format!(" ({near})")).unwrap_or_default())]
    Missing {
        name: String,
        path: PathBuf,
        /// What may be meant.
        near: Option<String>,
    },
    #[error(
        "{name} is a directory with videos and what may be a manifest of them, {}: name that, or move it elsewhere if \
         it is none (a sidecar is called as its video is, and none is called so)",
        text::quoted(list)
    )]
    FolderWithList { name: String, list: PathBuf },
    #[error("the manifest {name} is not a regular file")]
    NotRegular { name: String },
    #[error("cannot read the manifest from {name}")]
    Io { name: String, path: PathBuf, source: io::Error },
    #[error("{0}")]
    Sidecar(String),
    #[error("{0}")]
    Options(&'static str),
    /// What belongs to another command or option, with which.
    #[error("{0}")]
    Elsewhere(String),
}

impl Coded for InputError {
    fn problem(&self) -> Problem {
        Problem::new(match self {
            Self::Missing { .. } | Self::FolderWithList { .. } => ErrorCode::ManifestMissing,
            Self::NotRegular { .. } => ErrorCode::ManifestKind,
            Self::Sidecar(_) => ErrorCode::SidecarWrong,
            Self::Options(_) | Self::Elsewhere(_) => ErrorCode::CommandLineWrong,
            Self::Io { source, .. } if let Some(shortage) = Shortage::in_error(source) => {
                return shortage.behind();
            }
            Self::Io { path, source, .. } if let Some(denied) = Denied::in_error(path, source) => {
                return denied.problem();
            }
            Self::Io { source, .. } if is_machine_fault(source) => ErrorCode::ManifestDisk,
            Self::Io { .. } => ErrorCode::ManifestUnreadable,
        })
    }
}

impl PostList {
    /// Whether a run is to say which posts have left it before they were made.
    pub(super) fn tells_of_gone(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Queue(_))
    }

    /// The manifest, if there is one.
    pub(in crate::commands) fn manifest(&self) -> Option<&Path> {
        match self {
            Self::Manifest(path) => Some(path),
            Self::Text(list) => Some(&list.path),
            Self::Options(_) | Self::Queue(_) => None,
        }
    }

    /// Whether anything keeps the posts for later: a manifest, or a queue.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(self, Self::Options(_))
    }

    /// Whether the entries say all that is asked for.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Queue(_))
    }

    /// How fast the posts are to be sent, where that is not the run's to say.
    pub(super) fn rate(&self) -> Option<RateLimiter> {
        match self {
            Self::Queue(list) => Some(list.rate.clone()),
            Self::Manifest(_) | Self::Options(_) | Self::Text(_) => None,
        }
    }

    /// Tells whoever gave the list what happened.
    pub(super) fn event(&self, event: &Event) {
        if let Self::Queue(list) = self {
            list.event(event);
        }
    }

    /// The posts that are taken back meanwhile.
    pub(super) fn withdrawals(&self) -> Withdrawals {
        match self {
            Self::Text(list) => list.withdrawals.clone(),
            Self::Manifest(_) | Self::Options(_) | Self::Queue(_) => Withdrawals::default(),
        }
    }
}

impl From<&TextList> for Input {
    fn from(list: &TextList) -> Self {
        Self {
            text: list.text.clone(),
            folder: list.path.parent().unwrap_or(Path::new("")).to_owned(),
            name: format!("`{}`", shown(&list.path.display().to_string())),
        }
    }
}

impl From<&QueuedList> for Input {
    fn from(list: &QueuedList) -> Self {
        Self { text: list.text.clone(), folder: PathBuf::new(), name: list.name.clone() }
    }
}

impl Input {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Self, InputError> {
        if path == Path::new("-") {
            let name = "standard input".to_owned();
            let text = read_text(io::stdin().lock(), &name, path)?;
            // Whole paths, as nothing else tells where they start.
            let folder = std::env::current_dir().unwrap_or_default();
            return Ok(Self { text, folder, name });
        }
        let name = format!("`{}`", shown(&path.display().to_string()));
        let file = open(path, &name)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let text = read_text(file.into_file(), &name, path)?;
        Ok(Self { text, folder, name })
    }
}

fn open(path: &Path, name: &str) -> Result<VideoFile, InputError> {
    let name = || name.to_owned();
    VideoFile::open(path).map_err(|error| match error {
        VideoError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            let near = near::manifest_hint(path);
            InputError::Missing { name: name(), path: path.to_owned(), near }
        }
        VideoError::Io { source, .. } => {
            InputError::Io { name: name(), path: path.to_owned(), source }
        }
        _ => InputError::NotRegular { name: name() },
    })
}

fn read_text(from: impl Read, name: &str, path: &Path) -> Result<Vec<u8>, InputError> {
    let mut text = Vec::new();
    fault::point("manifest: read")
        .and_then(|()| from.take(MAX_SIZE as u64 + 1).read_to_end(&mut text))
        .map_err(|source| InputError::Io {
            name: name.to_owned(),
            path: path.to_owned(),
            source,
        })?;
    Ok(text)
}
