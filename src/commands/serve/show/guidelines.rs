//! TikTok's guidelines, and where they are met.

use super::posts::known::told;
use super::{T, can_edit, frame};
use crate::commands::serve::console::Console;
use crate::console::access::Visitor;
use crate::console::pages::GuidelinesPage;

/// TikTok's guidelines, and where they are met.
pub(crate) fn guidelines(console: &Console, visitor: &Visitor) -> GuidelinesPage {
    let (drafts, unread) = console.posting.drafts.all();
    let draft = drafts.into_iter().next();
    let mut frame = frame(console, visitor, "/guidelines", T.guidelines);
    frame.flashes.extend(unread.into_iter().map(told));
    GuidelinesPage { t: T, frame, draft: draft.filter(|_| can_edit(visitor)).map(|draft| draft.id) }
}
