//! `resolve`: a human settles a post: one whose outcome nobody else can tell, one that failed for good, or one
//! that was posted by hand.

use std::time::Duration;

use serde_json::json;

use crate::cli::ResolveArgs;
use crate::commands::status::parse_number;
use crate::commands::{Context, about_post, journal};
use crate::exit::Exit;
use crate::output::Failure;
use crate::store::LeaseKind;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &ResolveArgs) -> Result<Exit, Failure> {
    let number = parse_number(&args.post)?;
    let Some((store, journal)) = journal::existing(context).await? else {
        return Err(Failure::usage(format!("there is no post {number}")));
    };
    let post = journal.post(number).await?;
    // An upload that works on this account right now may be about to learn the outcome itself.
    let lease =
        store.shared.leases().acquire(LeaseKind::Upload, &post.account, Duration::ZERO).await?;
    let posted = args.verdict.posted;
    let before = journal.post(number).await?;
    let settled = journal.resolve(number, posted).await?;
    let changed = settled != before;
    lease.release().await?;
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "resolve",
            "post": number.0,
            "outcome": if posted { "posted" } else { "not_posted" },
            "posted": posted,
            "changed": changed,
        });
        let accounts = store.shared.accounts().all().await.unwrap_or_default();
        printer.json(&about_post(&accounts, &post, event));
    } else {
        printer.note(match (posted, changed) {
            (true, true) => format!("post {number} counts as published; it is not posted again"),
            (true, false) => format!("post {number} counts as published already"),
            (false, true) => {
                format!(
                    "post {number} counts as not posted; the next upload that names it posts it"
                )
            }
            (false, false) => {
                format!("post {number} is settled already: the next upload that names it posts it")
            }
        });
    }
    Ok(Exit::Done)
}
