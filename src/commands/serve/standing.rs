//! Where all posts stand, as the journal and the last runs tell.

use super::answer::{Failed, ask};
use super::read::StatusPost;
use crate::cli::StatusArgs;
use crate::commands::{Context, status};

/// Every post that is known, those that were made among them.
pub(super) async fn standing(context: Context) -> Result<Vec<StatusPost>, Failed> {
    let args = StatusArgs { all: true, ..StatusArgs::default() };
    let run = |context: Context| async move { status::look(&context, &args).await };
    let answer = ask(context, run).await;
    let posts = answer.all("status");
    answer.failed.map_or(Ok(posts), Err)
}
