//! The forms of the pages, as browsers send them.

use serde::Deserialize;

use super::draft::DraftSource;

/// A login that is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoginForm {
    pub(super) app: String,
    pub(super) account: String,
    pub(super) way: String,
}

/// A source that was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SourceForm {
    pub(super) account: String,
    pub(super) source: String,
    pub(super) path: String,
    pub(super) url: String,
    pub(super) photos: String,
    /// Of a file that the script sends: what it is called, and its size in bytes.
    pub(super) name: String,
    pub(super) size: u64,
}

/// When a post is to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MoveForm {
    pub(super) when: String,
    pub(super) at: String,
}

/// What a calendar shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CalendarQuery {
    pub(super) view: String,
    pub(super) at: String,
}

/// What of the history is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HistoryQuery {
    pub(super) account: String,
    pub(super) state: String,
}

/// The source of a draft that was chosen by a form.
pub(super) fn source_of(form: &SourceForm) -> Option<DraftSource> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    match form.source.as_str() {
        "file" if !form.path.is_empty() => {
            Some(DraftSource::File { path: form.path.clone().into() })
        }
        "upload" if !form.name.is_empty() => {
            Some(DraftSource::Upload { name: form.name.clone(), size: form.size })
        }
        "url" if !form.url.trim().is_empty() => {
            Some(DraftSource::Url { url: form.url.trim().to_owned() })
        }
        "photos" if !lines(&form.photos).is_empty() => {
            Some(DraftSource::Photos { urls: lines(&form.photos) })
        }
        _ => None,
    }
}
