//! What the console's buttons do, each by the function of a command, and what is told of it on the page that follows.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use super::Console;
use super::answer::{Answer, Failed, ask};
use crate::cli::{CancelArgs, LogoutArgs, ResolveArgs, Verdict};
use crate::commands::accounts::pause;
use crate::commands::{Context, accounts, cancel, logout, resolve};
use crate::exit::Exit;
use crate::output::Failure;

/// What is told on the next page of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flash {
    /// Whether it went well.
    pub(super) good: bool,
    /// What happened.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
}

impl Flash {
    pub(super) fn good(message: impl Into<String>) -> Self {
        Self { good: true, message: message.into(), hint: None }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { good: false, message: message.into(), hint: None }
    }
}

impl From<Failed> for Flash {
    fn from(failed: Failed) -> Self {
        Self { good: false, message: failed.message, hint: failed.hint }
    }
}

/// What waits to be told, by session.
#[derive(Debug, Default)]
pub(super) struct Flashes(Mutex<HashMap<String, Vec<Flash>>>);

/// So many sessions may have something to be told; those that never come back are forgotten.
const MOST: usize = 256;

impl Flashes {
    pub(super) fn add(&self, session: &str, flash: Flash) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(session) {
            all.clear();
        }
        all.entry(session.to_owned()).or_default().push(flash);
    }

    pub(super) fn take(&self, session: &str) -> Vec<Flash> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(session).unwrap_or_default()
    }
}

/// What a command came to, for the next page: what went wrong, else what it warned of and `done`.
fn told(answer: Answer, done: impl Into<String>) -> Vec<Flash> {
    let mut flashes: Vec<_> = answer.warnings.into_iter().map(Flash::bad).collect();
    match answer.failed {
        Some(failed) => flashes.push(failed.into()),
        None if answer.exit == Exit::Done => flashes.insert(0, Flash::good(done)),
        None => {}
    }
    flashes
}

impl Console {
    /// Runs a command for a page.
    pub(super) async fn ask<R>(&self, run: impl FnOnce(Context) -> R) -> Answer
    where
        R: Future<Output = Result<Exit, Failure>>,
    {
        ask(self.context(), run).await
    }

    /// `accounts alias`.
    pub(super) async fn name_account(&self, open_id: &str, name: &str) -> Vec<Flash> {
        let run = |context: Context| async move { accounts::alias(&context, open_id, name).await };
        told(self.ask(run).await, format!("The account is called {name} now."))
    }

    /// `accounts pause`.
    pub(super) async fn pause_account(&self, open_id: &str) -> Vec<Flash> {
        let run = |context: Context| async move { pause::pause(&context, open_id).await };
        told(self.ask(run).await, "The account is paused: its posts wait.")
    }

    /// `accounts resume`.
    pub(super) async fn resume_account(&self, open_id: &str) -> Vec<Flash> {
        let run = |context: Context| async move { pause::resume(&context, open_id).await };
        told(self.ask(run).await, "The account's posts go on.")
    }

    /// `logout`.
    pub(super) async fn log_out(&self, open_id: &str) -> Vec<Flash> {
        let args = LogoutArgs { account: open_id.to_owned(), local_only: false };
        let run = |context: Context| async move { logout::run(&context, &args).await };
        told(self.ask(run).await, "The account is logged out and forgotten here.")
    }

    /// `resolve`.
    pub(super) async fn settle(&self, number: u32, posted: bool) -> Vec<Flash> {
        let verdict = Verdict { posted, not_posted: !posted };
        let args = ResolveArgs { post: number.to_string(), verdict };
        let run = |context: Context| async move { resolve::run(&context, &args).await };
        let done = if posted {
            format!("Post {number} is settled: it is there.")
        } else {
            format!("Post {number} is settled: it is not there, and may be posted again.")
        };
        told(self.ask(run).await, done)
    }

    /// `cancel`.
    pub(super) async fn call_off(&self, number: u32) -> Vec<Flash> {
        let args = CancelArgs { post: number.to_string() };
        let run = |context: Context| async move { cancel::run(&context, &args).await };
        told(self.ask(run).await, format!("Post {number} is called off: TikTok does not post it."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_told_once() {
        let flashes = Flashes::default();
        flashes.add("a", Flash::good("one"));
        flashes.add("a", Flash::bad("two"));
        flashes.add("b", Flash::good("three"));
        assert_eq!(flashes.take("a"), [Flash::good("one"), Flash::bad("two")]);
        assert_eq!(flashes.take("a"), []);
        assert_eq!(flashes.take("b").len(), 1);
    }
}
