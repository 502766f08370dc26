//! `serve`: the console in the browser. Gathers what its pages show, and does what their buttons ask for through the
//! functions of the other commands.

mod actions;
mod answer;
mod compose;
mod draft;
mod folders;
mod live;
mod logins;
mod queue;
mod read;
mod spool;
mod worker;

use std::sync::{Arc, PoisonError, RwLock};

use self::draft::Drafts;
use self::live::Live;
use self::logins::Logins;
use self::queue::Queue;
use self::worker::Workers;
use super::Context;
use crate::cli::ServeArgs;
use crate::exit::Exit;
use crate::output::Failure;

/// The console.
#[derive(Debug)]
struct Console {
    /// With the settings as they were read last.
    context: RwLock<Context>,
    queue: Queue,
    drafts: Drafts,
    live: Arc<Live>,
    logins: Logins,
    workers: Workers,
}

impl Console {
    fn context(&self) -> Context {
        self.context.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &ServeArgs) -> Result<Exit, Failure> {
    _ = (context.shutdown.requested().await, args);
    Ok(Exit::Done)
}
