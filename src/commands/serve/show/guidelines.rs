//! TikTok's guidelines, and where they are met.

use super::{T, can_edit, frame};
use crate::commands::serve::console::Console;
use crate::console::access::Visitor;
use crate::console::pages::GuidelinesPage;

/// TikTok's guidelines, and where they are met.
pub(crate) fn guidelines(console: &Console, visitor: &Visitor) -> GuidelinesPage {
    let draft = console.posting.drafts.all().unwrap_or_default().into_iter().next();
    GuidelinesPage {
        t: T,
        frame: frame(console, visitor, "/guidelines", T.guidelines),
        draft: draft.filter(|_| can_edit(visitor)).map(|draft| draft.id),
    }
}
