//! `--enqueue`: posts are checked here as far as they can be, and made by whichever worker comes to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Ready, engine, make_ready, stopped_before};
use crate::cli::RunArgs;
use crate::commands::upload::PostList;
use crate::commands::{Context, about, at_rest};
use crate::engine::{Engine, Prepared, PreparedPost};
use crate::exit::Exit;
use crate::manifest::written;
use crate::model::{Account, Field, Location};
use crate::output::{Failure, moment};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::secret::Secret;
use crate::store::queue::{Added, Wish};
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
    let is_left = |post: &PreparedPost| !made.contains(&post.post_ref.index);
    let left = posts.iter().filter(|(_, post)| is_left(post));
    let wishes = left.map(|(account, post)| wish(account, post)).collect::<Result<Vec<_>, _>>()?;
    let mut added = queue.add(wishes).await?.into_iter();
    for (account, post) in posts {
        let outcome = if made.contains(&post.post_ref.index) {
            Some(Outcome::Made)
        } else {
            added.next().map(Outcome::Added)
        };
        if let Some(outcome) = outcome {
            tell(context, account, post, outcome);
        }
    }
    Ok(Exit::Done)
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
    // Of the same name, else of the same content and mode, it is the same post.
    let key = if let Some(id) = &post.asked.id {
        format!("id {id}")
    } else {
        let of_source = [Field::Mode, Field::VideoPath, Field::VideoUrl, Field::PhotoUrls];
        let source: Vec<_> = of_source.iter().map(|field| entry.get(field.name())).collect();
        format!("source {}", blake3::hash(json!(source).to_string().as_bytes()).to_hex())
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

fn tell(context: &Context, account: &Account, post: &PreparedPost, outcome: Outcome) {
    let at = post.asked.publish_at.filter(|at| *at > context.settings.clock.now());
    let (word, words) = match outcome {
        Outcome::Made => ("made", "posted already"),
        Outcome::Added(Added::New) => ("queued", "queued"),
        Outcome::Added(Added::Known) => ("waits", "waits in the queue already"),
        Outcome::Added(Added::Changed) => ("changed", "waits in the queue, as it is asked for now"),
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
    } else if !printer.options().quiet || matches!(outcome, Outcome::Added(Added::New)) {
        let at = at.map(|at| format!(" for {}", moment(at))).unwrap_or_default();
        let video = text::shown(&post.post_ref.video);
        printer.data(format!("{}: {video}: {words}{at}", account.name()));
    }
}
