//! What waits, is under way, and needs somebody.

use std::path::Path;

use super::known::{is_unknown, listed, name_of, numbers, part, state_words, tone, word_of};
use super::{T, can_edit, frame, when, zone_name};
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::worker::DONE;
use crate::console::access::Visitor;
use crate::console::pages::{Choice, Group, QueuePage, QueuePost};

/// What waits, is under way, and needs somebody.
pub(crate) async fn queue(console: &Console, visitor: &Visitor) -> QueuePage {
    let (listed, unread) = listed(console).await;
    let held = console.posting.queue.held().unwrap_or_default();
    let own = console.queue_folder();
    let mut groups: Vec<Group> = [T.failed, T.under_way, T.next, T.waits]
        .map(|title| Group { title, posts: Vec::new() })
        .into();
    for (post, is_ours) in listed {
        let Some(title) = part(&post) else { continue };
        let known = post.id.as_deref().and_then(|id| console.posting.live.of(id));
        // It is over, and about to leave the list.
        if known.as_ref().is_some_and(|it| it.ended && DONE.contains(&it.phase.as_str())) {
            continue;
        }
        let live = known.filter(|it| !it.ended);
        let is_begun = live.is_some() || post.publish_id.is_some();
        let word = live.as_ref().map_or(word_of(&post), |live| live.phase.as_str()).to_owned();
        let title = if live.is_some() { T.under_way } else { title };
        let progress = live.clone().unwrap_or_default();
        let (at, at_words) = match (post.publish_at, post.not_before) {
            _ if live.is_some() => (post.updated_at, T.since),
            (Some(at), _) => (Some(at), T.scheduled_for),
            (None, Some(at)) => (Some(at), T.not_before),
            (None, None) => (post.updated_at, T.since),
        };
        let manifest = post.manifest.as_deref();
        let manifest = manifest.filter(|path| !Path::new(path).starts_with(&own)).map(name_of);
        let row = QueuePost {
            key: post.id.clone().unwrap_or_default(),
            id: post.id.clone(),
            number: post.post,
            name: name_of(&post.video),
            account: post.account_name(),
            manifest,
            state: state_words(&word).to_owned(),
            tone: tone(&word),
            at: at.map(when),
            at_words,
            words: progress.words.clone().or(post.message.clone()).unwrap_or_default(),
            hint: post.hint.clone().filter(|_| live.is_none()),
            clash: post.clash,
            sent: progress.sent,
            size: progress.size,
            numbers: numbers(&progress),
            choice: if is_unknown(&post) {
                Some(Choice::Settle)
            } else if post.id.as_deref().is_some_and(|id| held.iter().any(|it| it.id() == id)) {
                Some(Choice::TryAgain)
            } else {
                (is_ours && !is_begun && title != T.failed).then_some(Choice::Change)
            },
        };
        if let Some(group) = groups.iter_mut().find(|group| group.title == title) {
            group.posts.push(row);
        }
    }
    groups.retain(|group| !group.posts.is_empty());
    let mut frame = frame(console, visitor, "/queue", T.queue);
    frame.flashes.extend(unread);
    QueuePage { t: T, frame, can_change: can_edit(visitor), zone: zone_name(), groups }
}
