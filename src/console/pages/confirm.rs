//! The page that asks once more before what cannot be taken back.

use askama::Template;

use super::{Frame, Words};

/// A question, with the form that says yes to it.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    /// What is asked, and what comes of a yes.
    pub(crate) question: &'static str,
    pub(crate) help: &'static str,
    /// What the button says that does it.
    pub(crate) yes: &'static str,
    /// Where the form is sent, with what besides.
    pub(crate) action: String,
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Where a no leads.
    pub(crate) back: String,
}
