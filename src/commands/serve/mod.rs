//! `serve`: the console in the browser. Gathers what its pages show, and does what their buttons ask for through the
//! functions of the other commands.

use super::Context;
use crate::cli::ServeArgs;
use crate::exit::Exit;
use crate::output::Failure;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &ServeArgs) -> Result<Exit, Failure> {
    _ = (context.shutdown.requested().await, args);
    Ok(Exit::Done)
}
