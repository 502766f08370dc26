//! How the commands open the journal: with the mark that the token file keeps of it, and with a word
//! about what it may not know.

use std::path::Path;
use std::sync::Arc;

use crate::commands::Context;
use crate::commands::stores::Stores;
use crate::model::{LocalFile, Mode, Phase, PostNumber, PostRequest, RecordedPost};
use crate::output::{Explain, Failure, Left, Printer};
use crate::store::{
    Accept, Doubt, ExistingJournal, Journal, JournalError, OpenedJournal, Store, StoreError,
};

/// Opens the journal of a store to post.
pub(super) async fn open(
    context: &Context,
    store: &dyn Store,
    accept: Accept,
) -> Result<Arc<dyn Journal>, StoreError> {
    let OpenedJournal { journal, came_from_elsewhere, accepted } =
        store.open_journal(accept).await?;
    let printer = &context.printer;
    if came_from_elsewhere {
        printer.warn(
            "the journal was last used on another machine: if it is a copy or a restored backup, it \
             may not know what was posted since, and that may be posted again",
        );
    }
    match (accept, accepted) {
        (Accept::Never, _) => {}
        (_, None) => {
            printer.note("`--new-journal` is not needed: nothing is wrong with the journal");
        }
        (Accept::DryRun, Some(doubt)) => printer.note(format!(
            "{}; `--new-journal` is not taken in a dry run, so give it to the next one as well",
            what(doubt)
        )),
        (Accept::Once, Some(doubt)) => printer.warn(format!(
            "{}; from now on the journal here counts, as `--new-journal` says",
            what(doubt)
        )),
    }
    Ok(journal)
}

fn what(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Gone => "posts were made from here with a journal that is gone",
        Doubt::Repaired => "posts may be missing from the journal, which was repaired",
        _ => "posts may have been made from here that the journal does not know",
    }
}

/// The store of this home and its journal, opened to look at it or to settle posts, if there is one. That
/// `upload` would refuse it is a warning.
pub(super) async fn existing(
    context: &Context,
) -> Result<Option<(Stores, Arc<dyn Journal>)>, Failure> {
    let Some(store) = context.existing_store().await? else { return Ok(None) };
    let ExistingJournal { journal, doubt } = store.shared.existing_journal().await?;
    if let Some(doubt) = doubt {
        warn(&context.printer, &doubt);
    }
    Ok(journal.map(|journal| (store, journal)))
}

/// Whether what a run of a manifest left is a post by now, made by another one.
pub(super) async fn is_made(
    journal: Option<&dyn Journal>,
    manifest: &str,
    left: &Left,
) -> Result<bool, StoreError> {
    let mode = Mode::ALL.into_iter().find(|mode| mode.as_str() == left.mode);
    let (Some(journal), Some(file), Some(mode)) = (journal, left.file, mode) else {
        return Ok(false);
    };
    let folder = Path::new(manifest).parent().unwrap_or(Path::new(""));
    let file = LocalFile::at_sight(folder.join(&left.video), file);
    let request = PostRequest::of_file(&left.account, mode, left.id.as_deref(), file);
    let found = journal.find(&request).await?;
    Ok(found.and_then(|post| post.phase()).is_some_and(Phase::is_done))
}

/// What keeps `upload` from posting.
pub(super) fn warn(printer: &Printer, doubt: &dyn Explain) {
    let hint = doubt.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    printer.warn(format!("{doubt}{hint}"));
}

/// The post of the journal that a manifest's is. One that is done may be another one of the same name, unless
/// that was done while this one waited; of one that waits for nothing but its time, only the run can tell.
pub(super) async fn post_of(
    journal: Option<&dyn Journal>,
    left: &Left,
) -> Result<Option<RecordedPost>, StoreError> {
    let Some(journal) = journal else { return Ok(None) };
    if let Some(number) = left.post.map(PostNumber) {
        return match journal.post(number).await {
            Ok(post) => Ok(Some(post)),
            Err(StoreError::Journal(JournalError::NoPost(_))) => Ok(None),
            Err(error) => Err(error),
        };
    }
    let Some(why) = &left.why else { return Ok(None) };
    let is_it = |post: &RecordedPost| {
        post.mode.as_str() == left.mode
            && post.id == left.id
            && match &post.last {
                Some(last) if last.phase.is_done() => {
                    left.is_in_other_hands() || (!why.failed && why.since <= last.updated_at)
                }
                _ => true,
            }
    };
    let named = journal.named(&left.account, &left.video).await?;
    // One that was repeated is the later one.
    Ok(named.into_iter().rev().find(is_it))
}
