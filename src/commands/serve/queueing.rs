//! The queue, as it is changed: what has not begun is moved, taken out or composed once more, what failed is tried again.

use super::console::Console;
use super::posting::compose;
use super::posting::draft::Form;
use super::posting::queue::{QueueEntry, QueueError};
use super::posting::worker::Held;
use super::read::StatusPost;
use super::web::flash::Flash;
use super::web::forms::MoveForm;
use crate::cli::StatusArgs;
use crate::clock;
use crate::commands::status;
use crate::console::pages::ENGLISH;
use crate::text::chain;

/// The account of a post that is in the queue, or waits there as it failed.
fn account_of(console: &Console, id: &str) -> Result<Option<String>, QueueError> {
    let (all, held) = (console.posting.queue.all()?, console.posting.queue.held()?);
    let mut all = all.iter().chain(held.iter().map(|post| &post.entry));
    let entry = all.find(|entry| entry["id"] == id);
    Ok(entry.and_then(|entry| entry["user_id"].as_str()).map(str::to_owned))
}

/// Keeps the account of a post of the queue from being posted for; `Err`: why it cannot be changed.
pub(super) async fn hold_account_of(console: &Console, id: &str) -> Result<(String, Held), Flash> {
    let of = || account_of(console, id).map_err(|error| Flash::bad(chain(&error)));
    let Some(account) = of()? else {
        let record = console.posting.drafts.record(id).ok().flatten();
        return Err(Flash::bad(match record {
            Some(draft) if draft.published_at.is_some() => ENGLISH.posted_already,
            Some(_) => ENGLISH.draft_again,
            None => ENGLISH.not_found,
        }));
    };
    let held = console.workers.hold(&account).await;
    // What was made until it could be held has left the queue.
    if of()?.is_none() || is_begun(console, id).await {
        return Err(Flash::bad(ENGLISH.begun_already));
    }
    Ok((account, held))
}

/// Whether something of a post was sent to TikTok, or may have been. What cannot be looked up may have been.
async fn is_begun(console: &Console, id: &str) -> bool {
    let args = StatusArgs::default();
    let known = console.ask(|context| async move { status::look(&context, &args).await }).await;
    let posts: Vec<StatusPost> = known.all("status");
    let post = posts.into_iter().find(|post| post.id.as_deref() == Some(id));
    // What failed here is sent by nobody else.
    let is_held = console.posting.queue.held().is_ok_and(|all| all.iter().any(|it| it.id() == id));
    let is_begun = |post: StatusPost| if is_held { post.may_be_made() } else { post.is_begun() };
    known.failed.is_some() || post.is_some_and(is_begun)
}

/// The number of a post in the journal that has failed, by its `id`.
pub(super) async fn failed_number(console: &Console, id: &str) -> Option<u32> {
    let args = StatusArgs { all: true, ..StatusArgs::default() };
    let known = console.ask(|context| async move { status::look(&context, &args).await }).await;
    let posts: Vec<StatusPost> = known.all("status");
    let post = posts.into_iter().find(|post| post.id.as_deref() == Some(id))?;
    post.post.filter(|_| post.state == "failed")
}

/// Changes a post of the queue that has not begun, while nothing of its account is posted.
async fn change_post(
    console: &Console,
    id: &str,
    done: &str,
    change: impl FnOnce(&mut Vec<QueueEntry>),
) -> Flash {
    let (account, _held) = match hold_account_of(console, id).await {
        Ok(held) => held,
        Err(told) => return told,
    };
    match console.posting.queue.change(&account, change) {
        Ok(()) => Flash::good(done),
        Err(error) => Flash::bad(chain(&error)),
    }
}

/// Takes a post out of the queue to be composed further, while nothing of its account is posted.
pub(super) async fn reopen(console: &Console, account: &str, id: &str) -> Result<(), Flash> {
    let _alone = console.composing.alone(id).await;
    let told = |why: String| Flash::bad(why);
    // First: it is in the queue, whatever else becomes of the console, until it is a draft again.
    let is_there = console.posting.drafts.reopen(id).map_err(|error| told(chain(&error)))?;
    if !is_there {
        return Err(Flash::bad(ENGLISH.record_gone));
    }
    let is_it = |entry: &QueueEntry| entry["id"] == id;
    console
        .posting
        .queue
        .let_go(id)
        .and_then(|_| console.posting.queue.change(account, |all| all.retain(|it| !is_it(it))))
        .map_err(|error| told(chain(&error)))?;
    console.posting.live.forget(id);
    Ok(())
}

/// Lets a post that failed be posted with the others again.
pub(super) fn release(console: &Console, id: &str) -> Flash {
    match console.posting.queue.release(id) {
        Ok(Some(account)) => {
            console.workers.wake(&account);
            Flash::good(ENGLISH.tried_again)
        }
        Ok(None) => Flash::bad(ENGLISH.not_found),
        Err(error) => Flash::bad(chain(&error)),
    }
}

/// Takes a post out of the queue, and what is there to post it.
pub(super) async fn take_out(console: &Console, id: &str) -> Flash {
    let told = match hold_account_of(console, id).await {
        Ok((account, _held)) => {
            let remove = |entries: &mut Vec<QueueEntry>| entries.retain(|entry| entry["id"] != id);
            // A crash may have left one that failed in both.
            let queue = &console.posting.queue;
            let gone = queue.let_go(id).and_then(|_| queue.change(&account, remove));
            match gone {
                Ok(()) => Flash::good(ENGLISH.taken_out),
                Err(error) => Flash::bad(chain(&error)),
            }
        }
        Err(told) => told,
    };
    if told.is_good() {
        console.posting.live.forget(id);
        let drafts = &console.posting.drafts;
        if let Err(error) = drafts.drop_file(id).and_then(|()| drafts.forget(id)) {
            console.context().printer.warn(chain(&error));
        }
    }
    told
}

pub(super) async fn move_post(console: &Console, id: &str, form: &MoveForm) -> Flash {
    let form = Form { when: form.when.clone(), at: form.at.clone(), ..Form::default() };
    let context = console.context();
    let now = context.settings.clock.now();
    let time = match compose::time(&form, &[], clock::zone(), now) {
        Ok(time) => time,
        Err(wrong) => return Flash::bad(wrong.message),
    };
    let set = |entries: &mut Vec<QueueEntry>| {
        for entry in entries.iter_mut().filter(|entry| entry["id"] == id) {
            match &time {
                Some(at) => _ = entry.insert("publish_at".to_owned(), at.clone().into()),
                None => _ = entry.remove("publish_at"),
            }
        }
    };
    change_post(console, id, ENGLISH.moved, set).await
}
