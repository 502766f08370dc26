//! A login under way.

use super::{T, frame};
use crate::auth::qr::draw;
use crate::commands::serve::console::Console;
use crate::console::access::Visitor;
use crate::console::pages::LoginPage;

/// A login under way.
pub(crate) fn login(console: &Console, visitor: &Visitor, id: &str) -> LoginPage {
    let state = console.logins.state(id).map(|state| state.borrow().clone());
    let mut frame = frame(console, visitor, "/accounts", T.login_title);
    let is_over = state.as_ref().is_none_or(|state| state.ended.is_some());
    if !is_over {
        frame.refresh = Some(3);
    }
    let Some(state) = state else {
        let id = id.to_owned();
        let notes = Vec::new();
        let state = T.login_gone.to_owned();
        return LoginPage { t: T, frame, id, state, code: None, visit: None, notes, is_over };
    };
    let (words, notes) = match &state.ended {
        Some(Ok(done)) => {
            let name = done.account.display_name.as_deref().unwrap_or(done.account.name());
            let missing = done.missing.iter().map(|scope| format!("`{scope}` was not granted"));
            (format!("{name} {}", T.login_over), missing.collect())
        }
        Some(Err(failed)) => (failed.message.clone(), failed.hint.clone().into_iter().collect()),
        None if state.scanned => (T.login_scanned.to_owned(), state.notes.clone()),
        None => (T.login_waiting.to_owned(), state.notes.clone()),
    };
    LoginPage {
        t: T,
        frame,
        id: id.to_owned(),
        state: words,
        code: state.code.as_deref().filter(|_| !is_over).and_then(draw::vector),
        visit: state.visit.as_ref().filter(|_| !is_over).map(ToString::to_string),
        notes,
        is_over,
    }
}
