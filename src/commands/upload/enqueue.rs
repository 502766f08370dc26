//! `--enqueue`: posts are checked here as far as they can be, and made by whichever worker comes to them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Ready, engine, make_ready, stopped_before};
use crate::cli::RunArgs;
use crate::commands::upload::PostList;
use crate::commands::{Context, about, at_rest};
use crate::engine::{Engine, Prepared, PreparedPost};
use crate::exit::Exit;
use crate::manifest::written;
use crate::model::{Account, Location, Source, recorded_address};
use crate::output::{Failure, moment};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::secret::Secret;
use crate::store::queue::{Added, Wish, WishKey};
use crate::text;

/// That no other machine could come to the posts.
#[derive(Debug, thiserror::Error)]
#[error("only a store that machines share has a queue, and this one is files of this machine")]
pub(in crate::commands) struct NoQueue;

impl Coded for NoQueue {
    fn problem(&self) -> Problem {
        ErrorCode::QueueNotShared.into()
    }
}

/// What becomes of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Added(Added),
    /// It is made already.
    Made,
    /// It is the same post as an earlier one of the list.
    Same,
}

/// Takes the posts of a list into the queue.
pub(in crate::commands) async fn enqueue(
    context: &Context,
    list: &PostList,
    args: &RunArgs,
) -> Result<Exit, Failure> {
    if context.settings.database.is_none() {
        return Err(NoQueue.into());
    }
    let ready = match make_ready(context, list, args).await? {
        Ok(ready) => ready,
        Err(signal) => return Ok(stopped_before(context, signal)),
    };
    let Ready { store, journal, prepared, options, .. } = ready;
    prepared.warnings.iter().for_each(|warning| context.printer.warn(warning.text.as_str()));
    let store = at_rest::unlocked(context, store).await?;
    let queue = store.shared.queue().ok_or(NoQueue)?;
    let made = if args.repost {
        BTreeSet::new()
    } else {
        let tokens = context.tokens(&store).await?;
        let engine =
            engine(context, &tokens, Arc::clone(&store.shared), journal, options, &Arc::default());
        let made = Engine::made(&engine, &prepared).await;
        // Also of what an earlier run has left: a refresh that has begun must reach the store.
        tokens.flush().await;
        made
    };
    let posts = in_order(&prepared);
    let (mut wishes, mut known, mut outcomes) = (Vec::new(), HashSet::new(), Vec::new());
    for (account, post) in &posts {
        if made.contains(&post.post_ref.index) {
            outcomes.push(Some(Outcome::Made));
            continue;
        }
        let wish = wish(account, post)?;
        // As in a run, the first of two that are one post is made.
        let is_first = known.insert((wish.account.clone(), wish.key.clone()));
        outcomes.push((!is_first).then_some(Outcome::Same));
        if is_first {
            wishes.push(wish);
        }
    }
    let mut added = queue.add(wishes).await?.into_iter();
    let mut exit = Exit::Done;
    for ((account, post), outcome) in posts.into_iter().zip(outcomes) {
        let Some(outcome) = outcome.or_else(|| added.next().map(Outcome::Added)) else { continue };
        tell(context, account, post, outcome);
        if outcome == Outcome::Added(Added::InHand) {
            exit = Exit::Temporary;
        }
    }
    Ok(exit)
}

/// The posts in the order of their list.
fn in_order(prepared: &Prepared) -> Vec<(&Account, &PreparedPost)> {
    let all = prepared.accounts.iter();
    let mut posts: Vec<_> =
        all.flat_map(|(account, posts)| posts.iter().map(move |post| (account, post))).collect();
    posts.sort_by_key(|(_, post)| post.post_ref.index);
    posts
}

fn wish(account: &Account, post: &PreparedPost) -> Result<Wish, Failure> {
    let no_text = || {
        let file = post.asked.source.file().map(Location::shown).unwrap_or_default();
        Failure::usage(format!(
            "{}: a path that is not UTF-8 cannot be kept in a queue: rename the file",
            text::quoted(&file)
        ))
    };
    let entry = written(&post.asked, &account.open_id).ok_or_else(no_text)?;
    let key = match &post.asked.id {
        Some(id) => WishKey::Id(id.clone()),
        None => WishKey::Source(place_of(post)),
    };
    Ok(Wish {
        account: account.open_id.clone(),
        key,
        label: post.post_ref.video.clone(),
        publish_at: post.asked.publish_at,
        is_here: post.asked.source.file().is_some_and(|file| file.local().is_some()),
        entry: Secret::unlisted(Value::Object(entry).to_string()),
    })
}

/// A hash of the mode, and of where the content is: as the journal knows it, so that a link is the same however often it
/// is signed.
fn place_of(post: &PreparedPost) -> String {
    let places = match &post.asked.source {
        Source::File(file) => vec![file.recorded().display().to_string()],
        pulled => pulled.urls().iter().map(|url| recorded_address(url)).collect(),
    };
    let place = json!([post.asked.mode.as_str(), places]).to_string();
    blake3::hash(place.as_bytes()).to_hex().to_string()
}

fn tell(context: &Context, account: &Account, post: &PreparedPost, outcome: Outcome) {
    let at = post.asked.publish_at.filter(|at| *at > context.settings.clock.now());
    let (word, words) = match outcome {
        Outcome::Made => ("made", "posted already"),
        Outcome::Added(Added::New) => ("queued", "queued"),
        Outcome::Added(Added::Known) => ("waits", "waits in the queue already"),
        Outcome::Added(Added::Changed) => ("changed", "waits in the queue, as it is asked for now"),
        Outcome::Same => ("same", "the same post as an earlier one of the list, which is queued"),
        Outcome::Added(Added::InHand) => (
            "in_hand",
            "a worker is at its account and may make it as it was: put it in again once `status` tells what came of it",
        ),
        Outcome::Added(Added::Again) => ("again", "had failed, and is queued again"),
    };
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "enqueued",
            "index": post.post_ref.index,
            "id": post.asked.id,
            "video": post.post_ref.video,
            "state": word,
            "publish_at": at.map(|at| at.to_string()),
        });
        printer.json(&about(account, event));
    } else if !printer.options().quiet
        || matches!(outcome, Outcome::Added(Added::New | Added::InHand))
    {
        let at = at.map(|at| format!(" for {}", moment(at))).unwrap_or_default();
        let video = text::shown(&post.post_ref.video);
        printer.data(format!("{}: {video}: {words}{at}", account.name()));
    }
}
