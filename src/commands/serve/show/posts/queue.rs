//! What waits, is under way, and needs somebody.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::known::{hint_beside_buttons, made, name_of, numbers, state_words, tone};
use super::listed::{Listed, Place, listed};
use crate::clock;
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::draft::is_id;
use crate::commands::serve::read::HistoryPost;
use crate::commands::serve::show::{T, can_edit, frame, when, zone_name};
use crate::console::access::Visitor;
use crate::console::pages::{Group, Message, PartLine, QueuePage, QueuePost, Tone};

/// How long a post that was made is listed with the others.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// What waits, is under way, and needs somebody.
pub(crate) async fn queue(console: &Console, visitor: &Visitor) -> QueuePage {
    let (listed, unread) = listed(console).await;
    let own = console.queue_folder();
    let mut groups: Vec<Group> =
        Place::ALL.map(|place| Group { title: place.title(), posts: Vec::new() }).into();
    let mut lately = lately(console).await;
    for post in listed {
        lately.retain(|(number, _)| Some(*number) != post.post.post);
        let title = post.place.title();
        if let Some(group) = groups.iter_mut().find(|group| group.title == title) {
            group.posts.push(row(post, &own));
        }
    }
    groups.retain(|group| !group.posts.is_empty());
    let mut frame = frame(console, visitor, "/queue", T.queue);
    frame.flashes.extend(unread);
    let warned = console.posting.warnings().into_iter();
    frame.flashes.extend(warned.map(|text| Message { tone: Tone::Warn, text, hint: None }));
    let lately = lately.into_iter().map(|(_, line)| line).collect();
    QueuePage { t: T, frame, can_change: can_edit(visitor), zone: zone_name(), groups, lately }
}

fn row(listed: Listed, own: &Path) -> QueuePost {
    let Listed { post, word, progress, choice, .. } = listed;
    let is_at_work = progress.is_some();
    let (at, at_words) = match (post.publish_at, post.not_before) {
        _ if is_at_work => (post.updated_at, T.since),
        (Some(at), _) => (Some(at), T.scheduled_for),
        (None, Some(at)) => (Some(at), T.not_before),
        (None, None) => (post.updated_at, T.since),
    };
    let manifest = post.manifest.as_deref();
    let manifest = manifest.filter(|path| !Path::new(path).starts_with(own)).map(name_of);
    let hint = match choice {
        _ if is_at_work => None,
        None if !post.id.as_deref().is_some_and(is_id) => post.hint.clone(),
        _ => hint_beside_buttons(post.hint.as_deref()),
    };
    let progress = progress.unwrap_or_default();
    QueuePost {
        key: post.id.clone().unwrap_or_default(),
        number: post.post,
        name: name_of(&post.video),
        account: post.account_name(),
        manifest,
        state: state_words(&word).to_owned(),
        tone: tone(&word),
        at: at.map(when),
        at_field: post.publish_at.map(at_field).unwrap_or_default(),
        at_words,
        words: progress.words.clone().or(post.message).unwrap_or_default(),
        hint,
        clash: post.clash,
        sent: progress.sent,
        size: progress.size,
        numbers: numbers(&progress),
        choice,
        id: post.id,
    }
}

/// A time as the field of a form has it.
fn at_field(at: Timestamp) -> String {
    at.to_zoned(clock::zone().clone()).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// What was made a moment ago, the newest first, by the numbers of the posts.
async fn lately(console: &Console) -> Vec<(u32, PartLine)> {
    let now = console.context().settings.clock.now();
    let mut all = made(console, None).await;
    all.retain(|post| now.duration_since(post.posted_at) < LATELY);
    all.sort_by_key(|post| std::cmp::Reverse(post.posted_at));
    all.truncate(5);
    let line = |post: HistoryPost| {
        let line = PartLine {
            id: None,
            name: name_of(&post.video),
            href: Some(format!("/posts/{}", post.post)),
            state: state_words(&post.state).to_owned(),
            tone: tone(&post.state),
            more: format!("{} · {}", post.account_name(), when(post.posted_at).words),
        };
        (post.post, line)
    };
    all.into_iter().map(line).collect()
}
