//! The queue, as it is changed: what has not begun is moved, taken out or composed once more, what failed is tried again.

use super::console::Console;
use super::posting::compose;
use super::posting::draft::Form;
use super::posting::worker::Held;
use super::read::{Stage, StatusPost};
use super::standing::standing;
use super::web::flash::Flash;
use super::web::forms::MoveForm;
use crate::clock;
use crate::console::pages::ENGLISH;
use crate::text::chain;

/// A post of the queue that may be changed, as no run comes to it meanwhile.
#[derive(Debug)]
pub(super) struct Changeable {
    account: String,
    /// Its number in the journal, if TikTok failed it for good.
    pub(super) failed: Option<u32>,
    held: Held,
}

impl Changeable {
    /// The post was changed: what was said of it before is past.
    fn has_changed(&self, console: &Console, id: &str) {
        self.held.has_changed();
        console.posting.live.forget(id);
    }
}

/// Keeps a post of the queue from the run that posts for its account, which goes on with the others; `Err`: why the
/// post cannot be changed. `settles`: what TikTok failed for good is to be settled, and for that the run is stopped.
pub(super) async fn take(console: &Console, id: &str, settles: bool) -> Result<Changeable, Flash> {
    let queue = &console.posting.queue;
    let account_of = || -> Result<Option<String>, Flash> {
        let posts = queue.posts().map_err(|error| Flash::bad(chain(&error)))?;
        let post = posts.iter().find(|entry| entry["id"] == id);
        Ok(post.and_then(|entry| entry["user_id"].as_str()).map(str::to_owned))
    };
    let Some(account) = account_of()? else {
        let record = console.posting.drafts.record(id).ok().flatten();
        return Err(Flash::bad(match record {
            Some(draft) if draft.published_at.is_some() => ENGLISH.posted_already,
            Some(_) => ENGLISH.draft_again,
            None => ENGLISH.not_found,
        }));
    };
    // What has begun is not stopped for a question.
    let mut failed = check(console, id).await?;
    loop {
        let holds = settles && failed.is_some();
        let held = if holds {
            // Nobody settles anything while a run of the account is at work.
            console.workers.hold(&account).await
        } else {
            let held = console.workers.take_in_hand(&account, id).await;
            held.ok_or_else(|| Flash::bad(ENGLISH.begun_already))?
        };
        // What was made until then has left the queue.
        if account_of()?.is_none() {
            return Err(Flash::bad(ENGLISH.posted_already));
        }
        failed = check(console, id).await?;
        if holds || !settles || failed.is_none() {
            return Ok(Changeable { account, failed, held });
        }
    }
}

/// Whether a post may be changed; its number in the journal, if TikTok failed it for good.
async fn check(console: &Console, id: &str) -> Result<Option<u32>, Flash> {
    if console.posting.live.of(id).is_some_and(|progress| progress.is_at_work()) {
        return Err(Flash::bad(ENGLISH.begun_already));
    }
    // What cannot be looked up may have begun.
    let all = standing(console.context()).await.map_err(|_| Flash::bad(ENGLISH.begun_already))?;
    let post = all.into_iter().find(|post| post.id.as_deref() == Some(id));
    let has_failed =
        console.posting.queue.failed().is_ok_and(|all| all.iter().any(|post| post.id() == id));
    match post.as_ref().map_or(Stage::Waiting, StatusPost::stage) {
        Stage::Made => return Err(Flash::bad(ENGLISH.posted_already)),
        Stage::MayBeMade => return Err(Flash::bad(ENGLISH.begun_already)),
        // What failed here nobody sends.
        Stage::Sending if !has_failed => return Err(Flash::bad(ENGLISH.begun_already)),
        Stage::Sending | Stage::Waiting => {}
    }
    Ok(post.filter(|post| post.state == "failed").and_then(|post| post.post))
}

/// Takes a post out of the queue to be composed further, while no run comes to it.
pub(super) async fn reopen(console: &Console, post: &Changeable, id: &str) -> Result<(), Flash> {
    let _alone = console.composing.alone(id).await;
    let told = |why: String| Flash::bad(why);
    // First: it is in the queue, whatever else becomes of the console, until it is a draft again.
    let is_there = console.posting.drafts.reopen(id).map_err(|error| told(chain(&error)))?;
    if !is_there {
        return Err(Flash::bad(ENGLISH.record_gone));
    }
    let removed = console.posting.queue.remove(&post.account, id);
    removed.map_err(|error| told(chain(&error)))?;
    post.has_changed(console, id);
    Ok(())
}

/// Lets a post that failed be posted with the others again, while no run comes to it.
pub(super) fn release(console: &Console, post: &Changeable, id: &str) -> Flash {
    // `None`, pressed twice: it is in the queue again.
    match console.posting.queue.release(id) {
        Ok(account) => {
            post.has_changed(console, id);
            if let Some(account) = account {
                console.workers.wake(&account);
            }
            Flash::good(ENGLISH.tried_again)
        }
        Err(error) => Flash::bad(chain(&error)),
    }
}

/// Takes a post out of the queue, and what is there to post it.
pub(super) async fn take_out(console: &Console, id: &str) -> Flash {
    let post = match take(console, id, false).await {
        Ok(post) => post,
        Err(told) => return told,
    };
    if let Err(error) = console.posting.queue.remove(&post.account, id) {
        return Flash::bad(chain(&error));
    }
    post.has_changed(console, id);
    let drafts = &console.posting.drafts;
    if let Err(error) = drafts.drop_file(id).and_then(|()| drafts.forget(id)) {
        console.context().printer.warn(chain(&error));
    }
    Flash::good(ENGLISH.taken_out)
}

/// Gives a post of the queue another time.
pub(super) async fn move_post(console: &Console, id: &str, form: &MoveForm) -> Flash {
    let time = Form { when: form.when.clone(), at: form.at.clone(), ..Form::default() };
    let now = console.context().settings.clock.now();
    let at = match compose::time(&time, &[], clock::zone(), now) {
        Ok(at) => at,
        Err(wrong) => return Flash::bad(wrong.message),
    };
    let post = match take(console, id, false).await {
        Ok(post) => post,
        Err(told) => return told,
    };
    // The form has it as well, if the post is taken back to it.
    let drafts = &console.posting.drafts;
    if let Err(error) = drafts.set_time(id, &form.when, &form.at) {
        return Flash::bad(chain(&error));
    }
    let moved = console.posting.queue.change(&post.account, |entries| {
        let entry = entries.iter_mut().find(|entry| entry["id"] == id)?;
        match at {
            Some(at) => entry.insert("publish_at".to_owned(), at.into()),
            None => entry.remove("publish_at"),
        };
        Some(())
    });
    match moved {
        Ok(Some(())) => {
            post.has_changed(console, id);
            Flash::good(ENGLISH.moved)
        }
        Ok(None) => Flash::bad(ENGLISH.not_moved),
        Err(error) => Flash::bad(chain(&error)),
    }
}
