//! What is said of a panic: where it was, but not what it held, which may be a secret.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::process;

use super::failure::Explain as _;
use crate::resources::Shortage;

/// Lets every panic from now on be said here.
pub(crate) fn report_panics() {
    panic::set_hook(Box::new(report));
}

#[expect(
    clippy::exit,
    reason = "a panic that cannot be caught leaves no other way to an exit code"
)]
fn report(panic: &PanicHookInfo<'_>) {
    if let Some(shortage) = Shortage::in_panic(panic) {
        // No thread is needed once a token is being spent, and what else may be under way stands a kill.
        say(&shortage, &shortage.hint().unwrap_or_default());
        process::exit(shortage.exit().code().into());
    }
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    let error = format!("internal error{place}");
    say(&error, &"this is a fault of tiktok-up; please report it");
}

fn say(error: &dyn Display, hint: &dyn Display) {
    // There is nobody to tell that this could not be said.
    _ = io::stderr().write_all(format!("error: {error}\n\nhint: {hint}\n").as_bytes());
}
