//! What asks once more before something is done that cannot be taken back: the browser's own question is no promise.

use super::{T, frame};
use crate::commands::serve::console::Console;
use crate::console::access::Visitor;
use crate::console::pages::ConfirmPage;

/// What somebody has to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger<'a> {
    /// The end of an account's login.
    LogOut(&'a str),
    /// The end of a post that was composed, by its `id`.
    Discard(&'a str),
    /// That a post of the queue is not made, by its `id`.
    TakeOut(&'a str),
    /// That a post, by its number, is not on the profile.
    NotThere(u32),
    /// That TikTok drops a post.
    CallOff(u32),
}

/// The question.
pub(crate) fn ask(console: &Console, visitor: &Visitor, danger: Danger<'_>) -> ConfirmPage {
    let (here, action, back) = match danger {
        Danger::LogOut(id) => ("/accounts", format!("{}/logout", account(id)), "/accounts".into()),
        Danger::Discard(id) => {
            ("/compose", format!("/compose/{id}/discard"), format!("/compose/{id}"))
        }
        Danger::TakeOut(id) => ("/queue", format!("/queue/{id}/cancel"), "/queue".into()),
        Danger::NotThere(post) => {
            ("/queue", format!("/posts/{post}/settle"), format!("/posts/{post}"))
        }
        Danger::CallOff(post) => {
            ("/queue", format!("/posts/{post}/cancel"), format!("/posts/{post}"))
        }
    };
    let (question, help, yes) = match danger {
        Danger::LogOut(_) => (T.ask_logout, T.ask_logout_help, T.sure_logout),
        Danger::Discard(_) => (T.ask_discard, T.ask_discard_help, T.sure_discard),
        Danger::TakeOut(_) => (T.ask_cancel, T.ask_cancel_help, T.sure_cancel),
        Danger::NotThere(_) => (T.ask_not_there, T.ask_not_there_help, T.sure_not_there),
        Danger::CallOff(_) => (T.ask_call_off, T.ask_call_off_help, T.sure_call_off),
    };
    let fields = match danger {
        Danger::NotThere(_) => vec![("verdict", "not_posted".to_owned())],
        _ => Vec::new(),
    };
    let frame = frame(console, visitor, here, question);
    ConfirmPage { t: T, frame, question, help, yes, action, fields, back }
}

/// The address of an account, whatever TikTok has made its `open_id` of.
fn account(open_id: &str) -> String {
    let escaped = url::form_urlencoded::byte_serialize(open_id.as_bytes()).collect::<String>();
    format!("/accounts/{}", escaped.replace('+', "%20"))
}
