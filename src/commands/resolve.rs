//! `resolve`: a human settles a post whose outcome nobody else can tell.

use serde_json::json;

use crate::auth::Store;
use crate::cli::ResolveArgs;
use crate::commands::status::parse_number;
use crate::commands::{Context, journal};
use crate::exit::{Exit, Failure};
use crate::fs::Lock;

/// Runs the command.
pub(super) fn run(context: &Context, args: &ResolveArgs) -> Result<Exit, Failure> {
    let number = parse_number(&args.post)?;
    let state = &context.settings.home.state;
    let Some(journal) = journal::look(context)? else {
        return Err(Failure::usage(format!("there is no post {number}")));
    };
    let post = journal.post(number)?;
    // An upload that works on this account right now may be about to learn the outcome itself.
    let store = Store::open(state, context.settings.clock)?;
    let _held = Lock::try_acquire(&store.upload_lock(&post.account))?;
    let posted = args.verdict.posted;
    journal.resolve(number, posted)?;
    let printer = &context.printer;
    if printer.is_json() {
        printer.json(&json!({ "event": "resolve", "post": number.0, "posted": posted }));
    } else if posted {
        printer.note(format!("post {number} counts as published; it is not posted again"));
    } else {
        printer.note(format!("post {number} counts as not posted; the next upload may post it"));
    }
    Ok(Exit::Done)
}
