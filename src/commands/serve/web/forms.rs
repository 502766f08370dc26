//! The forms of the pages, as browsers send them.

use serde::Deserialize;

use crate::commands::serve::posting::draft::DraftSource;
use crate::model::Transport;

/// A login that is asked for.
#[derive(Debug, Default)]
pub(crate) struct LoginForm {
    pub(crate) app: String,
    pub(crate) account: String,
    pub(crate) way: String,
    /// The scopes that were chosen, if there was a choice.
    pub(crate) scopes: Option<Vec<String>>,
}

impl LoginForm {
    /// As a browser sends it: a box that is checked comes as `scope`, and the form with boxes says so.
    pub(crate) fn of(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "app" => form.app = value,
                "account" => form.account = value,
                "way" => form.way = value,
                "choice" => _ = form.scopes.get_or_insert_default(),
                "scope" => form.scopes.get_or_insert_default().push(value),
                _ => {}
            }
        }
        form
    }
}

/// A source that was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SourceForm {
    pub(crate) account: String,
    pub(crate) source: String,
    pub(crate) path: String,
    pub(crate) url: String,
    /// `upload`, or what is not sent of a box that is not checked.
    pub(crate) transfer: String,
    pub(crate) photos: String,
    /// Of a file that the script sends: what it is called, and its size in bytes.
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// When a post is to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MoveForm {
    pub(crate) when: String,
    pub(crate) at: String,
}

/// What somebody is asked to mean: the box of a form, or the button of the page that asks once more.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SureForm {
    sure: String,
}

impl SureForm {
    /// Whether they do.
    pub(crate) fn is_sure(&self) -> bool {
        self.sure == "yes"
    }
}

/// What somebody has seen of a post whose outcome is unknown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VerdictForm {
    pub(crate) verdict: String,
    #[serde(flatten)]
    pub(crate) sure: SureForm,
}

/// A setting that is to be changed; the value may be a secret.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettingForm {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) unset: String,
}

/// An app that is to be added.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AppForm {
    pub(crate) name: String,
    pub(crate) client_key: String,
    pub(crate) client_secret: String,
}

/// A slot that is to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SlotForm {
    pub(crate) name: String,
    pub(crate) times: String,
}

/// What a calendar shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CalendarQuery {
    pub(crate) view: String,
    pub(crate) at: String,
}

/// What of the history is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HistoryQuery {
    pub(crate) account: String,
    pub(crate) state: String,
    /// Anything: TikTok is asked for covers, addresses and numbers as well.
    pub(crate) numbers: String,
    /// Which page of it, from 1 on.
    pub(crate) page: String,
}

/// What an account is to be called.
#[derive(Debug, Deserialize)]
pub(super) struct AliasForm {
    pub(super) alias: String,
}

/// For whom a post begins, and which folder is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StartQuery {
    pub(super) folder: String,
    /// The `open_id` of the account that posts.
    pub(super) account: String,
}

/// Where a piece of a file begins, in bytes.
#[derive(Debug, Deserialize)]
pub(super) struct PieceQuery {
    pub(super) offset: u64,
}

/// So much is known of the name of a file that a browser sends, in characters.
const LONGEST_NAME: usize = 255;

/// The source of a draft that was chosen by a form.
pub(crate) fn source_of(form: &SourceForm) -> Option<DraftSource> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    match form.source.as_str() {
        "file" if !form.path.is_empty() => {
            Some(DraftSource::File { path: form.path.clone().into() })
        }
        "upload" if !form.name.is_empty() => {
            let name = form.name.chars().take(LONGEST_NAME).collect();
            Some(DraftSource::Upload { name, size: form.size })
        }
        "url" if !form.url.trim().is_empty() => {
            let is_sent = form.transfer == Transport::Upload.as_str();
            Some(DraftSource::Url { url: form.url.trim().to_owned(), is_sent })
        }
        "photos" if !lines(&form.photos).is_empty() => {
            Some(DraftSource::Photos { urls: lines(&form.photos) })
        }
        _ => None,
    }
}
