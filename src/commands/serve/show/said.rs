//! What is said to those who have no session, and where an address leads nowhere.

use super::{T, bare, frame};
use crate::commands::serve::console::Console;
use crate::console::access::{Refused, Said, SignIn, Visitor};
use crate::console::pages::{Frame, Link, MessagePage, SignInPage, html};

/// The sign-in page.
pub(crate) fn sign_in(asked: &SignIn) -> String {
    let said = asked.said.map(|said| match said {
        Said::WrongLink => T.signin_wrong_link,
        Said::WrongPassword => T.signin_wrong_password,
        Said::Wait(_) => T.signin_wait,
        Said::LinkPrinted => T.signin_printed,
        Said::Unavailable => T.signin_unavailable,
    });
    html(&SignInPage {
        t: T,
        frame: bare(T.signin_title),
        said,
        is_good: asked.said == Some(Said::LinkPrinted),
        has_users: asked.has_users,
        name: asked.name.clone(),
    })
}

/// The page of who was refused.
pub(crate) fn refused(why: Refused) -> String {
    if why == Refused::SignedOut {
        let lines = [T.refused_signed_out, T.refused_typed].map(str::to_owned).into();
        let link = Link { href: "/signin".to_owned(), words: T.signin.to_owned() };
        return html(&MessagePage {
            t: T,
            frame: bare(T.refused_title),
            lines,
            link: Some(link),
            is_beside: true,
        });
    }
    message(bare(T.refused_title), vec![told(why)], "/", T.back)
}

/// The same in words alone.
pub(crate) fn told(why: Refused) -> String {
    let line = match why {
        Refused::Address => T.refused_address,
        Refused::SignedOut => T.refused_signed_out,
        Refused::Stale => T.refused_stale,
        Refused::Role { .. } => T.refused_role,
        Refused::TooLong => T.refused_too_long,
        Refused::Missing => T.refused_missing,
    };
    line.to_owned()
}

pub(crate) fn not_found(console: &Console, visitor: &Visitor) -> String {
    let frame = frame(console, visitor, "", T.not_found_title);
    message(frame, vec![T.not_found.to_owned()], "/", T.back)
}

/// Where TikTok leads a browser back to, on its way to a page.
pub(crate) fn callback(to: &str) -> String {
    message(bare(T.login_title), vec![T.login_waiting.to_owned()], to, T.go_on)
}

fn message(frame: Frame, lines: Vec<String>, href: &str, words: &str) -> String {
    let link = Some(Link { href: href.to_owned(), words: words.to_owned() });
    html(&MessagePage { t: T, frame, lines, link, is_beside: false })
}
