//! Where a post begins.

use std::path::Path;

use super::posts::known::name_of;
use super::{T, frame, when};
use crate::commands::serve::console::Console;
use crate::commands::serve::folders;
use crate::commands::serve::posting::compose::Wrong;
use crate::commands::serve::posting::draft::{Draft, DraftSource};
use crate::commands::serve::read::KnownAccount;
use crate::commands::serve::web::forms::SourceForm;
use crate::console::access::Visitor;
use crate::console::pages::{AccountChoice, DraftLine, FieldError, Folder, FolderEntry, StartPage};
use crate::model::Transport;
use crate::text;

/// A source that was chosen, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Declined<'a> {
    pub(crate) form: &'a SourceForm,
    pub(crate) wrong: Wrong,
}

/// Where a post begins.
pub(crate) async fn start(
    console: &Console,
    visitor: &Visitor,
    folder: &str,
    account: &str,
    declined: Option<Declined<'_>>,
) -> StartPage {
    let accounts = console.accounts().await;
    let chosen = accounts.iter().find(|known| known.open_id == account).or(accounts.first());
    let names = |open_id: &str| {
        let known = accounts.iter().find(|account| account.open_id == open_id);
        known.map_or_else(|| open_id.to_owned(), KnownAccount::name)
    };
    let serve = console.context().settings.serve;
    let (mut errors, mut shown) = (Vec::new(), None);
    if !folder.is_empty() {
        let (path, roots) = (folder.to_owned(), serve.folders.clone());
        let listed =
            tokio::task::spawn_blocking(move || folders::list(Path::new(&path), &roots)).await;
        match listed {
            Ok(Ok(listing)) => shown = Some(folder_of(listing)),
            Ok(Err(error)) => errors.push(format!("{folder}: {}", text::chain(&error))),
            Err(_) => {}
        }
    }
    let (drafts, unread) = console.posting.drafts.all();
    errors.extend(unread.iter().map(|error| text::chain(error)));
    let drafts = drafts.into_iter().map(|draft| DraftLine {
        name: source_name(&draft),
        account: names(&draft.account),
        begun: when(draft.created_at),
        id: draft.id,
    });
    let (mut wrong, mut url, mut photos) = (None, String::new(), String::new());
    let mut is_sent = false;
    if let Some(Declined { form, wrong: why }) = declined {
        (url, photos) = (form.url.clone(), form.photos.clone());
        is_sent = form.transfer == Transport::Upload.as_str();
        if ["url", "photos"].contains(&why.field) {
            wrong = Some(FieldError { field: why.field.to_owned(), message: why.message });
        } else {
            // What has no field to stand beside.
            errors.push(why.message);
        }
    }
    StartPage {
        t: T,
        frame: frame(console, visitor, "/compose", T.compose),
        chosen: chosen.map(|account| account.open_id.clone()).unwrap_or_default(),
        drafts: drafts.collect(),
        errors,
        wrong,
        url,
        is_sent,
        photos,
        roots: serve.folders.iter().map(|folder| folder.display().to_string()).collect(),
        folder: shown,
        upload_limit: serve.upload_limit,
        upload_limit_words: format!("{} at most.", text::size(serve.upload_limit)),
        accounts: accounts
            .iter()
            .map(|it| AccountChoice { open_id: it.open_id.clone(), name: it.name() })
            .collect(),
    }
}

fn folder_of(listing: folders::Listing) -> Folder {
    let entry = |path: &Path, size: String| FolderEntry {
        path: path.display().to_string(),
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        size,
    };
    Folder {
        path: listing.path.display().to_string(),
        parent: listing.parent.map(|parent| parent.display().to_string()),
        folders: listing.folders.iter().map(|path| entry(path, String::new())).collect(),
        videos: listing.videos.iter().map(|(path, size)| entry(path, text::size(*size))).collect(),
        has_more: listing.has_more,
    }
}

pub(super) fn source_name(draft: &Draft) -> String {
    match &draft.source {
        DraftSource::File { path } => name_of(&path.display().to_string()),
        DraftSource::Upload { name, .. } => name.clone(),
        DraftSource::Url { url, .. } => text::without_query(url),
        DraftSource::Photos { urls } => format!("{} {}", urls.len(), T.photos.to_lowercase()),
    }
}
