//! `cancel`: call off a post that TikTok is pulling from a URL, or take one out of the queue.

use serde_json::json;

use crate::cli::CancelArgs;
use crate::commands::status::{Questions, parse_number};
use crate::commands::{Context, about_post, journal};
use crate::engine::CallError;
use crate::exit::Exit;
use crate::model::{Phase, PostNumber, RecordedPost, Transfer};
use crate::output::{Failure, post_hint};
use crate::problem::ErrorCode;
use crate::store::queue::Removed;
use crate::text;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// TikTok does not post it.
    CalledOff,
    /// It was over before.
    TooLate,
    /// TikTok has not said yet.
    Unknown,
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &CancelArgs) -> Result<Exit, Failure> {
    if let Some(number) = args.post.strip_prefix('q').and_then(|number| number.parse().ok()) {
        return take_out(context, number).await;
    }
    let number = parse_number(&args.post)?;
    let Some((store, journal)) = journal::existing(context).await? else {
        return Err(Failure::usage(format!("there is no post {number}")));
    };
    let post = journal.post(number).await?;
    may_be_called_off(&post)?;
    let post = if post.phase().is_some_and(Phase::is_over) {
        post
    } else {
        // Also while an upload waits for the same post: that learns from TikTok what came of it.
        let questions = Questions::begin(context, &store, &journal).await?;
        let asked = questions.engine.call_off(post).await;
        // Also after an error: a refresh that has begun must reach the disk before the program ends.
        questions.tokens.flush().await;
        match asked {
            Ok(post) => post,
            Err(CallError::Interrupted(signal)) => return Ok(signal.exit()),
            Err(CallError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let (exit, told) = (error.kind().into(), error.post_error());
                let hint = post_hint(&told);
                let failure = Failure::unexpected(error);
                return Err(Failure { exit, hint, ..failure });
            }
        }
    };
    let outcome = outcome_of(&post);
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "cancel",
            "post": number.0,
            "outcome": match outcome {
                Outcome::CalledOff => "cancelled",
                Outcome::TooLate => "too_late",
                Outcome::Unknown => "unknown",
            },
        });
        let accounts = store.shared.accounts().all().await.unwrap_or_default();
        printer.json(&about_post(&accounts, &post, event));
    }
    Ok(match outcome {
        Outcome::CalledOff => {
            printer.note(words_of_success(number));
            Exit::Done
        }
        Outcome::TooLate => {
            printer.warn(format!(
                "it was too late to call off post {number}; `tiktok-up status {number}` says what came of it"
            ));
            Exit::Failed
        }
        Outcome::Unknown => {
            printer.warn(format!(
                "TikTok was asked to call off post {number} and has not said what came of it; \
                 `tiktok-up status {number}` asks again"
            ));
            Exit::Temporary
        }
    })
}

/// Takes a post out of the queue that nobody is at.
async fn take_out(context: &Context, number: i64) -> Result<Exit, Failure> {
    let none = || Failure::usage(format!("there is no post q{number} in the queue"));
    let store = context.existing_store().await?;
    let queue = store.and_then(|store| store.shared.queue()).ok_or_else(none)?;
    let printer = &context.printer;
    let (outcome, exit) = match queue.remove(number).await? {
        Removed::Unknown => return Err(none()),
        Removed::Out(label) => {
            printer.note(format!(
                "q{number} ({}) is taken out of the queue; what TikTok has of it already, `tiktok-up status` tells",
                text::shown(&label)
            ));
            ("taken_out", Exit::Done)
        }
        Removed::InHand(host) => {
            printer.warn(format!(
                "a worker on {} is at the account of q{number}: try again when it is done, or after \
                 `tiktok-up accounts pause`, which lets it end with the post under way",
                text::plain(&host)
            ));
            ("in_hand", Exit::Temporary)
        }
    };
    if printer.is_json() {
        printer.json(&json!({ "event": "dequeued", "number": number, "outcome": outcome }));
    }
    Ok(exit)
}

/// An error for what TikTok cannot call off, with what to do in its place.
fn may_be_called_off(post: &RecordedPost) -> Result<(), Failure> {
    let number = post.number;
    if post.transfer() != Transfer::Pull {
        return Err(Failure::usage(format!(
            "post {number} is sent from a file, and TikTok has no way to call that off"
        ))
        .hint("stop the run that sends it with Ctrl-C; a video that is posted is deleted in the TikTok app"));
    }
    if post.last.is_none() {
        return Err(Failure::usage(format!("nothing of post {number} was sent"))
            .hint("take it out of its manifest, and it is not posted"));
    }
    Ok(())
}

fn outcome_of(post: &RecordedPost) -> Outcome {
    let cancelled = Some(ErrorCode::FailedCancelled.as_str());
    match &post.last {
        Some(last) if !last.phase.is_over() => Outcome::Unknown,
        Some(last) if last.code.as_deref() == cancelled => Outcome::CalledOff,
        _ => Outcome::TooLate,
    }
}

fn words_of_success(number: PostNumber) -> String {
    format!(
        "post {number} is called off: TikTok does not post it. Take it out of its manifest, as each upload that names \
         it ends with exit code 1; `tiktok-up resolve {number} --not-posted` lets the next one post it after all"
    )
}
