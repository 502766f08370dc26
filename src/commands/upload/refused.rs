//! A manifest that is not posted as it is: every problem at once, under the manifest's name.

use crate::exit::{Exit, Explain};
use crate::model::Diagnostics;
use crate::text;

/// All that is wrong with what a manifest asks for; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{manifest} has {}\n{problems}", text::count(problems.len() as u64, "problem"))]
pub(super) struct Refused {
    /// How the manifest is called.
    pub(super) manifest: String,
    /// What is wrong.
    pub(super) problems: Diagnostics,
    /// How many of them are posts whose account is not logged in.
    pub(super) strangers: usize,
}

impl Explain for Refused {
    fn exit(&self) -> Exit {
        if self.strangers == self.problems.len() { Exit::Login } else { Exit::Usage }
    }

    fn hint(&self) -> Option<String> {
        let login =
            "`tiktok-up login` logs an account in, `tiktok-up accounts` lists those that are";
        Some(match self.strangers {
            0 => "correct this and run again; nothing was sent".to_owned(),
            all if all == self.problems.len() => format!("{login}; nothing was sent"),
            _ => format!("correct this and run again; {login}; nothing was sent"),
        })
    }
}
